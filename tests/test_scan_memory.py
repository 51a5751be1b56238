"""What loops and their gradients keep in memory, and how long gradients of gradients take."""

import time
import tracemalloc

import numpy as np
import pytest

import jax

import theano
import theano.tensor as T
from tests.toy_loops import one_state, two_taps
from theanojax.loop import after, lowering
from theanojax.runtime.host import HostExecutor

UNITS = 32
x, m = T.dvector("x"), T.dmatrix("m")
k = T.iscalar("k")
RNG = np.random.RandomState(8)


def temporary_bytes(f, *args):
    """What the executable of `f` for `args` allocates besides its arguments and results."""
    f(*args)
    graph = f.fn.executor.fgraph
    (stage,) = f.fn.executor._program.xla_stages.values()
    *_, special = stage.functions.values()  # the last that was made; small arguments have one of their own
    values = [v.type.filter(a) for v, a in zip(graph.inputs, args)]
    values += [np.asarray(c.value) for c in f.input_storage[len(args) :]]
    values = dict(zip(graph.inputs, values))
    given = [values[v] for v in stage.inputs]
    compiled = special.function.lower(*stage._unstopped(), *given, *stage.constants_at()).compile()
    return compiled.memory_analysis().temp_size_in_bytes


def states():
    W = theano.shared(RNG.normal(size=(UNITS, UNITS)) * 0.1)
    return W, theano.scan(lambda r, h, W: T.tanh(r + T.dot(h, W)), m, T.zeros((UNITS,)), W)[0]


@pytest.mark.parametrize("steps", [500, 2000])
def test_a_gradient_keeps_a_few_times_the_states(steps):
    W, h = states()
    given = RNG.normal(size=(steps, UNITS))
    for cost in ((h**2).sum(), h[-1].sum()):
        f = theano.function([m], T.grad(cost, W))
        assert temporary_bytes(f, given) <= 6 * given.nbytes


def rnn(x, first, W):
    return theano.scan(lambda r, h, W: T.tanh(r + T.dot(h, W)), x, first, W)[0]


def cell(x, first, W):
    def step(r, h, c, W):
        gates = r + T.dot(h, W)
        i, f, o = (T.nnet.sigmoid(gates[:, k * UNITS : (k + 1) * UNITS]) for k in range(3))
        c = f * c + i * T.tanh(gates[:, 3 * UNITS :])
        return o * T.tanh(c), c

    return theano.scan(step, x, [first, T.zeros_like(first)], W)[0][0]


def of_vectors(x, first, W):
    return theano.scan(lambda r, h, W: T.tanh(r[0] + T.dot(h, W)), x, first[0], W)[0]


def of_columns(x, first, W):
    return theano.scan(lambda r, h, W: T.tanh(r.T + T.dot(W, h)), x, first.T, W)[0]


def two_products(x, first, W):
    return theano.scan(lambda r, h, W: T.tanh(r + T.dot(T.tanh(T.dot(h, W)), W.T)), x, first, W)[0]


def weights_of(loop, steps, batch):
    """A function of sequences and first states to the gradient of the loop's weights, and arguments for it."""
    rng, wide = np.random.RandomState(4), UNITS * (4 if loop is cell else 1)
    W = theano.shared(rng.normal(size=(UNITS, wide)) * 0.1)
    x, first = T.tensor3(), T.dmatrix()
    f = theano.function([x, first], T.grad((loop(x, first, W)[-1] ** 2).sum(), W))
    return f, (rng.normal(size=(steps, batch, wide)), rng.normal(size=(batch, UNITS)))


@pytest.mark.parametrize("loop, states", [(rnn, 1), (cell, 2)])
def test_the_gradient_of_weights_keeps_the_states_and_little_more(loop, states):
    f, args = weights_of(loop, 4000, 100)
    f(*args)
    used = f.fn.traced[-1].lower().compile().memory.temp_size_in_bytes
    assert used <= 1.3 * states * 4000 * 100 * UNITS * 8


@pytest.mark.parametrize(
    "loop, products",
    [(rnn, 1), (cell, 1), (of_vectors, 1), (of_columns, 0), (two_products, 0)],
    ids=lambda v: getattr(v, "__name__", str(v)),
)
@pytest.mark.parametrize("steps", [1, 2, 7, 131])
def test_products_are_summed_while_a_loop_runs(loop, products, steps, monkeypatch):
    f, args = weights_of(loop, steps, 3)
    want = f(*args)
    monkeypatch.setattr(after, "FEWEST_BYTES", 0)
    monkeypatch.setattr(after, "FEWEST_ROWS", 20)
    monkeypatch.setattr(after, "AT_ONCE", 1)
    summed = []
    monkeypatch.setattr(lowering, "run_summing", lambda *given: summed.append(given[1]) or after.run_summing(*given))
    f, _ = weights_of(loop, steps, 3)
    np.testing.assert_allclose(f(*args), want, rtol=1e-10, atol=1e-13)
    assert [len(s) for s in summed] == [products] * (steps > 1 and products > 0)


def test_the_last_step_alone_keeps_a_step():
    f = theano.function([m], states()[1][-1])
    row = UNITS * 8
    assert temporary_bytes(f, RNG.normal(size=(500, UNITS))) <= 20 * row
    assert temporary_bytes(f, RNG.normal(size=(2000, UNITS))) <= 20 * row


# ---------------------------------------------------------------- the last rows
def no_state(n_steps, y):
    return theano.scan(lambda i, y: i * y, T.arange(100), non_sequences=y, n_steps=n_steps)[0]


LAST_ROWS = {
    "-3:": lambda r: r[-3:],
    "-1 and -2": lambda r: [r[-1], r[-2]],
    "-2": lambda r: r[-2],
    "k-1": lambda r: r[k - 1],
    "-5:-2": lambda r: r[-5:-2],
    "k-3:k-1": lambda r: r[k - 3 : k - 1],
    "-3:k": lambda r: r[-3:k],
    "1+k-3": lambda r: r[k + -2],
    ":-4:-1": lambda r: r[:-4:-1],
    "-4::2": lambda r: r[-4::2],
    "-1:": lambda r: r[-1:],
    "-3:-5": lambda r: r[-3:-5],
    "-2, 0": lambda r: r[-2, 0],
}
OTHERS = {
    "gradient": lambda r: T.grad(r[-3:].sum(), x),
    "and the sum": lambda r: [r[-3:], r.sum()],
    "and the length": lambda r: [r[-3:], r.shape[0]],
    ":-2": lambda r: r[:-2],
    "k-1 of k+1": lambda r: r[k - 1 : k + 1],
}


def outcome(f, *args):
    """What `f` returns, as a list, or the type of the error that it raises."""
    try:
        out = f(*args)
    except IndexError as error:
        return type(error)
    return out if isinstance(out, list) else [out]


@pytest.mark.parametrize("loop", [one_state, two_taps, no_state])
@pytest.mark.parametrize("name", [*LAST_ROWS, *OTHERS])
def test_the_last_rows_are_those_of_the_whole_loop(loop, name):
    out = {**LAST_ROWS, **OTHERS}[name](loop(k, x))
    f, host = theano.function([x, k], out), theano.function([x, k], out, mode="FAST_COMPILE")
    for n in (12, 0, 1, 2, 3, 4, 5, 6, 7, 30):  # most ask for more rows than there are
        want, got = [outcome(g, np.array([0.5, 0.25, 2]), n) for g in (host, f)]
        if isinstance(want, type) or isinstance(got, type):
            assert got is want, n
        else:
            for a, b in zip(want, got):
                assert np.shape(a) == np.shape(b), n
                np.testing.assert_allclose(a, b, err_msg=str(n))
    assert not f.fn.executor.fallbacks


@pytest.mark.parametrize("loop", [one_state, two_taps])
@pytest.mark.parametrize("name", LAST_ROWS)
def test_the_last_rows_alone_are_kept_by_one_executable(loop, name):
    row = 1000 * 8
    f = theano.function([x, k], LAST_ROWS[name](loop(k, x)))
    assert temporary_bytes(f, np.ones(1000), 500) <= 40 * row
    for n in range(20, 60, 5):
        f(np.ones(1000), n)
    assert f.fn.executor.compilations == 1


@pytest.mark.parametrize("loop", [one_state, two_taps, no_state])
def test_the_last_rows_of_a_known_number_of_steps(loop):
    f = theano.function([x], loop(90, x)[-3:])
    assert temporary_bytes(f, np.ones(1000)) <= 20 * 1000 * 8
    whole = theano.function([x], loop(90, x), mode="FAST_COMPILE")
    np.testing.assert_allclose(f([0.5, 1.0]), whole([0.5, 1.0])[-3:])


def test_a_loop_that_until_ends_keeps_all_rows():
    r, _ = theano.scan(lambda p: (p * 2, theano.scan_module.until(p[0] > 20)), outputs_info=T.ones_like(x), n_steps=50)
    f = theano.function([x], r[-3:])
    np.testing.assert_allclose(f([1.0]), [[16], [32], [64]])


def peak(f, *args):
    """The most memory that numpy's arrays take while `f` runs on the host executor."""
    run = HostExecutor(f.fn.executor.fgraph)
    values = [v.type.filter(a) for v, a in zip(f.fn.executor.fgraph.inputs, args)]
    want = run(values)
    tracemalloc.start()
    try:
        run(values)
        return tracemalloc.get_traced_memory()[1], want[0]
    finally:
        tracemalloc.stop()


def test_checkpoints_keep_every_nth_state_and_the_steps_between_two():
    steps, every = 400, 20

    def cell(h, a):
        return T.tanh(h * a + 1)

    plain, _ = theano.scan(cell, outputs_info=T.zeros_like(x), non_sequences=x, n_steps=k)
    saved, _ = theano.scan_checkpoints(
        cell, outputs_info=T.zeros_like(x), non_sequences=x, n_steps=k, save_every_N=every
    )
    given = RNG.normal(size=100)
    whole, want = peak(theano.function([x, k], T.grad(plain[-1].sum(), x)), given, steps)
    part, got = peak(theano.function([x, k], T.grad(saved[-1].sum(), x)), given, steps)
    np.testing.assert_allclose(got, want)
    assert whole > 3 * steps * given.nbytes
    assert part < 8 * (steps // every + every) * given.nbytes


# ---------------------------------------------------------------- derivatives row by row
def quickest(f, calls=5, rounds=5):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            f()
        times.append(time.perf_counter() - start)
    return min(times)


def loss(lib, p, inputs, targets):
    """A network of 100 parameters."""
    W, b, v = p[:80].reshape((8, 10)), p[80:90], p[90:]
    return ((lib.dot(lib.tanh(lib.dot(inputs, W) + b), v) - targets) ** 2).mean()


def test_a_hessian_is_as_quick_as_that_of_jax():
    p, y = T.dvector("p"), T.dvector("y")
    at, inputs, targets = RNG.normal(size=100), RNG.normal(size=(200, 8)), RNG.normal(size=200)
    f = theano.function([p, m, y], theano.gradient.hessian(loss(T, p, m, y), p))
    g = jax.jit(jax.hessian(lambda p, m, y: loss(jax.numpy, p, m, y)))
    np.testing.assert_allclose(f(at, inputs, targets), g(at, inputs, targets), rtol=1e-9, atol=1e-12)
    assert f.fn.executor.compilations == 1 and not f.fn.executor.fallbacks
    ours = quickest(lambda: f(at, inputs, targets))
    theirs = quickest(lambda: np.asarray(g(at, inputs, targets)))
    assert ours < 5 * theirs


def test_a_jacobian_is_one_executable():
    p = T.dvector("p")
    f = theano.function([p, m], theano.gradient.jacobian(T.tanh(T.dot(m, p[:8].reshape((8, 1)))).flatten() * p[8], p))
    at, inputs = RNG.normal(size=9), RNG.normal(size=(30, 8))
    g = jax.jacrev(lambda p, m: jax.numpy.tanh(m @ p[:8]) * p[8])
    np.testing.assert_allclose(f(at, inputs), g(at, inputs), rtol=1e-9, atol=1e-14)
    assert f.fn.executor.compilations == 1 and not f.fn.executor.fallbacks
