"""The listings of a page of the documentation, run one after the other in one namespace, as a reader would paste them.

`python -m tests.doc_pages docs/jax.md` runs a page; without a page it lists what is not run, and why. What is in a
fence is said by its first line:

    ```python                          runs; a comment behind a print at the margin is what it prints
    ```python raises=ValueError        runs, and its last statement raises that
    ```python file=train.py            is written to a file; python2, too
    ```python skip: it takes a GPU     does not run
    ```python needs: optax             runs where the package is installed
    ```output                          is what the listing above it prints; `...` stands for anything
    ```sh run                          runs, in the folder of the files
    ```sh                              is for the reader's own machine

Any other word is text.
"""

import ast
import contextlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import traceback
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>```+) *(?P<kind>[\w+-]*) *(?P<rest>.*)$")
# Sessions of docs/errors.md are run by a test of their own, which looks at the classes, too.
TEXT = ("text", "pycon", "yaml", "toml", "ini", "mermaid", "c", "cpp", "json", "diff")


@dataclass
class Block:
    """One fence: the word on its first line, what follows it there, and its text, which begins at `line`."""

    kind: str
    rest: str
    text: str
    line: int

    @property
    def skipped(self):
        """Why the listing doesn't run here; None if it does."""
        word, _, reason = self.rest.partition(":")
        missing = [name for name in reason.split() if importlib.util.find_spec(name) is None]
        if word == "needs":
            return "there is no %s here" % " or ".join(missing) if missing else None
        return reason.strip() if word == "skip" else None


def blocks(page):
    """The fences of a page, or a notebook's cells, in order; ValueError for one that isn't closed or has no word."""
    if page.suffix == ".ipynb":
        cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
        return [Block("python", "", "".join(c["source"]), 1) for c in cells if c["cell_type"] == "code"]
    found, opened, rows = [], None, []
    for number, row in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(row)
        if opened is None and fence:
            opened, rows = (fence, number + 1), []
            if not fence["kind"]:
                raise ValueError("%s:%d: a listing without a word that says what it is" % (page, number))
        elif fence and not fence["kind"] and fence["ticks"] == opened[0]["ticks"]:
            text = textwrap.dedent("\n".join(rows)) + "\n"
            found.append(Block(opened[0]["kind"], opened[0]["rest"], text, opened[1]))
            opened = None
        else:
            rows.append(row)
    if opened:
        raise ValueError("%s:%d: a listing that is not closed" % (page, opened[1]))
    return found


def pages():
    """All pages that have listings to run; those of CONTRIBUTING are pieces of files (tests/test_contributing.py)."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *(ROOT / "docs").glob("*.ipynb")]


def fits(want, got):
    """Whether `got` is what a page shows, up to blanks at the ends of lines and what `...` stands for."""
    rows = [re.sub(r"\\\.\\\.\\\.", ".*", re.escape(row.rstrip())) for row in want.strip().splitlines()]
    pattern = "\n".join(rows).replace("\n.*\n", "\n(?:.*\n)*?")
    pattern = re.sub(r"\n\.\*$", "(?:\\\\n.*)*", pattern)
    return re.fullmatch(pattern, "\n".join(row.rstrip() for row in got.strip().splitlines())) is not None


def run(page, before="", after=""):
    """Run the listings of `page` in the working directory; AssertionError where it isn't true.

    `before` is code that makes what the page takes as given, `after` code that looks at what it has made.
    """
    namespace = {"__name__": "__main__"}
    exec(before, namespace)
    printed = ""
    for block in blocks(page):
        at = "%s:%d" % (page, block.line)
        if block.skipped is not None:
            continue
        if block.kind == "output":
            assert fits(block.text, printed), "%s: the page shows\n%s\nand what is printed is\n%s" % (
                at,
                block.text,
                printed,
            )
        elif block.kind in ("python", "python2") and block.rest.startswith("file="):
            Path(block.rest.removeprefix("file=")).write_text(block.text)
        elif block.kind == "python":
            printed = run_python(block, page, namespace)
        elif block.kind == "sh" and block.rest == "run":
            done = subprocess.run(["bash", "-e", "-c", block.text], capture_output=True, text=True)
            assert done.returncode == 0, "%s: %s" % (at, done.stdout + done.stderr)
            printed = done.stdout
        else:
            assert block.kind in ("sh", *TEXT) and not block.rest, "%s: %s %s" % (at, block.kind, block.rest)
    exec(after, namespace)


def run_python(block, page, namespace):
    """What a listing prints, with the last line of the error that it is to raise."""
    tree = ast.parse(block.text, str(page))
    ast.increment_lineno(tree, block.line - 1)
    lines = block.text.splitlines()
    raises = block.rest.removeprefix("raises=") if block.rest.startswith("raises=") else None
    assert raises or not block.rest or block.rest.startswith("needs:"), (page, block.rest)
    everything = ""
    for statement in tree.body:
        out = io.StringIO()
        code = compile(ast.Module([statement], []), str(page), "exec")
        try:
            with contextlib.redirect_stdout(out):
                exec(code, namespace)
        except Exception as error:
            if type(error).__name__ != raises or statement is not tree.body[-1]:
                raise
            out.write("".join(traceback.format_exception_only(error)))
            raises = None
        everything += out.getvalue()
        comment = shown_beside(statement, lines[statement.lineno - block.line])
        if comment is not None:
            got = " ".join(out.getvalue().split())
            assert fits(comment, got), "%s:%d shows\n%s\nand prints\n%s" % (page, statement.lineno, comment, got)
    assert raises is None, "%s:%d raises no %s" % (page, block.line, raises)
    return everything


def shown_beside(statement, line):
    """The comment behind a call of print that stands in one line, its blanks as one each; None for all else."""
    call = getattr(statement, "value", None)
    if not isinstance(call, ast.Call) or getattr(call.func, "id", None) != "print" or "  # " not in line:
        return None
    return " ".join(line[statement.end_col_offset :].partition("# ")[2].split()) or None


def main(arguments):
    """Run one page in a folder of its own, or list what is not run."""
    if arguments:
        page, folder = Path(arguments[0]).resolve(), tempfile.mkdtemp()
        commands = Path(folder, "bin")
        commands.mkdir()
        for name, what in (("python", ""), ("theanojax", "-m theanojax ")):
            (commands / name).write_text('#!/bin/sh\nexec "%s" %s"$@"\n' % (sys.executable, what))
            (commands / name).chmod(0o755)
        os.environ["PATH"] = "%s%s%s" % (commands, os.pathsep, os.environ["PATH"])
        os.environ["PYTHONPATH"] = str(ROOT)
        work = Path(folder, "work")
        work.mkdir()
        os.chdir(work)
        sys.path.insert(0, str(work))
        try:
            run(page, *arguments[1:3])
        finally:
            os.chdir(ROOT)
            shutil.rmtree(folder)
        return
    for page in pages():
        for block in blocks(page):
            why = (
                block.skipped if block.kind == "python" else "for the reader's machine" if block.kind == "sh" else None
            )
            if why and block.rest != "run":
                print("%s:%d: %s, %s" % (page.relative_to(ROOT), block.line, block.kind, why))


if __name__ == "__main__":
    main(sys.argv[1:])
