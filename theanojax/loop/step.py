"""Compiling one step of a loop."""

from theanojax.config import config
from theanojax.loop.profile import profile_printer


def compiled_step(op):
    """The inner graph of the Scan `op` as a Function of its mode.

    The executors take its rewritten graph; the Function itself is what users find as ``op.fn``.
    """
    from theanojax.compile.function import function

    return function(list(op.inputs), list(op.outputs), mode=op.mode_instance, name=op.name, profile=_profile(op),
                    on_unused_input="ignore")


def _profile(op):
    if isinstance(op.profile, str) and op.profile:
        name = op.profile
    elif op.profile is True or config.profile or (isinstance(op.profile, int) and op.profile):
        name = op.name
    else:
        return op.profile or None
    from theanojax.compile import profiling

    if profile_printer not in profiling._printers:
        profiling.register_profiler_printer(profile_printer)
    return profiling.ScanProfileStats(name=name)


def is_watched(op):
    """Whether the mode of the loop wants to see or compare every node, so that its own linker has to run it."""
    from theanojax.compile.linkers import CLinker, OpWiseCLinker, PerformLinker, VM_Linker

    linker = op.mode_instance.linker
    if isinstance(linker, VM_Linker):
        return linker.callback is not None or linker.callback_input is not None
    return type(linker) not in (PerformLinker, CLinker, OpWiseCLinker)
