"""Special functions: error functions, gamma functions and their relatives, Bessel functions."""

from functools import partial

import numpy as np

from theanojax import scalar as S
from theanojax.graph.gradient_types import grad_not_implemented
from theanojax.scalar import op as table
from theanojax.scalar.casting import constant
from theanojax.scalar.dtype_rules import upgrade_to_float, upgrade_to_float64, upgrade_to_float_no_complex
from theanojax.scalar.incomplete_gamma import order_slope
from theanojax.scalar.op import BinaryScalarOp, UnaryScalarOp, refuse_complex, zero_gradient
from theanojax.scalar.types import discrete_types, upcast

imported_scipy_special = True



class _Special:
    """What scipy computes for any number, and jax for real ones in single or double precision."""

    @classmethod
    def st_impl(cls, *inputs):
        """The value for numbers, as `impl` of an instance gives it."""
        return cls(upgrade_to_float).impl(*inputs)

    def work_dtype(self, types, out):
        dtype = super().work_dtype(types, out)
        return "float32" if dtype == "float16" else dtype

    def runs_on_host(self, node):
        return any(v.type.dtype.startswith("complex") for v in node.inputs) or super().runs_on_host(node)


class _UnarySpecial(_Special, UnaryScalarOp):
    pass


class _BinarySpecial(_Special, BinaryScalarOp):
    pass


unary = partial(table.unary, module=__name__, base=_UnarySpecial)
binary = partial(table.define, module=__name__, base=_BinarySpecial)


def _spec(name, nin=1):
    return ("scipy.special." + name, nin, 1)


# ------------------------------------------------------------------ error functions
def _typed(value, *like):
    """A constant in the dtype that the variables `like` have together."""
    return constant(np.asarray(value, dtype=upcast(*[v.type.dtype for v in like])))


_TWO_BY_ROOT_PI = 2.0 / np.sqrt(np.pi)
_HALF_ROOT_PI = np.sqrt(np.pi) / 2.0


def _erfcx_gradient(x, gz):
    slope = float(_typed(-_TWO_BY_ROOT_PI, x, gz).data)
    return gz * (slope + 2.0 * x * S.erfcx(x))


Erf, erf = unary("Erf", "erf", upgrade_to_float, lambda xp, x: xp.special.erf(x),
                 lambda x, gz: gz * _typed(_TWO_BY_ROOT_PI, x, gz) * S.exp(-x * x), nfunc_spec=_spec("erf"),
                 tensor_doc="The error function.")
Erfc, erfc = unary("Erfc", "erfc", upgrade_to_float_no_complex, lambda xp, x: xp.special.erfc(x),
                   lambda x, gz: -gz * _typed(_TWO_BY_ROOT_PI, x, gz) * S.exp(-x * x), nfunc_spec=_spec("erfc"),
                   tensor_doc="1 - erf(a), exact for large `a`.")
Erfcx, erfcx = unary("Erfcx", "erfcx", upgrade_to_float_no_complex, lambda xp, x: xp.special.erfcx(x),
                     _erfcx_gradient, nfunc_spec=_spec("erfcx"),
                     tensor_doc="exp(a ** 2) * erfc(a), exact for large `a`.")
Erfinv, erfinv = unary("Erfinv", "erfinv", upgrade_to_float_no_complex, lambda xp, x: xp.special.erfinv(x),
                       lambda x, gz: gz * _typed(_HALF_ROOT_PI, x, gz) * S.exp(S.erfinv(x) ** 2),
                       nfunc_spec=_spec("erfinv"), tensor_doc="The inverse of erf.", tensor_inplace=False)
Erfcinv, erfcinv = unary("Erfcinv", "erfcinv", upgrade_to_float_no_complex,
                         lambda xp, x: xp.special.ndtri(x * 0.5) * -np.sqrt(0.5).astype(x.dtype),
                         lambda x, gz: -gz * _typed(_HALF_ROOT_PI, x, gz) * S.exp(S.erfcinv(x) ** 2),
                         nfunc_spec=_spec("erfcinv"), tensor_doc="The inverse of erfc.", tensor_inplace=False)


# ------------------------------------------------------------------ gamma functions
class _OneOfAKind(_BinarySpecial):
    """Ops that are equal whatever their dtype rule is."""

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return hash(type(self))


def _psi(xp, x):
    value = xp.special.digamma(x)
    # The one pole where scipy knows the sign.
    return xp.where(x == 0, -xp.copysign(xp.full_like(x, np.inf), x), value) if "complex" not in str(x.dtype) else value


def _short(xp, k):
    """XLA sums series whose length grows with the order, and never ends where adding 1 changes nothing."""
    return xp.within(k, ~(k > 1e6))


def _lower(xp, k, x):
    return _of_order(xp, xp.special.gammainc, k, x, 1)


def _upper(xp, k, x):
    return _of_order(xp, xp.special.gammaincc, k, x, 0)


def _of_order(xp, function, k, x, limit):
    """One of the two; as the order goes to 0, all of the integral is near 0."""
    value = function(_short(xp, k), x)
    return xp.where(k == 0, xp.where(x > 0, limit, xp.full_like(value, np.nan)), value)


def _chi2sf(xp, x, k):
    zero, one = xp.zeros_like(x), xp.ones_like(x)
    tail = xp.where(xp.isinf(x), zero, _upper(xp, k / 2, xp.maximum(x, zero) / 2))
    return xp.where(k > 0, xp.where(x <= 0, one, tail), one * np.nan)


def _power_over_gamma(k, x):
    """``x^(k-1) exp(-x) / gamma(k)``, by which P(k, x) grows with x. At 0 the limit, where that is finite."""
    return S.switch(S.eq(x, 0), x ** (k - 1), S.exp((k - 1) * S.log(x) - x - S.gammaln(k)))


def _gammainc_grad(self, inputs, output_gradients):
    (k, x), (gz,) = inputs, output_gradients
    return _both(k, x, gz, lambda: S.gammainc_der(k, x), lambda: _power_over_gamma(k, x))


def _gammaincc_grad(self, inputs, output_gradients):
    return _gammainc_grad(self, inputs, [-output_gradients[0]])


def _gammal_grad(self, inputs, output_gradients):
    (k, x), (gz,) = inputs, output_gradients
    return _both(k, x, gz, lambda: S.gammal(k, x) * S.psi(k) + S.gamma(k) * S.gammainc_der(k, x),
                 lambda: x ** (k - 1) * S.exp(-x))


def _gammau_grad(self, inputs, output_gradients):
    (k, x), (gz,) = inputs, output_gradients
    return _both(k, x, gz, lambda: S.gammau(k, x) * S.psi(k) - S.gamma(k) * S.gammainc_der(k, x),
                 lambda: -x ** (k - 1) * S.exp(-x))


def _chi2sf_grad(self, inputs, output_gradients):
    (x, k), (gz,) = inputs, output_gradients
    above = S.gt(x, 0)
    return _both(x, k, -0.5 * gz, lambda: S.switch(above, _power_over_gamma(k / 2, S.switch(above, x, 1) / 2), 0),
                 lambda: S.gammainc_der(k / 2, S.maximum(x, 0) / 2))


def _gammainc_der_grad(self, inputs, output_gradients):
    (k, x), (gz,) = inputs, output_gradients
    return [grad_not_implemented(self, 0, k), gz * _power_over_gamma(k, x) * (S.log(x) - S.psi(k))]


def _both(a, b, gz, slope_a, slope_b):
    """The gradients for the two inputs of a function of real numbers; zeros for integers."""
    refuse_complex(a, b, gz)
    return [zero_gradient(v) if v.type in discrete_types else gz * slope() for v, slope in ((a, slope_a), (b, slope_b))]


def _polygamma(xp, n, x):
    known, pole = (n >= 0) & (n == xp.floor(n)) & (n <= 170), (x <= 0) & (x == xp.floor(x))
    order = xp.where(known & (n > 0), n, xp.ones_like(n))
    zeta = xp.where(pole, xp.full_like(x, np.inf), xp.special.zeta(order + 1, xp.where(pole, xp.ones_like(x), x)))
    size = xp.special.gamma(order + 1) * zeta
    value = xp.where(n == 0, _psi(xp, x), xp.where(order % 2 == 0, -size, size))
    return xp.where(known, value, xp.full_like(x, np.nan))


def _polygamma_grad(self, inputs, output_gradients):
    (n, x), (gz,) = inputs, output_gradients
    return [_order_gradient(self, n), gz * S.polygamma(n + 1, x)]


Gamma, gamma = unary("Gamma", "gamma", upgrade_to_float, lambda xp, x: xp.special.gamma(x),
                     lambda x, gz: gz * S.gamma(x) * S.psi(x), nfunc_spec=_spec("gamma"),
                     tensor_doc="The gamma function.")
GammaLn, gammaln = unary("GammaLn", "gammaln", upgrade_to_float, lambda xp, x: xp.special.gammaln(x),
                         lambda x, gz: gz * S.psi(x), nfunc_spec=_spec("gammaln"),
                         tensor_doc="The logarithm of |gamma(a)|.")
Psi, psi = unary("Psi", "psi", upgrade_to_float, _psi,
                 lambda x, gz: gz * S.tri_gamma(x), nfunc_spec=_spec("psi"), tensor_doc="The derivative of gammaln.")
# The first derivative of psi is the Hurwitz zeta function of order 2.
TriGamma, tri_gamma = unary("TriGamma", "tri_gamma", upgrade_to_float,
                            lambda xp, x: xp.special.zeta(xp.full_like(x, 2), x),
                            lambda x, gz: gz * S.polygamma(2, x), tensor_doc="The second derivative of gammaln.")
PolyGamma, polygamma = binary("PolyGamma", "polygamma", upgrade_to_float, _polygamma, grad=_polygamma_grad,
                              work_dtype=lambda self, types, out: "float64",
                              tensor_doc="The derivative of psi of order `n`, 0 to 170.",
                              tensor_inplace=False)
Chi2SF, chi2sf = binary("Chi2SF", "chi2sf", upgrade_to_float64, _chi2sf, base=_OneOfAKind, grad=_chi2sf_grad,
                        nfunc_spec=("scipy.stats.chi2.sf", 2, 1),
                        tensor_doc="The survival function of the chi squared distribution with `k` degrees of freedom.")
GammaInc, gammainc = binary("GammaInc", "gammainc", upgrade_to_float, _lower, grad=_gammainc_grad,
                            base=_OneOfAKind, nfunc_spec=_spec("gammainc", 2),
                            tensor_doc="The regularized lower incomplete gamma function P(k, x).", tensor_inplace=False)
GammaIncC, gammaincc = binary("GammaIncC", "gammaincc", upgrade_to_float, _upper, grad=_gammaincc_grad,
                              base=_OneOfAKind, nfunc_spec=_spec("gammaincc", 2),
                              tensor_doc="The regularized upper incomplete gamma function Q(k, x).",
                              tensor_inplace=False)
# In double precision: in float32 one factor overflows long before the product does.
GammaU, gammau = binary("GammaU", "gammau", upgrade_to_float,
                        lambda xp, k, x: _upper(xp, k, x) * xp.special.gamma(k), base=_OneOfAKind,
                        work_dtype=lambda self, types, out: "float64", grad=_gammau_grad,
                        tensor_doc="The upper incomplete gamma function.", tensor_inplace=False)
GammaL, gammal = binary("GammaL", "gammal", upgrade_to_float,
                        lambda xp, k, x: _lower(xp, k, x) * xp.special.gamma(k), base=_OneOfAKind,
                        work_dtype=lambda self, types, out: "float64", grad=_gammal_grad,
                        tensor_doc="The lower incomplete gamma function.", tensor_inplace=False)

GammaIncDer, gammainc_der = binary("GammaIncDer", "gammainc_der", upgrade_to_float, order_slope,
                                   grad=_gammainc_der_grad, work_dtype=lambda self, types, out: "float64",
                                   doc=order_slope.__doc__)


# ------------------------------------------------------------------ Bessel functions
def _order_gradient(self, v):
    return grad_not_implemented(self, 0, v)


def _jv_grad(self, inputs, output_gradients):
    (v, x), (gz,) = inputs, output_gradients
    return [_order_gradient(self, v), gz * (S.jv(v - 1, x) - S.jv(v + 1, x)) / 2.0]


def _iv_grad(self, inputs, output_gradients):
    (v, x), (gz,) = inputs, output_gradients
    return [_order_gradient(self, v), gz * (S.iv(v - 1, x) + S.iv(v + 1, x)) / 2.0]


def _grad_of(gradient):
    """A gradient without the checks that `unary` adds."""
    return lambda self, inputs, output_gradients: [gradient(inputs[0], output_gradients[0])]


# jax has no Bessel functions of the first kind that keep double precision for large arguments.
Jv, jv = binary("Jv", "jv", upgrade_to_float, lambda xp, v, x: xp.special.jv(v, x), grad=_jv_grad, host_only=True,
                nfunc_spec=_spec("jv", 2), tensor_doc="The Bessel function of the first kind of real order `v`.")
J1, j1 = unary("J1", "j1", upgrade_to_float, lambda xp, x: xp.special.j1(x), host_only=True, nfunc_spec=_spec("j1"),
               grad=_grad_of(lambda x, gz: gz * (S.j0(x) - S.jv(2, x)) / 2.0),
               tensor_doc="The Bessel function of the first kind of order 1.")
J0, j0 = unary("J0", "j0", upgrade_to_float, lambda xp, x: xp.special.j0(x), host_only=True, nfunc_spec=_spec("j0"),
               grad=_grad_of(lambda x, gz: gz * -1 * S.j1(x)),
               tensor_doc="The Bessel function of the first kind of order 0.")
Iv, iv = binary("Iv", "iv", upgrade_to_float, lambda xp, v, x: xp.special.iv(v, x), grad=_iv_grad, host_only=True,
                nfunc_spec=_spec("iv", 2),
                tensor_doc="The modified Bessel function of the first kind of real order `v`.")
I1, i1 = unary("I1", "i1", upgrade_to_float, lambda xp, x: xp.special.i1(x), nfunc_spec=_spec("i1"),
               grad=_grad_of(lambda x, gz: gz * (S.i0(x) + S.iv(2, x)) / 2.0),
               tensor_doc="The modified Bessel function of the first kind of order 1.")
I0, i0 = unary("I0", "i0", upgrade_to_float, lambda xp, x: xp.special.i0(x), nfunc_spec=_spec("i0"),
               grad=_grad_of(lambda x, gz: gz * S.i1(x)),
               tensor_doc="The modified Bessel function of the first kind of order 0.")


__all__ = ["imported_scipy_special", *table.names(globals())]
