"""Features of a FunctionGraph: undoing, checking, finding, printing, and the order that in-place Ops need."""

import pickle

import pytest

from tests.toy_ops import Named, const, graph, op1, op2, op3, op4, text, var
from theanojax.errors import InconsistencyError
from theanojax.graph.check import check_graph
from theanojax.graph.destroy import DestroyHandler
from theanojax.graph.features import (
    AlreadyThere,
    BadOptimization,
    Feature,
    NodeFinder,
    NoOutputFromInplace,
    PreserveVariableAttributes,
    PrintListener,
    ReplaceValidate,
)
from theanojax.graph.merge import MergeOptimizer
from theanojax.graph.rewrite import inplace_optimizer
from theanojax.graph.rewrite_local import local_optimizer
from theanojax.graph.rewrite_pattern import PatternSub
from theanojax.graph.rewrite_walk import TopoOptimizer


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
        return [inc(*node.inputs)]

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
