"""Matrix products of which at least one factor is sparse."""

import numpy as np

import theanojax.tensor as tensor
from theanojax.arrays import safe_asarray
from theanojax.graph.gradient_types import grad_not_implemented
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.scalar.types import upcast
from theanojax.sparse.csm import CSC, CSR, csm_indices, csm_indptr, csm_shape, dense_from_sparse, major
from theanojax.sparse.structure import transpose
from theanojax.sparse.type import SparseType, _is_sparse, scipy_sparse
from theanojax.sparse.variable import (
    _is_dense_variable,
    _is_sparse_variable,
    as_csx_variable,
    as_sparse_variable,
    operand,
)
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.op_methods import product_shape, shaped_like
from theanojax.tensor.type import TensorType

ROWS_AT_ONCE = 1 << 14  # of the dense factors of a structured gradient, so that little memory is needed


def _require_csx(x):
    if x.format not in ("csr", "csc"):
        raise AssertionError("the format has to be csr or csc, not %s" % x.format)


def _operands(x, y):
    """Both as variables, scipy's matrices in csr or csc, and whether each is sparse."""
    x, y = (as_csx_variable(v) if hasattr(v, "getnnz") else operand(v) for v in (x, y))
    return x, y, _is_sparse_variable(x), _is_sparse_variable(y)


class TrueDot(Op):
    """The product of a sparse matrix and a sparse or dense one, sparse; see `true_dot`."""

    __props__ = ()  # the gradient is no part of what it computes

    infer_shape = product_shape

    def __init__(self, grad_preserves_dense=True):
        self.grad_preserves_dense = grad_preserves_dense  # False: the gradient for a dense factor is sparse

    def make_node(self, x, y):
        if x.type.dtype != y.type.dtype:
            raise NotImplementedError("the dtypes differ: %s and %s" % (x.type.dtype, y.type.dtype))
        if not _is_sparse_variable(x):
            raise TypeError(x)
        if x.type.format not in ("csr", "csc"):
            raise NotImplementedError("the format has to be csr or csc, not %s" % x.type.format)
        return Apply(self, [x, y], [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        x, y = inputs
        matrix = SparseType.format_cls[node.outputs[0].type.format]
        found = x.dot(y)
        output_storage[0][0] = matrix(found).astype(node.outputs[0].dtype, copy=False)

    def grad(self, inputs, gout):
        (x, y), (gz,) = inputs, gout
        gy = true_dot(x.T, gz)
        if _is_dense_variable(y) and self.grad_preserves_dense:
            gy = dense_from_sparse(gy)
        return [true_dot(gz, y.T), gy]


def true_dot(x, y, grad_preserves_dense=True):
    """The product of two matrices of one dtype, of which at least one is sparse, as a sparse matrix.

    `x` and `y` are matrices, the sparse ones csr or csc. With `grad_preserves_dense` the gradient for a dense factor is
    dense, otherwise sparse.

    Raises
    ------
    TypeError : both are dense. NotImplementedError : the dtypes differ.
    NotImplementedError or AssertionError : a format is neither csr nor csc.
    ValueError : when run, shapes don't fit.
    """
    x, y, x_sparse, y_sparse = _operands(x, y)
    if not (x_sparse or y_sparse):
        raise TypeError("true_dot requires at least one sparse argument")
    op = TrueDot(grad_preserves_dense)
    return op(x, y) if x_sparse else transpose(op(y.T, x.T))


class StructuredDot(Op):
    """The product of a sparse matrix and a sparse or dense one; see `structured_dot`."""

    __props__ = ()
    infer_shape = product_shape

    def make_node(self, a, b):
        a = as_sparse_variable(a)
        dtype = upcast(a.type.dtype, b.type.dtype)
        if b.type.ndim != 2:
            raise NotImplementedError("non-matrix b")
        if _is_sparse_variable(b):
            return Apply(self, [a, b], [SparseType(a.type.format, dtype)()])
        return Apply(self, [a, b], [TensorType(dtype, (False, b.type.broadcastable[1]))()])

    def perform(self, node, inputs, output_storage, params=None):
        a, b = inputs
        if a.shape[1] != b.shape[0]:
            raise ValueError("shape mismatch in StructuredDot.perform", (a.shape, b.shape))
        out = node.outputs[0]
        found = a @ b
        if isinstance(out.type, SparseType):
            output_storage[0][0] = found.asformat(out.type.format).astype(out.dtype, copy=False)
        else:
            output_storage[0][0] = safe_asarray(found, out.dtype)

    def grad(self, inputs, gout):
        (a, b), (gz,) = inputs, gout
        return [structured_dot_grad(a, b, gz), structured_dot(a.T, gz)]


_structured_dot = StructuredDot()


def structured_dot(x, y):
    """The product of two matrices of which at least one is sparse; sparse, in the format of `x`, if both are.

    `x` and `y` are matrices, the dtype is what both are upcast to. The gradient for a sparse factor is zero wherever
    nothing is stored.

    Raises
    ------
    TypeError : both are dense. NotImplementedError : a factor is no matrix. ValueError : when run, shapes don't fit.
    """
    x, y, x_sparse, y_sparse = _operands(x, y)
    if not (x_sparse or y_sparse):
        raise TypeError("structured_dot requires at least one sparse argument")
    return _structured_dot(x, y) if x_sparse else _structured_dot(y.T, x.T).T


def _dots(g, rows, b, columns, dtype):
    """``dot(g[rows[k]], b[columns[k]])`` for all k."""
    found = np.zeros(len(rows), dtype=dtype)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        left, right = g[rows[part]], b[columns[part]]
        if _is_sparse(left):
            found[part] = np.asarray(left.multiply(right).sum(1)).ravel()
        elif _is_sparse(right):
            found[part] = np.asarray(right.multiply(left).sum(1)).ravel()
        else:
            found[part] = np.einsum("ij,ij->i", left, right)
    return found


def _row_readable(x):
    return x.tocsr() if _is_sparse(x) else x


class StructuredDotGradCSC(Op):
    """The data of the gradient of `structured_dot` for a csc matrix, given its indices and indptr."""

    __props__ = ()

    def make_node(self, a_indices, a_indptr, b, g_ab):
        return Apply(self, [a_indices, a_indptr, b, g_ab], [TensorType(g_ab.dtype, (False,))()])

    def perform(self, node, inputs, output_storage, params=None):
        indices, indptr, b, g = inputs
        output_storage[0][0] = _dots(_row_readable(g), indices, _row_readable(b), major(indptr), node.outputs[0].dtype)

    infer_shape = shaped_like(0)


sdg_csc = StructuredDotGradCSC()


class StructuredDotGradCSR(Op):
    """The data of the gradient of `structured_dot` for a csr matrix, given its indices and indptr."""

    __props__ = ()

    def make_node(self, a_indices, a_indptr, b, g_ab):
        return Apply(self, [a_indices, a_indptr, b, g_ab], [TensorType(b.dtype, (False,))()])

    def perform(self, node, inputs, output_storage, params=None):
        indices, indptr, b, g = inputs
        output_storage[0][0] = _dots(_row_readable(g), major(indptr), _row_readable(b), indices, node.outputs[0].dtype)

    infer_shape = shaped_like(0)


sdg_csr = StructuredDotGradCSR()


def structured_dot_grad(sparse_A, dense_B, ga):
    """The gradient of ``structured_dot(sparse_A, dense_B)`` for `sparse_A`, of its type, given `ga` for the product.

    It stores what `sparse_A` stores. NotImplementedError unless `sparse_A` is csr or csc; `dense_B` is a matrix.
    """
    if sparse_A.type.format not in ("csc", "csr"):
        raise NotImplementedError("the format has to be csr or csc, not %s" % sparse_A.type.format)
    grad, make = (sdg_csc, CSC) if sparse_A.type.format == "csc" else (sdg_csr, CSR)
    data = grad(csm_indices(sparse_A), csm_indptr(sparse_A), dense_B, ga)
    return make(data, csm_indices(sparse_A), csm_indptr(sparse_A), csm_shape(sparse_A))


class SamplingDot(Op):
    """``sampling_dot(x, y, p)``: ``p * dot(x, y.T)`` of dense matrices, only where p, a sparse one, stores something.

    `p` is csr or csc, and the result has its type. ValueError, when run, if the shapes don't fit.
    """

    __props__ = ()

    def make_node(self, x, y, p):
        x, y, p = as_tensor_variable(x), as_tensor_variable(y), as_csx_variable(p)
        return Apply(self, [x, y, p], [p.type()])

    def perform(self, node, inputs, output_storage, params=None):
        x, y, p = inputs
        if x.shape[1:] != y.shape[1:] or p.shape != (x.shape[0], y.shape[0]):
            raise ValueError("the shapes don't fit: x %s, y %s, p %s" % (x.shape, y.shape, p.shape))
        outer = major(p.indptr)
        rows, columns = (outer, p.indices) if p.format == "csr" else (p.indices, outer)
        found = p.copy()
        found.data = (found.data * _dots(x, rows, y, columns, np.result_type(x, y))).astype(p.dtype)
        output_storage[0][0] = found

    def grad(self, inputs, gout):
        (x, y, p), (gz,) = inputs, gout
        return [dot(p * gz, y), dot((p * gz).T, x), grad_not_implemented(self, 2, p)]

    infer_shape = shaped_like(2)


sampling_dot = SamplingDot()


class Dot(Op):
    """The product of two matrices, or a matrix and a vector, of which at least one is sparse; see `dot`."""

    __props__ = ()

    def __str__(self):
        return "SparseDot"

    def make_node(self, x, y):
        dtype = upcast(x.dtype, y.dtype)
        x, y = (as_sparse_variable(v) if isinstance(v, scipy_sparse.spmatrix) else v for v in (x, y))
        x_sparse, y_sparse = _is_sparse_variable(x), _is_sparse_variable(y)
        if not (x_sparse or y_sparse):
            raise TypeError(
                "Sparse dot product should have at least one sparse variable as inputs, but the inputs "
                "are %s (%s) and %s (%s)." % (x, x.type, y, y.type)
            )
        flags = []
        for i, (v, is_sparse, other) in enumerate(((x, x_sparse, y), (y, y_sparse, x))):
            if is_sparse:
                flags.append((False, False))
                continue
            _require_csx(other)
            if v.ndim not in (1, 2):
                raise TypeError(
                    "theano.sparse.Dot: input %d (%d-indexed) must have ndim of 1 or 2, %d given." % (i, i, v.ndim)
                )
            flags.append(v.type.broadcastable)
        return Apply(self, [x, y], [TensorType(dtype, flags[0][:-1] + flags[1][1:])()])

    def perform(self, node, inputs, output_storage, params=None):
        x, y = inputs
        found = x @ y
        if _is_sparse(found):
            found = found.toarray()
        output_storage[0][0] = safe_asarray(found, node.outputs[0].dtype)

    def grad(self, inputs, gout):
        (x, y), (gz,) = inputs, gout
        gx = tensor.dot(gz, y.T) if _is_dense_variable(y) else dot(gz, y.T)
        gy = tensor.dot(x.T, gz) if _is_dense_variable(x) else dot(x.T, gz)
        return [gx, gy]

    def infer_shape(self, node, shapes):
        return [tuple(shapes[0][:-1]) + tuple(shapes[1][1:])]


_dot = Dot()


def dot(x, y):
    """The product of two matrices, or a matrix and a vector, of which at least one is sparse: a dense one.

    `x` and `y` have one or two dimensions; the dtype is what both are upcast to.

    Raises
    ------
    TypeError : both are dense, or have other numbers of dimensions. ValueError : when run, shapes don't fit.
    """
    x, y = (as_sparse_variable(v) if hasattr(v, "getnnz") else v for v in (x, y))
    if not (_is_sparse_variable(x) or _is_sparse_variable(y)):
        raise TypeError("dot requires at least one sparse argument")
    return _dot(x, y)


class Usmm(Op):
    """``usmm(alpha, x, y, z)``: ``alpha * dot(x, y) + z``, of which x or y is sparse and z and the result dense.

    TypeError if both are dense, AssertionError for other numbers of dimensions. It has no gradient.
    """

    __props__ = ()

    def __str__(self):
        return "Usmm{no_inplace}"

    def make_node(self, alpha, x, y, z):
        x_sparse, y_sparse = _is_sparse_variable(x), _is_sparse_variable(y)
        if not (x_sparse or y_sparse):
            raise TypeError(x)
        alpha, z = as_tensor_variable(alpha), as_tensor_variable(z)
        dtype = upcast(alpha.dtype, x.type.dtype, y.type.dtype, z.dtype)
        if z.ndim != 2 or x.ndim != 2 or y.ndim != 2:
            raise AssertionError("x, y and z have to be matrices")
        if not all(alpha.broadcastable):
            raise AssertionError("alpha has to be a number, not %s" % alpha.type)
        for v, is_sparse in ((y, x_sparse), (x, y_sparse)):
            if not is_sparse:
                _require_csx(v)
        return Apply(self, [alpha, x, y, z], [TensorType(dtype, (False, False))()])

    def perform(self, node, inputs, output_storage, params=None):
        alpha, x, y, z = inputs
        found = x @ y
        if _is_sparse(found):
            found = found.toarray()
        output_storage[0][0] = np.asarray(found * alpha + z, dtype=node.outputs[0].dtype)

    def infer_shape(self, node, shapes):
        return [(shapes[1][0], shapes[2][1])]


usmm = Usmm()
