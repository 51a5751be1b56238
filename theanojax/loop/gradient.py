"""The gradient of a Scan: another Scan, which runs over the steps in reverse.

Each state of the loop becomes a mit_mot of the gradient: its buffer starts as the gradient that arrives from
outside, and every reversed step adds to the rows that the forward step has read. Gradients with respect to
non-sequences are sums, kept as sit_sot; those with respect to sequences are one row a step, nit_sot.
"""

from collections import OrderedDict

import theanojax.tensor as T
from theanojax.config import config
from theanojax.gradient import grad
from theanojax.graph.connection import io_connection_pattern
from theanojax.graph.gradient_types import DisconnectedType, grad_undefined
from theanojax.graph.replace import forced_replace
from theanojax.graph.traverse import inputs as graph_inputs
from theanojax.graph.type import NullType
from theanojax.graph.variable import Constant
from theanojax.loop.checks import INTEGER_DTYPES
from theanojax.loop.inner_graph import safe_new
from theanojax.scalar.types import upcast


def connection_pattern(op, node):
    """For each outer input, for each outer output, whether they are connected, through any number of steps."""
    inner = io_connection_pattern(op.inputs, op.outputs)
    maps, n_outputs = op.var_mappings, len(node.outputs)
    columns = []
    for o in range(n_outputs):
        outs = maps["inner_out_from_outer_out"][o]
        columns.append(
            {
                i
                for i in range(len(node.inputs))
                if any(inner[k][out] for k in maps["inner_inp_from_outer_inp"][i] for out in outs)
            }
        )
    state_of = maps["outer_inp_from_outer_out"]
    grew = True
    while grew:  # what a state depends on reaches whatever reads the state
        grew = False
        for column in columns:
            for j in range(n_outputs):
                if state_of[j] in column and not columns[j] <= column:
                    column |= columns[j]
                    grew = True
    return [[i in column for column in columns] for i in range(len(node.inputs))]


def pull_back(op, inputs, outs, output_grads):
    """The gradient for each outer input, given those of the outer outputs `outs`."""
    return _PullBack(op, inputs, outs, output_grads).gradients()


def _disconnected(v):
    return isinstance(v.type, DisconnectedType)


def _is_null(v):
    return isinstance(v.type, NullType)


def _placeholder(v, dtype=None):
    """A free variable like `v`, for the inner graph of the gradient."""
    new = safe_new(v, dtype=dtype)
    return new.type() if isinstance(new, Constant) else new


class _Row:
    """What becomes of one input of the loop: `verdict` tells whether its gradient exists, `why` why it is null."""

    def __init__(self, verdict, why=None):
        self.verdict, self.why = verdict, why


class _PullBack:
    def __init__(self, op, inputs, outs, output_grads):
        self.T, self.op = T, op
        self.inputs, self.outs, self.output_grads = inputs, outs, output_grads
        self.node = outs[0].owner
        self.n_steps, self.grad_steps = self._steps()
        op_in, op_out = op.inputs, op.outputs
        self.wrt = (
            op.inner_seqs(op_in)
            + op.inner_mitmot(op_in)
            + op.inner_mitsot(op_in)
            + op.inner_sitsot(op_in)
            + op.inner_non_seqs(op_in)
        )
        self.results = (
            op.inner_mitmot_outs(op_out)
            + op.inner_mitsot_outs(op_out)
            + op.inner_sitsot_outs(op_out)
            + op.inner_nitsot_outs(op_out)
        )
        self.n_states_in = op._taps_before(op._n_states)
        self.shared = set(op.inner_shared(op_in))

    def _steps(self):
        """How many steps the loop has done, and how many the gradient goes back."""
        op, outs = self.op, self.outs
        if op.n_nit_sot > 0:
            steps = op.outer_nitsot_outs(outs)[0].shape[0]
        elif op.n_sit_sot > 0:
            steps = op.outer_sitsot_outs(outs)[0].shape[0] - 1
        elif op.n_mit_sot > 0:
            steps = op.outer_mitsot_outs(outs)[0].shape[0] + op.mintaps[op.n_mit_mot]
        else:
            steps = self.inputs[0]
        if not op.as_while:
            done = self.inputs[0]
        else:
            done = steps if op.n_outs else outs[0].shape[0]
        if op.truncate_gradient != -1:
            steps = self.T.minimum(steps, op.truncate_gradient)
        return done, steps

    # ---------------------------------------------------------------- one step
    def _incoming(self):
        """A placeholder for the gradient of each result of a step; None for an unused output without taps."""
        op = self.op
        first_nit = len(op.inner_mitmot_outs(op.outputs)) + op.n_mit_sot + op.n_sit_sot
        states = op.inputs[op.n_seqs : op.n_seqs + self.n_states_in]
        incoming = []
        for i, result in enumerate(self.results):
            if i >= first_nit:
                g = self.output_grads[op.n_outs + i - first_nit]
                incoming.append(None if _disconnected(g) else _placeholder(g[0]))
                continue
            used = set(graph_inputs([result]))
            dtypes = []
            for k, state in enumerate(states, op.n_seqs):
                g = self.output_grads[op.var_mappings["outer_out_from_inner_inp"][k]]
                if state in used and not _disconnected(g):
                    dtypes.append(g.dtype)
            incoming.append(_placeholder(result, dtype=upcast(*dtypes) if dtypes else config.floatX))
        return incoming

    def _step_gradients(self):
        """Gradients of one step for `self.wrt`; None where there is none."""
        op = self.op
        known = OrderedDict()
        for result, g in zip(self.results, self.incoming):
            if g is not None:
                known[result] = known[result] + g if result in known else g
        for g in known.values():
            if str(g.dtype) in INTEGER_DTYPES:
                raise TypeError("Gradients may never be integers but g_y has type " + str(g.type))
        pattern, maps = op.connection_pattern(self.node), op.var_mappings
        outer = [maps["outer_out_from_inner_out"][op.outputs.index(v)] for v in known]
        place = {v: i for i, v in reversed(list(enumerate(op.inputs)))}
        candidates = set(self.wrt)
        wrt = [
            v
            for v in graph_inputs(list(known))
            if v in candidates and any(pattern[maps["outer_inp_from_inner_inp"][place[v]]][o] for o in outer)
        ]
        # Copies, so that a result used by another result gets both its own gradient and that one.
        known = OrderedDict((v.copy(), g) for v, g in known.items())
        grads = grad(
            cost=None,
            known_grads=known,
            wrt=wrt,
            consider_constant=wrt,
            disconnected_inputs="ignore",
            return_disconnected="None",
            null_gradients="return",
        )
        found = dict(zip(wrt, grads))
        return [found.get(v) for v in self.wrt]

    def _build_step(self):
        op = self.op
        self.incoming = self._incoming()
        grads = self._step_gradients()
        self.connected = [g is not None for g in grads]
        # The step's results need not be computed again: they are read from the outputs of the loop.
        results = self.results[op.n_mit_mot_outs :]
        self.known_results = [_placeholder(v) for v in results]
        for i, g in enumerate(grads):
            if g is None:
                grads[i] = self.T.zeros_like(self.wrt[i])
                continue
            for result, known in zip(results, self.known_results):
                g = forced_replace(g, result, known)
            grads[i] = g
        # What has been gathered so far, from later steps.
        self.gathered = []
        for k, g in enumerate(grads[op.n_seqs :]):
            outs = op.var_mappings["inner_out_from_inner_inp"][op.n_seqs + k] if k < self.n_states_in else []
            if outs:
                like = self.incoming[outs[0]]
                self.gathered.append(_placeholder(like))
                if hasattr(g, "dtype") and g.dtype != like.dtype:
                    g = g.astype(like.dtype)
            else:
                self.gathered.append(_placeholder(g))
            grads[op.n_seqs + k] = g
        self.step_grads = grads

    def _total(self, k, gathered=None):
        """The gradient for input `k` of the step, added to what was gathered."""
        g = self.step_grads[k]
        if _is_null(g):
            # A null gradient has no value; zeros stand for it inside the loop.
            return self.T.zeros(self.wrt[k].shape, dtype=config.floatX)
        if gathered is None:
            gathered = self.gathered[k - self.op.n_seqs]
        return gathered if _is_null(gathered) else g + gathered

    def _verdict(self, ks):
        """What is to be said of a gradient gathered from the inputs `ks` of the step."""
        nulls = [self.step_grads[k].type.why_null for k in ks if _is_null(self.step_grads[k])]
        if nulls:
            return _Row("null", nulls[-1])
        if self.shared and any(self.shared & set(graph_inputs([self.step_grads[k]])) for k in ks):
            return _Row("through_shared")
        return _Row("connected" if any(self.connected[k] for k in ks) else "disconnected")

    # ---------------------------------------------------------------- the reversed loop
    def _reversed_seqs(self):
        """What the reversed loop reads: all that the forward loop read and wrote, and gradients of its rows."""
        op, outs = self.op, self.outs
        if op.as_while:
            seqs = [x[self.n_steps - 1 :: -1] for x in op.outer_seqs(self.inputs)]
        else:
            seqs = [x[::-1] for x in op.outer_seqs(self.inputs)]
        for i in range(op.n_mit_mot + op.n_mit_sot):
            first = min(op.tap_array[i])
            last = max(op.mitmot_out_taps()[i]) if i < op.n_mit_mot else 0
            for tap in op.tap_array[i]:
                rows = outs[i][tap - first : tap - last] if last != tap else outs[i][tap - first :]
                seqs.append(rows[::-1])
        seqs += [x[:-1][::-1] for x in op.outer_sitsot_outs(outs)]
        for g in op.outer_nitsot_outs(self.output_grads):
            if not _disconnected(g):
                seqs.append(g[self.n_steps - 1 :: -1] if op.as_while else g[::-1])
        seqs += [x[::-1][: min(taps)] for taps, x in zip(op.mitsot_taps(), op.outer_mitsot_outs(outs))]
        seqs += [x[::-1][:-1] for x in op.outer_sitsot_outs(outs)]
        seqs += [x[::-1] for x in op.outer_nitsot_outs(outs)]
        return [s[: self.grad_steps] for s in seqs]

    def _buffer(self, i, k):
        """The gradient that arrives at state `i` from outside, in reversed order."""
        g, out = self.output_grads[i], self.outs[i]
        if not _disconnected(g):
            return g[::-1]
        if i < self.op.n_tap_outs:
            return self.T.zeros_like(out)
        step = self.step_grads[k]
        return self.T.zeros(out.shape, dtype=config.floatX if _is_null(step) else step.dtype)

    def _states(self):
        """Fill the mit_mots of the reversed loop, one for each state."""
        op = self.op
        self.buffers, self.state_in, self.state_out = [], [], []
        self.in_taps, self.out_taps, self.rows = [], [], []
        k, slot = op.n_seqs, 0
        for i, taps in enumerate(op.tap_array):
            written = op.mit_mot_out_slices[i] if i < op.n_mit_mot else [0]
            ks = range(k, k + len(taps))
            # Backwards in time, tap t of the loop is tap -t.
            here = OrderedDict((-t, self.incoming[slot + j]) for j, t in enumerate(written))
            for n, t in zip(ks, taps):
                if -t in here:
                    # The step has overwritten this row: what arrives at the new value does not reach the old one
                    # but through the step.
                    self.state_out.append(self._overwritten(n))
                else:
                    here[-t] = self.gathered[n - op.n_seqs]
                    self.state_out.append(self._total(n))
            self.buffers.append(self._buffer(i, k))
            self.state_in += here.values()
            self.in_taps.append(list(here))
            self.out_taps.append([-t for t in taps])
            self.rows.append(self._verdict(ks))
            k, slot = k + len(taps), slot + len(written)

    def _overwritten(self, k):
        g = self.step_grads[k]
        return self.T.zeros(self.wrt[k].shape, dtype=config.floatX) if _is_null(g) else g

    def _sums(self):
        """The sit_sots of the reversed loop: gradients for non-sequences, summed over the steps."""
        op, T = self.op, self.T
        first = op.n_seqs + self.n_states_in
        self.sum_outer, self.sum_in, self.sum_out, self.sum_rows = [], [], [], []
        for k, x in enumerate(op.outer_non_seqs(self.inputs), first):
            gathered = self.gathered[k - op.n_seqs]
            self.sum_out.append(self._total(k))
            if _is_null(gathered):
                gathered = T.zeros(self.wrt[k].shape, dtype=config.floatX).type()
            self.sum_in.append(gathered)
            self.sum_outer.append(
                T.zeros([self.grad_steps + 1] + [x.shape[i] for i in range(x.ndim)], dtype=gathered.dtype)
            )
            self.sum_rows.append(self._verdict([k]))

    def _loop(self):
        """The outputs of the reversed loop: states, sums, rows for the sequences."""
        op = self.op
        self._build_step()
        self._states()
        self._sums()
        self.seq_rows = [self._verdict([k]) for k in range(op.n_seqs)]
        row_out = [self._overwritten(k) for k in range(op.n_seqs)]
        seqs = self._reversed_seqs()
        nit_in = (
            [g for g in self.incoming[len(self.incoming) - op.n_nit_sot :] if g is not None] if op.n_nit_sot else []
        )
        inner_in = (
            self.wrt[: op.n_seqs + self.n_states_in]
            + nit_in
            + self.known_results
            + self.state_in
            + self.sum_in
            + op.inner_shared(op.inputs)
            + op.inner_non_seqs(op.inputs)
        )
        info = OrderedDict(
            n_seqs=len(seqs),
            n_mit_sot=0,
            tap_array=self.in_taps + [[-1] for _ in self.sum_in],
            gpua=False,
            n_mit_mot=len(self.buffers),
            n_mit_mot_outs=len(self.state_out),
            mit_mot_out_slices=self.out_taps,
            truncate_gradient=op.truncate_gradient,
            n_sit_sot=len(self.sum_in),
            n_shared_outs=0,
            n_nit_sot=op.n_seqs,
            as_while=False,
            profile=op.profile,
            destroy_map=OrderedDict(),
            name="grad_of_" + op.name if op.name else None,
            mode=op.mode,
            allow_gc=op.allow_gc,
        )
        outer = (
            [self.grad_steps]
            + seqs
            + self.buffers
            + self.sum_outer
            + [self.n_steps] * op.n_seqs
            + list(op.outer_shared(self.inputs))
            + list(op.outer_non_seqs(self.inputs))
        )
        return type(op)(inner_in, self.state_out + self.sum_out + row_out, info)(*outer, return_list=True)

    # ---------------------------------------------------------------- what the user gets
    def gradients(self):
        op = self.op
        outputs = self._loop()
        n_states, n_sums = len(self.buffers), len(self.sum_in)
        states, sums, rows = outputs[:n_states], outputs[n_states : n_states + n_sums], outputs[n_states + n_sums :]
        found = [DisconnectedType()()]
        for values, verdicts in ((rows, self.seq_rows), (states, self.rows)):
            for value, row in zip(values, verdicts):
                found.append(self._gradient(row, len(found), lambda x=value: self._forward_order(x)))
        found += [self._of_shared(len(found) + i) for i in range(op.n_shared_outs)]
        found += [DisconnectedType()() for _ in range(op.n_nit_sot)]
        for value, row in zip(sums, self.sum_rows):
            found.append(self._gradient(row, len(found), lambda x=value: x[-1]))
        # Zeros have stood for missing gradients inside the loop.
        for i, connected in enumerate(op.connection_pattern(self.node)):
            if not any(c and not _disconnected(g) for c, g in zip(connected, self.output_grads)):
                found[i] = DisconnectedType()()
        return found

    def _gradient(self, row, position, value):
        if row.verdict == "connected":
            return value()
        if row.verdict == "disconnected":
            return DisconnectedType()()
        if row.verdict == "through_shared":
            return grad_undefined(self.op, position, self.inputs[position], "Depends on a shared variable")
        return NullType(row.why)()

    def _forward_order(self, x):
        if not self.op.as_while:
            return x[::-1]
        # Rows that the loop has not come to have no gradient.
        shape = (self.inputs[0] - self.n_steps, *[x.shape[i] for i in range(1, x.ndim)])
        return self.T.concatenate([x[::-1], self.T.zeros(shape, dtype=x.dtype)], axis=0)

    def _of_shared(self, position):
        connected = self.op.connection_pattern(self.node)[position]
        if any(c and not _disconnected(g) for c, g in zip(connected, self.output_grads)):
            return grad_undefined(self.op, position, self.inputs[position], "Shared Variable with update")
        return DisconnectedType()()
