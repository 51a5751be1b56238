"""Devices by the names that flags have for them, and the contexts that programs call them by. Nothing here asks jax.

`contexts` holds what `theano.gpuarray` calls the GPU contexts of this process: the name None is that of the device that
`config.device` or `config.init_gpu_device` names, the others are those of `config.contexts`. It is filled when theano
is imported, by `theanojax.runtime.start_devices`. For a device that is not there, there is no context of the name None;
other names then stand for the device in use.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ACCELERATORS = ("cuda", "opencl", "tpu")
OLD_KIND = "gpu"  # what cuda was called until Theano 0.9


@dataclass(frozen=True)
class Context:
    """A device that graphs can name.

    Attributes
    ----------
    dev : its name in flags: "cuda0", or "cpu" where another had to take its place.
    devname : the maker's name for it.
    """

    dev: str
    devname: str = ""

    @property
    def kind(self) -> str:
        return kind_of(self.dev)


class ContextNotDefined(ValueError):
    """There is no GPU context of that name. See docs/errors.md#contextnotdefined."""


contexts: dict[str | None, Context] = {}
_of_pickles: dict[str | None, Context] = {}  # names that are not asked for when it matters whether there is a GPU
jax_default: list[
    Callable[[], str]
] = []  # what finds the name of the device that jax uses by default; runtime/ sets it


def get_context(name: str | None) -> Context:
    """The context called `name`; ContextNotDefined if there is none."""
    if name not in contexts and name not in _of_pickles:
        raise ContextNotDefined(f"context name {name} not defined")
    return contexts.get(name) or _of_pickles[name]


def stand_in(name: str | None) -> None:
    """Let `name`, of a context where something was pickled, be that of the device in use if it is not here."""
    _of_pickles.setdefault(name, Context("cpu"))


def reg_context(name: str | None, ctx: Context) -> None:
    """Give the context `ctx` the name `name`; ValueError if another has it, TypeError if `ctx` is no Context."""
    if name in contexts:
        raise ValueError(f"context name {name} is already defined")
    if not isinstance(ctx, Context):
        raise TypeError("context is not GpuContext")
    contexts[name] = ctx


def today(name: str) -> str:
    """`name`, with cuda for gpu: "cuda1" for "gpu1"."""
    return re.sub(r"^gpu(?=\d*$)", "cuda", name)


def kind_of(name: str) -> str:
    """ "cuda" for "cuda1"."""
    return re.split(r"[\d:]", name, maxsplit=1)[0]


def number_of(name: str) -> int:
    """1 for "cuda1" and for "cuda:1", as jax has it; 0 for "cuda"."""
    found = re.search(r"\d+", name)
    return int(found.group()) if found else 0


def pairs(text: str) -> list[tuple[str, str]]:
    """The names and devices of the flag `contexts`, "name->device;name->device"."""
    found = [entry.partition("->") for entry in text.split(";") if entry]
    return [(name.strip(), today(device.strip())) for name, _, device in found]


def program_stacklevel() -> int:
    """The `stacklevel` by which our caller's warning names the program's line, most often that of ``import theano``."""
    ours, level = ("theanojax", "theano", "importlib"), 1
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in ours:
        frame = frame.f_back
        level += not str(frame.f_globals.get("__name__")).startswith("importlib")  # warnings do not count these
    return level
