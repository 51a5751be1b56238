"""Connectionist temporal classification: the cost of label sequences that are not aligned with the inputs."""

import numpy as np

from theanojax.graph.gradient_types import grad_undefined
from theanojax.graph.op import OpenMPOp
from theanojax.graph.variable import Apply
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.linalg.products import batched_dot
from theanojax.tensor.type import TensorType

__all__ = ["ConnectionistTemporalClassification", "ctc", "ctc_available", "ctc_present"]

# The logarithm of a probability of zero; finite, so that differences are numbers.
NEVER = -1e30


def ctc_present():
    """True: whether the cost can be computed. Theano needed warp-ctc; this has it built in."""
    return True


def ctc_available():
    """True: whether the cost can be computed, as `ctc_present`."""
    return ctc_present()


ctc_available.msg = ctc_available.path = None
ctc_present.avail, ctc_present.msg, ctc_present.path = True, None, None


def _log_sum(xp, *terms):
    top = terms[0]
    for t in terms[1:]:
        top = xp.maximum(top, t)
    total = xp.exp(terms[0] - top)
    for t in terms[1:]:
        total = total + xp.exp(t - top)
    return top + xp.log(total)


def _shifted(xp, x, by):
    """`x` moved along its last axis, to the right if `by` is positive, with NEVER where nothing comes from."""
    return xp.spread(x, [(0, 0, 0)] * (x.ndim - 1) + [(by, -by, 0)], NEVER)


class _Lattice:
    """The states that a sequence goes through: blank, first label, blank, second label ... blank.

    `scan(step, first, xs, reverse)` gives what `step(carry, x)` returned for each x, the carry being the last of it.
    """

    def __init__(self, xp, scan, activations, labels, lengths):
        self.xp, self.scan = xp, scan
        x = xp.astype(activations, "float64")
        self.times, self.lengths = np.arange(x.shape[0]), xp.astype(lengths, "int64")
        x = x - xp.max(x, axis=2, keepdims=True)
        self.log_p = x - xp.log(xp.sum(xp.exp(x), axis=2, keepdims=True))
        # What is negative is no label, wherever it stands.
        labels = xp.astype(labels, "int64")
        labels = xp.take_along_axis(labels, xp.argsort(xp.astype(labels < 0, "int64"), axis=1), axis=1)
        count = xp.sum(xp.astype(labels >= 0, "int64"), axis=1)
        labels = xp.maximum(labels, 0)
        xp.guard(labels < x.shape[2], ValueError("a label is not smaller than the %d symbols" % x.shape[2]))
        self.states = xp.spread(labels, [(0, 0, 0), (1, 1, 1)])
        n = self.states.shape[1]
        before = xp.spread(self.states, [(0, 0, 0), (2, -2, 0)])
        self.may_skip = (self.states != 0) & (self.states != before) & (np.arange(n) >= 2)
        same = (labels[:, 1:] == labels[:, :-1]) & (np.arange(1, labels.shape[1]) < count[:, None])
        self.fits = count + xp.sum(xp.astype(same, "int64"), axis=1) <= self.lengths
        last = 2 * count[:, None]
        at = np.arange(n)[None, :]
        self.ends = xp.where((at == last) | (at == last - 1), 0.0, NEVER)
        index = xp.broadcast_to(self.states[None], (x.shape[0],) + self.states.shape)
        self.emit = xp.take_along_axis(self.log_p, index, axis=2)

    def forward(self):
        """The log probability of each state at each time, with all that came before."""
        xp = self.xp
        start = xp.where(np.arange(self.states.shape[1]) == 0, 0.0, NEVER)
        start = xp.broadcast_to(start, self.states.shape)

        def step(carry, x):
            time, emit = x
            skipped = xp.where(self.may_skip, _shifted(xp, carry, 2), NEVER)
            # At the first time the sequence has just begun: it is in the first blank or the first label.
            moved = _log_sum(xp, carry, _shifted(xp, carry, 1), xp.where(time == 0, NEVER, skipped))
            return xp.where((time < self.lengths)[:, None], xp.maximum(moved + emit, NEVER), carry)

        return self.scan(step, start, (self.times, self.emit), False)

    def backward(self):
        """The log probability of all that comes after each state at each time."""
        xp = self.xp

        def step(carry, x):
            time, emit = x
            after = xp.maximum(carry + emit, NEVER)
            skipped = _shifted(xp, xp.where(self.may_skip, after, NEVER), -2)
            moved = xp.maximum(_log_sum(xp, after, _shifted(xp, after, -1), skipped), NEVER)
            return xp.where((time < self.lengths)[:, None], moved, carry)

        # Row t is what follows time t, so it needs the emission of the next time.
        rows = self.scan(step, xp.asarray(self.ends), (self.times[1:], self.emit[1:]), True)
        return xp.concatenate([rows, self.ends[None]], axis=0)

    def solve(self, with_grad):
        """The costs (batch), and the gradient (times, batch, symbols) for the activations."""
        xp = self.xp
        alpha = self.forward()
        final = alpha[-1] + self.ends
        top = xp.max(final, axis=1)
        log_z = top + xp.log(xp.sum(xp.exp(final - top[:, None]), axis=1))
        costs = xp.where(self.fits, -log_z, 0.0)  # as warp-ctc has it for sequences too short for their labels
        if not with_grad:
            return (costs,)
        posterior = xp.exp(xp.minimum(alpha + self.backward() - log_z[None, :, None], 0.0))
        posterior = xp.where(self.fits[:, None], posterior, 0.0)
        times, batch, symbols = self.log_p.shape
        index = (np.arange(times)[:, None, None], np.arange(batch)[None, :, None], self.states[None])
        seen = xp.index_add(xp.zeros((times, batch, symbols)), index, posterior)
        used = (self.times[:, None] < self.lengths[None, :]) & self.fits[None, :]
        return costs, xp.where(used[:, :, None], xp.exp(self.log_p) - seen, 0.0)


def _host_scan(step, first, xs, reverse):
    rows, carry = [], first
    for x in reversed(list(zip(*xs))) if reverse else zip(*xs):
        carry = step(carry, x)
        rows.append(carry)
    if not rows:
        return np.zeros((0,) + first.shape)
    return np.stack(rows[::-1] if reverse else rows)


class ConnectionistTemporalClassification(OpenMPOp):
    """The CTC cost; see `ctc`. With `compute_grad` its second output is the gradient for the activations."""

    __props__ = ("compute_grad",)
    default_output = 0

    def __init__(self, compute_grad=True, openmp=None):
        super().__init__(openmp=openmp)
        self.compute_grad = compute_grad

    def make_node(self, activations, labels, input_lengths):
        inputs = []
        for name, v, dtype, ndim in (
            ("activations", activations, "float32", 3),
            ("labels", labels, "int32", 2),
            ("input_lengths", input_lengths, "int32", 1),
        ):
            v = as_tensor_variable(v)
            if v.type.dtype != dtype:
                raise TypeError("%s must use the %s type!" % (name, dtype))
            if v.ndim != ndim:
                raise ValueError("%s must have %d dimension%s." % (name, ndim, "s" * (ndim > 1)))
            inputs.append(v)
        outputs = [TensorType("float32", [False])(name="ctc_cost")]
        if self.compute_grad:
            outputs.append(TensorType("float32", [False] * 3)(name="ctc_grad"))
        return Apply(self, inputs, outputs)

    def compute(self, xp, node, activations, labels, input_lengths):
        return _Lattice(xp, _host_scan, activations, labels, input_lengths).solve(self.compute_grad)

    def lower_xla(self, ctx, node, *inputs):
        def scan(step, first, xs, reverse):
            def body(carry, x):
                carry = step(carry, x)
                return carry, carry

            return ctx.lax.scan(body, first, xs, reverse=reverse)[1]

        inputs = [ctx.xp.asarray(v) for v in inputs]
        return _Lattice(ctx.xp, scan, *inputs).solve(self.compute_grad)

    def infer_shape(self, node, shapes):
        activations = shapes[0]
        return [(activations[1],)] + [activations] * self.compute_grad

    def L_op(self, inputs, outputs, output_grads):
        if not self.compute_grad:
            raise AssertionError("the gradient of the CTC cost needs compute_grad=True")
        total = batched_dot(output_grads[0], outputs[1].dimshuffle(1, 0, 2)).dimshuffle(1, 0, 2)
        return [total, grad_undefined(self, 1, inputs[1]), grad_undefined(self, 2, inputs[2])]


def ctc(activations, labels, input_lengths):
    """Connectionist temporal classification (Graves et al. 2006): the cost of labels not aligned with the times.

    It is minus the log probability of each sequence's labels, however they are spread over the times.

    Parameters
    ----------
    activations : (times, batch, symbols) of float32, before the softmax; symbol 0 is the blank
    labels : (batch, labels) of int32; negative ones are padding
    input_lengths : (batch) of int32, the number of times of each sequence

    Returns
    -------
    A vector of float32; 0 for a sequence too short for its labels.

    Raises
    ------
    TypeError : another dtype. ValueError : another number of dimensions.
    """
    return ConnectionistTemporalClassification()(activations, labels, input_lengths)
