"""Longer sequences: an attention decoder, CTC over a recurrent network, a thousand steps."""

import numpy as np

from programs.base import Program, jax_training, sgd, shared_values, uniform
from programs.sequences import RNN


class Decoder(Program):
    name = "decoder"
    title = (
        "a training step of an attention decoder (30 words from 30, batch 16, GRU of 128, vocabulary of 2000), float32"
    )
    rtol, atol = 1e-3, 1e-5
    limit = 300

    def data(self, rng, quick):
        units, context, words, embedding = (8, 12, 30, 6) if quick else (128, 256, 2000, 64)
        length, batch = (5, 3) if quick else (30, 16)
        shapes = {
            "E": (words, embedding),
            "Wc": (context, units),  # attention
            "Wh": (units, units),
            "v": (units,),
            "W": (embedding, 3 * units),  # the gated unit
            "C": (context, 3 * units),
            "U": (units, 2 * units),
            "Ux": (units, units),
            "b": (3 * units,),
            "O": (units, words),
        }
        return {
            "params": [uniform(rng, *s).astype("float32") for s in shapes.values()],
            "context": rng.normal(size=(length, batch, context)).astype("float32"),
            "words": rng.randint(0, words, size=(length, batch)),
            "h0": np.zeros((batch, units), "float32"),
        }

    def theano(self, th, data):
        T = th.T
        units = data["h0"].shape[1]
        context, words = T.ftensor3("context"), T.lmatrix("words")
        params = [th.shared(p) for p in data["params"]]
        E, Wc, Wh, v, W, C, U, Ux, b, O = params
        h0 = th.shared(data["h0"])
        before = T.concatenate([T.zeros_like(words[:1]), words[:-1]], axis=0)
        entered = T.dot(E[before], W) + b
        keys = T.dot(context, Wc)

        def step(x, h, keys, context, Wh, v, C, U, Ux):
            e = T.dot(T.tanh(keys + T.dot(h, Wh)), v)
            e = T.exp(e - e.max(axis=0, keepdims=True))
            alpha = e / e.sum(axis=0, keepdims=True)
            seen = (context * alpha.dimshuffle(0, 1, "x")).sum(axis=0)
            z = x + T.dot(seen, C)
            gates = th.sigmoid(z[:, : 2 * units] + T.dot(h, U))
            r, u = gates[:, :units], gates[:, units:]
            new = T.tanh(z[:, 2 * units :] + r * T.dot(h, Ux))
            return u * h + (1 - u) * new

        hs, _ = th.scan(
            step, sequences=entered, outputs_info=h0, non_sequences=[keys, context, Wh, v, C, U, Ux], strict=True
        )
        logits = T.dot(hs.reshape((-1, units)), O)
        p = th.softmax(logits)
        flat = words.flatten()
        loss = -T.log(p[T.arange(flat.shape[0]), flat]).mean()
        train = th.function([context, words], loss, updates=sgd(th, loss, params, np.float32(0.1)))
        return lambda: [train(data["context"], data["words"])], shared_values(params)

    def jax(self, jax, data):
        jnp = jax.numpy
        units = data["h0"].shape[1]

        def loss(params, context, words):
            E, Wc, Wh, v, W, C, U, Ux, b, O = params
            before = jnp.concatenate([jnp.zeros_like(words[:1]), words[:-1]])
            keys = context @ Wc

            def step(h, x):
                alpha = jax.nn.softmax(jnp.tanh(keys + h @ Wh) @ v, axis=0)
                z = x + (context * alpha[:, :, None]).sum(axis=0) @ C
                gates = jax.nn.sigmoid(z[:, : 2 * units] + h @ U)
                r, u = gates[:, :units], gates[:, units:]
                h = u * h + (1 - u) * jnp.tanh(z[:, 2 * units :] + r * (h @ Ux))
                return h, h

            _, hs = jax.lax.scan(step, jnp.zeros(data["h0"].shape, "float32"), E[before] @ W + b)
            logp = jax.nn.log_softmax(hs.reshape((-1, units)) @ O)
            return -logp[jnp.arange(words.size), words.reshape(-1)].mean()

        step, state = jax_training(jax, loss, data["params"], 0.1)
        return lambda: step(data["context"], data["words"]), state


class CTC(Program):
    name = "ctc"
    title = (
        "a speech step: 200 frames, batch 8, 128 recurrent units, CTC of 30 symbols by scan over logarithms, float64"
    )
    rtol = 1e-5
    limit = 300

    def data(self, rng, quick):
        frames, batch, units, symbols = (20, 3, 6, 5) if quick else (200, 8, 128, 29)
        length = 4 if quick else 40
        labels = np.full((batch, 2 * length + 1), symbols)  # the last symbol is the blank
        labels[:, 1::2] = rng.randint(0, symbols, size=(batch, length))
        # A symbol may follow another one over the blank between them, if they differ.
        skips = np.zeros(labels.shape)
        skips[:, 3::2] = labels[:, 3::2] != labels[:, 1:-2:2]
        return {
            "x": rng.normal(size=(frames, batch, 40)),
            "labels": labels,
            "skips": skips,
            "params": [
                uniform(rng, 40, units),
                uniform(rng, units, units),
                np.zeros(units),
                uniform(rng, units, symbols + 1),
                np.zeros(symbols + 1),
            ],
        }

    NEVER = -1e30  # the logarithm of a probability of nothing

    def theano(self, th, data):
        T = th.T
        x, labels, skips = T.dtensor3("x"), T.lmatrix("labels"), T.dmatrix("skips")
        params = [th.shared(p) for p in data["params"]]
        Wx, Wh, b, Wo, bo = params
        batch, units, symbols = x.shape[1], len(data["params"][2]), len(data["params"][4])
        h0 = th.shared(np.zeros((data["x"].shape[1], units)))

        def recurrent(x, h, Wh):
            return T.tanh(x + T.dot(h, Wh))

        hs, _ = th.scan(recurrent, sequences=T.dot(x, Wx) + b, outputs_info=h0, non_sequences=Wh)
        logits = (T.dot(hs, Wo) + bo).reshape((-1, symbols))
        logits = logits - logits.max(axis=1, keepdims=True)
        logp = logits - T.log(T.exp(logits).sum(axis=1, keepdims=True))
        logp = logp.reshape((x.shape[0], batch, symbols))
        emitted = logp[:, T.arange(batch).dimshuffle(0, "x"), labels]

        def add(a, b):
            larger = T.maximum(a, b)
            return larger + T.log1p(T.exp(T.minimum(a, b) - larger))

        def forward(now, alpha, skips):
            never = T.zeros_like(alpha[:, :2]) + self.NEVER
            one = T.concatenate([never[:, :1], alpha[:, :-1]], axis=1)
            two = T.concatenate([never, alpha[:, :-2]], axis=1)
            two = T.switch(skips > 0, two, self.NEVER)
            return now + add(add(alpha, one), two)

        first = T.set_subtensor((T.zeros_like(emitted[0]) + self.NEVER)[:, :2], emitted[0, :, :2])
        alphas, _ = th.scan(forward, sequences=emitted[1:], outputs_info=first, non_sequences=skips)
        loss = -add(alphas[-1, :, -1], alphas[-1, :, -2]).mean()
        train = th.function([x, labels, skips], loss, updates=sgd(th, loss, params, 1e-3))
        return lambda: [train(data["x"], data["labels"], data["skips"])], shared_values(params)

    def jax(self, jax, data):
        jnp = jax.numpy

        def loss(params, x, labels, skips):
            Wx, Wh, b, Wo, bo = params

            def recurrent(h, x):
                h = jnp.tanh(x + h @ Wh)
                return h, h

            _, hs = jax.lax.scan(recurrent, jnp.zeros((x.shape[1], len(b))), x @ Wx + b)
            logp = jax.nn.log_softmax(hs @ Wo + bo)
            emitted = logp[:, jnp.arange(x.shape[1])[:, None], labels]

            def forward(alpha, now):
                one = jnp.pad(alpha[:, :-1], ((0, 0), (1, 0)), constant_values=self.NEVER)
                two = jnp.pad(alpha[:, :-2], ((0, 0), (2, 0)), constant_values=self.NEVER)
                two = jnp.where(skips > 0, two, self.NEVER)
                return now + jnp.logaddexp(jnp.logaddexp(alpha, one), two), None

            first = jnp.full(labels.shape, self.NEVER).at[:, :2].set(emitted[0, :, :2])
            alpha, _ = jax.lax.scan(forward, first, emitted[1:])
            return -jnp.logaddexp(alpha[:, -1], alpha[:, -2]).mean()

        step, state = jax_training(jax, loss, data["params"], 1e-3)
        return lambda: step(data["x"], data["labels"], data["skips"]), state


class TruncatedRNN(RNN):
    name, title = (
        "rnn1000",
        "a gradient step of an RNN: 1000 steps, the last 100 derived (truncate_gradient), batch 16, 64 units",
    )

    def steps(self, quick):
        """As of RNN."""
        return (50, 10) if quick else (1000, 100)


PROGRAMS = [Decoder(), CTC(), TruncatedRNN()]
