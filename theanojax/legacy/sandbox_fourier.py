"""`theano.sandbox.fourier`: the Fourier transforms of the rows or columns of a matrix.

`theano.tensor.fft` has transforms with a gradient, which XLA computes.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from theanojax.graph.op import Op
from theanojax.graph.type import generic
from theanojax.graph.variable import Apply
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.type import zmatrix


class GradTodo(Op):
    """The gradient that `FFT` does not have: NotImplementedError when it is computed."""

    __props__ = ()

    def make_node(self, x: Any) -> Apply:
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: list, output_storage: list, params: Any = None) -> NoReturn:
        raise NotImplementedError("FFT of theano.sandbox.fourier has no gradient; those of theano.tensor.fft have")


grad_todo = GradTodo()


class FFT(Op):
    """The `n`-point transform of the matrix `frames` along `axis`, 0 or 1: a matrix of complex128.

    With `inverse` the inverse one. With `half` only the first half of it, of real `frames` (else TypeError); ValueError
    if `n` is odd. A second output, None, held the plan of a library.
    """

    __props__ = ("half", "inverse")
    default_output = 0
    half = False

    def __init__(self, half: bool = False, inverse: bool = False):
        self.half, self.inverse = half, inverse

    def make_node(self, frames: Any, n: Any, axis: Any) -> Apply:
        frames, n, axis = (as_tensor_variable(x, ndim=d) for x, d in ((frames, 2), (n, 0), (axis, 0)))
        if self.half and frames.dtype.startswith("complex"):
            raise TypeError("Argument to HalfFFT must not be complex", frames)
        return Apply(self, [frames, n, axis], [zmatrix(), generic()])

    def perform(self, node: Apply, inputs: list, output_storage: list, params: Any = None) -> None:
        frames, n, axis = inputs[0], int(inputs[1]), int(inputs[2])
        found = (np.fft.ifft if self.inverse else np.fft.fft)(frames, n, axis)
        if self.half:
            if axis not in (0, 1):
                raise NotImplementedError("half of a transform along axis %d; it may be 0 or 1" % axis)
            if n % 2:
                raise ValueError("halfFFT on odd-length vectors is undefined")
            found = found[: n // 2] if axis == 0 else found[:, : n // 2]
        output_storage[0][0] = np.asarray(found, dtype="complex128")

    def grad(self, inputs: list, output_grads: list) -> list:
        return [grad_todo(inputs[0]), None, None]


fft, ifft = FFT(half=False, inverse=False), FFT(half=False, inverse=True)
half_fft, half_ifft = FFT(half=True, inverse=False), FFT(half=True, inverse=True)


def dct_matrix(rows: int, cols: int, unitary: bool = True) -> np.ndarray:
    """The first `rows` rows of the discrete cosine transform of `cols` numbers; orthonormal if `unitary`."""
    angles = np.outer(np.arange(rows), 2 * np.arange(cols) + 1) * np.pi / (2.0 * cols)
    found = np.cos(angles) * np.sqrt(2.0 / cols)
    if unitary:
        found[:1] *= np.sqrt(0.5)
    return found
