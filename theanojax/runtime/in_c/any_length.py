"""One program in C for any length, from what is written for a few lengths.

Texts of one program for different lengths differ in numbers alone: bounds of loops, strides, lengths that are values.
Each is a + b * n of the length n, or a number divided by n; C computes it when it runs. Where it is anything else, or
the texts differ in more, there is no such program. Jaxprs are looked at in the same way: what is true of the shortest
and of the longest of them, and of some between, is true of all, as long as what is not linear is the lesser or the
greater of two lengths (a part `x[:50]` of 20 or of 200 rows, say).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from theanojax.runtime.in_c.flat import NotInC
from theanojax.runtime.in_c.program import OF_LENGTH, Written, source_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jax.extend.core import ClosedJaxpr

    from theanojax.runtime.hints import NumpyArray
    from theanojax.runtime.in_c.program import Condition

TOKEN = re.compile(r"[A-Za-z_]\w*|0x[0-9a-fA-F.]+(?:p[+-]?\d+)?|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\s+|.", re.S)
EMPTY = re.compile(r"\b[a-z]+\d*\[(?:\d+,)*0[,\]]")  # the type of an array of nothing, as jax prints it
SUFFIXES = ("LL", "ULL")
ALIGNED = 64  # of lengths: those by which memory between inputs and outputs is shared out


class Line:
    """A number that is ``a + b * n``, integers."""

    def __init__(self, a: int, b: int) -> None:
        self.a, self.b = a, b

    def at(self, n: int) -> int:
        return self.a + self.b * n

    def text(self, n: str) -> str:
        product = n if self.b == 1 else "%d * %s" % (self.b, n)
        return "(%s)" % product if not self.a else "(%d + %s)" % (self.a, product)


class Quotient:
    """A number that is ``c / n``, of a float type."""

    def __init__(self, c: float, kind: str) -> None:
        self.c, self.kind = c, kind

    def text(self, n: str) -> str:
        return "((%s)%s / (%s)%s)" % (self.kind, self.c.hex(), self.kind, n)


Number = Line | Quotient
Dim = tuple[int, int]  # position of an input or output, dimension


def fitted(values: Sequence[str], lengths: Sequence[int]) -> Number:
    """What tokens are of the lengths for which they stand; NotInC if that is not known."""
    try:
        numbers = [float.fromhex(v) if v.startswith("0x") else float(v) for v in values]
    except ValueError:
        raise NotInC("another form for another length") from None
    line = _line(numbers, lengths)
    if line is not None:
        return line
    for kind, dtype in (("double", np.float64), ("float", np.float32)):
        c = float(dtype(round(numbers[0] * lengths[0], 9)))
        if all(float(dtype(c) / dtype(n)) == float(dtype(x)) for x, n in zip(numbers, lengths)):
            return Quotient(c, kind)
    raise NotInC("%s, which is no multiple of a length" % values[0])


def _line(numbers: Sequence[float], lengths: Sequence[int]) -> Line | None:
    if not all(x.is_integer() and abs(x) < 2**53 for x in numbers):
        return None
    rise, run = int(numbers[1] - numbers[0]), lengths[1] - lengths[0]
    if rise % run:
        return None
    line = Line(int(numbers[0]) - rise // run * lengths[0], rise // run)
    return line if all(line.at(n) == x for x, n in zip(numbers, lengths)) else None


def tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def differing(texts: Sequence[list[str]], lengths: Sequence[int]) -> dict[int, Number]:
    """The tokens in which texts differ: position -> what it is of the length; NotInC if they are not of one form."""
    if len({len(t) for t in texts}) > 1:
        raise NotInC("another form for another length")
    rows = enumerate(zip(*texts, strict=True))
    return {i: fitted(row, lengths) for i, row in rows if any(token != row[0] for token in row)}


def check_alike(programs: Sequence[ClosedJaxpr], lengths: Sequence[int]) -> None:
    """NotInC unless jaxprs are those of one program for several lengths, of which the first has no empty arrays."""
    if len({len(p.consts) for p in programs}) > 1:
        raise NotInC("constants of a length")
    if EMPTY.search(str(programs[0].jaxpr)):
        raise NotInC("nothing of the least length")
    for values in zip(*[p.consts for p in programs], strict=True):
        _check_constant(list(map(np.asarray, values)), lengths)
    differing([_told(p) for p in programs], lengths)


def _check_constant(values: Sequence[NumpyArray], lengths: Sequence[int]) -> None:
    first = values[0]
    if _same([first] * len(values), values):
        return
    if any(v.size != 1 or v.dtype != first.dtype for v in values):
        raise NotInC("constants of a length")
    fitted([repr(v.item()) for v in values], lengths)


def _told(program: ClosedJaxpr) -> list[str]:
    return [t for t in tokens(str(program.jaxpr)) if not t.isspace()]


def _same(some: Sequence[object], others: Sequence[object]) -> bool:
    pairs = zip(map(np.asarray, some), map(np.asarray, others))
    return len(some) == len(others) and all(
        (a.shape, a.dtype) == (b.shape, b.dtype) and a.tobytes() == b.tobytes() for a, b in pairs
    )


def shapes_of(variables: Sequence[Sequence[object]], lengths: Sequence[int]) -> dict[Dim, Line]:
    """(position, dimension) -> length, for the lengths that vary of inputs or outputs, given for each program."""
    found = {}
    for i, row in enumerate(zip(*variables, strict=True)):
        for d, dims in enumerate(zip(*[v.aval.shape for v in row], strict=True)):
            if len(set(dims)) > 1:
                line = _line([float(n) for n in dims], lengths)
                if line is None:
                    raise NotInC("a shape that is no multiple of a length")
                found[i, d] = line
    return found


def of_any_length(
    programs: Sequence[ClosedJaxpr],
    lengths: Sequence[int],
    least: int,
    conditions: Sequence[Condition | None] | None = None,
) -> Written:
    """One program from those of some `lengths`, for all from `least` to the last and longest; NotInC if there is none.

    Memory between inputs and outputs is shared out as for the next multiple of `ALIGNED`, as some of `lengths` are: in
    between the rounding of sizes is not linear.
    """
    conditions = conditions or [None] * len(programs)
    written = [source_of(p, condition=c, alike=True) for p, c in zip(programs, conditions, strict=True)]
    first = written[0]
    if conditions[0] is not None and not first.checks:
        raise NotInC("a condition under which it runs")
    if first.replaced or any(not _same(first.given, w.given) for w in written[1:]):
        raise NotInC("constants of a length")
    ins = shapes_of([p.jaxpr.invars for p in programs], lengths)
    outs = shapes_of([p.jaxpr.outvars for p in programs], lengths)
    known = next((place for place, line in ins.items() if (line.a, line.b) == (0, 1)), None)
    if known is None:
        raise NotInC("no argument that has the length")
    constants = len(first.given)
    texts = [tokens(w.text) for w in written]
    if len({len(t) for t in texts}) > 1:
        raise NotInC("another form for another length")
    even = [k for k, n in enumerate(lengths) if n % ALIGNED == 0]
    made, code, in_table, hidden, ended = texts[0], list[str](), False, False, False
    for i, token in enumerate(made):
        row = [t[i] for t in texts]
        if "\n" in token:
            in_table = hidden = False
        in_table = in_table or token in ("in_types", "out_types") and "".join(made[i + 1 : i + 3]) == "[]"
        hidden = hidden or token == "#"
        if ended:
            ended = False
        elif in_table or all(t == token for t in row):
            code.append(token)
        elif hidden or made[i - 1] == "<":
            raise NotInC("a length that the compiler has to know")
        elif _is_of_room(made, i):
            code.append(fitted([row[k] for k in even], [lengths[k] for k in even]).text("room_length"))
        else:
            code.append(fitted(row, lengths).text("length"))
            ended = made[i + 1] in SUFFIXES  # of the number; what is computed is an int64_t anyway
    ins = {(constants + i, d): line for (i, d), line in ins.items()}
    text = _with_length("".join(code), constants + known[0], known[1], (least, lengths[-1]), ins, outs)
    return first._replace(text=text)


def _is_of_room(made: Sequence[str], i: int) -> bool:
    """Whether a number says where memory between inputs and outputs lies, or how much there is."""
    before = [t for t in made[max(0, i - 8) : i] if not t.isspace()]
    return before[-2:] == ["room", "+"] or before[-2:] == ["needed", "="]


_LENGTHS = """
void set_length(int64_t length) {
    LENGTH = length;
    ROOM_LENGTH = (length + %(aligned)d - 1) / %(aligned)d * %(aligned)d;
%(dims)s
}

// Leaves the length as it was: what makes an object may run code of the user, who calls this once more.
struct Lengthened {
    const int64_t before = LENGTH;
    ~Lengthened() { if (before) set_length(before); }
};

// Whether the length of a call, which is that of an array, is one that this is for; then it is set.
bool lengthen(PyObject* array) {
    if (!array || !PyArray_Check(array) || PyArray_NDIM((PyArrayObject*)array) <= %(dimension)d) return false;
    const int64_t length = PyArray_DIM((PyArrayObject*)array, %(dimension)d);
    if (length < %(least)d || length > %(most)d) return false;
    set_length(length);
    return true;
}
const int KNOWN = %(given)d;
#define PREPARE(array, otherwise) \\
    Lengthened lengthened; \\
    if (!lengthen(array)) otherwise
"""


def _with_length(
    code: str, given: int, dimension: int, between: tuple[int, int], ins: Mapping[Dim, Line], outs: Mapping[Dim, Line]
) -> str:
    """The text with what depends on the length of a call, which is that of the argument `given`."""
    dims = [
        "    %s_types[%d].dims[%d] = %s;" % (kind, i, d, line.text("length"))
        for kind, table in (("in", ins), ("out", outs))
        for (i, d), line in table.items()
    ]
    least, most = between
    values: dict[str, object] = {"given": given, "dimension": dimension, "least": least, "most": most}
    values |= {"aligned": ALIGNED, "dims": "\n".join(dims)}
    return code.replace("\n%s\n" % OF_LENGTH, _LENGTHS % values, 1)
