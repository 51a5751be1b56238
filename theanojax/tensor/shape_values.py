"""Numbers for the shapes of a whole graph."""

import numpy as np

from theanojax.graph import above
from theanojax.graph.variable import Constant
from theanojax.tensor.shape_feature import ShapeFeature


def shape_of_variables(fgraph, input_shapes):
    """The shapes of all variables of a FunctionGraph, as tuples of integer arrays.

    Parameters
    ----------
    fgraph : FunctionGraph; a ShapeFeature is attached to it if it has none.
    input_shapes : dict from each input to its shape.

    Returns
    -------
    dict from variable to shape, for all variables whose shape is known to Theano.
    """
    if not hasattr(fgraph, "shape_feature"):
        fgraph.attach_feature(ShapeFeature())
    shape_of = {v: fgraph.shape_feature.shape_of[v] for v in fgraph.variables}
    shape_of = {v: dims for v, dims in shape_of.items() if dims is not None}
    foreign = [v for v in input_shapes if v not in fgraph.inputs]
    if foreign:
        raise ValueError(
            "input_shapes has variables that are no inputs of the graph: %s. A FunctionGraph clones the "
            "graph it is given unless it is told clone=False." % foreign
        )
    given = {}
    for v, lengths in input_shapes.items():
        given.update((dim, n) for dim, n in zip(shape_of[v], lengths) if not isinstance(dim, Constant))
    wanted = list(dict.fromkeys(dim for dims in shape_of.values() for dim in dims))
    compute = above.function(list(given), wanted, on_unused_input="ignore")
    value = dict(zip(wanted, compute(*given.values())))
    return {v: tuple([np.asarray(value[dim]) for dim in dims]) for v, dims in shape_of.items()}


__all__ = ["shape_of_variables"]
