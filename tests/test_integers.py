"""Integers wrap around in the dtype that each result declares, whatever rewrites make of the expression.

Every case is held against Python's integers: `exact` works out the graph as it is written, node by node, and brings
each result into the range of its dtype.
"""

import random

import numpy as np
import pytest

import theano
import theano.tensor as T
from theanojax import scalar as S
from theanojax.graph.traverse import ancestors
from theanojax.tensor.elemwise import DimShuffle, Elemwise
from theanojax.tensor.indexing.subtensor import Subtensor
from theanojax.tensor.indexing.subtensor_basic import get_idx_list
from theanojax.tensor.linalg.products import Dot
from theanojax.tensor.reduce import Prod, Sum
from theanojax.tensor.shape import Shape

BITS = {"%s%d" % (kind, n): n for kind in ("int", "uint") for n in (8, 16, 32, 64)}
DTYPES = ["bool", *BITS]
MODES = ["FAST_RUN", "FAST_COMPILE", theano.Mode("py", "fast_run"), theano.Mode("cvm", None)]
MODE_NAMES = ["FAST_RUN", "FAST_COMPILE", "rewritten, on the host", "as written, in XLA"]

# At the ends of a dtype, around zero, and such whose squares and products wrap around.
NUMBERS = {"bool": [0, 1], **{d: [0, 1, 2, 3, 20, 2 ** (n // 2) + 3, 2 ** (n - 1), 2**n - 1] for d, n in BITS.items()}}
for _d, _n in BITS.items():
    if _d[0] == "i":
        NUMBERS[_d] = [
            -(2 ** (_n - 1)),
            -(2 ** (_n // 2)) - 3,
            -3,
            -2,
            -1,
            0,
            1,
            2,
            3,
            20,
            2 ** (_n // 2) + 3,
            2 ** (_n - 1) - 1,
        ]


# ---------------------------------------------------------------- an interpreter of graphs
def into(n, dtype):
    """The integer that `n` is as a `dtype`; floats stay numbers of their dtype."""
    if dtype == "bool":
        return int(n != 0)
    if dtype not in BITS:
        return np.dtype(dtype).type(n)
    n, bits = int(n), BITS[dtype]
    n %= 1 << bits
    return n - (1 << bits) if dtype[0] == "i" and n >> (bits - 1) else n


def power(dtype, x, y):
    if y >= 0:
        return pow(x, y, 1 << 64)
    if x == 0:
        return {"int32": -(2**31), "int64": -(2**63)}.get(dtype, 0)  # infinity, as C casts it
    return {1: 1, -1: -1 if y % 2 else 1}.get(x, 0)


def product(*factors):
    total = 1
    for n in factors:
        total *= n
    return total


def total(terms):
    """Their sum, rounded at each step; from Python 3.12 on `sum` of floats is exact to the last digit."""
    result = 0
    for n in terms:
        result += n
    return result


BODIES = {
    S.Add: lambda d, *n: sum(n),
    S.Mul: lambda d, *n: product(*n),
    S.Sub: lambda d, x, y: x - y,
    S.Neg: lambda d, x: -x,
    S.Sqr: lambda d, x: x * x,
    S.Abs: lambda d, x: abs(x),
    S.Pow: power,
    S.Cast: lambda d, x: x,
    S.Second: lambda d, x, y: y,
    S.Switch: lambda d, c, x, y: x if c else y,
    S.Maximum: lambda d, *n: max(n),
    S.Minimum: lambda d, *n: min(n),
    S.IntDiv: lambda d, x, y: x // y,
    S.Mod: lambda d, x, y: x % y,
    S.GT: lambda d, x, y: x > y,
    S.EQ: lambda d, x, y: x == y,
    S.LT: lambda d, x, y: x < y,
    S.GE: lambda d, x, y: x >= y,
}
FLOAT_BODIES = {
    S.Add: lambda *n: sum(n),
    S.Mul: lambda *n: product(*n),
    S.Sub: lambda x, y: x - y,
    S.TrueDiv: lambda x, y: x / y,
    S.Pow: lambda x, y: x**y,
    S.Cast: lambda x: x,
    S.Sqr: lambda x: x * x,
    S.Log: np.log,
    S.Exp: np.exp,
    S.Neg: lambda x: -x,
    S.Abs: abs,
    S.Second: lambda x, y: y,
    S.Switch: lambda c, x, y: x if c else y,
    S.Mod: lambda x, y: x % y,
    S.IntDiv: lambda x, y: x // y,
    S.EQ: lambda x, y: x == y,
    S.GT: lambda x, y: x > y,
    S.Maximum: max,
    S.Minimum: min,
}


def exact(v, values):
    """What the graph of `v` gives for the integers `values` of its inputs, as an array of Python's numbers."""
    if v in values:
        return values[v]
    if v.owner is None:
        return np.asarray(v.data).astype(object)
    op, dtype = v.owner.op, v.dtype
    args = [np.asarray(exact(u, values), object) for u in v.owner.inputs]
    if isinstance(op, Elemwise):
        if dtype in DTYPES and all(u.dtype in DTYPES for u in v.owner.inputs):
            body = BODIES[type(op.scalar_op)]
            return np.vectorize(lambda *n: into(body(dtype, *n), dtype), otypes=[object])(*args)
        body = FLOAT_BODIES[type(op.scalar_op)]
        work = np.dtype("float64" if dtype in DTYPES or isinstance(op.scalar_op, S.TrueDiv) else dtype)
        with np.errstate(all="ignore"):
            return np.vectorize(lambda *n: into(body(*[work.type(x) for x in n]), dtype), otypes=[object])(*args)
    if isinstance(op, DimShuffle):
        return args[0].transpose(op.shuffle).reshape([1 if i == "x" else args[0].shape[i] for i in op.new_order])
    if isinstance(op, (Sum, Prod)):
        join = total if isinstance(op, Sum) else lambda n: product(*n)
        axes = tuple(range(args[0].ndim)) if op.axis is None else op.axis
        x = np.moveaxis(args[0], axes, range(-len(axes), 0)).reshape(
            *[n for i, n in enumerate(args[0].shape) if i not in axes], -1
        )
        out = np.empty(x.shape[:-1], object)
        for i in np.ndindex(out.shape):
            terms = [n if op.acc_dtype in DTYPES else float(n) for n in x[i]]
            out[i] = into(into(join(terms), op.acc_dtype), dtype)
        return out
    if isinstance(op, Dot):
        return np.vectorize(lambda n: into(n, dtype), otypes=[object])(np.dot(*args))
    if isinstance(op, Shape):
        return np.array(args[0].shape, object)
    if isinstance(op, Subtensor):
        return args[0][get_idx_list([None, *map(int, args[1:])], op.idx_list)]
    raise AssertionError("no exact value of %s" % op)


def hold(graphs, mode):
    """Assert that each of `graphs`, which are (name, inputs, values, output), gives what Python's integers do."""
    inputs = [v for _, given, _, _ in graphs for v in given]
    values = [x for _, _, given, _ in graphs for x in given]
    with np.errstate(all="ignore"):
        got = theano.function(inputs, [out for *_, out in graphs], mode=mode, on_unused_input="ignore")(*values)
    wrong = []
    for (name, given, numbers, out), result in zip(graphs, got):
        want = np.asarray(exact(out, {v: x.astype(object) for v, x in zip(given, numbers)}), object)
        result = np.asarray(result)
        assert str(result.dtype) == out.dtype, name
        if out.dtype in DTYPES:
            right = result.shape == want.shape and (result.astype(object) == want).all()
        else:
            tolerance = 1e-5 if out.dtype != "float64" else 1e-12
            right = np.allclose(result, want.astype(out.dtype), rtol=tolerance, atol=tolerance, equal_nan=True)
        if not right:
            wrong.append("%s, %s: %s\n  instead of %s" % (name, out.dtype, result.tolist(), want.tolist()))
    assert not wrong, "\n".join(wrong)


# ---------------------------------------------------------------- tables
# `u`, `v` and the number `c` have the dtype under test, `w` is int64 and `f` float64.
EXPRESSIONS = """
u ** 0 | u ** 1 | u ** 2 | u ** 3 | u ** 4 | u ** 5 | u ** 7 | u ** 16 | u ** 63 | u ** 64 | u ** 65 | u ** 100
u ** -1 | u ** -2 | u ** -3 | (u * u) ** -1 | (u * u) ** 2 | (u ** 2) ** 3
u ** np.int16(2) | u ** np.int32(3) | u ** np.int64(5) | u ** np.float64(2) | u ** np.float64(3) | u ** np.float64(.5)
2 ** u | 3 ** u | (-3) ** u | 0 ** u | u ** u | u ** w | u ** abs(w) | (u % 5) ** (w % 100)
T.sqr(u) | u * u | u * u * u | T.sqr(T.sqr(u)) | u * u * w | w * (u * u) | u * (u * w) | T.mul(u, u, u, w)
u * 2 * w | u * 100 * w | u * w * 100 * 3 | (u + u) + w | (u + u) * w | u + (u + w) | (u + u) - w
T.add(u, u, w) | (20 - u) - u * u
(u + w) - (u + w) + u | (u + u + w) - w | (u * 1) * w | u * np.int64(1) | u * u * np.int64(1) | u + np.int64(0)
u + u + np.int64(0) | u * np.int64(0) | (u - u) * w | (u - 1) * (u + 1) | (u + 1) * (u + 1) - u * u - 2 * u
-u * w | (-u) * w | -(-u) | (-u) * (-u) | (-u) ** 2 | T.neg(abs(u)) * w | T.mul(np.int32(-1), u)
T.neg(u) * np.int16(2)
abs(u * u) | abs(u * 3) | abs(u) * abs(v) | abs(u) * abs(w) | abs(u) * w | abs(-u)
u * (2**53 + 1) | w * (2**53 + 1) | w * (2**53 + 1) * 3 | w * 2 * (2**61 + 1) | w + (2**53 + 1) + 2**53
(u * 100) * f | (u * u) * f | (u + u) * f | (u + 100) + f | (u - 100) - f | T.neg(u) * f | (u * 2) / w | (u * u) * 2.5
(u * u) / 2.5 | (u * 100) / 100 | (2 * u + 3 * u) * 0.5 | (u / f) * (u / f)
(3.0 / (abs(u % 7) + 1)) / (abs(u % 7) + 1)
abs(u) * f | abs(u / 3.0) | (u * u) * np.float32(.5) | T.cast(u, "float32") ** 2
T.cast(u * u, "int32") | T.cast(u * u, "float32") | T.cast(u, "int8") * T.cast(u, "int8") * w
T.cast(u, "uint8") + T.cast(u, "uint8") - w | T.cast(T.cast(u, "int8"), "int32") * u
T.cast(T.cast(u, "uint64"), "int8")
T.switch(u > 1, u, 0) * u * w | T.switch(u > 1, 0, u * u) * w | T.switch(u > 1, 0, u * u) * f
T.switch(u > 1, np.int8(0), u) * u | T.switch(u > 1, u, w) * T.switch(u > 1, u, w)
T.switch(u > 1, u, w) + T.switch(u > 1, u, w)
(u * u) // 3 | (u * 100) // 100 | (u * u) % 7 | u * 3 // 3 | u * w // w | u * u > u | T.eq(u * u, u ** 2)
T.sqr(u) // 2 | (u * u) // 4 | (u ** 2) // 2 | (u ** 4) // 8 | (u * u) % 2 | T.sqr(u) % 8 | abs(u) // 2 | abs(u * 3) % 4
T.lt(u * u, 0) | T.ge(T.sqr(u), 0) | T.gt(abs(u), -1) | (u * u).sum(dtype=u.dtype) // 2 | T.maximum(u * u, u) // 2
(u * v) * (v * u) // 2 | T.sqr(T.cast(u, "int16")) // 2 | T.sqr(T.cast(T.cast(u, "uint16"), "int32")) // 2
T.maximum(u * u, w) | T.minimum(-u, w) | T.fill(u, 3) * u
T.log(1 + u % 100) | T.log(np.int8(1) + T.cast(u, "int8")) | T.log(1 - u) | T.log(u - 1) | T.exp(u % 3) - 1
u.sum() | (u * u).sum() | T.sqr(u).sum() | (u ** 2).sum() | (u ** 3).sum() | (u * 100).sum() | (-u).sum()
(c * u).sum()
(c * u * w).sum() | (c * u * u).sum() | (T.cast(c, "int64") * u * u).sum() | (2.5 * u * u).sum() | (f * u).sum()
(0.5 * f).sum(dtype="int64")
u.sum(dtype=u.dtype) | (u * u).sum(dtype=u.dtype) | (c * u).sum(dtype=u.dtype) | (u * 3).sum(dtype="float32")
(u * 3).sum(dtype="float64")
(u * 3).sum(acc_dtype="float64") | (c * u).sum(dtype=u.dtype, acc_dtype="int64") | (u * 3).sum(dtype="int8")
(-u).sum(dtype="int8")
(-u).sum(dtype=u.dtype) | u.mean() | (u * 100).mean() | (u * u).mean() | (u ** 2).mean() | (-u).mean()
u.prod() | (u * 3).prod() | (c * u).prod() | (u ** 2).prod() | (c * u).prod(dtype=u.dtype)
(c * u).prod(dtype="int8")
u.dimshuffle(0, "x").sum(axis=0, dtype=u.dtype).sum() | T.outer(u, u).sum()
T.outer(u, u).sum(axis=0, dtype=u.dtype).sum()
T.outer(u, u).sum(axis=0, dtype=u.dtype, acc_dtype="int64").sum(dtype="int64")
T.outer(u, u).prod(axis=0, dtype=u.dtype).prod()
T.outer(u, u).sum(axis=0, dtype="int8").sum(dtype="int8") | T.outer(f, f).sum(axis=0, dtype="int64").sum()
T.outer(u, u).sum(axis=0, dtype="int16").sum(dtype="float64")
T.sqr(u.dimshuffle("x", 0) * u.dimshuffle(0, "x")).sum(axis=1)
((u % 100).dimshuffle(0, "x") / f.dimshuffle("x", 0)).sum(axis=0)
"""
EXPRESSIONS = [e.strip() for line in EXPRESSIONS.strip().splitlines() for e in line.split(" | ")]


def table(dtype):
    """The graphs of the expressions that there are for `dtype`, each on inputs of its own."""
    numbers = np.array(NUMBERS[dtype], dtype)
    n = len(numbers)
    signs = np.where(np.arange(n) % 4 == 2, -1, 1)
    values = [numbers, numbers[::-1], np.asarray(numbers[-2]), np.arange(3, 3 + n) * signs, np.linspace(0.5, 3, n)]
    graphs = []
    for text in EXPRESSIONS:
        inputs = [
            T.vector("u", dtype=dtype),
            T.vector("v", dtype=dtype),
            T.scalar("c", dtype=dtype),
            T.vector("w", dtype="int64"),
            T.vector("f", dtype="float64"),
        ]
        try:
            out = eval(text, {"T": T, "np": np, **{v.name: v for v in inputs}})
        except (TypeError, NotImplementedError):
            continue  # -u and u - u of bools, a sum that would lose precision
        graphs.append((text, inputs, values, out))
    return graphs


@pytest.mark.parametrize(
    "dtype, mode",
    [
        pytest.param(d, mode, id="%s %s" % (d, name))
        for d in DTYPES
        for mode, name in zip(MODES, MODE_NAMES)
        if isinstance(mode, str) or d in ("int8", "uint16", "int64", "uint64")
    ],
)
def test_expressions_are_computed_in_their_dtype(dtype, mode):
    hold(table(dtype), mode)


# ---------------------------------------------------------------- random expressions of several dtypes
def random_expression(draw, leaves, depth):
    """A sum, product, power, selection ... of the variables `leaves`."""
    if depth == 0 or draw.random() < 0.1:
        leaf = draw.choice(leaves)
        return T.constant(np.asarray(draw.choice(NUMBERS[leaf.dtype]), leaf.dtype)) if draw.random() < 0.2 else leaf
    parts = [random_expression(draw, leaves, depth - 1) for _ in range(3)]
    kind = draw.choice(["add", "mul", "mul", "sub", "neg", "sqr", "abs_", "pow", "cast", "switch", "maximum", "mul3"])
    x, y, c = parts
    if kind in ("sub", "neg") and "bool" in (x.dtype, y.dtype):
        kind = "add"
    if kind == "pow":
        return x ** draw.choice([0, 1, 2, 3, 5, -1, -2, abs(T.cast(y, "int8") % 70)])
    if kind == "cast":
        return T.cast(x, draw.choice(DTYPES))
    if kind == "switch":
        return T.switch(c > 1, *draw.choice([(x, y), (0, x), (x, 0)]))
    if kind == "mul3":
        return T.mul(*parts)
    return getattr(T, kind)(*parts[: 1 if kind in ("neg", "sqr", "abs_") else 2])


def random_graph(seed):
    draw = random.Random(seed)
    dtypes = draw.sample([d for d in DTYPES if d != "uint64" or seed % 4 == 0], 3)
    leaves = [T.vector(dtype=d) for d in dtypes]
    values = [np.array([draw.choice(NUMBERS[d]) for _ in range(4)], d) for d in dtypes]
    out = random_expression(draw, leaves, draw.choice([2, 3, 3]))
    if out.dtype in DTYPES and draw.random() < 0.5:
        out = getattr(T, draw.choice(["sum", "sum", "prod"]))(out, dtype=draw.choice([None, None, out.dtype, "int64"]))
    return "graph %d" % seed, leaves, values, out


@pytest.mark.parametrize("first", range(0, 150, 30))
def test_random_expressions(first):
    graphs = [random_graph(seed) for seed in range(first, first + 30)]
    graphs = [g for g in graphs if not any("float" in v.dtype for v in ancestors([g[-1]]))]
    for mode in ("FAST_RUN", "FAST_COMPILE"):
        hold(graphs, mode)
