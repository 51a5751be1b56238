"""`theano.misc.pkl_utils`: saving a model as a zip archive, its arrays beside its pickle.

`dump` writes an archive with a member `pkl`, and every array as a `.npy` member of its own, named after
the shared variable that holds it; `numpy.load` reads those without this package.
"""

from __future__ import annotations

import os
import pickle
import tempfile
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from theanojax.graph.shared import SharedVariable
from theanojax.graph.strip_pickler import StripPickler

__all__ = ["StripPickler", "CompatUnpickler", "dump", "load"]

DEFAULT_PROTOCOL = pickle.DEFAULT_PROTOCOL
Pickler = pickle.Pickler
min_recursion = 3000  # what pickles of deep graphs needed; here they are flat


def load_reduce(self: Any) -> None:
    """The REDUCE of a ``pickle._Unpickler`` `self` that gives texts as bytes to a function that refuses texts."""
    arguments = self.stack.pop()
    function = self.stack[-1]
    try:
        self.stack[-1] = function(*arguments)
    except Exception as error:
        try:
            self.stack[-1] = function(*(a.encode(self.encoding) if isinstance(a, str) else a for a in arguments))
        except Exception:
            raise error from None


class CompatUnpickler(pickle.Unpickler):
    """Reads pickles of Python 2, and what they have of `theano.sandbox.cuda` as tensors."""

    def __init__(self, file: Any, **options: Any):
        super().__init__(file, **{"encoding": "latin1", **options})

    def find_class(self, module: str, name: str) -> Any:
        """The class or function that a pickle names."""
        if module.startswith("theano.sandbox.cuda"):
            from theanojax.legacy import old_gpu_pickles

            return old_gpu_pickles.find(module, name)
        return super().find_class(module, name)


class PersistentNdarrayID:
    """Puts each array into the archive, and gives its member's name as its identity."""

    def __init__(self, zip_file: zipfile.ZipFile):
        self.zip_file = zip_file
        self.count = 0
        self.seen: dict[int, str] = {}
        self.kept: list[Any] = []

    def _name(self, obj: np.ndarray) -> str:
        name = f"array_{self.count}"
        self.count += 1
        return name

    def __call__(self, obj: Any) -> str | None:
        if type(obj) is not np.ndarray or obj.dtype.hasobject:
            return None
        if id(obj) not in self.seen:
            name = self._name(obj)
            # An identity is that of a living object only: keep it.
            self.kept.append(obj)
            self.seen[id(obj)] = f"ndarray.{name}"
            zipadd(lambda file: np.lib.format.write_array(file, obj), self.zip_file, name)
        return self.seen[id(obj)]


class PersistentSharedVariableID(PersistentNdarrayID):
    """The same, with arrays named after the shared variables that hold them."""

    def __init__(self, zip_file: zipfile.ZipFile, allow_unnamed: bool = True, allow_duplicates: bool = True):
        super().__init__(zip_file)
        self.allow_unnamed = allow_unnamed
        self.allow_duplicates = allow_duplicates
        self.name_counter: dict[str, int] = {}
        self.names: dict[int, str] = {}

    def _name(self, obj: np.ndarray) -> str:
        return self.names.get(id(obj)) or super()._name(obj)

    def __call__(self, obj: Any) -> str | None:
        if isinstance(obj, SharedVariable):
            self._note(obj)
        return super().__call__(obj)

    def _note(self, variable: SharedVariable) -> None:
        if variable.name is None:
            if not self.allow_unnamed:
                raise ValueError(f"The shared variable {variable} has no name")
            return
        if variable.name == "pkl":
            raise ValueError("No shared variable may be called `pkl`: that member of the archive is the pickle")
        value = variable.container.storage[0]
        if not isinstance(value, np.ndarray) or id(value) in self.names:
            return
        count = self.name_counter.get(variable.name, 0)
        if count and not self.allow_duplicates:
            raise ValueError(f"There is more than one shared variable called {variable.name}")
        self.name_counter[variable.name] = count + 1
        self.names[id(value)] = f"{variable.name}_{count + 1}" if count else variable.name


class PersistentNdarrayLoad:
    """Finds an array in the archive by its identity."""

    def __init__(self, zip_file: zipfile.ZipFile):
        self.zip_file = zip_file
        self.cache: dict[str, np.ndarray] = {}

    def __call__(self, persid: str) -> np.ndarray:
        kind, _, name = persid.partition(".")
        if kind not in ("ndarray", "gpuarray"):
            raise pickle.UnpicklingError(f"the archive has an object of unknown kind {kind!r}: {name!r}")
        if name not in self.cache:
            with self.zip_file.open(name) as file:
                if kind == "gpuarray":
                    pickle.load(file)  # the name of its context
                self.cache[name] = np.lib.format.read_array(file)
        return self.cache[name]


def zipadd(func: Callable[[Any], None], zip_file: zipfile.ZipFile, name: str) -> None:
    """Add the member `name`, written by `func` to the file that it gets."""
    with tempfile.NamedTemporaryFile("wb", delete=False) as temp_file:
        func(temp_file)
    try:
        zip_file.write(temp_file.name, arcname=name)
    finally:
        os.remove(temp_file.name)


def dump(
    obj: Any,
    file_handler: Any,
    protocol: int = DEFAULT_PROTOCOL,
    persistent_id: Callable[[zipfile.ZipFile], Callable[[Any], Any]] = PersistentSharedVariableID,
) -> None:
    """Write `obj` to a binary file as an archive; `persistent_id` decides what becomes a member of its own."""
    with zipfile.ZipFile(file_handler, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as zip_file:
        identify = persistent_id(zip_file)

        class Pickler(pickle.Pickler):  # from Python 3.13 on, only a class can say this
            def persistent_id(self, obj: Any) -> Any:
                return identify(obj)

        def write(file: Any) -> None:
            Pickler(file, protocol).dump(obj)

        zipadd(write, zip_file, "pkl")


def load(f: Any, persistent_load: Callable[[zipfile.ZipFile], Callable[[str], Any]] = PersistentNdarrayLoad) -> Any:
    """The object in an archive that `dump` wrote; zipfile.BadZipFile, with a hint, for another file."""
    if not zipfile.is_zipfile(f):
        error = zipfile.BadZipFile("File is not a zip file")
        error.add_note("A plain pickle of Python 2 is read by theano.misc.pkl_utils.CompatUnpickler(file).load()")
        raise error
    with zipfile.ZipFile(f, "r") as zip_file, zip_file.open("pkl") as file:
        unpickler = CompatUnpickler(file)
        unpickler.persistent_load = persistent_load(zip_file)
        return unpickler.load()
