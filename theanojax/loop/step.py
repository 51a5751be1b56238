"""Compiling one step of a loop."""


def compiled_step(op):
    """The inner graph of the Scan `op` as a Function of its mode.

    The executors take its rewritten graph; the Function itself is what users find as ``op.fn``.
    """
    from theanojax.compile.function import function

    return function(list(op.inputs), list(op.outputs), mode=op.mode_instance, name=op.name, profile=_profile(op),
                    on_unused_input="ignore")


def _profile(op):
    from theanojax.config import config

    if isinstance(op.profile, str) and op.profile:
        name = op.profile
    elif op.profile is True or config.profile or (isinstance(op.profile, int) and op.profile):
        name = op.name
    else:
        return op.profile or None
    from theanojax.compile.profiling import ScanProfileStats

    return ScanProfileStats(name=name)
