"""Maxima and their positions."""

import math

from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.elemwise import shuffled
from theanojax.tensor.type import TensorType


def _argmax(xp, x, axes):
    """The position of the first maximum along `axes`, counted in C order over these axes alone."""
    kept = [d for d in range(x.ndim) if d not in axes]
    if len(axes) > 1 or (axes and axes[0] != x.ndim - 1):
        x = xp.transpose(x, kept + list(axes))
    shape = x.shape[: len(kept)]
    length = math.prod(x.shape[len(kept) :])
    return xp.astype(xp.argmax(xp.reshape(x, shape + (length,)), axis=-1), "int64")


class _Position(Op):
    """Shared by the Ops that find maxima: only numpy has an order of complex numbers."""

    def runs_on_host(self, node):
        return node.inputs[0].dtype.startswith("complex") or super().runs_on_host(node)


def _without(pattern, axes):
    return [b for i, b in enumerate(pattern) if i not in axes]


def _like(v, other):
    """`v` with the dimensions of length 1 that `other` declares."""
    from theanojax.tensor.shape import patternbroadcast

    return patternbroadcast(v, other.type.broadcastable)


class MaxAndArgmax(_Position):
    """The maximum along `axis`, a list of ints, and the position of its first occurrence (int64)."""

    nin = 2
    nout = 2
    __props__ = ("axis",)
    vectorize_node = batch_rules.reduction

    def __init__(self, axis):
        if not isinstance(axis, list):
            raise AssertionError("MaxAndArgmax takes a list of axes, not %r" % (axis,))
        self.axis = tuple(axis)

    def make_node(self, x):
        x = as_tensor_variable(x)
        pattern = _without(x.type.broadcastable, self.axis)
        return Apply(
            self, [x], [TensorType(x.type.dtype, pattern)(name="max"), TensorType("int64", pattern)(name="argmax")]
        )

    def compute(self, xp, node, x):
        if any(x.shape[a] == 0 for a in self.axis):
            raise ValueError("zero-size array to reduction operation maximum which has no identity")
        return xp.max(x, axis=self.axis), _argmax(xp, x, self.axis)

    def infer_shape(self, node, shapes):
        shape = tuple(_without(shapes[0], self.axis))
        return [shape, shape]

    def R_op(self, inputs, eval_points):
        from theanojax.tensor.creation import arange

        (x,), (point,) = inputs, eval_points
        if point is None:
            return [None, None]
        position = self.make_node(x).outputs[1]
        kept = [d for d in range(x.ndim) if d not in self.axis]
        rows = point.dimshuffle(*kept, *self.axis).reshape((position.size, -1))
        moved = rows[arange(position.size), position.flatten()].reshape(position.shape, ndim=len(kept))
        return [_like(moved, position), None]

    def grad(self, inputs, output_gradients):
        """All elements equal to the maximum get the gradient, so that the result does not depend on their order."""
        from theanojax.tensor import math as T

        (x,), (g_max, g_index) = inputs, output_gradients
        if isinstance(g_max.type, DisconnectedType):
            return [DisconnectedType()() if isinstance(g_index.type, DisconnectedType) else x.zeros_like()]
        kept = iter(range(x.ndim))
        padded = ["x" if d in self.axis else next(kept) for d in range(x.ndim)]
        maximum = T.max(x, list(self.axis))
        g_max = shuffled(g_max, padded)
        maximum = shuffled(maximum, padded)
        return [T.eq(maximum, x) * g_max]


class Argmax(_Position):
    """The position of the first maximum along `axis`, a sequence of ints, as int64; None stands for all axes."""

    nin = 2
    nout = 1
    __props__ = ("axis",)
    vectorize_node = batch_rules.reduction

    def __init__(self, axis):
        self.axis = None if axis is None else tuple(axis)

    def _axes(self, ndim):
        return tuple(range(ndim)) if self.axis is None else self.axis

    def make_node(self, x, axis=None):
        x = as_tensor_variable(x)
        pattern = _without(x.type.broadcastable, self._axes(x.ndim))
        return Apply(self, [x], [TensorType("int64", pattern)(name="argmax")])

    def compute(self, xp, node, x):
        axes = self._axes(x.ndim)
        if any(x.shape[a] == 0 for a in axes):
            raise ValueError("attempt to get argmax of an empty sequence")
        return _argmax(xp, x, axes)

    def infer_shape(self, node, shapes):
        return [tuple(_without(shapes[0], self._axes(len(shapes[0]))))]

    def grad(self, inputs, output_gradients):
        return [inputs[0].zeros_like()]


__all__ = ["Argmax", "MaxAndArgmax"]
