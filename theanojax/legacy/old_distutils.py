"""`distutils`, which Python 3.12 dropped: what programs, other than those that build packages, called of it.

Where `distutils` is there, with Python or with setuptools, programs get that.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
from typing import Any


@functools.total_ordering
class LooseVersion:
    """A version whose parts are compared one by one, numbers as numbers."""

    def __init__(self, vstring: str | None = None):
        if vstring:
            self.parse(vstring)

    def parse(self, vstring: str) -> None:
        """Take the version from text."""
        self.vstring = vstring
        parts = [part for part in re.split(r"(\d+|[a-z]+|\.)", vstring) if part and part != "."]
        self.version: list[int | str] = [int(part) if part.isdigit() else part for part in parts]

    def __str__(self) -> str:
        return self.vstring

    def __repr__(self) -> str:
        return f"LooseVersion ('{self}')"

    def _key(self) -> list[tuple[bool, int | str]]:
        return [(isinstance(part, str), part) for part in self.version]

    def __eq__(self, other: Any) -> bool:
        return self._key() == _version(other)._key()

    def __lt__(self, other: Any) -> bool:
        return self._key() < _version(other)._key()

    __hash__ = None


StrictVersion = LooseVersion


def _version(value: Any) -> LooseVersion:
    return value if isinstance(value, LooseVersion) else LooseVersion(value)


def find_executable(executable: str, path: str | None = None) -> str | None:
    """`distutils.spawn.find_executable`"""
    return executable if os.path.isfile(executable) else shutil.which(executable, path=path)


def strtobool(val: str) -> int:
    """`distutils.util.strtobool`: 1 or 0; ValueError for anything else."""
    word = val.lower()
    if word in ("y", "yes", "t", "true", "on", "1"):
        return 1
    if word in ("n", "no", "f", "false", "off", "0"):
        return 0
    raise ValueError(f"invalid truth value {val!r}")


def mkpath(name: str, mode: int = 0o777, verbose: int = 1, dry_run: int = 0) -> list[str]:
    """`distutils.dir_util.mkpath`: make the folder `name`, and those above it."""
    made = [] if os.path.isdir(name) else [name]
    os.makedirs(name, mode, exist_ok=True)
    return made


def copy_tree(src: str, dst: str, *args: Any, **options: Any) -> list[str]:
    """`distutils.dir_util.copy_tree`: copy what is in the folder `src` into `dst`."""
    shutil.copytree(src, dst, dirs_exist_ok=True)
    return [os.path.join(folder, file) for folder, _, files in os.walk(dst) for file in files]


def remove_tree(directory: str, *args: Any, **options: Any) -> None:
    """`distutils.dir_util.remove_tree`"""
    shutil.rmtree(directory)


def copy_file(src: str, dst: str, *args: Any, **options: Any) -> tuple[str, int]:
    """`distutils.file_util.copy_file`"""
    return shutil.copy2(src, dst), 1
