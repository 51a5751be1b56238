"""Rewrites of lazy conditionals. Only `cond_make_inplace` is part of a mode; programs may register the others."""

from theanojax.graph.features import ReplaceValidate
from theanojax.graph.replace import clone
from theanojax.graph.rewriting.base import Optimizer
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.traverse import is_in_ancestors
from theanojax.ifelse import IfElse, ifelse
from theanojax.tensor.argmax import MaxAndArgmax
from theanojax.tensor.creation import Alloc
from theanojax.tensor.elemwise import DimShuffle, Elemwise
from theanojax.tensor.indexing.subtensor import IncSubtensor, Subtensor
from theanojax.tensor.linalg.products import Dot
from theanojax.tensor.shape import Rebroadcast, Reshape, Shape, SpecifyShape

acceptable_ops = (
    Dot,
    Reshape,
    Shape,
    SpecifyShape,
    MaxAndArgmax,
    Subtensor,
    IncSubtensor,
    Rebroadcast,
    Alloc,
    Elemwise,
    DimShuffle,
)


@local_optimizer([IfElse])
def cond_make_inplace(node):
    """The result may be the chosen value itself rather than a copy."""
    op = node.op
    if not isinstance(op, IfElse) or op.as_view:
        return False
    # In a large graph copying numbers costs less than looking for a safe order.
    if len(node.fgraph.apply_nodes) >= 500 and all(getattr(o.type, "ndim", -1) == 0 for o in node.outputs):
        return False
    return IfElse(op.n_outs, as_view=True, gpu=op.gpu, name=op.name)(*node.inputs, return_list=True)


def _lazy_makers(node):
    """The different conditionals that compute inputs of `node`."""
    owners = [v.owner for v in node.inputs if v.owner is not None and isinstance(v.owner.op, IfElse)]
    return list(dict.fromkeys(owners))


@local_optimizer(acceptable_ops)
def ifelse_lift_single_if_through_acceptable_ops(main_node):
    """``op(ifelse(c, x, y))`` becomes ``ifelse(c, op(x), op(y))``."""
    makers = _lazy_makers(main_node) if isinstance(main_node.op, acceptable_ops) else []
    if len(makers) != 1:
        return False
    (node,) = makers
    results = []
    for branch in node.op.branches(node.inputs):
        swap = dict(zip(node.outputs, branch))
        results.append(main_node.op(*[swap.get(v, v) for v in main_node.inputs], return_list=True))
    return ifelse(node.inputs[0], *results)


def _merge_same_condition(node, side):
    """Within a branch the same condition is known to hold, or not to: take the inner branch at once."""
    op = node.op
    if not isinstance(op, IfElse):
        return False
    inputs, changed = list(node.inputs), False
    first = 1 + side * op.n_outs
    for i in range(first, first + op.n_outs):
        inner = inputs[i].owner
        if inner is not None and isinstance(inner.op, IfElse) and inner.inputs[0] is node.inputs[0]:
            inputs[i] = inner.op.branches(inner.inputs)[side][inputs[i].index]
            changed = True
    return op(*inputs, return_list=True) if changed else False


@local_optimizer([IfElse])
def cond_merge_ifs_true(node):
    """``ifelse(c, ifelse(c, x, y), z)`` becomes ``ifelse(c, x, z)``."""
    return _merge_same_condition(node, 0)


@local_optimizer([IfElse])
def cond_merge_ifs_false(node):
    """``ifelse(c, x, ifelse(c, y, z))`` becomes ``ifelse(c, x, z)``."""
    return _merge_same_condition(node, 1)


def _merged(first, second):
    """The outputs of one conditional that does the work of two with the same condition."""
    (t1, f1), (t2, f2) = first.op.branches(first.inputs), second.op.branches(second.inputs)
    name = "%s&%s" % (first.op.name or "?", second.op.name or "?")
    return IfElse(len(t1) + len(t2), name=name)(first.inputs[0], *t1, *t2, *f1, *f2, return_list=True)


class CondMerge(Optimizer):
    """Conditionals with the same condition that do not need each other become one."""

    def add_requirements(self, fgraph):
        fgraph.attach_feature(ReplaceValidate())

    def apply(self, fgraph):
        nodes = [n for n in fgraph.toposort() if isinstance(n.op, IfElse)]
        if not nodes:
            return
        first = nodes[0]
        for second in nodes[1:]:
            if second.inputs[0] is first.inputs[0] and not is_in_ancestors(second, first):
                outs = _merged(first, second)
                fgraph.replace_all_validate(list(zip(first.outputs + second.outputs, outs)), reason="cond_merge")
                first = outs[0].owner


@local_optimizer([IfElse])
def cond_remove_identical(node):
    """Outputs that have the same value in either branch become one."""
    op = node.op
    if not isinstance(op, IfElse):
        return False
    pairs = list(zip(*op.branches(node.inputs)))
    kept = list(dict.fromkeys(pairs))
    if len(kept) == len(pairs):
        return False
    new = IfElse(len(kept), as_view=op.as_view, gpu=op.gpu, name=op.name)
    outs = new(node.inputs[0], *[t for t, _ in kept], *[f for _, f in kept], return_list=True)
    return [outs[kept.index(pair)] for pair in pairs]


@local_optimizer(None)
def cond_merge_random_op(main_node):
    """Two conditionals with the same condition that feed one node become one."""
    if isinstance(main_node.op, IfElse):
        return False
    makers = _lazy_makers(main_node)
    for second in makers[1:]:
        first = makers[0]
        apart = not is_in_ancestors(second, first) and not is_in_ancestors(first, second)
        if second.inputs[0] is first.inputs[0] and apart:
            pairs = list(zip(first.outputs + second.outputs, _merged(first, second)))
            return clone(main_node.outputs, replace=pairs)
    return False
