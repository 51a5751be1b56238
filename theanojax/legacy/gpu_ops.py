"""The Ops of `theano.gpuarray`'s files: those of tensors, which XLA compiles for the device in use.

`OPS` says which. Of what a GPU's own back-end was made of, kernels, cuDNN's descriptors and the rewrites that moved a
graph to a GPU, there is the name (`ABSENT`): it can be imported and asked about, and says why it is not here when it is
called.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from theanojax import tensor as T
from theanojax.devices import contexts
from theanojax.tensor.creation import AllocEmpty
from theanojax.tensor.elemwise import CAReduceDtype, Elemwise
from theanojax.tensor.linalg import slinalg
from theanojax.tensor.linalg.nlinalg import qr
from theanojax.tensor.placed import GpuArrayType, as_gpuarray_variable, host_from_gpu
from theanojax.tensor.random.from_uniform import ChoiceFromUniform

# Where the Ops of tensors are, and their names there; the name here is in front of "=" or has Gpu before it.
OPS = """
tensor.basic: Join Split Reshape gpu_join=join
tensor.blas: Gemv Gemm Ger Dot22 gpu_dot22=_dot22 gpugemv_no_inplace=gemv_no_inplace gpugemv_inplace=gemv_inplace
tensor.blas: gpugemm_no_inplace=gemm_no_inplace gpugemm_inplace=gemm_inplace gpuger_no_inplace=ger
tensor.blas: gpuger_inplace=ger_destructive
tensor.nnet.corr: BaseGpuCorrMM=BaseCorrMM CorrMM_gradWeights CorrMM_gradInputs
tensor.nnet.corr3d: BaseGpuCorr3dMM=BaseCorr3dMM Corr3dMM Corr3dMM_gradWeights Corr3dMM_gradInputs
tensor.elemwise: Elemwise DimShuffle GpuCAReduceCPY=CAReduceDtype GpuCAReduce=CAReduceDtype
scalar.basic_scipy: Erfinv Erfcinv gpu_erfinv=erfinv gpu_erfcinv=erfcinv
tensor.subtensor: Subtensor IncSubtensor AdvancedSubtensor1 AdvancedSubtensor AdvancedBooleanSubtensor
tensor.subtensor: AdvancedIncSubtensor AdvancedBooleanIncSubtensor AdvancedIncSubtensor1
tensor.subtensor: GpuAdvancedIncSubtensor1_dev20=AdvancedIncSubtensor1
tensor: ExtractDiag AllocDiag MaxAndArgmax
tensor.nnet.nnet: CrossentropySoftmaxArgmax1HotWithBias CrossentropySoftmax1HotWithBiasDx Softmax SoftmaxWithBias
tensor.nnet.nnet: gpu_crossentropy_softmax_argmax_1hot_with_bias=crossentropy_softmax_argmax_1hot_with_bias
tensor.nnet.nnet: gpu_crossentropy_softmax_1hot_with_bias_dx=crossentropy_softmax_1hot_with_bias_dx
tensor.nnet.nnet: gpu_softmax=softmax_op gpu_softmax_with_bias=softmax_with_bias
tensor.signal.pool: Pool MaxPoolGrad AveragePoolGrad DownsampleFactorMaxGradGrad MaxPoolRop
sandbox.rng_mrg: GPUA_mrg_uniform=mrg_uniform
tensor.fft: CuRFFTOp=RFFTOp CuIRFFTOp=IRFFTOp curfft_op=rfft_op cuirfft_op=irfft_op curfft=rfft cuirfft=irfft
tensor.sort: TopKOp
tensor.slinalg: Cholesky GpuMagmaCholesky=Cholesky
tensor.nlinalg: GpuMagmaSVD=SVD gpu_svd=svd gpu_matrix_inverse=matrix_inverse
tensor.nnet.ctc: ConnectionistTemporalClassification gpu_ctc=ctc
sandbox.multinomial: GPUAMultinomialFromUniform=MultinomialFromUniform
sandbox.multinomial: GPUAMultinomialWOReplacementFromUniform=MultinomialWOReplacementFromUniform
tensor.extra_ops: CumOp CumsumOp
tensor.nnet.neighbours: Images2Neibs
tensor.nnet.blocksparse: SparseBlockGemv SparseBlockOuter gpu_sparse_block_gemv=sparse_block_gemv
tensor.nnet.blocksparse: gpu_sparse_block_gemv_inplace=sparse_block_gemv_inplace
tensor.nnet.blocksparse: gpu_sparse_block_outer=sparse_block_outer
tensor.nnet.blocksparse: gpu_sparse_block_outer_inplace=sparse_block_outer_inplace
tensor.type: values_eq_approx=values_eq_approx values_eq_approx_remove_inf=values_eq_approx_remove_inf
tensor.type: values_eq_approx_remove_nan=values_eq_approx_remove_nan
tensor.type: values_eq_approx_remove_inf_nan=values_eq_approx_remove_inf_nan
tensor.var: GpuArraySignature=TensorConstantSignature
"""

ABSENT = {
    "XLA makes the kernels for a GPU": """
        CGpuKernelBase GpuMagmaBase BlasOp GpuContextType GpuArray_pickler SupportCodeError BaseGpuAdvancedSubtensor
        BaseGpuAdvancedIncSubtensor gpuarray_helper_inc_dir get_ctype get_dtype forward_string_meth profile_printer
        make_argument as_C_string_const get_scal max_inputs_to_GpuElemwise get_iadd attach_cusolver_handle_to_context
        attach_cublas_handle_to_context nvcc_kernel code_version inline_reduce inline_reduce_max inline_reduce_sum
        inline_reduce_min inline_reduce_prod inline_softmax inline_reduce_fixed_shared inline_reduce_fixed_shared_max
        inline_softmax_fixed_shared ValuesEqApproxNoOrder
        check_and_convert_boolean_masks""",
    "XLA calls cuDNN, and there is no need to; dnn_conv, dnn_pool, dnn_softmax, dnn_batch_normalization_train and "
    "RNNBlock are here": """
        CUDNNDataType DnnVersion DnnBase get_precision ensure_dt as_i32 GpuDnnPoolDesc GpuDnnPoolBase GpuDnnPoolGrad
        GpuDnnSoftmaxBase GpuDnnSoftmaxGrad GpuDnnReduction GpuDnnBatchNorm GpuDnnBatchNormInference GpuDnnBatchNormGrad
        GpuDnnDropoutOp dropout GpuDnnRNNOp GpuDnnRNNGradInputs GpuDnnRNNGradWeights CuDNNV51 CuDNNV6 CuDNNV7
        get_definitions is_true_half_config is_pseudo_half_config is_float_config is_double_config""",
    "XLA calls cuSOLVER and its like, and there is no need to; gpu_solve, gpu_qr and gpu_matrix_inverse are here, and "
    "eigh is theano.tensor.nlinalg's": """
        GpuCusolverSolve GpuCublasTriangularSolve GpuMagmaMatrixInverse GpuMagmaQR GpuMagmaEigh""",
    "no rewrite moves a graph to a GPU, since XLA compiles the Ops of tensors for one": """
        GraphToGPUDB InputToGpuOptimizer GraphToGPU ConvMetaOptimizer NoCuDNNRaise split_inputs conv_metaopt
        gpu_print_wrapper gpu_safe_new gpu_reconstruct_graph local_gpua_specifyShape_graph local_gpua_shape_graph
        local_gpua_subtensor_graph local_gpua_advanced_incsubtensor local_gpua_advanced_boolean_incsubtensor
        local_gpua_assert_graph local_gpua_lift_abstractconv_graph local_gpu_pool local_gpu_max_pool_grad
        local_gpu_average_pool_grad local_gpu_cholesky local_gpu_magma_cholesky local_gpua_mrg_graph
        local_abstractconv_cudnn_graph local_abstractconv3d_cudnn_graph local_gpua_pool_dnn_alternative
        local_gpua_pool_dnn_grad_stride local_gpua_avg_pool_dnn_grad_stride local_abstract_batch_norm_train_cudnn
        local_abstract_batch_norm_train_grad_cudnn local_abstract_batch_norm_inference_cudnn grab_cpu_scalar find_node
        is_equal alpha_merge output_merge inplace_allocempty pad_dims unpad_dims""",
}


def _read(table: str) -> dict[str, tuple[str, str]]:
    found = {}
    for line in table.strip().splitlines():
        module, _, names = line.partition(": ")
        for entry in names.split():
            name, _, theirs = entry.partition("=")
            found[name if theirs else "Gpu" + name] = (module, theirs or name)
    return found


_OPS = _read(OPS)
_ABSENT = {name: why for why, names in ABSENT.items() for name in names.split()}

pygpu_available = cusolver_available = cublas_available = pycuda_available = skcuda_available = bool(contexts)


class NotHere:
    """Base of the classes that stand for what is not here; making one raises NotImplementedError."""

    why = ""

    def __init__(self, *args: Any, **options: Any):
        raise NotImplementedError(f"theano.gpuarray's {type(self).__name__} is not here: {self.why}")


def __getattr__(name: str) -> Any:
    if name in _OPS:
        module, theirs = _OPS[name]
        found = getattr(importlib.import_module(f"theanojax.{module}"), theirs)
    elif name in _ABSENT:
        found = type(name, (NotHere,), {"why": _ABSENT[name], "__module__": __name__})
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, found)


class GpuCAReduceCuda:
    """``CAReduceDtype`` of tensors, of what `pre_scalar_op` makes of each number; `reduce_mask` says nothing."""

    def __new__(
        cls,
        scalar_op: Any,
        axis: Any = None,
        reduce_mask: Any = None,
        dtype: str | None = None,
        acc_dtype: str | None = None,
        pre_scalar_op: Any = None,
    ) -> Any:
        reduce = CAReduceDtype(scalar_op, axis, dtype, acc_dtype)
        return reduce if pre_scalar_op is None else lambda x: reduce(Elemwise(pre_scalar_op)(x))


gpu_ca_reduce_cuda = GpuCAReduceCuda


class GpuGemmBatch:
    """The products of rows of matrices, times `alpha`, added to `beta` times C, of whose dtype the result is."""

    def __init__(self, inplace: bool = False):
        self.inplace = inplace

    def __call__(self, C: Any, alpha: Any, A: Any, B: Any, beta: Any) -> Any:
        C = T.as_tensor_variable(C)
        return T.cast(T.batched_dot(A, B) * alpha + C * beta, C.dtype)


gpugemmbatch_no_inplace, gpugemmbatch_inplace = GpuGemmBatch(), GpuGemmBatch(inplace=True)


class GPUAChoiceFromUniform:
    """``ChoiceFromUniform`` of tensors, with its two parameters the other way round."""

    def __new__(cls, odtype: str, replace: bool = False) -> Any:
        return ChoiceFromUniform(replace, odtype)


def empty_like(var: Any) -> Any:
    """Memory of the shape and dtype of `var` with anything in it."""
    return AllocEmpty(var.dtype)(*(var.shape[i] for i in range(var.ndim)))


def gpu_solve(A: Any, b: Any, A_structure: str = "general", trans: str = "N") -> Any:
    """x of ``A x = b``, or of ``A.T x = b`` where `trans` is "T" or "C".

    `A_structure` is "general", "symmetric", "lower" or "upper". ValueError for another, or for another `trans`.
    """
    if trans not in ("N", "T", "C") or A_structure not in ("general", "symmetric", "lower", "upper"):
        raise ValueError(f"A_structure {A_structure!r} and trans {trans!r} are none that cuSOLVER has")
    A = T.as_tensor_variable(A)
    lower = A_structure == "lower" if trans == "N" else A_structure == "upper"
    triangular = slinalg.solve_lower_triangular if lower else slinalg.solve_upper_triangular
    named = {"general": slinalg.solve, "symmetric": slinalg.solve_symmetric}
    return named.get(A_structure, triangular)(A if trans == "N" else A.T, b)


def gpu_solve_lower_triangular(A: Any, b: Any, trans: str = "N") -> Any:
    """`gpu_solve` for a lower triangular `A`."""
    return gpu_solve(A, b, "lower", trans)


def gpu_solve_upper_triangular(A: Any, b: Any, trans: str = "N") -> Any:
    """`gpu_solve` for an upper triangular `A`."""
    return gpu_solve(A, b, "upper", trans)


def gpu_cholesky(A: Any, lower: bool = True) -> Any:
    """The Cholesky factor of `A`, lower or upper triangular."""
    return slinalg.Cholesky(lower=lower)(A)


def gpu_qr(a: Any, complete: bool = True) -> Any:
    """[Q, R] of the matrix `a`; R alone unless `complete`."""
    return list(qr(a)) if complete else qr(a, "r")


def safe_to_gpu(x: Any, ctx_name: str | None) -> Any:
    """`x` on the device of a context, where it is a tensor."""
    return x if isinstance(x.type, GpuArrayType) else as_gpuarray_variable(x, ctx_name)


tensor_to_gpu = safe_to_gpu


def safe_to_cpu(x: Any) -> Any:
    """`x` as a tensor, where it is on a device."""
    return host_from_gpu(x) if isinstance(x.type, GpuArrayType) else x


def register_opt(*tags: str, **options: Any) -> Callable[[Any], Any]:
    """A decorator that changes nothing: the rewrite would move a graph to a GPU, and none does here."""
    return lambda rewrite: rewrite


register_opt2 = op_lifter = register_inplace = register_opt

__all__ = [
    *_OPS,
    *_ABSENT,
    "GPUAChoiceFromUniform",
    "GpuCAReduceCuda",
    "GpuGemmBatch",
    "empty_like",
    "gpu_ca_reduce_cuda",
    "gpu_cholesky",
    "gpu_qr",
    "gpu_solve",
    "gpu_solve_lower_triangular",
    "gpu_solve_upper_triangular",
    "gpugemmbatch_inplace",
    "gpugemmbatch_no_inplace",
    "op_lifter",
    "register_inplace",
    "register_opt",
    "register_opt2",
    "safe_to_cpu",
    "safe_to_gpu",
    "tensor_to_gpu",
]
