"""How long values take to the device and back: ``python -m theano.misc.latence_gpu_transfert``."""

from __future__ import annotations

import time

import numpy as np

import theanojax
import theanojax.tensor as T

y = T.fvector()
x = theanojax.shared(np.zeros(1, dtype="float32"))
f1 = theanojax.function([y], updates={x: y})
f2 = theanojax.function([], x.transfer("cpu"))


def main(largest: int = 10**7) -> None:
    """Print lengths of vectors, and the microseconds that giving one to a shared variable and asking for it take."""
    print(f1.maker.fgraph.toposort())
    print(f2.maker.fgraph.toposort())
    n = 1
    while n <= largest:
        value, times = np.zeros(n, dtype="float32"), [time.perf_counter()]
        for call, arguments in ((f1, [value]), (f2, [])):
            np.asarray(call(*arguments))
            times.append(time.perf_counter())
        print("%8i %8.1f us %8.1f us" % (n, (times[1] - times[0]) * 1e6, (times[2] - times[1]) * 1e6))
        n *= 10


if __name__ == "__main__":
    main()
