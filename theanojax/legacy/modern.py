"""An old program's text as one would write it today: `theanojax convert`.

First the syntax of Python 2 becomes that of Python 3 (`modern_syntax`), then, on the syntax tree, names that Python,
numpy and scipy have moved become today's (here, by the tables of `moved`), and what would silently mean something
else is written out (`modern_meaning`). What no text can tell is said in notes, for somebody to look at.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from theanojax.legacy import modern_meaning, modern_syntax, moved, python2, siblings
from theanojax.legacy.edits import Edits, each
from theanojax.legacy.which_python import PYTHON2_MODULES, changed_meaning, only_in_python2, says_python2, uses_python2

# Built-ins of Python 2, where they are not called: fixers know the calls.
BUILTINS = {
    **{"raw_input": "builtins.input", "xrange": "builtins.range", "unichr": "builtins.chr"},
    **{"reduce": "functools.reduce", "intern": "sys.intern"},
}
# What is written as something else wherever it is called.
GONE = {
    "numpy.random.random_integers",
    *(f"numpy.{name}" for name in ("asscalar", "cast", "in1d", "msort", "asfarray", "fromstring")),
}
HELPERS = "theanojax.legacy.as_in_python2"


class Converted(NamedTuple):
    """A program in Python 3, whether it was in Python 2, and notes: (line of the original, what to look at)."""

    text: str
    is_python2: bool
    notes: list[tuple[int, str]]


def convert(
    source: str, filename: str, in_package: bool = False, version: int | None = None, default_python2: bool = False
) -> Converted:
    """`source` in Python 3 with today's names; SyntaxError if it is in neither Python.

    The arguments are those of `python2.compile_source`.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    is_python2, notes = which(source, filename, version, default_python2)
    text, futures = source, modern_syntax.futures(source)
    if is_python2:
        try:
            text, found = modern_syntax.to_python3(source, filename, False)
        except SyntaxError:
            if not default_python2:
                raise
            return convert(source, filename, in_package, version)  # it is in Python 3, whatever the files beside it are
        notes += found
    places = python2.line_places(source.split("\n"), text.split("\n"))
    dots = is_python2 and in_package and "absolute_import" not in futures
    text, found = modernise(text, filename, is_python2, 0 if "division" in futures else math.inf, dots)
    notes += [(places.get(line, line), what) for line, what in found]
    return Converted(_header(text, is_python2), is_python2, sorted(set(notes)))


def which(source: str, filename: str, version: int | None, default_python2: bool) -> tuple[bool, list[tuple[int, str]]]:
    """Whether `source` is in Python 2, decided as `theanojax run` does, and a note where it reads as both."""
    if version is not None:
        return version == 2, []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, filename)
    except SyntaxError:
        return True, []
    if default_python2 or says_python2(source) or uses_python2(tree):
        return True, []
    text = "Python 2 and Python 3 differ in {}: taken for Python {}; -{} takes it for the other"
    if (found := only_in_python2(tree)) is not None:
        return True, [(found[0], text.format(found[1], 2, 3))]
    if (found := changed_meaning(tree)) is not None:
        return False, [(found[0], text.format(found[1], 3, 2))]
    return False, []


def modernise(
    text: str, filename: str, is_python2: bool, divides: float, dots: bool = False
) -> tuple[str, list[tuple[int, str]]]:
    """`text`, which is in Python 3's syntax, with today's names and, if it `is_python2`, the meaning that it had.

    From the line `divides` on quotients are those of Python 3; imports of modules beside the file get `dots`. The notes
    have lines of `text`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        modern = Modern(text, filename, is_python2, dots)
        modern_meaning.write_out(modern, divides)
        modern.names()
        modern.imports()
        made = modern.result()
        ast.parse(made, filename)
        return made, modern.notes


def _header(text: str, is_python2: bool) -> str:
    """The first lines say Python 3, and UTF-8."""
    if not is_python2:
        return text
    text = text.lstrip("\n")
    first, rest = re.match(r"((?:[^\n]*\n){0,2})(.*)", text, re.S).groups()  # type: ignore[union-attr]
    first = re.sub(r"^(#!.*\bpython)2[.\d]*", r"\g<1>3", first)
    first = re.sub(r"^[ \t]*#.*?coding[:=][ \t]*[-\w.]+.*\n", "", first, flags=re.M)
    return first + rest


class Modern(Edits):
    """A program whose names are to become today's."""

    def __init__(self, text: str, filename: str, is_python2: bool, dots: bool = False):
        super().__init__(text, filename)
        self.is_python2, self.dots = is_python2, dots
        self.is_sibling = siblings.sibling_test(filename)
        self.notes: list[tuple[int, str]] = []
        self.helpers: set[str] = set()
        self.modules: set[str] = set()
        self.names_of = [moved.NAMES, *([moved.NAMES_SINCE_2] if is_python2 else [])]
        self.aliases: dict[str, str] = {}  # names of modules and of what is imported from them -> dotted paths
        self.stars: list[str] = []
        self.own: set[str] = set()  # names that the program itself gives to something
        each(self.tree, ast.Import, self._note_import)
        each(self.tree, ast.ImportFrom, self._note_import_from)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self.own.add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
                self.own.add(node.name)
            elif isinstance(node, ast.arg):
                self.own.add(node.arg)

    def note(self, node: ast.AST, what: str) -> None:
        """Say that somebody has to look at `node`."""
        self.notes.append((node.lineno, what))

    def helper(self, name: str) -> str:
        """The name of a function of `as_in_python2`, which the program imports from now on."""
        self.helpers.add(name)
        return name

    def is_builtin(self, node: ast.AST, name: str) -> bool:
        """Whether `node` is the built-in `name`."""
        return isinstance(node, ast.Name) and node.id == name and name not in self.own and name not in self.aliases

    # ---- What is imported

    def _note_import(self, node: ast.Import) -> None:
        for alias in node.names:
            if self.is_sibling(alias.name):
                continue
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            self.aliases[alias.asname or name] = name

    def _note_import_from(self, node: ast.ImportFrom) -> None:
        if node.level or node.module is None or self.is_sibling(node.module):
            return
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(node.module)
            else:
                self.aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def path(self, node: ast.AST) -> str | None:
        """The dotted path that `node`, a name or attributes of one, stands for."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self.path(node.value)
            return f"{owner}.{node.attr}" if owner else None
        return None

    def module(self, name: str) -> str:
        """What the program calls the module `name`; it imports it from now on, if it doesn't yet."""
        for alias, path in self.aliases.items():
            if path == name:
                return alias
        if name.startswith("theanojax."):
            self.modules.add(name)
            return name.rpartition(".")[2]
        parent, _, last = name.rpartition(".")
        if parent and any(path == parent for path in self.aliases.values()) and f"{name}" in self._imported():
            return f"{self.module(parent)}.{last}"
        self.modules.add(name)
        return name

    def _imported(self) -> set[str]:
        return {alias.name for node in ast.walk(self.tree) if isinstance(node, ast.Import) for alias in node.names}

    def today(self, path: str) -> str | None:
        """The path that something has today; None if that is its path."""
        owner, _, name = path.rpartition(".")
        for table in self.names_of:
            if name in table.get(owner, ()):
                return table[owner][name]
        if moved.MODULES.get(owner):
            new = moved.MODULES[owner]
            return f"numpy.{name}" if new.startswith("numpy.") and hasattr(np, name) else f"{new}.{name}"
        if owner == "scipy" and name in _scipy_had():
            return f"numpy.{name}"
        return None

    def write(self, path: str) -> str:
        """`path` as the program writes it."""
        owner, _, name = path.rpartition(".")
        if not owner:
            return self.module(name)
        if owner == "builtins":
            return name if name not in self.own and name not in self.aliases else f"{self.module('builtins')}.{name}"
        if owner == "builtins.str":
            return f"str.{name}"
        if owner == "theanojax.legacy.python2":
            return self.helper(name)
        return f"{self.module(owner)}.{name}"

    # ---- Names

    def names(self) -> None:
        """Write today's names for those that have moved."""
        each(self.tree, ast.Attribute, self._attribute)
        each(self.tree, ast.Name, self._name)

    def _attribute(self, node: ast.Attribute) -> None:
        path = self.path(node)
        if path is None or not isinstance(node.ctx, ast.Load):
            return
        parent = self.parents.get(node)
        new = self.today(path)
        if new is None and path in moved.MODULES and isinstance(parent, ast.Attribute):
            longer = self.path(parent)
            if longer is None or self.today(longer) is None:
                new = moved.MODULES[path]
                self.replace_node(node, self.module(new))
            return
        if new is not None and not self._is_done(node):
            self.replace_node(node, self.write(new))

    def _is_done(self, node: ast.AST) -> bool:
        """Whether something has changed `node` already."""
        start, end = self.start(node), self.end(node)
        return any(order[0] == 2 and at < end and stop > start for at, order, stop, _ in self.changes)

    def _name(self, node: ast.Name) -> None:
        """Names that ``import *`` gave; `numpy`, which some listings leave to be imported by the one before."""
        if not isinstance(node.ctx, ast.Load) or node.id in self.own or node.id in self.aliases:
            return
        if self.is_python2 and node.id in BUILTINS:
            self.replace_node(node, self.write(BUILTINS[node.id]))
            return
        if node.id in ("numpy", "np") and not self.stars:
            self.modules.add("numpy as np" if node.id == "np" else "numpy")
            return
        for module in self.stars:
            new = self.today(f"{module}.{node.id}")
            if new is not None and not new.startswith("builtins."):
                if new.rpartition(".")[0] != module:
                    new = self.write(new)
                self.replace_node(node, new.rpartition(".")[2] if new.startswith(f"{module}.") else new)
                return

    # ---- Imports

    def imports(self) -> None:
        """Imports of what has moved, and of what the program needs now."""
        each(self.tree, ast.Import, self._import)
        each(self.tree, ast.ImportFrom, self._import_from)
        lines = [f"import {name}" for name in sorted(self.modules) if not name.startswith("theanojax.")]
        ours = [
            f"from theanojax.legacy import {name.rpartition('.')[2]}"
            for name in sorted(self.modules - set(map(lambda line: line[7:], lines)))
        ]
        if self.helpers:
            ours.append(f"from {HELPERS} import {', '.join(sorted(self.helpers))}")
        first = self._first_statement()
        self._insert(lines, self._place_before(first))
        theano = self._import_of_theano() if "THEANO_FLAGS" in self.text else None
        self._insert(ours, self._after_imports(first) if theano is None else self._place_before(theano))

    def _first_statement(self) -> ast.stmt | None:
        """The first statement that is no docstring and no import from ``__future__``."""
        for node in self.tree.body:
            is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node is self.tree.body[0]
            is_cell = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and "__" in self.source(node)
            if not is_text and not is_cell and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
                return node
        return None

    def _import_of_theano(self) -> ast.stmt | None:
        """The statement that imports theano, before which flags are set."""
        for node in self.tree.body:
            for inner in ast.walk(node):
                names: Iterable[str] = ()
                if isinstance(inner, ast.Import):
                    names = [alias.name for alias in inner.names]
                elif isinstance(inner, ast.ImportFrom):
                    names = [inner.module or ""]
                if any(name.split(".")[0] in ("theano", "theanojax") for name in names):
                    return node
        return None

    def _place_before(self, node: ast.stmt | None) -> int:
        if node is None:
            return len(self.data)
        decorators = getattr(node, "decorator_list", None)
        return self.line_start(decorators[0] if decorators else node)

    def _after_imports(self, first: ast.stmt | None) -> int:
        """The line after the imports that begin with the statement `first`."""
        last = None
        for node in self.tree.body[self.tree.body.index(first) :] if first is not None else ():
            if not isinstance(node, ast.Import | ast.ImportFrom):
                break
            last = node
        if last is None:
            return self._place_before(first)
        return min(self.starts[last.end_lineno or 0], len(self.data))

    def _insert(self, lines: list[str], at: int) -> None:
        if lines:
            text = "".join(line + "\n" for line in lines)
            if at == len(self.data) and not self.data.endswith(b"\n"):
                text = "\n" + text
            self.changes.append((at, (1, -len(self.data) - len(self.changes)), at, text))

    def _of_siblings(self, node: ast.Import | ast.ImportFrom) -> bool:
        """Put dots into an import; whether it is of modules beside the file."""
        made = siblings.with_dots(node, self.is_sibling) if self.dots else [node]
        if made != [node]:
            self._statements(node, list(map(ast.unparse, made)))
            return True
        return isinstance(node, ast.ImportFrom) and self.is_sibling(node.module or "")

    def _statements(self, node: ast.stmt, lines: list[str]) -> None:
        indentation = self.indentation(node)
        self.replace_node(node, ("; " if indentation is None else "\n" + indentation).join(lines) or "pass")

    def _import(self, node: ast.Import) -> None:
        if self._of_siblings(node):
            return
        for alias in node.names:
            new = moved.MODULES.get(alias.name)
            if new is not None:
                name = alias.asname or alias.name
                top = name.partition(".")[0]
                text = f"{new} as {name}" if "." not in name else top if top != "distutils" else f"{new} as distutils"
                self.replace_node(alias, text)
            elif alias.asname == alias.name:
                self.replace_node(alias, alias.name)
            elif self.is_python2 and alias.name in PYTHON2_MODULES:
                self.note(node, f"Python 3 has no module {alias.name}")

    def _import_from(self, node: ast.ImportFrom) -> None:
        if node.level or node.module is None or self._of_siblings(node):
            return
        targets: dict[str, list[str]] = {}
        lines: list[str] = []
        for alias in node.names:
            name = alias.asname or alias.name
            new = None if alias.name == "*" else self.today(f"{node.module}.{alias.name}")
            if f"{node.module}.{alias.name}" in GONE:
                lines = lines or [""]
            elif alias.name == "*":
                targets.setdefault(moved.MODULES.get(node.module, node.module), []).append("*")
            elif new is None:
                below = f"{node.module}.{alias.name}"
                if below in moved.MODULES:
                    lines.append(f"import {moved.MODULES[below]} as {name}")
                else:
                    targets.setdefault(node.module, []).append(alias.name + (f" as {name}" if alias.asname else ""))
            else:
                owner, _, last = new.rpartition(".")
                if owner == "builtins":
                    lines.extend([] if last == name else [f"{name} = {last}"])
                elif not owner:
                    lines.append(f"import {last}" + (f" as {name}" if name != last else ""))
                else:
                    targets.setdefault(owner, []).append(last + (f" as {name}" if name != last else ""))
        as_before = [alias.name + (f" as {alias.asname}" if alias.asname else "") for alias in node.names]
        if targets == {node.module: as_before} and not lines:
            if self.is_python2 and node.module in PYTHON2_MODULES:
                self.note(node, f"Python 3 has no module {node.module}")
            return
        lines = [f"from {module} import {', '.join(names)}" for module, names in targets.items()] + [
            *filter(None, lines)
        ]
        if not lines and self.indentation(node) == "" and self.data[self.end(node) :].startswith(b"\n"):
            self.replace(self.start(node), self.end(node) + 1, "")
        else:
            self._statements(node, lines)


def _scipy_had() -> set[str]:
    """The names of numpy that scipy passed on."""
    import scipy

    return {name for name in dir(np) if not name.startswith("_")} - set(dir(scipy)) - set(moved.NAMES["numpy"])
