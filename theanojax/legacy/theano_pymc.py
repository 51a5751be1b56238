"""Names that Theano-PyMC 1.1, PyMC3 3.11's continuation of Theano, had and Theano 1.0 did not."""

from __future__ import annotations

import functools
import struct
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, TypeVar

from theanojax.graph.c_interface import CLinkerOp
from theanojax.graph.traverse import ops as _nodes
from theanojax.graph.variable import Apply, Variable

T = TypeVar("T", bound=Variable)

# How many bits a pointer has, and a C long
LOCAL_BITWIDTH = struct.calcsize("P") * 8
PYTHON_INT_BITWIDTH = struct.calcsize("l") * 8

# For annotations of a user's Ops
StorageMapType = list[list[Any] | None]
ComputeMapType = list[bool]
OutputStorageType = list[list[Any] | None]
ParamsInputType = tuple[Any] | None
PerformMethodType = Callable[[Apply, list[Any], OutputStorageType, ParamsInputType], None]
ThunkType = Callable[[PerformMethodType, StorageMapType, ComputeMapType, Apply], Any]


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


def as_list(x: Any) -> list:
    """The items of `x`; `x` alone if it has none."""
    return list(x) if isinstance(x, Iterable) else [x]


def apply_across_args(*fns: Callable) -> Any:
    """Functions that call one of `fns` with each of several arguments, and give a list; one function for one of `fns`.

    An int says how often it is called without an argument. A single argument may be a list of them, or a text, each
    letter of which is one; of a single one the result is no list.
    """

    def each(fn: Callable, *args: Any) -> Any:
        if args and isinstance(args[0], int):
            return [fn() for _ in range(args[0])]
        items = args[0] if len(args) == 1 else args
        return fn(items) if len(items) == 1 else [fn(item) for item in items]

    made = [functools.partial(each, fn) for fn in fns]
    return made[0] if len(made) == 1 else made


def add_excepthook(hook: Callable) -> None:
    """Have `hook` called, too, with each exception that nothing catches, as ``sys.excepthook`` is."""
    before = sys.excepthook

    def both(*error: Any) -> None:
        before(*error)
        hook(*error)

    sys.excepthook = both


class HideC:
    """A base to come before others whose C code is not to be used."""

    c_code = CLinkerOp.c_code


class Singleton:
    """A base of classes that have a single instance each."""

    _instance: Any = None

    def __new__(cls) -> Any:
        if "_instance" not in vars(cls):
            cls._instance = super().__new__(cls)
        return cls._instance

    def __str__(self) -> str:
        return type(self).__name__

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))
