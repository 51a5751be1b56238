"""Loops that tests of what a loop keeps have in common: they take a number of steps and a vector."""

import theano
import theano.tensor as T


def one_state(n_steps, y):
    """A state with the row before."""
    return theano.scan(lambda p, y: p * y + 1, outputs_info=T.ones_like(y), non_sequences=y, n_steps=n_steps)[0]


def two_taps(n_steps, y):
    """A state with the rows one and three steps before."""
    start = {"initial": T.stack([y, y + 1, y - 1]), "taps": [-1, -3]}
    return theano.scan(lambda q, p, y: p * y + q, outputs_info=start, non_sequences=y, n_steps=n_steps)[0]
