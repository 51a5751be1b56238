"""When an executable is worth its compilation."""

from __future__ import annotations

from collections.abc import Hashable


class Patience:
    """Decides which shapes are worth an executable once there are `limit` of them.

    A new shape then runs on the host until it has cost there a quarter of what compiling it is likely to cost: a
    function whose every call brings another shape never stalls, and a shape that keeps coming back gets fast.
    As long as no call on the host takes longer than compiling, the limit may be a lower one (`start`).
    """

    SHARE = 0.25

    def __init__(self, limit: int, start: int | None = None) -> None:
        self.most = limit
        self.limit = limit if start is None else min(start, limit)
        self.compiled: dict[Hashable, float] = {}  # signature -> seconds that the first call took
        self.spent: dict[Hashable, float] = {}  # signature -> seconds of calls on the host

    def full(self) -> bool:
        return len(self.compiled) >= self.limit

    def accepts(self, signature: Hashable) -> bool:
        if signature in self.compiled:
            return True
        return self.spent.get(signature, 0.0) >= self.SHARE * self.likely() and signature in self.spent

    def likely(self) -> float:
        """Seconds that a compilation is likely to take."""
        known = tuple(self.compiled.values())  # other threads may add to it
        return sum(known) / max(1, len(known))

    def note_compilation(self, signature: Hashable, seconds: float) -> None:
        self.compiled[signature] = seconds
        self.spent.pop(signature, None)

    def note_host_call(self, signature: Hashable, seconds: float, weight: float = 1.0) -> None:
        """A call on the host has taken `seconds`, of which an executable could save the part `weight`."""
        self.spent[signature] = self.spent.get(signature, 0.0) + weight * seconds
        if self.limit < self.most and seconds > self.likely():
            self.limit = self.most
