"""Ops of ``theano.sparse.opt`` on the arrays that sparse matrices consist of.

Graphs show them where Theano put them because they had C code; functions run the Ops on sparse matrices.
"""

import numpy as np

import theanojax.tensor as tensor
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.scalar.types import upcast
from theanojax.sparse.csm import CSMGrad, csm_properties, major
from theanojax.sparse.products import _dots
from theanojax.sparse.type import scipy_sparse
from theanojax.sparse.variable import as_csx_variable
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.op_methods import InplaceOp, shaped_like
from theanojax.tensor.type import TensorType


def _variables(*inputs):
    return [as_tensor_variable(v) for v in inputs]


def _vector(dtype):
    return TensorType(dtype, (False,))()


class _PerElement(Op):
    """An Op on data, indices and indptr of a matrix and one more array; its output is new data."""

    __props__ = ()
    operand_ndim = 1

    def make_node(self, a_data, a_indices, a_indptr, b):
        inputs = _variables(a_data, a_indices, a_indptr, b)
        if inputs[3].type.ndim != self.operand_ndim:
            raise AssertionError(
                "%s needs an operand of %d dimensions, not %s"
                % (type(self).__name__, self.operand_ndim, inputs[3].type)
            )
        return Apply(self, inputs, [_vector(upcast(inputs[0].dtype, inputs[3].dtype))])

    infer_shape = shaped_like(0)


class MulSDCSC(_PerElement):
    """The data of a csc matrix times the elements of a dense matrix at the same places."""

    __props__ = ()
    operand_ndim = 2

    def perform(self, node, inputs, output_storage, params=None):
        data, indices, indptr, b = inputs
        output_storage[0][0] = data * b[indices, major(indptr)]


class MulSDCSR(_PerElement):
    """The data of a csr matrix times the elements of a dense matrix at the same places."""

    __props__ = ()
    operand_ndim = 2

    def perform(self, node, inputs, output_storage, params=None):
        data, indices, indptr, b = inputs
        output_storage[0][0] = data * b[major(indptr), indices]


class MulSVCSR(_PerElement):
    """The data of a csr matrix times the elements of a vector, one for each column."""

    __props__ = ()

    def perform(self, node, inputs, output_storage, params=None):
        data, indices, _, b = inputs
        output_storage[0][0] = data * b[indices]


class StructuredAddSVCSR(_PerElement):
    """The data of a csr matrix plus the elements of a vector, one for each column."""

    __props__ = ()

    def perform(self, node, inputs, output_storage, params=None):
        data, indices, _, b = inputs
        output_storage[0][0] = data + b[indices]


mul_s_d_csc, mul_s_d_csr = MulSDCSC(), MulSDCSR()
mul_s_v_csr, structured_add_s_v_csr = MulSVCSR(), StructuredAddSVCSR()


def _product_type(a_val, b):
    if b.type.ndim != 2:
        raise NotImplementedError("non-matrix b")
    return TensorType(upcast(a_val.dtype, b.dtype), (False, b.broadcastable[1]))


class StructuredDotCSC(Op):
    """The product of a csc matrix, given as data, indices, indptr and the number of its rows, and a dense one."""

    __props__ = ()

    def make_node(self, a_val, a_ind, a_ptr, a_nrows, b):
        inputs = _variables(a_val, a_ind, a_ptr, a_nrows, b)
        return Apply(self, inputs, [_product_type(inputs[0], inputs[4])()])

    def perform(self, node, inputs, output_storage, params=None):
        val, ind, ptr, rows, b = inputs
        a = scipy_sparse.csc_matrix((val, ind, ptr), (int(rows), b.shape[0]), copy=False)
        output_storage[0][0] = np.asarray(a @ b, dtype=node.outputs[0].dtype)

    def infer_shape(self, node, shapes):
        return [(node.inputs[3], shapes[4][1])]


class StructuredDotCSR(Op):
    """The product of a csr matrix, given as data, indices and indptr, and a dense one."""

    __props__ = ()

    def make_node(self, a_val, a_ind, a_ptr, b):
        inputs = _variables(a_val, a_ind, a_ptr, b)
        return Apply(self, inputs, [_product_type(inputs[0], inputs[3])()])

    def perform(self, node, inputs, output_storage, params=None):
        val, ind, ptr, b = inputs
        a = scipy_sparse.csr_matrix((val, ind, ptr), (len(ptr) - 1, b.shape[0]), copy=False)
        output_storage[0][0] = np.asarray(a @ b, dtype=node.outputs[0].dtype)

    def infer_shape(self, node, shapes):
        return [(shapes[2][0] - 1, shapes[3][1])]


sd_csc, sd_csr = StructuredDotCSC(), StructuredDotCSR()


class UsmmCscDense(InplaceOp):
    """``alpha * dot(x, y) + z`` of a csc matrix x (data, indices, indptr, number of rows) and dense y and z."""

    overwritten = 6

    def make_node(self, alpha, x_val, x_ind, x_ptr, x_nrows, y, z):
        alpha, x_val, x_ind, x_ptr, x_nrows, y, z = inputs = _variables(alpha, x_val, x_ind, x_ptr, x_nrows, y, z)
        for v, ndim in ((x_val, 1), (x_ind, 1), (x_ptr, 1), (x_nrows, 0), (y, 2), (z, 2)):
            if v.ndim != ndim:
                raise AssertionError("UsmmCscDense: expected %d dimensions, got %s" % (ndim, v.type))
        if not all(alpha.broadcastable):
            raise AssertionError("alpha has to be a number, not %s" % alpha.type)
        dtype = upcast(alpha.dtype, x_val.dtype, y.dtype, z.dtype)
        if dtype not in ("float32", "float64"):
            raise NotImplementedError("only float types are supported in this operands")
        if self.inplace and z.dtype != dtype:
            raise AssertionError("z of dtype %s cannot hold results of dtype %s" % (z.dtype, dtype))
        inputs = [v if v in (x_ind, x_ptr, x_nrows) else tensor.cast(v, dtype) for v in inputs]
        return Apply(self, inputs, [TensorType(dtype, (False, y.broadcastable[1]))()])

    def perform(self, node, inputs, output_storage, params=None):
        alpha, val, ind, ptr, rows, y, z = inputs
        x = scipy_sparse.csc_matrix((val, ind, ptr), (int(rows), y.shape[0]), copy=False)
        output_storage[0][0] = np.asarray(alpha.reshape(()) * (x @ y) + z, dtype=node.outputs[0].dtype)

    infer_shape = shaped_like(6)


usmm_csc_dense, usmm_csc_dense_inplace = UsmmCscDense(inplace=False), UsmmCscDense(inplace=True)


class CSMGradC(CSMGrad):
    """`CSMGrad`, under the name that it had with C code."""

    __props__ = ()

    def make_node(self, a_val, a_ind, a_ptr, a_dim, b_val, b_ind, b_ptr, b_dim):
        return super().make_node(a_val, a_ind, a_ptr, a_dim, b_val, b_ind, b_ptr, b_dim)


csm_grad_c = CSMGradC()


class AddSD_ccode(Op):
    """The sum of a csr or csc matrix and a dense one, a dense one."""

    __props__ = ("format", "inplace")

    def __init__(self, format, inplace=False):
        self.format, self.inplace = format, inplace
        if inplace:
            self.destroy_map = {0: [3]}

    def __str__(self):
        return "AddSD_ccode{%s%s}" % (self.format, ",inplace" if self.inplace else "")

    def make_node(self, x, y):
        x, y = as_csx_variable(x), as_tensor_variable(y)
        if x.format != self.format or y.type.ndim != 2:
            raise AssertionError(
                "a %s matrix and a dense one are needed, not %s and %s" % (self.format, x.type, y.type)
            )
        dtype = upcast(x.dtype, y.dtype)
        if self.inplace and dtype != y.dtype:
            raise AssertionError("y of dtype %s cannot hold results of dtype %s" % (y.dtype, dtype))
        data, indices, indptr, _ = csm_properties(x)
        return Apply(self, [data, indices, indptr, y], [TensorType(dtype, y.broadcastable)()])

    def perform(self, node, inputs, output_storage, params=None):
        data, indices, indptr, y = inputs
        found = np.array(y, dtype=node.outputs[0].dtype)
        places = (major(indptr), indices) if self.format == "csr" else (indices, major(indptr))
        np.add.at(found, places, data)
        output_storage[0][0] = found

    infer_shape = shaped_like(3)


class SamplingDotCSR(Op):
    """Data, indices and indptr of ``p * dot(x, y.T)``, p being a csr matrix given as such and its number of columns."""

    __props__ = ()

    def make_node(self, x, y, p_data, p_ind, p_ptr, p_ncols):
        inputs = _variables(x, y, p_data, p_ind, p_ptr, p_ncols)
        dtype = upcast(*[v.dtype for v in inputs[:2]])
        inputs[:2] = [tensor.cast(v, dtype) for v in inputs[:2]]
        return Apply(self, inputs, [_vector(upcast(dtype, inputs[2].dtype)), inputs[3].type(), inputs[4].type()])

    def perform(self, node, inputs, output_storage, params=None):
        x, y, data, indices, indptr, _ = inputs
        dtype = node.outputs[0].dtype
        output_storage[0][0] = np.asarray(data * _dots(x, major(indptr), y, indices, dtype), dtype=dtype)
        output_storage[1][0], output_storage[2][0] = indices.copy(), indptr.copy()

    def infer_shape(self, node, shapes):
        return [shapes[2], shapes[3], shapes[4]]


sampling_dot_csr = SamplingDotCSR()

__all__ = [
    "AddSD_ccode",
    "CSMGradC",
    "MulSDCSC",
    "MulSDCSR",
    "MulSVCSR",
    "SamplingDotCSR",
    "StructuredAddSVCSR",
    "StructuredDotCSC",
    "StructuredDotCSR",
    "UsmmCscDense",
    "csm_grad_c",
    "mul_s_d_csc",
    "mul_s_d_csr",
    "mul_s_v_csr",
    "sampling_dot_csr",
    "sd_csc",
    "sd_csr",
    "structured_add_s_v_csr",
    "usmm_csc_dense",
    "usmm_csc_dense_inplace",
]
