"""`theano.gof.cmodule`: what programs ask of the C compiler.

It is the one that compiles Ops in C. Theano's own modules were written with DynamicModule, which there is none of here.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import tempfile
from types import ModuleType
from typing import Any

import numpy as np

from theanojax.config import config
from theanojax.configflags import local_bitwidth as local_bitwidth
from theanojax.errors import MissingGXX as MissingGXX
from theanojax.legacy import compiledir
from theanojax.legacy.gof_utils import flatten as flatten, hash_from_code as hash_from_code
from theanojax.runtime.native.compiler import Compiler as Compiler, GCC_compiler as GCC_compiler, load

METH_VARARGS = "METH_VARARGS"
METH_NOARGS = "METH_NOARGS"
import_time = 0


def get_lib_extension() -> str:
    """The extension of compiled modules."""
    return "pyd" if sys.platform in ("win32", "cygwin") else "so"


def __getattr__(name: str) -> str:
    if name == "gcc_version_str":
        return gcc_version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def dlimport(fullpath: str, suffix: str | None = None) -> ModuleType:
    """The compiled module in the file `fullpath`, whose name ends with `suffix`."""
    name = os.path.basename(fullpath)
    return load(fullpath, name.removesuffix(suffix) if suffix else name.partition(".")[0])


def dlimport_workdir(basedir: str) -> str:
    """A new folder in `basedir`."""
    return tempfile.mkdtemp(dir=basedir)


def last_access_time(path: str) -> float:
    """When the file was last read."""
    return os.stat(path).st_atime


def module_name_from_dir(dirname: str, err: bool = True, files: list[str] | None = None) -> str | None:
    """The path of the one compiled module in a folder; without one a ValueError, or None if not `err`."""
    extension = "." + get_lib_extension()
    found = [f for f in (os.listdir(dirname) if files is None else files) if f.endswith(extension)]
    if not found and not err:
        return None
    if len(found) != 1:
        raise ValueError(f"{len(found)} compiled modules in {dirname}")
    return os.path.join(dirname, found[0])


def is_same_entry(entry_1: str, entry_2: str) -> bool:
    """Whether two paths are of the same file, in folders of the same place and name."""
    same = os.path.realpath(entry_1) == os.path.realpath(entry_2)
    return same or (
        os.path.basename(entry_1) == os.path.basename(entry_2)
        and os.path.basename(os.path.dirname(entry_1)) == os.path.basename(os.path.dirname(entry_2))
    )


def get_module_hash(src_code: str, key: Any) -> str:
    """A name that stands for C code and what it was made for."""
    return hash_from_code("\n".join([*(line.strip() for line in src_code.split("\n")), repr(key)]))


def get_safe_part(key: Any) -> Any:
    """What of a key does not depend on the objects in it."""
    version, rest = key
    return version, tuple(part for part in rest if isinstance(part, str) and part.startswith("md5:"))


def std_libs() -> list[str]:
    """The libraries that compiled modules are linked with."""
    return [] if sys.platform == "win32" else ["python" + (sysconfig.get_config_var("LDVERSION") or "")]


def std_lib_dirs() -> list[str]:
    """The folders in which they are."""
    folder = sysconfig.get_config_var("LIBDIR")
    return [folder] if folder else []


def std_lib_dirs_and_libs() -> tuple[list[str], list[str]]:
    """Both."""
    return std_libs(), std_lib_dirs()


def std_include_dirs() -> list[str]:
    """The folders of the headers that compiled modules include."""
    return [np.get_include(), sysconfig.get_paths()["include"]]


def get_gcc_shared_library_arg() -> str:
    """The option that has g++ make a library."""
    return "-dynamiclib" if sys.platform == "darwin" else "-shared"


def gcc_version() -> str:
    """The version of the C compiler; empty without one."""
    found = re.search(r"\d+\.\d[\d.]*", GCC_compiler.version_str())
    return found[0] if found else ""


def gcc_llvm() -> bool:
    """Whether the C compiler is clang."""
    return "clang" in GCC_compiler.version_str()


def try_march_flag(flags: list[str]) -> tuple[bool, bool]:
    """Whether the compiler takes these flags, and a program made with them runs."""
    compiled, ran = GCC_compiler.try_flags(flags, try_run=True)
    return compiled, ran


class ExtFunction:
    """A function of a module in C."""

    def __init__(self, name: str, code_block: str, method: str, doc: str = "undocumented"):
        self.name, self.code_block, self.method, self.doc = name, code_block, method, doc


class DynamicModule:
    """A module in C, which can't be written here."""

    def __init__(self, name: str | None = None):
        raise MissingGXX()


class ModuleCache:
    """The compiled modules of a folder: none. What is deleted through it are XLA's executables."""

    age_thresh_use = config.cmodule.age_thresh_use
    age_thresh_del = age_thresh_use + 60 * 60 * 24 * 7
    age_thresh_del_unversioned = 60 * 60 * 24 * 7

    def __init__(self, dirname: str, check_for_broken_eq: bool = True, do_refresh: bool = True):
        self.dirname = dirname
        self.check_for_broken_eq = check_for_broken_eq
        self.entry_from_key: dict = {}
        self.module_from_name: dict = {}
        self.module_hash_to_key_data: dict = {}
        self.loaded_key_pkl: set = set()
        self.stats = [0, 0, 0]

    def refresh(
        self, age_thresh_use: float | None = None, delete_if_problem: bool = False, cleanup: bool = True
    ) -> list:
        """Read the folder anew; the modules that are too old."""
        return []

    def module_from_key(self, key: Any, lnk: Any = None, keep_lock: bool = False) -> ModuleType:
        """Compile, or find, a module."""
        raise MissingGXX()

    def clear(
        self, unversioned_min_age: float | None = None, clear_base_files: bool = False, delete_if_problem: bool = False
    ) -> None:
        """Delete what is kept."""
        compiledir.delete(0, self.dirname)

    def clear_old(self, age_thresh_del: float | None = None, delete_if_problem: bool = False) -> None:
        """Delete what nothing has used for that many seconds."""
        compiledir.delete(self.age_thresh_del if age_thresh_del is None else age_thresh_del, self.dirname)

    def clear_unversioned(self, min_age: float | None = None) -> None:
        """Delete modules without a version; executables have one."""

    def clear_base_files(self) -> None:
        """Delete the modules of Theano itself; here they are in Python."""


_caches: dict[str, ModuleCache] = {}


def get_module_cache(dirname: str, init_args: dict | None = None) -> ModuleCache:
    """The cache of a folder."""
    if dirname not in _caches:
        _caches[dirname] = ModuleCache(dirname, **(init_args or {}))
    return _caches[dirname]


def get_persistent_module_cache(init_args: dict | None = None) -> ModuleCache:
    """The cache of ``config.compiledir``; `theano.gof.cc` calls it `get_module_cache`, too."""
    return get_module_cache(config.compiledir, init_args)
