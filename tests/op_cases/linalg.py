"""Linear algebra and Fourier transforms."""

import numpy as np

import theanojax as theano
import theanojax.tensor as T
from tests.op_cases.case import V3, M, N, case, like, real
from theanojax.tensor import fourier
from theanojax.tensor.fft import irfft, rfft
from theanojax.tensor.linalg import nlinalg, slinalg

A, B = like(3), like(3, seed=1)


def _symmetric(f):
    """`f` of the symmetric part: the Op looks at one triangle only."""
    return lambda a, *rest: f((a + a.T) / 2, *rest)


def _gradient(f):
    return lambda a: theano.grad(f(a), a)


CASES = [
    case("matrix_inverse", nlinalg.matrix_inverse, A),
    case("pinv", nlinalg.pinv, N),
    case("det", lambda a: [nlinalg.det(a), T.log(nlinalg.det(a))], A),
    case("nlinalg alloc_diag", nlinalg.alloc_diag, V3),
    case("trace", nlinalg.trace, A),
    case("tensorinv", lambda a: nlinalg.tensorinv(a, 1), real(6, 2, 3)),
    case("tensorsolve", lambda a, b: nlinalg.tensorsolve(a, b), real(6, 2, 3), real(6)),
    case("tensorsolve along axes", lambda a, b: nlinalg.tensorsolve(a, b, (1, 0)), real(2, 3, 6), real(6)),
    case("lstsq", lambda a, b, r: nlinalg.lstsq()(a, b, r), real(4, 3), real(4), np.float64(-1.0), grad=False),
    case("svd", lambda a: nlinalg.svd(a, full_matrices=0, compute_uv=0), N),
    case("svd with vectors", lambda a: T.abs_(nlinalg.svd(a, full_matrices=0)[2]), N),
    case("full svd", lambda a: T.abs_(nlinalg.svd(a, full_matrices=1)[2]), N, grad=False),
    case("qr", lambda a: [abs(v) for v in nlinalg.qr(a)], N.T),
    case("qr raw", lambda a: abs(nlinalg.qr(a, mode="r")), N.T),
    case("eig", lambda a: T.sort(nlinalg.eig(a)[0]), A + real(3, 3)),
    case("eigh", _symmetric(lambda a: [nlinalg.eigh(a)[0], abs(nlinalg.eigh(a, "U")[1])]), A),
    case("cholesky", lambda a: [slinalg.cholesky((a + a.T) / 2), slinalg.Cholesky(lower=False)((a + a.T) / 2)], A),
    case("solve", lambda a, b: slinalg.solve(a, b), A, N),
    case("solve for a vector", lambda a, b: slinalg.solve(a, b), A, V3),
    case("solve a triangle", lambda a, b: [slinalg.solve_lower_triangular(T.tril(a), b),
                                           slinalg.solve_upper_triangular(T.triu(a), b)], A, N),
    case("solve symmetric", _symmetric(slinalg.solve_symmetric), A, N, tol=1e-3),
    case("eigvalsh of one", _symmetric(lambda a: slinalg.eigvalsh(a, None)), A),
    case("eigvalsh", lambda a, b: slinalg.eigvalsh((a + a.T) / 2, (b + b.T) / 2), A, B),
    case("expm", slinalg.expm, real(3, 3), rtol=1e-8),
    case("expm twice", _gradient(lambda a: (slinalg.expm(a) ** 2).sum()), real(3, 3), rtol=1e-8),
    case("kron", lambda a, b: slinalg.kron(a, b), M, N),
    case("matrix_power", lambda a: nlinalg.matrix_power(a, 3), A),
    case("cholesky_grad", lambda a, g: [
        slinalg.CholeskyGrad()(a, slinalg.cholesky(a), g), slinalg.CholeskyGrad(lower=False)(
            a, slinalg.Cholesky(lower=False)(a), g)], A, B, grad=False),
    case("cholesky_grad twice", _gradient(lambda a: T.log(T.diag(slinalg.cholesky(a))).sum()), A, grad=False),
    case("rfft", lambda x: [rfft(x), rfft(x, norm="ortho")], real(2, 5), rop=False),
    case("irfft", lambda x: [irfft(x), irfft(x, is_odd=True)], real(2, 4, 2), rop=False),
    case("fourier", lambda x: [fourier.fft(x, 5, 0), fourier.fft(x, 2, 1), fourier.fft(x, None, None)], real(3, 4),
         grad=False),
]
