"""Shared variables that are tensors."""

import numpy as np

from theanojax.arrays import aligned_copy, safe_asarray
from theanojax.devices import contexts
from theanojax.graph.shared import SharedVariable, shared_constructor
from theanojax.graph.shared_memory import keep_in_place
from theanojax.tensor.type import TensorType
from theanojax.tensor.var import _tensor_py_operators


class TensorSharedVariable(_tensor_py_operators, SharedVariable):
    """A shared array."""


class ScalarSharedVariable(_tensor_py_operators, SharedVariable):
    """A shared number, held as an array of no dimension."""


@shared_constructor
def tensor_constructor(
    value, name=None, strict=False, allow_downcast=None, borrow=False, broadcastable=None, target="cpu"
):
    """A shared variable for `value`, an ndarray; TypeError otherwise, so that ``shared`` asks the next constructor.

    `broadcastable` is all False by default: the value may later be replaced by one of another shape. `borrow` keeps the
    array itself instead of a copy; `strict` and `allow_downcast` are as for ``theano.shared``. With a context as
    `target`, it lies on that device.
    """
    if target != "cpu":
        if not contexts:
            raise TypeError("not for cpu")
        from theanojax.tensor import placed  # which few programs need

        return placed.gpuarray_shared_constructor(value, name, strict, allow_downcast, borrow, broadcastable, target)
    if not isinstance(value, np.ndarray):
        raise TypeError("not an array")
    if broadcastable is None:
        broadcastable = (False,) * value.ndim
    v = TensorSharedVariable(
        type=TensorType(value.dtype, broadcastable=broadcastable),
        value=np.asarray(value) if borrow else aligned_copy(value),
        name=name,
        strict=strict,
        allow_downcast=allow_downcast,
    )
    if borrow:
        keep_in_place(v.container.storage[0])
    return v


@shared_constructor
def scalar_constructor(
    value, name=None, strict=False, allow_downcast=None, borrow=False, target="cpu", broadcastable=()
):
    """A shared variable for `value`, a Python or numpy number: a scalar of its dtype, int64 or float64 for Python's.

    TypeError for anything else, and for a `broadcastable` of more dimensions: PyMC3 passes that of scalars, whose
    values are arrays in Theano-PyMC. The other parameters are those of ``theano.shared``.
    """
    if target != "cpu" or tuple(broadcastable):
        raise TypeError("not for cpu, or not a scalar")
    if not isinstance(value, (np.number, float, int, complex)):
        raise TypeError("not a number")
    dtype = str(value.dtype) if isinstance(value, np.number) else str(np.asarray(value).dtype)
    return ScalarSharedVariable(
        type=TensorType(dtype, ()),
        value=np.array(safe_asarray(value, dtype=dtype)),
        name=name,
        strict=strict,
        allow_downcast=allow_downcast,
    )


def load_shared_variable(val):
    """What pickles of 2011 call: `tensor_constructor` of `val`."""
    return tensor_constructor(val)


__all__ = [
    "SharedVariable",
    "TensorSharedVariable",
    "ScalarSharedVariable",
    "tensor_constructor",
    "scalar_constructor",
    "load_shared_variable",
]
