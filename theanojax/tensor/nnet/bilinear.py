"""Images made larger by bilinear interpolation, as convolutions with pyramids."""

from math import gcd

import numpy as np

import theanojax.tensor as T
from theanojax.config import config


def bilinear_kernel_1D(ratio, normalize=True):
    """The triangle 1, 2 ... ratio ... 2, 1, divided by `ratio` if `normalize`: ``2 * ratio - 1`` numbers of floatX.

    `ratio` is an int or a symbolic integer.
    """
    rising = T.arange(1, ratio + 1, dtype=config.floatX)
    kernel = T.concatenate([rising, rising[-2::-1]])
    if normalize:
        kernel = kernel / T.cast(ratio, config.floatX)
    return kernel


def bilinear_kernel_2D(ratio, normalize=True):
    """The outer product of two triangles (see `bilinear_kernel_1D`), for the rows and the columns, a matrix of floatX.

    `ratio` is one ratio or a pair; `normalize` divides each triangle by its own.
    """
    rows, columns = ratio if isinstance(ratio, tuple) else (ratio, ratio)
    across = bilinear_kernel_1D(ratio=columns, normalize=normalize).dimshuffle("x", 0)
    down = bilinear_kernel_1D(ratio=rows, normalize=normalize).dimshuffle(0, "x")
    return across * down


def _bordered(x):
    """Images as (images, 1, rows + 2, columns + 2): the outermost rows and columns once more on each side."""
    x = x.reshape((-1, 1, x.shape[2], x.shape[3]))
    x = T.concatenate((x[:, :, :1, :], x, x[:, :, -1:, :]), axis=2)
    return T.concatenate((x[:, :, :, :1], x, x[:, :, :, -1:]), axis=3)


def _reduced(fraction):
    divisor = gcd(*fraction)
    return tuple(int(v) // divisor for v in fraction)


def frac_bilinear_upsampling(input, frac_ratio):
    """Images made larger by a fraction.

    Parameters
    ----------
    input : (batch, channels, rows, columns)
    frac_ratio : tuple (numerator, denominator) of ints, or one such pair for the rows and one for the columns;
        ValueError if it is no tuple

    Returns (batch, channels, ...). With an even numerator the last row and column are repeated once more than the
    first.
    """
    if not isinstance(frac_ratio, tuple):
        raise ValueError("frac_ratio must be a tuple")
    pair = frac_ratio if isinstance(frac_ratio[0], tuple) else (frac_ratio, frac_ratio)
    (up_rows, down_rows), (up_columns, down_columns) = map(_reduced, pair)
    ratio = (up_rows, up_columns)
    row, col = input.shape[2:]
    images = _bordered(input)
    # The images are the filters, dilated by the ratio, and the pyramid, in a frame of zeros, is what they slide over.
    around = (2 * T.as_tensor([row, col]) - 1) * np.array(ratio) + 1
    before = around // 2
    kernel = bilinear_kernel_2D(ratio=ratio)[np.newaxis, np.newaxis, :, :].astype(config.floatX)
    for i, axis in enumerate((2, 3)):
        sides = []
        for n in (before[i], around[i] - before[i]):
            shape = [kernel.shape[d] for d in range(4)]
            shape[axis] = n
            sides.append(T.zeros(tuple(shape), dtype=config.floatX))
        kernel = T.concatenate((sides[0], kernel, sides[1]), axis=axis)
    out = T.nnet.conv2d(kernel, images, border_mode="valid", filter_dilation=ratio, subsample=(down_rows, down_columns))
    return out.reshape((input.shape[0], input.shape[1], out.shape[2], out.shape[3]))


def bilinear_upsampling(
    input, ratio=None, frac_ratio=None, batch_size=None, num_input_channels=None, use_1D_kernel=True
):
    """Images made larger by bilinear interpolation.

    Parameters
    ----------
    input : (batch, channels, rows, columns)
    ratio : an int or a symbolic integer, by which rows and columns are multiplied
    frac_ratio : a fraction instead; see `frac_bilinear_upsampling`
    batch_size, num_input_channels : ints or None, for faster code
    use_1D_kernel : rows and columns one after the other instead of together; must be False for fractions

    Returns (batch, channels, ...). ValueError unless exactly one of `ratio` and `frac_ratio` is given. With an even
    ratio the last row and column are repeated once more than the first.
    """
    from theanojax.tensor.nnet.abstract_conv import conv2d_grad_wrt_inputs

    if frac_ratio:
        if ratio:
            raise ValueError("can't use ratio and frac_ratio together")
        if use_1D_kernel:
            raise ValueError(
                "For fractional ratios 1D kernel method not implemented. You may want to pass use_1D_kernel as False"
            )
        return frac_bilinear_upsampling(input, frac_ratio)
    if not ratio:
        raise ValueError("No ratio (or frac_ratio) provided")

    count = None if batch_size is None or num_input_channels is None else batch_size * num_input_channels
    row, col = input.shape[2:]
    out = _bordered(input)
    pad = 2 * ratio - (ratio - 1) // 2 - 1

    def spread(x, kernel, sizes, filter_shape, pads, steps):
        return conv2d_grad_wrt_inputs(
            output_grad=x,
            filters=kernel,
            input_shape=(count, 1) + sizes,
            filter_shape=(1, 1) + filter_shape,
            border_mode=pads,
            subsample=steps,
        )

    if use_1D_kernel:
        kernel = bilinear_kernel_1D(ratio)
        out = spread(
            out, kernel[np.newaxis, np.newaxis, :, np.newaxis], (row * ratio, col + 2), (None, 1), (pad, 0), (ratio, 1)
        )
        out = spread(
            out,
            kernel[np.newaxis, np.newaxis, np.newaxis, :],
            (row * ratio, col * ratio),
            (1, None),
            (0, pad),
            (1, ratio),
        )
    else:
        kernel = bilinear_kernel_2D(ratio)
        out = spread(
            out,
            kernel[np.newaxis, np.newaxis, :, :],
            (row * ratio, col * ratio),
            (None, None),
            (pad, pad),
            (ratio, ratio),
        )
    return out.reshape((input.shape[0], input.shape[1], row * ratio, col * ratio))
