"""In which order XLA's CPU runs the operations of a program: freely, or so that it needs little memory.

Free to order, it runs what does not wait for each other side by side, and copies all weights to the order of axes that
it wants before it does anything else. Small programs (small.py) take less time in order, and so do large ones that read
large arguments. XLA gets the memory of what it keeps within a call as one block, which the C library takes from Linux
anew for each call, and gives back, if it has more than 32 MB: each of its pages is looked for and filled with zeros
then. VGG-16 keeps 10 MB in place of 63, and takes 0.8 of the time; a network whose memory is that of its layers'
results gains nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr

LOOPS = ("while", "scan")  # what is in them gains nothing
PARTS = ("dynamic_slice", "gather")  # operations that read some of their first operand
WEIGHTS = 1 << 25  # bytes of arguments that are read as a whole
WRITTEN = 200 << 20  # bytes of all results of operations, in a program to which copies matter

IN_ORDER = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}  # an option of the compiler


def is_large(jaxpr: Jaxpr) -> bool:
    """Whether a program had better be scheduled for little memory, as its arguments are large and it is, too."""
    read = {id(v) for eqn in jaxpr.eqns for v in eqn.invars[eqn.primitive.name in PARTS :]}
    weights = sum(_nbytes(v.aval) for v in jaxpr.invars if id(v) in read)
    return weights > WEIGHTS and _written(jaxpr) > WRITTEN


def _written(jaxpr: Jaxpr) -> int:
    """The bytes that the operations of a program write, those of loops as their results."""
    total = 0
    for eqn in jaxpr.eqns:
        inner = () if eqn.primitive.name in LOOPS else called(eqn.params.values())
        total += sum(map(_written, inner)) or sum(_nbytes(v.aval) for v in eqn.outvars)
    return total


def _nbytes(aval: Any) -> int:
    return prod(getattr(aval, "shape", ())) * getattr(getattr(aval, "dtype", None), "itemsize", 0)


def called(params: Iterable[Any]) -> Iterable[Jaxpr]:
    """The programs among the parameters of an operation: of a function called, of branches."""
    for value in params:
        if isinstance(value, ClosedJaxpr):
            yield value.jaxpr
        elif isinstance(value, Jaxpr):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from called(value)
