"""How Ops that index are applied to many rows at once; see theanojax.tensor.batch_rules.

An index that differs between rows becomes an array with one index for each row, and a tensor that does gets the number
of the row as one more index before the others. numpy then says where the dimensions of the result are.
"""

from theanojax.tensor.batch_rules import outputs
from theanojax.tensor.indexing.slices import get_idx_list


def _is_array(row):
    return hasattr(row.type, "dtype")  # not a slice, not None


def _place(batch, x, row_x, index, rows, ndim):
    """(the index of `x`, the order of the dimensions that are then found) for a result of `ndim` dimensions a row.

    `index` and `rows` are variables, slices and None, for all rows and for one. None or NotImplemented: there is none.
    """
    arrays = [i for i, row in enumerate(rows) if hasattr(row, "type") and _is_array(row)]
    moving = [i for i in arrays if batch.has(index[i], rows[i])]
    if any(isinstance(v, slice) and _varies(batch, v, row) for v, row in zip(index, rows, strict=True)):
        return NotImplemented
    masks = [i for i in arrays if rows[i].dtype == "bool"]
    if any(i in moving for i in masks):
        return NotImplemented
    if moving and masks:
        return None
    d = max(1 if i in masks else rows[i].ndim for i in arrays) if arrays else 0
    together = not arrays or arrays == list(range(arrays[0], arrays[-1] + 1))
    before = arrays[0] if arrays and together else 0
    if not moving:
        front = 0 if together else d
        return [slice(None), *index], [front, *range(front), *range(front + 1, ndim + 1)]
    index = [batch.pad(v, rows[i], d) if i in moving else v for i, v in enumerate(index)]
    if not batch.has(x, row_x):
        return index, [before, *range(before), *range(before + 1, ndim + 1)]
    number = batch.tensor.arange(batch.length).dimshuffle(0, *["x"] * d)
    order = [0, *range(1 + d, 1 + d + before), *range(1, 1 + d), *range(1 + d + before, ndim + 1)]
    return [number, *index], order


def _varies(batch, v, row):
    parts = ((v.start, row.start), (v.stop, row.stop), (v.step, row.step))
    return any(a is not None and batch.has(a, b) for a, b in parts)


def _basic(op, first, node, inputs):
    """The index of a Subtensor or IncSubtensor, for all rows and for one."""
    return [list(get_idx_list((None, *variables[first:]), op.idx_list)) for variables in (inputs, node.inputs)]


def _general(batch, index):
    """An index of scalars and slices as the inputs of an AdvancedSubtensor."""
    T = batch.tensor
    return [
        T.tensor_from_scalar(v) if getattr(v, "ndim", None) == 0 and not hasattr(v, "broadcastable") else v
        for v in index
    ]


def read_part(op, node, inputs, batch):
    if batch.moving(node, inputs) == [0]:
        return outputs(type(op)((slice(None), *op.idx_list)), *inputs)
    index, rows = _basic(op, 1, node, inputs)
    return _read(batch.tensor.advanced_subtensor, node, inputs[0], index, rows, batch)


def read(op, node, inputs, batch):
    from_any = op if op.__class__.__name__ != "AdvancedSubtensor1" else batch.tensor.advanced_subtensor
    return _read(from_any, node, inputs[0], inputs[1:], node.inputs[1:], batch)


def _read(op, node, x, index, rows, batch):
    found = _place(batch, x, node.inputs[0], index, rows, node.outputs[0].ndim)
    if found is None or found is NotImplemented:
        return found
    index, order = found
    out = op(x, *_general(batch, index))
    return [out if order == list(range(out.ndim)) else out.dimshuffle(order)]


def write_part(op, node, inputs, batch):
    x, y, *_ = inputs
    index, rows = _basic(op, 2, node, inputs)
    ndim = node.inputs[0].ndim - sum(not isinstance(row, slice) for row in rows)
    if not set(batch.moving(node, inputs)) <= {0, 1}:
        writer = batch.tensor.AdvancedIncSubtensor(set_instead_of_inc=op.set_instead_of_inc)
        return _write(writer, node, x, y, index, rows, ndim, batch)
    x, y = batch.expand(x, node.inputs[0]), batch.pad(y, node.inputs[1], ndim)
    writer = type(op)((slice(None), *op.idx_list), set_instead_of_inc=op.set_instead_of_inc)
    return outputs(writer, x, y, *inputs[2:])


def write(op, node, inputs, batch):
    T, (x, y, *index), rows = batch.tensor, inputs, node.inputs[2:]
    any_index = {"AdvancedIncSubtensor1": T.AdvancedIncSubtensor}.get(type(op).__name__, type(op))
    writer = any_index(set_instead_of_inc=op.set_instead_of_inc)
    is_mask = any(getattr(v, "dtype", None) == "bool" for v in rows)
    reader = T.advanced_boolean_subtensor if is_mask else T.advanced_subtensor
    ndim = reader(node.inputs[0], *rows).ndim
    return _write(writer, node, x, y, index, rows, ndim, batch)


def _write(op, node, x, y, index, rows, ndim, batch):
    row_x, row_y = node.inputs[:2]
    x = batch.expand(x, row_x)
    found = _place(batch, x, row_x, index, rows, ndim)
    if found is None or found is NotImplemented:
        return found
    index, order = found
    y = batch.pad(y, row_y, ndim)
    if order != list(range(ndim + 1)):
        y = y.dimshuffle(*["x"] * (ndim + 1 - y.ndim), *range(y.ndim))
        y = y.dimshuffle([order.index(d) for d in range(ndim + 1)])
    return [op(x, y, *_general(batch, index))]
