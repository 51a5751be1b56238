"""Training steps of plain networks."""

import itertools

import numpy as np

from programs.base import Program, jax_training, sgd, shared_values, uniform


class Logistic(Program):
    name, title = "logistic", "the tutorial's logistic regression, 400 x 784 float64 numpy arguments: a training step"

    def data(self, rng, quick):
        return {
            "x": rng.normal(size=(400, 784)),
            "y": rng.randint(0, 2, size=400).astype("float64"),
            "w": rng.normal(size=784) * 0.1,
        }

    def theano(self, th, data):
        T = th.T
        x, y = T.dmatrix("x"), T.dvector("y")
        w, b = th.shared(data["w"], name="w"), th.shared(0.0, name="b")
        p = 1 / (1 + T.exp(-T.dot(x, w) - b))
        cost = (-y * T.log(p) - (1 - y) * T.log(1 - p)).mean() + 0.01 * (w**2).sum()
        train = th.function([x, y], [p > 0.5, cost], updates=sgd(th, cost, [w, b], 0.1))
        return lambda: train(data["x"], data["y"]), shared_values([w, b])

    def jax(self, jax, data):
        jnp = jax.numpy

        def loss(params, x, y):
            w, b = params
            z = x @ w + b
            cost = (y * jax.nn.softplus(-z) + (1 - y) * jax.nn.softplus(z)).mean() + 0.01 * (w**2).sum()
            return cost, jax.nn.sigmoid(z) > 0.5

        cell = [(jnp.array(data["w"]), jnp.zeros(()))]

        def update(params, x, y):
            (cost, guess), grads = jax.value_and_grad(loss, has_aux=True)(params, x, y)
            return guess, cost, tuple(p - 0.1 * g for p, g in zip(params, grads))

        train = jax.jit(update, donate_argnums=(0,))

        def step():
            guess, cost, cell[0] = train(cell[0], data["x"], data["y"])
            jax.block_until_ready(cell[0])
            return [np.asarray(guess), np.asarray(cost)]

        return step, lambda: list(cell[0])


class MLP(Program):
    name, title = "mlp", "MLP 784-500-10: a step on 20 rows sliced from shared data by index"

    def data(self, rng, quick):
        return {
            "x": rng.normal(size=(2000, 784)),
            "y": rng.randint(0, 10, size=2000),
            "params": [uniform(rng, 784, 500), np.zeros(500), uniform(rng, 500, 10) * 0.1, np.zeros(10)],
        }

    def theano(self, th, data):
        T = th.T
        index, x, y = T.lscalar("index"), T.dmatrix("x"), T.lvector("y")
        params = [th.shared(p, borrow=False) for p in data["params"]]
        xs, ys = th.shared(data["x"]), th.shared(data["y"])
        W1, b1, W2, b2 = params
        p = th.softmax(T.dot(T.tanh(T.dot(x, W1) + b1), W2) + b2)
        loss = -T.mean(T.log(p)[T.arange(y.shape[0]), y])
        rows = slice(index * 20, (index + 1) * 20)
        train = th.function([index], loss, updates=sgd(th, loss, params, 0.01), givens={x: xs[rows], y: ys[rows]})
        batches = itertools.cycle(range(100))
        return lambda: [train(next(batches))], shared_values(params)

    def jax(self, jax, data):
        jnp = jax.numpy
        xs, ys = jnp.array(data["x"]), jnp.array(data["y"])

        def loss(params, index, xs, ys):
            W1, b1, W2, b2 = params
            x = jax.lax.dynamic_slice_in_dim(xs, index * 20, 20)
            y = jax.lax.dynamic_slice_in_dim(ys, index * 20, 20)
            logp = jax.nn.log_softmax(jnp.tanh(x @ W1 + b1) @ W2 + b2)
            return -logp[jnp.arange(20), y].mean()

        step, state = jax_training(jax, loss, data["params"], 0.01)
        batches = itertools.cycle(range(100))
        return lambda: step(next(batches), xs, ys), state


class Embedding(Program):
    name, title = "embedding", "embedding lookup and inc_subtensor update: 1000 rows of a table of 100k x 128"

    def data(self, rng, quick):
        n = 10000 if quick else 100000
        return {
            "table": rng.normal(size=(n, 128)),
            "rows": rng.randint(0, n, size=1000),
            "target": rng.normal(size=(1000, 128)),
        }

    def theano(self, th, data):
        T = th.T
        table = th.shared(data["table"])
        rows, target = T.lvector("rows"), T.dmatrix("target")
        found = table[rows]
        loss = T.mean((found - target) ** 2)
        new = T.inc_subtensor(found, -100.0 * th.grad(loss, found))
        train = th.function([rows, target], loss, updates=[(table, new)])
        return lambda: [train(data["rows"], data["target"])], lambda: [table.get_value()[data["rows"]]]

    def jax(self, jax, data):
        cell = [jax.numpy.array(data["table"])]

        def update(table, rows, target):
            loss, grad = jax.value_and_grad(lambda found: ((found - target) ** 2).mean())(table[rows])
            return loss, table.at[rows].add(-100.0 * grad)

        train = jax.jit(update, donate_argnums=(0,))

        def step():
            loss, cell[0] = train(cell[0], data["rows"], data["target"])
            jax.block_until_ready(cell[0])
            return [np.asarray(loss)]

        return step, lambda: [np.asarray(cell[0])[data["rows"]]]


PROGRAMS = [Logistic(), MLP(), Embedding()]
