"""Every exception class of the library, in one place.

Build-time errors derive from the built-in classes that Theano 1.0 used, so that programs which catch
``TypeError`` or ``ValueError`` keep working.
"""

from __future__ import annotations

from typing import Any


class MissingInputError(Exception):
    """A graph needs a variable that is neither computed, given nor constant.

    ``variable`` is the first such variable, when known.

    See docs/errors.md#missinginputerror.
    """

    def __init__(self, *args: object, variable: Any = None, **kwargs: object) -> None:
        super().__init__(*args)
        self.variable = variable


class InconsistencyError(Exception):
    """A change to a graph would break one of its invariants. See docs/errors.md#inconsistencyerror."""


class ReplacementDidntRemovedError(Exception):
    """A rewrite left in the graph a node that it had promised to remove.

    See docs/errors.md#replacementdidntremovederror.
    """


class MethodNotDefined(Exception):
    """An Op lacks an optional method; the caller is expected to catch this and do without.

    See docs/errors.md#methodnotdefined.
    """

    @classmethod
    def of(cls, thing: object, method: str) -> MethodNotDefined:
        """The error for `thing`, whose class has no `method` of its own."""
        return cls(method, type(thing), type(thing).__name__)


class MissingGXX(NotImplementedError):
    """C code cannot be compiled here: there is no C++ compiler, or it is not to be used.

    See docs/errors.md#missinggxx.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(args or ("g++ not available! We can't compile c code.",)))


class CompileError(Exception):
    """The C++ compiler does not take the C code of an Op. See docs/errors.md#compileerror."""


class ShapeError(Exception):
    """Shape inference met shapes that contradict each other. See docs/errors.md#shapeerror."""


class NotScalarConstantError(Exception):
    """A variable has no scalar value that is known without running anything.

    See docs/errors.md#notscalarconstanterror.
    """


class EmptyConstantError(NotScalarConstantError):
    """A constant has no element to take a scalar value from. See docs/errors.md#emptyconstanterror."""


class AsTensorError(TypeError):
    """An object cannot become a symbolic tensor. See docs/errors.md#astensorerror."""


class UnusedInputError(Exception):
    """An input of a function serves none of its outputs. See docs/errors.md#unusedinputerror."""


class AliasedMemoryError(Exception):
    """Memory would be shared between places where that is forbidden. See docs/errors.md#aliasedmemoryerror."""


class DisconnectedInputError(ValueError):
    """A gradient was asked with respect to a variable that the cost does not depend on.

    See docs/errors.md#disconnectedinputerror.
    """


class NullTypeGradError(TypeError):
    """A gradient is undefined or not implemented where its value is needed.

    See docs/errors.md#nulltypegraderror.
    """


class ParallelWarning(UserWarning):
    """What was to run on several devices runs, in part, as on one: with the same results, and more slowly.

    See docs/errors.md#parallelwarning.
    """


class HostFallbackWarning(UserWarning):
    """XLA could not run what it should: the host did, with the same results and more slowly.

    See docs/errors.md#hostfallbackwarning.
    """
