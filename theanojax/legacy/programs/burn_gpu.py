"""Convolutions without end in sight, which make a device warm: ``python -m theano.misc.burn_gpu``."""

from __future__ import annotations

import numpy as np

import theanojax
from theanojax.printing import debugprint
from theanojax.tensor.nnet import conv2d
from theanojax.tensor.nnet.abstract_conv import get_conv_output_shape


def burn(size: int = 128, calls: int = 10000) -> None:
    """Compute, `calls` times, a convolution of `size` images of `size` channels of `size` by `size` numbers."""
    images, kernels = (size, size, size, size), (max(size // 2, 1), size, 3, 3)

    def rand(*shape: int) -> np.ndarray:
        return np.random.rand(*shape).astype(theanojax.config.floatX)

    image, kernel = theanojax.shared(rand(*images)), theanojax.shared(rand(*kernels))
    out = theanojax.shared(rand(*get_conv_output_shape(images, kernels, "valid", (1, 1))))
    f = theanojax.function([], updates=[(out, out + conv2d(image, kernel, images, kernels))])
    debugprint(f)
    print("Start computation")
    for _ in range(calls):
        f()
    np.asarray(out.get_value(borrow=True))
    print("Computation stopped")


if __name__ == "__main__":
    burn()
