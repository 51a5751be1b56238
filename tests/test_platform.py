"""What devices differ in: the answers are found when asked for, and a program is right whatever they are."""

import subprocess
import sys

import numpy as np
import pytest

import jax

import theanojax
import theanojax.tensor as T
from theanojax.runtime.xla import platform


def test_answers_are_found_once_and_jax_is_not_started_by_an_import():
    code = (
        "import jax\n"
        "from theanojax.runtime.xla import namespace, platform, transfer\n"
        "asked = []\n"
        "jax.default_backend = lambda: asked.append(1) or 'tpu'\n"
        "assert platform.backend() == 'tpu' and platform.reads_in_place is platform.ends_loops is False\n"
        "assert len(asked) == 1 and platform.__dict__['reads_in_place'] is False\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_there_is_no_such_question():
    assert platform.backend() == jax.default_backend()
    with pytest.raises(AttributeError, match="has no attribute 'likes_tea'"):
        platform.likes_tea


@pytest.fixture
def unlike(monkeypatch):
    """A device that differs from this one wherever the answer is a matter of care, not of what XLA can compile."""
    for question in platform.WHERE:
        if question != "fourier_by_rows":
            monkeypatch.setattr(platform, question, not getattr(platform, question))


def test_a_device_that_reads_nothing_in_place(unlike):
    x = T.dmatrix("x")
    large = np.random.RandomState(1).rand(300, 200)
    w = theanojax.shared(np.zeros(200))
    cost = ((T.dot(x, w) - x.sum(axis=1)) ** 2).mean()
    step = theanojax.function([x], [cost, x * 2], updates=[(w, w - 0.01 * theanojax.grad(cost, w))])
    want = np.zeros(200)
    for _ in range(3):
        residual = large @ want - large.sum(axis=1)
        got, twice = step(large)
        np.testing.assert_allclose(got, (residual**2).mean())
        want = want - 0.01 * 2 * large.T @ residual / 300
        np.testing.assert_allclose(w.get_value(), want)
        np.testing.assert_allclose(twice, large * 2)
        twice[:] = 0  # which is the caller's


def test_a_device_whose_loops_no_signal_ends(unlike):
    x = T.dvector("x")
    n = T.iscalar("n")
    sums, updates = theanojax.scan(lambda total: total + x, outputs_info=T.zeros_like(x), n_steps=n)
    f = theanojax.function([x, n], [sums, theanojax.grad(sums[-1].sum(), x)], updates=updates)
    for steps in (3, 5, 4000):
        got, slope = f(np.arange(3.0), steps)
        np.testing.assert_allclose(got, np.outer(np.arange(1, steps + 1), np.arange(3.0)))
        np.testing.assert_allclose(slope, np.full(3, float(steps)))


@pytest.mark.parametrize("lengths, wide", [((7, 3, 4), False), ((64, 64, 64), True), ((4000, 64, 10), False)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_product_with_a_transposed_matrix(dtype, lengths, wide):
    x, d = T.matrix("x", dtype=dtype), T.matrix("d", dtype=dtype)
    f = theanojax.function([x, d], T.dot(x.T, d))
    rows, *columns = lengths
    a, b = (np.random.RandomState(k).rand(rows, n).astype(dtype) for k, n in enumerate(columns))
    np.testing.assert_allclose(f(a, b), a.T @ b, rtol=1e-5)
    (traced,) = f.fn.traced
    first = dtype == "float64" and wide and platform.multiplies_by_rows
    assert ("optimization_barrier" in str(traced.jaxpr)) == first


@pytest.mark.parametrize("at_once", [True, False])
def test_rows_that_a_loop_keeps(at_once, monkeypatch):
    monkeypatch.setattr(platform, "decides_at_once", at_once)
    n, start = T.lscalar("n"), T.dvector("start")
    rows, _ = theanojax.scan(lambda r: 1.5 * r + 1, outputs_info=start, n_steps=n)
    f = theanojax.function([start, n], [rows[-5:-2], rows[-1], rows[3]])
    want = [np.ones(4)]
    for _ in range(20):
        want.append(1.5 * want[-1] + 1)
    for got, expected in zip(f(np.ones(4), 20), [want[16:19], want[20], want[4]], strict=True):
        np.testing.assert_allclose(got, expected)
    assert any(("branches=" in str(traced.jaxpr)) == at_once for traced in f.fn.traced)
