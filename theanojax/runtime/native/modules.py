"""Compiled modules: found in the process, or among those that are kept, or made.

They are kept beside XLA's executables, in files named by all that decides what is in them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import sysconfig
import tempfile
from typing import TYPE_CHECKING

import numpy as np

from theanojax.config import config
from theanojax.errors import CompileError
from theanojax.graph.locks import compiling
from theanojax.private_folder import private_folder, remove_unused
from theanojax.runtime.native import compiler
from theanojax.runtime.native.source import MODULE

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import ModuleType

    from theanojax.runtime.native.source import Source

SUFFIX = ".so-cache"  # its end is that of jax's files

_loaded: dict[str, ModuleType] = {}


def module_of(
    source: Source, lock: AbstractContextManager[object] = compiling.lock, longest: float | None = None
) -> ModuleType:
    """The module made from `source`, by a compiler that may take `longest` seconds.

    MissingGXX without a compiler, CompileError if it does not take the code.
    """
    with lock:
        flags = compiler.options([*source.options, *["-I" + f for f in source.folders]], source.no_options)
        link = compiler.linker_options(source.library_folders, source.libraries)
        words = compiler.command()
        made_of = (
            source.text, source.version, flags, link, words, compiler.version_of(tuple(words)), source.compiler,
            np.__version__, sys.version, sysconfig.get_config_var("EXT_SUFFIX"),
        )  # fmt: skip
        key = hashlib.sha256(repr(made_of).encode()).hexdigest()
        if key not in _loaded:
            _loaded[key] = _make(source, key, flags, link, longest)
        return _loaded[key]


def _make(source: Source, key: str, flags: list[str], link: list[str], longest: float | None) -> ModuleType:
    # Headers of the program's own may change without a change of the code, unless it has a version.
    kept = config.xla_cache and (source.version or not source.folders) and source.compiler is None
    folder = private_folder("c") if kept else None
    if folder is None:
        return _in_passing(source, flags, link, longest)
    remove_unused(folder)
    path = os.path.join(folder, key + SUFFIX)
    if os.path.exists(path) and compiler.is_whole(path):
        try:
            os.utime(path)
            return compiler.load(path, MODULE)
        except (ImportError, OSError):
            pass  # it is broken, or has just been deleted
    _compile(source, path, flags, link, longest)
    return compiler.load(path, MODULE)


def _in_passing(source: Source, flags: list[str], link: list[str], longest: float | None) -> ModuleType:
    """A module for this process alone."""
    folder = tempfile.mkdtemp(prefix="theanojax_")
    try:
        if source.compiler is not None and source.compiler.compile_str is not compiler.GCC_compiler.compile_str:
            module: ModuleType = source.compiler.compile_str(
                MODULE, source.text, location=folder, include_dirs=list(source.folders),
                lib_dirs=list(source.library_folders), libs=list(source.libraries), preargs=list(source.options),
            )  # fmt: skip
            return module
        path = os.path.join(folder, MODULE + (".pyd" if sys.platform == "win32" else ".so"))
        _compile(source, path, flags, link, longest)
        return compiler.load(path, MODULE)
    finally:
        # What is loaded needs its file no longer, but for Windows, which refuses to delete it.
        shutil.rmtree(folder, ignore_errors=True)


def _compile(source: Source, path: str, flags: list[str], link: list[str], longest: float | None) -> None:
    try:
        compiler.compile_library(source.text, path, flags, link, longest)
    except CompileError as error:
        lines = source.code.split("\n")
        numbered = "\n".join("%05d\t%s" % pair for pair in enumerate(lines, 1))
        raise CompileError("%s\n%s\n%s\n%s" % (error, "=" * 31, numbered, "=" * 31)) from None
