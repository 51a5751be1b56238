"""Copies of graphs with changes: the one walk that all of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
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
    stack: list[tuple[Variable, Apply | None]] = [(v, None) for v in reversed(outputs)]
    while stack:
        v, user = stack[-1]
        if v in memo:
            stack.pop()
            continue
        if v in swap:
            if swap[v] in memo:
                memo[v] = memo[swap[v]]
            else:
                stack.append((swap[v], user))
            continue
        node = v.owner
        if node is None:
            memo[v] = leaf(v, user)
            continue
        missing = [] if node in memo else [(u, node) for u in reversed(node.inputs) if u not in memo]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        if node not in memo:
            new = [memo[u] for u in node.inputs]
            same = keep and all(a is b for a, b in zip(new, node.inputs))
            memo[node] = node if same else node.clone_with_new_inputs(new, strict=strict)
        for old, new in zip(node.outputs, memo[node].outputs):
            if old not in swap:
                memo.setdefault(old, new)
        memo.setdefault(v, v)
    return [memo[v] for v in outputs]


def substitute(
    inputs: Iterable[Variable], outputs: Sequence[Variable], swap: Mapping[Variable, Variable]
) -> list[Variable]:
    """`outputs` with the variables of `swap` replaced, not past `inputs`; what nothing changes in stays as it is."""
    return copy_graph(outputs, {v: v for v in inputs}, swap=swap, keep=True)
