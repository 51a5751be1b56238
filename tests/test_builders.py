"""OpFromGraph and as_op."""

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano import OpFromGraph, function, grad, shared
from theano.gradient import DisconnectedInputError, DisconnectedType, NullTypeGradError, Rop, grad_undefined
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.shared_randomstreams import RandomStreams

x, y, z = T.dmatrices("xyz")
a, b, c = T.dscalars("abc")
X, Y, Z = np.ones((2, 2)), np.full((2, 2), 3.0), np.full((2, 2), 5.0)
both_ways = pytest.mark.parametrize("inline", [False, True])


def has_op(f):
    return any(isinstance(n.op, OpFromGraph) for n in f.maker.fgraph.apply_nodes)


@both_ways
@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE"])
def test_value(inline, mode):
    op = OpFromGraph([x, y, z], [x + y * z], inline=inline)
    f = function([x, y, z], op(x, y, z) - op(y, z, x), mode=mode)
    assert (f(X, Y, Z) == 8).all() and (f(X, Y, Z) == 8).all()
    assert has_op(f) is not inline


def test_several_outputs():
    op = OpFromGraph([x, y], [x + y, x * 2])
    p, q = function([x, y], op(x, y))(X, Y)
    assert (p == 4).all() and (q == 2).all()


@both_ways
def test_gradient(inline):
    op = OpFromGraph([x, y, z], [x + y * z], inline=inline)
    f = op(x, y, z)
    f = f - grad(T.sum(f), y)
    assert (function([x, y, z], f)(X, Y, Z) == 11).all()
    f = f - grad(T.sum(f), y)
    assert (function([x, y, z], f)(X, Y, Z) == 6).all()


@both_ways
def test_shared_variables_above_the_inputs_stay_outside(inline):
    """The inputs may be expressions; what these are made of is no part of the Op."""
    s = shared(np.full((2, 2), 7.0))
    scores = T.dot(x, s)
    with theano.change_flags(compute_test_value="raise"):
        x.tag.test_value, s.tag.test_value = X, s.get_value()
        scores.tag.test_value = X.dot(s.get_value())
        out = OpFromGraph([scores], [scores * 2], inline=inline)(scores)
    del x.tag.test_value
    assert out.owner.inputs == [scores] and (function([x], out)(X) == 28).all()
    np.testing.assert_allclose(function([x], grad(out.sum(), s))(X), np.full((2, 2), 4.0))


def test_shared_variable_inside():
    s = shared(np.full((2, 2), 7.0))
    op = OpFromGraph([x, y, z], [x + y * z + s])
    out = op(x, y, z)
    f = function([x, y, z], [out, grad(out.sum(), s)])
    value, g = f(X, Y, Z)
    assert (value == 23).all() and (g == 1).all()
    s.set_value(np.zeros((2, 2)))
    assert (f(X, Y, Z)[0] == 16).all()


def test_nested():
    inner = OpFromGraph([a, b], [a * b + 1])
    op = OpFromGraph([a, b], [inner(a, b) * inner(b, a)])
    assert function([a, b], [op(a, b), grad(op(a, b), a)])(2.0, 3.0) == [49, 42]


@pytest.mark.parametrize(
    "override, want",
    [
        (dict(lop_overrides=lambda i, o, g: [i[0] * o[0] * g[0]]), np.e),
        (dict(lop_overrides=[lambda i, o, g: i[0] * o[0] * g[0] * 2]), 2 * np.e),
        (dict(grad_overrides=lambda i, g: [i[0] * g[0] * 5]), 5),
        (dict(grad_overrides=[lambda i, g: i[0] * g[0] * 6]), 6),
        (dict(lop_overrides=OpFromGraph([a, b, c], [a * b * c * 3])), 3 * np.e),
        (dict(grad_overrides=OpFromGraph([a, b], [a * b * 4])), 4),
    ],
)
def test_gradient_overrides(override, want):
    op = OpFromGraph([a], [T.exp(a)], **override)
    np.testing.assert_allclose(function([a], grad(op(a), a))(1.0), want)


def test_some_gradients_overridden():
    op = OpFromGraph([a, b], [a * b], grad_overrides=["default", lambda i, g: i[0] * 10 * g[0]])
    assert function([a, b], grad(op(a, b), [a, b]))(2.0, 3.0) == [3, 20]


def test_special_gradients():
    op = OpFromGraph([a, b], [a * b], grad_overrides=["default", DisconnectedType()()])
    with pytest.raises(DisconnectedInputError):
        grad(op(a, b), b)
    assert grad(op(a, b), a).type == a.type
    op = OpFromGraph([a, b], [a * b], grad_overrides=["default", grad_undefined(None, 0, None)])
    with pytest.raises(NullTypeGradError):
        grad(op(a, b), b)


@pytest.mark.parametrize(
    "override, want", [("default", 6), (lambda i, e: [i[0] * e[0] * 7], 42), ([lambda i, e: i[0] * e[0] * 8], 48)]
)
def test_r_operator(override, want):
    e = T.dscalar("e")
    op = OpFromGraph([a], [a * 2], rop_overrides=override)
    assert function([a, e], Rop(op(a), a, e), on_unused_input="ignore")(2.0, 3.0) == want


def test_connection_pattern():
    op = OpFromGraph([a, b, c], [a * 2, b * a])
    assert op.connection_pattern(op(a, b, c)[0].owner) == [[True, True], [False, True], [False, False]]
    op = OpFromGraph([a, b], [a * 2], connection_pattern=[[True], [False]])
    assert op.connection_pattern(op(a, b).owner) == [[True], [False]]


def test_shapes_without_values():
    op = OpFromGraph([x, y], [T.dot(x, y), x.sum(axis=0)])
    p, q = op(x, y)
    f = function([x, y], [p.shape, q.shape])
    assert [r.tolist() for r in f(np.ones((2, 3)), np.ones((3, 4)))] == [[2, 4], [3]]
    assert not has_op(f)


def test_shapes_that_depend_on_values():
    n, v = T.lscalar("n"), T.dvector("v")
    op = OpFromGraph([v, n], [v[:n] * 2])
    f = function([v, n], op(v, n))
    assert f(np.arange(4.0), 2).tolist() == [0, 2] and f(np.arange(4.0), 3).tolist() == [0, 2, 4]
    op = OpFromGraph([v], [v[v > 1]])
    assert function([v], op(v))(np.arange(4.0)).tolist() == [2, 3]


def test_errors_inside_are_raised_outside():
    op = OpFromGraph([x, y], [T.dot(x, y)])
    with pytest.raises(ValueError, match="OpFromGraph"):
        function([x, y], op(x, y))(np.ones((2, 3)), np.ones((2, 3)))


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: OpFromGraph([a], a), TypeError, "outputs must be list, got"),
        (lambda: OpFromGraph([a], [1]), TypeError, "inputs and outputs must be Variable instances"),
        (lambda: OpFromGraph([a], [a], updates=[]), TypeError, "updates and givens are not allowed here"),
        (lambda: OpFromGraph([a], [a], lop_overrides=[1], grad_overrides=[2]), ValueError, "mutually exclusive"),
        (lambda: OpFromGraph([a], [a])(a, b), ValueError, "Expected 1 inputs, got 2"),
        (lambda: grad(OpFromGraph([a], [a], grad_overrides=3)(a), a), TypeError, "L_op/gradient override should be"),
        (lambda: grad(OpFromGraph([a], [a], grad_overrides=[3, 4])(a), a), ValueError, "Need to override 1 gradients"),
        (lambda: grad(OpFromGraph([a], [a], grad_overrides=b)(a), a), ValueError, "can only have type"),
        (
            lambda: grad(OpFromGraph([a], [a], grad_overrides=lambda i, g: g[0])(a), a),
            TypeError,
            "should return a list",
        ),
        (
            lambda: grad(OpFromGraph([a], [T.exp(a)], lop_overrides=OpFromGraph([a], [a]))(a), a),
            ValueError,
            "expect overrider with 3 inputs, got 1",
        ),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_names():
    assert str(OpFromGraph([a], [a], name="mine")) == "mine{inline=False}"
    assert str(OpFromGraph([a], [a], inline=True)) == "OpFromGraph{inline=True}"


# ---------------------------------------------------------------- as_op
@theano.as_op(itypes=[T.dmatrix, T.dmatrix], otypes=[T.dmatrix])
def numpy_dot(p, q):
    return np.dot(p, q)


@theano.as_op(itypes=T.dvector, otypes=[T.dvector, T.dscalar], infer_shape=lambda node, shapes: [shapes[0], ()])
def twice_and_sum(v):
    return v * 2, np.asarray(v.sum())


def test_as_op():
    assert (function([x, y], numpy_dot(x, y) + 1)(X, Y) == 7).all()
    assert str(numpy_dot) == "FromFunctionOp{numpy_dot}"
    v = T.dvector("v")
    twice, total = function([v], twice_and_sum(v))([1.0, 2.0])
    assert twice.tolist() == [2, 4] and total == 3
    f = function([v], twice_and_sum(v)[0].shape)
    assert f([1.0, 2.0]).tolist() == [2]
    assert not any(n.op == twice_and_sum for n in f.maker.fgraph.apply_nodes)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: theano.as_op([1], [T.dmatrix]), "itypes has to be a list of Theano types"),
        (lambda: theano.as_op([T.dmatrix], 1), "otypes has to be a list of Theano types"),
        (lambda: theano.as_op([T.dmatrix], [T.dmatrix], 1), "infer_shape needs to be a callable"),
        (lambda: numpy_dot(x, T.dvector()), "We expected inputs of types"),
    ],
)
def test_as_op_errors(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_gradient_of_one_output_of_several():
    op = OpFromGraph([x, y], [x * y, x + y])
    product, _ = op(x, y)
    gx = function([x, y], grad(product.sum(), x))
    np.testing.assert_array_equal(gx(X, Y), Y)


def test_gradient_of_an_output_that_takes_only_some_inputs():
    square = OpFromGraph([x, y], [x * y, x**2])(x, y)[1]
    np.testing.assert_array_equal(function([x, y], grad(square.sum(), x))(X, Y), 2 * X)
    with pytest.raises(DisconnectedInputError):
        grad(square.sum(), y)


def test_third_derivative_of_a_gradient_of_its_own():
    """The gradient for the target is no function of the target."""
    p, q = T.dvectors("p", "q")
    by_target = grad(T.nnet.sigmoid_binary_crossentropy(p, q).sum(), q)
    f = function([p, q], grad(grad(T.sqr(by_target).sum(), p).sum(), p), on_unused_input="ignore")
    np.testing.assert_array_equal(f([1.0, -2.0], [0.5, 0.5]), [2, 2])


@both_ways
@pytest.mark.parametrize("kind", ["constant", "shared", "twice"])
def test_inputs_that_no_function_can_have(kind, inline):
    """Constants, shared variables and the same variable twice are inputs of the Op (Theano: refused when compiled)."""
    other = {"constant": T.constant(Y), "shared": shared(Y), "twice": x}[kind]
    op = OpFromGraph([x, other], [x * other], inline=inline)
    out = op(x, other + 1)
    values = [*function([x], [out, grad(out.sum(), x)])(2 * X), op.fn(X, Y)[0]]
    want = {"twice": (4, 4, 1)}.get(kind, (8, 4, 3))
    assert [v.flat[0] for v in values] == list(want)


@pytest.mark.parametrize("target, slope", [(x, 0.73105858 - 2), (T.constant(Y), 0.73105858 - 3)])
def test_crossentropy_of_constants_and_of_a_variable_with_itself(target, slope):
    with theano.change_flags(compute_test_value="raise"):
        x.tag.test_value = X
        cost = T.nnet.sigmoid_binary_crossentropy(x, target)
        slopes = grad(cost.sum(), x)
    del x.tag.test_value
    np.testing.assert_allclose(function([x], slopes)(X), np.full((2, 2), slope), rtol=1e-6)


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE"])
@pytest.mark.parametrize("streams", [MRG_RandomStreams, RandomStreams])
def test_random_numbers_inside_are_drawn_anew_at_each_call(streams, mode, inline):
    # Theano: MissingInputError, the next state depends on the shape of an input that the function doesn't have
    rng, v, u = streams(3), T.dvector("v"), T.dvector("u")
    noisy = OpFromGraph(
        [v], [v.mean()], inline=inline, grad_overrides=lambda inputs, g: [inputs[0] + rng.uniform(inputs[0].shape)]
    )
    inner = OpFromGraph([v], [v + rng.uniform(v.shape)], inline=inline)
    outer = OpFromGraph([v], [inner(2 * v)[::-1]], inline=inline)
    for expression in (T.grad(noisy(u), u), T.grad(noisy(u) + noisy(3 * u), u) / 10, inner(u), outer(u)):
        f = theano.function([u], expression, mode=mode)
        first, second, shorter = f(np.ones(100)), f(np.ones(100)), f(np.ones(40))
        assert first.shape == second.shape == (100,) and shorter.shape == (40,)
        assert first.std() > 0.1 and not np.array_equal(first, second) and not np.array_equal(second[:40], shorter)
    f = theano.function([u], T.grad(noisy(u), u), mode=mode)
    got = f(np.ones(100))
    assert ((got > 1) & (got < 2)).all()
