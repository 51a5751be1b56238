"""Matrix and tensor products."""

import math

import numpy as np

from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.scalar.types import upcast
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.dims import shape_padright
from theanojax.tensor.elemwise import DimShuffle
from theanojax.tensor.join import concatenate
from theanojax.tensor.lazy_rows import product_of_rows
from theanojax.tensor.shape import patternbroadcast
from theanojax.tensor.type import TensorType


def product_rule(op, inputs, eval_points):
    """The R_op of an Op that is linear in each of its two inputs."""
    (x, y), (dx, dy) = inputs, eval_points
    terms = [] if dx is None else [op(dx, y)]
    terms += [] if dy is None else [op(x, dy)]
    return [sum(terms[1:], terms[0]) if terms else None]


class Dot(Op):
    """The product of two matrices, of a matrix and a vector, or of two vectors."""

    __props__ = ()
    array_role = "product"
    vectorize_node = batch_rules.dot

    def __str__(self):
        return "dot"

    def make_node(self, *inputs):
        inputs = [as_tensor_variable(i) for i in inputs]
        if len(inputs) != 2:
            raise TypeError("theano.tensor.Dot: 2 arguments required, %d given " % len(inputs))
        for i, v in enumerate(inputs):
            if v.ndim not in (1, 2):
                raise TypeError(
                    "theano.tensor.Dot: input %d (0-indexed) must have ndim of 1 or 2, %d given. Consider "
                    "calling theano.tensor.dot instead." % (i, v.ndim)
                )
        x, y = inputs
        flags = x.broadcastable[:-1] + (y.broadcastable[-1:] if y.ndim == 2 else ())
        return Apply(self, inputs, [TensorType(upcast(x.dtype, y.dtype), flags)()])

    def compute(self, xp, node, x, y):
        dtype = node.outputs[0].dtype
        return xp.asarray(xp.dot(xp.astype(x, dtype), xp.astype(y, dtype)))

    def lower_xla(self, ctx, node, x, y):
        dtype = node.outputs[0].dtype
        found = product_of_rows(ctx, node) if x.ndim == y.ndim == 2 else None
        if found is not None:
            return found
        (x, x_axis), (y, y_axis) = (
            untransposed(ctx, v, value, axis) for v, value, axis in zip(node.inputs, (x, y), (-1, 0), strict=True)
        )
        return product(ctx, ctx.xp.astype(x, dtype), x_axis, ctx.xp.astype(y, dtype), y_axis)

    def infer_shape(self, node, shapes):
        xshape, yshape = shapes
        return [tuple(xshape[:-1]) + (tuple(yshape[-1:]) if len(yshape) == 2 else ())]

    def grad(self, inp, grads):
        (x, y), (gz,) = inp, grads
        if gz.ndim == 0:
            xgrad, ygrad = gz * y, gz * x
        elif y.ndim == 1:
            xgrad, ygrad = outer(gz, y.T), dot(x.T, gz)
        elif x.ndim == 1:
            xgrad, ygrad = dot(gz, y.T), outer(x.T, gz)
        else:
            xgrad, ygrad = dot(gz, y.T), dot(x.T, gz)
        # A dimension that only the other operand knows to have length 1.
        grads = [
            g if g.broadcastable == v.broadcastable else patternbroadcast(g, v.broadcastable)
            for g, v in ((xgrad, x), (ygrad, y))
        ]
        if any("float" not in g.dtype for g in grads):
            raise AssertionError("the gradient of dot is only defined for floats, got %s" % [g.dtype for g in grads])
        return grads

    R_op = product_rule


def untransposed(ctx, var, value, axis):
    """A value and the axis to sum over; of a transposed matrix, the matrix before it was transposed.

    XLA would write the transposed matrix to memory first.
    """
    axis %= value.ndim
    node = var.owner
    if value.ndim == 2 and node is not None and isinstance(node.op, DimShuffle) and tuple(node.op.new_order) == (1, 0):
        source = ctx.env.get(node.inputs[0])
        if source is not None:
            return source, 1 - axis
    return value, axis


def product(ctx, x, x_axis, y, y_axis):
    """The sum of products over an axis of each operand; the other axes of `x` come first."""
    if x.shape[x_axis] != y.shape[y_axis]:
        raise ValueError(
            "shapes %s and %s not aligned: %d (dim %d) != %d (dim %d)"
            % (x.shape, y.shape, x.shape[x_axis], x_axis, y.shape[y_axis], y_axis)
        )
    # Matrix first or vector first: XLA is quickest where the matrix is read in order.
    if (x.ndim, y.ndim, x_axis) == (2, 1, 0) or (x.ndim, y.ndim, y_axis) == (1, 2, 1):
        x, x_axis, y, y_axis = y, y_axis, x, x_axis
    return ctx.xp.contract(x, x_axis, y, y_axis)


_dot = Dot()


def dot(a, b):
    """The product of the tensors `a` and `b`, in the dtype that both are upcast to.

    Elementwise if one is a scalar; a matrix product of vectors and matrices; beyond two dimensions, the sum of
    products over the last dimension of `a` and the last but one (the only one of a vector) of `b`. ValueError, when
    run, if the lengths of these differ.
    """
    a, b = (as_tensor_variable(v) for v in (a, b))
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    if a.ndim > 2 or b.ndim > 2:
        return tensordot(a, b, [[a.ndim - 1], [max(0, b.ndim - 2)]])
    return _dot(a, b)


def outer(x, y):
    """The matrix of all products of an element of `x` (its row) and one of `y` (its column).

    Both are tensor variables and flattened first; the dtype is what both are upcast to.
    """
    if x.ndim != 1:
        x = x.flatten()
    if y.ndim != 1:
        y = y.flatten()
    return dot(x.dimshuffle(0, "x"), y.dimshuffle("x", 0))


class BatchedDot(Op):
    """``dot(x[i], y[i])`` for each i; `x` and `y` have two or three dimensions."""

    __props__ = ()
    vectorize_node = batch_rules.merged(0, 1)

    def make_node(self, *inputs):
        inputs = [as_tensor_variable(i) for i in inputs]
        if len(inputs) != 2:
            raise TypeError("theano.tensor.blas.BatchedDot: 2 arguments required, %d given " % len(inputs))
        for i, v in enumerate(inputs):
            if v.ndim not in (2, 3):
                raise TypeError(
                    "theano.tensor.blas.BatchedDot: input %d (0-indexed) must have ndim of 2 or 3, %d "
                    "given. Consider calling theano.tensor.batched_dot instead." % (i, v.ndim)
                )
        dtype = upcast(*[v.dtype for v in inputs])
        x, y = [v.astype(dtype) for v in inputs]
        flags = (x.broadcastable[0] or y.broadcastable[0],) + x.broadcastable[1:-1] + y.broadcastable[2:]
        return Apply(self, [x, y], [TensorType(dtype, flags)()])

    def compute(self, xp, node, x, y):
        x, y = x if x.ndim == 3 else x[:, None, :], y if y.ndim == 3 else y[:, :, None]
        for what, differ in (("batch", x.shape[0] != y.shape[0]), ("summation axis", x.shape[2] != y.shape[1])):
            if differ:
                raise ValueError(
                    "Shape mismatch: %s sizes unequal. x.shape is (%d, %d, %d), y.shape is (%d, %d, %d)."
                    % (what, *x.shape, *y.shape)
                )
        out = xp.matmul(x, y)
        rows, columns = (v.ndim == 3 for v in node.inputs)
        return out.reshape(out.shape[:1] + out.shape[1:2] * rows + out.shape[2:] * columns)

    def infer_shape(self, node, shapes):
        xshape, yshape = shapes
        return [tuple(xshape[:-1]) + tuple(yshape[2:])]

    def grad(self, inp, grads):
        (x, y), (gz,) = inp, grads
        if x.ndim == 2 and y.ndim == 2:
            xgrad, ygrad = gz.dimshuffle(0, "x") * y, gz.dimshuffle(0, "x") * x
        elif x.ndim == 2:
            xgrad = batched_dot(gz, y.dimshuffle(0, 2, 1))
            ygrad = x.dimshuffle(0, 1, "x") * gz.dimshuffle(0, "x", 1)
        elif y.ndim == 2:
            xgrad = gz.dimshuffle(0, 1, "x") * y.dimshuffle(0, "x", 1)
            ygrad = batched_dot(x.dimshuffle(0, 2, 1), gz)
        else:
            xgrad = batched_dot(gz, y.dimshuffle(0, 2, 1))
            ygrad = batched_dot(x.dimshuffle(0, 2, 1), gz)
        return [
            g if g.broadcastable == v.broadcastable else patternbroadcast(g, v.broadcastable)
            for g, v in ((xgrad, x), (ygrad, y))
        ]

    R_op = product_rule


batched_dot_op = BatchedDot()


def batched_dot(a, b):
    """``dot(a[i], b[i])`` for each i, stacked: `a` and `b` have their first dimension in common.

    Raises
    ------
    TypeError : one of them has no dimension. ValueError : when run, their first lengths or those summed over differ.
    """
    a, b = (as_tensor_variable(v) for v in (a, b))
    for name, v in (("a", a), ("b", b)):
        if v.ndim == 0:
            raise TypeError("%s must have at least one (batch) axis" % name)
    if a.ndim == 1:
        return shape_padright(a, b.ndim - 1) * b
    if b.ndim == 1:
        return a * shape_padright(b, a.ndim - 1)
    if a.ndim > 3 or b.ndim > 3:
        return batched_tensordot(a, b, [[a.ndim - 1], [max(1, b.ndim - 2)]])
    return batched_dot_op(a, b)


def tensordot(a, b, axes=2):
    """The sum of products over some dimensions, as ``numpy.tensordot``.

    Parameters
    ----------
    a, b : tensors
    axes : int, the number of last dimensions of `a` and first dimensions of `b`; or a pair of lists, the
        dimensions of `a` and those of `b`. 0 gives all products.

    Returns
    -------
    A tensor with the other dimensions of `a`, then those of `b`, in the dtype that both are upcast to.

    Raises
    ------
    ValueError : `axes` does not fit the numbers of dimensions or, when run, the lengths.
    """
    return _tensordot(a, b, axes, batched=False)


def batched_tensordot(x, y, axes=2):
    """``tensordot(x[i], y[i], axes)`` for each i, stacked.

    Parameters
    ----------
    x, y : tensors with their first dimension, that of i, in common
    axes : as for `tensordot`, the lists counting the dimensions of `x` and `y` themselves, so that none is 0

    Raises
    ------
    ValueError : `axes` includes dimension 0, or does not fit.
    """
    return _tensordot(x, y, axes, batched=True)


def _tensordot(a, b, axes, batched):
    """Bring the dimensions to sum over to the end of `a` and to the front of `b` (after the batch)."""
    a, b = (as_tensor_variable(v) for v in (a, b))
    if np.isscalar(axes):
        return _trailing_dot(a, b, int(axes), batched)
    if len(axes) != 2:
        raise ValueError("Axes should be an integer or a list/tuple of len 2 (%s was provided)" % (axes,))
    axes = [list(ax) if np.iterable(ax) else [ax] for ax in axes]
    if len(axes[0]) != len(axes[1]):
        raise ValueError("Axes elements must have the same length.")
    batch = [0] if batched else []
    kept = []
    for i, (name, operand) in enumerate((("a", a), ("b", b))):
        _check_axes(i, axes[i], name, operand.ndim, batched)
        kept.append([d for d in range(operand.ndim) if d not in axes[i] and d not in batch])
    a = a.dimshuffle(batch + kept[0] + axes[0])
    b = b.dimshuffle(batch + axes[1] + kept[1])
    return _trailing_dot(a, b, len(axes[0]), batched)


def _check_axes(i, axes, name, ndim, batched):
    if len(axes) > ndim:
        raise ValueError(
            "axes[%i] should be array_like with length less than the dimensions of %s (%s.ndim=%i, "
            "len(axes[0])=%i)." % (i, name, name, ndim, len(axes))
        )
    if axes and max(axes) >= ndim:
        raise ValueError(
            "axes[%i] contains dimensions greater than or equal to %s.ndim (%s.ndim=%i, "
            "max(axes[0])=%i)." % (i, name, name, ndim, max(axes))
        )
    if batched and 0 in axes:
        raise ValueError("axes to sum over must not contain the batch axis (axes[%i]=%s)" % (i, axes))


def _trailing_dot(a, b, n, batched):
    """Sum over the last `n` dimensions of `a` and the first `n` of `b` (after the batch), both seen as matrices."""
    for name, operand in (("a", a), ("b", b)):
        if n > operand.ndim:
            raise ValueError(
                "axes can not be larger than the dimension of %s (%s.ndim=%i, axes=%i)" % (name, name, operand.ndim, n)
            )
        if batched and n == operand.ndim:
            raise ValueError(
                "axes to sum over must not include the batch axis of %s (%s.ndim=%i, axes=%i)"
                % (name, name, operand.ndim, n)
            )
    first = 1 if batched else 0
    a_kept, b_kept = slice(0, a.ndim - n), slice(first + n, b.ndim)
    out_shape = concatenate([a.shape[a_kept], b.shape[b_kept]])
    flags = a.broadcastable[a_kept] + b.broadcastable[b_kept]

    def front(v, count):
        return math.prod(v.shape[first + i] for i in range(count))

    def back(v, count):
        return math.prod(v.shape[-i] for i in range(1, count + 1))

    a_shape = [front(a, a.ndim - n - first), back(a, n)]
    b_shape = [front(b, n), back(b, b.ndim - n - first)]
    if batched:
        a_shape, b_shape = [a.shape[0], *a_shape], [b.shape[0], *b_shape]
    product = (batched_dot if batched else dot)(a.reshape(a_shape), b.reshape(b_shape))
    return patternbroadcast(product.reshape(out_shape, len(flags)), flags)


__all__ = ["Dot", "dot", "outer", "batched_dot", "tensordot", "batched_tensordot", "_dot"]
