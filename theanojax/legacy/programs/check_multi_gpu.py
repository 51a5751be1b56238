"""Whether two matrix products overlap: ``python -m theano.misc.check_multi_gpu DEVICE DEVICE``.

Theano put one on each of two devices. Here a process computes on one, so that both names mean that one, and what shows
is what a second call at the same time costs.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

import theanojax
import theanojax.tensor as T


def main(dev1: str, dev2: str, size: int = 1024 * 4) -> None:
    """Print the seconds of two products of matrices of `size` by `size`: in one call, in two, in two threads."""
    print("%s and %s are the one device that this process computes on" % (dev1, dev2))
    data = np.random.randn(size, size).astype("float32")
    values = [theanojax.shared(data) for _ in range(4)]
    products = [T.dot(values[0], values[1])[0, 0], T.dot(values[2], values[3])[0, 0]]
    both = theanojax.function([], products)
    single = [theanojax.function([], product) for product in products]
    for f in (both, *single):
        f()  # compiles
    measured("one call with two products", [both])
    measured("two calls, one after the other", single)
    measured("two calls, in two threads", single, threads=True)


def measured(what: str, functions: Sequence[Callable[[], object]], threads: bool = False) -> None:
    """Print how long calling all of `functions` takes, each in a thread of its own if `threads`."""
    start = time.perf_counter()
    if threads:
        running = [threading.Thread(target=f) for f in functions]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
    else:
        for f in functions:
            np.asarray(f())
    print("%s: %f s" % (what, time.perf_counter() - start))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("This script requires two device names.")
    main(sys.argv[1], sys.argv[2])
