"""Elementwise Ops with "inplace" in their names: in Theano they overwrote their first argument.

Here nothing is overwritten; the Ops compute the same and print as they did.
"""

from theanojax import scalar
from theanojax.scalar.dtype_rules import transfer_type
from theanojax.tensor.elemwise import DimShuffle, Elemwise


def _inplace(name):
    """One row: the scalar Op of this name, with the first argument's dtype as that of the result."""
    scalar_op = getattr(scalar, name).__class__(transfer_type(0))
    op = Elemwise(scalar_op, {0: 0}, name=name + "_inplace")
    op.__doc__ = "%s, written over the first argument" % name
    return op


abs__inplace = _inplace("abs_")
add_inplace = _inplace("add")
and__inplace = _inplace("and_")
arccos_inplace = _inplace("arccos")
arccosh_inplace = _inplace("arccosh")
arcsin_inplace = _inplace("arcsin")
arcsinh_inplace = _inplace("arcsinh")
arctan2_inplace = _inplace("arctan2")
arctan_inplace = _inplace("arctan")
arctanh_inplace = _inplace("arctanh")
ceil_inplace = _inplace("ceil")
chi2sf_inplace = _inplace("chi2sf")
conj_inplace = _inplace("conj")
cos_inplace = _inplace("cos")
cosh_inplace = _inplace("cosh")
deg2rad_inplace = _inplace("deg2rad")
eq_inplace = _inplace("eq")
erf_inplace = _inplace("erf")
erfc_inplace = _inplace("erfc")
erfcx_inplace = _inplace("erfcx")
exp2_inplace = _inplace("exp2")
exp_inplace = _inplace("exp")
expm1_inplace = _inplace("expm1")
floor_inplace = _inplace("floor")
gamma_inplace = _inplace("gamma")
gammaln_inplace = _inplace("gammaln")
ge_inplace = _inplace("ge")
gt_inplace = _inplace("gt")
i0_inplace = _inplace("i0")
i1_inplace = _inplace("i1")
int_div_inplace = _inplace("int_div")
inv_inplace = _inplace("inv")
invert_inplace = _inplace("invert")
iv_inplace = _inplace("iv")
j0_inplace = _inplace("j0")
j1_inplace = _inplace("j1")
jv_inplace = _inplace("jv")
le_inplace = _inplace("le")
log10_inplace = _inplace("log10")
log1p_inplace = _inplace("log1p")
log2_inplace = _inplace("log2")
log_inplace = _inplace("log")
lt_inplace = _inplace("lt")
maximum_inplace = _inplace("maximum")
minimum_inplace = _inplace("minimum")
mod_inplace = _inplace("mod")
mul_inplace = _inplace("mul")
neg_inplace = _inplace("neg")
neq_inplace = _inplace("neq")
or__inplace = _inplace("or_")
pow_inplace = _inplace("pow")
psi_inplace = _inplace("psi")
rad2deg_inplace = _inplace("rad2deg")
round_half_away_from_zero_inplace = _inplace("round_half_away_from_zero")
round_half_to_even_inplace = _inplace("round_half_to_even")
second_inplace = _inplace("second")
sgn_inplace = _inplace("sgn")
sin_inplace = _inplace("sin")
sinh_inplace = _inplace("sinh")
sqr_inplace = _inplace("sqr")
sqrt_inplace = _inplace("sqrt")
sub_inplace = _inplace("sub")
tan_inplace = _inplace("tan")
tanh_inplace = _inplace("tanh")
tri_gamma_inplace = _inplace("tri_gamma")
true_div_inplace = _inplace("true_div")
trunc_inplace = _inplace("trunc")
xor_inplace = _inplace("xor")
fill_inplace = second_inplace


def transpose_inplace(x, **kwargs):
    """`x` with its dimensions in reverse order; a view."""
    return DimShuffle(x.broadcastable, list(range(x.ndim - 1, -1, -1)), inplace=True)(x)
