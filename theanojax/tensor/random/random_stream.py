"""Random streams of Theano-PyMC: the random variables of theanojax.tensor.random.basic, with states of their own."""

import functools
import importlib

from theanojax.graph.tracebacks import bounded
from theanojax.tensor.random.op import RandomVariable
from theanojax.tensor.random.shared_randomstreams import Streams


@bounded
class RandomStream(Streams):
    """The random variables of a module as methods, each call with a state that is kept in a shared variable.

    ``stream.normal(loc, scale, size=...)`` is ``normal(loc, scale, size=..., rng=state)`` of
    theanojax.tensor.random.basic; it has the state as ``.rng`` and its update as ``.update``. A seed gives the numbers
    that Theano-PyMC gives.

    Parameters
    ----------
    seed : None or int from 0 to 2**32 - 1 (ValueError otherwise), seeds the generator from which each new stream takes
        its own seed.
    namespace : a module, or another object, with the RandomVariables; by default theanojax.tensor.random.basic.
    """

    def __init__(self, seed=None, namespace=None):
        super().__init__(seed)
        self.namespaces = [namespace or importlib.import_module("theanojax.tensor.random.basic")]

    def __getattr__(self, name):
        found = (getattr(space, name, None) for space in vars(self).get("namespaces", ()))
        op = next((value for value in found if isinstance(value, RandomVariable)), None)
        if op is None:
            raise AttributeError("No attribute %s." % name)

        @functools.wraps(op, updated=())
        def draw(*args, **kwargs):
            return self.gen(op, *args, **kwargs)

        return draw

    def seed(self, seed=None):
        """Restart every stream, and the generator of their seeds; None means the seed given at construction."""
        self.gen_seedgen.seed(self.default_instance_seed if seed is None else seed)
        self._restart(self.gen_seedgen)

    def gen(self, op, *args, **kwargs):
        """The draw of the RandomVariable `op`, called with a new stream as ``rng``; TypeError if `rng` is given."""
        if "rng" in kwargs:
            raise TypeError("The rng option cannot be used with a variate in a RandomStream")

        def make(state):
            draw = op(*args, **kwargs, rng=state)
            return draw.owner.outputs[0], draw

        return self._drawn(make)
