"""Indexing: drop what selects everything, and select before computing rather than after."""

import sys

import numpy as np

import theanojax.tensor as T
from theanojax.errors import NotScalarConstantError
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.graph.variable import Constant, Variable
from theanojax.rewrites.common import constant_value, declared_replacement, maker, replacement, shape_feature
from theanojax.tensor.creation import Alloc, ARange
from theanojax.tensor.elemwise import Elemwise
from theanojax.tensor.indexing.slices import get_canonical_form_slice, get_idx_list, is_full_slice, make_constant
from theanojax.tensor.indexing.subtensor import AdvancedSubtensor1, IncSubtensor, Subtensor
from theanojax.tensor.linalg.products import Dot
from theanojax.tensor.shape import MakeVector, Rebroadcast, ScalarFromTensor


def _index(node):
    """The index of a Subtensor node as a tuple of integers, variables and slices."""
    return get_idx_list(node.inputs, node.op.idx_list)


def subtensor(x, index):
    """``x[index]`` for integers, scalar variables and slices of these, as one Subtensor."""
    index = make_constant(index)
    op = Subtensor(index)
    return op(x, *Subtensor.collapse(index, lambda entry: isinstance(entry, Variable)))


# ---------------------------------------------------------------- what selects everything
@local_optimizer([Subtensor])
def local_useless_slice(node):
    """x[0, :] -> x[0]"""
    if not isinstance(node.op, Subtensor):
        return False
    index = list(_index(node))
    count = len(index)
    while (
        index
        and isinstance(index[-1], slice)
        and index[-1].start is None
        and index[-1].stop is None
        and (index[-1].step is None or constant_value(index[-1].step, only_process_constants=True) == 1)
    ):
        index.pop()
    if len(index) == count:
        return False
    return declared_replacement(node, subtensor(node.inputs[0], index) if index else node.inputs[0])


@local_optimizer([Subtensor, AdvancedSubtensor1])
def local_useless_subtensor(node):
    """x[0:n] -> x and x[arange(n)] -> x, when n is known to be the length of x"""
    feature = shape_feature(node)
    if feature is None:
        return False
    if isinstance(node.op, Subtensor):
        index = node.op.get_constant_idx(node.inputs, allow_partial=True, only_process_constants=True)
        lengths = feature.shape_of[node.inputs[0]]
        useless = lengths is not None and all(_takes_all(entry, n) for entry, n in zip(index, lengths))
    elif isinstance(node.op, AdvancedSubtensor1):
        useless = _counts_to(
            node.inputs[1], constant_value(feature.shape_of[node.inputs[0]][0], only_process_constants=True)
        )
    else:
        return False
    return [node.inputs[0]] if useless and node.inputs[0].type == node.outputs[0].type else False


def _takes_all(entry, length):
    """Whether the index `entry` selects all of a dimension of that symbolic length."""
    if not isinstance(entry, slice):
        return False
    start, stop, step = entry.start, entry.stop, entry.step
    if (start is not None and (isinstance(start, Variable) or start != 0)) or (
        step is not None and (isinstance(step, Variable) or step != 1)
    ):
        return False
    if stop is None:
        return True
    if not isinstance(stop, Variable):
        known = constant_value(length, only_process_constants=True)
        return stop >= (sys.maxsize if known is None else known)
    converted = maker(stop, ScalarFromTensor)
    return converted is not None and converted.inputs[0] is length


def _counts_to(index, length):
    """Whether the index vector is 0, 1, ... `length` - 1 (a number, or None when it is not known)."""
    if length is None:
        return False
    if isinstance(index, Constant):
        return len(index.data) == length and bool(np.all(index.data == np.arange(length)))
    made = maker(index, ARange)
    if made is None:
        return False
    bounds = [constant_value(v, only_process_constants=True) for v in made.inputs]
    return all(b is not None and b == wanted for b, wanted in zip(bounds, (0, length, 1)))


@local_optimizer([Subtensor])
def local_subtensor_remove_broadcastable_index(node):
    """x[0] -> x.dimshuffle(1), when the first dimension of x has length 1"""
    if not isinstance(node.op, Subtensor):
        return False
    x, dropped = node.inputs[0], []
    for dim, entry in enumerate(_index(node)):
        if isinstance(entry, slice):
            if not is_full_slice(entry):
                return False
            continue
        value = constant_value(entry, only_process_constants=True)
        if value is None or value not in (0, -1) or not x.broadcastable[dim]:
            return False
        dropped.append(dim)
    if not dropped:
        return False
    return declared_replacement(node, x.dimshuffle([d for d in range(x.ndim) if d not in dropped]))


# ---------------------------------------------------------------- of particular Ops
@local_optimizer([Subtensor])
def local_subtensor_inc_subtensor(node):
    """set_subtensor(x[i], y)[i] -> y"""
    if not isinstance(node.op, Subtensor):
        return False
    inner = maker(node.inputs[0], IncSubtensor)
    if inner is None or not inner.op.set_instead_of_inc:
        return False
    if len(inner.inputs) - 2 != len(node.inputs) - 1 or any(
        a is not b for a, b in zip(inner.inputs[2:], node.inputs[1:])
    ):
        return False
    if tuple(inner.op.idx_list) != tuple(node.op.idx_list):
        return False
    out, y = node.outputs[0], inner.inputs[1]
    y = y.astype(out.dtype)
    if y.type == out.type:
        return [y]
    part = node.op(inner.inputs[0], *inner.inputs[2:])
    return declared_replacement(node, T.alloc(y, *[part.shape[i] for i in range(part.ndim)]))


@local_optimizer([Subtensor, AdvancedSubtensor1])
def local_subtensor_make_vector(node):
    """[a, b, c][0] -> a; [a, b, c][0:2] -> [a, b]; [a, b, c][[0, 2]] -> [a, c]"""
    made = maker(node.inputs[0], MakeVector)
    if made is None or made.op.dtype != "int64":  # shapes are what this is for
        return False
    if isinstance(node.op, AdvancedSubtensor1):
        index = node.inputs[1]
        if not isinstance(index, Constant):
            return False
        try:
            kept = [made.inputs[int(i)] for i in index.data]
        except IndexError:
            return False
        return declared_replacement(node, made.op(*kept))
    if not isinstance(node.op, Subtensor):
        return False
    index = _index(node)
    if len(index) != 1:
        return False
    (index,) = index
    if isinstance(index, slice):
        try:
            (known,) = node.op.get_constant_idx(node.inputs, allow_partial=False)
        except NotScalarConstantError:
            return False
        known = slice(*[None if b is None else int(b) for b in (known.start, known.stop, known.step)])
        return declared_replacement(node, made.op(*made.inputs[known]))
    value = index if not isinstance(index, Variable) else constant_value(index, only_process_constants=True)
    if value is None or not -len(made.inputs) <= value < len(made.inputs):
        return False
    ret = made.inputs[int(value)]
    return [ret] if ret.type == node.outputs[0].type else False


@local_optimizer([Subtensor])
def local_subtensor_lift(node):
    """unary(x)[i] -> unary(x[i]); op(x, y)[i] -> op(x[i], y[i]); rebroadcast(x)[i] -> rebroadcast(x[i])

    Only when the indexed value has no other user; scalars among the inputs need no index.
    """
    if not isinstance(node.op, Subtensor):
        return False
    u = node.inputs[0]
    inner = maker(u, Elemwise, Rebroadcast)
    if inner is None or len(getattr(u, "clients", ())) > 1 or len(inner.outputs) != 1:
        return False
    out = node.outputs[0]
    if isinstance(inner.op, Rebroadcast):
        return _lifted_rebroadcast(node, inner)
    single = len(inner.inputs) == 1
    if not single and not all(sum(v.type.broadcastable) in (v.ndim, 0) for v in inner.inputs):
        return False
    new_inputs = []
    for v in inner.inputs:
        if single or not any(v.type.broadcastable):
            part = node.op(v, *node.inputs[1:])
        elif v.ndim == out.ndim:
            new_inputs.append(v)
            continue
        else:
            part = v.dimshuffle(["x"] * out.ndim)
        copy_stack_trace(out, part)
        new_inputs.append(part)
    ret = inner.op(*new_inputs)
    copy_stack_trace([out, u], ret)
    return [ret] if ret.type == out.type else False


def _lifted_rebroadcast(node, inner):
    u = node.inputs[0]
    kept = [i for i in range(u.ndim) if i >= len(node.op.idx_list) or isinstance(node.op.idx_list[i], slice)]
    part = node.op(inner.inputs[0], *node.inputs[1:])
    copy_stack_trace(node.outputs[0], part)
    ret = Rebroadcast(*[(j, node.outputs[0].broadcastable[j]) for j in range(len(kept))])(part)
    return replacement(node, ret, through=u)


@local_optimizer([Subtensor])
def local_subtensor_of_alloc(node):
    """alloc(x, n, m)[a:b] -> alloc(x[...], b - a, m)"""
    if not isinstance(node.op, Subtensor):
        return False
    inner = maker(node.inputs[0], Alloc)
    if inner is None:
        return False
    value, lengths = inner.inputs[0], inner.inputs[1:]
    index = _index(node)
    added = node.inputs[0].ndim - value.ndim
    new_lengths, value_index = [], []
    for i, (entry, length) in enumerate(zip(index, lengths)):
        if i >= added:
            one = value.type.broadcastable[i - added]
            # a dimension of length 1 that is stretched has the same element everywhere
            value_index.append((slice(None) if isinstance(entry, slice) else 0) if one else entry)
        canonical, _ = get_canonical_form_slice(entry, length)
        if isinstance(canonical, slice):
            new_length = canonical.stop - canonical.start
            if isinstance(canonical.step, Variable) or canonical.step != 1:
                new_length = T.ceil_intdiv(new_length, canonical.step)
            new_lengths.append(new_length)
    new_value = value[tuple(value_index)] if value_index else value
    new_lengths += lengths[len(index) :]
    if new_value.ndim > len(new_lengths):
        return False
    ret = T.alloc(new_value, *new_lengths) if new_lengths else new_value
    return declared_replacement(node, ret)


@local_optimizer([Subtensor])
def local_subtensor_of_dot(node):
    """dot(x, y)[i, j] -> dot(x[i], y[:, j]), when the product has no other user"""
    if not isinstance(node.op, Subtensor):
        return False
    inner = maker(node.inputs[0], Dot)
    if inner is None or len(node.inputs[0].clients) > 1:
        return False
    a, b = inner.inputs
    index = _index(node)
    split = min(a.ndim - 1, len(index))
    a_index, b_index = index[:split], index[split:]
    # dot sums over the last dimension but one of b, which the index skips
    if b.ndim > 1 and len(b_index) >= b.ndim - 1:
        b_index = b_index[: b.ndim - 2] + (slice(None),) + b_index[b.ndim - 2 :]
    a_part = a[tuple(a_index)] if a_index else a
    b_part = b[tuple(b_index)] if b_index else b
    for part, whole in ((a_part, a), (b_part, b)):
        if part is not whole:
            copy_stack_trace(node.outputs[0], part)
    ret = T.dot(a_part, b_part)
    return declared_replacement(node, ret, through=node.inputs[0])
