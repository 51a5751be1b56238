"""Small graphs of large arguments as generated numpy code, where a copy for XLA costs more than the work itself.

Reductions and matrix-vector products read the arguments, with elementwise work on vectors around them, such as the
training step of a logistic regression. numpy reads these arguments where they lie. XLA would have to copy them into
aligned memory first (the sum of an 80 MB argument takes numpy 9 ms, the copy and XLA's sum 25 to 35 ms), and its
matrix-vector product takes twice BLAS's time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.graph.op import Op
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant
from theanojax.runtime.host import to_host
from theanojax.runtime.planning.analysis import broadcastable, dtype_of, ndim_of, reads_lengths
from theanojax.runtime.planning.numpy_code import generate
from theanojax.runtime.planning.programs import Remark
from theanojax.runtime.xla import platform
from theanojax.runtime.xla.transfer import STAGED_BYTES

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Cells, Value
    from theanojax.runtime.planning.programs import EnteredProgram, InC
    from theanojax.runtime.policy.outcome import Outcome
    from theanojax.runtime.timing.call import Recorder

MOST_NODES = 60
BYTES_PER_ELEMENT = 16  # of large arguments, that pay for one elementwise operation of numpy in place of XLA's

_WIDE = ("float64", "complex128", "int64", "uint64")  # where numpy adds up in the dtype of the input


class NumpyProgram:
    """Runs generated numpy code where its large arguments are numpy arrays, else the program `otherwise`."""

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        order: Sequence[Apply],
        large: Collection[Variable],
        otherwise: EnteredProgram,
        in_c: InC | None,
        recorder: Recorder | None = None,
    ) -> None:
        """`in_c` counts calls, and once it has been called often, runs them."""
        self.generated = generate(inputs, outputs, order, recorder)
        self.large = [i for i, v in enumerate(inputs) if v in large]
        self.small = [i for i, v in enumerate(inputs) if v not in large and ndim_of(v)]
        self.vector_nodes = sum(
            bool(ndim_of(n.outputs[0])) and n.outputs[0] not in large
            for n in order
            if n.op.array_role not in ("reduction", "view", "product")
        )
        self.otherwise, self.all_stages, self.each_way_in = otherwise, otherwise.all_stages, otherwise.each_way_in
        self.in_c = in_c
        self.plan = Remark("numpy, as generated code, where the arguments make it quicker; else", otherwise.plan)

    def run(self, values: list[Value], cells: Cells) -> tuple[list[Value], Outcome]:
        if self._pays(values):
            if self.in_c is not None:
                ending = self.in_c(values, cells, 1)
                if ending is not None:
                    return ending
            return self.generated([to_host(v) for v in values])
        return self.otherwise.run(values, cells)

    def _pays(self, values: Sequence[Value]) -> bool:
        read = length = 0
        for i in self.large:
            v = values[i]
            if type(v) is np.ndarray:
                read += v.nbytes
            length = max(length, *v.shape)
        if read <= STAGED_BYTES:
            return False
        for i in self.small:
            length = max(length, values[i].size)
        return self.vector_nodes * length * BYTES_PER_ELEMENT <= read


def numpy_program(
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    otherwise: EnteredProgram,
    in_c: InC | None,
    recorder: Recorder | None = None,
) -> NumpyProgram | None:
    """A NumpyProgram for a graph of vectors that only reduces and multiplies its large arguments, else None."""
    order = io_toposort(inputs, outputs)
    if not platform.numpy_keeps_up or len(order) > MOST_NODES:
        return None
    large = _only_read(inputs, outputs, order)
    if not any(v in large for v in inputs):
        return None
    for node in order:
        if any(isinstance(v, Constant) and _lengths(v) > 1 for v in node.inputs):
            return None
        if node.outputs[0] in large or reads_lengths(node) is not None:
            continue
        if (
            node.op.runs_on_host(node)
            or type(node.op).compute is Op.compute
            or len(node.outputs) != 1
            or _lengths(node.outputs[0]) > 1
        ):
            return None
        if any(_lengths(v) > 1 and v not in large for v in node.inputs):
            return None
    return NumpyProgram(inputs, outputs, order, large, otherwise, in_c, recorder)


def _only_read(inputs: Sequence[Variable], outputs: Sequence[Variable], order: Sequence[Apply]) -> set[Variable]:
    """The arrays among `inputs`, and their transposes, of which the graph uses nothing but reductions and products."""
    large = {v for v in inputs if ndim_of(v)}
    large |= {n.outputs[0] for n in order if n.inputs and n.inputs[0] in large and _is_transpose(n)}
    large.difference_update(outputs)
    while True:
        used = {v for n in order for v in n.inputs if v in large and not _reads(n, v, large)}
        used |= {n.inputs[0] for n in order if _is_transpose(n) and n.outputs[0] not in large} & large
        used |= {n.outputs[0] for n in order if _is_transpose(n) and n.inputs[0] not in large} & large
        if not used:
            return large
        large -= used


def _reads(node: Apply, v: Variable, large: set[Variable]) -> bool:
    if node.op.array_role == "reduction":
        return dtype_of(v) in _WIDE
    if node.op.array_role == "product":
        return dtype_of(node.outputs[0]) == dtype_of(v) and any(ndim_of(u) == 1 for u in node.inputs)
    return reads_lengths(node) is not None or node.outputs[0] in large


def _is_transpose(node: Apply) -> bool:
    op: Any = node.op
    return op.array_role == "view" and not op.augment and not op.drop


def _lengths(v: Variable) -> int:
    """The number of dimensions that may be longer than 1."""
    return sum(not b for b in broadcastable(v))
