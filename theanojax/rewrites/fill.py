"""fill and alloc: a value stretched to a shape is kept small for as long as possible."""

import theanojax.tensor as T
from theanojax import scalar as scal
from theanojax.config import config
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.graph.variable import Constant
from theanojax.rewrites.common import (
    applies,
    broadcast_like,
    is_number,
    maker,
    replacement,
    scalar_maker,
    shape_feature,
    users,
)
from theanojax.tensor.assert_op import Assert, assert_op
from theanojax.tensor.creation import Alloc, AllocEmpty
from theanojax.tensor.elemwise import DimShuffle, Elemwise, shuffled


@local_optimizer([Elemwise])
def local_fill_sink(node):
    """f(fill(a, b), fill(c, d), e) -> fill(c, fill(a, f(b, d, e))), and on through the elementwise users of it."""
    if not isinstance(node.op, Elemwise) or applies(node, scal.Second):
        return False
    replacements, todo = {}, [(node, node.inputs)]
    while todo:
        this, inputs = todo.pop()
        filled = _sunk(this, inputs)
        if filled is None:
            continue
        out = this.outputs[0]
        replacements[out] = filled
        for user in users(out):
            if (
                user is not this
                and isinstance(user.op, Elemwise)
                and not applies(user, scal.Second)
                and len(user.outputs) == 1
                and user.outputs[0] not in replacements
                and len(replacements) < 1000
            ):
                todo.append((user, [replacements.get(v, v) for v in user.inputs]))
    return replacements or False


def _sunk(node, inputs):
    """`node` on what `inputs` are filled with, filled; None when no input is a fill."""
    fills = [scalar_maker(v, scal.Second) for v in inputs]
    if not any(fills) or len(node.outputs) != 1:
        return None
    c = node.op(*[v if f is None else f.inputs[1] for v, f in zip(inputs, fills)])
    copy_stack_trace(node.outputs[0], c)
    for f in fills:
        if f is not None and f.inputs[0].type != c.type:
            c = T.fill(f.inputs[0], c)
            copy_stack_trace(node.outputs[0], c)
    return c if c.type == node.outputs[0].type else None


@local_optimizer([T.fill])
def local_fill_to_alloc(node):
    """fill(model, value) -> alloc(value, *model.shape), so that `model` need not be computed."""
    if not applies(node, scal.Second):
        return False
    model, value = node.inputs
    out = node.outputs[0]
    if value.type == out.type:
        return [value]
    if value.type.broadcastable == out.type.broadcastable:
        ret = T.cast(value, out.type.dtype)
    elif model.type.broadcastable == out.type.broadcastable and getattr(node, "fgraph", None) is not None:
        ret = broadcast_like(value, model, node.fgraph, dtype=value.dtype)
    else:
        return False
    copy_stack_trace(out, ret)
    return [ret] if ret.type == out.type else False


@local_optimizer([T.fill])
def local_useless_fill(node):
    """fill(model, value) -> value, when that has the type of the result."""
    if not applies(node, scal.Second):
        return False
    value = node.inputs[1]
    return [value] if value.type == node.outputs[0].type else False


@local_optimizer([Alloc])
def local_useless_alloc(node):
    """alloc(x, ...) -> x, when that has the type of the result."""
    if not isinstance(node.op, Alloc):
        return False
    return [node.inputs[0]] if node.inputs[0].type == node.outputs[0].type else False


@local_optimizer([Alloc])
def local_canonicalize_alloc(node):
    """alloc(x, 1, 1, n) -> DimShuffle{x,x,0}(alloc(x, n)), and as ``local_useless_alloc``."""
    if not isinstance(node.op, Alloc):
        return False
    x, out, lengths = node.inputs[0], node.outputs[0], node.inputs[1:]
    if x.type == out.type:
        return [x]
    if any(isinstance(user.op, Alloc) for user in users(out)):
        return False  # local_merge_alloc comes first
    added = 0
    while added < len(lengths) - x.ndim and is_number(lengths[added], 1):
        added += 1
    rest = lengths[added:]
    if not added or len(rest) < x.ndim:
        return False
    inner = x if out.broadcastable[added:] == x.broadcastable else node.op(x, *rest)
    ret = shuffled(inner, ["x"] * added + list(range(len(rest))))
    copy_stack_trace(out, [inner, ret] if inner is not x else ret)
    return [ret] if ret.type == out.type else False


@local_optimizer([AllocEmpty])
def local_alloc_empty_to_zeros(node):
    """Memory that nothing was written to -> zeros; only done on request, to tell NaNs apart."""
    if not isinstance(node.op, AllocEmpty):
        return False
    ret = T.zeros(node.inputs, dtype=node.outputs[0].dtype)
    copy_stack_trace(node.outputs[0], ret)
    return [ret]


@local_optimizer([Elemwise])
def local_alloc_unary(node):
    """unary(alloc(x, shape)) -> alloc(unary(x), shape)"""
    if not isinstance(node.op, Elemwise) or len(node.inputs) != 1 or len(node.outputs) != 1:
        return False
    inner = maker(node.inputs[0], Alloc)
    if inner is None:
        return False
    out = node.outputs[0]
    value = node.op(inner.inputs[0])
    copy_stack_trace(out, value)
    ret = T.alloc(T.cast(value, out.dtype), *inner.inputs[1:])
    if ret.type != out.type:
        return False
    copy_stack_trace([out, node.inputs[0]], ret)
    return [ret]


@local_optimizer([Alloc])
def local_merge_alloc(node):
    """alloc(alloc(x, n, 1), m, n, k) -> alloc(x, m, n, k), asserting lengths that cannot be compared yet."""
    inner = maker(node.inputs[0], Alloc) if isinstance(node.op, Alloc) else None
    if inner is None:
        return False
    lengths = list(node.inputs[1:])
    for back, (mine, theirs) in enumerate(zip(reversed(lengths), reversed(inner.inputs[1:])), 1):
        if mine is theirs or (isinstance(theirs, Constant) and theirs.data == 1):
            continue
        if isinstance(mine, Constant) and isinstance(theirs, Constant) and mine.data == theirs.data:
            continue
        lengths[-back] = Assert(
            "You have a shape error in your graph. To see a better error message and a stack trace "
            "of where in your code the error is created, use the Theano flags optimizer=None or "
            "optimizer=fast_compile."
        )(mine, T.eq(mine, theirs))
    ret = T.alloc(inner.inputs[0], *lengths)
    return replacement(node, ret)


@local_optimizer([Alloc])
def local_alloc_dimshuffle(node):
    """alloc(x.dimshuffle('x', 0), ...) -> alloc(x, ...), when dimensions are only added on the left."""
    inner = maker(node.inputs[0], DimShuffle) if isinstance(node.op, Alloc) else None
    if inner is None or inner.op.new_order != _padded_left(node.inputs[0].ndim, inner.inputs[0].ndim):
        return False
    ret = T.alloc(inner.inputs[0], *node.inputs[1:])
    return replacement(node, ret)


@local_optimizer([DimShuffle])
def local_dimshuffle_alloc(node):
    """alloc(x, 3, 2).dimshuffle('x', 0, 1) -> alloc(x, 1, 3, 2)"""
    inner = maker(node.inputs[0], Alloc) if isinstance(node.op, DimShuffle) else None
    order = node.op.new_order
    if inner is None or order != _padded_left(len(order), node.inputs[0].ndim):
        return False
    added = len(order) - node.inputs[0].ndim
    ret = T.alloc(inner.inputs[0], *((1,) * added + tuple(inner.inputs[1:])))
    return replacement(node, ret)


def _padded_left(ndim, inner_ndim):
    return ("x",) * (ndim - inner_ndim) + tuple(range(inner_ndim))


# ---------------------------------------------------------------- alloc below elementwise Ops
def _alloc_below(v, alloc_op, dimshuffle_op):
    """The alloc that makes `v`, directly or under one DimShuffle, or None."""
    node = maker(v, alloc_op, dimshuffle_op)
    if node is not None and isinstance(node.op, dimshuffle_op):
        node = maker(node.inputs[0], alloc_op)
    return node


def local_elemwise_alloc_op(ElemwiseOP, AllocOP, DimShuffleOP):
    """The function of ``local_elemwise_alloc`` for these Op classes."""

    def local_elemwise_alloc(node):
        """elemwise(alloc(x, shape), y) -> elemwise(x, y), when `y` has the shape already; asserted where not known.

        The same under a DimShuffle. When all inputs are allocs, one is kept.
        """
        if not isinstance(node.op, ElemwiseOP):
            return False
        allocs = [_alloc_below(v, AllocOP, DimShuffleOP) for v in node.inputs]
        pattern = node.outputs[0].type.broadcastable
        full = [i for i, v in enumerate(node.inputs) if v.type.broadcastable == pattern]
        if not full or not any(allocs) or any(o.type.broadcastable != pattern for o in node.outputs):
            return False
        base = next((i for i in full if allocs[i] is None), None)
        if base is None:
            if sum(a is not None for a in allocs) < 2:
                return False
            base = full[0]
        new_inputs = list(node.inputs)
        guarded = node.inputs[base]
        for i, (v, alloc) in enumerate(zip(node.inputs, allocs)):
            if alloc is None or i == base:
                continue
            direct = alloc is v.owner
            if direct and alloc.inputs[0].type == v.type:
                continue  # does nothing and will be removed as such
            guarded = _assert_same_shape(node, guarded, v, node.inputs[base])
            value = alloc.inputs[0]
            if not direct:
                missing = v.owner.inputs[0].ndim - value.ndim
                if missing:
                    value = value.dimshuffle(["x"] * missing + list(range(value.ndim)))
                value = DimShuffleOP(value.type.broadcastable, v.owner.op.new_order)(value)
                copy_stack_trace(v, value)
            new_inputs[i] = value
        new_inputs[base] = guarded
        if all(a is b for a, b in zip(new_inputs, node.inputs)):
            return False
        ret = node.op(*new_inputs, return_list=True)
        if any(a.type != b.type for a, b in zip(ret, node.outputs)):
            return False
        copy_stack_trace(node.outputs, ret)
        return ret

    return local_elemwise_alloc


def _assert_same_shape(node, guarded, v, base):
    feature = shape_feature(node)
    if not config.experimental.local_alloc_elemwise_assert:
        return guarded
    conds = []
    for i in range(v.type.ndim):
        if v.type.broadcastable[i]:
            continue
        if feature is None:
            conds.append(T.eq(v.shape[i], base.shape[i]))
        elif not feature.same_shape(v, base, i, i):
            conds.append(T.eq(feature.get_shape(v, i), feature.get_shape(base, i)))
    if not conds:
        return guarded
    ret = assert_op(guarded, *conds)
    copy_stack_trace(node.outputs[0], ret)
    return ret


local_elemwise_alloc = local_optimizer([Elemwise])(local_elemwise_alloc_op(Elemwise, Alloc, DimShuffle))
