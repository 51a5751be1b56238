"""Sparse matrices that are taken apart after being made, or the other way round, and Ops on what they consist of."""

import functools

import theanojax.tensor as T
from theanojax import sparse
from theanojax.config import config
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.rewriting.tools import inherit_stack_trace
from theanojax.sparse import CSM, CSMProperties, DenseFromSparse, Remove0, SparseFromDense
from theanojax.sparse.arrays import (
    AddSD_ccode,
    csm_grad_c,
    mul_s_d_csc,
    mul_s_d_csr,
    mul_s_v_csr,
    sampling_dot_csr,
    sd_csc,
    sd_csr,
    structured_add_s_v_csr,
    usmm_csc_dense,
    usmm_csc_dense_inplace,
)
from theanojax.tensor.type import TensorType


@local_optimizer([CSMProperties])
def local_csm_properties_csm(node):
    """csm_properties(CSM(data, indices, indptr, shape)) -> data, indices, indptr, shape"""
    csm = node.inputs[0].owner
    if not isinstance(node.op, CSMProperties) or csm is None or not isinstance(csm.op, CSM):
        return False
    # Indices of another integer dtype would be cast to int32 on their way.
    return [
        T.patternbroadcast(v if v.dtype == out.dtype else T.cast(v, out.dtype), out.broadcastable)
        for v, out in zip(csm.inputs, node.outputs, strict=True)
    ]


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


# ---- what Theano had compiled code for


def _compiled(tracks, inplace=False):
    """Decorator: a local optimizer for graphs of machines that have the compiler that ``config.cxx`` names."""

    def decorator(f):
        @functools.wraps(f)
        def rewrite(node):
            return f(node) if config.cxx else False

        return local_optimizer(tracks, inplace)(rewrite)

    return decorator


@local_optimizer([T.sub])
def local_usmm(node):
    """z - alpha * dot(x, y) -> usmm(-alpha, x, y, z)"""
    if node.op != T.sub or not config.blas.ldflags:
        return False
    z, product = node.inputs
    inner = product.owner
    if inner is None or inner.op != T.mul or len(inner.inputs) != 2 or len(product.clients) > 1:
        return False
    alpha, matrix = inner.inputs
    dot = matrix.owner
    if dot is None or dot.op != sparse._dot or len(matrix.clients) > 1 or any(v.ndim != 2 for v in dot.inputs):
        return False
    # an unsigned number has no negative
    if not all(alpha.type.broadcastable) or alpha.dtype == "bool" or alpha.dtype.startswith("uint"):
        return False
    with inherit_stack_trace(node.outputs):
        return [sparse.usmm(T.neg(alpha), *dot.inputs, z)]


@_compiled([sparse.usmm])
def local_usmm_csx(node):
    """usmm with a csc and a dense matrix -> usmm_csc_dense"""
    if node.op != sparse.usmm:
        return False
    alpha, x, y, z = node.inputs
    dtype = node.outputs[0].dtype
    if getattr(x.type, "format", None) != "csc" or not isinstance(y.type, TensorType):
        return False
    if dtype not in ("float32", "float64") or y.dtype != dtype or any(z.broadcastable):
        return False
    data, indices, indptr, shape = sparse.csm_properties(x)
    return [
        T.patternbroadcast(usmm_csc_dense(alpha, data, indices, indptr, shape[0], y, z), node.outputs[0].broadcastable)
    ]


@_compiled([usmm_csc_dense], inplace=True)
def local_usmm_csc_dense_inplace(node):
    """usmm_csc_dense -> the same in place"""
    return [usmm_csc_dense_inplace(*node.inputs)] if node.op == usmm_csc_dense else False


def _on_arrays(name, before, by_format):
    """A rewrite that applies, to what a sparse matrix consists of, an Op of `by_format` where `before` was."""

    @_compiled([before])
    def rewrite(node):
        if node.op != before:
            return False
        x, y = node.inputs
        op = by_format.get(x.type.format)
        if op is None or y.ndim != op.operand_ndim or x.dtype != y.dtype:
            return False
        data, indices, indptr, shape = sparse.csm_properties(x)
        return [sparse.CSM(x.type.format)(op(data, indices, indptr, y), indices, indptr, shape)]

    rewrite.__name__ = name
    rewrite.__doc__ = "%s -> the same on arrays" % before
    return rewrite


local_mul_s_d = _on_arrays("local_mul_s_d", sparse.mul_s_d, {"csc": mul_s_d_csc, "csr": mul_s_d_csr})
local_mul_s_v = _on_arrays("local_mul_s_v", sparse.mul_s_v, {"csr": mul_s_v_csr})
local_structured_add_s_v = _on_arrays(
    "local_structured_add_s_v", sparse.structured_add_s_v, {"csr": structured_add_s_v_csr}
)


@_compiled([sparse.sampling_dot])
def local_sampling_dot_csr(node):
    """sampling_dot with a csr matrix -> the same on arrays"""
    if node.op != sparse.sampling_dot or not config.blas.ldflags:
        return False
    x, y, p = node.inputs
    if p.type.format != "csr":
        return False
    data, indices, indptr, shape = sparse.csm_properties(p)
    found = sparse.CSR(*sampling_dot_csr(x, y, data, indices, indptr, shape[1]), shape)
    return [found] if found.type == node.outputs[0].type else False


@local_optimizer([sparse._structured_dot])
def local_structured_dot(node):
    """structured_dot of a sparse and a dense matrix -> the same on arrays; not registered"""
    if node.op != sparse._structured_dot or not isinstance(node.outputs[0].type, TensorType):
        return False
    a, b = node.inputs
    data, indices, indptr, shape = sparse.csm_properties(a)
    if a.type.format == "csc":
        return [sd_csc(data, indices, indptr, shape[0], b)]
    return [sd_csr(data, indices, indptr, b)] if a.type.format == "csr" else False


@local_optimizer([sparse.CSMGrad])
def local_csm_grad_c(node):
    """csm_grad -> csm_grad_c; not registered"""
    return [csm_grad_c(*node.inputs)] if node.op == sparse.csm_grad else False


@_compiled([sparse.AddSD], inplace=True)
def local_inplace_addsd_ccode(node):
    """AddSD -> AddSD_ccode in place, where the sum has the dtype of the dense matrix"""
    if not isinstance(node.op, sparse.AddSD) or node.outputs[0].dtype != node.inputs[1].dtype:
        return False
    return [AddSD_ccode(node.inputs[0].type.format, inplace=True)(*node.inputs)]


@_compiled([sparse.AddSD])
def local_addsd_ccode(node):
    """AddSD -> AddSD_ccode"""
    return [AddSD_ccode(node.inputs[0].type.format)(*node.inputs)] if isinstance(node.op, sparse.AddSD) else False
