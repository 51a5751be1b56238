"""Profiles of calls so short that looking into each would take longer than they do."""

import io
import pickle
import statistics
import threading
import time

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from theanojax.compile.profiling import ProfileStats
from theanojax.config import change_flags
from theanojax.runtime.timing import sampling

a, v = T.dscalar("a"), T.dvector("v")


def profiled(inputs, outputs, **kwargs):
    return theano.function(inputs, outputs, profile=ProfileStats(False, message="f"), **kwargs)


def short():
    return profiled([a], T.exp(a) * 2 + 1)


def light_calls(f):
    return f.profile.recorder.only_timed()[0]


def only_time_most(monkeypatch):
    """Whatever calls take: of those after the first few one in 30 is looked into."""
    monkeypatch.setattr(sampling.Sampling, "_next_gap", lambda self, wall: 0 if self.looked < sampling.ALWAYS else 30)


def text_of(profile):
    file = io.StringIO()
    profile.summary(file)
    return file.getvalue()


@pytest.fixture(params=["numbers", "numpy code", "XLA"])
def program(request, monkeypatch):
    """A function, its argument and the number of its nodes; most calls are only timed whatever they take."""
    only_time_most(monkeypatch)
    if request.param == "numbers":
        return short(), 2.0, 3
    if request.param == "numpy code":
        x = T.dmatrix("x")
        return profiled([x], x.sum(axis=1) + 1), np.ones((500, 600)), 2
    return profiled([v], T.tanh(v).cumsum() + 1), np.arange(5.0), 3


def test_counts_and_totals_are_exact(program):
    f, value, nodes = program
    start = time.perf_counter()
    expected = f(value)
    for _ in range(500):
        np.testing.assert_array_equal(f(value), expected)
    wall = time.perf_counter() - start
    profile = f.profile
    assert light_calls(f) > 300 and profile.fct_callcount == 501
    counts = profile.apply_callcount
    assert sum(len(profile.members(row)) for row in counts) == nodes and set(counts.values()) == {501}
    assert 0 < profile.vm_call_time <= profile.fct_call_time < wall
    rows = sum(profile.apply_time.values()) + sum(profile.other_time.values())
    assert rows == pytest.approx(profile.fct_call_time, rel=1e-6)
    assert 0 < sum(profile.apply_time.values()) < profile.fct_call_time
    assert profile.measuring_time > 0
    text = "%d of the calls are so short that they were only timed; their parts are those of the other %d"
    assert text % (light_calls(f), 501 - light_calls(f)) in text_of(profile)


def test_looking_costs_no_more_than_the_calls():
    f, g = short(), theano.function([a], T.exp(a) * 2 + 1)
    for _ in range(2000):
        f(2.0), g(2.0)
    ratios = []
    for _ in range(41):
        moments = [time.perf_counter()]
        for function in (f, g):
            for _ in range(200):
                function(2.0)
            moments.append(time.perf_counter())
        ratios.append((moments[1] - moments[0]) / (moments[2] - moments[1]))
    assert statistics.median(ratios) < 2
    assert light_calls(f) > 5000 > f.profile.recorder.samplings[0].looked > sampling.ALWAYS


def test_long_calls_are_all_looked_into():
    f = profiled([v], T.sort(v))
    value = np.random.RandomState(3).rand(200_000)
    for _ in range(20):
        f(value)
    assert light_calls(f) == 0 and "only timed" not in text_of(f.profile)


def test_sizes_are_asked_of_each_call():
    with change_flags(profile_memory=True):
        f = short()
        for _ in range(100):
            f(1.0)
        assert light_calls(f) == 0


def test_what_a_call_has_to_make_first_is_no_part_of_it(program):
    f, value, _ = program
    for _ in range(100):
        f(value)
    while len(f._sampling.light) >= f._sampling.gap:
        f(value)
    before, made = f.profile.fct_call_time, f.profile.making_time
    f.fn.executor.plan_anew()
    start = time.perf_counter()
    f(value)
    wall = time.perf_counter() - start
    making = f.profile.making_time - made
    assert 0 < making < wall
    assert f.profile.fct_call_time - before <= wall - making
    n = f.profile.fct_callcount
    f(value)
    assert f.profile.fct_callcount == n + 1 and set(f.profile.apply_callcount.values()) == {n + 1}


def test_another_shape_in_a_call_that_is_only_timed(monkeypatch):
    only_time_most(monkeypatch)
    f = profiled([v], T.tanh(v).cumsum() + 1)
    for _ in range(50):
        f(np.arange(5.0))
    assert len(f._sampling.light) < f._sampling.gap
    for n in range(6, 9):
        f(np.arange(float(n)))
    assert f.profile.fct_callcount == 53 and sum(n for _, n in f.profile.recorder.totals().runs.values()) == 53
    assert {len(f.profile.recorder.runs)} == {4} and f.profile.making["tracing"] > 0


def test_reset_and_pickles(program):
    f, value, _ = program
    for _ in range(200):
        f(value)
    twin = pickle.loads(pickle.dumps(f.profile))
    assert twin.fct_callcount == 200 and twin.fct_call_time == pytest.approx(f.profile.fct_call_time)
    assert sum(twin.apply_time.values()) == pytest.approx(sum(f.profile.apply_time.values()))
    assert set(twin.apply_callcount.values()) == {200}
    f.profile.reset()
    assert f.profile.fct_callcount == 0 and f.profile.fct_call_time == 0 and not f.profile.apply_time
    for _ in range(100):
        f(value)
    assert f.profile.fct_callcount == 100 and set(f.profile.apply_callcount.values()) == {100}


def test_errors_are_not_counted():
    f = profiled([v], T.tanh(v)[3] + 1)
    for i in range(200):
        if i % 10:
            f(np.arange(5.0))
        else:
            with pytest.raises(IndexError):
                f(np.arange(2.0))
    assert f.profile.fct_callcount == 180 and light_calls(f) > 0


def test_threads(program):
    f, value, _ = program
    f(value)
    expected = f(value)

    def work():
        for _ in range(300):
            np.testing.assert_array_equal(f(value), expected)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert f.profile.fct_callcount == 1202 and set(f.profile.apply_callcount.values()) == {1202}


def test_updates(monkeypatch):
    only_time_most(monkeypatch)
    s = theano.shared(np.zeros(5), "s")
    f = profiled([a], s.sum(), updates=[(s, s + a)])
    for _ in range(200):
        f(1.0)
    assert s.get_value().tolist() == [200.0] * 5 and f.profile.fct_callcount == 200 and light_calls(f) > 100


def test_a_mode_counts_all_calls():
    mode = theano.ProfileMode()
    f = theano.function([a], T.exp(a) * 2 + 1, mode=mode)
    for _ in range(300):
        f(1.0)
    file = io.StringIO()
    mode.print_summary(file=file)
    assert "300 Theano fct call" in file.getvalue()
    f(1.0)
    file = io.StringIO()
    mode.print_diff_summary(file=file)
    assert "\n1 Theano fct call" in file.getvalue()


def test_a_function_that_is_called_in_another():
    inner = short()
    op = theano.compile.ops.as_op([T.dscalar], [T.dscalar])(lambda value: np.asarray(inner(value)))
    outer = profiled([a], op(a))
    for _ in range(100):
        outer(1.0)
    assert inner.profile.fct_callcount == outer.profile.fct_callcount == 100


def test_a_call_that_is_only_timed_and_broken_off_leaves_nothing(monkeypatch):
    only_time_most(monkeypatch)

    @theano.compile.ops.as_op([T.dvector], [T.dvector])
    def positive(value):
        if value[0] < 0:
            raise ValueError("negative")
        return value

    f = profiled([v], positive(T.tanh(v).cumsum()) * 2)
    for _ in range(20):
        f(np.ones(3))
    with pytest.raises(ValueError, match="negative"):
        f(-np.ones(4))  # in XLA, another shape is a new executable
    f(np.ones(3))
    assert f.profile.fct_callcount == 21 and light_calls(f) > 5
    assert set(f.profile.apply_callcount.values()) == {21}


def test_profiles_with_their_rewrites_are_pickled():
    with change_flags(profile=True, profile_optimizer=True):
        f = theano.function([a], T.exp(a) * 2 + 1)
    ProfileStats.shown_at_exit.remove(f.profile)
    f(1.0)
    twin = pickle.loads(pickle.dumps(f))
    twin(1.0)
    copied = pickle.loads(pickle.dumps(f.profile))
    told = text_of(copied).partition("Optimizer Profile")[2]
    assert "canonicalize" in told and told.split() == text_of(f.profile).partition("Optimizer Profile")[2].split()
