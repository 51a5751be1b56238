"""Programs of small loops, in one thread: handing them to others takes longer than the loops.

XLA's CPU runtime gives loops that do not wait for each other to the threads of its pool, though a loop over some
hundred numbers takes a microsecond. Scheduled for little memory, buffers are used again at once, so that most loops
have to wait for another: the gradient of a small statistical model, 44 loops, takes 24 us then, and 50 before.

jax's client has another thread run a program, and the caller waits to be woken up: 7 us, and 40 on a busy machine. A
client of our own, which jax knows nothing of, runs it in the thread that calls, if the arguments are numpy's and so
will be the results.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from math import prod
from typing import TYPE_CHECKING

import jax
from jax.extend.core import Jaxpr
from jax.sharding import SingleDeviceSharding

from theanojax.runtime.xla import cores
from theanojax.runtime.xla.scheduling import LOOPS, called

if TYPE_CHECKING:
    from theanojax.runtime.hints import Value

MOST_WRITTEN = 1 << 12  # elements of an array; from some 10 us on a loop gains by a thread of its own
MOST_READ = 1 << 15


def may_be(args: Iterable[Value]) -> bool:
    """Whether a program with such arguments may be a small one."""
    return all(prod(a.shape) <= MOST_READ for a in args)


def is_small(jaxpr: Jaxpr) -> bool:
    """Whether a program, whose arguments may be those of a small one, is one."""
    return all(
        eqn.primitive.name not in LOOPS
        and all(prod(getattr(v.aval, "shape", ())) <= MOST_WRITTEN for v in eqn.outvars)
        and all(map(is_small, called(eqn.params.values())))
        for eqn in jaxpr.eqns
    )


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
