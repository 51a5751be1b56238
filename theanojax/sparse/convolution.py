"""Convolution and pooling of images that are the rows of a matrix: ``theano.sparse.sandbox.sp``.

An image of shape (height, width), or (features, height, width), is one row, in C order. Theano multiplied the images
with a sparse matrix of ones; here the same elements are picked by their numbers, which XLA does.
"""

import numpy as np

from theanojax.graph.op import Op
from theanojax.scalar.types import upcast
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.cast import cast
from theanojax.tensor.flatten import flatten
from theanojax.tensor.linalg.products import dot
from theanojax.tensor.math import max as tensor_max, switch
from theanojax.tensor.shape import reshape


class _Patches:
    """Where the elements of the patches of an image are.

    Attributes
    ----------
    shape : array, (height, width) of the result
    columns : for each element of each patch its number in the image. The patch of a pixel of the result has the window
        of each feature after another.
    inside : for each, whether it is there, and not beside the image
    """

    def __init__(self, inshp, kshp, strides, mode):
        if mode not in ("valid", "full"):
            raise ValueError("mode has to be 'valid' or 'full', not %r" % mode)
        features, *size = (1, *inshp) if np.size(inshp) == 2 else inshp
        size, window, step = np.array(size), np.array(kshp), np.array(strides[::-1])
        grown = window - 1 if mode == "full" else 1 - window
        self.shape = np.int64(np.ceil((size + grown) / step))
        if (self.shape <= 0).any():
            raise ValueError("Invalid kernel", kshp, "and/or step size", tuple(strides), "for given input shape", inshp)
        margin = window - 1 if mode == "full" else 0 * window
        # the axes: pixel of the result (2), feature, place in the window (2)
        y, x, f, a, b = np.indices((*self.shape, features, *window))
        row, column = y * step[0] + a - margin[0], x * step[1] + b - margin[1]
        self.inside = ((row >= 0) & (row < size[0]) & (column >= 0) & (column < size[1])).ravel()
        self.columns = (f * size.prod() + row * size[1] + column).ravel()
        self.count, self.features, self.area, self.pixels = self.shape.prod(), features, window.prod(), size.prod()

    def of(self, images):
        """A matrix (images, elements of all patches), in double precision as the matrix of ones was."""
        found = images[:, np.where(self.inside, self.columns, 0)]
        if not self.inside.all():
            found = switch(self.inside, found, np.zeros((), "int8"))
        return cast(found, upcast(images.dtype, "float64"))


class ConvolutionIndices(Op):
    """The sparse matrix that picks the patches of an image; there is no Op to apply, only these functions."""

    __props__ = ()

    @staticmethod
    def conv_eval(inshp, kshp, strides=(1, 1), mode="valid"):
        return ConvolutionIndices.evaluate(inshp, kshp, strides, mode=mode)

    @staticmethod
    def evaluate(inshp, kshp, strides=(1, 1), nkern=1, mode="valid", ws=True):
        """(indices, indptr, shape, "csc", shape of the result) of the matrix for images of shape `inshp`.

        `strides` are (dx, dy), `kshp` is (height, width). Its rows are the elements of the patches. ValueError if no
        patch fits, for another mode than 'valid' or 'full', if `ws` is false, or if `nkern` is not 1: the kernels share
        one matrix.
        """
        if not ws or nkern != 1:
            raise ValueError("ws must be true, and nkern 1")
        patches = _Patches(inshp, kshp, strides, mode)
        rows = np.flatnonzero(patches.inside)
        columns = patches.columns[rows]
        shape = (len(patches.inside), patches.features * patches.pixels)
        counts = np.bincount(columns, minlength=shape[1])
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype("int32")
        return rows[np.argsort(columns, kind="stable")].astype("int32"), indptr, shape, "csc", patches.shape


convolution_indices = ConvolutionIndices()


def convolve(kerns, kshp, nkern, images, imgshp, step=(1, 1), bias=None, mode="valid", flatten=True):
    """The products of each window of `images` with each of `kerns`, which are not turned around.

    Parameters
    ----------
    kerns : matrix (nkern, features * height * width of a kernel).
    kshp : (height, width) of a kernel, numbers.
    nkern : how many kernels there are.
    images : matrix (images, features * height * width).
    imgshp : (height, width) or (features, height, width) of an image, numbers.
    step : (dx, dy) from a window to the next.
    bias : vector of nkern numbers to add, or None.
    mode : 'valid', or 'full': windows may lie partly beside the image, where it is zero.

    Returns (result, shape): a matrix (images, nkern * height * width), or (images, nkern, height * width) unless
    `flatten`; its dtype is float64, or complex. `shape` is the array nkern, height, width. ValueError if no window
    fits, and for another mode.
    """
    patches = _Patches(imgshp, kshp, step, mode)
    kerns, images = as_tensor_variable(kerns), as_tensor_variable(images)
    rows = reshape(patches.of(images), (images.shape[0] * patches.count, patches.features * patches.area), ndim=2)
    products = dot(rows, kerns.T)
    if bias is not None:
        products = products + bias
    result = reshape(products, (images.shape[0], patches.count, nkern), ndim=3).dimshuffle(0, 2, 1)
    return (result.flatten(2) if flatten else result), np.hstack((nkern, patches.shape))


def max_pool(images, imgshp, maxpoolshp):
    """The greatest number of each window of `images`, a matrix (images, features * height * width).

    `imgshp` is as for `convolve`, and `maxpoolshp` the (height, width) of a window, which is also the (dx, dy) from one
    to the next: windows that are not square overlap, as in Theano.

    Returns (result, shape): a matrix (images, features * height * width) of float64, and the array height, width.
    """
    patches = _Patches(imgshp, maxpoolshp, maxpoolshp, "valid")
    images = as_tensor_variable(images)
    windows = reshape(patches.of(images), (images.shape[0] * patches.count, patches.features, patches.area), ndim=3)
    greatest = reshape(tensor_max(windows, axis=2), (images.shape[0], patches.count, patches.features), ndim=3)
    return flatten(greatest.dimshuffle(0, 2, 1), 2), patches.shape
