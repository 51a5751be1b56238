"""The two functions that programs convolve images with: conv2d, and the transposed convolution."""

import warnings

from theanojax.graph.tracebacks import boundaries, user_stacklevel
from theanojax.tensor.nnet import abstract_conv


def conv2d(
    input,
    filters,
    input_shape=None,
    filter_shape=None,
    border_mode="valid",
    subsample=(1, 1),
    filter_flip=True,
    image_shape=None,
    filter_dilation=(1, 1),
    num_groups=1,
    unshared=False,
    **kwargs,
):
    """A minibatch of stacks of images convolved with a set of filters.

    Parameters
    ----------
    input : (batch, input channels, rows, columns)
    filters : (output channels, input channels of a group, rows, columns); `unshared` ones have the output's rows and
        columns after their first dimension
    input_shape, filter_shape : None, or a tuple of ints or None; shapes as far as they are known
    border_mode : "valid", "full", "half", or how many zeros to put around: an int, a pair of ints, a pair whose
        members may be pairs (before, after)
    subsample : steps between outputs, two ints
    filter_flip : False for a correlation
    image_shape : old name of `input_shape`
    filter_dilation : steps between the inputs of one output, two ints
    num_groups : number of groups that channels are split into
    unshared : whether each output has filters of its own

    Returns (batch, output channels, rows, columns), in the dtype of `input`. TypeError for other numbers of dimensions;
    ValueError for an unknown border mode, another number of steps, no group, `imshp_logical` and `kshp_logical`, and
    when both names of the shape are given; other keywords are ignored with a warning.
    """
    if "imshp_logical" in kwargs or "kshp_logical" in kwargs:
        raise ValueError(
            "Keyword arguments 'imshp_logical' and 'kshp_logical' for conv2d are not supported anymore "
            "(and have not been a reliable way to perform upsampling). That feature is still available by "
            "calling theano.tensor.nnet.conv.conv2d() for the time being."
        )
    if kwargs:
        warnings.warn(
            str(kwargs.keys()) + " are now deprecated in `tensor.nnet.abstract_conv.conv2d` interface and "
            "will be ignored.",
            stacklevel=user_stacklevel(),
        )
    if image_shape is not None:
        warnings.warn(
            "The `image_shape` keyword argument to `tensor.nnet.conv2d` is deprecated, it has been renamed "
            "to `input_shape`.",
            stacklevel=user_stacklevel(),
        )
        if input_shape is not None:
            raise ValueError("input_shape and image_shape should not be provided at the same time.")
        input_shape = image_shape
    return abstract_conv.conv2d(
        input,
        filters,
        input_shape,
        filter_shape,
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_groups,
        unshared,
    )


def conv2d_transpose(
    input,
    filters,
    output_shape,
    filter_shape=None,
    border_mode="valid",
    input_dilation=(1, 1),
    filter_flip=True,
    filter_dilation=(1, 1),
    num_groups=1,
    unshared=False,
):
    """The transposed convolution: what the gradient of `conv2d` for its input does.

    Parameters
    ----------
    input : (batch, input channels, rows, columns)
    filters : (input channels, output channels, rows, columns)
    output_shape : the shape of the result: two ints, constants or None, then two ints, constants or scalars
    input_dilation : what the other direction calls `subsample`: steps between the inputs in the output

    The rest is as for `conv2d`. Returns (batch, output channels, rows, columns).
    """
    return abstract_conv.conv2d_grad_wrt_inputs(
        input,
        filters,
        output_shape,
        filter_shape,
        border_mode,
        input_dilation,
        filter_flip,
        filter_dilation,
        num_groups,
        unshared,
    )


boundaries(globals())
