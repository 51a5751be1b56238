"""The strings of Python 2 that are bytes: they mix with text.

In a program in Python 2, text is `str`. What is bytes by its nature (a binary file, what `encode` gives) is a
`ByteString`: bytes for whoever wants bytes, and text where it meets text, as far as it is UTF-8. It can be joined to
text, compared with it, looked up by it and formatted, and what it gives is of its own kind; with text, text.
"""

from __future__ import annotations

import functools
import importlib
import io
import socket
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def as_bytes(data: Any) -> Any:
    """The bytes of a string, in UTF-8, which text files are read in."""
    return data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data


def as_text(data: Any) -> Any:
    """The text of bytes."""
    return data.decode("utf-8", "surrogateescape") if isinstance(data, bytes | bytearray) else data


def byte_string(data: Any) -> Any:
    """`data`, as a `ByteString` if it is bytes; lists and tuples of them, too."""
    if type(data) is bytes:
        return ByteString(data)
    return type(data)(map(byte_string, data)) if type(data) in (list, tuple) else data


def _text_of_all(value: Any) -> Any:
    return type(value)(map(as_text, value)) if type(value) in (list, tuple) else as_text(value)


class ByteString(bytes):
    """See the module's documentation."""

    def __str__(self) -> str:
        return as_text(self)

    def __repr__(self) -> str:
        return bytes.__repr__(self)[1:]

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __hash__(self) -> int:
        return hash(str(self))

    def __eq__(self, other: Any) -> bool:
        return str(self) == other if isinstance(other, str) else bytes.__eq__(self, other)

    def __ne__(self, other: Any) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        return str(self) < other if isinstance(other, str) else bytes.__lt__(self, other)

    def __gt__(self, other: Any) -> bool:
        return str(self) > other if isinstance(other, str) else bytes.__gt__(self, other)

    def __le__(self, other: Any) -> bool:
        return not self > other

    def __ge__(self, other: Any) -> bool:
        return not self < other

    def __add__(self, other: Any) -> Any:
        return str(self) + other if isinstance(other, str) else byte_string(bytes.__add__(self, other))

    def __radd__(self, other: Any) -> Any:
        return other + str(self) if isinstance(other, str) else NotImplemented

    def __mul__(self, times: Any) -> Any:
        return byte_string(bytes.__mul__(self, times))

    __rmul__ = __mul__

    def __mod__(self, values: Any) -> str:
        return str(self) % values

    def __contains__(self, part: Any) -> bool:
        return bytes.__contains__(self, as_bytes(part))

    def __getitem__(self, index: Any) -> Any:
        found = bytes.__getitem__(self, index)
        return ByteString((found,)) if isinstance(found, int) else ByteString(found)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def join(self, parts: Any) -> Any:
        """As text, if one of `parts` is."""
        return join(self, parts)

    def format(self, *args: Any, **options: Any) -> str:
        """``"...".format(...)``"""
        return str(self).format(*args, **options)

    def encode(self, *args: Any, **options: Any) -> Any:
        """It is bytes already."""
        return self


def _taking_text(name: str) -> Callable:
    function = getattr(bytes, name)

    @functools.wraps(function)
    def method(self: ByteString, *args: Any) -> Any:
        return byte_string(function(self, *[as_bytes(a) if isinstance(a, str) else _bytes_of_all(a) for a in args]))

    return method


def _bytes_of_all(value: Any) -> Any:
    return tuple(map(as_bytes, value)) if type(value) is tuple else value


# Methods that take parts of a string, and methods without; of text they are called with, text is made.
WITH_PARTS = (
    *("count", "endswith", "find", "index", "lstrip", "partition", "replace", "rfind", "rindex", "rpartition"),
    *("rsplit", "rstrip", "split", "startswith", "strip"),
)
for _name in (
    *WITH_PARTS,
    *("capitalize", "center", "expandtabs", "ljust", "lower", "rjust", "splitlines", "swapcase"),
):
    setattr(ByteString, _name, _taking_text(_name))
for _name in ("title", "upper", "zfill"):
    setattr(ByteString, _name, _taking_text(_name))


def join(owner: Any, *args: Any, **options: Any) -> Any:
    """``owner.join(...)``, of paths, too."""
    if not isinstance(owner, str | bytes) or len(args) != 1:
        mixed = any(isinstance(arg, ByteString) for arg in args)
        return owner.join(*map(as_text, args) if mixed else args, **options)
    parts = args[0] if type(args[0]) in (list, tuple) else list(args[0])
    try:
        return byte_string(bytes.join(owner, parts)) if isinstance(owner, bytes) else owner.join(parts)
    except TypeError:
        if not any(isinstance(part, bytes) for part in (owner, *parts)):
            raise
    return as_text(owner).join(map(as_text, parts))


def text_method(name: str) -> Callable:
    """A method of text whose arguments may be bytes."""

    def method(owner: Any, *args: Any, **options: Any) -> Any:
        try:
            return getattr(owner, name)(*args, **options)
        except TypeError:
            texts = tuple(map(_text_of_all, args))
            if type(owner) is not str or all(new is old for new, old in zip(texts, args)):
                raise
        return getattr(owner, name)(*texts, **options)

    return method


def _giving(name: str) -> Callable:
    """A method that gives what was read or packed."""

    def method(owner: Any, *args: Any, **options: Any) -> Any:
        return byte_string(getattr(owner, name)(*args, **options))

    return method


def _sending(name: str, kinds: tuple[type, ...]) -> Callable:
    """A method of `kinds` that takes bytes."""

    def method(owner: Any, *args: Any, **options: Any) -> Any:
        if isinstance(owner, kinds):
            args = tuple(map(as_bytes, args))
        elif isinstance(owner, io.TextIOBase):
            args = tuple(map(as_text, args))
        return byte_string(getattr(owner, name)(*args, **options))

    return method


METHODS: dict[str, Callable] = {
    "join": join,
    **{name: text_method(name) for name in WITH_PARTS},
    **{name: _giving(name) for name in ("read", "readline", "readlines", "recv", "getvalue", "digest")},
    **{name: _sending(name, (socket.socket,)) for name in ("send", "sendall")},
    "write": _sending("write", (io.BufferedIOBase, io.RawIOBase)),
    "communicate": _sending("communicate", (subprocess.Popen,)),
}


def of_bytes(module: str, *names: str) -> dict[str, Any]:
    """Functions of a module that take text for bytes, and give byte strings."""

    def taking_text(function: Callable) -> Callable:
        return lambda *args, **options: byte_string(function(*map(as_bytes, args), **options))

    found = importlib.import_module(module)
    return {name: taking_text(getattr(found, name)) for name in names if hasattr(found, name)}


class StringIO(io.StringIO):
    """`StringIO.StringIO`, of bytes or of text, as its first string is."""

    def __new__(cls, value: Any = "", *args: Any) -> Any:
        return io.BytesIO(value) if isinstance(value, bytes) else super().__new__(cls)


def json_names() -> dict[str, Any]:
    """Functions of `json` that know byte strings."""
    import json

    def knowing_bytes(function: Callable) -> Callable:
        return lambda *args, **options: function(*args, **{"default": _text_for_json, **options})

    return {name: knowing_bytes(getattr(json, name)) for name in ("dump", "dumps")}


def _text_for_json(value: Any) -> str:
    if not isinstance(value, bytes):
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
    return as_text(value)


STANDS_FOR: dict[type, type] = {ByteString: str, np.int64: int}


def isinstance_(value: Any, kind: Any) -> bool:
    """``isinstance(value, kind)``: a byte string is a `str`, and numpy's integer an `int`."""
    if isinstance(value, kind):
        return True
    stands_for = STANDS_FOR.get(type(value))
    return stands_for is not None and (kind is stands_for or type(kind) is tuple and stands_for in kind)
