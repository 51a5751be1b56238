"""DimShuffle moves towards the inputs, where several become one or none; the same for conversions of scalars."""

import theanojax.tensor as T
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.rewrites.common import declared_replacement, is_number, maker, replacement
from theanojax.tensor.assert_op import assert_op
from theanojax.tensor.elemwise import DimShuffle, Elemwise, shuffled
from theanojax.tensor.indexing.slices import get_idx_list, is_full_slice
from theanojax.tensor.indexing.subtensor import Subtensor
from theanojax.tensor.linalg.products import Dot
from theanojax.tensor.shape import Reshape, ScalarFromTensor, TensorFromScalar


def apply_local_dimshuffle_lift(var):
    """`var` after ``local_dimshuffle_lift``, where that applies."""
    new = local_dimshuffle_lift.transform(var.owner) if var.owner is not None else None
    return new[0] if new else var


def is_dimshuffle_useless(new_order, input):
    """Whether a DimShuffle of `input` to `new_order` changes nothing but the order of dimensions of length 1."""
    if len(new_order) != input.type.ndim:
        return False
    ones = [i for i, one in enumerate(input.type.broadcastable) if one] + ["x"]
    return all(new == i or (i in ones and new in ones) for i, new in enumerate(new_order))


@local_optimizer([DimShuffle])
def local_dimshuffle_lift(node):
    """Move a DimShuffle through an Elemwise that has no other user, join it with another, drop it if it does nothing.

    DimShuffle(Elemwise(x, y)) -> Elemwise(DimShuffle(x), DimShuffle(y)); DimShuffle(DimShuffle(x)) -> DimShuffle(x)
    """
    if not isinstance(node.op, DimShuffle):
        return False
    x, order = node.inputs[0], node.op.new_order
    inner = x.owner
    if inner is not None and isinstance(inner.op, Elemwise) and len(getattr(x, "clients", ())) == 1:
        new_inputs = []
        for v in inner.inputs:
            lifted = shuffled(v, order)
            new_inputs.append(apply_local_dimshuffle_lift(lifted))
        copy_stack_trace(node.outputs[0], [v for v, old in zip(new_inputs, inner.inputs) if v is not old])
        ret = inner.op(*new_inputs, return_list=True)
        copy_stack_trace([node.outputs[0], x], ret)
        return ret
    joined = inner is not None and isinstance(inner.op, DimShuffle)
    if joined:
        order = ["x" if i == "x" else inner.op.new_order[i] for i in order]
        x = inner.inputs[0]
    if is_dimshuffle_useless(order, x):
        return [x] if x.type == node.outputs[0].type else False
    if joined:
        ret = apply_local_dimshuffle_lift(shuffled(x, order))
        copy_stack_trace(node.outputs[0], ret)
        return [ret]
    return False


@local_optimizer([Reshape])
def local_useless_dimshuffle_in_reshape(node):
    """Reshape(DimShuffle(x), shape) -> Reshape(x, shape), when the elements stay in order."""
    if not isinstance(node.op, Reshape):
        return False
    inner = maker(node.inputs[0], DimShuffle)
    if inner is None:
        return False
    order = [i for i, one in zip(inner.op.new_order, node.inputs[0].broadcastable) if not one]
    if order != sorted(order):
        return False
    ret = node.op(inner.inputs[0], node.inputs[1])
    return replacement(node, ret)


@local_optimizer([DimShuffle])
def local_lift_transpose_through_dot(node):
    """dot(x, y).T -> dot(y.T, x.T), for matrices."""
    if not (isinstance(node.op, DimShuffle) and node.op.new_order == (1, 0)):
        return False
    inner = maker(node.inputs[0], Dot)
    if inner is None:
        return False
    x, y = inner.inputs
    if not x.ndim == y.ndim == 2:
        return False
    ret = T.dot(y.T, x.T)
    copy_stack_trace(node.inputs[0], ret)
    return [ret]


@local_optimizer([Dot])
def local_0_dot_x(node):
    """dot(0, x) -> 0, with an assertion that the shapes fit."""
    if not isinstance(node.op, Dot):
        return False
    x, y = node.inputs
    if not (is_number(x, 0) or is_number(y, 0)):
        return False
    if x.ndim not in (1, 2) or y.ndim not in (1, 2):
        return False
    zero = T.constant(0, dtype=node.outputs[0].type.dtype)
    zero = assert_op(zero, T.eq(x.shape[x.ndim - 1], y.shape[0]))
    lengths = ([x.shape[0]] if x.ndim == 2 else []) + ([y.shape[1]] if y.ndim == 2 else [])
    ret = T.alloc(zero, *lengths) if lengths else zero
    return declared_replacement(node, ret)


@local_optimizer([TensorFromScalar])
def local_tensor_scalar_tensor(node):
    """tensor_from_scalar(scalar_from_tensor(x)) -> x"""
    if not isinstance(node.op, TensorFromScalar):
        return False
    inner = maker(node.inputs[0], ScalarFromTensor)
    return [inner.inputs[0]] if inner is not None else False


@local_optimizer([ScalarFromTensor])
def local_scalar_tensor_scalar(node):
    """scalar_from_tensor(tensor_from_scalar(x)) -> x"""
    if not isinstance(node.op, ScalarFromTensor):
        return False
    inner = maker(node.inputs[0], TensorFromScalar)
    return [inner.inputs[0]] if inner is not None else False


@local_optimizer([DimShuffle])
def local_dimshuffle_subtensor(node):
    """x[i:j, :, k:l].dimshuffle(0, 2) -> x[i:j, 0, k:l], when only dimensions of length 1 are dropped."""
    if not isinstance(node.op, DimShuffle):
        return False
    inner = maker(node.inputs[0], Subtensor)
    order = node.op.new_order
    if inner is None or "x" in order or list(order) != sorted(order):
        return False
    out = node.inputs[0]
    missing = [i for i in range(out.ndim) if i not in order]
    if not all(out.broadcastable[i] for i in missing):
        return False
    index = list(get_idx_list(inner.inputs, inner.op.idx_list))
    index += [slice(None)] * (inner.inputs[0].ndim - len(index))
    position = -1
    for i, entry in enumerate(index):
        if not isinstance(entry, slice):
            continue
        position += 1
        if position in missing:
            if not is_full_slice(entry):
                return False
            index[i] = 0
    while index and is_full_slice(index[-1]):
        index.pop()
    ret = inner.inputs[0][tuple(index)]
    return replacement(node, ret)
