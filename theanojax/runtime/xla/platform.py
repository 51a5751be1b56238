"""What differs between the devices that XLA computes on: each question has a name here, asked as an attribute.

``platform.reads_in_place`` is True or False. The answer is found when it is first asked for, when jax is up, and kept:
from then on it costs what a global does, even in the path of each call. A test sets it as any attribute.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import jax

from theanojax.runtime.xla import cores, devices

# question -> the backends, as jax calls them, where the answer is yes
WHERE = {
    # Numpy's memory is read where it lies if it is aligned to 64 bytes, and copied to fresh pages otherwise, five times
    # slower than to a buffer that is used again. So large arguments are aligned, a call holds on to them until its
    # results are there, and what somebody else may write to is not given away; large results are views.
    "reads_in_place": ("cpu",),
    # The cores that compute are those that would wait: a call waits for its results, and what failed raises before
    # anything is stored. Elsewhere Python goes on meanwhile, and an error shows where a result is read.
    "computes_at_once": ("cpu",),
    # The memory is the machine's: the system ends a process that takes more than there is, and tells nobody why, so
    # what a program needs is weighed first. Elsewhere XLA raises.
    "shares_memory": ("cpu",),
    # Ctrl-C ends a loop by a flag in numpy's memory that it looks at before each step; see interrupts.py.
    "ends_loops": ("cpu",),
    # Numpy computes on the same cores, from where its memory lies: quicker than a copy for XLA; see numpy_program.py.
    "numpy_keeps_up": ("cpu",),
    # C runs there, too, and small programs in less time; see in_c.
    "runs_c": ("cpu",),
    # One kernel is made of a sum, in time quadratic in the number of its terms; see long_sums.py.
    "fuses_long_sums": ("cpu",),
    # Loops are handed to threads, however small they are; see small.py.
    "threads_small_loops": ("cpu",),
    # A product takes twice as long in float64 if its first matrix is read by columns, as if it were transposed before.
    "multiplies_by_rows": ("cpu",),
    # An optimization barrier keeps the same from being computed once in place of twice, and is gone before what comes
    # when is decided: what was to be computed again late, to save memory, comes early. Not so inside a conditional.
    "forgets_barriers": ("cpu",),
    # What decides a conditional is where its branches run. A GPU would wait for it to be there.
    "decides_at_once": ("cpu",),
    # Products and convolutions of float32 round their factors to 10 bits or 7, unless they are told not to.
    "cuts_products": ("gpu", "tpu"),
    # Numbers too small for full precision count as zero: each program sets the processor so, and no option says not to.
    "flushes_subnormals": ("cpu",),
    # Fourier transforms fail to compile where a matrix factorisation asks for their input by columns.
    "fourier_by_rows": ("cpu",),
}


@functools.cache
def backend() -> str:
    """What programs are compiled for, as jax calls it: "cpu", "gpu", "tpu" ..."""
    device = devices.in_use()
    first = cores.start()
    return first if device is None else devices.backend_of(device)


class _Answers:
    """The answers for one backend."""

    def __init__(self, backend: str) -> None:
        vars(self).update((question, backend in where) for question, where in WHERE.items())


@functools.cache
def of(device: jax.Device | None) -> Any:
    """What has the answers for `device`: this module where that is the one in use, or None."""
    if device is None or device == devices.in_use():
        return sys.modules[__name__]
    return _Answers(devices.backend_of(device))


def forget() -> None:
    """Ask anew, as another device is in use."""
    backend.cache_clear()
    of.cache_clear()
    for question in WHERE:
        globals().pop(question, None)


def describe() -> str:
    """The backend and its devices, for a person."""
    kinds = [device.device_kind for device in devices.in_use_or_all()]
    return "%s (%s)" % (backend(), ", ".join("%d x %s" % (kinds.count(k), k) for k in dict.fromkeys(kinds)))


def __getattr__(question: str) -> bool:
    if question not in WHERE:
        raise AttributeError("module %r has no attribute %r" % (__name__, question))
    answer = globals()[question] = backend() in WHERE[question]
    return answer
