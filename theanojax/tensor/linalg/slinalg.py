"""Linear equations, Cholesky factors, matrix exponentials: ``theano.tensor.slinalg``, what scipy.linalg is for.

On the host scipy computes, with its checks: ``scipy.linalg.LinAlgError`` for matrices that cannot be treated,
ValueError for NaN and infinity. XLA answers when none of this applies and leaves the call to the host otherwise.
"""

import re

import numpy as np
import scipy.linalg

import theanojax.tensor as tensor
import theanojax.tensor.linalg.decompositions as decompositions
from theanojax.graph.op import Op
from theanojax.graph.tracebacks import boundaries
from theanojax.graph.variable import Apply, Variable
from theanojax.scalar.types import upcast
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.linalg import derivatives
from theanojax.tensor.op_methods import shaped_like
from theanojax.tensor.type import TensorType
from theanojax.tensor.type_other import NoneConst

imported_scipy = True  # Theano could do without

MATRIX_STRUCTURES = (
    "general",
    "symmetric",
    "lower_triangular",
    "upper_triangular",
    "hermitian",
    "banded",
    "diagonal",
    "toeplitz",
)


def _checked(x, *ndims):
    x = as_tensor_variable(x)
    if x.ndim not in ndims:
        raise AssertionError("expected %s dimensions, got %s" % (" or ".join(map(str, ndims)), x.type))
    return x


def lapack_dtype(*dtypes):
    """The dtype in which LAPACK treats arrays of the `dtypes`: single precision if it holds them all, else double."""
    dtypes = [np.dtype(d) for d in dtypes]
    single = all(d.itemsize <= (8 if d.kind == "c" else 4 if d.kind == "f" else 2) for d in dtypes)
    if any(d.kind == "c" for d in dtypes):
        return "complex64" if single else "complex128"
    return "float32" if single else "float64"


def _finite(ctx, *values):
    """Leave the call to the host unless all of `values` are finite."""
    for value in values:
        ctx.guard(ctx.xp.all(ctx.xp.isfinite(value)))


def _triangular(ctx, a, b, lower, transpose=False):
    """The solution of ``a x = b`` (``a.T x = b``) where one triangle of the matrix `a` is looked at."""
    columns = b if b.ndim == 2 else b[:, None]
    x = ctx.lax.linalg.triangular_solve(a, columns, left_side=True, lower=lower, transpose_a=transpose)
    return x if b.ndim == 2 else x[:, 0]


class Cholesky(Op):
    """The triangular factor of a positive definite matrix: ``dot(L, L.T) == x``, in its dtype.

    Parameters
    ----------
    lower : whether the result is L; otherwise its transpose
    on_error : "raise" for LinAlgError when the matrix isn't positive definite, "nan" for a matrix of NaN

    AssertionError for other numbers of dimensions; ValueError, when run, for NaN and infinity.
    """

    __props__ = ("lower", "destructive", "on_error")

    def __init__(self, lower=True, on_error="raise"):
        if on_error not in ("raise", "nan"):
            raise ValueError('on_error must be one of "raise" or ""nan"')
        self.lower, self.destructive, self.on_error = lower, False, on_error

    def make_node(self, x):
        x = _checked(x, 2)
        return Apply(self, [x], [x.type()])

    infer_shape = shaped_like(0)

    def perform(self, node, inputs, output_storage, params=None):
        (x,) = inputs
        try:
            found = scipy.linalg.cholesky(x, lower=self.lower)
        except scipy.linalg.LinAlgError as error:
            if self.on_error == "raise":
                order = re.search(r"\d+", str(error))  # which minor it was; the words vary with scipy's version
                if order is None:
                    raise
                raise scipy.linalg.LinAlgError(
                    "%s-th leading minor of the array is not positive definite" % order.group()
                ) from error
            found = np.full(x.shape, np.nan)
        output_storage[0][0] = found.astype(x.dtype)

    def lower_xla(self, ctx, node, x):
        xp = ctx.xp
        decompositions.require_square(x)
        found = xp.linalg.cholesky(decompositions.mirrored(xp, xp.astype(x, lapack_dtype(x.dtype)), self.lower))
        if self.on_error == "raise":
            _finite(ctx, found, x)
        else:
            _finite(ctx, x)
            found = xp.where(xp.all(xp.isfinite(found)), found, xp.asarray(np.nan, dtype=found.dtype))
        return xp.astype(found if self.lower else xp.conj(found.T), x.dtype)

    def L_op(self, inputs, outputs, gradients):
        # Iain Murray, Differentiation of the Cholesky decomposition, arXiv:1602.07527
        (dz,), (chol_x,) = gradients, outputs
        if self.on_error == "nan":  # the triangular solves would not take NaN
            ok = ~tensor.any(tensor.isnan(chol_x))
            chol_x = tensor.switch(ok, chol_x, 1)
            dz = tensor.switch(ok, dz, 1)
        if not self.lower:
            chol_x, dz = chol_x.T, dz.T

        inner = chol_x.T.dot(dz)
        phi = tensor.tril(inner) - tensor.diag(tensor.diagonal(inner) / 2.0)
        s = solve_upper_triangular(chol_x.T, solve_upper_triangular(chol_x.T, phi.T).T)
        half = tensor.tril if self.lower else tensor.triu
        grad = half(s + s.T) - tensor.diag(tensor.diagonal(s))
        return [tensor.switch(ok, grad, np.nan) if self.on_error == "nan" else grad]


cholesky = Cholesky()


class CholeskyGrad(Op):
    """The gradient of `Cholesky`, given the matrix, its factor and the gradient for the factor."""

    __props__ = ("lower", "destructive")

    def __init__(self, lower=True):
        self.lower, self.destructive = lower, False

    def make_node(self, x, l, dz):
        x, l, dz = (_checked(v, 2) for v in (x, l, dz))
        if l.owner.op.lower != self.lower:
            raise AssertionError("lower/upper mismatch between Cholesky op and CholeskyGrad op")
        return Apply(self, [x, l, dz], [x.type()])

    def _gradient(self, xp, factor, dz, solve):
        """`solve` takes (L, b) to the solution of ``L.T y = b``."""
        if not self.lower:
            factor, dz = factor.T, dz.T
        inner = xp.tril(xp.dot(factor.T, xp.tril(dz)))
        halved = xp.where(xp.eye(inner.shape[0], dtype=bool), inner / 2, inner)
        s = solve(factor, solve(factor, halved.T).T)
        both = s + s.T
        grad = xp.tril(xp.where(xp.eye(s.shape[0], dtype=bool), s, both))
        return grad if self.lower else grad.T

    def perform(self, node, inputs, output_storage, params=None):
        def solve(factor, b):
            return scipy.linalg.solve_triangular(factor, b, lower=True, trans="T")

        _, factor, dz = inputs
        output_storage[0][0] = self._gradient(np, factor, dz, solve).astype(node.outputs[0].dtype)

    def lower_xla(self, ctx, node, x, factor, dz):
        factor, dz = ctx.xp.asarray(factor), ctx.xp.asarray(dz)
        grad = self._gradient(ctx.xp, factor, dz, lambda a, b: _triangular(ctx, a, b, lower=True, transpose=True))
        _finite(ctx, factor, dz, grad)
        return grad

    infer_shape = shaped_like(0)


def _same_rows(A, b):
    """Asked of the arguments because scipy of today stretches `b` where that of Theano's time refused it."""
    if A.shape[0] != b.shape[0]:
        raise ValueError("Input b has to have same number of rows as input a")


class Solve(Op):
    """The solution of ``A x = b``, for a square matrix A and a vector or matrix b, in the shape of b.

    `A_structure` is one of `MATRIX_STRUCTURES`; of triangular matrices only that triangle is looked at. `lower`,
    `overwrite_A` and `overwrite_b` are kept for Theano's sake. The dtype is float32 or complex64 if that holds both,
    else float64 or complex128.

    Raises
    ------
    AssertionError : other numbers of dimensions.
    LinAlgError : when run, A is singular. ValueError : when run, the lengths don't fit, or for NaN and infinity.
    """

    __props__ = ("A_structure", "lower", "overwrite_A", "overwrite_b")

    def __init__(self, A_structure="general", lower=False, overwrite_A=False, overwrite_b=False):
        if A_structure not in MATRIX_STRUCTURES:
            raise ValueError("Invalid matrix structure argument", A_structure)
        self.A_structure, self.lower = A_structure, lower
        self.overwrite_A, self.overwrite_b = overwrite_A, overwrite_b

    def __repr__(self):
        return "Solve{%s}" % str(self._props())

    def make_node(self, A, b):
        A, b = _checked(A, 2), _checked(b, 1, 2)
        return Apply(self, [A, b], [TensorType(lapack_dtype(A.dtype, b.dtype), b.broadcastable)()])

    def perform(self, node, inputs, output_storage, params=None):
        A, b = (v.astype(node.outputs[0].dtype) for v in inputs)
        _same_rows(A, b)
        if self.A_structure in ("lower_triangular", "upper_triangular"):
            found = scipy.linalg.solve_triangular(A, b, lower=self.A_structure == "lower_triangular")
        else:
            # LU, as in Theano's day and in XLA: scipy 1.15 guesses the structure, and divides by a diagonal's zeros
            found = scipy.linalg.solve(A, b, assume_a="gen")
        output_storage[0][0] = found

    def lower_xla(self, ctx, node, A, b):
        decompositions.require_square(A)
        _same_rows(A, b)
        A, b = (ctx.xp.asarray(ctx.xp.astype(v, node.outputs[0].dtype)) for v in (A, b))
        if self.A_structure in ("lower_triangular", "upper_triangular"):
            found = _triangular(ctx, A, b, lower=self.A_structure == "lower_triangular")
        else:
            found = ctx.xp.linalg.solve(A, b)
        _finite(ctx, A, b, found)
        return found

    def infer_shape(self, node, shapes):
        a_shape, b_shape = shapes
        return [(a_shape[1],) + tuple(b_shape[1:])]

    def L_op(self, inputs, outputs, output_gradients):
        # M. B. Giles, An extended collection of matrix derivative results
        (A, _), (c,), (c_bar,) = inputs, outputs, output_gradients
        transposed = {"lower_triangular": "upper_triangular", "upper_triangular": "lower_triangular"}
        trans_solve = Solve(A_structure=transposed.get(self.A_structure, self.A_structure), lower=not self.lower)
        b_bar = trans_solve(A.T, c_bar)
        A_bar = -(tensor.outer(b_bar, c) if c.ndim == 1 else b_bar.dot(c.T))
        if self.A_structure == "lower_triangular":
            A_bar = tensor.tril(A_bar)
        elif self.A_structure == "upper_triangular":
            A_bar = tensor.triu(A_bar)
        return [A_bar, b_bar]


solve = Solve()
solve_lower_triangular = Solve(A_structure="lower_triangular", lower=True)
solve_upper_triangular = Solve(A_structure="upper_triangular", lower=False)
solve_symmetric = Solve(A_structure="symmetric")


def _generalised(ctx, a, b, lower):
    """Of ``a v = w b v``, the equal problem ``c u = w u``: c, and the lower factor L of b with ``v = inv(L.T) u``."""
    xp = ctx.xp
    factor = xp.linalg.cholesky(decompositions.mirrored(xp, b, lower))
    half = _triangular(ctx, factor, decompositions.mirrored(xp, a, lower), lower=True)
    return _triangular(ctx, factor, xp.conj(half.T), lower=True), factor


class Eigvalsh(Op):
    """The eigenvalues w of ``a v = w b v`` in ascending order; see `eigvalsh`."""

    __props__ = ("lower",)

    def __init__(self, lower=True):
        if lower not in (True, False):
            raise AssertionError("lower must be True or False")
        self.lower = lower

    def make_node(self, a, b):
        if b is None or isinstance(b, Variable) and NoneConst.equals(b):
            inputs = [_checked(a, 2)]
        else:
            inputs = [_checked(a, 2), _checked(b, 2)]
        return Apply(self, inputs, [TensorType(upcast(*[i.dtype for i in inputs]), (False,))()])

    def perform(self, node, inputs, output_storage, params=None):
        b = inputs[1] if len(inputs) == 2 else None
        output_storage[0][0] = scipy.linalg.eigvalsh(a=inputs[0], b=b, lower=self.lower)

    def lower_xla(self, ctx, node, *matrices):
        dtype = lapack_dtype(*[m.dtype for m in matrices])
        found = [ctx.xp.astype(m, dtype) for m in matrices]
        decompositions.require_square(found[0])
        if len(found) == 2:
            c, _ = _generalised(ctx, *found, self.lower)
        else:
            c = decompositions.mirrored(ctx.xp, found[0], self.lower)
        w = ctx.xp.linalg.eigvalsh(c)
        _finite(ctx, w, *matrices)
        return w

    def grad(self, inputs, g_outputs):
        if len(inputs) == 2:
            return EigvalshGrad(self.lower)(*inputs, g_outputs[0])
        side = "L" if self.lower else "U"
        w, v = decompositions.eigh(*inputs, side)
        return [decompositions.EighGrad(side)(*inputs, w, v, g_outputs[0], v.zeros_like())]

    def infer_shape(self, node, shapes):
        return [(shapes[0][0],)]


class EigvalshGrad(Op):
    """The gradients of `Eigvalsh` for both matrices, given the gradient for the eigenvalues."""

    __props__ = ("lower",)

    def __init__(self, lower=True):
        if lower not in (True, False):
            raise AssertionError("lower must be True or False")
        self.lower = lower

    def make_node(self, a, b, gw):
        inputs = [_checked(a, 2), _checked(b, 2), _checked(gw, 1)]
        out = TensorType(upcast(*[i.dtype for i in inputs]), (False, False))
        return Apply(self, inputs, [out(), out()])

    def _gradients(self, xp, w, v, gw):
        ga = xp.dot(v * gw, v.T)
        gb = -xp.dot(v * (gw * w), v.T)
        return decompositions.one_triangle(xp, ga, self.lower), decompositions.one_triangle(xp, gb, self.lower)

    def perform(self, node, inputs, output_storage, params=None):
        a, b, gw = inputs
        gradients = self._gradients(np, *scipy.linalg.eigh(a, b, lower=self.lower), gw)
        for cell, value, out in zip(output_storage, gradients, node.outputs, strict=True):
            cell[0] = np.asarray(value, dtype=out.dtype)

    def lower_xla(self, ctx, node, a, b, gw):
        dtype = node.outputs[0].dtype
        a, b, gw = (ctx.xp.astype(v, dtype) for v in (a, b, gw))
        c, factor = _generalised(ctx, a, b, self.lower)
        w, u = ctx.xp.linalg.eigh(c)
        _finite(ctx, a, b, w)
        return self._gradients(ctx.xp, w, _triangular(ctx, factor, u, lower=True, transpose=True), gw)

    def L_op(self, inputs, outputs, output_grads):
        a, b, gw = inputs
        for v in (a, b):
            derivatives.refuse_complex(v)
        whole = [derivatives.both_triangles(v, self.lower) for v in (a, b)]
        factor = cholesky(whole[1])
        half = solve_lower_triangular(factor, whole[0])
        w, u = decompositions.eigh(solve_lower_triangular(factor, half.T))
        v = solve_upper_triangular(factor.T, u)
        return list(
            derivatives.eigvalsh_grad(w, v, gw, *decompositions._zero_disconnected(outputs, output_grads), self.lower)
        )

    def infer_shape(self, node, shapes):
        return [shapes[0], shapes[1]]


def eigvalsh(a, b, lower=True):
    """The eigenvalues w of ``a v = w b v``, or with `b` None of ``a v = w v``, a vector in ascending order.

    `a` is a symmetric matrix, `b` a positive definite one (LinAlgError, when run, otherwise). Only their lower
    triangles are looked at, or with `lower` false their upper ones. AssertionError for other numbers of dimensions.
    """
    return Eigvalsh(lower)(a, b)


def kron(a, b):
    """The Kronecker product of the tensors `a` and `b`, in the dtype that both are upcast to.

    Of matrices (m, n) and (p, q) it is the matrix (m p, n q) of blocks ``a[i, j] * b``. It has ``a.ndim + b.ndim - 2``
    dimensions, so that for a vector and a matrix it is one less than scipy's: a vector.

    Raises
    ------
    TypeError : fewer than three dimensions in total.
    """
    a, b = (as_tensor_variable(v) for v in (a, b))
    if a.ndim + b.ndim <= 2:
        raise TypeError("kron: inputs dimensions must sum to 3 or more. You passed %d and %d." % (a.ndim, b.ndim))
    ndim = a.ndim + b.ndim
    o = tensor.outer(a, b).reshape(tensor.concatenate((a.shape, b.shape)), ndim)
    if ndim == 3:
        return o.dimshuffle(1, 0, 2).flatten()
    swapped = o.dimshuffle(0, 2, 1, *range(3, ndim))
    return swapped.reshape(
        (o.shape[0] * o.shape[2], o.shape[1] * o.shape[3]) + tuple([o.shape[i] for i in range(4, ndim)])
    )


class Expm(Op):
    """The exponential of a square matrix, ``I + A + A A / 2 + ...``, in its dtype.

    AssertionError for other numbers of dimensions; LinAlgError, when run, if it is not square.
    """

    __props__ = ()

    def make_node(self, A):
        A = _checked(A, 2)
        return Apply(self, [A], [TensorType(A.dtype, (False, False))()])

    def compute(self, xp, node, A):
        return _expm(xp, A)

    def grad(self, inputs, outputs):
        return [ExpmGrad()(inputs[0], outputs[0])]

    infer_shape = shaped_like(0)


def _expm(xp, A):
    decompositions.require_square(A)
    found = xp.expm(xp.astype(A, lapack_dtype(A.dtype)))
    xp.guard(xp.all(xp.isfinite(found)))
    return found


class ExpmGrad(Op):
    """The gradient of `Expm`, given the matrix and the gradient for its exponential."""

    __props__ = ()

    def make_node(self, A, gw):
        A = _checked(A, 2)
        return Apply(self, [A, as_tensor_variable(gw)], [TensorType(A.dtype, (False, False))()])

    def compute(self, xp, node, A, g):
        # The derivative of exp at a in the direction e is the upper right block of exp([[a, e], [0, a]]),
        # and the adjoint of the derivative at a is the derivative at a.T.
        n, a = A.shape[0], A.T
        block = xp.concatenate(
            [xp.concatenate([a, xp.astype(g, A.dtype)], axis=1), xp.concatenate([xp.zeros_like(a), a], axis=1)]
        )
        return xp.index_get(_expm(xp, block), (slice(0, n), slice(n, 2 * n)))

    def L_op(self, inputs, outputs, output_grads):
        a, g = inputs[0].T, inputs[1]
        n, zero = a.shape[0], a.zeros_like()
        block = tensor.concatenate([tensor.concatenate([a, g], 1), tensor.concatenate([zero, a], 1)])
        moved = tensor.concatenate(
            [tensor.concatenate([zero, output_grads[0]], 1), tensor.concatenate([zero, zero], 1)]
        )
        back = ExpmGrad()(block, moved)
        return [(back[:n, :n] + back[n:, n:]).T, back[:n, n:]]

    infer_shape = shaped_like(0)


expm = Expm()


__all__ = [
    "MATRIX_STRUCTURES",
    "Cholesky",
    "CholeskyGrad",
    "Eigvalsh",
    "EigvalshGrad",
    "Expm",
    "ExpmGrad",
    "Solve",
    "cholesky",
    "eigvalsh",
    "expm",
    "imported_scipy",
    "kron",
    "solve",
    "solve_lower_triangular",
    "solve_symmetric",
    "solve_upper_triangular",
]

boundaries(globals())
