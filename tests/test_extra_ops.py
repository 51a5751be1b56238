"""extra_ops, xlogx, io and fft against numpy, on both executors."""

import numpy as np
import pytest

import theanojax
import theanojax.tensor as T
from tests.helpers import both, check_op
from theanojax.gradient import grad, hessian
from theanojax.tensor import extra_ops, fft
from theanojax.tensor.xlogx import xlogx, xlogy0

A = np.random.RandomState(0).uniform(0.5, 2, (3, 4))
RNG = np.random.RandomState(1)


# ---------------------------------------------------------------- cumulative
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_cumulative(name, axis):
    x = T.dmatrix("x")
    out = getattr(T, name)(x, axis=axis)
    assert str(out.owner.op) == "CumOp{%s, %s}" % (axis, {"cumsum": "add", "cumprod": "mul"}[name])
    np.testing.assert_allclose(check_op([x], out, [A])[0], getattr(np, name)(A, axis=axis))


CUMPROD = {
    "no zero": [[1.0, 2, 3], [4, 5, 6]],
    "first": [[0.0, 2, 3], [4, 5, 6]],
    "last": [[1.0, 2, 3], [4, 5, 0]],
    "one a row": [[1.0, 0, 3], [4, 5, 0]],
    "one a column": [[1.0, 0, 3], [0, 5, 0]],
    "two": [[1.0, 0, 3], [0, 0, 6]],
    "all": [[0.0, 0, 0], [0, 0, 0]],
}


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("name", CUMPROD)
def test_gradient_of_cumprod_with_zeros(name, axis, mode):
    """Each product is linear in each element, so that differences of any size are exact."""
    x = T.dmatrix()
    weights = np.arange(1.0, 7.0) if axis is None else np.arange(1.0, 7.0).reshape(2, 3)
    value = np.array(CUMPROD[name])
    slope = theanojax.function([x], grad((T.cumprod(x, axis=axis) * weights).sum(), x), mode=mode)(value)
    steps = np.eye(6).reshape(6, 2, 3)
    cost = [
        (np.cumprod(value + step, axis=axis) * weights).sum() - (np.cumprod(value, axis=axis) * weights).sum()
        for step in steps
    ]
    np.testing.assert_allclose(slope, np.reshape(cost, (2, 3)), rtol=1e-12)


def test_second_derivatives_of_cumprod_with_a_zero():
    x = T.dvector()
    got = theanojax.function([x], hessian(T.cumprod(x)[2], x))([2.0, 0.0, 3.0])
    np.testing.assert_allclose(got, [[0, 3, 0], [3, 0, 2], [0, 2, 0]])


def test_cumsum_keeps_the_dtype():
    for dtype, value in (("int8", [100, 100]), ("float32", [1, 2]), ("bool", [True, True]), ("uint16", [1, 2])):
        x = T.TensorType(dtype, (False,))("x")
        got = both([x], [T.cumsum(x), T.cumprod(x)], [np.array(value, dtype)])
        np.testing.assert_array_equal(got[0], np.cumsum(value).astype(dtype))


def test_cumulative_errors_and_old_names():
    with pytest.raises(ValueError, match="axis\\(=2\\) out of bounds"):
        T.cumsum(T.dmatrix(), axis=2)
    with pytest.raises(ValueError, match='CumOp: Unknown mode "max"'):
        extra_ops.CumOp(mode="max")
    assert extra_ops.CumsumOp(axis=1) == extra_ops.CumOp(1, "add")
    assert extra_ops.CumprodOp(0) == extra_ops.CumOp(0, "mul")


@pytest.mark.parametrize("n, axis", [(0, -1), (1, -1), (2, 0), (3, 1)])
def test_diff(n, axis):
    x, v = T.dmatrix("x"), T.dvector("v")
    got = check_op([x], T.extra_ops.diff(x, n=n, axis=axis), [A])
    np.testing.assert_allclose(got[0], np.diff(A, n, axis))
    check_op([v], T.extra_ops.diff(v, n=n), [A[0]])


def test_differences_along_a_dimension_of_one():
    x = T.row("x")
    out = T.extra_ops.diff(x, axis=0)
    assert out.broadcastable == (False, False) and T.extra_ops.diff(x).broadcastable == (True, False)
    got, slope = both([x], [out, grad(out.sum(), x)], [A[:1]])
    assert got.shape == (0, A.shape[1]) and not slope.any()


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_gradient_of_more_differences_than_elements(length):
    x, v = T.fmatrix("x"), T.fvector("v")
    for n in (1, 2, 3):
        outs = [grad(T.extra_ops.diff(x, n, 0).sum(), x), grad(T.extra_ops.diff(v, n).sum(), v)]
        for got, shape in zip(
            both([x, v], outs, [np.ones((length, 2), "f"), np.ones(length, "f")]), [(length, 2), (length,)]
        ):
            assert got.shape == shape and got.dtype == "float32"
            assert np.any(got) == (n == 1 and length > 1 or n == 2 and length > 2)


# ---------------------------------------------------------------- bins, selections, one-hot
def test_bincount():
    x, w = T.lvector("x"), T.dvector("w")
    X, W = np.array([1, 1, 5, 0]), np.array([0.5, 1, 2, 4])
    outs = [T.bincount(x), T.bincount(x, w), T.bincount(x, minlength=9), T.bincount(x, minlength=2)]
    got = both([x, w], outs, [X, W])
    for g, want in zip(got, [np.bincount(X), np.bincount(X, W), np.bincount(X, minlength=9), np.bincount(X)]):
        np.testing.assert_array_equal(g, want)
    with pytest.raises(TypeError, match="Inputs must be of dimension 1"):
        T.bincount(T.lmatrix())
    f = theanojax.function([x], T.bincount(x, assert_nonneg=True))
    with pytest.raises(AssertionError, match="Input to bincount has negative values!"):
        f([1, -1])


def test_squeeze_compress_one_hot():
    x, y = T.TensorType("float64", (True, False, True, False))("x"), T.lvector("y")
    c = T.lvector("c")
    assert both([x], T.extra_ops.squeeze(x), [A[None, :, None]]).shape == (3, 4)
    m = T.dmatrix("m")
    got = both(
        [m, c],
        [T.extra_ops.compress(c, m, axis=0), T.extra_ops.compress([0, 1, 1], m), c.compress(m, axis=0)],
        [A, [1, 0, 3]],
    )
    np.testing.assert_array_equal(got[0], A[[0, 2]])
    np.testing.assert_array_equal(got[1], A.ravel()[[1, 2]])
    got = both([y], T.extra_ops.to_one_hot(y, 4, "int32"), [[3, 0]])
    np.testing.assert_array_equal(got, [[0, 0, 0, 1], [1, 0, 0, 0]])
    f = theanojax.function([y], T.extra_ops.to_one_hot(y, 3))
    assert f([1]).dtype == theanojax.config.floatX
    with pytest.raises(IndexError, match="index 3 is out of bounds for axis 1 with size 3"):
        f([3])


# ---------------------------------------------------------------- repeat
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_repeat(axis):
    x, n, v = T.dmatrix("x"), T.lscalar("n"), T.ivector("v")
    length = {None: 12, 0: 3, 1: 4, -1: 4}[axis]
    counts = RNG.randint(0, 4, length).astype("int32")
    got = both(
        [x, n, v],
        [T.repeat(x, n, axis), T.repeat(x, 2, axis), T.repeat(x, v, axis), extra_ops.RepeatOp(axis)(x, n)],
        [A, 3, counts],
    )
    for g, k in zip(got, (3, 2, counts, 3)):
        np.testing.assert_array_equal(g, np.repeat(A, k, axis))
    check_op([x, n], extra_ops.RepeatOp(axis)(x, n), [A, 3])
    check_op([x, n], T.repeat(x, n, axis), [A, 2])


def test_repeat_errors():
    x, v = T.dvector("x"), T.lvector("v")
    for bad, error, text in (
        (lambda: T.repeat(x, T.lmatrix()), ValueError, "dimension of repeats should not exceed 1"),
        (lambda: T.repeat(x, 2, axis=1), ValueError, "Axis should not exceed x.ndim-1"),
        (lambda: extra_ops.RepeatOp()(x, 1.5), TypeError, "repeats.dtype must be an integer"),
        (lambda: extra_ops.RepeatOp()(x, np.uint64(1)), TypeError, "not supported by numpy"),
    ):
        with pytest.raises(error, match=text):
            bad()
    with pytest.raises(ValueError, match="operands could not be broadcast together"):
        both([x, v], T.repeat(x, v), [[1.0, 2.0], [1, 2, 3]])
    with pytest.raises(ValueError, match="negative"):
        both([x, v], T.repeat(x, v), [[1.0, 2.0], [1, -2]])


# ---------------------------------------------------------------- windows, diagonals
def test_bartlett():
    n = T.lscalar("n")
    for k in (5, 1, 0, -3):
        np.testing.assert_allclose(check_op([n], T.bartlett(n), [k])[0], np.bartlett(k))
    with pytest.raises(TypeError, match="Bartlett only works on scalar input"):
        T.bartlett(T.lvector())
    with pytest.raises(TypeError, match="Bartlett only works on integer input"):
        T.bartlett(T.dscalar())


@pytest.mark.parametrize("shape", [(2, 5), (5, 2), (3, 3)])
def test_fill_diagonal(shape):
    a, v, k = T.dmatrix("a"), T.dscalar("v"), T.lscalar("k")
    Z = RNG.rand(*shape)
    want = Z.copy()
    n = min(shape)
    want[range(n), range(n)] = 7
    np.testing.assert_array_equal(check_op([a, v], T.extra_ops.fill_diagonal(a, v), [Z, 7])[0], want)
    for offset in (0, 1, -1, -3, 9, -9):
        rows, cols = np.indices(shape)
        got = check_op([a, v, k], T.extra_ops.fill_diagonal_offset(a, v, k), [Z, 7, offset])[0]
        np.testing.assert_array_equal(got, np.where(cols - rows == offset, 7, Z))


def test_fill_diagonal_of_more_dimensions_and_errors():
    a = T.dtensor3("a")
    want = np.zeros((2, 2, 2))
    np.fill_diagonal(want, 3)
    np.testing.assert_array_equal(both([a], T.extra_ops.fill_diagonal(a, 3), [np.zeros((2, 2, 2))]), want)
    with pytest.raises(ValueError, match="All dimensions of input must be of equal length"):
        both([a], T.extra_ops.fill_diagonal(a, 3), [np.zeros((2, 2, 3))])
    for bad, text in (
        (lambda: T.extra_ops.fill_diagonal(T.dvector(), 1), "at least two dimensions"),
        (lambda: T.extra_ops.fill_diagonal(a, T.dvector()), "second parameter must be a scalar"),
        (lambda: T.extra_ops.fill_diagonal(T.fmatrix(), T.dscalar()), "must be the same as the first's"),
        (lambda: T.extra_ops.fill_diagonal_offset(a, 1, 1), "must have exactly two dimensions"),
        (lambda: T.extra_ops.fill_diagonal_offset(T.dmatrix(), 1, 1.5), "must be as integer"),
    ):
        with pytest.raises(TypeError, match=text):
            bad()


# ---------------------------------------------------------------- indices of flattened arrays
def test_unravel_and_ravel():
    i, j, d = T.lvector("i"), T.lvector("j"), T.lvector("d")
    got = both([i, d], list(T.unravel_index(i, (2, 3))) + list(T.unravel_index(i, d, ndim=2)), [[0, 5, 4], [2, 3]])
    for g, want in zip(got, list(np.unravel_index([0, 5, 4], (2, 3))) * 2):
        np.testing.assert_array_equal(g, want)
    for mode, order, second in (("raise", "C", [2, 0]), ("wrap", "F", [4, -1]), ("clip", "C", [9, -9])):
        got = both([i, j], T.ravel_multi_index((i, j), (2, 3), mode=mode, order=order), [[0, 1], second])
        np.testing.assert_array_equal(got, np.ravel_multi_index(([0, 1], second), (2, 3), mode=mode, order=order))


def test_unravel_and_ravel_errors():
    i, d = T.lvector("i"), T.lvector("d")
    with pytest.raises(ValueError, match="index 6 is out of bounds for array with size 6"):
        both([i], list(T.unravel_index(i, (2, 3))), [[0, 6]])
    with pytest.raises(ValueError, match="invalid entry in coordinates array"):
        both([i, d], T.ravel_multi_index((i, d), (2, 3)), [[0, 1], [2, 3]])
    for bad, error, text in (
        (lambda: T.unravel_index(i, d), ValueError, "You can provide the 'ndim' keyword argument"),
        (lambda: T.unravel_index(T.dvector(), (2, 3)), TypeError, "cannot be interpreted as an index"),
        (lambda: T.unravel_index(i, T.lmatrix(), ndim=2), TypeError, "dims must be a 1D array"),
        (lambda: extra_ops.UnravelIndex(0), ValueError, "ndim must be an integer greater than 0"),
        (lambda: T.ravel_multi_index(i, (2,)), TypeError, "multi_index must be a tuple or a list"),
        (lambda: T.ravel_multi_index((i,), (2,), mode="x"), ValueError, "mode must be"),
    ):
        with pytest.raises(error, match=text):
            bad()


# ---------------------------------------------------------------- unique, searchsorted
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_unique(axis):
    x = T.dmatrix("x")
    X = np.array([[1.0, 1, 2], [3, 2, 1], [1, 1, 2]])
    outs = extra_ops.Unique(True, True, True, axis)(x)
    want = np.unique(X, True, True, True, axis)
    for g, w in zip(both([x], outs, [X]), want):
        np.testing.assert_array_equal(g, w.reshape(g.shape))
    np.testing.assert_array_equal(both([x], extra_ops.Unique(axis=axis)(x) * 2, [X]), want[0] * 2)
    with pytest.raises(RuntimeError, match="Unique axis `2` is outside of input ndim = 2"):
        extra_ops.Unique(axis=2)(x)


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(side):
    x, v, s = T.dvector("x"), T.dmatrix("v"), T.lvector("s")
    X, V = np.array([3.0, 1.0, 2.0, 2.0]), np.array([[0.0, 2.0, 2.5], [3.0, 9.0, 1.0]])
    order = np.argsort(X)
    got = check_op([x, v, s], T.extra_ops.searchsorted(x, v, side, s), [X, V, order], grad=False)[0]
    np.testing.assert_array_equal(got, np.searchsorted(X, V, side, order))
    np.testing.assert_array_equal(both([x, v], x.searchsorted(v, side), [np.sort(X), V]), got)
    assert T.extra_ops.searchsorted([1, 2, 3], 3).eval() == 2
    with pytest.raises(ValueError, match="'up' is an invalid value for keyword 'side'"):
        T.extra_ops.searchsorted(x, v, "up")
    with pytest.raises(TypeError, match="sorter must be an integer vector"):
        T.extra_ops.searchsorted(x, v, sorter=x)


def test_cpu_contiguous():
    x = T.dmatrix("x")
    f = theanojax.function([x], extra_ops.cpu_contiguous(x.T), mode=theanojax.Mode("py", None))
    assert f(A).flags["C_CONTIGUOUS"]
    both([x], extra_ops.cpu_contiguous(x[::2]), [A])


# ---------------------------------------------------------------- xlogx
def test_xlogx():
    x, y = T.dvector("x"), T.dvector("y")
    X, Y = np.array([0.0, 0.5, 3.0]), np.array([0.0, 2.0, 4.0])
    got = both([x, y], [xlogx(x), xlogy0(x, y)], [X, Y])
    np.testing.assert_allclose(got[0], [0, 0.5 * np.log(0.5), 3 * np.log(3)])
    np.testing.assert_allclose(got[1], [0, 0.5 * np.log(2), 3 * np.log(4)])
    assert [str(e.owner.op) for e in (xlogx(x), xlogy0(x, y))] == ["xlogx", "xlogy0"]
    check_op([x, y], [xlogx(x), xlogy0(x, y)], [X + 1, Y + 1])


# ---------------------------------------------------------------- files, MPI
def test_load(tmp_path):
    from theanojax.tensor.io import load, mpi_enabled, recv

    path = theanojax.Variable(theanojax.gof.Generic())
    f = theanojax.function([path], load(path, "int64", (False,)) * 2)
    name = str(tmp_path / "a.npy")
    np.save(name, np.arange(3))
    np.testing.assert_array_equal(f(name), [0, 2, 4])
    np.save(name, np.arange(2))
    np.testing.assert_array_equal(f(name), [0, 2])
    mapped = theanojax.function([path], load(path, "int64", (False,), mmap_mode="c"))(name)
    assert isinstance(mapped, np.memmap)
    mapped[0] = 7  # the caller's, and not the file's
    np.testing.assert_array_equal(f(name), [0, 2])
    np.save(name, np.arange(2.0))
    with pytest.raises(TypeError, match="Expected an array of type int64, got float64 instead"):
        f(name)
    with pytest.raises(ValueError, match="Expected a .npy file, got a.npz instead"):
        f("a.npz")
    with pytest.raises(ValueError, match="only supported values for mmap_mode"):
        load(path, "int64", (False,), mmap_mode="r")
    if not mpi_enabled:
        f = theanojax.function([], recv((2,), "float64", 0, 1))
        with pytest.raises(NameError, match="needs the package mpi4py"):
            f()


# ---------------------------------------------------------------- fft
@pytest.mark.parametrize("norm", [None, "ortho", "no_norm"])
def test_fft_and_back(norm):
    x = T.dtensor3("x")
    for n in (6, 5):
        B = RNG.rand(2, 3, n)
        spectrum = fft.rfft(x, norm)
        back = fft.irfft(spectrum, norm, is_odd=n % 2 == 1)
        got = check_op([x], [spectrum, back], [B])
        want = np.fft.rfftn(B, axes=(1, 2), norm="ortho" if norm == "ortho" else None)
        np.testing.assert_allclose(got[0], np.stack([want.real, want.imag], -1), atol=1e-12)
        np.testing.assert_allclose(got[1], B * (3 * n if norm == "no_norm" else 1), atol=1e-10)


def test_fft_errors():
    with pytest.raises(TypeError, match="RFFTOp: input must have dimension > 2, with first dimension batches"):
        fft.rfft_op(T.dvector())
    with pytest.raises(TypeError, match="length of the transformed axis must be of type integer"):
        fft.rfft_op(T.dmatrix(), [1.5])
    with pytest.raises(ValueError, match="Invalid value x for norm"):
        fft.rfft(T.dmatrix(), "x")
    with pytest.raises(ValueError, match="must be True or False"):
        fft.irfft(T.dtensor3(), is_odd="no")


def test_length_of_differences_of_nothing():
    x = T.dvector("x")
    f = theanojax.function([x], extra_ops.diff(x, 2).shape[0])
    assert [int(f(np.ones(n))) for n in (0, 1, 2, 5)] == [0, 0, 0, 3]
