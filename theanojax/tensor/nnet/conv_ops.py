"""The convolution Ops: AbstractConv in two and three dimensions, and its gradients for filters and images.

The names say "abstract" because Theano replaced them all when it compiled; here they run as they are.
"""

import numpy as np

from theanojax.errors import NotScalarConstantError
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply, Variable
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable, get_scalar_constant_value
from theanojax.tensor.linalg.products import product_rule
from theanojax.tensor.nnet import conv_kernels
from theanojax.tensor.nnet.conv_shapes import assert_shape, border_mode_to_pad, get_conv_output_shape
from theanojax.tensor.shape import patternbroadcast

__all__ = [
    "AbstractConv",
    "AbstractConv2d",
    "AbstractConv2d_gradInputs",
    "AbstractConv2d_gradWeights",
    "AbstractConv3d",
    "AbstractConv3d_gradInputs",
    "AbstractConv3d_gradWeights",
    "AbstractConv_gradInputs",
    "AbstractConv_gradWeights",
    "BaseAbstractConv",
]


def _is_int(x):
    return isinstance(x, (int, np.integer))


def _clean_border_mode(mode, n):
    """A border mode in its normal form: a word, or a tuple of numbers and unequal pairs."""
    if _is_int(mode) and not isinstance(mode, bool):
        if mode < 0:
            raise ValueError("invalid border_mode {}, which must be a non-negative integer".format(mode))
        mode = (mode,) * n
    elif isinstance(mode, tuple):
        if len(mode) != n:
            raise ValueError("invalid border_mode {}, which must be a tuple of length {}".format(mode, n))
        axes = []
        for m in mode:
            pair = isinstance(m, tuple) and len(m) == 2 and min(m) >= 0 and all(map(_is_int, m))
            if not pair and not (_is_int(m) and m >= 0):
                raise ValueError(
                    "invalid border mode {}. The tuple can only contain integers  or pairs of integers".format(mode)
                )
            if pair and n != 2:
                raise NotImplementedError("Asymmetric padding not implemented for {}D".format(n))
            axes.append(m[0] if pair and m[0] == m[1] else m)
        mode = tuple(axes)
    elif mode not in ("valid", "full", "half"):
        raise ValueError(
            'invalid border_mode {}, which must be either "valid", "full", "half", an integer or a '
            "tuple of length {}".format(mode, n)
        )
    if isinstance(mode, tuple) and all(m == 0 or m == (0, 0) for m in mode):
        return "valid"
    return mode


def _clean_shape(shape, length, name):
    shape = tuple(shape) if shape else (None,) * length
    for size in shape:
        if size is not None:
            try:
                get_scalar_constant_value(size, only_process_constants=True)
            except NotScalarConstantError:
                raise ValueError("%s should be None or a tuple of constant int values" % name) from None
    return shape


def _check_ndim(name, var, n, suffix=""):
    if var.type.ndim != n:
        raise TypeError("%s must be %dD tensor%s" % (name, n, suffix))


def _as_variables(x, y):
    """`x` and `y` as variables of one kind of type, whatever their dtypes."""
    x = x if isinstance(x, Variable) else as_tensor_variable(x)
    y = y if isinstance(y, Variable) else as_tensor_variable(y)
    return x, x.type.clone(dtype=y.dtype, broadcastable=y.broadcastable).filter_variable(y)


def _like(grad, var):
    return var.type.filter_variable(patternbroadcast(grad, var.broadcastable))


class BaseAbstractConv(Op):
    """What the convolutions and their gradients share: the parameters.

    Parameters
    ----------
    convdim : 2 or 3, the number of axes
    imshp, kshp : the shapes of images and filters of the forward convolution as far as they are known: None, or
        tuples of ints, constants and None
    border_mode : "valid", "full", "half", an int, or a tuple with an int (or in 2d a pair) an axis
    subsample : step between outputs, one number an axis
    filter_flip : whether filters are flipped (a convolution) or not (a correlation)
    filter_dilation : step between the inputs that an output sees, one number an axis
    num_groups : number of groups that the channels are split into
    unshared : whether each place of the output has filters of its own (2d only)

    ValueError or NotImplementedError if they are none of these.
    """

    check_broadcast = False
    __props__ = (
        "convdim",
        "border_mode",
        "subsample",
        "filter_flip",
        "imshp",
        "kshp",
        "filter_dilation",
        "num_groups",
        "unshared",
    )

    def __init__(
        self,
        convdim,
        imshp=None,
        kshp=None,
        border_mode="valid",
        subsample=None,
        filter_flip=True,
        filter_dilation=None,
        num_groups=1,
        unshared=False,
    ):
        if convdim not in (2, 3):
            raise ValueError("convolution dimension {} is not supported", convdim)
        self.convdim = convdim
        self.border_mode = _clean_border_mode(border_mode, convdim)
        self.imshp = _clean_shape(imshp, 2 + convdim, "imshp")
        self.kshp = _clean_shape(kshp, 2 + convdim * (2 if unshared else 1), "kshp")
        self.filter_flip = filter_flip
        for name, value in (("subsample", subsample), ("filter_dilation", filter_dilation)):
            value = (1,) * convdim if value is None else tuple(value)
            if len(value) != convdim:
                raise ValueError("{} must have {} elements".format(name, convdim))
            setattr(self, name, value)
        if num_groups < 1:
            raise ValueError("num_groups must have value greater than zero")
        self.num_groups = num_groups
        if unshared and convdim != 2:
            raise NotImplementedError("Unshared convolution not implemented for %dD" % convdim)
        self.unshared = unshared

    def do_constant_folding(self, node):
        return False  # Theano's graphs keep their convolutions

    def flops(self, inp, outp):
        """The number of multiplications and additions, given lists of the shapes of inputs and outputs."""
        if self.convdim != 2:
            raise NotImplementedError("flops not implemented for convdim={}", self.convdim)
        (images, filters), (out,) = inp, outp
        assert images[1] == filters[1] * self.num_groups
        return filters[2] * filters[3] * 2 * out[2] * out[3] * images[1] * filters[0] * images[0] / self.num_groups

    # ------------------------------------------------------------ for the three directions
    def _check_kernel_ndim(self, kern):
        n = self.convdim
        if self.unshared:
            _check_ndim("kern", kern, 2 + 2 * n, " for unshared convolution")
        else:
            _check_ndim("kern", kern, 2 + n)

    def _geometry(self, taps):
        dilated = [(int(t) - 1) * d + 1 for t, d in zip(taps, self.filter_dilation)]
        steps = [tuple(map(int, v)) for v in (self.subsample, self.filter_dilation)]
        return conv_kernels.Geometry(
            border_mode_to_pad(self.border_mode, self.convdim, dilated), *steps, self.num_groups, self.unshared
        )

    def _flip(self, kern):
        if not self.filter_flip:
            return kern
        return kern[(slice(None),) * (kern.ndim - self.convdim) + (slice(None, None, -1),) * self.convdim]

    def _check_channels(self, image_channels, filters, kernel_channels):
        if image_channels % self.num_groups:
            raise ValueError("number of input channels must be divible by num_groups")
        if filters % self.num_groups:
            raise ValueError("number of filters must be divisible by num_groups")
        if image_channels // self.num_groups != kernel_channels:
            raise ValueError(
                "the number of input channels in the kernel should specify the number of channels of 1 group"
            )

    def _sibling(self, direction):
        """The Op of the same convolution in another direction: "", "_gradWeights" or "_gradInputs"."""
        only_2d = () if self.convdim == 2 else ("unshared",)
        options = {name: getattr(self, name) for name in self.__props__ if name not in ("convdim", *only_2d)}
        return ABSTRACT_CONVS["AbstractConv%dd%s" % (self.convdim, direction)](**options)


def _common(xp, a, b):
    dtype = np.result_type(a.dtype, b.dtype)
    return xp.astype(a, dtype), xp.astype(b, dtype)


class AbstractConv(BaseAbstractConv):
    """The convolution of images (batch, channels, *sizes) with filters (filters, channels of a group, *sizes)."""

    vectorize_node = batch_rules.convolution

    def make_node(self, img, kern):
        img, kern = _as_variables(img, kern)
        _check_ndim("img", img, 2 + self.convdim)
        self._check_kernel_ndim(kern)
        img = assert_shape(img, self.imshp, "AbstractConv shape mismatch: shape of image does not match given imshp.")
        kern = assert_shape(kern, self.kshp, "AbstractConv shape mismatch: shape of filters does not match given kshp.")
        pattern = [img.broadcastable[0], kern.broadcastable[0]] + [False] * self.convdim
        return Apply(self, [img, kern], [img.type.clone(broadcastable=pattern)()])

    def _prepare(self, xp, img, kern):
        n = self.convdim
        img, kern = _common(xp, xp.asarray(img), xp.asarray(kern))
        g = self._geometry(kern.shape[-n:])
        self._check_channels(img.shape[1], kern.shape[0], kern.shape[-n - 1])
        places = conv_kernels.out_sizes(img.shape[2:], kern.shape[-n:], g)
        if min(places) <= 0:
            raise ValueError(
                "the filters of shape %s do not fit into the images of shape %s: the output would have "
                "the sizes %s" % (kern.shape, img.shape, places)
            )
        if self.unshared and kern.shape[1 : 1 + n] != places:
            raise ValueError(
                "Kernel shape {} does not match computed output size {}".format(kern.shape[1 : 1 + n], places)
            )
        return img, self._flip(kern), g

    def compute(self, xp, node, img, kern):
        return conv_kernels.correlate(xp, *self._prepare(xp, img, kern))

    def lower_xla(self, ctx, node, img, kern):
        return conv_kernels.correlate_xla(ctx, *self._prepare(ctx.xp, img, kern))

    def infer_shape(self, node, input_shapes):
        imshp, kshp = [
            [known if own is None else own for known, own in zip(shape, given)]
            for shape, given in zip(input_shapes, (self.imshp, self.kshp))
        ]
        return [get_conv_output_shape(imshp, kshp, self.border_mode, self.subsample, self.filter_dilation)]

    def grad(self, inp, grads):
        bottom, weights = inp
        (top,) = grads
        n = self.convdim
        # Shapes were checked on the way forward.
        kwargs = {"add_assert_shape": False} if n == 2 else {}
        d_bottom = self._sibling("_gradInputs")(weights, top, bottom.shape[-n:], **kwargs)
        d_weights = self._sibling("_gradWeights")(bottom, top, weights.shape[-n:], **kwargs)
        return _like(d_bottom, bottom), _like(d_weights, weights)

    def R_op(self, inputs, eval_points):
        if self.num_groups > 1:
            raise NotImplementedError("Rop not implemented for grouped convolutions")
        if self.unshared:
            raise NotImplementedError("Rop not implemented for unshared convolution")
        return product_rule(self, inputs, eval_points)


class _Gradient(BaseAbstractConv):
    """A gradient: the third input says the sizes that the result has along the axes."""

    static_inputs = (2,)

    def connection_pattern(self, node):
        return [[1], [1], [0]]


class AbstractConv_gradWeights(_Gradient):
    """The gradient of a convolution for its filters, from its images and the gradient for its output."""

    def make_node(self, img, topgrad, shape, add_assert_shape=True):
        img, topgrad = _as_variables(img, topgrad)
        n = self.convdim
        _check_ndim("img", img, 2 + n)
        _check_ndim("topgrad", topgrad, 2 + n)
        if add_assert_shape:
            img = assert_shape(
                img, self.imshp, "AbstractConv_gradWeights shape mismatch: shape of image does not match given imshp."
            )
        spread = [False] * n if self.unshared else []
        pattern = [topgrad.broadcastable[1]] + spread + [img.broadcastable[1]] + [False] * n
        return Apply(self, [img, topgrad, as_tensor_variable(shape)], [img.type.clone(broadcastable=pattern)()])

    def _prepare(self, xp, img, topgrad, shape):
        img, topgrad = _common(xp, xp.asarray(img), xp.asarray(topgrad))
        taps = tuple(int(s) for s in shape)
        g = self._geometry(taps)
        self._check_channels(img.shape[1], topgrad.shape[1], img.shape[1] // self.num_groups)
        places = conv_kernels.out_sizes(img.shape[2:], taps, g)
        if places != tuple(topgrad.shape[2:]) or img.shape[0] != topgrad.shape[0]:
            raise ValueError(
                "filters of the sizes %s on images of shape %s have an output of the sizes %s, but the "
                "given topgrad has shape %s" % (taps, img.shape, places, topgrad.shape)
            )
        return img, topgrad, taps, g

    def compute(self, xp, node, img, topgrad, shape):
        return self._flip(conv_kernels.grad_kernel(xp, *self._prepare(xp, img, topgrad, shape)))

    def lower_xla(self, ctx, node, img, topgrad, shape):
        shape = ctx.need(node.inputs[2], shape)
        return self._flip(conv_kernels.grad_kernel_xla(ctx, *self._prepare(ctx.xp, img, topgrad, shape)))

    def infer_shape(self, node, input_shapes):
        imshp, topshp, _ = input_shapes
        spread = list(topshp[2:]) if self.unshared else []
        sizes = [node.inputs[2][i] for i in range(self.convdim)]
        found = [topshp[1]] + spread + [imshp[1] // self.num_groups] + sizes
        return [[size if own is None else own for size, own in zip(found, self.kshp)]]

    def grad(self, inp, grads):
        bottom, top = inp[:2]
        (weights,) = grads
        d_bottom = self._sibling("_gradInputs")(weights, top, bottom.shape[-self.convdim :])
        d_top = self._sibling("")(bottom, weights)
        return _like(d_bottom, bottom), _like(d_top, top), DisconnectedType()()


class AbstractConv_gradInputs(_Gradient):
    """The gradient of a convolution for its images, from its filters and the gradient for its output."""

    vectorize_node = batch_rules.convolution_back

    def make_node(self, kern, topgrad, shape, add_assert_shape=True):
        kern, topgrad = _as_variables(kern, topgrad)
        n = self.convdim
        self._check_kernel_ndim(kern)
        _check_ndim("topgrad", topgrad, 2 + n)
        if add_assert_shape:
            kern = assert_shape(
                kern, self.kshp, "AbstractConv_gradInputs shape mismatch: shape of filters does not match given kshp."
            )
        one_channel = self.num_groups == 1 and kern.type.broadcastable[-n - 1]
        pattern = [topgrad.type.broadcastable[0], one_channel] + [False] * n
        return Apply(self, [kern, topgrad, as_tensor_variable(shape)], [kern.type.clone(broadcastable=pattern)()])

    def _prepare(self, xp, kern, topgrad, shape):
        n = self.convdim
        kern, topgrad = _common(xp, xp.asarray(kern), xp.asarray(topgrad))
        g = self._geometry(kern.shape[-n:])
        found = (topgrad.shape[0], kern.shape[-n - 1] * self.num_groups) + tuple(int(s) for s in shape)
        imshp = [size if own is None else int(get_scalar_constant_value(own)) for size, own in zip(found, self.imshp)]
        expected = (imshp[0], kern.shape[0]) + conv_kernels.out_sizes(imshp[2:], kern.shape[-n:], g)
        if expected != tuple(topgrad.shape):
            raise ValueError(
                "invalid input_shape for gradInputs: the given input_shape would produce an output of "
                "shape {}, but the given topgrad has shape {}".format(expected, tuple(topgrad.shape))
            )
        self._check_channels(imshp[1], kern.shape[0], kern.shape[-n - 1])
        return self._flip(kern), topgrad, found[2:], g

    def compute(self, xp, node, kern, topgrad, shape):
        return conv_kernels.grad_image(xp, *self._prepare(xp, kern, topgrad, shape))

    def lower_xla(self, ctx, node, kern, topgrad, shape):
        shape = ctx.need(node.inputs[2], shape)
        return conv_kernels.grad_image_xla(ctx, *self._prepare(ctx.xp, kern, topgrad, shape))

    def infer_shape(self, node, input_shapes):
        kshp, topshp, _ = input_shapes
        channels = kshp[-self.convdim - 1]
        if self.num_groups > 1:
            channels = channels * self.num_groups
        found = [topshp[0], channels] + [node.inputs[2][i] for i in range(self.convdim)]
        return [[size if own is None else own for size, own in zip(found, self.imshp)]]

    def grad(self, inp, grads):
        weights, top = inp[:2]
        (bottom,) = grads
        d_weights = self._sibling("_gradWeights")(bottom, top, weights.shape[-self.convdim :])
        d_top = self._sibling("")(bottom, weights)
        return _like(d_weights, weights), _like(d_top, top), DisconnectedType()()


class _In2d:
    """An Op on images; its parameters are those of BaseAbstractConv."""

    def __init__(
        self,
        imshp=None,
        kshp=None,
        border_mode="valid",
        subsample=(1, 1),
        filter_flip=True,
        filter_dilation=(1, 1),
        num_groups=1,
        unshared=False,
    ):
        super().__init__(2, imshp, kshp, border_mode, subsample, filter_flip, filter_dilation, num_groups, unshared)


class _In3d:
    """An Op on volumes; its parameters are those of BaseAbstractConv."""

    def __init__(
        self,
        imshp=None,
        kshp=None,
        border_mode="valid",
        subsample=(1, 1, 1),
        filter_flip=True,
        filter_dilation=(1, 1, 1),
        num_groups=1,
    ):
        super().__init__(3, imshp, kshp, border_mode, subsample, filter_flip, filter_dilation, num_groups)


class AbstractConv2d(_In2d, AbstractConv):
    """The convolution of images: (b, c, h, w) with (f, c, kh, kw), unshared (f, oh, ow, c, kh, kw)."""


class AbstractConv2d_gradWeights(_In2d, AbstractConv_gradWeights):
    """The gradient of AbstractConv2d for its filters."""


class AbstractConv2d_gradInputs(_In2d, AbstractConv_gradInputs):
    """The gradient of AbstractConv2d for its images."""


class AbstractConv3d(_In3d, AbstractConv):
    """The convolution of volumes: (b, c, d, h, w) with (f, c, kd, kh, kw)."""


class AbstractConv3d_gradWeights(_In3d, AbstractConv_gradWeights):
    """The gradient of AbstractConv3d for its filters."""


class AbstractConv3d_gradInputs(_In3d, AbstractConv_gradInputs):
    """The gradient of AbstractConv3d for its images."""


ABSTRACT_CONVS = {
    cls.__name__: cls
    for cls in (
        AbstractConv2d,
        AbstractConv3d,
        AbstractConv2d_gradInputs,
        AbstractConv3d_gradInputs,
        AbstractConv2d_gradWeights,
        AbstractConv3d_gradWeights,
    )
}
