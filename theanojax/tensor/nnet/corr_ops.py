"""What the correlation Ops of two and of three dimensions share."""

import numpy as np

from theanojax.config import config
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import OpenMPOp
from theanojax.graph.variable import Apply
from theanojax.scalar import upcast
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.nnet import conv_kernels
from theanojax.tensor.nnet.conv_shapes import border_mode_to_pad, get_conv_output_shape
from theanojax.tensor.type import TensorType


class CorrBase(OpenMPOp):
    """A correlation (its filters are not flipped) over `convdim` axes, or one of its gradients.

    Parameters are those of the convolution Ops; both inputs are brought to one dtype.
    """

    check_broadcast = False
    convdim = 2
    unshared = False
    family = "CorrMM"
    _direction = None

    def _setup(self, border_mode, subsample, filter_dilation, num_groups, openmp):
        OpenMPOp.__init__(self, openmp=openmp)
        self.border_mode = border_mode
        for name, value in (("subsample", subsample), ("filter_dilation", filter_dilation)):
            if len(value) != self.convdim:
                raise ValueError("%s must have %s elements" % (name, {2: "two", 3: "three"}[self.convdim]))
            setattr(self, name, tuple(value))
        if self._direction not in ("forward", "backprop weights", "backprop inputs"):
            raise ValueError("_direction must be one of 'forward', 'backprop weights', 'backprop inputs'")
        if num_groups < 1:
            raise ValueError("Number of groups should be greater than 0")
        self.num_groups = num_groups
        flags = config.blas.ldflags
        self.blas_type = next((name for name in ("openblas", "mkl") if name in flags), "")

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.__dict__.setdefault("num_groups", 1)

    @staticmethod
    def as_common_dtype(in1, in2):
        """Both variables in the dtype that holds either."""
        dtype = upcast(in1.dtype, in2.dtype)
        return tuple([v.astype(dtype) for v in (in1, in2)])

    # ------------------------------------------------------------ nodes
    def _node(self, names, first, second, sizes, pattern):
        ndims = {name: 2 + self.convdim for name in names}
        if self.unshared and "kern" in ndims:
            ndims["kern"] = 2 + 2 * self.convdim
        for name, var in zip(names, (first, second)):
            if var.type.ndim != ndims[name]:
                raise TypeError("%s must be %dD tensor" % (name, ndims[name]))
        flags = pattern(first.type.broadcastable, second.type.broadcastable)
        return Apply(self, [first, second] + sizes, [TensorType(first.dtype, flags)()])

    def _pair(self, first, second):
        return self.as_common_dtype(as_tensor_variable(first), as_tensor_variable(second))

    def _sizes(self, shape, ambiguous, why):
        if shape is None:
            if ambiguous:
                raise ValueError("shape must be given if " + why)
            return []
        return [as_tensor_variable(shape[i]).astype("int64") for i in range(self.convdim)]

    # ------------------------------------------------------------ numbers
    def _geometry(self, taps):
        dilated = [(int(t) - 1) * d + 1 for t, d in zip(taps, self.filter_dilation)]
        return conv_kernels.Geometry(
            border_mode_to_pad(self.border_mode, self.convdim, dilated),
            tuple(map(int, self.subsample)),
            tuple(map(int, self.filter_dilation)),
            self.num_groups,
            self.unshared,
        )

    def _check(self, bottom, weights, top, g):
        """ValueError unless the three shapes are those of one correlation."""
        n = self.convdim
        if bottom[1] != weights[-n - 1] * self.num_groups:
            raise ValueError("%s images and kernel must have the same stack size\n" % self.family)
        if weights[0] % self.num_groups:
            raise ValueError("%s the number of filters must be divisible by the number of groups\n" % self.family)
        places = conv_kernels.out_sizes(bottom[2:], weights[-n:], g)
        expected = (bottom[0], weights[0]) + places
        shown = "".join(
            "\n  %s shape: %s" % (name, " x ".join(map(str, shape)))
            for name, shape in (("bottom", bottom), ("weights", weights), ("top", top or expected))
        )
        if min(places) <= 0 or min(bottom[2:] + weights[1:]) < 0:
            back = {"forward": ""}.get(self._direction, " " + self._direction.replace("p ", "p wrt. "))
            raise ValueError("%s%s: impossible output shape%s\n" % (self.family, back, shown))
        if top is not None and tuple(top) != expected:
            raise ValueError(
                "%s shape inconsistency:%s (expected %s)\n" % (self.family, shown, " x ".join(map(str, expected)))
            )
        if self.unshared and tuple(weights[1 : 1 + n]) != places:
            raise ValueError("%s regions in kernel must match output regions:%s\n" % (self.family, shown))

    def _known_sizes(self, ctx, node, inputs):
        return [ctx.need(v, x) for v, x in zip(node.inputs[2:], inputs[2:])]

    def static_needs(self, node):
        return list(node.inputs[2:])

    def _sibling(self, cls):
        return cls(**{name: getattr(self, name) for name in self.__props__})

    def connection_pattern(self, node):
        return [[1], [1]] + [[0]] * (len(node.inputs) - 2)

    def _disconnected(self, inputs):
        return tuple(DisconnectedType()() for _ in inputs[2:])


class Forward(CorrBase):
    """The correlation of images with filters."""

    _direction = "forward"
    vectorize_node = batch_rules.merged(0)

    def make_node(self, img, kern):
        img, kern = self._pair(img, kern)
        return self._node(("img", "kern"), img, kern, [], lambda i, k: [i[0], k[0]] + [False] * self.convdim)

    def infer_shape(self, node, input_shapes):
        return [
            get_conv_output_shape(
                input_shapes[0], input_shapes[1], self.border_mode, self.subsample, self.filter_dilation
            )
        ]

    def _prepare(self, img, kern):
        g = self._geometry(kern.shape[-self.convdim :])
        self._check(img.shape, kern.shape, None, g)
        return img, kern, g

    def compute(self, xp, node, img, kern):
        return conv_kernels.correlate(xp, *self._prepare(img, kern))

    def lower_xla(self, ctx, node, img, kern):
        return conv_kernels.correlate_xla(ctx, *self._prepare(img, kern))

    def grad(self, inp, grads):
        bottom, weights = inp
        (top,) = grads
        n = self.convdim
        return (
            self._sibling(self.inputs_op)(weights, top, bottom.shape[-n:]),
            self._sibling(self.weights_op)(bottom, top, weights.shape[-n:]),
        )


class GradWeights(CorrBase):
    """The gradient for the filters. `shape`, their sizes, may be left out where only one is possible."""

    _direction = "backprop weights"

    def make_node(self, img, topgrad, shape=None):
        img, topgrad = self._pair(img, topgrad)
        n = self.convdim
        ones = (1,) * n
        sizes = self._sizes(
            shape,
            self.subsample != ones or self.border_mode == "half",
            'subsample != %s or border_mode == "half"' % (ones,),
        )
        spread = [False] * n if self.unshared else []
        return self._node(("img", "topgrad"), img, topgrad, sizes, lambda i, t: [t[1]] + spread + [i[1]] + [False] * n)

    def _taps(self, image, top, given):
        """The sizes of the filters: those that follow from the others, else those `given`."""
        taps = []
        pads = self.border_mode if isinstance(self.border_mode, tuple) else (self.border_mode,) * self.convdim
        for i, (size, places, pad, step, dilation) in enumerate(
            zip(image, top, pads, self.subsample, self.filter_dilation)
        ):
            if given and (step != 1 or pad == "half"):
                taps.append(given[i])
                continue
            if pad == "full":
                reach = places - size
            else:
                around = 0 if pad == "valid" else sum(pad) if isinstance(pad, tuple) else 2 * pad
                reach = size + around - places if around else size - places
            taps.append((reach // dilation if dilation != 1 else reach) + 1)
        return taps

    def infer_shape(self, node, input_shapes):
        image, top = input_shapes[:2]
        spread = tuple(top[2:]) if self.unshared else ()
        taps = self._taps(image[2:], top[2:], node.inputs[2:])
        return [(top[1],) + spread + (image[1] // self.num_groups,) + tuple(taps)]

    def _prepare(self, img, topgrad, sizes):
        taps = tuple(map(int, sizes or self._taps(img.shape[2:], topgrad.shape[2:], [])))
        g = self._geometry(taps)
        spread = topgrad.shape[2:] if self.unshared else ()
        weights = topgrad.shape[1:2] + spread + (img.shape[1] // self.num_groups,) + taps
        self._check(img.shape, weights, topgrad.shape, g)
        return img, topgrad, taps, g

    def compute(self, xp, node, img, topgrad, *sizes):
        return conv_kernels.grad_kernel(xp, *self._prepare(img, topgrad, sizes))

    def lower_xla(self, ctx, node, *inputs):
        sizes = self._known_sizes(ctx, node, inputs)
        return conv_kernels.grad_kernel_xla(ctx, *self._prepare(*inputs[:2], sizes))

    def grad(self, inp, grads):
        bottom, top = inp[:2]
        (weights,) = grads
        return (
            self._sibling(self.inputs_op)(weights, top, bottom.shape[-self.convdim :]),
            self._sibling(self.forward_op)(bottom, weights),
        ) + self._disconnected(inp)


class GradInputs(CorrBase):
    """The gradient for the images. `shape`, their sizes, may be left out where only one is possible."""

    _direction = "backprop inputs"
    vectorize_node = batch_rules.merged(1, call=lambda op, kern, top, *sizes: op(kern, top, sizes or None))

    def make_node(self, kern, topgrad, shape=None):
        kern, topgrad = self._pair(kern, topgrad)
        n = self.convdim
        ones = (1,) * n
        sizes = self._sizes(shape, self.subsample != ones, "subsample != %s" % (ones,))
        return self._node(
            ("kern", "topgrad"),
            kern,
            topgrad,
            sizes,
            lambda k, t: [t[0], self.num_groups == 1 and k[-n - 1]] + [False] * n,
        )

    def _image_sizes(self, taps, top, given):
        sizes = []
        pads = self.border_mode if isinstance(self.border_mode, tuple) else (self.border_mode,) * self.convdim
        for i, (tap, places, pad, step, dilation) in enumerate(
            zip(taps, top, pads, self.subsample, self.filter_dilation)
        ):
            if given and step != 1:
                sizes.append(given[i])
                continue
            reach = (tap - 1) * dilation
            around = (
                {"valid": 0, "half": (reach + 1) // 2 * 2, "full": reach * 2}.get(pad)
                if isinstance(pad, str)
                else sum(pad)
                if isinstance(pad, tuple)
                else 2 * pad
            )
            sizes.append((places - 1) * step + reach + 1 - around)
        return sizes

    def infer_shape(self, node, input_shapes):
        n = self.convdim
        kernel, top = input_shapes[:2]
        channels = kernel[-n - 1] * self.num_groups
        return [(top[0], channels) + tuple(self._image_sizes(kernel[-n:], top[2:], node.inputs[2:]))]

    def _prepare(self, kern, topgrad, sizes):
        n = self.convdim
        g = self._geometry(kern.shape[-n:])
        sizes = tuple(map(int, sizes or self._image_sizes(kern.shape[-n:], topgrad.shape[2:], [])))
        bottom = (topgrad.shape[0], kern.shape[-n - 1] * self.num_groups) + sizes
        self._check(bottom, kern.shape, topgrad.shape, g)
        return kern, topgrad, sizes, g

    def compute(self, xp, node, kern, topgrad, *sizes):
        return conv_kernels.grad_image(xp, *self._prepare(kern, topgrad, sizes))

    def lower_xla(self, ctx, node, *inputs):
        sizes = self._known_sizes(ctx, node, inputs)
        return conv_kernels.grad_image_xla(ctx, *self._prepare(*inputs[:2], sizes))

    def grad(self, inp, grads):
        weights, top = inp[:2]
        (bottom,) = grads
        return (
            self._sibling(self.weights_op)(bottom, top, weights.shape[-self.convdim :]),
            self._sibling(self.forward_op)(bottom, weights),
        ) + self._disconnected(inp)


def is_int(x):
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool)
