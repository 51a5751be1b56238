"""f.export: files of StableHLO that jax alone loads and runs, at any length of a batch where the graph allows it."""

import os
import subprocess
import sys

import numpy as np
import pytest

import jax
import jax.export
import jax.numpy as jnp

import theano
import theano.tensor as T
import theanojax
from theano.tensor.signal.pool import pool_2d
from theanojax.interop import NeedsHost

rng = np.random.RandomState(0)
X, Y = rng.randn(5, 4), np.array([0, 1, 2, 1, 0])


@pytest.fixture
def file(tmp_path):
    pytest.importorskip("flatbuffers")
    return tmp_path / "f.shlo"


def perceptron():
    x, y = T.dmatrix("x"), T.lvector("y")
    w, b = theano.shared(rng.randn(4, 3), "w"), theano.shared(np.zeros(3), "b")
    p = T.nnet.softmax(T.dot(T.tanh(x), w) + b)
    return x, y, w, b, p, T.nnet.categorical_crossentropy(p, y).mean()


def close(found, want, rtol=1e-12):
    found, want = jax.tree.leaves(found), jax.tree.leaves(want)
    assert len(found) == len(want)
    for a, b in zip(found, want):
        assert np.asarray(a).dtype == np.asarray(b).dtype and np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-12)


def test_it_runs_without_us(file):
    x, y, w, b, p, cost = perceptron()
    f = theano.function([x, y], [p, cost])
    f.export(file, X, Y)
    X2, Y2 = rng.randn(7, 4), np.array([0, 1, 2, 1, 0, 2, 2])
    np.savez(file.parent / "data.npz", x=X2, y=Y2)
    code = """
import sys, jax, jax.export, numpy as np
jax.config.update("jax_enable_x64", True)
data = np.load("data.npz")
exported = jax.export.deserialize(bytearray(open("f.shlo", "rb").read()))
assert exported.platforms == ("cpu", "cuda", "tpu")
p, cost = exported.call(data["x"], data["y"])
assert "theanojax" not in sys.modules and "theano" not in sys.modules
np.savez("found.npz", p=p, cost=cost)
"""
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=file.parent, env={**os.environ, "JAX_PLATFORMS": "cpu"}
    )
    found = np.load(file.parent / "found.npz")
    close([found["p"], found["cost"]], f(X2, Y2))


def _images():
    x = T.dtensor4("x")
    kernels = theano.shared(rng.randn(2, 1, 3, 3))
    return [x], pool_2d(T.nnet.relu(T.nnet.conv2d(x, kernels)), (2, 2), ignore_border=True).flatten(2)


def _states():
    x = T.dtensor3("x")
    u = theano.shared(rng.randn(3, 3) / 2)
    states, _ = theano.scan(lambda row, h: T.tanh(row + T.dot(h, u)), x.dimshuffle(1, 0, 2), T.zeros((x.shape[0], 3)))
    return [x], states[-1]


def _shapes():
    x = T.dmatrix("x")
    rows = T.zeros((x.shape[0], 2)) + x[:, :2]
    outs = [rows, x.reshape((x.shape[0] * 2, 2)), x.reshape((x.shape[0], -1)).sum(), x.mean(axis=0), x[::-1]]
    outs += [x.reshape((x.shape[0], 4, 1)) * 2, x.reshape((1, x.shape[0], 2, 2)), x.reshape(x.shape[::-1])]
    outs += [T.concatenate([T.stack([x.shape[0]]), lengths]) for lengths in (x.shape, np.array([0.5, 2]))]
    return [x], [
        *outs,
        x.shape + x.shape,
        x.shape * 2,
        x.shape - np.array([1, 4]),
        T.stack([x.shape[0], 1]) * x.shape[0],
    ]


def _parts():
    x = T.dmatrix("x")
    picked = x[T.arange(x.shape[0]), T.zeros((x.shape[0],), "int64")]
    outs = [picked, T.eye(x.shape[0]), T.triu(x), x / x.shape[0], x[-1], x[1:], x[::2], x[1:3, ::-1], x[:-1], x[-2:]]
    outs += [x.argmax(axis=0), T.sort(x, axis=0), T.argsort(x, axis=0), x.take([0, -1], axis=0), T.cumsum(x, axis=0)]
    outs += [T.inc_subtensor(x[1:], 1.0), T.set_subtensor(x[0], x[-1]), T.grad(T.sqr(x[1:]).sum(), x), x * T.arange(4)]
    return [x], [*outs, T.extra_ops.to_one_hot(x.argmax(axis=1), 4), T.fft.rfft(x)]


ANY_LENGTH = {
    "images": (_images, [(3, 1, 8, 8)]),
    "states": (_states, [(3, 5, 3)]),
    "shapes": (_shapes, [(5, 4)]),
    "parts": (_parts, [(5, 4)]),
}


@pytest.mark.parametrize("name", ANY_LENGTH)
def test_any_length(name, file):
    build, shapes = ANY_LENGTH[name]
    inputs, outs = build()
    f = theano.function(inputs, outs)
    f.export(file, *[jax.ShapeDtypeStruct(s, "float64") for s in shapes], batch=True)
    g = theanojax.load_exported(file)
    assert "batch" in repr(g)
    for n in (1, 2, 6):
        values = [rng.randn(n, *s[1:]) for s in shapes]
        close(g(*values), f(*values), 1e-9)


def test_a_training_step(file):
    x, y, w, b, p, cost = perceptron()
    f = theano.function([x, y], cost, updates=[(v, v - 0.1 * g) for v, g in zip((w, b), T.grad(cost, [w, b]))])
    with pytest.raises(ValueError, match="the function updates w, b: export it with shared='arguments'"):
        f.export(None, X, Y)
    f.export(file, X, Y, batch=True, shared="arguments")
    step, values = theanojax.load_exported(file), f.to_jax().values()
    for n in (5, 3):
        loss, values = step(values, X[:n], Y[:n])
        close(loss, f(X[:n], Y[:n]))
    close(values, {"w": w.get_value(), "b": b.get_value()})


def test_shared_variables_as_arguments():
    x, y, w, b, p, cost = perceptron()
    f = theano.function([x], p)
    constant, free = f.export(None, X), f.export(None, X, shared="arguments")
    close(constant(X), f(X))
    values = f.to_jax().values()
    w.set_value(w.get_value() * 2)
    close(free({**values, "w": w.get_value()}, X), f(X))
    with pytest.raises(AssertionError):
        close(constant(X), f(X))


def test_a_batch_that_is_not_the_first_dimension(file):
    x, y = T.dtensor3("x"), T.dmatrix("y")
    u = theano.shared(rng.randn(3, 3) / 2)
    start = T.zeros((x.shape[1], 3))
    states, _ = theano.scan(lambda row, h: T.tanh(row + T.dot(h, u)), x, start)  # the steps are the rows
    f = theano.function([x, y], [states[-1] * y, states])
    values = rng.randn(4, 5, 3), rng.randn(5, 3)
    assert "batch" not in repr(f.export(None, *values))
    f.export(file, *values, batch=[(x, 1), y])
    g = theanojax.load_exported(file)
    assert "float64[4,batch,3], float64[batch,3]" in repr(g)
    for n in (1, 2, 7):
        values = rng.randn(4, n, 3), rng.randn(n, 3)
        close(g(*values), f(*values), 1e-9)
    assert "float64[batch,3]" in repr(theano.function([y], y * 2).export(None, values[1], batch=y))
    with pytest.raises(ValueError, match="no form for any length of its inputs"):
        f.export(None, *values, batch=[x])
    with pytest.raises(ValueError, match="batch has z, which is no input of the function"):
        f.export(None, *values, batch=[T.dmatrix("z")])
    with pytest.raises(ValueError, match="batch has dimension 2 of y, which is"):
        f.export(None, *values, batch=[(y, 2)])
    with pytest.raises(
        TypeError, match=r"batch is True, False or a list of inputs, or of pairs \(input, dimension\): 1"
    ):
        f.export(None, *values, batch=1)


def test_lengths_that_cannot_be_free():
    x = T.dmatrix("x")
    rows, _ = theano.scan(lambda row, h: T.tanh(row + h), x, T.zeros(4))
    f = theano.function([x], rows[-1])
    g = f.export(None, X)
    assert "batch" not in repr(g)
    close(g(X), f(X))
    with pytest.raises(ValueError, match="no form for any length of its inputs") as found:
        f.export(None, X, batch=True)
    assert "JAX was tracing Subtensor" in "".join(getattr(found.value.__cause__, "__notes__", []))
    h = theano.function([x], x * 2)
    assert "batch" not in repr(h.export(None, X, batch=False)) and "batch" in repr(h.export(None, X))


def test_forms_of_arguments():
    v, k, row = T.dvector("v"), T.lscalar("k"), T.drow("row")
    f = theano.function([v, k], {"a": v * k, "b": v.sum()})
    g = f.export()
    close(g(np.ones(3), 2), f(np.ones(3), 2))
    a, b = T.dvectors("a", "b")
    two = theano.function([a, b], [a * 2, b + 1]).export(None, np.ones(2), np.ones(3))
    assert "batch1" in repr(two)
    close(two(np.ones(4), np.ones(5)), [np.full(4, 2.0), np.full(5, 2.0)])
    one = theano.function([row], row * 2).export(None, np.ones((1, 3)))
    close(one(np.ones((1, 3))), np.full((1, 3), 2.0))
    assert theano.function([], T.constant(2.0) * 1).export()().shape == ()
    for first in (np.ones(3), 3):
        with pytest.raises(TypeError, match="is the path of a file, or None .* examples come after it"):
            f.export(first, 1)
    with pytest.raises(TypeError, match="give export an example of each input"):
        theano.function([T.dmatrix("m")], T.constant(1.0), on_unused_input="ignore").export()
    with pytest.raises(TypeError, match="1 examples were given for 2 inputs"):
        f.export(None, np.ones(3))
    with pytest.raises(TypeError, match="does not fit"):
        f.export(None, np.ones((3, 2)), 1)
    with pytest.raises(ValueError, match="'constants' or 'arguments'"):
        f.export(None, np.ones(3), 1, shared="other")


def test_derivatives(file):
    x, y, w, b, p, cost = perceptron()
    f = theano.function([x, y], cost)
    f.export(file, X, Y, derivatives=1)
    g = theanojax.load_exported(file)
    close(jax.grad(g)(jnp.asarray(X), Y), theano.function([x, y], T.grad(cost, x))(X, Y), 1e-9)


def test_platforms():
    x = T.dmatrix("x")
    for platforms in (("cpu",), ("cuda", "tpu"), "cpu"):
        g = theano.function([x], T.dot(x, x.T)).export(None, X, platforms=platforms)
        assert g.exported.platforms == (("cpu",) if platforms == "cpu" else platforms)
    factor = theano.function([x], T.slinalg.cholesky(T.dot(x.T, x) + T.eye(4)))
    g = factor.export(None, X)
    assert g.exported.platforms == ("cpu", "cuda", "tpu")
    close(g(X), factor(X), 1e-9)


def test_what_needs_the_host():
    class Python(theano.Op):
        def make_node(self, x):
            return theano.Apply(self, [x], [x.type()])

        def perform(self, node, inputs, output_storage):
            output_storage[0][0] = inputs[0] + 1

    x, n = T.dmatrix("x"), T.lscalar("n")
    with pytest.raises(NeedsHost, match="Python.*can only run on the host"):
        theano.function([x], Python()(x)).export(None, X)
    with pytest.raises(NeedsHost, match="has to know the value of n"):
        theano.function([n], T.arange(n)).export()
    with pytest.raises(NeedsHost, match="takes arrays"):
        theano.function([], T.shared_randomstreams.RandomStreams(1).uniform((2,))).export()


@pytest.mark.parametrize("written", [b"", b"import theano\n", bytes(99)])
def test_other_files(file, written):
    with open(file, "wb") as other:
        other.write(written)
    with pytest.raises(ValueError, match="is no file that export has written"):
        theanojax.load_exported(file)
