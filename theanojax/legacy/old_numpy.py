"""What numpy had, and took, when old scripts were written."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from theanojax.legacy import old_python

FLOATS = (float, np.floating)

# Functions that took floats for sizes -> positions and names of these arguments.
SIZES: dict[str, tuple[int | str, ...]] = {
    **dict.fromkeys(("zeros", "ones", "empty", "full"), (0, "shape")),
    **{"eye": (0, 1, "N", "M"), "identity": (0, "n"), "linspace": (2, "num"), "logspace": (2, "num")},
    **{"tile": (1, "reps"), "reshape": (1, "shape", "newshape"), "roll": (1, "shift"), "resize": (1, "new_shape")},
    **{"repeat": (1, "repeats")},
}
ROUNDING = ("floor", "ceil", "trunc")
RANDOM_SIZES: dict[str, tuple[int | str, ...]] = {
    **dict.fromkeys(("rand", "randn"), tuple(range(8))),
    **dict.fromkeys(("permutation",), (0, "x")),
    **dict.fromkeys(
        ("random", "random_sample", "ranf", "sample", "standard_normal", "standard_exponential"), (0, "size")
    ),
    **dict.fromkeys(("choice", "dirichlet", "exponential", "geometric", "poisson", "rayleigh"), (1, "size")),
    **dict.fromkeys(("beta", "binomial", "gamma", "laplace", "lognormal", "multinomial", "normal"), (2, "size")),
    **dict.fromkeys(("multivariate_normal", "randint", "uniform"), (2, "size")),
}


def whole(value: Any) -> Any:
    """`value` with its floats cut to integers."""
    if isinstance(value, FLOATS):
        return int(value)
    return type(value)(map(whole, value)) if type(value) in (tuple, list) else value


def _whole(function: Callable, places: Iterable[int | str]) -> Callable:
    """`function` with floats allowed for the arguments at `places`."""
    positions = frozenset(place for place in places if isinstance(place, int))
    keywords = frozenset(place for place in places if isinstance(place, str))

    @functools.wraps(function)
    def taking_floats(*args: Any, **options: Any) -> Any:
        if args:
            args = tuple([whole(v) if i in positions and type(v) is not int else v for i, v in enumerate(args)])
        if options:
            options = {k: whole(v) if k in keywords else v for k, v in options.items()}
        return function(*args, **options)

    return taking_floats


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
        if dtype is not None or "inhomogeneous" not in str(error):
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


# Those of today, which do not do.
HIDDEN = [*SIZES, *ROUNDING, "array", "asarray", "asanyarray", "fromstring", "load", "random", "testing"]
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
