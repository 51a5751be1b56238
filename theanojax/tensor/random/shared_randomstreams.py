"""Random streams whose states are shared variables that update themselves at each call."""

import copy

import numpy as np

from theanojax.graph.shared import SharedVariable, shared, shared_constructor
from theanojax.graph.tracebacks import bounded
from theanojax.tensor.random.raw_random import RandomStreamsBase, random_state_type


class RandomStateSharedVariable(SharedVariable):
    """A shared variable that holds a numpy.random.RandomState."""


@shared_constructor
def randomstate_constructor(value, name=None, strict=False, allow_downcast=None, borrow=False):
    """A shared variable for `value`, a RandomState, a copy of it unless `borrow`; TypeError for anything else."""
    if not isinstance(value, np.random.RandomState):
        raise TypeError()
    return RandomStateSharedVariable(
        type=random_state_type,
        value=value if borrow else copy.deepcopy(value),
        name=name,
        strict=strict,
        allow_downcast=allow_downcast,
    )


class Streams:
    """Shared variables with the states of draws, each seeded by a number from one generator; ``gen`` makes them.

    Parameters
    ----------
    seed : None or int from 0 to 2**32 - 1 (ValueError otherwise), seeds the generator from which each new stream takes
        its own seed.
    """

    def __init__(self, seed=None):
        self.state_updates = []
        self.default_instance_seed = seed
        self.gen_seedgen = np.random.RandomState(seed)

    def updates(self):
        """A list of the pairs (state, its update) of all draws made so far."""
        return list(self.state_updates)

    def _restart(self, seedgen):
        for state, _ in self.state_updates:
            state.set_value(_next_state(seedgen), borrow=True)

    def _drawn(self, make):
        """The draw of ``make(state)``, (the state afterwards, the draw), with its ``.rng`` and ``.update``."""
        state = shared(_next_state(self.gen_seedgen), borrow=True)
        state.tag.is_rng = True
        new_state, out = make(state)
        out.rng, out.update = state, (state, new_state)
        self.state_updates.append(out.update)
        state.default_update = new_state
        return out


def _next_state(seedgen):
    return np.random.RandomState(int(seedgen.randint(2**30)))


@bounded
class RandomStreams(RandomStreamsBase, Streams):
    """numpy.random-like draws as symbolic variables; each call of a function that uses one advances its state.

    Its methods are ``uniform``, ``normal``, ``binomial``, ``poisson`` (whose `lam` must be given), ``choice``,
    ``random_integers``, ``permutation``, ``multinomial`` and ``shuffle_row_elements``. They have the parameters of the
    functions in ``theano.tensor.raw_random`` but for the state, and return the draw alone, with its state as ``.rng``
    and the state's update as ``.update``. A seed gives the numbers that Theano gives.

    Parameters
    ----------
    seed : None or int from 0 to 2**32 - 1 (ValueError otherwise), seeds the generator from which each new stream takes
        its own seed.
    """

    def __init__(self, seed=None):
        super().__init__(seed)

    def seed(self, seed=None):
        """Restart every stream; `seed` None means the seed given at construction, else it is an int as there."""
        self._restart(np.random.RandomState(self.default_instance_seed if seed is None else seed))

    def __getitem__(self, item):
        """The RandomState in the shared variable `item`."""
        return item.get_value(borrow=True)

    def __setitem__(self, item, val):
        """Put the RandomState `val` into the shared variable `item`."""
        item.set_value(val, borrow=True)

    def gen(self, op, *args, **kwargs):
        """A new stream drawn by `op`: the draw, with its state as ``.rng`` and the state's update as ``.update``."""
        return self._drawn(lambda state: op(state, *args, **kwargs))
