"""Programs in C as functions: compiled, or found among those that are kept."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from theanojax.runtime.in_c.program import source_of
from theanojax.runtime.native.modules import module_of
from theanojax.runtime.native.source import Source

if TYPE_CHECKING:
    from collections.abc import Container

    from jax.extend.core import ClosedJaxpr

    from theanojax.runtime.in_c.program import Condition, Written

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

LONGEST = 60.0  # seconds that a compiler may take


def _has_glibc() -> bool:
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (ValueError, OSError):
        return False


class Program(NamedTuple):
    """A program in C.

    Attributes
    ----------
    run : a function from numpy arrays to a list of numpy arrays. If values are `replaced` there is an argument before
        all others: a function that makes of these arguments, arrays of jax, arrays that are nobody else's.
    entry : makes, of a tuple, what runs whole calls of a function; see `in_c.entry`.
    checks : whether calls by an entry look at the condition first.
    outputs : how many there are.
    given : the constants that each call is given before its arguments; `run` has them.
    release : lets go of the memory that is kept from call to call.
    replaced : position of an output -> that of the argument whose memory it takes over.
    """

    run: Callable[..., list[Any]]
    entry: Callable[[tuple[Any, ...]], Callable[..., Any]]
    checks: bool
    outputs: int
    given: Sequence[Any]
    release: Callable[[], None]
    replaced: Mapping[int, int]


def program_of(
    program: ClosedJaxpr,
    volatile: Container[int] = (),
    replaced: Mapping[int, int] | None = None,
    condition: Condition | None = None,
) -> Program:
    """`program`, a jaxpr, in C.

    `volatile` are positions of arguments that other threads write to meanwhile. `replaced` is what may be, see
    `Program`. `condition` has to be true before; `run` does not look at it. NotInC if the program is not written in C;
    MissingGXX and CompileError if it cannot be compiled; ImportError if something that it is linked with is not there.
    """
    return compiled(source_of(program, volatile, replaced or {}, condition))


def compiled(written: Written) -> Program:
    """What is written, as a Program. The errors are those of `program_of`."""
    libraries = ("mvec", "m") if sys.platform == "linux" and platform.machine() == "x86_64" and _has_glibc() else ()
    source = Source(written.text, "", OPTIONS, (), (), (), libraries, (VERSION,), None, ())
    module = module_of(source, nullcontext(), LONGEST)
    # partial, and no function in Python: a call that replaces values is one step, in which no signal is heard
    run = partial(module.run, *written.given) if written.given else module.run
    return Program(run, module.entry, written.checks, written.outputs, written.given, module.release, written.replaced)
