"""Loops that write into the buffers of their initial states rather than into copies."""

from collections import OrderedDict

from theanojax.errors import InconsistencyError
from theanojax.graph.destroy import DestroyHandler
from theanojax.graph.features import ReplaceValidate
from theanojax.loop.scan_op import Scan
from theanojax.rewrites.scan.base import ScanRewrite, scan_nodes
from theanojax.tensor.creation import Alloc, AllocEmpty
from theanojax.tensor.function_ops import deep_copy_op

_ALLOCATORS = (Alloc, AllocEmpty)


class ScanInplaceOptimizer(ScanRewrite):
    """Makes as many states as possible overwrite their input; `typeInfer` and `gpua_flag` are accepted."""

    def __init__(self, typeInfer=None, gpua_flag=False):
        self.typeInfer, self.gpua_flag = typeInfer, gpua_flag

    def add_requirements(self, fgraph):
        fgraph.attach_feature(ReplaceValidate())
        fgraph.attach_feature(DestroyHandler())

    def apply(self, fgraph):
        for node in reversed(scan_nodes(fgraph)):
            first = 1 + node.op.n_seqs
            wanted = [i for i in range(node.op.n_outs) if not _is_overwritten(node.inputs[first + i])]
            new = self.attempt_scan_inplace(fgraph, node, wanted, _ALLOCATORS)
            if new is node:
                for i in wanted:
                    node = self.attempt_scan_inplace(fgraph, node, [i], _ALLOCATORS)

    def attempt_scan_inplace(self, fgraph, node, output_indices, alloc_ops):
        """The node whose outputs `output_indices` overwrite their inputs; `node` itself where that cannot be.

        A buffer that comes straight from one of `alloc_ops` and has other users is allocated again.
        """
        if not output_indices:
            return node
        op = node.op
        inputs = list(node.inputs)
        destroyed = OrderedDict(op.destroy_map)
        first = 1 + op.n_seqs
        for i in output_indices:
            destroyed[i] = [first + i]
        for k in range(first, first + op.n_outs):
            v = inputs[k]
            if v.owner is not None and isinstance(v.owner.op, alloc_ops) and len(v.clients) > 1:
                inputs[k] = v.owner.op(*v.owner.inputs)
            elif v in inputs[first:k]:
                inputs[k] = deep_copy_op(v)
        info = op.info.copy()
        info["destroy_map"] = destroyed
        outs = Scan(op.inputs, op.outputs, info)(*inputs, return_list=True)
        try:
            fgraph.replace_all_validate_remove(
                list(zip(node.outputs, outs)), remove=[node], reason="scanOp_make_inplace"
            )
        except InconsistencyError:
            return node
        return outs[0].owner


def _is_overwritten(v):
    """Whether another node overwrites `v`, which is not just fresh memory."""
    if v.owner is not None and isinstance(v.owner.op, _ALLOCATORS):
        return False
    for client, k in v.clients:
        destroyed = getattr(getattr(client, "op", None), "destroy_map", None) or {}
        if any(k in positions for positions in destroyed.values()):
            return True
    return False
