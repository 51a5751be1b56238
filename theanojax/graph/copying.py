"""Copies of graphs with changes: the one walk that all of them share."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from theanojax.graph.variable import Apply, Variable


def copy_graph(
    outputs: Sequence[Variable],
    memo: dict[Any, Any],
    leaf: Callable[[Variable, Apply | None], Variable] = lambda v, user: v,
    swap: Mapping[Variable, Variable] | None = None,
    keep: bool = False,
    strict: bool = True,
) -> list[Variable]:
    """Copies of the variables `outputs`; `memo` gets the copy of each variable and Apply on the way.

    Depth first and from left to right, without recursion: the order in which leaves are met is that of the inputs.

    Parameters
    ----------
    outputs : list of Variables
    memo : dict
        What is decided beforehand: old Variable or Apply to the new one.
    leaf : callable ``f(variable, user)``
        The copy of a variable without owner; `user` is the Apply that it was first met in, or None.
    swap : dict
        Variables that others stand for. What is copied instead of them may hold variables of `swap` in its turn.
    keep : bool
        Leave an Apply the same object when nothing above it changes.
    strict : bool
        Whether the new inputs of an Apply must have the types of the old ones.
    """
    swap = swap or {}
    # Where we are: an Apply, those of its inputs that are still to be met, and for which of its outputs it is copied.
    path: list[tuple[Apply | None, Iterator[Variable], Variable | None]] = [(None, iter(outputs), None)]
    while path:
        user, rest, wanted = path[-1]
        for v in rest:
            if v in memo:
                continue
            source = v
            while source in swap and source not in memo:
                source = swap[source]
            if source not in memo:
                node = source.owner
                if node is None:
                    memo[source] = leaf(source, user)
                elif node not in memo:
                    if source is not v:
                        path[-1] = user, chain((v,), rest), wanted  # once more, when its stand-in is there
                    path.append((node, iter(node.inputs), source))
                    break
                else:
                    _note_outputs(node, memo, swap)
            memo.setdefault(v, memo.get(source, source))
        else:
            path.pop()
            if user is not None:
                new = [memo[u] for u in user.inputs]
                same = keep and all(a is b for a, b in zip(new, user.inputs))
                memo[user] = user if same else user.clone_with_new_inputs(new, strict=strict)
                _note_outputs(user, memo, swap)
                memo.setdefault(wanted, wanted)
    return [memo[v] for v in outputs]


def _note_outputs(node: Apply, memo: dict[Any, Any], swap: Mapping[Variable, Variable]) -> None:
    for old, new in zip(node.outputs, memo[node].outputs):
        if old not in swap:
            memo.setdefault(old, new)


def substitute(
    inputs: Iterable[Variable], outputs: Sequence[Variable], swap: Mapping[Variable, Variable]
) -> list[Variable]:
    """`outputs` with the variables of `swap` replaced, not past `inputs`; what nothing changes in stays as it is."""
    return copy_graph(outputs, {v: v for v in inputs}, swap=swap, keep=True)
