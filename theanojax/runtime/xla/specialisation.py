"""What an XLA stage has made for values that fix shapes, and for shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import jax

from theanojax.runtime.xla import interrupts
from theanojax.runtime.xla.transfer import Looks

if TYPE_CHECKING:
    from theanojax.runtime.hints import Array, Shape, Value
    from theanojax.runtime.in_c import Condition, InC


Outs = TypeVar("Outs")


class GuardedShapes(Exception):
    """A program that gives buffers away has met shapes for which it may need them again."""


class Jitted(Protocol):
    """What jax.jit makes of the trace of a stage."""

    def __call__(self, *args: Value) -> Sequence[Value]: ...
    def trace(self, *args: Value) -> jax.stages.Traced: ...
    def lower(self, *args: Value) -> jax.stages.Lowered: ...
    def clear_cache(self) -> None: ...


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
    proven : shapes -> types of the arguments -> bytes that a call needs beside them. Such a call is one step in C.
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
        self.proven: dict[tuple[Shape, ...], dict[tuple[type, ...], int]] = {}
        self._begun: dict[object, object] = {}  # first calls that have not come to their end

    def first_call(self, like: object, call: Callable[[], Outs]) -> tuple[Outs, bool]:
        """What `call`, which runs `function`, gives, and whether it proves what calls `like` this one are.

        Where jax is broken off while it traces or compiles, it goes through Python for all later calls with such
        arguments; until it forgets what it has.
        """
        if like in self._begun:
            for proven in self.proven.values():
                proven.clear()
            self.function.clear_cache()
        self._begun[like] = this = object()
        outs = call()
        if self._begun.get(like) is not this:  # one that nobody waits for any more
            return outs, False
        del self._begun[like]
        return outs, True


class Ready:
    """What calls with one key and shapes run, and what earlier ones have told.

    Attributes
    ----------
    special : Specialisation
    proven : that of `special` for these shapes.
    pace : interrupts.Pace of the loops.
    looks : transfer.Looks, which waits for results.
    in_c : InC, the way of the program into C, or None.
    own : jitted; gives the arrays that it is given away, as arrays of nobody else. None before C has replaced values.
    """

    __slots__ = ("in_c", "looks", "own", "pace", "proven", "special")

    def __init__(self, special: Specialisation, shapes: tuple[Shape, ...]) -> None:
        self.special, self.proven = special, special.proven.setdefault(shapes, {})
        self.pace, self.looks = interrupts.Pace(), Looks()
        self.in_c: InC | None = None
        self.own: Jitted | None = None


def shapes_of(args: Sequence[Value]) -> tuple[Shape, ...]:
    return tuple([a.shape for a in args])
