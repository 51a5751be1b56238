"""What programs share."""

import numpy as np


class Program:
    name = title = ""
    repeated = True
    rtol, atol = 1e-6, 1e-8
    limit, limits = 120, {}  # seconds that a process may take

    def data(self, rng, quick):
        return {}

    def tolerance(self, contender):
        return self.rtol, self.atol


def nothing():
    """The state of a program that keeps none."""
    return []


def uniform(rng, *shape):
    """Small weights."""
    return rng.uniform(-1, 1, size=shape) * np.sqrt(3.0 / shape[0])


def sgd(th, loss, params, rate):
    """Updates of plain gradient descent."""
    return [(p, p - rate * g) for p, g in zip(params, th.grad(loss, params))]


def shared_values(params):
    return lambda: [p.get_value() for p in params]


def jax_training(jax, loss, params, rate):
    """(step, state) of gradient descent on ``loss(params, *arguments)``, as one would write it in JAX."""
    cell = [tuple(jax.numpy.array(p) for p in params)]

    def update(params, *arguments):
        value, grads = jax.value_and_grad(loss)(params, *arguments)
        return value, tuple(p - p.dtype.type(rate) * g for p, g in zip(params, grads))

    compiled = jax.jit(update, donate_argnums=(0,))

    def step(*arguments):
        value, cell[0] = compiled(cell[0], *arguments)
        jax.block_until_ready(cell[0])
        return [np.asarray(value)]

    return step, lambda: list(cell[0])
