"""Programs in many sizes: ``data:1000`` is the first one of 1000 numbers. `make bench-scale` measures them."""

import numpy as np

from programs.arrays import Chain
from programs.base import Program, nothing
from programs.graphs import Layers
from programs.many import Functions, Shapes


class Numbers(Chain):
    def __init__(self, size):
        self.size = size

    def data(self, rng, quick):
        return {"x": np.resize(rng.normal(size=min(self.size, 10**6)), self.size)}


class Nodes(Layers):
    repeated = True

    def __init__(self, size):
        super().__init__(size)


class Steps(Program):
    """The gradient of a loop whose states are all needed."""

    def __init__(self, size):
        self.size = size

    def data(self, rng, quick):
        return {"a": rng.uniform(0.5, 1, size=16), "steps": self.size}

    def theano(self, th, data):
        T = th.T
        a, k = T.dvector("a"), T.iscalar("k")
        states, _ = th.scan(lambda h, a: T.tanh(a - 0.9 * h), outputs_info=T.zeros_like(a), non_sequences=a, n_steps=k)
        f = th.function([a, k], th.grad((states**2).mean(), a))
        return lambda: [f(data["a"], data["steps"])], nothing

    def jax(self, jax, data):
        jnp = jax.numpy

        def mean(a):
            def step(h, _):
                h = jnp.tanh(a - 0.9 * h)
                return h, h

            return (jax.lax.scan(step, jnp.zeros_like(a), None, length=data["steps"])[1] ** 2).mean()

        f = jax.jit(jax.grad(mean))
        return lambda: [np.asarray(f(data["a"]))], nothing


class SomeShapes(Shapes):
    def __init__(self, size):
        self.size = size

    def data(self, rng, quick):
        found = super().data(rng, True)
        return {**found, "x": [rng.normal(size=(k, 64)) for k in 1 + rng.permutation(500)[: self.size]]}


class SomeFunctions(Functions):
    def __init__(self, size):
        self.size = size

    def data(self, rng, quick):
        return {"x": rng.uniform(0.5, 1, size=10), "w": rng.uniform(0.5, 1, size=self.size)}


SERIES = {"data": Numbers, "nodes": Nodes, "steps": Steps, "shapes": SomeShapes, "functions": SomeFunctions}


def of_size(name):
    """The program that `name`, as in "data:1000", stands for."""
    series, size = name.split(":")
    return SERIES[series](int(size))
