"""The processes that old programs, and tests, start with multiprocessing's "spawn" and "forkserver".

Such a process imports the program's main module anew, by its file or by a name. What `theanojax run` runs has the name
of `spec_for`, below this module; imported, it is run as in the first process. Tests have that of `spec_for_tests`: the
process is prepared as pytest's is.
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
    return _spec("run_again", os.path.abspath(path), version)


def spec_for_tests(folder: str) -> ModuleSpec:
    """What the main module of a process that tests the project in `folder` has as its ``__spec__``."""
    return _spec("serve_again", folder)


def _spec(function: str, *arguments: Any) -> ModuleSpec:
    return ModuleSpec(f"{__name__}.{json.dumps([function, *arguments]).encode().hex()}", None)


class _Program(Loader):
    def __init__(self, function: str, *arguments: Any):
        self.function, self.arguments = function, arguments

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.get_code(module.__name__), vars(module))

    def get_code(self, name: str) -> CodeType:
        """What `runpy` runs."""
        source = f"from {__name__} import {self.function} as again\nagain(globals(), *{self.arguments!r})"
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


def serve_again(names: dict[str, Any], folder: str) -> None:
    """Serve the project in `folder`, whose tests another process runs."""
    from theanojax.legacy import old_pytest, pytest_plugin

    pytest_plugin.prepare()
    old_pytest.serve_modules(folder)


sys.meta_path.append(_Finder())
