"""What Ops say of themselves is true, and nobody in runtime/ knows them by anything else."""

import importlib
import pkgutil
import re

import numpy as np
import pytest

import theanojax.runtime
import theanojax.tensor as T
from tests.op_cases import CASES
from theanojax.compile import function
from theanojax.graph.contract import Contract
from theanojax.graph.op import Op, PureOp
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Variable
from theanojax.runtime.host import run_graph
from theanojax.tensor.linalg.products import Dot
from theanojax.tensor.reduce import Mean, Sum

pytestmark = pytest.mark.filterwarnings("ignore")

ROLES = {
    "elementwise": ["scalar_op"],
    "reduction": ["scalar_op", "axis"],
    "product": [],
    "view": ["new_order", "shuffle", "drop", "augment"],
    None: [],
}
# what runtime/ may ask of an Op beside the contract: it is Theano's own protocol
PROTOCOL = {"infer_shape", "destroy_map", "__input_name__", "acc_dtype", "nfunc_spec"}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_the_answers_of_an_op(case):
    inputs, outs, values = case.graph()
    for node in io_toposort(inputs, outs):
        holds(node)
    check_values(inputs, outs, values)


def holds(node):
    op = node.op
    for flag in ("side_effect", "cheap_on_host", "reads_part"):
        assert getattr(op, flag) in (True, False)
    assert all(hasattr(op, name) for name in ROLES[op.array_role])
    assert isinstance(op.runs_on_host(node), bool)
    assert all(isinstance(v, Variable) for v in op.static_needs(node))
    steps = op.loop_steps(node)
    assert (steps is None) == (op.inner_fgraph() is None)
    assert steps is None or steps in node.inputs
    lazy = op.lazy_branches(node)
    if lazy:
        condition, *sides = lazy
        assert condition in node.inputs and condition.ndim == 0
        for side in sides:
            assert [v.type for v in side] == [v.type for v in node.outputs] and set(side) <= set(node.inputs)
    inside = op.inside(node)
    if inside:
        graph = inside.rewritten()
        for ins, outs in ((inside.inputs, inside.outputs), (graph.inputs, graph.outputs)):
            for pairs, starts, ends in (
                (inside.enters, node.inputs, ins),
                (inside.leaves, outs, node.outputs),
                (inside.again, outs, ins),
            ):
                assert all(starts[a].type.dtype == ends[b].type.dtype for a, b in pairs)
    form = op.xla_form(node)
    if form:
        assert set(form) <= set(node.outputs) and all(v.type == new.type for v, new in form.items())


def check_values(inputs, outs, values):
    """Of the Ops that look at shapes, read parts or know plain numbers: their values are what they say."""
    nodes = [
        n
        for n in io_toposort(inputs, outs)
        if n.op.reads_part
        or n.op.plain_value
        or len(n.inputs) == 1
        and hasattr(n.inputs[0].type, "ndim")
        and n.op.lengths_read(n.inputs[0].type.ndim) is not None
    ]
    if not nodes:
        return
    wanted = [v for n in nodes for v in (*n.inputs, n.outputs[0]) if hasattr(v.type, "dtype")]
    found = dict(zip(wanted, run_graph(inputs, wanted, values)))
    for node in nodes:
        given, out = [found.get(v) for v in node.inputs], np.asarray(found[node.outputs[0]])
        if node.op.reads_part:
            assert np.isin(out, given[0]).all()
        elif node.op.plain_value:
            assert node.op.plain_value(*[x.item() for x in given]) == out.item()
        else:
            which = node.op.lengths_read(given[0].ndim)
            want = [given[0].shape[i] for i in which] if isinstance(which, tuple) else given[0].shape[which]
            np.testing.assert_array_equal(out, want)


def test_what_is_computed_of_lengths_is_what_runs():
    asked, n = set(), T.lscalar("n")
    for inputs, outs, values in [([n], [T.stack([n, 2]) * n], [np.int64(3)]), *[case.graph() for case in CASES]]:
        nodes = [n for n in io_toposort(inputs, outs) if all(map(may_be_length, (*n.inputs, n.outputs[0])))]
        nodes = [n for n in nodes if n.outputs[0].dtype == "int64"]
        wanted = [v for n in nodes for v in (*n.inputs, n.outputs[0])]
        found = dict(zip(wanted, run_graph(inputs, wanted, values)))
        for node in nodes:
            answer = node.op.of_lengths(node, [np.asarray(found[v]).tolist() for v in node.inputs])
            if answer is not None:
                asked.add(type(node.op).__name__)
                assert answer == found[node.outputs[0]].tolist(), node
    assert asked >= {"Elemwise", "DimShuffle", "MakeVector", "Join"}


def may_be_length(v):
    return str(getattr(v.type, "dtype", "")).startswith(("int", "uint")) and getattr(v.type, "ndim", None) in (0, 1)


def test_each_question_has_an_op_that_answers_it():
    """So that the test above tests all of them."""
    asked = {name for name in vars(Contract) if not name.startswith("__")}
    for case in CASES:
        inputs, outs, _ = case.graph()
        for node in io_toposort(inputs, outs):
            answers = [c for c in type(node.op).__mro__ if c is not Contract]
            asked -= {name for name in asked if any(name in vars(c) for c in answers)}
    assert not asked


class TwiceTheSum(Sum):
    def compute(self, xp, node, x):
        return 2 * xp.sum(x, axis=self.axis)


class TwiceTheProduct(Dot):
    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = 2 * np.dot(*inputs)


@pytest.mark.parametrize("size", [3, 100_000], ids=["few", "many"])
def test_what_a_class_says_of_its_values_holds_for_none_that_has_others(size):
    x, y, values = T.dvector(), T.dvector(), np.ones(size)
    f = function([x, y], [TwiceTheSum()(x), TwiceTheProduct()(x, y), Mean()(x)])
    assert [float(v) for v in f(values, values)] == [2 * size, 2 * size, 1]


class Says(Op):
    array_role = "view"


class Computes(Says):
    def perform(self, node, inputs, output_storage):
        pass


class ComputesAnew(Computes):
    def perform(self, node, inputs, output_storage):
        pass


def test_what_a_class_without_values_says_holds_for_those_that_have_them():
    assert Computes.array_role == ComputesAnew.array_role == "view"


def test_no_op_loses_what_the_one_that_it_is_derived_from_says():
    lost = [case.name for case in CASES for node in nodes_of(case) if is_lost(type(node.op), "vectorize_node")]
    assert not lost


def nodes_of(case):
    inputs, outs, _ = case.graph()
    return io_toposort(inputs, outs)


def is_lost(kind, name):
    first, *others = [vars(c)[name] for c in kind.__mro__ if name in vars(c)]
    return first is vars(Contract)[name] and len(set(map(id, others))) > 1


MODULES = [found.name for found in pkgutil.iter_modules(theanojax.runtime.__path__, "theanojax.runtime.")]


@pytest.mark.parametrize("name", MODULES)
def test_runtime_knows_no_op_by_its_class(name):
    module = importlib.import_module(name)
    known = [
        name
        for name, thing in vars(module).items()
        if isinstance(thing, type) and issubclass(thing, PureOp) and thing not in (Op, PureOp)
    ]
    assert not known
    with open(module.__file__, encoding="utf-8") as file:
        source = file.read()
    asked = set(re.findall(r'(?:has|get)attr\((?:\w+\.)?op, "(\w+)"', source))
    assert asked <= PROTOCOL
    assert not re.search(r"isinstance\((?:\w+\.)?op\b|type\((?:\w+\.)?op\)\.__name__", source)


def test_a_plan_says_what_runs_where_and_why():
    class Double(Op):
        __props__ = ()

        def make_node(self, x):
            return theanojax.Apply(self, [x], [x.type()])

        def perform(self, node, inputs, output_storage):
            output_storage[0][0] = inputs[0] * 2

    x, s = T.dvector("x"), theanojax.shared(np.zeros(3), "s")
    n = T.cast(x.sum(), "int64")
    n.name = "n"
    f = theanojax.function([x], [Double()(T.exp(x)), T.arange(n)], updates=[(s, s + 1)])
    before = str(f.fn.plan)
    assert "Double has no XLA form" in before
    f(np.ones(3))
    text = str(f.fn.plan)  # the length of a result comes from data, which is known by now
    assert re.search(r"^1\. XLA: .*exp", text)
    assert re.search(r"^\d\. host: Double\n   why: Double has no XLA form", text, re.M)
    assert "makes known n" in text and "compiled for each value of n" in text
    g = theanojax.function([], [], updates=[(s, s * 2)])
    assert "gives away the buffer of s" in str(g.fn.plan)
    assert "numbers" in str(theanojax.function([a := T.dscalar()], a + 1).fn.plan)
    assert str(theanojax.function([x], x + 1, mode=theanojax.Mode("py")).fn.plan) == "host: numpy runs every node"


def test_the_plan_of_lazy_branches():
    x, k = T.dvector("x"), T.iscalar("k")
    f = theanojax.function([x, k], theanojax.ifelse.ifelse(k > 0, T.exp(x), x))
    f([1.0], 1)
    assert "from numbers and shapes" in str(f.fn.plan) and "where they are True" in str(f.fn.plan)


def test_the_plan_after_many_shapes():
    x = T.dvector("x")
    with theanojax.change_flags(specializations=2):
        f = theanojax.function([x], T.exp(x).sum() + T.dot(x, x))
        for n in range(1, 5):
            f(np.ones(n))
    assert str(f.fn.plan).startswith("host: shapes of which there is no executable yet")


def test_the_steps_from_a_plan_to_what_runs():
    x, s = T.dmatrix("x"), theanojax.shared(np.zeros(3))
    f = theanojax.function([x], T.exp(x).sum(), updates=[(s, s + x.sum(axis=0))])
    assert f.fn.traced == []
    for rows in (2, 5):
        f(np.ones((rows, 3)))
    built = f.fn.executor.compilations
    assert [t.shapes for t in f.fn.traced] == [((3,), (2, 3)), ((3,), (5, 3))]
    traced = f.fn.traced[1]
    assert traced.plan is f.fn.plan.stages[0] and "for shapes (3,), (5, 3)" in str(traced)
    assert "exp" in str(traced.jaxpr) and "stablehlo.exponential" in traced.lower().as_text()
    compiled = traced.lower().compile()
    assert "ENTRY" in compiled.as_text() and compiled.cost["flops"] > 0
    assert compiled.memory.argument_size_in_bytes == 8 * 18 and compiled.memory.alias_size_in_bytes == 8 * 3
    assert f.fn.executor.compilations == built  # nothing was made anew
    assert theanojax.function([x], x + 1, mode=theanojax.Mode("py")).fn.traced == []


def test_steps_of_stages_between_host_stages_and_of_branches():
    x, c = T.dvector("x"), T.iscalar("c")
    chosen = theanojax.ifelse.ifelse(c, T.exp(x), T.zeros((T.cast(T.cumsum(x)[-1], "int64"),)))
    f = theanojax.function([c, x], chosen)
    f(1, [1.0, 2.0]), f(0, [1.0, 2.0])
    assert {t.statics for t in f.fn.traced} == {(), (3,)}


def test_plans_are_values():
    x = T.dvector("x")
    f = theanojax.function([x], T.exp(x).sum())
    plan = f.fn.plan
    with pytest.raises(AttributeError):
        plan.stages = ()
    with pytest.raises(AttributeError):
        plan.stages[0].inputs = ()
