"""`theano.gof.sched` and `theano.gof.callcache`: orders of nodes by comparison functions, and a cache of calls."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from theanojax.graph.traverse import list_of_nodes
from theanojax.legacy.gof_utils import key_to_cmp, memodict, posort, reverse_dict, toposort  # noqa: F401

logger = logging.getLogger("theano.gof.callcache")


def make_depends() -> Callable[[tuple], bool]:
    """A function of a pair of nodes: whether the first needs, directly or not, an output of the second."""
    ancestors = memodict(None)

    def above(node: Any) -> frozenset:
        parents = {v.owner for v in node.inputs if v.owner is not None}
        return frozenset(parents).union(*(ancestors[parent] for parent in parents))

    ancestors.f = above

    def depends(pair: tuple) -> bool:
        node, other = pair
        return other in ancestors[node]

    return depends


def make_dependence_cmp() -> Callable[[Any, Any], int]:
    """A comparison of nodes: 1 if the first depends on the second, -1 for the opposite, else 0."""
    depends = make_depends()

    def dependence(a: Any, b: Any) -> int:
        return int(depends((a, b))) - int(depends((b, a)))

    return dependence


def _toposort(edges: Mapping) -> list:
    """The nodes of `{node: its users}`, each before its users; ValueError if there are cycles."""
    needs: dict = {node: set() for node in edges}
    for node, users in edges.items():
        for user in users:
            needs.setdefault(user, set()).add(node)
    try:
        return toposort(needs)
    except Exception:
        raise ValueError("Input has cycles") from None


def sort_apply_nodes(inputs: Iterable, outputs: Iterable, cmps: Iterable[Callable[[Any, Any], int]]) -> list:
    """The nodes between `inputs` and `outputs`, ordered by comparison functions, those named first counting most."""
    return posort(list_of_nodes(inputs, outputs), *cmps)


def sort_schedule_fn(*cmps: Callable[[Any, Any], int]) -> Callable[[Any], list]:
    """A function that orders the nodes of a FunctionGraph: by what depends on what, then by `cmps`."""
    rules = (make_dependence_cmp(), *cmps)

    def schedule(fgraph: Any) -> list:
        return sort_apply_nodes(fgraph.inputs, fgraph.outputs, rules)

    return schedule


class CallCache:
    """Results of calls by their key, kept in the file `filename` if one is given."""

    def __init__(self, filename: str | None = None):
        self.filename = filename
        self.cache: dict = {}
        if filename is not None and Path(filename).exists():
            self.cache = pickle.loads(Path(filename).read_bytes())

    def persist(self, filename: str | None = None) -> None:
        """Write the cache to `filename`, or to its own file."""
        Path(filename or str(self.filename)).write_bytes(pickle.dumps(self.cache))

    def call(self, fn: Callable, args: Iterable = (), key: Any = None) -> Any:
        """`fn(*args)`, computed the first time that `key` (by default, function and arguments) is asked for."""
        if key is None:
            key = (fn, tuple(args))
        hit = key in self.cache
        logger.debug("cache %s %i", "hit" if hit else "miss", len(self.cache))
        if not hit:
            self.cache[key] = fn(*args)
        return self.cache[key]
