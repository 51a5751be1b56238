"""Profiles: where time and memory of functions went, per function, class, Op and Apply node.

``f = function(..., profile=True)`` and ``f.profile.summary()`` show them; ``trace`` records all for TensorBoard.
"""

from contextlib import contextmanager

from theanojax.printing import progress
from theanojax.profile.stats import ProfileStats as ProfileStats, ScanProfileStats as ScanProfileStats


def trace(folder):
    """A context whose calls are recorded in `folder` by jax's profiler, for TensorBoard and Perfetto.

    XLA's instructions have the names of the Apply nodes that they compute. For this, functions are compiled anew when
    they are called there first. RuntimeError if jax's profiler is on already.
    """
    from theanojax.runtime.timing.trace import trace

    return trace(folder)


@contextmanager
def scan_progress(watcher):
    """A context in which ``watcher(name, done, total)`` is called after about each hundredth of the steps of a scan.

    `name` is that of the loop; with `until`, `total` is the most that there can be. Only the outermost of nested loops
    tells. Loops in XLA tell in whatever thread XLA runs them. Functions are compiled for it when they are called there
    first, and anew afterwards. What `watcher` raises is logged. The flag ``config.scan_progress`` shows a line instead.
    """
    from theanojax.runtime.policy import forked

    progress.watchers.append(watcher)
    try:
        for executor in list(forked.executors):
            executor.begin_anew()
        yield
    finally:
        progress.watchers.remove(watcher)
        for executor in list(forked.executors):
            if executor.tells:
                executor.begin_anew()
