"""Steps: reading and writing through indices of every kind, in any mix."""

import numpy as np

import theano.tensor as T
from theanojax.tensor.elemwise import DimShuffle

from .builder import kind_of, shape_of, size_of, step


def bound(b, n):
    """A slice bound, out of range at times: absent, a number, or symbolic."""
    how = b.int(0, 5)
    if how == 0:
        return None
    if how == 1:
        return b.scalar_int()
    if how == 2 and n:
        return b.below(n)
    return b.int(-n - 1, n + 2)


def some_slice(b, n, one=False):
    """`one`: of a broadcastable dimension. Theano overlooks that a slice with bounds may be empty backwards."""
    pace = b.one([None, None, 1, 2, -1, -2, "symbolic"])
    if pace == "symbolic":
        pace = b.below(2) + 1
        if b.chance():
            pace = -pace
    start, stop = bound(b, n), bound(b, n)
    return slice(None, None, pace) if one and pace is not None else slice(start, stop, pace)


def full_or_slice(b, v, d):
    """A slice next to arrays. Theano takes one of a broadcastable dimension to have length 1 whatever it selects."""
    return slice(None) if v.broadcastable[d] or b.chance(0.3) else some_slice(b, shape_of(v)[d])


def some_integer(b, n):
    """An index within a dimension of length n > 0."""
    return b.one([b.int(-n, n), b.int(-n, n), b.below(n), b.below(n) - n])


def integer_array(b, n, shape):
    """An array of indices within a dimension of length n > 0, constant or computed; repetitions are likely."""
    if b.chance(0.6):
        return b.rng.randint(-n, n, shape)
    index = b.take("i", shape=shape) % n
    # beside another vector Theano takes one to have its length unless the type says that there is one element
    return T.addbroadcast(index, 0) if shape == (1,) else index


def basic(b, v):
    """Integers, slices, newaxis and Ellipsis."""
    index = []
    dims = list(zip(shape_of(v), v.broadcastable))
    for n, one in dims[: b.int(1, v.ndim + 1)]:
        if b.chance(0.12):
            index.append(None)
        index.append(some_integer(b, n) if n and b.chance(0.35) else some_slice(b, n, one))
    if b.chance(0.2):
        cut = b.int(0, len(index) + 1)
        given = sum(i is not None for i in index[cut:])
        tail = index[cut:] if given == 0 else [some_slice(b, *dim) for dim in dims[v.ndim - given :]]
        if sum(i is not None for i in index[:cut]) + given <= v.ndim:
            index = index[:cut] + [Ellipsis] + tail
    return tuple(index)


def advanced(b, v, newaxis=True):
    """At least one integer array, of rank 0 to 2, next to slices, integers, newaxis."""
    shape = b.one([(2,), (3,), (1,), (2, 2), (1, 3), (0,)])
    must = b.int(0, v.ndim)
    index = []
    for d, n in enumerate(shape_of(v)):
        if d > must and b.chance(0.2):
            break
        if newaxis and b.chance(0.08):
            index.append(None)
        how = b.int(0, 5)
        if n and (d == must or how == 0):
            part = shape if b.chance(0.7) or 0 in shape else b.one([shape[-1:], (1,)])
            index.append(integer_array(b, n, part))
        elif n and how == 1:
            index.append(some_integer(b, n))
        else:
            index.append(full_or_slice(b, v, d))
    return tuple(index)


def mask(b, shape):
    """A boolean array of this shape, constant or computed."""
    if b.chance(0.4):
        return b.rng.randint(0, 2, shape).astype(bool)
    return T.gt(b.take("fi", shape=shape), 0)


def masked(b, v):
    """A mask over one or more dimensions, next to other indices."""
    shape = shape_of(v)
    first = b.int(0, v.ndim)
    last = b.int(first + 1, v.ndim + 1)
    index = [full_or_slice(b, v, d) for d in range(first)]
    index.append(mask(b, shape[first:last]))
    if last < v.ndim and b.chance(0.3):
        index.append(full_or_slice(b, v, last))
    return tuple(index)


def dense(b, kinds="fiubc", least=0):
    return b.take(kinds, ndim=(1, 2, 3), least=least)


@step(2)
def read(b):
    v = dense(b)
    return v[basic(b, v)]


@step(1.2)
def read_advanced(b):
    v = dense(b, least=1)
    return v[advanced(b, v)]


@step(0.7, fixed=False)
def read_masked(b):
    v = dense(b)
    return v[masked(b, v)]


@step(0.5)
def take(b):
    v = dense(b, least=1)
    axis = b.one([None, b.int(-v.ndim, v.ndim)])
    n = size_of(v) if axis is None else shape_of(v)[axis]
    index = integer_array(b, n, b.one([(2,), (3,), (2, 2), (0,)]))
    if b.chance(0.2):
        index = b.below(n)
    return T.take(v, index, axis=axis, mode=b.one(["raise", "raise", "wrap", "clip"]))


def write(b, v, index):
    """set_subtensor or inc_subtensor of a part, with a scalar or an array of the part's shape."""
    part = v[index]
    if isinstance(part.owner.op, DimShuffle):
        return None  # nothing but newaxis and whole dimensions: Theano writes through that for scalars only
    op = b.one([T.set_subtensor, T.inc_subtensor])
    how = b.int(0, 4)
    if how == 0:
        value = T.cast(b.take("fi", 0), v.dtype)
    elif how == 1:
        value = T.constant(b.array(v.dtype, shape_of(part)))
    elif how == 2 and part.ndim:
        row = b.take(kind_of(v), shape=shape_of(part)[1:], ok=lambda u: u.dtype == v.dtype)
        value = np.asarray(1, v.dtype) if row is None else row
    else:
        value = T.cast(b.take(kind_of(v), shape=shape_of(part)), v.dtype)
    return op(part, value)


@step(1)
def write_basic(b):
    v = dense(b, "fiuc")
    return write(b, v, basic(b, v))


@step(1)
def write_advanced(b):
    v = dense(b, "fiuc", least=1)
    index = advanced(b, v, newaxis=False)
    if b.chance(0.4):
        index = integer_array(b, shape_of(v)[0], b.one([(2,), (4,)])) if shape_of(v)[0] else index
    return write(b, v, index)


@step(0.5)
def write_masked(b):
    v = dense(b, "fi")
    index = mask(b, shape_of(v)[: b.int(1, v.ndim + 1)])
    op = b.one([T.set_subtensor, T.inc_subtensor])
    return op(v[index], T.cast(b.take("f" if kind_of(v) == "f" else "i", 0), v.dtype))


@step(0.3, fixed=False)
def nonzero(b):
    v = dense(b, "fib")
    return b.one(
        [
            lambda: v.nonzero(),
            lambda: T.flatnonzero(v),
            lambda: T.nonzero_values(v),
            lambda: T.nonzero(v, return_matrix=True),
        ]
    )()
