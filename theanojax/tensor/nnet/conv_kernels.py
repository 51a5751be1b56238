"""Correlation over any number of axes, and its two gradients, against an array namespace.

Images are (batch, channels, *sizes), filters (filters, channels of a group, *sizes), the output (top) is
(batch, filters, *places). Unshared filters are (filters, *places, channels of a group, *sizes). Nothing is flipped.

The bodies without a name of their own for XLA cut the image into one column a place and multiply. Measured on a CPU
(batches of 16 to 50, 5x5 and 3x3 filters), XLA's own convolution is as quick forwards or up to 5 times quicker, for
the filters up to 3 times quicker, but not with 1x1 filters or few channels; for the images the product followed by
adding the columns up is up to 10 times quicker, while these are few. That sum is one kernel while there are few taps;
with many it would take seconds to compile, so it goes axis by axis.
"""

import functools
import itertools
import math
from collections import namedtuple

import numpy as np

JOINT_TAPS = 36
MANY = 1 << 24  # bytes of columns

# pads: (before, after) an axis; strides, dilation: one number an axis; groups: an int; unshared: a bool
Geometry = namedtuple("Geometry", "pads strides dilation groups unshared")


def out_sizes(sizes, kernel, g):
    """The output's sizes along the axes; some are not positive when the filters do not fit."""
    return tuple(
        (s + sum(p) - (k - 1) * d - 1) // st + 1 for s, k, p, st, d in zip(sizes, kernel, g.pads, g.strides, g.dilation)
    )


def _pad(xp, x, g):
    if not any(map(any, g.pads)):
        return x
    return xp.spread(x, [(0, 0, 0)] * (x.ndim - len(g.pads)) + [(a, b, 0) for a, b in g.pads])


def _columns(xp, x, kernel, places, g):
    """(batch, groups, channels of a group, taps, *places): what each tap of the filters meets at each place."""
    x = _pad(xp, x, g)
    cut = []
    for tap in itertools.product(*map(range, kernel)):
        starts = [t * d for t, d in zip(tap, g.dilation)]
        stops = [a + (n - 1) * s + 1 for a, n, s in zip(starts, places, g.strides)]
        cut.append(xp.cut(x, [0, 0] + starts, list(x.shape[:2]) + stops, [1, 1] + list(g.strides)))
    columns = xp.stack(cut, axis=2)
    return xp.reshape(columns, (x.shape[0], g.groups, x.shape[1] // g.groups, len(cut)) + tuple(places))


def _spread_widths(tap, axis, places, sizes, g):
    """The widths that bring what one tap made back to the image's size along `axis`."""
    first = tap * g.dilation[axis] - g.pads[axis][0]
    last = first + (places[axis] - 1) * g.strides[axis]
    return first, sizes[axis] - last - 1, g.strides[axis] - 1


def _uncolumns(xp, columns, kernel, sizes, g, at):
    """The gradient of `_columns`: what each pixel was used for, added up. `columns` has the taps as its axis `at`.

    (taps, *places) become `sizes`; what is before and between them stays.
    """
    n = len(kernel)
    places = columns.shape[-n:]

    def added_up(columns, at, pieces):
        """`columns` without the axis `at`; `pieces` has, for each index there, pairs of an axis and a tap to spread."""
        spread = []
        for i, taps in enumerate(pieces):
            piece = _part(xp, columns, at, i)
            widths = [(0, 0, 0)] * piece.ndim
            for axis, tap in taps:
                widths[piece.ndim - n + axis] = _spread_widths(tap, axis, places, sizes, g)
            spread.append(xp.spread(piece, widths))
        return functools.reduce(xp.add, spread)

    if columns.shape[at] <= JOINT_TAPS:
        return added_up(columns, at, map(enumerate, itertools.product(*map(range, kernel))))
    columns = xp.reshape(columns, columns.shape[:at] + tuple(kernel) + columns.shape[at + 1 :])
    for axis in reversed(range(n)):
        columns = added_up(columns, at + axis, [[(axis, tap)] for tap in range(kernel[axis])])
    return columns


def _part(xp, x, axis, index):
    """``x[..., index, ...]``, without `axis`."""
    low, high = [0] * x.ndim, list(x.shape)
    low[axis], high[axis] = index, index + 1
    return xp.reshape(xp.cut(x, low, high, [1] * x.ndim), x.shape[:axis] + x.shape[axis + 1 :])


def _split(xp, kernel, g):
    """Filters as (groups, filters of a group, channels * taps)."""
    return xp.reshape(kernel, (g.groups, kernel.shape[0] // g.groups, math.prod(kernel.shape[1:])))


def _unshared(xp, kernel, g, n):
    """Unshared filters as (groups, filters of a group, *places, channels, taps)."""
    return xp.reshape(
        kernel, (g.groups, kernel.shape[0] // g.groups) + kernel.shape[1 : n + 2] + (math.prod(kernel.shape[n + 2 :]),)
    )


def _letters(n):
    return "wxyz"[:n]


def correlate(xp, image, kernel, g):
    """The correlation of images with filters."""
    n = len(g.strides)
    taps = kernel.shape[-n:]
    places = out_sizes(image.shape[2:], taps, g)
    columns = _columns(xp, image, taps, places, g)
    batch, groups, channels, count = columns.shape[:4]
    if g.unshared:
        p = _letters(n)
        out = xp.einsum("bgct%s,gk%sct->bgk%s" % (p, p, p), columns, _unshared(xp, kernel, g, n))
    else:
        columns = xp.reshape(columns, (batch, groups, channels * count, math.prod(places)))
        out = xp.matmul(_split(xp, kernel, g), columns)
    return xp.reshape(out, (batch, kernel.shape[0]) + places)


def grad_kernel(xp, image, top, taps, g):
    """The gradient for filters that have `taps` along the axes."""
    n = len(g.strides)
    places = top.shape[2:]
    columns = _columns(xp, image, taps, places, g)
    batch, groups, channels, count = columns.shape[:4]
    filters = top.shape[1]
    if g.unshared:
        p = _letters(n)
        top = xp.reshape(top, (batch, groups, filters // groups) + places)
        out = xp.einsum("bgct%s,bgk%s->gk%sct" % (p, p, p), columns, top)
        return xp.reshape(out, (filters,) + places + (channels,) + tuple(taps))
    top = xp.reshape(top, (batch, groups, filters // groups, math.prod(places)))
    columns = xp.reshape(columns, (batch, groups, channels * count, math.prod(places)))
    out = xp.sum(xp.matmul(top, xp.swapaxes(columns, 2, 3)), axis=0, dtype=top.dtype)
    return xp.reshape(out, (filters, channels) + tuple(taps))


def grad_image(xp, kernel, top, sizes, g):
    """The gradient for images of `sizes`."""
    n = len(g.strides)
    taps, places = kernel.shape[-n:], top.shape[2:]
    batch, filters = top.shape[:2]
    channels = kernel.shape[-n - 1]
    if g.unshared:
        p = _letters(n)
        top = xp.reshape(top, (batch, g.groups, filters // g.groups) + places)
        columns = xp.einsum("gk%sct,bgk%s->bgct%s" % (p, p, p), _unshared(xp, kernel, g, n), top)
        columns = xp.reshape(columns, (batch, g.groups * channels, math.prod(taps)) + places)
        return _uncolumns(xp, columns, taps, sizes, g, 2)
    top = xp.reshape(xp.swapaxes(top, 0, 1), (g.groups, filters // g.groups, batch * math.prod(places)))
    columns = xp.matmul(xp.swapaxes(_split(xp, kernel, g), 1, 2), top)
    columns = xp.reshape(columns, (g.groups * channels, math.prod(taps), batch) + places)
    return xp.swapaxes(_uncolumns(xp, columns, taps, sizes, g, 1), 0, 1)


# ---------------------------------------------------------------------- XLA's own convolution
def _suits(g, x):
    return not g.unshared and np.dtype(x.dtype).kind == "f" and x.size > 0


def _pointwise(ctx, taps):
    return ctx.platform == "cpu" and math.prod(taps) == 1


def _slow(ctx, sizes, taps):
    """Whether XLA's CPU goes through places and taps one by one: where an image, without its pads, is smaller.

    That takes some 50 times as long as what it does otherwise.
    """
    return ctx.platform == "cpu" and any(t > s for t, s in zip(taps, sizes))


def _many_columns(ctx, kernel, top, g):
    """Whether the columns of float32 images would not stay in a cache: then XLA's CPU is up to four times quicker.

    In float64 it is the slower one with large columns, too.
    """
    taps, places = kernel.shape[2:], top.shape[2:]
    plain = g.groups == 1 and set(g.strides) == set(g.dilation) == {1}
    size = math.prod(kernel.shape[1:]) * math.prod(places) * top.shape[0] * 4
    return plain and top.dtype == kernel.dtype == "float32" and size >= MANY and not _slow(ctx, places, taps)


def correlate_xla(ctx, image, kernel, g):
    image, kernel = ctx.xp.asarray(image), ctx.xp.asarray(kernel)
    taps = kernel.shape[2:]
    if not _suits(g, image) or not kernel.size or _pointwise(ctx, taps) or _slow(ctx, image.shape[2:], taps):
        return correlate(ctx.xp, image, kernel, g)
    return ctx.lax.conv_general_dilated(
        image, kernel, g.strides, g.pads, rhs_dilation=g.dilation, feature_group_count=g.groups
    )


def grad_kernel_xla(ctx, image, top, taps, g):
    image, top = ctx.xp.asarray(image), ctx.xp.asarray(top)
    few = ctx.platform == "cpu" and image.shape[1] // g.groups <= 3 and math.prod(taps) <= JOINT_TAPS
    if not _suits(g, image) or not top.size or few or _pointwise(ctx, taps):
        return grad_kernel(ctx.xp, image, top, taps, g)
    if _slow(ctx, image.shape[2:], top.shape[2:]):
        image, g = _pad(ctx.xp, image, g), g._replace(pads=((0, 0),) * len(taps))
    # The batch is what is summed over, so it takes the place of the channels; the output's places are the taps.
    numbers = ctx.lax.ConvDimensionNumbers(*[(1, 0) + tuple(range(2, image.ndim))] * 3)
    pads = []
    for size, places, tap, (before, _), s, d in zip(
        image.shape[2:], top.shape[2:], taps, g.pads, g.strides, g.dilation
    ):
        reach = (tap - 1) * d + (places - 1) * s + 1
        pads.append((before, reach - before - size))
    return ctx.lax.conv_general_dilated(
        image, top, g.dilation, pads, rhs_dilation=g.strides, dimension_numbers=numbers, batch_group_count=g.groups
    )


def grad_image_xla(ctx, kernel, top, sizes, g):
    kernel, top = ctx.xp.asarray(kernel), ctx.xp.asarray(top)
    by_columns = ctx.platform == "cpu" and not _many_columns(ctx, kernel, top, g)
    if by_columns or not _suits(g, kernel) or not top.size:
        return grad_image(ctx.xp, kernel, top, sizes, g)
    n = len(g.strides)
    taps, (filters, channels) = kernel.shape[2:], kernel.shape[:2]
    if g.groups > 1:  # (filters, channels of a group) -> (filters of a group, channels)
        kernel = ctx.xp.reshape(kernel, (g.groups, filters // g.groups, channels) + taps)
        kernel = ctx.xp.reshape(ctx.xp.moveaxis(kernel, 0, 1), (filters // g.groups, channels * g.groups) + taps)
    kernel = ctx.lax.rev(kernel, tuple(range(2, n + 2)))
    numbers = ctx.lax.ConvDimensionNumbers(
        (0, 1) + tuple(range(2, n + 2)), (1, 0) + tuple(range(2, n + 2)), (0, 1) + tuple(range(2, n + 2))
    )
    pads = []
    for size, places, tap, (before, _), s, d in zip(sizes, top.shape[2:], taps, g.pads, g.strides, g.dilation):
        reach = (tap - 1) * d
        spread = (places - 1) * s + 1
        pads.append((reach - before, size + before - spread))
    return ctx.lax.conv_general_dilated(
        top,
        kernel,
        (1,) * n,
        pads,
        lhs_dilation=g.strides,
        rhs_dilation=g.dilation,
        dimension_numbers=numbers,
        feature_group_count=g.groups,
    )
