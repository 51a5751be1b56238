"""Elementwise Ops that do nothing, whose result is known, or that undo each other."""

import theanojax.tensor as T
from theanojax import scalar as scal
from theanojax.graph.rewriting.local import OpRemove, local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.rewrites.common import (
    applies,
    constant_value,
    elemwise_rewrite,
    is_number,
    maker,
    replacement,
    scalar_maker,
)
from theanojax.tensor.elemwise import Elemwise
from theanojax.tensor.gradient_ops import ViewOp
from theanojax.tensor.indexing.subtensor import Subtensor
from theanojax.tensor.join import Join
from theanojax.tensor.shape import MakeVector, Shape, Shape_i
from theanojax.tensor.type import values_eq_approx_remove_nan
from theanojax.tensor.var import TensorConstant


def _filled(node, like, number):
    """A result of the dtype of `node` full of `number`, with the shape of `like`."""
    dtype = node.outputs[0].dtype
    ret = (T.ones_like if number else T.zeros_like)(like, dtype=dtype, opt=True)
    return replacement(node, ret)


def _if_same_type(node, ret):
    return [ret] if ret.type == node.outputs[0].type else False


@elemwise_rewrite(scal.EQ, scal.NEQ, scal.Mul, scal.Add, scal.Identity, scal.AND, scal.OR, scal.XOR)
def local_useless_elemwise(node):
    """eq(x, x) -> 1; neq(x, x) -> 0; mul(x), add(x), identity(x) -> x; and/or with a constant; xor(x, x) -> 0"""
    if not isinstance(node.op, Elemwise):
        return False
    op, inputs = node.op.scalar_op, node.inputs
    if len(inputs) == 1:
        if isinstance(op, (scal.Mul, scal.Add, scal.Identity)):
            return _if_same_type(node, inputs[0])
        return False
    if len(inputs) != 2:
        return False
    same = inputs[0] is inputs[1]
    if isinstance(op, scal.EQ):
        return _filled(node, inputs[0], 1) if same else False
    if isinstance(op, (scal.NEQ, scal.XOR)):
        return _filled(node, inputs[0], 0) if same else False
    if isinstance(op, (scal.AND, scal.OR)):
        for const, other in ((inputs[0], inputs[1]), (inputs[1], inputs[0])):
            if isinstance(const, TensorConstant):
                ret = _logical_with_constant(node, op, const, other)
                if ret:
                    return ret
    return False


def _logical_with_constant(node, op, const, other):
    value = constant_value(const, only_process_constants=True)
    if value is None:
        return False
    dtype, unchanged = node.outputs[0].dtype, None
    if isinstance(op, scal.AND):
        if value == 0:
            return _filled(node, other, 0)
        unchanged = dtype == "bool"  # of integers these are bitwise
    elif value == 0:
        unchanged = True
    elif dtype == "bool":
        return _filled(node, other, 1)
    return _if_same_type(node, other.astype(dtype)) if unchanged else False


@elemwise_rewrite(scal.Cast)
def local_cast_cast(node):
    """cast(cast(x, a), b) -> one cast or none, where the first does not lose anything."""
    inner = scalar_maker(node.inputs[0], scal.Cast) if applies(node, scal.Cast) else None
    if inner is None:
        return False
    x, first, second = inner.inputs[0], inner.op.scalar_op.o_type, node.op.scalar_op.o_type
    if first == second:
        return [node.inputs[0]]
    if not is_an_upcast(x.dtype, first.dtype):
        return False
    if second.dtype == x.dtype:
        return [x]
    ret = node.op(x)
    copy_stack_trace(node.outputs[0], ret)
    return [ret]


_CATEGORY = {
    "bool": (0, 0),
    "uint8": (1, 1),
    "uint16": (1, 2),
    "uint32": (1, 3),
    "uint64": (1, 4),
    "int8": (2, 1),
    "int16": (2, 2),
    "int32": (2, 3),
    "int64": (2, 4),
    "float16": (3, 1.5),
    "float32": (3, 2.5),
    "float64": (3, 3.5),
    "complex64": (4, 3),
    "complex128": (4, 4),
}


def is_an_upcast(type1, type2):
    """Whether the dtype `type2` holds everything that the dtype `type1` does, and more."""
    (kind1, width1), (kind2, width2) = _CATEGORY[type1], _CATEGORY[type2]
    return kind2 >= kind1 and width2 > width1


_INVERSES = (
    (scal.Deg2Rad, scal.Rad2Deg),
    (scal.Cosh, scal.ArcCosh),
    (scal.Tanh, scal.ArcTanh),
    (scal.Sinh, scal.ArcSinh),
    (scal.Conj, scal.Conj),
    (scal.Neg, scal.Neg),
    (scal.Inv, scal.Inv),
)


@elemwise_rewrite(*{c for pair in _INVERSES for c in pair})
def local_func_inv(node):
    """f(g(x)) -> x, for functions that are inverses of each other."""
    if not isinstance(node.op, Elemwise) or len(node.inputs) != 1:
        return False
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Elemwise) or len(inner.inputs) != 1:
        return False
    if any(is_inverse_pair(node.op.scalar_op, inner.op.scalar_op, pair) for pair in _INVERSES):
        return _if_same_type(node, inner.inputs[0])
    return False


def is_inverse_pair(node_op, prev_op, inv_pair):
    """Whether the two scalar Ops are of the classes `inv_pair`, in one order or the other."""
    one, other = inv_pair
    return (isinstance(node_op, one) and isinstance(prev_op, other)) or (
        isinstance(node_op, other) and isinstance(prev_op, one)
    )


@local_optimizer([Elemwise])
def local_upcast_elemwise_constant_inputs(node):
    """Cast constants to the dtype that the Op computes in anyway, so that 1 - x and 1.0 - x become the same."""
    if not isinstance(node.op, Elemwise) or len(node.outputs) > 1:
        return False
    rule = getattr(node.op.scalar_op, "output_types_preference", None)
    if rule is not scal.upgrade_to_float and rule is not scal.upcast_out:
        return False
    dtype = node.outputs[0].type.dtype
    new_inputs = list(node.inputs)
    for i, v in enumerate(node.inputs):
        if v.type.dtype == dtype or not isinstance(v, TensorConstant):
            continue
        value = constant_value(v, only_process_constants=True)
        if value is not None and all(v.broadcastable):
            new_inputs[i] = T.shape_padleft(T.cast(value.reshape(()), dtype), v.ndim)
        else:
            new_inputs[i] = T.cast(v, dtype)
    if all(a is b for a, b in zip(new_inputs, node.inputs)):
        return False
    ret = node.op(*new_inputs)
    return replacement(node, ret)


@elemwise_rewrite(scal.Sub)
def local_elemwise_sub_zeros(node):
    """x - x -> 0"""
    if not applies(node, scal.Sub) or node.inputs[0] is not node.inputs[1]:
        return False
    ret = T.zeros_like(node.inputs[0])
    return replacement(node, ret)


_COMPARISONS = (scal.LT, scal.GT, scal.LE, scal.GE, scal.EQ, scal.Minimum, scal.Maximum)


@elemwise_rewrite(*_COMPARISONS)
def local_useless_elemwise_comparison(node):
    """Comparisons of a value with itself, and of lengths, which are never negative, with 0."""
    if not applies(node, *_COMPARISONS) or len(node.inputs) != 2:
        return False
    op, (x, y) = node.op.scalar_op, node.inputs
    if x is y:
        if isinstance(op, (scal.LT, scal.GT)):
            return _filled(node, x, 0)
        if isinstance(op, (scal.LE, scal.GE)):
            return _filled(node, x, 1)
        if isinstance(op, (scal.Minimum, scal.Maximum)):
            return _if_same_type(node, x)
    if isinstance(op, scal.LT) and _is_length(x) and is_number(y, 0):
        return _filled(node, x, 0)
    if isinstance(op, scal.GE) and _is_length(x) and is_number(y, 0):
        return _filled(node, x, 1)
    if isinstance(op, (scal.Minimum, scal.Maximum)):
        for length, other in ((x, y), (y, x)):
            if maker(length, Shape_i) is not None and is_number(other, 0):
                return _if_same_type(node, length) if isinstance(op, scal.Maximum) else _filled(node, length, 0)
    if isinstance(op, scal.EQ) and _holds_lengths(x):
        value = constant_value(y, only_process_constants=True)
        if value is not None and value < 0:
            return _filled(node, x, 0)
    return False


def _is_length(v):
    """Whether `v` is a length, or a sum of lengths."""
    if maker(v, Shape_i) is not None:
        return True
    total = scalar_maker(v, scal.Add)
    return total is not None and all(maker(u, Shape_i) is not None for u in total.inputs)


def _holds_lengths(v):
    """Whether `v` is made of lengths alone."""
    node = v.owner
    if node is None:
        return False
    if isinstance(node.op, (Shape, Shape_i)):
        return True
    if isinstance(node.op, Subtensor):
        return _holds_lengths(node.inputs[0])
    if isinstance(node.op, (Join, MakeVector)):
        parts = node.inputs[1:] if isinstance(node.op, Join) else node.inputs
        return all(_holds_lengths(u) for u in parts)
    return False


# ---------------------------------------------------------------- switch
@elemwise_rewrite(scal.Switch)
def local_useless_switch(node):
    """switch(constant, x, y) -> x or y; switch(c, x, x) -> x; switch(length <= 0, 0, length) -> length"""
    if not applies(node, scal.Switch):
        return False
    cond, left, right = node.inputs
    out = node.outputs[0]
    value = constant_value(cond, only_process_constants=True)
    if value is not None:
        if value.ndim != 0:
            return False
        return _chosen(node, right if value == 0 else left)
    if left is right:
        if left.type == out.type:
            return [left]
        ret = T.fill(cond, left)
        copy_stack_trace([out, left], ret)
        return _if_same_type(node, ret)
    test = scalar_maker(cond, scal.LE)
    if (
        test is not None
        and maker(test.inputs[0], Shape_i) is not None
        and is_number(test.inputs[1], 0)
        and is_number(left, 0)
        and right is test.inputs[0]
    ):
        return _if_same_type(node, right)
    return False


def _chosen(node, branch):
    out = node.outputs[0]
    if branch.ndim != out.ndim:
        return False
    ret = T.cast(branch, out.dtype)
    if ret.type.broadcastable != out.type.broadcastable:
        cond, left, right = node.inputs
        # not the shape of the output, which would make the new node depend on the old one
        shape = [
            next(v for v in (ret, left, right, cond) if v.type.broadcastable[i] == wanted).shape[i]
            for i, wanted in enumerate(out.type.broadcastable)
        ]
        ret = T.alloc(ret, *shape)
        if ret.type.broadcastable != out.type.broadcastable:
            ret = T.patternbroadcast(ret, out.type.broadcastable)
    if ret is not branch:
        copy_stack_trace([out, branch], ret)
    return _if_same_type(node, ret)


@local_optimizer([T.mul])
def local_mul_switch_sink(node):
    """a * switch(c, 0, x) * b -> switch(c, 0, a * b * x), and with 0 second.

    Where the switch gives 0, infinities in the other factors then do no harm, so that gradients of switches are right.
    """
    if not applies(node, scal.Mul):
        return False
    for i, v in enumerate(node.inputs):
        switch = scalar_maker(v, scal.Switch)
        if switch is None:
            continue
        rest = node.inputs[:i] + node.inputs[i + 1 :]
        ret = _sunk_switch(node, switch, lambda branch, rest=rest: T.mul(*(rest + [branch])))
        if ret:
            return ret
    return False


@local_optimizer([T.true_div, T.int_div])
def local_div_switch_sink(node):
    """switch(c, 0, x) / a -> switch(c, 0, x / a), and with 0 second; for the reason of ``local_mul_switch_sink``."""
    if not applies(node, scal.TrueDiv, scal.IntDiv):
        return False
    switch = scalar_maker(node.inputs[0], scal.Switch)
    if switch is None:
        return False
    return _sunk_switch(node, switch, lambda branch: node.op(branch, node.inputs[1]))


def _sunk_switch(node, switch, apply):
    cond, left, right = switch.inputs
    out = node.outputs[0]
    if is_number(left, 0):
        inner = apply(T.cast(right, switch.outputs[0].dtype))
        ret = T.switch(cond, 0, inner)
    elif is_number(right, 0):
        inner = apply(T.cast(left, switch.outputs[0].dtype))
        ret = T.switch(cond, inner, 0)
    else:
        return False
    if ret.type != out.type:
        return False
    copy_stack_trace(out, inner)
    copy_stack_trace([out, switch.outputs[0]], ret)
    ret.tag.values_eq_approx = values_eq_approx_remove_nan
    return [ret]


@elemwise_rewrite(scal.BinaryScalarOp, scal.Add, scal.Mul)
def local_merge_switch_same_cond(node):
    """switch(c, a, b) + switch(c, x, y) -> switch(c, a + x, b + y), for all binary Ops"""
    if not applies(node, scal.BinaryScalarOp, scal.Add, scal.Mul):
        return False
    switches = [scalar_maker(v, scal.Switch) for v in node.inputs]
    if not all(switches) or any(s.inputs[0] is not switches[0].inputs[0] for s in switches):
        return False
    dtypes = [s.outputs[0].dtype for s in switches]
    left, right = [node.op(*[T.cast(s.inputs[i], d) for s, d in zip(switches, dtypes)]) for i in (1, 2)]
    ret = T.switch(switches[0].inputs[0], left, right)
    return replacement(node, ret)


# ---------------------------------------------------------------- others
@elemwise_rewrite(scal.Composite)
def local_useless_composite(node):
    """Drop the outputs of a Composite that nobody uses."""
    if not applies(node, scal.Composite):
        return False
    used = [i for i, out in enumerate(node.outputs) if out.clients]
    if len(used) == len(node.outputs) or not used:
        return False
    comp = node.op.scalar_op
    new = Elemwise(scal.Composite(inputs=comp.inputs, outputs=[comp.outputs[i] for i in used]))
    return dict(zip([node.outputs[i] for i in used], new(*node.inputs, return_list=True)))


@local_optimizer(None)
def local_view_op(node):
    """Drop Ops that only matter for gradients (consider_constant and its like)."""
    if isinstance(node.op, ViewOp):
        return list(node.inputs)
    return False


remove_tensor_copy = OpRemove(T.tensor_copy)
remove_tensor_copy.__name__ = "remove_tensor_copy"
