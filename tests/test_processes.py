"""Programs in several processes of this machine, which gloo connects, and the command that starts them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.test_parallel import FOUR, PROGRAMS, ROOT, environment, python

STEPS, KEPT, DEAD = 100, 50, 70  # of the programs in several processes


def launched(*arguments, **variables):
    return python("-m", "theanojax", "launch", *arguments, **variables)


def test_two_processes_one_of_which_dies(tmp_path):
    command = "-n", "2", "--devices", "2", PROGRAMS, "feed", str(STEPS), str(tmp_path), str(KEPT), str(DEAD)
    start = time.monotonic()
    done = launched(*command)
    assert done.returncode == 128 + signal.SIGKILL, done.stderr
    assert "theanojax launch: process 1 was ended by SIGKILL; the other process is ended" in done.stderr
    assert time.monotonic() - start < 100
    assert sorted(os.listdir(tmp_path)) == ["died", "logistic.npz"]
    done = launched(*command)
    assert done.returncode == 0, done.stderr
    seen = [json.loads((tmp_path / ("seen%d.json" % i)).read_text()) for i in (0, 1)]
    assert seen[0] == seen[1]
    alone = python(PROGRAMS, "alone", str(STEPS))
    assert alone.returncode == 0, alone.stderr
    for name, losses in json.loads(alone.stdout).items():
        steps, costs = zip(*seen[0][name])
        assert steps == tuple(range(KEPT if name == "logistic" else 0, STEPS))
        np.testing.assert_allclose(costs, losses[steps[0] :], rtol=1e-12, err_msg=name)


def test_the_listing_of_the_docs(tmp_path):
    """It prints the same on one device, on four, and in two processes; a run that is over has nothing left to do."""
    with open(os.path.join(ROOT, "docs", "parallel.md"), encoding="utf-8") as file:
        script = file.read().partition("```python\n")[2].partition("```")[0]
    printed = []
    for name, options in (("one", {}), ("four", {"XLA_FLAGS": FOUR}), ("processes", {})):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "train.py").write_text(script)
        command = ["-m", "theanojax", "launch", "-n", "2"] if name == "processes" else []
        done = python(*command, "train.py", cwd=folder, **options)
        assert done.returncode == 0, done.stderr
        printed.append([line for line in done.stdout.splitlines() if line.startswith("epoch")])
    assert len(printed[0]) == 4 and printed[0] == printed[1] == printed[2]
    assert printed[0][0].split()[2] > printed[0][3].split()[2]
    again = python("train.py", cwd=tmp_path / "processes")
    assert again.returncode == 0 and again.stdout == ""


# ---------------------------------------------------------------- the launcher
def test_launch_gives_arguments_and_devices(tmp_path):
    code = (
        "import sys\nfrom theanojax import parallel\nn = parallel.process_index()\nimport jax\n"
        "with open(sys.argv[1] + str(n), 'w') as file:\n"
        "    file.write('%d %d %d' % (parallel.process_count(), len(jax.devices()), len(jax.local_devices())))"
    )
    done = launched("-n", "2", "--devices", "3", "-c", code, str(tmp_path) + os.sep)
    assert done.returncode == 0, done.stderr
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == ["2 6 3"] * 2


def test_the_status_of_the_first_that_fails():
    code = "import os, sys, time\nif os.environ['THEANOJAX_LAUNCHED'][0] == '1': sys.exit(7)\ntime.sleep(100)\n"
    start = time.monotonic()
    done = launched("-n", "3", "-c", code)
    assert done.returncode == 7 and time.monotonic() - start < 60
    assert "theanojax launch: process 1 has failed with exit status 7; the other processes are ended" in done.stderr
    done = launched("-n", "2", "-c", "1/0")
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_go_to_all(tmp_path, number):
    code = "import os, time, sys\nopen(sys.argv[1] + os.environ['THEANOJAX_LAUNCHED'][0], 'w').close()\ntime.sleep(100)"
    arguments = [sys.executable, "-m", "theanojax", "launch", "-n", "2", "-c", code, str(tmp_path) + os.sep]
    process = subprocess.Popen(arguments, env=environment(), stderr=subprocess.PIPE, text=True)
    while len(os.listdir(tmp_path)) < 2:
        time.sleep(0.05)
        assert process.poll() is None
    process.send_signal(number)
    assert process.wait(30) == 128 + number
    process.stderr.close()


def test_mistakes_of_the_command():
    for arguments in ("-n 0 x.py", "x.py", "-n 2", "-n 2 x.ipynb", "-n 2 -"):
        done = launched(*arguments.split())
        assert done.returncode == 2 and "usage: theanojax launch -n N" in done.stderr


def test_the_processes_end_with_the_launcher(tmp_path):
    code = "import os, sys, time\nopen(sys.argv[1] + str(os.getpid()), 'w').close()\ntime.sleep(100)"
    arguments = [sys.executable, "-m", "theanojax", "launch", "-n", "2", "-c", code, str(tmp_path) + os.sep]
    process = subprocess.Popen(arguments, env=environment())
    while len(os.listdir(tmp_path)) < 2:
        time.sleep(0.05)
        assert process.poll() is None
    process.kill()
    process.wait()
    left, end = list(map(int, os.listdir(tmp_path))), time.monotonic() + 30
    while left and time.monotonic() < end:
        left = [pid for pid in left if is_there(pid)]
        time.sleep(0.05)
    assert not left


def is_there(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"  # of a zombie nobody asks in a container
    except OSError:
        return False


# ---------------------------------------------------------------- started by somebody else
TRAINING = """
import os, signal, sys
import numpy as np
import theanojax, theanojax.tensor as T
from theanojax import parallel
parallel.initialize(timeout=8)
x = T.dmatrix("x")
f = theanojax.function([x], x.sum(), parallel=theanojax.data_parallel(batch=[x]), name="f")
print(parallel.process_count(), f(np.ones((2, 2))), flush=True)
if parallel.process_index() == 1:
    os.kill(os.getpid(), signal.SIGKILL)
while True:
    f(np.ones((2, 2)))
"""


def test_slurms_environment_and_a_process_that_dies():
    """JAX finds the others by what SLURM says; without a launcher its heartbeats, or the next call, end who is left."""
    processes = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    for i in "01":
        slurm = {"JOB_ID": "7", "NTASKS": "2", "PROCID": i, "LOCALID": i, "STEP_NODELIST": "localhost"}
        slurm.update(STEP_NUM_TASKS="2", JOB_NUM_NODES="1", STEP_NUM_NODES="1")
        env = environment(JAX_COORDINATOR_PORT=str(port), **{"SLURM_" + name: value for name, value in slurm.items()})
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", TRAINING], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
    (left, error), (other, _) = [process.communicate(timeout=100) for process in processes]
    assert "2 8.0" in left and "2 8.0" in other
    assert [process.returncode for process in processes][1] == -signal.SIGKILL and processes[0].returncode
    assert (
        "another task died" in error or "process 1 has not come to this within 8 seconds: call number 1, of f" in error
    )


# ---------------------------------------------------------------- processes that differ
DIFFERENT = """
import sys
import numpy as np
import theanojax, theanojax.tensor as T
from theanojax import data_parallel, parallel
me = parallel.process_index()
x, a, w = T.dmatrix("x"), T.dscalar("a"), theanojax.shared(np.ones(2), "w")
how = data_parallel(batch=[x])
f = theanojax.function([x, a], (T.dot(x, w) * a).sum(), updates=[(w, w * 0.5)], parallel=how, name="f")
g = theanojax.function([x], x.sum(), parallel=how, name="g")
rows = np.ones((4, 2))
def refused(call, kind, *words):
    try:
        call()
    except kind as error:
        assert all(word in str(error) for word in words), error
    else:
        assert False, "no error"
assert f(rows, 1.0) == 16
assert f(rows[: 3 + me], 1.0) == 7  # unequal parts are put together
assert f(rows[:2], 2.0) == 4
refused(lambda: f(rows, 1.0 + me), ValueError, "values of a: float64() 1.0, float64() 2.0", "has to be in `batch`")
refused(lambda: f(rows, 1.0) if me else g(rows), RuntimeError, "same calls in the same order", "of f", "of g")
assert w.get_value().tolist() == [0.125, 0.125]
assert w.get_value(borrow=True).flags.writeable is False
w.set_value(np.full(2, 1.0 + me))
refused(lambda: f(rows, 1.0), ValueError, "the value of w is not the same on all processes")
w.set_value(np.ones(2))
assert f(rows, 1.0) == 16
whole = theanojax.function([x], [x * 2, x.sum()], parallel=data_parallel(batch=[x], feed="whole"))
double, total = whole(rows)
assert double.shape == (4, 2) and total == 8
assert whole(rows[:3])[1] == 6
even = theanojax.function([x], x.sum(), parallel=data_parallel(batch=[x], even=True))
assert even(rows) == 16 and even(rows[:3]) == 12
table = theanojax.shared(np.arange(8.0), "table", sharding="data")
i = T.lvector("i")
h = theanojax.function([i], table[i], updates=[(table, table + 1)], parallel=data_parallel(batch=[i]))
assert h(np.array([0, 7]) if me else np.array([3, 1])).tolist() == [3, 1, 0, 7]
assert table.get_value().tolist() == list(range(1, 9))
empty = theanojax.shared(np.zeros((0, 4)), "empty", sharding=(None, "data"))
theanojax.function([], [], updates=[(empty, empty + 1)])()
assert empty.get_value().shape == (0, 4)
refused(lambda: h(np.array([0, 7 + me])), IndexError, "out of bounds")
chosen = theanojax.function([x], x[(x[:, 0] > 0).nonzero()].sum(), parallel=how)
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    assert chosen(rows * me) == 8
    assert theanojax.function([], table.sum(), mode="FAST_COMPILE")() == 36  # the host needs all of it
    r = theanojax.tensor.shared_randomstreams.RandomStreams(me)
    d = theanojax.function([x], x + r.uniform(x.shape), parallel=how)
    refused(lambda: d(rows), ValueError, "not the same on all processes", "seed")
if me:
    refused(lambda: f(rows, 1.0), RuntimeError, "process 0 has not come to this within 8 seconds: call number 1, of f")
"""


def test_processes_that_differ():
    done = launched("-n", "2", "--devices", "2", "--timeout", "8", "-c", DIFFERENT)
    assert done.returncode == 0, done.stderr
