"""Reductions: values on both executors, dtypes, gradients, printing, errors."""

import pickle

import numpy as np
import pytest

import theanojax.scalar as S
import theanojax.tensor as T
from theanojax.errors import NullTypeGradError
from theanojax.gradient import Rop, grad
from theanojax.runtime.host import run_graph
from theanojax.tensor.reduce import MulWithoutZeros, ProdWithoutZeros

from .helpers import both, check_op

m, t = T.dmatrix("m"), T.dtensor3("t")
A = np.array([[0.3, -0.7, 0.5], [0.9, 0.1, -0.2]])
B = np.random.RandomState(0).uniform(0.5, 2, (2, 3, 4))
AXES = [None, 0, 1, -1, (0, 2), [1, 0], (0, 1, 2)]


def tuple_of(axis):
    return tuple(axis) if isinstance(axis, list) else axis


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "max", "min", "std", "var", "ptp"])
def test_value_and_gradient(name, axis):
    got = check_op([t], getattr(T, name)(t, axis=axis), [B])
    np.testing.assert_allclose(got[0], getattr(np, name)(B, axis=tuple_of(axis)), rtol=1e-12)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "max", "min", "std", "var", "any", "all"])
def test_keepdims(name, axis):
    got = check_op([t], getattr(T, name)(t, axis=axis, keepdims=True), [B], grad=False)
    np.testing.assert_allclose(got[0], getattr(np, name)(B, axis=tuple_of(axis), keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("name", ["argmax", "argmin", "any", "all"])
def test_no_gradient(name, axis):
    value = np.round(A)
    got = check_op([m], getattr(T, name)(m, axis=axis), [value], grad=False)
    np.testing.assert_array_equal(got[0], getattr(np, name)(value, axis=axis))


def test_argmax_over_several_axes():
    got = both([t], T.argmax(t, axis=(0, 2)), [B])
    np.testing.assert_array_equal(got, B.transpose(1, 0, 2).reshape(3, 8).argmax(axis=1))
    assert both([t], T.argmax(t, axis=1, keepdims=True), [B]).shape == (2, 1, 4)
    value, position = both([t], list(T.max_and_argmax(t, axis=-1)), [B])
    np.testing.assert_array_equal(value, B.max(-1))
    np.testing.assert_array_equal(position, B.argmax(-1))


def test_argmax_ops():
    got = both([m], T.Argmax((1,))(m), [A])
    np.testing.assert_array_equal(got, A.argmax(1))
    assert both([m], T.Argmax(None)(m), [A]) == A.argmax()


# ------------------------------------------------------------------ dtypes
@pytest.mark.parametrize(
    "dtype, total, mean",
    [
        ("bool", "int64", "float64"),
        ("int8", "int64", "float64"),
        ("uint8", "uint64", "float64"),
        ("int64", "int64", "float64"),
        ("float16", "float16", "float16"),
        ("float32", "float32", "float32"),
        ("float64", "float64", "float64"),
        ("complex64", "complex64", "complex64"),
    ],
)
def test_dtypes(dtype, total, mean):
    v = T.TensorType(dtype, (False,))()
    outs = [T.sum(v), T.prod(v), T.mean(v)]
    assert [o.dtype for o in outs] == [total, total, mean]
    got = both([v], outs, [np.array([1, 1, 1, 0]).astype(dtype)])
    np.testing.assert_allclose([complex(g) for g in got], [3, 0, 0.75], rtol=1e-3)


def test_accumulator():
    v = T.fvector()
    assert T.sum(v).owner.op.acc_dtype == "float64"
    assert T.sum(T.dvector(), dtype="float32").owner.op.acc_dtype == "float64"
    b = T.bvector()
    out = T.sum(b, dtype="int8", acc_dtype="int32")
    assert out.dtype == "int8" and both([b], out, [np.full(3, 100, "int8")]) == 44
    assert T.sum(b, acc_dtype="float32").owner.op.acc_dtype == "float32"
    with pytest.raises(TypeError, match="input dtype float64 and acc_dtype float32, as precision would be lost"):
        T.sum(T.dvector(), acc_dtype="float32")
    with pytest.raises(NotImplementedError, match="Mean op does not support the dtype argument"):
        T.mean(v, op=True, dtype="float32")


def test_half_precision_mean_does_not_overflow():
    v = T.TensorType("float16", (False,))()
    assert both([v], T.mean(v), [np.full(4000, 100, "float16")]) == 100


def test_mean_op():
    np.testing.assert_allclose(both([m], T.mean(m, axis=0, op=True), [A]), A.mean(0))
    assert str(T.mean(m, op=True).owner.op) == "Mean" and str(T.mean(m, axis=0, op=True).owner.op) == "Mean{0}"


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint64", "bool", "float32"])
def test_extrema_of_all_dtypes(dtype):
    v = T.TensorType(dtype, (False,))()
    value = np.array([1, 0, 1]).astype(dtype)
    top, low, where_top, where_low = both([v], [T.max(v), T.min(v), T.argmax(v), T.argmin(v)], [value])
    assert (top, low, where_top, where_low) == (1, 0, 0, 1) and top.dtype == low.dtype == dtype


def test_extreme_integers():
    v = T.bvector()
    assert both([v], T.max(v), [np.array([-128, -127], "int8")]) == -127
    u = T.TensorType("uint64", (False,))()
    assert both([u], T.min(u), [np.array([2**64 - 1, 2**64 - 2], "uint64")]) == 2**64 - 2


# ------------------------------------------------------------------ nan, empty, no dimension
def test_nan():
    value = np.array([[1, np.nan, 3], [1, 2, 3]])
    got = both([m], [T.max(m, axis=1), T.min(m, axis=1), T.argmax(m, axis=1), T.sum(m, axis=1)], [value])
    np.testing.assert_array_equal(got[0], [np.nan, 3])
    np.testing.assert_array_equal(got[1], [np.nan, 1])
    np.testing.assert_array_equal(got[2], [1, 2])
    np.testing.assert_array_equal(got[3], [np.nan, 6])


def test_empty():
    got = both([m], [T.sum(m, axis=0), T.prod(m, axis=0), T.any(m, axis=0), T.all(m, axis=0)], [np.zeros((0, 2))])
    np.testing.assert_array_equal(got, [[0, 0], [1, 1], [0, 0], [1, 1]])
    assert both([m], T.max(m, axis=0), [np.zeros((2, 0))]).shape == (0,)


@pytest.mark.parametrize("name", ["max", "argmax"])
def test_empty_maximum(name):
    with pytest.raises(ValueError, match="zero-size array|empty sequence"):
        both([m], getattr(T, name)(m), [np.zeros((0, 2))])


def test_empty_reduction_names_the_axis():
    with pytest.raises(ValueError, match="Input of CAReduce{maximum} has zero-size on axis 1"):
        both([m], T.CAReduce(S.maximum, 1)(m), [np.zeros((2, 0))])


def test_no_axis_at_all():
    s = T.dscalar()
    got = both([s], [T.sum(s), T.max(s), T.argmax(s), T.mean(s), T.all(s)], [3.0])
    assert [float(g) for g in got] == [3, 3, 0, 3, 1]
    np.testing.assert_array_equal(both([m], T.sum(m, axis=()), [A]), A)
    assert both([m], grad(T.sum(T.sum(m, axis=[])), m), [A]).shape == A.shape


# ------------------------------------------------------------------ gradients
@pytest.mark.parametrize("value", [[[1.0, 2.0, 3.0], [4.0, 0.0, 6.0]], [[0.0, 2.0, 0.0], [0.0, 0.0, 1.0]]])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_product_with_zeros(value, axis):
    check_op([m], T.prod(m, axis=axis), [value])


def test_product_without_zeros():
    check_op([m], T.prod(m, axis=0, no_zeros_in_input=True), [A])
    value = np.array([[0.0, 2.0, 0.0], [0.0, 3.0, 4.0]])
    np.testing.assert_array_equal(both([m], ProdWithoutZeros(axis=0)(m), [value]), [0, 6, 4])
    np.testing.assert_array_equal(both([m], ProdWithoutZeros()(m), [np.zeros((2, 0))]), 0)
    assert MulWithoutZeros(S.upcast_out).impl(0.0, 3.0) == 3
    with pytest.raises(NullTypeGradError):
        grad(T.sum(grad(T.sum(T.prod(m, axis=0)), m)), m)


def test_ties_share_the_gradient():
    np.testing.assert_array_equal(both([m], grad(T.max(m), m), [[[1, 2], [2, 0]]]), [[0, 1], [1, 0]])


def test_integers_pass_no_gradient():
    i = T.imatrix()
    cost = T.sum(T.cast(T.sum(i), "float64") * 2.0)
    assert grad(cost, i).dtype == "float64"


def test_R_op():
    point = T.dmatrix()
    np.testing.assert_allclose(both([m, point], Rop(T.sum(m, axis=0), m, point), [A, 2 * A]), 2 * A.sum(0))
    got = run_graph([m, point], Rop(T.max(m, axis=1), m, point), [A, 2 * A])
    np.testing.assert_allclose(got, 2 * A.max(1))
    for axis in (None, 0, (0, 1)):
        got = run_graph([m, point], Rop(T.max(m, axis=axis), m, point), [A, 2 * A])
        np.testing.assert_allclose(got, 2 * A.max(axis))


# ------------------------------------------------------------------ other scalar Ops
@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
@pytest.mark.parametrize("op, ufunc", [("and_", np.bitwise_and), ("or_", np.bitwise_or), ("xor", np.bitwise_xor)])
def test_bits(op, ufunc, dtype):
    v = T.TensorType(dtype, (False, False))()
    value = np.array([[5, 3, 0], [7, 1, 0]]).astype(dtype)
    for axis in (0, 1, None):
        got = both([v], T.CAReduce(getattr(S, op), axis)(v), [value])
        np.testing.assert_array_equal(got, ufunc.reduce(value, axis=axis))
    assert both([v], T.CAReduce(getattr(S, op), 0)(v), [np.zeros((0, 3), dtype)]).shape == (3,)


def test_user_op():
    class Larger(S.BinaryScalarOp):
        associative = commutative = True

        def impl(self, a, b):
            return a if a > b else b

    op = T.CAReduce(Larger(S.upcast_out, name="larger"), axis=0)
    np.testing.assert_array_equal(both([m], op(m), [A]), A.max(0))
    assert str(op) == "Reduce{larger}{0}"
    with pytest.raises(ValueError, match="no attribute 'identity'"):
        run_graph([m], op(m), [np.zeros((0, 2))])
    with pytest.raises(NotImplementedError, match="only supports binary functions"):
        T.CAReduce(S.exp)


# ------------------------------------------------------------------ names, axes, errors
def test_names():
    i = T.imatrix()
    outs = (
        T.sum(m),
        T.sum(m, axis=0),
        T.sum(i, axis=-1),
        T.prod(m),
        T.max(m),
        T.all(m),
        T.any(m, axis=0),
        T.CAReduce(S.maximum)(m),
        T.CAReduce(S.minimum, (0, 1))(m),
    )
    assert [str(v.owner.op) for v in outs] == [
        "Sum{acc_dtype=float64}",
        "Sum{axis=[0], acc_dtype=float64}",
        "Sum{axis=[1], acc_dtype=int64}",
        "Prod{axis=None, dtype='float64', acc_dtype='float64'}",
        "MaxAndArgmax{axis=(0, 1)}",
        "All",
        "Any{0}",
        "Reduce{maximum}",
        "Reduce{minimum}{0, 1}",
    ]
    assert (T.mean(m).name, T.std(m).name, T.var(m).name) == ("mean", "std", "var")


@pytest.mark.parametrize(
    "op", [T.Sum(axis=0), T.Prod(), T.All(axis=[1]), T.CAReduce(S.maximum), T.Argmax((0,)), T.MaxAndArgmax([0])]
)
def test_pickle(op):
    twin = pickle.loads(pickle.dumps(op))
    assert twin == op and hash(twin) == hash(op) and str(twin) == str(op)


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: T.sum(m, axis=5), ValueError, "Not enough dimensions on m to reduce on axis 5"),
        (lambda: T.sum(m, axis=-3), ValueError, "Not enough dimensions on m to reduce on axis -3"),
        (lambda: T.max(m, axis=2), ValueError, "Not enough dimensions on m to reduce on axis 2"),
        (lambda: T.argmax(m, axis=2), ValueError, "Computation needs a valid axis number for 2-D tensor. Got 2"),
        (lambda: T.argmax(m, axis=T.iscalar("k")), TypeError, "Computation needs a constant axis. Got k"),
        (lambda: T.argmax(m, axis="0"), TypeError, "Axis must be an integer"),
        (lambda: T.var(m, None, True), ValueError, "Parameter keepdims is now at index 3"),
        (lambda: T.min(T.TensorType("complex64", (False,))()), NotImplementedError, "no minimum"),
        (lambda: T.MaxAndArgmax((0,)), AssertionError, "takes a list of axes"),
        (lambda: T.cov(m, fweights=[1]), NotImplementedError, "fweights are not implemented"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_constant_axis():
    np.testing.assert_array_equal(both([m], T.max(m, axis=T.constant(1)), [A]), A.max(1))
    np.testing.assert_array_equal(both([m], T.argmax(m, axis=np.array(0)), [A]), A.argmax(0))
    np.testing.assert_allclose(both([m], T.sum(m, axis=np.int64(1)), [A]), A.sum(1))


# ------------------------------------------------------------------ functions made of reductions
@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("corrected", [False, True])
def test_variance(ddof, corrected):
    got = both([m], T.var(m, axis=1, ddof=ddof, corrected=corrected), [A])
    np.testing.assert_allclose(got, A.var(axis=1, ddof=ddof))


def test_cov():
    np.testing.assert_allclose(both([m], T.cov(m), [A]), np.cov(A))
    np.testing.assert_allclose(both([m], T.cov(m, bias=True), [A]), np.cov(A, bias=True))
    np.testing.assert_allclose(both([m], T.cov(m, rowvar=False, ddof=0), [A]), np.cov(A, rowvar=False, ddof=0))
    np.testing.assert_allclose(both([m], T.cov(m, y=m * 2), [A]), np.cov(A, 2 * A))


def test_smallest_and_largest():
    v, w, u = T.dvectors(3)
    values = [[1.0, 5.0], [2.0, 4.0], [0.0, 9.0]]
    got = both([v, w, u], [T.smallest(v, w), T.largest(v, w), T.smallest(v, w, u), T.largest(v, w, u)], values)
    np.testing.assert_array_equal(got, [[1, 4], [2, 5], [0, 4], [2, 9]])
