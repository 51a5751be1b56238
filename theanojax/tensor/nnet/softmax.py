"""Softmax over the rows of a matrix, its logarithm, and their gradients."""

import warnings

import numpy as np

import theanojax.tensor as T
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.tracebacks import user_stacklevel
from theanojax.graph.variable import Apply
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.op_methods import shaped_like
from theanojax.tensor.type import float_dtypes

__all__ = [
    "LogSoftmax",
    "Softmax",
    "SoftmaxGrad",
    "SoftmaxWithBias",
    "logsoftmax",
    "logsoftmax_op",
    "softmax",
    "softmax_grad",
    "softmax_graph",
    "softmax_op",
    "softmax_with_bias",
]

_LOWEST = -np.inf


def in_single(xp, x):
    """`x`, in float32 where it is float16: sums of exponentials need the digits."""
    return xp.astype(x, "float32") if x.dtype == "float16" else x


def shifted(xp, x):
    """The matrix `x` less the largest element of each row, so that its exponentials cannot overflow."""
    return x - xp.max(x, axis=1, keepdims=True, initial=_LOWEST)


def rows_softmax(xp, x):
    e = xp.exp(shifted(xp, x))
    return e / xp.sum(e, axis=1, keepdims=True)


def _exponentials_code(node, x, source):
    """The texts of what is `shifted`, of its exponentials and of their sums, of a matrix `x` of floats.

    None where these would be computed in another dtype.
    """
    if node.inputs[0].type.dtype not in ("float32", "float64"):
        return None
    largest, lowest, exp, add = map(source.bind, (np.maximum, _LOWEST, np.exp, np.add))
    z = source.once("%s - %s.reduce(%s, 1, None, None, True, %s)" % (x, largest, x, lowest))
    e = source.once("%s(%s)" % (exp, z))
    return z, e, source.once("%s.reduce(%s, 1, None, None, True)" % (add, e))


def check_bias(x, b):
    """ValueError unless the vector `b` is as long as the rows of `x`."""
    if x.shape[1] != b.shape[0]:
        raise ValueError("number of columns in x (%d) does not match length of b (%d)" % (x.shape[1], b.shape[0]))


def _as_rows(x, op_name):
    """`x` as a matrix of floats; a vector becomes a row, with a warning. ValueError for anything else."""
    x = as_tensor_variable(x)
    if x.type.ndim not in (1, 2) or x.type.dtype not in float_dtypes:
        raise ValueError("x must be 1-d or 2-d tensor of floats. Got %s" % x.type)
    if x.ndim == 1:
        warnings.warn(
            "DEPRECATION: If x is a vector, %s will not automatically pad x anymore in next releases. If you "
            "need it, please do it manually. The vector case is gonna be supported soon and the output will "
            "be a vector." % op_name,
            stacklevel=user_stacklevel(),
        )
        x = T.shape_padleft(x, n_ones=1)
    return x


class SoftmaxWithBias(Op):
    """softmax(x + b) for each row, in the dtype of `x`: a matrix and a vector of floats (ValueError otherwise)."""

    nin = 2
    nout = 1
    __props__ = ()
    vectorize_node = batch_rules.softmax_with_bias

    def make_node(self, x, b):
        x, b = as_tensor_variable(x), as_tensor_variable(b)
        if x.type.ndim != 2 or x.type.dtype not in float_dtypes:
            raise ValueError("x must be 2-d tensor of floats")
        if b.type.ndim != 1 or b.type.dtype not in float_dtypes:
            raise ValueError("b must be 1-d tensor of floats")
        return Apply(self, [x, b], [x.type()])

    def compute(self, xp, node, x, b):
        check_bias(x, b)
        return rows_softmax(xp, in_single(xp, x) + in_single(xp, b)[None, :])

    def L_op(self, inputs, outputs, grads):
        (g,) = grads
        if isinstance(g.type, DisconnectedType):
            return [DisconnectedType()() for _ in inputs]
        dx = softmax_grad(g, outputs[0])
        return [dx, T.sum(dx, axis=0)]

    def R_op(self, inputs, eval_points):
        x_dot, b_dot = eval_points
        moved = [v for v in (x_dot, b_dot) if v is not None]
        if not moved:
            return [None]
        sm = self(*inputs)
        direction = moved[0] if len(moved) == 1 else x_dot + b_dot
        return [softmax_grad(direction if direction.ndim == 2 else T.zeros_like(sm) + direction, sm)]

    infer_shape = shaped_like(0)


class SoftmaxGrad(Op):
    """The gradient for `x` of softmax(x) = `sm`, given that for its result, `dy`.

    Both are matrices of one shape (ValueError at run time if not); a vector becomes a row.
    """

    nin = 2
    nout = 1
    __props__ = ()
    vectorize_node = batch_rules.merged(0, 1)

    def make_node(self, dy, sm):
        dy, sm = as_tensor_variable(dy), as_tensor_variable(sm)
        if dy.type.ndim not in (1, 2) or dy.type.dtype not in float_dtypes:
            raise ValueError("dy must be 1-d or 2-d tensor of floats. Got ", dy.type)
        if dy.ndim == 1:
            dy = T.shape_padleft(dy, n_ones=1)
        if sm.ndim == 1:
            sm = T.shape_padleft(sm, n_ones=1)
        return Apply(self, [dy, sm], [sm.type()])

    def compute(self, xp, node, dy, sm):
        for i in (0, 1):
            if dy.shape[i] != sm.shape[i]:
                raise ValueError("dy.shape[%d] != sm.shape[%d]" % (i, i))
        dy, sm = in_single(xp, dy), in_single(xp, sm)
        product = dy * sm
        return product - xp.sum(product, axis=1, keepdims=True) * sm

    def numpy_code(self, node, args, source, spare):
        if {v.type.dtype for v in node.inputs} not in ({"float32"}, {"float64"}):
            return None
        source.refuse("%s.shape != %s.shape" % tuple(args))
        product = source.once("%s * %s" % tuple(args))
        return "%s - %s.reduce(%s, 1, None, None, True) * %s" % (product, source.bind(np.add), product, args[1])

    def grad(self, inputs, grads):
        (dy, sm), (g,) = inputs, grads
        centred = g + T.neg(T.sum(g * sm, axis=1).dimshuffle((0, "x")))
        total = T.sum(dy * sm, axis=1).dimshuffle((0, "x"))
        return [centred * sm, centred * dy - g * total]

    def R_op(self, inputs, eval_points):
        (dy, sm), (dy_dot, sm_dot) = inputs, eval_points
        terms = []
        if dy_dot is not None:
            terms.append(self(dy_dot, sm))
        if sm_dot is not None:
            by_rows = [T.sum(dy * v, axis=1, keepdims=True) for v in (sm, sm_dot)]
            terms.append(dy * sm_dot - by_rows[1] * sm - by_rows[0] * sm_dot)
        return [sum(terms[1:], terms[0]) if terms else None]

    infer_shape = shaped_like(1)


class Softmax(Op):
    """exp(x) / sum(exp(x)) for each row of the matrix of floats `x`, which cannot overflow.

    A vector becomes a row; ValueError for other dimensions and dtypes.
    """

    nin = 1
    nout = 1
    __props__ = ()
    vectorize_node = batch_rules.merged(0)

    def make_node(self, x):
        x = _as_rows(x, "Softmax")
        return Apply(self, [x], [x.type()])

    def compute(self, xp, node, x):
        return rows_softmax(xp, in_single(xp, x))

    def numpy_code(self, node, args, source, spare):
        found = _exponentials_code(node, args[0], source)
        return found and "%s / %s" % found[1:]

    def L_op(self, inputs, outputs, grads):
        return [softmax_grad(grads[0], outputs[0])]

    def R_op(self, inputs, eval_points):
        # the Jacobian of each row is symmetric
        (moved,) = eval_points
        return [None if moved is None else softmax_grad(moved, self(*inputs))]

    infer_shape = shaped_like(0)


class LogSoftmax(Op):
    """log(softmax(x)) for each row of the matrix of floats `x`, exact where the softmax itself would be 0.

    A vector becomes a row; ValueError for other dimensions and dtypes.
    """

    __props__ = ()
    vectorize_node = batch_rules.merged(0)

    def make_node(self, x):
        x = _as_rows(x, "LogSoftmax")
        return Apply(self, [x], [x.type()])

    def compute(self, xp, node, x):
        z = shifted(xp, in_single(xp, x))
        return z - xp.log(xp.sum(xp.exp(z), axis=1, keepdims=True))

    def numpy_code(self, node, args, source, spare):
        found = _exponentials_code(node, args[0], source)
        return found and "%s - %s(%s)" % (found[0], source.bind(np.log), found[2])

    def grad(self, inputs, grads):
        sm = softmax_op(inputs[0])
        return [grads[0] - T.sum(grads[0], axis=1, keepdims=True) * sm]

    def R_op(self, inputs, eval_points):
        (moved,) = eval_points
        if moved is None:
            return [None]
        return [moved - T.sum(softmax_op(inputs[0]) * moved, axis=1, keepdims=True)]

    infer_shape = shaped_like(0)


softmax_with_bias = SoftmaxWithBias()
softmax_grad = SoftmaxGrad()
softmax_op = Softmax()
logsoftmax_op = LogSoftmax()


def softmax_graph(c):
    """``exp(c) / sum(exp(c))`` along the last dimension of the tensor `c`, written out; its shape, as floats.

    Rewriting makes that of a matrix a stable Softmax. ValueError if `c` has no dimension.
    """
    return T.exp(c) / T.exp(c).sum(axis=-1, keepdims=True)


def softmax(c):
    """``exp(c) / sum(exp(c))`` for each row of `c`, a matrix of floats, in its dtype; a vector becomes one row.

    ValueError for other dimensions and dtypes; a warning where rows have the length 1.
    """
    c = as_tensor_variable(c)
    if c.broadcastable[-1]:
        warnings.warn(
            "The softmax is applied on a dimension of shape 1, which does not have a semantic meaning.",
            stacklevel=user_stacklevel(),
        )
    return softmax_op(c)


def logsoftmax(c):
    """``log(softmax(c))``, exact where ``softmax(c)`` would be 0; arguments, result and errors as for `softmax`."""
    return logsoftmax_op(c)
