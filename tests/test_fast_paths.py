"""Ways around XLA's costs: guards checked before the call, remembered shapes, reductions by numpy."""

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T


def stage_of(f):
    return f.fn.executor._program.simple[0]


def variants(f):
    return [v for fn, _, table in stage_of(f).functions.values() for v in (table or {}).values()]


def test_a_guard_of_inputs_alone_lets_updates_take_over_buffers():
    table = theano.shared(np.arange(12.0).reshape(6, 2))
    rows = T.lvector("rows")
    f = theano.function([rows], [], updates=[(table, T.inc_subtensor(table[rows], 1.0))])
    f([0, 0, 5])
    f([-1, 2, 3])
    expected = np.arange(12.0).reshape(6, 2)
    np.add.at(expected, [0, 0, 5, -1, 2, 3], 1.0)
    np.testing.assert_array_equal(table.get_value(), expected)
    (check, _, donated), = variants(f)
    assert check is not None and donated
    with pytest.raises(IndexError):
        f([0, 6, 1])
    np.testing.assert_array_equal(table.get_value(), expected)
    f([0])  # other shapes, checked on their own
    assert len(variants(f)) == 2
    assert table.get_value()[0, 0] == expected[0, 0] + 1


def test_a_guard_of_results_keeps_the_old_values():
    total = theano.shared(np.zeros(3))
    x = T.dvector("x")
    new = total + x
    f = theano.function([x], [], updates=[(total, T.opt.Assert("too large")(new, T.all(new < 2.5)))])
    f(np.ones(3))
    f(np.ones(3))
    with pytest.raises(AssertionError, match="too large"):
        f(np.ones(3))
    np.testing.assert_array_equal(total.get_value(), np.full(3, 2.0))


def test_a_large_guard_is_checked_by_xla():
    table = theano.shared(np.zeros((5, 2)))
    rows = T.lvector("rows")
    f = theano.function([rows], [], updates=[(table, T.inc_subtensor(table[rows], 1.0))])
    many = np.arange(10000) % 5
    f(many)
    np.testing.assert_array_equal(table.get_value(), np.full((5, 2), 2000.0))
    many[77] = 5
    with pytest.raises(IndexError):
        f(many)
    np.testing.assert_array_equal(table.get_value(), np.full((5, 2), 2000.0))


def test_a_loop_without_checks_has_no_guard():
    k = T.iscalar("k")
    w = theano.shared(np.full(3, 0.5))
    states, _ = theano.scan(lambda h, w: T.tanh(h * w), outputs_info=T.ones(3), non_sequences=w, n_steps=5)
    f = theano.function([k], states[-1].sum() * k, updates=[(w, w - 0.1 * T.grad(states[-1].sum(), w))])
    f(2)
    (_, donated, table), = stage_of(f).functions.values()
    assert donated and table is None


def test_shapes_are_remembered_and_right():
    x, i = T.dmatrix("x"), T.lscalar("i")
    f = theano.function([x, i], x[i * 2:(i + 1) * 2][::-1].sum(axis=1))
    value = np.arange(14.0).reshape(7, 2)
    for k in (0, 3, 1, 3, 0, -1):
        np.testing.assert_array_equal(f(value, k), value[k * 2:(k + 1) * 2][::-1].sum(axis=1))
    np.testing.assert_array_equal(f(value[:4], 1), value[2:4][::-1].sum(axis=1))


def test_an_addition_of_three_terms_in_a_length():
    n = T.lscalar("n")
    x = T.dvector("x")
    f = theano.function([x, n], T.zeros((n + x.shape[0] + n,)) + T.switch(n > 1, 1.0, 2.0))
    assert f(np.zeros(3), 2).shape == (7,)
    assert f(np.zeros(4), 1).shape == (6,)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_reductions_of_large_arguments(axis):
    x = T.dmatrix("x")
    f = theano.function([x], [x.sum(axis=axis), x.mean(axis=axis) + 1, x.max(axis=axis)])
    room = np.random.default_rng(3).normal(size=200 * 300 + 1)
    for value in (room[1:].reshape(200, 300), room[:6].reshape(2, 3)):
        total, mean, largest = f(value)
        np.testing.assert_allclose(total, value.sum(axis=axis))
        np.testing.assert_allclose(mean, value.mean(axis=axis) + 1)
        np.testing.assert_array_equal(largest, value.max(axis=axis))
        total[...] = 0  # results belong to the caller
