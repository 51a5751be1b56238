"""The command `theano-nose` and ``theano.test()``: what nose was told, told to pytest."""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main", "run_own_tests"]

ROOT = Path(__file__).resolve().parents[2]

# nose's words, and Theano's own, as pytest's; "" leaves a word out
WORDS = {
    "--nocapture": "-s",
    "--stop": "-x",
    "--pdb-failures": "--pdb",
    "--pdb-errors": "--pdb",
    "--with-doctest": "--doctest-modules",
    "--with-coverage": "--cov",
    "--failed": "--last-failed",
    **dict.fromkeys(
        ("--batch", "--debug-batch", "--detailed-errors", "--disabdocstring", "--exe", "--time-profile"), ""
    ),
    **dict.fromkeys(("--with-knownfailure", "--without-knownfailure"), ""),
}
TESTS_IN_FILE = re.compile(r"(.+\.py):([A-Za-z_][\w.]*)")


def _as_pytest(word: str) -> str:
    found = TESTS_IN_FILE.fullmatch(word)
    if found:  # file.py:Class.method
        return "::".join([found[1], *found[2].split(".")])
    return "" if word.startswith("--batch=") else WORDS.get(word, word)


def run_own_tests(words: Sequence[str] = ()) -> int:
    """pytest's exit status for the tests of this package, run in a process of their own. `words` are its arguments.

    ImportError where there is no pytest, or no tests: they are in the repository, not in what pip installs.
    """
    if not (ROOT / "tests" / "conformance" / "passing.txt").exists():
        raise ImportError("The tests of theanojax are in its repository; %s has none." % ROOT)
    _require_pytest()
    return subprocess.run([sys.executable, "-m", "pytest", *words], cwd=ROOT, check=False).returncode


def _require_pytest():
    if importlib.util.find_spec("pytest") is None:
        raise ImportError("pytest is not installed: pip install 'theanojax[testing]'")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run tests that were written for Theano by pytest and `theanojax.pytest_plugin`; its exit status.

    `arguments` are those of pytest, or of nose; "--theano" stands for the tests of this package.
    """
    words = [_as_pytest(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    words = [word for word in words if word]
    try:
        if "--theano" in words:
            return run_own_tests([word for word in words if word != "--theano"])
        _require_pytest()
    except ImportError as error:
        print("theano-nose: %s" % error, file=sys.stderr)
        return 2
    import pytest

    sys.path.insert(0, "")  # as `python -m pytest` has it, and nose had
    return int(pytest.main(["-p", "theanojax.pytest_plugin", *words]))
