"""Rewrites of random variables that Theano-PyMC 1.1 had, and did not register: parameters are rearranged, not draws.

For draws of single numbers. What comes out has the same distribution, and other numbers.
"""

from __future__ import annotations

from typing import Any

from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.variable import Apply, Variable
from theanojax.legacy.theano_pymc_tensor import indexed_result_shape
from theanojax.tensor.as_tensor import as_tensor_variable, get_vector_length
from theanojax.tensor.broadcasting import broadcast_to
from theanojax.tensor.dims import shape_padleft
from theanojax.tensor.elemwise import DimShuffle
from theanojax.tensor.indexing.slices import get_idx_list
from theanojax.tensor.indexing.subtensor_basic import Subtensor
from theanojax.tensor.random.op import RandomVariable, broadcast_params
from theanojax.tensor.shape import Shape, Shape_i


def lift_rv_shapes(node: Apply) -> Apply | bool:
    """The random variable of `node` with parameters of the shape of the draw, and no size; False for another node."""
    op: Any = node.op
    if not isinstance(op, RandomVariable):
        return False
    rng, size, dtype, *params = list[Any](node.inputs)
    lengths = [size[i] for i in range(get_vector_length(size))]
    params = broadcast_params(params, op.ndims_params)
    if lengths:
        params = [broadcast_to(p, [*lengths, *p.shape] if op.ndim_supp else lengths) for p in params]
    return op.make_node(rng, None, dtype, *params)


def _drawn_for(node: Apply) -> Apply | None:
    """The node that draws what `node`, and nothing but shapes, makes something of, one number by one."""
    drawn: Any = node.inputs[0].owner
    if drawn is None or not isinstance(drawn.op, RandomVariable) or drawn.op.ndim_supp:
        return None
    users = (user for user, _ in getattr(node.inputs[0], "clients", ()))
    alone = all(user is node or isinstance(getattr(user, "op", None), Shape | Shape_i) for user in users)
    return drawn if alone else None


@local_optimizer([DimShuffle])
def local_dimshuffle_rv_lift(node: Apply) -> Any:
    """normal(mean, scale).T -> normal(mean.T, scale.T)"""
    drawn = _drawn_for(node) if isinstance(node.op, DimShuffle) else None
    if drawn is None or node.op.drop:
        return False
    rng, size, dtype, *params = list[Any](drawn.inputs)
    ndim, order = node.inputs[0].ndim, node.op.new_order
    lengths = [1 if o == "x" else size[o] for o in order] if get_vector_length(size) else None
    params = [shape_padleft(p, ndim - p.ndim).dimshuffle(order) for p in params]
    return [drawn.op.make_node(rng, lengths, dtype, *params).outputs[1]]


@local_optimizer([Subtensor])
def local_subtensor_rv_lift(node: Apply) -> Any:
    """normal(mean, scale)[2:] -> normal(mean[2:], scale[2:]); indices that take an element twice are left alone"""
    drawn = _drawn_for(node) if isinstance(node.op, Subtensor) else None
    if drawn is None:
        return False
    rng, _, dtype, *params = drawn.inputs
    indices = tuple(get_idx_list(node.inputs, node.op.idx_list))
    shape = list(node.inputs[0].shape)
    params = [broadcast_to(p, shape)[indices] for p in params]
    lengths = indexed_result_shape(shape, indices)
    size: Variable | list = [as_tensor_variable(n) for n in lengths]
    return [drawn.op.make_node(rng, size, dtype, *params).outputs[1]]
