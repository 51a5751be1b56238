"""XLA stages whose instructions have the names of nodes."""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from theanojax.runtime.timing.hlo import Owners
from theanojax.runtime.timing.scopes import Scopes
from theanojax.runtime.xla.stage import XlaStage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Signature, Value
    from theanojax.runtime.planning.learned import Learned
    from theanojax.runtime.planning.plan import StagePlan
    from theanojax.runtime.policy.outcome import Outcome
    from theanojax.runtime.xla.specialisation import Ready

    Modules = dict[str, Owners]

_traces: list[Modules] = []  # name of a module -> hlo.Owners, for each trace that is being made


class NamedStage(XlaStage):
    """An XlaStage that traces its nodes in named scopes. What it computes, and what it gives away, is the same."""

    scopes: Scopes

    def __init__(self, plan: StagePlan, learned: Learned) -> None:
        super().__init__(plan, learned)
        self.scopes = Scopes(self.nodes)
        self.module = "theanojax_%08x" % _fingerprint(self.inputs, self.nodes)

    def _traced_call(
        self, signature: Signature, args: list[Value], *call: Any
    ) -> tuple[Ready, Sequence[Value], Outcome]:
        result = super()._traced_call(signature, args, *call)
        if _traces:
            text = self.traced_for(result[0].special, args).lower().compile().as_text()  # jit has compiled it already
            if text is not None:  # not every backend tells
                self.tell(Owners(text, self.scopes))
        return result

    def tell(self, owners: Owners) -> None:
        """Let the traces that are being made know whose the instructions are."""
        for modules in _traces:
            modules["jit_" + self.module] = owners

    def give_name(self, function: Callable[..., Any]) -> None:
        function.__name__ = function.__qualname__ = self.module


def wanted() -> bool:
    """Whether stages that are made now should have names, for a trace."""
    return bool(_traces)


@contextmanager
def naming() -> Iterator[Modules]:
    """A context in which stages have names; its value tells of their modules whose the instructions are."""
    modules: Modules = {}
    _traces.append(modules)
    try:
        yield modules
    finally:
        _traces[:] = [other for other in _traces if other is not modules]


def _fingerprint(inputs: Iterable[Variable], nodes: Iterable[Apply]) -> int:
    """A number that tells stages apart whose nodes are numbered differently: executables are kept by what they do,
    and those that have been kept have the numbers of the stage that they were made for.
    """
    numbers = {v: i for i, v in enumerate(inputs)}
    parts = []
    for node in nodes:
        parts.append((str(node.op), [numbers.setdefault(v, len(numbers)) for v in (*node.inputs, *node.outputs)]))
    return zlib.crc32(repr(parts).encode())
