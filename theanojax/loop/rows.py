"""A loop for many rows at once: each step computes all rows."""

from collections import OrderedDict

from theanojax.tensor.shape import unbroadcast
from theanojax.tensor.type import TensorType


def rows_of_loop(op, node, inputs, batch):
    """The outputs of `node`, a Scan, for many rows; NotImplemented where they differ in the number of steps.

    Inside and outside, what differs between rows has the dimension of rows before its own, and after that of time.
    """
    kinds = list(op._correspondence())
    counts = {0} | {kinds.index(k) for k in kinds if k[0] != -1 and not k[1] and k[2]}  # of steps
    moving = set(batch.moving(node, inputs))
    if moving & {kinds[i][0] for i in counts}:
        return NotImplemented
    while True:  # a state that is the same for all rows before the loop may not stay so
        stand_ins = {
            op.inputs[i]: _rows(op.inputs[i].type)() for outer, inner, _, _ in kinds if outer in moving for i in inner
        }
        outs, own = batch.inner(op.outputs, stand_ins)
        differ = [own.has(new, v) for new, v in zip(outs, op.outputs, strict=True)]
        grown = {outer for outer, inner, out, _ in kinds if inner and any(differ[i] for i in out)} - moving
        if not grown:
            break
        moving |= grown
    if op.as_while and differ[-1]:
        return NotImplemented
    for outer, inner, out, _ in kinds:
        for i in out if inner and outer in moving else ():
            outs[i] = own.expand(outs[i], op.outputs[i])
    outs = [
        unbroadcast(new, 0) if own.has(new, v) and new.broadcastable[0] else new
        for new, v in zip(outs, op.outputs, strict=True)
    ]
    n = 1 + op.n_seqs + op._n_states
    given = list(inputs)
    for outer in moving:
        v = batch.expand(inputs[outer], node.inputs[outer])
        v = unbroadcast(v, 0) if v.broadcastable[0] else v
        given[outer] = _time_first(v) if outer < n else v
    info = OrderedDict(op.info, destroy_map=OrderedDict())
    results = type(op)([stand_ins.get(v, v) for v in op.inputs], outs, info)(*given, return_list=True)
    stacked = op._n_states + op.n_nit_sot
    return [
        _time_first(new) if i < stacked and batch.has(new, v) else new
        for i, (new, v) in enumerate(zip(results, node.outputs, strict=True))
    ]


def _rows(kind):
    return TensorType(kind.dtype, (False, *kind.broadcastable))


def _time_first(v):
    """With its first two dimensions in the other order."""
    return v.dimshuffle(1, 0, *range(2, v.ndim))
