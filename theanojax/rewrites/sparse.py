"""Sparse matrices that are taken apart after being made, or the other way round."""

import theanojax.tensor as T
from theanojax.graph.rewrite_local import local_optimizer
from theanojax.sparse import CSM, CSMProperties, DenseFromSparse, Remove0, SparseFromDense


@local_optimizer([CSMProperties])
def local_csm_properties_csm(node):
    """csm_properties(CSM(data, indices, indptr, shape)) -> data, indices, indptr, shape"""
    csm = node.inputs[0].owner
    if not isinstance(node.op, CSMProperties) or csm is None or not isinstance(csm.op, CSM):
        return False
    # Indices of another integer dtype would be cast to int32 on their way.
    return [T.patternbroadcast(v if v.dtype == out.dtype else T.cast(v, out.dtype), out.broadcastable)
            for v, out in zip(csm.inputs, node.outputs, strict=True)]


@local_optimizer([DenseFromSparse])
def local_dense_from_sparse_sparse_from_dense(node):
    """dense_from_sparse(csr_from_dense(x)) -> x"""
    maker = node.inputs[0].owner
    if isinstance(node.op, DenseFromSparse) and maker is not None and isinstance(maker.op, SparseFromDense):
        x = maker.inputs[0]
        return [x if x.type == node.outputs[0].type else T.patternbroadcast(x, node.outputs[0].broadcastable)]
    return False


@local_optimizer([Remove0], inplace=True)
def local_inplace_remove0(node):
    """Remove0 -> the same in place"""
    if isinstance(node.op, Remove0) and not node.op.inplace:
        return [Remove0(inplace=True)(*node.inputs)]
    return False
