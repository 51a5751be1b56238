"""The elementwise functions of tensors, and the reductions: `exp`, `add`, `switch`, `sum`, `mean`, `argmax` ..."""

import builtins
import inspect
import warnings

import numpy as np

from theanojax import scalar
from theanojax.config import config
from theanojax.graph.tracebacks import user_stacklevel
from theanojax.graph.variable import Constant, Variable
from theanojax.scalar.types import ComplexError, IntegerDivisionError
from theanojax.tensor.argmax import MaxAndArgmax
from theanojax.tensor.as_tensor import as_tensor_variable, constant
from theanojax.tensor.cast import cast
from theanojax.tensor.elemwise import Elemwise, shuffled
from theanojax.tensor.reduce import All, Any, CAReduce, Mean, Prod, Sum
from theanojax.tensor.type import complex_dtypes, discrete_dtypes, int_dtypes, integer_dtypes, uint_dtypes
from theanojax.tensor.type_other import NoneConst
from theanojax.tensor.var import TensorConstant


def _elemwise(name, op):
    """The scalar Op `op`, known as `name`, applied to each element."""
    found = Elemwise(op, name="Elemwise{%s,no_inplace}" % name)
    found.__doc__ = "\n".join([op.tensor_doc, "", *_shape_and_dtype(op)])
    return found


def _shape_and_dtype(op):
    one = getattr(op, "nin", -1) == 1
    yield "The result has the shape of the argument." if one else "Arguments are broadcast against each other."
    rule = getattr(op, "output_types_preference", op.output_types)
    if isinstance(rule, scalar.transfer_type):
        dtypes = ["the dtype of argument %d" % (i + 1) for i in rule.transfer if type(i) is int]
    elif isinstance(rule, scalar.specific_out):
        dtypes = ["the dtype %s" % t.dtype for t in rule.spec]
    else:
        yield inspect.getdoc(rule)
        return
    yield "It has %s." % ", ".join(dtypes)


# Each row with a `tensor_doc` in the tables of theanojax/scalar is a function of this module.
_rows = {name: _elemwise(name, op) for name, op in scalar.op.tensor_rows(vars(scalar))}
isnan_, isinf_ = _rows.pop("isnan"), _rows.pop("isinf")  # the functions of these names are below
globals().update(_rows)

# Those with other names, too, and those that the functions below call.
switch = where = _rows["switch"]
and_ = bitwise_and = _rows["and_"]
or_ = bitwise_or = _rows["or_"]
xor = bitwise_xor = _rows["xor"]
invert = bitwise_not = _rows["invert"]
second = fill = _rows["second"]
int_div = floor_div = _rows["int_div"]
sqr = square = _rows["sqr"]
eq, neq, le, mod, true_div = (_rows[name] for name in ("eq", "neq", "le", "mod", "true_div"))
sgn, sqrt = _rows["sgn"], _rows["sqrt"]
round_half_to_even, round_half_away_from_zero = _rows["round_half_to_even"], _rows["round_half_away_from_zero"]

# A copy; printers do not show it.
tensor_copy = Elemwise(scalar.identity)

ELEMWISE = {name: op for name, op in list(globals().items()) if isinstance(op, Elemwise)}


# ------------------------------------------------------------------ functions made of these
def _never(a):
    """A tensor of False in the shape of the integers `a`."""
    from theanojax.tensor.creation import alloc

    return alloc(np.asarray(False, dtype="bool"), *[a.shape[i] for i in range(a.ndim)])


def isnan(a):
    """Where the tensor `a` is not a number: a bool tensor of its shape. For integers no element is looked at."""
    a = as_tensor_variable(a)
    return _never(a) if a.dtype in discrete_dtypes else isnan_(a)


def isinf(a):
    """Where the tensor `a` is infinite: a bool tensor of its shape. For integers no element is looked at."""
    a = as_tensor_variable(a)
    return _never(a) if a.dtype in discrete_dtypes else isinf_(a)


def isclose(a, b, rtol=1.0e-5, atol=1.0e-8, equal_nan=False):
    """Where the elements of the variables `a` and `b` are equal within ``atol + rtol * |b|``; a bool tensor.

    Both are broadcast against each other; `rtol` and `atol` are numbers or scalars. Infinities of one sign are close
    to each other, and nan to nan if `equal_nan`.
    """
    near = le(abs(a - b), atol + rtol * abs(b))
    a_nan, b_nan = isnan(a), isnan(b)
    a_inf, b_inf = isinf(a), isinf(b)
    special = bitwise_or(bitwise_or(a_nan, b_nan), bitwise_or(a_inf, b_inf))
    close = bitwise_and(near, bitwise_not(special))
    same_sign = eq(a_inf * sgn(a), b_inf * sgn(b))
    close = bitwise_or(close, bitwise_and(bitwise_and(a_inf, b_inf), same_sign))
    return bitwise_or(close, bitwise_and(a_nan, b_nan)) if equal_nan else close


def allclose(a, b, rtol=1.0e-5, atol=1.0e-8, equal_nan=False):
    """Whether all elements of `a` and `b` are close, as `isclose` says; a bool scalar."""
    return all(isclose(a, b, rtol, atol, equal_nan))


def round(a, mode=None):
    """The nearest integers of the tensor of floats `a`, in its dtype.

    Parameters
    ----------
    mode : where two integers are equally near, "half_to_even" (the default) or "half_away_from_zero".

    Raises
    ------
    TypeError : `a` has an integer dtype. Exception : there is no such mode.
    """
    if mode is None:
        mode = "half_to_even"
        if config.warn.round:
            warnings.warn(
                "theano.tensor.round() changed its default from `half_away_from_zero` to `half_to_even` to "
                "have the same default as NumPy. Use the Theano flag `warn.round=False` to disable this "
                "warning.",
                stacklevel=user_stacklevel(),
            )
    ways = {"half_away_from_zero": round_half_away_from_zero, "half_to_even": round_half_to_even}
    if mode in ways:
        return ways[mode](a)
    raise Exception("round mode %s is not implemented." % mode)


def iround(a, mode=None):
    """`round` of the tensor `a`, as int64."""
    return cast(round(a, mode), "int64")


def div_proxy(x, y):
    """What ``x / y`` meant in Python 2: of integer tensors what ``config.int_division`` says, ``x // y`` by default."""
    op = scalar.int_or_true_div(*[as_tensor_variable(v).dtype in discrete_dtypes for v in (x, y)])
    return int_div(x, y) if op is scalar.int_div else true_div(x, y)


def divmod(x, y):
    """The pair ``(x // y, x % y)`` of two tensors, rounded down as Python does; ComplexError if one is complex."""
    return floor_div(x, y), mod_check(x, y)


def mod_check(x, y):
    """``x % y`` of two tensors, with the sign of `y`; ComplexError if one is complex."""
    if as_tensor_variable(x).dtype in complex_dtypes or as_tensor_variable(y).dtype in complex_dtypes:
        raise scalar.Mod.complex_error
    return mod(x, y)


def ceil_intdiv(a, b):
    """The quotient ``a / b`` of tensors of integers, rounded up; computed in integers, with the dtype of ``a // b``."""
    # The remainder is cast and not the quotient, so that a uint64 does not become a float.
    quotient = int_div(a, b)
    return cast(neq(a % b, 0), quotient.dtype) + quotient


def power(x, y):
    """``x ** y``, elementwise where one of the two is a tensor variable; two Python numbers give a Python number."""
    return x**y


def smallest(*args):
    """The elementwise minimum of `args`: two tensors that are broadcast, or any number of one shape."""
    if len(args) == 2:
        a, b = args
        return switch(a < b, a, b)
    from theanojax.tensor.join import stack

    return min(stack(args), axis=0)


def largest(*args):
    """The elementwise maximum of `args`: two tensors that are broadcast, or any number of one shape."""
    if len(args) == 2:
        a, b = args
        return switch(a > b, a, b)
    from theanojax.tensor.join import stack

    return max(stack(args), axis=0)


# ------------------------------------------------------------------ axes
def _axis_list(axis, ndim):
    """`axis` as a list of ints; all of them for None."""
    if axis is None:
        return list(range(ndim))
    return [int(axis)] if np.ndim(axis) == 0 else [int(a) for a in axis]


def check_and_normalize_axes(x, axis):
    """`axis` as a sorted list of ints counted from the front; [] for None.

    Raises
    ------
    TypeError : `axis` is no integer, sequence of integers or constant.
    ValueError : `x` has no such axis.
    """
    x = as_tensor_variable(x)
    if axis is None or (isinstance(axis, Variable) and NoneConst.equals(axis)):
        axes = []
    elif isinstance(axis, Variable):
        if not isinstance(axis, TensorConstant):
            raise TypeError("Computation needs a constant axis. Got %s" % axis)
        if axis.dtype not in integer_dtypes:
            raise AssertionError("An axis must be an integer, got %s of dtype %s" % (axis, axis.dtype))
        axes = _axis_list(axis.data, x.ndim)
    elif isinstance(axis, (int, np.integer, tuple, list, np.ndarray)):
        axes = _axis_list(axis, x.ndim)
    else:
        raise TypeError("Axis must be an integer, tuple, list of integers or a TensorVariable. Got %s" % axis)
    axes = [a + x.type.ndim if a < 0 else a for a in axes]
    for a in axes:
        if not 0 <= a < x.type.ndim:
            raise ValueError("Computation needs a valid axis number for %d-D tensor. Got %d" % (x.type.ndim, a))
    return sorted(set(axes))


def makeKeepDims(x, y, axis):
    """The tensor `y`, a reduction of `x` along `axis`, with the reduced axes put back as broadcastable dimensions.

    `axis` is what the reduction was called with; ValueError for a variable that is no constant.
    """
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if isinstance(axis, Variable) or (
        isinstance(axis, (list, tuple)) and builtins.any(isinstance(a, Variable) for a in axis)
    ):
        if not isinstance(axis, Constant):
            raise ValueError("keepdims option can be used only with constant axis")
        axis = axis.data
    axes = [a + x.type.ndim if a < 0 else a for a in _axis_list(axis, x.type.ndim)]
    kept = iter(range(x.type.ndim))
    order = ["x" if d in axes else next(kept) for d in range(x.type.ndim)]
    return shuffled(y, order)


# ------------------------------------------------------------------ reductions
def sum(input, axis=None, dtype=None, keepdims=False, acc_dtype=None):
    """The sum of the tensor `input` along `axis`.

    Parameters
    ----------
    axis : int, sequence of ints, or None for all axes; () for none.
    dtype : of the result. None: that of `input`, but int64 for bool and smaller integers, uint64 for unsigned ones.
    acc_dtype : of the intermediate sums. None: `dtype`'s, with float16 summed in float32 and float32 in float64.
    keepdims : leave the reduced axes as dimensions of length 1.

    Raises
    ------
    ValueError : there is no such axis. TypeError : `acc_dtype` cannot hold the input.
    """
    out = Sum(axis=axis, dtype=dtype, acc_dtype=acc_dtype)(input)
    return makeKeepDims(input, out, axis) if keepdims else out


def prod(input, axis=None, dtype=None, keepdims=False, acc_dtype=None, no_zeros_in_input=False):
    """The product of the tensor `input` along `axis`; parameters, dtype and errors as for `sum`.

    With `no_zeros_in_input`, which promises that no element is 0, the gradient is simpler.
    """
    out = Prod(axis, dtype=dtype, acc_dtype=acc_dtype, no_zeros_in_input=no_zeros_in_input)(input)
    return makeKeepDims(input, out, axis) if keepdims else out


def any(x, axis=None, keepdims=False):
    """Whether any element of the tensor `x` along `axis` is true (not 0): bool.

    `axis` is an int, a sequence of ints or None for all axes (ValueError if there is none such); with `keepdims` the
    reduced axes stay as dimensions of length 1.
    """
    out = Any(axis)(x)
    return makeKeepDims(x, out, axis) if keepdims else out


def all(x, axis=None, keepdims=False):
    """Whether all elements of the tensor `x` along `axis` are true (not 0): bool. Parameters as for `any`."""
    out = All(axis)(x)
    return makeKeepDims(x, out, axis) if keepdims else out


def mean(input, axis=None, dtype=None, op=False, keepdims=False, acc_dtype=None):
    """The mean of the tensor `input` along `axis`; nan of no elements.

    Parameters
    ----------
    axis : int, sequence of ints, or None for all axes.
    dtype : of the sum that is divided. A float dtype is that of the result, too; None gives the input's if that is a
        float or complex one, else float64.
    op : compute it by the Op `Mean`, which gives float64 and has no gradient. NotImplementedError for other dtypes.
    keepdims : leave the reduced axes as dimensions of length 1.
    acc_dtype : of the intermediate sums, as for `sum`.

    ValueError if there is no such axis.
    """
    input = as_tensor_variable(input)
    if op:
        _refuse_dtypes(dtype, acc_dtype)
        out = Mean(axis)(input)
        return makeKeepDims(input, out, axis) if keepdims else out
    # A sum in float16 would overflow.
    sum_dtype = "float32" if dtype is None and input.dtype == "float16" else dtype
    s = sum(input, axis=axis, dtype=sum_dtype, keepdims=keepdims, acc_dtype=acc_dtype)
    lengths = cast(input.shape, "float32" if s.dtype in ("float16", "float32", "complex64") else "float64")
    for i in _axis_list(axis, input.ndim):
        s = true_div(s, lengths[i])
    if s.dtype != lengths.dtype and s.dtype in discrete_dtypes:
        s = cast(s, lengths.dtype)
    if dtype == "float16" or (dtype is None and input.dtype == "float16"):
        s = cast(s, "float16")
    s.name = "mean"
    return s


def _refuse_dtypes(dtype, acc_dtype):
    if dtype not in (None, "float64"):
        raise NotImplementedError(
            "The Mean op does not support the dtype argument, and will always use float64. If "
            "you want to specify the dtype, call tensor.mean(..., op=False).",
            dtype,
        )
    if acc_dtype not in (None, "float64"):
        raise NotImplementedError(
            "The Mean op does not support the acc_dtype argument, and will always use float64. "
            "If you want to specify acc_dtype, call tensor.mean(..., op=False).",
            acc_dtype,
        )


def var(input, axis=None, ddof=0, keepdims=False, corrected=False):
    """The variance of the tensor `input` along `axis`: the mean of the squared distances from the mean.

    Parameters
    ----------
    axis : int, sequence of ints, or None for all axes.
    ddof : int; the sum of squares is divided by the number of elements minus `ddof` (along each axis).
    keepdims : leave the reduced axes as dimensions of length 1.
    corrected : subtract the squared rounding error of the mean (the two-pass algorithm).

    The dtype is that of `mean`, except that a `ddof` other than 0 makes smaller floats float64. ValueError if there is
    no such axis, or for a bool `ddof`.
    """
    _refuse_keepdims(ddof)
    input = as_tensor_variable(input)
    axes = _axis_list(axis, input.type.ndim)
    centred = input - mean(input, axes, keepdims=True)
    two = constant(2, dtype=centred.dtype)
    if ddof == 0:
        v = mean(centred**two, axes, keepdims=keepdims)
    else:
        lengths = input.shape - ddof
        v = sum(centred**two, axis=axes, keepdims=keepdims)
        for i in axes:
            v = true_div(v, lengths[i])
    if corrected:
        if ddof == 0:
            error = mean(centred, axes, keepdims=keepdims) ** 2
        else:
            lengths, all_lengths = input.shape - ddof, input.shape
            error = sum(centred, axis=axes, keepdims=keepdims) ** 2
            for i in axes:
                error = true_div(error, lengths[i] * all_lengths[i])
        v = v - error
    v.name = "var"
    return v


def _refuse_keepdims(ddof):
    if isinstance(ddof, bool):
        raise ValueError(
            "Parameter keepdims is now at index 3: (input, axis=None, ddof=0, keepdims=False, corrected=False)"
        )


def std(input, axis=None, ddof=0, keepdims=False, corrected=False):
    """The standard deviation of the tensor `input` along `axis`, the root of `var`, with its parameters and errors."""
    _refuse_keepdims(ddof)
    out = sqrt(var(input=input, axis=axis, ddof=ddof, keepdims=keepdims, corrected=corrected))
    out.name = "std"
    return out


def max_and_argmax(a, axis=None, keepdims=False):
    """The maximum of the tensor `a` along `axis` and the position of its first occurrence, int64: a list of two.

    Parameters
    ----------
    axis : int, sequence of ints, or None for all axes. With several of them, positions count in the array with these
        axes flattened.
    keepdims : leave the reduced axes as dimensions of length 1.

    Raises
    ------
    ValueError : there is no such axis; when run, there is no element. TypeError : the axis is not known.
    """
    a = as_tensor_variable(a)
    axes = check_and_normalize_axes(a, axis) or list(range(a.type.ndim))
    out, position = MaxAndArgmax(axes)(a)
    if keepdims:
        out, position = makeKeepDims(a, out, axes), makeKeepDims(a, position, axes)
    return [out, position]


def max(x, axis=None, keepdims=False):
    """The maximum of the tensor `x` along `axis`, in its dtype; nan where there is one.

    `axis` is an int, a sequence of ints or None for all axes; with `keepdims` the reduced axes stay as dimensions of
    length 1. ValueError if there is no such axis and, when run, if there is no element.
    """
    try:
        out = max_and_argmax(x, axis)[0]
    except (TypeError, ValueError):
        out = CAReduce(scalar.maximum, axis)(x)
    return makeKeepDims(x, out, axis) if keepdims else out


def argmax(x, axis=None, keepdims=False):
    """The position of the first maximum of the tensor `x` along `axis`, int64; nan counts as the maximum.

    `axis` is an int, None for the flattened array, or a sequence of ints for these axes flattened; with `keepdims` the
    reduced axes stay as dimensions of length 1. ValueError if there is no such axis and, when run, if there is no
    element.
    """
    out = max_and_argmax(x, axis)[1]
    return makeKeepDims(x, out, axis) if keepdims else out


def _reversed_order(x):
    """Something whose order is that of `x` upside down."""
    if x.dtype.startswith("float") or x.dtype in int_dtypes:
        return -x
    if x.dtype in uint_dtypes:
        return np.array(np.iinfo(x.dtype).max, dtype=x.dtype) - x
    if x.dtype == "bool":
        return ~x
    raise NotImplementedError("There is no minimum of elements of dtype %s" % x.dtype)


def min(x, axis=None, keepdims=False):
    """The minimum of the tensor `x` along `axis`, in its dtype; nan where there is one.

    Parameters and errors as for `max`; NotImplementedError for a complex `x`.
    """
    x = as_tensor_variable(x)
    return _reversed_order(max(_reversed_order(x), axis=axis, keepdims=keepdims))


def argmin(x, axis=None, keepdims=False):
    """The position of the first minimum of the tensor `x` along `axis`, int64; nan counts as the minimum.

    Parameters and errors as for `argmax`; NotImplementedError for a complex `x`.
    """
    x = as_tensor_variable(x)
    upside_down = np.iinfo(x.dtype).max - x if x.dtype in uint_dtypes else _reversed_order(x)
    return argmax(upside_down, axis=axis, keepdims=keepdims)


def ptp(a, axis=None):
    """The range of the values of the tensor `a` along `axis`: maximum minus minimum, in its dtype.

    `axis` is an int, a sequence of ints or None for all axes. Errors as for `max`; TypeError for a bool `a`.
    """
    a = as_tensor_variable(a)
    return max(a, axis) - min(a, axis)


def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None):
    """The covariance matrix of the variables (rows) of a matrix.

    Parameters
    ----------
    m : matrix variable with an observed variable in each row, observations in columns.
    y : more of them, in the same form.
    rowvar : if False, the observed variables are in columns.
    bias : divide by the number of observations, instead of by one less.
    ddof : divide by the number of observations minus `ddof`, whatever `bias` says.

    Raises
    ------
    NotImplementedError : `fweights` or `aweights` is given. ValueError : `m` is a vector.
    """
    from theanojax.tensor.join import concatenate

    if fweights is not None:
        raise NotImplementedError("fweights are not implemented")
    if aweights is not None:
        raise NotImplementedError("aweights are not implemented")
    variables = [v for v in (m, y) if v is not None]
    if not rowvar:
        variables = [v.T if v.shape[0] != 1 else v for v in variables]
    m = concatenate(variables)
    if ddof is None:
        ddof = 0 if bias else 1
    observations = m.shape[1] - ddof
    m = m - m.mean(axis=1, keepdims=True)
    return (m.dot(m.T) * (constant(1) / observations)).squeeze()


__all__ = [
    "ComplexError",
    "IntegerDivisionError",
    "all",
    "allclose",
    "any",
    "argmax",
    "argmin",
    "ceil_intdiv",
    "check_and_normalize_axes",
    "cov",
    "div_proxy",
    "divmod",
    "iround",
    "isclose",
    "isinf",
    "isnan",
    "largest",
    "makeKeepDims",
    "max",
    "max_and_argmax",
    "mean",
    "min",
    "mod_check",
    "power",
    "prod",
    "ptp",
    "round",
    "smallest",
    "std",
    "sum",
    "var",
]
__all__.extend(sorted(ELEMWISE))
