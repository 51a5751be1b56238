"""`theano.gpuarray` on JAX: contexts, types and Ops for what lies on a device that the graph names.

Without a GPU, a context or ``dnn.enabled=True`` it can be imported, and says that it has none: this is what programs
see that ask before they use it.
"""

from __future__ import annotations

from typing import Any

from theanojax import runtime
from theanojax.devices import (
    ContextNotDefined as ContextNotDefined,
    contexts,
    get_context as get_context,
    reg_context as reg_context,
    today,
)
from theanojax.legacy import dnn as dnn
from theanojax.legacy.dnn import *  # noqa: F403
from theanojax.legacy.dnn import dnn_available as dnn_available, dnn_present as dnn_present
from theanojax.tensor import alloc, as_tensor_variable, eye
from theanojax.tensor.creation import AllocEmpty, Tri
from theanojax.tensor.nnet.abstract_conv import conv2d
from theanojax.tensor.placed import *  # noqa: F403

pygpu_activated = theano_gpu_is_already_active = bool(contexts)
pygpu = None
gpu_context_type = None


class GpuKernelBase:
    """Base of Ops that bring GPU kernels along."""

    def gpu_kernels(self, node: Any, name: str) -> Any:
        """The kernels of one node."""
        raise NotImplementedError(f"{type(self).__name__} has no gpu_kernels")

    def get_params(self, node: Any) -> Any:
        """The context that `node` runs in."""
        return get_context(None)


class Kernel:
    """The source of a GPU kernel."""

    def __init__(self, code: str, params: Any, name: str, flags: Any, **names: str | None):
        self.code, self.params, self.name, self.flags = code, params, name, flags
        vars(self).update(names)

    @staticmethod
    def get_flags(*types: Any) -> dict[str, bool]:
        """Which features a kernel on arguments of these types needs."""
        import numpy as np

        dtypes = [np.dtype(t) for t in types]
        return {
            "cluda": True,
            "have_double": any(d == np.float64 for d in dtypes),
            "have_half": any(d == np.float16 for d in dtypes),
            "have_complex": any(d.kind == "c" for d in dtypes),
            "have_small": any(d.itemsize < 4 for d in dtypes),
        }


class GpuContiguous:
    """An array in C order, as all are here."""

    def __call__(self, x: Any) -> Any:
        return as_tensor_variable(x)


class GpuAllocEmpty:
    """Memory with anything in it: ``AllocEmpty`` of tensors."""

    def __new__(cls, dtype: str, context_name: str | None = None) -> Any:
        return AllocEmpty(dtype)


class GpuAlloc:
    """``alloc`` of tensors: a value and the lengths."""

    def __init__(self, context_name: str | None = None, memset_0: bool = False):
        self.context_name = context_name

    def __call__(self, value: Any, *shape: Any) -> Any:
        return alloc(value, *shape)


class GpuEye:
    """``eye`` of tensors: rows, columns and the diagonal."""

    def __init__(self, dtype: str | None = None, context_name: str | None = None):
        self.dtype = dtype

    def __call__(self, n: Any, m: Any, k: Any = 0) -> Any:
        return eye(n, m, k, self.dtype)


class GpuTri:
    """``tri`` of tensors: rows, columns and the diagonal."""

    def __new__(cls, dtype: str | None = None, context_name: str | None = None) -> Any:
        return Tri(dtype)


class GpuCorrMM:
    """A correlation of images with filters: the convolution of ``nnet.conv2d`` without turning the filters."""

    def __init__(
        self,
        border_mode: Any = "valid",
        subsample: Any = (1, 1),
        filter_dilation: Any = (1, 1),
        num_groups: int = 1,
        unshared: bool = False,
    ):
        self.how = dict(border_mode=border_mode, subsample=subsample, filter_dilation=filter_dilation)
        self.how.update(num_groups=num_groups, unshared=unshared)

    def __call__(self, img: Any, kern: Any) -> Any:
        return conv2d(img, kern, filter_flip=False, **self.how)


gpu_contiguous = GpuContiguous()


def list_contexts() -> list[str | None]:
    """The names of GPU contexts."""
    return list(contexts)


def use(
    device: str,
    force: bool = False,
    default_to_move_computation_to_gpu: bool = True,
    move_shared_to_gpu: bool = True,
    preallocate: float | None = None,
) -> None:
    """Have functions compiled from now on run on `device`, as the flag `device` does when theano is imported.

    The other arguments say nothing here. RuntimeError if the device is not there; EnvironmentError with `force`.
    """
    if not force:
        _require(device, "use")
    runtime.use_device(device, force)
    globals().update(pygpu_activated=True, theano_gpu_is_already_active=True)


def init_dev(dev: str, name: str | None = None, preallocate: float | None = None) -> None:
    """Give the device `dev` the context `name`, as the flag `contexts` does; functions run where they did.

    `preallocate` says nothing here. RuntimeError if the device is not there, ValueError if another has this context.
    """
    _require(dev, "init_dev")
    if name not in contexts or contexts[name].dev != today(dev):
        if name in contexts:
            raise ValueError(f"context name {name} is already defined")
        runtime.init_device(dev, name)
    globals().update(pygpu_activated=True, theano_gpu_is_already_active=True)


def _require(device: str, function: str) -> None:
    if not runtime.has_device(device):
        why = runtime.why_missing(device)
        raise RuntimeError(f"theano.gpuarray.{function}({device!r}): pygpu is not installed, and {why}")


def write_w(dtype: str) -> str:
    """The C function that stores a value of the computing type as `dtype`."""
    return "ga_float2half" if dtype == "float16" else ""


def load_w(dtype: str) -> str:
    """The C function that loads a value of `dtype` for computing."""
    return "ga_half2float" if dtype == "float16" else ""


def work_dtype(dtype: str) -> str:
    """The type that values of `dtype` are computed in."""
    return "float32" if dtype == "float16" else dtype
