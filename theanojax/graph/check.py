"""A checker for graphs: what must hold before and after every rewrite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant

if TYPE_CHECKING:
    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.graph.type import PureType
    from theanojax.graph.variable import Apply

    Signature = tuple[list[PureType], list[PureType]]


class GraphError(Exception):
    """A graph breaks a rule; the message lists all that is wrong. See docs/errors.md#grapherror."""


def check_graph(fgraph: FunctionGraph, signature: Signature | None = None) -> Signature:
    """Raise GraphError unless the FunctionGraph `fgraph` is sound.

    Clients, owners and membership must agree, there must be no cycle, each output of a node must have the type that
    its Op gives for these inputs (dtype exactly; dimensions known to have length 1 may be known on one side only),
    and the types of the graph's outputs must be those of `signature`, as ``graph_signature`` returned it before.
    Returns the signature of the graph as it is.
    """
    problems = []
    fgraph.check_integrity()
    for node in io_toposort(fgraph.inputs, fgraph.outputs):
        problems += _node_problems(node)
    now = graph_signature(fgraph)
    if signature is not None and now != signature:
        problems.append("the types of inputs and outputs were %s and are %s" % (signature, now))
    if problems:
        raise GraphError("\n".join(problems))
    return now


def graph_signature(fgraph: FunctionGraph) -> Signature:
    """The types of the inputs and outputs, which no rewrite may change."""
    return [v.type for v in fgraph.inputs], [v.type for v in fgraph.outputs]


def _node_problems(node: Apply) -> list[str]:
    found = []
    for i, v in enumerate(node.outputs):
        if v.owner is not node or v.index != i:
            found.append("output %d of %s does not belong to it" % (i, node))
    for v in node.inputs:
        if isinstance(v, Constant) and not v.type.is_valid_value(v.data):
            found.append("the constant %s of %s does not fit its type %s" % (v, node, v.type))
    try:
        again = node.op.make_node(*node.inputs)
    except Exception as e:
        return found + ["%s cannot be applied to its inputs %s: %s" % (node.op, [v.type for v in node.inputs], e)]
    for old, new in zip(node.outputs, again.outputs):
        if not _compatible(old.type, new.type):
            found.append("%s gives %s but its output has type %s" % (node, new.type, old.type))
    return found


def _compatible(a: PureType, b: PureType) -> bool:
    if a == b:
        return True
    return (
        getattr(a, "dtype", None) == getattr(b, "dtype", 0)
        and hasattr(a, "broadcastable")
        and len(a.broadcastable) == len(getattr(b, "broadcastable", ()))
    )
