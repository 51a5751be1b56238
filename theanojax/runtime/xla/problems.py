"""What tracing a graph may meet; each tells the planner what it has to do before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import Signature
    from theanojax.runtime.policy.outcome import Stage


class NeedsValue(Exception):
    """Tracing needs the value of `variable`: the planner has to compute it before."""

    def __init__(self, variable: Variable) -> None:
        super().__init__("the value of %s fixes a shape" % variable)
        self.variable = variable
        self.node: Apply | None = None  # the outermost node whose tracing asked for it
        self.more: Sequence[NeedsValue | Unsupported] = ()  # what other nodes of the same graph lack


class Unsupported(Exception):
    """A node has no XLA form after all; `node` and `more` are as of NeedsValue, set by whoever traces it."""

    node: Apply | None = None
    more: Sequence[NeedsValue | Unsupported] = ()


class Untraceable(Unsupported):
    """The Op of a node raised an error while it was traced: by a fault of its own, or of the values it was given.

    Only the host can tell: it raises the error that the user is to see, or knows the answer.
    """

    node: Apply
    refused_by: tuple[Stage, Signature] | None = None  # the stage that has tried it, and with which shapes

    def __init__(self, node: Apply, error: Exception) -> None:
        text = str(error).strip().partition("\n")[0]  # jax goes on about its own functions
        super().__init__("%s cannot be traced by XLA: %s: %s" % (node, type(error).__name__, text))
        self.node = node


class NotInPlace(Exception):
    """XLA would have to copy the large array of `variable`, which it has read in place before."""

    def __init__(self, variable: Variable) -> None:
        super().__init__("the array of %s is not aligned" % variable)
        self.variable = variable


class TooLarge(Exception):
    """Carries `error`, the MemoryError that the user is to see, through jax, which adds words of its own."""

    def __init__(self, error: MemoryError) -> None:
        super().__init__(str(error))
        self.error = error


class GuardFailed(Exception):
    """A guard on known values does not hold: this call is the host's, the next may be XLA's again."""
