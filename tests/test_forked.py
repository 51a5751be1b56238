"""Functions in processes forked from one in which XLA has run."""

import multiprocessing
import subprocess
import sys

import pytest

PROGRAM = """
import multiprocessing
import sys

import numpy as np

import theano
import theano.tensor as T

x, n = T.dmatrix("x"), T.lscalar("n")
w = theano.shared(np.ones((50, 50)))
step = theano.function([x], T.tanh(T.dot(x, w)).sum(), updates=[(w, w * 2)])
powers, _ = theano.scan(lambda a, b: a * b.sum(axis=0), outputs_info=T.ones_like(x[0]), non_sequences=x, n_steps=n)
power = theano.function([x, n], powers[-1])
values = np.random.RandomState(1).rand(300, 50)


def work(results):
    results.put(w.get_value().sum())
    results.put((float(step(values)), w.get_value().sum()))
    results.put(power(values[:3], 4))
    results.put(float(theano.function([x], T.log(x).sum() + w.sum())(values)))


step(values)
expected = power(values[:3], 4)
step(values)
context = multiprocessing.get_context("fork")
results = context.SimpleQueue()
child = context.Process(target=work, args=(results,))
child.start()
assert results.get() == 10000
total, weights = results.get()
assert weights == 20000
np.testing.assert_allclose(results.get(), expected)
np.testing.assert_allclose(results.get(), np.log(values).sum() + 20000)
child.join()
assert child.exitcode == 0
assert w.get_value().sum() == 10000  # the child's update is its own
np.testing.assert_allclose(step(values), total)
with context.Pool(2) as pool:
    np.testing.assert_allclose(pool.map(step, [values, values * 2]), [step(values), 15000], rtol=1e-6)
assert step.fn.executor.compilations == 1
print("done")
"""


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_functions_of_the_parent_run_in_forked_processes(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    done = subprocess.run([sys.executable, "-W", "ignore", str(path)], capture_output=True, text=True, timeout=100)
    assert done.stdout == "done\n", done.stderr


WHILE_TRAINING = """
import os
import threading

import numpy as np

import theano
import theano.tensor as T

s = theano.shared(np.zeros((200, 200)))
step = theano.function([], [], updates=[(s, s + 1)])
step()
stop = []
thread = threading.Thread(target=lambda: [step() for _ in iter(lambda: bool(stop), True)])
thread.start()
for i in range(15):
    child = os.fork()
    if not child:
        value = s.get_value()
        step()
        os._exit(0 if value.min() == value.max() == s.get_value()[0, 0] - 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
stop.append(None)
thread.join()
print("done")
"""


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_a_fork_while_another_thread_trains(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(WHILE_TRAINING)
    done = subprocess.run([sys.executable, "-W", "ignore", str(path)], capture_output=True, text=True, timeout=100)
    assert done.stdout == "done\n", done.stderr
