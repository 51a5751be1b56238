"""What Theano-PyMC 1.1 had for tensors and random numbers, and Theano 1.0 did not."""

from __future__ import annotations

from typing import Any

from theanojax.config import config
from theanojax.graph.variable import Variable
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.creation import alloc
from theanojax.tensor.random.raw_random import _draw as draw
from theanojax.tensor.random.shared_randomstreams import RandomStreams


def broadcast_shape(*arrays: Any, arrays_are_shapes: bool = False) -> tuple:
    """The shape that `arrays`, or with `arrays_are_shapes` arrays of these shapes, have together: its lengths."""
    if arrays_are_shapes:
        shapes: list[tuple] = [tuple(shape) for shape in arrays]
        fixed = [[n == 1 if isinstance(n, int) else getattr(n, "data", 0) == 1 for n in shape] for shape in shapes]
    else:
        given = [as_tensor_variable(array) for array in arrays]
        shapes = [tuple(array.shape[i] for i in range(array.ndim)) for array in given]
        fixed = [list(array.broadcastable) for array in given]
    ndim = max(map(len, shapes), default=0)
    lengths: list[Any] = [1] * ndim
    for shape, ones in zip(shapes, fixed, strict=True):
        for place, (length, is_one) in enumerate(zip(shape, ones, strict=True), ndim - len(shape)):
            if not is_one:
                lengths[place] = length
    return tuple(map(as_tensor_variable, lengths))


def broadcast_to(x: Any, shape: Any) -> Variable:
    """`x`, repeated to `shape`, a list of lengths."""
    return alloc(x, *shape)


class RandomStream(RandomStreams):
    """Draws with the parameters of numpy's RandomState, in its order."""

    def __init__(self, seed: Any = None, namespace: Any = None) -> None:
        super().__init__(seed)

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Variable:
        """Normal draws."""
        return super().normal(size, loc, scale)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Variable:
        """Draws from [`low`, `high`)."""
        return super().uniform(size, low, high)

    def binomial(self, n: Any, p: Any, size: Any = None) -> Variable:
        """How many of `n` trials succeed."""
        return super().binomial(size, n, p)

    def bernoulli(self, p: Any, size: Any = None) -> Variable:
        """1 with probability `p`, and else 0."""
        return super().binomial(size, 1, p)

    def poisson(self, lam: Any = 1.0, size: Any = None) -> Variable:
        """Poisson draws with mean `lam`."""
        return super().poisson(size, lam)

    def multinomial(self, n: Any, pvals: Any, size: Any = None) -> Variable:
        """How often of `n` each outcome comes."""
        return super().multinomial(size, n, pvals)

    def permutation(self, x: Any) -> Variable:
        """The numbers below `x`, shuffled."""
        return super().permutation(None, x)

    def randint(self, low: Any, high: Any = None, size: Any = None) -> Variable:
        """Integers from `low`, or 0, up to the one before `high`, or `low`."""
        low, high = (0, low) if high is None else (low, high)
        return super().random_integers(size, low, high - 1)

    def exponential(self, scale: Any = 1.0, size: Any = None) -> Variable:
        """Exponential draws with mean `scale`."""
        return self._drawn("exponential", size, scale)

    def beta(self, a: Any, b: Any, size: Any = None) -> Variable:
        """Draws of the beta distribution."""
        return self._drawn("beta", size, a, b)

    def _drawn(self, name: str, size: Any, *args: Any) -> Variable:
        given = tuple(map(as_tensor_variable, args))
        return self.gen(lambda state: draw(name, state, size, None, config.floatX, given, given))
