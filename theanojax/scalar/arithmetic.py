"""Arithmetic: sums, products, quotients, powers, signs, rounding, casts, and complex parts."""

import warnings
from functools import partial, reduce

import numpy as np

from theanojax import scalar as S
from theanojax.config import config
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.scalar import op as table
from theanojax.scalar.casting import as_scalar
from theanojax.scalar.dtype_rules import (
    complex_out,
    real_out,
    same_out,
    same_out_float_only,
    same_out_min8,
    same_out_nobool,
    sign_out,
    specific_out,
    transfer_type,
    upcast_out,
    upcast_out_min8,
    upcast_out_no_complex,
    upcast_out_nobool,
    upgrade_to_float,
    upgrade_to_float_no_complex,
)
from theanojax.scalar.op import BinaryScalarOp, ScalarOp, UnaryScalarOp, float_zeros, is_complex, refuse_complex
from theanojax.scalar.types import (
    ComplexError,
    IntegerDivisionError,
    Scalar,
    complex_types,
    continuous_types,
    discrete_types,
    float64,
    float_types,
    get_scalar_type,
    int_types,
    upcast,
)

define = partial(table.define, module=__name__)
unary = partial(table.unary, module=__name__)
numpy_unary = partial(table.numpy_unary, module=__name__)


# ------------------------------------------------------------------ sums and products
def _add_L_op(self, inputs, outputs, output_gradients):
    (gz,) = output_gradients
    refuse_complex(gz)
    if outputs[0].type in discrete_types:
        return float_zeros(*inputs)
    return [gz for _ in inputs]


def _mul_grad(self, inputs, output_gradients):
    (gz,) = output_gradients
    output_type = self.output_types([v.type for v in inputs])[0]
    if output_type in complex_types and not is_complex(gz):
        raise TypeError("Mul with output_type %s expected gz type to be complex, got gz with type %s"
                        % (output_type, gz.type))
    if output_type in discrete_types:
        return float_zeros(*inputs)
    result = []
    for i, v in enumerate(inputs):
        others = inputs[:i] + inputs[i + 1:]
        if not is_complex(gz):
            result.append(S.mul(gz, *others))
            continue
        rest = S.mul(*others)
        yr, yi = S.real(rest), S.imag(rest)
        real_part = yr * S.real(gz) + yi * S.imag(gz)
        if is_complex(v):
            real_part = S.complex(real_part, yr * S.imag(gz) - yi * S.real(gz))
        result.append(real_part)
    return result


def _sub_L_op(self, inputs, outputs, output_gradients):
    (gz,) = output_gradients
    refuse_complex(gz)
    if outputs[0].type in discrete_types:
        return float_zeros(*inputs)
    return [gz, -gz]


Add, add = define("Add", "add", upcast_out, lambda xp, *xs: reduce(xp.add, xs), L_op=_add_L_op, identity=0,
                  commutative=True, associative=True, nfunc_spec=("add", 2, 1),
                  tensor_doc="The sum of all arguments.")
Mul, mul = define("Mul", "mul", upcast_out, lambda xp, *xs: reduce(xp.multiply, xs), grad=_mul_grad, identity=1,
                  commutative=True, associative=True, nfunc_spec=("multiply", 2, 1),
                  tensor_doc="The product of all arguments.")
Sub, sub = define("Sub", "sub", upcast_out_nobool, lambda xp, x, y: xp.subtract(x, y), base=BinaryScalarOp,
                  L_op=_sub_L_op, nfunc_spec=("subtract", 2, 1), tensor_doc="a - b")
Neg, neg = numpy_unary("Neg", "neg", same_out_nobool, lambda x, gz: -gz, numpy_name="negative", complex_gradient=True,
                       tensor_doc="-a")


# ------------------------------------------------------------------ quotients
def _python2_division():
    if config.int_division == "raise":
        raise IntegerDivisionError(
            "With `config.int_division` set to 'raise', dividing two integer types with '/' is forbidden to avoid "
            "confusion between integer and floating point divisions. Please use // for integer division, or if you "
            "want a float result either cast one of the arguments to a float or directly call `x.__truediv__(y)`.")
    if config.int_division == "int":
        warnings.warn("Division of two integer types with x / y is deprecated, please use x // y for an integer "
                      "division.", DeprecationWarning, stacklevel=5)
        return int_div
    if config.int_division == "floatX":
        return true_div
    raise NotImplementedError(config.int_division)


def int_or_true_div(x_discrete, y_discrete):
    """The Op that `/` means for two operands, of which we know whether they are integers."""
    return _python2_division() if x_discrete and y_discrete else true_div


def div_proxy(x, y):
    """``x / y`` of scalars."""
    return int_or_true_div(as_scalar(x).type in discrete_types, as_scalar(y).type in discrete_types)(x, y)


def _true_div_types(self, types):
    if all(t in discrete_types for t in types):
        return [get_scalar_type(config.floatX)]
    return ScalarOp.output_types(self, types)


def _true_div_grad(self, inputs, output_gradients):
    (x, y), (gz,) = inputs, output_gradients
    refuse_complex(x)
    first = gz / y
    refuse_complex(y)
    return [first, -(gz * x) / (y * y)]


def _true_div_work(self, types, out):
    # Two integers are divided in double precision even when floatX is less.
    return "float64" if "float64" == upcast(*types, "float16") and "complex" not in out else out


def _no_zero(xp, y, text):
    """`y` with 1 for 0; a zero is an error, whatever stands there does not count."""
    xp.guard(xp.all(y != 0), partial(ZeroDivisionError, text))
    return xp.where(y == 0, xp.ones_like(y), y)


def _int_div(xp, x, y):
    kind = str(x.dtype)
    if kind == "bool":
        x, y = xp.astype(x, "int8"), xp.astype(y, "int8")
    if "complex" in kind:
        raise IntDiv.complex_error
    if "float" not in kind:
        return xp.floor_divide(x, _no_zero(xp, y, "integer division by zero"))
    same_sign = ((x < 0) == (y < 0)) | (y == 0)
    toward_zero = xp.floor(xp.true_divide(xp.abs(x), xp.abs(y)))
    # nan compares as neither: it takes the first branch and stays nan.
    return xp.where(same_sign | xp.isnan(x) | xp.isnan(y), xp.floor(xp.true_divide(x, y)),
                    -toward_zero - xp.astype(xp.fmod(x, y) != 0, x.dtype))


def _mod(xp, x, y):
    kind = str(x.dtype)
    if kind == "bool":
        x, y = xp.astype(x, "int8"), xp.astype(y, "int8")
    if "complex" in kind:
        raise Mod.complex_error
    if "float" not in kind:
        return xp.remainder(x, _no_zero(xp, y, "integer modulo by zero"))
    rest = xp.fmod(x, y)
    return xp.where((rest != 0) & ((rest < 0) != (y < 0)), rest + y, rest)


def _int_div_grad(self, inputs, output_gradients):
    return [v.zeros_like(dtype=config.floatX) for v in inputs]


def _mod_L_op(self, inputs, outputs, output_gradients):
    (x, y), (gz,) = inputs, output_gradients
    if outputs[0].type in discrete_types:
        return [v.zeros_like(dtype=config.floatX) for v in inputs]
    return [gz, -(x // y) * gz]


TrueDiv, true_div = define("TrueDiv", "true_div", upcast_out, lambda xp, x, y: xp.true_divide(x, y),
                           base=BinaryScalarOp, grad=_true_div_grad, output_types=_true_div_types,
                           work_dtype=_true_div_work, nfunc_spec=("true_divide", 2, 1),
                           tensor_doc="a / b; integers give a float.")
IntDiv, int_div = define(
    "IntDiv", "int_div", upcast_out, _int_div, base=BinaryScalarOp, grad=_int_div_grad,
    complex_error=ComplexError("Theano does not support integer division (//) on complex numbers, since numpy "
                               "deprecated it."), nfunc_spec=("floor_divide", 2, 1),
    tensor_doc="a // b, rounded down. ZeroDivisionError for integers divided by 0.")
Mod, mod = define(
    "Mod", "mod", upcast_out, _mod, base=BinaryScalarOp, L_op=_mod_L_op,
    complex_error=ComplexError("Theano does not support the mod operator (%) on complex numbers, since numpy "
                               "deprecated it."), nfunc_spec=("mod", 2, 1),
    tensor_doc="a % b, with the sign of `b`. ZeroDivisionError for integers divided by 0.")
floor_div = int_div


def mod_check(x, y):
    """``x % y`` of scalars; ComplexError if one is complex."""
    if is_complex(as_scalar(x), as_scalar(y)):
        raise Mod.complex_error
    return mod(x, y)


# ------------------------------------------------------------------ powers
def _pow(xp, x, y):
    kind = str(x.dtype)
    if kind.startswith("complex"):
        zero = (x == 0) & (xp.real(y) > 0)
        return xp.where(zero, xp.zeros_like(x), xp.power(xp.where(zero, xp.ones_like(x), x), y))
    if kind.startswith(("float", "uint")):
        return xp.power(x, y)
    # The reciprocal of an integer is cut to 0, except that of 1 and -1; that of 0 is infinite, cast to an integer.
    positive = xp.power(x, xp.maximum(y, xp.zeros_like(y)))
    odd = xp.remainder(y, xp.full_like(y, 2)) != 0
    unit = (x == 1) | ((x == -1) & ~odd)
    infinite = xp.full_like(x, np.iinfo(kind).min if kind in ("int32", "int64") else 0)
    negative = xp.where(unit, xp.ones_like(x), xp.where(x == -1, -xp.ones_like(x), xp.zeros_like(x)))
    negative = xp.where(x == 0, infinite, negative)
    return xp.where(y < 0, negative, positive)


def _pow_L_op(self, inputs, outputs, output_gradients):
    (x, y), (gz,) = inputs, output_gradients
    refuse_complex(gz)
    if outputs[0].type in discrete_types:
        return float_zeros(x, y)
    first = gz * y * x ** (y - 1)
    second = gz * S.log(x) * x ** y
    return [first, S.switch(S.eq(x, 0), 0, second)]


Pow, pow = define("Pow", "pow", upcast_out_min8, _pow, base=BinaryScalarOp, L_op=_pow_L_op, nfunc_spec=("power", 2, 1),
                  tensor_doc="a ** b")
Sqr, sqr = unary("Sqr", "sqr", same_out, lambda xp, x: xp.multiply(x, x), lambda x, gz: gz * x * 2,
                 nfunc_spec=("square", 1, 1), tensor_doc="a * a")
Sqrt, sqrt = numpy_unary("Sqrt", "sqrt", upgrade_to_float, lambda x, gz: gz * 0.5 / S.sqrt(x),
                         tensor_doc="The square root of `a`.", tensor_method=True)
Inv, inv = unary("Inv", "inv", upgrade_to_float, lambda xp, x: xp.ones_like(x) / x, lambda x, gz: -gz / (x * x),
                 tensor_doc="1 / a")


# ------------------------------------------------------------------ signs and rounding
def _abs_types(self, types):
    return real_out(*types) if types[0] in complex_types else ScalarOp.output_types(self, types)


def _abs_L_op(self, inputs, outputs, output_gradients):
    (x,), (gz,) = inputs, output_gradients
    if outputs[0].type in discrete_types:
        return [table.zero_gradient(x)]
    if x.type in float_types:
        return [gz * S.sgn(x)]
    return [gz * x / abs(x)]


def _step_grad(self, inputs, output_gradients):
    """Zero, as for every function that is constant almost everywhere."""
    zero = inputs[0].zeros_like()
    return [zero.astype(config.floatX) if zero.type in discrete_types else zero]


def _trunc_grad(self, inputs, output_gradients):
    return float_zeros(inputs[0])


def _half_away_from_zero(xp, x):
    whole = xp.trunc(x)
    return xp.where(xp.abs(x - whole) >= 0.5, whole + xp.sign(x), whole)


Abs, abs_ = numpy_unary("Abs", None, same_out, numpy_name="abs", work="own", output_types=_abs_types, L_op=_abs_L_op,
                        tensor_doc="|a|")
Sgn, sgn = numpy_unary("Sgn", "sgn", sign_out, numpy_name="sign", grad=_step_grad,
                       tensor_doc="The sign of `a`: -1, 0 or 1.")
Ceil, ceil = numpy_unary("Ceil", "ceil", upgrade_to_float_no_complex, grad=_step_grad,
                         tensor_doc="The smallest integer not below `a`, as a float.", tensor_method=True)
Floor, floor = numpy_unary("Floor", "floor", upgrade_to_float_no_complex, grad=_step_grad,
                           tensor_doc="The largest integer not above `a`, as a float.", tensor_method=True)
Trunc, trunc = numpy_unary("Trunc", "trunc", upgrade_to_float_no_complex, grad=_trunc_grad,
                           tensor_doc="`a` without its fraction.", tensor_method=True)
RoundHalfToEven, round_half_to_even = unary("RoundHalfToEven", None, same_out_float_only, lambda xp, x: xp.round(x),
                                            grad=_step_grad, nfunc_spec=("around", 1, 1),
                                            tensor_doc="The nearest integer; halves go to the even one.")
RoundHalfAwayFromZero, round_half_away_from_zero = unary("RoundHalfAwayFromZero", None, same_out_float_only,
                                                         _half_away_from_zero, grad=_step_grad,
                                                         tensor_doc="The nearest integer; halves go away from zero.")


# ------------------------------------------------------------------ selection of an argument
def _clip_L_op(self, inputs, outputs, output_gradients):
    (x, low, high), (gz,) = inputs, output_gradients
    if is_complex(gz):
        raise AssertionError("clip has no gradient for complex numbers")
    gradients = [((x >= low) & (x <= high)) * gz, (x < low) * gz, (x > high) * gz]
    if outputs[0].type in int_types:
        return float_zeros(*gradients)
    return gradients


def _second_grad(self, inputs, output_gradients):
    (_, y), (gz,) = inputs, output_gradients
    return [DisconnectedType()(), gz if y.type in continuous_types else y.zeros_like()]


def _identity_grad(self, inputs, output_gradients):
    (x,), (gz,) = inputs, output_gradients
    return [gz if x.type in continuous_types else x.zeros_like(dtype=config.floatX)]


Clip, clip = define("Clip", "clip", upcast_out_no_complex,
                    lambda xp, x, low, high: xp.where(x < low, low, xp.where(x > high, high, x)), nin=3,
                    L_op=_clip_L_op, tensor_inplace=False,
                    tensor_doc="`x` between `min` and `max`. Where `min` is larger than `max`, the result is `min` or "
                               "`max`.")
Second, second = define("Second", "second", transfer_type(1), lambda xp, x, y: y, base=BinaryScalarOp, work="own",
                        grad=_second_grad, connection_pattern=lambda self, node: [[False], [True]],
                        tensor_doc="`b` in the shape of `a`.")
Identity, identity = unary("Identity", "identity", same_out, lambda xp, x: x, grad=_identity_grad,
                           doc="The number itself.")


# ------------------------------------------------------------------ casts
class Cast(UnaryScalarOp):
    """The conversion of a number to the type `o_type`; floats are cut towards zero and integers wrap.

    Raises TypeError if `o_type` is not a Scalar type.
    """

    work = "own"
    is_cast = True

    def __init__(self, o_type, name=None):
        if not isinstance(o_type, Scalar):
            raise TypeError(o_type)
        super().__init__(specific_out(o_type), name=name)
        self.o_type = o_type
        self.ctor = o_type.dtype_specs()[0]

    def __str__(self):
        return "%s{%s}" % (self.__class__.__name__, self.o_type.dtype)

    def body(self, xp, x):
        return xp.astype(x, self.o_type.dtype)

    def clone_float32(self):
        return convert_to_float32 if self.o_type.dtype == "float16" else self

    def make_new_inplace(self, output_types_preference=None, name=None):
        return self.__class__(self.o_type, name)

    def grad(self, inputs, output_gradients):
        return [output_gradients[0]] if self.o_type in continuous_types else float_zeros(inputs[0])


def _conversion(dtype):
    return Cast(get_scalar_type(dtype), name="convert_to_" + dtype)


convert_to_bool = _conversion("bool")
convert_to_int8 = _conversion("int8")
convert_to_int16 = _conversion("int16")
convert_to_int32 = _conversion("int32")
convert_to_int64 = _conversion("int64")
convert_to_uint8 = _conversion("uint8")
convert_to_uint16 = _conversion("uint16")
convert_to_uint32 = _conversion("uint32")
convert_to_uint64 = _conversion("uint64")
convert_to_float16 = _conversion("float16")
convert_to_float32 = _conversion("float32")
convert_to_float64 = _conversion("float64")
convert_to_complex64 = _conversion("complex64")
convert_to_complex128 = _conversion("complex128")

_cast_mapping = {op.o_type.dtype: op for op in (
    convert_to_bool, convert_to_int8, convert_to_int16, convert_to_int32, convert_to_int64, convert_to_uint8,
    convert_to_uint16, convert_to_uint32, convert_to_uint64, convert_to_float16, convert_to_float32,
    convert_to_float64, convert_to_complex64, convert_to_complex128)}


def cast(x, dtype):
    """The scalar `x` as `dtype`; TypeError for a complex number that should become real."""
    if dtype == "floatX":
        dtype = config.floatX
    x = as_scalar(x)
    if x.type.dtype == dtype:
        return x
    if is_complex(x) and not dtype.startswith("complex"):
        raise TypeError("Casting from complex to real is ambiguous: consider real(), imag(), angle() or abs()")
    return _cast_mapping[dtype](x)


# ------------------------------------------------------------------ complex numbers
def _imag_grad(self, inputs, output_gradients):
    (x,), (gz,) = inputs, output_gradients
    if is_complex(x):
        return [S.complex(0, gz)]
    if x.type in float_types:
        return [x.zeros_like()]
    return [x.zeros_like(dtype=config.floatX)]


def _angle_grad(self, inputs, output_gradients):
    (c,), (gtheta,) = inputs, output_gradients
    if not is_complex(c):
        return [c.zeros_like(dtype=config.floatX)]
    x, y = S.real(c), S.imag(c)
    r2 = S.sqr(x) + S.sqr(y)
    return [cast(S.complex(-gtheta * y / r2, gtheta * x / r2), c.type.dtype)]


def _complex_grad(self, inputs, output_gradients):
    (x, y), (gz,) = inputs, output_gradients
    return [cast(S.real(gz), x.type.dtype), cast(S.imag(gz), y.type.dtype)]


def _polar_grad(self, inputs, output_gradients):
    (r, theta), (gz,) = inputs, output_gradients
    return [gz * S.complex_from_polar(1, theta), gz * S.complex_from_polar(r, -theta)]


def _real_work(self, types, out):
    return "float32" if out == "complex64" else "float64"


def _polar(xp, r, theta):
    xp.guard(xp.all(r >= 0), partial(ValueError, "polar radius must be non-negative", r))
    return xp.complex_of(r * xp.cos(theta), r * xp.sin(theta))


Real, real = unary("Real", "real", real_out, lambda xp, x: xp.array(xp.real(x)), work="own",
                   grad=lambda self, inputs, gradients: [S.complex(gradients[0], 0)],
                   tensor_doc="The real part.", tensor_inplace=False)
Imag, imag = unary("Imag", "imag", real_out, lambda xp, x: xp.array(xp.imag(x)), work="own", grad=_imag_grad,
                   nfunc_spec=("imag", 1, 1), tensor_doc="The imaginary part.", tensor_inplace=False)
Angle, angle = unary("Angle", "angle", specific_out(float64), lambda xp, x: xp.angle(x), grad=_angle_grad,
                     work_dtype=lambda self, types, out: types[0] if "complex" in types[0] else out,
                     nfunc_spec=("angle", 1, 1), tensor_doc="The angle in the complex plane.", tensor_inplace=False)
Complex, complex = define("Complex", "complex", complex_out, lambda xp, x, y: xp.complex_of(x, y), base=BinaryScalarOp,
                          work_dtype=_real_work, grad=_complex_grad,
                          tensor_doc="The complex number with these parts.", tensor_inplace=False)
Conj, conj = numpy_unary("Conj", "conj", same_out_min8, tensor_doc="The complex conjugate.", tensor_method=True)
ComplexFromPolar, complex_from_polar = define("ComplexFromPolar", "complex_from_polar", complex_out, _polar,
                                              base=BinaryScalarOp, work_dtype=_real_work, grad=_polar_grad,
                                              tensor_doc="The complex number of this absolute value and angle.",
                                              tensor_inplace=False)


# ------------------------------------------------------------------ rounding of plain numbers
def round_half_away_from_zero_(a):
    """The integer next to the number `a`; halves go away from zero."""
    return np.floor(a + 0.5) if a > 0 else np.ceil(a - 0.5)


round_half_away_from_zero_vec64 = np.vectorize(round_half_away_from_zero_, doc="round_half_away_from_zero_vec64")
round_half_away_from_zero_vec32 = np.vectorize(round_half_away_from_zero_, doc="round_half_away_from_zero_vec32",
                                               otypes=["float32"])


def round_half_away_from_zero_vec(a):
    """`round_half_away_from_zero_` of each element."""
    single = getattr(a, "dtype", None) == np.float32
    return round_half_away_from_zero_vec32(a) if single else round_half_away_from_zero_vec64(a)


__all__ = ["round_half_away_from_zero_vec32", "round_half_away_from_zero_vec64", *table.names(globals())]
