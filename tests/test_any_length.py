"""One program in C serves all lengths of an argument, or there is none; functions go over to it by themselves."""

import threading

import numpy as np
import pytest

import jax
import jax.numpy as jnp
from jax import lax

import theanojax as theano
import theanojax.tensor as T
from theanojax.config import change_flags, config
from theanojax.runtime.executor import XlaExecutor
from theanojax.runtime.in_c.any_length import check_alike, fitted, of_any_length
from theanojax.runtime.in_c.flat import NotInC
from theanojax.runtime.in_c.module import compiled
from theanojax.runtime.xla.any_length import LEAST, lengths, longest, places_of_length

pytestmark = pytest.mark.skipif(not config.cxx, reason="no C++ compiler")

W = np.random.RandomState(1).normal(size=(5, 4))


def rows_by_data(x):
    return jnp.abs(x[:, 0] * 10).astype(int) % x.shape[0]


# functions of a matrix of any number of rows
SERVED = {
    "softmax": lambda x: jax.nn.softmax(x @ W),
    "means": lambda x: (x.mean(), x.mean(0), x.mean(1), x.var(0), x.std(0, ddof=1)),
    "sums": lambda x: (jnp.cumsum(x, 0), (x > 0).all(0), (x * 10).astype(int).sum(0)),
    "parts": lambda x: (x[1:], x[:-1] * 2, x[1:] - x[:-1], x[::-1] * x, x[x.shape[0] - 1]),
    "joined": lambda x: (jnp.concatenate([x, 2 * x, W.T[:2]]), jnp.pad(x, ((1, 2), (0, 0))), jnp.roll(x, 1, 0)),
    "shapes": lambda x: (x.reshape(-1) * 2, jnp.repeat(x, 3, 0), jnp.stack([x, x + 1]).sum((0, 2))),
    "extremes": lambda x: (x.argmax(0), x.argmin(1), x.max(0), x.min(1)),
    "products": lambda x: (x.T @ x, x @ x.T, x @ W[:, 0], x[:, 0] @ x),
    "numbers": lambda x: (x * jnp.arange(x.shape[0])[:, None], (x.shape[0] - 1) * x.mean(0), x * (2.5 / x.shape[0])),
    "gradient": lambda x: jax.grad(lambda w: (jnp.tanh(x @ w) ** 2).mean())(W),
    "float32": lambda x: x.astype("float32").mean(0),
    "by data": lambda x: (x[rows_by_data(x)], jnp.zeros((x.shape[0], 5)).at[rows_by_data(x)].add(x)),
    "known rows": lambda x: x[jnp.array([0, 2, 1])],
    "loop": lambda x: lax.scan(lambda h, r: (jnp.tanh(h + r), h), jnp.zeros(5), x)[1],
}
# the same, of which no program for other lengths follows from those for a few
REFUSED = {
    "the first of many": lambda x: x[:50].sum(),
    "the last few": lambda x: x[-3:] * 1.5,
    "every second": lambda x: x[::2] + 1,
    "half": lambda x: x[: x.shape[0] // 2].sum(),
    "square": lambda x: x.sum() / x.shape[0] ** 2,
    "room that grows faster": lambda x: jnp.sort(jnp.tanh(x @ x.T), 0),
    "other constants": lambda x: x * np.random.RandomState(0).normal(size=(x.shape[0], 1)),
    "whole numbers": lambda x: (x * 10).astype(int) @ np.arange(5),
}


def program_of(function, most=None):
    most = most or longest(120, {5, 4})
    every = [LEAST, *lengths(most)]
    with jax.enable_x64(True):
        programs = [jax.make_jaxpr(function)(jax.ShapeDtypeStruct((n, 5), np.float64)) for n in every]
    check_alike(programs, every)
    return compiled(of_any_length(programs[1:], every[1:], LEAST)), most


@pytest.mark.parametrize("name", SERVED)
def test_one_program_serves_all_lengths(name):
    program, most = program_of(SERVED[name])
    for n in (*range(3, 20), 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 200, most - 1, most):
        x = np.random.RandomState(n).normal(size=(n, 5))
        with jax.enable_x64(True):
            want = jax.tree.leaves(jax.jit(SERVED[name])(x))
        for got, expected in zip(program.run(x), map(np.asarray, want), strict=True):
            assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
            digits = 1e-5 if got.dtype == np.float32 else 1e-11
            np.testing.assert_allclose(got, expected, rtol=digits, atol=digits / 10)
    for n in (0, 1, 2, most + 1):
        with pytest.raises(ValueError, match="a length that this is not for"):
            program.run(np.ones((n, 5)))
    with pytest.raises(ValueError):
        program.run(np.ones((10, 6)))
    with pytest.raises(ValueError):
        program.run(np.ones(10))


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_linear_in_the_length_is_refused(name):
    with pytest.raises(NotInC):
        program_of(REFUSED[name])


def test_numbers_of_a_length():
    assert fitted(["133", "171", "192"], [133, 171, 192]).text("n") == "(n)"
    assert fitted(["269", "345", "387"], [133, 171, 192]).text("n") == "(3 + 2 * n)"
    assert (
        fitted([(2.5 / n).hex() for n in (133, 171)], [133, 171]).text("n")
        == "((double)0x1.4000000000000p+1 / (double)n)"
    )
    for values in (["66", "85", "96"], ["132", "171", "192"], ["x", "y", "z"], ["17689", "29241", "36864"]):
        with pytest.raises(NotInC):
            fitted(values, [133, 171, 192])


def test_lengths_that_are_looked_at():
    for n in (1, 64, 100, 1000, 12345):
        most = longest(n, {5, 128, 448})
        every = lengths(most)
        assert most >= 2 * n and not {5, 128, 448} & set(every) and every[-1] == max(every) and min(every) > LEAST
        assert not any(k & (k - 1) == 0 for k in every)


def test_where_shapes_differ():
    assert places_of_length(((3, 4), (3,)), ((5, 4), (5,))) == [(0, 0), (1, 0)]
    assert places_of_length(((3, 4), (3,)), ((5, 4), (3,))) == [(0, 0)]
    assert places_of_length(((3, 4), (3,)), ((5, 4), (6,))) == []
    assert places_of_length(((3, 4), (3,)), ((5, 4, 1), (5,))) == []


# ---------------------------------------------------------------- functions
@pytest.fixture
def few(soon, monkeypatch):
    """After two shapes there are no more executables, and C takes over soon."""
    monkeypatch.setattr("theanojax.runtime.xla.any_length.NODE", 0.1)
    with change_flags(specializations=2):
        yield


def families(f):
    return [
        way.run is not None for stage in f.fn.executor._program.all_stages() for _, way in stage.in_c.lengths.families
    ]


def classifier():
    x, labels = T.dmatrix("x"), T.lvector("labels")
    w = theano.shared(W.copy(), "w")
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(T.dot(x, w)), labels).mean()
    return w, theano.function([x, labels], [cost, T.nnet.softmax(x)[1:]], updates=[(w, w - 0.1 * T.grad(cost, w))])


def test_a_function_of_many_lengths(few, monkeypatch):
    w, step = classifier()
    other, again = classifier()
    rng = np.random.RandomState(0)
    for k, n in enumerate([7, 12, *rng.permutation(np.arange(3, 40)), 90, 5, 1, 2, 200, 199, 64]):
        args = rng.normal(size=(n, 5)), rng.randint(0, 4, size=n)
        with change_flags(xla_in_c=False):
            want = again(*args)
        for got, expected in zip(step(*args), want, strict=True):
            assert got.dtype == expected.dtype
            np.testing.assert_allclose(got, expected, rtol=1e-10, err_msg=str(n))
        np.testing.assert_allclose(w.get_value(), other.get_value(), rtol=1e-10)
        assert k < 20 or any(families(step))
    assert not any(families(again))
    asked, by_numpy = [], XlaExecutor.for_any_shape
    monkeypatch.setattr(XlaExecutor, "for_any_shape", lambda *args: asked.append(1) or by_numpy(*args))
    for n in (11, 33, 7, 34):
        step(rng.normal(size=(n, 5)), rng.randint(0, 4, size=n))
    assert not asked
    with pytest.raises(ValueError, match="out of bounds"):
        step(np.ones((10, 5)), np.full(10, 4))
    with pytest.raises(ValueError):
        step(np.ones((10, 6)), np.zeros(10, "int64"))
    with pytest.raises((ValueError, AssertionError)):
        step(np.ones((10, 5)), np.zeros(11, "int64"))


# what a function computes of a matrix of n rows, and whether one program serves all n
OF_LENGTHS = {
    "equal": (lambda x, n: T.switch(T.eq(n, 17), x * 2, x * 3).sum(), False),
    "between": (lambda x, n: T.switch(T.and_(n > 10, n < 50), x * 2, x * 3).sum(), False),
    "multiple": (lambda x, n: T.switch(T.eq(n % 13, 0), x * 2, x * 3).sum(), False),
    "peak": (lambda x, n: x.sum() * T.exp(-T.sqr(n - 50.0)), False),
    "at least": (lambda x, n: x.sum() * T.maximum(n, 20), False),
    "half": (lambda x, n: x[n // 2], False),
    "steps": (lambda x, n: x.sum() * (1 + T.cast(n / 30.0, "int64") - T.cast((n - 2) / 30.0, "int64")), False),
    "counted": (lambda x, n: x.sum() * T.eq(T.arange(n), 17).sum(), False),
    "inside": (lambda x, n: theano.OpFromGraph([x], [x.sum() * T.eq(x.shape[0], 17)])(x), False),
    "fewer": (lambda x, n: T.dot(x[:-3], T.constant(W)), False),
    "mean": (lambda x, n: x.mean() + x.mean(axis=1)[-1] * n, True),
    "gradient": (lambda x, n: T.grad(T.sqr(T.dot(x, T.constant(W))).mean(), x)[1:], True),
    "zeros": (lambda x, n: T.zeros_like(x) + x / n, True),
    "standard": (lambda x, n: ((x - x.mean(axis=0)) / x.std(axis=0)).sum(axis=1), True),
}


@pytest.mark.parametrize("name", OF_LENGTHS)
def test_what_is_computed_of_lengths_alone(few, name):
    """Tracing does that, in numpy, and its results are numbers like any: a few lengths tell nothing of a comparison."""
    formula, served = OF_LENGTHS[name]
    x = T.dmatrix("x")
    f = theano.function([x], formula(x, x.shape[0]))
    slow = theano.function([x], formula(x, x.shape[0]), mode=theano.Mode("py", "fast_run"))
    for n in (4, 9, 14, *range(3, 54), 65, 17, 13, 50):
        values = np.random.RandomState(n).normal(size=(n, 5))
        np.testing.assert_allclose(f(values), slow(values), rtol=1e-9, atol=1e-11, err_msg=str(n))
    assert any(families(f)) == served


def test_an_assertion_of_a_length(few):
    x = T.dmatrix("x")
    f = theano.function([x], T.opt.Assert("seventeen")(x, T.neq(x.shape[0], 17)).sum())
    for n in range(3, 40):
        if n == 17:
            with pytest.raises(AssertionError, match="seventeen"):
                f(np.ones((n, 5)))
        else:
            assert f(np.ones((n, 5))) == 5 * n


@pytest.mark.parametrize("shape", [(5, 0), (0, 4)])
def test_products_with_nothing(few, shape):
    x, w = T.dmatrix("x"), theano.shared(np.ones(shape))
    f = theano.function([x], T.dot(x[:, : shape[0]], w) + 1)
    for n in range(3, 20):
        np.testing.assert_array_equal(f(np.ones((n, 5))), np.ones((n, shape[1])))


def test_lengths_that_differ_from_each_other(few):
    x, y = T.dmatrix("x"), T.dmatrix("y")
    f = theano.function([x, y], [T.dot(x, y.T).sum(axis=0), x.mean() - y.mean()])
    rng = np.random.RandomState(0)
    for _ in range(40):
        a, b = rng.normal(size=(rng.randint(3, 30), 5)), rng.normal(size=(rng.randint(3, 30), 5))
        total, difference = f(a, b)
        np.testing.assert_allclose(total, (a @ b.T).sum(axis=0), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(difference, a.mean() - b.mean(), rtol=1e-10, atol=1e-12)


def test_threads_and_calls_within_calls(few):
    x = T.dmatrix("x")
    f = theano.function([x], T.tanh(x).sum(axis=0) / x.shape[0])
    rng = np.random.RandomState(0)
    for n in range(3, 40):
        f(rng.normal(size=(n, 5)))
    assert any(families(f))
    wrong = []

    def work(seed):
        rng = np.random.RandomState(seed)
        for _ in range(300):
            values = rng.normal(size=(rng.randint(3, 60), 5))
            if not np.allclose(f(values), np.tanh(values).mean(axis=0)):
                wrong.append(values.shape)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
