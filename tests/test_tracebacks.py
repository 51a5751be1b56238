"""What users see of an error: their own lines, and the message."""

import pickle
import sys
import traceback
import types

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from theanojax.errors import UnusedInputError
from theanojax.graph import tag
from theanojax.graph.op import Op
from theanojax.graph.tag import PACKAGE, format_stack, get_variable_trace_string
from theanojax.graph.variable import Apply


class Fails(Op):
    __props__ = ()

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        self.user_code()

    def user_code(self):
        try:
            {}["no such key"]
        except KeyError as error:
            raise ArithmeticError("mine") from error


def mismatch():
    x, y = T.dvectors("xy")
    theano.function([x, y], (x + y).sum())([1, 2], [1, 2, 3])


def bad_argument():
    theano.function([T.dvector()], [], on_unused_input="ignore")(1)


def bad_step():
    theano.scan(lambda a: a.no_such_method(), sequences=T.dvector())


def bad_cost():
    x = T.dvector()
    theano.grad(x, x)


def unused():
    theano.function([T.dvector("x")], T.dvector("y"))


def evaluated():
    x = T.dvector("x")
    (x + T.dvector("y")).eval({x: [1.0]})


def own_op():
    x = T.dvector("x")
    theano.function([x], Fails()(x))([1.0])


CASES = [
    (mismatch, ValueError, ["mismatch"]),
    (bad_argument, TypeError, ["bad_argument"]),
    (bad_step, AttributeError, ["bad_step", "<lambda>"]),
    (bad_cost, TypeError, ["bad_cost"]),
    (unused, UnusedInputError, ["unused"]),
    (evaluated, Exception, ["evaluated"]),
    (own_op, ArithmeticError, ["own_op", "perform", "user_code"]),
]


def frames(error):
    return [(f.filename.startswith(PACKAGE), f.name) for f in traceback.extract_tb(error.__traceback__)][1:]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("act, kind, names", CASES, ids=lambda x: getattr(x, "__name__", ""))
def test_our_frames_are_hidden_or_shown(act, kind, names):
    with pytest.raises(kind) as hidden:
        act()
    assert frames(hidden.value) == [(False, name) for name in names]
    with theano.change_flags(**{"traceback.show_internals": True}), pytest.raises(kind) as shown:
        act()
    assert [name for ours, name in frames(shown.value) if not ours] == names
    assert any(ours for ours, _ in frames(shown.value))
    assert type(hidden.value) is type(shown.value)
    assert str(hidden.value).split("Backtrace")[0] == str(shown.value).split("Backtrace")[0]


def test_causes_are_treated_alike_and_errors_pickle():
    with pytest.raises(ArithmeticError) as info:
        own_op()
    assert [f.name for f in traceback.extract_tb(info.value.__cause__.__traceback__)] == ["user_code"]
    with pytest.raises(UnusedInputError) as info:
        unused()
    again = pickle.loads(pickle.dumps(info.value))
    assert type(again) is UnusedInputError and str(again) == str(info.value)


def test_a_function_inside_an_op():
    """What is between two calls of ours is the user's, and stays."""
    x = T.dvector("x")
    inner = theano.function([x], Fails()(x))

    class Calls(Fails):
        def perform(self, node, inputs, output_storage):
            inner(inputs[0])

    with pytest.raises(ArithmeticError) as info:
        theano.function([x], Calls()(x))([1.0])
    assert [name for ours, name in frames(info.value)] == ["perform", "perform", "user_code"]


def test_what_is_handled_has_all_frames(caplog):
    """A rewrite that fails is reported with the place where it did."""

    @theano.gof.local_optimizer([T.tanh])
    def breaks(node):
        raise RuntimeError("broken")

    x = T.dvector()
    mode = theano.compile.get_default_mode().register((theano.gof.opt.in2out(breaks, name="breaks"), 1.5))
    with theano.change_flags(on_opt_error="warn"):
        theano.function([x], T.tanh(x), mode=mode)
    assert "in breaks" in caplog.text and "local.py" in caplog.text or "walk.py" in caplog.text


# ---------------------------------------------------------------- where variables were built
class Shell:
    """Of IPython's, what is asked."""

    class compile:
        @staticmethod
        def format_code_name(name):
            return ("Cell", "In[1]") if name == "/tmp/ipykernel_1/2.py" else None


@pytest.fixture
def notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=Shell))


def run_cell(source):
    """Runs `source` as IPython runs a cell, and gives its names."""
    names = {"T": T, "theano": theano, "np": np}
    ipython = {"exec": exec}
    exec(
        compile("def run_code(code, names):\n    exec(code, names)", "/site-packages/IPython/core/shell.py", "exec"),
        ipython,
    )
    ipython["run_code"](compile(source, "/tmp/ipykernel_1/2.py", "exec"), names)
    return names


def test_creation_stacks_name_cells(notebook):
    names = run_cell("\n\nx = T.dvector('x')\ndef make():\n    return x + 1\ny = make()")
    assert [row[:3] for row in names["y"].tag.trace[0]] == [
        ("/tmp/ipykernel_1/2.py", 6, "<module>"),
        ("/tmp/ipykernel_1/2.py", 5, "make"),
    ]
    assert get_variable_trace_string(names["x"]).endswith("created:\n\n  Cell In[1], line 3\n")
    assert format_stack(names["y"].tag.trace[0]) == "  Cell In[1], line 6\n  Cell In[1], line 5, in make\n"


def test_errors_name_cells(notebook):
    source = "x, y = T.dvectors('xy')\nz = x + y\nf = theano.function([x, y], z)"
    f = run_cell(source)["f"]
    with pytest.raises(ValueError, match=r"(?s)node is created.*\n  Cell In\[1\], line 2\n"):
        f([1.0], [1.0, 2.0])


def test_other_files_are_as_before(notebook):
    x = T.dvector("x")
    assert format_stack(x.tag.trace[0]) == "".join(traceback.format_list(list(x.tag.trace[0])))
    assert tag.format_stack([("a.py", 3, "f", "x = 1", "more")]) == '  File "a.py", line 3, in f\n    x = 1\n'


class Frozen(Exception):
    """Refuses attributes, as the exceptions do that are frozen dataclasses."""

    def __setattr__(self, name, value):
        raise AttributeError("cannot assign to field %r" % name)


class Raises(Op):
    __props__ = ("error",)

    def __init__(self, error):
        self.error = error

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        raise self.error


@pytest.mark.parametrize("error", [Frozen("mine"), ImportError("mine", name="module"), OSError(2, "mine")], ids=repr)
def test_errors_of_any_class_come_out_and_name_the_node(error):
    x = T.dvector("x")
    f = theano.function([x], Raises(error)(x))
    with pytest.raises(type(error)) as caught:
        f([1.0])
    assert caught.value is error
    text = "".join(traceback.format_exception(caught.value))
    assert "mine" in text and "Apply node that caused the error: Raises" in text
    frames = traceback.extract_tb(error.__traceback__)
    assert frames[-1].filename == __file__ and not any(f.filename.startswith(PACKAGE) for f in frames)


# ---------------------------------------------------------------- while expressions are built
class Picky(Op):
    __props__ = ()

    def make_node(self, x):
        x = T.as_tensor_variable(x)
        if x.ndim != 1:
            raise TypeError("one dimension")
        return Apply(self, [x], [x.type()])


x_, M_ = T.dvector("x"), T.dmatrix("M")
BUILDING = {
    "an operator": lambda: x_ + "text",
    "a comparison": lambda: x_ < "text",
    "a function": lambda: T.dot("text", x_),
    "a function of Elemwise": lambda: T.exp("text"),
    "a method": lambda: x_.sum(axis=4),
    "a method that calls a function": lambda: x_.clip("text", 2),
    "an index": lambda: x_[1, 2, 3],
    "a property and a method": lambda: M_.T.dimshuffle(3, 4),
    "a constant": lambda: T.as_tensor_variable("text"),
    "a type": lambda: T.vector("x", dtype="float33"),
    "two arguments": lambda: T.concatenate([x_, M_]),
    "an Op that overrides __call__": lambda: T.alloc(x_, "text"),
    "set_subtensor": lambda: T.set_subtensor(x_, 3),
    "nnet": lambda: T.nnet.softmax(T.dtensor4()),
    "nnet, loaded later": lambda: T.nnet.conv2d(x_, M_),
    "pooling": lambda: theano.tensor.signal.pool.pool_2d(x_, (2, 2)),
    "sparse": lambda: theano.sparse.dot(x_, 3),
    "an operator of sparse matrices": lambda: theano.sparse.csr_matrix("a") + "text",
    "linear algebra": lambda: T.nlinalg.svd(x_),
    "random numbers": lambda: T.shared_randomstreams.RandomStreams(3).normal(size="text"),
    "shared": lambda: theano.shared(x_),
    "clone": lambda: theano.clone(3),
    "map": lambda: theano.map(lambda row: row, 4),
    "ifelse": lambda: theano.ifelse.ifelse(x_, 1, "text"),
}


@pytest.mark.parametrize("name", BUILDING)
def test_expressions_that_cannot_be_built(name):
    import theanojax.sparse
    import theanojax.tensor.signal.pool  # noqa: F401

    with pytest.raises(Exception) as hidden:
        BUILDING[name]()
    assert frames(hidden.value) == [(False, "<lambda>")]
    assert not any(code.startswith(PACKAGE) for code in _files(hidden.value.__context__))
    with theano.change_flags(**{"traceback.show_internals": True}), pytest.raises(type(hidden.value)) as shown:
        BUILDING[name]()
    assert str(shown.value) == str(hidden.value)
    assert name.endswith(("an operator", "a comparison")) or any(ours for ours, _ in frames(shown.value))


def _files(error):
    return [] if error is None else [f.filename for f in traceback.extract_tb(error.__traceback__)]


def test_make_node_of_the_user_s_is_shown():
    with pytest.raises(TypeError, match="one dimension") as info:
        Picky()(M_)
    assert frames(info.value) == [(False, "test_make_node_of_the_user_s_is_shown"), (False, "make_node")][1:]


def test_functions_are_who_they_were():
    """The names of a package, of its modules and Theano's old ones are one function each, with its signature."""
    import inspect

    import theano as shim

    assert T.dot is theano.tensor.linalg.products.dot is shim.tensor.basic.dot
    assert T.nnet.relu is theano.tensor.nnet.activations.relu
    assert pickle.loads(pickle.dumps(T.dot)) is T.dot
    assert list(inspect.signature(T.tensordot).parameters) == ["a", "b", "axes"]
    assert list(inspect.signature(x_.sum).parameters)[0] == "axis" and x_.sum.__doc__ == type(x_).sum.__doc__


def test_warnings_name_the_line_of_the_user():
    with pytest.warns(UserWarning, match="flatten outdim") as found:
        T.flatten(M_, outdim=1), M_.flatten()
    assert found[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="stack") as found:
        T.stack(x_, x_)
    assert found[0].filename == __file__


def test_what_is_no_array_is_shown_among_the_values():
    path = theano.Variable(theano.gof.generic)
    f = theano.function([path], T.io.load(path, "int64", (False,)) * 2)
    with pytest.raises(FileNotFoundError) as info:
        f("no such file.npy")
    assert "\nInputs values: ['no such file.npy']\n" in info.value.__notes__[0]
