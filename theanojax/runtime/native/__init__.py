"""C code: what Ops that are written in C, and in nothing else, run. Nothing is compiled before such an Op is met."""

from __future__ import annotations

from theanojax.runtime.native.call import (
    build as build,
    build_loop as build_loop,
    can_build as can_build,
    elementwise as elementwise,
    run as run,
)
from theanojax.runtime.native.compiler import GCC_compiler as GCC_compiler
