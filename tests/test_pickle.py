"""Pickles and deep copies of functions, shared variables, graphs and modes."""

import copy
import gzip
import io
import logging
import os
import pickle
import sys
import threading

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano import In, function, shared

x, y = T.dscalars("x", "y")


def round_trip(obj, protocol=-1):
    return pickle.loads(pickle.dumps(obj, protocol))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_function(protocol):
    s = shared(np.float64(1), name="s")
    f = function([x, In(y, value=2.0)], [x + s + y], updates=[(s, s + 1)], name="f")
    f(1)
    g = round_trip(f, protocol)
    assert [g(1), g(1), f(1)] == [[5], [6], [5]]
    assert g.name == "f" and g["y"] == 2 and g.trust_input is False


def test_function_keeps_the_form_of_its_result():
    assert round_trip(function([x], x * 2))(3) == 6
    assert round_trip(function([x], [x * 2]))(3) == [6]
    assert round_trip(function([x], {"a": x}))(3) == {"a": 3}


def test_function_keeps_its_rewritten_graph():
    f = function([x], T.exp(x) * 2 + 1)
    g = round_trip(f)
    assert [str(n.op) for n in g.maker.fgraph.toposort()] == [str(n.op) for n in f.maker.fgraph.toposort()]


def test_function_and_its_shared_variable_stay_together():
    s = shared(1.0)
    f = function([], s, updates=[(s, s + 1)])
    g, t = round_trip((f, s))
    g()
    assert t.get_value() == 2 and s.get_value() == 1
    t.set_value(10.0)
    assert g() == 10


def test_deepcopy_of_a_function():
    s = shared(1.0)
    f = function([x], x + s, updates=[(s, s + x)])
    g = copy.deepcopy(f)
    f(1)
    assert f(0) == 2 and g(0) == 1 and s.get_value() == 2


def test_after_updates_on_the_device():
    s = shared(np.zeros(3))
    f = function([], s, updates=[(s, s + 1)])
    f()
    f()
    assert round_trip(s).get_value().tolist() == [2, 2, 2]
    assert copy.deepcopy(s).get_value().tolist() == [2, 2, 2]
    assert round_trip(f)().tolist() == [2, 2, 2]


def test_aliased_inputs_are_reported(caplog):
    a = np.ones(3)
    s, t = shared(a, borrow=True), shared(a, borrow=True)
    f = function([], s + t)
    with caplog.at_level(logging.WARNING, logger="theano.compile.function_module"):
        pickle.dumps(f)
    assert "aliased relationship" in caplog.text
    f.pickle_aliased_memory_strategy = "raise"
    with pytest.raises(theano.compile.function_module.AliasedMemoryError):
        pickle.dumps(f)


def test_functions_may_be_left_out():
    data = pickle.dumps(function([x], x))
    with theano.change_flags(unpickle_function=False):
        assert pickle.loads(data) is None


def test_reoptimize():
    data = pickle.dumps(function([x], T.exp(x) * 2, mode=theano.Mode("py", None)))
    with theano.change_flags(reoptimize_unpickled_function=True):
        assert pickle.loads(data)(0) == 2


def test_mode():
    mode = theano.Mode("py", "fast_compile").excluding("fusion")
    again = round_trip(mode)
    assert "fusion" in again.provided_optimizer.exclude and type(again.linker) is type(mode.linker)
    for special in (theano.compile.DebugMode(), theano.compile.nanguardmode.NanGuardMode(True, False, False)):
        assert type(round_trip(special)) is type(special)


def test_expression_with_inputs():
    z = T.exp(x) + y
    z2, x2, y2 = round_trip((z, x, y))
    np.testing.assert_allclose(function([x2, y2], z2)(1.0, 2.0), np.e + 2)


class Model:
    """As in many programs: parameters, expressions and a function in one object."""

    def __init__(self):
        self.W = shared(np.ones((3, 2)), name="W")
        self.x = T.dmatrix("x")
        self.y = T.dot(self.x, self.W)
        self.predict = function([self.x], self.y)


def test_model_object():
    model = Model()
    model.W.set_value(np.full((3, 2), 2.0))
    other = round_trip(model)
    assert (other.predict(np.ones((1, 3))) == 6).all()
    other.W.set_value(np.zeros((3, 2)))
    assert (other.predict(np.ones((1, 3))) == 0).all() and (model.predict(np.ones((1, 3))) == 6).all()
    assert (function([other.x], other.y * 2)(np.ones((1, 3))) == 0).all()


def test_function_dump(tmp_path):
    path = str(tmp_path / "dump.pkl")
    s = shared(2.0)
    theano.function_dump(path, [x], x * s, updates=[(s, s + 1)], name="f")
    with open(path, "rb") as file:
        f = function(**pickle.load(file))
    assert [f(3), f(3), f.name, s.get_value()] == [6, 9, "f", 2]


# ---- states as Theano itself pickled them


def made_by_theano(f, swap=None):
    """The maker of `f` as Theano's pickle of it is read: a plain dict, with the state of a graph of Theano's."""
    maker = f.maker
    state = {
        k: getattr(maker, k)
        for k in (
            "inputs",
            "outputs",
            "mode",
            "accept_inplace",
            "profile",
            "on_unused_input",
            "output_keys",
            "unpack_single",
            "return_none",
        )
    }
    graph_state = dict(vars(maker.fgraph))
    del graph_state["_order"]
    graph = object.__new__(theano.gof.FunctionGraph)
    if swap is not None:
        for node in graph_state["apply_nodes"]:
            swap(node)
    graph.__setstate__(graph_state)
    twin = object.__new__(type(maker))
    twin.__setstate__(dict(state, fgraph=graph, indices=[], required=[]))
    return twin


def test_function_that_theano_pickled():
    s = shared(np.ones(3))
    v = T.dvector("v")
    maker = made_by_theano(function([v], (v * s).sum(), updates=[(s, s + v)]))
    f = maker.create([None, s])
    assert f(np.arange(3.0)) == 3 and f(np.arange(3.0)) == 8
    assert f.maker.fgraph is maker.fgraph


def test_pooling_that_theano_pickled_when_the_sizes_were_the_ops():
    from theano.tensor.signal.pool import Pool, pool_2d

    z = T.dtensor4("z")
    f = function([z], T.grad(pool_2d(z, (2, 2), ignore_border=True).sum(), z))

    def as_then(node):
        if hasattr(node.op, "ignore_border"):
            op = object.__new__(type(node.op))
            state = {"ds": (2, 2), "st": (2, 2), "padding": (0, 0), "ignore_border": True}
            op.__setstate__(dict(state, mode="max") if isinstance(op, Pool) else state)
            node.op = op
            del node.inputs[-3:]

    value = np.random.RandomState(0).normal(size=(1, 1, 5, 4))
    want = f(value)
    twin = made_by_theano(f, as_then).create()
    np.testing.assert_array_equal(twin(value), want)


GOLDEN = os.path.join(os.path.dirname(__file__), "golden")


@pytest.mark.parametrize("backend", ["1_0", "0_9"])
def test_what_theano_pickled_on_a_gpu_loads_and_trains_without_one(backend):
    from theano.misc.pkl_utils import CompatUnpickler

    with gzip.open(os.path.join(GOLDEN, "pickled_on_a_gpu_%s.pkl.gz" % backend)) as file:
        old = CompatUnpickler(file).load()
    W = np.arange(6, dtype="float32").reshape(2, 3)
    assert type(old["value"]) is np.ndarray and old["constant"].ndim == 2
    np.testing.assert_array_equal(old["value"], W)
    np.testing.assert_array_equal(function([], old["constant"] + 1)(), W + 1)
    v, out = old["graph"]
    w, b = old["params"]
    assert isinstance(w, theano.compile.SharedVariable) and str(old["constant"]).endswith(
        "Constant{[[0. 1. 2...3. 4. 5.]]}"
    )
    cost = T.sqr(out).sum() / 2
    updates = [(p, p - np.float32(0.1) * g) for p, g in zip([w, b], T.grad(cost, [w, b]))]
    for mode in ("FAST_RUN", "FAST_COMPILE"):
        w.set_value(W)
        b.set_value(np.ones(3, "float32"))
        step = function([v], out, updates=updates, mode=mode)
        np.testing.assert_array_equal(step(np.ones((1, 2), "float32")), [[4, 6, 8]])
        np.testing.assert_allclose(w.get_value(), W - np.float32([0.4, 0.6, 0.8]), rtol=1e-6)
        np.testing.assert_allclose(b.get_value(), [0.6, 0.4, 0.2], rtol=1e-6)
    again = round_trip([w, b])
    np.testing.assert_array_equal(again[0].get_value(), w.get_value())
    found = theano.clone(out, {w: T.zeros_like(w)}).eval({v: np.ones((1, 2), "float32")})
    np.testing.assert_array_equal(found, [again[1].get_value()])
    assert theano.shared(W).type == T.fmatrix and not theano.gpuarray.dnn.dnn_available()  # all else is as before


def test_archive_that_theano_wrote_on_a_gpu():
    from theano.misc import pkl_utils

    with open(os.path.join(GOLDEN, "pickled_on_a_gpu.zip"), "rb") as file:
        w, b = pkl_utils.load(file)
    np.testing.assert_array_equal(function([], w + b)(), np.arange(6).reshape(2, 3) + 1)


def test_op_of_the_old_gpu_back_end_that_has_no_form():
    from theano.misc.pkl_utils import CompatUnpickler

    pickled = b"ctheano.sandbox.cuda.%s\n%s\n."
    assert CompatUnpickler(io.BytesIO(pickled % (b"basic_ops", b"GpuElemwise"))).load() is T.elemwise.Elemwise
    with pytest.raises(pickle.UnpicklingError, match="theano.sandbox.cuda.dnn.GpuDnnPoolDesc, .* has no form here"):
        CompatUnpickler(io.BytesIO(pickled % (b"dnn", b"GpuDnnPoolDesc"))).load()


def test_what_an_older_version_pickled():
    with gzip.open(os.path.join(GOLDEN, "pickled_by_0_1_0.pkl.gz")) as file:
        old = pickle.load(file)
    w = old["w"].get_value()
    state = np.ones(3)
    for _ in range(2):
        state = np.tanh(state + w)
    total, last = old["f"](np.ones(3))
    np.testing.assert_allclose(total, np.tanh(w + 1).sum())
    np.testing.assert_allclose(last, state)
    np.testing.assert_array_equal(old["w"].get_value(), w * 2)
    again = round_trip(old)
    np.testing.assert_allclose(function([again["x"]], again["r"][-1])(np.ones(3)), old["f"](np.ones(3))[1])


# ---- graphs that are deeper than Python's stack

DEPTH = 5000
w = shared(np.linspace(0.5, 1, 3), name="w")


def deep(depth=DEPTH, start=None):
    v = T.dvector("v") if start is None else start
    result = v
    for _ in range(depth):
        result = T.tanh(result)
    return v, result


def nested_tanh(value, depth=DEPTH):
    for _ in range(depth):
        value = np.tanh(value)
    return value


def by_python(obj):
    """What the pickler written in Python, which programs derive from, makes of `obj`."""
    file = io.BytesIO()
    pickle._Pickler(file, 2).dump(obj)
    return pickle._Unpickler(io.BytesIO(file.getvalue())).load()


COPIES = {
    "protocol 0": lambda obj: round_trip(obj, 0),
    "protocol 2": lambda obj: round_trip(obj, 2),
    "highest": round_trip,
    "python": by_python,
    "deepcopy": copy.deepcopy,
}


@pytest.fixture
def recursion_limit():
    """What is copied here neither needs another limit nor leaves one."""
    before = sys.getrecursionlimit()
    assert before <= DEPTH
    yield
    assert sys.getrecursionlimit() == before


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_deep_variables_and_graphs(copied, recursion_limit):
    v, out = deep()
    out2, v2, middle2 = copied([out, v, out.owner.inputs[0]])
    assert out2.owner.inputs[0] is middle2 and out2.owner.outputs[0] is out2 and out2 is not out
    steps = 0
    while out2.owner is not None:
        assert out2.owner.op == T.tanh and out2.index == 0
        out2, steps = out2.owner.inputs[0], steps + 1
    assert out2 is v2 and v2.name == "v" and steps == DEPTH
    graph = copied(theano.gof.FunctionGraph([v], [out]))
    assert len(graph.apply_nodes) == DEPTH and graph.toposort()[0].inputs == graph.inputs
    assert graph.outputs[0].clients == [("output", 0)] and graph.inputs[0].clients == [(graph.toposort()[0], 0)]


@pytest.mark.parametrize("copied", [COPIES["protocol 2"], COPIES["highest"], COPIES["deepcopy"]])
def test_deep_functions_with_updates(copied, recursion_limit):
    s = shared(np.ones(3), name="s")
    v, out = deep()
    f = function([v], out + s, updates=[(s, s + out)], mode="FAST_COMPILE")
    f2, s2 = copied([f, s])
    start = np.array([1.0, -2.0, 3.0])
    want = nested_tanh(start)
    np.testing.assert_allclose(f2(start), 1 + want)
    np.testing.assert_allclose(s2.get_value(), 1 + want)
    np.testing.assert_array_equal(s.get_value(), np.ones(3))


@pytest.mark.parametrize("copied", [COPIES["protocol 2"], COPIES["highest"], COPIES["deepcopy"]])
def test_a_loop_with_a_large_body(copied, recursion_limit):
    depth = 1500

    def step(h):
        for _ in range(depth):
            h = T.tanh(h * w)
        return h

    h = T.dvector("h")
    states, _ = theano.scan(step, outputs_info=h, n_steps=2)
    f = function([h], states[-1], mode="FAST_COMPILE")
    value = np.ones(3)
    want = value
    for _ in range(2 * depth):
        want = np.tanh(want * w.get_value())
    np.testing.assert_allclose(copied(f)(value), want)
    assert len(copied(states).owner.inputs) == len(states.owner.inputs)


def test_the_size_of_a_pickle_grows_with_the_graph():
    sizes = [len(pickle.dumps(deep(n)[1], 2)) for n in (1000, 2000)]
    assert sizes[1] < 2.1 * sizes[0]


def test_what_is_shared_stays_shared():
    a = x + y
    b, c = T.exp(a), T.log(a)
    d = b * c
    d.tag.other = b  # a reference back into what is being pickled
    for objects in ([d, b, c, a, x], [x, a, c, b, d], {"d": d, "b": b, "a": a, "node": a.owner}):
        again = round_trip(objects)
        values = again.values() if isinstance(again, dict) else again
        d2 = next(v for v in values if getattr(getattr(v, "owner", None), "op", None) == T.mul)
        b2, c2 = d2.owner.inputs
        assert d2.tag.other is b2 and b2.owner.inputs[0] is c2.owner.inputs[0]
        if isinstance(again, dict):
            assert again["node"] is again["a"].owner and again["b"] is b2
        else:
            assert {id(v) for v in values} >= {id(v) for v in (d2, b2, c2, b2.owner.inputs[0])}


def test_a_pickle_has_the_graph_as_it_is_then():
    v, out = deep(3)
    file = io.BytesIO()
    pickler = pickle.Pickler(file, 2)  # which remembers what it has seen, for as long as it lives
    pickler.dump(out)
    out.name = "later"
    out.owner.inputs[0] = v
    assert round_trip(out).name == "later" and round_trip(out).owner.inputs[0].owner is None
    pickler.dump(out)  # it is the same object for this one
    reader = pickle.Unpickler(io.BytesIO(file.getvalue()))
    assert reader.load() is reader.load()


def test_copy_of_a_node_is_another_node():
    node = (x + y).owner
    twin = copy.copy(node)
    assert twin is not node and type(twin) is type(node) and twin.inputs == node.inputs and twin.op is node.op


class Own(theano.gof.Variable):
    """A variable that says itself how it is pickled."""

    def __reduce__(self):
        return Own, (self.type, None, None, "own")


def test_a_class_with_a_reduce_of_its_own_is_asked():
    own = Own(T.dscalar)
    theano.gof.Apply(T.exp, [x], [own])
    assert round_trip(own).name == "own" and round_trip(T.log(own)).owner.inputs[0].name == "own"


def test_several_threads_pickle_one_graph():
    _, out = deep(300)
    want, found = round_trip(out), []
    threads = [threading.Thread(target=lambda: found.extend(round_trip(out) for _ in range(10))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 40
    assert all(len(theano.gof.graph.ancestors([v])) == len(theano.gof.graph.ancestors([want])) for v in found)
