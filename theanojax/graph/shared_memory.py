"""Values of shared variables in memory that other processes see, too: updates are written there.

A value that the user lends with ``borrow=True`` is the variable's value until its first update, which puts another
array in its place. Where the memory is shared between processes that would cut the tie, so there it stays.
"""

from __future__ import annotations

import ctypes
import mmap
import weakref
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any


kept: dict[int, weakref.ref[Any]] = {}  # id of an array -> weak reference to it


def keep_in_place(value: Any) -> None:
    """Write updates into the array `value` from now on, if it lies in memory that other processes may see."""
    if isinstance(value, np.ndarray) and value.flags.writeable and isinstance(_owner(value), (mmap.mmap, ctypes.Array)):
        key = id(value)
        kept[key] = weakref.ref(value, lambda _: kept.pop(key, None))


def _owner(array: Any) -> Any:
    base = array
    while isinstance(base, (np.ndarray, memoryview)):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return base
