"""A convolutional network."""

import numpy as np

from programs.base import Program, jax_training, sgd, shared_values


class LeNet(Program):
    limit = 240

    def __init__(self, dtype):
        self.dtype = dtype
        self.name = "lenet" + dtype[-2:]
        self.title = "a training step of LeNet (batch 50, 28 x 28, 20 and 50 maps of 5 x 5, pool 2) in " + dtype
        self.rtol, self.atol = (1e-3, 1e-4) if dtype == "float32" else (1e-6, 1e-8)

    def data(self, rng, quick):
        def weights(fan, *shape):
            return (rng.normal(size=shape) / np.sqrt(fan)).astype(self.dtype)

        return {
            "x": rng.normal(size=(50, 1, 28, 28)).astype(self.dtype),
            "y": rng.randint(0, 10, size=50),
            "params": [
                weights(25, 20, 1, 5, 5),
                np.zeros(20, self.dtype),
                weights(500, 50, 20, 5, 5),
                np.zeros(50, self.dtype),
                weights(800, 800, 500),
                np.zeros(500, self.dtype),
                weights(500, 500, 10),
                np.zeros(10, self.dtype),
            ],
        }

    def theano(self, th, data):
        T = th.T
        x, y = th.images("x", self.dtype, (50, 1, 28, 28)), T.lvector("y")
        params = [th.shared(p) for p in data["params"]]
        K1, b1, K2, b2, W3, b3, W4, b4 = params
        h = T.tanh(th.max_pool(th.conv2d(x, K1, 28), (2, 2)) + b1.dimshuffle("x", 0, "x", "x"))
        h = T.tanh(th.max_pool(th.conv2d(h, K2, 12), (2, 2)) + b2.dimshuffle("x", 0, "x", "x"))
        h = T.tanh(T.dot(h.flatten(2), W3) + b3)
        p = th.softmax(T.dot(h, W4) + b4)
        loss = -T.mean(T.log(p)[T.arange(y.shape[0]), y])
        train = th.function([x, y], loss, updates=sgd(th, loss, params, np.asarray(0.01, self.dtype)))
        return lambda: [train(data["x"], data["y"])], shared_values(params)

    def jax(self, jax, data):
        jnp, lax = jax.numpy, jax.lax

        def layer(x, K, b):
            x = lax.conv_general_dilated(x, K[:, :, ::-1, ::-1], (1, 1), "VALID")  # Theano's convolution flips
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
            return jnp.tanh(x + b[:, None, None])

        def loss(params, x, y):
            K1, b1, K2, b2, W3, b3, W4, b4 = params
            h = layer(layer(x, K1, b1), K2, b2)
            h = jnp.tanh(h.reshape(len(h), -1) @ W3 + b3)
            logp = jax.nn.log_softmax(h @ W4 + b4)
            return -logp[jnp.arange(len(y)), y].mean()

        step, state = jax_training(jax, loss, data["params"], 0.01)
        return lambda: step(data["x"], data["y"]), state


PROGRAMS = [LeNet("float64"), LeNet("float32")]
