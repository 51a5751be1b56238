"""Sizes that no machine holds: MemoryError with the node, or ValueError where numpy's sizes end; never an abort."""

import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse

import theano
import theano.sparse as S
import theano.tensor as T
from theano.ifelse import ifelse
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.scan_module import until
from theano.tensor.shared_randomstreams import RandomStreams
from theanojax.config import config
from theanojax.graph.cells import raw
from theanojax.runtime.xla import memory

MODES = ["FAST_COMPILE", "FAST_RUN"]
x, k, b = T.dvector("x"), T.lscalar("k"), T.bscalar("b")
ZERO = T.constant(np.float64(0))
NOT_ADDRESSABLE = "array is too big; `arr.size|Maximum allowed (size|dimension) exceeded"


def accumulated(step, n, start=ZERO):
    return theano.scan(step, outputs_info=start, n_steps=n)[0]


# ---------------------------------------------------------------- what there is
def test_limit():
    assert 1 << 28 < memory.limit() <= memory.ADDRESS_SPACE
    memory.check(1 << 20, "a small array")


def in_large_pages(address):
    """Kilobytes in large pages of the mapping that has the memory there (Linux)."""
    inside = False
    with open("/proc/self/smaps") as file:
        for line in file:
            name, rest = line.split(maxsplit=1)
            if not name.endswith(":"):
                first, last = name.split("-")
                inside = int(first, 16) <= address < int(last, 16)
            elif inside and name == "AnonHugePages:":
                return int(rest.split()[0])


def numpy_has_large_pages():
    ones = np.ones(1 << 23)
    return memory._madvise() is not None and in_large_pages(ones.ctypes.data + (1 << 25)) > 0


@pytest.mark.skipif(not config.cxx, reason="no C++ compiler")
def test_a_table_of_which_c_updates_rows_lies_in_large_pages(soon):
    if not numpy_has_large_pages():
        pytest.skip("nobody here gives large pages to numpy")
    table = theano.shared(np.random.RandomState(0).uniform(size=(1 << 18, 32)))
    rows, want = T.lvector("rows"), table.get_value()
    f = theano.function([rows], updates=[(table, T.inc_subtensor(table[rows], 1))])
    for _ in range(20):
        f([1, 5, 1])
        want[[1, 5]] += [[2], [1]]
    for thread in threading.enumerate():
        if thread.name == "theanojax-pages":
            thread.join()
    assert in_large_pages(raw(table.container.storage, 0).unsafe_buffer_pointer() + (1 << 25)) > 0
    np.testing.assert_array_equal(table.get_value(), want)


def test_large_pages_are_no_more_than_a_wish(monkeypatch):
    def no_thread(**options):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(memory, "_madvise", lambda: lambda *advice: 0)
    monkeypatch.setattr(memory, "threading", SimpleNamespace(Thread=no_thread))
    memory.in_large_pages([SimpleNamespace(nbytes=1 << 30, unsafe_buffer_pointer=lambda: 64)])


def test_the_words_are_those_of_numpy():
    shapes = [(10**6, 10**6), (10**13, 3), (2 * 10**6, 2 * 10**6), (10**15,), (1 << 57,), (10**13,), ((1 << 47) - 1,)]
    for shape in shapes:
        with pytest.raises(MemoryError) as numpys:
            np.empty(shape)
        what = "an array with shape %s and data type float64" % (shape,)
        with pytest.raises(MemoryError) as ours:
            memory.check(8 * int(np.prod(np.array(shape, dtype=object))), what)
        assert str(ours.value) == str(numpys.value)
    assert [memory.readable(n) for n in (0, 1023, 1024, 1 << 20, 1000 << 10, (1 << 20) - 1, 1 << 80)] == [
        "0 bytes",
        "1023 bytes",
        "1.00 KiB",
        "1.00 MiB",
        "1000. KiB",
        "1.00 MiB",
        "1048576. EiB",
    ]


@pytest.mark.parametrize(
    "files, groups",
    [
        (
            {
                "/proc/self/cgroup": ["4:memory:/a/b", "3:cpu:/x"],
                "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": ["3000"],
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": ["9223372036854771712"],
            },
            [3000, 9223372036854771712],
        ),
        (
            {
                "/proc/self/cgroup": ["0::/a/b"],
                "/sys/fs/cgroup/a/b/memory.max": ["max"],
                "/sys/fs/cgroup/a/memory.max": ["2000"],
            },
            [2000],
        ),
        ({}, []),
    ],
)
def test_control_groups(monkeypatch, files, groups):
    monkeypatch.setattr(memory, "_lines", lambda path: files.get(path, []))
    assert list(memory._control_groups()) == groups


def test_resource_limits(monkeypatch):
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1 << 20, resource.RLIM_INFINITY))
    assert memory.limit() == 1 << 20
    with pytest.raises(MemoryError, match=r"Unable to allocate 1\.00 MiB for all of it"):
        memory.check((1 << 20) + 1, "all of it")


# ---------------------------------------------------------------- no such memory anywhere
# name, inputs, result, the argument that is too large and one that is not, the error in FAST_RUN
TOO_LARGE = [
    ("alloc", [k], T.zeros((k, k)), [10**9], [2], MemoryError),
    ("alloc_beyond_64_bits", [k], T.ones((k, k, k)) * 2, [10**7], [2], MemoryError),
    ("alloc_of_a_vector", [x, k], T.alloc(x, k, 3) + 1, [np.zeros(3), 10**13], [np.zeros(3), 2], MemoryError),
    ("arange", [k], T.arange(k) * 2, [10**15], [3], MemoryError),
    ("arange_beyond_64_bits", [k], T.arange(k) * 2, [2**62], [3], ValueError),
    ("float_arange", [x], T.arange(x[0]), [[1e15]], [[3.0]], MemoryError),
    ("float_arange_beyond_64_bits", [x], T.arange(x[0]), [[1e20]], [[3.0]], ValueError),
    ("eye", [k], T.eye(k) * 2, [10**8], [3], MemoryError),
    ("eye_beyond_64_bits", [k], T.eye(k) * 2, [10**10], [3], ValueError),
    ("tri_beyond_64_bits", [k, b], T.tri(k, b, dtype="int8") * 2, [2**62, 2], [3, 2], ValueError),
    (
        "outer",
        [x, k],
        T.outer(T.alloc(x[0], k), T.alloc(x[1], k)),
        [np.ones(2), 5 * 10**6],
        [np.ones(2), 3],
        MemoryError,
    ),
    (
        "dot",
        [x, k],
        T.dot(T.alloc(x[0], k, 1), T.alloc(x[1], 1, k)),
        [np.ones(2), 5 * 10**6],
        [np.ones(2), 3],
        MemoryError,
    ),
    ("repeat", [x, k], T.repeat(x, k), [np.ones(2), 10**14], [np.ones(2), 3], MemoryError),
    ("tile", [x, k], T.tile(x, (k,), ndim=1), [np.ones(2), 10**14], [np.ones(2), 3], MemoryError),
    ("join", [x, k], T.join(0, x, T.zeros((k,))), [np.ones(2), 10**14], [np.ones(2), 3], MemoryError),
    (
        "set_subtensor",
        [x, k],
        T.set_subtensor(T.zeros((k,))[:2], x),
        [np.ones(2), 10**14],
        [np.ones(2), 3],
        MemoryError,
    ),
    ("gather", [x, k], T.alloc(x, k, 2)[T.arange(k)], [np.ones(2), 10**14], [np.ones(2), 3], MemoryError),
    ("reshape", [x, k], x.reshape((k, k)), [np.ones(4), 2**40], [np.ones(4), 2], ValueError),
    ("all_steps", [k], accumulated(lambda p: p + 1, k), [10**14], [3], MemoryError),
    ("all_steps_until", [k], accumulated(lambda p: (p + 1, until(p > 3)), k), [10**14], [3], MemoryError),
    (
        "rows_of_steps",
        [x, k],
        accumulated(lambda p: p * x, k, x),
        [np.ones(10**5), 10**10],
        [np.ones(2), 3],
        MemoryError,
    ),
    ("in_a_step", [k], accumulated(lambda p: p + T.tanh(T.zeros((k, k)) + p).max(), 2), [10**9], [3], MemoryError),
    ("a_length_that_wraps", [k], T.zeros((k * k,)), [10**10], [3], MemoryError),
    ("numpys_random", [k], RandomStreams(1).uniform((k,)), [10**14], [3], MemoryError),
    ("mrgs_random", [k], MRG_RandomStreams(1).uniform((k,)), [10**14], [3], ValueError),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name, inputs, out, huge, small, error", TOO_LARGE, ids=[row[0] for row in TOO_LARGE])
def test_too_large_for_any_machine(name, inputs, out, huge, small, error, mode):
    f = theano.function(inputs, out, mode=mode)
    expected = error if mode == "FAST_RUN" else (MemoryError, ValueError)
    for _ in range(2):
        with pytest.raises(expected) as info:
            f(*huge)
        assert np.shape(f(*small))
    if info.type is MemoryError:
        assert str(info.value).startswith("Unable to allocate ") and "for an array with shape (" in str(info.value)
    text = str(info.value) + "".join(getattr(info.value, "__notes__", ()))
    assert "Apply node that caused the error: " in text and "JAX" not in text
    if "beyond_64_bits" in name and info.type is ValueError:
        assert info.match(NOT_ADDRESSABLE)
    assert not getattr(getattr(f.fn, "executor", None), "fallbacks", ())


def test_the_error_names_the_node_and_what_is_known_of_its_inputs():
    f = theano.function([x, k], T.zeros((k, k)) + x.sum())
    with pytest.raises(MemoryError) as info:
        f([1.0, 2.0], 10**9)
    for part in (
        "Unable to allocate 6.94 EiB for an array with shape (1000000000, 1000000000) and data type float64",
        "Apply node that caused the error: Alloc(",
        "Inputs shapes: [(), (), ()]",
        "array(1000000000)",
    ):
        assert part in str(info.value)
    assert info.value.__op_instance__.op == T.alloc and info.value.__cause__ is None


@pytest.mark.parametrize("mode", MODES)
def test_sparse(mode):
    a = S.csr_matrix("a", "float64")
    f = theano.function([a], S.dense_from_sparse(a) * 2, mode=mode)
    with pytest.raises(MemoryError, match="Unable to allocate"):
        f(scipy.sparse.csr_matrix((10**8, 10**7)))
    assert f(scipy.sparse.csr_matrix((3, 2))).shape == (3, 2)


@pytest.mark.parametrize("mode", MODES)
def test_shared_variables_keep_their_values(mode):
    s = theano.shared(np.zeros(3))
    f = theano.function([k], T.arange(k) * 2, updates=[(s, s + 1)], mode=mode)
    with pytest.raises(MemoryError):
        f(10**15)
    np.testing.assert_array_equal(s.get_value(), np.zeros(3))
    f(3)
    np.testing.assert_array_equal(s.get_value(), np.ones(3))


def test_what_is_never_made_may_have_any_size():
    assert theano.function([k], T.zeros((k, k)).shape)(10**10).tolist() == [10**10] * 2
    assert theano.function([k], T.zeros((k, 3))[:2, 1] + k)(10**15).shape == (2,)
    cost = accumulated(lambda p: (p + 1, until(p > 3)), k)[-1]
    assert theano.function([k], cost)(10**15) == 5


def test_a_branch_that_is_not_taken():
    huge = T.sort(T.arange(k) * -1.5)[:3]
    f = theano.function([x, k], ifelse(T.gt(x.sum(), 0), x, huge))
    np.testing.assert_array_equal(f(np.ones(3), 10**14), np.ones(3))
    with pytest.raises(MemoryError, match="Unable to allocate"):
        f(-np.ones(3), 10**14)
    np.testing.assert_array_equal(f(-np.ones(3), 3), [-3.0, -1.5, 0.0])


# ---------------------------------------------------------------- more than this machine has
@pytest.fixture
def four_megabytes(monkeypatch):
    monkeypatch.setattr(memory, "limit", lambda: 4 << 20)


@pytest.mark.parametrize(
    "out",
    [
        T.exp(T.outer(T.arange(k), x)).sum(axis=1)[:3],
        T.zeros((k, 10)).sum(axis=0) + x,
        accumulated(lambda p: p * x, k, x)[-1],
    ],
    ids=["sum", "sum_of_zeros", "last_step"],
)
def test_what_xla_never_makes_may_be_larger_than_the_machine(four_megabytes, out):
    f = theano.function([x, k], out, on_unused_input="ignore")
    f(np.ones(10), 100_000)
    assert f.fn.executor.planned and not f.fn.executor.fallbacks


@pytest.mark.parametrize(
    "out",
    [
        T.sort(T.outer(T.arange(k), x), axis=0)[3],
        T.alloc(x, k, 10) + 1,
        T.cumsum(T.outer(T.arange(k), x), axis=0)[5],
        accumulated(lambda p: p * 2 + x, k, x),
        accumulated(lambda p: p + T.sort(T.outer(T.arange(k), x), axis=0)[3], 2, x),
        ifelse(T.gt(x.sum(), 0), T.sort(T.outer(T.arange(k), x), axis=0)[3], x),
    ],
    ids=["sort", "output", "cumsum", "all_steps", "in_a_step", "branch"],
)
def test_what_xla_has_to_make(four_megabytes, out):
    f = theano.function([x, k], out)
    with pytest.raises(MemoryError, match=r"Unable to allocate 7\.63 MiB for an array with shape \(10000[01], 10\)"):
        f(np.ones(10), 100_000)
    assert len(f(np.ones(10), 100))
    assert not f.fn.executor.fallbacks


def test_results_that_fit_one_by_one(four_megabytes):
    f = theano.function([x, k], [T.alloc(x, k, 10) + 1, T.alloc(x, k, 10) * 2])
    text = r"Unable to allocate 4\.58 MiB for 2 results, the last with shape \(30000, 10\)\nApply node that caused"
    with pytest.raises(MemoryError, match=text):
        f(np.ones(10), 30_000)
    assert [len(result) for result in f(np.ones(10), 20_000)] == [20_000] * 2


def test_loops_without_an_executable_for_their_length(four_megabytes):
    states = accumulated(lambda p: p * 0.5 + x, k, x)
    with theano.change_flags(specializations=1):
        f = theano.function([x, k], states)
        for n in range(5, 15):
            assert f(np.ones(10), n).shape == (n, 10)
        with pytest.raises(MemoryError, match="Unable to allocate"):
            f(np.ones(10), 10**14)
        assert f(np.ones(10), 7).shape == (7, 10)


# ---------------------------------------------------------------- XLA finds out by itself
SCRIPT = """
import resource
import numpy as np, theano, theano.tensor as T
k = T.lscalar("k")
a, b, c = [T.arange(k) * w for w in (2.5, 3.5, 4.5)]
s = theano.shared(np.zeros(3))
functions = [theano.function([k], outs) for outs in (
    [a, b, c], [a, b, c, s[k % 3]], [T.nonzero(v)[0].sum() for v in (a, b, c)])]
functions += [theano.function([k], [], updates=[(s, a[-3:] + b[-3:] + T.sort(c)[::-1].sum())])]
for f in functions:
    f(3)
s.set_value(np.zeros(3))
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (250 << 20), resource.RLIM_INFINITY))
for f in functions:
    for _ in range(2):
        try:
            f(20 * 10**6)
        except MemoryError:
            print("MemoryError", s.get_value().tolist())
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print([len(f(3)) for f in functions[:3]], functions[3](3), s.get_value().tolist())
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the size of a process is asked of Linux")
def test_memory_that_runs_out_while_xla_runs():
    # Reading a result that XLA found no memory for ends the process, and its guard is never known.
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    *failed, last = done.stdout.splitlines()
    assert set(failed) == {"MemoryError [0.0, 0.0, 0.0]"} and len(failed) >= 6
    assert last == "[3, 4, 3] [] [13.5, 19.5, 25.5]", last
