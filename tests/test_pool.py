"""Pooling: shapes, values against plain loops, ties, derivatives, old names, errors."""

import itertools

import numpy as np
import pytest

import theanojax.tensor as T
from tests.helpers import both, check_op
from theanojax.compile.function import function
from theanojax.gradient import Lop, Rop, grad
from theanojax.tensor.signal.pool import (
    AveragePoolGrad,
    DownsampleFactorMaxGradGrad,
    MaxPoolGrad,
    MaxPoolRop,
    Pool,
    max_pool_2d_same_size,
    pool_2d,
    pool_3d,
)

MODES = ["max", "sum", "average_inc_pad", "average_exc_pad"]


def rand(*shape):
    return np.random.RandomState(5).permutation(int(np.prod(shape))).reshape(shape).astype("float64")


def loops(x, ws, ignore_border, st, pad, mode):
    """Pooling of the last two dimensions, window by window."""
    rows, cols = x.shape[-2:]
    out = np.zeros(tuple(Pool.out_shape(x.shape, ws, ignore_border, st, pad)))
    for r, c in np.ndindex(*out.shape[-2:]):
        low = [r * st[0] - pad[0], c * st[1] - pad[1]]
        high = [min(low[0] + ws[0], rows + pad[0]), min(low[1] + ws[1], cols + pad[1])]
        part = x[..., max(low[0], 0) : min(high[0], rows), max(low[1], 0) : min(high[1], cols)]
        if mode == "max":
            out[..., r, c] = part.max((-2, -1))
        else:
            size = (high[0] - low[0]) * (high[1] - low[1])
            size = {"sum": 1, "average_inc_pad": size, "average_exc_pad": part.shape[-2] * part.shape[-1]}[mode]
            out[..., r, c] = part.sum((-2, -1)) / size
    return out


@pytest.mark.parametrize("mode", MODES)
def test_values_and_gradients(mode):
    x = T.dtensor4("x")
    value = rand(2, 1, 7, 5)
    for ws, ignore, st, pad in [
        ((2, 2), True, None, (0, 0)),
        ((2, 3), False, None, (0, 0)),
        ((3, 2), True, (2, 1), (1, 1)),
        ((3, 2), False, (1, 2), (0, 0)),
        ((2, 2), True, (3, 3), (0, 0)),
        ((2, 2), False, (3, 3), (0, 0)),
    ]:
        out = pool_2d(x, ws, ignore_border=ignore, stride=st, pad=pad, mode=mode)
        got = check_op([x], out, [value])
        np.testing.assert_allclose(got[0], loops(value, ws, ignore, st or ws, pad, mode))


def test_three_dimensions_and_extra_ones():
    x = T.TensorType("float64", [False] * 5)("x")
    for mode in MODES:
        check_op([x], pool_3d(x, (2, 1, 2), ignore_border=True, stride=(1, 1, 2), mode=mode), [rand(1, 2, 3, 2, 5)])
    v = T.dvector("v")
    got = check_op([v], Pool(True, ndim=1)(v, (2,)), [np.array([1.0, 5, 3, 2, 7])])
    assert got[0].tolist() == [5, 3]


def test_integers_and_single_floats():
    for dtype in ("int32", "uint8", "float32"):
        x = T.tensor4("x", dtype=dtype)
        for mode in ("max", "sum"):
            got = both([x], pool_2d(x, (2, 2), ignore_border=False, mode=mode), [rand(1, 1, 3, 3).astype(dtype)])
            assert got.dtype == dtype and got.shape == (1, 1, 2, 2)


def test_ties_all_get_the_gradient():
    x = T.dmatrix("x")
    value = np.array([[1.0, 1, 0], [1, 0, 2]])
    for stride, want in [((2, 2), [[1, 1, 0], [1, 0, 0]]), ((1, 1), [[1, 1, 0], [1, 0, 1]])]:
        g = grad(pool_2d(x, (2, 2), ignore_border=True, stride=stride).sum(), x)
        assert both([x], g, [value]).tolist() == want
    assert both([x], max_pool_2d_same_size(T.shape_padleft(x, 2), (2, 2)), [value])[0, 0].tolist() == [
        [1, 1, 0],
        [1, 0, 0],
    ]


def test_no_windows():
    x = T.dmatrix("x")
    out = pool_2d(x, (4, 4), ignore_border=True)
    assert both([x], out, [rand(3, 3)]).shape == (0, 0)
    assert both([x], grad(out.sum(), x), [rand(3, 3)]).tolist() == np.zeros((3, 3)).tolist()


def test_second_derivatives_and_directions():
    x, v = T.dmatrix("x"), T.dmatrix("v")
    value, way = rand(5, 6), rand(5, 6) + 0.5
    for mode, pad in [("max", (0, 0)), ("max", (1, 1)), ("sum", (1, 0)), ("average_inc_pad", (1, 1))]:
        out = pool_2d(x, (3, 2), ignore_border=True, stride=(2, 2), pad=pad, mode=mode)
        moved = Rop(out, x, v)
        step = 1e-6
        f = function([x], out)
        numeric = (f(value + step * way) - f(value - step * way)) / (2 * step)
        np.testing.assert_allclose(both([x, v], moved, [value, way]), numeric, rtol=1e-5)
        # the gradient of <gradient, v> for the output's gradient is the derivative in the direction v
        g = T.dmatrix("g")
        back = grad((Lop(out, x, g) * v).sum(), g)
        np.testing.assert_allclose(both([x, v, g], back, [value, way, numeric]), numeric, rtol=1e-5)
    params = [np.array(p) for p in ((3, 2), (2, 2), (1, 1))]
    np.testing.assert_allclose(
        both([x, v], MaxPoolRop(True)(x, v, *params), [value, way]),
        both([x, v], DownsampleFactorMaxGradGrad(True)(x, Pool(True)(x, *params), v, *params), [value, way]),
    )


def test_symbolic_sizes():
    x, ws, st = T.dmatrix("x"), T.ivector("ws"), T.lvector("st")
    out = pool_2d(x, ws, ignore_border=False, stride=st)
    f = function([x, ws, st], [out, out.shape, grad(out.sum(), x)])
    value = rand(7, 6)
    for w, s in itertools.product([(2, 2), (3, 1)], [(2, 3), (1, 1)]):
        got, shape, g = f(value, np.array(w, "int32"), np.array(s))
        want = loops(value, w, False, s, (0, 0), "max")
        assert got.tolist() == want.tolist() and tuple(shape) == want.shape and g.shape == value.shape


def test_old_names():
    x = T.dmatrix("x")
    with pytest.warns(UserWarning, match="'ds' parameter"):
        out = pool_2d(x, ds=(2, 2), ignore_border=True)
    assert out.owner.op == Pool(True)
    with pytest.warns(UserWarning, match="ignore_border"):
        assert pool_2d(x, (2, 2)).owner.op == Pool(False)
    for kwargs, word in [
        (dict(ws=(2, 2), ds=(2, 2)), "'ws' and 'ds'"),
        (dict(), "window size"),
        (dict(ws=(2, 2), stride=(1, 1), st=(1, 1)), "stride"),
        (dict(ws=(2, 2), pad=(1, 1), padding=(1, 1)), "'padding' and pad"),
    ]:
        with pytest.raises(ValueError, match=word):
            pool_2d(x, ignore_border=True, **kwargs)


def test_errors():
    x, v = T.dmatrix("x"), T.dvector("v")
    with pytest.raises(ValueError, match="Pool mode parameter only support"):
        Pool(mode="min")
    with pytest.raises(NotImplementedError, match="padding works only with ignore_border=True"):
        pool_2d(x, (2, 2), ignore_border=False, pad=(1, 1))
    with pytest.raises(NotImplementedError, match="padding must be smaller than strides"):
        pool_2d(x, (2, 2), ignore_border=True, pad=(2, 0))
    with pytest.raises(NotImplementedError, match="pool_2d requires a dimension >= 2"):
        pool_2d(v, (2, 2), ignore_border=True)
    with pytest.raises(TypeError, match="must be ints"):
        Pool()(x, (2.5, 2.0))
    with pytest.raises(AssertionError, match="the mode must be"):
        AveragePoolGrad(True, mode="max")
    ws = T.lvector("ws")
    with pytest.raises(ValueError, match="ws must be a vector of size 2"):
        both([x, ws], Pool(True)(x, ws), [rand(3, 3), [2, 2, 2]])


def test_what_ops_are():
    assert Pool(True, mode="max_deterministic") == Pool(True) != Pool(False)
    assert str(Pool(True)) == "Pool{ignore_border=True, mode='max', ndim=2}"
    assert (
        MaxPoolGrad(True).connection_pattern(MaxPoolGrad(True).make_node(T.dmatrix(), T.dmatrix(), T.dmatrix(), (2, 2)))
        == [[True]] * 3 + [[False]] * 3
    )


@pytest.mark.parametrize("mode", MODES)
def test_hessian_times_a_direction(mode):
    """Theano has no R_op of the gradients of pooling."""
    x, v = T.dtensor4("x"), T.dtensor4("v")

    def cost(x):
        return (pool_2d(x, (2, 3), ignore_border=True, stride=(1, 2), pad=(1, 0), mode=mode) ** 3).sum()

    a, d, eps = rand(1, 2, 5, 6), rand(1, 2, 5, 6), 1e-6
    slope = grad(cost(x), x)
    both = [Rop(slope, x, v), grad((slope * v).sum(), x)]
    f, g = function([x, v], both), function([x], slope)
    difference = (g(a + eps * d) - g(a - eps * d)) / (2 * eps)
    for got in f(a, d):
        np.testing.assert_allclose(got, difference, rtol=1e-5, atol=1e-6)
    # and once more
    third = function([x, v], Rop(both[0], x, v))
    want = (f(a + eps * d, d)[0] - f(a - eps * d, d)[0]) / (2 * eps)
    np.testing.assert_allclose(third(a, d), want, rtol=1e-5, atol=1e-6)
