"""Helpers for writing rewrites: stack traces, chains of Ops, rewriting ahead of the graph, choosing by time."""

from __future__ import annotations

import contextlib
import inspect
import time
import warnings
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from theanojax.config import config
from theanojax.graph import above
from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.op import Op, PureOp
from theanojax.graph.rewriting.base import Optimizer
from theanojax.graph.rewriting.local import LocalOptimizer
from theanojax.graph.shared import SharedVariable, shared
from theanojax.graph.tag import copy_stack_trace
from theanojax.graph.traverse import general_toposort, nodes_constructed
from theanojax.graph.variable import Apply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from theanojax.graph.rewriting.local import Replacement, Tracked
    from theanojax.graph.variable import Variable


@contextlib.contextmanager
def inherit_stack_trace(from_var: Variable | Sequence[Variable]) -> Iterator[None]:
    """Every variable built inside the ``with`` block gets the stack traces of `from_var` (one variable or a list)."""
    with nodes_constructed() as new:
        yield
    copy_stack_trace(from_var, new)


def check_chain(r: Variable | Apply | None, *chain: PureOp | type[PureOp] | None) -> bool:
    """Whether `r` is made by the first Op (or Op class) of `chain`, its first input by the second, and so on.

    None at the end of the chain stands for a variable that nothing computes.
    """
    v: Any = r.outputs[0] if isinstance(r, Apply) else r
    for position, elem in enumerate(chain):
        if position:
            v = v.owner.inputs[0]
        if elem is None:
            return v.owner is None
        if v.owner is None:
            return False
        if isinstance(elem, PureOp):
            if v.owner.op != elem:
                return False
        elif not (isinstance(elem, type) and isinstance(v.owner.op, elem)):
            return False
    return v is not None


def pre_greedy_local_optimizer(list_optimizations: Iterable[LocalOptimizer], out: Any) -> Any:
    """The variable that stands for `out` after the local optimizers were tried on what computes it.

    Nodes that are in a FunctionGraph are left as they are; the others are changed in place. Each node is visited
    once, inputs first: this is no search for an equilibrium.
    """
    if getattr(out, "owner", None) is None or getattr(out.owner, "fgraph", None) is not None:
        return out
    stands_for: dict[Any, Any] = {}

    def parents(node: Apply) -> list[Apply]:
        return [v.owner for v in node.inputs if v.owner is not None and getattr(v.owner, "fgraph", None) is None]

    for node in general_toposort([out.owner], parents):
        node.inputs = [stands_for.get(v, v) for v in node.inputs]
        originals = node.outputs
        for opt in list_optimizations:
            tracks = opt.tracks()
            if tracks is not None and not any(
                t == node.op if isinstance(t, PureOp) else isinstance(node.op, t) for t in tracks
            ):
                continue
            new: Any = opt.transform(node)
            if not new:
                continue
            if isinstance(new, dict):
                new = [new.get(v, v) for v in node.outputs]
            stands_for.update((old, v) for old, v in zip(originals, new) if v is not None)
            owner = None if new[0] is None else new[0].owner
            if owner is None or getattr(owner, "fgraph", None) is not None or len(owner.outputs) != len(originals):
                break
            node = owner
    return stands_for.get(out, out)


def check_stack_trace(f_or_fgraph: Any, ops_to_check: Any = "last", bug_print: str = "raise") -> bool:
    """Whether the outputs of certain nodes know where they were built.

    Parameters
    ----------
    f_or_fgraph : a compiled function or a FunctionGraph
    ops_to_check : "last" (the nodes of the outputs), "all", an Op or Op class, a tuple or list of these, or a
        function of an Op
    bug_print : "raise", "warn" or "ignore": what to do when no node is found
    """
    fgraph = f_or_fgraph
    if not isinstance(fgraph, FunctionGraph):
        fgraph = getattr(getattr(f_or_fgraph, "maker", None), "fgraph", None)
    if not isinstance(fgraph, FunctionGraph):
        raise ValueError("The type of f_or_fgraph is not supported")
    nodes = _nodes_to_check(fgraph, ops_to_check)
    if not nodes:
        msg = "Provided op instances/classes are not in the graph or the graph is empty"
        if bug_print == "warn":
            warnings.warn(msg, stacklevel=2)
        elif bug_print == "raise":
            raise Exception(msg)
        elif bug_print != "ignore":
            raise ValueError("The string bug_print is not recognised")
    return all(getattr(out.tag, "trace", None) for node in nodes for out in node.outputs)


def _nodes_to_check(fgraph: FunctionGraph, which: Any) -> list[Apply]:
    if isinstance(which, Op) or (inspect.isclass(which) and issubclass(which, Op)):
        which = (which,)
    if which == "last":
        return [out.owner for out in fgraph.outputs if out.owner is not None]
    if which == "all":
        return list(fgraph.apply_nodes)
    if isinstance(which, str):
        raise ValueError("The string ops_to_check is not recognised")
    if isinstance(which, (tuple, list)):
        instances = [op for op in which if isinstance(op, Op)]
        classes = tuple(op for op in which if not isinstance(op, Op))
        return [
            n
            for n in fgraph.apply_nodes
            if n.op in instances or isinstance(n.op, classes) or isinstance(getattr(n.op, "scalar_op", None), classes)
        ]
    if callable(which):
        return [n for n in fgraph.apply_nodes if which(n)]
    raise ValueError("ops_to_check does not have the right type")


class CheckStrackTraceFeature:
    """Complains, as ``config.check_stack_trace`` says, when a rewrite brings in a node without a stack trace."""

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: object) -> None:
        action = config.check_stack_trace
        if action == "off":
            return
        bare = [out for out in node.outputs if not getattr(out.tag, "trace", None)]
        if not bare:
            return
        text = "Empty stack trace! The optimization that inserted this variable is " + str(reason)
        if action == "raise":
            raise AssertionError(text)
        for out in bare:
            out.tag.trace = [[("", 0, text, "")]]
        if action == "warn":
            warnings.warn(text, stacklevel=2)


class CheckStackTraceOptimization(Optimizer):
    """Attaches CheckStrackTraceFeature."""

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        if not any(isinstance(f, CheckStrackTraceFeature) for f in fgraph._features):
            fgraph.attach_feature(CheckStrackTraceFeature())


class LocalMetaOptimizerSkipAssertionError(AssertionError):
    """Raised while a candidate of a LocalMetaOptimizer is compiled, to leave it out silently."""


class LocalMetaOptimizer(LocalOptimizer):
    """Tries several local optimizers on a node, runs each result, and takes the fastest.

    A subclass may define ``provide_inputs(node, inputs)``, which returns a dict from input variables without a test
    value to shared variables to time with.
    """

    def __init__(self) -> None:
        self.verbose = config.metaopt.verbose
        self.optimizers: list[LocalOptimizer] = []
        self.track_dict: defaultdict[Any, list[LocalOptimizer]] = defaultdict(list)
        self.tag_dict: defaultdict[str, list[LocalOptimizer]] = defaultdict(list)

    def register(self, optimizer: LocalOptimizer, tag_list: Iterable[str]) -> None:
        """Add a local optimizer; `tag_list` are the keys of ``tag_dict`` to find it by."""
        tracked = optimizer.tracks()
        if tracked is None:
            raise TypeError("LocalMetaOptimizer: %s has to say which Ops it tracks" % optimizer)
        self.optimizers.append(optimizer)
        for op in tracked:
            self.track_dict[op].append(optimizer)
        for tag in tag_list:
            self.tag_dict[tag].append(optimizer)

    def tracks(self) -> Tracked:
        return list(self.track_dict)

    def transform(self, node: Apply) -> Replacement:
        if not isinstance(node.op, tuple(self.track_dict)):
            return None
        givens = self._values_for(node)
        if givens is None:
            return None
        self._say(2, "%s meta-optimizing %s (%d choices):", type(self).__name__, node, len(self.get_opts(node)))
        timings = []
        for opt in self.get_opts(node):
            outputs = opt.transform(node)
            if not outputs:
                self._say(1, "* %s: not applicable", opt)
                continue
            seconds = self._time(outputs, givens, opt)
            if seconds is not None:
                timings.append((seconds, outputs, opt))
        if not timings:
            return None
        best = min(timings, key=lambda row: row[0])
        self._say(2, "= %s", best[2])
        return best[1]

    def _say(self, level: int, text: str, *args: object) -> None:
        if self.verbose >= level:
            print(text % args)

    def _values_for(self, node: Apply) -> dict[Variable, SharedVariable] | None:
        """Shared variables to stand for the node's inputs; None when a value is missing."""
        givens, missing = {}, set()
        inputs: list[Any] = node.inputs
        for v in inputs:
            if isinstance(v, SharedVariable):
                continue
            if hasattr(v.tag, "test_value"):
                givens[v] = shared(v.type.filter(v.tag.test_value), v.name, broadcastable=v.broadcastable, borrow=True)
            else:
                missing.add(v)
        if missing:
            provided = self.provide_inputs(node, missing)
            givens.update(provided)
            missing.difference_update(provided)
        if missing:
            self._say(
                1,
                "%s cannot meta-optimize %s, %d of %d input shapes unknown",
                type(self).__name__,
                node,
                len(missing),
                node.nin,
            )
            return None
        return givens

    def _time(self, outputs: Any, givens: dict[Variable, SharedVariable], opt: LocalOptimizer) -> float | None:
        try:
            fn = above.function([], outputs, givens=givens, on_unused_input="ignore")
            fn.trust_input = True
            seconds = min(self.time_call(fn) for _ in range(2))
        except LocalMetaOptimizerSkipAssertionError:
            return None
        except Exception as e:
            self._say(1, "* %s: exception %s", opt, e)
            return None
        self._say(2, "* %s: %.5g sec", opt, seconds)
        return seconds

    def provide_inputs(self, node: Apply, inputs: Iterable[Variable]) -> dict[Variable, SharedVariable]:
        raise NotImplementedError("%s.provide_inputs" % type(self).__name__)

    def get_opts(self, node: Apply) -> list[LocalOptimizer]:
        """The local optimizers to compare on `node`.

        Left out are those that were registered with more tags of ``config.metaopt.optimizer_excluding`` than of
        ``config.metaopt.optimizer_including``.
        """
        found = self.track_dict.get(type(node.op), [])
        if not config.metaopt.optimizer_excluding:
            return found

        def count(opt: LocalOptimizer, tags: str) -> int:
            return sum(opt in self.tag_dict.get(tag, ()) for tag in tags.split(":"))

        including, excluding = config.metaopt.optimizer_including, config.metaopt.optimizer_excluding
        return [opt for opt in found if count(opt, excluding) <= count(opt, including)]

    def time_call(self, fn: Callable[[], Any]) -> float:
        """How many seconds a call of `fn` takes."""
        start = time.perf_counter()
        fn()
        return time.perf_counter() - start


class _metadict:
    """A dict that takes keys that cannot be hashed too; those are looked up one by one."""

    def __init__(self) -> None:
        self.d: dict[Any, Any] = {}
        self.l: list[tuple[Any, Any]] = []

    def _place(self, item: Any) -> int | None:
        for i, (key, _) in enumerate(self.l):
            if key is item or (hasattr(item, "equals") and item.equals(key)) or np.all(key == item) is np.True_:
                return i
        return None

    def get(self, item: Any, default: Any = None) -> Any:
        try:
            return self.d[item]
        except KeyError:
            return default
        except TypeError:
            i = self._place(item)
            return default if i is None else self.l[i][1]

    def __getitem__(self, item: Any) -> Any:
        return self.get(item)

    def __setitem__(self, item: Any, value: Any) -> None:
        try:
            self.d[item] = value
        except TypeError:
            i = self._place(item)
            if i is None:
                self.l.append((item, value))
            else:
                self.l[i] = (item, value)

    def __delitem__(self, item: Any) -> None:
        if not self.discard(item):
            raise KeyError(item)

    def discard(self, item: Any) -> bool:
        """Remove `item` if it is there; returns whether it was."""
        try:
            return self.d.pop(item, self) is not self
        except TypeError:
            i = self._place(item)
            if i is not None:
                del self.l[i]
            return i is not None

    def clear(self) -> None:
        self.d, self.l = {}, []

    def __str__(self) -> str:
        return "(%s, %s)" % (self.d, self.l)
