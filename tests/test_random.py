"""Random streams: exact draws, seeding, states, and their use inside functions and loops."""

import copy

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from tests.helpers import both
from theanojax.tensor.random.from_uniform import ChoiceFromUniform, MultinomialFromUniform
from theanojax.tensor.random.mrg import M1, M2, MRG_RandomStreams, ff_2p72, ff_2p134, guess_n_streams, mrg_uniform
from theanojax.tensor.random.raw_random import random_state_type, uniform
from theanojax.tensor.random.shared_randomstreams import RandomStreams

SEEDS = np.random.RandomState(234)


def numpy_stream(seed):
    """The RandomState of a RandomStreams' first draw: it is seeded by a draw from the seed's own state."""
    return np.random.RandomState(int(np.random.RandomState(seed).randint(2**30)))


@pytest.mark.parametrize(
    "draw, numpy_draw",
    [
        (lambda s: s.uniform((2, 3), low=-1, high=4), lambda r: r.uniform(-1, 4, (2, 3))),
        (lambda s: s.normal((4,), avg=2.0, std=0.5), lambda r: r.normal(2.0, 0.5, (4,))),
        (lambda s: s.binomial((5,), n=7, p=0.3), lambda r: r.binomial(7, 0.3, (5,))),
        (lambda s: s.poisson((5,), lam=3.0), lambda r: r.poisson(3.0, (5,))),
        (lambda s: s.choice((4,), a=10, replace=False), lambda r: r.choice(10, (4,), False)),
        (lambda s: s.permutation((), n=6), lambda r: r.permutation(6)),
    ],
)
def test_draws_are_numpys(draw, numpy_draw):
    f = theano.function([], draw(RandomStreams(seed=234)))
    state = numpy_stream(234)
    for _ in range(3):
        np.testing.assert_allclose(f(), numpy_draw(state), rtol=1e-14)


def test_seed_restarts_streams():
    s = RandomStreams(seed=5)
    f = theano.function([], [s.uniform((2,)), s.normal((2,))])
    first = f()
    assert not np.allclose(first[0], f()[0])
    s.seed(5)
    np.testing.assert_array_equal(f(), first)


def test_no_default_updates_repeats_the_draw():
    for s in (RandomStreams(seed=1), MRG_RandomStreams(seed=1)):
        u = s.uniform((3,))
        f, still = theano.function([], u), theano.function([], u, no_default_updates=True)
        a = f()
        b = still()
        np.testing.assert_array_equal(still(), b)
        np.testing.assert_array_equal(f(), b)
        assert not np.allclose(a, b)


def test_explicit_state():
    r = random_state_type()
    new, draw = uniform(r, (3,), 0.0, 2.0)
    f = theano.function([r], [new, draw])
    state = np.random.RandomState(8)
    later, value = f(state)
    np.testing.assert_array_equal(value, np.random.RandomState(8).uniform(0, 2, 3))
    # the caller's state is not touched, the returned one is ahead
    np.testing.assert_array_equal(state.uniform(size=3) * 2, value)
    assert later.get_state()[2] == state.get_state()[2]


def test_in_place_draws_do_not_disturb_each_other():
    from theanojax.tensor.random.raw_random import RandomFunction

    r = random_state_type()
    plain, in_place = RandomFunction("uniform", T.dvector), RandomFunction("uniform", T.dvector, inplace=True)
    _, a = plain(r, (4,), 0.0, 1.0)
    new, b = in_place(r, (4,), 0.0, 1.0)
    f = theano.function(
        [theano.In(r, value=np.random.RandomState(1), update=new, mutable=True)], [a, b], accept_inplace=True
    )
    for _ in range(2):
        a, b = f()
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("state", [np.random.RandomState(5), np.random.RandomState(np.random.PCG64(5))])
def test_a_draw_leaves_the_state_alone(state):
    """The copy has all of it: a second normal number may be waiting."""
    state.normal()
    before = copy.deepcopy(state)
    r = random_state_type()
    f = theano.function([r], uniform(r, size=(2,)))
    after, draw = f(state)
    np.testing.assert_array_equal(draw, copy.deepcopy(before).uniform(size=2))
    assert state.normal() == before.normal() == after.normal()


def test_sizes_are_checked():
    s = RandomStreams(seed=1)
    with pytest.raises(ValueError, match="ndim should be equal to len"):
        s.uniform((2,), ndim=2)
    with pytest.raises(TypeError, match="vector or list"):
        s.uniform(T.dmatrix())
    m = MRG_RandomStreams()
    with pytest.raises(ValueError, match="dimension with value <= 0"):
        m.uniform((2, 0))
    with pytest.raises(TypeError, match="size must be a tuple"):
        m.uniform([2, 3])


# ---- MRG


def test_mrg_streams_start_apart():
    start = np.array([12345] * 6, dtype="int32")
    s = MRG_RandomStreams(seed=12345)
    states = s.get_substream_rstates(4, "float64")
    assert states.dtype == "int32"
    expected = start
    for row in states:
        np.testing.assert_array_equal(row, expected)
        expected = ff_2p72(expected)
    np.testing.assert_array_equal(s.rstate, ff_2p134(start))


def recurrence(state, n):
    """`n` draws of one stream, by the recurrence of the paper in Python's own integers."""
    x, y = [int(i) for i in state[:3]], [int(i) for i in state[3:]]
    m1, m2, out = int(M1), int(M2), []
    for _ in range(n):
        x = [(2**22 * x[1] + (2**7 + 1) * x[2]) % m1, x[0], x[1]]
        y = [(2**15 * y[0] + (2**15 + 1) * y[2]) % m2, y[0], y[1]]
        d = x[0] - y[0]
        out.append((d + m1 if d <= 0 else d) * 4.656612873077392578125e-10)
    return out


@pytest.mark.parametrize("streams, size", [(1, (7,)), (3, (7,)), (3, (2, 50)), (5, (3,))])
def test_mrg_follows_the_recurrence(streams, size):
    state = MRG_RandomStreams(seed=99).get_substream_rstates(streams, "float64")
    total = int(np.prod(size))
    _, out = mrg_uniform.new(theano.shared(state), None, "float64", size)
    value = theano.function([], out)().ravel()
    for k in range(min(streams, total)):
        np.testing.assert_allclose(value[k::streams], recurrence(state[k], len(value[k::streams])), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_mrg_on_both_executors(dtype):
    state = T.imatrix("state")
    for size in [(3, 2), (40,)]:
        new, out = mrg_uniform.new(state, None, dtype, size)
        values = MRG_RandomStreams(seed=7).get_substream_rstates(3, dtype)
        draw = both([state], [new, out], [values])[1]
        assert (draw > 0).all()
        assert (draw < 1).all()


def test_mrg_symbolic_size():
    n = T.lscalar("n")
    s = MRG_RandomStreams(seed=3)
    f = theano.function([n], s.uniform((n, 2), nstreams=4))
    assert f(3).shape == (3, 2)
    assert f(5).shape == (5, 2)


def test_mrg_numbers_of_streams():
    assert guess_n_streams((5,)) == 5
    assert guess_n_streams((60,)) == 10
    assert guess_n_streams((10**6,)) == 15360
    with pytest.warns(UserWarning, match="guessing"):
        assert guess_n_streams(T.lvector(), warn=True) == 15360


@pytest.mark.parametrize(
    "seed, error, text",
    [
        (0, ValueError, "should not be 0"),
        (int(M2), ValueError, "less than"),
        ([1, 2], TypeError, "6 integers"),
        ([0, 0, 0, 1, 2, 3], ValueError, "first 3 values"),
        ([1, 2, 3, 0, 0, 0], ValueError, "last 3 values"),
        ([int(M1), 1, 1, 1, 1, 1], ValueError, "first 3 values"),
    ],
)
def test_mrg_bad_seeds(seed, error, text):
    with pytest.raises(error, match=text):
        MRG_RandomStreams(seed)


def test_mrg_reseeding():
    s = MRG_RandomStreams(seed=42)
    f = theano.function([], s.uniform((5,)))
    first = f()
    f()
    s.seed()
    np.testing.assert_array_equal(f(), first)
    s.seed(43)
    assert not np.allclose(f(), first)


def test_mrg_distributions():
    s = MRG_RandomStreams(seed=11)
    f = theano.function(
        [], [s.normal((2001,), avg=3.0, std=2.0), s.binomial((2000,), p=0.25), s.truncated_normal((2000,), std=1.0)]
    )
    normal, binomial, truncated = f()
    assert normal.shape == (2001,)
    assert abs(normal.mean() - 3) < 0.2
    assert abs(normal.std() - 2) < 0.2
    assert binomial.dtype == "int64"
    assert abs(binomial.mean() - 0.25) < 0.05
    assert np.abs(truncated).max() <= 2 / 0.8796 + 1e-6


@pytest.mark.parametrize("streams", [RandomStreams, MRG_RandomStreams])
def test_inside_scan(streams):
    s = streams(seed=17)
    outs, updates = theano.scan(lambda: s.uniform((2,)), n_steps=4)
    assert updates
    value = theano.function([], outs, updates=updates)()
    again = streams(seed=17)
    one = theano.function([], again.uniform((2,)))
    np.testing.assert_array_equal(value, [one() for _ in range(4)])


# ---- from uniform draws to outcomes


@pytest.mark.parametrize("n", [1, 3, 8])
def test_multinomial_counts(n):
    p, u = T.dmatrix("p"), T.dvector("u")
    pvals = SEEDS.dirichlet(np.ones(5), 4)
    unis = SEEDS.uniform(size=4 * n)
    unis[:2] = [0.0, 1.0 - 1e-16]
    got = both([p, u], MultinomialFromUniform("auto")(p, u, n), [pvals, unis])
    want = np.zeros((4, 5))
    for i, draw in enumerate(unis):
        hit = np.flatnonzero(np.cumsum(pvals[i % 4]) > draw)
        if hit.size:
            want[i % 4, hit[0]] += 1
    np.testing.assert_array_equal(got, want)


def test_choice_without_replacement_has_no_repeats():
    p, u = T.dmatrix("p"), T.dvector("u")
    got = both([p, u], ChoiceFromUniform("auto")(p, u, 4), [SEEDS.dirichlet(np.ones(4), 3), SEEDS.uniform(size=12)])
    for row in got:
        assert sorted(row) == [0, 1, 2, 3]


def test_number_of_draws_is_checked():
    p, u = T.dmatrix("p"), T.dvector("u")
    with pytest.raises(ValueError, match="n_samples"):
        both([p, u], MultinomialFromUniform("auto")(p, u, 2), [np.ones((2, 2)) / 2, np.ones(3)])
    with pytest.raises(ValueError, match="without replacement"):
        both([p, u], ChoiceFromUniform("auto")(p, u, 3), [np.ones((1, 2)) / 2, np.ones(3)])


def test_dot_modulo_moves_a_state_ahead():
    from theanojax.tensor.random import mrg

    state = np.array([12345] * 6, dtype="int32")
    A, s, m, A2, s2, m2 = args = T.lmatrix(), T.ivector(), T.iscalar(), T.lmatrix(), T.ivector(), T.iscalar()
    got = both(list(args), mrg.DotModulo()(*args), [mrg.A1p72, state[:3], M1, mrg.A2p72, state[3:], M2])
    np.testing.assert_array_equal(got, ff_2p72(state))
