"""The shape program: straight-line Python that computes, on the host before each call, the integers that fix shapes.

What qualifies is cheap by kind: arithmetic on scalar inputs, on the shapes of inputs and on short integer
vectors made of them. The program is generated source; it takes the call's input values and returns a tuple
that can be a key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.graph.contract import same
from theanojax.graph.variable import Constant, Variable
from theanojax.runtime.planning.analysis import dtype_of, order_above_shapes, reads_lengths, scalar_like
from theanojax.runtime.planning.source import Source

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply
    from theanojax.runtime.hints import ShapeProgram
    from theanojax.runtime.planning.analysis import Analysis

REMEMBERED = 4096  # results that a program keeps
_INLINE = {
    "add": "({0} + {1})",
    "sub": "({0} - {1})",
    "mul": "({0} * {1})",
    "lt": "({0} < {1})",
    "gt": "({0} > {1})",
    "le": "({0} <= {1})",
    "ge": "({0} >= {1})",
    "eq": "({0} == {1})",
    "neq": "({0} != {1})",
    "EQ": "({0} == {1})",
    "NEQ": "({0} != {1})",
    "LT": "({0} < {1})",
    "GT": "({0} > {1})",
    "LE": "({0} <= {1})",
    "GE": "({0} >= {1})",
    "minimum": "min({0}, {1})",
    "maximum": "max({0}, {1})",
    "switch": "({1} if {0} else {2})",
}


_GROWING = ("add", "sub", "mul")  # whose result may be too large for its dtype


def compile_program(inputs: Sequence[Variable], outputs: Sequence[Variable], analysis: Analysis) -> ShapeProgram:
    """A function from the list of input values to the tuple of `outputs`: numbers, and tuples for vectors."""
    writer = _Writer(inputs, analysis)
    for v in outputs:
        writer.visit(v)
    return writer.function(outputs)


class _Writer:
    """Writes the lines that compute cheap variables: `leaves` fetch what is needed of inputs, `work` does the rest."""

    def __init__(self, inputs: Sequence[Variable], analysis: Analysis) -> None:
        self.position, self.analysis = {v: i for i, v in enumerate(inputs)}, analysis
        self.leaves = Source(np=np)
        self.names: dict[Variable, str] = {}
        self.work = self.leaves.part()

    def visit(self, v: Variable) -> None:
        """Write what computes `v`."""
        for node in order_above_shapes(self.position, v):
            if node.outputs[0] not in self.names:
                which = reads_lengths(node)
                self.names[node.outputs[0]] = self._computed(node) if which is None else self._lengths(node, which)

    def _lengths(self, node: Apply, which: int | tuple[int, ...]) -> str:
        x = node.inputs[0]
        if not isinstance(which, tuple):
            return self._length(x, which)
        return self.work.let("np.array([%s], dtype='int64')" % ", ".join(self._length(x, i) for i in which))

    def _length(self, x: Variable, i: int) -> str:
        if x in self.position:
            return self.leaves.let("a[%d].shape[%d]" % (self.position[x], i))
        if isinstance(x, Constant):
            return repr(int(np.shape(x.data)[i]))
        shape = self.analysis.shape_of(x)
        assert shape is not None, "only lengths that are known from numbers and shapes are asked for"
        length = shape[i]
        if isinstance(length, Variable):
            self.visit(length)
        return self._name(length)

    def _computed(self, node: Apply) -> str:
        args = [self._name(u) for u in node.inputs]
        if node.op.plain_value is same:
            return args[0]
        inline = _INLINE.get(_scalar_name(node)) if node.op.array_role == "elementwise" else None
        whole = all(scalar_like(u) and dtype_of(u)[0] in "ib" for u in node.inputs + node.outputs)
        if inline and whole and len(args) == inline.count("{"):
            text, dtype = inline.format(*args), np.dtype(dtype_of(node.outputs[0]))
            grows = _scalar_name(node) in _GROWING and dtype.kind in "iu"
            return self.work.let(wrapped(text, dtype) if grows else text)
        run = node.op.plain_value or _runner(node)
        return self.work.let("%s(%s)" % (self.work.bind(run), ", ".join(args)))

    def _name(self, v: Variable | int) -> str:
        if not isinstance(v, Variable):
            return repr(int(v))
        if v in self.names:
            return self.names[v]
        if v in self.position:
            fetch = "a[%d]" % self.position[v]
            self.names[v] = self.leaves.let("%s.item()" % fetch if scalar_like(v) else "np.asarray(%s)" % fetch)
        elif isinstance(v, Constant):
            self.names[v] = self.work.bind(plain(v.data))
        return self.names[v]

    def function(self, outputs: Sequence[Variable]) -> ShapeProgram:
        """What the lines compute of the list of input values; remembered, if it is little more than whole numbers."""
        leaves, work = self.leaves, self.work
        names = [self._name(v) if scalar_like(v) else "tuple(%s.tolist())" % self._name(v) for v in outputs]
        result = "(%s,)" % ", ".join(names)
        used = [v for v in self.names if v in self.position]
        whole_numbers = all(dtype_of(v)[0] in "iub" and scalar_like(v) for v in used)
        if not (whole_numbers and leaves.lines and len(work.lines) > 3):
            return work.function("program(a)", result, leaves)
        key = ", ".join(line.split()[0] for line in leaves.lines)
        leaves.scope.update(compute=work.function("compute(%s)" % key, result), known={})
        leaves.lines += [
            "found = known.get((%s,))" % key,
            "if found is None:",
            "    if len(known) >= %d:" % REMEMBERED,
            "        known.clear()",
            "    found = known[%s,] = compute(%s)" % (key, key),
        ]
        return leaves.function("program(a)", "found")


def wrapped(result: str, dtype: np.dtype) -> str:
    """The expression `result`, whole numbers of Python, as a number of `dtype`, which wraps around."""
    all_bits = 2 ** (8 * dtype.itemsize)
    if dtype.kind == "u":
        return "(%s) & %d" % (result, all_bits - 1)
    return "((%s) + %d & %d) - %d" % (result, all_bits // 2, all_bits - 1, all_bits // 2)


def plain(value: Any) -> Any:
    """A 0-d array or numpy scalar as a Python number; arrays stay."""
    return value.item() if getattr(value, "ndim", None) == 0 else value


def _scalar_name(node: Apply) -> str:
    op: Any = node.op  # elementwise, by its `scalar_op`
    name: str = op.scalar_op.name
    return name


def _runner(node: Apply) -> Callable[..., Any]:
    dtypes = [getattr(v.type, "dtype", None) for v in node.inputs]

    def run(*values: Any) -> Any:
        cell: list[Any] = [None]
        node.perform([np.asarray(v, dtype=d) for v, d in zip(values, dtypes)], [cell])
        return plain(np.asarray(cell[0]))

    return run
