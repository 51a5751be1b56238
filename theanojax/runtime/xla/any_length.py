"""Calls of a stage with ever new lengths, by one program in C for all of them; see `in_c.any_length`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import jax

from theanojax.graph.variable import Constant
from theanojax.runtime import in_c
from theanojax.runtime.in_c.any_length import ALIGNED, check_alike, of_any_length
from theanojax.runtime.in_c.flat import NotInC
from theanojax.runtime.planning.analysis import dtype_of, ndim_of, reads_lengths

if TYPE_CHECKING:
    from jax.extend.core import ClosedJaxpr

    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Key, Shape, Signature, Value
    from theanojax.runtime.in_c.often import Run

    Shapes = tuple[Shape, ...]
    # of a key, and shapes and dtypes of arguments, a program and when it may run; NotInC where that is not for C
    Trace = Callable[[Key, Sequence[jax.ShapeDtypeStruct]], tuple[ClosedJaxpr, in_c.Condition | None]]

LEAST = 3  # of a length: what has one or two rows is told apart
BETWEEN = (11, 23)  # lengths for which it is traced, too
MOST_MISSES = 100  # shapes that are no other length of any that came before
MOST_FAMILIES = 8  # of one stage
EXACT = ("int64", "float32", "float64")  # dtypes that hold all lengths
NODE = 2.0  # microseconds that numpy takes for an operation, about


class Family:
    """Shapes that differ in one length.

    Attributes
    ----------
    places : where the length is: pairs (argument, dimension), of which `first` is one.
    most : the greatest length that its program is for.
    """

    def __init__(self, key: Key, shapes: Shapes, places: Sequence[tuple[int, int]], length: int) -> None:
        self.key, self.shapes, self.places = key, shapes, frozenset(places)
        self.first = places[0]
        self.most = longest(length, {n for shape in shapes for n in shape})

    def at(self, length: int) -> Shapes:
        """The shapes with this length."""
        return tuple(
            [
                tuple([length if (i, d) in self.places else n for d, n in enumerate(shape)])
                for i, shape in enumerate(self.shapes)
            ]
        )

    def has(self, key: Key, shapes: Shapes) -> bool:
        i, d = self.first
        if key != self.key or len(shapes[i]) <= d:
            return False
        length = shapes[i][d]
        return LEAST <= length <= self.most and self.at(length) == shapes


def longest(length: int, others: set[int]) -> int:
    """A length twice as great, and such that none of `lengths` is one of `others`."""
    k = max(7, -(-2 * length // ALIGNED) | 1)
    while others & set(lengths(k * ALIGNED)):
        k += 2
    return k * ALIGNED


def lengths(most: int) -> list[int]:
    """For which a program is written: odd ones, and odd multiples of `ALIGNED`; no powers of two, which are special."""
    first = most - 4 * ALIGNED
    return [first + 5, first + 43, first, first + 2 * ALIGNED, most]


def places_of_length(some: Shapes, others: Shapes) -> list[tuple[int, int]]:
    """Where shapes have another length than others; none where they differ in more than one."""
    if list(map(len, some)) != list(map(len, others)):
        return []
    pairs = {(i, d): (n, m) for i, (a, b) in enumerate(zip(some, others)) for d, (n, m) in enumerate(zip(a, b))}
    places = [place for place, (n, m) in pairs.items() if n != m]
    return places if len({pairs[place] for place in places}) == 1 else []


class Polynomial:
    """A number that follows from lengths by sums, products and quotients: what it is of few lengths, it is of all.

    Of what compares lengths, rounds (a quotient that becomes a whole number, say) or takes another function of them, a
    few lengths tell nothing.
    """

    def _more(self, *other: object) -> Polynomial:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = _more


OPAQUE = object()  # an array that lengths alone have made


def check_arithmetic(nodes: Iterable[Apply]) -> None:
    """NotInC if something is computed from lengths alone that is no polynomial: tracing does that, and tells nobody."""
    known: dict[Variable, Any] = {}
    for node in nodes:
        if node.op.inside(node) is not None:
            raise NotInC("%s, inside of which lengths may be read" % node.op)
        which = reads_lengths(node)
        if which is not None:
            known[node.outputs[0]] = [Polynomial() for _ in which] if isinstance(which, tuple) else Polynomial()
            continue
        if known.keys().isdisjoint(node.inputs) or not all(v in known or isinstance(v, Constant) for v in node.inputs):
            continue  # what data decide is computed when it runs
        found = _of_lengths(node, [known[v] if v in known else _number(v) for v in node.inputs])
        if found is None:
            raise NotInC("%s of a length" % node.op)
        known.update((v, found) for v in node.outputs)


def _of_lengths(node: Apply, parts: list[Any]) -> Any:
    if node.op.static_needs(node):
        return OPAQUE
    if getattr(node.op, "view_map", None) and parts[0] is not OPAQUE:
        if not isinstance(parts[0], list):
            return parts[0]
        return OPAQUE if ndim_of(node.outputs[0]) else Polynomial()
    dtype = dtype_of(node.outputs[0])
    if dtype not in EXACT or dtype == "int64" and any(dtype_of(v).startswith("float") for v in node.inputs):
        return None
    try:
        return node.op.of_lengths(node, parts)
    except TypeError:  # a function that a Polynomial has not
        return None


def _number(v: Any) -> Any:
    return v.data.tolist() if getattr(v.data, "ndim", None) == 1 else 1


class AnyLength:
    """What runs calls with shapes of which there is no executable, once they are called often.

    `trace` gives the program for some shapes, `taken` is told of ways into C that take over.
    """

    def __init__(self, trace: Trace, nodes: Sequence[Apply], taken: Callable[[in_c.InC], None]) -> None:
        self.trace, self.nodes, self.taken = trace, nodes, taken
        self.families: list[tuple[Family, in_c.InC]] = []
        self.misses = 0

    def run(self, signature: Signature, compiled: Iterable[Any], args: Sequence[Value]) -> Run | None:
        """What runs a call of these shapes, or None; `compiled` are those with executables."""
        key, shapes = signature
        way = next((way for family, way in self.families if family.has(key, shapes)), None)
        if way is None:
            family = self._new_family(key, shapes, compiled)
            if family is None:
                return None
            dtypes = [a.dtype for a in args]
            cost = in_c.Cost(NODE * len(self.nodes))
            way = new = in_c.InC(partial(self._writer, family, dtypes), cost, taken=lambda: self.taken(new))
            self.families.append((family, way))
        run = way.counted(1)
        return None if way.made is not None and way.made.checks else run  # entries look whether it may run

    def _new_family(self, key: Key, shapes: Shapes, compiled: Iterable[Any]) -> Family | None:
        if self.misses >= MOST_MISSES or len(self.families) >= MOST_FAMILIES:
            return None
        for other_key, others in list(compiled):
            places = places_of_length(shapes, others) if key == other_key else []
            i, d = places[0] if places else (0, 0)
            if places and shapes[i][d] >= LEAST:
                return Family(key, shapes, places, max(shapes[i][d], others[i][d]))
        self.misses += 1
        return None

    def _writer(self, family: Family, dtypes: Sequence[np.dtype]) -> Callable[[], in_c.Written]:
        check_arithmetic(self.nodes)
        others = {n for shape in family.shapes for n in shape}
        every = [LEAST, *[n for n in BETWEEN if n not in others and n < family.most / 4], *lengths(family.most)]
        traced = [self.trace(family.key, list(map(jax.ShapeDtypeStruct, family.at(n), dtypes))) for n in every]

        def write() -> in_c.Written:
            programs, conditions = zip(*traced)
            check_alike(programs, every)
            known = [c for c in conditions if c is not None]
            if known:
                if len(known) < len(every) or len({tuple(c.positions) for c in known}) > 1:
                    raise NotInC("another condition for another length")
                check_alike([c.program for c in known], every)
            written = slice(-len(lengths(family.most)), None)
            return of_any_length(programs[written], every[written], LEAST, conditions[written])

        return write
