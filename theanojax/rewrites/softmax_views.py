"""The logarithm of a softmax that is read through views of it: reshaped, transposed, indexed.

A *view* here rearranges or selects elements. A logarithm moves before it, where it joins the softmax; a gradient that
was divided by the view of a softmax is one that was divided by the softmax itself.
"""

import theanojax.tensor as T
from theanojax import scalar as scal
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.rewrites.algebra import local_mul_canonizer
from theanojax.rewrites.common import applies, constant_value, is_number, maker, replacement, scalar_maker
from theanojax.rewrites.nnet import _check_rows_is_arange_len_labels
from theanojax.tensor.elemwise import DimShuffle
from theanojax.tensor.flatten import Flatten
from theanojax.tensor.indexing.subtensor import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    IncSubtensor,
    Subtensor,
)
from theanojax.tensor.nnet.crossentropy import CrossentropyCategorical1HotGrad, crossentropy_softmax_1hot_with_bias_dx
from theanojax.tensor.nnet.softmax import Softmax, SoftmaxWithBias, logsoftmax_op, softmax_grad
from theanojax.tensor.shape import Rebroadcast, Reshape
from theanojax.tensor.type import values_eq_approx_remove_inf, values_eq_approx_remove_nan

VIEWS = (Reshape, DimShuffle, Flatten, Rebroadcast, Subtensor, AdvancedSubtensor1, AdvancedSubtensor)
# what brings back a gradient through an index -> the index
_BACK = {IncSubtensor: Subtensor, AdvancedIncSubtensor1: AdvancedSubtensor1, AdvancedIncSubtensor: AdvancedSubtensor}


@local_optimizer([T.log])
def local_logsoftmax_of_view(node):
    """log(view(softmax(x))) -> view(logsoftmax(x)), for views that rearrange or select elements"""
    if not applies(node, scal.Log):
        return False
    v, views = node.inputs[0], []
    while maker(v, *VIEWS) is not None:
        views.append(v.owner)
        v = v.owner.inputs[0]
    sm = maker(v, Softmax, SoftmaxWithBias) if views else None
    if sm is None:
        return False
    ret = logsoftmax_op(sum_of_inputs(sm))
    copy_stack_trace([v, node.outputs[0]], ret)
    for view in reversed(views):
        ret = view.op(ret, *view.inputs[1:])
        copy_stack_trace([view.outputs[0], node.outputs[0]], ret)
    return replacement(node, ret, values_eq_approx_remove_inf)


def sum_of_inputs(sm):
    """What the softmax made by the Apply `sm` is the softmax of."""
    return sm.inputs[0] + sm.inputs[1].dimshuffle("x", 0) if isinstance(sm.op, SoftmaxWithBias) else sm.inputs[0]


# ---------------------------------------------------------------- gradients
def numerator(v, is_divisor, depth=8):
    """`n` if the gradient `v` is ``n / d`` with ``is_divisor(d)``, in whatever form it came through views; else None.

    A gradient that comes through a view of `d` has been divided by the same view of `d`; where it is zero because
    nothing there was selected, it counts as divided by anything. `depth` nested Ops are looked through.
    """
    node = v.owner
    if node is None or not depth:
        return None
    depth -= 1
    if applies(node, scal.TrueDiv):
        return _of_quotient(node, is_divisor, depth)
    if applies(node, scal.Inv):
        return T.ones_like(v) if is_divisor(node.inputs[0]) else None
    if applies(node, scal.Neg, scal.Mul):
        return _of_product(node, is_divisor, depth)
    if applies(node, scal.Add):
        parts = [numerator(u, is_divisor, depth) for u in node.inputs]
        return None if any(p is None for p in parts) else node.op(*parts)
    if applies(node, scal.Switch):
        return _of_switch(node, is_divisor, depth)
    if isinstance(node.op, (Reshape, DimShuffle)):
        n = numerator(node.inputs[0], _through(is_divisor, lambda d: _is_other_shape(d, node)), depth)
        return None if n is None else node.op(_filled(n, node.inputs[0]), *node.inputs[1:])
    if type(node.op) in _BACK:
        return _of_increment(node, is_divisor, depth)
    if isinstance(node.op, CrossentropyCategorical1HotGrad) and is_divisor(node.inputs[1]):
        g, d, labels = node.inputs
        return node.op(g, T.ones_like(d), labels)
    return None


def _through(is_divisor, is_view):
    """The predicate for divisors that `is_view` of a divisor of `is_divisor`."""
    return lambda d: d.owner is not None and is_view(d.owner) and is_divisor(d.owner.inputs[0])


def _is_other_shape(d, node):
    """Whether the Apply `d` undoes what the Apply `node`, a Reshape or DimShuffle, does."""
    if isinstance(node.op, Reshape):
        return isinstance(d.op, (Reshape, Flatten)) and d.inputs[0].ndim == node.outputs[0].ndim
    if not isinstance(d.op, DimShuffle):
        return False
    # the gradient of a DimShuffle is one with the inverse order
    order, back = d.op.new_order, node.op.new_order
    return len(back) == d.inputs[0].ndim and all(
        j == "x" if i not in order else j == order.index(i) for i, j in enumerate(back)
    )


def _filled(n, like):
    return n if n.type.broadcastable == like.type.broadcastable else T.fill(like, n)


def _of_quotient(node, is_divisor, depth):
    num, denom = node.inputs
    product = scalar_maker(denom, scal.Mul)
    factors = [denom] if product is None else list(product.inputs)
    for i, d in enumerate(factors):
        if is_divisor(d):
            rest = factors[:i] + factors[i + 1 :]
            return T.true_div(num, rest[0] if len(rest) == 1 else T.mul(*rest)) if rest else num
    n = numerator(num, is_divisor, depth)
    return None if n is None else T.true_div(n, denom)


def _of_product(node, is_divisor, depth):
    for i, u in enumerate(node.inputs):
        n = numerator(u, is_divisor, depth)
        if n is not None:
            return node.op(*node.inputs[:i], n, *node.inputs[i + 1 :])
    return None


def _of_switch(node, is_divisor, depth):
    cond, *branches = node.inputs
    parts = [u if is_number(u, 0) else numerator(u, is_divisor, depth) for u in branches]
    return None if any(p is None for p in parts) else T.switch(cond, *parts)


def _of_increment(node, is_divisor, depth):
    """inc(zeros, q / d[i], i) -> inc(zeros, q, i)"""
    zeros, y, *index = node.inputs
    if not _all_zero(zeros):
        return None
    same = _BACK[type(node.op)]

    def is_part(d):
        return (
            type(d.op) is same
            and tuple(getattr(d.op, "idx_list", ())) == tuple(getattr(node.op, "idx_list", ()))
            and len(d.inputs) == len(index) + 1
            and all(a is b for a, b in zip(d.inputs[1:], index))
        )

    n = numerator(y, _through(is_divisor, is_part), depth)
    return None if n is None else node.op(zeros, _filled(n, y), *index)


def _all_zero(v):
    value = constant_value(v)
    return value is not None and bool((value == 0).all())


def _split(g, is_divisor):
    """(n, rest), either of them None for nothing, where the gradient `g` is ``n / d + rest`` with ``is_divisor(d)``."""
    done, rest = [], []
    for term in _terms(g):
        n = numerator(term, is_divisor)
        (rest if n is None else done).append(term if n is None else n)
    return [None if not terms else terms[0] if len(terms) == 1 else T.add(*terms) for terms in (done, rest)]


def _terms(g):
    """The terms of a sum; what an index was added to is one, what was added there another."""
    node = g.owner
    if node is not None and applies(node, scal.Add):
        return [t for u in node.inputs for t in _terms(u)]
    if node is not None and type(node.op) in _BACK and not node.op.set_instead_of_inc and not _all_zero(node.inputs[0]):
        base, *written = node.inputs
        return [*_terms(base), node.op(T.zeros_like(base), *written)]
    return [g]


@local_optimizer([softmax_grad])  # not the class, which would be tried before the cross-entropy's rewrite of this Op
def local_logsoftmax_grad_of_view(node):
    """softmax_grad(g, sm), g in some form n / sm -> n - sum(n, axis=1) * sm: the gradient of log(view(softmax))"""
    if node.op != softmax_grad:
        return False
    g, sm = node.inputs
    if maker(sm, Softmax, SoftmaxWithBias) is None:
        return False
    n, rest = _split(g, lambda d: d is sm)
    if n is None:
        return False
    ret = _of_crossentropy(n, sm, node.fgraph)
    if ret is None:
        n = _filled(n, sm)
        ret = n - T.sum(n, axis=1, keepdims=True) * sm
    if rest is not None:
        ret = ret + softmax_grad(_filled(rest, sm), sm)
    return replacement(node, ret, values_eq_approx_remove_nan)


def _of_crossentropy(n, sm, fgraph):
    """The gradient by the cross-entropy's own Op, if `n` is zero but for one label in each row; else None."""
    switch = scalar_maker(n, scal.Switch)  # with the places of the labels for a condition
    made = maker(n if switch is None else switch.inputs[1], AdvancedIncSubtensor)
    if made is None or len(made.inputs) != 4 or not _all_zero(made.inputs[0]):
        return None
    _, g, rows, labels = made.inputs
    if switch is not None:
        mask = maker(switch.inputs[0], AdvancedIncSubtensor)
        if (
            mask is None
            or not is_number(switch.inputs[2], 0)
            or not is_number(mask.inputs[1], 1)
            or any(a is not b for a, b in zip(mask.inputs[2:], made.inputs[2:]))
        ):
            return None
    if g.ndim > 1 or labels.ndim != 1 or not _check_rows_is_arange_len_labels(rows, labels, fgraph):
        return None
    return crossentropy_softmax_1hot_with_bias_dx(T.fill(sm[:, 0], -g), sm, labels)


def view_simplifier(numerators, denominators):
    """view(g / view(p)) * p -> view(g), for the canonizer of products.

    It is in the gradient of log(view(p)) of a softmax that is written out; where `p` is 0, the product would be nan.
    """
    for v in list(numerators):
        if v.owner is None or not isinstance(v.owner.op, (Reshape, CrossentropyCategorical1HotGrad, *_BACK)):
            continue
        for p in numerators:
            n, rest = _split(v, lambda d, p=p: d is p) if p is not v and p.type == v.type else (None, None)
            if n is not None:
                n = n if rest is None else n + rest * p
                copy_stack_trace(v, n)
                numerators.remove(v)
                numerators.remove(p)
                numerators.append(n)
                break
    return numerators, denominators


local_mul_canonizer.add_simplifier(view_simplifier, "view_simplifier")
