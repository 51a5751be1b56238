"""Graphs as generated numpy code: the same answers and errors as node by node."""

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from theanojax.runtime.host import HostExecutor
from theanojax.runtime.planning.source import Source
from theanojax.tensor.reduce import CAReduce, Mean

x, y, v, w = T.dmatrix("x"), T.dmatrix("y"), T.dvector("v"), T.dvector("w")
f32 = T.fmatrix("f32")


def numbers(*shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape)


def compare(inputs, outputs, *values, rtol=1e-13):
    """What the generated code gives, once it is sure that it does not leave it to the nodes."""
    f = theano.function(inputs, outputs)
    executor = f.fn.executor
    got = executor.for_any_shape(list(values))
    code, kept = executor._polymorphic.code, [np.array(a) for a in values]
    numbers = executor._polymorphic.shape_program
    assert code is not None and code(list(values), numbers(values) if numbers else ()) is not None
    for g, e in zip(got, HostExecutor(executor.fgraph)(list(values)), strict=True):
        assert type(g) is np.ndarray and (g.dtype, g.shape) == (e.dtype, e.shape)
        np.testing.assert_allclose(g, e, rtol=rtol)
    for a, b in zip(values, kept):
        np.testing.assert_array_equal(a, b)  # nothing is written into
    return got


def test_rows_and_columns_stretch():
    a, b, c = numbers(3, 4), numbers(4), numbers(3)
    compare([x, v, w], [x + v, x * w.dimshuffle(0, "x"), T.tanh(x + v) * w.dimshuffle(0, "x") + 1], a, b, c)
    compare([v, w], v.dimshuffle("x", 0) - w.dimshuffle(0, "x"), b, c)
    compare([x, y, v], (x + v) * (y - v), a, numbers(3, 4, seed=1), b)


@pytest.mark.parametrize("shapes", [((3, 4), (5,)), ((3, 4), (1,)), ((1, 1), (4,)), ((0, 4), (3,))])
def test_lengths_that_do_not_fit(shapes):
    values = [numbers(*shape) for shape in shapes]
    f = theano.function([x, v], T.tanh(x) + v)
    for call in (f.fn.executor.for_any_shape, lambda values: f(*values)):
        with pytest.raises(ValueError, match="Input dimension mis-match"):
            call(values)


@pytest.mark.parametrize("shape", [(3, 4), (1, 1), (0, 4), (3, 0)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_softmax(shape, dtype):
    m, value = T.matrix("m", dtype), numbers(*shape).astype(dtype)
    p = T.nnet.softmax(m)
    rtol = 1e-13 if dtype == "float64" else 1e-6
    compare([m], [p, T.nnet.logsoftmax(m)], value, rtol=rtol)
    compare([m], (p * T.log(p)).sum(axis=1), value, rtol=rtol)
    compare([m], T.grad((p[:, 0] if shape[1] else p).sum(), m), value, rtol=1e-5)


def test_softmax_of_what_is_not_finite_and_of_the_same_twice():
    value = np.array([[np.inf, 1.0], [np.nan, 2.0], [-np.inf, -np.inf], [800.0, -800.0]])
    both = T.nnet.logsoftmax(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        compare([x], [T.nnet.softmax(x), both, T.nnet.softmax(both)], value)


def test_softmax_of_small_floats_is_as_before():
    m, value = T.matrix("m", "float16"), numbers(3, 4).astype("float16")
    executor = theano.function([m], T.nnet.softmax(m)).fn.executor
    np.testing.assert_array_equal(executor.for_any_shape([value])[0], HostExecutor(executor.fgraph)([value])[0])


def test_reductions():
    a = numbers(3, 4, seed=2)
    compare([x], [x.max(axis=0), x.min(axis=1), x.max(), x.sum(), x.sum(axis=(0, 1)), x.max(axis=1, keepdims=True)], a)
    compare([f32], [f32.max(axis=0), f32.min()], a.astype("float32"))
    compare([x], [Mean()(x), Mean(0)(x)], a)
    cube = T.dtensor3("cube")
    value = numbers(2, 3, 4) * 10.0 ** numbers(2, 3, 4, seed=1)
    (got,) = compare([cube], cube.sum(axis=(0, 2)), value, rtol=0)  # in the very order of the nodes
    assert got.shape == (3,)


def test_the_largest_of_nothing():
    f = theano.function([x], x.max(axis=0))
    with pytest.raises(ValueError, match="zero-size"):
        f.fn.executor.for_any_shape([np.ones((0, 3))])


def test_reductions_of_users():
    class Range(CAReduce):
        def compute(self, xp, node, x):
            return xp.max(x, axis=self.axis) - xp.min(x, axis=self.axis)

    class Mixed:
        compute = Range.compute

    class OfTwo(Mixed, CAReduce):
        pass

    reduce = Range(theano.scalar.maximum, 0)
    assert reduce.array_role is OfTwo(theano.scalar.maximum, 0).array_role is None
    (got,) = compare([x], reduce(x), numbers(3, 4))
    np.testing.assert_allclose(got, np.ptp(numbers(3, 4), axis=0))


def test_what_is_asked_for_once_goes_as_soon_as_it_can():
    source, array = Source("None"), np.ones(3)
    assert source.bind(array) == source.bind(array) != source.bind(np.ones(3))
    first = source.once("a + %s" % source.bind(array))
    assert source.once("a + %s" % source.bind(array)) == first
    second = source.let("%s * 2" % first)
    run = source.function("run(a)", "(%s, sorted(locals()))" % second)
    result, names = run(1.0)
    assert result.tolist() == [4.0] * 3 and second in names and first not in names


def test_graphs_of_one_form_share_their_code():
    first, second = (theano.function([v], T.tanh(v) * number).fn.executor for number in (2.0, 3.0))
    for executor, number in ((first, 2.0), (second, 3.0)):
        np.testing.assert_array_equal(executor.for_any_shape([np.ones(2)])[0], np.tanh(np.ones(2)) * number)
    assert first._polymorphic.code.__code__ is second._polymorphic.code.__code__


def test_powers():
    compare(
        [x, f32], [x**3, x**7, x**-2, f32**5, x[0, 0] ** 3], numbers(3, 4), numbers(2, 2).astype("float32"), rtol=1e-6
    )
    scalars = [theano.scalar.float64() for _ in range(2)]
    composite = theano.scalar.Composite(scalars, [theano.scalar.tanh(scalars[0] * 2.0) + scalars[1]])
    compare([x, v], T.Elemwise(composite)(x, v), numbers(3, 4), numbers(4))
    logic = theano.scalar.Composite(scalars, [theano.scalar.switch(theano.scalar.lt(*scalars), *scalars)])
    compare([x, v], T.Elemwise(logic)(x, v.dimshuffle("x", 0)), numbers(3, 4), numbers(4))


def test_whole_numbers_and_choices():
    a, b = np.array([[1, -2, 3], [2**31 - 1, 5, -7]]), np.array([4, -5, 2])
    for dtype in ("int64", "int32", "int8", "uint8"):
        m, n = T.matrix("m", dtype), T.vector("n", dtype)
        results = [m + n, m * 2 - n, -m, T.maximum(m, n), T.eq(m, 1), m < n, abs(m), T.switch(m > n, m, 0), m * m]
        compare([m, n], results, a.astype(dtype), b.astype(dtype))
    c, d = numbers(3, 4), numbers(4, seed=1)
    compare([x, v], [T.switch(x > v, x, 1), (x > 0) * v, v * T.eq(x, x), T.switch(v > 0, x, v), T.clip(x, -1, 1)], c, d)
    compare([f32], [T.switch(f32 > 0, f32, 0), (f32 > 0) * f32], c.astype("float32"))
    mask = T.bmatrix("mask")
    compare([mask, v], [T.switch(mask, v, 0.5), mask * v], (c > 0).astype("int8"), d)
    flags = T.vector("flags", "bool")
    compare([flags, v], [flags + flags, flags * flags, flags * v, T.switch(flags, v, np.inf)], d > 0, d)
    compare([flags, v], [flags * 0.5, (v > 0) * np.float32(0.5), 2.5 * flags], d > 0, d)
    with pytest.raises(ValueError, match="Input dimension mis-match"):
        theano.function([x, v], T.switch(x > 0, x, v)).fn.executor.for_any_shape([c, numbers(1)])
