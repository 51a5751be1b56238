"""The C++ compiler: which one it is, and how it is called."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING

import numpy as np

from theanojax.config import config
from theanojax.errors import CompileError, MissingGXX
from theanojax.private_folder import BUILDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType
    from typing import Any

HOW = "install one (g++ or clang++, or `pip install ziglang`), or give the Op a perform (or compute)"

# What code of that time means, whatever the compiler's own standard is by now; numbers in braces may narrow.
_USUAL = ("-std=gnu++14", "-O3", "-fno-math-errno", "-Wno-narrowing")
_QUIET = ("-w",)
ASKED = 30  # seconds in which a compiler says its version

_running: set[subprocess.Popen[str]] = set()


def command() -> list[str]:
    """The words that call the compiler that ``config.cxx`` names; MissingGXX if there is none."""
    words = shlex.split(config.cxx)
    if not words:
        raise MissingGXX("there is no C++ compiler (config.cxx is empty): %s" % HOW)
    if shutil.which(words[0]) is None:
        raise MissingGXX("the C++ compiler %s (config.cxx) is not there: %s" % (words[0], HOW))
    if not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")):
        raise MissingGXX(
            "Python's C headers are not installed (no Python.h in %s): install them (python3-dev, python3-devel), or "
            "give the Op a perform (or compute)" % sysconfig.get_paths()["include"]
        )
    return words


@functools.cache
def version_of(words: tuple[str, ...]) -> str:
    """What the compiler called by `words` says of its version."""
    try:
        done = subprocess.run([*words, "--version"], capture_output=True, text=True, check=False, timeout=ASKED)
    except subprocess.TimeoutExpired:
        raise CompileError("The compiler %s does not say its version within %d seconds" % (words[0], ASKED)) from None
    return done.stdout


def options(more: Iterable[str] = (), without: Iterable[str] = ()) -> list[str]:
    """The options of a compilation, `more` among them, but for those in `without`."""
    found = [*_USUAL, *more, *shlex.split(config.gcc.cxxflags)]
    if config.cmodule.remove_gxx_opt:
        found = [option for option in found if not option.startswith("-O")] + ["-g"]
    unwanted = set(without)
    return [option for option in dict.fromkeys(found) if option not in unwanted]


def include_folders() -> list[str]:
    """Where the headers of numpy and Python are."""
    return [np.get_include(), *dict.fromkeys(sysconfig.get_paths()[name] for name in ("include", "platinclude"))]


def linker_options(folders: Iterable[str] = (), libraries: Iterable[str] = ()) -> list[str]:
    """What makes a library that Python loads, linked with `libraries` from `folders`."""
    found = ["-shared"] if sys.platform != "darwin" else ["-dynamiclib", "-undefined", "dynamic_lookup"]
    if sys.platform == "win32":
        folders = [*folders, os.path.join(sys.base_prefix, "libs")]
        libraries = [*libraries, "python%d%d" % sys.version_info[:2]]
    else:
        found += ["-fPIC", "-fvisibility=hidden"]
    for folder in folders:
        found += ["-L" + folder, *([] if sys.platform == "win32" else ["-Wl,-rpath," + folder])]
    return found + ["-l" + library for library in libraries]


def compile_library(
    code: str, target: str, flags: Sequence[str], link: Sequence[str], longest: float | None = None
) -> None:
    """Compile the C++ `code` to the file `target`; CompileError, with what the compiler says, if it does not.

    It may take `longest` seconds.
    """
    words = command()
    folder = tempfile.mkdtemp(prefix=BUILDING, dir=os.path.dirname(target))
    keep = False
    try:
        source, made = os.path.join(folder, "mod.cpp"), os.path.join(folder, "mod.so")
        with open(source, "w", encoding="utf-8") as file:
            file.write(code)
        quiet = () if config.cmodule.compilation_warning else _QUIET
        headers = ["-I" + path for path in include_folders()]
        # Of the libraries' options those of linking come last: what needs a library stands before it.
        called = [*words, *flags, *quiet, *headers, source, "-o", made, *link]
        status, said = _ended(called, folder, longest)
        if status:
            keep = config.nocleanup
            raise CompileError(
                "Compilation failed (return status=%d): %s\nThe command was: %s"
                % (status, said.strip(), shlex.join(called))
            )
        if config.cmodule.compilation_warning and said:
            print(said, file=sys.stderr)
        with open(made, "rb+") as file:
            os.fsync(file.fileno())  # a file of which a part is missing would end the process that loads it
        os.replace(made, target)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _ended(called: Sequence[str], folder: str, longest: float | None) -> tuple[int, str]:
    """(exit status, what it says) of a compiler that is run in `folder`, for so many seconds at most."""
    pipe = subprocess.PIPE
    # What it writes meanwhile goes when the folder goes, though the compiler may be killed.
    own = {**os.environ, "TMPDIR": folder, "TMP": folder, "TEMP": folder}
    with subprocess.Popen(
        called, stdout=pipe, stderr=pipe, text=True, errors="replace", cwd=folder, env=own
    ) as process:
        _running.add(process)
        try:
            _, said = process.communicate(timeout=longest)
        except subprocess.TimeoutExpired:
            process.kill()
            said = "it takes longer than %d seconds" % (longest or 0)
        except BaseException:
            process.kill()
            raise
        finally:
            _running.discard(process)
    return process.returncode, said


def stop() -> None:
    """End the compilations that are under way."""
    for process in list(_running):
        process.kill()


def is_whole(path: str) -> bool:
    """Whether nothing is missing at the end of a library, which would end the process that loads it.

    An ELF file ends with its table of sections or after it; of other files nothing is known.
    """
    with open(path, "rb") as file:
        head = file.read(64)
        size = file.seek(0, os.SEEK_END)
    if head[:5] != b"\x7fELF\x02":  # none, or not of 64 bits
        return len(head) == 64
    order = "<" if head[5] == 1 else ">"
    if len(head) < 64:
        return False
    (start,) = struct.unpack_from(order + "Q", head, 0x28)
    length, count = struct.unpack_from(order + "HH", head, 0x3A)
    return bool(size >= start + length * count)


def load(path: str, name: str) -> ModuleType:
    """The compiled module `name` in the file `path`."""
    spec = spec_from_file_location(name, path, loader=ExtensionFileLoader(name, path))
    if spec is None or spec.loader is None:
        raise ImportError("no module in %s" % path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Compiler:
    """What programs ask of a compiler: `theano.gof.cmodule.GCC_compiler`. Without one the answers are no."""

    supports_amdlibm = True

    @classmethod
    def try_compile_tmp(
        cls,
        src_code: str,
        tmp_prefix: str = "",
        flags: Sequence[str] = (),
        try_run: bool = False,
        output: bool = False,
        comp_args: bool = True,
        compiler: str | None = None,
    ) -> Any:
        """Whether `src_code`, a program, compiles.

        With `try_run` a pair: whether it does, and whether it then ends well. With `output` its stdout and stderr,
        or those of the compiler that refused it, are added.
        """
        compiled = ran = False
        said = ("", "")
        try:
            words = shlex.split(compiler) if compiler else command()
        except MissingGXX:
            words = []
        if words:
            with tempfile.TemporaryDirectory(prefix=tmp_prefix) as folder:
                source, program = os.path.join(folder, "try.cpp"), os.path.join(folder, "try.exe")
                with open(source, "w", encoding="utf-8") as file:
                    file.write(src_code)
                done = _run(
                    [*words, *(GCC_compiler.compile_args() if comp_args else []), source, "-o", program, *flags]
                )
                compiled, said = done.returncode == 0, (done.stdout, done.stderr)
                if compiled and try_run:
                    done = _run([program])
                    ran, said = done.returncode == 0, (done.stdout, done.stderr)
        answer = (compiled, ran) if try_run else (compiled,)
        return (*answer, *said) if output else answer if try_run else compiled

    @classmethod
    def try_flags(
        cls,
        flag_list: Sequence[str],
        preambule: str = "",
        body: str = "",
        try_run: bool = False,
        output: bool = False,
        comp_args: bool = True,
        compiler: str | None = None,
    ) -> Any:
        """Whether the compiler takes these flags, for a program with `preambule` and the statements `body`."""
        code = "%s\nint main(int argc, char** argv) {\n%s\nreturn 0;\n}\n" % (preambule, body)
        return cls.try_compile_tmp(
            code, "try_flags_", flag_list, try_run=try_run, output=output, compiler=compiler, comp_args=comp_args
        )


class GCC_compiler(Compiler):
    """The compiler that ``config.cxx`` names."""

    march_flags: list[str] | None = None

    @staticmethod
    def version_str() -> str:
        """The compiler and its version."""
        try:
            words = command()
        except MissingGXX:
            return str(config.cxx)
        return "%s %s" % (config.cxx, version_of(tuple(words)).partition("\n")[0])

    @classmethod
    def compile_args(cls, march_flags: bool = True) -> list[str]:
        """The options that modules are compiled with."""
        return options()

    @staticmethod
    def compile_str(
        module_name: str,
        src_code: str,
        location: str | None = None,
        include_dirs: Iterable[str] = (),
        lib_dirs: Iterable[str] = (),
        libs: Iterable[str] = (),
        preargs: Sequence[str] = (),
        py_module: bool = True,
        hide_symbols: bool = True,
    ) -> ModuleType | None:
        """Compile a module in the folder `location`, and import it if it is a `py_module`."""
        if not config.cxx:
            raise MissingGXX()
        folder = location or tempfile.mkdtemp()
        target = os.path.join(folder, module_name + (".pyd" if sys.platform == "win32" else ".so"))
        link = linker_options(lib_dirs or (), libs or ())
        if not hide_symbols:
            link = [option for option in link if option != "-fvisibility=hidden"]
        compile_library(src_code, target, [*(preargs or ()), *["-I" + d for d in include_dirs or ()]], link)
        return load(target, module_name) if py_module else None


def _run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
