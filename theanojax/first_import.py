"""Importing what the user didn't ask for, in mid-script, without traces in the state of the process.

jax draws numbers from numpy's global stream when it is imported, jax and scipy put entries in front of the user's
warnings filters, and jax sets environment variables. A program must not train on other numbers for it.
"""

from __future__ import annotations

import builtins
import os
import sys
import types
import warnings
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from typing import Any
else:
    Loader = object  # importing importlib.abc takes a while


# The module of jax that draws (for the waits between attempts to reach a server).
DRAWS = "jax._src.clusters.k8s_cluster"
# Nothing reads these once jax is imported, but for the plugin of a TPU.
VARIABLES = ("TF_CPP_MIN_LOG_LEVEL", "TPU_SKIP_MDS_QUERY")
LIBRARIES = ("jax", "jaxlib", "scipy", "numpy", "ml_dtypes", "opt_einsum")


@contextmanager
def unnoticed() -> Iterator[None]:
    """The imports of the body leave random numbers, warnings filters and environment as they are.

    Other threads can go on drawing, filtering and setting: nothing of theirs is undone.
    """
    filters, environment = list(warnings.filters), set(os.environ)
    sys.meta_path.insert(0, _PrivateDraws)
    try:
        yield
    finally:
        sys.meta_path.remove(_PrivateDraws)
        for entry in list(warnings.filters):
            if entry not in filters and _of_a_library(entry):
                warnings.filters.remove(entry)  # type: ignore[attr-defined]  # the stubs have it as a Sequence
        if find_spec("libtpu") is None:
            for name in VARIABLES:
                if name not in environment:
                    os.environ.pop(name, None)


class Late:
    """A module that is imported, unnoticed, when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # doctest and inspect ask any object for such names
            raise AttributeError(name)
        with unnoticed():
            value = getattr(import_module(self._name), name)
        setattr(self, name, value)  # the next look-up costs nothing
        return value


def _of_a_library(entry: Any) -> bool:
    """Whether a library put this entry in `warnings.filters` for itself."""
    _action, message, category, _module, _line = entry
    about_matrix = message is not None and "the matrix subclass" in message.pattern  # scipy.sparse
    return about_matrix or category.__module__.split(".")[0] in LIBRARIES


class _PrivateDraws:
    """Finds the module that draws, and gives it a numpy whose `random` is of its own.

    Setting the stream back afterwards would undo what another thread has drawn meanwhile.
    """

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == DRAWS else None
        if spec is not None and spec.loader is not None:
            spec.loader = _WithPrivateNumpy(spec.loader)
        return spec


class _WithPrivateNumpy(Loader):
    """Loads a module in which `import numpy` is numpy with its own random stream."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> types.ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        private = types.ModuleType("numpy")
        vars(private).update(__getattr__=lambda name: getattr(np, name), random=np.random.RandomState())

        def import_(name: str, *args: Any, **kwargs: Any) -> Any:
            return private if name == "numpy" else builtins.__import__(name, *args, **kwargs)

        # The interpreter asks a module's own builtins what `import` means.
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": import_}
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        self.loader.exec_module(module)
