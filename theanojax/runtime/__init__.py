"""From a rewritten graph to numbers. The only package that imports jax, and only when XLA is first needed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from theanojax.first_import import Late, unnoticed
from theanojax.graph import above
from theanojax.graph.signals import undisturbed
from theanojax.runtime.host import HostExecutor

if TYPE_CHECKING:
    from types import ModuleType

    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.runtime.executor import XlaExecutor

above.native = Late("theanojax.runtime.native")  # which few programs need


def make_executor(
    fgraph: FunctionGraph, linker: str = "cvm", update_pairs: Iterable[tuple[int, int]] = ()
) -> HostExecutor | XlaExecutor:
    """A callable that maps the list of input values of `fgraph` to the list of its output values.

    It runs on several devices if ``fgraph.placements`` says so.

    Parameters
    ----------
    fgraph : FunctionGraph
    linker : 'py' walks the graph with numpy; any other name compiles it with XLA.
    update_pairs : (output position, input position) of each shared variable's update. These outputs stay on
        the device.
    """
    if linker in ("py", "host"):
        return HostExecutor(fgraph)
    if fgraph.placements is not None:
        executor: XlaExecutor | None = undisturbed(_import_parallel).executor_for(fgraph, update_pairs)
        if executor is not None:
            return executor
    from theanojax.runtime.executor import XlaExecutor

    return XlaExecutor(fgraph, update_pairs)


def _import_parallel() -> ModuleType:
    with unnoticed():
        from theanojax.runtime.parallel import executor

    return executor


def device_name() -> str:
    """What XLA runs on, as jax names it: "TFRT_CPU_0", "cuda:0" ..."""
    with unnoticed():
        import jax

    return str(jax.devices()[0])
