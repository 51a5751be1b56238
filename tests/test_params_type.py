"""Types of Op parameters: enumerations, and several parameters as one object."""

import pickle

import numpy as np
import pytest

import theanojax
import theanojax.tensor as T
from theanojax.graph.enum_types import CEnumType, EnumList, EnumType
from theanojax.graph.op import Op
from theanojax.graph.params_type import Params, ParamsType
from theanojax.graph.type import Generic
from theanojax.graph.variable import Apply
from theanojax.scalar import Scalar
from theanojax.tensor.type import TensorType


def test_constants_of_an_enum():
    e = EnumType(A=1, B=("beta", 2.5), C=True, ctype="unsigned  long")
    assert (e.A, e["B"], e.C, type(e.C)) == (1, 2.5, 1, int)
    assert e.ctype == "unsigned long" and e.cname == "unsigned_long"
    assert e.fromalias("beta") == e.fromalias("B") == 2.5
    assert e.has_alias("beta") and not e.has_alias("B") and e.get_aliases() == ("beta",)
    assert repr(e) == "EnumType<unsigned long>(A:1, B(beta):2.5, C:1)"
    with pytest.raises(AttributeError, match="no attribute 'D'"):
        e.D
    for change in (lambda: setattr(e, "A", 3), lambda: e.__setitem__("A", 3), lambda: e.__delitem__("A")):
        with pytest.raises(NotImplementedError, match="immutable"):
            change()


def test_lists_are_numbered():
    e = EnumList("A", ("B", "beta"), "C")
    assert (e.A, e.B, e.C, e.ctype) == (0, 1, 2, "int") and e.fromalias("beta") == 1
    assert CEnumType("A", ("B", "beta"), "C") != e


@pytest.mark.parametrize(
    "make, error, text",
    [
        (lambda: EnumType(a=1), AttributeError, 'invalid enum name: "a"'),
        (lambda: EnumList("_A"), AttributeError, "invalid enum name"),
        (lambda: EnumType(A="no"), TypeError, "expected integer or floating value"),
        (lambda: EnumType(A=("x", 1, 2)), TypeError, "alias followed by constant value"),
        (lambda: EnumType(A=(1, 1)), TypeError, "alias should be a string"),
        (lambda: EnumType(A=("A", 1)), TypeError, "useless"),
        (lambda: EnumType(A=("x", 1), B=("x", 2)), TypeError, "already used"),
        (lambda: EnumType(A=("B", 1), B=2), TypeError, "same names as constants"),
        (lambda: EnumType(A=1, ctype="a-b"), TypeError, "invalid C type"),
        (lambda: EnumType(A=1, cname="a b"), TypeError, "invalid C name"),
        (lambda: EnumList(3), TypeError, "name should be a string"),
        (lambda: EnumList("A", "A"), TypeError, "name already used"),
        (lambda: EnumList(("A", "a", "b")), TypeError, "name followed by constant alias"),
    ],
)
def test_bad_enums(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_enums_compare_filter_and_pickle():
    e = EnumList("A", ("B", "beta"))
    assert e == EnumList("A", ("B", "beta")) and hash(e) == hash(EnumList("A", ("B", "beta")))
    assert e != EnumList("A", ("B", "b")) and e != EnumList("A", ("B", "beta"), ctype="long")
    assert e.filter("beta") == e.filter("B") == e.filter(True) == 1
    with pytest.raises(AssertionError, match="not a value"):
        e.filter(7)
    with pytest.raises(KeyError):
        e.filter("C")
    assert pickle.loads(pickle.dumps(e)) == e


def params_type():
    return ParamsType(table=TensorType("float64", (False,)), scale=Scalar("float32"), any=Generic())


def test_params_hold_converted_values():
    kind = params_type()

    class Source:
        table, scale = [1, 2], 5

    p = kind.get_params(Source(), any="x", scale=2)
    assert p.table.dtype == "float64" and p.scale == 2 and p.scale.dtype == "float32" and p["any"] == "x"
    q = kind.get_params(table=np.array([1.0, 2.0]), scale=2, any="x")
    assert p == q and hash(p) == hash(q) and p != kind.get_params(table=[1, 3], scale=2, any="x")
    assert pickle.loads(pickle.dumps(p)) == p
    assert kind.filter(p, strict=True) is p
    with pytest.raises(TypeError, match="should be an instance of Params"):
        kind.filter(Source(), strict=True)
    with pytest.raises(NotImplementedError, match="immutable"):
        p.scale = 3
    with pytest.raises(AttributeError, match='attribute "size" does not exist'):
        p.size
    with pytest.raises(TypeError, match="not in Params args"):
        Params(kind, scale=2)
    with pytest.raises(TypeError, match="should be a ParamsType"):
        Params(3)
    with pytest.raises(KeyError):
        kind.get_params(Source())


def test_params_type_knows_its_fields():
    kind = params_type()
    assert kind.fields == ("any", "scale", "table") and kind.length == 3
    assert kind == params_type() and hash(kind) == hash(params_type()) and kind.name == params_type().name
    more = kind.extended(other=Generic())
    assert more != kind and more.fields == ("any", "other", "scale", "table")
    assert kind.has_type(Scalar("float32")) and kind.get_field(Scalar("float32")) == "scale"
    assert kind.get_type("scale") == Scalar("float32")
    assert pickle.loads(pickle.dumps(kind)) == kind


def test_enums_inside():
    kind = ParamsType(first=EnumList("A", ("B", "beta")), second=EnumType(C=5))
    assert (kind.B, kind.C, kind.get_enum("A")) == (1, 5, 0)
    assert kind.enum_from_alias("beta") == 1 and kind.enum_from_alias("C") == 5
    assert pickle.loads(pickle.dumps(kind)).B == 1
    with pytest.raises(AttributeError, match="no attribute 'D'"):
        kind.D


@pytest.mark.parametrize(
    "fields, error, text",
    [
        ({}, ValueError, "empty data"),
        ({"a b": Generic()}, AttributeError, "valid identifier"),
        ({"int": Generic()}, SyntaxError, "keyword"),
        ({"a": 3}, TypeError, "should inherit from Theano Type"),
        ({"a": EnumList("A"), "b": EnumList("A")}, AttributeError, "common constants names"),
        ({"a": EnumList(("A", "x")), "b": EnumList(("B", "x"))}, AttributeError, "common constants aliases"),
        ({"a": EnumList(("A", "B")), "b": EnumList("B")}, AttributeError, "same names as constants"),
    ],
)
def test_bad_params_types(fields, error, text):
    with pytest.raises(error, match=text):
        ParamsType(**fields)


class Affine(Op):
    """a * x + b, with a and b as parameters."""

    __props__ = ("a", "b")
    params_type = ParamsType(a=Scalar("float64"), b=Generic())

    def __init__(self, a, b):
        self.a, self.b = a, b

    def make_node(self, x):
        return Apply(self, [T.as_tensor_variable(x)], [x.type()])

    def perform(self, node, inputs, output_storage, params):
        output_storage[0][0] = params.a * inputs[0] + params.b


class Chosen(Affine):
    """x or -x, by the alias of an enumeration's constant."""

    __props__ = ("sign",)
    params_type = EnumList(("PLUS", "+"), ("MINUS", "-"))

    def __init__(self, sign):
        self.sign = sign

    def get_params(self, node):
        return self.sign

    def perform(self, node, inputs, output_storage, params):
        output_storage[0][0] = -inputs[0] if params == self.params_type.MINUS else inputs[0].copy()


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE", "DebugMode"])
def test_ops_get_their_parameters(mode):
    x = T.dvector()
    f = theanojax.function([x], [Affine(2, 1)(x), Chosen("-")(x), Chosen("+")(x)], mode=mode)
    for got, wanted in zip(f([1, 2]), ([3, 5], [-1, -2], [1, 2])):
        np.testing.assert_array_equal(got, wanted)


def test_a_missing_attribute_is_named():
    x = T.dvector()
    op = Affine(2, 1)
    del op.b
    with pytest.raises(AttributeError, match=r"Affine: missing attributes \('b',\) for ParamsType"):
        op.get_params(Apply(op, [x], [x.type()]))
