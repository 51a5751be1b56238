"""What operators and statements of Python 2 gave: functions that the code which python2.py makes calls."""

from __future__ import annotations

from types import TracebackType
from typing import Any


def div(a: Any, b: Any) -> Any:
    """What `a / b` was in Python 2: floored for two integers, or two arrays of integers."""
    for method, left, right in (("__div__", a, b), ("__rdiv__", b, a)):
        function = getattr(type(left), method, None)
        if function is not None:
            result = function(left, right)
            if result is not NotImplemented:
                return result
    return a // b if _is_integral(a) and _is_integral(b) else a / b


def idiv(a: Any, b: Any) -> Any:
    """What `a /= b` left in `a`."""
    function = getattr(type(a), "__idiv__", None)
    if function is not None:
        return function(a, b)
    if hasattr(type(a), "__div__") or hasattr(type(b), "__rdiv__"):
        return div(a, b)
    if _is_integral(a) and _is_integral(b):
        a //= b
    else:
        a /= b
    return a


def _is_integral(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    return getattr(dtype, "kind", "") in "biu" if dtype is not None else isinstance(value, int)


def raised(kind: Any, value: Any = None, traceback: TracebackType | None = None) -> BaseException:
    """The exception that Python 2 raised for ``raise kind, value, traceback``."""
    while isinstance(kind, tuple) and kind:
        kind = kind[0]
    if isinstance(kind, type) and issubclass(kind, BaseException):
        if isinstance(value, kind):
            error = value
        elif value is None:
            error = kind()
        else:
            error = kind(*value) if isinstance(value, tuple) else kind(value)
    elif isinstance(kind, BaseException):
        if value is not None:
            return TypeError("instance exception may not have a separate value")
        error = kind
    else:
        return TypeError(
            "exceptions must be old-style classes or derived from BaseException, not %s" % type(kind).__name__
        )
    return error if traceback is None else error.with_traceback(traceback)
