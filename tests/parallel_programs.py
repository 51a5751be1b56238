"""The programs of test_parallel.py, in a process of their own: how many devices there are is said before jax starts.

    python tests/parallel_programs.py compare|feed ...

`compare` prints, for each program, how far the losses of 2 and 4 devices are from those of one. In `feed` this is one
of several processes; it writes the losses that it has seen.
"""

import json
import os
import signal
import sys

import numpy as np

import theanojax
import theanojax.tensor as T
from theanojax.tensor.nnet import conv2d
from theanojax.tensor.random.mrg import MRG_RandomStreams
from theanojax.tensor.signal.pool import pool_2d

BATCH = 16


def weights(rng, *shape, **more):
    return theanojax.shared(rng.randn(*shape) / np.sqrt(shape[0]), **more)


def trained(cost, parameters, rate=0.1):
    return [(p, p - rate * g) for p, g in zip(parameters, T.grad(cost, parameters))]


def classified(scores, y):
    return T.nnet.categorical_crossentropy(T.nnet.softmax(scores), y).mean()


def logistic(rng):
    x, y = T.dmatrix("x"), T.ivector("y")
    w, b = weights(rng, 12, 3), theanojax.shared(np.zeros(3))
    cost = -T.log(T.nnet.softmax(T.dot(x, w) + b))[T.arange(y.shape[0]), y].mean()
    return [x, y], cost, [w, b]


def mlp(rng):
    x, y = T.dmatrix("x"), T.ivector("y")
    w1, b1, w2, b2 = (
        weights(rng, 12, 16),
        theanojax.shared(np.zeros(16)),
        weights(rng, 16, 3),
        theanojax.shared(np.zeros(3)),
    )
    hidden = T.tanh(T.dot(x, w1) + b1)
    kept = MRG_RandomStreams(7).binomial(size=hidden.shape, p=0.8, dtype="float64")
    return [x, y], classified(T.dot(hidden * kept, w2) + b2, y), [w1, b1, w2, b2]


def lstm(rng):
    x, y = T.dtensor3("x"), T.ivector("y")
    w, u, v = weights(rng, 4, 24), weights(rng, 6, 24), weights(rng, 6, 3)

    def step(now, h, c):
        gates = T.dot(now, w) + T.dot(h, u)
        i, f, o, new = gates[:, :6], gates[:, 6:12], gates[:, 12:18], gates[:, 18:]
        c = T.nnet.sigmoid(f) * c + T.nnet.sigmoid(i) * T.tanh(new)
        return T.nnet.sigmoid(o) * T.tanh(c), c

    start = T.zeros((x.shape[0], 6))
    (h, _), _ = theanojax.scan(step, sequences=x.dimshuffle(1, 0, 2), outputs_info=[start, start])
    return [x, y], classified(T.dot(h[-1], v), y), [w, u, v]


def lenet(rng):
    x, y = T.dtensor4("x"), T.ivector("y")
    k, w, b = weights(rng, 3, 1, 3, 3), weights(rng, 27, 3), theanojax.shared(np.zeros(3))
    maps = T.tanh(pool_2d(conv2d(x, k), (2, 2), ignore_border=True))
    return [x, y], classified(T.dot(maps.flatten(2), w) + b, y), [k, w, b]


def embedding(rng):
    words, y = T.imatrix("words"), T.ivector("y")
    table, w = weights(rng, 40, 6, name="table", sharding="data"), weights(rng, 6, 3)
    return [words, y], classified(T.dot(table[words].mean(axis=1), w), y), [table, w]


SHAPES = {logistic: (12,), mlp: (12,), lstm: (5, 4), lenet: (1, 8, 8), embedding: (7,)}


def batches(program, steps):
    """Batches of one size, and each fifth, but of LeNet, which compiles for long, of one that nothing divides."""
    rng = np.random.RandomState(5)
    for i in range(steps):
        rows = BATCH if i % 5 < 4 or program is lenet else BATCH - 3
        shape = (rows, *SHAPES[program])
        x = rng.randint(0, 40, shape).astype("int32") if program is embedding else rng.randn(*shape)
        yield x, (x.reshape(rows, -1)[:, -3:] > np.median(x)).sum(1).clip(0, 2).astype("int32")


def train_function(program, devices=None, **more):
    """The function that trains, on so many devices, and its parameters; one device without any word of others."""
    inputs, cost, parameters = program(np.random.RandomState(3))
    if devices == 1:
        for p in parameters:
            p.sharding = None
    parallel = False if devices == 1 else theanojax.data_parallel(batch=inputs, mesh=devices, **more)
    f = theanojax.function(inputs, cost, updates=trained(cost, parameters), parallel=parallel, name=program.__name__)
    return f, parameters


def losses(program, steps, devices):
    f, parameters = train_function(program, devices)
    costs = [float(f(*batch)) for batch in batches(program, steps)]
    assert not f.fn.executor.fallbacks
    return np.array(costs + [float(np.abs(p.get_value()).sum()) for p in parameters])


def compare(steps):
    for program in SHAPES:
        one = losses(program, steps, 1)
        for devices in (2, 4):
            difference = (np.abs(losses(program, steps, devices) - one) / np.abs(one)).max()
            early, late = one[:10].mean(), one[steps - 10 : steps].mean()
            print(json.dumps([program.__name__, devices, float(difference), float(early), float(late)]))


def feed(steps, folder, save_at, die_at):
    """Train in several processes and keep what was seen in `folder`; a checkpoint, if there is one, goes first.

    Process 1 kills itself before step `die_at`, once.
    """
    from theanojax import parallel

    seen, died = {}, os.path.join(folder, "died")
    for program in SHAPES:
        f, _ = train_function(program)
        path = os.path.join(folder, program.__name__ + ".npz")
        begin = (parallel.restore(path, [f]) or {"step": 0})["step"]
        seen[program.__name__] = costs = []
        for i, batch in enumerate(batches(program, steps)):
            if i < begin:
                continue
            if i == die_at and parallel.process_index() == 1 and not os.path.exists(died):
                open(died, "w").close()
                os.kill(os.getpid(), signal.SIGKILL)
            costs.append([i, float(f(*map(parallel.part, batch)))])
            if i + 1 == save_at:
                parallel.save(path, [f], {"step": i + 1})
    with open(os.path.join(folder, "seen%d.json" % parallel.process_index()), "w") as file:
        json.dump(seen, file)


if __name__ == "__main__":
    what, steps, *arguments = sys.argv[1:]
    if what == "compare":
        compare(int(steps))
    elif what == "alone":
        print(
            json.dumps({program.__name__: losses(program, int(steps), 1).tolist()[: int(steps)] for program in SHAPES})
        )
    else:
        feed(int(steps), arguments[0], *map(int, arguments[1:]))
