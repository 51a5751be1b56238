"""The loop inside XLA.

With a known number of steps it is ``ctx.scan``: rows are read and written by XLA itself, and a state is
carried as its last few rows. Otherwise (the number of steps is only known at run time, or `until` ends the
loop) it is ``lax.while_loop``, which carries a state as its few last rows where no more are kept, else as its
whole buffer.
"""

import numpy as np

from theanojax.loop.needs import inner_needs


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
    whose positions are in ``growing`` have room for all steps, so that no row is written twice.
    """

    growing: frozenset[int] = frozenset()

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
        ctx.guard(self.n >= 0)
        for s in self.seqs:
            ctx.guard(self.n <= np.int64(s.shape[0]))

    def _describe(self, op, ctx, node):
        self.op, self.ctx, self.xp, self.lax, self.node = op, ctx, ctx.xp, ctx.lax, node
        self.counted = getattr(op, "counted", False)
        self.fgraph = op.inner_fgraph()
        self.guarded = False  # whether a step has something to check
        self.first, self.width = rows_around(op)

    def _plain(self, variable, value):
        """A non-sequence whose value is known is given to the step as plain data."""
        if self.ctx.known(value) or getattr(variable.type, "ndim", 1) != 0:
            return value
        known = self.ctx.static(variable)
        return value if known is None else np.asarray(known, dtype=variable.type.dtype)

    # ---------------------------------------------------------------- one step
    def step(self, rows, taps, shared):
        """Results of one step: mit_mot slices by state, rows of the other outputs, shared, go on, guards."""
        op, fgraph = self.op, self.fgraph
        with self.ctx.sub(dict(inner_needs(op, self.node))) as inner:
            inner.in_loop = True
            inner.statics = self.statics
            values = list(rows) + [t for group in taps for t in group] + list(shared) + self.non_seqs
            outs = inner.trace(fgraph.inputs, fgraph.outputs, values)
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
        return not any(1 < length < n for length in self.nit_lengths)

    def run_scan(self):
        op, xp, n = self.op, self.xp, self.steps
        mots, rest = range(op.n_mit_mot), range(op.n_mit_mot, op.n_outs)
        # A mit_mot carries a window of rows; at each step the next row of its buffer enters, and the first leaves.
        windows = [[self.buffers[j][i] for i in range(self.width[j] - 1)] for j in mots]
        entering = [self.buffers[j][self.width[j] - 1 : self.width[j] - 1 + n] for j in mots]
        kept = [self.buffers[j].shape[0] >= n + self.first[j] for j in rest]
        # The rows that the taps reach, and one more where it must be returned.
        recent = [[self.buffers[j][i] for i in range(self.first[j])] for j in rest]
        older = [
            None if k or self.buffers[j].shape[0] == self.first[j] else xp.zeros_like(r[0])
            for j, k, r in zip(rest, kept, recent)
        ]
        last_only = [length == 1 and n != 1 for length in self.nit_lengths]
        nits, shapes = None, self.nit_shapes()
        if any(last_only):
            nits = [xp.zeros(s.shape, s.dtype) for s, last in zip(shapes, last_only) if last]
        like = (
            [self.buffers[j][0] for j in mots],
            [self.buffers[j][0] if k else None for j, k in zip(rest, kept)],
            [None if last else s for s, last in zip(shapes, last_only)],
        )
        seqs = [xp.asarray(s)[:n] for s in self.seqs]

        def body(carry, xs):
            windows, recent, older, nits, shared, ok = carry
            rows, entering = xs
            full = [w + [e] for w, e in zip(windows, entering)]
            taps = [[w[t + self.first[j]] for t in op.tap_array[j]] for j, w in zip(mots, full)]
            taps += [[r[t + self.first[j]] for t in op.tap_array[j]] for j, r in zip(rest, recent)]
            slices, outs, shared, _, good = self.step(rows, taps, shared)
            left = [self._leave(j, window, slices[j]) for j, window in zip(mots, full)]
            stacked = []
            new_recent, new_older = [], []
            for j, k, r, old, value in zip(rest, kept, recent, older, outs):
                value = self.fit(value, self.buffers[j].shape)
                new_recent.append([*r[1:], value])
                new_older.append(None if old is None else r[0])
                stacked.append(value if k else None)
            rows = outs[len(rest) :]
            nits = [v for v, last in zip(rows, last_only) if last] if nits is not None else None
            rows = [None if last else v for v, last in zip(rows, last_only)]
            carry = full, new_recent, new_older, nits, list(shared), ok & good
            return carry, (left, stacked, rows)

        carry = windows, recent, older, nits, self.shared, xp.asarray(True)
        (windows, recent, older, nits, shared, ok), (left, stacked, rows) = self.ctx.scan(
            body, carry, (seqs, entering), like, n, op.name
        )
        if self.guarded:
            self.ctx.guard(ok)
        outs = []
        for j, window, rows_left in zip(mots, windows, left):
            parts = [rows_left, *[w[None] for w in window], self.buffers[j][n + self.width[j] - 1 :]]
            outs.append(self._concatenate(parts))
        for j, k, r, old, values in zip(rest, kept, recent, older, stacked):
            length = self.buffers[j].shape[0]
            if k:
                outs.append(self._padded([self.buffers[j][: self.first[j]], values], length))
            else:
                outs.append(xp.stack(r if old is None else [old, *r]))
        nits = iter(nits or ())
        for length, last, values in zip(self.nit_lengths, last_only, rows):
            if last:
                outs.append(next(nits)[None])
            elif length <= n:
                outs.append(values[n - length :])
            else:
                outs.append(self._padded([values], length))
        return [*outs, *shared]

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
            seqs = [self._row(s, np.int64(0)) if s.shape[0] else self.xp.zeros(s.shape[1:], s.dtype) for s in self.seqs]
            taps = [[b[0]] * len(taps) for b, taps in zip(self.buffers, self.op.tap_array)]
            return self.step(seqs, taps, self.shared)[1][self.op.n_outs - self.op.n_mit_mot :]

        return self.ctx.eval_shape(rows)

    def without_steps(self):
        nits = [self.xp.zeros((length, *s.shape), s.dtype) for length, s in zip(self.nit_lengths, self.nit_shapes())]
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
        first = self.first + [0] * op.n_nit_sot
        lengths = [b.shape[0] for b in self.buffers] + self.nit_lengths
        if (
            op.as_while
            and not self.counted
            and any(b > f + 1 for b, f in zip(lengths[op.n_mit_mot :], first[op.n_mit_mot :]))
        ):
            self.ctx.unsupported("until decides how many rows are returned")
        carried = self._carried(first, lengths, shapes)

        def put(j, state, i, value):
            rows, buffer = state
            if j < op.n_outs:
                value = self.fit(value, self.buffers[j].shape)
            if buffer is not None:
                at = i + first[j]
                buffer = self._set_row(buffer, at if j in self.growing else self._wrap(at, lengths[j]), value)
            return [*rows, value][1:] if rows else rows, buffer

        def go_on(carry):
            i, going, ok = carry[:3]
            return self.ctx.unless_stopped((i < self.n) & going & ok)

        def body(carry):
            i, _, ok, states, shared = carry
            rows = [self._row(s, i) for s in self.seqs]
            windows = [
                [*states[j][0], self._row(self.buffers[j], i + (self.width[j] - 1))] for j in range(op.n_mit_mot)
            ]
            reached = windows + [rows for rows, _ in states[op.n_mit_mot : op.n_outs]]
            taps = [
                [known[t + self.first[j]] if j < op.n_mit_mot else known[len(known) + t] for t in group]
                for j, (group, known) in enumerate(zip(op.tap_array, reached))
            ]
            slices, outs, shared, going, good = self.step(rows, taps, shared)
            new = []
            for j, window in enumerate(windows):
                left = self._leave(j, window, slices[j])
                new.append((window, self._set_row(states[j][1], i, left)))
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
                carried.append(([buffer[i] for i in range(self.width[j] - 1)], buffer))
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
        for window, buffer in states[: self.op.n_mit_mot]:
            for k, row in enumerate(window):
                buffer = self._set_row(buffer, done + k, row)
            outs.append(buffer)
        for j, (rows, buffer) in enumerate(states[self.op.n_mit_mot :], self.op.n_mit_mot):
            if buffer is not None:
                outs.append(buffer if j in self.growing else self._in_order(buffer, done + first[j]))
            elif rows:
                outs.append(self.xp.stack(rows))
            else:
                shape = shapes[j - self.op.n_outs]
                outs.append(self.xp.zeros((0, *shape.shape), shape.dtype))
        return outs

    def _row(self, x, i):
        return self.lax.dynamic_index_in_dim(self.xp.asarray(x), i, 0, keepdims=False)

    def _set_row(self, buffer, i, value):
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
