"""Large programs are scheduled for little memory (runtime/xla/scheduling.py), and mean the same."""

import numpy as np
import pytest

import jax

import theanojax
import theanojax.tensor as T
from theanojax.runtime.xla import platform, scheduling

pytestmark = pytest.mark.skipif(not platform.threads_small_loops, reason="a quirk of XLA's CPU runtime")


def deep():
    """Eight layers: the bytes that a call keeps beside arguments and results, and its results."""
    image, weights = T.ftensor4("image"), [T.ftensor4("W%d" % k) for k in range(8)]
    h = image
    for w in weights:
        h = T.tanh(T.nnet.conv2d(h, w, border_mode="half"))
    k = T.lscalar("k")
    f = theanojax.function([image, *weights, k], h.sum(axis=(2, 3))[k], on_unused_input="ignore")
    rng = np.random.RandomState(2)
    values = rng.normal(size=(1, 64, 4, 4)), *(rng.normal(size=(8, 64, 64, 3, 3)) * 0.05)
    results = [f(*[np.asarray(v, "float32") for v in values], k) for k in (0, -1)]
    with pytest.raises(IndexError):
        f(*[np.asarray(v, "float32") for v in values], 1)
    (traced,) = f.fn.traced
    return traced.lower().compile().memory.temp_size_in_bytes, results


def test_large_programs_are_scheduled_for_little_memory(monkeypatch):
    free, expected = deep()
    monkeypatch.setattr(scheduling, "WEIGHTS", 1 << 20)
    monkeypatch.setattr(scheduling, "WRITTEN", 0)
    scheduled, results = deep()
    assert scheduled < free / 2
    np.testing.assert_array_equal(results, expected)


def test_what_counts_as_large(monkeypatch):
    def large(*shapes, function):
        return scheduling.is_large(jax.make_jaxpr(function)(*map(jax.numpy.zeros, shapes)).jaxpr)

    monkeypatch.setattr(scheduling, "WEIGHTS", 4000)
    monkeypatch.setattr(scheduling, "WRITTEN", 20000)
    assert large((1000,), function=lambda v: jax.numpy.sin(v) * v + v + v + v + v)
    assert not large((1000,), function=lambda v: v + v)  # writes too little
    assert not large((100,), function=lambda v: jax.numpy.outer(v, v) * 2)  # reads too little
    assert large((1000,), function=jax.jit(lambda v: jax.numpy.sin(v) * v + v + v + v + v))
    dataset = (100000,), (10,)  # of which a call reads a part
    assert not large(*dataset, function=lambda v, w: jax.lax.dynamic_slice(v, (0,), (10,)) * jax.numpy.ones((1000, 10)))
