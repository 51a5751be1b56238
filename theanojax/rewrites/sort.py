"""The largest elements: only what is asked for of them."""

from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.tensor.sort import TopKOp


@local_optimizer([TopKOp])
def local_useless_topk(node):
    """Compute only the values, or only the indices, when the others are not used."""
    op = node.op
    if not isinstance(op, TopKOp) or not (op.return_values and op.return_indices):
        return False
    values, indices = [bool(out.clients) for out in node.outputs]
    if values == indices:
        return False
    old = node.outputs[0 if values else 1]
    new = TopKOp(axis=op.axis, sorted=op.sorted, idx_dtype=op.idx_dtype, return_values=values, return_indices=indices)(
        *node.inputs
    )
    copy_stack_trace(old, new)
    return {old: new}
