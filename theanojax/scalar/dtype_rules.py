"""Rules from the types of an Op's inputs to those of its outputs, for ``output_types_preference``.

The docstring of a rule says the dtype of the result; it ends that of each function of tensors that has the rule.
"""

from theanojax.graph.props import Props
from theanojax.scalar.types import (
    Scalar,
    bool_,
    complex64,
    complex128,
    complex_types,
    float32,
    float64,
    float_types,
    get_scalar_type,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)


def _no_complex(types, text="complex argument not supported"):
    if any(t in complex_types for t in types):
        raise TypeError(text)


def upcast_out(*types):
    """The dtype is the smallest that holds those of all arguments."""
    return (get_scalar_type(Scalar.upcast(*types)),)


def upcast_out_nobool(*types):
    """The dtype is the smallest that holds those of all arguments; TypeError if that is bool."""
    out = upcast_out(*types)
    if out[0] == bool_:
        raise TypeError("bool output not supported")
    return out


def upcast_out_min8(*types):
    """The dtype is the smallest that holds those of all arguments, int8 instead of bool."""
    out = upcast_out(*types)
    return (int8,) if out[0] == bool_ else out


def upcast_out_no_complex(*types):
    """The dtype is the smallest that holds those of all arguments; TypeError for complex ones."""
    _no_complex(types, "complex type are not supported")
    return upcast_out(*types)


# The float that an integer becomes when a function such as exp is applied to it.
_FLOAT_OF = {
    bool_: float32,
    int8: float32,
    int16: float32,
    int32: float64,
    int64: float64,
    uint8: float32,
    uint16: float32,
    uint32: float64,
    uint64: float64,
}


def upgrade_to_float(*types):
    """Booleans and integers of 8 and 16 bits give float32, larger ones float64; other dtypes stay."""
    return (get_scalar_type(Scalar.upcast(*[_FLOAT_OF.get(t, t) for t in types])),)


def upgrade_to_float_no_complex(*types):
    """Booleans and integers of 8 and 16 bits give float32, larger ones float64; TypeError for complex arguments."""
    _no_complex(types)
    return upgrade_to_float(*types)


def upgrade_to_float64(*types):
    """The dtype is float64."""
    return (float64,)


def same_out(type):
    """The dtype is that of the argument."""
    return (type,)


def same_out_nobool(type):
    """The dtype is that of the argument; TypeError for bool."""
    if type == bool_:
        raise TypeError("bool input not supported")
    return (type,)


def same_out_min8(type):
    """The dtype is that of the argument, int8 instead of bool."""
    return (int8,) if type == bool_ else (type,)


def same_out_nocomplex(type):
    """The dtype is that of the argument; TypeError for complex ones."""
    _no_complex([type])
    return (type,)


def same_out_float_only(type):
    """The dtype is that of the argument; TypeError unless it is a float."""
    if type not in float_types:
        raise TypeError("only float type are supported")
    return (type,)


def real_out(type):
    """The dtype is that of the argument, of complex ones that of their parts."""
    return {complex64: (float32,), complex128: (float64,)}.get(type, (type,))


def sign_out(type):
    """The dtype is that of the argument; TypeError for bool and complex ones."""
    if type == bool_:
        raise TypeError(type)
    return same_out_nocomplex(type)


def complex_out(x, y):
    """complex128 if an argument has 64 bits or is an int32 or uint32, else complex64; TypeError for complex ones."""
    for t in (x, y):
        if t in complex_types:
            raise TypeError(t)
    wide = Scalar.upcast(x, y) in ("float64", "int64", "uint64", "int32", "uint32")
    return [complex128 if wide else complex64]


def int_out(*types):
    """The dtype is int64."""
    return (int64,)


def int_out_nocomplex(*types):
    """The dtype is int64; TypeError for complex arguments."""
    _no_complex(types)
    return (int64,)


def float_out(*types):
    """The dtype is float64."""
    return (float64,)


def float_out_nocomplex(*types):
    """The dtype is float64; TypeError for complex arguments."""
    _no_complex(types)
    return (float64,)


class transfer_type(Props):
    """The output types are those of the inputs at the given positions; None stands for the upcast of all."""

    __props__ = ("transfer",)

    def __init__(self, *transfer):
        if not all(type(x) in (int, str) or x is None for x in transfer):
            raise AssertionError("transfer_type takes input positions, type names or None, got %s" % (transfer,))
        self.transfer = transfer

    def __str__(self):
        return "transfer_type{%s}" % (self.transfer,)

    def __call__(self, *types):
        upcast = upcast_out(*types)
        return [upcast if i is None else i if isinstance(i, str) else types[i] for i in self.transfer]


class specific_out(Props):
    """The output types are those given, whatever the inputs."""

    __props__ = ("spec",)

    def __init__(self, *spec):
        self.spec = spec

    def __call__(self, *types):
        return self.spec


class unary_out_lookup(Props):
    """The output type is looked up in a table from input types (a type, or a tuple of them)."""

    def __init__(self, type_table):
        self.tbl = type_table

    def __call__(self, *types):
        key = types[0] if len(types) == 1 else types
        try:
            found = self.tbl[key]
        except KeyError:
            raise TypeError(key) from None
        return found if isinstance(key, (list, tuple)) else [found]

    def __eq__(self, other):
        return type(self) is type(other) and self.tbl == other.tbl

    def __hash__(self):
        return hash(type(self))
