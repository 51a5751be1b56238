"""Functions in forked processes (multiprocessing's default on Linux for long): XLA's threads stay behind.

A call into XLA would wait for them for ever. So a child runs on the host executor whatever its parent has compiled,
and before a fork the parent waits until the values of shared variables are there, which the child can then read.
"""

from __future__ import annotations

import os
import sys
import weakref
from typing import TYPE_CHECKING, Protocol

from theanojax.graph import locks
from theanojax.runtime.policy import background

if TYPE_CHECKING:
    import threading


class Planned(Protocol):
    """What has a plan that no child can follow."""

    @property
    def planned(self) -> bool: ...

    def plan_anew(self) -> None: ...


PATIENCE = 5  # seconds to wait for each call of another thread before a fork

in_child = False  # whether this process was forked from one that uses XLA
_held: list[threading.RLock] = []  # the locks held during a fork
executors: weakref.WeakSet[Planned] = weakref.WeakSet()  # the XlaExecutors there are


def _before() -> None:
    _held.extend(locks.hold_all(PATIENCE))  # no call gives buffers away meanwhile
    jax = sys.modules.get("jax")  # which a process that has only scalar programs does not need
    if jax is not None and any(executor.planned for executor in executors):
        jax.block_until_ready([a for a in jax.live_arrays() if not a.is_deleted()])


def _in_parent() -> None:
    while _held:
        _held.pop().release()


def _in_child() -> None:
    global in_child
    in_child = "jax" in sys.modules
    _held.clear()
    background.forget()
    for executor in executors:
        executor.plan_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
