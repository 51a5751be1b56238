"""What many Ops have in common: methods, or functions that make one, for the body of a class, and the inplace form."""

from theanojax.graph.gradient_types import grad_undefined
from theanojax.graph.op import Op


def shaped_like(*positions):
    """``infer_shape`` of an Op with one output for each of `positions`, which has the shape of the input there."""
    return lambda self, node, shapes: [shapes[i] for i in positions]


def scalar_shape(op, node, shapes):
    """``infer_shape`` of an Op whose output has no dimension."""
    return [()]


def product_shape(op, node, shapes):
    """``infer_shape`` of the product of the first two inputs, both matrices."""
    (rows, _), (_, columns) = shapes[:2]
    return [(rows, columns)]


def first_connected(count):
    """``connection_pattern`` of an Op whose outputs depend smoothly on its first `count` inputs and no others."""
    return lambda self, node: [[i < count] * len(node.outputs) for i in range(len(node.inputs))]


def linear_in(start, stop=None):
    """``R_op`` of an Op that is linear in its inputs from `start` to before `stop`, taken together.

    The Op is applied to the directions of these and to the values of the others. Without all these directions
    no output has a derivative.
    """

    def R_op(self, inputs, eval_points):
        moving = eval_points[start:stop]
        if any(v is None for v in moving):
            return [None]
        at = list(inputs)
        at[start:stop] = moving
        return self(*at, return_list=True)

    return R_op


def without_gradient(comment=""):
    """``grad`` of an Op that has no derivative for any of its inputs; errors show `comment`."""
    return lambda self, inputs, grads: [grad_undefined(self, i, v, comment) for i, v in enumerate(inputs)]


def never_folded(op, node):
    """``do_constant_folding`` of an Op that may give something else whenever it runs."""
    return False


class InplaceOp(Op):
    """An Op that with `inplace` writes its output over an input, the one at the position ``overwritten``."""

    __props__ = ("inplace",)
    overwritten = 0

    def __init__(self, inplace):
        self.inplace = inplace
        if inplace:
            self.destroy_map = {0: [self.overwritten]}

    def __str__(self):
        return "%s{%s}" % (type(self).__name__, "inplace" if self.inplace else "no_inplace")
