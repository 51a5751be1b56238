"""Steps: reductions."""

import numpy as np

import theano.tensor as T

from .builder import kind_of, shape_of, step


def some_axis(b, v):
    """None, an axis counted from either end, or several."""
    if v.ndim == 0:
        return None
    how = b.int(0, 4)
    if how == 0:
        return None
    if how == 1:
        return b.int(-v.ndim, v.ndim)
    chosen = [int(a) for a in b.rng.permutation(v.ndim)[: b.int(1, v.ndim + 1)]]
    return chosen if how == 2 else sorted(chosen)


def never_empty(v, axis):
    """Whether no axis that is reduced has length 0."""
    axes = range(v.ndim) if axis is None else np.atleast_1d(axis)
    return all(shape_of(v)[a] for a in axes)


@step(1.5)
def total(b):
    v = b.take("fiubc")
    op = b.one([T.sum, T.sum, T.prod])
    if op is T.prod:
        v = abs(v) if kind_of(v) == "c" else v
        v = b.within(T.cast(v, "float64") if kind_of(v) == "b" else v, -2, 2)
    kind = kind_of(v)
    options = {}
    if b.chance(0.3) and kind in "fiu":
        name = b.one(["dtype", "acc_dtype"])
        options[name] = b.one(["float64"] if kind == "f" else ["int64", "float64"])
        if kind == "u" and name == "acc_dtype":
            options[name] = "float64"
        if kind != "f" and options.get("acc_dtype") == "float64" and op is not T.prod:
            v = b.within(v, -1000, 1000)  # the largest integers are out of their range once they are rounded
    return op(v, axis=some_axis(b, v), keepdims=b.chance(), **options)


@step(1)
def extreme(b):
    v = b.take("fiu")
    axis = some_axis(b, v)
    if not never_empty(v, axis):
        return None
    keep = b.chance()
    how = b.int(0, 6)
    if how == 0:
        return T.ptp(v, axis=axis if axis is None or isinstance(axis, int) else axis[0])
    if how == 1:
        axis = axis if axis is None or isinstance(axis, int) else axis[0]
        return T.max_and_argmax(v, axis=axis, keepdims=keep)
    if how in (2, 3):
        axis = axis if axis is None or isinstance(axis, int) else axis[0]
        return b.one([T.argmax, T.argmin])(v, axis=axis, keepdims=keep)
    return b.one([T.max, T.min])(v, axis=axis, keepdims=keep)


@step(1)
def moment(b):
    v = b.take("fiub")
    axis = some_axis(b, v)
    if not never_empty(v, axis):
        return None
    how = b.one(["mean", "mean", "var", "std", "norm"])
    if how == "mean":
        options = {"dtype": "float64"} if b.chance(0.2) else {}
        return T.mean(v, axis=axis, keepdims=b.chance(), **options)
    v = T.cast(v, "float64")
    if how == "norm":
        axis = b.int(0, v.ndim) if v.ndim else None
        return None if axis is None else v.norm(b.one([1, 2]), axis=axis)
    if how == "std":
        return T.std(v, axis=axis, keepdims=b.chance())
    return T.var(v, axis=axis, keepdims=b.chance(), ddof=0)


@step(0.6)
def truth(b):
    v = b.take()
    v = v if kind_of(v) == "b" else T.gt(v, 0)
    return b.one([T.all, T.any])(v, axis=some_axis(b, v), keepdims=b.chance())


@step(0.6)
def bit_reduction(b):
    from theano import scalar

    v = b.take("iub")
    op = b.one([scalar.or_, scalar.and_, scalar.xor, scalar.maximum, scalar.minimum])
    axis = some_axis(b, v)
    if not never_empty(v, axis):
        return None
    axis = tuple(range(v.ndim)) if axis is None else axis
    return T.elemwise.CAReduce(op, axis=axis)(v) if v.ndim else None
