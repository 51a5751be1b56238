"""Programs that `theanojax run` runs, in the processes that they start with multiprocessing's "spawn" and "forkserver".

Such a process imports the program's main module anew, by its file or by a name. A program that is run has the name that
`name_for` gives, below this module; imported, it is run as in the first process.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any

__path__: list[str] = []  # modules are found below this one


def spec_for(path: str, version: int | None) -> ModuleSpec:
    """What the main module of the program in the file `path`, in Python `version`, has as its ``__spec__``."""
    return ModuleSpec(f"{__name__}.{json.dumps([os.path.abspath(path), version]).encode().hex()}", None)


class _Program(Loader):
    def __init__(self, path: str, version: int | None):
        self.path, self.version = path, version

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.get_code(module.__name__), vars(module))

    def get_code(self, name: str) -> CodeType:
        """What `runpy` runs."""
        source = f"from {__name__} import run_again\nrun_again(globals(), {self.path!r}, {self.version!r})"
        return compile(source, __file__, "exec")


class _Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of a program below this module."""
        parent, _, encoded = fullname.rpartition(".")
        if parent != __name__:
            return None
        return ModuleSpec(fullname, _Program(*json.loads(bytes.fromhex(encoded))), origin=__file__)


def run_again(names: dict[str, Any], path: str, version: int | None) -> None:
    """Run the program in the file `path` in the module whose names are given."""
    from theanojax.legacy import importer, runner

    importer.install()
    finder = runner.ScriptFinder(os.path.dirname(os.path.realpath(path)), version)
    sys.meta_path.insert(0, finder)
    names.update(__file__=path, __package__=None)
    runner.execute(names, path, runner.read_source(path), finder)


sys.meta_path.append(_Finder())
