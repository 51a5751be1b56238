"""How the outputs of graphs move with their inputs, node by node: what `Rop` is made of."""

import theanojax.tensor as T
from theanojax.gradient.backprop import is_disconnected, is_null
from theanojax.graph.gradient_types import disconnected_type
from theanojax.graph.replace import clone
from theanojax.graph.signals import by_signal
from theanojax.graph.traverse import inputs as graph_inputs, io_toposort
from theanojax.graph.variable import Variable


def moves(f, wrt, eval_points):
    """A dict from each variable between `wrt` and `f` to its derivative along `eval_points`, None where it has none."""
    found = dict(zip(reversed(wrt), reversed(eval_points)))  # of a variable given twice, the first point counts
    given = set(found)
    still = set()  # what does not depend on `wrt`
    for node in io_toposort(wrt, f):
        points = []
        for v in node.inputs:
            if v in found:
                point = found[v]
            else:  # every computed input has been met: it is a leaf
                still.add(v)
                point = v.zeros_like() if hasattr(v, "zeros_like") else None
            points.append(None if point is None else _as_type_of(v, point))
        moving = [p is not None and v not in still for v, p in zip(node.inputs, points)]
        if not any(moving):
            still.update(v for v in node.outputs if v not in given)
        for out, move in zip(node.outputs, _of_node(node, points, moving)):
            found.setdefault(out, move)
    return found


def _of_node(node, points, moving):
    """The derivative of each output: that of the Op's ``R_op``, or of its gradient if it has none."""
    try:
        return node.op.R_op(node.inputs, points)
    except NotImplementedError as error:
        if not any(moving):
            return [v.zeros_like() if hasattr(v, "zeros_like") else None for v in node.outputs]
        try:
            return _from_gradient(node, points, moving)
        except _NoGradient as reason:
            raise error from reason


class _NoGradient(Exception):
    """An Op has no gradient that could be differentiated."""


def _from_gradient(node, points, moving):
    """The derivatives of a node's outputs along `points`, from its gradient.

    The gradient is linear in that of the outputs. Times the points, it is a number whose derivative for the gradient of
    an output is how far the output moves.
    """
    from theanojax.gradient import grad

    smooth = [v for v in node.outputs if getattr(v.type, "dtype", "") in T.continuous_dtypes]
    given = {v: v.type() for v in smooth if isinstance(v.type, T.TensorType)}
    if not given or len(given) != len(smooth):
        raise _NoGradient("its outputs are no tensors of floats")
    try:
        grads = node.op.L_op(node.inputs, node.outputs, [given.get(v) or disconnected_type() for v in node.outputs])
        work = 0
        for g, p, moves_ in zip(grads, points, moving):
            if not moves_ or is_disconnected(g):
                continue
            if is_null(g) or not isinstance(g.type, T.TensorType) or not isinstance(p.type, T.TensorType):
                raise _NoGradient("there is no gradient for an input")
            if g.dtype in T.continuous_dtypes and p.dtype in T.continuous_dtypes:
                work += (g * p).sum()
        if not isinstance(work, Variable):
            return [None] * len(node.outputs)
        along = grad(work, list(given.values()), disconnected_inputs="ignore", return_disconnected="None")
    except Exception as error:  # an Op may refuse in its own way
        if isinstance(error, _NoGradient) or by_signal(error):
            raise
        raise _NoGradient("its gradient has no gradient") from error
    found = dict(zip(given, along))
    # What is left of the gradients of the outputs in a linear expression stands for "not zero".
    ones = {u: T.ones_like(v) for v, u in given.items()}
    return [_without(found.get(v), ones) for v in node.outputs]


def _without(v, ones):
    left = [u for u in graph_inputs([v]) if u in ones] if v is not None else []
    return clone(v, replace=[(u, ones[u]) for u in left]) if left else v


def _as_type_of(v, point):
    if not isinstance(point, Variable):
        point = T.as_tensor_variable(point)
    try:
        return v.type.filter_variable(point)
    except TypeError:
        # R_op has no notion of a float direction for an integer, unlike grad
        return v.type.filter_variable(T.cast(point, v.type.dtype))
