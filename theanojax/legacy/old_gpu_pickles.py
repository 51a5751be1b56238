"""What pickles made on a GPU until Theano 0.9 name, as tensors: `theano.sandbox.cuda` cannot be imported.

Its arrays load as those of numpy, its shared variables and types as those of tensors; moving an array changes nothing.
"""

from __future__ import annotations

import pickle
from typing import Any

from theanojax.legacy import gpu_ops
from theanojax.tensor.gradient_ops import view_op
from theanojax.tensor.sharedvar import TensorSharedVariable
from theanojax.tensor.type import TensorType
from theanojax.tensor.var import TensorConstant, TensorVariable


class CudaNdarrayType(TensorType):
    """A type that, once it is read, is a TensorType of float32."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__("float32", state["broadcastable"], state.get("name"))
        self.__class__ = TensorType


def CudaNdarray_unpickler(npa: Any) -> Any:
    """The value of an array, `npa`, which is pickled as numpy's."""
    return npa


_FOUND = {
    "CudaNdarrayType": CudaNdarrayType,
    "CudaNdarrayVariable": TensorVariable,
    "CudaNdarrayConstant": TensorConstant,
    "CudaNdarraySharedVariable": TensorSharedVariable,
    "CudaNdarray_unpickler": CudaNdarray_unpickler,
    "HostFromGpu": type(view_op),
    "GpuFromHost": type(view_op),
}


def find(module: str, name: str) -> Any:
    """What `name` of a file `module` of the old back-end is; pickle.UnpicklingError if it has no form here."""
    if name in _FOUND:
        return _FOUND[name]
    found = getattr(gpu_ops, name, None)
    if found is None or isinstance(found, type) and issubclass(found, gpu_ops.NotHere):
        raise pickle.UnpicklingError(f"{module}.{name}, of a graph made for a GPU, has no form here")
    return found
