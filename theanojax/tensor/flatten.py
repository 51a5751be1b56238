"""Several dimensions made one."""

import warnings

import numpy as np

from theanojax.graph.op import Op
from theanojax.graph.tracebacks import user_stacklevel
from theanojax.graph.variable import Apply
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.math import prod
from theanojax.tensor.op_methods import linear_in
from theanojax.tensor.shape import addbroadcast, reshape, shape
from theanojax.tensor.type import TensorType


class Flatten(Op):
    """The dimensions of `x` from number ``outdim - 1`` on made one. Deprecated: use ``flatten``."""

    view_map = {0: [0]}
    __props__ = ("outdim",)
    vectorize_node = batch_rules.flatten

    def __init__(self, outdim=1):
        warnings.warn(
            "Flatten class is deprecated, please use flatten method instead.", DeprecationWarning, stacklevel=4
        )
        self.outdim = int(outdim)

    def __str__(self):
        return "%s{%s}" % (type(self).__name__, self.outdim)

    def make_node(self, x):
        x = as_tensor_variable(x)
        if not 1 <= self.outdim <= (x.ndim or self.outdim):
            raise ValueError("invalid output ndimensions (%i) for tensor of rank %i" % (self.outdim, x.ndim))
        return Apply(self, [x], [TensorType(x.type.dtype, _flattened_flags(x, self.outdim))()])

    def compute(self, xp, node, x):
        return xp.reshape(x, x.shape[: self.outdim - 1] + (-1 if x.size else int(np.prod(x.shape[self.outdim - 1 :])),))

    def infer_shape(self, node, in_shapes):
        kept, merged = in_shapes[0][: self.outdim - 1], in_shapes[0][self.outdim - 1 :]
        if len(merged) > 1:
            merged = (prod(merged, dtype="int64"),)
        return [tuple(kept) + (tuple(merged) or (1,))]

    def grad(self, inp, grads):
        return [reshape(grads[0], shape(inp[0]), inp[0].ndim)]

    R_op = linear_in(0)


def _flattened_flags(x, ndim):
    return x.broadcastable[: ndim - 1] + (all(x.broadcastable[ndim - 1 :]),)


def _flat_ndim(ndim, outdim):
    if outdim is None:
        return 1 if ndim is None else ndim
    if ndim is not None:
        raise ValueError("You should only specify ndim")
    warnings.warn("flatten outdim parameter is deprecated, use ndim instead.", stacklevel=user_stacklevel())
    return outdim


def is_flat(var, ndim=None, outdim=None):
    """True if the variable `var` has `ndim` dimensions (1 by default); `outdim` is the old name of `ndim`."""
    return var.ndim == _flat_ndim(ndim, outdim)


def flatten(x, ndim=None, outdim=None):
    """The tensor `x` with `ndim` dimensions (an int, 1 by default): the last of them holds all that are left of `x`.

    `outdim` is the old name of `ndim`.

    Raises
    ------
    ValueError : `ndim` is not between 1 and the number of dimensions of `x`.
    """
    ndim = _flat_ndim(ndim, outdim)
    if not 1 <= ndim <= max(x.ndim, 1):
        raise ValueError("ndim %s out of bound [1, %d)" % (ndim, x.ndim + 1))
    lengths = tuple(x.shape[: ndim - 1]) + (-1,) if ndim > 1 else (-1,)
    flags = _flattened_flags(x, ndim)
    return addbroadcast(x.reshape(lengths), *[i for i in range(ndim) if flags[i]])


__all__ = ["Flatten", "flatten", "is_flat"]
