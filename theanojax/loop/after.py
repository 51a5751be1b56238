"""Products of all rows that the steps of a loop give, summed while it runs, so that the rows are not kept.

The gradient of a weight is one: what all steps have read, transposed, by what all steps of the gradient have found.
"""

import numpy as np

from theanojax.tensor.elemwise import DimShuffle
from theanojax.tensor.lazy_rows import rows_at, sequence_of_rows
from theanojax.tensor.linalg.products import Dot
from theanojax.tensor.shape import Reshape

FEWEST_BYTES = 1 << 24  # of the rows; fewer are kept, as one product of all takes less time
AT_ONCE = 1 << 22  # bytes of the rows of one product
FEWEST_ROWS = 64  # that it sums over


class Summed:
    """A product, of the node `product`, of the rows of output `position` and those of a sequence.

    `others` gives rows of the sequence: the `count` from `first` on. `nodes` are what makes a matrix of the output.
    """

    def __init__(self, loop, position, way, row, others):
        self.xp, self.position, self.row, self.others = loop.xp, position, row, others
        self.nodes, self.product, self.side = way

    def part(self, rows, first, count):
        """The part of the product that these rows of the output have, the `count` from `first` on."""
        pair = [self.others(first, count)]
        pair.insert(self.side, rows)
        dtype = self.product.outputs[0].type.dtype
        a, b = [self.xp.reshape(self.xp.astype(m, dtype), (-1, m.shape[-1])) for m in pair]
        return self.xp.contract(a, 0, b, 0)


def summed_rows(loop, shapes, lengths):
    """The outputs of `loop` of which nothing but such a product is wanted.

    `shapes` has those of a row of each output, `lengths` how many rows are kept.
    """
    ctx, n, found = loop.ctx, loop.steps, []
    if ctx.arrangement is not None or ctx.counts_steps():
        return found
    outputs = loop.op.outer_nitsot_outs(loop.node.outputs)
    for k, (v, row, length) in enumerate(zip(outputs, shapes, lengths)):
        if length != n or n < 2 or not row.shape or not isinstance(row.size, int):
            continue
        if n * _bytes(row) < FEWEST_BYTES:
            continue
        way = _way(v)
        if way is None or not ctx.traces([*way[0], way[1]]):
            continue
        nodes, product, side = way
        other, value = sequence_of_rows(ctx, product.inputs[1 - side], side == 1)
        if value is None or value.shape[0] != n or value.size * row.shape[-1] != n * row.size * value.shape[-1]:
            continue
        if _is_of_rows(ctx, nodes, n * row.size, row.shape[-1], side == 0):
            found.append(Summed(loop, k, way, row, rows_at(ctx, other, value)))
    return found


def run_summing(loop, summed, body, carry, xs, like):
    """As ``ctx.scan`` of all steps, but the rows that are `summed` are None: the products that read them are there."""
    ctx, xp, n = loop.ctx, loop.xp, loop.steps
    positions, given = [s.position for s in summed], [s.row for s in summed]
    few = max(AT_ONCE // max(map(_bytes, given)), FEWEST_ROWS * given[0].shape[-1] // given[0].size, 1)
    few = min(few, n)
    whole, left = divmod(n, few)
    like = [*like[:-1], [None if k in positions else row for k, row in enumerate(like[-1])]]
    kept = [[None if row is None else xp.zeros((n, *row.shape), row.dtype) for row in part] for part in like]

    def step(state, at):
        carry, kept = state
        carry, rows = body(carry, [[None if x is None else loop.row(x, at) for x in part] for part in xs])
        new = [rows[-1][k] for k in positions]
        pairs = zip(kept, rows)
        kept = [[None if b is None else loop.set_row(b, at, r) for b, r in zip(*part)] for part in pairs]
        return (carry, kept), new

    def piece(state, first, count):
        inner, sums = state
        steps = first + xp.arange(count)
        inner, rows = ctx.scan(step, inner, steps, given, count, loop.op.name)
        return inner, [total + s.part(r, first, count) for s, total, r in zip(summed, sums, rows)]

    ones = [xp.zeros((1, *row.shape), row.dtype) for row in given]
    parts = ctx.eval_shape(lambda: [s.part(row, np.int64(0), 1) for s, row in zip(summed, ones)])
    state = (carry, kept), [xp.zeros(p.shape, p.dtype) for p in parts]
    state, _ = ctx.scan(
        lambda state, c: (piece(state, c * np.int64(few), few), []), state, xp.arange(whole), [], whole, loop.op.name
    )
    if left:
        state = piece(state, np.int64(whole * few), left)
    results, sums = state
    for s, total in zip(summed, sums):
        ctx.settle(s.nodes, None)
        ctx.settle([s.product], total)
    return results


def _bytes(row):
    return row.size * np.dtype(row.dtype).itemsize


def _way(v):
    """(nodes, a product, position of its input) that are all there is between `v` and a product that reads it."""
    nodes, kinds = [], [DimShuffle, Reshape]
    while True:
        clients = getattr(v, "clients", ())
        if len(clients) != 1 or clients[0][0] == "output":
            return None
        node, k = clients[0]
        if type(node.op) is Dot:
            return nodes, node, k
        kind = next((kind for kind in kinds if isinstance(node.op, kind)), None)
        if kind is None or k:
            return None
        if kind is DimShuffle and list(node.op.new_order) != [v.ndim - 1, *range(v.ndim - 1)]:
            return None
        del kinds[: kinds.index(kind) + 1]
        nodes.append(node)
        v = node.outputs[0]


def _is_of_rows(ctx, nodes, size, length, transposed):
    """Whether `nodes` make of `size` numbers in rows of this length a matrix of the rows, or that transposed."""
    if any(isinstance(node.op, DimShuffle) for node in nodes) != transposed:
        return False
    if not nodes or not isinstance(nodes[-1].op, Reshape):
        return True
    shape = ctx.static(nodes[-1].inputs[1])
    if shape is None or len(shape) != 2:
        return False
    wanted = (length, size // length) if transposed else (size // length, length)
    return all(int(a) in (-1, b) for a, b in zip(shape, wanted))
