"""`theano.gpuarray.dnn`: the functions of cuDNN's names, as the Ops that nnet has, on the device in use.

XLA calls cuDNN for them where there is one. Flags and arguments that choose among cuDNN's algorithms say nothing here.
Without a GPU the functions refuse, as Theano's do, unless ``dnn.enabled=True`` asks for them on the CPU.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theanojax import tensor as T
from theanojax.config import config
from theanojax.devices import contexts
from theanojax.graph.variable import Variable
from theanojax.scalar.types import upcast
from theanojax.tensor.nnet import abstract_conv, bn
from theanojax.tensor.signal.pool import Pool


class _Present:
    """A function that says whether there is cuDNN, with the reason as an attribute, as in Theano."""

    @property
    def avail(self) -> bool:
        return self.msg is None

    @property
    def msg(self) -> str | None:
        if config.dnn.enabled == "False":
            return "Disabled by dnn.enabled flag"
        if config.dnn.enabled in ("True", "no_check") or contexts:
            return None
        return "pygpu is not installed; without a GPU, the flag dnn.enabled=True has the CPU do it"

    def __call__(self, context_name: str | None = None) -> bool:
        return self.avail

    def require(self) -> None:
        """Raise RuntimeError if there is none."""
        if not self.avail:
            raise RuntimeError(f"cuDNN is not available: {self.msg}")


dnn_available = _Present()
dnn_present = _Present()

VERSION = 7600  # what Theano 1.0.5 knows; programs ask for a least one


def version(raises: bool = True) -> int:
    """The version of cuDNN that programs may count on; -1 for none, where that may be said."""
    if raises:
        dnn_available.require()
    return VERSION if dnn_available() else -1


def _alike(*tensors: Any) -> list[Any]:
    tensors = tuple(map(T.as_tensor_variable, tensors))
    dtype = upcast(*[v.dtype for v in tensors])
    return [T.cast(v, dtype) for v in tensors]


def _how(ndim: int, border_mode: Any, subsample: Any, dilation: Any, conv_mode: str, num_groups: int) -> dict[str, Any]:
    """The keywords of nnet's convolutions; ValueError for another `conv_mode`."""
    if conv_mode not in ("conv", "cross"):
        raise ValueError(f"conv_mode has to be 'conv' or 'cross', not {conv_mode!r}")
    return dict(
        border_mode=border_mode,
        subsample=_steps(subsample, ndim),
        filter_dilation=_steps(dilation, ndim),
        filter_flip=conv_mode == "conv",
        num_groups=num_groups,
    )


def _steps(steps: Any, ndim: int) -> tuple[Any, ...]:
    """`steps`; where all are 1, as by default, as many as there are axes. nnet refuses any others of another number."""
    return (1,) * (ndim - 2) if all(step == 1 for step in steps) else tuple(steps)


def dnn_conv(
    img: Any,
    kerns: Any,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    dilation: Any = (1, 1),
    conv_mode: str = "conv",
    direction_hint: Any = None,
    workmem: Any = None,
    algo: Any = None,
    precision: Any = None,
    num_groups: int = 1,
) -> Any:
    """Images `img`, of 4 dimensions or 5, convolved with `kerns`, as by ``nnet.conv2d`` or ``conv3d``.

    `conv_mode` is "conv" or, for a correlation, "cross"; `direction_hint`, `workmem`, `algo` and `precision` say
    nothing. RuntimeError if cuDNN is not available, ValueError for another `conv_mode`.
    """
    dnn_present.require()
    if workmem is not None and algo is not None:
        raise ValueError("You can't use both algo and workmem")
    img, kerns = _alike(img, kerns)
    conv = abstract_conv.conv2d if img.ndim == 4 else abstract_conv.conv3d
    return conv(img, kerns, **_how(img.ndim, border_mode, subsample, dilation, conv_mode, num_groups))


def dnn_conv3d(
    img: Any,
    kerns: Any,
    border_mode: Any = "valid",
    subsample: Any = (1, 1, 1),
    dilation: Any = (1, 1, 1),
    conv_mode: str = "conv",
    direction_hint: Any = None,
    algo: Any = None,
    precision: Any = None,
    num_groups: int = 1,
) -> Any:
    """`dnn_conv` of volumes `img`, of 5 dimensions, with `kerns`."""
    return dnn_conv(img, kerns, border_mode, subsample, dilation, conv_mode, None, None, None, None, num_groups)


def dnn_gradweight(
    img: Any,
    topgrad: Any,
    kerns_shp: Any,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    dilation: Any = (1, 1),
    conv_mode: str = "conv",
    precision: Any = None,
    algo: Any = None,
    num_groups: int = 1,
) -> Any:
    """The gradient of `dnn_conv` for its filters, of the shape `kerns_shp`, given `img` and the gradient `topgrad`."""
    dnn_present.require()
    img, topgrad = _alike(img, topgrad)
    how = _how(img.ndim, border_mode, subsample, dilation, conv_mode, num_groups)
    grad = abstract_conv.conv2d_grad_wrt_weights if img.ndim == 4 else abstract_conv.conv3d_grad_wrt_weights
    return grad(img, topgrad, _lengths(kerns_shp, img.ndim), **how)


def dnn_gradinput(
    kerns: Any,
    topgrad: Any,
    img_shp: Any,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    dilation: Any = (1, 1),
    conv_mode: str = "conv",
    precision: Any = None,
    algo: Any = None,
    num_groups: int = 1,
) -> Any:
    """The gradient of `dnn_conv` for its images, of the shape `img_shp`, given `kerns` and the gradient `topgrad`."""
    dnn_present.require()
    kerns, topgrad = _alike(kerns, topgrad)
    how = _how(kerns.ndim, border_mode, subsample, dilation, conv_mode, num_groups)
    grad = abstract_conv.conv2d_grad_wrt_inputs if kerns.ndim == 4 else abstract_conv.conv3d_grad_wrt_inputs
    return grad(topgrad, kerns, _lengths(img_shp, kerns.ndim), **how)


dnn_gradweight3d, dnn_gradinput3d = dnn_gradweight, dnn_gradinput


def _lengths(shape: Any, ndim: int) -> list[Any]:
    """A shape, which may be a symbolic vector, as nnet's convolutions want it: of the first two only what is known."""
    lengths = [int(shape[i]) if isinstance(shape[i], np.integer) else shape[i] for i in range(ndim)]
    return [n if isinstance(n, int) else None for n in lengths[:2]] + lengths[2:]


def dnn_pool(img: Any, ws: Any, stride: Any = None, mode: str = "max", pad: Any = None) -> Any:
    """Images `img` downsampled by windows `ws`, of two lengths or three, as by ``signal.pool`` without partial windows.

    `stride` is 1 unless given, `pad` 0; `mode` is one of pool's. RuntimeError if cuDNN is not available, ValueError
    for windows of another number of lengths than images have.
    """
    dnn_present.require()
    img = T.as_tensor_variable(img)
    ndim = img.ndim - 2
    if isinstance(ws, (tuple, list)) and len(ws) != ndim:
        raise ValueError(f"windows {tuple(ws)} for images of {img.ndim} dimensions, which take {ndim} lengths")
    stride = (1,) * ndim if stride is None else stride
    pad = (0,) * ndim if pad is None else pad
    mode = "average_inc_pad" if mode == "average" else mode
    ws, stride, pad = (_vector(lengths) for lengths in (ws, stride, pad))
    return Pool(True, ndim=ndim, mode=mode)(img, ws, stride, pad)


def _vector(lengths: Any) -> Any:
    """`lengths`, as a symbolic vector if one of them is symbolic."""
    symbolic = isinstance(lengths, (tuple, list)) and any(isinstance(n, Variable) for n in lengths)
    return T.as_tensor_variable(lengths) if symbolic else lengths


def dnn_batch_normalization_train(
    inputs: Any,
    gamma: Any,
    beta: Any,
    mode: str = "per-activation",
    epsilon: float = 1e-4,
    running_average_factor: float = 0.1,
    running_mean: Any = None,
    running_var: Any = None,
) -> Any:
    """``nnet.bn.batch_normalization_train`` of `inputs` with `gamma` and `beta`, along the axes that `mode` names.

    `gamma`, `beta` and the running averages have as many dimensions as `inputs`. RuntimeError without cuDNN.
    """
    dnn_present.require()
    _require_ndim(inputs, "gamma and beta", gamma, beta)
    return bn.batch_normalization_train(
        inputs, gamma, beta, mode, epsilon, running_average_factor, running_mean, running_var
    )


def dnn_batch_normalization_test(
    inputs: Any, gamma: Any, beta: Any, mean: Any, var: Any, mode: str = "per-activation", epsilon: float = 1e-4
) -> Any:
    """``nnet.bn.batch_normalization_test`` of `inputs` with `gamma`, `beta`, `mean`, `var`, along the axes of `mode`.

    All have as many dimensions as `inputs`. RuntimeError if cuDNN is not available.
    """
    dnn_present.require()
    _require_ndim(inputs, "gamma and beta", gamma, beta)
    _require_ndim(inputs, "mean and var", mean, var)
    return bn.batch_normalization_test(inputs, gamma, beta, mean, var, mode, epsilon)


def _require_ndim(inputs: Any, names: str, a: Any, b: Any) -> None:
    if a.ndim != inputs.ndim or b.ndim != inputs.ndim:
        raise ValueError(
            "%s must be of the same dimensionality as inputs; got %d and %d instead of %d"
            % (names, a.ndim, b.ndim, inputs.ndim)
        )


def dnn_softmax(x: Any, algo: str = "accurate", mode: str = "channel") -> Any:
    """The softmax of images `x`: over the channels at each place, or (`mode` "instance") over all of an image.

    `algo` "log" gives its logarithm; "fast" and "accurate" are one. RuntimeError if cuDNN is not available, ValueError
    for another `algo` or `mode`.
    """
    dnn_present.require()
    if algo not in ("fast", "accurate", "log") or mode not in ("instance", "channel"):
        raise ValueError(f"algo {algo!r} and mode {mode!r} are none that cuDNN has")
    x = T.as_tensor_variable(x)
    axes = (1,) if mode == "channel" else tuple(range(1, x.ndim))
    above = x - x.max(axis=axes, keepdims=True)
    total = T.exp(above).sum(axis=axes, keepdims=True)
    return above - T.log(total) if algo == "log" else T.exp(above) / total


class GpuDnnSoftmax:
    """`dnn_softmax` as what Theano's Op of this name does to images."""

    def __init__(self, algo: str, mode: str):
        self.algo, self.mode = algo, mode

    def __call__(self, x: Any) -> Any:
        return dnn_softmax(x, self.algo, self.mode)


class GpuDnnPool:
    """`dnn_pool` as what Theano's Op of this name does to images."""

    def __init__(self, mode: str = "max"):
        self.mode = mode

    def __call__(self, img: Any, ws: Any, stride: Any, pad: Any) -> Any:
        return dnn_pool(img, ws, stride, self.mode, pad)


class GpuDnnConvDesc:
    """How a convolution is done. Called with the shape of its filters, it is what Theano's Ops take."""

    def __init__(
        self,
        border_mode: Any,
        subsample: Any = (1, 1),
        dilation: Any = (1, 1),
        conv_mode: str = "conv",
        precision: Any = "float32",
        num_groups: int = 1,
    ):
        dnn_present.require()
        self.how = dict(
            border_mode=border_mode, subsample=subsample, dilation=dilation, conv_mode=conv_mode, num_groups=num_groups
        )

    def __call__(self, kern_shape: Any) -> GpuDnnConvDesc:
        return self


class _Conv:
    """A function of arrays, the array that Theano's Op would write to, and a GpuDnnConvDesc."""

    def __init__(self, algo: Any = None, inplace: bool = False, num_groups: int = 1):
        dnn_present.require()

    def __call__(self, a: Any, b: Any, output: Any, desc: GpuDnnConvDesc, alpha: Any = 1.0, beta: Any = 0.0) -> Any:
        result = self.compute(a, b, output, desc.how)
        result = result if alpha in (None, 1) else result * alpha
        return result if beta in (None, 0) else result + output * beta

    def compute(self, a: Any, b: Any, output: Any, how: dict[str, Any]) -> Any:
        raise NotImplementedError(type(self).__name__)


class GpuDnnConv(_Conv):
    """A convolution: images, filters."""

    def compute(self, a: Any, b: Any, output: Any, how: dict[str, Any]) -> Any:
        return dnn_conv(a, b, **how)


class GpuDnnConvGradW(_Conv):
    """Its gradient for the filters: images, gradient."""

    def compute(self, a: Any, b: Any, output: Any, how: dict[str, Any]) -> Any:
        return dnn_gradweight(a, b, output.shape, **how)


class GpuDnnConvGradI(_Conv):
    """Its gradient for the images: filters, gradient."""

    def compute(self, a: Any, b: Any, output: Any, how: dict[str, Any]) -> Any:
        return dnn_gradinput(a, b, output.shape, **how)
