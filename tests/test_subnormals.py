"""Numbers too small for full precision: XLA's CPU counts them as zero, numpy does not."""

import copy
import pickle

import numpy as np
import pytest

import theanojax
import theanojax.tensor as T
from theanojax import change_flags
from theanojax.runtime.host import HostExecutor

TINY = {"float64": 5e-310, "float32": 5e-40}


def made(inputs, outputs, keep=True, **options):
    with change_flags(xla_keep_subnormals=keep):
        return theanojax.function(inputs, outputs, **options)


@pytest.mark.parametrize("dtype", TINY)
def test_they_are_kept_where_the_flag_asks_for_it(dtype):
    x = T.TensorType(dtype, (False,))("x")
    tiny = np.asarray([TINY[dtype], 1, -TINY[dtype]], dtype)
    outs = [x * 2, x + x[::-1] * 3, x.sum(), T.grad((x**2).sum(), x) / 2, theanojax.scan(lambda a: a * 2, x)[0]]
    want = [tiny * 2, tiny + tiny[::-1] * 3, tiny.sum(), tiny, tiny * 2]
    kept, flushed = made([x], outs), made([x], outs, keep=False)
    for _ in range(2):
        for got, value in zip(kept(tiny), want):
            np.testing.assert_array_equal(got, value)
            assert got.dtype == dtype
    # if this fails, XLA has an option, or no need of one
    assert all(got[0] == got[2] == 0 for got in flushed(tiny)[:1])
    assert isinstance(kept.fn.executor, HostExecutor) and not isinstance(flushed.fn.executor, HostExecutor)


def test_updates_and_copies_keep_them():
    w = theanojax.shared(np.full(3, 4e-310), "w")
    f = made([], [], updates=[(w, w / 2)])
    f()
    with change_flags(xla_keep_subnormals=True):
        f.copy()()
    np.testing.assert_array_equal(w.get_value(), np.full(3, 1e-310))
    assert made([], w + 1e-310)()[0] == 2e-310


def test_copies_pickles_and_parts_are_as_the_function_was_made():
    x = T.dvector("x")
    kept, flushed = made([x], [x / 2, x * 3]), made([x], [x / 2, x * 3], keep=False)
    tiny = np.full(1, 4e-310)
    for again in (lambda f: f.copy(), copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f)), lambda f: f):
        assert again(kept)(tiny)[0] == 2e-310 and again(kept)(tiny, output_subset=[0])[0] == 2e-310
        with change_flags(xla_keep_subnormals=True):
            assert again(flushed)(tiny)[0] == 0 == flushed(tiny, output_subset=[0])[0]


def test_the_host_is_asked_for_by_the_linker_as_well():
    x = T.dvector()
    f = theanojax.function([x], x / 4, mode=theanojax.Mode("py", "fast_run"))
    assert f([4e-310])[0] == 1e-310
