"""Ops that overwrite an input: what the graphs of compiled functions show. Nothing is overwritten when they run."""

import sys

from theanojax import scalar as scal
from theanojax.config import config
from theanojax.errors import InconsistencyError
from theanojax.graph.destroy import DestroyHandler, memory_of, sharing
from theanojax.graph.op import compute_test_value
from theanojax.graph.rewriting.base import Optimizer
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.rewriting.profile import RewriteProfile
from theanojax.graph.tag import copy_stack_trace
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant
from theanojax.tensor.elemwise import Elemwise
from theanojax.tensor.random.mrg import mrg_uniform_base
from theanojax.tensor.random.raw_random import DrawFromState

_MANY_NODES = 500  # in graphs larger than this it is not worth the time for single numbers


class InplaceElemwiseOptimizer(Optimizer):
    """Lets each application of an Op of class `OP` overwrite the first of its inputs that it may.

    A node whose output updates an input of the graph tries that input first, then what was computed in its place.
    """

    def __init__(self, OP):
        self.op = OP

    def add_requirements(self, fgraph):
        fgraph.attach_feature(DestroyHandler())

    def apply(self, fgraph):
        return _InplaceRun(self, fgraph).run()

    def print_summary(self, stream=sys.stdout, level=0, depth=-1):
        print("%s%s (%s)" % (" " * level, self.__class__.__name__, self.op), file=stream)
        return inplace_elemwise_optimizer


class _InplaceRun:
    """One application of the optimizer to a graph."""

    def __init__(self, optimizer, fgraph):
        self.optimizer, self.fgraph = optimizer, fgraph
        self.profile = RewriteProfile(optimizer, fgraph)
        self.protected = {v for f in fgraph._features for v in getattr(f, "protected", ())}
        self.updated: dict = {}  # output -> the inputs whose new value it is
        for o, i in (fgraph.update_mapping or {}).items():
            self.updated.setdefault(fgraph.outputs[o], []).append(fgraph.inputs[i])
        # Theano checks the graph after so many changes, and leaves single numbers alone if these are several. A check
        # is cheap here, so each change has one.
        changes = config.tensor.insert_inplace_optimizer_validate_nb
        self.leaves_numbers = changes != 1 if changes != -1 else len(fgraph.apply_nodes) > _MANY_NODES
        self._number_nodes()

    def _number_nodes(self):
        """Note each node's place in an order in which the graph can run as it is."""
        self.place = {node: i for i, node in enumerate(self.fgraph.toposort())}

    def run(self):
        for node in io_toposort(self.fgraph.inputs, self.fgraph.outputs):
            if type(node.op) is self.optimizer.op and not (self.leaves_numbers and node.outputs[0].ndim == 0):
                self._try_node(node)
        return self.profile.close(self.fgraph)

    def _try_node(self, node):
        fgraph, pattern = self.fgraph, dict(node.op.inplace_pattern)
        candidates = [
            i
            for i, v in enumerate(node.inputs)
            if i not in pattern.values()
            and not isinstance(v, Constant)
            and v not in self.protected
            and all(client != "output" for client, _ in v.clients)
            and not fgraph.has_destroyers([v])
        ]
        for o in range(len(node.outputs)):
            if o in node.op.inplace_pattern:
                continue
            for i in self._sorted(candidates, node, node.outputs[o]):
                if node.inputs[i].type != node.outputs[o].type:
                    continue
                new = self._attempt(node, node.inputs[i], {**pattern, o: i})
                if new is not None:
                    node, pattern[o] = new, i
                    candidates.remove(i)
                    break

    def _sorted(self, candidates, node, out):
        """The input positions `candidates`, those first that hold the memory which `out` will be stored in."""
        targets = self.updated.get(out)
        if targets is None:
            return candidates
        destroyers = self.fgraph.destroy_handler.root_destroyer

        def rank(i):
            v = node.inputs[i]
            if v in targets:
                return 0
            return 1 if v.owner is not None and any(destroyers.get(u) is v.owner for u in targets) else 2

        return sorted(candidates, key=rank)

    def _attempt(self, node, target, pattern):
        """The node that took the place of `node` and overwrites by `pattern`, `target` last; None if it may not."""
        op, fgraph = node.op, self.fgraph
        allowed = self._order_allows(node, target)
        if allowed is False:
            return None
        try:
            if hasattr(op.scalar_op, "make_new_inplace"):
                types = scal.transfer_type(*[pattern.get(k, v.dtype) for k, v in enumerate(node.outputs)])
                scalar_op = op.scalar_op.make_new_inplace(types)
            else:
                types = scal.transfer_type(*[pattern.get(k) for k in range(len(node.outputs))])
                scalar_op = type(op.scalar_op)(types)
            outs = self.optimizer.op(scalar_op, pattern)(*node.inputs, return_list=True)
        except (ValueError, TypeError):  # the types do not fit
            return None
        copy_stack_trace(node.outputs, outs)
        mark = fgraph.checkpoint()
        for old, new in zip(node.outputs, outs):
            fgraph.replace(old, new, reason="inplace_elemwise_optimizer")
        try:
            for feature in list(fgraph._features):
                if hasattr(feature, "validate") and not (allowed and isinstance(feature, DestroyHandler)):
                    feature.validate(fgraph)
        except (ValueError, InconsistencyError):
            fgraph.revert(mark)
            return None
        new = outs[0].owner
        if allowed:
            self.place[new] = self.place[node]
        else:
            self._number_nodes()
        self.profile.add_use(self.optimizer)
        return new

    def _order_allows(self, node, v):
        """Whether every other user of the memory of `v` can run before `node`, or None if a look at it does not tell.

        If so, the places are those of an order in which they do: only nodes between the places of the two are looked
        at and moved (Pearce and Kelly, "A dynamic topological sort algorithm for directed acyclic graphs", 2007).
        Sorting the whole graph for each change would make the time quadratic.
        """
        root = memory_of(v)
        if isinstance(root, Constant) or getattr(root.tag, "indestructible", False):
            return None
        shared = sharing(root)
        if sum(u in shared for u in node.inputs) > 1:
            return None
        self.fgraph.destroy_handler.refresh_droot_impact()
        here = self.place[node]
        users = {c for u in shared for c, _ in u.clients if c != "output" and c is not node}
        later = {c for c in users if self.place[c] > here}
        if not later:
            return True
        last = max(self.place[c] for c in later)
        after = self._reached([node], self._followers, lambda place: place <= last, later)
        if after is None:
            return False  # one of them needs what `node` computes
        before = self._reached(later, self._leaders, lambda place: place > here)
        moved = [*sorted(before, key=self.place.get), *sorted(after, key=self.place.get)]
        self.place.update(zip(moved, sorted(self.place[n] for n in moved)))
        return True

    def _reached(self, start, neighbours, within, never=()):
        """The nodes at places `within` that `neighbours` lead to, `start` among them; None if one is in `never`."""
        seen, pending = set(start), list(start)
        while pending:
            for other in neighbours(pending.pop()):
                if other in never:
                    return None
                if other not in seen and within(self.place[other]):
                    seen.add(other)
                    pending.append(other)
        return seen

    def _followers(self, node):
        """The nodes that have to run after `node`: they read what it computes, or overwrite what it reads."""
        handler = self.fgraph.destroy_handler
        for out in node.outputs:
            yield from (client for client, _ in out.clients if client != "output")
        for v in node.inputs:
            destroyer = handler.root_destroyer.get(handler.droot.get(v))
            if destroyer is not None and destroyer is not node:
                yield destroyer

    def _leaders(self, node):
        """The nodes that have to run before `node`."""
        handler = self.fgraph.destroy_handler
        yield from (v.owner for v in node.inputs if v.owner is not None)
        for positions in (getattr(node.op, "destroy_map", None) or {}).values():
            for v in handler.impact[handler.droot[node.inputs[positions[0]]]]:
                yield from (client for client, _ in v.clients if client != "output" and client is not node)


inplace_elemwise_optimizer = InplaceElemwiseOptimizer(Elemwise)


@local_optimizer([DrawFromState], inplace=True)
def random_make_inplace(node):
    """A random draw that may overwrite the state of its generator"""
    op = node.op
    if not isinstance(op, DrawFromState) or op.inplace:
        return False
    return _instead(node, op.in_place())


@local_optimizer([mrg_uniform_base], inplace=True)
def mrg_random_make_inplace(node):
    """A draw of MRG_RandomStreams that may overwrite the state of its streams"""
    op = node.op
    if not isinstance(op, mrg_uniform_base) or op.inplace:
        return False
    return _instead(node, type(op)(op.output_type, inplace=True))


def _instead(node, op):
    made = op.make_node(*node.inputs)
    if config.compute_test_value != "off":
        compute_test_value(made)
    copy_stack_trace(node.outputs, made.outputs)
    return made.outputs
