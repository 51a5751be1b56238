"""Groups of shared variables that count the calls of functions, so that a torn, lost or repeated update shows.

The variables of a Subject hold one number, the version, in every element. Each function of its updates adds 1 to all
of them and returns what it has read; a function that only looks returns elements of all of them.
"""

import numpy as np

import theano
import theano.tensor as T
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.shared_randomstreams import RandomStreams

SIZE = 200


class Same(theano.Op):
    """Its input; only the host can run it."""

    __props__ = ()

    def make_node(self, x):
        x = T.as_tensor_variable(x)
        return theano.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0].copy()


def plain(s, x):
    return s.a + 1 + 0 * x.sum(), s.b + 1, s.c + 1


def by_the_host(s, x):
    return s.a + 1, Same()(s.b) + 1, s.c + 1 + 0 * T.cast(Same()(x).sum(), "int64")


def by_a_loop(s, x):
    b = theano.scan(lambda h: h * 1, outputs_info=s.b, n_steps=s.k)[0][-1]
    return s.a + 1, b + 1, s.c + 1


def by_a_loop_over_rows(s, x):
    rows = theano.scan(lambda row, h: h + 0 * row, sequences=s.a, outputs_info=s.a[0])[0]
    return rows + 1, s.b + 1, s.c + 1


def with_a_guard(s, x):
    return s.a + (s.a[s.k] - s.a[0] + 1), s.b + 1, s.c + 1


def with_a_shape_from_data(s, x):
    n = T.cast((x * 0).sum() + 3, "int64")
    return s.a + 1, s.b + 1, s.c + T.arange(n).sum() - 2


def with_a_branch(s, x):
    return s.a + 1, theano.ifelse.ifelse(T.gt(s.k, 2), s.b + 1, s.b[::-1] + 1), s.c + 1


def exchanged(s, x):
    return s.a[::-1] + 1, s.b + 1, s.c + 1


KINDS = [
    plain,
    by_the_host,
    by_a_loop,
    by_a_loop_over_rows,
    with_a_guard,
    with_a_shape_from_data,
    with_a_branch,
    exchanged,
]


class Subject:
    """Three shared variables, the functions that count on them, and the counts.

    ``begun`` and ``done`` are lists that only grow, one element a call: an append is whole or is not, and the version
    lies between their lengths.
    """

    def __init__(self, kind, linker="cvm", other=None):
        self.name = "%s/%s" % (kind.__name__, linker)
        self.kind, self.mode, self.other = kind, theano.Mode(linker, "fast_run"), other
        self.a = theano.shared(np.zeros((SIZE, SIZE)), "a")
        self.b = theano.shared(np.zeros(5 * SIZE), "b")
        self.c = theano.shared(np.int64(0), "c")
        self.k = T.lscalar("k")
        self.x = T.dvector("x")
        self.begun, self.done = [], []
        self.look = self.make_look()
        self.step = self.make_step()

    def make_look(self):
        return theano.function(
            [], [self.a[0, 0], self.a[-1, -1], self.a.sum() / SIZE**2, self.b.min(), self.b.max(), self.c]
        )

    def make_step(self):
        outputs = [self.a[0, 0], self.a.mean(), self.b[0], self.c]
        if self.other is not None:  # what another function updates is read as of one moment
            outputs += [self.other.a[0, 0] - self.other.c, self.other.b[-1] - self.other.a[-1, -1]]
        updates = list(zip([self.a, self.b, self.c], self.kind(self, self.x)))
        return theano.function([self.x, self.k], outputs, updates=updates, mode=self.mode, on_unused_input="ignore")

    def call(self, step, x, k):
        """One counted call; returns a complaint or None."""
        self.begun.append(None)
        read = [float(v) for v in step(x, k)]
        self.done.append(None)
        if len(set(read[:4])) != 1 or any(read[4:]):
            return "%s: a call read %s" % (self.name, read)

    def check(self):
        """A complaint if what a look shows is not one version of a possible number, else None."""
        least = len(self.done)
        seen = {float(v) for v in self.look()}
        most = len(self.begun)
        if len(seen) != 1:
            return "%s: a look saw %s" % (self.name, sorted(seen))
        if not least <= seen.pop() <= most:
            return "%s: a version that cannot be, %d calls begun and %d done" % (self.name, most, least)

    def check_values(self):
        """A complaint if the value of a single variable is torn, else None."""
        for v in (self.a, self.b):
            value = v.get_value()
            if value.min() != value.max():
                return "%s: %s holds %s to %s" % (self.name, v, value.min(), value.max())


class Draws:
    """A random stream: no draw comes twice."""

    def __init__(self, streams, name):
        self.name = name
        self.draw = theano.function([], streams.uniform((3,)))
        self.seen = []

    def call(self):
        self.seen.append(tuple(self.draw().tolist()))

    def check(self):
        if len(set(self.seen)) != len(self.seen):
            return "%s: %d draws, %d distinct" % (self.name, len(self.seen), len(set(self.seen)))


def all_subjects():
    subjects = [Subject(kind) for kind in KINDS]
    subjects.append(Subject(plain, "py"))
    subjects.append(Subject(plain, other=subjects[0]))
    subjects.append(Subject(by_a_loop, other=subjects[-1]))
    return subjects


def all_draws():
    return [Draws(RandomStreams(1), "RandomStreams"), Draws(MRG_RandomStreams(1), "MRG_RandomStreams")]
