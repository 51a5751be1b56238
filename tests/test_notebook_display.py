"""What objects look like in notebooks, and what functions, modes and the configuration say of themselves."""

import itertools
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from theanojax.graph.fgraph import FunctionGraph
from theanojax.printing.layered import layered
from theanojax.printing.notebook import svg
from theanojax.printing.picture import Picture

SVG, HTML = "image/svg+xml", "text/html"


@pytest.fixture
def train():
    x, y, w = T.dmatrix("x"), T.dvector("y"), theano.shared(np.zeros(3), name="w")
    cost = T.nnet.binary_crossentropy(T.nnet.sigmoid(T.dot(x, w)), y).mean()
    return theano.function([x, y], cost, updates=[(w, w - 0.1 * T.grad(cost, w))], name="train")


def texts_of(picture):
    root = ET.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]


# ---------------------------------------------------------------- print
def test_print_of_a_function(train):
    assert str(train).split("\n") == [
        "Function train",
        "  inputs:  x: float64 matrix, y: float64 vector",
        "  outputs: mean: float64 scalar",
        "  shared:  w: float64 vector",
        "  updates: w",
        "  mode:    Mode(linker=cvm, optimizer=fast_run)",
        "  device:  %s" % train.device,
        "  nodes:   13 in 11 Ops",
    ]
    assert repr(train).startswith("<theano.compile.function_module.Function object at 0x")
    assert repr(train).endswith(": train(x, y) -> mean; updates w>")


def test_print_of_odd_functions():
    x = T.dvector()
    named = theano.function([theano.In(x, name="x")], {"a": x + 1, "b": x}, mode="FAST_COMPILE")
    assert "outputs: a: float64 vector, b: float64 vector" in str(named) and "inputs:  x: float64 vector" in str(named)
    assert "\n  device:  host\n" in str(named)
    nothing = theano.function([], [], mode=theano.Mode("py", None), name="nothing")
    assert repr(nothing).endswith(": nothing() -> None>")
    assert "mode:    Mode(linker=py, optimizer=None)" in str(nothing) and "inputs" not in str(nothing)
    assert theano.function([x], x * 2)._repr_mimebundle_()[SVG]


def test_repr_of_modes():
    mode = theano.compile.get_mode("FAST_RUN").excluding("fusion")
    assert repr(mode) == "Mode(linker=VM_Linker, optimizer=fast_run -fusion)"
    assert repr(theano.Mode("py", "merge")) == "Mode(linker=py, optimizer=merge)"
    assert str(theano.Mode("py", None)).startswith("Mode(linker = py, optimizer = Query{inc=")  # as in Theano


def test_config():
    before = repr(theano.config)
    assert before.startswith("<theano.config: ")
    with theano.change_flags(floatX="float32", on_unused_input="ignore"):
        assert "floatX=float32" in repr(theano.config) and "on_unused_input=ignore" in repr(theano.config)
        assert "<b>float32</b>" in theano.config._repr_html_()
    assert repr(theano.config) == before
    assert theano.config._repr_html_().count("<tr>") > 100


def test_what_theano_prints_stays():
    x, w = T.dvector("x"), theano.shared(np.zeros(3), "w")
    y = x + 1
    assert (repr(x), repr(w), str(y), repr(y.owner)) == (
        *("x", "w", "Elemwise{add,no_inplace}.0"),
        "Elemwise{add,no_inplace}(x, InplaceDimShuffle{x}.0)",
    )
    assert repr(T.dscalar()) == "<TensorType(float64, scalar)>"
    graph = FunctionGraph([x], [y])
    assert repr(graph) == "[Elemwise{add,no_inplace}(x, InplaceDimShuffle{x}(TensorConstant{1}))]"


# ---------------------------------------------------------------- notebooks
def test_graphs_are_drawn(train):
    x = T.dmatrix("x")
    y = T.tanh(x).sum()
    for thing, label in ((y, "tanh"), (y.owner, "tanh"), (FunctionGraph([x], [y]), "tanh"), (train, "CGemv{inplace}")):
        shown = thing._repr_mimebundle_(include=None, exclude=None)
        assert set(shown) == {SVG, HTML} and label in texts_of(shown[SVG]) and shown[SVG] in shown[HTML]
    assert "<b>updates</b>" in train._repr_mimebundle_()[HTML]
    assert x._repr_mimebundle_() == {} and T.constant(1.0)._repr_mimebundle_() == {}


def test_large_graphs_are_tables(train):
    with theano.change_flags(picture_nodes=5):
        shown = train._repr_mimebundle_()
        assert set(shown) == {HTML} and "13 nodes for mean: float64 scalar" in shown[HTML]
        assert "<b>2</b></td>" in shown[HTML] and "CGemv{inplace}" in shown[HTML]
    with theano.change_flags(picture_nodes=0):
        assert train._repr_mimebundle_() == {} and (T.dscalar() + 1)._repr_mimebundle_() == {}
    h = T.dvector("h")
    for _ in range(200):
        h = T.tanh(h) + 1
    assert "nodes for float64 vector" in h._repr_mimebundle_()[HTML]


def test_shared_variables_show_their_values():
    shown = theano.shared(np.arange(6.0).reshape(2, 3), name="<w>")._repr_mimebundle_()
    assert set(shown) == {HTML} and "&lt;w&gt;" in shown[HTML] and "<w>" not in shown[HTML]
    assert "(2, 3)" in shown[HTML] and "0 to 5, mean 2.5" in shown[HTML]
    for value in ([1, 2], np.random.RandomState(1), np.zeros((0, 3)), np.array([1 + 2j]), np.array([True])):
        assert theano.shared(value)._repr_mimebundle_()[HTML].startswith("<table>")


def test_names_are_escaped():
    x = T.dvector('<b>"&\x00\ud800</b>')
    shown = (x + 1)._repr_mimebundle_()
    assert '<b>"&\ufffd\ufffd</b>' in texts_of(shown[SVG]) and "<b>" not in shown[SVG]
    assert "<b>&quot;" not in theano.function([x], x + 1)._repr_mimebundle_()[HTML].replace("&lt;b&gt;", "")


def test_nothing_is_imported_before_it_is_needed():
    code = "import theano, sys; print([m for m in sys.modules if 'notebook' in m or 'picture' in m or 'd3viz' in m])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_ipython_shows_them(train):
    formatters = pytest.importorskip("IPython.core.formatters")
    shown, _ = formatters.DisplayFormatter().format(train)
    assert {"text/plain", HTML, SVG} <= set(shown) and "train(x, y) -> mean" in shown["text/plain"]


# ---------------------------------------------------------------- places
def test_shapes_do_not_overlap_and_edges_lead_down(train):
    x = T.dmatrix("x")
    wide = sum([T.tanh(x * i) for i in range(12)])
    for thing in (train, wide, [x, x], x):
        picture = Picture(thing, bodies=False)
        sizes = {s.id: (30 + 5 * len(s.label), 20) for s in picture.shapes}
        edges = [(e.start, e.end) for e in picture.edges]
        places, ways = layered(sizes, edges)
        assert set(places) == set(sizes)
        for a, b in itertools.combinations(sizes, 2):
            (xa, ya), (xb, yb) = places[a], places[b]
            assert abs(ya - yb) >= 20 or abs(xa - xb) >= (sizes[a][0] + sizes[b][0]) / 2
        for (a, b), way in zip(edges, ways):
            assert all(p[1] < q[1] for p, q in itertools.pairwise(way))
            assert way[0] == (places[a][0], places[a][1] + 10) and way[-1] == (places[b][0], places[b][1] - 10)
        assert len(texts_of(svg(picture))) == len(sizes)
    assert layered({}, []) == ({}, [])


def test_a_chain_is_straight():
    places, _ = layered({k: (20 + 30 * k, 20) for k in range(4)}, [(0, 1), (1, 2), (2, 3)])
    assert len({round(x, 6) for x, _ in places.values()}) == 1
