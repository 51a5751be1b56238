"""What Theano-PyMC 1.1 had to tell the shape of an indexed tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theanojax.tensor.creation import alloc, arange
from theanojax.tensor.type_other import NoneTypeT, SliceType


def is_basic_idx(idx: Any) -> bool:
    """Whether `idx` is a slice or None; an integer may be part of an advanced index."""
    return idx is None or isinstance(idx, slice) or isinstance(getattr(idx, "type", None), SliceType | NoneTypeT)


def indexed_result_shape(array_shape: Any, indices: Sequence[Any], indices_are_shapes: bool = False) -> tuple:
    """The lengths of ``a[indices]`` for an `a` of the lengths `array_shape`.

    With `indices_are_shapes` an index that is no slice and not None stands there as its shape, a tuple.
    """
    if indices_are_shapes:
        indices = [i if is_basic_idx(i) else alloc(0, *i) for i in indices]
    result = alloc(0, *array_shape)[tuple(indices)]
    return tuple(result.shape[i] for i in range(result.ndim))


def basic_shape(shape: Any, indices: Sequence[Any]) -> tuple:
    """The lengths that slices and Nones, `indices`, give for an array of the lengths `shape`."""
    if not all(map(is_basic_idx, indices)):
        raise ValueError(f"Invalid index type: {next(i for i in indices if not is_basic_idx(i))}")
    return indexed_result_shape(shape, indices)


def slice_len(slc: slice, n: Any) -> Any:
    """How many of `n` elements `slc` takes."""
    return indexed_result_shape([n], [slc])[0]


def range_len(slc: slice) -> Any:
    """How many numbers ``range(slc.start, slc.stop, slc.step)`` has."""
    return arange(slc.start, slc.stop, slc.step).shape[0]
