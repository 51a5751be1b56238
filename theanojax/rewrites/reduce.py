"""Sums, products and other reductions: fewer of them, of smaller things."""

from functools import partial

import numpy as np

import theanojax.tensor as T
from theanojax import scalar as scal
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.rewrites.common import (
    applies,
    cast_replacement,
    combined,
    constant_value,
    declared_replacement,
    is_integer,
    is_number,
    maker,
    replacement,
    scalar_maker,
)
from theanojax.tensor.argmax import Argmax, MaxAndArgmax
from theanojax.tensor.creation import Alloc
from theanojax.tensor.elemwise import DimShuffle, elementwise, shuffled
from theanojax.tensor.join import Join
from theanojax.tensor.reduce import All, Any, CAReduce, Prod, ProdWithoutZeros, Sum

ALL_REDUCE = [CAReduce, All, Any, Sum, Prod, ProdWithoutZeros]


def _axes(node):
    axis = node.op.axis
    return tuple(range(node.inputs[0].ndim)) if axis is None else tuple(axis)


def _same_kind(op, axis):
    """A Sum or Prod of the same dtypes as `op` along another axis."""
    return (Sum if isinstance(op, Sum) else Prod)(axis=axis, dtype=op.dtype, acc_dtype=op.acc_dtype)


def _reduces_alike(op, v):
    """Whether `op`, a Sum or Prod, gives as much for the variable `v` as it would if `v` did not wrap around.

    It does for integers if the result keeps no more bits than they have, and for other numbers if it is no integer.
    """
    into = [np.dtype(op.dtype), np.dtype(op.acc_dtype)]
    if not is_integer(v):
        return all(d.kind in "fc" for d in into)
    return v.dtype != "bool" and all(d.kind in "iu" for d in into) and into[0].itemsize <= np.dtype(v.dtype).itemsize


@local_optimizer([Sum, Prod])
def local_sum_prod_mul_by_scalar(node):
    """sum(scalar * x) -> scalar * sum(x); sum(-x) -> -sum(x); prod(scalar * x) -> scalar ** size(x) * prod(x)"""
    if not isinstance(node.op, (Sum, Prod)) or not _reduces_alike(node.op, node.inputs[0]):
        return False
    x = node.inputs[0]
    negated = scalar_maker(x, scal.Neg)
    if isinstance(node.op, Sum) and negated is not None:
        total = node.op(negated.inputs[0])
        copy_stack_trace(node.outputs[0], total)
        return replacement(node, T.neg(total))
    product = scalar_maker(x, scal.Mul)
    if product is None:
        return False
    scalars = [v.dimshuffle() for v in product.inputs if all(v.type.broadcastable)]
    rest = [v for v in product.inputs if not all(v.type.broadcastable)]
    if not scalars:
        return False
    if rest:
        inner = combined(T.mul, rest, x.dtype)
        reduced = node.op(inner)
        copy_stack_trace(node.outputs[0], [reduced] + ([inner] if len(rest) > 1 else []))
        if isinstance(node.op, Prod):
            if node.op.axis is not None and len(_axes(node)) != x.ndim:
                size = T.mul(*[inner.shape[a] for a in _axes(node)])
            else:
                size = inner.size
            if x.dtype == "uint64":
                size = T.cast(size, x.dtype)  # with int64 it would give a float64
            scalars = [s**size for s in scalars]
        scalars.append(reduced)
    ret = scalars[0] if len(scalars) == 1 else T.mul(*scalars)
    if ret.type.dtype != node.outputs[0].type.dtype:
        ret = T.cast(ret, node.outputs[0].type.dtype)
    return replacement(node, ret)


@local_optimizer([Sum, Prod])
def local_sum_prod_div_dimshuffle(node):
    """sum(a / b.dimshuffle(0, 'x'), axis=1) -> sum(a, axis=1) / b; of a product, / b ** a.shape[1]"""
    if not isinstance(node.op, (Sum, Prod)):
        return False
    quotient = scalar_maker(node.inputs[0], scal.TrueDiv)
    if quotient is None:
        return False
    num, denom = quotient.inputs
    if is_integer(num):
        num = T.cast(num, node.inputs[0].dtype)
    shuffle = maker(denom, DimShuffle)
    if shuffle is None:
        return False
    axis, order = _axes(node), shuffle.op.new_order
    free = [a for a in axis if order[a] == "x"]
    if not free:
        return False
    others = [a - sum(f < a for f in free) for a in axis if a not in free]
    new_order = [i for a, i in enumerate(order) if a not in axis or i != "x"]
    while new_order and new_order[0] == "x":  # it is padded on the left anyway
        del new_order[0]
    b = shuffle.inputs[0]
    if new_order != list(range(len(new_order))) or len(new_order) != b.ndim:
        b = shuffled(b, new_order)
    if isinstance(node.op, Sum):
        ret = T.true_div(T.sum(num, axis=free), b)
        ret = T.sum(ret, axis=others) if others else ret
    else:
        count = T.prod([num.shape[a].astype(num.dtype) for a in free])
        ret = T.true_div(T.prod(num, axis=free), b**count)
        ret = T.prod(ret, axis=others) if others else ret
    return replacement(node, ret)


@local_optimizer([Sum, Prod])
def local_sum_prod_all_to_none(node):
    """Sum{0, 1} of a matrix -> Sum, so that more can be merged"""
    if not isinstance(node.op, (Sum, Prod)) or node.op.axis is None:
        return False
    if set(node.op.axis) != set(range(node.inputs[0].type.ndim)):
        return False
    return replacement(node, _same_kind(node.op, None)(node.inputs[0]))


@local_optimizer([Sum, Prod])
def local_op_of_op(node):
    """sum(sum(x)) -> sum(x), when the inner one has no other user; the same for products"""
    if not isinstance(node.op, (Sum, Prod)):
        return False
    x = node.inputs[0]
    inner = maker(x, type(node.op))
    if inner is None or len(x.clients) != 1:
        return False
    if not _reduces_alike(node.op, x) or is_integer(x) and not is_integer(inner.inputs[0]):
        return False
    if inner.op.axis is None or node.op.axis is None:
        return replacement(node, _same_kind(node.op, None)(inner.inputs[0]))
    left = [a for a in range(inner.inputs[0].ndim) if a not in inner.op.axis]
    axis = list(inner.op.axis) + [left[a] for a in node.op.axis]
    return replacement(node, _same_kind(node.op, axis)(inner.inputs[0]))


@local_optimizer(ALL_REDUCE)
def local_reduce_join(node):
    """sum(stack([a, b]), axis=0) -> a + b; the same for products, and the maximum and minimum of two"""
    if not isinstance(node.op, CAReduce):
        return False
    join = maker(node.inputs[0], Join)
    if join is None or not is_number(join.inputs[0], 0) or _axes(node) != (0,):
        return False
    if isinstance(node.op.scalar_op, (scal.Maximum, scal.Minimum)):
        if len(join.inputs) != 3:
            return False
    elif not isinstance(node.op.scalar_op, (scal.Add, scal.Mul)) or len(join.inputs) <= 2:
        return False
    parts = []
    for v in join.inputs[1:]:
        padded = maker(v, DimShuffle)
        if padded is None or padded.op.new_order != ("x",) + tuple(range(padded.inputs[0].ndim)):
            return False
        parts.append(padded.inputs[0])
    return replacement(node, elementwise(node.op.scalar_op)(*parts))


@local_optimizer(ALL_REDUCE)
def local_useless_reduce(node):
    """sum(x, axis=[]) -> x"""
    if not isinstance(node.op, CAReduce):
        return False
    return replacement(node, node.inputs[0])


@local_optimizer(ALL_REDUCE)
def local_reduce_broadcastable(node):
    """A dimension of length 1 is dropped rather than reduced."""
    if not isinstance(node.op, CAReduce):
        return False
    x, dtype = node.inputs[0], node.outputs[0].dtype
    axis = _axes(node)
    ones = [a for a in axis if x.broadcastable[a]]
    if not ones or (node.op.axis is None and len(ones) < x.ndim):
        return False
    kept = [a for a in range(x.ndim) if a not in ones]
    dropped = x.dimshuffle(*kept)
    copy_stack_trace(node.outputs[0], dropped)
    new_axis = [i for i, a in enumerate(kept) if a in axis]
    if not new_axis:
        return replacement(node, dropped.astype(dtype))
    if type(node.op) is CAReduce:
        return replacement(node, CAReduce(node.op.scalar_op, axis=new_axis)(dropped))
    if isinstance(node.op, (Sum, Prod)):
        return replacement(node, _same_kind(node.op, new_axis)(dropped))
    return replacement(node, type(node.op)(axis=new_axis)(dropped))


@local_optimizer([Sum, Prod])
def local_opt_alloc(node):
    """sum(alloc(number, shape)) -> number * size; of a product, number ** size"""
    if not isinstance(node.op, (Sum, Prod)):
        return False
    inner = maker(node.inputs[0], Alloc)
    if inner is None:
        return False
    number = constant_value(inner.inputs[0], only_process_constants=True)
    if number is None or not np.isfinite(number):  # of no elements the sum is 0, and inf * 0 is not
        return False
    axis, lengths = _axes(node), inner.inputs[1:]
    value = T.as_tensor_variable(number.reshape(()))
    reduced = [n for i, n in enumerate(lengths) if i in axis]
    if reduced:
        size = T.mul(*reduced)
        if inner.inputs[0].dtype in ("float16", "float32"):
            size = size.astype("float32")  # neither up to float64 nor down to float16
        elif is_integer(value):
            value = T.cast(value, node.op.acc_dtype)
            if value.dtype == "uint64":
                size = T.cast(size, "uint64")  # with int64 it would give a float64
        value = value * size if isinstance(node.op, Sum) else value**size
    value = value.astype(node.outputs[0].dtype)
    kept = [n for i, n in enumerate(lengths) if i not in axis]
    ret = T.alloc(value, *kept) if kept else value
    return declared_replacement(node, ret)


@local_optimizer([Sum])
def local_sumsqr2dot(node):
    """sqr(W.dimshuffle('x', 0, 1) * G.dimshuffle(0, 'x', 1)).sum(axis=(1, 2)) -> dot(sqr(G), sqr(W).sum(axis=0))"""
    if not isinstance(node.op, Sum) or node.op.axis != (1, 2) or is_integer(node.inputs[0]):
        return False
    square = scalar_maker(node.inputs[0], scal.Sqr)
    product = scalar_maker(square.inputs[0], scal.Mul) if square is not None else None
    if product is None or len(product.inputs) != 2:
        return False
    w, g = [maker(v, DimShuffle) for v in product.inputs]
    if w is None or g is None or w.op.new_order != ("x", 0, 1) or g.op.new_order != (0, "x", 1):
        return False
    ret = T.dot(T.sqr(g.inputs[0]), T.sqr(w.inputs[0]).sum(axis=0))
    return cast_replacement(node, ret)


# ---------------------------------------------------------------- these leave the standard form
@local_optimizer([MaxAndArgmax])
def local_max_and_argmax(node):
    """Compute only the maximum, or only its position, when the other is not used."""
    if not isinstance(node.op, MaxAndArgmax):
        return False
    maximum, position = node.outputs
    for out, other, op in ((maximum, position, partial(CAReduce, scal.maximum)), (position, maximum, Argmax)):
        if not other.clients:
            new = op(node.op.axis)(node.inputs[0])
            copy_stack_trace(out, new)
            return [new if v is out else None for v in node.outputs] if new.type == out.type else False
    return False


@local_optimizer([T.neg])
def local_max_to_min(node):
    """-max(-x) -> min(x)"""
    if not applies(node, scal.Neg) or np.dtype(node.inputs[0].dtype).kind in "ub":  # -x of an unsigned x grows with it
        return False
    maximum = maker(node.inputs[0], CAReduce)
    if maximum is None or not isinstance(maximum.op.scalar_op, scal.Maximum):
        return False
    negated = scalar_maker(maximum.inputs[0], scal.Neg)
    if negated is None:
        return False
    return replacement(node, CAReduce(scal.minimum, maximum.op.axis)(negated.inputs[0]))
