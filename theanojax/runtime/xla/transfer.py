"""Data in and data out of XLA without needless copies.

What XLA would copy to fresh pages is copied into buffers that are used again (see platform.py). Results become writable
numpy arrays that own the device buffer.
"""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, TypeVar

import numpy as np

import jax

from theanojax.arrays import ALIGNMENT, aligned_empty
from theanojax.runtime.xla import platform

if TYPE_CHECKING:
    from collections.abc import Hashable

    from theanojax.runtime.hints import Array, NumpyArray

T = TypeVar("T")

STAGED_BYTES = 1 << 16  # below this XLA's own copy is as quick
LOOKS = 1000  # some 100 us
CREDIT = 5  # calls in vain, less those that were not, after which calls wait
WAITS = 100
COPIED_BYTES = 1 << 14  # below this a copied result is as quick as a view


class _Owner:
    """Keeps a jax array alive under a numpy array that views its memory."""

    __slots__ = ("__array_interface__", "array")

    def __init__(self, array: jax.Array, view: NumpyArray) -> None:
        self.array = array
        interface = dict(view.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface


def to_numpy(array: Array) -> NumpyArray:
    """A jax array that is exclusively ours as a writable numpy array, without a copy where it is large.

    A numpy array is returned as it is.
    """
    if isinstance(array, np.ndarray):
        return array
    view = np.asarray(array)
    if view.nbytes < COPIED_BYTES or not platform.reads_in_place:
        return view.copy()
    return np.asarray(_Owner(array, view))


def is_aligned(array: NumpyArray) -> bool:
    return array.flags.c_contiguous and array.__array_interface__["data"][0] % ALIGNMENT == 0


class Staging:
    """Aligned buffers, one per argument position, that large unaligned arguments are copied into.

    They belong to one call at a time, which waits for the results before it lets go of them.
    """

    def __init__(self) -> None:
        self.buffers: dict[Hashable, NumpyArray] = {}

    def stage(self, position: Hashable, array: NumpyArray) -> NumpyArray:
        buffer = self.buffers.get(position)
        if buffer is None or buffer.shape != array.shape or buffer.dtype != array.dtype:
            buffer = self.buffers[position] = aligned_empty(array.shape, array.dtype)
        np.copyto(buffer, array)
        return buffer

    def pad(self, position: Hashable, array: NumpyArray, rows: int, room: int) -> NumpyArray:
        """The first `rows` of `array` in a buffer of `room` rows; what the others hold is left open."""
        shape = room, *array.shape[1:]
        buffer = self.buffers.get(position)
        if buffer is None or buffer.shape != shape or buffer.dtype != array.dtype:
            buffer = self.buffers[position] = aligned_empty(shape, array.dtype)
        np.copyto(buffer[:rows], array[:rows])
        return buffer


def taken(idle: list[Staging]) -> Staging | None:
    """One of the Stagings that no call uses, which now one does; None if there is none."""
    try:
        return idle.pop()
    except IndexError:
        return None


class _Threads:
    """Which thread has waited for results last; and how many calls it is until it is taken to be the only one."""

    ident, calls = 0, 0


class Looks:
    """Whether it pays to look for the results of a computation until they are there: to be woken up takes 40 us.

    To look in vain takes time from the threads that compute. Who has done so time and again waits, and tries once in
    a while. Nobody looks where several threads make calls: the others want to go on in Python.
    """

    __slots__ = ("credit", "waits")

    def __init__(self) -> None:
        self.credit = CREDIT
        self.waits = 0  # calls that do not look

    def settle(self, array: jax.Array) -> None:
        """Wait until the computation of `array` is done; what failed raises."""
        if array.is_ready():  # most often, where XLA computes in the thread that calls
            array.block_until_ready()
            return
        ident = get_ident()
        if ident != _Threads.ident:
            _Threads.ident, _Threads.calls = ident, WAITS * bool(_Threads.ident)
        elif _Threads.calls:
            _Threads.calls -= 1
        elif self.waits:
            self.waits -= 1
        else:
            for _ in range(LOOKS):
                if array.is_ready():
                    self.credit = min(CREDIT, self.credit + 1)
                    break
            else:
                self.credit -= 1
                if self.credit <= 0:
                    self.credit, self.waits = 1, WAITS
        array.block_until_ready()


def wait(arrays: T) -> T:
    """`arrays`, once the computations of them are done."""
    jax.block_until_ready(arrays)
    return arrays
