"""Who may share memory with whom in a function's graph."""

from itertools import chain

from theanojax.compile.ops import deep_copy_op, view_op
from theanojax.config import config
from theanojax.errors import InconsistencyError


def alias_root(v):
    """The variable whose memory `v` is, by view_map and destroy_map.

    Raises NotImplementedError if it may be that of several variables.
    """
    while v.owner is not None:
        position = v.owner.outputs.index(v)
        op = v.owner.op
        viewed = (list(getattr(op, "view_map", {}).get(position, ()))
                  + list(getattr(op, "destroy_map", {}).get(position, ())))
        if not viewed:
            return v
        if len(viewed) > 1:
            raise NotImplementedError(
                str(v) + " is a view/destroyed version of more then one inputs. Currently, we only support the case "
                "where an output is a view or a destroyed version of one input.")
        v = v.owner.inputs[viewed[0]]
    return v


def view_tree_set(v, treeset):
    """Add to the set `treeset` all variables that share the memory of `v`, which is no view itself."""
    pending = [v]
    while pending:
        v = pending.pop()
        treeset.add(v)
        for client, position in v.clients:
            if client == "output":
                continue
            for out, ins in chain(getattr(client.op, "view_map", {}).items(),
                                  getattr(client.op, "destroy_map", {}).items()):
                if position in ins and client.outputs[out] not in treeset:
                    pending.append(client.outputs[out])


def infer_reuse_pattern(fgraph, outputs_to_disown):
    """The computed variables that may share memory with one of `outputs_to_disown`."""
    found: set = set()
    for v in outputs_to_disown:
        view_tree_set(alias_root(v), found)
    return {v for v in found if v.owner is not None}


def fgraph_updated_vars(fgraph, expanded_inputs):
    """Which inputs of `fgraph` take the value of which of its outputs: a dict."""
    if len(expanded_inputs) != len(fgraph.inputs):
        raise ValueError("expanded_inputs must match len(fgraph.inputs)")
    updated = [v for spec, v in zip(expanded_inputs, fgraph.inputs) if spec.update is not None]
    return dict(zip(updated, fgraph.outputs[len(fgraph.outputs) - len(updated):]))


class Supervisor:
    """A feature that refuses graphs in which an Op overwrites one of `protected`, or an output."""

    def __init__(self, protected):
        self.protected = list(protected)

    def validate(self, fgraph):
        """True, or InconsistencyError."""
        if config.cycle_detection == "fast" and hasattr(fgraph, "has_destroyers"):
            if fgraph.has_destroyers(self.protected):
                raise InconsistencyError("Trying to destroy a protectedVariable.")
        elif hasattr(fgraph, "destroyers"):
            for v in self.protected + list(fgraph.outputs):
                if fgraph.destroyers(v):
                    raise InconsistencyError("Trying to destroy a protectedVariable.", v)
        return True


def insert_deepcopy(fgraph, wrapped_inputs, wrapped_outputs):
    """Put a copy before each output that would share memory with an input, a constant or a later output.

    Where both sides say ``borrow`` it is a view instead. An output may share the memory of an input that has an
    update, since that one's value is replaced.
    """
    if len(wrapped_inputs) != len(fgraph.inputs) or len(wrapped_outputs) != len(fgraph.outputs):
        raise AssertionError("one specification is needed for each input and output")
    specs = dict(zip(fgraph.inputs, wrapped_inputs))
    destroyed = fgraph.has_destroyers if hasattr(fgraph, "has_destroyers") else lambda inputs: False
    roots = [alias_root(v) for v in fgraph.outputs]
    borrows = [o.borrow for o in wrapped_outputs]
    partners: dict = {}  # root -> borrow flags of the later outputs, the nearest last
    jobs = []
    for i in range(len(roots) - 1, -1, -1):
        root = roots[i]
        later = partners.setdefault(root, [])
        if later:
            jobs.append((i, borrows[i] and later[-1]))
        elif root.owner is None and root in fgraph.variables:
            spec = specs.get(root)
            if getattr(spec, "update", None) is None and not destroyed([root]):
                jobs.append((i, borrows[i] and (spec is None or bool(spec.borrow))))
        later.append(borrows[i])
    for i, may_share in reversed(jobs):
        op = view_op if may_share else deep_copy_op
        fgraph.change_input("output", i, op(fgraph.outputs[i]), reason="insert_deepcopy")
