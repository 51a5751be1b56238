"""From uniform draws to draws of multinomial distributions."""

import numpy as np

from theanojax.config import config
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.scalar import as_scalar
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.op_methods import shaped_like
from theanojax.tensor.type import TensorType

UNROLLED = 8  # draws written out in the graph; more become a loop


class MultinomialFromUniform(Op):
    """Counts of `n` draws for each row of the matrix `pvals`, decided by the uniform draws `unis`.

    Inputs: pvals (rows, outcomes), unis (rows * n), n. Output: counts (rows, outcomes).
    """

    __props__ = ("odtype",)
    static_inputs = (2,)
    auto_dtype = None  # that of pvals
    infer_shape = shaped_like(0)

    def __init__(self, odtype):
        self.odtype = odtype

    def __str__(self):
        return "%s{%s}" % (type(self).__name__, self.odtype)

    def make_node(self, pvals, unis, n=1):
        inputs = [as_tensor_variable(pvals), as_tensor_variable(unis)]
        for v, name, ndim in zip(inputs, ("pvals", "unis"), (2, 1)):
            if v.ndim != ndim:
                raise NotImplementedError("%s ndim should be %d" % (name, ndim), v.ndim)
        pvals = inputs[0].type
        dtype = (self.auto_dtype or pvals.dtype) if self.odtype == "auto" else self.odtype
        return Apply(self, [*inputs, as_scalar(n)], [TensorType(dtype, pvals.broadcastable)()])

    def compute(self, xp, node, pvals, unis, n=1):  # old pickles hold nodes without n
        rows, outcomes = pvals.shape
        n = int(n)
        _check_draws(pvals, unis, n)
        # The sums are in double precision whatever the input, as in Theano's C code.
        sums = xp.cumsum(xp.astype(pvals, "float64"), axis=1)
        chosen = _count_not_above(xp, sums, xp.reshape(unis, (n, rows)).T)
        # a draw beyond the last sum counts for no outcome
        if n == 1:
            hits = chosen == np.arange(outcomes)[None, :]
        else:
            at = (np.arange(rows)[:, None], chosen)
            hits = xp.index_add(xp.zeros((rows, outcomes + 1), "int64"), at, 1)[:, :outcomes]
        return xp.astype(hits, node.outputs[0].type.dtype)

    def grad(self, ins, outgrads):
        return [x.zeros_like(dtype=config.floatX) if np.dtype(x.dtype).kind in "biu" else x.zeros_like() for x in ins]


def _count_not_above(xp, rising, values):
    """For each number in a row of `values`, how many in the same, rising row of `rising` are not above it."""
    length = rising.shape[1]
    low, high = xp.zeros(values.shape, "int64"), xp.full(values.shape, length, "int64")
    for _ in range(length.bit_length()):
        middle = (low + high) // 2
        there = xp.take_along_axis(rising, xp.minimum(middle, length - 1), axis=1)
        up, open_ = there <= values, low < high
        low, high = xp.where(open_ & up, middle + 1, low), xp.where(open_ & ~up, middle, high)
    return low


def _check_draws(pvals, unis, n):
    if unis.shape[0] != pvals.shape[0] * n:
        raise ValueError("unis.shape[0] != pvals.shape[0] * n_samples", unis.shape[0], pvals.shape[0], n)


class ChoiceFromUniform(MultinomialFromUniform):
    """`n` column numbers for each row of `pvals`; without `replace` all different.

    Output: (rows, n), int64 unless `odtype` says otherwise.
    """

    __props__ = ("odtype", "replace")
    auto_dtype = "int64"

    def __init__(self, odtype, replace=False):
        super().__init__(odtype)
        self.replace = replace

    def infer_shape(self, node, shapes):
        return [(shapes[0][0], node.inputs[2])]

    def compute(self, xp, node, pvals, unis, n):
        rows, outcomes = pvals.shape
        n = int(n)
        if n > outcomes:
            raise ValueError("Cannot sample without replacement n samples bigger than the size of the distribution.")
        _check_draws(pvals, unis, n)
        draws, columns = xp.reshape(unis, (n, rows)), []
        for c in range(n):
            pvals, column = self._draw(xp, pvals, draws[c])
            columns.append(column)
        out = xp.stack(columns, axis=1) if columns else xp.zeros((rows, 0), "int64")
        return xp.astype(out, node.outputs[0].type.dtype)

    def lower_xla(self, ctx, node, pvals, unis, n):
        xp, n = ctx.xp, int(ctx.need(node.inputs[2], n))
        if n <= UNROLLED or n > pvals.shape[1] or unis.shape[0] != pvals.shape[0] * n:
            return self.compute(xp, node, pvals, unis, n)
        draws = xp.reshape(xp.asarray(unis), (n, pvals.shape[0]))
        _, columns = ctx.lax.scan(lambda left, draw: self._draw(xp, left, draw), xp.asarray(pvals), draws)
        return xp.astype(columns.T, node.outputs[0].type.dtype)

    def _draw(self, xp, pvals, draw):
        """One column of the output, and the probabilities that are left for the next."""
        above = xp.cumsum(pvals, axis=1) > draw[:, None]
        first = xp.argmax(above, axis=1)
        column = xp.where(xp.any(above, axis=1), first, -1)
        if not self.replace:
            pvals = xp.where(first[:, None] == np.arange(pvals.shape[1])[None, :], xp.zeros((), pvals.dtype), pvals)
            pvals = pvals / pvals.sum(axis=1, keepdims=True)
        return pvals, column


class MultinomialWOReplacementFromUniform(ChoiceFromUniform):
    """The old name of ChoiceFromUniform."""
