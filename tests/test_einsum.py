"""T.einsum is numpy's, with derivatives of any order."""

import numpy as np
import pytest

import jax
import jax.numpy as jnp

import theano
import theano.tensor as T
from tests.helpers import run_both
from theanojax.tensor.linalg.einsum import Einsum

LENGTHS = {"i": 2, "j": 3, "k": 4, "l": 5, "A": 2, "b": 3}
FORMS = [
    "ij,jk->ik",
    "ij,jk",
    "bA",
    "ij->ji",
    "i,i",
    "i,i->i",
    "i,j",
    "ij->",
    "ij->i",
    "ij,ij->",
    "ii",
    "ii->i",
    "iij->j",
    "iji->ij",
    "iii",
    "iii->i",
    "ii,ij->j",
    "ij,jk,kl->il",
    "ij,jk,kl",
    "ijk,ijl,k->lj",
    "i->",
    "->",
    ",->",
    ",ij->ji",
    "ij,k,ij->k",
    "jki,ik",
    "ij,j->ij",
    "Aj,bj->bA",
    "bA,A",
    "ij, jk -> ik",
    "iijj",
    "iijj->ij",
    "ik,kj,jl,l->i",
]


def operands(subscripts):
    terms = subscripts.replace(" ", "").split("->")[0].split(",")
    lengths = LENGTHS | {"a": 4}
    rng = np.random.RandomState(1)
    return [np.asarray(rng.randn(*[lengths[c] for c in term])) for term in terms]


def variables(values):
    return [T.TensorType(str(v.dtype), (False,) * v.ndim)() for v in values]


@pytest.mark.parametrize("subscripts", FORMS)
def test_values_and_derivatives(subscripts):
    values = operands(subscripts)
    inputs = variables(values)
    out = T.einsum(subscripts, *inputs)
    want = np.einsum(subscripts, *values)
    cost = (out**3).sum()
    first = T.grad(cost, inputs)
    second = T.grad(sum((g**2).sum() for g in first), inputs, disconnected_inputs="ignore")
    points = variables(values)
    along = T.Rop(out, inputs, points)
    twice = T.Rop(along, inputs, points)
    directions = [np.cos(v) for v in values]
    shape = out.shape
    found, _ = run_both([*inputs, *points], [out, shape, *first, *second, along, twice], [*values, *directions])
    f = lambda *v: jnp.einsum(subscripts, *v)
    of_cost = lambda *v: (f(*v) ** 3).sum()
    every = tuple(range(len(values)))
    gradient = jax.grad(of_cost, argnums=every)
    wanted = [want, np.array(want.shape, "int64"), *gradient(*values)]
    wanted += jax.grad(lambda *v: sum((g**2).sum() for g in gradient(*v)), argnums=every)(*values)
    moved = lambda *v: jax.jvp(f, v, tuple(directions))[1]
    wanted += [moved(*values), jax.jvp(moved, tuple(values), tuple(directions))[1]]
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "subscripts, shapes",
    [
        ("...j,jk->...k", [(2, 5, 3), (3, 4)]),
        ("...j,jk", [(2, 5, 3), (3, 4)]),
        ("...,...", [(2, 3), (3,)]),
        ("i...->...", [(2, 3, 4)]),
        ("i...,i...->i...", [(2, 3), (2, 3)]),
        ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]),
        ("...ii->...i", [(2, 3, 3)]),
        ("i...i", [(3, 2, 3)]),
        ("...", [(2, 3)]),
        ("i...j->j...", [(2, 3)]),
        ("...a,b...->a...b", [(4, 2), (3, 4)]),
    ],
)
def test_dots(subscripts, shapes):
    values = [np.random.RandomState(2).randn(*s) for s in shapes]
    inputs = variables(values)
    out = T.einsum(subscripts, *inputs)
    found, _ = run_both(inputs, [out, *T.grad((out**2).sum(), inputs)], values)
    np.testing.assert_allclose(found[0], np.einsum(subscripts, *values))
    want = jax.grad(lambda *v: (jnp.einsum(subscripts, *v) ** 2).sum(), argnums=tuple(range(len(values))))(*values)
    for a, b in zip(found[1:], want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_lengths_of_1():
    row, m, t = T.drow("row"), T.dmatrix("m"), T.dtensor3("t")
    R, A, B = np.ones((1, 3)) * 2, np.random.RandomState(3).randn(2, 3), np.random.RandomState(4).randn(5, 2, 3)
    outs = [T.einsum("ij,ij->ij", row, m), T.einsum("ij,ij->j", row, m), T.einsum("...j,...j->...j", t, row)]
    outs += [T.einsum("ij->j", row), T.einsum("ij,ij", row, row)]
    assert [o.broadcastable for o in outs[:2]] == [(False, False), (False,)]
    cost = sum((o**2).sum() for o in outs)
    found, _ = run_both([row, m, t], [*outs, T.grad(cost, row), T.grad(cost, m)], [R, A, B])
    want = [R * A, (R * A).sum(0), B * R, R[0], (R * R).sum()]
    for a, b in zip(found, want):
        np.testing.assert_allclose(a, b)
    assert found[5].shape == (1, 3) and T.grad(cost, row).broadcastable == (True, False)


def test_the_form_of_lists():
    a, b = T.dmatrices("a", "b")
    A, B = np.random.RandomState(5).randn(2, 3, 3)
    for given in ([[0, 1], [1, 2], [0, 2]], [[0, 1], [1, 2]], [[Ellipsis, 1], [1, 7], [7, Ellipsis]]):
        args = lambda x, y: (x, given[0], y, *given[1:])
        np.testing.assert_allclose(T.einsum(*args(a, b)).eval({a: A, b: B}), np.einsum(*args(A, B)))


def test_dtypes():
    i, x, z, b = T.imatrix("i"), T.fmatrix("x"), T.zmatrix("z"), T.TensorType("bool", (False, False))("b")
    assert T.einsum("ij,jk", i, x).dtype == "float64" and T.einsum("ij,jk", x, x).dtype == "float32"
    assert T.einsum("ij,jk", i, i).dtype == "int32" and T.einsum("ij,jk", z, x).dtype == "complex128"
    assert T.grad(T.einsum("ij,jk", i, x).sum(), x).dtype == "float32"
    assert T.grad(T.einsum("ij,jk", i, x).sum(), i).dtype == theano.config.floatX
    Z, X, B = np.ones((2, 2)) * 1j, np.ones((2, 2), "float32"), np.eye(2, dtype=bool)
    found, _ = run_both([z, x, b], [T.einsum("ij,jk", z, x), T.einsum("ij,jk", b, b)], [Z, X, B])
    np.testing.assert_allclose(found[0], Z @ X)
    assert found[1].tolist() == np.einsum("ij,jk", B, B).tolist()


@pytest.mark.parametrize(
    "subscripts, ndims, message",
    [
        ("ijk,jk", (2, 2), "einstein sum subscripts string contains too many subscripts for operand 0"),
        ("i,jk", (2, 2), "operand has more dimensions than subscripts given in einstein sum"),
        ("ij,jk->iz", (2, 2), "included output subscript 'z' which never appeared in an input"),
        ("ij,jk->ii", (2, 2), "includes output subscript 'i' multiple times"),
        ("i1,jk", (2, 2), "invalid subscript '1' in einstein sum subscripts string, subscripts must be letters"),
        ("ij", (2, 2), "fewer operands provided to einstein sum function than specified in the"),
        ("ij,jk,kl", (2, 2), "more operands provided to einstein sum function than specified in the"),
    ],
)
def test_errors_are_numpys(subscripts, ndims, message):
    values = [np.ones((1,) * n) for n in ndims]
    with pytest.raises(ValueError, match=message):
        np.einsum(subscripts, *values)
    with pytest.raises(ValueError, match=message):
        T.einsum(subscripts, *variables(values))


@pytest.mark.parametrize("mode", [None, theano.Mode("py")], ids=["xla", "host"])
def test_lengths_that_differ(mode):
    a, b = T.dmatrices("a", "b")
    f = theano.function([a, b], T.einsum("ij,jk", a, b), mode=mode)
    with pytest.raises(ValueError, match=r"Size of label 'j' for operand 1 \(4\) does not match previous terms \(3\)"):
        f(np.ones((2, 3)), np.ones((4, 2)))
    g = theano.function([a], T.einsum("ii->i", a), mode=mode)
    with pytest.raises(ValueError, match=r"dimensions in operand 0 for collapsing index 'i' don't match \(2 != 3\)"):
        g(np.ones((2, 3)))


def test_what_is_shown():
    a, b = T.dmatrices("a", "b")
    out = T.einsum("ij,jk->ik", a, b)
    assert str(out.owner.op) == "Einsum{ij,jk->ik}" and out.owner.op == Einsum("ij,jk->ik")
    f = theano.function([a, b], [out, T.einsum("ij,jk->ik", a, b)])
    assert sum(isinstance(n.op, Einsum) for n in f.maker.fgraph.toposort()) == 1
