"""The programs that `make bench` measures: they run, with small data."""

import os
import sys

import numpy as np
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def worker():
    sys.path.insert(0, os.path.join(ROOT, "benchmarks", "worker"))
    try:
        import peers
        from programs import PROGRAMS
    finally:
        del sys.path[0]
    return peers, PROGRAMS


NAMES = (
    "scalar",
    "chain",
    "reduction",
    "pow",
    "ifelse",
    "switch",
    "gibbs",
    "looprows",
    "loopgrad",
    "logistic",
    "mlp",
    "embedding",
    "rnn",
    "lstm",
)
NAMES += ("lenet64", "lenet32", "graph400")
# Whole programs.
NAMES += ("vgg16", "resnet50", "convnetstep", "radon", "word2vec", "decoder", "ctc", "rnn1000", "shapes200")
NAMES += ("vgg16step", "resnet50step", "functions1000")


@pytest.mark.parametrize("name", NAMES)
def test_program(worker, name):
    peers, programs = worker
    program = programs[name]
    step, state = program.theano(peers.load("theanojax"), program.data(np.random.RandomState(20), True))
    results = [step() for _ in range(2)][-1]
    assert results is not None and all(np.isfinite(np.asarray(v, float)).all() for v in (*results, *state()))


def test_there_are_no_others_but_larger_graphs(worker):
    assert set(worker[1]) - set(NAMES) == {"graph1600", "graph6400"}
