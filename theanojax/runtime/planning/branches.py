"""Lazy conditionals: resolved before a call where the condition can be known, else XLA runs one of two branches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

import numpy as np

import jax.numpy as jnp
from jax import lax

from theanojax.graph.copying import substitute
from theanojax.graph.locks import compiling
from theanojax.graph.traverse import ancestors, io_toposort
from theanojax.runtime.planning.analysis import Analysis
from theanojax.runtime.planning.programs import Remark
from theanojax.runtime.planning.shape_program import compile_program
from theanojax.runtime.xla.namespace import cast_value, is_known
from theanojax.runtime.xla.problems import NeedsValue, TooLarge, Untraceable

if TYPE_CHECKING:
    import jax

    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Array, Cells, Oversized, Regions, Value
    from theanojax.runtime.planning.learned import Case, Learned
    from theanojax.runtime.planning.programs import Program, Stage
    from theanojax.runtime.policy.outcome import Outcome
    from theanojax.runtime.timing.scopes import Scopes

    Build = Callable[[Sequence[Variable], Sequence[Variable], Learned, dict[int, int]], Program]


# ---------------------------------------------------------------- programs
def branching(
    inputs: Sequence[Variable], outputs: Sequence[Variable], learned: Learned, updates: dict[int, int], build: Build
) -> Branching | None:
    """A program that learns conditions first, if the graph has some that have to be or can be; else None.

    `build` makes the program of the graph for each case.
    """
    order = io_toposort(inputs, outputs)
    lazy = [n for n in order if n.op.lazy_branches(n)]
    if not lazy:
        return None
    conditions = {n: _parts(n)[0] for n in lazy}
    analysis = Analysis(inputs)
    cheap = [n for n in lazy if analysis.cheap(conditions[n])]
    if cheap:
        return Branching(inputs, outputs, cheap, learned, updates, analysis, build)
    found = regions(order, outputs)
    costly = [
        n
        for n in lazy
        if conditions[n] in learned.forced
        or learned.on_host(n)
        or any(learned.on_host(m) for part in found[n] for m in part)
    ]
    return Branching(inputs, outputs, costly[:1], learned, updates, None, build) if costly else None


class Branching:
    """Runs the program in which the lazy conditionals `nodes` are resolved to the branches taken."""

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        nodes: Sequence[Apply],
        learned: Learned,
        updates: dict[int, int],
        analysis: Analysis | None,
        build: Build,
    ) -> None:
        self.inputs, self.outputs, self.nodes, self.learned, self.updates = inputs, outputs, nodes, learned, updates
        self.build = build
        self.cases: dict[tuple[bool, ...], tuple[Program, list[int]]] = {}
        conditions = [_parts(n)[0] for n in nodes]
        self.frontier: list[Variable] = []
        self.first: Program | None = None
        if analysis is not None:
            self.conditions = compile_program(inputs, conditions, analysis)
        else:
            self.frontier = frontier(inputs, conditions, outputs)
            self.first = build(inputs, conditions + self.frontier, learned, {})

    def run(self, values: list[Value], cells: Cells) -> tuple[list[Value], Outcome]:
        if self.first is None:
            key = tuple(bool(c) for c in self.conditions(values))
        else:
            results, outcome = self.first.run(values, None)
            if not outcome.good:
                return [], outcome
            n = len(self.nodes)
            key = tuple(bool(np.asarray(c).item()) for c in results[:n])
            values = list(values) + list(results[n:])
        case = self.cases.get(key)
        if case is None:
            with compiling.lock:
                case = self.cases.get(key) or self._case(key)
                self.cases[key] = case
        program, used = case
        return program.run([values[i] for i in used], cells)

    def _case(self, key: tuple[bool, ...]) -> tuple[Program, list[int]]:
        inputs = list(self.inputs) + self.frontier
        same: Case = tuple(self.nodes), key, tuple(inputs), tuple(self.outputs)
        outputs = self.learned.branches.get(same)
        if outputs is None:
            swap: dict[Variable, Variable] = {}
            for node, cond in zip(self.nodes, key):
                _, then, otherwise = _parts(node)
                swap.update(zip(node.outputs, then if cond else otherwise))
            outputs = self.learned.branches[same] = substitute(inputs, self.outputs, swap)
        reached = set(ancestors(outputs, set(inputs)))
        keep = set(self.updates.values())
        used = [i for i, v in enumerate(inputs) if v in reached or i in keep]
        place = {old: new for new, old in enumerate(used)}
        updates = {o: place[i] for o, i in self.updates.items()}
        return self.build([inputs[i] for i in used], outputs, self.learned, updates), used

    def all_stages(self) -> list[Stage]:
        programs = [program for program, _ in list(self.cases.values())] + ([] if self.first is None else [self.first])
        return [stage for program in programs for stage in program.all_stages()]

    @property
    def plan(self) -> Remark:
        """The plans of the cases that have been met."""
        conditions = ", ".join(str(_parts(n)[0]) for n in self.nodes)
        how = "from numbers and shapes" if self.first is None else "by this plan:\n%s\n" % self.first.plan
        cases = [
            "where they are %s:\n%s" % (", ".join(map(str, key)), program.plan)
            for key, (program, _) in list(self.cases.items())
        ]
        return Remark("\n".join(["the conditions %s are computed first, %s" % (conditions, how), *cases]))


def _parts(node: Apply) -> tuple[Variable, Sequence[Variable], Sequence[Variable]]:
    """The condition of a lazy conditional and what it returns in either case."""
    parts: tuple[Variable, Sequence[Variable], Sequence[Variable]] | None = node.op.lazy_branches(node)
    assert parts is not None
    return parts


def frontier(inputs: Sequence[Variable], conditions: Sequence[Variable], outputs: Sequence[Variable]) -> list[Variable]:
    """What is computed on the way to `conditions` and used beyond them."""
    early = set(io_toposort(inputs, conditions))
    found: list[Variable] = []
    for node in io_toposort(inputs, outputs):
        if node not in early:
            found += [v for v in node.inputs if v.owner in early]
    found += [v for v in outputs if v.owner in early]
    return [v for v in dict.fromkeys(found) if v not in set(inputs)]


# ---------------------------------------------------------------- tracing
class Context(Protocol):
    """What tracing branches asks of a TraceContext."""

    env: dict[Variable, Value]
    statics: dict[Variable, Value]
    guards: list[jax.Array]
    oversized: list[Oversized]
    scopes: Scopes | None

    def value(self, v: Variable) -> Value: ...
    def step(self, node: Apply) -> None: ...
    def ok(self) -> Array | bool: ...
    def sub(self) -> AbstractContextManager[Context]: ...


def trace(context: Context, order: Sequence[Apply], found: Regions) -> None:
    """Trace the nodes of `order` in a TraceContext; those of the regions `found` only inside their branch."""
    inner = {n for m in order if m in found for part in found[m] for n in part}
    for node in order:
        if node not in inner:
            if node in found:
                _branch(context, node, found)
            else:
                context.step(node)


def _branch(context: Context, node: Apply, found: Regions) -> None:
    condition, *sides = _parts(node)
    value = context.value(condition)
    if not is_known(value) and condition in context.statics:
        value = context.statics[condition]
    if is_known(value):
        k = 0 if np.asarray(value).item() else 1
        trace(context, found[node][k], found)
        context.env.update(zip(node.outputs, [context.value(v) for v in sides[k]]))
        return
    guarded: list[jax.Array] = []

    def body(k: int) -> Callable[[], tuple[list[jax.Array], jax.Array]]:
        def run() -> tuple[list[jax.Array], jax.Array]:
            with context.sub() as inner:
                inner.env = dict(context.env)
                trace(inner, found[node][k], found)
                outs = [cast_value(inner.value(v), out) for v, out in zip(sides[k], node.outputs)]
                guarded.extend(inner.guards)
                if inner.oversized:
                    raise NeedsValue(condition)  # the other branch may be the one taken
                return [jnp.asarray(o) for o in outs], jnp.asarray(inner.ok())

        return run

    try:
        with nullcontext() if context.scopes is None else context.scopes.around(node):
            outs, ok = lax.cond(jnp.asarray(value) != 0, body(0), body(1))
    except (Untraceable, TooLarge, TypeError, ValueError) as e:
        # branches of unequal shapes, or one that cannot be traced and may not be taken
        raise NeedsValue(condition) from e
    if guarded:
        context.guards.append(ok)
    context.env.update(zip(node.outputs, outs))


def regions(order: Sequence[Apply], outputs: Sequence[Variable]) -> Regions:
    """For each lazy conditional of `order` the nodes that serve nothing but its true branch, and its false branch."""
    if not any(n.op.lazy_branches(n) for n in order):
        return {}
    clients: dict[Apply, list[tuple[Apply, int]]] = {}
    for node in order:
        for i, v in enumerate(node.inputs):
            if v.owner is not None:
                clients.setdefault(v.owner, []).append((node, i))
    wanted = {v.owner for v in outputs if v.owner is not None}
    position = {n: i for i, n in enumerate(order)}
    found: Regions = {}
    for node in order:
        lazy = node.op.lazy_branches(node)
        if not lazy:
            continue
        n = len(lazy[1])
        sides: list[list[Apply]] = []
        for lo, hi in ((1, 1 + n), (1 + n, 1 + 2 * n)):
            own: set[Apply] = set()
            for cand in reversed(order[: position[node]]):
                if cand in wanted:
                    continue
                uses = clients.get(cand, ())
                if uses and all((u is node and lo <= i < hi) or u in own for u, i in uses):
                    own.add(cand)
            sides.append([m for m in order if m in own])
        found[node] = sides[0], sides[1]
    return found
