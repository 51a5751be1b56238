"""Elemwise and DimShuffle: values on both executors, dtypes, broadcasting, gradients, printing, errors."""

import pickle

import numpy as np
import pytest
import scipy.special

import theanojax
import theanojax.scalar as S
import theanojax.tensor as T
import theanojax.tensor.inplace as inplace
from theanojax.gradient import DisconnectedInputError, Rop, grad
from theanojax.printing import debugprint
from theanojax.runtime.host import run_graph

from .helpers import agree, both, check_op

x, y = T.dvectors("x", "y")
m = T.dmatrix("m")
A = np.array([[0.3, -0.7, 0.5], [0.9, 0.1, -0.2]])
V = np.array([0.6, -0.4, 0.8])


def vector(dtype, name=None):
    return T.TensorType(dtype, (False,))(name)


# ------------------------------------------------------------------ values; test_every_op compares the executors
UNARY = {
    "abs_": np.abs,
    "arccos": np.arccos,
    "arcsin": np.arcsin,
    "arcsinh": np.arcsinh,
    "arctan": np.arctan,
    "arctanh": np.arctanh,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "deg2rad": np.deg2rad,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "floor": np.floor,
    "neg": np.negative,
    "rad2deg": np.rad2deg,
    "round_half_to_even": np.round,
    "sgn": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqr": np.square,
    "tan": np.tan,
    "tanh": np.tanh,
    "trunc": np.trunc,
    "inv": np.reciprocal,
    "real": np.real,
    "conj": np.conj,
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "erfcx": scipy.special.erfcx,
    "erfinv": scipy.special.erfinv,
    "i0": scipy.special.i0,
    "gamma": scipy.special.gamma,
    "tensor_copy": np.array,
}
POSITIVE = {
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "gammaln": scipy.special.gammaln,
    "psi": scipy.special.psi,
    "erfcinv": scipy.special.erfcinv,
}


@pytest.mark.parametrize("name", sorted(UNARY))
def test_unary(name):
    got = run_graph([m], getattr(T, name)(m), [A])
    np.testing.assert_allclose(got, UNARY[name](A), rtol=1e-10)


@pytest.mark.parametrize("name", sorted(POSITIVE))
def test_unary_of_positive(name):
    got = run_graph([m], getattr(T, name)(m), [np.abs(A)])
    np.testing.assert_allclose(got, POSITIVE[name](np.abs(A)), rtol=1e-10)


def test_arccosh_and_tri_gamma():
    np.testing.assert_allclose(run_graph([m], T.arccosh(m), [np.abs(A) + 1.5]), np.arccosh(np.abs(A) + 1.5))
    got = run_graph([m], T.tri_gamma(m), [np.abs(A)])
    np.testing.assert_allclose(got, scipy.special.polygamma(1, np.abs(A)), rtol=1e-10)


def test_gammaln_is_exact_to_the_last_digits_near_its_zeros():
    z = np.array([0, 2.0**-30, -(2.0**-30), 2.0**-14, -(2.0**-14)])
    log_gamma = np.poly1d([scipy.special.zeta(4) / 4, -scipy.special.zeta(3) / 3, np.pi**2 / 12, -np.euler_gamma, 0])
    f = theanojax.function([x], T.gammaln(x))
    np.testing.assert_allclose(f(1 + z), log_gamma(z), rtol=1e-14, atol=0)
    np.testing.assert_allclose(f(2 + z), np.log1p(z) + log_gamma(z), rtol=1e-12, atol=0)
    assert f.fn.executor.compilations == 1


@pytest.mark.parametrize("dtype, rtol", [("float64", 3e-15), ("float32", 2e-6)])
def test_erfcx_where_erfc_is_next_to_nothing(dtype, rtol):
    v = vector(dtype)
    values = np.concatenate([np.linspace(-3, 40, 1000), [1e3, 1e30, np.inf]]).astype(dtype)
    f = theanojax.function([v], T.erfcx(v))
    np.testing.assert_allclose(f(values), scipy.special.erfcx(values.astype("float64")), rtol=rtol, atol=0)
    assert f.fn.executor.compilations == 1


def test_psi_is_exact_to_the_last_digits_near_its_zero():
    zero = 1.4616321449683622  # less 9.55e-17, which psi(zero) shows
    values = zero + np.array([0, 1e-15, 1e-9, -1e-6, 1e-3, -0.1])
    f = theanojax.function([x], T.psi(x))
    np.testing.assert_allclose(f(values), scipy.special.psi(values), rtol=1e-13, atol=0)
    assert f(values)[0] == pytest.approx(-9.549995429965697e-17 * scipy.special.polygamma(1, zero), rel=1e-12)
    assert f.fn.executor.compilations == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_number_divided_by_itself_is_one(dtype):
    values, n, row = T.matrix(dtype=dtype), T.scalar(dtype=dtype), T.vector(dtype=dtype)
    f = theanojax.function([values, n, row], [values / n, values // n, values / row, T.floor(values / row)])
    for k in range(1, 300):
        for quotient in f(np.full((2, 3), k, dtype), k, np.full(3, k, dtype)):
            np.testing.assert_array_equal(quotient, 1)
    assert f.fn.executor.compilations == 1
    for k in (41, 49, 98):  # where a product with 1 / k is less than 1
        np.testing.assert_array_equal(theanojax.function([values], values // np.asarray(k, dtype))([[k, k]]), [[1, 1]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_quotients_by_known_numbers(dtype):
    """A division by a power of two is left to XLA, whose product is as exact; what keeps it from others is compiled."""
    values, n = T.matrix(dtype=dtype), T.scalar(dtype=dtype)
    known = [0.125, -4.0, 1024.0, 2.0**-20]
    f = theanojax.function([values, n], [values / np.asarray(k, dtype) for k in known] + [values / n / 2])
    numbers = np.random.RandomState(0).normal(size=(20, 20)).astype(dtype)
    numbers[0] = np.asarray([0.0, -0.0, np.inf, -np.inf, np.nan] * 4, dtype)
    numbers[1] *= np.finfo(dtype).max / 4
    with np.errstate(all="ignore"):
        want = [numbers / np.asarray(k, dtype) for k in known] + [numbers / np.asarray(7, dtype) / np.asarray(2, dtype)]
        for got, expected in zip(f(numbers, 7), want, strict=True):
            np.testing.assert_array_equal(got, expected)
    exact = theanojax.function([values], values / np.asarray(1024, dtype))
    exact(numbers)
    (traced,) = exact.fn.traced
    assert "select" not in traced.lower().step.as_text()


def test_a_division_makes_no_array_of_the_divisor():
    x, n = T.matrix(dtype="float64"), T.scalar(dtype="float64")
    f = theanojax.function([x, n], (T.exp(x) / n / n).sum(axis=1))
    values = np.ones((1000, 1000))
    np.testing.assert_allclose(f(values, 2.0), np.full(1000, 250 * np.e))
    (traced,) = f.fn.traced
    assert traced.lower().compile().memory.temp_size_in_bytes < values.nbytes / 4


def test_what_is_divided_by_nothing_or_undefined():
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -2.5])
    x, y, n = T.vector(dtype="float64"), T.vector(dtype="float64"), T.scalar(dtype="float64")
    f = theanojax.function([x, y, n], [T.outer(T.ones_like(x), y).T / x, x / n, n / x, x / n / n])
    for number in values:
        with np.errstate(all="ignore"):
            whole, *rows = values[:, None] / values, values / number, number / values, values / number / number
        got = f(values, values, number)
        np.testing.assert_array_equal(got[0], whole)
        for a, b in zip(got[1:], rows):
            np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(np.signbit(a[b == 0]), np.signbit(b[b == 0]))


BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "true_div": np.true_divide,
    "mod": np.mod,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "arctan2": np.arctan2,
    "second": lambda a, b: b + 0 * a,
    "int_div": np.floor_divide,
    "lt": np.less,
    "gt": np.greater,
    "le": np.less_equal,
    "ge": np.greater_equal,
    "eq": np.equal,
    "neq": np.not_equal,
}


@pytest.mark.parametrize("name", sorted(BINARY))
def test_binary_broadcasts(name):
    got = run_graph([m, x], getattr(T, name)(m, x), [A, V])
    np.testing.assert_allclose(got, BINARY[name](A, V), rtol=1e-10)


def test_pow():
    check_op([m, x], T.pow(m, x), [np.abs(A), V])
    np.testing.assert_array_equal(both([m], m**2, [A]), np.power(A, 2))


def test_ternary():
    got = check_op([m, x, y], T.switch(m > 0, x, y), [A, V, -V])
    np.testing.assert_array_equal(got[0], np.where(A > 0, V, -V))
    got = check_op([m, x, y], T.clip(m, x, y), [A, V - 0.5, V + 0.25])
    np.testing.assert_array_equal(got[0], np.where(A < V - 0.5, V - 0.5, np.where(A > V + 0.25, V + 0.25, A)))
    check_op([m, x, y], T.add(m, x, y), [A, V, V])
    check_op([m, x, y], T.mul(m, x, y), [A, V, V])


@pytest.mark.parametrize("name", ["gammainc", "gammaincc", "chi2sf", "gammau", "gammal"])
def test_incomplete_gamma(name):
    a, b = np.array([0.5, 2.0, 7.0]), np.array([0.1, 3.0, 4.0])
    want = {
        "gammainc": scipy.special.gammainc(a, b),
        "gammaincc": scipy.special.gammaincc(a, b),
        "chi2sf": scipy.special.chdtrc(b, a),
        "gammau": scipy.special.gammaincc(a, b) * scipy.special.gamma(a),
        "gammal": scipy.special.gammainc(a, b) * scipy.special.gamma(a),
    }[name]
    np.testing.assert_allclose(both([x, y], getattr(T, name)(x, y), [a, b]), want, rtol=1e-9)


@pytest.mark.parametrize("name", ["j0", "j1", "i1"])
def test_bessel(name):
    z = np.array([0.5, 3.0, 12.0])
    np.testing.assert_allclose(run_graph([x], getattr(T, name)(x), [z]), getattr(scipy.special, name)(z))


@pytest.mark.parametrize("name", ["jv", "iv"])
def test_bessel_of_real_order(name):
    order, z = np.array([0.5, 1.0, 2.5]), np.array([0.5, 3.0, 2.0])
    got = both([x, y], getattr(T, name)(x, y), [order, z])
    np.testing.assert_allclose(got, getattr(scipy.special, name)(order, z))
    slope = run_graph([x, y], grad(T.sum(getattr(T, name)(x, y)), y), [order, z])
    np.testing.assert_allclose(slope, getattr(scipy.special, name + "p")(order, z))


def test_complex():
    z = vector("complex128", "z")
    value = np.array([1 + 2j, -0.5j, 3])
    outs = [T.real(z), T.imag(z), abs(z), T.conj(z), T.angle(z), T.exp(z), z * x, z**2]
    got = both([z, x], outs, [value, V])
    for a, b in zip(
        got, [value.real, value.imag, abs(value), value.conj(), np.angle(value), np.exp(value), value * V, value**2]
    ):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    np.testing.assert_array_equal(both([x, y], T.complex(x, y), [V, [np.inf, 1, 2]]).imag, [np.inf, 1, 2])
    np.testing.assert_allclose(both([x, y], T.complex_from_polar(x, y), [abs(V), V]), abs(V) * np.exp(1j * V))


# ------------------------------------------------------------------ integers
def test_integer_division():
    i, j = T.ivectors("i", "j")
    a, b = [7, -7, 7, -7, 6], [2, 2, -2, -2, 3]
    got = both([i, j], [i // j, i % j, i / j, i**j], [a, b])
    np.testing.assert_array_equal(got[0], [3, -4, -4, 3, 2])
    np.testing.assert_array_equal(got[1], [1, 1, -1, -1, 0])
    np.testing.assert_array_equal(got[2], [3.5, -3.5, -3.5, 3.5, 2])
    np.testing.assert_array_equal(got[3], [49, 49, 0, 0, 216])
    assert [v.dtype for v in got] == ["int32", "int32", "float64", "int32"]


@pytest.mark.parametrize("op, text", [("int_div", "integer division by zero"), ("mod", "integer modulo by zero")])
@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_division_by_zero(op, text, dtype):
    i, j = vector(dtype), vector(dtype)
    with pytest.raises(ZeroDivisionError, match=text):
        both([i, j], getattr(T, op)(i, j), [np.ones(2, dtype), np.zeros(2, dtype)])


def test_float_division_by_zero():
    got = both([x, y], [x // y, x / y], [[1, -1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(got[0], [np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(got[1], [np.inf, -np.inf, np.nan])


def test_float_floor_division_is_that_of_C():
    np.testing.assert_array_equal(both([x, y], x // y, [[1, 1, -7.5], [0.1, -0.3, 2]]), [10, -4, -4])
    np.testing.assert_array_equal(both([x, y], x % y, [[5.5, -5.5, 5.5], [2, 2, -2]]), [1.5, 0.5, -0.5])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "int64", "uint64"])
def test_casts_of_floats_wrap(dtype):
    value = np.array([300.7, -300.7, -1.0, 70000.0])
    np.testing.assert_array_equal(both([x], T.cast(x, dtype), [value]), value.astype("int64").astype(dtype))


@pytest.mark.parametrize(
    "a, b, want",
    [
        ("int8", "uint8", "int16"),
        ("int32", "float32", "float64"),
        ("int8", "float32", "float32"),
        ("bool", "bool", "bool"),
        ("float16", "float16", "float16"),
        ("int64", "uint64", "float64"),
        ("float32", "complex64", "complex64"),
        ("uint8", "int32", "int32"),
    ],
)
def test_mixed_dtypes(a, b, want):
    i, j = vector(a), vector(b)
    outs = [i + j, i * j, T.maximum(i, j) if "complex" not in want else i + j, T.eq(i, j)]
    assert [v.dtype for v in outs] == [want, want, want, "bool"]
    both([i, j], outs, [np.array([1, 0, 1]).astype(a), np.array([0, 1, 1]).astype(b)])


def test_overflow_wraps():
    i = vector("int8")
    np.testing.assert_array_equal(
        both([i], [i + i, i * i, -i], [np.array([100, -128], "int8")]), [[-56, 0], [16, 0], [-100, -128]]
    )


def test_bits_and_logic():
    i, j = T.ivectors("i", "j")
    a, b = np.array([5, -3, 0], "int32"), np.array([3, 6, 1], "int32")
    got = both([i, j], [i & j, i | j, i ^ j, ~i], [a, b])
    for got_one, want in zip(got, [a & b, a | b, a ^ b, ~a]):
        np.testing.assert_array_equal(got_one, want)
    p = vector("bool")
    np.testing.assert_array_equal(
        both([p], [~p, p & p, p ^ p, p + p, p * p], [[True, False]]), [[0, 1], [1, 0], [0, 0], [1, 0], [1, 0]]
    )


def test_nan():
    value = [np.nan, 1.0, 2.0]
    got = both(
        [x, y], [T.maximum(x, y), T.minimum(x, y), T.sgn(x), T.clip(x, 0, 1), x % y, x // y, T.isnan(x)], [value, V]
    )
    assert all(np.isnan(v[0]) for v in got[:-1])
    np.testing.assert_array_equal(got[-1], [True, False, False])


def test_isclose():
    a, b = [1.0, np.nan, np.inf, np.inf], [1.0 + 1e-9, np.nan, np.inf, -np.inf]
    np.testing.assert_array_equal(both([x, y], T.isclose(x, y), [a, b]), [True, False, True, False])
    np.testing.assert_array_equal(both([x, y], T.isclose(x, y, equal_nan=True), [a, b]), [True, True, True, False])
    assert not both([x, y], T.allclose(x, y), [a, b])
    i = T.ivector("i")
    np.testing.assert_array_equal(both([i], [T.isnan(i), T.isinf(i)], [[1, 2]]), [[False] * 2] * 2)


def test_rounding():
    value = [0.5, 1.5, -0.5, -2.5, 2.4]
    np.testing.assert_array_equal(both([x], T.round(x, mode="half_to_even"), [value]), [0, 2, -0.0, -2, 2])
    np.testing.assert_array_equal(both([x], T.round(x, mode="half_away_from_zero"), [value]), [1, 2, -1, -3, 2])
    assert T.iround(x, mode="half_to_even").dtype == "int64"
    with pytest.raises(Exception, match="round mode nearest is not implemented"):
        T.round(x, mode="nearest")


def test_ceil_intdiv():
    i = T.ivector("i")
    np.testing.assert_array_equal(both([i], T.ceil_intdiv(i, 3), [[0, 1, 3, 4, 6, 7]]), [0, 1, 1, 2, 2, 3])


# ------------------------------------------------------------------ broadcasting
@pytest.mark.parametrize("a, b", [([1.0, 2.0], [1.0, 2.0, 3.0]), ([1.0], [1.0, 2.0, 3.0])])
def test_lengths_must_match(a, b):
    text = r"Input dimension mis-match. \(input\[0\].shape\[0\] = %d, input\[1\].shape\[0\] = 3\)" % len(a)
    with pytest.raises(ValueError, match=text):
        both([x, y], x + y, [a, b])


def test_scalars_empty_and_rows():
    s, row, col = T.dscalar("s"), T.drow("r"), T.dcol("c")
    assert both([s], s * 2 + 1, [3.0]) == 7
    np.testing.assert_array_equal(both([row, col], row + col, [[[1, 2]], [[10], [20]]]), [[11, 12], [21, 22]])
    assert both([row, x], row * x, [np.zeros((1, 0)), np.zeros(0)]).shape == (1, 0)
    assert both([row, x], T.fill(row, x), [np.zeros((1, 1)), np.zeros(1)]).shape == (1, 1)
    got = both([m, s], T.fill(m, s), [A, 2.0])
    np.testing.assert_array_equal(got, np.full(A.shape, 2.0))
    got[0, 0] = 1  # the result is an array of its own


def test_gradient_sums_what_was_stretched():
    row, col = T.drow("r"), T.dcol("c")
    check_op([row, col], T.exp(row * col), [[[0.1, 0.2, 0.3]], [[1.0], [2.0]]])
    (g,) = grad(T.sum(m * row), [row])
    assert g.broadcastable == (True, False)


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE", theanojax.Mode("cvm", None)])
def test_a_quotient_divided_by_itself_is_one(mode):
    """XLA makes one division of two: (x / s) / (x / s) was less than 1 for every twentieth number, and // then 0."""
    s = T.dscalar("s")
    q = m / s
    apart = T.switch(T.lt(abs(q), 0.2), 1.0, q)
    f = theanojax.function([m, s], [q // q, q / q, q // apart, q % apart], mode=mode)
    rng = np.random.RandomState(0)
    for _ in range(5):
        values = rng.normal(3, 0.5, (20, 20))
        whole, exact, same, rest = f(values, rng.uniform(1, 5))
        assert (whole == 1).all() and (exact == 1).all() and (same == 1).all() and (rest == 0).all()


def test_infer_shape_prefers_what_is_not_broadcastable():
    row = T.drow("r")
    out = row + m
    (shape,) = out.owner.op.infer_shape(out.owner, [(1, "n"), ("rows", "n2")])
    assert shape == ("rows", "n")


# ------------------------------------------------------------------ gradients' structure
def test_printed_gradient():
    text = debugprint(grad(T.sum(T.exp(x) * y), x), file="str")
    want = """Elemwise{mul} [id A] ''   
 |Elemwise{mul} [id B] ''   
 | |Elemwise{second} [id C] ''   
 | | |Elemwise{mul,no_inplace} [id D] ''   
 | | | |Elemwise{exp,no_inplace} [id E] ''   
 | | | | |x [id F]
 | | | |y [id G]
 | | |InplaceDimShuffle{x} [id H] ''   
 | |   |Elemwise{second,no_inplace} [id I] ''   
 | |     |Sum{acc_dtype=float64} [id J] ''   
 | |     | |Elemwise{mul,no_inplace} [id D] ''   
 | |     |TensorConstant{1.0} [id K]
 | |y [id G]
 |Elemwise{exp} [id L] ''   
   |x [id F]
"""  # noqa: W291
    assert text == want


def test_second_disconnects_its_first_argument():
    with pytest.raises(DisconnectedInputError):
        grad(T.sum(T.fill(x, y)), x)


def test_comparisons_pass_no_gradient():
    g = grad(T.sum((x > y) * x), x)
    np.testing.assert_array_equal(run_graph([x, y], g, [V, V - 1]), np.ones(3))


def test_R_op():
    point = T.dvector("point")
    got = both([x, point], Rop(T.tanh(x), x, point), [V, [1.0, 2.0, 3.0]])
    np.testing.assert_allclose(got, (1 - np.tanh(V) ** 2) * [1, 2, 3])
    point = T.dmatrix("point")
    got = both([m, point], Rop(m.T, m, point), [A, 2 * A])
    np.testing.assert_array_equal(got, 2 * A.T)


def test_gradient_needs_no_test_values():
    from theanojax.config import change_flags

    with change_flags(compute_test_value="raise"):
        v = T.dvector("v")
        v.tag.test_value = V
        assert grad(T.sum(v**2), v).tag.test_value.tolist() == (2 * V).tolist()


# ------------------------------------------------------------------ user Ops and Composite
class Relu(S.UnaryScalarOp):
    def impl(self, v):
        return v if v > 0 else 0.0

    def grad(self, inputs, gradients):
        return [gradients[0] * S.gt(inputs[0], 0)]


class DivMod(S.BinaryScalarOp):
    nout = 2

    def impl(self, a, b):
        return divmod(a, b)


def test_user_scalar_op():
    relu = T.Elemwise(Relu(S.same_out, name="relu"))
    assert str(relu) == "Elemwise{relu}" and relu.runs_on_host(relu(m).owner)
    got = check_op([m], relu(m), [A])
    np.testing.assert_array_equal(got[0], np.maximum(A, 0))
    assert run_graph([m], relu(m), [np.zeros((0, 3))]).shape == (0, 3)


def test_user_scalar_op_of_two_outputs():
    q, r = T.Elemwise(DivMod(lambda a, b: (a, S.float32)))(m, x)
    assert (q.dtype, r.dtype) == ("float64", "float32")
    got = both([m, x], [q, r], [A, V])
    np.testing.assert_allclose(got[0], A // V)
    np.testing.assert_allclose(got[1], (A % V).astype("float32"))


def test_user_scalar_op_with_nfunc_spec():
    class Hypot(S.BinaryScalarOp):
        nfunc_spec = ("hypot", 2, 1)

        def impl(self, a, b):
            raise AssertionError("numpy's function does it")

    op = T.Elemwise(Hypot(S.upgrade_to_float))
    np.testing.assert_allclose(both([x, y], op(x, y), [V, V]), np.hypot(V, V))


def test_more_inputs_than_a_ufunc_takes():
    class Total(S.ScalarOp):
        def impl(self, *values):
            return sum(values)

    vectors = [T.dvector() for _ in range(40)]
    values = [V] * 40
    np.testing.assert_allclose(run_graph(vectors, T.Elemwise(Total(S.upcast_out))(*vectors), values), 40 * V)
    np.testing.assert_allclose(both(vectors, T.add(*vectors), values), 40 * V)


def test_composite_in_elemwise():
    a, b = S.float64("a"), S.int8("b")
    c = T.Elemwise(S.Composite([a, b], [S.exp(a) * b, S.cast(a, "int8")]))
    i = vector("int8", "i")
    assert str(c) == "Elemwise{Composite{(exp(i0) * i1), Cast{int8}(i0)}}"
    got = both([x, i], c(x, i), [V, [1, 2, 3]])
    np.testing.assert_allclose(got[0], np.exp(V) * [1, 2, 3])
    agree(c(x, i)[1], got[1], V.astype("int8"))


def test_composite_with_host_op_runs_on_host():
    a = S.float64("a")
    c = T.Elemwise(S.Composite([a], [S.j0(a) + 1]))
    np.testing.assert_allclose(both([x], c(x), [V]), scipy.special.j0(V) + 1)


# ------------------------------------------------------------------ names, pickles, in place
def test_names():
    ops = T.add, T.second, T.exp, T.Elemwise(S.exp), T.abs_, T.Elemwise(S.convert_to_float64)
    assert [str(op) for op in ops] == [
        "Elemwise{add,no_inplace}",
        "Elemwise{second,no_inplace}",
        "Elemwise{exp,no_inplace}",
        "Elemwise{exp}",
        "Elemwise{abs_,no_inplace}",
        "Elemwise{Cast{float64}}",
    ]
    op = T.Elemwise(S.Add(S.transfer_type(0)), {0: 0})
    assert str(op) == "Elemwise{Add}[(0, 0)]" and op.destroy_map == {0: [0]}
    assert T.Elemwise(S.exp) == T.exp and hash(T.Elemwise(S.exp)) == hash(T.exp)


@pytest.mark.parametrize("op", [T.exp, T.eq, inplace.exp_inplace, T.DimShuffle((False, True), (0,))])
def test_pickle(op):
    twin = pickle.loads(pickle.dumps(op))
    assert twin == op and hash(twin) == hash(op) and str(twin) == str(op)


def test_inplace():
    assert str(inplace.exp_inplace) == "exp_inplace" and inplace.exp_inplace != T.exp
    np.testing.assert_allclose(both([x, y], inplace.add_inplace(x, y), [V, V]), 2 * V)
    assert both([x], inplace.lt_inplace.__class__(S.LT())(x, 0.0), [V]).dtype == bool
    with pytest.raises(ValueError, match="inplace on an input with broadcasted dimensions"):
        inplace.add_inplace(T.drow(), m)
    with pytest.raises(TypeError, match="inplace operation on incompatible data types"):
        inplace.lt_inplace(x, y)
    assert str(inplace.transpose_inplace(m).owner.op) == "InplaceDimShuffle{1,0}"


# ------------------------------------------------------------------ DimShuffle
@pytest.mark.parametrize("order", [(1, 0), ("x", 0, 1), (1, "x", 0), (0, 1, "x"), (0, 1)])
def test_dimshuffle(order):
    got = check_op([m], m.dimshuffle(*order), [A])
    kept = [j for j in order if j != "x"]
    want = A.transpose(kept).reshape([1 if j == "x" else A.shape[j] for j in order])
    np.testing.assert_array_equal(got[0], want)


def test_dimshuffle_drops():
    row = T.drow("r")
    check_op([row], row.dimshuffle(1), [[[1.0, 2.0]]])


@pytest.mark.parametrize(
    "pattern, order, error, text",
    [
        ((False, False), (0,), ValueError, "You cannot drop a non-broadcastable dimension"),
        ((False,), (1,), ValueError, r"new_order\[0\] is 1, but the input only has 1 axes"),
        ((False,), (0, 0), ValueError, "may not appear twice"),
        ((False,), ("y",), TypeError, "DimShuffle indices must be python ints. Got: 'y'"),
    ],
)
def test_dimshuffle_errors(pattern, order, error, text):
    with pytest.raises(error, match=text):
        T.DimShuffle(pattern, order)


def test_dimshuffle_checks_its_input():
    with pytest.raises(TypeError, match="number of dimensions of the input is incorrect"):
        T.DimShuffle((False,), (0,))(m)
    with pytest.raises(TypeError, match="broadcastable pattern of the input is incorrect"):
        T.DimShuffle((True,), ())(x)
    with pytest.raises(ValueError, match="inplace for DimShuffle must be true"):
        T.DimShuffle((False,), (0,), inplace=False)


def test_a_mask_does_not_hide_what_is_infinite():
    x, y = T.dvectors("xy")
    product = both([x, y], T.cast(T.gt(x, 1), "float64") * y, [[0.0, 2.0, 0.0], [np.inf, 3.0, 4.0]])
    np.testing.assert_array_equal(product, [np.nan, 3, 0])


@pytest.mark.parametrize("name, limit", [("gammainc", 1.0), ("gammaincc", 0.0), ("gammal", np.inf)])
def test_incomplete_gamma_functions_of_order_zero(name, limit):
    k, x = T.dvectors("kx")
    value = both([k, x], getattr(T, name)(k, x), [[0.0, 0.0], [0.3, 2.0]])
    np.testing.assert_array_equal(value, [limit, limit])


def test_ops_that_are_alike_are_one():
    x, y = T.dvectors("x", "y")
    assert x.dimshuffle("x", 0).owner.op is y.dimshuffle("x", 0).owner.op
    assert x.sum(axis=0).owner.op is y.sum(axis=0).owner.op
    cost = (T.tanh(x) * T.tanh(y)).sum()
    ops = {}
    for node in theanojax.gof.graph.io_toposort([x, y], grad(cost, [x, y])):
        assert ops.setdefault((type(node.op), str(node.op)), node.op) is node.op
    with pytest.raises(TypeError, match="must be python ints"):
        x.dimshuffle(0.0)


def test_numbers_in_the_precision_that_an_op_asks_for():
    """The factorial of 40 alone is too large for float32."""
    n, x = T.fscalars("n", "x")
    np.testing.assert_allclose(both([n, x], T.polygamma(n, x), [40, 3]), scipy.special.polygamma(40, 3), rtol=1e-5)
    assert theanojax.function([n, x], T.polygamma(n, x))(40, 3) < -2e28
