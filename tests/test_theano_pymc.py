"""What Theano-PyMC 1.1 did otherwise than Theano 1.0: the graph before the node, JAX as a linker, names that moved."""

import functools
import importlib
import sys

import numpy as np
import pytest

import theano
import theano.tensor as T
from tests.helpers import both
from theano.compile.monitormode import MonitorMode
from theano.graph.basic import Apply
from theano.graph.fg import FunctionGraph
from theano.graph.op import Op, has_c_code
from theano.graph.opt import LocalOptimizer, local_optimizer
from theano.tensor.opt import in2out


class Double(Op):
    """As a program for Theano-PyMC writes an Op."""

    __props__ = ()

    def make_node(self, x):
        x = T.as_tensor_variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0] * 2

    def infer_shape(self, fgraph, node, shapes):
        self.asked = fgraph, node
        return shapes

    def do_constant_folding(self, fgraph, node):
        return False


class Triple(Double):
    def infer_shape(self, fgraph, node, shapes):
        return super().infer_shape(fgraph, node, shapes)


@pytest.mark.parametrize("kind", [Double, Triple])
def test_ops_are_given_the_graph_before_the_node(kind):
    x, op = T.dvector("x"), kind()
    f = theano.function([x], op(x).shape)
    assert f([1.0, 2.0]).tolist() == [2] and not any(node.op == op for node in f.maker.fgraph.apply_nodes)
    assert isinstance(op.asked[1], Apply)
    assert op.infer_shape(None, None, [(3,)]) == [(3,)] and op.asked == (None, None)
    assert any(isinstance(n.op, kind) for n in theano.function([], op(T.constant([1.0]))).maker.fgraph.apply_nodes)


def decorated(method):
    @functools.wraps(method)
    def called(*args, **kwargs):
        return method(*args, **kwargs)

    return called


class Mixin:
    def infer_shape(self, fgraph, node, shapes):
        return shapes


class Decorated(Double):
    @decorated
    def infer_shape(self, fgraph, node, shapes):
        return shapes


class OfItsClass(Double):
    @classmethod
    def infer_shape(cls, fgraph, node, shapes, more=None):
        assert isinstance(node, Apply) and more is None
        return shapes


class OfNoClass(Double):
    @staticmethod
    def infer_shape(fgraph, node, shapes):
        return shapes


class Mixed(Mixin, Double):
    pass


class Above(OfItsClass):
    def infer_shape(self, fgraph, node, shapes):
        return super().infer_shape(fgraph, node, shapes)


class OldDouble(Double):
    def infer_shape(self, node, shapes):
        assert isinstance(node, Apply)
        return shapes


class AboveOld(OldDouble):
    def infer_shape(self, fgraph, node, shapes):
        return super().infer_shape(fgraph, node, shapes)


class BelowOld(Double):
    def infer_shape(self, node, shapes):
        return super().infer_shape(node, shapes)


@pytest.mark.parametrize("kind", [Decorated, OfItsClass, OfNoClass, Mixed, Above, OldDouble, AboveOld, BelowOld])
def test_however_a_method_is_written(kind):
    x, op = T.dvector("x"), kind()
    f = theano.function([x], op(x).shape)
    assert f([1.0, 2.0]).tolist() == [2] and not any(node.op == op for node in f.maker.fgraph.apply_nodes)
    node = op(x).owner
    assert op.infer_shape(node, [(3,)]) == op.infer_shape(node=node, shapes=[(3,)]) == [(3,)]
    assert kind in (OldDouble, BelowOld) or op.infer_shape(None, node, [(3,)]) == [(3,)]


def test_a_method_above_that_takes_no_graph():
    """A class of Theano's whose method a program calls with the graph."""

    class Product(T.Dot):
        def infer_shape(self, fgraph, node, shapes):
            return super().infer_shape(fgraph, node, shapes)

    x = T.dmatrix("x")
    f = theano.function([x], Product()(x, x).shape)
    assert f(np.ones((2, 2))).tolist() == [2, 2]
    assert not any(isinstance(node.op, T.Dot) for node in f.maker.fgraph.apply_nodes)


def test_rewrites_are_given_the_graph_before_the_node():
    seen = []

    @local_optimizer([Double])
    def as_product(fgraph, node):
        seen.append(fgraph)
        assert fgraph.clients[node.inputs[0]] == fgraph.get_clients(node.inputs[0]) == [(node, 0)]
        return [node.inputs[0] * 2] if isinstance(node.op, Double) else False

    class AsSum(LocalOptimizer):
        __name__ = "as_sum"

        def tracks(self):
            return [Double]

        def transform(self, fgraph, node):
            seen.append(fgraph)
            return [node.inputs[0] + node.inputs[0]] if isinstance(node.op, Double) else False

    class Holder:
        def as_difference(self, fgraph, node):
            seen.append(fgraph)
            return [node.inputs[0] * 3 - node.inputs[0]] if isinstance(node.op, Double) else False

    x = T.dvector("x")
    for rewrite in (as_product, AsSum(), local_optimizer([Double])(Holder().as_difference)):
        f = theano.function([x], Double()(x), mode=theano.compile.get_default_mode().register((in2out(rewrite), 1.6)))
        assert f([1.0]).tolist() == [2.0] and not any(isinstance(n.op, Double) for n in f.maker.fgraph.apply_nodes)
        fgraph = FunctionGraph([x], [Double()(x)])
        assert rewrite.transform(fgraph, fgraph.outputs[0].owner)
    assert all(isinstance(fgraph, FunctionGraph) for fgraph in seen)


def test_monitors_are_given_the_graph_first():
    seen = []
    x = T.dvector("x")
    mode = MonitorMode(lambda fgraph, i, node, fn: seen.append((fgraph, i)), lambda i, node, fn: seen.append(i))
    theano.function([x], T.exp(x), mode=mode)([1.0])
    assert isinstance(seen[0][0], FunctionGraph) and seen[0][1] == seen[1] == 0
    seen.clear()
    mode = MonitorMode(functools.partial(lambda seen, fgraph, i, node, fn: seen.append(fgraph), seen))
    theano.function([x], T.exp(x), mode=mode)([1.0])
    assert isinstance(seen[0], FunctionGraph)


def test_jax_functions_of_graphs_and_ops():
    jax = pytest.importorskip("jax")
    from theano.link.jax import JAXLinker
    from theano.link.jax.jax_dispatch import jax_funcify

    x, y = T.dvector("x"), T.dscalar("y")
    first, second = jax_funcify(FunctionGraph([x, y], [T.exp(x).sum() * y, x + y]))
    value = np.arange(3.0)
    np.testing.assert_allclose(jax.grad(first)(value, 2.0), 2 * np.exp(value))
    assert jax.jit(second)(value, 2.0).tolist() == [2.0, 3.0, 4.0]
    np.testing.assert_allclose(jax_funcify(T.add)(np.ones((1, 2)), np.ones((3, 2))), np.full((3, 2), 2.0))
    with pytest.raises(NotImplementedError, match="No JAX conversion for the given `Op`: 3"):
        jax_funcify(3)

    class Quadruple(Double):
        pass

    @jax_funcify.register(Quadruple)
    def of_quadruple(op):
        return lambda x: x * 4

    for mode in ("JAX", theano.compile.mode.JAX, theano.compile.Mode("jax"), theano.compile.Mode(JAXLinker())):
        assert theano.function([x], Quadruple()(x), mode=mode)([1.0]).tolist() == [4.0]
    assert of_quadruple(None)(1) == 4


def test_lengths_of_what_an_index_gives():
    from theano.tensor.subtensor import basic_shape, indexed_result_shape, is_basic_idx, range_len, slice_len

    n = T.lscalar("n")

    def of(lengths):
        return [int(v) for v in theano.function([n], lengths, on_unused_input="ignore")(7)]

    assert of(indexed_result_shape((n, 4, 5), (slice(1, None, 2), [0, 1], slice(None)))) == [3, 2, 5]
    assert of(indexed_result_shape((3, 4, 5), ((2, 2), slice(1)), indices_are_shapes=True)) == [2, 2, 1, 5]
    assert of(basic_shape((n, 4), (slice(1, 3), None))) == [2, 1, 4]
    assert of([slice_len(slice(-2, None), n), range_len(slice(1, n, 4))]) == [2, 2]
    assert is_basic_idx(None) and is_basic_idx(slice(n)) and not is_basic_idx(n)
    with pytest.raises(ValueError, match="Invalid index type: 1"):
        basic_shape((n,), (1,))


def test_shapes_that_broadcast():
    from theano.tensor.extra_ops import broadcast_shape, squeeze

    x, y = T.dmatrices("xy")
    lengths = T.stack(broadcast_shape(x, y))
    for ones in (np.ones((1, 3)), np.ones((2, 1)), np.ones((2, 3)), np.ones((1, 1))):
        assert both([x, y], lengths, [ones, np.ones((2, 3))]).tolist() == [2, 3]
    with pytest.raises(AssertionError, match="Could not broadcast dimensions"):
        theano.function([x, y], lengths)(np.ones((2, 3)), np.ones((3, 3)))
    z = T.TensorType("float64", (True, False, True))()
    assert [squeeze(z, axis).ndim for axis in (None, 0, (0, -1), 1)] == [1, 2, 1, 3]


def test_values_to_test_with():
    x = T.dscalar("x")
    with pytest.raises(AttributeError, match="x has no test value"):
        x.get_test_value()
    x.tag.test_value = 3.0
    assert x.get_test_value() == 3.0 and T.constant(2.0).get_test_value() == 2.0
    assert theano.shared(1.5).get_test_value() == 1.5


def test_what_stood_in_utils(monkeypatch):
    from theano.tensor.utils import as_list

    utils = importlib.import_module("theano.utils")

    assert as_list(3) == [3] and as_list((1, 2)) == [1, 2]
    double, length = utils.apply_across_args(lambda x="": x * 2, len)
    assert (
        double("ab") == ["aa", "bb"] and double("a") == "aa" and double(2) == ["", ""] and length("a", "bc") == [1, 2]
    )
    assert utils.apply_across_args(len)(["abc", "d"]) == [3, 1]

    from theano.link.c.interface import HideC

    class InC(Double):
        def c_code(self, *args):
            """Of no use."""

    class Hidden(HideC, InC):
        pass

    assert has_c_code(InC) and not has_c_code(Hidden)

    class One(utils.Singleton):
        pass

    assert One() is One() and str(One()) == "One" and One() != utils.Singleton() and len({One(), One()}) == 1
    assert utils.LOCAL_BITWIDTH in (32, 64) and utils.PYTHON_INT_BITWIDTH in (32, 64)
    called = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: called.append("before"))
    utils.add_excepthook(lambda *error: called.append("hook"))
    sys.excepthook(ValueError, ValueError(), None)
    assert called == ["before", "hook"]
