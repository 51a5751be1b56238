"""The libraries under test behind one set of names, so that a program for Theano's API is written once."""

import importlib

import numpy


def load(contender):
    """The object that programs are given: an Api, the jax module or numpy."""
    if contender == "numpy":
        return importlib.import_module("numpy")
    if contender == "jax":
        jax = importlib.import_module("jax")
        jax.config.update("jax_enable_x64", True)
        importlib.import_module("jax.numpy")
        return jax
    if contender.startswith("pytensor"):
        return PyTensorApi("JAX" if contender == "pytensor-jax" else None)
    return TheanoApi()


def versions(contender):
    """The versions of the libraries that matter to `contender`."""
    names = {
        "theanojax": ["theanojax", "jax", "numpy"],
        "theano": ["theano", "numpy"],
        "pytensor": ["pytensor", "numpy"],
        "pytensor-jax": ["pytensor", "jax"],
        "jax": ["jax", "jaxlib"],
        "numpy": ["numpy"],
    }[contender]
    from importlib import metadata

    return {n: metadata.version({"theano": "Theano"}.get(n, n)) for n in names}


class TheanoApi:
    """Theano's names, of Theano itself and of theanojax."""

    def __init__(self):
        import theano
        import theano.tensor as T

        self.theano, self.T = theano, T
        self.function, self.shared, self.grad = theano.function, theano.shared, T.grad

    def scan(self, *args, **kwargs):
        return self.theano.scan(*args, **kwargs)

    def ifelse(self, *args):
        from theano.ifelse import ifelse

        return ifelse(*args)

    def sigmoid(self, x):
        return self.T.nnet.sigmoid(x)

    def softmax(self, x):
        return self.T.nnet.softmax(x)

    def images(self, name, dtype, shape):
        return self.T.TensorType(dtype, (False,) * len(shape))(name)

    def relu(self, x):
        return self.T.nnet.relu(x)

    def conv2d(self, x, w, size, pad=0, stride=1):
        return self.T.nnet.conv2d(x, w, border_mode=(pad, pad), subsample=(stride, stride))

    def max_pool(self, x, size, stride=None):
        from theano.tensor.signal.pool import pool_2d

        return pool_2d(x, size, ignore_border=True, stride=stride)

    def bernoulli_stream(self, seed):
        """A function of (probabilities, shape) that draws zeros and ones."""
        from theano.sandbox.rng_mrg import MRG_RandomStreams

        stream = MRG_RandomStreams(seed)
        return lambda p, size: stream.binomial(size=size, n=1, p=p, dtype="float64")


class PyTensorApi:
    """The same names on PyTensor, where it has the function."""

    def __init__(self, mode):
        import pytensor
        import pytensor.tensor as pt

        self.theano, self.T, self.mode = pytensor, pt, mode
        self.shared, self.grad = pytensor.shared, pt.grad

    def function(self, *args, **kwargs):
        if self.mode is None:
            return self.theano.function(*args, **kwargs)
        compiled = self.theano.function(*args, mode=self.mode, **kwargs)

        def finished(*values):
            """The call, until its results are there: this mode gives arrays that are still being computed."""
            results = compiled(*values)
            return [numpy.asarray(r) for r in results] if isinstance(results, list) else numpy.asarray(results)

        return finished

    def scan(self, *args, **kwargs):
        return self.theano.scan(*args, **kwargs)

    def ifelse(self, *args):
        from pytensor.ifelse import ifelse

        return ifelse(*args)

    def sigmoid(self, x):
        return self.T.sigmoid(x)

    def softmax(self, x):
        return self.T.special.softmax(x, axis=-1)

    def images(self, name, dtype, shape):
        return self.T.tensor(name, dtype=dtype, shape=shape)  # its JAX mode reshapes to known shapes only

    def relu(self, x):
        return self.T.maximum(x, numpy.float32(0))

    def conv2d(self, x, w, size, pad=0, stride=1):
        """PyTensor has no convolution of images with channels: gathered patches and one matrix product."""
        maps, channels, rows, columns = w.get_value(borrow=True).shape
        if pad:
            x = self.T.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
        height, width = ((size + 2 * pad - side) // stride + 1 for side in (rows, columns))
        i, j, k, l = numpy.ogrid[:height, :width, :rows, :columns]
        down, across = numpy.broadcast_arrays(i * stride + k, j * stride + l)
        patches = x[:, :, down, across].transpose(0, 2, 3, 1, 4, 5)
        patches = patches.reshape((-1, channels * rows * columns))
        flipped = w[:, :, ::-1, ::-1].reshape((maps, channels * rows * columns))
        return self.T.dot(patches, flipped.T).reshape((-1, height, width, maps)).transpose(0, 3, 1, 2)

    def max_pool(self, x, size, stride=None):
        """Nor has it pooling: the maximum of slices."""
        down, across = stride or size
        rows, columns = ((n - s) // d + 1 for n, s, d in zip(x.type.shape[2:], size, (down, across)))
        slices = [
            x[:, :, i : i + rows * down : down, j : j + columns * across : across]
            for i in range(size[0])
            for j in range(size[1])
        ]
        best = slices[0]
        for other in slices[1:]:
            best = self.T.maximum(best, other)
        return best

    def bernoulli_stream(self, seed):
        stream = self.T.random.utils.RandomStream(seed)
        return lambda p, size: self.T.cast(stream.bernoulli(p, size=size), "float64")
