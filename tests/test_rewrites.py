"""Rewrites of tensor expressions: first what the graph becomes, then that its values stay the same.

What the graphs become was compared with Theano 1.0.5, node for node.
"""

import re
import time

import numpy as np
import pytest

import theanojax.tensor as T
from theanojax.compile.aliasing import Supervisor
from theanojax.compile.function import function
from theanojax.compile.mode import Mode
from theanojax.config import change_flags
from theanojax.graph.check import check_graph
from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.rewriting.local import OpSub, local_optimizer
from theanojax.graph.rewriting.tools import check_stack_trace
from theanojax.graph.rewriting.walk import TopoOptimizer
from theanojax.rewrites import pipeline, registry
from theanojax.rewrites.algebra import local_add_canonizer, local_mul_canonizer
from theanojax.rewrites.pipeline import optimizer_for
from theanojax.rewrites.sigmoid import compute_mul, is_1pexp, parse_mul_tree, perform_sigm_times_exp, simplify_mul
from theanojax.rewrites.subtensor_merge import merge_two_slices
from theanojax.runtime.host import run_graph
from theanojax.tensor.assert_op import Assert, assert_op
from theanojax.tensor.nnet.sigm import sigmoid, softplus
from theanojax.tensor.shape_feature import ShapeFeature

x, y = T.dmatrices("x", "y")
v, w = T.dvectors("v", "w")
b, f, i, n, k = T.dscalar("b"), T.fvector("f"), T.ivector("i"), T.lscalar("n"), T.lvector("k")
row = T.drow("row")
INPUTS = [x, y, v, w, b, f, i, n, k, row]

rng = np.random.RandomState(7)
VALUES = [rng.uniform(0.05, 0.95, s) for s in ((4, 4), (4, 4), (4,), (4,), ())] + [
    rng.rand(4).astype("float32"),
    np.array([3, -1, 0, 2], "int32"),
    np.array(3),
    np.array([2, 0, 3, 1]),
    rng.rand(1, 4),
]


@pytest.fixture(autouse=True)
def strict():
    with change_flags(on_opt_error="raise", on_shape_error="raise"):
        yield


def rewritten(out, query="fast_run", finishing=False):
    """The graph of `out` after rewriting, checked after every pass."""
    g = FunctionGraph(INPUTS, [out])
    g.attach_feature(Supervisor(g.inputs))
    signature = check_graph(g)
    passes = optimizer_for(query)
    for one in passes if finishing else passes.without_finishing():
        one.optimize(g)
        check_graph(g, signature)
    assert check_stack_trace(g, "all", bug_print="ignore")
    return g


def short(g):
    """A graph as text, with the usual names of elementwise Ops."""
    text = re.sub(r"Elemwise\{(\w+)(,no_inplace)?\}", r"\1", str(g)[1:-1])
    for old, new in (
        ("InplaceDimShuffle", "DimShuffle"),
        ("TensorConstant", "C"),
        ("Constant", "C"),
        ("MakeVector{dtype='int64'}", "MakeVector"),
        (", acc_dtype=float64", ""),
        ("{acc_dtype=float64}", ""),
    ):
        text = text.replace(old, new)
    return text


def same_values(out, g, values=VALUES):
    want = run_graph(INPUTS, [out], values)[0]
    got = run_graph(g.inputs, g.outputs, values)[0]
    assert np.asarray(got).dtype == np.asarray(want).dtype
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


FAST_RUN = [
    (lambda: T.log(1 + v), "log1p(v)"),
    (lambda: T.log(1 - v), "log1p(neg(v))"),
    (lambda: T.exp(v) - 1, "expm1(v)"),
    (lambda: T.log(1 + T.exp(v)), "softplus(v)"),
    (lambda: T.log(sigmoid(v)), "neg(softplus(neg(v)))"),
    (lambda: T.log(1 - sigmoid(v)), "neg(softplus(v))"),
    (lambda: 1 / (1 + T.exp(-v)), "sigmoid(v)"),
    (lambda: T.exp(v) / (1 + T.exp(v)), "sigmoid(v)"),
    (lambda: T.exp(-v) * sigmoid(v) * 3, "mul(C{(1,) of 3.0}, sigmoid(neg(v)))"),
    (lambda: T.log(T.exp(v) + T.exp(w)), "add(*1 -> maximum(v, w), softplus(add(sub(v, *1), sub(w, *1))))"),
    (
        lambda: T.log(T.exp(x).sum(axis=1)),
        "add(*1 -> Reduce{maximum}{1}(x), log(Sum{axis=[1]}(exp(sub(x, DimShuffle{0,x}(*1))))))",
    ),
    (lambda: 1 - T.erf(v), "erfc(v)"),
    (lambda: v * 2 / 2, "v"),
    (lambda: v / w * w, "v"),
    (lambda: (v + w) - v, "w"),
    (lambda: (2.0 * v) / (4.0 * w), "true_div(mul(C{(1,) of 0.5}, v), w)"),
    (lambda: v / (b / w), "true_div(v, true_div(DimShuffle{x}(b), w))"),
    (lambda: v + 0, "v"),
    (lambda: 0 * v, "Alloc(C{(1,) of 0.0}, Shape_i{0}(v))"),
    (lambda: -(-v), "v"),
    (lambda: v**2, "sqr(v)"),
    (lambda: v**-1, "inv(v)"),
    (lambda: v**0.5, "sqrt(v)"),
    (lambda: v**1, "v"),
    (lambda: v * v, "sqr(v)"),
    (lambda: v / abs(v), "sgn(v)"),
    (lambda: 1 / (1 / v), "v"),
    (lambda: ((v / w) + (v * 3)) * w, "add(v, mul(C{(1,) of 3.0}, v, w))"),
    (lambda: (2 * x).sum(), "mul(C{2.0}, Sum(x))"),
    (lambda: (-x).sum(), "neg(Sum(x))"),
    (lambda: x.sum(axis=0).sum(), "Sum(x)"),
    (lambda: x.sum(axis=(0, 1)), "Sum(x)"),
    (lambda: (x / v.dimshuffle(0, "x")).sum(axis=1), "true_div(Sum{axis=[1]}(x), v)"),
    (lambda: row.sum(axis=0), "DimShuffle{1}(row)"),
    (lambda: T.max(x, axis=1), "Reduce{maximum}{1}(x)"),
    (lambda: -T.max(-x, axis=0), "Reduce{minimum}{0}(x)"),
    (lambda: T.stack([v, w]).sum(axis=0), "add(v, w)"),
    (lambda: x.T.T, "x"),
    (lambda: T.dot(x, y).T, "dot(DimShuffle{1,0}(y), DimShuffle{1,0}(x))"),
    (lambda: T.exp(x).T, "exp(DimShuffle{1,0}(x))"),
    (lambda: T.dot(x, y).shape, "MakeVector(Shape_i{0}(x), Shape_i{1}(y))"),
    (lambda: T.exp(x).shape[0], "Shape_i{0}(x)"),
    (lambda: T.zeros((n, 3)).shape, "MakeVector(n, C{3})"),
    (lambda: T.concatenate([x, y]).shape[1], "Shape_i{1}(x)"),
    (lambda: T.zeros_like(x), "Alloc(C{(1, 1) of 0.0}, Shape_i{0}(x), Shape_i{1}(x))"),
    (lambda: T.zeros_like(x) + x, "x"),
    (lambda: T.ones_like(x) * 3 + x, "add(C{(1, 1) of 3.0}, x)"),
    (lambda: T.exp(T.alloc(2.0, n)), "Alloc(C{7.3890557}, n)"),
    (lambda: T.zeros((n, n)).sum(), "C{0.0}"),
    (lambda: x[:, :], "x"),
    (lambda: x[0 : x.shape[0]], "x"),
    (lambda: T.exp(x)[0], "exp(Subtensor{int64}(x, C{0}))"),
    (lambda: (x + y)[1:], "add(Subtensor{int64::}(x, C{1}), Subtensor{int64::}(y, C{1}))"),
    (lambda: T.dot(x, y)[0], "dot(Subtensor{int64}(x, C{0}), y)"),
    (lambda: T.set_subtensor(x[1:3], y[1:3])[1:3], "Subtensor{int64:int64:}(y, C{1}, C{3})"),
    (
        lambda: T.set_subtensor(x[k], y)[k],
        "Assert{msg='Bad indexing or shapes in a AdvancedIncSubtensor1 that was optimized away'}(y, "
        "All(and_(lt(k, *1 -> DimShuffle{x}(Shape_i{0}(x))), ge(k, neg(*1)))), eq(Shape_i{0}(k), Shape_i{0}(y)))",
    ),
    (lambda: T.inc_subtensor(x[0], 0.0), "x"),
    (lambda: T.alloc(b, 5, n)[2], "Alloc(b, n)"),
    (lambda: T.switch(1, x, x * 2), "x"),
    (lambda: T.switch(x > 0, y, y), "y"),
    (lambda: x * T.switch(y > 0, 0, y), "switch(gt(y, C{(1, 1) of 0}), C{(1, 1) of 0}, mul(x, y))"),
    (lambda: T.maximum(x, x), "x"),
    (lambda: T.lt(x, x), "Alloc(C{(1, 1) of False}, Shape_i{0}(x), Shape_i{1}(x))"),
    (lambda: T.ge(x.shape[0], 0), "C{True}"),
    (lambda: T.cast(T.cast(i, "float64"), "int32"), "i"),
    (lambda: 1 - i, "sub(C{(1,) of 1}, i)"),
    (lambda: x.reshape((x.shape[0], x.shape[1])), "x"),
    (lambda: x.reshape((1, -1)), "DimShuffle{x,0}(Reshape{1}(x, C{(1,) of -1}))"),
    (lambda: x.flatten().reshape((2, -1)), "Reshape{2}(x, C{[ 2 -1]})"),
    (lambda: T.log(sigmoid(x)).flatten(), "neg(softplus(neg(Reshape{1}(x, C{(1,) of -1}))))"),
    (lambda: T.concatenate([x]), "x"),
    (lambda: T.concatenate([v, []]), "v"),
    (lambda: T.cosh(T.arccosh(x)), "x"),
    (lambda: T.abs_(v * w), "abs_(mul(v, w))"),
    (lambda: T.grad(T.log(1 + T.exp(v)).sum(), v), "sigmoid(v)"),
    (
        lambda: T.grad(T.switch(v > 0, T.sqrt(v), 0).sum(), v),
        "switch(gt(v, C{(1,) of 0}), true_div(C{(1,) of 0.5}, sqrt(v)), C{(1,) of 0})",
    ),
    (
        lambda: T.grad((x[0] + x[1]).sum(), x),
        "IncSubtensor{Inc;int64}(IncSubtensor{Inc;int64}(Alloc(C{(1, 1) of 0.0}, Shape_i{0}(x), Shape_i{1}(x)), "
        "C{(1,) of 1.0}, C{0}), C{(1,) of 1.0}, C{1})",
    ),
]


@pytest.mark.parametrize("build, want", FAST_RUN)
def test_fast_run(build, want):
    out = build()
    g = rewritten(out)
    assert short(g) == want
    finished = rewritten(out, finishing=True)
    if "arccosh" not in str(out.owner) and "T.arccosh" not in want:
        with np.errstate(invalid="ignore"):
            value = run_graph(INPUTS, [out], VALUES)[0]
        if np.all(np.isfinite(np.asarray(value, dtype=float))):
            same_values(out, g)
            same_values(out, finished)


# Only the values: the graphs are long, or not worth pinning.
VALUES_ONLY = [
    lambda: x[2:8][1:3],
    lambda: x[1:5][0],
    lambda: x[::-1][1:],
    lambda: x[::-1][::-1],
    lambda: x[1:][::-2][0],
    lambda: x[-3:-1][-1],
    lambda: x[::2][::-1],
    lambda: x[3:0:-1][1:3],
    lambda: x[:n][1:],
    lambda: x[n:][::-1],
    lambda: x[:, ::-1][1:, 2:],
    lambda: x[1][2:][0],
    lambda: T.alloc(v, n, 4)[1:, 2],
    lambda: T.alloc(b, n, n)[::2],
    lambda: T.dot(x, y)[1:3, 2],
    lambda: T.dot(x, v)[1:],
    lambda: T.dot(v, x)[2],
    lambda: T.dot(x, y)[:, 1:],
    lambda: x.mean(),
    lambda: x.var(axis=0),
    lambda: x.std(),
    lambda: (x / x.sum(axis=1, keepdims=True)).prod(),
    lambda: (x / v.dimshuffle(0, "x")).prod(axis=1),
    lambda: (b * x).prod(),
    lambda: (b * x).prod(axis=0),
    lambda: T.alloc(b, n, 3).prod(axis=0),
    lambda: T.alloc(2.0, n, 3).prod(axis=0),
    lambda: T.ones((n, 2)).sum(axis=1),
    lambda: x.sum(axis=1).sum(axis=0),
    lambda: x.dimshuffle(0, "x", 1).sum(axis=(1, 2)),
    lambda: x.dimshuffle(0, "x", 1).prod(axis=(0, 1)),
    lambda: T.stack([v, w, v]).prod(axis=0),
    lambda: T.stack([v, w]).max(axis=0),
    lambda: T.argmax(x, axis=1),
    lambda: T.max_and_argmax(x, axis=0)[1],
    lambda: v**3,
    lambda: v**7,
    lambda: v**-5.0,
    lambda: v**0,
    lambda: v**-0.5,
    lambda: i**2,
    lambda: v - w - v + 2 * w,
    lambda: (v * b) * w * (b * 2) / w,
    lambda: v / w / b * w,
    lambda: i // 1,
    lambda: v // 1,
    lambda: v // T.ones_like(v),
    lambda: i * 2 // 2,
    lambda: i / 2 * 2,
    lambda: f * 2 + 1.5,
    lambda: 1 / f,
    lambda: -i * 3 + i,
    lambda: (v * w + v) / v,
    lambda: ((v / w) + (w / v)) * w * v,
    lambda: T.abs_(v / w) * T.abs_(w),
    lambda: T.log(T.exp(x).sum(axis=0, keepdims=True)),
    lambda: T.log(T.exp(x).sum()),
    lambda: v * sigmoid(-w) * T.exp(w),
    lambda: (1 + T.exp(v)) / (1 + T.exp(-w)) / v,
    lambda: -T.exp(v) / (1 + T.exp(v)),
    lambda: T.erf(v) - 1,
    lambda: 1 + T.erf(v),
    lambda: 1 - T.erfc(v),
    lambda: T.log(T.erfc(v)),
    lambda: T.exp(-(v**2)) / T.erfc(v),
    lambda: w * T.exp(-(v**2)) / T.erfc(v),
    lambda: T.inc_subtensor(x[1:3], 2.0),
    lambda: T.set_subtensor(x[:], y),
    lambda: T.set_subtensor(x[::-1], y),
    lambda: T.inc_subtensor(T.zeros_like(x)[1], v),
    lambda: T.inc_subtensor(x[k], T.ones((n + 1, 4))),
    lambda: T.set_subtensor(x[[2, 1]], x[[2, 1]] + 1),
    lambda: T.set_subtensor(x[[1, 1]], x[[1, 1]] + 1),
    lambda: T.inc_subtensor(x[0], T.alloc(b, 4)),
    lambda: x[k][k],
    lambda: x[T.arange(4)],
    lambda: x[[0, 1, 2, 3]],
    lambda: T.concatenate([x, y]).sum(axis=0),
    lambda: T.concatenate([x, np.zeros((0, 4))])[1:],
    lambda: T.tile(x, (1, 1)),
    lambda: T.join(0, T.stack([b]), T.stack([b * 2])),
    lambda: T.stack([b, b * 2])[1],
    lambda: x.shape[n - 3 :],
    lambda: x.reshape((n + 1, -1)).reshape((2, 8)),
    lambda: T.exp(x).reshape((-1,)),
    lambda: x.dimshuffle(1, "x", 0).flatten(),
    lambda: x.reshape((4, 1, 4, 1)),
    lambda: v.reshape((1, -1)).T,
    lambda: T.dot(T.zeros_like(x), y),
    lambda: T.switch(0, x, row),
    lambda: T.switch(T.constant(np.ones(4)), b, -np.inf),  # the condition alone has the shape
    lambda: T.switch(T.constant(np.zeros((3, 1))), row, b).sum(),
    lambda: T.switch(x > 0.5, row, row),
    lambda: T.switch(y > 0.5, 0, x) / y,
    lambda: T.switch(x > y, x, y) + T.switch(x > y, y, x),
    lambda: T.switch(T.le(x.shape[0], 0), 0, x.shape[0]),
    lambda: T.minimum(x.shape[0], 0),
    lambda: T.eq(x, x) & T.neq(y, y),
    lambda: T.xor(i, i),
    lambda: T.or_(i, 0),
    lambda: T.and_(x > 0, np.array(True)),
    lambda: T.clip(x, 0.2, 0.8),
    lambda: T.addbroadcast(x[0:1], 0) + row,
    lambda: T.fill(x, b) * row,
    lambda: T.alloc(T.alloc(b, n, 1), 2, n, 4) + x[:3],
    lambda: T.zeros_like(x) + v,
    lambda: T.grad(T.sum(x[0] * x[1]), x),
    lambda: T.grad(T.log(T.exp(x).sum(axis=1)).sum(), x),
    lambda: T.grad(T.concatenate([x, y]).prod(), x),
    lambda: T.grad(x.max(axis=0).sum(), x),
    lambda: T.grad((x / x.sum(axis=1, keepdims=True))[0, 0], x),
    lambda: T.grad(T.tanh(x).var(), x),
    lambda: T.sqr(x.dimshuffle("x", 0, 1) * y.dimshuffle(0, "x", 1)).sum(axis=(1, 2)),
]


@pytest.mark.parametrize("number", range(len(VALUES_ONLY)))
def test_values_stay(number):
    out = VALUES_ONLY[number]()
    for query in ("fast_run", "fast_compile", "stabilize", "unsafe"):
        same_values(out, rewritten(out, query))
    same_values(out, rewritten(out, finishing=True))


def test_random_expressions_keep_their_values():
    draw = np.random.RandomState(11)
    unary = [
        T.exp,
        T.tanh,
        T.sqr,
        T.neg,
        T.abs_,
        sigmoid,
        softplus,
        lambda e: e[::-1],
        lambda e: e.T,
        lambda e: e[:, 1:],
        lambda e: e.sum(axis=0, keepdims=True),
        lambda e: T.log(1 + T.sqr(e)),
        lambda e: e * 2 / 2,
        lambda e: e.T.T,
        lambda e: T.zeros_like(e) + e,
        lambda e: e.reshape((e.shape[1], e.shape[0])),
        lambda e: e**2,
    ]
    binary = [T.add, T.sub, T.mul, lambda p, q: p / (1 + T.sqr(q)), T.maximum, lambda p, q: T.switch(p > q, p, q * 0)]
    for _ in range(25):
        pool = [x, y, x + v]
        for _ in range(8):
            p, q = pool[draw.randint(len(pool))], pool[draw.randint(len(pool))]
            pool.append(
                unary[draw.randint(len(unary))](p)
                if draw.rand() < 0.6
                else binary[draw.randint(len(binary))](T.sum(p), q)
            )
        out = pool[-1] + T.sum(pool[-2])
        same_values(out, rewritten(out))


# ---------------------------------------------------------------- stability
@pytest.mark.parametrize(
    "build, at, want",
    [
        (lambda: T.log(1 + v), 1e-20, 1e-20),
        (lambda: T.log(1 + T.exp(v)), 1000.0, 1000.0),
        (lambda: T.log(sigmoid(v)), -1000.0, -1000.0),
        (lambda: T.log(1 - sigmoid(v)), 1000.0, -1000.0),
        (lambda: T.log(1 / (1 + T.exp(-v))), -1000.0, -1000.0),
        (lambda: T.exp(v) - 1, 1e-20, 1e-20),
        (lambda: T.exp(v) / (1 + T.exp(v)), 1000.0, 1.0),
        (lambda: T.log(T.exp(v) + T.exp(v * 1.0)), 1000.0, 1000 + np.log(2)),
        (lambda: T.log(T.sum(T.exp(v))), 1000.0, 1000 + np.log(4)),
        (lambda: T.log(T.erfc(v)), 100.0, -10005.177585122665),
        (lambda: T.grad(T.log(1 + T.exp(v)).sum(), v), 1000.0, 1.0),
        (lambda: 1 - T.erf(v), 10.0, 2.0884875837625446e-45),
        (lambda: T.grad(T.switch(v > 0, T.sqrt(v), 0).sum(), v), 0.0, 0.0),
        (lambda: T.grad(T.log(T.erfc(v)).sum(), v), 100.0, -200.0099990),
    ],
)
def test_stable(build, at, want):
    g = rewritten(build())
    values = list(VALUES)
    values[2] = np.full(4, at)
    with np.errstate(all="ignore"):
        got = run_graph(g.inputs, g.outputs, values)[0]
    np.testing.assert_allclose(got, np.full(np.shape(got), want), rtol=1e-7)


# ---------------------------------------------------------------- shapes
def test_shapes_are_found_without_values():
    expensive = T.dot(T.exp(x), y)
    g = rewritten(expensive.shape[0] + expensive[1:].shape[1])
    assert not any("dot" in str(node.op) or "exp" in str(node.op) for node in g.apply_nodes)
    same_values(expensive.shape[0] + expensive[1:].shape[1], g)


def test_shape_feature():
    x, y = T.dmatrices("x", "y")
    a, c = T.exp(x), T.dot(x, y)
    g = FunctionGraph([x, y], [a, c, T.sqr(a)], clone=False, features=[ShapeFeature()])
    feature = g.shape_feature
    assert feature.same_shape(x, a) and feature.same_shape(a, c, 0, 0) and not feature.same_shape(a, c, 1, 1)
    assert feature.shape_of[a][0] is feature.shape_of[x][0] and feature.shape_of[c][1] is feature.shape_of[y][1]
    assert feature.get_shape(a, 1) is feature.shape_of[x][1] and a in feature.shape_of
    new = T.tanh(x)
    g.replace(a, new)
    assert feature.shape_of[new] == feature.shape_of[x]
    with pytest.raises(TypeError, match="shapes must be tuple/list"):
        feature.set_shape(x, 3)
    with pytest.raises(AssertionError, match="inferred a shape with 1 dimensions"):
        feature.set_shape(x, (3,))
    with pytest.raises(AssertionError, match="negative shape"):
        feature.unpack(-1, x)
    with pytest.raises(TypeError, match="Unsupported shape element"):
        feature.unpack("a", x)


def test_a_rewrite_without_shape_keeps_the_old_one():
    from theanojax.graph.op import Op
    from theanojax.graph.variable import Apply

    class Opaque(Op):
        __props__ = ()

        def make_node(self, a):
            return Apply(self, [a], [a.type()])

    m = T.dmatrix()
    a = T.exp(m)
    g = FunctionGraph([m], [a, a.shape], clone=False, features=[ShapeFeature()])
    new = Opaque()(m)
    g.replace(a, new)
    assert g.shape_feature.shape_of[new] == g.shape_feature.shape_of[m]


def test_broken_infer_shape_is_reported():
    from theanojax.graph.op import Op
    from theanojax.graph.variable import Apply

    class Broken(Op):
        __props__ = ()

        def make_node(self, a):
            return Apply(self, [a], [a.type()])

        def infer_shape(self, node, shapes):
            raise KeyError("oops")

    with pytest.raises(Exception, match="Failed to infer_shape from Op Broken"):
        rewritten(Broken()(x).shape)


def test_deep_graphs_need_no_recursion():
    v, w = T.dvectors("v", "w")
    e = v
    for _ in range(3000):
        e = T.tanh(e) + w
    g = FunctionGraph([v, w], [e.shape])
    optimizer_for("fast_run").without_finishing().optimize(g)
    assert short(g) == "MakeVector(Shape_i{0}(v))"


# ---------------------------------------------------------------- modes, names and tags
def test_queries_by_name():
    out = T.log(1 + v * 1)
    assert short(rewritten(out, "fast_run")) == "log1p(v)"
    assert "log1p" not in short(rewritten(out, "fast_compile")) and "log1p" not in short(rewritten(out, None))
    assert "log1p" not in short(rewritten(out, "merge"))
    for name in ("o1", "o2", "o3", "o4", "unsafe", "None", "fast_run_stable", "stabilize"):
        rewritten(out, name)
    with pytest.raises(KeyError):
        optimizer_for("no such name")


def test_including_and_excluding():
    from theanojax.compile.mode import OPT_FAST_COMPILE, OPT_FAST_RUN

    out = T.log(1 + v)
    assert "log1p" not in short(rewritten(out, OPT_FAST_RUN.excluding("local_log1p")))
    assert "log1p" not in short(rewritten(out, OPT_FAST_RUN.excluding("stabilize", "specialize")))
    assert "log1p" in short(rewritten(out, OPT_FAST_COMPILE.including("stabilize")))
    assert short(rewritten(sigmoid(v), OPT_FAST_RUN.including("local_ultra_fast_sigmoid"))) == "ultra_fast_sigmoid(v)"
    asserted = Assert("no")(v, v.sum() > 0)
    assert "Assert" in short(rewritten(asserted)) and short(rewritten(asserted, "unsafe")) == "v"


def test_programs_register_rewrites():
    from theanojax.compile.mode import OPT_FAST_RUN

    @registry.register_canonicalize("my_tag")
    @local_optimizer([T.sin])
    def local_test_sin_to_cos(node):
        if node.op == T.sin:
            return [T.cos(node.inputs[0])]

    registry.optdb.register("test_tan_to_exp", TopoOptimizer(OpSub(T.tan, T.exp)), 49.3, "fast_run", "my_tag")
    try:
        assert short(rewritten(T.sin(v) + T.tan(w))) == "add(cos(v), exp(w))"
        assert short(rewritten(T.sin(v), OPT_FAST_RUN.excluding("my_tag"))) == "sin(v)"
        assert short(rewritten(T.sin(v), OPT_FAST_RUN.excluding("local_test_sin_to_cos"))) == "sin(v)"
        with pytest.raises(ValueError, match="existing tag or the name of another"):
            registry.register_canonicalize(local_test_sin_to_cos)
    finally:
        for db, name in ((registry.canonicalize, "local_test_sin_to_cos"), (registry.optdb, "test_tan_to_exp")):
            obj = db[name]
            db._names.discard(name)
            for found in db.__db__.values():
                found.discard(obj)
    assert short(rewritten(T.sin(v))) == "sin(v)"


def test_the_list_of_passes_is_in_order():
    positions = [p[0] for p in pipeline.PASSES]
    assert positions == sorted(positions)
    names = [r[0].__name__ for r in pipeline.LOCAL]
    assert len(set(names)) == len(names)


# ---------------------------------------------------------------- assertions
def test_assert_op():
    out = assert_op(v, v.sum() > 0, T.ge(x.shape[0], 0))
    g = rewritten(out)
    assert len(g.outputs[0].owner.inputs) == 2
    same_values(out, g)
    values = list(VALUES)
    values[2] = -VALUES[2]
    with pytest.raises(AssertionError, match="Theano Assert failed!"):
        run_graph(g.inputs, g.outputs, values)
    with pytest.raises(AssertionError, match="conditions of Assert must be scalars"):
        assert_op(v, v > 0)
    assert str(Assert("why")) == "Assert{msg='why'}"
    assert short(rewritten(assert_op(v, T.constant(1)))) == "v"


def test_merged_allocs_assert_their_lengths():
    out = T.alloc(T.alloc(b, n, 1), n, n + 1, 4)
    g = rewritten(out)
    assert "Assert" in short(g)
    values = list(VALUES)
    with pytest.raises(AssertionError, match="You have a shape error in your graph"):
        run_graph(g.inputs, g.outputs, values)


# ---------------------------------------------------------------- parts of rewrites that programs use
def test_canonizers():
    num, denum = local_mul_canonizer.get_num_denum(v * w / (b / v))
    assert [str(e) for e in num] == ["v", "w", "v"] and [str(e) for e in denum] == ["b"]
    num, denum = local_add_canonizer.get_num_denum(v - (w - v))
    assert [str(e) for e in num] == ["v", "v"] and [str(e) for e in denum] == ["w"]
    assert local_mul_canonizer.simplify_factors([v, w, v], [v]) == ([w, v], [])
    num, denum = local_mul_canonizer.simplify([T.constant(2.0), v], [T.constant(4.0), w], v.type)
    assert float(num[0].data) == 0.5 and num[1] is v and denum == [w]


def test_mul_trees():
    tree = parse_mul_tree(-(v * w) * -b)
    negative, factors = simplify_mul(tree)
    assert isinstance(factors, list)
    assert simplify_mul([True, [[False, None], [True, v]]]) == [False, v]
    with pytest.raises(AssertionError, match="missing leaf"):
        compute_mul([False, None])
    tree = parse_mul_tree(T.exp(v) * sigmoid(-v))
    assert perform_sigm_times_exp(tree) and str(compute_mul(simplify_mul(tree)).owner) == "sigmoid(v)"
    assert is_1pexp(1 + T.exp(v), only_process_constants=False)[1] is v
    assert is_1pexp(2 + T.exp(v), only_process_constants=False) is None


def test_a_row_and_a_column_of_one_node_are_not_merged(caplog):
    """Their shapes are constants only after folding, when both are reshaped to (1, 1)."""
    x = T.dvector("x")
    one = T.constant(np.ones(3)).sum().astype("int64") - 2
    row, column = x.reshape((1, one)), x.reshape((one, 1))
    f = function([x], [row, column, row + column])
    assert [v.tolist() for v in f([2.0])] == [[[2.0]], [[2.0]], [[4.0]]]
    assert len([n for n in f.maker.fgraph.apply_nodes if isinstance(n.op, T.Reshape)]) == 2
    assert not caplog.records


def test_merged_slices_are_right():
    values = np.arange(7)
    bounds = [None, 0, 2, 5, -1, -3, 9, -9]
    draw = np.random.RandomState(5)
    for _ in range(60):
        first = slice(bounds[draw.randint(8)], bounds[draw.randint(8)], [None, 1, 2, -1, -3][draw.randint(5)])
        second = slice(bounds[draw.randint(8)], bounds[draw.randint(8)], [None, 1, 2, -1, -3][draw.randint(5)])
        if draw.rand() < 0.3 and len(values[first]):
            second = int(draw.randint(-len(values[first]), len(values[first])))
        merged = merge_two_slices(first, T.constant(7), second, T.constant(len(values[first])))
        vector = T.lvector()
        out = vector[merged]
        np.testing.assert_array_equal(run_graph([vector], [out], [values])[0], values[first][second])
    with pytest.raises(ValueError, match="should actually be of type slice"):
        merge_two_slices(1, 7, slice(None), 7)


@pytest.mark.parametrize("ndim, sign", [(1, 1), (2, 1), (2, -1)])
def test_what_is_scaled_by_zero_is_not_read_as_by_blas(ndim, sign):
    """A call into BLAS doesn't read z in ``0 * z + dot(x, y)``."""
    x, b = T.dmatrix("x"), T.dscalar("b")
    y, z = (T.TensorType("float64", (False,) * ndim)(name) for name in "yz")
    f = function([x, y, z, b], b * z + sign * T.dot(x, y))
    xv, yv = np.arange(6.0).reshape(3, 2), np.ones((2, 2)[:ndim])
    product = sign * xv @ yv
    np.testing.assert_array_equal(f(xv, yv, np.full(product.shape, np.nan), 0), product)
    assert np.isnan(f(xv, yv, np.full(product.shape, np.nan), 1)).all()
    np.testing.assert_array_equal(f(xv, yv, np.ones(product.shape), 2), product + 2)


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan, 3.0])
def test_a_sum_of_no_elements_is_0(number):
    """Also where it is known that all elements are one number."""
    v = T.dvector()
    out = T.fill(v, number).sum()
    for mode in ("FAST_RUN", "FAST_COMPILE", Mode("py", "fast_run")):
        f = function([v], out, mode=mode)
        assert f([]) == 0
        np.testing.assert_equal(f([1, 2]), 2 * number)


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "float32"])
def test_the_least_number(dtype):
    """Of signed integers it may be the lowest there is, of which the negative is itself."""
    x = T.vector(dtype=dtype)
    lowest = np.iinfo(dtype).min if dtype != "float32" else -np.inf
    for linker in ("cvm", "py"):
        f = function([x], [T.min(x), T.ptp(x), x.min(axis=0)], mode=Mode(linker, "fast_run"))
        least, width, along = f(np.array([lowest, 5], dtype))
        assert least == along == lowest and width == np.subtract(np.array(5, dtype), np.array(lowest, dtype))


def test_an_output_that_others_use_is_not_overwritten(caplog):
    x = T.dmatrix("x")
    e = T.exp(T.dot(x, x))
    f = function([x], [e, T.tanh(e)])
    last = f.maker.fgraph.outputs[1].owner  # the Op before it overwrites the product
    assert str(last.op) == "Elemwise{tanh,no_inplace}" and str(last.inputs[0].owner.op) == "Elemwise{Exp}[(0, 0)]"
    assert not caplog.records


def test_a_long_chain_is_fused_in_a_moment():
    x = T.dmatrix("x")
    y = x
    for i in range(500):
        y = T.tanh(y) + i
    f = function([x], y)
    start = time.perf_counter()
    assert len(f.maker.fgraph.apply_nodes) == 1
    assert time.perf_counter() - start < 5  # ten, where each input is looked for among all the others
