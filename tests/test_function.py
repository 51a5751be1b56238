"""theano.function: arguments, results, updates, givens, errors, and the Function object."""

import copy
import re
import sys
from collections import OrderedDict

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano import In, Out, function, scalar, shared
from theano.compile import UnusedInputError, convert_function_input
from theano.gof import Apply, COp, MissingInputError, Op, PatternSub
from theano.gof.opt import in2out

x, y = T.dscalars("x", "y")
v = T.dvector("v")
m = T.dmatrix("m")


# ---------------------------------------------------------------- results
def test_form_of_outputs_is_form_of_result():
    one = function([x], x * 2)(1)
    assert isinstance(one, np.ndarray) and one.shape == () and one == 2
    assert function([x], [x * 2])(1) == [2]
    assert function([x], (x, x + 1))(1) == [1, 2]
    assert function([x], {"b": x + 1, "a": x})(1) == {"a": 1, "b": 2}
    assert function([x], [], on_unused_input="ignore")(1) == []
    assert function([x], None, on_unused_input="ignore")(1) == []


def test_results_never_share_memory_with_arguments_or_shared_variables():
    a = np.ones(3)
    same = function([v], v)(a)
    two = function([v], [v, v])(a)
    two[0][0] = same[0] = 5
    s = shared(np.ones(2))
    held = function([], s)()
    held[0] = 7
    constant = function([], T.constant(np.ones(2)))
    constant()[0] = 5
    square = np.ones((2, 2))
    function([m], m.T)(square)[0, 0] = 3
    assert a.tolist() == [1, 1, 1] and two[1].tolist() == [1, 1, 1]
    assert s.get_value().tolist() == [1, 1] and constant().tolist() == [1, 1] and square[0, 0] == 1


def names(f):
    return [str(n.op) for n in f.maker.fgraph.toposort()]


def test_arguments_that_may_be_overwritten():
    a = np.arange(3.0)
    assert function([In(v, mutable=True)], v * 2, mode="FAST_RUN")(a) is a and a.tolist() == [0, 2, 4]
    total, tripled = function([In(v, mutable=True)], [(v * 2).sum(), v * 3], mode="FAST_RUN")(a)
    assert total == 12 and tripled is a and a.tolist() == [0, 6, 12]
    part = function([In(v, mutable=True)], T.set_subtensor(v[1:], 1), mode="FAST_RUN")
    assert part(a) is a and a.tolist() == [0, 1, 1]
    a.flags.writeable = False
    assert part(a + 0).tolist() == [0, 1, 1] and part(a) is not a


def test_only_arguments_that_ops_overwrite_are_overwritten():
    a = np.arange(3.0)
    function([In(v, mutable=True)], v.sum(), mode="FAST_RUN")(a)
    function([v], v * 2, mode="FAST_RUN")(a)
    function([In(v, mutable=True)], v * 2, mode="FAST_COMPILE")(a)
    checked = function([In(v, mutable=True), x], T.opt.Assert("positive")(v * 2, x > 0), mode="FAST_RUN")
    with pytest.raises(AssertionError, match="positive"):
        checked(a, -1)
    assert a.tolist() == [0, 1, 2]


def test_of_arguments_that_are_one_array_the_first_is_overwritten():
    a, w = np.arange(3.0), T.dvector()
    one, two = function([In(v, mutable=True), In(w, mutable=True)], [v * 2 + w * w, w * 3], mode="FAST_RUN")(a, a)
    assert one is a and a.tolist() == [0, 3, 8] and two.tolist() == [0, 3, 6]


def test_borrowed_constant_is_lent():
    for mode in ("FAST_RUN", "FAST_COMPILE"):
        f = function([], Out(T.constant(np.ones(2)), borrow=True), mode=mode)
        assert f() is f()


def test_copies_in_the_graph():
    s = shared(np.ones(2))
    assert names(function([v], v)) == ["DeepCopyOp"]
    assert names(function([v], Out(v, borrow=True))) == ["DeepCopyOp"]
    assert names(function([In(v, borrow=True)], Out(v, borrow=True))) == ["ViewOp"]
    assert names(function([], s)) == ["DeepCopyOp"]
    assert "DeepCopyOp" not in names(function([], s, updates=[(s, s + 1)]))


def test_output_subset():
    s = shared(0.0)
    f = function([x], [x, x + 1, x + 2], updates=[(s, s + 1)])
    assert f(1, output_subset=[0, 2]) == [1, 3]
    assert f(1, output_subset=[1]) == [2]
    assert f(1, output_subset=[]) == []
    assert s.get_value() == 3
    g = function([x], {"a": x, "b": x + 1, "c": x * 3})
    assert g(1, output_subset=["c", "a"]) == {"c": 3, "a": 1}


# ---------------------------------------------------------------- arguments
def test_default_comes_back_after_each_call():
    f = function([x, In(y, value=3.0)], x + y)
    assert [f(1), f(1, 5), f(1, y=7), f(1), f["y"]] == [4, 6, 8, 4, 3]
    f["y"] = 10.0
    assert [f[y], f(1), f(1), f[1]] == [10, 11, 4, 3]


def test_input_with_update_is_state():
    f = function([x, In(y, value=3.0, update=x + y, name="s")], x + y)
    assert [f(1), f(1), f["s"]] == [4, 5, 5]
    f["s"] = 100.0
    assert [f(1), f.container["s"].value, f.value["s"], f(1, 5.0), f["s"]] == [101, 101, 101, 6, 6]


def test_tuples_as_inputs():
    f = function([("q", x), ("s", (y, y + x), 10.0)], y)
    assert [f(q=1), f(1), f["s"]] == [10, 11, 12]
    with pytest.raises(NotImplementedError, match="tuple inputs trigger the old semantics"):
        function([("a", x)], x, updates=[(shared(1.0), 2.0)])


@pytest.mark.parametrize(
    "spec, text, name, value",
    [
        (x, "In(x)", "x", None),
        (("n", x), "In(x)", "n", None),
        ((x, 3.0), "In(x)", "x", 3.0),
        (((x, x + 1), 3.0), "In(x -> Elemwise{add,no_inplace}.0)", "x", 3.0),
        (("n", (x, x + 1), 3.0), "In(x -> Elemwise{add,no_inplace}.0)", "n", 3.0),
        (("n", In(x), 4.0), "In(x)", "n", 4.0),
    ],
)
def test_convert_function_input(spec, text, name, value):
    i = convert_function_input(spec)
    assert (str(i), i.name, i.value) == (text, name, value)


@pytest.mark.parametrize(
    "spec, message",
    [
        (T.constant(1.0), "A Constant instance is not a legal function input"),
        ([], "Nonsensical input specification"),
        (3, "Unknown input type: <class 'int'>, expected Variable instance"),
        ((x, y), "should not be a Variable or SymbolicInput"),
        (("n", x, 1, 2), "Invalid input syntax"),
        ((3, 4), "The input specification is not valid"),
    ],
)
def test_convert_function_input_refuses(spec, message):
    with pytest.raises(TypeError, match=message):
        convert_function_input(spec)


def test_values_are_converted_when_that_is_exact():
    fv, iv, fs = T.fvector("fv"), T.ivector("iv"), T.fscalar("fs")
    assert function([fv], fv)([1, 2]).dtype == "float32"
    assert function([iv], iv)([1, 2]).dtype == "int32"
    assert function([fs], fs)(1).dtype == "float32"
    assert function([fv], fv, allow_input_downcast=True)(np.zeros(2)).dtype == "float32"
    assert function([In(fv, allow_downcast=True)], fv)([0.1]).dtype == "float32"


@pytest.mark.parametrize(
    "make, value, message",
    [
        (
            lambda: T.fvector("a"),
            np.zeros(2),
            "cannot store a value of dtype float64 without risking loss of precision",
        ),
        (lambda: T.fvector("a"), [0.1], "cannot store accurately value"),
        (lambda: T.ivector("a"), [1.5], "cannot store accurately value"),
        (lambda: T.fscalar("a"), 2**30 + 1, "cannot store accurately value 1073741825"),
        (lambda: T.bscalar("a"), 200, "cannot store accurately value 200"),
        (lambda: T.dvector("a"), np.zeros((2, 2)), "Wrong number of dimensions: expected 1, got 2 with shape"),
        (lambda: T.drow("a"), np.zeros((2, 2)), "Non-unit value on shape on a broadcastable dimension"),
        (lambda: T.dvector("a"), x, "found a Variable"),
    ],
)
def test_bad_argument(make, value, message):
    a = make()
    f = function([a], a, name="my_function")
    with pytest.raises(TypeError) as e:
        f(value)
    text = " ".join(map(str, e.value.args))
    assert 'to theano function with name "my_function" at index 0 (0-based).' in text
    assert message in text


def test_function_is_named_after_the_place_where_it_was_made():
    f = function([v], v)
    assert f.name.rpartition(":")[0].endswith("test_function.py")
    assert f.maker.fgraph.name == f.name


@pytest.mark.parametrize(
    "make, args, kwargs, message",
    [
        (lambda: function([x, y], x + y), (1,), {}, "^Missing required input: y$"),
        (lambda: function([x], x), (1, 2), {}, "^Too many parameter passed to theano function$"),
        (lambda: function([x], x), (), {"z": 1}, r"Unknown input or state: z\. The function has 1 named input \(x\)\."),
        (lambda: function([x, In(y, value=1.0)], x + y), (1,), {"x": 3}, "^Multiple values for input: x$"),
        (
            lambda: function([T.dscalar()], T.constant(1.0), on_unused_input="ignore"),
            (),
            {"z": 1},
            "The function has a single input variable which has no name",
        ),
        (
            lambda: function([T.dscalar("a"), T.dscalar("a")], T.constant(1.0), on_unused_input="ignore"),
            (1,),
            {"a": 1},
            "Ambiguous name: a",
        ),
        (
            lambda: function([x, In(y, value=shared(3.0).container)], x + y),
            (1, 2),
            {},
            "Tried to provide value for implicit input: y",
        ),
    ],
)
def test_wrong_calls(make, args, kwargs, message):
    with pytest.raises(TypeError, match=message):
        make()(*args, **kwargs)


def test_implicit_input_keeps_its_value_when_a_call_is_refused():
    s = shared(3.0)
    f = function([x, In(y, value=s.container)], x + y)
    with pytest.raises(TypeError):
        f(1, 2)
    assert s.get_value() == 3 and f(1) == 4


def test_look_up():
    f = function([x], x)
    assert "x" in f and x in f and 0 in f and y not in f and "x" in f.value and "x" in f.container
    with pytest.raises(TypeError, match="Unknown input or state: zz"):
        f["zz"]


@pytest.mark.parametrize("more", [[], [In(y, value=1.0)]])
def test_trust_input(more):
    f = function([v, x, *more], v * x + (y if more else 1))
    f.trust_input = True
    assert f(np.ones(2), np.array(2.0)).tolist() == [3, 3]
    for args in (([1.0, 1.0], np.array(2.0)), (np.ones(2), 2)):
        with pytest.raises(ValueError, match="expected an ndarray"):
            f(*args)
    assert f(np.ones(2), np.array(2.0)).tolist() == [3, 3] and not f.fn.executor.fallbacks


# ---------------------------------------------------------------- updates
def test_updates_read_old_values():
    a, b = shared(1.0), shared(2.0)
    f = function([], [a, b], updates=OrderedDict([(a, b), (b, a + b)]))
    assert f() == [1, 2] and f() == [2, 3] and (a.get_value(), b.get_value()) == (3, 5)


def test_updates_may_be_numbers_and_arrays():
    a, b = shared(1.0), shared(np.zeros(3))
    function([], updates={a: 3, b: np.ones(3)})()
    assert a.get_value() == 3 and b.get_value().tolist() == [1, 1, 1]


def test_failed_call_changes_nothing():
    s, t = shared(np.zeros(2)), shared(0.0)
    f = function([v], v + s, updates=[(t, t + 1), (s, s + v)])
    with pytest.raises(ValueError, match="Apply node that caused the error"):
        f(np.ones(3))
    assert t.get_value() == 0 and s.get_value().tolist() == [0, 0]


def test_default_updates():
    s = shared(1.0)
    s.default_update = s + 1
    assert function([], s * 2)() == 2
    assert function([], s * 2, no_default_updates=True)() == 4
    assert function([], s, no_default_updates=[s])() == 2
    assert function([], s, updates=[(s, s + 10)])() == 2
    assert s.get_value() == 12


def test_default_update_of_a_variable_that_another_update_needs():
    s, t = shared(1.0), shared(2.0)
    s.default_update = s + t
    t.default_update = t + 1
    f = function([], s)
    assert [f(), f(), s.get_value(), t.get_value()] == [1, 3, 6, 4]


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda s: [(s, s + 1), (s, s + 2)], ValueError, "this shared variable already has an update expression"),
        (lambda s: [(x, x + 1)], TypeError, "update target must be a SharedVariable"),
        (lambda s: [s, s + 1], ValueError, "must be an OrderedDict/dict or a list of lists/tuples with 2 elements"),
        (lambda s: [(s, v)], TypeError, "An update must have the same type as the original shared variable"),
    ],
)
def test_bad_updates(make, error, message):
    with pytest.raises(error, match=message):
        function([x], x, updates=make(shared(1.0)))


# ---------------------------------------------------------------- givens
def test_givens():
    data, i = shared(np.arange(6.0).reshape(3, 2)), T.lscalar("i")
    f = function([i], m.sum(), givens={m: data[i : i + 1]})
    assert [f(0), f(1)] == [1, 5]
    assert function([i], m.sum(), givens=[(m, data[i : i + 2])])(1) == 14
    assert function([], x * 2, givens={x: np.float64(4)})() == 8


def test_givens_reach_into_updates():
    s = shared(1.0)
    function([y], updates=[(s, s + x)], givens={x: y * 2})(3)
    assert s.get_value() == 7


@pytest.mark.parametrize(
    "inputs, givens, error, message",
    [
        ([x], [(x, y)], RuntimeError, "You are trying to replace variable 'x' through the `givens` parameter"),
        ([y], {"a": y}, TypeError, "given keys must be Variable"),
        ([], [(y, x + 1), (x, T.constant(2.0))], AssertionError, "is not allowed"),
    ],
)
def test_bad_givens(inputs, givens, error, message):
    with pytest.raises(error, match=message):
        function(inputs, x * 2, givens=givens)


# ---------------------------------------------------------------- errors of compilation
@pytest.mark.parametrize(
    "args, error, message",
    [
        (([x], x + y), MissingInputError, "used to compute Elemwise{add,no_inplace}\\(x, y\\), was not provided"),
        (([], x), MissingInputError, "Undeclared input"),
        (
            ([x, y], x),
            UnusedInputError,
            "at index 1 is not part of the computational graph needed to compute the outputs",
        ),
        (([x, x], x), UnusedInputError, "Variable x is used twice in inputs to theano.function, at indices 0 and 1"),
        (([shared(1.0)], x), TypeError, "Cannot use a shared variable"),
        (([T.constant(1.0)], x), TypeError, "Constants not allowed in param list"),
        (([3], x), TypeError, "Unknown parameter type: <class 'int'>"),
        ((x, x), Exception, "should be contained in a list, even when there is a single input"),
        (
            ([x], [x, "a"]),
            TypeError,
            "Outputs must be theano Variable or Out instances. Received a of type <class 'str'>",
        ),
        (([x], {1: x}), AssertionError, "must be strings"),
    ],
)
def test_bad_specifications(args, error, message):
    with pytest.raises(error, match=message):
        function(*args)


def test_on_unused_input():
    with pytest.warns(UserWarning, match="on_unused_input='raise'") as said:
        function([x, y], x, on_unused_input="warn")
    assert said[0].filename == __file__
    assert function([x, y], x, on_unused_input="ignore")(1, 2) == 1
    with pytest.raises(ValueError, match="Invalid value for keyword on_unused_input"):
        function([x, y], x, on_unused_input="sometimes")
    with pytest.raises(TypeError, match="no_default_update should be either a boolean or a list"):
        function([], x, no_default_updates=(1,))


def test_specifications_of_inputs():
    assert [str(In(x)), str(In(x, update=x + 1)), str(Out(x))] == [
        "In(x)",
        "In(x -> Elemwise{add,no_inplace}.0)",
        "Out(x,False)",
    ]
    with pytest.raises(TypeError, match="The type of the update should be the same"):
        In(x, update=v)
    with pytest.raises(AssertionError, match="mutable=True, borrow=False"):
        In(x, mutable=True, borrow=False)
    with pytest.raises(TypeError, match="name must be a string"):
        In(x, name=3)
    with pytest.raises(TypeError, match="An implicit input must be given a default value"):
        In(x, implicit=True)


# ---------------------------------------------------------------- the Function object
def test_attributes():
    s = shared(1.0, name="s")
    f = function([x, In(y, value=1.0)], x + s + y, updates=[(s, s + 1)])
    maker = f.maker
    assert [str(i) for i in maker.inputs] == ["In(x)", "In(y)", "In(s -> Elemwise{add,no_inplace}.0)"]
    assert (maker.required, maker.refeed) == ([True, False, False], [False, True, False])
    assert (f.n_returned_outputs, f.unpack_single, f.return_none) == (1, True, False)
    assert f.get_shared() == [s] and maker.fgraph.update_mapping == {1: 2}
    assert (len(f.input_storage), len(f.output_storage)) == (3, 2)


def test_fn_runs_on_the_cells():
    s = shared(1.0)
    f = function([x], x * 2 + s, updates=[(s, s + 1)])
    f.input_storage[0].storage[0] = np.array(4.0)
    f.fn()
    assert f.output_storage[0].data == 9 and s.get_value() == 2


def test_copy():
    s, t = shared(1.0), shared(10.0)
    f = function([x], x + s, updates=[(s, s + 1)], name="f")
    g, h, k = f.copy(), f.copy(delete_updates=True), f.copy(swap={s: t}, name="k")
    assert (g.name, h.name, k.name) == ("f copy", "f copy", "k")
    assert [f(0), g(0), h(0), h(0), k(0), k(0)] == [1, [2], [3], [3], [10], [11]]
    assert (s.get_value(), t.get_value(), g[s], k[t]) == (3, 12, 3, 12)
    assert copy.copy(f)(1) == [4]
    assert g.maker.fgraph is not f.maker.fgraph
    with pytest.raises(ValueError, match="SharedVariable: w not found"):
        f.copy(swap={shared(2.0, name="w"): s})
    with pytest.raises(AssertionError, match="Type of given SharedVariable conflicts"):
        f.copy(swap={s: shared(np.ones(2))})


def test_eval():
    assert (x + y).eval({x: 1, y: 2}) == 3
    assert (shared(2.0) * 2).eval() == 4
    with pytest.raises(MissingInputError):
        (x + y).eval({x: 1})


def test_profile():
    f = function([x], x * 2, profile=True)
    f(1)
    f(2)
    assert f.profile.fct_callcount == 2 and f.profile.compile_time > 0 and f.profile.nb_nodes == 1
    assert function([x], x, profile="message").profile.message == "message"


def test_deep_graphs_need_no_recursion():
    z = x
    for _ in range(3000):
        z = z + 1
    mode = theano.Mode("py", None)
    assert function([x], z, mode=mode)(0) == 3000


# ---------------------------------------------------------------- Ops written in C
class InC(Op):
    __props__ = ()

    def make_node(self, value):
        return Apply(self, [value], [value.type()])

    def c_code(self, node, name, inputs, outputs, sub):
        return "%s = %s;" % (outputs[0], inputs[0])


class InCAndPython(InC):
    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0] * 2


class NewerC(InCAndPython):
    def c_code(self, node, name, inputs, outputs, sub):
        return ""


class InCAndCompute(InC):
    def compute(self, xp, node, value):
        return value * 2


class InFiles(COp):
    __props__ = ()
    make_node = InC.make_node

    def __init__(self):
        super().__init__(["c_code/scale.c"], "APPLY_SPECIFIC(scale)")


class ScalarInC(scalar.UnaryScalarOp):
    c_code = InC.c_code


class ScalarInCAndPython(ScalarInC):
    def impl(self, value):
        return value * 2


def elementwise(op):
    return T.Elemwise(op(scalar.upcast_out))


cx = T.dvector("cx")


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE", "DebugMode"])
@pytest.mark.parametrize(
    "make, name",
    [
        (lambda: InC()(cx), "InC"),
        (lambda: InFiles()(cx), "InFiles"),
        (lambda: elementwise(ScalarInC)(cx), "Elemwise{ScalarInC}"),
        (lambda: InC()(T.constant(np.ones(2))) + cx, "InC"),
        (lambda: theano.scan(lambda p: InC()(p), outputs_info=cx, n_steps=2)[0], "InC"),
        (lambda: theano.OpFromGraph([cx], [InC()(cx)])(cx * 2), "InC"),
    ],
)
def test_an_op_with_only_c_code_is_refused_while_the_function_is_made(make, name, mode):
    why = "there is no C++ compiler (config.cxx is empty): install one (g++ or clang++, or `pip install ziglang`)"
    text = r"^The Op %s has only C code, and %s, or give the Op a perform \(or compute\)\.\nApply node: %s\("
    with theano.change_flags(cxx=""):
        with pytest.raises(NotImplementedError, match=text % tuple(map(re.escape, (name, why, name)))):
            function([cx], make(), mode=mode)


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE"])
@pytest.mark.parametrize("op", [InCAndPython(), NewerC(), InCAndCompute(), elementwise(ScalarInCAndPython)])
def test_an_op_with_c_code_and_python(op, mode):
    np.testing.assert_array_equal(function([cx], op(cx), mode=mode)([1.0, 2.0]), [2.0, 4.0])


def test_an_op_with_only_c_code_may_be_replaced():
    swap = PatternSub((InC(), "value"), (InCAndPython(), "value"))
    mode = theano.Mode("py", in2out(swap, name="swap"))
    np.testing.assert_array_equal(function([cx], InC()(cx), mode=mode)([1.0]), [2.0])


def test_compiling_costs_calls_in_proportion_to_the_graph():
    def calls(layers):
        x, W = T.dmatrix("x"), T.dmatrix("W")
        h = x
        for _ in range(layers):
            h = T.tanh(T.dot(h, W)) * W
        cost, count = h.sum(), [0]

        def profile(frame, event, argument):
            count[0] += event == "call"

        sys.setprofile(profile)
        try:
            function([x, W], theano.grad(cost, W))
        finally:
            sys.setprofile(None)
        return count[0]

    calls(2)  # what only the first has to do
    few, many = calls(20), calls(80)
    assert many < 4.4 * few
