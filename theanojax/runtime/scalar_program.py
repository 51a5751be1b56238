"""Graphs of a few scalar operations as generated numpy code: quicker than any call into XLA."""

import numpy as np

from theanojax.arrays import HOST
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant
from theanojax.runtime.trace import cast_value

MOST_NODES = 12

_UFUNCS = {"add", "sub", "mul", "true_div", "neg", "exp", "log", "sqr", "sqrt", "tanh", "sin", "cos", "abs_", "maximum",
           "minimum"}
_NUMPY = {"sub": "subtract", "mul": "multiply", "true_div": "true_divide", "neg": "negative", "sqr": "square",
          "abs_": "absolute"}


def _all_scalar(variables):
    return all(getattr(v.type, "ndim", None) == 0 for v in variables)


def build_scalar_program(inputs, outputs):
    """An object with ``run(values) -> (outputs, True)`` for a small graph of elementwise Ops on scalars, else None."""
    from theanojax.tensor.elemwise import Elemwise

    order = io_toposort(inputs, outputs)
    if len(order) > MOST_NODES or not _all_scalar(inputs) or not _all_scalar(outputs):
        return None
    for node in order:
        if not isinstance(node.op, Elemwise) or node.op.runs_on_host(node) or not _all_scalar(node.inputs):
            return None
    scope, lines, names = {"asarray": np.asarray}, [], {v: "a[%d]" % i for i, v in enumerate(inputs)}
    for k, node in enumerate(order):
        for v in node.inputs:
            if isinstance(v, Constant):
                names[v] = "c%d" % len(scope)
                same = node.outputs[0].type.dtype
                scope[names[v]] = v.data.astype(same) if _widens(v, same) else v.data
        args = ", ".join(names[v] for v in node.inputs)
        if len(node.outputs) != 1:
            return None
        names[node.outputs[0]] = "t%d" % k
        scope["f%d" % k] = _ufunc(node) or _general(node)
        lines.append("    t%d = f%d(%s)" % (k, k, args))
    results = []
    for v in outputs:
        if isinstance(v, Constant):
            scope["k%d" % len(scope)] = v.data
            results.append("k%d.copy()" % (len(scope) - 1))
        else:
            results.append("%s.copy()" % names[v] if v in inputs else "asarray(%s)" % names[v])
    code = "def run(a):\n%s\n    return [%s], True\n" % ("\n".join(lines) or "    pass", ", ".join(results))
    exec(compile(code, "<scalar program>", "exec"), scope)  # the source is built above from the graph alone
    return _ScalarProgram(scope["run"])


class _ScalarProgram:
    def __init__(self, run):
        self.run = run


def _widens(constant, dtype):
    return constant.type.dtype != dtype and np.can_cast(constant.type.dtype, dtype)


def _ufunc(node):
    """numpy's own function for a node in one floating dtype, constants apart."""
    name = getattr(node.op.scalar_op, "name", None)
    dtype = node.outputs[0].type.dtype
    arity = 1 if name in ("neg", "exp", "log", "sqr", "sqrt", "tanh", "sin", "cos", "abs_") else 2
    same = all(v.type.dtype == dtype or (isinstance(v, Constant) and _widens(v, dtype)) for v in node.inputs)
    if name in _UFUNCS and len(node.inputs) == arity and same and dtype in ("float32", "float64"):
        return getattr(np, _NUMPY.get(name, name))
    return None


def _general(node):
    compute = node.op.scalar_op.compute
    out = node.outputs[0]
    dtypes = [v.type.dtype for v in node.inputs]

    def run(*values):
        value = compute(HOST, node, *[np.asarray(v, dtype=d) for v, d in zip(values, dtypes)])
        return cast_value(value[0] if isinstance(value, tuple) else value, out)

    return run
