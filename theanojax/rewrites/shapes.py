"""Rewrites of shapes to what is known of them."""

from theanojax.graph.rewriting.base import Optimizer
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.graph.traverse import ancestors
from theanojax.tensor.shape import Shape, Shape_i, make_vector
from theanojax.tensor.shape_feature import ShapeFeature, asks_value


class ShapeOptimizer(Optimizer):
    """Attaches a ShapeFeature."""

    def add_requirements(self, fgraph):
        if not hasattr(fgraph, "shape_feature"):
            fgraph.attach_feature(ShapeFeature())


class UnShapeOptimizer(Optimizer):
    """Takes the ShapeFeature away."""

    def apply(self, fgraph):
        for feature in list(fgraph._features):
            if isinstance(feature, ShapeFeature):
                fgraph.remove_feature(feature)


@local_optimizer([Shape])
def local_shape_to_shape_i(node):
    """``x.shape`` -> the vector of the lengths that are known of `x`; computing `x` is then often not needed."""
    feature = getattr(getattr(node, "fgraph", None), "shape_feature", None)
    if not isinstance(node.op, Shape) or feature is None:
        return None
    x = node.inputs[0]
    if feature.shape_of[x] is None:
        return None
    ret = make_vector(*[feature.get_shape(x, i) for i in range(x.ndim)])
    copy_stack_trace(node.outputs[0], ret)
    return [ret]


@local_optimizer([Shape_i])
def local_track_shape_i(node):
    """``Shape_i(x)`` -> what is known of that length."""
    feature = getattr(getattr(node, "fgraph", None), "shape_feature", None)
    if not isinstance(node.op, Shape_i) or feature is None or feature.shape_of[node.inputs[0]] is None:
        return None
    x, i = node.inputs[0], node.op.i
    length = feature.get_shape(x, i)
    if length is node.outputs[0] or (asks_value(length) and length.owner.inputs[0] is x):
        return None
    if (
        length.owner is not None
        and length.owner not in node.fgraph.apply_nodes
        and node.outputs[0] in ancestors([length])
    ):
        return None
    return [length]
