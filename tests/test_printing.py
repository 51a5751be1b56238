"""What graphs and values look like in print."""

import io
import os
import pickle

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from theanojax import printing
from theanojax.compile.ops import as_op
from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.op import Op
from theanojax.graph.type import generic
from theanojax.graph.variable import Apply
from theanojax.ifelse import ifelse
from theanojax.legacy.testing import PdbBreakpoint
from theanojax.printing import (
    FunctionPrinter,
    IgnorePrinter,
    LeafPrinter,
    OperatorPrinter,
    PatternPrinter,
    PPrinter,
    Print,
    PrinterState,
    debugprint,
    dot as printing_dot,
    min_informative_str,
    pp,
    pprint,
    pydotprint,
    var_descriptor,
)
from theanojax.printing.debug import print_tree
from theanojax.tensor.assert_op import assert_op


@pytest.fixture
def named():
    """A graph with a named variable in it: its inputs and its result."""
    a, b, d, e = (T.dmatrix(n) for n in "ABDE")
    c = a + b
    c.name = "C"
    return (a, b, d, e), c + (d + e)


def lines(*texts):
    return "\n".join(texts) + "\n"


# ---------------------------------------------------------------- debugprint
@pytest.mark.parametrize(
    "ids, marks",
    [("CHAR", ["[id %s]" % c for c in "ABCDEFG"]), ("int", ["[id %d]" % i for i in range(7)]), ("", [""] * 7)],
)
def test_debugprint(named, ids, marks):
    assert debugprint(named[1], file="str", ids=ids) == lines(
        "Elemwise{add,no_inplace} %s ''   ",
        " |Elemwise{add,no_inplace} %s 'C'   ",
        " | |A %s",
        " | |B %s",
        " |Elemwise{add,no_inplace} %s ''   ",
        "   |D %s",
        "   |E %s",
    ) % tuple(marks)


def test_debugprint_python_ids(named):
    assert "A [id %d]" % id(named[0][0]) in debugprint(named[1], file="str", ids="id")


def test_debugprint_stops(named):
    text = debugprint(named[1], file="str", stop_on_name=True)
    assert "'C'" in text and " A " not in text and "D [id D]" in text
    assert len(debugprint(named[1], file="str", depth=1).splitlines()) == 1
    assert len(debugprint(named[1], file="str", depth=2).splitlines()) == 3


def test_debugprint_what_is_known_is_not_repeated(named):
    (a, *_), out = named
    x = T.exp(a)
    assert debugprint([x * x, x], file="str") == lines(
        "Elemwise{mul,no_inplace} [id A] ''   ",
        " |Elemwise{exp,no_inplace} [id B] ''   ",
        " | |A [id C]",
        " |Elemwise{exp,no_inplace} [id B] ''   ",
        "Elemwise{exp,no_inplace} [id B] ''   ",
    )
    done, ids = {}, {}
    debugprint(x, file="str", done=done, used_ids=ids)
    assert debugprint(T.sin(x), file="str", done=done, used_ids=ids) == lines(
        "Elemwise{sin,no_inplace} [id C] ''   ", " |Elemwise{exp,no_inplace} [id A] ''   "
    )


def test_debugprint_kinds_of_objects(named):
    inputs, out = named
    assert debugprint(out.owner, file="str") == debugprint(out, file="str")
    assert debugprint(3, file="str") == "3\n"
    graph = FunctionGraph(list(inputs), [out])
    text = debugprint(graph, file="str")
    assert [line[-1] for line in text.splitlines() if "Elemwise" in line] == ["2", "1", "0"]
    assert debugprint(theano.In(inputs[0]), file="str") == "A [id A]\n"
    stream = io.StringIO()
    assert debugprint(out, file=stream) is stream and stream.getvalue() == debugprint(out, file="str")
    with pytest.raises(TypeError, match="cannot print an object of this type"):
        debugprint("x")
    with pytest.raises(Exception, match="depth parameter must be an int"):
        debugprint(out, depth=1.0)


def test_debugprint_to_stdout(named, capsys):
    assert debugprint(named[1]) is None
    assert capsys.readouterr().out == debugprint(named[1], file="str")


def test_debugprint_types_and_outputs():
    x = T.dmatrix("x")
    assert debugprint(x, file="str", print_type=True) == "x [id A] <TensorType(float64, matrix)>\n"
    assert debugprint(T.max_and_argmax(x)[1], file="str").startswith("MaxAndArgmax{axis=(0, 1)}.1 [id A] 'argmax'")


def test_debugprint_function():
    a, b, d = (T.dmatrix(n) for n in "ABD")
    f = theano.function([a, b, d], [a + b, a + b - d], mode="FAST_COMPILE")
    text = debugprint(f, file="str", print_clients=True).splitlines()
    assert text[0].startswith("Elemwise{add,no_inplace} [id A] ''   0 clients:[(")
    assert "('output', '')" in text[0] and "('[id C]', 1)" in text[0]
    assert text[3] == "Elemwise{sub,no_inplace} [id C] ''   1"
    stored = debugprint(f, file="str", ids="", print_storage=True).splitlines()
    assert stored[:2] == ["Elemwise{add,no_inplace}  ''   0 [None]", " |A  [None]"]


def test_debugprint_of_maps():
    x = T.dmatrix("x")
    y = T.inplace.add_inplace(x, x)
    text = io.StringIO()
    assert print_tree(y, file=text, print_destroy_map=True, print_view_map=True) is text
    assert text.getvalue().startswith("add_inplace [id A] '' d={0: [0]}  \n")


def test_debugprint_scan():
    k, a = T.iscalar("k"), T.dvector("A")
    result, _ = theano.scan(lambda prior, a: prior * a, outputs_info=T.ones_like(a), non_sequences=a, n_steps=k)
    text = debugprint(result[-1], file="str")
    assert text.endswith(
        lines(
            "",
            "Inner graphs of the scan ops:",
            "",
            "for{cpu,scan_fn} [id C] ''   ",
            " >Elemwise{mul,no_inplace} [id W] ''   ",
            " > |<TensorType(float64, vector)> [id X] -> [id E]",
            " > |A_copy [id Y] -> [id M]",
        )
    )


def test_debugprint_of_a_deep_graph():
    x = y = T.dscalar("x")
    for _ in range(3000):
        y = y + x
    assert len(debugprint(y, file="str").splitlines()) == 6001


def test_debugprint_profile():
    class Profile:
        fct_callcount, fct_call_time = 1, 2.0

        def compute_total_times(self):
            return {y.owner: 1.0}

    x = T.dscalar("x")
    y = T.exp(x)
    graph = FunctionGraph([x], [y], clone=False)
    graph.profile = Profile()
    graph.profile.apply_time = {y.owner: 0.5}
    text = debugprint(graph, file="str")
    assert text.startswith("\nTiming Info\n-----------\n")
    assert "Elemwise{exp,no_inplace} [id A] ''   0 --> 5.00e-01s 25.0% 1.00e+00s 50.0%\n" in text


def test_debugprint_of_a_function_that_is_not_profiled():
    x = T.dscalar("x")
    f = theano.function([x], T.exp(x), profile=False)
    assert debugprint(f, file="str") == debugprint(theano.function([x], T.exp(x)), file="str")
    assert debugprint([f, f.maker.fgraph], file="str").startswith("Elemwise{exp,no_inplace} [id A] ''   0\n")


def test_print_test_value_shows_every_value_that_is_known():
    x, bare = T.dvector("x"), T.dvector("bare")
    x.tag.test_value = [0.0, 1.0]
    with theano.config.change_flags(compute_test_value="raise"):
        y = T.exp(x)
    w, c = theano.shared(np.arange(2.0), "w"), T.constant(np.arange(2.0))
    texts = {x: "x", w: "w", c: "TensorConstant{[0. 1.]}", y: "Elemwise{exp,no_inplace}.0", bare: "bare"}
    for v, text in texts.items():
        assert repr(v) == text
        with theano.config.change_flags(print_test_value=True):
            value = repr(np.exp([0.0, 1.0]) if v is y else np.array([0.0, 1.0]))
            assert repr(v) == (text if v is bare else text + "\n" + value) and str(v) == text


# ---------------------------------------------------------------- pp
X, II, JJ = T.dmatrix("x"), T.iscalar("i"), T.iscalar("j")


@pytest.mark.parametrize(
    "expression, text",
    [
        (X + 1, "(x + TensorConstant{1})"),
        (-X * X / X - X, "((((-x) * x) / x) - x)"),
        (X**2 // 3, "((x ** TensorConstant{2}) // TensorConstant{3})"),
        (X % 2, "mod(x, TensorConstant{2})"),
        (abs(X), "|x|"),
        (T.exp(X), "exp(x)"),
        (T.and_(II, JJ), "and_(i, j)"),
        (T.zeros_like(X), "fill(x, TensorConstant{0.0})"),
        (T.dot(X, X.T), "(x \\dot x.T)"),
        (X.sum(), "Sum{acc_dtype=float64}(x)"),
        (X.dimshuffle(0, "x", 1), "DimShuffle{0, x, 1}(x)"),
        (X.dimshuffle("x", 0, 1), "x"),
        (X[II], "x[ScalarFromTensor(i)]"),
        (X[1:, 0], "x[int64:, Constant{0}]"),
        (X[:, ::-1], "x[:, ::int64]"),
        (X.copy(), "x"),
        (T.cast(X, "int8"), "int8(x)"),
        (T.alloc(0.0, 3), "alloc(TensorConstant{0.0}, TensorConstant{3})"),
        (T.stack([II, JJ]), "[i, j]"),
        (T.concatenate([X, X]), "join(TensorConstant{0}, x, x)"),
        (T.inplace.exp_inplace(X), "exp=(x)"),
        (T.inplace.mul_inplace(X, X), "(x *= x)"),
        (T.inplace.second_inplace(X, X), "fill=(x, x)"),
        (T.dscalar("alpha") * 2, "(\\alpha * TensorConstant{2})"),
    ],
)
def test_pp(expression, text):
    assert pp(expression) == text


def test_pp_of_scalars():
    a, b = theano.scalar.float64("a"), theano.scalar.float64("b")
    assert pp(theano.scalar.mod(a + b, b)) == "((a + b) % b)"


def test_pp_of_a_deep_graph():
    y = x = T.dscalar("x")
    for _ in range(2000):
        y = y + x
    assert pp(y).startswith("(" * 2000 + "x + x)")


def test_pp_assign():
    x = T.dvector("x")
    own = pprint.clone()
    own.assign(T.add, PatternPrinter(("[%(0)s & %(1)s]", -1000, -1000)))
    assert own(x + 1) == "[x & TensorConstant{1}]" and pp(x + 1) == "(x + TensorConstant{1})"
    assert own.clone_assign(type(T.add), FunctionPrinter("f"))(T.exp(x)) == "exp(x)"  # an Op goes before its class
    assert pprint.clone_assign(type(T.max_and_argmax(x)[0].owner.op), FunctionPrinter("f", "g"))(T.max(x)) == "f(x)"
    assert pprint.clone_assign(lambda pstate, r: r.name == "x", LeafPrinter())(T.sum(x)) == "Sum{acc_dtype=float64}(x)"
    own.assign(T.exp, IgnorePrinter())
    assert own(T.exp(x), {"precedence": 1}) == "x"
    empty = PPrinter()
    assert empty(x) is None
    with pytest.raises(TypeError, match="Not enough arguments"):
        pp(x, x)


def test_pp_precedence_is_passed_on():
    seen = []

    class Spy(LeafPrinter):
        def process(self, output, pstate):
            seen.append(pstate.precedence)
            return super().process(output, pstate)

    x, y = T.dvector("x"), T.dvector("y")
    own = PPrinter()
    own.assign(lambda pstate, r: True, Spy())
    own.assign(T.sub, OperatorPrinter("-", -2, "left"))
    own(x - y)
    assert seen == [-2, -2 + 1e-6]


def test_pp_of_a_whole_graph():
    x, w = T.dvector("x"), theano.shared(1.0, name="w")
    h = T.tanh(x * w)
    h.name = "h"
    out = h.sum()
    assert pp([x], [out], {}) == "h = tanh((x * DimShuffle{x}(w)))\nreturn Sum{acc_dtype=float64}(h)".replace(
        "DimShuffle{x}(w)", "w"
    )
    text = pprint.process_graph([x], [out, h * 2], {w: w + 1}, display_inputs=True)
    assert text.splitlines() == [
        "inputs: x, w",
        "h = tanh((x * w))",
        "w <- (w + TensorConstant{1})",
        "out[0] = Sum{acc_dtype=float64}(h)",
        "out[1] = (h * TensorConstant{2})",
    ]


def test_printers_need_a_computed_variable():
    state = PrinterState(pprinter=pp)
    x = T.dvector("x")
    for printer, text in [
        (FunctionPrinter("f"), "function f"),
        (OperatorPrinter("+", 0), "operator +"),
        (PatternPrinter("%(0)s"), "Patterns"),
        (printing.DimShufflePrinter(), "DimShuffle"),
        (printing.SubtensorPrinter(), "Subtensor"),
        (printing.MakeVectorPrinter(), "MakeVector"),
    ]:
        with pytest.raises(
            TypeError, match=r"%s.* cannot represent a variable that is not the result" % text.replace("+", r"\+")
        ):
            printer.process(x, state)
    with pytest.raises(AssertionError, match="assoc must be one of"):
        OperatorPrinter("+", 0, "middle")
    assert PrinterState({"a": 1}, b=2).a == 1 and PrinterState(PrinterState(b=2)).b == 2


# ---------------------------------------------------------------- short texts
def test_min_informative_str(named):
    assert min_informative_str(named[1]) == "\n".join(
        ["A. Elemwise{add,no_inplace}", " B. C", " C. Elemwise{add,no_inplace}", "  D. D", "  E. E"]
    )
    x = T.dvector("x")
    assert min_informative_str(T.exp(x) * T.exp(x)).count("x") > 2
    y = T.exp(x)
    assert min_informative_str(y * y, indent_level=1).splitlines()[-1] == "  <B>"
    assert min_informative_str(np.ones(2)) == "A. <ndarray>"


def test_var_descriptor():
    x = T.dscalar("x")
    assert var_descriptor(T.exp(x) + x) == "A=Elemwise{add,no_inplace}(B=Elemwise{exp,no_inplace}(C=x),<C>)"
    digest = "b0c45303f7f11848cb5e6e5b2af2fb2aecd0b72c28748b88b583ab6bb76df174"
    assert var_descriptor(np.arange(3.0)) == "A=<ndarray:strides=[8],digest=%s>" % digest
    assert printing.hex_digest(np.arange(3.0)) == digest + "|strides=[8]|shape=[3]"
    assert printing.position_independent_str(x) == "theano_var{type=TensorType(float64, scalar)}"
    with pytest.raises(NotImplementedError):
        printing.position_independent_str(3)
    with pytest.raises(AssertionError):
        printing.hex_digest([3])


def test_tags():
    assert [printing.char_from_number(n) for n in (0, 25, 26, 27, 26**2)] == ["A", "Z", "BA", "BB", "BAA"]
    generator = printing._TagGenerator()
    assert [generator.get_tag(), generator.get_tag()] == ["A", "B"]


def test_trace_string():
    x = T.dvector("x")
    text = printing.get_variable_trace_string(x)
    assert text.startswith(" \nBacktrace when that variable is created:\n\n") and 'T.dvector("x")' in text
    x.tag.trace = []
    assert printing.get_variable_trace_string(x) == ""


# ---------------------------------------------------------------- Print
@pytest.mark.parametrize("mode", ["FAST_COMPILE", "FAST_RUN"])
def test_Print(mode, capsys):
    x = T.dvector("x")
    f = theano.function([x], Print("hello", attrs=["min", "shape"])(x) * 2, mode=mode)
    np.testing.assert_array_equal(f([1.0, 2.0]), [2.0, 4.0])
    assert capsys.readouterr().out == "hello min = 1.0\nhello shape = (2,)\n"
    f([3.0])
    assert capsys.readouterr().out == "hello min = 3.0\nhello shape = (1,)\n"


def test_Print_default_and_own_function(capsys):
    x = T.dvector("x")
    theano.function([x], Print("m")(x))([1.0, 2.0])
    assert capsys.readouterr().out == "m __str__ = [1. 2.]\n"
    seen = []
    op = Print("m", global_fn=lambda op, value: seen.append((op.message, value.tolist())))
    theano.function([x], op(x))([1.0])
    assert seen == [("m", [1.0])]


def test_Print_in_a_scan(capsys):
    x = T.dvector("x")
    y, _ = theano.scan(lambda v: Print("v")(v) * 2, x)
    theano.function([x], y)([1.0, 2.0])
    assert capsys.readouterr().out == "v __str__ = 1.0\nv __str__ = 2.0\n"


LOG = []
pk, pl, pi, pv, pm = T.iscalar("k"), T.lscalar("l"), T.lvector("i"), T.dvector("v"), T.dmatrix("m")


def _note(op, value):
    LOG.append("%s=%s" % (op.message, np.asarray(value).tolist()))


def said(name, value):
    return Print(name, global_fn=_note)(value)


@as_op([T.lscalar], [T.lscalar])
def _with_effect(value):
    LOG.append("effect=%d" % value)
    return value


@pytest.mark.parametrize("mode", ["FAST_COMPILE", "FAST_RUN"])
@pytest.mark.parametrize(
    "inputs, out, args, expected",
    [
        ([pm], said("shape", pm.shape)[0] * 2 + pm.sum(), [np.ones((2, 3))], ["shape=[2, 3]"]),
        ([pm], said("length", pm.shape[0]) * 2 + pm.sum(), [np.ones((2, 3))], ["length=2"]),
        ([pm], said("size", pm.size) * 2.0, [np.ones((2, 3))], ["size=6"]),
        ([pm], said("a", pm.shape[0]) + said("b", pm.shape[0]), [np.ones((2, 3))], ["a=2", "b=2"]),
        ([pm], T.arange(said("n", pm.shape[0])), [np.ones((2, 3))], ["n=2"]),
        ([pm], pm[: said("n", pm.shape[0] - 1)], [np.ones((2, 3))], ["n=1"]),
        ([pv], said("ones", T.ones_like(pv)).sum(), [np.ones(2)], ["ones=[1.0, 1.0]"]),
        ([pv], said("v", pv).shape[0], [np.ones(2)], ["v=[1.0, 1.0]"]),
        ([pk], said("k", pk) + T.arange(said("n", pk)).sum(), [3], ["k=3", "n=3"]),
        ([pv, pk], pv[said("a", pk) : said("b", pk + 1)], [np.ones(3), 1], ["a=1", "b=2"]),
        ([pv, pk], T.tile(pv, (said("k", pk),), ndim=1), [np.ones(3), 2], ["k=2"]),
        ([pv, pk], T.repeat(pv, said("k", pk)), [np.ones(3), 2], ["k=2"]),
        ([pk], T.eye(said("k", pk)), [2], ["k=2"]),
        (
            [pk],
            theano.scan(lambda p: p + 1, outputs_info=T.constant(np.float64(0)), n_steps=said("n", pk))[0][-1],
            [3],
            ["n=3"],
        ),
        ([pk, pv], ifelse(said("c", pk), said("a", pv), said("b", pv * 2)), [1, np.ones(1)], ["a=[1.0]", "c=1"]),
        ([pm], T.arange(_with_effect(pm.shape[0])), [np.ones((2, 3))], ["effect=2"]),
        ([pl], T.arange(_with_effect(pl)).sum() + _with_effect(pl), [3], ["effect=3"]),
        ([pk], T.arange(assert_op(said("k", pk), T.gt(said("z", pk), 0))), [3], ["k=3", "z=3"]),
    ],
)
def test_each_Print_prints_once_at_each_call(inputs, out, args, expected, mode):
    f = theano.function(inputs, out, mode=mode)
    for _ in range(3):
        del LOG[:]
        f(*args)
        assert sorted(LOG) == expected


class Noted(Op):
    """An Op of the user that has an effect, and a compute."""

    __props__ = ()
    side_effect = True

    def make_node(self, value):
        return Apply(self, [value], [value.type()])

    def compute(self, xp, node, value):
        LOG.append("computed by %s" % xp.name)
        return value * 2


def test_an_op_with_an_effect_and_a_compute_runs_on_the_host_at_each_call():
    f = theano.function([pm], Noted()(pm.shape[0]) + pm.sum())
    for _ in range(3):
        del LOG[:]
        assert f(np.ones((2, 3))) == 10 and LOG == ["computed by host"]


@pytest.mark.parametrize("mode", ["FAST_COMPILE", "FAST_RUN"])
@pytest.mark.parametrize(
    "inputs, out, args, error",
    [
        ([pv, pi], said("result", said("v", pv * 2)[pi] * 2), [np.ones(2), [5]], IndexError),
        ([pv], said("result", assert_op(said("v", pv * 2), T.gt(pv.sum(), 100))), [np.ones(2)], AssertionError),
    ],
)
def test_a_call_that_fails_prints_once_and_nothing_that_was_not_computed(inputs, out, args, error, mode):
    f = theano.function(inputs, out, mode=mode)
    for _ in range(2):
        del LOG[:]
        with pytest.raises(error, match="Apply node that caused the error"):
            f(*args)
        assert LOG == ["v=[2.0, 2.0]"]


def test_an_Assert_of_a_known_value_fails_at_each_call():
    f = theano.function([pm], assert_op(pm.sum(), T.gt(pm.shape[0], 2)))
    for _ in range(3):
        with pytest.raises(AssertionError, match="Theano Assert failed!"):
            f(np.ones((2, 3)))
    assert f(np.ones((3, 3))) == 9


def test_a_breakpoint_stops_at_each_call(monkeypatch):
    stops = []
    monkeypatch.setattr("pdb.set_trace", lambda: stops.append(1))
    stopping = PdbBreakpoint("b")(T.gt(pm.shape[0], 1), pm.shape[0])
    f = theano.function([pm], T.arange(stopping) + pm.sum())
    for calls in (1, 2, 3):
        assert len(f(np.ones((2, 3)))) == 2 and len(stops) == calls


def test_Print_derivatives_and_identity():
    x = T.dvector("x")
    g = T.grad(Print("x")(x).sum(), x)
    assert "Print" not in str(theano.function([x], g).maker.fgraph.toposort()) or g.type == x.type
    u = T.dvector("u")
    assert T.Rop(Print("x")(x), x, u) is u
    assert Print("a", ["min"]) == Print("a", ("min",)) != Print("b", ("min",))
    assert str(Print("hi")).startswith("Print{message='hi', attrs=('__str__',), global_fn=<function")
    op = pickle.loads(pickle.dumps(Print("a")))
    assert op == Print("a")
    old = Print.__new__(Print)
    old.__setstate__({"message": "a", "attrs": ("__str__",)})
    assert old == Print("a")
    assert Print()(generic("g")).type == generic


# ---------------------------------------------------------------- pydotprint
needs_graphviz = pytest.mark.skipif(not printing.pydot_imported, reason=printing.pydot_imported_msg or "no graphviz")


def drawing(obj, **options):
    return pydotprint(obj, return_image=True, format="dot", **options).decode().replace("\n", " ")


@needs_graphviz
def test_pydotprint_labels_and_colours():
    x, i = T.dvector("x"), T.lscalar("i")
    w = theano.shared(np.ones(3), name="w")
    text = drawing((x * w)[i].sum())
    for part in [
        'label="name=x TensorType(float64, vector)"',
        "fillcolor=green",
        "fillcolor=cyan",
        "fillcolor=blue",
        'label="Elemwise{mul,no_inplace}"',
        'fillcolor="#FFAABB"',
        'fillcolor="#FFAAFF"',
        "color=blue",
        'label="0 TensorType(float64, vector)"',
    ]:
        assert part in text, part
    simple = drawing(x * w, var_with_name_simple=True, with_ids=True, high_contrast=False)
    assert "label=x" in simple and "id=0" in simple and "fillcolor" not in simple and "color=green" in simple
    assert "val=2 TensorType(int8, scalar)" in drawing(x * 2)
    assert drawing(T.exp(T.exp(x)), compact=False).count("shape=box") == 3


@needs_graphviz
def test_pydotprint_of_names_with_control_characters():
    x = T.dvector("a\0b\x1bc")
    named = T.exp(x)
    named.name = "\0"
    for obj in (named, theano.function([x], named * 2)):
        assert r"name=a\\x00b\\x1bc TensorType" in drawing(obj)


@needs_graphviz
def test_pydotprint_long_names_stay_apart():
    x = T.dvector()
    text = drawing([x * 2, x + x, T.exp(x) * 2], max_label_size=5)
    assert text.count("shape=ellipse") == 6 and "El..." in text


@needs_graphviz
def test_pydotprint_functions(tmp_path, capsys):
    x = T.dvector("x")
    w = theano.shared(np.ones(2), name="w")
    f = theano.function([x], (x * w).sum(), updates=[(w, w + x)])
    assert "label=UPDATE" in drawing(f)
    path = str(tmp_path / "graph")
    pydotprint(f, path)
    assert capsys.readouterr().out == "The output file is available at %s.png\n" % path
    with open(path + ".png", "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"
    pydotprint(T.exp(x).owner, path + ".svg", format="svg", print_output_file=False)
    assert os.path.getsize(path + ".svg") > 100 and capsys.readouterr().out == ""
    with pytest.raises(AssertionError, match="cannot draw"):
        pydotprint(3)


@needs_graphviz
def test_pydotprint_scan_graphs(tmp_path):
    x = T.dvector("x")
    y, _ = theano.scan(lambda v: T.exp(v) * 2, x)
    pydotprint(y, str(tmp_path / "g.svg"), format="svg", scan_graphs=True, print_output_file=False)
    assert sorted(os.listdir(tmp_path))[0] == "g.svg" and len(os.listdir(tmp_path)) == 2


@needs_graphviz
def test_pydotprint_cond_highlight(caplog):
    from theanojax.ifelse import IfElse

    x, y = T.dvector("x"), T.dvector("y")
    shared = T.exp(x)
    out = IfElse(1, name="choice")(T.lscalar("c"), shared + x, T.sin(shared))
    text = drawing(out, cond_highlight="choice")
    for name in ("Left", "Right", "Middle"):
        assert "subgraph cluster_%s" % name in text
    assert drawing(x + y, cond_highlight="choice")
    assert "cond_highlight is set but there is no IfElse node in the graph" in caplog.text


def test_pydotprint_without_graphviz(monkeypatch):
    monkeypatch.setattr(printing_dot, "pydot_status", lambda: (False, "none here"))
    with pytest.raises(RuntimeError, match="Failed to import pydot") as error:
        pydotprint(T.dvector() * 2)
    assert error.value.args[1] == "none here"
    assert printing.pydot_imported is False and printing.pydot_imported_msg == "none here"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        printing.nothing


def test_repr_of_what_has_a_short_text():
    """As in Theano, it is that of any object."""
    for thing, name in [
        (T.add, "tensor.elemwise.Elemwise"),
        (theano.gof.generic, "gof.type.Generic"),
        (T.type_other.none_type_t, "tensor.type_other.NoneTypeT"),
    ]:
        assert repr(thing).startswith("<theano.%s object at 0x" % name)
    assert str(theano.gof.Query(["a"])).startswith("Query{inc=OrderedSet(['a']),ex=OrderedSet(),require=OrderedSet(),")
