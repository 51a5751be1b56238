"""A few operations on some hundred numbers, which numpy runs: the same answers and errors as from XLA."""

import warnings

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from theanojax.config import change_flags

x, y, v, w, i = T.dmatrix("x"), T.dmatrix("y"), T.dvector("v"), T.dvector("w"), T.lscalar("i")
ON_NUMPY = "numpy, as generated code, for up to 256 numbers"


@pytest.fixture(autouse=True)
def for_users():
    with change_flags(numpy_elements=256):
        yield


def is_small(f):
    return str(f.fn.plan).startswith(ON_NUMPY)


def both(inputs, outputs, *values, small=True, **options):
    """What a function gives by numpy, the same as by XLA."""
    f = theano.function(inputs, outputs, **options)
    got = f(*values)
    assert is_small(f) == small
    assert not small or f.fn.executor.compilations == 0
    with change_flags(numpy_elements=0):
        want = theano.function(inputs, outputs, **options)(*values)
    for g, e in zip(got, want):
        assert type(g) is np.ndarray and (g.dtype, g.shape) == (e.dtype, e.shape)
        np.testing.assert_allclose(g, e, rtol=1e-12)
        assert g.flags.writeable and g.flags.owndata
    return f


def numbers(*shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape)


def test_the_same_answers():
    a, b, c = numbers(3, 4), numbers(3, 4, seed=1), numbers(4)
    both([x, y], [T.tanh(x * y + 1), (x + y).sum(axis=0), x.max(), T.dot(x, y.T)], a, b)
    both([x, v], [x + v, T.exp(x).mean(axis=1), x.T, x[1:, ::2], v[-1]], a, c)
    both([v, w], [T.switch(v > w, v, w), T.outer(v, w), v // w, v % w, T.eq(v, w)], c, c[::-1].copy())
    both([v, i], [v[i], T.inc_subtensor(v[i], 2.0), v[:i]], c, np.array(-1))
    both([v], [v, v * 1, v.dimshuffle("x", 0)], c)
    both([x], [T.nnet.softmax(x).argmax(axis=1)], a, small=False)  # of another kind of Op
    both([v], [T.zeros((1000,)) + v.sum()], c, small=False)
    both([v, i], [T.alloc(v.sum(), i)], c, np.array(5), small=False)  # as long as a value says


def test_zeros_and_infinities_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        both([v], [1 / v, T.log(v), T.sqrt(v), T.exp(v * 1e4)], np.array([0.0, -1.0, 2.0, np.inf, np.nan]))


def test_more_numbers_go_to_xla():
    f = theano.function([v], T.tanh(v))
    for n, compilations in ((256, 0), (257, 1), (3, 1), (0, 1)):
        value = numbers(n)
        np.testing.assert_allclose(f(value), np.tanh(value))
        assert f.fn.executor.compilations == compilations
    z = v
    for _ in range(20):
        z = T.tanh(z).cumsum()
    both([v], [z], numbers(4), small=False)


def test_updates():
    s, t = theano.shared(numbers(4), "s"), theano.shared(np.zeros(4), "t")
    f = theano.function([v], [(s * v).sum(), s], updates=[(s, s - 0.1 * v), (t, s)])
    f(numbers(4))
    assert is_small(f)
    mine, last = s.get_value(), t.get_value()
    for k in range(3):
        value = numbers(4, seed=k)
        total, old = f(value)
        np.testing.assert_array_equal(old, mine)
        np.testing.assert_allclose(total, (mine * value).sum())
        mine, last = mine - 0.1 * value, mine
        np.testing.assert_array_equal(s.get_value(), mine)
        np.testing.assert_array_equal(t.get_value(), last)
        old[:] = 7  # what is returned is the caller's
        value[:] = 7
        np.testing.assert_array_equal(t.get_value(), last)
    s.set_value(numbers(5))
    before = s.get_value()
    with pytest.raises(ValueError, match="Input dimension mis-match"):
        f(numbers(4))
    np.testing.assert_array_equal(s.get_value(), before)
    swap = theano.function([], updates=[(s, t), (t, s)])
    swap()
    assert swap.fn.executor.compilations == 0
    np.testing.assert_array_equal(t.get_value(), before)


def test_errors_are_theanos():
    f = theano.function([x, y, v, i], [x + y, v[i]])
    assert is_small(f) or f(numbers(2, 2), numbers(2, 2), numbers(3), 0)
    for error, *args in (
        (ValueError, numbers(2, 2), numbers(2, 3), numbers(3), 0),
        (ValueError, numbers(2, 2), numbers(1, 2), numbers(3), 0),
        (IndexError, numbers(2, 2), numbers(2, 2), numbers(3), 3),
    ):
        with pytest.raises(error, match="Apply node that caused the error"):
            f(*args)
        with change_flags(numpy_elements=0), pytest.raises(error) as expected:
            theano.function([x, y, v, i], [x + y, v[i]])(*args)
        with pytest.raises(error) as found:
            f(*args)
        assert str(found.value).partition("\n")[0] == str(expected.value).partition("\n")[0]
    d = theano.function([v, w], T.dot(v, w))
    with pytest.raises(ValueError):
        d(numbers(3), numbers(4))


def test_values_on_the_device():
    s = theano.shared(numbers(300), "s")
    large = theano.function([], updates=[(s, T.tanh(s))])  # by XLA
    large()
    first = theano.function([], s[:4] * 2)
    part = theano.shared(numbers(4), "part")
    move = theano.function([], updates=[(part, s[:4])])
    move()
    np.testing.assert_allclose(theano.function([], part + 1)(), np.tanh(numbers(300))[:4] + 1)
    np.testing.assert_allclose(first(), np.tanh(numbers(300))[:4] * 2)


def test_profiles_and_large_constants():
    f = theano.function([v], T.tanh(v), profile=True)
    f(numbers(3))
    assert not is_small(f)
    both([v], [v.sum() + T.constant(numbers(1000))], numbers(3), small=False)
