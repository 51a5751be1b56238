"""Products of the rows of sequences are computed before a loop, of all rows at once."""

import numpy as np
import pytest

import theano
import theano.tensor as T
from theanojax.loop import ahead

N, ROWS, IN, OUT = 12, 3, 5, 4
rng = np.random.RandomState(7)
W, U = rng.normal(size=(IN, OUT)), rng.normal(size=(OUT, OUT)) / 4


def values(*shape):
    return rng.normal(size=shape)


def found_by(monkeypatch):
    """A list that gets the shapes of what is computed ahead, for each loop traced."""
    shapes, real = [], ahead.products_of_all_steps

    def noted(loop, seqs):
        products = real(loop, seqs)
        shapes.append([p.shape for p in products.values()])
        return products

    monkeypatch.setattr("theanojax.loop.lowering.products_of_all_steps", noted)
    return shapes


def both(inputs, outputs, *args):
    """What the outputs are on XLA, which has to be what they are on the host."""
    got = theano.function(inputs, outputs, mode=theano.Mode("cvm", "fast_run"))(*args)
    want = theano.function(inputs, outputs, mode=theano.Mode("py", "fast_run"))(*args)
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-10, atol=1e-12)
    return got


@pytest.mark.parametrize("rows", [None, ROWS])
@pytest.mark.parametrize("truncated", [-1, 5])
def test_rows_of_a_sequence(rows, truncated, monkeypatch):
    shapes = found_by(monkeypatch)
    x, w, u = (T.dmatrix if rows is None else T.dtensor3)("x"), T.dmatrix("w"), T.dmatrix("u")
    start = T.zeros((OUT,) if rows is None else (rows, OUT))
    hs, _ = theano.scan(
        lambda x, h: T.tanh(T.dot(x, w) + T.dot(h, u)), sequences=x, outputs_info=start, truncate_gradient=truncated
    )
    cost = (hs[-1] ** 2).sum()
    inner = () if rows is None else (rows,)
    both([x, w, u], [hs[-1], cost, *T.grad(cost, [w, u, x])], values(N, *inner, IN), W, U)
    assert [(N, *inner, OUT)] in shapes


def test_transposed_weights_and_known_ones(monkeypatch):
    shapes = found_by(monkeypatch)
    x, shared = T.dtensor3("x"), theano.shared(W.T.copy(), "w")
    hs, _ = theano.scan(
        lambda x, h, w: h + T.dot(x, w.T) + T.dot(x, T.constant(W)),
        sequences=x,
        outputs_info=T.zeros((ROWS, OUT)),
        non_sequences=shared,
    )
    data = values(N, ROWS, IN)
    (got,) = both([x], [hs], data)
    np.testing.assert_allclose(got, np.cumsum(2 * (data @ W), axis=0), rtol=1e-10)
    assert any(shape for shape in shapes)


def test_of_one_dtype_only(monkeypatch):
    shapes = found_by(monkeypatch)
    x, w = T.fmatrix("x"), T.dmatrix("w")
    hs, _ = theano.scan(lambda x, h: h + T.dot(x, w), sequences=x, outputs_info=T.zeros((OUT,)))
    data = values(N, IN).astype("float32")
    (got,) = both([x, w], [hs], data, W)
    np.testing.assert_allclose(got, np.cumsum(data.astype("float64") @ W, axis=0), rtol=1e-10)
    assert not any(shapes)


def test_lengths_that_do_not_fit_are_theanos_error():
    x, w = T.dmatrix("x"), T.dmatrix("w")
    hs, _ = theano.scan(lambda x, h: h + T.dot(x, w), sequences=x, outputs_info=T.zeros((OUT,)))
    f = theano.function([x, w], hs)
    f(values(N, IN), W)
    with pytest.raises(ValueError, match="aligned|hape"):
        f(values(N, IN + 1), W)


def test_a_loop_that_data_end_computes_no_rows_that_it_does_not_read(monkeypatch):
    shapes = found_by(monkeypatch)
    x, w = T.dmatrix("x"), T.dmatrix("w")

    def step(x, h):
        h = h + T.dot(x, w)
        return h, theano.scan_module.until(abs(h).sum() > 4)

    hs, _ = theano.scan(step, sequences=x, outputs_info=T.zeros((OUT,)))
    both([x, w], [hs[-1]], values(N, IN), W)
    assert not any(shapes)


def test_not_more_than_there_is_room_for(monkeypatch):
    shapes = found_by(monkeypatch)
    monkeypatch.setattr(ahead, "MOST_BYTES", N * OUT * 8 - 1)
    x, w = T.dmatrix("x"), T.dmatrix("w")
    hs, _ = theano.scan(lambda x, h: h + T.dot(x, w), sequences=x, outputs_info=T.zeros((OUT,)))
    both([x, w], [hs[-1]], values(N, IN), W)
    assert not any(shapes)


def test_loops_in_loops(monkeypatch):
    shapes = found_by(monkeypatch)
    x, w = T.dtensor3("x"), T.dmatrix("w")

    def outer(rows, total):
        hs, _ = theano.scan(lambda row, h: T.tanh(h + T.dot(row, w)), sequences=rows, outputs_info=T.zeros((OUT,)))
        return total + hs[-1]

    hs, _ = theano.scan(outer, sequences=x, outputs_info=T.zeros((OUT,)))
    both([x, w], [hs], values(4, N, IN), W)
    assert [(N, OUT)] in shapes
