"""Operations with C of their own: products, what writes to a part of an array, what puts arrays together."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from theanojax.runtime.in_c.cost import LARGE_PRODUCT
from theanojax.runtime.in_c.elements import ctype
from theanojax.runtime.in_c.flat import NotInC
from theanojax.runtime.in_c.places import Memory, Number, contiguous
from theanojax.runtime.in_c.text import SIMD
from theanojax.runtime.in_c.views import check_index, clamped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from theanojax.runtime.in_c.blocks import Writer
    from theanojax.runtime.in_c.flat import Eqn, Var
    from theanojax.runtime.in_c.places import Index, Place

OVERWRITING = frozenset(
    """dynamic_update_slice update_slice_if scatter scatter-add scatter-mul scatter-min scatter-max
       add_product""".split()
)


def write(writer: Writer, eqn: Eqn) -> None:
    """Write an operation whose operands are known."""
    how = WAYS.get(eqn.name)
    if how is None:
        raise NotInC("the operation %s" % eqn.name)
    how(writer, eqn)


def _copied(writer: Writer, eqn: Eqn) -> None:
    """A reshape of what does not lie in memory in order: a copy that does."""
    v = eqn.ins[0]
    to = writer.room(v)
    writer.text.copy(v, writer.place(v), to)
    writer.set(eqn.out, to.moved(contiguous(eqn.out.shape)))


def _concatenate(writer: Writer, eqn: Eqn) -> None:
    axis, to, start = eqn.params["dimension"], writer.memory(eqn.out), 0
    for v in eqn.ins:
        part = to.moved(to.strides, "%d" % (start * to.strides[axis]) if start else "")
        writer.text.copy(v, writer.place(v), part)
        start += v.shape[axis]
    writer.set(eqn.out, to)


def _stack(writer: Writer, eqn: Eqn) -> None:
    axis, to = eqn.params["axis"], writer.memory(eqn.out)
    strides = [s for d, s in enumerate(to.strides) if d != axis]
    for i, v in enumerate(eqn.ins):
        writer.text.copy(v, writer.place(v), to.moved(strides, "%d" % (i * to.strides[axis]) if i else ""))
    writer.set(eqn.out, to)


# ---------------------------------------------------------------- writing to a part
def _overwritten(writer: Writer, eqn: Eqn) -> Memory:
    """Memory with the first operand in it, to be written to: that of the operand itself if nobody else reads it."""
    v = eqn.ins[0]
    if writer.known(v) and v.literal is None and writer.may_overwrite(v, eqn.out):
        place = writer.place(v)
        assert isinstance(place, Memory)
        return place
    to = writer.memory(eqn.out)
    writer.text.copy(v, writer.place(v), to)
    return to


def _settled(writer: Writer, v: Var, base: str) -> Place:
    """The place of an operand, which does not change while the memory `base` is written to."""
    place = writer.place(v)
    if base not in place.bases:
        return place
    if v.size == 1:
        return Number(writer.text.number(v, writer.read(v)))
    to = writer.room(v)
    writer.text.copy(v, place, to)
    return to


def _update_slice(writer: Writer, eqn: Eqn) -> None:
    whole, part, *starts = eqn.ins
    condition = starts.pop(0) if eqn.name == "update_slice_if" else None
    to = _overwritten(writer, eqn)
    new = _settled(writer, part, to.base)
    begins = clamped(whole, part.shape, starts, [writer.place(v) for v in starts])
    strides = contiguous(whole.shape)
    named = []
    for begin in begins:
        if not begin.isdigit():
            name = writer.text.name("s")
            writer.text.add("const int64_t %s = %s;" % (name, begin))
            begin = name
        named.append(begin)
    offset = " + ".join("%s*%d" % (b, s) for b, s in zip(named, strides) if s and b != "0")
    target = Memory(to.base, strides, " + ".join(t for t in (to.offset, offset) if t))
    if condition is None:
        writer.text.copy(part, new, target)
    else:
        with writer.text.block("if (%s)" % writer.read(condition)):
            writer.text.copy(part, new, target)
    writer.set(eqn.out, to)


SCATTERED = {
    "scatter": "{1}", "scatter-add": "{0} + {1}", "scatter-mul": "{0} * {1}",
    "scatter-min": "lesser_of({0}, {1})", "scatter-max": "greater_of({0}, {1})",
}  # fmt: skip


def only_replaces(update: Any) -> bool:
    """Whether the program that combines an old element and a new one gives the new one."""
    return update is None or (not update.eqns and update.outvars[0] is update.invars[1])


def scatter(writer: Writer, eqn: Eqn, wanted: Callable[[Index], str] | None = None) -> None:
    """Write what writes to parts of an array; `wanted` is C for whether one of them is to be written."""
    whole, indices, updates = eqn.ins
    numbers, text = eqn.params["dimension_numbers"], writer.text
    if numbers.operand_batching_dims:
        raise NotInC("a scatter in batches")
    if whole.dtype.kind == "b":
        raise NotInC("a scatter of bools")
    if eqn.name == "scatter" and not only_replaces(eqn.params["update_jaxpr"]):
        raise NotInC("a scatter that applies a function")
    check_index(indices)
    to = _overwritten(writer, eqn)
    where, new = (_settled(writer, v, to.base) for v in (indices, updates))
    clips = "CLIP" in str(eqn.params["mode"])
    outer = [d for d in range(len(updates.shape)) if d not in numbers.update_window_dims]
    window = list(numbers.update_window_dims)
    inner_dims = [d for d in range(len(whole.shape)) if d not in numbers.inserted_window_dims]
    sizes = [1] * len(whole.shape)
    for d, u in zip(inner_dims, window):
        sizes[d] = updates.shape[u]
    index: list[str] = ["0"] * len(updates.shape)
    window_shape = [updates.shape[d] for d in window]
    with text.loops([updates.shape[d] for d in outer]) as at:
        begin, tests = ["0"] * len(whole.shape), []
        for k, d in enumerate(numbers.scatter_dims_to_operand_dims):
            name, last = text.name("s"), whole.shape[d] - sizes[d]
            start = where.read([*at, str(k)])
            text.add("const int64_t %s = %s;" % (name, "within(%s, %d)" % (start, last) if clips else start))
            begin[d] = name
            tests.append("is_within(%s, %d)" % (name, last))
        if wanted is not None:
            tests.append(wanted(at))
        for d, i in zip(outer, at):
            index[d] = i
        with text.block("if (%s)" % (" && ".join(tests) or "true")), text.loops(window_shape, SIMD) as w:
            for d, i in zip(window, w):
                index[d] = i
            element = list(begin)
            for d, i in zip(inner_dims, w):
                element[d] = i if begin[d] == "0" else "(%s + %s)" % (begin[d], i)
            target = to.read(element)
            text.add("%s = %s;" % (target, SCATTERED[eqn.name].format(target, new.read(index))))
    writer.set(eqn.out, to)


# ---------------------------------------------------------------- products
class Factor:
    """A factor of a product as a stack of matrices: where it is, its steps from matrix to matrix, and its two others.

    `length` and `step` are those of what the products keep, `sum_length` and `sum_step` of what they sum over.
    """

    def __init__(self, v: Var, place: Memory, batch: Sequence[int], kept: Sequence[int], axes: Sequence[int]) -> None:
        self.place, self.steps = place, [place.strides[d] for d in batch]
        self.length, self.step = _one_axis(v, place, kept)
        self.sum_length, self.sum_step = _one_axis(v, place, axes)

    def at(self, index: Index) -> str:
        return "%s + (%s)" % (self.place.base, Memory("", self.steps, self.place.offset).at(index))


def _factor(
    writer: Writer, v: Var, batch: Sequence[int], axes: Sequence[int], large: bool, untouched: str = ""
) -> Factor:
    """A factor, which does not lie in the memory `untouched`."""
    kept = [d for d in range(len(v.shape)) if d not in (*axes, *batch)]
    place = writer.written(v)
    if place.base == untouched:
        place = writer.room(v)
        writer.text.copy(v, writer.place(v), place)
    try:
        factor = Factor(v, place, batch, kept, axes)
        if large or factor.step in (0, 1) or factor.sum_step in (0, 1):
            return factor
    except _NotInOrder:
        pass
    order = [*batch, *kept, *axes]
    strides = contiguous(tuple([v.shape[d] for d in order]))
    to = writer.room(v)
    to = to.moved([strides[order.index(d)] for d in range(len(order))])
    writer.text.copy(v, place, to)
    return Factor(v, to, batch, kept, axes)


def _dot(writer: Writer, eqn: Eqn) -> None:
    (left_axes, right_axes), (left_batch, right_batch) = eqn.params["dimension_numbers"]
    left, right, out = *eqn.ins, eqn.out
    if out.dtype.kind not in "fiu" or not left.dtype == right.dtype == out.dtype:
        raise NotInC("a product of %s and %s" % (left.dtype, right.dtype))
    large = writer.text.alike or is_large_product(eqn)
    if writer.text.alike and out.dtype.kind != "f":
        raise NotInC("a product of integers of any length")
    a = _factor(writer, left, left_batch, left_axes, large)
    b = _factor(writer, right, right_batch, right_axes, large)
    to = writer.memory(out)
    if b.length == 1:  # the product of a matrix and a vector: that of a row and the transposed matrix
        a, b = b, a
    with writer.text.loops([left.shape[d] for d in left_batch]) as index:
        result = "%s + (%s)" % (to.base, Memory("", to.strides[: len(index)], to.offset).at(index))
        if large:
            _shared_product(writer, out, a, b, index, result)
        else:
            operands = ctype(out.dtype), _numbers(a, b), a.at(index), b.at(index), result
            writer.text.add("product_of<%s, %s>(%s, %s, %s);" % operands)
    writer.set(out, to)


def _add_product(writer: Writer, eqn: Eqn) -> None:
    (left_axes, right_axes), _ = eqn.params["dimension_numbers"]
    _, left, right = eqn.ins
    to = _overwritten(writer, eqn)
    a = _factor(writer, left, (), left_axes, True, to.base)
    b = _factor(writer, right, (), right_axes, True, to.base)
    _shared_product(writer, eqn.out, a, b, (), "%s + (%s)" % (to.base, to.offset or "0"), eqn.params["scale"], True)
    writer.set(eqn.out, to)


def is_large_product(eqn: Eqn) -> bool:
    """Whether a product is one of large matrices of floats, or a stack of such."""
    ((axes, _), (batch, _)), (left, right), out = eqn.params["dimension_numbers"], eqn.ins, eqn.out
    matrices, sums = prod(left.shape[d] for d in batch), prod(left.shape[d] for d in axes)
    size = out.size // max(1, matrices) * sums
    row = min(left.size, right.size) == matrices * sums  # one of the factors is a row or a column
    same = left.dtype == right.dtype == out.dtype
    return same and out.dtype.kind == "f" and size > LARGE_PRODUCT and not row and sums > 1


def _numbers(a: Factor, b: Factor) -> str:
    """The lengths and steps of a product of two matrices."""
    return ", ".join(map(str, (a.length, b.length, a.sum_length, a.step, a.sum_step, b.sum_step, b.step)))


def _shared_product(
    writer: Writer, out: Var, a: Factor, b: Factor, index: Index, result: str, scale: float = 1.0, add: bool = False
) -> None:
    """Have threads write a product times `scale` to `result`, or `add` it to what is there."""
    writer.text.needs_crew = True
    kind, added = ctype(out.dtype), "true" if add else "false"
    numbers = _numbers(a, b), repr(scale), a.at(index), b.at(index), added, result
    writer.text.add("large_product<%s>(%s, %s, %s, %s, %s, %s);" % (kind, *numbers))


class _NotInOrder(Exception):
    """Axes that no single stride leads along."""


def _one_axis(v: Var, place: Memory, dims: Sequence[int]) -> tuple[int, int]:
    """(length, stride) of some axes as one."""
    length, step = 1, 0
    for d in reversed(dims):
        n, s = v.shape[d], place.strides[d]
        if n == 1:
            continue
        if length > 1 and s != step * length:
            raise _NotInOrder
        if length == 1:
            step = s
        length *= n
    return length, step


# ---------------------------------------------------------------- along an axis
def _arg(writer: Writer, eqn: Eqn) -> None:
    v, out = eqn.ins[0], eqn.out
    (axis,) = eqn.params["axes"]
    place, text, sign = writer.place(v), writer.text, ">" if eqn.name == "argmax" else "<"
    to = writer.memory(out) if out.size > 1 else None
    result = "" if to is not None else writer.declare(out)
    with text.loops([n for d, n in enumerate(v.shape) if d != axis]) as rest:
        best, at, kind = text.name("s"), text.name("s"), ctype(v.dtype)
        text.add("%s %s = %s; int64_t %s = 0;" % (kind, best, place.read([*rest[:axis], "0", *rest[axis:]]), at))
        i = text.loop(v.shape[axis])
        value = text.number(v, place.read([*rest[:axis], i, *rest[axis:]]))
        text.add(
            "if ({0} {1} {2} || ({0} != {0} && {2} == {2})) {{ {2} = {0}; {3} = {4}; }}".format(
                value, sign, best, at, i
            )
        )
        text.end()
        text.add("%s = (%s)%s;" % (result or to.read(rest), ctype(out.dtype), at))  # type: ignore[union-attr]
    writer.set(out, Number(result) if to is None else to)


ALONG = {
    "cumsum": "{0} + {1}",
    "cumprod": "{0} * {1}",
    "cummax": "greater_of({0}, {1})",
    "cummin": "lesser_of({0}, {1})",
}


def _along(writer: Writer, eqn: Eqn) -> None:
    v, axis, reverse = eqn.ins[0], eqn.params["axis"], eqn.params["reverse"]
    place, text, to = writer.place(v), writer.text, writer.memory(eqn.out)
    writer.set(eqn.out, to)
    if not v.size:
        return
    with text.loops([n for d, n in enumerate(v.shape) if d != axis]) as rest:
        sum_, kind = text.name("a"), ctype(v.dtype)
        first = "%d" % (v.shape[axis] - 1 if reverse else 0)
        text.add("%s %s = %s;" % (kind, sum_, place.read([*rest[:axis], first, *rest[axis:]])))
        i = text.loop(v.shape[axis])
        at = "(%d - %s)" % (v.shape[axis] - 1, i) if reverse else i
        index = [*rest[:axis], at, *rest[axis:]]
        text.add("if (%s) %s = %s;" % (i, sum_, ALONG[eqn.name].format(sum_, place.read(index))))
        text.add("%s = %s;" % (to.read(index), sum_))
        text.end()


WAYS: dict[str, Any] = {
    "reshape": _copied, "concatenate": _concatenate, "stack": _stack, "dynamic_update_slice": _update_slice,
    "update_slice_if": _update_slice,
    "dot_general": _dot, "add_product": _add_product, "argmax": _arg, "argmin": _arg,
    **dict.fromkeys(SCATTERED, scatter), **dict.fromkeys(ALONG, _along),
}  # fmt: skip
