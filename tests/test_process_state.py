"""What belongs to the user, not to us: random streams, warnings filters, logging, signals, environment."""

import os
import subprocess
import sys

import pytest

SNAPSHOT = """
import gc
import logging
import os
import random
import signal
import socket
import sys
import threading
import warnings

import numpy as np


def loggers():
    found = {"root": logging.root, **logging.root.manager.loggerDict}
    state = {n: (v.level, list(v.handlers), list(v.filters), v.propagate, v.disabled) for n, v in found.items()
             if isinstance(v, logging.Logger)}
    own = {n: s for n, s in state.items() if n.split(".")[0] in ("jax", "jaxlib")}
    return {n: s for n, s in state.items() if s != (0, [], [], True, False) and n not in own}


def snapshot():
    return {
        "numpy.random": [str(part) for part in (lambda s: (s[0], s[1].tolist(), *s[2:]))(np.random.get_state())],
        "random": random.getstate(),
        "filters": list(warnings.filters),
        "warnings": (warnings.showwarning, warnings.formatwarning),
        "loggers": loggers(),
        "logging": (logging.getLoggerClass(), logging.root.manager.disable, logging.raiseExceptions),
        "signals": {s: signal.getsignal(s) for s in signal.valid_signals()},
        "hooks": (sys.excepthook, sys.unraisablehook, sys.displayhook, threading.excepthook),
        "interpreter": (sys.getrecursionlimit(), sys.getswitchinterval(), sys.gettrace(), sys.getprofile()),
        "gc": (gc.isenabled(), gc.get_threshold(), gc.get_debug()),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "path": list(sys.path),
        "sockets": socket.getdefaulttimeout(),
        "numpy errors": (np.geterr(), np.geterrcall()),
        "numpy prints": str(np.get_printoptions()),
    }


def compare(step):
    global last
    now = snapshot()
    changed = {name: (last[name], now[name]) for name in now if last[name] != now[name]}
    assert not changed, (step, changed)


np.random.seed(3)
random.seed(4)
warnings.simplefilter("error")
logging.basicConfig(level=logging.ERROR)
signal.signal(signal.SIGTERM, lambda *args: None)
sys.setrecursionlimit(1234)
"""

STEPS = """
last = snapshot()
import theano
# What Theano's import does, too: a handler of its own logger, and what the numpy.seterr flags say.
last["loggers"]["theano"] = loggers()["theano"]
last["numpy errors"] = (dict.fromkeys(last["numpy errors"][0], "ignore"), last["numpy errors"][1])
compare("import")
import theano.tensor as T
compare("import of the tensors")
x, k = T.dmatrix("x"), T.iscalar("k")
w = theano.shared(np.ones((3, 4)))
f = theano.function([x], T.tanh(T.dot(x, w)).sum(){mode})
compare("function")
f(np.ones((2, 3)))
compare("first call")
states, _ = theano.scan(lambda h, w: T.tanh(h * w), outputs_info=x[0], non_sequences=x[1], n_steps=k)
g = theano.function([x, k], states[-1]{mode})
g(np.ones((2, 3)), 4)
compare("scan")
cost = T.tanh(T.dot(x, w)).sum() + states[-1].sum()
train = theano.function([x, k], [cost, T.grad(cost, x)], updates=[(w, w - T.grad(cost, w))]{mode})
[train(np.ones((2 + n, 3)), 4) for n in range(5)]
compare("grad")
theano.function([x], [T.erfinv(x), T.psi(x)]{mode})(np.ones((2, 3)))
compare("special functions")
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.shared_randomstreams import RandomStreams
theano.function([], [MRG_RandomStreams(1).normal((2, 3)), RandomStreams(2).uniform((4,))]{mode})()
compare("random streams")
try:
    f(np.ones((2, 4)))
except ValueError:
    compare("error")
else:
    raise AssertionError("shapes that don't match")
import theano.sparse, theano.tensor.nlinalg, theano.tensor.slinalg
compare("sparse and linear algebra")
m = theano.sparse.csr_matrix("m")
theano.function([m], theano.sparse.structured_dot(m, x[:3]).sum(), givens={x: np.ones((3, 3))}{mode})
compare("a function of a sparse matrix")
"""


def run(program, **variables):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("JAX", "THEANO", "TF_CPP", "TPU"))}
    env["THEANO_FLAGS"] = "xla_cache=False"  # some versions of XLA remark on the executables that they read
    done = subprocess.run(
        [sys.executable, "-c", SNAPSHOT + program], env={**env, **variables}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("mode", ["", ', mode="FAST_COMPILE"'], ids=["FAST_RUN", "FAST_COMPILE"])
def test_nothing_of_the_process_is_changed(mode):
    run(STEPS.replace("{mode}", mode))


@pytest.mark.parametrize("name", ["random", "interop"])
def test_importing_what_imports_jax_changes_nothing(name):
    run("import theanojax\nlast = snapshot()\nimport theanojax.%s\ncompare('what imports jax')" % name)


def test_environment_that_the_user_has_set_stays():
    program = "import theano\ntheano.function([], theano.tensor.zeros(3))()\nprint(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    assert run(program, TF_CPP_MIN_LOG_LEVEL="2") == "2\n"


def test_what_the_user_asks_scipy_to_say_is_said():
    program = """
import theano, theano.tensor as T, theano.sparse
theano.function([], [T.psi(T.zeros(3) + 2), theano.sparse.csr_from_dense(T.eye(3))])()
assert {"scipy.sparse", "scipy.special"} <= set(sys.modules)
import scipy.special
assert warnings.filters[0][0] == "error" and len([f for f in warnings.filters if f[0] == "error"]) == 1
"""
    run(program)


def test_scipy_is_imported_by_whom_it_serves():
    program = """
import theano, theano.tensor as T
x = T.dmatrix("x")
w = theano.shared(np.ones((2, 3)))
theano.function([x], T.grad(T.tanh(T.dot(x, w)).sum(), x))(np.ones((4, 2)))
assert not {"scipy.sparse", "scipy.special", "scipy.linalg"} & set(sys.modules)
last = snapshot()
theano.function([x], theano.sparse.csr_from_dense(x))(np.eye(3))
assert "scipy.sparse" in sys.modules
compare("a sparse matrix")
"""
    run(program)


@pytest.mark.parametrize("importer", ["main", "thread"])
def test_a_thread_that_draws_while_jax_is_imported_loses_nothing(importer):
    program = """
import theano, theano.tensor as T
done, drawn, said = threading.Event(), [], []


def compile():
    f = theano.function([], T.zeros(3))
    f()
    assert "jax" in sys.modules
    done.set()


def draw():
    while not done.is_set():
        drawn.append(np.random.rand())
        if not said:
            said.append(warnings.filterwarnings("ignore", "mine"))
            os.environ["MINE"] = "1"


first, second = (draw, compile) if "IMPORTER" == "main" else (compile, draw)
assert "jax" not in sys.modules
thread = threading.Thread(target=first)
thread.start()
second()
thread.join()
assert drawn == [r for state in [np.random.RandomState(3)] for r in state.rand(len(drawn))], len(drawn)
assert len(drawn) > 100
assert warnings.filters[0][1].pattern == "mine" and os.environ["MINE"] == "1"
"""
    run(program.replace("IMPORTER", importer))
