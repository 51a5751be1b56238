"""Dimensions in another order, and new ones of length 1: DimShuffle under other names."""

from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.elemwise import DimShuffle


def shape_padleft(t, n_ones=1):
    """`t` with `n_ones` broadcastable dimensions added on the left."""
    t = as_tensor_variable(t)
    return DimShuffle(t.broadcastable, ["x"] * n_ones + list(range(t.type.ndim)))(t)


def shape_padright(t, n_ones=1):
    """`t` with `n_ones` broadcastable dimensions added on the right."""
    t = as_tensor_variable(t)
    return DimShuffle(t.broadcastable, list(range(t.type.ndim)) + ["x"] * n_ones)(t)


def shape_padaxis(t, axis):
    """`t` with a broadcastable dimension inserted, which becomes number `axis`; IndexError when that can't be."""
    t = as_tensor_variable(t)
    ndim = t.ndim + 1
    if not -ndim <= axis < ndim:
        raise IndexError("axis {0} is out of bounds [-{1}, {1})".format(axis, ndim))
    pattern = list(range(t.type.ndim))
    pattern.insert(axis if axis >= 0 else axis + ndim, "x")
    return DimShuffle(t.broadcastable, pattern)(t)


def transpose(x, axes=None):
    """The dimensions of `x` in the order `axes`; reversed by default."""
    reverse = list(range(x.ndim - 1, -1, -1))
    axes = reverse if axes is None else axes
    out = DimShuffle(x.broadcastable, axes)(x)
    if x.name and axes == reverse:
        out.name = x.name + ".T"
    return out


def swapaxes(y, axis1, axis2):
    """`y` with two dimensions exchanged."""
    y = as_tensor_variable(y)
    order = list(range(y.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return y.dimshuffle(order)


__all__ = ["shape_padleft", "shape_padright", "shape_padaxis", "transpose", "swapaxes"]
