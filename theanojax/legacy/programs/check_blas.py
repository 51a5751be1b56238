"""How long matrix products take: ``python -m theano.misc.check_blas``; `-h` lists the options."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import time
from optparse import OptionParser
from typing import Any

import numpy as np

import theanojax
import theanojax.tensor as T


def execute(
    execute: bool = True,
    verbose: bool = True,
    M: int = 2000,
    N: int = 2000,
    K: int = 2000,
    iters: int = 10,
    order: str = "C",
) -> tuple[float, str]:
    """(seconds, what computes it) of `iters` times ``c = 0.4 c + 0.8 dot(a, b)``, of sizes (M, N) and (N, K).

    Without `execute` nothing is measured, and the seconds are -1. `order`, C or F, is how the matrices lie in memory.
    With `verbose` what may matter is printed.
    """
    if verbose:
        report()
    ones: Any = np.ones
    a, b, c = (theanojax.shared(ones(s, theanojax.config.floatX, order)) for s in ((M, N), (N, K), (M, K)))
    f = theanojax.function([], updates=[(c, T.mul(0.4, c) + 0.8 * T.dot(a, b))])
    f()  # compiles
    wait(c)
    start = time.perf_counter()
    if not execute:
        return -1.0, where(f)
    for _ in range(iters):
        f()
    wait(c)
    return time.perf_counter() - start, where(f)


def wait(c: Any) -> None:
    """Until the value of a shared variable is there."""
    float(np.asarray(c.get_value(borrow=True, return_internal_type=True)).ravel()[0])


def where(f: Any) -> str:
    """What computes the matrix product of a function."""
    plan = str(f.fn.plan).splitlines()
    return plan[0] if plan else "nothing to compute"


def report() -> None:
    """Print flags, versions and variables that decide how fast it is."""
    config = theanojax.config
    rows = {
        "Some Theano flags": {
            name: getattr(config, name) for name in ("floatX", "device", "compiledir", "optimizer", "linker")
        },
        "Some OS information": {
            "sys.platform": sys.platform,
            "sys.version": sys.version.replace("\n", " "),
            "sys.prefix": sys.prefix,
            "processors": os.cpu_count(),
            "machine": platform.machine(),
        },
        "Some environment variables": {
            name: os.getenv(name) for name in ("XLA_FLAGS", "JAX_PLATFORMS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        },
        "Versions": {
            "theanojax": importlib.metadata.version("theanojax"),
            "jaxlib, whose XLA computes matrix products": importlib.metadata.version("jaxlib"),
            "numpy, for what runs on the host": np.__version__,
        },
    }
    for title, values in rows.items():
        print("%s:" % title)
        for name, value in values.items():
            print("    %s= %s" % (name, value))
    print()


def jobman_job(state: Any, channel: Any) -> Any:
    """A job of jobman's."""
    execute()
    return channel.COMPLETE


def test() -> tuple[float, str]:
    """The same with the usual sizes."""
    return execute()


parser = OptionParser(usage="%prog <options>\nHow long gemm takes for matrices of sizes (M, N) and (N, K).")
parser.add_option("-q", "--quiet", action="store_true", default=False, help="print nothing but the seconds")
parser.add_option("--print_only", action="store_true", default=False, help="measure nothing")
for _size in "MNK":
    parser.add_option("-" + _size, "--" + _size, type="int", default=0, help="a size; that of -B without it")
parser.add_option("--iter", type="int", default=10, help="how many times")
parser.add_option("--order", default="C", help="C or F: how the matrices lie in memory")
parser.add_option("-B", "--B", type="int", default=5000, help="M, N and K where they are not given")


def main() -> None:
    """The program."""
    options, _ = parser.parse_args()
    M, N, K = (getattr(options, size) or options.B for size in "MNK")
    seconds, what = execute(not options.print_only, not options.quiet, M, N, K, options.iter, options.order)
    if options.quiet:
        print(seconds)
    elif not options.print_only:
        print(
            "We executed %d calls to gemm with a and b matrices of shapes (%d, %d) and (%d, %d)."
            % (options.iter, M, N, N, K)
        )
        flops = 2.0 * M * N * K * options.iter
        print("\nTotal execution time: %.2fs on %s.\nThat is %.1f GFlop/s.\n" % (seconds, what, flops / seconds / 1e9))
        print("Run it a few times; the first is often slower.")


if __name__ == "__main__":
    main()
