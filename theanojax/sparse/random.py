"""Sparse matrices of random draws, from numpy's global generator: other ones in every call."""

import numpy as np

from theanojax.graph.gradient_types import disconnected_type, grad_undefined
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.sparse.type import SparseType, discrete_dtypes, float_dtypes, scipy_sparse
from theanojax.sparse.variable import as_sparse_variable
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.op_methods import first_connected, never_folded, shaped_like


class _Draws(Op):
    """An Op that gives other values whenever it runs, and so is never folded into a constant."""

    do_constant_folding = never_folded

    def _undefined(self, inputs, *positions):
        return [
            grad_undefined(self, i, inputs[i], "No gradient exists for the draws of class %s" % type(self).__name__)
            for i in positions
        ]


class Poisson(_Draws):
    """Poisson draws whose means are the elements of a sparse matrix (csr or csc); of its type."""

    __props__ = ()

    def make_node(self, x):
        x = as_sparse_variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        (x,) = inputs
        out = x.copy()
        out.data = np.asarray(np.random.poisson(x.data), dtype=x.dtype)
        out.eliminate_zeros()
        output_storage[0][0] = out

    def grad(self, inputs, output_gradients):
        return self._undefined(inputs, 0)

    infer_shape = shaped_like(0)


class Binomial(_Draws):
    """How many of `n` trials, an integer scalar, succeed with probability `p`; a sparse matrix of `shape`.

    `format` is csr or csc, `dtype` that of the output.
    """

    __props__ = ("format", "dtype")

    def __init__(self, format, dtype):
        self.format, self.dtype = format, dtype

    def make_node(self, n, p, shape):
        n, p, shape = (as_tensor_variable(v) for v in (n, p, shape))
        if n.dtype not in discrete_dtypes or p.dtype not in float_dtypes or shape.dtype not in discrete_dtypes:
            raise AssertionError("n and shape must be integers and p a float, got %s" % [n.dtype, shape.dtype, p.dtype])
        return Apply(self, [n, p, shape], [SparseType(dtype=self.dtype, format=self.format)()])

    def perform(self, node, inputs, output_storage, params=None):
        n, p, shape = inputs
        make = getattr(scipy_sparse, self.format + "_matrix")
        output_storage[0][0] = make(np.random.binomial(n, p, size=shape), dtype=self.dtype)

    connection_pattern = first_connected(2)

    def grad(self, inputs, output_gradients):
        return [*self._undefined(inputs, 0, 1), disconnected_type()]

    def infer_shape(self, node, shapes):
        shape = node.inputs[2]
        return [(shape[0], shape[1])]


class Multinomial(_Draws):
    """Counts of `n` draws for each row of probabilities of the csr matrix `p`; of its type.

    `n` is a scalar, or a vector with a number for each row.
    """

    __props__ = ()

    def make_node(self, n, p):
        n, p = as_tensor_variable(n), as_sparse_variable(p)
        if p.format not in ("csr", "csc"):
            raise AssertionError("p must be csr or csc, got %s" % p.format)
        return Apply(self, [n, p], [p.type()])

    def perform(self, node, inputs, output_storage, params=None):
        n, p = inputs
        if p.format != "csr":
            raise NotImplementedError("Multinomial needs probabilities in csr format")
        if n.ndim and n.shape[0] != p.shape[0]:
            raise ValueError("The number of element of n must be the same as the number of row of p.")
        out = p.copy()
        for count, start, stop in zip(np.broadcast_to(n, p.shape[:1]), p.indptr[:-1], p.indptr[1:]):
            out.data[start:stop] = np.random.multinomial(count, p.data[start:stop])
        output_storage[0][0] = out

    def grad(self, inputs, output_gradients):
        return self._undefined(inputs, 0, 1)

    infer_shape = shaped_like(1)


poisson, multinomial = Poisson(), Multinomial()
csr_fbinomial, csc_fbinomial = Binomial("csr", "float32"), Binomial("csc", "float32")
csr_dbinomial, csc_dbinomial = Binomial("csr", "float64"), Binomial("csc", "float64")
