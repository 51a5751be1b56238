"""Steps: shapes, creation, joining and splitting."""

import numpy as np

import theano.tensor as T
from theanojax.tensor.shape import MakeVector

from .builder import DTYPES, KINDS, kind_of, shape_of, size_of, step


@step(1)
def dimensions(b):
    v = b.take("fiubch")
    order = [int(o) for o in b.rng.permutation(v.ndim)]
    dropped = [d for d in order if v.broadcastable[d] and b.chance(0.3)]
    order = [d for d in order if d not in dropped]
    if b.chance(0.4) and v.ndim < 4:
        order.insert(b.int(0, len(order) + 1), "x")
    how = b.int(0, 7)
    if how == 0 and v.ndim > 1:
        return T.swapaxes(v, b.int(0, v.ndim), b.int(0, v.ndim))
    if how == 1:
        return b.one([T.shape_padleft, T.shape_padright])(v, b.int(1, 3)) if v.ndim < 4 else None
    if how == 2:
        return T.shape_padaxis(v, b.int(0, v.ndim + 1)) if v.ndim < 4 else None
    if how == 3:
        return T.squeeze(v)
    if how == 4:
        return v.T if v.ndim else None
    return v.dimshuffle(*order)


@step(1)
def reshape(b):
    v = b.take("fiubch", ndim=(0, 1, 2, 3, 4))
    shape = shape_of(v)
    how = b.int(0, 6)
    if how == 0:
        return v.flatten(b.int(1, max(v.ndim, 1) + 1)) if size_of(v) else v.flatten()
    if how == 1:
        return v.reshape((-1, b.one([1, shape[-1]]) if v.ndim else 1)) if size_of(v) else None
    if how == 2:
        return v.reshape((T.prod(v.shape, dtype="int64"),)) if v.ndim else None
    if how == 3 and v.ndim > 1:
        return v.reshape((v.shape[0], T.prod(v.shape[1:], dtype="int64")))
    if how == 4:
        wanted = T.stack([v.shape[d] for d in b.rng.permutation(v.ndim)]) if v.ndim else None
        return v.reshape(wanted, ndim=v.ndim) if v.ndim else None
    n = size_of(v)
    factors = [k for k in range(1, n + 1) if n % k == 0]
    if not factors:
        return None
    k = b.one(factors)
    wanted = b.one([(k, n // k), (n // k, k), (1, n), (k, -1)])
    if b.chance() and not b.inner:
        wanted = b.add_input(T.lvector("v%d" % len(b.inputs)), np.array(wanted))
    return T.reshape(v, wanted, ndim=2)


@step(0.7)
def length(b):
    v = b.take("fiubch", ndim=(1, 2, 3, 4))
    return b.one([v.shape, v.shape[b.int(-v.ndim, v.ndim)], v.size, v.shape.prod()])


@step(0.6)
def promise(b):
    """SpecifyShape and Rebroadcast."""
    v = b.take("fiubc", ndim=(1, 2, 3))
    ones = [d for d, n in enumerate(shape_of(v)) if n == 1]
    how = b.int(0, 4)
    if how == 0:
        return T.specify_shape(v, shape_of(v))
    if how == 1:
        return T.specify_shape(v, v.shape)
    if how == 2 and ones:
        return T.addbroadcast(v, b.one(ones))
    if how == 3 and ones:
        return T.patternbroadcast(v, [n == 1 and b.chance() for n in shape_of(v)])
    flags = [d for d in range(v.ndim) if v.broadcastable[d]]
    return T.unbroadcast(v, b.one(flags)) if flags else None


@step(1)
def create(b):
    v = b.take("fiub", ndim=(1, 2, 3))
    n = v.shape[b.int(0, v.ndim)]
    dtype = b.one(DTYPES)
    how = b.int(0, 10)
    if how == 0:
        return T.arange(n, dtype=b.one(["int64", "int32", "float64", "float32"]))
    if how == 1:
        return b.one([T.zeros, T.ones])((n, 2), dtype=dtype)
    if how == 2:
        return b.one([T.ones_like, T.zeros_like])(v, dtype=dtype)
    if how == 3:
        return T.eye(n, b.one([None, n + 1, 3]), b.int(-1, 2), dtype=dtype)
    if how == 4:
        return T.alloc(b.take("fiubc", ndim=0), n + 1, *b.one([(), (2,), (n,)]))
    if how == 5:
        x = b.take("fi", ndim=1)
        return T.alloc(x, 2, x.shape[0])
    if how == 6:
        return T.tri(n, b.one([None, 3]), b.int(-1, 2), dtype=b.one(["float64", "int32"]))
    if how == 7:
        return T.identity_like(v) if v.ndim == 2 else None
    if how == 8:
        return T.fill(v, b.take("fi", ndim=0))
    return T.bartlett(n)


@step(0.7)
def arange(b):
    n = b.scalar_int()
    how = b.int(0, 6)
    if how == 0:
        return T.arange(abs(n) % 6)
    if how == 1:
        return T.arange(n % 4, n % 4 + b.below(5))
    if how == 2:
        return T.arange(T.cast(n, "int64") % 7, -2, -b.int(1, 3))
    if how == 3:
        return T.arange(0.5, b.int(1, 4), b.one([0.25, 0.5]))
    if how == 4:
        return b.one([T.mgrid, T.ogrid])[0 : b.int(1, 4), 0 : 4 : b.int(1, 3)]
    x = b.take("f", ndim=0)
    return T.arange(T.clip(x, 0, 4))


@step(0.8)
def diagonals(b):
    m = b.take("fiubc", ndim=2)
    k = b.int(-1, 2)
    how = b.int(0, 6)
    if how == 0:
        return b.one([T.tril, T.triu])(m, k)
    if how == 1:
        return T.diag(m)
    if how == 2:
        return T.diagonal(b.take("fi", ndim=(2, 3)), k)
    if how == 3:
        return T.diag(b.take("fi", ndim=1))
    if how == 4:
        return T.AllocDiag(k)(b.take("fi", ndim=1))
    return T.nlinalg.trace(b.floats(2))


@step(1)
def join(b):
    v = b.take("fiubc", ndim=(1, 2, 3))
    axis = b.int(0, v.ndim)
    rest = shape_of(v)[:axis] + shape_of(v)[axis + 1 :]

    def good(u):
        return u.ndim == v.ndim and shape_of(u)[:axis] + shape_of(u)[axis + 1 :] == rest

    u = b.take("fiubc", ok=good) or v
    how = b.int(0, 7)
    if how == 0:
        return T.stack([v, v + 1 if kind_of(v) in "fi" else v], axis=b.int(-v.ndim - 1, v.ndim + 1))
    if how == 1 and v.ndim == 2 and axis < 2:
        return b.one([T.vertical_stack, T.horizontal_stack][axis : axis + 1])(v, u)
    if how == 2:
        return T.join(b.one([axis, axis - v.ndim]), v, u, v)
    if how == 3:
        x, y = b.take("fi", 0), b.take("fi", 0)
        return T.stack([x, y]) if b.chance() else T.stacklists([[x, y], [y, x]])
    if how == 4:
        dtype = b.one(["int64", "float64"])
        return MakeVector(dtype)(*[b.take("i", 0) for _ in range(b.int(1, 4))])
    return T.concatenate([v, u], axis=axis)


@step(0.7)
def split(b):
    v = b.take("fiub", ndim=(1, 2, 3), least=2)
    axis = b.int(0, v.ndim)
    n = shape_of(v)[axis]
    if n == 0 or v.broadcastable[axis]:
        return None
    first = b.int(0, n + 1)
    sizes = [first, n - first]
    if b.chance() and not b.inner:
        sizes = b.add_input(T.lvector("v%d" % len(b.inputs)), np.array(sizes))
    return T.split(v, sizes, 2, axis=axis)


@step(0.8)
def rearrange(b):
    v = b.take("fiubc", ndim=(1, 2, 3))
    how = b.int(0, 6)
    axis = b.int(0, v.ndim)
    if how == 0:
        return T.roll(v, b.one([b.int(-4, 5), b.scalar_int()]), axis=b.one([axis, None])) if size_of(v) else None
    if how == 1:
        return T.tile(v, tuple(b.int(1, 3) for _ in range(v.ndim)))
    if how == 2:
        return T.tile(v, (b.below(3),) * v.ndim)
    if how == 3 and v.dtype != "uint64":  # which Theano refuses
        return T.repeat(v, b.one([0, 1, 2, b.below(4)]), axis=b.one([axis, None]))
    if how == 4 and not b.inner:
        n = shape_of(v)[axis]
        reps = b.add_input(T.lvector("v%d" % len(b.inputs)), b.rng.randint(0, 3, n))
        return T.repeat(v, reps, axis=axis) if not v.broadcastable[axis] else None
    index = b.take("i", ndim=1)
    choices = [b.take("f", shape=shape_of(index)) for _ in range(3)]
    return T.choose(T.cast(abs(index), "int64") % 3, T.stack(choices))


@step(0.3)
def constant(b):
    dtype = b.one(sum(KINDS.values(), ()))
    other = b.take(dtype[0] if dtype[0] in "fi" else "b", 0)
    return T.constant(b.array(dtype, b.one([(), (3,), (2, 3), (3, 4)]))) + other
