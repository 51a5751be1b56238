"""A hierarchical model as PyMC3 asks Theano for it, and word2vec."""

import numpy as np

from programs.base import Program, nothing


class Hierarchical(Program):
    name = "radon"
    title = (
        "log-probability and gradient of PyMC3's radon model (919 houses in 85 counties), float64, from one flat vector"
    )

    # name -> (how many, whether positive, of which PyMC3 samples the logarithm)
    VARIABLES = (
        ("mu_a", 1, False),
        ("sigma_a", 1, True),
        ("mu_b", 1, False),
        ("sigma_b", 1, True),
        ("a", 85, False),
        ("b", 85, False),
        ("eps", 1, True),
    )

    def data(self, rng, quick):
        houses = 919
        return {
            "county": rng.randint(0, 85, size=houses),
            "floor": rng.randint(0, 2, size=houses).astype("float64"),
            "radon": rng.normal(size=houses),
            "q": rng.normal(size=sum(n for _, n, _ in self.VARIABLES)) * 0.1,
        }

    def logp(self, m, q, county, floor, radon):
        """The sum of the terms, in the names `m` of a library; m.bound guards a term as PyMC3 does."""
        v, total, start = {}, 0.0, 0
        for name, n, positive in self.VARIABLES:
            part = m.reshape(q[start : start + n], (n,) if n > 1 else ())
            start += n
            if positive:
                total = total + part  # the logarithm of the determinant of the transform
                part = m.exp(part)
            v[name] = part

        def normal(x, mu, sigma):
            tau = sigma**-2.0
            return m.bound((-tau * (x - mu) ** 2 + m.log(tau / np.pi / 2.0)) / 2.0, sigma > 0)

        def half_cauchy(x, beta):
            return m.bound(np.log(2) - np.log(np.pi) - np.log(beta) - m.log1p((x / beta) ** 2), x >= 0)

        hundred = m.constant(100.0)
        for name in ("mu_a", "mu_b"):
            total = total + normal(v[name], 0.0, hundred)
        for name in ("sigma_a", "sigma_b", "eps"):
            total = total + half_cauchy(v[name], 5.0)
        total = total + m.sum(normal(v["a"], v["mu_a"], v["sigma_a"]))
        total = total + m.sum(normal(v["b"], v["mu_b"], v["sigma_b"]))
        mean = v["a"][county] + v["b"][county] * floor
        return total + m.sum(normal(radon, mean, v["eps"]))

    def theano(self, th, data):
        T = th.T

        class Names:
            exp, log, log1p, sum = T.exp, T.log, T.log1p, T.sum

            @staticmethod
            def reshape(x, shape):
                return x.reshape(shape)

            @staticmethod
            def constant(x):
                return T.as_tensor_variable(x)

            @staticmethod
            def bound(x, *conditions):
                return T.switch(T.all([T.all(1 * c) for c in conditions]), x, -np.inf)

        q = T.dvector("q")
        county, floor, radon = (th.shared(data[n]) for n in ("county", "floor", "radon"))
        logp = self.logp(Names, q, county, floor, radon)
        f = th.function([q], [logp, th.grad(logp, q)])
        return lambda: f(data["q"]), nothing

    def jax(self, jax, data):
        jnp = jax.numpy

        class Names:
            exp, log, log1p, sum, reshape, constant = jnp.exp, jnp.log, jnp.log1p, jnp.sum, jnp.reshape, jnp.asarray

            @staticmethod
            def bound(x, condition):
                return jnp.where(condition, x, -jnp.inf)

        county, floor, radon = (jnp.array(data[n]) for n in ("county", "floor", "radon"))
        f = jax.jit(jax.value_and_grad(lambda q: self.logp(Names, q, county, floor, radon)))
        return lambda: [np.asarray(v) for v in f(data["q"])], nothing


class Word2Vec(Program):
    name = "word2vec"
    title = "word2vec: two tables of 1e6 x 100 float32, 256 pairs of words and 5 drawn ones each, inc_subtensor updates"
    rtol, atol = 1e-4, 1e-6
    RATE = 0.025

    def data(self, rng, quick):
        words, block = (1000, 100) if quick else (10**6, 10**4)
        table = np.tile(rng.uniform(-0.005, 0.005, size=(block, 100)).astype("float32"), (words // block, 1))
        return {
            "tables": [table, table[::-1].copy()],
            "center": rng.randint(0, words, size=256),
            "context": rng.randint(0, words, size=(256, 6)),  # the first one is true
            "true": np.tile(np.array([1.0] + [0.0] * 5, "float32"), (256, 1)),
        }

    def theano(self, th, data):
        T = th.T
        near, far = (th.shared(t) for t in data["tables"])
        center, context, true = T.lvector("center"), T.lmatrix("context"), T.fmatrix("true")
        words, others = near[center], far[context]
        score = (words.dimshuffle(0, "x", 1) * others).sum(axis=2)
        p = th.sigmoid(score)
        loss = -(true * T.log(p) + (1 - true) * T.log(1 - p)).sum()
        to_words, to_others = th.grad(loss, [words, others])
        rate = np.float32(-self.RATE)
        updates = [(near, T.inc_subtensor(words, rate * to_words)), (far, T.inc_subtensor(others, rate * to_others))]
        train = th.function([center, context, true], loss, updates=updates)

        def state():
            return [near.get_value(borrow=True)[data["center"]], far.get_value(borrow=True)[data["context"]]]

        return lambda: [train(data["center"], data["context"], data["true"])], state

    def jax(self, jax, data):
        jnp = jax.numpy
        cell = [tuple(jnp.array(t) for t in data["tables"])]

        def loss(words, others, true):
            score = (words[:, None, :] * others).sum(axis=2)
            return -(true * jax.nn.log_sigmoid(score) + (1 - true) * jax.nn.log_sigmoid(-score)).sum()

        def update(tables, center, context, true):
            near, far = tables
            value, grads = jax.value_and_grad(loss, argnums=(0, 1))(near[center], far[context], true)
            rate = np.float32(-self.RATE)
            return value, (near.at[center].add(rate * grads[0]), far.at[context].add(rate * grads[1]))

        train = jax.jit(update, donate_argnums=(0,))

        def step():
            value, cell[0] = train(cell[0], data["center"], data["context"], data["true"])
            jax.block_until_ready(cell[0])
            return [np.asarray(value)]

        def state():
            near, far = cell[0]
            return [np.asarray(near[data["center"]]), np.asarray(far[data["context"]])]

        return step, state

    def numpy(self, numpy, data):
        near, far = data["tables"]
        center, context, true = data["center"], data["context"], data["true"]

        def step():
            words, others = near[center], far[context]
            p = 1 / (1 + np.exp(-np.einsum("ij,ikj->ik", words, others)))
            off = (p - true) * np.float32(-self.RATE)
            np.add.at(near, center, np.einsum("ik,ikj->ij", off, others))
            np.add.at(far, context, off[:, :, None] * words[:, None, :])
            return [-(true * np.log(p) + (1 - true) * np.log(1 - p)).sum()]

        return step, lambda: [near[center], far[context]]


PROGRAMS = [Hierarchical(), Word2Vec()]
