"""Random variables of Theano-PyMC: the numbers that it gives, shapes, states, and streams."""

import pickle
import sys
import types

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from theanojax.graph.rewriting.walk import in2out
from theanojax.legacy import random_lifts
from theanojax.tensor.random import basic, op
from theanojax.tensor.random.random_stream import RandomStream

M = np.arange(6.0).reshape(2, 3) + 1
COV = [[1.0, 0.5], [0.5, 2.0]]

# A draw; dtype and shape; the first number of the first call, and the last one of the second, of Theano-PyMC 1.1.2
# with numpy 1.19 and the seed 42.
DRAWS = [
    (lambda s: s.uniform(-1, 4, size=(2, 3)), "float64", (2, 3), 0.8829392703619119, 3.4749623557904723),
    (lambda s: s.uniform(M, 10.0), "float64", (2, 3), 4.389290686651441, 9.579969884632378),
    (lambda s: s.beta(M, 2.0), "float64", (2, 3), 0.09899326175609124, 0.7119009885081461),
    (lambda s: s.normal(M, M[0], size=(4, 2, 3)), "float64", (4, 2, 3), 2.2561421792666563, 12.133107203263656),
    (lambda s: s.normal([[1.0], [2.0]], [3.0, 4.0]), "float64", (2, 2), 4.768426537799968, -0.6603362501884766),
    (lambda s: s.normal(size=[2, 1]), "float64", (2, 1), 1.256142179266656, 0.6699218845549112),
    (lambda s: s.halfnormal(1.0, 2.0, size=(3,)), "float64", (3,), 3.512284358533312, 2.992023545722226),
    (lambda s: s.gamma(M, 2.0), "float64", (2, 3), 0.23627371423855234, 3.071640581593587),
    (lambda s: s.exponential(2.0, size=(3,)), "float64", (3,), 0.9450948569542094, 1.12917819547375),
    (lambda s: s.multivariate_normal(), "float64", (1,), 1.256142179266656, -0.5379302265275752),
    (lambda s: s.multivariate_normal([1.0, 2.0], COV), "float64", (2,), 1.271615096306732, 1.6285061605232507),
    (
        lambda s: s.multivariate_normal([1.0, 2.0], COV, size=(3,)),
        "float64",
        (3, 2),
        1.271615096306732,
        3.0080457988953997,
    ),
    (
        lambda s: s.multivariate_normal([[1.0, 2.0], [3.0, 4.0]], COV, size=(3,)),
        "float64",
        (3, 2, 2),
        1.271615096306732,
        4.86226827427118,
    ),
    (lambda s: s.multivariate_normal([1.0, 2.0], [COV, COV]), "float64", (2, 2), 1.271615096306732, 2.3261069979451987),
    (lambda s: s.dirichlet([1.0, 2.0, 3.0]), "float64", (3,), 0.06842786432307991, 0.37985879267333494),
    (lambda s: s.dirichlet(M, size=(3,)), "float64", (3, 2, 3), 0.06842786432307991, 0.47327203051707606),
    (lambda s: s.poisson(M), "int64", (2, 3), 1, 7),
    (lambda s: s.cauchy(1.0, 2.0, size=(3,)), "float64", (3,), 0.18323739652873794, 0.562215238000878),
    (lambda s: s.halfcauchy(1.0, 2.0, size=(3,)), "float64", (3,), 2.343584857107511, 2.6095685289203097),
    (lambda s: s.invgamma(M, 3.0), "float64", (2, 3), 3.0718697257880683, 0.9385317830181775),
    (lambda s: s.truncexpon(2.0, 0.0, 1.0, size=(3,)), "float64", (3,), 0.3939648450309922, 0.46684348046938157),
    (lambda s: s.bernoulli(M / 7), "int64", (2, 3), 0, 0),
    (lambda s: s.binomial(10, 0.3, size=(4,)), "int64", (4,), 2, 2),
    (lambda s: s.binomial([5, 6], 0.3), "int64", (2,), 1, 0),
    (lambda s: s.nbinom(5, 0.3, size=(4,)), "int64", (4,), 18, 6),
    (lambda s: s.betabinom(10, 2.0, 3.0, size=(4,)), "int64", (4,), 9, 0),
    (lambda s: s.multinomial(5, [0.2, 0.3, 0.5], size=(3,)), "int64", (3, 3), 1, 1),
    (lambda s: s.categorical([[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]]), "int64", (2,), 1, 0),
    (lambda s: s.categorical([[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]], size=(3, 2)), "int64", (3, 2), 1, 2),
    (lambda s: s.randint(9, size=(4,)), "int64", (4,), 6, 0),
    (lambda s: s.randint([2, 3], 9), "int64", (2,), 8, 8),
    (lambda s: s.choice([1, 2, 3], size=(4,)), "int64", (4,), 3, 3),
    (lambda s: s.choice([1, 2, 3], size=(2,), replace=False), "int64", (2,), 2, 1),
    (lambda s: s.choice([1, 2, 3], size=(3,), p=[0.1, 0.2, 0.7]), "int64", (3,), 3, 3),
    (lambda s: s.choice([1, 2, 3], size=3, replace=T.constant(0)), "int64", (3,), 2, 2),
    (lambda s: s.permutation([3, 4, 5]), "int64", (3,), 4, 4),
    (lambda s: s.permutation(5), "int8", (5,), 1, 0),
    (lambda s: s.permutation(M), "float64", (2, 3), 4.0, 3.0),
]


@pytest.mark.parametrize("draw, dtype, shape, first, last", DRAWS)
def test_draws_are_those_of_theano_pymc(draw, dtype, shape, first, last):
    x = draw(RandomStream(seed=42))
    f = theano.function([], [x, x.shape])
    (value, its_shape), (again, _) = f(), f()
    assert x.dtype == value.dtype == dtype and value.shape == tuple(its_shape) == shape
    assert x.broadcastable == tuple(n == 1 for n in shape)
    np.testing.assert_allclose([value.ravel()[0], again.ravel()[-1]], [first, last], rtol=1e-12)


def test_a_size_of_many_categories_and_none_of_polya_gamma(monkeypatch):
    """Theano-PyMC refused the size of a single row of chances."""
    draws = theano.function([], RandomStream(1).categorical([0.0, 1.0, 0.0], size=(2, 2)))()
    assert draws.tolist() == [[1, 1], [1, 1]]
    with pytest.raises(ValueError, match="Parameters shape and size do not match"):
        theano.function([], RandomStream(1).categorical([[0.5, 0.5]] * 2, size=(3,)))()
    f = theano.function([], RandomStream(1).polyagamma([1.0, 2.0], 0.5))
    monkeypatch.setitem(sys.modules, "pypolyagamma", None)
    with pytest.raises(RuntimeError, match="pypolygamma not installed!"):
        f()

    class Sampler:
        def __init__(self, seed):
            self.seed = seed

        def pgdrawv(self, b, c, out):
            out[:] = b + c

    monkeypatch.setitem(sys.modules, "pypolyagamma", types.SimpleNamespace(PyPolyaGamma=Sampler))
    assert f().tolist() == [1.5, 2.5]


def test_states_are_explicit_or_new():
    rng = theano.shared(np.random.RandomState(5))
    draw = basic.normal(0.0, 1.0, size=2, rng=rng, name="draw")
    assert draw.name == "draw" and str(draw.owner.op) == "normal_rv"
    still = theano.function([], draw)
    np.testing.assert_array_equal(still(), np.random.RandomState(5).normal(size=2))
    np.testing.assert_array_equal(still(), still())
    moving = theano.function([], draw, updates={rng: draw.owner.outputs[0]})
    assert moving.maker.fgraph.toposort()[0].op.destroy_map == {0: [0]}  # the state is moved on where it lies
    state = np.random.RandomState(5)
    for _ in range(3):
        np.testing.assert_array_equal(moving(), state.normal(size=2))
    assert theano.function([], basic.uniform())() != theano.function([], basic.uniform())()


def test_seeds_restart_streams_and_what_comes_after():
    s = RandomStream(9)
    f = theano.function([], [s.normal(size=2), s.uniform()])
    first = f()
    later = theano.function([], s.normal())()
    s.seed(9)
    np.testing.assert_array_equal(f()[0], first[0])
    s.seed()
    assert f()[1] == first[1]
    assert len(s.updates()) == 3 and s.normal().rng.get_value().normal() != later
    assert s.updates()[0] == s.state_updates[0] and s.default_instance_seed == 9


def test_streams_inside_loops():
    s = RandomStream(9)
    draws, updates = theano.scan(lambda: s.normal(), n_steps=3)
    state = RandomStream(9).normal().rng.get_value()
    np.testing.assert_array_equal(theano.function([], draws, updates=updates)(), state.normal(size=3))


def test_streams_have_the_variables_of_a_namespace():
    class Halves(op.RandomVariable):
        name, ndim_supp, ndims_params, dtype = "halves", 0, [0], "floatX"

        @classmethod
        def rng_fn(cls, rng, x, size):
            return rng.randint(2, size=size) * x / 2

    s = RandomStream(1, namespace=types.SimpleNamespace(halves=Halves(), other=3))
    assert set(theano.function([], s.halves(3.0, size=50))()) == {0, 1.5}
    for name in ("other", "normal", "no_such"):
        with pytest.raises(AttributeError, match="No attribute %s" % name):
            getattr(s, name)
    with pytest.raises(AttributeError):
        RandomStream().broadcast_params


def test_ops_are_alike_and_pickle():
    assert basic.normal == basic.NormalRV() != basic.uniform and basic.cauchy != basic.halfcauchy
    assert pickle.loads(pickle.dumps(basic.gamma)) == basic.gamma and str(basic.gamma) == "halfnormal_rv"
    assert basic.normal._print_name == ("N", "\\operatorname{N}")
    assert basic.halfnormal._print_name[1] == "\\operatorname{N^{+}}"
    own = op.RandomVariable("normal", 0, [0, 0], "float32")
    assert own(0.0, 1.0).dtype == "float32"
    untyped = op.RandomVariable("normal", 0, [0, 0])
    assert untyped(0.0, 1.0, dtype="float32").dtype == "float32"
    node = own(0.0, 1.0).owner
    assert untyped.make_node(*node.inputs).outputs[1].type == node.outputs[1].type  # a dtype is a number there


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: RandomStream().normal(rng=1), TypeError, "The rng option cannot be used"),
        (lambda: basic.normal(rng=theano.shared(3.0)), TypeError, "type of rng should be an instance"),
        (lambda: basic.normal(size=2.5), TypeError, "Parameter size must be None, an integer, or a sequence"),
        (lambda: basic.normal(size=T.lvector()), ValueError, "length not known"),
        (lambda: basic.beta(1.0), TypeError, "missing a required argument: 'b'"),
        (lambda: op.RandomVariable("normal", 0, 3), TypeError, "ndims_params must be sequence"),
        (lambda: op.RandomVariable("normal", 0, [0, 0])(0.0, 1.0), TypeError, "dtype is unspecified"),
        (lambda: op.default_shape_from_params(0, [T.matrix()]), ValueError, "must be greater than 0"),
        (lambda: op.default_shape_from_params(2, [T.vector()]), ValueError, "does not match the expected dimensions"),
        (lambda: op.observed(basic.normal(size=2), 3.0), TypeError, "do not have compatible types"),
        (
            lambda: T.grad(basic.normal(x := T.dscalar("x")), x),
            theano.gradient.NullTypeGradError,
            "No gradient defined",
        ),
    ],
)
def test_mistakes(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_shapes_need_no_draw():
    m, x = T.dscalar("m"), T.dmatrix("x")
    sizes = [
        basic.normal(m, [1.0, 2.0]),
        basic.normal(x, [1.0, 2.0]),
        basic.multivariate_normal(x[0], x, size=(3,)),
        basic.permutation(x),
        basic.normal(x, x, size=(4, 2, 2)),
    ]
    f = theano.function([m, x], [v.shape for v in sizes], on_unused_input="ignore")
    assert [v.tolist() for v in f(1.0, np.eye(2))] == [[2], [2, 2], [3, 2], [2, 2], [4, 2, 2]]
    assert not any(isinstance(node.op, op.RandomVariable) for node in f.maker.fgraph.toposort())


def test_parameters_are_broadcast():
    mean, cov = op.broadcast_params([np.array([1, 2, 3]), np.stack([np.eye(3)] * 2)], [1, 2])
    assert mean.tolist() == [[1, 2, 3]] * 2 and cov.shape == (2, 3, 3)
    x, s = T.dmatrix("x"), T.dvector("s")
    mean, scale = theano.function([x, s], op.broadcast_params([x, s], [0, 0]))(np.ones((2, 3)), [4, 5, 6])
    assert mean.shape == (2, 3) and scale.tolist() == [[4, 5, 6]] * 2
    assert op.params_broadcast_shapes([(3,), (2, 3, 3)], [1, 2], use_theano=False) == [(2, 3), (2, 3, 3)]


def test_observations():
    x = basic.normal(size=2)
    o = op.observed(x, np.array([1.0, 2.0]))
    assert o.owner.inputs[0] is x and theano.function([], [o, o * 2])()[1].tolist() == [2.0, 4.0]
    assert theano.function([], op.observed(None, 3.0))() == 3.0
    assert theano.function([], o.shape)().tolist() == [2]


def test_values_while_graphs_are_built():
    with theano.change_flags(compute_test_value="raise"):
        draw = basic.normal(1.0, 1.0, size=(2,), rng=theano.shared(np.random.RandomState(1)))
        np.testing.assert_array_equal(draw.tag.test_value, np.random.RandomState(1).normal(1, 1, 2))
        theano.function([], draw)


MEANS = T.constant(np.arange(6.0).reshape(2, 3) * 100)


@pytest.mark.parametrize(
    "lift, make",
    [
        ("local_dimshuffle_rv_lift", lambda: basic.normal(MEANS, 1e-5, size=(4, 2, 3)).T),
        ("local_dimshuffle_rv_lift", lambda: basic.normal(MEANS, 1e-5, size=(4, 2, 3)).dimshuffle(0, "x", 2, 1)),
        ("local_dimshuffle_rv_lift", lambda: basic.normal(MEANS, [1e-5, 1e-6, 1e-7]).T),
        ("local_subtensor_rv_lift", lambda: basic.normal(MEANS, 1e-5, size=(4, 2, 3))[1:3, 1]),
        ("local_subtensor_rv_lift", lambda: basic.normal(MEANS, 1e-5)[:, ::-2]),
        ("local_subtensor_rv_lift", lambda: basic.normal(MEANS, 1e-5)[:, :0]),
    ],
)
def test_lifts(lift, make):
    v = make()
    rewrite = in2out(getattr(random_lifts, lift))
    lifted = theano.function([], v, mode=theano.compile.get_default_mode().register((rewrite, 1.6)))
    assert isinstance(lifted.maker.fgraph.outputs[0].owner.op, basic.NormalRV)
    value, plain = lifted(), v.eval()
    assert value.shape == plain.shape
    np.testing.assert_allclose(value, plain, atol=1e-3)


def test_lifts_leave_the_rest_alone():
    draw = basic.normal(MEANS, 1e-5)
    for v in (draw[[0, 0]], basic.dirichlet(MEANS + 1).T, basic.multivariate_normal([1.0, 2.0], COV)[:1], MEANS.T):
        assert not random_lifts.local_dimshuffle_rv_lift.transform(v.owner)
        assert not random_lifts.local_subtensor_rv_lift.transform(v.owner)
    node = random_lifts.lift_rv_shapes(basic.normal([0.0, 1.0], 5.0, size=(3, 2)).owner)
    assert [p.eval().shape for p in node.inputs[3:]] == [(3, 2), (3, 2)] and node.outputs[1].eval().shape == (3, 2)
    node = random_lifts.lift_rv_shapes(basic.normal([0.0, 1.0], 5.0).owner)
    assert [p.eval().shape for p in node.inputs[3:]] == [(2,), (2,)]
    assert random_lifts.lift_rv_shapes(MEANS.T.owner) is False
