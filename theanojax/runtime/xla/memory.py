"""How much memory this process can ever have: what is larger is refused before anybody tries to allocate it.

Linux hands out more than there is and ends the process that uses it; XLA aborts on a size beyond 64 bits.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator

ADDRESS_SPACE = 1 << 47  # bytes that a process can address on today's 64-bit machines


def limit() -> int:
    """The bytes that this process can ever have."""
    return min(_machine(), _resource_limit())


def check(nbytes: int, what: str) -> None:
    """MemoryError, in numpy's words, if no `what` of so many bytes can be had."""
    if nbytes > limit():
        raise MemoryError("Unable to allocate %s for %s" % (readable(nbytes), what))


def readable(count: float) -> str:
    """A number of bytes as numpy's MemoryError gives it: three digits and a unit."""
    unit, units = "bytes", ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    while units and round(count) >= 1024:
        count, unit = count / 1024, units.pop(0)
    return "%s %s" % (
        "%d" % count if unit == "bytes" else "%#.3g" % count if round(count) < 1000 else "%#.0f" % count,
        unit,
    )


@functools.cache
def _machine() -> int:
    """Physical memory, or the part of it that a control group allows, and the swap space."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf, another system may not know the name
        return ADDRESS_SPACE
    return min([memory, *_control_groups()]) + _swap()


def _control_groups() -> Iterator[int]:
    """The limits of the control groups around this process (of both versions, Linux)."""
    for line in _lines("/proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root, name = ("memory", "memory.limit_in_bytes") if controllers else ("", "memory.max")
        while True:
            for limit in _lines(os.path.join("/sys/fs/cgroup", root, path.strip("/"), name)):
                if limit.isdigit():  # or "max"
                    yield int(limit)
            if path in ("", "/"):
                break
            path = os.path.dirname(path)


def _swap() -> int:
    for line in _lines("/proc/meminfo"):
        if line.startswith("SwapTotal:"):
            return int(line.split()[1]) << 10
    return 0


def _lines(path: str) -> list[str]:
    try:
        with open(path) as file:
            return file.read().splitlines()
    except OSError:  # not this kind of system
        return []


def _resource_limit() -> int:
    """The lowest of the limits that the process, or its parent, has set itself."""
    try:
        import resource
    except ImportError:  # Windows
        return ADDRESS_SPACE
    soft = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    return min([ADDRESS_SPACE, *[s for s in soft if s != resource.RLIM_INFINITY]])
