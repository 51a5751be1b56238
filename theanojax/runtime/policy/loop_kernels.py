"""Loops on the host executor, each run by XLA as a whole: one executable for all numbers of steps up to a bound."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

import jax
import jax.numpy as jnp

from theanojax.graph.locks import compiling
from theanojax.graph.op import without_test_values
from theanojax.loop.bucketed import BucketedLoop, Lengths
from theanojax.loop.host import HostLoop, check_lengths
from theanojax.loop.lowering import rows_around
from theanojax.loop.needs import inner_needs
from theanojax.printing.progress import of_loop
from theanojax.runtime import in_c
from theanojax.runtime.planning.analysis import Analysis, dtype_of
from theanojax.runtime.planning.shape_program import compile_program
from theanojax.runtime.policy.patience import Patience
from theanojax.runtime.xla import devices, executable_cache, interrupts, platform
from theanojax.runtime.xla.problems import GuardFailed, NeedsValue, Unsupported
from theanojax.runtime.xla.trace import TraceContext
from theanojax.runtime.xla.transfer import STAGED_BYTES, Looks, Staging, is_aligned, taken, to_numpy

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Array, Key, NumpyArray, ShapeProgram, Value
    from theanojax.runtime.in_c.often import InC, Run
    from theanojax.runtime.policy.polymorphic import PolymorphicExecutor
    from theanojax.runtime.xla.specialisation import Jitted

FITS = 4096  # numbers of steps and shapes that a loop remembers
EXECUTABLES = 16  # of one loop; more of them only for shapes that keep coming back
# Rows that are not needed only cost their zeros, and a new executable half a second.
LEAST_BYTES = 1 << 16  # room that any executable has, in bytes of sequences and states; but no more than
LEAST_STEPS = 1 << 10
WASTED_BYTES = 1 << 20  # room within which an executable serves loops of any length
WASTED_PART = 8  # one with more room serves loops down to this part of it


class Fit:
    """How a loop of certain shapes fits an executable.

    Attributes
    ----------
    kernel : the executable; None if numpy has to run the loop.
    signature : what the executable is made for, and its room.
    pace : what a step of it takes.
    lengths : Lengths
    room : the steps that the executable has room for.
    rows : how many rows the states and outputs have.
    """

    __slots__ = ("kernel", "lengths", "pace", "room", "rows", "signature")

    def __init__(
        self,
        kernel: Jitted | None,
        signature: Hashable,
        pace: interrupts.Pace,
        lengths: Lengths,
        room: int,
        rows: Sequence[int],
    ) -> None:
        self.kernel, self.signature, self.pace = kernel, signature, pace
        self.lengths, self.room, self.rows = lengths, room, rows


class LoopKernels:
    """The executables of one Scan node, and numpy for what they cannot do.

    That is: loops of a step or two, whose guards do not hold, in which shapes depend on the length of the loop, or
    which come with too many kinds of arguments. A step is then run by an `executor` for the inner graph, which has
    LoopKernels for the loops in it. Called with the values of the node's inputs it returns those of its outputs.
    """

    @without_test_values()
    def __init__(self, node: Apply, executor: type[PolymorphicExecutor]) -> None:
        self.node, self.executor = node, executor
        self.op: Any = node.op  # with all that is in loop/layout.py and loop/arguments.py
        self.host_loop: HostLoop | None = None
        self.first, self.width = rows_around(self.op)
        # what an executable is made for, but for its room -> {room: function}
        self.rooms: dict[Hashable, dict[int, Jitted]] = {}
        self.needs: dict[Apply, list[Variable]] = {}
        self.idle: list[Staging] = []  # Stagings that no call uses
        self.paces: dict[Hashable, interrupts.Pace] = {}  # by signature
        self.in_c: dict[Hashable, InC] = {}  # the ways of executables into C, by signature
        self.fits: dict[Hashable, Fit] = {}  # number of steps and shapes -> how they fit
        self.patience = Patience(EXECUTABLES)
        self.looks = Looks()
        self.compilations = 0
        self.effects = False
        self.tells = False  # whether the loop says at which step it is
        self.refusal: str | None = None  # why there are none
        self.may_be_in_c = platform.runs_c
        pairs = inner_needs(self.op, node)
        self.inner = [inner for inner, _ in pairs]
        self.shape_program: ShapeProgram | None = None
        analysis = Analysis(node.inputs)
        if not all(analysis.cheap(outer) for _, outer in pairs):
            self.refusal = "a step needs values that are not known before it"
        elif pairs:
            self.shape_program = compile_program(node.inputs, [outer for _, outer in pairs], analysis)

    @property
    def executables(self) -> int:
        """How many have been built, those of loops inside included."""
        return self.compilations + (0 if self.host_loop is None else self.host_loop.step.kernel_count)

    def __call__(self, args: Sequence[NumpyArray]) -> list[NumpyArray]:
        n = int(args[0])
        if n < 2 or self.refusal is not None:
            return self._by_numpy(args)
        op, statics = self.op, () if self.shape_program is None else self.shape_program(args)
        nits = tuple([int(k) for k in op.outer_nitsot(args)])
        shapes = n, statics, nits, tuple([a.shape for a in args])
        fit = self.fits.get(shapes)
        if fit is None:
            fit = self._fit(args, n, nits, statics)
            if fit is None:
                return self._by_numpy(args)
            if fit.kernel is None:
                start = perf_counter()
                outs = self._by_numpy(args)
                self.patience.note_host_call(fit.signature, perf_counter() - start)
                return outs
            if len(self.fits) >= FITS:
                self.fits.clear()
            self.fits[shapes] = fit
        start = perf_counter()
        staging = taken(self.idle) or Staging()
        values, way = self._padded(staging, n, args, fit), self.in_c.get(fit.signature)
        run = None if way is None else way.counted(n)
        results = self._run(fit, values, n) if run is None else self._run_in_c(run, fit, values, n)
        self.idle.append(staging)
        if results is None:
            return self._by_numpy(args)
        profile = self._profile()
        if profile:
            profile.note_loop(perf_counter() - start, int(results[-1]))
        return self._cut(results, n, fit.rows)

    def _fit(self, args: Sequence[NumpyArray], n: int, nits: Sequence[int], statics: Key) -> Fit | None:
        """How a call of `n` steps fits an executable, which has None for a kernel if numpy has to run it; None if it
        cannot.
        """
        op = self.op
        seqs, states = op.outer_seqs(args), args[op.seqs_arg_offset : op.shared_arg_offset]
        check_lengths(self.node, n, seqs)
        rows = [*[len(b) for b in states], *nits]
        lengths = Lengths(op, n, rows[: len(states)], nits)
        if not lengths.possible:
            return None
        rest = [*op.outer_shared(args), *op.outer_non_seqs(args)]
        kind = (statics, lengths.fixed, tuple([a.shape[1:] for a in (*seqs, *states)]), tuple([a.shape for a in rest]))
        known = self.rooms.get(kind)
        if known is None:
            known = self.rooms[kind] = {}
        room = self._room(lengths, known, seqs + states)
        signature = kind, room
        pace = self.paces.setdefault(signature, interrupts.Pace())
        if room not in known:
            if self.patience.full() and not self.patience.accepts(signature):
                return Fit(None, signature, pace, lengths, room, rows)
            with compiling.lock:
                if room not in known:
                    known[room] = self._compile(lengths, room, statics)
        return Fit(known[room], signature, pace, lengths, room, rows)

    def _profile(self) -> Any:
        """The ScanProfileStats of the loop, if it has one."""
        return self.op.compile_step().maker.profile

    def _room(self, lengths: Lengths, known: Collection[int], arrays: Sequence[NumpyArray]) -> int:
        """The steps that an executable has room for: one that there is, or a power of two."""
        need: int = lengths.need
        if not lengths.growing and not self.op.n_seqs:
            return 0
        row = sum([a.nbytes // max(1, len(a)) for a in arrays]) or 1
        fitting = [r for r in known if need <= r <= max(need * WASTED_PART, WASTED_BYTES // row)]
        if fitting:
            return min(fitting)
        return 1 << (max(need, min(LEAST_STEPS, LEAST_BYTES // row)) - 1).bit_length()

    def _by_numpy(self, args: Sequence[NumpyArray]) -> list[NumpyArray]:
        if self.host_loop is None:
            self.host_loop = HostLoop(self.op, self.op.inner_fgraph(), executor=self.executor)
        cells: list[list[Any]] = [[None] for _ in self.node.outputs]
        owned = list(args)  # the loop may overwrite states that it was given
        for inputs in self.op.destroy_map.values():
            for i in inputs:
                owned[i] = np.array(args[i])
        profile = self._profile()
        if profile:
            profile.run_loop(self.host_loop, self.node, owned, cells)
        else:
            self.host_loop.run(self.node, owned, cells)
        return [c[0] for c in cells]

    def _compile(self, lengths: Lengths, room: int, statics: Sequence[Value]) -> Jitted:
        executable_cache.keep()
        op, node = self.op, self.node
        known = {v: np.asarray(k, dtype=dtype_of(v)) for v, k in zip(self.inner, statics)}
        sizes = op.n_seqs, op.n_outs, op.n_shared_outs

        def kernel(*values: Array, weighed: bool = False) -> tuple[list[jax.Array], jax.Array | None]:
            self.compilations += 1
            everything, stop = values, None
            if platform.ends_loops:
                stop, *values = values
            n, *values = values
            context = TraceContext(known, self.needs, stop)
            parts: list[list[Array]] = []
            at = 0
            for size in sizes:
                parts.append(list(values[at : at + size]))
                at += size
            parts.append(list(values[at:]))
            outs = BucketedLoop(op, context, node, lengths, room, n, *parts).run_while()
            if not weighed:
                context.check_memory(partial(kernel, weighed=True), everything)
            self.effects = self.effects or context.acts
            self.tells = self.tells or bool(context.tells)
            given = {id(v) for v in values}
            outs = [jnp.copy(o) if id(o) in given else jnp.asarray(o) for o in outs]  # numpy's memory stays numpy's
            return outs, (jnp.asarray(context.ok()) if context.guards else None)

        jitted: Jitted = devices.jit(kernel)
        return jitted

    def _padded(self, staging: Staging, n: int, args: Sequence[NumpyArray], fit: Fit) -> list[NumpyArray]:
        """The arguments of an executable. What is large is copied to where XLA need not copy it again."""
        op, pad, room, growing = self.op, staging.pad, fit.room, fit.lengths.growing
        values = [np.asarray(n, dtype="int64")]
        for s in op.outer_seqs(args):
            values.append(pad((len(values), room), s, n, room))
        for j, b in enumerate(args[op.seqs_arg_offset : op.shared_arg_offset]):
            if j < op.n_mit_mot:
                b = pad((len(values), room), b, len(b), room + self.width[j] - 1)
            elif j in growing:
                b = b[: self.first[j]]
            values.append(b)
        for a in (*op.outer_shared(args), *op.outer_non_seqs(args)):
            if a.nbytes > STAGED_BYTES and platform.reads_in_place and not is_aligned(a):
                a = staging.stage(len(values), a)
            values.append(a)
        return values

    def _run(self, fit: Fit, values: Sequence[NumpyArray], steps: int) -> list[NumpyArray] | None:
        """What an executable returns, as numpy arrays; None if a guard did not hold."""
        before, start = self.compilations, perf_counter()
        try:
            outs, ok = self._timed(fit, values, steps)
        except GuardFailed:
            return None
        except (NeedsValue, Unsupported) as reason:
            self.refusal = str(reason)
            return None
        if self.effects:
            jax.effects_barrier()
        if self.compilations != before:
            self.patience.note_compilation(fit.signature, perf_counter() - start)
        self.looks.settle(outs[-1])
        jax.block_until_ready(outs)  # they read buffers that will be used again, and there may have been no memory
        if ok is not None and not ok:
            return None
        return [to_numpy(o) for o in outs]

    # ---------------------------------------------------------------- in C
    def _begin_c(self, fit: Fit, values: Sequence[NumpyArray]) -> None:
        """Take note of a way into C for what has just been compiled."""
        kernel = fit.kernel
        assert kernel is not None, "what has no executable has no way into C"
        given = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in values]
        if platform.ends_loops:
            given.insert(0, jax.ShapeDtypeStruct(interrupts.lowered().shape, "int32"))

        with compiling.lock:
            before = self.compilations
            program = kernel.trace(*given).jaxpr  # which jit has traced already
            self.compilations = before
        volatile = (0,) if platform.ends_loops else ()
        self.in_c[fit.signature] = in_c.InC(lambda: partial(in_c.source_of, program, volatile), in_c.cost_of(program))

    def _run_in_c(self, run: Run, fit: Fit, values: Sequence[NumpyArray], steps: int) -> list[NumpyArray] | None:
        """The same as `_run`."""
        if not platform.ends_loops:
            outs = run(*values)
        elif fit.pace.is_long(steps) and interrupts.can_arrive():
            outs = interrupts.run(lambda flag: run(np.asarray(flag), *values))
        else:
            start = perf_counter()
            outs = run(interrupts.lowered(), *values)
            fit.pace.note(steps, perf_counter() - start)
        if len(outs) > len(self.node.outputs) + 1 and not outs.pop():  # the number of steps comes after the outputs
            return None
        return outs

    def _timed(self, fit: Fit, values: Sequence[NumpyArray], steps: int) -> Sequence[Value]:
        """What an executable returns; a signal need not wait for its loop."""
        if not self.tells:
            return self._ended_by_signals(fit, values, steps)
        with of_loop(self.op.name):
            return self._ended_by_signals(fit, values, steps)

    def _ended_by_signals(self, fit: Fit, values: Sequence[NumpyArray], steps: int) -> Sequence[Value]:
        kernel, pace = fit.kernel, fit.pace
        assert kernel is not None, "what has no executable is not run"
        if not platform.ends_loops:
            return kernel(*values)
        before, start = self.compilations, perf_counter()
        if pace.is_long(steps) and interrupts.can_arrive():
            outs = interrupts.run(lambda flag: jax.block_until_ready(kernel(flag, *values)))
        else:
            outs = kernel(interrupts.never(), *values)
        if self.compilations == before:
            pace.note(steps, perf_counter() - start)
        elif self.may_be_in_c and not (self.effects or self.tells) and in_c.possible():
            self._begin_c(fit, values)
        return outs

    def _cut(self, outs: list[NumpyArray], n: int, rows: Sequence[int]) -> list[NumpyArray]:
        """The rows that Theano's loop would have returned."""
        done = int(outs.pop())
        for j, length in enumerate(rows):
            out = outs[j]
            if len(out) != length:
                outs[j] = out = out[:length]
            if done < n and j >= self.op.n_mit_mot:
                first = self.first[j] if j < len(self.first) else 0
                if length > done + first:
                    outs[j] = out[: done - n]
        return outs
