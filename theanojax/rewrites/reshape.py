"""Reshape and Flatten: less of them, and where possible only what a DimShuffle can do too."""

import theanojax.tensor as T
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.rewrites.common import constant_value, maker, replacement, shape_feature
from theanojax.tensor.as_tensor import extract_constant
from theanojax.tensor.elemwise import DimShuffle, Elemwise, shuffled
from theanojax.tensor.flatten import Flatten
from theanojax.tensor.indexing.subtensor import Subtensor
from theanojax.tensor.shape import MakeVector, Reshape, Shape, Shape_i


@local_optimizer([Flatten])
def local_flatten_lift(node):
    """flatten(unary(x)) -> unary(flatten(x)), which stability rewrites rely on"""
    inner = maker(node.inputs[0], Elemwise) if isinstance(node.op, Flatten) else None
    if inner is None or len(inner.inputs) != 1 or len(inner.outputs) != 1:
        return False
    flat = node.op(inner.inputs[0])
    copy_stack_trace(node.outputs[0], flat)
    return replacement(node, inner.op(flat), through=node.inputs[0])


def local_reshape_chain(op):
    """The rewrite reshape(reshape(x, a), b) -> reshape(x, b), for Ops of class `op`."""

    @local_optimizer([op])
    def f(node):
        if not isinstance(node.op, op):
            return False
        inner = maker(node.inputs[0], op)
        if inner is None:
            return False
        ret = node.op(inner.inputs[0], node.inputs[1])
        return replacement(node, ret)

    f.__name__ = "local_reshape_chain"
    return f


reshape_chain = local_reshape_chain(Reshape)


@local_optimizer([Reshape])
def local_useless_reshape(node):
    """reshape(x, x.shape) -> x; a vector stays a vector"""
    if not isinstance(node.op, Reshape):
        return False
    x, shape = node.inputs
    if x.type != node.outputs[0].type:
        return False
    if x.ndim == 1:
        return [x]
    made = maker(shape, Shape, MakeVector)
    if made is None:
        return False
    if isinstance(made.op, Shape):
        return [x] if made.inputs[0] is x else False
    feature = shape_feature(node)
    unknown = 0
    for dim, length in enumerate(made.inputs):
        value = constant_value(length, only_process_constants=True)
        if value == -1:
            unknown += 1
        elif not _is_length_of(x, dim, length, value, feature):
            return False
    return [x] if unknown <= 1 else False


def _is_length_of(x, dim, length, value, feature):
    """Whether `length`, with the constant `value` if it has one, is ``x.shape[dim]``."""
    asked = maker(length, Shape_i)
    if asked is not None and asked.op.i == dim and asked.inputs[0] is x:
        return True
    element = maker(length, Subtensor)
    if element is not None and len(element.inputs) == 2:
        shape = maker(element.inputs[0], Shape)
        if shape is not None and shape.inputs[0] is x and constant_value(element.inputs[1]) == dim:
            return True
    if x.broadcastable[dim] and value == 1:
        return True
    if feature is None:
        return False
    known = feature.get_shape(x, dim)
    if known is length:
        return True
    return value is not None and constant_value(known, only_process_constants=True) == value


@local_optimizer([Reshape])
def local_reshape_to_dimshuffle(node):
    """reshape(x, (1, m, 1, n)) -> reshape(x, (m, n)).dimshuffle('x', 0, 'x', 1)"""
    if not isinstance(node.op, Reshape):
        return False
    x, shape = node.inputs
    out = node.outputs[0]
    order, lengths = [], []
    made = maker(shape, MakeVector)
    for i in range(out.ndim):
        length = made.inputs[i] if made is not None else shape[i]
        length = extract_constant(length, elemwise=False)
        if not hasattr(length, "owner") and length == 1:
            order.append("x")
        else:
            order.append(len(lengths))
            lengths.append(length)
    if len(lengths) == out.ndim:
        return False
    inner = Reshape(len(lengths))(x, lengths)
    copy_stack_trace(out, inner)
    ret = shuffled(inner, order)
    copy_stack_trace(out, ret)
    return [ret] if ret.type == out.type else False


@local_optimizer([Reshape])
def local_reshape_lift(node):
    """reshape(unary(x), shape) -> unary(reshape(x, shape)), which stability rewrites rely on"""
    inner = maker(node.inputs[0], Elemwise) if isinstance(node.op, Reshape) else None
    if inner is None or len(inner.inputs) != 1 or len(inner.outputs) != 1:
        return False
    out = node.outputs[0]
    reshaped = node.op(inner.inputs[0], node.inputs[1])
    copy_stack_trace(out, reshaped)
    ret = inner.op(reshaped)
    copy_stack_trace([out, node.inputs[0]], ret)
    if ret.type != out.type:
        ret = T.patternbroadcast(ret, out.broadcastable)
        copy_stack_trace(out, ret)
    return [ret] if ret.type == out.type else False


@local_optimizer([Reshape])
def local_reshape_dimshuffle(node):
    """reshape(x.dimshuffle('x', 0, 1), shape) -> reshape(x, shape)"""
    inner = maker(node.inputs[0], DimShuffle) if isinstance(node.op, Reshape) else None
    if inner is None:
        return False
    kept = [i for i in inner.op.new_order if i != "x"]
    if kept != list(range(len(kept))) or len(kept) != inner.inputs[0].ndim:
        return False
    ret = T.reshape(inner.inputs[0], node.inputs[1], ndim=node.outputs[0].ndim)
    return replacement(node, ret)
