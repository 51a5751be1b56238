# ruff: noqa: F403, F405
"""Convolution in two and three dimensions: the functions that build it, and all names of theano's abstract_conv."""

from theanojax.graph.tracebacks import boundaries
from theanojax.graph.variable import Constant
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.nnet import conv_ops, conv_shapes
from theanojax.tensor.nnet.conv_ops import *
from theanojax.tensor.nnet.conv_shapes import *
from theanojax.tensor.var import TensorConstant, TensorVariable

imported_scipy_signal = True


def conv2d(
    input,
    filters,
    input_shape=None,
    filter_shape=None,
    border_mode="valid",
    subsample=(1, 1),
    filter_flip=True,
    filter_dilation=(1, 1),
    num_groups=1,
    unshared=False,
):
    """Images convolved with filters: ``nnet.conv2d`` without its old keywords.

    Parameters
    ----------
    input : (batch, channels, rows, columns)
    filters : (filters, channels of a group, rows, columns)

    The other parameters, the result and the errors are those of ``nnet.conv2d``.
    """
    op = AbstractConv2d(
        input_shape, filter_shape, border_mode, subsample, filter_flip, filter_dilation, num_groups, unshared
    )
    return op(as_tensor_variable(input), as_tensor_variable(filters))


def conv3d(
    input,
    filters,
    input_shape=None,
    filter_shape=None,
    border_mode="valid",
    subsample=(1, 1, 1),
    filter_flip=True,
    filter_dilation=(1, 1, 1),
    num_groups=1,
):
    """Volumes convolved with filters.

    Parameters
    ----------
    input : (batch, channels, depth, rows, columns)
    filters : (filters, channels of a group, d, r, c)
    input_shape, filter_shape : the shapes as far as they are known; None, or five ints or None
    border_mode : "valid", "full", "half", an int, or three
    subsample, filter_dilation : three ints, the steps between outputs and between the inputs of one output
    filter_flip : False for a correlation
    num_groups : number of groups that the channels are split into

    Returns (batch, filters, depth, rows, columns), in the dtype of `input`. TypeError for other numbers of dimensions,
    ValueError for an unknown border mode, another number of steps, or no group.
    """
    op = AbstractConv3d(input_shape, filter_shape, border_mode, subsample, filter_flip, filter_dilation, num_groups)
    return op(as_tensor_variable(input), as_tensor_variable(filters))


def _separable(op, conv, input, depthwise_filters, pointwise_filters, shapes, pointwise_filter_shape):
    """`op` of input and filters of these two `shapes`, and `conv` of what comes out."""
    shape = None if any(s is None for s in shapes) else op.infer_shape(None, shapes)[0]
    depthwise = op(as_tensor_variable(input), as_tensor_variable(depthwise_filters))
    return conv(depthwise, pointwise_filters, shape, pointwise_filter_shape, filter_flip=op.filter_flip)


def separable_conv2d(
    input,
    depthwise_filters,
    pointwise_filters,
    num_channels,
    input_shape=None,
    depthwise_filter_shape=None,
    pointwise_filter_shape=None,
    border_mode="valid",
    subsample=(1, 1),
    filter_flip=True,
    filter_dilation=(1, 1),
):
    """Each channel convolved on its own, then a convolution with 1x1 filters that mixes the channels.

    Parameters
    ----------
    input : (batch, channels, rows, columns)
    depthwise_filters : (depthwise channels, 1, rows, columns)
    pointwise_filters : (output channels, depthwise channels, 1, 1)
    num_channels : the number of input channels, an int

    `border_mode`, `subsample` and `filter_dilation` apply to the first convolution; see ``nnet.conv2d``. Returns
    (batch, output channels, rows, columns), in the dtype of `input`.
    """
    shapes = [input_shape, depthwise_filter_shape]
    op = AbstractConv2d(*shapes, border_mode, subsample, filter_flip, filter_dilation, num_channels)
    return _separable(op, conv2d, input, depthwise_filters, pointwise_filters, shapes, pointwise_filter_shape)


def separable_conv3d(
    input,
    depthwise_filters,
    pointwise_filters,
    num_channels,
    input_shape=None,
    depthwise_filter_shape=None,
    pointwise_filter_shape=None,
    border_mode="valid",
    subsample=(1, 1, 1),
    filter_flip=True,
    filter_dilation=(1, 1, 1),
):
    """`separable_conv2d` for volumes, with three lengths where that has rows and columns; see `conv3d`.

    Parameters
    ----------
    input : (batch, channels, depth, rows, columns)
    depthwise_filters : (depthwise channels, 1, depth, rows, columns)
    pointwise_filters : (output channels, depthwise channels, 1, 1, 1)
    num_channels : the number of input channels, an int
    """
    shapes = [input_shape, depthwise_filter_shape]
    op = AbstractConv3d(*shapes, border_mode, subsample, filter_flip, filter_dilation, num_channels)
    return _separable(op, conv3d, input, depthwise_filters, pointwise_filters, shapes, pointwise_filter_shape)


# ---------------------------------------------------------------------- gradients by themselves
def _is_known_size(size):
    return size is None or isinstance(size, (TensorConstant, int))


def _is_size(size):
    return isinstance(size, (TensorVariable, TensorConstant, int))


def _require(condition, text, error):
    if not condition:
        raise error(text)


def _check_sizes(shape, n, name, error):
    """The sizes along the last `n` axes must be given, those before may be None but not symbolic."""
    for i in range(len(shape) - n):
        _require(_is_known_size(shape[i]), "%s[%d] must be a constant or None." % (name, i), error)
    for i in range(len(shape) - n, len(shape)):
        _require(_is_size(shape[i]), "%s[%d] must be a symbolic variable, a constant or None." % (name, i), error)


def _check_known(shape, length, name, error):
    if shape is None:
        return
    _require(len(shape) == length, "The lenght of %s was %d, but we expected %d." % (name, len(shape), length), error)
    for i, size in enumerate(shape):
        _require(_is_known_size(size), "%s[%d] must be a constant or None" % (name, i), error)


def _numbers(shape):
    """`shape` with None for what is symbolic."""
    return [None if isinstance(s, TensorVariable) and not isinstance(s, Constant) else s for s in shape]


def conv2d_grad_wrt_inputs(
    output_grad,
    filters,
    input_shape,
    filter_shape=None,
    border_mode="valid",
    subsample=(1, 1),
    filter_flip=True,
    filter_dilation=(1, 1),
    num_groups=1,
    unshared=False,
):
    """The gradient of a convolution for its input: `output_grad` brought back to `input_shape`.

    Parameters
    ----------
    output_grad : (batch, filters, rows, columns), the gradient for the convolution's output
    filters : those of the convolution
    input_shape : the shape of the input: two ints, constants or None, then two ints, constants or scalars
    filter_shape : None, or the shape of the filters as far as it is known

    The rest is that of the convolution; see ``nnet.conv2d``. Returns (batch, channels, rows, columns). ValueError if a
    shape has other members.
    """
    _check_sizes(input_shape, 2, "input_shape", ValueError)
    _check_known(filter_shape, 6 if unshared else 4, "filter_shape", ValueError)
    op = AbstractConv2d_gradInputs(
        _numbers(input_shape), filter_shape, border_mode, subsample, filter_flip, filter_dilation, num_groups, unshared
    )
    return op(as_tensor_variable(filters), as_tensor_variable(output_grad), input_shape[-2:])


def conv3d_grad_wrt_inputs(
    output_grad,
    filters,
    input_shape,
    filter_shape=None,
    border_mode="valid",
    subsample=(1, 1, 1),
    filter_flip=True,
    filter_dilation=(1, 1, 1),
    num_groups=1,
):
    """The gradient of `conv3d` for its input: `output_grad` brought back through `filters` to `input_shape`.

    As `conv2d_grad_wrt_inputs`, with three lengths for two; AssertionError if a shape has members of other types.
    """
    _check_sizes(input_shape, 3, "input_shape", AssertionError)
    _check_known(filter_shape, 5, "filter_shape", AssertionError)
    op = AbstractConv3d_gradInputs(
        _numbers(input_shape), filter_shape, border_mode, subsample, filter_flip, filter_dilation, num_groups
    )
    return op(as_tensor_variable(filters), as_tensor_variable(output_grad), input_shape[-3:])


def conv2d_grad_wrt_weights(
    input,
    output_grad,
    filter_shape,
    input_shape=None,
    border_mode="valid",
    subsample=(1, 1),
    filter_flip=True,
    filter_dilation=(1, 1),
    num_groups=1,
    unshared=False,
):
    """The gradient of a convolution for its filters, which have `filter_shape`.

    Parameters
    ----------
    input : (batch, channels, rows, columns)
    output_grad : (batch, filters, rows, columns), the gradient for the convolution's output
    filter_shape : ints, constants or None; the last two may be symbolic scalars, and may not be None
    input_shape : None, or the shape of the input as far as it is known

    The rest is that of the convolution; see ``nnet.conv2d``. Returns (filters, channels of a group, rows, columns).
    AssertionError if a shape has members of other types.
    """
    _check_sizes(filter_shape, 2, "filter_shape", AssertionError)
    _check_known(input_shape, 4, "input_shape", AssertionError)
    op = AbstractConv2d_gradWeights(
        input_shape, _numbers(filter_shape), border_mode, subsample, filter_flip, filter_dilation, num_groups, unshared
    )
    return op(as_tensor_variable(input), as_tensor_variable(output_grad), filter_shape[-2:])


def conv3d_grad_wrt_weights(
    input,
    output_grad,
    filter_shape,
    input_shape=None,
    border_mode="valid",
    subsample=(1, 1, 1),
    filter_flip=True,
    filter_dilation=(1, 1, 1),
    num_groups=1,
):
    """The gradient of `conv3d` for its filters, which have `filter_shape`, given `input` and `output_grad`.

    As `conv2d_grad_wrt_weights`, with three lengths for two.
    """
    _check_sizes(filter_shape, 3, "filter_shape", AssertionError)
    _check_known(input_shape, 5, "input_shape", AssertionError)
    op = AbstractConv3d_gradWeights(
        input_shape, _numbers(filter_shape), border_mode, subsample, filter_flip, filter_dilation, num_groups
    )
    return op(as_tensor_variable(input), as_tensor_variable(output_grad), filter_shape[-3:])


def causal_conv1d(
    input,
    filters,
    filter_shape,
    input_shape=None,
    subsample=1,
    filter_flip=True,
    filter_dilation=1,
    num_groups=1,
    unshared=False,
):
    """A convolution in time whose output at a time depends on no later input.

    Parameters
    ----------
    input : (batch, channels, times)
    filters : (output channels, channels, taps)
    filter_shape : three ints or None; the last must be given, because as many zeros go before the first time
    input_shape : None, or three ints or None
    subsample, filter_dilation : ints
    filter_flip, num_groups, unshared : as for ``nnet.conv2d``

    Returns (batch, output channels, times). ValueError unless input and filters have three dimensions.
    """
    input, filters = as_tensor_variable(input), as_tensor_variable(filters)
    if input.ndim != 3:
        raise ValueError("Input should be 3D for causal convolution.")
    if filters.ndim != 3:
        raise ValueError("Filters should be 3D for causal convolution")
    _require(len(filter_shape) == 3, "filter_shape must have three members", AssertionError)
    if input_shape is not None:
        _require(len(input_shape) == 3, "input_shape must have three members", AssertionError)
        input_shape = tuple(input_shape) + (1,)
    before = filter_dilation * (filter_shape[2] - 1)
    op = AbstractConv2d(
        imshp=input_shape,
        kshp=tuple(filter_shape) + (1,),
        border_mode=((before, 0), 0),
        subsample=(subsample, 1),
        filter_flip=filter_flip,
        filter_dilation=(filter_dilation, 1),
        num_groups=num_groups,
        unshared=unshared,
    )
    return op(input.dimshuffle(0, 1, 2, "x"), filters.dimshuffle(0, 1, 2, "x"))[:, :, :, 0]


# Below, because it is made of the functions above.
from theanojax.tensor.nnet.bilinear import (  # noqa: E402
    bilinear_kernel_1D,
    bilinear_kernel_2D,
    bilinear_upsampling,
    frac_bilinear_upsampling,
)

__all__ = [
    *conv_ops.__all__,
    *conv_shapes.__all__,
    "bilinear_kernel_1D",
    "bilinear_kernel_2D",
    "bilinear_upsampling",
    "causal_conv1d",
    "conv2d",
    "conv2d_grad_wrt_inputs",
    "conv2d_grad_wrt_weights",
    "conv3d",
    "conv3d_grad_wrt_inputs",
    "conv3d_grad_wrt_weights",
    "frac_bilinear_upsampling",
    "imported_scipy_signal",
    "separable_conv2d",
    "separable_conv3d",
]

boundaries(globals())
