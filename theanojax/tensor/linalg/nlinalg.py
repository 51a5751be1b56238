"""Inverses, determinants, traces and norms: ``theano.tensor.nlinalg``.

Matrices that cannot be treated raise ``numpy.linalg.LinAlgError`` when the function is called, as numpy does.
"""

import warnings

import numpy as np

import theanojax.tensor as tensor
import theanojax.tensor.linalg.slinalg as slinalg
from theanojax.graph.op import Op
from theanojax.graph.tracebacks import boundaries
from theanojax.graph.variable import Apply
from theanojax.scalar.types import upcast
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.diagonal import ExtractDiag
from theanojax.tensor.linalg.decompositions import (
    SVD,
    Eig,
    Eigh,
    EighGrad,
    QRFull,
    QRIncomplete,
    _zero_disconnected,
    eig,
    eigh,
    lapack_operand,
    qr,
    require_square,
    svd,
)
from theanojax.tensor.op_methods import scalar_shape, shaped_like
from theanojax.tensor.type import TensorType


def _matrix_variable(x):
    x = as_tensor_variable(x)
    if x.ndim != 2:
        raise AssertionError("a matrix is needed, not a tensor of %d dimensions" % x.ndim)
    return x


def _finite(xp, value):
    """`value`, after asking for a replay on the host (which knows when to raise) if it isn't finite."""
    xp.guard(xp.all(xp.isfinite(value)))
    return value


class MatrixPinv(Op):
    """The Moore-Penrose pseudo-inverse of a matrix: of (M, N), the (N, M) matrix that solves least squares.

    It is computed from singular values, those below 1e-15 times the largest counting as 0, and has the dtype of the
    matrix. AssertionError for other numbers of dimensions; LinAlgError, when run, for nan.
    """

    __props__ = ()

    def make_node(self, x):
        x = _matrix_variable(x)
        return Apply(self, [x], [x.type.clone(broadcastable=x.broadcastable[::-1])()])

    def compute(self, xp, node, x):
        # The same cut-off for small singular values on both sides: numpy's.
        return xp.astype(_finite(xp, xp.linalg.pinv(lapack_operand(xp, x), 1e-15)), x.dtype)

    def infer_shape(self, node, shapes):
        ((rows, columns),) = shapes
        return [(columns, rows)]

    def L_op(self, inputs, outputs, g_outputs):
        (x,), (z,), (gz,) = inputs, outputs, g_outputs
        x_dot_z, z_dot_x = tensor.dot(x, z), tensor.dot(z, x)
        moved = (
            -matrix_dot(z, gz.T, z)
            + matrix_dot(z, z.T, gz, tensor.identity_like(x_dot_z) - x_dot_z)
            + matrix_dot(tensor.identity_like(z_dot_x) - z_dot_x, gz, z.T, z)
        )
        return [moved.T]


pinv = MatrixPinv()


class MatrixInverse(Op):
    """The inverse of a square matrix, in its dtype (integers are cut off, so cast them first).

    AssertionError for other numbers of dimensions; LinAlgError, when run, if it is singular or not square.
    """

    __props__ = ()

    def make_node(self, x):
        x = _matrix_variable(x)
        return Apply(self, [x], [x.type()])

    def compute(self, xp, node, x):
        require_square(x)
        return xp.astype(_finite(xp, xp.linalg.inv(lapack_operand(xp, x))), x.dtype)

    def grad(self, inputs, g_outputs):
        (x,), (gz,) = inputs, g_outputs
        xi = self(x)
        return [-matrix_dot(xi, gz.T, xi).T]

    def R_op(self, inputs, eval_points):
        (x,), (moved,) = inputs, eval_points
        if moved is None:
            return [None]
        xi = self(x)
        return [-matrix_dot(xi, moved, xi)]

    infer_shape = shaped_like(0)


matrix_inverse = MatrixInverse()


def matrix_dot(*args):
    """The product of the matrices `args`, at least one, multiplied from the left to the right."""
    product = args[0]
    for factor in args[1:]:
        product = tensor.dot(product, factor)
    return product


class AllocDiag(Op):
    """A square matrix with a vector on its diagonal. Deprecated: ``theano.tensor.AllocDiag`` does more."""

    __props__ = ()

    def make_node(self, _x):
        warnings.warn(
            "DeprecationWarning: theano.tensor.nlinalg.AllocDiagis deprecated, please use "
            "theano.tensor.AllocDiaginstead.",
            category=DeprecationWarning,
            stacklevel=3,
        )
        x = as_tensor_variable(_x)
        if x.type.ndim != 1:
            raise TypeError("AllocDiag only works on vectors", _x)
        return Apply(self, [x], [TensorType(x.dtype, (False, False))()])

    def compute(self, xp, node, x):
        return xp.where(xp.eye(x.shape[0], dtype=bool), x[:, None], xp.zeros((), dtype=x.dtype))

    def grad(self, inputs, g_outputs):
        return [extract_diag(g_outputs[0])]

    def infer_shape(self, node, shapes):
        ((n,),) = shapes
        return [(n, n)]


alloc_diag = AllocDiag()
extract_diag = ExtractDiag()


def diag(x):
    """The diagonal of the matrix `x`, or the square matrix with the vector `x` on its diagonal; TypeError otherwise."""
    x_ = as_tensor_variable(x)
    if x_.type.ndim == 1:
        return alloc_diag(x_)
    if x_.type.ndim == 2:
        return extract_diag(x_)
    raise TypeError("diag requires vector or matrix argument", x)


def trace(X):
    """The sum of the diagonal of the matrix `X`, a scalar; ValueError for fewer dimensions."""
    return extract_diag(X).sum()


class Det(Op):
    """The determinant of a square matrix: a scalar of its dtype.

    AssertionError for other numbers of dimensions; LinAlgError, when run, if the matrix is not square.
    """

    __props__ = ()

    def make_node(self, x):
        x = _matrix_variable(x)
        return Apply(self, [x], [TensorType(x.dtype, ())()])

    def compute(self, xp, node, x):
        require_square(x)
        return xp.astype(xp.linalg.det(lapack_operand(xp, x)), x.dtype)

    def grad(self, inputs, g_outputs):
        (x,), (gz,) = inputs, g_outputs
        return [gz * self(x) * matrix_inverse(x).T]

    infer_shape = scalar_shape


det = Det()


class lstsq(Op):
    """Least squares: ``lstsq()(a, b, rcond)``, the x for which ``a x`` is closest to ``b``.

    `a` is a matrix, `b` a vector or matrix; singular values below `rcond` times the largest count as 0. Outputs are the
    solution (a matrix by its type), the sums of squared residuals, the rank of a and its singular values.
    """

    __props__ = ()

    def make_node(self, x, y, rcond):
        inputs = [as_tensor_variable(v) for v in (x, y, rcond)]
        return Apply(self, inputs, [tensor.matrix(), tensor.dvector(), tensor.lscalar(), tensor.dvector()])

    def perform(self, node, inputs, output_storage, params=None):
        # The residuals come out empty or not depending on the rank, so that XLA can't have this.
        x, y, rcond = inputs
        found = np.linalg.lstsq(x, y, rcond)
        for value, cell, out in zip(found, output_storage, node.outputs, strict=True):
            cell[0] = np.asarray(value, dtype=out.dtype)


def matrix_power(M, n):
    """The square matrix variable `M` multiplied with itself: to the power of `n`, a Python int (TypeError otherwise).

    For `n` of 0 or less it is the number 1.
    """
    result = 1
    for _ in range(n):
        result = tensor.dot(result, M)
    return result


def norm(x, ord):
    """The norm of a vector or matrix of numbers, a scalar.

    Parameters
    ----------
    x : vector or matrix
    ord : for vectors None (the root of the sum of squares), "inf" and "-inf" (largest and smallest of ``abs(x)``), 0
        (counts what is not zero, int64) or another number p, ``sum(abs(x) ** p) ** (1 / p)``; for matrices None or
        "fro" (as None for vectors), "inf" and "-inf" (largest and smallest sum of ``abs(x)`` in a row), 1 and -1 (in a
        column)

    Raises
    ------
    ValueError : no dimension, or no such norm.
    NotImplementedError : more than two dimensions.
    """
    x = as_tensor_variable(x)
    if x.ndim == 0:
        raise ValueError("'axis' entry is out of bounds.")
    if x.ndim == 1:
        return _vector_norm(x, ord)
    if x.ndim == 2:
        return _matrix_norm(x, ord)
    raise NotImplementedError("We don't support norm with ndim > 2")


def _vector_norm(x, ord):
    if ord is None:
        return tensor.sum(x**2) ** 0.5
    if ord == "inf":
        return tensor.max(abs(x))
    if ord == "-inf":
        return tensor.min(abs(x))
    if ord == 0:
        return x[x.nonzero()].shape[0]
    try:
        return tensor.sum(abs(x**ord)) ** (1.0 / ord)
    except TypeError:
        raise ValueError("Invalid norm order for vectors.") from None


def _matrix_norm(x, ord):
    if ord is None or ord == "fro":
        return tensor.sum(abs(x**2)) ** 0.5
    sums = {"inf": (tensor.max, 1), "-inf": (tensor.min, 1), 1: (tensor.max, 0), -1: (tensor.min, 0)}
    if ord not in sums:
        raise ValueError(0)
    extreme, axis = sums[ord]
    return extreme(tensor.sum(abs(x), axis))


class TensorInv(Op):
    """The inverse of a tensor with respect to tensordot; see `tensorinv`."""

    __props__ = ("ind",)

    def __init__(self, ind=2):
        self.ind = ind

    def make_node(self, a):
        a = as_tensor_variable(a)
        flags = a.broadcastable[self.ind :] + a.broadcastable[: self.ind]
        return Apply(self, [a], [a.type.clone(broadcastable=flags)()])

    def compute(self, xp, node, a):
        return _finite(xp, xp.linalg.tensorinv(lapack_operand(xp, a), self.ind))

    def infer_shape(self, node, shapes):
        return [tuple(shapes[0][self.ind :]) + tuple(shapes[0][: self.ind])]

    def L_op(self, inputs, outputs, output_grads):
        (a,), size = inputs, tensor.prod(inputs[0].shape[self.ind :])
        inverse, moved = (v.reshape((size, size)) for v in (outputs[0], output_grads[0]))
        return [-matrix_dot(inverse.T, moved, inverse.T).reshape(a.shape, a.ndim)]


def tensorinv(a, ind=2):
    """The inverse of `a` for ``tensordot(a, b, ind)``, of shape ``a.shape[ind:] + a.shape[:ind]``.

    `a` is a tensor, `ind` a positive int (ValueError, when run, otherwise). The products of the first `ind` and of the
    other lengths must be equal. LinAlgError, when run, if they aren't or if there is no inverse.
    """
    return TensorInv(ind)(a)


class TensorSolve(Op):
    """The solution of a tensor equation; see `tensorsolve`."""

    __props__ = ("axes",)

    def __init__(self, axes=None):
        self.axes = axes

    def make_node(self, a, b):
        inputs = [as_tensor_variable(v) for v in (a, b)]
        ndim = max(inputs[0].ndim - inputs[1].ndim, 0)
        return Apply(self, inputs, [TensorType(upcast(*[v.dtype for v in inputs]), (False,) * ndim)()])

    def compute(self, xp, node, a, b):
        dtype = node.outputs[0].dtype
        a, b = (lapack_operand(xp, xp.astype(v, dtype)) for v in (a, b))
        # jax's takes other axes than numpy's
        return _finite(xp, xp.linalg.tensorsolve(xp.transpose(a, self._order(a.ndim)), b))

    def _order(self, ndim):
        """The dimensions of the first input, those of the solution last."""
        axes = list(self.axes or ())
        return [i for i in range(ndim) if i not in axes] + axes

    def L_op(self, inputs, outputs, output_grads):
        (a, b), (x,) = inputs, outputs
        order = self._order(a.ndim)
        moved, size = a.dimshuffle(order), tensor.prod(b.shape)
        to_b = slinalg.solve(moved.reshape((size, size)).T, output_grads[0].flatten())
        to_a = -tensor.outer(to_b, x.flatten()).reshape(moved.shape, a.ndim)
        return [to_a.dimshuffle([order.index(i) for i in range(a.ndim)]), to_b.reshape(b.shape, b.ndim)]


def tensorsolve(a, b, axes=None):
    """The x with ``tensordot(a, x, x.ndim) == b``.

    `a` has the shape ``b.shape + x.shape`` once its dimensions `axes` (ints, or None) are moved to the end, and x as
    many elements as `b`: ``a.ndim - b.ndim`` dimensions, where Theano's type is that of a matrix, always. LinAlgError,
    when run, if `a` is singular.
    """
    return TensorSolve(axes)(a, b)


__all__ = [
    "AllocDiag",
    "Det",
    "Eig",
    "Eigh",
    "EighGrad",
    "ExtractDiag",
    "MatrixInverse",
    "MatrixPinv",
    "QRFull",
    "QRIncomplete",
    "SVD",
    "TensorInv",
    "TensorSolve",
    "_zero_disconnected",
    "alloc_diag",
    "det",
    "diag",
    "eig",
    "eigh",
    "extract_diag",
    "lstsq",
    "matrix_dot",
    "matrix_inverse",
    "matrix_power",
    "norm",
    "pinv",
    "qr",
    "svd",
    "tensorinv",
    "tensorsolve",
    "trace",
]

boundaries(globals())
