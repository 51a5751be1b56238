"""Loops and branches."""

import numpy as np

from programs.base import Program, nothing


class Power(Program):
    name, title = "pow", "`A ** k` by scan, k = 100 an argument, the last step only"

    def data(self, rng, quick):
        return {"A": np.linspace(0.9, 1.1, 10)}

    def theano(self, th, data):
        T = th.T
        k, A = T.iscalar("k"), T.dvector("A")
        result, updates = th.scan(lambda prior, A: prior * A, outputs_info=T.ones_like(A), non_sequences=A, n_steps=k)
        f = th.function([A, k], result[-1], updates=updates)
        return lambda: [f(data["A"], 100)], nothing

    def jax(self, jax, data):
        def power(A, k):
            return jax.lax.fori_loop(0, k, lambda i, prior: prior * A, jax.numpy.ones_like(A))

        f = jax.jit(power)
        return lambda: [np.asarray(f(data["A"], 100))], nothing


class _Choice(Program):
    def data(self, rng, quick):
        shape = (1000, 100) if quick else (10000, 1000)
        return {"x": np.ones(shape), "y": np.full(shape, 2.0)}

    def theano(self, th, data):
        T = th.T
        a, b = T.dscalars("a", "b")
        x, y = T.dmatrices("x", "y")
        f = th.function([a, b, x, y], self.choose(th, T.lt(a, b), T.mean(x), T.mean(y)))
        return lambda: [f(0.0, 1.0, data["x"], data["y"])], nothing

    def jax(self, jax, data):
        f = jax.jit(lambda a, b, x, y: self.choose_jax(jax, a < b, x, y))
        return lambda: [np.asarray(f(0.0, 1.0, data["x"], data["y"]))], nothing


class IfElse(_Choice):
    name, title = "ifelse", "the tutorial's IfElse: one of the means of two 10000 x 1000 matrices"

    def choose(self, th, c, x, y):
        return th.ifelse(c, x, y)

    def choose_jax(self, jax, c, x, y):
        return jax.lax.cond(c, lambda: x.mean(), lambda: y.mean())


class Switch(_Choice):
    name, title = "switch", "the same with Switch, which needs both means"

    def choose(self, th, c, x, y):
        return th.T.switch(c, x, y)

    def choose_jax(self, jax, c, x, y):
        return jax.numpy.where(c, x.mean(), y.mean())


class Gibbs(Program):
    name, title = "gibbs", "a Gibbs chain of 15 steps with random streams in scan, 784 visible and 100 hidden units"

    def data(self, rng, quick):
        return {"W": rng.normal(size=(784, 100)) * 0.05, "v": rng.binomial(1, 0.5, size=(20, 784)).astype("float64")}

    def tolerance(self, contender):
        return (1e-6, 1e-8) if contender in ("theano", "theanojax") else (0.2, 0.05)  # other streams, other draws

    def theano(self, th, data):
        T = th.T
        draw = th.bernoulli_stream(234)
        W = th.shared(data["W"])
        v = T.dmatrix("v")

        def sweep(v, W):
            h = draw(th.sigmoid(T.dot(v, W)), (20, 100))
            return draw(th.sigmoid(T.dot(h, W.T)), (20, 784))

        chain, updates = th.scan(sweep, outputs_info=v, non_sequences=W, n_steps=15)
        f = th.function([v], [chain[-1].mean()], updates=updates)
        return lambda: f(data["v"]), nothing

    def jax(self, jax, data):
        W = jax.numpy.array(data["W"])

        def draw(key, p):
            return jax.random.bernoulli(key, p).astype(p.dtype)

        @jax.jit
        def chain(key, v):
            def sweep(v, key):
                first, second = jax.random.split(key)
                h = draw(first, jax.nn.sigmoid(v @ W))
                return draw(second, jax.nn.sigmoid(h @ W.T)), None

            key, own = jax.random.split(key)
            v, _ = jax.lax.scan(sweep, v, jax.random.split(own, 15))
            return key, v.mean()

        cell = [jax.random.key(234)]

        def step():
            cell[0], mean = chain(cell[0], data["v"])
            return [np.asarray(mean)]

        return step, nothing


class _LongLoop(Program):
    """400 MB of states, if all are kept."""

    def data(self, rng, quick):
        return {"a": rng.uniform(0.5, 1, size=10 if quick else 1000), "steps": 200 if quick else 50000}

    def theano(self, th, data):
        T = th.T
        a, k = T.dvector("a"), T.iscalar("k")
        states, _ = th.scan(lambda h, a: T.tanh(a - 0.9 * h), outputs_info=T.zeros_like(a), non_sequences=a, n_steps=k)
        f = th.function([a, k], self.read(th, states, a))
        return lambda: f(data["a"], data["steps"]), nothing

    def jax(self, jax, data):
        jnp, steps = jax.numpy, data["steps"]

        def states(a):
            def step(h, _):
                h = jnp.tanh(a - 0.9 * h)
                return h, h

            return jax.lax.scan(step, jnp.zeros_like(a), None, length=steps)[1]

        f = jax.jit(self.read_jax(jax, states))
        return lambda: [np.asarray(v) for v in f(data["a"])], nothing


class LoopRows(_LongLoop):
    name, title = "looprows", "50,000 steps on 1000 numbers: the last three states, every hundredth and the mean of all"

    def read(self, th, states, a):
        return [states[-3:], states[::100], states.mean(axis=0)]

    def read_jax(self, jax, states):
        def read(a):
            h = states(a)
            return h[-3:], h[::100], h.mean(axis=0)

        return read


class LoopGradient(_LongLoop):
    name, title = "loopgrad", "the gradient of the sum of squares of all states of 50,000 steps on 1000 numbers"

    def read(self, th, states, a):
        return [th.grad((states**2).sum(), a)]

    def read_jax(self, jax, states):
        grad = jax.grad(lambda a: (states(a) ** 2).sum())
        return lambda a: (grad(a),)


PROGRAMS = [Power(), IfElse(), Switch(), Gibbs(), LoopRows(), LoopGradient()]
