"""Where a value is while C is written: a number, memory with strides, or what is computed from such when it is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from theanojax.runtime.hints import Shape

Index = Sequence[str]  # one C expression for each dimension


class Place:
    """`bases` are the names of the memory that is read when the value is."""

    bases: frozenset[str] = frozenset()

    def read(self, index: Index) -> str:
        raise NotImplementedError


class Number(Place):
    def __init__(self, text: str) -> None:
        self.text = text

    def read(self, index: Index) -> str:
        return self.text


class Memory(Place):
    """Elements at ``base[offset + sum(index * strides)]``."""

    def __init__(self, base: str, strides: Sequence[int], offset: str = "", also: frozenset[str] = frozenset()) -> None:
        self.base, self.strides, self.offset = base, tuple(strides), offset
        self.bases = frozenset([base]) | also

    def at(self, index: Index) -> str:
        parts = [self.offset] if self.offset else []
        parts += [i if s == 1 else "%s*%d" % (i, s) for i, s in zip(index, self.strides) if s and i != "0"]
        return " + ".join(parts) or "0"

    def read(self, index: Index) -> str:
        return "%s[%s]" % (self.base, self.at(index))

    def moved(self, strides: Sequence[int], more: str = "") -> Memory:
        offset = " + ".join(t for t in (self.offset, more) if t)
        return Memory(self.base, strides, offset, self.bases)


class Computed(Place):
    """What `function` makes of an index."""

    def __init__(self, function: Callable[[Index], str], bases: frozenset[str] = frozenset()) -> None:
        self.function, self.bases = function, bases

    def read(self, index: Index) -> str:
        return self.function(index)


def contiguous(shape: Shape) -> tuple[int, ...]:
    """Strides of an array in C's order, in elements; 0 of dimensions of length 1."""
    return tuple([0 if n == 1 else prod(shape[i + 1 :]) for i, n in enumerate(shape)])


def is_contiguous(place: Place, shape: Shape) -> bool:
    return isinstance(place, Memory) and all(
        n == 1 or s == t for n, s, t in zip(shape, place.strides, contiguous(shape))
    )
