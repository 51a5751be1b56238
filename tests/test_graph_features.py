"""Features of a FunctionGraph: undoing, checking, finding, printing, the order that in-place Ops need; test values."""

import pickle

import numpy as np
import pytest

import theano
import theano.tensor as T
from tests.toy_ops import Named, const, graph, op1, op2, op3, op4, text, var
from theanojax.errors import InconsistencyError, ReplacementDidntRemovedError
from theanojax.graph.check import check_graph
from theanojax.graph.destroy import DestroyHandler
from theanojax.graph.features import (
    AlreadyThere,
    BadOptimization,
    Bookkeeper,
    Feature,
    History,
    NodeFinder,
    NoOutputFromInplace,
    PreserveNames,
    PreserveVariableAttributes,
    PrintListener,
    ReplaceValidate,
    Validator,
)
from theanojax.graph.op import get_debug_values
from theanojax.graph.rewriting.base import inplace_optimizer
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.rewriting.merge import MergeOptimizer
from theanojax.graph.rewriting.pattern import PatternSub
from theanojax.graph.rewriting.walk import TopoOptimizer


# ---------------------------------------------------------------- features
class Refuse(Feature):
    def validate(self, fgraph):
        if "op3" in str(fgraph):
            raise InconsistencyError("no op3 here")


def test_refused_replacements_are_undone():
    x = var("x")
    g = graph([x], [op1(op2(x))], features=[Refuse()])
    before = text(g)
    with pytest.raises(InconsistencyError, match="no op3 here"):
        g.replace_all_validate([(g.outputs[0], op3(g.inputs[0]))])
    assert text(g) == before and g.consistent()
    check_graph(g)
    TopoOptimizer(PatternSub((op1, "1"), (op3, "1")), failure_callback=TopoOptimizer.warn_inplace).optimize(g)
    assert text(g) == before


def test_history_goes_back_to_the_last_checkpoint():
    x = var("x")
    g = graph([x], [op1(op2(x))])
    mark = g.checkpoint()
    g.replace(g.outputs[0], op4(g.inputs[0]))
    g.revert(mark)
    assert text(g) == "[op1(op2(x))]"
    g.checkpoint()
    with pytest.raises(ValueError, match="last checkpoint"):
        g.revert(mark)
    with pytest.raises(AlreadyThere):
        ReplaceValidate().on_attach(g)


def test_node_finder():
    x = var("x")
    g = graph([x], [op1(op2(x)), op2(op1(x))], features=[NodeFinder()])
    assert len(g.get_nodes(op1)) == 2
    g.replace(g.outputs[0], op3(g.inputs[0]))
    assert len(g.get_nodes(op1)) == 1 and len(g.get_nodes(op3)) == 1
    with pytest.raises(TypeError, match="unhashable"):
        g.get_nodes([])


def test_names_and_marks_are_kept():
    x = var("x")
    g = graph([x], [op1(x)], features=[PreserveVariableAttributes()])
    g.outputs[0].name, g.outputs[0].tag.nan_guard_mode_check = "out", True
    g.replace(g.outputs[0], op2(g.inputs[0]))
    assert g.outputs[0].name == "out" and g.outputs[0].tag.nan_guard_mode_check


def test_print_listener(capsys):
    x = var("x")
    g = graph([x], [op1(x)])
    g.attach_feature(PrintListener())
    g.replace(g.outputs[0], op2(g.inputs[0]), reason="why")
    out = capsys.readouterr().out
    assert "-- attaching to:" in out and "-- importing: op2(x), reason: why" in out and "-- pruning: op1(x)" in out


def test_bad_optimization_text():
    x = var("x")
    err = BadOptimization(x, op1(x), [1.0], [2.0], "some rewrite", "old", "new")
    assert "BadOptimization Error" in str(err) and "some rewrite" in str(err)
    assert str(BadOptimization("as it is")) == "as it is"
    assert "Op None" in str(BadOptimization(x))


def test_graphs_can_be_pickled():
    x = var("x")
    g = graph([x], [op1(op2(x))])
    MergeOptimizer().optimize(g)
    h = pickle.loads(pickle.dumps(g))
    assert text(h) == text(g)
    h.replace_all_validate([(h.outputs[0], op3(h.inputs[0]))])
    assert text(h) == "[op3(x)]"


# ---------------------------------------------------------------- in-place Ops
def test_destroy_handler_orders_and_refuses():
    inc = Named("inc", destroy_map={0: [0]})
    view = Named("view", view_map={0: [0]})
    x = var("x")
    e = op1(x)
    g = graph([x], [inc(e), op2(view(e))], features=[DestroyHandler()])
    g.validate()
    order = [str(n.op) for n in g.toposort()]
    assert order.index("inc") == 3
    e = op1(x)
    with pytest.raises(InconsistencyError, match="Multiple destroyers"):
        graph([x], [inc(e), inc(e)], features=[DestroyHandler()]).validate()
    with pytest.raises(InconsistencyError, match="cycles"):
        graph([x], [op2(inc(e), e)], features=[DestroyHandler()]).validate()
    with pytest.raises(InconsistencyError, match="Input aliasing"):
        graph([x], [inc(e, view(e))], features=[DestroyHandler()]).validate()
    with pytest.raises(InconsistencyError, match="indestructible"):
        graph([x], [inc(const(1))], features=[DestroyHandler()]).validate()


def test_inplace_optimizers_ask_for_the_handler():
    inc = Named("inc", destroy_map={0: [0]})
    x = var("x")

    @local_optimizer([op2], inplace=True)
    def use_inc(node):
        return node.op == op2 and [inc(*node.inputs)]

    g = graph([x], [op2(op1(x)), op3(op1(x))])
    TopoOptimizer(use_inc, failure_callback=TopoOptimizer.warn_inplace).optimize(g)
    assert hasattr(g, "destroy_handler") and text(g) == "[inc(op1(x)), op3(op1(x))]"
    g.attach_feature(NoOutputFromInplace())
    assert not g.consistent()

    @inplace_optimizer
    def nothing(fgraph):
        return None

    g = graph([x], [op1(x)])
    nothing.optimize(g)
    assert hasattr(g, "destroy_handler")


# ---------------------------------------------------------------- how features come and go
class Log(Feature):
    """Writes down what it is told."""

    def __init__(self):
        self.lines = []

    def on_import(self, function_graph, node, reason):
        self.lines.append("import %s %s" % (node.op, reason))

    def on_prune(self, function_graph, node, reason):
        self.lines.append("prune %s %s" % (node.op, reason))

    def on_change_input(self, function_graph, node, i, r, new_r, reason=None):
        self.lines.append("change %s %d" % (node if node == "output" else node.op, i))


def chain():
    """A graph op1(op2(x)) and its input."""
    x = var("x")
    g = graph([x], [op1(op2(x))])
    return g, g.inputs[0]


def test_a_feature_hears_of_every_change():
    g, x = chain()
    log = Log()
    g.attach_feature(log)
    g.replace(g.outputs[0].owner.inputs[0], op3(op4(x)), reason="why")
    assert log.lines == ["import op4 why", "import op3 why", "prune op2 why", "change op1 0"]
    g.remove_feature(log)
    g.replace(g.outputs[0], x)
    assert len(log.lines) == 4


def test_a_feature_that_comes_late_orders_the_nodes():
    class First(Feature):
        def __init__(self, op):
            self.op = op

        def orderings(self, fgraph):
            one, two = sorted(fgraph.apply_nodes, key=lambda node: node.op is self.op)
            return {one: [two]}

    x = var("x")
    g = graph([x], [op1(x), op2(x)])
    g.toposort()
    for op in (op1, op2):
        g.attach_feature(first := First(op))
        assert g.toposort()[0].op is op
        g.remove_feature(first)


def test_bookkeeper_starts_with_the_nodes_that_are_there():
    class Count(Bookkeeper):
        nodes = 0

        def on_import(self, fgraph, node, reason):
            self.nodes += 1

        def on_prune(self, fgraph, node, reason):
            self.nodes -= 1

    g, x = chain()
    count = Count()
    g.attach_feature(count)
    assert count.nodes == 2
    g.replace(g.outputs[0], op3(x))
    assert count.nodes == 1
    g.remove_feature(count)
    assert count.nodes == 0


@pytest.mark.parametrize(
    "feature, taken",
    [
        (History, "checkpoint"),
        (Validator, "validate"),
        (ReplaceValidate, "replace_validate"),
        (NodeFinder, "get_nodes"),
    ],
)
def test_methods_on_the_graph_come_and_go(feature, taken):
    g, _ = chain()
    for old in list(g._features):
        g.remove_feature(old)
    assert not hasattr(g, taken)
    f = feature()
    g.attach_feature(f)
    assert callable(getattr(g, taken))
    with pytest.raises(AlreadyThere):
        feature().on_attach(g)
    g.remove_feature(f)
    assert not hasattr(g, taken)


def test_changes_are_undone_latest_first():
    g, x = chain()
    g.replace(g.outputs[0].owner.inputs[0], op3(x))
    mark = g.checkpoint()
    g.replace(g.outputs[0].owner.inputs[0], op4(x))
    g.replace(g.outputs[0], op2(g.outputs[0].owner.inputs[0]))
    assert text(g) == "[op2(op4(x))]"
    g.revert(mark)
    assert text(g) == "[op1(op3(x))]"


def test_several_replacements_are_one_step():
    class Refuse(Feature):
        def validate(self, fgraph):
            if "op4" in str(fgraph):
                raise InconsistencyError("no op4")

    g, x = chain()
    g.attach_feature(Refuse())
    middle = g.outputs[0].owner.inputs[0]
    with pytest.raises(InconsistencyError, match="no op4"):
        g.replace_all_validate([(middle, op3(x)), (g.outputs[0], op4(middle))])
    assert text(g) == "[op1(op2(x))]"
    g.replace_all_validate([(middle, op3(x))])
    assert text(g) == "[op1(op3(x))]"


def test_what_should_go_must_go():
    g, x = chain()
    middle = g.outputs[0].owner.inputs[0]
    with pytest.raises(ReplacementDidntRemovedError):
        g.replace_all_validate_remove([(g.outputs[0], op3(middle))], [middle.owner], warn=False)
    assert text(g) == "[op1(op2(x))]"
    g.replace_all_validate_remove([(g.outputs[0], op3(x))], [middle.owner])
    assert text(g) == "[op3(x)]"


def test_node_finder_follows_and_survives_a_pickle():
    g, x = chain()
    g.attach_feature(NodeFinder())
    (found,) = g.get_nodes(op2)
    assert found.op == op2 and not list(g.get_nodes(op4))
    g.replace(g.outputs[0], op4(x))
    assert not list(g.get_nodes(op2)) and len(g.get_nodes(op4)) == 1
    assert len(pickle.loads(pickle.dumps(g)).get_nodes(op4)) == 1


def test_names_go_to_nameless_replacements_only():
    g, x = chain()
    g.attach_feature(PreserveNames())
    g.outputs[0].name = "out"
    g.replace(g.outputs[0], op3(x))
    assert g.outputs[0].name == "out"
    new = op4(x)
    new.name = "mine"
    g.replace(g.outputs[0], new)
    assert g.outputs[0].name == "mine"


def test_print_listener_can_be_silent(capsys):
    g, x = chain()
    g.attach_feature(PrintListener(active=False))
    g.replace(g.outputs[0], op3(x))
    assert capsys.readouterr().out == ""


def test_outputs_may_be_kept_from_in_place_ops():
    inc = Named("inc", destroy_map={0: [0]})
    x = var("x")
    g = graph([x], [inc(op1(x)), inc(op2(x))], features=[DestroyHandler()])
    g.attach_feature(NoOutputFromInplace(first_output_idx=1))
    with pytest.raises(InconsistencyError, match="inplace"):
        g.validate()
    g = graph([x], [inc(op1(x)), op2(x)], features=[DestroyHandler()])
    g.attach_feature(NoOutputFromInplace(first_output_idx=1))
    g.validate()


# ---------------------------------------------------------------- test values
def test_debug_values_of_one_variable_and_of_several():
    x, y, bare = T.dvector("x"), T.dvector("y"), T.dvector()
    x.tag.test_value, y.tag.test_value = np.ones(3), np.zeros(2)
    assert get_debug_values(x, y) == []
    with theano.config.change_flags(compute_test_value="raise"):
        (value,) = get_debug_values(x)
        assert value is x.tag.test_value
        ((first, second),) = get_debug_values(x, y)
        assert first is x.tag.test_value and second is y.tag.test_value
        with pytest.raises(AttributeError, match="^Argument 1 has no test value"):
            get_debug_values(x, bare)
        with pytest.raises(AttributeError, match=r"^Argument 0\('named'\) has no test value"):
            get_debug_values(T.dvector("named"))
    with theano.config.change_flags(compute_test_value="ignore"):
        assert get_debug_values(bare) == []


# ---------------------------------------------------------------- what a graph knows of itself
def test_orders_and_ops_are_those_of_the_graph_as_it_is():
    x, y = var("x"), var("y")
    g = graph([x, y], [op1(op2(x), y)])
    assert [n.op for n in g.data_order()] == [n.op for n in g.toposort()] == [op2, op1]
    assert g.ops() is g.ops() and {op1, op2} == set(g.ops())
    g.replace(g.outputs[0], op3(g.outputs[0].owner.inputs[0]))
    assert [n.op for n in g.data_order()] == [n.op for n in g.toposort()] == [op2, op3]
    assert {op2, op3} == set(g.ops())
    g.change_input("output", 0, op4(g.inputs[1]))
    assert [n.op for n in g.data_order()] == g.ops() == [op4]
    again = pickle.loads(pickle.dumps(g))
    assert [str(n) for n in again.data_order()] == [str(n) for n in g.toposort()]


def test_a_cycle_is_refused_by_every_order():
    x = var("x")
    a = op1(x)
    b = op2(a)
    a.owner.inputs[0] = b
    with pytest.raises(ValueError, match="graph contains cycles"):
        theano.gof.graph.io_toposort([x], [b])
