"""How ``get_scalar_constant_value`` and ``get_vector_length`` look through the Ops of other modules."""

import numpy as np

from theanojax import scalar as scal
from theanojax.arrays import safe_asarray
from theanojax.config import config
from theanojax.graph.type import Type
from theanojax.graph.variable import Constant
from theanojax.printing import min_informative_str
from theanojax.tensor.as_tensor import (
    extract_constant,
    first_input_rule,
    get_scalar_constant_value,
    get_vector_length,
    length_rule,
    scalar_rule,
)
from theanojax.tensor.assert_op import Assert
from theanojax.tensor.elemwise import DimShuffle, Elemwise
from theanojax.tensor.indexing.slices import get_idx_list
from theanojax.tensor.indexing.subtensor import Subtensor
from theanojax.tensor.join import Join
from theanojax.tensor.shape import MakeVector, Rebroadcast, Shape, Shape_i
from theanojax.tensor.var import TensorConstant

# The elementwise Ops that are cheap and occur in index arithmetic. Evaluating more would do the work of constant
# folding, before the rewrites that look for these Ops.
get_scalar_constant_value_elemwises = (
    scal.Cast,
    scal.Switch,
    scal.NEQ,
    scal.EQ,
    scal.LT,
    scal.GT,
    scal.LE,
    scal.GE,
    scal.Sub,
    scal.Add,
    scal.Mod,
    scal.Mul,
    scal.IntDiv,
    scal.TrueDiv,
    scal.Minimum,
    scal.Maximum,
)

scalar_rule(DimShuffle)(first_input_rule)


@scalar_rule(Shape_i)
def _of_shape_i(node, elemwise, max_recur):
    (x,), i = node.inputs, node.op.i
    if isinstance(x, Constant):
        return np.asarray(x.data.shape[i])
    if getattr(x.type, "broadcastable", ())[i : i + 1] == (True,):
        return np.asarray(1)
    return None


def _evaluate(node, max_recur):
    # an array of one element has dimensions, which numbers beside it have not
    values = [np.reshape(get_scalar_constant_value(v, max_recur=max_recur), ()) for v in node.inputs]
    cell = [None]
    node.perform(values, [cell])
    return cell[0].copy()


@scalar_rule(scal.ScalarOp)
def _of_scalar_op(node, elemwise, max_recur):
    if isinstance(node.op, scal.Second):
        return node.inputs[1]
    return _evaluate(node, max_recur) if isinstance(node.op, get_scalar_constant_value_elemwises) else None


@scalar_rule(Elemwise)
def _of_elemwise(node, elemwise, max_recur):
    op = node.op.scalar_op
    if isinstance(op, scal.Second):
        return node.inputs[1]
    if elemwise and isinstance(op, get_scalar_constant_value_elemwises):
        return _evaluate(node, max_recur)
    return None


@scalar_rule(Assert)
def _of_assert(node, elemwise, max_recur):
    """The value, once all conditions are known to hold."""
    known = [get_scalar_constant_value(c, max_recur=max_recur) for c in node.inputs[1:]]
    return node.inputs[0] if all(c.ndim == 0 and c != 0 for c in known) else None


@scalar_rule(Subtensor)
def _of_element(node, elemwise, max_recur):
    """An element of a constant, of a vector joined from parts, or of a shape."""
    source, entries = node.inputs[0], node.op.idx_list
    if node.outputs[0].ndim != 0:
        return None
    if isinstance(source, TensorConstant):
        index = tuple(node.op.get_constant_idx(node.inputs))
        try:
            return source.data[index].copy()
        except IndexError:
            raise IndexError("%s is not a valid index into %s" % (tuple(entries), source.data)) from None
    if source.owner is None or len(entries) != 1:
        return None
    index = entries[0]
    if isinstance(index, Type):
        index = get_scalar_constant_value(node.inputs[1], max_recur=max_recur)
    index, maker = int(index), source.owner
    if isinstance(maker.op, Join):
        return _joined_element(maker.inputs[1:], index, node.outputs[0].dtype, max_recur)
    if isinstance(maker.op, MakeVector):
        return safe_asarray(
            get_scalar_constant_value(maker.inputs[index], max_recur=max_recur), dtype=node.outputs[0].dtype
        )
    if isinstance(maker.op, Shape):
        return _length(maker.inputs[0], index, node.outputs[0])
    return None


def _joined_element(parts, index, dtype, max_recur):
    lengths = []
    for part in parts:
        try:
            lengths.append(get_vector_length(part))
        except (TypeError, ValueError):
            break  # what follows starts at an unknown place
    if index < 0:
        if len(lengths) < len(parts):
            return None
        index += sum(lengths)
    for part, length in zip(parts, lengths):
        if 0 <= index < length:
            return safe_asarray(get_scalar_constant_value(part[index], max_recur=max_recur), dtype=dtype)
        index -= length
    return None


def _length(x, i, v):
    flags = x.type.broadcastable
    if x.owner is not None and isinstance(x.owner.op, Rebroadcast):
        flags = [a or b for a, b in zip(flags, x.owner.inputs[0].broadcastable)]
    if i >= len(flags):
        shown = min_informative_str(v) if config.exception_verbosity == "high" else str(v)
        raise ValueError(
            "get_scalar_constant_value detected deterministic IndexError: x.shape[%d] when x.ndim=%d. "
            "x=%s" % (i, x.type.ndim, shown)
        )
    return np.asarray(1) if flags[i] else None


@length_rule(Subtensor)
def _length_of_slice(node):
    """The number of elements of ``x.shape[a:b:c]``."""
    maker, entry = node.inputs[0].owner, node.op.idx_list[0]
    if maker is None or not isinstance(maker.op, Shape) or not isinstance(entry, slice):
        return None
    index = get_idx_list(node.inputs, node.op.idx_list)[0]
    bounds = [b if b is None else extract_constant(b) for b in (index.start, index.stop, index.step)]
    if any(b is not None and not isinstance(b, (np.ndarray, np.integer, int)) for b in bounds):
        return None
    bounds = [b if b is None else int(b) for b in bounds]
    return len(range(*slice(*bounds).indices(maker.inputs[0].type.ndim)))


__all__ = ["get_scalar_constant_value_elemwises"]
