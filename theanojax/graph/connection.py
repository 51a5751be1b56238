"""Which outputs depend on which inputs: of one Apply node, and of a whole graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from theanojax.graph.traverse import io_toposort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from theanojax.graph.variable import Apply, Variable


def connection_pattern(node: Apply) -> list[list[bool]]:
    """A matrix of bools: entry [i][o] tells whether output `o` of the Apply `node` is a function of input `i`.

    That is what ``node.op.connection_pattern(node)`` says; without such a method everything is connected.
    Raises TypeError or ValueError when the method returns anything but a list (inputs) of lists (outputs).
    """
    op = node.op
    if not hasattr(op, "connection_pattern"):
        return [[True] * len(node.outputs) for _ in node.inputs]
    pattern = op.connection_pattern(node)
    if not isinstance(pattern, list):
        raise TypeError(
            "Op.connection_pattern should return list of list of bool, but for Op=%s got %s with type %s."
            % (op, pattern, type(pattern))
        )
    if len(pattern) != len(node.inputs):
        raise ValueError("%s.connection_pattern should have %d rows but has %d." % (op, len(node.inputs), len(pattern)))
    for i, row in enumerate(pattern):
        if not isinstance(row, list):
            raise TypeError(
                "%s.connection_pattern should return a list of lists, but element %d is %s of type %s."
                % (op, i, row, type(row))
            )
        if len(row) != len(node.outputs):
            raise ValueError(
                "%s.connection_pattern should have %d columns but row %d has %d." % (op, len(node.outputs), i, len(row))
            )
    return pattern


def io_connection_pattern(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> list[list[bool]]:
    """The connection pattern of a graph: entry [i][o] tells whether ``outputs[o]`` is a function of ``inputs[i]``."""
    reach = {v: {i} for i, v in enumerate(inputs)}  # variable -> positions of the inputs that it depends on
    for node in io_toposort(inputs, outputs):
        pattern = connection_pattern(node)
        for o, out in enumerate(node.outputs):
            found = set()
            for i, v in enumerate(node.inputs):
                if pattern[i][o]:
                    found |= reach.get(v, set())
            reach[out] = found
    return [[i in reach.get(out, ()) for out in outputs] for i in range(len(inputs))]
