"""Calls of a stage that run in C; see in_c."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, starmap
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

import jax

from theanojax.graph.locks import compiling
from theanojax.graph.signals import by_signal
from theanojax.runtime import in_c
from theanojax.runtime.in_c.flat import NotInC
from theanojax.runtime.policy.outcome import COMMITTED, DONE, REPLAY
from theanojax.runtime.xla import devices, interrupts
from theanojax.runtime.xla.any_length import AnyLength
from theanojax.runtime.xla.memory import in_large_pages
from theanojax.runtime.xla.specialisation import Ready, shapes_of

if TYPE_CHECKING:
    from jax.extend.core import ClosedJaxpr

    from theanojax.graph.cells import Cell
    from theanojax.runtime.hints import Cells, Key, Signature, Value
    from theanojax.runtime.in_c.often import InC, Run
    from theanojax.runtime.policy.outcome import Outcome
    from theanojax.runtime.xla.specialisation import Jitted, Specialisation
    from theanojax.runtime.xla.stage import XlaStage

MOST_NODES = 1000  # of a stage; compilers take long for more
COPIED = 1 << 15  # bytes of a value that is replaced, up to which the new one gets memory of its own

OTHERS = 20  # microseconds of a call that others run, about
BYTES = 2e4  # that it reads in one

_ndarray = np.ndarray


class CallsInC:
    """What runs the calls of a stage in C.

    Attributes
    ----------
    possible : whether C may run the stage at all. Where values may lie on several devices it does not,
        nor while jax looks for nans.
    found : called with (InC, Ready) of shapes whose calls C takes over, or None.
    """

    def __init__(self, stage: XlaStage) -> None:
        learned = stage.learned
        self.stage = stage
        self.possible = (
            stage.platform.runs_c
            and learned.recorder is None
            and learned.arrangement is None
            and not devices.there_are_several()
            and not devices.runs_twice()
            and len(stage.nodes) <= MOST_NODES
        )
        self.found: Callable[[InC, Ready], None] | None = None
        # signature -> (InC, its Ready once it is traced), of calls that others run until they are in C
        self.others: dict[Signature, tuple[InC, list[Ready]]] = {}
        self.lengths = AnyLength(self._of_other_length, stage.nodes, self._length_taken)

    def ways(self) -> list[InC]:
        """Those of all shapes so far."""
        found = [ready.in_c for ready in list(self.stage.ready.values())]
        found += [way for way, _ in list(self.others.values())]
        # why there is none for all lengths says nothing of those that have one of their own
        found += [way for _, way in list(self.lengths.families) if way.refusal is None]
        return [way for way in found if way is not None]

    def way(self, ready: Ready, args: Sequence[Value], key: Key) -> InC | None:
        """The way into C of what calls with arguments like `args` run; None if there is none."""
        stage, special, replaced = self.stage, ready.special, dict[int, int]()
        if not self.possible or stage.effects or stage.tells:
            return None
        place = {v: i for i, v in enumerate(stage.outputs)}
        for i in special.donated:
            if args[i].nbytes > COPIED:
                replaced[place[stage.donate[stage.inputs[i]]]] = i + stage.loops
        given = [jax.ShapeDtypeStruct(np.shape(a), a.dtype) for a in args]
        program = self._program(special, given, key)
        volatile = (0,) if stage.loops else ()
        write = partial(in_c.source_of, program, volatile, replaced, special.condition)
        return in_c.InC(lambda: write, in_c.cost_of(program), replaced, lambda: self._taken(ready.in_c, ready))

    def _taken(self, way: InC | None, ready: Ready) -> None:
        stage = self.stage
        if self.found is not None and way is not None and way.made is not None:
            if not (stage.loops or stage.constants or stage.statics):
                if ready.special.check is None or way.made.checks:
                    self.found(way, ready)

    def _program(self, special: Specialisation, args: Sequence[jax.ShapeDtypeStruct], key: Key) -> ClosedJaxpr:
        learned = self.stage.learned
        with compiling.lock:
            before = learned.compilations
            program = self.stage.traced_for(special, args, key).jaxpr  # which jit has traced already
            learned.compilations = before
            return program

    # ---------------------------------------------------------------- calls that others run at first
    def elsewhere(
        self, args: list[Value], key: Key, cells: Cells, calls: int
    ) -> tuple[Sequence[Value], Outcome] | None:
        """Run the stage in C, for who has another way until it has called this often; None until then.

        This call stands for so many `calls`.
        """
        stage = self.stage
        signature = key, tuple([a.shape for a in args])
        known = self.others.get(signature)
        if known is None:
            if stage.loops:
                return None
            given, made = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in args], list[Ready]()
            cost = in_c.Cost(OTHERS + sum(a.nbytes for a in args) / BYTES)
            way = in_c.InC(lambda: self._later_program(made, given, key), cost, taken=lambda: self._taken(way, made[0]))
            known = self.others[signature] = way, made
        way, made = known
        run = way.counted(1, calls)
        if run is None:
            return None
        check = made[0].special.check
        if check is not None and not check([*args, *stage.constants_at()]):
            return [], REPLAY
        return self.call(run, made[0], args, 1, cells, ())

    def _later_program(
        self, made: list[Ready], args: Sequence[jax.ShapeDtypeStruct], key: Key
    ) -> Callable[[], in_c.Written]:
        """What writes the program of what has not been traced so far; `made` gets its Ready."""
        stage = self.stage
        try:
            made.append(Ready(stage.special_for(args, key), shapes_of(args)))
        except Exception as error:  # whoever else traces it will meet it again
            if by_signal(error):
                raise
            raise NotInC(str(error)) from None
        if stage.effects or stage.tells:
            raise NotInC("it has effects")
        special = made[0].special
        return partial(in_c.source_of, self._program(special, args, key), condition=special.condition)

    # ---------------------------------------------------------------- shapes that have no executable
    def any_length(self, signature: Signature, args: Sequence[Value]) -> Sequence[Value] | None:
        """The results of a call with such shapes, once one program runs them for all lengths; else None."""
        stage = self.stage
        if not self.possible or stage.loops or stage.effects or stage.tells:
            return None
        run = self.lengths.run(signature, stage.patience.compiled, args)
        if run is None:
            return None
        given = [a if type(a) is _ndarray else np.asarray(a) for a in args]
        outs = run(*given, *[np.asarray(v.data) for v in stage.constants])
        return None if len(outs) > len(stage.outputs) and not outs.pop() else outs

    def _of_other_length(
        self, key: Key, args: Sequence[jax.ShapeDtypeStruct]
    ) -> tuple[ClosedJaxpr, in_c.Condition | None]:
        """The program of a stage for arguments like `args`, which nobody has given, and when it may run."""
        stage = self.stage
        try:
            special = stage.special_for(args, key)
            if special.check is None or special.condition is not None:
                return self._program(special, args, key), special.condition
        except Exception as error:
            if by_signal(error):
                raise
            raise NotInC(str(error)) from None
        raise NotInC("a condition under which it runs")

    def _length_taken(self, way: InC) -> None:
        stage, ready = self.stage, next(iter(list(self.stage.ready.values())), None)
        if self.found is not None and ready is not None and not (stage.constants or stage.statics):
            self.found(way, ready)  # of which it wants no more than that nothing is replaced

    # ---------------------------------------------------------------- a call
    def call(
        self,
        run: Run,
        ready: Ready,
        args: list[Value],
        steps: int | None,
        cells: Cells,
        others: Sequence[tuple[Cell, Value]],
    ) -> tuple[Sequence[Value], Outcome]:
        """What a call gives, and how it ended. Values that are replaced in place are made ours alone and stored in
        one step, as XLA's are.
        """
        stage, way = self.stage, ready.in_c
        if not (stage.loops or stage.constants) and (way is None or not way.replaced):  # most often
            outs = run(*args)
            return ([], REPLAY) if len(outs) > len(stage.outputs) and not outs.pop() else (outs, DONE)
        replaced = [i - stage.loops for i in way.replaced.values()] if way is not None else []
        long = stage.loops and ready.pace.is_long(steps)
        in_place = replaced and not long and stage.may_replace(args, cells)
        given = [a if type(a) is _ndarray or i in replaced else np.asarray(a) for i, a in enumerate(args)]
        before: list[Value] = []
        own = ready.own
        if replaced:
            for i in replaced:
                if own is None or not in_place or isinstance(given[i], _ndarray):
                    given[i] = devices.put(given[i], stage.device, may_alias=False)
            if own is None:
                own = owning(len(replaced), stage.device)
                in_large_pages([given[i] for i in replaced])
            before.append(own)
        if stage.constants:
            given += [np.asarray(v.data) for v in stage.constants]
        start = perf_counter() if stage.loops else 0
        if long and interrupts.can_arrive():
            outs = interrupts.run(lambda flag: run(*before, np.asarray(flag), *given))
        else:
            if stage.loops:
                before.append(interrupts.lowered())
            if in_place:
                assert cells is not None, "who may replace values knows where they are"
                outs = [None] * len(stage.outputs)
                stage.store(chain.from_iterable(starmap(run, ((*before, *given),))), outs, cells, others)
            else:
                outs = run(*before, *given)
        ready.own = own  # a first call that is broken off proves nothing of the next
        if stage.loops:
            ready.pace.note(steps, perf_counter() - start)
        if in_place:
            return outs, COMMITTED
        if len(outs) > len(stage.outputs) and not outs.pop():
            return [], REPLAY
        return outs, DONE


def owning(count: int, device: jax.Device | None) -> Jitted:
    """What makes arrays of nobody else of so many that it is given away; its first call is no single step in C."""
    jitted: Jitted = devices.jit(lambda *arrays: arrays, range(count), device)
    return jitted
