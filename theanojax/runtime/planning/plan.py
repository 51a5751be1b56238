"""Plans: how a graph is cut into stages that XLA and the host run in turn, found once before anything is traced."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from theanojax.config import config
from theanojax.devices import contexts, kind_of, number_of
from theanojax.graph.traverse import ancestors, io_toposort
from theanojax.graph.variable import Constant
from theanojax.runtime.planning.analysis import Analysis, has_open_loops, order_above_shapes, reads_lengths
from theanojax.runtime.planning.shape_program import compile_program

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import ShapeProgram, Value
    from theanojax.runtime.planning.learned import Learned

    Steps = int | None | Callable[[Sequence[Value]], int]
    Place = tuple[int, str]  # the number of a stage, and "x" for XLA or "h" for the host

PRINTED = 12  # names in a line of a printed plan


@dataclass(frozen=True, eq=False)
class StagePlan:
    """A part of the graph that runs in one place.

    Attributes
    ----------
    number : stages run in this order, of one number XLA's before the host's.
    on_xla : bool
    inputs, outputs : variables it takes and gives. The host may give an input, whose value a later stage wants.
    nodes : what it runs.
    reasons : node -> why, of the nodes that run on the host.
    statics : variables known before that fix shapes in it: there is one executable for each of their values.
    donated : input -> output that takes over its buffer where the shapes allow it.
    updates : position of an output -> place among the updates of the function.
    fetched : variables whose values it makes known to later stages.
    context : the name of the context whose device it runs on; None for the device in use.
    """

    number: int
    on_xla: bool
    inputs: tuple[Variable, ...] = ()
    outputs: tuple[Variable, ...] = ()
    nodes: tuple[Apply, ...] = ()
    reasons: dict[Apply, str] = field(default_factory=dict)
    statics: tuple[Variable, ...] = ()
    donated: dict[Variable, Variable] = field(default_factory=dict)
    updates: dict[int, int] = field(default_factory=dict)
    fetched: tuple[Variable, ...] = ()
    context: str | None = None

    def __str__(self) -> str:
        ops = _names(node.op for node in self.nodes) or "reads values"
        lines = ["%s%s: %s" % ("XLA" if self.on_xla else "host", " on %s" % self.context if self.context else "", ops)]
        lines += ["why: %s" % reason for reason in dict.fromkeys(self.reasons.values())]
        facts: list[tuple[str, Iterable[Variable]]] = [
            ("takes", self.inputs),
            ("gives", self.outputs),
            ("compiled for each value of", self.statics),
            ("gives away the buffer of", self.donated),
            ("makes known", self.fetched),
        ]
        return "\n   ".join(lines + ["%s %s" % (title, _names(them)) for title, them in facts if them])


@dataclass(frozen=True, eq=False)
class Plan:
    """How a graph runs; `print` shows it.

    Attributes
    ----------
    inputs, outputs : of the graph.
    updates : position of an output -> position of the input that it replaces.
    moved : outputs that are the old value of another input, which gets a new one too: nobody else holds it then.
    stages : tuple of StagePlan, as they run.
    cheap : variables that the host computes before each call, by `shape_program`, from the list of input values.
    in_place : large inputs that XLA reads where they lie; if it had to copy them, the host would read the parts.
    steps : of all loops in XLA whose lengths no shape tells: 1 if there are none, None if nobody knows, or a function
        of the list of input values.
    """

    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    updates: dict[int, int]
    moved: frozenset[int]
    stages: tuple[StagePlan, ...]
    cheap: tuple[Variable, ...]
    shape_program: ShapeProgram | None
    in_place: frozenset[Variable]
    steps: Steps

    def __str__(self) -> str:
        lines = ["%d. %s" % pair for pair in enumerate(self.stages, 1)] or ["nothing to compute"]
        if self.cheap:
            lines.insert(0, "before each call, from numbers and shapes: %s" % _names(self.cheap))
        return "\n".join(lines)


def _names(things: Iterable[object]) -> str:
    names = [str(thing) for thing in things]
    rest = len(names) - PRINTED
    return ", ".join(names[:PRINTED]) + (" and %d more" % rest if rest > 0 else "")


class Planner:
    """Finds the Plan of a graph without resolvable conditionals.

    Stage k of each kind runs before stage k+1; an XLA node belongs to the first stage after the host has
    what it needs (inputs computed there, values that fix its shapes). Where contexts name several devices, each has the
    numbers k that leave its own remainder.
    """

    def __init__(
        self,
        inputs: Iterable[Variable],
        outputs: Iterable[Variable],
        learned: Learned,
        updates: dict[int, int],
        pieces: dict[Apply, int] | None = None,
    ) -> None:
        self.inputs, self.outputs, self.learned, self.updates = list(inputs), list(outputs), learned, updates
        self.pieces = pieces or {}  # node -> the first stage that may run it, where a large graph is cut
        self.kept_out: set[Variable] = set()  # inputs that XLA does not see, not even their shapes
        self.in_place: set[Variable] = set()  # inputs that it would not see if it had to copy them
        self.slices: set[Apply] = set()  # nodes that read parts of them, and what only those need
        self.twice: set[Apply] = set()  # nodes of which both need the results, and both compute them
        self.analysis = Analysis(self.inputs, self.kept_out)
        self.level: dict[Variable, Place] = {v: (-1, "h") for v in self.inputs}  # variable -> stage that makes it known
        self.stage_of: dict[Apply, Place] = {}  # node -> stage
        # variable known before -> numbers of the XLA stages that it fixes shapes in
        self.static_of: dict[Variable, set[int]] = {}
        self.fetch: dict[int, list[Variable]] = {}  # number of a stage -> variables whose values it makes known
        self.reasons: dict[Apply, str] = {}
        self.contexts: dict[Variable, str | None] = {}  # variable -> the context that has it
        self.lanes: list[str | None] = [None]  # a context for each device of the graph

    def plan(self) -> Plan:
        order = io_toposort(self.inputs, self.outputs)
        self._assign(order)
        stages = self._cut(order)
        replaced = {self.inputs[i] for i in self.updates.values()}
        moved = frozenset(
            o for o in self.updates if self.outputs[o] in replaced and self.outputs.count(self.outputs[o]) == 1
        )
        cheap = tuple(n for n in self.static_of if self.analysis.cheap(n))
        return Plan(
            tuple(self.inputs),
            tuple(self.outputs),
            dict(self.updates),
            moved,
            stages,
            cheap,
            compile_program(self.inputs, cheap, self.analysis) if cheap else None,
            frozenset(self.in_place),
            self._steps(stages),
        )

    # ---------------------------------------------------------------- which stage
    def _assign(self, order: Sequence[Apply]) -> None:
        self._find_slices(order)
        if contexts:
            self._find_contexts(order)
        for node in order:
            if is_index_part(node) and node.outputs[0] not in self.outputs:
                continue
            why = self.learned.on_host(node)
            if why is None and is_index_part(node):
                why = "an index is an output"
            if why is None and node in self.slices:
                why = "of a large array only a part is read"
            if why is not None:
                self.reasons[node] = why
            at = self._after_inputs(node, why is not None)
            if why is None:
                at = max(at, self.pieces.get(node, 0))
                at = self._after_needs(node, self._in_lane(node, at))
            self.stage_of[node] = (at, "x" if why is None else "h")
            self.level.update((o, self.stage_of[node]) for o in node.outputs)

    def _after_inputs(self, node: Apply, on_host: bool) -> int:
        at = -1 if on_host else 0
        for v in direct_inputs(node):
            if v in self.level and not (node in self.slices and v.owner in self.twice):
                n, kind = self.level[v]
                at = max(at, n + 1 if kind == "h" and not on_host else n)
        return at

    def _after_needs(self, node: Apply, at: int) -> int:
        needs = self.learned.node_needs(node)
        for need in needs:
            at = self._in_lane(node, max(at, self._place_need(need)))
        for need in needs:
            if at > 0 and need not in self.static_of and not isinstance(need, Constant) and self.analysis.cheap(need):
                self.static_of[need] = set()  # a shape that an earlier stage has seen is a tracer here
            if need in self.static_of:
                self.static_of[need].add(at)
        return at

    def _find_contexts(self, order: Sequence[Apply]) -> None:
        """The context of each variable: that of its type, of the first input of its node, or of who uses it."""
        of_type = {v: _context_of(v) for n in order for v in (*n.inputs, *n.outputs) if _is_placed(v)}
        placed = {v: of_type[v] for v in self.inputs if v in of_type}
        for node in order:
            found = [placed[v] for v in direct_inputs(node) if v in placed][:1]
            for o in node.outputs:
                if o in of_type or found:
                    placed[o] = of_type[o] if o in of_type else found[0]
        for node in reversed(order):
            for o in node.outputs[:1]:
                for v in direct_inputs(node) if o in placed else ():
                    placed.setdefault(v, placed[o])
        self.contexts = placed
        there: dict[tuple[str, int], str | None] = {_device_of(None): None}
        for name in placed.values():
            there.setdefault(_device_of(name), name)
        self.lanes = list(there.values())

    def _in_lane(self, node: Apply, at: int) -> int:
        """The first number from `at` on of a stage on the device of `node`."""
        if len(self.lanes) == 1:
            return at
        device = _device_of(self.contexts.get(node.outputs[0]))
        lane = next(i for i, name in enumerate(self.lanes) if _device_of(name) == device)
        return at + (lane - at) % len(self.lanes)

    def _place_need(self, need: Variable) -> int:
        """Record how `need` becomes known; returns the first XLA stage that may use it."""
        kind = self.analysis.kind(need)
        if kind == "cheap":
            self.static_of.setdefault(need, set())
        if kind in ("constant", "cheap") or need not in self.learned.forced and not self._of_each_call(need):
            return 0  # known while tracing; or of data, which an Op may do without: tracing tells
        self.static_of.setdefault(need, set())
        at = max([self.level[v][0] for v in ancestors([need], set(self.level)) if v in self.level] or [-1])
        self.fetch.setdefault(at, []).append(need)
        return at + 1

    def _of_each_call(self, need: Variable) -> bool:
        """Whether the value of `need` is made by an Op that must run once in each call, so not in vain before it."""
        return any(n.op.side_effect or self.learned.on_host(n) for n in order_above_shapes(self.analysis.inputs, need))

    def _find_slices(self, order: Sequence[Apply]) -> None:
        """Find nodes that only read parts of large numpy arrays, at places the host knows.

        These are views there, and copies in XLA.
        """
        users: dict[Variable, list[tuple[Apply, int]]] = {}
        shapes: dict[Variable, list[tuple[Apply, int]]] = {}
        large = self.learned.sliced | self.learned.in_place
        for node in order if large else ():
            for k, v in enumerate(node.inputs):
                if v in large:
                    (users if reads_lengths(node) is None else shapes).setdefault(v, []).append((node, k))
        for v, uses in users.items():
            if v in self.inputs and all(
                k == 0
                and n.op.reads_part
                and all(isinstance(u, Constant) or u in self.inputs or self.analysis.cheap(u) for u in n.inputs[1:])
                for n, k in uses
            ):
                if v in self.learned.in_place:
                    self.in_place.add(v)
                    continue
                self.kept_out.add(v)
                self.slices.update(n for n, _ in uses + shapes.get(v, []))
        # what computes the index is needed on the host, too
        indices = [v for n in order if n in self.slices and reads_lengths(n) is None for v in n.inputs[1:]]
        for node in io_toposort(self.inputs, indices):
            only_there = any(v in self.kept_out or v.owner in self.slices for v in direct_inputs(node))
            (self.slices if only_there else self.twice).add(node)
        wanted = set(self.outputs)
        for node in reversed(order) if self.twice else ():
            if node in self.twice and not any(v in wanted for v in node.outputs):
                self.twice.discard(node)
                self.slices.add(node)
            elif node not in self.slices and not is_index_part(node):
                wanted.update(direct_inputs(node))

    # ---------------------------------------------------------------- stages
    def _cut(self, order: Sequence[Apply]) -> tuple[StagePlan, ...]:
        nodes = self._members(order)
        needed: dict[Place, list[Variable]] = {}  # stage -> variables it takes from elsewhere
        for stage, members in nodes.items():
            own = {o for n in members for o in n.outputs}
            ins = {v: None for n in members for v in n.inputs if v not in own and not isinstance(v, Constant)}
            # XLA takes hold of one argument after the other. A call that only reads may run beside one that gives
            # buffers away: each would wait for the other for ever if their orders were not the same.
            needed[stage] = sorted(ins, key=lambda v: getattr(self.learned.cells.get(v), "number", sys.maxsize))
        wanted = {v for vs in needed.values() for v in vs} | set(self.outputs)
        known = set(self.level)
        for needs in self.fetch.values():
            wanted.update(v for n in needs for v in ancestors([n], known) if v in known)
        stages: dict[Place, StagePlan] = {}
        for stage, members in nodes.items():
            outs = [o for n in members if self.stage_of.get(n, stage) == stage for o in n.outputs if o in wanted]
            stages[stage] = (self._on_xla if stage[1] == "x" else self._on_host)(stage, members, outs, needed, nodes)
        for at, needs in self.fetch.items():
            stages[at, "h"] = self._fetching(at, stages.get((at, "h")), needs, known)
        return tuple(stages[s] for s in sorted(stages, key=lambda s: (s[0], s[1] == "h")))

    def _members(self, order: Sequence[Apply]) -> dict[Place, list[Apply]]:
        nodes: dict[Place, list[Apply]] = {}
        for node in order:
            if node in self.stage_of:
                members = nodes.setdefault(self.stage_of[node], [])
                if node in self.slices and self.twice:
                    again = [v for v in direct_inputs(node) if v.owner in self.twice]
                    members += [n for n in io_toposort(self.inputs, again) if n not in members]
                members += [
                    v.owner
                    for v in node.inputs
                    if v.owner is not None and is_index_part(v.owner) and v.owner not in members
                ]
                members.append(node)
        return nodes

    def _on_xla(
        self,
        stage: Place,
        members: Sequence[Apply],
        outs: list[Variable],
        needed: dict[Place, list[Variable]],
        nodes: Collection[Place],
    ) -> StagePlan:
        ins, at = needed[stage], stage[0]
        statics = tuple(n for n, stages in self.static_of.items() if at in stages)
        places = {outs.index(self.outputs[o]): k for k, o in enumerate(self.updates) if self.outputs[o] in outs}
        return StagePlan(
            at,
            True,
            tuple(ins),
            tuple(outs),
            tuple(members),
            statics=statics,
            updates=places,
            donated=self._donations(ins, outs, needed, nodes, at),
            context=self.lanes[at % len(self.lanes)],
        )

    def _on_host(
        self,
        stage: Place,
        members: Sequence[Apply],
        outs: list[Variable],
        needed: dict[Place, list[Variable]],
        nodes: Collection[Place],
    ) -> StagePlan:
        reasons = {n: self.reasons[n] for n in members if n in self.reasons}
        return StagePlan(stage[0], False, tuple(needed[stage]), tuple(outs), tuple(members), reasons)

    def _fetching(self, at: int, stage: StagePlan | None, needs: Sequence[Variable], known: set[Variable]) -> StagePlan:
        """The host's stage number `at`, which also makes the values of `needs` known."""
        stage = stage or StagePlan(at, False)
        ins, outs = list(stage.inputs), list(stage.outputs)
        leaves = [v for v in ancestors(needs, known) if v in known and not isinstance(v, Constant)]
        ins += [v for v in leaves if v not in ins and v not in outs]
        outs += [n for n in dict.fromkeys(needs) if n not in outs]
        nodes = io_toposort(ins, [v for v in outs if v not in ins])
        reasons = dict(stage.reasons)
        reasons.update((n, "its value fixes shapes in a later stage") for n in nodes if n not in self.reasons)
        return StagePlan(at, False, tuple(ins), tuple(outs), tuple(nodes), reasons, fetched=tuple(needs))

    def _donations(
        self,
        ins: Collection[Variable],
        outs: Collection[Variable],
        needed: dict[Place, list[Variable]],
        nodes: Collection[Place],
        at: int,
    ) -> dict[Variable, Variable]:
        """Input -> output of this stage whose buffer it may take over: a shared value and its update.

        Nothing may come after such a stage, because it could fail when the old values are gone.
        """
        if any(stage > at or stage == at and kind == "h" for stage, kind in nodes) or max(self.fetch, default=-1) >= at:
            return {}
        result = {}
        for out_pos, in_pos in self.updates.items():
            old, new = self.inputs[in_pos], self.outputs[out_pos]
            others = any(old in vs for stage, vs in needed.items() if stage != (at, "x"))
            if (
                new in outs
                and old in ins
                and not others
                and old not in self.outputs
                and self.outputs.count(new) == 1
                and self.inputs.count(old) == 1
            ):
                result[old] = new
        return result

    def _steps(self, stages: Iterable[StagePlan]) -> Steps:
        """How the number of steps of loops in XLA can be known before a call, where no shape tells it; see Plan."""
        counts: dict[Variable, None] = {}
        for stage in stages:
            for node in stage.nodes if stage.on_xla else ():
                n = node.op.loop_steps(node)
                if n is None:
                    continue
                if has_open_loops(node.op):
                    return None
                if n not in stage.statics and self.analysis.kind(n) in ("cheap", "data"):
                    counts[n] = None
        if not all(self.analysis.cheap(n) for n in counts):
            return None
        if not counts:
            return 1
        program = compile_program(self.inputs, list(counts), self.analysis)
        return lambda values: sum(program(values))


def _is_placed(v: Variable) -> bool:
    return getattr(v.type, "is_placed", False)


def _context_of(v: Variable) -> str | None:
    name: str | None = getattr(v.type, "context_name", None)
    return name


def _device_of(context: str | None) -> tuple[str, int]:
    """The kind and number of the device that a context stands for: None, and one of another process, the one in use."""
    name = contexts[context].dev if context is not None and context in contexts else config.device
    return kind_of(name), number_of(name)


def is_index_part(node: Apply) -> bool:
    """Whether a node makes a slice, which is no array: it is made again in every stage that uses it."""
    return getattr(node.outputs[0].type, "is_index", False)


def direct_inputs(node: Apply) -> Iterator[Variable]:
    """The inputs of a node, those of a slice in place of the slice."""
    for v in node.inputs:
        if v.owner is not None and is_index_part(v.owner):
            yield from v.owner.inputs
        else:
            yield v
