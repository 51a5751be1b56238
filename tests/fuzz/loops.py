"""Steps: scan, ifelse and random streams."""

import numpy as np

import theano
import theano.tensor as T
from theano.ifelse import ifelse
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor import raw_random

from .builder import Builder, kind_of, shape_of, step


def body(b, arguments, steps):
    """What a few random steps make of a loop's arguments."""
    inner = Builder(b.rng, arguments)
    for _ in range(steps):
        inner.take_step(fixed=True)
    made = [v for v in inner.pool[len(arguments) :] if v.owner is not None]
    return made or list(arguments)


def summary(v):
    """A float64 between -1 and 1 that depends on all of `v`."""
    v = abs(v) if kind_of(v) == "c" else v
    return T.tanh(T.sum(T.cast(v, "float64")) * 0.3)


@step(0.8)
def scan(b):
    sequence = b.take("fi", ndim=(1, 2), ok=lambda v: 1 <= shape_of(v)[0] <= 5)
    if sequence is None:
        return None
    extra = b.take("fi", ndim=(0, 1))
    backwards = b.chance(0.3)
    how = b.int(0, 6)
    if how == 0:
        return theano.map(lambda x, e: b.one(body(b, [x, e], 2)), [sequence], [extra])[0]
    if how == 1:
        fold = b.one([theano.foldl, theano.foldr])
        start = T.cast(b.take("f", 0), "float64")
        return fold(lambda x, h, e: T.tanh(h + summary(b.one(body(b, [x, h, e], 1)))), [sequence], start, [extra])[0]
    if how == 2:
        state = T.cast(b.take("f", ndim=(1, 2), least=1), "float64")
        steps = b.one([b.int(1, 5), b.below(3) + 1, sequence.shape[0]])
        return theano.scan(
            lambda h, e: T.tanh(h * 0.5 + summary(b.one(body(b, [h, e], 2)))),
            outputs_info=[state],
            non_sequences=[extra],
            n_steps=steps,
            go_backwards=backwards,
        )[0]
    if how == 3:
        start = T.cast(b.take("f", shape=(2,)), "float64")
        return theano.scan(
            lambda x, old, new: old * 0.5 - new + summary(x),
            [sequence],
            [{"initial": start, "taps": [-2, -1]}],
            go_backwards=backwards,
        )[0]
    if how == 4:
        return theano.scan(
            lambda x: ((T.cast(x, "float64") * 2).sum(), theano.scan_module.until(T.gt(T.sum(x), 2))), [sequence]
        )[0]
    start = T.cast(b.take("f", 0), "float64")

    def both(x, h, e):
        made = b.one(body(b, [x, h, e], 2))
        return T.tanh(h + summary(made)), made

    return theano.scan(both, [sequence], [start, None], [extra], go_backwards=backwards, strict=False)[0]


@step(0.6, fixed=False)
def conditional(b):
    v = b.take("fib", ok=lambda v: v.owner is not None)
    if v is None:
        return None
    u = b.take(ok=lambda u: u.type == v.type) or v + 1
    if u.type != v.type:
        u = T.zeros_like(v)
    condition = b.one([T.gt(b.scalar_int(), 0), b.scalar_int(), T.gt(b.take("f", 0), 0)])
    if b.chance(0.3):
        w = T.tanh(b.take("f"))
        return ifelse(condition, [v, w], [u, w * 2])
    return ifelse(condition, v, u)


@step(0.3)
def mrg(b):
    stream = MRG_RandomStreams(b.int(1, 10**6))
    shape = b.one([(3,), (2, 3), (1, 4), (2,)])
    size = shape if b.chance() else tuple(T.constant(n) + 0 * T.cast(b.below(2), "int64") for n in shape)
    dtype = b.one(["float64", "float32"])
    how = b.int(0, 6)
    if how == 0:
        return stream.normal(size, dtype=dtype, ndim=len(shape))
    if how == 1:
        return stream.binomial(size, p=0.4, ndim=len(shape))
    if how == 2:
        return stream.multinomial(pvals=T.nnet.softmax(b.take("d", shape=(2, 3))), dtype="int64")
    if how == 3:
        return stream.choice(size=2, replace=False, p=T.nnet.softmax(b.take("f", shape=(2, 4))))
    return stream.uniform(size, dtype=dtype, ndim=len(shape), nstreams=b.one([None, 4]))


@step(0.2)
def numpy_random(b):
    """Draws of numpy's generator, whose state is an input."""
    if b.inner:
        return None
    state = raw_random.random_state_type("r%d" % len(b.inputs))
    b.add_input(state, np.random.RandomState(b.int(0, 10**6)))
    name = b.one(
        ["uniform", "normal", "binomial", "random_integers", "poisson", "permutation", "choice", "multinomial"]
    )
    if name == "multinomial":
        return raw_random.multinomial(state, (3,), 2, [0.25, 0.75])[1]
    size = {"permutation": (2,)}.get(name, b.one([(3,), (2, 3)]))
    args = {"permutation": {"n": 4}, "choice": {"a": 5}}.get(name, {})
    return getattr(raw_random, name)(state, size, **args)[1]
