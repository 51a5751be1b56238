"""What has been found out about single Ops."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


class PerOp(Generic[_T]):
    """A function of Ops that remembers its answers, by identity: comparing Ops is slow.

    An answer goes with its Op: a Scan holds whole graphs, which nothing here keeps alive.
    """

    def __init__(self, find: Callable[[Any], _T]) -> None:
        self.find = find
        self._known: dict[int, tuple[weakref.ref[Any], _T]] = {}

    def __call__(self, op: object) -> _T:
        try:
            return self._known[id(op)][1]
        except KeyError:
            answer = self.find(op)
            self._known[id(op)] = weakref.ref(op, partial(self._forget, id(op))), answer
            return answer

    def _forget(self, key: int, reference: weakref.ref[Any]) -> None:
        if self._known.get(key, (None,))[0] is reference:
            del self._known[key]

    def __reduce__(self) -> tuple[type[PerOp[_T]], tuple[Callable[[Any], _T]]]:
        return PerOp, (self.find,)
