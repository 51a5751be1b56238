"""`imp`, which Python 3.12 dropped: what programs called of it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
import tokenize
from importlib import reload as reload
from importlib.util import cache_from_source as cache_from_source, source_from_cache as source_from_cache
from types import ModuleType
from typing import Any

SEARCH_ERROR, PY_SOURCE, PY_COMPILED, C_EXTENSION, PY_RESOURCE, PKG_DIRECTORY, C_BUILTIN, PY_FROZEN = range(8)


def new_module(name: str) -> ModuleType:
    """An empty module `name`."""
    return ModuleType(name)


def get_magic() -> bytes:
    """What compiled files of this Python begin with."""
    return importlib.util.MAGIC_NUMBER


def get_suffixes() -> list[tuple[str, str, int]]:
    """(end of the name, mode to open it, kind) of files that are modules."""
    machinery = importlib.machinery
    kinds = (
        (machinery.EXTENSION_SUFFIXES, "rb", C_EXTENSION),
        (machinery.SOURCE_SUFFIXES, "r", PY_SOURCE),
        (machinery.BYTECODE_SUFFIXES, "rb", PY_COMPILED),
    )
    return [(suffix, mode, kind) for suffixes, mode, kind in kinds for suffix in suffixes]


def acquire_lock() -> None:
    """Nothing: imports have locks of their own."""


release_lock = acquire_lock


def lock_held() -> bool:
    """False."""
    return False


def load_source(name: str, pathname: str, file: Any = None) -> ModuleType:
    """The module `name`, made anew of the source in `pathname`."""
    return _load(name, pathname)


load_compiled = load_dynamic = load_source


def find_module(name: str, path: Any = None) -> tuple[Any, str, tuple[str, str, int]]:
    """(open file, path, (suffix, mode, kind)) of the module `name`; ImportError if there is none."""
    if "." in name:
        raise ImportError(f"No module named {name}")
    spec = importlib.machinery.PathFinder.find_spec(name, path)
    if spec is None and path is None:
        spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ImportError(f"No module named {name}")
    if spec.submodule_search_locations:
        return None, os.path.dirname(spec.origin), ("", "", PKG_DIRECTORY)
    for suffix, mode, kind in get_suffixes():
        if spec.origin.endswith(suffix):
            file = open(spec.origin, mode) if "b" in mode else tokenize.open(spec.origin)
            return file, spec.origin, (suffix, mode, kind)
    return None, name, ("", "", C_BUILTIN)


def load_module(name: str, file: Any, pathname: str, description: tuple[str, str, int]) -> ModuleType:
    """The module that `find_module` found."""
    if description[2] == C_BUILTIN:
        return importlib.import_module(pathname)
    return _load(name, os.path.join(pathname, "__init__.py") if description[2] == PKG_DIRECTORY else pathname)


def load_package(name: str, path: str) -> ModuleType:
    """The package in the folder `path`."""
    return _load(name, os.path.join(path, "__init__.py"))


def _load(name: str, path: str) -> ModuleType:
    """Import the file by the finder of the program that asks, which may take it for Python 2."""
    from theanojax.legacy import runner

    finder = next((found for found in sys.meta_path if isinstance(found, runner.ScriptFinder)), None)
    loader: Any = None
    if finder is not None and path.endswith(".py"):
        loader = runner.ScriptLoader(name, path, finder, True)
    locations = [os.path.dirname(path)] if os.path.basename(path) == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, path, loader=loader, submodule_search_locations=locations)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {name} from {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return sys.modules[name]
