"""Calls of profiled functions: whatever is timed adds to the Call that is going on, and a Recorder adds up the calls.

Times are exclusive: what is timed inside of something else is taken off it. What nobody times is the rest of a call, so
that all parts of it add up to the whole.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence
    from contextvars import Token
    from types import TracebackType

    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Thunk

    Seconds = dict[str, float]

T = TypeVar("T")
K = TypeVar("K")

_current: ContextVar[Call | None] = ContextVar("theanojax_profiled_call", default=None)


class Call:
    """What one call has spent so far, in seconds.

    Attributes
    ----------
    nodes : node -> [seconds, runs], of what Python runs node by node.
    other : name of what is no node -> seconds.
    making : name of a step towards an executable -> seconds.
    runs : executable -> [seconds, runs].
    measuring : of the measurement itself.
    booked : all of these together.
    """

    __slots__ = ("booked", "making", "measuring", "nodes", "other", "outer", "recorder", "runs", "token")

    token: Token[Call | None]

    def __init__(self, recorder: Recorder, outer: Call | None) -> None:
        self.recorder, self.outer = recorder, outer
        self.nodes: dict[Apply, list[float]] = {}
        self.other: Seconds = {}
        self.making: Seconds = {}
        self.runs: dict[Hashable, list[float]] = {}
        self.measuring = self.booked = 0.0

    def __enter__(self) -> Call:
        self.token = _current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        _current.reset(self.token)
        if kind is None:
            self.recorder.take(self)

    def own(self, start: float, before: float) -> float:
        """The seconds since `start`, when `before` were booked, without those booked meanwhile; books them."""
        seconds = perf_counter() - start
        own = seconds - (self.booked - before)
        self.booked = before + seconds
        return own

    @contextmanager
    def spending(self, table: Seconds, name: str) -> Iterator[None]:
        """Book what is done inside as `name` in `table`, one of the dictionaries of seconds."""
        before, start = self.booked, perf_counter()
        try:
            yield
        finally:
            table[name] = table.get(name, 0.0) + self.own(start, before)

    @contextmanager
    def measuring_time(self) -> Iterator[None]:
        """What is done inside is done for the sake of the profile, and is no part of the call."""
        before, start = self.booked, perf_counter()
        try:
            yield
        finally:
            self.measuring += self.own(start, before)

    def add(self, table: dict[K, list[float]], key: K, seconds: float) -> None:
        entry = table.get(key)
        if entry is None:
            table[key] = [seconds, 1]
        else:
            entry[0] += seconds
            entry[1] += 1


def originals(outputs: Sequence[Variable], copies: Sequence[Variable]) -> dict[Apply, Apply]:
    """node -> the one that it is a copy of; the graphs of `copies` are those of `outputs`, or parts of them."""
    found: dict[Apply, Apply] = {}
    todo = list(zip(outputs, copies))
    while todo:
        old, new = todo.pop()
        if new.owner is not None and old.owner is not None and new.owner not in found:
            found[new.owner] = old.owner
            todo += zip(old.owner.inputs, new.owner.inputs)
    return found


class Recorder:
    """Adds up Calls. Threads may call at the same time; a call that is broken off leaves nothing.

    Attributes
    ----------
    nodes, other, making, runs, measuring : as of a Call.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.version = 0
        self.making: Seconds = {}
        self.forget()

    def forget(self) -> None:
        """Forget the calls so far, but not what it took to make executables."""
        self.nodes: dict[Apply, list[float]] = {}
        self.other: Seconds = {}
        self.runs: dict[Hashable, list[float]] = {}
        self.measuring = 0.0
        self.version += 1

    def call(self) -> Call | None:
        """The innermost call of this recorder that this thread is in, or None."""
        call = _current.get()
        while call is not None and call.recorder is not self:
            call = call.outer
        return call

    def calling(self) -> Call:
        """The context of a call: a Call, whose times are added once it has ended well."""
        return Call(self, _current.get())

    def take(self, call: Call | Recorder) -> None:
        with self.lock:
            self.version += 1
            self.measuring += call.measuring
            for mine, its in ((self.other, call.other), (self.making, call.making)):
                for name, seconds in its.items():
                    mine[name] = mine.get(name, 0.0) + seconds
            _add_all(self.nodes, call.nodes)
            _add_all(self.runs, call.runs)

    # ---------------------------------------------------------------- what is timed
    def timed(self, node: Apply, thunk: Thunk) -> Thunk:
        """`thunk`, which runs `node`, with its time taken."""
        lazy = getattr(thunk, "lazy", False)

        def run() -> Sequence[int] | None:
            call = self.call()
            if call is None:
                return thunk()
            before, start = call.booked, perf_counter()
            asked = thunk()
            own = call.own(start, before)
            if asked and lazy:  # it only says what it needs
                call.other["lazy conditions"] = call.other.get("lazy conditions", 0.0) + own
            else:
                call.add(call.nodes, node, own)
            return asked

        function: Any = run
        function.lazy = lazy
        for name in ("inputs", "outputs"):
            if hasattr(thunk, name):
                setattr(function, name, getattr(thunk, name))
        timed: Thunk = function
        return timed

    def noting(self, nodes: Sequence[Apply]) -> Callable[[Sequence[float]], None]:
        """A function of the moments before the first, and after each, of `nodes` was run by generated code."""

        def note(moments: Sequence[float]) -> None:
            call = self.call()
            if call is None:
                return
            for node, start, end in zip(nodes, moments, moments[1:]):
                call.add(call.nodes, node, end - start)
            call.booked += moments[-1] - moments[0]

        return note

    def spending(self, name: str, function: Callable[..., T]) -> Callable[..., T]:
        """`function`, with its time taken as that of `name`."""

        def run(*args: Any) -> T:
            call = self.call()
            if call is None:
                return function(*args)
            with call.spending(call.other, name):
                return function(*args)

        return run

    @contextmanager
    def making_of(self, name: str) -> Iterator[None]:
        """Book what is done inside as the step `name` towards an executable."""
        call = self.call()
        if call is None:
            start = perf_counter()
            yield
            with self.lock:
                self.making[name] = self.making.get(name, 0.0) + perf_counter() - start
        else:
            with call.spending(call.making, name):
                yield


def _add_all(mine: dict[K, list[float]], its: dict[K, list[float]]) -> None:
    for key, (seconds, runs) in its.items():
        entry = mine.setdefault(key, [0.0, 0])
        entry[0] += seconds
        entry[1] += runs
