"""A few operations on some hundred numbers, as generated numpy code: a call into XLA takes longer, and so does to
compile it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.config import config
from theanojax.graph.op import Op
from theanojax.graph.signals import by_signal
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant
from theanojax.runtime.host import to_host
from theanojax.runtime.planning.analysis import broadcastable, ndim_of, reads_lengths
from theanojax.runtime.planning.numpy_code import generate_any
from theanojax.runtime.planning.programs import Remark
from theanojax.runtime.planning.small_call import small_call
from theanojax.runtime.policy.outcome import DONE
from theanojax.runtime.xla import platform

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Cells, Value
    from theanojax.runtime.planning.numpy_code import Code
    from theanojax.runtime.planning.programs import Calls, EnteredProgram, InC, WayIn
    from theanojax.runtime.planning.small_call import Graph
    from theanojax.runtime.policy.outcome import Outcome

LARGEST = 4096  # elements of a result
MOST_NODES = 20  # numpy takes one to two microseconds for each, a call into XLA twenty


class SmallProgram:
    """Runs generated numpy code where the arguments have few numbers, else the program `otherwise`.

    It is a way into calls, too, as `xla.entries.Entry` is: `bound` gives what runs them with nothing else between.
    """

    def __init__(self, graph: Graph, code: Code, most: int, otherwise: EnteredProgram, in_c: InC | None) -> None:
        """`most` numbers are few. `in_c` counts calls, and once it has been called often, runs them."""
        # whatever the user's settings are: XLA says nothing of overflows and the like
        self.code, self.in_c, self.most = np.errstate(all="ignore")(code), in_c, most
        self.graph = graph
        self.otherwise, self.all_stages = otherwise, otherwise.all_stages
        self.plan = Remark("numpy, as generated code, for up to %d numbers; else" % self.most, otherwise.plan)
        self.entered = 0  # calls by what `bound` gives that `in_c` knows nothing of

    def run(self, values: list[Value], cells: Cells) -> tuple[list[Value], Outcome]:
        if sum([v.size for v in values]) > self.most:
            return self.otherwise.run(values, cells)
        if self.in_c is not None:
            calls, self.entered = self.entered + 1, 0
            ending = self.in_c(values, cells, calls)
            if ending is not None:
                return ending
        try:
            outs = self.code([to_host(v) for v in values], ())
        except Exception as error:
            if by_signal(error):
                raise
            outs = None
        if outs is None:  # XLA knows the answer, or the host what is wrong
            return self.otherwise.run(values, cells)
        return [v if v.base is None and v.flags.c_contiguous else np.array(v, order="C") for v in outs], DONE

    # ---------------------------------------------------------------- a way into calls
    def each_way_in(self, found: Callable[[WayIn], object]) -> None:
        found(self)
        self.otherwise.each_way_in(found)

    def reads_all(self, arguments: int) -> bool:
        """Whether calls look at so many arguments."""
        return True

    def bound(self, calls: Calls) -> Callable[..., Any]:
        """See `xla.entries.Entry.bound`."""
        return small_call(self, calls)


def small_program(
    inputs: Sequence[Variable], outputs: Sequence[Variable], otherwise: EnteredProgram, in_c: InC | None
) -> SmallProgram | None:
    """A SmallProgram for a graph of few nodes whose results are as large as their arguments make them; else None."""
    order = io_toposort(inputs, outputs)
    if not config.numpy_elements or not platform.numpy_keeps_up or not 0 < len(order) <= MOST_NODES:
        return None  # where nothing is computed, as values change places, nothing is copied either
    if not all(hasattr(v.type, "broadcastable") for v in inputs) or not all(map(_is_small, order)):
        return None
    most = _most(inputs, order)
    code = generate_any(inputs, {}, outputs, order, lambda node: None, True) if most else None
    return None if code is None else SmallProgram((inputs, outputs, order), code, most, otherwise, in_c)


def _is_small(node: Apply) -> bool:
    """Whether numpy takes a microsecond or two for a node, if its inputs are small."""
    op: Any = node.op
    if op.runs_on_host(node) or any(getattr(v.data, "size", 0) > config.numpy_elements for v in _constants(node)):
        return False
    of_numbers = not any(map(ndim_of, [*node.inputs, *node.outputs]))
    if op.array_role is not None or reads_lengths(node) is not None or of_numbers:
        return True
    # what is as long as values say may be long, unless it is a part of what is there
    bounded = bool(getattr(op, "view_map", None)) or all(map(_is_length, op.static_needs(node)))
    return type(op).numpy_code is not Op.numpy_code and bounded


def _is_length(v: Variable) -> bool:
    """Whether `v` is a length of something, or a small constant."""
    if isinstance(v, Constant):
        return bool(np.all(abs(np.asarray(v.data)) <= config.numpy_elements))
    return v.owner is not None and reads_lengths(v.owner) is not None


# ---------------------------------------------------------------- how large results may be
Bound = tuple[float, int]  # (a, b): at most a * n ** b elements, of n numbers in the arguments
ONE: Bound = 1.0, 0


def _most(inputs: Sequence[Variable], order: Sequence[Apply]) -> int:
    """The numbers in the arguments up to which no result is large."""
    bounds = {v: ONE if all(broadcastable(v)) else (1.0, 1) for v in inputs}
    for node in order:
        found = _bound(node, [_of_constant(v) if isinstance(v, Constant) else bounds[v] for v in node.inputs])
        bounds.update((v, ONE if all(broadcastable(v)) else found) for v in node.outputs)
    most = float(config.numpy_elements)
    for factor, power in bounds.values():
        most = min(most, (LARGEST / factor) ** (1 / power) if power else most * (factor <= LARGEST))
    return int(most)


def _bound(node: Apply, given: Sequence[Bound]) -> Bound:
    op: Any = node.op
    out = broadcastable(node.outputs[0])
    if op.array_role == "elementwise":
        # an input that has all the lengths of the result
        whole = [b for v, b in zip(node.inputs, given) if broadcastable(v) == out]
        return min(whole, key=_order) if whole else _product(given)
    if op.array_role == "product":
        return _product(given) if len(out) > 1 else max(given, key=_order)
    needs = [] if getattr(op, "view_map", None) else op.static_needs(node)
    if needs:
        return max(given[0], _product([_of_length(v) for v in needs]), key=_order)
    return given[0] if given else ONE


def _order(bound: Bound) -> tuple[int, float]:
    return bound[1], bound[0]


def _product(bounds: Sequence[Bound]) -> Bound:
    return prod([a for a, _ in bounds]), sum([b for _, b in bounds])


def _of_constant(v: Constant) -> Bound:
    return float(getattr(v.data, "size", 1)), 0


def _of_length(v: Variable) -> Bound:
    return (float(max(1, int(np.max(np.asarray(v.data), initial=0)))), 0) if isinstance(v, Constant) else (1.0, 1)


def _constants(node: Apply) -> list[Constant]:
    return [v for v in node.inputs if isinstance(v, Constant)]
