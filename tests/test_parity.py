"""Names, parameters and flags are those of Theano 1.0.5, and of Theano-PyMC 1.1.2, or there is a reason.

The tables in tests/parity have them; `make parity` makes them again, and writes docs/parity.md and docs/parity_pymc.md.
"""

import inspect

import pytest

from tests.parity import comparing, flags, reading, run
from theanojax import configparser


@pytest.mark.parametrize("reference, flags", [(run.THEANO, 140), (run.THEANO_PYMC, 128)])
def test_what_differs_is_explained(reference, flags):
    table = run.read(reference.table)
    assert len(table) > 4900 and sum(row[1] == "flag" for row in table) == flags
    assert reference.unexplained() == []


@pytest.mark.parametrize("reference", [run.THEANO, run.THEANO_PYMC])
def test_reasons_are_said_once_and_with_a_full_stop(reference):
    rows = run.read(reference.reasons)
    assert len({row[:2] for row in rows}) == len(rows)
    assert all(kind in comparing.DIFFERENCES for kind, _, _ in rows)
    assert all(reason.endswith(".") for _, _, reason in rows if reason)


@pytest.mark.parametrize(
    "theirs, ours, by_name, by_position",
    [
        ("a, b=1", lambda a, b=1: 0, True, True),
        ("a, b=1", lambda a, b=1, c=2: 0, True, True),
        ("a, b=1", lambda a, b=2: 0, False, False),  # another default
        ("a, b=1", lambda a, b: 0, False, False),  # must be given
        ("a, b=1", lambda b=1, a=0: 0, False, False),
        ("a, b", lambda x, b: 0, False, True),
        ("a, b", lambda *args: 0, False, True),
        ("a, b", lambda *args, **kwargs: 0, True, True),
        ("a", lambda a, b: 0, False, False),  # asks for more
        ("a, *b", lambda a: 0, False, False),
        ("a, **k", lambda a, c=1: 0, False, False),
        ("a=_", lambda a=print: 0, True, True),  # a default that no text tells
    ],
)
def test_which_calls_are_taken(theirs, ours, by_name, by_position):
    parameters = list(inspect.signature(ours).parameters.values())
    assert comparing.takes(parameters, theirs.split(", ")) == by_name
    assert comparing.takes(parameters, theirs.split(", "), by_name=False) == by_position


def test_what_a_source_says(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "left_out.py").write_text("x = 1")
    (tmp_path / "m.py").write_text(
        "A, _b = 1, 2\n"
        "def f(a, b=1, *c, d=g(), **e): pass\n"
        "@wrapped\ndef h(a): pass\n"
        "class C(object):\n"
        "    def __init__(self, a): pass\n"
        "    def _m(self): pass\n"
        "    @staticmethod\n    def s(x): pass\n"
        "    @property\n    def p(self): pass\n"
        "if __name__ == '__main__':\n    options = 1\n"
    )
    name = tmp_path.name + ".m"
    assert list(reading.table(tmp_path)) == [
        (name, "module", "", ""),
        (name, "function", "f", "a, b=1, *c, d=_, **e"),
        (name, "function", "h", "?"),
        (name, "value", "A", ""),
        (name, "class", "C", ""),
        (name, "method", "C.__init__", "a"),
        (name, "method", "C.p", "?"),
        (name, "method", "C.s", "x"),
    ]


def test_flags_are_read_or_mean_nothing():
    readers = flags.readers()
    for p in configparser._config_var_list:
        assert bool(readers[p.fullname]) != bool(p.inert), (p.fullname, readers[p.fullname], p.inert)
        assert p.inert == "" or p.doc.endswith(". Means nothing here: " + p.inert)
    assert readers["scan.debug"] == ["compile/rewritten.py", "graph/features.py"]
    shown = str(configparser.config)
    assert "cuda.root" in shown and "Means nothing here: jax brings CUDA and cuDNN." in shown


def test_what_a_source_says_of_flags(tmp_path):
    (tmp_path / "c.py").write_text(
        "MORE = ('c',) + ('d',)\n"
        "AddConfigVar('a.b', 'doc', EnumStr('x', 'y', *MORE, allow_override=False), in_c_key=False)\n"
        "if 1:\n    AddConfigVar('e', 'doc', theano.configparser.BoolParam(True))\n"
        "AddConfigVar('f', 'doc', IntParam(made_up, lambda i: i > 0))\n"
        "AddConfigVar('g', 'doc', Own(1, allow_override=False))\n"
    )
    assert flags.of_source(tmp_path / "c.py") == [
        ("a.b", "EnumStr('x', 'y', 'c', 'd') fixed"),
        ("e", "BoolParam(True)"),
        ("f", "IntParam(_)"),
        ("g", "ConfigParam(_)"),
    ]


@pytest.mark.parametrize(
    "theirs, name, same",
    [
        ("EnumStr('ignore', 'pdb', 'raise', 'warn')", "warn_float64", True),
        ("EnumStr('warn', 'ignore', 'raise', 'pdb')", "warn_float64", False),  # another default
        ("EnumStr('ignore', 'warn', 'raise')", "warn_float64", False),
        ("BoolParam(True)", "allow_gc", True),
        ("BoolParam(False)", "allow_gc", False),
        ("BoolParam(True) fixed", "allow_gc", False),
        ("IntParam(1)", "allow_gc", False),
        ("StrParam(_)", "cxx", True),
        ("BoolParam(True)", "no_such_flag", False),
    ],
)
def test_which_flags_are_the_same(theirs, name, same):
    assert (flags.compare([(name, theirs)]) == []) == same
