"""One loop for all elementwise operations over arrays of one shape, and for sums of what they give."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from theanojax.runtime.in_c.elements import ctype, element
from theanojax.runtime.in_c.places import Memory, Number, contiguous, is_contiguous
from theanojax.runtime.in_c.text import SIMD
from theanojax.runtime.in_c.through import Through

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from theanojax.runtime.in_c.blocks import Writer
    from theanojax.runtime.in_c.flat import Eqn, Var
    from theanojax.runtime.in_c.places import Index

# name -> (C of one more element, what OpenMP calls it, the value of none)
SUMS = {
    "reduce_sum": ("{0} + {1}", "+", "0"),
    "reduce_prod": ("{0} * {1}", "*", "1"),
    "reduce_and": ("{0} & {1}", "&", "(%s)~0"),
    "reduce_or": ("{0} | {1}", "|", "0"),
    "reduce_max": ("greater_of({0}, {1})", "greatest", "lowest_of<%s>()"),
    "reduce_min": ("lesser_of({0}, {1})", "least", "highest_of<%s>()"),
}


class Sum:
    """A sum: over all, over the last axes, or others; `depth` is the number of loops that are outside of it."""

    def __init__(self, eqn: Eqn, shape: tuple[int, ...]) -> None:
        axes = set(eqn.params["axes"])
        ndim = len(shape)
        depth = ndim
        while depth and (depth - 1 in axes or shape[depth - 1] == 1):
            depth -= 1
        self.eqn, self.depth = eqn, depth
        self.kept = [d for d in range(ndim) if d not in axes]
        self.adds_up = any(d in axes and shape[d] != 1 for d in range(depth))  # several passes for one element
        self.name = self.kind = ""
        self.memory: Memory | None = None
        name = eqn.name
        if eqn.out.dtype.kind == "b":
            name = {"reduce_max": "reduce_or", "reduce_min": "reduce_and"}.get(name, name)
        self.more, self.openmp, none = SUMS[name]
        self.kind = ctype(eqn.out.dtype)
        self.none = none % self.kind if "%" in none else none

    def stored(self, to: str, value: str) -> str:
        """C for what a place in memory holds after this value has come."""
        return self.more.format("(%s)%s" % (self.kind, to), value) if self.adds_up else value


class Group:
    def __init__(
        self,
        writer: Writer,
        shape: tuple[int, ...],
        members: list[Eqn],
        inside: set[Var],
        later: set[Var],
        straight: Mapping[Var, Eqn] = {},
    ) -> None:
        self.writer, self.text, self.shape = writer, writer.text, shape
        self.members, self.inside, self.later = members, inside, later
        self.straight = straight
        self.ways: dict[Var, Through] = {}
        self.local: dict[Var, str] = {}

    def write(self) -> Iterable[Through]:
        """Write the loop; gives the ways of those values of which `straight` has the scatter."""
        sums = [Sum(e, self.shape) for e in self.members if e.name in SUMS]
        shape = self.shape
        if not self.straight and self._is_flat() and all(s.depth == 0 for s in sums):
            shape = (prod(shape),)
        stored = {v: self._store(v) for v in self.local_order() if v in self.later}
        self.ways = {v: Through(self.writer, eqn, stored[v]) for v, eqn in self.straight.items()}
        for way in self.ways.values():
            way.begin()
        for s in sums:
            self._begin(s)
        inner = max((d for d, n in enumerate(shape) if n != 1), default=-1)
        index: list[str] = []
        for d, n in enumerate(shape):
            self._enter(sums, d)
            if n == 1:
                index.append("0")
                continue
            index.append(self.text.loop(n, self._pragma(sums, d) if d == inner else ""))
        self._body(sums, index, stored, len(shape))
        for d in reversed(range(len(shape))):
            if shape[d] != 1:
                self.text.end()
            self._leave(sums, d, index)
        for s in sums:
            self._result(s)
        for v, place in stored.items():
            self.writer.set(v, place)
        return self.ways.values()

    def local_order(self) -> Iterable[Var]:
        return [e.out for e in self.members if e.name not in SUMS]

    def _store(self, v: Var) -> Memory:
        return self.writer.in_place_of_operand(v, self.members, self.inside) or self.writer.memory(v)

    def _is_flat(self) -> bool:
        """Whether all that is read lies in memory in the order of the loop."""
        for eqn in self.members:
            for v in eqn.ins:
                if v in self.inside or v.size == 1:
                    continue
                place = self.writer.place(v)
                if not isinstance(place, Number) and not (v.shape == self.shape and is_contiguous(place, v.shape)):
                    return False
        return True

    def _pragma(self, sums: list[Sum], inner: int) -> str:
        clauses = []
        for s in sums:
            if s.depth <= inner:
                clauses.append(" reduction(%s:%s)" % (s.openmp, s.name))
        return SIMD + "".join(clauses)

    # ---------------------------------------------------------------- sums
    def _begin(self, s: Sum) -> None:
        s.name = self.text.name("a")
        if s.eqn.out.size != 1:
            s.memory = self.writer.memory(s.eqn.out)
            if s.adds_up:
                self.text.copy(s.eqn.out, Number(s.none), s.memory)

    def _enter(self, sums: list[Sum], depth: int) -> None:
        for s in sums:
            if s.depth == depth:
                self.text.add("%s %s = %s;" % (s.kind, s.name, s.none))

    def _leave(self, sums: list[Sum], depth: int, index: Index) -> None:
        for s in sums:
            if s.depth == depth and s.memory is not None:
                to = s.memory.read([index[d] for d in s.kept])
                self.text.add(
                    "%s = %s;" % (to, s.more.format("(%s)%s" % (s.kind, to), s.name) if s.adds_up else s.name)
                )

    def _result(self, s: Sum) -> None:
        out = s.eqn.out
        if s.memory is not None:
            self.writer.set(out, s.memory)
        else:
            self.writer.set(out, Number(s.name))

    # ---------------------------------------------------------------- the loop's body
    def _operand(self, v: Var, index: Index) -> str:
        """The element of `v`; what lies in memory is read once, and not only where a choice falls on it."""
        if v not in self.local:
            value = self._read(v, index)
            self.local[v] = value if isinstance(self.writer.place(v), Number) else self.text.number(v, value)
        return self.local[v]

    def _read(self, v: Var, index: Index) -> str:
        place = self.writer.place(v)
        if v.size == 1 or isinstance(place, Number):
            return place.read(["0"] * len(v.shape))
        if len(index) != len(v.shape):  # one loop for all dimensions
            assert isinstance(place, Memory)
            return Memory(place.base, (1,), place.offset).read(index)
        return place.read([i if n > 1 else "0" for i, n in zip(index, v.shape)])

    def _body(self, sums: list[Sum], index: Index, stored: dict[Var, Memory], ndim: int) -> None:
        by_eqn = {s.eqn: s for s in sums}
        for eqn in self.members:
            if eqn.name in SUMS:
                s, value = by_eqn[eqn], self._operand(eqn.ins[0], index)
                if s.depth == ndim:
                    assert s.memory is not None, "a sum over no axis"
                    to = s.memory.read([index[d] for d in s.kept])
                    self.text.add(
                        "%s = %s;" % (to, s.more.format("(%s)%s" % (s.kind, to), value) if s.adds_up else value)
                    )
                else:
                    self.text.add("%s = %s;" % (s.name, s.more.format(s.name, value)))
                continue
            self.local[eqn.out] = self.text.number(eqn.out, element(eqn, [self._operand(v, index) for v in eqn.ins]))
            if eqn.out in self.ways:
                self.ways[eqn.out].store(index, self.local[eqn.out])
            elif eqn.out in stored:
                to = stored[eqn.out]
                flat = len(index) != len(eqn.out.shape)
                place = Memory(to.base, (1,) if flat else contiguous(eqn.out.shape), to.offset)
                self.text.add("%s = %s;" % (place.read(index), self.local[eqn.out]))
