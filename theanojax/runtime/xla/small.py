"""Programs of small loops, in one thread, as handing them to others takes longer than the loops; and very large ones.

XLA's CPU runtime gives loops that do not wait for each other to the threads of its pool, though a loop over some
hundred numbers takes a microsecond. Scheduled for little memory, buffers are used again at once, so that most loops
have to wait for another: the gradient of a small statistical model, 44 loops, takes 24 us then, and 50 before.

Large programs that read large arguments are scheduled for little memory, too: where it is free to, XLA copies all
weights to the order of axes that it wants before it does anything else. It gets the memory of what it keeps within a
call as one block, which the C library takes from Linux anew for each call, and gives back, if it has more than 32 MB:
each of its pages is looked for and filled with zeros then. VGG-16 keeps 10 MB in place of 63, and takes 0.8 of the
time; a network whose memory is that of its layers' results gains nothing.

jax's client has another thread run a program, and the caller waits to be woken up: 7 us, and 40 on a busy machine. A
client of our own, which jax knows nothing of, runs it in the thread that calls, if the arguments are numpy's and so
will be the results.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from math import prod
from typing import TYPE_CHECKING, Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr
from jax.sharding import SingleDeviceSharding

from theanojax.runtime.xla import cores

if TYPE_CHECKING:
    from theanojax.runtime.hints import Value

MOST_WRITTEN = 1 << 12  # elements of an array; from some 10 us on a loop gains by a thread of its own
MOST_READ = 1 << 15
LOOPS = ("while", "scan")  # what is in them gains nothing
PARTS = ("dynamic_slice", "gather")  # operations that read some of their first operand
WEIGHTS = 1 << 25  # bytes of arguments that are read as a whole
WRITTEN = 200 << 20  # bytes of all results of operations, in a program to which copies matter

IN_ORDER = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}  # an option of the compiler


def may_be(args: Iterable[Value]) -> bool:
    """Whether a program with such arguments may be a small one."""
    return all(prod(a.shape) <= MOST_READ for a in args)


def is_small(jaxpr: Jaxpr) -> bool:
    """Whether a program, whose arguments may be those of a small one, is one."""
    return all(
        eqn.primitive.name not in LOOPS
        and all(prod(getattr(v.aval, "shape", ())) <= MOST_WRITTEN for v in eqn.outvars)
        and all(map(is_small, _called(eqn.params.values())))
        for eqn in jaxpr.eqns
    )


def is_large(jaxpr: Jaxpr) -> bool:
    """Whether a program had better be scheduled for little memory, as its arguments are large and it is, too."""
    read = {id(v) for eqn in jaxpr.eqns for v in eqn.invars[eqn.primitive.name in PARTS :]}
    weights = sum(_nbytes(v.aval) for v in jaxpr.invars if id(v) in read)
    return weights > WEIGHTS and _written(jaxpr) > WRITTEN


def _written(jaxpr: Jaxpr) -> int:
    """The bytes that the operations of a program write, those of loops as their results."""
    total = 0
    for eqn in jaxpr.eqns:
        inner = () if eqn.primitive.name in LOOPS else _called(eqn.params.values())
        total += sum(map(_written, inner)) or sum(_nbytes(v.aval) for v in eqn.outvars)
    return total


def _nbytes(aval: Any) -> int:
    return prod(getattr(aval, "shape", ())) * getattr(getattr(aval, "dtype", None), "itemsize", 0)


def _called(params: Iterable[Any]) -> Iterable[Jaxpr]:
    """The programs among the parameters of an operation: of a function called, of branches."""
    for value in params:
        if isinstance(value, ClosedJaxpr):
            yield value.jaxpr
        elif isinstance(value, Jaxpr):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _called(value)


@functools.cache
def here() -> SingleDeviceSharding | None:
    """Where a program runs in the thread that calls it; None if there is no such place."""
    if jax.process_count() > 1:
        return None
    try:
        from jaxlib.xla_client import make_cpu_client

        with cores.told():
            return SingleDeviceSharding(make_cpu_client(asynchronous=False, num_devices=1).devices()[0])
    except Exception:  # no public interface: it may look otherwise one day
        return None
