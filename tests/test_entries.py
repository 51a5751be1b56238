"""Calls that run in C from the arguments to the results: the same answers and errors as ever, whatever comes."""

import gc
import threading
import weakref

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from tests.test_in_c import ROWS, WIDTH, numbers, stepped, table_and_step
from theanojax.config import config
from theanojax.graph.cells import raw

pytestmark = pytest.mark.skipif(not config.cxx, reason="no C++ compiler")

v, w, x = T.dvector("v"), T.dvector("w"), T.dmatrix("x")
OFTEN = 7  # calls, after which C has taken over


def quick(f):
    return f.fn.executor.quick


def entered(f, *args):
    """`f`, after so many calls that they run in C."""
    for _ in range(OFTEN):
        f(*args)
    assert quick(f) is not None
    return f


class Counting:
    """Stands for what runs calls in C, and counts how many it has answered."""

    def __init__(self, f):
        self.entry, self.answered = quick(f), 0
        f.fn.executor.quick = self

    def __call__(self, *args):
        result = self.entry(*args)
        self.answered += result is not NotImplemented
        return result


def test_the_form_of_results(soon):
    value = numbers(4)
    one = entered(theano.function([v], T.tanh(v)), value)
    np.testing.assert_allclose(one(value), np.tanh(value))
    listed = entered(theano.function([v], [T.tanh(v)]), value)
    assert type(listed(value)) is list and len(listed(value)) == 1
    two = entered(theano.function([v], [T.tanh(v), T.exp(v).cumsum()]), value)
    got = two(value)
    np.testing.assert_allclose(got[0], np.tanh(value))
    np.testing.assert_allclose(got[1], np.exp(value).cumsum())
    assert all(r.flags.owndata and r.flags.writeable for r in got)
    s = theano.shared(np.zeros(4))
    nothing = entered(theano.function([v], updates=[(s, T.tanh(s + v))]), value)
    assert nothing(value) == entered(theano.function([v], [], updates=[(s, T.tanh(s + v))]), value)(value)


def test_arguments_of_other_kinds(soon):
    s = theano.shared(numbers(4), "s")
    f = entered(theano.function([v, w], T.tanh(v * s + w)), numbers(4), numbers(4))
    counting = Counting(f)
    a, b = numbers(4, seed=1), numbers(4, seed=2)
    want = np.tanh(a * s.get_value() + b)
    np.testing.assert_allclose(f(a, b), want)
    assert counting.answered == 1
    swapped = a.astype(a.dtype.newbyteorder())
    for given in (list(a), np.repeat(a, 3)[::3], swapped, np.ma.array(a)):
        np.testing.assert_allclose(f(given, b), want)
    np.testing.assert_allclose(f(a.astype("float32"), b), want, rtol=1e-6)
    np.testing.assert_allclose(f(v=a, w=b), want)
    assert counting.answered == 1
    for error, *bad in ((TypeError, a), (TypeError, a, b, a), (TypeError, a.reshape(2, 2), b), (ValueError, a, b[:3])):
        with pytest.raises(error):
            f(*bad)
    for bad in (a.astype("complex128"), np.frombuffer(b"_" + a.tobytes(), offset=1)):
        with pytest.raises(TypeError):
            f(bad, b)
    np.testing.assert_allclose(f(a, b), want)


@pytest.mark.parametrize(
    ("dtype", "good", "others"),
    [
        ("float64", [0.5, float("nan"), float("-inf"), 5e-324], [1, True, np.float32(2)]),
        ("int64", [3, -3, 2**63 - 1, -(2**63)], [np.int8(3), True]),
        ("int8", [-128, 127], [np.int8(3)]),
        ("uint8", [0, 255], [np.uint8(3)]),
        ("float32", [], [np.float32(1.5), 2]),
    ],
)
def test_python_numbers(soon, dtype, good, others):
    number = T.scalar("number", dtype)
    f = theano.function([number, v], [number + T.cast(0 * v.sum(), dtype), v.cumsum()])
    entered(f, np.ones((), dtype), numbers(3))
    counting = Counting(f)
    for value in good + others:
        got = f(value, numbers(3))[0]
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, np.array(value, dtype) + np.zeros((), dtype))
    assert counting.answered >= len(good)
    if dtype[0] in "iu":
        info = np.iinfo(dtype)
        for value in (info.max + 1, info.min - 1, 10**30, 0.5):
            with pytest.raises((TypeError, OverflowError)):
                f(value, numbers(3))
    assert counting.answered == len(good) + sum(isinstance(o, np.ndarray) for o in others)


def test_arguments_that_their_types_look_into(soon):
    class Positive(T.TensorType):
        def filter(self, data, strict=False, allow_downcast=None):
            data = super().filter(data, strict, allow_downcast)
            if (data <= 0).any():
                raise ValueError("not positive")
            return data

    p = Positive("float64", (False,))("p")
    f = theano.function([p], T.sqrt(p).cumsum())
    for _ in range(OFTEN):
        f(np.ones(3))
    assert quick(f) is None
    with pytest.raises(ValueError, match="not positive"):
        f(np.array([1.0, -1.0, 1.0]))
    row = T.drow("row")
    g = entered(theano.function([row], T.tanh(row).cumsum()), np.ones((1, 3)))
    with pytest.raises(TypeError):
        g(np.ones((3, 3)))
    s = theano.function([theano.In(v, strict=True)], T.tanh(v).cumsum())
    entered(s, np.ones(3))
    with pytest.raises(TypeError):
        s([1.0, 2.0, 3.0])


def test_several_shapes(soon):
    f = theano.function([x], [T.tanh(x).cumsum(axis=0), x.sum()])
    shapes = [(2, 3), (3, 2), (1, 1), (4, 5)]
    for shape in shapes:
        entered(f, numbers(*shape))
    counting = Counting(f)
    for shape in shapes * 2:
        value = numbers(*shape, seed=3)
        np.testing.assert_allclose(f(value)[0], np.tanh(value).cumsum(axis=0))
    assert counting.answered == 8
    np.testing.assert_allclose(f(np.ones((7, 1)))[0], np.tanh(np.ones((7, 1))).cumsum(axis=0))
    assert counting.answered == 8


def test_shared_variables_that_are_set(soon):
    s = theano.shared(numbers(4), "s")
    f = entered(theano.function([v], T.tanh(v * s)), numbers(4))
    grow = entered(theano.function([], s.sum(), updates=[(s, T.tanh(s) + 1)]))
    mine = s.get_value()
    for k in range(6):
        if k % 3 == 2:
            mine = numbers(4, seed=k)
            s.set_value(mine)
        np.testing.assert_allclose(grow(), mine.sum())
        mine = np.tanh(mine) + 1
        np.testing.assert_allclose(f(mine), np.tanh(mine * mine))
    s.set_value(numbers(5))
    np.testing.assert_allclose(f(np.ones(5)), np.tanh(numbers(5)))
    with pytest.raises(ValueError):
        f(np.ones(4))


def test_an_index_beyond_the_end(soon):
    s, i = theano.shared(np.zeros(3), "s"), T.lvector("i")
    f = entered(theano.function([v, i], v[i].cumsum(), updates=[(s, s + v.cumsum())]), np.ones(3), np.array([0, 2]))
    counting = Counting(f)
    before = s.get_value()
    for bad in ([0, 3], [-4, 0], [2**40, 0]):
        with pytest.raises(IndexError):
            f(np.ones(3), np.array(bad))
    np.testing.assert_array_equal(s.get_value(), before)
    np.testing.assert_array_equal(f(np.arange(3.0), np.array([-1, -3])), [2, 2])
    assert counting.answered == 1
    np.testing.assert_array_equal(s.get_value(), before + [0, 1, 3])


def test_a_table_is_updated_where_it_lies(soon):
    table, step = table_and_step(0.1)
    mine, rng = table.get_value(), np.random.RandomState(3)
    for k in range(24):
        index, target = rng.randint(-ROWS, ROWS, size=20), rng.normal(size=(20, WIDTH))
        if k % 5 == 4:
            index[3] = index[4]
        held = raw(table.container.storage, 0)
        cost, mine = stepped(mine, index, target, 0.1)
        np.testing.assert_allclose(step(index, target), cost, rtol=1e-12)
        assert k < 11 or isinstance(held, np.ndarray) or held.is_deleted()
        if k in (9, 15):
            kept = table.get_value(borrow=True)
            np.testing.assert_allclose(kept, mine, rtol=1e-12)
        if k in (10, 16):
            assert not np.allclose(kept, mine)
        if k == 10:
            counting = Counting(step)
    assert counting.answered == 12
    np.testing.assert_allclose(table.get_value(), mine, rtol=1e-12)
    before = table.get_value()
    with pytest.raises(IndexError):
        step(np.full(20, ROWS), np.zeros((20, WIDTH)))
    np.testing.assert_array_equal(table.get_value(), before)


def test_a_table_that_another_function_has_made_longer_or_shorter(soon):
    table, i = theano.shared(numbers(600, 16), "table"), T.lvector("i")
    f = theano.function([i], [table.sum(), T.tanh(table[i]).sum()], updates=[(table, T.inc_subtensor(table[i], 1.0))])
    grow = theano.function([], [], updates=[(table, T.concatenate([T.tanh(table), table]))])
    cut = theano.function([], [], updates=[(table, T.tanh(table)[:500])])
    entered(f, np.array([1, 2]))
    for change, rows in ((grow, 1200), (cut, 500), (grow, 1000)):
        change()
        want = table.get_value()
        change_it = rows - 1
        total, part = f(np.array([change_it, 0]))
        assert len(want) == rows
        np.testing.assert_allclose([total, part], [want.sum(), np.tanh(want[[change_it, 0]]).sum()])
        want[[change_it, 0]] += 1
        np.testing.assert_allclose(table.get_value(), want)
        with pytest.raises(IndexError):
            f(np.array([rows, 0]))


def test_values_that_are_set_while_a_call_begins(soon):
    n = 20000
    s = theano.shared(np.zeros(n), "s")
    f = entered(theano.function([v], [(s * v).cumsum()[-1:], T.tanh(v[:3])]), np.ones(n))

    class Dropped:
        def __init__(self):
            self.me = self

        def __del__(self):
            s.set_value(np.full(n, 5.0), borrow=True)

    before, seen = gc.get_threshold(), set()
    gc.freeze()  # what other tests have left, which it would take half a second to go through
    try:
        for k in range(60):
            gc.disable()
            gc.collect()
            s.set_value(np.full(n, -1.0), borrow=True)
            hold = [[] for _ in range(200)]  # all lists that Python keeps for later
            Dropped()
            gc.set_threshold(1 + k % 5, 1000, 1000)
            gc.enable()
            seen.add(f(np.ones(n))[0][0] / n)
            del hold
    finally:
        gc.set_threshold(*before)
        gc.enable()
        gc.unfreeze()
    assert seen <= {-1.0, 5.0}


def test_arguments_that_are_not_read_are_looked_at(soon):
    row, number = T.drow("row"), T.dscalar("number")
    f = theano.function([v, row, number], T.tanh(v).cumsum() * row.shape[0] + 0 * number)
    for _ in range(OFTEN):
        f(np.ones(3), np.ones((1, 3)), 1.0)
    for bad in ((np.ones((3, 3)), 1.0), ("garbage", 1.0), (np.ones((1, 3)), [1, 2])):
        with pytest.raises((TypeError, ValueError)):
            f(np.ones(3), *bad)
    trusting = theano.function([v, number], [T.tanh(v).cumsum() * number])
    trusting.trust_input = True
    entered(trusting, np.ones(3), np.array(2.0))
    with pytest.raises(ValueError, match="expected an ndarray"):
        trusting(np.ones(3), 2.0)


def test_threads(soon):
    s, t = theano.shared(np.zeros(3), "s"), theano.shared(np.zeros(3), "t")
    f = entered(theano.function([v], (s - t).sum(), updates=[(s, s + v.cumsum()), (t, t + v.cumsum())]), np.ones(3))
    look = entered(theano.function([], T.tanh(s - t).cumsum()))
    counting = Counting(f)
    problems = []

    def work(k):
        for _ in range(400):
            if k % 2:
                problems.extend(np.flatnonzero(look()))
            elif f(np.ones(3)) != 0:
                problems.append("f")

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not problems and counting.answered == 800
    np.testing.assert_array_equal(s.get_value(), (800 + OFTEN) * np.array([1.0, 2.0, 3.0]))


def test_profiles_and_new_plans(soon):
    f = entered(theano.function([v], T.tanh(v).cumsum()), numbers(3))
    f.fn.executor.plan_anew()
    assert quick(f) is None
    entered(f, numbers(3))
    profiled = theano.function([v], T.tanh(v).cumsum(), profile=True)
    for _ in range(OFTEN):
        profiled(numbers(3))
    assert quick(profiled) is None and profiled.profile.fct_callcount == OFTEN


def test_what_is_dropped_goes(soon):
    s = theano.shared(np.zeros(3), "s")
    f = entered(theano.function([v], T.tanh(v).cumsum(), updates=[(s, T.tanh(s + v))]), numbers(3))
    gone = weakref.ref(f), weakref.ref(s)
    del f, s
    gc.collect()
    assert [r() for r in gone] == [None, None]
