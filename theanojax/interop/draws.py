"""The draws of jax.random as an Op: functions of a key, on both executors."""

import numpy as np

import jax

from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.op_methods import never_folded, without_gradient
from theanojax.tensor.type import TensorType

IMPLEMENTATION = "threefry2x32"


def wrapped(key):
    """The two numbers of a key as one of jax.random."""
    return jax.random.wrap_key_data(key, impl=IMPLEMENTATION)


def data_of(key):
    """A seed, a key of jax.random or the two numbers of one as these numbers, uint32."""
    if isinstance(key, (int, np.integer)):
        key = jax.random.key(int(key), impl=IMPLEMENTATION)
    if isinstance(key, jax.Array) and jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key):
        if jax.random.key_impl(key) != jax.random.key_impl(wrapped(np.zeros(2, "uint32"))):
            raise TypeError(
                "the key is one of %s, and has to be one of %s" % (jax.random.key_impl(key), IMPLEMENTATION)
            )
        key = jax.random.key_data(key)
    key = np.asarray(key)
    if key.shape != (2,) or key.dtype != np.uint32:
        raise TypeError("a key is two numbers of dtype uint32, not %s of dtype %s" % (key.shape, key.dtype))
    return key


def folded(key, number):
    """The two numbers of a key made of `key` and a number."""
    return np.asarray(jax.random.key_data(jax.random.fold_in(wrapped(key), number)))


def halves(key, count):
    """The numbers of `count` keys made of `key`, one a row."""
    return np.asarray(jax.random.key_data(jax.random.split(wrapped(key), count)))


def _folded(key, shape, dtype, data):
    return jax.random.key_data(jax.random.fold_in(key, data))


def _split(key, shape, dtype):
    return jax.random.key_data(jax.random.split(key, shape[:-1]))


def _choice(key, shape, dtype, a, p=None, replace=True):
    return jax.random.choice(key, a, shape, replace=replace, p=p)


def _plain(name):
    return lambda key, shape, dtype: getattr(jax.random, name)(key, shape, dtype)


PLAIN = ("uniform", "normal", "exponential", "gumbel", "laplace", "logistic", "cauchy")
# What jax.random's functions are given: the key, the shape, the dtype, parameters that are tensors, and options.
KINDS = {
    "split": _split,
    "fold_in": _folded,
    **{name: _plain(name) for name in PLAIN},
    "truncated_normal": lambda key, shape, dtype, low, high: jax.random.truncated_normal(key, low, high, shape, dtype),
    "bernoulli": lambda key, shape, dtype, p: jax.random.bernoulli(key, p, shape),
    "binomial": lambda key, shape, dtype, n, p: jax.random.binomial(key, n, p, shape),
    "integers": lambda key, shape, dtype, low, high: jax.random.randint(key, shape, low, high, dtype),
    "poisson": lambda key, shape, dtype, rate: jax.random.poisson(key, rate, shape),
    "gamma": lambda key, shape, dtype, a: jax.random.gamma(key, a, shape, dtype),
    "beta": lambda key, shape, dtype, a, b: jax.random.beta(key, a, b, shape, dtype),
    "categorical": lambda key, shape, dtype, logits: jax.random.categorical(key, logits, shape=shape),
    "choice": _choice,
    "permutation": lambda key, shape, dtype, x, axis=0: jax.random.permutation(key, x, axis),
}


class Draw(Op):
    """A draw of jax.random, from a key (a vector of two uint32) and a shape (a vector of integers).

    Parameters
    ----------
    kind : str, one of KINDS.
    dtype : of the output.
    broadcastable : of the output.
    options : tuple of pairs, what the draw takes besides its parameters.
    """

    __props__ = ("kind", "dtype", "broadcastable", "options")
    static_inputs = (1,)
    do_constant_folding = never_folded
    grad = without_gradient("there is no gradient through a random draw")

    def __init__(self, kind, dtype, broadcastable, options=()):
        self.kind, self.dtype = kind, dtype
        self.broadcastable, self.options = tuple(broadcastable), tuple(options)

    def __str__(self):
        return "jax.random.%s" % self.kind

    def make_node(self, key, shape, *parameters):
        key = as_tensor_variable(data_of(key) if isinstance(key, jax.Array) else key)
        shape = as_tensor_variable(shape)
        if key.dtype != "uint32" or key.ndim != 1:
            raise TypeError(
                "a key is a vector of two numbers of dtype uint32, such as theanojax.random.key(seed), not %s"
                % key.type
            )
        parameters = [as_tensor_variable(v) for v in parameters]
        return Apply(self, [key, shape, *parameters], [TensorType(self.dtype, self.broadcastable)()])

    def _drawn(self, key, shape, *parameters):
        shape = tuple(int(n) for n in shape)
        if any(n < 0 for n in shape):
            raise ValueError("negative dimensions are not allowed")
        out = KINDS[self.kind](wrapped(key), shape, np.dtype(self.dtype), *parameters, **dict(self.options))
        return out.astype(self.dtype)

    def compute(self, xp, node, key, shape, *parameters):
        with jax.ensure_compile_time_eval():  # of constants it is asked while XLA's graph is traced
            return np.asarray(self._drawn(key, shape, *parameters))

    def lower_xla(self, ctx, node, key, shape, *parameters):
        return self._drawn(jax.numpy.asarray(key), ctx.need(node.inputs[1], shape), *parameters)

    def infer_shape(self, node, shapes):
        return [tuple(node.inputs[1][d] for d in range(len(self.broadcastable)))]

    def R_op(self, inputs, eval_points):
        return [None]
