"""Variables and copies of graphs for the inside of an Op that has a graph of its own."""

import copy
from collections import OrderedDict

from theanojax.config import config
from theanojax.graph.op import get_test_value
from theanojax.graph.replace import clone, map_variables
from theanojax.graph.traverse import inputs as graph_inputs
from theanojax.graph.variable import Constant, Variable
from theanojax.scalar.types import ScalarVariable, get_scalar_type
from theanojax.tensor.as_tensor import as_tensor_variable


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


def reconstruct_graph(inputs, outputs, tag=None):
    """A copy of an inner graph with fresh inputs and constants: (new inputs, new outputs)."""
    fresh = [safe_new(x, tag or "") for x in inputs]
    givens = OrderedDict(zip(inputs, fresh))
    for v in graph_inputs(outputs):
        if isinstance(v, Constant):
            givens[v] = v.clone()
    return fresh, clone(outputs, replace=givens)


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
                    "graph of %s. This is not currently supported." % (u, op)
                )
            if u not in outer_to_inner:
                outer_to_inner[u] = safe_new(u, tag="_copy")
                extra_inner.append(outer_to_inner[u])
                extra_outer.append(u)
                holder = v.owner.fgraph if v.owner is not None else v.fgraph
                holder.add_input(outer_to_inner[u])
        return clone([new], replace=pairs + list(outer_to_inner.items()))[0]

    new_outputs = map_variables(replace_inside, inner_outputs)
    return list(inner_inputs) + extra_inner, list(outer_inputs) + extra_outer, new_outputs
