"""Recurrent networks."""

import numpy as np

from programs.base import Program, jax_training, sgd, shared_values, uniform


class RNN(Program):
    name, title = "rnn", "a gradient step of an RNN: 50 steps, batch 16, 64 hidden units"

    def steps(self, quick):
        """Steps of the loop, and how many of the last are derived, -1 for all."""
        return 50, -1

    def data(self, rng, quick):
        steps, kept = self.steps(quick)
        return {
            "x": rng.normal(size=(steps, 16, 32)),
            "y": rng.normal(size=(16, 64)),
            "kept": kept,
            "params": [uniform(rng, 32, 64), uniform(rng, 64, 64), np.zeros(64)],
        }

    def theano(self, th, data):
        T = th.T
        x, y = T.dtensor3("x"), T.dmatrix("y")
        params = [th.shared(p) for p in data["params"]]
        h0 = th.shared(np.zeros((16, 64)))
        hs, _ = th.scan(
            lambda x, h, Wx, Wh, b: T.tanh(T.dot(x, Wx) + T.dot(h, Wh) + b),
            sequences=x,
            outputs_info=h0,
            non_sequences=params,
            truncate_gradient=data["kept"],
        )
        loss = T.mean((hs[-1] - y) ** 2)
        train = th.function([x, y], loss, updates=sgd(th, loss, params, 0.1))
        return lambda: [train(data["x"], data["y"])], shared_values(params)

    def jax(self, jax, data):
        jnp, kept = jax.numpy, data["kept"]

        def loss(params, x, y):
            Wx, Wh, b = params

            def cell(h, x):
                return jnp.tanh(x + h @ Wh + b), None

            h = jnp.zeros((16, 64))
            if kept > 0:
                h, _ = jax.lax.scan(cell, h, x[:-kept] @ Wx)
                h, x = jax.lax.stop_gradient(h), x[-kept:]
            h, _ = jax.lax.scan(cell, h, x @ Wx)
            return ((h - y) ** 2).mean()

        step, state = jax_training(jax, loss, data["params"], 0.1)
        return lambda: step(data["x"], data["y"]), state


class LSTM(Program):
    name, title = "lstm", "an epoch of LSTM training over 200 sequences, no two of one length (8 inputs, 16 units)"
    rtol = 1e-5

    def data(self, rng, quick):
        n = 20 if quick else 200
        lengths = rng.permutation(np.arange(5, 5 + n))
        return {
            "x": [rng.normal(size=(k, 8)) for k in lengths],
            "y": rng.normal(size=(n, 16)),
            "params": [uniform(rng, 8, 64), uniform(rng, 16, 64), np.zeros(64)],
        }

    def theano(self, th, data):
        T = th.T
        x, y = T.dmatrix("x"), T.dvector("y")
        params = [th.shared(p) for p in data["params"]]
        zero = th.shared(np.zeros(16))

        def cell(x, h, c, U, b):
            z = x + T.dot(h, U) + b
            i, f, o, g = th.sigmoid(z[:16]), th.sigmoid(z[16:32]), th.sigmoid(z[32:48]), T.tanh(z[48:])
            c = f * c + i * g
            return [o * T.tanh(c), c]

        W, U, b = params
        (hs, _), _ = th.scan(cell, sequences=T.dot(x, W), outputs_info=[zero, zero], non_sequences=[U, b])
        loss = T.mean((hs[-1] - y) ** 2)
        train = th.function([x, y], loss, updates=sgd(th, loss, params, 0.1))
        return lambda: [sum(float(train(x, y)) for x, y in zip(data["x"], data["y"]))], shared_values(params)

    def jax(self, jax, data):
        """Sequences are padded to the longest, as one has to for XLA; steps past the end change nothing."""
        jnp = jax.numpy
        longest = max(len(x) for x in data["x"])
        padded = [np.concatenate([x, np.zeros((longest - len(x), 8))]) for x in data["x"]]

        def loss(params, x, n, y):
            W, U, b = params

            def cell(state, xt):
                h, c = state
                x, t = xt
                z = x + h @ U + b
                i, f, o = (jax.nn.sigmoid(z[k : k + 16]) for k in (0, 16, 32))
                new = f * c + i * jnp.tanh(z[48:])
                return (jnp.where(t < n, o * jnp.tanh(new), h), jnp.where(t < n, new, c)), None

            (h, _), _ = jax.lax.scan(cell, (jnp.zeros(16), jnp.zeros(16)), (x @ W, jnp.arange(longest)))
            return ((h - y) ** 2).mean()

        step, state = jax_training(jax, loss, data["params"], 0.1)
        epoch = list(zip(padded, [len(x) for x in data["x"]], data["y"]))
        return lambda: [sum(float(step(x, n, y)[0]) for x, n, y in epoch)], state


PROGRAMS = [RNN(), LSTM()]
