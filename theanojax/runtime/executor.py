"""The XLA executor: runs a graph as its program says, and on the host what XLA cannot answer."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.config import config
from theanojax.errors import HostFallbackWarning
from theanojax.graph.cells import Cell, StaleValue, commit, on_device
from theanojax.graph.copying import substitute
from theanojax.graph.locks import compiling, nesting
from theanojax.graph.op import without_test_values
from theanojax.graph.signals import by_signal
from theanojax.graph.traverse import io_toposort
from theanojax.logs import theanojax_logger
from theanojax.runtime import imports
from theanojax.runtime.host import HostExecutor
from theanojax.runtime.planning.learned import Learned
from theanojax.runtime.planning.plan import Plan
from theanojax.runtime.planning.programs import Remark
from theanojax.runtime.planning.scalar_program import scalar_program
from theanojax.runtime.policy import forked
from theanojax.runtime.policy.outcome import COMMITTED, DONE, Declined, Refused
from theanojax.runtime.timing.call import originals
from theanojax.runtime.xla.problems import GuardFailed, NeedsValue, NotInPlace, TooLarge, Unsupported, Untraceable

if TYPE_CHECKING:
    from types import ModuleType

    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Cells, Value
    from theanojax.runtime.planning.programs import Program, Stage, WayIn
    from theanojax.runtime.policy.outcome import Outcome
    from theanojax.runtime.policy.polymorphic import PolymorphicExecutor
    from theanojax.runtime.timing.call import Recorder
    from theanojax.runtime.xla.steps import Traced

LOOPS_SHARE = 0.25  # of the time of a call in which XLA runs the loops, what an executable for its shapes saves at best
MANY_SHAPES = "host: shapes of which there is no executable yet, until they have come back often enough; else"
CALLED_OFTEN = "in C: shapes that have been called often; else"
NOT_IN_C = "not in C, though called often: %s"
MOST_FAILURES = 3  # calls in a row that XLA fails and the host answers, before all are the host's


class XlaExecutor:
    """Runs a FunctionGraph on XLA, and on the host whatever XLA cannot do.

    Called with the list of input values (numpy or device arrays) it returns the list of output values: new
    values of shared variables as device arrays, all others as writable numpy arrays that the caller owns.

    Attributes
    ----------
    compilations : the number of executables built.
    failures : the errors of the last calls in a row that XLA could not answer though the host could.
    quick : what runs whole calls with nothing between, see `xla.entries`, or None; set by whoever calls, for whom
        `entering` lists the ways in that have come up.
    fallbacks : the errors that sent the graph to the host for good; empty as long as it runs on XLA.
    """

    reentrant = True

    def __init__(self, fgraph: FunctionGraph, update_pairs: Iterable[tuple[int, int]] = ()) -> None:
        self.fgraph = fgraph
        self.updates = dict(update_pairs)
        self.learned = Learned()
        self.failures: list[Exception] = []
        self.fallbacks: list[Exception] = []
        self.quick: Callable[..., Any] | None = None
        self.entering: list[WayIn] = []
        self._program: Program | None = None
        self._host: HostExecutor | None = None
        self._polymorphic: PolymorphicExecutor | None = None
        self._told: set[Apply] = set()  # nodes that the host runs, of which config.assert_no_cpu_op has had its say
        self._expanded: list[Variable] | None = None  # the outputs, once Ops were replaced by what XLA can compute
        forked.executors.add(self)

    @property
    def planned(self) -> bool:
        return self._program is not None

    def plan_anew(self) -> None:
        """Forget the plan; the next call makes another."""
        self._no_program()

    def take_from(self, cells: Iterable[object]) -> None:
        """Take note of the cells that the values of the inputs come from."""
        self.learned.cells = {v: c for v, c in zip(self.fgraph.inputs, cells) if isinstance(c, Cell)}

    @property
    def plan(self) -> Plan | Remark:
        """How the graph runs, as known by now; made for the purpose if there was no call yet. For looking at."""
        with compiling.lock:
            program = self._program
            if program is None:
                program = self._rebuild()
                self._program = None  # the first call looks at its arguments
                return program.plan
            stages, plan = program.all_stages(), program.plan
            if any(stage.patience.full() for stage in stages):
                plan = Remark(MANY_SHAPES, plan)
            ways = [way for stage in stages for way in stage.in_c.ways()]
            for refusal in dict.fromkeys(way.refusal for way in ways if way.refusal):
                plan = Remark(NOT_IN_C % refusal, plan)
            return Remark(CALLED_OFTEN, plan) if any(way.run is not None for way in ways) else plan

    @property
    def traced(self) -> list[Traced]:
        """A list of Traced: what XLA runs of the graph as known by now, each for certain shapes. For looking at."""
        program = self._program
        return [] if program is None else [t for stage in program.all_stages() for t in stage.traced]

    @property
    def tells(self) -> bool:
        """Whether its loops say at which step they are."""
        program, kernels = self._program, self._polymorphic
        return bool(
            kernels is not None
            and any(kernel.tells for kernel in kernels.kernels.values())
            or program is not None
            and any(stage.tells for stage in program.all_stages())
        )

    @property
    def compilations(self) -> int:
        return self.learned.compilations

    @property
    def kernel_count(self) -> int:
        """The executables built for single loops, each of which serves many lengths."""
        return 0 if self._polymorphic is None else self._polymorphic.kernel_count

    def watch(self, recorder: Recorder | None) -> None:
        """Have `recorder` told where the time of calls goes; None ends it. The next call plans anew."""
        with compiling.lock:
            self.learned.recorder = recorder
            self.begin_anew()

    def begin_anew(self) -> None:
        """Forget the plan and all that was made for it."""
        self._no_program()
        self._host = self._polymorphic = None

    def _no_program(self) -> None:
        self._program = self.quick = None
        self.entering = []  # another list: calls under way may still tell of what is no longer wanted

    # ---------------------------------------------------------------- calls
    def __call__(self, values: list[Value]) -> list[Value]:
        return self.call(values, None)

    def call(self, values: list[Value], cells: Cells) -> list[Value]:
        """The outputs but for the updates, which are put into `cells` in one step; all outputs if `cells` is None.

        The values of the inputs that are updated are those that `cells` hold; nobody else may replace them meanwhile.
        """
        into = None if cells and nesting.depth else cells
        try:
            program = self._program or self._first_program(values)
            try:
                outs, outcome = program.run(values, into)
            except Exception as error:
                if by_signal(error):
                    raise
                problem, outcome = error, None
            if outcome is None:  # out of the handler: what the host raises is not due to `problem`
                try:
                    outs, outcome = self._recover(program, values, into, problem)
                finally:
                    del problem  # its traceback leads to this frame, which holds the arguments
            if not outcome.good:
                outs = self._once_on_host(program, values, outcome)
        except Exception:
            # of values that another call has replaced meanwhile, only a call that updates nothing can have got hold
            if cells != () or not any(on_device(v) and v.is_deleted() for v in values):
                raise
            raise StaleValue from None
        if not cells:
            return outs
        n = len(outs) - len(cells)
        if outcome is not COMMITTED:
            commit(cells, outs[n:])
        return outs[:n]

    def _once_on_host(self, program: Program, values: list[Value], outcome: Outcome) -> list[Value]:
        if isinstance(outcome, Refused):
            result = self.host(values)
            outcome.withdraw()
            self._note_failure(program, outcome.error)
            return result
        if not isinstance(outcome, Declined):
            return self.host(values)
        before, built, start = self._made(), self.kernel_count, perf_counter()
        result = self.for_any_shape(values)
        if self._made() == before:  # else it tells nothing of later calls
            weight = LOOPS_SHARE if built else 1.0
            outcome.patience.note_host_call(outcome.signature, perf_counter() - start, weight)
        return result

    def _made(self) -> tuple[int, int]:
        """How many loops have been compiled so far, by XLA and in C."""
        kernels = self._polymorphic
        return (0, 0) if kernels is None else (kernels.kernel_count, kernels.settled)

    def for_any_shape(self, values: list[Value]) -> list[Value]:
        """The same call without an executable for its shapes."""
        if self._polymorphic is None:
            self._polymorphic = _with_jax().PolymorphicExecutor(self.fgraph)
            self._polymorphic.recorder = self.learned.recorder
            self._polymorphic.originals = originals(self.fgraph.outputs, self._polymorphic.fgraph.outputs)
        try:
            return self._polymorphic(values)
        except TooLarge as error:
            raise error.error from None
        except Exception as error:
            if by_signal(error):
                raise
            result = self.host(values)  # says it as Theano would, or knows the answer
            if config.xla_strict:
                raise error
            return result

    def host(self, values: list[Value]) -> list[Value]:
        """The same call on the host executor: it raises Theano's error, or knows the answer."""
        if self._host is None:
            self._host = HostExecutor(self.fgraph)
            self._host.recorder = self.learned.recorder
        return self._host(values)

    # ---------------------------------------------------------------- plans
    def _first_program(self, values: list[Value]) -> Program:
        with compiling.lock:
            program = self._program
            if program is None:
                if forked.in_child:
                    program = self._program = _OnHost(self)
                else:
                    with self._planning():
                        program = self._program = self._scalar_program()
                    if program is None:
                        with self._planning():  # to ask what the device is starts jax
                            _with_jax().note_large_arrays(self.learned, self.fgraph.inputs, values)
                        program = self._rebuild()
            return program

    def _planning(self) -> AbstractContextManager[object]:
        """The context in which time is that of planning."""
        recorder = self.learned.recorder
        return nullcontext() if recorder is None else recorder.making_of("planning")

    def _rebuild(self) -> Program:
        program: Program
        try:
            with self._planning():
                program = self._planned()
        except Exception as error:
            if by_signal(error):
                raise
            program = _Unplanned(error)
        self._program = program
        self.quick, self.entering = None, []
        each_way_in = getattr(program, "each_way_in", None)
        if each_way_in is not None and self.learned.recorder is None:
            each_way_in(self.entering.append)
        if config.assert_no_cpu_op != "ignore" and _with_jax().platform.backend() != "cpu":
            _tell_of_host_nodes(program.plan, self._told)
        return program

    def _planned(self) -> Program:
        inputs, outputs = self.fgraph.inputs, self._expanded or self.fgraph.outputs
        return self._scalar_program() or self._with_numbers(
            _with_jax().build(inputs, outputs, self.learned, self.updates)
        )

    def _scalar_program(self) -> Program | None:
        """The program, if it needs no jax."""
        if self.learned.arrangement is not None:
            return None
        if self.learned.cells and "jax" in sys.modules and not _with_jax().platform.numpy_keeps_up:
            return None  # values that lie on a device stay there
        outputs = self._expanded or self.fgraph.outputs
        program = scalar_program(self.fgraph.inputs, outputs, self.learned.recorder)
        return None if program is None else self._with_numbers(program)

    def _with_numbers(self, program: Program) -> Program:
        """`program`, whose outputs of a Scalar type are numbers."""
        outputs = self._expanded or self.fgraph.outputs
        numbers = any(getattr(v.type, "gives_numbers", False) for v in outputs)
        return _ScalarsAsNumbers(program, outputs) if numbers else program

    @without_test_values()
    def _expand(self, node: Apply) -> bool:
        """Put what ``node.op.xla_form(node)`` offers in place of `node`; False if it offers nothing."""
        form = node.op.xla_form(node)
        if form is None:
            return False
        outputs = self._expanded or self.fgraph.outputs
        if node not in io_toposort(self.fgraph.inputs, outputs):
            return False  # it belongs to one branch of a conditional
        self._expanded = substitute(self.fgraph.inputs, outputs, form)
        return True

    def _learn(self, error: Exception) -> bool:
        """Take note of what tracing has asked for; False if the error says nothing new."""
        return any([self._learn_one(e) for e in (error, *getattr(error, "more", ()))])

    def _learn_one(self, error: Exception) -> bool:
        learned = self.learned
        if isinstance(error, NeedsValue) and self._knows(error.variable):
            if error.variable in learned.forced:
                return False
            learned.forced.add(error.variable)
        elif isinstance(error, NotInPlace):
            learned.in_place.discard(error.variable)
            learned.sliced.add(error.variable)
        elif isinstance(error, (NeedsValue, Unsupported)) and error.node is not None:
            if error.node in learned.host_nodes:
                return False
            if not self._expand(error.node):
                learned.host_nodes[error.node] = "tracing has found that %s" % error
        else:
            return False
        return True

    def _knows(self, variable: Variable) -> bool:
        if any(variable is v for needs in self.learned.needs.values() for v in needs):
            return True
        return variable in self.fgraph.variables or getattr(variable, "fgraph", None) is self.fgraph

    # ---------------------------------------------------------------- failures
    def _recover(
        self, program: Program, values: list[Value], cells: Cells, error: Exception
    ) -> tuple[list[Value], Outcome]:
        """How a call ends that has met an error: by a plan that heeds what it says, or on the host."""
        while True:
            if isinstance(error, TooLarge):
                raise error.error from None
            if isinstance(error, GuardFailed):
                return self.host(values), DONE
            if any(on_device(v) and v.is_deleted() for v in values):
                raise error
            if isinstance(error, Untraceable):
                break
            with compiling.lock:
                if self._program is program:  # else another thread has planned anew
                    if not self._learn(error):
                        break
                    self._rebuild()
                program = self._program or self._rebuild()  # another call may have asked for another plan
            try:
                return program.run(values, cells)
            except Exception as again:
                if by_signal(again):
                    raise
                error = again
        try:
            result = self.host(values)
        except Exception as mistake:
            if isinstance(error, Untraceable) and error.refused_by is not None and not by_signal(mistake):
                stage, signature = error.refused_by
                stage.refuse(signature, error)
            raise
        self._note_failure(program, error)
        return result, DONE

    def _note_failure(self, program: Program, error: Exception) -> None:
        """The host knew the answer of a call that has met `error`: it was no mistake of the caller."""
        if config.xla_strict:
            raise error
        known = isinstance(error, Untraceable) and error.node in self.learned.host_nodes
        if known and self._program is not program:
            return  # a call at the same time has met it, and said so
        if isinstance(error, Untraceable) and not known:
            with compiling.lock:
                self.learned.host_nodes[error.node] = str(error)
                self._program = None
            text = "%s\nIt runs on the host from now on, all others on XLA." % error
        else:
            text = self._count_failure(program, error)
        text += " (docs/errors.md#hostfallbackwarning)"
        theanojax_logger.info(text)
        warnings.warn(text, HostFallbackWarning, stacklevel=2)

    def _count_failure(self, program: Program, error: Exception) -> str:
        text = "%s: %s" % (type(error).__name__, str(error).partition("\n")[0])
        self.failures.append(error)
        if len(self.failures) < MOST_FAILURES:
            self._program = _OnProbation(self, program)
            text = "XLA failed where the host executor did not; this call was answered by the host. " + text
        else:
            self.fallbacks.extend(self.failures)
            self._program = _OnHost(self)
            text = (
                "XLA failed %d times in a row where the host executor did not; the function runs on the host from "
                "now on. The errors are in f.fn.executor.fallbacks. " % MOST_FAILURES
            ) + text
        return text


@functools.cache
def _with_jax() -> Any:
    """The module that makes programs of XLA's, imported when a graph first needs one."""

    def load() -> ModuleType:
        from theanojax.runtime import program

        return program

    return imports.whole(load)


def _tell_of_host_nodes(plan: object, told: set[Apply]) -> None:
    """What config.assert_no_cpu_op asks for, of the nodes that `plan` leaves to the host and are not yet `told`."""
    for stage in plan.stages if isinstance(plan, Plan) else ():
        for node in stage.reasons:
            if node in told:
                continue
            told.add(node)
            if config.assert_no_cpu_op == "warn":
                theanojax_logger.warning("CPU Op %s is detected in the computation graph", node)
            elif config.assert_no_cpu_op == "raise":
                raise AssertionError("The Op %s is on CPU." % node)
            else:
                import pdb

                pdb.set_trace()


class _NoStages:
    @staticmethod
    def all_stages() -> list[Stage]:
        return []


class _Unplanned(_NoStages):
    """Stands for the program of a graph that could not be planned, because of `error`."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.plan = Remark("host: there is no plan, because of %s: %s" % (type(error).__name__, error))

    def run(self, values: list[Value], cells: Cells) -> tuple[list[Value], Outcome]:
        raise self.error


class _OnHost(_NoStages):
    """The program of a graph that XLA cannot run."""

    def __init__(self, executor: XlaExecutor) -> None:
        self.executor = executor
        why = dict.fromkeys("%s: %s" % (type(e).__name__, str(e).partition("\n")[0]) for e in executor.fallbacks)
        self.plan = Remark("\n   why: ".join(["host: the whole graph", *(why or ["this is a forked process"])]))

    def run(self, values: list[Value], cells: Cells) -> tuple[list[Value], Outcome]:
        return self.executor.host(values), DONE


class _OnProbation:
    """The program of a graph whose last call XLA has failed; the next one that it answers clears it."""

    def __init__(self, executor: XlaExecutor, program: Program) -> None:
        while isinstance(program, _OnProbation):
            program = program.program
        self.executor = executor
        self.program: Program = program
        self.plan = Remark("XLA has failed the last call; the host answered it", program.plan)
        self.all_stages = program.all_stages

    def run(self, values: list[Value], cells: Cells) -> tuple[list[Value], Outcome]:
        outs, outcome = self.program.run(values, cells)
        if outcome.good:
            self.executor.failures.clear()
            if self.executor._program is self:
                self.executor._program = self.program
        return outs, outcome


class _ScalarsAsNumbers:
    """A program that gives numpy scalars, instead of arrays of no dimension, where an output is of a Scalar type."""

    def __init__(self, program: Program, outputs: Sequence[Variable]) -> None:
        self.program, self.plan, self.all_stages = program, program.plan, program.all_stages
        self.places = [i for i, v in enumerate(outputs) if getattr(v.type, "gives_numbers", False)]

    def run(self, values: list[Value], cells: Cells) -> tuple[list[Value], Outcome]:
        outs, outcome = self.program.run(values, None)
        for i in self.places if outcome.good else ():
            outs[i] = np.asarray(outs[i])[()]
        return outs, outcome
