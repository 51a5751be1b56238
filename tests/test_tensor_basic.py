"""Making tensors, products, diagonals, permutations, casts."""

import warnings

import numpy as np
import pytest

import theanojax
import theanojax.tensor as T
from tests.helpers import both, check_op
from theanojax.config import change_flags

rng = np.random.RandomState(11)
A, B, V, W, T3 = rng.randn(2, 3), rng.randn(3, 4), rng.randn(3), rng.randn(3), rng.randn(2, 3, 4)
x, y = T.dmatrices("x", "y")
v, w, t3, t4, s = T.dvector("v"), T.dvector("w"), T.dtensor3("t3"), T.dtensor4("t4"), T.dscalar("s")
row, col, im, iv = T.drow("row"), T.dcol("col"), T.imatrix("im"), T.lvector("iv")
i, j, k = T.lscalars("i", "j", "k")


def check(inputs, outputs, values, **how):
    """`check_op`, which gives the value itself where there is one output."""
    got = check_op(inputs, outputs, values, **how)
    return got if isinstance(outputs, list) else got[0]


# ---------------------------------------------------------------------- one value everywhere
def test_alloc():
    np.testing.assert_array_equal(check([s, i], T.alloc(s, 2, i), [1.5, 3]), np.full((2, 3), 1.5))
    np.testing.assert_array_equal(check([v, i], T.alloc(v, i, 1, 3), [V, 2]), np.broadcast_to(V, (2, 1, 3)))
    np.testing.assert_array_equal(check([row, i], T.alloc(row, i, 3), [A[:1], 2]), np.broadcast_to(A[:1], (2, 3)))
    assert T.alloc(s, 1, i, T.constant(1)).broadcastable == (True, False, True)
    assert both([s, i], T.alloc(s, i, 2), [1.0, 0]).shape == (0, 2)


@pytest.mark.parametrize(
    "build, text",
    [
        (lambda: T.alloc(x, 3), "The Alloc value to use has more dimensions than the specified dimensions"),
        (lambda: T.alloc(s, 1.5), "Shape arguments to Alloc must be integers, but argument 0 is not for apply node"),
        (lambda: T.alloc(s, iv), "Each shape dimension to Alloc must be a scalar"),
        (lambda: T.AllocEmpty("int8")(2.0), "Shape arguments to Alloc must be integers"),
    ],
)
def test_alloc_refuses(build, text):
    with pytest.raises(TypeError, match=text):
        build()


def test_alloc_run_errors():
    with pytest.raises(ValueError, match="could not broadcast"):
        both([v, i], T.alloc(v, i), [V, 2])
    with pytest.raises(ValueError, match="negative dimensions are not allowed"):
        both([s, i], T.alloc(s, i), [1.0, -1])


def test_alloc_empty():
    empty = T.AllocEmpty("float32")
    assert str(empty) == "AllocEmpty{dtype='float32'}"
    out = theanojax.function([i], empty(i, 1))(3)
    assert out.shape == (3, 1) and out.dtype == "float32" and empty(i, 1).broadcastable == (False, True)


def test_zeros_and_ones():
    outs = [
        T.zeros(3),
        T.zeros((2, i)),
        T.ones((i,), dtype="int8"),
        T.zeros(x.shape),
        T.ones_like(x),
        T.zeros_like(x, dtype="int32"),
        x.zeros_like(),
        T.ones(i),
    ]
    got = check([x, i], outs, [A, 4], grad=False)
    assert [g.shape for g in got] == [(3,), (2, 4), (4,), (2, 3), (2, 3), (2, 3), (2, 3), (4,)]
    assert [str(g.dtype) for g in got[2:6]] == ["int8", "float64", "float64", "int32"]
    assert [g.sum() for g in got] == [0, 0, 4, 0, 6, 0, 0, 4]
    assert isinstance(T.zeros_like(s, opt=True), T.TensorConstant) and T.zeros_like(s).owner is not None


# ---------------------------------------------------------------------- zeros and ones in patterns
@pytest.mark.parametrize("n, m, d", [(3, 3, 0), (2, 4, 1), (4, 2, -1), (3, 2, 5)])
def test_eye_and_tri(n, m, d):
    got = check([i, j, k], [T.eye(i, j, k), T.eye(i, j, k, dtype="int8"), T.tri(i, j, k), T.tri(i)], [n, m, d])
    for a, b in zip(got, [np.eye(n, m, d), np.eye(n, m, d, dtype="int8"), np.tri(n, m, d), np.tri(n)]):
        np.testing.assert_array_equal(a, b)
    got = check([x, k], [T.tril(x, k), T.triu(x, k), T.identity_like(x)], [A, d])
    for a, b in zip(got, [np.tril(A, d), np.triu(A, d), np.eye(2, 3)]):
        np.testing.assert_array_equal(a, b)


def test_eye_refuses():
    with pytest.raises(AssertionError, match="Eye takes scalars"):
        T.eye(iv)


# ---------------------------------------------------------------------- ranges
@pytest.mark.parametrize("bounds", [(5,), (0,), (2, 7), (7, 2), (1, 10, 3), (10, 1, -3), (10, 1, 3), (1, 10, 4)])
def test_arange(bounds):
    names = [i, j, k][: len(bounds)]
    got = check(names, T.arange(*names), bounds)
    np.testing.assert_array_equal(got, np.arange(*bounds))
    np.testing.assert_array_equal(check([], T.arange(*bounds), []), np.arange(*bounds))


@pytest.mark.parametrize("bounds", [(5.5,), (0.0, 1.0, 0.1), (1.0, 0.0, -0.3), (0.5, 3.5, 1.0)])
def test_arange_of_floats(bounds):
    names = [T.dscalar() for _ in bounds]
    np.testing.assert_allclose(check(names, T.arange(*names), bounds, grad=False), np.arange(*bounds), rtol=1e-15)


def test_arange_where_only_the_length_is_fixed():
    out = T.arange(i, i + 4)
    f = theanojax.function([i], out)
    assert [f(n).tolist() for n in (0, 3, 10)] == [[0, 1, 2, 3], [3, 4, 5, 6], [10, 11, 12, 13]]


def test_arange_dtypes():
    assert [T.arange(n).dtype for n in (i, T.bscalar(), T.fscalar(), 3, 3.5)] == [
        "int64",
        "int64",
        "float32",
        "int64",
        "float32",
    ]
    unsigned = T.TensorType("uint8", ())()
    assert T.arange(unsigned, unsigned, unsigned).dtype == "uint64"
    assert T.arange(3, dtype="int8").dtype == "int8" and str(T.arange(3).owner.op) == "ARange{dtype='int64'}"
    with change_flags(cast_policy="numpy+floatX", floatX="float32"):
        assert T.arange(T.fscalar()).dtype == "float32"
    with pytest.raises(AssertionError, match="arange takes scalars"):
        T.arange(iv)


def test_arange_gradient():
    g = T.grad((T.arange(s, 5.0, w[0]) ** 2).sum(), [s, w])
    got = both([s, w], g, [0.5, [2.0, 0]])  # 0.5, 2.5, 4.5
    assert got[0] == 15 and got[1].tolist() == [2 * (2.5 + 2 * 4.5), 0]


def test_grids():
    for mine, theirs in ((T.mgrid, np.mgrid), (T.ogrid, np.ogrid)):
        for a, b in zip(both([], list(mine[0:5, 1:7:2]), []), theirs[0:5, 1:7:2]):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(NotImplementedError, match="Not implemented for slices whose step is complex"):
        T.mgrid[0:5:2j, 0:3]


# ---------------------------------------------------------------------- nonzero
def test_nonzero():
    value = np.array([[0, 1.5, 0], [2, 0, 3]])
    f = theanojax.function([x], [*x.nonzero(), x.nonzero(return_matrix=True), x.nonzero_values(), T.flatnonzero(x)])
    got = f(value)
    for a, b in zip(got, [*np.nonzero(value), np.array(np.nonzero(value)), value[value != 0], np.flatnonzero(value)]):
        np.testing.assert_array_equal(a, b)
    assert f(np.zeros((2, 2)))[2].shape == (2, 0) and got[2].dtype == "int64"
    for fails in (T.nonzero, T.flatnonzero):
        with pytest.raises(ValueError, match=r"Nonzero only supports non-scalar arrays\."):
            fails(s)


# ---------------------------------------------------------------------- products
@pytest.mark.parametrize(
    "a, b, left, right",
    [
        (x, y, A, B),
        (x, v, A, V),
        (v, y, V, B),
        (v, w, V, W),
        (row, y, A[:1], B),
        (col, row, A[:, :1], A[:1]),
        (t3, y, T3, B.T),
        (x, t3, A, rng.randn(4, 3, 2)),
        (s, x, 2.0, A),
        (t3, v, T3, rng.randn(4)),
    ],
)
def test_dot(a, b, left, right):
    np.testing.assert_allclose(check([a, b], T.dot(a, b), [left, right]), np.dot(left, right), rtol=1e-12)


@pytest.mark.parametrize(
    "build, want",
    [
        (lambda: T.dot(x.T, y), lambda a, b: a.T @ b),
        (lambda: T.dot(y.T, x), lambda a, b: b.T @ a),
        (lambda: T.dot(x.T, y[:, 0]), lambda a, b: a.T @ b[:, 0]),
        (lambda: T.dot(x[:, 0], x), lambda a, b: a[:, 0] @ a),
        (lambda: T.dot(y[0], y.T), lambda a, b: b[0] @ b.T),
        (lambda: T.dot(x.T, x), lambda a, b: a.T @ a),
    ],
)
def test_dot_of_transposed_matrices(build, want):
    a, b = rng.randn(4, 3), rng.randn(4, 2)
    np.testing.assert_allclose(check([x, y], build(), [a, b]), want(a, b), rtol=1e-12)


@pytest.mark.parametrize(
    "one, two, dtype",
    [
        ("int32", "float32", "float64"),
        ("int8", "int8", "int8"),
        ("bool", "int64", "int64"),
        ("float32", "float64", "float64"),
        ("complex64", "float32", "complex64"),
    ],
)
def test_dot_dtypes(one, two, dtype):
    a, b = T.matrix(dtype=one), T.matrix(dtype=two)
    left, right = np.arange(6).reshape(2, 3).astype(one), np.arange(12).reshape(3, 4).astype(two)
    out = check([a, b], T.dot(a, b), [left, right], grad=False)
    assert T.dot(a, b).dtype == dtype
    np.testing.assert_allclose(out, left.astype(dtype) @ right.astype(dtype))


def test_dot_errors():
    with pytest.raises(ValueError, match=r"shapes \(2,3\) and \(2,3\) not aligned: 3 \(dim 1\) != 2 \(dim 0\)"):
        both([x, y], T.dot(x, y), [A, A])
    with pytest.raises(TypeError, match="theano.tensor.Dot: 2 arguments required, 1 given"):
        T.Dot()(x)
    with pytest.raises(TypeError, match=r"theano.tensor.Dot: input 0 \(0-indexed\) must have ndim of 1 or 2, 3 given"):
        T.Dot()(t3, x)


def test_outer():
    np.testing.assert_allclose(check([v, w], T.outer(v, w), [V, W]), np.outer(V, W))
    np.testing.assert_allclose(check([x, w], T.outer(x, w), [A, W]), np.outer(A, W))


@pytest.mark.parametrize("axes", [1, 0, [[1], [0]], [[0], [1]], [1, 0]])
def test_tensordot_of_matrices(axes):
    square = rng.randn(3, 3)
    np.testing.assert_allclose(
        check([x, y], T.tensordot(x, y, axes), [square, square.T]), np.tensordot(square, square.T, axes), rtol=1e-12
    )


def test_tensordot_of_tensors():
    a, b = rng.randn(2, 3, 4), rng.randn(3, 2, 5, 4)
    for axes in ([[0, 1], [1, 0]], [[2, 0], [3, 1]], [[2], [3]]):
        np.testing.assert_allclose(
            check([t3, t4], T.tensordot(t3, t4, axes), [a, b], grad=False), np.tensordot(a, b, axes)
        )
    check([t3, t4], T.tensordot(t3, t4, [[2, 0], [3, 1]]), [a, b])


@pytest.mark.parametrize(
    "make, a, b, axes, text",
    [
        ("tensordot", x, y, 3, "axes can not be larger than the dimension of a"),
        (
            "tensordot",
            x,
            y,
            [1, 2, 3],
            r"Axes should be an integer or a list/tuple of len 2 \(\[1, 2, 3\] was provided\)",
        ),
        ("tensordot", x, y, [[0], [0, 1]], "Axes elements must have the same length"),
        ("tensordot", x, y, [[2], [0]], r"axes\[0\] contains dimensions greater than or equal to a\.ndim"),
        ("tensordot", x, y, [[0, 1, 1], [0, 1, 0]], r"axes\[0\] should be array_like with length less than the dim"),
        ("batched_tensordot", x, y, [[0], [0]], "axes to sum over must not contain the batch axis"),
        ("batched_tensordot", x, y, 2, "axes to sum over must not include the batch axis of a"),
    ],
)
def test_tensordot_refuses(make, a, b, axes, text):
    with pytest.raises(ValueError, match=text):
        getattr(T, make)(a, b, axes)


@pytest.mark.parametrize(
    "a, b, left, right, formula",
    [
        (t3, t4[0], rng.randn(2, 3, 4), rng.randn(1, 2, 4, 5), "bij,bjk->bik"),
        (t3, x, T3, rng.randn(2, 4), "bij,bj->bi"),
        (x, t3, A, T3, "bj,bjk->bk"),
        (x, y, A, A, "bj,bj->b"),
        (v, x, rng.randn(2), A, "b,bj->bj"),
        (x, v, A, rng.randn(2), "bj,b->bj"),
    ],
)
def test_batched_dot(a, b, left, right, formula):
    inputs = [a, t4 if b.owner is not None else b]
    want = np.einsum(formula, left, right[0] if b.owner is not None else right)
    np.testing.assert_allclose(check(inputs, T.batched_dot(a, b), [left, right]), want, rtol=1e-12)


def test_batched_dot_of_more_dimensions():
    a, b = rng.randn(2, 3, 4, 5), rng.randn(2, 5, 3)
    got = check([t4, t3], T.batched_dot(t4, t3), [a, b], grad=False)
    np.testing.assert_allclose(got, np.einsum("bijk,bkl->bijl", a, b))
    got = check([t3, t4], T.batched_tensordot(t3, t4, [[1], [1]]), [np.ones((2, 3, 1)), a], grad=False)
    np.testing.assert_allclose(got[:, 0], a.sum(axis=1))


def test_batched_dot_errors():
    for a, b, name in ((s, x, "a"), (x, s, "b")):
        with pytest.raises(TypeError, match=r"%s must have at least one \(batch\) axis" % name):
            T.batched_dot(a, b)
    out = T.batched_dot(t3, T.dtensor3("u"))
    u = out.owner.inputs[1]
    with pytest.raises(
        ValueError,
        match=r"Shape mismatch: batch sizes unequal\. x\.shape is \(2, 3, 4\), y\.shape is "
        r"\(1, 4, 2\)\.",
    ):
        both([t3, u], out, [T3, rng.randn(1, 4, 2)])
    with pytest.raises(ValueError, match=r"Shape mismatch: summation axis sizes unequal\."):
        both([t3, u], out, [T3, rng.randn(2, 3, 2)])


def test_r_op_of_products():
    for out, inputs, values in ((T.dot(x, y), [x, y], [A, B]), (T.batched_dot(t3, t3), [t3], [T3[:, :, :3]])):
        direction = [T.ones_like(u) * 0.5 for u in inputs]
        got = both(inputs, T.Rop(out, inputs, direction), values)
        run = theanojax.function(inputs, out)
        up, down = (run(*[u + sign * 0.5e-6 for u in values]) for sign in (1, -1))
        np.testing.assert_allclose(got, (up - down) / 2e-6, rtol=1e-6, atol=1e-6)


# ---------------------------------------------------------------------- diagonals
@pytest.mark.parametrize("d", [0, 1, -1, 2, -2])
def test_diagonals(d):
    np.testing.assert_array_equal(check([v], T.diag(v, d), [V]), np.diag(V, d))
    np.testing.assert_array_equal(check([x], T.diag(x, d), [A]), np.diag(A, d))
    np.testing.assert_array_equal(check([t3], T.diagonal(t3, d, 0, 2), [T3]), np.diagonal(T3, d, 0, 2))
    out = check([x], T.AllocDiag(d, 0, 2)(x), [A])
    assert out.shape == (3 + abs(d), 2, 3 + abs(d))
    np.testing.assert_array_equal(np.diagonal(out, d, 0, 2), A)


def test_diagonal_refuses():
    with pytest.raises(ValueError, match=r"Input must has v\.ndim >= 1\."):
        T.diag(s)
    with pytest.raises(ValueError, match="ExtractDiag needs an input with 2 or more dimensions"):
        T.diagonal(v)
    with pytest.raises(ValueError, match="AllocDiag needs an input with 1 or more dimensions"):
        T.AllocDiag()(s)


# ---------------------------------------------------------------------- permutations and choices
def test_permute_row_elements():
    order = np.array([2, 0, 1])
    np.testing.assert_array_equal(check([x, iv], T.permute_row_elements(x, iv), [A, order]), A[:, order])
    inverse = check([x, iv], T.permute_row_elements(x, iv, 1), [A, order])
    np.testing.assert_array_equal(inverse[:, order], A)
    rows = np.array([[2, 0, 1], [1, 2, 0]], dtype="int32")
    np.testing.assert_array_equal(
        check([x, im], T.permute_row_elements(x, im), [A, rows]), np.take_along_axis(A, rows, axis=1)
    )
    np.testing.assert_array_equal(check([v, im], T.permute_row_elements(v, im), [V, rows]), V[rows])
    np.testing.assert_array_equal(check([iv], T.inverse_permutation(iv), [order]), np.argsort(order))
    with pytest.raises(IndexError):
        both([x, iv], T.permute_row_elements(x, iv), [A, [0, 1, 3]])
    with pytest.raises(ValueError, match="Dimension mismatch: 3, 2"):
        both([x, iv], T.permute_row_elements(x, iv), [A, [0, 1]])
    with pytest.raises(AssertionError, match="a permutation needs integers"):
        T.permute_row_elements(x, v)


def test_choose():
    index = np.array([[0, 1, 1], [1, 0, 0]], dtype="int32")
    choices = rng.randn(2, 2, 3)
    got = check([im, t3], T.choose(im, t3), [index, choices], grad=False)
    np.testing.assert_array_equal(got, np.choose(index, choices))
    for mode in ("wrap", "clip"):
        got = check([im, t3], T.choose(im, t3, mode=mode), [index * 3 - 1, choices], grad=False)
        np.testing.assert_array_equal(got, np.choose(index * 3 - 1, choices, mode=mode))
    with pytest.raises(ValueError, match="invalid entry in choice array"):
        both([im, t3], T.choose(im, t3), [index + 1, choices])
    with pytest.raises(TypeError, match=r"choose first argument must have an \[u\]int\* dtype. Got float64."):
        T.choose(x, t3)
    with pytest.raises(AssertionError, match='mode must be "raise", "wrap" or "clip"'):
        T.choose(im, t3, mode="other")


# ---------------------------------------------------------------------- casts and the like
def test_cast():
    value = np.array([[1.7, -2.2, 300.0]])
    for dtype in ("int8", "float32", "int64", "complex128", "bool", "uint16"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            got = both([x], T.cast(x, dtype), [np.abs(value) if dtype == "uint16" else value])
        assert got.dtype == dtype
    assert T.cast(x, "float64") is x and T.cast(x, "floatX").dtype == theanojax.config.floatX
    assert x.astype(np.float32).dtype == "float32"
    with pytest.raises(TypeError, match="Casting from complex to real is ambiguous"):
        T.cast(T.zmatrix(), "float64")
    with pytest.raises(KeyError):
        T.cast(x, "foo")


def test_transfer():
    assert T.transfer(x, "cpu") is x and x.transfer("cpu") is x
    with pytest.raises(ValueError, match="Can't transfer to target gpu"):
        x.transfer("gpu")
    T.register_transfer(lambda var, target: var * 2 if target == "double" else None)
    try:
        assert x.transfer("double").owner is not None
    finally:
        T.transfer._others.pop()


def test_default():
    out = T.default(x, x * 2)
    np.testing.assert_array_equal(theanojax.function([x], out)(A), A)
    given, otherwise = T.dscalars("given", "otherwise")
    f = theanojax.function([given, otherwise], T.default(given, otherwise))
    assert f(1, 2) == 1 and f(None, 2) == 2


def test_an_op_of_the_users_may_take_none():
    class IsThere(theanojax.Op):
        def make_node(self, x):
            return theanojax.Apply(self, [T.as_tensor_variable(x)], [T.bscalar()])

        def perform(self, node, inputs, output_storage):
            output_storage[0][0] = np.array(inputs[0] is not None, dtype="int8")

    x = T.dvector()
    f = theanojax.function([x], IsThere()(x))
    assert f([1.0]) == 1 and f(None) == 0


def test_star_import_gives_theanos_names():
    names = {}
    exec("from theanojax.tensor import *", names)
    assert {"matrix", "dot", "grad", "nnet", "sum", "shape", "exp", "Op", "TensorType"} <= names.keys()
    assert not {"importlib", "safe_asarray", "math", "constructors"} & names.keys()


def test_constants_are_cached_by_signature():
    made = T.constant(2.75)
    assert T.constant(2.75) is made and T.constant_cache[made.signature()] is made
    del T.constant_cache[made.signature()]
    assert T.constant(2.75) is not made and T.constant(-0.0) is not T.constant(0.0)
