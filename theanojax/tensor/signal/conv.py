"""Convolution of single-channel images."""

import warnings

import theanojax.tensor as T
from theanojax.config import config
from theanojax.graph.tracebacks import user_stacklevel
from theanojax.tensor.nnet.conv import ConvOp

__all__ = ["conv2d"]


def conv2d(input, filters, image_shape=None, filter_shape=None, border_mode="valid", subsample=(1, 1), **kargs):
    """Images of one channel, each convolved with each of some filters.

    Parameters
    ----------
    input : (images, rows, columns) or (rows, columns)
    filters : (filters, rows, columns) or (rows, columns)
    image_shape, filter_shape : None, or the shapes as ints
    border_mode : "valid" or "full"
    subsample : steps between outputs
    kargs : further parameters of ConvOp

    Returns a tensor of two, three or four dimensions: images and filters are there if the input has them.
    AssertionError for other numbers of dimensions.
    """
    for name, v in (("input", input), ("filters", filters)):
        if v.ndim not in (2, 3):
            raise AssertionError("%s must have 2 or 3 dimensions, got %s" % (name, v.type))
    nkern = kshp = bsize = imshp = None
    if filter_shape and image_shape:
        bsize = image_shape[0] if input.ndim == 3 else 1
        nkern = filter_shape[0] if filters.ndim == 3 else 1
        imshp, kshp = (1,) + tuple(image_shape[-2:]), tuple(filter_shape[-2:])

    def with_channel(x):
        count = x.shape[0] if x.ndim == 3 else 1
        return T.reshape(x, T.join(0, T.stack([count, 1]), x.shape[-2:]), ndim=4)

    op = ConvOp(imshp, kshp, nkern, bsize, subsample[0], subsample[1], border_mode, **kargs)
    out = op(with_channel(input), with_channel(filters))
    if input.ndim == 2 and filters.ndim == 2:
        if config.warn.signal_conv2d_interface:
            warnings.warn(
                "theano.tensor.signal.conv2d() now outputs a 2d tensor when both inputs are 2d. To disable "
                "this warning, set the Theano flag warn.signal_conv2d_interface to False",
                stacklevel=user_stacklevel(),
            )
        return T.flatten(out.T, ndim=2).T
    if input.ndim == 2 or filters.ndim == 2:
        return T.flatten(out.T, ndim=3).T
    return out
