"""Several devices by name: ``device=cpu,contexts=dev0->cuda0;dev1->cuda1``."""

import pickle

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano import gpuarray
from theanojax.graph.cells import raw
from theanojax.runtime.xla import devices

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore")]
A = np.random.RandomState(3).rand(5, 5)


def device_of(shared):
    (device,) = raw(shared.container.storage, 0).devices()
    return devices.name_of(device)


def pair():
    return theano.shared(A, "v0", target="dev0"), theano.shared(2 * A, "v1", target="dev1")


def test_each_product_runs_where_its_matrix_lies():
    v0, v1 = pair()
    assert v0.type.context_name == "dev0" and gpuarray.get_context("dev1").dev == "cuda1"
    f = theano.function([], [T.dot(v0, v0.T), T.dot(v1, v1.T), v0 + v1])
    for got, want in zip(f(), (A @ A.T, 4 * A @ A.T, 3 * A)):
        np.testing.assert_allclose(got, want)
    assert (device_of(v0), device_of(v1)) == ("cuda0", "cuda1")
    plan = str(f.fn.plan)
    assert "XLA on dev0:" in plan and "XLA on dev1:" in plan


def test_training_on_the_second_device():
    _, w = pair()
    x = T.dmatrix("x")
    cost = T.sqr(T.dot(x, w) - x).sum()
    step = theano.function([x], cost, updates=[(w, w - 0.01 * T.grad(cost, w))])
    costs = [step(A) for _ in range(4)]
    assert costs == sorted(costs, reverse=True) and device_of(w) == "cuda1"
    plan = str(step.fn.plan)
    assert plan.count("XLA on dev1:") == 1 and "gives away the buffer" in plan and "host" not in plan
    assert [t.step for t in step.fn.traced]


def test_from_one_device_to_another():
    v0, v1 = pair()
    f = theano.function([], updates=[(v1, v0.transfer("dev1") * 3), (v0, v1 + 0)])
    f()
    np.testing.assert_allclose(v1.get_value(), 3 * A)
    np.testing.assert_allclose(v0.get_value(), 2 * A)
    assert (device_of(v0), device_of(v1)) == ("cuda0", "cuda1")
    assert v0.transfer("dev1").owner.op == gpuarray.GpuToGpu("dev1")
    assert type(T.grad(v0.transfer("dev1").sum(), v0)) is not None


def test_loops_on_a_named_device():
    _, w = pair()
    x = T.dmatrix("x")
    states, _ = theano.scan(lambda h: T.tanh(T.dot(h, w)), outputs_info=x, n_steps=3)
    f = theano.function([x], states[-1])
    want = A
    for _ in range(3):
        want = np.tanh(want @ (2 * A))
    np.testing.assert_allclose(f(A), want)
    assert "XLA on dev1" in str(f.fn.plan)


def test_what_names_no_device_runs_on_the_device_in_use():
    x = T.dmatrix("x")
    f = theano.function([x], T.dot(x, x))
    np.testing.assert_allclose(f(A), A @ A)
    assert " on " not in str(f.fn.plan) and theano.config.device == "cpu"


def test_pickles():
    v0, _ = pair()
    again = pickle.loads(pickle.dumps(v0))
    assert again.type == v0.type
    np.testing.assert_array_equal(again.get_value(), A)


def test_a_context_of_another_process_is_the_device_in_use():
    v0, v1 = pair()
    for v in (v0, v1):
        v.type.context_name = "elsewhere"  # as of a pickle
    assert theano.function([], T.dot(v0, v1) + v0)().shape == (5, 5)


def test_names_that_are_not_there():
    with pytest.raises(gpuarray.ContextNotDefined, match="context name dev9 not defined"):
        theano.shared(A, target="dev9")
    with pytest.raises(ValueError, match="Can't transfer to target dev9"):
        T.dmatrix().transfer("dev9")
