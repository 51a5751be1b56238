"""The CTC cost against the sum over all alignments, its gradient by differences, errors."""

import itertools

import numpy as np
import pytest

import theanojax.tensor as T
from tests.helpers import both
from theanojax.compile.function import function
from theanojax.gradient import grad
from theanojax.tensor.nnet.ctc import ConnectionistTemporalClassification, ctc

A, L, N = T.ftensor3("a"), T.imatrix("l"), T.ivector("n")


def collapse(path):
    kept = [k for k, _ in itertools.groupby(path)]
    return [k for k in kept if k]


def by_enumeration(activations, labels, lengths):
    p = np.exp(activations.astype("float64"))
    p /= p.sum(2, keepdims=True)
    costs = []
    for b, n in enumerate(lengths):
        want = [k for k in labels[b] if k >= 0]
        total = sum(
            np.prod([p[t, b, k] for t, k in enumerate(path)])
            for path in itertools.product(range(p.shape[2]), repeat=int(n))
            if collapse(path) == want
        )
        costs.append(-np.log(total) if total else 0)
    return np.array(costs)


def data():
    activations = np.random.RandomState(0).randn(5, 5, 3).astype("float32")
    labels = np.array([[1, 2, -1], [1, 1, 2], [-1, -1, -1], [-1, 2, 2], [1, 1, 1]], "int32")
    return activations, labels, np.array([5, 5, 4, 3, 2], "int32")


def test_cost_and_gradient():
    a, labels, n = data()
    costs = both([A, L, N], ctc(A, L, N), [a, labels, n])
    np.testing.assert_allclose(costs, by_enumeration(a, labels, n), rtol=1e-5)
    assert costs[4] == 0  # three labels that are equal do not fit into two times
    weights = np.arange(1, 6, dtype="float32")
    g = both([A, L, N], grad((ctc(A, L, N) * weights).sum(), A), [a, labels, n])
    for t, b, k in np.ndindex(*a.shape):
        moved = []
        for sign in (1, -1):
            x = a.astype("float64")
            x[t, b, k] += sign * 1e-4
            moved.append((by_enumeration(x, labels, n) * weights).sum())
        np.testing.assert_allclose(g[t, b, k], (moved[0] - moved[1]) / 2e-4, atol=1e-4)


def test_gradient_is_not_computed_in_vain():
    f = function([A, L, N], ctc(A, L, N))
    (op,) = [n.op for n in f.maker.fgraph.toposort() if isinstance(n.op, ConnectionistTemporalClassification)]
    assert not op.compute_grad
    assert f(*data()).shape == (5,)
    assert function([A, L, N], ctc(A, L, N).shape)(*data()).tolist() == [5]


def test_errors():
    with pytest.raises(TypeError, match="activations must use the float32 type"):
        ctc(T.dtensor3(), L, N)
    with pytest.raises(ValueError, match="labels must have 2 dimensions"):
        ctc(A, T.ivector(), N)
    with pytest.raises(ValueError, match="input_lengths must have 1 dimension\\."):
        ctc(A, L, T.imatrix())
    a, labels, n = data()
    with pytest.raises(ValueError, match="not smaller than the 3 symbols"):
        both([A, L, N], ctc(A, L, N), [a, labels + 2, n])
