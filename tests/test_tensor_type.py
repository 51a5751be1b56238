"""TensorType, the variables and constants of it, and shared tensors."""

import copy
import pickle

import numpy as np
import pytest

import theanojax
import theanojax.tensor as T
from theanojax.config import change_flags
from theanojax.errors import AsTensorError, EmptyConstantError, NotScalarConstantError
from theanojax.tensor.type import TensorType, values_eq_approx

x, y = T.dmatrices("x", "y")
i = T.lscalar("i")


# ---------------------------------------------------------------------- types
@pytest.mark.parametrize(
    "type_, text",
    [
        (T.dmatrix, "TensorType(float64, matrix)"),
        (T.lrow, "TensorType(int64, row)"),
        (T.fcol, "TensorType(float32, col)"),
        (T.bscalar, "TensorType(int8, scalar)"),
        (T.ctensor3, "TensorType(complex64, 3D)"),
        (TensorType("float32", (1, 0, 0)), "TensorType(float32, (True, False, False))"),
        (TensorType("int8", (), name="flag"), "flag"),
    ],
)
def test_types_print(type_, text):
    assert str(type_) == repr(type_) == text
    assert str(type_()) == "<%s>" % text


def test_types_are_equal_by_dtype_and_pattern():
    assert TensorType("float64", (False, False), name="m") == T.dmatrix
    assert hash(TensorType("float64", (0, 0))) == hash(T.dmatrix)
    assert T.dmatrix != T.fmatrix and T.dmatrix != T.drow and T.dmatrix != 3
    assert TensorType("floatX", ()).dtype == theanojax.config.floatX
    assert T.dmatrix.clone(dtype="int8", broadcastable=(True,)) == TensorType("int8", (True,))
    assert pickle.loads(pickle.dumps(T.dmatrix)) == copy.deepcopy(T.dmatrix) == T.dmatrix


@pytest.mark.parametrize(
    "what", [theanojax.scalar.int8, T.lmatrix, T.fvector("x"), theanojax.scalar.float32("y")], ids=str
)
def test_the_numpy_dtype(what):
    assert np.dtype(what) == what.dtype and np.zeros(1, dtype=what).dtype == what.dtype


def test_no_numpy_dtype():
    with pytest.raises(TypeError):
        np.dtype(theanojax.generic)


def test_unknown_dtype():
    with pytest.raises(TypeError, match="Unsupported dtype for TensorType: str"):
        TensorType("str", ())


def test_constructors():
    assert [v.name for v in T.scalars("ab")] == ["a", "b"] == [v.name for v in T.fmatrices("a", "b")]
    assert T.vectors("v").name == "v" and len(T.dvectors(3)) == 3 and T.dvectors() == []
    assert T.matrix().dtype == theanojax.config.floatX and T.matrix("m", dtype="int8").type == T.bmatrix
    assert T.tensor("int8", (False,), name="t").name == "t"
    assert T.tensor7().ndim == 7 and T.ztensor5.broadcastable == (False,) * 5


# ---------------------------------------------------------------------- filter
@pytest.mark.parametrize(
    "type_, value, how, dtype",
    [
        (T.dvector, [1, 2], {}, "float64"),
        (T.fvector, np.zeros(2), dict(allow_downcast=True), "float32"),
        (T.bvector, np.array([1, 300]), dict(allow_downcast=True), "int8"),
        (T.dscalar, 3, {}, "float64"),
        (T.dvector, np.zeros(2, "int32"), {}, "float64"),
        (T.fscalar, np.float32(1.1), {}, "float32"),
    ],
)
def test_filter_converts(type_, value, how, dtype):
    got = type_.filter(value, **how)
    assert type(got) is np.ndarray and got.dtype == dtype
    np.testing.assert_array_equal(got, np.asarray(value).astype(dtype))


def test_filter_keeps_what_fits():
    a = np.ones((2, 3))
    assert T.dmatrix.filter(a) is a and T.dmatrix.filter(a, strict=True) is a
    assert T.dmatrix.is_valid_value(a) and not T.dmatrix.is_valid_value(a[0])


def test_filter_python_float_to_floatx():
    with change_flags(floatX="float32"):
        assert T.fscalar.filter(1.1).dtype == "float32"
    with change_flags(floatX="float64"), pytest.raises(TypeError, match="cannot store accurately value 1.1"):
        T.fscalar.filter(1.1)
    with change_flags(floatX="float32"), pytest.raises(TypeError, match="cannot store accurately"):
        T.fscalar.filter(1.1, allow_downcast=False)


@pytest.mark.parametrize(
    "type_, value, how, text",
    [
        (T.dvector, np.zeros((2, 2)), {}, r"Wrong number of dimensions: expected 1, got 2 with shape \(2, 2\)\."),
        (
            T.fvector,
            np.zeros(2),
            {},
            r"TensorType\(float32, vector\) cannot store a value of dtype float64 without risking "
            r"loss of precision\. .*Value: \"array\(\[0\., 0\.\]\)\"",
        ),
        (
            T.ivector,
            [1.5],
            {},
            r"cannot store accurately value \[1\.5\], it would be represented as \[1\]\. If you do not",
        ),
        (T.bscalar, 300, {}, "cannot store accurately value 300, it would be represented as 44"),
        (T.dvector, [1], dict(strict=True), r"TensorType\(float64, vector\) expected a ndarray object\."),
        (T.dvector, np.zeros(2, "float32"), dict(strict=True), r"with dtype = float64 \(got float32\)"),
        (T.drow, np.zeros((2, 2)), {}, "Non-unit value on shape on a broadcastable dimension"),
        (T.dmatrix, x, {}, "Expected an array-like object, but found a Variable"),
        (T.dvector, np.zeros(17, "int8")[1:].view("float64"), {}, "The numpy.ndarray object is not aligned"),
    ],
)
def test_filter_refuses(type_, value, how, text):
    with pytest.raises(TypeError, match=text):
        type_.filter(value, **how)


def test_filter_checks_isfinite():
    strict = TensorType("float64", ())
    strict.filter_checks_isfinite = True
    with pytest.raises(ValueError, match="non-finite elements not allowed"):
        strict.filter(np.array(np.inf))


def test_filter_variable():
    row = T.drow("row")
    assert T.dmatrix.filter_variable(x) is x
    assert T.dmatrix.filter_variable(row).type == T.dmatrix
    assert T.dmatrix.filter_variable(np.ones((2, 2))).type == T.dmatrix
    with pytest.raises(
        TypeError,
        match=r"Cannot convert Type TensorType\(float64, matrix\) \(of Variable x\) into "
        r"Type TensorType\(float64, row\)\. You can try to manually convert x",
    ):
        T.drow.filter_variable(x)
    with pytest.raises(TypeError, match="Cannot convert Type"):
        T.dmatrix.filter_variable(row, allow_convert=False)


def test_value_comparison():
    a, b = np.array([1.0, np.nan, np.inf]), np.array([1.0 + 1e-9, np.nan, np.inf])
    assert T.dvector.values_eq(a, a.copy()) and not T.dvector.values_eq(a, b)
    assert values_eq_approx(a, b) and not values_eq_approx(a, b.astype("float32"))
    assert not values_eq_approx(a, np.array([1.0, 2.0, np.inf]))
    assert values_eq_approx(a, np.array([1.0, 2.0, np.inf]), allow_remove_nan=True)
    assert not values_eq_approx(a, np.array([1.0, np.nan, -np.inf]))
    assert values_eq_approx(a, np.array([1.0, np.nan, 0.0]), allow_remove_inf=True)
    assert not values_eq_approx(np.array([1]), np.array([2]))


def test_sizes():
    assert T.dmatrix.get_size(T.dmatrix.get_shape_info(np.ones((2, 3)))) == 48 and T.fscalar.get_size(()) == 4
    assert T.dmatrix.value_zeros((2, 1)).tolist() == [[0], [0]]
    assert T.fmatrix.dtype_specs() == (float, "npy_float32", "NPY_FLOAT32")


# ---------------------------------------------------------------------- variables
def test_no_truth_of_comparisons():
    assert bool(x) and bool(T.eq(x, y))
    with pytest.raises(TypeError, match=r"Variables do not support boolean operations\."):
        bool(x > y)


def test_no_length_and_no_iteration():
    with pytest.raises(TypeError, match=r"object of type 'TensorVariable' has no len\(\)"):
        len(x)
    with pytest.raises(TypeError, match="TensorType does not support iteration. Maybe you are using builtin.sum"):
        sum(x)
    with pytest.raises(ValueError, match=r"length not known: v \[id A\]"):
        list(T.dvector("v"))
    assert len(list(x.shape)) == 2


def test_numpy_leaves_operators_to_us():
    assert (np.ones((2, 2)) + x).type == T.dmatrix
    assert (np.float64(3) * x).type == T.dmatrix
    assert (x < np.ones((2, 2))).dtype == "bool"


def test_operators_give_way():
    class Other:
        __array_priority__ = 2000

        def __radd__(self, other):
            return "radd"

    assert x + Other() == "radd"
    with pytest.raises(TypeError, match="unsupported operand type"):
        x * object()


def test_every_method_of_theano_is_there():
    want = """T any all arccos argmax argmin argsort astype broadcastable ceil choose clip compress conj conjugate
        copy cumprod cumsum deg2rad diagonal dimshuffle dot dtype exp fill flatten floor get_scalar_constant_value imag
        log max mean min ndim nonzero nonzero_values norm ones_like prod ptp rad2deg ravel real repeat reshape round
        searchsorted shape size sort sqrt squeeze std sum swapaxes take trace transfer transpose trunc var
        zeros_like""".split()
    for v in (x, T.constant([[1.0]]), theanojax.shared(np.ones((2, 2)))):
        assert not [n for n in want if not hasattr(type(v), n)]


def test_norm_limits():
    with pytest.raises(NotImplementedError):
        x.norm(0)
    with pytest.raises(NotImplementedError):
        x.norm(np.inf)


def test_warn_float64():
    with change_flags(warn_float64="warn"), pytest.warns(UserWarning, match="TensorVariable with float64") as record:
        T.dvector()
    assert record[0].filename == __file__
    with change_flags(warn_float64="raise"), pytest.raises(Exception, match="TensorVariable with float64"):
        T.dvector()


# ---------------------------------------------------------------------- constants
@pytest.mark.parametrize(
    "value, text",
    [
        (1.5, "TensorConstant{1.5}"),
        ([1, 2, 3], "TensorConstant{[1 2 3]}"),
        (np.ones((3, 3)), "TensorConstant{(3, 3) of 1.0}"),
        (np.arange(30.0), "TensorConstant{[ 0.  1.  ... 28. 29.]}"),
        (np.arange(100), "TensorConstant{[ 0  1  2 .. 97 98 99]}"),
    ],
)
def test_constants_print(value, text):
    assert str(T.constant(value)) == text


def test_constants_are_equal_by_value():
    nan = np.array([1.0, np.nan])
    a, b = T.constant(nan), T.constant(nan.copy())
    assert a.equals(b) and a.signature() == b.signature() and hash(a.signature()) == hash(b.signature())
    assert not a.equals(T.constant([1.0, 2.0])) and not a.equals(T.constant([np.nan, 1.0]))
    assert T.constant([np.inf, -np.inf]).equals(T.constant([np.inf, -np.inf]))
    assert not T.constant([np.inf, 1.0]).equals(T.constant([-np.inf, 1.0]))
    assert not T.constant([0.0]).equals(T.constant([-0.0])) and T.constant(-0.0) is not T.constant(0.0)
    assert T.constant(2).equals(2) and not T.constant(2).equals(x)
    assert T.constant(np.ones(2)).equals(np.ones(2)) and not T.constant(np.ones(2)).equals(T.constant(np.ones(3)))


def test_small_constants_are_cached():
    assert T.constant(3) is T.constant(3) and T.constant(3) is not T.constant(np.int64(3))
    assert T.constant(300) is not T.constant(300)
    assert copy.copy(T.constant(3)) is not T.constant(3)
    assert not hasattr(copy.deepcopy(T.constant(3)), "cached")


def test_constant_dtypes_and_ndim():
    assert [T.constant(v).dtype for v in (1, 128, 40000, 2**40, 1.5)] == ["int8", "int16", "int32", "int64", "float32"]
    assert T.constant(1.1).dtype == "float64"
    assert T.constant(np.ones((1, 2))).broadcastable == (True, False)
    assert T.constant(3, dtype="float32").dtype == "float32"
    assert T.constant(3, ndim=2).data.shape == (1, 1)
    with pytest.raises(ValueError, match="ndarray could not be cast to constant with 1 dimensions"):
        T.constant(np.ones((2, 2)), ndim=1)


@pytest.mark.parametrize(
    "value, text",
    [
        ({"a": 1}, r"Cannot convert \{'a': 1\} to TensorType"),
        (True, "Cannot cast True or False as a tensor variable"),
        (None, "Cannot convert None to TensorType"),
        (theanojax.shared([1]), "Variable type field must be a TensorType"),
        ("word", "Cannot convert word to TensorType"),
    ],
)
def test_what_is_no_tensor(value, text):
    with pytest.raises(AsTensorError, match=text):
        T.as_tensor_variable(value)


def test_as_tensor_variable():
    assert T.as_tensor_variable(x) is x and T.as_tensor_variable((x + 1).owner).type == T.dmatrix
    assert T.as_tensor_variable([i, 2, 3]).type == T.lvector
    assert T.as_tensor_variable(x, ndim=3).broadcastable == (True, False, False)
    assert T.as_tensor_variable(T.drow(), ndim=1).type == T.dvector
    with pytest.raises(ValueError, match="TensorType could not be cast to have 1 dimensions"):
        T.as_tensor_variable(x, ndim=1)
    with pytest.raises(ValueError, match="It is ambiguous which output of a multi-output Op has to be fetched"):
        T.as_tensor_variable(T.split(x, T.lvector(), 2)[0].owner)


# ---------------------------------------------------------------------- values and lengths that graphs tell
@pytest.mark.parametrize(
    "expression, value",
    [
        (lambda: 3, 3),
        (lambda: T.constant(3), 3),
        (lambda: T.alloc(2.0, i, 4), 2),
        (lambda: T.fill(x, 3.0), 3),
        (lambda: T.constant(2) + T.constant(5), 7),
        (lambda: T.as_tensor_variable([2, i])[0], 2),
        (lambda: T.drow().shape[0], 1),
        (lambda: T.constant([1, 2, 3])[1], 2),
        (lambda: T.join(0, T.constant([1, 2]), T.constant([3]))[2], 3),
        (lambda: T.join(0, T.constant([1, 2]), T.constant([3]))[-1], 3),
        (lambda: T.switch(T.constant(1), T.constant(2), T.constant(3)), 2),
        (lambda: T.addbroadcast(T.alloc(3, i), 0), 3),
        (lambda: T.constant(np.full((2, 2), 4.0)), 4),
        (lambda: T.scalar_from_tensor(T.constant(5)), 5),
        (lambda: T.opt.assert_op(T.constant(6), T.constant(1)), 6),
        (lambda: T.shape_padleft(T.constant(1), 2) + T.constant([[4]]), 5),
    ],
)
def test_get_scalar_constant_value(expression, value):
    assert T.get_scalar_constant_value(expression()) == value


@pytest.mark.parametrize(
    "expression",
    [
        lambda: x,
        lambda: None,
        lambda: "a",
        lambda: T.constant([1, 2]),
        lambda: x.shape[0],
        lambda: T.as_tensor_variable([2, i])[1],
        lambda: T.exp(T.constant(1.0)),
        lambda: T.opt.assert_op(T.constant(6), i > 3),
        lambda: theanojax.gof.generic(),
    ],
)
def test_no_scalar_constant_value(expression):
    v = expression()
    with pytest.raises(NotScalarConstantError):
        T.get_scalar_constant_value(v)


def test_scalar_constant_value_limits():
    total = T.constant(1) + T.constant(1)
    with pytest.raises(NotScalarConstantError):
        T.get_scalar_constant_value(total, elemwise=False)
    with pytest.raises(NotScalarConstantError):
        T.get_scalar_constant_value(total, only_process_constants=True)
    with pytest.raises(EmptyConstantError):
        T.get_scalar_constant_value(T.constant([]))
    with pytest.raises(ValueError, match=r"deterministic IndexError: x\.shape\[4\] when x\.ndim=2"):
        T.get_scalar_constant_value(x.shape[4])
    with pytest.raises(IndexError, match=r"is not a valid index into \[1 2\]"):
        T.get_scalar_constant_value(T.constant([1, 2])[5])
    assert T.extract_constant(x) is x and T.extract_constant(T.constant(2)) == 2


def test_get_vector_length():
    t4 = T.dtensor4()
    assert [
        T.get_vector_length(v)
        for v in (
            x.shape,
            t4.shape[1:],
            t4.shape[-2:],
            t4.shape[:-1:2],
            T.constant([1, 2]),
            T.stack([i, i]),
            T.TensorType("int8", (True,))(),
        )
    ] == [2, 3, 2, 2, 2, 2, 1]
    with pytest.raises(TypeError, match="argument must be symbolic vector, got 'x'"):
        T.get_vector_length(x)


# ---------------------------------------------------------------------- shared tensors
def test_shared_types():
    shared = theanojax.shared
    assert shared(np.ones((1, 2))).type == T.dmatrix
    assert shared(np.ones((1, 2)), broadcastable=(True, False)).type == T.drow
    assert [shared(v).dtype for v in (1, 1.5, np.float32(1), np.int8(2))] == ["int64", "float64", "float32", "int8"]
    with pytest.raises(TypeError, match="No suitable SharedVariable constructor could be found"):
        shared(1, unknown=2)
    with pytest.raises(TypeError, match="Shared variable constructor needs numeric values and not symbolic variables"):
        shared(x)
    with pytest.raises(TypeError, match="This shared variable contains an object of type: <class 'list'>"):
        shared([1])[0]
    with pytest.raises(TypeError, match="a Numpy array with dtype: '<U1'"):
        shared(np.array(["a"]))[0]


def test_shared_values_are_copied_unless_borrowed():
    a = np.zeros(3)
    copied, borrowed = theanojax.shared(a), theanojax.shared(a, borrow=True)
    a[0] = 7
    assert copied.get_value()[0] == 0 and borrowed.get_value()[0] == 7
    copied.get_value()[0] = 5
    assert copied.get_value()[0] == 0
    copied.get_value(borrow=True)[0] = 5
    assert copied.get_value()[0] == 5
    copied.set_value(a, borrow=True)
    assert copied.get_value(borrow=True) is a
    copied.set_value(a)
    assert copied.get_value(borrow=True) is not a
    copied.zero()
    assert a[0] == 7 and not copied.get_value().any()


def test_shared_values_must_fit():
    s = theanojax.shared(np.zeros(3), name="s")
    with pytest.raises(TypeError, match="Wrong number of dimensions") as e:
        s.set_value(np.zeros((2, 2)))
    assert e.value.args[-1] == 'Container name "s"'
    assert theanojax.shared(1.0).get_value().shape == ()
    strict = theanojax.shared(np.zeros(3), strict=True)
    with pytest.raises(TypeError, match="expected a ndarray object"):
        strict.set_value([1, 2])
    with pytest.raises(Exception, match="sharedvar.value does not exist anymore"):
        s.value = 3


def test_clones_share_the_container():
    s = theanojax.shared(np.zeros(3))
    t = s.clone()
    t.set_value(np.ones(3))
    assert s.get_value()[0] == 1 and type(t) is type(s)
    assert pickle.loads(pickle.dumps(s)).get_value()[0] == 1


def test_updated_values_come_back_as_arrays():
    s = theanojax.shared(np.zeros(3))
    theanojax.function([], updates=[(s, s + 1)])()
    s.get_value(borrow=True)[0] = 5
    assert s.get_value().tolist() == [5, 1, 1] and type(s.container.value) is np.ndarray
