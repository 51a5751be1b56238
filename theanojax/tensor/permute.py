"""Picking elements by an array: permutations of rows, choices between tensors."""

from theanojax.errors import ShapeError
from theanojax.graph import above
from theanojax.graph.gradient_types import DisconnectedType, grad_undefined
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.creation import arange, zeros_like
from theanojax.tensor.dims import shape_padleft
from theanojax.tensor.math import clip, eq, maximum, switch
from theanojax.tensor.reduce import Sum
from theanojax.tensor.shape import patternbroadcast
from theanojax.tensor.type import TensorType, discrete_dtypes, integer_dtypes


class PermuteRowElements(Op):
    """The elements of each row (along the last dimension) of `x` in the order that a row of `y` gives.

    The other dimensions of `x` and `y` are broadcast. With `inverse`, element i of a row goes to place ``y[i]``.
    """

    __props__ = ()

    def make_node(self, x, y, inverse):
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        inverse = as_tensor_variable(1 if inverse else 0)
        if y.type.dtype not in integer_dtypes:
            raise AssertionError("a permutation needs integers, got %s" % y.type)
        ndim = max(x.ndim, y.ndim)
        x, y = (
            shape_padleft(x, ndim - x.ndim) if x.ndim < ndim else x,
            shape_padleft(y, ndim - y.ndim) if y.ndim < ndim else y,
        )
        flags = [a and b for a, b in zip(x.broadcastable, y.broadcastable)]
        return Apply(self, [x, y, inverse], [TensorType(x.dtype, flags)()])

    def compute(self, xp, node, x, y, inverse):
        for i, (a, b) in enumerate(zip(x.shape, y.shape)):
            stretches = i < x.ndim - 1 and (
                (b == 1 and node.inputs[1].broadcastable[i]) or (a == 1 and node.inputs[0].broadcastable[i])
            )
            if a != b and not stretches:
                raise ValueError("Dimension mismatch: %s, %s" % (a, b))
        shape = tuple([max(a, b) for a, b in zip(x.shape, y.shape)])
        xp.guard(
            xp.all((y < shape[-1]) & (y >= -shape[-1])),
            lambda: IndexError("a permutation holds an index that is out of bounds for size %d" % shape[-1]),
        )
        y = xp.broadcast_to(y, shape)
        order = xp.where(inverse != 0, xp.argsort(y, axis=-1), y)
        return xp.take_along_axis(xp.broadcast_to(x, shape), order, axis=-1)

    def vectorize_node(self, node, inputs, batch):
        return [self(*inputs[:2], inputs[2].data)]

    def infer_shape(self, node, in_shapes):
        return [[maximum(a, b) for a, b in zip(*in_shapes[:2])]]

    def grad(self, inp, grads):
        (x, y, inverse), (gz,) = inp, grads
        gx = permute_row_elements(gz, y, not inverse.data)
        stretched = [i for i in range(gz.ndim) if x.broadcastable[i] and not gz.broadcastable[i]]
        gx = Sum(axis=stretched)(gx)
        kept = iter(range(gz.ndim))
        gx = gx.dimshuffle(*["x" if i in stretched else next(kept) for i in range(gz.ndim)])
        if x.dtype in discrete_dtypes:
            gx = x.zeros_like()
        return [gx, grad_undefined(self, 1, y), grad_undefined(self, 1, inverse)]


_permute_row_elements = PermuteRowElements()


def permute_row_elements(x, y, inverse=0):
    """The elements of each row (along the last dimension) of `x` in the order that the rows of `y` give.

    Parameters
    ----------
    x : tensor
    y : tensor of integers; rows that are permutations. The dimensions before the last are broadcast.
    inverse : if true, element i of a row goes to place ``y[i]`` instead of coming from there.

    Returns
    -------
    A tensor of the dtype of `x`.

    Raises
    ------
    AssertionError : `y` is not made of integers.
    ValueError : when run, shapes don't fit. IndexError : when run, an index is out of bounds.
    """
    return _permute_row_elements(x, y, inverse)


def inverse_permutation(perm):
    """The permutation that undoes `perm`, or undoes each row of it: a variable of the type of `perm`.

    `perm` is a vector or matrix variable of integers; AssertionError for other dtypes.
    """
    return permute_row_elements(arange(perm.shape[-1], dtype=perm.dtype), perm, inverse=True)


class Choose(Op):
    """From each place of the tensors `choices`, the element of the one that `a` names there.

    `mode` says what an index that is out of range does: "raise" (ValueError), "wrap" or "clip".
    """

    __props__ = ("mode",)

    def __init__(self, mode):
        if mode not in ("raise", "wrap", "clip"):
            raise AssertionError('mode must be "raise", "wrap" or "clip", got %r' % (mode,))
        self.mode = mode

    def make_node(self, a, choices):
        a = as_tensor_variable(a)
        if a.dtype not in discrete_dtypes:
            raise TypeError("choose first argument must have an [u]int* dtype. Got %s." % a.dtype)
        if isinstance(choices, (tuple, list)) or isinstance(getattr(choices.type, "ttype", None), TensorType):
            choice = above.make_list(choices)
            ndim, flags = choice.ttype.ndim, choice.ttype.broadcastable
        else:
            choice = as_tensor_variable(choices)
            ndim, flags = choice.ndim - 1, choice.broadcastable[1:]
        out_ndim = max(a.ndim, ndim)
        a = shape_padleft(a, out_ndim - a.ndim)
        if ndim != out_ndim:
            if not isinstance(choice.type, TensorType):
                raise NotImplementedError(
                    "We currently didn't implemented that case. To make it work, explicitly add "
                    "dimensions of size one for dimensions that will be broadcasted"
                )
            choice = choice.dimshuffle(0, *["x"] * (out_ndim - ndim), *range(1, choice.ndim))
            flags = choice.broadcastable[1:]
        out = [b1 and b2 for b1, b2 in zip(a.broadcastable, flags)]
        return Apply(self, [a, choice], [TensorType(choice.dtype, out)()])

    def runs_on_host(self, node):
        return not isinstance(node.inputs[1].type, TensorType)

    def compute(self, xp, node, a, choices):
        if self.mode == "raise":
            xp.guard(xp.all((a >= 0) & (a < len(choices))), lambda: ValueError("invalid entry in choice array"))
        return xp.choose(a, list(choices), mode="clip" if self.mode == "raise" else self.mode)

    def L_op(self, inputs, outputs, output_grads):
        (a, choices), (gz,) = inputs, output_grads
        if not isinstance(choices.type, TensorType):
            raise NotImplementedError("the gradient of a choice from a list")
        count = choices.shape[0]
        a = a % count if self.mode == "wrap" else clip(a, 0, count - 1)
        chosen = eq(shape_padleft(a), arange(count).dimshuffle(0, *["x"] * a.ndim))
        moved = switch(chosen, shape_padleft(gz), zeros_like(shape_padleft(gz)))
        stretched = [i for i, b in enumerate(choices.broadcastable) if i and b]
        if stretched:
            moved = patternbroadcast(moved.sum(axis=stretched, keepdims=True), choices.broadcastable)
        return [DisconnectedType()(), moved]

    def connection_pattern(self, node):
        return [[False], [True]]

    def infer_shape(self, node, shapes):
        if not isinstance(node.inputs[1].type, TensorType):
            raise ShapeError("Case not implemented")
        return [
            tuple(
                [
                    theirs if flag else mine
                    for mine, theirs, flag in zip(shapes[0], shapes[1][1:], node.inputs[0].broadcastable)
                ]
            )
        ]


def choose(a, choices, out=None, mode="raise"):
    """At each place, the element of the one of the tensors `choices` that the integer in `a` names.

    Parameters
    ----------
    a : tensor of integers
    choices : list of tensors of one type, or a tensor whose first dimension counts them; broadcast against `a`
    out : must be None
    mode : what an index out of range does: "raise" a ValueError, "wrap" around, or "clip" to the nearest

    Returns
    -------
    A tensor of the dtype of `choices`.

    Raises
    ------
    TypeError : `a` is not made of integers, or the list mixes types. AssertionError : unknown `mode`, or an `out`.
    """
    if out is not None:
        raise AssertionError("choose can not write into an existing tensor")
    return Choose(mode)(a, choices)


__all__ = ["PermuteRowElements", "permute_row_elements", "inverse_permutation", "Choose", "choose"]
