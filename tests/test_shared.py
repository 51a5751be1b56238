"""theano.shared: which constructor takes what, values in and out, sharing between functions."""

import copy
import mmap
import subprocess
import sys

import numpy as np
import pytest

import theano.tensor as T
from theano import function, shared
from theano.compile import SharedVariable, shared_constructor
from theano.gof import generic


@pytest.mark.parametrize(
    "value, kind",
    [
        (1.0, "TensorType(float64, scalar)"),
        (1, "TensorType(int64, scalar)"),
        (True, "TensorType(bool, scalar)"),
        (np.float32(1), "TensorType(float32, scalar)"),
        (np.zeros((1, 3)), "TensorType(float64, matrix)"),
        (np.zeros(3, "int8"), "TensorType(int8, vector)"),
    ],
)
def test_types(value, kind):
    assert str(shared(value).type) == kind


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, None, np.array(["a"])])
def test_other_objects_are_generic(value):
    s = shared(value)
    assert s.type == generic and type(s) is SharedVariable
    with pytest.raises(TypeError, match="The generic 'SharedVariable' object is not subscriptable"):
        s[0]


def test_broadcastable():
    assert shared(np.zeros((1, 3)), broadcastable=(True, False)).broadcastable == (True, False)
    assert shared(np.float64(0.5), broadcastable=()).ndim == 0
    with pytest.raises(TypeError, match="No suitable SharedVariable"):
        shared(np.float64(0.5), broadcastable=(True,))


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: shared(T.dscalar()), TypeError, "needs numeric values and not symbolic variables"),
        (lambda: shared(1.0, foo=2), TypeError, "No suitable SharedVariable constructor could be found"),
        (lambda: shared(np.float32(1)).set_value(1.5e300), TypeError, "cannot store accurately value 1.5e\\+300"),
        (lambda: shared(np.ones(2, "float32")).set_value(np.ones(2)), TypeError, "without risking loss of precision"),
        (
            lambda: shared(np.ones(2)).set_value(np.ones((2, 2))),
            TypeError,
            "Wrong number of dimensions: expected 1, got 2",
        ),
        (lambda: shared(np.ones(2), strict=True).set_value(np.ones(2, "float32")), TypeError, "dtype = float64"),
        (lambda: shared(1.0).value, Exception, "sharedvar.value does not exist anymore"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_values_are_copied_unless_borrowed():
    a = np.zeros(3)
    s, b = shared(a), shared(a, borrow=True)
    a[0] = 1
    assert s.get_value()[0] == 0 and b.get_value()[0] == 1
    s.get_value()[1] = 5
    assert s.get_value()[1] == 0
    s.get_value(borrow=True)[1] = 5
    assert s.get_value()[1] == 5
    s.set_value(a, borrow=True)
    a[2] = 9
    assert s.get_value()[2] == 9 and s.get_value(borrow=True) is a


def test_writing_into_a_borrowed_value_is_seen_after_updates():
    s = shared(np.zeros(2))
    f = function([], s.sum(), updates=[(s, s + 1)])
    f()
    s.get_value(borrow=True)[0] = 10
    assert f() == 11
    assert s.get_value().tolist() == [11, 2]


def test_values_that_change_places_are_not_copied():
    a, b = shared(np.zeros(2)), shared(np.ones(2))
    one, two = a.get_value(borrow=True), b.get_value(borrow=True)
    swap = function([], [], updates=[(a, b), (b, a)])
    swap()
    assert a.get_value(borrow=True) is two and b.get_value(borrow=True) is one
    function([], [], updates=[(a, b)])()
    assert not np.may_share_memory(a.get_value(borrow=True), b.get_value(borrow=True))


@pytest.mark.parametrize("borrow_later", [True, False])
def test_updates_are_written_into_memory_that_processes_share(borrow_later):
    memory = mmap.mmap(-1, 3 * 8)
    mine, others = np.frombuffer(memory), np.frombuffer(memory)
    if borrow_later:
        s = shared(np.ones(3))
        s.set_value(mine, borrow=True)
    else:
        s = shared(mine, borrow=True)
    t = shared(np.full(3, 5.0))
    add = function([], s.sum(), updates=[(s, s + 1)])
    assert add() == 0 and others.tolist() == [1, 1, 1]
    others[0] = 7
    assert add() == 9 and others.tolist() == [8, 2, 2] and s.get_value(borrow=True) is mine
    function([], [], updates=[(s, t), (t, s)])()
    assert others.tolist() == [5, 5, 5] and t.get_value().tolist() == [8, 2, 2]
    s.set_value(np.zeros(3))
    add()
    assert others.tolist() == [5, 5, 5] and s.get_value().tolist() == [1, 1, 1]


def test_functions_share_the_value():
    s = shared(0)
    add, get = function([], updates=[(s, s + 1)]), function([], s)
    add()
    add()
    assert get() == 2
    s.set_value(10)
    assert get() == 10
    add()
    assert s.get_value() == 11 and s.get_value().dtype == "int64"


def test_container():
    s = shared(np.ones(2))
    cell = s.container.storage
    assert cell[0] is s.get_value(borrow=True)
    cell[0] = np.zeros(2)
    assert function([], s)().tolist() == [0, 0]


def test_clones_share_the_container():
    s = shared(1.0, name="s")
    s.tag.mark = 1
    t = s.clone()
    t.set_value(5.0)
    assert s.get_value() == 5 and t.name == "s" and t.tag.mark == 1 and t is not s


def test_zero():
    s = shared(np.ones(2))
    held = s.get_value(borrow=True)
    s.zero()
    assert held.tolist() == [1, 1] and s.get_value().tolist() == [0, 0]


def test_deepcopy_is_independent():
    s = shared(np.ones(2))
    t = copy.deepcopy(s)
    t.set_value(np.zeros(2))
    assert s.get_value().tolist() == [1, 1]


def test_generic_values_pass_through_functions():
    d = {"a": 1}
    s = shared(d)
    assert function([], s)() == d


def test_own_constructor():
    class Thing:
        pass

    @shared_constructor
    def thing_constructor(value, name=None, strict=False, allow_downcast=None):
        if not isinstance(value, Thing):
            raise TypeError("not a thing")
        return SharedVariable(type=generic, value=value, name="a thing", strict=strict, allow_downcast=allow_downcast)

    try:
        assert shared(Thing()).name == "a thing" and shared(1.0).name is None
    finally:
        shared_constructor(thing_constructor, remove=True)
    assert shared(Thing()).name is None


def test_random_state_is_a_shared_value():
    from theano.tensor.shared_randomstreams import RandomStateSharedVariable  # its module registers the constructor

    state = shared(np.random.RandomState(3))
    assert isinstance(state, RandomStateSharedVariable) and isinstance(state.get_value(), np.random.RandomState)


def test_a_generator_is_a_state_whatever_has_been_imported():
    code = (
        "import numpy, theano\n"
        "rng = theano.shared(numpy.random.RandomState(1))\n"
        "from theano.tensor import raw_random\n"
        "state, draw = raw_random.uniform(rng, (2,))\n"
        "f = theano.function([], draw, updates=[(rng, state)])\n"
        "numbers = numpy.random.RandomState(1).rand(4)\n"
        "print(rng, (f() == numbers[:2]).all(), (f() == numbers[2:]).all())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "<RandomStateType> True True\n" and "WARNING" not in done.stderr
