"""theanojax.random: the draws are jax.random's, number for number, wherever they are made."""

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import jax
import jax.numpy as jnp

import theano
import theano.tensor as T
import theanojax
import theanojax.random as R
from theanojax.loop.scan_op import Scan

MODES = {"xla": None, "host": theano.Mode("py")}


@pytest.fixture(params=MODES)
def mode(request):
    return MODES[request.param]


def run(outs, mode, inputs=(), values=()):
    return theano.function(list(inputs), outs, mode=mode)(*values)


KEY = jax.random.key(7)
SAME = {  # what is drawn, and how jax.random draws it
    "uniform": (lambda k: R.uniform(k, (2, 3)), lambda k: jax.random.uniform(k, (2, 3), "float64")),
    "normal": (lambda k: R.normal(k, (2, 3)), lambda k: jax.random.normal(k, (2, 3), "float64")),
    "float32": (lambda k: R.normal(k, 4, dtype="float32"), lambda k: jax.random.normal(k, (4,), "float32")),
    "no shape": (lambda k: R.uniform(k), lambda k: jax.random.uniform(k, (), "float64")),
    "exponential": (lambda k: R.exponential(k, (4,)), lambda k: jax.random.exponential(k, (4,), "float64")),
    "laplace": (lambda k: R.laplace(k, [4]), lambda k: jax.random.laplace(k, (4,), "float64")),
    "logistic": (lambda k: R.logistic(k, (4,)), lambda k: jax.random.logistic(k, (4,), "float64")),
    "gumbel": (lambda k: R.gumbel(k, (4,)), lambda k: jax.random.gumbel(k, (4,), "float64")),
    "cauchy": (lambda k: R.cauchy(k, (4,)), lambda k: jax.random.cauchy(k, (4,), "float64")),
    "truncated": (
        lambda k: R.truncated_normal(k, -1.0, 2.0, (4,)),
        lambda k: jax.random.truncated_normal(k, -1.0, 2.0, (4,), "float64"),
    ),
    "bernoulli": (lambda k: R.bernoulli(k, (9,), 0.3), lambda k: jax.random.bernoulli(k, 0.3, (9,))),
    "binomial": (
        lambda k: R.binomial(k, (9,), 10, 0.3),
        lambda k: jax.random.binomial(k, 10.0, 0.3, (9,)).astype("int64"),
    ),
    "integers": (lambda k: R.integers(k, (9,), -2, 5), lambda k: jax.random.randint(k, (9,), -2, 5, "int64")),
    "poisson": (lambda k: R.poisson(k, (9,), 3.0), lambda k: jax.random.poisson(k, 3.0, (9,)).astype("int64")),
    "gamma": (lambda k: R.gamma(k, (4,), 2.0), lambda k: jax.random.gamma(k, 2.0, (4,), "float64")),
    "beta": (lambda k: R.beta(k, (4,), 2.0, 3.0), lambda k: jax.random.beta(k, 2.0, 3.0, (4,), "float64")),
    "categorical": (
        lambda k: R.categorical(k, np.log([[0.2, 0.8], [0.5, 0.5]])),
        lambda k: jax.random.categorical(k, jnp.log(jnp.array([[0.2, 0.8], [0.5, 0.5]]))),
    ),
    "choice": (lambda k: R.choice(k, (3,), 9, replace=False), lambda k: jax.random.choice(k, 9, (3,), replace=False)),
    "choice of chances": (
        lambda k: R.choice(k, (5,), np.array([1.5, 2.5]), p=np.array([0.1, 0.9])),
        lambda k: jax.random.choice(k, jnp.array([1.5, 2.5]), (5,), p=jnp.array([0.1, 0.9])),
    ),
    "permutation": (lambda k: R.permutation(k, 7), lambda k: jax.random.permutation(k, 7)),
    "permutation of columns": (
        lambda k: R.permutation(k, np.arange(12.0).reshape(3, 4), axis=1),
        lambda k: jax.random.permutation(k, jnp.arange(12.0).reshape(3, 4), 1),
    ),
    "split": (lambda k: R.split(k, 3), lambda k: jax.random.key_data(jax.random.split(k, 3))),
    "split in two dimensions": (
        lambda k: R.split(k, (2, 3)),
        lambda k: jax.random.key_data(jax.random.split(k, (2, 3))),
    ),
    "fold_in": (lambda k: R.fold_in(k, 5), lambda k: jax.random.key_data(jax.random.fold_in(k, 5))),
}


@pytest.mark.parametrize("name", SAME)
def test_draws_are_those_of_jax(name, mode):
    ours, theirs = SAME[name]
    k = T.TensorType("uint32", (False,))("k")
    out = ours(k)
    found, shape = run([out, out.shape], mode, [k], [np.asarray(jax.random.key_data(KEY))])
    want = np.asarray(theirs(KEY))
    assert found.dtype == want.dtype == out.dtype and tuple(shape) == want.shape
    np.testing.assert_array_equal(found, want)
    np.testing.assert_array_equal(run(ours(R.key(7)), mode), want)


def test_places_and_scales(mode):
    a, s = T.dvector("a"), T.dmatrix("s")
    out = R.normal(R.key(7), None, a, s)
    A, S = np.arange(3.0), np.ones((2, 3)) * 2
    plain = np.asarray(jax.random.normal(KEY, (2, 3), "float64"))
    found, da, ds = run([out, *T.grad(out.sum(), [a, s])], mode, [a, s], [A, S])
    np.testing.assert_allclose(found, A + S * plain)
    np.testing.assert_allclose(da, [2, 2, 2])
    np.testing.assert_allclose(ds, plain)
    low = run(R.uniform(R.key(7), (4,), -1, 3), mode)
    np.testing.assert_allclose(low, jax.random.uniform(KEY, (4,), "float64", -1, 3))
    with pytest.raises(theano.gradient.NullTypeGradError, match="no gradient through a random draw"):
        T.grad(R.gamma(R.key(1), (2,), a[0]).sum(), a)
    assert R.normal(R.key(1), (2,), T.fscalar(), dtype=None).dtype == theano.config.floatX


def test_sizes_that_are_variables(mode):
    n, v = T.lscalar("n"), T.lvector("v")
    outs = [R.uniform(R.key(7), (n, 2)), R.uniform(R.key(7), v, ndim=2), R.uniform(R.key(7), n)]
    assert [o.ndim for o in outs] == [2, 2, 1]
    a, b, c = run(outs, mode, [n, v], [3, [3, 2]])
    np.testing.assert_array_equal(a, jax.random.uniform(KEY, (3, 2), "float64"))
    np.testing.assert_array_equal(b, a)
    assert c.shape == (3,) and R.uniform(R.key(7), (1, n)).broadcastable == (True, False)
    with pytest.raises(ValueError, match="negative dimensions"):
        run(outs[0], mode, [n], [-1])


def test_sizes_and_numbers_of_elements_are_whole():
    k = R.key(1)
    for size in (2.5, (2, 2.5), T.dscalar("n") * 2, np.ones(2), (T.lscalar("n") / 2,)):
        with pytest.raises(TypeError, match="size is of dtype float64, and has to be of integers"):
            R.uniform(k, size)
    for size in (np.array([2, 3]), [np.int32(2), 3], T.constant([2, 3])):
        assert R.uniform(k, size).eval().shape == (2, 3)
    for draw in (lambda: R.permutation(k, 2.5), lambda: R.choice(k, (2,), T.dscalar("a"))):
        with pytest.raises(TypeError, match="a number of elements is of dtype float.., and has to be of integers"):
            draw()


def test_streams(mode):
    stream = R.RandomStream(5)
    u, z = stream.uniform((2,)), stream.normal((3,), avg=1.0)
    f = theano.function([], [u, z], mode=mode)
    keys = [jax.random.fold_in(jax.random.key(5), i) for i in range(2)]
    for _ in range(3):
        now = []
        for i in range(2):
            keys[i], k = jax.random.split(keys[i])
            now.append(k)
        a, b = f()
        np.testing.assert_array_equal(a, jax.random.uniform(now[0], (2,), "float64"))
        np.testing.assert_allclose(b, 1 + np.asarray(jax.random.normal(now[1], (3,), "float64")))
        np.testing.assert_array_equal(u.rng.get_value(), jax.random.key_data(keys[0]))
    stream.seed(5)
    first = f()
    again = R.RandomStream(jax.random.key(5))
    np.testing.assert_array_equal(theano.function([], again.uniform((2,)), mode=mode)(), first[0])
    assert [state.name for state, _ in stream.updates()] == ["key0", "key1"]
    fixed = theano.function([], u, no_default_updates=True, mode=mode)
    np.testing.assert_array_equal(fixed(), fixed())
    stream.seed()
    assert not np.array_equal(f()[0], first[0])
    parts = R.RandomStream(5).split(3)
    want = jax.random.key_data(jax.random.split(jax.random.key(5), 3))
    np.testing.assert_array_equal([p.key for p in parts], want)


def test_every_draw_is_a_method():
    stream = R.RandomStream(1)
    for name in R.__all__:
        if name not in ("RandomStream", "key", "split", "fold_in"):
            method = getattr(stream, name)
            assert "key" not in method.__doc__ and method.__doc__
    assert stream.choice((2,), 5, replace=False).ndim == 1
    assert stream.permutation(5).eval().shape == (5,)
    with pytest.raises(ValueError, match="has to be a number or a vector"):
        stream.choice((2,), np.ones((2, 2)))


def test_keys():
    for same in (3, jax.random.key(3), jax.random.PRNGKey(3), np.array([0, 3], "uint32"), np.int64(3)):
        assert R.key(same).data.tolist() == [0, 3]
    for wrong in (1.5, np.zeros(3, "uint32"), jax.random.key(1, impl="rbg")):
        with pytest.raises(TypeError, match="key"):
            R.key(wrong)
    with pytest.raises(TypeError, match="a key is a vector of two numbers of dtype uint32, such as"):
        R.uniform(T.lvector())
    assert R.uniform(jax.random.key(3), (2,)).eval().tolist() == R.uniform(R.key(3), (2,)).eval().tolist()


def test_in_loops(mode):
    stream = R.RandomStream(2)
    xs, updates = theano.scan(lambda x: x * 0.5 + stream.normal(()), outputs_info=np.float64(0), n_steps=3)
    f = theano.function([], xs, updates=updates, mode=mode)
    key, x, want = jax.random.fold_in(jax.random.key(2), 0), 0.0, []
    for _ in range(6):
        key, now = jax.random.split(key)
        want.append(float(jax.random.normal(now, (), "float64")))
    for half in (want[:3], want[3:]):
        x, wanted = 0.0, []
        for draw in half:
            x = x * 0.5 + draw
            wanted.append(x)
        np.testing.assert_allclose(f(), wanted)
    if mode is None:
        assert any(isinstance(n.op, Scan) for n in f.maker.fgraph.toposort())


def test_keys_are_arguments_of_jax_functions():
    stream = R.RandomStream(3)
    f = theano.function([], stream.normal((2,)))
    g = jax.jit(f.to_jax())
    values = f.to_jax().values()
    assert list(values) == ["key0"]
    for _ in range(2):
        drawn, values = g(values)
        np.testing.assert_array_equal(drawn, f())
    k = T.TensorType("uint32", (False,))("k")
    of_key = theanojax.to_jax(R.normal(k, (3,)), [k])
    want = jax.random.normal(KEY, (3,), "float64")
    for call in (of_key, jax.jit(of_key)):
        np.testing.assert_array_equal(call(KEY), want)
    many = jax.random.split(KEY, 4)
    drawn = jax.vmap(of_key)(many)
    np.testing.assert_array_equal(drawn, jax.vmap(lambda k: jax.random.normal(k, (3,), "float64"))(many))


def test_equal_draws_are_made_once():
    k = T.TensorType("uint32", (False,))("k")
    f = theano.function([k], R.uniform(k, (2,)) + R.uniform(k, (2,)))
    assert sum("jax.random" in str(n.op) for n in f.maker.fgraph.toposort()) == 1


def test_copies():
    stream = R.RandomStream(4)
    f = theano.function([], stream.uniform((2,)))
    g, h = copy.deepcopy(f), pickle.loads(pickle.dumps(f))
    first = f()
    np.testing.assert_array_equal(g(), first)
    np.testing.assert_array_equal(h(), first)


def test_several_devices_draw_the_same():
    code = """
import jax, numpy as np, theanojax, theano.tensor as T, theanojax.random as R
k = T.TensorType("uint32", (False,))("k")
draw = theanojax.to_jax(R.normal(k, (8, 4)), [k])
one = draw(jax.random.key(1))
mesh = jax.make_mesh((4,), ("rows",))
rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("rows"))
four = jax.jit(draw, out_shardings=rows)(jax.random.key(1))
assert len(four.sharding.device_set) == 4 and np.array_equal(one, four)
"""
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **flags})


def test_rows():
    keys, k = T.TensorType("uint32", (False, False))("keys"), T.TensorType("uint32", (False,))("k")
    many = theano.vectorize(R.normal(k, (2,)), k, keys)
    given = jax.random.split(KEY, 3)
    found = theano.function([keys], many)(np.asarray(jax.random.key_data(given)))
    np.testing.assert_array_equal(found, jax.vmap(lambda k: jax.random.normal(k, (2,), "float64"))(given))
