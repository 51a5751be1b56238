"""What many rewrites need: looking at a variable's maker, at constants, and filling in a lost shape."""

import numpy as np

import theanojax.tensor as T
from theanojax.errors import NotScalarConstantError
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.graph.variable import Constant, Variable
from theanojax.scalar.types import upcast
from theanojax.tensor.as_tensor import get_scalar_constant_value
from theanojax.tensor.elemwise import Elemwise
from theanojax.tensor.type import discrete_dtypes


def maker(v, *op_classes):
    """The Apply that computes `v` if its Op is one of these classes, else None."""
    node = v.owner
    return node if node is not None and isinstance(node.op, op_classes) else None


def scalar_maker(v, *scalar_classes):
    """The Apply that computes `v` if it is an Elemwise of one of these scalar Op classes, else None."""
    node = v.owner
    if node is not None and isinstance(node.op, Elemwise) and isinstance(node.op.scalar_op, scalar_classes):
        return node
    return None


def applies(node, *scalar_classes):
    """Whether `node` is an Elemwise of one of these scalar Op classes."""
    return isinstance(node.op, Elemwise) and isinstance(node.op.scalar_op, scalar_classes)


def elemwise_rewrite(*scalar_classes):
    """Decorator: a local optimizer for Elemwise nodes, tried only on those with a scalar Op of these classes."""

    def decorator(f):
        lopt = local_optimizer([Elemwise])(f)
        lopt.only_scalar = scalar_classes
        return lopt

    return decorator


def is_integer(*variables):
    """Whether all are integers or bools, whose sums and products wrap around at the ends of their dtype."""
    return all(v.type.dtype in discrete_dtypes for v in variables)


def may_have_wrapped(v, dtype):
    """Whether `v` holds integers of another dtype than `dtype`: what they are computed from must not move there."""
    own = v.type.dtype
    return own != dtype and own in discrete_dtypes


def widened(terms, dtype):
    """`terms`, cast to `dtype` where they are integers that would be combined in a narrower one."""
    if terms and is_integer(*terms) and upcast(*[v.type.dtype for v in terms]) != dtype:
        return [T.cast(v, dtype) for v in terms]
    return terms


def combined(op, terms, dtype):
    """``op(*terms)``, computed in `dtype` if of integers; the one term if there are no more."""
    return op(*widened(terms, dtype)) if len(terms) > 1 else terms[0]


def constant_value(v, elemwise=True, only_process_constants=False):
    """The number that all elements of `v` are known to be, as an array, or None."""
    try:
        return get_scalar_constant_value(v, elemwise=elemwise, only_process_constants=only_process_constants)
    except NotScalarConstantError:
        return None


def is_number(v, number):
    """Whether `v` is a constant all of whose elements are `number`; what computes it is not looked at."""
    if not isinstance(v, Constant):
        return False
    value = constant_value(v, only_process_constants=True)
    return value is not None and bool(np.all(value == number))


def scalar_constant(v):
    """The value of `v`: of a Constant if it is a single number (repeated, maybe), of a plain number; else None."""
    if isinstance(v, Constant):
        data = getattr(v.tag, "unique_value", None)
        data = v.data if data is None else data
        return data if getattr(data, "ndim", None) == 0 else None
    return None if isinstance(v, Variable) else v


def replacement(node, ret, accept=None, through=None):
    """What a rewrite of `node`, of one output, answers when it found `ret` for it; False when the types differ.

    `accept` tells debug modes how to compare the two (``tag.values_eq_approx``); `through` is a variable between the
    two, whose origin errors name, too.
    """
    out = node.outputs[0]
    if ret.type != out.type:
        return False
    if ret.owner is not None and not any(ret is v for v in node.inputs):
        copy_stack_trace(out if through is None else [out, through], ret)
    if accept is not None:
        ret.tag.values_eq_approx = accept
    return [ret]


def cast_replacement(node, ret, accept=None):
    """`replacement`, with `ret` cast to the dtype of the output."""
    return replacement(node, T.cast(ret, node.outputs[0].dtype), accept)


def declared_replacement(node, ret, through=None):
    """`replacement`, with the dimensions of `ret` declared broadcastable where those of the output are."""
    out = node.outputs[0]
    if ret.type != out.type and ret.dtype == out.dtype and ret.ndim == out.ndim:
        copy_stack_trace(out, ret)
        ret = T.patternbroadcast(ret, out.broadcastable)
    return replacement(node, ret, through=through)


def fill_chain(new_out, orig_inputs):
    """`new_out` broadcast to the common shape of `orig_inputs`, as a list of one variable."""
    for v in orig_inputs:
        new_out = T.fill(v, new_out)
    return [new_out]


_fill_chain = fill_chain


def encompasses_broadcastable(b1, b2):
    """Whether an expression of pattern `b2` broadcast against one of pattern `b1` gets the shape of the latter."""
    if len(b1) < len(b2):
        return False
    return not any(v1 and not v2 for v1, v2 in zip(b1[len(b1) - len(b2) :], b2))


def merge_broadcastables(broadcastables):
    """The pattern of an elementwise Op of inputs with these patterns."""
    return [all(flags) for flags in zip(*broadcastables)]


def scalarconsts_rest(inputs, elemwise=True, only_process_constants=False):
    """`inputs` split: the values of those that are one known number, these inputs themselves, and the others."""
    consts, origconsts, nonconsts = [], [], []
    for v in inputs:
        value = constant_value(v, elemwise, only_process_constants)
        if value is None:
            nonconsts.append(v)
        else:
            consts.append(value)
            origconsts.append(v)
    return consts, origconsts, nonconsts


def broadcast_like(value, template, fgraph, dtype=None):
    """`value` with the shape, and the dtype unless `dtype` is given, of the variable `template` of `fgraph`.

    Raises NotImplementedError when `template` is not in the graph.
    """
    value = T.as_tensor_variable(value)
    if value.type != template.type:
        if template not in fgraph.variables:
            raise NotImplementedError(
                "broadcast_like currently requires the template Variable to be in the fgraph already"
            )
        value = T.cast(value, template.dtype if dtype is None else dtype)
    if value.type == template.type:
        return value
    feature = getattr(fgraph, "shape_feature", None)
    result = T.alloc(value, *(feature.shape_of[template] if feature is not None else template.shape))
    # the template may have a length of 1 that it does not declare
    surplus = [i for i in range(result.ndim) if result.broadcastable[i] and not template.broadcastable[i]]
    if surplus:
        result = T.unbroadcast(result, *surplus)
    if result.type.broadcastable != template.type.broadcastable:
        raise AssertionError(
            "rval.type.broadcastable is %s but template.broadcastable is %s"
            % (result.type.broadcastable, template.broadcastable)
        )
    return result


def shape_feature(node):
    """The ShapeFeature of the graph that `node` is in; None when there is none, or no graph."""
    return getattr(getattr(node, "fgraph", None), "shape_feature", None)


def users(v):
    """The nodes that use `v`, the graph's outputs left out."""
    return [c for c, _ in getattr(v, "clients", ()) if c != "output"]
