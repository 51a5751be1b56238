"""What XLA does while something runs, instruction by instruction, as jax's profiler tells it.

There is one profiler in a process. Where somebody else uses it nothing is measured.
"""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
import threading
import warnings
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import jax

from theanojax.graph.signals import by_signal, undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

_alone: Any = threading.RLock()  # the hints for it leave out how to ask who holds it
_first_stats: list[object] = []


def look(work: Callable[[], object]) -> jax.profiler.ProfileData | None:
    """``work()`` with the profiler on; the jax.profiler.ProfileData, or None where the profiler could not be had.

    Whatever happens, a signal included, it is off afterwards.
    """
    if _alone._is_owned():  # called by what is being looked at
        work()
        return None
    folder, ours = None, True
    try:
        if _alone.acquire(blocking=False):
            try:
                folder = tempfile.mkdtemp(prefix="theanojax-profile-")
                undisturbed(partial(_start, folder))
            except Exception as error:  # most often the profiler is somebody else's
                if by_signal(error):
                    raise
                ours = False
        else:
            ours = False
        work()
        if not ours or folder is None:
            return None
        ours = False
        return undisturbed(partial(_stop, folder))
    finally:
        if ours and folder is not None:
            undisturbed(partial(_stop, folder))
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        if _alone._is_owned():
            _alone.release()


def _start(folder: str) -> None:
    options = jax.profiler.ProfileOptions()
    options.python_tracer_level = 0
    options.host_tracer_level = 1
    jax.profiler.start_trace(folder, profiler_options=options)


def _stop(folder: str) -> jax.profiler.ProfileData | None:
    try:
        jax.profiler.stop_trace()
        files = glob.glob(os.path.join(folder, "**", "*.xplane.pb"), recursive=True)
        return jax.profiler.ProfileData.from_file(files[0]) if files else None
    except Exception:  # what is wrong with a measurement is not wrong with the call
        return None


@contextmanager
def alone() -> Iterator[None]:
    """While the context lasts, nothing is looked at; it waits for what is."""
    with _alone:
        yield


def seconds(
    data: jax.profiler.ProfileData, module: str, names: Container[str], containers: Container[str]
) -> tuple[dict[str, float], dict[str, int], bool]:
    """(seconds by instruction, number of runs by instruction, whether all were seen to the end).

    While several run side by side each has its part of the time, so that the sum is the time in which anything ran.

    Parameters
    ----------
    data : jax.profiler.ProfileData
    module : name of the HLO module.
    names : the instructions that count.
    containers : those of them that run others, whose own time is that in which none of these runs.
    """
    spans: list[tuple[float, float, str]] = []
    counts: dict[str, int] = {}
    whole = True
    for plane in data.planes:
        everything = plane.name.startswith("/device:")  # whose events have the names of kernels
        begun, ended = [], {}
        for line in plane.lines:
            for event in line.events:
                name = event.name
                if name.startswith("end: "):  # what other threads go on with ends later than its event
                    if name[5:] in names:
                        ended[_stats(event).get("_c")] = event.end_ns
                elif everything or name in names:
                    stats = _stats(event)
                    if stats.get("hlo_module") == module:
                        name = stats.get("hlo_op", name)
                        counts[name] = counts.get(name, 0) + 1
                        begun.append((event.start_ns, event.end_ns, name, stats.get("_p")))
        whole = whole and ended.keys() <= {number for *_, number in begun}
        spans += [(start, max(end, ended.get(number, end)), name) for start, end, name, number in begun]
    return _shared(spans, containers), counts, whole


def _stats(event: Any) -> dict[str, Any]:
    """What is known of an event."""
    if not _first_stats:  # jaxlib makes their class with the first of them, warns, and aborts where that is an error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _first_stats.append(event.stats)  # which is kept, for the class would go with the last of them
    return dict(event.stats)


def _shared(spans: Sequence[tuple[float, float, str]], containers: Container[str]) -> dict[str, float]:
    """Seconds by name of `spans`, (start, end, name) in nanoseconds."""
    moments = [(start, 1, name) for start, _, name in spans] + [(end, -1, name) for _, end, name in spans]
    moments.sort()
    spent: dict[str, float] = {}
    active: dict[str, int] = {}
    around: dict[str, int] = {}
    before = 0.0
    for moment, step, name in moments:
        running = active or around
        if running and moment > before:
            part = (moment - before) * 1e-9 / sum(running.values())
            for other, n in running.items():
                spent[other] = spent.get(other, 0.0) + part * n
        before = moment
        table = around if name in containers else active
        table[name] = table.get(name, 0) + step
        if not table[name]:
            del table[name]
    return spent
