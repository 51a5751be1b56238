"""The cores that XLA and numpy compute with: those of the process, of OMP_NUM_THREADS and of its control group."""

import os
import subprocess
import sys

import pytest

from theanojax.runtime.xla import cores

# The threads of XLA's pool and of numpy's, and what the environment is afterwards.
CHILD = """
import os, sys
if len(sys.argv) > 1:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(sys.argv[1])])
before = dict(os.environ)
def threads():
    return [open("/proc/self/task/%s/comm" % t).read().strip() for t in os.listdir("/proc/self/task")]
import numpy
numpys = len(threads())
import theano, theano.tensor as T
x = T.dmatrix()
theano.function([x], T.tanh(x).dot(x))(numpy.ones((300, 300)))
print(numpys, threads().count("tf_XLAEigen"), dict(os.environ) == before)
"""
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at Linux's threads")
HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


@linux
@pytest.mark.slow
@pytest.mark.parametrize(
    "variables, affinity, xla, numpys",
    [
        ({}, [], HERE, HERE),
        ({}, ["1"], 1, 1),
        ({"OMP_NUM_THREADS": "1"}, [], 1, 1),
        ({"OMP_NUM_THREADS": "1", "NPROC": "2"}, [], 2, 1),  # which XLA would heed without us
        ({"OMP_NUM_THREADS": "64"}, [], HERE, None),
        ({"OMP_NUM_THREADS": "many"}, [], HERE, None),
    ],
    ids=["all", "affinity", "OMP_NUM_THREADS", "NPROC", "more", "nonsense"],
)
def test_threads(variables, affinity, xla, numpys, tmp_path):
    kept = {k: v for k, v in os.environ.items() if k not in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    env = {**kept, **variables, "THEANO_FLAGS": "base_compiledir=%s" % tmp_path}
    done = subprocess.run([sys.executable, "-c", CHILD, *affinity], env=env, capture_output=True, text=True, check=True)
    found = done.stdout.split()
    assert found[1:] == [str(xla), "True"]
    assert numpys is None or found[0] == str(numpys)


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A function that says what /proc/self/cgroup has, and makes files of control groups."""

    def make(mine, files):
        (tmp_path / "mine").write_text(mine)
        for name, text in files.items():
            path = tmp_path / "groups" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    monkeypatch.setattr(cores, "MINE", str(tmp_path / "mine"))
    monkeypatch.setattr(cores, "GROUPS", str(tmp_path / "groups"))
    return make


@pytest.mark.parametrize(
    "mine, files, share",
    [
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/a/b\n", {"cpu.max": "max 100000\n", "a/cpu.max": "300000 100000\n", "a/b/cpu.max": "max 100000\n"}, 3),
        ("0::/not/seen/from/here\n", {"cpu.max": "400000 100000\n"}, 4),
        ("3:cpu,cpuacct:/x\n0::/\n", {"cpu/x/cpu.cfs_quota_us": "200000", "cpu/x/cpu.cfs_period_us": "100000"}, 2),
        ("3:cpu:/\n2:memory:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ("0::/\n", {"cpu.max": "what is this\n"}, None),
        ("0::/\n", {}, None),
    ],
)
def test_share_of_a_control_group(groups, mine, files, share):
    groups(mine, files)
    assert cores._share() == share


def test_no_control_groups(groups, tmp_path, monkeypatch):
    monkeypatch.setattr(cores, "MINE", str(tmp_path / "none"))
    assert cores._share() is None


@pytest.mark.parametrize(
    "omp, share, nproc, count",
    [("", None, "", 8), ("4,2", None, "", 4), ("", 3, "", 3), ("2", 3, "", 2), ("0", 16, "", 8), ("2", 3, "5", 5)],
)
def test_count(monkeypatch, omp, share, nproc, count):
    monkeypatch.setattr(cores, "_scheduled", lambda: 8)
    monkeypatch.setattr(cores, "_share", lambda: share)
    for name, value in (("OMP_NUM_THREADS", omp), ("NPROC", nproc)):
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    assert cores.count.__wrapped__() == count


def test_xla_is_told_for_a_moment(monkeypatch):
    monkeypatch.delenv("NPROC", raising=False)
    monkeypatch.setattr(cores, "count", lambda: cores._scheduled() + 1)
    with cores.told():
        assert os.environ["NPROC"] == str(cores._scheduled() + 1)
    assert "NPROC" not in os.environ
    monkeypatch.setenv("NPROC", "7")
    with cores.told():
        assert os.environ["NPROC"] == "7"
    assert os.environ["NPROC"] == "7"


def test_executables_are_for_a_number_of_cores():
    from theanojax import private_folder

    assert private_folder.private_folder("xla", b"1 cores") != private_folder.private_folder("xla", b"2 cores")
