"""Calls that need no conversion of their arguments, and those of which one function, in C or generated, does all."""

import numpy as np

from theanojax.config import config
from theanojax.graph.cells import free_threaded
from theanojax.graph.locks import nesting
from theanojax.runtime.planning.programs import Calls
from theanojax.tensor.type import TensorType

CHAINED = 8  # ways in, most often of certain shapes of arguments, that are asked in turn

_NOT_QUICK = -1


class _NoFront:
    """Stands for an executor of which there is no way into calls."""

    quick, entering = None, ()


_NO_FRONT = _NoFront()


class QuickCalls:
    """The part of a Function that prepares its calls.

    Attributes
    ----------
    _n_quick : how many arguments a call has whose other inputs are shared; -1 if there are no such calls.
    _checks : (dtype, ndim, converter) of each of them: an aligned array of this very dtype and ndim is taken as it is.
    _ways : the ways in that are in use, of which ``quick`` is made.
    _front : the executor whose ``quick``, once it is there, does all of a call; see `theanojax.runtime.xla.entries` and
        `theanojax.runtime.planning.small_call`.
    """

    _front, _trusts = _NO_FRONT, False

    def _find_front(self, fn):
        executor = getattr(fn, "executor", None)
        self._front = executor if hasattr(executor, "quick") else _NO_FRONT
        self._updates_nothing = not self._update_cells
        self._chained, self._ways = 0, []

    def _plan_quick_calls(self):
        """Prepare calls that give every argument by position, to a function whose other inputs are shared."""
        specs = self.maker.expanded_inputs
        n = sum(1 for required, _, _ in self.defaults if required)
        self._n_quick = _NOT_QUICK
        self._checks = []
        positional = all(required for required, _, _ in self.defaults[:n])
        rest_shared = all(getattr(spec, "shared", False) for spec in specs[n:])
        no_update = all(spec.update is None for spec in specs[:n])
        if not (positional and rest_shared and no_update) or self.output_keys is not None:
            return
        self._n_quick = n
        self._checks = [_check_of(self, i) for i in range(n)]
        self._shared_cells = self._cells[n:]
        self._shares_nothing = not self._shared_cells
        self._single = self.unpack_single and self.n_returned_outputs == 1

    def _enter(self):
        """Have calls go by the ways in that have come up."""
        front, containers = self._front, self.input_storage[: self._n_quick]
        if front.quick is None:
            self._chained, self._ways = 0, []
        if free_threaded or self._chained >= CHAINED or not all(_is_plain(c.type) for c in containers):
            front.entering.clear()
            return
        allowed = not self._trusts  # with which numbers are refused
        numbers = [
            allowed and c.type.ndim == 0 and _exact_numbers(c.type.numpy_dtype, c) is not None for c in containers
        ]
        single = self._single or self.return_none
        for entry in front.entering.copy():
            if not entry.reads_all(self._n_quick):
                front.entering.remove(entry)
                continue
            quick = entry.bound(
                Calls(self._n_quick, self._shared_cells, self._update_cells, numbers, single, front.quick)
            )
            if quick is not None:
                front.entering.remove(entry)
                front.quick = quick
                self._chained += 1
                self._ways.append(entry)

    @property
    def trust_input(self):
        """Whether arguments are taken as they are: arrays of the right dtypes."""
        return self._trusts

    @trust_input.setter
    def trust_input(self, value):
        front = self._front
        if value != self._trusts and front.quick is not None:  # which was made for the other case
            front.entering.extend(self._ways)
            front.quick = None
        self._trusts = value

    def _updated_by(self, quick, args):
        """What `quick` gives, which also updates shared variables; NotImplemented if that is not for it."""
        group = self._group
        if group is None or group.joined is not None or nesting.depth or group.held():
            return NotImplemented
        with group.lock:
            return quick(*args) if group.joined is None else NotImplemented


def _check_of(function, i):
    """(dtype, ndim, converter) of input `i`: an aligned array of just this dtype and ndim needs no conversion."""
    c = function.input_storage[i]
    kind = c.type

    def convert(arg):
        return function._filter(i, arg)

    if not _is_plain(kind) or any(kind.broadcastable):
        return None, 0, convert  # no array has the dtype None
    dtype = kind.numpy_dtype
    number = _exact_numbers(dtype, c) if kind.ndim == 0 else None
    if number is None:
        return dtype, kind.ndim, convert
    python_type, low, high = number

    def convert_number(arg):
        if type(arg) is python_type and low <= arg <= high:
            return np.array(arg, dtype)
        return function._filter(i, arg)

    return dtype, 0, convert_number


def _is_plain(kind):
    """Whether an array of the type's dtype and ndim is good, whatever is in it."""
    return isinstance(kind, TensorType) and type(kind).filter is TensorType.filter and not kind.filter_checks_isfinite


def _exact_numbers(dtype, c):
    """(type, lowest, highest) of the Python numbers that need no further check to be stored as `dtype`, or None."""
    if c.strict:
        return None
    if dtype.kind in "iu":
        return int, np.iinfo(dtype).min, np.iinfo(dtype).max
    if dtype == np.float64 or (dtype.kind == "f" and c.allow_downcast is None and dtype == config.floatX):
        return float, -np.inf, np.inf
    return None
