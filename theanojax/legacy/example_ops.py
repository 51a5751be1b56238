"""The Ops that Theano had as examples: `theano.misc.doubleop` and `theano.sandbox.minimal`."""

from __future__ import annotations

from typing import Any

import numpy as np

from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.type import lscalar


class DoubleOp(Op):
    """Twice a tensor."""

    __props__ = ()

    def __str__(self) -> str:
        return type(self).__name__

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        return Apply(self, [x], [x.type()])

    def compute(self, xp: Any, node: Apply, x: Any) -> Any:
        return xp.astype(x + x, node.outputs[0].dtype)

    def infer_shape(self, node: Apply, i0_shapes: list) -> list:
        return i0_shapes

    def grad(self, inputs: list, output_grads: list) -> list:
        return [output_grads[0] * 2]

    def R_op(self, inputs: list, eval_points: list) -> list:
        return [None if point is None else point * 2 for point in eval_points]


class Minimal(Op):
    """Prints how many arguments it gets, which are tensors, and the greatest number of the first; its result is 0."""

    __props__ = ()

    def make_node(self, *args: Any) -> Apply:
        return Apply(self, list(args), [lscalar()])

    def perform(self, node: Apply, inputs: list, output_storage: list, params: Any = None) -> None:
        print("perform got %i arguments" % len(inputs))
        print("Max of input[0] is ", np.max(inputs[0]))
        output_storage[0][0] = np.asarray(0, dtype="int64")


minimal = Minimal()
