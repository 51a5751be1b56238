"""What attribute access to `theano.sandbox.cuda` finds, the GPU back-end until Theano 0.9.

Importing it fails, as it did in Theano 1.0; but programs also ask `theano.sandbox.cuda.cuda_enabled` without an import,
and mean to go on without a GPU. Programs that `theanojax run` serves may import these names, too
(`theanojax.legacy.script_names`), as they could in Theano 0.9: some anywhere, all where a GPU is in use.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from theanojax import runtime
from theanojax.devices import contexts
from theanojax.graph.type import Type
from theanojax.legacy import dnn as dnn, gpuarray
from theanojax.legacy.dnn import *  # noqa: F403
from theanojax.legacy.dnn import dnn_available as dnn_available
from theanojax.legacy.gpuarray import GpuCorrMM as GpuCorrMM, gpu_contiguous as gpu_contiguous
from theanojax.tensor.placed import (
    GpuArrayType,
    GpuFromHost as GpuFromHost,
    HostFromGpu as HostFromGpu,
    as_gpuarray_variable,
    gpuarray_shared_constructor,
    host_from_gpu as host_from_gpu,
)

MODULES = ("basic_ops", "blas", "type", "var")  # that it had; this one has what they did

cuda_available = cuda_enabled = bool(contexts)
cuda_initialization_error_message = "theanojax has no CUDA back-end of its own; JAX decides where functions run"


def __getattr__(name: str) -> ModuleType:
    if name in MODULES:
        return sys.modules[__name__]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class CudaNdarrayType(Type):
    """The type of float32 arrays on that GPU: a GpuArrayType where there is a GPU, else no variable has it."""

    def __new__(cls, broadcastable: Any, name: str | None = None, dtype: str | None = None) -> Any:
        if not contexts:
            raise RuntimeError(f"CudaNdarrayType: {cuda_initialization_error_message}")
        return GpuArrayType("float32", broadcastable, name=name)


def gpu_from_host(x: Any) -> Any:
    """The tensor `x` on the GPU."""
    return GpuFromHost(None)(x)


def as_cuda_ndarray_variable(x: Any) -> Any:
    """`x`, a variable or a value, on the GPU."""
    return as_gpuarray_variable(x, None)


def float32_shared_constructor(value: Any, name: str | None = None, **options: Any) -> Any:
    """A shared variable for the array `value` on the GPU; see ``theano.shared``."""
    return gpuarray_shared_constructor(value, name, **options)


shared_constructor = float32_shared_constructor


def use(device: str, force: bool = False, **options: Any) -> None:
    """Have functions compiled from now on run on `device`; RuntimeError if it is not there."""
    if not runtime.has_device(device):
        raise RuntimeError(f"theano.sandbox.cuda.use({device!r}): {runtime.why_missing(device)}")
    gpuarray.use(device)
    globals().update(cuda_available=True, cuda_enabled=True)


def unuse() -> None:
    """Have functions compiled from now on run on the CPU again, if `use` has chosen a GPU."""
    if cuda_enabled:
        runtime.use_device("cpu")
        globals().update(cuda_enabled=False)
