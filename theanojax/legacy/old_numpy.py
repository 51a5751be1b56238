"""What numpy had, and took, when old scripts were written."""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from theanojax.legacy import old_python

FLOATS = (float, np.floating)

# Functions that took floats for sizes, axes and other integers -> positions and names of these arguments.
SIZES: dict[str, tuple[int | str, ...]] = {
    **dict.fromkeys(("zeros", "ones", "empty", "full", "indices"), (0, "shape", "dimensions")),
    **{"eye": (0, 1, 2, "N", "M", "k"), "identity": (0, "n"), "linspace": (2, "num"), "logspace": (2, "num")},
    **{"tile": (1, "reps"), "reshape": (1, "shape", "newshape"), "roll": (1, "shift"), "resize": (1, "new_shape")},
    **{"repeat": (1, 2, "repeats", "axis"), "fromfunction": (1, "shape"), "bincount": (2, "minlength")},
    **{"unravel_index": (1, "shape"), "ravel_multi_index": (1, "dims"), "vander": (1, "N"), "diag": (1, "k")},
    **dict.fromkeys(("histogram", "histogramdd"), (1, "bins")),
    **dict.fromkeys(("hsplit", "vsplit", "dsplit"), (1, "indices_or_sections")),
    **dict.fromkeys(("split", "array_split"), (1, 2, "indices_or_sections", "axis")),
    **dict.fromkeys(("partition", "argpartition"), (1, 2, "kth", "axis")),
    **dict.fromkeys(("append", "compress", "take", "percentile"), (2, "axis")),
    **{"delete": (1, 2, "obj", "axis"), "insert": (1, 3, "obj", "axis"), "diff": (1, 2, "n", "axis")},
    **{"histogram2d": (2, "bins"), "swapaxes": (1, 2, "axis1", "axis2"), "transpose": (1, "axes")},
    **{"rollaxis": (1, 2, "axis", "start"), "cross": (2, 3, 4, 5, "axisa", "axisb", "axisc", "axis")},
    **dict.fromkeys(
        (
            *("all", "amax", "amin", "any", "apply_along_axis", "argmax", "argmin", "argsort", "average"),
            *("concatenate", "cumprod", "cumsum", "expand_dims", "max", "mean", "median", "min", "nanargmax"),
            *("nanargmin", "nanmax", "nanmean", "nanmedian", "nanmin", "nanstd", "nansum", "nanvar", "prod", "ptp"),
            *("sort", "squeeze", "stack", "std", "sum", "var"),
        ),
        (1, "axis"),
    ),
}
ROUNDING = ("floor", "ceil", "trunc")
RANDOM_SIZES: dict[str, tuple[int | str, ...]] = {
    **dict.fromkeys(("rand", "randn"), tuple(range(8))),
    **dict.fromkeys(("permutation",), (0, "x")),
    **dict.fromkeys(
        (*("random", "random_sample", "ranf", "sample", "standard_cauchy", "standard_normal"), "standard_exponential"),
        (0, "size"),
    ),
    **dict.fromkeys(
        (
            *("chisquare", "choice", "dirichlet", "exponential", "geometric", "logseries", "pareto", "poisson"),
            *("power", "rayleigh", "standard_gamma", "standard_t", "weibull", "zipf"),
        ),
        (1, "size"),
    ),
    **dict.fromkeys(
        (
            *("beta", "binomial", "f", "gamma", "gumbel", "laplace", "logistic", "lognormal", "multinomial"),
            *("multivariate_normal", "negative_binomial", "noncentral_chisquare", "normal", "randint", "uniform"),
            *("vonmises", "wald"),
        ),
        (2, "size"),
    ),
    **dict.fromkeys(("hypergeometric", "noncentral_f", "triangular"), (3, "size")),
}
# Functions of several arrays, which generators could give.
OF_MANY = ("column_stack", "dstack", "hstack", "stack", "vstack")


def number(value: Any) -> Any:
    """`value`; an array of a single number as that number, which numpy took it for until 2.3."""
    if isinstance(value, np.ndarray) and value.ndim and value.size == 1 and value.dtype.kind in "biufcO":
        return value.item()
    return value


def numbers(value: Any) -> Any:
    """`value`, a list of lists, with the arrays of a single number in it as numbers."""
    return _each(numbers, value) if type(value) in (tuple, list) else number(value)


def _each(function: Callable, values: Any) -> Any:
    """`values`, or as many of another value."""
    made = [function(value) for value in values]
    return values if all(map(operator.is_, made, values)) else type(values)(made)


def of_numbers(function: Callable) -> Callable:
    """`function` of numbers, for arrays of a single one, too."""

    @functools.wraps(function)
    def taking_arrays(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except TypeError:
            single = tuple(map(number, args))
            if all(map(operator.is_, single, args)):
                raise
        return function(*single, **options)

    return taking_arrays


def whole(value: Any) -> Any:
    """`value` with its floats cut to integers."""
    value = number(value)
    if isinstance(value, FLOATS):
        return int(value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(np.intp)
    return _each(whole, value) if type(value) in (tuple, list) else value


def with_whole(function: Callable, places: Iterable[int | str], args: Any, options: dict[str, Any]) -> Any:
    """``function(*args, **options)``; where it is refused, with integers for the floats at `places`.

    Ragged lists are arrays of objects then, and None is the shape of a number.
    """
    try:
        return function(*args, **options)
    except (TypeError, IndexError, ValueError) as error:
        cut = [whole(value) if place in places else value for place, value in enumerate(args)]
        cut_options = {name: whole(value) if name in places else value for name, value in options.items()}
        if "inhomogeneous" in str(error) and args:
            cut[0] = _made(np.asarray, args[0])
        elif "not None as shape" in str(error) and args:
            cut[0] = ()
        if all(map(operator.is_, (*cut, *cut_options.values()), (*args, *options.values()))):
            raise
    return function(*cut, **cut_options)


def _whole(function: Callable, places: Iterable[int | str]) -> Callable:
    """`function` with floats allowed for the arguments at `places`."""
    places = frozenset(places)

    @functools.wraps(function)
    def taking_floats(*args: Any, **options: Any) -> Any:
        return with_whole(function, places, args, options)

    return taking_floats


def _of_many(function: Callable) -> Callable:
    """`function` of several arrays, which may come out of a generator."""

    @functools.wraps(function)
    def taking_generators(arrays: Any, *args: Any, **options: Any) -> Any:
        return function(list(arrays) if isinstance(arrays, Iterator) else arrays, *args, **options)

    return taking_generators


def _sum(a: Any, *args: Any, **options: Any) -> Any:
    if isinstance(a, Iterator) and not args and not options:
        return sum(a)
    return with_whole(np.sum, SIZES["sum"], (a, *args), options)


def _where(condition: Any, *args: Any) -> Any:
    """`numpy.where`; of a number alone, too."""
    return np.where(condition if args else np.atleast_1d(condition), *args)


def _nonzero(a: Any) -> Any:
    return np.nonzero(np.atleast_1d(a))


def _bytes(value: Any) -> Any:
    """`value` with its strings of bytes as Python's own: numpy takes what derives from these for numbers."""
    if isinstance(value, bytes) and not isinstance(value, np.generic):
        return bytes(value)
    return type(value)(map(_bytes, value)) if type(value) in (tuple, list) else value


def _made(make: Callable, value: Any, dtype: Any = None, **options: Any) -> np.ndarray:
    """What `make` gives; lists of unequal lengths become objects, integers out of range wrap around."""
    first = value[0] if type(value) in (tuple, list) and value else value
    if isinstance(first, bytes):
        value = _bytes(value)
    try:
        return make(value, dtype, **options)
    except OverflowError:
        return make(np.asarray(value).astype(dtype), **options)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        if dtype is not None or not isinstance(first, np.ndarray):  # an array that comes first is an object
            with contextlib.suppress(ValueError):
                return make(numbers(value), dtype, **options)
            if dtype is not None:
                raise
        return make(value, object, **options)


def _array(object: Any, dtype: Any = None, copy: bool = True, **options: Any) -> np.ndarray:
    return _made(np.array, object, dtype, copy=copy or None, **options)


def _asarray(a: Any, dtype: Any = None, order: Any = None) -> np.ndarray:
    return _made(np.asarray, a, dtype, order=order)


def _asanyarray(a: Any, dtype: Any = None, order: Any = None) -> np.ndarray:
    return _made(np.asanyarray, a, dtype, order=order)


def _load(file: Any, mmap_mode: Any = None, allow_pickle: bool = True, **options: Any) -> Any:
    return np.load(file, mmap_mode, allow_pickle, **{"encoding": "latin1", **options})


def _fromstring(string: Any, dtype: Any = float, count: int = -1, sep: str = "") -> np.ndarray:
    if sep:
        return np.fromstring(string, dtype, count, sep=sep)
    data = string.encode("latin-1") if isinstance(string, str) else string
    return np.frombuffer(data, dtype, count).copy()


def _floating(function: Callable) -> Callable:
    """`function`, which gave floats for integers, too: their quotients are no whole numbers."""

    @functools.wraps(function)
    def floating(x: Any, *args: Any, **options: Any) -> Any:
        if isinstance(x, int | np.integer) or isinstance(x, np.ndarray) and x.dtype.kind in "iu":
            x = np.asarray(x, np.float64)[()]
        return function(x, *args, **options)

    return floating


class _Cast(dict):
    """`numpy.cast[dtype](value)`."""

    def __missing__(self, dtype: Any) -> Callable[[Any], Any]:
        return lambda value: np.asarray(value).astype(dtype)


def _random_integers(low: int, high: int | None = None, size: Any = None) -> Any:
    """Both ends are included, as `numpy.random.random_integers` had it."""
    low, high = (1, low) if high is None else (low, high)
    return np.random.randint(low, high + 1, size)


def _find_common_type(array_types: Iterable[Any], scalar_types: Iterable[Any]) -> np.dtype:
    arrays, scalars = (list(map(np.dtype, types)) for types in (array_types, scalar_types))
    if not scalars or not arrays:
        return np.result_type(*(arrays or scalars))
    array, scalar = np.result_type(*arrays), np.result_type(*scalars)
    order = "biufc"
    return np.promote_types(scalar, array) if order.find(scalar.kind) > order.find(array.kind) else array


def _asfarray(a: Any, dtype: Any = np.float64) -> np.ndarray:
    return np.asarray(a, dtype if np.issubdtype(dtype, np.inexact) else np.float64)


class RandomState(np.random.RandomState, metaclass=old_python.stands_for(np.random.RandomState)):  # type: ignore[metaclass]
    """numpy's, which took floats for sizes, and whose `random_integers` includes both ends."""

    def random_integers(self, low: int, high: int | None = None, size: Any = None) -> Any:
        """Integers from `low` to `high`, or from 1 to `low`."""
        return self.randint(*((1, low + 1) if high is None else (low, high + 1)), size=whole(size))


for _name, _places in RANDOM_SIZES.items():
    if hasattr(np.random.RandomState, _name):
        setattr(
            RandomState,
            _name,
            _whole(
                getattr(np.random.RandomState, _name),
                [place + 1 if isinstance(place, int) else place for place in _places],
            ),
        )


class MachAr:
    """What floats of a machine are like: those of float64."""

    def __init__(self, *args: Any, **options: Any):
        info = np.finfo(np.float64)
        self.eps, self.epsneg, self.precision, self.resolution = info.eps, info.epsneg, info.precision, info.resolution
        self.tiny = self.xmin = info.tiny
        self.huge = self.xmax = info.max


class Tester:
    """`numpy.testing.Tester`: it ran a package's tests under nose."""

    def __init__(self, package: Any = None, *args: Any, **options: Any):
        self.package = package

    def test(self, *args: Any, **options: Any) -> None:
        """Raise ImportError: there is no nose."""
        raise ImportError("the tests of %s need nose" % self.package)

    bench = test


def names() -> dict[str, Any]:
    """What `numpy` had."""
    return {
        # beside those that have moved (`theanojax.legacy.moved`)
        **{"NINF": -np.inf, "PZERO": 0.0, "NZERO": -0.0},
        "in1d": lambda a, b, **options: np.isin(np.ravel(a), b, **options),
        "msort": lambda a: np.sort(a, axis=0),
        "asscalar": lambda a: np.asarray(a).item(),
        "asfarray": _asfarray,
        "cast": _Cast(),
        "find_common_type": _find_common_type,
        "obj2sctype": lambda value, default=None: np.dtype(value).type,
        "maximum_sctype": lambda t: np.longdouble if np.issubdtype(t, np.floating) else np.dtype(t).type,
        **{"MAXDIMS": 64, "MachAr": MachAr},
        "sctypes": {
            "int": [np.int8, np.int16, np.int32, np.int64],
            "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
            "float": [np.float16, np.float32, np.float64, np.longdouble],
            "complex": [np.complex64, np.complex128, np.clongdouble],
            "others": [bool, object, bytes, str, np.void],
        },
        **{name: _whole(getattr(np, name), places) for name, places in SIZES.items()},
        **{name: _of_many(_whole(getattr(np, name), SIZES.get(name, ()))) for name in OF_MANY},
        **{"sum": _sum, "where": _where, "nonzero": _nonzero, "arange": of_numbers(np.arange)},
        **{name: _floating(getattr(np, name)) for name in ROUNDING},
        **{"array": _array, "asarray": _asarray, "asanyarray": _asanyarray, "fromstring": _fromstring, "load": _load},
    }


def random_names() -> dict[str, Any]:
    """What `numpy.random` had."""
    functions = {name: places for name, places in RANDOM_SIZES.items() if hasattr(np.random, name)}
    return {
        **{name: _whole(getattr(np.random, name), places) for name, places in functions.items()},
        **{"RandomState": RandomState, "random_integers": _random_integers},
    }


def library_random_names() -> dict[str, Any]:
    """What Python's `random` had: limits like 1e6."""
    import random

    return {name: _whole(getattr(random, name), range(3)) for name in ("randint", "randrange")}


def library_math_names() -> dict[str, Any]:
    """What Python's `math` has, for arrays of a single number, too."""
    import math

    return {name: of_numbers(value) for name, value in vars(math).items() if callable(value) and name[0] != "_"}


# Those of today, which do not do.
HIDDEN = [
    *SIZES,
    *ROUNDING,
    *OF_MANY,
    "where",
    "nonzero",
    "arange",
    "array",
    "asarray",
    "asanyarray",
    "fromstring",
    "load",
    "random",
    "testing",
]
HIDDEN_RANDOM = [*RANDOM_SIZES, "RandomState", "random_integers"]


# ---- printing


def print_as_then() -> Any:
    """Show numbers as every numpy before 2 did, ``1.0`` and not ``np.float64(1.0)``; what it was before.

    numpy has one setting for the process, which is the old program's own.
    """
    before = np.get_printoptions()["legacy"]
    if before is False:
        np.set_printoptions(legacy="1.25")
    return before


def print_as(before: Any) -> None:
    """Undo `print_as_then`."""
    np.set_printoptions(legacy=before)
