"""Gradients: what grad and its relatives return, raise and name, and checks against finite differences."""

import gc
import warnings
from collections import OrderedDict

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from theanojax import gradient
from theanojax.gradient import (
    DisconnectedInputError,
    DisconnectedType,
    GradientError,
    NullType,
    NullTypeGradError,
    disconnected_grad,
    grad,
    grad_clip,
    grad_scale,
    numeric_grad,
    undefined_grad,
    verify_grad,
    zero_grad,
)
from theanojax.graph.connection import connection_pattern, io_connection_pattern
from theanojax.graph.op import Op
from theanojax.graph.traverse import clone, nodes_constructed
from theanojax.graph.type import generic
from theanojax.graph.variable import Apply
from theanojax.printing import debugprint, pp
from theanojax.tensor.linalg.slinalg import cholesky, solve
from theanojax.tensor.nnet.bn import batch_normalization_train
from theanojax.tensor.signal.pool import pool_2d


def rng():
    return np.random.RandomState(3)


class OneToOne(Op):
    """An Op with a gradient that the test chooses."""

    __props__ = ()

    def __init__(self, grad, pattern=None, out=None):
        self.chosen = grad
        self.out = out
        if pattern is not None:
            self.connection_pattern = lambda node: pattern

    def make_node(self, x):
        return Apply(self, [x], [(self.out or x.type)()])

    def grad(self, inputs, output_grads):
        return self.chosen(*inputs)


# ---------------------------------------------------------------- the graph of a gradient
def test_terms_are_added_in_the_order_of_use():
    x = T.dscalar("x")
    y = T.exp(x) + T.sin(x)
    g = grad(y * x, x)
    one = "fill(((exp(x) + sin(x)) * x), TensorConstant{1.0})"
    assert pp(g) == "((((%s * x) * exp(x)) + ((%s * x) * cos(x))) + (%s * (exp(x) + sin(x))))" % (one, one, one)


def test_names():
    x, w = T.dvector("x"), T.dvector("w")
    cost = T.dot(x, w)
    cost.name = "cost"
    assert [g.name for g in grad(cost, [x, w])] == ["(dcost/dx)", "(dcost/dw)"]
    assert grad(T.dot(x, w), w).name is None
    cost = T.dot(x, w)
    cost.name = "cost"
    assert grad(cost, w, add_names=False).name is None


def test_container_follows_wrt():
    x, y = T.dscalars("x", "y")
    assert isinstance(grad(x * y, [x]), list)
    assert isinstance(grad(x * y, (x, y)), tuple)
    assert grad(x * y, x).type == x.type


def test_gradient_of_integers_is_float():
    i, x = T.iscalar("i"), T.fscalar("x")
    assert grad(i, i).dtype == theano.config.floatX
    assert grad(i * 2.5, i).dtype == "float64"
    by_x, by_y = grad(x * 2 + T.lscalar("z"), [x, x])
    assert by_x.dtype == by_y.dtype == "float32"


def test_a_deep_graph_needs_no_recursion():
    x = T.dscalar("x")
    y = x
    for _ in range(3000):
        y = y + x
    g = grad(y, x)
    assert len(debugprint(g, file="str").splitlines()) > 3000


def test_known_grads():
    x, y = T.dvector("x"), T.dvector("y")
    z = x * 2
    assert grad(None, x, known_grads={z: y}).owner.inputs[0] is y
    i = T.iscalar("i")
    g = T.dscalar("g")
    assert grad(None, i, known_grads={i: g}) is g
    both = grad(None, [x, y], known_grads=OrderedDict([(z, y), (y * 3, x)]))
    assert [b.type for b in both] == [x.type, y.type]


def test_consider_constant():
    x, y = T.dscalars("x", "y")
    z = x * y
    g = grad(z * x, x, consider_constant=[z])
    assert T.mul(2, 3).owner.op == g.owner.op
    with pytest.raises(DisconnectedInputError):
        grad(z * x, y, consider_constant=[z])
    with pytest.raises(TypeError, match="must be an iterable collection"):
        grad(z, x, consider_constant=3)
    with pytest.raises(TypeError, match="must be variables"):
        grad(z, x, consider_constant=[[z]])


# ---------------------------------------------------------------- errors
def test_arguments_are_checked():
    x, y = T.dvector("x"), T.dscalar("y")
    for call, error, text in [
        (lambda: grad(x, x), TypeError, "cost must be a scalar"),
        (lambda: grad(y, {y}), TypeError, "wrt must not be a set"),
        (lambda: grad(y, 3.0), TypeError, "Expected Variable, got 3.0"),
        (lambda: grad(None, y), AssertionError, "can't both be None"),
        (lambda: grad(NullType("because")(), y), ValueError, "Can't differentiate a NaN cost.*because"),
        (lambda: grad(None, y, known_grads={y: 3.0}), TypeError, "must be theano variables"),
        (lambda: grad(None, y, known_grads={y: T.iscalar()}), TypeError, "Gradients must always be"),
        (lambda: grad(y * 2, x, disconnected_inputs="no"), ValueError, "valid values are 'ignore', 'warn'"),
        (lambda: grad(y * 2, x, disconnected_inputs="ignore", return_disconnected="no"), AssertionError, "'Disconnec"),
        (lambda: grad(undefined_grad(y), y, null_gradients="no"), AssertionError, "null_gradients"),
        (lambda: T.Rop(y, y, x), ValueError, "mismatched dimensionality: 0 versus 1"),
        (lambda: T.Rop(y, y, [y, y]), AssertionError, "1 wrt but 2 eval_points"),
        (lambda: T.Lop(y, y, [y, y]), AssertionError, "1 functions but 2 eval_points"),
        (lambda: T.jacobian(T.outer(x, x), x), AssertionError, "expects a 1 dimensional variable"),
        (lambda: T.jacobian(3, x), AssertionError, "expects a Variable"),
        (lambda: T.hessian(x, x), AssertionError, "expects a 0 dimensional"),
        (lambda: T.hessian(y, y), AssertionError, "1 dimensional variable as `wrt`"),
        (lambda: gradient.subgraph_grad([y], [y]), AssertionError, "can't both be None"),
        (lambda: gradient.subgraph_grad(y, [y], cost=y), AssertionError, "wrt of subgraph_grad"),
        (lambda: grad_clip(y, 1, -1), AssertionError, "less than the lower"),
    ]:
        with pytest.raises(error, match=text):
            call()


def test_disconnected_inputs():
    x, y = T.dscalars("x", "y")
    with pytest.raises(DisconnectedInputError, match="(?s)Backtrace when that variable is created.*operator: y"):
        grad(x * 2, y)
    with pytest.warns(UserWarning, match="not part of the computational graph of the cost.*: y") as caught:
        grad(x * 2, y, disconnected_inputs="warn")
    assert len(caught) == 1
    assert isinstance(grad(x * 2, y, None, "ignore", return_disconnected="Disconnected").type, DisconnectedType)
    assert grad(x * 2, y, disconnected_inputs="ignore", return_disconnected="None") is None
    zero = grad(x * 2, T.imatrix("z"), disconnected_inputs="ignore")
    assert (zero.dtype, zero.ndim) == (theano.config.floatX, 2)
    with pytest.raises(DisconnectedInputError):
        cost = x + y
        grad(cost, [x, y], known_grads={cost: gradient.disconnected_type()})


def test_null_gradients():
    x = T.dscalar("x")
    with pytest.raises(NullTypeGradError, match="input 0 .x. of the UndefinedGrad op is mathematically undefined"):
        grad(undefined_grad(x) * 2, x)
    assert isinstance(grad(undefined_grad(x) * 2, x, null_gradients="return").type, NullType)
    missing = OneToOne(lambda v: [gradient.grad_not_implemented("OneToOne", 0, v, "Sorry.")])
    with pytest.raises(TypeError, match="is not implemented. Sorry."):
        grad(missing(x), x)


def test_one_output_of_several_has_a_null_gradient():
    v = T.dvector("v")
    largest, position = T.max_and_argmax(v, axis=0)
    with pytest.raises(NullTypeGradError, match="UndefinedGrad op is mathematically undefined"):
        grad(undefined_grad(largest) + position, v)


@pytest.mark.parametrize(
    "returned, error, text",
    [
        (lambda x: None, TypeError, "returned NoneType, expected iterable"),
        (lambda x: [None], TypeError, "returned None for a gradient term"),
        (lambda x: [3.0], TypeError, "expected Variable instance"),
        (lambda x: [x, x], ValueError, "wrong number of gradient terms"),
        (lambda x: [T.cast(x, "int32")], TypeError, "illegally  returned an integer-valued variable"),
        (lambda x: [T.zeros((2,))], ValueError, "returned a term with 1 dimensions, but 0 are required"),
    ],
)
def test_what_an_op_may_return(returned, error, text):
    x = T.dscalar("x")
    with pytest.raises(error, match=text):
        grad(OneToOne(returned)(x), x)


def test_gradient_through_integers_must_be_zero():
    x = T.dscalar("x")
    op = OneToOne(lambda v: [T.constant(1.0)], out=T.lscalar)
    with pytest.raises(ValueError, match="should evaluate to zeros, but it evaluates to 1"):
        grad(op(x) * 2.0, x)


def test_connection_pattern():
    x = T.dscalar("x")
    with pytest.raises(TypeError, match="Expected DisconnectedType"):
        OneOfTwo = type(
            "OneOfTwo",
            (Op,),
            dict(
                __props__=(),
                make_node=lambda self, *xs: Apply(self, list(xs), [xs[0].type()]),
                connection_pattern=lambda self, node: [[True], [False]],
                grad=lambda self, xs, gs: list(xs),
            ),
        )
        grad(OneOfTwo()(x, x), x)
    with pytest.raises(TypeError, match="connection_pattern method does not allow this"):
        grad(OneToOne(lambda v: [gradient.disconnected_type()], [[True]])(x) + x, x)
    with pytest.warns(UserWarning, match="may want to implement a connection_pattern"):
        grad(OneToOne(lambda v: [gradient.disconnected_type()])(x) + x, x)
    for pattern, error in [((True,), TypeError), ([True], TypeError), ([], ValueError), ([[]], ValueError)]:
        with pytest.raises(error, match="connection_pattern should"):
            connection_pattern(OneToOne(None, pattern)(x).owner)


def test_io_connection_pattern():
    x, y = T.dscalars("x", "y")
    outputs = [x * y, disconnected_grad(x) + y, T.exp(y), T.constant(1.0)]
    assert io_connection_pattern([x, y], outputs) == [[True, False, False, False], [True, True, True, False]]


def test_a_path_without_gradient_does_not_spoil_the_others():
    class TwoOutputs(Op):
        __props__ = ()

        def make_node(self, x):
            return Apply(self, [x], [x.type(), T.dscalar()])

        def connection_pattern(self, node):
            return [[True, False]]

        def grad(self, inputs, output_grads):
            return [inputs[0].zeros_like()]

    class HalfDifferentiable(Op):
        __props__ = ()

        def make_node(self, f, g):
            return Apply(self, [f, g], [T.dscalar()])

        def grad(self, inputs, output_grads):
            return [inputs[0].zeros_like(), gradient.grad_undefined(self, 1, inputs[1])]

    x = T.dvector("x")
    assert grad(HalfDifferentiable()(*TwoOutputs()(x)), x).type == x.type


def test_test_values_are_checked():
    with theano.change_flags(compute_test_value="raise"):
        x = T.dvector("x")
        x.tag.test_value = np.ones(3)
        bad = OneToOne(lambda v: [v[:2]])
        bad.perform = lambda node, inputs, out: out[0].__setitem__(0, inputs[0])
        with pytest.raises(ValueError, match=r"object of shape \(2,\) as gradient term on input 0 of shape \(3,\)"):
            grad(bad(x).sum(), x)


# ---------------------------------------------------------------- values
def test_subgraph_grad_adds_up_to_grad():
    x, t = T.dvector("x"), T.dvector("t")
    w1, w2 = theano.shared(rng().randn(3, 4)), theano.shared(rng().randn(4, 2))
    a1 = T.tanh(T.dot(x, w1))
    cost2 = T.sqr(T.tanh(T.dot(a1, w2)) - t).sum() + T.sqr(w2.sum())
    cost1 = T.sqr(w1.sum())
    [g2], ends = theano.subgraph_grad([w2], [a1], cost=cost2)
    [g1], _, known, own = theano.subgraph_grad([w1], [x], start={a1: ends[0]}, cost=cost1, details=True)
    assert len(known) == len(own) == 2
    f = theano.function([x, t], [g1, g2] + grad(cost1 + cost2, [w1, w2]))
    a, b, c, d = f([1.0, 2.0, 3.0], [0.5, 0.1])
    np.testing.assert_allclose(a, c)
    np.testing.assert_allclose(b, d)


def test_identities_that_change_the_gradient():
    x = T.dscalar("x")
    cases = [
        (zero_grad(x) * x, 3.0),
        (disconnected_grad(x) * x, 3.0),
        (grad_clip(x, -1, 1) ** 2, 1.0),
        (grad_scale(x, -2) ** 2, -12.0),
        (x**2, 6.0),
    ]
    f = theano.function([x], [c for c, _ in cases] + [grad(c, x) for c, _ in cases])
    np.testing.assert_allclose(f(3.0), [9.0] * 5 + [g for _, g in cases])
    with pytest.warns(UserWarning, match="deprecated"):
        assert grad(gradient.consider_constant(x) * x, x) is not None
    with pytest.raises(DisconnectedInputError):
        grad(disconnected_grad(x), x)


def test_views_pass_any_type_of_value():
    value, cell = object(), [None]
    y = zero_grad(generic("x"))
    y.owner.op.perform(y.owner, [value], [cell])
    assert cell[0] is value


def test_Rop_and_Lop_are_transposes():
    x, u, v = T.dvector("x"), T.dvector("u"), T.dvector("v")
    w = theano.shared(rng().randn(4, 3))
    y = T.tanh(T.dot(w, x)) * x.sum()
    f = theano.function(
        [x, u, v], [T.dot(u, T.Rop(y, x, v)), T.dot(T.Lop(y, x, u), v), T.dot(T.jacobian(y, x), v), T.Rop(y, x, v)]
    )
    a, b, c, d = f(*[rng().randn(n) for n in (3, 4, 3)])
    np.testing.assert_allclose(a, b)
    np.testing.assert_allclose(c, d)


def test_Rop_containers_and_disconnected_outputs():
    x, y = T.dvector("x"), T.dvector("y")
    assert isinstance(T.Rop([x * 2], x, y), list) and isinstance(T.Rop((x * 2,), [x], [y]), tuple)
    assert T.Rop(x, x, y) is y
    with pytest.raises(DisconnectedInputError, match="Rop method was asked"):
        T.Rop(disconnected_grad(x), x, y)
    options = dict(disconnected_outputs="ignore", return_disconnected="none")
    assert T.Rop(disconnected_grad(x), x, y, **options) is None
    with pytest.raises(ValueError, match="return_disconnected"):
        T.Rop(disconnected_grad(x), x, y, disconnected_outputs="ignore", return_disconnected="no")


IMAGES, MATRIX = T.dtensor4(), T.dmatrix()
SECOND_ORDER = {
    "max pooling": (IMAGES, lambda v: (pool_2d(v, (2, 2), ignore_border=True) ** 2).sum()),
    "overlapping max pooling": (IMAGES, lambda v: (pool_2d(v, (3, 3), ignore_border=False, stride=(2, 2)) ** 2).sum()),
    "average pooling": (IMAGES, lambda v: (pool_2d(v, (2, 2), True, mode="average_exc_pad") ** 3).sum()),
    "convolution": (IMAGES, lambda v: (T.tanh(T.nnet.conv2d(v, T.ones((3, 2, 3, 3)) / 9)) ** 2).sum()),
    "maximum": (MATRIX, lambda v: (T.max(v, axis=1) ** 3).sum() * T.max(v)),
    "softmax": (MATRIX, lambda v: (T.nnet.softmax(v) ** 2).sum()),
    "logsoftmax": (MATRIX, lambda v: (T.nnet.logsoftmax(v) * np.arange(4)).sum() ** 2),
    "cross-entropy": (MATRIX, lambda v: T.nnet.categorical_crossentropy(T.nnet.softmax(v), np.array([0, 2, 1])).sum()),
    "cumulative sum": (MATRIX, lambda v: (v[::-1].cumsum(axis=1) ** 3).sum()),
    "cumulative product": (MATRIX, lambda v: (v.cumprod(axis=1) ** 2).sum()),
    "rows and increments": (MATRIX, lambda v: (T.inc_subtensor(v[[0, 2]], v[[1, 1]] ** 2) ** 2)[[2, 0, 2]].sum()),
    "join": (MATRIX, lambda v: (T.concatenate([v, v**2]) ** 2).sum()),
    "sort": (MATRIX, lambda v: (T.sort(v, axis=1) ** 3 * np.arange(4)).sum()),
    "batch normalization": (MATRIX, lambda v: (batch_normalization_train(v, T.ones(4), T.zeros(4))[0] ** 3).sum()),
    "its statistics": (
        MATRIX,
        lambda v: (
            T.add(
                *batch_normalization_train(v, T.ones(4), T.zeros(4), running_mean=T.ones(4), running_var=T.ones(4))[1:]
            )
            ** 3
        ).sum(),
    ),
    "cholesky": (MATRIX, lambda v: cholesky(T.dot(v, v.T) + np.eye(3)).sum()),
    "solve": (MATRIX, lambda v: (solve(T.dot(v, v.T) + np.eye(3), v) ** 2).sum()),
    "scan": (MATRIX, lambda v: (theano.scan(lambda a, h: T.tanh(a * h + a), v, T.ones(4))[0] ** 2).sum()),
}


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_Rop_of_a_cost_and_of_its_gradient(name):
    # many of these Ops have no R_op in Theano, nor has the gradient of any
    v, cost = SECOND_ORDER[name]
    u, cost = v.type(), cost(v)
    slope = T.grad(cost, v)
    f = theano.function([v], [cost, slope])
    rng = np.random.RandomState(4)
    at, way = [rng.normal(size=(3, 4) if v is MATRIX else (2, 2, 6, 6)) for _ in range(2)]
    wanted = [(a - b) / 2e-5 for a, b in zip(f(at + 1e-5 * way), f(at - 1e-5 * way))]
    for mode in ("FAST_RUN", "FAST_COMPILE"):
        got = theano.function([v, u], [T.Rop(cost, v, u), T.Rop(slope, v, u)], mode=mode)(at, way)
        for a, b in zip(wanted, got):
            np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)


def test_Rop_agrees_with_the_jacobian():
    x, u = T.dvectors("x", "u")
    for y in (
        T.prod(x) * x,
        gradient.zero_grad(x) * x,
        gradient.grad_scale(x, 3) * x,
        T.max(x) * x,
        T.concatenate([x, x**2]),
        T.nnet.softmax(x.dimshuffle("x", 0))[0],
        x[::-1].cumsum(),
    ):
        moved, jacobian = theano.function([x, u], [T.Rop(y, x, u), T.jacobian(y, x)], on_unused_input="ignore")(
            [1.0, 2.0, 3.0], [0.1, -0.2, 0.3]
        )
        np.testing.assert_allclose(moved, jacobian.dot([0.1, -0.2, 0.3]), atol=1e-12)


def test_Rop_of_a_product_with_zeros():
    m, u = T.dmatrices("m", "u")
    moved, jacobian = theano.function([m, u], [T.Rop(T.prod(m, axis=1), m, u), T.jacobian(T.prod(m, axis=1), m)])(
        [[0.0, 2.0, 3.0], [0.0, 0.0, 4.0], [1.0, 2.0, 3.0]], np.ones((3, 3))
    )
    np.testing.assert_allclose(moved, jacobian.sum(axis=(1, 2)))
    np.testing.assert_allclose(moved, [6, 0, 11])


class Square(Op):
    """A user's Op, with a gradient and no R_op."""

    def make_node(self, x):
        return Apply(self, [x], [x.type(), T.lscalar()])

    def perform(self, node, inputs, outputs):
        outputs[0][0], outputs[1][0] = inputs[0] ** 2, np.asarray(3)

    def grad(self, inputs, grads):
        return [2 * inputs[0] * grads[0]]


class Opaque(Square):
    """The same with a gradient that has none."""

    def grad(self, inputs, grads):
        return [Opaque.Slope()(inputs[0], grads[0])]

    class Slope(Op):
        def make_node(self, x, g):
            return Apply(self, [x, g], [x.type()])

        def perform(self, node, inputs, outputs):
            outputs[0][0] = 2 * inputs[0] * inputs[1]


def test_Rop_of_an_op_that_has_only_a_gradient():
    x, u = T.dvectors("x", "u")
    f = theano.function([x, u], T.Rop(Square()(x)[0], x, u))
    np.testing.assert_allclose(f([1.0, 2.0], [3.0, 4.0]), [6, 16])
    constant = T.constant(np.array([1.0, 2.0]))
    f = theano.function([x, u], T.Rop(Opaque()(constant)[0] * x, x, u), on_unused_input="ignore")
    np.testing.assert_allclose(f([1.0, 2.0], [3.0, 4.0]), [3, 16])
    with pytest.raises(NotImplementedError, match="Opaque of class Opaque does not implement R_op"):
        T.Rop(Opaque()(x)[0], x, u)


def test_jacobian_and_hessian():
    x, A = T.dvector("x"), T.dmatrix("A")
    jac = T.jacobian(x**2, [x])
    assert isinstance(jac, list)
    by_matrix = T.jacobian(T.dot(A, x), A)
    scalar = T.jacobian(T.sum(x**2), x)
    f = theano.function([x, A], jac + [by_matrix, scalar, T.hessian(T.sum(x**3), x), T.hessian(x.sum(), (x,))[0]])
    v, m = rng().randn(3), rng().randn(2, 3)
    j, bm, s, h, zero = f(v, m)
    np.testing.assert_allclose(j, np.diag(2 * v))
    np.testing.assert_allclose(bm, np.einsum("ij,k->ijk", np.eye(2), v))
    np.testing.assert_allclose(s, 2 * v)
    np.testing.assert_allclose(h, np.diag(6 * v))
    np.testing.assert_allclose(zero, np.zeros((3, 3)))


def test_jacobian_of_an_unconnected_matrix():
    x, y = T.dvector("x"), T.dvector("y")
    with pytest.raises(DisconnectedInputError):
        T.jacobian(x * 2, y)
    f = theano.function([x, y], T.jacobian(x * 2, y, disconnected_inputs="ignore"))
    np.testing.assert_array_equal(f(np.ones(2), np.ones(3)), np.zeros((2, 3)))


# ---------------------------------------------------------------- checking gradients
def test_numeric_grad():
    point = [rng().randn(2, 3), rng().randn(4)]
    found = numeric_grad(lambda a, b: (a**2).sum() + np.sin(b).sum(), point).gf
    np.testing.assert_allclose(found[0], 2 * point[0], atol=1e-5)
    np.testing.assert_allclose(found[1], np.cos(point[1]), atol=1e-5)
    assert numeric_grad(lambda a: a.sum(), np.ones(2, "float32")).gf.dtype == "float32"
    with pytest.raises(ValueError, match="wrong number"):
        numeric_grad(lambda a: a.sum(), [np.ones(2)]).abs_rel_errors([])
    with pytest.raises(ValueError, match="wrong shape"):
        numeric_grad(lambda a: a.sum(), [np.ones(2)]).abs_rel_errors([np.ones(3)])
    with pytest.raises(ValueError, match="abs_err not finite"):
        numeric_grad(lambda a: a.sum(), [np.ones(2)]).max_err([np.ones(2) * np.nan], 1, 1)


def test_verify_grad():
    verify_grad(lambda x, w: T.tanh(T.dot(x, w)), [rng().randn(3, 2), rng().randn(2)], rng=rng())
    verify_grad(T.exp, [rng().randn(3).astype("float32")], rng=rng(), cast_to_output_type=True)
    verify_grad(lambda x: x**3, [np.asarray(2.0)], rng=rng(), n_tests=1)
    with pytest.raises(GradientError, match="(?s)exceed tolerance.*argument 0 with shape .3,.*the following inputs"):
        verify_grad(lambda x: grad_scale(x, 2.0), [rng().randn(3)], rng=rng())
    assert verify_grad.E_grad is GradientError
    with pytest.raises(TypeError, match='input 0 has dtype "int64"'):
        verify_grad(T.exp, [np.arange(3)], rng=rng())
    with pytest.raises(TypeError, match="rng should be"):
        verify_grad(T.exp, [np.ones(3)])
    with pytest.raises(NotImplementedError, match="multiple outputs"):
        verify_grad(lambda x: [x, x], [np.ones(3)], rng=rng())


def test_second_order():
    verify_grad(lambda x: grad(T.sum(x**3 * T.sin(x)), x), [rng().randn(3)], rng=rng())


def test_mode_not_slow():
    assert gradient.mode_not_slow("FAST_COMPILE") is theano.compile.mode.FAST_RUN
    assert gradient.mode_not_slow("FAST_RUN") is theano.compile.mode.FAST_RUN


def test_gradients_survive_cloning():
    x = T.dvector("x")
    g = grad(grad_clip(x, -1, 1).sum(), x)
    [y], [h] = clone([x], [g])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(theano.function([y], h)(np.ones(2)), np.ones(2))


def test_format_as():
    assert gradient.format_as(True, False, (1, 2)) == [1, 2]
    assert gradient.format_as(False, True, 1) == (1,)
    assert gradient.format_as(False, False, [1]) == 1
    with pytest.raises(AssertionError, match="simultaneously"):
        gradient.format_as(True, True, 1)
    with pytest.raises(AssertionError, match="one element list"):
        gradient.format_as(False, False, [1, 2])


# ---------------------------------------------------------------- what making gradients costs, and leaves
class Doubled(Op):
    __props__ = ()

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def grad(self, inputs, output_grads):
        return [output_grads[0] * 2]  # the line of the user's gradient


def test_variables_of_a_gradient_are_from_the_line_that_asked_for_it():
    x = T.dvector("x")
    g = theano.grad(Doubled()(T.tanh(x)).sum(), x)  # the line of grad
    lines = {v.tag.trace[0][-1][3] for v in theano.gof.graph.ancestors([g]) if v.tag.trace and v.owner is not None}
    assert "g = theano.grad(Doubled()(T.tanh(x)).sum(), x)  # the line of grad" in lines
    assert "return [output_grads[0] * 2]  # the line of the user's gradient" in lines
    after = T.exp(x)
    assert after.tag.trace[0][-1][3] == "after = T.exp(x)"


def test_making_graphs_leaves_the_garbage_collector_as_it_was():
    x = T.dvector("x")
    before = gc.get_threshold()
    during = []

    class Looks(Doubled):
        def grad(self, inputs, output_grads):
            during.append(gc.get_threshold())
            raise NotImplementedError("no gradient")

    with pytest.raises(NotImplementedError, match="no gradient"):
        theano.grad(Looks()(x).sum(), x)
    assert gc.get_threshold() == before and during[0][:2] == before[:2]
    with pytest.raises(TypeError):
        theano.function([x], "x")
    assert gc.get_threshold() == before


def test_what_an_op_says_to_the_garbage_collector_stays():
    class Sets(Doubled):
        def grad(self, inputs, output_grads):
            gc.set_threshold(500, 5, 7)
            return [output_grads[0] * 2]

    x = T.dvector("x")
    before = gc.get_threshold()
    try:
        theano.grad(Sets()(x).sum(), x)
        assert gc.get_threshold() == (500, 5, 7)
    finally:
        gc.set_threshold(*before)


def test_nested_gradients_need_no_shapes():
    x = T.dmatrix("x")
    g = theano.grad((T.tanh(x) * x).sum(), x)
    with nodes_constructed() as made:
        theano.grad(g.sum(), x)
    assert not [v for v in made if v.owner is not None and type(v.owner.op).__name__ == "Shape"]
