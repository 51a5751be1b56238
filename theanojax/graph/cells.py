"""Where the values of shared variables lie, and how each call takes and replaces them as if it were alone.

A call takes the values of all its shared variables at once, computes, and stores all new ones at once. ``take`` and
``commit`` are single calls into C: no other thread runs in the midst of them, and no handler of a signal, so that
Ctrl-C at any moment leaves the old or the new values of a whole call. Calls that update what others read or update
hold the lock of their ``locks.Group`` meanwhile; calls that update nothing hold none, but where Python has no global
lock: there other threads run in the midst of everything, and who reads several values waits for who updates them.
"""

from __future__ import annotations

import sys
from itertools import compress, count, repeat
from operator import is_, setitem
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.graph import above
from theanojax.graph.shared_memory import kept

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from theanojax.graph.locks import Group

    T = TypeVar("T")


free_threaded = not getattr(sys, "_is_gil_enabled", lambda: True)()
raw = list.__getitem__  # what a cell holds, wherever that lies: ``raw(cell, 0)``


class StaleValue(Exception):
    """A call has read the value of a shared variable whose memory another call has then used for the next one."""


def take(cells: Sequence[list[Any]]) -> list[Any]:
    """What `cells` hold, all of it from one moment."""
    return list(map(raw, cells, repeat(0)))


def commit(cells: Sequence[list[Any]], values: Sequence[Any]) -> None:
    """Make `values` the contents of `cells`, in one step."""
    old = take(cells)  # kept until all is done: letting go of an array may run code of the user
    if kept:
        targets, places, values = _in_kept_memory(cells, old, values)
        any(map(setitem, targets, places, values))
    else:
        any(map(setitem, cells, repeat(0), values))  # setitem returns None, so all of them are reached
    del old


def _in_kept_memory(
    cells: Sequence[list[Any]], old: list[Any], values: Sequence[Any]
) -> tuple[list[Any], list[Any], Sequence[Any]]:
    """Where each value goes: into its cell, or into the array that is to stay the variable's value."""
    stay = [id(a) in kept and a.shape == np.shape(v) for a, v in zip(old, values)]
    if any(stay):  # new values may be views of old ones
        values = [np.array(v) if isinstance(v, np.ndarray) or s else v for v, s in zip(values, stay)]
    return ([a if s else cell for a, s, cell in zip(old, stay, cells)], [... if s else 0 for s in stay], values)


def exchange(cell: list[Any], old: Any, new: Any) -> None:
    """Make `new` what `cell` holds if that is still `old`, in one step."""
    any(map(setitem, compress((cell,), map(is_, map(raw, (cell,), (0,)), (old,))), (0,), (new,)))


def written_in_place(cells: Sequence[list[Any]]) -> bool:
    """Whether the value of one of `cells` stays in its memory when it is updated."""
    return bool(kept) and any(id(v) in kept for v in take(cells))


def can_be_torn(cells: Sequence[list[Any]]) -> bool:
    """Whether who takes the values of `cells` may see an update of another thread half done."""
    return free_threaded and len(cells) > 1 or written_in_place(cells)


def on_device(value: object) -> bool:
    """Whether `value` is an array that lives on a device; jax itself need not be loaded to know."""
    return hasattr(type(value), "addressable_shards")


def is_elsewhere(value: Any) -> bool:
    """Whether the array `value`, of devices, lies on those of other processes, too."""
    return not value.is_fully_addressable


def fetched(value: Any) -> Any:
    """A copy of `value`, an array of devices; of which other processes have a part, all have to ask for it."""
    return np.array(above.whole_array(value))


class Cell(list[Any]):
    """A list of one element, the value of a shared variable.

    ``cell[0]`` is always numpy's: a value on a device is fetched and stays, because who reads it may write into it.
    Where other processes have it, too, what is written here would be lost on them: it is read-only, and does not stay.
    """

    __slots__ = ("group", "number", "placed", "readers")
    numbers = count(1)

    def __init__(self, value: Any) -> None:
        super().__init__((value,))
        self.number = next(self.numbers)  # every call passes values to XLA in this order
        self.group: Group | None = None  # of the functions that update the variable
        # the groups of functions that read this one and update others
        self.readers: weakref.WeakSet[Group] | None = None
        # (weak reference to the value, sharding, the value on several devices), for functions that only read it
        self.placed: tuple[weakref.ref[Any], Any, Any] | None = None

    def __getitem__(self, index: Any) -> Any:
        value = raw(self, index)
        self.placed = None  # who gets the array may write into it
        return self.alone(self._fetch) if on_device(value) else value

    def _fetch(self) -> Any:
        value = raw(self, 0)
        if on_device(value):
            elsewhere = is_elsewhere(value)
            value = fetched(value)
            if elsewhere:
                value.flags.writeable = False
            else:
                list.__setitem__(self, 0, value)
        return value

    def put(self, value: Any) -> None:
        """Replace the value, when no call is about to."""
        self.alone(lambda: list.__setitem__(self, 0, value))

    def copied(self) -> Any:
        """A value on a device as a numpy array of the caller's own; any other as it is."""
        value = raw(self, 0)
        if not on_device(value):
            return value
        try:
            return fetched(value)
        except Exception:
            if not value.is_deleted():
                raise
        return self.alone(self._copied)  # a call was giving its memory to the next value

    def _copied(self) -> Any:
        value = raw(self, 0)
        return fetched(value) if on_device(value) else value

    def alone(self, work: Callable[[], T]) -> T:
        """``work()``, while no function runs that updates the variable."""
        return work() if self.group is None else self.group.alone(work)

    def __reduce__(self) -> tuple[type[Cell], tuple[Any]]:
        return Cell, (self[0],)
