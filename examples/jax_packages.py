"""Packages made for JAX inside Theano's graphs, and Theano's graphs inside these packages.

Each function here is one way to put the two together, trains a small regression in it, and returns its loss before and
after. ``pip install equinox flax optax``, then ``python examples/jax_packages.py`` runs all of them.
"""

import numpy as np

import jax

import theano
import theano.tensor as T
import theanojax

RNG = np.random.RandomState(0)
X = RNG.uniform(-1, 1, (64, 3))
Y = np.sin(X.sum(axis=1, keepdims=True) * 2)
STEPS = 60


def graph():
    """(inputs, cost) of a perceptron in Theano, whose weights are shared variables."""
    x, y = T.dmatrix("x"), T.dmatrix("y")
    w, b = theano.shared(RNG.randn(3, 16) * 0.5, "w"), theano.shared(np.zeros(16), "b")
    v = theano.shared(RNG.randn(16, 1) * 0.3, "v")
    return [x, y], ((T.dot(T.tanh(T.dot(x, w) + b), v) - y) ** 2).mean()


def shared_leaves(tree):
    """A pytree of arrays as one of shared variables."""
    return jax.tree.map(lambda value: theano.shared(np.asarray(value)), tree)


def descend(cost, weights, inputs, rate=0.1):
    """Train `weights` by Theano: (loss before, loss after)."""
    slopes = T.grad(cost, weights)
    updates = [(w, (w - rate * g).astype(w.dtype)) for w, g in zip(weights, slopes, strict=True)]
    train = theano.function(inputs, cost, updates=updates)
    losses = [float(train(X, Y)) for _ in range(STEPS)]
    return losses[0], losses[-1]


# ---------------------------------------------------------------- optax
def optax_around():
    """A cost in Theano, trained by optax: the dict of shared values is the pytree of parameters."""
    import optax

    inputs, cost = graph()
    loss = theanojax.to_jax(cost, inputs)
    optimizer, values = optax.adam(0.03), loss.values()
    state, before = optimizer.init(values), float(loss(values, X, Y))

    @jax.jit
    def step(values, state):
        changes, state = optimizer.update(jax.grad(loss)(values, X, Y), state)
        return optax.apply_updates(values, changes), state

    for _ in range(STEPS):
        values, state = step(values, state)
    loss.set_values(values)  # and Theano goes on with them
    return before, float(theano.function(inputs, cost)(X, Y))


def optax_inside():
    """optax's step as an Op: what it remembers lies in shared variables, as the weights do."""
    import optax

    inputs, cost = graph()
    weights = [v for v in theano.gof.graph.inputs([cost]) if isinstance(v, theano.compile.SharedVariable)]
    optimizer = optax.adam(0.03)
    memory, form = jax.tree.flatten(optimizer.init([w.get_value() for w in weights]))
    memory = shared_leaves(memory)

    @theanojax.from_jax
    def improved(weights, slopes, memory):
        changes, state = optimizer.update(slopes, jax.tree.unflatten(form, memory))
        return optax.apply_updates(weights, changes), jax.tree.leaves(state)

    new_weights, new_memory = improved(weights, T.grad(cost, weights), memory)
    pairs = zip(weights + memory, new_weights + new_memory, strict=True)
    train = theano.function(inputs, cost, updates=[(old, new.astype(old.dtype)) for old, new in pairs])
    losses = [float(train(X, Y)) for _ in range(STEPS)]
    return losses[0], losses[-1]


# ---------------------------------------------------------------- equinox
def equinox_inside():
    """A module of equinox in a graph: its arrays are shared variables, and Theano differentiates and trains."""
    import equinox

    arrays, static = equinox.partition(equinox.nn.MLP(3, 1, 16, 1, key=jax.random.key(0)), equinox.is_array)
    params = shared_leaves(arrays)
    call = theanojax.from_jax(lambda params, x: jax.vmap(equinox.combine(params, static))(x))
    x, y = T.dmatrix("x"), T.dmatrix("y")
    return descend(((call(params, x) - y) ** 2).mean(), jax.tree.leaves(params), [x, y])


def equinox_around():
    """A graph of Theano as a layer of a module of equinox, which optax trains."""
    import equinox
    import optax

    h, w = T.dmatrix("h"), theano.shared(RNG.randn(16, 1) * 0.3, "w")
    layer = theanojax.to_jax(T.dot(T.tanh(h), w), [h])

    class Model(equinox.Module):
        first: equinox.nn.Linear
        values: dict

        def __call__(self, x):
            return layer(self.values, jax.vmap(self.first)(x))

    model = Model(equinox.nn.Linear(3, 16, key=jax.random.key(1)), layer.values())
    optimizer = optax.adam(0.03)

    @equinox.filter_value_and_grad
    def loss(model):
        return ((model(X) - Y) ** 2).mean()

    @equinox.filter_jit
    def step(model, state):
        cost, slopes = loss(model)
        changes, state = optimizer.update(slopes, state)
        return equinox.apply_updates(model, changes), state, cost

    state, losses = optimizer.init(equinox.filter(model, equinox.is_array)), []
    for _ in range(STEPS):
        model, state, cost = step(model, state)
        losses.append(float(cost))
    layer.set_values(model.values)
    return losses[0], losses[-1]


# ---------------------------------------------------------------- flax
def flax_inside():
    """A module of flax.nnx in a graph: its state is a pytree of shared variables."""
    from flax import nnx

    class Perceptron(nnx.Module):
        def __init__(self, rngs):
            self.first, self.second = nnx.Linear(3, 16, rngs=rngs), nnx.Linear(16, 1, rngs=rngs)

        def __call__(self, x):
            return self.second(nnx.tanh(self.first(x)))

    kind, state = nnx.split(Perceptron(nnx.Rngs(0)))
    leaves, form = jax.tree.flatten(state)
    params = shared_leaves(leaves)
    call = theanojax.from_jax(lambda params, x: nnx.merge(kind, jax.tree.unflatten(form, params))(x))
    x, y = T.dmatrix("x"), T.dmatrix("y")
    return descend(((call(params, x) - y) ** 2).mean(), params, [x, y])


def flax_around():
    """A graph of Theano in a module of flax.nnx, whose parameters are the values of the shared variables."""
    import optax
    from flax import nnx

    inputs, cost = graph()
    loss = theanojax.to_jax(cost, inputs)

    class Model(nnx.Module):
        def __init__(self):
            self.weights = nnx.Dict({name: nnx.Param(value) for name, value in loss.values().items()})

        def values(self):
            return {name: param[...] for name, param in self.weights.items()}

    model = Model()
    optimizer = nnx.Optimizer(model, optax.adam(0.03), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer):
        cost, slopes = nnx.value_and_grad(lambda model: loss(model.values(), X, Y))(model)
        optimizer.update(model, slopes)
        return cost

    losses = [float(step(model, optimizer)) for _ in range(STEPS)]
    loss.set_values(model.values())
    return losses[0], losses[-1]


WAYS = [optax_around, optax_inside, equinox_inside, equinox_around, flax_inside, flax_around]

if __name__ == "__main__":
    for way in WAYS:
        before, after = way()
        print("%-16s loss %.3f, after %d steps %.3f" % (way.__name__, before, STEPS, after))
