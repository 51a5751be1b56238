"""How the run of a program can end; what it returns beside its outputs.

Only what is true is an end: the outputs are there. ``DONE`` leaves the updates to the caller, ``COMMITTED`` says that
they are in their cells already. Otherwise the call is the host's: ``REPLAY`` once, since a guard did not hold,
`Declined`, since an executable for these shapes is not worth its compilation yet, or `Refused`, since none can be made.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from theanojax.runtime.hints import Signature
    from theanojax.runtime.policy.patience import Patience


class Outcome:
    """One of the constants below. `good` says whether there are outputs."""

    def __init__(self, name: str, good: bool) -> None:
        self.name, self.good = name, good

    def __repr__(self) -> str:
        return self.name


DONE, COMMITTED, REPLAY = Outcome("DONE", True), Outcome("COMMITTED", True), Outcome("REPLAY", False)


class Declined(Outcome):
    """A stage has no executable for the shapes of this call; `patience` decides when `signature` is worth one."""

    def __init__(self, patience: Patience, signature: Hashable) -> None:
        super().__init__("Declined", False)
        self.patience, self.signature = patience, signature


class Stage(Protocol):
    """What remembers that shapes are refused."""

    refused: dict[Signature, Refused]

    def refuse(self, signature: Signature, error: Exception) -> None: ...


class Refused(Outcome):
    """What `error` said when it was tried before, with the same shapes, turned out to be a mistake of the caller."""

    def __init__(self, stage: Stage, signature: Signature, error: Exception) -> None:
        super().__init__("Refused", False)
        self.stage, self.signature, self.error = stage, signature, error

    def withdraw(self) -> None:
        """It was no mistake: the host could answer."""
        self.stage.refused.pop(self.signature, None)
