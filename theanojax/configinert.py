"""The flags of Theano that mean nothing here, and why.

They are accepted and checked as Theano did, kept and shown, so that old scripts and configuration files keep working.
"""

from __future__ import annotations

import os
from typing import Any

from theanojax.configflags import (
    KEY,
    SUPPORTED_DNN_CONV_ALGO_BWD_DATA,
    SUPPORTED_DNN_CONV_ALGO_BWD_FILTER,
    SUPPORTED_DNN_CONV_ALGO_FWD,
    SUPPORTED_DNN_CONV_PRECISION,
    deprecated_gpuarray_sync,
    filter_base_compiledir,
    fixed,
    removed_option,
    warn_since,
)
from theanojax.configparser import BoolParam, ConfigParam, EnumStr, IntParam, StrParam, config

_INSTEAD_FWD = "Please use the option `dnn.conv.algo_fwd` instead."
_INSTEAD_BWD = "Please use the options `dnn.conv.algo_bwd_filter` and `dnn.conv.algo_bwd_data` instead."

# reason -> rows as in configflags.FLAGS
INERT: dict[str, tuple[tuple[Any, ...], ...]] = {
    "XLA computes what Theano's C code did, with its own threads and mathematics.": (
        ("openmp_elemwise_minsize", IntParam(200000), "Vector length from which C code uses OpenMP."),
        ("lib.amdlibm", BoolParam(False), "Whether C code uses AMD's math library."),
        ("blas.check_openmp", BoolParam(True), "Whether to look for conflicting OpenMP libraries."),
    ),
    "What is compiled from C is kept by its text, and loaded when it is wanted.": (
        ("cmodule.warn_no_version", BoolParam(False), "Whether to warn of C code that can't be cached."),
        ("cmodule.preload_cache", fixed(False, BoolParam), "Whether cached C code is loaded at import."),
    ),
    "XLA computes the CTC loss: no library is needed.": (
        ("ctc.root", fixed(""), "Where a C library for the CTC loss is installed."),
    ),
    "XLA decides how a GPU is used, and which kernels are joined.": (
        ("gpu.local_elemwise_fusion", BoolParam(True), "Whether elementwise GPU Ops are joined."),
        ("gpuelemwise.sync", BoolParam(True), "Whether to wait for each elementwise GPU kernel."),
        ("gpuarray.sched", EnumStr("default", "multi", "single"), "How the host waits for the GPU.", KEY),
        ("gpuarray.single_stream", BoolParam(True), "Whether one GPU stream is used."),
    ),
    "What is compiled for a GPU is in compiledir, with all else.": (
        (
            "gpuarray.cache_path",
            ConfigParam(lambda: os.path.join(config.compiledir, "gpuarray_kernels"), filter_base_compiledir, False),
            "Directory of compiled GPU kernels.",
        ),
    ),
    "Theano had taken it out already.": (
        ("gpuarray.sync", ConfigParam(False, deprecated_gpuarray_sync, allow_override=False), "May only be false."),
        ("dnn.conv.workmem", removed_option("dnn.conv.workmem", _INSTEAD_FWD), "May only be empty."),
        ("dnn.conv.workmem_bwd", removed_option("dnn.conv.workmem_bwd", _INSTEAD_BWD), "May only be empty."),
        ("dnn.conv.algo_bwd", removed_option("dnn.conv.algo_bwd", _INSTEAD_BWD), "May only be empty."),
    ),
    "No rewrite of Theano 1.0 looks at it either.": (
        ("experimental.local_alloc_elemwise", BoolParam(True, is_valid=bool), "May only be true."),
    ),
    "jax brings CUDA and cuDNN.": (
        ("cuda.root", StrParam(lambda: os.environ.get("CUDA_ROOT", "")), "Where CUDA is installed."),
        ("cuda.include_path", StrParam(""), "Where its headers are."),
        ("dnn.base_path", StrParam(""), "Where cuDNN is installed."),
        ("dnn.include_path", StrParam(""), "Where its headers are."),
        ("dnn.library_path", StrParam(""), "Where its libraries are."),
        ("dnn.bin_path", StrParam(""), "Where its programs are."),
    ),
    "XLA chooses among cuDNN's algorithms.": (
        ("dnn.conv.algo_fwd", EnumStr(*SUPPORTED_DNN_CONV_ALGO_FWD), "cuDNN's convolution."),
        ("dnn.conv.algo_bwd_data", EnumStr(*SUPPORTED_DNN_CONV_ALGO_BWD_DATA), "Its gradient for the images."),
        ("dnn.conv.algo_bwd_filter", EnumStr(*SUPPORTED_DNN_CONV_ALGO_BWD_FILTER), "Its gradient for the filters."),
        ("dnn.conv.precision", EnumStr(*SUPPORTED_DNN_CONV_PRECISION), "The type that cuDNN convolutions add up in."),
    ),
    "jax computes linear algebra on GPUs.": (
        ("magma.enabled", BoolParam(False), "Whether MAGMA is used."),
        ("magma.include_path", StrParam(""), "Where its headers are."),
        ("magma.library_path", StrParam(""), "Where its libraries are."),
    ),
    "Arrays on a GPU are pickled as numpy arrays, and load as such, those of Theano too.": (
        ("experimental.unpickle_gpu_on_cpu", BoolParam(False), "Whether pickled GPU arrays load as numpy arrays."),
    ),
    "A mistake of Theano's past, which was never made here.": (
        ("warn.gpusum_01_011_0111_bug", warn_since("0.3"), "Whether to warn of a bug of 2010 in GPU sums."),
        ("warn.sum_sum_bug", warn_since("0.3"), "Whether to warn of a bug of 2010 in sums of sums."),
        ("warn.sum_div_dimshuffle_bug", warn_since("0.3"), "Whether to warn of a bug of 2010 in sums of quotients."),
        ("warn.identify_1pexp_bug", warn_since("0.4.1"), "Whether to warn of a bug of 2011 in log(1 + exp)."),
        ("warn.subtensor_merge_bug", warn_since("0.5"), "Whether to warn of a bug in x[a:b:-1][c]."),
        ("warn.gpu_set_subtensor1", warn_since("0.6"), "Whether to warn of a bug in set_subtensor on the GPU."),
        ("warn.vm_gc_bug", BoolParam(False), "Whether to warn of a bug of July 2012."),
        ("warn.reduce_join", warn_since("0.7"), "Whether to warn of a bug in reductions of join."),
    ),
}
