"""Elementwise work and reductions: call overhead, fused kernels, large arguments."""

import numpy as np

from programs.base import Program, nothing


class Scalar(Program):
    name, title = "scalar", "`x + 1` on a scalar: the overhead of a call"

    def theano(self, th, data):
        x = th.T.dscalar("x")
        f = th.function([x], x + 1)
        return lambda: [f(3.0)], nothing

    def jax(self, jax, data):
        f = jax.jit(lambda x: x + 1)
        return lambda: [np.asarray(f(3.0))], nothing


class Chain(Program):
    name, title = "chain", "a chain of elementwise functions of 1e6 float64"

    def data(self, rng, quick):
        return {"x": rng.normal(size=10**5 if quick else 10**6)}

    @staticmethod
    def formula(m, x):
        return m.tanh(x) * 2 + m.exp(-x * x) - m.sqrt(abs(x) + 1) / (x * x + 3)

    def theano(self, th, data):
        x = th.T.dvector("x")
        f = th.function([x], self.formula(th.T, x))
        return lambda: [f(data["x"])], nothing

    def jax(self, jax, data):
        f = jax.jit(lambda x: self.formula(jax.numpy, x))
        return lambda: [np.asarray(f(data["x"]))], nothing

    def numpy(self, numpy, data):
        return lambda: [self.formula(numpy, data["x"])], nothing


class Reduction(Program):
    name, title = "reduction", "the sum of an 80 MB numpy argument whose memory is not 64-byte aligned"

    def data(self, rng, quick):
        n = 10**6 if quick else 10**7
        room = np.empty(n + 16)
        start = 2 + (-(room.ctypes.data // 8) % 8)  # 16 bytes past a multiple of 64, as numpy's large arrays lie
        x = room[start : start + n]
        x[:] = rng.uniform(size=n)
        return {"x": x}

    def theano(self, th, data):
        x = th.T.dvector("x")
        f = th.function([x], x.sum())
        return lambda: [f(data["x"])], nothing

    def jax(self, jax, data):
        f = jax.jit(lambda x: x.sum())
        return lambda: [np.asarray(f(data["x"]))], nothing

    def numpy(self, numpy, data):
        return lambda: [data["x"].sum()], nothing


PROGRAMS = [Scalar(), Chain(), Reduction()]
