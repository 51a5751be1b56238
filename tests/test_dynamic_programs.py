"""How programs of dynamic shapes run: what is compiled, what stays lazy, and who owns which array.

The values that such programs give are in tests/features.
"""

import re

import numpy as np
import pytest

import theano
import theano.tensor as T
from tests.features.case import Times
from theano.gof import Apply, Op
from theano.ifelse import ifelse
from theanojax.errors import HostFallbackWarning
from theanojax.graph.cells import raw
from theanojax.runtime.policy import background
from theanojax.runtime.xla.problems import Untraceable


def xla(f):
    """The XLA executor of a function, after checking that it never fell back to the host for good."""
    executor = f.fn.executor
    assert not executor.fallbacks, executor.fallbacks
    return executor


@pytest.fixture(autouse=True)
def strict():
    with theano.change_flags(xla_strict=True):
        yield


x, y = T.dvector("x"), T.dvector("y")
m = T.dmatrix("m")
n = T.iscalar("n")
i = T.lscalar("i")


def test_a_shape_that_only_the_data_decide():
    f = theano.function([x], T.zeros((T.cast(x.sum(), "int64"),)))
    for _ in range(2):  # compiled, then from the cache
        np.testing.assert_array_equal(f([1.0, 1.0]), np.zeros(2))
    xla(f)


def test_minibatch_index_compiles_once_for_all_full_minibatches():
    data = theano.shared(np.arange(70.0).reshape(35, 2))
    f = theano.function([i], m.sum(axis=0), givens={m: data[i * 10 : (i + 1) * 10]})
    for k in range(3):
        np.testing.assert_array_equal(f(k), data.get_value()[k * 10 : (k + 1) * 10].sum(axis=0))
    assert xla(f).compilations == 1
    f(3)  # five rows are left
    assert xla(f).compilations == 2


@pytest.mark.parametrize("borrow", [True, False])
def test_large_shared_data_is_sliced_where_it_lies(borrow):
    value = np.arange(400_000.0).reshape(4000, 100)
    data = theano.shared(value, borrow=borrow)
    f = theano.function([i], [m.sum(), m], givens={m: data[i * 10 : (i + 1) * 10]})
    for k in (0, 3, 399):
        total, rows = f(k)
        assert total == value[k * 10 : (k + 1) * 10].sum()
        np.testing.assert_array_equal(rows, value[k * 10 : (k + 1) * 10])
        rows[:] = 0  # the caller's own
    assert value[5, 5] == 505 and xla(f).compilations == 1
    assert f(400)[1].shape == (0, 100)
    idx = T.lvector("idx")
    g = theano.function([idx], data[idx].sum(axis=1))
    np.testing.assert_array_equal(g([7, 7]), [value[7].sum()] * 2)
    with pytest.raises(IndexError, match="Apply node that caused the error"):
        g([0, 4000])


def test_large_data_is_read_in_place_until_it_lies_where_xla_cannot_read():
    data, seen = theano.shared(np.arange(400_000.0).reshape(4000, 100)), theano.shared(np.zeros(100))
    rows = data[i * 10 : (i + 1) * 10]
    f = theano.function([i], rows.sum(), updates=[(seen, seen + rows[0])])
    assert f(3) == data.get_value()[30:40].sum()
    assert [stage.on_xla for stage in xla(f).plan.stages] == [True]
    memory = np.empty(400_002)
    value = memory[1:400_001].reshape(4000, 100)  # numpy's memory is aligned to 16 bytes, this is not
    value[...] = 1.0
    data.set_value(value, borrow=True)
    assert f(399) == 1000.0 and f(0) == 1000.0
    assert [stage.on_xla for stage in xla(f).plan.stages] == [False, True]
    np.testing.assert_array_equal(seen.get_value(), np.arange(3000.0, 3100.0) + 2)
    data.set_value(2 * value)
    assert f(0) == 2000.0
    assert xla(f).compilations == 2


def test_new_shapes_stop_compiling_and_frequent_ones_start_again():
    with theano.change_flags(specializations=2):
        f = theano.function([x], T.exp(x).sum())
        for k in range(1, 12):
            np.testing.assert_allclose(f(np.zeros(k)), k)
        assert xla(f).compilations == 2
        patience = f.fn.executor._program.simple[0].patience
        (signature,) = [s for s in patience.spent if s[1] == ((11,),)]
        patience.note_host_call(signature, 1e6)  # as if it had come back often
        np.testing.assert_allclose(f(np.zeros(11)), 11)  # by the host again, while it is compiled
        background.wait()
        assert xla(f).compilations == 3
        spent = patience.spent.get(signature)
        np.testing.assert_allclose(f(np.zeros(11)), 11)
        assert xla(f).compilations == 3 and patience.spent.get(signature) == spent
        assert f(np.zeros(1)) == 1 and xla(f).compilations == 3


def test_a_failing_call_leaves_every_shared_variable_as_it_was():
    s, t = theano.shared(np.arange(3.0)), theano.shared(1.0)
    f = theano.function([i], s[i], updates=[(s, s * 2), (t, t + 1)])
    assert f(1) == 1.0
    with pytest.raises(IndexError):
        f(7)
    np.testing.assert_array_equal(s.get_value(), [0.0, 2.0, 4.0])
    assert t.get_value() == 2.0
    assert f(2) == 4.0


def test_op_with_only_a_perform_runs_between_xla_stages():
    f = theano.function([x], T.exp(Times(2)(x + 1)).sum())
    np.testing.assert_allclose(f([0.0, 1.0]), np.exp(2) + np.exp(4))
    assert len(xla(f)._program.xla_stages) == 2
    g = theano.function([x], T.grad(T.exp(Times(2)(x)).sum(), x))
    np.testing.assert_allclose(g([0.0]), [2.0])


@pytest.mark.parametrize("linker", ["vm", "cvm", "py"])
def test_ifelse_runs_only_the_branch_taken(linker):
    mode = theano.Mode(linker=linker, optimizer="fast_run")
    c = T.iscalar("c")
    f = theano.function([c, x, y], ifelse(c, Times(2)(x).sum(), y.sum()), mode=mode)
    Times.runs = 0
    assert f(0, [1.0], [5.0]) == 5.0
    assert Times.runs == 0
    assert f(1, [1.0], [5.0]) == 2.0
    assert Times.runs == 1


def test_ifelse_whose_condition_needs_data_and_whose_branches_differ_in_shape():
    f = theano.function([x, y], ifelse(T.gt(x.sum(), 0), x * 2, y))
    np.testing.assert_array_equal(f([1.0], [2.0, 3.0]), [2.0])
    np.testing.assert_array_equal(f([-1.0], [2.0, 3.0]), [2.0, 3.0])
    xla(f)


def test_outputs_are_writable_and_nobody_elses():
    s = theano.shared(np.zeros(5000))
    f = theano.function([x], [x, x * 1, s, s + 1])
    value = np.zeros(5000)
    for out in f(value):
        assert type(out) is np.ndarray and out.flags.writeable
        out += 1
    assert not value.any() and not s.get_value().any()
    np.testing.assert_array_equal(f(value)[3], np.ones(5000))


def test_updates_swap_without_mixing():
    a, b = theano.shared(np.full(3, 1.0)), theano.shared(np.full(3, 2.0))
    f = theano.function([], [], updates=[(a, b), (b, a)])
    for _ in range(3):
        f()
    np.testing.assert_array_equal(a.get_value(), np.full(3, 2.0))
    np.testing.assert_array_equal(b.get_value(), np.full(3, 1.0))


def test_updates_take_over_the_buffer_of_the_old_value():
    s = theano.shared(np.zeros((300, 300)))
    f = theano.function([], [], updates=[(s, s + 1)])
    f()
    first = raw(s.container.storage, 0).unsafe_buffer_pointer()
    f()
    assert raw(s.container.storage, 0).unsafe_buffer_pointer() == first
    np.testing.assert_array_equal(s.get_value(), np.full((300, 300), 2.0))


def test_shared_changes_shape_and_borrowed_values_are_seen():
    s = theano.shared(np.zeros(2), borrow=True)
    f = theano.function([], s.sum(), updates=[(s, T.concatenate([s, [1.0]]))])
    assert f() == 0 and f() == 1 and s.get_value().shape == (4,)
    view = s.get_value(borrow=True)
    view[:] = 10
    assert f() == 40


@pytest.mark.parametrize("action", ["raise", "warn", "pdb"])
def test_calls_made_while_test_values_are_asked_for(action):
    x, n = T.dmatrix("x"), T.lscalar("n")
    sums, _ = theano.scan(lambda row, total: total + row[:2].sum(), sequences=x[:, :n], outputs_info=T.zeros(()))
    f = theano.function([x, n], [sums[-1], x[:n].sum(), T.arange(n * 2), x[x > 1]])
    with theano.change_flags(compute_test_value=action, specializations=1):
        for rows in (3, 4, 5, 6):  # known shapes and new ones, in XLA and without an executable
            total, part, numbers, above = f(np.ones((rows, 4)) * 2, 2)
            assert (total, part, len(numbers), len(above)) == (rows * 4, 16, 4, rows * 4)
    xla(f)


# ---------------------------------------------------------------- Ops that cannot be traced
class Flip(Op):
    """`x` or -`x`, by a condition on its values."""

    __props__ = ()

    def make_node(self, value):
        return Apply(self, [value], [value.type()])

    def compute(self, xp, node, value):
        return value if value.sum() > 0 else -value


class Refuse(Flip):
    """An Op that knows a mistake by its values."""

    __props__ = ()

    def compute(self, xp, node, value):
        if float(value.sum()) < 0:
            raise ValueError("a negative sum")
        return value


@pytest.fixture
def lenient():
    with theano.change_flags(xla_strict=False):
        yield


def test_a_node_that_cannot_be_traced_runs_on_the_host_and_says_so_once(lenient, recwarn, caplog):
    caplog.set_level("INFO", "theanojax")
    steps, _ = theano.scan(lambda p: T.tanh(p) * 2, outputs_info=x, n_steps=3)
    f = theano.function([x, y], [Flip()(steps[-1]).sum(), Flip()(y * 2)])
    host = theano.function([x, y], [Flip()(steps[-1]).sum(), Flip()(y * 2)], mode="FAST_COMPILE")
    for sign in (1, -1, 1, -1):
        for got, expected in zip(f(np.ones(2) * sign, [1.0, -2.0]), host(np.ones(2) * sign, [1.0, -2.0])):
            np.testing.assert_allclose(got, expected)
    said = [str(w.message) for w in recwarn if issubclass(w.category, HostFallbackWarning)]
    assert len(said) == 2 == len(set(said)) and said == caplog.messages
    for text in said:
        assert re.match(r"Flip\(.*\) cannot be traced by XLA: TracerBoolConversionError: Attempted boolean", text)
        where = " (docs/errors.md#hostfallbackwarning)"
        assert text.endswith("It runs on the host from now on, all others on XLA." + where)
    executor = xla(f)
    assert {type(n.op) for n in executor.learned.host_nodes} == {Flip} and executor.compilations


def test_a_mistake_met_while_tracing_sends_no_node_to_the_host(lenient, recwarn):
    f = theano.function([m, x], T.dot(m, x) + T.dot(m * 2, x))
    for _ in range(2):
        with pytest.raises(ValueError, match=r"Shape mismatch: A.shape\[1\]|shapes \(2,3\) and \(2,\) not aligned"):
            f(np.ones((2, 3)), np.ones(2))
    np.testing.assert_array_equal(f(np.ones((2, 3)), np.ones(3)), [9.0, 9.0])
    assert not xla(f).learned.host_nodes and not recwarn.list


def test_an_error_of_the_op_itself_is_raised_by_the_host_with_its_node(lenient):
    f = theano.function([x], Refuse()(x) * 2)
    with pytest.raises(ValueError, match="a negative sum\nApply node that caused the error: Refuse"):
        f([-1.0])
    assert not f.fn.executor.learned.host_nodes
    with pytest.warns(HostFallbackWarning, match=r"Refuse\(x\) cannot be traced by XLA: ConcretizationTypeError"):
        np.testing.assert_array_equal(f([1.0]), [2.0])
    with pytest.raises(ValueError, match="a negative sum\nApply node that caused the error: Refuse"):
        f([-1.0])
    np.testing.assert_array_equal(f([3.0]), [6.0])


def test_a_loop_whose_step_cannot_be_traced_runs_on_the_host(lenient):
    steps, _ = theano.scan(lambda p: Flip()(p) - 3, outputs_info=x, n_steps=3)
    f = theano.function([x], steps[-1] * 2)
    with pytest.warns(HostFallbackWarning, match=r"Flip\(x\[t-1\]\) cannot be traced by XLA"):
        np.testing.assert_array_equal(f([1.0]), [-4.0])
    np.testing.assert_array_equal(f([1.0]), [-4.0])
    assert {type(n.op).__name__ for n in xla(f).learned.host_nodes} == {"Scan"}


def test_a_branch_that_cannot_be_traced_and_is_not_taken(lenient, recwarn):
    f = theano.function([x], ifelse(T.gt(x.sum(), 0), x * 2, Flip()(x) * 3))
    np.testing.assert_array_equal(f([1.0]), [2.0])
    assert not recwarn.list and not xla(f).learned.host_nodes
    with pytest.warns(HostFallbackWarning, match=r"Flip\(x\) cannot be traced by XLA"):
        np.testing.assert_array_equal(f([-1.0]), [3.0])
    np.testing.assert_array_equal(f([1.0]), [2.0])


def test_strict_raises_what_tracing_met():
    with pytest.raises(Untraceable, match=r"Flip\(x\) cannot be traced by XLA"):
        theano.function([x], Flip()(x))([1.0])


def test_numbers_that_fix_shapes_wrap_around():
    v, i = T.dvector("v"), T.lscalar("i")
    for dtype, text, number in (
        ("int8", lambda n: n + n, -83),
        ("uint8", lambda n: n * n, 16),
        ("uint8", lambda n: n - 3, 2),
    ):
        n = T.scalar(dtype=dtype)
        f, by_host = (theano.function([n, v], v[text(n) :], mode=m) for m in (None, theano.Mode(linker="py")))
        for value in (number, 1, 4):
            value = np.array(value, dtype)
            np.testing.assert_array_equal(f(value, np.arange(20.0)), by_host(value, np.arange(20.0)))
    data = theano.shared(np.arange(100.0), "data")
    part = theano.function([i], T.tanh(data[i * 8 : (i + 1) * 8]).cumsum())
    for index in (2**62, -(2**63), 0):
        np.testing.assert_allclose(part(index), np.tanh(np.arange(8.0)).cumsum())
