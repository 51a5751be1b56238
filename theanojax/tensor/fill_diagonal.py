"""Writing a number on a diagonal."""

import numpy as np

from theanojax import scalar as scal
from theanojax.graph.gradient_types import grad_undefined
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.cast import cast
from theanojax.tensor.diagonal import diag
from theanojax.tensor.math import abs_, ge, lt, minimum
from theanojax.tensor.op_methods import shaped_like
from theanojax.tensor.type import integer_dtypes


def _diagonal_value(op, a, val):
    """`val` in the dtype of the tensor `a` that it is written into; TypeError if that loses precision."""
    val = cast(val, dtype=scal.upcast(a.dtype, val.dtype))
    if val.dtype != a.dtype:
        raise TypeError("%s: type of second parameter must be the same as the first's" % type(op).__name__)
    return val


class FillDiagonal(Op):
    """A copy of `a` with `val` on its main diagonal; see `fill_diagonal`."""

    __props__ = ()

    infer_shape = shaped_like(0)

    def make_node(self, a, val):
        a, val = as_tensor_variable(a), as_tensor_variable(val)
        if a.ndim < 2:
            raise TypeError("%s: first parameter must have at least two dimensions" % type(self).__name__)
        if val.ndim != 0:
            raise TypeError("%s: second parameter must be a scalar" % type(self).__name__)
        return Apply(self, [a, _diagonal_value(self, a, val)], [a.type()])

    def compute(self, xp, node, a, val):
        if a.ndim > 2 and len(set(a.shape)) > 1:
            raise ValueError("All dimensions of input must be of equal length")
        if a.ndim == 2:
            return xp.where(xp.equal(np.arange(a.shape[0])[:, None], np.arange(a.shape[1])), val, a)
        places = np.arange(a.shape[0])
        return xp.index_set(a, (places,) * a.ndim, val)

    def grad(self, inp, cost_grad):
        a, _val = inp
        if a.dtype.startswith("complex"):
            return [None, None]
        if a.ndim > 2:
            raise NotImplementedError("%s: gradient is currently implemented for matrices only" % type(self).__name__)
        g = cost_grad[0]
        return [fill_diagonal(g, 0), diag(g).sum()]


fill_diagonal_ = FillDiagonal()


def fill_diagonal(a, val):
    """A copy of `a` whose main diagonal ``a[i, i, ..., i]`` is the scalar `val`.

    A matrix may be rectangular; with more dimensions all must have one length (ValueError when run).

    Raises
    ------
    TypeError : `a` has fewer than two dimensions, `val` is no scalar or of a wider dtype.
    """
    return fill_diagonal_(a, val)


class FillDiagonalOffset(Op):
    """A copy of the matrix `a` with `val` on the diagonal `offset`; see `fill_diagonal_offset`."""

    __props__ = ()

    infer_shape = shaped_like(0)

    def make_node(self, a, val, offset):
        a, val, offset = as_tensor_variable(a), as_tensor_variable(val), as_tensor_variable(offset)
        name = type(self).__name__
        if a.ndim != 2:
            raise TypeError("%s: first parameter must have exactly two dimensions" % name)
        if val.ndim != 0:
            raise TypeError("%s: second parameter must be a scalar" % name)
        if offset.ndim != 0:
            raise TypeError("%s: third parameter must be a scalar" % name)
        val = _diagonal_value(self, a, val)
        if offset.dtype not in integer_dtypes:
            raise TypeError(
                "%s: type of third parameter must be as integer use theano.tensor.cast( input, 'int32/int64')" % name
            )
        return Apply(self, [a, val, offset], [a.type()])

    def compute(self, xp, node, a, val, offset):
        # The row and the column of a place tell its diagonal, so the offset may be unknown to XLA.
        rows, columns = np.arange(a.shape[0])[:, None], np.arange(a.shape[1])
        return xp.where(xp.equal(columns - rows, xp.astype(offset, "int64")), val, a)

    def grad(self, inp, cost_grad):
        a, _val, offset = inp
        if a.dtype.startswith("complex"):
            return [None, None]
        g = cost_grad[0]
        height, width = g.shape
        above, below, distance = ge(offset, 0), lt(offset, 0), abs_(offset)
        start = offset * above + distance * width * below
        count = minimum(minimum(width, height), width * above + height * below - distance)
        step = a.shape[1] + 1
        end = start + step * count
        start, step, end = [cast(v, "int32") for v in (start, step, end)]
        g_offset = grad_undefined(
            self,
            2,
            offset,
            "offset is not defined for non-integer offset so fill_diagonal_offset(a,val,offset+eps) is undefined",
        )
        return [fill_diagonal_offset(g, 0, offset), g.flatten()[start:end:step].sum(), g_offset]


fill_diagonal_offset_ = FillDiagonalOffset()


def fill_diagonal_offset(a, val, offset):
    """A copy of the matrix `a` whose diagonal `offset` (above the main one when positive) is the scalar `val`.

    `offset` is an int or integer scalar; past the corners nothing changes.

    Raises
    ------
    TypeError : `a` is no matrix, `val` no scalar or of a wider dtype, `offset` no integer.
    """
    return fill_diagonal_offset_(a, val, offset)
