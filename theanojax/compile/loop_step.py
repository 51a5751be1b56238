"""Compiling one step of a loop: what loops, which are below compile, need of it."""

from theanojax.compile import profiling
from theanojax.compile.function import function
from theanojax.compile.graphs import RewrittenAgain
from theanojax.compile.io import In, Out
from theanojax.compile.linkers import CLinker, OpWiseCLinker, PerformLinker, VM_Linker
from theanojax.config import config
from theanojax.graph import above
from theanojax.graph.features import NoOutputFromInplace
from theanojax.loop.profile import profile_printer
from theanojax.runtime.host import HostExecutor


def compiled_step(op):
    """The inner graph of the Scan `op` as a Function of its mode.

    The executors take its rewritten graph; the Function itself is what users find as ``op.fn``.
    """
    fn = function(
        list(op.inputs),
        list(op.outputs),
        mode=op.mode_instance,
        name=op.name,
        profile=_profile(op),
        on_unused_input="ignore",
    )
    if isinstance(fn.maker._finish, RewrittenAgain):
        fn.maker._finish.prepare = lambda maker: _as_preallocated(op, maker)
    return fn


def _as_preallocated(op, maker):
    """What the graph to look at is made of: Theano stored the results of a step straight into the loop's buffers.

    A state of several taps that are read and written is updated in place, so its outputs come last. No other result
    is computed in place of something else.
    """
    inputs, moved = list(maker.inputs), set()
    position, first = op.n_seqs, 0
    for taps, written in zip(op.tap_array[: op.n_mit_mot], op.mit_mot_out_slices):
        for tap in taps:
            if tap in written:
                out = first + list(written).index(tap)
                moved.add(out)
                inputs[position] = In(inputs[position].variable, update=maker.outputs[out].variable)
            position += 1
        first += len(written)
    kept = op.n_mit_mot_outs - len(moved)
    stored = op.n_mit_mot_outs + op.n_mit_sot + op.n_sit_sot + op.n_nit_sot
    outputs = [Out(spec.variable, borrow=i < stored) for i, spec in enumerate(maker.outputs) if i not in moved]
    return inputs, outputs, [NoOutputFromInplace(kept, stored - len(moved))]


def _profile(op):
    if isinstance(op.profile, str) and op.profile:
        name = op.profile
    elif op.profile is True or config.profile or (isinstance(op.profile, int) and op.profile):
        name = op.name
    else:
        return op.profile or None
    if profile_printer not in profiling._printers:
        profiling.register_profiler_printer(profile_printer)
    return profiling.ScanProfileStats(name=name)


def is_watched(op):
    """Whether the mode of the loop wants to see or compare every node, so that its own linker has to run it."""
    linker = op.mode_instance.linker
    if isinstance(linker, VM_Linker):
        return linker.callback is not None or linker.callback_input is not None
    return type(linker) not in (PerformLinker, CLinker, OpWiseCLinker)


above.compiled_step, above.is_watched, above.HostExecutor = compiled_step, is_watched, HostExecutor
