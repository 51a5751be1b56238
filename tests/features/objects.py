"""Ops of the host, printing, pickling, shared variables, inputs and outputs of functions, modes."""

import copy
import io
import pickle
import sys

import numpy as np

import theano
import theano.tensor as T
from tests.features.case import M, Times, X, m, n, program, raises, run, w, x, y
from theano.ifelse import ifelse


@program
def op_perform_only():
    return [(run(T.exp(Times(0.5)(x + 1)).sum(), (x, X)), np.exp((X + 1) / 2).sum())]


@program
def op_perform_only_grad():
    return [(run(T.grad(T.exp(Times(0.5)(x)).sum(), x), (x, X)), np.exp(X / 2) / 2)]


@program
def ifelse_lazy():
    f, found = theano.function([n, x, y], ifelse(n, Times(0.5)(x).sum(), y.sum())), []
    for taken in (0, 1):
        Times.runs = 0
        found += [(f(taken, X, X * 3), [30, 5][taken]), (Times.runs, taken)]
    return found


@program
def op_perform_only_in_scan():
    r, _ = theano.scan(lambda s: Times(0.5)(s) + 1, outputs_info=x, n_steps=2)
    return [(run(r, (x, X)), [X / 2 + 1, X / 4 + 1.5]), (run(T.grad(r[-1].sum(), x), (x, X)), np.full(4, 0.25))]


@program
def as_op_():
    @theano.compile.ops.as_op(itypes=[T.dvector], otypes=[T.dvector], infer_shape=lambda node, shapes: shapes)
    def turned(a):
        return a[::-1].copy()

    return [(run(turned(x) + T.exp(x * 0), (x, X)), X[::-1] + 1)]


@program
def print_op():
    out, sys.stdout = sys.stdout, io.StringIO()
    try:
        value = run(theano.printing.Print("seen", attrs=("shape",))(x) * 2, (x, X))
        text = sys.stdout.getvalue()
    finally:
        sys.stdout = out
    return [(value, X * 2), (text.split(), ["seen", "shape", "=", "(4,)"])]


@program
def compute_test_value():
    with theano.change_flags(compute_test_value="raise"):
        v = T.dvector("v")
        v.tag.test_value = X
        return [((T.exp(v) * 2).tag.test_value, np.exp(X) * 2)]


@program
def pickle_compiled_function():
    s = theano.shared(1.0, name="s")
    f = theano.function([x], x.sum() * s, updates=[(s, s + 1)])
    g = pickle.loads(pickle.dumps(f))
    return [(f(X), 10), (f(X), 20), (g(X), 10), (g(X), 20), (f(X), 30)]


@program
def pickle_graph_and_copy():
    s = theano.shared(1.0, name="s")
    f = theano.function([x], x.sum() * s, updates=[(s, s + 1)])
    e, v = pickle.loads(pickle.dumps((T.exp(x) + 1, X)))
    (leaf,) = theano.gof.graph.inputs([e])[:1]
    twin = copy.deepcopy(f)
    return [(run(e, (leaf, v)), np.exp(X) + 1), (f(X), 10), (twin(X), 10), (s.get_value(), 2)]


@program
def function_copy_swap():
    s, t = theano.shared(1.0), theano.shared(5.0)
    f = theano.function([x], x * s, updates=[(s, s + 1)])
    g = f.copy(swap={s: t})
    (copied,) = g(X)  # a copy always gives a list
    return [(f(X), X), (copied, X * 5), (s.get_value(), 2), (t.get_value(), 6)]


@program
def in_default_update_kwargs():
    s = theano.shared(0.0)
    f = theano.function(
        [theano.In(x, value=X, name="x"), theano.In(y, value=np.ones(4), name="y")], (x * y).sum(), updates=[(s, s + 1)]
    )
    return [(f(), 10), (f(y=X), 30), (f(X * 2), 20), (s.get_value(), 3)]


@program
def in_update_state():
    inc, state = T.dscalar("inc"), T.dscalar("state")
    f = theano.function([inc, theano.In(state, value=7.0, update=state + inc)], state)
    return [(f(2), 7), (f(1), 9), (f[state], 10)]


@program
def givens():
    s = theano.shared(X)
    return [(run(x.sum(), givens={x: s * 2}), 20)]


@program
def out_type_and_writable():
    v = run(x * 2, (x, X))
    v += 1
    return [(type(v) is np.ndarray, True), (v, X * 2 + 1)]


@program
def identity_output_aliasing():
    s, a = theano.shared(np.zeros(4)), X.copy()
    first, second = run([x, s], (x, a))
    first += 1
    second += 1
    return [(a, X), (s.get_value(), np.zeros(4))]


@program
def updates_donation():
    s = theano.shared(np.zeros(2))
    old = s.get_value(borrow=True)
    run([], updates=[(s, s + 1)])
    return [(old, [0, 0]), (s.get_value(), [1, 1]), (type(s.get_value()) is np.ndarray, True)]


@program
def get_value_type_after_update():
    s = theano.shared(np.zeros(2))
    run([], updates=[(s, s + 1)])
    value = s.get_value()
    value += 5
    borrowed = s.get_value(borrow=True)
    return [(type(value) is np.ndarray and type(borrowed) is np.ndarray, True), (s.get_value(), [1, 1])]


@program
def shared_set_value_inplace_mutation_visible():
    value = np.zeros(2)
    s = theano.shared(np.ones(2))
    f = theano.function([], s * 2)
    s.set_value(value, borrow=True)
    first = f()
    value[:] = 3
    second = f()
    s.get_value(borrow=True)[:] = 4
    return [(first, [0, 0]), (second, [6, 6]), (f(), [8, 8])]


@program
def shared_changes_shape():
    s = theano.shared(np.zeros(2))
    f = theano.function([], s.sum(), updates=[(s, T.concatenate([s, [1.0]]))])
    found = [(f(), 0), (f(), 1), (s.get_value(), [0, 0, 1, 1])]
    s.set_value(np.ones(5))
    return [*found, (f(), 5)]


@program
def typed_list():
    from theano.typed_list import TypedListType, append, length

    items = TypedListType(T.dvector)()
    return list(zip(run([items[1], length(append(items, x))], (items, [X, X[:2]]), (x, X)), [X[:2], 3]))


@program
def debug_mode():
    return [(run(T.exp(x).sum(), (x, X), mode="DebugMode"), np.exp(X).sum())]


@program
def monitor_mode_py_callback():
    seen = []
    mode = theano.compile.MonitorMode(post_func=lambda i, node, fn: seen.append(node))
    value = run(T.exp(x).sum(), (x, X), mode=mode)
    return [(value, np.exp(X).sum()), (len(seen) > 0, True)]


@program
def profile_true():
    f = theano.function([m, w], T.tanh(T.dot(m, w)).sum(), profile=True)
    f(M, M.T)
    out = io.StringIO()
    f.profile.summary(file=out)
    return [("Time in 1 calls to Function.__call__" in out.getvalue(), True)]


@raises(TypeError)
def strict_input_types():
    theano.function([theano.In(T.fvector("f"), strict=True)], [], on_unused_input="ignore")(X)


@raises(AssertionError)
def nan_guard_mode():
    from theano.compile.nanguardmode import NanGuardMode

    run(T.log(x), (x, -X), mode=NanGuardMode(nan_is_error=True, inf_is_error=True, big_is_error=True))


@raises(ValueError, "(?s)Apply node that caused the error.*Inputs shapes.*Backtrace when the node is created")
def error_message_names_node():
    run(x + y, (x, X), (y, X[:2]))


@program
def debugprint_compiled():
    f = theano.function([x], T.exp(x * 2).sum(), mode="FAST_COMPILE")
    text = theano.printing.debugprint(f, file="str")
    return [
        (
            [line.split("[")[0].strip() for line in text.splitlines() if line],
            [
                "Sum{acc_dtype=float64}",
                "|Elemwise{exp,no_inplace}",
                "|Elemwise{mul,no_inplace}",
                "|x",
                "|TensorConstant{(1,) of 2}",
            ],
        )
    ]


@program
def pp_and_min_informative_str():
    out = T.exp(x * 2) + y
    return [
        (theano.pp(out), "(exp((x * TensorConstant{2})) + y)"),
        (
            theano.printing.min_informative_str(out).split(),
            [
                "A.",
                "Elemwise{add,no_inplace}",
                "B.",
                "Elemwise{exp,no_inplace}",
                "C.",
                "Elemwise{mul,no_inplace}",
                "D.",
                "x",
                "E.",
                "InplaceDimShuffle{x}",
                "F.",
                "TensorConstant{2}",
                "G.",
                "y",
            ],
        ),
    ]


@program
def pydotprint(tmp_path):
    file = tmp_path / "graph.dot"
    theano.printing.pydotprint(theano.function([x], T.exp(x)), outfile=str(file), format="dot", print_output_file=False)
    text = file.read_text()
    return [("Elemwise{exp" in text and "name=x TensorType(float64, vector)" in text, True)]
