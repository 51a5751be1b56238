"""`theano.compat`: what helped one source run on Python 2 and 3."""

from __future__ import annotations

import configparser as configparser
import operator
import os
from collections import OrderedDict as OrderedDict
from collections.abc import (
    Callable as Callable,
    Iterable as Iterable,
    Iterator,
    Mapping as Mapping,
    MutableMapping,
    ValuesView as ValuesView,
)
from importlib import reload as reload
from io import BytesIO as BytesIO
from typing import Any

__all__ = [
    *("PY3", "b", "BytesIO", "Callable", "next", "configparser", "reload", "cmp", "operator_div", "DictMixin"),
    *("Iterable", "Mapping", "OrderedDict", "ValuesView", "decode", "decode_iter", "get_unbound_function"),
    *("imap", "izip", "ifilter", "DefaultOrderedDict", "maybe_add_to_os_environ_pathlist"),
]

PY3 = True
next = next
DictMixin = MutableMapping
izip = zip
imap = map
ifilter = filter
operator_div = operator.truediv


def b(text: str) -> bytes:
    """`text` as bytes."""
    return text.encode("latin-1")


def cmp(x: Any, y: Any) -> int:
    """-1, 0 or 1, as `x` comes before, with or after `y`."""
    return (x > y) - (x < y)


def exc_message(e: BaseException) -> Any:
    """The message of an exception, however often it was wrapped."""
    message = e.args[0]
    while isinstance(message, Exception):
        message = message.args[0]
    return message


def get_unbound_function(unbound: Any) -> Any:
    """The function behind a method."""
    return getattr(unbound, "__func__", unbound)


def decode(x: bytes) -> str:
    """The text of `x`."""
    return x.decode()


def decode_iter(x: Iterable[bytes]) -> Iterator[str]:
    """The text of each item."""
    return map(decode, x)


def decode_with(x: bytes, encoding: str) -> str:
    """The text of `x`, which is in `encoding`."""
    return x.decode(encoding)


class DefaultOrderedDict(OrderedDict):
    """A dictionary that remembers its order and makes up missing values."""

    def __init__(self, default_factory: Callable[[], Any] | None = None, *args: Any, **kwargs: Any):
        if default_factory is not None and not callable(default_factory):
            raise TypeError("first argument must be callable")
        super().__init__(*args, **kwargs)
        self.default_factory = default_factory

    def __missing__(self, key: Any) -> Any:
        if self.default_factory is None:
            raise KeyError(key)
        return self.setdefault(key, self.default_factory())

    def __reduce__(self) -> tuple:
        return type(self), (self.default_factory,), None, None, iter(list(self.items()))

    def __copy__(self) -> DefaultOrderedDict:
        return type(self)(self.default_factory, self)

    copy = __copy__


def maybe_add_to_os_environ_pathlist(var: str, newpath: str) -> None:
    """Put `newpath`, if it is absolute, in front of the path list in the environment variable `var`."""
    paths = os.environ.get(var, "").split(os.pathsep)
    if os.path.isabs(newpath) and newpath not in paths:
        os.environ[var] = os.pathsep.join([newpath, *paths])
