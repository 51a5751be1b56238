"""The graphs of a compiled function: the user's, ready to be rewritten, and the one that programs look at."""

from theanojax.compile.aliasing import Supervisor, insert_deepcopy
from theanojax.compile.io import SymbolicOutput
from theanojax.compile.mode import get_mode
from theanojax.config import config, flags_of_thread
from theanojax.graph.destroy import DestroyHandler
from theanojax.graph.features import PreserveVariableAttributes
from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.op import ops_with_inner_function
from theanojax.graph.rewriting.base import SeqOptimizer
from theanojax.graph.traverse import clone_get_equiv


def std_fgraph(input_specs, output_specs, accept_inplace=False):
    """The FunctionGraph of some inputs and outputs, a copy of the user's, and the list of its updates' outputs.

    `input_specs` and `output_specs` are lists of In and Out. Updates of inputs become further outputs, in the order of
    the inputs. Raises TypeError if the graph has in-place Ops and `accept_inplace` is False.
    """
    updates, update_mapping = [], {}
    for i, spec in enumerate(input_specs):
        if spec.update is not None:
            update_mapping[len(output_specs) + len(updates)] = i
            updates.append(spec.update)
    fgraph = FunctionGraph(
        [spec.variable for spec in input_specs],
        [spec.variable for spec in output_specs] + updates,
        update_mapping=update_mapping,
    )
    inplace = next((n for n in fgraph.apply_nodes if getattr(n.op, "destroy_map", None)), None)
    if inplace is not None:
        if not accept_inplace:
            raise TypeError("Graph must not contain inplace operations", inplace, inplace.op)
        fgraph.attach_feature(DestroyHandler())
    destroyed = fgraph.has_destroyers if hasattr(fgraph, "has_destroyers") else lambda inputs: False
    fgraph.attach_feature(
        Supervisor(v for spec, v in zip(input_specs, fgraph.inputs) if not spec.mutable and not destroyed([v]))
    )
    for feature in std_fgraph.features:
        fgraph.attach_feature(feature())
    return fgraph, [SymbolicOutput(v) for v in updates]


std_fgraph.features = [PreserveVariableAttributes]


class RewrittenAgain:
    """Makes the graph to look at: the user's, rewritten by everything that the mode has, in its order.

    What runs was made without the rewrites that XLA gains nothing from. They have their place among the others, so
    all are run again. `optimizer` is that of the mode by default. `prepare`, if it is set, is called with the maker and
    returns the specifications of inputs and outputs, and features for the graph.
    """

    prepare = None

    def __init__(self, optimizer=None):
        self.optimizer = optimizer

    def __call__(self, maker):
        optimizer = get_mode(maker.mode).optimizer if self.optimizer is None else self.optimizer
        with flags_of_thread(compute_test_value="off", **{"traceback.limit": config.traceback.compile_limit}):
            inputs, outputs, features = self.prepare(maker) if self.prepare else (maker.inputs, maker.outputs, ())
            fgraph, updates = std_fgraph(inputs, outputs, maker.accept_inplace)
            for feature in features:
                fgraph.attach_feature(feature)
            shown = optimizer.without_running() if isinstance(optimizer, SeqOptimizer) else optimizer
            shown(fgraph)
            insert_deepcopy(fgraph, inputs, outputs + updates)
            _compile_inner_graphs(fgraph, maker.executed_fgraph)
        fgraph.name, fgraph.profile = maker.name, maker.profile
        return fgraph


def _compile_inner_graphs(fgraph, executed):
    """Give the loops in `fgraph` their compiled inner graphs, which they may share with those that run."""
    compiled = {}
    for node in executed.apply_nodes:
        if node.op.loop_steps(node) is not None:
            compiled[node.op] = node.op
    for node in fgraph.apply_nodes:
        if node.op.loop_steps(node) is not None:
            attr, twin = ops_with_inner_function[type(node.op)], compiled.get(node.op)
            if hasattr(twin, attr):
                setattr(node.op, attr, getattr(twin, attr))
            else:
                node.op.compile_step()


class CopiedFrom:
    """Makes the graph to look at from that of the FunctionMaker `original`; the rest is as of `copied_graph`."""

    def __init__(self, original, n_outputs, swapped):
        self.original, self.n_outputs, self.swapped = original, n_outputs, swapped

    def __call__(self, maker):
        fgraph = copied_graph(self.original.fgraph, self.n_outputs, self.swapped)
        fgraph.name, fgraph.profile = maker.name, maker.profile
        return fgraph


def copied_graph(fgraph, n_outputs, swapped):
    """A copy of `fgraph` with its first `n_outputs` outputs.

    `swapped` is a dict from positions of inputs to variables of the same type that stand there in the copy.
    """
    outputs = fgraph.outputs[:n_outputs]
    memo = clone_get_equiv(fgraph.inputs, outputs)
    twin = FunctionGraph([memo[v] for v in fgraph.inputs], [memo[v] for v in outputs], clone=False)
    for i, new in swapped.items():
        inner, stand_in = twin.inputs[i], new.clone()
        twin.inputs[i] = stand_in
        twin.import_var(stand_in, "Swap SV")
        twin.replace(inner, stand_in, reason="Swap SV")
    twin.keeps_subnormals = fgraph.keeps_subnormals
    if any(getattr(node.op, "destroy_map", None) for node in twin.apply_nodes):
        twin.attach_feature(DestroyHandler())
    return twin
