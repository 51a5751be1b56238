"""Constant folding: what depends on constants alone is computed while the function is built."""

import numpy as np

from theanojax import scalar as scal
from theanojax.config import config
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.rewriting.walk import in2out
from theanojax.graph.tag import copy_stack_trace
from theanojax.graph.variable import Constant
from theanojax.rewrites.common import applies
from theanojax.tensor.nnet.sigm import ScalarSigmoid
from theanojax.tensor.nnet.softmax import Softmax, SoftmaxWithBias


@local_optimizer(None)
def constant_folding(node):
    """op(constants) -> constant, unless ``op.do_constant_folding(node)`` is false.

    An exponential that overflows or underflows is left: its logarithm may be exact once both are made one Op.
    """
    for v in node.inputs:
        if not isinstance(v, Constant):
            return False
    if not node.op.do_constant_folding(node) or (node.op.only_c_code() and not config.cxx):
        return False
    storage_map = {v: [v.data] for v in node.inputs}
    compute_map = {v: [True] for v in node.inputs}
    for v in node.outputs:
        storage_map[v], compute_map[v] = [None], [False]
    thunk = node.op.make_thunk(node, storage_map, compute_map, no_recycling=[], impl="py")
    if thunk():
        raise AssertionError("a node whose inputs are all given asks for more", node)
    if _saturated(node, storage_map[node.outputs[0]][0]):
        return False
    result = []
    for v in node.outputs:
        made = getattr(v.type, "Constant", Constant)(v.type, storage_map[v][0])
        copy_stack_trace(v, made)
        result.append(made)
    return result


def _saturated(node, value):
    if isinstance(node.op, (Softmax, SoftmaxWithBias)):
        return bool(np.any((value == 0) | np.isinf(value)))
    if applies(node, scal.Exp, scal.Erfc):
        limits = (value == 0) | np.isinf(value)
    elif applies(node, ScalarSigmoid):
        limits = (value == 0) | (value == 1)
    else:
        return False
    return bool(np.any(limits & np.isfinite(node.inputs[0].data)))  # those of infinities are exact


topo_constant_folding = in2out(constant_folding, ignore_newtrees=True, name="topo_constant_folding")
