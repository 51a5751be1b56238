"""Loops keep the rows that are read of what they compute, and gradients keep the states and no copies of them."""

import pickle
import tracemalloc

import numpy as np
import pytest

import theano
import theano.tensor as T
import theanojax.loop.lowering as lowering
from tests.toy_loops import one_state, two_taps
from theanojax.loop.scan_op import Scan
from theanojax.runtime.host import HostExecutor
from theanojax.tensor import lazy_rows

UNITS, STEPS = 1000, 500
ROW = UNITS * 8
x, m, b = T.dvector("x"), T.dmatrix("m"), T.dtensor3("b")
k, i = T.iscalar("k"), T.lscalar("i")
RNG = np.random.RandomState(3)


# ---------------------------------------------------------------- loops
def no_state(n, y):
    """An output that is only written, of a loop with a state."""
    start = [T.ones_like(y), None]
    return theano.scan(lambda h, y: [h * y, T.tanh(h) + y], outputs_info=start, non_sequences=y, n_steps=n)[0][1]


def over_rows(n, y):
    return theano.scan(lambda r, h: T.tanh(r + h), m, 0.1 * y)[0]


LOOPS = {"one state": one_state, "two taps": two_taps, "no state": no_state, "over rows": over_rows}

# how a loop's output is read, and how many of its rows that takes of STEPS
READS = {
    "-1": (lambda r: r[-1], 1),
    "-2": (lambda r: r[-2], 1),
    "-3:": (lambda r: r[-3:], 3),
    "-5:-2": (lambda r: r[-5:-2], 3),
    "-1 and -2": (lambda r: [r[-1], r[-2]], 2),
    "k-1": (lambda r: r[k - 1], 1),
    "length - 1": (lambda r: r[m.shape[0] - 1], 1),
    "k//2": (lambda r: r[k // 2], 1),
    "i": (lambda r: r[i], 1),
    "0": (lambda r: r[0], 1),
    ":3": (lambda r: r[:3], 3),
    "0 and -1": (lambda r: [r[0], r[-1]], 2),
    ":3 and -3:": (lambda r: [r[:3], r[-3:]], 6),
    "::10": (lambda r: r[::10], 50),
    "::-10": (lambda r: r[::-10], 50),
    "5:k:10": (lambda r: r[5:k:10], 50),
    "-4::2": (lambda r: r[-4::2], 2),
    ":-4:-1": (lambda r: r[:-4:-1], 3),
    "3:1": (lambda r: r[3:1], 0),
    "a sum": (lambda r: r.sum(axis=0), 1),
    "a sum of all": (lambda r: r.sum(), 1),
    "a mean": (lambda r: r.mean(axis=0), 1),
    "the greatest": (lambda r: r.max(axis=0), 1),
    "the least of all": (lambda r: r.min(), 1),
    "a product": (lambda r: (r.prod(axis=0), r[-1])[0], 1),
    "several": (lambda r: [r[-1], r.sum(axis=0), r.max(axis=0), r[k // 3]], 4),
    "-3: of twice": (lambda r: (2 * r + 1)[-3:], 3),
    "-3: and the length": (lambda r: [r[-3:], r.shape[0]], 3),
    "-2, 0": (lambda r: r[-2, 0], 1),
}
WHOLE = {
    "a sum and all": lambda r: [r.sum(axis=0), r],
    "k//2:": lambda r: r[k // 2 :],
    "i:": lambda r: r[i:],
    ":i": lambda r: r[:i],
    "i::-2": lambda r: r[i::-2],
    "::-1": lambda r: r[::-1],
    "1: and :-1": lambda r: r[1:] - r[:-1],
    "gradient of ::2": lambda r: T.grad(T.sqr(r[::2]).sum(), x),
    "gradient of a greatest": lambda r: T.grad(r.max(axis=0).sum(), x),
}


def built(read, n=k, mode=None, loop=one_state):
    return theano.function([x, k, i, m], read(loop(n, x)), mode=mode, on_unused_input="ignore")


def outcome(f, *args):
    """What `f` returns, as a list, or the type of the error that it raises."""
    try:
        out = f(*args)
    except (IndexError, ValueError) as error:
        return type(error)
    return out if isinstance(out, list) else [out]


def same(a, b, about):
    if isinstance(a, type) or isinstance(b, type):
        assert a is b, about
        return
    for u, v in zip(a, b, strict=True):
        assert np.shape(u) == np.shape(v), about
        np.testing.assert_allclose(u, v, rtol=1e-9, err_msg=str(about))


@pytest.mark.parametrize("loop", ["two taps", "over rows"])
@pytest.mark.parametrize("name", [*READS, *WHOLE])
def test_rows_are_those_of_the_whole_loop(loop, name):
    read = READS[name][0] if name in READS else WHOLE[name]
    loop = LOOPS[loop]
    f, want = built(read, loop=loop), built(read, mode="FAST_COMPILE", loop=loop)
    host = built(read, mode=theano.Mode("py", "fast_run"), loop=loop)
    for n in (12, 0, 2, 5):  # many reads ask for more rows than there are
        if name == "-1" and not n:
            continue  # without steps this is the initial state, except as the graph is written
        for at in (2, -3, 20) if "i" in name.split(":") or name == "i" else (0,):
            args = np.array([0.5, 0.25, 0.75]), n, at, RNG.normal(size=(n, 3))
            expected = outcome(want, *args)
            same(outcome(f, *args), expected, (n, at))
            same(outcome(host, *args), expected, (n, at))


@pytest.mark.parametrize("steps", [1, 7])
@pytest.mark.parametrize("name", ["-2", "-5:-2", ":3", "::10", "0 and -1", "the greatest", "several"])
def test_rows_of_a_known_number_of_steps(steps, name):
    args = np.array([0.5, 0.25, 0.75]), steps, 1, np.zeros((steps, 3))
    expected = outcome(built(READS[name][0], steps, "FAST_COMPILE", two_taps), *args)
    same(outcome(built(READS[name][0], steps, None, two_taps), *args), expected, name)


@pytest.mark.parametrize("loop", [one_state, two_taps])
def test_several_dtypes(loop):
    for dtype in ("float32", "int8", "bool"):
        start = T.ones((3,), dtype=dtype)
        r = theano.scan(lambda p: T.cast(p * 2 > 1 if dtype == "bool" else p + 1, dtype), outputs_info=start, n_steps=k)
        outs = [r[0].sum(axis=0), r[0][::2], r[0][-2]] + ([] if dtype == "bool" else [r[0].max(axis=0), r[0].min()])
        f, want = theano.function([k], outs), theano.function([k], outs, mode="FAST_COMPILE")
        for a, c in zip(f(9), want(9), strict=True):
            assert a.dtype == c.dtype
            np.testing.assert_array_equal(a, c)


def test_loops_in_loops():
    def outer(h, y):
        r = theano.scan(lambda p, y: p * 0.5 + y, outputs_info=h, non_sequences=y, n_steps=4)[0]
        return r[-2] + r.sum(axis=0) + r[::2].max(axis=0)

    r = theano.scan(outer, outputs_info=T.ones_like(x), non_sequences=x, n_steps=k)[0]
    outs = [r[::3], r.mean(axis=0)]
    f, want = theano.function([x, k], outs), theano.function([x, k], outs, mode="FAST_COMPILE")
    same(f(np.ones(3), 8), want(np.ones(3), 8), "nested")


# ---------------------------------------------------------------- what is kept
def kept_by_xla(f, *args):
    """Bytes that the executable of `f` takes besides its arguments."""
    f(*args)
    (traced,) = f.fn.traced
    memory = traced.lower().compile().memory
    return memory.temp_size_in_bytes + memory.output_size_in_bytes


def kept_by_host(f, *args):
    run, inputs = HostExecutor(f.fn.executor.fgraph), f.fn.executor.fgraph.inputs
    values = [v.type.filter(np.asarray(a, dtype=v.dtype)) for v, a in zip(inputs, args)]
    values += [np.asarray(c.value) for c in f.input_storage[len(args) :]]
    run(values)
    tracemalloc.start()
    try:
        run(values)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


ARGS = np.full(UNITS, 0.5), STEPS, 7, np.zeros((STEPS, UNITS))


@pytest.mark.parametrize("loop", ["two taps", "no state"])
@pytest.mark.parametrize("name", READS)
def test_what_is_read_is_kept_and_no_more(loop, name):
    read, rows = READS[name]
    f = built(read, loop=LOOPS[loop])
    assert kept_by_xla(f, *ARGS) <= (2 * rows + 12) * ROW
    assert kept_by_host(f, *ARGS) <= (2 * rows + 24) * ROW


@pytest.mark.parametrize("name", ["-3:", "-2", "::10", "a sum", ":3 and -3:"])
def test_of_a_known_number_of_steps_as_well(name):
    read, rows = READS[name]
    assert kept_by_xla(built(read, STEPS), *ARGS) <= (2 * rows + 12) * ROW


def test_every_second_row_is_half():
    f = built(lambda r: r[::2])
    assert kept_by_xla(f, *ARGS) <= (STEPS / 2 + 10) * ROW
    assert kept_by_host(f, *ARGS) <= (STEPS / 2 + 15) * ROW


@pytest.mark.parametrize("name", ["-3:", "k//2", "a sum", "-1 and -2"])
def test_one_executable_serves_all_lengths(name):
    f = built(READS[name][0])
    for n in range(20, 60, 5):
        f(np.ones(5), n, 0, np.zeros((1, 5)))
    assert f.fn.executor.compilations == 1


@pytest.mark.parametrize("name", ["::10", "-5:-2", "several", "k//2"])
def test_ever_new_lengths_are_kernels(name):
    f, want = built(READS[name][0], loop=over_rows), built(READS[name][0], mode="FAST_COMPILE", loop=over_rows)
    for n in (40, 90, 300, 77, 120, 240, 33):
        args = np.ones(5), n, 0, RNG.normal(size=(n, 5))
        same(outcome(f, *args), outcome(want, *args), n)
    assert f.fn.executor.kernel_count <= 5


def test_the_graph_to_look_at_is_theanos():
    f = built(lambda r: [r[::2], r.sum(axis=0)])
    (shown,) = [n.op for n in f.maker.fgraph.apply_nodes if isinstance(n.op, Scan)]
    (runs,) = [n.op for n in f.maker.executed_fgraph.apply_nodes if isinstance(n.op, Scan)]
    assert shown.windows == () and shown.n_sit_sot == 1
    assert runs.windows == ((0, 2, False),) and runs.n_sit_sot == 2
    assert shown != runs


def test_a_function_with_windows_pickles():
    f = built(lambda r: r[::3])
    args = np.ones(3), 10, 0, np.zeros((10, 3))
    np.testing.assert_allclose(pickle.loads(pickle.dumps(f))(*args), f(*args))


# ---------------------------------------------------------------- gradients
def elementwise(n=k):
    return theano.scan(lambda h, y: T.tanh(y + 1.1 * h), outputs_info=T.zeros_like(x), non_sequences=x, n_steps=n)[0]


def weights(units):
    return theano.shared(RNG.normal(size=(units, units)) / units)


@pytest.mark.parametrize("cost", [lambda h: (h**2).sum(), lambda h: T.sqr(h[-1]).sum()], ids=["all", "last"])
def test_a_gradient_keeps_the_states(cost):
    f = theano.function([x, k], T.grad(cost(elementwise()), x))
    assert kept_by_xla(f, np.full(UNITS, 0.5), STEPS) <= 1.3 * STEPS * ROW


@pytest.mark.parametrize("cost", [lambda h: (h**2).sum(), lambda h: h[-1].sum()], ids=["all", "last"])
@pytest.mark.parametrize("given", [m, b], ids=["vectors", "matrices"])
def test_that_of_a_weight_keeps_the_states_and_their_gradients(cost, given):
    units, steps = 64, 60000 if given is m else 8000
    W = weights(units)
    start = T.zeros((units,)) if given is m else T.zeros((b.shape[1], units))
    h = theano.scan(lambda r, h, W: T.tanh(r + T.dot(h, W)), given, start, W)[0]
    f = theano.function([given], T.grad(cost(h), W))
    value = np.zeros((steps, units) if given is m else (steps, 8, units))
    assert kept_by_xla(f, value) <= 1.3 * 2 * value.nbytes


def test_that_of_a_sequence_keeps_the_states_and_the_result():
    W = weights(64)
    h = theano.scan(lambda r, h, W: T.tanh(r + T.dot(h, W)), m, T.zeros((64,)), W)[0]
    value = np.zeros((20000, 64))
    f = theano.function([m], T.grad((h**2).sum(), m))
    assert kept_by_xla(f, value) <= 1.3 * 2 * value.nbytes


def lstm():
    def cell(r, h, c, W):
        gate = T.nnet.sigmoid(r + T.dot(h, W))
        c = gate * c + (1 - gate) * T.tanh(r)
        return gate * T.tanh(c), c

    W = weights(3)
    return theano.scan(cell, m, [T.zeros((3,)), T.ones((3,))], W)[0][0], W


def plain():
    W = weights(3)
    return theano.scan(lambda r, h, W: T.tanh(r * 2 + T.dot(h, W)), m[::-1], T.zeros((3,)), W)[0], W


def truncated():
    W = weights(3)
    cell = lambda r, h, W: T.tanh(r + T.dot(W, h))
    return theano.scan(cell, T.exp(m), T.zeros((3,)), W, truncate_gradient=3, go_backwards=True)[0], W


def taps():
    W = weights(3)
    start = {"initial": T.ones((3, 3)), "taps": [-3, -1]}
    return theano.scan(lambda r, q, p, W: T.tanh(r + q * p + T.dot(p, W)), m, start, W)[0], W


def batch():
    W = weights(3)
    start = T.zeros((2, 3))
    rows = T.stack([m, 2 * m], axis=1)
    return theano.scan(lambda r, h, W: T.tanh(r + T.dot(h, W)), rows, start, W)[0], W


@pytest.mark.parametrize("network", [lstm, plain, truncated, taps, batch])
@pytest.mark.parametrize("kept", [1, 1 << 30], ids=["row by row", "at once"])
def test_rows_that_are_computed_when_they_are_read(network, kept, monkeypatch):
    monkeypatch.setattr(lazy_rows, "LARGE", kept)
    monkeypatch.setattr(lowering, "LARGE", kept)
    h, W = network()
    for cost in (T.sqr(h).sum(), h[-1].sum(), T.mean((h - 0.3) ** 2) + h[0].sum()):
        outs = [cost, *T.grad(cost, [W, m])]
        f, want = theano.function([m], outs), theano.function([m], outs, mode="FAST_COMPILE")
        for n in (9, 1, 4):
            value = np.random.RandomState(n).normal(size=(n, 3))
            same(outcome(f, value), outcome(want, value), n)
        assert not f.fn.executor.fallbacks


def test_what_is_checked_of_all_rows_is_checked_once(monkeypatch):
    monkeypatch.setattr(lazy_rows, "LARGE", 1)
    rows, n = T.lmatrix(), T.lscalar()
    start = T.zeros((3,), dtype="int64")
    h = theano.scan(lambda r, p: p + r, (rows // n)[::-1], start)[0]
    f = theano.function([rows, n], h)
    given = np.arange(12).reshape((4, 3))
    np.testing.assert_array_equal(f(given, 2), np.cumsum((given // 2)[::-1], axis=0))
    with pytest.raises(ZeroDivisionError):
        f(given, 0)


def test_functions_of_each_row_are_summed_with_the_steps():
    r = one_state(k, x)
    outs = [T.exp(r * x - 1).sum(axis=0), (r * r).sum(), (T.log(r) + r).max(axis=0), T.sqr(r - x).mean()]
    f, want = (theano.function([x, k], outs, mode=mode) for mode in (None, "FAST_COMPILE"))
    same(f([0.5, 0.25], 9), want([0.5, 0.25], 9), "functions")
    assert kept_by_xla(theano.function([x, k], outs), np.full(UNITS, 0.5), STEPS) <= 25 * ROW
    whole = [(r / r.sum(axis=0)).sum(axis=0), T.sqr(r - m).sum()]  # these need all rows at once, or more than them
    f, want = (theano.function([x, k, m], whole, mode=mode) for mode in (None, "FAST_COMPILE"))
    same(f([0.5, 0.25], 9, np.ones((9, 2))), want([0.5, 0.25], 9, np.ones((9, 2))), "all rows")
