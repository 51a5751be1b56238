"""The libraries under test behind one set of names, so that a program for Theano's API is written once."""

import importlib


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
    names = {"theanojax": ["theanojax", "jax", "numpy"], "theano": ["theano", "numpy"],
             "pytensor": ["pytensor", "numpy"], "pytensor-jax": ["pytensor", "jax"], "jax": ["jax", "jaxlib"],
             "numpy": ["numpy"]}[contender]
    from importlib import metadata

    return {n: metadata.version({"theano": "Theano"}.get(n, n)) for n in names}


class TheanoApi:
    """Theano's names, of Theano itself and of theanojax."""

    same_draws = True

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

    def conv2d(self, x, w):
        return self.T.nnet.conv2d(x, w)

    def max_pool(self, x, size):
        from theano.tensor.signal.pool import pool_2d

        return pool_2d(x, size, ignore_border=True)

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
        if self.mode is not None:
            kwargs["mode"] = self.mode
        return self.theano.function(*args, **kwargs)

    def scan(self, *args, **kwargs):
        return self.theano.scan(*args, **kwargs)

    def ifelse(self, *args):
        from pytensor.ifelse import ifelse

        return ifelse(*args)

    def sigmoid(self, x):
        return self.T.sigmoid(x)

    def softmax(self, x):
        return self.T.special.softmax(x, axis=-1)

    def conv2d(self, x, w):
        raise NotImplementedError("PyTensor has no convolution of images with channels, and no pooling")

    max_pool = conv2d

    def bernoulli_stream(self, seed):
        stream = self.T.random.utils.RandomStream(seed)
        return lambda p, size: self.T.cast(stream.bernoulli(p, size=size), "float64")
