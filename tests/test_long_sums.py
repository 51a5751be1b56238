"""Sums of hundreds of terms: the same numbers, in a loop, and compiled in time that grows with their number."""

import numpy as np
import pytest

import jax
import jax.numpy as jnp

import theano
import theano.tensor as T
from theanojax.runtime.xla import long_sums, namespace as xla

assert xla  # it turns float64 on


def loops(function, *arguments):
    return str(jax.make_jaxpr(lambda *a: long_sums.with_loops(function, a))(*arguments)).count("scan[")


def test_a_long_sum_is_a_loop_and_exact():
    rng = np.random.RandomState(0)
    terms = [rng.normal(size=(3, 4)) for _ in range(long_sums.MOST_STACKED + long_sums.MOST_FUSED)]

    def total(*xs):
        s = xs[0]
        for i, x in enumerate(xs[1:]):
            s = s + x if i % 2 else x + s
        return s, None, [s * 2]

    want = terms[0]
    for t in terms[1:]:
        want = want + t
    got, nothing, (twice,) = jax.jit(lambda *xs: long_sums.with_loops(total, xs))(*terms)
    assert nothing is None
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(twice, 2 * want)
    assert loops(total, *terms) == 2
    assert loops(total, *terms[: long_sums.MOST_FUSED]) == 0


def test_partial_sums_that_are_used_stay():
    xs = [np.float64(i) for i in range(3 * long_sums.MOST_FUSED)]

    def partial(*xs):
        s, seen = xs[0], []
        for i, x in enumerate(xs[1:]):
            s = s + x
            if i == 1.5 * long_sums.MOST_FUSED:
                seen.append(jnp.exp(-s))
        return [s, *seen]

    for got, want in zip(long_sums.with_loops(partial, xs), partial(*xs)):
        np.testing.assert_allclose(got, want, rtol=1e-15)
    assert loops(partial, *xs) == 2


@pytest.mark.parametrize("shape", [(4,), (1,)])
def test_through_a_function(shape):
    xs = T.dvectors(*["x%d" % i for i in range(150)])
    scale = theano.shared(2.0)
    out = T.add(*[T.tanh(x) * scale for x in xs])
    f = theano.function(xs, [out, T.grad(out.sum(), xs[7])], updates=[(scale, scale + out.sum())])
    values = [np.full(shape, i / 100.0) for i in range(150)]
    with theano.change_flags(xla_strict=True):
        got, grad = f(*values)
    np.testing.assert_allclose(got, 2 * sum(np.tanh(v) for v in values), rtol=1e-14)
    np.testing.assert_allclose(grad, 2 * (1 - np.tanh(values[7]) ** 2), rtol=1e-14)
    np.testing.assert_allclose(scale.get_value(), 2 + got.sum())
