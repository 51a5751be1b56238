"""Programs in C: each operation gives what XLA gives, and functions go over to it without anybody noticing."""

import contextlib
import os
import platform
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import jax
import jax.numpy as jnp
from jax import lax

import theanojax as theano
import theanojax.tensor as T
from theanojax.config import change_flags, config
from theanojax.graph.cells import raw
from theanojax.runtime.in_c import cost_of, module, often
from theanojax.runtime.in_c.cost import what_loses
from theanojax.runtime.in_c.flat import NotInC
from theanojax.runtime.in_c.module import program_of
from theanojax.runtime.in_c.program import source_of
from theanojax.runtime.xla import calls_in_c

pytestmark = pytest.mark.skipif(not config.cxx, reason="no C++ compiler")

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.7, 1e-3, -1e-9, 20.5, -700.0, 710.0, 1e300, np.inf, -np.inf, np.nan]


def in_c(function, *args):
    """The results of `function`, of jax, in C and as XLA has them."""
    args = [np.asarray(a) for a in args]
    with np.errstate(all="ignore"), jax.enable_x64(True):
        program = jax.make_jaxpr(function)(*args)
        want = jax.jit(function)(*args)
    return program_of(program).run(*args), [np.asarray(w) for w in jax.tree.leaves(want)]


def check(function, *args, rtol=1e-12):
    got, want = in_c(function, *args)
    assert len(got) == len(want)
    for k, (g, w) in enumerate(zip(got, want)):
        assert (g.dtype, g.shape) == (w.dtype, w.shape), k
        if w.dtype.kind == "f":
            rounding = 2e-6 if w.dtype == np.float32 else rtol
            np.testing.assert_allclose(g, w, rtol=rounding, atol=rounding * 1e-3, err_msg="output %d" % k)
        else:
            np.testing.assert_array_equal(g, w, err_msg="output %d" % k)


def numbers(*shape, seed=0, dtype="float64"):
    return np.random.RandomState(seed).normal(size=shape).astype(dtype)


# ---------------------------------------------------------------- operations
FUNCTIONS = [
    jnp.exp, jnp.log, jnp.sin, jnp.cos, jnp.tanh, jnp.log1p, jnp.expm1, jnp.sqrt, lax.rsqrt, jnp.cbrt, jnp.tan,
    jnp.arcsin, jnp.arccos, jnp.arctan, jnp.sinh, jnp.cosh, jnp.arcsinh, jnp.arccosh, jnp.arctanh, lax.logistic,
    lax.erf, lax.erfc, jnp.exp2, jnp.floor, jnp.ceil, jnp.round, lax.round, jnp.sign, jnp.abs, jnp.negative,
    jnp.square, lax.is_finite, jnp.isnan, jnp.signbit,
    lambda x: lax.integer_pow(x, 5), lambda x: lax.integer_pow(x, -3), lambda x: x**0,
    lambda x: jnp.where(x > 0, jnp.log(x), x), lambda x: jnp.clip(x, -1, 2),
    *[lambda x, k=k: x.astype(k) for k in ("int8", "int32", "int64", "uint8", "uint64", "bool", "float32", "float64")],
]  # fmt: skip
PAIRS = [
    jnp.add, jnp.subtract, jnp.multiply, jnp.divide, jnp.maximum, jnp.minimum, lax.rem, jnp.power, jnp.arctan2,
    jnp.equal, jnp.not_equal, jnp.less, jnp.less_equal, jnp.greater, jnp.greater_equal,
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_functions_of_floats(dtype):
    with np.errstate(all="ignore"):
        x = np.concatenate([SPECIAL, np.linspace(-3, 3, 50)]).astype(dtype)
    check(lambda x: [f(x) for f in FUNCTIONS], x)
    usual = numbers(40, seed=1, dtype=dtype) * 3
    x, y = np.meshgrid(np.concatenate([SPECIAL[:12], SPECIAL[13:], usual[:4]]).astype(dtype), x[:20])
    check(lambda x, y: [f(x, y) for f in PAIRS], x, y)


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "uint32"])
def test_integers_wrap_around_and_have_answers_for_everything(dtype):
    info = np.iinfo(dtype)
    values = [info.min, info.max, info.min + 1, 0, 1, 2, 3, 5, 7, 100] + ([-1, -2, -7] if info.min else [])
    x, y = map(np.ravel, np.meshgrid(np.array(values, dtype), np.array(values, dtype)))
    pairs = [
        lax.add, lax.sub, lax.mul, lax.div, lax.rem, lax.max, lax.min, lax.bitwise_and, lax.bitwise_or, lax.bitwise_xor,
        lax.shift_left, lax.shift_right_logical, lax.shift_right_arithmetic, lax.eq, lax.lt, jnp.floor_divide,
    ]  # fmt: skip
    check(lambda x, y: [f(x, y) for f in pairs], x, y)
    singles = [lax.bitwise_not, lax.sign, abs, lax.neg, lambda x: lax.integer_pow(x, 3)]
    check(lambda x: [f(x) for f in singles] + [x.astype(k) for k in ("int8", "uint16", "int64", "float32")], x)


def test_bools():
    x, y = np.array([True, False, True, False]), np.array([True, True, False, False])
    check(
        lambda x, y: [
            x & y,
            x | y,
            x ^ y,
            ~x,
            jnp.maximum(x, y),
            x + y,
            x * y,
            x.astype("int64"),
            x == y,
            x.all(),
            x.any(),
        ],
        x,
        y,
    )
    check(
        lambda x: [x[:, None].all(0), x.reshape(2, 2).any(1), x.sum(), x.reshape(2, 2).max(0), x.reshape(2, 2).min(0)],
        x,
    )


def test_views():
    x, row, index = numbers(4, 6), numbers(1, 6), np.array([3, -1, 0, 2, 9])
    check(
        lambda x, row, i: [
            x + row, x.T, x.T.reshape(-1), x.T.reshape(3, 8), x.reshape(2, 2, 6)[:, 1], x[1:4:2, ::-2], x[::-1] + x,
            jnp.pad(x, ((1, 2), (0, 3)), constant_values=7), jnp.broadcast_to(x[:, :1], (4, 5)) * 2, x[None, :, None],
            lax.pad(x, 0.0, ((-1, 2, 0), (3, -2, 0))),
            jnp.concatenate([x, row, x[:2] * 2]), jnp.stack([x[0], x[1] + 1], 1), jnp.arange(5) + i,
            lax.broadcasted_iota("int32", (3, 2), 1), x.squeeze(), jnp.split(x, [1, 4], axis=1),
            lax.dynamic_slice(x, (i[4], i[1]), (2, 3)), x[i[0]], jnp.transpose(x.reshape(2, 2, 6), (2, 0, 1)),
        ],
        x, row, index,
    )  # fmt: skip


def test_gathers():
    x, index = numbers(5, 4, 3), np.array([[3, -1], [0, 9]])
    check(
        lambda x, i: [
            x[i], x[:, i % 4], x[i % 5, i % 4], x[i, :, 0], jnp.take(x, i, axis=1, mode="fill"),
            jnp.take(x, i, axis=2, mode="clip"), x.at[i].get(mode="fill", fill_value=3.0), x[i[0] % 5] * 2,
            jax.vmap(lambda r, k: r[k])(x[:2], i % 4),
        ],
        x, index,
    )  # fmt: skip


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2), ()], ids=str)
def test_sums(axes):
    x = numbers(3, 4, 5) if axes != (1,) else numbers(3, 1, 5)
    check(lambda x: [f(x * 2, axis=axes) for f in (jnp.sum, jnp.prod, jnp.max, jnp.min)], x)
    check(
        lambda x: [jnp.sum(x > 0, axis=axes), jnp.all(x > -2, axis=axes), jnp.max((x * 9).astype("int32"), axis=axes)],
        x,
    )


def test_sums_over_nothing():
    x, y = numbers(0, 4), numbers(3, 0, 4)
    check(
        lambda x, y: [
            x.sum(0), x.sum(1), x.prod(0), y.sum(1), y.sum((0, 1)), x.max(0, initial=-1), (x > 0).any(0),
            x.sum(), (y > 0).all(1), jnp.cumsum(x, 0), jnp.cumsum(y, 1), jnp.concatenate([x, x]), x @ x.T, x.T @ x,
        ],
        x, y,
    )  # fmt: skip


def test_bits_of_integers_along_an_axis():
    x = np.array([[7, 6, 12], [5, 14, 28]])

    def bits(x, axes):
        return [
            lax.reduce(x, x.dtype.type(start), f, axes)
            for f, start in ((lax.bitwise_and, -1), (lax.bitwise_or, 0), (lax.mul, 1))
        ]

    check(lambda x: [bits(x, axes) for axes in ((0,), (1,), (0, 1))], x)


def test_sums_with_nans_and_along_an_axis():
    x = numbers(3, 7)
    x[1, 3] = np.nan
    check(
        lambda x: [
            x.max(1), x.min(), x.argmax(1), x.argmin(0), jnp.argmax(x), jnp.cumsum(x, 1), jnp.cumprod(x, 0),
            lax.cummax(x, 1), lax.cumsum(x, 1, reverse=True), lax.cummin(x, 0, reverse=True),
        ],
        x,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize(
    "m, n, k",
    [
        (1, 1, 1),
        (1, 7, 5),
        (6, 1, 9),
        (5, 19, 12),
        (13, 8, 64),
        (130, 90, 101),
        (1, 300, 50),
        (1, 300, 400),
        (300, 1, 400),
    ],
)
def test_products(m, n, k, dtype):
    a, b, c, d = (np.round(numbers(*s, dtype="float64") * 8).astype(dtype) for s in ((m, k), (k, n), (n, k), (k, m)))
    check(lambda a, b, c, d: [a @ b, a @ c.T, d.T @ b, d.T @ c.T, a @ b[:, 0], a[0] @ b, a[0] @ c[0]], a, b, c, d)
    if m * n < 1000:
        check(
            lambda a, b: [jnp.einsum("bik,bkj->bij", a, b), jnp.tensordot(a, b, ((0, 2), (0, 1)))],
            np.stack([a, a + 1]),
            np.stack([b, b - 1]),
        )


def test_writing_to_a_part():
    x, part, index = numbers(6, 4), numbers(2, 4, seed=1), np.array([4, 1, 1, 99, -7])
    rows = numbers(5, 4, seed=2)
    check(
        lambda x, part, i, rows: [
            lax.dynamic_update_slice(x, part, (i[0], 0)), x.at[i].add(rows), x.at[i].set(rows[0], mode="drop"),
            x.at[i].mul(rows), x.at[i].max(rows), x.at[i].min(2.0), x.at[i[1], 2].add(5.0), x.at[:, 1].set(0.0),
            x.at[i % 6, i % 4].add(1.0), x.at[1:3].add(part), x.at[i].add(rows, mode="clip"), x,
            jnp.zeros(3).at[i % 3].add(1.0),
        ],
        x, part, index, rows,
    )  # fmt: skip


def test_numbers_at_the_ends():
    small = np.array([1e-310, -1e-310, 0.0, 5e-324, 2.3e-308])
    check(lambda x: [jnp.log(x), lax.lgamma(x), jnp.exp(x), jnp.sqrt(x), x * 2, lax.select_n(x > 0, x, -x)], small)
    check(lambda x: [np.int64(-(2**63)) * x, x - np.int64(-(2**63))], np.arange(5))


def test_constants():
    table, long = numbers(30), numbers(5000)
    check(
        lambda x: [x + table[:3], jnp.asarray(table)[::-1], (jnp.asarray(long) * 2)[-4:], jnp.zeros((4, 3)), x[:0]],
        table[:3],
    )


def test_a_large_constant_beside_what_is_replaced():
    long, start, other = numbers(5000), numbers(5000, seed=1), numbers(5000, seed=2)
    with jax.enable_x64(True):
        program = jax.make_jaxpr(lambda y, x: (x * y.sum(), x + jnp.asarray(long)[::-1]))(other, start)
        own = jax.jit(lambda *arrays: arrays, donate_argnums=0)
        made = program_of(program, (), {1: 1})
        assert made.replaced == {1: 1} and not hasattr(made.run, "__code__")  # in Python a signal could come between
        before, after = made.run(own, other, jnp.asarray(start))
    np.testing.assert_allclose(before, start * other.sum(), rtol=1e-12)
    np.testing.assert_allclose(after, start + long[::-1], rtol=1e-15)


# ---------------------------------------------------------------- loops
def test_values_that_change_places():
    def step(i, carry):
        a, b, m, n, fixed = carry
        return b, a + 1.0, n + fixed, m, fixed

    check(lambda m, n: lax.fori_loop(0, 5, step, (1.0, 2.0, m, n, m)), numbers(3), numbers(3, seed=1))


def test_a_loop_that_ends_by_what_it_computes():
    def loop(x, most):
        return lax.while_loop(lambda c: (c[0] < 100) & (c[1].sum() < most), lambda c: (c[0] + 1, c[1] * 1.5), (0, x))

    check(loop, numbers(4) ** 2, 50.0)


def test_rows_are_written_where_they_stay():
    def step(i, carry):
        rows, sums, last, total = carry
        new = jnp.tanh(rows[i] * 0.5 + last)
        rows = lax.dynamic_update_index_in_dim(rows, new, i + 1, 0)
        return rows, sums.at[i % 3].add(new), new, total + new * 2

    check(
        lambda x: lax.fori_loop(0, 6, step, (jnp.zeros((7, 4)).at[0].set(x), jnp.zeros((3, 4)), x, jnp.ones(4))),
        numbers(4),
    )


def test_rows_that_are_read_after_they_are_overwritten():
    def step(i, carry):
        rows, before = carry
        new = lax.dynamic_update_index_in_dim(rows, rows[0] + 1.0, i, 0)
        return new, before + rows[i] + new[i] * rows.sum()

    check(lambda x: lax.fori_loop(0, 4, step, (x, jnp.zeros(3))), numbers(5, 3))


@pytest.mark.parametrize("reverse", [False, True])
def test_scans(reverse):
    def step(carry, row):
        h, n = carry
        h = jnp.tanh(h * 0.7 + row[0] @ row[0].T + row[1])
        return (h, n + 1), (h, n, h.sum() + row[1])

    check(
        lambda x, y: lax.scan(step, (jnp.zeros((2, 2)), 0), (x, y), reverse=reverse),
        numbers(6, 2, 3),
        numbers(6, seed=1),
    )
    check(lambda x: lax.scan(lambda c, row: (row, c), x[0], x.T.reshape(3, 3)), numbers(3, 3))


def test_loops_in_loops():
    def outer(i, x):
        return lax.fori_loop(0, i, lambda j, y: y.at[j % 3].add(x[(i + j) % 3]) * 0.9, x + 1.0)

    check(lambda x: lax.fori_loop(0, 6, outer, x), numbers(3))


def test_gradients_of_loops():
    def loss(w, x):
        rows = lax.scan(lambda h, row: (jnp.tanh(h @ w + row),) * 2, jnp.zeros(5), x)[1]
        return (rows**2).sum()

    check(jax.grad(loss), numbers(5, 5), numbers(9, 5))


def test_branches():
    def branches(x, n):
        return (
            lax.cond(x[0] > 0, lambda x: (x * 2, x.sum()), lambda x: (jnp.ones(3), 1.0), x),
            lax.switch(n, [lambda x: x, lambda x: -x, lambda x: x.at[1].set(9.0)], x),
        )

    for n in (-3, 0, 1, 2, 7):
        check(branches, numbers(3) * (-1) ** n, n)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="an option of g++ for x86")
def test_a_processor_that_multiplies_and_adds_in_two_steps(monkeypatch):
    monkeypatch.setattr(module, "OPTIONS", (*module.OPTIONS, "-mno-fma"))
    x = numbers(30, 30)
    check(lambda x: (jnp.tanh(x @ x), jnp.tanh(x.astype("float32"))), x, rtol=1e-6)


@pytest.mark.parametrize("dtype, most", [("float64", 5), ("float32", 5)])
def test_tanh_to_its_last_digits(dtype, most):
    rng, eps = np.random.RandomState(0), np.finfo(dtype).eps
    x = np.concatenate([np.exp(rng.uniform(-25, 3.5, 40_000)), rng.uniform(0, 21, 40_000)]).astype(dtype)
    (got, negative), _ = in_c(lambda x: (jnp.tanh(x), jnp.tanh(-x)), x)
    want = np.tanh(x.astype(np.longdouble))
    assert np.abs((got - want) / want).max() < most * eps and got.max() == 1
    np.testing.assert_array_equal(negative, -got)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, -710, np.finfo(dtype).max, 1e-30], dtype)
    (got,), _ = in_c(lambda x: jnp.tanh(x), special)
    np.testing.assert_array_equal(got, np.tanh(special))
    assert np.signbit(got[1])


# ---------------------------------------------------------------- what is left to XLA
@pytest.mark.parametrize(
    "function, reason",
    [
        (lambda x: jnp.sort(x), "sort"),
        (lambda x: x + 1j, "complex128"),
        (lambda x: x.astype("float16"), "float16"),
        (lambda x: jnp.zeros((900, 900)) + x[0], "long loops"),
        (lambda x: jax.debug.print("{}", x) or x, "effects"),
        (lambda x: lax.integer_pow(x, 1000), "power"),
        (lambda x: x.at[np.array([1, 0])].apply(jnp.sin), "applies a function"),
        (lambda x: lax.dynamic_slice(x, (x[0].astype("uint64"),), (2,)), "uint64"),
        (lambda x: x.astype("float8_e5m2"), "float8"),
        (
            lambda x: jax.vmap(lambda v: lax.while_loop(lambda c: c < 5, lambda c: c * 2 + 1, v))(abs(x)),
            "several conditions",
        ),
    ],
)
def test_what_is_not_written_in_c(function, reason):
    with jax.enable_x64(True), pytest.raises(NotInC, match=reason):
        source_of(jax.make_jaxpr(function)(numbers(3)))


def test_arguments_of_another_form():
    program = jax.make_jaxpr(lambda x: x * 2)(np.ones((2, 3), "float32"))
    run = program_of(program).run
    strided = np.arange(12, dtype="float32").reshape(2, 6)[:, ::2]
    np.testing.assert_array_equal(run(strided)[0], strided * 2)
    np.testing.assert_array_equal(run(strided.astype(">f4"))[0], strided * 2)
    np.testing.assert_array_equal(run(jnp.asarray(strided))[0], strided * 2)
    with pytest.raises(ValueError, match="shape"):
        run(np.ones((3, 2), "float32"))
    with pytest.raises(TypeError):
        run()
    with pytest.raises(TypeError):
        run(np.ones((2, 3), "complex64"))


def test_costs():
    def cost(function, *args):
        return cost_of(jax.make_jaxpr(function)(*args))

    small, large = cost(jnp.tanh, np.ones(10)), cost(jnp.tanh, np.ones(100_000))
    assert 0 < small.call < 1 and 5 < large.call < 200 and small.step == large.step == 0
    product = cost(lambda x: x @ x, np.ones((100, 100))).call
    assert 20 < product / cost(lambda x: x + x, np.ones((100, 100))).call < 200
    step = cost(lambda x: jnp.tanh(x) * 2, np.ones(10)).call

    def loop(n, x):
        return lax.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, jnp.tanh(c[1]) * 2), (0, x))

    assert cost(lambda x: loop(50, x), np.ones(10)).call > 50 * step
    open_end = cost(loop, 50, np.ones(10))
    assert open_end.step > step > open_end.call
    scanned = cost(lambda x: lax.scan(lambda c, _: (jnp.tanh(c) * 2, None), x, None, 30), np.ones(10)).call
    assert scanned == pytest.approx(30 * step)
    wide = np.ones((330, 330))
    with jax.enable_x64(True):
        programs = [
            jax.make_jaxpr(lambda x: x @ x)(wide),
            jax.make_jaxpr(lambda x: (x @ x, loop(300, x)))(wide),
            jax.make_jaxpr(lambda x: jnp.tanh(x @ x[0]))(wide),
            jax.make_jaxpr(lambda x: x[:300] @ x)(wide),
        ]
    assert [what_loses(p) for p in programs] == ["large products", "", "", ""]
    endless = [
        cost(lambda x, n=n: lax.while_loop(lambda s: s < n, lambda s: s * s, x), 3.0) for n in (jnp.inf, jnp.nan)
    ]
    assert all(c.step > 0 for c in endless)
    assert cost(lambda x: lax.while_loop(lambda s: s < -5, lambda s: s * s, x), 3.0).call == 0
    both = cost(lambda x: lax.cond(x[0] > 0, lambda x: x, lambda x: loop(9, x)[1], x), np.ones(10)).call
    assert both > 9 * step


# ---------------------------------------------------------------- functions
def ways(f):
    return [r.in_c for stage in f.fn.executor._program.all_stages() for r in stage.ready.values()]


def runs_in_c(f):
    return [way is not None and way.run is not None for way in ways(f)]


x, v, w = T.dmatrix("x"), T.dvector("v"), T.dvector("w")


def test_a_function_goes_over_at_the_same_call_each_time(soon):
    for _ in range(3):
        f = theano.function([v], T.tanh(v).cumsum() * 2)
        value = numbers(5)
        results, ran = [], []
        for _ in range(8):
            results.append(f(value))
            ran.append(runs_in_c(f)[0])
        assert ran == [False] * 4 + [True] * 4
        assert str(f.fn.plan).startswith("in C")
        np.testing.assert_allclose(results, np.cumsum(np.tanh(value)) * 2 * np.ones((8, 1)), rtol=1e-14)
        assert all(r.flags.writeable and r.flags.owndata for r in results)


def test_updates(soon):
    s = theano.shared(np.zeros(3), "s")
    f = theano.function([v], (s * v).sum(), updates=[(s, T.tanh(s + v[::-1].cumsum()))])
    mine = np.zeros(3)
    for k in range(9):
        value = numbers(3, seed=k)
        np.testing.assert_allclose(f(value), (mine * value).sum(), rtol=1e-12)
        mine = np.tanh(mine + value[::-1].cumsum())
        np.testing.assert_allclose(s.get_value(), mine, rtol=1e-12)
    assert runs_in_c(f) == [True]


def test_errors_leave_everything_as_it_was(soon):
    s = theano.shared(np.zeros(3), "s")
    i = T.lvector("i")
    f = theano.function([v, i], v[i].cumsum(), updates=[(s, s + v.cumsum())])
    for _ in range(8):
        f(np.ones(3), [0, 2])
    assert runs_in_c(f) == [True]
    before = s.get_value()
    with pytest.raises(IndexError):
        f(np.ones(3), [0, 3])
    np.testing.assert_array_equal(s.get_value(), before)
    f(np.ones(3), [0, 2])
    np.testing.assert_array_equal(s.get_value(), before + [1, 2, 3])


ROWS, WIDTH = 400, 30  # a table of more than 64 KB, which is updated where it lies


def table_and_step(rate=0.5):
    table = theano.shared(numbers(ROWS, WIDTH), "table")
    index, target = T.lvector("index"), T.dmatrix("target")
    rows = table[index]
    cost = T.sqr(rows - target).sum()
    return table, theano.function(
        [index, target], cost, updates=[(table, T.inc_subtensor(rows, -rate * T.grad(cost, rows)))]
    )


def stepped(table, index, target, rate=0.5):
    cost = ((table[index] - target) ** 2).sum()
    table = table.copy()
    np.add.at(table, index, -rate * 2 * (table[index] - target))
    return cost, table


def test_a_table_is_updated_where_it_lies(soon):
    table, step = table_and_step(0.1)
    mine, rng = table.get_value(), np.random.RandomState(3)
    places = set()
    for k in range(12):
        index, target = rng.randint(-ROWS, ROWS, size=20), rng.normal(size=(20, WIDTH))
        cost, mine = stepped(mine, index, target, 0.1)
        np.testing.assert_allclose(step(index, target), cost, rtol=1e-12)
        if k == 8:
            np.testing.assert_allclose(table.get_value(), mine, rtol=1e-12)
        if k > 8:
            places.add(raw(table.container.storage, 0).unsafe_buffer_pointer())
    assert runs_in_c(step) == [True] and len(places) == 1
    np.testing.assert_allclose(table.get_value(), mine, rtol=1e-12)
    before = table.get_value()
    with pytest.raises(IndexError):
        step([0, ROWS], np.zeros((2, WIDTH)))
    np.testing.assert_array_equal(table.get_value(), before)


def test_updates_that_only_move_what_is_there(soon):
    values = [numbers(100, 100, seed=k) for k in range(4)]
    a, b, c, d = (theano.shared(value) for value in values)
    step = theano.function([], [], updates=[(a, a[::-1]), (b, b.T), (c, d), (d, c * 2)])
    for _ in range(9):
        step()
    a0, b0, c0, d0 = values
    for _ in range(9):
        a0, b0, c0, d0 = a0[::-1], b0.T, d0, c0 * 2
    for shared, value in zip((a, b, c, d), (a0, b0, c0, d0)):
        np.testing.assert_array_equal(shared.get_value(), value)
    assert runs_in_c(step) == [True]


def test_values_that_somebody_holds_are_left_alone(soon):
    table, step = table_and_step()
    for _ in range(8):
        step([1, 2], np.zeros((2, WIDTH)))
    held = np.asarray(raw(table.container.storage, 0))
    borrowed = table.get_value(borrow=True)
    before = held.copy()
    for _ in range(3):
        step([1, 5], np.ones((2, WIDTH)))
    np.testing.assert_array_equal(held, before)
    np.testing.assert_array_equal(borrowed, before)
    assert not np.allclose(table.get_value()[5], before[5])
    table.set_value(np.zeros((ROWS, WIDTH)))
    step([3], np.ones((1, WIDTH)))
    np.testing.assert_array_equal(table.get_value()[3], np.ones(WIDTH))


def test_a_table_is_read_while_it_is_updated(soon):
    ones = theano.shared(np.zeros((300, 100)), "ones")
    step = theano.function([], ones[0, 0], updates=[(ones, (ones + 1.0).astype("float64"))])
    least_and_greatest = theano.function([], [ones.min(), ones.max()])
    for _ in range(8):
        step()
    torn, done = [], threading.Event()

    def read():
        while not done.is_set():
            low, high = least_and_greatest()
            if low != high:
                torn.append((low, high))

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(300):
        step()
    done.set()
    for thread in threads:
        thread.join()
    assert not torn and np.unique(ones.get_value()).tolist() == [308.0] and runs_in_c(step) == [True]


def test_a_signal_at_any_moment_leaves_a_whole_table(soon):
    ones, twos = (theano.shared(np.zeros((300, 100)), "ones") for _ in range(2))
    step = theano.function([], [], updates=[(ones, ones + 1.0), (twos, twos + 2.0)])
    for _ in range(8):
        step()

    def interrupt(number, frame):
        signal.setitimer(signal.ITIMER_REAL, 0.0002 + 0.002 * np.random.rand())
        raise KeyboardInterrupt

    before, hits = signal.signal(signal.SIGALRM, interrupt), 0
    try:
        for _ in range(150):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0005)
                for _ in range(20):
                    step()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                hits += 1
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                except KeyboardInterrupt:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            a, b = np.unique(ones.get_value()), np.unique(twos.get_value())
            assert len(a) == len(b) == 1 and 2 * a[0] == b[0]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert hits > 20 and runs_in_c(step) == [True]
    step()


class BrokenOff:
    """What is jitted, of which the first call is broken off before its work and the second one after it."""

    def __init__(self, jitted):
        self.jitted, self.calls = jitted, 0

    def __call__(self, *arrays):
        self.calls += 1
        result = self.jitted(*arrays) if self.calls > 1 else None
        if self.calls <= 2:
            raise KeyboardInterrupt
        return result


def test_a_table_outlives_first_calls_that_are_broken_off(soon, monkeypatch):
    """Until one has come to its end, jax traces in the next: what it is given away may not come back."""
    made, owning = [], calls_in_c.owning
    monkeypatch.setattr(calls_in_c, "owning", lambda *args: made.append(BrokenOff(owning(*args))) or made[0])
    ones = theano.shared(np.zeros((300, 100)), "ones")
    step = theano.function([], [], updates=[(ones, ones + 1.0)])
    done = interrupted = 0
    for _ in range(12):
        try:
            step()
            done += 1
        except KeyboardInterrupt:
            interrupted += 1
        assert np.unique(ones.get_value()).tolist() == [done]
    assert interrupted == 2 and runs_in_c(step) == [True]


@pytest.mark.parametrize("set_before", [False, True])
def test_jax_without_64_bits_changes_nothing(soon, set_before):
    table, step = table_and_step(0.1)
    mine, rng = table.get_value(), np.random.RandomState(3)
    for k in range(12):
        if set_before and k > 6:
            table.set_value(mine)
        index, target = rng.randint(-ROWS, ROWS, size=20), rng.normal(size=(20, WIDTH))
        cost, mine = stepped(mine, index, target, 0.1)
        with jax.enable_x64(k < 8):
            got = step(index, target)
        assert got.dtype == np.float64
        np.testing.assert_allclose(got, cost, rtol=1e-12)
        np.testing.assert_allclose(table.get_value(), mine, rtol=1e-12)
    assert table.get_value().dtype == np.float64


@pytest.mark.filterwarnings("ignore::theanojax.errors.HostFallbackWarning")
@pytest.mark.parametrize("in_c", [True, False])
def test_a_nan_that_jax_is_to_complain_of_takes_no_value_away(soon, in_c):
    values = np.full((300, 100), 2.0)
    ones, k = theano.shared(values, "ones"), T.dscalar("k")
    with change_flags(xla_in_c=in_c, xla_strict=False):
        step = theano.function([k], [], updates=[(ones, ones * k)])
        with jax.debug_nans(True):
            step(1.0)
            assert not any(runs_in_c(step))
            for _ in range(2):
                with contextlib.suppress(FloatingPointError):
                    step(np.nan)
    assert ones.get_value().shape == values.shape


def test_a_graph_that_numpy_runs_goes_over_to_c(soon):
    data = numbers(400, 100)
    w = theano.shared(np.zeros(100), "w")
    labels = T.dvector("labels")
    p = T.nnet.sigmoid(T.dot(x, w))
    cost = T.nnet.binary_crossentropy(p, labels).mean()
    step = theano.function([x, labels], cost, updates=[(w, w - 0.5 * T.grad(cost, w))])
    truth, mine = (data[:, 0] > 0).astype("float64"), np.zeros(100)
    for _ in range(8):
        q = 1 / (1 + np.exp(-data @ mine))
        want = -(truth * np.log(q) + (1 - truth) * np.log(1 - q)).mean()
        np.testing.assert_allclose(step(data, truth), want, rtol=1e-10)
        mine = mine - 0.5 * data.T @ (q - truth) / len(data)
    np.testing.assert_allclose(w.get_value(), mine, rtol=1e-9)
    (stage,) = step.fn.executor._program.all_stages()
    ((way, _),) = stage.in_c.others.values()
    assert way.run is not None and "in C" in str(step.fn.plan)


def test_loops_of_any_length(soon):
    n = T.lscalar("n")
    h, _ = theano.scan(lambda h: T.tanh(h * 0.5 + v), outputs_info=T.zeros_like(v), n_steps=n)
    f = theano.function([v, n], [h, T.grad(h.sum(), v)])
    plain = theano.function([v, n], [h, T.grad(h.sum(), v)], mode=theano.Mode(linker="py"))
    value = numbers(4)
    for k in [*range(2, 40), 3, 17]:
        for got, want in zip(f(value, k), plain(value, k)):
            np.testing.assert_allclose(got, want, rtol=1e-12)
    kernels = f.fn.executor._polymorphic.kernels.values()
    assert any(way.run for k in kernels for way in k.in_c.values())


def test_threads(soon):
    f = theano.function([v], T.tanh(v).cumsum() + v.sum())
    value = numbers(50)
    want = np.cumsum(np.tanh(value)) + value.sum()
    wrong = []

    def work():
        for _ in range(300):
            if not np.allclose(f(value), want, rtol=1e-12):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and runs_in_c(f) == [True]


@pytest.mark.parametrize("flags", [{"cxx": ""}, {"xla_in_c": False}])
def test_flags_that_leave_all_to_xla(soon, flags):
    with change_flags(**flags):
        f = theano.function([v], T.tanh(v).cumsum())
        for _ in range(8):
            f(np.ones(3))
        assert runs_in_c(f) == [False]
    for _ in range(3):
        f(np.ones(3))
    assert runs_in_c(f) == [True]


def test_a_program_that_is_not_written_in_c_stays_with_xla(soon):
    f = theano.function([v], T.sort(T.tanh(v)).cumsum())
    for _ in range(8):
        np.testing.assert_allclose(f(np.array([2.0, 1.0])), np.cumsum(np.tanh([1.0, 2.0])))
    (way,) = ways(f)
    assert way.settled and way.run is None and "sort" in way.refusal


@pytest.mark.parametrize(
    "flags, said", [({"gcc.cxxflags": "-no-such-flag-at-all"}, "no-such-flag"), ({"cxx": "g++ 'x"}, "quotation")]
)
def test_a_compiler_that_fails_is_told_of_once(soon, caplog, monkeypatch, flags, said):
    monkeypatch.setattr(often, "_told", threading.Event())
    with change_flags(**flags):
        for n in (2.0, 3.0):
            f = theano.function([v], T.tanh(v).cumsum() * n)
            for _ in range(8):
                np.testing.assert_allclose(f(np.ones(2)), np.cumsum(np.tanh([1.0, 1.0])) * n)
            assert runs_in_c(f) == [False] and not f.fn.executor.fallbacks
            assert str(f.fn.plan).startswith("not in C, though called often: compiling it in C fails")
    assert said in caplog.text and caplog.text.count("stays with XLA") == 1


def test_a_compiler_that_hangs_is_not_waited_for(soon, monkeypatch, tmp_path):
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\ncase $1 in --version) echo 1;; *) exec sleep 1000;; esac\n")
    compiler.chmod(0o755)
    monkeypatch.setattr("theanojax.runtime.in_c.module.LONGEST", 1.0)
    with change_flags(cxx=str(compiler)):
        f = theano.function([v], T.tanh(v).cumsum() * 7)
        start = time.perf_counter()
        for _ in range(8):
            f(np.ones(2))
        assert time.perf_counter() - start < 60
    assert "longer than 1 seconds" in ways(f)[0].refusal


def test_python_ends_though_functions_wait_for_the_compiler(tmp_path):
    program = """
import numpy as np, theano, theano.tensor as T
from theanojax.runtime.in_c import often
often.OFTEN, often.TAKES_OVER = 0, 1e9
v = T.dvector("v")
for n in range(40):
    f = theano.function([v], T.tanh(v).cumsum() * n)
    f(np.ones(3)), f(np.ones(3)), f(np.ones(3))
print(theano.config.compiledir)
import time
print(time.time())
"""
    flags = "base_compiledir=%s" % tmp_path
    done = subprocess.run(
        [sys.executable, "-c", program], env=dict(os.environ, THEANO_FLAGS=flags), capture_output=True, text=True
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert time.time() - float(done.stdout.split()[-1]) < 5
