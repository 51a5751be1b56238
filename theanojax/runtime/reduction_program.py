"""Graphs that only reduce numpy arguments: numpy reads them where they lie, XLA would have to copy them first.

The sum of an 80 MB argument takes numpy 9 ms; a copy into memory that XLA can use and XLA's own sum take 25 to 35 ms.
"""

import numpy as np

from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant
from theanojax.runtime.host import HostExecutor
from theanojax.runtime.transfer import STAGED_BYTES, on_cpu

MOST_NODES = 30
_WIDE = ("float64", "complex128", "int64", "uint64")  # where numpy adds up in the dtype of the input


def only_reduces(inputs, outputs):
    """Whether a graph reduces whole arguments and does nothing else but a few operations on what comes out."""
    from theanojax.tensor.elemwise import CAReduce, DimShuffle, Elemwise
    from theanojax.tensor.shape import MakeVector, ScalarFromTensor, Shape, Shape_i, TensorFromScalar
    from theanojax.tensor.subtensor import Subtensor

    order = io_toposort(inputs, outputs)
    large = {v for v in inputs if getattr(v.type, "ndim", 0) > 0}
    reductions = [n for n in order if isinstance(n.op, CAReduce) and n.inputs[0] in large]
    if not on_cpu or not reductions or len(order) > MOST_NODES or any(v in large for v in outputs):
        return False
    for node in order:
        if any(isinstance(v, Constant) and getattr(v.type, "ndim", 0) > 1 for v in node.inputs):
            return False
        if isinstance(node.op, (Shape, Shape_i)):
            continue
        if node in reductions:
            if node.inputs[0].type.dtype not in _WIDE or node.op.runs_on_host(node):
                return False
        elif (any(v in large for v in node.inputs) or node.op.runs_on_host(node) or not isinstance(
                node.op, (CAReduce, DimShuffle, Elemwise, MakeVector, ScalarFromTensor, Subtensor, TensorFromScalar))):
            return False
    return True


class ReductionProgram:
    """Runs on the host where a large argument is a numpy array, else hands the values to the program `otherwise`."""

    def __init__(self, inputs, outputs, otherwise):
        self.otherwise = otherwise
        self.host = HostExecutor((list(inputs), list(outputs)))

    def run(self, values):
        for v in values:
            if type(v) is np.ndarray and v.nbytes > STAGED_BYTES:
                return self.host(values), True
        return self.otherwise.run(values)
