"""`theanojax convert`: scripts, notebooks and folders in Python 3, to be kept."""

from __future__ import annotations

import ast
import bisect
import difflib
import itertools
import math
import os
import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

from theanojax.legacy import modern, modern_syntax, runner
from theanojax.legacy.which_python import PYTHON3_NODES

LEFT_OUT = ("__pycache__", ".git", ".hg", ".svn", ".ipynb_checkpoints")


class Output(NamedTuple):
    """A converted file: its text before and after, and lines for somebody to look at."""

    before: str
    after: str
    notes: list[str]


def main(
    source: str,
    output: str | None,
    to: str | None = None,
    version: int | None = None,
    diff: bool = False,
    check: bool = False,
) -> int:
    """Convert `source`, a file or a folder; the exit status.

    Parameters
    ----------
    output : the file or folder to write; None: standard output.
    to : "py" for a notebook that becomes a script.
    version : 2 or 3, the Python that it is written in; None: decide by what it uses.
    diff, check : print a unified diff; or only the notes, with status 1 if something would change.
    """
    if os.path.isdir(source):
        if output is None and not diff and not check:
            print("theanojax convert: a folder needs -o and the folder to write to", file=sys.stderr)
            return 2
        return _folder(source, output, to, version, diff, check)
    path = output
    if output is not None and os.path.isdir(output):
        path = os.path.join(output, _name(os.path.basename(source), to))
    return _file(source, path, to, version, False, diff, check)


def _folder(source: str, output: str | None, to: str | None, version: int | None, diff: bool, check: bool) -> int:
    files = list(_files(source))
    default = version is None and any(map(_is_python2, files))  # what reads as both is in the Python of the rest
    status = 0
    for path in files:
        below = os.path.relpath(path, source)
        target = None if output is None else os.path.join(output, _name(below, to))
        if target is not None and not diff and not check:
            os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
        if path.endswith((".py", ".ipynb")):
            status = max(status, _file(path, target, to, version, default, diff, check))
        elif target is not None and not diff and not check and os.path.abspath(target) != os.path.abspath(path):
            shutil.copy2(path, target)
    return status


def _files(folder: str) -> Iterator[str]:
    for where, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if name not in LEFT_OUT)
        yield from (os.path.join(where, name) for name in sorted(names) if not name.endswith((".pyc", ".pyo")))


def _is_python2(path: str) -> bool:
    if not path.endswith(".py"):
        return False
    try:
        return modern.which(runner.read_source(path), path, None, False)[0]
    except (OSError, ValueError):
        return False


def _name(name: str, to: str | None) -> str:
    return name.removesuffix(".ipynb") + ".py" if to == "py" and name.endswith(".ipynb") else name


def _file(
    path: str, output: str | None, to: str | None, version: int | None, default: bool, diff: bool, check: bool
) -> int:
    try:
        made = notebook(path, to, version) if path.endswith(".ipynb") else script(path, version, default)
    except OSError as error:
        print(f"theanojax: can't open file {path!r}: {runner.reason(error)}", file=sys.stderr)
        return 2
    except SyntaxError as error:
        print(f"theanojax convert: {path}:{error.lineno}: {error.msg}: {(error.text or '').strip()}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"theanojax convert: {error}", file=sys.stderr)
        return 2
    for note in made.notes:
        print(note, file=sys.stderr)
    if check:
        return int(made.before != made.after)
    if diff:
        old, new = (text.splitlines(keepends=True) for text in (made.before, made.after))
        sys.stdout.writelines(difflib.unified_diff(old, new, path, output or path))
    elif output is None:
        sys.stdout.write(made.after)
    else:
        try:
            with open(output, "w", encoding="utf-8") as file:
                file.write(made.after)
            shutil.copymode(path, output)
        except OSError as error:
            print(f"theanojax convert: can't write {output!r}: {error.strerror or error}", file=sys.stderr)
            return 2
    return 0


def script(path: str, version: int | None, default_python2: bool = False) -> Output:
    """The script at `path` converted; SyntaxError where it is in no Python."""
    source = runner.read_source(path)
    in_package = os.path.exists(os.path.join(os.path.dirname(os.path.abspath(path)), "__init__.py"))
    made = modern.convert(source, path, in_package, version, default_python2)
    notes = [f"{path}:{line}: {what}" for line, what in made.notes]
    if in_package and re.search(r"^from \. import|^from \.\w", made.text, re.M) and re.search(MAIN, made.text):
        notes.append(f"{path}: imports modules of its package: run it by python -m")
    return Output(source, made.text, notes)


MAIN = r"__name__\s*==\s*['\"]__main__['\"]"


# ---- notebooks

MAGIC = re.compile(r"^(?P<indent>[ \t]*)(?P<given>[\w, ]+=[ \t]*)?(?P<magic>[%!].*|\?+[\w.]+|[\w.]+\?+)[ \t]*$")
# Magics of a whole cell, or a line, whose rest is Python.
OF_PYTHON = ("time", "timeit", "capture", "prun")
OF_STATEMENTS = re.compile(r"(%(?:time|timeit|prun)(?:[ \t]+-\w+(?:[ \t]+\d+)?)*[ \t]+)(?=[^-\s])(.+)")
OF_FILES = re.compile(r"%%(?:writefile|file)\b.*\.py\s*$")
CELL = "__theanojax_cell__"
HELD = "__theanojax_magic__"
PYLAB = "import numpy as np\nimport matplotlib.pyplot as plt\nfrom pylab import *"


class _Cell:
    """The source of a cell: its first line if that is a magic of the whole cell, and the Python in it."""

    def __init__(self, source: str):
        self.source, self.head, self.magics = source, "", []  # type: str, str, list[str]
        first, _, rest = source.partition("\n")
        if first.startswith("%%"):
            self.head = first + "\n"
            source = rest
        words = first[2:].split()
        self.is_python = not self.head or bool(words) and words[0] in OF_PYTHON
        self.text = source if self.is_python else ""

    def held(self) -> bool:
        """Put names in the place of magics, where the text is no Python with them; whether it is Python now."""
        if _parses(self.text):
            return True
        lines = []
        for line in self.text.split("\n"):
            found = MAGIC.match(line)
            if found:
                magic, statement = found["magic"], ""
                if timed := OF_STATEMENTS.match(magic):
                    magic, statement = timed[1], f"; {timed[2]}"
                lines.append(f"{found['indent']}{found['given'] or ''}{HELD}({len(self.magics)}){statement}")
                self.magics.append(magic)
            else:
                lines.append(line)
        self.text = "\n".join(lines)
        if _parses(self.text):
            return True
        try:
            modern_syntax.to_python3(self.text, "<cell>", False)
        except SyntaxError:
            return False
        return True

    def with_magics(self, text: str) -> str:
        """The converted `text` with the magics that were there."""
        return re.sub(HELD + r"\((\d+)\)(?:; )?", lambda found: self.magics[int(found[1])], text)


def notebook(path: str, to: str | None, version: int | None) -> Output:
    """The notebook at `path` converted, to the newest format or, `to` "py", to a script with a ``# %%`` line a cell."""
    import nbformat

    with open(path, encoding="utf-8") as file:
        before = file.read()
    try:
        book = nbformat.reads(before, as_version=4)
    except Exception as error:
        raise ValueError(f"{path!r} is no notebook: {error}") from None
    is_python2 = version == 2 or version is None and is_in_python2(book)
    cells = [_Cell(cell.source) if cell.cell_type == "code" else None for cell in book.cells]
    texts, notes = _convert_cells(cells, path, is_python2)
    for cell, text in zip(book.cells, texts):
        if text is not None:
            cell.source = text
    if to == "py":
        return Output(before, _as_script(book, path, notes), notes)
    if is_python2:
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        book.metadata.pop("language_info", None)
    # Ids that come out the same each time.
    for number, cell in enumerate(book.cells):
        cell["id"] = f"cell-{number + 1}"
    book.nbformat, book.nbformat_minor = 4, 5
    return Output(before, nbformat.writes(book, version=4) + "\n", notes)


def _parses(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError:
        return False
    return True


def is_in_python2(book: Any) -> bool:
    """Whether the notebook asks for a kernel of Python 2, or has a cell in it."""
    if book.metadata.get("kernelspec", {}).get("name") == "python2":
        return True
    cells = [_Cell(cell.source) for cell in book.cells if cell.cell_type == "code"]
    return any(cell.is_python and cell.held() and modern.which(cell.text, "<cell>", None, False)[0] for cell in cells)


def _convert_cells(cells: list[Any], path: str, is_python2: bool) -> tuple[list[str | None], list[str]]:
    """The cells' sources, and notes: syntax goes cell by cell, names in all at once."""
    notes: list[tuple[int, int, str]] = []
    python = [(number, cell) for number, cell in enumerate(cells) if cell is not None and cell.is_python]
    prints, divides = False, math.inf
    parts: list[tuple[int, str]] = []
    for number, cell in python:
        if not cell.held():
            notes.append((number, 1, "left as it is: it is in no Python"))
            continue
        text = cell.text
        futures = modern_syntax.futures(text)
        prints = prints or "print_function" in futures
        if "division" in futures:
            divides = min(divides, sum(text.count("\n") + 2 for _, text in parts))
        if is_python2 and not (_parses(text) and any(isinstance(n, PYTHON3_NODES) for n in ast.walk(ast.parse(text)))):
            text, found = modern_syntax.to_python3(text, path, prints)
            notes += [(number, line, what) for line, what in found]
        parts.append((number, text))
    joined = "".join(f"{CELL}({number})\n{text}\n" for number, text in parts)
    converted, found = modern.modernise(joined, path, is_python2, divides)
    begins = list(itertools.accumulate((text.count("\n") + 2 for _, text in parts), initial=0))
    for line, what in found:
        index = bisect.bisect_left(begins, line) - 1
        notes.append((parts[index][0], line - begins[index] - 1, what))
    before, *pieces = re.split(rf"^{CELL}\((\d+)\)\n", converted, flags=re.M)
    sources: list[str | None] = [cell and cell.source for cell in cells]
    for number, cell in enumerate(cells):
        if cell is not None and OF_FILES.match(cell.head):
            made = modern.convert(cell.source.removeprefix(cell.head), path, default_python2=is_python2)
            sources[number] = cell.head + made.text
            notes += [(number, line + 1, what) for line, what in made.notes]
    for number, text in zip(map(int, pieces[::2]), pieces[1::2]):
        cell = cells[number]
        sources[number] = cell.head + before + cell.with_magics(text.removesuffix("\n"))
        before = ""
    lines = [f"{path}: cell {number + 1}, line {line}: {what}" for number, line, what in sorted(set(notes))]
    return sources, lines


def _as_script(book: Any, path: str, notes: list[str]) -> str:
    parts = []
    for number, cell in enumerate(book.cells):
        if cell.cell_type != "code":
            mark = "# %% [markdown]" if cell.cell_type == "markdown" else "# %% [raw]"
            parts.append("\n".join([mark, *(f"# {line}".rstrip() for line in cell.source.split("\n"))]))
            continue
        lines, said = [], False
        made = _Cell(cell.source)
        for line in cell.source.split("\n") if not made.is_python else made.text.split("\n"):
            found = MAGIC.match(line)
            if made.is_python and not found:
                lines.append(line)
                continue
            magic = found["magic"] if found else line
            timed = OF_STATEMENTS.match(magic)
            if found and re.match(r"%pylab\b", magic):
                lines += PYLAB.split("\n")
            elif found and timed and magic.startswith("%time "):
                lines.append(found["indent"] + timed[2])
            else:
                lines.append(f"{found['indent']}# {line.strip()}" if found else f"# {line}".rstrip())
                if found and (found["given"] or found["indent"]):
                    lines.append(f"{found['indent']}{found['given'] or ''}{'None' if found['given'] else 'pass'}")
                if not said and not re.match(r"%(matplotlib|load_ext|config|reload_ext|autoreload)\b|.*\?$", magic):
                    notes.append(f"{path}: cell {number + 1}: no Python: {magic}")
                    said = not made.is_python
        if made.head and made.is_python:
            lines.insert(0, f"# {made.head.strip()}")
            if made.head.startswith("%%capture"):  # what it keeps, or keeps quiet, the script does not
                notes.append(f"{path}: cell {number + 1}: no Python: {made.head.strip()}")
        parts.append("\n".join(["# %%", *lines]).rstrip())
    return "\n\n".join(parts) + "\n"
