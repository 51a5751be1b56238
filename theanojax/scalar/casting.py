"""From Python and numpy numbers to typed constants: which dtype does `2.5` get?"""

import numpy as np

from theanojax.arrays import safe_asarray
from theanojax.config import config
from theanojax.graph import above
from theanojax.graph.variable import Apply, Variable
from theanojax.scalar.types import Scalar, get_scalar_type


class NumpyAutocaster:
    """Gives Python integers and floats a dtype, as ``config.cast_policy`` says.

    - "numpy": the dtype of ``numpy.asarray(x)``.
    - "numpy+floatX": likewise, but a Python float becomes floatX.
    - "custom": a number that already has one of `dtypes` keeps it; any other gets the first of them that holds
      it exactly, or the last. A Python float becomes floatX if floatX is not float64 and is among them.

    Parameters
    ----------
    dtypes : sequence of str, the preferred dtypes, smallest first.
    """

    def __init__(self, dtypes):
        self.dtypes = tuple(dtypes)

    def __call__(self, x):
        policy = config.cast_policy
        if policy == "numpy":
            return np.asarray(x)
        if policy == "numpy+floatX":
            value = np.asarray(x)
            if not hasattr(x, "dtype") and str(value.dtype) in ("float64", "float32"):
                value = value.astype(config.floatX, copy=False)
            return value
        if str(getattr(x, "dtype", "")) in self.dtypes:
            return np.asarray(x)
        if isinstance(x, float) and config.floatX != "float64" and config.floatX in self.dtypes:
            return np.asarray(x, dtype=config.floatX)
        # Compared as an array: numpy 2 would round a Python float before it compares.
        value, exact = None, np.asarray(x)
        for dtype in self.dtypes:
            if dtype == "float16" and config.floatX != "float16":
                continue
            try:
                value = np.asarray(x, dtype=dtype)
            except OverflowError:
                if dtype == self.dtypes[-1]:
                    raise
                continue
            if np.all(exact == value):
                break
        return value


autocast_int = NumpyAutocaster(("int8", "int16", "int32", "int64"))
autocast_float = NumpyAutocaster(("float16", "float32", "float64"))


class autocast_float_as:
    """A context in which Python floats get the first of `dtypes` that holds them exactly.

    Only meaningful while ``config.cast_policy`` is "custom"; AssertionError otherwise.

    >>> with autocast_float_as("float32"):
    ...     assert (fvector() + 1.1).dtype == "float32"
    """

    def __init__(self, *dtypes):
        self.dtypes = dtypes
        self._check()

    @staticmethod
    def _check():
        if config.cast_policy != "custom":
            raise AssertionError('autocast_float_as needs config.cast_policy == "custom"')

    def __enter__(self):
        self._check()
        self.old_dtypes = autocast_float.dtypes
        autocast_float.dtypes = self.dtypes

    def __exit__(self, *args):
        self._check()
        autocast_float.dtypes = self.old_dtypes


def convert(x, dtype=None):
    """`x` (a number, an array, a nested list) as a numpy array, of `dtype` or of the dtype that it is given."""
    if dtype is not None:
        return safe_asarray(x, dtype=dtype)
    if isinstance(x, int) and not isinstance(x, bool):
        try:
            return autocast_int(x)
        except OverflowError:
            return safe_asarray(x, dtype="uint64")
    if isinstance(x, bool):
        return autocast_int(x)
    if isinstance(x, float):
        return autocast_float(x)
    if isinstance(x, np.ndarray):
        return x if type(x) in (np.ndarray, np.memmap) else np.asarray(x)
    value = np.asarray(x)
    if value.size == 0 and not hasattr(x, "dtype"):
        value = np.asarray(x, dtype=config.floatX)
    return value


def constant(x, name=None, dtype=None):
    """A scalar constant of the number `x`."""
    x = convert(x, dtype=dtype)
    if x.ndim:
        raise AssertionError("a scalar constant needs a single number, got an array of shape %s" % (x.shape,))
    return get_scalar_type(str(x.dtype)).make_constant(x, name)


def as_scalar(x, name=None):
    """`x` (a scalar variable, a tensor of no dimension, an Apply, a number) as a scalar variable."""
    if isinstance(x, Apply):
        if len(x.outputs) != 1:
            raise ValueError("It is ambiguous which output of a multi-output Op has to be fetched.", x)
        (x,) = x.outputs
    if not isinstance(x, Variable):
        try:
            return constant(x)
        except TypeError as e:
            raise TypeError("Cannot convert %s to Scalar" % x, type(x)) from e
    if isinstance(x.type, Scalar):
        return x
    if not isinstance(x.type, above.tensor.TensorType) or x.ndim:
        raise TypeError("Variable type field must be a Scalar.", x, x.type)
    return above.tensor.scalar_from_tensor(x)
