"""Comparisons, logic on bits, extrema, and the choice by a condition."""

from functools import partial

from theanojax import scalar as S
from theanojax.scalar import op as table
from theanojax.scalar.casting import constant
from theanojax.scalar.dtype_rules import transfer_type, upcast_out
from theanojax.scalar.op import BinaryScalarOp, ScalarOp, UnaryScalarOp, float_zeros, refuse_complex
from theanojax.scalar.types import bool_, complex_types, discrete_types, int8, integer_types

define = partial(table.define, module=__name__)
unary = partial(table.unary, module=__name__)


# ------------------------------------------------------------------ comparisons
class _Logical:
    """Shared by the Ops with a truth value. It is int8 in Ops unpickled from before there was a bool dtype."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.bool = True

    def __eq__(self, other):
        return super().__eq__(other) and getattr(self, "bool", False) == getattr(other, "bool", False)

    def __hash__(self):
        return super().__hash__()

    def output_types(self, *input_dtypes):
        """The dtype is bool."""
        return [bool_ if getattr(self, "bool", False) else int8]

    def L_op(self, inputs, outputs, output_gradients):
        return float_zeros(*inputs)


class LogicalComparison(_Logical, BinaryScalarOp):
    """A comparison of two numbers."""

    work = "common"
    identity = False
    commutative = False
    associative = False


class FixedLogicalComparison(_Logical, UnaryScalarOp):
    """A test of one number."""

    work = "own"


def _compare(class_name, numpy_name, doc, commutative=False):
    def body(xp, x, y):
        return getattr(xp, numpy_name)(x, y)

    return define(class_name, None, None, body, base=LogicalComparison, init=(), commutative=commutative,
                  nfunc_spec=(numpy_name, 2, 1), tensor_doc=doc)


LT, lt = _compare("LT", "less", "a < b")
GT, gt = _compare("GT", "greater", "a > b")
LE, le = _compare("LE", "less_equal", "a <= b")
GE, ge = _compare("GE", "greater_equal", "a >= b")
EQ, eq = _compare("EQ", "equal", "a == b", commutative=True)
NEQ, neq = _compare("NEQ", "not_equal", "a != b", commutative=True)
IsNan, isnan = define("IsNan", None, None, lambda xp, x: xp.isnan(x), base=FixedLogicalComparison, init=(),
                      nfunc_spec=("isnan", 1, 1), tensor_doc="Whether `a` is not a number.", tensor_inplace=False)
IsInf, isinf = define("IsInf", None, None, lambda xp, x: xp.isinf(x), base=FixedLogicalComparison, init=(),
                      nfunc_spec=("isinf", 1, 1), tensor_doc="Whether `a` is infinite.", tensor_inplace=False)


class InRange(LogicalComparison):
    """Whether a number lies between two others, which belong to the range unless `openlow` or `openhi`."""

    nin = 3

    def __init__(self, openlow, openhi):
        self.openlow, self.openhi = openlow, openhi

    def __eq__(self, other):
        return super().__eq__(other) and (self.openlow, self.openhi) == (other.openlow, other.openhi)

    def __hash__(self):
        return hash((super().__hash__(), self.openlow, self.openhi))

    def body(self, xp, x, low, hi):
        outside = (x <= low if self.openlow else x < low) | (x >= hi if self.openhi else x > hi)
        return ~outside

    def get_grad(self, elem):
        if elem.type in complex_types:
            raise NotImplementedError("No gradient implemented for complex numbers in class scalar.basic.InRange")
        return float_zeros(elem)[0] if elem.type in discrete_types else elem.zeros_like()

    def L_op(self, inputs, outputs, output_gradients):
        return [self.get_grad(v) for v in inputs]


inopenrange = InRange(True, True)
inclosedrange = InRange(False, False)


# ------------------------------------------------------------------ choice
class Switch(ScalarOp):
    """The second number if the first is not zero, else the third."""

    nin = 3
    nfunc_spec = ("where", 3, 1)
    tensor_doc = "`ift` where `cond` is true (not zero), `iff` elsewhere."
    tensor_inplace = False
    vectorize_node = ScalarOp.vectorize_node

    def output_types(self, types):
        """The dtype is the smallest that holds those of `ift` and `iff`."""
        return upcast_out(*types[1:])

    def compute(self, xp, node, condition, if_true, if_false):
        if node is not None:
            dtype = node.outputs[0].type.dtype
        else:
            dtype = self.output_dtypes([str(v.dtype) for v in (condition, if_true, if_false)])[0]
        return xp.where(xp.astype(condition, "bool"), xp.astype(if_true, dtype), xp.astype(if_false, dtype))

    def L_op(self, inputs, outputs, output_gradients):
        (condition, _, _), (gz,) = inputs, output_gradients
        first, second = S.switch(condition, gz, 0.0), S.switch(condition, 0.0, gz)
        if outputs[0].type in discrete_types:
            first = second = constant(0.0)
        return [float_zeros(condition)[0], first, second]


switch = Switch()


def _zero_times_grad(self, inputs, output_gradients):
    # As if it were not there: no slope is made up where the product has none.
    return [output_gradients[0], inputs[1].zeros_like()]


ZeroTimes, zero_times = define(
    "ZeroTimes", "zero_times", transfer_type(0),
    lambda xp, product, factor: xp.where((factor == 0) & xp.isnan(product), xp.zeros_like(product), product),
    base=BinaryScalarOp, work="own", grad=_zero_times_grad,
    doc="A product, of which `factor` is a factor: 0 where that is 0 and the others are infinite.")


# ------------------------------------------------------------------ bits
_BIT_TYPES = "input to a BitOp must have type (u)int8, (u)int16, (u)int32 or (u)int64 or %s not %s"


class UnaryBitOp(UnaryScalarOp):
    """A function of the bits of an integer, or of a truth value."""

    def output_types(self, *input_types):
        """The dtype is that of the argument; TypeError unless that is bool or an integer."""
        (types,) = input_types
        for t in types:
            if t not in discrete_types:
                raise TypeError(_BIT_TYPES % ("bool", t))
        return upcast_out(*types)

    def grad(self, inputs, output_gradients):
        return float_zeros(*inputs)


class BinaryBitOp(BinaryScalarOp):
    """A function of the bits of two integers, or of two truth values."""

    commutative = True
    associative = True

    def output_types(self, *input_types):
        """The dtype is bool, or the smallest that holds those of all arguments, integers all; else TypeError."""
        (types,) = input_types
        if all(t == bool_ for t in types):
            return [bool_]
        for t in types:
            if t not in integer_types:
                raise TypeError(_BIT_TYPES % ("be all bools", t))
        return upcast_out(*types)

    def grad(self, inputs, output_gradients):
        return float_zeros(*inputs)


OR, or_ = define("OR", None, None, lambda xp, x, y: xp.bitwise_or(x, y), base=BinaryBitOp, init=(), identity=0,
                 nfunc_spec=("bitwise_or", 2, 1), tensor_doc="a | b, bit by bit.")
XOR, xor = define("XOR", None, None, lambda xp, x, y: xp.bitwise_xor(x, y), base=BinaryBitOp, init=(), identity=0,
                  nfunc_spec=("bitwise_xor", 2, 1), tensor_doc="a ^ b, bit by bit.")
AND, and_ = define("AND", None, None, lambda xp, x, y: xp.bitwise_and(x, y), base=BinaryBitOp, init=(), identity=-1,
                   nfunc_spec=("bitwise_and", 2, 1), tensor_doc="a & b, bit by bit.")
Invert, invert = define("Invert", None, None, lambda xp, x: xp.invert(x), base=UnaryBitOp, init=(),
                        nfunc_spec=("invert", 1, 1), tensor_doc="~a, bit by bit.")


# ------------------------------------------------------------------ extrema
def _extremum_L_op(self, inputs, outputs, output_gradients):
    (x, y), (gz,) = inputs, output_gradients
    refuse_complex(gz)
    if outputs[0].type in discrete_types:
        return float_zeros(x, y)
    # The first argument gets all of the gradient where both are equal.
    e = S.eq(outputs[0], x)
    return [e * gz, (constant(1, dtype=gz.dtype) - e) * gz]


Maximum, maximum = define("Maximum", "maximum", upcast_out, lambda xp, x, y: xp.maximum(x, y), base=BinaryScalarOp,
                          L_op=_extremum_L_op, commutative=True, associative=True, nfunc_spec=("maximum", 2, 1),
                          tensor_doc="The larger of `x` and `y`; nan if one is.")
Minimum, minimum = define("Minimum", "minimum", upcast_out, lambda xp, x, y: xp.minimum(x, y), base=BinaryScalarOp,
                          L_op=_extremum_L_op, commutative=True, associative=True, nfunc_spec=("minimum", 2, 1),
                          tensor_doc="The smaller of `x` and `y`; nan if one is.")


__all__ = [*table.names(globals(), but=("ZeroTimes", "zero_times"))]
