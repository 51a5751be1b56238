"""Expressions that are logistic functions or softplus in disguise, and their stable forms."""

from typing import Any

import numpy as np

import theanojax.tensor as T
from theanojax import scalar as scal
from theanojax.errors import NotScalarConstantError
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.rewriting.pattern import PatternSub
from theanojax.graph.tag import copy_stack_trace
from theanojax.rewrites.common import (
    applies,
    cast_replacement,
    combined,
    constant_value,
    fill_chain,
    is_integer,
    scalar_maker,
    scalarconsts_rest,
)
from theanojax.tensor.as_tensor import get_scalar_constant_value
from theanojax.tensor.nnet.sigm import ScalarSigmoid, hard_sigmoid, sigmoid, softplus, ultra_fast_sigmoid
from theanojax.tensor.type import values_eq_approx_remove_inf


def _is_1(expr):
    """Whether `expr` is known to be (nearly) 1."""
    try:
        return bool(np.allclose(get_scalar_constant_value(expr), 1))
    except NotScalarConstantError:
        return False


def _minus(x):
    """-x, for an integer x the float that it is."""
    return T.neg(T.cast(x, sigmoid(x).dtype))


def _skip_mul_1(r):
    """The other factor of a product of something and ones."""
    product = scalar_maker(r, scal.Mul)
    if product is not None:
        rest = [v for v in product.inputs if not _is_1(v)]
        if len(rest) == 1:
            return rest[0]
    return None


_stable: dict[str, Any] = dict(allow_multiple_clients=True, values_eq_approx=values_eq_approx_remove_inf)

# log(sigmoid(x)) -> -softplus(-x)
logsigm_to_softplus = PatternSub(
    (T.log, (sigmoid, dict(pattern="x", constraint=lambda v: not is_integer(v)))),
    (T.neg, (softplus, (T.neg, "x"))),
    skip_identities_fn=_skip_mul_1,
    name="logsigm_to_softplus",
    **_stable,
)
# log(1 - sigmoid(x)) -> -softplus(x)
log1msigm_to_softplus = PatternSub(
    (T.log, (T.sub, dict(pattern="y", constraint=_is_1), (sigmoid, "x"))),
    (T.neg, (softplus, "x")),
    skip_identities_fn=_skip_mul_1,
    name="log1msigm_to_softplus",
    **_stable,
)
# log1p(exp(x)) -> softplus(x)
log1pexp_to_softplus = PatternSub((T.log1p, (T.exp, "x")), (softplus, "x"), name="log1pexp_to_softplus", **_stable)
# log1p(-sigmoid(x)) -> -softplus(x)
log1p_neg_sigmoid = PatternSub(
    (T.log1p, (T.neg, (sigmoid, "x"))), (T.neg, (softplus, "x")), name="log1p_neg_sigmoid", **_stable
)


# ---------------------------------------------------------------- forms of exp and of products
def is_1pexp(t, only_process_constants=True):
    """(False, x) if `t` is ``1 + exp(x)``, else None."""
    total = scalar_maker(t, scal.Add)
    if total is None:
        return None
    numbers, _, rest = scalarconsts_rest(total.inputs, only_process_constants=only_process_constants)
    if len(rest) != 1 or not numbers or not np.allclose(sum(numbers), 1):
        return None
    exp = scalar_maker(rest[0], scal.Exp)
    return (False, exp.inputs[0]) if exp is not None else None


def is_neg(var):
    """`x` if `var` is ``-x`` or ``-1 * x``, and x no integer, else None."""
    negated = scalar_maker(var, scal.Neg)
    if negated is not None:
        return negated.inputs[0] if not is_integer(var) else None
    product = scalar_maker(var, scal.Mul)
    if product is None or len(product.inputs) < 2:
        return None
    for i, v in enumerate(product.inputs):
        value = constant_value(v)
        if value is not None and np.allclose(value, -1):
            rest = product.inputs[:i] + product.inputs[i + 1 :]
            return combined(T.mul, rest, var.type.dtype) if not is_integer(*rest) else None
    return None


def is_exp(var):
    """(False, x) if `var` is ``exp(x)``, (True, x) if it is ``-exp(x)``, else None."""
    positive = is_neg(var)
    exp = scalar_maker(var if positive is None else positive, scal.Exp)
    return (positive is not None, exp.inputs[0]) if exp is not None else None


def is_mul(var):
    """The factors of `var` if it is a product, else None."""
    product = scalar_maker(var, scal.Mul)
    return product.inputs if product is not None else None


def partition_num_or_denom(r, f):
    """The factors of `r` split by `f`, which returns None or (negative, part).

    Returns (the parts, the other factors, whether an odd number of the parts was negative).
    """
    parts, rest, negative = [], [], False
    for t in is_mul(r) or [r]:
        found = f(t)
        if found is None:
            rest.append(t)
        else:
            negative ^= found[0]
            parts.append(found[1])
    return parts, rest, negative


@local_optimizer([T.true_div])
def local_exp_over_1_plus_exp(node):
    """exp(x) / (1 + exp(x)) -> sigmoid(x); c / (1 + exp(x)) -> c * sigmoid(-x)"""
    if not applies(node, scal.TrueDiv):
        return False
    num, denom = node.inputs
    denom_1pexp, denom_rest, denom_neg = partition_num_or_denom(denom, is_1pexp)
    if not denom_1pexp:
        return False
    num_exp, num_rest, num_neg = partition_num_or_denom(num, is_exp)
    sigmoids = []
    for t in denom_1pexp:
        if any(t is u for u in num_exp):
            sigmoids.append(sigmoid(t))
            num_exp.remove(t)
        else:
            sigmoids.append(sigmoid(_minus(t)))
        copy_stack_trace(node.outputs[0], sigmoids[-1])
    factors = sigmoids + [T.exp(t) for t in num_exp] + num_rest
    ret = factors[0] if len(factors) == 1 else T.mul(*factors)
    if num_neg ^ denom_neg:
        ret = -ret
    copy_stack_trace(num, ret)
    if denom_rest:
        ret = ret / combined(T.mul, denom_rest, denom.dtype)
        copy_stack_trace(node.outputs[0], ret)
    return cast_replacement(node, ret)


@local_optimizer([T.inv])
def local_inv_1_plus_exp(node):
    """1 / (1 + exp(x)) -> sigmoid(-x)"""
    if not applies(node, scal.Inv):
        return False
    total = scalar_maker(node.inputs[0], scal.Add)
    if total is None:
        return False
    numbers, number_inputs, rest = scalarconsts_rest(total.inputs, only_process_constants=True)
    exp = scalar_maker(rest[0], scal.Exp) if len(rest) == 1 else None
    if exp is None or not numbers or not np.allclose(np.sum(numbers), 1):
        return False
    ret = sigmoid(_minus(exp.inputs[0]))
    if ret.type.broadcastable != node.outputs[0].type.broadcastable:
        ret = fill_chain(ret, number_inputs)[0]
    copy_stack_trace([rest[0], node.inputs[0], node.outputs[0]], ret)
    return cast_replacement(node, ret)


# ---------------------------------------------------------------- products of exponentials and logistic functions
# A product is a tree: [negative, leaf], or [negative, [tree, tree ...]]. A leaf None stands for a factor 1.
def parse_mul_tree(root):
    """The product tree of the variable `root`: ``-x * y`` -> [False, [[True, x], [False, y]]]"""
    factors = is_mul(root)
    if factors is not None:
        return [False, [parse_mul_tree(v) for v in factors]]
    positive = is_neg(root)
    if positive is None:
        return [False, root]
    negative, sub_tree = parse_mul_tree(positive)
    return [not negative, sub_tree]


def replace_leaf(arg, leaves, new_leaves, op, neg):
    """Find in `leaves`, pairs (argument, tree), the one with argument `arg`, make it ``op(arg)``, and move it.

    The tree is negated when `neg`. Returns whether there was one.
    """
    for i, (found, tree) in enumerate(leaves):
        if found is arg:
            tree[0] ^= neg
            tree[1] = op(arg)
            new_leaves.append(leaves.pop(i))
            return True
    return False


def simplify_mul(tree):
    """The product tree without factors 1 and -1, and without products of fewer than two factors."""
    negative, factors = tree
    if not isinstance(factors, list):
        return tree
    kept = []
    for sub in map(simplify_mul, factors):
        if sub[1] is None:
            negative ^= sub[0]
        else:
            kept.append(sub)
    if not kept:
        return [negative, None]
    if len(kept) == 1:
        return [kept[0][0] ^ negative, kept[0][1]]
    return [negative, kept]


def compute_mul(tree):
    """The variable that a product tree stands for; AssertionError for one that has to be simplified first."""
    negative, factors = tree
    if factors is None:
        raise AssertionError(
            "Function `compute_mul` found a missing leaf, did you forget to call `simplify_mul` on the tree first?"
        )
    ret = T.mul(*[compute_mul(t) for t in factors]) if isinstance(factors, list) else factors
    return -ret if negative else ret


def perform_sigm_times_exp(
    tree, exp_x=None, exp_minus_x=None, sigm_x=None, sigm_minus_x=None, parent=None, child_idx=None, full_tree=None
):
    """Replace, in a product tree, pairs sigmoid(-x), exp(x) by sigmoid(x), and sigmoid(x), exp(-x) by sigmoid(-x).

    The lists hold (x, tree) for the leaves met so far. Returns whether anything was replaced.
    """
    exp_x, exp_minus_x = [] if exp_x is None else exp_x, [] if exp_minus_x is None else exp_minus_x
    sigm_x, sigm_minus_x = [] if sigm_x is None else sigm_x, [] if sigm_minus_x is None else sigm_minus_x
    negative, leaf = tree
    if isinstance(leaf, list):
        done = [
            perform_sigm_times_exp(sub, exp_x, exp_minus_x, sigm_x, sigm_minus_x, tree, i, full_tree)
            for i, sub in enumerate(leaf)
        ]
        return any(done)
    exp, logistic = is_exp(leaf), scalar_maker(leaf, ScalarSigmoid)
    if exp is not None:
        arg, negative = exp[1], negative ^ exp[0]
        known = (exp_x, exp_minus_x), (sigm_minus_x, sigm_x)
    elif logistic is not None:
        arg = logistic.inputs[0]
        known = (sigm_x, sigm_minus_x), (exp_minus_x, exp_x)
    else:
        return False
    positive = is_neg(arg)
    flipped = positive is not None
    base = positive if flipped else arg
    mine, partners = known[0][flipped], known[1][flipped]
    # exp(x) and sigmoid(-x) make sigmoid(x); exp(-x) and sigmoid(x) make sigmoid(-x)
    gives_plus = flipped != (exp is not None)
    results = sigm_x if gives_plus else sigm_minus_x
    op = sigmoid if gives_plus else (lambda x: sigmoid(_minus(x)))
    if not replace_leaf(base, partners, results, op, negative):
        mine.append((base, tree))
        return False
    if parent is None:
        raise AssertionError("a product of one factor cannot have a pair")
    parent[1][child_idx] = [False, None]
    return True


@local_optimizer([T.mul])
def local_sigm_times_exp(node):
    """exp(x) * sigmoid(-x) -> sigmoid(x); exp(-x) * sigmoid(x) -> sigmoid(-x)"""
    if not applies(node, scal.Mul):
        return False
    tree = parse_mul_tree(node.outputs[0])
    if not perform_sigm_times_exp(tree):
        return False
    ret = compute_mul(simplify_mul(tree))
    return cast_replacement(node, ret)


@local_optimizer([T.sub])
def local_1msigmoid(node):
    """1 - sigmoid(x) -> sigmoid(-x); not used unless asked for"""
    if not applies(node, scal.Sub):
        return False
    left, right = node.inputs
    logistic = scalar_maker(right, ScalarSigmoid)
    if logistic is None or len(right.clients) > 1 or not _is_1(left):
        return False
    ret = sigmoid(_minus(logistic.inputs[0]))
    copy_stack_trace([right, node.outputs[0]], ret)
    return cast_replacement(node, ret)


register_local_1msigmoid = False


def _approximate(node, function, tolerance):
    if not applies(node, ScalarSigmoid):
        return False
    ret = function(node.inputs[0])
    copy_stack_trace(node.outputs[0], ret)
    ret.tag.values_eq_approx = lambda a, b: T.TensorType.values_eq_approx(a, b, atol=tolerance)
    return cast_replacement(node, ret)


@local_optimizer([sigmoid])
def local_ultra_fast_sigmoid(node):
    """sigmoid -> ultra_fast_sigmoid, when a mode includes this name"""
    return _approximate(node, ultra_fast_sigmoid, 0.02)


@local_optimizer([sigmoid])
def local_hard_sigmoid(node):
    """sigmoid -> hard_sigmoid, when a mode includes this name"""
    return _approximate(node, hard_sigmoid, 0.1)
