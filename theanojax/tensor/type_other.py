"""Types of index expressions that are no arrays: slices and None."""

import numpy as np

from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.type import Generic, Type
from theanojax.graph.variable import Apply, Constant
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.type import integer_dtypes


def as_int_none_variable(x):
    """`x` as a symbolic integer scalar, None as NoneConst; TypeError for other dtypes."""
    if x is None:
        return NoneConst
    if NoneConst.equals(x):
        return x
    x = as_tensor_variable(x, ndim=0)
    if x.type.dtype not in integer_dtypes:
        raise TypeError("index must be integers")
    return x


class SliceType(Type):
    """The type of Python slices."""

    is_index = True

    def filter(self, x, strict=False, allow_downcast=None):
        if isinstance(x, slice):
            return x
        raise TypeError("Expected a slice!")

    def __str__(self):
        return "slice"

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return hash(type(self))

    @staticmethod
    def may_share_memory(a, b):
        return isinstance(a, slice) and a is b


class SliceConstant(Constant):
    """A slice whose bounds are known integers or None."""

    def __init__(self, type, data, name=None):
        bounds = [int(b) if isinstance(b, (np.ndarray, np.integer)) else b for b in (data.start, data.stop, data.step)]
        super().__init__(type, slice(*bounds), name)

    def signature(self):
        return (SliceConstant, self.data.start, self.data.stop, self.data.step)

    def __str__(self):
        return "%s{%s, %s, %s}" % (type(self).__name__, self.data.start, self.data.stop, self.data.step)


SliceType.Constant = SliceConstant
slicetype = SliceType()


class NoneTypeT(Generic):
    """The type of None."""

    def filter(self, x, strict=False, allow_downcast=None):
        if x is None:
            return x
        raise TypeError("Expected None!")

    def is_valid_value(self, a):
        return a is None

    @staticmethod
    def may_share_memory(a, b):
        return False


none_type_t = NoneTypeT()

# One variable for all graphs: clone it before using it as an input of a graph, and compare with
# ``NoneConst.equals(x)``.
NoneConst = Constant(none_type_t, None, name="NoneConst")


class MakeSlice(Op):
    """``make_slice(start, stop, step)`` or ``make_slice(slice)``: a slice of bounds, ints, integer scalars or None."""

    __props__ = ()

    def make_node(self, slc, stop=None, step=None):
        if isinstance(slc, slice):
            if stop is not None or step is not None:
                raise TypeError("MakeSlice takes a slice or its three bounds, not both")
            bounds = [slc.start, slc.stop, slc.step]
        else:
            bounds = [slc, stop, step]
        return Apply(self, [as_int_none_variable(b) for b in bounds], [slicetype()])

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = slice(*[b if b is None else int(b) for b in inputs])

    def lower_xla(self, ctx, node, *bounds):
        return slice(*bounds)  # who indexes with it deals with bounds that are still to be computed

    def grad(self, inputs, grads):
        return [DisconnectedType()() for _ in inputs]


make_slice = MakeSlice()


__all__ = [
    "as_int_none_variable",
    "SliceType",
    "SliceConstant",
    "slicetype",
    "NoneTypeT",
    "none_type_t",
    "NoneConst",
    "MakeSlice",
    "make_slice",
]
