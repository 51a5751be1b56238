"""Shapes that are known at run time only, parts of arrays, and choices."""

import numpy as np

import theano
import theano.tensor as T
from tests.features.case import M, X, failing, i, m, n, program, row, run, x, y
from theano.ifelse import ifelse


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
def split_symbolic_sizes():
    k = T.lvector("k")
    f = theano.function([x, k], T.split(x, k, 2))
    return [*zip(f(X, [1, 3]), [X[:1], X[1:]]), *zip(f(X, [2, 2]), [X[:2], X[2:]])]


@program
def split_const_sizes():
    return list(zip(run(T.split(x, [3, 1], 2), (x, X)), [X[:3], X[3:]]))


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
def advanced_index_matrix():
    k = T.lmatrix("k")
    return [
        (run(x[k], (x, X), (k, [[1, 0], [3, 3]])), [[2, 1], [4, 4]]),
        (run(m[k[0], k[1]], (m, M), (k, [[1, 0], [2, 0]])), [5, 0]),
    ]


@program
def advanced_index_arange_shape_x():
    k = T.lvector("k")
    f = theano.function([m, k], m[T.arange(m.shape[0]), k])
    return [(f(M, [2, 0]), [2, 3]), (f(M[:1], [1]), [1])]


@program
def slice_minibatch_i_times_B():
    data = theano.shared(np.arange(14.0).reshape(7, 2))
    f = theano.function([i], m.sum(axis=0), givens={m: data[i * 3 : (i + 1) * 3]})
    return [(f(k), data.get_value()[k * 3 : (k + 1) * 3].sum(0)) for k in (0, 1, 2)]


@program
def ifelse_different_shapes():
    f = theano.function([x, y], ifelse(T.gt(x.sum(), 0), x * 2, y[:1]))
    return [(f(X, X), X * 2), (f(-X, X), [1])]


@program
def recompile_50_shapes():
    f = theano.function([m], T.tanh(m).sum(axis=0))
    values = [np.arange(6.0 * k).reshape(2 * k, 3) / 7 for k in range(1, 51)]
    return [(f(v), np.tanh(v).sum(0)) for v in values]


@program
def static_shape__bool_mask_output():
    v = T.specify_shape(x, (4,))
    f = theano.function([x], v[v > 2])
    return [(f(X), [3, 4]), (f(-X), [])]


@program
def static_shape__slice_i_const_b():
    f = theano.function([x, i], T.specify_shape(x, (4,))[i * 3 : (i + 1) * 3])
    return [(f(X, 0), X[:3]), (f(X, 1), X[3:])]


@program
def max_argmax_cumsum():
    return list(
        zip(run([m.max(axis=0), m.argmax(axis=1), T.cumsum(m, axis=1)], (m, M)), [M.max(0), M.argmax(1), M.cumsum(1)])
    )


@program
def join_stack_concat():
    return list(
        zip(
            run([T.join(0, m, m), T.stack([x, x * 2]), T.concatenate([x, x])], (m, M), (x, X)),
            [np.r_[M, M], [X, X * 2], np.r_[X, X]],
        )
    )


@program
def diag_tri():
    return list(
        zip(
            run([T.diag(x), T.diag(m), T.tril(m), T.tri(2, 3)], (x, X), (m, M)),
            [np.diag(X), np.diag(M), np.tril(M), np.tri(2, 3)],
        )
    )


@program
def searchsorted_bincount():
    k = T.lvector("k")
    return list(
        zip(
            run([T.extra_ops.searchsorted(x, y), T.extra_ops.bincount(k)], (x, X), (y, [2.5, 0]), (k, [1, 3, 1])),
            [[2, 0], [0, 2, 0, 1]],
        )
    )


@program
def empty_arrays():
    out = [x.sum(), T.exp(x), T.concatenate([x, x]), T.dot(m, m.T), m.sum(axis=0)]
    return list(zip(run(out, (x, []), (m, np.zeros((0, 3)))), [0, [], [], np.zeros((0, 0)), np.zeros(3)]))


@program
def noncontiguous_input():
    wide = np.arange(24.0).reshape(4, 6)
    f = theano.function([m], [m * 2, m.sum(axis=0)])
    return [
        pair for part in (wide[::2, ::-2], wide.T, wide[1:3, 2:5]) for pair in zip(f(part), [part * 2, part.sum(0)])
    ]


row("bool_mask_output", [x], x[x > 0], [(([1.0, -1.0, 2.0],), [1.0, 2.0]), (([-1.0],), [])])
row("bool_mask_sum", [x], x[x > 0].sum(), [(([1.0, -1.0, 2.0],), 3.0)])
row("bool_mask_mean_grad", [x], T.grad(x[x > 0].mean(), x), [(([1.0, -1.0, 2.0],), [0.5, 0.0, 0.5])])
row("bool_mask_set_scalar", [x], T.set_subtensor(x[x > 1], 0.0), [(([1.0, 3.0, 2.0],), [1.0, 0.0, 0.0])])
row("bool_mask_set_vector", [x, y], T.set_subtensor(x[x > 1], y), [(([1.0, 3.0, 2.0], [7.0, 8.0]), [1.0, 7.0, 8.0])])
row("nonzero", [x], T.nonzero(x)[0], [(([0.0, 3.0, 2.0],), [1, 2]), (([0.0],), [])])
row("nonzero_index_sum", [x], (x * 2)[T.nonzero(x)].sum(), [(([0.0, 3.0, 2.0],), 10.0)])
row("unique", [x], T.extra_ops.Unique()(x), [(([3.0, 1.0, 3.0],), [1.0, 3.0])])
row("arange_symbolic_input", [n], T.arange(n) * 2, [((3,), [0, 2, 4]), ((1,), [0])])
row("arange_of_shape_plus_1", [x], T.arange(x.shape[0] + 1), [(([5.0, 6.0],), [0, 1, 2])])
row("zeros_symbolic_shape", [n], T.zeros((n, 2)), [((1,), [[0.0, 0.0]])])
row("alloc_symbolic_shape", [x, n], T.alloc(x[0], n), [(([4.0], 2), [4.0, 4.0])])
row("eye_symbolic", [n], T.eye(n), [((2,), [[1.0, 0.0], [0.0, 1.0]])])
row("reshape_symbolic_inputs", [x, n], x.reshape((n, 2)), [((np.arange(4.0), 2), [[0.0, 1.0], [2.0, 3.0]])])
row("reshape_from_shape_arith", [m], m.reshape((m.shape[0] * m.shape[1],)), [((np.ones((2, 1)),), [1.0, 1.0])])
row("reshape_minus1_flatten", [m], m.reshape((-1,)), [((np.ones((2, 1)),), [1.0, 1.0])])
row(
    "slice_i_const_b", [x, i], x[i * 2 : (i + 1) * 2], [((np.arange(5.0), 1), [2.0, 3.0]), ((np.arange(5.0), 2), [4.0])]
)
row("slice_symbolic_i_b", [x, i, n], x[i * n : (i + 1) * n], [((np.arange(6.0), 1, 3), [3.0, 4.0, 5.0])])
row("slice_to_n", [x, n], x[:n], [((np.arange(3.0), 2), [0.0, 1.0]), ((np.arange(3.0), -1), [0.0, 1.0])])
row("slice_negative_of_shape", [x], x[-(x.shape[0] // 2) :], [((np.arange(4.0),), [2.0, 3.0])])
row("index_symbolic_scalar", [x, i], x[i], [((np.arange(3.0), -1), 2.0)])
row("set_subtensor_symbolic_slice", [x, n], T.set_subtensor(x[:n], 9.0), [((np.arange(3.0), 2), [9.0, 9.0, 2.0])])
row("repeat_symbolic_scalar", [x, n], T.repeat(x, n), [(([1.0, 2.0], 2), [1.0, 1.0, 2.0, 2.0])])
row("tile_symbolic", [x, n], T.tile(x, (n,)), [(([1.0, 2.0], 2), [1.0, 2.0, 1.0, 2.0])])
row("inc_subtensor_duplicates", [x], T.inc_subtensor(x[[0, 0]], 1.0), [(([1.0, 2.0],), [3.0, 2.0])])
row("set_subtensor_duplicates_last_wins", [x], T.set_subtensor(x[[0, 0]], [5.0, 6.0]), [(([1.0, 2.0],), [6.0, 2.0])])
row("sort_argsort", [x], T.argsort(x), [(([3.0, 1.0, 2.0],), [1, 2, 0])])

failing("oob_scalar_index", [x, i], x[i], (np.zeros(3), 10), IndexError)
failing("oob_constant_index", [x], x[10], (np.zeros(3),), IndexError)
failing("oob_vector_index", [x], x[[0, 10]], (np.zeros(3),), IndexError)
failing("oob_set_subtensor", [x, i], T.set_subtensor(x[i], 1.0), (np.zeros(3), 10), IndexError)
failing("assert_failing", [x], T.opt.Assert("no")(x, T.ge(x.sum(), 0)), ([-1.0],), AssertionError)
failing("runtime_broadcast_mismatch", [x, y], x + y, (np.zeros(3), np.zeros(2)), ValueError)
