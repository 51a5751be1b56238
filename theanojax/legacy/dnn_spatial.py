"""`theano.gpuarray.dnn.dnn_spatialtf`: cuDNN's spatial transformer as indices and sums, on the device in use.

A point of the result lies at (x, y), both from -1 to 1 between the middles of the first and the last pixel. The two
rows of a matrix theta make of (x, y, 1) the place in the image. There the four pixels around it count by how near they
are; pixels outside of the image are zeros, as in cuDNN.
"""

from __future__ import annotations

from typing import Any

from theanojax import tensor as T
from theanojax.gradient import Lop
from theanojax.graph.replace import clone
from theanojax.legacy.dnn import _alike, dnn_present
from theanojax.tensor.assert_op import Assert


class GridFits(Assert):
    """An Assert whose error is a RuntimeError, as cuDNN's is."""

    exception = RuntimeError


def _along(n: Any, dtype: str) -> Any:
    """`n` numbers from -1 to 1; -1 if there is but one."""
    return 2 * T.arange(n, dtype=dtype) / T.cast(T.maximum(n - 1, 1), dtype) - 1


def _points(height: Any, width: Any, dtype: str) -> Any:
    """x, y and 1 of the points of a result, of shape (3, height, width)."""
    x, y = _along(width, dtype).dimshuffle("x", 0), _along(height, dtype).dimshuffle(0, "x")
    return T.stack([x + 0 * y, y + 0 * x, T.ones((height, width), dtype)])


class GpuDnnTransformerGrid:
    """Where points of the results lie in the images: (rows, height, width, 2), x first.

    `theta` has a matrix of shape (2, 3) for each image, `out_dims` the four lengths of the result. TypeError if theta
    is no array of floats with 3 dimensions; RuntimeError, when it is computed, for another shape.
    """

    def __call__(self, theta: Any, out_dims: Any) -> Any:
        theta = T.as_tensor_variable(theta)
        if theta.ndim != 3 or not theta.dtype.startswith("float"):
            raise TypeError(f"theta has to be an array of floats with 3 dimensions, not {theta.type}")
        rows, _, height, width = (out_dims[i] for i in range(4))
        fits = GridFits("GpuDnnTransformerGrid: incorrect dimensions for theta, expected (rows of images, 2, 3)")
        theta = fits(theta, *(T.eq(n, want) for n, want in zip([*theta.shape], (rows, 2, 3))))
        points = _points(height, width, theta.dtype)
        return T.tensordot(theta, points, [[2], [0]]).dimshuffle(0, 2, 3, 1)


class GpuDnnTransformerSampler:
    """The images `img`, of 4 dimensions, at the places `grid`: (rows, channels, height, width).

    TypeError for other arrays.
    """

    def __call__(self, img: Any, grid: Any) -> Any:
        img, grid = T.as_tensor_variable(img), T.as_tensor_variable(grid)
        for name, given in (("img", img), ("grid", grid)):
            if given.ndim != 4:
                raise TypeError(f"{name} must be a 4D tensor")
            if not given.dtype.startswith("float"):
                raise TypeError(f"{name} type must be floating-point")
        img, grid = _alike(img, grid)
        pixels, row = img.dimshuffle(0, 2, 3, 1), T.arange(img.shape[0]).dimshuffle(0, "x", "x")
        lengths = [T.cast(n - 1, img.dtype) for n in (img.shape[3], img.shape[2])]
        x, y = ((grid[:, :, :, i] + 1) / 2 * n for i, n in enumerate(lengths))
        left, above = T.floor(x), T.floor(y)

        def near(j: int, i: int) -> Any:
            """What the pixel to the left or right, above or below adds."""
            across, down = left + i, above + j
            inside = (across >= 0) & (across <= lengths[0]) & (down >= 0) & (down <= lengths[1])
            at = (T.cast(T.switch(inside, place, 0), "int64") for place in (down, across))
            found = T.switch(inside.dimshuffle(0, 1, 2, "x"), pixels[(row, *at)], T.zeros((), img.dtype))
            weight = (x - left if i else 1 - (x - left)) * (y - above if j else 1 - (y - above))
            return weight.dimshuffle(0, 1, 2, "x") * found

        return sum(near(j, i) for j in (0, 1) for i in (0, 1)).dimshuffle(0, 3, 1, 2)


class GpuDnnTransformerGradI:
    """What the gradient `dy` of samples says of the images `img` and of their `grid`: two variables."""

    def __call__(self, img: Any, grid: Any, dy: Any) -> Any:
        img, grid = _alike(img, grid)
        free = [img.type(), grid.type()]
        return clone(Lop(GpuDnnTransformerSampler()(*free), free, dy), dict(zip(free, (img, grid))))


class GpuDnnTransformerGradT:
    """What the gradient `dgrid` of a grid says of theta."""

    def __call__(self, dgrid: Any) -> Any:
        dgrid = T.as_tensor_variable(dgrid)
        return T.tensordot(dgrid, _points(dgrid.shape[1], dgrid.shape[2], dgrid.dtype), [[1, 2], [1, 2]])


def dnn_spatialtf(img: Any, theta: Any, scale_width: Any = 1, scale_height: Any = 1) -> Any:
    """Images `img` (rows, channels, height, width) as the matrices `theta`, (rows, 2, 3), turn, shift and stretch them.

    The result is `scale_height` times as high and `scale_width` times as wide, lengths rounded up. RuntimeError if
    cuDNN is not available, or if theta has another shape when it is computed; TypeError for what is no such array.
    """
    dnn_present.require()
    img = T.as_tensor_variable(img)
    if img.ndim != 4:
        raise TypeError("img must be a 4D tensor")
    lengths = (T.ceil(n * by) for n, by in ((img.shape[2], scale_height), (img.shape[3], scale_width)))
    out_dims = [img.shape[0], img.shape[1], *(T.cast(n, "int64") for n in lengths)]
    return GpuDnnTransformerSampler()(img, GpuDnnTransformerGrid()(theta, out_dims))
