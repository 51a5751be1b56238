"""Sorting inside XLA by integer keys.

On the CPU XLA sorts one operand of integers several times faster than floats, and much faster than the pair of
operands that argsort needs. So floats are sorted as integers of the same order, and where there is room for it
an element and its place are packed into one integer.
"""

import numpy as np

from theanojax.arrays import is_number

PACKED = 1024  # elements; below that the plain sort is as fast and compiles quicker


def ordered_integers(ctx, x, equal_zeros=False):
    """Signed integers in the order of the floats `x`, NaN last; also the way back, but for the sort of NaN.

    With `equal_zeros` -0.0 and 0.0 give the same integer.
    """
    lax, xp = ctx.lax, ctx.xp
    zero = np.zeros((), x.dtype)
    x = xp.where(x != x, np.asarray(np.nan, x.dtype), x)
    if equal_zeros:
        x = xp.where(x == 0, zero, x)
    bits = lax.bitcast_convert_type(x, np.dtype("int%d" % (8 * x.dtype.itemsize)))
    return _flip_negative(xp, bits)


def _flip_negative(xp, bits):
    return xp.where(bits < 0, bits ^ np.iinfo(bits.dtype).max, bits)


def sorted_values(ctx, x, axis):
    """`x` sorted along `axis`."""
    x = ctx.xp.asarray(x)
    if x.dtype.kind != "f" or not is_number(x.size) or x.size < PACKED:
        return ctx.xp.sort(x, axis=axis)
    keys = ctx.lax.sort(ordered_integers(ctx, x), dimension=axis % x.ndim, is_stable=False)
    return ctx.lax.bitcast_convert_type(_flip_negative(ctx.xp, keys), x.dtype)


def sorting_order(ctx, x, axis):
    """The indices that sort `x` along `axis`; equal elements keep their order."""
    lax, xp = ctx.lax, ctx.xp
    x = xp.asarray(x)
    if x.dtype.kind not in "fiub" or x.dtype.itemsize > 4 or not is_number(x.size) or x.size < PACKED:
        return xp.argsort(x, axis=axis)
    axis %= x.ndim
    keys = ordered_integers(ctx, x, equal_zeros=True) if x.dtype.kind == "f" else x
    place = lax.broadcasted_iota(np.int64, x.shape, axis)
    keys = xp.astype(keys, "int64")
    if x.dtype == "uint32":
        keys = keys - (1 << 31)  # what is shifted has to fit 32 signed bits
    packed = (keys << 32) | place
    return lax.sort(packed, dimension=axis, is_stable=False) & 0xFFFFFFFF


FEW = 8  # so many elements are found faster by taking the greatest again and again than by sorting


def greatest(ctx, x, k, axis):
    """The indices of the `k` greatest floats along `axis`, in descending order, the first of equal ones first.

    A negative `k` asks for the smallest, in ascending order.
    """
    lax, xp = ctx.lax, ctx.xp
    keys = ordered_integers(ctx, x, equal_zeros=True)
    if k < 0:
        keys = ~keys
    place = lax.broadcasted_iota(np.int64, x.shape, axis)
    found = []
    for _ in range(abs(k)):
        best = xp.expand_dims(xp.argmax(keys, axis=axis), axis)
        found.append(best)
        keys = xp.where(place == best, np.iinfo(keys.dtype).min, keys)  # no float has that key, nor does its complement
    return xp.concatenate(found, axis=axis)
