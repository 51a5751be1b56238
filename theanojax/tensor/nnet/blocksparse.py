"""Products with a matrix of blocks, of which only some are used."""

import numpy as np

import theanojax.tensor as T
from theanojax.graph.gradient_types import grad_undefined
from theanojax.graph.variable import Apply
from theanojax.tensor.as_tensor import as_tensor_variable, constant
from theanojax.tensor.op_methods import InplaceOp, shaped_like
from theanojax.tensor.type import discrete_dtypes


def _blocks(xp, rows, columns, shape):
    """The index of blocks [rows[b, i], columns[b, j]] of a matrix of blocks; IndexError where there is none."""
    rows, columns = xp.astype(rows, "int64"), xp.astype(columns, "int64")
    for axis, index in enumerate((rows, columns)):
        xp.guard(
            (index >= -shape[axis]) & (index < shape[axis]),
            IndexError("a block index is out of bounds for axis %d with size %d" % (axis, shape[axis])),
        )
    return rows[:, :, None], columns[:, None, :]


class _InPlace(InplaceOp):
    """An Op that may say that it overwrites its first input."""

    __props__ = ("inplace",)
    registered_opts: list = []
    infer_shape = shaped_like(0)

    def __init__(self, inplace=False):
        super().__init__(inplace)


class SparseBlockGemv(_InPlace):
    """``o[b, j] + sum(dot(h[b, i], W[inputIdx[b, i], outputIdx[b, j]]) for all i)`` for all b, j.

    Parameters
    ----------
    o : (batch, oWin, oSize)
    W : (iBlocks, oBlocks, iSize, oSize), all blocks of the weight matrix
    h : (batch, iWin, iSize), the input, of which some blocks are given
    inputIdx : (batch, iWin) integers, the numbers of these blocks
    outputIdx : (batch, oWin) integers, the numbers of the output blocks wanted
    """

    def make_node(self, o, W, h, inputIdx, outputIdx):
        inputs = [as_tensor_variable(v) for v in (o, W, h, inputIdx, outputIdx)]
        texts = (
            "The output o must be a 2D tensor",
            "The weight matrix W must be a 4D tensor",
            "The input h must be a 3D tensor",
            "The input indices inputIdx must be a 2D tensor",
            "The output indices outputIdx must be a 2D tensor",
        )
        for v, ndim, text in zip(inputs, (3, 4, 3, 2, 2), texts):
            if v.ndim != ndim:
                raise TypeError(text)
        if any(v.type.dtype not in discrete_dtypes for v in inputs[3:]):
            raise AssertionError("block indices have to be integers")
        return Apply(self, inputs, [inputs[0].type()])

    def compute(self, xp, node, o, W, h, inputIdx, outputIdx):
        used = xp.index_get(W, _blocks(xp, inputIdx, outputIdx, W.shape))
        return o + xp.einsum("bis,bijst->bjt", h, used)

    def grad(self, inputs, grads):
        o, W, h, inputIdx, outputIdx = inputs
        (go,) = grads
        W_grad = SparseBlockOuter(self.inplace)(W.zeros_like(), h, go, inputIdx, outputIdx)
        h_grad = SparseBlockGemv(self.inplace)(h.zeros_like(), W.dimshuffle((1, 0, 3, 2)), go, outputIdx, inputIdx)
        return [
            go,
            W_grad,
            h_grad,
            grad_undefined(self, 3, inputIdx, "grad of inputIdx makes no sense"),
            grad_undefined(self, 4, outputIdx, "grad of outputIdx makes no sense"),
        ]


class SparseBlockOuter(_InPlace):
    """`o` with ``alpha * outer(x[b, i], y[b, j])`` added to its block ``[xIdx[b, i], yIdx[b, j]]``, for all b, i, j.

    Parameters
    ----------
    o : (xBlocks, yBlocks, xSize, ySize)
    x, y : (batch, xWin, xSize), (batch, yWin, ySize)
    xIdx, yIdx : (batch, xWin), (batch, yWin) integers
    alpha : scalar, 1 when it is None
    """

    def make_node(self, o, x, y, xIdx, yIdx, alpha=None):
        o, x, y = [as_tensor_variable(v) for v in (o, x, y)]
        if alpha is None:
            alpha = constant(np.asarray(1.0, dtype="float32"))
        return Apply(self, [o, x, y, xIdx, yIdx, alpha], [o.type()])

    def compute(self, xp, node, o, x, y, xIdx, yIdx, alpha):
        places = _blocks(xp, xIdx, yIdx, o.shape)
        return xp.index_add(o, places, xp.astype(xp.einsum("bis,bjt->bijst", x, y) * alpha, o.dtype))


sparse_block_gemv, sparse_block_gemv_inplace = SparseBlockGemv(False), SparseBlockGemv(True)
sparse_block_outer, sparse_block_outer_inplace = SparseBlockOuter(False), SparseBlockOuter(True)


def sparse_block_dot(W, h, inputIdx, b, outputIdx):
    """Some blocks of ``dot(h, W) + b``, of which all but some blocks of `h` are zero; (batch, oWin, oSize).

    Parameters
    ----------
    W : (iBlocks, oBlocks, iSize, oSize)
    h : (batch, iWin, iSize), or without the batch, which is then 1
    inputIdx : (batch, iWin) integers, which blocks of the input `h` has
    b : (oBlocks, oSize)
    outputIdx : (batch, oWin) integers, which blocks of the output to compute

    TypeError or AssertionError for other numbers of dimensions, AssertionError for other indices than integers.
    """
    if inputIdx.ndim != h.ndim - 1 or outputIdx.ndim != inputIdx.ndim:
        raise AssertionError("inputIdx and outputIdx have one dimension less than h")
    if h.ndim == 2:
        h, inputIdx, outputIdx = h.dimshuffle("x", 0, 1), inputIdx.dimshuffle("x", 0), outputIdx.dimshuffle("x", 0)
    return SparseBlockGemv()(T.take(b, outputIdx, axis=0), W, h, inputIdx, outputIdx)
