"""XLA stages of profiled functions: how long each executable runs, and by samples what each instruction's part is.

A sample is one call under jax's profiler, which costs some milliseconds. The first call of an executable is one, and
so are some later ones as long as all of them cost little beside what is profiled. What the samples say of one
executable is scaled to what all its calls took.
"""

from __future__ import annotations

import threading
from collections import deque
from statistics import median
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

import jax

from theanojax.graph.cells import raw
from theanojax.graph.signals import by_signal
from theanojax.runtime.policy.outcome import COMMITTED
from theanojax.runtime.timing import events
from theanojax.runtime.timing.hlo import Owners
from theanojax.runtime.timing.named import NamedStage
from theanojax.runtime.xla import interrupts
from theanojax.runtime.xla.specialisation import GuardedShapes, Specialisation
from theanojax.runtime.xla.transfer import Staging

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from theanojax.runtime.hints import Cells, Key, NumpyArray, Path, Paths, Signature, Value
    from theanojax.runtime.planning.learned import Learned
    from theanojax.runtime.planning.plan import StagePlan
    from theanojax.runtime.policy.outcome import Outcome
    from theanojax.runtime.timing.call import Call, Recorder
    from theanojax.runtime.xla.specialisation import Jitted, Ready
    from theanojax.runtime.xla.stage import Ending, Others

T = TypeVar("T")

MOST_SAMPLES = 20  # of one executable
SAMPLED_PART = 0.05  # of the time of an executable, its making included, that samples may cost
FIRST_PART, FIRST_TRIES = 0.5, 4  # until one of them tells more than the first call does
SETTLING = 2e-4  # seconds until XLA's threads have told of what they have done
# XLA of jax 0.11 and later makes one instruction of a small loop. Without that pass its steps can be seen.
APART = {"xla_disable_hlo_passes": "small-while-loop-hoisting"}
SEEN = 0.1  # seconds of such a loop that are looked at
REMEMBERED = 1000  # calls whose numbers of steps are
MOST_EVENTS = 200_000  # of one sample; jax's profiler takes 4 us for each

UNNAMED = "instructions that XLA has added"
STARTING = "starting executables, waiting for results"
UNSEEN = "executables that could not be looked into"


class Executable:
    """What is known of one executable of a profiled stage.

    Attributes
    ----------
    nodes : of its stage.
    memory : jax's CompiledMemoryStats, or None.
    tries, samples : how many calls were to be looked into, and how many were.
    refused : how often jax's profiler was in use, or told nothing.
    steps : of the loops of its last calls, as far as they are known and no part of the executable.
    too_long : whether a look would take more memory and time than it tells.
    inside : loop that XLA runs as one instruction -> (row -> its part of the loop), as far as it was found out.
    """

    def __init__(self, stage: WatchedStage, module: str, compiled: jax.stages.Compiled, cost: float) -> None:
        self.nodes, self.module, self.cost = stage.nodes, module, cost
        self.owners: Owners | None
        self.memory: Any
        try:
            self.owners, self.memory = Owners(compiled.as_text(), stage.scopes), compiled.memory_analysis()
        except Exception:  # not every backend tells
            self.owners = self.memory = None
        self.samples = self.refused = self.tries = 0
        self.spent, self.provisional = 0.0, True
        self.too_long = False
        self.steps: deque[int] = deque(maxlen=REMEMBERED)
        # row -> its part of the time in which XLA ran instructions, summed over samples
        self.parts: dict[Paths, float] = {}
        self.counts: dict[Path, int] = {}  # path of nodes -> events of the instruction that ran most often
        self.inside: dict[Path, dict[Paths, float]] = {}
        self.inside_counts: dict[Path, int] = {}  # as `counts`
        self.running: list[float] = []  # the part of each sample in which XLA ran instructions

    def is_due(self, seconds: float) -> bool:
        """Whether the next call should be a sample, after calls that took so many seconds."""
        if self.owners is None or self.too_long or self.samples >= MOST_SAMPLES:
            return False
        part = FIRST_PART if self.provisional and self.tries < FIRST_TRIES else SAMPLED_PART
        return not self.tries or self.spent <= part * (seconds + self.cost)

    def expects(self, steps: int | None) -> None:
        """Take note of how many steps its loops will do."""
        if self.owners is not None and max(self.owners.events, self.owners.per_step * (steps or 1)) > MOST_EVENTS:
            self.too_long = True

    def add(self, data: jax.profiler.ProfileData, wall: float) -> bool:
        """Take in a sample, a call that took `wall` seconds; False if it tells nothing."""
        owners = self.owners
        if owners is None:
            return False
        try:
            found, counts, whole = events.seconds(data, self.module, owners.paths, owners.containers)
        except Exception:  # what is wrong with a measurement is not wrong with the call
            return False
        if not found or self.samples and not whole:
            return bool(found)
        if self.provisional:
            self.parts, self.counts, self.running = {}, {}, []
        self.provisional = not self.samples or not whole  # the first has met cold caches
        self.samples += 1
        total = sum(found.values()) or 1.0
        for name, seconds in found.items():
            row: Paths = owners.paths.get(name, frozenset())
            self.parts[row] = self.parts.get(row, 0.0) + seconds / total
        for name, n in counts.items():
            for path in owners.paths.get(name, ()):
                if (name, path) not in owners.machinery:
                    self.counts[path] = max(self.counts.get(path, 0), n)
        self.running.append(min(1.0, total / wall))
        return True

    def add_inside(self, owners: Owners, data: jax.profiler.ProfileData, module: str, whole: bool) -> None:
        """Take in what the same program tells when XLA runs its loops step by step; `whole`, whether to the end."""
        if self.owners is None:
            return
        found, counts, _ = events.seconds(data, module, owners.paths, owners.containers)
        for loop in self.owners.hidden:
            table: dict[Paths, float] = {}
            for name, seconds in found.items():
                row = owners.paths.get(name, frozenset())
                if row and all(path[: len(loop)] == loop for path in row):
                    table[row] = table.get(row, 0.0) + seconds
            total = sum(table.values())
            if total:
                self.inside[loop] = {row: seconds / total for row, seconds in table.items()}
        for name, n in counts.items():
            for path in owners.paths.get(name, ()):
                if whole and (name, path) not in owners.machinery:
                    self.inside_counts[path] = max(self.inside_counts.get(path, 0), n)

    def _with_insides(self, parts: dict[Paths, float]) -> dict[Paths, float]:
        found: dict[Paths, float] = {}
        for row, part in parts.items():
            inside = self.inside.get(next(iter(row))) if len(row) == 1 else None
            for inner, share in ({row: 1.0} if inside is None else inside).items():
                found[inner] = found.get(inner, 0.0) + part * share
        return found

    def runs_of(self, path: Path) -> int:
        """How often a node inside a loop runs in a call."""
        if path in self.counts:
            return self.counts[path]
        told, steps = self.inside_counts.get(path), self.steps_of(path[:1])
        if told and steps:  # the call that was looked into may have done other steps than most
            own = max(n for other, n in self.inside_counts.items() if len(other) == 2 and other[:1] == path[:1])
            return round(told * steps / own)
        return told or round(steps) or 1

    def steps_of(self, loop: Path) -> float:
        """The steps that the loop with the path `loop` does when it runs, or 0 where nobody knows."""
        if self.owners is None or loop not in self.owners.trips:
            return 0
        steps = list(self.steps) if len(self.owners.trips) == 1 else []
        return self.owners.trips[loop] or (sum(steps) / len(steps) if steps else 0)

    def shares(self) -> dict[Paths | str, float]:
        """row -> part of the time of a call. A row is a frozenset of paths, empty for what has no node, or a name."""
        if not self.running:
            return {UNSEEN: 1.0}
        # Another process may have had the processor for most of one of the samples.
        n, running = len(self.running), median(self.running)
        shares: dict[Paths | str, float] = {
            row or UNNAMED: part * running / n for row, part in self._with_insides(dict(self.parts)).items()
        }
        shares[STARTING] = 1.0 - running
        return shares


class WatchedStage(NamedStage):
    """A NamedStage whose calls are timed. What it computes, and what it gives away, is the same."""

    def __init__(self, plan: StagePlan, learned: Learned) -> None:
        super().__init__(plan, learned)
        assert learned.recorder is not None, "such a stage is made to tell it"
        self.recorder = learned.recorder
        self.executables: dict[Signature, Executable] = {}
        self.stagings = lambda: TimedStaging(self.recorder)

    def run(
        self, args: list[Value], key: Key, steps: int | None = 1, cells: Cells = None, others: Others = ()
    ) -> Ending:
        call = self.recorder.call()
        signature = key, tuple([a.shape for a in args])
        if call is not None:
            return self._run_timed(call, signature, args, key, steps, cells, others)
        if signature in self.ready:
            ending = super().run(args, key, steps, cells, others)
            self._wait(*ending, cells)
            return ending
        # The call was only to be timed, and an executable is needed, which is no part of it.
        with self.recorder.late_call() as call:
            return self._run_timed(call, signature, args, key, steps, cells, others)

    def _run_timed(
        self,
        call: Call,
        signature: Signature,
        args: list[Value],
        key: Key,
        steps: int | None,
        cells: Cells,
        others: Others,
    ) -> Ending:
        known = self.executables.get(signature) if signature in self.ready else None
        before, start = call.booked, perf_counter()

        def run() -> Ending:
            outs, outcome = super(WatchedStage, self).run(args, key, steps, cells, others)
            self._wait(outs, outcome, cells)
            return outs, outcome

        if known is not None and known.is_due(self.recorder.runs.get(known, (0.0,))[0]):
            known.expects(steps)
            outs, outcome = self._sampled(known, call, run)
        else:
            outs, outcome = run()
        own, executable = call.own(start, before), self.executables.get(signature)
        if outcome.good and executable is not None:
            call.add(call.runs, executable, own)
            executable.steps.append(0 if steps == 1 else steps or 0)  # 1 says that shapes tell, not how many
        else:
            call.other[UNSEEN] = call.other.get(UNSEEN, 0.0) + own
        return outs, outcome

    def _wait(self, outs: Sequence[Value], outcome: Outcome, cells: Cells) -> None:
        """Until what was started is done, of which one result tells: the time is that of this stage."""
        if outcome is COMMITTED:
            assert cells is not None, "where the updates have been stored"
            k = next(k for k in self.update_of if k is not None)
            value = raw(cells[k], 0)
            try:
                value.block_until_ready()
            except RuntimeError:
                if not value.is_deleted():  # which means that another function has it already
                    raise
        elif outs:
            outs[0].block_until_ready()

    def _sampled(self, executable: Executable, call: Call, run: Callable[[], T]) -> T:
        if executable.owners is None or executable.too_long:
            return run()
        outcome: list[Any] = []

        def work() -> None:
            before, start = call.booked, perf_counter()
            result = run()
            outcome.extend((result, perf_counter() - start, call.booked - before))
            sleep(SETTLING)

        executable.tries += 1
        start = perf_counter()
        data = events.look(work)
        result: T = outcome[0]
        wall, booked = outcome[1:]
        with self.recorder.lock:
            if data is None or not executable.add(data, wall - booked):
                executable.refused += 1
        spent = perf_counter() - start - wall
        call.measuring += spent
        call.booked += spent
        executable.spent += spent
        return result

    def _traced_call(
        self, signature: Signature, args: list[Value], *rest: Any
    ) -> tuple[Ready, Sequence[Value], Outcome]:
        call = self.recorder.call()
        if call is None:
            return super()._traced_call(signature, args, *rest)
        executable = self._prepare(signature, args, call)
        executable.expects(rest[0])
        if executable.owners is not None and executable.owners.hidden and self.loops and not self.effects:
            with call.measuring_time():
                self._look_inside(executable, args, signature[0])

        def run() -> tuple[Ready, Sequence[Value], Outcome]:
            ready, outs, outcome = super(WatchedStage, self)._traced_call(signature, args, *rest)
            self._wait(outs, outcome, rest[1])
            return ready, outs, outcome

        return self._sampled(executable, call, run)

    def _prepare(self, signature: Signature, args: Sequence[Value], call: Call) -> Executable:
        """Make the executable for these arguments, which jit finds then."""
        before, start = call.booked, perf_counter()
        with _Making() as making:
            special, compiled = self._compiled(args, signature[0])
        cost = call.own(start, before)
        for name, seconds in making.parts(cost).items():
            call.making[name] = call.making.get(name, 0.0) + seconds
        special.kept = compiled
        with call.measuring_time():
            made = self.executables[signature] = Executable(self, "jit_" + self.module, compiled, cost)
            if made.owners is not None:
                self.tell(made.owners)
        return made

    def _look_inside(self, executable: Executable, args: Sequence[Value], key: Key) -> None:
        """Run the same program once with loops whose steps are told, for a moment. Its results are of no use."""
        try:
            special = self.special_for(args, key)
            variant = self.traced_for(special, args, key).lower().step.compile(compiler_options=APART)
            text = variant.as_text()
            if text is None:
                return
            owners, (memory, flag) = Owners(text, self.scopes), interrupts.new_flag()
            values = [np.array(a) for a in args]  # some may be given away
            enough = threading.Timer(SEEN, lambda: memory.fill(1))
            enough.daemon = True

            def work() -> None:
                enough.start()
                jax.block_until_ready(variant(flag, *values, *self.constants_at()))

            try:
                data = events.look(work)
            finally:
                enough.cancel()
            if data is not None:
                executable.add_inside(owners, data, "jit_" + self.module, not memory[0])
        except Exception as error:  # what is wrong with a measurement is not wrong with the call
            if by_signal(error):
                raise

    def _compiled(self, args: Sequence[Value], key: Key) -> tuple[Specialisation, jax.stages.Compiled]:
        while True:
            try:
                special = self.special_for(args, key)
                return special, self.traced_for(special, args, key).lower().compile().step
            except GuardedShapes:
                self._specialise(args, key)

    def _variant(self, function: Jitted, args: Sequence[Value]) -> Specialisation:
        found = super()._variant(function, args)
        if found.check is None:
            return found
        timed = self.recorder.spending("guards", found.check)
        return Specialisation(found.function, found.donated, timed, found.variants)


class TimedStaging(Staging):
    """A Staging that tells how long it copies."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._timed = recorder.spending("transfers to the device", super().stage)

    def stage(self, position: Hashable, array: NumpyArray) -> NumpyArray:
        return self._timed(position, array)


class _Making:
    """What jax says it does in this thread while an executable is made."""

    _local = threading.local()
    _listening = False

    outer: _Making | None
    seconds: dict[str, float]

    def __enter__(self) -> _Making:
        if not _Making._listening:
            _Making._listening = True
            jax.monitoring.register_event_duration_secs_listener(_Making._heard)
        self.outer, self.seconds = getattr(self._local, "making", None), {}
        self._local.making = self
        return self

    def __exit__(self, *exc: object) -> None:
        self._local.making = self.outer

    @staticmethod
    def _heard(name: str, seconds: float, **details: str | int) -> None:
        making = getattr(_Making._local, "making", None)
        if making is not None:
            making.seconds[name] = making.seconds.get(name, 0.0) + seconds

    def parts(self, total: float) -> dict[str, float]:
        """The steps of what took `total` seconds in all."""
        heard = self.seconds.get
        lowering = heard("/jax/core/compile/jaxpr_to_mlir_module_duration", 0.0)
        backend = heard("/jax/core/compile/backend_compile_duration", 0.0)
        reading = min(backend, heard("/jax/compilation_cache/cache_retrieval_time_sec", 0.0))
        xla = backend - reading
        return {"tracing": max(0.0, total - lowering - backend), "lowering": lowering, "XLA": xla, "cache": reading}
