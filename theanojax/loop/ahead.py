"""What the steps of a loop need and none of them changes, computed for all of them before the first."""

from theanojax.tensor.linalg.products import Dot, untransposed

MOST_BYTES = 1 << 24  # of one such result


def products_of_all_steps(loop, seqs):
    """The products, in the step of `loop`, of the rows of a sequence and a matrix that stays: variable -> all of them.

    One product of many rows takes less time than many products of few, unless no step reads most rows. `seqs` are the
    sequences, None where their rows are computed as they are read.
    """
    if loop.padded or loop.op.as_while:
        return {}
    rows = dict(zip(loop.fgraph.inputs, seqs))
    first = len(loop.fgraph.inputs) - len(loop.non_seqs)
    outer = loop.op.outer_non_seqs(loop.node)
    stay = dict(zip(loop.fgraph.inputs[first:], zip(outer, loop.non_seqs, strict=True), strict=True))
    found = {}
    for node in loop.fgraph.toposort():
        if type(node.op) is not Dot or rows.get(node.inputs[0]) is None or node.inputs[1] not in stay:
            continue
        x, (v, y) = rows[node.inputs[0]], stay[node.inputs[1]]
        out = node.outputs[0]
        if y.ndim != 2 or x.shape[-1] != y.shape[0] or x.dtype != y.dtype or x.dtype != out.type.dtype:
            continue
        if x.size // max(1, x.shape[-1]) * y.shape[1] * x.dtype.itemsize <= MOST_BYTES:
            y, axis = untransposed(loop.ctx, v, y, 0)
            found[out] = loop.xp.contract(x, x.ndim - 1, y, axis)
    return found
