"""The C that is being written, and the memory that it works in."""

from __future__ import annotations

from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.runtime.in_c.elements import ctype, literal, stored
from theanojax.runtime.in_c.flat import NotInC
from theanojax.runtime.in_c.places import Index, Memory, Number, Place, contiguous

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from theanojax.runtime.in_c.flat import Var

ALIGNED = 64
SIMD = "#pragma omp simd"  # no element of the loop after it is read after another one was written
MOST_ELEMENTS = 1 << 19  # of a loop; XLA gives longer ones to several threads
MOST_WRITTEN = 1 << 12  # elements of a constant that are written into the C


def check_length(elements: int) -> None:
    """NotInC for a loop that XLA is quicker at, by several threads."""
    if elements > MOST_ELEMENTS:
        raise NotInC("a loop over %d elements" % elements)


class Text:
    """Lines of C, names, and room for what lies between inputs and outputs.

    Attributes
    ----------
    room : bytes of the memory that a call needs for what lies between.
    statics : lines of C that go before the function: arrays that are known.
    given : (name, value) of larger ones, which are given to each call before its arguments.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 1
        self.names = 0
        self.room = 0
        self.free: list[tuple[int, int]] = []  # (start, bytes) of memory that was released
        self.taken: dict[str, tuple[int, int]] = {}
        self.needs_blas = False
        self.statics: list[str] = []
        self.given: list[tuple[str, Var]] = []
        self.constants: dict[Var, Place] = {}

    def add(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    def name(self, kind: str) -> str:
        self.names += 1
        return "%s%d" % (kind, self.names)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.add(head + " {")
        self.depth += 1
        yield
        self.depth -= 1
        self.add("}")

    @contextmanager
    def loops(self, shape: Sequence[int], pragma: str = "") -> Iterator[Index]:
        """Loops over an array of this shape; gives the index of an element."""
        check_length(prod(shape))
        index, opened = [], 0
        inner = max((d for d, n in enumerate(shape) if n != 1), default=-1)
        for d, n in enumerate(shape):
            if n == 1:
                index.append("0")
                continue
            if d == inner and pragma:
                self.add(pragma)
            index.append(self.loop(n))
            opened += 1
        yield index
        for _ in range(opened):
            self.end()

    def loop(self, n: int) -> str:
        i = self.name("i")
        self.add("for (int64_t %s = 0; %s < %d; ++%s) {" % (i, i, n, i))
        self.depth += 1
        return i

    def end(self) -> None:
        self.depth -= 1
        self.add("}")

    def number(self, v: Var, value: str) -> str:
        """A name for a number that is computed here."""
        name = self.name("s")
        self.add("const %s %s = %s;" % (ctype(v.dtype), name, value))
        return name

    def array(self, v: Var) -> Memory:
        """Memory for an array, until it is released."""
        name, kind = self.name("b"), stored(v.dtype)
        size = -(-max(v.size, 1) * v.dtype.itemsize // ALIGNED) * ALIGNED
        fitting = [free for free in self.free if free[1] >= size]
        if fitting:
            start, room = min(fitting, key=lambda free: free[1])
            self.free.remove((start, room))
            if room > size:
                self.free.append((start + size, room - size))
        else:
            start = self.room
            self.room += size
        self.lines.insert(0, "    %s* const %s = (%s*)(room + %d);" % (kind, name, kind, start))
        self.taken[name] = start, size
        return Memory(name, contiguous(v.shape))

    def release(self, base: str) -> None:
        """Let the memory `base` be used again, if it is between inputs and outputs."""
        if base not in self.taken:
            return
        start, size = self.taken.pop(base)
        for other in [f for f in self.free if f[0] + f[1] == start or start + size == f[0]]:
            self.free.remove(other)
            start, size = min(start, other[0]), size + other[1]
        self.free.append((start, size))

    def constant(self, v: Var) -> Place:
        """The place of a value that is known."""
        if v not in self.constants:
            self.constants[v] = self._constant(v, np.asarray(v.literal).ravel())
        return self.constants[v]

    def _constant(self, v: Var, values: Any) -> Place:
        if not len(values):
            return Number("0")
        if len(values) == 1 or (values == values[0]).all() and (values[0] or not np.signbit(values.astype("d")).any()):
            return Number(literal(values[0], v.dtype))
        name, kind = self.name("k"), stored(v.dtype)
        if len(values) > MOST_WRITTEN:
            self.given.append((name, v))
        else:
            self.statics.append("const %s %s[] = {%s};" % (kind, name, ", ".join(literal(x, v.dtype) for x in values)))
        return Memory(name, contiguous(v.shape))

    def copy(self, v: Var, place: Place, to: Memory) -> None:
        """Copy a value, like `v`, from one place to another, which is not read from meanwhile."""
        with self.loops(v.shape, SIMD) as index:
            self.add("%s = %s;" % (to.read(index), place.read(index)))
