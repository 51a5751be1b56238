"""Functions that Python's library has dropped, as they were."""

from __future__ import annotations

import collections
import inspect
import random
from typing import Any

ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")


def getargspec(func: Any) -> ArgSpec:
    """`inspect.getargspec`: names and defaults of the parameters of `func`."""
    if (getattr(func, "__module__", None) or "").partition(".")[0] in ("theano", "theanojax"):
        func = inspect.unwrap(func)  # Theano's were not wrapped
    full = inspect.getfullargspec(func)
    return ArgSpec(full.args, full.varargs, full.varkw, full.defaults)


def linux_distribution(*args: Any, **options: Any) -> tuple[str, str, str]:
    """`platform.linux_distribution`: name, version and code name; empty where the system does not say."""
    import platform

    try:
        found = platform.freedesktop_os_release()
    except OSError:
        return "", "", ""
    return found.get("NAME", ""), found.get("VERSION_ID", ""), found.get("VERSION_CODENAME", "")


dist = linux_distribution


def jumpahead(n: int) -> None:
    """`random.jumpahead`: another part of the stream, that `n` decides."""
    random.seed(repr((random.getstate(), n)))


def stands_for(cls: type) -> Any:
    """A metaclass for one class that passes for `cls`: every instance of `cls` is one of it."""

    class StandsFor(type(cls)):
        def __instancecheck__(self, value: Any) -> bool:
            return isinstance(value, cls if self.__bases__ == (cls,) else ()) or super().__instancecheck__(value)

        def __subclasscheck__(self, other: type) -> bool:
            # An abstract class asks its subclasses, this one too: it is not to be asked in turn.
            return self.__bases__ == (cls,) and cls in type.mro(other) or super().__subclasscheck__(other)

    return StandsFor


def with_methods(cls: type, methods: dict[str, str]) -> type:
    """`cls` with old names for methods: old name -> today's. Nobody else's `cls` changes."""
    own = {old: getattr(cls, new) for old, new in methods.items() if hasattr(cls, new) and not hasattr(cls, old)}
    if not own:
        return cls
    return stands_for(cls)(cls.__name__, (cls,), {"__module__": cls.__module__, "__doc__": cls.__doc__, **own})
