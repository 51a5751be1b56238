"""How much memory this process can ever have, and the pages that large values lie in.

What is larger than all memory is refused before anybody tries to allocate it: Linux hands out more than there is and
ends the process that uses it; XLA aborts on a size beyond 64 bits.

numpy asks Linux for pages of 2 MB instead of 4 KB where its arrays lie, XLA does not. Rows read here and there in a
table of hundreds of megabytes take a tenth to a fifth longer for it, as each page's place has to be looked up:
``in_large_pages`` asks in its stead.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jax

ADDRESS_SPACE = 1 << 47  # bytes that a process can address on today's 64-bit machines

LARGE = 1 << 22  # bytes of an array from which on numpy asks for large pages
AT_ONCE = 1 << 25  # bytes that are moved by one system call
HUGEPAGE, COLLAPSE = 14, 25  # what madvise(2) calls MADV_HUGEPAGE and MADV_COLLAPSE
SETTING = "/sys/kernel/mm/transparent_hugepage/enabled"


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


# ---------------------------------------------------------------- pages
def in_large_pages(arrays: Sequence[jax.Array]) -> None:
    """Have the memory of those of `arrays` that are large moved to large pages, in the background.

    Nothing of what is in it changes, so it may be in use meanwhile, or be given back.
    """
    large = [(a.unsafe_buffer_pointer(), a.nbytes) for a in arrays if a.nbytes >= LARGE]
    if large and (madvise := _madvise()) is not None:
        with suppress(RuntimeError):  # there is no thread to be had: pages stay as they are
            threading.Thread(target=_move, args=(madvise, large), name="theanojax-pages", daemon=True).start()


def _move(madvise: Callable[[int, int, int], int], places: Sequence[tuple[int, int]]) -> None:
    page = os.sysconf("SC_PAGE_SIZE")
    for address, nbytes in places:
        start, end = -(-address // page) * page, (address + nbytes) // page * page
        error = madvise(start, end - start, HUGEPAGE)
        while start < end and error in (0, errno.EAGAIN):  # for some page there was no room just now
            stop = min(start // AT_ONCE * AT_ONCE + AT_ONCE, end)
            error = madvise(start, stop - start, COLLAPSE)  # Linux before 6.1 has no such thing: when it finds the time
            start = stop


@functools.cache
def _madvise() -> Callable[[int, int, int], int] | None:
    """madvise(2), which gives the number of an error, where Linux gives large pages to who asks for them.

    None if nobody is to ask: numpy has been told not to.
    """
    if sys.platform != "linux" or os.environ.get("NUMPY_MADVISE_HUGEPAGE") == "0":
        return None
    if not any("[madvise]" in line for line in _lines(SETTING)):
        return None
    function = ctypes.CDLL(None, use_errno=True).madvise
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return lambda *advice: ctypes.get_errno() if function(*advice) else 0


# ---------------------------------------------------------------- limits
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
