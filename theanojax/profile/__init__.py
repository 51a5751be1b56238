"""Profiles: where time and memory of functions went, per function, class, Op and Apply node.

``f = function(..., profile=True)`` and ``f.profile.summary()`` show them; ``trace`` records all for TensorBoard.
"""

from theanojax.profile.stats import ProfileStats as ProfileStats, ScanProfileStats as ScanProfileStats


def trace(folder):
    """A context whose calls are recorded in `folder` by jax's profiler, for TensorBoard and Perfetto.

    XLA's instructions have the names of the Apply nodes that they compute. For this, functions are compiled anew when
    they are called there first. RuntimeError if jax's profiler is on already.
    """
    from theanojax.runtime.timing.trace import trace

    return trace(folder)
