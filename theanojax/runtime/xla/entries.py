"""Calls of a function that run in C from its arguments to its results, with no step in Python between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from theanojax.runtime.in_c import InC
    from theanojax.runtime.planning.programs import Calls
    from theanojax.runtime.xla.specialisation import Ready


class Entry:
    """How a whole call runs in C, for arguments of certain shapes.

    `sources` are the positions of its arguments among the values that a program is called with, `delivery` a pair
    (position among what it computes, whether that is an update) for each output of the program.
    """

    def __init__(
        self, way: InC, ready: Ready, sources: Sequence[int], delivery: Sequence[tuple[int, bool]], guarded: bool
    ) -> None:
        self.way, self.ready, self.sources, self.delivery, self.guarded = way, ready, sources, delivery, guarded

    def reads_all(self, arguments: int) -> bool:
        """Whether the program reads all of so many arguments; C looks at no others, and any may be bad."""
        return set(range(arguments)) <= set(self.sources)

    def bound(self, calls: Calls) -> Callable[..., Any] | None:
        """What runs calls of a function; None if that cannot be made yet.

        Calls of another kind than it is made for give NotImplemented, and nothing has happened.
        """
        arguments, cells, updated, numbers, single, other = calls
        made, own = self.way.made, self.ready.own
        if made is None or self.way.replaced and own is None:
            return None
        return made.entry(
            (
                arguments,
                tuple(made.given),
                tuple([i if i < arguments else cells[i - arguments] for i in self.sources]),
                tuple([i < arguments and numbers[i] for i in self.sources]),
                tuple([i for i, is_update in self.delivery if not is_update]),
                tuple([i for i, is_update in self.delivery if is_update]),
                tuple(updated),
                single,
                own,
                self.guarded,
                other,
            )
        )
