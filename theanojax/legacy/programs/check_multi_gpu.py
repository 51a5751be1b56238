"""Whether two matrix products overlap: ``python -m theano.misc.check_multi_gpu DEVICE DEVICE``.

One is on each of the devices. If one of these is not there, both are on the device in use, and what shows is what a
second call at the same time costs.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import theanojax
import theanojax.tensor as T
from theanojax import runtime
from theanojax.legacy.gpuarray import init_dev


def main(dev1: str, dev2: str, size: int = 1024 * 4) -> None:
    """Print the seconds of two products of matrices of `size` by `size`: in one call, in two, in two threads."""
    places: list[dict[str, Any]] = [{}, {}]
    missing = [dev for dev in (dev1, dev2) if not runtime.has_device(dev)]
    if missing:
        print("%s: %s. Both products are on the device in use" % (missing[0], runtime.why_missing(missing[0])))
    else:
        places = [{"target": "ctx1"}, {"target": "ctx2"}]
        init_dev(dev1, "ctx1")
        init_dev(dev2, "ctx2")
    data = np.random.randn(size, size).astype("float32")
    pairs = [[theanojax.shared(data, **place) for _ in range(2)] for place in places]
    products = [T.dot(a, b)[0, 0] for a, b in pairs]
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
