"""Rows of a table that are read, changed and written back in one loop, those of them that are read once.

Which rows there are is known when the program runs. Of one that is there twice, or is not in the table, the loop puts
aside what is to be written, and a second loop writes it.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from theanojax.runtime.in_c.elements import stored
from theanojax.runtime.in_c.flat import Var
from theanojax.runtime.in_c.places import Memory, is_contiguous
from theanojax.runtime.in_c.views import Gathered
from theanojax.runtime.in_c.whole import SCATTERED, only_replaces

if TYPE_CHECKING:
    from collections.abc import Iterable

    from theanojax.runtime.in_c.blocks import Writer
    from theanojax.runtime.in_c.flat import Eqn
    from theanojax.runtime.in_c.places import Index

FEWEST = 1 << 12  # elements, and
SHORTEST = 8  # elements of a row, below which a second loop costs no more than to look which rows are there once

FIND_SINGLE = r"""
// Which numbers of a list are those of `rows` and are there once; others stand for the row next to them, which they may
// read. `marks` has two bits for each row; or it is a table of the rows so far, four times as long as the list and a
// power of two.
static void find_single(const int64_t* list, int64_t n, int64_t rows, uint64_t* marks, int64_t words, bool* single) {
    const uint64_t TWICE = 1ULL << 63;
    const bool bits = words * 32 >= rows;
    for (int64_t i = 0; i < words; ++i) marks[i] = 0;
    for (int pass = 0; pass < 2; ++pass)
        for (int64_t i = 0; i < n; ++i) {
            const int64_t row = within(list[i], rows - 1);
            if (bits) {
                const int shift = 2 * (row & 31);
                uint64_t& mark = marks[row >> 5];
                if (pass) single[i] = row == list[i] && !(mark >> shift & 2);
                else mark |= (mark >> shift & 1 ? 2ULL : 1ULL) << shift;
            } else {
                int64_t at = (((uint64_t)row * 0x9E3779B97F4A7C15ULL) >> 32) & (words - 1);
                while (marks[at] && (marks[at] & ~TWICE) != (uint64_t)row + 1) at = (at + 1) & (words - 1);
                if (pass) single[i] = row == list[i] && !(marks[at] & TWICE);
                else marks[at] = marks[at] ? marks[at] | TWICE : (uint64_t)row + 1;
            }
        }
}
"""


def found(writer: Writer, v: Var, members: Iterable[Eqn]) -> Eqn | None:
    """The scatter that `v`, which a loop of `members` computes, can be written through, or None."""
    users = [e for e in writer.pending if v in e.ins]
    if len(users) != 1 or v in writer.block.outs or v.size < FEWEST:
        return None
    (eqn,) = users
    if eqn.name not in SCATTERED or eqn.ins[2] is not v or v in eqn.ins[:2]:
        return None
    table, where, _ = eqn.ins
    numbers, outer = eqn.params["dimension_numbers"], len(where.shape) - 1
    if not (
        writer.known(table)
        and writer.known(where)
        and where.dtype.kind == "i"
        and where.shape[-1:] == (1,)
        and not numbers.operand_batching_dims
        and tuple(numbers.inserted_window_dims) == tuple(numbers.scatter_dims_to_operand_dims) == (0,)
        and tuple(numbers.update_window_dims) == tuple(range(outer, len(v.shape)))
        and v.shape == (*where.shape[:-1], *table.shape[1:])
        and prod(table.shape[1:]) >= SHORTEST
        and table.dtype.kind != "b"
        and (eqn.name != "scatter" or only_replaces(eqn.params["update_jaxpr"]))
        and writer.overwrites(eqn)
    ):
        return None
    (base,) = writer.place(table).bases
    if base in writer.place(where).bases:
        return None
    for u in {u for e in members for u in e.ins if writer.known(u) and base in writer.place(u).bases}:
        place = writer.place(u)
        if not (isinstance(place, Gathered) and place.rows == (table, where) and u.shape == v.shape):
            return None
    return eqn


class Through:
    """The way of a value into the rows of a table, by the scatter `eqn`; `updates` is where it is put aside.

    Attributes
    ----------
    single : memory that says of each row whether it is there once.
    """

    def __init__(self, writer: Writer, eqn: Eqn, updates: Memory) -> None:
        self.text, self.eqn, self.updates = writer.text, eqn, updates
        table, where, _ = eqn.ins
        place = writer.place(table)
        assert isinstance(place, Memory), "what can be overwritten is in memory"
        self.table, self.where, self.listed = place, writer.place(where), where
        self.rows, self.width, self.outer = table.shape[0], prod(table.shape[1:]), len(where.shape) - 1
        self.text.helpers.add(FIND_SINGLE)
        self.single = self.text.array(Var(where.shape, np.dtype("bool")))

    def begin(self) -> None:
        """Look which rows are there once."""
        text, count = self.text, self.listed.size
        words = -(-self.rows // 32)
        if words > 8 * count:
            words = 1 << (4 * count - 1).bit_length()
        list_, mine = self.where, []
        if self.listed.dtype != np.int64 or not is_contiguous(list_, self.listed.shape):
            list_ = text.array(Var(self.listed.shape, np.dtype("int64")))
            text.copy(self.listed, self.where, list_)
            mine.append(list_)
        marks = text.array(Var((words,), np.dtype("uint64")))
        assert isinstance(list_, Memory), "what is contiguous is in memory"
        text.add(
            "find_single(%s + (%s), %d, %d, %s, %d, (bool*)%s);"
            % (list_.base, list_.offset or "0", count, self.rows, marks.base, words, self.single.base)
        )
        for memory in (*mine, marks):
            text.release(memory.base)

    def store(self, index: Index, value: str) -> None:
        """Write one element of the value."""
        text, outer = self.text, self.outer
        at_row = [*index[:outer], "0"]
        row = text.index("within(%s, %d)" % (self.where.read(at_row), self.rows - 1))
        single = text.index("(%s != 0)" % self.single.read(at_row), "const bool")
        aside = Memory("", self.updates.strides[:outer], self.updates.offset).at(index[:outer])
        there = "%s + %s*%d" % (self.table.base, row, self.width)
        kind = "%s* const" % stored(self.eqn.out.dtype)
        to = text.index("(%s ? %s : %s + %s)" % (single, there, self.updates.base, aside), kind)
        at = Memory("", self.updates.strides[outer:]).at(index[outer:])
        old = text.number(self.eqn.out, "(%s)[%s]" % (there, at))  # read in any case: several at once
        new = SCATTERED[self.eqn.name].format(old, value)
        text.add("%s[%s] = %s ? %s : %s;" % (to, at, single, new, value))

    def is_left(self, index: Index) -> str:
        """C for whether the second loop has to write a row."""
        return "!%s" % self.single.read([*index, "0"])
