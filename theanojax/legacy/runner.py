"""Running an old script: `python -m theanojax run script.py arguments`.

The script is `__main__`; its folder comes first on `sys.path`; `import theano` gives theanojax. Python 2
is converted (`theanojax.legacy.python2`), and what Python and numpy have removed since is given back to
the script and to the modules in its folder, and to nothing else (`theanojax.legacy.script_names`).
Scripts in Python 3 run as they are, with those names.
"""

from __future__ import annotations

import importlib.util
import io
import os
import re
import sys
import tokenize
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType, TracebackType
from typing import Any

from theanojax.legacy import importer, python2, script_names

# Folders below a script's own that are not its own.
INSTALLED = re.compile(r"[\\/](site-packages|dist-packages)[\\/]")
OURS = ("theano", "theanojax")


def run(path: str, arguments: list[str]) -> int:
    """Run the script at `path` as `__main__`; the exit status."""
    if not os.path.isfile(path):
        print(f"theanojax: can't open file {path!r}: no such file", file=sys.stderr)
        return 2
    importer.install()
    main = ModuleType("__main__")
    main.__dict__.update(__file__=path, __cached__=None, __package__=None)
    folder = os.path.dirname(os.path.realpath(path))
    finder = ScriptFinder(folder)
    before = (sys.argv, list(sys.path), sys.modules.get("__main__"))
    sys.argv = [path, *arguments]
    sys.path.insert(0, folder)
    sys.modules["__main__"] = main
    sys.meta_path.insert(0, finder)
    try:
        _execute(main, path, finder)
    except SystemExit:
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        error.__traceback__ = _from_script(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        sys.stdout.flush()
        return 1
    else:
        return 0
    finally:
        # The modules stay: functions registered with atexit, and pickles, still need them.
        sys.meta_path.remove(finder)
        sys.argv, sys.path[:] = before[0], before[1]


def _execute(module: ModuleType, path: str, finder: ScriptFinder) -> None:
    code, is_python2 = python2.compile_source(
        read_source(path), path, in_package=bool(module.__package__), default_python2=finder.is_python2
    )
    # The script itself comes first, and decides for modules that could be either.
    finder.is_python2 = finder.is_python2 or is_python2
    module.__dict__["__builtins__"] = script_names.script_builtins(is_python2)
    exec(code, module.__dict__)


def read_source(path: str) -> str:
    """The text of a source file: in the encoding that it declares, else UTF-8, else latin-1."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        return data.decode("latin-1")


def _from_script(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without our own frames: those above the script, and those of `/` below it."""
    ours = (__file__, python2.__file__, script_names.__file__)
    while traceback is not None and traceback.tb_frame.f_code.co_filename in ours:
        traceback = traceback.tb_next
    frame, last = traceback, traceback
    while frame is not None:
        if frame.tb_frame.f_code.co_filename not in ours:
            last = frame
        frame = frame.tb_next
    if last is not None:
        last.tb_next = None
    return traceback


class ScriptFinder(MetaPathFinder):
    """Finds the modules that came with a script, in its folder and below."""

    def __init__(self, folder: str):
        self.folder = folder
        self.is_python2 = False

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of a module of the script's own; None for every other."""
        if fullname.partition(".")[0] in OURS:
            return None
        spec = PathFinder.find_spec(fullname, [self.folder] if path is None else path)
        origin = spec.origin if spec else None
        if origin is None or not origin.endswith(".py") or not self._is_own(origin):
            return None
        script_names.note_own_module(fullname)
        locations = spec.submodule_search_locations if spec else None
        return importlib.util.spec_from_file_location(
            fullname, origin, loader=ScriptLoader(origin, self), submodule_search_locations=locations
        )

    def _is_own(self, origin: str) -> bool:
        inside = os.path.realpath(origin).startswith(self.folder + os.sep)
        return inside and INSTALLED.search(origin[len(self.folder) :]) is None


class ScriptLoader(Loader):
    """Runs a module as the script itself is run."""

    def __init__(self, path: str, finder: ScriptFinder):
        self.path = path
        self.finder = finder

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        _execute(module, self.path, self.finder)
