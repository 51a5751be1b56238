"""What a program is, whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from theanojax.graph.cells import Cell
    from theanojax.runtime.hints import Cells, Value
    from theanojax.runtime.planning.plan import Plan
    from theanojax.runtime.policy.outcome import Outcome
    from theanojax.runtime.policy.patience import Patience
    from theanojax.runtime.xla.steps import Traced

    # a program in C that counts calls, so many at once, and gives None until it runs them
    InC = Callable[[list[Value], Cells, int], tuple[list[Value], Outcome] | None]


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


class Calls(NamedTuple):
    """The calls of a function, for what runs them whole.

    Attributes
    ----------
    arguments : how many there are.
    cells : what has the values after them.
    updated : where the updates go.
    numbers : for each argument, whether it may be a Python number.
    single : whether the result is that of one output, or None, but no list.
    other : what is asked if a call is of another kind.
    """

    arguments: int
    cells: Sequence[list[Any]]
    updated: Sequence[Cell]
    numbers: Sequence[bool]
    single: bool
    other: Callable[..., Any] | None


class WayIn(Protocol):
    """How a whole call runs with nothing between; see `xla.entries.Entry`."""

    def reads_all(self, arguments: int, /) -> bool: ...
    def bound(self, calls: Calls, /) -> Callable[..., Any] | None: ...


class EnteredProgram(Program, Protocol):
    """A program of which whole calls may run with nothing between: `found` is told how, now or later."""

    def each_way_in(self, found: Callable[[WayIn], object], /) -> None: ...
