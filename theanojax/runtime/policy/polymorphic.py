"""The program for shapes that are not worth an executable: numpy, with the loops run by XLA at any length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np

from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.locks import compiling
from theanojax.graph.op import without_test_values
from theanojax.graph.traverse import io_toposort
from theanojax.runtime.host import HostExecutor, as_thunk, to_host
from theanojax.runtime.planning.analysis import Analysis, dtype_of
from theanojax.runtime.planning.numpy_code import generate_any
from theanojax.runtime.planning.shape_program import compile_program
from theanojax.runtime.policy.loop_kernels import LoopKernels
from theanojax.runtime.timing.call import is_looked_into

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Thunk, Value
    from theanojax.runtime.planning.numpy_code import Code


class PolymorphicExecutor(HostExecutor):
    """A HostExecutor whose loops are LoopKernels, and which is straight lines of generated Python.

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
        self.numbers = len(numbers)
        self.code: Code | None = None  # all nodes as one function, where that can be
        self._coded = False
        super().__init__((inputs + numbers, outputs), allow_gc=allow_gc, own=own)

    @property
    def kernel_count(self) -> int:
        """The executables built for loops so far."""
        return sum(k.executables for k in self.kernels.values())

    @property
    def settled(self) -> int:
        """The number of these of which it is settled whether they run in C."""
        return sum(way.settled for k in self.kernels.values() for way in list(k.in_c.values()))

    def __call__(self, values: Sequence[Value]) -> list[Value]:
        values = [to_host(v) for v in values]
        numbers = () if self.shape_program is None else self.shape_program(values)
        watched = self.recorder is not None and is_looked_into() is not None
        if not watched and not self._coded:
            with nullcontext() if self.recorder is None else self.recorder.making_of("planning"):
                self._generate()
        if self.code is not None and not watched and not any(v is None for v in values):
            outputs = self.code(values, numbers)
            if outputs is not None:
                return self.own(outputs, values) if callable(self.own) else outputs
        return super().__call__([*values, *[make(k) for make, k in zip(self.makers, numbers)]])

    @without_test_values()
    def _generate(self) -> None:
        inputs = self.fgraph.inputs
        n = len(inputs) - self.numbers
        with compiling.lock:
            self.code = generate_any(
                inputs[:n],
                dict(zip(inputs[n:], self.makers)),
                self.fgraph.outputs,
                self.schedule(),
                self._kernels,
                self.own is True,
            )
            self._coded = True

    def _kernels(self, node: Apply) -> LoopKernels | None:
        """What runs a node that is a loop; None for all others, and where only numpy can."""
        if node.op.loop_steps(node) is None or node.op.runs_on_host(node):
            return None
        with compiling.lock:
            kernels = self.kernels.get(node)
            if kernels is None:
                kernels = self.kernels[node] = LoopKernels(node, PolymorphicExecutor)
        return kernels

    def _thunk(self, node: Apply) -> Thunk:
        kernels = self._kernels(node)
        if kernels is None:
            return super()._thunk(node)
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
    found.update((v, None) for v in outputs if is_number(v))
    return list(found)


def _maker(v: Variable) -> Callable[[Value], Value]:
    """A function from a number, or tuple of numbers, to a value of the variable `v`."""
    if hasattr(v.type, "ndim"):
        dtype = dtype_of(v)
        return lambda k: np.array(k, dtype)
    number: Callable[[Value], Value] = np.dtype(dtype_of(v)).type
    return number
