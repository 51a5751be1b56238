"""sort, argsort and topk against numpy, on both executors."""

import numpy as np
import pytest

import theanojax
import theanojax.tensor as T
from tests.helpers import both, check_op
from theanojax.gradient import NullTypeGradError, Rop, grad

A = np.random.RandomState(0).permutation(24).reshape(2, 3, 4) * 1.0
TIES = np.random.RandomState(1).randint(0, 3, (3, 8))


@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1, -2])
def test_sort_and_argsort(axis):
    x = T.dtensor3("x")
    got = check_op([x], [T.sort(x, axis), T.argsort(x, axis)], [A])
    np.testing.assert_array_equal(got[0], np.sort(A, axis))
    np.testing.assert_array_equal(got[1], np.argsort(A, axis))
    assert got[1].dtype == "int64"


def test_ties_agree_on_both_sides():
    x, k = T.lmatrix("x"), T.lscalar("k")
    got = both([x], [T.argsort(x), x.argsort(0, "quicksort"), x.sort(-1, "heapsort"), T.argsort(x, None)], [TIES])
    np.testing.assert_array_equal(got[0], np.argsort(TIES, kind="stable"))
    np.testing.assert_array_equal(got[1], np.argsort(TIES, 0, kind="stable"))
    for n in (1, 3, -1, -4, 8, -8):
        both([x, k], list(T.topk_and_argtopk(x, k, sorted=False)), [TIES, n])


def test_symbolic_axis():
    x, a = T.dmatrix("x"), T.lscalar("a")
    f = theanojax.function([x, a], [T.sort(x, a), T.argsort(x, a)])
    for axis in (0, 1, -1):
        s, i = f(A[0], axis)
        np.testing.assert_array_equal(s, np.sort(A[0], axis))
        np.testing.assert_array_equal(i, np.argsort(A[0], axis))
    with pytest.raises(ValueError, match="axis 2 is out of bounds"):
        f(A[0], 2)


def test_nan_comes_last():
    x = T.dvector("x")
    got = both([x], [T.sort(x), T.argsort(x)], [[2.0, np.nan, 1.0]])
    np.testing.assert_array_equal(got[0], [1, 2, np.nan])
    np.testing.assert_array_equal(got[1], [2, 0, 1])


def test_names_and_methods():
    x = T.dmatrix("x")
    assert str(T.sort(x).owner.op) == "SortOp{quicksort, None}"
    assert str(x.argsort(kind="mergesort").owner.op) == "ArgSortOp{mergesort, None}"
    assert str(T.topk(x, 2, sorted=False).owner.op) == "TopKOp{axis=-1, sorted=False}"


def test_argsort_gradient_is_zero():
    x = T.dvector("x")
    g = grad(T.argsort(x).sum().astype("float64") * 2 + x.sum(), x)
    np.testing.assert_array_equal(both([x], g, [[3.0, 1.0]]), [1, 1])


def test_sort_r_op():
    x, v = T.dmatrix("x"), T.dmatrix("v")
    B, V = A[0], np.arange(12.0).reshape(3, 4)
    for axis in (0, -1):
        got = both([x, v], Rop(T.sort(x, axis), x, v), [B, V])
        np.testing.assert_array_equal(got, np.take_along_axis(V, np.argsort(B, axis), axis))


# ---------------------------------------------------------------- topk
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("k", [1, 2, -1, -2])
def test_topk(axis, k):
    x, n = T.dtensor3("x"), T.lscalar("n")
    values, indices = both([x, n], list(T.topk_and_argtopk(x, n, axis, sorted=False)), [A, k])
    B = A.ravel() if axis is None else A
    along = 0 if axis is None else axis
    order = np.sort(B, along)
    want = np.take(order, range(-k, 0) if k > 0 else range(-k), along)
    np.testing.assert_array_equal(np.sort(values, along), want)
    np.testing.assert_array_equal(np.take_along_axis(B, indices, along), values)
    got = both([x], [T.topk(x, k, axis, sorted=False), T.argtopk(x, k, axis, sorted=False, idx_dtype="int32")], [A])
    np.testing.assert_array_equal(got[0], values)
    np.testing.assert_array_equal(got[1], indices)
    assert got[1].dtype == "int32"


@pytest.mark.parametrize("outputs", [(True, False), (False, True)])
def test_topk_with_one_output(outputs):
    x = T.dmatrix("x")
    from theanojax.tensor.sort import TopKOp

    op = TopKOp(axis=1, sorted=False, return_values=outputs[0], return_indices=outputs[1])
    both_outputs = both([x], list(T.topk_and_argtopk(x, 2, 1, sorted=False)), [A[0]])
    np.testing.assert_array_equal(both([x], op(x, 2), [A[0]]), both_outputs[0 if outputs[0] else 1])


@pytest.mark.parametrize("sorted", [True, False])
def test_topk_gradient(sorted):
    x = T.dmatrix("x")
    for k in (2, -1, -3, A.shape[2]):
        check_op([x], T.topk(x, k, axis=1, sorted=sorted), [A[0] / 7])
        check_op([x], T.topk_and_argtopk(x, k, axis=0 if abs(k) < 4 else 1, sorted=sorted), [A[0] / 7])


@pytest.mark.parametrize("axis", [None, 0, 2, -1])
@pytest.mark.parametrize("dtype", ["float64", "int8"])
def test_topk_in_descending_order(axis, dtype):
    x, n = T.TensorType(dtype, (False,) * 3)("x"), T.lscalar("n")
    B = A.astype(dtype)
    flat, along = (B.ravel(), 0) if axis is None else (B, axis)
    order = np.flip(np.sort(flat, along), along)
    length = flat.shape[along]
    for k in {1, 2, min(3, length), length, -1, -2, -length}:
        values, places = both([x, n], list(T.topk_and_argtopk(x, n, axis)), [B, k])
        want = np.take(order, range(k) if k > 0 else range(length + k, length), along)
        np.testing.assert_array_equal(values, want)
        np.testing.assert_array_equal(np.take_along_axis(flat, places, along), want)
        np.testing.assert_array_equal(both([x, n], T.topk(x, n, axis, sorted=True), [B, k]), want)
    assert str(T.topk(x, 2).owner.op) == "TopKOp{axis=-1, sorted=True}"


def test_topk_of_ties_in_order():
    x = T.dvector("x")
    v = [1.0, 3.0, np.nan, 3.0, -np.inf, 1.0, 2.0]
    outs = list(T.topk_and_argtopk(x, 4)) + list(T.topk_and_argtopk(x, -3)) + [T.argtopk(x, 7)]
    top, where, low, where_low, all_ = both([x], outs, [v])
    np.testing.assert_array_equal(top, [np.nan, 3, 3, 2])
    assert where.tolist() == [2, 1, 3, 6] and low.tolist() == [1, 1, -np.inf] and where_low.tolist() == [5, 0, 4]
    assert all_.tolist() == [2, 1, 3, 6, 0, 5, 4]


@pytest.mark.parametrize("kind", ["quicksort", "mergesort", "heapsort"])
def test_derivatives_of_sorts_of_equal_keys(kind):
    """Each element has one place, so that the gradient is one of those that there are, and all of it arrives."""
    x, v = T.dmatrix("x"), T.dmatrix("v")
    B = np.array([[2.0, 1.0, 2.0, 1.0, 1.0, 2.0] * 4] * 2)
    weights = np.arange(1.0, B.size + 1).reshape(B.shape)
    for axis in (0, 1, None):
        w = weights.ravel() if axis is None else weights
        out = T.sort(x, axis, kind)
        g = both([x], grad((out * w).sum(), x), [B])
        order = np.argsort(B, axis, kind="stable")
        want = np.empty_like(w)
        np.put_along_axis(want, order, w, 0 if axis is None else axis)
        np.testing.assert_array_equal(g, want.reshape(B.shape))
        moved = both([x, v], Rop(out, x, v), [B, weights])
        np.testing.assert_array_equal(moved, np.take_along_axis(w, order, 0 if axis is None else axis))


def test_topk_where_the_gradient_of_its_values_is_not_known():
    x, y = T.dvectors("x", "y")
    values, places = T.topk_and_argtopk(x, 3, sorted=False)
    with pytest.raises(NullTypeGradError, match="the iv op is not implemented"):
        T.grad((T.iv(values, y) * places).sum(), x)


def test_topk_errors():
    from theanojax.tensor.sort import TopKOp

    x, k = T.dvector("x"), T.lscalar("k")
    for bad, error, text in (
        (lambda: TopKOp(axis=1.0, sorted=False), TypeError, '"axis" parameter must be integer'),
        (lambda: TopKOp(sorted=False, idx_dtype="float32"), TypeError, "must be an integer dtype"),
        (lambda: TopKOp(sorted=False, return_values=False, return_indices=False), ValueError, "isn't allowed"),
        (lambda: T.topk(x, 1, axis=1, sorted=False), IndexError, "expected integer within \\[-1, 0\\]"),
        (lambda: T.topk(T.dscalar(), 1, sorted=False), ValueError, "Cannot take scalar as input"),
        (lambda: T.topk(x, x, sorted=False), ValueError, "is expected to be 0d tensor, got 1"),
    ):
        with pytest.raises(error, match=text):
            bad()
    for n, text in ((0, "topk: kth cannot be zero"), (3, "kth cannot be larger than the size of specified axis 0")):
        with pytest.raises(ValueError, match=text):
            both([x, k], T.topk(x, k, sorted=False), [[1.0, 2.0], n])


@pytest.mark.parametrize("dtype", "float16 float32 float64 int8 uint8 int32 uint32 int64 bool".split())
def test_large_sorts_of_every_dtype(dtype):
    rng = np.random.RandomState(5)
    B = (rng.randint(-90, 90, (40, 60)) / 3).astype(dtype)
    if dtype.startswith("float"):
        B[0, :5] = [np.nan, np.inf, -np.inf, -0.0, 0.0]
        B[3, 7] = -np.float64(np.nan)
    x = T.TensorType(dtype, (False, False))("x")
    outs = [f(x, axis) for f in (T.sort, T.argsort) for axis in (0, 1)]
    for k in (3, -3, 20, -20):
        outs += T.topk_and_argtopk(x, k, axis=1, sorted=False)
    got = both([x], outs, [B])
    np.testing.assert_array_equal(got[1], np.sort(B, 1))
    np.testing.assert_array_equal(got[3], np.argsort(B, 1, kind="stable"))


def test_few_greatest_among_infinities():
    x = T.dvector("x")
    got = both(
        [x],
        list(T.topk_and_argtopk(x, 3, sorted=False)) + list(T.topk_and_argtopk(x, -3, sorted=False)),
        [[-np.inf, -np.inf, 1.0, -np.inf, np.inf]],
    )
    np.testing.assert_array_equal(got[1], [4, 2, 0])
    np.testing.assert_array_equal(got[3], [0, 1, 3])


def test_gradient_of_a_sorted_row_has_the_pattern_of_the_row():
    v = T.dvector("v")
    g = grad((T.sort(v.dimshuffle("x", 0)) * [[1.0, 2.0, 3.0]]).sum(), v)
    assert both([v], g, [np.array([5.0, 1.0, 3.0])]).tolist() == [3, 1, 2]


def test_gradient_through_the_places_of_the_largest_is_zero():
    v = T.dvector("v")
    _, places = T.topk_and_argtopk(v, 2, sorted=False)
    assert both([v], grad((places * 0.5).sum() + 0 * v.sum(), v), [np.array([5.0, 1.0, 3.0])]).tolist() == [0, 0, 0]
