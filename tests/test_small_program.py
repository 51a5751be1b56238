"""A few operations on some hundred numbers, which numpy runs: the same answers and errors as from XLA."""

import threading
import warnings

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from theanojax.config import change_flags

x, y, v, w, i = T.dmatrix("x"), T.dmatrix("y"), T.dvector("v"), T.dvector("w"), T.lscalar("i")
ON_NUMPY = "numpy, as generated code, for up to "


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
    first, second = s.get_value(borrow=True), t.get_value(borrow=True)
    swap()
    assert swap.fn.executor.compilations == 0
    assert t.get_value(borrow=True) is first and s.get_value(borrow=True) is second  # nothing is copied
    np.testing.assert_array_equal(t.get_value(), before)
    for nothing in ([], None):
        assert theano.function([v], nothing, on_unused_input="ignore")(numbers(3)) == []


def test_errors_are_theanos():
    f = theano.function([x, y, v, i], [x + y, v[i]])
    f(numbers(2, 2), numbers(2, 2), numbers(3), 0)
    assert is_small(f)
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


def test_the_users_settings_of_floats():
    f = theano.function([v], [1 / v, T.exp(-v), T.switch(T.eq(v, 0), 0, v * T.log(v)), T.cast(v, "float32")])
    f(np.ones(3))
    assert is_small(f)
    value = np.array([0.0, 1200.0, 1e300])
    want = f(value)
    problems = []

    def work():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                f(value)
            except Exception as error:
                problems.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not problems
    with np.errstate(all="raise"):
        got = f(value)
        assert np.geterr()["divide"] == "raise"
    for g, e in zip(got, want):
        np.testing.assert_array_equal(g, e)


def test_results_that_would_be_large():
    column, row = v.dimshuffle(0, "x"), v.dimshuffle("x", 0)
    f = theano.function([v], T.exp(column * row).sum(axis=0))
    for n, compilations in ((60, 0), (70, 1)):
        value = numbers(n) / 10
        np.testing.assert_allclose(f(value), np.exp(np.outer(value, value)).sum(axis=0))
        assert f.fn.executor.compilations == compilations
    flat = (column * row).flatten()
    g = theano.function([v], (flat.dimshuffle(0, "x") * flat.dimshuffle("x", 0)).sum())
    np.testing.assert_allclose(g(np.ones(50)), 50.0**4)
    assert g.fn.executor.compilations == 1
    both([v], [T.alloc(v.sum(), 100, 50).sum(axis=0)], numbers(3), small=False)
    both([v], [T.alloc(v, 10, v.shape[0])], numbers(30))


def test_what_numpy_refuses_is_left_to_xla():
    b, long, i32 = T.bvector("b"), T.lvector("long"), T.ivector("i32")
    f = theano.function([b, long], T.inc_subtensor(b[0], long[0]))
    np.testing.assert_array_equal(f(np.ones(2, "int8"), np.array([300])), np.array([45, 1]))
    g = theano.function([i32, v], T.inc_subtensor(i32[3:], v))
    np.testing.assert_array_equal(g(np.array([1, 2, 3], "int32"), np.ones(0)), [1, 2, 3])
    z = T.zvector("z")
    h = theano.function([z], T.nnet.sigmoid(z))
    np.testing.assert_allclose(h(np.array([1 + 2j])), 1 / (1 + np.exp(-1 - 2j)))
    k = theano.function([v], v + T.alloc(v.sum()), mode=theano.Mode(optimizer="fast_compile"))
    for _ in range(4):
        np.testing.assert_array_equal(k(np.ones(2)), [3, 3])
    assert not k.fn.executor.fallbacks


def test_results_lie_in_order():
    f = theano.function([x], [T.exp(x).T, T.exp(x)[::-1], T.exp(x)[0], T.exp(x.T)])
    got = f(numbers(2, 3))
    assert is_small(f)
    assert all(r.flags.c_contiguous and r.flags.owndata and r.flags.writeable for r in got)
    got[0].shape = (6,)


def test_profiles_and_large_constants():
    f = theano.function([v], T.tanh(v), profile=True)
    f(numbers(3))
    assert not is_small(f)
    both([v], [v.sum() + T.constant(numbers(1000))], numbers(3), small=False)


# ---------------------------------------------------------------- calls with nothing between
def test_calls_of_all_kinds():
    s, k = T.dscalar("s"), T.lscalar("k")
    shared = theano.shared(numbers(3), "shared")
    f = theano.function([v, s, k], [v * s + shared, k * 2, s.dimshuffle("x"), s])
    value, want = numbers(3, seed=1), numbers(3, seed=1) * 0.5 + numbers(3)
    for args in ((value, 0.5, 3), (list(value), np.float32(0.5), np.int8(3)), (value[::-1][::-1], np.array(0.5), 3)):
        for _ in range(2):
            got = f(*args)
            np.testing.assert_allclose(got[0], want)
            assert [r.tolist() for r in got[1:]] == [6, [0.5], 0.5]
            assert not any(np.shares_memory(a, r) for a in args if isinstance(a, np.ndarray) for r in got)
    assert not np.shares_memory(got[2], got[3])
    np.testing.assert_allclose(f.fn.executor.quick(value, 0.5, np.array(3))[0], want)
    for error, *args in (
        (TypeError, numbers(3, 3), 0.5, 3),
        (TypeError, value, 0.5),
        (TypeError, value, 0.5, 3, 4),
        (TypeError, value, 0.5, 2.5),
        (ValueError, None, 0.5, 2),
        (ValueError, numbers(2), 0.5, 3),
    ):
        with pytest.raises(error):
            f(*args)
    shared.set_value(numbers(400))
    before = f.fn.executor.compilations
    np.testing.assert_allclose(f(numbers(400), 0.0, 1)[0], numbers(400))
    assert f.fn.executor.compilations == before + 1
    f.trust_input = True
    np.testing.assert_allclose(f(numbers(400), np.array(0.0), np.array(1))[0], numbers(400))
    g = theano.function([s, v], s * v)
    for trusts in (False, True, False, True):
        g.trust_input = trusts
        for _ in range(3):
            np.testing.assert_array_equal(g(np.array(2.0), value), 2 * value)
            if trusts:
                with pytest.raises(ValueError, match="With trust_input, arguments are not"):
                    g(2.0, value)
            else:
                np.testing.assert_array_equal(g(2.0, value), 2 * value)
        assert g.fn.executor.quick is not None
    assert theano.function([], shared[:2].sum())() == numbers(400)[:2].sum()
    shorter = theano.function([], updates=[(shared, shared[:3] * 2)])
    assert shorter() == shorter() == [] and shared.get_value().shape == (3,)
    assert theano.function([], None)() == theano.function([], [])() == []


@pytest.mark.parametrize(
    "outputs",
    [
        [T.cast(v, "int64") * 2 + 1],
        [T.nnet.sigmoid(v), T.switch(v > 0, v, 1.0), v**3],
        [(e := T.exp(w[0])).dimshuffle("x"), T.tanh(e), v + 1],
        [v.dimshuffle("x", 0), v],
    ],
)
def test_calls_are_answered(outputs):
    f = theano.function([v, w, i], outputs, on_unused_input="ignore")
    args = numbers(3), numbers(3, seed=1), np.array(4)
    first = f(*args)
    again = f.fn.executor.quick(*args)
    assert again is not NotImplemented
    for got, want in zip(again, first, strict=True):
        np.testing.assert_array_equal(got, want)
        assert got.flags.owndata and not any(
            np.shares_memory(got, other) for other in [*args, *again] if other is not got
        )
    executor = theano.function([v, w, i], outputs, on_unused_input="ignore").fn.executor
    for got, want in zip(executor.for_any_shape(list(args)), first, strict=True):
        np.testing.assert_array_equal(got, want)
    assert executor._polymorphic.code(list(args), ()) is not None


def test_lengths_that_are_declared():
    row, stays = T.row("row"), theano.shared(np.ones((1, 3)), broadcastable=(True, False))
    f = theano.function([row], row * 2, updates=[(stays, row * 2)])
    for _ in range(3):
        f(np.ones((1, 3)))
    with pytest.raises(TypeError, match="Non-unit value on shape on a broadcastable dimension"):
        f(np.ones((4, 3)))
    assert stays.get_value().shape == (1, 3)


def test_updates_with_nothing_between():
    a, b = theano.shared(np.zeros(3), "a"), theano.shared(np.zeros(3), "b")
    step = theano.function([v], a.sum(), updates=[(a, a + v), (b, b + 2 * v)])
    both_of = theano.function([], [a, b])
    step(np.ones(3)), both_of()
    assert both_of.fn.executor.quick() is not NotImplemented and step.fn.executor.quick is not None
    torn, done = [], threading.Event()

    def read():
        while not done.is_set():
            first, second = both_of()
            if (2 * first != second).any():
                torn.append((first, second))

    threads = [threading.Thread(target=read)] + [
        threading.Thread(target=lambda: [step(np.ones(3)) for _ in range(500)]) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads[1:]:
        thread.join()
    done.set()
    threads[0].join()
    assert not torn and a.get_value().tolist() == [1001] * 3
    with pytest.raises(ValueError):
        step(np.ones(4))
    assert a.get_value().tolist() == [1001] * 3 and b.get_value().tolist() == [2002] * 3


def test_c_takes_over_at_the_same_call_each_time(monkeypatch):
    from theanojax.runtime.in_c import often

    monkeypatch.setattr(often, "OFTEN", 500)
    monkeypatch.setattr(often, "TAKES_OVER", 2000)  # about 25 for each call, told by sixteen

    def calls():
        f, made = theano.function([v], T.tanh(v) * 3), 0
        while "in C" not in str(f.fn.plan).partition("\n")[0]:
            np.testing.assert_allclose(f(np.ones(3)), np.tanh(np.ones(3)) * 3)
            made += 1
            assert made < 200
        for n in (3, 4):  # in C, and by numpy, which is asked next
            np.testing.assert_allclose(f(np.ones(n)), np.tanh(np.ones(n)) * 3)
        return made

    assert 79 <= calls() <= 97 and calls() == calls()
