"""Walking a graph with a local optimizer: each node once, in topological order or by Op."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import TYPE_CHECKING

from theanojax.config import config
from theanojax.errors import InconsistencyError
from theanojax.graph.features import NodeFinder
from theanojax.graph.rewriting.base import Optimizer, log_failure, print_parts
from theanojax.graph.rewriting.local import LocalOptGroup
from theanojax.graph.rewriting.profile import RewriteProfile
from theanojax.graph.signals import by_signal
from theanojax.graph.traverse import io_toposort

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TextIO

    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.graph.op import PureOp
    from theanojax.graph.rewriting.local import LocalOptimizer
    from theanojax.graph.rewriting.profile import RewriteReport
    from theanojax.graph.variable import Apply, Node, User, Variable

    Pairs = Sequence[tuple[Variable, Variable | None]]
    Failure = Callable[[Exception, "NavigatorOptimizer", Pairs, LocalOptimizer, Apply], None]
    Importer = Callable[[Apply], None]
    ChangeListener = Callable[[User, int, Variable, Variable, object], None]


def _ignore(*change: object) -> None:
    """Stands for a listener that there is not."""


class Updater:
    """A feature that passes the graph's changes on to three functions (or None)."""

    def __init__(
        self, importer: Importer | None, pruner: Importer | None, chin: ChangeListener | None, name: str | None = None
    ) -> None:
        self.importer, self.pruner, self.chin = importer or _ignore, pruner or _ignore, chin or _ignore
        self.name = name

    def __str__(self) -> str:
        return "Updater{%s}" % self.name

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: object) -> None:
        self.importer(node)

    def on_prune(self, fgraph: FunctionGraph, node: Apply, reason: object) -> None:
        self.pruner(node)

    def on_change_input(
        self, fgraph: FunctionGraph, node: User, i: int, r: Variable, new_r: Variable, reason: object
    ) -> None:
        self.chin(node, i, r, new_r, reason)

    def on_detach(self, fgraph: FunctionGraph) -> None:
        self.importer = self.pruner = self.chin = _ignore


class NavigatorOptimizer(Optimizer):
    """Base of optimizers that apply the local optimizer `local_opt` to nodes.

    Parameters
    ----------
    ignore_newtrees : bool or "auto"
        Whether nodes made by a replacement are left alone; "auto" asks ``local_opt.reentrant``.
    failure_callback : function of (exception, navigator, [(old, new) ...], local_opt, node), or None
        Called when a transformation fails (new is None) or is refused; without it exceptions go on.
    """

    def __init__(
        self,
        local_opt: LocalOptimizer | None,
        ignore_newtrees: bool | str = "auto",
        failure_callback: Failure | None = None,
    ) -> None:
        self.local_opt = local_opt
        if ignore_newtrees == "auto":
            ignore_newtrees = not getattr(local_opt, "reentrant", True)
        self.ignore_newtrees = ignore_newtrees
        self.failure_callback = failure_callback

    @staticmethod
    def warn(
        exc: Exception, nav: NavigatorOptimizer, repl_pairs: Pairs, local_opt: LocalOptimizer, node: Apply
    ) -> None:
        """A failure callback: log, then do as ``config.on_opt_error`` says; AssertionErrors go on."""
        if config.on_opt_error != "ignore":
            log_failure("Optimization failure due to: %s" % local_opt, "node: %s" % node, "TRACEBACK:")
        if config.on_opt_error == "pdb":
            import pdb

            pdb.post_mortem(sys.exc_info()[2])
        elif isinstance(exc, AssertionError) or config.on_opt_error == "raise":
            raise exc

    @staticmethod
    def warn_inplace(
        exc: Exception, nav: NavigatorOptimizer, repl_pairs: Pairs, local_opt: LocalOptimizer, node: Apply
    ) -> None:
        """As ``warn``, but silent when the graph refused the replacement."""
        if not isinstance(exc, InconsistencyError):
            NavigatorOptimizer.warn(exc, nav, repl_pairs, local_opt, node)

    @staticmethod
    def warn_ignore(
        exc: Exception, nav: NavigatorOptimizer, repl_pairs: Pairs, local_opt: LocalOptimizer, node: Apply
    ) -> None:
        """A failure callback that ignores everything."""

    def attach_updater(
        self,
        fgraph: FunctionGraph,
        importer: Importer | None,
        pruner: Importer | None,
        chin: ChangeListener | None = None,
        name: str | None = None,
    ) -> Updater | None:
        """Have `importer`, `pruner` and `chin` called on changes; returns what ``detach_updater`` needs."""
        listeners = (None if self.ignore_newtrees else importer, pruner, chin)
        if not any(listeners):
            return None
        updater = Updater(*listeners, name=name)
        fgraph.attach_feature(updater)
        return updater

    def detach_updater(self, fgraph: FunctionGraph, u: Updater | None) -> None:
        if u is not None:
            fgraph.remove_feature(u)

    def process_node(self, fgraph: FunctionGraph, node: Apply, lopt: LocalOptimizer | None = None) -> bool:
        """Try `lopt` on `node`; True when something was replaced."""
        lopt = lopt or self.local_opt
        assert lopt is not None
        try:
            new = lopt.transform(node)
        except Exception as e:
            if not self._forgiven(e, [(v, None) for v in node.outputs], lopt, node):
                raise
            return False
        if new is None or new is False:
            return False
        pairs, remove = _replacement_pairs(node, new, lopt)
        if not pairs:
            return False
        try:
            fgraph.replace_all_validate_remove(pairs, remove, reason=lopt)
        except Exception as e:
            if not self._forgiven(e, pairs, lopt, node):
                raise
            return False
        return True

    def _forgiven(self, error: Exception, pairs: Pairs, lopt: LocalOptimizer, node: Apply) -> bool:
        """Whether the failure callback took the `error` that is being handled; it may raise another."""
        if self.failure_callback is None or by_signal(error):
            return False
        self.failure_callback(error, self, pairs, lopt, node)
        return True

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        if self.local_opt:
            self.local_opt.add_requirements(fgraph)

    def print_summary(self, stream: TextIO = sys.stdout, level: int = 0, depth: int = -1) -> None:
        print("%s%s (%i)" % (" " * level, type(self).__name__, id(self)), file=stream)
        print_parts([] if self.local_opt is None else [self.local_opt], stream, level, depth)


def _replacement_pairs(
    node: Apply, new: Any, lopt: LocalOptimizer
) -> tuple[list[tuple[Variable, Variable]], list[Node]]:
    """What a local optimizer returned as (old, new) pairs that differ, and the nodes it wants gone."""
    if isinstance(new, dict):
        pairs = dict(new)
        remove = pairs.pop("remove", [])
        pairs = list(pairs.items())
    elif isinstance(new, (tuple, list)):
        if len(new) != len(node.outputs):
            raise ValueError("Optimizer %s gave wrong number of replacements" % lopt)
        remove, pairs = [], list(zip(node.outputs, new))
    else:
        raise TypeError("Optimizer %s gave wrong type of replacement. Expected list or tuple. Got %s" % (lopt, new))
    if any(v is None and old.clients for old, v in pairs):
        raise ValueError("A local optimizer tried to remove a Variable that is used")
    return [(old, v) for old, v in pairs if v is not None and v is not old], remove


def _filter_for(local_opt: LocalOptimizer | None) -> Callable[[PureOp], Any]:
    """A quick function from an Op to whether `local_opt` is to be tried on its nodes.

    That of a user is tried on every node: a walker of Theano does not ask what it tracks.
    """
    if isinstance(local_opt, LocalOptGroup):
        return local_opt.dispatch.rows
    tracks = local_opt.tracks() if local_opt is not None and getattr(local_opt, "only_tracked", False) else None
    if tracks is None:
        return lambda op: True
    classes = tuple(t for t in tracks if isinstance(t, type))
    instances = [t for t in tracks if not isinstance(t, type)]
    only = getattr(local_opt, "only_scalar", None)

    def wanted(op: PureOp) -> bool:
        answer = isinstance(op, classes) or op in instances
        return answer and (only is None or isinstance(getattr(op, "scalar_op", None), only))

    return wanted


class TopoOptimizer(NavigatorOptimizer):
    """Applies a local optimizer to every node once, from inputs to outputs or the other way (`order`)."""

    local_opt: LocalOptimizer

    def __init__(
        self,
        local_opt: LocalOptimizer,
        order: str = "in_to_out",
        ignore_newtrees: bool | str = False,
        failure_callback: Failure | None = None,
    ) -> None:
        if order not in ("out_to_in", "in_to_out"):
            raise ValueError("order must be 'out_to_in' or 'in_to_out'")
        self.order = order
        super().__init__(local_opt, ignore_newtrees, failure_callback)

    def apply(self, fgraph: FunctionGraph, start_from: Sequence[Variable] | None = None) -> RewriteReport:
        # most passes find nothing to do, and need no order to see that
        if start_from is None and not any(map(_filter_for(self.local_opt), fgraph.ops())):
            return RewriteProfile(self, fgraph).close(fgraph)
        start = time.perf_counter()
        nodes = fgraph.data_order() if start_from is None else io_toposort(fgraph.inputs, start_from)
        return self.apply_to(fgraph, nodes, time.perf_counter() - start)

    def apply_to(self, fgraph: FunctionGraph, nodes: Iterable[Apply], sorting: float = 0.0) -> RewriteReport:
        """Apply to `nodes`, which are in topological order, and to what replacements add."""
        profile = RewriteProfile(self, fgraph)
        profile.sorting = sorting
        queue = deque(nodes)
        current = None

        def importer(node: Apply) -> None:
            if node is not current:
                queue.append(node)

        u = self.attach_updater(fgraph, importer, None, name=getattr(self, "name", None))
        take = queue.pop if self.order == "out_to_in" else queue.popleft
        wanted, live = _filter_for(self.local_opt), fgraph.apply_nodes
        known: dict[int, tuple[PureOp, Any]] = {}
        try:
            while queue:
                current = take()
                if current not in live:
                    continue
                op = current.op
                if id(op) not in known:
                    known[id(op)] = op, wanted(op)  # `op` is kept so that its id stays taken
                if not known[id(op)][1]:
                    continue
                if self.process_node(fgraph, current):
                    profile.add_use(self.local_opt)
        finally:
            self.detach_updater(fgraph, u)
        return profile.close(fgraph)

    def report(self, profile: RewriteProfile) -> tuple[Any, ...]:
        replaced = sum(profile.uses.values())
        return (self, replaced, *profile.nodes, profile.sorting, profile.seconds, profile.callbacks, self.local_opt)

    def __str__(self) -> str:
        return getattr(self, "__name__", "<TopoOptimizer instance>")


def _walker(
    order: str, local_opts: Sequence[LocalOptimizer], name: str | None, kwargs: dict[str, Any]
) -> TopoOptimizer:
    if len(local_opts) > 1:
        local_opt = LocalOptGroup(*local_opts)
    else:
        (local_opt,) = local_opts
        name = name or local_opt.__name__
    walker = TopoOptimizer(local_opt, order=order, failure_callback=TopoOptimizer.warn_inplace, **kwargs)
    if name:
        walker.__name__ = name
    return walker


def out2in(*local_opts: LocalOptimizer, name: str | None = None, **kwargs: Any) -> TopoOptimizer:
    """A TopoOptimizer over `local_opts` that starts at the outputs."""
    return _walker("out_to_in", local_opts, name, kwargs)


def in2out(*local_opts: LocalOptimizer, name: str | None = None, **kwargs: Any) -> TopoOptimizer:
    """A TopoOptimizer over `local_opts` that starts at the inputs."""
    return _walker("in_to_out", local_opts, name, kwargs)


class OpKeyOptimizer(NavigatorOptimizer):
    """Applies a local optimizer that has ``op_key()`` to the nodes of that Op (or those Ops)."""

    local_opt: LocalOptimizer

    def __init__(
        self, local_opt: LocalOptimizer, ignore_newtrees: bool | str = False, failure_callback: Failure | None = None
    ) -> None:
        if not hasattr(local_opt, "op_key"):
            raise TypeError("LocalOptimizer for OpKeyOptimizer must have an 'op_key' method.")
        super().__init__(local_opt, ignore_newtrees, failure_callback)

    def apply(self, fgraph: FunctionGraph) -> RewriteReport:
        key = self.local_opt.op_key()
        keys = list(key) if isinstance(key, (list, tuple)) else [key]
        queue = [node for op in keys for node in fgraph.get_nodes(op)]
        current = None

        def importer(node: Apply) -> None:
            if node is not current and node.op in keys:
                queue.append(node)

        start = time.perf_counter()
        profile = RewriteProfile(self, fgraph)
        u = self.attach_updater(fgraph, importer, None, name=getattr(self, "name", None))
        try:
            while queue:
                current = queue.pop()
                if current in fgraph.apply_nodes and self.process_node(fgraph, current):
                    profile.add_use(self.local_opt)
        finally:
            self.detach_updater(fgraph, u)
        profile.add_time(self.local_opt, time.perf_counter() - start)
        return profile.close(fgraph)

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        super().add_requirements(fgraph)
        fgraph.attach_feature(NodeFinder())
