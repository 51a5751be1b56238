"""Loops: the graph that `scan` builds, what it computes on both executors, its gradient, and its rewrites."""

import pickle

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from tests.helpers import both
from theanojax.loop import scan_utils, until
from theanojax.loop.scan_op import Scan
from theanojax.tensor.elemwise import DimShuffle
from theanojax.tensor.indexing.subtensor import Subtensor
from theanojax.tensor.random.shared_randomstreams import RandomStreams

x, k = T.dvector("x"), T.iscalar("k")
X = np.arange(1.0, 6.0)


def one(value=1.0):
    return T.constant(np.float64(value))


def scans(f):
    return [n for n in f.maker.fgraph.toposort() if isinstance(n.op, Scan)]


def executables(f, *calls):
    """How many executables the calls took; fails if the function fell back to the host."""
    for c in calls:
        f(*c)
    assert not f.fn.executor.fallbacks, f.fn.executor.fallbacks
    return f.fn.executor.compilations


def check_grad(out, at, wrt=x, inputs=None, steps=1e-6):
    """The gradient of ``out.sum()``, against central differences."""
    inputs = inputs or [wrt]
    cost = out.sum()
    f = theano.function(inputs, [cost, T.grad(cost, wrt)])
    at = np.asarray(at, dtype="float64")
    numeric = np.zeros_like(at)
    for i in np.ndindex(at.shape):
        e = np.zeros_like(at)
        e[i] = steps
        numeric[i] = (f(at + e)[0] - f(at - e)[0]) / (2 * steps)
    np.testing.assert_allclose(f(at)[1], numeric, rtol=1e-5, atol=1e-7)


# ---------------------------------------------------------------- values
def test_power_by_repeated_multiplication():
    r, updates = theano.scan(lambda p, a: p * a, outputs_info=T.ones_like(x), non_sequences=x, n_steps=k)
    assert not updates
    for n in (1, 2, 5):
        np.testing.assert_allclose(both([x, k], r[-1], [X, n]), X**n)
        np.testing.assert_allclose(both([x, k], r, [X, n]), [X**i for i in range(1, n + 1)])


def test_no_steps_give_no_rows():
    r, _ = theano.scan(lambda p, a: p * a, outputs_info=T.ones_like(x), non_sequences=x, n_steps=k)
    assert both([x, k], r, [X, 0]).shape == (0, 5)
    (h, y), _ = theano.scan(
        lambda a, h: [a * h, T.outer(T.stack([a, a]), T.stack([h, h, h]))], sequences=x, outputs_info=[one(), None]
    )
    h, y = both([x], [h, y], [X[:0]])
    assert h.shape == (0,) and y.shape == (0, 2, 3)


def test_negative_steps_are_refused():
    r, _ = theano.scan(lambda p: p * 2, outputs_info=one(), n_steps=k)
    with pytest.raises(IndexError, match="negative number of step -1"):
        both([k], r[-1], [-1])


@pytest.mark.parametrize("taps, want", [([-2, -1], [1, 2, 3, 5]), ([-1, -2], [1, 2, 3, 5]), ([-3], [0, 1, 1, 0])])
def test_taps_of_outputs(taps, want):
    r, _ = theano.scan(
        lambda *a: sum(a),
        n_steps=4,
        outputs_info=[{"initial": T.constant(np.array([0, 1, 1][: -min(taps)])), "taps": taps}],
    )
    assert both([], r, []).tolist() == want


def test_taps_of_sequences_in_past_and_future():
    r, _ = theano.scan(lambda a, b, c: a + 10 * b + 100 * c, sequences={"input": x, "taps": [-1, 0, 2]})
    np.testing.assert_allclose(both([x], r, [np.arange(8.0)]), [310, 421, 532, 643, 754])


def test_sequences_of_different_length_stop_at_the_shortest():
    y = T.dvector("y")
    r, _ = theano.scan(lambda a, b: a * b, sequences=[x, y])
    np.testing.assert_allclose(both([x, y], r, [X, X[:3]]), X[:3] ** 2)


def test_go_backwards():
    r, _ = theano.scan(lambda a, h: 2 * h + a, sequences=x, outputs_info=one(0.0), go_backwards=True)
    np.testing.assert_allclose(both([x], r, [X]), [5, 14, 31, 64, 129])


def test_outputs_of_all_kinds_together():
    (a, b, c), _ = theano.scan(lambda s, a, c: [a + s, s * 2, c * s], sequences=x, outputs_info=[one(0), None, one()])
    a, b, c, last = both([x], [a, b, c, a[-1]], [X])
    np.testing.assert_allclose(a, np.cumsum(X))
    np.testing.assert_allclose(b, 2 * X)
    np.testing.assert_allclose(c, np.cumprod(X))
    assert last == 15


def test_until_keeps_the_step_that_ends_it():
    m = T.dscalar("m")
    r, _ = theano.scan(lambda p, m: (p * 2, until(p * 2 > m)), outputs_info=one(), non_sequences=m, n_steps=1024)
    f = theano.function([m], r)
    for _ in range(2):
        assert f(45.0).tolist() == [2, 4, 8, 16, 32, 64]
        assert f(3.0).tolist() == [2, 4]
    f = theano.function([m], r[-1])
    assert executables(f, (45.0,), (3.0,), (1e6,)) == 1
    assert f(45.0) == 64


def test_until_that_never_comes_true():
    r, _ = theano.scan(lambda a: (a * 2, until(a > 100)), sequences=x)
    np.testing.assert_allclose(theano.function([x], r)(X), 2 * X)


def test_shared_variables_are_updated_step_by_step():
    s = theano.shared(np.float64(1.0), "s")
    r, updates = theano.scan(lambda: (s * 2, {s: s + 1}), n_steps=k)
    f = theano.function([k], r, updates=updates)
    assert f(3).tolist() == [2, 4, 6] and s.get_value() == 4
    assert f(2).tolist() == [8, 10] and s.get_value() == 6


def test_random_numbers_inside():
    draws = RandomStreams(3)
    r, updates = theano.scan(lambda: draws.uniform((2,)), n_steps=k)
    f = theano.function([k], r, updates=updates)
    np.testing.assert_allclose(f(2), [[0.32425445, 0.65706762], [0.90274907, 0.14416201]], rtol=1e-6)
    np.testing.assert_allclose(f(1), [[0.67693837, 0.20199967]], rtol=1e-6)


def test_nested_loops():
    def step(a):
        r, _ = theano.scan(lambda p: p * 2 + a, outputs_info=a, n_steps=k)
        return r.sum()

    r, _ = theano.scan(step, sequences=x)
    np.testing.assert_allclose(both([x, k], r, [X, 3]), 25 * X)


@pytest.mark.parametrize("keep_all", [False, True])
def test_inner_length_from_the_outer_sequence(keep_all):
    n = T.ivector("n")

    def step(m):
        r, _ = theano.scan(lambda p: p * 2.0, outputs_info=one(), n_steps=m)
        return r.sum() if keep_all else r[-1]

    r, _ = theano.scan(step, sequences=n)
    f = theano.function([n], r)
    assert f([1, 3, 2]).tolist() == ([2, 14, 6] if keep_all else [2, 8, 4])
    assert not f.fn.executor.fallbacks


def test_python_op_inside():
    @theano.compile.as_op([T.dscalar], [T.dscalar])
    def triple(v):
        return np.asarray(v * 3)

    r, _ = theano.scan(lambda a, h: triple(a) + h, sequences=x, outputs_info=one(0))
    assert theano.function([x], r)(X).tolist() == [3, 9, 18, 30, 45]


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE", theano.Mode("py", "fast_run"), theano.Mode("py", None)])
def test_modes_agree(mode):
    (h, y), _ = theano.scan(lambda a, h: [T.tanh(a * h), a + h], sequences=x, outputs_info=[one(), None], mode=mode)
    h, y, g = theano.function([x], [h, y[-1], T.grad(h.sum() + y.sum(), x)], mode=mode)(X / 5)
    want_h, want_y, state, g_state = [], [], 1.0, 0.0
    for a in X / 5:
        want_y.append(a + state)
        state = np.tanh(a * state)
        want_h.append(state)
    before = [1.0, *want_h[:-1]]
    want_g = []
    for a, b, after in zip(X[::-1] / 5, before[::-1], want_h[::-1]):
        through = (1 + g_state) * (1 - after**2)
        want_g.insert(0, through * b + 1)
        g_state = through * a + 1
    np.testing.assert_allclose(h, want_h)
    np.testing.assert_allclose(y, want_y[-1])
    np.testing.assert_allclose(g, want_g)


def test_one_step_needs_no_loop():
    r, _ = theano.scan(lambda p: p * 2, outputs_info=x, n_steps=1)
    assert r.ndim == 2 and not any(isinstance(n.op, Scan) for n in theano.function([x], r).maker.fgraph.toposort())
    np.testing.assert_allclose(both([x], r, [X]), [2 * X])


def test_views():
    squares, _ = theano.map(lambda a: a * a, x)
    total, _ = theano.reduce(lambda a, s: a + s, x, one(0))
    left, _ = theano.foldl(lambda a, s: 2 * s + a, x, one(0))
    right, _ = theano.foldr(lambda a, s: 2 * s + a, x, one(0))
    squares, total, left, right = both([x], [squares, total, left, right], [X])
    np.testing.assert_allclose(squares, X**2)
    assert (total, left, right) == (15, 57, 129)


def test_checkpoints():
    r, _ = theano.scan_checkpoints(
        lambda p, a: p * a, outputs_info=T.ones_like(x), non_sequences=x, n_steps=k, save_every_N=3
    )
    value, g = theano.function([x, k], [r[-1], T.grad(r[-1].sum(), x)])(X, 7)
    np.testing.assert_allclose(value, X**7)
    np.testing.assert_allclose(g, 7 * X**6)


def test_checkpoints_pad_sequences():
    r, _ = theano.scan_checkpoints(lambda a, s: s + a, sequences=x, outputs_info=one(0), save_every_N=2)
    assert theano.function([x], r[-1])(X) == 15
    with pytest.raises(RuntimeError, match="doesn't work with taps"):
        theano.scan_checkpoints(lambda a: a, sequences=x, outputs_info={"initial": x, "taps": [-1]})


# ---------------------------------------------------------------- gradients
def test_gradient_of_a_power():
    r, _ = theano.scan(lambda p, a: p * a, outputs_info=T.ones_like(x), non_sequences=x, n_steps=4)
    np.testing.assert_allclose(both([x], T.grad(r[-1].sum(), x), [X]), 4 * X**3)


def test_gradient_through_taps_and_several_outputs():
    (r, q), _ = theano.scan(
        lambda a, b, h2, h1: [T.tanh(a * h2) + 0.5 * b * h1, a * h1 * h2],
        sequences={"input": x, "taps": [-1, 1]},
        outputs_info=[{"initial": T.constant(np.array([0.1, 0.2])), "taps": [-2, -1]}, None],
    )
    check_grad(r**2 + q, X / 5)


def test_gradient_backwards_and_with_respect_to_the_initial_state():
    r, _ = theano.scan(lambda a, h: T.tanh(a * h) + 0.5, sequences=x, outputs_info=x[0], go_backwards=True)
    check_grad(r**2, X / 5)


def test_truncated_gradient():
    r, _ = theano.scan(lambda a, h: T.tanh(a * h) + 0.5, sequences=x, outputs_info=x[0], truncate_gradient=2)
    g = theano.function([x], T.grad((r**2).sum(), x))(X / 5)
    np.testing.assert_allclose(g, [0, 0, 0, 1.75594059, 1.01945493], rtol=1e-6)


W = theano.shared(np.array([[0.5, -0.3, 0.2], [0.1, 0.4, -0.2], [0.3, 0.1, 0.6]]))
TRUNCATED = {
    "a state": lambda a, h: T.tanh(a + T.dot(h, W)),
    "a state and its square": lambda a, h: T.tanh(a * h * h),
    "a product of rows": lambda a, h: T.dot(T.outer(a, h), W)[0] + h,
    "no state": lambda a: T.tanh(a) * a,
    "no state, a weight": lambda a: T.dot(a, W),
    "until": lambda a, h: (T.tanh(a + T.dot(h, W)), until(h[0] > 1e9)),
}


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE"])
@pytest.mark.parametrize("name", TRUNCATED)
def test_a_truncated_gradient_goes_back_that_many_steps(name, mode):
    # Theano crashes where the gradient of a weight leaves the loop as one product of all rows.
    m, n, step = T.dmatrix("m"), 7, TRUNCATED[name]
    value = np.random.RandomState(3).normal(size=(n, 3))
    start = None if name.startswith("no state") else T.constant(np.array([0.1, -0.2, 0.3]))
    for back in (1, 3, n, n + 2):
        r, _ = theano.scan(step, sequences=m, outputs_info=start, truncate_gradient=back)
        wrt = [m] if name in ("a state and its square", "no state") else [m, W]
        got = theano.function([m], T.grad((r**2).sum(), wrt), mode=mode)(value)
        # the same loop with what is before its last steps held constant
        first = max(0, n - back)
        h, total = start, 0
        for t in range(n):
            if t < first and h is not None:
                h = theano.gradient.disconnected_grad(h)
            row = m[t] if t >= first else theano.gradient.disconnected_grad(m[t])
            h = step(row) if start is None else step(row, h)
            h = h[0] if isinstance(h, tuple) else h
            if t < first:
                h = theano.gradient.disconnected_grad(h)
            total += (h**2).sum()
        want = theano.function([m], T.grad(total, wrt), mode="FAST_COMPILE")(value)
        for a, b in zip(want, got):
            np.testing.assert_allclose(b, a, rtol=1e-7, atol=1e-10, err_msg=str(back))


def test_the_products_of_a_whole_gradient_read_their_sequences_as_they_are():
    """What leaves a loop is cut to the rows of its steps where slices are merged: no slice of a copy is left."""
    seq, w, u = T.dtensor3(), T.dmatrix(), T.dmatrix()
    h, _ = theano.scan(
        lambda row, h, w, u: T.tanh(T.dot(row, w) + T.dot(h, u)),
        sequences=seq,
        outputs_info=T.zeros((seq.shape[1], u.shape[0])),
        non_sequences=[w, u],
    )
    f = theano.function([seq, w, u], T.grad((h**2).sum(), [w, u]))
    cuts = [n for n in f.maker.fgraph.toposort() if isinstance(n.op, Subtensor)]
    assert cuts and not any(isinstance(n.inputs[0].owner and n.inputs[0].owner.op, DimShuffle) for n in cuts)


def test_a_truncated_gradient_through_a_number_of_steps_given_at_run_time():
    m = T.dmatrix("m")
    value = np.random.RandomState(3).normal(size=(9, 3))
    r, _ = theano.scan(TRUNCATED["a state"], sequences=m, outputs_info=T.zeros(3), n_steps=k, truncate_gradient=2)
    f, g = [theano.function([m, k], T.grad(r.sum(), [m, W]), mode=mode) for mode in ("FAST_RUN", "FAST_COMPILE")]
    for n in (7, 1, 2, 3, 9):
        for a, b in zip(g(value, n), f(value, n)):
            np.testing.assert_allclose(b, a, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("cost", [lambda r, q: r**2, lambda r, q: q**2, lambda r, q: r[-1] * q[-1] + q[0]])
def test_gradient_through_until(cost):
    # Theano misaligns the sequence here when the first output is a state.
    (r, q), _ = theano.scan(
        lambda a, h: ([T.tanh(a * h) + 0.5, a * h * h], until(h > 0.7)), sequences=x, outputs_info=[one(0.1), None]
    )
    check_grad(cost(r, q), [0.1, 0.9, 1.2, 0.3, 0.8, 0.7])


@pytest.mark.parametrize("taps", [[-1], [-2, -1]])
def test_second_derivative(taps):
    # Theano counts the gradient that arrives from outside twice here.
    w = T.dscalar("w")
    r, _ = theano.scan(
        lambda *a: T.tanh(a[-1] * a[0]) + 0.3 * a[-2] * a[-1],
        non_sequences=w,
        n_steps=4,
        outputs_info=[
            {
                "initial": T.constant(np.array([0.5, 0.3])[: -min(taps)] if len(taps) > 1 else np.float64(0.5)),
                "taps": taps,
            }
        ],
    )
    g = T.grad((r**2).sum(), w)
    f = theano.function([w], [g, T.grad(g, w)])
    e = 1e-5
    np.testing.assert_allclose(f(0.7)[1], (f(0.7 + e)[0] - f(0.7 - e)[0]) / (2 * e), rtol=1e-6)


def test_gradient_of_nested_loops():
    def step(a, h):
        r, _ = theano.scan(lambda p, q: p * q + h, sequences=x, outputs_info=a)
        return r[-1] * 0.1 + h

    r, _ = theano.scan(step, sequences=x, outputs_info=one(0.1))
    check_grad(r**2, X / 5)


def test_gradient_with_an_integer_state():
    (i, r), _ = theano.scan(
        lambda a, i, h: [i + 1, h * a + T.cast(i, "float64")],
        sequences=x,
        outputs_info=[T.constant(np.int64(0)), one()],
    )
    i, g = both([x], [i, T.grad(r.sum(), x)], [X])
    assert i.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(g, [153, 76, 75, 66, 47])


def test_disconnected_and_undefined_gradients():
    y = T.dvector("y")
    (a, b), _ = theano.scan(lambda s, t: [s * 2, t * 3], sequences=[x, y])
    with pytest.raises(theano.gradient.DisconnectedInputError):
        T.grad(a.sum(), y)
    s = theano.shared(np.float64(1.0))
    r, _ = theano.scan(lambda: (s * 2, {s: s + 1}), n_steps=3)
    assert theano.function([], T.grad(r.sum(), s))() == 6


def test_r_operator():
    v = T.dvector("v")
    r, _ = theano.scan(lambda a, h: T.tanh(a * h) + 0.5, sequences=x, outputs_info=x[0])
    f, rop = theano.function([x], r), theano.function([x, v], theano.gradient.Rop(r, x, v))
    at, d, e = X / 5, X[::-1].copy(), 1e-6
    np.testing.assert_allclose(rop(at, d), (f(at + e * d) - f(at - e * d)) / (2 * e), rtol=1e-6)


def test_jacobian_and_hessian():
    jac, hes = theano.gradient.jacobian(x**2, x), theano.gradient.hessian((x**3).sum(), x)
    jac, hes = both([x], [jac, hes], [X[:3]])
    np.testing.assert_allclose(jac, np.diag(2 * X[:3]))
    np.testing.assert_allclose(hes, np.diag(6 * X[:3]))


# ---------------------------------------------------------------- rewrites and specialisation
def test_last_step_costs_neither_memory_nor_compilations():
    r, _ = theano.scan(lambda p, a: p * a, outputs_info=T.ones_like(x), non_sequences=x, n_steps=k)
    f = theano.function([x, k], r[-1])
    assert executables(f, (X, 1), (X, 5), (X, 9), (X, 0)) == 1
    np.testing.assert_allclose(f(X, 3), X**3)
    np.testing.assert_allclose(f(X, 0), np.ones(5))


def test_symbolic_cut_of_a_sequence_is_left_to_the_loop():
    r, _ = theano.scan(lambda a, h: h * a, sequences=x, outputs_info=one(), n_steps=k)
    f = theano.function([x, k], r[-1])
    assert executables(f, (X, 1), (X, 5), (X, 3)) == 1
    assert f(X, 4) == 24
    with pytest.raises(ValueError, match="Sequence is shorter then the required number of steps"):
        f(X, 6)


@pytest.mark.parametrize("index", [-1, -2, 0, 3, slice(-2, None), slice(2, 4), slice(-3, -1), slice(None, None, -1)])
def test_any_part_of_the_rows(index):
    (a, b), _ = theano.scan(lambda s, h: [h * s, s + h], sequences=x, outputs_info=[one(), None])
    f = theano.function([x], [a[index], b[index]])
    h = np.cumprod(X)
    np.testing.assert_allclose(f(X)[0], h[index])
    np.testing.assert_allclose(f(X)[1], (X + np.concatenate([[1], h[:-1]]))[index])
    if isinstance(index, slice) and index.step is None:
        assert len(f(X[:1])[0]) == len(h[:1][index])


def test_outputs_nobody_uses_are_not_computed():
    (a, b), _ = theano.scan(lambda s, h: [h * s, T.exp(h)], sequences=x, outputs_info=[one(), None])
    (node,) = scans(theano.function([x], a))
    assert node.op.n_nit_sot == 0


def test_invariant_and_elementwise_work_leaves_the_loop():
    w, m, h = T.dmatrix("w"), T.dmatrix("m"), T.dvector("h")
    r, _ = theano.scan(lambda a, h: T.tanh(T.dot(h, T.exp(w)) + T.exp(a)), sequences=m, outputs_info=h)
    (node,) = scans(theano.function([m, w, h], r))
    assert not [
        n for n in node.op.fn.maker.fgraph.toposort() if getattr(getattr(n.op, "scalar_op", None), "name", "") == "exp"
    ]


def test_a_loop_without_recurrence_vanishes():
    r, _ = theano.scan(lambda a: T.exp(a) * 2, sequences=x)
    f = theano.function([x], r)
    assert not scans(f)
    np.testing.assert_allclose(f(X), np.exp(X) * 2)


def test_loops_over_the_same_steps_merge():
    a, _ = theano.scan(lambda s, h: s + h, sequences=x, outputs_info=one(0))
    b, _ = theano.scan(lambda s, h: s * h, sequences=x, outputs_info=one())
    f = theano.function([x], [a, b])
    assert len(scans(f)) == 1
    np.testing.assert_allclose(f(X), [np.cumsum(X), np.cumprod(X)])


def test_weight_gradients_are_one_product():
    m, w = T.dtensor3("m"), theano.shared(np.random.RandomState(0).randn(4, 4), "w")
    h, _ = theano.scan(lambda a, h: T.tanh(a + T.dot(h, w)), sequences=m, outputs_info=T.zeros((3, 4)))
    f = theano.function([m], T.grad((h[-1] ** 2).sum(), w))
    inner = scans(f)[-1].op.fn.maker.fgraph.toposort()
    assert len([n for n in inner if "dot" in str(n.op).lower() or "Gemm" in str(n.op)]) == 1
    e, at = 1e-6, np.random.RandomState(1).randn(5, 3, 4)
    cost = theano.function([m], (h[-1] ** 2).sum())
    g = f(at)
    value = w.get_value()
    for i in ((0, 1), (3, 2)):
        costs = []
        for d in (e, -e):
            moved = value.copy()
            moved[i] += d
            w.set_value(moved)
            costs.append(cost(at))
        np.testing.assert_allclose(g[i], (costs[0] - costs[1]) / (2 * e), rtol=1e-5)


# ---------------------------------------------------------------- identity, errors, tools
def test_equal_loops_are_equal_ops_and_pickle():
    def build(factor):
        r, _ = theano.scan(lambda a, h: a * h * factor, sequences=x, outputs_info=one())
        return r.owner.inputs[0].owner.op

    a, b, c = build(2.0), build(2.0), build(3.0)
    assert a == b and hash(a) == hash(b) and a != c
    again = pickle.loads(pickle.dumps(a))
    assert again == a and hash(again) == hash(a)
    assert str(a) == "for{cpu,scan_fn}"


def test_names_of_inner_variables():
    h0 = T.dscalar("h0")
    seen = []
    theano.scan(lambda *a: seen.extend(a) or a[0] * a[-1], sequences={"input": x, "taps": [-1, 0, 1]}, outputs_info=h0)
    assert [v.name for v in seen] == ["x[t-1]", "x[t]", "x[t+1]", "h0[t-1]"]


@pytest.mark.parametrize(
    "build, error, text",
    [
        (
            lambda: theano.scan(lambda p: p + 1, outputs_info=one()),
            ValueError,
            "No information about the number of steps",
        ),
        (
            lambda: theano.scan(
                lambda p: T.cast(p, "float64") * 1.5, outputs_info=T.constant(np.float32(0)), n_steps=3
            ),
            ValueError,
            "has dtype float32, while the result of the inner function .* has dtype float64",
        ),
        (
            lambda: theano.scan(lambda p: T.stack([p, p]), outputs_info=one(), n_steps=3),
            ValueError,
            "has 1 dimension\\(s\\), while the corresponding variable in the result .* has 1 dimension",
        ),
        (lambda: theano.scan(lambda a: a, sequences=x, n_steps=T.dscalar()), ValueError, "n_steps must be an int"),
        (
            lambda: theano.scan(lambda a: a, outputs_info={"taps": [-1]}, n_steps=3),
            ValueError,
            "need to provide a initial state",
        ),
        (
            lambda: theano.scan(lambda a: a, outputs_info={"initial": x, "taps": [-1, -1]}, n_steps=3),
            ValueError,
            "taps must be different",
        ),
        (
            lambda: theano.scan(lambda a: a, outputs_info={"initial": x, "taps": [1]}, n_steps=3),
            ValueError,
            "must be smaller than 0",
        ),
        (
            lambda: theano.scan(lambda a: a, outputs_info={"initial": x, "return_steps": 1}, n_steps=3),
            ValueError,
            "`return_steps` has been deprecated",
        ),
        (
            lambda: theano.scan(lambda a: [a, a], sequences=x, outputs_info=[None]),
            ValueError,
            "Please provide None as outputs_info",
        ),
        (lambda: theano.scan(lambda a: 3, sequences=x), ValueError, "may only be made of lists"),
        (lambda: theano.scan(lambda a: (a, a, a, until(a > 1), until(a > 1)), sequences=x), ValueError, "cannot parse"),
        (lambda: theano.scan(lambda a: ({}, [a]), sequences=x), ValueError, "has been restricted"),
        (lambda: until(x), AssertionError, "must be a scalar"),
    ],
)
def test_what_scan_refuses(build, error, text):
    with pytest.raises(error, match=text):
        build()


def test_strict_demands_shared_variables_as_arguments():
    w = theano.shared(2.0, "w")
    with pytest.raises(theano.gof.MissingInputError, match="ScanOp is missing an input: w"):
        theano.scan(lambda a: a * w, sequences=x, strict=True)
    r, _ = theano.scan(lambda a, w: a * w, sequences=x, non_sequences=w, strict=True)
    np.testing.assert_allclose(theano.function([x], r)(X), 2 * X)


def test_an_error_inside_names_the_node():
    m = T.dmatrix("m")
    r, _ = theano.scan(lambda a, h: h + T.dot(a, x), sequences=m, outputs_info=one(0))
    with pytest.raises(ValueError, match="Apply node that caused the error: "):
        theano.function([m, x], r)(np.ones((2, 3)), np.ones(4))


def test_clone_and_map_variables():
    y, z = T.dvector("y"), T.dvector("z")
    e = scan_utils.clone(x + y, replace={x: z * 2})
    np.testing.assert_allclose(both([y, z], e, [X, X]), 3 * X)
    pair = theano.clone([x + y, x * 2], replace=[(x, z), (y, z)], strict=True)
    for got, want in zip(both([z], pair, [X]), (2 * X, 2 * X)):
        np.testing.assert_allclose(got, want)
    (loop,) = theano.clone([theano.scan(lambda a, h: a * y.sum() + h, x, one(0))[0]], replace={y: z * 2})
    np.testing.assert_allclose(both([x, z], loop, [X, X]), np.cumsum(30 * X))
    with pytest.raises(ValueError, match="replace is neither"):
        scan_utils.clone(x, replace=3)
    w = T.dscalar("w")
    r, _ = theano.scan(lambda a, h: a * w + h, sequences=x, outputs_info=one(0))
    (mapped,) = scan_utils.map_variables(lambda v: w + 1 if v is w else v, [r])
    np.testing.assert_allclose(theano.function([x, w], mapped)(X, 1.0), np.cumsum(2 * X))


def test_arguments_survive_taking_apart():
    r, _ = theano.scan(lambda a, h: a * h, sequences=x, outputs_info=one())
    node = r.owner.inputs[0].owner
    args = scan_utils.scan_args(node.inputs, node.outputs, node.op.inputs, node.op.outputs, node.op.info)
    assert args.outer_inputs == node.inputs and args.outer_outputs == node.outputs
    assert Scan(args.inner_inputs, args.inner_outputs, args.info) == node.op
    assert scan_utils.scan_can_remove_outs(node.op, [0]) == ([], [0])


def test_infer_shape_without_running():
    (a, b), _ = theano.scan(lambda s, h: [h * s, T.stack([s, s])], sequences=x, outputs_info=[one(), None])
    f = theano.function([x], [a.shape[0], b.shape[0], b.shape[1]])
    assert not scans(f)
    assert [int(v) for v in f(X)] == [5, 5, 2]


def test_shapes_inside_that_a_computed_number_outside_fixes():
    shift = T.iscalar("shift")
    rows = (T.dmatrix("m") * 2)[::-1]
    r, _ = theano.map(lambda row, k: T.roll(row, k), rows, shift)
    m = rows.owner.inputs[0].owner.inputs[0]
    got = both([m, shift], r, [np.arange(6.0).reshape(2, 3), 1])
    assert got.tolist() == [[10, 6, 8], [4, 0, 2]]


@pytest.mark.parametrize("mode", ["FAST_COMPILE", "FAST_RUN"])
def test_lengths_that_do_not_fit_name_the_loop(mode):
    x, xs, k = T.dvector("x"), T.dmatrix("xs"), T.iscalar("k")
    states, _ = theano.scan(lambda a: a * 2, outputs_info=x, n_steps=k)
    both, _ = theano.scan(lambda s, a: a * s, sequences=xs, outputs_info=x, n_steps=k)
    for out, steps, error, text in [
        (states, -1, IndexError, "Scan was asked to run for negative number of step -1"),
        (states[-1], -1, IndexError, "Scan was asked to run for negative number of step -1"),
        (both, -1, IndexError, "Scan was asked to run for negative number of step -1"),
        (both, 4, ValueError, r"\('Sequence is shorter then the required number of steps"),
        (states, -3, IndexError, "Scan was asked to run for negative number of step -3"),  # no buffer can be made
        (both.sum(), -2, IndexError, "Scan was asked to run for negative number of step -2"),
    ]:
        f = theano.function([x, xs, k], out, mode=mode, on_unused_input="ignore")
        with pytest.raises(error, match=text) as e:
            f(np.ones(2), np.ones((3, 2)), steps)
        assert "\nApply node that caused the error: for" in str(e.value)
        assert str(e.value.__op_instance__).startswith("for")
        np.testing.assert_array_equal(f(np.ones(2), np.ones((3, 2)), 2), f(np.ones(2), np.ones((3, 2)), 2))
