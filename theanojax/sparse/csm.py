"""Sparse matrices made of arrays, arrays made of sparse matrices, and casts."""

import numpy as np

import theanojax.tensor as tensor
from theanojax.arrays import safe_asarray
from theanojax.config import config
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply, Variable
from theanojax.sparse.type import SparseType, complex_dtypes, discrete_dtypes, scipy_sparse
from theanojax.sparse.variable import as_csx_variable, as_sparse_variable
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.op_methods import first_connected, shaped_like
from theanojax.tensor.type import TensorType


def _no_kmap(kmap):
    if kmap is not None:
        raise Exception("Do not use kmap, it is removed")


class CSMProperties(Op):
    """The arrays that a matrix in csr or csc format consists of: data, indices, indptr and shape."""

    __props__ = ()
    view_map = {0: [0], 1: [0], 2: [0]}

    def __init__(self, kmap=None):
        _no_kmap(kmap)

    def make_node(self, csm):
        csm = as_csx_variable(csm)
        return Apply(
            self, [csm], [TensorType(csm.dtype, (False,))(), tensor.ivector(), tensor.ivector(), tensor.ivector()]
        )

    def perform(self, node, inputs, output_storage, params=None):
        (csm,) = inputs
        output_storage[0][0] = csm.data
        for cell, value in zip(output_storage[1:], (csm.indices, csm.indptr, csm.shape), strict=True):
            cell[0] = safe_asarray(value, dtype="int32")

    def grad(self, inputs, g):
        (csm,), (g_data, *_) = inputs, g
        disconnected = isinstance(g_data.type, DisconnectedType)
        return [csm.zeros_like() if disconnected else CSM(csm.format)(g_data, *csm_properties(csm)[1:])]


csm_properties = CSMProperties()


def csm_data(csm):
    """The elements that the sparse matrix `csm` stores, a vector of its dtype; AssertionError for bsr."""
    return csm_properties(csm)[0]


def csm_indices(csm):
    """The columns (csr) or rows (csc) of the elements that the sparse matrix `csm` stores, a vector of int32."""
    return csm_properties(csm)[1]


def csm_indptr(csm):
    """Where in the data of the sparse matrix `csm` each row (csr) or column (csc) begins, a vector of int32."""
    return csm_properties(csm)[2]


def csm_shape(csm):
    """The shape of the sparse matrix `csm`, a vector of int32."""
    return csm_properties(csm)[3]


def _as_int32(x):
    if isinstance(x, Variable):
        return x
    found = safe_asarray(x, dtype="int32")
    if not np.all(np.asarray(x) == found):
        raise AssertionError("%s doesn't fit in int32" % (x,))
    return found


class CSM(Op):
    """A sparse matrix in csr or csc format, made of data, indices, indptr and shape: four vectors.

    The data give the dtype; the others are vectors of integers. TypeError otherwise; ValueError, when run, if the
    lengths don't fit each other, or for a format other than csr and csc.
    """

    __props__ = ("format",)

    def __init__(self, format, kmap=None):
        if format not in ("csr", "csc"):
            raise ValueError("format must be one of: 'csr', 'csc'", format)
        _no_kmap(kmap)
        self.format, self.view_map = format, {0: [0]}

    def make_node(self, data, indices, indptr, shape):
        data = as_tensor_variable(data)
        indices, indptr, shape = (as_tensor_variable(_as_int32(v)) for v in (indices, indptr, shape))
        if data.type.ndim != 1:
            raise TypeError("data argument must be a vector", data.type, data.type.ndim)
        for what, v in (
            ("indices must be vector of integers", indices),
            ("indices must be vector of integers", indptr),
            ("n_rows must be integer type", shape),
        ):
            if v.type.ndim != 1 or v.type.dtype not in discrete_dtypes:
                raise TypeError(what, v, v.type)
        return Apply(self, [data, indices, indptr, shape], [SparseType(dtype=data.dtype, format=self.format)()])

    def perform(self, node, inputs, output_storage, params=None):
        data, indices, indptr, shape = inputs
        if len(shape) != 2:
            raise ValueError("Shape should be an array of length 2")
        if data.shape != indices.shape:
            raise ValueError(
                "Data (shape %r must have the same number of elements as indices (shape%r)"
                % (data.shape, indices.shape)
            )
        output_storage[0][0] = SparseType.format_cls[self.format](
            (data, indices.copy(), indptr.copy()), tuple([int(n) for n in shape]), copy=False
        )

    connection_pattern = first_connected(1)

    def grad(self, inputs, gout):
        gz = gout[0]
        if isinstance(gz.type, TensorType):  # as that of dot is
            gz = SparseFromDense(self.format)(gz)
        g_data = csm_grad()(*inputs, *csm_properties(gz))
        return [g_data] + [DisconnectedType()() for _ in range(3)]

    def infer_shape(self, node, shapes):
        shape = node.inputs[3]
        return [(shape[0], shape[1])]


CSC = CSM("csc")
CSR = CSM("csr")


class CSMGrad(Op):
    """The gradient of `CSM` for the data, given its inputs and the arrays of the gradient's matrix.

    That matrix may store fewer elements, and in another order.
    """

    __props__ = ()

    def __init__(self, kmap=None):
        _no_kmap(kmap)

    def make_node(self, x_data, x_indices, x_indptr, x_shape, g_data, g_indices, g_indptr, g_shape):
        return Apply(
            self, [x_data, x_indices, x_indptr, x_shape, g_data, g_indices, g_indptr, g_shape], [g_data.type()]
        )

    def perform(self, node, inputs, output_storage, params=None):
        x_data, x_indices, x_indptr, x_shape, g_data, g_indices, g_indptr, _ = inputs
        rows = len(x_indptr) - 1
        columns = int(x_shape[1] if rows == x_shape[0] else x_shape[0])
        g = scipy_sparse.csr_matrix((g_data, g_indices, g_indptr), shape=(rows, columns))
        found = g[major(x_indptr), x_indices] if len(x_data) else np.zeros(0)
        output_storage[0][0] = np.asarray(found, dtype=node.outputs[0].dtype).ravel()

    infer_shape = shaped_like(1)


csm_grad = CSMGrad


def major(indptr):
    """The row (csr) or column (csc) of each stored element."""
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))


def positions(x):
    """The rows and the columns of the stored elements of a csr or csc matrix."""
    outer = major(x.indptr)
    return (outer, x.indices) if x.format == "csr" else (x.indices, outer)


class Cast(Op):
    """A csr or csc matrix in another dtype."""

    __props__ = ("out_type",)

    def __init__(self, out_type):
        self.out_type = out_type

    def __str__(self):
        return "%s(%s)" % (type(self).__name__, self.out_type)

    def make_node(self, x):
        x = as_csx_variable(x)
        return Apply(self, [x], [SparseType(dtype=self.out_type, format=x.format)()])

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = inputs[0].astype(self.out_type)

    def grad(self, inputs, outputs_gradients):
        (x,), (gz,) = inputs, outputs_gradients
        if {x.dtype, gz.dtype} & set(complex_dtypes):
            raise NotImplementedError("grad not implemented for complex types")
        discrete = x.dtype in discrete_dtypes
        if gz.dtype in discrete_dtypes:
            return [x.zeros_like(dtype=config.floatX if discrete else None)]
        return [gz if discrete else Cast(x.dtype)(gz)]

    infer_shape = shaped_like(0)


bcast, wcast, icast, lcast = (Cast(dtype) for dtype in ("int8", "int16", "int32", "int64"))
fcast, dcast, ccast, zcast = (Cast(dtype) for dtype in ("float32", "float64", "complex64", "complex128"))


def cast(variable, dtype):
    """The csr or csc matrix `variable` in another `dtype`, given by its name; NotImplementedError for unknown ones."""
    return Cast(dtype)(variable)


class DenseFromSparse(Op):
    """A sparse matrix as a dense one. With `structured`, its gradient is zero wherever nothing is stored."""

    __props__ = ()  # the gradient is no part of what it computes

    def __init__(self, structured=True):
        self.sparse_grad = structured

    def __str__(self):
        return "%s{structured_grad=%s}" % (type(self).__name__, self.sparse_grad)

    def make_node(self, x):
        x = as_sparse_variable(x)
        return Apply(self, [x], [TensorType(x.dtype, (False, False))()])

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = inputs[0].toarray()

    def grad(self, inputs, gout):
        (x,), (gz,) = inputs, gout
        if self.sparse_grad:
            stored = sp_ones_like(x)
            if {gz.dtype, stored.dtype} == {"float32", "float64"}:
                gz, stored = (v if v.dtype == "float64" else v.astype("float64") for v in (gz, stored))
            return [stored * gz]
        return [SparseFromDense(x.type.format)(gz)]

    infer_shape = shaped_like(0)


dense_from_sparse = DenseFromSparse()


class SparseFromDense(Op):
    """A dense matrix as a sparse one; a vector or scalar as a matrix of one row. TypeError beyond two dimensions."""

    __props__ = ("format",)

    def __init__(self, format):
        self.format = format

    def __str__(self):
        return "%s{%s}" % (type(self).__name__, self.format)

    def make_node(self, x):
        x = as_tensor_variable(x)
        if x.ndim > 2:
            raise TypeError(
                "Theano does not have sparse tensor types with more than 2 dimensions, but %s.ndim = %i" % (x, x.ndim)
            )
        if x.ndim < 2:
            x = x.dimshuffle(*["x"] * (2 - x.ndim), *range(x.ndim))
        return Apply(self, [x], [SparseType(dtype=x.dtype, format=self.format)()])

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = SparseType.format_cls[self.format](inputs[0])

    def grad(self, inputs, gout):
        (x,), (gz,) = inputs, gout
        return [tensor.patternbroadcast(dense_from_sparse(gz), x.broadcastable)]

    infer_shape = shaped_like(0)


csr_from_dense = SparseFromDense("csr")
csc_from_dense = SparseFromDense("csc")


def sp_ones_like(x):
    """A sparse matrix with ones where the sparse matrix `x` stores something, of its type."""
    data, *places = csm_properties(x)
    return CSM(x.format)(tensor.ones_like(data), *places)


def sp_zeros_like(x):
    """A sparse matrix of the shape and type of the sparse matrix `x`, with nothing in it."""
    _, _, indptr, shape = csm_properties(x)
    return CSM(format=x.format)(
        data=np.array([], dtype=x.type.dtype),
        indices=np.array([], dtype="int32"),
        indptr=tensor.zeros_like(indptr),
        shape=shape,
    )
