"""Rewrites into the Ops of ``theano.tensor.blas``, in the forms that Theano's graphs show."""

import numpy as np

import theanojax.tensor as T
from theanojax.config import config
from theanojax.errors import NotScalarConstantError
from theanojax.graph.rewriting.equilibrium import EquilibriumOptimizer
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.rewriting.tools import inherit_stack_trace
from theanojax.graph.rewriting.walk import in2out
from theanojax.graph.variable import Constant
from theanojax.printing import debugprint
from theanojax.rewrites.common import is_integer
from theanojax.rewrites.dimshuffle import local_dimshuffle_lift
from theanojax.rewrites.gemm import _as_scalar
from theanojax.scalar.types import upcast
from theanojax.tensor.linalg.blas import (
    _FLOATS,
    _dot22,
    _dot22scalar,
    cgemv_inplace,
    cgemv_no_inplace,
    cger_inplace,
    cger_no_inplace,
    gemm_inplace,
    gemm_no_inplace,
    gemv_inplace,
    gemv_no_inplace,
    ger,
    ger_destructive,
    scipy_ger_inplace,
    scipy_ger_no_inplace,
)
from theanojax.tensor.linalg.products import Dot


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


def _applied(op, node):
    with inherit_stack_trace(node.outputs):
        return [op(*node.inputs)]


def _replaces(name, before, after, inplace=True):
    """A rewrite that applies the Op `after` where `before` was."""

    @local_optimizer([before], inplace=inplace)
    def rewrite(node):
        return _applied(after, node) if node.op == before else None

    rewrite.__name__ = name
    rewrite.__doc__ = "%s -> %s" % (before, after)
    return rewrite


local_inplace_gemm = _replaces("local_inplace_gemm", gemm_no_inplace, gemm_inplace)
local_inplace_gemv = _replaces("local_inplace_gemv", gemv_no_inplace, gemv_inplace)
local_inplace_ger = _replaces("local_inplace_ger", ger, ger_destructive)
make_c_ger_destructive = _replaces("make_c_ger_destructive", cger_no_inplace, cger_inplace)
use_scipy_ger = _replaces("use_scipy_ger", ger, scipy_ger_no_inplace, inplace=False)
make_ger_destructive = _replaces("make_ger_destructive", scipy_ger_no_inplace, scipy_ger_inplace)


@local_optimizer([gemm_no_inplace])
def local_gemm_to_gemv(node):
    """Gemm with a row or a column -> Gemv"""
    if node.op != gemm_no_inplace:
        return None
    z, a, x, y, b = node.inputs
    with inherit_stack_trace(node.outputs):
        row, column = (True, False), (False, True)
        if (z.broadcastable, x.broadcastable) == (row, row):
            return [gemv_no_inplace(z.dimshuffle(1), a, y.T, x.dimshuffle(1), b).dimshuffle("x", 0)]
        if (z.broadcastable, y.broadcastable) == (column, column):
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
            return [ger(T.zeros([x.shape[0], y.shape[1]], x.dtype), one, x.dimshuffle(0), y.dimshuffle(1))]
        if x_row and (y_column or not y_row):
            start = T.AllocEmpty(x.dtype)(1 if y_column else y.shape[1])
            return [gemv_no_inplace(start, one, y.T, x.dimshuffle(1), zero).dimshuffle("x", 0)]
        if y_column and not x_column:
            start = T.AllocEmpty(x.dtype)(x.shape[0])
            return [gemv_no_inplace(start, one, x, y.dimshuffle(0), zero).dimshuffle(0, "x")]
    return None


@local_optimizer([T.mul])
def local_dot22_to_dot22scalar(node):
    """A product with a Dot22 and a number among its factors, or among those of a product in it -> Dot22Scalar

    It runs after Gemm had its chance, since that does not know Dot22Scalar.
    """
    if node.op != T.mul:
        return False
    product = next((v for v in node.inputs if v.owner is not None and v.owner.op == _dot22), None)
    if product is None:
        return False
    rest = list(node.inputs)
    rest.remove(product)
    if any(_as_scalar(v, product.dtype) is not None for v in node.inputs):
        return _scaled_product(node, product, rest, [])
    for k, v in enumerate(rest):
        if (
            v.owner is not None
            and v.owner.op == T.mul
            and not is_integer(v)
            and any(_as_scalar(u, product.dtype) is not None for u in v.owner.inputs)
        ):
            return _scaled_product(node, product, v.owner.inputs, rest[:k] + rest[k + 1 :])
    return False


def _scaled_product(node, product, factors, others):
    """[Dot22Scalar of `product` and the first number among `factors`, times what is left] for `node`, or False."""
    for i, v in enumerate(factors):
        number = _as_scalar(v, product.dtype)
        if number is not None and upcast(v.dtype, product.dtype) == product.dtype:
            left = others + factors[:i] + factors[i + 1 :]
            with inherit_stack_trace(node.outputs):
                scaled = _dot22scalar(*product.owner.inputs, T.cast(number, product.dtype))
                return [T.mul(scaled, *left) if left else scaled]
    return False


def _calls_blas(node, before):
    """Whether `node` applies `before` to what a BLAS library knows, and there is such a library."""
    return config.blas.ldflags and node.op == before and node.outputs[0].dtype in ("float32", "float64")


@local_optimizer([gemv_inplace, gemv_no_inplace])
def use_c_gemv(node):
    """Gemv -> CGemv"""
    for before, after in ((gemv_no_inplace, cgemv_no_inplace), (gemv_inplace, cgemv_inplace)):
        if _calls_blas(node, before):
            return _applied(after, node)


@local_optimizer([ger, ger_destructive])
def use_c_ger(node):
    """Ger -> CGer"""
    for before, after in ((ger, cger_no_inplace), (ger_destructive, cger_inplace)):
        if _calls_blas(node, before):
            return _applied(after, node)


@local_optimizer([cgemv_no_inplace], inplace=True)
def make_c_gemv_destructive(node):
    """CGemv{no_inplace} -> CGemv{inplace}, on memory of its own where that was shared with another node"""
    if node.op != cgemv_no_inplace:
        return None
    start, *rest = node.inputs
    if start.owner is not None and isinstance(start.owner.op, T.AllocEmpty) and len(start.clients) > 1:
        start = T.AllocEmpty(start.dtype)(*start.owner.inputs)
    with inherit_stack_trace(node.outputs):
        return [cgemv_inplace(start, *rest)]


def _is_product(v):
    """Whether `v` is a matrix product, or one times a number."""
    if v.owner is not None and v.owner.op == T.mul:
        rest = [u for u in v.owner.inputs if not all(u.broadcastable)]
        v = rest[0] if len(rest) == 1 else v
    return v.owner is not None and isinstance(v.owner.op, Dot)


@local_optimizer([T.add, T.sub])
def local_scaled_by_zero(node):
    """b * z + dot(x, y) -> switch(b == 0, 0, b * z) + dot(x, y), for the number b

    BLAS, which Theano would have called with this sum, doesn't read z where b is 0, so that NaN in it is lost.
    """
    if node.op not in (T.add, T.sub) or len(node.inputs) != 2 or node.outputs[0].dtype not in _FLOATS:
        return None
    for i, v in enumerate(node.inputs):
        if v.owner is None or v.owner.op != T.mul or len(v.owner.inputs) != 2 or v.type != node.outputs[0].type:
            continue
        numbers = [u for u in v.owner.inputs if all(u.broadcastable) and not isinstance(u, Constant)]
        if len(numbers) == 1 and not _is_product(v) and _is_product(node.inputs[1 - i]):
            terms = list(node.inputs)
            with inherit_stack_trace(node.outputs):
                terms[i] = T.switch(T.eq(numbers[0], 0), np.asarray(0, dtype=v.dtype), v)
                return [node.op(*terms)]
    return None


@local_optimizer([T.sub, T.add])
def local_print_as_we_go_along(node):
    """Prints the sums and differences of a graph; changes nothing"""
    if node.op in (T.sub, T.add):
        debugprint(node)


to_vectors = EquilibriumOptimizer(
    [local_gemm_to_gemv, local_gemm_to_ger, local_dot22_to_ger_or_gemv, local_dimshuffle_lift],
    max_use_ratio=5,
    ignore_newtrees=False,
)
use_scipy_blas = in2out(use_scipy_ger)
make_scipy_blas_destructive = in2out(make_ger_destructive)
blas_opt_inplace = in2out(local_inplace_gemm, local_inplace_gemv, local_inplace_ger, name="blas_opt_inplace")
c_blas_destructive = in2out(make_c_ger_destructive, make_c_gemv_destructive, name="c_blas_destructive")
