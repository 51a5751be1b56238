"""Checkpoints: the values of shared variables in a file, written once however many processes there are."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.graph.shared import SharedVariable
from theanojax.runtime.parallel import processes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def save(path: str | os.PathLike[str], of: Iterable[Any], extra: Mapping[str, Any] | None = None) -> None:
    """Write the values of shared variables to the file `path`, in one step: there is the old file or the new one.

    Parameters
    ----------
    path : its name; numpy's .npz is its form whatever the name.
    of : list of functions, whose shared variables are meant, random states included, and of shared variables.
    extra : what json can say, to be given back by `restore`: the number of the epoch, say.

    All processes have to call it; the first one writes, and all go on when the file is there. TypeError for a value
    that is neither an array nor a numpy RandomState.
    """
    arrays: dict[str, Any] = {"extra": np.array(json.dumps(dict(extra or {})))}
    for i, variable in enumerate(_variables(of)):
        arrays.update(_arrays("%d %s" % (i, variable.name or ""), variable.get_value()))
    error = None
    if processes.process_index() == 0:
        try:
            _write(os.fspath(path), arrays)
        except OSError as problem:  # the others must not wait for a file that never comes
            error = problem
    if processes.process_count() > 1:
        said = processes.exchange("writing a checkpoint", str(error or ""))
        if said[0] and error is None:
            raise OSError("process 0 could not write the checkpoint: %s" % said[0])
    if error is not None:
        raise error


def restore(path: str | os.PathLike[str], of: Iterable[Any]) -> dict[str, Any] | None:
    """Give shared variables the values that `save` has written to the file `path`; what was its `extra`.

    `of` is as it was there: functions and shared variables, as many in the same order. None if there is no such file.
    Each process reads the file. ValueError if it has other variables, or arrays of other shapes.
    """
    variables = _variables(of)
    try:
        file = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        file = None
    if processes.process_count() > 1:
        processes.agree("whether there is a checkpoint %s" % path, str(file is not None))
    if file is None:
        return None
    with file:
        kept = {name: file[name] for name in file.files}
    names = ["%d %s" % (i, v.name or "") for i, v in enumerate(variables)]
    there = list(dict.fromkeys(name.partition("\n")[0] for name in kept if name != "extra"))
    if names != there:
        raise ValueError("the checkpoint %s has the variables %s, and not %s" % (path, there, names))
    values = [_value(name, kept, v.get_value(borrow=False)) for name, v in zip(names, variables)]
    for variable, value in zip(variables, values):
        variable.set_value(value, borrow=True)
    extra: dict[str, Any] = json.loads(str(kept["extra"]))
    return extra


def _variables(of: Iterable[Any]) -> list[SharedVariable]:
    """The shared variables, each once, in an order that is the same in all processes."""
    found: dict[SharedVariable, None] = {}
    for thing in of:
        found.update(dict.fromkeys(thing.get_shared() if hasattr(thing, "get_shared") else [thing]))
    for variable in found:
        if not isinstance(variable, SharedVariable):
            raise TypeError("a checkpoint is of functions and shared variables, not of %r" % (variable,))
    return list(found)


def _arrays(name: str, value: Any) -> dict[str, Any]:
    """The arrays that stand for `value` in the file."""
    if isinstance(value, np.random.RandomState):
        kind, keys, *numbers = value.get_state()
        return {name + "\nkeys": keys, name + "\nnumbers": np.array(json.dumps([kind, *numbers]))}
    if not isinstance(value, (np.ndarray, np.generic)) or value.dtype == object:
        raise TypeError("%s is a %s, which a checkpoint cannot have" % (name, type(value).__name__))
    return {name: np.asarray(value)}


def _value(name: str, kept: Mapping[str, Any], now: Any) -> Any:
    """The value of that name in the file, in place of one like `now`."""
    if name in kept:
        value = kept[name]
        if value.shape != np.shape(now) or value.dtype != now.dtype:
            raise ValueError(
                "the checkpoint has %s %s for the variable %s, which is %s %s"
                % (value.dtype, value.shape, name, now.dtype, np.shape(now))
            )
        return value
    kind, *numbers = json.loads(str(kept[name + "\nnumbers"]))
    state = np.random.RandomState()
    state.set_state((kind, kept[name + "\nkeys"], *numbers))
    return state


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
