"""Lazy conditionals: what is computed, what is refused, gradients and rewrites."""

import numpy as np
import pytest

import theanojax as theano
import theanojax.tensor as T
from tests.helpers import both
from theanojax.compile.debug.nanguardmode import NanGuardMode
from theanojax.ifelse import IfElse, ifelse

c, x, y = T.iscalar("c"), T.dvector("x"), T.dvector("y")
X, Y = np.array([1.0, 2.0]), np.array([3.0])


def test_branches_of_unequal_shape():
    r = ifelse(c, x, y * 2)
    assert both([c, x, y], r, [1, X, Y]).tolist() == [1, 2]
    assert both([c, x, y], r, [0, X, Y]).tolist() == [6]


def test_anything_but_zero_is_true():
    assert theano.function([c, x, y], ifelse(c, x, y))(-3, X, Y).tolist() == [1, 2]


def test_condition_known_only_on_the_device():
    f = theano.function([x, y], ifelse(T.gt(T.exp(x).sum(), 5), x + 1, y + 1))
    assert f(X, Y).tolist() == [2, 3] and f(0 * X, Y).tolist() == [4]
    assert not f.fn.executor.fallbacks


def test_several_results_and_their_container():
    a, b = ifelse(c, (x, y), (y, x))
    assert [v.tolist() for v in theano.function([c, x, y], [a, b])(0, X, Y)] == [[3], [1, 2]]
    assert isinstance(ifelse(c, [x], [y]), list) and isinstance(ifelse(c, (x,), [y]), tuple)


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE"])
def test_only_the_branch_taken_is_computed(mode):
    calls = []

    @theano.compile.as_op([T.dvector], [T.dvector])
    def noted(v):
        calls.append(len(v))
        return v

    f = theano.function([c, x, y], ifelse(c, noted(x), noted(y)), mode=mode)
    f(1, X, Y)
    assert set(calls) == {2}
    calls.clear()
    f(0, X, Y)
    assert set(calls) == {1}


def test_gradient_is_zero_in_the_other_branch():
    cost = ifelse(c, (x**2).sum(), (y**3).sum())
    gx, gy = both([c, x, y], T.grad(cost, [x, y]), [1, X, Y])
    assert gx.tolist() == [2, 4] and gy.tolist() == [0]
    gx, gy = both([c, x, y], T.grad(cost, [x, y]), [0, X, Y])
    assert gx.tolist() == [0, 0] and gy.tolist() == [27]


def test_r_operator():
    v = T.dvector("v")
    r = theano.gradient.Rop(ifelse(c, x**2, x**3), x, v)
    assert both([c, x, v], r, [1, X, X]).tolist() == [2, 8]
    r = theano.gradient.Rop(ifelse(c, x**2, T.ones_like(x)), x, v)
    assert both([c, x, v], r, [0, X, X]).tolist() == [0, 0]


def test_shape_is_that_of_the_branch_taken():
    f = theano.function([c, x, y], ifelse(c, x, y).shape[0])
    assert f(1, X, Y) == 2 and f(0, X, Y) == 1


def test_nested():
    a = T.iscalar("a")
    f = theano.function([c, a, x, y], ifelse(c, ifelse(a, x, y), x + 10))
    assert [f(*v, X, Y).tolist() for v in ((1, 1), (1, 0), (0, 0))] == [[1, 2], [3], [11, 12]]


def test_inside_updates():
    s = theano.shared(np.float64(1.0))
    f = theano.function([c], [], updates=[(s, ifelse(c, s * 2, s))])
    f(1), f(0), f(1)
    assert s.get_value() == 4


@pytest.mark.parametrize(
    "build, error, text",
    [
        (
            lambda: ifelse(c, x, T.dmatrix()),
            TypeError,
            "should have identical types, but they are TensorType\\(float64, v",
        ),
        (lambda: ifelse(c, [x, x], [y]), ValueError, "variables on `then` 2, variables on `else` 1"),
        (lambda: ifelse(x, x, y), TypeError, "Condition given to the op has to be a scalar"),
        (lambda: IfElse(2)(c, x, y), AssertionError, "expected 4, got 2"),
        (lambda: IfElse(1)(c, x, T.fvector()), TypeError, "same types for true and false"),
    ],
)
def test_what_ifelse_refuses(build, error, text):
    with pytest.raises(error, match=text):
        build()


def test_identity_and_printing():
    assert IfElse(1) == IfElse(1, name="n") and hash(IfElse(1)) == hash(IfElse(1, name="n"))
    assert IfElse(1) != IfElse(2) and IfElse(1) != IfElse(1, as_view=True)
    assert str(IfElse(1, as_view=True, name="n")) == "if{n,inplace}"


def test_rewrites_of_conditionals():
    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.graph.rewriting.walk import in2out
    from theanojax.ifelse import CondMerge, cond_merge_ifs_false, cond_merge_ifs_true, cond_remove_identical

    def rewritten(outputs, rewrite):
        g = FunctionGraph([c, x, y], outputs)
        rewrite.optimize(g)
        return [n.op for n in g.toposort()], g

    ops, _ = rewritten([ifelse(c, ifelse(c, x, y), y)], in2out(cond_merge_ifs_true))
    assert len(ops) == 1
    ops, _ = rewritten([ifelse(c, x, ifelse(c, x, y))], in2out(cond_merge_ifs_false))
    assert len(ops) == 1
    ops, g = rewritten(ifelse(c, [x, x], [y, y]), in2out(cond_remove_identical))
    assert [op.n_outs for op in ops] == [1] and g.outputs[0] is g.outputs[1]
    ops, _ = rewritten([ifelse(c, x, y), ifelse(c, y, x)], CondMerge())
    assert [op.n_outs for op in ops] == [2]


def test_updates_of_several_shared_variables_guarded_by_one_condition():
    a, b = theano.shared(np.array([1.0, 2.0])), theano.shared(np.array([5.0]))
    swapped = ifelse(c, [b * 1, a * 1], [a, b])  # the shapes change, too
    f = theano.function([c], a.sum(), updates=list(zip([a, b], swapped)))
    assert [f(0), f(1), f(1), f(0)] == [3, 3, 5, 3]
    assert a.get_value().tolist() == [1, 2] and b.get_value().tolist() == [5]


@pytest.mark.parametrize("specializations", [8, 0])
def test_inside_a_loop(specializations):
    def step(r, h):
        doubled, added = ifelse(T.gt(r, 0), [h * 2, r + h], [h, h - r])
        return doubled, added

    with theano.change_flags(specializations=specializations, xla_strict=True):
        (doubled, added), _ = theano.scan(step, x, [T.constant(np.float64(1)), None])
        cost = added.sum() + doubled[-1]
        values = theano.function([x], [doubled, added, T.grad(cost, x)])(np.array([1.0, -1.0, 3.0, -2.0]))
    assert [v.tolist() for v in values] == [[2, 2, 4, 4], [2, 3, 5, 6], [1, -1, 1, -1]]


def test_gradient_where_an_output_is_unused():
    first, _ = ifelse(c, [x, x * 2], [y * 3, y])
    grads = theano.grad(first.sum(), [x, y])
    assert [g.tolist() for g in both([c, x, y], grads, [1, X, Y])] == [[1, 1], [0]]
    assert [g.tolist() for g in both([c, x, y], grads, [0, X, Y])] == [[0, 0], [3]]


def test_what_nobody_uses_of_a_branch_is_not_computed():
    """On the host as on XLA, as written as after rewriting."""
    unfitting = T.repeat(x, T.constant([1, 1, 1]), axis=0)
    for then, otherwise, cond in (([unfitting, x], [x, y], 1), ([x, y], [unfitting, x], 0)):
        _, second = ifelse(c, then, otherwise)
        assert both([c, x, y], second, [cond, X, Y]).tolist() == [1, 2]
    _, second = ifelse(c, [unfitting, x], [x, x])
    f = theano.function([c, x], second, mode=NanGuardMode(nan_is_error=True, inf_is_error=True, optimizer=None))
    assert f(1, X).tolist() == [1, 2]


@pytest.mark.timeout(60)
def test_a_length_that_depends_on_the_branch_taken():
    c, x = T.bscalar("c"), T.dvector("x")
    chosen = ifelse(c, x * 2, x + 1)
    n = T.cast(chosen.sum(), "int64")
    f = theano.function([c, x], [T.zeros((n,)) + chosen.max(), T.arange(n).sum()])
    for cond in (1, 0, 1):
        for value in ([1.0, 2.0], [4.0]):
            kept = np.array(value) * 2 if cond else np.array(value) + 1
            zeros, total = f(cond, value)
            np.testing.assert_array_equal(zeros, np.full(int(kept.sum()), kept.max()))
            assert total == np.arange(int(kept.sum())).sum()
    assert not f.fn.executor.fallbacks


def test_a_condition_computed_on_the_way_to_another():
    z = T.dvector("z")
    inner = T.cast(T.cumsum(x)[0], "int64") % 2
    chosen = ifelse(T.gt(inner + T.cumsum(x)[-1], 1), ifelse(inner, z[:1], z + 1), z[z > 1])
    f = theano.function([x, z], chosen)
    for value, want in (([1.0, 2.0], [1.0]), ([2.0, 2.0], [2.0, 3.0]), ([1.0, -9.0], [2.0])):
        np.testing.assert_array_equal(f(value, [1.0, 2.0]), want)
    assert not f.fn.executor.fallbacks


@pytest.mark.parametrize("cond", [0, 1])
def test_a_variable_in_both_branches_under_debugmode(cond):
    first, second = ifelse(c, (x, y), (y, x))
    f = theano.function([c, x, y], [first, second, T.grad(first.sum(), x)], mode="DebugMode")
    want = (X, Y, np.ones(2)) if cond else (Y, X, np.zeros(2))
    for value, expected in zip(f(cond, X, Y), want):
        np.testing.assert_array_equal(value, expected)
