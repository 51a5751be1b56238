"""Functions that Theano had dropped by 1.0, and that old scripts still import."""

from __future__ import annotations

import warnings
from typing import Any


def max_pool_2d(
    input: Any, ds: Any, ignore_border: bool | None = None, st: Any = None, padding: Any = (0, 0), mode: str = "max"
) -> Any:
    """`theano.tensor.signal.downsample.max_pool_2d`: pool_2d with the old names of its parameters."""
    from theanojax.tensor.signal.pool import pool_2d

    if ignore_border is None:
        # pool_2d warns of this default, in words that name its own parameters.
        warnings.warn("max_pool_2d() has the parameter ignore_border False by default", stacklevel=2)
        ignore_border = False
    return pool_2d(input, ws=ds, ignore_border=ignore_border, stride=st, pad=padding, mode=mode)


def max_pool2D(*args: Any, **kwargs: Any) -> Any:
    """The oldest name of max_pool_2d."""
    return max_pool_2d(*args, **kwargs)


def conv3D(V: Any, W: Any, b: Any, d: Any) -> Any:
    """`theano.tensor.nnet.Conv3D.conv3D`: correlation in three dimensions, channels last, plus a bias.

    V is (batch, row, column, time, channel), W (filter, row, column, time, channel), b has one number a
    filter, d the three strides.
    """
    from theanojax.tensor.as_tensor import as_tensor_variable
    from theanojax.tensor.nnet.abstract_conv import conv3d

    V, W, b = as_tensor_variable(V), as_tensor_variable(W), as_tensor_variable(b)
    channels_first = (0, 4, 1, 2, 3)
    strides = tuple(int(getattr(stride, "data", stride)) for stride in _as_list(d))
    out = conv3d(V.dimshuffle(*channels_first), W.dimshuffle(*channels_first), subsample=strides, filter_flip=False)
    return out.dimshuffle(0, 2, 3, 4, 1) + b.dimshuffle("x", "x", "x", "x", 0)


def _as_list(strides: Any) -> list:
    data = getattr(strides, "data", None)
    return list(strides if data is None else data)
