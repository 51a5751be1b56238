"""Old notebooks: ``%load_ext theanojax``, a kernel that has loaded it, and running a notebook from the command line.

What `theanojax run` does for a script, this does for the cells of a notebook and the modules beside it: Python 2 is
converted (after IPython has dealt with magics), and names that Python and numpy have removed are given back, to the
notebook alone. Once a cell is in Python 2, those that could be either are.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import tempfile
from typing import Any

from theanojax.legacy import convert, importer, old_numpy, python2, runner, script_names

# Set, to "2" or "3", for kernels of notebooks that are in one Python from the first cell to the last.
PYTHON = "THEANOJAX_NOTEBOOK_IN_PYTHON"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_loaded: dict[int, Cells] = {}


class Cells:
    """What the extension has changed in an IPython shell."""

    has_side_effects = True  # a transformer that IPython leaves out when it asks whether a cell is complete

    def __init__(self, shell: Any):
        self.shell = shell
        version = os.environ.get(PYTHON)
        self.finder = runner.ScriptFinder(os.getcwd(), int(version) if version else None)
        self.is_python2 = self.finder.is_python2
        self.converted = self.divides = self.prints = False
        self.printing: Any = False
        self.magics, self.runs = shell.magics_manager.registry["ExecutionMagics"], None  # what %run runs files by
        self.builtins = shell.user_module.__dict__.get("__builtins__")
        self.given: Any = None

    def load(self) -> None:
        """Begin."""
        importer.install()
        sys.meta_path.insert(0, self.finder)
        self.shell.input_transformers_post.append(self)
        self.shell.ast_transformers.append(self)
        self.printing = old_numpy.print_as_then()
        # %run asks the first, and %matplotlib makes of the second what %run asks.
        self.magics.default_runner, self.runs = None, self.magics.default_runner
        self.shell.safe_execfile = self._run_file
        self.shell._get_exc_info = self._shown
        self._give_names()

    def unload(self) -> None:
        """Undo what `load` did."""
        sys.meta_path.remove(self.finder)
        old_numpy.print_as(self.printing)
        self.shell.input_transformers_post.remove(self)
        self.shell.ast_transformers.remove(self)
        self.magics.default_runner = self.runs
        del self.shell.safe_execfile, self.shell._get_exc_info
        self._put(self.builtins)

    def _give_names(self) -> None:
        self.given = script_names.script_builtins(self.is_python2)
        self._put(self.given)

    def _put(self, given: Any) -> None:
        for names in (self.shell.user_module.__dict__, self.shell.user_ns):
            names["__builtins__"] = given

    def __call__(self, lines: list[str]) -> list[str]:
        """The lines of a cell in Python 3."""
        text, self.converted = "".join(lines), False
        if self.shell.user_ns.get("__builtins__") is not self.given:
            self._put(self.given)  # %pylab puts its own there
        converted = None
        if self.finder.version != 3:
            converted = python2.to_python3(text, "<cell>", self.is_python2, self.prints)
        if converted is None:
            self._note_futures(text)
            return lines
        if not self.is_python2:
            self.is_python2 = self.finder.is_python2 = True
            self._give_names()
        self.converted = True
        self._note_futures(converted)
        return converted.splitlines(keepends=True)

    def _run_file(self, fname: str, *where: dict, exit_ignore: bool = False, **options: Any) -> None:
        """What ``%run`` does with a file."""
        source, names = runner.read_source(fname), where[0]
        try:
            version = self.finder.version
            code, is_python2 = python2.compile_source(source, fname, default_python2=self.is_python2, version=version)
            names["__builtins__"] = script_names.script_builtins(is_python2)
            exec(code, names)
        except SystemExit as error:
            if error.code and not exit_ignore:
                self.shell.showtraceback(exception_only=True)
        except BaseException:
            self.shell.showtraceback(tb_offset=2)

    def _shown(self, *args: Any, **options: Any) -> Any:
        """An error as it is shown: without our frames."""
        kind, error, traceback = type(self.shell)._get_exc_info(self.shell, *args, **options)
        if isinstance(error, BaseException):
            runner.take_ours_out(error)
            runner.note_remedy(error)
            traceback = error.__traceback__
        return kind, error, traceback

    def _note_futures(self, text: str) -> None:
        """A cell's imports from ``__future__`` are of all the cells after it, too."""
        try:
            divides, prints = python2.futures(text)
        except SyntaxError:
            return
        self.divides, self.prints = self.divides or divides, self.prints or prints

    def visit(self, tree: ast.Module) -> ast.Module:
        """The tree of the cell just read, with the indices, and in Python 2 the quotients, of its time."""
        if self.converted:
            return python2.with_old_meaning(tree, self.divides, self.prints)
        return python2.as_meant(tree, False)


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext theanojax``"""
    if id(shell) not in _loaded:
        _loaded[id(shell)] = Cells(shell)
        _loaded[id(shell)].load()


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext theanojax``"""
    cells = _loaded.pop(id(shell), None)
    if cells is not None:
        cells.unload()


# ---- kernels


def kernel_spec(version: int | None = None) -> dict[str, Any]:
    """What Jupyter needs to start a kernel with the extension, for cells in this Python."""
    return {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--ext", "theanojax"],
        "display_name": "Python 2 (theanojax)" if version == 2 else "Python (theanojax)",
        "language": "python",
        "env": {PYTHON: str(version)} if version else {},
    }


def install_kernel(name: str, user: bool) -> int:
    """Install the kernel `name` for this user, or else for this environment; the exit status."""
    from jupyter_client.kernelspec import KernelSpecManager

    manager = KernelSpecManager()
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "kernel.json"), "w", encoding="utf-8") as file:
            json.dump(kernel_spec(2 if name == "python2" else None), file, indent=1)
        where = {"user": True} if user else {"prefix": sys.prefix}
        try:
            print(manager.install_kernel_spec(folder, name, **where))
        except (OSError, ValueError) as error:  # a folder that is not ours to write to, a name that is none
            print(f"theanojax install-kernel: {error}", file=sys.stderr)
            return 2
    return 0


def run(path: str, arguments: list[str], version: int | None) -> int:
    """Run the cells of a notebook and print what they print; the exit status. It says which cell has failed.

    With the argument "--allow-errors" it goes on after cells that fail.
    """
    if arguments not in ([], ["--allow-errors"]):
        print(f"theanojax run: a notebook takes no arguments but --allow-errors: {arguments}", file=sys.stderr)
        return 2
    import nbformat
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    try:
        notebook = nbformat.read(path, as_version=4)
    except OSError as error:
        print(f"theanojax: can't open file {path!r}: {runner.reason(error)}", file=sys.stderr)
        return 2
    except (ValueError, AttributeError) as error:
        print(f"theanojax: {path!r} is no notebook: {error}", file=sys.stderr)
        return 2
    if version is None and convert.is_in_python2(notebook):
        version = 2
    sockets = tempfile.TemporaryDirectory()
    local = {"transport": "ipc", "ip": os.path.join(sockets.name, "kernel")} if os.name == "posix" else {}
    manager = AsyncKernelManager(**local)
    manager._kernel_spec = KernelSpec(**kernel_spec(version))
    folder = os.path.dirname(os.path.realpath(path))
    client = NotebookClient(notebook, km=manager, resources={"metadata": {"path": folder}}, timeout=None)
    client.owns_km = True  # the end of the block ends the kernel
    with sockets, client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            try:
                client.execute_cell(cell, index)
            except CellExecutionError:
                _print_outputs(cell)
                print(f"theanojax run: {path}: cell {index + 1} failed:\n{cell.source}", file=sys.stderr)
                if not arguments:
                    return 1
                continue
            _print_outputs(cell)
    return 0


def _print_outputs(cell: Any) -> None:
    for output in cell.outputs:
        if output.output_type == "stream":
            print(output.text, end="", file=sys.stderr if output.name == "stderr" else sys.stdout)
        elif output.output_type == "error":
            text = "\n".join(output.traceback)
            print(text if sys.stderr.isatty() else COLOURS.sub("", text), file=sys.stderr)
        else:
            print(output.data.get("text/plain", ""))
    sys.stdout.flush()
