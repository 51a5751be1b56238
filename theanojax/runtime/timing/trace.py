"""A trace of all that happens for TensorBoard and Perfetto, with the names of nodes."""

from __future__ import annotations

import glob
import gzip
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import jax

from theanojax.runtime.policy import forked
from theanojax.runtime.timing import events, named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from theanojax.runtime.timing.named import Modules

    Folder = str | os.PathLike[str]


@contextmanager
def trace(folder: Folder) -> Iterator[None]:
    """jax's profiler, on while the context lasts. Functions that are called in it are compiled anew, with names."""
    os.makedirs(folder, exist_ok=True)  # where nothing can be written jax would fail at the end, and stay on
    there = set(_files(folder))
    with named.naming() as modules:
        for executor in list(forked.executors):
            executor.plan_anew()
        with events.alone(), jax.profiler.trace(str(folder)):
            yield
    for path in set(_files(folder)) - there:
        _put_names(path, modules)


def _files(folder: Folder) -> list[str]:
    return glob.glob(os.path.join(str(folder), "**", "*.trace.json.gz"), recursive=True)


def _put_names(path: str, modules: Modules) -> None:
    """Call the events of instructions by the nodes that they are of, in a file for Perfetto."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        found = json.load(file)
    for event in found.get("traceEvents", ()):
        details = event.get("args", {})
        owners = modules.get(details.get("hlo_module"))
        paths = () if owners is None else owners.paths.get(details.get("hlo_op"), ())
        if paths:
            event["name"] = ", ".join(sorted("/".join(map(str, path)) for path in paths))
    with gzip.open(path, "wt", encoding="utf-8") as file:
        json.dump(found, file)
