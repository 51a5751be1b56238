"""Steps: Elemwise Ops of all families, casts, complex numbers, and the idioms that rewrites look for."""

import numpy as np

import theano.tensor as T

from .builder import KINDS, fits, kind_of, step, value_of

WIDE = (-1e4, 1e4)
# name -> the interval in which the function is defined and well-conditioned enough to be compared
UNARY = {
    "abs_": WIDE,
    "neg": WIDE,
    "sqr": (-100, 100),
    "sqrt": (0.01, 1e4),
    "sgn": WIDE,
    "ceil": WIDE,
    "floor": WIDE,
    "trunc": WIDE,
    "round_half_to_even": WIDE,
    "round_half_away_from_zero": WIDE,
    "exp": (-5, 5),
    "exp2": (-5, 5),
    "expm1": (-5, 5),
    "log": (0.01, 1e4),
    "log2": (0.01, 1e4),
    "log10": (0.01, 1e4),
    "log1p": (-0.9, 1e4),
    "deg2rad": WIDE,
    "rad2deg": WIDE,
    "cos": (-30, 30),
    "sin": (-30, 30),
    "tan": (-1.4, 1.4),
    "arccos": (-0.98, 0.98),
    "arcsin": (-0.98, 0.98),
    "arctan": WIDE,
    "cosh": (-5, 5),
    "sinh": (-5, 5),
    "tanh": WIDE,
    "arccosh": (1.05, 1e3),
    "arcsinh": WIDE,
    "arctanh": (-0.95, 0.95),
    "inv": (0.1, 1e3),
    "isnan": WIDE,
    "isinf": WIDE,
    "tensor_copy": WIDE,
}
SPECIAL = {
    "erf": (-4, 4),
    "erfc": (-4, 4),
    "erfcx": (-3, 10),
    "erfinv": (-0.95, 0.95),
    "erfcinv": (0.05, 1.95),
    "gamma": (0.1, 6),
    "gammaln": (0.1, 50),
    "psi": (0.1, 50),
    "tri_gamma": (0.1, 50),
    "j0": (-10, 10),
    "j1": (-10, 10),
    "i0": (-5, 5),
    "i1": (-5, 5),
    "nnet.sigmoid": (-30, 30),
    "nnet.softplus": (-30, 30),
    "nnet.hard_sigmoid": WIDE,
    "nnet.ultra_fast_sigmoid": (-30, 30),
    "nnet.relu": WIDE,
    "nnet.elu": (-10, 10),
    "nnet.selu": (-10, 10),
    "nnet.softsign": WIDE,
    "xlogx.xlogx": (0, 100),
}
SPECIAL2 = {
    "gammainc": ((0.2, 10), (0.1, 10)),
    "gammaincc": ((0.2, 10), (0.1, 10)),
    "gammau": ((0.2, 5), (0.1, 5)),
    "gammal": ((0.2, 5), (0.1, 5)),
    "chi2sf": ((0.1, 10), (0.5, 10)),
    "jv": ((0, 3), (0.1, 8)),
    "iv": ((0, 3), (0.1, 5)),
    "xlogx.xlogy0": ((0, 10), (0.1, 10)),
}
EXACT = ("abs_", "neg", "sqr", "sgn", "tensor_copy")
FLOAT_ONLY = ("ceil", "floor", "trunc", "round_half_to_even", "round_half_away_from_zero")


def named(name):
    found = T
    for part in name.split("."):
        found = getattr(found, part)
    return found


def pair(b, kinds="fiub"):
    """Two variables that broadcast."""
    x = b.take(kinds)
    return x, b.take(kinds, shape=None, ok=lambda v: fits(x, v)) or x


@step(4)
def unary(b):
    name = b.one(list(UNARY))
    v = b.take("fiubh")
    if kind_of(v) == "b" and name in ("neg", "sgn", "abs_", "sqr", "inv", "isnan", "isinf"):
        v = T.cast(v, b.one(KINDS["i"]))
    if kind_of(v) in "iu" and name in EXACT:
        return named(name)(v)  # integers wrap
    if kind_of(v) in "iub" and name in FLOAT_ONLY:
        v = T.cast(v, "float64")
    return named(name)(b.within(v, *UNARY[name]))


@step(3)
def special(b):
    name = b.one(list(SPECIAL))
    v = b.take("fiub")
    if kind_of(v) != "f" and (np.dtype(v.dtype).itemsize < 4 or name.startswith(("nnet", "xlogx"))):
        v = T.cast(v, "float64")  # of small integers Theano makes float16s
    return named(name)(b.within(v, *SPECIAL[name]))


@step(1)
def special_binary(b):
    name = b.one(list(SPECIAL2))
    x, y = pair(b, "f")
    return named(name)(b.within(x, *SPECIAL2[name][0]), b.within(y, *SPECIAL2[name][1]))


@step(2)
def binary(b):
    name = b.one(["add", "mul", "sub", "maximum", "minimum", "true_div", "pow", "arctan2", "second"])
    x, y = pair(b, "fiubh")
    if name == "sub" and x.dtype == y.dtype == "bool":
        return None
    if name == "true_div":
        return x / (T.abs_(T.cast(y, b.one(["float64", "float32"]))) + 1)
    if name == "arctan2":
        y = T.cast(y, "float64")
        x = T.cast(x, "int8") if kind_of(x) == "b" else x
        return T.arctan2(x, T.abs_(y) + 0.5)
    if name == "pow":
        if kind_of(x) in "iu" and b.chance():
            return T.pow(x, T.cast(b.within(y, 0, 3), "int8"))
        exponent = T.cast(b.within(y, 0, 3), b.one(["int8", "int64", "float64"]))
        return (T.abs_(T.cast(x, "float64")) + 0.1) ** exponent
    return named(name)(x, y)


@step(0.5)
def several(b):
    x, y = pair(b, "fi")
    z = b.take("fi", ok=lambda v: fits(x, v) and fits(y, v)) or x
    return b.one([T.add, T.mul])(x, y, z, *b.one([(), (2,), (0.5, x)]))


@step(1)
def compare(b):
    x, y = pair(b)
    if b.chance(0.2):
        return b.one([T.isclose, T.allclose])(T.cast(x, "float64"), T.cast(y, "float64"))
    return named(b.one(["eq", "neq", "lt", "le", "gt", "ge"]))(x, y)


@step(1)
def bits(b):
    kinds = b.one(["i", "u", "b", "iu"])
    x, y = pair(b, kinds)
    if x.dtype == "uint64" and kind_of(y) == "i" or y.dtype == "uint64" and kind_of(x) == "i":
        return None  # together they are floats
    return T.invert(x) if b.chance(0.3) else named(b.one(["and_", "or_", "xor"]))(x, y)


@step(1)
def whole_division(b):
    x, y = pair(b, b.one(["i", "u", "iu", "f", "fi"]))
    y = T.switch(T.lt(abs(T.cast(y, "float64")), 0.2), T.cast(b.one([1, 2, 3]), y.dtype), y)
    if b.chance(0.2):
        return T.ceil_intdiv(x, y) if kind_of(x) == kind_of(y) == "i" else None
    return T.divmod(x, y) if b.chance(0.2) else named(b.one(["int_div", "mod"]))(x, y)


@step(1)
def select(b):
    x, y = pair(b, "fiubc")
    c = b.take(ok=lambda v: fits(x, v) and fits(y, v))
    if c is None:
        return None
    c = T.gt(T.cast(c, "float64"), 0) if b.chance() else c
    return T.switch(c, x, y)


@step(0.6)
def clip(b):
    v = b.take("fiu")
    low, high = b.one([(-1, 1), (0, 2), (-2, 0.5), (1, 1)])
    if kind_of(v) != "f":
        low, high = abs(int(low)), abs(int(high)) + 1
    return T.clip(v, np.asarray(low, v.dtype), np.asarray(high, v.dtype))


@step(1)
def cast(b):
    v = b.take("fiubh")
    to = b.one(
        [
            "float64",
            "float32",
            "int64",
            "int32",
            "int16",
            "int8",
            "bool",
            "uint8",
            "uint16",
            "uint32",
            "uint64",
            "float16",
            "complex128",
        ]
    )
    if kind_of(v) in "fh" and to.startswith("uint"):
        v = b.within(v, 0, 200)  # C leaves the others undefined
    if kind_of(v) == "f" and to == "float16":
        v = b.within(v, -100, 100)
    return T.cast(v, to)


@step(0.3)
def rounding(b):
    v = b.take("f")
    return b.one([lambda: T.iround(v), lambda: T.round(v, b.one(["half_to_even", "half_away_from_zero"]))])()


@step(1.2)
def complex_numbers(b):
    z = b.take("c")
    how = b.int(-1, 8)
    if how == 0:
        x, y = pair(b, "f")
        return T.complex(x, y)
    if how == 1:
        x, y = pair(b, "f")
        return T.complex_from_polar(abs(x) + 0.1, T.tanh(y))
    if how in (-1, 2):
        return b.one([T.real, T.imag, T.conj])(z)
    if how == 3:
        return b.one([T.abs_, T.angle])(z + np.asarray(5, z.dtype))
    if how == 4:
        small = z / (abs(z) + 1)
        return named(b.one(["exp", "sin", "cos", "sqr", "neg", "tanh", "sinh", "cosh", "log1p", "expm1"]))(small)
    if how == 5:
        return b.one([T.sqrt, T.log, T.log10, T.inv])(z + np.asarray(5, z.dtype))
    other = b.take("cf", ok=lambda v: fits(z, v)) or z
    if how == 6:
        return z / (T.abs_(other) + 1)
    return b.one([T.add, T.sub, T.mul, T.eq, T.neq])(z, other)


def _log_sum_exp(b, x):
    if 0 in value_of(x).shape:
        return None  # Theano's rewrite takes the maximum, of nothing then
    return T.log(T.sum(T.exp(b.within(x, -5, 5)), axis=b.one([None, -1]) if x.ndim else None))


IDIOMS = [
    lambda b, x: T.log(1 + T.exp(b.within(x, -20, 20))),
    lambda b, x: T.log(1 - T.nnet.sigmoid(b.within(x, -10, 10))),
    lambda b, x: T.log(T.nnet.sigmoid(x)),
    lambda b, x: T.log(1 + abs(x)),
    lambda b, x: T.exp(b.within(x, -3, 3)) - 1,
    lambda b, x: 1 / (1 + T.exp(-b.within(x, -20, 20))),
    lambda b, x: T.exp(b.within(x, -5, 5)) / (1 + T.exp(b.within(x, -5, 5))),
    _log_sum_exp,
    lambda b, x: x * x * x / (x * x + 1),
    lambda b, x: (x + 1) * 2 - x * 2,
    lambda b, x: -(-x) + 0 * x,
    lambda b, x: T.sqrt(T.sqr(x) + 1) ** 2,
    lambda b, x: T.log(T.exp(b.within(x, -5, 5))),
    lambda b, x: (x / 2) / 3 * 6,
    lambda b, x: T.sum(x * 3) - T.sum(-x),
    lambda b, x: T.mean(T.sqr(x - 1)) * 2 if value_of(x).size else None,
    lambda b, x: T.switch(T.ge(T.shape(x).sum(), 0), x, -x),
    lambda b, x: T.maximum(T.minimum(x, 1), -1),
    lambda b, x: T.abs_(T.abs_(x) * -2),
    lambda b, x: T.pow(abs(x) + 0.1, b.one([2, 0.5, -0.5, -1, -2, 3, 0, 1])),
    lambda b, x: T.erfc(b.within(x, -3, 3)) - (1 - T.erf(b.within(x, -3, 3))),
    lambda b, x: T.log(T.erfc(b.within(x, -3, 5))),
    lambda b, x: T.nnet.binary_crossentropy(T.nnet.sigmoid(b.within(x, -8, 8)), 0.3),
    lambda b, x: T.nnet.sigmoid_binary_crossentropy(b.within(x, -8, 8), 0.3 * T.ones_like(x)),
]


@step(1.5)
def idiom(b):
    return b.one(IDIOMS)(b, b.take("f"))
