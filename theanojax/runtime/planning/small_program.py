"""A few operations on some hundred numbers, as generated numpy code: a call into XLA takes longer, and so does to
compile it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.config import config
from theanojax.graph.op import Op
from theanojax.graph.signals import by_signal
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant
from theanojax.runtime.host import to_host
from theanojax.runtime.planning.analysis import ndim_of, reads_lengths
from theanojax.runtime.planning.numpy_code import generate_any
from theanojax.runtime.planning.programs import Remark
from theanojax.runtime.policy.outcome import DONE, REPLAY
from theanojax.runtime.xla import platform

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Cells, Value
    from theanojax.runtime.planning.numpy_code import Code
    from theanojax.runtime.planning.programs import EnteredProgram, InC
    from theanojax.runtime.policy.outcome import Outcome

MOST_NODES = 20  # numpy takes one to two microseconds for each, a call into XLA twenty


class SmallProgram:
    """Runs generated numpy code where the arguments have few numbers, else the program `otherwise`."""

    def __init__(self, code: Code, otherwise: EnteredProgram, in_c: InC | None) -> None:
        """`in_c` counts calls, and once it has been called often, runs them."""
        self.code, self.in_c, self.most = code, in_c, config.numpy_elements
        self.otherwise, self.all_stages, self.when_in_c = otherwise, otherwise.all_stages, otherwise.when_in_c
        self.plan = Remark("numpy, as generated code, for up to %d numbers; else" % self.most, otherwise.plan)

    def run(self, values: list[Value], cells: Cells) -> tuple[list[Value], Outcome]:
        if sum([v.size for v in values]) > self.most:
            return self.otherwise.run(values, cells)
        if self.in_c is not None:
            ending = self.in_c(values, cells)
            if ending is not None:
                return ending
        try:
            outs = self.code([to_host(v) for v in values], ())
        except Exception as error:  # the host says what is wrong
            if by_signal(error):
                raise
            return [], REPLAY
        return ([], REPLAY) if outs is None else (outs, DONE)


def small_program(
    inputs: Sequence[Variable], outputs: Sequence[Variable], otherwise: EnteredProgram, in_c: InC | None
) -> SmallProgram | None:
    """A SmallProgram for a graph of few nodes whose results are as large as their arguments make them; else None."""
    order = io_toposort(inputs, outputs)
    if not config.numpy_elements or not platform.numpy_keeps_up or len(order) > MOST_NODES:
        return None
    if not all(hasattr(v.type, "broadcastable") for v in inputs) or not all(map(_is_small, order)):
        return None
    code = generate_any(inputs, {}, outputs, order, lambda node: None, True)
    return None if code is None else SmallProgram(code, otherwise, in_c)


def _is_small(node: Apply) -> bool:
    """Whether numpy takes a microsecond or two for a node, if its inputs are small."""
    op: Any = node.op
    if op.runs_on_host(node) or any(getattr(v.data, "size", 0) > config.numpy_elements for v in _constants(node)):
        return False
    of_numbers = not any(map(ndim_of, [*node.inputs, *node.outputs]))
    if op.array_role is not None or reads_lengths(node) is not None or of_numbers:
        return True
    # what is as long as values say may be long, unless it is a part of what is there
    bounded = bool(getattr(op, "view_map", None)) or all(map(_is_length, op.static_needs(node)))
    return type(op).numpy_code is not Op.numpy_code and bounded


def _is_length(v: Variable) -> bool:
    """Whether `v` is a length of something, or a small constant."""
    if isinstance(v, Constant):
        return bool(np.all(abs(np.asarray(v.data)) <= config.numpy_elements))
    return v.owner is not None and reads_lengths(v.owner) is not None


def _constants(node: Apply) -> list[Constant]:
    return [v for v in node.inputs if isinstance(v, Constant)]
