"""theano.checkpoint: the same numbers, with less memory."""

import pickle

import numpy as np
import pytest

import jax

import theano
import theano.tensor as T
import theanojax
from theanojax.compile.checkpoint import Checkpoint

MODES = {"xla": None, "host": theano.Mode("py"), "fast_compile": "FAST_COMPILE"}


@pytest.fixture(params=MODES)
def mode(request):
    return MODES[request.param]


def block(h, *weights):
    for w in weights:
        h = T.tanh(T.dot(h, w)) * T.nnet.sigmoid(h)
    return h


def network(wrap, blocks=6, layers=4, n=16):
    rng = np.random.RandomState(0)
    weights = [[theano.shared(rng.randn(n, n) / 4) for _ in range(layers)] for _ in range(blocks)]
    x = T.dmatrix("x")
    h = x
    for ws in weights:
        h = wrap(block)(h, *ws)
    cost = (h**2).mean()
    return x, cost, [w for ws in weights for w in ws]


def test_values_and_gradients(mode):
    X = np.random.RandomState(1).randn(5, 16)
    found = []
    for wrap in (lambda f: f, theano.checkpoint):
        x, cost, weights = network(wrap, 2, 2)
        g = T.grad(cost, [x, *weights])
        second = T.grad(sum((v**2).sum() for v in g[:2]), [x, weights[0]])
        rop = T.Rop(cost, x, T.cos(x))
        found.append(theano.function([x], [cost, *g, *second, rop], mode=mode)(X))
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-13)


def most_memory(f):
    return max(step.lower().compile().memory.temp_size_in_bytes for step in f.fn.traced)


def test_memory():
    X = np.random.RandomState(1).randn(4000, 16)
    used = []
    for wrap in (lambda f: f, theano.checkpoint):
        x, cost, weights = network(wrap)
        f = theano.function([x], [cost, *T.grad(cost, weights)])
        f(X)
        assert f.fn.executor.compilations == 1
        used.append(most_memory(f))
    assert used[1] < 0.4 * used[0], used


def test_outputs_in_place_of_a_function(mode):
    x, w = T.dvector("x"), theano.shared(np.arange(3.0))
    between = T.exp(x * w)
    plain = [T.tanh(between) * x, between.sum()]
    kept = theano.checkpoint(plain, [between])
    whole = theano.checkpoint(plain[1])
    assert isinstance(kept, list) and all(isinstance(v.owner.op, Checkpoint) for v in [*kept, whole])
    assert theano.checkpoint(plain[0], between).owner.inputs[0] is between
    f = theano.function(
        [x], [*kept, whole, T.grad(kept[0].sum() + whole, x), T.grad(plain[0].sum() + plain[1], x)], mode=mode
    )
    a, b, c, d, e = f(np.ones(3) / 2)
    np.testing.assert_allclose(d, e)
    np.testing.assert_allclose(b, c)


def test_what_a_function_uses_besides(mode):
    x, y, w = T.dvector("x"), T.dvector("y"), theano.shared(np.arange(3.0), "w")
    scale = theano.checkpoint(lambda v, power, shift: (v * y + shift) ** power)
    scaled = scale(x, shift=w, power=3)
    assert scaled.owner.inputs[:2] == scale(x, 3, w).owner.inputs[:2] == [x, w]
    g = T.grad(scaled.sum(), [x, y, w])
    want = T.grad(((x * y + w) ** 3).sum(), [x, y, w])
    f = theano.function([x, y], [*g, *want], updates=[(w, w + 1)], mode=mode)
    for _ in range(2):
        out = f(np.ones(3), np.arange(3.0))
        for a, b in zip(out[:3], out[3:]):
            np.testing.assert_allclose(a, b)


def test_in_loops_and_of_loops(mode):
    x = T.dmatrix("x")
    step = theano.checkpoint(lambda row, h: T.tanh(row + T.sin(h)))
    states, _ = theano.scan(step, x, T.zeros(3))
    plain, _ = theano.scan(lambda row, h: T.tanh(row + T.sin(h)), x, T.zeros(3))
    around = theano.checkpoint(lambda x: theano.scan(lambda row, h: T.tanh(row + T.sin(h)), x, T.zeros(3))[0])(x)
    grads = [T.grad((v**2).sum(), x) for v in (states, plain, around)]
    a, b, c = theano.function([x], grads, mode=mode)(np.random.RandomState(2).randn(4, 3))
    np.testing.assert_allclose(a, b)
    np.testing.assert_allclose(c, b)


def test_indices_are_checked_inside(mode):
    x, i = T.dvector("x"), T.lscalar("i")
    taken = theano.checkpoint(lambda x, i: T.exp(x)[i] ** 2)(x, i)
    f = theano.function([x, i], [taken, T.grad(taken, x)], mode=mode)
    assert f(np.zeros(3), -1)[1].tolist() == [0, 0, 2]
    with pytest.raises(IndexError):
        f(np.zeros(3), 3)


def test_sizes_inside(mode):
    x, n = T.dvector("x"), T.lscalar("n")
    out = theano.checkpoint(lambda x, n: (T.arange(n) * x.sum()).reshape((n, 1)).repeat(x.shape[0], axis=1) * x)(x, n)
    f = theano.function([x, n], T.grad(out.sum(), x), mode=mode)
    g = theano.function([x, n], T.grad((T.arange(n).sum() * x.sum() * x).sum(), x), mode=mode)
    for k in (2, 3):
        np.testing.assert_allclose(f(np.arange(4.0), k), g(np.arange(4.0), k))


def test_some_inputs_have_no_gradient():
    x, k = T.dvector("x"), T.lvector("k")
    a, b = theano.checkpoint(lambda x, k: [x * k, k + 1])(x, k)
    assert theano.function([x, k], T.grad(a.sum(), x))(np.ones(2), [2, 3]).tolist() == [2, 3]
    assert theano.function([x, k], T.grad(a.sum() + b.sum(), x))(np.ones(2), [2, 3]).tolist() == [2, 3]
    with pytest.raises(theano.gradient.DisconnectedInputError):
        T.grad(b.sum().astype("float64"), x)


def test_random_draws_are_the_same_again():
    stream = theano.sandbox.rng_mrg.MRG_RandomStreams(3)
    x = T.dvector("x")
    noise = stream.uniform((3,))
    out = theano.checkpoint(lambda x: x * x * noise)(x)
    f = theano.function([x], [noise, T.grad(out.sum(), x)])
    for _ in range(2):
        drawn, slope = f(np.ones(3))
        np.testing.assert_allclose(slope, 2 * drawn)


def test_copies_and_other_forms():
    x = T.dvector("x")
    out = theano.checkpoint(block_of_one)(x)
    f = theano.function([x], T.grad(out.sum(), x))
    X = np.arange(3.0)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(f))(X), f(X))
    np.testing.assert_allclose(jax.jit(f.to_jax())(X), f(X))
    np.testing.assert_allclose(jax.grad(theanojax.to_jax(out.sum(), [x]))(X), f(X))
    xs = T.dmatrix("xs")
    many = theano.vectorize(T.grad(out.sum(), x), x, xs)
    np.testing.assert_allclose(theano.function([xs], many)(np.stack([X, X]))[1], f(X))
    assert "block_of_one" in str(out.owner.op)


def block_of_one(x):
    return T.tanh(x * 2)


def test_mistakes():
    x = T.dvector("x")
    with pytest.raises(TypeError, match="checkpoint takes a function, a variable or a list of variables"):
        theano.checkpoint(3)
    with pytest.raises(TypeError, match="the inputs of a function are its arguments"):
        theano.checkpoint(lambda x: x, [x])
    with pytest.raises(TypeError, match="the inputs of a checkpoint are variables, where it begins, not "):
        theano.checkpoint(x * 2, [x, 3])
    for wrong in (None, [x, 2.0]):
        with pytest.raises(TypeError, match="checkpoint takes a function of variables that returns such, not "):
            theano.checkpoint(lambda x, wrong=wrong: wrong)(x)
