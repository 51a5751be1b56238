"""Sums and products of all elements so far, and differences of neighbours."""

import numpy as np

from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.cast import cast
from theanojax.tensor.creation import zeros
from theanojax.tensor.join import concatenate
from theanojax.tensor.math import eq, maximum, prod, switch
from theanojax.tensor.type import TensorType


class CumOp(Op):
    """Running sum (mode "add") or product ("mul") along `axis`; over the flattened input when it is None.

    The result has the dtype of the input.
    """

    __props__ = ("axis", "mode")
    check_input = False
    vectorize_node = batch_rules.along_axis

    def __init__(self, axis=None, mode="add"):
        if mode not in ("add", "mul"):
            raise ValueError('%s: Unknown mode "%s"' % (type(self).__name__, mode))
        self.axis, self.mode = axis, mode

    def make_node(self, x):
        x = as_tensor_variable(x)
        if self.axis is None:
            return Apply(self, [x], [TensorType(x.dtype, (False,))()])
        if not -x.ndim <= self.axis < x.ndim:
            raise ValueError("axis(=%s) out of bounds" % (self.axis,))
        return Apply(self, [x], [x.type()])

    def compute(self, xp, node, x):
        run = xp.cumsum if self.mode == "add" else xp.cumprod
        # numpy sums small integers in its widest one, which wraps to the same result when cast back.
        return run(x, axis=self.axis, dtype=None if x.dtype == bool else x.dtype)

    def grad(self, inputs, output_gradients):
        (x,), (gi,) = inputs, output_gradients
        if self.axis is None:
            return [self._flat_grad(x.flatten(), gi).reshape(x.shape)]
        return [self._flat_grad(x, gi)]

    def _flat_grad(self, x, gi):
        """For a product: that of the elements so far, divided by each; but the first zero is left out of its own.

        Elements after a zero get nothing: with it left out there is still one zero in each product.
        """
        axis = 0 if self.axis is None else self.axis
        places = [slice(None)] * gi.ndim
        places[axis] = slice(None, None, -1)
        backward = tuple(places)

        def sums_from(v):
            return cumsum(v[backward], axis)[backward]

        if self.mode == "add":
            return sums_from(gi)
        zero = eq(x, 0)
        first = zero & eq(cumsum(cast(zero, "int64"), axis), 1)
        without = cumprod(switch(first, 1, x), axis)
        others = switch(zero, 0, sums_from(cumprod(x, axis) * gi) / x)
        return switch(first, sums_from(without * gi), others)

    def R_op(self, inputs, eval_points):
        if self.mode != "add":
            return super().R_op(inputs, eval_points)
        return [None if eval_points[0] is None else self(eval_points[0])]

    def infer_shape(self, node, shapes):
        return [(prod(shapes[0]),)] if self.axis is None else shapes

    def __str__(self):
        return "%s{%s, %s}" % (type(self).__name__, self.axis, self.mode)


def cumsum(x, axis=None):
    """The sums of the elements of `x` up to each place along `axis`, in the shape and dtype of `x`.

    `axis` is an int, or None to sum the flattened `x` into a vector. Small integers wrap around, because they are not
    widened. ValueError if `x` has no such axis.
    """
    return CumOp(axis=axis, mode="add")(x)


def cumprod(x, axis=None):
    """The products of the elements of `x` up to each place along `axis`, in the shape and dtype of `x`.

    `axis` is an int, or None to multiply the flattened `x` into a vector. ValueError if `x` has no such axis.
    """
    return CumOp(axis=axis, mode="mul")(x)


class CumsumOp(Op):
    """The old name of ``CumOp(axis, "add")``, for pickles."""

    __props__ = ("axis",)

    def __new__(cls, *args, **kwargs):
        op = object.__new__(CumOp)
        op.axis, op.mode = (args + (kwargs.get("axis"),))[0], "add"
        return op


class CumprodOp(Op):
    """The old name of ``CumOp(axis, "mul")``, for pickles."""

    __props__ = ("axis",)

    def __new__(cls, *args, **kwargs):
        op = object.__new__(CumOp)
        op.axis, op.mode = (args + (kwargs.get("axis"),))[0], "mul"
        return op


class DiffOp(Op):
    """The `n`-th differences of neighbours along `axis`."""

    __props__ = ("n", "axis")
    vectorize_node = batch_rules.difference

    def __init__(self, n=1, axis=-1):
        self.n, self.axis = n, axis
        if n == 0:
            self.view_map = {0: [0]}

    def make_node(self, x):
        x = as_tensor_variable(x)
        flags = list(x.broadcastable)
        if self.n and flags and -len(flags) <= self.axis < len(flags):
            flags[self.axis] = False  # one element has no differences
        return Apply(self, [x], [x.type.clone(broadcastable=flags)()])

    def compute(self, xp, node, x):
        return xp.diff(x, n=self.n, axis=self.axis)

    def grad(self, inputs, outputs_gradients):
        g, axis = outputs_gradients[0], self.axis % inputs[0].ndim
        for _ in range(self.n):
            shape = [1 if i == axis else g.shape[i] for i in range(g.ndim)]
            none = zeros(shape, g.dtype) if g.ndim > 1 else np.zeros(1, g.dtype)
            g = concatenate([none, g], axis) - concatenate([g, none], axis)
        # fewer than n elements have no differences, and their gradient would come out n long
        return [g[(slice(None),) * axis + (slice(inputs[0].shape[axis]),)]]

    def infer_shape(self, node, shapes):
        shape = list(shapes[0])
        shape[self.axis] = maximum(shape[self.axis] - self.n, 0)
        return [shape]


def diff(x, n=1, axis=-1):
    """The `n`-th discrete difference of `x` along `axis`: ``x[i + 1] - x[i]``, applied `n` times.

    The result has the dtype of `x` (so unsigned integers wrap around) and is `n` shorter along `axis`, at least 0; `n`
    and `axis` are ints. There is a gradient, which Theano has for vectors alone. ValueError, when run, for a negative
    `n` or no dimension.
    """
    return DiffOp(n=n, axis=axis)(x)
