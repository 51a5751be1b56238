"""Checkpoints: the values of shared variables on disk, written once however many processes there are."""

from __future__ import annotations

import json
import os
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.graph.cells import on_device, raw
from theanojax.graph.shared import SharedVariable
from theanojax.runtime.parallel import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Path = str | os.PathLike[str]


def save(path: Path, of: Iterable[Any], extra: Mapping[str, Any] | None = None, orbax: bool = False) -> None:
    """Write the values of shared variables to the file `path`, in one step: there is the old file or the new one.

    Parameters
    ----------
    path : its name; numpy's .npz is its form whatever the name.
    of : list of functions, whose shared variables are meant, random states included, and of shared variables; or one.
    extra : what json can say, to be given back by `restore`: the number of the epoch, say. Numbers and arrays of numpy
        come back as numbers and lists.
    orbax : `path` is a new folder in the form of orbax-checkpoint, where each process writes its parts of arrays that
        are split over devices. For those that are too large for one machine; it has to be installed.

    All processes have to call it; the first one writes, and all go on when the file is there. TypeError for a value
    that is neither an array nor a numpy RandomState, or an `extra` that json cannot say; OSError, or orbax's
    ValueError, where nothing can be written.
    """
    variables, path = _variables(_listed(of)), os.fspath(path)
    arrays = {"extra": _text(dict(extra or {}))}
    for name, variable in variables.items():
        arrays.update(_arrays(name, _value_of(variable, orbax)))
    if orbax:
        from theanojax.runtime.parallel import orbax_files

        orbax_files.write(path, arrays)
        return
    error = None
    if processes.process_index() == 0:
        try:
            _write(path, arrays)
        except OSError as problem:  # the others must not wait for a file that never comes
            error = problem
    if processes.process_count() > 1:
        said = processes.exchange("writing a checkpoint", str(error or ""))
        if said[0] and error is None:
            raise OSError("process 0 could not write the checkpoint: %s" % said[0])
    if error is not None:
        raise error


def restore(path: Path, of: Iterable[Any]) -> dict[str, Any] | None:
    """Give shared variables the values that `save` has written to `path`; what was its `extra`.

    `of` is as it was there: functions and shared variables, as many in the same order. None if there is nothing.
    Each process reads. ValueError if `save` has not written it, or it has other variables or arrays of other shapes.
    """
    of, path = _listed(of), os.fspath(path)
    variables, there = _variables(of), os.path.exists(path)
    if processes.process_count() > 1:
        processes.agree("whether there is a checkpoint %s" % path, str(there))
    if not there:
        return None
    kept = _from_orbax(path, of, variables) if os.path.isdir(path) else _from_numpy(path)
    if "extra" not in kept:
        raise ValueError("%s is no checkpoint that theanojax.parallel.save has written" % path)
    names = [name for name in kept if name != "extra"]
    wanted = [key for name, v in variables.items() for key in _keys(name, raw(v.container.storage, 0))]
    if set(names) != set(wanted):
        raise ValueError("the checkpoint %s has the variables %s, and not %s" % (path, names, wanted))
    stores = [_store(name, variable, kept) for name, variable in variables.items()]
    for store in stores:
        store()
    extra: dict[str, Any] = json.loads(kept["extra"].tobytes())
    return extra


# ---------------------------------------------------------------- names
def _listed(of: Any) -> list[Any]:
    return [of] if isinstance(of, SharedVariable) or hasattr(of, "get_shared") else list(of)


def _variables(of: Iterable[Any]) -> dict[str, SharedVariable]:
    """Names, the same in all processes, and shared variables, each once."""
    found: dict[SharedVariable, None] = {}
    for thing in of:
        found.update(dict.fromkeys(thing.get_shared() if hasattr(thing, "get_shared") else [thing]))
    for variable in found:
        if not isinstance(variable, SharedVariable):
            raise TypeError("a checkpoint is of functions and shared variables, not of %r" % (variable,))
    return {"%d %s" % (i, variable.name or ""): variable for i, variable in enumerate(found)}


def _keys(name: str, value: Any) -> list[str]:
    """The names on disk of the arrays that stand for `value`."""
    return [name + " state keys", name + " state numbers"] if isinstance(value, np.random.RandomState) else [name]


# ---------------------------------------------------------------- values
def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError("extra is a dict of numbers, texts, and lists and dicts of them: %r" % (value,))


def _text(value: Any) -> np.ndarray:
    return np.frombuffer(json.dumps(value, default=_plain).encode(), np.uint8)


def _value_of(variable: SharedVariable, parts: bool) -> Any:
    """The value of a variable: numpy's, or with `parts` as it lies where it is split."""
    if parts:
        from theanojax.runtime.parallel import orbax_files

        value = raw(variable.container.storage, 0)
        if orbax_files.is_split(value):
            return value
    return variable.get_value()


def _arrays(name: str, value: Any) -> dict[str, Any]:
    """The arrays that stand for `value` on disk."""
    if isinstance(value, np.random.RandomState):
        kind, keys, *numbers = value.get_state()
        return dict(zip(_keys(name, value), (keys, _text([kind, *numbers]))))
    if not _is_array(value):
        raise TypeError("%s is a %s, which a checkpoint cannot have" % (name, type(value).__name__))
    return {name: np.asarray(value) if np.isscalar(value) else value}


def _is_array(value: Any) -> bool:
    """Whether numpy can write `value` without pickle, which sparse matrices would need."""
    return (isinstance(value, (np.ndarray, np.generic)) or on_device(value)) and value.dtype != object


def _store(name: str, variable: SharedVariable, kept: Mapping[str, Any]) -> Callable[[], None]:
    """What gives `variable` its value on disk."""
    now = raw(variable.container.storage, 0)
    if isinstance(now, np.random.RandomState):
        keys, text = (kept[key] for key in _keys(name, now))
        kind, *numbers = json.loads(text.tobytes())
        value = np.random.RandomState()
        value.set_state((kind, keys, *numbers))
    else:
        value = kept[name]
        if not _is_array(now) or value.shape != np.shape(now) or value.dtype != now.dtype:
            its = "%s %s" % (now.dtype, np.shape(now)) if _is_array(now) else "a " + type(now).__name__
            raise ValueError(
                "the checkpoint has %s %s for the variable %s, which is %s" % (value.dtype, value.shape, name, its)
            )
        if not isinstance(value, np.ndarray):  # on the devices already
            return lambda: variable.container.storage.put(value)
    return lambda: variable.set_value(value, borrow=True)


# ---------------------------------------------------------------- files
def _write(path: str, arrays: Mapping[str, Any]) -> None:
    beside = "%s.%d.part" % (path, os.getpid())
    try:
        with open(beside, "wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        if os.path.exists(beside):
            os.remove(beside)


def _from_numpy(path: str) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile):  # what numpy says of a file that is none of its own
        return {}


def _from_orbax(path: str, of: Iterable[Any], variables: Mapping[str, SharedVariable]) -> dict[str, Any]:
    from theanojax.runtime.parallel import orbax_files

    split: dict[SharedVariable, Any] = {}
    for thing in of:
        if hasattr(thing, "get_shared"):
            split.update(orbax_files.places(thing))
    return orbax_files.read(path, {name: split[v] for name, v in variables.items() if v in split})
