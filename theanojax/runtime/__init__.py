"""From a rewritten graph to numbers. The only package that imports jax, and only when XLA is first needed."""

import functools

from theanojax.first_import import unnoticed
from theanojax.graph.signals import undisturbed
from theanojax.runtime.host import HostExecutor


def make_executor(fgraph, linker="cvm", update_pairs=()):
    """A callable that maps the list of input values of `fgraph` to the list of its output values.

    Parameters
    ----------
    fgraph : FunctionGraph
    linker : 'py' walks the graph with numpy; any other name compiles it with XLA.
    update_pairs : (output position, input position) of each shared variable's update. These outputs stay on
        the device.
    """
    if linker in ("py", "host"):
        return HostExecutor(fgraph)
    return _executor().XlaExecutor(fgraph, update_pairs)


@functools.cache
def _executor():
    return undisturbed(_import)  # a jax that is imported by half is of no use for the rest of the process


def _import():
    with unnoticed():
        from theanojax.runtime import executor

    return executor


def device_name():
    """What XLA runs on, as jax names it: "TFRT_CPU_0", "cuda:0" ..."""
    with unnoticed():
        import jax

    return str(jax.devices()[0])
