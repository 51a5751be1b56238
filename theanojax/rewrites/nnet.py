"""Softmax and cross-entropy: stable Ops for what programs write out.

A classifier's cost is usually ``-mean(log(softmax(x))[arange(n), y])``. It becomes one Op, which does
not lose improbable labels, and so does its gradient.
"""

import logging

import numpy as np

import theanojax.tensor as T
from theanojax import scalar as scal
from theanojax.config import config
from theanojax.graph.rewriting.base import optimizer
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.graph.traverse import equal_computations
from theanojax.rewrites.algebra import local_mul_canonizer
from theanojax.rewrites.common import applies, combined, constant_value, is_number, maker, replacement, scalar_maker
from theanojax.tensor.argmax import MaxAndArgmax
from theanojax.tensor.assert_op import Assert
from theanojax.tensor.creation import Alloc, ARange
from theanojax.tensor.elemwise import DimShuffle, Elemwise
from theanojax.tensor.indexing.subtensor import AdvancedIncSubtensor, AdvancedSubtensor, Subtensor
from theanojax.tensor.nnet.blocksparse import (
    SparseBlockGemv,
    SparseBlockOuter,
    sparse_block_gemv_inplace,
    sparse_block_outer_inplace,
)
from theanojax.tensor.nnet.crossentropy import (
    CrossentropySoftmax1HotWithBiasDx,
    crossentropy_categorical_1hot,
    crossentropy_categorical_1hot_grad,
    crossentropy_softmax_1hot_with_bias_dx,
    crossentropy_softmax_argmax_1hot_with_bias,
)
from theanojax.tensor.nnet.sigm import ScalarSigmoid, ScalarSoftplus
from theanojax.tensor.nnet.softmax import (
    Softmax,
    SoftmaxGrad,
    SoftmaxWithBias,
    logsoftmax_op,
    softmax_grad,
    softmax_op,
    softmax_with_bias,
)
from theanojax.tensor.reduce import Sum
from theanojax.tensor.shape import Shape
from theanojax.tensor.type import float_dtypes, values_eq_approx_remove_inf, values_eq_approx_remove_nan


# ---------------------------------------------------------------- softmax
@local_optimizer([Elemwise])
def local_logsoftmax(node):
    """log(softmax(x)) -> logsoftmax(x)"""
    sm = maker(node.inputs[0], Softmax) if applies(node, scal.Log) else None
    if sm is None:
        return False
    return replacement(node, logsoftmax_op(sm.inputs[0]), values_eq_approx_remove_inf, through=node.inputs[0])


local_logsoftmax.only_scalar = (scal.Log,)


@local_optimizer([SoftmaxGrad])
def local_logsoftmax_grad(node):
    """softmax_grad(g / sm, sm), sm = softmax(x) -> g - sum(g, axis=1) * sm, the gradient of log(softmax(x))"""
    if not isinstance(node.op, SoftmaxGrad):
        return False
    d_sm, sm = node.inputs
    quotient = scalar_maker(d_sm, scal.TrueDiv)
    if quotient is None or quotient.inputs[1] is not sm or maker(sm, Softmax) is None:
        return False
    g = quotient.inputs[0]
    if maker(g, AdvancedIncSubtensor) is not None:
        return False  # left to local_advanced_indexing_crossentropy_onehot_grad
    if g.broadcastable[1] and not sm.broadcastable[1]:
        g = T.alloc(g, g.shape[0], sm.shape[1])
    ret = g - T.sum(g, axis=1, keepdims=True) * sm
    return replacement(node, ret, values_eq_approx_remove_nan)


def _only_row(v):
    """The vector that the matrix `v` of pattern (True, False) is made of."""
    shuffle = maker(v, DimShuffle)
    if shuffle is not None and shuffle.inputs[0].type.broadcastable == (False,):
        return shuffle.inputs[0]
    return DimShuffle((True, False), (1,))(v)


@local_optimizer([softmax_op])
def local_softmax_with_bias(node):
    """softmax(x + b) -> softmax_with_bias(x, b), for rows b"""
    total = scalar_maker(node.inputs[0], scal.Add) if node.op == softmax_op else None
    if total is None:
        return False
    vectors = [_only_row(v) for v in total.inputs if v.type.broadcastable == (True, False)]
    matrices = [v for v in total.inputs if v.type.broadcastable != (True, False)]
    if not vectors:
        return False
    if not matrices:
        matrices = [T.shape_padleft(vectors.pop())]
        if not vectors:
            return False
    sums = []
    for terms in (matrices, vectors):
        sums.append(terms[0] if len(terms) == 1 else T.add(*terms))
        if len(terms) > 1:
            copy_stack_trace(total.inputs[-1], sums[-1])
    if any(v.type.dtype not in float_dtypes for v in sums):
        return False
    ret = softmax_with_bias(*sums)
    return replacement(node, ret)


def _row_sums_of(v):
    """The matrix whose sums along rows, as a column, are `v`, or None."""
    shuffle = maker(v, DimShuffle)
    if shuffle is None or shuffle.op.new_order != (0, "x"):
        return None
    total = maker(shuffle.inputs[0], Sum)
    return total.inputs[0] if total is not None and total.op.axis == (1,) else None


def softmax_simplifier(numerators, denominators):
    """In a quotient of products, exp(x) over its sums along rows -> softmax(x); for the canonizer of products."""
    for numerator in list(numerators):
        exp = scalar_maker(numerator, scal.Exp)
        if exp is None or numerator.ndim != 2 or not numerator.type.dtype.startswith("float"):
            continue
        for denominator in denominators:
            if _row_sums_of(denominator) is numerator:
                sm = softmax_op(exp.inputs[0])
                copy_stack_trace(numerator, sm)
                numerators.remove(numerator)
                denominators.remove(denominator)
                numerators.append(sm)
                break
    return numerators, denominators


local_mul_canonizer.add_simplifier(softmax_simplifier, "softmax_simplifier")


@local_optimizer([Sum])
def local_sum_over_softmax_denominator(node):
    """sum(fill(x, a / (b * s)), axis=1) -> sum(fill(x, a / b), axis=1) / s, where s are the sums of exp(y) along rows

    It is part of the gradient of a softmax that is written out, and has to leave the sum for the softmax to be found.
    A gradient that is the same for all elements comes as a fill, one of a mean with the number of elements, one that
    was selected from others in a switch with 0.
    """
    if not isinstance(node.op, Sum) or node.op.axis != (1,) or node.inputs[0].ndim != 2:
        return False
    value, wrappers = node.inputs[0], []
    while (found := _wrapped(value)) is not None:
        value, wrap = found
        wrappers.append(wrap)
    if value.ndim != 2 or scalar_maker(value, scal.TrueDiv, scal.Mul) is None:
        return False
    num, denom = local_mul_canonizer.simplify(*local_mul_canonizer.get_num_denum(value), value.type)
    sums = [v for v in denom if _row_sums_of(v) is not None and scalar_maker(_row_sums_of(v), scal.Exp) is not None]
    if not sums or any(_row_sums_of(v) is not None or scalar_maker(v, scal.Exp, scal.Neg) is not None for v in num):
        return False  # what cancels, or makes a softmax, has to do so first
    if not wrappers and len(denom) == 1 and applies(value.owner, scal.TrueDiv):
        return False  # of a lone denominator local_sum_prod_div_dimshuffle takes care
    rest = local_mul_canonizer.merge_num_denum(num, [v for v in denom if not any(v is s for s in sums)])
    for wrap in reversed(wrappers):
        rest = wrap(rest)
    total = node.op(rest)
    copy_stack_trace(node.outputs[0], total)
    ret = total / local_mul_canonizer.merge_num_denum([v.dimshuffle(0) for v in sums], [])
    return replacement(node, ret, values_eq_approx_remove_nan)


def _wrapped(v):
    """(x, the function that makes `v` of x) if `v` is `x` filled or alloced to a shape, or in a switch with 0."""
    node = v.owner
    if node is None:
        return None
    if applies(node, scal.Second):
        return node.inputs[1], lambda x: T.fill(node.inputs[0], x)
    if isinstance(node.op, Alloc):
        return node.inputs[0], lambda x: T.alloc(x, *node.inputs[1:])
    if applies(node, scal.Switch):
        cond, left, right = node.inputs
        if is_number(left, 0):
            return right, lambda x: T.switch(cond, 0, x)
        if is_number(right, 0):
            return left, lambda x: T.switch(cond, x, 0)
    return None


_MONOTONIC = (scal.Exp, scal.Log, scal.Tanh, ScalarSigmoid, ScalarSoftplus)


@local_optimizer([MaxAndArgmax])
def local_argmax_pushdown(node):
    """argmax(f(x)) -> argmax(x), for increasing f and for a softmax along its rows, when the maximum is not used"""
    if not isinstance(node.op, MaxAndArgmax):
        return False
    (x,) = node.inputs
    made = scalar_maker(x, *_MONOTONIC)
    if made is None and node.op.axis == (x.ndim - 1,):  # what a softmax takes off one row is not that of another
        made = maker(x, Softmax, SoftmaxWithBias)
    if made is None:
        return False
    if node.outputs[0].clients:
        if config.warn.argmax_pushdown_bug:
            logging.getLogger("theano.tensor.nnet.nnet").warning(
                "WARNING: there was a bug in Theano fixed on May 27th, 2010 in this case. I.E. when we take the max of "
                "a softplus, softmax, exp, log, tanh, sigmoid, softmax_with_bias op, we were doing the max of the "
                "parent of the input. To remove this warning set the Theano flags 'warn.argmax_pushdown_bug' to False"
            )
        return False
    inner = made.inputs[0]
    if isinstance(made.op, SoftmaxWithBias):
        bias = made.inputs[1]
        inner = inner + DimShuffle(bias.broadcastable, ("x", 0))(bias)
    ret = T.max_and_argmax(inner, node.op.axis)
    copy_stack_trace(node.outputs[0], ret)
    return [None, ret[1]] if ret[1].type == node.outputs[1].type else False


# ---------------------------------------------------------------- cross-entropy of labels, by its own Op
def _join_crossentropy(fgraph, sources, reason):
    """Make one Op of each crossentropy_categorical_1hot of the output of a softmax Op in `sources`."""
    if not any(node.op == crossentropy_categorical_1hot for node in fgraph.apply_nodes):
        return
    for node in fgraph.toposort():
        if node.op != crossentropy_categorical_1hot or node not in fgraph.apply_nodes:
            continue
        sm, labels = node.inputs
        if sm.owner is None or sm.owner.op not in sources:
            continue
        x, *bias = sm.owner.inputs
        b = bias[0] if bias else T.zeros_like(x[0])
        nll, new_sm, _ = crossentropy_softmax_argmax_1hot_with_bias(x, b, labels)
        if nll.type != node.outputs[0].type:  # labels that are known to be one
            nll = T.patternbroadcast(nll, node.outputs[0].broadcastable)
        copy_stack_trace(node.outputs[0], nll)
        fgraph.replace_all_validate([(node.outputs[0], nll), (sm, new_sm)], reason=reason)


@optimizer
def crossentropy_to_crossentropy_with_softmax_with_bias(fgraph):
    """crossentropy_categorical_1hot(softmax_with_bias(x, b), y) -> one Op. It replaces outputs of two nodes at once."""
    _join_crossentropy(fgraph, (softmax_with_bias,), "crossentropy_to_crossentropy_with_softmax_with_bias")


@optimizer
def crossentropy_to_crossentropy_with_softmax(fgraph):
    """The same for a softmax of either kind; to be run after local_softmax_with_bias."""
    _join_crossentropy(fgraph, (softmax_op, softmax_with_bias), "crossentropy_to_crossentropy_with_softmax")


@local_optimizer([softmax_grad])
def local_softmax_grad_to_crossentropy_with_softmax_grad(node):
    """softmax_grad(crossentropy_categorical_1hot_grad(g, sm, y), sm) -> crossentropy_softmax_1hot_with_bias_dx"""
    g = node.inputs[0].owner if node.op == softmax_grad else None
    if g is None or g.op != crossentropy_categorical_1hot_grad:
        return False
    ret = crossentropy_softmax_1hot_with_bias_dx(*g.inputs)
    return replacement(node, ret)


# ---------------------------------------------------------------- cross-entropy of labels, written with indices
def _is_const(v, number):
    value = constant_value(v)
    return value is not None and bool(np.all(value == number))


def _check_rows_is_arange_len_labels(rows, labels, fgraph=None):
    """Whether `rows` is arange(labels.shape[0]), of which nothing but a 0 may be left for one label."""
    if fgraph is None:
        fgraph = getattr(labels.owner or rows.owner, "fgraph", None)
    shapes = getattr(getattr(fgraph, "shape_feature", None), "shape_of", {})
    shape = shapes.get(labels)
    if shape is not None and len(shape) == 1 and _is_const(shape[0], 1):
        return _is_const(rows, 0)
    made = maker(rows, ARange)
    if made is None:
        return False
    start, stop, step = made.inputs
    if getattr(start, "data", None) != 0 or getattr(step, "data", None) != 1 or stop.owner is None:
        return False
    if isinstance(stop.owner.op, Subtensor):  # as it is before shapes are looked up
        of = stop.owner
        if of.op.get_constant_idx(of.inputs, allow_partial=True) != [0]:
            return False
        source = maker(of.inputs[0], Shape)
        return source is not None and source.inputs[0] is labels
    # the length may have been found anew since `rows` was made
    return shape is not None and len(shape) == 1 and equal_computations([shape[0]], [stop])


def _is_vector(v):
    """Whether `v` is a vector; a slice is one of an index, too."""
    return getattr(v.type, "ndim", None) == 1


def _indexed(v, op_class, number):
    """The inputs of the Op of `op_class` that makes `v`, if there are `number` of them, else None."""
    made = maker(v, op_class)
    return made.inputs if made is not None and len(made.inputs) == number else None


def _split_bias(sm):
    """(x, b) if `sm` is softmax(x) or softmax_with_bias(x, b), b None when there is none; else None."""
    made = maker(sm, Softmax, SoftmaxWithBias)
    if made is None:
        return None
    if isinstance(made.op, SoftmaxWithBias):
        return made.inputs
    biased = local_softmax_with_bias.transform(made)
    return biased[0].owner.inputs if biased else (made.inputs[0], None)


@local_optimizer([AdvancedSubtensor, T.log])
def local_advanced_indexing_crossentropy_onehot(node):
    """log(softmax(x))[arange(len(y)), y] and log(softmax(x)[arange(len(y)), y]) -> the cross-entropy Op"""
    if isinstance(node.op, AdvancedSubtensor):
        if len(node.inputs) != 3:
            return False
        log, rows, labels = node.inputs
        log = scalar_maker(log, scal.Log)
        sm = log.inputs[0] if log is not None else None
    else:
        found = _indexed(node.inputs[0], AdvancedSubtensor, 3) if applies(node, scal.Log) else None
        sm, rows, labels = found or (None, None, None)
    parts = _split_bias(sm) if sm is not None else None
    if parts is None or not _is_vector(labels) or not _check_rows_is_arange_len_labels(rows, labels, node.fgraph):
        return False
    x, b = parts
    minus_ret = crossentropy_softmax_argmax_1hot_with_bias(x, T.zeros_like(x[0]) if b is None else b, labels)[0]
    ret = -minus_ret
    if ret.type != node.outputs[0].type:
        return False
    copy_stack_trace(node.outputs[0], [minus_ret, ret])
    return [ret]


def _out_grad_inside(d_sm, sm, x):
    """(gradient of the cost for the logarithms, rows, labels) from that of log(sm[rows, labels]) for sm, or None.

    It is ``inc(zeros, out_grad / sm[rows, labels], rows, labels)``.
    """
    zeros, incr, rows, labels = d_sm
    if not _is_const(zeros, 0):
        return None
    negated = scalar_maker(incr, scal.Neg)
    quotient = scalar_maker(incr if negated is None else negated.inputs[0], scal.TrueDiv)
    if quotient is None:
        return None
    num, denom = quotient.inputs
    factors = scalar_maker(denom, scal.Mul)
    factors = [denom] if factors is None else list(factors.inputs)
    picked = next((f for f in factors if maker(f, AdvancedSubtensor) is not None), None)
    if picked is None:
        return None
    factors.remove(picked)
    rest = combined(T.mul, factors, denom.dtype) if factors else None
    for v in (num, rest):
        if v is not None and v.ndim != 1 and not all(v.broadcastable):
            return None
    found = _indexed(picked, AdvancedSubtensor, 3)
    if found is None or any(a is not b for a, b in zip(found, (sm, rows, labels))):
        return None
    out_grad = -num if negated is None else num
    if rest is not None:
        out_grad = out_grad / rest
    return T.fill(x[:, 0], out_grad), rows, labels


def _without_support(d_sm):
    """`q` for switch(mask, q, 0), the mask being true at ``[rows, labels]``, where the gradient is other than 0."""
    switch = scalar_maker(d_sm, scal.Switch)
    if switch is None or not is_number(switch.inputs[2], 0):
        return d_sm
    mask, q = _indexed(switch.inputs[0], AdvancedIncSubtensor, 4), switch.inputs[1]
    quotient = scalar_maker(q, scal.TrueDiv)
    written = _indexed(quotient.inputs[0], AdvancedIncSubtensor, 4) if quotient is not None else None
    if mask is None or written is None or not _is_const(mask[0], 0) or not _is_const(mask[1], 1):
        return d_sm
    return q if all(a is b for a, b in zip(mask[2:], written[2:])) else d_sm


@local_optimizer([softmax_grad])
def local_advanced_indexing_crossentropy_onehot_grad(node):
    """The gradients of log(softmax(x)[arange(len(y)), y]) and of log(softmax(x))[arange(len(y)), y] -> one Op

    The replacement is made whoever else uses the values in between: it is for their accuracy.
    """
    if node.op != softmax_grad:
        return False
    d_sm, sm = node.inputs
    parts = _split_bias(sm)
    if parts is None:
        return False
    x, d_sm = parts[0], _without_support(d_sm)
    inside = _indexed(d_sm, AdvancedIncSubtensor, 4)
    if inside is not None:
        found = _out_grad_inside(inside, sm, x)
        if found is None:
            return False
        out_grad, rows, labels = found
    else:
        # inc(zeros, out_grad, rows, labels) / sm
        quotient = scalar_maker(d_sm, scal.TrueDiv)
        outside = _indexed(quotient.inputs[0], AdvancedIncSubtensor, 4) if quotient is not None else None
        if outside is None or quotient.inputs[1] is not sm:
            return False
        zeros, incr, rows, labels = outside
        if not _is_const(zeros, 0) or zeros.broadcastable not in [(False, False), (True, False)]:
            return False
        if incr.ndim != 1 or incr.dtype not in float_dtypes:
            return False
        out_grad = -incr
    # That there are as many labels as rows is left to the Op to check.
    if not _is_vector(labels) or x.ndim != 2 or not _check_rows_is_arange_len_labels(rows, labels, node.fgraph):
        return False
    return replacement(node, crossentropy_softmax_1hot_with_bias_dx(out_grad, sm, labels))


@local_optimizer([softmax_with_bias])
def graph_merge_softmax_with_crossentropy_softmax(node):
    """A softmax beside a cross-entropy Op of the same inputs -> its second output"""
    if node.op != softmax_with_bias:
        return False
    x, b = node.inputs
    for client, _ in x.clients:
        if (
            client != "output"
            and client.op == crossentropy_softmax_argmax_1hot_with_bias
            and client.inputs[1] is b
            and client.inputs[0] is x
        ):
            ret = client.op(x, b, client.inputs[2])[1]
            copy_stack_trace(node.outputs[0], ret)
            return [ret]
    return False


@local_optimizer([CrossentropySoftmax1HotWithBiasDx])
def local_useless_crossentropy_softmax_1hot_with_bias_dx_alloc(node):
    """dx(alloc(g, n), sm, y) -> dx(g, sm, y): the Op stretches a single gradient by itself"""
    if not isinstance(node.op, CrossentropySoftmax1HotWithBiasDx):
        return False
    dy, sm, y_idx = node.inputs
    alloc = maker(dy, Alloc)
    feature = getattr(node.fgraph, "shape_feature", None)
    if alloc is None or feature is None or dy.ndim == 0 or dy.broadcastable[0]:
        return False
    g = alloc.inputs[0]
    stretched = g.ndim == 0 or g.broadcastable[0]
    if stretched and not feature.same_shape(sm, dy, dim_x=0, dim_y=0) and not _is_const(feature.shape_of[dy][0], 1):
        # what the Op would have refused
        cond = T.or_(T.eq(dy.shape[0], 1), T.eq(dy.shape[0], sm.shape[0]))
        g = Assert("`sm` and `dy` do not have the same shape.")(g, cond)
    ret = node.op(g, sm, y_idx)
    copy_stack_trace(node.outputs[0], ret)
    return [ret]


# ---------------------------------------------------------------- blocks, in place
def _in_place(node, op_class, op):
    if not isinstance(node.op, op_class) or node.op.inplace:
        return False
    ret = op(*node.inputs)
    copy_stack_trace(node.outputs[0], ret)
    return [ret]


@local_optimizer([SparseBlockGemv], inplace=True)
def local_inplace_sparse_block_gemv(node):
    """SparseBlockGemv(inplace=False) -> SparseBlockGemv(inplace=True)"""
    return _in_place(node, SparseBlockGemv, sparse_block_gemv_inplace)


@local_optimizer([SparseBlockOuter], inplace=True)
def local_inplace_sparse_block_outer(node):
    """SparseBlockOuter(inplace=False) -> SparseBlockOuter(inplace=True)"""
    return _in_place(node, SparseBlockOuter, sparse_block_outer_inplace)
