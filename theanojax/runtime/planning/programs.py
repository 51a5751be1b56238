"""What a program is, whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from theanojax.runtime.hints import Cells, Value
    from theanojax.runtime.planning.plan import Plan
    from theanojax.runtime.policy.outcome import Outcome
    from theanojax.runtime.policy.patience import Patience
    from theanojax.runtime.xla.entries import Entry
    from theanojax.runtime.xla.steps import Traced

    # a program in C that counts calls, and gives None until it runs them
    InC = Callable[[list[Value], Cells], tuple[list[Value], Outcome] | None]


class Remark:
    """Stands for the plan of what has no stages; `of` is the plan that is followed where the remark does not apply."""

    def __init__(self, text: str, of: object = None) -> None:
        self.text, self.of = text, of

    def __str__(self) -> str:
        return self.text if self.of is None else "%s\n%s" % (self.text, self.of)


class Way(Protocol):
    """The way of a program into C: what runs it, or why nothing does, once that is settled."""

    @property
    def run(self) -> object: ...
    @property
    def refusal(self) -> str | None: ...


class CallsInC(Protocol):
    """What runs calls of a stage in C."""

    def ways(self) -> Sequence[Way]: ...


class Stage(Protocol):
    """A part of a program that XLA runs, for looking at."""

    patience: Patience
    tells: list[str]

    @property
    def in_c(self) -> CallsInC: ...
    @property
    def traced(self) -> Sequence[Traced]: ...


class Program(Protocol):
    """What runs a graph. How a run ended says whether there are outputs, and whether the updates are stored."""

    @property
    def plan(self) -> Plan | Remark: ...

    def run(self, values: list[Value], cells: Cells, /) -> tuple[list[Value], Outcome]: ...
    def all_stages(self) -> Sequence[Stage]: ...


class EnteredProgram(Program, Protocol):
    """A program that C may run as a whole."""

    def when_in_c(self, found: Callable[[Entry], object], /) -> None: ...
