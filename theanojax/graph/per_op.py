"""What has been found out about single Ops."""

import weakref
from functools import partial


class PerOp:
    """A function of Ops that remembers its answers, by identity: comparing Ops is slow.

    An answer goes with its Op: a Scan holds whole graphs, which nothing here keeps alive.
    """

    def __init__(self, find):
        self.find = find
        self._known: dict = {}

    def __call__(self, op):
        found = self._known.get(id(op))
        if found is None:
            found = self._known[id(op)] = weakref.ref(op, partial(self._forget, id(op))), self.find(op)
        return found[1]

    def _forget(self, key, reference):
        if self._known.get(key, (None,))[0] is reference:
            del self._known[key]

    def __reduce__(self):
        return PerOp, (self.find,)
