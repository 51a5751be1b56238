"""Sums, products, comparisons and functions of the elements of sparse matrices."""

import warnings

import numpy as np

import theanojax.tensor as tensor
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.scalar.casting import as_scalar
from theanojax.scalar.types import upcast
from theanojax.sparse.csm import CSM, csm_properties, dense_from_sparse, positions, sp_ones_like
from theanojax.sparse.structure import sp_sum
from theanojax.sparse.type import SparseType, continuous_dtypes, scipy_sparse
from theanojax.sparse.variable import (
    _is_sparse_variable,
    as_csx_variable,
    as_sparse_or_tensor_variable,
    as_sparse_variable,
    operand,
)
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.nnet.sigm import sigmoid
from theanojax.tensor.op_methods import shaped_like
from theanojax.tensor.type import TensorType


def _same_shape(x, y):
    if x.shape != y.shape:
        raise AssertionError("the shapes differ: %s and %s" % (x.shape, y.shape))


class _Binary(Op):
    """An Op on two matrices; its output has the shape of the first, which is sparse."""

    __props__ = ()

    infer_shape = shaped_like(0)


class _OfSparse(_Binary):
    """An Op on two sparse matrices of one shape, whose result, ``combine(x, y)``, gets the format of the first."""

    __props__ = ()

    def make_node(self, x, y):
        x, y = as_csx_variable(x), as_csx_variable(y)
        return Apply(self, [x, y], [SparseType(dtype=upcast(x.dtype, y.dtype), format=x.format)()])

    def perform(self, node, inputs, output_storage, params=None):
        x, y = inputs
        _same_shape(x, y)
        output_storage[0][0] = self.combine(x, y).asformat(x.format)


class AddSS(_OfSparse):
    """The sum of two sparse matrices, csr or csc, in the format of the first."""

    __props__ = ()

    def combine(self, x, y):
        return x + y

    def grad(self, inputs, gout):
        return [gout[0], gout[0]]


add_s_s = AddSS()


class AddSSData(_Binary):
    """The sum of two sparse matrices that store the same elements.

    NotImplementedError for two types; AssertionError, when run, for two shapes or numbers of elements.
    """

    __props__ = ()

    def make_node(self, x, y):
        x, y = as_csx_variable(x), as_csx_variable(y)
        if x.type != y.type:
            raise NotImplementedError("the types differ: %s and %s" % (x.type, y.type))
        return Apply(self, [x, y], [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        x, y = inputs
        _same_shape(x, y)
        _same_shape(x.data, y.data)
        found = x.copy()
        found.data += y.data
        output_storage[0][0] = found

    def grad(self, inputs, gout):
        return [gout[0] if i.dtype in continuous_dtypes else None for i in inputs]


add_s_s_data = AddSSData()


class AddSD(Op):
    """The sum of a csr or csc matrix and a dense one, a dense one; AssertionError for other numbers of dimensions."""

    __props__ = ()

    def make_node(self, x, y):
        x, y = as_csx_variable(x), as_tensor_variable(y)
        if y.type.ndim != 2:
            raise AssertionError("a matrix is needed, not %s" % y.type)
        return Apply(self, [x, y], [TensorType(upcast(x.dtype, y.dtype), y.broadcastable)()])

    def perform(self, node, inputs, output_storage, params=None):
        x, y = inputs
        output_storage[0][0] = np.asarray(x + y, dtype=node.outputs[0].dtype)

    def grad(self, inputs, gout):
        return [sp_ones_like(inputs[0]) * gout[0], gout[0]]

    infer_shape = shaped_like(1)


add_s_d = AddSD()


class _WithVector(_Binary):
    """An Op on each row of a sparse matrix and a vector; ``combine(stored elements, those of the vector)``."""

    __props__ = ()

    def make_node(self, x, y):
        x, y = as_csx_variable(x), as_tensor_variable(y)
        if y.type.ndim != 1:
            raise AssertionError("a vector is needed, not %s" % y.type)
        if x.dtype != y.dtype:
            raise NotImplementedError(
                "%s not implemented for differing dtypes. Got %s and %s." % (type(self).__name__, x.dtype, y.dtype)
            )
        return Apply(self, [x, y], [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        x, y = inputs
        if x.shape[1] != y.shape[0]:
            raise AssertionError("a vector of %d elements is needed, not %d" % (x.shape[1], y.shape[0]))
        found = x.copy()
        found.data = self.combine(found.data, y[positions(x)[1]])
        output_storage[0][0] = found


class StructuredAddSV(_WithVector):
    """A vector added to each row of a sparse matrix, only where that is not zero; csr or csc, of its type.

    NotImplementedError for two dtypes; AssertionError for other numbers of dimensions and, when run, other lengths.
    """

    __props__ = ()

    def combine(self, data, row):
        return np.where(data != 0, data + row, data)

    def grad(self, inputs, gout):
        return [gout[0], sp_sum(gout[0], axis=0, sparse_grad=True)]


structured_add_s_v = StructuredAddSV()


def add(x, y):
    """The sum of two matrices of one shape, of which at least one is sparse, in the dtype that both are upcast to.

    `x` and `y` are csr or csc matrices, and the result is sparse in the format of `x`; or one of them is dense, and so
    is the result. AssertionError if none is sparse, or for a dense one that isn't a matrix.
    """
    x, y = operand(x), operand(y)
    sparse = _is_sparse_variable(x), _is_sparse_variable(y)
    if sparse == (True, True):
        return add_s_s(x, y)
    if not any(sparse):
        raise AssertionError("one of the operands has to be sparse")
    return add_s_d(x, y) if sparse[0] else add_s_d(y, x)


def sub(x, y):
    """The difference of two matrices, sparse if both are; `x`, `y` and errors as for `add`, but both may be dense."""
    return operand(x) + (-operand(y))


class MulSS(_OfSparse):
    """The product of the elements of two sparse matrices, csr or csc, in the format of the first."""

    __props__ = ()

    def combine(self, x, y):
        return x.multiply(y)

    def grad(self, inputs, gout):
        (x, y), (gz,) = inputs, gout
        return [y * gz, x * gz]


mul_s_s = MulSS()


class MulSD(_Binary):
    """The product of the elements of a csr or csc matrix and a dense one, or a scalar: a sparse matrix.

    AssertionError for a vector and, when run, for another shape.
    """

    __props__ = ()

    def make_node(self, x, y):
        x, y = as_csx_variable(x), as_tensor_variable(y)
        if y.type.ndim not in (0, 2):
            raise AssertionError("a matrix or scalar is needed, not %s" % y.type)
        return Apply(self, [x, y], [SparseType(dtype=upcast(x.dtype, y.dtype), format=x.format)()])

    def perform(self, node, inputs, output_storage, params=None):
        x, y = inputs
        found = x.astype(node.outputs[0].dtype, copy=True)
        if y.ndim == 2:
            _same_shape(x, y)
            y = y[positions(x)]
        found.data *= y
        output_storage[0][0] = found

    def grad(self, inputs, gout):
        (x, y), (gz,) = inputs, gout
        gy = x * gz
        return [y * gz, dense_from_sparse(gy) if y.ndim else sp_sum(gy)]


mul_s_d = MulSD()


class MulSV(_WithVector):
    """Each row of a csr or csc matrix times a vector, element by element; of its type.

    NotImplementedError for two dtypes; AssertionError for other numbers of dimensions and, when run, other lengths.
    """

    __props__ = ()

    def combine(self, data, row):
        return data * row

    def grad(self, inputs, gout):
        (x, y), (gz,) = inputs, gout
        if (gz.dtype, y.dtype) == ("float64", "float32"):
            y = y.astype("float64")
        if (gz.dtype, y.dtype) == ("float32", "float64"):
            gz = gz.astype("float64")
        return [mul_s_v(gz, y), sp_sum(x * gz, axis=0, sparse_grad=True)]


mul_s_v = MulSV()


def mul(x, y):
    """The product of the elements of two matrices of one shape, sparse in the format of the (first) sparse one.

    At least one of `x` and `y` is a csr or csc matrix (AssertionError otherwise); the other may be a dense matrix or
    scalar. The dtype is what both are upcast to.
    """
    x, y = as_sparse_or_tensor_variable(x), as_sparse_or_tensor_variable(y)
    sparse = _is_sparse_variable(x), _is_sparse_variable(y)
    if not any(sparse):
        raise AssertionError("one of the operands has to be sparse")
    if sparse[0] and (x.dtype, y.dtype) == ("float32", "float64"):
        x = x.astype("float64")
    if sparse == (True, True):
        return mul_s_s(x, y)
    return mul_s_d(x, y) if sparse[0] else mul_s_d(y, x)


# ---- comparisons


def _compare(comparison, x, y):
    with warnings.catch_warnings():  # scipy finds comparisons that hold for zeros inefficient
        warnings.simplefilter("ignore", category=scipy_sparse.SparseEfficiencyWarning)
        return comparison(x, y).astype("uint8")


class _ComparisonOpSS(_Binary):
    """A comparison of two sparse matrices of one format: a sparse matrix of uint8."""

    __props__ = ()
    comparison = None

    def make_node(self, x, y):
        x, y = (as_sparse_variable(v) for v in (x, y))
        if x.type.format != y.type.format:
            raise NotImplementedError("the formats differ: %s and %s" % (x.format, y.format))
        return Apply(self, [x, y], [SparseType(dtype="uint8", format=x.type.format)()])

    def perform(self, node, inputs, output_storage, params=None):
        x, y = inputs
        _same_shape(x, y)
        output_storage[0][0] = _compare(type(self).comparison, x, y).asformat(x.format)


class _ComparisonOpSD(_Binary):
    """A comparison of a sparse and a dense matrix: a dense matrix of uint8."""

    __props__ = ()
    comparison = None

    def make_node(self, x, y):
        x, y = as_sparse_variable(x), as_tensor_variable(y)
        if y.type.ndim != 2:
            raise AssertionError("a matrix is needed, not %s" % y.type)
        return Apply(self, [x, y], [TensorType("uint8", (False, False))()])

    def perform(self, node, inputs, output_storage, params=None):
        x, y = inputs
        _same_shape(x, y)
        output_storage[0][0] = np.asarray(_compare(type(self).comparison, x.toarray(), y))


def _comparison(name, function):
    """The classes of a comparison, for two sparse matrices and for a sparse and a dense one."""
    doc = "Compares %%s: %s." % function.__name__
    return tuple(
        type(
            name + suffix,
            (base,),
            {"__props__": (), "__doc__": doc % what, "comparison": staticmethod(function), "__module__": __name__},
        )
        for suffix, base, what in (
            ("SS", _ComparisonOpSS, "two sparse matrices"),
            ("SD", _ComparisonOpSD, "a sparse and a dense matrix"),
        )
    )


EqualSS, EqualSD = _comparison("Equal", lambda x, y: x == y)
NotEqualSS, NotEqualSD = _comparison("NotEqual", lambda x, y: x != y)
LessThanSS, LessThanSD = _comparison("LessThan", lambda x, y: x < y)
GreaterThanSS, GreaterThanSD = _comparison("GreaterThan", lambda x, y: x > y)
LessEqualSS, LessEqualSD = _comparison("LessEqual", lambda x, y: x <= y)
GreaterEqualSS, GreaterEqualSD = _comparison("GreaterEqual", lambda x, y: x >= y)
equal_s_s, equal_s_d = EqualSS(), EqualSD()
not_equal_s_s, not_equal_s_d = NotEqualSS(), NotEqualSD()
less_than_s_s, less_than_s_d = LessThanSS(), LessThanSD()
greater_than_s_s, greater_than_s_d = GreaterThanSS(), GreaterThanSD()
less_equal_s_s, less_equal_s_d = LessEqualSS(), LessEqualSD()
greater_equal_s_s, greater_equal_s_d = GreaterEqualSS(), GreaterEqualSD()


def _comparison_function(name, both, dense_right, dense_left):
    def compare(x, y):
        x, y = operand(x), operand(y)
        sparse = _is_sparse_variable(x), _is_sparse_variable(y)
        if not any(sparse):
            raise AssertionError("one of the operands has to be sparse")
        if all(sparse):
            return both(x, y)
        return dense_right(x, y) if sparse[0] else dense_left(y, x)

    compare.__name__ = compare.__qualname__ = name
    compare.__doc__ = (
        "``%s(x, y)`` of two matrices of one shape, of which one or both are sparse, as uint8; sparse if both.\n\n"
        "AssertionError if none is sparse or the dense one is no matrix, NotImplementedError if the formats differ."
    ) % name
    return compare


eq = _comparison_function("eq", equal_s_s, equal_s_d, equal_s_d)
neq = _comparison_function("neq", not_equal_s_s, not_equal_s_d, not_equal_s_d)
lt = _comparison_function("lt", less_than_s_s, less_than_s_d, greater_than_s_d)
gt = _comparison_function("gt", greater_than_s_s, greater_than_s_d, less_than_s_d)
le = _comparison_function("le", less_equal_s_s, less_equal_s_d, greater_equal_s_d)
ge = _comparison_function("ge", greater_equal_s_s, greater_equal_s_d, less_equal_s_d)


# ---- functions of what is stored


def structured_monoid(tensor_op):
    """Decorator: a function of a csr or csc matrix, and scalars, that applies `tensor_op` to what the matrix stores.

    The body of the function decorated doesn't matter. AssertionError for other formats, TypeError for other arguments.
    """

    def decorator(f):
        def wrapper(*args):
            x, *scalars = args
            x = as_csx_variable(x)
            data, *places = csm_properties(x)
            return CSM(x.format)(tensor_op(data, *[as_scalar(v) for v in scalars]), *places)

        wrapper.__name__, wrapper.__doc__ = str(tensor_op.scalar_op), f.__doc__
        return wrapper

    return decorator


def _structured(tensor_op, name):
    def function():
        pass

    function.__doc__ = (
        "``tensor.%s`` of what a csr or csc matrix stores, and of scalars if `args` are more than the matrix.\n\n"
        "A sparse matrix of the same format. AssertionError for bsr, TypeError for what is no sparse matrix."
    ) % name.removeprefix("structured_").replace("rint", "round_half_to_even")
    found = structured_monoid(tensor_op)(function)
    found.__name__ = found.__qualname__ = name
    return found


structured_sigmoid = _structured(sigmoid, "structured_sigmoid")
structured_exp = _structured(tensor.exp, "structured_exp")
structured_log = _structured(tensor.log, "structured_log")
structured_pow = _structured(tensor.pow, "structured_pow")
structured_minimum = _structured(tensor.minimum, "structured_minimum")
structured_maximum = _structured(tensor.maximum, "structured_maximum")
structured_add = _structured(tensor.add, "structured_add")
# these are zero at zero
sin, tan = _structured(tensor.sin, "sin"), _structured(tensor.tan, "tan")
arcsin, arctan = _structured(tensor.arcsin, "arcsin"), _structured(tensor.arctan, "arctan")
sinh, arcsinh = _structured(tensor.sinh, "sinh"), _structured(tensor.arcsinh, "arcsinh")
tanh, arctanh = _structured(tensor.tanh, "tanh"), _structured(tensor.arctanh, "arctanh")
rint, sgn = _structured(tensor.round_half_to_even, "rint"), _structured(tensor.sgn, "sgn")
ceil, floor, trunc = (_structured(getattr(tensor, name), name) for name in ("ceil", "floor", "trunc"))
log1p, expm1 = _structured(tensor.log1p, "log1p"), _structured(tensor.expm1, "expm1")
deg2rad, rad2deg = _structured(tensor.deg2rad, "deg2rad"), _structured(tensor.rad2deg, "rad2deg")
sqr, sqrt, conj = (_structured(getattr(tensor, name), name) for name in ("sqr", "sqrt", "conj"))
