"""Symbolic lists."""

import numpy as np
import pytest

import theanojax
import theanojax.tensor as T
from theanojax.typed_list import TypedListType, make_list

LIST = TypedListType(T.dvector)
A, B = np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])


def run(inputs, out, *values):
    return theanojax.function(inputs, out)(*values)


def same(found, want):
    assert len(found) == len(want)
    for x, y in zip(found, want, strict=True):
        np.testing.assert_array_equal(x, y)


def test_ops_that_change_a_list():
    x, v = LIST("x"), T.dvector("v")
    given = [A, B]
    same(run([x, v], x.append(v), given, A), [A, B, A])
    same(run([x], x.extend(x), given), [A, B, A, B])
    same(run([x, v], x.insert(1, v), given, B), [A, B, B])
    same(run([x, v], x.remove(v), given, A), [B])
    same(run([x], x.reverse(), given), [B, A])
    same(given, [A, B])


def test_ops_that_look_into_a_list():
    x, v = LIST("x"), T.dvector("v")
    same([run([x], x[1], [A, B])], [B])
    same(run([x], x[0:1], [A, B]), [A])
    assert run([x, v], x.count(v), [A, B, A], A) == 2
    assert run([x, v], x.ind(v), [A, B], B) == 1
    with pytest.raises(ValueError, match="not in the list"):
        run([x, v], x.ind(v), [A], B)
    from theanojax.typed_list import length

    assert run([x], length(x), [A, B]) == 2


def test_a_list_between_xla_programs():
    v = T.dvector("v")
    out = T.exp(make_list([v, v + 1])[1]).sum()
    f = theanojax.function([v], out)
    np.testing.assert_allclose(f(A), np.exp(A + 1).sum())
    assert f.fn.executor.fallbacks == []


def test_choose_from_a_list():
    a, x, y = T.lvector("a"), T.dvector("x"), T.dvector("y")
    found = run([a, x, y], T.choose(a, [x, y]), [0, 1], A, -A)
    np.testing.assert_array_equal(found, [1.0, -2.0])


def test_types():
    assert TypedListType(T.dvector, 1) == TypedListType(TypedListType(T.dvector))
    assert TypedListType(T.dvector, 2).get_depth() == 2
    with pytest.raises(TypeError, match="Expected a Theano Type"):
        TypedListType(None)
    with pytest.raises(ValueError, match="depth superior"):
        TypedListType(T.dvector, -1)
    with pytest.raises(TypeError, match="python list"):
        LIST.filter((A,), strict=True)
    with pytest.raises(TypeError, match="same type"):
        make_list([T.dvector(), T.dmatrix()])
