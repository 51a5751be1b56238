"""Parts of sparse matrices."""

import numbers

import numpy as np

import theanojax.tensor as tensor
from theanojax.arrays import safe_asarray
from theanojax.graph.gradient_types import grad_undefined
from theanojax.graph.op import Op
from theanojax.graph.type import generic
from theanojax.graph.variable import Apply, Constant, Variable
from theanojax.sparse.type import SparseType, integer_dtypes
from theanojax.sparse.variable import as_csx_variable
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.op_methods import scalar_shape, shaped_like


def _index_vector(index):
    index = as_tensor_variable(index)
    if index.ndim != 1 or index.dtype not in integer_dtypes:
        raise AssertionError("a vector of integers is needed, not %s" % index.type)
    return index


def _filled(node, x, fill):
    """A matrix like `x` with nothing in it but what `fill` puts into it, in the format of the node's output."""
    found = np.zeros(x.shape, dtype=node.outputs[0].dtype)
    fill(found)
    return SparseType.format_cls[node.outputs[0].type.format](found)


def _gradients(op, inputs, g):
    """`g` for the matrix; those for the indices after it are undefined."""
    return [g] + [grad_undefined(op, i, v, "No gradient for this input") for i, v in enumerate(inputs) if i]


class GetItemList(Op):
    """``get_item_list(x, index)``: rows of a csr or csc matrix, those that a vector of integers tells; of its type.

    AssertionError for another index; IndexError, when run, if there is no such row.
    """

    __props__ = ()

    def make_node(self, x, index):
        x = as_csx_variable(x)
        return Apply(self, [x, _index_vector(index)], [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        x, indices = inputs
        output_storage[0][0] = x[indices]

    def grad(self, inputs, g_outputs):
        return _gradients(self, inputs, get_item_list_grad(*inputs, g_outputs[0]))

    def infer_shape(self, node, shapes):
        return [(shapes[1][0], shapes[0][1])]


get_item_list = GetItemList()


class GetItemListGrad(Op):
    """The gradient of `GetItemList` for the matrix; of a row taken twice, the last one counts."""

    __props__ = ()

    def make_node(self, x, index, gz):
        x, gz = as_csx_variable(x), as_csx_variable(gz)
        return Apply(self, [x, _index_vector(index), gz], [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        x, indices, gz = inputs

        def fill(found):
            for row, value in zip(indices, gz.toarray(), strict=True):
                found[row] = value

        output_storage[0][0] = _filled(node, x, fill)

    infer_shape = shaped_like(0)


get_item_list_grad = GetItemListGrad()


class GetItem2Lists(Op):
    """``get_item_2lists(x, rows, columns)``: elements of a csr or csc matrix, told by two vectors: a dense vector.

    AssertionError unless they are vectors of integers.
    """

    __props__ = ()

    def make_node(self, x, ind1, ind2):
        x = as_csx_variable(x)
        ind1, ind2 = as_tensor_variable(ind1), as_tensor_variable(ind2)
        if ind1.dtype not in integer_dtypes or ind2.dtype not in integer_dtypes:
            raise AssertionError("indices have to be integers")
        return Apply(self, [x, ind1, ind2], [tensor.vector()])

    def perform(self, node, inputs, output_storage, params=None):
        x, ind1, ind2 = inputs
        output_storage[0][0] = np.asarray(x[ind1, ind2], dtype=node.outputs[0].dtype).ravel()

    def grad(self, inputs, g_outputs):
        return _gradients(self, inputs, get_item_2lists_grad(*inputs, g_outputs[0]))

    def infer_shape(self, node, shapes):
        return [(shapes[1][0],)]


get_item_2lists = GetItem2Lists()


class GetItem2ListsGrad(Op):
    """The gradient of `GetItem2Lists` for the matrix; of an element taken twice, the last one counts."""

    __props__ = ()

    def make_node(self, x, ind1, ind2, gz):
        x = as_csx_variable(x)
        return Apply(self, [x, _index_vector(ind1), _index_vector(ind2), gz], [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        x, ind1, ind2, gz = inputs

        def fill(found):
            for row, column, value in zip(ind1, ind2, gz, strict=True):
                found[row, column] = value

        output_storage[0][0] = _filled(node, x, fill)

    infer_shape = shaped_like(0)


get_item_2lists_grad = GetItem2ListsGrad()


def _bound(bound, what):
    if bound is None:
        return Constant(generic, None)
    if not isinstance(bound, Variable):
        bound = as_tensor_variable(bound)
    if not (bound.ndim == 0 and bound.dtype in tensor.discrete_dtypes):
        raise ValueError(
            "Impossible to index into a sparse matrix with slice where %s=%s" % (what, bound), bound.ndim, bound.dtype
        )
    return bound


class GetItem2d(Op):
    """The part of a sparse matrix in one or two slices. NotImplementedError for a scalar index: there are no vectors.

    It has no gradient.
    """

    __props__ = ()

    def make_node(self, x, index):
        x = as_csx_variable(x)
        if len(index) not in (1, 2):
            raise AssertionError("a matrix has two dimensions, not %d" % len(index))
        inputs = [x]
        for ind in list(index) + [slice(None)] * (2 - len(index)):
            if isinstance(ind, slice):
                step = None if isinstance(ind.step, numbers.Integral) and ind.step == 1 else ind.step
                inputs += [_bound(ind.start, "start"), _bound(ind.stop, "stop"), _bound(step, "step")]
            elif isinstance(ind, Variable) and getattr(ind, "ndim", -1) == 0 or np.isscalar(ind):
                raise NotImplementedError(
                    "Theano has no sparse vectorUse X[a:b, c:d], X[a:b, c:c+1] or X[a:b] instead."
                )
            else:
                raise ValueError(
                    "Advanced indexing is not implemented for sparse matrices. Argument not supported: %s" % (ind,)
                )
        return Apply(self, inputs, [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        bounds = [None if b is None else int(b) for b in inputs[1:]]
        output_storage[0][0] = inputs[0][slice(*bounds[:3]), slice(*bounds[3:])]


get_item_2d = GetItem2d()


class GetItemScalar(Op):
    """``get_item_scalar(x, (row, column))``: an element of a csr or csc matrix, a scalar. It has no gradient.

    AssertionError for more or fewer than two indices, NotImplementedError if they are no scalars.
    """

    __props__ = ()

    def make_node(self, x, index):
        x = as_csx_variable(x)
        if len(index) != 2:
            raise AssertionError("two indices are needed, not %d" % len(index))
        if any(isinstance(i, slice) for i in index):
            raise Exception("GetItemScalar called with a slice as index!")
        index = [as_tensor_variable(i) for i in index]
        for i in index:
            if i.ndim != 0:
                raise NotImplementedError("a sparse matrix is indexed by scalars, not by %s" % i.type)
        return Apply(self, [x, *index], [tensor.scalar(dtype=x.dtype)])

    def perform(self, node, inputs, output_storage, params=None):
        x, row, column = inputs
        output_storage[0][0] = safe_asarray(x[int(row), int(column)], x.dtype)

    infer_shape = scalar_shape


get_item_scalar = GetItemScalar()
