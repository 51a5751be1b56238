"""Reading and writing by arrays of indices, inside XLA.

XLA clamps an index that is out of bounds and cannot raise, so every index is guarded: when one is wrong the
host repeats the call and raises numpy's error.
"""

import numpy as np

from theanojax.arrays import is_number
from theanojax.graph.variable import Constant
from theanojax.tensor.indexing.windows import fit, full, make_windows, read, write
from theanojax.tensor.type_other import MakeSlice, NoneConst, NoneTypeT, SliceType


# ---------------------------------------------------------------------- index variables
def index_bounds(v):
    """The bounds (variables, numbers or None) of a variable that holds a slice, as a slice; None if unknown."""
    if isinstance(v, Constant):
        return v.data
    if v.owner is not None and isinstance(v.owner.op, MakeSlice):
        return slice(*[None if NoneConst.equals(b) else b for b in v.owner.inputs])
    return None


def is_mask(v):
    return getattr(v.type, "dtype", None) == "bool"


def covered(variables):
    """For each dimension that the indices `variables` cover, a slice: whole where an array or mask is."""
    dims = []
    for v in variables:
        if isinstance(v.type, SliceType):
            dims.append(index_bounds(v))
        elif not isinstance(v.type, NoneTypeT):
            dims.extend([slice(None)] * (v.ndim if is_mask(v) else 1))
    return dims


def lone_mask(variables):
    """(mask position, first dimension that it covers) if all other indices are ``:``, else None."""
    found, dim = None, 0
    for k, v in enumerate(variables):
        if is_mask(v):
            if found is not None or v.ndim == 0:
                return None
            found = (k, dim)
        elif not isinstance(v.type, SliceType) or index_bounds(v) != slice(None):
            return None
        dim += 1
    return found


# ---------------------------------------------------------------------- traced indices
def places(ctx, i, dim):
    """The index array `i` counted from 0, guarded to lie in a dimension of length `dim`."""
    xp = ctx.xp
    if ctx.known(i) and is_number(dim):
        i = np.asarray(i).astype(np.int64)
        ctx.guard(np.bool_(np.all((i >= -dim) & (i < dim))))
        return np.where(i < 0, i + dim, i)
    i = xp.astype(xp.asarray(i), "int64")
    if i.size == 0:
        return i
    ctx.guard(xp.all((i >= -dim) & (i < dim)))
    return xp.where(i < 0, i + dim, i)


class Selection:
    """A traced advanced index of `x`: windows for its slices, then arrays of places."""

    def __init__(self, ctx, node, x, variables, values):
        self.ctx = ctx
        index, slices, axis = [], [], 0
        for v, value in zip(variables, values):
            if isinstance(v.type, NoneTypeT):
                index.append(None)
            elif isinstance(v.type, SliceType):
                index.append(slice(None))
                slices.append(value)
                axis += 1
            else:
                arrays = [value]
                if is_mask(v):
                    arrays = np.nonzero(ctx.need(v, value))
                index.extend([places(ctx, a, x.shape[axis + k]) for k, a in enumerate(arrays)])
                slices.extend([slice(None)] * len(arrays))
                axis += len(arrays)
        self.index = tuple(index)
        self.windows = make_windows(ctx, x.shape, covered(variables), slices, ctx.node_needs(node))

    def get(self, x):
        part = self.ctx.xp.asarray(read(self.ctx, x, self.windows))
        return part.at[self.index].get(mode="promise_in_bounds", wrap_negative_indices=False)

    def put(self, x, y, add):
        ctx = self.ctx
        part = ctx.xp.asarray(read(ctx, x, self.windows))
        y = ctx.xp.astype(y, x.dtype)
        try:
            self._check_empty(part, y)
            changed = put(ctx, part, self.index, y, add)
        except (ValueError, TypeError):  # shapes that do not fit: the host words the error
            ctx.unsupported("a value does not fit where it is written")
        if full(self.windows, x.shape):
            return changed
        return write(ctx, x, self.windows, changed, False)

    def _check_empty(self, part, y):
        """ValueError where `y` cannot be broadcast to a selection of no elements: XLA does not look."""
        arrays = [i for i in self.index if hasattr(i, "shape")]
        if part.size and all(a.size for a in arrays):
            return
        # a stand-in of the selection's shape: one row where an array selects, whose places are all 0
        lengths, rest = [], list(part.shape)
        for i in self.index:
            if i is not None:
                n = rest.pop(0)
                lengths.append(1 if hasattr(i, "shape") else n)
        places = _filled(self.index, [np.zeros(a.shape, int) for a in arrays])
        np.broadcast_to(np.empty(y.shape, bool), np.empty(lengths + rest, bool)[places].shape)


def put(ctx, x, index, y, add):
    at = x.at[index]
    options = dict(mode="promise_in_bounds", wrap_negative_indices=False)
    if add:
        return at.add(y, **options)
    if y.size == 1 or _distinct(ctx, index):
        return at.set(y, **options)

    def in_order(x, y, *arrays):
        return x.at[_filled(index, arrays)].set(y, **options)

    def last_wins(x, y, *arrays):
        # Number the writes; of those that meet in one place the greatest number is the last.
        xp = ctx.xp
        at = x.at[_filled(index, arrays)]
        shape = ctx.lax.stop_gradient(at.get(**options)).shape
        count = int(np.prod(shape))
        number = xp.reshape(xp.arange(1, count + 1, dtype="int64"), shape)
        winner = xp.zeros(x.shape, "int64").at[_filled(index, arrays)].max(number, **options)
        values = xp.reshape(xp.broadcast_to(y, shape), (count,))
        return xp.where(winner > 0, values[xp.maximum(winner - 1, 0)], x)

    arrays = [i for i in index if hasattr(i, "shape")]
    return ctx.lax.platform_dependent(x, y, *arrays, cpu=in_order, default=last_wins)


def _filled(index, arrays):
    arrays = iter(arrays)
    return tuple([next(arrays) if hasattr(i, "shape") else i for i in index])


def _distinct(ctx, index):
    """Whether the places are known not to repeat."""
    arrays = [i for i in index if hasattr(i, "shape")]
    if not all(ctx.known(a) for a in arrays):
        return False
    try:
        joint = np.stack([np.ravel(a) for a in np.broadcast_arrays(*arrays)])
    except ValueError:
        return False
    return np.unique(joint, axis=1).shape[1] == joint.shape[1]


# ---------------------------------------------------------------------- rows by a vector
def gather_rows(ctx, x, i):
    """``x[i]`` for a vector `i`."""
    lax = ctx.lax
    i = places(ctx, i, x.shape[0])
    if x.shape[0] == 0 or i.shape[0] == 0:
        return ctx.xp.zeros((i.shape[0],) + x.shape[1:], x.dtype)
    numbers = lax.GatherDimensionNumbers(
        offset_dims=tuple(range(1, x.ndim)), collapsed_slice_dims=(0,), start_index_map=(0,)
    )
    return lax.gather(
        x, i.reshape(-1, 1), numbers, slice_sizes=(1,) + x.shape[1:], mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS
    )


def scatter_rows(ctx, x, y, i, add):
    """`x` with ``x[i] += y`` or ``= y`` for a vector `i`."""
    xp, lax = ctx.xp, ctx.lax
    i = places(ctx, i, x.shape[0])
    same = y.ndim < x.ndim or y.shape[0] == 1  # every row gets the same, so the order of writing is no matter
    y = fit(ctx, xp.astype(y, x.dtype), (i.shape[0],) + x.shape[1:])
    if y.size == 0:
        return xp.asarray(x)
    if not add and not same and not _distinct(ctx, (i,)):
        return put(ctx, xp.asarray(x), (i,), y, False)
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=tuple(range(1, x.ndim)), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)
    )
    write_rows = lax.scatter_add if add and x.dtype != bool else lax.scatter
    if add and x.dtype == bool:
        return xp.asarray(x).at[i].add(y)
    return write_rows(x, i.reshape(-1, 1), y, numbers, mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS)


# ---------------------------------------------------------------------- masks
def masked_write(ctx, x, y, variables, values, add):
    """`x` with `y` written where the only mask among the indices is true; the other indices are ``:``."""
    xp = ctx.xp
    k, first = lone_mask(variables)
    mask = values[k]
    n, rest = mask.size, x.shape[first + mask.ndim :]
    flat_shape = x.shape[:first] + (n,) + rest
    flat = xp.reshape(x, flat_shape)
    mask = xp.reshape(mask, (n,))
    y = xp.asarray(xp.astype(y, x.dtype))
    while y.ndim > flat.ndim and y.shape[0] == 1:
        y = ctx.lax.squeeze(y, [0])
    ctx.guard(np.bool_(y.ndim <= flat.ndim))
    y = xp.reshape(y, (1,) * (flat.ndim - y.ndim) + y.shape)
    length = y.shape[first]
    if length != 1:
        ctx.guard(xp.sum(mask) == length)
        if length == 0:
            return xp.asarray(x)
        order = xp.clip(xp.cumsum(mask) - 1, 0, length - 1)
        y = xp.take(y, order, axis=first)
    chosen = xp.reshape(mask, (n,) + (1,) * len(rest))
    y = fit(ctx, y, flat_shape)
    return xp.reshape(xp.where(chosen, flat + y if add else y, flat), x.shape)
