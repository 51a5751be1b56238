"""Sparse matrices turned, stacked, scaled, summed and cleaned up."""

import numpy as np

import theanojax.tensor as tensor
from theanojax.config import config
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.scalar.types import upcast
from theanojax.sparse.csm import SparseFromDense, dense_from_sparse, major, sp_ones_like
from theanojax.sparse.type import SparseType, continuous_dtypes, integer_dtypes, scipy_sparse
from theanojax.sparse.variable import _is_sparse_variable, as_csx_variable, as_sparse_variable, csc_matrix
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.op_methods import InplaceOp, first_connected, linear_in, shaped_like
from theanojax.tensor.type import TensorType


class _SameShape(Op):
    """An Op whose output has the shape of its first input."""

    infer_shape = shaped_like(0)


class Transpose(Op):
    """The transpose of a sparse matrix: csr becomes csc, and csc becomes csr; AssertionError for bsr."""

    __props__ = ()
    view_map = {0: [0]}
    format_map = {"csr": "csc", "csc": "csr"}

    def __str__(self):
        return "SparseTranspose"

    def make_node(self, x):
        x = as_csx_variable(x)
        return Apply(self, [x], [SparseType(dtype=x.dtype, format=self.format_map[x.format])()])

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = inputs[0].transpose()

    def grad(self, inputs, gout):
        return [transpose(gout[0])]

    def infer_shape(self, node, shapes):
        return [shapes[0][::-1]]


transpose = Transpose()


class Neg(_SameShape):
    """Minus a csr or csc matrix, of its type."""

    __props__ = ()

    def __str__(self):
        return "SparseNeg"

    def make_node(self, x):
        x = as_csx_variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = -inputs[0]

    def grad(self, inputs, gout):
        return [-gout[0]]


neg = Neg()


class ColScaleCSC(_SameShape):
    """The columns of a csc matrix times the elements of a vector. ValueError for other formats."""

    __props__ = ()

    def make_node(self, x, s):
        if x.format != "csc":
            raise ValueError("x was not a csc matrix")
        return Apply(self, [x, s], [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        x, s = inputs
        if s.shape != x.shape[1:]:
            raise AssertionError("a vector of %d elements is needed, not %s" % (x.shape[1], s.shape))
        found = x.copy()
        found.data *= s[major(x.indptr)]
        output_storage[0][0] = found

    def grad(self, inputs, gout):
        (x, s), (gz,) = inputs, gout
        return [col_scale(gz, s), sp_sum(x * gz, 0)]


class RowScaleCSC(_SameShape):
    """The rows of a csc matrix times the elements of a vector."""

    __props__ = ()
    view_map = {0: [0]}

    def make_node(self, x, s):
        x = as_csx_variable(x)
        return Apply(self, [x, s], [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        x, s = inputs
        if x.format != "csc" or s.shape != x.shape[:1]:
            raise AssertionError(
                "a csc matrix and a vector of %d elements are needed, not %s and %s" % (x.shape[0], x.format, s.shape)
            )
        output_storage[0][0] = scipy_sparse.csc_matrix((x.data * s[x.indices], x.indices, x.indptr), x.shape)

    def grad(self, inputs, gout):
        (x, s), (gz,) = inputs, gout
        return [row_scale(gz, s), sp_sum(x * gz, 1)]


def col_scale(x, s):
    """The columns of the sparse matrix `x` times the elements of the vector `s`; of the type of `x`.

    NotImplementedError unless `x` is csr or csc; AssertionError, when run, if the length of `s` doesn't fit.
    """
    if x.format == "csc":
        return ColScaleCSC()(x, s)
    if x.format == "csr":
        return RowScaleCSC()(x.T, s).T
    raise NotImplementedError("col_scale takes matrices of the format csc or csr, not %s" % x.format)


def row_scale(x, s):
    """The rows of the sparse matrix `x` times the elements of the vector `s`; of the type of `x`.

    AssertionError unless `x` is csr or csc and, when run, if the length of `s` doesn't fit.
    """
    return col_scale(x.T, s).T


class SpSum(Op):
    """The sum of a sparse matrix; see `sp_sum`."""

    __props__ = ("axis",)  # the gradient is no part of what it computes

    def __init__(self, axis=None, sparse_grad=True):
        if axis not in (None, 0, 1):
            raise ValueError("Illegal value for self.axis.")
        self.axis, self.structured = axis, sparse_grad

    def __str__(self):
        return "%s{axis=%s}" % (type(self).__name__, self.axis)

    def make_node(self, x):
        x = as_csx_variable(x)
        return Apply(self, [x], [TensorType(x.dtype, () if self.axis is None else (False,))()])

    def perform(self, node, inputs, output_storage, params=None):
        found = np.asarray(inputs[0].sum(self.axis), dtype=node.outputs[0].dtype)
        output_storage[0][0] = found if self.axis is None else found.ravel()

    def grad(self, inputs, gout):
        (x,), (gz,) = inputs, gout
        if x.dtype not in continuous_dtypes:
            return [x.zeros_like(dtype=config.floatX)]
        if self.structured:
            ones = sp_ones_like(x)
            return [gz * ones if self.axis is None else (col_scale, row_scale)[self.axis](ones, gz)]
        dense = dense_from_sparse(x)
        if _is_sparse_variable(gz):
            gz = dense_from_sparse(gz)
        if self.axis is None:
            spread = tensor.second(dense, gz)
        else:
            pattern = ("x", 0) if self.axis == 0 else (0, "x")
            spread = tensor.addbroadcast(gz.dimshuffle(*pattern), self.axis) * tensor.ones_like(dense)
        return [SparseFromDense(x.format)(spread)]

    def infer_shape(self, node, shapes):
        return [() if self.axis is None else (shapes[0][1 - self.axis],)]


def sp_sum(x, axis=None, sparse_grad=False):
    """The sum of the csr or csc matrix `x`, or of its columns (`axis` 0) or rows (1): a dense scalar or vector.

    The dtype is that of `x`, also for integers. With `sparse_grad`, the gradient is zero wherever nothing is stored.
    ValueError for other axes, also for -1.
    """
    return SpSum(axis, sparse_grad)(x)


class Diag(Op):
    """The diagonal of a square csr or csc matrix, a dense vector; ValueError, when run, if it isn't square."""

    __props__ = ()

    def make_node(self, x):
        x = as_csx_variable(x)
        return Apply(self, [x], [TensorType(x.dtype, (False,))()])

    def perform(self, node, inputs, output_storage, params=None):
        (x,) = inputs
        if x.shape[0] != x.shape[1]:
            raise ValueError("Diag only apply on square matrix")
        output_storage[0][0] = x.diagonal()

    def grad(self, inputs, gout):
        return [square_diagonal(gout[0])]

    def infer_shape(self, node, shapes):
        return [(tensor.minimum(*shapes[0]),)]


diag = Diag()


class SquareDiagonal(Op):
    """The csc matrix with a dense vector on its diagonal, in its dtype; TypeError for other numbers of dimensions."""

    __props__ = ()

    def make_node(self, diag):
        diag = as_tensor_variable(diag)
        if diag.type.ndim != 1:
            raise TypeError("data argument must be a vector", diag.type)
        return Apply(self, [diag], [SparseType(dtype=diag.dtype, format="csc")()])

    def perform(self, node, inputs, output_storage, params=None):
        n = len(inputs[0])
        output_storage[0][0] = scipy_sparse.csc_matrix((inputs[0], np.arange(n), np.arange(n + 1)), (n, n), copy=True)

    def grad(self, inputs, gout):
        return [diag(gout[0])]

    def infer_shape(self, node, shapes):
        return [(shapes[0][0], shapes[0][0])]


square_diagonal = SquareDiagonal()


class _Tidied(_SameShape):
    """The same matrix, stored otherwise; with `inplace` it's the input itself that is stored so."""

    __props__ = ("inplace",)

    def make_node(self, x):
        x = as_csx_variable(x)
        return Apply(self, [x], [x.type()])

    def grad(self, inputs, gout):
        return [gout[0]]


class EnsureSortedIndices(_Tidied):
    """A csr or csc matrix with its elements stored in order."""

    def __init__(self, inplace):
        self.inplace = inplace
        if inplace:
            self.view_map = {0: [0]}

    def __str__(self):
        return "%s{%s}" % (type(self).__name__, "inplace" if self.inplace else "no_inplace")

    def perform(self, node, inputs, output_storage, params=None):
        (x,) = inputs
        if self.inplace:
            x.sort_indices()
        output_storage[0][0] = x if self.inplace else x.sorted_indices()


ensure_sorted_indices = EnsureSortedIndices(False)


class Remove0(_Tidied, InplaceOp):
    """A csr or csc matrix without the zeros that it stores."""

    def __init__(self, inplace=False):
        super().__init__(inplace)

    def __str__(self):
        return "%s{%s}" % (type(self).__name__, "inplace" if self.inplace else "")

    def perform(self, node, inputs, output_storage, params=None):
        found = inputs[0] if self.inplace else inputs[0].copy()
        found.eliminate_zeros()
        output_storage[0][0] = found


remove0 = Remove0()


def clean(x):
    """The csr or csc matrix `x` with its elements in order and without the zeros that it stores."""
    return ensure_sorted_indices(remove0(x))


class HStack(Op):
    """Sparse matrices side by side; see `hstack`."""

    __props__ = ("format", "dtype")
    axis = 1

    def __init__(self, format=None, dtype=None):
        if dtype is None:
            raise ValueError("The output dtype must be specified.")
        self.format, self.dtype = "csc" if format is None else format, dtype

    def __str__(self):
        return "%s(%s,%s)" % (type(self).__name__, self.format, self.dtype)

    def make_node(self, *mat):
        if not mat:
            raise ValueError("Cannot join an empty list of sparses.")
        return Apply(self, [as_csx_variable(x) for x in mat], [SparseType(dtype=self.dtype, format=self.format)()])

    def perform(self, node, block, output_storage, params=None):
        stack = (scipy_sparse.vstack, scipy_sparse.hstack)[self.axis]
        output_storage[0][0] = stack(block, format=self.format, dtype=self.dtype)

    def grad(self, inputs, gout):
        gz = gout[0]
        if _is_sparse_variable(gz):
            gz = dense_from_sparse(gz)
        parts = tensor.Split(len(inputs))(gz, self.axis, tensor.stack([x.shape[self.axis] for x in inputs]))
        parts = parts if isinstance(parts, list) else [parts]
        return [
            SparseFromDense(x.format)(part) if x.dtype in continuous_dtypes else None
            for x, part in zip(inputs, parts, strict=True)
        ]

    def infer_shape(self, node, ins_shapes):
        out = list(ins_shapes[0])
        out[self.axis] = sum(shape[self.axis] for shape in ins_shapes)
        return [tuple(out)]


class VStack(HStack):
    """Sparse matrices one below the other; see `vstack`."""

    __props__ = ("format", "dtype")
    axis = 0


def _stacked(op, blocks, format, dtype):
    blocks = [as_sparse_variable(b) for b in blocks]
    return op(format=format, dtype=upcast(*[b.dtype for b in blocks]) if dtype is None else dtype)(*blocks)


def hstack(blocks, format=None, dtype=None):
    """The sparse matrices of the list `blocks` side by side, at least one (TypeError).

    They are csr or csc; the result has that `format` (csc by default) and `dtype` (by default what all are upcast to).
    ValueError, when run, if the numbers of rows differ.
    """
    return _stacked(HStack, blocks, format, dtype)


def vstack(blocks, format=None, dtype=None):
    """The sparse matrices of the list `blocks` one below the other; parameters and errors as for `hstack`."""
    return _stacked(VStack, blocks, format, dtype)


class ConstructSparseFromList(Op):
    """A csc matrix of the shape of the dense `x`, with the rows of `values` as its rows `ilist`.

    Rows given twice add up. The node's input is the shape of `x`.
    """

    __props__ = ()

    def make_node(self, x, values, ilist):
        x, values, ilist = (as_tensor_variable(v) for v in (x, values, ilist))
        if ilist.type.dtype not in integer_dtypes:
            raise TypeError("index must be integers")
        if ilist.type.ndim != 1:
            raise TypeError("index must be vector")
        if x.type.ndim != 2:
            raise TypeError("cannot create a sparse matrix with %d dimensions" % x.type.ndim)
        if values.type.ndim != 2:
            raise TypeError("cannot create a sparse matrix from values with %d ndim" % values.type.ndim)
        return Apply(self, [x.shape, values, ilist], [csc_matrix(dtype=x.dtype)])

    def perform(self, node, inputs, output_storage, params=None):
        shape, values, ilist = inputs
        rows, columns = values.shape
        if rows != len(ilist):
            raise AssertionError("there are %d rows for %d indices" % (rows, len(ilist)))
        output_storage[0][0] = scipy_sparse.csc_matrix(
            (values.T.ravel(), np.tile(ilist, columns), np.arange(columns + 1) * rows),
            shape=tuple([int(n) for n in shape]),
            dtype=values.dtype,
        )

    def infer_shape(self, node, shapes):
        shape = node.inputs[0]
        return [[shape[0], shape[1]]]

    R_op = linear_in(0, 2)

    connection_pattern = first_connected(2)

    def grad(self, inputs, grads):
        (g_output,) = grads
        return [g_output, tensor.advanced_subtensor1(g_output, inputs[2]), DisconnectedType()()]


construct_sparse_from_list = ConstructSparseFromList()
