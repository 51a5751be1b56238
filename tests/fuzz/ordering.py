"""Steps: sorting, searching, cumulative Ops and the other Ops of extra_ops."""

import numpy as np

import theano.tensor as T
from theano.tensor import extra_ops

from .builder import kind_of, shape_of, size_of, step


@step(1)
def order(b):
    v = b.take("fiu", ndim=(1, 2, 3))
    axis = b.one([-1, b.int(0, v.ndim), None])
    return b.one([T.sort, T.argsort])(v, axis=axis)


@step(0.6)
def top(b):
    v = b.take("fi", ndim=(1, 2), least=1)
    axis = b.int(-v.ndim, v.ndim)
    n = shape_of(v)[axis]
    k = b.int(1, n + 1) * b.one([1, -1])
    # elements that tie may come in any order
    v = T.cast(v, "float64") + T.constant(b.rng.permutation(size_of(v)).reshape(shape_of(v)) * 1e-3)
    how = b.int(0, 3)
    if how == 0:
        return T.sort(T.topk(v, k, axis=axis, sorted=False), axis=axis)
    if how == 1:
        return T.sort(T.argtopk(v, k, axis=axis, sorted=False, idx_dtype=b.one(["int64", "int32"])), axis=axis)
    return [T.sort(u, axis=axis) for u in T.topk_and_argtopk(v, k, axis=axis, sorted=False)]


@step(1)
def cumulative(b):
    v = b.take("fiu", ndim=(1, 2, 3))
    axis = b.one([None, b.int(-v.ndim, v.ndim)])
    if b.chance(0.4):
        return T.extra_ops.cumprod(b.within(v, -1.5, 1.5) if kind_of(v) == "f" else v, axis=axis)
    return T.extra_ops.cumsum(v, axis=axis)


@step(0.6)
def difference(b):
    v = b.take("fi", ndim=(1, 2, 3))
    if any(v.broadcastable):
        v = T.unbroadcast(v, *range(v.ndim))  # Theano takes the result to be broadcastable, too
    n, axis = b.int(1, 3), b.int(-v.ndim, v.ndim)
    if shape_of(v)[axis] < n:
        return None  # Theano's gradient has another shape then
    return extra_ops.diff(v, n=n, axis=axis)


@step(0.4)
def count(b):
    v = abs(b.take("i", ndim=1, least=1)) % 7
    if v.dtype != "int64":
        v = T.cast(v, "int64")
    weights = b.take("fi", shape=shape_of(v)) if b.chance(0.4) else None
    return extra_ops.bincount(v, weights, minlength=b.one([None, 8]), assert_nonneg=b.chance(0.3))


@step(0.4, fixed=False)
def unique(b):
    v = b.take("fi", ndim=(1, 2))
    flags = [b.chance() for _ in range(3)]
    return extra_ops.Unique(*flags)(v)


@step(0.5)
def fill_diagonal(b):
    v = b.take("f", ndim=2, ok=lambda v: 0 not in shape_of(v))
    if v is None:
        return None
    value = T.cast(b.take("fi", 0), v.dtype)
    if b.chance():
        return extra_ops.fill_diagonal(v, value)
    n, m = shape_of(v)
    return extra_ops.fill_diagonal_offset(v, value, b.one([0, b.int(1 - n, m), b.below(2)]))


@step(0.4)
def searchsorted(b):
    v = b.take("fi", ndim=1)
    x = b.take("fi", ndim=(0, 1, 2))
    if b.chance(0.3):
        return extra_ops.searchsorted(v, x, side=b.one(["left", "right"]), sorter=T.argsort(v))
    return extra_ops.searchsorted(T.sort(v), x, side=b.one(["left", "right"]))


@step(0.3, fixed=False)
def compress(b):
    v = b.take("fi", ndim=(1, 2))
    axis = b.one([None, 0])
    n = size_of(v) if axis is None else shape_of(v)[0]
    condition = b.rng.randint(0, 2, b.int(0, n + 1)).astype(bool)
    return extra_ops.compress(condition if b.chance() or not n else T.gt(b.take("fi", shape=(n,)), 0), v, axis=axis)


@step(0.4)
def flat_indices(b):
    dims = (b.int(1, 4), b.int(1, 4), b.int(1, 3))[: b.int(1, 4)]
    letter = b.one("CF")
    if b.chance():
        where = abs(b.take("i", ndim=(1, 2))) % int(np.prod(dims))
        return extra_ops.unravel_index(where, dims, order=letter)
    first = b.take("i", ndim=(0, 1))
    parts = [abs(b.take("i", shape=shape_of(first))) % d for d in dims]
    return extra_ops.ravel_multi_index(tuple(parts), dims, order=letter, mode=b.one(["raise", "wrap", "clip"]))


@step(0.4)
def one_hot(b):
    v = abs(b.take("i", ndim=1)) % 4
    return extra_ops.to_one_hot(v, b.one([4, 5, b.below(2) + 4]), dtype=b.one([None, "int32"]))


@step(0.3)
def permute(b):
    v = b.take("f", ndim=(1, 2), least=1)
    n = shape_of(v)[-1]
    order = T.constant(b.rng.permutation(n))
    if b.chance(0.3):
        return T.inverse_permutation(order)
    return T.permute_row_elements(v, order + 0 * b.take("i", 0).astype("int64"), inverse=b.int(0, 2))


@step(0.4)
def odds_and_ends(b):
    v = b.take("fi", ndim=(1, 2))
    return b.one(
        [
            lambda: extra_ops.CpuContiguous()(v),
            lambda: T.Assert("lengths")(v, T.ge(v.shape[0], 0)),
            lambda: T.default(v, v),
            lambda: T.nnet.confusion_matrix(abs(v) % 3, abs(v) % 3) if v.ndim == 1 and kind_of(v) == "i" else None,
        ]
    )()
