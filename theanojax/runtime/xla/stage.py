"""An XLA stage: part of a graph that becomes one executable per specialisation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain, starmap
from operator import setitem
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

import jax
import jax.numpy as jnp

from theanojax.config import config
from theanojax.graph.cells import StaleValue, exchange, free_threaded, on_device, raw, written_in_place
from theanojax.graph.locks import compiling
from theanojax.graph.shared_memory import kept
from theanojax.graph.variable import Constant
from theanojax.printing.progress import of_loop, phase, step
from theanojax.runtime.in_c import Condition
from theanojax.runtime.planning import guards
from theanojax.runtime.planning.analysis import dtype_of
from theanojax.runtime.policy import background
from theanojax.runtime.policy.outcome import COMMITTED, DONE, REPLAY, Declined, Refused
from theanojax.runtime.policy.patience import Patience
from theanojax.runtime.xla import devices, interrupts, long_sums, platform, scheduling, small
from theanojax.runtime.xla.calls_in_c import CallsInC
from theanojax.runtime.xla.problems import NotInPlace, Untraceable
from theanojax.runtime.xla.specialisation import GuardedShapes, Jitted, Ready, Specialisation, shapes_of
from theanojax.runtime.xla.steps import Traced
from theanojax.runtime.xla.trace import TraceContext
from theanojax.runtime.xla.transfer import STAGED_BYTES, Staging, is_aligned, taken, wait

if TYPE_CHECKING:
    from jax.extend.core import ClosedJaxpr
    from jax.sharding import SingleDeviceSharding

    from theanojax.graph.cells import Cell
    from theanojax.runtime.hints import Array, Cells, Key, Signature, Value
    from theanojax.runtime.planning.learned import Learned
    from theanojax.runtime.planning.plan import StagePlan
    from theanojax.runtime.policy.outcome import Outcome
    from theanojax.runtime.timing.scopes import Scopes

    Others = Sequence[tuple[Cell, Value]]  # updates that are known before the stage
    Ending = tuple[Sequence[Value], Outcome]

SHAPES_OF_LOOPS = 2  # shapes of a stage with loops that are compiled at once: it runs well without, at any length
EMBEDDED_BYTES = 1 << 16  # a larger constant is passed as an argument: XLA would copy it into the executable
PROBED_BYTES = 1 << 20  # an executable that needs less memory beside its arguments will find it
COPIED_BY_XLA = 256  # bytes of an argument that is not read in place
LOOKED_AT = 64  # integers that the host may want to see before a call; it has none of more
LARGE = 1 << 20  # bytes of an argument that is copied in no call if a part of it would do
REMEMBERED = 1000  # shapes that XLA refuses

_ndarray = np.ndarray


class XlaStage:
    """Nodes traced together.

    ``run(args, key)`` gives (outputs, outcome): device arrays, and how it ended. `key` holds the values of the
    statics of its `plan`, a StagePlan; there is one jitted function per key, and jax keeps one executable per shapes
    and dtypes.
    """

    def __init__(self, plan: StagePlan, learned: Learned) -> None:
        self.plan = plan
        self.inputs, self.outputs, self.nodes = list(plan.inputs), list(plan.outputs), plan.nodes
        self.statics, self.learned, self.donate = list(plan.statics), learned, plan.donated
        self.update_of = [plan.updates.get(j) for j in range(len(self.outputs))]
        self.places = [j if k is None else 0 for j, k in enumerate(self.update_of)]  # in the list of outputs, in a cell
        big = {
            v: None
            for n in self.nodes
            for v in n.inputs
            if isinstance(v, Constant) and getattr(v.data, "nbytes", 0) > EMBEDDED_BYTES
        }
        self.constants = list(big)
        self.constant_values: dict[object, tuple[jax.Array, ...]] = {}  # place -> what lies there
        self.delivered: list[int] = []  # the outputs whose way to numpy is to begin at once; set by who delivers them
        self.device = devices.of_context(plan.context)
        self.platform = platform.of(self.device)
        self.in_place: set[int] = set()  # positions of arguments that are not to be copied before the planner knows
        # (position, cell) of the arguments whose values are put on the device once, not in each call
        self.resident: list[tuple[int, Cell]] = []
        if not self.platform.reads_in_place and not free_threaded:
            self.resident = [(i, learned.cells[v]) for i, v in enumerate(self.inputs) if v in learned.cells]
        self.functions: dict[tuple[bool, Key], Specialisation] = {}  # by whether arguments are small, and the key
        self.idle: list[Staging] = []  # Stagings that no call uses
        self.stagings: Callable[[], Staging] = Staging
        self.scopes: Scopes | None = None  # names for nodes, where a profile needs them
        self.effects = False
        self.delivers = False  # whether its outputs become numpy arrays, all of them
        self.tells: list[str] = []  # names of loops that say at which step they are
        self.in_c = CallsInC(self)
        # Those that a signal may have to end.
        self.loops = self.platform.ends_loops and any(n.op.loop_steps(n) is not None for n in self.nodes)
        self.patience = Patience(config.specializations, SHAPES_OF_LOOPS if self.loops else None)
        self.arrangement = learned.arrangement
        if self.arrangement is not None:
            # Of several devices each has a flag of its own, and of several processes each its own clock: loops that end
            # on one of them, or shapes that one leaves to the host, would have the others wait for ever.
            self.loops, self.patience = False, Patience(sys.maxsize)
        # signature -> Specialisation with an executable made in the background, or why that failed
        self.ahead: dict[Signature, Specialisation | Exception] = {}
        self.interrupts: list[BaseException] = []  # what the callbacks of calls under way have raised to end them
        self.ready: dict[Signature, Ready] = {}  # signature -> Ready, of calls that went well
        self.refused: dict[Signature, Refused] = {}  # signature -> Refused, of those that cannot be compiled

    def run(
        self, args: list[Value], key: Key, steps: int | None = 1, cells: Cells = None, others: Others = ()
    ) -> Ending:
        """Run the stage.

        Parameters
        ----------
        args : list of values of the inputs; may be changed.
        key : tuple of the values of `statics`.
        steps : of all its loops whose lengths are no part of the key or the shapes; None if nobody knows.
        cells : where the updates of the whole call belong, if the caller allows that they are stored at once.
        others : pairs (cell, value) to be stored in the same moment.
        """
        signature = key, tuple([a.shape for a in args])
        ready = self.ready.get(signature)
        try:
            if ready is not None:
                try:
                    if cells or steps != 1:
                        return self._call(args, ready, steps, cells, others)
                    return self._call(args, ready)  # most often: nothing to store, no loops
                except GuardedShapes:  # jax has traced it anew, for arguments of another kind
                    self.ready.pop(signature, None)  # unless another thread has met it, too
            return self._first_call(signature, args, steps, cells, others)
        except Exception as error:
            if self.interrupts:
                raise self.interrupts.pop() from None
            if isinstance(error, Untraceable):
                error.refused_by = self, signature
            raise

    def _first_call(
        self, signature: Signature, args: list[Value], steps: int | None, cells: Cells, others: Others
    ) -> Ending:
        """A call whose executable may have to be made; or a decline."""
        patience = self.patience
        if patience.full() and self.platform.numpy_keeps_up:
            if signature not in patience.compiled and not isinstance(self.ahead.get(signature), Exception):
                outs = self.in_c.any_length(signature, args)
                if outs is not None:
                    return outs, DONE
                if patience.accepts(signature):
                    given = [jax.ShapeDtypeStruct(np.shape(a), a.dtype) for a in args]
                    background.start(lambda: self.compile_ahead(signature, given))
                return [], Declined(patience, signature)
        if signature in self.refused:
            return [], self.refused[signature]
        traced, start = self.learned.compilations, perf_counter()
        with phase("tracing %d nodes" % len(self.nodes)):
            if interrupts.can_arrive():
                # No signal must reach jax while it traces. What that thread computes is stored by this one, or nobody.
                ready, outs, outcome = interrupts.run(
                    lambda flag: self._traced_call(signature, args, steps, None, (), flag)
                )
            else:
                ready, outs, outcome = self._traced_call(signature, args, steps, cells, others)
        if self.learned.compilations != traced:
            patience.note_compilation(signature, perf_counter() - start)
        ready.in_c = self.in_c.way(ready, args, signature[0])
        self.ready[signature] = ready
        return outs, outcome

    def _traced_call(
        self, signature: Signature, args: list[Value], *call: Any
    ) -> tuple[Ready, Sequence[Value], Outcome]:
        while True:
            ready = Ready(self.special_for(args, signature[0]), signature[1])
            step("compiling %d nodes with XLA" % len(self.nodes))
            try:
                return ready, *self._call(args, ready, *call)
            except GuardedShapes:
                self._specialise(args, signature[0])

    def refuse(self, signature: Signature, error: Exception) -> None:
        """Leave these shapes to the host, which says what is wrong with them; `error` is what we would say."""
        if len(self.refused) >= REMEMBERED:
            self.refused.clear()
        error.__traceback__ = error.__cause__ = error.__context__ = None  # which hold the arguments
        self.refused[signature] = Refused(self, signature, error)

    def _call(  # noqa: C901 - each frame costs every call
        self,
        args: list[Value],
        ready: Ready,
        steps: int | None = 1,
        cells: Cells = None,
        others: Others = (),
        flag: jax.Array | None = None,
    ) -> Ending:
        special = ready.special
        here, constants = special.here, self.constants_at() if self.constants else ()
        if special.check is not None and not special.check((*args, *constants) if constants else args):
            return [], REPLAY
        if ready.in_c is not None:
            run = ready.in_c.counted(steps)
            if run is not None:
                return self.in_c.call(run, ready, args, steps, cells, others)
        fresh: tuple[int, ...] = ()
        for i in special.donated:
            if isinstance(args[i], _ndarray):  # numpy's memory is not ours to give away
                args[i] = wait(devices.put(args[i], self.device, may_alias=False))
                fresh += (i,)
        staging, borrowed = None, False
        if self.resident:
            self._settle(args)
        if self.platform.reads_in_place:
            for i, a in enumerate(args):
                if type(a) is _ndarray:
                    if a.nbytes > COPIED_BY_XLA:
                        borrowed = True
                        if a.nbytes > STAGED_BYTES and not is_aligned(a):
                            if i in self.in_place and a.nbytes > LARGE:
                                raise NotInPlace(self.inputs[i])
                            if staging is None:
                                staging = taken(self.idle) or self.stagings()
                            args[i] = staging.stage(i, a)
                else:
                    here = None
                    if not cells and on_device(a) and a.is_deleted():
                        raise StaleValue  # XLA would say so on stderr
        if here is not None:
            outs, outcome = here(*args, *(self.constants_at(small.here()) if constants else ())), DONE
        elif special.donated:
            outs, outcome = self._replace(ready, args, fresh, constants, steps, cells, others, flag)
        elif not self.loops and not self.tells:
            outs, outcome = special.function(*args, *constants), DONE
        elif self.loops and flag is None and ready.pace.is_brief(steps):
            outs, outcome = special.function(interrupts.never(), *args, *constants), DONE
        else:
            outs, outcome = self._compute(ready, args, constants, steps, flag), DONE
        for j in self.delivered:
            outs[j].copy_to_host_async()
        if self.effects:
            jax.effects_barrier()
        if outcome is DONE and outs and here is None and (borrowed or self.platform.computes_at_once):
            # One tells of all, before anything is stored. To read a result for which there was no memory may hang.
            ready.looks.settle(outs[0])
            if borrowed:
                wait(outs)
        if staging is not None:
            self.idle.append(staging)
        if len(outs) > len(self.outputs):
            *outs, ok = outs
            if not ok:
                return [], REPLAY
        return outs, outcome

    def _settle(self, args: list[Value]) -> None:
        """Put the values of shared variables that are not on the device there, for good."""
        for i, cell in self.resident:
            value = args[i]
            if type(value) is not _ndarray or id(value) in kept:
                continue
            if value.size <= LOOKED_AT and value.dtype.kind in "biu":
                continue
            args[i] = devices.put(value, self.device, may_alias=False)
            wait(args[i])  # nobody may write to what is still being read
            exchange(cell, value, args[i])

    # ---------------------------------------------------------------- replacing values
    def may_replace(self, args: Sequence[Value], cells: Cells) -> bool:
        """Whether values may be overwritten where they lie."""
        if cells is None or len(set(map(id, args))) != len(args) or kept and written_in_place(cells):
            return False
        return not devices.runs_twice()

    def store(self, values: Iterable[Value], outs: list[Value], cells: Sequence[Cell], others: Others) -> None:
        """Put values where they belong, in one call into C: the first ones those of the outputs, as they are made."""
        targets = [outs if k is None else cells[k] for k in self.update_of]
        places = self.places
        if others:
            targets += [cell for cell, _ in others]
            places = places + [0] * len(others)
            values = chain(values, [value for _, value in others])
        any(map(setitem, targets, places, values))

    # ---------------------------------------------------------------- running an executable
    def _unstopped(self) -> tuple[jax.Array, ...]:
        """What stands before the arguments of an executable: the flag that ends its loops, if it has any."""
        return (interrupts.never(),) if self.loops else ()

    def _compute(
        self,
        ready: Ready,
        args: Sequence[Value],
        constants: Sequence[jax.Array],
        steps: int | None,
        flag: jax.Array | None,
    ) -> Sequence[Value]:
        """The outputs of an executable; a signal need not wait for its loops."""
        if self.tells:
            with of_loop(self.tells[0]):
                return wait(self._run_loops(ready, args, constants, steps, flag))
        return self._run_loops(ready, args, constants, steps, flag)

    def _run_loops(
        self,
        ready: Ready,
        args: Sequence[Value],
        constants: Sequence[jax.Array],
        steps: int | None,
        flag: jax.Array | None,
    ) -> Sequence[Value]:
        function = ready.special.function
        if not self.loops:
            return function(*args, *constants)
        traced, start = self.learned.compilations, perf_counter()
        if flag is not None:
            outs = wait(function(flag, *args, *constants))
        elif ready.pace.is_long(steps) and interrupts.can_arrive():
            outs = interrupts.run(lambda flag: wait(function(flag, *args, *constants)))
        else:
            outs = function(interrupts.never(), *args, *constants)
        if self.learned.compilations == traced:
            ready.pace.note(steps, perf_counter() - start)
        return outs

    def _replace(
        self,
        ready: Ready,
        args: list[Value],
        fresh: Sequence[int],
        constants: Sequence[jax.Array],
        steps: int | None,
        cells: Cells,
        others: Others,
        flag: jax.Array | None,
    ) -> Ending:
        """The outputs of an executable that gives buffers away, and whether the updates are stored already.

        The arguments at `fresh` are copies already.

        Once a buffer is given away the new values must not be lost: running the executable and storing what it
        returns is a single call into C, between whose steps nothing else happens. What is not yet proven to be
        one, or has loops that may have to be ended, works on copies.
        """
        special, kinds = ready.special, tuple(map(type, args))
        room = ready.proven.get(kinds)
        if room is None or not self.may_replace(args, cells) or self.loops and ready.pace.is_long(steps):
            for i in special.donated:
                if i in fresh:
                    continue
                if self.arrangement is None:
                    args[i] = devices.put(args[i], self.device, may_alias=False)
                else:
                    args[i] = jax.device_put(args[i], args[i].sharding, may_alias=False)
            compute = partial(self._compute, ready, args, constants, steps, flag)
            if room is not None:
                return compute(), DONE
            outs, proven = special.first_call((shapes_of(args), kinds), compute)
            if proven:
                ready.proven[kinds] = self._room(special, args)
            return outs, DONE
        if room > PROBED_BYTES:
            np.empty(room, np.uint8)  # a MemoryError comes before anything is given away
        assert cells is not None, "what replaces values knows where"
        outs = [None] * len(self.outputs)
        values = chain.from_iterable(starmap(special.function, ((*self._unstopped(), *args, *constants),)))
        start = perf_counter() if self.loops else 0
        self.store(values, outs, cells, others)
        if self.platform.reads_in_place:  # XLA may still be reading what the caller gave; one result tells of all
            first = self.update_of[0]
            ready.looks.settle(outs[0] if first is None else raw(cells[first], 0))
        if self.loops:
            ready.pace.note(steps, perf_counter() - start)
        return outs, COMMITTED

    def _room(self, special: Specialisation, args: Sequence[Value]) -> int:
        """Bytes that a call of an executable with such arguments needs beside them."""
        if not self.platform.shares_memory:
            return 0
        need = self.traced_for(special, args).lower().compile().memory  # jit has compiled it already
        if need is None:  # not every backend tells
            return 0
        room: int = need.temp_size_in_bytes + need.output_size_in_bytes - need.alias_size_in_bytes
        return room

    # ---------------------------------------------------------------- making executables
    def special_for(self, args: Sequence[Value], key: Key) -> Specialisation:
        """The Specialisation for arguments of these shapes."""
        if self.ahead:
            found = self.ahead.get((key, shapes_of(args)))
            if type(found) is Specialisation:
                return found
        special = self.functions.get((self._may_be_small(args), key))
        if special is None:
            special = self._specialise(args, key)
        elif special.here is not None and not self._stays_small(special.here, args):
            special = self.functions.get((False, key)) or self._specialise(args, key, False)
        if special.variants is None:
            return special
        shapes = shapes_of(args)
        variant = special.variants.get(shapes)
        if variant is None:
            with compiling.lock:
                variant = special.variants.get(shapes) or self._variant(special.function, args)
                special.variants[shapes] = variant
        return variant

    def compile_ahead(self, signature: Signature, args: Sequence[jax.ShapeDtypeStruct]) -> None:
        """Have an executable ready for arguments like `args`, which are shapes and dtypes."""
        start = perf_counter()
        try:
            special = self.special_for(args, signature[0])
            special.kept = self.traced_for(special, args, signature[0]).lower().compile().step
        except Exception as error:  # the call itself will meet it again, and knows what to do
            self.ahead[signature] = error
            return
        self.ahead[signature] = special
        self.learned.compilations += 1
        self.patience.note_compilation(signature, perf_counter() - start)

    def traced_for(self, special: Specialisation, args: Sequence[Array], key: Key = ()) -> Traced:
        """The way to the executable for arguments like `args`, which may be gone by now; jit keeps what is made."""
        given = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in args]
        if self.arrangement is not None:
            given = [self.arrangement.arriving(v, a) for v, a in zip(self.inputs, args)]
        if special.here is None:
            step = special.function.trace(*self._unstopped(), *given, *self.constants_at())
        else:
            step = special.here.trace(*given, *self.constants_at(small.here()))
        return Traced(self.plan, shapes_of(args), key, step)

    @property
    def traced(self) -> list[Traced]:
        """A list of Traced: the executables that calls have used and those made ahead, for looking at."""
        used = {signature: ready.special for signature, ready in list(self.ready.items())}
        used.update((s, special) for s, special in list(self.ahead.items()) if isinstance(special, Specialisation))
        dtypes = [dtype_of(v) for v in self.inputs]
        return [
            self.traced_for(special, list(map(jax.ShapeDtypeStruct, shapes, dtypes)), key)
            for (key, shapes), special in used.items()
        ]

    def constants_at(self, place: SingleDeviceSharding | None = None) -> tuple[jax.Array, ...]:
        """The values of `constants`, at a `place` or on the stage's device."""
        values = self.constant_values.get(place)
        if values is None:
            put = partial(devices.put, device=self.device) if place is None else partial(jax.device_put, device=place)
            values = self.constant_values[place] = tuple([put(v.data) for v in self.constants])
        return values

    def _stays_small(self, here: Jitted, args: Sequence[Value]) -> bool:
        """Whether what was a small program for other shapes is one for these."""
        with compiling.lock:
            before = self.learned.compilations
            traced = here.trace(*args, *self.constants_at(small.here()))  # which the call finds again
            if small.is_small(traced.jaxpr.jaxpr):
                return True
            self.learned.compilations = before
            return False

    def _specialise(self, args: Sequence[Value], key: Key, may_be_small: bool = True) -> Specialisation:
        with compiling.lock:
            return self._specialised(args, key, may_be_small and self._may_be_small(args))

    def _specialised(self, args: Sequence[Value], key: Key, may_be_small: bool) -> Specialisation:
        statics = {v: np.asarray(k, dtype=dtype_of(v)) for v, k in zip(self.statics, key)}
        names = self.inputs + self.constants
        given_away: list[int] = []

        def nodes(*values: Array, weighed: bool = False) -> tuple[jax.Array, ...]:
            if not background.is_current():
                self.learned.compilations += 1
            everything, stop = values, None
            if self.loops:
                stop, *values = values
            context = TraceContext(statics, self.learned.needs, stop, self.scopes)
            context.interrupts = self.interrupts
            if self.arrangement is not None:
                context.divide(self.arrangement)
            context.env.update(zip(names, values))
            context.run(self.nodes, self.outputs)
            if not weighed:
                context.check_memory(partial(nodes, weighed=True), everything, self.outputs)
            if (context.guards or context.acts) and given_away:
                raise GuardedShapes
            context.perform_effects()
            taken = {id(v) for v in values}
            outs = []
            for v in self.outputs:
                out = jnp.asarray(context.value(v))
                # an output must be a buffer of its own, not an argument handed back
                outs.append(jnp.copy(out) if id(out) in taken else out)
                taken.add(id(out))
            self.effects = self.effects or context.acts
            self.tells = self.tells or context.tells
            return (*outs, jnp.asarray(context.ok())) if context.guards else tuple(outs)

        def stage(*values: Array) -> tuple[jax.Array, ...]:
            return long_sums.with_loops(nodes, values) if large else nodes(*values)

        self.give_name(stage)
        large = self.platform.fuses_long_sums and sum(len(n.inputs) for n in self.nodes) > 2 * long_sums.MOST_FUSED
        everything = (*self._unstopped(), *args, *self.constants_at())
        traced, outs = jax.make_jaxpr(stage, return_shape=True)(*everything)  # jit finds this trace again
        in_order = may_be_small and not self.effects and small.is_small(traced.jaxpr)
        if len(outs) > len(self.outputs):
            special = Specialisation(self._jit(stage, (), outs), variants={})
        elif self.effects:  # a callback may fail when it is too late
            special = Specialisation(self._jit(stage, (), outs))
        else:
            given_away.extend(self._donated(outs, args))
            here = self._jit_here(stage) if in_order and not given_away else None
            jitted = self._jit(stage, given_away, outs, in_order or self._is_large(traced))
            special = Specialisation(jitted, given_away, here=here)
        self.functions[may_be_small, key] = special
        return special

    def _is_large(self, traced: ClosedJaxpr) -> bool:
        return self.platform.threads_small_loops and scheduling.is_large(traced.jaxpr)

    def _may_be_small(self, args: Sequence[Value]) -> bool:
        return self.arrangement is None and self.platform.threads_small_loops and small.may_be(args)

    def give_name(self, function: Callable[..., Any]) -> None:
        """Called before a function is traced, or compiled; jit's traces are known by names, too."""

    def _jit(
        self,
        function: Callable[..., Any],
        donated: Sequence[int],
        results: Sequence[jax.ShapeDtypeStruct],
        in_order: bool = False,
    ) -> Jitted:
        """`function`, compiled; `in_order` if its loops had better follow one another, see scheduling.py."""
        self.give_name(function)
        positions = [i + (self.loops) for i in donated]
        jitted: Jitted
        if self.arrangement is None:
            jitted = devices.jit(function, positions, self.device, scheduling.IN_ORDER if in_order else {})
        else:
            where = self.arrangement.of_results(results, self.update_of)
            jitted = jax.jit(function, donate_argnums=positions, out_shardings=where)
        return jitted

    def _jit_here(self, function: Callable[..., Any]) -> Jitted | None:
        """A small program as it runs in the thread that calls it; None where it cannot."""
        place = small.here() if self.delivers and not self.loops else None
        return None if place is None else jax.jit(function, in_shardings=place, compiler_options=scheduling.IN_ORDER)

    def _variant(self, jitted: Jitted, args: Sequence[Value]) -> Specialisation:
        """The Specialisation for arguments of these shapes of a function that has guards.

        A guard that is a little arithmetic on inputs is checked before; no other allows donations, because a
        replay needs the old values.
        """
        function = devices.traceable(jitted)
        everything = (*self._unstopped(), *args, *self.constants_at())
        traced, outs = jax.make_jaxpr(function, return_shape=True)(*everything)
        if len(outs) == len(self.outputs) or self.effects:
            return Specialisation(jitted)
        in_order = self._may_be_small(args) and small.is_small(traced.jaxpr)
        large = self._is_large(traced)
        found = guards.split(traced, len(self._unstopped()))
        donated = [] if found is None else self._donated(outs, args)
        body: Callable[..., Any] = function
        check = condition = None
        if found is not None and (found.by_numpy is not None or donated):
            rest = found.rest()
            check = found.check(self.arrangement is None or not self.arrangement.several)
            condition = Condition(found.guard, found.positions)

            def body(*values: Array) -> tuple[jax.Array, ...]:
                return tuple(rest(*values))

        elif not (in_order or large):
            return Specialisation(jitted)  # asking XLA twice takes longer than reading the answer off
        here = self._jit_here(body) if in_order and not donated else None
        jitted = self._jit(body, donated, outs[:-1], in_order or large)
        return Specialisation(jitted, donated, check, here=here, condition=condition)

    def _donated(self, outs: Sequence[jax.ShapeDtypeStruct], args: Sequence[Value]) -> list[int]:
        """Positions of the arguments whose buffers outputs take over."""
        place = {v: i for i, v in enumerate(self.outputs)}
        return [
            i
            for i, v in enumerate(self.inputs)
            if v in self.donate
            and outs[place[self.donate[v]]].shape == args[i].shape
            and outs[place[self.donate[v]]].dtype == args[i].dtype
        ]
