"""Which calls of a profiled function are looked into: all, or, where they are so short that looking would take longer
than they do, a few of them. The others are only timed as a whole.
"""

from __future__ import annotations

import threading
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from theanojax.graph.variable import Apply
    from theanojax.runtime.timing.call import Call

COLD = 2  # calls that tell nothing of later ones: they meet cold caches
ALWAYS = 10  # calls before any is only timed
LONG = 1e-3  # seconds of a call beside which looking into it is nothing
ASKED = 3  # calls that are only timed, to know what looking costs
RECENT = 9  # calls that tell what looking costs
AGAIN = 20  # calls that were looked into after which it is asked anew
BUDGET = 0.2  # of the time of calls, what looking may cost
FARTHEST = 1000  # calls from one that is looked into to the next


def median_high(values: Sequence[float]) -> float:
    """The middle one, or the higher of two; `statistics` takes a while to import."""
    return sorted(values)[len(values) // 2]


class Sampling:
    """The calls of one function: those that were only timed, and those among them that were looked into.

    Attributes
    ----------
    light : seconds of the calls that were only timed, since somebody looked at them last. To append to a list no thread
        needs a lock.
    gap : a call is looked into when `light` has so many.
    calls, seconds : of those that were only timed.
    around : seconds of these which they could not time: being called, and keeping the time.
    samples : how many were looked into, without the first.
    nodes, other, runs : of the samples, as of a Call.
    run_seconds : what of the samples was the graph.
    """

    def __init__(self, seen: Callable[[int, float], object], late: dict[int, Any]) -> None:
        self.seen = seen  # told of calls that were only timed: their number and seconds
        self.late = late  # of the Recorder
        self.lock = threading.Lock()
        self.light: list[float] = []
        self.looked = 0
        self.walls: deque[float] = deque([0.0], maxlen=RECENT)  # seconds of calls that were looked into, and all around
        self.arounds: deque[float] = deque(maxlen=RECENT)
        self.usuals: deque[float] = deque(maxlen=RECENT)  # of calls that were only timed
        self.forget()

    def forget(self) -> None:
        self.light = []
        self.gap = 0  # the next call is looked into
        self.calls = self.samples = 0
        self.seconds = self.run_seconds = self.around = 0.0
        self.nodes: dict[Apply, list[float]] = {}
        self.other: dict[str, float] = {}
        self.runs: dict[Hashable, list[float]] = {}

    def flush(self, warm: bool = False) -> bool:
        """Count the calls that were only timed; whether there were any. `warm` says that one has just ended."""
        with self.lock:
            light = self.light
            n = len(light)
            if not n:
                return False
            batch = light[:n]
            del light[:n]
            spent = sum(batch)
            self.calls += n
            self.seconds += spent
            if warm or not self.arounds:
                self.arounds.append(around())
            self.around += n * median_high(self.arounds)  # of one that was disturbed many would be told
            self.usuals.append(median_high(batch))
        self.seen(n, spent)
        return True

    def note(self, call: Call, start: float, run_time: float, always: bool) -> None:
        """Take note of a call that was looked into and began at the moment `start`; that of all around it.

        `always` says that each call has to be looked into.
        """
        self.flush(True)
        with self.lock:
            usual = not (call.measuring or call.making)
            if usual and self.looked >= COLD:
                self.samples += 1
                self.run_seconds += run_time
                for name, spent in call.other.items():
                    self.other[name] = self.other.get(name, 0.0) + spent
                add_all(self.nodes, call.nodes)
                add_all(self.runs, call.runs)
            wall = perf_counter() - start
            if usual:
                self.walls.append(wall)
            self.looked += 1
            self.gap = 0 if always else self._next_gap(wall)

    def _next_gap(self, wall: float) -> int:
        import random

        if self.looked < ALWAYS or wall > LONG:
            return 0
        if not self.calls:
            return ASKED
        usual = median_high(self.usuals)
        gap = (median_high(self.walls) - usual) / (BUDGET * usual)
        gap *= random.uniform(0.5, 1.5)  # calls may be of several kinds, by turns
        if gap < 1:
            return ASKED if self.looked % AGAIN == 0 else 0
        return min(FARTHEST, int(gap))

    def guess(self) -> tuple[float, float]:
        """(calls, part) : what samples spent, times these two, is that of the calls which were only timed."""
        if not self.samples or not self.calls:
            return 0.0, 0.0
        calls = self.calls / self.samples
        spent = sum(self.other.values()) + sum(
            seconds for table in (self.nodes, self.runs) for seconds, _ in table.values()
        )
        return calls, min(1.0, self.seconds / (calls * spent)) if spent else 1.0


def add_all(mine: dict[Any, list[float]], its: dict[Any, list[float]], calls: float = 1, part: float = 1) -> None:
    """Add seconds and runs of the table `its`, as often as there were `calls`, and of the seconds this `part`."""
    for key, (seconds, runs) in its.items():
        entry = mine.setdefault(key, [0.0, 0])
        entry[0] += seconds * calls * part
        entry[1] += runs if calls == 1 else round(runs * calls)


class _Empty:
    """What a profiled function does around a call that is only timed."""

    def __init__(self) -> None:
        self.sampling, self.light = Sampling(lambda n, spent: None, {}), [0.0]

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        try:
            sampling = self.sampling
            if sampling is not None:
                start = perf_counter()
                self.light[0] = perf_counter() - start
        except Exception:
            raise


def around() -> float:
    """Seconds of a call that is only timed which the call itself cannot time: being called, and keeping the time."""
    empty = _Empty()
    empty(0.0, 0.0)  # the first call of anything takes longer: rows must not be more than the time there was
    start = perf_counter()
    empty(0.0, 0.0)
    return perf_counter() - start - empty.light[0]
