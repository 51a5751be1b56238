"""What threads do for elementwise Ops: ``python -m theano.misc.elemwise_openmp_speedup``.

Theano's were OpenMP's. Here XLA has a pool of its own, and `openmp` means nothing to it, but to Ops in C: the program
measures with one processor for everything, and with all.
"""

from __future__ import annotations

import os
import subprocess
import sys
from optparse import OptionParser

import theanojax

parser = OptionParser(usage="%prog <options>\nHow much quicker elementwise Ops are with threads.")
parser.add_option(
    "-N", "--N", type="int", default=theanojax.config.openmp_elemwise_minsize, help="length of the vector"
)

# XLA makes as many threads as it may use processors.
_CHILD = (
    "import os, sys; n = int(sys.argv.pop(1))\n"
    "if n and hasattr(os, 'sched_setaffinity'): os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n])\n"
    "from theanojax.legacy.programs import elemwise_time_test; elemwise_time_test.main()"
)


def runScript(N: int, processors: int = 0) -> list[float]:
    """The seconds of the cheap and the costly Op, in a process with so many processors; 0 stands for all."""
    command = [sys.executable, "-c", _CHILD, str(processors), "--script", "-N", str(N)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    found = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return [float(word) for word in found.stdout.split()[-2:]]


def main() -> None:
    """The program."""
    options, _ = parser.parse_args()
    print("Timed with vector of %d elements" % options.N)
    for name, one, many in zip(("Fast", "Slow"), runScript(options.N, 1), runScript(options.N)):
        word, ratio = ("speedup", one / many) if one > many else ("slowdown", many / one)
        print("%s op time on one processor %fs on all %fs %s %2.2f" % (name, one, many, word, ratio))


if __name__ == "__main__":
    main()
