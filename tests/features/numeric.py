"""Derivatives, random numbers, linear algebra, sparse matrices, neural networks, dtypes."""

import numpy as np
import pytest
import scipy.sparse

import theano
import theano.tensor as T
from tests.features.case import M, X, i, m, n, program, raises, run, w, x, y
from theano import sparse
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.shared_randomstreams import RandomStreams

P = np.array([[4.0, 1, 0], [1, 3, 1], [0, 1, 5]])


@program
def jacobian():
    return [(run(theano.gradient.jacobian(x**2 * x[0], x), (x, X)), np.diag(2 * X) + np.outer(X**2, [1, 0, 0, 0]))]


@program
def hessian():
    return [(run(theano.gradient.hessian((x**3).sum(), x), (x, X)), np.diag(6 * X))]


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
    return [
        (run(T.grad(cost, x), (x, X)), X),
        (run(T.grad((x * y).sum(), x, consider_constant=[y]), (x, X), (y, X)), X),
        (run(T.grad(cost, y, disconnected_inputs="ignore"), (y, X)), np.zeros(4)),
    ]


# The draws are those of numpy's RandomState, which Theano seeds as here.
def state(seed):
    return np.random.RandomState(np.random.RandomState(seed).randint(2**30))


@program
def randomstreams_const_size():
    f, numpy = theano.function([], RandomStreams(42).normal((2, 3))), state(42)
    return [(f(), numpy.normal(size=(2, 3))), (f(), numpy.normal(size=(2, 3)))]


@program
def randomstreams_symbolic_size():
    f, numpy = theano.function([n], RandomStreams(42).uniform((n, 2))), state(42)
    return [(f(k), numpy.uniform(size=(k, 2))) for k in (3, 1, 0, 2)]


@program
def randomstreams_size_of_x():
    f, numpy = theano.function([m], RandomStreams(42).uniform(m.shape) + m), state(42)
    return [(f(v), numpy.uniform(size=v.shape) + v) for v in (M, M[:1], M.T)]


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


@program
def cholesky():
    return [(run(T.slinalg.cholesky(m), (m, P)), np.linalg.cholesky(P))]


@program
def cholesky_grad():
    log_det = T.log(T.diag(T.slinalg.cholesky(m))).sum() * 2
    slope = run(T.grad(log_det, m), (m, P))  # in the lower triangle
    return [((slope + slope.T) / 2, np.linalg.inv(P))]


@program
def solve_det_inv_svd_eigh():
    out = [
        T.slinalg.solve(m, x),
        T.nlinalg.det(m),
        T.nlinalg.matrix_inverse(m),
        T.nlinalg.svd(m, compute_uv=False),
        T.nlinalg.eigh(m)[0],
    ]
    want = [
        np.linalg.solve(P, X[:3]),
        np.linalg.det(P),
        np.linalg.inv(P),
        np.linalg.svd(P, compute_uv=False),
        np.linalg.eigvalsh(P),
    ]
    return list(zip(run(out, (m, P), (x, X[:3])), want))


@program
def fft_rfft():
    from theano.tensor import fft

    found = run(fft.rfft(m), (m, P))
    want = np.fft.rfft(P)
    return [(found, np.stack([want.real, want.imag], -1)), (run(fft.irfft(fft.rfft(m), is_odd=True), (m, P)), P)]


SPARSE = scipy.sparse.csr_matrix(np.array([[0, 2.0, 0], [1, 0, 3]]))
DENSE = SPARSE.toarray()


@program
def sparse_dot_input():
    s = sparse.csr_matrix("s", dtype="float64")
    return [
        (run(sparse.dot(s, m), (s, SPARSE), (m, P)), DENSE.dot(P)),
        (run(T.grad(sparse.dot(s, m).sum(), m), (s, SPARSE), (m, P)), DENSE.sum(0)[:, None] + 0 * P),
    ]


@program
def sparse_dot_constant():
    return [(run(sparse.dot(sparse.constant(SPARSE), m), (m, P)), DENSE.dot(P))]


@program
def sparse_ops_dense_from_sparse():
    s = sparse.csr_matrix("s", dtype="float64")
    out = [sparse.dense_from_sparse(s * 2), sparse.sp_sum(s, axis=0), sparse.dense_from_sparse(sparse.transpose(s))]
    return list(zip(run(out, (s, SPARSE)), [DENSE * 2, DENSE.sum(0), DENSE.T]))


@program
def conv2d_4d_nnet():
    a, k = T.dtensor4s("a", "k")
    images, kernel = np.arange(18.0).reshape(1, 2, 3, 3), np.arange(8.0).reshape(1, 2, 2, 2)
    windows = [[(images[0, :, r : r + 2, c : c + 2] * kernel[0, :, ::-1, ::-1]).sum() for c in (0, 1)] for r in (0, 1)]
    return [(run(T.nnet.conv2d(a, k), (a, images), (k, kernel)), [[windows]])]


@program
def pool_2d():
    from theano.tensor.signal.pool import pool_2d as pool

    image = np.arange(12.0).reshape(3, 4)
    return [
        (run(pool(m, (2, 2), ignore_border=False), (m, image)), [[5, 7], [9, 11]]),
        (run(T.grad(pool(m, (2, 2), ignore_border=True).sum(), m), (m, image)), [[0] * 4, [0, 1, 0, 1], [0] * 4]),
    ]


@program
def nnet_softmax_crossentropy():
    k = T.lvector("k")
    soft = np.exp(M) / np.exp(M).sum(1, keepdims=True)
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(m), k).mean()
    return [
        (run(cost, (m, M), (k, [2, 0])), -np.log([soft[0, 2], soft[1, 0]]).mean()),
        (run(T.grad(cost, m), (m, M), (k, [2, 0])), (soft - [[0, 0, 1], [1, 0, 0]]) / 2),
    ]


LARGE = np.array([-800.0, 0.0, 800.0])


@program
def softmax_stable_log():
    return [(run(T.log(T.nnet.softmax(m)), (m, [[0.0, 1000.0]])), [[-1000, 0]])]


@program
def log_sigmoid_stable():
    return [(run(T.log(T.nnet.sigmoid(x)), (x, LARGE)), [-800, -np.log(2), 0])]


@program
def log1p_exp_rewrite():
    return [(run(T.log1p(T.exp(x)), (x, LARGE)), [0, np.log(2), 800])]


@program
def dtype_float32_preserved():
    v = T.fvector("v")
    out = run([v * 2, v.sum(), T.exp(v), T.grad((v**2).sum(), v), v.mean()], (v, X.astype("float32")))
    return [([str(a.dtype) for a in out], ["float32"] * 5), (out[0], X * 2), (out[3], X * 2), (out[4], 2.5)]


@program
def dtype_int8_upcast():
    v = T.bvector("v")
    symbolic = [v.sum(), v + v, v.sum() / 6, v * 0.5, v + 1]
    out = run(symbolic, (v, [100, 100, 100]))
    kinds = ["int64", "int8", "float64", "float32", "int8"]
    return [
        ([s.dtype for s in symbolic], kinds),
        ([str(a.dtype) for a in out], kinds),
        (out[0], 300),
        (out[1], np.full(3, -56)),
        (out[2], 50),
    ]


@program
def int_mod_zero_and_neg():
    remainder = theano.function([i, n], i % n)
    with pytest.raises(ZeroDivisionError):
        remainder(7, 0)
    return [*zip(run([i % 3, i // 3], (i, -7)), [2, -3]), (remainder(-7, 3), 2)]


@raises(np.linalg.LinAlgError)
def cholesky_not_posdef():
    run(T.slinalg.cholesky(m), (m, -P))


@program
def complex_abs_grad():
    size = abs(T.complex(x, y))
    with pytest.raises(TypeError, match="illegally"):  # as in Theano, no derivative passes through a complex number
        T.grad(size.sum(), x)
    return [(run(size, (x, X), (y, X)), X * np.sqrt(2)), (run(T.grad(abs(x).sum(), x), (x, -X)), -np.ones(4))]


@raises(ZeroDivisionError)
def int_div_zero():
    run(i // T.zeros_like(i), (i, 7))


@raises(ValueError, "shapes|[Ss]hape mismatch|aligned")
def dot_shape_mismatch():
    run(T.dot(m, w), (m, M), (w, M))
