"""The loop as a Python loop over numpy arrays: exact Theano semantics for any inner graph."""

from contextlib import nullcontext

import numpy as np

from theanojax.graph import above
from theanojax.loop.windows import windows_of
from theanojax.printing.progress import loops_tell, of_loop


class HostLoop:
    """Runs the loop of one Scan, step by step.

    Parameters
    ----------
    op : Scan
    fgraph : its inner graph, as it is or rewritten. The stop condition, if any, is the last output.
    step : maps the values of its inputs to those of its outputs; by default the graph is run by an `executor`.
    executor : HostExecutor, or a class that is made and called like it.
    """

    def __init__(self, op, fgraph, step=None, executor=None):
        self.op = op
        self.outputs = fgraph.outputs
        self.step = step
        if step is not None:
            return
        n_taps = op._taps_before(op._n_states)
        states = range(op.n_seqs, op.n_seqs + n_taps + op.n_shared_outs)
        self.step = (executor or above.HostExecutor)(fgraph, allow_gc=op.allow_gc, own=_Detach(states))

    def run(self, node, args, cells):
        """Do the steps; fill `cells`, one per output of `node`. Returns the number of steps done."""
        op = self.op
        n_steps = int(args[0])
        seqs = op.outer_seqs(args)
        check_lengths(node, n_steps, seqs)
        state = _State(op, node, args)
        shared = list(op.outer_shared(args))
        non_seqs = list(op.outer_non_seqs(args))
        first_shared = len(self.outputs) - op.n_shared_outs - bool(op.as_while)
        done, go_on = 0, True
        tell = of_loop(op.name, n_steps) if n_steps > 1 and loops_tell() else None
        if n_steps == 0:
            state.allocate(self._shapes_without_steps(args))
        with nullcontext() if tell is None else tell:
            while done < n_steps and go_on:
                values = self.step([s[done, ...] for s in seqs] + state.read() + shared + non_seqs)
                if op.as_while:
                    go_on = values[-1] == 0
                shared = values[first_shared : first_shared + op.n_shared_outs]
                state.write(values, done)
                done += 1
                if tell is not None:
                    tell(done)
        state.finish(done, n_steps)
        for cell, value in zip(cells, state.buffers + list(shared)):
            cell[0] = value
        return done

    def _shapes_without_steps(self, args):
        """Shapes that one row of the nit_sot outputs would have, found by a step on zeros."""
        op = self.op
        if not op.n_nit_sot:
            return []
        values = [np.zeros(s.shape[1:], s.dtype) for s in op.outer_seqs(args)]
        for taps, buffer in zip(op.tap_array, args[op.seqs_arg_offset : op.shared_arg_offset]):
            values += [np.zeros(buffer.shape[1:], buffer.dtype) for _ in taps]
        values += list(op.outer_shared(args)) + list(op.outer_non_seqs(args))
        return [np.shape(v) for v in op.inner_nitsot_outs(self.step(values))]


class _State:
    """The output buffers of a running loop. A buffer shorter than the loop is used as a ring."""

    def __init__(self, op, node, args):
        self.op, self.types = op, [v.type for v in node.outputs]
        given = args[op.seqs_arg_offset : op.shared_arg_offset]
        inplace = op.destroy_map or ()
        self.buffers = [a if i in inplace else np.array(a) for i, a in enumerate(given)]
        self.lengths = [len(b) for b in self.buffers] + [int(n) for n in op.outer_nitsot(args)]
        self.buffers += [None] * op.n_nit_sot
        self.first = [-m for m in op.mintaps]  # rows that hold the initial state
        self.pos = [f % n if n else 0 for f, n in zip(self.first, self.lengths)]
        starts = [int(v) for v in args[len(args) - len(op.windows) :]]
        self.windows = {w.position: w for w in windows_of(op, starts, self.lengths)}
        for j, w in self.windows.items():
            if w.source is not None:
                state = given[w.source]
                self.buffers[j] = np.zeros((w.length, *state.shape[1:]), self.types[j].dtype)
                for row in range(w.first):
                    self._keep(w, row, state[row])

    def allocate(self, shapes):
        for j, shape in enumerate(shapes, self.op._n_states):
            if self.buffers[j] is None:
                self.buffers[j] = np.zeros((self.lengths[j], *shape), self.types[j].dtype)

    def _keep(self, window, row, value):
        at = window.place(row)
        if at is not None:
            self.buffers[window.position][at] = value

    def read(self):
        rows = []
        for taps, buffer, pos, length in zip(self.op.tap_array, self.buffers, self.pos, self.lengths):
            rows += [buffer[(pos + tap) % length, ...] for tap in taps]
        return rows

    def write(self, values, done):
        op, buffers, pos = self.op, self.buffers, self.pos
        k = 0
        for j in range(op.n_mit_mot):
            for tap in op.mit_mot_out_slices[j]:
                buffers[j][tap + pos[j]] = values[k]
                k += 1
        if done == 0:
            self.allocate([np.shape(v) for v in op.inner_nitsot_outs(values)])
        for j in range(op.n_mit_mot, len(buffers)):
            try:
                if j in self.windows:
                    self._keep(self.windows[j], done + self.windows[j].first, values[k])
                else:
                    buffers[j][pos[j]] = values[k]
            except ValueError as e:
                if done == 0 or j >= op._n_states:
                    raise
                raise ValueError(
                    "An output of the scan has changed shape. This may be caused by a pushout "
                    "optimization. Try adding 'optimizer_excluding=scanOp_pushout_output' to your "
                    "Theano flags."
                ) from e
            k += 1
        self.pos = [(p + 1) % n if n else 0 for p, n in zip(pos, self.lengths)]

    def finish(self, done, n_steps):
        """Put rings in order, clear rows that no step has written, cut what `until` left over."""
        for j in range(self.op.n_mit_mot, len(self.buffers) - len(self.windows)):
            used = done + self.first[j]
            if done == 0 and j < self.op.n_outs and self.lengths[j] == used + 1:
                # Only the last rows are wanted of such a buffer: let them be the initial state.
                self.buffers[j] = np.roll(self.buffers[j], 1, axis=0)
            elif self.lengths[j] < used:
                if self.pos[j]:
                    self.buffers[j] = np.roll(self.buffers[j], -self.pos[j], axis=0)
            elif self.lengths[j] > used:
                self.buffers[j][used:] = 0
                if done < n_steps:
                    self.buffers[j] = self.buffers[j][: done - n_steps]


class _Detach:
    """Copies those results of a step that are views of the states it read, which are about to change."""

    def __init__(self, states):
        self.states = states

    def __call__(self, outputs, inputs):
        read = [inputs[i] for i in self.states if isinstance(inputs[i], np.ndarray)]
        return [
            v.copy() if isinstance(v, np.ndarray) and any(np.may_share_memory(v, r) for r in read) else v
            for v in outputs
        ]


def check_lengths(node, n_steps, seqs):
    """Raise IndexError for a negative number of steps, ValueError for a sequence that is too short."""
    if n_steps < 0:
        raise IndexError("Scan was asked to run for negative number of step %d" % n_steps)
    for i, seq in enumerate(seqs):
        if seq.shape[0] < n_steps:
            raise ValueError(
                "Sequence is shorter then the required number of steps : (n_steps, seq, seq.shape):",
                n_steps,
                node.inputs[1 + i],
                seq.shape,
            )
