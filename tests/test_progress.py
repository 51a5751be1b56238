"""What takes long until a function runs says so, in one line, where somebody looks."""

import io
import sys
import threading
import time
import types

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from theanojax.printing import progress


class Screen(io.StringIO):
    def __init__(self, tty):
        super().__init__()
        self.tty = tty

    def isatty(self):
        return self.tty


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(progress, "FIRST", 0.05)
    monkeypatch.setattr(progress, "AGAIN", 0.02)


@pytest.fixture
def terminal(monkeypatch, quick):
    """A function that makes stderr a terminal: pytest sets stderr anew after the fixtures."""
    monkeypatch.setenv("COLUMNS", "200")

    def terminal():
        screen = Screen(True)
        monkeypatch.setattr(sys, "stderr", screen)
        return screen

    yield terminal
    assert not [t for t in threading.enumerate() if t.name == "theanojax-progress"] and progress._under_way is None


def shown(screen):
    return [line.replace("\x1b[K", "") for line in screen.getvalue().split("\r") if line]


def test_a_line_is_rewritten_and_ends_with_what_took_how_long(terminal):
    screen = terminal()
    with progress.phase("rewriting f, 3 nodes"):
        time.sleep(0.2)
    *before, last = shown(screen)
    assert len(before) > 1 and set(before) == {"theanojax: rewriting f, 3 nodes, 0 s"}
    assert last == "theanojax: rewriting f, 3 nodes: 0.2 s\n"


def test_steps_are_one_line(terminal):
    screen = terminal()
    with progress.phase("tracing"):
        time.sleep(0.15)
        progress.step("XLA")
        with progress.phase("inside"):
            time.sleep(0.1)
        assert progress._under_way.text == "XLA"
        time.sleep(0.15)
    assert screen.getvalue().count("\n") == 1
    steps = [part.rpartition(": ")[0] for part in shown(screen)[-1].removeprefix("theanojax: ").split(", ")]
    assert steps == ["tracing", "XLA", "inside"] or steps == ["tracing", "inside", "XLA"]
    progress.step("outside of any phase")


def test_what_is_quick_is_not_mentioned(terminal):
    screen = terminal()
    with progress.phase("quick"):
        pass
    assert screen.getvalue() == ""


def test_an_error_ends_the_line(terminal):
    screen = terminal()
    with pytest.raises(KeyError), progress.phase("wrong"):
        time.sleep(0.1)
        raise KeyError
    assert shown(screen)[-1] == "theanojax: wrong: 0.1 s\n"


def test_a_phase_that_a_signal_has_left_without_an_end(terminal):
    screen = terminal()

    def leaves():
        progress.phase("left").__enter__()

    leaves()
    time.sleep(0.15)
    assert screen.getvalue() == "" and progress._under_way is None


def test_long_lines_are_cut(terminal, monkeypatch):
    screen = terminal()
    monkeypatch.setenv("COLUMNS", "30")
    with progress.phase("x" * 100):
        time.sleep(0.1)
    assert {len(line.strip()) for line in shown(screen)} == {29}


@pytest.mark.parametrize("wanted, said", [("auto", False), ("False", False), ("True", True)])
def test_silence_elsewhere(monkeypatch, quick, wanted, said):
    log = Screen(False)
    monkeypatch.setattr(sys, "stderr", log)
    with theano.change_flags(verbose_compile=wanted), progress.phase("work"):
        time.sleep(0.15)
    assert log.getvalue() == ("theanojax: work ...\ntheanojax: work: 0.2 s\n" if said else "")


def test_the_flag_silences_a_terminal(terminal):
    screen = terminal()
    with theano.change_flags(verbose_compile=False), progress.phase("work"):
        time.sleep(0.1)
    assert screen.getvalue() == ""


def test_notebooks(monkeypatch, quick):
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    page = Screen(False)
    monkeypatch.setattr(sys, "stderr", page)
    with progress.phase("work"):
        time.sleep(0.15)
    assert "\x1b" not in page.getvalue() and page.getvalue().startswith("\rtheanojax: work, 0 s")


def test_no_stderr(monkeypatch, quick):
    for gone in (None, Screen(True)):
        monkeypatch.setattr(sys, "stderr", gone)
        with progress.phase("work"):
            if gone is not None:
                gone.close()
                monkeypatch.setattr(gone, "isatty", lambda: True, raising=False)
            time.sleep(0.1)


def test_a_function_says_what_it_does(terminal, monkeypatch):
    screen = terminal()
    monkeypatch.setattr(progress, "FIRST", 0.0)
    x = T.dmatrix("x")
    y = x
    for i in range(30):
        y = T.tanh(T.dot(y, x)) + i
    f = theano.function([x], y, name="deep")
    f(np.eye(300))
    text = screen.getvalue()
    assert "theanojax: rewriting deep, " in text and "tracing " in text and "with XLA" in text
    before = len(text)
    f(np.eye(300))
    assert len(screen.getvalue()) == before  # an executable that is there says nothing


class Tee:
    """What programs put in the place of stderr: it writes, and has nothing else of a file."""

    def write(self, text):
        raise RuntimeError("the log is full")


def closed():
    screen = io.StringIO()
    screen.close()
    return screen


@pytest.mark.parametrize("stderr", [Tee, closed, lambda: None])
@pytest.mark.parametrize("wanted", ["auto", "True"])
def test_whatever_stderr_is_functions_are_made(quick, monkeypatch, stderr, wanted):
    monkeypatch.setattr(theano.config, "verbose_compile", wanted)
    monkeypatch.setattr(sys, "stderr", stderr())
    with progress.phase("rewriting f, 3 nodes"):
        time.sleep(0.1)
    x = T.dvector("x")
    assert theano.function([x], x + 1)([1.0]) == 2
    assert progress._under_way is None


def test_no_line_where_no_thread_can_start(terminal, monkeypatch):
    screen = terminal()

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with progress.phase("rewriting f, 3 nodes"):
        pass
    assert not shown(screen) and progress._under_way is None


def test_a_line_of_another_thread_may_end_at_any_moment(terminal, monkeypatch):
    terminal()

    class Ending:
        """A line that is over as soon as it was looked at."""

        def step(self, text):
            progress._under_way = None
            return "before"

    monkeypatch.setattr(progress, "_under_way", Ending())
    with progress.phase("tracing 3 nodes"):
        progress.step("compiling 3 nodes with XLA")


# ---------------------------------------------------------------- steps of loops
class Doubles(theano.gof.Op):
    """An Op that only Python can run."""

    __props__ = ()

    def make_node(self, v):
        return theano.gof.Apply(self, [v], [v.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0] * 2


def powers(**options):
    k, a = T.iscalar("k"), T.dvector("a")
    result, updates = theano.scan(lambda p, a: p * a, outputs_info=T.ones_like(a), non_sequences=a, n_steps=k, name="p")
    return theano.function([a, k], result[-1], updates=updates, **options)


@pytest.fixture
def seen():
    found = []
    with theano.profile.scan_progress(lambda *row: found.append(row)):
        yield found


def test_a_loop_in_xla_tells_its_steps(seen):
    f, a = powers(), np.full(3, 1.001)
    np.testing.assert_allclose(f(a, 1000), 1.001**1000)
    assert seen == [("p", 10 * i, 1000) for i in range(1, 101)]
    seen.clear()
    f(a, 5)
    assert seen == [("p", i, 5) for i in range(1, 6)]


def test_a_loop_of_known_length_and_its_gradient_tell(seen):
    x = T.dmatrix("x")
    w = theano.shared(np.full(3, 0.5), "w")
    states, _ = theano.scan(lambda row, h: T.tanh(row + h * w), sequences=x, outputs_info=T.zeros_like(w), name="rows")
    cost = states[-1].sum()
    f = theano.function([x], cost, updates=[(w, w - 0.1 * T.grad(cost, w))])
    value, plain = np.random.RandomState(1).rand(200, 3), np.full(3, 0.5)
    f(value)
    assert [row for row in seen if row[0] == "rows"] == [("rows", 2 * i, 200) for i in range(1, 101)]
    assert len(seen) == 200  # the loop back, too
    told = w.get_value()
    w.set_value(plain)
    theano.function([x], cost, updates=[(w, w - 0.1 * T.grad(cost, w))], mode="FAST_COMPILE")(value)
    np.testing.assert_allclose(w.get_value(), told)


def test_loops_on_the_host_with_until_and_in_loops_tell(seen):
    a = T.dvector("a")
    result, _ = theano.scan(lambda p: Doubles()(p), outputs_info=a, n_steps=400, name="host")
    theano.function([a], result[-1])(np.ones(2))
    assert seen == [("host", 4 * i, 400) for i in range(1, 101)]
    seen.clear()
    result, _ = theano.scan(
        lambda p: (p * 2, theano.scan_module.until(p.sum() > 100)), outputs_info=a, n_steps=50, name="until"
    )
    theano.function([a], result[-1])(np.ones(2))
    assert seen[0] == ("until", 1, 50) and 5 < len(seen) < 10
    seen.clear()

    def outer(h):
        return theano.scan(lambda p: T.tanh(p), outputs_info=h, n_steps=7, name="inner")[0][-1]

    result, _ = theano.scan(outer, outputs_info=a, n_steps=20, name="outer")
    theano.function([a], result[-1])(np.ones(2))
    assert seen == [("outer", i, 20) for i in range(1, 21)]


def test_a_loop_at_any_length_tells(seen):
    x = T.dmatrix("x")
    states, _ = theano.scan(lambda row, h: T.tanh(row + h), sequences=x, outputs_info=T.zeros_like(x[0]), name="rows")
    f = theano.function([x], states[-1])
    for n in range(20, 30):
        f(np.ones((n, 2)))
    assert f.fn.executor.kernel_count and seen[-29:] == [("rows", i, 29) for i in range(1, 30)]


def test_nobody_asks_nothing_is_told(caplog):
    f, a = powers(), np.ones(3)
    f(a, 50)
    (traced,) = f.fn.executor.traced
    assert "callback" not in str(traced.jaxpr) and not f.fn.executor.tells

    def fails(name, done, total):
        raise ValueError("mine")

    with theano.profile.scan_progress(fails):
        np.testing.assert_array_equal(f(a, 50), a)
        assert f.fn.executor.tells
    assert "mine" in caplog.text
    np.testing.assert_array_equal(f(a, 50), a)
    (traced,) = f.fn.executor.traced
    assert "callback" not in str(traced.jaxpr) and not f.fn.executor.tells and not progress.watchers


@pytest.mark.parametrize("host", [False, True])
def test_a_line_with_the_step(terminal, host):
    a = T.dvector("a")

    def slow(p):
        return theano.printing.Print("", global_fn=lambda op, value: time.sleep(0.002))(p) * 1

    result, _ = theano.scan(lambda p: Doubles()(slow(p)) if host else slow(p), outputs_info=a, n_steps=150, name="slow")
    with theano.change_flags(scan_progress="auto"):
        f = theano.function([a], result[-1])
        screen = terminal()
        f(np.ones(2))
    lines = shown(screen)
    steps = [int(line.split(", step ")[1].split(" of 150, ")[0]) for line in lines if ", step " in line]
    assert len(steps) > 1 and steps == sorted(steps) and any("running slow: " in line for line in lines)
    with theano.change_flags(scan_progress="False"):
        screen = terminal()
        theano.function([a], result[-1])(np.ones(2))
    assert ", step " not in screen.getvalue()
