"""Many shapes and many functions."""

import numpy as np

from programs.base import Program, nothing


class Shapes(Program):
    name, title = "shapes200", "one function called with 200 shapes, n x 64 for n up to 200; a call is all of them"
    limit = 200

    def data(self, rng, quick):
        n = 20 if quick else 200
        return {
            "x": [rng.normal(size=(k, 64)) for k in 1 + rng.permutation(n)],
            "W": rng.normal(size=(64, 32)) / 8,
            "b": np.zeros(32),
        }

    def theano(self, th, data):
        T = th.T
        x, W, b = T.dmatrix("x"), th.shared(data["W"]), th.shared(data["b"])
        p = th.softmax(T.tanh(T.dot(x, W) + b))
        f = th.function([x], [(p * T.log(p)).sum(axis=1).mean(), p.max(axis=0)])
        return lambda: self.all(f, data["x"]), nothing

    def jax(self, jax, data):
        W, b = jax.numpy.array(data["W"]), jax.numpy.array(data["b"])

        @jax.jit
        def f(x):
            p = jax.nn.softmax(jax.numpy.tanh(x @ W + b))
            return (p * jax.numpy.log(p)).sum(axis=1).mean(), p.max(axis=0)

        return lambda: self.all(f, data["x"]), nothing

    def numpy(self, numpy, data):
        def f(x):
            e = np.exp(np.tanh(x @ data["W"] + data["b"]))
            p = e / e.sum(axis=1, keepdims=True)
            return (p * np.log(p)).sum(axis=1).mean(), p.max(axis=0)

        return lambda: self.all(f, data["x"]), nothing

    @staticmethod
    def all(f, xs):
        results = [f(x) for x in xs]
        return [sum(np.asarray(r[i]) for r in results) for i in (0, 1)]


class Functions(Program):
    name, title = "functions1000", "1000 small functions of 25 kinds, each called once; a call is all of them"
    limit, limits = 300, {"pytensor": 120}

    def data(self, rng, quick):
        return {"x": rng.uniform(0.5, 1, size=10), "w": rng.uniform(0.5, 1, size=50 if quick else 1000)}

    @staticmethod
    def formula(m, i, x, w):
        first, second = (getattr(m, ("tanh", "exp", "sqrt", "cos", "log")[k]) for k in (i % 5, i // 5 % 5))
        return first(x * w) + second(x).sum()

    def theano(self, th, data):
        T = th.T
        functions = []
        for i, w in enumerate(data["w"]):
            x = T.dvector("x")
            functions.append(th.function([x], self.formula(T, i, x, th.shared(w))))
        return lambda: self.all(functions, data["x"]), nothing

    def jax(self, jax, data):
        def make(i, w):
            f = jax.jit(lambda x, w: self.formula(jax.numpy, i, x, w))
            w = jax.numpy.asarray(w)
            return lambda x: f(x, w)

        functions = [make(i, w) for i, w in enumerate(data["w"])]
        return lambda: self.all(functions, data["x"]), nothing

    @staticmethod
    def all(functions, x):
        return [sum(np.asarray(f(x)) for f in functions)]


PROGRAMS = [Shapes(), Functions()]
