"""What a loop needs to know before it can be traced, in terms of the variables around it."""

from theanojax.graph import above
from theanojax.graph.traverse import ancestors, io_toposort
from theanojax.graph.variable import Constant
from theanojax.scalar import Minimum
from theanojax.tensor.creation import Alloc, AllocEmpty
from theanojax.tensor.elemwise import Elemwise
from theanojax.tensor.indexing.subtensor import IncSubtensor, Subtensor
from theanojax.tensor.shape import Rebroadcast, Shape, Shape_i
from theanojax.tensor.type import TensorType


def static_needs(op, node):
    """The variables that fix shapes: lengths of outputs, what the inner graph needs, the steps that buffers have."""
    needs = list(op.outer_nitsot(node))
    if any(_grows_with(buffer, node.inputs[0]) for buffer in node.inputs[op.seqs_arg_offset : op.shared_arg_offset]):
        needs.append(node.inputs[0])  # no more executables than there are buffer lengths
    needs += [outer for _, outer in inner_needs(op, node)]
    return list(dict.fromkeys(needs))


def _grows_with(buffer, n_steps):
    """Whether the length of `buffer` is computed from the number of steps, without a bound."""
    sources = {v for v in ancestors([n_steps]) if v.owner is None and not isinstance(v, Constant)}
    terms = length_terms(buffer)
    bounded = {v for v in ancestors(terms) if is_bounded(v)}
    return bool(sources) and not sources.isdisjoint(ancestors(terms, bounded))


def is_bounded(v):
    """Whether `v` is the lesser of something and a constant: the few last rows of a loop that may be shorter."""
    return (
        v.owner is not None
        and isinstance(v.owner.op, Elemwise)
        and isinstance(v.owner.op.scalar_op, Minimum)
        and any(isinstance(u, Constant) for u in v.owner.inputs)
    )


def length_terms(v):
    """The numbers that the length of `v` is computed from, as far as that can be followed."""
    terms, todo, seen = [], [v], set()
    while todo:
        v = todo.pop()
        node = v.owner
        if node is None or v in seen:
            continue
        seen.add(v)
        op = node.op
        if isinstance(op, (Alloc, AllocEmpty)):
            terms.append(node.inputs[1 if isinstance(op, Alloc) else 0])
        elif isinstance(op, Subtensor):
            todo.append(node.inputs[0])
            terms += node.inputs[1:]
        elif isinstance(op, (IncSubtensor, Rebroadcast)):
            todo.append(node.inputs[0])
        elif isinstance(op, Elemwise):
            todo += node.inputs
        elif op.loop_steps(node) is not None:  # a loop: its buffers, and the lengths of its other outputs
            source = node.inputs[op.var_mappings["outer_inp_from_outer_out"].get(v.index, 0)]
            (todo if source.type.ndim else terms).append(source)
    return terms


def inner_needs(op, node):
    """Pairs of an inner variable that fixes a shape inside, and an equal variable outside.

    What varies from step to step has none, and what follows from shapes alone needs none.
    """
    known = getattr(node.tag, "inner_needs", None)
    if known is None or known[0] is not node:  # a copy of the node has a copy of its tag
        fgraph = op.inner_fgraph()
        outside = _Outside(op, node, fgraph)
        pairs = []
        for inner_node in fgraph.toposort():
            for need in inner_node.op.static_needs(inner_node):
                if not isinstance(need, Constant):
                    outer = outside.variable(need)
                    if outer is not None and not isinstance(outer, Constant):
                        pairs.append((need, outer))
        known = node.tag.inner_needs = node, pairs
    return known[1]


class _Outside:
    """Expresses inner variables by outer ones."""

    def __init__(self, op, node, fgraph):
        self.op = op
        self.known = dict(zip(op.inner_non_seqs(fgraph.inputs), op.outer_non_seqs(node)))
        self.rows = dict(zip(op.inner_seqs(fgraph.inputs), op.outer_seqs(node)))
        taps = iter(fgraph.inputs[op.n_seqs :])
        for group, outer in zip(op.tap_array, node.inputs[op.seqs_arg_offset : op.shared_arg_offset]):
            for _ in group:
                self.rows[next(taps)] = outer

    def variable(self, v):
        """An outer variable equal to the inner variable `v` in every step, or None."""
        for inner in io_toposort(self.known, [v]):
            if all(o in self.known for o in inner.outputs):
                continue
            outs = self._shape_of_row(inner) or self._computed(inner)
            self.known.update(zip(inner.outputs, outs or [None] * len(inner.outputs)))
        if v in self.known:
            return self.known[v]
        return v if isinstance(v, Constant) else None

    def _computed(self, node):
        ins = [self.known.get(v, v if isinstance(v, Constant) else None) for v in node.inputs]
        return None if any(v is None for v in ins) else node.clone_with_new_inputs(ins).outputs

    def _shape_of_row(self, node):
        if not isinstance(node.op, (Shape, Shape_i)) or node.inputs[0] not in self.rows:
            return None
        outer = self.rows[node.inputs[0]]
        return [Shape_i(node.op.i + 1)(outer) if isinstance(node.op, Shape_i) else Shape()(outer)[1:]]


def host_reason(op):
    """Why the inner graph cannot be traced at all, or None."""
    if above.is_watched(op):
        return "its mode looks at each node"
    fgraph = op.inner_fgraph()
    for v in list(fgraph.inputs) + list(fgraph.outputs):
        if not isinstance(v.type, TensorType):
            return "%s is no tensor" % v
    for node in fgraph.toposort():
        if node.op.runs_on_host(node):
            return "%s has no XLA form" % node.op
    return None
