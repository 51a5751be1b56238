"""The shapes of convolutions, in numbers or symbols: of the output, of the filters, of the image.

Sizes are integers, symbolic scalars, or None where they are not known; what depends on None is None.
A border mode is "valid", "half", "full", or a padding: one number for both sides of an axis, or a pair.
"""

from theanojax.config import config
from theanojax.errors import NotScalarConstantError
from theanojax.tensor.as_tensor import get_scalar_constant_value
from theanojax.tensor.assert_op import Assert
from theanojax.tensor.math import eq, ge, gt

__all__ = [
    "assert_conv_shape",
    "assert_shape",
    "border_mode_to_pad",
    "check_conv_gradinputs_shape",
    "get_conv_gradinputs_shape",
    "get_conv_gradinputs_shape_1axis",
    "get_conv_gradweights_shape",
    "get_conv_gradweights_shape_1axis",
    "get_conv_output_shape",
    "get_conv_shape_1axis",
]


def _axis_modes(border_mode, n):
    return border_mode if isinstance(border_mode, tuple) else (border_mode,) * n


def _axis_pads(border_mode, dilated_kernel):
    """The padding at both ends of an axis."""
    if border_mode == "valid":
        return 0, 0
    if border_mode == "half":
        return (dilated_kernel // 2,) * 2
    if border_mode == "full":
        return (dilated_kernel - 1,) * 2
    pads = border_mode if isinstance(border_mode, tuple) else (border_mode, border_mode)
    if pads[0] < 0 or pads[1] < 0:
        raise ValueError("border_mode must be >= 0")
    return pads


def _unknown(*values):
    return any(v is None for v in values)


def _dilated(kernel_shape, dilation):
    # A symbolic size is left alone where nothing is to be done, so that the graph stays small.
    return (kernel_shape - 1) * dilation + 1


def get_conv_shape_1axis(image_shape, kernel_shape, border_mode, subsample, dilation=1):
    """The size of the output along one axis, from the sizes `image_shape` and `kernel_shape`; None if it is unknown.

    `border_mode` is a word, a padding or a pair of paddings, `subsample` and `dilation` are ints; ValueError if a
    padding is negative.
    """
    if _unknown(image_shape, kernel_shape, border_mode, subsample, dilation):
        return None
    dilated = _dilated(kernel_shape, dilation)
    low, high = _axis_pads(border_mode, dilated)
    places = image_shape - dilated
    for pad in (low, high):
        if not (isinstance(pad, int) and pad == 0):
            places = places + pad
    if subsample != 1:
        places = places // subsample
    return places + 1


def get_conv_output_shape(image_shape, kernel_shape, border_mode, subsample, filter_dilation=None):
    """The shape (batch, filters, *places) of a convolution's output.

    Parameters
    ----------
    image_shape : (batch, channels, *sizes)
    kernel_shape : (filters, ..., *sizes); what is between does not matter, so unshared filters have one too
    border_mode : "valid", "half", "full", a padding, or a tuple with one padding (number or pair) an axis
    subsample, filter_dilation : one number an axis

    ValueError if a padding is negative.
    """
    n = len(image_shape) - 2
    dilation = (1,) * n if filter_dilation is None else filter_dilation
    axes = zip(image_shape[2:], kernel_shape[-n:], _axis_modes(border_mode, n), subsample, dilation)
    return (image_shape[0], kernel_shape[0]) + tuple(get_conv_shape_1axis(*axis) for axis in axes)


def get_conv_gradweights_shape_1axis(image_shape, top_shape, border_mode, subsample, dilation):
    """The size of the filters along one axis, from those of image and output, `image_shape` and `top_shape`.

    `border_mode`, `subsample` and `dilation` are as for `get_conv_shape_1axis`. None where several sizes are possible:
    when subsampled, and for border mode "half".
    """
    ambiguous = subsample != 1 or border_mode == "half"
    if _unknown(image_shape, top_shape, border_mode, subsample, dilation) or ambiguous:
        return None
    if border_mode == "full":
        reach = top_shape - image_shape
    elif border_mode == "valid":
        reach = image_shape - top_shape
    else:
        low, high = _axis_pads(border_mode, None)
        reach = image_shape + low + high - top_shape
    if dilation > 1:
        reach = reach // dilation
    return reach + 1


def get_conv_gradweights_shape(
    image_shape, top_shape, border_mode, subsample, filter_dilation=None, num_groups=1, unshared=False
):
    """The shape of a convolution's filters, from those of its image and its output; None where it isn't unique.

    Parameters
    ----------
    image_shape : (batch, channels, *sizes)
    top_shape : (batch, filters, *places)
    border_mode, subsample, filter_dilation : as for `get_conv_output_shape`
    num_groups, unshared : as for ``nnet.conv2d``

    Returns (filters, channels of a group, *sizes), or unshared (filters, *places, channels, *sizes).
    """
    n = len(subsample)
    dilation = (1,) * n if filter_dilation is None else filter_dilation
    channels, filters = image_shape[1], top_shape[1]
    if num_groups > 1 and filters is not None:
        filters = filters // num_groups
    axes = zip(image_shape[2:], top_shape[2:], _axis_modes(border_mode, n), subsample, dilation)
    sizes = tuple(get_conv_gradweights_shape_1axis(*axis) for axis in axes)
    if unshared:
        return (filters,) + tuple(top_shape[2:]) + (channels,) + sizes
    return (filters, channels) + sizes


def get_conv_gradinputs_shape_1axis(kernel_shape, top_shape, border_mode, subsample, dilation):
    """The size of the image along one axis, from those of filters and output, `kernel_shape` and `top_shape`.

    `border_mode`, `subsample` and `dilation` are as for `get_conv_shape_1axis`. None when subsampled.
    """
    if _unknown(kernel_shape, top_shape, border_mode, subsample, dilation) or subsample != 1:
        return None
    dilated = _dilated(kernel_shape, dilation)
    low, high = _axis_pads(border_mode, dilated)
    size = top_shape + dilated - 1
    for pad in (low, high):
        if not isinstance(pad, int) or pad > 0:
            size = size - pad
    return size


def get_conv_gradinputs_shape(kernel_shape, top_shape, border_mode, subsample, filter_dilation=None, num_groups=1):
    """The shape (batch, channels, *sizes) of a convolution's image, from those of its filters and its output.

    None where several sizes are possible, that is along subsampled axes.

    Parameters
    ----------
    kernel_shape : (filters, channels of a group, *sizes)
    top_shape : (batch, filters, *places)
    border_mode, subsample, filter_dilation : as for `get_conv_output_shape`
    num_groups : as for ``nnet.conv2d``
    """
    n = len(top_shape) - 2
    dilation = (1,) * n if filter_dilation is None else filter_dilation
    channels = kernel_shape[1]
    if num_groups > 1 and channels is not None:
        channels = channels * num_groups
    axes = zip(kernel_shape[-n:], top_shape[2:], _axis_modes(border_mode, n), subsample, dilation)
    return (top_shape[0], channels) + tuple(get_conv_gradinputs_shape_1axis(*axis) for axis in axes)


def check_conv_gradinputs_shape(image_shape, kernel_shape, output_shape, border_mode, subsample, filter_dilation=None):
    """False if the convolution of such an image and filters cannot have `output_shape`.

    True if it has, and where sizes are None or symbolic and so cannot be told. `image_shape`, `kernel_shape`,
    `border_mode`, `subsample` and `filter_dilation` are as for `get_conv_output_shape`.
    """
    image_shape, kernel_shape, output_shape = tuple(image_shape), tuple(kernel_shape), tuple(output_shape)
    n = len(image_shape) - 2
    if not len(image_shape) == len(kernel_shape) == len(output_shape) or len(subsample) != n:
        return False
    if filter_dilation is not None and len(filter_dilation) != n:
        return False
    found = get_conv_output_shape(image_shape, kernel_shape, border_mode, subsample, filter_dilation)
    for given, computed in zip(output_shape, found):
        if given is None or computed is None:
            continue
        try:
            if int(get_scalar_constant_value(given)) != int(get_scalar_constant_value(computed)):
                return False
        except NotScalarConstantError:
            continue
    return True


def assert_conv_shape(shape):
    """`shape`, a convolution's, with Assert around its symbolic sizes: the first two may be 0, the others may not.

    ValueError if a constant size is too small.
    """
    checked = []
    for i, size in enumerate(shape):
        sign = "<" if i < 2 else "<="
        try:
            value = get_scalar_constant_value(size)
        except NotScalarConstantError:
            text = "The convolution would produce an invalid shape (dim[%d] %s 0)." % (i, sign)
            checked.append(Assert(text)(size, ge(size, 0) if i < 2 else gt(size, 0)))
            continue
        if value < 0 or (i >= 2 and value == 0):
            raise ValueError("The convolution would produce an invalid shape (dim[%d]: %d %s 0)." % (i, value, sign))
        checked.append(size)
    return tuple(checked)


def assert_shape(x, expected_shape, msg="Unexpected shape."):
    """`x`, wrapped in an Assert that it has `expected_shape` (None: any size) if ``config.conv.assert_shape`` is set.

    The Assert raises AssertionError(msg) when the function runs.
    """
    if expected_shape is None or not config.conv.assert_shape:
        return x
    shape = x.shape
    tests = [eq(shape[i], expected_shape[i]) for i in range(x.ndim) if expected_shape[i] is not None]
    return Assert(msg)(x, *tests) if tests else x


def border_mode_to_pad(mode, convdim, kshp):
    """The padding of each axis as pairs of numbers, for filters of the sizes `kshp`.

    ValueError if `mode` is not a border mode for `convdim` axes; NotImplementedError for more than two numbers an axis.
    """
    if isinstance(mode, tuple):
        if len(mode) != convdim:
            raise ValueError("invalid border_mode {} which must be a tuple of length {}".format(mode, convdim))
        return tuple(_pair(m, mode) for m in mode)
    if mode == "full":
        return tuple((kshp[i] - 1,) * 2 for i in range(convdim))
    if mode == "half":
        return tuple((kshp[i] // 2,) * 2 for i in range(convdim))
    if mode == "valid":
        return ((0, 0),) * convdim
    raise ValueError(
        'invalid border_mode {}, which must be either "valid", "full", "half", an integer or a tuple '
        "of length {}".format(mode, convdim)
    )


def _pair(pad, mode):
    if isinstance(pad, int) and pad >= 0:
        return pad, pad
    if isinstance(pad, tuple) and all(isinstance(p, int) for p in pad) and min(pad) >= 0:
        if len(pad) != 2:
            raise NotImplementedError("Asymmetric padding not implemented for {}d".format(len(pad)))
        return pad
    raise ValueError("invalid border mode {}. The tuple can only contain integers or tuples of length 2".format(mode))
