"""The program for shapes that are not worth an executable: numpy, with the loops run by XLA at any length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.op import without_test_values
from theanojax.graph.traverse import io_toposort
from theanojax.runtime.host import HostExecutor, as_thunk, to_host
from theanojax.runtime.planning.analysis import Analysis, dtype_of
from theanojax.runtime.planning.shape_program import compile_program
from theanojax.runtime.policy.loop_kernels import LoopKernels

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Thunk, Value


class PolymorphicExecutor(HostExecutor):
    """A HostExecutor whose loops are LoopKernels and whose integer arithmetic on shapes is one function.

    An error is not blamed on its node: the caller repeats the call on a plain HostExecutor.
    """

    @without_test_values()
    def __init__(
        self,
        fgraph: FunctionGraph | tuple[Sequence[Variable], Sequence[Variable]],
        allow_gc: bool = True,
        own: bool = True,
    ) -> None:
        inputs, outputs = (fgraph.inputs, fgraph.outputs) if isinstance(fgraph, FunctionGraph) else fgraph
        inputs, outputs = list(inputs), list(outputs)
        analysis = Analysis(inputs)
        numbers = shape_arithmetic(inputs, outputs, analysis)
        self.shape_program = compile_program(inputs, numbers, analysis) if numbers else None
        self.makers = [_maker(v) for v in numbers]
        self.kernels: dict[Apply, LoopKernels] = {}  # node -> LoopKernels, which twins share
        super().__init__((inputs + numbers, outputs), allow_gc=allow_gc, own=own)

    @property
    def kernel_count(self) -> int:
        """The executables built for loops so far."""
        return sum(k.executables for k in self.kernels.values())

    def __call__(self, values: Sequence[Value]) -> list[Value]:
        if self.shape_program is not None:
            values = [to_host(v) for v in values]
            numbers = self.shape_program(values)
            values = [*values, *[make(k) for make, k in zip(self.makers, numbers)]]
        return super().__call__(values)

    def _thunk(self, node: Apply) -> Thunk:
        if node.op.loop_steps(node) is None or node.op.runs_on_host(node):
            return super()._thunk(node)
        kernels = self.kernels.get(node)
        if kernels is None:
            kernels = self.kernels[node] = LoopKernels(node, PolymorphicExecutor)
        cells = [self.storage_map[v] for v in node.inputs]
        outs = [self.storage_map[v] for v in node.outputs]
        flags = [self.compute_map[v] for v in node.outputs]

        def thunk() -> None:
            for cell, flag, value in zip(outs, flags, kernels([c[0] for c in cells])):
                cell[0], flag[0] = value, True

        return as_thunk(thunk, cells, outs)


def shape_arithmetic(inputs: Sequence[Variable], outputs: Sequence[Variable], analysis: Analysis) -> list[Variable]:
    """The whole numbers that the graph uses and that follow from scalars and shapes of its inputs."""
    found: dict[Variable, None] = {}

    def is_number(v: Variable) -> bool:
        return (
            v.owner is not None
            and v not in analysis.inputs
            and getattr(v.type, "dtype", None) in ("int64", "bool")
            and getattr(v.type, "ndim", 0) <= 1
            and analysis.cheap(v)
        )

    for node in io_toposort(inputs, outputs):
        if not all(is_number(v) for v in node.outputs):
            found.update((v, None) for v in node.inputs if is_number(v))
    return list(found)


def _maker(v: Variable) -> Callable[[Value], Value]:
    """A function from a number, or tuple of numbers, to a value of the variable `v`."""
    if hasattr(v.type, "ndim"):
        return lambda k: np.array(k, dtype=dtype_of(v))
    number: Callable[[Value], Value] = np.dtype(dtype_of(v)).type
    return number
