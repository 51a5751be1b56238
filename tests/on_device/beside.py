"""A GPU by name beside the CPU: ``device=cpu,contexts=dev0->cuda0``."""

import numpy as np
import pytest

import theano
import theano.tensor as T
from theanojax.graph.cells import on_device, raw
from theanojax.runtime.xla import devices

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore")]
A = np.random.RandomState(3).rand(60, 60)


def where(shared):
    value = raw(shared.container.storage, 0)
    return devices.name_of(*value.devices()) if on_device(value) else "host"


def step(w, x):
    cost = T.sqr(T.dot(x, w) - x).sum()
    return theano.function([x], cost, updates=[(w, w - 1e-4 * T.grad(cost, w))])


def test_each_trains_where_it_lies():
    there, here = theano.shared(A, "there", target="dev0"), theano.shared(A, "here")
    x = T.dmatrix("x")
    on_gpu, on_cpu = step(there, x), step(here, x)
    for _ in range(5):
        np.testing.assert_allclose(on_gpu(A), on_cpu(A), rtol=1e-9)
    assert (where(there), where(here), theano.config.device) == ("cuda0", "cpu", "cpu")
    assert "XLA on dev0:" in str(on_gpu.fn.plan) and " on " not in str(on_cpu.fn.plan)
    np.testing.assert_allclose(there.get_value(), here.get_value(), rtol=1e-9)


def test_from_the_one_to_the_other_and_back():
    x, n = T.dmatrix("x"), T.iscalar("n")
    product = T.dot(x.transfer("dev0"), x)
    states, _ = theano.scan(lambda h: T.tanh(h) + 1, outputs_info=product, n_steps=n)
    w = theano.shared(np.zeros((60, 60)), "w")
    f = theano.function([x, n], [product.sum(), T.exp(-x).sum()], updates=[(w, states[-1])])
    for steps in (2, 5, 3000):  # a loop that Ctrl-C can end on the CPU
        got = f(A, steps)
    np.testing.assert_allclose(got, [(A @ A).sum(), np.exp(-A).sum()], rtol=1e-9)
    want = A @ A
    for _ in range(3000):
        want = np.tanh(want) + 1
    np.testing.assert_allclose(w.get_value(), want, rtol=1e-9)


def test_an_argument_may_change_after_the_call():
    w = theano.shared(A, "w", target="dev0")
    x = T.dmatrix("x")
    f, plain = theano.function([x], T.dot(x, w)), theano.function([x], T.dot(x, x))
    value = A.copy()
    first = f(value), plain(value)
    value[...] = 0
    np.testing.assert_allclose(first[0], A @ A)
    np.testing.assert_allclose(first[1], A @ A)
