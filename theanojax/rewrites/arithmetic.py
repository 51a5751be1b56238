"""Special cases of sums, products, quotients and powers."""

import math

import numpy as np

import theanojax.tensor as T
from theanojax import scalar as scal
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.variable import Constant
from theanojax.rewrites.algebra import local_mul_canonizer
from theanojax.rewrites.common import (
    applies,
    broadcast_like,
    cast_replacement,
    combined,
    constant_value,
    encompasses_broadcastable,
    fill_chain,
    is_integer,
    may_have_wrapped,
    scalar_constant,
    scalar_maker,
)
from theanojax.tensor.elemwise import Elemwise
from theanojax.tensor.type import uint_dtypes, values_eq_approx_remove_nan
from theanojax.tensor.var import TensorConstant


def _like_output(node, value):
    if getattr(node, "fgraph", None) is None:
        return False  # the shape of the output is not known there
    return cast_replacement(node, broadcast_like(value, node.outputs[0], node.fgraph))


def _equals(value, number):
    return value is not None and bool(np.all(value == number))


# ---------------------------------------------------------------- canonical forms
@local_optimizer([T.neg])
def local_neg_to_mul(node):
    """-x -> -1 * x"""
    if not applies(node, scal.Neg):
        return False
    x = node.inputs[0]
    return cast_replacement(node, T.mul(np.array(-1, dtype=x.dtype), x)) if x.dtype not in uint_dtypes else False


@local_optimizer([T.mul])
def local_mul_zero(node):
    """0 * x -> 0"""
    if not applies(node, scal.Mul):
        return False
    for v in node.inputs:
        if _equals(constant_value(v), 0):
            zero = np.asarray(0, dtype=node.outputs[0].dtype)
            return cast_replacement(node, fill_chain(zero, node.inputs)[0])
    return False


@local_optimizer([T.inv])
def local_inv_canon(node):
    """inv(x) -> x ** -1"""
    if not applies(node, scal.Inv):
        return False
    return cast_replacement(node, T.pow(node.inputs[0], -1.0))


@local_optimizer([T.pow])
def local_pow_canonicalize(node):
    """x ** 0 -> 1; x ** 1 -> x"""
    if not applies(node, scal.Pow):
        return False
    exponent = scalar_constant(node.inputs[1])
    if _equals(exponent, 0):
        return _like_output(node, 1)
    if _equals(exponent, 1):
        return _like_output(node, node.inputs[0])
    return False


@local_optimizer([T.int_div])
def local_intdiv_by_one(node):
    """x // 1 -> x; floor(x) of floats, which Theano's rewrite does not round."""
    if not applies(node, scal.IntDiv):
        return False
    x, y = node.inputs
    if isinstance(y, TensorConstant) and np.all(y.data == 1):
        x = x.astype(node.outputs[0].dtype)
        return cast_replacement(node, x if is_integer(x) else T.floor(x))
    return False


@local_optimizer([T.int_div, T.true_div])
def local_zero_div(node):
    """0 / x -> 0"""
    if not applies(node, scal.IntDiv, scal.TrueDiv) or not _equals(scalar_constant(node.inputs[0]), 0):
        return False
    ret = _like_output(node, 0)
    if ret:
        ret[0].tag.values_eq_approx = values_eq_approx_remove_nan
    return ret


@local_optimizer([T.abs_])
def local_abs_lift(node):
    """abs(x * y) -> abs(x) * abs(y); abs(x / y) -> abs(x) / abs(y). It makes x / abs(x) easier to find."""
    if not applies(node, scal.Abs):
        return False
    product = scalar_maker(node.inputs[0], scal.Mul, scal.TrueDiv)
    if product is None or any(is_integer(v) for v in product.inputs):  # -128 is its own absolute value in int8
        return False
    return cast_replacement(node, product.op(*[T.abs_(v) for v in product.inputs]))


# ---------------------------------------------------------------- special cases
@local_optimizer([T.neg])
def local_neg_neg(node):
    """--x -> x"""
    inner = scalar_maker(node.inputs[0], scal.Neg) if applies(node, scal.Neg) else None
    return [inner.inputs[0]] if inner is not None else False


@local_optimizer([T.neg])
def local_neg_div_neg(node):
    """-(-a / b) -> a / b; -(c / b) -> -c / b for a constant c"""
    quotient = scalar_maker(node.inputs[0], scal.TrueDiv) if applies(node, scal.Neg) else None
    if quotient is None or len(node.inputs[0].clients) != 1:
        return False
    num, denom = quotient.inputs
    negated = scalar_maker(num, scal.Neg)
    if negated is not None:
        return cast_replacement(node, T.true_div(negated.inputs[0], denom))
    if isinstance(num, Constant) and all(num.broadcastable):
        return cast_replacement(node, T.true_div(-num.data, denom))
    return False


@local_optimizer([T.true_div])
def local_div_to_inv(node):
    """1 / x -> inv(x)"""
    if not applies(node, scal.TrueDiv) or not _equals(scalar_constant(node.inputs[0]), 1.0):
        return False
    out = node.outputs[0]
    ret = T.inv(local_mul_canonizer.merge_num_denum(node.inputs[1:], []))
    if ret.dtype != out.dtype:
        ret = T.cast(ret, dtype=out.dtype)
    if ret.type != out.type:  # the 1 may have had dimensions
        return _like_output(node, ret)
    return cast_replacement(node, ret)


@local_optimizer([T.mul])
def local_mul_to_sqr(node):
    """x * x -> sqr(x)"""
    if not applies(node, scal.Mul) or len(node.inputs) != 2 or node.inputs[0] is not node.inputs[1]:
        return False
    return cast_replacement(node, T.sqr(node.inputs[0]))


_POWERS = {
    2: lambda x: T.sqr(x),
    1: lambda x: x,
    0.5: lambda x: T.sqrt(x),
    -0.5: lambda x: T.inv(T.sqrt(x)),
    -1: lambda x: T.inv(x),
    -2: lambda x: T.inv(T.sqr(x)),
}


def _power_of(node):
    """(x, c) for ``x ** c`` with a constant c, x in the dtype of the result; None where integers have a reciprocal."""
    if not applies(node, scal.Pow):
        return None
    x, y = node.inputs
    exponent = scalar_constant(y)
    if exponent is None or not encompasses_broadcastable(x.type.broadcastable, y.type.broadcastable):
        return None
    if is_integer(node.outputs[0]) and exponent < 0:
        return None
    return T.cast(x, node.outputs[0].type.dtype), exponent


@local_optimizer([T.pow])
def local_pow_specialize(node):
    """x ** c -> sqr, sqrt, inv ... of x, for the exponents that have such an Op"""
    power = _power_of(node)
    if power is None:
        return False
    x, exponent = power
    if _equals(exponent, 0):
        return cast_replacement(node, T.fill(x, np.asarray(1, dtype=node.outputs[0].dtype)))
    for number, apply in _POWERS.items():
        if _equals(exponent, number):
            return cast_replacement(node, apply(x))
    return False


@local_optimizer([T.pow])
def local_pow_specialize_device(node):
    """x ** n -> products of squares, for whole n up to 512"""
    power = _power_of(node)
    if power is None:
        return False
    x, exponent = power[0], power[1].item()
    if (
        isinstance(exponent, complex)
        or not math.isfinite(exponent)
        or exponent != int(exponent)
        or not 1 <= abs(exponent) <= 512
    ):
        return False
    size = int(abs(exponent))
    if size <= 2:
        ret = T.sqr(x) if size == 2 else x
    else:
        one = scal.get_scalar_type(x.dtype)()
        ret = Elemwise(scal.Composite([one], [_power_by_squares(one, size)]))(x)
    if exponent < 0:
        ret = T.inv(ret)
    return cast_replacement(node, ret)


def _power_by_squares(x, size):
    squares = [x]
    while 2 ** len(squares) <= size:
        squares.append(scal.sqr(squares[-1]))
    product = None
    for i in reversed(range(len(squares))):
        if size >> i & 1:
            product = squares[i] if product is None else product * squares[i]
    return product


@local_optimizer([T.mul])
def local_mul_specialize(node):
    """mul(-1, x) -> -x; mul(1, x, y) -> mul(x, y); mul(0, ...) -> 0; negations of factors are collected.

    mul(-1, x, y) stays: a negation would be one Op more.
    """
    if not applies(node, scal.Mul):
        return False
    negative, new_inputs, negations, constants = False, [], 0, 0
    dtype = node.outputs[0].dtype
    for v in node.inputs:
        inner = scalar_maker(v, scal.Neg) if not may_have_wrapped(v, dtype) else None
        while inner is not None:
            negative, v, negations = not negative, inner.inputs[0], negations + 1
            inner = scalar_maker(v, scal.Neg)
        value = scalar_constant(v)
        if _equals(value, 0):
            return _like_output(node, 0)
        if _equals(value, 1) or _equals(value, -1):
            constants += 1
            negative ^= _equals(value, -1)
        else:
            new_inputs.append(v)
    if len(new_inputs) == len(node.inputs) and all(a is b for a, b in zip(new_inputs, node.inputs)):
        return False
    if not new_inputs:
        return _like_output(node, -1 if negative else 1)
    if len(new_inputs) == 1:
        if negative and dtype in list(uint_dtypes) + ["bool"]:
            return False
        return _like_output(node, -T.cast(new_inputs[0], dtype) if negative else new_inputs[0])
    if negative and negations == 0 and constants == 1:
        return False
    if negative:
        return _like_output(node, T.mul(np.asarray(-1).astype(dtype), *new_inputs))
    return _like_output(node, combined(T.mul, new_inputs, dtype))


@local_optimizer([T.add])
def local_add_specialize(node):
    """x + 0 -> x"""
    if not applies(node, scal.Add):
        return False
    new_inputs = [v for v in node.inputs if not _equals(constant_value(v), 0)]
    if len(new_inputs) == len(node.inputs):
        return False
    out = node.outputs[0]
    if not new_inputs:
        ret = T.constant(np.zeros((1,) * out.type.ndim, dtype=out.type.dtype))
    else:
        ret = combined(T.add, new_inputs, out.type.dtype)
    if ret.type.broadcastable != out.type.broadcastable:
        ret = fill_chain(ret, node.inputs)[0]
    return cast_replacement(node, ret)


@local_optimizer([T.mul, T.true_div])
def local_abs_merge(node):
    """abs(x) * abs(y) -> abs(x * y); abs(x) / abs(y) -> abs(x / y)"""
    if not applies(node, scal.Mul, scal.TrueDiv):
        return False
    absolutes = [scalar_maker(v, scal.Abs) for v in node.inputs]
    if sum(a is not None for a in absolutes) < 2:
        return False
    inputs = []
    for v, absolute in zip(node.inputs, absolutes):
        if absolute is not None:
            if is_integer(absolute.inputs[0]):
                return False
            inputs.append(absolute.inputs[0])
            continue
        value = constant_value(v, only_process_constants=True) if isinstance(v, Constant) else None
        if value is None or not np.all(value >= 0):
            return False
        inputs.append(v)
    return cast_replacement(node, T.abs_(node.op(*inputs)))
