"""Profiles: what they say adds up, has Theano's layout, and changes nothing of what it is about."""

import copy
import gzip
import io
import json
import pickle
import re
import subprocess
import sys
import threading
import time
from xml.etree import ElementTree

import numpy as np
import pytest

import jax

import theanojax as theano
import theanojax.tensor as T
from theanojax.compile.profiling import ProfileStats
from theanojax.config import change_flags, config
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.ifelse import ifelse
from theanojax.profile.flame import tree
from theanojax.runtime.timing import events
from theanojax.runtime.timing.hlo import Owners

pytestmark = pytest.mark.filterwarnings("ignore:.*Mixing fork")

RNG = np.random.RandomState(7)
x, y = T.dmatrix("x"), T.dvector("y")


class Halves(Op):
    """An Op that only Python can run; `act` is called each time."""

    __props__ = ()
    act = staticmethod(lambda: None)

    def make_node(self, v):
        return Apply(self, [v], [v.type()])

    def perform(self, node, inputs, outputs):
        Halves.act()
        outputs[0][0] = inputs[0] / 2


def profiled(inputs, outputs, **kwargs):
    return theano.function(inputs, outputs, profile=ProfileStats(False, message="f"), **kwargs)


def trainer(**kwargs):
    """A network of two layers, its arguments and its parameters."""
    w1 = theano.shared(RNG.randn(60, 200) * 0.1, "w1")
    w2 = theano.shared(RNG.randn(200) * 0.1, "w2")
    cost = T.sqr(T.dot(T.tanh(T.dot(x, w1)), w2) - y).mean()
    updates = [(w, w - 0.01 * T.grad(cost, w)) for w in (w1, w2)]
    return profiled([x, y], cost, updates=updates, **kwargs), (RNG.randn(300, 60), RNG.randn(300)), (w1, w2)


def recurrent(profile=True):
    w, h0 = theano.shared(RNG.randn(30, 30) * 0.1, "w"), theano.shared(np.zeros(30), "h0")
    states, _ = theano.scan(
        lambda row, h: T.tanh(row + T.dot(h, w)), sequences=x, outputs_info=h0, name="rnn", profile=profile
    )
    return profiled([x], states[-1]), (RNG.randn(40, 30),)


def numpy_code():
    return profiled([x, y], T.dot(x, y) + x.sum(axis=1)), (RNG.randn(600, 500), RNG.randn(500))


def numbers():
    a = T.dscalar("a")
    return profiled([a], T.exp(a) * 2 + 1), (2.0,)


def on_host():
    return profiled([x, y], T.tanh(T.dot(x, y)) + 1, mode="FAST_COMPILE"), (RNG.randn(600, 500), RNG.randn(500))


def mixed():
    return profiled([x], T.dot(Halves()(T.tanh(x)), x.T).sum()), (RNG.randn(300, 300),)


def branches():
    a = T.dscalar("a")
    return profiled([a, x], ifelse(T.lt(a, 1), T.dot(x, x).sum(), x.sum())), (0.0, RNG.randn(200, 200))


PROGRAMS = {
    "numpy code": numpy_code,
    "numbers": numbers,
    "on the host": on_host,
    "mixed": mixed,
    "branches": branches,
    "scan": recurrent,
    "trainer": lambda: trainer()[:2],
}


def rows_of(profile):
    """Seconds of all rows."""
    in_calls = sum(profile.apply_time.values()) + sum(profile.other_time.values())
    return in_calls + profile.making_time + profile.measuring_time


def text_of(profile):
    file = io.StringIO()
    profile.summary(file)
    return file.getvalue()


# ---------------------------------------------------------------- what it says
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_rows_add_up(name):
    f, args = PROGRAMS[name]()
    walls, rows = [], [rows_of(f.profile)]
    for _ in range(60):
        start = time.perf_counter()
        f(*args)
        walls.append(time.perf_counter() - start)
        rows.append(rows_of(f.profile))
    assert rows[-1] - rows[0] <= 1.001 * sum(walls)
    # Other processes may run between our clock's readings and the profile's.
    missing = [wall - (after - before) for wall, before, after in zip(walls, rows, rows[1:])]
    assert missing[0] < 0.05 * walls[0] + 1e-3
    assert np.median(missing) < 0.05 * np.median(walls) + 2e-5
    assert f.profile.fct_callcount == 60
    assert sum(f.profile.apply_time.values()) > 0
    assert all(seconds >= 0 for seconds in f.profile.apply_time.values())


def test_products_take_the_time_of_a_network():
    f, args, _ = trainer()
    for calls in range(40, 441, 40):  # another process may disturb a sample
        for _ in range(40):
            f(*args)
        by_class = {c.__name__: s for c, s in f.profile.class_time().items()}
        if max(by_class, key=by_class.get) == "Dot":
            break
    else:
        pytest.fail(str(by_class))
    dots = [node for node in f.maker.executed_fgraph.apply_nodes if type(node.op).__name__ == "Dot"]
    rows = {node: row for row in f.profile.apply_time for node in f.profile.members(row)}
    assert set(dots) <= set(rows) and {f.profile.apply_callcount[rows[node]] for node in dots} == {calls}
    assert f.profile.class_nodes()[type(dots[0].op)] == len([n for n in f.profile.apply_time if n in dots])
    assert set(f.profile.class_impl().values()) == {"C "}


def test_a_fusion_is_one_row_that_names_its_nodes():
    f = profiled([x], T.tanh(x * 2) + T.exp(x) - x)
    value = RNG.randn(500, 500)
    for _ in range(5):
        f(value)
    rows = [node for node, seconds in f.profile.apply_time.items() if seconds]
    assert len(rows) == 1 and str(rows[0].op).startswith("Elemwise{Composite{")
    ran = f.maker.executed_fgraph.apply_nodes
    assert set(f.profile.members(rows[0])) == {n for n in ran if type(n.op).__name__ == "Elemwise"}
    f = profiled([x], T.exp(x).sum(axis=0))
    f(value)
    (row,) = [node for node, seconds in f.profile.apply_time.items() if seconds]
    assert str(row.op) == "Fusion{Elemwise{exp,no_inplace}, Sum{axis=[0], acc_dtype=float64}}"


def test_a_fusion_of_many_is_not_written_out():
    v = x
    for _ in range(60):  # as an expression of x, it has 2 ** 60 Ops
        v = T.tanh(v) * v
    f = profiled([x], v)
    f(RNG.randn(100, 100))
    (row,) = [node for node, seconds in f.profile.apply_time.items() if seconds]
    assert str(row.op) == "Elemwise{Composite{%s,... and 108 more}}" % ",".join(["tanh", "mul"] * 6)
    assert len(text_of(f.profile)) < 5000


def test_what_runs_in_python_is_timed_by_itself():
    f, args = mixed()
    Halves.act = staticmethod(lambda: time.sleep(0.01))
    try:
        for _ in range(5):
            f(*args)
    finally:
        Halves.act = staticmethod(lambda: None)
    (node,) = [n for n in f.profile.apply_time if isinstance(n.op, Halves)]
    assert 0.05 <= f.profile.apply_time[node] < 0.5 and f.profile.apply_callcount[node] == 5
    assert f.profile.op_impl()[node.op] == "Py" and not f.profile.apply_cimpl[node]
    assert "Ops that XLA cannot run, such as Halves" in text_of(f.profile)


def test_what_is_computed_together_is_no_op_that_xla_cannot_run():
    x = T.dmatrix("x")
    f = theano.function([x], (T.tanh(x.T) + x).sum(axis=0), profile=True)
    for _ in range(5):
        f(np.ones((300, 300)))
    assert any(str(node.op).startswith("Fusion{") for node in f.profile.apply_time)
    assert not any(node.op.runs_on_host(node) for node in f.profile.apply_time)
    assert "XLA cannot run" not in text_of(f.profile)


def test_a_loop_has_a_profile_of_its_own():
    f, args = recurrent()
    for _ in range(30):
        f(*args)
    (scan,) = [n for n in f.profile.apply_time if type(n.op).__name__ == "Scan"]
    inner = scan.op.fn.profile
    assert inner.callcount == 30 and inner.nbsteps == 30 * 40
    assert inner.call_time == pytest.approx(f.profile.apply_time[scan])
    assert sum(inner.apply_time.values()) == pytest.approx(inner.vm_call_time)
    (dot,) = [n for n in inner.apply_time if str(n.op) == "dot"]
    assert inner.apply_callcount[dot] == 30 * 40 and inner.apply_time[dot] > 0
    text = text_of(inner)
    assert "Scan Op profiling ( rnn )" in text and "(for a total of 1200 steps)" in text and "Time per step" in text
    assert "Scan overhead:" in text_of(f.profile)


def test_a_loop_that_xla_runs_as_one_instruction():
    k, a = T.iscalar("k"), T.dvector("a")
    powers, _ = theano.scan(
        lambda p, a: p * a, outputs_info=T.ones_like(a), non_sequences=a, n_steps=k, profile=True, name="power"
    )
    f = profiled([a, k], powers[-1])
    for steps, length in ((100, 10), (20, 10), (20, 11)):  # two executables
        f(np.ones(length), steps)
        f(np.ones(length), steps)
    times = f.profile.apply_time
    (scan,) = [n for n in times if type(n.op).__name__ == "Scan"]
    inner = scan.op.fn.profile
    assert inner.callcount == 6 and inner.call_time == pytest.approx(times[scan])
    assert inner.nbsteps == pytest.approx(280)
    ((node, seconds),) = inner.apply_time.items()
    assert str(node.op).startswith("Elemwise{mul") and 0 < seconds < inner.call_time
    assert inner.apply_callcount[node] == pytest.approx(280)


def test_steps_that_shapes_tell():
    states, _ = theano.scan(
        lambda row, s: T.tanh(row + s), sequences=x, outputs_info=T.zeros_like(x[0]), profile=True, name="by_shape"
    )
    f = profiled([x], states[-1])
    for _ in range(3):
        f(np.ones((30, 3)))
    (scan,) = [n for n in f.profile.apply_time if type(n.op).__name__ == "Scan"]
    inner = scan.op.fn.profile
    assert inner.callcount == 3 and inner.nbsteps == 90


def test_a_loop_in_a_loop_has_one_too():
    def outer(rows, s):
        inner, _ = theano.scan(
            lambda a, b: T.tanh(a + b), sequences=rows, outputs_info=s, profile=True, name="rows_inside"
        )
        return T.exp(-inner[-1])

    z = T.dtensor3("z")
    states, _ = theano.scan(outer, sequences=z, outputs_info=z[0, 0], profile=True, name="blocks")
    f = profiled([z], states[-1].sum())
    for _ in range(5):
        f(RNG.rand(20, 30, 40))
    times = f.profile.apply_time
    (scan,) = [n for n in times if type(n.op).__name__ == "Scan"]
    blocks = scan.op.fn.profile
    assert blocks.callcount == 5 and blocks.nbsteps == 5 * 20
    (scan,) = [n for n in blocks.apply_time if type(n.op).__name__ == "Scan"]
    inside = scan.op.fn.profile
    assert inside.callcount == 5 * 20 and inside.nbsteps == 5 * 20 * 30
    assert inside.call_time == pytest.approx(blocks.apply_time[scan])
    assert sum(inside.apply_time.values()) == pytest.approx(inside.vm_call_time) and inside.vm_call_time > 0


def test_a_loop_without_an_executable_for_its_shapes():
    """Lengths that come once are XLA's too, in an executable for many of them."""
    states, _ = theano.scan(
        lambda row, s: T.tanh(row + s), sequences=x, outputs_info=T.zeros_like(x[0]), profile=True, name="lengths"
    )
    f = profiled([x], states[-1])
    for steps in range(20, 40):
        f(np.ones((steps, 3)))
    assert f.fn.executor.kernel_count
    (scan,) = [n for n in f.profile.apply_time if type(n.op).__name__ == "Scan"]
    inner = scan.op.fn.profile
    assert inner.callcount == 20 and inner.nbsteps == sum(range(20, 40)) and inner.call_time > 0
    assert f.profile.apply_callcount[scan] == 20 and 0 < inner.call_time <= 1.01 * f.profile.apply_time[scan]


def test_modes_that_wrap_nodes():
    seen = []
    mode = theano.compile.MonitorMode(pre_func=lambda i, node, fn: seen.append(node))
    f = profiled([x, y], T.tanh(T.dot(x, y)) + 1, mode=mode)
    args = RNG.randn(600, 500), RNG.randn(500)
    for _ in range(3):
        f(*args)
    profile = f.profile
    assert set(seen) == set(profile.apply_time) and set(profile.apply_callcount.values()) == {3}
    assert all(seconds > 0 for seconds in profile.apply_time.values())
    assert sum(profile.apply_time.values()) + sum(profile.other_time.values()) == pytest.approx(profile.fct_call_time)
    f.profile = None
    f(*args)
    assert set(profile.apply_callcount.values()) == {3}


def test_a_loop_on_the_host_has_one_too():
    states, _ = theano.scan(
        lambda row, h: Halves()(h) + row, sequences=x, outputs_info=T.zeros_like(x[0]), profile=True, name="halves"
    )
    f = profiled([x], states)
    for _ in range(3):
        f(RNG.randn(40, 30))
    (scan,) = [n for n in f.profile.apply_time if type(n.op).__name__ == "Scan"]
    inner = scan.op.fn.profile
    assert inner.callcount == 3 and inner.nbsteps == 3 * 40
    (node,) = [n for n in inner.apply_time if isinstance(n.op, Halves)]
    assert inner.apply_callcount[node] == 3 * 40


def test_making_executables_is_no_part_of_calls():
    f, args, _ = trainer()
    assert "XLA" not in f.profile.making
    before = f.profile.compile_time
    f(*args)
    making = f.profile.making
    assert set(making) >= {"planning", "tracing", "lowering", "XLA", "cache"}
    assert f.profile.compile_time == pytest.approx(before + sum(making.values()))
    assert f.profile.vm_call_time < 0.5 * sum(making.values())
    text = text_of(f.profile)
    for line in ("Planning time", "Tracing time", "Lowering time", "XLA compile time", "Time to read executables"):
        assert line in text


def test_rewrites_are_timed_one_by_one():
    with change_flags(profile=True, profile_optimizer=True):
        f = profiled([x], T.exp(x) / T.exp(x).sum())
    optimizer, report = f.profile.optimizer_profile
    assert f.profile.optimizer_time > 0 and report is not None
    assert "canonicalize" in text_of(f.profile)


def test_ignore_first_call_and_reset():
    with change_flags({"profiling.ignore_first_call": True}):
        f = theano.function([x], x * 2, profile=ProfileStats(False))
    for _ in range(3):
        f(np.ones((2, 2)))
    assert f.profile.fct_callcount == 2 and set(f.profile.apply_callcount.values()) == {2}
    f.profile.reset()
    assert f.profile.fct_callcount == 0 and not f.profile.apply_time and f.profile.compile_time > 0


def test_nodes_are_not_timed_without_time_thunks():
    f = theano.function([x], T.exp(x), profile=ProfileStats(False, flag_time_thunks=False))
    f(np.ones((2, 2)))
    assert f.profile.fct_callcount == 1 and not f.profile.apply_time
    assert "No execution time accumulated" in text_of(f.profile)


def test_a_profile_can_come_and_go():
    f = theano.function([x], T.exp(x))
    value = np.ones((3, 3))
    f(value)
    assert not f.profile
    f.profile = stats = ProfileStats(False)
    f(value)
    f.profile = None
    f(value)
    assert stats.fct_callcount == 1 and sum(stats.apply_callcount.values()) == 1
    assert type(next(iter(f.fn.executor._program.xla_stages.values()))).__name__ == "XlaStage"
    f.profile = True
    f(value, output_subset=[0])
    assert f.profile.fct_callcount == 1


def test_total_times_count_what_a_node_needs():
    f = profiled([x, y], T.tanh(T.dot(x, y)), mode="FAST_COMPILE")
    f(RNG.randn(50, 50), RNG.randn(50))
    totals, times = f.profile.compute_total_times(), f.profile.apply_time
    last = f.maker.executed_fgraph.outputs[0].owner
    assert totals[last] == pytest.approx(sum(times.values()))


# ---------------------------------------------------------------- what it looks like
def test_the_layout_is_theano_s():
    f, args, _ = trainer()
    f(*args)
    text = text_of(f.profile)
    number = r"\d\.\d{6}e[+-]\d\d"
    parts = [  # of which %sN is a number of seconds
        r"Function profiling\n={18}\n  Message: f\n  Time in 1 calls to Function.__call__: %sNs\n",
        r"  Time in Function.fn.__call__: %sNs \(\d+\.\d{3}%%\)\n  Time in thunks: %sNs \(",
        r"  Total compile time: %sNs\n    Number of Apply nodes: \d+\n    Theano Optimizer time: %sNs\n",
        r"    Theano Linker time \(includes C, CUDA code generation/compiling\): %sNs\n",
        r"Time in all call to theano.grad\(\) %sNs\nTime since theano import \d+\.\d{3}s\nClass\n---\n",
        r"<% time> <sum %> <apply time> <time per call> <type> <#call> <#apply> <Class name>\n",
        r"  [ \d]+\.\d% +\d+\.\d%       \d\.\d{3}s +\d\.\d\de-\d\ds     C +\d+ +\d+   theano\.tensor\.basic\.Dot\n",
        r"   \.\.\. \(remaining 0 Classes account for   0\.00%\(0\.00s\) of the runtime\)\n\nOps\n---\n",
        r"<% time> <sum %> <apply time> <time per call> <type> <#call> <#apply> <Op name>\n",
        r"Apply\n------\n<% time> <sum %> <apply time> <time per call> <#call> <id> <Apply name>\n",
        r"Apply instances account for \d+\.\d\d%\(\d+\.\d\ds\) of the runtime\)\n",
        r"Here are tips to potentially make your code run faster\n +\(if you think of new ones",
        r"  - Try the Theano flag floatX=float32\n",
    ]
    at = 0
    for part in parts:
        pattern = part.replace("%sN", number).replace("%%", "%")
        found = re.compile(pattern).search(text, at)
        assert found, f"{pattern} is not in\n{text[at:]}"
        at = found.end() - (1 if part.endswith("\\(") else 0)


SECTIONS = [
    "Time since import",
    "Theano compile time:",
    "    Optimization time:",
    "    Linker time:",
    "Theano fct call",
    "   Theano Op time",
    "   Theano function overhead in ProfileMode",
    "2 Theano fct call,",
    "Rest of the time since import",
    "Theano fct summary:\n<% total fct time> <total time> <time per call> <nb call> <fct name>",
    "Single Op-wise summary:\n<% of local_time spent on this kind of Op> <cumulative %>",
    "(*) Op is running a c implementation",
    "Op-wise summary:",
    "Apply-wise summary:\n<% of local_time spent at this position> <cumulative %%> <apply time>",
    "Profile of Theano functions memory:\n(This check only the output of each apply node.",
    "Theano fct: train",
    "Max without gc, inplace and view (KB) ",
    "Max FAST_RUN_NO_GC (KB) ",
    "Max FAST_RUN (KB) ",
    "Memory saved by view (KB) ",
    "Memory saved by inplace (KB) ",
    "Memory saved by GC (KB) ",
    "<Sum apply outputs (bytes)> <Apply outputs memory size(bytes)> <created/inplace/view> <Apply node>",
    " v InplaceDimShuffle{1,0}(x)",
    " i CGemv{inplace}(w, ",
    "Here are tips to potentially make your code run faster",
    "  - Try the Theano flag floatX=float32",
]


def regression(mode):
    w = theano.shared(np.zeros(800), "w")
    cost = T.nnet.binary_crossentropy(T.nnet.sigmoid(T.dot(x, w)), y).mean()
    return theano.function([x, y], cost, updates=[(w, w - 0.1 * T.grad(cost, w))], mode=mode, name="train")


def test_the_tutorial_s_sections_in_their_order():
    mode = theano.ProfileMode(optimizer="fast_run")
    train = regression(mode)
    args = RNG.randn(100, 800), RNG.randint(0, 2, 100).astype("float64")
    with change_flags({"ProfileMode.profile_memory": True}):
        for _ in range(2):
            train(*args)
    file = io.StringIO()
    mode.print_summary(file=file)
    text, at = file.getvalue(), 0
    for section in SECTIONS:
        assert section in text[at:], f"{section!r} is not in\n{text[at:]}"
        at = text.index(section, at) + len(section)
    assert mode.call_time > 0 and mode.fn_time > 0
    train(*args)
    file = io.StringIO()
    mode.print_diff_summary(file=file)
    assert "1 Theano fct call, " in file.getvalue() and "since the last summary" in file.getvalue()
    other = theano.ProfileMode(optimizer="fast_run")
    regression(other)(*args)
    file = io.StringIO()
    mode.print_diff_summary(other, file=file)
    assert "2 Theano fct call, " in file.getvalue() and "more than in the other mode" in file.getvalue()
    head = file.getvalue().split("Theano fct summary:")[0]
    assert head.startswith("\nTime since import ") and "Rest of the time" not in head
    file = io.StringIO()
    mode.print_diff_summary(file=file)
    assert "No calls since the last summary." in file.getvalue()
    assert pickle.loads(pickle.dumps(mode)).profiles == []


def run(program, flags):
    env = {"THEANO_FLAGS": flags, "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "HOME": config.compiledir}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


TWO_FUNCTIONS = """
import theano, theano.tensor as T, numpy
x = T.dvector()
f, g = (theano.function([x], T.exp(x) + i, name="f%d" % i) for i in range(2))
for h in (f, f, g):
    h(numpy.ones(10))
"""


def test_what_is_printed_at_exit():
    out, err = run(TWO_FUNCTIONS, "profile=True")
    assert "Message: f0" in err and "Message: f1" in err and not out
    assert "Message: Sum of all(2) printed profiles at exit excluding Scan op profile." in err
    assert "Time in 3 calls to Function.__call__" in err and "Traceback" not in err
    out, err = run(TWO_FUNCTIONS, "mode=ProfileMode,device=cpu")
    assert "3 Theano fct call, " in out and "Apply-wise summary:" in out and "Traceback" not in err
    out, err = run(TWO_FUNCTIONS, "mode=ProfileMode,profile=True,device=cpu")
    assert "Message: Sum of all(2)" in err and "Theano fct call" not in out  # one summary of all, not two
    out, err = run(TWO_FUNCTIONS, "profile=True,profiling.destination=/no/such/folder/file")
    assert "profiling.destination cannot be written: " in err and "Message: f0" in err and "Traceback" not in err
    out, err = run(TWO_FUNCTIONS, "print_global_stats=True,profiling.destination=stdout")
    assert "Time spent in Theano functions = " in out and "Function profiling" not in out


def test_strides_are_those_of_numpy_where_numpy_computes():
    class Turns(Halves):
        def perform(self, node, inputs, outputs):
            outputs[0][0] = inputs[0].copy().T[::2]

    with change_flags(profile_memory=True):
        f = profiled([x], Turns()(x) + 1)
        f(np.ones((4, 6))[:, ::-1])
        (node,) = [n for n in f.profile.apply_time if isinstance(n.op, Turns)]
        assert f.profile.variable_shape[node.outputs[0]] == (3, 4)
        assert f.profile.variable_strides[node.outputs[0]] == (16, 48)
        assert f.profile.variable_strides[node.inputs[0]] == (48, -8)
        assert "strides=(16, 48)" in text_of(f.profile) and "strides=c" in text_of(f.profile)


def test_flags_of_a_summary():
    f, args, _ = trainer()
    f(*args)
    with change_flags({"profiling.debugprint": True}):
        assert "Elemwise{tanh,no_inplace} [id " in text_of(f.profile)
    file = io.StringIO()
    f.profile.summary(file, n_ops_to_print=1, n_apply_to_print=2)
    text = file.getvalue()
    assert len(re.findall(r" C +\d+ +\d+   ", text)) == 2  # of a class and of an Op
    assert "(remaining %d Apply instances" % (len(f.profile.apply_time) - 2) in text
    file = io.StringIO()
    f.profile.summary_class(file)
    assert "(remaining 0 Classes" in file.getvalue()
    empty = io.StringIO()
    ProfileStats(False).summary_ops(empty)
    assert empty.getvalue() == "ProfileStats.summary_ops: total time 0 (did you forget to enable counters?)\n"
    assert f.profile.line_width == config.profiling.output_line_width


def test_profiles_go_where_the_flag_says(tmp_path):
    path = tmp_path / "profile.txt"
    out, err = run(TWO_FUNCTIONS, "profile=True,profiling.destination=%s" % path)
    assert "Message: f1" in path.read_text() and "Function profiling" not in out + err


# ---------------------------------------------------------------- memory
def test_memory_is_counted_as_theano_does():
    v = [T.fvector("v%d" % i) for i in range(3)]
    outs = [T.outer(v[i], v[i + 1]).sum(axis=1) for i in range(2)] + [v[i] + v[i + 1] for i in range(2)]
    with change_flags({"profile_memory": True, "profiling.min_peak_memory": True}):
        f = profiled(v, outs, mode="FAST_RUN")
        f(*[np.arange(1024, dtype="float32")] * 3)
        text = text_of(f.profile)
    for line in (
        "CPU: 4112KB (4104KB)",
        "CPU: 8204KB (8196KB)",
        "CPU: 8208KB",
        "Minimum peak from all valid apply node order is 4104KB",
        "  4194304B  [(1024, 1024)] i CGer{destructive}(",
        "What XLA reserves for the executable that takes most",
    ):
        assert line in text, text
    sums = [node for node in f.maker.executed_fgraph.apply_nodes if type(node.op).__name__ == "Sum"]
    assert all(f.profile.variable_shape[node.outputs[0]] == (1024,) for node in sums)


# ---------------------------------------------------------------- what it leaves alone
def test_the_numbers_are_the_same_and_buffers_are_given_away_as_before():
    results = []
    for profile in (None, ProfileStats(False)):
        w = theano.shared(np.linspace(-1, 1, 100_000), "w")
        v = theano.shared(np.zeros(100_000), "v")
        s = T.dscalar("s")
        updates = [(w, w - s * T.tanh(v)), (v, 0.9 * v + T.sin(w))]
        f = theano.function([s], [w.sum(), v[0]], updates=updates, profile=profile)
        outs = [f(0.1 * i) for i in range(20)]
        results.append((outs, w.get_value(), v.get_value()))
        assert f.fn.executor.fallbacks == [] and f.fn.executor.compilations == 1
    np.testing.assert_array_equal(results[0][0], results[1][0])
    for mine, its in zip(results[0][1:], results[1][1:]):
        np.testing.assert_array_equal(mine, its)


def test_errors_are_the_same():
    f = profiled([x], x[5])
    with pytest.raises(IndexError, match="Apply node that caused the error"):
        f(np.ones((2, 2)))
    f(np.ones((6, 2)))
    assert f.profile.fct_callcount == 1


def test_threads():
    f, args, _ = trainer()
    f(*args)

    def work():
        for _ in range(25):
            f(*args)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert f.profile.fct_callcount == 101
    (run,) = f.profile.recorder.totals().runs.values()
    assert run[1] == 101
    total = sum(f.profile.apply_time.values()) + sum(f.profile.other_time.values())
    assert total == pytest.approx(f.profile.fct_call_time, rel=0.01)


def test_a_call_that_is_broken_off_leaves_nothing():
    f, args = mixed()
    f(*args)
    before = dict(f.profile.apply_time), f.profile.fct_callcount

    def interrupt():
        raise KeyboardInterrupt

    Halves.act = staticmethod(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            f(*args)
    finally:
        Halves.act = staticmethod(lambda: None)
    assert (dict(f.profile.apply_time), f.profile.fct_callcount) == before
    assert f.profile.recorder.call() is None
    f(*args)
    assert f.profile.fct_callcount == before[1] + 1


def test_an_interrupted_look_ends_the_profiler(tmp_path):
    import jax

    f, args, _ = trainer()
    f(*args)
    (stage,) = f.fn.executor._program.xla_stages.values()
    (executable,) = stage.executables.values()
    executable.is_due = lambda seconds: True

    def interrupt(*args):
        raise KeyboardInterrupt

    stage._wait = interrupt  # in the midst of a look
    with pytest.raises(KeyboardInterrupt):
        f(*args)
    with jax.profiler.trace(str(tmp_path)):
        pass
    del stage._wait
    f(*args)
    assert executable.samples == 2 and events.look(lambda: None) is not None


def test_a_trace_of_the_user_s_own_goes_on(tmp_path):
    import jax

    f, args, _ = trainer()
    with jax.profiler.trace(str(tmp_path)):
        for _ in range(3):
            f(*args)
    assert list(tmp_path.rglob("*.xplane.pb"))
    assert f.profile.fct_callcount == 3 and not sum(f.profile.apply_time.values())
    assert "executables that could not be looked into" in f.profile.other_time
    assert "jax's profiler was in use" in text_of(f.profile)
    f(*args)
    assert sum(f.profile.apply_time.values()) > 0


def test_a_trace_has_the_names_of_nodes(tmp_path):
    f = theano.function([x], T.dot(T.tanh(x), x.T))
    value = RNG.randn(200, 200)
    f(value)
    with theano.profile.trace(tmp_path):
        f(value)
    (path,) = tmp_path.rglob("*.trace.json.gz")
    names = {event.get("name") for event in json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]}
    assert any(name and name.startswith("dot(Elemwise{tanh,no_inplace}.0, ") for name in names)


def test_a_backend_that_does_not_tell_what_it_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(jax.stages.Compiled, "as_text", lambda self: None)
    f, args, _ = trainer()
    f(*args)
    assert "executables that could not be looked into" in f.profile.other_time
    (executable,) = f.profile.recorder.runs
    assert executable.tries == executable.refused == 0  # nothing is in vain, and jax's profiler was not in use
    g = theano.function([x], T.dot(T.tanh(x), x.T))
    value = RNG.randn(200, 200)
    expected = g(value)
    with theano.profile.trace(tmp_path):
        np.testing.assert_array_equal(g(value), expected)


def test_a_trace_that_cannot_be_written_is_refused_at_once(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(FileExistsError), theano.profile.trace(path):
        pass
    with theano.profile.trace(tmp_path):
        pass


# ---------------------------------------------------------------- for programs
def test_functions_with_profiles_are_pickled():
    f, args, _ = trainer()
    f(*args)
    g = pickle.loads(pickle.dumps(f))
    g(*args)
    assert g.profile.fct_callcount == 2


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda stats: pickle.loads(pickle.dumps(stats))])
def test_a_copy_of_a_profile_has_its_rows(copied):
    f, args, _ = trainer()
    g = profiled([x], Halves()(T.exp(x)).sum())
    for _ in range(3):
        f(*args)
        g(np.ones((3, 3)))
    for stats in (f.profile, g.profile):
        twin = copied(copied(stats))
        assert [str(node) for node in twin.apply_time] == [str(node) for node in stats.apply_time]
        for name in ("apply_time", "apply_callcount", "apply_cimpl"):
            assert list(getattr(twin, name).values()) == list(getattr(stats, name).values())
        assert twin.other_time == stats.other_time and twin.compile_time == stats.compile_time
        twin.reset()
        assert not twin.apply_time and stats.apply_time


def test_profiles_of_programs():
    seen = []
    theano.compile.profiling.register_profiler_printer(lambda *args, file: seen.append(args))
    try:
        f, args, _ = trainer()
        f(*args)
        text_of(f.profile)
    finally:
        theano.compile.profiling._profiler_printers.pop()
    ((message, compile_time, call_time, apply_time, apply_cimpl, _output_size),) = seen
    assert message == "f" and compile_time > 0 and call_time > 0
    assert apply_time == f.profile.apply_time and apply_cimpl.keys() == apply_time.keys()


def test_html_and_repr():
    f = profiled([x], T.exp(x), name="a<b")
    f.profile.message = "a<b"
    f(np.ones((2, 2)))
    page = f.profile._repr_html_()
    assert "a&lt;b" in page and "<table>" in page and "Elemwise{exp,no_inplace}(x)" in page
    assert repr(f.profile).startswith("<ProfileStats of a<b: 1 calls")


def bars_of(profile):
    """(title, x, y, width) of each bar of the picture, which stays inside of the bar above it."""
    text = profile.to_svg()
    root = ElementTree.fromstring(text)
    assert "script" not in re.sub("<title>.*?</title>", "", text, flags=re.S) and "id=" not in text
    found = []
    for group in root:
        title, box, *_ = group
        found.append((title.text, *[float(box.get(name)) for name in ("x", "y", "width")]))
    for _, x, y, wide in found:
        above = [bar for bar in found if bar[2] < y and bar[1] - 0.01 <= x and x + wide <= bar[1] + bar[3] + 0.51]
        assert len({bar[2] for bar in above}) == y / 24
        beside = [bar for bar in found if bar[2] == y and bar[1] > x]
        assert all(bar[1] >= x + wide - 0.01 for bar in beside if wide > 0.5)
    return found


def test_a_picture_of_a_call():
    v = T.dmatrix("</script>&")
    f = profiled([v], T.sqr(Halves()(T.tanh(v) * 2 + v)).sum())
    f.profile.message = "<f>"
    assert len(bars_of(f.profile)) == 1  # nothing was called
    for _ in range(5):
        f(RNG.randn(1000, 500))
    assert f.profile.to_svg() in f.profile._repr_html_() and "<script" not in f.profile._repr_html_()
    found = bars_of(f.profile)
    (call, x0, y0, wide), *bars = found
    assert call.startswith("<f>\n5 calls\n") and call.endswith(" a call, 100.0 %") and (x0, y0, wide) == (0, 0, 959)
    parts, nodes = ([bar for bar in bars if bar[2] == y] for y in (24, 48))
    assert sum(bar[3] + 1 for bar in parts) == pytest.approx(960, abs=2)
    names = "\n".join(title for title, *_ in parts)
    assert all(name in names for name in ("XLA, stage 1 of 2", "XLA, stage 2 of 2", "nodes that Python runs"))
    (fused,) = [title for title, *_ in nodes if "tanh" in title]  # a fusion is one bar that names its nodes
    assert "Elemwise{tanh,no_inplace}(</script>&)" in fused and "Elemwise{add,no_inplace}(" in fused
    assert "5 runs" in fused and fused.endswith("%")


def test_a_picture_gathers_what_is_small_and_opens_loops():
    v = x
    for i in range(150):
        v = T.sort(v, axis=i % 2) if i % 3 else T.dot(v, x)
    f = profiled([x], v.sum())
    for _ in range(3):
        f(RNG.randn(20, 20))
    found = bars_of(f.profile)
    assert len(found) < 300 and any(re.match(r"\d+ others\n", title) for title, *_ in found)
    f, args = recurrent()
    for _ in range(10):
        f(*args)
    bars_of(f.profile)
    (scan,) = [n for n in f.profile.apply_time if type(n.op).__name__ == "Scan"]
    (stage,) = [part for part in tree(f.profile).parts if part.name == "XLA"]
    (loop,) = [bar for bar in stage.parts if bar.parts]
    assert "10 runs" in loop.about and sum(bar.seconds for bar in loop.parts) == pytest.approx(loop.seconds)
    assert {"dot", "add + tanh"} <= {bar.name for bar in loop.parts}
    assert any("tanh" in title for title, *_ in bars_of(scan.op.fn.profile))


def test_pandas():
    pandas = pytest.importorskip("pandas")
    f, args, _ = trainer()
    f(*args)
    frame = f.profile.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame[frame.on != "compilation"].seconds.sum() == pytest.approx(f.profile.fct_call_time, rel=0.01)


def test_rows_for_tables():
    from theanojax.profile.export import rows

    f, args, _ = trainer()
    f(*args)
    found = rows(f.profile)
    in_calls = sum(row["seconds"] for row in found if row["on"] != "compilation")
    assert in_calls == pytest.approx(f.profile.fct_call_time, rel=0.01)


# ---------------------------------------------------------------- reading XLA's text
class _Names:
    def path(self, op_name):
        return tuple(part[1:] for part in op_name.split("/") if part.startswith("n"))


TEXT = """\
HloModule jit_f, is_scheduled=true

%fused (param_0.1: f64[1,9], param_1.1: f64[9]) -> f64[9] {
  %param_0.1 = f64[1,9]{1,0} parameter(0)
  %bitcast.1 = f64[9]{0} bitcast(%param_0.1), metadata={op_name="jit(f)/n1/dot_general"}
  %param_1.1 = f64[9]{0} parameter(1)
  %add.1 = f64[9]{0} add(%bitcast.1, %param_1.1), metadata={op_name="jit(f)/n2/add"}
  ROOT %tanh.1 = f64[9]{0} tanh(%add.1), metadata={op_name="jit(f)/n3/tanh"}
}

ENTRY %main (p.0: f64[9], p.1: f64[9,9]) -> f64[9] {
  %p.0 = f64[9]{0} parameter(0)
  %p.1 = f64[9,9]{1,0} parameter(1)
  %copy.1 = f64[9,9]{0,1} copy(%p.1)
  %dot = f64[1,9]{1,0} dot(%p.0, %copy.1), lhs_contracting_dims={0}, rhs_contracting_dims={0}
  ROOT %add_tanh_fusion = f64[9]{0} fusion(%dot, %p.0), kind=kLoop, calls=%fused, metadata={op_name="jit(f)/n3/tanh"}
}
"""


LOOP = """\
%body (p: (s64[], f64[9])) -> (s64[], f64[9]) {
  %p = (s64[], f64[9]) parameter(0)
  %get-tuple-element.1 = f64[9]{0} get-tuple-element(%p), index=1
  %get-tuple-element.0 = s64[] get-tuple-element(%p), index=0
  %slice.1 = f64[9]{0} negate(%get-tuple-element.1), metadata={op_name="jit(f)/n7/slice"}
  %tanh.2 = f64[9]{0} tanh(%slice.1), metadata={op_name="jit(f)/n4/while/body/n5/tanh"}
  %exp.1 = f64[9]{0} exponential(%tanh.2)
  ROOT %tuple.1 = (s64[], f64[9]) tuple(%get-tuple-element.0, %exp.1)
}

%condition (p.2: (s64[], f64[9])) -> pred[] {
  %p.2 = (s64[], f64[9]) parameter(0)
  ROOT %less = pred[] custom-call(%p.2)
}

ENTRY %main (q.0: (s64[], f64[9])) -> (s64[], f64[9]) {
  %q.0 = (s64[], f64[9]) parameter(0)
  ROOT %while.1 = (s64[], f64[9]{0}) while(%q.0), condition=%condition, body=%body, metadata={op_name="jit(f)/n4/while"}, backend_config={"known_trip_count":{"n":"50"}}
}
"""  # noqa: E501 - as XLA writes it


def test_what_runs_in_a_loop_is_the_loop_s():
    owners = Owners(LOOP, _Names())
    assert owners.paths["while.1"] == {("4",)} and owners.containers == {"while.1"}
    assert owners.paths["tanh.2"] == {("4", "5")}
    assert owners.paths["slice.1"] == {("4", "7")}
    assert owners.paths["exp.1"] == owners.paths["less"] == {("4",)}
    assert owners.events == 2 + 50 * 9


def test_what_xla_writes_anew_is_not_its_user_s():
    owners = Owners(TEXT, _Names())
    assert owners.paths["add_tanh_fusion"] == {("2",), ("3",)}
    assert owners.paths["dot"] == {("1",)}  # whose name its result has kept
    assert owners.paths["copy.1"] == {("1",)}  # which only moves data for it


def test_what_runs_side_by_side_shares_the_time():
    spans = [(0, 10e9, "loop"), (1e9, 3e9, "a"), (2e9, 4e9, "b"), (12e9, 13e9, "a")]
    found = events._shared(spans, {"loop"})
    assert found == pytest.approx({"a": 1 + 0.5 + 1, "b": 0.5 + 1, "loop": 7})
    assert sum(found.values()) == pytest.approx(11)  # in which anything ran
