"""Applying rewrites until none applies any more, with work proportional to what changes."""

from __future__ import annotations

import logging
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from theanojax.config import config
from theanojax.graph.rewriting.base import Optimizer, print_parts
from theanojax.graph.rewriting.local import Dispatch, LocalOptimizer
from theanojax.graph.rewriting.profile import RewriteProfile, name_of
from theanojax.graph.rewriting.walk import NavigatorOptimizer, TopoOptimizer
from theanojax.graph.traverse import io_toposort

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, TextIO

    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.graph.op import PureOp
    from theanojax.graph.rewriting.profile import RewriteReport
    from theanojax.graph.variable import Apply, User, Variable


_logger = logging.getLogger("theanojax.graph.rewriting.base")

# How many uses below a change a rewrite may look up to (x.owner.inputs[0].owner... has this many steps).
REACH = 4


class ChangeTracker:
    """A feature that knows whether anything changed since ``reset``, and what has to be looked at again."""

    def __init__(self) -> None:
        self.changed = False
        self.nb_imported = 0
        self.imported: dict[Apply, None] = {}
        self.touched: dict[Apply, None] = {}
        self.on_new: Callable[[Apply], None] | None = None

    def on_attach(self, fgraph: FunctionGraph) -> None:
        fgraph.change_tracker = self

    def on_detach(self, fgraph: FunctionGraph) -> None:
        vars(fgraph).pop("change_tracker", None)  # that of an EquilibriumOptimizer within another may be gone

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: object) -> None:
        self.nb_imported += 1
        self.changed = True
        self.imported[node] = None
        if self.on_new is not None:
            self.on_new(node)

    def on_prune(self, fgraph: FunctionGraph, node: Apply, reason: object) -> None:
        self.imported.pop(node, None)
        self.touched.pop(node, None)
        for v in node.inputs:  # these have one user less, which some rewrites wait for
            self._touch_around(v)

    def on_change_input(
        self, fgraph: FunctionGraph, node: User, i: int, r: Variable, new_r: Variable, reason: object
    ) -> None:
        self.changed = True
        if node != "output":
            self.touched[node] = None
        self._touch_around(r)
        self._touch_around(new_r)

    def _touch_around(self, v: Variable) -> None:
        if v.owner is not None:
            self.touched[v.owner] = None
            users = v.clients
            if len(users) <= 8:
                for node, _ in users:
                    if node != "output":
                        self.touched[node] = None

    def reset(self) -> None:
        self.changed = False

    def take_dirty(self, fgraph: FunctionGraph) -> dict[Apply, None]:
        """The nodes that a rewrite might now treat differently, and forget them."""
        live = fgraph.apply_nodes
        dirty = dict.fromkeys(n for n in [*self.imported, *self.touched] if n in live)
        edge = list(dirty)
        for _ in range(REACH):
            below = []
            for node in edge:
                for out in node.outputs:
                    if len(out.clients) > 64:  # a hub: the full pass at the end sees its users
                        continue
                    for user, _i in out.clients:
                        if user != "output" and user not in dirty:
                            dirty[user] = None
                            below.append(user)
            edge = below
        self.imported, self.touched = {}, {}
        return dirty


class EquilibriumOptimizer(NavigatorOptimizer):
    """Applies local and global optimizers over and over until nothing changes.

    The first round visits every node, from outputs to inputs; later rounds only the nodes around what changed; when
    those rest, one more round over all nodes makes sure.

    Parameters
    ----------
    optimizers : local ones, and global ones, which are run at the start of each round
    max_use_ratio : number
        One optimizer may be used that many times the number of nodes; more is taken for a loop and ends everything.
    ignore_newtrees : bool
        Whether nodes made in a round wait for the next one.
    tracks_on_change_inputs : bool
        Whether a node whose input changes is tried again in the same round.
    final_optimizers : global ones, run at the end of each round
    cleanup_optimizers : global ones that are cheap when there is nothing to do, run after each replacement
    """

    def __init__(
        self,
        optimizers: Iterable[Optimizer | LocalOptimizer],
        failure_callback: Callable[..., None] | None = None,
        ignore_newtrees: bool = True,
        tracks_on_change_inputs: bool = False,
        max_use_ratio: float | None = None,
        final_optimizers: Iterable[Optimizer] | None = None,
        cleanup_optimizers: Iterable[Optimizer] | None = None,
    ) -> None:
        super().__init__(None, ignore_newtrees=ignore_newtrees, failure_callback=failure_callback)
        if max_use_ratio is None:
            raise ValueError("max_use_ratio has to be a number")
        optimizers = list(optimizers)
        self.local_optimizers = [o for o in optimizers if isinstance(o, LocalOptimizer)]
        self.global_optimizers = [o for o in optimizers if not isinstance(o, LocalOptimizer)]
        self.final_optimizers = list(final_optimizers or [])
        self.cleanup_optimizers = list(cleanup_optimizers or [])
        self.tracks_on_change_inputs, self.max_use_ratio = tracks_on_change_inputs, max_use_ratio
        self.dispatch = Dispatch(self.local_optimizers, all_first=True)

    @property
    def local_optimizers_map(self) -> dict[PureOp | type[PureOp], list[LocalOptimizer]]:
        return {k: v for k, v in self.dispatch.by_key.items() if k is not None}

    @property
    def local_optimizers_all(self) -> list[LocalOptimizer]:
        return self.dispatch.by_key[None]

    def get_local_optimizers(self) -> Iterator[LocalOptimizer]:
        return iter(self.local_optimizers)

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        super().add_requirements(fgraph)
        opts: list[Optimizer | LocalOptimizer] = [*self.local_optimizers, *self.global_optimizers]
        for opt in [*opts, *self.final_optimizers, *self.cleanup_optimizers]:
            opt.add_requirements(fgraph)

    def apply(self, fgraph: FunctionGraph, start_from: Sequence[Variable] | None = None) -> RewriteReport:
        tracker = ChangeTracker()
        fgraph.attach_feature(tracker)
        try:
            return _Run(self, fgraph, tracker, start_from).run()
        finally:
            fgraph.remove_feature(tracker)

    def report(self, profile: RewriteProfile) -> tuple[Any, ...]:
        seconds, uses, nodes, in_global, sorting = map(list, zip(*profile.rounds)) if profile.rounds else [[]] * 5
        parts: list[list[Any]] = [[] for _ in profile.rounds]
        return (
            self,
            seconds,
            uses,
            (*profile.nodes, profile.most_nodes),
            in_global,
            nodes,
            dict(profile.times),
            sorting,
            dict(profile.created),
            parts,
            parts,
            parts,
        )

    def print_summary(self, stream: TextIO | None = None, level: int = 0, depth: int = -1) -> None:
        stream = stream or sys.stdout
        Optimizer.print_summary(self, stream, level)
        print_parts(self.local_optimizers, stream, level, depth)

    @staticmethod
    def merge_profile(prof1: RewriteReport, prof2: RewriteReport) -> RewriteReport:
        return prof1.merged_with(prof2)


class _Run:
    """One application of an EquilibriumOptimizer."""

    def __init__(
        self,
        opt: EquilibriumOptimizer,
        fgraph: FunctionGraph,
        tracker: ChangeTracker,
        start_from: Sequence[Variable] | None,
    ) -> None:
        self.opt, self.fgraph, self.tracker, self.start_from = opt, fgraph, tracker, start_from
        self.profile = RewriteProfile(opt, fgraph)
        self.max_nodes = len(fgraph.apply_nodes)
        self.looping: Optimizer | LocalOptimizer | None = None
        self.rank: dict[Apply, int] = {}

    def run(self) -> RewriteReport:
        full, passes = True, 0
        nodes: list[Apply] = []
        while self.looping is None:
            passes += 1
            start, used = time.perf_counter(), dict(self.profile.uses)
            self.sorting = self.in_global = 0.0
            if full:
                nodes = self._all_nodes()
            size = len(nodes)
            changed = self._round(nodes, full)
            uses = {opt: n - used.get(opt, 0) for opt, n in self.profile.uses.items() if n > used.get(opt, 0)}
            self.profile.rounds.append((time.perf_counter() - start, uses, size, self.in_global, self.sorting))
            dirty = self.tracker.take_dirty(self.fgraph)
            if changed and dirty:
                full = len(dirty) * 2 > len(self.fgraph.apply_nodes)
                rank = self.rank
                nodes = sorted(dirty, key=lambda n: rank.get(n, 0))
            elif full:
                break
            else:
                full = True
        self.profile.passes = passes
        if self.looping is not None:
            self._complain()
        return self.profile.close(self.fgraph)

    def _all_nodes(self) -> list[Apply]:
        start = time.perf_counter()
        if self.start_from is None:
            nodes = self.fgraph.toposort()
        else:
            nodes = io_toposort(self.fgraph.inputs, self.start_from)
        self.rank = {n: i for i, n in enumerate(nodes)}
        self.max_nodes = self.profile.most_nodes = max(self.max_nodes, len(nodes))
        self.sorting += time.perf_counter() - start
        return nodes

    def _round(self, nodes: Sequence[Apply], full: bool) -> bool:
        changed = False
        for opt in self.opt.global_optimizers:
            changed |= self._apply_global(opt, opt.apply)
        if changed:
            changed |= self._cleanup()
            nodes = self._all_nodes()
        changed |= self._apply_local(nodes)
        for opt in self.opt.final_optimizers:
            if not full and isinstance(opt, TopoOptimizer):
                todo = [n for n in [*nodes, *self.tracker.imported] if n in self.fgraph.apply_nodes]
                todo = sorted(dict.fromkeys([*todo, *self.tracker.touched]), key=lambda n: self.rank.get(n, 0))
                changed |= self._apply_global(opt, partial(opt.apply_to, nodes=todo))
            else:
                changed |= self._apply_global(opt, opt.apply)
        return self._cleanup() | changed

    def _apply_global(self, opt: Optimizer, apply: Callable[[FunctionGraph], Any]) -> bool:
        self.tracker.reset()
        start = time.perf_counter()
        apply(self.fgraph)
        seconds = time.perf_counter() - start
        self.in_global += seconds
        self.profile.add_time(opt, seconds)
        if not self.tracker.changed:
            return False
        self._count(opt)
        return True

    def _cleanup(self) -> bool:
        changed = False
        for opt in self.opt.cleanup_optimizers:
            changed |= self._apply_global(opt, opt.apply)
        return changed

    def _count(self, opt: Optimizer | LocalOptimizer) -> None:
        self.profile.add_use(opt)
        if self.profile.uses[opt] > self.max_nodes * self.opt.max_use_ratio:
            self.looping = opt

    def _apply_local(self, nodes: Sequence[Apply]) -> bool:
        opt, fgraph, rank = self.opt, self.fgraph, self.rank
        live, rows, process = fgraph.apply_nodes, opt.dispatch.rows, opt.process_node
        created = self.profile.created
        stack = list(nodes)
        current, changed = None, False

        def on_new(node: Apply) -> None:
            rank[node] = 0 if current is None else rank.get(current, 0)
            if not opt.ignore_newtrees and node is not current:
                stack.append(node)

        def on_change(node: User, i: int, r: Variable, new_r: Variable, reason: object) -> None:
            if node is not current and node != "output":
                stack.append(node)

        self.tracker.on_new = on_new
        updater = None
        if opt.tracks_on_change_inputs:
            updater = NavigatorOptimizer.attach_updater(opt, fgraph, None, None, chin=on_change)
        try:
            while stack:
                current = stack.pop()
                if current not in live:
                    continue
                for lopt in rows(current.op):
                    imported = self.tracker.nb_imported
                    if not process(fgraph, current, lopt):
                        continue
                    changed = True
                    created[lopt] = created.get(lopt, 0) + self.tracker.nb_imported - imported
                    self._count(lopt)
                    self._cleanup()
                    if current not in live:
                        break
                if self.looping is not None:
                    break
        finally:
            self.tracker.on_new = None
            opt.detach_updater(fgraph, updater)
        return changed

    def _complain(self) -> None:
        text = (
            "EquilibriumOptimizer max'ed out by '%s'. You can safely raise the current threshold of %f with the "
            "theano flag 'optdb.max_use_ratio'." % (name_of(self.looping), config.optdb.max_use_ratio)
        )
        if config.on_opt_error == "raise":
            raise AssertionError(text)
        _logger.error(text)
