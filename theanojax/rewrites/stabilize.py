"""Expressions that lose precision or overflow, replaced by ones that do not: exponentials and logarithms."""

import numpy as np

import theanojax.tensor as T
from theanojax import scalar as scal
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.rewriting.pattern import PatternSub
from theanojax.graph.tag import copy_stack_trace
from theanojax.rewrites.algebra import local_mul_canonizer
from theanojax.rewrites.common import (
    applies,
    cast_replacement,
    combined,
    constant_value,
    elemwise_rewrite,
    fill_chain,
    is_integer,
    is_number,
    maker,
    scalar_maker,
    scalarconsts_rest,
    users,
)
from theanojax.tensor.elemwise import DimShuffle
from theanojax.tensor.reduce import Sum
from theanojax.tensor.type import values_eq_approx_remove_inf, values_eq_approx_remove_inf_nan


@elemwise_rewrite(scal.Sub)
def local_expm1(node):
    """exp(x) - 1 -> expm1(x)"""
    if not applies(node, scal.Sub):
        return False
    exp = scalar_maker(node.inputs[0], scal.Exp)
    one = constant_value(node.inputs[1]) if exp is not None else None
    if one is None or one != 1:
        return False
    return cast_replacement(node, T.expm1(exp.inputs[0]))


@local_optimizer([T.log])
def local_log1p(node):
    """log(1 + x) -> log1p(x); log(1 - x) -> log1p(-x)"""
    if not applies(node, scal.Log):
        return False
    arg = node.inputs[0]
    total = scalar_maker(arg, scal.Add, scal.Sub)
    if total is None or is_integer(arg) and np.dtype(arg.dtype).itemsize < 4:  # 1 + 127 is -128 in int8
        return False
    if isinstance(total.op.scalar_op, scal.Sub):
        if not is_number(total.inputs[0], 1) or is_integer(arg):
            return False
        return cast_replacement(node, T.log1p(T.neg(T.cast(total.inputs[1], arg.dtype))))
    numbers, number_inputs, rest = scalarconsts_rest(total.inputs, only_process_constants=True)
    if not numbers or not rest or not np.allclose(np.sum(numbers), 1):
        return False
    x = combined(T.add, rest, arg.type.dtype)
    if x.dtype != arg.type.dtype:
        x = x.astype(node.outputs[0].dtype)
    ret = T.log1p(x)
    if ret.type.broadcastable != node.outputs[0].type.broadcastable:
        ret = fill_chain(ret, number_inputs)[0]
    return cast_replacement(node, ret)


@local_optimizer([T.log])
def local_log_add(node):
    """log(exp(x) + exp(y)) -> max(x, y) + log1p(exp(min(x, y) - max(x, y)))"""
    if not applies(node, scal.Log):
        return False
    total = scalar_maker(node.inputs[0], scal.Add)
    if total is None or len(total.inputs) != 2:
        return False
    exps = [scalar_maker(v, scal.Exp) for v in total.inputs]
    if not all(exps):
        return False
    args = [T.cast(e.inputs[0], e.outputs[0].dtype) for e in exps]
    largest = T.maximum(*args)
    ret = largest + T.log1p(T.exp(T.add(*[v - largest for v in args])))
    return cast_replacement(node, ret, values_eq_approx_remove_inf)


@local_optimizer([T.log])
def local_log_sum_exp(node):
    """log(sum(exp(x))) -> m + log(sum(exp(x - m))), where m is the maximum of x along the axes of the sum

    An infinite maximum gives nan, as in Theano.
    """
    if not applies(node, scal.Log):
        return False
    arg = node.inputs[0]
    shuffle = maker(arg, DimShuffle)  # there is one when the sum keeps its dimensions
    total = maker(shuffle.inputs[0] if shuffle is not None else arg, Sum)
    exp = scalar_maker(total.inputs[0], scal.Exp) if total is not None else None
    if exp is None:
        return False
    x, axis = T.cast(exp.inputs[0], exp.outputs[0].dtype), total.op.axis
    largest = T.max(x, axis=axis)
    kept = T.makeKeepDims(x, largest, axis)
    ret = largest + T.log(T.sum(T.exp(x - kept), axis=axis))
    if shuffle is not None:
        ret = shuffle.op(ret)
    return cast_replacement(node, ret)


def exp_over_sum_simplifier(numerators, denominators):
    """In a quotient of products, exp(x) / exp(log(y)) -> exp(x - log(y)); for the canonizer of products.

    It is in the gradients of log(sum(exp(x))) and log(exp(x) + exp(y)), which local_log_sum_exp and local_log_add keep
    from overflowing.
    """
    for denominator in list(denominators):
        shuffle = maker(denominator, DimShuffle)
        exp = scalar_maker(denominator if shuffle is None else shuffle.inputs[0], scal.Exp)
        log = exp.inputs[0] if exp is not None else None
        inner = maker(log, DimShuffle) if log is not None else None
        if log is None or scalar_maker(log if inner is None else inner.inputs[0], scal.Log) is None:
            continue
        for numerator in numerators:
            power = scalar_maker(numerator, scal.Exp)
            if power is not None and power is not exp:
                ret = T.exp(power.inputs[0] - (log if shuffle is None else shuffle.op(log)))
                copy_stack_trace(numerator, ret)
                numerators.remove(numerator)
                denominators.remove(denominator)
                numerators.append(ret)
                break
    return numerators, denominators


local_mul_canonizer.add_simplifier(exp_over_sum_simplifier, "exp_over_sum_simplifier")


# ---------------------------------------------------------------- the error function and its complement
def get_clients(node):
    """The nodes that use the first output of `node`."""
    return users(node.outputs[0])


def get_clients2(node):
    """The nodes that use an output of a user of `node`."""
    return [c for user in users(node.outputs[0]) for out in user.outputs for c in users(out)]


def _pattern(name, look, put, **kwargs):
    return PatternSub(look, put, allow_multiple_clients=True, name=name, **kwargs)


_real = dict(pattern="x", constraint=lambda v: not is_integer(v))  # of which -x is the negative
_under_erf = dict(tracks=[T.erf], get_nodes=get_clients)
_under_erf2 = dict(tracks=[T.erf], get_nodes=get_clients2)
_under_erfc = dict(tracks=[T.erfc], get_nodes=get_clients)
_under_erfc2 = dict(tracks=[T.erfc], get_nodes=get_clients2)

# The canonical form has constants first, so that erf(x) + 1 need not be looked for.
local_one_plus_erf = _pattern("local_one_plus_erf", (T.add, 1, (T.erf, _real)), (T.erfc, (T.neg, "x")), **_under_erf)
local_one_minus_erf = _pattern("local_one_minus_erf", (T.sub, 1, (T.erf, "x")), (T.erfc, "x"))
local_one_minus_erf2 = _pattern("local_one_minus_erf2", (T.add, 1, (T.mul, -1, (T.erf, "x"))), (T.erfc, "x"))
local_one_plus_neg_erf = _pattern(
    "local_one_plus_neg_erf", (T.add, 1, (T.neg, (T.erf, "x"))), (T.erfc, "x"), **_under_erf2
)
local_erf_minus_one = _pattern("local_erf_minus_one", (T.add, -1, (T.erf, "x")), (T.neg, (T.erfc, "x")), **_under_erf)
local_one_minus_erfc = _pattern("local_one_minus_erfc", (T.sub, 1, (T.erfc, "x")), (T.erf, "x"), **_under_erfc)
local_one_minus_erfc2 = _pattern(
    "local_one_minus_erfc2", (T.add, 1, (T.neg, (T.erfc, "x"))), (T.erf, "x"), **_under_erfc2
)
local_one_minus_erfc3 = _pattern(
    "local_one_minus_erfc3", (T.add, 1, (T.mul, -1, (T.erfc, "x"))), (T.erf, "x"), **_under_erfc2
)
local_one_add_neg_erfc = _pattern(
    "local_one_add_neg_erfc", (T.add, 1, (T.neg, (T.erfc, "x"))), (T.erf, "x"), **_under_erfc2
)
local_erf_neg_minus_one = _pattern(
    "local_erf_neg_minus_one", (T.add, -1, (T.erfc, (T.neg, _real))), (T.erf, "x"), **_under_erfc
)
local_erf_neg_minus_one2 = _pattern(
    "local_erf_neg_minus_one2", (T.add, -1, (T.erfc, (T.mul, -1, _real))), (T.erf, "x"), **_under_erfc
)


def _tail_series(x):
    """What sqrt(pi) * x * exp(x**2) * erfc(x) tends to as x grows."""
    return 1 - 1 / (2 * x**2) + 3 / (4 * x**4) - 15 / (8 * x**6)


@local_optimizer([T.log])
def local_log_erfc(node):
    """log(erfc(x)) -> its asymptotic series where erfc(x) would underflow"""
    if not applies(node, scal.Log):
        return False
    erfc = scalar_maker(node.inputs[0], scal.Erfc)
    out = node.outputs[0]
    if erfc is None or hasattr(node.tag, "local_log_erfc_applied") or out.dtype.startswith("complex"):
        return False
    node.tag.local_log_erfc_applied = True  # the result contains this node
    x = T.cast(erfc.inputs[0], out.dtype)
    series = -(x**2) - T.log(x) - 0.5 * T.log(np.pi) + T.log(_tail_series(x))
    threshold = 26.641747557 if out.dtype == "float64" else 10.0541949
    ret = T.switch(x < threshold, out, series)
    return cast_replacement(node, ret, values_eq_approx_remove_inf)


@local_optimizer([T.true_div])
def local_grad_log_erfc_neg(node):
    """y * exp(-x**2) / erfc(x) -> its asymptotic series where both would underflow"""
    if not applies(node, scal.TrueDiv) or hasattr(node.tag, "local_grad_log_erfc_neg"):
        return False
    erfc = scalar_maker(node.inputs[1], scal.Erfc)
    if erfc is None:
        return False
    factors = _factors(node.inputs[0])
    exp = next((scalar_maker(v, scal.Exp) for v in factors if scalar_maker(v, scal.Exp) is not None), None)
    x = erfc.inputs[0]
    if exp is None or not _is_minus_square(exp.inputs[0], x) or x.dtype not in ("float16", "float32", "float64"):
        return False
    quotient = T.true_div(exp.outputs[0], erfc.outputs[0])
    quotient.owner.tag.local_grad_log_erfc_neg = True  # not again
    series = x * T.pow(_tail_series(x), -1) * T.cast(T.sqrt(np.pi), dtype=x.dtype)
    ret = T.switch(x < (26.641747557 if x.dtype == "float64" else 9.3), quotient, series)
    rest = list(factors)
    rest.remove(exp.outputs[0])
    if rest:
        ret = T.mul(ret, *rest)
    return cast_replacement(node, ret, values_eq_approx_remove_inf_nan)


def _factors(v):
    """The factors of a product of products, or `v` alone."""
    product = scalar_maker(v, scal.Mul)
    return [v] if product is None or is_integer(v) else [f for u in product.inputs for f in _factors(u)]


def _is_minus_square(v, x):
    """Whether `v` is ``-x**2``, also where `x` is a number times something."""
    negated = scalar_maker(v, scal.Neg)
    number, root = -1.0, None
    if negated is not None:
        square = scalar_maker(negated.inputs[0], scal.Sqr)
        root = square.inputs[0] if square is not None else None
    else:
        numbers, _, rest = scalarconsts_rest(_factors(v), only_process_constants=True)
        number = float(np.prod(numbers)) if numbers else 1.0
        square = scalar_maker(rest[0], scal.Sqr) if len(rest) == 1 else None
        if square is not None:
            root = square.inputs[0]
        elif len(rest) == 2 and rest[0] is rest[1]:
            root = rest[0]
    if root is None:
        return False
    if root is x:
        return number == -1
    numbers, _, rest = scalarconsts_rest(_factors(x), only_process_constants=True)
    return len(rest) == 1 and rest[0] is root and bool(numbers) and np.isclose(number, -(float(np.prod(numbers)) ** 2))
