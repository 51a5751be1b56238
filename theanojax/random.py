"""Random numbers as jax.random draws them, as functions of keys and as streams.

A key is a vector of two uint32, what ``jax.random.key_data(jax.random.key(seed))`` gives; `key` makes one of a seed.
The draws are jax.random's with that key, number for number, on every device and on any number of them::

    theanojax.random.normal(key, (2, 3), dtype="float64")  # jax.random.normal(key, (2, 3), "float64")

Where a draw has a location and a scale these are applied afterwards, and gradients go through them. A `RandomStream`
has the same functions without the key, which it keeps in shared variables.
"""

import functools
import inspect
import os
import re

import numpy as np

from theanojax.config import config
from theanojax.graph.shared import shared
from theanojax.graph.tracebacks import boundaries
from theanojax.graph.variable import Variable
from theanojax.interop.draws import Draw, data_of, folded, halves
from theanojax.tensor.as_tensor import as_tensor_variable, constant, extract_constant, get_vector_length
from theanojax.tensor.creation import arange
from theanojax.tensor.type import integer_dtypes

__all__ = [
    "RandomStream", "bernoulli", "beta", "binomial", "categorical", "cauchy", "choice", "exponential", "fold_in",
    "gamma", "gumbel", "integers", "key", "laplace", "logistic", "normal", "permutation", "poisson", "split",
    "truncated_normal", "uniform",
]  # fmt: skip


def key(seed):
    """The key of a `seed`, an int, as a constant; also of a key of jax.random, or of its two numbers.

    TypeError for what is no key of jax.random's usual kind, threefry.
    """
    return constant(data_of(seed))


def split(key, num=2):
    """A matrix of `num` keys, one a row, made of `key`, which should not be used again. `num` is an int or a tuple."""
    num = num if isinstance(num, tuple) else (num,)
    return Draw("split", "uint32", (False,) * (len(num) + 1))(key, [*num, 2])


def fold_in(key, data):
    """The key that is made of `key` and a number, `data`, an integer or an integer scalar."""
    return Draw("fold_in", "uint32", (False,))(key, [2], data)


# ---------------------------------------------------------------- draws
def uniform(key, size=None, low=0.0, high=1.0, ndim=None, dtype=None):
    """Draws between `low`, which may occur, and `high`, which does not, with the `key`.

    In this and all other draws, parameters are numbers or tensors, and these are common:

    size : int, tuple of ints and integer scalars, or an integer vector; by default the shape of the parameters.
        TypeError for others.
    ndim : the number of dimensions, if `size` is a vector of a length that is not known.
    dtype : by default what floatX and the parameters are upcast to.
    """
    return _scaled("uniform", key, size, ndim, dtype, low, high, lambda u, low, high: low + (high - low) * u)


def normal(key, size=None, avg=0.0, std=1.0, ndim=None, dtype=None):
    """Normal draws with the mean `avg` and the standard deviation `std`, with the `key`; see `uniform`."""
    return _scaled("normal", key, size, ndim, dtype, avg, std)


def laplace(key, size=None, loc=0.0, scale=1.0, ndim=None, dtype=None):
    """Laplace draws about `loc`, of the width `scale`, with the `key`; see `uniform`."""
    return _scaled("laplace", key, size, ndim, dtype, loc, scale)


def logistic(key, size=None, loc=0.0, scale=1.0, ndim=None, dtype=None):
    """Logistic draws about `loc`, of the width `scale`, with the `key`; see `uniform`."""
    return _scaled("logistic", key, size, ndim, dtype, loc, scale)


def gumbel(key, size=None, loc=0.0, scale=1.0, ndim=None, dtype=None):
    """Gumbel draws about `loc`, of the width `scale`, with the `key`; see `uniform`."""
    return _scaled("gumbel", key, size, ndim, dtype, loc, scale)


def cauchy(key, size=None, loc=0.0, scale=1.0, ndim=None, dtype=None):
    """Cauchy draws about `loc`, of the width `scale`, with the `key`; see `uniform`."""
    return _scaled("cauchy", key, size, ndim, dtype, loc, scale)


def exponential(key, size=None, scale=1.0, ndim=None, dtype=None):
    """Exponential draws with the mean `scale`, with the `key`; see `uniform`."""
    return _scaled("exponential", key, size, ndim, dtype, 0.0, scale, lambda u, loc, scale: u * scale)


def truncated_normal(key, low=-2.0, high=2.0, size=None, ndim=None, dtype=None):
    """Normal draws, of mean 0 and deviation 1, between `low` and `high`, with the `key`; see `uniform`."""
    return _drawn("truncated_normal", key, size, ndim, dtype or config.floatX, low, high)


def bernoulli(key, size=None, p=0.5, ndim=None, dtype="bool"):
    """True with probability `p`, with the `key`; see `uniform`."""
    return _drawn("bernoulli", key, size, ndim, "bool", p).astype(dtype)


def binomial(key, size=None, n=1, p=0.5, ndim=None, dtype="int64"):
    """How many of `n` trials succeed, each with probability `p`, with the `key`; see `uniform`."""
    return _drawn("binomial", key, size, ndim, dtype, *[as_tensor_variable(v).astype(config.floatX) for v in (n, p)])


def integers(key, size=None, low=0, high=2, ndim=None, dtype="int64"):
    """Integers from `low` to before `high`, with the `key`; see `uniform`."""
    return _drawn("integers", key, size, ndim, dtype, low, high)


def poisson(key, size=None, lam=1.0, ndim=None, dtype="int64"):
    """Poisson draws with the mean `lam`, with the `key`; see `uniform`."""
    return _drawn("poisson", key, size, ndim, dtype, lam)


def gamma(key, size=None, shape=1.0, scale=1.0, ndim=None, dtype=None):
    """Gamma draws with parameter `shape`, times `scale`, with the `key`; see `uniform`."""
    scale = as_tensor_variable(scale)
    return _drawn("gamma", key, size, ndim, dtype or config.floatX, shape, like=[scale]) * scale


def beta(key, size=None, a=1.0, b=1.0, ndim=None, dtype=None):
    """Beta draws with the parameters `a` and `b`, with the `key`; see `uniform`."""
    return _drawn("beta", key, size, ndim, dtype or config.floatX, a, b)


def categorical(key, logits, size=None, ndim=None, dtype="int64"):
    """The number of a chance; the last dimension of `logits` has their logarithms; with the `key`; see `uniform`."""
    logits = as_tensor_variable(logits)
    rows = logits.max(axis=-1)
    shape, pattern = _shape(size, ndim, [rows])
    return Draw("categorical", dtype, pattern)(key, shape, logits)


def choice(key, size=None, a=2, replace=True, p=None, ndim=None):
    """Elements of `a`, a vector, or of the numbers before `a`, an int, with the `key`.

    `p` is a vector of their chances, which are otherwise alike; without `replace` none is drawn twice. `size`, by
    default a single one, and `ndim` are as for `uniform`.
    """
    a = _elements(a)
    if a.ndim != 1:
        raise ValueError("a has %d dimensions, and has to be a number or a vector" % a.ndim)
    shape, pattern = _shape(() if size is None else size, ndim, [])
    chances = [] if p is None else [p]
    return Draw("choice", a.dtype, pattern, [("replace", bool(replace))])(key, shape, a, *chances)


def permutation(key, x, axis=0):
    """The tensor `x`, or the numbers before an int, in a random order along `axis`, with the `key`."""
    x = _elements(x)
    return Draw("permutation", x.dtype, x.broadcastable, [("axis", int(axis))])(key, x.shape, x)


def _elements(x):
    """The tensor `x`; the numbers before it if it is one."""
    x = as_tensor_variable(x)
    return x if x.ndim else arange(_whole(x, "a number of elements"))


# ---------------------------------------------------------------- sizes
def _whole(v, what):
    """The tensor `v`; TypeError if it is not one of integers."""
    if v.dtype not in integer_dtypes:
        raise TypeError("%s is of dtype %s, and has to be of integers" % (what, v.dtype))
    return v


def _shape(size, ndim, like):
    """(vector of lengths, broadcast pattern) of `size`; if it is None, of the sum of the tensors `like`."""
    if size is None:
        together = sum(like[1:], like[0])
        return together.shape, together.broadcastable
    if isinstance(size, Variable):
        size = size if size.ndim else size.dimshuffle("x")
        ndim = get_vector_length(size) if ndim is None else ndim
        parts = [size[i] for i in range(ndim)]
    else:
        size = size.tolist() if isinstance(size, np.ndarray) else size
        parts = list(size) if isinstance(size, (tuple, list)) else [size]
        size = as_tensor_variable(parts, ndim=1) if parts else constant([], dtype="int64")
    return _whole(size, "size").astype("int64"), [extract_constant(n) == 1 for n in parts]


def _drawn(kind, key, size, ndim, dtype, *parameters, like=()):
    parameters = [as_tensor_variable(v) for v in parameters]
    shape, pattern = _shape(size, ndim, [*parameters, *like])
    return Draw(kind, dtype, pattern)(key, shape, *parameters)


def _scaled(kind, key, size, ndim, dtype, loc, scale, apply=lambda u, loc, scale: loc + scale * u):
    """A draw moved and stretched; the plain one if it is neither."""
    parameters = [as_tensor_variable(v) for v in (loc, scale)]
    if dtype is None:
        dtype = (sum(parameters) + constant(0, dtype=config.floatX)).dtype
    shape, pattern = _shape(size, ndim, parameters)
    draw = Draw(kind, dtype, pattern)(key, shape)
    if [extract_constant(v) for v in parameters] == [0, 1]:
        return draw
    return apply(draw, *[v.astype(dtype) for v in parameters])


# ---------------------------------------------------------------- streams
class RandomStream:
    """The draws of this module with keys that are kept in shared variables, and change at each call of a function.

    Draw number i of a stream, counted as they are made, has the key ``jax.random.fold_in(jax.random.key(seed), i)`` in
    a shared variable, `rng` of the draw. At each call that becomes the first row of ``jax.random.split(key)``, and the
    second is what jax.random draws with. In `scan` that happens at each step.

    Parameters
    ----------
    seed : int, or a key of jax.random, or its two numbers; by default an int that nobody knows. TypeError for others.
    """

    def __init__(self, seed=None):
        self.state_updates = []
        self.set_key(seed)

    def set_key(self, seed):
        """Make further draws with another `seed`."""
        self.key = data_of(int.from_bytes(os.urandom(4), "little") if seed is None else seed)

    def updates(self):
        """A list of (shared variable with a key, its new value) of all draws made so far."""
        return list(self.state_updates)

    def seed(self, seed=None):
        """Start all draws anew with another `seed`."""
        self.set_key(seed)
        for i, (state, _) in enumerate(self.state_updates):
            state.set_value(folded(self.key, i))

    def split(self, num=2):
        """A list of `num` streams that know nothing of each other, made of this one, which should not be used again."""
        return [RandomStream(part) for part in halves(self.key, num)]

    def _draw(self, draw, *args, **kwargs):
        state = shared(folded(self.key, len(self.state_updates)), name="key%d" % len(self.state_updates))
        state.tag.is_rng = True
        both = split(state)
        out = draw(both[1], *args, **kwargs)
        state.default_update = both[0]
        self.state_updates.append((state, both[0]))
        out.rng, out.update = state, (state, both[0])
        return out


def _method(draw):
    @functools.wraps(draw)
    def method(self, *args, **kwargs):
        return self._draw(draw, *args, **kwargs)

    own, *parameters = inspect.signature(draw).parameters.values()
    method.__signature__ = inspect.Signature([own.replace(name="self"), *parameters])
    method.__doc__ = re.sub("[,;]? with the `key`", "", draw.__doc__)
    return method


for _name in set(__all__) - {"RandomStream", "key", "split", "fold_in"}:
    setattr(RandomStream, _name, _method(globals()[_name]))

boundaries(globals())
