"""Operations that only say where an element is to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.runtime.in_c.elements import ctype, literal
from theanojax.runtime.in_c.flat import NotInC
from theanojax.runtime.in_c.places import Computed, Index, Memory, Number, Place, contiguous, is_contiguous

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from theanojax.runtime.in_c.flat import Eqn, Var
    from theanojax.runtime.in_c.text import Text

    Places = Sequence[Place]


def view(eqn: Eqn, places: Places, text: Text) -> list[Place] | None:
    """The places of its outputs, if it is a view of what is at `places`; None if it has to be written to memory."""
    if eqn.name in LOOKING:
        looked: list[Place] = LOOKING[eqn.name](eqn, places, text)
        return looked
    return VIEWS[eqn.name](eqn, places) if eqn.name in VIEWS else None


class Gathered(Computed):
    """What is gathered; `rows` is (table, where) if these are whole rows, one for each index."""

    def __init__(self, function: Callable[[Index], str], bases: frozenset[str], rows: tuple[Var, Var] | None) -> None:
        super().__init__(function, bases)
        self.rows = rows


def _no_number(place: Place) -> Place:
    return Computed(place.read, place.bases) if isinstance(place, Number) else place


def _indexed(place: Place, change: Callable[[Index], Index]) -> Place:
    return Computed(lambda index: place.read(change(index)), place.bases)


def _broadcast(eqn: Eqn, places: Places) -> list[Place]:
    place, old, dims = places[0], eqn.ins[0].shape, eqn.params["broadcast_dimensions"]
    if isinstance(place, Number):
        return [place]
    if isinstance(place, Memory):
        strides = [0] * len(eqn.out.shape)
        for n, s, d in zip(old, place.strides, dims):
            strides[d] = s if n > 1 else 0
        return [place.moved(strides)]
    return [_indexed(place, lambda index: ["0" if n == 1 else index[d] for n, d in zip(old, dims)])]


def _reshape(eqn: Eqn, places: Places) -> list[Place] | None:
    place, old, new = places[0], eqn.ins[0].shape, eqn.out.shape
    if isinstance(place, Number):
        return [place]
    long_old, long_new = [n for n in old if n != 1], [n for n in new if n != 1]
    if long_old == long_new:
        olds = [i for i, n in enumerate(old) if n != 1]
        news = [i for i, n in enumerate(new) if n != 1]
        if isinstance(place, Memory):
            strides = [0] * len(new)
            for i, j in zip(olds, news):
                strides[j] = place.strides[i]
            return [place.moved(strides)]
        where = dict(zip(olds, news))
        return [_indexed(place, lambda index: [index[where[i]] if i in where else "0" for i in range(len(old))])]
    if is_contiguous(place, old):
        assert isinstance(place, Memory)
        return [place.moved(contiguous(new))]
    return None


def _transpose(eqn: Eqn, places: Places) -> list[Place]:
    place, order = places[0], eqn.params["permutation"]
    if isinstance(place, Memory):
        return [place.moved([place.strides[d] for d in order])]
    return [_indexed(place, lambda index: [index[order.index(d)] for d in range(len(order))])]


def _slice(eqn: Eqn, places: Places) -> list[Place]:
    starts = eqn.params["start_indices"]
    steps = eqn.params["strides"] or (1,) * len(starts)
    return [_part(places[0], starts, steps)]


def _part(place: Place, starts: Sequence[int], steps: Sequence[int]) -> Place:
    if isinstance(place, Number):
        return place
    if isinstance(place, Memory):
        offset = sum(a * s for a, s in zip(starts, place.strides))
        return place.moved([s * t for s, t in zip(place.strides, steps)], str(offset) if offset else "")
    return _indexed(place, lambda index: ["(%d + %s*%d)" % (a, i, t) for a, i, t in zip(starts, index, steps)])


def _split(eqn: Eqn, places: Places) -> list[Place]:
    axis, start, found = eqn.params["axis"], 0, []
    ndim = len(eqn.ins[0].shape)
    for size in eqn.params["sizes"]:
        found.append(_part(places[0], [start if d == axis else 0 for d in range(ndim)], [1] * ndim))
        start += size
    return found


def _rev(eqn: Eqn, places: Places) -> list[Place]:
    place, shape, dims = places[0], eqn.out.shape, eqn.params["dimensions"]
    if isinstance(place, Number):
        return [place]
    if isinstance(place, Memory):
        offset = sum((shape[d] - 1) * place.strides[d] for d in dims)
        strides = [-s if d in dims else s for d, s in enumerate(place.strides)]
        return [place.moved(strides, str(offset) if offset else "")]
    return [
        _indexed(
            place,
            lambda index: ["(%d - %s)" % (n - 1, i) if d in dims else i for d, (n, i) in enumerate(zip(shape, index))],
        )
    ]


def _pad(eqn: Eqn, places: Places, text: Text) -> list[Place]:
    place, outside = _no_number(places[0]), places[1]
    config, shape = eqn.params["padding_config"], eqn.ins[0].shape
    if any(inner for _, _, inner in config):
        raise NotInC("padding between elements")

    def read(index: Index) -> str:
        inner, tests = [], []
        for i, n, (low, high, _) in zip(index, shape, config):
            inner.append("(%s - %d)" % (i, low) if low else i)
            if low > 0:
                tests.append("%s >= %d" % (i, low))
            if high > 0:
                tests.append("%s < %d" % (i, low + n))
        text.conditional += bool(tests)
        value = place.read(inner)
        text.conditional -= bool(tests)
        return "(%s ? %s : %s)" % (" && ".join(tests), value, outside.read([])) if tests else value

    return [Computed(read, place.bases | outside.bases)]


def _iota(eqn: Eqn, places: Places) -> list[Place]:
    kind, d = ctype(eqn.out.dtype), eqn.params["dimension"]
    return [Computed(lambda index: "((%s)%s)" % (kind, index[d]))]


def _dynamic_slice(eqn: Eqn, places: Places) -> list[Place]:
    place = places[0]
    starts = clamped(eqn.ins[0], eqn.out.shape, eqn.ins[1:], places[1:])
    if isinstance(place, Number):
        return [place]
    bases = frozenset[str]().union(*[p.bases for p in places])
    if isinstance(place, Memory):
        terms = [s if t == 1 else "%s*%d" % (s, t) for s, t in zip(starts, place.strides) if t and s != "0"]
        moved = place.moved(place.strides, " + ".join(terms))
        return [Memory(moved.base, moved.strides, moved.offset, bases)]
    return [
        Computed(
            lambda index: place.read(["(%s + %s)" % (s, i) if s != "0" else i for s, i in zip(starts, index)]), bases
        )
    ]


def check_index(v: Var) -> None:
    """NotInC for what may be larger than C's index."""
    if v.dtype == np.uint64:
        raise NotInC("an index of the dtype uint64")


def clamped(whole: Var, part: Sequence[int], starts: Sequence[Var], places: Places) -> list[str]:
    """C for where a part begins, so that it lies within the whole."""
    found = []
    for n, m, v, place in zip(whole.shape, part, starts, places):
        check_index(v)
        if n == m:
            found.append("0")
        elif v.literal is not None:
            found.append(str(min(max(int(v.literal), 0), n - m)))
        else:
            found.append("within(%s, %d)" % (place.read(["0"] * len(v.shape)), n - m))
    return found


def _gather(eqn: Eqn, places: Places, text: Text) -> list[Place]:
    place, where = _no_number(places[0]), places[1]
    numbers, sizes = eqn.params["dimension_numbers"], eqn.params["slice_sizes"]
    shape, out = eqn.ins[0].shape, eqn.out
    offsets = list(numbers.offset_dims)
    outer = [d for d in range(len(out.shape)) if d not in offsets]
    gone = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    inner = [d for d in range(len(shape)) if d not in gone]
    check_index(eqn.ins[1])
    fill = _filling(eqn)
    if not eqn.ins[0].size and out.size:
        raise NotInC("a gather from nothing")

    def read(index: Index) -> str:
        at = [index[d] for d in outer]
        element, tests = ["0"] * len(shape), []
        for d, o in zip(inner, offsets):
            element[d] = index[o]
        for d, b in zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims):
            element[d] = at[b]
        for k, d in enumerate(numbers.start_index_map):
            start, last = where.read([*at, str(k)]), shape[d] - sizes[d]
            tests.append("is_within(%s, %d)" % (start, last))
            begin = text.index("within(%s, %d)" % (start, last))
            element[d] = begin if element[d] == "0" else "(%s + %s)" % (begin, element[d])
        value = place.read(element)
        return "(%s ? %s : %s)" % (" && ".join(tests), value, fill) if fill and tests else value

    whole_rows = (
        tuple(offsets) == tuple(range(len(outer), len(out.shape)))
        and tuple(numbers.collapsed_slice_dims) == tuple(numbers.start_index_map) == (0,)
        and tuple(sizes[1:]) == tuple(shape[1:])
        and not fill
    )
    return [Gathered(read, place.bases | where.bases, (eqn.ins[0], eqn.ins[1]) if whole_rows else None)]


def _filling(eqn: Eqn) -> str:
    """C for what a gather gives in place of what is not there; "" if it takes the nearest."""
    value, dtype = eqn.params["fill_value"], eqn.out.dtype
    if "FILL" not in str(eqn.params["mode"]):
        return ""
    if value is None and dtype.kind != "f":
        raise NotInC("a gather that fills with a value of its own choice")
    return literal(float("nan") if value is None else value, dtype)


VIEWS: dict[str, Any] = {
    "broadcast_in_dim": _broadcast, "reshape": _reshape, "squeeze": _reshape, "expand_dims": _reshape,
    "transpose": _transpose, "slice": _slice, "split": _split, "rev": _rev, "iota": _iota,
    "dynamic_slice": _dynamic_slice,
}  # fmt: skip
# the same, of those that look at how what is read is written
LOOKING: dict[str, Any] = {"pad": _pad, "gather": _gather}
NAMES = {*VIEWS, *LOOKING}
