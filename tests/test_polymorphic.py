"""Functions that see more shapes than are worth an executable each: loops run by XLA at any length."""

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.scan_module import until
from theanojax.runtime.host import HostExecutor
from theanojax.runtime.policy import background


@pytest.fixture(autouse=True)
def strict():
    with theano.change_flags(xla_strict=True):
        yield


@pytest.fixture
def never_specialised():
    with theano.change_flags(specializations=0):
        yield


x, m = T.dvector("x"), T.dmatrix("m")
k = T.iscalar("k")
DATA = np.random.RandomState(5).uniform(-1, 1, (40, 3))


def on_host(f, *args):
    """What the host executor makes of the same call."""
    graph = f.fn.executor.fgraph
    values = [v.type.filter(a) for v, a in zip(graph.inputs, args)]
    values += [c.value for c in f.input_storage[len(args) :]]
    return HostExecutor(graph)([np.asarray(v) for v in values])


def agrees(f, *args):
    want = on_host(f, *args)
    got = f(*args)
    for a, b in zip(got if isinstance(got, list) else [got], want):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def kernels(f):
    return f.fn.executor.kernel_count


# ---------------------------------------------------------------- an LSTM on sentences of 200 lengths
def lstm(units, features):
    """(training function, its parameters): one step of descent for a sentence and the wanted last state."""
    rng = np.random.RandomState(2)
    W, U = [theano.shared(rng.uniform(-0.5, 0.5, (n, 4 * units))) for n in (features, units)]
    b, zero = theano.shared(np.zeros(4 * units)), theano.shared(np.zeros(units))
    sentence, target = T.dmatrix("sentence"), T.dvector("target")

    def cell(x, h, c, U, b):
        z = x + T.dot(h, U) + b
        i, f, o = [T.nnet.sigmoid(z[j * units : (j + 1) * units]) for j in range(3)]
        c = f * c + i * T.tanh(z[3 * units :])
        return o * T.tanh(c), c

    (h, _), _ = theano.scan(cell, T.dot(sentence, W), [zero, zero], [U, b])
    cost = T.mean((h[-1] - target) ** 2)
    parameters = [W, U, b]
    updates = [(p, p - 0.2 * g) for p, g in zip(parameters, T.grad(cost, parameters))]
    return theano.function([sentence, target], cost, updates=updates), parameters


def test_lstm_trains_on_200_lengths_with_six_executables():
    rng = np.random.RandomState(3)
    sentences = [rng.normal(size=(n, 3)) for n in rng.permutation(np.arange(5, 205))]
    wanted = [0.5 * np.tanh(s[-4:].mean(0)[[0, 1, 2, 0]]) for s in sentences]
    train, parameters = lstm(units=4, features=3)
    costs = []
    for epoch in range(3):
        costs.append(0.0)
        for i, (s, y) in enumerate(zip(sentences, wanted)):
            if i % 40 == epoch:
                want = on_host(train, s, y)
            cost = float(train(s, y))
            costs[-1] += cost
            if i % 40 == epoch:
                np.testing.assert_allclose(cost, want[0], rtol=1e-9)
                for p, v in zip(parameters, want[1:]):
                    np.testing.assert_allclose(p.get_value(), v, rtol=1e-9, atol=1e-12)
    assert costs[2] < costs[1] < costs[0]
    executor = train.fn.executor
    assert not executor.fallbacks
    # Two lengths were compiled at once; then the loop and its gradient, each for up to 256 steps or fewer.
    assert executor.compilations == 2
    assert kernels(train) <= 4


def test_a_length_that_comes_back_is_compiled_in_the_background():
    f = theano.function([m], theano.scan(lambda r, s: T.tanh(s + r), m, T.zeros_like(m[0]))[0][-1])
    for n in (4, 5, 6, 7):
        agrees(f, DATA[:n])
    assert f.fn.executor.compilations == 2 and kernels(f) == 1
    patience = f.fn.executor._program.simple[0].patience
    (signature,) = [s for s in patience.spent if s[1][0] == (7, 3)]
    patience.spent[signature] = 1e6  # as if it had come back often
    agrees(f, DATA[:7])
    background.wait()
    assert f.fn.executor.compilations == 3
    agrees(f, DATA[:7])
    assert signature not in patience.spent
    agrees(f, DATA[:6])
    assert f.fn.executor.compilations == 3 and kernels(f) == 1


def test_executables_from_the_background_update_shared_variables_in_place():
    total, count = theano.shared(np.zeros((50, 50))), theano.shared(np.int64(0))
    with theano.change_flags(specializations=1):
        f = theano.function([x], total.sum(), updates=[(total, total + x.sum()), (count, count + 1)])
        f(np.ones(2)), f(np.ones(3))
        patience = f.fn.executor._program.simple[0].patience
        patience.spent[next(iter(patience.spent))] = 1e6
        f(np.ones(3))
        background.wait()
        assert f.fn.executor.compilations == 2
        for calls in range(4, 8):
            assert f(np.ones(3)) == 2500 * (3 * calls - 4)
            assert count.get_value() == calls and total.get_value()[0, 0] == 3 * calls - 1
        assert len(patience.spent) == 0


def test_a_slow_host_gets_the_usual_number_of_executables():
    f = theano.function([m], theano.scan(lambda r, s: T.tanh(s + r), m, T.zeros_like(m[0]))[0][-1])
    for n in (4, 5):
        f(DATA[:n])
    patience = f.fn.executor._program.simple[0].patience
    assert patience.full()
    patience.note_host_call("any", 1e6)
    f(DATA[:6])
    assert f.fn.executor.compilations == 3


# ---------------------------------------------------------------- every kind of loop, at many lengths
def _sums(m):
    return theano.scan(lambda r, s: s + r, m, T.zeros_like(m[0]))[0]


def _taps(m):
    return theano.scan(
        lambda a, b, p, q: p * 0.5 + q * a - b, [{"input": m, "taps": [0, 2]}], {"initial": m[:3], "taps": [-1, -3]}
    )[0]


def _weights(m):
    """The gradient of a weight that cannot be summed outside the loop."""
    w = T.dvector("w")
    states, _ = theano.scan(lambda r, s, w: T.tanh(w * s + r * w**2), m, T.zeros_like(m[0]), w)
    cost = (states**2).sum() + states[-1].sum()
    return theano.clone(T.as_tensor_variable(T.grad(cost, w)), {w: m.sum(axis=0) / 10})


def _gradients(m):
    first, _ = theano.scan(lambda r, p, q: T.sin(p * r) + 0.5 * q, m, {"initial": m[:2], "taps": [-1, -2]})
    return T.grad((first**2).sum(), m)


def _second_order(m):
    h = theano.scan(lambda r, s: T.tanh(s * r), m, T.ones_like(m[0]))[0][-1]
    return T.grad((T.grad(h.sum(), m) ** 2).sum(), m)


def _no_state(m):
    """Rows of matrices, which no rewrite turns into one operation."""
    return theano.scan(lambda r: T.sort(r).cumsum() * r.sum(), m)[0]


def _until(m):
    return theano.scan(lambda r, s: (s + abs(r), until((s + abs(r)).sum() > 6)), m, T.zeros_like(m[0]))[0]


def _last_rows(m):
    return theano.scan(lambda r, s: s * 0.9 + r, m, T.zeros_like(m[0]))[0][-3:]


def _nested(m):
    def step(r, s):
        return theano.scan(lambda e, p: T.tanh(p + e * s), r, T.zeros_like(s))[0][-1]

    return theano.scan(step, m, T.zeros_like(m[0]))[0]


def _length_inside(m):
    """An attention over the whole sequence in each step."""

    def step(r, s, m):
        return T.dot(T.nnet.softmax(T.dot(m, r + s).dimshuffle("x", 0)), m)[0]

    return theano.scan(step, m, T.zeros_like(m[0]), m)[0]


LOOPS = [_sums, _taps, _weights, _gradients, _second_order, _no_state, _until, _last_rows, _nested, _length_inside]


@pytest.mark.parametrize("loop", LOOPS)
def test_results_are_exact_at_every_length(loop, never_specialised):
    f = theano.function([m], loop(m))
    for n in (5, 40, 4, 6, 17, 39):
        agrees(f, DATA[:n])
    assert f.fn.executor.compilations == 0
    loops = [n.op for n in f.fn.executor.fgraph.toposort() if type(n.op).__name__ == "Scan"]
    if loop is not _length_inside:  # where each length is another executable
        assert 1 <= kernels(f) <= 2 * len(loops)


def test_any_number_of_steps(never_specialised):
    (powers, last), _ = theano.scan(
        lambda p, q, x: [p * x, q + x], outputs_info=[T.ones_like(x), T.zeros_like(x)], non_sequences=x, n_steps=k
    )
    f = theano.function([x, k], [powers, last[-1]])
    for n in (30, 1, 2, 3, 100, 0 + 29):
        agrees(f, DATA[0], n)
    assert kernels(f) == 1
    g = theano.function([x, k], powers)
    agrees(g, DATA[0], 0)
    with pytest.raises(IndexError, match="negative number of step"):
        g(DATA[0], -1)


def test_an_index_that_is_out_of_bounds_is_found_by_numpy(never_specialised):
    i = T.lvector("i")
    f = theano.function([x, i], theano.scan(lambda j, s, x: s + x[j], i, T.constant(np.float64(0)), x)[0])
    agrees(f, DATA[:, 0], np.arange(20))
    agrees(f, DATA[:, 0], -np.arange(1, 11))
    assert kernels(f) == 1
    with pytest.raises(IndexError, match="Apply node that caused the error"):
        f(DATA[:, 0], np.array([0, 40, 1]))
    agrees(f, DATA[:, 0], np.arange(15))


def test_random_numbers_inside_and_shared_updates(never_specialised):
    random = theano.sandbox.rng_mrg.MRG_RandomStreams(3)
    total, updates = theano.scan(lambda r, s: s + r * random.uniform((3,)), m, T.zeros_like(m[0]))
    f = theano.function([m], total, updates=updates)
    random_again = theano.sandbox.rng_mrg.MRG_RandomStreams(3)
    total, updates = theano.scan(lambda r, s: s + r * random_again.uniform((3,)), m, T.zeros_like(m[0]))
    g = theano.function([m], total, updates=updates, mode="FAST_COMPILE")
    for n in (7, 20, 3):
        np.testing.assert_allclose(f(DATA[:n]), g(DATA[:n]))
    assert kernels(f) == 1


def test_inputs_and_results_are_nobody_elses(never_specialised):
    f = theano.function([m], [_sums(m), _gradients(m)])
    given = DATA[:30].copy()
    for _ in range(2):
        for out in f(given):
            out[:] = 0
    np.testing.assert_array_equal(given, DATA[:30])
    agrees(f, given)


def test_many_row_shapes_stay_on_numpy_until_they_are_worth_it(never_specialised):
    f = theano.function([m], _sums(m))
    for n in range(1, 30):
        agrees(f, np.ones((5, n)))
    assert kernels(f) == 16


def test_checkpointed_gradient_uses_kernels_for_its_inner_loops():
    r, _ = theano.scan_checkpoints(
        lambda p, x: p * x, outputs_info=T.ones_like(x), non_sequences=x, n_steps=k, save_every_N=7
    )
    f = theano.function([x, k], T.grad(r[-1].sum(), x))
    for n in (30, 40, 50):
        np.testing.assert_allclose(f(DATA[0], n), n * DATA[0] ** (n - 1), rtol=1e-9)
