"""Which of jax's devices functions run on: what programs are compiled for and where arrays are put.

Where nothing names a device, or only the one that jax uses by default, jax itself decides, and nothing here costs
anything. Any other is named in each program and each copy: no setting of jax is changed, which is the user's.
"""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
from jax.sharding import SingleDeviceSharding

from theanojax.config import config
from theanojax.configparser import flag_named
from theanojax.devices import Context, contexts, kind_of, number_of, pairs, program_stacklevel, today
from theanojax.runtime.xla import cores

INSTALL = {
    "cuda": "for NVIDIA's GPUs: pip install 'jax[cuda13]' ('jax[cuda12]' with a driver before 580)",
    "tpu": "for TPUs: pip install 'jax[tpu]'",
    "opencl": "XLA has none for OpenCL",
}
MOST = 0.95  # of the memory of a GPU that can be taken at start


# ---------------------------------------------------------------- what there is
def of_kind(kind: str) -> Sequence[jax.Device]:
    """The devices of this process that flags call `kind`: "cpu", "cuda", "tpu"."""
    try:
        cores.start()
        if config.pretend_device:
            cpus: list[jax.Device] = jax.local_devices(backend="cpu")
            return {"cpu": cpus[:1], "cuda": cpus[1:]}.get(kind, [])
        found: list[jax.Device] = jax.local_devices(backend=kind)
        return found
    except RuntimeError:  # there is no such back end
        return []


def backend_of(device: jax.Device) -> str:
    """What `device` is, as jax calls it: "cpu", "gpu", "tpu"."""
    if config.pretend_device and device in of_kind("cuda"):
        return "gpu"
    name: str = device.platform
    return name


def name_of(device: jax.Device) -> str:
    """`device` as flags call it: "cpu", "cuda0"."""
    backend = backend_of(device)
    if backend == "cpu":
        return backend
    kind = "cuda" if backend == "gpu" else backend
    return "%s%d" % (kind, list(of_kind(kind)).index(device))


def find(name: str) -> jax.Device | None:
    """The device that flags call `name`; None if there is none."""
    there, number = of_kind(kind_of(name)), number_of(name)
    return there[number] if number < len(there) else None


def by_default() -> jax.Device:
    """The device that jax uses where nobody names one."""
    cores.start()
    chosen = jax.config.jax_default_device
    return chosen if isinstance(chosen, jax.Device) else jax.local_devices()[0]


@functools.cache
def there_are_several() -> bool:
    """Whether jax knows more than one device, over which values may lie; they may be those of other processes."""
    cores.start()
    several: bool = jax.device_count() > 1
    return several


# ---------------------------------------------------------------- what is in use
_several: list[
    str
] = []  # why arrays may lie elsewhere than on the device in use, so that each program has to name its own


@functools.cache
def in_use() -> jax.Device | None:
    """The device that functions run on; None where it is the one that jax uses by default, and the only one."""
    device = None if flag_named("device").is_default else find(config.device)
    if device is None or device == by_default():
        return by_default() if _several else None
    return device


def current() -> jax.Device:
    """The device that functions run on."""
    return in_use() or by_default()


def in_use_or_all() -> Sequence[jax.Device]:
    """The device that was named; where none was, all that jax has."""
    device = in_use()
    return jax.devices() if device is None else [device]


def of_context(name: str | None) -> jax.Device | None:
    """The device of what the context `name` computes; None as by `in_use`."""
    return in_use() if name is None else find(contexts[name].dev)


def put(value: Any, device: jax.Device | None = None, **options: Any) -> jax.Array:
    """`value` on `device`, or on the one in use."""
    with jax.enable_x64(True):  # its dtype stays, whatever context the caller is in
        array: jax.Array = jax.device_put(value, device or in_use(), **options)
    return array


def runs_twice() -> bool:
    """Whether jax has been asked to look for nans: it runs what gives some once more, and raises an error."""
    return bool(jax.config.jax_debug_nans or jax.config.jax_debug_infs)


def jit(
    function: Callable[..., Any],
    donated: Sequence[int] = (),
    device: jax.Device | None = None,
    compiler_options: dict[str, Any] | None = None,
) -> jax.stages.Wrapped:
    """jax's jit for `device`, or for the one in use."""
    device = device or in_use()
    options: dict[str, Any] = {}
    if device is not None:
        options["in_shardings"] = options["out_shardings"] = SingleDeviceSharding(device)
    if config.deterministic == "more":
        # which other back ends do not look at
        compiler_options = {**(compiler_options or {}), "xla_gpu_deterministic_ops": True}
    if compiler_options:
        options["compiler_options"] = compiler_options
    return jax.jit(function, donate_argnums=donated, **options)


def traceable(jitted: Any) -> Callable[..., Any]:
    """What `jit` has made, in a form that can be traced inside of something else."""
    function: Callable[..., Any] = jitted.__wrapped__ if config.deterministic == "more" else jitted
    return function


# ---------------------------------------------------------------- as programs are started
def start() -> None:
    """Find the devices that flags name, and say so; what is not there is said once.

    Raises
    ------
    EnvironmentError : `device` is not there, and config.force_device is set.
    """
    with _taking_memory():
        wanted = config.device
        _several.extend(name for name, _ in pairs(config.contexts))
        if kind_of(wanted) != "cpu":
            _use(wanted, force=config.force_device)
        elif config.init_gpu_device:
            _give_context(None, config.init_gpu_device)
        for name, device in pairs(config.contexts):
            _give_context(name, device)


def use(name: str, force: bool = False) -> bool:
    """Have functions that are compiled from now on run on the device `name`; False, with a warning, if it is not there.

    Raises
    ------
    EnvironmentError : it is not there, and `force` is set.
    """
    found = _use(today(name), force)
    if found:
        _several.append(name)
        in_use.cache_clear()
    return found


def init(name: str, context: str | None) -> None:
    """Give the device `name`, which is there, the context `context`; functions run where they did."""
    _several.append(name)
    in_use.cache_clear()
    _give_context(context, today(name))


def _use(name: str, force: bool) -> bool:
    flag: Any = flag_named("device")  # a DeviceParam
    if find(name) is None:
        if force:
            raise OSError(
                "You forced the use of gpu device %s, but %s initialization failed with error:\n%s"
                % (name, kind_of(name).upper(), why_missing(name))
            )
        flag.settle(kind_of(name_of(by_default())))
        flag.is_default = True
        warnings.warn(
            "device=%s: %s. Functions run on %s instead" % (name, why_missing(name), describe(by_default())),
            stacklevel=program_stacklevel(),
        )
        in_use.cache_clear()
        return False
    flag.settle(name)
    flag.is_default = False
    in_use.cache_clear()
    contexts.pop(None, None)
    if kind_of(name) != "cpu":
        _give_context(None, name)
    return True


def _give_context(name: str | None, wanted: str) -> None:
    device = find(wanted)
    if device is None:
        if config.force_device:
            raise OSError("You forced the use of gpu device %s, but %s" % (wanted, why_missing(wanted)))
        instead = current()
        if name is not None:
            contexts[name] = Context(name_of(instead), instead.device_kind)
        which = "init_gpu_device=%s" % wanted if name is None else "contexts=%s->%s" % (name, wanted)
        warnings.warn(
            "%s: %s. %s is used instead" % (which, why_missing(wanted), describe(instead)),
            stacklevel=program_stacklevel(),
        )
        return
    contexts[name] = Context(wanted, device.device_kind)
    if config.print_active_device:
        print("Mapped name %s to device %s: %s" % (name, wanted, device.device_kind), file=sys.stderr)


def why_missing(name: str) -> str:
    """Why there is no device `name`, and what would bring it."""
    kind = kind_of(name)
    there = of_kind(kind)
    if there:
        return "jax has %d of %s here, which count from 0" % (len(there), kind)
    hidden = os.environ.get("JAX_PLATFORMS", "")
    if hidden and kind not in hidden:
        return "JAX_PLATFORMS=%s hides it from jax" % hidden
    return "jax finds no such device (%s)" % INSTALL.get(kind, "there is no such kind")


def describe(device: jax.Device) -> str:
    """The name of a device, and its maker's."""
    name = name_of(device)
    return name if device.device_kind == name else "%s (%s)" % (name, device.device_kind)


@contextmanager
def _taking_memory() -> Iterator[None]:
    """What `gpuarray.preallocate` says, in variables that XLA reads when it starts a GPU, unless the user set them."""
    flag = flag_named("gpuarray.preallocate")
    given = {} if flag.is_default else _memory_variables(config.gpuarray.preallocate)
    given = {name: value for name, value in given.items() if name not in os.environ}
    os.environ.update(given)
    try:
        if given:
            jax.local_devices()  # XLA reads them here
        yield
    finally:
        for name in given:
            os.environ.pop(name, None)


def _memory_variables(amount: float) -> dict[str, str]:
    if amount < 0:
        return {"XLA_PYTHON_CLIENT_ALLOCATOR": "platform"}
    if amount == 0:
        return {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    fraction = min(amount, MOST) if amount <= 1 else _fraction(amount)
    return {"XLA_PYTHON_CLIENT_PREALLOCATE": "true", "XLA_PYTHON_CLIENT_MEM_FRACTION": "%.4f" % fraction}


def _fraction(megabytes: float) -> float:
    """The part of the first GPU's memory that `megabytes` are; XLA is told nothing else."""
    import subprocess

    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        total = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0])
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        warnings.warn("gpuarray.preallocate=%g: nvidia-smi does not say how much memory there is" % megabytes)
        return MOST / 2
    return min(megabytes / total, MOST)
