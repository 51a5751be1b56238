"""Any number of threads may call, compile and read: each call is as if it were alone."""

import mmap
import sys
import threading
import time

import numpy as np
import pytest

import theano
import theano.tensor as T
from tests.stress.subjects import KINDS, Same, Subject
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.shared_randomstreams import RandomStreams


def in_threads(n, work):
    """Run ``work(i)`` in n threads; the exceptions they raise fail the test."""
    errors = []

    def run(i):
        try:
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]


@pytest.fixture(params=[None, 1e-5], ids=["default switches", "many switches"])
def switches(request):
    before = sys.getswitchinterval()
    if request.param:
        sys.setswitchinterval(request.param)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("linker", ["cvm", "py"])
def test_calls_of_one_function_do_not_mix(switches, linker):
    x = T.dvector("x")
    f = theano.function([x], T.exp(-x / 1e4) + Same()(x), mode=theano.Mode(linker, "fast_run"))

    def work(i):
        v = np.empty(20001)[1:]  # XLA cannot read it in place
        v[:] = i
        for _ in range(50):
            np.testing.assert_allclose(f(v), np.exp(-v / 1e4) + i, rtol=1e-12)

    in_threads(6, work)


@pytest.mark.parametrize("kind", KINDS)
def test_no_update_is_lost_and_no_reader_sees_a_torn_state(switches, kind):
    s = Subject(kind)
    other = Subject(kind, other=s)
    complaints = []

    def work(i):
        for j in range(12):
            subject = (s, other)[(i + j) % 2]
            complaints.append(subject.call(subject.step, np.ones(10), 3))
            complaints.append(subject.check())
            complaints.append(subject.check_values())

    in_threads(4, work)
    assert not any(complaints), [c for c in complaints if c]
    assert s.c.get_value() == other.c.get_value() == 24


def test_updates_by_different_functions_are_serial():
    a, b = theano.shared(np.zeros(3000)), theano.shared(np.zeros(3000))
    f = theano.function([], [], updates=[(a, a + 1)])
    g = theano.function([], [], updates=[(a, a + 1), (b, b + 1)])
    h = theano.function([], [], updates=[(b, a + 0 * b)])
    in_threads(6, lambda i: [(f, g)[i % 2]() for _ in range(100)])
    assert a.get_value().tolist() == [600] * 3000 and b.get_value()[0] == 300
    h()
    assert b.get_value()[0] == 600


def test_a_swap_stays_one_under_threads():
    """b = a and a = b by two functions: whatever their order, the two values never become equal by a write skew."""
    a, b = theano.shared(np.zeros(2000)), theano.shared(np.ones(2000))
    swap = theano.function([], [], updates=[(a, b), (b, a)])
    total = theano.function([], a.sum() + b.sum())
    in_threads(4, lambda i: [swap() if i % 2 else np.testing.assert_equal(total(), 2000) for _ in range(100)])
    one_way, other_way = (theano.function([], [], updates=[(p, q + 1)]) for p, q in ((a, b), (b, a)))
    in_threads(4, lambda i: [(one_way, other_way)[i % 2]() for _ in range(50)])
    assert abs(a.get_value()[0] - b.get_value()[0]) == 1  # one of them ran last, with the other's value in view


def test_set_value_waits_for_the_call_that_would_undo_it():
    s = theano.shared(np.zeros(3))
    entered, leave = threading.Event(), threading.Event()

    class Slow(Same):
        def perform(self, node, inputs, output_storage):
            entered.set()
            leave.wait(20)
            output_storage[0][0] = inputs[0] + 1

    f = theano.function([], [], updates=[(s, Slow()(s))])
    caller = threading.Thread(target=f)
    caller.start()
    assert entered.wait(20)
    setter = threading.Thread(target=lambda: s.set_value(np.full(3, 7.0)))
    setter.start()
    time.sleep(0.1)
    assert setter.is_alive() and s.get_value().tolist() == [0] * 3
    leave.set()
    caller.join()
    setter.join()
    assert s.get_value().tolist() == [7.0] * 3


def test_functions_without_updates_run_at_the_same_time():
    """Two calls meet inside one function."""
    meeting = threading.Barrier(2, timeout=20)

    class Meet(Same):
        def perform(self, node, inputs, output_storage):
            meeting.wait()
            output_storage[0][0] = inputs[0] * 2

    x = T.dvector("x")
    f = theano.function([x], Meet()(x) + 1)
    in_threads(2, lambda i: np.testing.assert_array_equal(f(np.full(3, i)), np.full(3, 2 * i + 1)))


def test_readers_and_a_trainer_never_wait_for_each_other(switches):
    """Whatever the order in which their graphs name the variables; most of the time two of the three hung in XLA."""
    a, b = theano.shared(np.zeros(64)), theano.shared(np.ones(64))
    train = theano.function([], [], updates=[(a, a + 1), (b, b + 1)])
    reads = [theano.function([], p / 2 + q) for p, q in ((a, b), (b, a))]
    calls, end = [0, 0, 0], time.monotonic() + 2

    def work(i, f):
        while time.monotonic() < end:
            f()
            calls[i] += 1

    threads = [threading.Thread(target=work, args=given, daemon=True) for given in enumerate([train, *reads])]
    for t in threads:
        t.start()
    for t in threads:
        t.join(20)
    assert not any(t.is_alive() for t in threads), "after %s calls" % calls
    assert a.get_value().tolist() == [calls[0]] * 64


@pytest.mark.parametrize("streams", [RandomStreams, MRG_RandomStreams])
def test_no_draw_is_repeated_or_skipped(switches, streams):
    f = theano.function([], streams(5).uniform((3,)))
    g = theano.function([], streams(5).uniform((3,)))
    seen = []
    in_threads(4, lambda i: seen.extend(tuple(f().tolist()) for _ in range(50)))
    assert sorted(seen) == sorted(tuple(g().tolist()) for _ in range(200))


def test_compiling_in_threads(switches):
    w = theano.shared(np.ones(4))

    def work(i):
        for j in range(4):
            z, n = T.dvector("z"), T.lscalar("n")
            loop = theano.scan(lambda h, z: h * z, outputs_info=T.ones_like(z), non_sequences=z, n_steps=n)[0][-1]
            f = theano.function([z, n], [T.grad((T.tanh(z * i) ** 2).sum(), z) + j * w, loop])
            v = np.arange(4.0)
            gradient, power = f(v, 3)
            np.testing.assert_allclose(gradient, 2 * np.tanh(v * i) * (1 - np.tanh(v * i) ** 2) * i + j)
            np.testing.assert_allclose(power, v**3)

    in_threads(4, work)


def test_a_function_may_call_itself():
    x, k = T.dvector("x"), T.lscalar("k")

    class Down(theano.Op):
        __props__ = ()

        def make_node(self, x, k):
            return theano.Apply(self, [x, k], [x.type()])

        def perform(self, node, inputs, output_storage):
            v, k = inputs
            output_storage[0][0] = f(v * 2, k - 1) if k > 0 else v + 0

    f = theano.function([x, k], Down()(x, k) + 1)
    assert f([1.0], 3).tolist() == [12.0]


def test_keyword_arguments_in_threads():
    x, y = T.dscalar("x"), T.dscalar("y")
    f = theano.function([x, theano.In(y, value=10.0)], x + y)

    def work(i):
        for _ in range(200):
            assert f(x=i) == i + 10 and f(x=i, y=i) == 2 * i

    in_threads(4, work)


def test_arguments_belong_to_the_caller_again_after_the_call():
    """A function without outputs has read them when it returns, and its copies of them are not used again too early."""
    s, x = theano.shared(np.zeros((300, 300))), T.dmatrix("x")
    f = theano.function([x], [], updates=[(s, T.tanh(T.dot(s, s)) * 0 + s + x)])
    f(np.zeros((300, 300)))
    for i in range(30):
        batch = np.empty(300 * 300 + i % 2)[i % 2 :].reshape(300, 300)  # in place for XLA, and not
        batch[...] = 1
        f(batch)
        batch[...] = 1000
        f(np.zeros(300 * 300 + 1)[1:].reshape(300, 300))
    assert s.get_value().min() == s.get_value().max() == 30


def test_the_first_call_of_a_function_inside_another_joins_their_groups_later():
    a, b = theano.shared(np.zeros(2000)), theano.shared(np.zeros(2000))
    entered, leave = threading.Event(), threading.Event()
    inner = theano.function([], [], updates=[(a, a + b + 1)])  # reads what the outer one updates
    theano.function([], [], updates=[(a, a + 0)])()

    class Calls(Same):
        def perform(self, node, inputs, output_storage):
            inner()
            entered.set()
            leave.wait(20)
            output_storage[0][0] = inputs[0] + 1

    outer, other = (theano.function([], [], updates=[(b, new)]) for new in (Calls()(b), b + 100))
    outer_thread, other_thread = threading.Thread(target=outer), threading.Thread(target=other)
    outer_thread.start()
    assert entered.wait(20)
    other_thread.start()
    time.sleep(0.1)
    assert other_thread.is_alive()
    leave.set()
    outer_thread.join()
    other_thread.join()
    assert b.get_value().tolist() == [101] * 2000 and a.get_value()[0] == 1


@pytest.mark.parametrize("updates", [True, False])
def test_a_function_inside_another_leaves_it_its_arrays(updates):
    s = theano.shared(np.zeros(3000))
    inner = theano.function([], [], updates=[(s, s + 1)])
    runs = []

    class Calls(Same):
        def perform(self, node, inputs, output_storage):
            runs.append(None)
            inner()
            output_storage[0][0] = inputs[0] + 0

    x = T.dvector("x")
    outer = theano.function([x], Calls()(x).sum() + s.sum(), updates=[(s, s + 10)] if updates else [])
    for i in range(4):
        inner()
        assert outer(np.ones(2)) >= 2
    assert len(runs) == 4 and s.get_value()[0] == (44 if updates else 8)


def test_memory_that_is_written_in_place_is_read_whole():
    memory = np.frombuffer(mmap.mmap(-1, 8 * 200000))
    s = theano.shared(np.zeros(3))
    s.set_value(memory, borrow=True)
    add, read = theano.function([], [], updates=[(s, s + 1)]), theano.function([], [s.min(), s.max()])

    def work(i):
        for _ in range(30):
            if i == 0:
                add()
            else:
                low, high = read()
                value = s.get_value()
                assert low == high and value.min() == value.max()

    in_threads(3, work)
    assert memory[0] == memory[-1] == 30


def test_compiling_does_not_switch_off_the_test_values_of_other_threads():
    done = []

    def compile_and_stop():
        try:
            for i in range(5):
                x = T.dvector("x")
                x.tag.test_value = np.ones(2)
                theano.function([x], T.exp(x) * i)(np.ones(2))
        finally:
            done.append(None)

    with theano.change_flags(compute_test_value="raise"):
        thread = threading.Thread(target=compile_and_stop)
        thread.start()
        while not done:
            assert theano.config.compute_test_value == "raise"
            x = T.dvector("x")
            x.tag.test_value = np.ones(3)
            assert (x * 2).tag.test_value.tolist() == [2, 2, 2]
        thread.join()


@pytest.mark.parametrize("how", ["set", "call"])
def test_a_callback_may_use_the_variables_of_its_call(how):
    s = theano.shared(np.zeros(2000))
    add = theano.function([], [], updates=[(s, s + 100)])
    seen = []

    def show(op, value):
        seen.append(s.get_value(borrow=True)[0])
        s.set_value(np.full(2000, 50.0)) if how == "set" else add()

    f = theano.function([], [], updates=[(s, theano.printing.Print("s", global_fn=show)(s) + 1)])
    for i in range(3):
        f()
        assert s.get_value()[0] == i + 1  # what the call computes comes last, as in Theano
    assert len(seen) == 3
