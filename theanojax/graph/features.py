"""Features: what may be attached to a FunctionGraph to watch, check, undo or annotate its changes."""

from __future__ import annotations

import sys
from collections import defaultdict
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np

from theanojax.config import config
from theanojax.errors import InconsistencyError, ReplacementDidntRemovedError
from theanojax.graph.fgraph import AlreadyThere
from theanojax.graph.signals import by_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Protocol, TextIO

    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.graph.op import PureOp
    from theanojax.graph.variable import Apply, Node, User, Variable

    class Lends(Protocol):
        """Features that add attributes of these names to their graph."""

        pickle_rm_attr: list[str]

    # what changed since a checkpoint
    Page = list[tuple[User, int, Variable, object]]


class BadOptimization(Exception):
    """A variable and the one that a rewrite put in its place took different values.

    `old_r` may also be a ready-made message, when it is the only argument.

    See docs/errors.md#badoptimization.
    """

    new_r: Variable | None = None
    old_r: Variable | str | None = None
    old_r_val: Any = None
    new_r_val: Any = None
    reason: object = None
    old_graph: str | None = ""
    new_graph: str | None = ""

    def __init__(
        self,
        old_r: Variable | str,
        new_r: Variable | None = None,
        old_r_val: Any = None,
        new_r_val: Any = None,
        reason: object = None,
        old_graph: str | None = None,
        new_graph: str | None = None,
    ) -> None:
        super().__init__()
        self.old_r, self.new_r = old_r, new_r
        self.old_r_val, self.new_r_val = old_r_val, new_r_val
        self.reason, self.old_graph, self.new_graph = reason, old_graph, new_graph
        self.full_err = old_r if isinstance(old_r, str) else None

    def __str__(self) -> str:
        return self.str_diagnostic()

    def str_diagnostic(self) -> str:
        """The disagreement as several lines of text: values, how far apart, why, and both graphs."""
        if self.full_err is not None:
            return self.full_err
        out = StringIO()
        print("BadOptimization Error", Exception.__str__(self), file=out)
        print("  Variable: id", id(self.new_r), self.new_r, file=out)
        print("  Op", getattr(self.new_r, "owner", None), file=out)
        print("  Value Type:", type(self.new_r_val), file=out)
        for word, value in (("Old", self.old_r_val), ("New", self.new_r_val)):
            if isinstance(value, np.ndarray):
                print(
                    "  %s Value shape, dtype, strides: %s %s %s" % (word, value.shape, value.dtype, value.strides),
                    file=out,
                )
            text = str(value)
            print("  %s Value: " % word, text if len(text) <= 800 else text[:800] + " ...", file=out)
        self._print_difference(out)
        print("  Reason: ", str(self.reason), file=out)
        print("  Old Graph:", file=out)
        print(self.old_graph, file=out)
        print("  New Graph:", file=out)
        print(self.new_graph, file=out)
        print("", file=out)
        print("Hint: relax the tolerance by setting tensor.cmp_sloppy=1", file=out)
        print("  or even tensor.cmp_sloppy=2 for less-strict comparison", file=out)
        return out.getvalue()

    def _print_difference(self, out: TextIO) -> None:
        old, new = np.asarray(self.old_r_val), np.asarray(self.new_r_val)
        if old.shape != new.shape or old.size == 0 or old.dtype.kind not in "biufc" or new.dtype.kind not in "biufc":
            return
        if old.dtype.kind == "b":
            old, new = old.astype("int8"), new.astype("int8")
        absolute = np.absolute(new - old)
        relative = absolute / np.maximum(np.absolute(new) + np.absolute(old), 1e-8)
        for word, diff in (("Abs", absolute), ("Rel", relative)):
            at = np.argmax(diff)
            print("  Max %s Diff: " % word, np.max(diff), file=out)
            print("  Mean %s Diff: " % word, np.mean(diff), file=out)
            print("  Median %s Diff: " % word, np.median(diff), file=out)
            print("  Std %s Diff: " % word, np.std(diff), file=out)
            print("  Value at Max Diff: ", (new.flatten()[at], old.flatten()[at]), file=out)


class Feature:
    """Base of what may be attached to a FunctionGraph. Every method is optional.

    ``on_attach`` sees the graph as it is (and may raise AlreadyThere to be left out); the others are called at each
    change. ``orderings`` returns a dict from Apply nodes to lists of nodes that have to run before them. A feature
    that defines ``validate(fgraph)`` can refuse a replacement by raising InconsistencyError.
    """

    def on_attach(self, function_graph: FunctionGraph) -> None:
        """The feature joins `function_graph`; it may add attributes to it."""

    def on_detach(self, function_graph: FunctionGraph) -> None:
        """The feature leaves; undo what ``on_attach`` added."""

    def on_import(self, function_graph: FunctionGraph, node: Apply, reason: object) -> None:
        """`node` is entering the graph."""

    def on_prune(self, function_graph: FunctionGraph, node: Apply, reason: object) -> None:
        """`node` has left the graph."""

    def on_change_input(
        self, function_graph: FunctionGraph, node: User, i: int, r: Variable, new_r: Variable, reason: object = None
    ) -> None:
        """``node.inputs[i]`` was `r` and is `new_r` now (an output of the graph when `node` is "output")."""

    def orderings(self, function_graph: FunctionGraph) -> dict[Apply, list[Apply]]:
        return {}


def _reserve(fgraph: FunctionGraph, feature: type[Lends]) -> None:
    """AlreadyThere when `fgraph` has an attribute that the class `feature` would add, by it or by another one."""
    if any(hasattr(fgraph, name) for name in feature.pickle_rm_attr):
        raise AlreadyThere("%s feature is already present or in conflict with another plugin." % feature.__name__)


def _lend(fgraph: FunctionGraph, **methods: Callable[..., Any]) -> None:
    """Make the methods of a feature methods of `fgraph`, which they take first."""
    for name, method in methods.items():
        setattr(fgraph, name, partial(method, fgraph))


def _withdraw(fgraph: FunctionGraph, feature: type[Lends]) -> None:
    for name in feature.pickle_rm_attr:
        delattr(fgraph, name)


class Bookkeeper(Feature):
    """A feature that treats the nodes present when it is attached as if they were imported then."""

    def on_attach(self, fgraph: FunctionGraph) -> None:
        for node in fgraph.toposort():
            self.on_import(fgraph, node, reason="on_attach")

    def on_detach(self, fgraph: FunctionGraph) -> None:
        for node in fgraph.toposort():
            self.on_prune(fgraph, node, reason="Bookkeeper.detach")


class GetCheckpoint:
    """``fgraph.checkpoint``: start a new page of the history and return its number."""

    def __init__(self, history: History, fgraph: FunctionGraph) -> None:
        self.h, self.fgraph, self.nb = history, fgraph, 0

    def __call__(self) -> int:
        self.nb += 1
        self.h.start_page(self.fgraph)
        return self.nb


class LambdExtract:
    """One change, kept so that calling it undoes it."""

    def __init__(self, fgraph: FunctionGraph, node: User, i: int, r: Variable, reason: object = None) -> None:
        self.fgraph, self.node, self.i, self.r, self.reason = fgraph, node, i, r, reason

    def __call__(self) -> None:
        return self.fgraph.change_input(self.node, self.i, self.r, reason=("Revert", self.reason))


class History(Feature):
    """Remembers changes since the last ``fgraph.checkpoint()``, so that ``fgraph.revert(checkpoint)`` undoes them.

    Only the last checkpoint can be returned to.
    """

    pickle_rm_attr = ["checkpoint", "revert"]

    def __init__(self) -> None:
        # graph -> what changed since its checkpoint; None while that is undone
        self.history: dict[FunctionGraph, Page | None] = {}

    def on_attach(self, fgraph: FunctionGraph) -> None:
        _reserve(fgraph, History)
        self.start_page(fgraph)
        History.unpickle(self, fgraph)

    def unpickle(self, fgraph: FunctionGraph) -> None:
        _lend(fgraph, revert=self.revert)
        fgraph.checkpoint = GetCheckpoint(self, fgraph)

    def on_detach(self, fgraph: FunctionGraph) -> None:
        _withdraw(fgraph, History)
        self.history.pop(fgraph)

    def start_page(self, fgraph: FunctionGraph) -> None:
        self.history[fgraph] = []

    def on_change_input(
        self, fgraph: FunctionGraph, node: User, i: int, r: Variable, new_r: Variable, reason: object = None
    ) -> None:
        page = self.history[fgraph]
        if page is not None:
            page.append((node, i, r, reason))

    def revert(self, fgraph: FunctionGraph, checkpoint: int) -> None:
        """Undo every change since `checkpoint`, latest first."""
        if fgraph.checkpoint.nb != checkpoint:
            raise ValueError("Only the last checkpoint can be reverted to", checkpoint, fgraph.checkpoint.nb)
        page, self.history[fgraph] = self.history[fgraph], None
        while page:
            LambdExtract(fgraph, *page.pop())()
        self.history[fgraph] = page


class Validator(Feature):
    """Adds ``fgraph.validate()``, which asks every feature, and ``fgraph.consistent()``, which is True or False."""

    pickle_rm_attr = ["validate", "consistent"]

    def on_attach(self, fgraph: FunctionGraph) -> None:
        _reserve(fgraph, Validator)
        Validator.unpickle(self, fgraph)

    def unpickle(self, fgraph: FunctionGraph) -> None:
        _lend(fgraph, validate=self.validate_, consistent=self.consistent_)

    def on_detach(self, fgraph: FunctionGraph) -> None:
        _withdraw(fgraph, Validator)

    def validate_(self, fgraph: FunctionGraph) -> None:
        return fgraph.execute_callbacks("validate")

    def consistent_(self, fgraph: FunctionGraph) -> bool:
        try:
            fgraph.validate()
        except Exception as e:
            if by_signal(e):
                raise
            return False
        return True


def _loops(fgraph: FunctionGraph) -> int:
    return sum(node.op.loop_steps(node) is not None for node in fgraph.apply_nodes)


class ReplaceValidate(History, Validator):
    """Adds ``fgraph.replace_validate`` and its relatives: replacements that are undone when a feature objects."""

    _own = ["replace_validate", "replace_all_validate", "replace_all_validate_remove"]
    pickle_rm_attr = _own + History.pickle_rm_attr + Validator.pickle_rm_attr

    def on_attach(self, fgraph: FunctionGraph) -> None:
        _reserve(fgraph, ReplaceValidate)
        self._nodes_removed: set[Node] = set()
        self.fail_validate = False
        self.start_page(fgraph)
        self.unpickle(fgraph)

    def unpickle(self, fgraph: FunctionGraph) -> None:
        for part in (History, Validator):
            part.unpickle(self, fgraph)
        _lend(fgraph, **{name: getattr(self, name) for name in self._own})

    def on_detach(self, fgraph: FunctionGraph) -> None:
        _withdraw(fgraph, ReplaceValidate)
        self.history.pop(fgraph)
        self._nodes_removed = set()

    def replace_validate(self, fgraph: FunctionGraph, r: Variable, new_r: Variable, reason: object = None) -> None:
        """Replace `r` by `new_r`; undo it and raise when a feature or the graph objects."""
        self.replace_all_validate(fgraph, [(r, new_r)], reason)

    def replace_all_validate(
        self,
        fgraph: FunctionGraph,
        replacements: Iterable[tuple[Variable, Variable]],
        reason: object = None,
        verbose: bool | None = None,
    ) -> int:
        """Replace each (old, new) pair; undo all and raise when a feature or the graph objects."""
        mark = fgraph.checkpoint()
        if verbose is None:
            verbose = config.optimizer_verbose
        loops = _loops(fgraph) if config.scan.debug else 0
        try:
            for old, new in replacements:
                fgraph.replace(old, new, reason, verbose=False)
            fgraph.validate()
        except Exception as e:
            fgraph.revert(mark)
            if verbose:
                print("validate failed on node %s.\n Reason: %s, %s" % (old, reason, e))
            raise
        if config.scan.debug and (now := _loops(fgraph)) != loops:
            what = "Extra scan introduced" if now > loops else "Scan removed"
            print(what, loops, now, getattr(reason, "name", reason), old, new)
        if verbose:
            print(reason, old, new)
        return mark

    def replace_all_validate_remove(
        self,
        fgraph: FunctionGraph,
        replacements: Iterable[tuple[Variable, Variable]],
        remove: Iterable[Node],
        reason: object = None,
        warn: bool = True,
    ) -> None:
        """As ``replace_all_validate``; undo it too when a node or variable of `remove` is still in the graph."""
        mark = fgraph.replace_all_validate(replacements, reason)
        if not remove:
            return
        self._nodes_removed.update(remove)
        if fgraph.apply_nodes.isdisjoint(remove) and fgraph.variables.isdisjoint(remove):
            return
        fgraph.revert(mark)
        if warn:
            print(
                "WARNING: An optimization wanted to replace a Variable in the graph, but the replacement for it "
                "doesn't remove it. We disabled the optimization. Your function runs correctly, but it would be "
                "appreciated if you submit this problem to the mailing list theano-users so that we can fix it.",
                file=sys.stderr,
            )
            print(reason, replacements, file=sys.stderr)
        raise ReplacementDidntRemovedError()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "history"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__.setdefault("history", {})

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: object) -> None:
        self.fail_validate = self.fail_validate or node in self._nodes_removed

    def validate(self, fgraph: FunctionGraph) -> None:
        refused, self.fail_validate = self.fail_validate, False
        if refused:
            raise InconsistencyError("Trying to reintroduce a removed node")


class NodeFinder(Bookkeeper):
    """Adds ``fgraph.get_nodes(op)``: the nodes that apply an Op equal to `op`."""

    pickle_rm_attr = ["get_nodes"]

    def __init__(self) -> None:
        self.fgraph: FunctionGraph | None = None
        self.d: defaultdict[PureOp, list[Apply]] = defaultdict(list)

    def on_attach(self, fgraph: FunctionGraph) -> None:
        if self.fgraph is not None:
            raise Exception("A NodeFinder instance can only serve one FunctionGraph.")
        _reserve(fgraph, NodeFinder)
        self.fgraph = fgraph
        self.unpickle(fgraph)
        super().on_attach(fgraph)

    def unpickle(self, fgraph: FunctionGraph) -> None:
        _lend(fgraph, get_nodes=self.query)

    def on_detach(self, fgraph: FunctionGraph) -> None:
        if self.fgraph is not fgraph:
            raise Exception("This NodeFinder instance was not attached to the provided fgraph.")
        _withdraw(fgraph, NodeFinder)
        self.fgraph = None
        super().on_detach(fgraph)

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: object) -> None:
        if _hashable(node.op):
            self.d[node.op].append(node)

    def on_prune(self, fgraph: FunctionGraph, node: Apply, reason: object) -> None:
        if _hashable(node.op):
            nodes = self.d[node.op]
            nodes.remove(node)
            if not nodes:
                del self.d[node.op]

    def query(self, fgraph: FunctionGraph, op: PureOp) -> list[Apply]:
        if not _hashable(op):
            raise TypeError("%s in unhashable and cannot be queried by the optimizer" % op)
        return list(self.d.get(op, ()))


def _hashable(op: object) -> bool:
    try:
        hash(op)
    except TypeError:
        return False
    return True


class PrintListener(Feature):
    """Prints every change of the graph while `active`."""

    def __init__(self, active: bool = True) -> None:
        self.active = active

    def _say(self, text: str, *about: object) -> None:
        if self.active:
            print("--", text % about)

    def on_attach(self, fgraph: FunctionGraph) -> None:
        self._say("attaching to:  %s", fgraph)

    def on_detach(self, fgraph: FunctionGraph) -> None:
        self._say("detaching from:  %s", fgraph)

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: object) -> None:
        self._say("importing: %s, reason: %s", node, reason)

    def on_prune(self, fgraph: FunctionGraph, node: Apply, reason: object) -> None:
        self._say("pruning: %s, reason: %s", node, reason)

    def on_change_input(
        self, fgraph: FunctionGraph, node: User, i: int, r: Variable, new_r: Variable, reason: object = None
    ) -> None:
        self._say("changing (%s.inputs[%s]) from %s to %s", node, i, r, new_r)


class PreserveNames(Feature):
    """A replacement without a name takes the name of what it replaces."""

    def on_change_input(
        self, fgraph: FunctionGraph, node: User, i: int, r: Variable, new_r: Variable, reason: object = None
    ) -> None:
        _keep_name(r, new_r)


def _keep_name(r: Variable, new_r: Variable) -> None:
    if new_r.name is None:
        new_r.name = r.name


class PreserveVariableAttributes(Feature):
    """As PreserveNames, and keeps the mark that NanGuardMode has to look at a variable."""

    def on_change_input(
        self, fgraph: FunctionGraph, node: User, i: int, r: Variable, new_r: Variable, reason: object = None
    ) -> None:
        _keep_name(r, new_r)
        mark = getattr(r.tag, "nan_guard_mode_check", False)
        if mark and not getattr(new_r.tag, "nan_guard_mode_check", False):
            new_r.tag.nan_guard_mode_check = mark


class NoOutputFromInplace(Feature):
    """Refuses graphs whose outputs (from `first_output_idx` to `last_output_idx`) overwrite other variables."""

    def __init__(self, first_output_idx: int = 0, last_output_idx: int | None = None) -> None:
        self.first_idx, self.last_idx = first_output_idx, last_output_idx

    def validate(self, fgraph: FunctionGraph) -> bool:
        if not hasattr(fgraph, "destroyers"):
            return True
        for out in list(fgraph.outputs)[self.first_idx : self.last_idx]:
            node = out.owner
            if node is not None and node.outputs.index(out) in getattr(node.op, "destroy_map", {}):
                raise InconsistencyError(
                    "A function graph Feature has requested (probably for ",
                    "efficiency reasons for scan) that outputs of the graph",
                    "be prevented from being the result of inplace ",
                    "operations. This has prevented output ",
                    out,
                    " from ",
                    "being computed by modifying another variable ",
                    "inplace.",
                )
        return True


__all__ = [
    "AlreadyThere",
    "BadOptimization",
    "Bookkeeper",
    "Feature",
    "GetCheckpoint",
    "History",
    "LambdExtract",
    "NoOutputFromInplace",
    "NodeFinder",
    "PreserveNames",
    "PreserveVariableAttributes",
    "PrintListener",
    "ReplaceValidate",
    "ReplacementDidntRemovedError",
    "Validator",
]
