"""The C that is being written, and the memory that it works in."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.runtime.in_c.elements import ctype, literal, stored
from theanojax.runtime.in_c.places import Index, Memory, Number, Place, contiguous

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from theanojax.runtime.in_c.flat import Var

ALIGNED = 64
SIMD = "#pragma omp simd"  # no element of the loop after it is read after another one was written
MOST_WRITTEN = 1 << 12  # elements of a constant that are written into the C


class Loop:
    """A loop over elements that is being written.

    Attributes
    ----------
    line, depth : where it begins.
    number : of its variable; what is declared in it has higher ones.
    before : expression -> the name of its value, of what is computed before it.
    """

    def __init__(self, line: int, depth: int, number: int) -> None:
        self.line, self.depth, self.number = line, depth, number
        self.before: dict[str, str] = {}


DECLARED = re.compile(r"\b[isac](\d+)\b")  # names of numbers


class Text:
    """Lines of C, names, and room for what lies between inputs and outputs.

    Attributes
    ----------
    arrays : lines of C that go before all others: the memory between inputs and outputs.
    room : bytes of the memory that a call needs for what lies between.
    statics : lines of C that go before the function: arrays that are known.
    helpers : C functions that go before, too.
    given : (name, value) of larger ones, which are given to each call before its arguments.
    alike : whether texts of other lengths are to differ in numbers alone.
    """

    def __init__(self, alike: bool = False) -> None:
        self.alike = alike
        self.arrays: list[str] = []
        self.lines: list[str] = []
        self.open: list[Loop | None] = []  # the loops over elements, from the outermost; None stands for other blocks
        self.early: dict[int, int] = {}  # number of what was declared later than it stands -> that of what precedes it
        self.conditional = 0  # whether what is read is not read for all elements
        self.depth = 1
        self.names = 0
        self.room = 0
        self.free: list[tuple[int, int]] = []  # (start, bytes) of memory that was released
        self.taken: dict[str, tuple[int, int]] = {}
        self.needs_crew = False
        self.helpers: set[str] = set()
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
        self.open.append(None)
        yield
        self.end()

    @contextmanager
    def loops(self, shape: Sequence[int], pragma: str = "") -> Iterator[Index]:
        """Loops over an array of this shape; gives the index of an element."""
        index, opened = [], 0
        inner = max((d for d, n in enumerate(shape) if n != 1), default=-1)
        for d, n in enumerate(shape):
            if n == 1:
                index.append("0")
                continue
            index.append(self.loop(n, pragma if d == inner else ""))
            opened += 1
        yield index
        for _ in range(opened):
            self.end()

    def loop(self, n: int, pragma: str = "") -> str:
        """Begin a loop over elements, that read nothing that it writes; gives its variable."""
        i = self.steps(n, pragma)
        self.open[-1] = Loop(len(self.lines) - (2 if pragma else 1), self.depth - 1, self.names)
        return i

    def steps(self, n: int, pragma: str = "") -> str:
        """Begin a loop, of steps that may read what earlier ones have written; gives its variable."""
        i = self.name("i")
        if pragma:
            self.add(pragma)
        self.add("for (int64_t %s = 0; %s < %d; ++%s) {" % (i, i, n, i))
        self.depth += 1
        self.open.append(None)
        return i

    def end(self) -> None:
        self.open.pop()
        self.depth -= 1
        self.add("}")

    def number(self, v: Var, value: str) -> str:
        """A name for a number that is computed here."""
        name = self.name("s")
        self.add("const %s %s = %s;" % (ctype(v.dtype), name, value))
        return name

    def index(self, value: str, kind: str = "const int64_t") -> str:
        """`value`, such as an index that is in memory, as a name: it is read before the loops that it is the same in.

        Compilers do not know that what these loops write is elsewhere.
        """
        if self.conditional:
            return value
        used = max([self.early.get(n, n) for n in map(int, DECLARED.findall(value))], default=0)
        at = len(self.open)
        while at and (loop := self.open[at - 1]) is not None and used < loop.number:
            at -= 1
        if at == len(self.open):
            return value
        outer = self.open[at]
        assert outer is not None, "one of the loops that were passed"
        if value not in outer.before:
            name = outer.before[value] = self.name("s")
            self.early[self.names] = outer.number - 1
            self.lines.insert(outer.line, "%s%s %s = %s;" % ("    " * outer.depth, kind, name, value))
            for loop in self.open[at:]:
                if loop is not None:
                    loop.line += 1
        return outer.before[value]

    def array(self, v: Var) -> Memory:
        """Memory for an array, until it is released."""
        name, kind = self.name("b"), stored(v.dtype)
        size = -(-max(v.size, 1) * v.dtype.itemsize // ALIGNED) * ALIGNED
        fitting = [free for free in self.free if free[1] == size or free[1] > size and not self.alike]
        if fitting:
            start, room = min(fitting, key=lambda free: free[1])
            self.free.remove((start, room))
            if room > size:
                self.free.append((start + size, room - size))
        else:
            start = self.room
            self.room += size
        self.arrays.append("    %s* const %s = (%s*)(room + %d);" % (kind, name, kind, start))
        self.taken[name] = start, size
        return Memory(name, contiguous(v.shape))

    def release(self, base: str) -> None:
        """Let the memory `base` be used again, if it is between inputs and outputs."""
        if base not in self.taken:
            return
        start, size = self.taken.pop(base)
        for other in [f for f in self.free if f[0] + f[1] == start or start + size == f[0]] * (not self.alike):
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
