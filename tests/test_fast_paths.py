"""Ways around XLA's costs: guards checked before the call, remembered shapes, reductions by numpy."""

import math
import subprocess
import sys

import numpy as np
import pytest

import jax
import jax.numpy as jnp

import theanojax as theano
import theanojax.tensor as T
from theanojax.runtime.planning import guards, numpy_program


def stage_of(f):
    return f.fn.executor._program.simple[0]


def variants(f):
    return [v for special in stage_of(f).functions.values() for v in (special.variants or {}).values()]


def test_a_guard_of_inputs_alone_lets_updates_take_over_buffers():
    table = theano.shared(np.arange(12.0).reshape(6, 2))
    rows = T.lvector("rows")
    f = theano.function([rows], [], updates=[(table, T.inc_subtensor(table[rows], 1.0))])
    f([0, 0, 5])
    f([-1, 2, 3])
    expected = np.arange(12.0).reshape(6, 2)
    np.add.at(expected, [0, 0, 5, -1, 2, 3], 1.0)
    np.testing.assert_array_equal(table.get_value(), expected)
    (variant,) = variants(f)
    assert variant.check is not None and variant.donated
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


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", "int64"])
def test_a_guard_of_single_integers(dtype):
    table, start = theano.shared(np.arange(5.0)), theano.shared(np.asarray(1, dtype=dtype))
    k = T.scalar("k", dtype=dtype)
    inside = theano.function([k], [], updates=[(table, T.set_subtensor(table[k], 9.0))])
    inside(np.asarray(4, dtype=dtype))
    assert variants(inside)[0].check is not None
    np.testing.assert_array_equal(table.get_value(), [0, 1, 2, 3, 9])
    with pytest.raises(IndexError):
        inside(np.asarray(5, dtype=dtype))
    with pytest.raises(IndexError):
        inside(np.asarray(-6, dtype="int64").astype(dtype))
    by_shared = theano.function([], [], updates=[(table, T.inc_subtensor(table[start], 1.0))])
    by_shared()
    np.testing.assert_array_equal(table.get_value(), [0, 2, 2, 3, 9])
    start.set_value(np.asarray(7, dtype=dtype))
    with pytest.raises(IndexError):
        by_shared()
    np.testing.assert_array_equal(table.get_value(), [0, 2, 2, 3, 9])


@pytest.mark.parametrize("n", [3, 1])
def test_guards_that_choose_several_times(n):
    """jax gives each choice the same inner program, with other values under the same variables."""
    x, y, b, e = T.dmatrix("x"), T.iscalar("y"), T.iscalar("b"), T.iscalar("e")
    backwards = theano.function([x, y], x[::-1][y])
    part = theano.function([x, b, e, y], x[b:e][y])
    value = np.random.RandomState(1).randn(n, 2)
    for i in range(-6, 7):
        for f, expected, args in (
            (backwards, value[::-1], (i,)),
            *[(part, value[b:e], (b, e, i)) for b in (-4, -1, 0, 2) for e in (-2, 1, 3, 5)],
        ):
            if -len(expected) <= i < len(expected):
                np.testing.assert_array_equal(f(value, *args), expected[i])
            else:
                with pytest.raises(IndexError):
                    f(value, *args)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_a_guard_with_arithmetic_that_wraps(dtype):
    table, k = theano.shared(np.arange(200.0)), T.scalar("k", dtype=dtype)
    last = np.iinfo(dtype).max
    f = theano.function([k], [], updates=[(table, T.set_subtensor(table[k + k], -1.0))])
    f(np.asarray(last, dtype=dtype))  # -2 after wrapping
    expected = np.arange(200.0)
    expected[-2] = -1
    np.testing.assert_array_equal(table.get_value(), expected)


def row_at(x, place):
    zero, one = (place.dtype.type(n) for n in (0, 1))
    return jax.lax.dynamic_slice(x, (jax.lax.clamp(zero, place, one), zero), (1, 3))


GUARDS = {
    "each": lambda x, k: jnp.all(jnp.any(~((x >= 1) & (x < 3)), axis=1)),
    "chosen": lambda x, k: jnp.all(jnp.where(x < 2, x + x.dtype.type(2), x) <= 3),
    "all": lambda x, k: jnp.all((x > 0) & (x <= 3)),
    "row": lambda x, k: jnp.all(row_at(x, k) >= 2),
    "number": lambda x, k: jnp.where(k < 2, k - 1, k * k) >= 1,
}


@pytest.mark.parametrize("name", GUARDS)
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64"])
def test_guards_say_by_numpy_what_xla_says(dtype, name):
    rng, said = np.random.RandomState(5), set()
    shapes = jax.ShapeDtypeStruct((2, 3), dtype), jax.ShapeDtypeStruct((), dtype)
    found = guards.split(jax.make_jaxpr(lambda x, k: (x, GUARDS[name](x, k)))(*shapes))
    for _ in range(100):
        x, k = (rng.randint(0, 5, (2, 1)) + [0, 0, 0]).astype(dtype), np.asarray(rng.choice([0, 1, 2, 16, 127]), dtype)
        answer = found.by_numpy([x, k])
        assert answer == bool(GUARDS[name](jnp.asarray(x), jnp.asarray(k)))
        said.add(answer)
    assert said == {True, False}


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64"])
def test_guards_of_many_indices_look_at_the_least_and_the_greatest(dtype):
    table = theano.shared(np.arange(5.0))
    rows, columns = T.vector("rows", dtype=dtype), T.vector("columns", dtype=dtype)
    square = T.outer(table, table)
    f = theano.function([rows, columns], square[rows, columns], updates=[(table, table + 1)])
    signs = [1] if dtype[0] == "u" else [1, -1]
    values = np.arange(5.0)
    for sign in signs:
        a, b = (np.asarray(k, dtype=dtype) for k in ([sign * 4, 1, 0], [0, sign * 3, 4]))
        np.testing.assert_array_equal(f(a, b), np.outer(values, values)[a, b])
        values += 1
    for bad in [5] + [-6] * (len(signs) - 1):
        for wrong in ([bad, 0, 0], [0, 0, bad]):
            with pytest.raises(IndexError):
                f(np.asarray(wrong, dtype=dtype), np.zeros(3, dtype=dtype))
            with pytest.raises(IndexError):
                f(np.zeros(3, dtype=dtype), np.asarray(wrong, dtype=dtype))
    np.testing.assert_array_equal(table.get_value(), values)
    assert f(np.zeros(0, dtype=dtype), np.zeros(0, dtype=dtype)).shape == (0,)


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
    (special,) = stage_of(f).functions.values()
    assert special.donated and special.variants is None


def test_shapes_are_remembered_and_right():
    x, i = T.dmatrix("x"), T.lscalar("i")
    f = theano.function([x, i], x[i * 2 : (i + 1) * 2][::-1].sum(axis=1))
    value = np.arange(14.0).reshape(7, 2)
    for k in (0, 3, 1, 3, 0, -1):
        np.testing.assert_array_equal(f(value, k), value[k * 2 : (k + 1) * 2][::-1].sum(axis=1))
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


@pytest.mark.parametrize("shape", [(1 << 20,), (1031, 1033), (3, 700, 513)])
@pytest.mark.parametrize("form", ["c", "f", "strided"])
def test_long_sums_by_numpy(shape, form):
    x = T.TensorType("float64", (False,) * len(shape))("x")
    f = theano.function([x], [x.sum(), x.mean()])
    values = np.random.RandomState(3).randn(*shape)
    if form == "f":
        values = np.asfortranarray(values)
    elif form == "strided":
        values = np.concatenate([values, values])[::2]
    exact = math.fsum(values.ravel())
    total, mean = f(values)
    assert total == pytest.approx(exact, rel=1e-12, abs=1e-10) and mean == pytest.approx(exact / values.size, rel=1e-12)
    assert total.shape == () and isinstance(f.fn.executor._program, numpy_program.NumpyProgram)
    values[..., -1] = np.inf
    assert f(values)[0] == np.inf
    values[..., 0] = np.nan
    assert np.isnan(f(values)[0])


def logistic_regression(dtype):
    x, y = T.matrix("x", dtype=dtype), T.vector("y", dtype=dtype)
    w = theano.shared(np.linspace(-1, 1, 300).astype(dtype), "w")
    b = theano.shared(np.asarray(0.5, dtype=dtype), "b")
    p = T.nnet.sigmoid(T.dot(x, w) + b)
    cost = T.nnet.binary_crossentropy(p, y).mean() + 0.01 * (w**2).sum()
    gw, gb = T.grad(cost, [w, b])
    rate = np.asarray(0.1, dtype=dtype)
    return [x, y], [p > 0.5, cost], [(w, w - rate * gw), (b, b - rate * gb)]


@pytest.mark.parametrize("dtype, rtol", [("float64", 1e-12), ("float32", 2e-5)])
def test_vectors_and_large_matrices_run_in_numpy(dtype, rtol):
    rng = np.random.default_rng(0)
    args = rng.normal(size=(200, 300)).astype(dtype), rng.integers(0, 2, 200).astype(dtype)
    found = []
    for mode in (None, theano.Mode(linker="py", optimizer="fast_run")):
        inputs, outputs, updates = logistic_regression(dtype)
        f = theano.function(inputs, outputs, updates=updates, mode=mode)
        results = [f(*args) for _ in range(3)]
        found.append([*results[-1], *[v.get_value() for v, _ in updates]])
        if mode is None:
            assert f.fn.executor.compilations == 0
            with pytest.raises(ValueError, match="Apply node that caused the error"):
                f(args[0], args[1][:-1])
            with pytest.raises(ValueError, match="Apply node that caused the error"):
                f(args[0][:, :-1], args[1])
            np.testing.assert_array_equal(updates[0][0].get_value(), found[0][2])  # as before the failed calls
            small = [a[:2] for a in args]
            f(*small)  # nothing to be saved: XLA takes it
            assert f.fn.executor.compilations == 1 and not f.fn.executor.fallbacks
    for ours, expected in zip(*found):
        assert ours.dtype == expected.dtype
        np.testing.assert_allclose(ours, expected, rtol=rtol)


def test_numpy_leaves_long_vectors_to_xla():
    x, v = T.dmatrix("x"), T.dvector("v")
    f = theano.function([x, v], T.exp(T.sin(T.dot(x, v))) ** 3)
    value = np.ones((9000, 3))
    np.testing.assert_allclose(f(value, np.ones(3)), np.full(9000, np.exp(np.sin(3.0)) ** 3))
    assert f.fn.executor.compilations == 1


def test_outputs_of_the_numpy_program_are_the_callers():
    x, v = T.dmatrix("x"), T.dvector("v")
    y = T.dot(x.T, v)
    f = theano.function([x, v], [y, y, y.dimshuffle(0, "x"), v, T.dot(v, v), x.sum(axis=0)])
    value, ones = np.ones((100, 200)), np.ones(100)
    first = f(value, ones)
    assert f.fn.executor.compilations == 0
    expected = [np.copy(a) for a in first]
    for a in first:
        assert a.flags.writeable
        a += 1
    np.testing.assert_array_equal(ones, np.ones(100))
    for a, b, c in zip(first, expected, f(value, ones)):
        np.testing.assert_array_equal(a, b + 1)
        np.testing.assert_array_equal(b, c)


def test_a_matrix_that_is_also_added_to_is_no_matter_for_numpy():
    x, v = T.dmatrix("x"), T.dvector("v")
    f = theano.function([x, v], [T.dot(x.T, v), (x + 1).sum()])
    value = np.ones((100, 200))
    product, total = f(value, np.ones(100))
    assert f.fn.executor.compilations == 1
    np.testing.assert_array_equal(product, np.full(200, 100.0))
    assert total == 40000


@pytest.mark.parametrize("seed", range(25))
def test_random_graphs_of_vectors_by_numpy(seed, monkeypatch):
    monkeypatch.setattr(numpy_program, "STAGED_BYTES", -1)
    monkeypatch.setattr(numpy_program, "BYTES_PER_ELEMENT", 0)
    rng = np.random.default_rng(seed)
    dtype = ("float64", "float32")[seed % 2]
    x, u, v = T.matrix("x", dtype=dtype), T.vector("u", dtype=dtype), T.vector("v", dtype=dtype)
    values = [rng.uniform(0.2, 2, size).astype(dtype) for size in ((4, 5), 4, 5)]
    kinds = {
        4: [u, T.dot(x, v), T.dot(x, v) * 2],
        5: [v, T.dot(u, x), T.dot(x.T, u)],
        1: [u.sum(), T.dot(v, v), x.shape[0]],
    }
    if dtype == "float64":  # numpy adds up float32 in float32
        kinds[4][2], kinds[5][2], kinds[1][0] = x.sum(axis=1), x.max(axis=0), x.sum()
    one = [
        T.exp,
        T.tanh,
        T.nnet.sigmoid,
        T.nnet.softplus,
        T.sqr,
        T.neg,
        T.floor,
        T.cumsum,
        lambda a: a[::-1],
        lambda a: T.cast(a, "float32"),
        lambda a: a > 0.5,
        lambda a: T.cast(a, "int8"),
    ]
    two = [T.add, T.sub, T.mul, T.maximum, T.lt, lambda a, b: T.switch(a > b, a, 1), lambda a, b: a / (2 + T.sqr(b))]
    for _ in range(12):
        length = int(rng.choice([4, 5, 1]))
        pool = kinds[length]
        a, b = (pool[rng.integers(len(pool))] for _ in range(2))
        b = kinds[1][rng.integers(len(kinds[1]))] if rng.random() < 0.3 else b
        if rng.random() < 0.4 and a.ndim:
            pool.append(one[rng.integers(len(one))](a))
        elif rng.random() < 0.6:
            pool.append(two[rng.integers(len(two))](a, b))
        else:
            kinds[1].append(a.sum() if a.ndim else a * 2)
    outputs = [v for pool in kinds.values() for v in pool[3:]]
    f = theano.function([x, u, v], outputs, on_unused_input="ignore")
    expected = f.fn.executor.host(values)
    for got, want in zip(f(*values), expected, strict=True):
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-5 if want.dtype == "float32" else 1e-12, atol=1e-6)
    assert isinstance(f.fn.executor._program, numpy_program.NumpyProgram)
    assert f.fn.executor.compilations == 0


@pytest.mark.parametrize("mode", [None, "FAST_COMPILE", theano.Mode(linker="py")])
@pytest.mark.parametrize(
    "make",
    [lambda x: T.dot(x, T.ones(3)), lambda x: x.T + 1, lambda x: x.reshape((1,)), lambda x: T.cast(x.sum(), "float32")],
)
def test_none_is_no_array_of_nan(make, mode):
    x = T.dmatrix("x")
    f = theano.function([x], make(x), mode=mode)
    with pytest.raises(ValueError, match="expected an ndarray, not None"):
        f(None)


def test_none_is_no_number():
    s, n = T.dscalar("s"), T.iscalar("n")
    for inputs, output in (([s], T.cast(s, "float32")), ([n], T.arange(n))):
        with pytest.raises(ValueError, match="expected an ndarray, not None"):
            theano.function(inputs, output)(None)


NUMBERS_ALONE = """
import sys
import theano
import theano.tensor as T
x, n = T.dscalar("x"), theano.shared(1)
f = theano.function([x], [T.exp(x) * 2, x > 0], updates=[(n, n + 1)])
assert float(f(0.0)[0]) == 2 and n.get_value() == 2
assert "jax" not in sys.modules, "jax was imported"
y = T.dvector("y")
assert float(theano.function([y], y.sum())([1.0, 2.0])) == 3
assert "jax" in sys.modules
print("done")
"""


def test_numbers_alone_need_no_jax():
    done = subprocess.run([sys.executable, "-c", NUMBERS_ALONE], capture_output=True, text=True)
    assert done.stdout == "done\n", done.stderr
