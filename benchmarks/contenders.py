"""Who is measured, in which interpreter, and the environments that are made for them outside the repository."""

import ctypes.util
import glob
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
THEANO_PACKAGES = ["numpy==1.19.5", "scipy==1.5.4", "Theano==1.0.5"]
PYTENSOR_PACKAGES = ["pytensor", "jax"]
# name -> (title, family of programs)
CONTENDERS = {
    "theanojax": ("theanojax", "theano"),
    "theano": ("Theano 1.0.5", "theano"),
    "pytensor": ("PyTensor", "theano"),
    "pytensor-jax": ("PyTensor, JAX mode", "theano"),
    "jax": ("JAX by hand", "jax"),
    "numpy": ("numpy", "numpy"),
}


class Contender:
    """One row of CONTENDERS with the `python` that runs it and the environment variables it is given."""

    def __init__(self, name, python):
        self.name, self.python = name, python
        self.title, self.family = CONTENDERS[name]

    def environment(self, cache):
        """The variables of a process whose compilation caches all lie in the folder `cache`."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "THEANO", "PYTENSOR", "JAX", "XLA"))}
        flags = ["base_compiledir=%s" % cache, "floatX=float64"]
        if self.name in ("theano", "pytensor") and has_openblas():
            flags.append("%s=-lopenblas" % ("blas.ldflags" if self.name == "theano" else "blas__ldflags"))
        kept["PYTENSOR_FLAGS" if self.name.startswith("pytensor") else "THEANO_FLAGS"] = ",".join(flags)
        kept["NUMBA_CACHE_DIR"] = os.path.join(cache, "numba")
        if self.name != "theanojax":  # ours keeps its executables by itself
            kept["JAX_COMPILATION_CACHE_DIR"] = os.path.join(cache, "jax")
            kept["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
            kept["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
        kept["PYTHONWARNINGS"] = "ignore"
        if self.name == "theanojax":
            kept["PYTHONPATH"] = str(ROOT)  # the one beside this file, whatever the interpreter has
        return kept


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "theanojax" / "bench"


def has_openblas():
    """Whether the C compiler can link with OpenBLAS."""
    if has_openblas.answer is None:
        compiler = shutil.which("g++")
        found = False
        if compiler and ctypes.util.find_library("openblas"):
            with tempfile.TemporaryDirectory() as folder:
                out = os.path.join(folder, "a.so")
                command = [compiler, "-shared", "-x", "c++", os.devnull, "-o", out, "-lopenblas"]
                found = subprocess.run(command, capture_output=True).returncode == 0
        has_openblas.answer = found
    return has_openblas.answer


has_openblas.answer = None


def find(names):
    """(contenders, notes): those of `names` that can run here, and a line on each that cannot."""
    found, notes = [], []
    pytensor = None
    for name in names:
        try:
            if name in ("theanojax", "jax", "numpy"):
                python = sys.executable
            elif name == "theano":
                python = theano_python()
            else:
                python = pytensor = pytensor or pytensor_python()
        except LeftOut as reason:
            notes.append("%s is left out: %s" % (CONTENDERS[name][0], reason))
            continue
        found.append(Contender(name, python))
    if any(c.name == "theano" for c in found) and not has_openblas():
        notes.append("Theano runs without OpenBLAS, which was not found: its matrix products are numpy's.")
    return found, notes


class LeftOut(Exception):
    """Why a contender cannot run here."""


def theano_python():
    given = os.environ.get("BENCH_THEANO_PYTHON")
    if given:
        return given
    if not shutil.which("g++"):
        raise LeftOut("its C code needs g++, which was not found")
    base = python38()
    if base is None and not (cache_folder() / "theano" / ".ready").exists():
        raise LeftOut("no Python 3.8 was found (pyenv or PATH)")
    return environment("theano", base, THEANO_PACKAGES)


def pytensor_python():
    given = os.environ.get("BENCH_PYTENSOR_PYTHON")
    return given or environment("pytensor-%d.%d" % sys.version_info[:2], sys.executable, PYTENSOR_PACKAGES)


def python38():
    root = os.environ.get("PYENV_ROOT") or os.path.join(os.path.expanduser("~"), ".pyenv")
    for python in ["python3.8", *sorted(glob.glob(os.path.join(root, "versions", "3.8*", "bin", "python")))]:
        try:
            check = [python, "-c", "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 8))"]
            if subprocess.run(check, capture_output=True, timeout=60).returncode == 0:
                return python
        except (OSError, subprocess.TimeoutExpired):
            continue
    return None


def environment(name, base, packages):
    """The interpreter of the environment `name`, made with `base` when it is not there yet."""
    folder = cache_folder() / name
    python, ready = folder / "bin" / "python", folder / ".ready"
    if ready.exists():
        return str(python)
    print("making an environment for %s (%s)" % (name, " ".join(packages)), file=sys.stderr, flush=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    old = ["--no-build-isolation"] if name == "theano" else []
    commands = [
        [base, "-m", "venv", "--clear", str(folder)],
        [*install, "setuptools<70", "wheel"],
        [*install, *old, *packages],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["exit status %d" % done.returncode]
            raise LeftOut("%s failed: %s" % (" ".join(command[1:4]), lines[-1]))
    ready.touch()
    return str(python)
