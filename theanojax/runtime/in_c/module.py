"""Programs in C as functions: compiled, or found among those that are kept."""

from __future__ import annotations

import os
import platform
import sys
import threading
from typing import TYPE_CHECKING

from theanojax.runtime.in_c.program import source_of
from theanojax.runtime.native.modules import module_of
from theanojax.runtime.native.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping
    from typing import Any

    from jax.extend.core import ClosedJaxpr

# Arithmetic is numpy's: integers wrap around, and a product that is added to something is rounded before.
OPTIONS = (
    "-march=native",
    "-fwrapv",
    "-fno-trapping-math",
    "-ffp-contract=off",
    "-fopenmp-simd",
    "-fno-strict-aliasing",
    # what is chosen from is computed for all elements, so that several are at once
    "-fno-tree-sink",
)
VERSION = 1  # of what is written

_lock = threading.Lock()  # of its own: who compiles for XLA does not wait


def _has_glibc() -> bool:
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (ValueError, OSError):
        return False


def run_of(
    program: ClosedJaxpr, volatile: Container[int] = (), replaced: Mapping[int, int] = {}
) -> Callable[..., list[Any]]:
    """A function from numpy arrays to a list of numpy arrays: `program`, in C.

    `volatile` are positions of arguments that other threads write to meanwhile. `replaced` maps positions of outputs to
    those of arguments, arrays of jax, whose memory they take over; then there is an argument before all others: a
    function that makes of these arguments arrays that are nobody else's.
    NotInC if the program is not written in C; MissingGXX and CompileError if it cannot be compiled; ImportError if
    something that it is linked with is not there.
    """
    written = source_of(program, volatile, replaced)
    libraries = ("mvec", "m") if sys.platform == "linux" and platform.machine() == "x86_64" and _has_glibc() else ()
    source = Source(written.text, "", OPTIONS, (), (), (), libraries, (VERSION,), None, ())
    run: Callable[..., list[Any]] = module_of(source, _lock).run
    if not written.given:
        return run
    given = tuple(written.given)
    return lambda *args: run(*args, *given)
