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

from theanojax.runtime.timing.sampling import Sampling, add_all

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
    from contextvars import Token
    from types import TracebackType

    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Thunk

    Seconds = dict[str, float]
    Layout = tuple[tuple[int, ...], tuple[int, ...] | str]

T = TypeVar("T")
K = TypeVar("K")

_current: ContextVar[Call | None] = ContextVar("theanojax_profiled_call", default=None)
is_looked_into = _current.get  # the innermost Call that is going on, or None


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

    def apart(self) -> float:
        """The seconds so far that are no part of the call."""
        return self.measuring + sum(self.making.values())

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
    nodes, other, making, runs, measuring : as of a Call; of the calls that were looked into.
    samplings : a Sampling for each function; they know of the calls that were only timed.
    late : thread -> list of (moment, a Call or seconds), of what was found to be no part of a call while it was only
        timed.
    layouts : variable -> (shape, strides or "c") of what Python's nodes gave last, or None where nobody asks.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.version = 0
        self.making: Seconds = {}
        self.samplings: list[Sampling] = []
        self.layouts: dict[Variable, Layout] | None = None
        self.late: dict[int, list[tuple[float, Call | float]]] = {}
        self.forget()

    def forget(self) -> None:
        """Forget the calls so far, but not what it took to make executables."""
        self.nodes: dict[Apply, list[float]] = {}
        self.other: Seconds = {}
        self.runs: dict[Hashable, list[float]] = {}
        self.measuring = 0.0
        self.version += 1
        for sampling in self.samplings:
            sampling.forget()

    def flush(self) -> None:
        """Count all calls that were only timed."""
        if any([sampling.flush() for sampling in self.samplings]):
            with self.lock:
                self.version += 1

    def totals(self) -> Recorder:
        """All calls: those that were only timed are like those of the same function that were looked into."""
        self.flush()
        whole = Recorder()
        with self.lock:
            whole._add(self)
            for sampling in self.samplings:
                calls, part = sampling.guess()
                whole.measuring += sampling.around
                if calls:
                    add_all(whole.nodes, sampling.nodes, calls, part)
                    add_all(whole.runs, sampling.runs, calls, part)
                    for name, seconds in sampling.other.items():
                        whole.other[name] = whole.other.get(name, 0.0) + seconds * calls * part
        return whole

    def only_timed(self) -> tuple[int, float, float]:
        """(number, seconds, seconds in the graph) of the calls that were only timed."""
        self.flush()
        n, spent, run = 0, 0.0, 0.0
        for sampling in self.samplings:
            n += sampling.calls
            spent += sampling.seconds
            if sampling.samples:
                run += min(sampling.seconds, sampling.run_seconds * sampling.calls / sampling.samples)
        return n, spent, run

    def sampling(self, seen: Callable[[int, float], object]) -> Sampling:
        """A Sampling for another function."""
        made = Sampling(seen, self.late)
        with self.lock:
            self.samplings.append(made)
        return made

    def kept(self, seconds: float) -> None:
        """Count `seconds` that keeping the profile of a call took."""
        with self.lock:
            self.measuring += seconds

    @contextmanager
    def late_call(self) -> Iterator[Call]:
        """A Call for what is found to need one while its thread's call is only timed; that adds it, if it ends well."""
        start, call = perf_counter(), Call(self, None)
        token = _current.set(call)
        try:
            yield call
        finally:
            _current.reset(token)
        self.late.setdefault(threading.get_ident(), []).append((start, call))

    def later(self, since: float) -> tuple[float, bool]:
        """(seconds since the moment `since` that are no part of the call, whether its nodes were counted)."""
        apart, counted = 0.0, False
        for start, found in self.late.pop(threading.get_ident(), ()):
            if start < since:  # of a call that was broken off, or of none
                continue
            if isinstance(found, Call):
                self.take(found)
                apart += found.apart()
                counted = counted or bool(found.runs)
            else:
                apart += found
        return apart, counted

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
            self._add(call)

    def _add(self, call: Call | Recorder) -> None:
        self.measuring += call.measuring
        for mine, its in ((self.other, call.other), (self.making, call.making)):
            for name, seconds in its.items():
                mine[name] = mine.get(name, 0.0) + seconds
        add_all(self.nodes, call.nodes)
        add_all(self.runs, call.runs)

    def note_layouts(self, variables: Iterable[Variable], values: Iterable[Any]) -> None:
        """Take note of what arrays look like in memory."""
        if self.layouts is None:
            self.layouts = {}
        for v, value in zip(variables, values):
            flags = getattr(value, "flags", None)
            if flags is not None:
                self.layouts[v] = value.shape, "c" if flags.c_contiguous else value.strides

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
                if self.layouts is not None:
                    self.note_layouts(node.outputs, [c[0] for c in getattr(thunk, "outputs", ())])
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
            before, start = call.booked, perf_counter()
            try:
                return function(*args)
            finally:
                call.other[name] = call.other.get(name, 0.0) + call.own(start, before)

        return run

    @contextmanager
    def making_of(self, name: str) -> Iterator[None]:
        """Book what is done inside as the step `name` towards an executable."""
        call = self.call()
        if call is None:
            start = perf_counter()
            yield
            seconds = perf_counter() - start
            with self.lock:
                self.making[name] = self.making.get(name, 0.0) + seconds
            self.late.setdefault(threading.get_ident(), []).append((start, seconds))
        else:
            with call.spending(call.making, name):
                yield
