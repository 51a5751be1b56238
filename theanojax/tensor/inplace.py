"""Elementwise Ops with "inplace" in their names: in Theano they overwrote their first argument.

Here nothing is overwritten; the Ops compute the same and print as they did.
"""

from theanojax import scalar
from theanojax.scalar.dtype_rules import transfer_type
from theanojax.tensor.elemwise import DimShuffle, Elemwise


def _inplace(name, scalar_op):
    """The Op called `name` with the first argument's dtype as that of the result."""
    op = Elemwise(type(scalar_op)(transfer_type(0)), {0: 0}, name=name + "_inplace")
    op.__doc__ = "%s, written over the first argument" % name
    return op


_rows = {name + "_inplace": _inplace(name, op) for name, op in scalar.op.tensor_rows(vars(scalar)) if op.tensor_inplace}
globals().update(_rows)
fill_inplace = _rows["second_inplace"]


def transpose_inplace(x, **kwargs):
    """`x` with its dimensions in reverse order; a view."""
    return DimShuffle(x.broadcastable, list(range(x.ndim - 1, -1, -1)), inplace=True)(x)
