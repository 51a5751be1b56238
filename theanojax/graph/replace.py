"""Copies of graphs with some variables replaced."""

from __future__ import annotations

import warnings
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.rebuild import rebuild_collect_shared
from theanojax.graph.tracebacks import boundary, user_stacklevel
from theanojax.graph.traverse import equal_computations, inputs as graph_inputs
from theanojax.graph.variable import Constant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, overload

    from theanojax.graph.rebuild import Pairs
    from theanojax.graph.variable import Apply, Variable


DEPRECATED_ARG = object()


if TYPE_CHECKING:

    @overload
    def clone(
        output: Variable,
        replace: Pairs | None = ...,
        strict: bool = ...,
        share_inputs: bool = ...,
        copy_inputs: object = ...,
    ) -> Variable: ...
    @overload
    def clone(
        output: Sequence[Variable],
        replace: Pairs | None = ...,
        strict: bool = ...,
        share_inputs: bool = ...,
        copy_inputs: object = ...,
    ) -> list[Variable]: ...


@boundary
def clone(
    output: Any,
    replace: Pairs | None = None,
    strict: bool = True,
    share_inputs: bool = True,
    copy_inputs: Any = DEPRECATED_ARG,
) -> Any:
    """A copy of the graph(s) of `output` with substitutions.

    Parameters
    ----------
    output : Variable, or a list or tuple of them (TypeError otherwise); the copy of these is a list
    replace : dict or list of pairs (variable, replacement)
    strict : whether a replacement must have the type of what it replaces. TypeError if it cannot be converted
    share_inputs : whether the copy has the same free variables; else they are copied too.
    copy_inputs : the old name of `share_inputs`.
    """
    if copy_inputs is not DEPRECATED_ARG:
        warnings.warn(
            "In `clone()` function, the argument `copy_inputs` has been deprecated and renamed into `share_inputs`",
            stacklevel=user_stacklevel(),
        )
        share_inputs = copy_inputs
    if not (replace is None or isinstance(replace, (dict, list, tuple))):
        raise ValueError(
            "replace is neither a dictionary, list, tuple or None ! The value provided is %s,of type %s"
            % (replace, type(replace))
        )
    pairs = list(replace.items()) if isinstance(replace, dict) else list(replace or ())
    # In two steps, so that a replacement may contain what it replaces.
    stand_ins = [(old, old.type()) for old, _ in pairs]
    back = [(stand_in, new) for (_, stand_in), (_, new) in zip(stand_ins, pairs)]
    for step in (stand_ins, back):
        _, output, _ = rebuild_collect_shared(output, [], step, [], strict, share_inputs)
    return output


def forced_replace(out: Variable | None, x: Variable, y: Variable) -> Variable | None:
    """`out` with `y` in place of every variable that computes the same as `x`."""
    if out is None:
        return None
    found, seen, todo = [], set(), deque([out])
    while todo:
        v = todo.popleft()
        if v in seen:
            continue
        seen.add(v)
        if _may_equal(v, x) and equal_computations([v], [x]):
            found.append((v, y))
        elif v.owner:
            todo.extendleft(v.owner.inputs)
    return clone(out, replace=found) if found else out


def _may_equal(v: Variable, x: Variable) -> bool:
    if v is x:
        return True
    if v.owner is None or x.owner is None:
        return isinstance(v, Constant) and isinstance(x, Constant)
    return type(v.owner.op) is type(x.owner.op) and v.index == x.index


def traverse(
    out: Variable, x: Variable, x_copy: Variable, d: dict[Variable, Variable], visited: set[Variable] | None = None
) -> dict[Variable, Variable]:
    """Record in `d` what must be replaced in `out` when the inner variable `x_copy` stands for `x`.

    Theano needs this where a variable and its copy live on different devices, which is never so here.
    """
    visited = set() if visited is None else visited
    if out in visited:
        return d
    visited.add(out)
    if out is x:
        d[out] = x_copy
    elif out.owner is not None:
        for v in out.owner.inputs:
            traverse(v, x, x_copy, d, visited)
    return d


def map_variables(
    replacer: Callable[[Variable], Variable], graphs: Iterable[Variable], additional_inputs: Iterable[Variable] = ()
) -> list[Variable]:
    """New graphs in which each variable `v` of `graphs` is ``replacer(v)``, inside loops too.

    `additional_inputs` are variables that replacements may use though `graphs` do not.
    """
    done = set()

    def once(v: Variable) -> Variable:
        if v in done:
            return v
        new = replacer(v)
        done.add(new)
        return new

    graphs = list(graphs)
    leaves = list(OrderedDict.fromkeys(graph_inputs(graphs) + list(additional_inputs)))
    pairs = [(v, once(v)) for v in leaves]
    graphs = clone(graphs, replace=[(v, new) for v, new in pairs if new is not v])
    leaves = list(OrderedDict.fromkeys(graph_inputs(graphs) + list(additional_inputs)))
    cached = [
        v
        for v in leaves
        if getattr(v, "cached", False) or (isinstance(v, Constant) and getattr(v, "fgraph", None) is not None)
    ]
    copies = [v.clone() for v in cached]  # a constant may belong to one graph only
    graphs = clone(graphs, replace=list(zip(cached, copies)))
    leaves = [v for v in leaves if v not in cached] + copies
    fgraph = FunctionGraph(leaves, graphs, clone=False)
    _map_nodes(fgraph, once)
    result = fgraph.outputs
    fgraph.disown()
    return result


def _map_nodes(fgraph: FunctionGraph, replacer: Callable[[Variable], Variable]) -> None:
    """Replace the outputs of each node, from the outputs of `fgraph` towards its inputs."""
    seen: set[Apply | None] = set()
    todo = deque(reversed(fgraph.toposort()))
    while todo:
        node = todo.popleft()
        if node in seen or node not in fgraph.apply_nodes:
            continue
        seen.add(node)
        before = set(fgraph.apply_nodes)
        mapped = node.op.map_inner(node, replacer)
        seen.add(mapped)
        outputs = [replacer(v) for v in node.outputs] if mapped is None else mapped.outputs
        for old, new in zip(node.outputs, outputs):
            if new is not old:
                fgraph.replace(old, new, reason="map_variables")
        todo.extend(n for n in fgraph.toposort()[::-1] if n not in before)
