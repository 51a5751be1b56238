"""XLA stages whose instructions have the names of nodes."""

import zlib
from contextlib import contextmanager

import jax

from theanojax.runtime.timing.hlo import Owners
from theanojax.runtime.timing.scopes import Scopes
from theanojax.runtime.xla.stage import XlaStage

_traces: list = []  # for each trace that is being made: name of a module -> hlo.Owners


class NamedStage(XlaStage):
    """An XlaStage that traces its nodes in named scopes. What it computes, and what it gives away, is the same."""

    def __init__(self, plan, learned):
        super().__init__(plan, learned)
        self.scopes = Scopes(self.nodes)
        self.module = "theanojax_%08x" % _fingerprint(self.inputs, self.nodes)

    def _traced_call(self, signature, args, *rest):
        result = super()._traced_call(signature, args, *rest)
        if _traces:
            given = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in (*self._unstopped(), *args, *self._constants())]
            found = result[0].special.function.lower(*given).compile()  # jit has compiled it already
            self.tell(Owners(found.as_text(), self.scopes))
        return result

    def tell(self, owners):
        """Let the traces that are being made know whose the instructions are."""
        for modules in _traces:
            modules["jit_" + self.module] = owners

    def give_name(self, function):
        function.__name__ = function.__qualname__ = self.module

    def _jit(self, function, donated):
        self.give_name(function)
        return super()._jit(function, donated)


def wanted():
    """Whether stages that are made now should have names, for a trace."""
    return bool(_traces)


@contextmanager
def naming():
    """A context in which stages have names; its value tells of their modules whose the instructions are."""
    modules = {}
    _traces.append(modules)
    try:
        yield modules
    finally:
        _traces[:] = [other for other in _traces if other is not modules]


def _fingerprint(inputs, nodes):
    """A number that tells stages apart whose nodes are numbered differently: executables are kept by what they do,
    and those that have been kept have the numbers of the stage that they were made for.
    """
    numbers = {v: i for i, v in enumerate(inputs)}
    parts = []
    for node in nodes:
        parts.append((str(node.op), [numbers.setdefault(v, len(numbers)) for v in (*node.inputs, *node.outputs)]))
    return zlib.crc32(repr(parts).encode())
