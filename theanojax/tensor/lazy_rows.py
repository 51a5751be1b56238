"""Rows of large sequences inside XLA, computed when a step reads them.

The gradient of a loop reads what the loop has kept in reverse, and functions of it: XLA would make an array of each.
What is elementwise, or a choice of rows, is computed of one row as well.
"""

import numpy as np

from theanojax.graph.variable import Constant
from theanojax.tensor.creation import Alloc, AllocEmpty
from theanojax.tensor.elemwise import DimShuffle, Elemwise
from theanojax.tensor.indexing.subtensor import IncSubtensor, Subtensor
from theanojax.tensor.indexing.subtensor_basic import get_idx_list
from theanojax.tensor.shape import Rebroadcast, Reshape
from theanojax.tensor.type import TensorType

LARGE = 1 << 20  # bytes; what is smaller is quicker to have at once


def lazy_rows(ctx, v, value):
    """A function from i to row i of the sequence `v`, whose traced value is `value`; None if it is made at once.

    Nothing is won where it takes more to compute the rows than they take themselves.
    """
    if v.owner is None or ctx.known(value) or not isinstance(value.size, int) or ctx.arrangement is not None:
        return None
    if value.size * value.dtype.itemsize < LARGE or any(c == "output" for c, _ in getattr(v, "clients", ())):
        return None
    rows = _Rows(ctx)
    read = rows.of(v, value)
    return read if rows.composed and len(rows.held) < 2 else None


def product_of_rows(ctx, node):
    """The product of two matrices that sums over the rows of two sequences; None where it is computed at once.

    That is the gradient of a weight: all rows that a loop has read, transposed, by all that its gradient has found.
    Rows are read a few at a time.
    """
    (v, x), (w, y) = sequence_of_rows(ctx, node.inputs[0], True), sequence_of_rows(ctx, node.inputs[1], False)
    if x is None or y is None or ctx.arrangement is not None:
        return None
    if x.shape[0] != y.shape[0] or x.size * y.shape[-1] != y.size * x.shape[-1]:
        return None
    if x.size * x.dtype.itemsize < 2 * LARGE:
        return None
    steps = x.shape[0]
    few = max(1, steps * LARGE // (x.size * x.dtype.itemsize))
    rows = _Rows(ctx)
    reads = rows.of(v, x), rows.of(w, y)
    if not rows.composed or rows.held:
        return None
    dtype = node.outputs[0].dtype

    def part(first, count):
        a, b = [_several(ctx, read, first, count) for read in reads]
        a, b = [ctx.xp.reshape(ctx.xp.astype(m, dtype), (-1, m.shape[-1])) for m in (a, b)]
        return ctx.xp.contract(a, 0, b, 0)

    total = ctx.xp.zeros((x.shape[-1], y.shape[-1]), dtype)
    total = ctx.lax.fori_loop(
        np.int64(0), np.int64(steps // few), lambda i, sums: sums + part(i * np.int64(few), few), total
    )
    left = steps % few
    return total + part(steps - left, left) if left else total


def rows_at(ctx, v, value):
    """A function from a number and a count to so many rows of the sequence `v` from there on; `value` is what it is."""
    rows = _Rows(ctx)
    read = rows.of(v, value)
    if rows.composed and not rows.held:
        return lambda first, count: _several(ctx, read, first, count)
    return lambda first, count: ctx.lax.dynamic_slice_in_dim(ctx.xp.asarray(value), first, count)


def _several(ctx, read, first, count):
    at = ctx.xp.asarray(first + np.arange(count))
    with ctx.sub() as inner:
        return inner.rows([at], [0], lambda _, given: read(given[0]))[0]


def sequence_of_rows(ctx, v, transposed):
    """A sequence and its value, of whose rows' rows the matrix `v` is made, or the transposed one; else two None."""
    node = v.owner
    if node is not None and isinstance(node.op, Reshape):
        v = node.inputs[0]
        node = v.owner
    if transposed:
        if node is None or not isinstance(node.op, DimShuffle):
            return None, None
        v, order = node.inputs[0], [k for k in node.op.new_order if k != "x"]
        if order != [v.ndim - 1, *range(v.ndim - 1)]:
            return None, None
    try:
        x = ctx.value(v)
    except KeyError:
        return None, None
    return (None, None) if ctx.known(x) or v.ndim < 2 or not isinstance(x.size, int) else (v, x)


class _Rows:
    """Finds how rows are computed.

    `held` are the arrays that are there for this alone, `composed` tells whether anything is computed.
    """

    def __init__(self, ctx):
        self.ctx, self.xp, self.lax = ctx, ctx.xp, ctx.lax
        self.held, self.composed = set(), False

    def of(self, v, value):
        """A function from i to row i of `v`."""
        op = None if v.owner is None or self.ctx.known(value) else v.owner.op
        for kinds, find in _FINDERS:
            if isinstance(op, kinds):
                held = set(self.held)
                found = find(self, v.owner, value)
                if found is not None and (len(self.held) == len(held) or _is_read_once(v)):
                    self.composed = True
                    return found
                self.held = held
        if (
            not self.ctx.known(value)
            and v.owner is not None
            and _is_read_once(v)
            and v.owner.op.loop_steps(v.owner) is None
        ):
            self.held.add(v)
        value = self.xp.asarray(value)
        return lambda i: self.lax.dynamic_index_in_dim(value, i, 0, keepdims=False)

    def _input(self, node, k):
        """The variable and the value of input `k`; None for the value that is not there."""
        v = node.inputs[k]
        try:
            return v, self.ctx.value(v)
        except KeyError:
            return v, None

    def _number(self, v):
        """The integer that `v` is, or its traced value."""
        if isinstance(v, Constant):
            return int(v.data)
        known = self.ctx.static(v)
        return self.xp.astype(self.ctx.value(v), "int64") if known is None else int(known)

    def _first(self, entry, step, length):
        """The row that the slice `entry` begins with, of `length` rows."""
        if entry.start is None:
            return 0 if step > 0 else length - 1
        at, low = self._number(entry.start), 0 if step > 0 else -1
        if isinstance(at, int):
            return min(max(at + length if at < 0 else at, low), length + low)
        return self.xp.clip(self.xp.where(at < 0, at + length, at), low, length + low)

    def _elemwise(self, node, value):
        if len(node.outputs) != 1 or not value.ndim:
            return None
        rows = []
        for k in range(len(node.inputs)):
            v, x = self._input(node, k)
            if x is None:
                return None
            rows.append(_always(x[0]) if x.shape[0] == 1 != value.shape[0] else self.of(v, x))
        row_types = [TensorType(v.dtype, v.broadcastable[1:]) for v in node.inputs]
        row_node = node.op.make_node(*[kind() for kind in row_types])
        dtype = node.outputs[0].dtype

        def read(i):
            given = [self.xp.asarray(row(i)) for row in rows]
            with self.ctx.sub() as inner:  # what is to be checked has been, of all rows
                out = node.op.lower_xla(inner, row_node, *given)
            out = out[0] if isinstance(out, (tuple, list)) else out
            return self.xp.broadcast_to(self.xp.astype(out, dtype), value.shape[1:])

        return read

    def _subtensor(self, node, value):
        index = get_idx_list(node.inputs, node.op.idx_list)
        v, x = self._input(node, 0)
        if len(index) != 1 or not isinstance(index[0], slice) or x is None:
            return None
        step = 1 if index[0].step is None else self._number(index[0].step)
        if not isinstance(step, int):
            return None
        start, row = self._first(index[0], step, x.shape[0]), self.of(v, x)
        return lambda i: row(i * np.int64(step) + start)

    def _inc_subtensor(self, node, value):
        index = get_idx_list([None, *node.inputs[2:]], node.op.idx_list)
        (v, x), (w, y) = self._input(node, 0), self._input(node, 1)
        if len(index) != 1 or x is None or y is None:
            return None
        entry, length = index[0], x.shape[0]
        if isinstance(entry, slice):
            if entry.step is not None and self._number(entry.step) != 1:
                return None
            start = 0 if entry.start is None else self._first(entry, 1, length)
            stop = length if entry.stop is None else self._first(slice(entry.stop, None), 1, length)
        else:
            start = self._first(slice(entry, None), 1, length)
            stop = start + 1 if isinstance(start, int) else None
        if not isinstance(start, int) or not isinstance(stop, int):
            return None
        count = stop - start
        old = self.of(v, x)
        if count <= 0:
            return old
        whole = isinstance(entry, slice) and y.ndim == x.ndim
        new = _always(y[0] if whole else y) if not whole or y.shape[0] == 1 != count else self.of(w, y)
        if whole and y.shape[0] not in (1, count):
            return None
        sets = node.op.set_instead_of_inc

        def read(i):
            at, row = i - np.int64(start), old(i)
            inside = (at >= 0) & (at < count)
            added = self.xp.astype(self.xp.asarray(new(self.lax.select(inside, at, np.int64(0)))), row.dtype)
            return self.xp.where(inside, added if sets else row + added, row)

        return read

    def _alloc(self, node, value):
        shape = value.shape[1:]
        if isinstance(node.op, AllocEmpty):
            return _always(self.xp.zeros(shape, value.dtype))
        v, x = self._input(node, 0)
        if x is None:
            return None
        if x.ndim == value.ndim and x.shape[0] == value.shape[0] != 1:
            row = self.of(v, x)
            return lambda i: self.xp.broadcast_to(row(i), shape)
        return _always(self.xp.broadcast_to(self.xp.asarray(x[0] if x.ndim == value.ndim else x), shape))

    def _dimshuffle(self, node, value):
        order = node.op.new_order
        v, x = self._input(node, 0)
        if not order or order[0] != 0 or x is None or len(order) - order.count("x") != x.ndim:
            return None
        row, axes = self.of(v, x), [k - 1 for k in order[1:] if k != "x"]
        return lambda i: self.xp.reshape(self.xp.transpose(row(i), axes), value.shape[1:])

    def _same(self, node, value):
        v, x = self._input(node, 0)
        return None if x is None else self.of(v, x)


def _always(row):
    return lambda i: row


def _is_read_once(v):
    return len(getattr(v, "clients", ())) < 2


_FINDERS = (
    (Elemwise, _Rows._elemwise),
    (Subtensor, _Rows._subtensor),
    (IncSubtensor, _Rows._inc_subtensor),
    ((Alloc, AllocEmpty), _Rows._alloc),
    (DimShuffle, _Rows._dimshuffle),
    (Rebroadcast, _Rows._same),
)
