"""Ops on lists that change the list itself rather than a copy."""

from theanojax.graph.rewriting.local import local_optimizer
from theanojax.typed_list import Append, Extend, Insert, Remove, Reverse


@local_optimizer([Append, Extend, Insert, Reverse, Remove], inplace=True)
def typed_list_inplace_opt(node):
    """Append, Extend ... -> the same in place"""
    if node.op.inplace:
        return False
    return [type(node.op)(inplace=True)(*node.inputs)]
