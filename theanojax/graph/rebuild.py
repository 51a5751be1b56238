"""Copies of graphs with substitutions, and the shared variables and updates that are met on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from theanojax.graph.copying import copy_graph
from theanojax.graph.shared import SharedVariable, shared
from theanojax.graph.variable import Constant, Variable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from theanojax.graph.variable import Apply

    Pairs = dict[Any, Any] | Iterable[tuple[Any, Any]]


def iter_over_pairs(pairs: Pairs) -> Iterable[tuple[Any, Any]]:
    """The pairs of a dict, or of something that already iterates over pairs."""
    return pairs.items() if isinstance(pairs, dict) else pairs


def rebuild_collect_shared(
    outputs: Any,
    inputs: Sequence[Variable] | None = None,
    replace: Pairs | None = None,
    updates: Pairs | None = None,
    rebuild_strict: bool = True,
    copy_inputs_over: bool = True,
    no_default_updates: bool | list[SharedVariable] = False,
) -> tuple[list[Variable], Any, list[Any]]:
    """Copy a graph with substitutions, and find the shared variables and updates that it involves.

    Parameters
    ----------
    outputs : Variable, Out, list of these, or None
    inputs : list of Variables
    replace : dict or list of pairs (variable, replacement)
    updates : dict or list of pairs (shared variable, expression)
    rebuild_strict : bool
        Whether replacements must have the type of what they replace.
    copy_inputs_over : bool
        Whether the copy shares inputs and shared variables with the original.
    no_default_updates : bool or list of shared variables

    Returns
    -------
    (inputs, outputs, [clones, updates by variable, list of updates, shared variables]), of the copy.
    """
    copy = _Copy(rebuild_strict, copy_inputs_over, no_default_updates)
    copy.replace(iter_over_pairs(replace or []))
    new_inputs = [copy.input(v) for v in inputs or ()]
    for v in new_inputs:
        if isinstance(v, SharedVariable):
            raise TypeError(
                "Cannot use a shared variable (%s) as explicit input. Consider substituting a non-shared "
                "variable via the `givens` parameter" % v
            )
    for target, value in iter_over_pairs(updates or []):
        copy.add_update(target, value)
    if outputs is None:
        new_outputs = []
    elif isinstance(outputs, (list, tuple)):
        new_outputs = [
            copy.output(v, "Outputs must be theano Variable or Out instances. Received %s of type %s" % (v, type(v)))
            for v in outputs
        ]
    else:
        new_outputs = copy.output(outputs, "output must be a theano Variable or Out instance (or list of them)")
    # New default updates may turn up on the way, so the list grows while it is walked.
    for target, value in copy.update_list:
        copy.updates[target] = copy.variable(value)
        copy.meet(target)
    return new_inputs, new_outputs, [copy.clones, copy.updates, copy.update_list, list(copy.shared)]


class _Copy:
    """A copy of a graph in the making."""

    def __init__(self, strict: bool, share_inputs: bool, no_default_updates: bool | list[SharedVariable]) -> None:
        self.strict, self.share_inputs, self.no_default_updates = strict, share_inputs, no_default_updates
        self.clones: dict[Any, Any] = {}  # of variables and nodes
        self.updates: dict[Variable, Variable] = {}
        self.update_list: list[tuple[Variable, Variable]] = []
        self.shared: dict[SharedVariable, None] = {}  # an ordered set

    def replace(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        for old, new in pairs:
            if not isinstance(old, Variable):
                raise TypeError("given keys must be Variable", old)
            if not isinstance(new, Variable):
                new = shared(new)
            if old in self.clones:
                raise AssertionError(
                    "When using 'givens' or 'replace' with several (old_v, new_v) replacement pairs, you can not have "
                    "a new_v variable depend on an old_v one. For instance, givens = {a:b, b:(a+1)} is not allowed. "
                    "Here, the old_v %s is used to compute other new_v's, but it is scheduled to be replaced by %s."
                    % (old, new)
                )
            self.clones[old] = self.variable(new)

    def input(self, v: Variable) -> Variable:
        if v not in self.clones:
            self.clones[v] = v if self.share_inputs else v.clone()
        copy: Variable = self.clones[v]
        return copy

    def output(self, v: Any, message: str) -> Any:
        if isinstance(v, Variable):
            return self.variable(v)
        if hasattr(v, "with_variable"):  # an Out
            return v.with_variable(self.variable(v.variable))
        raise TypeError(message, v) if message.startswith("output ") else TypeError(message)

    def variable(self, v: Variable) -> Variable:
        """The copy of `v`."""
        return copy_graph([v], self.clones, self._leaf, strict=self.strict)[0]

    def _leaf(self, v: Variable, user: Apply | None) -> Variable:
        if isinstance(v, SharedVariable):
            self.meet(v)
            if self._default_update_applies(v):
                update = v.default_update if user is None else user.op.default_update(user, v)
                value = v.type.filter_variable(update, allow_convert=False)
                self.updates[v] = value
                self.update_list.append((v, value))
        # A constant may belong to one graph only.
        fresh = not self.share_inputs or (isinstance(v, Constant) and getattr(v, "fgraph", None) is not None)
        return v.clone() if fresh else v

    def _default_update_applies(self, v: SharedVariable) -> bool:
        skip = self.no_default_updates
        return (
            getattr(v, "default_update", None) is not None
            and v not in self.updates
            and (skip is False or (isinstance(skip, list) and v not in skip))
        )

    def meet(self, v: Variable) -> None:
        if isinstance(v, SharedVariable):
            self.shared.setdefault(v)

    def add_update(self, target: SharedVariable, value: Any) -> None:
        if not isinstance(target, SharedVariable):
            raise TypeError("update target must be a SharedVariable", target)
        if target in self.updates:
            raise ValueError("this shared variable already has an update expression", (target, self.updates[target]))
        try:
            new = target.type.filter_variable(value, allow_convert=False)
        except TypeError:
            raise TypeError(
                "An update must have the same type as the original shared variable (shared_var=%s, "
                "shared_var.type=%s, update_val=%s, update_val.type=%s)."
                % (target, target.type, value, getattr(value, "type", None)),
                "If the difference is related to the broadcast pattern, you can call the tensor.unbroadcast(var, "
                "axis_to_unbroadcast[, ...]) function to remove broadcastable dimensions.",
            ) from None
        self.updates[target] = new
        self.update_list.append((target, new))
