"""Reading and writing the part of an array that integers and slices select, inside XLA.

XLA needs the size of what is read but not its place. A *window* says for one dimension where the selected
elements start (a number or a traced scalar) and, in plain integers, how many they are, how far apart, and
whether they are taken in reverse.
"""

from collections import namedtuple

import numpy as np

from theanojax.graph.variable import Constant, Variable
from theanojax.tensor.indexing.slices import linear_form, slice_length
from theanojax.tensor.shape import Shape_i

# low: the first place; length: number of elements; stride: their distance; reverse: taken from the end;
# drop: an integer index, whose dimension vanishes.
Window = namedtuple("Window", "low length stride reverse drop")


# A sum with a padded array is one with the arithmetic around it; an update in place is a step of its own, or several.
# Worth the additions of zeros where all is small, as for the gates of a recurrent network, which are parts of a vector.
MOST_PADDED = 1 << 12
PADDED_PART = 8


def span(window):
    """How many places there are between a window's first and last element, both counted."""
    return (window.length - 1) * window.stride + 1 if window.length else 0


# ---------------------------------------------------------------------- what the host has to compute
def is_constant_slice(bounds):
    return all(b is None or not isinstance(b, Variable) or isinstance(b, Constant) for b in bounds)


def slice_needs(x, indices):
    """The variables that must be known to trace ``x[indices]``: lengths, and steps, of its symbolic slices.

    `indices` holds for each dimension of `x` a variable (an integer) or a slice of variables and None.
    """
    needs = []
    for dim, index in enumerate(indices):
        if isinstance(index, slice):
            bounds = (index.start, index.stop, index.step)
            if not is_constant_slice(bounds):
                needs.append(slice_length(bounds, Shape_i(dim)(x)))
                if index.step is not None and not isinstance(index.step, Constant):
                    needs.append(index.step)
    return needs


# ---------------------------------------------------------------------- windows of traced values
def make_windows(ctx, shape, indices, values, needs):
    """The windows of an array of `shape`.

    Parameters
    ----------
    indices : as in `slice_needs`
    values : the same with traced values in place of the variables
    needs : the list that `slice_needs` gave
    """
    needs = iter(needs)
    windows = []
    for dim, index, value in zip(shape, indices, values):
        if isinstance(index, slice):
            bounds = (index.start, index.stop, index.step)
            found = (value.start, value.stop, value.step)
            if is_constant_slice(bounds):
                windows.append(_static_window(ctx, dim, found))
            else:
                length = next(needs)
                step = next(needs) if index.step is not None and not isinstance(index.step, Constant) else None
                windows.append(_symbolic_window(ctx, dim, bounds, found, length, step))
        else:
            windows.append(_place(ctx, dim, value))
    windows.extend([Window(0, d, 1, False, False) for d in shape[len(windows) :]])
    return windows


def _int(value):
    return None if value is None else int(value)


def _place(ctx, dim, value):
    if ctx.known(value):
        ctx.guard(np.bool_(-dim <= int(value) < dim))
        return Window(int(value) % max(dim, 1), 1, 1, False, True)
    value = ctx.xp.astype(value, "int64")
    ctx.guard((value >= -dim) & (value < dim))
    if dim == 0:
        ctx.unsupported("an integer index into a dimension of length 0")
    return Window(ctx.lax.select(value < 0, value + dim, value), 1, 1, False, True)


def _static_window(ctx, dim, bounds):
    start, stop, step = map(_int, bounds)
    ctx.guard(np.bool_(step != 0))
    if start is stop is None and step in (None, 1, -1):  # also of a length that is a letter
        return Window(0, dim, 1, step == -1 and dim != 1, False)
    places = range(*slice(start, stop, step).indices(dim))
    n = len(places)
    if n == 0:
        return Window(0, 0, 1, False, False)
    stride = abs(places.step) if n > 1 else 1
    return Window(min(places[0], places[-1]), n, stride, places.step < 0 and n > 1, False)


def _symbolic_window(ctx, dim, bounds, values, length, step):
    known = ctx.known
    start, stop = values[:2]
    if step is not None:
        step = int(ctx.need(step, values[2]))
    else:
        step = 1 if values[2] is None else int(values[2])
    if (start is None or known(start)) and (stop is None or known(stop)):
        return _static_window(ctx, dim, (start, stop, step))
    ctx.guard(np.bool_(step != 0))
    count = ctx.static(length)
    if count is None:
        count = _proven_length(ctx, dim, bounds, values, step)
    if count is None:
        count = ctx.need(length, start if start is not None and not known(start) else stop)
    count = int(count)
    if count == 0:
        return Window(0, 0, 1, False, False)
    stride = abs(step) if count > 1 else 1
    reach = (count - 1) * stride
    if reach + 1 == dim and stride == 1:
        return Window(0, dim, 1, step < 0 and count > 1, False)
    if start is None or known(start):
        first = slice(_int(start), None, step).indices(dim)[0]
        low = first if step > 0 else first - reach
    else:
        start = ctx.xp.astype(start, "int64")
        first = ctx.lax.select(start < 0, start + dim, start)
        low = ctx.lax.clamp(
            np.int64(0), first if step > 0 else ctx.lax.min(first, np.int64(dim - 1)) - reach, np.int64(dim - reach - 1)
        )
    return Window(low, count, stride, step < 0 and count > 1, False)


def _proven_length(ctx, dim, bounds, values, step):
    """The length of a slice whose bounds differ by a known number, checked at run time; None if that is not so.

    This is what makes ``x[i * b:(i + 1) * b]`` possible where `i` exists only inside XLA, as in a loop.
    """
    if bounds[0] is None or bounds[1] is None:
        return None
    difference = 0
    form = linear_form(bounds[1])
    for v, c in linear_form(bounds[0]).items():
        form[v] = form.get(v, 0) - c
    for v, c in form.items():
        if c:
            value = 1 if v is None else ctx.static(v)
            if value is None:
                return None
            difference += c * int(value)
    start, stop = [ctx.xp.astype(v, "int64") for v in values[:2]]
    ctx.guard(stop - start == difference)
    low, high = (start, stop) if step > 0 else (stop, start)
    if difference * step <= 0:  # empty, if neither end counts from the far end
        ctx.guard((start >= 0) & (stop >= 0))
        return 0
    ctx.guard((low >= 0) & (high <= (dim if step > 0 else dim - 1)))
    return -(-abs(difference) // abs(step))


# ---------------------------------------------------------------------- reading and writing
def _lows(windows):
    return [w.low if hasattr(w.low, "aval") else np.int64(w.low) for w in windows]


def _static(ctx, windows):
    return all(ctx.known(w.low) for w in windows)


def full(windows, shape):
    """Whether the windows select everything, in order."""
    return all(w.length == d and not w.reverse and not w.drop for w, d in zip(windows, shape))


def read(ctx, x, windows):
    """The selected part of `x`, without the dropped dimensions."""
    lax = ctx.lax
    shape = x.shape
    if not full([w._replace(drop=False) for w in windows], shape):
        spans = [span(w) for w in windows]
        strides = [w.stride for w in windows]
        if _static(ctx, windows):
            lows = [int(w.low) for w in windows]
            x = lax.slice(x, lows, [low + s for low, s in zip(lows, spans)], strides)
        else:
            x = lax.dynamic_slice(x, _lows(windows), spans, allow_negative_indices=False)
            if any(s > 1 for s in strides):
                x = lax.slice(x, [0] * len(spans), spans, strides)
        flipped = [i for i, w in enumerate(windows) if w.reverse]
        if flipped:
            x = lax.rev(x, flipped)
    dropped = [i for i, w in enumerate(windows) if w.drop]
    return lax.squeeze(x, dropped) if dropped else x


def write(ctx, x, windows, y, add):
    """`x` with `y` set at, or added to, the selected part. `y` has the shape of the part, or broadcasts to it."""
    lax, xp = ctx.lax, ctx.xp
    lengths = [w.length for w in windows]
    y = fit(ctx, y, [w.length for w in windows if not w.drop])
    if 0 in lengths:
        return x
    y = xp.reshape(y, lengths)
    flipped = [i for i, w in enumerate(windows) if w.reverse]
    if flipped:
        y = lax.rev(y, flipped)
    if not add and full(windows, x.shape):
        return xp.astype(y, x.dtype)
    spans = [span(w) for w in windows]
    if add and y.dtype == x.dtype and PADDED_PART * y.size >= x.size <= MOST_PADDED and _static(ctx, windows):
        widths = [(int(w.low), d - int(w.low) - s, w.stride - 1) for w, d, s in zip(windows, x.shape, spans)]
        return xp.add(x, lax.pad(y, np.zeros((), y.dtype), widths))
    if add or spans != lengths:
        old = lax.dynamic_slice(x, _lows(windows), spans, allow_negative_indices=False)
        picks = tuple([slice(None, None, w.stride) for w in windows])
        if spans != lengths:
            gaps = [(0, 0, w.stride - 1) for w in windows]
            chosen = np.zeros(spans, dtype=bool)
            chosen[picks] = True
            new = lax.pad(y, np.zeros((), y.dtype), gaps)
            y = lax.select(xp.asarray(chosen), plus(ctx, old, new) if add else xp.astype(new, x.dtype), old)
        else:
            y = plus(ctx, old, y)
    return lax.dynamic_update_slice(x, xp.astype(y, x.dtype), _lows(windows), allow_negative_indices=False)


def plus(ctx, old, y):
    """``old += y`` as numpy does it: computed in the wider dtype, stored in that of `old`."""
    dtype = np.result_type(old.dtype, y.dtype)
    ctx.guard(np.bool_(np.can_cast(dtype, old.dtype, "same_kind")))
    return ctx.xp.astype(ctx.xp.add(ctx.xp.astype(old, dtype), ctx.xp.astype(y, dtype)), old.dtype)


def fit(ctx, y, shape):
    """`y` broadcast to `shape`; the host is left to raise the error if that cannot be."""
    shape = tuple(shape)
    y = ctx.xp.asarray(y)
    while y.ndim > len(shape) and y.shape[0] == 1:
        y = ctx.lax.squeeze(y, [0])
    given = (1,) * (len(shape) - y.ndim) + y.shape
    ctx.guard(np.bool_(len(given) == len(shape) and all(a in (1, b) for a, b in zip(given, shape))))
    return y if y.shape == shape else ctx.xp.broadcast_to(y, shape)
