"""What attribute access to `theano.sandbox.cuda` finds: that there is no such GPU.

Importing it fails, as it did in Theano 1.0; but programs also ask `theano.sandbox.cuda.cuda_enabled`
without an import, and mean to go on without a GPU. Programs that `theanojax run` serves may import these names, too
(`theanojax.legacy.script_names`), as they could in Theano 0.9.
"""

from __future__ import annotations

from typing import Any

from theanojax.graph.type import Type
from theanojax.legacy import gpuarray as dnn  # noqa: F401, which has its own way to say no
from theanojax.legacy.gpuarray import dnn_available, dnn_conv, dnn_pool  # noqa: F401

cuda_available = False
cuda_enabled = False
cuda_initialization_error_message = "theanojax has no CUDA back-end of its own; JAX decides where functions run"


class CudaNdarrayType(Type):
    """The type of arrays on that GPU: no variable has it."""

    def __init__(self, *args: Any, **options: Any):
        raise RuntimeError(f"CudaNdarrayType: {cuda_initialization_error_message}")


def use(device: str, **options: Any) -> None:
    """Fail: this chose the GPU of the old back-end."""
    raise RuntimeError(f"theano.sandbox.cuda.use({device!r}): {cuda_initialization_error_message}")


def unuse() -> None:
    """Nothing: no such GPU was ever in use."""
