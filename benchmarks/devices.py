"""A step of an MLP on several devices: how docs/scale.md was measured.

    XLA_FLAGS=--xla_force_host_platform_device_count=2 python -m benchmarks.devices 2 1024 1024
    theanojax launch -n 2 benchmarks/devices.py 2 1024 1024

The arguments are the number of devices, the units of a layer and the rows of the batch.
"""

import sys
import time

import numpy as np

import theanojax
import theanojax.tensor as T
from theanojax import parallel

STEPS = 40


def main(devices, units, rows):
    rng = np.random.RandomState(0)
    x, y = T.matrix("x"), T.ivector("y")

    def weights(*shape):
        return theanojax.shared((rng.randn(*shape) / np.sqrt(shape[0])).astype(theanojax.config.floatX))

    layers = weights(784, units), weights(units, units), weights(units, 10)
    hidden = T.tanh(T.dot(T.tanh(T.dot(x, layers[0])), layers[1]))
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(T.dot(hidden, layers[2])), y).mean()
    rate = np.asarray(0.1, theanojax.config.floatX)
    how = theanojax.data_parallel(batch=[x, y], mesh=devices, even=True) if devices > 1 else False
    updates = [(w, w - rate * g) for w, g in zip(layers, T.grad(cost, list(layers)))]
    train = theanojax.function([x, y], cost, updates=updates, parallel=how)
    batch = rng.randn(rows, 784).astype(theanojax.config.floatX), rng.randint(0, 10, rows).astype("int32")
    batch = [parallel.part(array) for array in batch]
    seconds = []
    for _ in range(STEPS):
        start = time.perf_counter()
        train(*batch)
        seconds.append(time.perf_counter() - start)
    if parallel.process_index() == 0:
        moved = sum(size for _, _, size in parallel.collectives(train))
        best, median = 1e3 * min(seconds), 1e3 * float(np.median(seconds))
        print("best %.2f ms, median %.2f ms, %d bytes by collectives" % (best, median, moved))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
