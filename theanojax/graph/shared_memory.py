"""Values of shared variables in memory that other processes see, too: updates are written there.

A value that the user lends with ``borrow=True`` is the variable's value until its first update, which puts another
array in its place. Where the memory is shared between processes that would cut the tie, so there it stays.
"""

import ctypes
import mmap
import weakref

import numpy as np

kept: dict = {}  # id of an array -> weak reference to it


def keep_in_place(value):
    """Write updates into the array `value` from now on, if it lies in memory that other processes may see."""
    if isinstance(value, np.ndarray) and value.flags.writeable and isinstance(_owner(value), (mmap.mmap, ctypes.Array)):
        key = id(value)
        kept[key] = weakref.ref(value, lambda _: kept.pop(key, None))


def _owner(array):
    base = array
    while isinstance(base, (np.ndarray, memoryview)):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return base
