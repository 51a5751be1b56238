"""A few operations on numbers, as generated numpy code: a call into XLA costs more than the work. jax is not needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from theanojax.graph.traverse import io_toposort
from theanojax.runtime.planning.analysis import ndim_of
from theanojax.runtime.planning.numpy_code import generate
from theanojax.runtime.planning.programs import Remark

if TYPE_CHECKING:
    from theanojax.graph.variable import Variable
    from theanojax.runtime.planning.numpy_code import Run
    from theanojax.runtime.planning.programs import Program, Stage
    from theanojax.runtime.timing.call import Recorder

MOST_NODES = 12


def scalar_program(
    inputs: Sequence[Variable], outputs: Sequence[Variable], recorder: Recorder | None = None
) -> Program | None:
    """A program, with ``run(values, cells) -> (outputs, DONE)``, for a small graph of Ops on numbers, else None."""
    if not all(ndim_of(v) == 0 for v in (*inputs, *outputs)):
        return None
    order = io_toposort(inputs, outputs)
    if len(order) > MOST_NODES:
        return None
    for node in order:
        if (
            node.op.array_role != "elementwise"
            or node.op.runs_on_host(node)
            or len(node.outputs) != 1
            or not all(ndim_of(v) == 0 for v in node.inputs)
        ):
            return None
    return _Always(generate(inputs, outputs, order, recorder))


class _Always:
    plan = Remark("numpy: a few operations on numbers, as generated code")

    def __init__(self, run: Run) -> None:
        self.run = run

    @staticmethod
    def all_stages() -> list[Stage]:
        return []
