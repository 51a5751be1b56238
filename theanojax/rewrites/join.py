"""Join, Split, Tile and Rebroadcast."""

import theanojax.tensor as T
from theanojax.errors import NotScalarConstantError
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.graph.variable import Constant
from theanojax.rewrites.common import constant_value, declared_replacement, is_number, maker, replacement
from theanojax.tensor.assert_op import assert_op
from theanojax.tensor.elemwise import Elemwise
from theanojax.tensor.join import Join, Split, Tile
from theanojax.tensor.shape import MakeVector, Rebroadcast


# ---------------------------------------------------------------- Rebroadcast
@local_optimizer([Rebroadcast])
def local_useless_rebroadcast(node):
    """Drop the flags that change nothing, and the Rebroadcast when none is left."""
    if not isinstance(node.op, Rebroadcast):
        return False
    x = node.inputs[0]
    if x.broadcastable == node.outputs[0].broadcastable:
        return [x]
    axis = {dim: flag for dim, flag in node.op.axis.items() if x.broadcastable[dim] != flag}
    if axis == node.op.axis:
        return False
    return declared_replacement(node, Rebroadcast(*axis.items())(x))


@local_optimizer([Rebroadcast])
def local_rebroadcast_lift(node):
    """rebroadcast(unary(x)) -> unary(rebroadcast(x)); two in a row become one"""
    if not isinstance(node.op, Rebroadcast):
        return False
    x = node.inputs[0]
    inner = maker(x, Elemwise, Rebroadcast)
    if inner is None:
        return False
    if isinstance(inner.op, Rebroadcast):
        axis = {**inner.op.axis, **node.op.axis}
        return replacement(node, Rebroadcast(*axis.items())(inner.inputs[0]), through=x)
    # outside of a graph, where this is used too, nobody counts users
    if len(inner.inputs) != 1 or len(inner.outputs) != 1 or len(getattr(x, "clients", ())) != 1:
        return False
    lifted = Rebroadcast(*node.op.axis.items())(inner.inputs[0])
    copy_stack_trace(node.outputs[0], lifted)
    return replacement(node, inner.op.make_node(lifted).outputs[0], through=x)


def apply_rebroadcast_opt(rval):
    """`rval` after the two rewrites above were applied as often as they can be."""
    changed = True
    while changed and rval.owner is not None:
        changed = False
        for rewrite in (local_useless_rebroadcast, local_rebroadcast_lift):
            new = rewrite.transform(rval.owner) if rval.owner is not None else None
            if new:
                rval, changed = new[0], True
    return rval


# ---------------------------------------------------------------- Join
@local_optimizer([Join])
def local_join_1(node):
    """join(axis, x) -> x"""
    if not isinstance(node.op, Join) or len(node.inputs) != 2:
        return False
    return [node.inputs[1]] if node.inputs[1].type == node.outputs[0].type else False


@local_optimizer([Join])
def local_join_empty(node):
    """join(axis, x, empty, y) -> join(axis, x, y)"""
    if not isinstance(node.op, Join):
        return False
    axis = constant_value(node.inputs[0], only_process_constants=True)
    if axis is None:
        return False
    parts = node.inputs[1:]
    kept = [v for v in parts if not (isinstance(v, Constant) and v.data.shape[int(axis)] == 0)]
    if not kept or len(kept) == len(parts):
        return False
    ret = T.join(node.inputs[0], *kept)
    return declared_replacement(node, ret) if ret.dtype == node.outputs[0].dtype else False


@local_optimizer([Join])
def local_join_make_vector(node):
    """join(0, [a, b], [c], x) -> join(0, [a, b, c], x)"""
    if not isinstance(node.op, Join) or node.outputs[0].ndim != 1:
        return False
    parts = [node.inputs[1]]
    for v in node.inputs[2:]:
        last, this = maker(parts[-1], MakeVector), maker(v, MakeVector)
        if last is not None and this is not None and last.op == this.op:
            parts[-1] = this.op(*(last.inputs + this.inputs))
            copy_stack_trace(node.outputs[0], parts[-1])
        else:
            parts.append(v)
    if len(parts) == len(node.inputs) - 1:
        return False
    return declared_replacement(node, T.join(node.inputs[0], *parts))


# ---------------------------------------------------------------- Tile and Split
@local_optimizer([Tile])
def local_useless_tile(node):
    """tile(x, (1, 1)) -> x"""
    if not isinstance(node.op, Tile) or not is_number(node.inputs[1], 1):
        return False
    try:
        repeats = T.get_vector_length(node.inputs[1])
    except (ValueError, NotScalarConstantError):
        return False
    x = node.inputs[0]
    return [x] if repeats == x.ndim and x.type == node.outputs[0].type else False


@local_optimizer([Split])
def local_useless_split(node):
    """A split into one part -> that part, with assertions that it is all"""
    if not isinstance(node.op, Split) or node.op.len_splits != 1:
        return False
    x, axis, splits = node.inputs
    for holds in (T.eq(splits.shape[0], 1), T.eq(x.shape[axis], splits[0])):
        x = assert_op(x, holds)
        copy_stack_trace(node.outputs[0], x)
    return replacement(node, x)
