"""Programs: what runs a plan, XLA stages and host stages in turn."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from mmap import mmap
from typing import TYPE_CHECKING

import numpy as np

import jax

from theanojax.graph.locks import nested
from theanojax.graph.op import without_test_values
from theanojax.graph.variable import Constant
from theanojax.runtime.host import to_host
from theanojax.runtime.planning import branches, cuts
from theanojax.runtime.planning.numpy_program import numpy_program
from theanojax.runtime.planning.plan import Planner
from theanojax.runtime.planning.small_program import small_program
from theanojax.runtime.policy.in_pieces import InPieces
from theanojax.runtime.policy.outcome import COMMITTED, DONE
from theanojax.runtime.policy.polymorphic import PolymorphicExecutor
from theanojax.runtime.timing import named
from theanojax.runtime.timing.call import originals
from theanojax.runtime.timing.named import NamedStage
from theanojax.runtime.timing.watched import WatchedStage
from theanojax.runtime.xla import devices, executable_cache, platform
from theanojax.runtime.xla.entries import Entry
from theanojax.runtime.xla.stage import LARGE, XlaStage
from theanojax.runtime.xla.transfer import is_aligned, to_numpy
from theanojax.runtime.xla.turns import InTurn

if TYPE_CHECKING:
    from theanojax.graph.cells import Cell
    from theanojax.graph.variable import Variable
    from theanojax.runtime.hints import Cells, Value
    from theanojax.runtime.in_c.often import InC as OneInC
    from theanojax.runtime.planning.learned import Learned
    from theanojax.runtime.planning.plan import Plan, StagePlan
    from theanojax.runtime.planning.programs import InC, Program, WayIn
    from theanojax.runtime.policy.outcome import Outcome
    from theanojax.runtime.timing.call import Recorder
    from theanojax.runtime.xla.specialisation import Ready

OWN_MEMORY = (type(None), mmap)  # what arrays that are not views have as `base`


@without_test_values()
def build(
    inputs: Sequence[Variable], outputs: Sequence[Variable], learned: Learned, updates: dict[int, int]
) -> Program:
    """The program for a graph. `updates` maps output positions to the input positions they replace."""
    executable_cache.keep()
    program = _build(inputs, outputs, learned, updates)
    return InTurn(program) if devices.there_are_several() and learned.arrangement is None else program


def _build(
    inputs: Sequence[Variable], outputs: Sequence[Variable], learned: Learned, updates: dict[int, int]
) -> Program:
    branching = branches.branching(inputs, outputs, learned, updates, _build)
    if branching is not None:
        return branching
    stages = Stages(Planner(inputs, outputs, learned, updates).plan(), learned)
    if learned.recorder is not None:
        stages.be_timed(learned.recorder)
    if stages.host_stages or learned.arrangement is not None:
        return stages
    if cuts.can_be_cut(stages.plan) and type(whole := stages.all_stages()[0]) is XlaStage:
        plan = Planner(inputs, outputs, learned, updates, cuts.pieces(whole.nodes)).plan()
        twins = cuts.twins(plan)
        if twins:
            return InPieces(stages.plan, stages, Stages(plan, learned, twins), whole)
    in_c = stages.in_c()
    program = numpy_program(inputs, outputs, stages, in_c, learned.recorder) or stages
    small = small_program(inputs, outputs, program, in_c) if learned.recorder is None else None
    return small or program


class Stages:
    """Runs a Plan.

    Attributes
    ----------
    plan : Plan
    xla_stages : number -> XlaStage
    host_stages : number -> (its StagePlan, the outputs that it computes, what computes them or None)
    """

    def __init__(self, plan: Plan, learned: Learned, twins: dict[int, int] | None = None) -> None:
        """`twins`: number of a stage -> that of one whose executables it runs, of the same form."""
        self.plan = plan
        self.inputs, self.outputs, self.updates = list(plan.inputs), list(plan.outputs), plan.updates
        self.xla_stages: dict[int, XlaStage] = {}
        self.host_stages: dict[int, tuple[StagePlan, list[Variable], PolymorphicExecutor | None]] = {}
        stage = WatchedStage if learned.recorder is not None else NamedStage if named.wanted() else XlaStage
        for part in plan.stages:
            if part.on_xla:
                self.xla_stages[part.number] = stage(part, learned)
            else:
                computed = [v for v in part.outputs if v not in part.inputs]
                executor = PolymorphicExecutor((part.inputs, computed), own=False) if computed else None
                if executor is not None and learned.recorder is not None:
                    executor.originals = originals(computed, executor.fgraph.outputs)
                    executor.watch(learned.recorder)
                self.host_stages[part.number] = part, computed, executor
        for number, first in (twins or {}).items():
            self.xla_stages[number].functions = self.xla_stages[first].functions
        self.levels = sorted(set(self.xla_stages) | set(self.host_stages))
        earliest = self.xla_stages.get(self.levels[0]) if self.levels else None
        if earliest is not None:  # nothing has happened yet, should the call have to begin again
            earliest.in_place = {i for i, v in enumerate(earliest.inputs) if v in plan.in_place}
        last = {v: part.number for part in plan.stages for v in (*part.inputs, *part.fetched)}
        self.dead: dict[int, list[Variable]] = {}  # what nobody needs after a stage
        for v in last.keys() - {*self.inputs, *self.outputs}:
            self.dead.setdefault(last[v], []).append(v)
        self.steps = plan.steps if any(stage.loops for stage in self.xla_stages.values()) else 1
        self.to_numpy, self.shape_program = to_numpy, plan.shape_program
        self.simple = self._simple()
        given = {v for i, v in enumerate(self.outputs) if i not in self.updates}
        for xla_stage in self.xla_stages.values():
            if not xla_stage.platform.reads_in_place:
                xla_stage.delivered = [j for j, v in enumerate(xla_stage.outputs) if v in given]

    def be_timed(self, recorder: Recorder) -> None:
        """Have `recorder` told how long it takes to fetch results, and to find what fixes shapes."""
        self.to_numpy = recorder.spending("transfers to numpy", to_numpy)
        if self.shape_program is not None:
            self.shape_program = recorder.spending("numbers that fix shapes", self.shape_program)

    def _simple(self) -> tuple[XlaStage, list[int] | None, list[tuple[int, bool]]] | None:
        """(stage, positions of its arguments or None if they are all in order, (position, whether an update) of each
        output), if one XLA stage computes all outputs; else None.
        """
        places = {v: i for i, v in enumerate(self.inputs)}
        if self.host_stages or len(self.xla_stages) != 1 or len(set(self.outputs)) < len(self.outputs):
            return None
        (stage,) = self.xla_stages.values()
        if not all(v in stage.outputs for v in self.outputs) or any(v in places for v in self.outputs):
            return None
        given = [places[v] for v in stage.inputs]
        delivery = [(stage.outputs.index(v), i in self.updates) for i, v in enumerate(self.outputs)]
        stage.delivers = not self.updates and not isinstance(stage, WatchedStage)
        return stage, None if given == list(range(len(self.inputs))) else given, delivery

    def each_way_in(self, found: Callable[[WayIn], object]) -> None:
        """Have `found` called with an Entry once C takes over the calls with arguments of certain shapes."""
        if self.simple is None or self.shape_program is not None:
            return
        stage, places, delivery = self.simple
        sources = list(range(len(self.inputs))) if places is None else places

        def taken(way: OneInC, ready: Ready) -> None:
            guarded = way.made is not None and way.made.outputs > len(stage.outputs)
            found(Entry(way, ready, sources, delivery, guarded))

        stage.in_c.found = taken

    def all_stages(self) -> list[XlaStage]:
        """The XlaStages, those of programs within included."""
        return list(self.xla_stages.values())

    # ---------------------------------------------------------------- running
    def run(self, values: list[Value], cells: Cells) -> tuple[list[Value], Outcome]:
        """The output values and how the run ended. Updates stay on the device, the rest is numpy."""
        steps = self.steps(values) if callable(self.steps) else self.steps
        if self.simple is None:
            return self._run_stages(values, steps, cells)
        stage, places, delivery = self.simple
        key = () if self.shape_program is None else self.shape_program(values)
        args = values.copy() if places is None else [values[i] for i in places]
        outs, outcome = stage.run(args, key, steps, cells)
        if not outcome.good:
            return [], outcome
        to_numpy = self.to_numpy
        return [outs[i] if is_update else to_numpy(outs[i]) for i, is_update in delivery], outcome

    def in_c(self) -> InC | None:
        """The same as `run`, in C, for who has another way until this has been called often: until then it gives None.

        None if C cannot run it.
        """
        if self.simple is None or not self.simple[0].in_c.possible:
            return None
        stage, places, delivery = self.simple

        def run(values: list[Value], cells: Cells, calls: int) -> tuple[list[Value], Outcome] | None:
            key = () if self.shape_program is None else self.shape_program(values)
            args = values.copy() if places is None else [values[i] for i in places]
            ending = stage.in_c.elsewhere(args, key, cells, calls)
            if ending is None:
                return None
            outs, outcome = ending
            return ([outs[i] for i, _ in delivery] if outcome.good else []), outcome

        return run

    def _run_stages(self, values: list[Value], steps: int | None, cells: Cells) -> tuple[list[Value], Outcome]:
        env = dict(zip(self.inputs, values))
        statics: dict[Variable, Hashable] = {}
        outcome: Outcome = DONE
        if self.shape_program is not None:
            statics.update(zip(self.plan.cheap, self.shape_program(values)))
        for at in self.levels:
            stage = self.xla_stages.get(at)
            if stage is not None:
                key = tuple(statics[n] for n in stage.statics)
                into = cells if stage.donate else None  # nothing comes after such a stage
                others = () if into is None else self._other_updates(stage, env, into)
                outs, outcome = stage.run([env[v] for v in stage.inputs], key, steps, into, others)
                if not outcome.good:
                    return [], outcome
                env.update(zip(stage.outputs, outs))
            host = self.host_stages.get(at)
            if host is not None:
                part, computed, executor = host
                if executor is not None:
                    given = [env[v] for v in part.inputs]
                    # an Op may call functions, which must leave us the arrays that we hold
                    env.update(zip(computed, nested(partial(executor, given))))
                for need in part.fetched:
                    statics[need] = hashable_value(env[need])
            for v in self.dead.get(at, ()):
                del env[v]
        return self._deliver(env, values, outcome is COMMITTED), outcome

    def _other_updates(
        self, stage: XlaStage, env: dict[Variable, Value], cells: Sequence[Cell]
    ) -> list[tuple[Cell, Value]]:
        """Pairs (cell, new value) of the updates that are known before the last stage."""
        pairs = []
        for k, o in enumerate(self.updates):
            v = self.outputs[o]
            if v not in stage.outputs:
                value = v.data if isinstance(v, Constant) else env[v]
                own = o in self.plan.moved or not isinstance(value, np.ndarray)
                pairs.append((cells[k], value if own else value.copy()))
        return pairs

    def _deliver(self, env: dict[Variable, Value], values: list[Value], committed: bool) -> list[Value]:
        results: list[Value] = []
        taken = {id(v) for v in values}
        for i, v in enumerate(self.outputs):
            if committed and i in self.updates:
                results.append(None)
                continue
            value = env.get(v)
            if value is None and isinstance(v, Constant):
                value, fresh = v.data, False
            else:
                alone = isinstance(getattr(value, "base", None), OWN_MEMORY)
                fresh = id(value) not in taken and alone
            taken.add(id(value))
            if not isinstance(value, (np.ndarray, jax.Array)):
                results.append(value)
            elif i in self.updates:
                keep = fresh or i in self.plan.moved or isinstance(value, jax.Array)
                results.append(value if keep else value.copy())
            else:
                results.append(self.to_numpy(value) if fresh else np.array(to_host(value)))
        return results


def note_large_arrays(learned: Learned, inputs: Sequence[Variable], values: Sequence[Value]) -> None:
    """Have `learned` know which inputs hold numpy arrays of more than a megabyte, where the device is the CPU."""
    if platform.reads_in_place:
        for v, a in zip(inputs, values):
            if type(a) is np.ndarray and a.nbytes > LARGE:
                (learned.in_place if is_aligned(a) and v not in learned.sliced else learned.sliced).add(v)


def hashable_value(value: Value) -> Hashable:
    value = np.asarray(value)
    return value.item() if value.ndim == 0 else tuple(value.tolist())
