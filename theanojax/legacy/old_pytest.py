"""What conftests, configurations and tests of pytest's earlier versions expect of pytest.

`theanojax.legacy.pytest_plugin` gives it to the test process.
"""

from __future__ import annotations

import ast
import functools
import inspect
import os
import sys
import unittest
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from theanojax.legacy import nose_names, runner

# Hooks whose arguments were once paths of py.path -> the old argument, and the one of today, a pathlib.Path.
PATH_ARGUMENTS = {
    "pytest_ignore_collect": ("path", "collection_path"),
    "pytest_collect_file": ("path", "file_path"),
    "pytest_pycollect_makemodule": ("path", "module_path"),
    "pytest_report_header": ("startdir", "start_path"),
    "pytest_report_collectionfinish": ("startdir", "start_path"),
}

# Options of plugins that take a word after them, which could be a path just as well.
WITH_A_WORD = ("--cov", "--cov-report", "--cov-config", "-n", "--numprocesses", "--dist", "--boxed-timeout")


# ---- conftests


def adapt_conftests(manager: Any) -> None:
    """Have the plugin manager take hooks of old conftests from here on."""
    register = manager.register

    @functools.wraps(register)
    def register_adapted(plugin: Any, name: str | None = None) -> Any:
        if (
            isinstance(plugin, ModuleType)
            and os.path.basename(getattr(plugin, "__file__", None) or "") == "conftest.py"
        ):
            _adapt(plugin)
        return register(plugin, name)

    manager.register = register_adapted


def _adapt(conftest: ModuleType) -> None:
    for name, (old, new) in PATH_ARGUMENTS.items():
        hook = vars(conftest).get(name)
        if inspect.isfunction(hook) and old in inspect.signature(hook).parameters:
            setattr(conftest, name, _given_old_path(hook, old, new))
    namespace = vars(conftest).pop("pytest_namespace", None)
    if namespace is not None:
        for name, value in namespace().items():
            setattr(pytest, name, value)


def _given_old_path(hook: Callable, old: str, new: str) -> Callable:
    """`hook` as a function of today's argument `new`."""
    import py  # which pytest has

    names = [new if name == old else name for name in inspect.signature(hook).parameters if name != new]

    def call(given: dict[str, Any]) -> Any:
        path = given[new]
        given = {**given, old: py.path.local(path)}
        if new not in inspect.signature(hook).parameters:
            del given[new]
        result = hook(**given)
        # It said no: pytest's own reasons to leave a file out were asked all the same.
        return result or None

    # The names of the arguments are read from the code.
    adapted = eval(f"lambda {', '.join(names)}: call(dict({', '.join(f'{n}={n}' for n in names)}))", {"call": call})
    vars(adapted).update(vars(hook))
    return adapted


# ---- configurations


def drop_unknown(config: Any, parser: Any, args: list[str]) -> list[str]:
    """Take out of `args` the options that the project's configuration has and no plugin knows; what was taken out.

    `args` begins with what the configuration adds. An option that was typed stays, for pytest to refuse.
    """
    added = list(config.getini("addopts"))
    if args[: len(added)] != added:
        return []
    unknown = set(parser.parse_known_and_unknown_args(added)[1])
    kept: list[str] = []
    dropped: list[str] = []
    words = iter(range(len(added)))
    for i in words:
        word = added[i]
        if not word.startswith("-") or word not in unknown:
            kept.append(word)
            continue
        dropped.append(word)
        following = added[i + 1] if i + 1 < len(added) else "-"
        if not following.startswith("-") and (word in WITH_A_WORD or not _is_path(following, config)):
            dropped[-1] += " " + following
            next(words)
    args[: len(added)] = kept
    return dropped


def _is_path(word: str, config: Any) -> bool:
    return any(os.path.exists(os.path.join(folder, word)) for folder in (config.rootpath, os.getcwd()))


# ---- modules


def serve_modules(folder: str) -> None:
    """Run the modules below `folder`, tests among them, and packages that import theano, as `theanojax run` does."""
    from _pytest.assertion import rewrite

    finder = runner.ScriptFinder(os.path.realpath(folder), for_tests=True)
    places = [i for i, other in enumerate(sys.meta_path) if other is PathFinder]
    sys.meta_path.insert(places[0] if places else len(sys.meta_path), finder)  # after pytest's, of test files
    hook: Any = rewrite.AssertionRewritingHook
    exec_module = hook.exec_module

    def exec_old_module(self: Any, module: ModuleType) -> None:
        path = module.__spec__.origin if module.__spec__ else None
        if path is None or not finder.is_own(path):
            exec_module(self, module)
            return

        def explain_assertions(tree: ast.Module, source: str) -> None:
            rewrite.rewrite_asserts(tree, source.encode(), path, self.config)
            for node in ast.walk(tree):  # the imports that it adds begin, and do not end
                if hasattr(node, "lineno") and getattr(node, "end_lineno", None) is None:
                    node.end_lineno, node.end_col_offset = node.lineno, node.col_offset

        self._rewritten_names[module.__name__] = Path(path)
        try:
            runner.execute(vars(module), path, runner.read_source(path), finder, change=explain_assertions)
        except unittest.SkipTest as error:  # one may be an ImportError, too, which pytest would ask for first
            raise pytest.skip.Exception(str(error), allow_module_level=True) from error
        nose_names.add_module_fixtures(module)

    hook.exec_module = exec_old_module


# ---- pytest's own names


def restore_names() -> None:
    """Set on pytest what it had: `yield_fixture`, direct construction of nodes, strings of code in `raises` ..."""
    from _pytest import fixtures, nodes

    pytest.yield_fixture = pytest.fixture
    node: Any = nodes.Node
    node.get_marker = node.get_closest_marker
    request: Any = fixtures.FixtureRequest
    request.getfuncargvalue = request.getfixturevalue
    meta: Any = type(node)
    meta.__call__ = meta._create
    collector: Any = nodes.FSCollector
    collector.__init__ = _taking_path(collector.__init__)
    pytest.raises = _raises(pytest.raises)
    pytest.warns = _warns(pytest.warns)


def _taking_path(today: Callable) -> Callable:
    """The initialization of files and folders, whose first argument was a path of py.path."""

    @functools.wraps(today)
    def initialize(self: Any, fspath: Any = None, path_or_parent: Any = None, path: Any = None, **options: Any) -> None:
        path = Path(fspath) if path is None and fspath is not None else path
        today(self, path_or_parent=path_or_parent, path=path, **options)

    return initialize


def _raises(today: Callable) -> Callable:
    """`pytest.raises`, which took a string of code, and a message."""

    @functools.wraps(today)
    def raises(expected_exception: Any, *args: Any, message: str | None = None, **options: Any) -> Any:
        if args and isinstance(args[0], str):
            caller = sys._getframe(1)
            code = compile(inspect.cleandoc(args[0]), "<string>", "exec")
            return today(expected_exception, exec, code, caller.f_globals, {**caller.f_locals, **options})
        return today(expected_exception, *args, **options)

    return raises


def _warns(today: Callable) -> Callable:
    """`pytest.warns`, for which None was any warning, or none."""

    @functools.wraps(today)
    def warns(expected_warning: Any = Warning, *args: Any, **options: Any) -> Any:
        if expected_warning is None and not args:
            return pytest.WarningsRecorder(_ispytest=True)
        return today(expected_warning, *args, **options)

    return warns
