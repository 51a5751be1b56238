"""Large products in C: several threads share them, and they are added where they are wanted."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import jax.numpy as jnp

import theanojax as theano
import theanojax.tensor as T
from theanojax.config import change_flags, config

from .test_in_c import check, in_c, numbers, runs_in_c

pytestmark = pytest.mark.skipif(not config.cxx, reason="no C++ compiler")

M, N, K = 161, 115, 131  # a product that threads share


def source(function, *args):
    import jax

    from theanojax.runtime.in_c.program import source_of

    with jax.enable_x64(True):
        return source_of(jax.make_jaxpr(function)(*args)).text


def adds(function, *args):
    return ", true, " in "".join(line for line in source(function, *args).splitlines() if "large_product<" in line)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "m, n, k", [(13, 517, 321), (300, 33, 257), (129, 1100, 17), (2, 2000, 600), (1030, 16, 130), (6, 1400, 256)]
)
def test_products_of_all_forms(m, n, k, dtype):
    a, b = numbers(m, k).astype(dtype), numbers(k, n, seed=1).astype(dtype)
    at, bt = np.ascontiguousarray(a.T), np.ascontiguousarray(b.T)
    wide = np.zeros((k, 2 * n), dtype)
    wide[:, ::2] = b

    def function(a, b, at, bt, wide):
        return a @ b, a @ bt.T, at.T @ b, at.T @ bt.T, a @ wide[:, ::2], (bt @ at).T

    want, args = a.astype("float64") @ b.astype("float64"), (a, b, at, bt, wide)
    assert source(function, *args).partition("void compute(void")[2].count("large_product<") == 6
    for got in in_c(function, *args)[0]:
        np.testing.assert_allclose(got, want, rtol=0, atol=np.abs(want).max() * np.finfo(dtype).eps * 20)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("m", [1, 2, 7, 16])
def test_small_products(m, dtype):
    args, wanted = [], []
    for n, k in [(1, 5), (3, 40), (8, 3), (35, 17), (64, 64)]:
        a, b = numbers(m, k).astype(dtype), numbers(k, n, seed=1).astype(dtype)
        args += [a, b, np.ascontiguousarray(a.T), np.ascontiguousarray(b.T)]
        wanted.append(a.astype("float64") @ b.astype("float64"))

    def function(*args):
        fours = [args[i : i + 4] for i in range(0, len(args), 4)]
        return [(a @ b, a @ bt.T, at.T @ b, at.T @ bt.T) for a, b, at, bt in fours]

    for i, got in enumerate(in_c(function, *args)[0]):
        want = wanted[i // 4]
        np.testing.assert_allclose(got, want, rtol=0, atol=np.abs(want).max() * np.finfo(dtype).eps * 20)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_products_that_are_added(dtype):
    # numbers with which all results are exact
    w, a, b = (np.round(numbers(*s, seed=k) * 8).astype(dtype) for k, s in enumerate([(M, N), (M, K), (K, N)]))
    at, bt, point = np.ascontiguousarray(a.T), np.ascontiguousarray(b.T), np.asarray(0.125, dtype)
    for function in (
        lambda w, a, b, at, bt: w + a @ b,
        lambda w, a, b, at, bt: a @ b + w,
        lambda w, a, b, at, bt: w - a @ b,
        lambda w, a, b, at, bt: w - point * (at.T @ bt.T),
        lambda w, a, b, at, bt: (a @ bt.T) * point + w,
        lambda w, a, b, at, bt: a @ b + at.T @ bt.T,
        lambda w, a, b, at, bt: [w + (w @ bt)[:, :N] @ w[:N, :N], w],
        lambda w, a, b, at, bt: jnp.tanh(w + a @ b) * 2,
    ):
        check(function, w, a, b, at, bt)
        assert adds(function, w, a, b, at, bt)
    for function in (
        lambda w, a, b, at, bt: a @ b - w,
        lambda w, a, b, at, bt: [w - (c := a @ b), c],
        lambda w, a, b, at, bt: w[0] + a @ b,
        lambda w, a, b, at, bt: w + 2 * (c := a @ b) - jnp.abs(c),
    ):
        check(function, w, a, b, at, bt)
        assert not adds(function, w, a, b, at, bt)
    (found,), _ = in_c(lambda w, a, b: w.astype("int64") - jnp.round(a @ b).astype("int64"), w, a, b)
    np.testing.assert_array_equal(found, w.astype("int64") - np.round(a @ b).astype("int64"))


def test_matrices_are_updated_where_they_lie(soon):
    first, second, data = numbers(M, N), numbers(N, N, seed=1), numbers(K, M, seed=2)
    w, square, x = theano.shared(first, "w"), theano.shared(second, "square"), T.dmatrix("x")
    cost = T.tanh(T.dot(T.dot(x, w), square)).sum()
    updates = [(p, p - 0.01 * g) for p, g in zip((w, square), T.grad(cost, [w, square]))]
    step = theano.function([x], cost, updates=updates)
    plain = [theano.shared(first), theano.shared(second)]
    with change_flags(xla_in_c=False):
        cost = T.tanh(T.dot(T.dot(x, plain[0]), plain[1])).sum()
        same = theano.function([x], cost, updates=[(p, p - 0.01 * g) for p, g in zip(plain, T.grad(cost, plain))])
        for _ in range(8):
            want = same(data)
    for _ in range(8):
        got = step(data)
    assert runs_in_c(step) == [True]
    np.testing.assert_allclose(got, want, rtol=1e-9)
    for p, q in zip((w, square), plain):
        np.testing.assert_allclose(p.get_value(), q.get_value(), rtol=1e-7, atol=1e-9)


def test_a_matrix_that_is_a_factor_of_what_is_added_to_it(soon):
    w = theano.shared(numbers(M, M) / M, "w")
    step = theano.function([], updates=[(w, w - 0.5 * T.dot(w, w))])
    mine = w.get_value()
    for _ in range(8):
        step()
        mine = mine - 0.5 * mine @ mine
        np.testing.assert_allclose(w.get_value(), mine, rtol=1e-9, atol=1e-13)
    assert runs_in_c(step) == [True]


# ---------------------------------------------------------------- threads
def test_threads_that_want_the_crew_at_once(soon):
    x = T.dmatrix("x")
    value = theano.shared(numbers(K, N), "value")
    f = theano.function([x], T.dot(x, value).sum(axis=0) * 2)
    a = numbers(M, K, seed=3)
    want = (a @ value.get_value()).sum(axis=0) * 2
    for _ in range(8):
        f(a)
    assert runs_in_c(f) == [True]
    problems = []

    def work():
        for _ in range(200):
            got = f(a)
            if not np.allclose(got, want, rtol=1e-12):
                problems.append(got)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


PROGRAM = """
import os, signal, threading
import numpy as np
import theanojax as theano, theanojax.tensor as T
from theanojax.runtime.in_c import Cost, often
import theanojax.runtime.in_c as in_c
often.OFTEN, often.TAKES_OVER, often.CALL = 2, 4, 0
in_c.cost_of = lambda program: Cost(1, 1 / 8)
x, w = T.dmatrix("x"), theano.shared(np.random.RandomState(1).normal(size=(300, 200)), "w")
f = theano.function([x], T.tanh(T.dot(x, w)).sum(), updates=[(w, w - 0.001 * T.dot(x.T, T.tanh(T.dot(x, w))))])
a = np.random.RandomState(0).normal(size=(100, 300))
heard = []
signal.signal(signal.SIGALRM, lambda number, frame: heard.append(threading.current_thread() is threading.main_thread()))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for _ in range(100): f(a)
signal.setitimer(signal.ITIMER_REAL, 0)
assert "in C" in str(f.fn.plan) and heard and all(heard)
for _ in range(3):
    child = os.fork()
    if not child:
        f(a)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
print(repr(float(f(a))))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_signals_forks_and_the_number_of_cores():
    found = []
    for number in ("1", "3"):
        environment = dict(os.environ, OMP_NUM_THREADS=number)
        command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        found.append(float(done.stdout))
    assert found[0] == pytest.approx(found[1], rel=1e-12)
