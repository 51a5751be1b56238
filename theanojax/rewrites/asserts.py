"""Assertions that are known to hold, or that are not wanted."""

from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.rewrites.common import constant_value
from theanojax.tensor.assert_op import Assert


@local_optimizer([Assert])
def local_remove_useless_assert(node):
    """Drop the conditions that are known to be true, and the Assert when none is left."""
    if not isinstance(node.op, Assert):
        return False
    conds = []
    for cond in node.inputs[1:]:
        value = constant_value(cond)
        if value is None or value.ndim != 0 or value == 0:
            conds.append(cond)
    if not conds:
        return [node.inputs[0]]
    if len(conds) == len(node.inputs) - 1:
        return False
    ret = node.op(node.inputs[0], *conds)
    copy_stack_trace(node.outputs[0], ret)
    return [ret]


@local_optimizer([Assert])
def local_remove_all_assert(node):
    """Drop every Assert; only done on request (the tag "unsafe")."""
    if not isinstance(node.op, Assert):
        return False
    return [node.inputs[0]]
