"""Symbolic sparse matrices: values against scipy's, gradients by differences."""

import numpy as np
import pytest
import scipy.sparse

import theanojax
import theanojax.sparse as S
import theanojax.tensor as T
from theanojax.runtime.host import run_graph

DENSE = np.array([[0.0, 2.0, 0.0, -1.0], [3.0, 0.0, 0.0, 0.0], [0.0, 0.5, 4.0, 0.0]])
OTHER = np.random.RandomState(3).normal(size=(3, 4))
FORMATS = ["csr", "csc"]


def sparse(format, value=DENSE):
    return scipy.sparse.csr_matrix(value).asformat(format)


def as_array(x):
    return x.toarray() if scipy.sparse.issparse(x) else x


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "op, want",
    [
        (lambda x, y: x + y, DENSE + OTHER),
        (lambda x, y: y + x, DENSE + OTHER),
        (lambda x, y: x - y, DENSE - OTHER),
        (lambda x, y: x * y, DENSE * OTHER),
        (lambda x, y: x + x, 2 * DENSE),
        (lambda x, y: x * x, DENSE**2),
        (lambda x, y: -x, -DENSE),
        (lambda x, y: x.T, DENSE.T),
        (lambda x, y: S.dot(x, y.T), DENSE @ OTHER.T),
        (lambda x, y: S.dot(y.T, x), OTHER.T @ DENSE),
        (lambda x, y: S.structured_dot(x, y.T), DENSE @ OTHER.T),
        (lambda x, y: S.structured_dot(x, x.T), DENSE @ DENSE.T),
        (lambda x, y: S.true_dot(x, y.T), DENSE @ OTHER.T),
        (lambda x, y: S.sp_sum(x), DENSE.sum()),
        (lambda x, y: S.sp_sum(x, 0), DENSE.sum(0)),
        (lambda x, y: S.sp_sum(x, 1), DENSE.sum(1)),
        (lambda x, y: S.col_scale(x, y[0]), DENSE * OTHER[0]),
        (lambda x, y: S.row_scale(x, y[:, 0]), DENSE * OTHER[:, :1]),
        (lambda x, y: S.hstack([x, x]), np.hstack([DENSE] * 2)),
        (lambda x, y: S.vstack([x, x]), np.vstack([DENSE] * 2)),
        (lambda x, y: x[0:2, 1:3], DENSE[:2, 1:3]),
        (lambda x, y: x[0, 1], DENSE[0, 1]),
        (lambda x, y: x[[2, 0]], DENSE[[2, 0]]),
        (lambda x, y: x[[0, 1], [1, 0]], np.array([2.0, 3.0])),
        (lambda x, y: S.lt(x, y), DENSE < OTHER),
        (lambda x, y: S.eq(x, x), np.ones((3, 4))),
        (lambda x, y: S.tanh(x), np.tanh(DENSE)),
        (lambda x, y: S.structured_pow(x, 2), DENSE**2),
        (lambda x, y: S.mul_s_v(x, y[1]), DENSE * OTHER[1]),
        (lambda x, y: S.clean(x), DENSE),
        (lambda x, y: x.toarray(), DENSE),
        (lambda x, y: x.shape, (3, 4)),
        (lambda x, y: S.sampling_dot(y, y, S.sp_ones_like(S.csr_from_dense(T.eye(3)))), np.diag((OTHER**2).sum(1))),
    ],
)
def test_values(format, op, want):
    x, y = S.matrix(format, "x", "float64"), T.dmatrix("y")
    f = theanojax.function([x, y], op(x, y), on_unused_input="ignore")
    np.testing.assert_allclose(as_array(f(sparse(format), OTHER)), want)
    assert f.fn.executor.fallbacks == []


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "op",
    [
        lambda x, y: S.dot(x, y.T),
        lambda x, y: S.structured_dot(x, y.T),
        lambda x, y: (x + y) ** 2,
        lambda x, y: S.dense_from_sparse(x * y),
        lambda x, y: S.dense_from_sparse(S.sqr(x)),
        lambda x, y: S.sp_sum(x * x, 0),
        lambda x, y: S.dense_from_sparse(S.row_scale(x, y[:, 0])),
        lambda x, y: S.dense_from_sparse(S.vstack([x, x])),
        lambda x, y: S.dense_from_sparse(x.T),
        lambda x, y: S.dense_from_sparse(S.true_dot(x, y.T)),
    ],
)
def test_gradient_for_what_is_stored(format, op):
    """The data vector of the matrix moves, and the dense matrix."""
    pattern = sparse(format)
    data, y = T.dvector("data"), T.dmatrix("y")
    x = S.CSM(format)(data, pattern.indices, pattern.indptr, pattern.shape)
    cost = (op(x, y) * 1.5).sum()
    f = theanojax.function([data, y], cost, on_unused_input="ignore")
    g = theanojax.function([data, y], T.grad(cost, [data, y], disconnected_inputs="ignore"), on_unused_input="ignore")
    point = [pattern.data.copy(), OTHER]
    for i, got in enumerate(g(*point)):
        numeric = np.zeros_like(point[i])
        for at in np.ndindex(*numeric.shape):
            sides = []
            for sign in (1e-6, -1e-6):
                moved = [p.copy() for p in point]
                moved[i][at] += sign
                sides.append(f(*moved))
            numeric[at] = (sides[0] - sides[1]) / 2e-6
        np.testing.assert_allclose(got, numeric, atol=1e-5)


def test_shared_matrix_with_update():
    x = S.shared(sparse("csr"))
    f = theanojax.function([], S.sp_sum(x), updates=[(x, x + x)])
    assert f() == DENSE.sum()
    np.testing.assert_array_equal(x.get_value().toarray(), 2 * DENSE)


def test_sparse_gradient_of_rows():
    table = T.dmatrix("table")
    rows = table[T.as_tensor_variable(np.array([2, 0, 2]))]
    cost = theanojax.sparse_grad(rows).sum()
    found = theanojax.function([table], T.grad(cost, table))(OTHER)
    np.testing.assert_array_equal(as_array(found)[:, 0], [1, 0, 2])


def test_errors():
    with pytest.raises(NotImplementedError, match="unsupported dtype"):
        S.SparseType("csr", "float16")
    with pytest.raises(NotImplementedError, match="unsupported format"):
        S.SparseType("coo", "float64")
    with pytest.raises(TypeError, match="at least one sparse argument"):
        S.structured_dot(T.dmatrix(), T.dmatrix())
    with pytest.raises(NotImplementedError, match="no sparse vector"):
        S.csr_matrix()[0]
    with pytest.raises(TypeError, match="more than 2 dimensions"):
        S.csr_from_dense(T.dtensor3())
    x, y = S.csr_dmatrix(), T.dmatrix()
    with pytest.raises(ValueError, match="shape mismatch in StructuredDot"):
        theanojax.function([x, y], S.structured_dot(x, y))(sparse("csr"), OTHER)


@pytest.mark.parametrize(
    "format, op, name",
    [
        ("csc", lambda x, y, a: S.mul_s_d(x, y), "MulSDCSC"),
        ("csr", lambda x, y, a: S.mul_s_d(x, y), "MulSDCSR"),
        ("csr", lambda x, y, a: S.mul_s_v(x, y[1]), "MulSVCSR"),
        ("csr", lambda x, y, a: S.structured_add_s_v(x, y[1]), "StructuredAddSVCSR"),
        ("csr", lambda x, y, a: S.sampling_dot(y, y, S.sp_ones_like(S.csr_from_dense(T.eye(3)))), "SamplingDotCSR"),
        ("csc", lambda x, y, a: x + y, "AddSD_ccode"),
        ("csr", lambda x, y, a: x + T.exp(y), "AddSD_ccode"),
        ("csc", lambda x, y, a: y[:, :3] - a * S.dot(x, y.T), "UsmmCscDense"),
        ("csr", lambda x, y, a: y[:, :3] - a * S.dot(x, y.T), "Usmm"),
    ],
)
def test_graphs_show_what_theano_had_compiled_code_for(format, op, name):
    x, y, a = S.matrix(format, "x", "float64"), T.dmatrix("y"), T.dscalar("a")
    with theanojax.change_flags(cxx="g++"):
        f = theanojax.function([x, y, a], op(x, y, a), on_unused_input="ignore")
        shown = f.maker.fgraph
    assert name in [type(node.op).__name__ for node in shown.apply_nodes]
    values = [sparse(format), OTHER, np.array(0.5)]
    want = run_graph(shown.inputs, shown.outputs, values)[0]
    np.testing.assert_allclose(as_array(f(*values)), as_array(want))


def test_no_usmm_with_a_number_that_has_no_negative():
    x, y, a = S.csr_dmatrix("x"), T.dmatrix("y"), T.scalar("a", dtype="uint8")
    f = theanojax.function([x, y, a], y[:, :3] - a * S.dot(x, y.T))
    assert not any(isinstance(node.op, S.Usmm) for node in f.maker.fgraph.apply_nodes)
    np.testing.assert_allclose(f(sparse("csr"), OTHER, 2), OTHER[:, :3] - 2 * DENSE @ OTHER.T)
