"""Who may share memory with whom in a function's graph."""

from itertools import chain

import numpy as np

from theanojax.config import config
from theanojax.errors import InconsistencyError
from theanojax.graph.variable import Constant
from theanojax.tensor.function_ops import deep_copy_op, view_op


def alias_root(v):
    """The variable whose memory `v` is, by view_map and destroy_map.

    Raises NotImplementedError if it may be that of several variables.
    """
    while v.owner is not None:
        position = v.owner.outputs.index(v)
        op = v.owner.op
        viewed = list(getattr(op, "view_map", {}).get(position, ())) + list(
            getattr(op, "destroy_map", {}).get(position, ())
        )
        if not viewed:
            return v
        if len(viewed) > 1:
            raise NotImplementedError(
                str(v) + " is a view/destroyed version of more then one inputs. Currently, we only support the case "
                "where an output is a view or a destroyed version of one input."
            )
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
            for out, ins in chain(
                getattr(client.op, "view_map", {}).items(), getattr(client.op, "destroy_map", {}).items()
            ):
                if position in ins and client.outputs[out] not in treeset:
                    pending.append(client.outputs[out])


def infer_reuse_pattern(fgraph, outputs_to_disown):
    """The computed variables that may share memory with one of `outputs_to_disown`, variables of the graph `fgraph`."""
    found: set = set()
    for v in outputs_to_disown:
        view_tree_set(alias_root(v), found)
    return {v for v in found if v.owner is not None}


def fgraph_updated_vars(fgraph, expanded_inputs):
    """Which inputs of `fgraph` take the value of which of its outputs: a dict.

    `expanded_inputs` are the specifications (In) of its inputs, as many (ValueError otherwise).
    """
    if len(expanded_inputs) != len(fgraph.inputs):
        raise ValueError("expanded_inputs must match len(fgraph.inputs)")
    updated = [v for spec, v in zip(expanded_inputs, fgraph.inputs) if spec.update is not None]
    return dict(zip(updated, fgraph.outputs[len(fgraph.outputs) - len(updated) :]))


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
    """Put a copy before each output of `fgraph` that would share memory with an input, a constant or a later output.

    `wrapped_inputs` and `wrapped_outputs` are its specifications (In, Out), one for each (AssertionError otherwise).
    Where both sides say ``borrow`` it is a view instead. An output may share the memory of an input that has an update,
    since that one's value is replaced.
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


def _overwritable(fgraph, inputs):
    """The inputs that stand for arguments which the user says may be overwritten -> their positions."""
    return {
        v: i
        for i, (v, spec) in enumerate(zip(fgraph.inputs, inputs))
        if spec.mutable and spec.update is None and not getattr(spec, "shared", False)
    }


def may_overwrite(fgraph, inputs, n_outputs):
    """Whether in-place Ops could leave an output in an argument: False saves making the graph that has them."""
    places = _overwritable(fgraph, inputs)
    return any(v.type == u.type for v in places for u in fgraph.outputs[:n_outputs] if u.owner is not None)


def results_in_arguments(fgraph, inputs, n_outputs):
    """Pairs (output position, input position): the arguments whose memory an in-place Op makes hold an output.

    What is only computed on the way to an output is of no use to the owner of the argument and is left out.
    """
    places = _overwritable(fgraph, inputs)
    pairs = []
    for o, v in enumerate(fgraph.outputs[:n_outputs]):
        while v.owner is not None:
            destroyed = getattr(v.owner.op, "destroy_map", {}).get(v.owner.outputs.index(v), ())
            if len(destroyed) != 1:
                break
            v = v.owner.inputs[destroyed[0]]
        if v in places and v is not fgraph.outputs[o]:
            pairs.append((o, places[v]))
    return pairs


def lent_constants(fgraph, n_outputs):
    """The constants of the graph that outputs are: a list of pairs (output position, array)."""
    return [
        (o, v.owner.inputs[0].data)
        for o, v in enumerate(fgraph.outputs[:n_outputs])
        if v.owner is not None and v.owner.op == view_op and isinstance(v.owner.inputs[0], Constant)
    ]


def sharing_memory(call, in_arguments, lent):
    """`call`, the method of a Program, with outputs that share memory with others as they may.

    Parameters
    ----------
    in_arguments : see `results_in_arguments`. Of two arguments that share memory only the first is overwritten.
    lent : see `lent_constants`.
    """

    def call_and_share(values, cells):
        arguments = [values[i] for _, i in in_arguments]
        outputs = list(call(values, cells))
        written: list = []
        for (o, _), memory in zip(in_arguments, arguments):
            result = outputs[o]
            if (
                isinstance(memory, np.ndarray)
                and memory.flags.writeable
                and memory.dtype == result.dtype
                and memory.shape == result.shape
                and not any(np.may_share_memory(memory, m) for m in written)
            ):
                np.copyto(memory, result)
                written.append(memory)
                outputs[o] = memory
        for o, data in lent:
            outputs[o] = data
        return outputs

    return call_and_share
