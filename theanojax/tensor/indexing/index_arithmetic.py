"""Between indices of an array and indices of the same array flattened."""

import numpy as np

from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.tensor.as_tensor import as_tensor_variable, get_vector_length
from theanojax.tensor.op_methods import shaped_like
from theanojax.tensor.type import TensorType, int_dtypes


def _checked(indices, dims):
    indices, dims = [as_tensor_variable(i) for i in indices], as_tensor_variable(dims)
    for v in indices + [dims]:
        if v.dtype not in int_dtypes:
            raise TypeError("'%s' object cannot be interpreted as an index" % v.dtype)
    if dims.ndim != 1:
        raise TypeError("dims must be a 1D array")
    return indices, dims


class UnravelIndex(Op):
    """The `ndim` coordinate arrays (int64) of flat indices into an array with the lengths `dims`.

    `order` is accepted but, as in Theano, the result is always that of row-major order.
    """

    __props__ = ("ndim", "order")

    def __init__(self, ndim, order="C"):
        if order not in ("C", "F"):
            raise ValueError("order must be 'C' or 'F', not %r" % (order,))
        if not isinstance(ndim, int) or ndim < 1:
            raise ValueError("ndim must be an integer greater than 0")
        self.ndim, self.order = ndim, order

    def make_node(self, indices, dims):
        (indices,), dims = _checked([indices], dims)
        type_ = TensorType("int64", (False,) * indices.ndim)
        return Apply(self, [indices, dims], [type_() for _ in range(self.ndim)])

    def infer_shape(self, node, shapes):
        return [shapes[0]] * len(node.outputs)

    def perform(self, node, inputs, output_storage, params=None):
        found = np.unravel_index(*inputs)
        if len(found) != len(output_storage):
            raise ValueError("%s got %d dimensions" % (self, len(found)))
        for cell, coordinate in zip(output_storage, found):
            cell[0] = np.array(coordinate, dtype="int64")

    def lower_xla(self, ctx, node, indices, dims):
        xp = ctx.xp
        ctx.guard(np.bool_(dims.shape[0] == self.ndim))
        rest, dims = xp.astype(indices, "int64"), xp.astype(dims, "int64")
        if rest.size:
            ctx.guard(xp.all((rest >= 0) & (rest < xp.prod(dims))))
        coordinates = []
        for k in reversed(range(self.ndim)):
            length = xp.maximum(dims[k], 1)
            coordinates.append(rest % length)
            rest = rest // length
        return tuple(coordinates[::-1])


def unravel_index(indices, dims, order="C", ndim=None):
    """The coordinates, one tensor a dimension, of flat indices into an array with the lengths `dims`.

    Parameters
    ----------
    indices : tensor of signed integers
    dims : sequence of ints or integer scalars, or integer vector: the lengths
    order : "C"; with "F" the result is the same, as in Theano
    ndim : int, the length of `dims`, needed when it cannot be told from `dims`

    Returns
    -------
    A tuple of int64 tensors of the shape of `indices`.

    Raises
    ------
    TypeError : `indices` or `dims` are no signed integers.
    ValueError : `ndim` is needed; at run time, an index out of bounds.
    """
    if ndim is None:
        try:
            ndim = get_vector_length(dims)
        except ValueError:
            raise ValueError(
                "The length of the provided dimension list (%s) cannot be automatically determined, so Theano is not "
                "able to know what the number of dimensions of the unraveled index will be. You can provide the "
                "'ndim' keyword argument to 'unravel_index' to avoid this problem." % (dims,)
            ) from None
    found = UnravelIndex(ndim=ndim, order=order)(indices, dims)
    return (found,) if ndim == 1 else tuple(found)


class RavelMultiIndex(Op):
    """Flat indices (int64) from coordinate arrays, one a dimension, of an array with the lengths `dims`."""

    __props__ = ("mode", "order")

    def __init__(self, mode="raise", order="C"):
        if mode not in ("raise", "wrap", "clip"):
            raise ValueError("mode must be 'raise', 'wrap' or 'clip', not %r" % (mode,))
        if order not in ("C", "F"):
            raise ValueError("order must be 'C' or 'F', not %r" % (order,))
        self.mode = mode
        self.order = order

    def make_node(self, *inp):
        coordinates, dims = _checked(inp[:-1], inp[-1])
        return Apply(self, coordinates + [dims], [TensorType("int64", (False,) * coordinates[0].ndim)()])

    infer_shape = shaped_like(0)

    def perform(self, node, inputs, output_storage, params=None):
        found = np.ravel_multi_index(tuple(inputs[:-1]), inputs[-1], mode=self.mode, order=self.order)
        output_storage[0][0] = np.asarray(found, dtype="int64")

    def lower_xla(self, ctx, node, *inputs):
        xp = ctx.xp
        coordinates, dims = [xp.astype(c, "int64") for c in inputs[:-1]], xp.astype(inputs[-1], "int64")
        ctx.guard(np.bool_(dims.shape[0] == len(coordinates)))
        flat = 0
        order = range(len(coordinates))
        for k in order if self.order == "C" else reversed(order):
            place, length = coordinates[k], dims[k]
            if self.mode == "raise":
                ctx.guard(xp.all((place >= 0) & (place < length)))
            elif self.mode == "clip":
                place = xp.minimum(xp.maximum(place, 0), length - 1)
            else:
                place = place % xp.maximum(length, 1)
            flat = flat * length + place
        return flat


def ravel_multi_index(multi_index, dims, mode="raise", order="C"):
    """Flat indices from a tuple of coordinate arrays, one for each dimension.

    Parameters
    ----------
    multi_index : tuple or list of tensors of signed integers
    dims : sequence of ints or integer scalars, or integer vector: the lengths
    mode : what to do with coordinates out of bounds: "raise" a ValueError, "wrap" around, or "clip" to the nearest
    order : "C" for row-major, "F" for column-major

    Returns
    -------
    An int64 tensor of the shape that the coordinates have.

    Raises
    ------
    TypeError : `multi_index` is no tuple or list, or its dtypes are no signed integers.
    ValueError : unknown `mode` or `order`; at run time, `dims` has another length than `multi_index`.
    """
    if not isinstance(multi_index, (tuple, list)):
        raise TypeError("multi_index must be a tuple or a list.")
    return RavelMultiIndex(mode=mode, order=order)(*(tuple(multi_index) + (dims,)))
