"""What objects of Python 2 did that those of today do not: methods of strings, classes, files, `print`.

`theanojax.legacy.python2` puts calls of these functions into a script in Python 2.
"""

from __future__ import annotations

import builtins
import functools
import html
import io
import math
import os
import sys
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

import numpy as np

from theanojax.legacy import byte_strings, old_arrays
from theanojax.legacy.byte_strings import ByteString, as_bytes, as_text, byte_string
from theanojax.legacy.old_numpy import number as single

# ---- comparing


def cmp(a: Any, b: Any) -> int:
    """-1, 0 or 1. Whatever has no order got one: None comes first, then numbers, then by the type's name."""
    try:
        return (a > b) - (a < b)
    except TypeError:
        a, b = _rank(a), _rank(b)
        return (a > b) - (a < b)


def _rank(value: Any) -> tuple[int, str]:
    if value is None:
        return 0, ""
    return (1, "") if isinstance(value, int | float) else (2, type(value).__name__)


def sort_key(compare: Any, key: Any) -> Any:
    """What sorts as `compare`, a function of two items, and `key` do."""
    if compare is None:
        return key
    by = functools.cmp_to_key(compare)
    return by if key is None else lambda value: by(key(value))


def sorted(iterable: Iterable, cmp: Any = None, key: Any = None, reverse: bool = False) -> list:
    """`sorted` with a comparison function, and for values without an order."""
    values = list(iterable)
    sort(values, cmp, key, reverse)
    return values


def sort(owner: Any, *args: Any, **options: Any) -> Any:
    """``owner.sort(...)``, whose first argument, `cmp`, compared two items of a list."""
    if type(owner) is not list:
        return owner.sort(*args, **options)
    compare, key, reverse = [*args, *(None, None, False)[len(args) :]]
    compare, key = options.get("cmp", compare), options.get("key", key)
    reverse = options.get("reverse", reverse)
    before = list(owner)
    try:
        owner.sort(key=sort_key(compare, key), reverse=reverse)
    except TypeError:
        if compare is not None:
            raise
        owner[:] = before
        owner.sort(key=sort_key(cmp, key), reverse=reverse)
    return None


def is_none(value: Any) -> Any:
    """``value == None``, which was not asked of each number of an array."""
    return False if isinstance(value, np.ndarray) else value == None  # noqa: E711


def is_not_none(value: Any) -> Any:
    """``value != None``"""
    return True if isinstance(value, np.ndarray) else value != None  # noqa: E711


# ---- strings


def unicode(value: Any = "", encoding: str = "utf-8", errors: str = "strict") -> Any:
    """``unicode(value, encoding, errors)``"""
    if isinstance(value, bytes | bytearray):
        return value.decode(encoding, errors)
    return value.__unicode__() if hasattr(type(value), "__unicode__") else str(value)


def decode(owner: Any, *args: Any, **options: Any) -> Any:
    """``owner.decode(...)``: text is decoded already, unless it is bytes that were read as latin-1."""
    if not isinstance(owner, str):
        return owner.decode(*args, **options)
    recoded = _recode(owner, "decode", *args)
    if recoded is not None:
        return recoded
    try:
        return owner if owner.isascii() else owner.encode("latin-1").decode(*args, **options)
    except UnicodeError:
        return owner


def encode(owner: Any, *args: Any, **options: Any) -> Any:
    """``owner.encode(...)``, with "hex" and other encodings that are none of text's."""
    if not isinstance(owner, str | ByteString):
        return owner.encode(*args, **options)
    recoded = _recode(owner, "encode", *args)
    return byte_string(owner.encode(*args, **options)) if recoded is None else recoded


def _recode(owner: Any, way: str, encoding: Any = None, *_: Any) -> Any:
    import codecs

    if encoding is None:
        return None
    data = owner if isinstance(owner, bytes) else owner.encode("latin-1", "replace")
    if encoding.replace("-", "_") == "string_escape":
        return str(getattr(codecs, f"escape_{way}")(data)[0], "latin-1")
    if codecs.lookup(encoding)._is_text_encoding:
        return None
    function = getattr(codecs, way)
    if encoding.replace("_", "").replace("-", "").lower() == "rot13":
        return str(function(as_text(owner), encoding))
    return str(function(data, encoding), "latin-1")


def translate(owner: Any, table: Any, *deleted: Any) -> Any:
    """``owner.translate(table, deleted)``"""
    if not isinstance(owner, str) or (table is not None and not deleted):
        return owner.translate(table, *deleted)
    kept = owner.translate(dict.fromkeys(map(ord, deleted[0]))) if deleted else owner
    return kept if table is None else kept.translate(table)


def message(owner: Any) -> Any:
    """``owner.message``, which exceptions had."""
    if isinstance(owner, BaseException) and not hasattr(owner, "message"):
        return owner.args[0] if len(owner.args) == 1 else ""
    return owner.message


# ---- what is gone

# What objects have lost: methods of elements of XML, and of parsers of HTML.
LOST: dict[str, Callable] = {
    **{"getchildren": list, "getiterator": lambda owner, *args: owner.iter(*args)},
    "unescape": lambda owner, text: html.unescape(text),
}


def _lost(name: str) -> Callable:
    def method(owner: Any, *args: Any, **options: Any) -> Any:
        return getattr(owner, name)(*args, **options) if hasattr(owner, name) else LOST[name](owner, *args)

    return method


def _in_byte_strings(function: Callable) -> Callable:
    return lambda *args, **options: byte_string(function(*args, **options))


# What they are in programs for any Python, and for Python 2.
METHODS: dict[str, Callable] = {**{name: _lost(name) for name in LOST}, **old_arrays.METHODS}
METHODS_OF_PYTHON2: dict[str, Callable] = {
    **byte_strings.METHODS,
    **METHODS,
    "tostring": _in_byte_strings(METHODS["tostring"]),
    **{"decode": decode, "encode": encode, "sort": sort, "translate": translate},
}


# ---- classes


def build_class(function: FunctionType, name: str, *bases: Any, **options: Any) -> Any:
    """A class: ``__cmp__`` compares, and a class that says what is equal keeps its hash."""
    made = builtins.__build_class__(function, name, *bases, **options)
    own = getattr(made, "__dict__", {})
    if "__cmp__" in own:
        return compares(made)
    if "__eq__" in own and own.get("__hash__", made) is None:
        del made.__hash__
    return made


def compares(cls: type) -> type:
    """A decorator: the ``__cmp__`` of the class compares, as it did."""
    for method, answer in COMPARISONS.items():
        if method not in vars(cls):
            setattr(cls, method, _comparison(answer))
    if vars(cls).get("__hash__", cls) is None:
        del cls.__hash__
    return cls


COMPARISONS: dict[str, Callable[[int], bool]] = {
    **{"__eq__": lambda sign: sign == 0, "__ne__": lambda sign: sign != 0},
    **{"__lt__": lambda sign: sign < 0, "__le__": lambda sign: sign <= 0},
    **{"__gt__": lambda sign: sign > 0, "__ge__": lambda sign: sign >= 0},
}


def _comparison(answer: Callable[[int], bool]) -> Callable[[Any, Any], Any]:
    def compared(self: Any, other: Any) -> Any:
        sign = self.__cmp__(other)
        return sign if sign is NotImplemented else answer(sign)

    return compared


# ---- modules


def reload(module: Any) -> Any:
    """Load a module again; `sys` was, to get at `setdefaultencoding`, which does nothing."""
    import importlib

    real = sys.modules.get(module.__name__, module)
    if real is module:
        return importlib.reload(module)
    return module


def round(number: Any, ndigits: int = 0) -> Any:
    """``round(number)``: halves are rounded away from zero, and the result is a float."""
    number = single(number)
    if isinstance(number, np.integer | np.floating):
        number = number.item()
    if not isinstance(number, int | float):
        return builtins.round(number, ndigits)
    scale = 10.0**ndigits
    scaled = abs(number) * scale
    return math.copysign(math.floor(scaled + 0.5) / scale, number) if math.isfinite(scaled) else float(number)


def floor(x: Any) -> float:
    """The next whole number below, a float."""
    return float(math.floor(single(x)))


def ceil(x: Any) -> float:
    """The next whole number above, a float."""
    return float(math.ceil(single(x)))


def check_output(*args: Any, **options: Any) -> Any:
    """What a command prints, a string."""
    import subprocess

    return byte_string(subprocess.check_output(*args, **options))


def hashlib_names() -> dict[str, Any]:
    """Hashes of strings."""
    import hashlib

    def of_text(function: Callable) -> Callable:
        return lambda data=b"", **options: function(as_bytes(data), **options)

    return {name: of_text(getattr(hashlib, name)) for name in ("md5", "sha1", "sha256")}


def csv_names() -> dict[str, Any]:
    """Readers of binary files, which csv asked for."""
    import csv

    class DictReader(csv.DictReader):
        def __init__(self, f: Iterable, *args: Any, **options: Any):
            super().__init__(map(as_text, f), *args, **options)

    def reader(csvfile: Iterable, *args: Any, **options: Any) -> Any:
        return csv.reader(map(as_text, csvfile), *args, **options)

    return {"reader": reader, "DictReader": DictReader}


def gzip_names() -> dict[str, Any]:
    """Files that take strings."""
    import gzip

    class GzipFile(gzip.GzipFile):
        def write(self, data: Any) -> int:
            return super().write(as_bytes(data))

        def __next__(self) -> Any:
            return as_text(super().__next__())

    def open(filename: Any, mode: str = "rb", compresslevel: int = 9, *args: Any, **options: Any) -> Any:
        if args or options or "t" in mode or not isinstance(filename, str | os.PathLike):
            return gzip.open(filename, mode, compresslevel, *args, **options)
        return GzipFile(filename, mode, compresslevel)

    return {"GzipFile": GzipFile, "open": open}


# ---- files


class _Writer(io.BufferedWriter):
    """A binary file that takes text, as strings were bytes."""

    def write(self, data: Any) -> int:
        """Write bytes, or a string."""
        return super().write(as_bytes(data))


class _ReaderAndWriter(io.BufferedRandom):
    def write(self, data: Any) -> int:
        """Write bytes, or a string."""
        return super().write(as_bytes(data))


class _Reader(io.BufferedReader):
    """A binary file whose lines, where somebody goes through them, are text; what it reads is bytes."""

    def __next__(self) -> Any:
        return as_text(super().__next__())


class _Text(io.TextIOWrapper):
    """A text file that takes bytes."""

    def write(self, data: Any) -> int:
        """Write a string, or bytes."""
        return super().write(as_text(data))


def open(name: Any, mode: str = "r", buffering: int = -1, *args: Any, **options: Any) -> Any:
    """`open` as it was: text of any encoding can be read, "U" is a mode, and strings and bytes are written to all."""
    mode = mode.replace("U", "") or "r"
    if mode[0] not in "rwa":
        mode = "r" + mode
    if "b" not in mode:
        if not args and "encoding" not in options:
            options = {"encoding": "utf-8", "errors": "surrogateescape", **options}
        if mode == "r":
            return builtins.open(name, mode, buffering if buffering != 0 else 1, *args, **options)
        file = builtins.open(name, mode, buffering if buffering > 0 else -1, *args, **options)
        words = {name: getattr(file, name) for name in ("encoding", "errors")}
        text = _Text(file.detach(), newline=options.get("newline"), line_buffering=buffering in (0, 1), **words)
        text.mode = mode
        return text
    if buffering == 0 or args or options:
        return builtins.open(name, mode, buffering, *args, **options)
    raw = io.FileIO(name, mode.replace("b", ""))
    file_type = _ReaderAndWriter if "+" in mode else _Reader if mode[0] == "r" else _Writer
    made = file_type(raw, buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE)
    if mode[0] == "a":
        made.seek(0, os.SEEK_END)
    return made


def print_(*values: Any, end: str = "\n", file: Any = None) -> None:
    """The `print` statement: a comma at its end leaves a blank, but none after the end of a line."""
    words = [str(as_text(value)) for value in values]
    if end == " " and words and _ends_in_space(words[-1]):
        end = ""
    # Between two values there is none after the end of a line or a tab either.
    text = "".join(word + " " * (not _ends_in_space(word)) for word in words[:-1]) + "".join(words[-1:])
    builtins.print(text, end=end, file=file)


def _ends_in_space(word: str) -> bool:
    return word[-1:].isspace() and word[-1] != " "
