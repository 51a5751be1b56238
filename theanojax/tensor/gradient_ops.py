"""Identity Ops that change what ``grad`` sees: stop it, scale it, clip it. Their forward value is their input."""

import warnings

from theanojax.graph.gradient_types import disconnected_type, grad_undefined
from theanojax.graph.op import Op
from theanojax.graph.tracebacks import user_stacklevel
from theanojax.graph.variable import Apply
from theanojax.tensor import batch_rules
from theanojax.tensor.math import clip


class ViewOp(Op):
    """The value of its input, under another name."""

    __props__ = ()
    view_map = {0: [0]}
    c_code_and_version: dict = {}  # kept for programs that register into it; there is no C code here
    _f16_ok = True
    vectorize_node = batch_rules.only(0)

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def infer_shape(self, node, shapes):
        return shapes

    def compute(self, xp, node, x):
        return x

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = inputs[0]  # a view, and of any type: no conversion to an array

    def runs_on_host(self, node):
        return not hasattr(node.inputs[0].type, "numpy_dtype") or super().runs_on_host(node)

    def grad(self, inputs, output_grads):
        return output_grads

    def R_op(self, inputs, eval_points):
        return eval_points

    def __str__(self):
        return type(self).__name__


view_op = ViewOp()


class ZeroGrad(ViewOp):
    """An identity with zero gradient; see `zero_grad`."""

    def grad(self, args, g_outs):
        return [g.zeros_like() for g in g_outs]

    def R_op(self, inputs, eval_points):
        if eval_points[0] is None:
            return [None]
        return [inputs[0].zeros_like()]


class ConsiderConstant(ZeroGrad):
    """An identity with zero gradient; see `zero_grad`."""


class _Barrier(ViewOp):
    """An identity without derivatives; `connected` says whether gradients look behind it all the same."""

    connected = True

    def R_op(self, inputs, eval_points):
        return [None]

    def connection_pattern(self, node):
        return [[self.connected]]


class UndefinedGrad(_Barrier):
    """An identity whose gradient is an error; see `undefined_grad`."""

    def grad(self, args, g_outs):
        return [grad_undefined(self, i, x) for i, x in enumerate(args)]


class DisconnectedGrad(_Barrier):
    """An identity that gradients do not pass; see `disconnected_grad`."""

    connected = False

    def grad(self, args, g_outs):
        return [disconnected_type() for _ in g_outs]


class GradClip(ViewOp):
    """An identity that clips the gradient; see `grad_clip`.

    The bounds take no part in equality: forward, all of them are the same Op.
    """

    __props__ = ()

    def __init__(self, clip_lower_bound, clip_upper_bound):
        self.clip_lower_bound, self.clip_upper_bound = clip_lower_bound, clip_upper_bound
        if not clip_upper_bound >= clip_lower_bound:
            raise AssertionError(
                "The upper bound of grad_clip, %s, is less than the lower, %s." % (clip_upper_bound, clip_lower_bound)
            )

    def grad(self, args, g_outs):
        return [clip(g, self.clip_lower_bound, self.clip_upper_bound) for g in g_outs]


class GradScale(ViewOp):
    """An identity that multiplies the gradient; see `grad_scale`."""

    def __init__(self, multiplier):
        self.multiplier = multiplier

    def grad(self, args, g_outs):
        return [self.multiplier * g for g in g_outs]

    def R_op(self, inputs, eval_points):
        return [None if p is None else self.multiplier * p for p in eval_points]


consider_constant_ = ConsiderConstant()
zero_grad_ = ZeroGrad()
undefined_grad_ = UndefinedGrad()
disconnected_grad_ = DisconnectedGrad()


def consider_constant(x):
    """Deprecated: the variable `x` with a gradient of zero. Use `zero_grad` or `disconnected_grad`."""
    text = "consider_constant() is deprecated, use zero_grad() or disconnected_grad() instead."
    warnings.warn(text, stacklevel=user_stacklevel())
    return consider_constant_(x)


def zero_grad(x):
    """The variable `x`, with a gradient of zero: what it is computed from stays connected and receives zeros."""
    return zero_grad_(x)


def undefined_grad(x):
    """The variable `x`, with an undefined gradient: ``grad`` raises NullTypeGradError if a result depends on it."""
    return undefined_grad_(x)


def disconnected_grad(x):
    """The variable `x`, which ``grad`` does not look behind.

    Like `zero_grad`, but cheaper, and a variable reached by no other path counts as disconnected: by default ``grad``
    raises DisconnectedInputError.
    """
    return disconnected_grad_(x)


def grad_clip(x, lower_bound, upper_bound):
    """The variable `x`, with its gradient clipped elementwise to [`lower_bound`, `upper_bound`], two numbers.

    ``grad(grad_clip(x, -1, 1) ** 2, x)`` at 2.0 is 1.0 instead of 4.0. Raises AssertionError when the upper bound
    is less than the lower.
    """
    return GradClip(lower_bound, upper_bound)(x)


def grad_scale(x, multiplier):
    """The variable `x`, with its gradient multiplied by `multiplier`, a number or tensor; -1 reverses it."""
    return GradScale(multiplier)(x)
