"""CONTRIBUTING.md by the letter: its listings are pasted into a copy of the repository, and what they add works."""

import os
import re
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FIRST_LINE = re.compile(
    r'# (?:a new file, )?(?P<path>[\w/]+\.py)(?:, (?P<where>above|below) "(?P<line>.*)"|, at the end)?$'
)

CHECK = """
import numpy as np
import theanojax
import theanojax.tensor as T
from tests.helpers import check_op
from tests.op_cases import scalar

assert theanojax.__file__.startswith({root!r}), theanojax.__file__
x = T.dmatrix("x")
value = scalar.values(*scalar.NAMED["softsign2"].split(), "float64")
for out in (T.softsign2(x), x.softsign2(), T.inplace.softsign2_inplace(x)):
    (got,) = check_op([x], out, [value], visit=lambda executor: executor.compilations or 1 / 0)
    np.testing.assert_allclose(got, value / (1 + abs(value)))
assert T.softsign2.__doc__.splitlines()[0] == "a / (1 + |a|), which is between -1 and 1."
assert type(T.softsign2.scalar_op) is theanojax.scalar.Softsign2 is type(theanojax.scalar.softsign2)
assert theanojax.printing.pp(T.softsign2(x)) == "softsign2(x)"

def ops(mode):
    f = theanojax.function([x], T.softsign2(-x) * 2, mode=mode)
    np.testing.assert_allclose(f(value), -2 * value / (1 + abs(value)))
    return str(theanojax.printing.debugprint(f, file="str"))

mode = theanojax.compile.get_mode("FAST_RUN").excluding("fusion")
assert "neg" in ops(mode.excluding("local_softsign2_of_neg"))
assert "neg" not in ops(mode), "the sign is to be joined with the 2"
assert theanojax.config.softsign2_limit == 1
with theanojax.change_flags(softsign2_limit=2.0):
    assert theanojax.config.softsign2_limit == 2
"""


def text(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def blocks(language):
    page = text(ROOT, "CONTRIBUTING.md")
    return re.findall(r"^```%s\n(.*?)^```$" % language, page, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the repository with every listing where its first line says that it belongs."""
    root = str(tmp_path_factory.mktemp("contributing"))
    for name in ("theanojax", "theano", "tests"):
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(os.path.join(ROOT, name), os.path.join(root, name), ignore=without)
    shutil.copy(os.path.join(ROOT, "pyproject.toml"), root)
    for block in blocks("python"):
        paste(root, *block.split("\n", 1))
    return root


def paste(root, first_line, code):
    """Put `code` where `first_line` says, unless a reader of the page who tries it has done so."""
    found = FIRST_LINE.match(first_line)
    assert found, first_line
    path = os.path.join(root, found["path"])
    old = text(root, found["path"]) if os.path.exists(path) else ""
    if code.strip("\n") in old:
        return
    assert bool(old) != ("# a new file, " in first_line), first_line
    old = old.splitlines(keepends=True)
    at = len(old)
    if found["where"]:
        (at,) = [i for i, line in enumerate(old) if line.startswith(found["line"])]
        at += found["where"] == "below"
    elif old:
        code = "\n\n" + code
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join([*old[:at], code, *old[at:]]))


def run(root, *command):
    environment = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run([sys.executable, *command], cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_the_listings_add_works(copy):
    run(copy, "-c", CHECK.format(root=copy))


def test_the_tests_in_the_listings_pass(copy):
    added = ["running", "softsign2", "expm1_near_zero", "has_a_line", "has_a_case"]
    files = ["tests/test_every_op.py", "tests/test_rewrites.py", "tests/test_platform.py"]
    shown = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, "-k", " or ".join(added))
    assert re.search(r"^6 passed", shown, re.MULTILINE), shown


def test_the_commands_work(copy):
    """Those of a few seconds are run; the others are pytest's, of files that exist."""
    (flag,) = [line for block in blocks("sh") for line in block.splitlines() if "THEANO_FLAGS" in line]
    assignment, _, options, code = flag.split(" ", 3)
    assert run(copy, options, "import os; os.environ.update([%r.split('=', 1)]); %s" % (assignment, code.strip('"')))
    before = set(text(copy, "tests/public_names.txt").split())
    run(copy, "-m", "tests.test_layout")
    after = set(text(copy, "tests/public_names.txt").split())
    assert after == before | {"theanojax.scalar.Softsign2", "theanojax.scalar.softsign2", "theanojax.tensor.softsign2"}
    for line in (line for block in blocks("sh") for line in block.splitlines()):
        assert all(os.path.exists(os.path.join(copy, path)) for path in re.findall(r"tests/\w+\.py", line)), line


def test_the_folders_are_listed():
    table = re.findall(r"^\| (`.*) \|", text(ROOT, "CONTRIBUTING.md"), re.MULTILINE)
    listed = {name.rstrip("/") for row in table for name in re.findall(r"`([\w/*.]+)`", row.split(" | ")[0])}
    folders = {
        name
        for name in os.listdir(os.path.join(ROOT, "theanojax"))
        if os.path.isfile(os.path.join(ROOT, "theanojax", name, "__init__.py"))
    }
    assert folders <= listed, folders - listed
