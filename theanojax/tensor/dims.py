"""Dimensions in another order, and new ones of length 1: DimShuffle under other names."""

from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.elemwise import shuffled


def shape_padleft(t, n_ones=1):
    """The tensor `t` with `n_ones` (an int) broadcastable dimensions added before its own."""
    t = as_tensor_variable(t)
    return shuffled(t, ["x"] * n_ones + list(range(t.type.ndim)))


def shape_padright(t, n_ones=1):
    """The tensor `t` with `n_ones` (an int) broadcastable dimensions added after its own."""
    t = as_tensor_variable(t)
    return shuffled(t, list(range(t.type.ndim)) + ["x"] * n_ones)


def shape_padaxis(t, axis):
    """The tensor `t` with a broadcastable dimension inserted, which becomes number `axis` of the result.

    `axis` is an int, negative ones counted from the end of the result; IndexError when it is out of range.
    """
    t = as_tensor_variable(t)
    ndim = t.ndim + 1
    if not -ndim <= axis < ndim:
        raise IndexError("axis {0} is out of bounds [-{1}, {1})".format(axis, ndim))
    pattern = list(range(t.type.ndim))
    pattern.insert(axis if axis >= 0 else axis + ndim, "x")
    return shuffled(t, pattern)


def transpose(x, axes=None):
    """The tensor variable `x` with its dimensions in the order `axes`; reversed if that is None.

    `axes` is a sequence of ints from 0 (no negative ones), each dimension once; it may leave out broadcastable ones.
    ValueError otherwise.
    """
    reverse = list(range(x.ndim - 1, -1, -1))
    axes = reverse if axes is None else axes
    out = x.dimshuffle(list(axes))
    if x.name and axes == reverse:
        out.name = x.name + ".T"
    return out


def swapaxes(y, axis1, axis2):
    """The tensor `y` with dimensions `axis1` and `axis2`, ints, exchanged; IndexError if there is no such dimension."""
    y = as_tensor_variable(y)
    order = list(range(y.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return y.dimshuffle(order)


__all__ = ["shape_padleft", "shape_padright", "shape_padaxis", "transpose", "swapaxes"]
