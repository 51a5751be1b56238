"""Calls that run on several devices go one after the other.

Two whose devices start in another order each would wait for each other for ever. And where one gives away what another
is about to read, XLA ends the process: it starts some devices before it finds out that there is nothing to read.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from theanojax.graph.cells import on_device
from theanojax.graph.locks import nesting

if TYPE_CHECKING:
    from theanojax.runtime.hints import Cells, Value
    from theanojax.runtime.planning.programs import Program
    from theanojax.runtime.policy.outcome import Outcome

_lock = threading.RLock()


def turn() -> AbstractContextManager[object]:
    """The context of a call on several devices."""
    return nullcontext() if nesting.serving else _lock


class InTurn:
    """A program for one device, in a process that has several: it runs wherever the values lie that it is given."""

    def __init__(self, program: Program) -> None:
        self.program, self.plan, self.all_stages = program, program.plan, program.all_stages

    def run(self, values: list[Value], cells: Cells) -> tuple[list[Value], Outcome]:
        if any(on_device(v) and v.sharding.num_devices > 1 for v in values):
            with turn():
                return self.program.run(values, cells)
        return self.program.run(values, cells)
