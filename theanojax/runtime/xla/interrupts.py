"""Loops in XLA that Ctrl-C can end.

While XLA computes, Python's main thread waits inside it and sees no signal. A loop that may take long therefore runs in
a thread of ours: the main thread waits where a signal reaches it, and then raises a flag in memory that the loop
looks at before each step (XLA reads numpy's memory where it lies). A loop of known pace that will be done soon runs
where it is called, with a flag that nobody raises: the look costs nothing measurable, changing threads 10 us.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

import jax

from theanojax.arrays import aligned_empty
from theanojax.graph.locks import compiling
from theanojax.runtime.xla import devices

if TYPE_CHECKING:
    from theanojax.runtime.hints import NumpyArray

T = TypeVar("T")

LONG = 0.2  # seconds that a signal may have to wait
BRIEF = 0.01  # seconds of loops whose pace need not be looked at again
SOON = 0.5  # seconds in which a loop that was told to end has ended

_pool: ThreadPoolExecutor | None = None
_never: jax.Array | None = None
_lowered = np.zeros(16, "int32")


def new_flag() -> tuple[NumpyArray, jax.Array]:
    """(the memory of a flag, the flag for XLA): the loops that got it end once the memory is not 0."""
    memory = aligned_empty((16,), "int32")
    memory[:] = 0
    return memory, devices.put(memory)


def never() -> jax.Array:
    """The flag of loops that nothing ends early: a value for the argument that TraceContext.stop stands for."""
    global _never
    if _never is None:
        _never = new_flag()[1]
    return _never


def lowered() -> NumpyArray:
    """The same for loops in C."""
    return _lowered


class Pace:
    """What a step of the loops of one executable takes, in seconds, by its last call."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds: float | None = None

    def is_long(self, steps: int | None) -> bool:
        """Whether `steps` steps (None: nobody knows how many) may take long, or do so for all that is known."""
        return steps is None or self.seconds is None or steps * self.seconds > LONG

    def is_brief(self, steps: int | None) -> bool:
        return steps is not None and self.seconds is not None and steps * self.seconds < BRIEF

    def note(self, steps: int | None, seconds: float) -> None:
        self.seconds = seconds / max(1, steps or 1)


def can_arrive() -> bool:
    """Whether signals arrive in this thread; a thread that compiles must not wait for another that may have to."""
    return threading.get_ident() == threading.main_thread().ident and not compiling.held()


class _Job(Generic[T]):
    def __init__(self, work: Callable[[jax.Array], T]) -> None:
        context = copy_context()
        self.work: Callable[[jax.Array], T] = lambda flag: context.run(work, flag)
        self.results: list[T] = []  # one, once the work is done
        self.error: BaseException | None = None
        self.memory, self.flag = new_flag()
        self.done = threading.Lock()
        self.done.acquire()

    def run(self) -> None:
        try:
            if not self.memory[0]:
                self.results.append(self.work(self.flag))
        except BaseException as error:  # the thread that waits raises it
            self.error = error
        finally:
            del self.work  # which holds arguments
            self.done.release()


def run(work: Callable[[jax.Array], T]) -> T:
    """``work(flag)`` in another thread. An exception that a signal raises here ends the loops that got the flag."""
    global _pool
    pool = _pool
    if pool is None:
        pool = _pool = ThreadPoolExecutor(1, "theanojax-loops")  # Python waits for its thread before it ends
    job = _Job(work)
    try:
        pool.submit(job.run)
        while not job.done.acquire(timeout=60):  # without a timeout some systems do not wake up for signals
            continue
    except BaseException:
        job.memory[:] = 1
        # What is no loop may go on: nobody waits for its result, and the next job has a thread of its own.
        if _pool is pool:  # else the handler of the signal ran a loop itself, which was ended first
            _pool = None
        pool.shutdown(wait=False)
        job.done.acquire(timeout=SOON)
        raise
    if job.error is not None:
        try:
            raise job.error
        finally:
            del job  # the error's traceback leads here
    return job.results[0]


def _in_child() -> None:
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
