"""Where something is not zero."""

import numpy as np

from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.op_methods import without_gradient
from theanojax.tensor.type import TensorType


class Nonzero(Op):
    """The indices of the elements of `a` that are not zero: a matrix with a row a dimension, a column an element.

    How many there are is known only when the graph runs, so this runs on the host.
    """

    __props__ = ()
    vectorize_node = batch_rules.ragged

    def make_node(self, a):
        a = as_tensor_variable(a)
        if a.ndim == 0:
            raise ValueError("Nonzero only supports non-scalar arrays.")
        return Apply(self, [a], [TensorType("int64", (False, False))()])

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = np.array(np.nonzero(inputs[0]), dtype="int64")

    grad = without_gradient()


_nonzero = Nonzero()


def nonzero(a, return_matrix=False):
    """Where the tensor `a` is not zero, in C order.

    Returns
    -------
    One int64 vector for each dimension of `a`, in a tuple that can index it; with `return_matrix` one int64 matrix
    with these as its rows.

    Raises
    ------
    ValueError : `a` has no dimension.
    """
    matrix = _nonzero(a)
    if return_matrix:
        return matrix
    return tuple([matrix[i] for i in range(matrix.owner.inputs[0].ndim)])


def flatnonzero(a):
    """The indices of the elements of the flattened tensor variable `a` that are not zero, an int64 vector.

    ValueError if `a` has no dimension.
    """
    if a.ndim == 0:
        raise ValueError("Nonzero only supports non-scalar arrays.")
    return _nonzero(a.flatten())[0]


def nonzero_values(a):
    """The elements of the tensor variable `a` that are not zero, in C order: a vector of its dtype.

    ValueError if `a` has no dimension.
    """
    return a.flatten()[flatnonzero(a)]


__all__ = ["Nonzero", "flatnonzero", "nonzero", "nonzero_values", "_nonzero"]
