"""Programs in C that look up rows of tables and write them back, and quotients whose divisors are known."""

import numpy as np
import pytest

import jax
import jax.numpy as jnp
from jax import lax

from tests.test_in_c import check, numbers
from theanojax.config import config
from theanojax.runtime.in_c.module import program_of
from theanojax.runtime.in_c.program import source_of

pytestmark = pytest.mark.skipif(not config.cxx, reason="no C++ compiler")


def source(function, *args):
    with jax.enable_x64(True):
        return source_of(jax.make_jaxpr(function)(*args)).text


def is_straight(function, *args):
    """Whether rows are written back by the loop that reads them."""
    return "find_single(" in source(function, *args).partition("void compute(")[2]


def rows_of(table, count, seed=0, repeated=0.0):
    """Indices of rows, so many of them repeated, and some beyond the ends."""
    rng = np.random.RandomState(seed)
    found = rng.permutation(table)[:count] if count <= table else rng.randint(0, table, count)
    again = rng.uniform(size=count) < repeated
    found[again] = found[rng.randint(0, count, again.sum())]
    return found


def step(table, rows, target, how="add", mode="promise_in_bounds"):
    found = table.at[rows].get(mode="promise_in_bounds")
    new = 0.25 * (found - target)
    return getattr(table.at[rows], how)((-new).astype(table.dtype), mode=mode), (new**2).sum()


@pytest.mark.parametrize("how", ["add", "set", "multiply", "min", "max"])
@pytest.mark.parametrize(("table", "count", "repeated"), [(600, 300, 0.0), (600, 300, 0.3), (9000, 300, 0.3)])
def test_rows_that_are_written_back(how, table, count, repeated):
    values, target = numbers(table, 16), numbers(count, 16, seed=1)

    def loop(values, rows, target):
        return lax.fori_loop(0, 2, lambda i, c: step(c[0], rows, target, how), (values, 0.0))

    rows = rows_of(table, count, repeated=repeated if how != "set" else 0.0)  # which of several stays is anyone's guess
    assert is_straight(loop, values, rows, target)
    check(loop, values, rows, target)


@pytest.mark.parametrize("repeated", [0.0, 0.3, 0.95])
def test_few_rows_of_a_large_table(repeated):
    values, target, rows = numbers(200000, 16), numbers(300, 16, seed=1), rows_of(200000, 300, repeated=repeated)
    rows[:4] = [-1, 0, 200000, 199999]
    with jax.enable_x64(True):
        program = jax.make_jaxpr(step)(values, rows, target)
        own = jax.jit(lambda *arrays: arrays, donate_argnums=0)
        text = source_of(program, (), {0: 0}).text.partition("void compute(")[2]
        assert "find_single(" in text and "2048" in text  # marks
        got = program_of(program, (), {0: 0}).run(own, jnp.asarray(values), rows, target)
        want = jax.jit(step)(values, rows, target)
    for g, w in zip(got, want):
        np.testing.assert_allclose(g, w, rtol=1e-12)


def test_rows_that_are_not_there():
    values, target = numbers(50, 64), numbers(80, 64, seed=1)
    rows = np.concatenate([np.arange(40), [-1, 50, 99, -70, 2**40], np.arange(30), [3, 3, 3, 50, 49]])

    def loop(values, rows, target, mode):
        def body(i, carry):
            return step(carry[0], rows, target, mode=mode)

        return lax.fori_loop(0, 3, body, (values, 0.0))

    for mode in ("drop", "clip"):
        check(lambda v, r, t, mode=mode: loop(v, r, t, mode), values, rows, target)
        check(lambda v, r, t, mode=mode: loop(v, r, t, mode), values, rows[40:45].repeat(16), target)


def test_rows_by_several_indices_and_of_several_dimensions():
    values = numbers(90, 3, 8)
    rows = rows_of(90, 200, repeated=0.5).reshape(20, 10)
    target = numbers(20, 10, 3, 8, seed=1)

    def loop(values, rows, target):
        return lax.fori_loop(0, 2, lambda i, c: step(c[0], rows, target), (values, 0.0))

    assert is_straight(loop, values, rows, target)
    check(loop, values, rows, target)
    check(loop, values, rows.T, target.swapaxes(0, 1))
    check(loop, values.astype("float32"), rows, target.astype("float32"))
    check(loop, (values * 100).astype("int64"), rows, (target * 100).astype("int64").astype("float64"))


def test_what_reads_other_rows_waits():
    values, target = numbers(300, 16), numbers(256, 16, seed=1)
    rows, others = rows_of(300, 256), rows_of(300, 256, seed=5)

    def reads_others(values, rows, others, target):
        new = 0.1 * (values[rows] * values[others] - target)
        return values.at[rows].add(new)

    def reads_all(values, rows, others, target):
        new = 0.1 * values[rows] - target
        return values.at[rows].add(new) + values.sum(axis=0)

    def reads_itself(values, rows, others, target):
        return values.at[rows].add(0.1 * values[rows] - values[:256])

    def reads_turned(values, rows, others, target):
        return values.at[rows].add(values[rows][:16].T.repeat(16, 0) * 0.5)

    for function in (reads_others, reads_all, reads_itself, reads_turned):

        def loop(values, rows, others, target, function=function):
            return lax.fori_loop(0, 2, lambda i, v: function(v, rows, others, target), values)

        check(loop, values, rows, others, target)
        assert not is_straight(loop, values, rows, others, target)


def test_two_tables_in_one_loop():
    a, b, rows = numbers(300, 16), numbers(400, 16, seed=1), rows_of(300, 256, repeated=0.1)

    def both(a, b, rows):
        p, q = a[rows], b[rows]
        return a.at[rows].add(-0.1 * q * p), b.at[rows].add(-0.1 * p * (q - 1))

    check(lambda a, b, rows: lax.fori_loop(0, 3, lambda i, c: both(*c, rows), (a, b)), a, b, rows)


def test_rows_are_found_before_the_loops_over_them():
    table, rows = numbers(40, 30), rows_of(40, 20)
    text = source(lambda t, i: jnp.tanh(t[i]) * 2, table, rows)
    lines = text.partition("void compute(")[2].split("\n")
    at = next(k for k, line in enumerate(lines) if "= within(" in line)
    assert "#pragma omp simd" in lines[at + 1]
    check(lambda t, i: jnp.pad(t[i], ((2, 1), (0, 3))) + 1, table, rows)
    check(lambda t, i: lax.pad(t[i][:, 0], 5.0, ((3, 4, 0),)) * 2, table, rows)
    check(lambda t, i: t[t[i, 0].astype(int) % 40], np.abs(table * 100), rows)
    check(lambda t, i: t[i[None, :, None], i[:, None, None] % 30].sum(axis=1), table, rows)


def test_rows_that_are_written_under_a_condition():
    def step(i, carry, x):
        last, first, window, other, total = carry
        new = jnp.tanh(x[i] + last)
        here = i - 4
        wanted = (here >= 0) & (here < 3)
        at = jnp.where(wanted, here, 0)
        window = window.at[at].set(jnp.where(wanted, new, window[at]))
        kept = lax.dynamic_index_in_dim(other, i % 2, 0, keepdims=False)
        other = lax.dynamic_update_index_in_dim(other, jnp.where(i > 2, new + kept, kept), i % 2, 0)
        first = jnp.where(i == 0, new, first)
        wrong = lax.dynamic_update_index_in_dim(window, jnp.where(wanted, new, window[0]), at, 0)
        return new, first, window, other, total + wrong.sum() + other[1].sum()

    def loop(x, window, other):
        start = jnp.zeros(4), jnp.zeros(4), window, other, 0.0
        return lax.fori_loop(0, 8, lambda i, c: step(i, c, x), start)

    args = numbers(8, 4), numbers(3, 4, seed=1), numbers(2, 4, seed=2)
    check(loop, *args)
    check(lambda x, window, other: [loop(x, window, other), loop(window.repeat(3, 0), x[:3], other), window], *args)

    def rows(x, window, yes):
        def put(window, i, row):
            old = lax.dynamic_slice(window, (i, 0), (1, 4))
            return lax.dynamic_update_slice(window, jnp.where(yes, row[None], old), (i, 0))

        return put(put(window * 2, 1, x[0]), 9, x[1]), put(window, -1, x[2])

    check(rows, args[0], args[1], True)
    check(rows, args[0], args[1], False)
    text = source(rows, args[0], args[1], True).partition("void compute(")[2]
    assert "if (" in text and "?" not in text.partition("// Whether")[0]


def put(rows, at, new):
    return lax.dynamic_update_index_in_dim(rows, new, at, 0)


def kept_if(wanted, rows, at, new):
    return lax.cond(wanted, put, lambda rows, at, new: rows, rows, at, new)


def test_rows_that_a_conditional_writes():
    def loop(x, window, other):
        def step(i, carry):
            last, window, other = carry
            new = jnp.tanh(x[i] + last)
            window = kept_if((i >= 4) & (i < 7), window, i - 4, new)
            return new, window, kept_if(i % 2 == 0, other, i, 2 * new)

        return lax.fori_loop(0, 8, step, (jnp.zeros(4), window, other))

    args = numbers(8, 4), numbers(3, 4, seed=1), numbers(5, 4, seed=2)
    check(loop, *args)
    assert "switch (" not in source(loop, *args).partition("void compute(")[2].partition("// Whether")[0]


@pytest.mark.parametrize("yes", [True, False])
def test_conditionals_that_do_more_or_other_things(yes):
    def chosen(write, leave, more=lambda rows: ()):
        def program(x, rows):
            return lax.cond(yes & (x[0] < 9), write, leave, rows, x), more(rows)

        check(program, numbers(4), numbers(3, 4, seed=1))

    def written(rows, x):
        return put(rows, 1, x)

    def left(rows, x):
        return rows

    chosen(written, left)
    chosen(left, written)
    chosen(written, left, lambda rows: rows.sum(0))
    chosen(written, lambda rows, x: rows + 1)
    chosen(written, lambda rows, x: put(rows, 2, x))
    chosen(lambda rows, x: put(rows, 1, x * 2), left)
    chosen(lambda rows, x: put(put(rows, 1, x), 2, x), left)
    chosen(lambda rows, x: put(rows * 1.5, 1, x), left)


# ---------------------------------------------------------------- quotients
VALUES = np.array([0.0, -0.0, 1.0, -3.5, 1e-310, 1e-308, 1e300, -1e308, np.inf, -np.inf, np.nan])


def divided(x, y):
    """A quotient that says which nan it is."""
    return lax.div(jnp.where(y == y, x, y), jnp.where(x == x, y, x))


@pytest.mark.parametrize("by", [3.0, 1e-3, 7e12, 0.0, -0.0, np.inf, np.nan, 1e-310, 1e308, 49.0])
def test_quotients_by_constants(by):
    x = VALUES
    with jax.enable_x64(True):
        program = jax.make_jaxpr(
            lambda x: [
                x / by, divided(x, by), divided(5.0 * x, by), (x * 49.0) / by, divided(by, x), divided(x * x, x),
            ]
        )(x)  # fmt: skip
    with np.errstate(all="ignore"):
        plain = np.where(abs(x) < 1e-307, x * 0, x)  # as programs in C see numbers that small
        low = np.float64(0.0 if by == 1e-310 else by)
        joined = np.isfinite(by) and low != 0  # constants become one

        def scaled(factor):
            return plain * (factor / low) if joined else plain * factor / low

        want = [plain / low, plain / low, scaled(5.0), scaled(49.0), low / plain, plain * plain / plain]
    for found, expected in zip(program_of(program).run(x), want):
        np.testing.assert_allclose(found, expected, rtol=3e-15, atol=1e-307)


def test_quotients_lose_no_more_than_a_digit():
    x = np.arange(1.0, 4000.0)

    with jax.enable_x64(True):
        program = jax.make_jaxpr(lambda x: (x / 49.0, 3.0 * x / 3.0, 49.0 * x / 49.0, 5.0 * x / 10.0))(x)
    for found, want in zip(program_of(program).run(x), (x / 49.0, x, x, x / 2)):
        np.testing.assert_array_equal(found, want)


def test_choices_that_are_known():
    x = numbers(5)
    check(lambda x: [jnp.where(np.float64(2.0) == 2.0, x, x * 2), lax.select_n(jnp.asarray(True), x, x + 1)], x)
    text = source(lambda x: divided(x, 3.0), x)
    assert "?" not in text.partition("void compute(")[2].partition("// Whether")[0]
