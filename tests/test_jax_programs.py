"""Whole programs as JAX functions and back: those of benchmarks/, of tests/features and of examples/jax_packages.py."""

import importlib.util
import os
import sys

import numpy as np
import pytest

import jax
import jax.numpy as jnp

import theano
import theano.tensor as T
import theanojax
from tests.features import run_all
from theanojax.compile.function_object import Function
from theanojax.interop import NeedsHost

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def close(found, want, rtol=1e-8, atol=1e-10):
    found, want = jax.tree.leaves(found), jax.tree.leaves(want)
    assert len(found) == len(want)
    for a, b in zip(found, want):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=atol)


# ---------------------------------------------------------------- benchmarks
@pytest.fixture(scope="module")
def benchmarks():
    """(the programs that are timed, the class of what they are given)."""
    folder = os.path.join(ROOT, "benchmarks", "worker")
    sys.path.insert(0, folder)
    try:
        import peers
        from programs import PROGRAMS
    finally:
        sys.path.remove(folder)
    return PROGRAMS, peers.TheanoApi


class Recorded:
    """What a program is given, which remembers the cost, what it is derived for, the function and its arguments."""

    def __init__(self, api):
        self.api, self.cost, self.wrt, self.made, self.args = api, None, [], None, ()

    def __getattr__(self, name):
        return getattr(self.api, name)

    def grad(self, cost, wrt):
        self.cost, self.wrt = cost, wrt
        return T.grad(cost, wrt)

    def function(self, inputs, outputs, **options):
        self.inputs, self.givens = inputs, options.get("givens")
        self.made = theano.function(inputs, outputs, **options)

        def call(*args):
            self.args = args
            return self.made(*args)

        return call


def recorded(benchmarks, name):
    programs, api = benchmarks
    record, program = Recorded(api()), programs[name]
    step, _ = program.theano(record, program.data(np.random.RandomState(3), True))
    twin = record.made.to_jax()
    values = twin.values()
    step()
    return record, twin, values


LARGE = [pytest.param(name, marks=pytest.mark.slow) for name in ("lenet64", "lenet32", "graph400")]
TRAINING = ["logistic", "mlp", "embedding", "rnn", "lstm", "loopgrad", *LARGE]


def run_of(name, function):
    """`function`, jitted if its operations, one by one, would take XLA long to compile."""
    return jax.jit(function) if name in ("lenet64", "lenet32", "graph400", "lstm", "rnn", "mlp") else function


@pytest.mark.parametrize("name", TRAINING)
def test_gradients_of_jax_are_those_of_theano(benchmarks, name):
    record, _, _ = recorded(benchmarks, name)
    inputs, wrt = record.inputs, record.wrt if isinstance(record.wrt, list) else [record.wrt]
    if name == "embedding":  # Theano derives for the rows that it has found
        wrt = [v for v in theano.gof.graph.inputs([record.cost]) if isinstance(v, theano.compile.SharedVariable)]
    loss = theanojax.to_jax(record.cost, inputs, givens=record.givens)
    want = theano.function(inputs, T.grad(record.cost, wrt), givens=record.givens)(*record.args)
    tight = {"rtol": 1e-3, "atol": 1e-5} if name == "lenet32" else {}
    if loss.shared:
        found = run_of(name, jax.grad(loss, allow_int=True))(loss.values(), *record.args)
        names = {v: n for n, v in loss.shared.items()}
        close([found[names[v]] for v in wrt], want, **tight)
    else:
        found = run_of(name, jax.grad(loss, argnums=tuple(inputs.index(v) for v in wrt)))(*record.args)
        close(found, want)


MAPPED = ["scalar", "chain", "reduction", "looprows", "pow", "ifelse", "switch", "gibbs", *TRAINING]


@pytest.mark.parametrize("name", MAPPED)
def test_vmap_is_a_loop(benchmarks, name):
    """Over three values of the first argument of floats, or else of the first shared variable of floats."""
    record, twin, values = recorded(benchmarks, name)
    leading = (values,) if twin.shared else ()
    floats = [i for i, x in enumerate(record.args) if np.asarray(x).dtype.kind == "f"]
    tight = {"rtol": 1e-3, "atol": 1e-5} if name == "lenet32" else {"rtol": 1e-7, "atol": 1e-9}
    if floats:
        place = len(leading) + floats[0]
        args = [*leading, *record.args]
        many = jnp.stack([jnp.asarray(args[place]) * k for k in (1.0, 0.5, -1.0)])
        axes = [None] * len(args)
        axes[place] = 0
        rows = [[*args[:place], row, *args[place + 1 :]] for row in many]
        args[place] = many
    else:
        key = next(n for n, v in values.items() if v.dtype.kind == "f")
        many = jnp.stack([values[key] * k for k in (1.0, 0.5, -1.0)])
        axes = [{n: 0 if n == key else None for n in values}, *[None] * len(record.args)]
        rows = [[{**values, key: row}, *record.args] for row in many]
        args = [{**values, key: many}, *record.args]
    static = [i for i, x in enumerate(args) if i >= len(leading) and isinstance(x, int)]
    if static:  # a number that fixes a length cannot be traced
        found = jax.vmap(lambda *a: twin(*[args[i] if i in static else x for i, x in enumerate(a)]), in_axes=axes)(
            *[0 if i in static else x for i, x in enumerate(args)]
        )
    else:
        twin = run_of(name, twin)
        found = run_of(name, jax.vmap(twin, in_axes=axes))(*args)
    loop = [twin(*row) for row in rows]
    close(found, jax.tree.map(lambda *rows: jnp.stack(rows), *loop), **tight)


# ---------------------------------------------------------------- features
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_all_programs_there_and_back(monkeypatch, tmp_path):
    """Each call of a program of tests/features that XLA runs whole: its JAX function as an Op gives the same."""
    call, seen, busy = Function.__call__, [], []

    def both(self, *args, **kwargs):
        wanted = None
        if not busy and self not in seen and not kwargs and hasattr(getattr(self.fn, "executor", None), "fallbacks"):
            busy.append(self)
            try:
                wanted = there_and_back(self, args)
            finally:
                busy.clear()
        found = call(self, *args, **kwargs)
        if wanted is not None:
            results = jax.tree.leaves(found)
            close(wanted[: len(results)], results, rtol=1e-5)
            seen.append(self)
        return found

    monkeypatch.setattr(Function, "__call__", both)
    run_all(tmp_path)
    assert len(seen) > 115, len(seen)


def there_and_back(made, args, whole=()):
    """The results of a function by way of its JAX function and an Op of that; None where it has no form.

    The arguments number `whole`, which fix lengths, are no arguments of the JAX function and the Op.
    """
    try:
        there = made.to_jax()
    except NeedsHost:
        return None
    try:
        values = {name: np.asarray(v) for name, v in there.values().items()}
        leading = (values,) if there.shared else ()
        rest = [i for i in range(len(args)) if i not in whole]

        def part(*given):
            first, given = given[: len(leading)], given[len(leading) :]
            return there(*first, *{**dict(enumerate(args)), **dict(zip(rest, given, strict=True))}.values())

        result = jax.jit(part)(*leading, *[args[i] for i in rest])
    except (TypeError, jax.errors.JaxRuntimeError):  # what only the host can run, or a call that is an error
        integers = tuple(i for i, v in enumerate(there.inputs) if np.dtype(v.dtype).kind in "iub")
        return there_and_back(made, args, integers) if integers and not whole else None
    types = jax.tree.map(lambda x: T.TensorType(str(x.dtype), (False,) * x.ndim), result)
    state = {n: T.TensorType(str(v.dtype), (False,) * v.ndim)() for n, v in values.items()}
    inputs = [there.inputs[i].type() for i in rest]
    outs = jax.tree.leaves(
        theanojax.from_jax(part, types=types)(*([state] if there.shared else []), *inputs),
        is_leaf=lambda v: isinstance(v, theano.Variable),
    )
    back = theano.function([*state.values(), *inputs], outs, on_unused_input="ignore", allow_input_downcast=True)
    found = back(*[values[n] for n in state], *[args[i] for i in rest])
    close(found, result, rtol=1e-5)
    return found


# ---------------------------------------------------------------- packages
WAYS = ["optax_around", "optax_inside", "equinox_inside", "equinox_around", "flax_inside", "flax_around"]


@pytest.mark.parametrize("name", WAYS)
def test_packages(name):
    for package in {name.split("_")[0], "optax"}:
        pytest.importorskip(package)
    spec = importlib.util.spec_from_file_location("jax_packages", os.path.join(ROOT, "examples", "jax_packages.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert [way.__name__ for way in module.WAYS] == WAYS
    before, after = getattr(module, name)()
    assert after < 0.7 * before
