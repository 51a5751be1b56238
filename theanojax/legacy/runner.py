"""Running an old program: `theanojax run script.py arguments`.

The script is `__main__`; its folder comes first on `sys.path`; `import theano` gives theanojax. Python 2
is converted (`theanojax.legacy.python2`), and what Python and numpy have removed since is given back to
the script and to the modules in its folder, and to nothing else (`theanojax.legacy.script_names`).
Scripts in Python 3 run as they are, with those names.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import os
import re
import sys
import tokenize
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

from theanojax.graph import tag
from theanojax.graph.tracebacks import take_out
from theanojax.legacy import (
    byte_strings,
    importer,
    old_numpy,
    old_objects,
    old_python,
    python2,
    python2_values,
    script_names,
    spawned,
)

# Folders below a script's own that are not its own.
INSTALLED = re.compile(r"[\\/](site-packages|dist-packages)[\\/]")
OURS = ("theano", "theanojax")
# Installed packages that do not import theano, and are as old as those that do and need them.
OLD = ("arviz", "fuel", "picklable_itertools")
# What the extra `legacy` of pyproject.toml installs, by the names of its modules.
LEGACY = ("PIL", "h5py", "matplotlib", "pandas")
IMPORTLIB = os.path.dirname(importlib.util.__file__)
IMPORT = re.compile(rb"^[ \t]*(import|from) theano\b", re.M)
OUR_FILES = tuple(
    module.__file__
    for module in (byte_strings, old_numpy, old_objects, old_python, python2, python2_values, script_names)
) + (__file__,)


def run(target: str, arguments: list[str], kind: str = "script", version: int | None = None) -> int:
    """Run `target` as `__main__`; the exit status.

    Parameters
    ----------
    target : a file, a folder with a ``__main__.py``, "-" (read from standard input), or what `kind` says.
    arguments : ``sys.argv`` of the program, after its name.
    kind : "script", "module" (a dotted name), or "code" (the source itself).
    version : 2 or 3, the Python that it is written in; None: decide by what it uses.
    """
    importer.install()
    folder = os.getcwd()
    finder = ScriptFinder(folder, version)
    try:
        if kind == "module":
            path, source, package = _module(target, finder)
        elif kind == "code" or target == "-":
            path, source, package = (
                ("<string>", target, None) if kind == "code" else ("<stdin>", sys.stdin.read(), None)
            )
        else:
            path = os.path.join(target, "__main__.py") if os.path.isdir(target) else target
            source, package = read_source(path), None
            folder = os.path.dirname(os.path.realpath(path))
    except OSError as error:
        print(f"theanojax: can't open file {error.filename!r}: {reason(error)}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(f"theanojax: {error}", file=sys.stderr)
        return 1
    finder.folder = folder
    main = ModuleType("__main__")
    main.__dict__.update(__file__=path, __cached__=None, __package__=package)
    if path[0] == "<":
        del main.__dict__["__file__"]
    elif kind == "script":
        main.__spec__ = spawned.spec_for(path, version)
    before = (sys.argv, list(sys.path), sys.modules.get("__main__"))
    printing = old_numpy.print_as_then()
    sys.argv = [{"code": "-c", "module": path}.get(kind, target), *arguments]
    sys.path.insert(0, folder)
    sys.modules["__main__"] = main
    sys.meta_path.insert(0, finder)
    try:
        execute(vars(main), path, source, finder, notice=_notice)
    except SystemExit:
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        take_ours_out(error)
        note_remedy(error)
        sys.excepthook(type(error), error, error.__traceback__)
        sys.stdout.flush()
        return 1
    else:
        return 0
    finally:
        # The modules stay: functions registered with atexit, and pickles, still need them.
        sys.meta_path.remove(finder)
        old_numpy.print_as(printing)
        sys.argv, sys.path[:] = before[0], before[1]


def take_ours_out(error: BaseException) -> None:
    """Take our frames out of tracebacks: above the script, between its modules, and below it where it divides."""
    take_out(
        error,
        lambda code, hidden: (
            code.co_filename in OUR_FILES or hidden and code.co_filename.startswith(("<frozen importlib", IMPORTLIB))
        ),
    )


def note_remedy(error: BaseException) -> None:
    """Say what brings a module that is missing, if we have a name for it, and how code of today reads old pickles."""
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in LEGACY:
        error.add_note("pip install 'theanojax[legacy]' brings it, and what else scripts of Theano's time import")
    elif isinstance(error, UnicodeDecodeError) and error.encoding == "ascii":
        error.add_note("If Python 2 wrote what was being unpickled: pickle.load(file, encoding='latin1') reads it")


def _module(name: str, finder: ScriptFinder) -> tuple[str, str, str]:
    """(path, source, package) of the module `name`, of the package's ``__main__`` if it is one."""
    sys.path.insert(0, os.getcwd())
    sys.meta_path.insert(0, finder)  # the packages above it are imported
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name += ".__main__"
            spec = importlib.util.find_spec(name)
    finally:
        del sys.path[0]
        sys.meta_path.remove(finder)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise ImportError(f"no module named {name!r} with a source")
    return spec.origin, read_source(spec.origin), spec.parent or ""


def reason(error: OSError) -> str:
    """Why a file could not be read, as `python` says it."""
    return "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or str(error))


def _notice(text: str) -> None:
    print(f"theanojax run: {text}", file=sys.stderr)


def execute(
    names: dict[str, Any],
    path: str,
    source: str,
    finder: ScriptFinder,
    notice: Callable[[str], None] | None = None,
    change: Callable[[ast.Module, str], None] | None = None,
) -> None:
    """Run `source`, of the file `path`, in a module with these `names`, with the names and the meaning of its time.

    `change` may alter its tree before.
    """
    tree, is_python2 = python2.parse_source(
        source,
        path,
        in_package=bool(names.get("__package__")),
        default_python2=finder.is_python2,
        version=finder.version,
        notice=notice,
    )
    # The script itself comes first, and decides for modules that could be either.
    # Tests are many scripts: what one of them uses says nothing of the others.
    finder.is_python2 = finder.is_python2 or is_python2 and not finder.for_tests
    if change is not None:
        change(tree, source)
    code = python2.compile_tree(tree, path, is_python2)
    names["__builtins__"] = script_names.script_builtins(is_python2, finder.for_tests)
    exec(code, names)


tag.runs_programs.add(execute.__code__)


def read_source(path: str) -> str:
    """The text of a source file: in the encoding that it declares, else UTF-8, else latin-1."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        return data.decode("latin-1")


def _imports_theano(folder: str) -> bool:
    """Whether a file of the package in `folder`, or of one right below it, imports theano."""
    for where in (folder, *(entry.path for entry in os.scandir(folder) if entry.is_dir())):
        for entry in os.scandir(where):
            if entry.name.endswith(".py"):
                with open(entry.path, "rb") as file:
                    if IMPORT.search(file.read()):
                        return True
    return False


class ScriptFinder(MetaPathFinder):
    """Finds the modules that came with a script, in its folder and below, and installed packages that import theano.

    The folder comes first, but `for_tests`: then it is searched as far as ``sys.path`` has it, and what tests replace
    among the built-ins is replaced.
    """

    def __init__(self, folder: str, version: int | None = None, for_tests: bool = False):
        self.folder, self.version, self.for_tests = folder, version, for_tests
        self.packages: dict[str, bool] = {}  # by their names, whether they import theano
        self.is_python2 = version == 2

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of a module of the script's own; None for every other."""
        if fullname.partition(".")[0] in OURS:
            return None
        first = PathFinder.find_spec(fullname, [self.folder]) if path is None and not self.for_tests else None
        spec = first or self._found_by_others(fullname, path)
        origin = spec.origin if spec else None
        if origin is None or not origin.endswith(".py"):
            return None
        own = self.is_own(origin)
        if not own and not self._knows_theano(fullname.partition(".")[0]):
            return None
        if own:
            self.packages[fullname.partition(".")[0]] = True
            script_names.note_own_module(fullname)
        locations = spec.submodule_search_locations if spec else None
        return importlib.util.spec_from_file_location(
            fullname, origin, loader=ScriptLoader(fullname, origin, self, own), submodule_search_locations=locations
        )

    def _found_by_others(self, fullname: str, path: Any = None) -> ModuleSpec | None:
        """What the finders that come after this one find."""
        finders = sys.meta_path[sys.meta_path.index(self) + 1 :] if self in sys.meta_path else [PathFinder]
        specs = (finder.find_spec(fullname, path) for finder in finders if hasattr(finder, "find_spec"))
        return next((spec for spec in specs if spec is not None), None)

    def _knows_theano(self, package: str) -> bool:
        """Whether an installed package imports theano: then it is as old as the script, and gets the same names."""
        if package not in self.packages:
            # What was loaded before, numpy for one, was loaded as it is; its files need not be looked at.
            spec = None if package in sys.modules else self._found_by_others(package)
            folders = list(spec.submodule_search_locations or ()) if spec else []
            as_old_as = package.rpartition("_")[0]  # keras_preprocessing as keras
            old = package in OLD or self.packages.get(as_old_as, False)
            self.packages[package] = bool(folders) and (old or any(map(_imports_theano, folders)))
        return self.packages[package]

    def is_own(self, origin: str) -> bool:
        """Whether a file is in the folder or below it, and not installed there."""
        inside = os.path.realpath(origin).startswith(self.folder + os.sep)
        return inside and INSTALLED.search(origin[len(self.folder) :]) is None


class ScriptLoader(SourceFileLoader):
    """Runs a module as the script itself is run."""

    def __init__(self, name: str, path: str, finder: ScriptFinder, own: bool):
        super().__init__(name, path)
        self.finder, self.own = finder, own

    def exec_module(self, module: ModuleType) -> None:
        # A package that is installed is in Python 3, unless it says something else.
        finder = self.finder if self.own else ScriptFinder(self.finder.folder, for_tests=self.finder.for_tests)
        execute(vars(module), self.path, read_source(self.path), finder)
