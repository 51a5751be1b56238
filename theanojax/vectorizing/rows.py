"""An Op applied to each of many rows at once: XLA's own mapping of what it computes, and a loop on the host."""

import numpy as np

from theanojax.errors import ShapeError
from theanojax.gradient import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.traverse import inputs as graph_inputs
from theanojax.graph.type import NullType
from theanojax.graph.variable import Apply
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.type import TensorType
from theanojax.vectorizing.batch import Batch, vectorized


class Rows(Op):
    """`op` for each row of the inputs at the positions `moving`; the others are common to all rows.

    Parameters
    ----------
    op : Op whose inputs and outputs are tensors.
    moving : tuple of ints.
    kinds, results : tuples of the types of its inputs and outputs for one row.
    """

    __props__ = ("op", "moving", "kinds", "results")

    def __init__(self, op, moving, kinds, results):
        self.op, self.moving, self.kinds, self.results = op, tuple(moving), tuple(kinds), tuple(results)

    def __str__(self):
        return "Rows{%s}" % self.op

    def row(self):
        """A new node for one row."""
        return Apply(self.op, [kind() for kind in self.kinds], [kind() for kind in self.results])

    def make_node(self, *inputs):
        inputs = [as_tensor_variable(v) for v in inputs]
        outs = [TensorType(kind.dtype, (False, *kind.broadcastable)) for kind in self.results]
        return Apply(self, inputs, [kind() for kind in outs])

    # ---------------------------------------------------------------- values
    def perform(self, node, inputs, output_storage, params=None):
        row, found, count = self.row(), [], self._count(inputs)
        if not count:  # any row says how long the outputs are
            inputs = [_any_row(x) if i in self.moving else x for i, x in enumerate(inputs)]
        for k in range(count or 1):
            cells = [[None] for _ in row.outputs]
            given = [np.asarray(x[k]) if i in self.moving else x for i, x in enumerate(inputs)]
            self.op.perform(row, given, cells)
            found.append([cell[0] for cell in cells])
        for v, cell, values in zip(row.outputs, output_storage, zip(*found), strict=True):
            cell[0] = np.stack(values).astype(v.dtype, copy=False)[:count]

    def _count(self, inputs):
        counts = {x.shape[0] for i, x in enumerate(inputs) if i in self.moving}
        if len(counts) != 1:
            raise ValueError("%s has inputs of %s rows" % (self, " and ".join(map(str, sorted(counts)))))
        return counts.pop()

    def lower_xla(self, ctx, node, *inputs):
        row = self.row()
        self._count(inputs)
        return tuple(ctx.rows(inputs, self.moving, lambda inner, given: self.op.lower_xla(inner, row, *given)))

    def runs_on_host(self, node):
        return self.op.runs_on_host(self.row())

    def why_on_host(self, node):
        return self.op.why_on_host(self.row())

    def infer_shape(self, node, shapes):
        row = self.row()
        given = [shape[1:] if i in self.moving else shape for i, shape in enumerate(shapes)]
        found = self.op.infer_shape(row, given)
        inside = graph_inputs([as_tensor_variable(n) for shape in found for n in shape])
        if not set(row.inputs).isdisjoint(inside):
            raise ShapeError("the values of a row say how long the outputs are")
        return [(shapes[self.moving[0]][0], *shape) for shape in found]

    # ---------------------------------------------------------------- derivatives
    def connection_pattern(self, node):
        row = self.row()
        known = getattr(self.op, "connection_pattern", None)
        return known(row) if known else [[True] * len(row.outputs) for _ in row.inputs]

    def _for_rows(self, graphs, row, inputs, more):
        """`graphs` of the variables of a row for many; `more` are pairs of others of a row and of many."""
        pairs = {row.inputs[i]: inputs[i] for i in self.moving} | dict(more)
        common = {v: new for i, (v, new) in enumerate(zip(row.inputs, inputs, strict=True)) if i not in self.moving}
        batch = Batch(inputs[self.moving[0]].shape[0])
        return [batch.expand(new, v) for new, v in zip(vectorized(graphs, {**pairs, **common}, batch), graphs)]

    def L_op(self, inputs, outputs, output_grads):
        row = self.row()
        slopes = [g if isinstance(g.type, DisconnectedType) else _row(g.type)() for g in output_grads]
        found = self.op.L_op(row.inputs, row.outputs, slopes)
        known = [not isinstance(g.type, (NullType, DisconnectedType)) for g in found]
        more = [(v, g) for v, g in zip(slopes, output_grads, strict=True) if v is not g]
        more += list(zip(row.outputs, outputs, strict=True))
        many = iter(self._for_rows([g for g, ok in zip(found, known, strict=True) if ok], row, inputs, more))
        terms = [next(many) if ok else g for g, ok in zip(found, known, strict=True)]
        return [
            g.sum(axis=0, dtype=g.dtype, acc_dtype=g.dtype) if ok and i not in self.moving else g
            for i, (g, ok) in enumerate(zip(terms, known, strict=True))
        ]

    def R_op(self, inputs, eval_points):
        row = self.row()
        moved = [i for i, v in enumerate(eval_points) if v is not None]
        points = [row.inputs[i].type() if i in moved else None for i in range(len(inputs))]
        found = self.op.R_op(row.inputs, points)
        more = [(points[i], eval_points[i]) for i in moved]
        many = iter(self._for_rows([v for v in found if v is not None], row, inputs, more))
        return [None if v is None else next(many) for v in found]


def _any_row(x):
    """In place of the array `x` of no rows, one of one row, which each Op can take: linear algebra an identity."""
    return np.eye(*x.shape[1:], dtype=x.dtype)[None] if x.ndim == 3 else np.zeros((1, *x.shape[1:]), x.dtype)


def _row(kind):
    """The type of a row of what has this type."""
    return TensorType(kind.dtype, kind.broadcastable[1:])
