"""The documentation: what its pages say in Python is true, all pages have a place, nothing generated is out of date."""

import functools
import os
import re
import subprocess
import sys
import types

import pytest

import theano
from scripts.docs import flags, pages, pictures, reference
from tests import doc_pages
from tests.doc_pages import ROOT

FOUR = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
PRETENDED = "contexts=dev0->cuda0;dev1->cuda1,device=cuda0,print_active_device=False,pretend_device=True"
# The variables of the environment that a page is for.
ENVIRONMENT = {"devices": {**FOUR, "THEANO_FLAGS": PRETENDED}, "parallel": FOUR}
TALKS = {"profiling"}  # pages whose listings write to stderr: profiles
# What a page takes as given, and what is looked at when its listings have run.
BEFORE = {
    "moving": """
import nbformat, os
from nbformat.v4 import new_code_cell as cell, new_notebook
cells = ["half = 3 / 2\\nprint 'half:', half", "import theano, theano.tensor as T\\nx = T.dvector('x')\\n"
         "f = theano.function([x], 2 * x)\\nprint f([1, 2])"]
nbformat.write(new_notebook(cells=[cell(text) for text in cells]), "old.ipynb")
os.mkdir("tests")
with open("tests/test_it.py", "w") as file:
    file.write("import theano\\nfrom nose.tools import assert_equals\\n\\n"
               "def test_it():\\n    assert_equals(theano.config.floatX[:5], 'float')\\n")
""",
    "old_programs": """
import gzip, pickle
with gzip.open("mnist.pkl.gz", "wb") as file:
    pickle.dump([1, 2, 3], file, 2)
""",
}
AFTER = {
    "c_ops": """
import pytest
with pytest.raises(ValueError, match="there is nothing"):
    f([])
"""
}


def with_listings():
    return [page for page in doc_pages.pages() if any(b.kind == "python" for b in doc_pages.blocks(page))]


@pytest.mark.parametrize("page", with_listings(), ids=lambda page: page.stem)
def test_listings_run_and_print_what_the_page_shows(page):
    given = ENVIRONMENT.get(page.stem, {})
    flags = ",".join(filter(None, [os.environ.get("THEANO_FLAGS"), given.get("THEANO_FLAGS")]))
    command = [sys.executable, "-m", "tests.doc_pages", str(page), BEFORE.get(page.stem, ""), AFTER.get(page.stem, "")]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, **given, "THEANO_FLAGS": flags}
    )
    assert done.returncode == 0, done.stderr
    assert bool(done.stderr) == (page.stem in TALKS), done.stderr


def test_what_does_not_run_is_listed_with_its_reason():
    done = subprocess.run([sys.executable, "-m", "tests.doc_pages"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [row.split(": ", 1)[1].split(", ", 1) for row in done.stdout.splitlines()]
    python = [why for kind, why in rows if kind == "python"]
    assert all(python) and len(python) < 12, done.stdout
    assert {kind for kind, _ in rows} == {"python", "sh"}


@pytest.mark.parametrize(
    "want, got, fit",
    [
        ("a\nb", "a\nb\n", True),
        ("a ... c", "a b c", True),
        ("a\n...\nc", "a\nb\nb\nc", True),
        ("a\n...\nc", "a\nc", True),
        ("a\n...", "a\nb\nc", True),
        ("a", "a\nb", False),
        ("a ... c", "a\nc", False),
    ],
)
def test_how_outputs_are_compared(want, got, fit):
    assert doc_pages.fits(want, got) == fit


def test_a_page_that_is_wrong_is_found(tmp_path):
    page = tmp_path / "page.md"
    for text, error in (
        ("```python\nprint(1)\n```\n```output\n2\n```\n", "the page shows"),
        ("```python\nprint(1)  # 2\n```\n", "prints"),
        ("```python raises=ValueError\n1\n```\n", "raises no ValueError"),
    ):
        page.write_text(text)
        with pytest.raises(AssertionError, match=error):
            doc_pages.run(page)
    page.write_text("```\nwhat is it?\n```\n")
    with pytest.raises(ValueError, match="without a word"):
        doc_pages.run(page)


def test_every_page_has_a_place():
    listed = pages.listed()
    assert len(set(listed)) == len(listed)
    assert {page.stem for page in doc_pages.pages()} <= {*listed, "index", "README"}


def test_every_example_is_listed():
    text = (ROOT / "docs" / "examples.md").read_text()
    missing = [path.name for path in (ROOT / "examples").glob("*.py") if "`%s`" % path.name not in text]
    assert not missing


def test_the_page_of_flags_is_that_of_the_table():
    assert flags.PAGE.read_text() == flags.text(), "python -m scripts.docs.flags writes it"


def test_the_reference_has_every_function_of_tensors(tmp_path):
    """Classes of Ops, types such as dmatrix, and what is there for Theano's own modules, are left out."""
    reference.write(tmp_path / "reference")
    text = "".join(page.read_text() for page in (tmp_path / "reference").iterdir())
    there = set(re.findall(r"^:::+{py:\w+} theano\.tensor\.(?:\w+\.)*(\w+)", text, re.MULTILINE))
    names = re.findall(
        r"^theanojax\.tensor\.((?:nnet\.)?\w+)$", (ROOT / "tests/public_names.txt").read_text(), re.MULTILINE
    )
    for name in names:
        thing = functools.reduce(getattr, name.split("."), theano.tensor)
        last = name.rpartition(".")[2]
        if isinstance(thing, types.FunctionType) and last not in NOT_IN_THE_REFERENCE:
            assert last in there, name
    assert "exp" in there


NOT_IN_THE_REFERENCE = {"as_int_none_variable", "values_eq_approx_always_true", "int32_t"}


@pytest.mark.parametrize("name", ["speed", "scaling"])
def test_pictures_of_figures_are_those_of_the_tables(name):
    drawn = (pictures.FOLDER / (name + ".svg")).read_text()
    assert drawn == getattr(pictures, name)() + "\n", "python -m scripts.docs.pictures draws it"
