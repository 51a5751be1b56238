"""Rewrites into the Ops of ``theano.tensor.blas``, to be asked for by name: no mode includes them."""

import numpy as np

import theanojax.tensor as T
from theanojax.errors import NotScalarConstantError
from theanojax.graph.rewrite_db import SequenceDB
from theanojax.graph.rewrite_local import local_optimizer
from theanojax.graph.rewrite_tools import inherit_stack_trace
from theanojax.graph.rewrite_walk import in2out
from theanojax.scalar.types import upcast
from theanojax.tensor.blas import (_FLOATS, _dot22, _dot22scalar, gemm_inplace, gemm_no_inplace, gemv_inplace,
                                   gemv_no_inplace, ger, ger_destructive)
from theanojax.tensor.dot import Dot


@local_optimizer([Dot])
def local_dot_to_dot22(node):
    """dot of matrices or vectors of one float dtype -> Dot22"""
    if not isinstance(node.op, Dot):
        return None
    x, y = node.inputs
    if x.dtype != y.dtype or x.dtype not in _FLOATS:
        return None
    with inherit_stack_trace(node.outputs):
        left = x if x.ndim == 2 else x.dimshuffle("x", 0)
        right = y if y.ndim == 2 else y.dimshuffle(0, "x")
        product = _dot22(left, right)
        if x.ndim == y.ndim == 2:
            return [product]
        return [product.dimshuffle(*[axis for axis, v in enumerate((x, y)) if v.ndim == 2])]


def _in_place(name, before, after):
    @local_optimizer([before], inplace=True)
    def rewrite(node):
        if node.op != before:
            return None
        with inherit_stack_trace(node.outputs):
            return [after(*node.inputs)]

    rewrite.__name__ = name
    rewrite.__doc__ = "%s -> %s" % (before, after)
    return rewrite


local_inplace_gemm = _in_place("local_inplace_gemm", gemm_no_inplace, gemm_inplace)
local_inplace_gemv = _in_place("local_inplace_gemv", gemv_no_inplace, gemv_inplace)
local_inplace_ger = _in_place("local_inplace_ger", ger, ger_destructive)


@local_optimizer([gemm_no_inplace])
def local_gemm_to_gemv(node):
    """Gemm with a row or a column -> Gemv"""
    if node.op != gemm_no_inplace:
        return None
    z, a, x, y, b = node.inputs
    with inherit_stack_trace(node.outputs):
        if z.broadcastable == x.broadcastable == (True, False):
            return [gemv_no_inplace(z.dimshuffle(1), a, y.T, x.dimshuffle(1), b).dimshuffle("x", 0)]
        if z.broadcastable == y.broadcastable == (False, True):
            return [gemv_no_inplace(z.dimshuffle(0), a, x, y.dimshuffle(0), b).dimshuffle(0, "x")]
    return None


@local_optimizer([gemm_no_inplace])
def local_gemm_to_ger(node):
    """Gemm of a column and a row, added to z or to nothing -> Ger"""
    if node.op != gemm_no_inplace:
        return None
    z, a, x, y, b = node.inputs
    if not (x.broadcastable[1] and y.broadcastable[0]):
        return None
    try:
        scale = T.get_scalar_constant_value(b)
    except NotScalarConstantError:
        return None
    if scale not in (0, 1):
        return None
    with inherit_stack_trace(node.outputs):
        start = z if scale == 1 else T.zeros([x.shape[0], y.shape[1]], x.dtype)
        return [ger(start, a, x.dimshuffle(0), y.dimshuffle(1))]


@local_optimizer([_dot22])
def local_dot22_to_ger_or_gemv(node):
    """Dot22 with a row or a column -> Ger or Gemv"""
    if node.op != _dot22:
        return None
    x, y = node.inputs
    (x_row, x_column), (y_row, y_column) = x.broadcastable, y.broadcastable
    one, zero = (T.as_tensor_variable(np.asarray(v, dtype=x.dtype)) for v in (1, 0))
    with inherit_stack_trace(node.outputs):
        if x_column and y_row:
            zeros = T.zeros([x.shape[0], y.shape[1]], dtype=x.dtype)
            return [ger(zeros, one, x.dimshuffle(0), y.dimshuffle(1))]
        if x_row and (y_column or not y_row):
            start = T.AllocEmpty(x.dtype)(1 if y_column else y.shape[1])
            return [gemv_no_inplace(start, one, y.T, x.dimshuffle(1), zero).dimshuffle("x", 0)]
        if y_column and not x_column:
            start = T.AllocEmpty(x.dtype)(x.shape[0])
            return [gemv_no_inplace(start, one, x, y.dimshuffle(0), zero).dimshuffle(0, "x")]
    return None


def _as_scalar(v, dtype):
    """`v` as a scalar of `dtype` if it is one number that the dtype holds, else None."""
    if not all(v.type.broadcastable) or upcast(v.dtype, dtype) != dtype:
        return None
    return T.cast(v.dimshuffle() if v.ndim else v, dtype)


@local_optimizer([T.mul])
def local_dot22_to_dot22scalar(node):
    """A product with a Dot22 and a number among its factors -> Dot22Scalar"""
    if node.op != T.mul:
        return False
    products = [v for v in node.inputs if v.owner and v.owner.op == _dot22]
    if not products:
        return False
    product = products[0]
    rest = list(node.inputs)
    rest.remove(product)
    for k, factor in enumerate(rest):
        inner = factor.owner.inputs if factor.owner and factor.owner.op == T.mul else [factor]
        for i, v in enumerate(inner):
            scalar = _as_scalar(v, product.dtype)
            if scalar is not None:
                others = rest[:k] + inner[:i] + inner[i + 1:] + rest[k + 1:]
                scaled = _dot22scalar(*product.owner.inputs, scalar)
                return [T.mul(scaled, *others) if others else scaled]
    return False


@local_optimizer([T.sub, T.add])
def local_print_as_we_go_along(node):
    """Prints the sums and differences of a graph; changes nothing"""
    if node.op in (T.sub, T.add):
        from theanojax.printing import debugprint

        debugprint(node)


blas_optdb = SequenceDB()
blas_optdb.register("local_dot_to_dot22", in2out(local_dot_to_dot22), 0, "fast_run", "fast_compile")
blas_optdb.register("local_dot22_to_dot22scalar", in2out(local_dot22_to_dot22scalar), 11, "fast_run")
blas_optdb.register("local_gemm_to_gemv", in2out(local_gemm_to_gemv, local_gemm_to_ger, local_dot22_to_ger_or_gemv),
                    15, "fast_run")
blas_opt_inplace = in2out(local_inplace_gemm, local_inplace_gemv, local_inplace_ger, name="blas_opt_inplace")
