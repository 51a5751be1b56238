"""What a line of the tables is: a name, how the Op is applied, and the values of its inputs."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import theanojax.tensor as T


@dataclass
class Case:
    """`build` maps one variable for each of `values` to the outputs.

    A value is an array or number, whose type follows from it, or a pair (type, value). `options` go to `check_op`:
    ``grad=False``, or the positions of the inputs to differentiate for, where the others have no gradient.
    """

    name: str
    build: Any
    values: tuple
    options: dict = field(default_factory=dict)

    def graph(self):
        """(input variables, output variables, input values)"""
        pairs = [v if isinstance(v, tuple) else (type_of(v), v) for v in self.values]
        inputs = [t() for t, _ in pairs]
        outs = self.build(*inputs)
        return inputs, list(outs) if isinstance(outs, (list, tuple)) else [outs], [v for _, v in pairs]


def type_of(value):
    value = np.asarray(value)
    return T.TensorType(str(value.dtype), (False,) * value.ndim)


def case(name, build, *values, **options):
    return Case(name, build, values, options)


def real(*shape, seed=0, low=-1.0, high=1.0):
    """Numbers without ties or zeros."""
    return np.random.RandomState(seed + 7 * sum(shape)).uniform(low, high, shape) + 1e-3


def positive(*shape, seed=0):
    return real(*shape, seed=seed, low=0.2, high=1.5)


def like(n, seed=0):
    """A symmetric positive definite matrix."""
    a = real(n, n, seed=seed)
    return a @ a.T + n * np.eye(n)


def ints(*values, dtype="int64"):
    return np.array(values, dtype=dtype)


M, N = real(2, 3), real(3, 4)  # the usual matrices, which fit in a product
T3 = real(2, 3, 4)
V3, V4 = real(3), real(4)
ROW = T.TensorType("float64", (True, False))
COL = T.TensorType("float64", (False, True))
