"""What one element of an elementwise operation is in C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.runtime.in_c.flat import NotInC
from theanojax.runtime.in_c.types import TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from theanojax.runtime.in_c.flat import Eqn


def ctype(dtype: np.dtype[Any]) -> str:
    return TYPES[dtype.name]


def stored(dtype: np.dtype[Any]) -> str:
    """The same for arrays in memory: of C++'s bools compilers do not read several at once."""
    return "uint8_t" if dtype.kind == "b" else ctype(dtype)


def literal(value: Any, dtype: np.dtype[Any]) -> str:
    """A number as C reads it, of that type."""
    kind = ctype(dtype)
    if dtype.kind == "f":
        if np.isnan(value):
            return "((%s)NAN)" % kind
        if np.isinf(value):
            return "((%s)%sINFINITY)" % (kind, "-" if value < 0 else "")
        return "((%s)%s)" % (kind, float(value).hex())
    if dtype.kind == "b":
        return "true" if value else "false"
    if int(value) == -(2**63):
        return "INT64_MIN"
    return "((%s)%d%s)" % (kind, int(value), "ULL" if dtype.kind == "u" else "LL")


# of floats and integers alike, but for those that FLOATS, INTEGERS and BOOLS say otherwise
ANY = {
    "add": "({0} + {1})", "add_any": "({0} + {1})", "sub": "({0} - {1})", "mul": "({0} * {1})", "neg": "(-{0})",
    "eq": "({0} == {1})", "ne": "({0} != {1})", "lt": "({0} < {1})", "le": "({0} <= {1})", "gt": "({0} > {1})",
    "ge": "({0} >= {1})", "square": "({0} * {0})", "sign": "sign_of({0})",
    "one_minus_square": "((1 + {0}) * (1 - {0}))",
    "max": "greater_of({0}, {1})", "min": "lesser_of({0}, {1})",
    "clamp": "lesser_of(greater_of({0}, {1}), {2})",
}  # fmt: skip
FLOATS = {
    "div": "({0} / {1})", "rem": "std::fmod({0}, {1})", "abs": "std::fabs({0})", "floor": "std::floor({0})",
    "ceil": "std::ceil({0})", "sqrt": "std::sqrt({0})", "rsqrt": "(1 / std::sqrt({0}))", "cbrt": "std::cbrt({0})",
    "is_finite": "std::isfinite({0})", "logistic": "(1 / (1 + of_exp(-{0})))", "pow": "of_pow({0}, {1})",
    "atan2": "std::atan2({0}, {1})", "sinh": "std::sinh({0})", "cosh": "std::cosh({0})",
    "tan": "std::tan({0})", "asin": "std::asin({0})", "acos": "std::acos({0})", "atan": "std::atan({0})",
    "asinh": "std::asinh({0})", "acosh": "std::acosh({0})", "atanh": "std::atanh({0})", "erf": "std::erf({0})",
    "erfc": "std::erfc({0})", "lgamma": "of_lgamma({0})", "exp2": "std::exp2({0})",
    "exp": "of_exp({0})", "log": "of_log({0})", "sin": "of_sin({0})", "cos": "of_cos({0})", "tanh": "of_tanh({0})",
    "log1p": "of_log1p({0})", "expm1": "of_expm1({0})",
}  # fmt: skip
INTEGERS = {
    "div": "quotient_of({0}, {1})", "rem": "remainder_of({0}, {1})", "abs": "({0} < 0 ? -{0} : {0})",
    "and": "({0} & {1})", "or": "({0} | {1})", "xor": "({0} ^ {1})", "not": "(~{0})",
    "shift_left": "shifted_left({0}, {1})", "shift_right_logical": "shifted_right({0}, {1})",
    "shift_right_arithmetic": "shifted_right_signed({0}, {1})",
}  # fmt: skip
BOOLS = {
    "add": "({0} | {1})", "mul": "({0} & {1})", "and": "({0} & {1})", "or": "({0} | {1})", "xor": "({0} != {1})",
    "not": "(!{0})", "max": "({0} | {1})", "min": "({0} & {1})",
}  # fmt: skip
BY_KIND = {"f": FLOATS, "i": INTEGERS, "u": INTEGERS, "b": BOOLS}
MOST_POWER = 64


def _power(eqn: Eqn, args: Sequence[str]) -> str:
    n = eqn.params["y"]
    if abs(n) > MOST_POWER:
        raise NotInC("a power of %d" % n)
    product = "power_of<%d>(%s)" % (abs(n), args[0])
    return product if n >= 0 else "(1 / %s)" % product


def _cast(eqn: Eqn, args: Sequence[str]) -> str:
    old, new = eqn.ins[0].dtype, eqn.out.dtype
    if old.kind == "f" and new.kind in "iu":
        low, high = np.iinfo(new).min, np.iinfo(new).max
        return "integer_of<%s>(%s, %s, %s)" % (ctype(new), args[0], literal(low, new), literal(high, new))
    if new.kind == "b":
        return "(%s != 0)" % args[0]
    return "((%s)%s)" % (ctype(new), args[0])


def _same_bits(eqn: Eqn, args: Sequence[str]) -> str:
    if eqn.ins[0].dtype.itemsize != eqn.out.dtype.itemsize:
        raise NotInC("bits read as numbers of another size")
    return "same_bits<%s>(%s)" % (ctype(eqn.out.dtype), args[0])


def _select(eqn: Eqn, args: Sequence[str]) -> str:
    which, *cases = args
    if len(cases) == 1:
        return cases[0]
    if eqn.ins[0].dtype.kind == "b":
        return "(%s ? %s : %s)" % (which, cases[1], cases[0])
    text = cases[-1]
    for i, case in reversed(list(enumerate(cases[:-1]))):
        text = "(%s <= %d ? %s : %s)" % (which, i, case, text)
    return text


def _round(eqn: Eqn, args: Sequence[str]) -> str:
    return ("std::round(%s)" if int(eqn.params["rounding_method"]) == 0 else "std::nearbyint(%s)") % args[0]


def _mixed_power(eqn: Eqn, args: Sequence[str]) -> str:
    if eqn.out.dtype.kind != "f":
        raise NotInC("a power of integers")
    return "of_pow(%s, (%s)%s)" % (args[0], ctype(eqn.out.dtype), args[1])


SPECIAL = {
    "integer_pow": _power, "convert_element_type": _cast, "select_n": _select, "round": _round, "pow": _mixed_power,
    "bitcast_convert_type": _same_bits,
}  # fmt: skip


def is_elementwise(name: str) -> bool:
    return any(name in table for table in (SPECIAL, ANY, FLOATS, INTEGERS, BOOLS))


def element(eqn: Eqn, args: Sequence[str]) -> str:
    """The C of one element of what an elementwise operation gives, of those of its operands."""
    if eqn.name in SPECIAL:
        return SPECIAL[eqn.name](eqn, args)
    kind = eqn.ins[0].dtype.kind
    text = BY_KIND[kind].get(eqn.name) or ANY.get(eqn.name)
    if text is None:
        raise NotInC("the operation %s of %s" % (eqn.name, eqn.ins[0].dtype))
    return "(%s)%s" % (ctype(eqn.out.dtype), text.format(*args))
