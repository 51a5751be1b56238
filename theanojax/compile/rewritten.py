"""Rewritten graphs kept in ``config.compiledir``: with the flag cache_optimizations, a later process need not rewrite.

A graph is looked up by all that the rewrites can see of it: its Ops, types, constants, names and annotations, what may
be overwritten, the flags, the rewrites of the mode, the versions of Python, numpy, scipy and of each file of ours. What
differs in any of it is another graph. Rewrites and Ops that are not ours are not looked up at all, since nobody knows
what else they depend on; nor is a graph where somebody watches the rewrites.

Where variables were made is not kept but found again in the graph at hand, so that errors name its lines.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import pickle
import sys
import tempfile
from functools import cache
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy

from theanojax.compile.aliasing import Supervisor
from theanojax.config import config
from theanojax.configparser import changed_flags
from theanojax.graph.destroy import DestroyHandler
from theanojax.graph.features import PreserveVariableAttributes, ReplaceValidate
from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.rewriting.base import Optimizer
from theanojax.graph.rewriting.local import LocalOptimizer
from theanojax.graph.tag import PACKAGE, Scratchpad, Trace
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Apply, Constant, Variable
from theanojax.private_folder import private_folder, remove_unused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

OURS = {"theanojax", "theano", "numpy", "builtins", "_operator", "operator", "copyreg", "functools", "collections"}
# Flags that change nothing in a graph.
ELSEWHERE = ("compiledir", "base_compiledir", "compiledir_format", "cache_optimizations", "exception_verbosity")
# How the values of a variable are compared says nothing about the graph; such functions may be of a closure.
NOT_KEPT = {"values_eq_approx"}
# Attributes of rewrites that follow from others, or are about past runs.
DERIVED = {"dispatch", "rows", "profile", "pre_profile", "nb_imported", "changed"}
FEATURES = ReplaceValidate, PreserveVariableAttributes, Supervisor, DestroyHandler

_logger = logging.getLogger("theanojax.compile.rewritten")


class _NotOurs(Exception):
    """Something of the user's, of which nothing is known."""


def rewrite(optimizer: Any, fgraph: FunctionGraph) -> Any:
    """Apply `optimizer` to `fgraph`, or do what it has done to an equal one: its report, or None."""
    path = _path(optimizer, fgraph)
    if path is None:
        return optimizer(fgraph)
    if os.path.exists(path):
        outputs = _read(path, fgraph)
        if outputs is not None:
            for i, v in enumerate(outputs):
                fgraph.change_input("output", i, v)
            return None
    known = _known(fgraph)
    report = optimizer(fgraph)
    # Features of the graph know in which order Ops that overwrite their inputs may run.
    if not any(getattr(node.op, "destroy_map", None) for node in fgraph.apply_nodes):
        _write(path, fgraph, known)
    return report


def _path(optimizer: Any, fgraph: FunctionGraph) -> str | None:
    """The file of a rewritten graph; None where none is to be kept."""
    flags = config.optimizer_verbose or config.profile_optimizer or config.scan.debug
    watched = flags or config.compute_test_value_opt != "off"
    if watched or not isinstance(optimizer, Optimizer) or not all(isinstance(f, FEATURES) for f in fgraph._features):
        return None
    protected = [f.protected for f in fgraph._features if isinstance(f, Supervisor)]
    seen = [[fgraph.inputs.index(v) for v in group] for group in protected]
    try:
        around = _environment(), [flag for flag in changed_flags() if flag[0] not in ELSEWHERE], _rewrites(optimizer)
        name = _described(*map(list, around), seen, fgraph.inputs, fgraph.outputs, fgraph.update_mapping)
    except (_NotOurs, pickle.PicklingError, TypeError, AttributeError, ValueError):
        return None  # what cannot be pickled cannot be compared
    folder = private_folder("graphs")
    if folder is None:
        return None
    remove_unused(folder)
    return os.path.join(folder, name + "-cache")


@cache
def _environment() -> tuple[object, ...]:
    files = []
    for folder, _, names in os.walk(PACKAGE):
        for name in sorted(names):
            if name.endswith(".py"):
                info = os.stat(os.path.join(folder, name))
                files.append((folder, name, info.st_size, info.st_mtime_ns))
    return sys.version, np.__version__, scipy.__version__, sorted(files)


def _rewrites(thing: Any) -> Iterator[str]:
    """What tells the rewrite `thing` from others: its name and those of its parts. _NotOurs if one is the user's."""
    if isinstance(thing, (list, tuple)):
        if all(isinstance(part, type) for part in thing):
            thing = sorted(thing, key=_name)  # which may come from a set
        for part in thing:
            yield from _rewrites(part)
    elif isinstance(thing, (Optimizer, LocalOptimizer)):
        yield "%s %s" % (_name(type(thing)), getattr(thing, "name", None) or getattr(thing, "__name__", None))
        for key, value in sorted(vars(thing).items()):
            if key not in DERIVED:
                yield key
                yield from _rewrites(value)
    elif isinstance(thing, FunctionType):
        yield _name(thing)
        for cell in thing.__closure__ or ():
            yield from _rewrites(cell.cell_contents)
    elif isinstance(thing, MethodType):
        yield _name(thing)
    else:
        yield _described(thing)


def _name(thing: Any) -> str:
    """The full name of a class or function; _NotOurs if it is not ours."""
    module = thing.__module__ or ""
    if module.partition(".")[0] not in OURS:
        raise _NotOurs(thing)
    return "%s.%s" % (module, thing.__qualname__)


# ---------------------------------------------------------------- keys
class _Description:
    """What rewrites can see of some objects, as text: equal objects have equal ones, in any process.

    Variables are numbered as they are met, those that others are computed from first. All else is told by what pickle
    would write of it, and described for itself, so that it does not matter which of two equal objects stands where.
    """

    def __init__(self, digests: dict[int, tuple[Any, str]]) -> None:
        self.digests = digests  # by id, with the object, which has to live as long
        self.tokens: list[str] = []
        self.numbers: dict[Variable, int] = {}

    def digest(self) -> str:
        return hashlib.sha256("\n".join(self.tokens).encode()).hexdigest()

    def put(self, thing: Any) -> None:
        kind = type(thing)
        if thing is None or kind in (bool, int, float, complex, str, bytes):
            self.tokens.append(repr(thing))
        elif kind in self.WRITERS:
            self.WRITERS[kind](self, thing)
        elif isinstance(thing, Variable):
            self._variable(thing)
        elif isinstance(thing, Scratchpad):
            self._dict({k: v for k, v in vars(thing).items() if k not in NOT_KEPT})
        else:
            self.tokens.append(self._digest_of(thing))

    def _sequence(self, things: Any) -> None:
        self.tokens.append("%s %d" % (type(things).__name__, len(things)))
        for thing in things:
            self.put(thing)

    def _dict(self, pairs: dict[Any, Any]) -> None:
        by_name = all(type(key) is str for key in pairs)
        self._sequence([item for pair in (sorted(pairs.items()) if by_name else pairs.items()) for item in pair])

    def _set(self, things: Any) -> None:
        self._sequence(sorted(self._digest_of(thing) for thing in things))

    def _array(self, array: Any) -> None:
        if array.dtype.hasobject:
            raise _NotOurs(array)
        text = hashlib.sha256(array.tobytes()).hexdigest()
        self.tokens.append("%s %s %s" % (array.dtype.str, array.shape, text))

    def _variable(self, variable: Variable) -> None:
        if variable not in self.numbers:
            for node in io_toposort(self.numbers, [variable]):
                for v in node.inputs:
                    self._new(v)
                self.put(node.op)
                self._sequence([self.numbers[v] for v in node.inputs])
                self.put(node.tag)
                for v in node.outputs:
                    self._new(v)
            self._new(variable)
        self.tokens.append("#%d" % self.numbers[variable])

    def _new(self, variable: Variable) -> None:
        if variable not in self.numbers:
            self.numbers[variable] = len(self.numbers)
            self.tokens.append(_name(type(variable)))
            self._sequence([variable.type, variable.name, variable.tag])
            if isinstance(variable, Constant):
                self.put(variable.data)

    def _graph(self, graph: FunctionGraph) -> None:
        self._sequence([*graph.inputs, None, *graph.outputs])

    def _digest_of(self, thing: Any) -> str:
        known = self.digests.get(id(thing))
        if known is None:
            self.digests[id(thing)] = thing, "an object that is a part of itself"
            inner = _Description(self.digests)
            inner._object(thing)
            known = self.digests[id(thing)] = thing, inner.digest()
        return known[1]

    def _object(self, thing: Any) -> None:
        if isinstance(thing, (type, FunctionType, BuiltinFunctionType)):
            self.tokens.append(_name(thing))
            return
        _name(type(thing))
        how = thing.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        if isinstance(how, str):
            self.tokens.append(how)
        else:
            self._sequence([*how[:3], *map(list, filter(None, how[3:5]))])

    def _trace(self, trace: Trace) -> None:
        self.tokens.append("%d stacks" % len(trace))

    WRITERS: ClassVar[dict[type, Callable[[_Description, Any], None]]] = {
        **dict.fromkeys((list, tuple), _sequence),
        **dict.fromkeys((set, frozenset), _set),
        dict: _dict,
        np.ndarray: _array,
        FunctionGraph: _graph,
        Trace: _trace,
    }


def _described(*things: object) -> str:
    """A digest of `things`, which may be variables of one graph. _NotOurs if something of the user's is in them."""
    description = _Description({})
    description.put(things)
    return description.digest()


# ---------------------------------------------------------------- files
def _known(fgraph: FunctionGraph) -> list[Any]:
    """What of a graph a rewritten one refers to: its inputs, its values and the stacks that say where it was made."""
    alone = [v for v in fgraph.outputs if v.owner is None]
    return list(_things([*fgraph.inputs, *alone], fgraph.toposort()))


def _things(inputs: Iterable[Variable], nodes: Iterable[Apply]) -> Iterator[Any]:
    for v in inputs:
        yield v
        yield from getattr(v.tag, "trace", ())
    for node in nodes:
        for v in [*node.outputs, *node.inputs]:
            if v.owner is node or isinstance(v, Constant):
                yield from getattr(v.tag, "trace", ())
                if isinstance(getattr(v, "data", None), np.ndarray):
                    yield v.data
        inside = node.op.inside(node)
        if inside is not None:
            yield from _things(inside.inputs, io_toposort(inside.inputs, inside.outputs))


class _Pickler(pickle.Pickler):
    """Writes the outputs of a rewritten graph, whose inputs and creation stacks are found again in the one at hand."""

    def __init__(self, file: Any, known: list[Any]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.places = {id(thing): i for i, thing in enumerate(known)}

    def persistent_id(self, obj: Any) -> int | None:
        return self.places.get(id(obj))

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Trace):
            return Trace, ([stack for stack in obj if id(stack) in self.places],)
        if isinstance(obj, Scratchpad) and not NOT_KEPT.isdisjoint(vars(obj)):
            kept = Scratchpad()
            vars(kept).update((k, v) for k, v in vars(obj).items() if k not in NOT_KEPT)
            return kept.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def __init__(self, content: bytes, known: list[Any]) -> None:
        super().__init__(io.BytesIO(content))
        self.known = known

    def persistent_load(self, place: Any) -> Any:
        return self.known[place]


def _write(path: str, fgraph: FunctionGraph, known: list[Any]) -> None:
    file = io.BytesIO()
    try:
        _Pickler(file, known).dump(list(fgraph.outputs))
        content = file.getvalue()
        _check(_Unpickler(content, known).load(), fgraph)
        with tempfile.NamedTemporaryFile(dir=os.path.dirname(path), delete=False) as new:
            new.write(hashlib.sha256(content).digest() + content)
        os.replace(new.name, path)
    except Exception as error:
        _logger.info("A rewritten graph could not be kept in %s: %r", path, error)


def _check(outputs: list[Variable], fgraph: FunctionGraph) -> None:
    """ValueError unless what was read again is what was written."""
    if _described(fgraph.inputs, outputs) != _described(fgraph.inputs, fgraph.outputs):
        raise ValueError("it is read as another graph")


def _read(path: str, fgraph: FunctionGraph) -> list[Variable] | None:
    """The outputs of the rewritten graph in the file, on the inputs of `fgraph`; None, said once, if it is damaged."""
    try:
        with open(path, "rb") as file:
            digest, content = file.read(32), file.read()
        if hashlib.sha256(content).digest() != digest:
            raise ValueError("the file is not as it was written")
        outputs: list[Variable] = _Unpickler(content, _known(fgraph)).load()
    except Exception as error:
        _logger.warning("The rewritten graph in %s cannot be used, and is made again: %r", path, error)
        return None
    return outputs
