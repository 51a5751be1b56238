"""Diagonals: taking them from a tensor, putting them into one."""

from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.creation import arange, zeros_like
from theanojax.tensor.indexing.subtensor import set_subtensor
from theanojax.tensor.math import clip, minimum
from theanojax.tensor.op_methods import linear_in

# As every numpy since 1.9 does.
numpy_diagonal_return_view = True


class ExtractDiag(Op):
    """Diagonal number `offset` of the matrices that dimensions `axis1` and `axis2` of a tensor form.

    It becomes the last dimension of the result. `view` is kept for Theano's sake.
    """

    __props__ = ("offset", "axis1", "axis2", "view")
    vectorize_node = batch_rules.extract_diag

    def __init__(self, offset=0, axis1=0, axis2=1, view=False):
        self.offset, self.axis1, self.axis2, self.view = offset, axis1, axis2, view
        if view:
            self.view_map = {0: [0]}

    def __setstate__(self, state):
        self.__dict__.update({"offset": 0, "axis1": 0, "axis2": 1}, **state)
        if self.view:
            self.view_map = {0: [0]}

    def make_node(self, x):
        x = as_tensor_variable(x)
        if x.ndim < 2:
            raise ValueError("ExtractDiag needs an input with 2 or more dimensions", x)
        return Apply(self, [x], [x.type.__class__(dtype=x.dtype, broadcastable=[False] * (x.ndim - 1))()])

    def compute(self, xp, node, x):
        return xp.array(xp.diagonal(x, self.offset, self.axis1, self.axis2))

    def infer_shape(self, node, shapes):
        dim1, dim2 = shapes[0][self.axis1], shapes[0][self.axis2]
        if self.offset > 0:
            length = clip(dim2 - self.offset, 0, dim1)
        elif self.offset < 0:
            length = clip(dim1 + self.offset, 0, dim2)
        else:
            length = minimum(dim1, dim2)
        axes = [i % len(shapes[0]) for i in (self.axis1, self.axis2)]
        return [tuple([d for i, d in enumerate(shapes[0]) if i not in axes]) + (length,)]

    def grad(self, inputs, gout):
        (x,), (gz,) = inputs, gout
        zeros = zeros_like(x)
        if x.ndim != 2:
            return [self._filled(zeros, gz)]
        square = AllocDiag(offset=self.offset)(gz)
        if self.offset:  # of a matrix that is not square, the square around the diagonal may stick out
            square = square[: x.shape[0], : x.shape[1]]
        return [set_subtensor(zeros[: square.shape[0], : square.shape[1]], square)]

    def _filled(self, x, gz):
        """`x` with `gz` on the diagonals; for matrices, Theano's graph is another."""
        axes = [self.axis1 % x.ndim, self.axis2 % x.ndim]
        order = [i for i in range(x.ndim) if i not in axes] + axes
        along = arange(gz.shape[-1])
        places = (along + max(-self.offset, 0), along + max(self.offset, 0))
        moved = x.dimshuffle(order)
        filled = set_subtensor(moved[(slice(None),) * (x.ndim - 2) + places], gz)
        return filled.dimshuffle([order.index(i) for i in range(x.ndim)])

    R_op = linear_in(0)


def diagonal(a, offset=0, axis1=0, axis2=1):
    """Diagonal number `offset` of the matrices that dimensions `axis1` and `axis2` of the tensor `a` form.

    `offset` is an int, positive above the main diagonal. The result has the dtype of `a` and one dimension less: the
    diagonal is its last. ValueError if `a` has fewer than two dimensions and,
    when run, for equal axes.
    """
    return ExtractDiag(offset, axis1, axis2)(a)


class AllocDiag(Op):
    """A matrix with a vector on diagonal number `offset` and zeros elsewhere.

    Of a tensor, the last dimension becomes the diagonal; the matrix takes dimensions `axis1` and `axis2`.
    """

    __props__ = ("offset", "axis1", "axis2")
    vectorize_node = batch_rules.alloc_diag

    def __init__(self, offset=0, axis1=0, axis2=1):
        self.offset, self.axis1, self.axis2 = offset, axis1, axis2

    def __setstate__(self, state):
        self.__dict__.update({"offset": 0, "axis1": 0, "axis2": 1}, **state)
        self.__dict__.pop("view_map", None)

    def make_node(self, diag):
        diag = as_tensor_variable(diag)
        if diag.type.ndim < 1:
            raise ValueError("AllocDiag needs an input with 1 or more dimensions", diag.type)
        return Apply(self, [diag], [diag.type.__class__(dtype=diag.dtype, broadcastable=[False] * (diag.ndim + 1))()])

    def compute(self, xp, node, x):
        k, n = self.offset, x.shape[-1] + abs(self.offset)
        rows = xp.pad(x, [(0, 0)] * (x.ndim - 1) + [(max(0, -k), max(0, k))])
        out = xp.where(xp.eye(n, k=k, dtype=bool), rows[..., None], xp.zeros((), dtype=x.dtype))
        if x.ndim == 1:
            return out
        low, high = sorted((self.axis1, self.axis2))
        return xp.moveaxis(out, (-2, -1), (low, high))

    def infer_shape(self, node, shapes):
        low, high = sorted((self.axis1, self.axis2))
        lengths = list(shapes[0][:-1])
        side = shapes[0][-1] + abs(self.offset)
        lengths.insert(low, side)
        lengths.insert(high, side)
        return [tuple(lengths)]

    def grad(self, inputs, gout):
        return [diagonal(gout[0], offset=self.offset, axis1=self.axis1, axis2=self.axis2)]

    R_op = linear_in(0)


def diag(v, k=0):
    """A diagonal put into a matrix or taken from one, by the dimensions of the variable `v`.

    Parameters
    ----------
    v : of a vector of length n, the square matrix of n + abs(k) rows with `v` on diagonal `k`, else zeros; of a tensor
        of two or more dimensions, ``diagonal(v, k)``.
    k : int, number of the diagonal; positive above the main one.

    Raises
    ------
    ValueError : `v` has no dimension.
    """
    if v.ndim == 1:
        return AllocDiag(k)(v)
    if v.ndim >= 2:
        return diagonal(v, offset=k)
    raise ValueError("Input must has v.ndim >= 1.")


__all__ = ["numpy_diagonal_return_view", "ExtractDiag", "diagonal", "AllocDiag", "diag"]
