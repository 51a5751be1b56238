"""Ops for neural networks, and the rewrites that keep their values and gradients finite and exact."""

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from tests.helpers import both, check_op
from theanojax.tensor.nnet import blocksparse, bn, crossentropy, softmax, softsign
from theanojax.tensor.nnet.softmax import logsoftmax_op, softmax_grad, softmax_op, softmax_with_bias

nnet = T.nnet
RNG = np.random.RandomState(7)
X, W, B = RNG.randn(3, 5), RNG.randn(3, 5), RNG.randn(5)
LABELS = np.array([4, 0, 2])


def true_softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# ---------------------------------------------------------------- Ops
@pytest.mark.parametrize("op, n", [(softmax_op, 1), (logsoftmax_op, 1), (softmax_with_bias, 2), (softmax_grad, 2)])
def test_softmax_ops(op, n):
    inputs = [T.dmatrix(), T.dvector() if op is softmax_with_bias else T.dmatrix()][:n]
    values = [X, B if op is softmax_with_bias else true_softmax(W)][:n]
    check_op(inputs, op(*inputs), values)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_softmax_dtypes(dtype):
    x, b = T.matrix(dtype=dtype), T.vector(dtype=dtype)
    for out in (softmax_op(x), logsoftmax_op(x), softmax_with_bias(x, b)):
        inputs = [x, b] if out.owner.op == softmax_with_bias else [x]
        both(inputs, out, [X.astype(dtype), B.astype(dtype)][: len(inputs)])


def test_softmax_of_extreme_and_of_no_values():
    x = T.dmatrix()
    got = both([x], [softmax_op(x), logsoftmax_op(x)], [[[1e4, 0.0], [-1e4, -2e4]]])
    np.testing.assert_array_equal(got[0], [[1, 0], [1, 0]])
    np.testing.assert_array_equal(got[1], [[0, -1e4], [0, -1e4]])
    for shape in ((0, 4), (3, 0)):
        for value in both([x], [softmax_op(x), logsoftmax_op(x)], [np.zeros(shape)]):
            assert value.shape == shape


def test_softmax_refuses():
    with pytest.raises(ValueError, match="x must be 1-d or 2-d tensor of floats. Got"):
        softmax(T.dtensor3())
    with pytest.raises(ValueError, match="x must be 1-d or 2-d"):
        softmax(T.imatrix())
    with pytest.warns(UserWarning, match="LogSoftmax will not automatically pad") as said:
        assert nnet.logsoftmax(T.dvector()).ndim == 2
    assert said[0].filename == __file__
    with pytest.warns(UserWarning, match="dimension of shape 1"):
        softmax(T.dcol())
    x, b = T.dmatrix(), T.dvector()
    with pytest.raises(ValueError, match="number of columns in x .5. does not match length of b .3."):
        both([x, b], softmax_with_bias(x, b), [X, np.ones(3)])
    with pytest.raises(ValueError, match="dy.shape.0. != sm.shape.0."):
        both([x, b], softmax_grad(b, x), [X, np.ones(5)])


@pytest.mark.parametrize("op", [softmax_op, logsoftmax_op])
def test_softmax_r_op(op):
    x, v = T.dmatrix(), T.dmatrix()
    got = both([x, v], T.Rop(op(x), x, v), [X, W])
    sides = [both([x], op(x), [X + s * 1e-6 * W]) for s in (1, -1)]
    np.testing.assert_allclose(got, (sides[0] - sides[1]) / 2e-6, rtol=1e-6, atol=1e-8)


def test_r_op_with_bias_and_of_a_gradient():
    x, b, v, w = T.dmatrix(), T.dvector(), T.dmatrix(), T.dvector()
    out = softmax_with_bias(x, b)
    got = both([x, b, v, w], T.Rop(out, [x, b], [v, w]), [X, B, W, B])
    sides = [both([x, b], out, [X + s * 1e-6 * W, B + s * 1e-6 * B]) for s in (1, -1)]
    np.testing.assert_allclose(got, (sides[0] - sides[1]) / 2e-6, rtol=1e-6, atol=1e-8)
    slope = T.grad((softmax_op(x) ** 2).sum(), x)
    got = both([x, v], T.Rop(slope, x, v), [X, W])
    sides = [both([x], slope, [X + s * 1e-6 * W]) for s in (1, -1)]
    np.testing.assert_allclose(got, (sides[0] - sides[1]) / 2e-6, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64"])
def test_crossentropy_ops(dtype):
    x, b, y = T.dmatrix(), T.dvector(), T.vector(dtype=dtype)
    labels = LABELS.astype(dtype)
    outs = nnet.crossentropy_softmax_argmax_1hot_with_bias(x, b, y)
    got = check_op([x, b, y], outs, [X, B, labels])
    sm = true_softmax(X + B)
    np.testing.assert_allclose(got[0], -np.log(sm[range(3), LABELS]))
    np.testing.assert_allclose(got[1], sm)
    np.testing.assert_array_equal(got[2], sm.argmax(axis=1))
    g = T.dvector()
    check_op([g, x, y], nnet.crossentropy_softmax_1hot_with_bias_dx(g, x, y), [[1.0, 2.0, 3.0], sm, labels])


def test_one_gradient_for_all_rows():
    x, y, v, s = T.dmatrix(), T.lvector(), T.dvector(), T.dscalar()
    sm = true_softmax(X)
    want = both([v, x, y], nnet.crossentropy_softmax_1hot_with_bias_dx(v, x, y), [[2.0, 2.0, 2.0], sm, LABELS])
    for g, value in ((v, [2.0]), (s, 2.0)):
        got = both([g, x, y], nnet.crossentropy_softmax_1hot_with_bias_dx(g, x, y), [value, sm, LABELS])
        np.testing.assert_allclose(got, want)


@pytest.mark.parametrize("labels", [[4, -1, 2], [4, 5, 2]])
def test_labels_out_of_range(labels):
    x, b, y, g = T.dmatrix(), T.dvector(), T.lvector(), T.dvector()
    with pytest.raises(ValueError, match="y_i value out of bounds"):
        both([x, b, y], nnet.crossentropy_softmax_argmax_1hot_with_bias(x, b, y)[0], [X, B, labels])
    with pytest.raises(ValueError, match="y_i >= dx dimensions"):
        both([g, x, y], nnet.crossentropy_softmax_1hot_with_bias_dx(g, x, y), [np.ones(3), X, labels])
    with pytest.raises(ValueError, match="number of rows in x .3. does not match length of y .2."):
        both([x, b, y], nnet.crossentropy_softmax_argmax_1hot_with_bias(x, b, y)[0], [X, B, [0, 1]])
    with pytest.raises(IndexError, match="index 7 is out of bounds for axis 1 with size 5"):
        both([x, y], nnet.categorical_crossentropy(x, y), [abs(X), [0, 7, 1]])


def test_categorical_crossentropy():
    x, y, t = T.dmatrix(), T.lvector(), T.dmatrix()
    p = true_softmax(X)
    got = check_op([x, y], nnet.categorical_crossentropy(x, y), [p, LABELS])
    np.testing.assert_allclose(got[0], -np.log(p[range(3), LABELS]))
    onehot = np.eye(5)[LABELS]
    np.testing.assert_allclose(check_op([x, t], nnet.categorical_crossentropy(x, t), [p, onehot])[0], got[0])
    with pytest.raises(TypeError, match="rank mismatch"):
        nnet.categorical_crossentropy(x, T.lscalar())


def test_prepend():
    x, s = T.dmatrix(), T.dscalar()
    got = check_op([x], crossentropy.Prepend_scalar_constant_to_each_row(4.0)(x), [X])[0]
    np.testing.assert_array_equal(got, np.c_[np.full(3, 4.0), X])
    got = check_op([s, x], nnet.prepend_scalar_to_each_row(s, x), [2.5, X])[0]
    np.testing.assert_array_equal(got, np.c_[np.full(3, 2.5), X])
    assert nnet.prepend_0_to_each_row != nnet.prepend_1_to_each_row
    with pytest.raises(TypeError, match="Expected a matrix"):
        nnet.prepend_0_to_each_row(T.dvector())


def test_activations():
    x = T.dmatrix()
    value = X * 3
    wants = {
        nnet.relu: np.maximum(value, 0),
        nnet.elu: np.where(value > 0, value, np.expm1(value)),
        softsign: value / (1 + abs(value)),
        (lambda v: nnet.relu(v, 0.1)): np.where(value > 0, value, 0.1 * value),
    }
    for f, want in wants.items():
        np.testing.assert_allclose(check_op([x], f(x), [value])[0], want)
    alpha = np.asarray(0.1, dtype="float32")
    assert nnet.relu(T.fmatrix(), alpha).dtype == "float32"


def test_confusion_matrix():
    counts, order = theano.function(
        [], nnet.confusion_matrix(T.constant([2.0, 0, 2, 2, 0, 1]), T.constant([0.0, 0, 2, 2, 0, 2]))
    )()
    np.testing.assert_array_equal(counts, [[2, 0, 0], [0, 0, 1], [1, 0, 2]])
    np.testing.assert_array_equal(order, [0, 1, 2])


def test_block_sparse():
    o, w, h, rows, columns = T.dtensor3(), T.dtensor4(), T.dtensor3(), T.imatrix(), T.imatrix()
    values = [RNG.randn(2, 3, 4), RNG.randn(6, 5, 2, 4), RNG.randn(2, 2, 2), [[1, 5], [0, 2]], [[4, 0, 0], [1, 2, 3]]]
    got = check_op([o, w, h, rows, columns], blocksparse.sparse_block_gemv(o, w, h, rows, columns), values)[0]
    want = values[0].copy()
    for b in range(2):
        for j in range(3):
            for i in range(2):
                want[b, j] += values[2][b, i] @ values[1][values[3][b][i], values[4][b][j]]
    np.testing.assert_allclose(got, want)
    x, y = T.dtensor3(), T.dtensor3()
    outer = [values[1], values[2], values[0], values[3], values[4]]
    got = check_op([w, x, y, rows, columns], blocksparse.sparse_block_outer(w, x, y, rows, columns), outer, grad=False)[
        0
    ]
    want = values[1].copy()
    for b in range(2):
        for i in range(2):
            for j in range(3):
                want[values[3][b][i], values[4][b][j]] += np.outer(values[2][b, i], values[0][b, j])
    np.testing.assert_allclose(got, want)
    with pytest.raises(IndexError):
        both(
            [o, w, h, rows, columns],
            blocksparse.sparse_block_gemv(o, w, h, rows, columns),
            values[:3] + [[[1, 6], [0, 2]], values[4]],
        )


# ---------------------------------------------------------------- batch normalization
@pytest.mark.parametrize("axes", [(0,), (0, 2)])
def test_batch_normalization_ops(axes):
    shape = tuple(1 if i in axes else n for i, n in enumerate((4, 3, 2)))
    names = ("x", "scale", "bias", "mean", "var")
    x = T.dtensor3("x")
    pattern = [i in axes for i in range(3)]
    scale, bias, mean, var = [T.TensorType("float64", pattern)(n) for n in names[1:]]
    values = [RNG.randn(4, 3, 2), RNG.randn(*shape), RNG.randn(*shape), RNG.randn(*shape), RNG.rand(*shape) + 0.5]
    inference = bn.AbstractBatchNormInference(axes)(x, scale, bias, mean, var)
    check_op([x, scale, bias, mean, var], inference, values)
    train = bn.AbstractBatchNormTrain(axes)(x, scale, bias, running_mean=mean, running_var=var)
    check_op([x, scale, bias, mean, var], train, values, grad=False)
    check_op([x, scale, bias, mean, var], train[0], values)
    dy = T.dtensor3("dy")
    grads = bn.AbstractBatchNormTrainGrad(axes)(x, dy, scale, mean, var)
    check_op([x, dy, scale, mean, var], grads, [values[0], RNG.randn(4, 3, 2), *values[2:]])


def test_batch_normalization_train_leaves_no_abstract_op():
    x, gamma, beta = T.dmatrix(), T.dvector(), T.dvector()
    out, mean, invstd = bn.batch_normalization_train(x, gamma, beta)
    grads = T.grad((out**2).sum(), [x, gamma, beta])
    f = theano.function([x, gamma, beta], [out, mean, invstd, *grads])
    assert not any("BatchNorm" in str(node.op) for node in f.maker.fgraph.toposort())
    got = f(X, B, B)
    np.testing.assert_allclose(got[1], X.mean(axis=0))
    np.testing.assert_allclose(got[0], (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + 1e-4) * B + B)


@pytest.mark.parametrize("axes", [[0], range(1), np.array([0])])
def test_batch_normalization_axes_are_any_sequence(axes):
    x, mean = T.dmatrix(), T.dvector()
    out = bn.batch_normalization_test(x, np.ones(5), np.zeros(5), mean, np.ones(5), axes, epsilon=1e-5)
    np.testing.assert_allclose(theano.function([x, mean], out)(X, B), (X - B) / np.sqrt(1 + 1e-5))


def test_batch_normalization_refuses():
    x, v = T.dmatrix(), T.dvector()
    with pytest.raises(ValueError, match="epsilon must be at least 1e-5"):
        bn.batch_normalization_train(x, v, v, epsilon=1e-6)
    with pytest.raises(ValueError, match="axes should be less than ndim"):
        bn.batch_normalization_train(x, v, v, axes=(2,))
    with pytest.raises(ValueError, match="invalid axes: rows"):
        bn.batch_normalization_train(x, v, v, axes="rows")
    with pytest.raises(ValueError, match="gamma and beta dimensionality"):
        bn.batch_normalization_test(T.dtensor4(), v, v, v, v)
    with pytest.raises(ValueError, match="mode must be"):
        nnet.batch_normalization(x, v, v, v, v, mode="low")


@pytest.mark.parametrize("mode", ["low_mem", "high_mem"])
def test_batch_normalization_with_given_statistics(mode):
    x = T.dmatrix()
    params = [T.dvector() for _ in range(4)]
    out = nnet.batch_normalization(x, *params, mode=mode)
    got = check_op([x, *params], out, [X, B, B, B, B])[0]
    np.testing.assert_allclose(got, (X - B) / B * B + B)


# ---------------------------------------------------------------- rewrites
def ops_of(f):
    return [str(node.op) for node in f.maker.fgraph.toposort()]


EXTREME = np.array([[0.0, 1000.0, 3.0], [-1000.0, 5.0, 800.0]])
COSTS = {
    "log first": lambda p, y: -T.log(p)[T.arange(y.shape[0]), y].sum(),
    "log last": lambda p, y: -T.log(p[T.arange(y.shape[0]), y]).sum(),
    "mean": lambda p, y: -T.mean(T.log(p)[T.arange(y.shape[0]), y]) * 2,
    "scaled": lambda p, y: 3.0 * T.sum(-T.log(p[T.arange(y.shape[0]), y])) / 3,
    "Op": lambda p, y: nnet.categorical_crossentropy(p, y).sum(),
}


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("cost", COSTS)
def test_crossentropy_of_improbable_labels(cost, bias):
    x, b, y = T.dmatrix(), T.dvector(), T.lvector()
    c = COSTS[cost](softmax(x + b if bias else x), y)
    f = theano.function([x, b, y], [c, T.grad(c, x)], on_unused_input="ignore")
    names = ops_of(f)
    assert "CrossentropySoftmaxArgmax1HotWithBias" in names
    assert "CrossentropySoftmax1HotWithBiasDx" in names
    assert "SoftmaxGrad" not in names
    value, slope = f(EXTREME, np.zeros(3), [0, 0])
    assert value == 2800
    np.testing.assert_array_equal(slope, [[-1, 1, 0], [-1, 0, 1]])
    assert f.fn.executor.fallbacks == []


def test_crossentropy_of_a_part_of_the_data():
    """The number of labels is an expression of its own, and not the same object everywhere."""
    x, y, index = T.dmatrix(), T.ivector(), T.lscalar()
    data, labels = theano.shared(np.eye(6, 3)), theano.shared(np.array([0.0, 1, 2, 0, 1, 2]))
    W = theano.shared(np.ones((3, 3)))
    p = softmax(T.dot(T.tanh(T.dot(x, W)), np.eye(3)))
    slope = T.grad(-T.log(p[T.arange(y.shape[0]), y]).mean(), W)
    part = slice(index * 2, (index + 1) * 2)
    f = theano.function([index], slope, givens={x: data[part], y: T.cast(labels, "int32")[part]})
    assert "CrossentropySoftmax1HotWithBiasDx" in ops_of(f)


def test_log_softmax_of_all_columns():
    x, t = T.dmatrix(), T.dmatrix()
    cost = -T.sum(t * T.log(softmax(x)))
    f = theano.function([x, t], [cost, T.grad(cost, x)])
    assert "LogSoftmax" in ops_of(f)
    value, slope = f(EXTREME, np.eye(3)[[0, 0]])
    assert value == 2800
    np.testing.assert_array_equal(slope, [[-1, 1, 0], [-1, 0, 1]])


def test_softmax_written_out():
    x, b = T.dmatrix(), T.dvector()
    f = theano.function([x], nnet.softmax_graph(x))
    assert ops_of(f) == ["Softmax"]
    np.testing.assert_array_equal(f([[1000.0, 0.0]]), [[1, 0]])
    assert ops_of(theano.function([x, b], softmax(x + b))) == ["SoftmaxWithBias"]


@pytest.mark.parametrize("axis", [0, None, (0, 1)])
def test_argmax_of_softmax_across_rows_needs_it(axis):
    x, b = T.dmatrix("x"), T.dvector("b")
    values, bias = np.array([[2.0, 0.0, 0.0], [3.0, 2.0, 3.0]]), np.array([0.0, 1.0, 0.0])
    for out, p in ((softmax(x), values), (softmax(x + b), values + bias), (T.log(softmax(x)), values)):
        p = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True)
        f = theano.function([x, b], T.argmax(out, axis=axis), on_unused_input="ignore")
        np.testing.assert_array_equal(f(values, bias), np.argmax(p, axis=0 if axis == 0 else None))


@pytest.mark.parametrize("pick", [lambda p: T.log(p)[[-1], ::1], lambda p: T.log(p[[-1], 0:2])], ids=["of", "in"])
def test_log_of_softmax_indexed_by_a_slice_names_no_labels(pick, caplog):
    x = T.dmatrix("x")
    out = pick(softmax(x))
    f = theano.function([x], [out, T.grad(out.sum(), x)])
    p = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(f(X)[0], np.log(p)[[-1], : out.eval({x: X}).shape[1]])
    assert not caplog.records


def test_argmax_of_softmax_needs_no_softmax():
    x = T.dmatrix()
    f = theano.function([x], T.argmax(softmax(x), axis=1))
    assert not any("Softmax" in name for name in ops_of(f))
    np.testing.assert_array_equal(f(X), X.argmax(axis=1))


def test_binary_crossentropy_of_sure_predictions():
    x, t = T.dvector(), T.dvector()
    for cost in (nnet.binary_crossentropy(nnet.sigmoid(x), t).sum(), nnet.sigmoid_binary_crossentropy(x, t).sum()):
        f = theano.function([x, t], [cost, T.grad(cost, x)])
        value, slope = f([800.0, -800.0, 0.0], [0.0, 1.0, 0.5])
        np.testing.assert_allclose(value, 1600 + np.log(2))
        np.testing.assert_allclose(slope, [1, -1, 0])


def test_a_single_gradient_is_not_stretched():
    x, y = T.dmatrix(), T.lvector()
    cost = T.mean(-T.log(softmax(x))[T.arange(y.shape[0]), y])
    f = theano.function([x, y], T.grad(cost, x))
    assert "Alloc" not in ops_of(f)
    sm = true_softmax(X)
    sm[range(3), LABELS] -= 1
    np.testing.assert_allclose(f(X, LABELS), sm / 3)


def test_hierarchical_softmax_of_one_target_is_that_of_all():
    x, y = T.dmatrix(), T.ivector()
    params = [theano.shared(v) for v in (RNG.randn(4, 5), RNG.randn(5), RNG.randn(5, 4, 3), RNG.randn(5, 3))]
    some = theano.function([x, y], nnet.h_softmax(x, 2, 14, 5, 3, *params, target=y))
    every = theano.function([x], nnet.h_softmax(x, 2, 14, 5, 3, *params))
    data = RNG.randn(2, 4)
    assert every(data).shape == (2, 14)
    np.testing.assert_allclose(some(data, [3, 13]), every(data)[[0, 1], [3, 13]])


def test_names_of_the_package():
    for name in (
        "softmax_simplifier",
        "crossentropy_to_crossentropy_with_softmax",
        "CrossentropyCategorical1Hot",
        "graph_merge_softmax_with_crossentropy_softmax",
        "scalar_sigmoid",
        "logsoftmax_op",
        "selu",
    ):
        assert hasattr(nnet, name), name


def test_gradient_through_the_columns_of_the_largest_is_zero():
    x, y = T.dmatrix("x"), T.lvector("y")
    am = T.nnet.crossentropy_softmax_argmax_1hot_with_bias(x, T.zeros_like(x[0]), y)[2]
    g = theano.grad((am * 0.5).sum(), x)
    assert both([x, y], g, [np.eye(2, 3), np.array([0, 1])]).tolist() == [[0, 0, 0]] * 2
