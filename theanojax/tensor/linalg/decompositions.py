"""Eigenvalues, singular values and QR: the decompositions of ``theano.tensor.nlinalg``."""

import numpy as np

import theanojax.tensor as tensor
import theanojax.tensor.linalg.slinalg as slinalg
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.tracebacks import boundaries
from theanojax.graph.variable import Apply
from theanojax.scalar.types import upcast
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.linalg import derivatives
from theanojax.tensor.op_methods import shaped_like
from theanojax.tensor.type import TensorType


def require_square(x):
    """LinAlgError unless the array `x` is a square matrix."""
    if x.shape[0] != x.shape[1]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")


def lapack_operand(xp, x):
    """The array `x` of `xp` in a dtype that LAPACK knows: integers become float64, float16 raises TypeError."""
    if x.dtype == "float16":
        raise TypeError("array type float16 is unsupported in linalg")
    return xp.astype(x, "float64") if x.dtype.kind in "iub" else x


def _double(dtype):
    return "complex128" if np.dtype(dtype).kind == "c" else "float64"


def _matrix(dtype):
    return TensorType(dtype, (False, False))()


def _vector(dtype):
    return TensorType(dtype, (False,))()


def _require_matrix(x, text="a matrix is needed"):
    if x.ndim != 2:
        raise AssertionError(text)


class Eig(Op):
    """Eigenvalues and right eigenvectors (columns) of a square matrix, a vector and a matrix.

    Both have the dtype of the matrix: imaginary parts are cut off, with numpy's warning. There is a gradient where
    there are none, else it is nan; Theano has none. AssertionError for other numbers of dimensions; LinAlgError, when
    run, if the matrix is not square.
    """

    __props__ = ()

    def make_node(self, x):
        x = as_tensor_variable(x)
        _require_matrix(x)
        return Apply(self, [x], [_vector(x.dtype), _matrix(x.dtype)])

    def runs_on_host(self, node):
        return True  # XLA has this for CPUs only

    def compute(self, xp, node, x):
        # From numpy 2.5 on all that it finds is complex, also where no imaginary part is to be cut off.
        whole = np.iscomplexobj(x)
        return tuple([v if whole or np.imag(v).any() else np.real(v) for v in np.linalg.eig(x)])

    def grad(self, inputs, g_outputs):
        derivatives.refuse_complex(inputs[0])
        found = self(*inputs)
        return [derivatives.eig_grad(*inputs, *found, *_zero_disconnected(found, g_outputs), slinalg.solve)]

    def infer_shape(self, node, shapes):
        ((n, _),) = shapes
        return [(n,), (n, n)]


eig = Eig()


class Eigh(Eig):
    """Eigenvalues, in ascending order, and eigenvectors of a symmetric or Hermitian matrix.

    Only the lower (`UPLO` "L") or upper ("U") triangle of the matrix is looked at.
    """

    __props__ = ("UPLO",)

    def __init__(self, UPLO="L"):
        if UPLO not in ("L", "U"):
            raise AssertionError('UPLO must be "L" or "U"')
        self.UPLO = UPLO

    def make_node(self, x):
        x = as_tensor_variable(x)
        _require_matrix(x)
        w_dtype = np.linalg.eigvalsh(np.zeros((1, 1), dtype=x.dtype)).dtype.name
        return Apply(self, [x], [_vector(w_dtype), _matrix(x.dtype)])

    def runs_on_host(self, node):
        return False

    def compute(self, xp, node, x):
        require_square(x)
        # Eigenvectors in single precision are too coarse to take derivatives of.
        double = xp.astype(lapack_operand(xp, x), _double(x.dtype))
        w, v = xp.linalg.eigh(mirrored(xp, double, self.UPLO == "L"))
        xp.guard(xp.all(xp.isfinite(w)))
        return w, v

    def grad(self, inputs, g_outputs):
        found = self(*inputs)
        return [EighGrad(self.UPLO)(*inputs, *found, *_zero_disconnected(found, g_outputs))]


def mirrored(xp, x, lower):
    """The Hermitian matrix of which one triangle of `x`, an array of `xp`, is given: the `lower` one or the upper."""
    triangle, beyond = (xp.tril(x), xp.tril(x, -1)) if lower else (xp.triu(x), xp.triu(x, 1))
    return triangle + xp.conj(beyond.T)


def one_triangle(xp, g, lower):
    """The gradient, from `g` for the whole of it, for a matrix of `xp` of which the `lower` triangle is looked at.

    Or its upper one. What is beyond the diagonal counts twice.
    """
    if lower:
        return xp.tril(g) + xp.triu(g, 1).T
    return xp.triu(g) + xp.tril(g, -1).T


def _zero_disconnected(outputs, grads):
    return [o.zeros_like() if isinstance(g.type, DisconnectedType) else g for o, g in zip(outputs, grads, strict=True)]


class EighGrad(Op):
    """The gradient of `Eigh`, given the matrix, its eigenvalues and -vectors, and the gradients for these."""

    __props__ = ("UPLO",)

    def __init__(self, UPLO="L"):
        if UPLO not in ("L", "U"):
            raise AssertionError('UPLO must be "L" or "U"')
        self.UPLO = UPLO

    def make_node(self, x, w, v, gw, gv):
        inputs = [as_tensor_variable(i) for i in (x, w, v, gw, gv)]
        for i, ndim in zip(inputs, (2, 1, 2, 1, 2), strict=True):
            if i.ndim != ndim:
                raise AssertionError("EighGrad: expected %d dimensions, got %s" % (ndim, i.type))
        return Apply(self, inputs, [_matrix(upcast(*[i.dtype for i in inputs]))])

    def compute(self, xp, node, x, w, v, gw, gv):
        dtype = _double(node.outputs[0].dtype)
        w, v, gw, gv = (xp.astype(i, dtype) for i in (w, v, gw, gv))
        # dv_kn / da_ij = sum over m != n of v_km v_im v_jn / (w_n - w_m)
        same = xp.eye(w.shape[0], dtype=bool)
        gaps = xp.where(same, xp.ones((), dtype), w[None, :] - w[:, None])
        # what depends on eigenvalues alone has a gradient where they are equal, too
        still = same | xp.all(gv == 0)
        coupling = xp.where(still, xp.zeros((), dtype), xp.dot(v.T, gv) / gaps)
        g = xp.dot(v * gw + xp.dot(v, coupling), v.T).T
        return one_triangle(xp, g, self.UPLO == "L")

    def L_op(self, inputs, outputs, output_grads):
        x, *rest = inputs
        derivatives.refuse_complex(x)
        return [x.zeros_like(), *derivatives.eigh_grad(*rest, output_grads[0], self.UPLO == "L")]

    infer_shape = shaped_like(0)


def eigh(a, UPLO="L"):
    """Eigenvalues, in ascending order, and eigenvectors of the symmetric matrix `a`: a vector and a matrix of columns.

    `UPLO` is "L" or "U", the triangle that is looked at. AssertionError for others and for other numbers of dimensions;
    LinAlgError, when run, if `a` is not square.
    """
    return Eigh(UPLO)(a)


class QRIncomplete(Op):
    """The triangular factor of the QR decomposition; see `qr`."""

    __props__ = ("mode",)
    xla_modes = ("r",)

    def __init__(self, mode):
        self.mode = mode

    def _factors(self, dtype):
        return [_matrix(dtype)]

    def make_node(self, x):
        inputs = [as_tensor_variable(x)]
        _require_matrix(inputs[0], "The input of qr function should be a matrix.")
        return Apply(self, inputs, self._factors(inputs[0].dtype))

    def runs_on_host(self, node):
        return self.mode not in self.xla_modes

    def compute(self, xp, node, x):
        return xp.linalg.qr(lapack_operand(xp, x), self.mode)

    def L_op(self, inputs, outputs, output_grads):
        if self.mode in ("raw", "e", "economic"):
            raise NotImplementedError("there is no gradient of the QR decomposition in the mode %r" % self.mode)
        derivatives.refuse_complex(inputs[0])
        factors, grads = list(outputs), _zero_disconnected(outputs, output_grads)
        if self.mode == "r":
            factors = QRFull("reduced")(inputs[0], return_list=True)
            grads = [factors[0].zeros_like(), *grads]
        return [derivatives.qr_grad(inputs[0], *factors, *grads, slinalg.solve_upper_triangular)]


class QRFull(QRIncomplete):
    """Both factors of the QR decomposition; see `qr`."""

    xla_modes = ("reduced", "complete")

    def _factors(self, dtype):
        return [_matrix(dtype), _vector(dtype) if self.mode == "raw" else _matrix(dtype)]

    def compute(self, xp, node, x):
        return tuple(super().compute(xp, node, x))


def qr(a, mode="reduced"):
    """The factors of a matrix, an orthonormal q and an upper triangular r, ``a == dot(q, r)``; of its dtype.

    Parameters
    ----------
    a : matrix (M, N); K is the smaller of the two
    mode : "reduced" gives q (M, K) and r (K, N); "complete" q (M, M) and r (M, N); "r" only r (K, N); "raw" LAPACK's
        h (N, M) and tau (K,)

    There is a gradient, but for "raw", where the columns of q or of `a` that count are independent; Theano has none.
    AssertionError for other numbers of dimensions, ValueError for another `mode`.
    """
    if isinstance(np.linalg.qr(np.eye(2), mode), tuple):
        return QRFull(mode)(a)
    return QRIncomplete(mode)(a)


class SVD(Op):
    """The singular value decomposition; see `svd`."""

    __props__ = ("full_matrices", "compute_uv")

    def __init__(self, full_matrices=True, compute_uv=True):
        self.full_matrices, self.compute_uv = full_matrices, compute_uv

    def make_node(self, x):
        x = as_tensor_variable(x)
        _require_matrix(x, "The input of svd function should be a matrix.")
        s = _vector(x.dtype)
        return Apply(self, [x], [_matrix(x.dtype), s, _matrix(x.dtype)] if self.compute_uv else [s])

    def compute(self, xp, node, x):
        found = xp.linalg.svd(lapack_operand(xp, x), bool(self.full_matrices), bool(self.compute_uv))
        singular = found[1] if self.compute_uv else found
        xp.guard(xp.all(xp.isfinite(singular)))
        return tuple(found) if self.compute_uv else found

    def infer_shape(self, node, shapes):
        ((m, n),) = shapes
        k = tensor.minimum(m, n)
        if not self.compute_uv:
            return [(k,)]
        return [(m, m), (k,), (n, n)] if self.full_matrices else [(m, k), (k,), (k, n)]

    def L_op(self, inputs, outputs, output_grads):
        derivatives.refuse_complex(inputs[0])
        if not self.compute_uv:
            return [derivatives.svd_grad(*SVD(False, True)(inputs[0]), None, output_grads[0], None)]
        gu, gs, gvt = (None if isinstance(g.type, DisconnectedType) else g for g in output_grads)
        return [derivatives.svd_grad(*outputs, gu, outputs[1].zeros_like() if gs is None else gs, gvt)]


def svd(a, full_matrices=1, compute_uv=1):
    """The singular values of the matrix `a` (M, N), in descending order, between the matrices that rotate it.

    Returns
    -------
    u, s, vt with ``a == dot(u * s, vt)``; only s when `compute_uv` is false. u is (M, M) and vt (N, N), or with
    `full_matrices` false (M, K) and (K, N), K being the smaller of M and N. They have the dtype of `a`.

    There is a gradient, nan where it depends on vectors of singular values that are equal; Theano has none.
    AssertionError for other numbers of dimensions; LinAlgError, when run, for nan.
    """
    return SVD(full_matrices, compute_uv)(a)


__all__ = ["Eig", "Eigh", "EighGrad", "QRFull", "QRIncomplete", "SVD", "eig", "eigh", "qr", "svd"]

boundaries(globals())
