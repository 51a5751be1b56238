"""What an optimizer did and how long it took."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TextIO, TypeAlias

    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.graph.rewriting.base import Optimizer
    from theanojax.graph.rewriting.local import LocalOptimizer

    Rewrite: TypeAlias = Optimizer | LocalOptimizer


class RewriteProfile:
    """Times and counts of one application of `optimizer` to a graph.

    ``parts`` are the optimizers it ran, as [optimizer, seconds, (nodes before, nodes after), their own report];
    ``uses`` counts the replacements made by each local optimizer and ``times`` the seconds each took. ``rounds``
    has a (seconds, uses, nodes, seconds of global optimizers, seconds of sorting) for each pass of an equilibrium.
    """

    def __init__(self, optimizer: Optimizer, fgraph: FunctionGraph) -> None:
        self.optimizer = optimizer
        self.start = time.perf_counter()
        self.seconds = 0.0
        self.nodes = (len(fgraph.apply_nodes), len(fgraph.apply_nodes))
        self.passes = 1
        self.sorting = 0.0
        self.most_nodes = self.nodes[0]
        self.callbacks = fgraph.execute_callbacks_time
        self.rounds: list[tuple[float, dict[Rewrite, int], int, float, float]] = []
        self.created: dict[Rewrite, int] = {}  # local optimizer -> number of nodes that came in by its replacements
        self.parts: list[list[Any]] = []
        self.uses: dict[Rewrite, int] = {}
        self.times: dict[Rewrite, float] = {}

    def add_part(self, optimizer: Optimizer, seconds: float, nodes: tuple[int, int], profile: Any) -> None:
        self.parts.append([optimizer, seconds, nodes, profile])

    def add_use(self, local_optimizer: Rewrite) -> None:
        self.uses[local_optimizer] = self.uses.get(local_optimizer, 0) + 1

    def add_time(self, local_optimizer: Rewrite, seconds: float) -> None:
        self.times[local_optimizer] = self.times.get(local_optimizer, 0.0) + seconds

    def close(self, fgraph: FunctionGraph) -> RewriteReport:
        self.seconds = time.perf_counter() - self.start
        self.nodes = (self.nodes[0], len(fgraph.apply_nodes))
        self.callbacks = fgraph.execute_callbacks_time - self.callbacks
        return RewriteReport(self)

    def print(self, stream: TextIO, level: int = 0) -> None:
        """Write the profile to `stream`, slowest parts first, indented by `level`."""
        pad = "    " * level
        print(
            "%s %s %s time %.3fs for %d/%d nodes before/after optimization"
            % (pad, type(self.optimizer).__name__, name_of(self.optimizer), self.seconds, *self.nodes),
            file=stream,
        )
        if self.uses:
            print("%s   %d passes, %d replacements" % (pad, self.passes, sum(self.uses.values())), file=stream)
            for opt, count in sorted(self.uses.items(), key=lambda item: -item[1]):
                print("%s   %6d - %.3fs - %s" % (pad, count, self.times.get(opt, 0.0), name_of(opt)), file=stream)
        for index, (opt, seconds, nodes, profile) in sorted(enumerate(self.parts), key=lambda row: -row[1][1]):
            print("%s   %.6fs - %s" % (pad, seconds, (name_of(opt), type(opt).__name__, index) + nodes), file=stream)
            if isinstance(profile, RewriteReport):
                profile.print(stream, level + 1)

    def merged_with(self, other: RewriteProfile) -> RewriteProfile:
        """The sum of two profiles; parts are matched by the name of their optimizer."""
        total = RewriteProfile.__new__(RewriteProfile)
        total.__dict__.update(self.__dict__)
        total.seconds = self.seconds + other.seconds
        total.nodes = (self.nodes[0] + other.nodes[0], self.nodes[1] + other.nodes[1])
        total.passes = self.passes + other.passes
        total.sorting = self.sorting + other.sorting
        total.callbacks = self.callbacks + other.callbacks
        total.most_nodes = max(self.most_nodes, other.most_nodes)
        total.rounds = self.rounds + other.rounds
        total.created = dict(self.created)
        for opt, count in other.created.items():
            total.created[opt] = total.created.get(opt, 0) + count
        total.parts = [list(p) for p in self.parts]
        place = {name_of(p[0]): p for p in total.parts}
        for part in other.parts:
            mine = place.get(name_of(part[0]))
            if mine is None:
                total.parts.append(list(part))
                continue
            mine[1] += part[1]
            mine[2] = tuple(a + b for a, b in zip(mine[2], part[2]))
            if isinstance(mine[3], RewriteReport) and isinstance(part[3], RewriteReport):
                mine[3] = mine[3].merged_with(part[3])
        total.uses, total.times = dict(self.uses), dict(self.times)
        for k, v in other.uses.items():
            total.uses[k] = total.uses.get(k, 0) + v
        for k, v in other.times.items():
            total.times[k] = total.times.get(k, 0.0) + v
        return total


class RewriteReport(tuple[Any, ...]):
    """What ``optimize`` returns: the tuple that Theano has for this kind of optimizer, of what `profile` knows."""

    profile: RewriteProfile

    def __new__(cls, profile: RewriteProfile) -> RewriteReport:
        self = super().__new__(cls, profile.optimizer.report(profile))
        self.profile = profile
        return self

    def print(self, stream: TextIO, level: int = 0) -> None:
        self.profile.print(stream, level)

    def merged_with(self, other: RewriteReport) -> RewriteReport:
        return RewriteReport(self.profile.merged_with(other.profile))


def name_of(opt: object) -> str:
    return getattr(opt, "name", None) or getattr(opt, "__name__", None) or str(opt)
