"""What an XLA stage has made for values that fix shapes, and for shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import jax

from theanojax.runtime.xla import interrupts
from theanojax.runtime.xla.transfer import Looks

if TYPE_CHECKING:
    from theanojax.runtime.hints import Array, Shape, Value
    from theanojax.runtime.in_c import Condition, InC


class GuardedShapes(Exception):
    """A program that gives buffers away has met shapes for which it may need them again."""


class Jitted(Protocol):
    """What jax.jit makes of the trace of a stage."""

    def __call__(self, *args: Value) -> Sequence[Value]: ...
    def trace(self, *args: Value) -> jax.stages.Traced: ...
    def lower(self, *args: Value) -> jax.stages.Lowered: ...


class Specialisation:
    """What runs a stage for one value of its key, and for certain shapes where there is something to check.

    Attributes
    ----------
    function : jitted; from (stop flag if there are loops, arguments, constants) to outputs, and a last output that
        says whether the guards held if some are left.
    check : a function of the list of arguments and constants that has to say yes before, or None.
    condition : the same as a Condition, or None.
    donated : positions of the arguments whose buffers the outputs take over.
    variants : shapes -> Specialisation, where these depend on the shapes, else None.
    here : jitted; the same as `function` for numpy arrays, run in the calling thread, or None (see small.py).
    """

    def __init__(
        self,
        function: Jitted,
        donated: Sequence[int] = (),
        check: Callable[[Sequence[Array]], bool] | None = None,
        variants: dict[tuple[Shape, ...], Specialisation] | None = None,
        here: Jitted | None = None,
        condition: Condition | None = None,
    ) -> None:
        self.function, self.donated, self.check, self.variants = function, donated, check, variants
        self.here, self.condition = here, condition
        self.kept: object = None  # an executable: jit keeps it as long as somebody does


class Ready:
    """What calls with one key and shapes run, and what earlier ones have told.

    Attributes
    ----------
    special : Specialisation
    proven : types of the arguments -> bytes that a call needs beside them. Such a call is one step in C.
    pace : interrupts.Pace of the loops.
    looks : transfer.Looks, which waits for results.
    in_c : InC, the way of the program into C, or None.
    own : jitted; gives the arrays that it is given away, as arrays of nobody else. None before C has replaced values.
    """

    __slots__ = ("in_c", "looks", "own", "pace", "proven", "special")

    proven: dict[tuple[type, ...], int]

    def __init__(self, special: Specialisation) -> None:
        self.special, self.proven, self.pace, self.looks = special, {}, interrupts.Pace(), Looks()
        self.in_c: InC | None = None
        self.own: Jitted | None = None
