"""Pages and pydot's graphs of theano.d3viz; pages are opened in a Chromium where there is one."""

import fnmatch
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from types import SimpleNamespace

import numpy as np
import pytest

import theano
import theano.d3viz
import theano.tensor as T
from tests.browser import Browser, find_chromium
from theano.d3viz.formatting import PyDotFormatter
from theanojax.d3viz import page
from theanojax.graph.variable import Apply
from theanojax.printing.picture import Picture, short, type_text

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EVIL = "</script><script>document.title = 'broken'</script>\u2028%%css%%"


def training(**options):
    x, y, w = T.dmatrix("x"), T.dvector("y"), theano.shared(np.zeros(3), name="w")
    cost = T.nnet.binary_crossentropy(T.nnet.sigmoid(T.dot(x, w)), y).mean()
    return theano.function([x, y], cost, updates=[(w, w - 0.1 * T.grad(cost, w))], **options)


def power():
    k, A = T.iscalar("k"), T.dvector("A")
    result, updates = theano.scan(lambda prior, A: prior * A, outputs_info=T.ones_like(A), non_sequences=A, n_steps=k)
    return [A, k], result[-1], updates


def nested():
    x, y, z = T.dscalars("xyz")
    inner = theano.OpFromGraph([x, y], [x * y])
    outer = theano.OpFromGraph([x, y, z], [inner(x, y) + z])
    return theano.function([x, y, z], outer(x, y, z) + z)


def data_of(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return json.loads(re.search(r'<script id="graph" type="application/json">(.*?)</script>', text, re.S).group(1))


def written(tmp_path, thing, **options):
    path = str(tmp_path / "a folder" / "page.html")
    theano.d3viz.d3viz(thing, path, **options)
    return path


# ---------------------------------------------------------------- pictures
def test_shapes_of_a_training_function():
    picture = Picture(training(name="train"))
    kinds = {shape.label: shape.kind for shape in picture.shapes}
    assert kinds["x"] == kinds["y"] == "input" and kinds["w"] == "shared" and kinds["new w"] == "output"
    assert kinds["CGemv{inplace}"] == "product" and kinds["Sum{acc_dtype=float64}"] == "reduction"
    assert picture.title == "train"
    ids = {shape.id for shape in picture.shapes}
    assert len(ids) == len(picture.shapes) and all({e.start, e.end} <= ids for e in picture.edges)
    assert {e.kind for e in picture.edges} == {"", "view", "overwritten"}
    built = dict(next(s for s in picture.shapes if s.label == "x").details)["built at"]
    assert built.startswith("test_d3viz.py:") and 'T.dmatrix("x")' in built


@pytest.mark.parametrize("compiled", [True, False])
def test_body_of_a_loop(compiled):
    inputs, out, updates = power()
    picture = Picture(theano.function(inputs, out, updates=updates) if compiled else out)
    (loop,) = [shape for shape in picture.shapes if shape.kind == "loop"]
    inner = {shape.id: shape for shape in loop.body.picture.shapes}
    assert sorted(shape.kind for shape in inner.values()) == ["elementwise", "input", "input", "output"]
    assert [inner[id].kind for _, id in loop.body.enters] == ["input", "input"]
    (leaves,), (again,) = loop.body.leaves, loop.body.again
    assert inner[leaves[0]].kind == "output" and leaves[1] == 0
    assert [inner[id].kind for id in again] == ["output", "input"]


def test_a_picture_compiles_nothing_inside_an_expression():
    x = T.dscalar("x")
    op = theano.OpFromGraph([x], [x**2 + 1])
    assert any(shape.body for shape in Picture(op(x)).shapes) and "_fn" not in vars(op)


def test_an_output_that_is_an_input():
    x, y = T.dscalars("xy")
    picture = Picture([x, y, x])
    assert [shape.kind for shape in picture.shapes] == ["input", "output", "input", "output"]
    assert len(picture.edges) == 2
    with pytest.raises(TypeError, match="no picture of an object of type <class 'int'>"):
        Picture(3)


def test_named_and_unnamed_variables_between():
    x = T.dvector("x")
    y = x + 1
    y.name = "y"
    out = (y * 2).sum()
    assert [s.label for s in Picture(out).shapes if s.kind == "variable"] == ["y"]
    assert len([s for s in Picture(out, compact=False).shapes if s.kind == "variable"]) > 1


def profiled(f, times):
    """`f` as if these had been the times of its nodes."""
    profile = SimpleNamespace(fct_call_time=2.0, apply_time=times)
    return SimpleNamespace(maker=f.maker, name=f.name, profile=profile)


def test_a_profile_of_the_graph_that_runs():
    """Profiles name its nodes, which those of the graph to look at may not be."""
    f = training()
    for graph in (f.maker.executed_fgraph, f.maker.fgraph):
        shown = [s for s in Picture(profiled(f, {node: 0.25 for node in graph.apply_nodes})).shapes if s.node]
        assert {s.thing for s in shown} == graph.apply_nodes and {(s.seconds, s.together) for s in shown} == {(0.25, 1)}


def test_a_profile_of_nodes_that_are_computed_as_one():
    x = T.dvector("x")
    f = theano.function([x], (T.tanh(x) * 2 + 1).sum(), mode=theano.Mode("cvm", "merge"))
    *inner, total = f.maker.executed_fgraph.toposort()
    row = Apply(inner[-1].op, f.maker.executed_fgraph.inputs, [total.inputs[0].type()])
    row.outputs[0].tag.stands_for = total.inputs[0]
    picture = Picture(profiled(f, {total: 0.5, row: 1.5}))
    found = {s.thing: (s.seconds, s.together) for s in picture.shapes if s.node}
    assert found.pop(total) == (0.5, 1) and picture.total == 2.0
    assert len(inner) > 2 and set(found) == set(inner) and set(found.values()) == {(1.5, len(inner))}


def test_words():
    assert short("a  b\nc") == "a b c" and len(short("x" * 100)) == 36
    assert type_text(T.dtensor3().type) == "float64 3d" and type_text(T.iscalar().type) == "int32 scalar"
    assert type_text(theano.gof.generic) == str(theano.gof.generic)


# ---------------------------------------------------------------- pages
def test_page(tmp_path):
    for thing in (training(), nested(), power()[1], [T.dscalar("a") + 1], (T.dscalar("a") + 1).owner):
        data = data_of(written(tmp_path, thing))
        assert data["graph"]["nodes"] and data["graph"]["edges"] and data["total"] is None
    assert data_of(written(tmp_path, training(), copy_deps=False))["graph"]["nodes"]
    assert os.listdir(tmp_path / "a folder") == ["page.html"]
    with pytest.raises(TypeError, match="unexpected keyword argument 'color'"):
        written(tmp_path, T.dscalar("a") + 1, color="red")


def test_page_needs_no_network(tmp_path):
    with open(written(tmp_path, training()), encoding="utf-8") as file:
        text = file.read()
    assert not re.findall(r"(?:src|href)=\"(?!data:)", text) and "sourceMappingURL" not in text and "%%" not in text
    assert "Permission is hereby granted" in text  # the license that dagre asks to be with it


def test_names_are_escaped(tmp_path):
    x = T.dvector(EVIL)
    path = written(tmp_path, theano.function([x], x * 2, name=EVIL))
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.count("</script>") == 3 and data_of(path)["title"] == EVIL
    assert [n["rows"][0] for n in data_of(path)["graph"]["nodes"] if n["kind"] == "input"] == [["name", EVIL]]


def test_pydot_is_not_needed(tmp_path):
    code = (
        "import sys; sys.modules.update(pydot=None, pydot_ng=None)\n"
        "import theano, theano.tensor as T, theano.d3viz as d3v\n"
        "x = T.dscalar('x'); d3v.d3viz(x + 1, %r)\n"
        "try: d3v.d3write(x + 1, 'nowhere')\n"
        "except ImportError as e: print(e)" % str(tmp_path / "page.html")
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.startswith("Failed to import pydot. Install") and os.path.exists(tmp_path / "page.html")


def test_files_of_the_page_are_those_that_npm_gave_and_are_installed():
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        patterns = tomllib.load(file)["tool"]["setuptools"]["package-data"]["*"]
    names = [name for name in os.listdir(page.HERE) if not name.endswith(".py") and name != "__pycache__"]
    assert sorted(names) == ["dagre.LICENSE.txt", "dagre.min.js", "page.css", "page.js", "template.html"]
    assert all(any(fnmatch.fnmatch(name, pattern) for pattern in patterns) for name in names)
    with open(os.path.join(page.HERE, "dagre.min.js"), "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == DAGRE


DAGRE = "54a503e346f93ca0bb10abe7999587e037262935687aca45eb4e4b0f64bbb578"


# ---------------------------------------------------------------- in a browser
@pytest.fixture(scope="module")
def browser():
    if find_chromium() is None:
        pytest.skip("no chromium")
    with Browser() as browser:
        yield browser
        assert not [url for url in browser.requests if not url.startswith("file://")]


@pytest.fixture
def show(browser, tmp_path):
    """Shows a thing; at the end the console has to be clean."""

    def shown(thing):
        path = written(tmp_path, thing)
        browser.open(path)
        browser.wait("document.body.dataset.drawn")
        return data_of(path)

    browser.messages.clear()
    yield shown
    assert browser.messages == []


def labels(browser):
    return browser.run("[...document.querySelectorAll('[data-key] > text')].map(e => e.textContent)")


def test_browser_draws(browser, show):
    nodes = show(training())["graph"]["nodes"]
    assert sorted(labels(browser)) == sorted(node["label"] for node in nodes)
    inside = """[...document.querySelectorAll('[data-key]')].every(e => { const r = e.getBoundingClientRect();
        return r.width > 5 && r.left >= 0 && r.top >= 0 && r.right <= innerWidth && r.bottom <= innerHeight })"""
    for size in ((1000, 700), (400, 600), (1920, 1080)):
        browser.resize(*size)
        browser.wait(inside)
    browser.resize(1000, 700)
    assert len(browser.screenshot()) > 20000
    # no two shapes lie on each other
    boxes = browser.run("""[...document.querySelectorAll('.node')].map(e => e.getBoundingClientRect()).map(
        r => [r.left, r.top, r.right, r.bottom])""")
    assert all(
        a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1] for a, b in itertools.combinations(boxes, 2)
    )


def test_browser_opens_and_closes_nodes(browser, show):
    show(nested())
    closed = labels(browser)
    browser.click("[role=button]")
    opened = labels(browser)
    assert len(opened) > len(closed) + 3 and browser.run("document.querySelectorAll('.outline').length") == 1
    browser.click("#open")
    assert browser.run("document.querySelectorAll('.outline').length") >= 2
    browser.click("#close")
    assert labels(browser) == closed
    browser.run("document.querySelector('[role=button]').focus()")
    for kind in ("keyDown", "keyUp"):
        browser.send("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13)
    assert labels(browser) == opened


def test_browser_opens_a_loop(browser, show):
    inputs, out, updates = power()
    show(theano.function(inputs, out, updates=updates))
    browser.click("[role=button][data-kind=loop]")
    assert browser.run("document.querySelectorAll('.edge.again').length") == 1
    assert "mul" in labels(browser)


def test_browser_drags_zooms_and_tells(browser, show):
    show(training())
    place = "(e => [e.x, e.width])(document.querySelector('.node').getBoundingClientRect())"
    (_, width), (px, py) = browser.run(place), browser.middle(".node.leaf")
    browser.drag(px, py, 50, 30)
    moved = browser.middle(".node.leaf")
    assert abs(moved[0] - px - 50) < 2 and abs(moved[1] - py - 30) < 2
    browser.mouse("mouseMoved", moved[0] + 2, moved[1])
    tip = browser.run("document.getElementById('tip').hidden ? '' : document.getElementById('tip').textContent")
    assert "float64" in tip
    browser.mouse("mouseWheel", 500, 400, deltaX=0, deltaY=-300)
    browser.wait("%s[1] > %f" % (place, width * 1.3))
    browser.drag(5, 400, 40, 0)  # where nothing is
    browser.click("#fit")
    assert abs(browser.run(place)[1] - width) < width / 3
    browser.run("f = document.getElementById('find'); f.value = 'gemv'; f.oninput()")
    assert browser.run("document.querySelectorAll('.found').length") == 2
    browser.run("document.getElementById('labels').click()")
    assert browser.run("document.querySelectorAll('.label').length") == 0


def test_browser_shows_times(browser, show):
    f = training()
    order = f.maker.fgraph.toposort()
    show(profiled(f, {node: 0.001 * i for i, node in enumerate(order)}))
    notes = browser.run("[...document.querySelectorAll('.node .small')].map(e => e.textContent)")
    assert len(notes) == len(order) and "5.00 ms, %.1f %%" % (500 / sum(range(len(order)))) in notes
    colors = "new Set([...document.querySelectorAll('.node > .shape')].map(e => e.getAttribute('fill'))).size"
    assert browser.run(colors) > len(order) / 2
    browser.run("document.getElementById('times').click()")
    assert browser.run("document.querySelectorAll('.node .small').length") == 0


def test_browser_takes_names_as_text(browser, show):
    x = T.dvector(EVIL)
    f = theano.function([x], x * 2, name=EVIL)
    show(f)
    assert browser.run("document.title") != "broken" and browser.run("document.scripts.length") == 3
    assert short(EVIL) in labels(browser)
    browser.mouse("mouseMoved", *browser.middle("[data-kind=input]"))
    assert EVIL in browser.run("document.getElementById('tip').textContent")


def test_browser_draws_hundreds_of_nodes(browser, show):
    h = x = T.dmatrix("x")
    weights = [theano.shared(np.eye(2), name="w%d" % i) for i in range(16)]
    for w in weights:
        h = T.tanh(T.dot(h, w) + 1)
    updates = list(zip(weights, T.grad((h**2).sum(), weights)))
    data = show(theano.function([x], h, updates=updates, mode="FAST_COMPILE"))
    assert len(data["graph"]["nodes"]) > 200
    assert browser.run("document.querySelectorAll('.node').length") == len(data["graph"]["nodes"])


# ---------------------------------------------------------------- pydot
def test_pydot_graph():
    pytest.importorskip("pydot")
    formatter = PyDotFormatter()
    formatter.apply_colors["Gemv"] = "gold"
    graph = formatter(training(name="train"))
    rows = [node.get_attributes() for node in graph.get_nodes()]
    kinds = {row["label"].strip('"'): row["node_type"] for row in rows}
    assert kinds["x"] == "input" and kinds["w"] == "shared_input" and kinds["CGemv"] == "apply"
    assert [row["fillcolor"] for row in rows if row["label"] == "CGemv"] == ["gold", "gold"]
    tag = next(row["tag"] for row in rows if row["label"] == "x")
    assert tag.startswith('"test_d3viz.py\t') and "T.dmatrix('x')" in tag
    assert {edge.get_attributes().get("color") for edge in graph.get_edges()} == {None, "red", "dodgerblue"}
    assert type(formatter).__module__ == "theano.d3viz.formatting"


def test_pydot_graph_in_a_graph():
    pydot = pytest.importorskip("pydot")
    given = pydot.Dot()
    graph = PyDotFormatter(compact=False)(nested(), given)
    assert graph is given
    (cluster,) = graph.get_subgraph_list()
    (node,) = [n for n in graph.get_nodes() if n.get_attributes().get("subg")]
    assert node.get_attributes()["subg"] == cluster.get_name() and len(cluster.get_subgraph_list()) == 1
    (x, inner_x), *_ = json.loads(node.get_attributes()["subg_map_inputs"].replace("'", '"'))
    assert graph.get_node(x)[0].get_attributes()["label"] == cluster.get_node(inner_x)[0].get_attributes()["label"]


def test_d3write(tmp_path):
    pytest.importorskip("pydot")
    x = T.dvector('a "name": \\')
    theano.d3viz.d3write(theano.function([x], x * 2), str(tmp_path / "graph.dot"), compact=False)
    text = (tmp_path / "graph.dot").read_text()
    assert "digraph" in text and "node_type=input" in text


def test_words_of_formatting():
    from theano.d3viz import formatting

    assert formatting.type_to_str(T.dmatrix().type) == "dmatrix" and formatting.type_to_str(T.btensor3().type) == "int8"
    assert formatting.dtype_to_char("uint8") == "X" and formatting.broadcastable_to_str((True, False)) == "row"
    assert formatting.var_label(T.constant(np.float64(1.23456))) == "1.235" and formatting.var_label(T.lrow()) == "lrow"
    assert formatting.apply_profile(None, None) is None and isinstance(formatting.pydot_imported, bool)
    assert formatting.var_tag(T.constant(2)) is None or formatting.var_tag(T.dscalar())[0] == "test_d3viz.py"


def test_names_that_are_no_text(tmp_path):
    v = T.dmatrix("a\ud800\x00b")
    f = theano.function([v], T.exp(v), name="f\udcff")
    theano.d3viz.d3viz(f, str(tmp_path / "page.html"))
    assert (tmp_path / "page.html").read_text(encoding="utf-8")
    for text in f._repr_mimebundle_().values():
        text.encode()
        assert "\x00" not in text


def test_names_beyond_the_first_plane():
    f = theano.function([T.dmatrix("\U0001d6fd\uff38\xa0b")], T.constant(1.0), on_unused_input="ignore")
    v = T.dmatrix("\U0001d6fd\uff38\xa0b")
    for shown in (f, T.exp(v)):
        assert "\U0001d6fd\uff38\xa0b" in shown._repr_mimebundle_()["text/html"]


# ---------------------------------------------------------------- large graphs
def deep(n):
    """A long chain whose matrix each step takes: most of its edges are as long as it is."""
    x, w = T.dmatrix("x"), T.dmatrix("w")
    op = theano.OpFromGraph([x, w], [T.tanh(T.dot(x, w)) + x])
    h = op(x, w)
    for _ in range(n // 3):
        h = T.tanh(T.dot(h, w) + h)
    return op(h, w)


def test_browser_draws_thousands_of_nodes_in_seconds(browser, show):
    start = time.monotonic()
    data = show(deep(2000))
    assert time.monotonic() - start < 60  # dagre alone would take many minutes
    count = len(data["graph"]["nodes"])
    assert count > 2000 and browser.run("document.querySelectorAll('.node').length") == count
    assert browser.run("document.body.dataset.layout") == "simple"
    assert browser.run("document.getElementById('note').checkVisibility()")
    assert _lie_apart(browser)
    downwards = """[...document.querySelectorAll('.edge')].every(e => {
        const r = e.getPointAtLength(0), s = e.getPointAtLength(e.getTotalLength()); return r.y < s.y })"""
    assert browser.run(downwards)
    browser.run("document.querySelector('[role=button]').focus()")
    for kind in ("keyDown", "keyUp"):
        browser.send("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13)
    assert browser.run("document.querySelectorAll('.outline').length") == 1 and _lie_apart(browser)
    inside = """(o => [...document.querySelectorAll('.node')].filter(e => {
        const p = e.transform.baseVal.consolidate().matrix;
        return p.e > o.x && p.e < o.x + o.width && p.f > o.y && p.f < o.y + o.height }).length)(
        document.querySelector('.outline').getBBox())"""
    assert browser.run(inside) >= 5


def test_d3write_of_thousands_of_nodes_leaves_places_to_graphviz(tmp_path):
    pytest.importorskip("pydot")
    start = time.monotonic()
    theano.d3viz.d3write(deep(900), str(tmp_path / "graph.dot"))
    assert time.monotonic() - start < 30
    text = (tmp_path / "graph.dot").read_text()
    assert text.count("node_type=apply") > 900 and "pos=" not in text


def test_browser_wraps_what_is_wide(browser, show):
    x = T.dvector("x")
    show([T.exp(x + i) * x for i in range(1000)])
    assert browser.run("document.body.dataset.layout") == "simple" and _lie_apart(browser)
    width, height = browser.run("(r => [r.width, r.height])(document.querySelector('#picture > g').getBBox())")
    assert width < 12 * height


def test_browser_shows_no_note_for_small_graphs(browser, show):
    show(training())
    assert browser.run("document.body.dataset.layout") == "dagre"
    assert not browser.run("document.getElementById('note').checkVisibility()")


def _lie_apart(browser):
    """Whether no two shapes lie on each other, in the coordinates of the picture."""
    boxes = browser.run("""[...document.querySelectorAll('.node')].map(e => {
        const p = e.transform.baseVal.consolidate().matrix, r = e.querySelector('.shape');
        const w = +r.getAttribute('width'), h = +r.getAttribute('height');
        return [p.f - h / 2, p.f + h / 2, p.e - w / 2, p.e + w / 2] })""")
    boxes.sort()
    under_way = []
    for top, bottom, left, right in boxes:
        under_way = [box for box in under_way if box[1] > top + 1e-6]
        if any(left < box[3] - 1e-6 and box[2] < right - 1e-6 for box in under_way):
            return False
        under_way.append((top, bottom, left, right))
    return True
