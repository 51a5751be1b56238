"""Ops beyond the basic ones, after numpy: search, bins, repeat, unique elements."""

import numpy as np

from theanojax.config import config
from theanojax.errors import NotScalarConstantError
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable, get_scalar_constant_value
from theanojax.tensor.assert_op import Assert
from theanojax.tensor.cast import cast
from theanojax.tensor.creation import alloc, arange, zeros, zeros_like
from theanojax.tensor.cumulative import CumOp, CumprodOp, CumsumOp, DiffOp, cumprod, cumsum, diff
from theanojax.tensor.fill_diagonal import (
    FillDiagonal,
    FillDiagonalOffset,
    fill_diagonal,
    fill_diagonal_,
    fill_diagonal_offset,
    fill_diagonal_offset_,
)
from theanojax.tensor.indexing.index_arithmetic import RavelMultiIndex, UnravelIndex, ravel_multi_index, unravel_index
from theanojax.tensor.indexing.subtensor import advanced_inc_subtensor1, inc_subtensor, set_subtensor
from theanojax.tensor.math import all as all_, lt, maximum, prod, sum as sum_, switch
from theanojax.tensor.nonzero import flatnonzero
from theanojax.tensor.op_methods import first_connected, shaped_like
from theanojax.tensor.shape import Shape_i
from theanojax.tensor.type import TensorType, int_dtypes, integer_dtypes

__all__ = [
    "Bartlett",
    "CpuContiguous",
    "CumOp",
    "CumprodOp",
    "CumsumOp",
    "DiffOp",
    "FillDiagonal",
    "FillDiagonalOffset",
    "RavelMultiIndex",
    "RepeatOp",
    "SearchsortedOp",
    "Unique",
    "UnravelIndex",
    "bartlett",
    "bartlett_",
    "bincount",
    "compress",
    "cpu_contiguous",
    "cumprod",
    "cumsum",
    "diff",
    "fill_diagonal",
    "fill_diagonal_",
    "fill_diagonal_offset",
    "fill_diagonal_offset_",
    "ravel_multi_index",
    "repeat",
    "searchsorted",
    "squeeze",
    "to_one_hot",
    "unravel_index",
]


def _disconnected():
    return DisconnectedType()()


class CpuContiguous(Op):
    """Its input, laid out in C order. Arrays inside XLA always are."""

    __props__ = ()
    view_map = {0: [0]}
    check_input = False
    vectorize_node = batch_rules.only(0)

    def make_node(self, x):
        x = as_tensor_variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = np.ascontiguousarray(inputs[0]).reshape(inputs[0].shape)

    def lower_xla(self, ctx, node, x):
        return x

    infer_shape = shaped_like(0)

    def grad(self, inputs, dout):
        return [as_tensor_variable(dout[0])]


cpu_contiguous = CpuContiguous()


# ---------------------------------------------------------------------- search
class SearchsortedOp(Op):
    """Where the elements of `v` belong in the sorted vector `x` (or ``x[sorter]``), as int64.

    `side` "left" gives the first suitable place, "right" the last.
    """

    __props__ = ("side",)
    check_input = False
    vectorize_node = batch_rules.only(1)

    def __init__(self, side="left"):
        if side not in ("left", "right"):
            raise ValueError("'%s' is an invalid value for keyword 'side'" % (side,))
        self.side = side

    def get_params(self, node):
        return self.side

    def make_node(self, x, v, sorter=None):
        x, v = as_tensor_variable(x, ndim=1), as_tensor_variable(v)
        inputs = [x, v]
        if sorter is not None:
            sorter = as_tensor_variable(sorter, ndim=1)
            if sorter.dtype not in int_dtypes:
                raise TypeError("sorter must be an integer vector", sorter.type)
            inputs.append(sorter)
        return Apply(self, inputs, [v.type.clone(dtype="int64")()])

    infer_shape = shaped_like(1)

    def perform(self, node, inputs, output_storage, params=None):
        found = np.searchsorted(*inputs[:2], self.side, *inputs[2:])
        output_storage[0][0] = np.asarray(found, dtype="int64")

    def lower_xla(self, ctx, node, x, v, sorter=None):
        xp = ctx.xp
        if sorter is not None:
            ctx.guard(xp.all((sorter >= 0) & (sorter < x.shape[0])) if sorter.size else np.bool_(x.shape[0] == 0))
            x = xp.take(x, sorter, mode="clip")
        if x.shape[0] > 1:
            # What numpy finds in a vector that is not sorted depends on its way of searching.
            ctx.guard(xp.logical_not(xp.any(x[1:] < x[:-1])))
        common = np.result_type(x.dtype, v.dtype)
        return xp.searchsorted(xp.asarray(xp.astype(x, common)), xp.astype(v, common), side=self.side)

    def grad(self, inputs, output_gradients):
        grads = [
            v.zeros_like(dtype=v.dtype if v.dtype.startswith(("float", "complex")) else _floatX()) for v in inputs[:2]
        ]
        return grads + [_disconnected() for _ in inputs[2:]]


def _floatX():
    return config.floatX


def searchsorted(x, v, side="left", sorter=None):
    """Indices at which the elements of `v` would have to be inserted into `x` to keep it sorted.

    Parameters
    ----------
    x : vector, sorted in ascending order unless `sorter` is given
    v : tensor of the values
    side : "left" for the first suitable index, "right" for the last
    sorter : vector of signed integers that sorts `x`, such as ``argsort(x)``

    Returns
    -------
    int64 tensor of the shape of `v`, with values between 0 and the length of `x`.

    Raises
    ------
    ValueError : `x` is no vector, or unknown `side`. TypeError : `sorter` is of another dtype.
    """
    op = SearchsortedOp(side=side)
    return op(x, v) if sorter is None else op(x, v, sorter)


# ---------------------------------------------------------------------- bins, selections, one-hot
def bincount(x, weights=None, minlength=None, assert_nonneg=False):
    """How often each value occurs in a vector of non-negative integers.

    Parameters
    ----------
    x : vector variable of integers
    weights : vector like `x`; its elements are summed instead of counting
    minlength : int or integer scalar, least length of the result, which otherwise is ``x.max() + 1``
    assert_nonneg : check at run time that `x` has no negative values (AssertionError), which else count from the end

    Returns
    -------
    A vector of the dtype of `weights`, or of `x` when there are none (small dtypes wrap around).

    Raises
    ------
    TypeError : `x` is no vector, or not made of integers.
    ValueError : when run, `x` is empty.
    """
    if x.ndim != 1:
        raise TypeError("Inputs must be of dimension 1.")
    if assert_nonneg:
        x = Assert("Input to bincount has negative values!")(x, all_(x >= 0))
    length = cast(x.max() + 1, "int64")
    if minlength is not None:
        length = maximum(length, minlength)
    bins = zeros([length], dtype=(x if weights is None else weights).dtype)
    return advanced_inc_subtensor1(bins, 1 if weights is None else weights, x)


def squeeze(x, axis=None):
    """The tensor variable `x` without its broadcastable dimensions; others stay, even if their length is 1.

    With `axis`, an int or a tuple of ints, only those of them that it names.
    """
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis) % x.ndim
    return x.dimshuffle([i for i in range(x.ndim) if not x.broadcastable[i] or i not in axes])


def compress(condition, x, axis=None):
    """The slices of `x` along `axis` where the vector `condition` is true.

    Parameters
    ----------
    condition : vector of any dtype; true is what is not zero. It may be shorter than the axis.
    x : tensor variable
    axis : int, or None to take elements of the flattened `x`

    IndexError, when run, if `condition` is true beyond the end of the axis.
    """
    return x.take(flatnonzero(as_tensor_variable(condition)), axis=axis)


def to_one_hot(y, nb_class, dtype=None):
    """A matrix with a row for each element of the vector of integers `y`: 1 in column ``y[i]``, else 0.

    Parameters
    ----------
    y : vector variable of integers from 0 to ``nb_class - 1``
    nb_class : int or integer scalar, the number of columns
    dtype : dtype of the result, floatX when None

    Raises
    ------
    TypeError : `y` is not made of integers. IndexError : when run, an element is too large.
    """
    ret = zeros((y.shape[0], nb_class), dtype=dtype)
    return set_subtensor(ret[arange(y.shape[0]), y], 1)


# ---------------------------------------------------------------------- repeat
class RepeatOp(Op):
    """``numpy.repeat``: each element (or slice along `axis`) `repeats` times, a number or a vector of numbers."""

    __props__ = ("axis",)
    static_inputs = (1,)
    vectorize_node = batch_rules.along_axis

    def __init__(self, axis=None):
        self.axis = axis

    def make_node(self, x, repeats):
        x, repeats = as_tensor_variable(x), as_tensor_variable(repeats)
        if repeats.dtype not in integer_dtypes:
            raise TypeError("repeats.dtype must be an integer.")
        if repeats.dtype == "uint64":
            raise TypeError(
                "dtypes ('uint64',) are not supported by numpy.repeat for the 'repeats' parameter, ", repeats.dtype
            )
        if self.axis is None:
            pattern = [False]
        else:
            pattern = list(x.broadcastable)
            try:
                once = get_scalar_constant_value(repeats) == 1
            except NotScalarConstantError:
                once = False
            if not once:
                pattern[self.axis] = False
        return Apply(self, [x, repeats], [TensorType(x.dtype, pattern)()])

    def compute(self, xp, node, x, repeats):
        return xp.repeat(x, np.asarray(repeats), axis=self.axis)

    def lower_xla(self, ctx, node, x, repeats):
        repeats = np.asarray(ctx.need(node.inputs[1], repeats))
        length = x.size if self.axis is None else x.shape[self.axis]
        if repeats.ndim and repeats.shape[0] not in (1, length) or (repeats < 0).any():
            ctx.unsupported("repeats that do not fit")
        xp = ctx.xp
        source = np.repeat(np.arange(length), repeats)
        return xp.take(xp.ravel(x) if self.axis is None else x, source, axis=self.axis or 0)

    connection_pattern = first_connected(1)

    def grad(self, inputs, gout):
        x, repeats = inputs
        gz = gout[0]
        if repeats.ndim == 1:
            return [self._added_up(x, repeats, gz), _disconnected()]
        axis = x.ndim if self.axis is None else self.axis % x.ndim + 1
        lengths = [x.shape[i] for i in range(x.ndim)]
        apart = gz.reshape([*lengths[:axis], repeats, *lengths[axis:]], x.ndim + 1)
        return [apart.sum(axis=axis), _disconnected()]

    def _added_up(self, x, repeats, gz):
        """The gradient where `repeats` is a vector: what each element was repeated to, added up."""
        axis, flat = self.axis or 0, x.flatten() if self.axis is None else x
        total = inc_subtensor(
            zeros_like(flat)[(slice(None),) * (axis % flat.ndim) + (self._source(flat, repeats),)], gz
        )
        return total.reshape(x.shape, x.ndim) if self.axis is None else total

    def _source(self, flat, repeats):
        """The place that each slice of the result comes from."""
        return RepeatOp(0)(arange(flat.shape[self.axis or 0]), repeats)

    def R_op(self, inputs, eval_points):
        return [None if eval_points[0] is None else self(eval_points[0], inputs[1])]

    def infer_shape(self, node, shapes):
        repeats = node.inputs[1]
        shape = list(shapes[0])
        # Lengths may not be uint64, which is what sums of unsigned integers are.
        total = (
            None
            if repeats.ndim == 0
            else sum_(repeats, dtype="int64" if repeats.dtype in ("uint8", "uint16", "uint32") else None)
        )
        if self.axis is not None:
            shape[self.axis] = shape[self.axis] * repeats if total is None else total
            return [shape]
        if total is None:
            total = repeats
            for k, d in enumerate(shape):
                total = d if k == 0 else total * d
            total = total * repeats if shape else repeats
        return [[total]]


def repeat(x, repeats, axis=None):
    """Each element of `x` `repeats` times: along `axis`, or of the flattened `x` when it is None.

    Parameters
    ----------
    x : tensor, not of uint64
    repeats : int or integer scalar, or an integer vector with a number for each element along the axis
    axis : int or None

    Returns
    -------
    A tensor of the dtype and number of dimensions of `x`, a vector when `axis` is None. Its gradient is implemented for
    a scalar `repeats` (NotImplementedError otherwise).

    Raises
    ------
    ValueError : `repeats` has more than one dimension; when run, a vector of another length or a negative number.
    ValueError or IndexError : there is no such axis.
    TypeError : `repeats` is not made of integers, or one of the two is uint64.
    """
    x, repeats = as_tensor_variable(x), as_tensor_variable(repeats)
    if repeats.ndim > 1:
        raise ValueError("The dimension of repeats should not exceed 1.")
    if repeats.ndim == 1:
        if not repeats.broadcastable[0]:
            return RepeatOp(axis=axis)(x, repeats)
        repeats = repeats[0]
    if x.dtype == "uint64":
        raise TypeError("theano.tensor.repeat don't support dtype uint64")
    if axis is None:
        axis, x = 0, x.flatten()
    else:
        if axis >= x.ndim:
            raise ValueError("Axis should not exceed x.ndim-1.")
        if axis < 0:
            axis += x.ndim
    # A new dimension beside the axis, of length `repeats`, which is then merged into it.
    shape = [x.shape[i] for i in range(x.ndim)]
    wide = shape[: axis + 1] + [repeats] + shape[axis + 1 :]
    shape[axis] = shape[axis] * repeats
    order = list(range(x.ndim))
    order.insert(axis + 1, "x")
    return alloc(x.dimshuffle(*order), *wide).reshape(shape)


# ---------------------------------------------------------------------- windows
class Bartlett(Op):
    """The triangular window of `M` points; see `bartlett`."""

    __props__ = ()
    static_inputs = (0,)

    def make_node(self, M):
        M = as_tensor_variable(M)
        if M.ndim != 0:
            raise TypeError("%s only works on scalar input" % type(self).__name__)
        if M.dtype not in integer_dtypes:
            raise TypeError("%s only works on integer input" % type(self).__name__)
        return Apply(self, [M], [TensorType("float64", (False,))()])

    def compute(self, xp, node, M):
        return xp.asarray(np.bartlett(int(M)))

    def infer_shape(self, node, shapes):
        M = node.inputs[0]
        return [[switch(lt(M, 0), cast(0, M.dtype), M)]]

    def grad(self, inputs, output_grads):
        return [None for _ in inputs]


bartlett_ = Bartlett()


def bartlett(M):
    """The Bartlett (triangular) window: `M` float64 values that rise from 0 to at most 1 and fall back to 0.

    `M` is an int or integer scalar; the window is empty when it is zero or less, and ``[1.]`` for 1. TypeError if it is
    no integer or no scalar.
    """
    return bartlett_(M)


# ---------------------------------------------------------------------- unique elements
class Unique(Op):
    """The sorted distinct elements of its input, or distinct slices along `axis`, as ``numpy.unique``.

    Further int64 outputs on demand: where each first occurs (`return_index`), which of them each element of the
    input is (`return_inverse`, flat), how often each occurs (`return_counts`).
    """

    __props__ = ("return_index", "return_inverse", "return_counts", "axis")
    vectorize_node = batch_rules.ragged

    def __init__(self, return_index=False, return_inverse=False, return_counts=False, axis=None):
        self.return_index, self.return_inverse, self.return_counts = return_index, return_inverse, return_counts
        self.axis = axis

    def _axis(self, ndim):
        axis = self.axis + ndim if self.axis < 0 else self.axis
        if not 0 <= axis < ndim:
            raise RuntimeError("Unique axis `{}` is outside of input ndim = {}.".format(self.axis, ndim))
        return axis

    def make_node(self, x):
        x = as_tensor_variable(x)
        pattern = [False]
        if self.axis is not None:
            pattern = list(x.broadcastable)
            pattern[self._axis(x.ndim)] = False
        extra = [self.return_index, self.return_inverse, self.return_counts]
        outputs = [TensorType(x.dtype, pattern)()]
        return Apply(self, [x], outputs + [TensorType("int64", (False,))() for wanted in extra if wanted])

    def perform(self, node, inputs, output_storage, params=None):
        found = np.unique(
            inputs[0],
            return_index=self.return_index,
            return_inverse=self.return_inverse,
            return_counts=self.return_counts,
            axis=self.axis,
        )
        found = found if isinstance(found, tuple) else (found,)
        for k, (cell, value) in enumerate(zip(output_storage, found)):
            cell[0] = value if k == 0 else value.reshape(-1).astype("int64", copy=False)

    def infer_shape(self, node, shapes):
        known = [[Shape_i(i)(out) for i in range(out.ndim)] for out in node.outputs]
        if self.axis is not None:
            axis = self._axis(len(shapes[0]))
            known[0] = [known[0][i] if i == axis else d for i, d in enumerate(shapes[0])]
        if self.return_inverse:
            known[1 + bool(self.return_index)] = [prod(shapes[0]) if self.axis is None else shapes[0][axis]]
        return known

    def __setstate__(self, state):
        self.__dict__.update({"axis": None}, **state)  # pickles older than the axis have none
