"""The loop inside XLA.

With a known number of steps it is ``ctx.scan``: rows are read and written by XLA itself, and a state is
carried as its last few rows. Otherwise (the number of steps is only known at run time, or `until` ends the
loop) it is ``lax.while_loop``, which carries a state as its few last rows where no more are kept, else as its
whole buffer.
"""

from collections.abc import Callable

import numpy as np

from theanojax.graph.variable import Constant
from theanojax.loop.after import run_summing, summed_rows
from theanojax.loop.ahead import products_of_all_steps
from theanojax.loop.needs import inner_needs
from theanojax.loop.windows import windows_of
from theanojax.tensor.indexing.subtensor_basic import Subtensor, get_idx_list
from theanojax.tensor.lazy_rows import LARGE, lazy_rows


def lower(op, ctx, node, inputs):
    """The outer outputs of the Scan `op` as traced values."""
    loop = Loop(op, ctx, node, inputs)
    if loop.steps == 0:
        return loop.without_steps()
    if loop.steps is not None and not op.as_while and loop.fits_scan():
        return loop.run_scan()
    return loop.run_while()


class Loop:
    """The loop of one Scan node being traced.

    ``buffers`` are the states as they are given, ``nit_lengths`` the rows that other outputs keep. States and outputs
    whose positions are in ``growing`` have room for all steps, so that no row is written twice. Where it is ``padded``,
    sequences have rows that no step reads.
    """

    growing: frozenset[int] = frozenset()
    padded = False
    lazy: dict[int, Callable] = {}  # outer input -> a function from i to its row i

    def __init__(self, op, ctx, node, inputs):
        self._describe(op, ctx, node)
        inputs = list(inputs)
        steps = inputs[0] if ctx.known(inputs[0]) else ctx.static(node.inputs[0])
        self.steps = None if steps is None else int(steps)
        self.n = inputs[0] if steps is None else np.int64(self.steps)
        if not ctx.known(self.n):
            self.n = self.xp.astype(self.n, "int64")
        self.seqs = list(op.outer_seqs(inputs))
        self.buffers = [self.xp.asarray(b) for b in inputs[op.seqs_arg_offset : op.shared_arg_offset]]
        self.shared = [self.xp.asarray(v) for v in op.outer_shared(inputs)]
        self.nit_lengths = [int(ctx.need(v, value)) for v, value in zip(op.outer_nitsot(node), op.outer_nitsot(inputs))]
        self.non_seqs = [self._plain(v, x) for v, x in zip(op.outer_non_seqs(node), op.outer_non_seqs(inputs))]
        self.statics = dict(ctx.statics)
        for inner, outer in inner_needs(op, node):
            value = ctx.static(outer)
            if value is not None:
                self.statics[inner] = value
        self.lazy = self._lazy_inputs(inputs)
        ctx.guard(self.n >= 0)
        for s in self.seqs:
            ctx.guard(self.n <= np.int64(s.shape[0]))

    def _describe(self, op, ctx, node):
        self.op, self.ctx, self.xp, self.lax, self.node = op, ctx, ctx.xp, ctx.lax, node
        self.counted = getattr(op, "counted", False)
        self.fgraph = op.inner_fgraph()
        self.guarded = False  # whether a step has something to check
        self.first, self.width = rows_around(op)

    def _lazy_inputs(self, inputs):
        """The rows of those sequences, and buffers of gradients, that are computed when they are read."""
        if self.steps == 0:
            return {}
        found = {}
        for k in range(1, self.op.seqs_arg_offset + self.op.n_mit_mot):
            row = lazy_rows(self.ctx, self.node.inputs[k], inputs[k])
            if row is not None:
                found[k] = row
        return found

    def _seq_row(self, k, i):
        """Row `i` of sequence `k`."""
        lazy = self.lazy.get(1 + k)
        return self.row(self.seqs[k], i) if lazy is None else lazy(i)

    def _given_row(self, j, i):
        """Row `i` of the buffer of mit_mot `j`, as it was given."""
        lazy = self.lazy.get(self.op.seqs_arg_offset + j)
        return self.row(self.buffers[j], i) if lazy is None else lazy(i)

    def _is_read(self, j):
        """Whether anything reads what mit_mot `j` is in the end."""
        return bool(getattr(self.node.outputs[j], "clients", True))

    def _is_filled(self, j):
        """Whether steps write straight into the buffer of state `j`: it is large, and read with its initial rows."""
        buffer = self.buffers[j]
        if (
            not isinstance(buffer.size, int)
            or buffer.shape[0] != self.steps + self.first[j]
            or buffer.size * buffer.dtype.itemsize < LARGE
        ):
            return False
        return not all(_starts_at(c, self.first[j]) for c, _ in getattr(self.node.outputs[j], "clients", ()))

    def _plain(self, variable, value):
        """A non-sequence whose value is known is given to the step as plain data."""
        if self.ctx.known(value) or getattr(variable.type, "ndim", 1) != 0:
            return value
        known = self.ctx.static(variable)
        return value if known is None else np.asarray(known, dtype=variable.type.dtype)

    # ---------------------------------------------------------------- one step
    def step(self, rows, taps, shared, made=None):
        """Results of one step: mit_mot slices by state, rows of the other outputs, shared, go on, guards.

        What is `made`, a dict from variables to values, the step need not compute.
        """
        op, fgraph = self.op, self.fgraph
        with self.ctx.sub(dict(inner_needs(op, self.node))) as inner:
            inner.in_loop = True
            inner.statics = self.statics
            values = list(rows) + [t for group in taps for t in group] + list(shared) + self.non_seqs
            made = made or {}
            outs = inner.trace([*fgraph.inputs, *made], fgraph.outputs, [*values, *made.values()])
            ok = self.xp.asarray(inner.ok())
            self.guarded = self.guarded or bool(inner.guards)
        outs = [self.xp.asarray(v) for v in outs]
        go_on = outs.pop() == 0 if op.as_while else self.xp.asarray(True)
        slices, at = [], 0
        for s in op.mit_mot_out_slices[: op.n_mit_mot]:
            slices.append(outs[at : at + len(s)])
            at += len(s)
        n_rows = op.n_mit_sot + op.n_sit_sot + op.n_nit_sot
        return slices, outs[at : at + n_rows], outs[at + n_rows :], go_on, ok

    def fit(self, value, shape):
        """`value` as a row of a buffer of this shape."""
        shape = shape[1:]
        if value.shape == shape:
            return value
        try:
            return self.xp.broadcast_to(value, shape)
        except ValueError:
            return self.ctx.unsupported("a state changes its shape")  # the host knows the error to raise

    # ---------------------------------------------------------------- a known number of steps
    def fits_scan(self):
        """Whether every buffer has room for all steps, or keeps no more than the rows that are read."""
        op, n = self.op, self.steps
        for j, buffer in enumerate(self.buffers):
            length, width = buffer.shape[0], self.width[j]
            if j < op.n_mit_mot:
                if length < n + width - 1 or not writes_in_window(op, j):
                    return False
            elif length < n + self.first[j] and length not in (self.first[j], self.first[j] + 1):
                return False
        others = self.nit_lengths[: op.n_nit_sot - len(op.windows)]
        return not any(1 < length < n for length in others)

    def run_scan(self):
        op, xp, n = self.op, self.xp, self.steps
        mots, rest = range(op.n_mit_mot), range(op.n_mit_mot, op.n_outs)
        # A mit_mot carries a window of rows; at each step the next row of its buffer enters, and the first leaves.
        windows = [[self._given_row(j, np.int64(i)) for i in range(self.width[j] - 1)] for j in mots]
        at_once = [op.seqs_arg_offset + j not in self.lazy for j in mots]
        entering = [
            self.buffers[j][self.width[j] - 1 : self.width[j] - 1 + n] if a else None for j, a in zip(mots, at_once)
        ]
        read = [self._is_read(j) for j in mots]
        kept = [self.buffers[j].shape[0] >= n + self.first[j] for j in rest]
        filled = [self.buffers[j] if k and self._is_filled(j) else None for j, k in zip(rest, kept)]
        # The rows that the taps reach, and one more where it must be returned.
        recent = [[self.buffers[j][i] for i in range(self.first[j])] for j in rest]
        older = [
            None if k or self.buffers[j].shape[0] == self.first[j] else xp.zeros_like(r[0])
            for j, k, r in zip(rest, kept, recent)
        ]
        shapes, nit_lengths = self.nit_shapes(), self.nit_lengths[: op.n_nit_sot - len(op.windows)]
        views = [(w, self._opened(w, shapes)) for w in self.views()]
        last_only = [length == 1 and n != 1 for length in nit_lengths]
        nits = None
        if any(last_only):
            nits = [xp.zeros(s.shape, s.dtype) for s, last in zip(shapes, last_only) if last]
        like = (
            [self.buffers[j][0] if r else None for j, r in zip(mots, read)],
            [self.buffers[j][0] if k and b is None else None for j, k, b in zip(rest, kept, filled)],
            [None if last else s for s, last in zip(shapes, last_only)],
        )
        seqs = [None if 1 + k in self.lazy else xp.asarray(s)[:n] for k, s in enumerate(self.seqs)]
        products = products_of_all_steps(self, seqs)

        def body(carry, xs):
            i, windows, recent, older, filled, nits, view_rows, shared, ok = carry
            rows, entering, made = xs
            rows = [self._seq_row(k, i) if r is None else r for k, r in enumerate(rows)]
            entering = [self._given_row(j, i + (self.width[j] - 1)) if e is None else e for j, e in zip(mots, entering)]
            full = [w + [e] for w, e in zip(windows, entering)]
            taps = [[w[t + self.first[j]] for t in op.tap_array[j]] for j, w in zip(mots, full)]
            taps += [[r[t + self.first[j]] for t in op.tap_array[j]] for j, r in zip(rest, recent)]
            slices, outs, shared, _, good = self.step(rows, taps, shared, dict(zip(products, made)))
            left = [self._leave(j, window, slices[j]) for j, window in zip(mots, full)]
            stacked = []
            new_recent, new_older, new_filled = [], [], []
            for j, k, r, old, b, value in zip(rest, kept, recent, older, filled, outs):
                value = self.fit(value, self.buffers[j].shape)
                new_recent.append([*r[1:], value])
                new_older.append(None if old is None else r[0])
                new_filled.append(None if b is None else self.set_row(b, i + self.first[j], value))
                stacked.append(value if k and b is None else None)
            rows = outs[len(rest) :]
            view_rows = [
                self._keep(w, b, i + w.first, v) for (w, _), b, v in zip(views, view_rows, rows[len(last_only) :])
            ]
            nits = [v for v, last in zip(rows, last_only) if last] if nits is not None else None
            rows = [None if last else v for v, last in zip(rows, last_only)]
            after = i if i is None else i + 1
            carry = after, full, new_recent, new_older, new_filled, nits, view_rows, list(shared), ok & good
            left = [row if r else None for r, row in zip(read, left)]
            return carry, (left, stacked, rows)

        carry = (
            None if not views and not self.lazy and all(b is None for b in filled) else xp.asarray(np.int64(0)),
            windows,
            recent,
            older,
            filled,
            nits,
            [b for _, b in views],
            self.shared,
            xp.asarray(True),
        )
        xs, summed = (seqs, entering, list(products.values())), summed_rows(self, shapes, nit_lengths)
        (_, windows, recent, older, filled, nits, view_rows, shared, ok), (left, stacked, rows) = (
            run_summing(self, summed, body, carry, xs, like)
            if summed
            else self.ctx.scan(body, carry, xs, like, n, op.name)
        )
        if self.guarded:
            self.ctx.guard(ok)
        outs = []
        for j, window, rows_left in zip(mots, windows, left):
            if rows_left is None:
                outs.append(self.buffers[j])
                continue
            parts = [rows_left, *[w[None] for w in window], self.buffers[j][n + self.width[j] - 1 :]]
            outs.append(self._concatenate(parts))
        for j, k, r, old, b, values in zip(rest, kept, recent, older, filled, stacked):
            length = self.buffers[j].shape[0]
            if b is not None:
                outs.append(b)
            elif k:
                outs.append(self._padded([self.buffers[j][: self.first[j]], values], length))
            else:
                outs.append(xp.stack(r if old is None else [old, *r]))
        nits = iter(nits or ())
        for length, last, values in zip(nit_lengths, last_only, rows):
            if last:
                outs.append(next(nits)[None])
            elif values is None:  # a product of them is there
                outs.append(None)
            elif length <= n:
                outs.append(values[n - length :])
            else:
                outs.append(self._padded([values], length))
        return [*outs, *view_rows, *shared]

    def _leave(self, j, window, values):
        """Write the results of a step into the window of mit_mot `j`; takes the first row out and returns it."""
        for t, value in zip(self.op.mit_mot_out_slices[j], values):
            window[t + self.first[j]] = self.fit(value, self.buffers[j].shape)
        return window.pop(0)

    def _concatenate(self, parts):
        parts = [p for p in parts if p.shape[0]]
        return parts[0] if len(parts) == 1 else self.lax.concatenate(parts, 0)

    def _padded(self, parts, length):
        missing = length - sum(p.shape[0] for p in parts)
        if missing:
            parts = [*parts, self.xp.zeros((missing, *parts[0].shape[1:]), parts[0].dtype)]
        return self._concatenate(parts)

    def nit_shapes(self):
        """Shape and dtype of a row of each nit_sot output."""
        if not self.op.n_nit_sot:
            return []

        def rows():
            seqs = [self.row(s, np.int64(0)) if s.shape[0] else self.xp.zeros(s.shape[1:], s.dtype) for s in self.seqs]
            taps = [[b[0]] * len(taps) for b, taps in zip(self.buffers, self.op.tap_array)]
            return self.step(seqs, taps, self.shared)[1][self.op.n_outs - self.op.n_mit_mot :]

        return self.ctx.eval_shape(rows)

    # ---------------------------------------------------------------- some of the rows
    def views(self):
        """The windows of the loop."""
        return windows_of(self.op, self.non_seqs, self.nit_lengths)

    def _opened(self, w, shapes):
        """The rows of the window `w` before the first step, given the `shapes` of a row of each nit_sot."""
        given = [] if w.source is None else [self.buffers[w.source][row] for row in range(w.first)]
        like = given[0] if given else shapes[w.position - self.op.n_outs]
        buffer = self.xp.zeros((w.length, *like.shape), like.dtype)
        for row, value in enumerate(given):
            buffer = self._keep(w, buffer, np.int64(row), value)
        return buffer

    def _keep(self, w, buffer, row, value):
        """`buffer`, the rows of the window `w`, with `value` where it has the row `row`, if it has."""
        if not w.length:
            return buffer
        known = self.ctx.known(w.start)
        if known and self.ctx.known(row):
            at = w.place(int(row))
            return buffer if at is None else self.set_row(buffer, np.int64(at), value)
        value = self.fit(value, buffer.shape)
        steps = row - w.start if w.step > 0 else w.start - row
        at = self.lax.div(steps, np.int64(abs(w.step))) if abs(w.step) > 1 else steps
        if w.whole or (known and self.steps is not None and self._has_all(w)):
            return self.set_row(buffer, at, value)
        inside = (at * abs(w.step) == steps) & (at >= 0) & (at < w.length)
        return self.ctx.with_row_if(inside, buffer, at, value)

    def _has_all(self, w):
        """Whether the window `w` has what every step gives."""
        ends = w.place(w.first), w.place(w.first + self.steps - 1)
        return abs(w.step) == 1 and None not in ends

    def without_steps(self):
        shapes = self.nit_shapes()
        nits = [self.xp.zeros((length, *s.shape), s.dtype) for length, s in zip(self.nit_lengths, shapes)]
        for w in self.views():
            nits[w.position - self.op.n_outs] = self._opened(w, shapes)
        states = [self.xp.stack(self._short_rows(j)) if self._is_short(j) else b for j, b in enumerate(self.buffers)]
        return [*states, *nits, *self.shared, *[np.int64(0)] * self.counted]

    # ---------------------------------------------------------------- steps counted at run time
    def _is_short(self, j):
        """Whether the buffer of state `j` holds the rows that are read and at most one more."""
        return j >= self.op.n_mit_mot and self.buffers[j].shape[0] in (self.first[j], self.first[j] + 1)

    def _short_rows(self, j):
        """The rows of a short buffer, newest last."""
        rows = [self.buffers[j][i] for i in range(self.first[j])]
        spare = self.buffers[j].shape[0] - self.first[j]
        return [self.xp.zeros_like(rows[0])] * spare + rows

    def run_while(self):
        op, lax, xp = self.op, self.lax, self.xp
        shapes = self.nit_shapes()
        views = {w.position: w for w in self.views()}
        first = self.first + [0] * op.n_nit_sot
        lengths = [b.shape[0] for b in self.buffers] + self.nit_lengths
        if (
            op.as_while
            and not self.counted
            and any(b > f + 1 for b, f in zip(lengths[op.n_mit_mot :], first[op.n_mit_mot :]))
        ):
            self.ctx.unsupported("until decides how many rows are returned")
        carried = self._carried(first, lengths, shapes)
        for j, w in views.items():
            carried[j] = [], self._opened(w, shapes)

        def put(j, state, i, value):
            rows, buffer = state
            if j in views:
                return rows, self._keep(views[j], buffer, i + views[j].first, value)
            if j < op.n_outs:
                value = self.fit(value, self.buffers[j].shape)
            if buffer is not None:
                at = i + first[j]
                buffer = self.set_row(buffer, at if j in self.growing else self._wrap(at, lengths[j]), value)
            return [*rows, value][1:] if rows else rows, buffer

        seqs = [xp.asarray(s) if self.steps is None else xp.asarray(s)[: self.steps] for s in self.seqs]
        products = products_of_all_steps(self, [None if 1 + k in self.lazy else s for k, s in enumerate(seqs)])

        def go_on(carry):
            i, going, ok = carry[:3]
            return self.ctx.unless_stopped((i < self.n) & going & ok)

        def body(carry):
            i, _, ok, states, shared = carry
            rows = [self._seq_row(k, i) for k in range(op.n_seqs)]
            windows = [[*states[j][0], self._given_row(j, i + (self.width[j] - 1))] for j in range(op.n_mit_mot)]
            reached = windows + [rows for rows, _ in states[op.n_mit_mot : op.n_outs]]
            taps = [
                [known[t + self.first[j]] if j < op.n_mit_mot else known[len(known) + t] for t in group]
                for j, (group, known) in enumerate(zip(op.tap_array, reached))
            ]
            made = {v: self.row(of_all, i) for v, of_all in products.items()}
            slices, outs, shared, going, good = self.step(rows, taps, shared, made)
            new = []
            for j, window in enumerate(windows):
                left = self._leave(j, window, slices[j])
                buffer = states[j][1]
                new.append((window, None if buffer is None else self.set_row(buffer, i, left)))
            for j, value in enumerate(outs, op.n_mit_mot):
                new.append(put(j, states[j], i, value))
            self.ctx.tell_step(op.name, i + 1, self.n)
            return i + 1, going, ok & good, new, list(shared)

        start = xp.asarray(np.int64(0)), xp.asarray(True), xp.asarray(True), carried, self.shared
        done, _, ok, states, shared = lax.while_loop(go_on, body, start)
        if self.guarded:
            self.ctx.guard(ok)
        return [*self._results(states, done, first, shapes), *shared, *[done] * self.counted]

    def _carried(self, first, lengths, shapes):
        """Each state as (the rows that taps reach, newest last; its buffer), as the loop begins.

        A buffer that is read in the loop is copied at every step: rows of a mit_mot enter its window from the buffer as
        it was given.
        """
        carried = []
        for j, buffer in enumerate(self.buffers):
            if j < self.op.n_mit_mot:
                if not writes_in_window(self.op, j):
                    self.ctx.unsupported("a state is written before it is read")
                self.ctx.guard(self.n <= np.int64(lengths[j] - self.width[j] + 1))
                window = [self._given_row(j, np.int64(i)) for i in range(self.width[j] - 1)]
                carried.append((window, buffer if self._is_read(j) else None))
            elif self._is_short(j):
                carried.append((self._short_rows(j), None))
            else:
                carried.append(([buffer[i] for i in range(first[j])], buffer))
        for length, s in zip(self.nit_lengths, shapes):
            if length <= 1:
                carried.append(([self.xp.zeros(s.shape, s.dtype)] * length, None))
            else:
                carried.append(([], self.xp.zeros((length, *s.shape), s.dtype)))
        return carried

    def _results(self, states, done, first, shapes):
        """The outputs but for shared ones, after `done` steps."""
        outs = []
        for j, (window, buffer) in enumerate(states[: self.op.n_mit_mot]):
            if buffer is None:
                outs.append(self.buffers[j])
                continue
            for k, row in enumerate(window):
                buffer = self.set_row(buffer, done + k, row)
            outs.append(buffer)
        for j, (rows, buffer) in enumerate(states[self.op.n_mit_mot :], self.op.n_mit_mot):
            if buffer is not None:
                as_it_is = j in self.growing or j >= len(self.width) + len(self.nit_lengths) - len(self.op.windows)
                outs.append(buffer if as_it_is else self._in_order(buffer, done + first[j]))
            elif rows:
                outs.append(self.xp.stack(rows))
            else:
                shape = shapes[j - self.op.n_outs]
                outs.append(self.xp.zeros((0, *shape.shape), shape.dtype))
        return outs

    def row(self, x, i):
        return self.lax.dynamic_index_in_dim(self.xp.asarray(x), i, 0, keepdims=False)

    def set_row(self, buffer, i, value):
        return self.lax.dynamic_update_index_in_dim(buffer, value, i, 0)

    def _wrap(self, i, length):
        return i % length if length > 1 else np.int64(0)

    def _in_order(self, buffer, used):
        """A ring of which `used` rows were written, oldest row first; rows never written are 0."""
        length = buffer.shape[0]
        if length > 1:
            buffer = self.xp.roll(buffer, -self.lax.select(used > length, used % length, np.int64(0)), axis=0)
        written = self.xp.arange(length) < used
        return self.xp.where(
            written.reshape((length,) + (1,) * (buffer.ndim - 1)), buffer, self.xp.zeros((), buffer.dtype)
        )


def rows_around(op):
    """For each state of the Scan `op`: the rows before the first one that it writes, and the rows a step may read."""
    first = [-m for m in op.mintaps[: op.n_outs]]
    return first, [max([0, *(t + f for t in taps)]) + 1 for taps, f in zip(op.tap_array, first)]


def writes_in_window(op, j):
    """Whether each step writes mit_mot `j` only at rows that it may also read."""
    first, width = rows_around(op)
    return all(0 <= t + first[j] < width[j] for t in op.mit_mot_out_slices[j])


def _starts_at(client, row):
    """Whether `client` takes all rows from `row` on of its input."""
    if client == "output" or not isinstance(client.op, Subtensor):
        return False
    index = get_idx_list(client.inputs, client.op.idx_list)
    entry = index[0] if len(index) == 1 else None
    return (
        isinstance(entry, slice)
        and entry.stop is None
        and entry.step is None
        and isinstance(entry.start, Constant)
        and int(entry.start.data) == row
    )
