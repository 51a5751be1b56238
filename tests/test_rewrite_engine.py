"""The rewriting engine on graphs of toy Ops: features, local and global optimizers, equilibrium, merging, databases."""

import pytest

from tests.toy_ops import Named, Number, const, graph, op1, op2, op3, op4, op5, pattern, text, var
from theanojax.config import change_flags
from theanojax.errors import ReplacementDidntRemovedError
from theanojax.graph.check import GraphError, check_graph
from theanojax.graph.features import BadOptimization
from theanojax.graph.rewriting.base import FromFunctionOptimizer, Optimizer, SeqOptimizer, optimizer
from theanojax.graph.rewriting.db import DB, EquilibriumDB, LocalGroupDB, ProxyDB, Query, SequenceDB, TopoDB
from theanojax.graph.rewriting.equilibrium import EquilibriumOptimizer
from theanojax.graph.rewriting.local import LocalOptGroup, LocalOptimizer, OpRemove, OpSub, local_optimizer
from theanojax.graph.rewriting.merge import MergeOptimizer, is_same_graph_with_merge, pre_constant_merge
from theanojax.graph.rewriting.pattern import PatternSub
from theanojax.graph.rewriting.tools import (
    LocalMetaOptimizer,
    _metadict,
    check_chain,
    check_stack_trace,
    inherit_stack_trace,
    pre_greedy_local_optimizer,
)
from theanojax.graph.rewriting.unify import FreeVariable, NotVariable, OrVariable, Unification, Var, unify, unify_walk
from theanojax.graph.rewriting.walk import OpKeyOptimizer, TopoOptimizer, in2out, out2in
from theanojax.graph.traverse import is_same_graph
from theanojax.graph.variable import Apply


# ---------------------------------------------------------------- patterns
@pytest.mark.parametrize(
    "build, look, put, want",
    [
        (lambda x, y, z: op1(op2(x, y), z), (op1, (op2, "1", "2"), "3"), (op4, "3", "2"), "[op4(z, y)]"),
        (lambda x, y, z: op1(op2(x), op2(y)), (op1, (op2, "1"), (op2, "2")), (op3, "1", "2"), "[op3(x, y)]"),
        (lambda x, y, z: op1(op2(x), op2(y)), (op1, (op2, "1"), (op2, "1")), (op3, "1"), "[op1(op2(x), op2(y))]"),
        (lambda x, y, z: op1(op2(x), op2(x)), (op1, (op2, "1"), (op2, "1")), (op3, "1"), "[op3(x)]"),
        (lambda x, y, z: op1(op1(op2(x, y))), (op1, (op2, "1", "2")), (op3, "2", "1"), "[op1(op3(y, x))]"),
        (lambda x, y, z: op1(op1(op1(x))), (op1, "1"), "1", "[x]"),
        (lambda x, y, z: op1(x), dict(pattern=(op1, "1"), constraint=lambda e: False), "1", "[op1(x)]"),
        (lambda x, y, z: op1(x, y), (op1, "1"), "1", "[op1(x, y)]"),
    ],
)
def test_pattern(build, look, put, want):
    x, y, z = var("x"), var("y"), var("z")
    g = graph([x, y, z], [build(x, y, z)])
    pattern(look, put, allow_multiple_clients=True).optimize(g)
    assert text(g) == want
    check_graph(g)


def test_pattern_matches_constants_and_constraints():
    x = var("x")
    g = graph([x], [op1(x, const(2)), op1(x, const(3))])
    pattern((op1, "1", 2), (op2, "1")).optimize(g)
    assert text(g) == "[op2(x), op1(x, Constant{3})]"
    g = graph([x], [op1(op2(x), x)])
    pattern((op1, dict(pattern="1", constraint=lambda e: e.owner is not None), "2"), (op3, "1", "2")).optimize(g)
    assert text(g) == "[op3(op2(x), x)]"


def test_pattern_respects_clients():
    x = var("x")
    e = op2(x)
    g = graph([x], [op1(e), op3(e)])
    pattern((op1, (op2, "1")), (op4, "1")).optimize(g)
    assert text(g).startswith("[op1(*1 -> op2(x))")
    pattern((op1, (op2, "1")), (op4, "1"), allow_multiple_clients=True).optimize(g)
    assert text(g) == "[op4(x), op3(op2(x))]"


def test_pattern_tries_equivalents_and_tracked_ops():
    x, y = var("x"), var("y")
    skip = PatternSub(
        (op1, (op2, "1")),
        (op4, "1"),
        allow_multiple_clients=True,
        skip_identities_fn=lambda v: v.owner.inputs[0] if v.owner and v.owner.op == op5 else None,
    )
    g = graph([x], [op1(op5(op2(x)))])
    in2out(skip, name="skip").optimize(g)
    assert text(g) == "[op4(x)]"
    above = PatternSub(
        (op1, "2", (op2, "1")),
        (op4, "1", "2"),
        allow_multiple_clients=True,
        tracks=[op2],
        get_nodes=lambda node: [c for c, _ in node.outputs[0].clients],
    )
    assert above.tracks() == [op2]
    g = graph([x, y], [op1(y, op2(x))])
    in2out(above, name="above").optimize(g)
    assert text(g) == "[op4(x, y)]"


def test_pattern_must_start_with_an_op():
    with pytest.raises(TypeError, match="must start with a specific Op instance"):
        PatternSub("x", "x")


def test_op_sub_and_op_remove():
    x, y = var("x"), var("y")
    g = graph([x, y], [op1(op1(x, op2(y)))])
    g.outputs[0].tag.mark = 1
    OpKeyOptimizer(OpSub(op1, op3)).optimize(g)
    assert text(g) == "[op3(op3(x, op2(y)))]" and g.outputs[0].tag.mark == 1
    TopoOptimizer(OpRemove(op2)).optimize(g)
    assert text(g) == "[op3(op3(x, y))]"
    assert str(OpSub(op1, op3)) == "op1 -> op3" and str(OpRemove(op2)) == "op2(x) -> x"


# ---------------------------------------------------------------- local optimizers
def test_local_optimizer_decorator():
    @local_optimizer([op1, Named])
    def swap(node):
        if node.op == op1:
            return [op2(*node.inputs)]

    assert str(swap) == "swap" and swap.tracks() == [op1, Named]
    with pytest.raises(ValueError, match="Use None instead of an empty list"):
        local_optimizer([])(lambda node: None)
    with pytest.raises(ValueError, match="Tracks are op classes or instances"):
        local_optimizer([int])(lambda node: None)
    x = var("x")
    g = graph([x], [op1(op3(op1(x)))])
    out2in(swap).optimize(g)
    assert text(g) == "[op2(op3(op2(x)))]"


def test_wrong_replacements_are_refused():
    x = var("x")

    def apply(result):
        g = graph([x], [op1(x)])
        TopoOptimizer(local_optimizer([op1])(lambda node: result(node))).optimize(g)

    with pytest.raises(TypeError, match="wrong type of replacement"):
        apply(lambda node: 3)
    with pytest.raises(ValueError, match="wrong number of replacements"):
        apply(lambda node: [x, x])
    with pytest.raises(ValueError, match="tried to remove a Variable that is used"):
        apply(lambda node: [None])
    with pytest.raises(BadOptimization, match="type of the replacement must be the same"):
        apply(lambda node: [Named("other", kind="m")(*node.inputs)])


def test_remove_is_honoured(capsys):
    x = var("x")
    inner = op2(x)
    g = graph([x], [op1(inner), op3(inner)], clone=False)

    @local_optimizer([op1])
    def drop(node):
        return node.op == op1 and {node.outputs[0]: op4(x), "remove": [inner.owner]}

    with pytest.raises(ReplacementDidntRemovedError):
        TopoOptimizer(drop).optimize(g)
    assert "op4" not in text(g) and "wanted to replace" in capsys.readouterr().err
    check_graph(g)


def test_local_group_takes_first_or_goes_on():
    x = var("x")
    steps = [PatternSub((op1, "1"), (op2, "1")), PatternSub((op2, "1"), (op3, "1"))]
    g = graph([x], [op1(x)])
    TopoOptimizer(LocalOptGroup(*steps), ignore_newtrees=True).optimize(g)
    assert text(g) == "[op2(x)]"
    g = graph([x], [op1(x)])
    TopoOptimizer(LocalOptGroup(*steps, apply_all_opts=True), ignore_newtrees=True).optimize(g)
    assert text(g) == "[op3(x)]"


def test_failure_callback_and_assertions(caplog):
    x = var("x")

    @local_optimizer([op1])
    def broken(node):
        raise KeyError("no")

    g = graph([x], [op1(x)])
    with pytest.raises(KeyError):
        TopoOptimizer(broken).optimize(g)
    TopoOptimizer(broken, failure_callback=TopoOptimizer.warn).optimize(g)
    assert "Optimization failure due to: broken" in caplog.text
    TopoOptimizer(broken, failure_callback=TopoOptimizer.warn_ignore).optimize(g)

    @local_optimizer([op1])
    def asserting(node):
        raise AssertionError("wrong")

    with pytest.raises(AssertionError, match="wrong"):
        TopoOptimizer(asserting, failure_callback=TopoOptimizer.warn).optimize(g)


@pytest.mark.parametrize("make", [TopoOptimizer, in2out, out2in])
def test_walkers_try_every_node_whatever_is_tracked(make):
    class Tracked(LocalOptimizer):
        """Says that it tracks nothing, or another Op; only an equilibrium and a group ask."""

        __name__ = "tracked"

        def __init__(self, tracked):
            self.tracked = tracked

        def tracks(self):
            return self.tracked

        def transform(self, node):
            return node.op == op1 and [op2(*node.inputs)]

    @local_optimizer([op5])
    def decorated(node):
        return node.op == op1 and [op2(*node.inputs)]

    x = var("x")
    for lopt in (Tracked([]), Tracked([op5]), decorated):
        g = graph([x], [op3(op1(x))])
        walker = make(lopt)
        report = walker.optimize(g)
        assert text(g) == "[op3(op2(x))]"
        assert isinstance(report, tuple) and report[:4] == (walker, 1, 2, 2) and report[7] is lopt
        assert all(isinstance(seconds, float | int) for seconds in report[4:7])
        for asks in (equilibrium(lopt), TopoOptimizer(LocalOptGroup(lopt, Tracked([op4])))):
            g = graph([x], [op3(op1(x))])
            asks.optimize(g)
            assert text(g) == "[op3(op1(x))]"


# ---------------------------------------------------------------- sequences and equilibrium
def test_seq_optimizer():
    x = var("x")
    g = graph([x], [op1(x)])

    @optimizer
    def first(fgraph):
        fgraph.replace(fgraph.outputs[0], op2(fgraph.inputs[0]))

    seq = SeqOptimizer(
        first,
        FromFunctionOptimizer(lambda fgraph: fgraph.replace(fgraph.outputs[0], op3(fgraph.outputs[0].owner.inputs[0]))),
    )
    report = seq.optimize(g)
    assert text(g) == "[op3(x)]" and str(first) == "first"
    assert seq == seq and seq != SeqOptimizer(*seq) and len({seq, first}) == 2
    profile = report.profile
    assert len(profile.parts) == 2 and report.merged_with(report).profile.seconds == 2 * profile.seconds
    opt, seconds, validating, callbacks, before, after, reports, _, nodes, _ = report
    assert opt is seq and len(seconds) == 2 and validating is None and (before, after) == (1, 1)
    assert reports == [None, None] and nodes == [(1, 1), (1, 1)] and seq.pre_profile is report


def equilibrium(*opts, **kwargs):
    return EquilibriumOptimizer(opts, max_use_ratio=kwargs.pop("max_use_ratio", 8), **kwargs)


@pytest.mark.parametrize("ignore_newtrees", [True, False])
def test_equilibrium(ignore_newtrees):
    x, y = var("x"), var("y")
    g = graph([x, y], [op3(op4(x, y))])
    opt = equilibrium(
        PatternSub((op1, "x", "y"), (op2, "x", "y")),
        PatternSub((op4, "x", "y"), (op1, "x", "y")),
        PatternSub((op3, (op2, "x", "y")), (op4, "x", "y")),
        ignore_newtrees=ignore_newtrees,
    )
    report = opt.optimize(g)
    assert text(g) == "[op2(x, y)]" and sum(report.profile.uses.values()) == 5
    assert len(report) == 12 and report[0] is opt and report[3] == (2, 1, 2)
    rounds, uses = report[1], report[2]
    assert len(rounds) == len(report[4]) == len(report[5]) == len(report[7])
    assert sum(n for used in uses for n in used.values()) == 5 and uses[-1] == {}
    assert report[5][0] == 2 and sum(report[8].values()) == 5
    check_graph(g)


def test_equilibrium_stops_on_loops(caplog):
    x, y = var("x"), var("y")
    g = graph([x, y], [op1(x, y)])
    equilibrium(PatternSub((op1, "x", "y"), (op2, "x", "y")), PatternSub((op2, "x", "y"), (op1, "x", "y"))).optimize(g)
    assert "EquilibriumOptimizer max'ed out by" in caplog.text


def test_equilibrium_runs_global_final_and_cleanup():
    x = var("x")
    log = []

    class Log(Optimizer):
        def __init__(self, word):
            self.word = word

        def apply(self, fgraph):
            log.append(self.word)

    g = graph([x], [op1(op1(x))])
    equilibrium(
        Log("global"),
        PatternSub((op1, "1"), (op2, "1")),
        final_optimizers=[Log("final")],
        cleanup_optimizers=[Log("clean")],
    ).optimize(g)
    assert text(g) == "[op2(op2(x))]"
    assert log[:4] == ["global", "clean", "clean", "final"] and log.count("global") == log.count("final") >= 2


def test_equilibrium_looks_again_below_a_change():
    """A rewrite that needs a form made by another one, three uses above it, is found in a later round."""
    x = var("x")
    g = graph([x], [op5(op4(op3(op1(x))))])
    equilibrium(PatternSub((op1, "1"), (op2, "1")), PatternSub((op5, (op4, (op3, (op2, "1")))), "1")).optimize(g)
    assert text(g) == "[x]"


def test_equilibrium_work_is_linear():
    tries = []

    @local_optimizer([op1, op2, op3])
    def count(node):
        tries.append(node)
        if node.op == op1:
            return [op2(*node.inputs)]

    def work(n):
        del tries[:]
        v = x = var("x")
        for _ in range(n):
            v = op3(op1(v))
        g = graph([x], [v])
        equilibrium(count).optimize(g)
        assert not any(node.op == op1 for node in g.apply_nodes)
        return len(tries)

    small, large = work(50), work(1500)
    assert large < 35 * small and large < 12 * 1500


# ---------------------------------------------------------------- merging
def test_merge_nodes_and_constants():
    x, y = var("x"), var("y")
    g = graph([x, y], [op1(op2(x, const(1))), op1(op2(x, const(1))), op1(op2(y, const(2)))])
    MergeOptimizer().optimize(g)
    assert g.outputs[0] is g.outputs[1] and g.outputs[0] is not g.outputs[2]
    assert len(g.apply_nodes) == 4
    check_graph(g)


def test_merge_keeps_up_with_changes():
    x = var("x")
    g = graph([x], [op1(op2(x)), op1(op3(x))])
    MergeOptimizer().optimize(g)
    assert len(g.apply_nodes) == 4
    pattern((op3, "1"), (op2, "1")).optimize(g)
    MergeOptimizer().optimize(g)
    assert g.outputs[0] is g.outputs[1] and len(g.apply_nodes) == 2
    assert MergeOptimizer().optimize(g) == (0, 0.0, None, None, {}, 0, 0)


def test_merge_names_and_unhashable_data():
    x = var("x")
    a, b = op1(x), op1(x)
    b.name = "b"
    g = graph([x], [a, b, op2(x, const([1])), op2(x, const([1]))])
    MergeOptimizer().optimize(g)
    assert g.outputs[0] is g.outputs[1] and g.outputs[0].name == "b"


def test_merge_of_nodes_with_an_unused_output():
    class Two(Named):
        def make_node(self, *inputs):
            return Apply(self, list(inputs), [Number()(), Number()()])

    x = var("x")
    a, b = Two("two")(x), Two("two")(x)
    g = graph([x], [op1(a[0]), op2(b[0])])
    MergeOptimizer().optimize(g)
    assert len(g.apply_nodes) == 3
    check_graph(g)


def test_merge_of_thousands_is_quick():
    x = var("x")
    g = graph([x], [op1(x, const(i % 7)) for i in range(4000)])
    MergeOptimizer().optimize(g)
    assert len(g.apply_nodes) == 7


def test_is_same_graph_and_pre_constant_merge():
    x, y = var("x"), var("y")
    assert is_same_graph_with_merge(op1(op2(x), y), op1(op2(x), y))
    assert not is_same_graph_with_merge(op1(op2(x), y), op1(op2(y), y))
    assert is_same_graph(op1(x, y), op1(x, op2(x)), givens={op2(x): y}) is False  # another node than that of the graph
    inner = op2(x)
    for given in ({inner: y}, {y: inner}):
        assert is_same_graph(op1(x, y), op1(x, inner), givens=given)
    assert is_same_graph(x, inner, givens={inner: x}) and not is_same_graph(x, inner)
    e = op1(op2(x, const(3)), const(3))
    (out,) = pre_constant_merge([e])
    assert out is e and e.owner.inputs[1] is e.owner.inputs[0].owner.inputs[1]
    assert pre_constant_merge(e) == [e]


# ---------------------------------------------------------------- databases
class Leaf(Optimizer):
    def apply(self, fgraph):
        return None


def test_db_queries():
    db = DB()
    a, b, c = Leaf(), Leaf(), Leaf()
    db.register("a", a, "x", "y")
    db.register("b", b, "y")
    db.register("c", c, "z")
    assert list(db.query("+y")) == [a, b] and list(db.query("+y", "-x")) == [b] and list(db.query("+y", "&x")) == [a]
    assert list(db.query(Query(["y", "z"]).excluding("x"))) == [b, c]
    assert list(db.query(Query(["y"]).requiring("x").including("z"))) == [a]
    assert db["a"] is a and "x" in db and "nothing" not in db
    assert list(db.query("+Leaf")) == [a, b, c]
    with pytest.raises(KeyError, match="Nothing registered for 'w'"):
        db["w"]
    with pytest.raises(ValueError, match="More than one match"):
        db["y"]
    with pytest.raises(TypeError, match="cannot be registered"):
        db.register("d", 1)
    with pytest.raises(ValueError, match="cannot be an existing tag"):
        db.register("x", Leaf())
    with pytest.raises(ValueError, match="tag of the object collides"):
        db.register("e", Leaf(), "a")
    with pytest.raises(ValueError, match="All tags must start with"):
        db.query("y")
    db.remove_tags("a", "y")
    assert list(db.query("+y")) == [b]


def test_sequence_db_orders_by_position():
    db = SequenceDB()
    a, b, c = Leaf(), Leaf(), Leaf()
    db.register("a", a, 2, "t")
    db.register("b", b, 1.5, "t")
    db.register("c", c, "last", "t")
    assert list(db.query("+t")) == [b, a, c]
    q = Query(["t"], position_cutoff=2)
    assert list(db.query(q)) == [b]
    extra = Leaf()
    q = Query(["t"]).register((extra, 1.7))
    q.name = "mine"
    assert list(db.query(q)) == [b, extra, a, c] and db.query(q).name == "mine"


def test_nested_databases():
    rewrite, other = PatternSub((op1, "1"), (op2, "1")), PatternSub((op2, "1"), (op3, "1"))
    inner = EquilibriumDB()
    outer = SequenceDB()
    outer.register("inner", inner, 1, "fast_run")
    inner.register("rewrite", rewrite, "fast_run")
    inner.register("other", other, "unsafe", use_db_name_as_tag=False)
    inner.register("merge", MergeOptimizer(), "fast_run", cleanup=True)
    inner.register("last", Leaf(), "fast_run", final_opt=True)
    x = var("x")

    def result(query):
        g = graph([x], [op1(x)])
        outer.query(query).optimize(g)
        return text(g)

    assert result(Query(["fast_run"])) == "[op2(x)]"
    assert result(Query(["fast_run"]).including("unsafe")) == "[op3(x)]"
    assert result(Query(["fast_run"]).excluding("rewrite")) == "[op1(x)]"
    assert result(Query(["inner"])) == "[op2(x)]"
    eq = inner.query("+fast_run")
    assert [o.name for o in eq.cleanup_optimizers] == ["merge"] and [o.name for o in eq.final_optimizers] == ["last"]


def test_group_topo_and_proxy_databases():
    group = LocalGroupDB(apply_all_opts=True)
    group.register("b", PatternSub((op2, "1"), (op3, "1")), "t")
    group.register("a", PatternSub((op1, "1"), (op2, "1")), "t", position=-1)
    assert [o.name for o in group.query("+t").opts] == ["a", "b"]
    db = SequenceDB()
    db.register("topo", TopoDB(group), 0, "t")
    db.register("again", ProxyDB(group), 1, "none")
    x = var("x")
    g = graph([x], [op1(x)])
    db.query("+t").optimize(g)
    assert text(g) == "[op3(x)]"
    assert isinstance(ProxyDB(group).query("+t"), LocalOptimizer)


# ---------------------------------------------------------------- helpers
def test_check_chain():
    x = var("x")
    e = op1(op2(x))
    assert check_chain(e, op1, op2, None) and check_chain(e.owner, Named, op2)
    assert not check_chain(e, op2) and not check_chain(e, op1, None) and not check_chain(x, op1)


def test_pre_greedy_local_optimizer():
    x = var("x")
    g = graph([x], [op1(x)])
    inside = g.outputs[0]
    e = op2(op1(inside), op1(x))
    out = pre_greedy_local_optimizer([PatternSub((op1, "1"), (op3, "1"), allow_multiple_clients=True)], e)
    assert str(out.owner) == "op2(op3.0, op3.0)" and inside.owner.op == op1
    assert pre_greedy_local_optimizer([], x) is x


def test_pre_greedy_local_optimizer_leaves_out_outputs_that_nobody_uses():
    x = var("x")

    @local_optimizer([op1])
    def second_alone(node):
        return [None, op3(x)]

    pair = Apply(op1, [x], [Number()(), Number()()])
    out = pre_greedy_local_optimizer([second_alone], op2(pair.outputs[1]))
    assert str(out.owner) == "op2(op3.0)"


def test_meta_optimizer_refuses_what_tracks_nothing():
    class Anything(LocalOptimizer):
        pass

    meta = LocalMetaOptimizer()
    with pytest.raises(TypeError, match="has to say which Ops it tracks"):
        meta.register(Anything(), ["tag"])
    assert meta.optimizers == [] and not meta.tag_dict


def test_flags_leave_out_choices_of_meta_optimizers():
    class Meta(LocalMetaOptimizer):
        pass

    @local_optimizer([Named])
    def first(node):
        return None

    @local_optimizer([Named])
    def second(node):
        return None

    meta, node = Meta(), op1(var("x")).owner
    meta.register(first, ["default", "a"])
    meta.register(second, ["default", "b"])

    def left(**tags):
        with change_flags({"metaopt.optimizer_" + k: t for k, t in tags.items()}):
            return meta.get_opts(node)

    assert meta.get_opts(node) == left(including="a") == left(excluding="c") == [first, second]
    assert left(excluding="a") == [second]
    assert left(excluding="default") == left(excluding="a:b") == []
    assert left(excluding="a:b", including="b") == [second]
    assert left(excluding="a:default", including="a") == []


def test_stack_traces():
    x = var("x")
    source = op1(x)
    with inherit_stack_trace(source):
        target = op2(x)
    assert list(source.tag.trace[0]) in [list(t) for t in target.tag.trace]
    g = graph([x], [target])
    assert check_stack_trace(g, "all") and check_stack_trace(g, op2) and check_stack_trace(g, [Named])
    g.outputs[0].tag.trace = []
    assert not check_stack_trace(g)
    with pytest.raises(Exception, match="not in the graph or the graph is empty"):
        check_stack_trace(g, op5)
    with pytest.raises(ValueError, match="not supported"):
        check_stack_trace(3)


def test_check_graph_finds_wrong_types():
    x = var("x")
    wrong = Apply(op1, [x], [Number("m")()])
    g = graph([x], [wrong.outputs[0]])
    with pytest.raises(GraphError, match="its output has type"):
        check_graph(g)


def test_unify():
    a, b, c = Var("a"), Var("b"), Var("c")
    merged, U = unify([5, a, b], [a, c, 9])
    assert merged == [5, 5, 9] and U
    assert unify([5, [a, b]], [a, [1, 2]]) == (None, False)
    U = unify_walk(
        dict(k=NotVariable("x", ["big"]), one=1), dict(k=OrVariable("y", ["hello", "big"]), two=2), Unification()
    )
    assert U
    U = unify_walk((1, 2), (a, a), Unification())
    assert U is False
    v = FreeVariable("v")
    assert unify_walk(v, 3, Unification())[v].value == 3


def test_metadict_takes_lists_as_keys():
    d = _metadict()
    d[1], d[[1, 2]] = "a", "b"
    assert d[1] == "a" and d[[1, 2]] == "b" and d[[3]] is None
    d[[1, 2]] = "c"
    assert d[[1, 2]] == "c"
    del d[[1, 2]]
    with pytest.raises(KeyError):
        del d[[1, 2]]
