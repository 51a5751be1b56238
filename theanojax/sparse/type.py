"""The type of sparse matrices."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from theanojax.first_import import Late
from theanojax.graph.type import Type

scipy_sparse = Late("scipy.sparse")  # a fifth of what importing the package would cost
imported_scipy = True  # Theano could do without


def _is(wanted, x, matrices):
    if isinstance(x, matrices):
        return isinstance(x, wanted)
    raise NotImplementedError(
        "this function should only be called on sparse.scipy.sparse.spmatrix or numpy.ndarray, not,", x
    )


def _is_sparse(x):
    """Whether the value `x` is a scipy matrix; NotImplementedError if it's no matrix at all."""
    return _is(scipy_sparse.spmatrix, x, (scipy_sparse.spmatrix, np.ndarray, tuple, list))


def _is_dense(x):
    """Whether the value `x` is an array; NotImplementedError if it's no matrix at all."""
    return _is(np.ndarray, x, (scipy_sparse.spmatrix, np.ndarray))


def hash_from_sparse(data):
    """A hash (str) of everything that makes up the scipy matrix `data`: values, pattern, shape, dtype and format."""
    parts = [np.ascontiguousarray(part).tobytes() for part in (data.data, data.indices, data.indptr)]
    parts += [str(part).encode() for part in (data.shape, data.dtype, data.format)]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


class _Matrices(Mapping):
    """Names of formats -> scipy's classes."""

    formats = "csr", "csc", "bsr"

    def __getitem__(self, format):
        if format not in self.formats:
            raise KeyError(format)
        return getattr(scipy_sparse, format + "_matrix")

    def __contains__(self, format):  # which needs no scipy
        return format in self.formats

    def __iter__(self):
        return iter(self.formats)

    def __len__(self):
        return len(self.formats)


class _Classes(Sequence):
    """scipy's classes of `sparse_formats`: Theano's list, which its tests go through."""

    def __getitem__(self, i):
        return SparseType.format_cls[sparse_formats[i]]

    def __len__(self):
        return len(sparse_formats)


class SparseType(Type):
    """scipy's sparse matrices of one format ("csr", "csc" or "bsr") and dtype.

    NotImplementedError for other formats and for dtypes that scipy doesn't have.
    """

    host_only = True
    ndim = 2
    format_cls = _Matrices()
    dtype_set = {
        "int8",
        "int16",
        "int32",
        "int64",
        "float32",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float64",
        "complex64",
        "complex128",
    }

    def __init__(self, format, dtype):
        dtype = str(dtype)
        if dtype not in self.dtype_set:
            raise NotImplementedError('unsupported dtype "%s" not in list' % dtype, list(self.dtype_set))
        if not isinstance(format, str):
            raise AssertionError("the format has to be a string, not %r" % (format,))
        if format not in self.format_cls:
            raise NotImplementedError('unsupported format "%s" not in list' % format, list(self.format_cls))
        self.dtype, self.format = dtype, format

    def filter(self, value, strict=False, allow_downcast=None):
        """`value` as a matrix of this type.

        TypeError if `strict` and it isn't one; NotImplementedError if its dtype differs and `allow_downcast` is not
        true.
        """
        matrix = self.format_cls[self.format]
        if isinstance(value, matrix) and value.dtype == self.dtype:
            return value
        if strict:
            raise TypeError(
                "%s is not sparse, or not the right dtype (is %s, expected %s)" % (value, value.dtype, self.dtype)
            )
        if allow_downcast:
            return matrix(value, dtype=self.dtype)
        found = matrix(value)
        if str(found.dtype) != self.dtype:
            raise NotImplementedError("Expected %s dtype but got %s" % (self.dtype, found.dtype))
        return found

    @staticmethod
    def may_share_memory(a, b):
        def arrays(x):
            if _is_sparse(x):
                return [x.data, x.indices, x.indptr]
            return [x] if isinstance(x, np.ndarray) else []

        if not (_is_sparse(a) or _is_sparse(b)):
            return False
        return any(np.may_share_memory(x, y) for x in arrays(a) for y in arrays(b))

    def make_variable(self, name=None):
        return self.Variable(self, name=name)

    def __eq__(self, other):
        return type(self) is type(other) and other.dtype == self.dtype and other.format == self.format

    def __hash__(self):
        return hash((type(self), self.dtype, self.format))

    def __str__(self):
        return "Sparse[%s, %s]" % (self.dtype, self.format)

    def __repr__(self):
        return str(self)

    def values_eq_approx(self, a, b, eps=1e-6):
        if not (scipy_sparse.issparse(a) and scipy_sparse.issparse(b)):
            return False
        diff = abs(a - b)
        return diff.nnz == 0 or bool(diff.data.max() < eps)

    def values_eq(self, a, b):
        return scipy_sparse.issparse(a) and scipy_sparse.issparse(b) and abs(a - b).sum() == 0.0

    def is_valid_value(self, a):
        return scipy_sparse.issparse(a) and a.format == self.format

    def get_shape_info(self, obj):
        obj = self.filter(obj)
        return obj.shape, obj.data.size, obj.indices.size, obj.indptr.size, obj.nnz

    def get_size(self, shape_info):
        return (
            shape_info[1] * np.dtype(self.dtype).itemsize + (shape_info[2] + shape_info[3]) * np.dtype("int32").itemsize
        )


all_dtypes = SparseType.dtype_set
complex_dtypes = sorted(t for t in all_dtypes if t.startswith("complex"))
float_dtypes = sorted(t for t in all_dtypes if t.startswith("float"))
int_dtypes = sorted(t for t in all_dtypes if t.startswith("int"))
uint_dtypes = sorted(t for t in all_dtypes if t.startswith("uint"))
integer_dtypes = discrete_dtypes = int_dtypes + uint_dtypes
continuous_dtypes = complex_dtypes + float_dtypes
sparse_formats = ["csc", "csr"]
_mtypes = _Classes()
