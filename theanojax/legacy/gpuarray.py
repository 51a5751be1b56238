"""`theano.gpuarray` without pygpu: it can be imported, and says that it has no GPU.

This is what programs see that ask before they use it. JAX runs on accelerators by itself; nothing has
to be moved there by Ops of its own kind.
"""

from __future__ import annotations

from typing import Any

from theanojax.graph.op import Op
from theanojax.graph.type import Type
from theanojax.graph.variable import Constant, Variable

pygpu_activated = False
theano_gpu_is_already_active = False
pygpu = None
gpu_context_type = None


class ContextNotDefined(ValueError):
    """There is no GPU context of that name."""


class GpuArrayType(Type):
    """The type of arrays on a GPU. Nothing has it; it is here to be asked about."""

    def __init__(self, dtype: str, broadcastable: Any, context_name: str | None = None, name: str | None = None):
        self.dtype = dtype
        self.broadcastable = tuple(broadcastable)
        self.context_name = context_name
        self.name = name
        get_context(context_name)


class GpuArrayVariable(Variable):
    """A variable of type GpuArrayType."""


class GpuArrayConstant(Constant):
    """A constant of type GpuArrayType."""


class GpuArraySharedVariable(Variable):
    """A shared variable of type GpuArrayType."""


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


class _GpuOp(Op):
    """An Op of Theano's GPU back-end: it has a name, and no graph can hold it."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} needs Theano's GPU back-end; theanojax runs graphs as they are"
        )


class GpuAllocEmpty(_GpuOp):
    """Uninitialized memory on the GPU."""

    def __init__(self, dtype: str, context_name: str | None):
        self.dtype, self.context_name = dtype, context_name


class GpuEye(_GpuOp):
    """The identity matrix on the GPU."""

    def __init__(self, dtype: str | None = None, context_name: str | None = None):
        self.dtype, self.context_name = dtype, context_name


class GpuContiguous(_GpuOp):
    """An array in C order, on the GPU."""


class GpuDnnConvDesc(_GpuOp):
    """The description of a convolution by cuDNN."""

    def __init__(self, *args: Any, **kwargs: Any):
        dnn_present.require()


class GpuDnnConv(GpuDnnConvDesc):
    """A convolution by cuDNN."""


class GpuDnnConvGradI(GpuDnnConvDesc):
    """Its gradient for the images."""


class GpuDnnConvGradW(GpuDnnConvDesc):
    """Its gradient for the filters."""


gpu_contiguous = GpuContiguous()


def get_context(name: str | None) -> Any:
    """The GPU context called `name`: there is none."""
    raise ContextNotDefined(f"context name {name} not defined")


def list_contexts() -> list[str]:
    """The names of GPU contexts."""
    return []


def reg_context(name: str | None, ctx: Any) -> None:
    """Fail: contexts come from pygpu."""
    raise TypeError("context is not GpuContext")


def infer_context_name(*vars: Any) -> str | None:
    """The context that `vars` are in: there is none."""
    raise ValueError("Could not infer context from inputs")


def as_gpuarray_variable(x: Any, context_name: str | None) -> Any:
    """`x` on the GPU."""
    return get_context(context_name)


def use(device: str, *args: Any, **kwargs: Any) -> None:
    """Fail: this chose the GPU of Theano's back-end."""
    raise RuntimeError(f"theano.gpuarray.use({device!r}): pygpu is not installed; JAX decides where functions run")


init_dev = use


class _NoCuDNN:
    """A function that says there is no cuDNN, with the reason as an attribute."""

    avail: bool | None = False
    msg = "pygpu is not installed"

    def __call__(self, context_name: str | None = None) -> bool:
        return False

    def require(self) -> None:
        """Raise that there is none."""
        raise RuntimeError(f"cuDNN is not available: {self.msg}")


dnn_available = _NoCuDNN()
dnn_present = _NoCuDNN()


def version(raises: bool = True) -> int:
    """The version of cuDNN; -1 for none, where that may be said."""
    if raises:
        dnn_available.require()
    return -1


def _no_cudnn(*args: Any, **kwargs: Any) -> Any:
    """Raise that there is no cuDNN."""
    return dnn_available.require()


dnn_conv = dnn_conv3d = dnn_gradweight = dnn_gradinput = dnn_gradweight3d = dnn_gradinput3d = _no_cudnn
dnn_pool = dnn_batch_normalization_train = dnn_batch_normalization_test = dnn_spatialtf = _no_cudnn


def write_w(dtype: str) -> str:
    """The C function that stores a value of the computing type as `dtype`."""
    return "ga_float2half" if dtype == "float16" else ""


def load_w(dtype: str) -> str:
    """The C function that loads a value of `dtype` for computing."""
    return "ga_half2float" if dtype == "float16" else ""


def work_dtype(dtype: str) -> str:
    """The type that values of `dtype` are computed in."""
    return "float32" if dtype == "float16" else dtype
