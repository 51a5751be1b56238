"""How long a cheap and a costly elementwise Op take: ``python -m theano.misc.elemwise_time_test -N 200000``."""

from __future__ import annotations

import time
from collections.abc import Callable
from optparse import OptionParser
from typing import Any

import numpy as np

import theanojax
import theanojax.tensor as T

parser = OptionParser(usage="%prog <options>\nHow long cheap and costly elementwise Ops take.")
parser.add_option(
    "-N", "--N", type="int", default=theanojax.config.openmp_elemwise_minsize, help="length of the vector"
)
parser.add_option("--script", action="store_true", default=False, help="print the two numbers alone")


def evalTime(f: Callable[[Any], Any], v: Any, script: bool = False, loops: int = 1000) -> float:
    """The least of the seconds that `loops` calls of `f` with `v` took; it is printed unless `script`."""
    shortest = float("inf")
    for _ in range(loops):
        start = time.perf_counter()
        f(v)
        shortest = min(shortest, time.perf_counter() - start)
    if not script:
        print(" run time in %d loops was %2.9f sec" % (loops, shortest))
    return shortest


def ElemwiseOpTime(N: int, script: bool = False, loops: int = 1000) -> tuple[float, float]:
    """The seconds that ``2 * x + x * x`` and ``tanh(x)`` take, for a vector of `N` numbers."""
    x = T.vector("x")
    v = np.random.RandomState(1235).uniform(size=N).astype(theanojax.config.floatX)
    times = []
    for name, out in (("Fast op ", 2 * x + x * x), ("Slow op ", T.tanh(x))):
        if not script:
            print(name, end=" ")
        times.append(evalTime(theanojax.function([x], out), v, script, loops))
    return times[0], times[1]


def main() -> None:
    """The program."""
    options, _ = parser.parse_args()
    cheap, costly = ElemwiseOpTime(options.N, options.script)
    if options.script:
        print("%2.9f %2.9f" % (cheap, costly))


if __name__ == "__main__":
    main()
