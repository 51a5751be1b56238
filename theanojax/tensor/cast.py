"""Explicit conversions: to another dtype, to another device."""

import numpy as np

from theanojax import scalar as scal
from theanojax.config import config
from theanojax.devices import contexts
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.elemwise import Elemwise
from theanojax.tensor.type import all_dtypes

_cast_mapping = {dtype: Elemwise(getattr(scal, "convert_to_" + dtype)) for dtype in all_dtypes}
globals().update({"_convert_to_" + dtype: op for dtype, op in _cast_mapping.items()})


def cast(x, dtype):
    """The tensor `x` in the dtype `dtype` (a name or numpy dtype; "floatX" for ``config.floatX``).

    It is `x` itself if it has that dtype already.

    Raises
    ------
    TypeError : `x` is complex and `dtype` is not.
    KeyError : there is no such dtype.
    """
    if dtype == "floatX":
        dtype = config.floatX
    elif dtype is None:
        raise KeyError(dtype)  # numpy takes it for float64
    elif not isinstance(dtype, str):
        dtype = np.dtype(dtype).name
    x = as_tensor_variable(x)
    if x.type.dtype == dtype:
        return x
    if x.type.dtype.startswith("complex") and not dtype.startswith("complex"):
        raise TypeError("Casting from complex to real is ambiguous: consider real(), imag(), angle() or abs()")
    return _cast_mapping[dtype](x)


def transfer(var, target):
    """The variable `var` on the device `target`.

    It is "cpu", a name of ``config.contexts`` (None is the device of ``config.device``), or what a function given to
    `register_transfer` knows.

    Raises
    ------
    ValueError : nobody knows the target.
    """
    if target == "cpu":
        return as_tensor_variable(var)
    for how in transfer._others:
        moved = how(var, target)
        if moved is not None:
            return moved
    if contexts:
        from theanojax.tensor import placed  # which few programs need

        moved = placed.transfer(var, target)
        if moved is not None:
            return moved
    raise ValueError("Can't transfer to target %s" % (target,))


transfer._others = []


def register_transfer(fn):
    """Let ``transfer(var, target)`` try ``fn(var, target)``, which returns None for targets it does not know."""
    transfer._others.append(fn)


__all__ = ["cast", "transfer", "register_transfer"]
