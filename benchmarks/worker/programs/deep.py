"""Convolutional networks as Lasagne's recipes build them: VGG-16, ResNet-50, and a plain one.

Images are small. There is no dropout, whose draws differ between the libraries.
"""

import numpy as np

from programs.base import Program, nothing, sgd, shared_values


class Recipe:
    """The weights that a network asks for, in the order in which it does."""

    def __init__(self, rng):
        self.rng, self.values = rng, []

    def weights(self, *shape, gain=2.0):
        fan = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
        return self.add(self.rng.standard_normal(shape) * np.sqrt(gain / fan))

    def constant(self, value, size):
        return self.add(np.full(size, value))

    def add(self, value):
        self.values.append(value.astype("float32"))


class TheanoLayers:
    """Layers of a library with Theano's names. Parameters are taken one after the other."""

    def __init__(self, th, values, training):
        self.th, self.T, self.training = th, th.T, training
        self.params = [th.shared(v) for v in values]
        self.left, self.seen = list(self.params), []

    def take(self):
        return self.left.pop(0)

    def conv(self, x, size, pad, stride):
        return self.th.conv2d(x, self.take(), size, pad, stride)

    def channels(self, b):
        return b.dimshuffle("x", 0, "x", "x")

    def relu(self, x):
        return self.th.relu(x)

    def pool(self, x, size, stride):
        return self.th.max_pool(x, (size, size), (stride, stride))

    def norm(self, x):
        """Batch normalisation. Of the statistics that are kept, training sees the new ones, and other calls the old."""
        gamma, beta, mean, inv_std = self.take(), self.take(), self.take(), self.take()
        self.seen += [mean, inv_std]
        if self.training:
            old = mean, inv_std
            mean = x.mean(axis=(0, 2, 3))
            inv_std = 1 / self.T.sqrt(x.var(axis=(0, 2, 3)) + np.float32(1e-4))
            self.statistics += [(o, np.float32(0.9) * o + np.float32(0.1) * n) for o, n in zip(old, (mean, inv_std))]
        scaled = (x - self.channels(mean)) * self.channels(gamma * inv_std)
        return scaled + self.channels(beta)

    statistics = ()

    def mean(self, x):
        return x.mean(axis=(2, 3))

    def flat(self, x):
        return x.flatten(2)

    def dense(self, x):
        return self.T.dot(x, self.take()) + self.take()


class JaxLayers:
    """The same for JAX."""

    def __init__(self, jax, params, training):
        self.jax, self.jnp, self.training = jax, jax.numpy, training
        self.left, self.statistics = list(params), []

    def take(self):
        return self.left.pop(0)

    def conv(self, x, size, pad, stride):
        flipped = self.take()[:, :, ::-1, ::-1]  # as Theano does
        return self.jax.lax.conv_general_dilated(x, flipped, (stride, stride), [(pad, pad), (pad, pad)])

    def channels(self, b):
        return b[:, None, None]

    def relu(self, x):
        return self.jax.nn.relu(x)

    def pool(self, x, size, stride):
        window, steps = (1, 1, size, size), (1, 1, stride, stride)
        return self.jax.lax.reduce_window(x, -self.jnp.inf, self.jax.lax.max, window, steps, "VALID")

    def norm(self, x):
        gamma, beta, mean, inv_std = self.take(), self.take(), self.take(), self.take()
        if self.training:
            old = mean, inv_std
            mean, inv_std = x.mean((0, 2, 3)), 1 / self.jnp.sqrt(x.var((0, 2, 3)) + 1e-4)
            self.statistics += [0.9 * o + 0.1 * n for o, n in zip(old, (mean, inv_std))]
        return (x - self.channels(mean)) * self.channels(gamma * inv_std) + self.channels(beta)

    def mean(self, x):
        return x.mean((2, 3))

    def flat(self, x):
        return x.reshape(len(x), -1)

    def dense(self, x):
        return x @ self.take() + self.take()


class Network(Program):
    """`network` is written once, for layers of any library; `recipe` makes its weights in the same order."""

    rtol, atol = 2e-2, 2e-3  # a dozen layers of float32, three steps
    limit, limits = 300, {"pytensor": 60}
    size = 32

    def __init__(self, training):
        self.training = training
        self.name = self.stem + ("step" if training else "")
        what = "a training step" if training else "the classes, without training"
        self.title = "%s, float32, %d images of %d x %d: %s" % (self.called, self.batch, self.size, self.size, what)

    def data(self, rng, quick):
        recipe = Recipe(np.random.default_rng(rng.randint(1000)))
        self.recipe(recipe, quick)
        shape = (2 if quick else self.batch, 3, self.size, self.size)
        return {
            "x": rng.normal(size=shape).astype("float32"),
            "y": rng.randint(0, 10, size=shape[0]),
            "params": recipe.values,
            "quick": quick,
        }

    def theano(self, th, data):
        T = th.T
        x, y = th.images("x", "float32", data["x"].shape), T.lvector("y")
        layers = TheanoLayers(th, data["params"], self.training)
        layers.statistics = []
        p = th.softmax(self.network(layers, x, data["quick"]))
        if not self.training:
            classify = th.function([x], p)
            return lambda: [classify(data["x"])], nothing
        loss = -T.mean(T.log(p)[T.arange(y.shape[0]), y])
        weights = [v for v in layers.params if v not in layers.seen]
        updates = sgd(th, loss, weights, np.float32(0.01)) + layers.statistics
        train = th.function([x, y], loss, updates=updates)
        return lambda: [train(data["x"], data["y"])], shared_values(layers.params)

    def jax(self, jax, data):
        jnp = jax.numpy
        quick = data["quick"]
        if not self.training:
            params = [jnp.array(p) for p in data["params"]]
            classify = jax.jit(lambda p, x: jax.nn.softmax(self.network(JaxLayers(jax, p, False), x, quick)))
            return lambda: [np.asarray(classify(params, data["x"]))], nothing
        # A training step gives new statistics where these have no gradient.
        cell = [[jnp.array(p) for p in data["params"]]]

        def loss(params, x, y):
            layers = JaxLayers(jax, params, True)
            logp = jax.nn.log_softmax(self.network(layers, x, quick))
            return -logp[jnp.arange(len(y)), y].mean(), layers.statistics

        def update(params, x, y):
            (value, statistics), grads = jax.value_and_grad(loss, has_aux=True)(params, x, y)
            new = [p - np.float32(0.01) * g for p, g in zip(params, grads)]
            for place, value_of in zip(self.places(quick), statistics):
                new[place] = value_of
            return value, new

        train = jax.jit(update, donate_argnums=(0,))

        def step():
            value, cell[0] = train(cell[0], data["x"], data["y"])
            jax.block_until_ready(cell[0])
            return [np.asarray(value)]

        return step, lambda: list(cell[0])

    def places(self, quick):
        """Where the statistics of batch normalisation stand among the parameters."""
        return []


class VGG(Network):
    stem, called, batch = "vgg16", "VGG-16 (dense layers of 512)", 8

    @staticmethod
    def stages(quick):
        return [(8, 1), (8, 1)] if quick else [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]

    def recipe(self, recipe, quick):
        channels, size = 3, self.size
        for maps, count in self.stages(quick):
            for _ in range(count):
                recipe.weights(maps, channels, 3, 3)
                recipe.constant(0, maps)
                channels = maps
            size //= 2
        width = channels * size * size
        for units in (512, 512, 10):
            recipe.weights(width, units)
            recipe.constant(0, units)
            width = units

    def network(self, layers, x, quick):
        size = self.size
        for _, count in self.stages(quick):
            for _ in range(count):
                x = layers.conv(x, size, 1, 1)
                x = layers.relu(x + layers.channels(layers.take()))
            x, size = layers.pool(x, 2, 2), size // 2
        x = layers.flat(x)
        for _ in range(2):
            x = layers.relu(layers.dense(x))
        return layers.dense(x)


class ResNet(Network):
    stem, called, batch, size = "resnet50", "ResNet-50", 4, 64

    @staticmethod
    def stages(quick):
        return [(8, 1), (8, 2)] if quick else [(64, 3), (128, 4), (256, 6), (512, 3)]

    def recipe(self, recipe, quick):
        def normed(*shape):
            recipe.weights(*shape)
            for value in (1, 0, 0, 1):
                recipe.constant(value, shape[0])

        normed(64, 3, 7, 7)
        channels = 64
        for maps, count in self.stages(quick):
            for block in range(count):
                normed(maps, channels, 1, 1)
                normed(maps, maps, 3, 3)
                normed(4 * maps, maps, 1, 1)
                if block == 0:
                    normed(4 * maps, channels, 1, 1)
                channels = 4 * maps
        recipe.weights(channels, 10, gain=1.0)
        recipe.constant(0, 10)

    def network(self, layers, x, quick):
        x = layers.relu(layers.norm(layers.conv(x, self.size, 3, 2)))
        x, size = layers.pool(x, 3, 2), 15
        for number, (_, count) in enumerate(self.stages(quick)):
            for block in range(count):
                stride = 2 if number and not block else 1
                smaller = (size - 1) // stride + 1
                branch = layers.relu(layers.norm(layers.conv(x, size, 0, stride)))
                branch = layers.relu(layers.norm(layers.conv(branch, smaller, 1, 1)))
                branch = layers.norm(layers.conv(branch, smaller, 0, 1))
                if block == 0:
                    x = layers.norm(layers.conv(x, size, 0, stride))
                x, size = layers.relu(branch + x), smaller
        return layers.dense(layers.mean(x))

    def places(self, quick):
        convolutions = 1 + sum(3 * count + 1 for _, count in self.stages(quick))
        return [5 * i + k for i in range(convolutions) for k in (3, 4)]


class ConvNet(Network):
    stem, called, batch, size = (
        "convnet",
        "a convolutional network (32, 64 and 128 maps of 5 x 5, 5 x 5, 3 x 3)",
        32,
        64,
    )

    def stages(self, quick):
        return [(4, 5), (4, 3)] if quick else [(32, 5), (64, 5), (128, 3)]

    def recipe(self, recipe, quick):
        channels, size = 3, self.size
        for maps, side in self.stages(quick):
            recipe.weights(maps, channels, side, side)
            recipe.constant(0, maps)
            channels, size = maps, (size - side + 1) // 2
        recipe.weights(channels * size * size, 256)
        recipe.constant(0, 256)
        recipe.weights(256, 10, gain=1.0)
        recipe.constant(0, 10)

    def network(self, layers, x, quick):
        size = self.size
        for _, side in self.stages(quick):
            x = layers.pool(layers.conv(x, size, 0, 1), 2, 2)
            x = layers.relu(x + layers.channels(layers.take()))
            size = (size - side + 1) // 2
        return layers.dense(layers.relu(layers.dense(layers.flat(x))))


PROGRAMS = [VGG(False), VGG(True), ResNet(False), ResNet(True), ConvNet(True)]
