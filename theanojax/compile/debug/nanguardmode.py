"""NanGuardMode: stop at the node that makes a NaN, an infinity or a huge number."""

import io
import logging
from collections.abc import ValuesView

import numpy as np

from theanojax.compile.linkers import VM_Linker
from theanojax.compile.messages import get_variable_trace_string
from theanojax.compile.mode import Mode, made_anew
from theanojax.config import config
from theanojax.printing import debugprint

logger = logging.getLogger("theano.compile.nanguardmode")
pygpu_available = False


def _has_numbers(value, var):
    if (
        value is None
        or isinstance(value, (slice, np.random.RandomState))
        or getattr(getattr(var, "tag", None), "is_rng", False)
    ):
        return False
    data = getattr(value, "data", value) if hasattr(value, "indptr") else value  # the stored part of sparse matrices
    return getattr(data, "size", 0) > 0 and getattr(data, "dtype", np.dtype(object)).kind in "biufc"


def _floats(value):
    data = np.asarray(value.data if hasattr(value, "indptr") else value)
    return data if data.dtype.kind in "fc" else None


def flatten(l):
    """All elements of nested lists and tuples, in one list."""
    if not isinstance(l, (list, tuple, ValuesView)):
        return [l]
    found = []
    for item in l:
        found.extend(flatten(item) if isinstance(item, (list, tuple)) else [item])
    return found


def contains_nan(arr, node=None, var=None):
    """Whether the value `arr` of the variable `var` holds a NaN."""
    if not _has_numbers(arr, var):
        return False
    data = _floats(arr)
    return data is not None and bool(np.isnan(np.min(data)))


def contains_inf(arr, node=None, var=None):
    """Whether the value `arr` of the variable `var` holds an infinity."""
    if not _has_numbers(arr, var):
        return False
    data = _floats(arr)
    return data is not None and bool(np.isinf(data).any())


def _contains_big(arr, var):
    if not _has_numbers(arr, var):
        return False
    data = np.asarray(arr.data if hasattr(arr, "indptr") else arr)
    return data.dtype.kind != "b" and bool(np.abs(data).max() > 1e10)


class NanGuardMode(Mode):
    """A mode that runs on the host and checks every input and every node's outputs.

    Parameters
    ----------
    nan_is_error, inf_is_error, big_is_error : bool, optional
        What to look for; big is more than 1e10 in magnitude. Defaults are in ``config.NanGuardMode``.
    optimizer : as of `Mode`.
    linker : ignored.

    A find raises AssertionError, or does what ``config.NanGuardMode.action`` says. Variables with
    ``tag.nan_guard_mode_check = False`` are not looked at.
    """

    def __init__(self, nan_is_error=None, inf_is_error=None, big_is_error=None, optimizer="default", linker=None):
        flags = config.NanGuardMode
        self.nan_is_error = flags.nan_is_error if nan_is_error is None else nan_is_error
        self.inf_is_error = flags.inf_is_error if inf_is_error is None else inf_is_error
        self.big_is_error = flags.big_is_error if big_is_error is None else big_is_error
        if not (self.nan_is_error or self.inf_is_error or self.big_is_error):
            raise AssertionError("NanGuardMode has nothing to look for")
        super().__init__(VM_Linker(callback=self._check_node, callback_input=self._check_input), optimizer=optimizer)

    def __reduce__(self):
        return type(self), (self.nan_is_error, self.inf_is_error, self.big_is_error, self.provided_optimizer)

    def clone(self, link_kwargs=None, optimizer="", **kwargs):
        """This mode with another `optimizer`."""
        return type(self)(
            self.nan_is_error,
            self.inf_is_error,
            self.big_is_error,
            self.provided_optimizer if optimizer == "" else optimizer,
        )

    def _check_node(self, node, thunk, storage_map, compute_map):
        for var in node.outputs:
            if compute_map[var][0] and getattr(var.tag, "nan_guard_mode_check", True):
                self._check(storage_map[var][0], node, var)

    def _check_input(self, var, value):
        if getattr(var.tag, "nan_guard_mode_check", True):
            self._check(value, None, var)

    def _check(self, value, node, var):
        finds = []
        if self.nan_is_error and contains_nan(value, node, var):
            finds.append("NaN detected\n")
        if self.inf_is_error and contains_inf(value, node, var):
            finds.append("Inf detected\n")
        if self.big_is_error and _contains_big(value, var):
            finds.append("Big value detected\n")
        if not finds:
            return
        text = "".join(finds) + _where(node, var)
        if config.NanGuardMode.action == "raise":
            raise AssertionError(text)
        if config.NanGuardMode.action == "pdb":
            import pdb

            print(text)
            pdb.set_trace()
        else:
            logger.error(text)


def _where(node, var):
    if node is None:
        return "NanGuardMode found an error in an input of the graph.\n" + get_variable_trace_string(var) + "\n"
    graph = io.StringIO()
    debugprint(node, file=graph)
    return (
        "NanGuardMode found an error in the output of a node in this variable:\n"
        + graph.getvalue()
        + "\n"
        + get_variable_trace_string(node.outputs[0])
        + "\n"
    )


made_anew["NanGuardMode"] = lambda optimizer: NanGuardMode(True, True, True, optimizer=optimizer)
