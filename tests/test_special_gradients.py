"""Gradients of special functions that Theano does not have, at the ends of their domains and between the two series."""

import numpy as np
import pytest
import scipy.special

import theanojax.scalar as S
import theanojax.tensor as T
from tests.helpers import both
from theanojax.arrays import HOST
from theanojax.gradient import NullTypeGradError, grad
from theanojax.scalar.incomplete_gamma import order_slope


def by_differences(k, x):
    """The slope of P for its order by Richardson's extrapolation."""

    def slope(h):
        return (scipy.special.gammainc(k + h, x) - scipy.special.gammainc(k - h, x)) / (2 * h)

    h = 2e-3 * k
    return (slope(h) - 20 * slope(h / 2) + 64 * slope(h / 4)) / 45


def test_the_order_of_the_incomplete_gamma_function_moves():
    k, x = np.meshgrid([0.05, 0.3, 1, 1.5, 5, 30, 400], [1e-3, 0.5, 1, 1.01, 2, 4.9, 5.1, 29, 31, 380, 420])
    near = abs(x - k) < 6 * np.sqrt(k) + 3  # else it is too small for differences
    np.testing.assert_allclose(order_slope(HOST, k, x)[near], by_differences(k, x)[near], rtol=1e-6, atol=1e-10)
    # the series and the continued fraction meet
    k = np.array([1.5, 7, 90.0])
    below, beyond = order_slope(HOST, k, k), order_slope(HOST, k, np.nextafter(k, np.inf))
    np.testing.assert_allclose(below, beyond, rtol=1e-12)


def test_where_domains_end():
    k, x = T.dvectors("k", "x")
    K, X = [2.0, 1.0, 2.0, 0.0, -1.0, 2.0, np.nan], [0.0, 0.0, np.inf, 1.0, 1.0, -1.0, 1.0]
    slope = both([k, x], grad(T.gammainc(k, x).sum(), k), [K, X])
    np.testing.assert_array_equal(slope, [0, 0, 0, np.nan, np.nan, np.nan, np.nan])
    density = both([k, x], grad(T.gammainc(k, x).sum(), x), [K[:2], X[:2]])
    np.testing.assert_array_equal(density, [0, 1])
    of_x, of_k = both([x, k], grad(T.chi2sf(x, k).sum(), [x, k]), [[-1.0, 0.0], [1.0, 3.0]])
    assert not of_x.any() and not of_k.any()


def test_second_derivatives():
    k, x = T.dscalars("k", "x")
    of_k, of_x = grad(T.gammainc(k, x), [k, x])
    mixed = both([k, x], [grad(of_k, x), grad(of_x, k)], [2.0, 3.0])
    np.testing.assert_allclose(*mixed, rtol=1e-12)
    with pytest.raises(NullTypeGradError):
        grad(of_k, k)
    third = both([x], grad(grad(grad(T.psi(x), x), x), x), [1.7])
    np.testing.assert_allclose(third, scipy.special.polygamma(3, 1.7), rtol=1e-12)


def test_integers_and_complex_numbers():
    n, x, z = T.iscalar("n"), T.dscalar("x"), S.complex128("z")
    of_n, of_x = both([n, x], grad(T.gammaincc(n, x), [n, x]), [2, 3.0])
    assert of_n == 0 and np.isclose(of_x, -3 * np.exp(-3))
    np.testing.assert_allclose(both([n, x], T.polygamma(n, x), [3, 0.7]), scipy.special.polygamma(3, 0.7))
    np.testing.assert_array_equal(both([x], T.polygamma([-1, 0.5, 171], x), [2.0]), [np.nan] * 3)
    for op in (S.gammainc, S.gammaincc, S.gammal, S.gammau, S.chi2sf):
        with pytest.raises(NotImplementedError):
            op.L_op([z, z], [z], [z])
