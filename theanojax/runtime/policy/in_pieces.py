"""Large graphs in pieces, until calls have taken so long that they had better be one program."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

import jax

from theanojax.runtime.policy import background
from theanojax.runtime.xla.specialisation import Specialisation

if TYPE_CHECKING:
    from theanojax.runtime.hints import Cells, Signature, Value
    from theanojax.runtime.planning.plan import Plan
    from theanojax.runtime.planning.programs import Program, Stage
    from theanojax.runtime.policy.outcome import Outcome
    from theanojax.runtime.xla.stage import XlaStage

COMPILED_IN = 1e-3  # seconds a node, about, that XLA takes for a large graph


class InPieces:
    """The program of a large graph: `pieces`, which are soon compiled, and `whole`, which is quicker to call.

    Once calls have taken as long as XLA is thought to take for the whole, it is compiled in the background, for the
    shapes of the last call; so a function that is called a few times never waits, and one that is called often loses
    little.
    """

    def __init__(self, plan: Plan, whole: Program, pieces: Program, stage: XlaStage) -> None:
        """`plan` and `stage` are those of `whole`."""
        self.whole, self.pieces, self.plan, self.stage = whole, pieces, pieces.plan, stage
        self.places = [plan.inputs.index(v) for v in stage.inputs]
        self.shape_program = plan.shape_program
        self.left = COMPILED_IN * len(stage.nodes)  # seconds of calls before the whole is worth it
        self.asked = False

    def all_stages(self) -> list[Stage]:
        """The XlaStages of both."""
        return [*self.pieces.all_stages(), self.stage]

    def run(self, values: list[Value], cells: Cells) -> tuple[list[Value], Outcome]:
        """See Stages."""
        if self.asked and isinstance(self.stage.ahead.get(self._signature(values)), Specialisation):  # not an error
            return self.whole.run(values, cells)
        learned = self.stage.learned
        compilations, start = learned.compilations, perf_counter()
        result = self.pieces.run(values, cells)
        if learned.compilations == compilations:  # to compile the pieces is no time that the whole would save
            self.left -= perf_counter() - start
        if self.left < 0 and not self.asked:
            signature = self._signature(values)
            given = [jax.ShapeDtypeStruct(np.shape(values[i]), values[i].dtype) for i in self.places]
            if background.start(lambda: self.stage.compile_ahead(signature, given)):  # no other call has done it
                self.asked = True
        return result

    def _signature(self, values: list[Value]) -> Signature:
        key = () if self.shape_program is None else self.shape_program(values)
        return key, tuple([values[i].shape for i in self.places])
