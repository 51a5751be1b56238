"""Cuts: a large graph that repeats a block becomes pieces, and those of one form share an executable.

The time that XLA takes to compile a program, and to load it again, grows faster than the program. Networks of many
layers and unrolled loops repeat themselves: cut at whole numbers of blocks, most of them need no compilation.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from theanojax.graph.variable import Constant

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.planning.plan import Plan, StagePlan

FEWEST = 12_000  # nodes of a graph that is cut: of fewer, compilation takes about as long as what cutting adds to calls
SAVED = 0.5  # of the nodes have to be in pieces that another piece compiles
PIECE = 1000  # nodes of a piece where nothing is repeated
BLOCKS = 500  # of one of repeated blocks, about
NEAR = 200  # nodes between one and its input that tell blocks apart
RUN = 16  # nodes in a row that are the same again, to be taken for a block
SMALL = 64  # bytes of a constant that is looked at


def pieces(order: Sequence[Apply]) -> dict[Apply, int]:
    """node -> number of the piece that it belongs to, of the nodes of a graph in `order`."""
    places = [0]
    for start, stop, size in [*_stretches(_periods(order)), (len(order), len(order), 1)]:
        for end, length in ((start, PIECE), (stop, size)):
            places += [*range(places[-1] + length, end, length), end]
    numbers: dict[Apply, int] = {}
    for number, (begin, end) in enumerate(zip(places, places[1:])):
        numbers.update((node, number) for node in order[begin:end])
    return numbers


def can_be_cut(plan: Plan) -> bool:
    """Whether a graph is large enough, all XLA's, and loses nothing: an effect, a loop that a signal ends."""
    return (
        len(plan.stages) == 1
        and plan.stages[0].on_xla
        and len(plan.stages[0].nodes) >= FEWEST
        and not any(n.op.side_effect or n.op.loop_steps(n) is not None for n in plan.stages[0].nodes)
    )


def twins(plan: Plan) -> dict[int, int]:
    """Number of a stage -> number of the first stage of its form; {} if so few share one that cutting gains no time."""
    first: dict[Hashable, int] = {}
    same = {stage.number: first.setdefault(form(stage), stage.number) for stage in plan.stages}
    saved = sum(len(stage.nodes) for stage in plan.stages if same[stage.number] != stage.number)
    return same if saved >= SAVED * sum(len(stage.nodes) for stage in plan.stages) else {}


def form(plan: StagePlan) -> Hashable:
    """What two stages have in common that run the same program, each with its own arguments in its own order."""
    known: dict[Variable, Hashable] = {v: i for i, v in enumerate(plan.inputs)}
    for i, node in enumerate(plan.nodes):
        known.update((v, (i, k)) for k, v in enumerate(node.outputs))
    nodes = tuple((node.op, tuple(known[v] if v in known else _foreign(v) for v in node.inputs)) for node in plan.nodes)
    types = tuple(v.type for v in plan.inputs)
    given_away = tuple((known[old], known[new]) for old, new in plan.donated.items())
    return nodes, types, tuple(known[v] for v in plan.outputs), plan.statics, given_away


def _foreign(v: Variable) -> Hashable:
    """What stands for a variable that is no input of a stage, and made in none of its nodes."""
    return v.signature() if isinstance(v, Constant) else v


def _periods(order: Sequence[Apply]) -> list[int]:
    """For each node, how many nodes before it the same `RUN` nodes in a row have stood last; 0 if they have not."""
    number: dict[Apply, int] = {}
    codes: dict[Hashable, int] = {}
    last: dict[Hashable, int] = {}
    recent: tuple[int, ...] = ()
    result = []
    for i, node in enumerate(order):
        number[node] = i
        recent = (*recent[-RUN + 1 :], codes.setdefault(_sign(node, i, number), len(codes)))
        result.append(i - last.get(recent, i))
        last[recent] = i
    return result


def _sign(node: Apply, i: int, number: dict[Apply, int]) -> Hashable:
    """What the same node of two blocks has in common: what it computes, and of what."""
    inputs: list[Hashable] = []
    for v in node.inputs:
        if isinstance(v, Constant):
            inputs.append(v.signature() if getattr(v.data, "nbytes", 0) <= SMALL else v)
        else:
            distance = 0 if v.owner is None else i - number.get(v.owner, i)
            inputs.append((v.type, (distance, v.index) if 0 < distance <= NEAR else None))
    return node.op, tuple(inputs)


def _stretches(periods: Sequence[int]) -> list[tuple[int, int, int]]:
    """(start, end, nodes of a piece) of the parts of an order that repeat blocks, at least of two pieces."""
    result = []
    begin = 0
    for period, run in groupby(periods):
        length = len(list(run))
        size = period * max(1, BLOCKS // period) if period else length
        if period and length >= 2 * size:
            result.append((begin, begin + length // size * size, size))
        begin += length
    return result
