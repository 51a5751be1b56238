"""The cores that XLA computes with on the CPU: those that the process may use.

XLA counts the cores that the process may run on (``taskset``), and knows nothing of ``OMP_NUM_THREADS``, which numpy
and Theano heed, nor of a share of the machine's time (``docker --cpus``), beyond which a process is halted. It asks the
variable ``NPROC`` first, as it starts. One that the user has set stays.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager

import jax

VARIABLE = "NPROC"
GROUPS = "/sys/fs/cgroup"
MINE = "/proc/self/cgroup"


@functools.cache
def count() -> int:
    """How many there are: found once, as XLA does."""
    given = _number(os.environ.get(VARIABLE, ""))
    if given is not None:
        return given
    wanted = _number(os.environ.get("OMP_NUM_THREADS", "").split(",")[0])
    there = [n for n in (wanted, _share()) if n is not None]
    return min([_scheduled(), *there])


@functools.cache
def start() -> str:
    """Have jax start its back ends, if they are not up, and give the name of its first.

    RuntimeError if one that the user asks for cannot be started.
    """
    with told():
        name: str = jax.default_backend()
        return name


@contextmanager
def told() -> Iterator[None]:
    """XLA counts the cores by `count` in here, if that is not what it would do anyway."""
    tell = VARIABLE not in os.environ and count() != _scheduled()
    if tell:
        os.environ[VARIABLE] = str(count())
    try:
        yield
    finally:
        if tell:
            os.environ.pop(VARIABLE, None)


def _number(text: str) -> int | None:
    """`text` as a number of cores, or None."""
    return int(text) if text.strip().isdigit() and int(text) > 0 else None


def _scheduled() -> int:
    """The cores that the process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _share() -> int | None:
    """The cores that the time which control groups allow amounts to, rounded up; None if there is no limit."""
    try:
        with open(MINE) as file:
            rows = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return None
    found = []
    for _, controllers, path in rows:
        first = "cpu" in controllers.split(",")
        if controllers and not first:
            continue
        top = os.path.join(GROUPS, "cpu") if first else GROUPS
        while True:  # a limit of a group holds for those in it; a container sees its own as the top
            limit = _limit(os.path.join(top, path.lstrip("/")), first)
            found += [limit] if limit is not None else []
            if path in ("/", ""):
                break
            path = os.path.dirname(path)
    return max(1, math.ceil(min(found))) if found else None


def _limit(folder: str, first: bool) -> float | None:
    """The cores that one control group, of the first or the second kind, allows."""
    try:
        if first:
            words = [_line(folder, "cpu.cfs_quota_us"), _line(folder, "cpu.cfs_period_us")]
        else:
            words = _line(folder, "cpu.max").split()
        quota, period = map(int, words)  # "max" and -1 stand for no limit
    except (OSError, ValueError):
        return None
    return quota / period if quota > 0 and period > 0 else None


def _line(folder: str, name: str) -> str:
    with open(os.path.join(folder, name)) as file:
        return file.readline().strip()
