"""Programs of small loops run in the thread that calls them (runtime/xla/small.py), and mean the same."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import jax

import theanojax
import theanojax.tensor as T
from theanojax.runtime.xla import platform, small

pytestmark = pytest.mark.skipif(not platform.threads_small_loops, reason="a quirk of XLA's CPU runtime")

x = T.dvector("x")
VALUES = np.linspace(-1.0, 1.0, 500)


def many(v):
    """Sums that do not wait for each other."""
    return [T.exp(k * v).sum() * T.tanh(v / k) for k in range(1, 8)]


def special(f):
    """What the calls of a function with one kind of arguments run."""
    (stage,) = f.fn.executor._program.all_stages()
    (ready,) = stage.ready.values()
    return ready.special


def check(f, outputs, *values):
    expected = theanojax.function([x], outputs, mode=theanojax.Mode("py", None))(*values)
    for got, wanted in zip(f(*values), expected):
        np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_numpy_arguments_are_computed_where_the_call_is():
    f = theanojax.function([x], many(x))
    check(f, many(x), VALUES)
    assert f.fn.executor.compilations == 1
    assert special(f).here is not None
    (device,) = special(f).here(VALUES)[0].devices()
    assert device.client is not jax.devices()[0].client
    assert device not in jax.devices() and len(jax.devices()) == jax.device_count()
    results = f(VALUES)
    assert all(r.flags.writeable and r.base is None for r in results)


def test_another_shape_has_its_own_executable():
    f = theanojax.function([x], many(x))
    for n in (500, 7, 0, 3000):
        check(f, many(x), VALUES[:n] if n <= 500 else np.linspace(0, 1, n))


def test_what_grows_large_is_left_to_jax():
    outputs = [T.dot(x, T.tanh(x.dimshuffle(0, "x") * x)).sum()]
    f = theanojax.function([x], outputs)
    built = []
    for n in (5, 6, 300, 200, 4):
        check(f, outputs, VALUES[:n])
        built.append(f.fn.executor.compilations)
    (stage,) = f.fn.executor._program.all_stages()
    found = {shapes[0][0]: ready.special.here is not None for (_, shapes), ready in stage.ready.items()}
    assert found == {5: True, 6: True, 300: False, 200: False, 4: True} and built == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "make, value",
    [
        (lambda: T.dot(x, x.dimshuffle(0, "x") * x).sum(), VALUES),  # what lies between is large
        (lambda: T.exp(x).sum(), np.zeros(small.MOST_READ + 1)),
        (lambda: theanojax.scan(lambda s: s * 1.5 + x.sum(), outputs_info=x[0], n_steps=50)[0], VALUES),
    ],
    ids=["between", "argument", "loop"],
)
def test_others_are_left_to_jax(make, value):
    f = theanojax.function([x], make())
    f(value)
    assert special(f).here is None


def test_shared_values_are_taken_wherever_they_lie():
    shared = theanojax.shared(np.full(500, 2.0))
    f = theanojax.function([x], many(x * shared))
    first = f(VALUES)
    assert special(f).here is not None
    step = theanojax.function([], updates=[(shared, shared + 1)])
    step()  # which may leave its value on jax's device
    check(f, many(x * 3.0), VALUES)
    shared.set_value(np.full(500, 2.0))
    for got, wanted in zip(f(VALUES), first):
        np.testing.assert_array_equal(got, wanted)


def test_updates_are_not_computed_there():
    shared = theanojax.shared(VALUES)
    f = theanojax.function([x], many(x), updates=[(shared, shared + T.tanh(x))])
    f(VALUES)
    assert special(f).here is None
    np.testing.assert_allclose(shared.get_value(), VALUES + np.tanh(VALUES))


def test_large_constants_lie_there_too():
    table = np.arange(10000.0).reshape(500, 20)
    f = theanojax.function([x], [T.dot(x, table), *many(x)])
    np.testing.assert_allclose(f(VALUES)[0], VALUES.dot(table), atol=1e-9)
    assert special(f).here is not None


@pytest.mark.parametrize("index", ["i", "v"], ids=["a number", "an array"])
def test_guards(index):
    i = T.iscalar("i") if index == "i" else T.ivector("i")
    f = theanojax.function([x, i], [x[i] * 2, *many(x)])
    good = 3 if index == "i" else np.array([3, -1], "int32")
    for _ in range(2):
        np.testing.assert_allclose(f(VALUES, good)[0], VALUES[good] * 2)
    assert special(f).here is not None
    with pytest.raises(IndexError):
        f(VALUES, 500 if index == "i" else np.array([3, 500], "int32"))
    np.testing.assert_allclose(f(VALUES, good)[0], VALUES[good] * 2)


def test_threads():
    f = theanojax.function([x], many(x))
    expected = {k: f(VALUES * k) for k in range(4)}
    with ThreadPoolExecutor(4) as pool:
        for k, got in zip(range(200), pool.map(lambda k: f(VALUES * (k % 4)), range(200))):
            for a, b in zip(got, expected[k % 4]):
                np.testing.assert_array_equal(a, b)


def test_without_a_place_of_our_own(monkeypatch):
    monkeypatch.setattr(small, "here", lambda: None)
    f = theanojax.function([x], many(x))
    check(f, many(x), VALUES)
    assert special(f).here is None


def test_what_runs_can_be_looked_at():
    f = theanojax.function([x], many(x))
    f(VALUES)
    (traced,) = f.fn.traced
    assert "fusion" in traced.lower().compile().as_text()
    assert f.fn.executor.compilations == 1
