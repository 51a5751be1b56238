"""What a process has to give, and what the devices tell each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.runtime.parallel.processes import process_count, process_index

if TYPE_CHECKING:
    from collections.abc import Sequence


def part(array: Any, dimension: int = 0) -> Any:
    """The part of `array`, a batch that all processes have, that this one is to give: all of it if there is but one.

    The parts differ by one row at most; an array of numpy gives a view.
    """
    return np.array_split(array, process_count(), axis=dimension)[process_index()]


def collectives(function: Any) -> Sequence[tuple[str, str, int]]:
    """What the devices tell each other in a call of `function`, a compiled one that has been called.

    A list of (operation of XLA, shapes of its result, bytes of these), for all executables of the function.
    """
    from theanojax.runtime.parallel.collectives import found_in

    return [found for traced in function.fn.traced for found in found_in(traced.lower().compile().as_text() or "")]
