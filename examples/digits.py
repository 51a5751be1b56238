"""Handwritten digits with a multilayer perceptron and with a LeNet, the way Theano's users wrote them.

    python examples/digits.py [mlp] [lenet]

The data are scikit-learn's 1797 digits of 8 x 8 pixels; every fifth one is held out. Each network is trained by
minibatch gradient descent, data and parameters in shared variables, and must then name the held-out digits as well
as NETWORKS says; the exit status is 1 if it does not.
"""

import sys
import time

import numpy
from sklearn.datasets import load_digits

import theano
import theano.tensor as T
from theano.tensor.nnet import conv2d
from theano.tensor.signal.pool import pool_2d

BATCH = 20


def load():
    """(training images and labels, held-out images and labels), as shared variables."""
    images, labels = load_digits(return_X_y=True)
    order = numpy.random.RandomState(1234).permutation(len(labels))
    images, labels = images[order] / 16.0, labels[order]
    held_out = numpy.arange(len(labels)) % 5 == 0

    def share(rows):
        return (
            theano.shared(numpy.asarray(images[rows], dtype=theano.config.floatX), borrow=True),
            T.cast(theano.shared(numpy.asarray(labels[rows], dtype=theano.config.floatX), borrow=True), "int32"),
        )

    return share(~held_out), share(held_out)


class Dense:
    """``activation(input . W + b)``"""

    def __init__(self, rng, input, n_in, n_out, activation):
        bound = numpy.sqrt(6.0 / (n_in + n_out))
        self.W = theano.shared(rng.uniform(-bound, bound, (n_in, n_out)).astype(theano.config.floatX), name="W")
        self.b = theano.shared(numpy.zeros(n_out, dtype=theano.config.floatX), name="b")
        self.params = [self.W, self.b]
        self.output = activation(T.dot(input, self.W) + self.b)


class ConvPool:
    """Convolution, maximum over squares of `pool` pixels, tanh."""

    def __init__(self, rng, input, filter_shape, image_shape, pool):
        fan_in = numpy.prod(filter_shape[1:])
        fan_out = filter_shape[0] * numpy.prod(filter_shape[2:]) / pool**2
        bound = numpy.sqrt(6.0 / (fan_in + fan_out))
        self.W = theano.shared(rng.uniform(-bound, bound, filter_shape).astype(theano.config.floatX), name="W")
        self.b = theano.shared(numpy.zeros(filter_shape[0], dtype=theano.config.floatX), name="b")
        self.params = [self.W, self.b]
        maps = conv2d(input, self.W, filter_shape=filter_shape, input_shape=image_shape)
        self.output = T.tanh(pool_2d(maps, (pool, pool), ignore_border=True) + self.b.dimshuffle("x", 0, "x", "x"))


def mlp(rng, x):
    """64 pixels, 100 hidden units, 10 classes: (probabilities, layers)."""
    hidden = Dense(rng, x, 64, 100, T.tanh)
    top = Dense(rng, hidden.output, 100, 10, T.nnet.softmax)
    return top.output, [hidden, top]


def lenet(rng, x):
    """20 maps of 3 x 3, halved, 50 maps of 2 x 2, 100 hidden units, 10 classes: (probabilities, layers)."""
    first = ConvPool(rng, x.reshape((-1, 1, 8, 8)), (20, 1, 3, 3), (None, 1, 8, 8), pool=2)
    second = ConvPool(rng, first.output, (50, 20, 2, 2), (None, 20, 3, 3), pool=1)
    hidden = Dense(rng, second.output.flatten(2), 50 * 2 * 2, 100, T.tanh)
    top = Dense(rng, hidden.output, 100, 10, T.nnet.softmax)
    return top.output, [first, second, hidden, top]


# name -> (network, learning rate, accuracy asked for)
NETWORKS = {"mlp": (mlp, 0.3, 0.96), "lenet": (lenet, 0.1, 0.97)}


def train(network, rate, epochs=30, weight_decay=1e-4):
    """The accuracy on the held-out digits after `epochs` passes over the others."""
    (train_x, train_y), (test_x, test_y) = load()
    index, x, y = T.lscalar("index"), T.matrix("x"), T.ivector("y")
    probabilities, layers = network(numpy.random.RandomState(23455), x)
    params = [p for layer in layers for p in layer.params]
    cost = -T.mean(T.log(probabilities)[T.arange(y.shape[0]), y])
    cost += weight_decay * sum((layer.W**2).sum() for layer in layers)
    updates = [(p, p - rate * g) for p, g in zip(params, T.grad(cost, params))]
    batch = slice(index * BATCH, (index + 1) * BATCH)
    step = theano.function([index], cost, updates=updates, givens={x: train_x[batch], y: train_y[batch]})
    errors = theano.function([], T.mean(T.neq(T.argmax(probabilities, axis=1), y)), givens={x: test_x, y: test_y})
    batches = train_x.get_value(borrow=True).shape[0] // BATCH
    for epoch in range(1, epochs + 1):
        mean_cost = numpy.mean([step(i) for i in range(batches)])
        if epoch % 10 == 0:
            print("epoch %2d: cost %.4f, %.2f %% of the held-out digits wrong" % (epoch, mean_cost, 100 * errors()))
    return 1 - float(errors())


def main(names):
    reached = True
    for name in names or NETWORKS:
        network, rate, wanted = NETWORKS[name]
        print("%s:" % name)
        start = time.time()
        accuracy = train(network, rate)
        print(
            "%s: %.2f %% right after %.1f s (at least %.0f %% are asked for)"
            % (name, 100 * accuracy, time.time() - start, 100 * wanted)
        )
        reached = reached and accuracy >= wanted
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
