"""`make docs-conformance`: what is code on a page, when two texts are the same, and some pages, if they are at hand."""

import json
import sys

import pytest

from tests.docs_conformance import comparing, pages, report, run

PAGE = """
Title
=====

.. testsetup:: *

   import theano

Prose with a colon::

    print theano

.. note:: Inside

    >>> 1 + 1
    2
    >>> for i in range(2):
    ...     print(i)

    Prose.

    >>> 1 / 0
    Traceback (most recent call last):
    ZeroDivisionError: division by zero

.. testcode::

   raise ValueError()

.. testoutput::

   Traceback (most recent call last):
   ValueError

.. code-block:: bash

   pip install x

.. code-block:: python
   :linenos:

   x = 1

   y = 2

::

   $ ls
"""


def test_what_is_code_on_a_page():
    found = pages.blocks(PAGE)
    assert [b.number for b in found] == list(range(1, 8))
    assert [b.version for b in found] == [3, 2, 3, 3, 3, 3, 0]
    assert [b.shows for b in found] == [False, False, True, True, False, False, False]
    assert [b.fails for b in found] == [False, False, False, True, True, False, False]
    assert found[2].parts == ["1 + 1\n", "for i in range(2):\n    print(i)\n"]
    assert found[5].parts == ["x = 1\n\ny = 2\n"]
    assert [PAGE.splitlines()[b.line - 1].strip() for b in found[:3]] == ["import theano", "print theano", ">>> 1 + 1"]


def test_docstrings():
    source = (
        '"""None."""\nclass C:\n    def f(self):\n        """F.\n\n        >>> 1\n        """\n    def g(self): pass\n'
    )
    assert list(pages.docstrings(source)) == [("", "None."), ("C.f", "F.\n\n>>> 1")]


@pytest.mark.parametrize(
    "theirs, ours, came",
    [
        ("<A at 0x12>, /a/b/block1_1.py", "<A at 0xfe>, /c/block1_1.py", "same"),
        ("{'a', 'b'}", "{'b', 'a'}", "same"),
        ("a/b  \n", "a/b", "same"),
        ("a/b", "b", "differs"),
        ("[0.1  2.5]", "[0.10000001 2.5]", "digits"),
        ("[0.1  2.5]", "[0.2 2.5]", "differs"),
        ("took 0.1 s", "took 0.2 s", "drawn"),
        ("took 0.1 s", "took no time", "differs"),
    ],
)
def test_texts(theirs, ours, came):
    block = pages.Block(1, 1, version=3)
    again = {"text": "took 0.3 s" if "took" in theirs else theirs, "error": None}
    rows = [{"text": text, "error": None} for text in (theirs, ours)]
    assert comparing.outcome(block, *rows, lambda: again) == came


@pytest.mark.parametrize(
    "theirs, ours, shown, came",
    [
        (None, "TypeError", False, "fails here"),
        ("TypeError", None, False, "runs here"),
        ("TypeError", "TypeError", False, "fails"),
        ("TypeError", "TypeError", True, "same"),
        ("TypeError", None, True, "differs"),
        ("TypeError", "ValueError", False, "another error"),
        ("TypeError", "ValueError", True, "fails here"),
    ],
)
def test_errors(theirs, ours, shown, came):
    rows = [{"text": "%s: no" % error if error else "", "error": error} for error in (theirs, ours)]
    assert comparing.outcome(pages.Block(1, 1, version=3, fails=shown), *rows) == came
    assert comparing.outcome(pages.Block(1, 1), {"text": "", "error": None}, None) == "fails here"


def test_blocks_are_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "KEPT", tmp_path)
    text = ">>> x = 3 / 2\n>>> x\n\n>>> y\n>>> numpy.float64(x), T.exp\n\nAs::\n\n    print T.ones(2).eval(), 3 / 2\n"
    rows = run.play("theanojax", sys.executable, "page", pages.blocks(text))
    assert rows[1]["text"] == "1.5\n"
    error, value = rows[2]["text"].splitlines()
    assert error == "NameError: name 'y' is not defined"
    assert comparing.plain(value) == "(1.5, <theano.tensor.elemwise.Elemwise object at 0x>)"
    assert rows[2]["error"] == "NameError"
    assert rows[3]["text"] == "[1. 1.] 1\n"


def test_report():
    results = [
        ("tutorial/a", 1, "same"),
        ("tutorial/a", 2, "differs"),
        ("faq", 1, "fails"),
        ("theano.a:f", 1, "digits"),
    ]
    rows = [line.strip("| ").split(" | ") for line in report.table(results)][2:]
    assert rows[0] == ["tutorial", "1", "2", "2", "1", "0", "0", "1"]
    assert rows[-1] == ["**all**", "3", "4", "3", "1", "1", "0", "1"]
    assert report.unexplained(results, {("tutorial/a", 2): "So."}) == []
    assert len(report.unexplained(results, {("faq", 1): "So."})) == 2
    assert all(reason.endswith(".") for reason in report.reasons().values())


@pytest.mark.parametrize("name", ["tutorial/adding", "library/printing", "extending/graphstructures"])
def test_pages(name, tmp_path, monkeypatch):
    todo, answers = (run.place("theano", name, kind) for kind in ("todo", "jsonl"))
    if not answers.exists():
        pytest.skip("`make docs-conformance` has not asked Theano yet")
    blocks = [pages.Block(**row) for row in json.loads(todo.read_text())["blocks"]]
    theirs = run.outcomes(answers)
    monkeypatch.setattr(run, "KEPT", tmp_path)
    ours = run.play("theanojax", sys.executable, name, blocks)
    for block in blocks:
        if block.version and (name, block.number) not in report.reasons():
            came = comparing.outcome(block, theirs.get(block.number), ours.get(block.number))
            assert came in (*comparing.WELL, "fails", "another error", "runs here"), ours[block.number]["text"]
