"""Large graphs: how long building, rewriting and compiling take."""

import numpy as np

from programs.base import Program, nothing


class Layers(Program):
    """An unrolled network: each layer is a dot, an addition, a tanh and a product."""

    repeated = False

    def __init__(self, nodes):
        self.nodes = nodes
        self.limit = 150 if nodes <= 400 else 600
        self.name = "graph%d" % nodes
        self.title = "a graph of %d nodes with its gradient: compile time" % nodes

    def data(self, rng, quick):
        return {"x": rng.normal(size=(4, 16)), "W": rng.normal(size=(16, 16)) / 4, "b": rng.normal(size=16)}

    def network(self, m, x, W, b):
        for _ in range(self.nodes // 4):
            x = m.tanh(m.dot(x, W) + b) * b
        return (x**2).sum()

    def theano(self, th, data):
        T = th.T
        x, W, b = T.dmatrix("x"), T.dmatrix("W"), T.dvector("b")
        loss = self.network(T, x, W, b)
        f = th.function([x, W, b], [loss] + th.grad(loss, [W, b]))
        return lambda: f(data["x"], data["W"], data["b"]), nothing

    def jax(self, jax, data):
        f = jax.jit(jax.value_and_grad(lambda Wb, x: self.network(jax.numpy, x, *Wb)))

        def step():
            loss, grads = f((data["W"], data["b"]), data["x"])
            return [np.asarray(loss)] + [np.asarray(g) for g in grads]

        return step, nothing


PROGRAMS = [Layers(400), Layers(1600), Layers(6400)]
