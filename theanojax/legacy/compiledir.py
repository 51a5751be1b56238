"""`theano.gof.compiledir` and the `theano-cache` command: look at, and empty, the directory of compiled code.

Executables lie in folders named `xla_*` there, modules of Ops in C in `c_*`, rewritten graphs in `graphs_*`, one per
kind of processor.
"""

from __future__ import annotations

import os
import shutil
import sys
import time

from theanojax.config import config
from theanojax.configflags import compiledir_keys
from theanojax.legacy import compilelock

SUFFIX = "-cache"


def __getattr__(name: str) -> dict[str, object] | str:
    """What `config.compiledir_format` may refer to, as `theano.configdefaults` has it; some takes a moment to find."""
    if name == "compiledir_format_dict":
        return compiledir_keys()
    if name == "compiledir_format_keys":
        return ", ".join(sorted(compiledir_keys()))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


HELP = """theano-cache                        print where compiled code is kept
theano-cache help                   print this
theano-cache list                   list what is kept
theano-cache clear                  delete the executables
theano-cache cleanup                delete those that config.cmodule.age_thresh_use counts as too old
theano-cache unlock                 remove the lock of the directory
theano-cache purge                  delete everything in the directory
theano-cache basecompiledir         print the folder of such directories
theano-cache basecompiledir list    list them
theano-cache basecompiledir purge   delete them all"""


def _executables(compiledir: str | None = None) -> list[os.DirEntry]:
    found: list[os.DirEntry] = []
    where: str = config.compiledir if compiledir is None else compiledir
    for folder in os.scandir(where):
        if folder.is_dir() and folder.name.startswith(("xla_", "c_", "graphs_")):
            found += [file for file in os.scandir(folder) if file.name.endswith(SUFFIX)]
    return found


def delete(older_than: float, compiledir: str | None = None) -> None:
    """Delete the executables that nothing has used for that many seconds."""
    now = time.time()
    for file in _executables(compiledir):
        if now - max(file.stat().st_atime, file.stat().st_mtime) >= older_than:
            os.remove(file.path)


def clear() -> None:
    """Delete all executables."""
    delete(0)


def cleanup() -> None:
    """Delete the executables that nothing has used for ``config.cmodule.age_thresh_use`` seconds."""
    delete(config.cmodule.age_thresh_use)


def print_title(title: str, overline: str = "", underline: str = "") -> None:
    """Print a line, with lines of the given characters above and below."""
    for line in (overline * len(title), title, underline * len(title)):
        if line:
            print(line)


def print_compiledir_content() -> None:
    """List the executables: bytes, the day and time of making, name."""
    files = sorted(_executables(), key=lambda file: file.stat().st_mtime)
    print_title(f"Theano cache: {config.compiledir}", overline="=", underline="=")
    for file in files:
        made = time.strftime("%Y-%m-%d %H:%M", time.localtime(file.stat().st_mtime))
        print(f"{file.stat().st_size:>10} {made} {file.name.removesuffix(SUFFIX)}")
    print(f"{len(files)} executables, {sum(file.stat().st_size for file in files)} bytes")


def _empty(folder: str) -> None:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.remove(entry.path)


def compiledir_purge() -> None:
    """Delete everything in ``config.compiledir``."""
    _empty(config.compiledir)


def basecompiledir_ls() -> None:
    """List the directories of compiled code, those of Theano and of other platforms too."""
    folders = sorted(entry.name for entry in os.scandir(config.base_compiledir) if entry.is_dir())
    print(f"Base compile dir is {config.base_compiledir}")
    print("Sub-directories (possible compile caches):")
    for name in folders:
        print(f"    {name}")
    if not folders:
        print("    (None)")


def basecompiledir_purge() -> None:
    """Delete everything in ``config.base_compiledir``."""
    _empty(config.base_compiledir)


def _unlock() -> None:
    compilelock.force_unlock()
    print("Lock successfully removed!")


COMMANDS = {
    (): lambda: print(config.compiledir),
    **dict.fromkeys([("help",), ("--help",), ("-h",)], lambda: print(HELP)),
    ("list",): print_compiledir_content,
    ("clear",): clear,
    ("cleanup",): cleanup,
    ("unlock",): _unlock,
    ("purge",): compiledir_purge,
    ("basecompiledir",): lambda: print(config.base_compiledir),
    ("basecompiledir", "list"): basecompiledir_ls,
    ("basecompiledir", "purge"): basecompiledir_purge,
}


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    words = tuple(sys.argv[1:] if arguments is None else arguments)
    command = COMMANDS.get(words)
    if command is None:
        print(f'command "{" ".join(words)}" not recognized\n{HELP}', file=sys.stderr)
        return 1
    command()
    return 0
