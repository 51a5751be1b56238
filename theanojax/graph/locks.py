"""Who waits for whom when several threads compile and call functions.

A call that updates shared variables is as if it were alone with them: it holds the lock of its Group. A call that
updates nothing takes all values at one moment (see cells.py) and needs no lock.
"""

from __future__ import annotations

import os
import threading
import weakref
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypeVar

    from theanojax.graph.cells import Cell

    T = TypeVar("T")


_groups: weakref.WeakSet[Group] = weakref.WeakSet()


class Group:
    """Functions whose calls go one after the other, because one updates what another reads or updates."""

    __slots__ = ("lock", "joined", "number", "__weakref__")
    numbers = count()

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.joined: Group | None = None  # the group that this one has become part of
        self.number = next(self.numbers)  # locks are taken in this order
        _groups.add(self)

    def root(self) -> Group:
        """The group that this one is part of by now."""
        group = self
        while group.joined is not None:
            group = group.joined
        return group

    def held(self) -> bool:
        """Whether this thread runs a call of the group, or acts for one."""
        owned: bool = self.lock._is_owned()  # type: ignore[attr-defined]  # which the stubs keep to themselves
        return owned or nesting.serving

    def alone(self, work: Callable[[], T]) -> T:
        """``work()``, while no other call of the group runs."""
        if nesting.serving:
            return work()
        while True:
            group = self.root()
            with group.lock:
                if group.joined is None:
                    return work()


# Held while a graph is rewritten, planned, traced or linked: there is one such lock, so that nobody waits for two. Who
# holds it never waits for a call to end.
compiling = Group()
_registering = Group()


class _Nesting(threading.local):
    depth = 0
    serving = False  # whether this thread runs a callback of a call, which holds its locks in another thread


nesting = _Nesting()  # calls made from within calls: arrays that the outer one holds must stay


def nested(work: Callable[[], T]) -> T:
    """``work()``, a call from within another call of this thread."""
    nesting.depth += 1
    try:
        return work()
    finally:
        nesting.depth -= 1


def serving(callback: Callable[..., T]) -> Callable[..., T]:
    """`callback`, to be called by any thread on behalf of a call, with the locks of which it is."""

    def serve(*args: Any) -> T:
        before, nesting.serving = nesting.serving, True
        try:
            return nested(lambda: callback(*args))
        finally:
            nesting.serving = before

    return serve


def group_of(updated: Sequence[Cell], read: Sequence[Cell]) -> Group | None:
    """The Group of a function that updates the cells `updated` and also reads the cells `read`.

    None while this thread runs a function of one of several groups that would have to become one.
    """
    while True:
        with _registering.lock:
            roots = _roots(updated, read)
            if len(roots) < 2:
                group = roots[0] if roots else Group()
                _enter(group, updated, read)
                return group
        first, second = roots[:2]
        if first.held() or second.held():
            return None
        with first.lock, second.lock:  # no call of either is under way
            if first.joined is None and second.joined is None:
                second.joined = first


def _roots(updated: Sequence[Cell], read: Sequence[Cell]) -> list[Group]:
    """The groups, in the order of their numbers, that a function with these cells has to be one of."""
    found = {c.group.root() for c in (*updated, *read) if c.group is not None}
    found |= {g.root() for c in updated for g in c.readers or ()}
    return sorted(found, key=lambda group: group.number)


def _enter(group: Group, updated: Sequence[Cell], read: Sequence[Cell]) -> None:
    for cell in updated:
        cell.group, cell.readers = group, None
    for cell in read:
        if cell.group is None:
            if cell.readers is None:
                cell.readers = weakref.WeakSet()
            cell.readers.add(group)


def while_nobody_updates(cells: Iterable[list[Any]], work: Callable[[], T]) -> T:
    """``work()``, while no function runs that updates one of `cells`."""
    own = (getattr(c, "group", None) for c in cells)
    groups = sorted({g.root() for g in own if g is not None}, key=lambda group: group.number)

    def under(groups: list[Group]) -> T:
        if not groups:
            return work()
        with groups[0].lock:
            return under(groups[1:])

    return under(groups)


def hold_all(seconds: float) -> list[threading.RLock]:
    """Wait until no call is under way and keep it so; the locks of calls that take longer are left out."""
    ordered = sorted(_groups, key=lambda group: group.number)
    return [group.lock for group in ordered if group.lock.acquire(timeout=seconds)]


def _locks_anew() -> None:
    """In a forked process nobody is there any more to release what another thread held."""
    for group in _groups:
        group.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_locks_anew)
