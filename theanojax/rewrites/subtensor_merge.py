"""Indexing what was indexed: x[a:b][c:d] as one Subtensor."""

import theanojax.tensor as T
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.rewriting.merge import pre_constant_merge
from theanojax.graph.rewriting.tools import pre_greedy_local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.graph.variable import Variable
from theanojax.rewrites.arithmetic import local_abs_merge
from theanojax.rewrites.common import maker, shape_feature
from theanojax.rewrites.constant_folding import constant_folding
from theanojax.rewrites.elemwise import (
    local_mul_switch_sink,
    local_upcast_elemwise_constant_inputs,
    local_useless_switch,
)
from theanojax.rewrites.subtensor import subtensor
from theanojax.tensor.indexing.slices import get_canonical_form_slice, get_idx_list, is_full_slice
from theanojax.tensor.indexing.subtensor import Subtensor

# Applied to the bounds of merged slices at once: they come out long, and mostly constant.
_SIMPLIFY = [
    local_abs_merge,
    local_mul_switch_sink,
    local_upcast_elemwise_constant_inputs,
    local_useless_switch,
    constant_folding,
]


def _simplified(v, times=2):
    for _ in range(times):
        v = pre_greedy_local_optimizer(_SIMPLIFY, v)
    return v


def _symbolic(v):
    return T.as_tensor_variable(v)


def merge_two_slices(slice1, len1, slice2, len2):
    """One slice (or index) for `slice1` followed by `slice2`, which may be an index.

    `len1` is the length before the first slice and `len2` the one after it. The result is not in canonical form. An
    index out of bounds stays out of bounds. ValueError when `slice1` is an index.
    """
    if not isinstance(slice1, slice):
        raise ValueError("First provided slice should actually be of type slice and not an index !", slice1)
    if is_full_slice(slice1):
        return slice2
    if isinstance(slice2, slice) and is_full_slice(slice2):
        return slice1
    first, reverse1 = get_canonical_form_slice(slice1, len1)
    second, reverse2 = get_canonical_form_slice(slice2, len2)
    if not isinstance(second, slice):
        return _merged_index(first, reverse1, second, len1, len2)
    return _merged_slice(first, reverse1, second, reverse2, len1)


def _merged_index(first, reverse, index, len1, len2):
    value = first.start + index * first.step
    if not _is_one(reverse):
        backwards = first.stop - 1 - index * first.step
        value = T.switch(T.lt(reverse, 0), backwards, value)
    outside = len1 + 1
    value = T.switch(T.le(len2, 0), outside, value)
    value = T.switch(T.ge(index, len2), outside, value)
    value = T.switch(T.lt(index, 0), -len1 - 1, value)
    return _simplified(_symbolic(value), 1)


def _is_one(v):
    return not isinstance(v, Variable) and v == 1


def _merged_slice(first, reverse1, second, reverse2, len1):
    start1, stop1, step1 = first.start, first.stop, first.step
    start2, stop2, step2 = second.start, second.stop, second.step
    count = stop2 - start2
    step = step1 * step2

    def from_low(lowest, below):
        """The stop of a slice that runs down to `lowest`; past the first element there is no index for it."""
        return T.switch(T.and_(T.lt(below, 0), T.gt(count, 0)), -len1 - 1, lowest)

    # both forward, or (last) both backward; then one of each
    pp_start = T.minimum(start1 + start2 * step1, stop1)
    pp_stop = T.minimum(start1 + stop2 * step1, stop1)
    pn_stop = start1 + (start2 - 1) * step1
    pn_stop = from_low(T.minimum(pn_stop, stop1), pn_stop)
    pn_start = T.maximum(T.minimum(start1 + (stop2 - 1) * step1, stop1), 0)
    np_stop = stop1 - stop2 * step1 - 1
    np_stop = from_low(T.maximum(start1 - 1, np_stop), np_stop)
    np_start = T.maximum(start1, stop1 - start2 * step1 - 1)
    nn_start = T.maximum(start1, (stop1 - 1) - (stop2 - 1) * step1)
    nn_stop = T.maximum(start1, stop1 - start2 * step1)

    opposite, down = T.lt(_symbolic(reverse2) * reverse1, 0), T.lt(reverse1, 0)

    def choose(one_of_each_down, one_of_each_up, both_down, both_up):
        return T.switch(opposite, T.switch(down, one_of_each_down, one_of_each_up), T.switch(down, both_down, both_up))

    start = T.switch(T.le(count, 0), 0, choose(np_start, pn_start, nn_start, pp_start))
    stop = T.switch(T.le(count, 0), 0, choose(np_stop, pn_stop, nn_stop, pp_stop))
    step = T.switch(opposite, -1 * _symbolic(step), step)
    return slice(*pre_constant_merge([_simplified(_symbolic(v)) for v in (start, stop, step)]))


@local_optimizer([Subtensor])
def local_subtensor_merge(node):
    """x[a:b][c:d] -> x[e:f]"""
    if not isinstance(node.op, Subtensor):
        return False
    u = node.inputs[0]
    inner = maker(u, Subtensor)
    if inner is None:
        return False
    x = inner.inputs[0]
    slices1 = get_idx_list(inner.inputs, inner.op.idx_list)
    slices2 = list(get_idx_list(node.inputs, node.op.idx_list))
    feature = shape_feature(node)
    merged, position = [], 0
    while slices2 and position < len(slices1):
        this = slices1[position]
        if isinstance(this, slice):
            dim = sum(isinstance(s, slice) for s in slices1[:position])
            lengths = (
                (feature.get_shape(x, position), feature.get_shape(u, dim))
                if feature is not None
                else (x.shape[position], u.shape[dim])
            )
            merged.append(merge_two_slices(this, lengths[0], slices2.pop(0), lengths[1]))
        else:
            merged.append(this)
        position += 1
    merged += slices2 or slices1[position:]
    ret = subtensor(x, merged)
    out = node.outputs[0]
    copy_stack_trace([out, u], ret)
    if ret.type != out.type and ret.ndim == out.ndim:
        ret = T.patternbroadcast(ret, out.broadcastable)
        copy_stack_trace([out, u], ret)
    return [ret] if ret.type == out.type else False
