"""What tracing and running have told about one graph, kept while its plans are made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from theanojax.graph.cells import Cell
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.parallel.arrangement import Arrangement
    from theanojax.runtime.timing.call import Recorder

    # conditionals, which of their branches are taken, inputs and outputs of the graph
    Case = tuple[tuple[Apply, ...], tuple[bool, ...], tuple[Variable, ...], tuple[Variable, ...]]


class Learned:
    """
    Attributes
    ----------
    forced : variables whose value tracing asked for, though they are computed from data.
    host_nodes : node -> why it has no XLA form after all.
    cells : input -> the cell that its value comes from, of shared variables.
    sliced : inputs worth slicing on the host, where XLA would have to copy them whole.
    in_place : large inputs that XLA can read where they lie, as far as has been seen.
    needs : node -> its static needs, built once so that they can be keys.
    branches : graphs with conditionals resolved, so that they are the same objects when plans are made anew.
    compilations : the executables built.
    recorder : timing.call.Recorder, if the graph is profiled.
    arrangement : parallel.arrangement.Arrangement, if the arrays lie on several devices.
    """

    def __init__(self) -> None:
        self.forced: set[Variable] = set()
        self.host_nodes: dict[Apply, str] = {}
        self.cells: dict[Variable, Cell] = {}
        self.sliced: set[Variable] = set()
        self.in_place: set[Variable] = set()
        self.needs: dict[Apply, list[Variable]] = {}
        self.branches: dict[Case, list[Variable]] = {}
        self.compilations = 0
        self.recorder: Recorder | None = None
        self.arrangement: Arrangement | None = None

    def node_needs(self, node: Apply) -> list[Variable]:
        found = self.needs.get(node)
        return self.needs.setdefault(node, list(node.op.static_needs(node))) if found is None else found

    def on_host(self, node: Apply) -> str | None:
        """Why only the host can run `node`, or None."""
        if node in self.host_nodes:
            return self.host_nodes[node]
        if node.op.runs_on_host(node):
            why: str = node.op.why_on_host(node)
            return why
        for v in [*node.inputs, *node.outputs]:
            if getattr(v.type, "host_only", False):
                return "XLA has no values of type %s" % v.type
        return None
