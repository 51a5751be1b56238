"""Gradients that are finite: of large inputs under every kind of constant weight, and of what was not chosen."""

import itertools

import numpy as np
import pytest

import theanojax.tensor as T
from theanojax.compile.function import function
from theanojax.config import change_flags
from theanojax.gradient import Rop, grad, hessian
from theanojax.ifelse import ifelse
from theanojax.tensor import nnet

MODES = ["FAST_RUN", "FAST_COMPILE"]


# ---------------------------------------------------------------- large inputs, weighted in every way
def softmax_of(x, axis=1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def by_log_softmax(x, g, axis=1):
    return g - g.sum(axis=axis, keepdims=True) * softmax_of(x, axis)


def by_softmax(x, g):
    p = softmax_of(x)
    return p * (g - (g * p).sum(axis=1, keepdims=True))


def logistic(x):
    return np.exp(-np.logaddexp(0, -x))


LABELS = np.array([2, 1])


def at_labels(g):
    full = np.zeros((2, 3))
    full[np.arange(2), LABELS] = g
    return full


def columns(*values):
    return np.stack(values, axis=1)


def written_out(x):
    e = T.exp(x)
    return e / e.sum(axis=1, keepdims=True)


def written_out_shifted(x):
    e = T.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def written_out_dimshuffled(x):
    e = T.exp(x)
    return e / e.sum(axis=1).dimshuffle(0, "x")


def rows_of(x):
    return T.arange(x.shape[0])


def on_all(x, g):
    return g * softmax_of(x.reshape(1, -1)).reshape(x.shape)


# name -> (expression of a matrix, the gradient for the matrix given that of the result, the value)
EXPRESSIONS = {
    "written out": (written_out, by_softmax),
    "written out, shifted": (written_out_shifted, by_softmax),
    "written out, dimshuffled": (written_out_dimshuffled, by_softmax),
    "log of written out": (lambda x: T.log(written_out(x)), by_log_softmax),
    "log of shifted": (lambda x: T.log(written_out_shifted(x)), by_log_softmax),
    "log of dimshuffled": (lambda x: T.log(written_out_dimshuffled(x)), by_log_softmax),
    "softmax": (nnet.softmax, by_softmax),
    "log softmax": (lambda x: T.log(nnet.softmax(x)), by_log_softmax),
    "logsoftmax": (nnet.logsoftmax, by_log_softmax),
    "log softmax with bias": (
        lambda x: T.log(nnet.softmax(x + np.array([0.5, -2, 1], "float32"))),
        lambda x, g: by_log_softmax(x + [0.5, -2, 1], g),
    ),
    "transposed": (lambda x: T.log(nnet.softmax(x).T), lambda x, g: by_log_softmax(x, g.T)),
    "of transposed": (lambda x: T.log(nnet.softmax(x.T).T), lambda x, g: by_log_softmax(x, g, axis=0)),
    "reshaped": (lambda x: T.log(nnet.softmax(x).reshape((3, 2))), lambda x, g: by_log_softmax(x, g.reshape(2, 3))),
    "flat": (lambda x: T.log(nnet.softmax(x).flatten()), lambda x, g: by_log_softmax(x, g.reshape(2, 3))),
    "dimshuffled": (lambda x: T.log(nnet.softmax(x).dimshuffle(0, "x", 1))[:, 0], by_log_softmax),
    "columns": (lambda x: T.log(nnet.softmax(x)[:, 1:]), lambda x, g: by_log_softmax(x, columns(0 * g[:, 0], *g.T))),
    "columns of log": (
        lambda x: T.log(nnet.softmax(x))[:, 1:],
        lambda x, g: by_log_softmax(x, columns(0 * g[:, 0], *g.T)),
    ),
    "columns of written out": (
        lambda x: T.log(written_out(x)[:, 1:]),
        lambda x, g: by_log_softmax(x, columns(0 * g[:, 0], *g.T)),
    ),
    "columns of log of written out": (
        lambda x: T.log(written_out(x))[:, 1:],
        lambda x, g: by_log_softmax(x, columns(0 * g[:, 0], *g.T)),
    ),
    "two columns": (
        lambda x: 2 * T.log(nnet.softmax(x)[:, 0]) + T.log(nnet.softmax(x)[:, 1]),
        lambda x, g: by_log_softmax(x, columns(2 * g, g, 0 * g)),
    ),
    "rows, repeated": (
        lambda x: T.log(nnet.softmax(x)[[1, 1, 0]]),
        lambda x, g: by_log_softmax(x, np.stack([g[2], g[0] + g[1]])),
    ),
    "rows backwards, biased": (
        lambda x: T.log(nnet.softmax(x + np.array([0.5, -2, 1], "float32"))[::-1]),
        lambda x, g: by_log_softmax(x + [0.5, -2, 1], g[::-1]),
    ),
    "labels": (lambda x: T.log(nnet.softmax(x))[rows_of(x), LABELS], lambda x, g: by_log_softmax(x, at_labels(g))),
    "log of labels": (
        lambda x: T.log(nnet.softmax(x)[rows_of(x), LABELS]),
        lambda x, g: by_log_softmax(x, at_labels(g)),
    ),
    "labels of written out": (
        lambda x: T.log(written_out(x))[rows_of(x), LABELS],
        lambda x, g: by_log_softmax(x, at_labels(g)),
    ),
    "log of labels of written out": (
        lambda x: T.log(written_out(x)[rows_of(x), LABELS]),
        lambda x, g: by_log_softmax(x, at_labels(g)),
    ),
    "cross-entropy": (
        lambda x: nnet.categorical_crossentropy(nnet.softmax(x), T.as_tensor_variable(LABELS)),
        lambda x, g: by_log_softmax(x, at_labels(-g)),
    ),
    "cross-entropy of written out": (
        lambda x: nnet.categorical_crossentropy(written_out(x), T.as_tensor_variable(LABELS)),
        lambda x, g: by_log_softmax(x, at_labels(-g)),
    ),
    "cross-entropy, one hot": (
        lambda x: nnet.categorical_crossentropy(nnet.softmax(x), T.constant(at_labels(1.0))),
        lambda x, g: by_log_softmax(x, at_labels(-g)),
    ),
    "log sum exp": (lambda x: T.log(T.exp(x).sum(axis=1)), lambda x, g: g[:, None] * softmax_of(x)),
    "log sum exp, kept": (lambda x: x - T.log(T.exp(x).sum(axis=1, keepdims=True)), by_log_softmax),
    "log sum exp over rows": (lambda x: T.log(T.exp(x).sum(axis=0)), lambda x, g: g * softmax_of(x, axis=0)),
    "log sum exp over rows, kept": (
        lambda x: x - T.log(T.exp(x).sum(axis=0, keepdims=True)),
        lambda x, g: by_log_softmax(x, g, axis=0),
    ),
    "log sum exp of all": (lambda x: T.log(T.exp(x).sum()).dimshuffle("x"), on_all),
    "log sum exp of a vector": (lambda x: T.log(T.exp(x.flatten()).sum()).dimshuffle("x"), on_all),
    "log of two exp": (
        lambda x: T.log(T.exp(x[:, 0]) + T.exp(x[:, 1])),
        lambda x, g: columns(g * logistic(x[:, 0] - x[:, 1]), g * logistic(x[:, 1] - x[:, 0]), 0 * g),
    ),
    "log of exp and inverse": (lambda x: T.log(T.exp(x) + T.exp(-x)), lambda x, g: g * np.tanh(x)),
    "log sigmoid": (lambda x: T.log(nnet.sigmoid(x)), lambda x, g: g * logistic(-x)),
    "log 1 - sigmoid": (lambda x: T.log(1 - nnet.sigmoid(x)), lambda x, g: -g * logistic(x)),
    "log 1 + exp": (lambda x: T.log(1 + T.exp(x)), lambda x, g: g * logistic(x)),
    "log1p exp": (lambda x: T.log1p(T.exp(x)), lambda x, g: g * logistic(x)),
    "logistic": (lambda x: 1 / (1 + T.exp(-x)), lambda x, g: g * logistic(x) * logistic(-x)),
    "logistic, other way": (lambda x: T.exp(x) / (1 + T.exp(x)), lambda x, g: g * logistic(x) * logistic(-x)),
    "log logistic": (lambda x: T.log(1 / (1 + T.exp(-x))), lambda x, g: g * logistic(-x)),
    "log logistic, other way": (lambda x: T.log(T.exp(x) / (1 + T.exp(x))), lambda x, g: g * logistic(-x)),
    "log 1 - logistic": (lambda x: T.log(1 - 1 / (1 + T.exp(-x))), lambda x, g: -g * logistic(x)),
    "softplus": (nnet.softplus, lambda x, g: g * logistic(x)),
    "softplus pair": (lambda x: nnet.softplus(x) - nnet.softplus(-x), lambda x, g: g),
    "binary cross-entropy": (
        lambda x: nnet.binary_crossentropy(nnet.sigmoid(x), np.float32(0.25)),
        lambda x, g: g * (logistic(x) - 0.25),
    ),
    "binary cross-entropy of 0": (
        lambda x: nnet.binary_crossentropy(nnet.sigmoid(x), T.zeros_like(x)),
        lambda x, g: g * logistic(x),
    ),
}
weight = T.fscalar("weight")
# name -> (the cost of a result, the weight that it gives to each element of a result of this shape)
REDUCTIONS = {
    "sum": (lambda v: v.sum(), lambda shape: 1.0),
    "mean": (lambda v: v.mean(), lambda shape: 1.0 / np.prod(shape)),
    "-mean": (lambda v: -v.mean(), lambda shape: -1.0 / np.prod(shape)),
    "3 sum": (lambda v: 3 * v.sum(), lambda shape: 3.0),
    "sum of 3": (lambda v: (np.float32(3) * v).sum(), lambda shape: 3.0),
    "weight sum": (lambda v: weight * v.sum(), lambda shape: 0.5),
    "sum of weight": (lambda v: (weight * v).sum(), lambda shape: 0.5),
    "sum / length": (lambda v: v.sum() / v.shape[0], lambda shape: 1.0 / shape[0]),
    "mean of sums 0": (lambda v: v.sum(axis=0).mean(), lambda shape: shape[0] / np.prod(shape)),
    "mean of sums -1": (lambda v: v.sum(axis=-1).mean(), lambda shape: shape[-1] / np.prod(shape)),
    "mean of kept sums": (lambda v: v.sum(axis=-1, keepdims=True).mean(), lambda shape: shape[-1] / np.prod(shape)),
    "sum of means 0": (lambda v: v.mean(axis=0).sum(), lambda shape: 1.0 / shape[0]),
    "sum of means -1": (lambda v: v.mean(axis=-1, keepdims=True).sum(), lambda shape: 1.0 / shape[-1]),
}
LARGE = [
    np.array([[1000.0, 0.0, -1000.0], [0.0, 800.0, 5.0]]),
    np.array([[0.125, -0.5, 2.0], [1.0, 0.25, -2.0]]),
    np.array([[-1000.0, -800.0, -1000.0], [0.0, -1000.0, 30.0]]),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_large_inputs(name, dtype):
    """Every expression under every weight: what it is computed from must not show in the gradient."""
    expression, expected = EXPRESSIONS[name]
    x = T.matrix(dtype=dtype)
    out = expression(x)
    chosen = [r for i, r in enumerate(REDUCTIONS) if dtype == "float64" or i % 4 == 0]
    f = function([x, weight], [grad(REDUCTIONS[r][0](out), x) for r in chosen], on_unused_input="ignore")
    tolerance = 1e-9 if dtype == "float64" else 2e-4
    for data in LARGE:
        shape = out.shape.eval({x: data.astype(dtype)})
        for reduction, got in zip(chosen, f(data.astype(dtype), 0.5)):
            want = expected(data, np.full(shape, REDUCTIONS[reduction][1](shape)))
            np.testing.assert_allclose(got, want, tolerance, tolerance, err_msg="%s of %s" % (reduction, data))
    assert f.fn.executor.fallbacks == []


Y, weights = T.dmatrix("Y"), T.dvector("weights")
columns_of_labels = rows_of(Y) * Y.shape[1] + T.argmax(Y, axis=1)
# Costs of logarithms of probabilities p, weighted by inputs: name -> (cost, weights of the labels of the two rows)
WEIGHTED = {
    "one hot": (lambda p: -(Y * T.log(p)).sum(axis=1).mean(), [0.5, 0.5]),
    "one hot cross-entropy": (lambda p: nnet.categorical_crossentropy(p, Y).sum(), [1, 1]),
    "tensordot": (lambda p: -T.tensordot(Y, T.log(p), 2), [1, 1]),
    "divergence": (lambda p: T.sum(Y * (T.log(Y + 1e-300) - T.log(p))), [1, 1]),
    "by labels": (lambda p: (weights * -T.log(p)[rows_of(p), T.argmax(Y, axis=1)]).sum() / weights.sum(), [1, 0]),
    "by labels, dot": (lambda p: T.dot(weights, -T.log(p[rows_of(p), T.argmax(Y, axis=1)])), [1, 0]),
    "flat": (lambda p: -T.log(p).flatten()[columns_of_labels].sum(), [1, 1]),
    "log of flat": (lambda p: -T.log(p.flatten()[columns_of_labels]).sum(), [1, 1]),
    "nonzero": (lambda p: -T.log(p)[Y.nonzero()].sum(), [1, 1]),
    "switch": (lambda p: T.switch(Y > 0, -T.log(p), 0).mean(), [1 / 6, 1 / 6]),
    "elements": (lambda p: -T.log(p[0, 2]) - T.log(p[1])[1], [1, 1]),
}


@pytest.mark.parametrize("softmax", [nnet.softmax, written_out])
@pytest.mark.parametrize("name", WEIGHTED)
def test_large_inputs_weighted_by_inputs(name, softmax):
    cost, row_weights = WEIGHTED[name]
    x = T.dmatrix()
    f = function([x, Y, weights], grad(cost(softmax(x)), x), on_unused_input="ignore")
    for data in LARGE:
        got = f(data, at_labels(1.0), [1.0, 0.0])
        np.testing.assert_allclose(got, by_log_softmax(data, at_labels(-np.array(row_weights))), 1e-9, 1e-9)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_modest_inputs_without_rewriting(name):
    expression, expected = EXPRESSIONS[name]
    x = T.dmatrix()
    out = expression(x)
    f = function([x], [out, grad(out.mean(), x)], mode="FAST_COMPILE")
    value, slope = f(LARGE[1])
    np.testing.assert_allclose(slope, expected(LARGE[1], np.full(value.shape, 1 / value.size)), 1e-6, 1e-8)


def test_logarithm_of_a_softmax_through_views():
    x = T.tensor3()
    p = nnet.softmax(x.reshape([-1, 2]))
    data = np.arange(30.0).reshape(3, 5, 2) * 1000
    for out in T.log(p.reshape(x.shape)), T.log(p).reshape(x.shape), T.log(p.reshape(x.shape).dimshuffle(1, 0, 2)):
        got = function([x], out)(data)
        assert (got[..., 0] == -1000).all() and (got[..., 1] == 0).all()


@pytest.mark.parametrize("softmax", [nnet.softmax, written_out])
def test_a_view_of_a_softmax_beside_its_logarithm(softmax):
    x = T.dmatrix()
    p = softmax(x)
    part = p[:, 1:]
    got = function([x], [part, T.log(part), grad(T.log(part).sum() + T.sqr(p).sum(), x)])(LARGE[0])
    p, g = softmax_of(LARGE[0]), np.array([[0.0, 1, 1], [0, 1, 1]])
    np.testing.assert_array_equal(got[0], p[:, 1:])
    np.testing.assert_allclose(got[1], [[-1000, -2000], [0, -795]])
    np.testing.assert_allclose(got[2], by_log_softmax(LARGE[0], g) + by_softmax(LARGE[0], 2 * p), atol=1e-12)


def label(n):
    return T.unbroadcast(T.zeros(1, dtype="int64") + n, 0)


# name -> an expression of the constant (1000, 0, -1000), and its value
CONSTANTS = {
    "softmax": (lambda c: T.log(nnet.softmax(c)), [0, -1000, -2000]),
    "written out": (lambda c: T.log(written_out(c)), [0, -1000, -2000]),
    "sigmoid": (lambda c: T.log(nnet.sigmoid(c)), [0, -np.log(2), -1000]),
    "1 - sigmoid": (lambda c: T.log(1 - nnet.sigmoid(c)), [-1000, -np.log(2), 0]),
    "log1p": (lambda c: T.log1p(T.exp(c)), [1000, np.log(2), 0]),
    "log sum exp": (lambda c: T.log(T.exp(c).sum(axis=1)), 1000),
    "log of two": (lambda c: T.log(T.exp(c) + T.exp(2 * c)), [2000, np.log(2), -1000]),
    "labels": (lambda c: nnet.categorical_crossentropy(nnet.softmax(c), label(0)), 0),
    "other labels": (lambda c: nnet.categorical_crossentropy(nnet.softmax(c), label(1)), 1000),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_exponentials_of_constants(name):
    """Folding the exponential first would leave nothing to take an exact logarithm of."""
    expression, value = CONSTANTS[name]
    got = function([], expression(T.constant([[1000.0, 0.0, -1000.0]])))()
    np.testing.assert_allclose(got.ravel(), value, rtol=1e-12)


def test_exponentials_of_infinities_are_folded():
    """They are exact, and log(sum(exp(x))) by the maximum of x would make nan of them."""
    for value in (np.inf, -np.inf):
        got = function([], T.log(T.exp(T.constant([value, value])).sum()))()
        assert got == value


def test_other_constants_are_folded():
    f = function([], [nnet.softmax(T.constant([[1.0, 2.0]])), T.exp(T.constant(2.0)), nnet.sigmoid(T.constant(2.0))])
    assert not f.maker.fgraph.apply_nodes - {o.owner for o in f.maker.fgraph.outputs}


# ---------------------------------------------------------------- what was not chosen
x, y, s = T.dmatrix("x"), T.lvector("y"), T.dscalar("s")
X = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 0.5]])
INVERSE = np.where(X > 0, 1 / np.where(X > 0, X, 1), 0)
ROOT = np.where(X > 0, 0.5 / np.sqrt(np.where(X > 0, X, 1)), 0)


def only(*places, values=INVERSE):
    mask = np.zeros((2, 3))
    for place in places:
        mask[place] = 1
    return mask * values


# name -> (cost, gradient for x); slopes are infinite where x is 0, and 1000 * x overflows
CHOICES = {
    "element": (T.sqrt(x)[0, 1], only((0, 1), values=ROOT)),
    "slice": (T.sqrt(x)[:, 2].sum(), only((0, 2), (1, 2), values=ROOT)),
    "labels": (T.log(x)[T.arange(x.shape[0]), y].sum(), only((0, 1), (1, 2))),
    "columns": (T.log(x)[:, [2, 2]].sum(), 2 * only((0, 2), (1, 2))),
    "nonzero": (T.log(x)[(x > 0).nonzero()].sum(), INVERSE),
    "mask": (T.log(x)[x > 0].sum(), INVERSE),
    "two elements": (T.log(x)[0, 1] + T.log(x)[1, 2], only((0, 1), (1, 2))),
    "of a product": ((x * T.log(x))[0, 1], only((0, 1))),
    "of a quotient": ((1 / x)[0, 1], -only((0, 1))),
    "of rows over sums": ((x / (x - x[0]).sum(axis=1, keepdims=True))[1].sum(), None),
    "of a power": (T.pow(x, s / 2)[0, 1], only((0, 1), values=0.5)),
    "after reshape": (T.sqrt(x).reshape((3, 2))[0, 1], only((0, 1), values=ROOT)),
    "after transpose": (T.sqrt(x).T[1, 0], only((0, 1), values=ROOT)),
    "after sums": (T.log(x).sum(axis=1)[:0].sum(), 0 * X),
    "of the diagonal": (T.nlinalg.diag(T.log(1 - x[:, :2]))[0], only((0, 0), values=-1)),
    "of joined": (T.concatenate([T.log(x), T.sqrt(x)])[2, 1], only((0, 1), values=ROOT)),
    "written over": (T.set_subtensor(T.log(x)[[0, 1], [0, 1]], 0.0).sum(), INVERSE),
    "element written over": (T.set_subtensor(T.sqrt(x)[0, 0], 0.0)[0].sum(), only((0, 1), (0, 2), values=ROOT)),
    "switch": (T.switch(x > 0, T.log(x), 0).sum(), INVERSE),
    "switch, mean": (T.switch(x > 0, T.log(x), 0).mean(axis=0).sum(), INVERSE / 2),
    "switch of a product": (
        T.switch(x > 0, x * T.log(x), 0).sum(),
        np.where(X > 0, 1 + np.log(np.where(X > 0, X, 1)), 0),
    ),
    "switch, zero first": (T.switch(T.eq(x, 0), 0, 1 / x).sum(), -(INVERSE**2)),
    "switch of a power": (T.switch(x > 0, x**0.5, 0).sum(), ROOT),
    "switch of nan": (
        T.switch(T.isnan(T.log(x - 0.75)), 0, T.sqr(T.log(x - 0.75))).sum(),
        np.where(X > 0.75, 2 * np.log(np.where(X > 0.75, X - 0.75, 1)) / np.where(X > 0.75, X - 0.75, 1), 0),
    ),
    "switch of tanh": (
        T.switch(x > 0, T.tanh(T.log(x)), 0).sum(),
        (1 - np.tanh(np.log(INVERSE + (X <= 0))) ** 2) * INVERSE,
    ),
    "switch by rows": (T.switch(x.sum(axis=1) > 10, T.log(x).sum(axis=1), x.sum(axis=1)).sum(), 1 + 0 * X),
    "switch of joined": (
        T.switch(x > 0, T.concatenate([T.log(x)[:1], T.sqrt(x)[1:]]), 0).sum(),
        np.stack([INVERSE[0], ROOT[1]]),
    ),
    "switch of labels": (T.switch(T.eq(y, 2), T.log(x)[T.arange(2), [0, 2]], 0).sum(), only((1, 2))),
    "nested switch": (T.switch(x > 2, x, T.switch(x > 0, T.log(x), -x)).sum(), np.array([[-1, 1, 0.5], [1, -1, 2]])),
    "maximum": (T.maximum(T.log(x), -0.125).sum(), only((0, 1), (0, 2), (1, 0))),
    "maximum of two": (T.maximum(T.log(x)[0], T.log(x)[1]).sum(), np.array([[0, 1, 0.5], [1 / 3, 0, 0]])),
    "minimum of exp": (
        T.minimum(T.exp(1000 * (x - 0.5)), 2.0).sum(),
        only((1, 2), values=1000) + only((0, 0), (1, 1), values=1000 * np.exp(-500)),
    ),
    "clip": (T.clip(T.log(x), -0.125, 0.875).sum(), only((0, 1), (0, 2))),
    "clip of exp": (T.clip(T.exp(1000 * x), 1, 2).sum(), only((0, 0), (1, 1), values=1000)),
    "largest": (T.log(x).max(), only((1, 0))),
    "largest of rows": (T.log(x).max(axis=1).sum(), only((0, 2), (1, 0))),
    "ifelse": (ifelse(s > 0, x.sum(), T.log(x).sum()), 1 + 0 * X),
    "ifelse of exp": (ifelse(s > 0, x.sum(), T.exp(1000 * x).sum()), 1 + 0 * X),
    "ifelse of matrices": (ifelse(s > 0, T.sqr(x), T.sqrt(x)).sum(), 2 * X),
    "ifelse, then index": (ifelse(s > 0, T.log(x), x)[0, 1], only((0, 1))),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CHOICES)
def test_what_was_not_chosen(name, mode):
    cost, want = CHOICES[name]
    with np.errstate(all="ignore"):
        f = function([x, y, s], grad(cost, x), mode=mode, on_unused_input="ignore")
        got = f(X, [1, 2], 1.0)
    if want is None:  # the slope of a quotient by a row's own sum: sums to 0 along the row
        assert (got[1] != 0).any()
        want = got * np.isfinite(got)
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


def test_nested_switches_of_scalars():
    a, b, mu = T.dscalars("a", "b", "mu")
    square = T.sqr(a - mu)
    cost = T.switch(T.eq(a, -np.inf), mu, T.switch(T.ge(a, 0), square, -square))
    for mode in MODES:
        assert function([a, mu], grad(cost, mu), mode=mode)(-np.inf, 0.0) == 1


def test_the_other_branch_of_ifelse_may_overflow():
    v = T.dscalar()
    for mode in MODES:
        f = function([v], grad(ifelse(v > 0, v + 1, T.exp(v)), v), mode=mode)
        np.testing.assert_allclose([f(k) for k in (-1.0, 1.0, 100.0, 1000.0)], [np.exp(-1.0), 1, 1, 1])


def test_branches_of_ifelse_may_differ_in_shape():
    """A part of what an ifelse gives, where a slope is infinite and one branch is twice as long as the other."""
    v = T.dvector()
    short, values = T.log(v), np.array([0.0, 2.0, 4.0])
    long = T.concatenate([short, short])
    wants = np.array([0, 0.5, 0.25]), np.array([np.inf, 1, 0.5])
    for mode, swapped in itertools.product(MODES, (False, True)):
        chosen = ifelse(s > 0, *([long, short] if swapped else [short, long]))[1:]
        f = function([v, s], grad(chosen.sum(), v), mode=mode)
        with np.errstate(all="ignore"):
            for given in (1.0, -1.0):
                np.testing.assert_allclose(f(values, given), wants[(given > 0) == swapped])


def test_second_derivatives_of_what_was_chosen():
    v = T.dvector()
    at = np.array([0.0, 1.0, 2.0])
    for mode in MODES:
        f = function([v], hessian(T.switch(v > 0, v * T.log(v), 0).sum(), v), mode=mode)
        np.testing.assert_allclose(f(at), np.diag([0, 1, 0.5]))
        f = function([v], hessian(T.log(v)[1], v), mode=mode)
        np.testing.assert_allclose(f(at), np.diag([0, -1, 0]))
        f = function([v], hessian(T.sqr(T.sqrt(v) - 1).sum(), v), mode=mode)  # the zero is one by value alone
        np.testing.assert_allclose(f(np.ones(1)), [[0.5]])


def test_directional_derivatives_of_what_was_chosen():
    """The condition depends on shapes and truth values, through which nothing moves."""
    v, row, direction = T.dmatrix(), T.drow(), T.drow()
    g = grad(T.switch(v > 0, T.log(row) * v, 0).sum(), row)  # that of a row is a sum over the rows chosen
    f = function([v, row, direction], [g, Rop(g, row, direction)])
    values = np.arange(6.0).reshape(2, 3) - 2
    slope, move = f(values, np.full((1, 3), 0.5), np.ones((1, 3)))
    np.testing.assert_allclose(slope, [[2, 4, 6]])
    np.testing.assert_allclose(move, [[-4, -8, -12]])
    assert (f(-np.ones((2, 3)), np.zeros((1, 3)), np.ones((1, 3)))[0] == 0).all()
    element = grad(T.log(x)[0, 1], x)
    got = function([x], Rop(element, x, T.ones_like(x)))(X)
    np.testing.assert_allclose(got, [[0, -1, 0], [0, 0, 0]])


def test_infinite_slopes_stay_infinite():
    v = T.dvector()
    for mode in MODES:
        with np.errstate(all="ignore"):
            assert function([v], grad(T.sqrt(v).sum(), v), mode=mode)([0.0])[0] == np.inf
            assert function([v], grad(T.log(v)[0], v), mode=mode)([0.0, 1.0]).tolist() == [np.inf, 0]
            assert function([v], grad(T.switch(v >= 0, T.sqrt(v), 0).sum(), v), mode=mode)([0.0])[0] == np.inf
            assert np.isnan(function([v], grad(v.norm(2), v), mode=mode)([0.0, 0.0])).all()


def test_gradients_without_choices_are_as_they_were():
    from theanojax.printing import debugprint

    v, w = T.dvectors("v", "w")
    for cost in (
        T.log(v).sum(),
        T.sqrt(T.sqr(v).sum()),
        (w * T.tanh(v * w)).mean(),
        T.log(T.tanh(v)[1:]).sum(),
        T.maximum(v * w, 0).sum(),
        T.sum(T.maximum(v / T.sqrt(T.sqr(w) + 1), 0)),
        T.sum((v * w + 1)[1:] ** 2),
    ):
        text = debugprint(grad(cost, v), file="str")
        assert "switch" not in text.lower() and "zero_times" not in text, text


def test_test_values_through_supports():
    with change_flags(compute_test_value="raise"):
        v = T.dvector()
        v.tag.test_value = np.array([0.0, 4.0])
        g = grad(T.sqrt(v)[1] + ifelse(v[1] > 0, v.sum(), T.log(v).sum()), v)
        np.testing.assert_allclose(g.tag.test_value, [1, 1.25])


# ---------------------------------------------------------------- roots at their minimum
w = T.dvector("w")
NORMS = {
    "half the square": lambda v: 0.5 * v.norm(2) ** 2,
    "half the square of sqrt": lambda v: 0.5 * T.sqrt(T.sqr(v).sum()) ** 2,
    "times 0": lambda v: 0 * s * T.sqrt(T.sqr(v).sum()),
    "cubed": lambda v: v.norm(2) ** 3,
    "third norm, squared": lambda v: v.norm(3) ** 2,
    "of rectified": lambda v: 0.5 * T.maximum(v - 1, 0).norm(2) ** 2,
    "cosine": lambda v: T.cos(T.sqrt((v**2).sum())),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NORMS)
def test_functions_of_norms_at_0(name, mode):
    """A sum of squares has the slope 0 at 0, so that what is flat in the root of it has the gradient 0."""
    g = grad(NORMS[name](w), w)
    f = function([w, s], g, mode=mode, on_unused_input="ignore")
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(f([0.0, 0.0], 1.0), [0, 0])
    at, step = np.array([2.5, 3.0]), 1e-6
    cost = function([w, s], NORMS[name](w), mode=mode, on_unused_input="ignore")
    slopes = [(cost(at + step * e, 1.0) - cost(at - step * e, 1.0)) / (2 * step) for e in np.eye(2)]
    np.testing.assert_allclose(f(at, 1.0), slopes, rtol=1e-6, atol=1e-8)


def test_no_slope_is_made_up_where_there_is_none():
    """Of a variable itself, which may have any sign, sqrt(v) ** 2 has the slope 1 at 0, and not 0."""
    v = T.dscalar()
    with np.errstate(all="ignore"):
        assert function([v], grad(T.sqrt(v) ** 2, v))(0.0) == 1
        assert np.isnan(function([v], grad(T.sqrt(v) ** 2, v), mode="FAST_COMPILE")(0.0))
