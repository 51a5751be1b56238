"""On a device, nothing goes back and forth."""

from contextlib import nullcontext

import numpy as np
import pytest

import theano
import theano.tensor as T
from tests.on_device.count import Transfers
from theanojax.graph.cells import on_device, raw

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore")]
rng = np.random.RandomState(7)
X, Y = rng.randn(1000, 30).astype("float32"), rng.randint(0, 5, 1000).astype("int32")


def where(shared):
    value = raw(shared.container.storage, 0)
    return next(iter(value.devices())) if on_device(value) else "host"


def classifier():
    """A network on data in shared variables: (index, cost, updates, shared variables)."""
    x, y = theano.shared(X, "X"), theano.shared(Y, "Y")
    w1, b1 = (
        theano.shared(0.1 * rng.randn(30, 20).astype("float32"), "w1"),
        theano.shared(np.zeros(20, "float32"), "b1"),
    )
    w2, rate = theano.shared(0.1 * rng.randn(20, 5).astype("float32"), "w2"), theano.shared(np.float32(0.1), "rate")
    index = T.lscalar("index")
    rows = slice(index * 100, (index + 1) * 100)
    hidden = T.tanh(T.dot(x[rows], w1) + b1)
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(T.dot(hidden, w2)), y[rows]).mean()
    parameters = [w1, b1, w2]
    updates = [(p, p - rate * g) for p, g in zip(parameters, T.grad(cost, parameters))]
    return index, cost, updates, [x, y, rate, *parameters]


@pytest.fixture
def transfers():
    with Transfers() as counted:
        yield counted


def test_a_training_loop_sends_the_index_and_fetches_the_cost(transfers):
    index, cost, updates, shared = classifier()
    train = theano.function([index], cost, updates=updates)
    costs = [float(train(i)) for i in range(2)]
    transfers.begin()
    costs += [float(train(i % 10)) for i in range(2, 50)]
    assert all(n <= 8 for n in transfers.sent) and len(transfers.sent) <= 48
    assert transfers.fetched == [4] * 48
    assert costs[-1] < costs[0] and "host" not in map(where, shared)
    assert not train.fn.executor.fallbacks and train.fn.executor._host is None


def test_a_function_that_only_updates_passes_nothing_and_waits_for_nothing(transfers):
    _, cost, updates, shared = classifier()
    index = updates[0][0]  # any; the rows are all
    x, y, rate, w1, b1, w2 = shared
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(T.dot(T.tanh(T.dot(x, w1) + b1), w2)), y).mean()
    step = theano.function([], updates=[(p, p - rate * g) for p, g in zip([w1, b1, w2], T.grad(cost, [w1, b1, w2]))])
    assert index is w1
    for _ in range(2):
        step()
    before = w1.get_value()
    transfers.begin()
    for _ in range(20):
        step()
    assert (transfers.sent, transfers.fetched, transfers.waits) == ([], [], 0)
    assert not np.allclose(w1.get_value(), before)


def test_results_are_fetched_together(transfers):
    x = T.fmatrix("x")
    f = theano.function([x], [x.sum(0), x.sum(1), x * 2])
    f(X)
    transfers.begin()
    results = f(X)
    assert transfers.begun == transfers.fetched == [r.nbytes for r in results] and transfers.sent == [X.nbytes]


def test_the_answer_of_a_guard_comes_with_the_results(transfers):
    x, i = T.fvector("x"), T.lvector("i")
    f = theano.function([x, i], x[i].sum())
    f(X[0], [1, 2])
    transfers.begin()
    f(X[0], [3, -4])
    assert sorted(transfers.fetched) in ([4], [1, 4])
    with pytest.raises(IndexError):
        f(X[0], [30, 1])


def test_new_shapes_are_compiled_and_never_left_to_numpy():
    x = T.fvector("x")
    f = theano.function([x], T.tanh(x).sum())
    for n in range(1, theano.config.specializations + 6):
        f(X[0, :n])
    assert f.fn.executor.compilations == theano.config.specializations + 5
    assert f.fn.executor._polymorphic is None


def test_loops_of_new_lengths_stay_on_the_device(transfers):
    w = theano.shared(0.1 * np.eye(30, dtype="float32"), "w")
    total = theano.shared(np.zeros(30, "float32"), "total")
    steps = T.iscalar("steps")
    states, _ = theano.scan(lambda h: T.tanh(T.dot(h, w) + 1), outputs_info=total, n_steps=steps)
    f = theano.function([steps], updates=[(total, states[-1])])
    for n in range(2, theano.config.specializations + 8):
        f(n)
    assert f.fn.executor._polymorphic is None and f.fn.executor._host is None
    transfers.begin()
    f(5)
    assert sum(transfers.sent) <= 8 and transfers.fetched == [] and where(total) != "host"


def test_numbers_that_are_shared_stay(transfers):
    rate, x = theano.shared(np.float32(1.0), "rate"), T.fvector("x")
    decay = theano.function([], updates=[(rate, rate * np.float32(0.5))])
    use = theano.function([x], x * rate)
    for _ in range(3):
        decay()
    transfers.begin()
    for _ in range(3):
        decay()
    assert (transfers.sent, transfers.fetched) == ([], [])
    np.testing.assert_array_equal(use(np.ones(2, "float32")), np.full(2, 0.5**6, "float32"))
    assert where(rate) != "host"


def test_a_value_that_is_set_is_sent_once_and_reading_a_copy_leaves_it(transfers):
    w, x = theano.shared(X, "w"), T.fvector("x")
    f = theano.function([x], T.dot(x, w))
    row = np.ones(1000, "float32")
    for value in (X, 2 * X):
        w.set_value(value)
        transfers.begin()
        for _ in range(3):
            np.testing.assert_allclose(f(row), value.sum(0), rtol=1e-4, atol=1e-3)
            np.testing.assert_array_equal(w.get_value(), value)
        assert [n for n in transfers.sent if n > row.nbytes] == [X.nbytes] and where(w) != "host"


def test_who_borrows_a_value_may_write_into_it():
    w = theano.shared(X.copy(), "w")
    f = theano.function([], w.sum())
    f()
    borrowed = w.get_value(borrow=True)
    borrowed[...] = 1
    assert f() == X.size
    own = X.copy()
    w.set_value(own, borrow=True)
    f()
    w.set_value(own * 0)
    assert f() == 0


def test_a_value_set_during_a_call_is_not_lost(monkeypatch):
    from theanojax.runtime.xla import stage

    w = theano.shared(np.ones(100, "float32"), "w")
    f = theano.function([], w.sum())
    wait = stage.wait

    def wait_late(array):
        wait(array)
        w.set_value(np.full(100, 2, "float32"))

    monkeypatch.setattr(stage, "wait", wait_late)
    assert f() == 100
    monkeypatch.setattr(stage, "wait", wait)
    assert f() == 200


def test_what_only_the_host_can_do_is_said():
    x = T.fvector("x")
    with theano.change_flags(assert_no_cpu_op="raise"), pytest.raises(AssertionError, match="The Op .* is on CPU."):
        theano.function([x], x.nonzero()[0] + 1)(X[0])
    with theano.change_flags(assert_no_cpu_op="raise"):
        f = theano.function([x], T.tanh(x))
        with pytest.raises(AssertionError, match="The Op .* is on CPU."):  # as in Theano before it is called
            theano.function([x], x.nonzero()[0] + 1)
    f(X[0])


def test_what_only_the_host_can_do_is_warned_of_once(caplog):
    x = T.fvector("x")
    with theano.change_flags(assert_no_cpu_op="warn"):
        f = theano.function([x], x.nonzero()[0] + 1)
        f(X[0])
    assert [r.message.partition("(")[0] for r in caplog.records] == ["CPU Op Nonzero"]


@pytest.mark.parametrize("told", [None, "bfloat16"])
def test_products_have_all_digits_unless_jax_is_told_otherwise(told):
    import jax

    x, images = T.fmatrix("x"), T.ftensor4("images")
    outputs = [T.dot(x, x), T.nnet.conv2d(images, images)]
    with jax.default_matmul_precision(told) if told else nullcontext():
        f = theano.function([x, images], outputs)
        f(X[:30], X[:4, :25].reshape(4, 1, 5, 5))
        (traced,) = f.fn.traced
    assert str(traced.jaxpr).count("Precision.HIGHEST") == (0 if told else 4)  # of two factors each


def test_more_determinism():
    x, i = T.fvector("x"), T.lvector("i")
    with theano.change_flags(deterministic="more"):
        f = theano.function([x, i], T.inc_subtensor(x[i], 1))
        np.testing.assert_array_equal(f(np.zeros(3, "float32"), [1, 1, 2]), [0, 2, 1])
