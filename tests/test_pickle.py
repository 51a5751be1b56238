"""Pickles and deep copies of functions, shared variables, graphs and modes."""

import copy
import logging
import pickle

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
    state = {k: getattr(maker, k) for k in ("inputs", "outputs", "mode", "accept_inplace", "profile", "on_unused_input",
                                            "output_keys", "unpack_single", "return_none")}
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
