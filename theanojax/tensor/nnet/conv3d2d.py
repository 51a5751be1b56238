"""conv3d of movies, made of conv2d and a sum along diagonals."""

import numpy as np

import theanojax.tensor as T
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.op_methods import first_connected, shaped_like

__all__ = [
    "DiagonalSubtensor",
    "IncDiagonalSubtensor",
    "conv3d",
    "diagonal_subtensor",
    "get_diagonal_subtensor_view",
    "inc_diagonal_subtensor",
]


def get_diagonal_subtensor_view(x, i0, i1):
    """The stripe along the diagonal of axes `i0` and `i1` of a numpy array, as a view.

    Element (r, c) of it is element (r + n - 1 - c, c) of `x`, where n is the length of `i1`; axis `i0` is n - 1
    shorter than it was. NotImplementedError if it is shorter than `i1`.
    """
    i0, i1 = int(i0), int(i1)
    if x.shape[i0] < x.shape[i1]:
        raise NotImplementedError("is this allowed?")
    stripe = x[(slice(None),) * (i0 % x.ndim) + (slice(x.shape[i1] - 1, None),)]
    strides = list(stripe.strides)
    if x.shape[i1] != 1:
        strides[i1] -= strides[i0]
    return np.lib.stride_tricks.as_strided(stripe, stripe.shape, strides)


def _places(x, i0, i1):
    """Where in `x` the stripe's elements are: an index that selects it."""
    n, m = x.shape[i0], x.shape[i1]
    if n < m:
        raise NotImplementedError("is this allowed?")
    shape = list(x.shape)
    shape[i0] = n - m + 1
    grid = [np.arange(d).reshape((1,) * i + (-1,) + (1,) * (x.ndim - i - 1)) for i, d in enumerate(shape)]
    grid[i0] = grid[i0] + m - 1 - grid[i1]
    return tuple(grid)


class _Diagonal(Op):
    __props__ = ("inplace",)
    static_inputs = (1, 2)

    def __init__(self, inplace=False):
        self.inplace = inplace

    def __str__(self):
        return type(self).__name__ + ("{inplace}" if self.inplace else "")


class DiagonalSubtensor(_Diagonal):
    """The stripe along the diagonal of two axes; see `get_diagonal_subtensor_view`. Inputs: x, i0, i1."""

    def __init__(self, inplace=False):
        super().__init__(inplace)
        if inplace:
            self.view_map = {0: [0]}

    def make_node(self, x, i0, i1):
        return Apply(self, [x, as_tensor_variable(i0), as_tensor_variable(i1)], [x.type()])

    def compute(self, xp, node, x, i0, i1):
        x = xp.asarray(x)
        return xp.index_get(x, _places(x, int(i0) % x.ndim, int(i1) % x.ndim))

    def grad(self, inputs, g_outputs):
        x, i0, i1 = inputs
        return [
            inc_diagonal_subtensor(T.zeros_like(x), i0, i1, g_outputs[0]),
            DisconnectedType()(),
            DisconnectedType()(),
        ]

    connection_pattern = first_connected(1)


class IncDiagonalSubtensor(_Diagonal):
    """`x` with `amt` added to its stripe; the gradient of DiagonalSubtensor. Inputs: x, i0, i1, amt."""

    def __init__(self, inplace=False):
        super().__init__(inplace)
        if inplace:
            self.destroy_map = {0: [0]}

    def make_node(self, x, i0, i1, amt):
        return Apply(self, [x, as_tensor_variable(i0), as_tensor_variable(i1), amt], [x.type()])

    def compute(self, xp, node, x, i0, i1, amt):
        x = xp.asarray(x)
        return xp.index_add(x, _places(x, int(i0) % x.ndim, int(i1) % x.ndim), amt)

    infer_shape = shaped_like(0)

    def grad(self, inputs, g_outputs):
        _, i0, i1, _ = inputs
        (gy,) = g_outputs
        return [gy, DisconnectedType()(), DisconnectedType()(), diagonal_subtensor(gy, i0, i1)]

    def connection_pattern(self, node):
        return [[True], [False], [False], [True]]


diagonal_subtensor, inc_diagonal_subtensor = DiagonalSubtensor(), IncDiagonalSubtensor()


def conv3d(signals, filters, signals_shape=None, filters_shape=None, border_mode="valid"):
    """Movies convolved with filters that extend in time.

    Parameters
    ----------
    signals : (movies, times, channels, rows, columns)
    filters : (filters, times, channels, rows, columns); they are flipped
    signals_shape, filters_shape : None, or the five lengths
    border_mode : "valid", "full" or "half", or one of them for time, rows and columns; the last two must be equal

    Returns (movies, times, filters, rows, columns). NotImplementedError for unequal modes of rows and columns,
    ValueError for an unknown one.
    """
    modes = (border_mode,) * 3 if isinstance(border_mode, str) else border_mode
    movies, times, channels, rows, columns = signals.shape if signals_shape is None else signals_shape
    nfilters, taps, channels, frows, fcolumns = filters.shape if filters_shape is None else filters_shape
    if modes[1] != modes[2]:
        raise NotImplementedError("height and width bordermodes must match")
    for mode in modes[:2]:
        if mode == "same":
            raise NotImplementedError("border mode 'same'")
        if mode not in ("valid", "full", "half"):
            raise ValueError("invalid border mode", mode)

    image_shape, kernel_shape = (movies * times, channels, rows, columns), (nfilters * taps, channels, frows, fcolumns)
    out = T.nnet.conv2d(
        signals.reshape(image_shape),
        filters.reshape(kernel_shape),
        input_shape=None if signals_shape is None else image_shape,
        filter_shape=None if filters_shape is None else kernel_shape,
        border_mode=modes[1],
    )
    added = {"valid": lambda k: 1 - k, "full": lambda k: k - 1, "half": lambda k: 1 - k % 2}[modes[1]]
    height, width = rows + added(frows), columns + added(fcolumns)
    out = out.reshape((movies, times, nfilters, taps, height, width))
    if taps == 1:
        return out.reshape((movies, times, nfilters, height, width))
    # The output at a time is the sum over the taps of what each makes of the frame that it meets: a diagonal.
    around = {"valid": lambda: 0, "full": lambda: taps - 1, "half": lambda: taps // 2}[modes[0]]()
    if not (isinstance(around, int) and around == 0):
        padded = T.zeros(dtype=out.dtype, shape=(movies, times + 2 * around, nfilters, taps, height, width))
        out = T.set_subtensor(padded[:, around : (times + around)], out)
    return diagonal_subtensor(out, 1, 3).sum(axis=3)
