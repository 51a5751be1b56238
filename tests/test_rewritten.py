"""Rewritten graphs that a later process reads, with the flag cache_optimizations."""

import logging
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.configparser import change_flags
from theano.ifelse import ifelse
from theanojax.compile import rewritten
from theanojax.graph.rewriting.base import Optimizer

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A function that says how many graphs have been kept since it was asked last; each test has its own folder."""
    folder = tmp_path / "graphs"
    folder.mkdir()
    monkeypatch.setattr(rewritten, "private_folder", lambda kind: str(folder))
    seen = set()

    def new():
        there = {p for p in folder.iterdir() if p.name.endswith("-cache")}
        found = len(there - seen)
        seen.update(there)
        return found

    new.folder = folder
    with change_flags(cache_optimizations=True):
        yield new


@pytest.fixture
def rewritings(monkeypatch):
    """A list that grows with each graph that is rewritten in earnest."""
    found, plain = [], rewritten._write
    monkeypatch.setattr(rewritten, "_write", lambda *args: (found.append(args[1]), plain(*args)))
    return found


def perceptron():
    x, y = T.dmatrix("x"), T.ivector("y")
    w, b = theano.shared(np.linspace(-1, 1, 12).reshape(4, 3), "w"), theano.shared(np.zeros(3), "b")
    p = T.nnet.softmax(T.dot(T.tanh(x * 1.0 + 0), w) + b)
    cost = -T.log(p)[T.arange(y.shape[0]), y].mean()
    updates = [(v, v - 0.5 * g) for v, g in zip([w, b], T.grad(cost, [w, b]))]
    f = theano.function([x, y], [cost, p.argmax(axis=1)], updates=updates)
    return f, [f(np.arange(8.0).reshape(2, 4) / 8, [0, 2]) for _ in range(3)]


def loop():
    w, k = T.dvector("w"), T.iscalar("k")
    states, _ = theano.scan(lambda h, w: T.tanh(h * w) + 1, outputs_info=T.ones_like(w), non_sequences=w, n_steps=k)
    f = theano.function([w, k], [states[-1], T.grad(states[-1].sum(), w)])
    return f, [f([0.5, 2.0], 3), f([0.5, 2.0], 5)]


def draws():
    stream = T.shared_randomstreams.RandomStreams(7)
    f = theano.function([], [stream.uniform((2,)), T.shared_randomstreams.RandomStreams(8).normal((2,))])
    return f, [f(), f()]


def branches():
    c, x = T.bscalar("c"), T.dvector("x")
    inner = theano.OpFromGraph([x], [T.exp(x) * 2])
    f = theano.function([c, x], [ifelse(c, inner(x).sum(), T.constant(np.arange(3.0)).sum() + x[0])])
    return f, [f(1, [1.0, 2.0]), f(0, [1.0, 2.0])]


def as_lists(calls):
    return [[np.asarray(v).tolist() for v in results] for results in calls]


@pytest.mark.parametrize("program", [perceptron, loop, draws, branches])
def test_what_is_read_does_what_was_written(program, files, rewritings):
    with change_flags(cache_optimizations=False):
        plain, want = program()
    first, values = program()
    made = len(rewritings)
    assert made and files() == len({id(g) for g in rewritings})
    again, values_again = program()
    assert len(rewritings) == made and files() == 0
    for found in (values, values_again):
        assert as_lists(found) == as_lists(want)
    texts = [theano.printing.debugprint(f.maker.executed_fgraph.outputs, file="str") for f in (plain, first, again)]
    assert texts[0] == texts[1] == texts[2]
    assert theano.printing.debugprint(plain, file="str") == theano.printing.debugprint(again, file="str")


def test_another_graph_is_another_file(files, rewritings):
    x = T.dvector("x")
    shared = theano.shared(np.ones(2))
    makers = [
        lambda: theano.function([x], x * 2),
        lambda: theano.function([x], x * 3),
        lambda: theano.function([x], x * np.array([2.0, 2.0])),
        lambda: theano.function([x], x * np.array([2.0, 2.5])),
        lambda: theano.function([x], [x * 2, x * 2]),
        lambda: theano.function([theano.In(x, mutable=True)], x * 2),
        lambda: theano.function([], shared * 2),
        lambda: theano.function([], [], updates=[(shared, shared * 2)]),
        lambda: theano.function([x], x * 2, mode="FAST_COMPILE"),
        lambda: theano.function([x], x * 2, mode=theano.Mode("py").excluding("specialize")),
        lambda: theano.function([T.fvector("x")], T.constant(1.0), on_unused_input="ignore"),
    ]
    for i, make in enumerate(makers):
        made = [make(), files(), make(), files()]
        assert made[1::2] == [1, 0], i
    with change_flags({"conv.assert_shape": True}):
        makers[0]()
        assert files() == 1
    assert len(rewritings) == len(makers) + 1


def test_another_rewrite_is_another_file(files):
    x = T.dvector("x")

    def doubled(rewrite):
        mode = theano.Mode("vm", theano.gof.SeqOptimizer([theano.gof.TopoOptimizer(rewrite)]))
        return theano.function([x], T.exp(x) * 1, mode=mode)([0.5])[0]

    def pattern(op):
        return theano.gof.PatternSub((T.exp, "a"), (op, "a"), name="same")

    for _ in range(2):
        assert doubled(pattern(T.sin)) == pytest.approx(np.sin(0.5))
        assert doubled(pattern(T.cos)) == pytest.approx(np.cos(0.5))
        assert doubled(theano.gof.OpSub(T.exp, T.tan)) == pytest.approx(np.tan(0.5))
        assert doubled(theano.gof.OpSub(T.exp, T.cosh)) == pytest.approx(np.cosh(0.5))
    assert files() == 4


def test_errors_name_the_lines_at_hand(files, rewritings):
    def made(x, y):
        return theano.function([x, y], T.log(x + y) * 2 + 0)

    x, y = T.dvector("x"), T.dvector("y")
    made(x, y)

    def elsewhere():
        return made(T.dvector("x"), T.dvector("y"))

    f = elsewhere()
    assert len(rewritings) == 1
    with change_flags(exception_verbosity="low"), pytest.raises(ValueError) as error:
        f([1.0], [1.0, 2.0, 3.0])
    assert re.search(r"test_rewritten.py\", line \d+, in made", str(error.value)), error.value
    assert "in elsewhere" in str(error.value)


class Double(theano.Op):
    """An Op of a program."""

    __props__ = ()

    def make_node(self, x):
        return theano.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0] * 2


def test_what_is_the_users_is_not_kept(files):
    x = T.dvector("x")
    assert theano.function([x], Double()(x))([1.0]).tolist() == [2.0]

    @theano.gof.local_optimizer([T.mul])
    def mine(node):
        return False

    rewrites = theano.gof.SeqOptimizer([theano.gof.TopoOptimizer(mine)])
    theano.function([x], x * 2, mode=theano.Mode("vm", rewrites))
    with change_flags(compute_test_value_opt="ignore"):
        theano.function([x], x * 2)
    theano.function([x], x * 2, mode="DebugMode")
    assert files() == 0


def test_a_damaged_file_is_made_again(files, rewritings, caplog):
    perceptron()
    (path,) = [p for p in files.folder.iterdir() if p.name.endswith("-cache")]
    good = path.read_bytes()
    for bad in (good[:100], good[:-1] + b"x", b""):
        path.write_bytes(bad)
        with caplog.at_level(logging.WARNING, "theanojax"):
            _, values = perceptron()
        assert "cannot be used, and is made again" in caplog.text
        caplog.clear()
        assert path.read_bytes()[32:] and len(values) == 3
    assert len(rewritings) == 4


def test_an_error_while_rewriting_leaves_nothing(files):
    class Failing(Optimizer):
        def apply(self, fgraph):
            raise RuntimeError("on purpose")

    Failing.__module__ = "theanojax.tests"
    x = T.dvector("x")
    with pytest.raises(RuntimeError, match="on purpose"):
        theano.function([x], x * 2, mode=theano.Mode("vm", Failing()))
    assert files() == 0


PROGRAM = """
import sys
sys.path.insert(0, %r)
from theanojax.compile import rewritten
made = []
plain = rewritten._write
rewritten._write = lambda *args: (made.append(1), plain(*args))
from tests import test_rewritten as t
values = [t.perceptron()[1], t.loop()[1], t.branches()[1]]
print(len(made), values)
"""


def test_another_process_finds_them_whatever_the_order_of_its_sets(tmp_path):
    found = []
    for seed in ("1", "2"):
        env = {k: v for k, v in os.environ.items() if not k.startswith("THEANO")}
        env.update(PYTHONHASHSEED=seed, THEANO_FLAGS="cache_optimizations=True,base_compiledir=%s" % (tmp_path / "dir"))
        done = subprocess.run([sys.executable, "-c", PROGRAM % ROOT], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found.append(done.stdout.partition(" "))
    assert int(found[0][0]) > 3 and found[1][0] == "0", found
    assert found[0][2] == found[1][2]
