"""Steps: softmax and cross-entropies, convolution, pooling, batch normalization, neighbourhoods."""

import numpy as np

import theano.tensor as T
from theano.tensor import nnet
from theano.tensor.nnet import bn
from theano.tensor.nnet.neighbours import images2neibs, neibs2images
from theano.tensor.signal import pool

from .builder import shape_of, step


def rows(b):
    """A matrix of moderate floats without empty rows."""
    v = b.take("f", ndim=2, least=1, ok=lambda v: not v.broadcastable[1])
    return None if v is None else b.within(v, -20, 20)


@step(1)
def softmax(b):
    v = rows(b)
    if v is None:
        return None
    how = b.int(0, 5)
    if how == 0:
        return nnet.logsoftmax(v)
    if how == 1:
        bias = b.take("f", shape=shape_of(v)[1:])
        return nnet.softmax_with_bias(v, T.cast(bias, v.dtype))
    if how == 2:
        return T.log(nnet.softmax(v))
    if how == 3:
        return nnet.softmax(b.take("f", ndim=1, least=1))
    return nnet.softmax(v)


@step(1)
def crossentropy(b):
    v = rows(b)
    if v is None:
        return None
    n, m = shape_of(v)
    y = T.cast(abs(b.take("i", shape=(n,))) % m, b.one(["int64", "int32"]))
    y = T.unbroadcast(y, 0) if y.broadcastable[0] else y
    p = nnet.softmax(v)
    how = b.int(0, 6)
    if how == 0:
        return nnet.categorical_crossentropy(p, y)
    if how == 1:
        return nnet.categorical_crossentropy(p, nnet.softmax(b.take("f", shape=(n, m))))
    if how == 2:
        return -T.mean(T.log(p)[T.arange(n), y])
    if how == 3:
        return nnet.crossentropy_softmax_1hot(v, y)
    if how == 4:
        bias = T.cast(b.take("f", shape=(m,)), v.dtype)
        return nnet.crossentropy_softmax_argmax_1hot_with_bias(v, bias, y)
    return nnet.binary_crossentropy(nnet.sigmoid(b.within(v, -8, 8)), nnet.sigmoid(b.take("f", shape=(n, m)))).mean()


def images(b, channels, least=3):
    shape = (b.int(1, 3), channels, b.int(least, 7), b.int(least, 7))
    found = b.take("f", shape=shape)
    return T.tanh(found)


@step(0.8)
def convolution(b):
    channels, filters = b.int(1, 3), b.int(1, 3)
    x = images(b, channels)
    size = (b.int(1, 4), b.int(1, 4))
    w = T.cast(T.tanh(b.take("f", shape=(filters, channels) + size)), x.dtype)
    mode = b.one(["valid", "full", "half", 1, (1, 2), (0, 1)])
    options = {"border_mode": mode, "subsample": b.one([(1, 1), (1, 1), (2, 1), (2, 2)]), "filter_flip": b.chance()}
    how = b.int(0, 6)
    if how == 0 and min(shape_of(x)[2:]) >= 5:
        options["filter_dilation"] = b.one([(2, 1), (2, 2)])
        if mode in ("valid",) and min(np.array(shape_of(x)[2:]) - 2 * (np.array(size) - 1)) < 1:
            return None
    if how == 1:
        n, _, h, k = shape_of(x)
        return nnet.conv2d_transpose(
            T.cast(T.tanh(b.take("f", shape=(n, filters, h, k))), x.dtype),
            w,
            (n, channels, h + size[0] - 1, k + size[1] - 1),
        )
    if how == 2:
        return pool_or_signal(b)
    return nnet.conv2d(x, w, **options)


def pool_or_signal(b):
    from theano.tensor.signal import conv

    x, w = T.tanh(b.take("d", shape=(4, 5))), T.tanh(b.take("d", shape=(2, 3)))
    return conv.conv2d(x, w, border_mode=b.one(["valid", "full"]))


@step(0.8)
def pooling(b):
    x = images(b, b.int(1, 3), least=4)
    size = (b.int(1, 4), b.int(1, 4))
    ignore = b.chance(0.7)
    options = {
        "stride": b.one([None, (1, 1), (2, 1), (1, 2)]),
        "ignore_border": ignore,
        "mode": b.one(["max", "sum", "average_inc_pad", "average_exc_pad"]),
    }
    if ignore and min(size) > 1 and b.chance():
        options["pad"] = b.one([(1, 1), (0, 1)])
        if options["mode"] == "sum" or options["mode"] == "average_exc_pad":
            del options["pad"]
    if b.chance(0.1):
        return pool.max_pool_2d_same_size(x, size)
    return pool.pool_2d(x, size, **options)


@step(0.8)
def normalization(b):
    x = b.take("d", ndim=(2, 4), least=2)
    x = T.tanh(x)
    axes = b.one(["per-activation", "spatial"]) if x.ndim == 4 else "per-activation"
    reduced = (0,) if axes == "per-activation" else (0, 2, 3)
    shape = tuple(1 if d in reduced else n for d, n in enumerate(shape_of(x)))

    def parameter():
        v = T.tanh(b.take("d", shape=shape)) + 1.5
        return T.addbroadcast(v, *reduced)

    how = b.int(0, 3)
    if how == 0:
        return bn.batch_normalization_train(x, parameter(), parameter(), axes, epsilon=0.1)[0]
    if how == 1:
        return bn.batch_normalization_test(x, parameter(), parameter(), parameter(), parameter(), axes)
    return nnet.batch_normalization(x, *[parameter() for _ in range(4)], mode=b.one(["low_mem", "high_mem"]))


@step(0.3)
def neighbourhoods(b):
    x = b.take("f", shape=(1, 2, 4, 6))
    size = b.one([(2, 2), (2, 3), (1, 2)])
    if b.chance(0.3):
        return neibs2images(images2neibs(x, size), size, (1, 2, 4, 6))
    if b.chance(0.3):
        return images2neibs(x, size, (1, 1), mode=b.one(["ignore_borders", "half", "full"]))
    return images2neibs(x, size)


@step(0.3)
def rectifiers(b):
    v = b.take("f")
    return b.one([nnet.relu(v, 0.2), nnet.elu(b.within(v, -5, 5), 0.5)])
