"""An Op that says where its value lies, and changes nothing else."""

from theanojax.graph.op import Op
from theanojax.graph.variable import Apply


class Spread(Op):
    """The value of its input, on the devices that `placement`, a Placement, says."""

    __props__ = ("placement",)
    view_map = {0: [0]}

    def __init__(self, placement):
        self.placement = placement

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def infer_shape(self, node, shapes):
        return shapes

    def compute(self, xp, node, x):
        return x

    def lower_xla(self, ctx, node, x):
        return ctx.spread(self.placement, x)

    def __str__(self):
        return "Spread{%s}" % self.placement

    def grad(self, inputs, output_grads):
        return output_grads

    def R_op(self, inputs, eval_points):
        return eval_points
