"""From a rewritten graph to numbers. The only package that imports jax, and only when XLA is first needed."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING

from theanojax import devices
from theanojax.config import config
from theanojax.configparser import flag_named
from theanojax.first_import import Late
from theanojax.graph import above
from theanojax.runtime import imports
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
    keeps = config.xla_keep_subnormals if fgraph.keeps_subnormals is None else fgraph.keeps_subnormals
    if linker in ("py", "host") or keeps and _flushes_subnormals():
        return HostExecutor(fgraph)
    if fgraph.placements is not None:
        executor: XlaExecutor | None = _parallel().executor_for(fgraph, update_pairs)
        if executor is not None:
            return executor
    from theanojax.runtime.executor import XlaExecutor

    executor = XlaExecutor(fgraph, update_pairs)
    if config.assert_no_cpu_op != "ignore":
        _ = executor.plan  # which is told, or refused, while the flag says so
    return executor


def _flushes_subnormals() -> bool:
    """Whether XLA takes numbers too small for full precision for zero, on the device in use."""
    from theanojax.runtime.xla import platform

    return bool(platform.flushes_subnormals)


@functools.cache
def _parallel() -> ModuleType:
    def load() -> ModuleType:
        from theanojax.runtime.parallel import executor

        return executor

    return imports.whole(load)


def device_name() -> str:
    """What XLA runs on, as jax names it: "TFRT_CPU_0", "cuda:0" ..."""
    return str(_devices().current())


@functools.cache
def _devices() -> ModuleType:
    def load() -> ModuleType:
        from theanojax.runtime.xla import devices

        return devices

    return imports.whole(load)


def start_devices() -> None:
    """Have jax find the devices that flags name, if they name any but the CPU; see `theanojax.runtime.xla.devices`."""
    named = config.init_gpu_device or config.contexts or not flag_named("gpuarray.preallocate").is_default
    device = flag_named("device")
    if named or not device.is_default and config.device != "cpu":
        _devices().start()
    if config.dnn.enabled in ("True", "no_check"):  # what needs a GPU in Theano is to run on what there is
        devices.contexts.setdefault(None, devices.Context(config.device))


def has_device(name: str) -> bool:
    """Whether jax has the device that flags call `name`."""
    return _devices().find(devices.today(name)) is not None


def why_missing(name: str) -> str:
    """Why jax has no device that flags call `name`, and what would bring it."""
    why: str = _devices().why_missing(devices.today(name))
    return why


def use_device(name: str, force: bool = False) -> bool:
    """Have functions compiled from now on run on the device `name`: whether it is there; EnvironmentError if forced."""
    found: bool = _devices().use(name, force)
    _ask_platform_again()
    return found


def init_device(name: str, context: str | None) -> None:
    """Give the device `name`, which is there, the context `context`, by which graphs name it."""
    _devices().init(name, context)
    _ask_platform_again()


def _ask_platform_again() -> None:
    from theanojax.runtime.xla import platform

    platform.forget()


def _jax_default() -> str:
    there = _devices()
    return devices.kind_of(there.name_of(there.by_default()))


devices.jax_default.append(_jax_default)
