"""Writing into a part of a tensor: when it changes nothing, or everything, and in which order it is done."""

import warnings

import numpy as np

import theanojax.tensor as T
from theanojax import scalar as scal
from theanojax.config import config
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.graph.variable import Constant
from theanojax.rewrites.common import (
    applies,
    constant_value,
    is_number,
    maker,
    replacement,
    scalar_maker,
    shape_feature,
)
from theanojax.tensor.assert_op import Assert
from theanojax.tensor.creation import Alloc
from theanojax.tensor.indexing.slices import get_idx_list
from theanojax.tensor.indexing.subtensor import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    IncSubtensor,
    Subtensor,
)

WRITES = (IncSubtensor, AdvancedIncSubtensor, AdvancedIncSubtensor1)


def _changed(op, **options):
    """The IncSubtensor `op` with other options."""
    names = "inplace", "set_instead_of_inc", "destroyhandler_tolerate_aliased"
    return IncSubtensor(op.idx_list, **{name: getattr(op, name) for name in names} | options)


@local_optimizer([IncSubtensor])
def local_useless_inc_subtensor(node):
    """set_subtensor(x[:], y) -> y, and inc_subtensor of zeros, when x and y have the same shape"""
    if not isinstance(node.op, IncSubtensor):
        return False
    x, y = node.inputs[:2]
    if not node.op.set_instead_of_inc and not is_number(x, 0):
        return False
    if x.type != y.type:
        return False
    index = get_idx_list(node.inputs[1:], node.op.idx_list)
    if not all(
        isinstance(e, slice)
        and e.start is None
        and e.stop is None
        and (e.step is None or constant_value(e.step, only_process_constants=True) == -1)
        for e in index
    ):
        return False
    feature = shape_feature(node)
    if feature is None or not feature.same_shape(x, y):
        return False  # y is stretched as its shape at run time says
    if all(e.step is None for e in index):
        return [y]
    return replacement(node, Subtensor(node.op.idx_list)(*node.inputs[1:]))


@local_optimizer([AdvancedIncSubtensor1])
def local_set_to_inc_subtensor(node):
    """set_subtensor(x[i], x[i] + y) -> inc_subtensor(x[i], y), for indices without duplicates

    Theano did it for all indices, and so added up where duplicates should have overwritten each other.
    """
    if not isinstance(node.op, AdvancedIncSubtensor1) or not node.op.set_instead_of_inc:
        return False
    x, value, index = node.inputs
    total = scalar_maker(value, scal.Add)
    if total is None or len(total.inputs) != 2 or not _all_different(index):
        return False
    for part, other in (total.inputs, total.inputs[::-1]):
        read = maker(part, AdvancedSubtensor1)
        if read is not None:
            if read.inputs[1] is not index or read.inputs[0] is not x:
                return False
            return replacement(node, AdvancedIncSubtensor1()(x, other, index))
    return False


def _all_different(index):
    if isinstance(index, Constant):
        return bool(np.all(index.data >= 0)) and len(np.unique(index.data)) == len(index.data)
    return False


@local_optimizer([T.add])
def local_IncSubtensor_serialize(node):
    """x + inc(b, c) + inc(b, d) -> inc(inc(x + b + b, c), d)

    Gradients of several parts of a tensor are sums of tensors of which a part each is not zero. In a chain of
    increments only one of these is made.
    """
    if not applies(node, scal.Add):
        return False
    out = node.outputs[0]

    def movable(v):
        inc = maker(v, *WRITES)
        return inc is not None and v.type == out.type and len(v.clients) == 1 and not inc.op.set_instead_of_inc

    chain = [v for v in node.inputs if movable(v)]
    if not chain:
        return False
    terms = [v for v in node.inputs if not movable(v)] + [v.owner.inputs[0] for v in chain]
    tip = terms[0] if len(terms) == 1 else T.add(*terms)
    if tip.type != out.type:
        return False
    if len(terms) > 1:
        copy_stack_trace(out, tip)
    for v in chain:
        tip = v.owner.op(tip, *v.owner.inputs[1:])
        copy_stack_trace([out] + v.owner.outputs, tip)
    return [tip]


@local_optimizer([IncSubtensor, AdvancedIncSubtensor, AdvancedIncSubtensor1])
def local_incsubtensor_of_zeros(node):
    """inc_subtensor(x[i], 0) -> x"""
    if not isinstance(node.op, WRITES) or node.op.set_instead_of_inc:
        return False
    value = constant_value(node.inputs[1], elemwise=False)
    return [node.inputs[0]] if value is not None and value == 0 else False


@local_optimizer([IncSubtensor])
def local_incsubtensor_of_zeros_to_setsubtensor(node):
    """inc_subtensor(zeros[i], y) -> set_subtensor(zeros[i], y)"""
    if not isinstance(node.op, IncSubtensor) or node.op.set_instead_of_inc:
        return False
    x = node.inputs[0]
    if not isinstance(x, Constant) or np.any(x.data):
        return False
    return replacement(node, _changed(node.op, set_instead_of_inc=True)(*node.inputs))


@local_optimizer([IncSubtensor])
def local_setsubtensor_of_constants(node):
    """set_subtensor(x[i], y) -> x, when both are full of the same number"""
    if not isinstance(node.op, IncSubtensor) or not node.op.set_instead_of_inc:
        return False
    old, new = [constant_value(v, elemwise=False) for v in node.inputs[:2]]
    return [node.inputs[0]] if old is not None and new is not None and old == new else False


@local_optimizer([AdvancedSubtensor1])
def local_adv_sub1_adv_inc_sub1(node):
    """set_subtensor(x[i], y)[i] -> y, with assertions that the indices and the shape of y are valid"""
    if not isinstance(node.op, AdvancedSubtensor1):
        return False
    inner = maker(node.inputs[0], AdvancedIncSubtensor1)
    index = node.inputs[1]
    if inner is None or inner.inputs[2] is not index:
        return False
    x, y = inner.inputs[:2]
    if not inner.op.set_instead_of_inc:
        if config.warn.inc_subtensor1_opt and is_number(x, 0):
            warnings.warn(
                "Your current code is fine, but Theano versions between 0.7rc1 and 0.10 (or development "
                "versions between Nov. 2014 and May 2017) might have given incorrect results for "
                "inc_subtensor(zeros[idx], x)[idx] with duplicated indices. To disable this warning, set "
                "the Theano flag warn.inc_subtensor1_opt to False.",
                stacklevel=2,
            )
        return False
    feature = shape_feature(node)
    if feature is None or y.ndim != x.ndim:
        return False
    conds = [T.all(T.and_(T.lt(index, x.shape[0]), T.ge(index, -x.shape[0])))]
    if not feature.same_shape(index, y, 0, 0):
        conds.append(T.eq(index.shape[0], y.shape[0]))
    ret = Assert("Bad indexing or shapes in a AdvancedIncSubtensor1 that was optimized away")(y, *conds)
    copy_stack_trace(y, ret)
    return replacement(node, T.cast(ret, node.outputs[0].dtype))


@local_optimizer([IncSubtensor, AdvancedIncSubtensor, AdvancedIncSubtensor1])
def local_useless_inc_subtensor_alloc(node):
    """inc_subtensor(x[i], alloc(z, shape)) -> inc_subtensor(x[i], z), which stretches z anyway

    Asserted: that the shape was one that `x[i]` can take.
    """
    if not isinstance(node.op, WRITES):
        return False
    x, y, index = node.inputs[0], node.inputs[1], node.inputs[2:]
    inner = maker(y, Alloc)
    feature = shape_feature(node)
    if inner is None or feature is None:
        return False
    z = inner.inputs[0]
    if isinstance(node.op, IncSubtensor):
        part = Subtensor(node.op.idx_list)(x, *index)
    else:
        part = (AdvancedSubtensor if isinstance(node.op, AdvancedIncSubtensor) else AdvancedSubtensor1)()(x, *index)
    if part.ndim > y.ndim:
        y = T.shape_padleft(y, part.ndim - y.ndim)
    stretched = (True,) * (part.ndim - z.ndim) + z.broadcastable
    conds = [
        T.or_(T.eq(y.shape[k], 1), T.eq(y.shape[k], part.shape[k]))
        for k in range(part.ndim)
        if stretched[k]
        and not feature.same_shape(part, y, dim_x=k, dim_y=k)
        and not is_number(feature.shape_of[y][k], 1)
    ]
    if conds:
        z = Assert("`x[i]` and `y` do not have the same shape.")(z, *conds)
    return replacement(node, node.op(x, z, *index))


# ---------------------------------------------------------------- in place
@local_optimizer([IncSubtensor], inplace=True)
def local_inplace_setsubtensor(node):
    """A write that may overwrite its input"""
    if not isinstance(node.op, IncSubtensor) or node.op.inplace:
        return False
    return replacement(node, _changed(node.op, inplace=True)(*node.inputs))


@local_optimizer([AdvancedIncSubtensor1], inplace=True)
def local_inplace_incsubtensor1(node):
    """A write of rows that may overwrite its input"""
    if not isinstance(node.op, AdvancedIncSubtensor1) or node.op.inplace:
        return False
    return replacement(node, node.op.clone_inplace()(*node.inputs))
