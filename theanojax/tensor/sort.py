"""Sorting, and the largest or smallest elements. Both executors sort stably, so that ties agree."""

import numpy as np

from theanojax.config import config
from theanojax.graph.gradient_types import DisconnectedType, grad_undefined
from theanojax.graph.op import Op
from theanojax.graph.type import NullType
from theanojax.graph.variable import Apply, Constant
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.creation import arange
from theanojax.tensor.flatten import flatten
from theanojax.tensor.indexing.subtensor import set_subtensor
from theanojax.tensor.math import eq, ge, mul, switch
from theanojax.tensor.shape import patternbroadcast, shape as shape_of
from theanojax.tensor.sort_keys import FEW, greatest, sorted_values, sorting_order
from theanojax.tensor.type import TensorType, float_dtypes, integer_dtypes

__all__ = ["ArgSortOp", "SortOp", "TopKOp", "argsort", "argtopk", "sort", "topk", "topk_and_argtopk"]


class _Sorting(Op):
    """What SortOp and ArgSortOp share: inputs (tensor, axis) and ``kind`` and ``order`` of numpy."""

    __props__ = ("kind", "order")
    static_inputs = (1,)
    vectorize_node = batch_rules.along_given_axis

    def __init__(self, kind, order=None):
        self.kind, self.order = kind, order

    def __str__(self):
        return "%s{%s, %s}" % (type(self).__name__, self.kind, self.order)

    def _axis(self, axis):
        if axis is None:
            return None
        if axis != int(axis):
            raise ValueError("sort axis must be an integer or None")
        return int(axis)

    def infer_shape(self, node, shapes):
        axis = node.inputs[1]
        if isinstance(axis, Constant) and axis.data is None:
            return [(mul(*shapes[0]),)]
        return [shapes[0]]

    def _undefined_axis(self, axis, why):
        return grad_undefined(self, 1, axis, why)


class SortOp(_Sorting):
    """A sorted copy of a tensor along an axis; see `sort`."""

    def make_node(self, input, axis=-1):
        input, axis = as_tensor_variable(input), as_tensor_variable(axis)
        return Apply(self, [input, axis], [input.type()])

    def perform(self, node, inputs, output_storage, params=None):
        a, axis = inputs
        output_storage[0][0] = np.sort(a, self._axis(axis), self.kind, self.order)

    def lower_xla(self, ctx, node, a, axis):
        return sorted_values(ctx, a, self._axis(ctx.need(node.inputs[1], axis)))

    def grad(self, inputs, output_grads):
        a, axis = inputs
        g_axis = self._undefined_axis(
            axis, "The gradient of sort is not defined with respect to the integer axes itself"
        )
        moved = output_grads[0][tuple(self._places(a, axis))]
        if any(a.broadcastable):  # an index by arrays keeps no such promise
            moved = patternbroadcast(moved, a.broadcastable)
        return [moved, g_axis]

    def R_op(self, inputs, eval_points):
        if eval_points[0] is None:
            return [None]
        a, axis = inputs
        order = argsort(a, axis, kind=self.kind, order=self.order)
        along = int(axis.data) % a.ndim
        places = [
            order if i == along else arange(a.shape[i]).dimshuffle([0] + ["x"] * (a.ndim - i - 1))
            for i in range(a.ndim)
        ]
        return [eval_points[0][tuple(places)]]

    def _places(self, a, axis):
        """An index, one array a dimension, that puts sorted elements back where they were."""
        order = argsort(a, axis, kind=self.kind, order=self.order)
        back = argsort(order, axis, kind=self.kind, order=self.order)
        along = switch(ge(axis.data, 0), axis.data, a.ndim + axis.data)
        places = []
        for i in range(a.ndim):
            shape = [1] * a.ndim
            shape[i] = a.shape[i]
            places.append(switch(eq(i, along), back, arange(a.shape[i]).reshape(shape)))
        return places


def sort(a, axis=-1, kind="quicksort", order=None):
    """A sorted copy of the tensor `a`, in ascending order, nan last.

    Parameters
    ----------
    a : tensor
    axis : int, integer scalar, or None to sort the flattened tensor into a vector
    kind : "quicksort", "mergesort" or "heapsort", as for numpy; inside XLA the sort is always stable
    order : as for numpy, of structured arrays

    ValueError, when run, for an axis that `a` doesn't have.
    """
    if axis is None:
        a, axis = a.flatten(), 0
    return SortOp(kind, order)(a, axis)


class ArgSortOp(_Sorting):
    """The indices (int64) that sort a tensor along an axis; see `argsort`."""

    def make_node(self, input, axis=-1):
        input, axis = as_tensor_variable(input), as_tensor_variable(axis)
        return Apply(self, [input, axis], [TensorType("int64", input.type.broadcastable)()])

    def perform(self, node, inputs, output_storage, params=None):
        a, axis = inputs
        # Equal elements keep their order whatever the kind: so do they inside XLA.
        found = np.argsort(a, self._axis(axis), "stable", self.order)
        output_storage[0][0] = np.asarray(found, dtype="int64")

    def lower_xla(self, ctx, node, a, axis):
        return sorting_order(ctx, a, self._axis(ctx.need(node.inputs[1], axis)))

    def grad(self, inputs, output_grads):
        g_axis = self._undefined_axis(
            inputs[1], "argsort is not defined for non-integer axes so argsort(x, axis+eps) is undefined"
        )
        return [inputs[0].zeros_like(), g_axis]

    def R_op(self, inputs, eval_points):
        return [None]


def argsort(a, axis=-1, kind="quicksort", order=None):
    """The indices that sort the tensor `a` along `axis`, as an int64 tensor of its shape.

    Parameters and errors are those of `sort`; with `axis` None it is a vector of indices into the flattened `a`.
    """
    if axis is None:
        a, axis = a.flatten(), 0
    return ArgSortOp(kind, order)(a, axis)


# ---------------------------------------------------------------------- the k largest
class TopKOp(Op):
    """The `kth` largest elements along an axis, or smallest when `kth` is negative, and their indices.

    Parameters
    ----------
    axis : int
    sorted : whether the results are in descending order, which Theano did not have; else in any
    idx_dtype : integer dtype of the indices
    return_values, return_indices : which outputs there are; at least one

    Raises
    ------
    ValueError : no output is wanted; at run time, `kth` is 0 or larger than the length of the axis.
    """

    __props__ = ("axis", "sorted", "return_values", "return_indices", "idx_dtype")
    static_inputs = (1,)
    vectorize_node = batch_rules.along_axis

    def __init__(self, axis=-1, sorted=True, idx_dtype="int64", return_values=True, return_indices=True):
        if not isinstance(axis, int):
            raise TypeError('"axis" parameter must be integer, got "%s"' % type(axis))
        if idx_dtype not in integer_dtypes:
            raise TypeError('"idx_dtype" parameter must be an integer dtype, got "%s"' % idx_dtype)
        if not return_values and not return_indices:
            raise ValueError("Neither return_values nor return_indices is True, this isn't allowed")
        self.axis, self.sorted, self.idx_dtype = axis, sorted, idx_dtype
        self.return_values, self.return_indices = return_values, return_indices

    def __str__(self):
        return "%s{axis=%d, sorted=%s}" % (type(self).__name__, self.axis, self.sorted)

    def make_node(self, inp, kth):
        inp, kth = as_tensor_variable(inp), as_tensor_variable(kth)
        ndim = inp.ndim
        if ndim == 0:
            raise ValueError("Cannot take scalar as input")
        if not -ndim <= self.axis < ndim:
            raise IndexError('"axis" parameter out of range, expected integer within [%d, %d]' % (-ndim, ndim - 1))
        if kth.ndim != 0:
            raise ValueError("%s is expected to be 0d tensor, got %d" % (kth, kth.ndim))
        outs = [inp.type()] if self.return_values else []
        if self.return_indices:
            outs.append(TensorType(self.idx_dtype, inp.type.broadcastable)())
        return Apply(self, [inp, kth], outs)

    def _count(self, x, kth):
        """`kth` as a plain number that is fit for `x`."""
        k, axis = int(kth), self.axis % x.ndim
        if k == 0:
            raise ValueError("topk: kth cannot be zero")
        if abs(k) > x.shape[axis]:
            raise ValueError("topk: kth cannot be larger than the size of specified axis %d" % axis)
        return k, axis

    def _places(self, x, order):
        """An index of `x`, one array a dimension, for the elements whose indices along the axis are `order`."""
        lengths, axis = shape_of(x), self.axis % x.ndim
        return [
            order if i == axis else arange(lengths[i]).dimshuffle([0] + ["x"] * (x.ndim - i - 1)) for i in range(x.ndim)
        ]

    def _outputs(self, values, indices):
        outs = [out() for out, wanted in ((values, self.return_values), (indices, self.return_indices)) if wanted]
        return tuple(outs) if len(outs) > 1 else outs[0]

    def _pick(self, xp, x, order, k, axis):
        """The outputs, given `order`: the indices of the first ``abs(k)`` elements, or more."""
        part = [slice(None)] * x.ndim
        part[axis] = slice(0, abs(k))
        order = order[tuple(part)]
        if self.sorted and k < 0:
            order = xp.flip(order, axis)
        return self._outputs(lambda: xp.take_along_axis(x, order, axis=axis), lambda: order)

    def compute(self, xp, node, x, kth):
        k, axis = self._count(x, kth)
        if k == x.shape[axis] and not self.sorted:
            places = np.arange(k).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
            return self._outputs(lambda: x, lambda: xp.broadcast_to(places, x.shape))
        if k < 0:
            return self._pick(xp, x, xp.argsort(x, axis=axis), k, axis)
        # Descending, the first of equal elements first: so one element is the first maximum, as argmax finds it.
        back = tuple([slice(None, None, -1 if i == axis else None) for i in range(x.ndim)])
        order = xp.argsort(x[back], axis=axis)
        return self._pick(xp, x, x.shape[axis] - 1 - order[back], k, axis)

    def lower_xla(self, ctx, node, x, kth):
        kth = ctx.need(node.inputs[1], kth)
        k, axis = self._count(x, kth)
        if x.dtype.kind == "f" and 0 < abs(k) <= FEW and (self.sorted or k != x.shape[axis]):
            return self._pick(ctx.xp, x, greatest(ctx, x, k, axis), k, axis)
        return self.compute(ctx.xp, node, x, kth)

    def infer_shape(self, node, shapes):
        shape = list(shapes[0])
        shape[self.axis] = abs(node.inputs[1])
        return [tuple(shape) for _ in node.outputs]

    def L_op(self, inputs, outputs, out_grads):
        x, k = inputs
        k_grad = grad_undefined(self, 1, k, "topk: k is not differentiable")
        if not self.return_indices:
            return [grad_undefined(self, 0, x, "topk: cannot get gradient without both indices and values"), k_grad]
        if isinstance(out_grads[0].type, DisconnectedType):
            return [x.zeros_like(dtype=x.dtype if x.dtype in float_dtypes else config.floatX), k_grad]
        if isinstance(out_grads[0].type, NullType):
            return [out_grads[0], k_grad]
        places = self._places(x, outputs[-1])
        x_grad = x.zeros_like(dtype=out_grads[0].dtype)
        return [set_subtensor(x_grad[tuple(places)], out_grads[0]), k_grad]

    def R_op(self, inputs, eval_points):
        (x, k), moved = inputs, eval_points[0]
        if moved is None or not self.return_values:
            return [None for _ in range(self.return_values + self.return_indices)]
        op = TopKOp(self.axis, self.sorted, self.idx_dtype, return_values=False)
        values = [moved[tuple(self._places(x, op(x, k)))]]
        return values + [None] * self.return_indices


def _topk(x, kth, axis, sorted, idx_dtype):
    if axis is None:
        x, axis = flatten(x), 0
    return TopKOp(axis=axis, sorted=sorted, idx_dtype=idx_dtype)(x, kth)


def topk(x, kth, axis=-1, sorted=True, idx_dtype="int64"):
    """The `kth` largest elements of `x` along `axis`.

    Parameters
    ----------
    x : tensor
    kth : int or integer scalar, not 0; a negative one asks for the smallest elements
    axis : int, or None for the flattened tensor
    sorted : whether they are in descending order, also the smallest; in no particular order otherwise
    idx_dtype : integer dtype of the indices, which the gradient needs

    Returns
    -------
    A tensor of the dtype of `x`, whose length along `axis` is ``abs(kth)``.

    Raises
    ------
    ValueError : `x` has no dimension or `kth` has one; when run, `kth` is 0 or greater than the length of the axis.
    IndexError : there is no such axis. TypeError : `axis` is no int, or `idx_dtype` no integer dtype.
    """
    return _topk(x, kth, axis, sorted, idx_dtype)[0]


def argtopk(x, kth, axis=-1, sorted=True, idx_dtype="int64"):
    """The indices, of dtype `idx_dtype`, of the elements that `topk` gives, in the same order.

    The parameters `x`, `kth`, `axis` and `sorted`, and the errors, are those of `topk`.
    """
    return _topk(x, kth, axis, sorted, idx_dtype)[1]


def topk_and_argtopk(x, kth, axis=-1, sorted=True, idx_dtype="int64"):
    """A list of the results of `topk` and `argtopk`, whose parameters `x`, `kth` ... it has, from one Op."""
    return _topk(x, kth, axis, sorted, idx_dtype)
