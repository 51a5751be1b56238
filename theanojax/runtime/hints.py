"""Names for what passes between the modules of this package. Only type hints use them: nobody imports this to run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy.typing as npt

import jax

from theanojax.graph.cells import Cell
from theanojax.graph.variable import Apply, Variable

# What a variable holds: an array of numpy or of a device, a sparse matrix, a slice, any object of a type of the user's.
Value: TypeAlias = Any
NumpyArray: TypeAlias = npt.NDArray[Any]
Array: TypeAlias = NumpyArray | jax.Array
Shape: TypeAlias = tuple[int, ...]

# What fixes shapes, and the shapes of the arguments: of these there is one executable each.
Key: TypeAlias = tuple[Any, ...]  # numbers, and tuples of numbers for vectors
Signature: TypeAlias = tuple[Key, tuple[Shape, ...]]
ShapeProgram: TypeAlias = Callable[[Sequence[Value]], Key]

# What an Op calls its storage: cells of one value each.
Storage: TypeAlias = list[Value]
StorageMap: TypeAlias = dict[Variable, Storage]
ComputeMap: TypeAlias = dict[Variable, list[bool]]

# Where the updates of a call belong, which may be nowhere; None where whoever calls stores them.
Cells: TypeAlias = Sequence[Cell] | None

# The nodes that serve nothing but the two branches of a lazy conditional.
Regions: TypeAlias = dict[Apply, tuple[list[Apply], list[Apply]]]

# Nodes one inside of the other, from the outermost to the innermost; those that one of XLA's instructions computes.
Path: TypeAlias = tuple[Apply, ...]
Paths: TypeAlias = frozenset[Path]

# Bytes of an array that no memory here can hold, who makes it, and what to raise.
Oversized: TypeAlias = tuple[int, Apply, MemoryError]


class Thunk(Protocol):
    """Runs a node on its cells; a lazy one returns the positions of inputs that it needs first."""

    inputs: Sequence[Storage]
    outputs: Sequence[Storage]
    lazy: bool

    def __call__(self) -> Sequence[int] | None: ...


class HasInputs(Protocol):
    """What is asked of a thunk once it has failed."""

    inputs: Sequence[Storage]
