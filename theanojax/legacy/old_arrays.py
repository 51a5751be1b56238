"""What numpy's arrays took when old scripts were written: functions that the code which array_syntax.py makes calls.

An array of a single number was a number (until numpy 2.3), floats were indices, axes and sizes (1.11), and masks had
differences (1.12). Whatever else comes here is treated as it is today.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from theanojax.legacy.old_numpy import FLOATS, number, whole, with_whole

ARRAYS = (np.ndarray, np.generic)

# ---- indices


def item(owner: Any, index: Any) -> Any:
    """The index that means today what `index` of `owner` meant."""
    if type(index) is int:
        return index
    if not isinstance(owner, np.ndarray):
        return _position(index) if isinstance(owner, list | tuple | str) else index
    if type(index) is list and any(part is None or part is ... or isinstance(part, slice) for part in index):
        index = tuple(index)
    return tuple(map(_whole, index)) if type(index) is tuple else _whole(index)


def get(owner: Any, index: Any) -> Any:
    """``owner[index]``, as it was meant."""
    return owner[item(owner, index)]


def put(value: Any, owner: Any, index: Any) -> None:
    """``owner[index] = value``"""
    owner[item(owner, index)] = kept(owner, value)


def kept(owner: Any, value: Any) -> Any:
    """What to store for `value` in an element of `owner`: an array of a single number has no axes for it."""
    single = isinstance(value, np.ndarray) and value.ndim and value.size == 1 and value.dtype.kind in "biufc"
    if single and isinstance(owner, np.ndarray | np.flatiter):
        kind = (owner if isinstance(owner, np.ndarray) else owner.base).dtype.kind
        return value.reshape(()) if kind in "biufc" else value
    return value


def _whole(index: Any) -> Any:
    if isinstance(index, FLOATS):
        return int(index)
    if type(index) is slice:
        return slice(*[number(_whole(part)) for part in (index.start, index.stop, index.step)])
    if type(index) is list:
        return [_whole(part) for part in index]
    if type(index) is np.ndarray and index.dtype.kind == "f":
        return index.astype(np.intp)
    return index


def _position(index: Any) -> Any:
    """The index of a list: an array of a single integer was one."""
    if type(index) is slice:
        return slice(*map(_position, (index.start, index.stop, index.step)))
    return number(index) if isinstance(index, np.ndarray) and index.dtype.kind in "iu" else index


# ---- operators


def negative(value: Any) -> Any:
    """``-value``: of a mask, its contrary."""
    is_mask = isinstance(value, ARRAYS) and value.dtype.kind == "b"
    return ~value if is_mask else -value


def subtract(a: Any, b: Any) -> Any:
    """``a - b``: of two masks, where they differ."""
    try:
        return a - b
    except TypeError:
        if not _are_masks(a, b):
            raise
    return np.logical_xor(a, b)


def subtract_in_place(a: Any, b: Any) -> Any:
    """What ``a -= b`` leaves in `a`."""
    try:
        a -= b
    except TypeError:
        if not _are_masks(a, b):
            raise
    else:
        return a
    return np.logical_xor(a, b, out=a) if isinstance(a, np.ndarray) else np.logical_xor(a, b)


def _are_masks(a: Any, b: Any) -> bool:
    return (isinstance(a, ARRAYS) or isinstance(b, ARRAYS)) and all(np.asarray(x).dtype.kind == "b" for x in (a, b))


def formatted(text: str, values: Any) -> str:
    """``text % values``: arrays of a single number are formatted as that number, too."""
    try:
        return text % values
    except TypeError:
        ready: Any
        if isinstance(values, dict):
            ready = {name: _for_format(value) for name, value in values.items()}
        else:
            ready = tuple(map(_for_format, values if isinstance(values, tuple) else (values,)))
        if not any(isinstance(value, _Number) for value in (ready.values() if isinstance(ready, dict) else ready)):
            raise
    return text % ready


class _Number:
    """An array that is a number where one is asked for, and else looks as it does."""

    def __init__(self, array: np.ndarray):
        self.array = array

    def __str__(self) -> str:
        return str(self.array)

    def __repr__(self) -> str:
        return repr(self.array)

    def __float__(self) -> float:
        return float(self.array.item())

    def __int__(self) -> int:
        return int(self.array.item())

    def __index__(self) -> int:
        return self.array.item().__index__()


def _for_format(value: Any) -> Any:
    return value if number(value) is value else _Number(value)


# ---- functions and methods


def converted(kind: Any, value: Any) -> Any:
    """``float(value)``, `int`, `complex`"""
    return kind(number(value) if kind in (float, int, complex) else value)


def _of_array(name: str, today: Callable) -> Callable:
    def method(owner: Any, *args: Any, **options: Any) -> Any:
        # numpy's own, where it is still there, may warn of its end
        return today(owner, *args, **options) if isinstance(owner, ARRAYS) else getattr(owner, name)(*args, **options)

    return method


def _set_item(owner: np.ndarray, *args: Any) -> None:
    """``array.itemset(i, j, value)``"""
    *index, value = args
    index = whole(index)
    if index:
        owner[tuple(index) if len(index) > 1 else np.unravel_index(index[0], owner.shape)] = value
    else:
        owner[...] = value


def _reshape(owner: Any, *args: Any, **options: Any) -> Any:
    """``owner.reshape(...)``, whose lengths were floats, too."""
    return owner.reshape(*(whole(args) if isinstance(owner, np.ndarray) else args), **options)


# What calls of these methods become, whatever their arguments are.
METHODS: dict[str, Callable] = {
    "reshape": _reshape,
    "itemset": _of_array("itemset", _set_item),
    **{
        "tostring": _of_array("tostring", lambda owner, *args: owner.tobytes(*args)),
        "ptp": _of_array("ptp", lambda *args, **options: with_whole(np.ptp, (1, "axis"), args, options)),
    },
}

# Methods that took floats -> positions and names of these arguments.
WHOLE: dict[str, tuple[int | str, ...]] = {
    **dict.fromkeys(
        (
            *("all", "any", "argmax", "argmin", "argsort", "cumprod", "cumsum", "max", "mean", "min", "prod"),
            *("squeeze", "std", "sum", "var"),
        ),
        (0, "axis"),
    ),
    **{"compress": (1, "axis"), "take": (1, "axis"), "repeat": (0, 1, "repeats", "axis")},
    **{"partition": (0, 1, "kth", "axis"), "swapaxes": (0, 1), "trace": (0, 1, 2, "offset", "axis1", "axis2")},
    **dict.fromkeys(("item", "resize", "transpose"), (0, 1, 2, 3, 4, 5)),
}


def method(name: str, owner: Any, *args: Any, **options: Any) -> Any:
    """``owner.name(...)`` for one of the names in `WHOLE`."""
    function = getattr(owner, name)
    if isinstance(owner, np.ndarray):
        return with_whole(function, WHOLE[name], args, options)
    return function(*args, **options)
