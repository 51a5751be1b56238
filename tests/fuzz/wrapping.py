"""Steps of integers that leave the range of their type on the way."""

import numpy as np

import theano.tensor as T

from .builder import INTS, UINTS, fits, kind_of, step, value_of

MOST_OPERATIONS = 4


def _times(b, v):
    return v * _number(b, v.dtype)


def _plus(b, v):
    return b.one([T.add, T.sub])(v, _number(b, v.dtype))


def _number(b, dtype):
    """A constant of the type, of any size."""
    ends = np.iinfo(dtype)
    value = b.one([ends.max, ends.min, ends.max // 2, ends.max // 3, b.int(0, 100), b.int(0, min(ends.max, 2**31))])
    return np.asarray(value, dtype)


def _other(b, v):
    w = b.take("iu", ok=lambda w: fits(v, w))
    return None if w is None else b.one([T.add, T.mul, T.sub, T.maximum, T.minimum])(v, w)


def _power(b, v):
    return v ** np.int8(b.one([0, 1, 2, 3, 5, 8, 70]))


def _cast(b, v):
    return T.cast(v, b.one(INTS + UINTS))


def _reduced(b, v):
    if not v.ndim or 0 in value_of(v).shape:
        return None
    smallest = [] if kind_of(v) == "i" else [T.min]  # -max(-v), as Theano builds it, is wrong for the lowest of them
    return b.one([T.sum, T.prod, T.max, *smallest])(v, axis=b.one([None, 0, -1]), keepdims=b.chance(0.3))


def _accumulated(b, v):
    return b.one([T.cumsum, T.cumprod])(v, axis=b.one([None, 0])) if v.ndim else None


def _quotient(b, v):
    divisor = np.asarray(b.one([1, 2, 3, 7, 100]), v.dtype)
    return b.one([T.int_div, T.mod])(v, divisor)


def _bits(b, v):
    return b.one([T.and_, T.or_, T.xor])(v, _number(b, v.dtype)) if b.chance(0.7) else T.invert(v)


OPERATIONS = [
    _times,
    _times,
    _plus,
    _other,
    _power,
    _cast,
    _reduced,
    _accumulated,
    _quotient,
    _bits,
    lambda b, v: b.one([T.sqr, T.abs_, T.neg, T.sgn])(v),
]


@step(0.6)
def wrapped(b):
    """An output and no more: values of such a size are no lengths and no indices."""
    v = _times(b, b.take("iu"))
    for _ in range(b.int(1, MOST_OPERATIONS + 1)):
        made = b.one(OPERATIONS)(b, v)
        v = v if made is None or kind_of(made) not in "iu" else made
    b.dead.append(b.one([lambda: v, lambda: T.cast(v, "float64"), lambda: T.eq(v, _number(b, v.dtype))])())
