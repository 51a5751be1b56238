"""Loops over the same number of steps that do not need each other become one loop."""

from theanojax.graph.traverse import equal_computations, is_in_ancestors
from theanojax.rewrites.scan.base import ScanRewrite, arguments, known_int, rebuilt, scan_nodes


class ScanMerge(ScanRewrite):
    """Merges Scan nodes that have the same number of steps, mode, truncation and stop condition."""

    def apply(self, fgraph):
        groups = []
        for node in scan_nodes(fgraph):
            for group in groups:
                if self.belongs_to_set(node, group):
                    group.append(node)
                    break
            else:
                groups.append([node])
        for group in groups:
            # An earlier merge may have made two nodes of the group depend on each other.
            members = []
            for node in group:
                if not members or self.belongs_to_set(node, members):
                    members.append(node)
            if len(members) > 1:
                fgraph.replace_all_validate_remove(self.merge(members), remove=members, reason="scanOp_merge")

    def belongs_to_set(self, node, set_nodes):
        """Whether `node` can be merged with each of `set_nodes`."""
        first, op = set_nodes[0], node.op
        if any(getattr(first.op, k) != getattr(op, k) for k in ("as_while", "truncate_gradient", "mode")):
            return False
        if node.inputs[0] is not first.inputs[0]:
            steps = known_int(node.inputs[0])
            if steps is None or steps != known_int(first.inputs[0]):
                return False
        if any(is_in_ancestors(node, n) or is_in_ancestors(n, node) for n in set_nodes):
            return False
        return not op.as_while or equal_computations(
            [op.outputs[-1]], [first.op.outputs[-1]], op.inputs, first.op.inputs
        )

    def merge(self, nodes):
        """Pairs of the outputs of `nodes` and those of one node that does the work of all."""
        merged = arguments(nodes[0])
        for node in nodes[1:]:
            merged = merged.merge(arguments(node))
        merged.other_info = {**merged.other_info, "name": "&".join(n.op.name for n in nodes)}
        return list(zip(merged.outer_outputs, rebuilt(merged)))
