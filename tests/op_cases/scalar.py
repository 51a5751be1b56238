"""Scalar Ops: for each instance, the domains that its inputs are taken from."""

import numpy as np

import theanojax.scalar as S
from theanojax.scalar.comparison import zero_times
from theanojax.tensor.nnet.activations import ScalarSoftsign
from theanojax.tensor.nnet.sigm import scalar_sigmoid, scalar_softplus, ultra_fast_scalar_sigmoid
from theanojax.tensor.reduce import MulWithoutZeros
from theanojax.tensor.xlogx import scalar_xlogx, scalar_xlogy0

# domain -> (floats, integers), neither with a kink or a step of any Op at them
DOMAINS = {
    "any": ([-2.7, -1.3, -0.4, 0.6, 1.4, 3.2], [-3, -1, 0, 1, 2, 5]),
    "other": ([1.7, -0.8, 2.3, -1.1, 0.9, -3.3], [2, -1, 4, 0, 1, -2]),
    "third": ([0.7, 1.9, -0.6, 2.1, -1.2, 0.3], [1, 3, 0, -2, 7, 1]),
    "condition": ([-1.0, 0.0, 2.0, 0.0, 0.0, 1.5], [0, 1, 0, -1, 2, 0]),
    "unit": ([-0.9, -0.4, -0.1, 0.2, 0.5, 0.8], [-1, 0, 1, 1, 0, -1]),
    "inside": ([-0.9, -0.4, -0.1, 0.2, 0.5, 0.8], [0, 0, 0, 0, 0, 0]),
    "positive": ([0.3, 0.8, 1.2, 2.6, 4.1, 7.7], [1, 2, 3, 4, 6, 9]),
    "order": ([0.4, 2.5, 1.1, 3.6, 0.7, 2.2], [1, 3, 2, 5, 1, 4]),
    "count": ([0.0, 1.0, 2.0, 3.0, 1.0, 4.0], [0, 1, 2, 3, 1, 4]),
    "above1": ([1.1, 1.6, 2.2, 3.9, 5.5, 8.0], [1, 2, 3, 4, 6, 9]),
    "to2": ([0.1, 0.6, 0.9, 1.3, 1.7, 1.9], [1, 1, 1, 1, 1, 1]),
    "nonzero": ([-2.7, -1.3, -0.4, 0.6, 1.4, 3.2], [-3, -1, 7, 1, 2, 5]),
    "small": ([2.0, 3.0, -1.0, 0.5, -2.0, 1.5], [2, 3, 0, 1, 2, 3]),
    "low": ([-1.0, -1.5, -0.9, 0.8, 0.1, -2.0], [-1, 0, -2, 2, 0, 1]),
    "high": ([1.0, -1.1, -0.2, 2.0, 0.9, 5.0], [1, 2, 3, 4, 1, 3]),
}

# instance in theanojax.scalar -> domains of its inputs
NAMED = {
    "abs_": "nonzero", "add": "any other third", "and_": "any other", "angle": "nonzero", "arccos": "inside",
    "arccosh": "above1", "arcsin": "inside", "arcsinh": "any", "arctan": "any", "arctan2": "any other",
    "arctanh": "inside", "ceil": "any", "chi2sf": "positive order", "clip": "third low high", "complex": "any other",
    "complex_from_polar": "positive other", "conj": "any", "cos": "any", "cosh": "any", "deg2rad": "any",
    "eq": "any other", "erf": "any", "erfc": "any", "erfcinv": "to2", "erfcx": "any", "erfinv": "inside", "exp": "any",
    "exp2": "any", "expm1": "any", "floor": "any", "gamma": "positive", "gammainc": "order positive",
    "gammaincc": "order positive",
    "gammainc_der": "order positive", "gammal": "order positive", "gammaln": "positive", "gammau": "order positive",
    "ge": "any other", "gt": "any other", "i0": "any", "i1": "any", "identity": "any", "imag": "any",
    "inclosedrange": "third low high", "inopenrange": "third low high", "int_div": "third nonzero", "inv": "nonzero",
    "invert": "any", "isinf": "any", "isnan": "any", "iv": "order positive", "j0": "any", "j1": "any",
    "jv": "order positive",
    "le": "any other", "log": "positive", "log10": "positive", "log1p": "positive", "log2": "positive",
    "lt": "any other", "maximum": "any other", "minimum": "any other", "mod": "other nonzero", "mul": "any other third",
    "neg": "any", "neq": "any other", "or_": "any other", "pow": "positive small",
    "polygamma": "count positive", "psi": "positive", "rad2deg": "any",
    "real": "any", "round_half_away_from_zero": "any", "round_half_to_even": "any", "second": "any other",
    "sgn": "nonzero", "sin": "any", "sinh": "any", "sqr": "any", "sqrt": "positive", "sub": "any other",
    "switch": "condition any other", "tan": "any", "tanh": "any", "tri_gamma": "positive", "true_div": "any nonzero",
    "trunc": "any", "xor": "any other", "floor_div": "third nonzero",
    **{"convert_to_" + d: "any" for d in S._cast_mapping},
}
# Ops of one scalar class each that live elsewhere
ELSEWHERE = {
    "softsign": (ScalarSoftsign(S.upgrade_to_float), "nonzero"),
    "sigmoid": (scalar_sigmoid, "any"),
    "softplus": (scalar_softplus, "any"),
    "ultra_fast_sigmoid": (ultra_fast_scalar_sigmoid, "any"),
    "zero_times": (zero_times, "any other"),
    "xlogx": (scalar_xlogx, "positive"),
    "xlogy0": (scalar_xlogy0, "any positive"),
    "mul_without_zeros": (MulWithoutZeros(S.transfer_type(0)), "condition nonzero"),
}
OPS = {**{name: (getattr(S, name), domains.split()) for name, domains in NAMED.items()},
       **{name: (op, domains.split()) for name, (op, domains) in ELSEWHERE.items()}}

# What takes no such numbers: dtype kind -> Ops that raise TypeError
_BITS = {"and_", "or_", "xor", "invert"}
_ROUNDING = {"round_half_away_from_zero", "round_half_to_even"}
REFUSED = {
    "f": _BITS,
    "i": _ROUNDING,
    "u": _ROUNDING,
    "b": _ROUNDING | {"sub", "neg", "sgn"},
    "c": _BITS | _ROUNDING | {"ceil", "clip", "complex", "complex_from_polar", "erfc", "erfcinv", "erfcx", "erfinv",
                              "floor", "sgn", "trunc"},
}
# Built for complex numbers, with an error when they are run, as in Theano
NO_COMPLEX_VALUE = {
    "arctan2", "chi2sf", "deg2rad", "floor_div", "gammainc", "gammaincc", "gammal", "gammaln", "gammau", "i0", "i1",
    "inclosedrange", "inopenrange", "int_div", "j0", "j1", "jv", "iv", "mod", "gammainc_der",
    "polygamma", "rad2deg", "sigmoid", "softplus",
    "tri_gamma",
    "ultra_fast_sigmoid",
    *["convert_to_" + d for d in S._cast_mapping if "complex" not in d and d != "bool"],
}

# XLA takes seconds to compile these; integers and float32 come to the same code by a cast.
SLOW = {"chi2sf", "gammainc", "gammaincc", "gammainc_der", "gammal", "gammau"}

# No gradient, or none with respect to real numbers: that is so in Theano
NO_GRADIENT = {"conj", "ultra_fast_sigmoid", "mul_without_zeros", "complex", "complex_from_polar", "real"}
NO_R_OP = {"jv", "iv", "polygamma", "gammainc_der"}
# What gradients are for, where not all inputs: not the order of a Bessel function, nor a condition
MOVING = {"jv": [1], "iv": [1], "switch": [1, 2], "second": [1], "polygamma": [1], "gammainc_der": [1]}


def values(domain, dtype):
    """Six values of a domain as a 2 by 3 matrix of `dtype`."""
    floats, integers = DOMAINS[domain]
    kind = np.dtype(dtype).kind
    if kind == "c":
        found = np.array(floats) + 1j * np.array(floats[::-1]) * 0.5
    elif kind == "f":
        found = floats
    elif kind == "b":
        found = np.array(integers) != 0
    else:
        found = np.abs(integers) if kind == "u" else integers
    return np.asarray(found).astype(dtype).reshape(2, 3)


# Where domains end, and beyond; no gradients there.
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 40.0, -40.0, 1e300, -1e-300])

# There scipy and jax answer differently: the Ops left out, each with the reason.
UNLIKE_AT_ENDS = {
    "complex_from_polar": "a negative radius is an error",
    "convert_to_uint32": "C does not say what becomes of nan",
    **dict.fromkeys(SLOW, "infinite orders go to the host"),
}
