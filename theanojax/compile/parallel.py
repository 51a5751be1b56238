"""`data_parallel`: functions whose arrays lie on several devices."""

from __future__ import annotations

import operator
import threading
import warnings
from collections.abc import Iterable

from theanojax.compile.io import SymbolicInput
from theanojax.config import config
from theanojax.errors import ParallelWarning
from theanojax.graph.placement import PART, WHOLE, Layout, Placement, spec_of
from theanojax.graph.rebuild import iter_over_pairs
from theanojax.graph.shared import SharedVariable
from theanojax.graph.tracebacks import user_stacklevel
from theanojax.graph.traverse import ancestors
from theanojax.graph.variable import Variable
from theanojax.runtime.parallel import processes
from theanojax.tensor.spread import Spread

AXIS = "data"


class _Contexts(threading.local):
    stack: tuple = ()


_contexts = _Contexts()


class DataParallel:
    """How the functions made with it lie on several devices; `data_parallel` makes one.

    As ``theano.function(..., parallel=this)`` it is for one function, as a context (``with this:``) for all that the
    thread makes in it.
    """

    def __init__(self, batch=None, sharding=None, mesh=None, feed=None, even=False):
        processes.join_launched()
        if feed is None:
            feed = WHOLE if batch is None else PART
        if feed not in (PART, WHOLE):
            raise ValueError("feed is 'part' or 'whole', not %r" % (feed,))
        self.layout = Layout(_axes(mesh), feed, bool(even))
        self.batch = None if batch is None else _by_dimension(map(_dimension, _listed(batch)))
        self.rule = sharding if callable(sharding) else _by_variable({} if sharding is None else sharding).get
        for variable, spec in sharding.items() if isinstance(sharding, dict) else ():
            if spec is not None:
                self._placed(spec_of(spec, variable.type.ndim, variable), variable)

    def __enter__(self):
        _contexts.stack = (*_contexts.stack, self)
        return self

    def __exit__(self, *error):
        _contexts.stack = _contexts.stack[:-1]

    # ---------------------------------------------------------------- what a function asks
    def place_input(self, variable):
        """The Placement of an argument; None if each device has all of it."""
        return None if (spec := self._split(variable)) is None else Placement(self.layout, spec, batch=True)

    def place_shared(self, variable):
        """The Placement of a shared variable; None if its value is no array."""
        if not hasattr(variable.type, "numpy_dtype") or getattr(variable.type, "host_only", False):
            return None
        spec = self.rule(variable)
        spec = variable.sharding or () if spec is None else spec_of(spec, variable.type.ndim, variable)
        return self._placed(spec, variable)

    def _placed(self, spec, variable):
        for name in spec:
            if name is not None and name not in self.layout.names:
                raise ValueError(
                    "%s is split over the devices %r; the axes of devices are %s: mesh={...} names them"
                    % (variable, name, ", ".join(map(repr, self.layout.names)))
                )
        return Placement(self.layout, spec)

    def place_givens(self, givens):
        """`givens` with the parts of data that replace batches split, too."""
        pairs = []
        for old, new in iter_over_pairs(givens):
            spec = self._split(old)
            if spec is not None and isinstance(new, Variable):
                new = Spread(Placement(self.layout, spec, batch=True))(new)
            pairs.append((old, new))
        return pairs

    def _split(self, variable):
        """The Spec of a batch; None of what is none."""
        ndim = getattr(variable.type, "ndim", 0) if hasattr(variable.type, "numpy_dtype") else 0
        if self.batch is not None:
            dimension = self.batch.get(variable)
        else:
            dimension = 0 if ndim and not variable.type.broadcastable[0] else None
        if dimension is None:
            return None
        if not 0 <= dimension < ndim:
            raise ValueError("%s has %d dimensions, none of which is number %d" % (variable, ndim, dimension))
        return (None,) * dimension + (self.layout.names[0],)


def data_parallel(batch=None, sharding=None, mesh=None, feed=None, even=False):
    """Functions that run on all devices, each of which computes on a part of the batch.

    ``theano.function(..., parallel=data_parallel(batch=[x, y]))`` is all that a program needs; or ``with
    data_parallel(batch=[x, y]):`` around the functions. XLA adds gradients up; the results are those of one device.

    Parameters
    ----------
    batch : list of variables, or one, optional
        The inputs, or keys of `givens`, that have one row for each example; a pair (variable, dimension) where the
        examples are not the rows. None: all arrays among them. One that a function knows nothing of is left out.
    sharding : dict or function, optional
        From a shared variable to how it is split over devices, as for `shared`; what is not in it has a copy on each
        device, or lies as its own ``sharding`` says.
    mesh : int or dict, optional
        How many devices, or their numbers by names: ``{"data": 2, "model": 4}`` are 8 devices in 2 rows. Batches are
        split over the first axis. All devices, as the axis "data", by default; a number None is what the others leave.
    feed : 'part' or 'whole', optional
        Where there are several processes: what each gives of a batch. A part by default, or the whole if `batch` does
        not say what the batches are: the program is then the same with any number of processes.
    even : bool
        All processes give equally many rows in each call, and the same values of all else: saves asking them.

    Raises TypeError or ValueError for what is none of these.
    """
    return DataParallel(batch, sharding, mesh, feed, even)


def _axes(mesh):
    if mesh is None or hasattr(mesh, "__index__"):
        mesh = {AXIS: mesh}
    try:
        axes = tuple((name, None if n is None else operator.index(n)) for name, n in mesh.items())
    except (AttributeError, TypeError):
        axes = ()
    if not axes or not all(isinstance(name, str) for name, _ in axes):
        raise ValueError("mesh is a number, or a dict from names to numbers: %r" % (mesh,))
    if any(n is not None and n < 1 for _, n in axes) or [n for _, n in axes].count(None) > 1:
        raise ValueError("the numbers of devices of a mesh are positive, one may be None: %r" % (mesh,))
    return axes


def _listed(batch):
    if isinstance(batch, (Variable, SymbolicInput)):
        return [batch]
    if isinstance(batch, dict) or not isinstance(batch, Iterable):
        raise TypeError("batch is a list of variables, or of pairs (variable, dimension): %r" % (batch,))
    return batch


def _dimension(entry):
    variable, dimension = entry if isinstance(entry, (tuple, list)) and len(entry) == 2 else (entry, 0)
    variable = getattr(variable, "variable", variable)  # of an In
    if not isinstance(variable, Variable) or not hasattr(dimension, "__index__"):
        raise TypeError("batch is a list of variables, or of pairs (variable, dimension): %r" % (entry,))
    return variable, dimension


def _is_variable(value):
    return isinstance(value, Variable)


def _by_dimension(pairs):
    found = {}
    for variable, dimension in pairs:
        if found.setdefault(variable, dimension) != dimension:
            raise ValueError("batch has %s twice, by dimension %d and %d" % (variable, found[variable], dimension))
    return found


def _by_variable(sharding):
    if not isinstance(sharding, dict):
        raise TypeError(
            "sharding is a dict from shared variables to how they are split, or a function: %r" % (sharding,)
        )
    for key in sharding:
        if not isinstance(key, SharedVariable):
            raise TypeError("sharding is a dict from shared variables to how they are split, not from %r" % (key,))
    return sharding


def chosen(parallel, variables, graphs):
    """The DataParallel that a new function has to heed, or None.

    `parallel` is what the user has said of it, `variables` are its inputs and keys of givens, `graphs()` what it
    computes: ValueError if none of the batches is among the variables, or one is in the graphs only.
    """
    if parallel is None:
        if _contexts.stack:
            return _contexts.stack[-1]
        return DataParallel() if config.parallel == AXIS else None
    if parallel is False:
        return None
    if parallel == AXIS:
        return DataParallel()
    if not isinstance(parallel, DataParallel):
        raise TypeError("parallel is what data_parallel(...) returns, 'data' or False, not %r" % (parallel,))
    if parallel.batch and parallel.batch.keys().isdisjoint(variables):
        raise ValueError(
            "none of the variables %s, which parallel has as batches, is an input of the function or a key of givens"
            % list(parallel.batch)
        )
    others = set(parallel.batch or ()).difference(variables)
    computed = [getattr(graph, "variable", graph) for graph in graphs()] if others else []
    inside = [v for v in ancestors(filter(_is_variable, computed), blockers=variables) if v in others]
    if inside:
        raise ValueError(
            "the batch %s is neither an input of the function nor a key of givens, but %s"
            % (inside[0], "a shared variable" if isinstance(inside[0], SharedVariable) else "computed in it")
        )
    return parallel


def of_sharded(variables):
    """The DataParallel of a function that nobody wants parallel; None unless one of the shared variables is split."""
    names = {name for v in variables for name in v.sharding or () if name is not None}
    if not names:
        return None
    if len(names) > 1:
        raise ValueError(
            "shared variables are split over the axes %s: say how many devices each has, by "
            "parallel=data_parallel(batch=..., mesh={...})" % ", ".join(sorted(names))
        )
    return DataParallel(batch=(), mesh=dict.fromkeys(names))


def warn_of_host(function, parallel):
    """A ParallelWarning if `function` runs in a mode that knows nothing of devices."""
    if parallel is not None and getattr(function.maker.linker, "backend", "py") == "py":
        warnings.warn(
            "parallel: the mode %s runs a function on the host; it runs as on one device "
            "(docs/errors.md#parallelwarning)" % (function.maker.mode,),
            ParallelWarning,
            stacklevel=user_stacklevel(),
        )
