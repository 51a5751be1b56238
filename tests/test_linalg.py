"""Linear algebra: every Op on both executors, its gradient by differences, and its errors."""

import numpy as np
import pytest
import scipy.linalg

import theanojax
import theanojax.tensor as T
from tests.helpers import both, check_op
from theanojax.tensor import fft
from theanojax.tensor.linalg import blas, nlinalg, slinalg


def rng():
    return np.random.RandomState(7)


def positive(n=4):
    a = rng().normal(size=(n, n))
    return a @ a.T + n * np.eye(n)


SQUARE = rng().normal(size=(4, 4)) + 3 * np.eye(4)
WIDE = rng().normal(size=(3, 5))


@pytest.mark.parametrize(
    "op, value",
    [
        (nlinalg.matrix_inverse, SQUARE),
        (nlinalg.pinv, WIDE),
        (nlinalg.det, SQUARE),
        (nlinalg.trace, WIDE),
        (slinalg.expm, SQUARE / 4),
        (nlinalg.alloc_diag, WIDE[0]),
        (lambda x: nlinalg.norm(x, None), WIDE),
        (lambda x: nlinalg.norm(x, 3), abs(WIDE[0])),
        (lambda x: nlinalg.matrix_power(x, 3), SQUARE),
    ],
)
@pytest.mark.filterwarnings("ignore:DeprecationWarning")
def test_functions_of_one_matrix(op, value):
    x = T.TensorType("float64", [False] * value.ndim)("x")
    check_op([x], op(x), [value])


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("on_error", ["raise", "nan"])
def test_cholesky(lower, on_error):
    x = T.dmatrix("x")
    op = slinalg.Cholesky(lower=lower, on_error=on_error)
    value = both([x], op(x), [positive()])
    np.testing.assert_allclose(value, scipy.linalg.cholesky(positive(), lower=lower))
    check_op([x], op(x.dot(x.T)), [SQUARE])


def test_cholesky_of_what_is_not_positive_definite():
    x = T.dmatrix("x")
    with pytest.raises(np.linalg.LinAlgError, match="leading minor"):
        both([x], slinalg.cholesky(x), [-np.eye(3)])
    assert np.isnan(both([x], slinalg.Cholesky(on_error="nan")(x), [-np.eye(3)])).all()
    with pytest.raises(ValueError, match="infs or NaNs"):
        both([x], slinalg.cholesky(x), [np.full((2, 2), np.nan)])
    with pytest.raises(ValueError, match="on_error must be one of"):
        slinalg.Cholesky(on_error="ignore")


@pytest.mark.parametrize("lower", [True, False])
def test_cholesky_grad_is_that_of_cholesky(lower):
    x, dz = T.dmatrix("x"), T.dmatrix("dz")
    factor = slinalg.Cholesky(lower=lower)(x)
    weights = rng().normal(size=(4, 4))
    mine = both([x, dz], slinalg.CholeskyGrad(lower=lower)(x, factor, dz), [positive(), weights])
    theirs = both([x, dz], T.grad((factor * dz).sum(), x), [positive(), weights])
    np.testing.assert_allclose(mine, theirs, rtol=1e-8)


@pytest.mark.parametrize("structure", ["general", "lower_triangular", "upper_triangular", "symmetric"])
@pytest.mark.parametrize("ndim", [1, 2])
def test_solve(structure, ndim):
    a, b = T.dmatrix("a"), T.TensorType("float64", [False] * ndim)("b")
    value = {"lower_triangular": np.tril(SQUARE), "upper_triangular": np.triu(SQUARE)}.get(structure, SQUARE)
    check_op(
        [a, b], slinalg.Solve(structure)(a, b), [value, rng().normal(size=(4, 3)[:ndim])], grad=structure != "symmetric"
    )


@pytest.mark.parametrize("op", [slinalg.solve, slinalg.solve_lower_triangular])
def test_solve_with_a_singular_matrix(op):
    a, b = T.dmatrix("a"), T.dvector("b")
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        both([a, b], op(a, b), [np.zeros((3, 3)), np.ones(3)])


@pytest.mark.parametrize("value", [np.array([[1.0, 2.0], [2.0, 4.0]]), np.zeros((2, 3))])
def test_inverse_that_does_not_exist(value):
    x = T.dmatrix("x")
    with pytest.raises(np.linalg.LinAlgError):
        both([x], nlinalg.matrix_inverse(x), [value])


@pytest.mark.parametrize("uplo", ["L", "U"])
def test_eigh(uplo):
    x = T.dmatrix("x")
    w, v = nlinalg.eigh(x, uplo)
    values = both([x], [w, v**2], [SQUARE])
    np.testing.assert_allclose(values[0], np.linalg.eigh(SQUARE, uplo)[0])
    check_op([x], [w, v**2], [SQUARE])


@pytest.mark.parametrize("lower", [True, False])
def test_generalised_eigenvalues(lower):
    a, b = T.dmatrix("a"), T.dmatrix("b")
    check_op([a, b], slinalg.eigvalsh(a, b, lower), [SQUARE, positive()])
    both([a], slinalg.eigvalsh(a, T.NoneConst, lower), [SQUARE])


@pytest.mark.parametrize("full", [True, False])
def test_svd(full):
    x = T.dmatrix("x")
    u, s, vt = nlinalg.svd(x, full)
    k = 3
    check_op([x], [abs(u), s, abs(vt[:k])], [WIDE], grad=False)
    both([x], nlinalg.svd(x, full, False), [WIDE])


@pytest.mark.parametrize("mode", ["reduced", "complete", "r", "raw"])
def test_qr(mode):
    x = T.dmatrix("x")
    outs = nlinalg.qr(x, mode)
    outs = list(outs) if isinstance(outs, list | tuple) else [outs]
    want = np.linalg.qr(WIDE, mode)
    for mine, theirs in zip(both([x], outs, [WIDE]), want if isinstance(want, tuple) else [want], strict=True):
        np.testing.assert_allclose(abs(mine), abs(theirs), atol=1e-12)


def test_tensor_equations():
    a, b = T.dtensor4("a"), T.dmatrix("b")
    tensor = rng().normal(size=(6, 4, 2, 12))
    both([a, b], nlinalg.tensorsolve(a, b), [tensor, rng().normal(size=(6, 4))])
    check_op([a], nlinalg.tensorinv(a), [tensor], grad=False)


def test_inverses_of_rows_columns_and_tensors_of_length_one():
    row, t = T.row("row"), T.TensorType("float64", (False, True, False))("t")
    values = [WIDE[:1], rng().normal(size=(2, 1, 2))]
    for out, value in ((nlinalg.pinv(row), values[0]), (nlinalg.pinv(row.T).T, values[0])):
        check_op([row], out + np.ones(out.eval({row: value}).shape), [value])
    assert nlinalg.pinv(row).broadcastable == (False, True)
    check_op([t], nlinalg.tensorinv(t, 1) * np.ones((1, 2, 2)), values[1:])
    assert nlinalg.tensorinv(t, 1).broadcastable == (True, False, False)


@pytest.mark.parametrize("shapes", [((3,), (2, 2)), ((2, 3), (4, 5)), ((2, 3, 2), (2, 2))])
def test_kron(shapes):
    x, y = (T.TensorType("float64", [False] * len(s))() for s in shapes)
    values = [rng().normal(size=s) for s in shapes]
    found = both([x, y], slinalg.kron(x, y), values)
    if len(shapes[0]) == len(shapes[1]):
        np.testing.assert_allclose(found, np.kron(*values))
    with pytest.raises(TypeError, match="must sum to 3 or more"):
        slinalg.kron(T.dvector(), T.dvector())


def test_lstsq():
    a, b, rcond = T.dmatrix(), T.dmatrix(), T.dscalar()
    tall = WIDE.T
    found = both([a, b, rcond], nlinalg.lstsq()(a, b, rcond), [tall, np.ones((5, 1)), 1e-10])
    np.testing.assert_allclose(found[0], np.linalg.lstsq(tall, np.ones((5, 1)), 1e-10)[0])


BLAS = {
    "gemm": ([(3, 5), (), (3, 4), (4, 5), ()], lambda z, a, x, y, b: blas.gemm(z, a, x, y, b)),
    "gemv": ([(3,), (), (3, 4), (4,), ()], lambda y, a, x, v, b: blas.gemv(y, a, x, v, b)),
    "ger": ([(3, 4), (), (3,), (4,)], lambda A, a, x, y: blas.ger(A, a, x, y)),
    "dot22": ([(3, 4), (4, 5)], lambda x, y: blas._dot22(x, y)),
    "dot22scalar": ([(3, 4), (4, 5), ()], lambda x, y, a: blas._dot22scalar(x, y, a)),
}


@pytest.mark.parametrize("name", BLAS)
def test_blas(name):
    shapes, op = BLAS[name]
    inputs = [T.TensorType("float64", [False] * len(s))() for s in shapes]
    check_op(inputs, op(*inputs), [rng().normal(size=s) for s in shapes])


def test_gemm_with_beta_zero_ignores_what_it_overwrites():
    z, x = T.dmatrix("z"), T.dmatrix("x")
    one, zero = (T.constant(v, dtype="float64") for v in (1, 0))
    found = both([z, x], blas.gemm(z, one, x, x, zero), [np.full((2, 2), np.nan), np.eye(2)])
    np.testing.assert_array_equal(found, np.eye(2))
    with pytest.raises(ValueError, match="z has 2 rows"):
        both([z, x], blas.gemm(z, one, x, x, zero), [np.eye(2), np.eye(3)])


def test_sandbox_names():
    from theano.sandbox.linalg import ops

    x = T.dmatrix("x")
    f = theanojax.function([x], ops.spectral_radius_bound(x, 5))
    assert f(positive()) >= np.linalg.eigvalsh(positive())[-1]
    with pytest.raises(ValueError, match="strictly positive exponent"):
        ops.spectral_radius_bound(x, 0)


@pytest.mark.parametrize("op", [slinalg.solve, slinalg.solve_lower_triangular])
def test_solve_wants_as_many_rows(op):
    A, b = T.dmatrix("A"), T.dvector("b")
    with pytest.raises(ValueError, match="same number of rows"):
        both([A, b], op(A, b), [SQUARE, np.ones(1)])


def test_inverse_of_a_transform():
    x = T.dmatrix("x")
    value = both([x], nlinalg.matrix_inverse(T.tanh(fft.irfft(fft.rfft(x))) + 4 * T.eye(2)), [np.ones((2, 2))])
    np.testing.assert_allclose(value, np.linalg.inv(np.tanh(np.ones((2, 2))) + 4 * np.eye(2)))
