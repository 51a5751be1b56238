"""Symbolic sparse matrices: variables, constants, shared variables, and how to make them."""

import copy

import numpy as np
import scipy.sparse

import theanojax.tensor as tensor
from theanojax.config import config
from theanojax.graph.shared import SharedVariable, shared_constructor
from theanojax.graph.variable import Apply, Constant, Variable
from theanojax.sparse.type import SparseType, hash_from_sparse


def _is_sparse_variable(x):
    """Whether the variable `x` is sparse; NotImplementedError if it's no variable."""
    if not isinstance(x, Variable):
        raise NotImplementedError("this function should only be called on *variables* (of type sparse.SparseType or "
                                  "tensor.TensorType, for instance), not ", x)
    return isinstance(x.type, SparseType)


def _is_dense_variable(x):
    """Whether the variable `x` is a tensor; NotImplementedError if it's no variable."""
    if not isinstance(x, Variable):
        raise NotImplementedError("this function should only be called on *variables* (of type sparse.SparseType or "
                                  "tensor.TensorType, for instance), not ", x)
    return isinstance(x.type, tensor.TensorType)


def as_sparse_variable(x, name=None):
    """`x`, a scipy matrix, a sparse variable or an Apply node with one, as a variable; TypeError for anything else."""
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
    """`x` as a sparse variable if it can be one, else as a tensor."""
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
    """A copy of the scipy matrix `x` in a graph; TypeError if it isn't one."""
    if not isinstance(x, scipy.sparse.spmatrix):
        raise TypeError("sparse.constant must be called on a scipy.sparse.spmatrix")
    return SparseConstant(SparseType(format=x.format, dtype=x.dtype), x.copy(), name=name)


def _ops():
    import theanojax.sparse as sparse

    return sparse


class _sparse_py_operators:
    """Operators and methods of everything that is a symbolic sparse matrix."""

    __array_priority__ = 1000  # numpy's and scipy's own operators leave the work to ours

    T = property(lambda self: _ops().transpose(self))

    def astype(self, dtype):
        return _ops().cast(self, dtype)

    def __neg__(self):
        return _ops().neg(self)

    def __add__(self, other):
        return _ops().add(self, other)

    def __radd__(self, other):
        return _ops().add(other, self)

    def __sub__(self, other):
        return _ops().sub(self, other)

    def __rsub__(self, other):
        return _ops().sub(other, self)

    def __mul__(self, other):
        return _ops().mul(self, other)

    def __rmul__(self, other):
        return _ops().mul(other, self)

    def __lt__(self, other):
        return _ops().lt(self, other)

    def __le__(self, other):
        return _ops().le(self, other)

    def __gt__(self, other):
        return _ops().gt(self, other)

    def __ge__(self, other):
        return _ops().ge(self, other)

    def __dot__(self, other):
        return _ops().structured_dot(self, other)

    def __rdot__(self, other):
        return _ops().structured_dot(other, self)

    def toarray(self):
        return _ops().dense_from_sparse(self)

    # The dense matrix is never made: rewrites take the shape from where it comes from.
    shape = property(lambda self: tensor.shape(_ops().dense_from_sparse(self)))
    ndim = property(lambda self: self.type.ndim)
    dtype = property(lambda self: self.type.dtype)
    # As in scipy, the number of stored elements, zeros that are stored among them.
    size = property(lambda self: _ops().csm_data(self).size)

    def zeros_like(self, dtype=None):
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

    dtype = property(lambda self: self.type.dtype)
    format = property(lambda self: self.type.format)

    def __str__(self):
        return "%s{%s,%s}" % (type(self).__name__, self.format, self.dtype)

    def __repr__(self):
        return str(self)


class SparseConstantSignature(tuple):
    """What tells sparse constants apart when graphs are merged: a type and a matrix."""

    def __eq__(self, other):
        if type(self) is not type(other):
            return False
        (a, b), (x, y) = self, other
        return (a == x and b.dtype == y.dtype and type(b) is type(y) and b.shape == y.shape
                and bool(abs(b - y).sum() < 1e-6 * max(b.nnz, 1)))

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        a, b = self
        return hash((type(self), a, type(b)))

    def theano_hash(self):
        return hash_from_sparse(self[1])


class SparseConstant(_sparse_py_operators, Constant):
    """A sparse matrix in a graph."""

    dtype = property(lambda self: self.type.dtype)
    format = property(lambda self: self.type.format)

    def signature(self):
        return SparseConstantSignature((self.type, self.data))

    def __str__(self):
        return "%s{%s,%s,shape=%s,nnz=%s}" % (type(self).__name__, self.format, self.dtype, self.data.shape,
                                              self.data.nnz)

    def __repr__(self):
        return str(self)


SparseType.Variable = SparseVariable
SparseType.Constant = SparseConstant


class SparseTensorSharedVariable(_sparse_py_operators, SharedVariable):
    """A shared sparse matrix."""

    dtype = property(lambda self: self.type.dtype)
    format = property(lambda self: self.type.format)


@shared_constructor
def sparse_constructor(value, name=None, strict=False, allow_downcast=None, borrow=False, format=None):
    """A shared variable for a scipy matrix; TypeError for anything else."""
    if not isinstance(value, scipy.sparse.spmatrix):
        raise TypeError("Expected a sparse matrix in the sparse shared variable constructor. Received: ",
                        value.__class__)
    type = SparseType(format=value.format if format is None else format, dtype=value.dtype)
    return SparseTensorSharedVariable(type=type, value=value if borrow else copy.deepcopy(value), name=name,
                                      strict=strict, allow_downcast=allow_downcast)


shared = sparse_constructor


def matrix(format, name=None, dtype=None):
    """A sparse variable of that format, of ``config.floatX`` if no `dtype` is given."""
    return SparseType(format=format, dtype=config.floatX if dtype is None else dtype)(name)


def csc_matrix(name=None, dtype=None):
    return matrix("csc", name, dtype)


def csr_matrix(name=None, dtype=None):
    return matrix("csr", name, dtype)


def bsr_matrix(name=None, dtype=None):
    return matrix("bsr", name, dtype)


csc_dmatrix, csr_dmatrix, bsr_dmatrix = (SparseType(format=f, dtype="float64") for f in ("csc", "csr", "bsr"))
csc_fmatrix, csr_fmatrix, bsr_fmatrix = (SparseType(format=f, dtype="float32") for f in ("csc", "csr", "bsr"))
