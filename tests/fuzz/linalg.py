"""Steps: products, matrix decompositions (of well-conditioned matrices) and Fourier transforms."""

import numpy as np

import theano.tensor as T
from theano.tensor import blas, fft, nlinalg, slinalg

from .builder import kind_of, shape_of, step


def tame(v):
    """`v` between -1 and 1."""
    return T.tanh(v) if kind_of(v) == "f" else v


def with_first(b, v, ndim, axis, kinds="f"):
    """Another variable whose first dimension is as long as dimension `axis` of `v`."""
    n = shape_of(v)[axis]
    found = b.pick(lambda u: kind_of(u) in kinds and u.ndim == ndim and shape_of(u)[0] == n)
    return found if found is not None else b.input(b.one(["float64", "float32"]), (n, 2, 3)[:ndim])


@step(1)
def dot(b):
    x = b.take(b.one(["f", "f", "f", "fi", "fc"]), ndim=(1, 2))
    return T.dot(x, with_first(b, x, b.int(1, 3), -1, b.one(["f", "fi"])))


@step(0.6)
def tensor_products(b):
    how = b.int(0, 5)
    if how == 0:
        x = b.floats(ndim=3)
        y = b.pick(
            lambda u: (
                kind_of(u) == "f"
                and u.ndim in (1, 2, 3)
                and shape_of(u)[:2] == (shape_of(x)[0], shape_of(x)[2])[: u.ndim]
            )
        )
        y = y if y is not None and y.ndim > 1 else b.input(x.dtype, (shape_of(x)[0], shape_of(x)[2], 2))
        return T.batched_dot(x, y)
    if how == 1:
        x = b.floats(ndim=(1, 2, 3))
        y = with_first(b, x, b.int(1, 4), -1)
        return T.tensordot(x, y, axes=[[x.ndim - 1], [0]])
    if how == 2:
        x = b.floats(ndim=(2, 3))
        return T.tensordot(x, x, axes=b.one([x.ndim, [[0], [0]], [[0, 1], [0, 1]]]))
    if how == 3:
        x = b.floats(ndim=3)
        return T.batched_tensordot(x, x, axes=[[2], [2]])
    return T.outer(b.take("fi", ndim=1), b.take("fi", ndim=1))


@step(0.4)
def blas_calls(b):
    dtype = b.one(["float64", "float32"])
    m, k, n = b.int(1, 4), b.int(1, 4), b.int(1, 4)

    def some(*shape):
        return T.cast(b.take("f", shape=shape), dtype)

    x, y, z = some(m, k), some(k, n), some(m, n)
    alpha, beta = some(), some()
    how = b.int(0, 5)
    if how == 0:
        return blas.gemm_no_inplace(z, alpha, x, y, beta)
    if how == 1:
        return blas.gemv_no_inplace(some(m), alpha, x, some(k), beta)
    if how == 2:
        return blas.ger(z, alpha, some(m), some(n))
    return blas._dot22(x, y) if how == 3 else blas._dot22scalar(x, y, alpha)


def square(b, n):
    """A well-conditioned matrix of floats."""
    x = tame(b.take("f", shape=(n, n)))
    return x + T.constant((2 * n * np.eye(n)).astype(x.dtype))


def positive(b, n):
    """A well-conditioned symmetric positive definite matrix with eigenvalues that are far apart."""
    x = tame(b.take("d", shape=(n, n))) * 0.2
    return T.dot(x, x.T) + T.constant(np.diag(1.0 + np.arange(n)))


@step(1.5)
def matrices(b):
    n = b.int(1, 5)
    x = square(b, n)
    how = b.int(0, 17)
    if 12 < how < 16:
        return [nlinalg.matrix_inverse, nlinalg.det, nlinalg.pinv][how - 13](x)
    if how == 0:
        return slinalg.expm(x / (4 * n))
    if how in (1, 2):
        x, lower = positive(b, n), b.chance()
        factor = slinalg.Cholesky(lower=lower)(x)
        if how == 2 and b.chance(0.3):
            return slinalg.CholeskyGrad(lower)(x, factor, T.cast(square(b, n), factor.dtype))
        return factor
    if how == 16:
        right = b.take("f", shape=b.one([(n,), (n, 2)]))
        return slinalg.solve(x, right)
    if how == 3:
        right = b.take("d", shape=b.one([(n,), (n, 2)]))
        lower = b.chance()
        x = T.tril(x) if lower else T.triu(x)
        return (slinalg.solve_lower_triangular if lower else slinalg.solve_upper_triangular)(x, right)
    if how == 4:
        w, v = nlinalg.eigh(positive(b, n), UPLO=b.one("LU"))
        return T.sqr(v), w
    if how == 5:
        return slinalg.eigvalsh(positive(b, n), positive(b, n) + 0)
    if how == 6:
        return nlinalg.svd(x, compute_uv=0)
    if how == 7:
        u, s, v = nlinalg.svd(positive(b, n))
        return abs(u), s, abs(v)
    if how == 8:
        q, r = nlinalg.qr(x)
        return abs(q), abs(r)
    if how == 9:
        return slinalg.kron(b.take("f", ndim=2), b.take("f", ndim=(1, 2)))
    if how == 10:
        return nlinalg.matrix_power(tame(x), b.int(1, 4))
    if how == 11:
        w, v = nlinalg.eig(positive(b, n))
        return T.sort(w)
    return nlinalg.norm(x, b.one(["fro", 1, -1, "inf"]))


@step(0.2)
def tensor_equations(b):
    x = T.constant(np.eye(4).reshape(2, 2, 2, 2)) * 2 + 0.1 * tame(b.take("d", shape=(2, 2)))
    return nlinalg.tensorinv(x, 2) if b.chance() else nlinalg.tensorsolve(x, b.take("d", shape=(2, 2)))


@step(0.4)
def fourier(b):
    n = b.int(2, 7)
    x = T.cast(b.take("f", shape=(2, n)), "float64")
    norm = b.one([None, "ortho", "no_norm"])
    transformed = fft.rfft(x, norm=norm)
    return transformed if b.chance() else fft.irfft(transformed, norm=norm, is_odd=bool(n % 2))
