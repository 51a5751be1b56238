"""Scalar types, the variables that have them, and how their dtypes combine."""

from functools import cache

import numpy as np

from theanojax.config import config
from theanojax.graph.type import Type
from theanojax.graph.variable import Constant, Variable


class ComplexError(NotImplementedError):
    """An operation that has no meaning for complex numbers was given some. See docs/errors.md#complexerror."""


class IntegerDivisionError(Exception):
    """Two integers were divided by `/` while ``config.int_division`` forbids it.

    See docs/errors.md#integerdivisionerror.
    """


@cache
def _promote(*dtypes):
    result = np.dtype(dtypes[0])
    for dtype in dtypes[1:]:
        result = np.promote_types(result, dtype)
    return str(result)


def upcast(dtype, *dtypes):
    """The name of the dtype that numpy gives to a combination of arrays of these dtypes.

    With ``cast_policy="numpy+floatX"`` a float64 that none of them is becomes floatX instead.
    """
    result = _promote(dtype, *dtypes)
    if config.cast_policy != "numpy+floatX" or config.floatX == "float64":
        return result
    names = {str(np.dtype(d)) for d in (dtype, *dtypes)}
    if result == "float64" and "float64" not in names:
        return "float16" if config.floatX == "float16" and "float32" not in names else "float32"
    if result == "float32" and config.floatX == "float16" and not names & {"float32", "float64"}:
        return "float16"
    return result


def as_common_dtype(*vars):
    """The variables (scalars or tensors), each cast to the dtype that holds them all."""
    dtype = upcast(*[v.dtype for v in vars])
    return (v.astype(dtype) for v in vars)


def get_scalar_type(dtype):
    """The one ``Scalar(dtype)`` of its dtype."""
    found = get_scalar_type.cache.get(dtype)
    if found is None:
        found = get_scalar_type.cache[dtype] = Scalar(dtype=dtype)
    return found


get_scalar_type.cache = {}

# dtype: (numpy class, C name, class name in the C API)
_SPECS = {
    name: (getattr(np, name), "npy_" + name, label)
    for name, label in (
        ("float16", "Float16"),
        ("float32", "Float32"),
        ("float64", "Float64"),
        ("uint8", "UInt8"),
        ("int8", "Int8"),
        ("uint16", "UInt16"),
        ("int16", "Int16"),
        ("uint32", "UInt32"),
        ("int32", "Int32"),
        ("uint64", "UInt64"),
        ("int64", "Int64"),
    )
}
_SPECS["bool"] = (np.bool_, "npy_bool", "Bool")
_SPECS["complex64"] = (np.complex64, "theano_complex64", "Complex64")
_SPECS["complex128"] = (np.complex128, "theano_complex128", "Complex128")


_EXTRACT = """
if (!PyArray_IsScalar(py_%(name)s, %(label)s)) {
    PyErr_SetString(PyExc_ValueError, "Scalar check failed (%(c_type)s)");
    %(fail)s
}
PyArray_ScalarAsCtype(py_%(name)s, &%(name)s);
"""
_SYNC = """
{
    PyArray_Descr* descr = PyArray_DescrFromType(%(number)s);
    PyObject* number = PyArray_Scalar(&%(name)s, descr, NULL);
    Py_XDECREF(descr);
    if (!number) %(fail)s
    Py_XDECREF(py_%(name)s);
    py_%(name)s = number;
}
"""


class Scalar(Type):
    """The type of single numbers. Values are numpy scalars.

    Tensors of no dimension are what users want; scalars are what elementwise Ops are defined on.

    Parameters
    ----------
    dtype : str, or "floatX" for ``config.floatX``. TypeError for an unknown one.
    """

    __props__ = ("dtype",)
    ndim = 0
    gives_numbers = True

    def __init__(self, dtype):
        self.dtype = config.floatX if dtype == "floatX" else dtype
        self.dtype_specs()

    # Variables are compared by type all the time, and there is one object for nearly every dtype.
    def __eq__(self, other):
        return self is other or (type(self) is type(other) and self.dtype == other.dtype)

    def __hash__(self):
        return hash((Scalar, self.dtype))

    @staticmethod
    def may_share_memory(a, b):
        return False

    def filter(self, data, strict=False, allow_downcast=None):
        """`data` as a numpy scalar of this type.

        Raises TypeError if that loses precision, unless `allow_downcast` (a Python float may still become
        floatX when it is None), or if it needs any conversion and `strict`.
        """
        number_type, _, _ = self.dtype_specs()
        if strict and not isinstance(data, number_type):
            raise TypeError("%s expected a %s, got %s of type %s" % (self, number_type, data, type(data)), data)
        try:
            converted = _convert(number_type, data)
            if (
                allow_downcast
                or converted == data
                or (allow_downcast is None and type(data) is float and self.dtype == config.floatX)
            ):
                return converted
            raise TypeError(
                "Value cannot accurately be converted to dtype (%s) and allow_downcast is not True" % self.dtype
            )
        except Exception as e:
            raise TypeError("Could not convert %s (value=%s) to %s" % (type(data), data, self.dtype), e) from e

    def values_eq_approx(self, a, b, tolerance=1e-4):
        if self.dtype == "bool" or a == b:
            return a == b
        a, b = (complex(v) if self.dtype.startswith("complex") else float(v) for v in (a, b))
        return abs(a - b) <= tolerance * (abs(a) + abs(b))

    def c_element_type(self):
        return self.dtype_specs()[1]

    def c_literal(self, data):
        """`data` as C code spells it."""
        if self.dtype.startswith("complex"):
            raise NotImplementedError("No literal for complex values.")
        return str(int(bool(data)) if self.dtype == "bool" else data)

    # in C a number: npy_float64, theano_complex64 ...
    def c_is_simple(self):
        return True

    def c_declare(self, name, sub, check_input=True):
        return "typedef %s dtype_%s;\n%s %s;\n" % ((self.c_element_type(), name) * 2)

    def c_init(self, name, sub):
        return "%s = 0;\n" % name

    def c_extract(self, name, sub, check_input=True):
        _, c_type, label = self.dtype_specs()
        return _EXTRACT % dict(sub, name=name, c_type=c_type, label=label)

    def c_sync(self, name, sub):
        return _SYNC % dict(sub, name=name, number="NPY_" + self.dtype.upper())

    def c_cleanup(self, name, sub):
        return ""

    def c_headers(self, c_compiler=None):
        return ["<math.h>", "<numpy/arrayobject.h>", "<numpy/arrayscalars.h>"]

    def c_init_code(self):
        return ["import_array();"]

    def c_support_code(self):
        return ""

    def c_code_cache_version(self):
        return (1,)

    def dtype_specs(self):
        """(numpy class, C type name, class name of the C API) of the dtype."""
        try:
            return _SPECS[self.dtype]
        except (KeyError, TypeError):
            raise TypeError("Unsupported dtype for %s: %s" % (self.__class__.__name__, self.dtype)) from None

    def upcast(self, *others):
        return upcast(self.dtype, *[t.dtype for t in others])

    def __str__(self):
        return self.dtype

    def __repr__(self):
        return "Scalar(%s)" % self

    def get_shape_info(self, obj):
        """What ``get_size`` needs to know of the value `obj`."""
        return obj.itemsize

    def get_size(self, shape_info):
        """How many bytes a value takes."""
        return shape_info


def _convert(py_type, data):
    """`data` as a numpy scalar; integers out of range wrap, as they did before numpy 2."""
    try:
        value = py_type(data)
    except OverflowError:
        if not isinstance(data, int):
            raise
        value = np.asarray(data).astype(py_type)
    if isinstance(value, np.ndarray):
        if value.ndim:
            raise TypeError("only length-1 arrays can be converted to Python scalars")
        value = value[()]
    return value


class _scalar_py_operators:
    """The operators of Python on scalar variables."""

    ndim = 0
    dtype = property(lambda self: self.type.dtype, doc="The name of the dtype.")

    def __abs__(self):
        return scalar.abs_(self)

    def __neg__(self):
        return scalar.neg(self)

    def __invert__(self):
        return scalar.invert(self)

    def __and__(self, other):
        return scalar.and_(self, other)

    def __or__(self, other):
        return scalar.or_(self, other)

    def __xor__(self, other):
        return scalar.xor(self, other)

    def __rand__(self, other):
        return scalar.and_(other, self)

    def __ror__(self, other):
        return scalar.or_(other, self)

    def __rxor__(self, other):
        return scalar.xor(other, self)

    def __lt__(self, other):
        return scalar.lt(self, other)

    def __le__(self, other):
        return scalar.le(self, other)

    def __gt__(self, other):
        return scalar.gt(self, other)

    def __ge__(self, other):
        return scalar.ge(self, other)

    def __add__(self, other):
        return scalar.add(self, other)

    def __sub__(self, other):
        return scalar.sub(self, other)

    def __mul__(self, other):
        return scalar.mul(self, other)

    def __truediv__(self, other):
        return scalar.div_proxy(self, other)

    __div__ = __truediv__

    def __floordiv__(self, other):
        return scalar.int_div(self, other)

    def __mod__(self, other):
        return scalar.mod_check(self, other)

    def __pow__(self, other):
        return scalar.pow(self, other)

    def __radd__(self, other):
        return scalar.add(other, self)

    def __rsub__(self, other):
        return scalar.sub(other, self)

    def __rmul__(self, other):
        return scalar.mul(other, self)

    def __rtruediv__(self, other):
        return scalar.div_proxy(other, self)

    __rdiv__ = __rtruediv__

    def __rmod__(self, other):
        return scalar.mod(other, self)

    def __rpow__(self, other):
        return scalar.pow(other, self)

    def zeros_like(self, dtype=None):
        """A zero, of the same dtype unless `dtype` says otherwise."""
        return scalar.second(self, ScalarConstant(get_scalar_type(str(dtype or self.type.dtype)), 0))

    def ones_like(self, dtype=None):
        """A one, of the same dtype unless `dtype` says otherwise."""
        return scalar.second(self, ScalarConstant(get_scalar_type(str(dtype or self.type.dtype)), 1))

    def astype(self, dtype):
        return scalar.cast(self, dtype)


class ScalarVariable(_scalar_py_operators, Variable):
    """A symbolic number."""


class ScalarConstant(_scalar_py_operators, Constant):
    """A known number in a scalar graph."""


Scalar.Variable = ScalarVariable
Scalar.Constant = ScalarConstant


def _types(dtypes):
    return tuple(map(get_scalar_type, dtypes.split()))


# `bool` and `complex` are exported under their own names by the package; here they stay Python's.
bool_ = get_scalar_type("bool")
int_types = int8, int16, int32, int64 = _types("int8 int16 int32 int64")
uint_types = uint8, uint16, uint32, uint64 = _types("uint8 uint16 uint32 uint64")
float_types = float16, float32, float64 = _types("float16 float32 float64")
complex_types = complex64, complex128 = _types("complex64 complex128")

integer_types = int_types + uint_types
discrete_types = (bool_,) + integer_types
continuous_types = float_types + complex_types
all_types = discrete_types + continuous_types


class _Several:
    """Makes one variable of `type` for each letter or name it is given."""

    def __init__(self, type):
        self.type = type

    def __call__(self, names):
        return self.type(names) if len(names) == 1 else [self.type(name) for name in names]


ints = _Several(int64)
floats = _Several(float64)
complexs = _Several(complex128)
complexs64 = _Several(complex64)
complexs128 = _Several(complex128)

from theanojax import scalar  # noqa: E402  (the operators look their Ops up when they are used)
