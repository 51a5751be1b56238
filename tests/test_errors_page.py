"""docs/errors.md has a section for each error and warning of ours that a program can meet, with right examples."""

import ast
import builtins
import doctest
import importlib
import re
import textwrap
import unittest
from pathlib import Path

import pytest

import theano
import theano.tensor as T
from theanojax import data_parallel
from theanojax.errors import HostFallbackWarning, ParallelWarning

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "errors.md").read_text()
SECTIONS = dict(re.findall(r"^### (\w+)\n\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))

# What no program meets, and why.
INSIDE = {
    "_NotOurs": "the graph is rewritten anew",
    "StaleValue": "the call begins anew",
    "NeedsValue": "the planner computes the value first",
    "Unsupported": "the planner leaves the node to the host",
    "Untraceable": "the host raises the error that is behind it",
    "NotInPlace": "the planner makes another plan",
    "TooLarge": "carries a MemoryError through jax",
    "GuardFailed": "the host repeats the call",
    "GuardedShapes": "another executable is made",
    "NotInC": "XLA goes on running the program",
    "_NotInOrder": "a product is of a copy",
    "NoRows": "vectorize leaves a loop",
    "_NoGradient": "R_op raises the error that it had before",
    "LocalMetaOptimizerSkipAssertionError": "the optimizer that compiles candidates catches it",
    "ProtocolError": "a name of Theano's that nothing raises",
    "KnownFailure": "a name of nose's that nothing raises",
    "VersionConflict": "a name of setuptools' that nothing raises",
}


def our_classes():
    """{name: docstring} of all classes that derive, over however many others, from an exception of Python."""
    classes = [
        node
        for package in ("theanojax", "theano")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    bases = {
        name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
    }
    bases.add("SkipTest")
    found = {}
    while True:
        new = [c for c in classes if c not in found and {ast.unparse(b).rpartition(".")[2] for b in c.bases} & bases]
        if not new:
            return found
        found.update({c: ast.get_docstring(c) or "" for c in new})
        bases.update(c.name for c in new)


CLASSES = our_classes()


def test_each_class_has_a_section_and_each_section_a_class():
    names = {c.name for c in CLASSES}
    assert names >= {"MissingInputError", "BadThunkOutput", "HostFallbackWarning", "OldGpuBackend"}
    assert set(INSIDE) <= names
    assert sorted(SECTIONS) == sorted(names - set(INSIDE))
    assert len(re.findall("^### ", PAGE, re.M)) == len(SECTIONS)


@pytest.mark.parametrize("c", [c for c in CLASSES if c.name not in INSIDE], ids=lambda c: c.name)
def test_docstrings_name_their_section(c):
    assert f"docs/errors.md#{c.name.lower()}" in CLASSES[c]


@pytest.mark.parametrize("name", SECTIONS)
def test_names_to_import_and_bases(name):
    found = re.match(r"`([\w.]+)\.(\w+)` \((\w+)\)\. ", SECTIONS[name])
    if found is None:
        assert name == "OldGpuBackend"
        return
    module, attribute, base = found.groups()
    cls = getattr(importlib.import_module(module), attribute)
    assert attribute == cls.__name__ == name and cls.__mro__[1].__name__ == base


def test_the_old_gpu_backend():
    with pytest.raises(ImportError) as error:
        importlib.import_module("theano.sandbox.cuda")
    assert type(error.value).__name__ == "OldGpuBackend" and isinstance(error.value, unittest.SkipTest)


def examples(text):
    return "\n".join(textwrap.dedent(block) for block in re.findall(r"```pycon\n(.*?)```", text, re.S))


@pytest.mark.parametrize("name", [name for name, text in SECTIONS.items() if ">>>" in text])
def test_examples(name):
    head = examples(PAGE[: PAGE.index("\n## ")])
    test = doctest.DocTestParser().get_doctest(head + "\n" + examples(SECTIONS[name]), {}, name, "docs/errors.md", 0)
    said = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert not said, "".join(said)


def test_warnings_name_their_section():
    """The texts of warnings that Theano did not have end with the place that says what to do."""

    class Branches(theano.Op):
        __props__ = ()

        def make_node(self, v):
            return theano.Apply(self, [v], [v.type()])

        def compute(self, xp, node, v):
            return v + 1 if v[0] > 0 else v

    x = T.dvector("x")
    with (
        theano.change_flags(xla_strict=False),
        pytest.warns(
            HostFallbackWarning, match=r"(?s)^Branches.*cannot be traced.*docs/errors.md#hostfallbackwarning\)$"
        ),
    ):
        theano.function([x], Branches()(x))([1.0])
    with pytest.warns(ParallelWarning, match=r"^parallel: the mode .*docs/errors.md#parallelwarning\)$"):
        theano.function([x], x + 1, mode="FAST_COMPILE", parallel=data_parallel(batch=[x]))
