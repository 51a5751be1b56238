"""Every exception class of the library, in one place.

Build-time errors derive from the built-in classes that Theano 1.0 used, so that programs which catch
``TypeError`` or ``ValueError`` keep working.
"""

from __future__ import annotations

from typing import Any


class MissingInputError(Exception):
    """A graph needs a variable that is neither computed, given nor constant.

    ``variable`` is the first such variable, when known.
    """

    def __init__(self, *args: object, variable: Any = None, **kwargs: object) -> None:
        super().__init__(*args)
        self.variable = variable


class InconsistencyError(Exception):
    """A change to a graph would break one of its invariants."""


class ReplacementDidntRemovedError(Exception):
    """A rewrite left in the graph a node that it had promised to remove."""


class MethodNotDefined(Exception):
    """An Op lacks an optional method; the caller is expected to catch this and do without."""

    @classmethod
    def of(cls, thing: object, method: str) -> MethodNotDefined:
        """The error for `thing`, whose class has no `method` of its own."""
        return cls(method, type(thing), type(thing).__name__)


class MissingGXX(NotImplementedError):
    """C code cannot be compiled here: there is no C++ compiler, or it is not to be used."""

    def __init__(self, *args: object) -> None:
        super().__init__(*(args or ("g++ not available! We can't compile c code.",)))


class CompileError(Exception):
    """The C++ compiler does not take the C code of an Op."""


class ShapeError(Exception):
    """Shape inference met shapes that contradict each other."""


class NotScalarConstantError(Exception):
    """A variable has no scalar value that is known without running anything."""


class EmptyConstantError(NotScalarConstantError):
    """A constant has no element to take a scalar value from."""


class AsTensorError(TypeError):
    """An object cannot become a symbolic tensor."""


class UnusedInputError(Exception):
    """An input of a function serves none of its outputs."""


class AliasedMemoryError(Exception):
    """Memory would be shared between places where that is forbidden."""


class DisconnectedInputError(ValueError):
    """A gradient was asked with respect to a variable that the cost does not depend on."""


class NullTypeGradError(TypeError):
    """A gradient is undefined or not implemented where its value is needed."""


class ParallelWarning(UserWarning):
    """What was to run on several devices runs, in part, as on one: with the same results, and more slowly."""


class HostFallbackWarning(UserWarning):
    """XLA could not run what it should: the host did, with the same results and more slowly."""
