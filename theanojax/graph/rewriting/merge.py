"""Merging: equal constants become one constant, equal applications one application."""

from __future__ import annotations

import time
import warnings
from copy import deepcopy
from typing import TYPE_CHECKING

from theanojax.errors import InconsistencyError
from theanojax.graph.fgraph import AlreadyThere, FunctionGraph
from theanojax.graph.rewriting.base import Optimizer, merge_dict
from theanojax.graph.traverse import general_toposort, inputs as graph_inputs
from theanojax.graph.variable import Constant, Variable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TextIO

    from theanojax.graph.op import Op
    from theanojax.graph.variable import Apply, User

    Pair = tuple[Variable, Variable]
    Key = tuple[int, tuple[int, ...]]


class MergeFeature:
    """Finds, as the graph changes, nodes and constants that duplicate others; MergeOptimizer replaces them.

    ``scheduled`` lists (duplicate, original) pairs, of nodes or of constants.
    """

    pickle_rm_attr = ["merge_feature"]

    def on_attach(self, fgraph: FunctionGraph) -> None:
        if hasattr(fgraph, "merge_feature"):
            raise AlreadyThere("MergeFeature is already present or in conflict with another plugin.")
        self.unpickle(fgraph)

    def __getstate__(self) -> dict[str, Any]:
        return {}  # what it knows is in terms of identities, which change

    def unpickle(self, fgraph: FunctionGraph) -> None:
        fgraph.merge_feature = self
        self.scheduled: list[tuple[Any, Any]] = []
        self.blacklist: set[tuple[Any, Any]] = set()
        self._constant_of: dict[Any, Constant] = {}  # signature -> constant
        self._signature: dict[Constant, Any] = {}  # constant -> signature
        self._node_of: dict[Key, Apply] = {}  # (op, inputs) -> node
        self._key: dict[Apply, Key] = {}  # node -> (op, inputs)
        self._ops: dict[Op, Op] = {}  # op -> the first one equal to it
        # id of an op -> (op, id of the first one equal to it); hashing Ops is slow
        self._op_of: dict[int, tuple[Op, int]] = {}
        for node in fgraph.toposort():
            self.on_import(fgraph, node, reason="on_attach")

    def on_detach(self, fgraph: FunctionGraph) -> None:
        del fgraph.merge_feature

    @property
    def nodes_seen(self) -> set[Apply]:
        return set(self._key)

    def on_change_input(
        self, fgraph: FunctionGraph, node: User, i: int, r: Variable, new_r: Variable, reason: object
    ) -> None:
        if node in self._key:
            self._forget(node)
            self.process_node(fgraph, node)
        if isinstance(new_r, Constant):
            self.process_constant(fgraph, new_r)

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: object) -> None:
        for v in node.inputs:
            if isinstance(v, Constant):
                self.process_constant(fgraph, v)
        self.process_node(fgraph, node)

    def on_prune(self, fgraph: FunctionGraph, node: Apply, reason: object) -> None:
        self._forget(node)
        for v in node.inputs:
            if isinstance(v, Constant) and len(v.clients) <= 1:
                self._forget_constant(v)

    def _forget(self, node: Apply) -> None:
        key = self._key.pop(node, None)
        if key is not None and self._node_of.get(key) is node:
            del self._node_of[key]

    def _forget_constant(self, c: Constant) -> None:
        signature = self._signature.pop(c, None)
        if signature is not None and self._constant_of.get(signature) is c:
            del self._constant_of[signature]

    def process_constant(self, fgraph: FunctionGraph, c: Constant) -> None:
        """Remember the constant `c`, or schedule it when an equal one is known."""
        if c in self._signature:
            return
        signature = c.merge_signature()
        try:
            other = self._constant_of.setdefault(signature, c)
        except TypeError:  # data that cannot be hashed is not merged
            return
        if other is c:
            self._signature[c] = signature
            return
        if c.name:
            other.name = c.name
        self.scheduled.append((c, other))

    def process_node(self, fgraph: FunctionGraph, node: Apply) -> None:
        """Remember `node`, or schedule it when an equal one is known."""
        if node in self._key:
            return
        op = self._op_of.get(id(node.op))
        if op is None:
            try:
                op = (node.op, id(self._ops.setdefault(node.op, node.op)))
            except TypeError:  # an Op that cannot be hashed
                return
            self._op_of[id(node.op)] = op
        key = (op[1], tuple(map(id, node.inputs)))
        other = self._node_of.setdefault(key, node)
        if other is not node and (node, other) not in self.blacklist:
            for mine, theirs in zip(node.outputs, other.outputs):
                if mine.name:
                    theirs.name = mine.name
            self.scheduled.append((node, other))
        self._key[node] = key

    def get_merged_assert_input(self, node: Apply, candidate: Apply) -> list[Variable]:
        """Inputs for one node in place of `node` and `candidate`, whose inputs differ in assertions alone.

        An input that is asserted in both gets the conditions of both.
        """
        merged = []
        for mine, theirs in zip(node.inputs, candidate.inputs):
            mine_by, theirs_by = (_assertion(v) for v in (mine, theirs))
            if mine_by is not None and theirs_by is not None:
                conds = dict.fromkeys([*mine_by.inputs[1:], *theirs_by.inputs[1:]])
                merged.append(mine_by.op(mine_by.inputs[0], *conds))
            else:
                merged.append(theirs if mine_by is None else mine)
        return merged


def _assertion(v: Variable) -> Apply | None:
    """The node that gives `v`, if it is an assertion."""
    return v.owner if v.owner is not None and type(v.owner.op).__name__ == "Assert" else None


class MergeOptimizer(Optimizer):
    """Replaces every node and constant that duplicates another by that one."""

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        if not hasattr(fgraph, "merge_feature"):
            fgraph.attach_feature(MergeFeature())

    def apply(self, fgraph: FunctionGraph) -> tuple[Any, ...]:
        feature: MergeFeature = fgraph.merge_feature
        scheduled = feature.scheduled
        if not scheduled:
            return (0, 0.0, None, None, {}, 0, 0)
        start, failed, merged, constants = time.perf_counter(), 0, 0, 0
        while scheduled:
            old, new = scheduled.pop()
            if not isinstance(old, Variable) and new not in fgraph.apply_nodes and old in fgraph.apply_nodes:
                feature._forget(old)  # the original is gone: this one takes its place
                feature.process_node(fgraph, old)
                continue
            pairs = (
                self._constant_pairs(fgraph, old, new)
                if isinstance(old, Variable)
                else self._node_pairs(fgraph, old, new)
            )
            if not pairs:
                continue
            try:
                if isinstance(old, Variable):
                    fgraph.replace_all(pairs, "MergeOptimizer")
                    constants += 1
                else:
                    fgraph.replace_all_validate(pairs, "MergeOptimizer")
                merged += len(pairs)
            except InconsistencyError:
                failed += 1
                feature.blacklist.add((old, new))
        feature.blacklist.clear()
        # As Theano's: the Nones are times of the graph's checks and callbacks, which only its profiles have.
        return (failed, time.perf_counter() - start, None, None, {}, merged, constants)

    @staticmethod
    def _constant_pairs(fgraph: FunctionGraph, old: Variable, new: Variable) -> list[Pair] | None:
        if old not in fgraph.variables or new not in fgraph.variables or old is new:
            return None
        return _one(old, new)

    @staticmethod
    def _node_pairs(fgraph: FunctionGraph, old: Apply, new: Apply) -> list[Pair] | None:
        live = fgraph.apply_nodes
        if old not in live or new not in live or any(a is not b for a, b in zip(old.inputs, new.inputs)):
            return None
        if hasattr(fgraph, "destroy_handler") and _destroyers(old) + _destroyers(new) > 1:
            return None
        pairs = list(zip(old.outputs, new.outputs))
        if len(pairs) > 1:
            return pairs
        return _one(*pairs[0])

    def __str__(self) -> str:
        return type(self).__name__

    @staticmethod
    def print_profile(stream: TextIO, prof: tuple[Any, ...], level: int = 0) -> None:
        pad = "    " * level
        print(pad, "MergeOptimizer", file=stream)
        print(pad, "  nb fail=%5d merged=%5d constant=%5d" % (prof[0], prof[5], prof[6]), file=stream)
        print(pad, "  time replace=%2.2f" % prof[1], file=stream)

    @staticmethod
    def merge_profile(prof1: tuple[Any, ...], prof2: tuple[Any, ...]) -> tuple[Any, ...]:
        times = [b if a is None else a if b is None else a + b for a, b in zip(prof1[2:4], prof2[2:4])]
        failed, seconds, merged, constants = (prof1[i] + prof2[i] for i in (0, 1, 5, 6))
        return (failed, seconds, *times, merge_dict(prof1[4], prof2[4]), merged, constants)


def _one(old: Variable, new: Variable) -> list[Pair] | None:
    """The pair as it is, or the other way round when the type of `old` does not take `new`; None if neither does.

    A row and a column of one element can come of the same node.
    """
    if old.type == new.type or old.type.convert_variable(new) is not None:
        return [(old, new)]
    return None if new.type.convert_variable(old) is None else [(new, old)]


def _destroyers(node: Apply) -> int:
    """How many users overwrite the first output of `node`."""
    return sum(
        i in [p for ps in getattr(c.op, "destroy_map", {}).values() for p in ps]
        for c, i in node.outputs[0].clients
        if c != "output"
    )


def is_same_graph_with_merge(var1: Variable, var2: Variable, givens: dict[Variable, Variable] | None = None) -> bool:
    """Whether `var1` and `var2` are computed by equal graphs, found by merging a copy of both."""
    var1, var2, givens = deepcopy((var1, var2, givens or {}))
    fgraph = FunctionGraph(graph_inputs([var1, var2]), [var1, var2], clone=False)
    for to_replace, replace_by in givens.items():
        fgraph.replace(to_replace, replace_by)
    MergeOptimizer().optimize(fgraph)
    out1, out2 = fgraph.outputs
    if out1.owner is None and out2.owner is None:
        return out1 is out2
    return out1.owner is out2.owner and out1.index == out2.index


def pre_constant_merge(vars: Variable | Iterable[Any]) -> list[Any]:
    """Merge, in place, equal constants among those that compute `vars`; nodes that are in a graph are left alone.

    Returns the list of variables that stand for `vars`.
    """
    known: dict[Any, Any] = {}
    vars = [vars] if isinstance(vars, Variable) else list(vars)

    def canonical(v: Any) -> Any:
        if not isinstance(v, Constant):
            return v
        try:
            return known.setdefault(v.signature(), v)
        except TypeError:
            warnings.warn(
                "We work around a problem, the following variable signature isn't hashable: %s" % v, stacklevel=3
            )
            return v

    def free_parents(node: Apply) -> list[Apply]:
        return [v.owner for v in node.inputs if v.owner is not None and getattr(v.owner, "fgraph", None) is None]

    roots = [
        v.owner
        for v in vars
        if isinstance(v, Variable) and v.owner is not None and getattr(v.owner, "fgraph", None) is None
    ]
    for node in general_toposort(roots, free_parents):
        node.inputs = [canonical(v) for v in node.inputs]
    return [canonical(v) for v in vars]
