"""How the arrays of a function lie on several devices, in words; `runtime.parallel` has the devices.

The computation is that of the whole batch. Where its arrays lie changes where it is done, and never what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    # for each dimension, from the first on, the axis of devices that it is split over, or None
    Spec = tuple[str | None, ...]

PART, WHOLE = "part", "whole"


@dataclass(frozen=True)
class Layout:
    """A grid of devices.

    Attributes
    ----------
    axes : pairs (name, number of devices); None, once at most, stands for as many as there are.
    feed : what each of several processes gives of a batch, its "part" or the "whole".
    even : whether each gives as many rows as all others, so that they need not be asked.
    """

    axes: tuple[tuple[str, int | None], ...]
    feed: str = PART
    even: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.axes)


@dataclass(frozen=True)
class Placement:
    """Where one array lies: split as `spec` says, on each device what is not split.

    `batch` says that it is an argument, split where its length allows it; what else is split has to be divisible.
    """

    layout: Layout
    spec: Spec = ()
    batch: bool = False

    def __str__(self) -> str:
        return " and ".join("dimension %d over %s" % (i, name) for i, name in enumerate(self.spec) if name is not None)


def spec_of(sharding: Any, ndim: int, what: object) -> Spec:
    """`sharding` as a tuple; a name alone is that of the first dimension.

    ValueError if there are more entries than the `ndim` dimensions of `what`, or one is no name; TypeError if it is
    neither a name nor a tuple.
    """
    if isinstance(sharding, str):
        sharding = (sharding,)
    if not isinstance(sharding, (tuple, list)):
        raise TypeError(
            "sharding has to be the name of an axis of devices, or a tuple with a name or None for each dimension; "
            "%s was given %r" % (what, sharding)
        )
    named = [name for name in sharding if name is not None]
    if not all(isinstance(name, str) for name in named) or len(set(named)) < len(named):
        raise ValueError("each entry of a sharding is None or a name, and no name comes twice: %r" % (sharding,))
    if len(sharding) > ndim:
        raise ValueError("%s has %d dimensions, and a sharding for %d: %r" % (what, ndim, len(sharding), sharding))
    return tuple(sharding)
