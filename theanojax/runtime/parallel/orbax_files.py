"""Checkpoints in orbax's form: each process writes, and reads, the parts of arrays that its devices have."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

import jax

from theanojax.graph.cells import on_device, raw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from theanojax.graph.shared import SharedVariable


def is_split(value: Any) -> bool:
    """Whether `value` is an array of which no device has all."""
    return on_device(value) and not value.is_fully_replicated


def places(function: Any) -> dict[SharedVariable, Any]:
    """The shared variables of a compiled function that are split over devices, with their shardings."""
    executor: Any = getattr(function.fn, "executor", None)
    found = {}
    for i, placement, _ in getattr(executor, "kept", ()):
        cell = executor.cells[i]
        if any(placement.spec) and cell is not None:
            found[function.maker.inputs[i].variable] = executor._sharding(i, placement, raw(cell, 0).shape)
    return found


def _orbax() -> Any:
    try:
        import orbax.checkpoint as orbax
    except ModuleNotFoundError as error:
        error.add_note("Checkpoints in orbax's form need it: pip install 'theanojax[distributed]'")
        raise
    return orbax


def write(folder: str, arrays: Mapping[str, Any]) -> None:
    """Write `arrays` to the new `folder`. All processes have to call it; ValueError if it exists."""
    orbax = _orbax()
    with orbax.StandardCheckpointer() as checkpointer:
        checkpointer.save(os.path.abspath(folder), dict(arrays))


def read(folder: str, shardings: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays in `folder`, none if it is not orbax's: of numpy, or where `shardings` has one of devices."""
    orbax = _orbax()
    with orbax.StandardCheckpointer() as checkpointer:
        there = checkpointer.metadata(os.path.abspath(folder)).item_metadata
        if there is None:
            return {}
        wanted = {
            name: jax.ShapeDtypeStruct(of.shape, of.dtype, sharding=shardings[name])
            if name in shardings
            else np.empty(of.shape, of.dtype)
            for name, of in there.tree.items()
        }
        found: dict[str, Any] = checkpointer.restore(os.path.abspath(folder), wanted)
    return found
