"""Derivatives of decompositions and their like, which Theano does not have, by differences; the second ones, too."""

import numpy as np
import pytest

import theanojax.tensor as T
from tests.helpers import both, check_op
from tests.op_cases.case import like, real
from theanojax.compile.function import function
from theanojax.compile.mode import Mode
from theanojax.gradient import Rop, grad
from theanojax.tensor.linalg import nlinalg, slinalg

A = like(3)
TALL, WIDE, SQUARE = real(5, 3), real(3, 5), real(4, 4)
W = real(9, 9, seed=5)


def weighed(m):
    """A number that depends on each element of a matrix or vector in another way."""
    weights = T.constant(W)
    return (m * (weights[: m.shape[0], : m.shape[1]] if m.ndim == 2 else weights[0, : m.shape[0]])).sum()


def symmetric(f):
    return lambda a: f((a + a.T) / 2)


def products(u, s, vt):
    """What does not depend on the signs of singular vectors."""
    k = s.shape[0]
    rest = weighed(T.dot(u[:, k:], u[:, k:].T)) + weighed(T.dot(vt[k:].T, vt[k:]))
    return weighed(T.dot(u[:, :k] * T.exp(s), vt[:k])) + weighed(u[:, :k] ** 2) + weighed(vt[:k] ** 2 * s.sum()) + rest


def eigh_products(a, side="L"):
    w, v = nlinalg.eigh(a, side)
    return weighed(T.dot(v * T.exp(w), v.T)) + weighed(v**2)


def of_qr(mode):
    def f(a):
        q, r = nlinalg.qr(a, mode)
        k = T.minimum(a.shape[0], a.shape[1])
        return weighed(q[:, :k]) + weighed(r**2) + weighed(T.dot(q[:, k:], q[:, k:].T))

    return f


FUNCTIONS = {
    "eig": (
        lambda a: weighed(T.sort(nlinalg.eig(a)[0]) ** 2) + weighed(T.dot(nlinalg.eig(a)[1] ** 2, T.ones(3))),
        [np.diag([1.0, 2.0, 4.0]) + SQUARE[:3, :3] / 4],
    ),
    "eigh": (symmetric(eigh_products), [A]),
    "eigh, one triangle": (eigh_products, [A + np.triu(SQUARE[:3, :3], 1)]),
    "eigh, the upper one": (lambda a: eigh_products(a, "U"), [A]),
    "eigvalsh": (lambda a: weighed(slinalg.eigvalsh(a, None) ** 2), [A]),
    "eigvalsh, upper": (lambda a: weighed(slinalg.eigvalsh(a, None, lower=False) ** 2), [A]),
    "eigvalsh of two": (lambda a, b: weighed(slinalg.eigvalsh(a, b) ** 2), [A, like(3, seed=1)]),
    "eigvalsh of two, upper": (lambda a, b: weighed(slinalg.eigvalsh(a, b, lower=False) ** 2), [A, like(3, seed=1)]),
    "singular values": (lambda a: weighed(nlinalg.svd(a, compute_uv=0) ** 2), [TALL, SQUARE]),
    "svd": (lambda a: products(*nlinalg.svd(a, full_matrices=0)), [TALL, WIDE, SQUARE]),
    "full svd": (lambda a: products(*nlinalg.svd(a)), [TALL, WIDE]),
    "qr": (of_qr("reduced"), [TALL, WIDE, SQUARE]),
    "complete qr": (of_qr("complete"), [TALL, WIDE]),
    "r": (lambda a: weighed(nlinalg.qr(a, "r") ** 2), [TALL, WIDE]),
    "expm": (lambda a: weighed(slinalg.expm(a)), [SQUARE]),
    "expm of a matrix with one eigenvector": (lambda a: weighed(slinalg.expm(a)), [np.eye(3) + np.eye(3, k=1)]),
    "expm of zero": (lambda a: weighed(slinalg.expm(a)), [np.zeros((3, 3))]),
    "tensorinv": (lambda a: weighed(nlinalg.tensorinv(a, 1).flatten(2)[:, :6]), [real(6, 2, 3)]),
    "tensorinv of two": (lambda a: weighed(nlinalg.tensorinv(a, 2).flatten(2)[:, :6]), [real(2, 3, 6)]),
    "tensorsolve": (lambda a, b: weighed(nlinalg.tensorsolve(a, b)), [real(6, 2, 3), real(6)]),
    "tensorsolve of a vector": (lambda a, b: weighed(nlinalg.tensorsolve(a, b)), [real(3, 3), real(3)]),
    "tensorsolve of three dimensions": (
        lambda a, b: weighed(nlinalg.tensorsolve(a, b, axes=(2, 0, 1)).flatten()), [real(2, 1, 3, 6), real(6)],
    ),
    "tensorsolve along axes": (
        lambda a, b: weighed(nlinalg.tensorsolve(a, b, axes=(1, 0))), [real(2, 3, 6), real(6, seed=2)],
    ),
    **{
        "solve " + structure: (
            lambda a, b, op=slinalg.Solve(structure): weighed(op(symmetric(lambda s: s)(a), b)), [A, WIDE],
        )
        for structure in ("general", "symmetric")
    },
    "solve lower": (lambda a, b: weighed(slinalg.Solve("lower_triangular", lower=True)(a, b)), [A, WIDE]),
    "solve upper": (lambda a, b: weighed(slinalg.Solve("upper_triangular")(a, b)), [A, WIDE[:, 0]]),
    "solve lower, transposed": (
        lambda a, b: weighed(slinalg.solve_upper_triangular(slinalg.Cholesky()(a).T, b)), [A, WIDE],
    ),
    "solve a diagonal": (lambda a, b: weighed(slinalg.Solve("diagonal")(T.diag(T.diagonal(a)), b)), [A, WIDE]),
}  # fmt: skip
TWO = ("eigvalsh of two", "tensorsolve", "solve")  # functions of two arguments; of others, each value is a case
ROWS = [
    (name, f, case)
    for name, (f, values) in FUNCTIONS.items()
    for case in ([values] if name.startswith(TWO) else [[v] for v in values])
]


@pytest.mark.parametrize("name, f, values", ROWS, ids=lambda x: x if isinstance(x, str) else "")
def test_first_and_second_derivatives(name, f, values):
    inputs = [T.TensorType("float64", (False,) * v.ndim)() for v in values]
    check_op(inputs, f(*inputs), values, tol=1e-5, rtol=1e-7)
    slopes = grad(f(*inputs), inputs)
    moves = [real(*v.shape, seed=9) for v in values]
    curvature = grad(sum((s * m).sum() for s, m in zip(slopes, moves)), inputs)
    first, second = (function(inputs, out, mode=Mode("py", "fast_run")) for out in (slopes, curvature))
    eps = 1e-6
    sides = [first(*[v + e * m for v, m in zip(values, moves)]) for e in (eps, -eps)]
    for got, a, b in zip(second(*values), *sides):
        np.testing.assert_allclose(got, (a - b) / (2 * eps), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["eigh", "svd", "qr", "expm"])
def test_single_precision(name):
    f, values = FUNCTIONS[name]
    x, y = T.fmatrix(), T.dmatrix()
    value = values[0]
    got = both([x], grad(f(x), x), [value.astype("float32")])
    assert got.dtype == "float32"
    np.testing.assert_allclose(got, function([y], grad(f(y), y))(value), rtol=2e-3, atol=2e-3)


def test_what_repeated_values_leave_defined():
    a, d = T.dmatrix(), T.dmatrix()
    one = np.eye(3)
    w, v = nlinalg.eigh(a)
    cost = (w**2).sum()
    np.testing.assert_allclose(both([a], grad(cost, a), [one]), 2 * one, atol=1e-12)
    np.testing.assert_allclose(both([a], grad(slinalg.eigvalsh(a, None).sum(), a), [one]), one, atol=1e-12)
    s = nlinalg.svd(a, compute_uv=0)
    np.testing.assert_allclose(both([a], grad((s**2).sum(), a), [one]), 2 * one, atol=1e-12)
    np.testing.assert_allclose(both([a, d], Rop(s, a, d), [2 * np.diag([1.0, 2.0, 3.0]), A]), np.diag(A)[::-1])
    # which vectors, is a matter of choice; and second derivatives are limits of differences that cancel
    for cost in (weighed(nlinalg.svd(a, full_matrices=0)[0] ** 2), weighed(v**2), grad((s**2).sum(), a)[0, 1]):
        assert not np.isfinite(both([a], grad(cost, a), [one])).all()


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_eigenvalues_that_are_complex_have_no_gradient():
    a = T.dmatrix()
    for cost in (nlinalg.eig(a)[0].sum(), weighed(nlinalg.eig(a)[1])):
        f = function([a], grad(cost, a))
        assert np.isnan(f([[0.0, 1.0], [-1.0, 0.0]])).all()
        assert np.isfinite(f([[0.0, 1.0], [2.0, 0.0]])).all()
    np.testing.assert_allclose(function([a], grad(nlinalg.eig(a)[0].sum(), a))(np.eye(2)), np.eye(2))


def test_a_matrix_of_lower_rank():
    a = T.dmatrix()
    value = np.outer([1.0, 2.0, 3.0], [1.0, -1.0])
    s = nlinalg.svd(a, compute_uv=0)
    got = both([a], grad(s[0], a), [value])
    np.testing.assert_allclose(got, value / np.linalg.norm(value), atol=1e-12)


def test_what_has_no_gradient():
    a, z = T.dmatrix(), T.zmatrix()
    with pytest.raises(NotImplementedError, match="mode 'raw'"):
        grad(nlinalg.qr(a, "raw")[0].sum(), a)
    with pytest.warns(DeprecationWarning):
        economic = nlinalg.qr(a, "economic")
    with pytest.raises(NotImplementedError, match="mode 'economic'"):
        grad(economic.sum(), a)
    for out in (nlinalg.svd(z, compute_uv=0), nlinalg.qr(z)[1]):
        with pytest.raises(NotImplementedError, match="complex"):
            out.owner.op.L_op([z], out.owner.outputs, out.owner.outputs)
