"""Symbolic sparse matrices: variables, constants, shared variables, and how to make them."""

import copy
from operator import attrgetter

import numpy as np

import theanojax.tensor as tensor
from theanojax.config import config
from theanojax.graph.shared import SharedVariable, shared_constructor
from theanojax.graph.tracebacks import bounded
from theanojax.graph.variable import Apply, Constant, Variable
from theanojax.sparse.type import SparseType, hash_from_sparse, scipy_sparse


def _type_of(x):
    """The type of the variable `x`; NotImplementedError if it's no variable."""
    if isinstance(x, Variable):
        return x.type
    raise NotImplementedError(
        "this function should only be called on *variables* (of type sparse.SparseType "
        "or tensor.TensorType, for instance), not ",
        x,
    )


def _is_sparse_variable(x):
    return isinstance(_type_of(x), SparseType)


def _is_dense_variable(x):
    return isinstance(_type_of(x), tensor.TensorType)


def _type_for(matrix, format, *complaint):
    """The type of a scipy matrix, or of that `format` if it isn't None; TypeError with `complaint` if it is none."""
    if isinstance(matrix, scipy_sparse.spmatrix):
        return SparseType(format=format or matrix.format, dtype=matrix.dtype)
    raise TypeError(*complaint)


def as_sparse_variable(x, name=None):
    """`x`, a scipy matrix, a sparse variable or an Apply node with one, as a variable.

    `name` is that of a constant that is made. TypeError for anything else, NotImplementedError for formats other than
    csr, csc and bsr.
    """
    if isinstance(x, Apply):
        if len(x.outputs) != 1:
            raise ValueError("It is ambiguous which output of a multi-output Op has to be fetched.", x)
        x = x.outputs[0]
    if isinstance(x, Variable):
        if not isinstance(x.type, SparseType):
            raise TypeError("Variable type field must be a SparseType.", x, x.type)
        return x
    try:
        return constant(x, name=name)
    except TypeError:
        raise TypeError("Cannot convert %s to SparseType" % x, type(x)) from None


as_sparse = as_sparse_variable


def as_csx_variable(x):
    """`x` as a sparse variable of the format csr or csc; AssertionError for other formats."""
    x = as_sparse_variable(x)
    if x.format not in ("csr", "csc"):
        raise AssertionError("the format has to be csr or csc, not %s" % x.format)
    return x


def as_sparse_or_tensor_variable(x, name=None):
    """`x` as a sparse variable if it can be one, else as a tensor; `name` is that of a constant that is made."""
    try:
        return as_sparse_variable(x, name)
    except (ValueError, TypeError):
        return tensor.as_tensor_variable(x, name)


def operand(x):
    """What operators accept: variables as they are, scipy matrices as sparse and anything else as dense variables."""
    if isinstance(x, Variable):
        return x
    return as_sparse_variable(x) if hasattr(x, "getnnz") else tensor.as_tensor_variable(x)


def constant(x, name=None):
    """A copy of the scipy matrix `x` in a graph, called `name`; TypeError if it isn't one.

    NotImplementedError for formats other than csr, csc and bsr.
    """
    type = _type_for(x, None, "sparse.constant must be called on a scipy.sparse.spmatrix")
    return SparseConstant(type, x.copy(), name=name)


def _ops():
    import theanojax.sparse as sparse

    return sparse


def _operator(name):
    """The methods for an operator with a sparse matrix on its left and on its right; `name` is that of the function."""
    return (
        lambda self, other: getattr(_ops(), name)(self, other),
        lambda self, other: getattr(_ops(), name)(other, self),
    )


@bounded
class _sparse_py_operators:
    """Operators and methods of everything that is a symbolic sparse matrix."""

    __array_priority__ = 1000  # numpy's and scipy's own operators leave the work to ours

    __add__, __radd__ = _operator("add")
    __sub__, __rsub__ = _operator("sub")
    __mul__, __rmul__ = _operator("mul")
    __dot__, __rdot__ = _operator("structured_dot")
    __lt__, __le__, __gt__, __ge__ = (_operator(name)[0] for name in ("lt", "le", "gt", "ge"))

    def __neg__(self):
        return _ops().neg(self)

    def astype(self, dtype):
        """This matrix in another `dtype`; see ``theano.sparse.cast``."""
        return _ops().cast(self, dtype)

    def toarray(self):
        """This matrix as a dense one, a tensor."""
        return _ops().dense_from_sparse(self)

    ndim, dtype, format = (property(attrgetter("type." + name)) for name in ("ndim", "dtype", "format"))
    T = property(lambda self: _ops().transpose(self), doc="The transpose, csc of a csr matrix and csr of a csc one.")
    # The dense matrix is never made: rewrites take the shape from where it comes from.
    shape = property(lambda self: tensor.shape(self.toarray()))
    # As in scipy, the number of stored elements, zeros that are stored among them.
    size = property(lambda self: _ops().csm_data(self).size)

    def zeros_like(self, dtype=None):
        """A sparse matrix of this shape with nothing in it, of this dtype unless another `dtype` is given."""
        return _ops().sp_zeros_like(self if dtype is None else self.astype(dtype))

    def __getitem__(self, args):
        ops = _ops()
        args = args if isinstance(args, tuple) else (args,)
        if len(args) == 2 and all(np.isscalar(a) or getattr(a, "type", None) == tensor.iscalar for a in args):
            return ops.get_item_scalar(self, args)
        if isinstance(args[0], list):
            return ops.get_item_2lists(self, *args) if len(args) == 2 else ops.get_item_list(self, args[0])
        return ops.get_item_2d(self, args)


class SparseVariable(_sparse_py_operators, Variable):
    """A symbolic sparse matrix."""

    def __str__(self):
        return "%s{%s,%s}" % (type(self).__name__, self.format, self.dtype)

    __repr__ = __str__


class SparseConstantSignature(tuple):
    """What tells sparse constants apart when graphs are merged: a type and a matrix."""

    def __eq__(self, other):
        if type(self) is not type(other):
            return False
        (a, b), (x, y) = self, other
        return (
            a == x
            and b.dtype == y.dtype
            and type(b) is type(y)
            and b.shape == y.shape
            and bool(abs(b - y).sum() < 1e-6 * max(b.nnz, 1))
        )

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        a, b = self
        return hash((type(self), a, type(b)))

    def theano_hash(self):
        return hash_from_sparse(self[1])


class SparseConstant(_sparse_py_operators, Constant):
    """A sparse matrix in a graph."""

    def signature(self):
        return SparseConstantSignature((self.type, self.data))

    def __str__(self):
        data = self.data
        return "%s{%s,%s,shape=%s,nnz=%s}" % (type(self).__name__, self.format, self.dtype, data.shape, data.nnz)

    __repr__ = __str__


SparseType.Variable, SparseType.Constant = SparseVariable, SparseConstant


class SparseTensorSharedVariable(_sparse_py_operators, SharedVariable):
    """A shared sparse matrix."""


@shared_constructor
def sparse_constructor(value, name=None, strict=False, allow_downcast=None, borrow=False, format=None):
    """A shared variable for `value`, a scipy matrix in csr, csc or bsr format; TypeError for anything else.

    `borrow` keeps the matrix itself instead of a copy; `strict` and `allow_downcast` are as for ``theano.shared``.
    """
    type = _type_for(
        value, format, "Expected a sparse matrix in the sparse shared variable constructor. Received: ", value.__class__
    )
    return SparseTensorSharedVariable(name, type, value if borrow else copy.deepcopy(value), strict, allow_downcast)


shared = sparse_constructor


def matrix(format, name=None, dtype=None):
    """A sparse variable of that `format`: "csr", "csc" or "bsr"; of ``config.floatX`` if no `dtype` is given.

    NotImplementedError for other formats and for dtypes that sparse matrices don't have.
    """
    return SparseType(format=format, dtype=config.floatX if dtype is None else dtype)(name)


def csc_matrix(name=None, dtype=None):
    """A csc variable; `name` and `dtype` as for `matrix`."""
    return matrix("csc", name, dtype)


def csr_matrix(name=None, dtype=None):
    """A csr variable; `name` and `dtype` as for `matrix`."""
    return matrix("csr", name, dtype)


def bsr_matrix(name=None, dtype=None):
    """A bsr variable; `name` and `dtype` as for `matrix`."""
    return matrix("bsr", name, dtype)


csc_dmatrix, csr_dmatrix, bsr_dmatrix = (SparseType(format=f, dtype="float64") for f in ("csc", "csr", "bsr"))
csc_fmatrix, csr_fmatrix, bsr_fmatrix = (SparseType(format=f, dtype="float32") for f in ("csc", "csr", "bsr"))
