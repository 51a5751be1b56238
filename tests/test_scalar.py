"""Scalar types, casting rules, scalar Ops and Composite."""

import pickle

import numpy as np
import pytest
import scipy.special

import theanojax.scalar as S
from theanojax.config import change_flags
from theanojax.printing import pprint


def show(v):
    """A scalar graph as text, constants with their types."""
    if v.owner is None:
        return "%s:%s" % (v.data, v.type) if hasattr(v, "data") else v.name
    return "%s(%s)" % (v.owner.op, ", ".join(map(show, v.owner.inputs)))


def gradient(op, *inputs):
    node = op.make_node(*inputs)
    gz = S.get_scalar_type(node.outputs[0].dtype)("gz")
    return [show(g) for g in op.L_op(inputs, node.outputs, [gz])]


# ------------------------------------------------------------------ dtypes
@pytest.mark.parametrize(
    "dtypes, want",
    [
        (("int8", "uint8"), "int16"),
        (("int64", "uint64"), "float64"),
        (("int32", "float32"), "float64"),
        (("int16", "float32"), "float32"),
        (("float64", "complex64"), "complex128"),
        (("bool", "bool"), "bool"),
        (("float16", "int8"), "float16"),
    ],
)
def test_upcast(dtypes, want):
    assert S.upcast(*dtypes) == want


def test_upcast_keeps_floatX():
    with change_flags(cast_policy="numpy+floatX", floatX="float32"):
        assert S.upcast("int32", "float32") == "float32"
        assert S.upcast("int64", "int32", "float32") == "float32"
        assert S.upcast("float64", "float32") == "float64"


@pytest.mark.parametrize(
    "value, dtype",
    [
        (1, "int8"),
        (128, "int16"),
        (40000, "int32"),
        (2**40, "int64"),
        (2**63, "uint64"),
        (1.5, "float32"),
        (1.1, "float64"),
        (1e300, "float64"),
        (np.float64(1.5), "float64"),
        (np.float32(1.1), "float32"),
        (np.int64(3), "int64"),
        (1 + 2j, "complex128"),
        (np.array(3, dtype="uint16"), "uint16"),
    ],
)
def test_constant_dtype(value, dtype):
    assert S.constant(value).dtype == dtype


def test_constant_dtype_by_policy():
    with change_flags(cast_policy="numpy+floatX", floatX="float32"):
        assert S.constant(1.1).dtype == "float32"
        assert S.constant(1).dtype == "int64"
        assert S.constant(np.float64(1.1)).dtype == "float64"
    with change_flags(floatX="float32"):
        assert S.constant(1.1).dtype == "float32"


def test_autocast_float_as():
    with S.autocast_float_as("float32"):
        assert S.constant(1.1).dtype == "float32"
    assert S.constant(1.1).dtype == "float64"
    with change_flags(cast_policy="numpy+floatX"), pytest.raises(AssertionError, match="cast_policy"):
        S.autocast_float_as("float32")


def test_filter():
    assert S.int8.filter(3.0) == 3 and type(S.int8.filter(3)) is np.int8
    assert S.int8.filter(300, allow_downcast=True) == 44
    for bad in (300, 1.5, "x"):
        with pytest.raises(TypeError, match="Could not convert"):
            S.int8.filter(bad)
    with pytest.raises(TypeError, match="expected a"):
        S.float64.filter(1, strict=True)
    with change_flags(floatX="float32"):
        assert S.float32.filter(1.1) == np.float32(1.1)


def test_values_eq_approx():
    assert S.float32.values_eq_approx(1.0, 1.00001) and not S.float32.values_eq_approx(1.0, 1.01)
    assert S.int8.values_eq_approx(np.int8(127), np.int8(127))
    assert not S.int8.values_eq_approx(np.int8(127), np.int8(-127))


def test_types():
    assert S.Scalar("floatX") == S.float64 == S.get_scalar_type("float64") and S.float64 != S.float32
    assert pickle.loads(pickle.dumps(S.float64)) == S.float64
    assert (str(S.float32), repr(S.float32)) == ("float32", "Scalar(float32)")
    with pytest.raises(TypeError, match="Unsupported dtype for Scalar: float99"):
        S.Scalar("float99")
    a, b = S.floats("ab")
    assert (a.name, b.name, a.dtype) == ("a", "b", "float64")


def test_as_scalar():
    x = S.float64("x")
    assert S.as_scalar(x) is x and S.as_scalar((x + 1).owner).dtype == "float64"
    with pytest.raises(TypeError, match="Cannot convert"):
        S.as_scalar("abc")


@pytest.mark.parametrize(
    "op, types, want",
    [
        ("add", ("int8", "uint8"), "int16"),
        ("exp", ("int8",), "float32"),
        ("exp", ("int32",), "float64"),
        ("exp", ("float16",), "float16"),
        ("true_div", ("int8", "int8"), "float64"),
        ("pow", ("bool", "bool"), "int8"),
        ("eq", ("float64", "int8"), "bool"),
        ("abs_", ("complex64",), "float32"),
        ("abs_", ("bool",), "bool"),
        ("switch", ("int8", "float32", "int16"), "float32"),
        ("second", ("float64", "int8"), "int8"),
        ("complex", ("float32", "float32"), "complex64"),
        ("complex", ("int32", "int8"), "complex128"),
        ("angle", ("complex64",), "float64"),
        ("real", ("complex128",), "float64"),
        ("conj", ("bool",), "int8"),
        ("chi2sf", ("float32", "float32"), "float64"),
        ("invert", ("uint8",), "uint8"),
        ("and_", ("bool", "bool"), "bool"),
        ("inclosedrange", ("float64",) * 3, "int8"),
        ("ceil", ("int64",), "float64"),
        ("sqr", ("int8",), "int8"),
    ],
)
def test_output_dtype(op, types, want):
    node = getattr(S, op).make_node(*[S.Scalar(t)() for t in types])
    assert node.outputs[0].dtype == want


@pytest.mark.parametrize(
    "op, types, text",
    [
        ("neg", ("bool",), "bool input not supported"),
        ("sub", ("bool", "bool"), "bool output not supported"),
        ("clip", ("complex64",) * 3, "complex type are not supported"),
        ("floor", ("complex64",), "complex argument"),
        ("round_half_to_even", ("int8",), "only float type"),
        ("and_", ("bool", "int8"), "be all bools"),
        ("invert", ("float32",), "input to a BitOp"),
        ("exp", ("int8", "int8"), "Wrong number of inputs"),
    ],
)
def test_refused_dtype(op, types, text):
    with pytest.raises(TypeError, match=text):
        getattr(S, op).make_node(*[S.Scalar(t)() for t in types])


def test_complex_division_is_refused():
    z, x = S.complex64("z"), S.float32("x")
    for f in (lambda: z % x, lambda: x % z):
        with pytest.raises(S.ComplexError, match="mod operator"):
            f()
    with pytest.raises(TypeError, match="Casting from complex to real is ambiguous"):
        S.cast(z, "float32")


def test_division_of_integers():
    i = S.int32("i")
    assert (i / S.float32("x")).owner.op is S.true_div
    with pytest.warns(DeprecationWarning, match="Division of two integer types"):
        assert (i / i).owner.op is S.int_div
    with change_flags(int_division="floatX"):
        assert (i / i).owner.op is S.true_div
    with change_flags(int_division="raise"), pytest.raises(S.IntegerDivisionError, match="int_division"):
        i / i


# ------------------------------------------------------------------ values
@pytest.mark.parametrize(
    "op, args, want",
    [
        ("add", (1, 2, 3), 6),
        ("int_div", (-7, 2), -4),
        ("mod", (-7, 2), 1),
        ("mod", (7, -2), -1),
        ("pow", (2, 3), 8),
        ("pow", (2, -1), 0),
        ("pow", (-1, -3), -1),
        ("switch", (0.0, 1, 2), 2),
        ("clip", (5, 0, 3), 3),
        ("round_half_to_even", (2.5,), 2),
        ("round_half_away_from_zero", (2.5,), 3),
        ("round_half_away_from_zero", (0.49999999999999994,), 0),
        ("sgn", (-2.0,), -1),
        ("second", (1, 2), 2),
        ("inopenrange", (1.0, 1.0, 2.0), 0),
        ("inclosedrange", (1.0, 1.0, 2.0), 1),
        ("inv", (4,), 0.25),
        ("xor", (5, 3), 6),
        ("complex_from_polar", (2.0, 0.0), 2),
        ("int_div", (1.0, 0.1), 10.0),
        ("int_div", (1.0, -0.3), -4.0),
        ("tri_gamma", (1.0,), np.pi**2 / 6),
        ("erfcinv", (0.5,), scipy.special.erfcinv(0.5)),
        ("chi2sf", (2.0, 3.0), scipy.special.chdtrc(3, 2)),
        ("gammau", (2.0, 1.0), 2 * np.exp(-1)),
    ],
)
def test_impl(op, args, want):
    np.testing.assert_allclose(getattr(S, op).impl(*args), want, rtol=1e-12)


def test_integer_division_by_zero():
    with pytest.raises(ZeroDivisionError, match="integer division by zero"):
        S.int_div.impl(1, 0)
    with pytest.raises(ZeroDivisionError, match="integer modulo by zero"):
        S.mod.impl(1, 0)


def test_cast_wraps():
    assert S.convert_to_uint8.impl(-1.0) == 255 and S.convert_to_int8.impl(300.0) == 44


def test_polar_radius():
    with pytest.raises(ValueError, match="polar radius must be non-negative"):
        S.complex_from_polar.impl(-1.0, 0.0)


# ------------------------------------------------------------------ gradients, as Theano builds them
@pytest.mark.parametrize(
    "op, want",
    [
        ("exp", "mul(gz, exp(x))"),
        ("log2", "true_div(gz, mul(x, 0.6931471805599453:float64))"),
        ("arccos", "true_div(neg(gz), sqrt(sub(1.0:float32, sqr(x))))"),
        ("arcsinh", "true_div(gz, sqrt(add(sqr(x), 1.0:float64)))"),
        ("sqrt", "true_div(mul(gz, 0.5:float32), sqrt(x))"),
        ("tanh", "mul(gz, sub(1:int8, sqr(tanh(x))))"),
        ("abs_", "mul(gz, sgn(x))"),
        ("gammaln", "mul(gz, psi(x))"),
        ("erfcx", "mul(gz, add(-1.1283791670955126:float64, mul(mul(2.0:float32, x), erfcx(x))))"),
        ("ceil", "second(x, 0.0:float64)"),
        ("j0", "mul(mul(gz, -1:int8), j1(x))"),
    ],
)
def test_gradient_of_one(op, want):
    assert gradient(getattr(S, op), S.float64("x")) == [want]


@pytest.mark.parametrize(
    "op, want",
    [
        ("mul", ["mul(gz, y)", "mul(gz, x)"]),
        ("sub", ["gz", "neg(gz)"]),
        ("true_div", ["true_div(gz, y)", "true_div(neg(mul(gz, x)), mul(y, y))"]),
        ("maximum", ["mul(EQ(o, x), gz)", "mul(sub(1.0:float64, EQ(o, x)), gz)"]),
        (
            "pow",
            [
                "mul(mul(gz, y), pow(x, sub(y, 1:int8)))",
                "Switch(EQ(x, 0:int8), 0:int8, mul(mul(gz, log(x)), pow(x, y)))",
            ],
        ),
        ("mod", ["gz", "mul(neg(int_div(x, y)), gz)"]),
    ],
)
def test_gradient_of_two(op, want):
    x, y = S.float64("x"), S.float64("y")
    out = getattr(S, op)(x, y)
    out.owner, out.name = None, "o"
    assert [show(g) for g in getattr(S, op).L_op([x, y], [out], [S.float64("gz")])] == want


def test_no_gradient_through_integers():
    assert gradient(S.add, S.int8("x"), S.int8("y"))[0] == "Cast{float64}(second(x, 0:int8))"
    with pytest.raises(NotImplementedError):
        gradient(S.exp, S.complex64("x"))


# ------------------------------------------------------------------ classes and printing
def test_names():
    assert [str(op) for op in (S.add, S.abs_, S.eq, S.switch, S.convert_to_int8, S.inopenrange)] == [
        "add",
        "Abs",
        "EQ",
        "Switch",
        "Cast{int8}",
        "InRange{openlow=True, openhi=True}",
    ]
    assert isinstance(S.exp, S.Exp) and S.Exp.__name__ == "Exp" and issubclass(S.Exp, S.UnaryScalarOp)
    x, y = S.float64("x"), S.float64("y")
    assert pprint(-x + y * x**2 % 3) == "((-x) + ((y * (x ** Constant{2})) % Constant{3}))"


@pytest.mark.parametrize(
    "op", [S.add, S.exp, S.eq, S.convert_to_int8, S.clip, S.gammaln, S.inopenrange, S.Exp(S.transfer_type(0))]
)
def test_pickle(op):
    twin = pickle.loads(pickle.dumps(op))
    assert twin == op and hash(twin) == hash(op) and str(twin) == str(op)


def test_equality():
    assert S.Exp(S.transfer_type(0)) == S.Exp(S.transfer_type(0)) != S.exp
    assert S.inopenrange != S.inclosedrange
    assert S.specific_out(S.float64) == S.specific_out(S.float64)


class Half(S.UnaryScalarOp):
    """A user's Op, which knows single numbers only."""

    def impl(self, x):
        return x / 2 if x > 0 else 0.0

    def grad(self, inputs, gradients):
        return [gradients[0] * 0.5]


def test_user_op():
    half = Half(S.upgrade_to_float, name="half")
    assert half.runs_on_host(None) and not half.has_array_body() and half.impl(3.0) == 1.5
    assert half(S.int8("x")).dtype == "float32"

    class Louder(S.Exp):
        def impl(self, x):
            return 2 * np.exp(x)

    assert not Louder(S.upgrade_to_float).has_array_body()
    with pytest.raises(TypeError, match="Expected a callable"):
        Half("float64")
    with pytest.raises(NotImplementedError, match="Cannot calculate the output types"):
        Half()(S.float64("x"))


# ------------------------------------------------------------------ Composite
def test_composite():
    x, y = S.float64("x"), S.float64("y")
    c = S.Composite([x, y], [S.exp(x) * y + S.exp(x)])
    assert str(c) == "Composite{((exp(i0) * i1) + exp(i0))}"
    assert len(c.fgraph.apply_nodes) == 3  # exp is computed once
    np.testing.assert_allclose(c.impl(1.0, 2.0), 3 * np.e)
    assert c == S.Composite([y, x], [S.exp(y) * x + S.exp(y)]) != S.Composite([y, x], [S.exp(x) * y + S.exp(x)])
    twin = pickle.loads(pickle.dumps(c))
    assert twin == c and hash(twin) == hash(c) and twin.impl(1.0, 2.0) == c.impl(1.0, 2.0)


def test_composite_unfolds():
    x, y = S.float64("x"), S.float64("y")
    inner = S.Composite([x, y], [x * y + 1])
    outer = S.Composite([x], [inner(S.exp(x), x)])
    assert str(outer) == "Composite{((exp(i0) * i0) + Constant{1})}"
    assert not any(isinstance(n.op, S.Composite) for n in outer.fgraph.apply_nodes)


def test_composite_several_outputs():
    x = S.float32("x")
    c = S.Composite([x], [x + 1, S.eq(x, 0)])
    assert c.nout == 2 and c.impl(np.float32(0)) == (1.0, True)


def test_composite_of_other_types():
    x = S.float64("x")
    c = S.Composite([x], [x * 2])
    out = c(S.int8("i"))
    assert out.dtype == "int8" and isinstance(out.owner.op, S.Composite) and out.owner.op is not c


def test_composite_float16():
    x = S.float16("x")
    c = S.Composite([x], [S.cast(S.exp(x), "float16") * 2]).clone_float32()
    assert {v.dtype for n in c.fgraph.apply_nodes for v in n.inputs + n.outputs} <= {"float32", "int8"}


def test_composite_errors():
    x, y = S.float64("x"), S.float64("y")
    with pytest.raises(ValueError, match="orphans"):
        S.Composite([x], [x + y])
    with pytest.raises(TypeError, match="Wrong types for Composite"):
        S.Composite([x], [x + 1]).output_types([S.int8])
    with pytest.raises(NotImplementedError, match="grad is not implemented for Composite"):
        S.Composite([x], [x + 1]).grad([x], [x])


def test_shared():
    from theanojax.scalar.sharedvar import shared

    s = shared(np.float32(2), "s")
    assert s.type == S.float32 and (s + 1).dtype == "float32" and s.get_value() == 2
    with pytest.raises(TypeError, match="needs a number"):
        shared([1])
