"""Graphs as JAX functions and JAX functions as Ops."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest

import jax
import jax.numpy as jnp

import theano
import theano.tensor as T
import theanojax
from tests.features import run_all
from theanojax.compile.function_object import Function
from theanojax.interop import JaxFunction, NeedsHost


def close(found, want, rtol=1e-9):
    found, want = jax.tree.leaves(found), jax.tree.leaves(want)
    assert len(found) == len(want)
    for a, b in zip(found, want):
        assert np.shape(a) == np.shape(b) and np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=1e-12)


@pytest.fixture
def perceptron():
    rng = np.random.RandomState(1)
    x, y = T.dmatrix("x"), T.lvector("y")
    w, b = theano.shared(rng.randn(4, 3), "w"), theano.shared(np.zeros(3), "b")
    p = T.nnet.softmax(T.tanh(T.dot(x, w) + b))
    cost = T.nnet.categorical_crossentropy(p, y).mean()
    return x, y, w, b, cost, rng.randn(5, 4), np.array([0, 2, 1, 1, 0])


# ---------------------------------------------------------------- to_jax
def test_a_training_step_is_a_pure_function(perceptron):
    x, y, w, b, cost, X, Y = perceptron
    train = theano.function([x, y], cost, updates=[(v, v - 0.5 * g) for v, g in zip([w, b], T.grad(cost, [w, b]))])
    step = train.to_jax()
    values = step.values()
    assert list(values) == ["w", "b"] and all(isinstance(v, jax.Array) for v in values.values())
    jitted = jax.jit(step)
    for _ in range(3):
        loss, values = jitted(values, X, Y)
        close(loss, train(X, Y))
    close(values, {"w": w.get_value(), "b": b.get_value()})
    loss, values = step(values, X, Y)
    step.set_values(values)
    close(w.get_value(), values["w"])


def test_gradients_are_those_of_theano(perceptron):
    x, y, w, b, cost, X, Y = perceptron
    loss = theanojax.to_jax(cost, [x, y])
    found = jax.jit(jax.grad(lambda v, x: loss(v, x, Y)))(loss.values(), X)
    want = theano.function([x, y], T.grad(cost, [w, b]))(X, Y)
    close([found["w"], found["b"]], want)
    dx = jax.grad(lambda x: loss(loss.values(), x, Y))(jnp.asarray(X))
    close(dx, theano.function([x, y], T.grad(cost, x))(X, Y))
    close(
        jax.hessian(lambda x: loss(loss.values(), x, Y))(jnp.asarray(X)).reshape(20, 20),
        jax.jacfwd(theanojax.to_jax(T.grad(cost, x), [x, y]), argnums=1)(loss.values(), jnp.asarray(X), Y).reshape(
            20, 20
        ),
    )


def test_vmap_is_a_loop(perceptron):
    x, y, w, b, cost, X, Y = perceptron
    f = theano.function([x, y], T.grad(cost, x))
    many = np.stack([X, 2 * X, -X])
    g = f.to_jax()
    close(jax.vmap(g, in_axes=(None, 0, None))(g.values(), many, Y), np.stack([f(m, Y) for m in many]))


def test_loops():
    x, h, u = T.dmatrix("x"), T.dvector("h"), theano.shared(np.eye(3) / 2, "u")
    states, _ = theano.scan(lambda x, h: T.tanh(x + T.dot(h, u)), sequences=x, outputs_info=h)
    cost = (states**2).sum()
    f = theano.function([x, h], [cost, T.grad(cost, u)])
    X, H = np.random.RandomState(2).randn(6, 3), np.ones(3)
    g = f.to_jax()
    close(jax.jit(g)(g.values(), X, H), f(X, H))
    loss = theanojax.to_jax(cost, [x, h])
    close(jax.grad(loss)(loss.values(), jnp.asarray(X), jnp.asarray(H)), {"u": f(X, H)[1]})


def _truncated(x, w):
    return theano.scan(lambda x, h: T.tanh(x + w * h), x, T.zeros(3), truncate_gradient=2)[0]


def _overridden(x, w):
    op = theano.OpFromGraph([x, w], [x * w], inline=True, grad_overrides=lambda inputs, grads: [grads[0], grads[0][0]])
    return op(x, w)


STOPPED = {
    "clip": lambda x, w: theano.gradient.grad_clip(x * w, -0.1, 0.3),
    "scale": lambda x, w: theano.gradient.grad_scale(w, 3) * x,
    "scale_by_a_variable": lambda x, w: theano.gradient.grad_scale(w, x[0]) * x,
    "zero": lambda x, w: theano.gradient.zero_grad(w) * w * x,
    "disconnected": lambda x, w: theano.gradient.disconnected_grad(w) * w * x,
    "in_a_loop": lambda x, w: theano.scan(
        lambda x, h: theano.gradient.grad_clip(T.tanh(x + w * h), -0.1, 0.1), x, T.zeros(3)
    )[0],
}


@pytest.mark.parametrize("name", STOPPED)
def test_gradients_heed_what_the_graph_says_of_them(name):
    x, w = T.dmatrix("x"), theano.shared(np.arange(1.0, 4), "w")
    X = np.random.RandomState(5).randn(4, 3)
    cost = (STOPPED[name](x, w) ** 2).sum()
    loss = theanojax.to_jax(cost, [x])
    want = theano.function([x], T.grad(cost, w))(X)
    for values in (jax.grad(loss)(loss.values(), X), jax.jit(jax.grad(jax.checkpoint(loss)))(loss.values(), X)):
        close(values["w"], want)
    close(pickle.loads(pickle.dumps(loss))(loss.values(), X), theano.function([x], cost)(X))
    compiled = theano.function([x], cost).to_jax()
    with pytest.raises(NeedsHost, match="do not heed %s" % ("grad_clip" if "loop" in name else "%s|grad_" % name)):
        jax.grad(compiled)(compiled.values(), X)
    close(jax.jit(compiled)(compiled.values(), X), loss(loss.values(), X))


def test_what_the_graph_says_in_updates_and_givens():
    x, y, s = T.dvector("x"), T.dvector("y"), theano.shared(np.ones(2), "s")
    clipped = theano.gradient.grad_clip(x**2, -0.5, 0.5)
    step = theanojax.to_jax(x.sum(), [x], updates=[(s, clipped)])
    close(jax.grad(lambda x: step(step.values(), x)[1]["s"].sum())(np.ones(2)), np.ones(2))
    step = theano.function([x], x.sum(), updates=[(s, clipped)]).to_jax()
    with pytest.raises(NeedsHost, match="do not heed grad_clip"):
        jax.grad(lambda x: step(step.values(), x)[1]["s"].sum())(np.ones(2))
    with pytest.raises(NeedsHost, match="do not heed grad_clip"):
        jax.grad(theanojax.to_jax(y.sum(), [x], givens={y: clipped}))(np.ones(2))
    sparse = theano.shared(theano.sparse.scipy.sparse.csr_matrix(np.eye(2)), "m")
    with pytest.raises(NeedsHost, match="takes arrays"):
        theanojax.to_jax(clipped, [x], updates=[(sparse, sparse * 2)])
    with pytest.raises(NeedsHost, match="do not heed grad_clip"):
        jax.grad(theanojax.to_jax(clipped.sum(), [theano.In(x)]))(np.ones(2))
    m = T.dmatrix("m")
    clipped_rows = theano.scan(lambda r: theano.scan(lambda v: theano.gradient.grad_clip(v**2, -1, 1), r)[0].sum(), m)[
        0
    ]
    loss = theanojax.to_jax(clipped_rows.sum(), [m])
    close(loss(np.ones((2, 3))), np.asarray(6.0))
    with pytest.raises(NeedsHost, match="do not heed grad_clip"):
        jax.grad(loss)(np.ones((2, 3)))
    between = x * 3
    close(theanojax.to_jax(theano.gradient.grad_clip(between, -1, 1), [between])(np.ones(2)), np.ones(2))


def test_gradients_that_cannot_heed_the_graph_are_refused():
    x, w = T.dmatrix("x"), theano.shared(np.arange(1.0, 4), "w")
    X = np.ones((4, 3))
    for make, what in ((_truncated, "truncate_gradient"), (_overridden, "the overrides of an OpFromGraph")):
        cost = (make(x, w) ** 2).sum()
        loss, f = theanojax.to_jax(cost, [x]), theano.function([x], [cost, T.grad(cost, w)])
        for derive in (jax.grad(loss), jax.jit(jax.grad(loss)), jax.grad(jax.jit(loss)), jax.jacfwd(loss)):
            with pytest.raises(NeedsHost, match="do not heed " + what):
                derive(loss.values(), X)
        both = f.to_jax()
        close(jax.jit(both)(both.values(), X), f(X))
        many = np.stack([X, 2 * X])
        close(jax.vmap(loss, (None, 0))(loss.values(), many), np.stack([f(X)[0], f(2 * X)[0]]))


def test_forms_of_arguments_and_results():
    x, k = T.dvector("x"), T.lscalar("k")
    assert theanojax.to_jax(x * 2).inputs == [x]
    close(theanojax.to_jax([x * 2], [x])([1.0, 2]), [np.array([2.0, 4])])
    named = theano.function([x], {"twice": 2 * x, "sum": x.sum()}).to_jax()
    close(named(np.ones(2)), {"twice": np.full(2, 2.0), "sum": np.asarray(2.0)})
    s, anonymous = theano.shared(1.0), theano.shared(np.ones(2))
    counting = theano.function([], updates=[(s, s + 1)], givens={}).to_jax()
    assert counting.values().keys() == {"shared0"}
    result, values = counting(counting.values())
    assert result is None or result == []
    close(values, {"shared0": np.asarray(2.0)})
    a, b = theano.shared(1.0, "w"), theano.shared(2.0, "w")
    close(theanojax.to_jax(a - b, []).values(), {"w": np.asarray(1.0), "w_": np.asarray(2.0)})
    close(theanojax.to_jax({"twice": 2 * x})(np.ones(2)), {"twice": np.full(2, 2.0)})
    for outputs in (lambda x: x, "x", [x, 2]):
        with pytest.raises(TypeError, match="to_jax takes a compiled function, a variable or a list of variables, not"):
            theanojax.to_jax(outputs)
    with pytest.raises(TypeError, match=r"a value for each of \['shared0'\]"):
        theanojax.to_jax(anonymous * x, [x])(np.ones(2))
    with pytest.raises(TypeError, match="takes 2 arguments, 1 were given"):
        theanojax.to_jax(x * k, [x, k])(np.ones(2))
    with pytest.raises(TypeError, match=r"^the JAX function \(values, x\) takes 2 arguments, 1 were given$"):
        theanojax.to_jax(s * x, [x])({"shared0": 1.0})
    with pytest.raises(TypeError, match="from_jax takes a function of JAX arrays"):
        theanojax.from_jax(x)
    with pytest.raises(TypeError, match="Wrong number of dimensions: expected 1, got 2"):
        theanojax.to_jax(x * 2, [x])(jnp.ones((2, 2)))
    with pytest.raises(TypeError, match="int32, and was given an array of dtype float64"):
        theanojax.to_jax(T.ivector("i") * 2)(jnp.ones(2))
    with pytest.raises(TypeError, match="Non-unit value"):
        theanojax.to_jax(T.drow("r") * 2)(jnp.ones((2, 2)))
    with pytest.raises(TypeError, match="has its inputs"):
        theanojax.to_jax(theano.function([x], x), [x])


def test_numbers_that_jit_traces():
    i, f, u = T.lscalar("i"), T.fscalar("f"), T.scalar("u", dtype="uint8")
    close(
        jax.jit(theanojax.to_jax([i * 2, f * 2, u + u], [i, f, u]))(3, 2, 4), [np.int64(6), np.float32(4), np.uint8(8)]
    )
    for v, value in ((i, 2.5), (u, 2.5), (f, 1j), (T.dscalar("d"), 1j), (T.scalar("b", dtype="bool"), 2)):
        with pytest.raises(TypeError, match="was given an array of dtype"):
            jax.jit(theanojax.to_jax(v * 1))(value)


def test_whole_numbers_are_known():
    x, k = T.dvector("x"), T.lscalar("k")
    f = theanojax.to_jax(T.arange(k) * x.sum(), [x, k])
    want = np.arange(3) * 2.0
    close(f(np.ones(2), 3), want)
    close(f(np.ones(2), jnp.asarray(3)), want)
    close(jax.jit(f, static_argnums=1)(np.ones(2), 3), want)
    with pytest.raises(NeedsHost, match="has to know the value of k"):
        jax.jit(f)(np.ones(2), 3)


def test_what_only_the_host_can_run_says_so():
    class Python(theano.Op):
        def make_node(self, x):
            return theano.Apply(self, [x], [x.type()])

        def perform(self, node, inputs, output_storage):
            output_storage[0][0] = inputs[0] + 1

    x = T.dvector("x")
    with pytest.raises(NeedsHost, match="Python.*can only run on the host"):
        theanojax.to_jax(Python()(x) * 2)(np.ones(2))
    with pytest.raises(NeedsHost, match="a function of JAX takes arrays"):
        theano.function([], T.shared_randomstreams.RandomStreams(1).uniform((2,))).to_jax()
    with pytest.raises(NeedsHost, match="takes arrays"):
        theanojax.to_jax(theano.sparse.csr_matrix("m").toarray())


def test_errors_are_those_of_theano():
    x, i = T.dvector("x"), T.lscalar("i")
    read = theanojax.to_jax(x[i], [x, i])
    with pytest.raises(IndexError):
        read(np.ones(2), 2)
    close(jax.jit(read)(np.arange(2.0), -1), np.asarray(1.0))
    close(jax.vmap(read, in_axes=(None, 0))(np.arange(2.0), np.array([1, 0, -2])), np.array([1.0, 0, 0]))
    close(jax.grad(read)(jnp.arange(2.0), 1), np.array([0.0, 1]))
    with pytest.raises(jax.errors.JaxRuntimeError, match="an index is out of bounds"):
        jax.block_until_ready(jax.jit(read)(np.ones(2), 2))
    unchecked = theanojax.to_jax(x[i], [x, i], check=False)
    assert "callback" not in str(jax.make_jaxpr(unchecked)(np.ones(2), 0))
    close(jax.jit(unchecked)(np.arange(2.0), 5), np.asarray(1.0))
    both = theanojax.to_jax(x + T.dvector("z"))
    with pytest.raises(ValueError, match="mis-match"):
        both(np.ones(2), np.ones(3))
    with pytest.raises((TypeError, ValueError)):
        jax.jit(both)(np.ones(2), np.ones(3))


def test_random_streams_of_mrg():
    stream = theano.sandbox.rng_mrg.MRG_RandomStreams(3)
    f = theano.function([], stream.uniform((2, 3)))
    g = f.to_jax()
    values = g.values()
    for _ in range(3):
        drawn, values = jax.jit(g)(values)
        close(drawn, f())


def test_prints_go_on(capfd):
    x = T.dvector("x")
    f = theanojax.to_jax(theano.printing.Print("seen")(x) * 2)
    jax.block_until_ready(jax.jit(f)(np.ones(2)))
    jax.effects_barrier()
    assert "seen" in capfd.readouterr().out


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_all_programs_that_have_a_form(monkeypatch, tmp_path):
    """Each call that a program of tests/features makes is made by its JAX function, jitted, as well."""
    call, twins, seen, without = Function.__call__, {}, [], []

    def both(self, *args, **kwargs):
        wanted = None
        if not twins.setdefault(self, []) and not kwargs and hasattr(getattr(self.fn, "executor", None), "fallbacks"):
            try:
                twin = self.to_jax()
                twins[self].append(twin)
                wanted = jax.jit(twin)(*([twin.values()] if twin.shared else []), *args)
            except Exception as error:
                without.append("%s: %s" % (type(error).__name__, str(error)[-200:]))
        found = call(self, *args, **kwargs)
        if wanted is not None:
            wanted, new = wanted if twin._updated else (wanted, {})
            close([np.asarray(v) for v in jax.tree.leaves(found)], wanted, rtol=1e-5)
            for name in twin._updated:
                close(np.asarray(twin._containers[name].value), new[name], rtol=1e-5)
            seen.append(self)
        return found

    monkeypatch.setattr(Function, "__call__", both)
    run_all(tmp_path)
    assert len(seen) > 90 and without, (len(seen), without)


# ---------------------------------------------------------------- from_jax
@theanojax.from_jax
def layer(x, params, scale=2.0):
    return {"out": jnp.sin(x) @ params["w"] * scale, "norm": (x**2).sum()}


@pytest.mark.parametrize("mode", [None, "FAST_COMPILE", theano.Mode("py")], ids=["xla", "fast_compile", "host"])
def test_a_function_of_pytrees_is_an_op(mode):
    x, w = T.dmatrix("x"), theano.shared(np.arange(1.0, 4), "w")
    found = layer(x, {"w": w})
    assert found.keys() == {"out", "norm"} and found["out"].ndim == 1 and found["norm"].ndim == 0
    cost = (found["out"] ** 2).sum() + found["norm"]
    X = np.random.RandomState(3).randn(2, 3)

    def loss(x, w):
        return ((jnp.sin(x) @ w * 2) ** 2).sum() + (x**2).sum()

    f = theano.function([x], [cost, *T.grad(cost, [x, w]), found["out"].shape[0]], mode=mode)
    dx, dw = jax.grad(loss, argnums=(0, 1))(X, w.get_value())
    close(f(X), [loss(X, w.get_value()), dx, dw, np.asarray(2)])
    second = theano.function([x], T.grad((T.grad(cost, x) ** 2).sum(), x), mode=mode)
    close(second(X), jax.grad(lambda x: (jax.grad(loss)(x, w.get_value()) ** 2).sum())(X))
    v = T.dmatrix("v")
    rop = theano.function([x, v], T.Rop(cost, x, v), mode=mode)
    close(rop(X, 2 * X), jax.jvp(lambda x: loss(x, w.get_value()), (jnp.asarray(X),), (jnp.asarray(2 * X),))[1])


def test_in_loops_and_branches():
    x, w, c = T.dmatrix("x"), theano.shared(np.arange(1.0, 4), "w"), T.bscalar("c")
    rows, _ = theano.scan(lambda row: layer(row[None], {"w": w})["out"][0], sequences=x)
    cost = theano.ifelse.ifelse(c, (rows**2).sum(), layer(x, {"w": w}, scale=3.0)["out"].sum())
    f = theano.function([x, c], [cost, T.grad(cost, x)])
    X = np.random.RandomState(4).randn(2, 3)
    for flag, loss in (
        (1, lambda x: ((jnp.sin(x) @ w.get_value() * 2) ** 2).sum()),
        (0, lambda x: (jnp.sin(x) @ w.get_value() * 3).sum()),
    ):
        close(f(X, flag), [loss(X), jax.grad(loss)(jnp.asarray(X))])


def test_types_and_lengths():
    x, i = T.dmatrix("x"), T.lvector("i")
    assert theanojax.from_jax(lambda x: x.sum(0, keepdims=True))(x).broadcastable == (True, False)
    assert theanojax.from_jax(lambda x: x > 0)(x).dtype == "bool"
    padded = theanojax.from_jax(lambda x: jnp.pad(x, 1), name="pad")(x)
    assert str(padded.owner.op) == "jax{pad}"
    shape = theano.function([x], padded.shape)
    assert list(shape(np.ones((2, 5)))) == [4, 7]
    assert not any("pad}" in str(n.op) for n in shape.maker.fgraph.toposort() if "Lengths" not in str(n.op))
    halves = theanojax.from_jax(lambda x: x.reshape(2, -1), types=T.dmatrix)
    close(theano.function([x], halves(x))(np.ones((4, 2))), np.ones((2, 4)))
    with pytest.raises(TypeError, match="give from_jax the `types`"):
        theanojax.from_jax(lambda x: x.reshape(5, -1))(x)
    taken = theanojax.from_jax(lambda x, i: x[i])(x, i)
    cost = (taken**2).sum()
    X = np.arange(6.0).reshape(3, 2)
    dx, di = theano.function([x, i], [T.grad(cost, x), T.grad(cost, i)])(X, [0, 0])
    assert dx.tolist() == [[0, 4], [0, 0], [0, 0]] and di.tolist() == [0, 0]


def test_equal_calls_are_merged():
    x = T.dvector("x")
    sine = theanojax.from_jax(jnp.sin)
    f = theano.function([x], sine(x) + sine(x))
    assert len([n for n in f.maker.fgraph.toposort() if "jax{" in str(n.op)]) == 1


class Comparing:
    """Equal to nobody, and it says so element by element."""

    def __init__(self, factor):
        self.factor = factor

    def __eq__(self, other):
        return np.ones(3) == 1

    def __call__(self, x):
        return x * self.factor


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Weights:
    w: object
    factor: object = dataclasses.field(metadata={"static": True})


@pytest.mark.parametrize("mode", [None, theano.Mode("py")], ids=["xla", "host"])
def test_calls_that_only_look_equal_are_not_merged(mode):
    x = T.dvector("x")
    kind = theanojax.from_jax(lambda x, k: x * {bool: 1, int: 10, float: 100}[type(k)])
    of_kinds = [kind(x, True), kind(x, 1), kind(x, 1.0)]
    close(theano.function([x], of_kinds, mode=mode)(np.ones(2)), [np.full(2, v) for v in (1.0, 10.0, 100.0)])
    over = theanojax.from_jax(lambda x, k: x / k)
    signs = [over(x, 0.0), over(x, -0.0), over(x, np.float32(-0.0))]
    close(theano.function([x], signs, mode=mode)(np.ones(1)), [np.array([v]) for v in (np.inf, -np.inf, -np.inf)])
    of_trees = theanojax.from_jax(lambda tree: tree.w * {int: 1, float: 10, list: 100}[type(tree.factor)])
    trees = [of_trees(Weights(x, factor)) for factor in (1, 1.0, [1])]
    close(theano.function([x], trees, mode=mode)(np.ones(1)), [np.array([v]) for v in (1.0, 10.0, 100.0)])
    of_objects = theanojax.from_jax(lambda x, k: x * k.factor)
    objects = [of_objects(x, Comparing(k)) for k in (2.0, 3.0)]
    close(theano.function([x], objects, mode=mode)(np.ones(1)), [np.array([2.0]), np.array([3.0])])
    called = [theanojax.from_jax(function)(x) for function in (Comparing(2.0), Comparing(3.0))]
    close(theano.function([x], called, mode=mode)(np.ones(1)), [np.array([2.0]), np.array([3.0])])


def test_copies_of_a_function():
    x = T.dvector("x")
    f = theano.function([x], T.grad(theanojax.from_jax(jax.nn.gelu)(x).sum(), x))
    for g in (copy.deepcopy(f), pickle.loads(pickle.dumps(f)), f.copy()):
        close(g(np.ones(2)), f(np.ones(2)))


def test_keys_and_other_constants():
    x = T.dvector("x")
    noisy = theanojax.from_jax(lambda key, x: x + jax.random.normal(key, x.shape))
    want = 1 + jax.random.normal(jax.random.key(2), (3,), dtype="float64")
    for key in (jax.random.key(2), jax.random.PRNGKey(2)):  # the lengths of the latter are known
        close(theano.function([x], noisy(key, x), allow_input_downcast=True)(np.ones(3)), want)
    tail = theanojax.from_jax(lambda x, c: x.sum() * c.reshape(2, 2))(x, np.arange(4.0))
    close(theano.function([x], tail)(np.ones(2)), 2 * np.arange(4.0).reshape(2, 2))
    halves = theanojax.from_jax(lambda x, c: x * c.astype(x.dtype))(x, jnp.ones((), "bfloat16"))
    close(theano.function([x], halves)(np.ones(2)), np.ones(2))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", [None, theano.Mode("py")], ids=["xla", "host"])
def test_types_are_held_to(mode):
    x, m = T.dvector("x"), T.dmatrix("m")
    five = theanojax.from_jax(lambda x: {"a": x.reshape(5, -1), "b": x.sum()}, types={"a": T.dmatrix, "b": T.dscalar})
    found = five(x)  # JAX cannot be asked, so the form is that of the types
    assert found.keys() == {"a", "b"} and found["b"].ndim == 0
    f = theano.function([x], [found["a"], T.grad(found["b"] + (found["a"] ** 2).sum(), x)], mode=mode)
    close(f(np.ones(10)), [np.ones((5, 2)), np.full(10, 3.0)])
    for function, v, value, types in (
        (lambda x: x.sum(), x, np.ones(3), T.dvector),
        (lambda x: x > 1, x, np.ones(3), T.dvector),
        (lambda m: m * 2, m, np.ones((2, 2)), T.drow),
        (lambda m: m.reshape(5, -1)[0, 0], m, np.ones((5, 1)), [T.dscalar, T.dscalar]),
        (lambda m: jnp.squeeze(m), m, np.ones((3, 1)), None),
        (lambda m: m[:1] if m.shape[0] > 5 else m, m, np.ones((3, 1)), None),
    ):
        out = theanojax.from_jax(function, types=types)(v)
        with pytest.raises(TypeError, match="returned"):
            theano.function([v], out, mode=mode)(value)
    with pytest.raises(TypeError, match="returns 2 arrays, and has 1 types"):
        theanojax.from_jax(lambda x: (x, x), types=T.dvector)(x)


def test_test_values_are_computed():
    with theano.config.change_flags(compute_test_value="raise"):
        x = T.dvector("x")
        x.tag.test_value = np.ones(2)
        assert theanojax.from_jax(jnp.sin)(x).tag.test_value.shape == (2,)


def test_there_and_back():
    x, w = T.dvector("x"), theano.shared(np.arange(3.0), "w")
    there = theanojax.to_jax(T.exp(x) * w, [x])
    back = theanojax.from_jax(there)({"w": w}, x)
    f = theano.function([x], [back, T.grad(back.sum(), w)])
    close(f(np.ones(3)), [np.e * np.arange(3.0), np.full(3, np.e)])
    assert isinstance(there, JaxFunction)


def test_float32_and_constants():
    x = T.fvector("x")
    y = theanojax.from_jax(lambda x, c, power: (x * c) ** power)(x, np.float32([2, 3]), power=2)
    assert y.dtype == "float32"
    close(theano.function([x], [y, T.grad(y.sum(), x)])(np.float32([1, 1])), [np.float32([4, 9]), np.float32([8, 18])])
