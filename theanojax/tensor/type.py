"""TensorType: the type of numpy arrays with a fixed dtype, number of dimensions and broadcast pattern."""

import logging
import warnings
from functools import lru_cache

import numpy as np

from theanojax.arrays import safe_asarray
from theanojax.config import config
from theanojax.graph.above import tensor
from theanojax.graph.type import SYNC_OBJECT, Type
from theanojax.graph.variable import Variable
from theanojax.scalar.types import (
    all_types,
    complex_types,
    continuous_types,
    discrete_types,
    float_types,
    get_scalar_type,
    int_types,
    integer_types,
    uint_types,
    upcast,
)

_logger = logging.getLogger("theanojax.tensor.type")

complex_dtypes = [str(t) for t in complex_types]
continuous_dtypes = [str(t) for t in continuous_types]
float_dtypes = [str(t) for t in float_types]
integer_dtypes = [str(t) for t in integer_types]
discrete_dtypes = [str(t) for t in discrete_types]
all_dtypes = [str(t) for t in all_types]
int_dtypes = [str(t) for t in int_types]
uint_dtypes = [str(t) for t in uint_types]

# dtype -> (Python type, C type, numpy type number), Theano's table for code that wants C names.
_DTYPE_SPECS = {
    name: (kind, "npy_" + name, "NPY_" + name.upper())
    for kind, names in (
        (float, ("float16", "float32", "float64")),
        (bool, ("bool",)),
        (int, ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")),
    )
    for name in names
}
_DTYPE_SPECS.update({name: (complex, "theano_" + name, "NPY_" + name.upper()) for name in ("complex64", "complex128")})

_PATTERN_NAMES = {
    (): "scalar",
    (False,): "vector",
    (False, True): "col",
    (True, False): "row",
    (False, False): "matrix",
}


_ARRAY = "((PyArrayObject*)py_%(name)s)"
# In C: what a value must not be, and how the error is set that says so.
_REFUSED = (
    ("py_%(name)s == Py_None", 'PyErr_SetString(PyExc_ValueError, "expected an ndarray, not None")'),
    ("!PyArray_Check(py_%(name)s)", 'PyErr_SetString(PyExc_ValueError, "expected an ndarray")'),
    (
        f"!PyArray_ISALIGNED({_ARRAY})",
        'PyErr_SetString(PyExc_NotImplementedError, "expected an aligned array of type %(number)s")',
    ),
    (
        f"PyArray_TYPE({_ARRAY}) != %(number)s",
        'PyErr_Format(PyExc_TypeError, "expected type_num %%d (%(number)s) got %%d", %(number)s, '
        f"PyArray_TYPE({_ARRAY}))",
    ),
)
_CHECK_ARRAY = "\n".join("if (%s) { %s; %%(fail)s }" % (condition, error) for condition, error in _REFUSED)


class TensorType(Type):
    """The type of arrays of one dtype and number of dimensions.

    Called with a name, or without one, it makes a free variable: ``dmatrix("x")``.

    Parameters
    ----------
    dtype : str or numpy dtype; "floatX" stands for ``config.floatX``.
    broadcastable : sequence of bool, one a dimension. True: the length along it is 1 in every value, and it
        stretches to fit the other operands of an elementwise Op.
    name : optional name, shown instead of the description.

    Raises
    ------
    TypeError : the dtype is not one that tensors support.
    """

    context_name = "cpu"
    # Debug modes set this to refuse values that hold NaN or infinity.
    filter_checks_isfinite = False

    def __init__(self, dtype, broadcastable, name=None, sparse_grad=False):
        if type(dtype) is not str:
            dtype = _dtype_name(dtype)
        self.dtype = config.floatX if dtype == "floatX" else dtype
        self.broadcastable = tuple([bool(b) for b in broadcastable])
        self.dtype_specs()
        self.name, self.numpy_dtype, self.sparse_grad = name, np.dtype(self.dtype), sparse_grad
        if sparse_grad:
            warnings.warn(
                "DEPRECATION WARNING: You use an old interface to AdvancedSubtensor1 sparse_grad. Now use "
                "theano.sparse_grad(a_tensor[an_int_vector]).",
                stacklevel=2,
            )

    ndim = property(lambda self: len(self.broadcastable), doc="The number of dimensions.")

    def clone(self, dtype=None, broadcastable=None):
        """This type with another dtype or broadcast pattern."""
        return self.__class__(
            self.dtype if dtype is None else dtype,
            self.broadcastable if broadcastable is None else broadcastable,
            name=self.name,
            sparse_grad=self.sparse_grad,
        )

    def filter(self, data, strict=False, allow_downcast=None):
        """`data` as an ndarray of this type.

        With `strict` nothing is converted. Otherwise the conversion may not lose precision, unless
        `allow_downcast` is True; when it is None, a Python float may still become ``config.floatX``.

        Raises
        ------
        TypeError : the value, its dtype or its shape does not fit this type.
        """
        if isinstance(data, Variable):
            raise TypeError(
                "Expected an array-like object, but found a Variable: maybe you are trying to call a "
                "function on a (possibly shared) variable instead of a numeric array?"
            )
        if type(data) in (np.ndarray, np.memmap) and data.dtype == self.numpy_dtype:
            if data.dtype.num != self.numpy_dtype.num:
                data = safe_asarray(data, dtype=self.dtype)
        elif strict:
            if type(data) is not np.ndarray:
                raise TypeError("%s expected a ndarray object." % self, data, type(data))
            raise TypeError(
                "%s expected a ndarray object with dtype = %s (got %s)." % (self, self.numpy_dtype, data.dtype)
            )
        else:
            data = self._convert(data, allow_downcast)
        if self.ndim != data.ndim:
            raise TypeError(
                "Wrong number of dimensions: expected %s, got %s with shape %s." % (self.ndim, data.ndim, data.shape)
            )
        if not data.flags.aligned:
            raise TypeError(
                "The numpy.ndarray object is not aligned. Theano C code does not support that.",
                "object buffer" + str(data.data),
                "object shape",
                data.shape,
                "object strides",
                data.strides,
                "object dtype",
                data.dtype,
            )
        for length, b in zip(data.shape, self.broadcastable):
            if b and length != 1:
                raise TypeError("Non-unit value on shape on a broadcastable dimension.", data.shape, self.broadcastable)
        if self.filter_checks_isfinite and not np.all(np.isfinite(data)):
            raise ValueError("non-finite elements not allowed")
        return data

    def _convert(self, data, allow_downcast):
        if allow_downcast:
            return safe_asarray(data, dtype=self.dtype)
        if isinstance(data, np.ndarray):
            if upcast(self.dtype, data.dtype) == self.dtype:
                return safe_asarray(data, dtype=self.dtype)
            raise TypeError(
                "%s cannot store a value of dtype %s without risking loss of precision. If you do not mind this "
                'loss, you can: 1) explicitly cast your data to %s, or 2) set "allow_input_downcast=True" when '
                'calling "function". Value: "%s"' % (self, data.dtype, self.dtype, repr(data))
            )
        if allow_downcast is None and type(data) is float and self.dtype == config.floatX:
            return safe_asarray(data, self.dtype)
        converted = safe_asarray(data, self.dtype)
        if TensorType.values_eq(np.asarray(data), converted, force_same_dtype=False):
            return converted
        raise TypeError(
            "%s cannot store accurately value %s, it would be represented as %s. If you do not mind this precision "
            "loss, you can: 1) explicitly convert your data to a numpy array of dtype %s, or 2) set "
            '"allow_input_downcast=True" when calling "function".' % (self, data, converted, self.dtype),
            data,
        )

    def filter_variable(self, other, allow_convert=True):
        """`other` (a variable or a value) as a variable of this type.

        A variable is converted when that only means to forget that a dimension has length 1.

        Raises
        ------
        TypeError : the types do not fit.
        """
        if hasattr(other, "_as_TensorVariable"):
            other = other._as_TensorVariable()
        return super().filter_variable(other, allow_convert)

    def convert_variable(self, var):
        if (
            type(self) is type(var.type)
            and self.dtype == var.type.dtype
            and self.ndim == var.type.ndim
            and all(mine == theirs or theirs for mine, theirs in zip(self.broadcastable, var.type.broadcastable))
        ):
            return tensor.patternbroadcast(var, self.broadcastable)
        return None

    def value_validity_msg(self, a):
        try:
            self.filter(a, strict=True)
        except Exception as error:
            return str(error)
        else:
            return "value is valid"

    def dtype_specs(self):
        """(Python type, C type name, numpy type number) of the dtype; TypeError if it is not supported."""
        try:
            return _DTYPE_SPECS[self.dtype]
        except KeyError:
            raise TypeError("Unsupported dtype for %s: %s" % (self.__class__.__name__, self.dtype)) from None

    def c_element_type(self):
        return self.dtype_specs()[1]

    def to_scalar_type(self):
        return get_scalar_type(dtype=self.dtype)

    def __eq__(self, other):
        return self is other or (
            type(self) is type(other) and other.dtype == self.dtype and other.broadcastable == self.broadcastable
        )

    def __hash__(self):
        return hash((type(self), self.dtype, self.broadcastable))

    def make_variable(self, name=None):
        """A free variable of this type."""
        return self.Variable(self, name=name)

    def __str__(self):
        b = self.broadcastable
        pattern = _PATTERN_NAMES.get(b) or (str(b) if any(b) else "%iD" % len(b))
        return self.name or "TensorType(%s, %s)" % (self.dtype, pattern)

    def __repr__(self):
        return str(self)

    @staticmethod
    def may_share_memory(a, b):
        return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.may_share_memory(a, b)

    @staticmethod
    def values_eq(a, b, force_same_dtype=True):
        """True if the arrays have one shape (and dtype) and equal elements, NaN counting as equal to NaN."""
        if a.shape != b.shape or (force_same_dtype and a.dtype != b.dtype):
            return False
        equal = a == b
        if np.all(equal):
            return True
        missing = np.isnan(a)
        if not missing.any():
            return False
        return np.all(equal | (missing & np.isnan(b)))

    @staticmethod
    def values_eq_approx(a, b, allow_remove_inf=False, allow_remove_nan=False, rtol=None, atol=None):
        return values_eq_approx(a, b, allow_remove_inf, allow_remove_nan, rtol, atol)

    def value_zeros(self, shape):
        """An array of zeros with this dtype."""
        return np.zeros(shape, dtype=self.dtype)

    def get_shape_info(self, obj):
        """What ``get_size`` needs to know about the value `obj`."""
        return obj.shape

    def get_size(self, shape_info):
        """The number of bytes of a value that ``get_shape_info`` described."""
        size = np.dtype(self.dtype).itemsize
        return np.prod(shape_info) * size if shape_info else size

    # ---------------------------------------------------------------- C: a PyArrayObject*, NULL for no array
    def c_declare(self, name, sub, check_input=True):
        code = "PyArrayObject* %s;\n" % name
        return "typedef %s dtype_%s;\n%s" % (self.c_element_type(), name, code) if check_input else code

    def c_init(self, name, sub):
        return "%s = NULL;\n" % name

    def c_extract(self, name, sub, check_input=True):
        check = _CHECK_ARRAY % dict(sub, name=name, number=self.dtype_specs()[2]) if check_input else ""
        return "%s = NULL;\n%s%s = (PyArrayObject*)py_%s;\nPy_INCREF(%s);\n" % (name, check, name, name, name)

    def c_sync(self, name, sub):
        return SYNC_OBJECT % dict(name=name)

    def c_cleanup(self, name, sub):
        return "Py_XDECREF(%s);\n" % name

    def c_headers(self, c_compiler=None):
        return self.to_scalar_type().c_headers()

    def c_init_code(self):
        return self.to_scalar_type().c_init_code()

    def c_support_code(self):
        return self.to_scalar_type().c_support_code()

    def c_code_cache_version(self):
        return (1, *self.to_scalar_type().c_code_cache_version())


Tensor = TensorType

# Types of values that scan may stack along a new first dimension.
expandable_types = (TensorType,)


@lru_cache(maxsize=256)
def _dtype_name(dtype):
    if isinstance(dtype, type) and issubclass(dtype, np.generic):
        return np.dtype(dtype).name  # str() of a numpy scalar class is no dtype name
    return str(dtype)


# (rtol, atol) by precision and config.tensor.cmp_sloppy; rtol and atol of float64 are numpy.allclose's.
_TOLERANCES = {
    0: {"float16": (1e-3, 1e-3), "float32": (1e-5, 1e-5), "float64": (1.0000000000000001e-05, 1e-8)},
    1: {"float16": (1e-2, 5e-3), "float32": (1e-3, 1e-4), "float64": (1e-4, 1e-3)},
    2: {"float16": (5e-2, 1e-2), "float32": (1e-3, 5e-4), "float64": (1e-4, 1e-3)},
}
_sloppy = _TOLERANCES[min(int(config.tensor.cmp_sloppy), 2)]
# Tests of users may assign these.
float16_rtol, float16_atol = _sloppy["float16"]
float32_rtol, float32_atol = _sloppy["float32"]
float64_rtol, float64_atol = _sloppy["float64"]


def _get_atol_rtol(a, b):
    names = {str(a.dtype), str(b.dtype)}
    if "float16" in names:
        return float16_atol, float16_rtol
    if names & {"float32", "complex64"}:
        return float32_atol, float32_rtol
    return float64_atol, float64_rtol


def _allclose(a, b, rtol=None, atol=None):
    """numpy.allclose with tolerances that suit the less precise of the two dtypes."""
    a, b = np.asarray(a), np.asarray(b)
    default_atol, default_rtol = _get_atol_rtol(a, b)
    return np.allclose(a, b, atol=default_atol if atol is None else atol, rtol=default_rtol if rtol is None else rtol)


def values_eq_approx(a, b, allow_remove_inf=False, allow_remove_nan=False, rtol=None, atol=None):
    """True if two arrays have the same shape, dtype and, within the tolerances, elements.

    NaN equals NaN and an infinity equals itself. Where `a` is infinite (or NaN), anything is accepted of `b`
    with `allow_remove_inf` (`allow_remove_nan`).
    """
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)) or a.shape != b.shape or a.dtype != b.dtype:
        return False
    if str(a.dtype) not in continuous_dtypes:
        return np.all(a == b)
    if _allclose(a, b, rtol=rtol, atol=atol):
        return True
    missing, infinite = np.isnan(a), np.isinf(a)
    with np.errstate(invalid="ignore"):
        if not (missing.any() or (allow_remove_inf and infinite.any())):
            _logger.info("arrays differ by up to %s", np.max(abs(a - b)))
            return False
        # NaN made numpy.allclose fail; judge the places one by one, with its default tolerances.
        close = np.absolute(a - b) <= 1e-8 + 1.0000000000000001e-05 * np.absolute(b)
    both_infinite = infinite & np.isinf(b)
    accepted = np.where(both_infinite, a == b, close) | (missing & np.isnan(b))
    if allow_remove_inf:
        accepted |= infinite
    if allow_remove_nan:
        accepted |= missing
    return accepted.all()


# How debug modes compare a variable before and after a rewrite: functions for ``tag.values_eq_approx``.
def values_eq_approx_remove_inf(a, b):
    """Whether the arrays `a` and `b` are about equal, where `a` isn't infinite."""
    return values_eq_approx(a, b, allow_remove_inf=True)


def values_eq_approx_remove_nan(a, b):
    """Whether the arrays `a` and `b` are about equal, where `a` isn't nan."""
    return values_eq_approx(a, b, allow_remove_nan=True)


def values_eq_approx_remove_inf_nan(a, b):
    """Whether the arrays `a` and `b` are about equal, where `a` is neither infinite nor nan."""
    return values_eq_approx(a, b, allow_remove_inf=True, allow_remove_nan=True)


def values_eq_approx_always_true(a, b):
    """True, whatever the arrays `a` and `b`: for results that any value is right for."""
    return True


__all__ = [
    "complex_dtypes",
    "continuous_dtypes",
    "float_dtypes",
    "integer_dtypes",
    "discrete_dtypes",
    "all_dtypes",
    "int_dtypes",
    "uint_dtypes",
    "TensorType",
    "Tensor",
    "float16_rtol",
    "float16_atol",
    "float32_rtol",
    "float32_atol",
    "float64_rtol",
    "float64_atol",
    "values_eq_approx_always_true",
    "_allclose",
    "_get_atol_rtol",
]
