"""What programs rely on and other back ends refuse or get wrong: one small program for each feature.

A program returns pairs of what it found and what Theano 1.0.5 finds. Those on dynamic shapes that need no more than a
line are in tests/test_dynamic_programs.py.
"""

import copy
import io
import pickle
import sys

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.ifelse import ifelse
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.shared_randomstreams import RandomStreams

x, y = T.dvectors("x", "y")
m, w = T.dmatrices("m", "w")
n, i = T.iscalar("n"), T.lscalar("i")
X, M = np.arange(1.0, 5.0), np.arange(6.0).reshape(2, 3)

ZERO, ONE = T.constant(np.float64(0)), T.constant(np.float64(1))

PROGRAMS, ERRORS = [], []


def program(f):
    PROGRAMS.append(f)
    return f


def raises(error, text=""):
    def mark(f):
        ERRORS.append((f, error, text))
        return f

    return mark


def run(out, *pairs, **options):
    """The value of `out` for (variable, value) pairs, from a function compiled with `options`."""
    return theano.function([v for v, _ in pairs], out, **options)(*[a for _, a in pairs])


# ---------------------------------------------------------------- loops
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
    r, _ = theano.scan(lambda k: theano.scan(lambda s: s + 1.5, outputs_info=ZERO, n_steps=k)[0][-1],
                       sequences=T.arange(1, n + 1))
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
def map_reduce_foldl():
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


# ---------------------------------------------------------------- shapes and parts
@program
def arange_of_shape():
    return [(run(T.arange(m.shape[1]), (m, M)), [0, 1, 2])]


@program
def alloc_symbolic_sum_only():
    return [(run(T.alloc(x, n, x.shape[0]).sum(), (x, X), (n, 3)), 30)]


@program
def reshape_symbolic_inputs_also_used_elsewhere():
    return list(zip(run([x.reshape((n, 2)), n * 2.5], (x, X), (n, 2)), [[[1, 2], [3, 4]], 5]))


@program
def reshape_shape_vector_input():
    s = T.lvector("s")
    f = theano.function([x, s], T.reshape(x, s, ndim=2))
    return [(f(X, [2, 2]), X.reshape(2, 2)), (f(X, [4, -1]), X.reshape(4, 1))]


@program
def repeat_symbolic_vector():
    k = T.lvector("k")
    return [(run(T.repeat(x, k), (x, X[:3]), (k, [2, 0, 1])), [1, 1, 3])]


@program
def split_sizes():
    k = T.lvector("k")
    symbolic = theano.function([x, k], T.split(x, k, 2))
    a, b = symbolic(X, [1, 3])
    c, d = symbolic(X, [2, 2])
    e, f = run(T.split(x, [3, 1], 2), (x, X))
    return [(a, X[:1]), (b, X[1:]), (c, X[:2]), (d, X[2:]), (e, X[:3]), (f, X[3:])]


@program
def embedding_grad_duplicates():
    k = T.lvector("k")
    return [(run(T.grad((m[k] * 2).sum(), m), (m, M), (k, [1, 1])), [[0, 0, 0], [4, 4, 4]])]


@program
def workaround_minibatch_arange_index():
    f = theano.function([x, i], x[T.arange(2) + i * 2])
    return [(f(X, 0), X[:2]), (f(X, 1), X[2:])]


@program
def ifelse_same_shape():
    f = theano.function([n, x], ifelse(n, x * 2, x + 1))
    return [(f(1, X), X * 2), (f(0, X), X + 1)]


@program
def advanced_index():
    rows = T.lvector("rows")
    a, b = run([m[rows, rows], m[T.arange(m.shape[0]), [2, 0]]], (m, M), (rows, [1, 0]))
    return [(a, [4, 0]), (b, [2, 3])]


@program
def max_argmax_cumsum():
    return list(zip(run([m.max(axis=0), m.argmax(axis=1), T.cumsum(m, axis=1)], (m, M)),
                    [M.max(0), M.argmax(1), M.cumsum(1)]))


@program
def join_stack_concat():
    return list(zip(run([T.join(0, m, m), T.stack([x, x * 2]), T.concatenate([x, x])], (m, M), (x, X)),
                    [np.r_[M, M], [X, X * 2], np.r_[X, X]]))


@program
def diag_tri():
    return list(zip(run([T.diag(x), T.diag(m), T.tril(m), T.tri(2, 3)], (x, X), (m, M)),
                    [np.diag(X), np.diag(M), np.tril(M), np.tri(2, 3)]))


@program
def searchsorted_bincount():
    k = T.lvector("k")
    return list(zip(run([T.extra_ops.searchsorted(x, y), T.extra_ops.bincount(k)], (x, X), (y, [2.5, 0]),
                        (k, [1, 3, 1])),
                    [[2, 0], [0, 2, 0, 1]]))


@program
def empty_arrays():
    out = [x.sum(), T.exp(x), T.concatenate([x, x]), T.dot(m, m.T), m.sum(axis=0)]
    return list(zip(run(out, (x, []), (m, np.zeros((0, 3)))), [0, [], [], np.zeros((0, 0)), np.zeros(3)]))


@program
def noncontiguous_input():
    wide = np.arange(24.0).reshape(4, 6)
    f = theano.function([m], [m * 2, m.sum(axis=0)])
    return [pair for part in (wide[::2, ::-2], wide.T, wide[1:3, 2:5])
            for pair in zip(f(part), [part * 2, part.sum(0)])]


# ---------------------------------------------------------------- Ops of the host, printing, objects
class Halved(theano.Op):
    __props__ = ()

    def make_node(self, a):
        a = T.as_tensor_variable(a)
        return theano.Apply(self, [a], [a.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0] / 2

    def grad(self, inputs, grads):
        return [grads[0] / 2]

    def infer_shape(self, node, shapes):
        return shapes


@program
def op_perform_only_in_scan():
    r, _ = theano.scan(lambda s: Halved()(s) + 1, outputs_info=x, n_steps=2)
    return [(run(r, (x, X)), [X / 2 + 1, X / 4 + 1.5]), (run(T.grad(r[-1].sum(), x), (x, X)), np.full(4, 0.25))]


@program
def as_op():
    @theano.compile.ops.as_op(itypes=[T.dvector], otypes=[T.dvector], infer_shape=lambda node, shapes: shapes)
    def turned(a):
        return a[::-1].copy()

    return [(run(turned(x) + T.exp(x * 0), (x, X)), X[::-1] + 1)]


@program
def print_op():
    out, sys.stdout = sys.stdout, io.StringIO()
    try:
        value = run(theano.printing.Print("seen", attrs=("shape",))(x) * 2, (x, X))
        text = sys.stdout.getvalue()
    finally:
        sys.stdout = out
    return [(value, X * 2), (text.split(), ["seen", "shape", "=", "(4,)"])]


@program
def compute_test_value():
    with theano.change_flags(compute_test_value="raise"):
        v = T.dvector("v")
        v.tag.test_value = X
        return [((T.exp(v) * 2).tag.test_value, np.exp(X) * 2)]


@program
def pickles_and_copies():
    s = theano.shared(1.0, name="s")
    f = theano.function([x], x.sum() * s, updates=[(s, s + 1)])
    g = pickle.loads(pickle.dumps(f))
    e, v = pickle.loads(pickle.dumps((T.exp(x) + 1, X)))
    (leaf,) = theano.gof.graph.inputs([e])[:1]
    return [(f(X), 10), (f(X), 20), (g(X), 10), (run(e, (leaf, v)), np.exp(X) + 1), (copy.deepcopy(f)(X), 30)]


@program
def function_copy_swap():
    s, t = theano.shared(1.0), theano.shared(5.0)
    f = theano.function([x], x * s, updates=[(s, s + 1)])
    g = f.copy(swap={s: t})
    (copied,) = g(X)  # a copy always gives a list
    return [(f(X), X), (copied, X * 5), (s.get_value(), 2), (t.get_value(), 6)]


@program
def in_default_update_kwargs():
    s = theano.shared(0.0)
    f = theano.function([theano.In(x, value=X, name="x"), theano.In(y, value=np.ones(4), name="y")], (x * y).sum(),
                        updates=[(s, s + 1)])
    return [(f(), 10), (f(y=X), 30), (f(X * 2), 20), (s.get_value(), 3)]


@program
def in_update_state():
    inc, state = T.dscalar("inc"), T.dscalar("state")
    f = theano.function([inc, theano.In(state, value=7.0, update=state + inc)], state)
    return [(f(2), 7), (f(1), 9), (f[state], 10)]


@program
def givens():
    s = theano.shared(X)
    return [(run(x.sum(), givens={x: s * 2}), 20)]


@program
def out_type_and_writable():
    v = run(x * 2, (x, X))
    v += 1
    return [(type(v) is np.ndarray, True), (v, X * 2 + 1)]


@program
def identity_output_aliasing():
    s, a = theano.shared(np.zeros(4)), X.copy()
    first, second = run([x, s], (x, a))
    first += 1
    second += 1
    return [(a, X), (s.get_value(), np.zeros(4))]


@program
def shared_values():
    s = theano.shared(np.zeros(2))
    run([], updates=[(s, s + 1)])
    value = s.get_value()
    value += 5
    borrowed = s.get_value(borrow=True)
    return [(type(value) is np.ndarray and type(borrowed) is np.ndarray, True), (s.get_value(), [1, 1])]


@program
def typed_list():
    from theano.typed_list import TypedListType, append, length

    items = TypedListType(T.dvector)()
    return list(zip(run([items[1], length(append(items, x))], (items, [X, X[:2]]), (x, X)), [X[:2], 3]))


# ---------------------------------------------------------------- derivatives
@program
def jacobian_hessian():
    return [(run(theano.gradient.jacobian(x**2, x), (x, X)), np.diag(2 * X)),
            (run(theano.gradient.hessian((x**3).sum(), x), (x, X)), np.diag(6 * X))]


@program
def rop():
    v = T.dvector("v")
    return [(run(T.Rop(T.dot(m, x), x, v), (m, M), (x, X[:3]), (v, X[:3])), M.dot(X[:3]))]


@program
def opfromgraph():
    op = theano.OpFromGraph([x, y], [x * y + 1])
    return [(run(op(x, y), (x, X), (y, X)), X**2 + 1), (run(T.grad(op(x, x).sum(), x), (x, X)), 2 * X)]


@program
def consider_constant_and_disconnected():
    cost = (x * theano.gradient.disconnected_grad(x)).sum()
    with pytest.raises(theano.gradient.DisconnectedInputError):
        T.grad(cost, y)
    return [(run(T.grad(cost, x), (x, X)), X),
            (run(T.grad((x * y).sum(), x, consider_constant=[y]), (x, X), (y, X)), X),
            (run(T.grad(cost, y, disconnected_inputs="ignore"), (y, X)), np.zeros(4))]


# ---------------------------------------------------------------- random numbers
@program
def randomstreams():
    s = RandomStreams(42)
    const, symbolic, like = s.normal((2, 3)), s.uniform((n, 2)), s.uniform(x.shape)
    f = theano.function([n, x], [const, symbolic, like])
    first, second = f(3, X), f(1, X[:2])
    return [(str([v.shape for v in first]), "[(2, 3), (3, 2), (4,)]"),
            (str([v.shape for v in second]), "[(2, 3), (1, 2), (2,)]"),
            (bool((first[0] != second[0]).all()), True)]


@program
def randomstreams_seed_reproducible():
    def draws():
        f = theano.function([], RandomStreams(9).uniform((3,)))
        return np.r_[f(), f()]

    return [(draws(), draws())]


@program
def randomstreams_two_functions_share_state():
    def drawn(order):
        s = RandomStreams(9)
        v = s.uniform((2,))
        functions = [theano.function([], v), theano.function([], v * 1)]
        return np.r_[functions[order[0]](), functions[order[1]]()]

    return [(drawn([0, 0]), drawn([0, 1]))]


@program
def permutation_choice():
    s = RandomStreams(1)
    p, c = run([s.permutation(n=5), s.choice(size=(20,), a=3)])
    return [(np.sort(p), np.arange(5)), (bool(np.isin(c, [0, 1, 2]).all()), True)]


@program
def dropout_uniform_mask():
    s = MRG_RandomStreams(5)
    kept = run(T.switch(s.uniform(m.shape) > 0.5, m, 0.0), (m, np.ones((50, 40))))
    return [(bool(0.4 < kept.mean() < 0.6), True), (set(np.unique(kept)) == {0, 1}, True)]


# ---------------------------------------------------------------- linear algebra, sparse, nnet
P = np.array([[4.0, 1, 0], [1, 3, 1], [0, 1, 5]])


@program
def cholesky():
    c = T.slinalg.cholesky(m)
    slope = run(T.grad(T.log(T.diag(c)).sum() * 2, m), (m, P))  # of the log determinant, in the lower triangle
    return [(run(c, (m, P)), np.linalg.cholesky(P)), ((slope + slope.T) / 2, np.linalg.inv(P))]


@program
def solve_det_inv_svd_eigh():
    out = [T.slinalg.solve(m, x), T.nlinalg.det(m), T.nlinalg.matrix_inverse(m),
           T.nlinalg.svd(m, compute_uv=False), T.nlinalg.eigh(m)[0]]
    want = [np.linalg.solve(P, X[:3]), np.linalg.det(P), np.linalg.inv(P), np.linalg.svd(P, compute_uv=False),
            np.linalg.eigvalsh(P)]
    return list(zip(run(out, (m, P), (x, X[:3])), want))


@program
def fft_rfft():
    from theano.tensor import fft

    found = run(fft.rfft(m), (m, P))
    want = np.fft.rfft(P)
    return [(found, np.stack([want.real, want.imag], -1)), (run(fft.irfft(fft.rfft(m), is_odd=True), (m, P)), P)]


@program
def sparse_products():
    import scipy.sparse

    from theano import sparse

    a = scipy.sparse.csr_matrix(np.array([[0, 2.0, 0], [1, 0, 3]]))
    s = sparse.csr_matrix("s", dtype="float64")
    dense = a.toarray()
    return [(run(sparse.dot(s, m), (s, a), (m, P)), dense.dot(P)),
            (run(sparse.dot(sparse.constant(a), m), (m, P)), dense.dot(P)),
            (run(sparse.dense_from_sparse(s * 2), (s, a)), dense * 2),
            (run(sparse.sp_sum(s, axis=0), (s, a)), dense.sum(0))]


@program
def conv2d_4d_nnet():
    a, k = T.dtensor4s("a", "k")
    images, kernel = np.arange(18.0).reshape(1, 2, 3, 3), np.arange(8.0).reshape(1, 2, 2, 2)
    windows = [[(images[0, :, r:r + 2, c:c + 2] * kernel[0, :, ::-1, ::-1]).sum() for c in (0, 1)] for r in (0, 1)]
    return [(run(T.nnet.conv2d(a, k), (a, images), (k, kernel)), [[windows]])]


@program
def pool_2d():
    from theano.tensor.signal.pool import pool_2d as pool

    image = np.arange(12.0).reshape(3, 4)
    return [(run(pool(m, (2, 2), ignore_border=False), (m, image)), [[5, 7], [9, 11]]),
            (run(T.grad(pool(m, (2, 2), ignore_border=True).sum(), m), (m, image)), [[0] * 4, [0, 1, 0, 1], [0] * 4])]


@program
def nnet_softmax_crossentropy():
    k = T.lvector("k")
    soft = np.exp(M) / np.exp(M).sum(1, keepdims=True)
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(m), k).mean()
    return [(run(cost, (m, M), (k, [2, 0])), -np.log([soft[0, 2], soft[1, 0]]).mean()),
            (run(T.grad(cost, m), (m, M), (k, [2, 0])), (soft - [[0, 0, 1], [1, 0, 0]]) / 2)]


@program
def stable_logs():
    large = np.array([-800.0, 0.0, 800.0])
    return [(run(T.log(T.nnet.sigmoid(x)), (x, large)), [-800, -np.log(2), 0]),
            (run(T.log(T.nnet.softmax(m)), (m, [[0.0, 1000.0]])), [[-1000, 0]]),
            (run(T.log1p(T.exp(x)), (x, large)), [0, np.log(2), 800])]


# ---------------------------------------------------------------- dtypes
@program
def dtypes():
    f32, i8 = T.fvector("f"), T.bvector("b")
    single = run([f32 * 2, f32.sum(), T.exp(f32)], (f32, X.astype("float32")))
    small = run([i8.sum(), i8 + i8, i8.mean(), i8 * 0.5, i8 + 1], (i8, [100, 100, 100]))
    return [([str(v.dtype) for v in single], ["float32"] * 3),
            ([str(v.dtype) for v in small], ["int64", "int8", "float64", "float32", "int8"]),
            (small[0], 300), (small[1], np.full(3, -56)), (small[2], 100)]


@program
def int_mod_and_division():
    return list(zip(run([i % 3, i // 3], (i, -7)), [2, -3]))


# ---------------------------------------------------------------- modes
@program
def debug_mode():
    return [(run(T.exp(x).sum(), (x, X), mode="DebugMode"), np.exp(X).sum())]


@program
def monitor_mode_callback():
    seen = []
    mode = theano.compile.MonitorMode(post_func=lambda i, node, fn: seen.append(node))
    value = run(T.exp(x).sum(), (x, X), mode=mode)
    return [(value, np.exp(X).sum()), (len(seen) > 0, True)]


@program
def profile_true():
    f = theano.function([m, w], T.tanh(T.dot(m, w)).sum(), profile=True)
    f(M, M.T)
    out = io.StringIO()
    f.profile.summary(file=out)
    return [("Time in 1 calls to Function.__call__" in out.getvalue(), True)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("build", PROGRAMS, ids=lambda f: f.__name__)
def test_program(build):
    pairs = build()
    assert pairs
    for found, want in pairs:
        if isinstance(want, (str, bool, list)) and not np.issubdtype(np.asarray(want).dtype, np.number):
            assert found == want
        else:
            assert np.shape(found) == np.shape(want)
            np.testing.assert_allclose(found, want, rtol=1e-6, atol=1e-8)


# ---------------------------------------------------------------- errors
@raises(np.linalg.LinAlgError)
def cholesky_not_posdef():
    run(T.slinalg.cholesky(m), (m, -P))


@raises(TypeError)
def strict_input_types():
    theano.function([theano.In(T.fvector("f"), strict=True)], [], on_unused_input="ignore")(X)


@raises(AssertionError)
def nan_guard_mode():
    from theano.compile.nanguardmode import NanGuardMode

    run(T.log(x), (x, -X), mode=NanGuardMode(nan_is_error=True, inf_is_error=True, big_is_error=True))


@raises(TypeError, "illegally")
def complex_abs_grad():
    T.grad(abs(T.complex(x, y)).sum(), x)


@raises(ZeroDivisionError)
def int_div_zero():
    run(i // T.zeros_like(i), (i, 7))


@raises(ZeroDivisionError)
def int_mod_zero():
    run(i % T.zeros_like(i), (i, 7))


@raises(ValueError, "(?s)Apply node that caused the error.*Inputs shapes.*Backtrace when the node is created")
def error_message_names_node():
    run(x + y, (x, X), (y, X[:2]))


@raises(ValueError, "shapes|[Ss]hape mismatch|aligned")
def dot_shape_mismatch():
    run(T.dot(m, w), (m, M), (w, M))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("build, error, text", ERRORS, ids=[e[0].__name__ for e in ERRORS])
def test_error(build, error, text):
    with pytest.raises(error, match=text):
        build()
