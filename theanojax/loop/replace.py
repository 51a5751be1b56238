"""Copies of graphs with some variables replaced."""

import copy
import warnings
from collections import OrderedDict, deque

from theanojax.config import config
from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.op import get_test_value
from theanojax.graph.traverse import equal_computations
from theanojax.graph.traverse import inputs as graph_inputs
from theanojax.graph.variable import Constant, Variable
from theanojax.scalar.types import ScalarVariable, get_scalar_type
from theanojax.tensor.as_tensor import as_tensor_variable

DEPRECATED_ARG = object()


def safe_new(x, tag="", dtype=None):
    """A free variable like `x`: same type (or `dtype`), its name with `tag` appended, a copy of its test value.

    A constant gives a copy of itself.
    """
    name = x.name + tag if getattr(x, "name", None) is not None else None
    if isinstance(x, Constant):
        if not dtype or x.dtype == dtype:
            return x.clone()
        cast = x.astype(dtype)
        new = x.__class__(cast.type, x.data, x.name)
        new.tag = copy.copy(x.tag)
        return new
    if isinstance(x, ScalarVariable):
        # A tensor would need a conversion inside the loop.
        new = get_scalar_type(dtype=dtype)() if dtype else x.type()
    else:
        try:
            x = as_tensor_variable(x)
        except TypeError:
            pass  # a random state, for instance, has no tensor form
        if dtype and x.dtype != dtype:
            x = x.astype(dtype)
        new = x.type()
    new.name = name
    if config.compute_test_value != "off":
        try:
            value = get_test_value(x)
        except AttributeError:
            return new
        new.tag.test_value = new.type.filter(copy.deepcopy(value))
    return new


def clone(output, replace=None, strict=True, share_inputs=True, copy_inputs=DEPRECATED_ARG):
    """A copy of the graph(s) of `output` with substitutions.

    Parameters
    ----------
    output : Variable, or a list of them
    replace : dict or list of pairs (variable, replacement)
    strict : whether a replacement must have the type of what it replaces.
    share_inputs : whether the copy has the same free variables; else they are copied too.
    copy_inputs : the old name of `share_inputs`.
    """
    from theanojax.compile.pfunc import rebuild_collect_shared

    if copy_inputs is not DEPRECATED_ARG:
        warnings.warn("In `clone()` function, the argument `copy_inputs` has been deprecated and renamed into "
                      "`share_inputs`", stacklevel=2)
        share_inputs = copy_inputs
    if not (replace is None or isinstance(replace, (dict, list, tuple))):
        raise ValueError("replace is neither a dictionary, list, tuple or None ! The value provided is %s,of type %s"
                         % (replace, type(replace)))
    pairs = list(replace.items()) if isinstance(replace, dict) else list(replace or ())
    # In two steps, so that a replacement may contain what it replaces.
    stand_ins = [(old, old.type()) for old, _ in pairs]
    back = [(stand_in, new) for (_, stand_in), (_, new) in zip(stand_ins, pairs)]
    _, outs, _ = rebuild_collect_shared(output, [], stand_ins, [], strict, share_inputs)
    _, outs, _ = rebuild_collect_shared(outs, [], back, [], strict, share_inputs)
    return outs


def reconstruct_graph(inputs, outputs, tag=None):
    """A copy of an inner graph with fresh inputs and constants: (new inputs, new outputs)."""
    fresh = [safe_new(x, tag or "") for x in inputs]
    givens = OrderedDict(zip(inputs, fresh))
    for v in graph_inputs(outputs):
        if isinstance(v, Constant):
            givens[v] = v.clone()
    return fresh, clone(outputs, replace=givens)


def forced_replace(out, x, y):
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


def _may_equal(v, x):
    if v is x:
        return True
    if v.owner is None or x.owner is None:
        return isinstance(v, Constant) and isinstance(x, Constant)
    return type(v.owner.op) is type(x.owner.op) and v.index == x.index


def traverse(out, x, x_copy, d, visited=None):
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


def map_variables(replacer, graphs, additional_inputs=()):
    """New graphs in which each variable `v` of `graphs` is ``replacer(v)``, inside loops too.

    `additional_inputs` are variables that replacements may use though `graphs` do not.
    """
    done = set()

    def once(v):
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
    cached = [v for v in leaves if getattr(v, "cached", False) or
              (isinstance(v, Constant) and getattr(v, "fgraph", None) is not None)]
    copies = [v.clone() for v in cached]  # a constant may belong to one graph only
    graphs = clone(graphs, replace=list(zip(cached, copies)))
    leaves = [v for v in leaves if v not in cached] + copies
    fgraph = FunctionGraph(leaves, graphs, clone=False)
    _map_nodes(fgraph, once)
    result = fgraph.outputs
    fgraph.disown()
    return result


def _map_nodes(fgraph, replacer):
    """Replace the outputs of each node, from the outputs of `fgraph` towards its inputs."""
    seen, todo = set(), deque(reversed(fgraph.toposort()))
    while todo:
        node = todo.popleft()
        if node in seen or node not in fgraph.apply_nodes:
            continue
        seen.add(node)
        before = set(fgraph.apply_nodes)
        if hasattr(node.op, "map_inner"):
            outputs = node.op.map_inner(node, replacer).outputs
            seen.add(outputs[0].owner)
        else:
            outputs = [replacer(v) for v in node.outputs]
        for old, new in zip(node.outputs, outputs):
            if new is not old:
                fgraph.replace(old, new, reason="map_variables")
        todo.extend(n for n in fgraph.toposort()[::-1] if n not in before)


def map_inner_graph(replacer, inner_inputs, outer_inputs, inner_outputs, op):
    """`map_variables` for the inner graph of `op`: (inner inputs, outer inputs, inner outputs).

    Free variables that a replacement brings in become new non-sequence inputs, inside and outside.
    """
    outer_to_inner = OrderedDict(zip(outer_inputs, inner_inputs))
    extra_inner, extra_outer = [], []

    def replace_inside(v):
        new = replacer(v)
        leaves = [u for u in graph_inputs([new]) if isinstance(u, Variable)]
        constants = [u for u in leaves if isinstance(u, Constant)]
        inside = set(outer_to_inner.values())
        foreign = [u for u in OrderedDict.fromkeys(leaves) if not isinstance(u, Constant) and u not in inside]
        if not constants and not foreign:
            return new
        pairs = [(c, c.clone()) for c in constants]
        for u in foreign:
            if getattr(u, "update", False):
                raise NotImplementedError(
                    "Replacement introduces shared variable %s which has an update associated with it into the inner "
                    "graph of %s. This is not currently supported." % (u, op))
            if u not in outer_to_inner:
                outer_to_inner[u] = safe_new(u, tag="_copy")
                extra_inner.append(outer_to_inner[u])
                extra_outer.append(u)
                holder = v.owner.fgraph if v.owner is not None else v.fgraph
                holder.add_input(outer_to_inner[u])
        return clone([new], replace=pairs + list(outer_to_inner.items()))[0]

    new_outputs = map_variables(replace_inside, inner_outputs)
    return list(inner_inputs) + extra_inner, list(outer_inputs) + extra_outer, new_outputs
