"""Tools that programs import as ``theano.scan_module.scan_utils``, gathered from the modules of the loop."""

import numpy as np

from theanojax.errors import NotScalarConstantError
from theanojax.graph.replace import (
    DEPRECATED_ARG as DEPRECATED_ARG,
    clone as clone,
    forced_replace as forced_replace,
    map_variables as map_variables,
    traverse as traverse,
)
from theanojax.graph.traverse import equal_computations as equal_computations
from theanojax.graph.variable import Constant
from theanojax.loop.arguments import (
    compress_outs as compress_outs,
    scan_args as scan_args,
    scan_can_remove_outs as scan_can_remove_outs,
)
from theanojax.loop.inner_graph import reconstruct_graph as reconstruct_graph, safe_new as safe_new
from theanojax.loop.shapes import Validator as Validator, infer_shape as infer_shape
from theanojax.loop.step_result import get_updates_and_outputs as get_updates_and_outputs, until as until
from theanojax.tensor.as_tensor import get_scalar_constant_value
from theanojax.tensor.creation import AllocEmpty
from theanojax.tensor.indexing.subtensor import set_subtensor


def hash_listsDictsTuples(x):
    """A hash of nested dicts, lists and tuples that does not depend on their order."""
    if isinstance(x, dict):
        x = list(x.items())
    if not isinstance(x, (list, tuple)):
        return hash(x)
    value = 0
    for item in x:
        value ^= hash_listsDictsTuples(item)
    return value


def isNaN_or_Inf_or_None(x):
    """Whether `x` says nothing about a number of steps: None, NaN, infinite, or a constant string."""
    if x is None:
        return True
    if isinstance(x, Constant) and isinstance(x.data, str):
        return True
    for read in (lambda: x, lambda: get_scalar_constant_value(x)):
        try:
            if not np.isfinite(read()):
                return True
        except (TypeError, AttributeError, NotImplementedError, NotScalarConstantError):
            continue  # a symbolic number of steps is as good as a number
    return False


def expand_empty(tensor_var, size):
    """`tensor_var` with `size` uninitialised rows after its own; `size` may be symbolic."""
    if isinstance(size, (int, np.integer)) and size == 0:
        return tensor_var
    shape = [tensor_var.shape[i] for i in range(tensor_var.ndim)]
    empty = AllocEmpty(tensor_var.dtype)(size + shape[0], *shape[1:])
    result = set_subtensor(empty[: shape[0]], tensor_var)
    result.tag.nan_guard_mode_check = False
    return result
