"""XLA stages of profiled functions: how long each executable runs, and by samples what each instruction's part is.

A sample is one call under jax's profiler, which costs some milliseconds. The first call of an executable is one, and
so are some later ones as long as all of them cost little beside what is profiled. What the samples say of one
executable is scaled to what all its calls took.
"""

import threading
from collections import deque
from statistics import median
from time import perf_counter, sleep

import jax

from theanojax.graph.cells import raw
from theanojax.runtime.policy.outcome import COMMITTED
from theanojax.runtime.timing import events
from theanojax.runtime.timing.hlo import Owners
from theanojax.runtime.timing.named import NamedStage
from theanojax.runtime.xla.stage import GuardedShapes, Specialisation
from theanojax.runtime.xla.transfer import Staging, settle

MOST_SAMPLES = 20  # of one executable
SAMPLED_PART = 0.05  # of the time of an executable, its making included, that samples may cost
FIRST_PART, FIRST_TRIES = 0.5, 4  # until one of them tells more than the first call does
SETTLING = 2e-4  # seconds until XLA's threads have told of what they have done
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
    """

    def __init__(self, stage, module, compiled, cost):
        self.nodes, self.module, self.cost = stage.nodes, module, cost
        try:
            self.owners, self.memory = Owners(compiled.as_text(), stage.scopes), compiled.memory_analysis()
        except Exception:  # not every backend tells
            self.owners = self.memory = None
        self.samples = self.refused = self.tries = 0
        self.spent, self.provisional = 0.0, True
        self.too_long = False
        self.steps = deque(maxlen=REMEMBERED)
        self.parts = {}  # row -> its part of the time in which XLA ran instructions, summed over samples
        self.counts = {}  # path of nodes -> events of the instruction that ran most often
        self.running = []  # the part of each sample in which XLA ran instructions

    def is_due(self, seconds):
        """Whether the next call should be a sample, after calls that took so many seconds."""
        if self.owners is None or self.too_long or self.samples >= MOST_SAMPLES:
            return False
        part = FIRST_PART if self.provisional and self.tries < FIRST_TRIES else SAMPLED_PART
        return not self.tries or self.spent <= part * (seconds + self.cost)

    def expects(self, steps):
        """Take note of how many steps its loops will do."""
        if self.owners is not None and max(self.owners.events, self.owners.per_step * (steps or 1)) > MOST_EVENTS:
            self.too_long = True

    def add(self, data, wall):
        """Take in a sample, a call that took `wall` seconds; False if it tells nothing."""
        owners = self.owners
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
            row = owners.paths.get(name, frozenset())
            self.parts[row] = self.parts.get(row, 0.0) + seconds / total
        for name, n in counts.items():
            for path in owners.paths.get(name, ()):
                self.counts[path] = max(self.counts.get(path, 0), n)
        self.running.append(min(1.0, total / wall))
        return True

    def steps_of(self, node):
        """The steps of a call that the loop `node` does, or 0 where nobody knows."""
        if self.owners is None or (node,) not in self.owners.trips:
            return 0
        steps = list(self.steps) if len(self.owners.trips) == 1 else []
        return self.owners.trips[node,] or (sum(steps) / len(steps) if steps else 0)

    def shares(self):
        """row -> part of the time of a call. A row is a frozenset of paths, empty for what has no node, or a name."""
        if not self.running:
            return {UNSEEN: 1.0}
        # Another process may have had the processor for most of one of the samples.
        n, running = len(self.running), median(self.running)
        shares = {row or UNNAMED: part * running / n for row, part in dict(self.parts).items()}
        shares[STARTING] = 1.0 - running
        return shares


class WatchedStage(NamedStage):
    """A NamedStage whose calls are timed. What it computes, and what it gives away, is the same."""

    def __init__(self, plan, learned):
        super().__init__(plan, learned)
        self.recorder = learned.recorder
        self.executables = {}  # signature -> Executable
        self.stagings = lambda: TimedStaging(self.recorder)

    def run(self, args, key, steps=1, cells=None, others=()):
        call = self.recorder.call()
        if call is None:
            return super().run(args, key, steps, cells, others)
        signature = key, tuple([a.shape for a in args])
        executable = self.executables.get(signature)
        before, start = call.booked, perf_counter()
        known = signature in self.ready and executable is not None

        def run():
            outs, outcome = super(WatchedStage, self).run(args, key, steps, cells, others)
            self._wait(outs, outcome, cells)
            return outs, outcome

        if known and executable.is_due(self.recorder.runs.get(executable, (0.0,))[0]):
            executable.expects(steps)
            outs, outcome = self._sampled(executable, call, run)
        else:
            outs, outcome = run()
        own, executable = call.own(start, before), self.executables.get(signature)
        if outcome.good and executable is not None:
            call.add(call.runs, executable, own)
            executable.steps.append(steps or 0)
        else:
            call.other[UNSEEN] = call.other.get(UNSEEN, 0.0) + own
        return outs, outcome

    def _wait(self, outs, outcome, cells):
        """Until what was started is done, of which one result tells: the time is that of this stage."""
        if outcome is COMMITTED:
            k = next(k for k in self.update_of if k is not None)
            value = raw(cells[k], 0)
            try:
                settle(value)
            except RuntimeError:
                if not value.is_deleted():  # which means that another function has it already
                    raise
        elif outs:
            settle(outs[0])

    def _sampled(self, executable, call, run):
        if executable.too_long:
            return run()
        outcome = []

        def work():
            before, start = call.booked, perf_counter()
            result = run()
            outcome.extend((result, perf_counter() - start, call.booked - before))
            sleep(SETTLING)

        executable.tries += 1
        start = perf_counter()
        data = events.look(work)
        result, wall, booked = outcome
        with self.recorder.lock:
            if data is None or not executable.add(data, wall - booked):
                executable.refused += 1
        spent = perf_counter() - start - wall
        call.measuring += spent
        call.booked += spent
        executable.spent += spent
        return result

    def _traced_call(self, signature, args, *rest):
        call = self.recorder.call()
        if call is None:
            return super()._traced_call(signature, args, *rest)
        executable = self._prepare(signature, args, call)
        executable.expects(rest[0])

        def run():
            ready, outs, outcome = super(WatchedStage, self)._traced_call(signature, args, *rest)
            self._wait(outs, outcome, rest[1])
            return ready, outs, outcome

        return self._sampled(executable, call, run)

    def _prepare(self, signature, args, call):
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

    def _compiled(self, args, key):
        while True:
            try:
                special = self._function(args, key)
                lowered = special.function.lower(*self._unstopped(), *args, *self._constants())
                return special, lowered.compile()
            except GuardedShapes:
                self._specialise(args, key)

    def _variant(self, function, args):
        found = super()._variant(function, args)
        if found.check is None:
            return found
        timed = self.recorder.spending("guards", found.check)
        return Specialisation(found.function, found.donated, timed, found.variants)


class TimedStaging(Staging):
    """A Staging that tells how long it copies."""

    def __init__(self, recorder):
        super().__init__()
        self.stage = recorder.spending("transfers to the device", self.stage)


class _Making:
    """What jax says it does in this thread while an executable is made."""

    _local = threading.local()
    _listening = False

    def __enter__(self):
        if not _Making._listening:
            _Making._listening = True
            jax.monitoring.register_event_duration_secs_listener(_Making._heard)
        self.outer, self.seconds = getattr(self._local, "making", None), {}
        self._local.making = self
        return self

    def __exit__(self, *exc):
        self._local.making = self.outer

    @staticmethod
    def _heard(name, seconds, **details):
        making = getattr(_Making._local, "making", None)
        if making is not None:
            making.seconds[name] = making.seconds.get(name, 0.0) + seconds

    def parts(self, total):
        """The steps of what took `total` seconds in all."""
        heard = self.seconds.get
        lowering = heard("/jax/core/compile/jaxpr_to_mlir_module_duration", 0.0)
        backend = heard("/jax/core/compile/backend_compile_duration", 0.0)
        reading = min(backend, heard("/jax/compilation_cache/cache_retrieval_time_sec", 0.0))
        xla = backend - reading
        return {"tracing": max(0.0, total - lowering - backend), "lowering": lowering, "XLA": xla, "cache": reading}
