"""Names that Theano-PyMC 1.1, PyMC3 3.11's continuation of Theano, had and Theano 1.0 did not."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, TypeVar

from theanojax.graph.traverse import ops as _nodes
from theanojax.graph.variable import Apply, Variable

T = TypeVar("T", bound=Variable)


def applys_between(ins: Collection[Variable], outs: Iterable[Variable]) -> Iterator[Apply]:
    """The Apply nodes between the variables `ins` and `outs`, those that compute `outs` included."""
    yield from _nodes(ins, list(outs))


def walk(
    nodes: Iterable[T],
    expand: Callable[[T], Iterable[T] | None],
    bfs: bool = True,
    return_children: bool = False,
    hash_fn: Callable[[T], int] = id,
) -> Iterator[Any]:
    """Everything that ``expand(node)`` leads to from `nodes`, each once, breadth first or else depth first.

    With `return_children` pairs (node, what `expand` gave for it). `hash_fn` tells what counts as the same.
    """
    waiting, seen = deque(nodes), set()
    while waiting:
        node = waiting.popleft() if bfs else waiting.pop()
        key = hash_fn(node)
        if key in seen:
            continue
        seen.add(key)
        children = expand(node)
        yield (node, children) if return_children else node
        waiting.extend(children or ())
