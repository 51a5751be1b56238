"""Batch normalization: with given statistics, with those of the batch, and with running averages of these.

The abstract Ops stand for the whole computation until rewriting replaces them by elementary Ops.
"""

import numpy as np

import theanojax.tensor as T
from theanojax import scalar as scal
from theanojax.config import config, flags_of_thread
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.scalar.composite import Composite
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.elemwise import Elemwise
from theanojax.tensor.op_methods import shaped_like


class BNComposite(Composite):
    """(x - mean) / std * gamma + beta as one scalar Op, with a gradient that needs no intermediate values."""

    init_param = ("dtype",)

    @flags_of_thread(compute_test_value="off")
    def __init__(self, dtype):
        self.dtype = dtype
        x, mean, std, gamma, beta = [scal.get_scalar_type(dtype)() for _ in range(5)]
        out = scal.add(scal.mul(scal.true_div(scal.sub(x, mean), std), gamma), beta)
        super().__init__([x, mean, std, gamma, beta], [out])

    def grad(self, inputs, grads):
        (x, mean, std, gamma, _), (top,) = inputs, grads
        top_gamma = top * gamma
        x_mean = x - mean
        dx = top_gamma / std
        return [dx, -dx, -(top_gamma * x_mean) / (std * std), top * x_mean / std, top]


def batch_normalization(inputs, gamma, beta, mean, std, mode="low_mem"):
    """``(inputs - mean) / std * gamma + beta``, elementwise: floats of the dtype that all are upcast to.

    Parameters
    ----------
    inputs : tensor variable
    gamma, beta, mean, std : tensors that broadcast against it; `std` is the root of the variance (plus an epsilon)
    mode : "low_mem", whose gradient keeps no intermediate values, or "high_mem"; ValueError for anything else
    """
    if mode == "low_mem":
        return Elemwise(scalar_op=BNComposite(dtype=inputs.dtype))(inputs, mean, std, gamma, beta)
    if mode == "high_mem":
        return (inputs - mean) * (gamma / std) + beta
    raise ValueError('mode must be either "low_mem", "high_mem"')


# ---------------------------------------------------------------- what all users share
def _prepare_batch_normalization_axes(axes, ndim):
    """(axes, the other axes) of a tensor of `ndim` dimensions, as sorted tuples; ValueError when they do not fit."""
    if isinstance(axes, str) and axes == "per-activation":
        axes = (0,)
    elif isinstance(axes, str) and axes == "spatial":
        axes = (0,) + tuple(range(2, ndim))
    elif isinstance(axes, (tuple, list, range, np.ndarray)):  # Keras 1 passes the list that range was in Python 2
        axes = tuple([int(a) for a in axes])
    else:
        raise ValueError("invalid axes: %s" % (axes,))
    axes = tuple(sorted(axes))
    if not axes:
        raise ValueError("there should be at least one normalization axis")
    _check_axes(axes, ndim)
    return axes, tuple([i for i in range(ndim) if i not in axes])


def _check_axes(axes, ndim):
    if min(axes) < 0 or max(axes) >= ndim:
        raise ValueError("axes should be less than ndim (<%d), but %s given" % (ndim, str(axes)))


def _floatX_epsilon(epsilon):
    # rounded first: float32(1e-5) is less than 1e-5
    epsilon = np.asarray(epsilon, dtype=config.floatX)[()]
    if epsilon < 1e-5:
        raise ValueError("epsilon must be at least 1e-5, got %s" % str(epsilon))
    return epsilon


class _Parameters:
    """How parameters, which may lack the normalized axes, are laid out against the inputs."""

    def __init__(self, gamma, beta, axes, ndim):
        self.axes, self.kept = _prepare_batch_normalization_axes(axes, ndim)
        self.full = gamma.ndim == ndim
        self.ndim = ndim if self.full else len(self.kept)
        self.order = [self.kept.index(i) if i in self.kept else "x" for i in range(ndim)]
        if gamma.ndim != self.ndim or beta.ndim != self.ndim:
            raise ValueError(
                "gamma and beta dimensionality must match the number of non-normalized axes, or have the "
                "same number of dimensions as the inputs; got %d and %d instead of %d"
                % (gamma.ndim, beta.ndim, self.ndim)
            )

    def spread(self, *params):
        """The parameters, broadcastable against the inputs."""
        params = [as_tensor_variable(v) for v in params]
        if self.full:
            return [T.addbroadcast(v, *self.axes) for v in params]
        return [v.dimshuffle(self.order) for v in params]


def batch_normalization_train(
    inputs,
    gamma,
    beta,
    axes="per-activation",
    epsilon=1e-4,
    running_average_factor=0.1,
    running_mean=None,
    running_var=None,
):
    """Batch normalization (Ioffe and Szegedy 2015): mean 0 and variance 1 along `axes`, times `gamma`, plus `beta`.

    Parameters
    ----------
    inputs : tensor
    gamma, beta : tensors with the shape of `inputs`, in which `axes` have length 1 or are left out
    axes : axes to normalize: "per-activation" (the first), "spatial" (all but the second), or a tuple of ints, none of
        them negative
    epsilon : number added to the variance, at least 1e-5
    running_average_factor : float, what part of the new running averages is this batch
    running_mean, running_var : running averages so far, shaped as `gamma`; both or neither

    Returns
    -------
    (out, mean, invstd), and the new running mean and variance if old ones were given; `out` has the shape of `inputs`,
    the others have that of `gamma`. `invstd` is ``1 / sqrt(variance + epsilon)`` with the mean of the squared
    distances as variance; the running variance takes the unbiased one.

    ValueError for axes, numbers of dimensions or an epsilon that do not fit.
    """
    ndim = inputs.ndim
    layout = _Parameters(gamma, beta, axes, ndim)
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be given or both be None")
    for name, value in (("running_mean", running_mean), ("running_var", running_var)):
        if value is not None and value.ndim != layout.ndim:
            raise ValueError(
                "%s must be of the same dimensionality as gamma and beta; got %d instead of %d"
                % (name, value.ndim, layout.ndim)
            )
    epsilon = _floatX_epsilon(epsilon)
    inputs = as_tensor_variable(inputs)
    gamma, beta = layout.spread(gamma, beta)
    op = AbstractBatchNormTrain(axes=layout.axes)
    if running_mean is None:
        results = op(inputs, gamma, beta, epsilon=epsilon)
    else:
        running = layout.spread(running_mean, running_var)
        results = op(
            inputs,
            gamma,
            beta,
            epsilon=epsilon,
            running_average_factor=running_average_factor,
            running_mean=running[0],
            running_var=running[1],
        )
        for i, old in enumerate(running, start=3):
            if results[i].broadcastable != old.broadcastable:
                results[i] = T.patternbroadcast(results[i], old.broadcastable)
    if not layout.full:
        results = [results[0]] + [v.dimshuffle(layout.kept) for v in results[1:]]
    return tuple(results)


def batch_normalization_test(inputs, gamma, beta, mean, var, axes="per-activation", epsilon=1e-4):
    """``(inputs - mean) * gamma / sqrt(var + epsilon) + beta`` with given averages (Ioffe and Szegedy 2015).

    Parameters
    ----------
    inputs : tensor
    gamma, beta, mean, var : tensors with the shape of `inputs`, in which `axes` have length 1 or are left out
    axes : as for `batch_normalization_train`
    epsilon : number added to the variance, at least 1e-5

    Returns a tensor of the shape of `inputs`. ValueError for axes, numbers of dimensions or an epsilon that do not fit.
    """
    layout = _Parameters(gamma, beta, axes, inputs.ndim)
    if mean.ndim != layout.ndim or var.ndim != layout.ndim:
        raise ValueError(
            "mean and var must be of the same dimensionality as gamma and beta; got %d and %d instead of "
            "%d" % (mean.ndim, var.ndim, layout.ndim)
        )
    epsilon = _floatX_epsilon(epsilon)
    return AbstractBatchNormInference(axes=layout.axes)(inputs, *layout.spread(gamma, beta, mean, var), epsilon=epsilon)


# ---------------------------------------------------------------- Ops
class _BatchNorm(Op):
    """An Op along some axes, whose tensors have one number of dimensions."""

    __props__ = ("axes",)

    def __init__(self, axes=(0,)):
        if not isinstance(axes, (tuple, list)) or not axes:
            raise AssertionError("axes have to be a tuple or list of one axis or more, not %r" % (axes,))
        self.axes = tuple([int(a) for a in axes])

    @staticmethod
    def _alike(*tensors):
        if len({v.ndim for v in tensors}) != 1:
            raise AssertionError(
                "all tensors must have the same number of dimensions, not %s" % [v.ndim for v in tensors]
            )
        return scal.as_common_dtype(*tensors)  # numbers such as epsilon keep their dtypes

    def _mean(self, v):
        return T.mean(v, axis=self.axes, keepdims=True)

    def _sum(self, v):
        return T.sum(v, axis=self.axes, keepdims=True)


class AbstractBatchNormTrain(_BatchNorm):
    """Normalization by the statistics of the batch.

    Parameters
    ----------
    x : tensor
    scale, bias : tensors of as many dimensions, of length 1 along `axes`
    epsilon, running_average_factor : scalars
    running_mean, running_var : optional, as `scale`

    Outputs: normalized x; mean; 1 / sqrt(variance + epsilon); new running mean and variance if there are old ones.
    """

    def make_node(self, x, scale, bias, epsilon=1e-4, running_average_factor=0.1, running_mean=None, running_var=None):
        tensors = [as_tensor_variable(v) for v in (x, scale, bias)]
        numbers = [as_tensor_variable(v) for v in (epsilon, running_average_factor)]
        running = [as_tensor_variable(v) for v in (running_mean, running_var) if v is not None]
        if len(running) == 1:
            raise AssertionError("running_mean and running_var must either both be given or both be None")
        tensors = list(self._alike(*tensors, *running))
        x, scale = tensors[:2]
        outputs = [x.type()] + [scale.type() for _ in tensors[1:]]
        return Apply(self, tensors[:3] + numbers + tensors[3:], outputs)

    def compute(self, xp, node, x, scale, bias, epsilon, factor, *running):
        _check_axes(self.axes, x.ndim)
        mean = xp.mean(x, axis=self.axes, keepdims=True)
        var = xp.var(x, axis=self.axes, keepdims=True)
        invstd = 1.0 / xp.sqrt(var + epsilon)
        results = [(x - mean) * (scale * invstd) + bias, mean, invstd]
        if running:
            m = float(np.divide(x.size, scale.size))
            unbiased = m / (m - 1) if m != 1 else np.inf
            results.append(running[0] * (1.0 - factor) + mean * factor)
            results.append(running[1] * (1.0 - factor) + unbiased * var * factor)
        return tuple(results)

    def infer_shape(self, node, shapes):
        return [shapes[0]] + [shapes[1]] * (len(node.outputs) - 1)

    def L_op(self, inputs, outputs, grads):
        x, scale, _, epsilon, factor = inputs[:5]
        _, mean, invstd = outputs[:3]
        dy, *statistics = [None if isinstance(g.type, DisconnectedType) else g for g in grads]
        dx, dscale, dbias = AbstractBatchNormTrainGrad(self.axes)(
            x, x.zeros_like() if dy is None else dy, scale, mean, invstd, epsilon
        )
        dmean, dinvstd, *drunning = statistics
        count = T.cast(x.size // scale.size, x.dtype)
        # second derivatives go through the statistics that the first one is given
        through = [(dmean, 1 / count), (dinvstd, -(x - mean) * invstd**3 / count)]
        through += zip(drunning, (factor / count, 2 * factor * (x - mean) / (count - 1)))
        for g, slope in through:
            dx = dx if g is None else dx + g * slope
        return [
            dx,
            dscale,
            dbias,
            DisconnectedType()(),
            DisconnectedType()(),
            *[DisconnectedType()() if g is None else g * (1 - factor) for g in drunning],
        ]

    def connection_pattern(self, node):
        running = len(node.inputs) - 5
        first = [[True] * (3 + running)] + [[True] * 3 + [False] * running for _ in range(2)]
        numbers = [[False] * (3 + running) for _ in range(2)]
        averages = [[False] * 3 + [i == j for j in range(running)] for i in range(running)]
        return first + numbers + averages


class AbstractBatchNormInference(_BatchNorm):
    """Normalization by given statistics: ``(x - mean) * (scale / sqrt(variance + epsilon)) + bias``.

    All are tensors of as many dimensions as `x`, but for the scalar `epsilon`.
    """

    def make_node(self, x, scale, bias, estimated_mean, estimated_variance, epsilon=1e-4):
        tensors = [as_tensor_variable(v) for v in (x, scale, bias, estimated_mean, estimated_variance)]
        tensors = list(self._alike(*tensors))
        return Apply(self, tensors + [as_tensor_variable(epsilon)], [tensors[0].type()])

    def compute(self, xp, node, x, scale, bias, mean, var, epsilon):
        return (x - mean) * (scale / xp.sqrt(var + epsilon)) + bias

    infer_shape = shaped_like(0)

    def grad(self, inputs, grads):
        x, epsilon, dy = inputs[0], inputs[5], grads[0]
        _check_axes(self.axes, x.ndim)
        scale, _, mean, var = [T.addbroadcast(v, *self.axes) for v in inputs[1:5]]
        var_eps = var + epsilon
        std = T.sqrt(var_eps)
        two = T.constant(2.0)
        dvar = -self._sum(dy * (x - mean)) * (scale / (two * var_eps * std))
        return [
            dy * (scale / std),
            self._sum(dy * (x - mean)) / std,
            self._sum(dy),
            -self._sum(dy) * (scale / std),
            dvar,
            DisconnectedType()(),
        ]

    def connection_pattern(self, node):
        return [[True]] * 5 + [[False]]


class AbstractBatchNormTrainGrad(_BatchNorm):
    """The gradients of AbstractBatchNormTrain for `x`, `scale` and `bias`, given that for its first output, `dy`.

    `x_mean` and `x_invstd` are its other outputs.
    """

    def make_node(self, x, dy, scale, x_mean, x_invstd, epsilon=1e-4):
        tensors = list(self._alike(*[as_tensor_variable(v) for v in (x, dy, scale, x_mean, x_invstd)]))
        x, scale = tensors[0], tensors[2]
        return Apply(self, tensors + [as_tensor_variable(epsilon)], [x.type(), scale.type(), scale.type()])

    def compute(self, xp, node, x, dy, scale, x_mean, x_invstd, epsilon):
        _check_axes(self.axes, x.ndim)
        along = dict(axis=self.axes, keepdims=True)
        x_diff = x - x_mean
        c = dy * x_invstd - x_diff * xp.mean(dy * x_diff, **along) * x_invstd**3
        return (scale * (c - xp.mean(c, **along)), xp.sum(dy * x_invstd * x_diff, **along), xp.sum(dy, **along))

    def infer_shape(self, node, shapes):
        return [shapes[0], shapes[2], shapes[2]]

    def grad(self, inputs, grads):
        x, dy, scale, x_mean, x_invstd, _ = inputs
        ddinputs, ddscale, ddbias = grads
        x_diff = x - x_mean
        # the terms of the gradient for each input, from each output that has one
        terms = g_x, g_dy, g_scale, g_mean, g_invstd = [[] for _ in range(5)]
        if not isinstance(ddinputs.type, DisconnectedType):
            cube = x_invstd**3
            mean_dy_x_diff = self._mean(dy * x_diff)
            c = scale * (ddinputs - self._mean(ddinputs))
            mean_c_x_diff = self._mean(c * x_diff)
            d = cube * (c * mean_dy_x_diff + dy * mean_c_x_diff)
            e = dy * x_invstd - cube * x_diff * mean_dy_x_diff
            g_x.append(-d)
            g_dy.append(c * x_invstd - cube * x_diff * mean_c_x_diff)
            g_scale.append(self._sum(ddinputs * (e - self._mean(e))))
            g_mean.append(self._sum(d))
            g_invstd.append(self._sum(c * (dy - 3 * (x_invstd**2) * x_diff * mean_dy_x_diff)))
        if not isinstance(ddscale.type, DisconnectedType):
            g_x.append(x_invstd * ddscale * dy)
            g_dy.append(x_invstd * ddscale * x_diff)
            g_mean.append(-(x_invstd * ddscale * self._sum(dy)))
            g_invstd.append(ddscale * self._sum(dy * x_diff))
        if not isinstance(ddbias.type, DisconnectedType):
            g_dy.append(T.fill(dy, ddbias))
        return [sum(found[1:], found[0]) if found else DisconnectedType()() for found in [*terms, []]]

    def connection_pattern(self, node):
        return [
            [True, True, False],
            [True, True, True],
            [True, False, False],
            [True, True, False],
            [True, True, False],
            [False, False, False],
        ]
