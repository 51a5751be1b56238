"""Loops: theano.scan and what stands on it."""

import numpy as np

import theano
import theano.tensor as T
from tests.features.case import ONE, ZERO, M, X, m, n, program, run, w, x
from theano.tensor.shared_randomstreams import RandomStreams


def power(n_steps, last=True):
    r, _ = theano.scan(lambda p, a: p * a, outputs_info=T.ones_like(x), non_sequences=x, n_steps=n_steps)
    return r[-1] if last else r


@program
def scan_const_n_last():
    return [(run(power(3), (x, X)), X**3)]


@program
def scan_symbolic_n_last():
    f = theano.function([x, n], power(n))
    return [(f(X, k), X**k) for k in (1, 4, 2)]


@program
def scan_symbolic_n_all():
    f = theano.function([x, n], power(n, last=False))
    return [(f(X, k), [X**j for j in range(1, k + 1)]) for k in (1, 4, 2)]


@program
def scan_n_from_shape():
    f = theano.function([x], power(x.shape[0]))
    return [(f(v), v ** len(v)) for v in (X, X[:2])]


@program
def scan_n_steps_shared():
    steps = theano.shared(np.int64(2))
    f = theano.function([x], power(steps))
    first = f(X)
    steps.set_value(3)
    return [(first, X**2), (f(X), X**3)]


@program
def scan_shared_const_n_tensor_constant():
    return [(run(power(T.constant(2)), (x, X)), X**2)]


@program
def scan_over_sequence():
    r, _ = theano.scan(lambda v, s: s + v * v, sequences=x, outputs_info=ZERO)
    return [(run(r, (x, X)), np.cumsum(X**2))]


@program
def scan_until_last_only():
    r, _ = theano.scan(lambda p: (p * 2, theano.scan_module.until(p * 2 > 50)), outputs_info=ONE, n_steps=100)
    return [(run(r[-1]), 64.0), (run(r), 2.0 ** np.arange(1, 7))]


@program
def scan_taps_m1_m3():
    start = T.dvector("start")
    r, _ = theano.scan(lambda a, b: a + b, outputs_info=dict(initial=start, taps=[-3, -1]), n_steps=n)
    f = theano.function([start, n], r)
    return [(f([1, 2, 3], 4), [4, 6, 9, 13]), (f([1, 2, 3], 1), [4])]


@program
def scan_seq_taps():
    r, _ = theano.scan(lambda a, b, c: a + 10 * b + 100 * c, sequences=dict(input=x, taps=[-1, 0, 1]))
    return [(run(r, (x, X)), [321, 432])]


@program
def scan_nested_symbolic_inner_n():
    def outer(v):
        return theano.scan(lambda p: p * v, outputs_info=T.ones_like(v), n_steps=n)[0][-1]

    r, _ = theano.scan(outer, sequences=x)
    return [(run(r, (x, X), (n, k)), X**k) for k in (1, 3)]


@program
def scan_inner_n_from_sequence():
    r, _ = theano.scan(
        lambda k: theano.scan(lambda s: s + 1.5, outputs_info=ZERO, n_steps=k)[0][-1], sequences=T.arange(1, n + 1)
    )
    return [(run(r, (n, 3)), [1.5, 3.0, 4.5])]


@program
def grad_scan_symbolic_n():
    f = theano.function([x, n], T.grad(power(n).sum(), x))
    return [(f(X, k), k * X ** (k - 1)) for k in (1, 3)]


@program
def scan_until_grad_seq():
    # Theano 1.0.5 had [0, 4, 6, 8] here: it ran back from the end of the sequence, not from where the loop stopped.
    r, _ = theano.scan(lambda v, s: (s + v * v, theano.scan_module.until(v > 2)), sequences=x, outputs_info=ZERO)
    return [(run(T.grad(r[-1], x), (x, X)), [2, 4, 6, 0])]


@program
def scan_truncate_gradient():
    r, _ = theano.scan(lambda v, s: s + v, sequences=x, outputs_info=ZERO, truncate_gradient=2)
    return [(run(T.grad(r[-1], x), (x, X)), [0, 0, 1, 1])]


@program
def scan_multi_outputs_and_nitsot():
    (a, b), _ = theano.scan(lambda v, s: (s + v, v * 2), sequences=x, outputs_info=[ZERO, None], go_backwards=True)
    return list(zip(run([a, b], (x, X)), [np.cumsum(X[::-1]), X[::-1] * 2]))


@program
def scan_shared_updates_inside():
    s = theano.shared(1.0)
    r, updates = theano.scan(lambda: (s * 1, {s: s * 2}), n_steps=3)
    return [(run(r, updates=updates), [1, 2, 4]), (s.get_value(), 8)]


@program
def scan_strict_mode_and_names():
    s = theano.shared(2.0, name="s")
    r, _ = theano.scan(lambda v, k: v * k, sequences=x, non_sequences=[s], strict=True, name="scaled")
    return [(run(r, (x, X)), X * 2), ("scaled" in str(r.owner.op), True)]


@program
def rop_through_scan():
    v = T.dvector("v")
    return [(run(T.Rop(power(3), x, v), (x, X), (v, X[::-1])), 3 * X**2 * X[::-1])]


@program
def theano_map_reduce_foldl():
    a = theano.map(lambda v: v * v, x)[0]
    b = theano.reduce(lambda v, s: s + v, x, ZERO)[0]
    c = theano.foldl(lambda v, s: s * 10 + v, x, ZERO)[0]
    return list(zip(run([a, b, c], (x, X)), [X**2, 10, 1234]))


def rnn_cost(h0):
    h, _ = theano.scan(lambda v, s: T.tanh(T.dot(w, s) + v), sequences=m, outputs_info=h0)
    return (h[-1] ** 2).sum()


@program
def rnn_grad_symbolic_length():
    f = theano.function([m, w], T.grad(rnn_cost(T.zeros((3,))), w))
    found = []
    for rows in (M, M[:1], np.vstack([M, M]) / 7):
        weights, eps = np.eye(3) * 0.5, 1e-6
        cost = theano.function([m, w], rnn_cost(T.zeros((3,))))
        numeric = np.zeros((3, 3))
        for p in np.ndindex(3, 3):
            step = np.zeros((3, 3))
            step[p] = eps
            numeric[p] = (cost(rows, weights + step) - cost(rows, weights - step)) / (2 * eps)
        found.append((f(rows, weights), numeric))
    return found


@program
def rnn_grad_symbolic_length_h0_input():
    found = run(T.grad(rnn_cost(x), x), (m, M * 0), (w, np.zeros((3, 3))), (x, X[:3]))
    return [(found, np.zeros(3))]


@program
def random_inside_scan():
    s = RandomStreams(3)
    r, updates = theano.scan(lambda v: v + s.uniform(), sequences=x)
    f = theano.function([x], r - x, updates=updates)
    a, b = f(X), f(X)
    return [(len(set(np.r_[a, b].round(9))), 8), (bool((a >= 0).all() and (a < 1).all()), True)]


@program
def scan_until():
    r, _ = theano.scan(lambda v, s: (s + v, theano.scan_module.until(s + v > 4)), sequences=x, outputs_info=ZERO)
    f = theano.function([x], r)
    return [(f(X), [1, 3, 6]), (f(X[:2]), [1, 3]), (f(X * 5), [5])]


@program
def scan_nested():
    def outer(row, total):
        inner, _ = theano.scan(lambda v, s: s + v * v, sequences=row, outputs_info=ZERO)
        return total + inner[-1]

    r, _ = theano.scan(outer, sequences=m, outputs_info=ZERO)
    return [(run(r, (m, M)), np.cumsum((M**2).sum(1)))]


@program
def grad_scan_sequence():
    r, _ = theano.scan(lambda v, s: s * v, sequences=x, outputs_info=ONE)
    f = theano.function([x], T.grad(r[-1], x))
    return [(f(v), v.prod() / v) for v in (X, X[:2])]


@program
def grad_scan_until():
    def step(p, a):
        return p * a, theano.scan_module.until(T.ge(p[0] * a[0], 8))

    r, _ = theano.scan(step, outputs_info=T.ones_like(x), non_sequences=x, n_steps=10)
    return [(run(T.grad(r[-1].sum(), x), (x, X + 1)), 3 * (X + 1) ** 2)]


@program
def scan_go_backwards():
    r, _ = theano.scan(lambda v, s: s * 10 + v, sequences=x, outputs_info=ZERO, go_backwards=True)
    return [(run(r, (x, X)), [4, 43, 432, 4321])]


@program
def scan_zero_steps():
    (a, b), _ = theano.scan(
        lambda p, v: (p * v, p.sum()), outputs_info=[T.ones_like(x), None], non_sequences=x, n_steps=n
    )
    f = theano.function([x, n], [a, b, a.sum()])
    return list(zip(f(X, 0), [np.zeros((0, 4)), [], 0])) + list(zip(f(X, 1), [[X], [4], 10]))


@program
def rnn_grad_static_length():
    h, rows = T.zeros((3,)), T.specify_shape(m, (2, 3))
    for k in range(2):
        h = T.tanh(T.dot(w, h) + rows[k])
    unrolled = T.grad((h**2).sum(), w)
    r, _ = theano.scan(lambda v, s: T.tanh(T.dot(w, s) + v), sequences=rows, outputs_info=T.zeros((3,)), n_steps=2)
    values = (m, M), (w, np.eye(3) * 0.5)
    return [(run(T.grad((r[-1] ** 2).sum(), w), *values), run(unrolled, *values))]


@program
def recompile_50_shapes_scan():
    r, _ = theano.scan(lambda v, s: T.tanh(s + v), sequences=x, outputs_info=ZERO)
    f = theano.function([x], r[-1])
    found, want, s = [], [], 0.0
    for k in range(1, 51):
        s = np.tanh(s + k)
        found.append(f(np.arange(1.0, k + 1)))
        want.append(s)
    return [(found, want)]


def fixed_length(length):
    return T.specify_shape(x, (length,))


@program
def static_shape__scan_taps_m1_m3():
    r, _ = theano.scan(lambda a, b: a + b, outputs_info=dict(initial=fixed_length(3), taps=[-3, -1]), n_steps=4)
    return [(run(r, (x, X[:3])), [4, 6, 9, 13])]


@program
def static_shape__scan_seq_taps():
    r, _ = theano.scan(lambda a, b, c: a + 10 * b + 100 * c, sequences=dict(input=fixed_length(4), taps=[-1, 0, 1]))
    return [(run(r, (x, X)), [321, 432])]
