"""The XLA executor of functions on several devices.

The program is that of one device, for the whole batch. Before each call the arguments are put where they belong, and
jax.jit divides the work by where its arguments lie. Shapes and numbers are known as on one device; what runs on the
host runs there for the whole batch.
"""

from __future__ import annotations

import pickle
import warnings
import weakref
import zlib
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

import jax

from theanojax.errors import ParallelWarning
from theanojax.graph.cells import Cell, StaleValue, on_device, raw
from theanojax.graph.placement import PART, Layout, Placement
from theanojax.graph.tracebacks import user_stacklevel
from theanojax.runtime.executor import XlaExecutor
from theanojax.runtime.parallel import processes
from theanojax.runtime.parallel.arrangement import Arrangement, mesh_of, sharding_of
from theanojax.runtime.planning.plan import Plan
from theanojax.runtime.planning.programs import Remark
from theanojax.runtime.policy import forked
from theanojax.runtime.xla import turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jax.sharding import NamedSharding

    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.runtime.hints import Cells, NumpyArray, Value
    from theanojax.runtime.planning.programs import Program
    from theanojax.runtime.policy.outcome import Outcome

SMALL = 1 << 16  # bytes of an argument that processes compare
NAMED = 5  # nodes in a warning
REMEMBERED = 1000  # shapes


class ParallelExecutor(XlaExecutor):
    """Runs a FunctionGraph on the devices of `layout`; `placements` has a Placement or None for each of its inputs."""

    numbers = count(1)

    def __init__(
        self,
        fgraph: FunctionGraph,
        update_pairs: Iterable[tuple[int, int]],
        placements: Sequence[Placement | None],
        layout: Layout,
    ) -> None:
        super().__init__(fgraph, update_pairs)
        self.number = next(self.numbers)  # the same on all processes
        self.name: str = getattr(fgraph, "name", None) or "a function"
        updated = list(self.updates.values())
        self.arrangement = Arrangement(layout, fgraph.inputs, placements, updated)
        self.learned.arrangement = self.arrangement
        self.cells: list[Cell | None] = [None] * len(placements)
        placed = [(i, p) for i, p in enumerate(placements) if p is not None]
        self.batches = [(i, p) for i, p in placed if p.batch]
        self.kept = [(i, p, i not in updated) for i, p in placed if not p.batch]
        self.others = [i for i, p in enumerate(placements) if p is None]
        self.shardings: dict[tuple[int, tuple[int, ...]], NamedSharding] = {}  # of an input and its shape
        self.fits: dict[int, tuple[Any, tuple[int, ...]]] = {}  # input -> a sharding that is right for a shape
        self.compared = False  # whether all processes are known to have the same objects
        self.warned = False

    def take_from(self, cells: Iterable[object]) -> None:
        cells = list(cells)
        super().take_from(cells)
        self.cells = [cell if isinstance(cell, Cell) else None for cell in cells]

    @property
    def plan(self) -> Plan | Remark:
        return Remark(str(self.arrangement), super().plan)

    # ---------------------------------------------------------------- calls
    def call(self, values: list[Value], cells: Cells) -> list[Value]:
        if forked.in_child:
            return super().call(values, cells)
        with turns.turn():
            try:
                placed = self._placed(values)
            except Exception:
                if cells != () or not any(on_device(v) and v.is_deleted() for v in values):
                    raise
                raise StaleValue from None  # another call has replaced them meanwhile, as in XlaExecutor.call
            return super().call(placed, cells)

    def _placed(self, values: list[Value]) -> list[Value]:
        """`values` where they belong."""
        values = list(values)
        if self.arrangement.several:
            self._give_parts(values)
        else:
            for i, placement in self.batches:
                values[i] = jax.device_put(values[i], self._sharding(i, placement, values[i].shape))
        for i, placement, reads in self.kept:
            values[i] = self._in_place(i, values[i], placement, reads)
        return values

    def _recover(
        self, program: Program, values: list[Value], cells: Cells, error: Exception
    ) -> tuple[list[Value], Outcome]:
        if self.arrangement.several and isinstance(error, jax.errors.JaxRuntimeError):
            raise error  # on this process alone, for all that is known: the host would wait for the others
        return super()._recover(program, values, cells, error)

    def _sharding(self, i: int, placement: Placement, shape: tuple[int, ...]) -> NamedSharding:
        found = self.shardings.get((i, shape))
        if found is None:
            if len(self.shardings) >= REMEMBERED:
                self.shardings.clear()
            found = self.shardings[i, shape] = sharding_of(placement, shape, self.fgraph.inputs[i])
        return found

    # ---------------------------------------------------------------- shared variables
    def _in_place(self, i: int, value: Value, placement: Placement, reads: bool) -> Value:
        """The value of a shared variable where it belongs. Only what the function does not update is remembered."""
        here = value.sharding if on_device(value) else None
        known, shape = self.fits.get(i, (None, None))
        if here is not None and known is here and shape == value.shape:  # most often: jax gives the same object
            return value
        wanted, cell = self._sharding(i, placement, value.shape), self.cells[i]
        if here is not None and here.is_equivalent_to(wanted, value.ndim):
            self.fits[i] = here, value.shape
            return value
        if reads and cell is not None and cell.placed is not None:
            whose, sharding, found = cell.placed
            if whose() is value and sharding == wanted and not found.is_deleted():
                return found
        found = self._put(i, value, wanted)
        if reads and cell is not None and raw(cell, 0) is value:
            cell.placed = weakref.ref(value), wanted, found
        return found

    def _put(self, i: int, value: Value, wanted: NamedSharding) -> jax.Array:
        if on_device(value) or not self.arrangement.several:
            return jax.device_put(value, wanted, may_alias=False)  # the memory may be given away
        processes.agree("the value of %s" % self.fgraph.inputs[i], processes.mark_of(value))
        return jax.make_array_from_callback(value.shape, wanted, lambda index: value[index])

    # ---------------------------------------------------------------- several processes
    def _give_parts(self, values: list[Value]) -> None:
        """Put the batches of which this process has a part, or the whole, on all devices."""
        layout = self.arrangement.layout
        if not self.compared:
            self._compare_objects(values)
        if layout.even:
            rows = [[values[i].shape[p.spec.index(layout.names[0])]] * jax.process_count() for i, p in self.batches]
        else:
            rows = self._ask(values)
        for (i, placement), each in zip(self.batches, rows):
            values[i] = self._global(i, placement, np.asarray(values[i]), each if layout.feed == PART else None)

    def _compare_objects(self, values: list[Value]) -> None:
        """ValueError if shared variables that are no arrays, random states above all, differ between processes."""
        for i in self.others:
            if self.cells[i] is not None and not hasattr(values[i], "dtype"):
                processes.agree("the value of %s" % self.fgraph.inputs[i], str(hash_of(values[i])))
        self.compared = True

    def _ask(self, values: list[Value]) -> list[list[int]]:
        """For each batch its rows by process; errors where the processes differ in anything else."""
        axis, parts = self.arrangement.layout.names[0], self.arrangement.layout.feed == PART
        batches = []
        for i, placement in self.batches:
            shape, dimension = values[i].shape, placement.spec.index(axis)
            rest = (*shape[:dimension], -1, *shape[dimension + 1 :])
            batches.append("%d %s" % (shape[dimension], rest if parts else processes.mark_of(np.asarray(values[i]))))
        same = [i for i in self.others if isinstance(values[i], np.ndarray) and values[i].dtype != object]
        marks = [processes.mark_of(values[i]) if values[i].nbytes <= SMALL else str(values[i].shape) for i in same]
        kind = "call number %d, of %s" % (self.number, self.name)
        found = [text.split("\n") for text in processes.exchange(kind, "\n".join(batches + marks))]
        n = len(batches)
        for k, i in enumerate([i for i, _ in self.batches] + same):
            its = [lines[k].partition(" ")[2] if k < n else lines[k] for lines in found]
            if len(set(its)) > 1:
                raise ValueError(
                    "the processes give different %s of %s: %s. What each gives a part of has to be in `batch`"
                    % ("shapes" if k < n and parts else "values", self.fgraph.inputs[i], ", ".join(its))
                )
        return [[int(lines[k].partition(" ")[0]) for lines in found] for k in range(n)]

    def _global(self, i: int, placement: Placement, value: NumpyArray, rows: list[int] | None) -> Value:
        """A batch, of which there are so many `rows` on each process or (None) all on each, over all devices."""
        dimension = placement.spec.index(self.arrangement.layout.names[0])
        total = value.shape[dimension] if rows is None else sum(rows)
        shape = (*value.shape[:dimension], total, *value.shape[dimension + 1 :])
        sharding = self._sharding(i, placement, shape)
        if sharding.is_fully_replicated or rows is not None and len(set(rows)) > 1:
            return value if rows is None else processes.of_all(value, rows, dimension)
        if rows is None:
            return jax.make_array_from_callback(shape, sharding, lambda index: value[index])
        return jax.make_array_from_process_local_data(sharding, value, shape)

    # ---------------------------------------------------------------- plans
    def _rebuild(self) -> Program:
        program = super()._rebuild()
        if not self.warned and isinstance(program.plan, Plan):
            self._warn_of_host(program.plan)
        return program

    def _warn_of_host(self, plan: Plan) -> None:
        names = list(dict.fromkeys(str(n.op) for stage in plan.stages if not stage.on_xla for n in stage.nodes))
        if names:
            self.warned = True
            warnings.warn(
                "parallel: %s%s of %s runs on the host, for the whole batch, as on one device (print(f.fn.plan); "
                "docs/errors.md#parallelwarning)"
                % (", ".join(names[:NAMED]), " ..." * (len(names) > NAMED), self.name),
                ParallelWarning,
                stacklevel=user_stacklevel(),
            )


def executor_for(fgraph: FunctionGraph, update_pairs: Iterable[tuple[int, int]]) -> ParallelExecutor | None:
    """The executor of a graph with placements; None if it has but one device."""
    placements = fgraph.placements or ()
    layout = next(p.layout for p in placements if p is not None)
    return ParallelExecutor(fgraph, update_pairs, placements, layout) if mesh_of(layout).size > 1 else None


def hash_of(value: Any) -> int:
    """A number that tells objects apart."""
    return zlib.crc32(pickle.dumps(value))
