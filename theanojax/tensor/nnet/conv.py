"""The old convolution of images, ConvOp; use ``nnet.conv2d`` instead."""

import logging
import math
import warnings

from theanojax.errors import NotScalarConstantError
from theanojax.graph.op import OpenMPOp
from theanojax.graph.tracebacks import user_stacklevel
from theanojax.graph.variable import Apply
from theanojax.tensor.as_tensor import as_tensor_variable, get_scalar_constant_value
from theanojax.tensor.linalg.products import product_rule
from theanojax.tensor.nnet import conv_kernels
from theanojax.tensor.nnet.conv_shapes import get_conv_output_shape, get_conv_shape_1axis
from theanojax.tensor.shape import patternbroadcast
from theanojax.tensor.type import TensorType, discrete_dtypes

__all__ = ["ConvOp", "conv2d"]

imported_scipy_signal = True
_logger = logging.getLogger("theano.tensor.nnet.conv")


def _constant_sizes(shape, name):
    """A declared shape with plain ints. NotScalarConstantError for symbolic sizes."""
    sizes = []
    for size in shape:
        if size is not None:
            try:
                size = get_scalar_constant_value(as_tensor_variable(size))
            except NotScalarConstantError:
                raise NotScalarConstantError(
                    "The convolution need that the shape information are constant values. "
                    "We got %s for the %s parameter" % (size, name)
                ) from None
            if str(size.dtype) not in discrete_dtypes:
                raise AssertionError("%s must hold integers, got %s" % (name, size.dtype))
            size = int(size)
        sizes.append(size)
    return sizes


def conv2d(input, filters, image_shape=None, filter_shape=None, border_mode="valid", subsample=(1, 1), **kargs):
    """The old interface: images convolved with filters by a `ConvOp`; deprecated.

    Parameters
    ----------
    input : (batch, channels, rows, columns)
    filters : (filters, channels, rows, columns)
    image_shape, filter_shape : None, or the shapes as far as they are known
    border_mode : "valid" or "full"
    subsample : steps between outputs, two ints
    kargs : further parameters of ConvOp

    Returns (batch, filters, rows, columns). AssertionError if the declared numbers of channels differ.
    """
    warnings.warn(
        "theano.tensor.nnet.conv.conv2d is deprecated. Use theano.tensor.nnet.conv2d instead.",
        stacklevel=user_stacklevel(),
    )
    nkern = kshp = bsize = imshp = None
    if image_shape is not None:
        bsize, *imshp = _constant_sizes(image_shape, "image_shape")
    if filter_shape is not None:
        nkern, channels, *kshp = _constant_sizes(filter_shape, "filter_shape")
        if image_shape is not None and None not in (imshp[0], channels) and imshp[0] != channels:
            raise AssertionError("the images have %d channels, the filters %d" % (imshp[0], channels))
    op = ConvOp(imshp, kshp, nkern, bsize, subsample[0], subsample[1], border_mode, **kargs)
    return op(input, filters)


def _whole(value, name):
    if value is None:
        return 1
    if int(value) != value:
        raise TypeError("ConvOp.__init__ param %s must be an int" % name, value)
    return int(value)


def _divisor(wanted, total, name, total_name):
    """The largest number up to `wanted` that divides `total`."""
    if not wanted or total % wanted == 0:
        return wanted
    found = total if total <= wanted else max(n for n in range(1, wanted + 1) if total % n == 0)
    if found != total:
        _logger.warning(
            "OPTIMISATION WARNING: in ConvOp.__init__() %s(%i) should be 0 or a divisor of %s(%i). We "
            "revert it to %i. This won't change the result, but may make it slower.",
            name,
            wanted,
            total_name,
            total,
            found,
        )
    return found


# What may be declared of a convolution, in the order in which it is checked.
_DECLARED = (
    "number of rows in the filter",
    "number of columns in the filter",
    "image stack size",
    "number of rows in the image",
    "number of columns in the image",
    "batch size",
    "number of kernels in the filter",
)


class ConvOp(OpenMPOp):
    """The old convolution of images (b, c, h, w) with filters (f, c, kh, kw).

    Parameters
    ----------
    imshp : the images' (channels, rows, columns), or (rows, columns) of one channel; None or holding None
    kshp : the filters' (rows, columns)
    nkern, bsize : the number of filters, of images
    dx, dy : steps between outputs
    output_mode : "valid" or "full"
    imshp_logical, kshp_logical : images and filters are spread to these sizes with zeros first
    kshp_logical_top_aligned : whether filters so spread start with an element rather than end with one
    unroll_batch, unroll_kern, unroll_patch, verbose, version, direction_hint, openmp : how to compute it, once

    ValueError, TypeError or Exception if they do not make a convolution.
    """

    _attributes = (
        "imshp",
        "kshp",
        "nkern",
        "bsize",
        "dx",
        "dy",
        "out_mode",
        "unroll_batch",
        "unroll_kern",
        "unroll_patch",
        "imshp_logical",
        "kshp_logical",
        "kshp_logical_top_aligned",
    )

    @staticmethod
    def has_all_shape(imshp, kshp, nkern=1, bsize=1):
        """Whether all sizes are known."""
        return None not in (nkern, bsize) and all(s is not None for s in tuple(imshp) + tuple(kshp))

    @staticmethod
    def getOutputShape(inshp, kshp, stride=(1, 1), mode="valid"):
        """The output's (rows, columns) for images of `inshp` and filters of `kshp`, both (rows, columns)."""
        return tuple(get_conv_shape_1axis(i, k, mode, s) for i, k, s in zip(inshp, kshp, stride))

    def __init__(
        self,
        imshp=None,
        kshp=None,
        nkern=None,
        bsize=None,
        dx=1,
        dy=1,
        output_mode="valid",
        unroll_batch=None,
        unroll_kern=None,
        unroll_patch=None,
        imshp_logical=None,
        kshp_logical=None,
        kshp_logical_top_aligned=True,
        verbose=0,
        version=-1,
        direction_hint="forward",
        openmp=None,
    ):
        self.fft_opt = version != "no_fft"
        self.version = -1 if version == "no_fft" else version
        imshp = (None,) * 3 if imshp is None else tuple(imshp)
        kshp = (None,) * 2 if kshp is None else tuple(kshp)
        imshp = (1,) + imshp if len(imshp) == 2 else imshp
        for name, value, lengths, words in (
            ("imshp", imshp, 3, "2 or 3"),
            ("kshp", kshp, 2, "2"),
            ("imshp_logical", imshp_logical, 3, "3"),
            ("kshp_logical", kshp_logical, 2, "2"),
        ):
            if value is not None and len(value) != lengths:
                raise ValueError("len(%s) must be %s, got %d" % (name, words, len(value)))
        self.dx, self.dy = _whole(dx, "dx"), _whole(dy, "dy")
        all_shape = self.has_all_shape(imshp, kshp, nkern, bsize)
        if (unroll_batch or unroll_kern) and not all_shape:
            raise Exception("In ConvOp, when using unroll_batch and unroll_nkern, all shape are needed")
        super().__init__(openmp=openmp)
        self.imshp, self.kshp, self.nkern, self.bsize = imshp, kshp, nkern, bsize
        self.verbose, self.direction_hint = verbose, direction_hint
        self.imshp_logical = imshp if imshp_logical is None else tuple(imshp_logical)
        self.kshp_logical = kshp if kshp_logical is None else tuple(kshp_logical)
        self.kshp_logical_top_aligned = kshp_logical_top_aligned
        self._unroll(unroll_batch, unroll_kern, True if not all_shape or self.openmp else unroll_patch)
        if output_mode not in ("valid", "full"):
            raise Exception("Mode %s not implemented" % output_mode)
        self.out_mode = output_mode
        sizes = self.imshp_logical[1:], self.kshp_logical
        self.outshp = self.getOutputShape(*sizes, (self.dx, self.dy), output_mode)
        self.fulloutshp = self.getOutputShape(*sizes, (1, 1), output_mode)
        if any(s is not None and s <= 0 for s in self.outshp):
            raise Exception(
                "Bad size for the output shape. Verify that [post-supersampling] input shape (%s) and "
                "kern shape(%s) are ok. (Hint: kerns must fit inside image in valid mode)"
                % (self.imshp_logical, self.kshp_logical)
            )

    def _unroll(self, batch, kern, patch):
        # Theano's C code came in several versions; here the numbers only distinguish and print Ops.
        batch, kern = (batch or 1, kern or 1) if batch or kern else (batch, kern)
        self.unroll_batch = _divisor(batch, self.bsize, "unroll_batch", "bsize")
        self.unroll_kern = _divisor(kern, self.nkern, "unroll_kern", "nkern")
        self.unroll_patch = True if (batch, kern, patch) == (None, None, None) else patch

    def _key(self):
        return tuple(getattr(self, name) for name in self._attributes)

    def __eq__(self, other):
        return type(self) is type(other) and self._key() == other._key()

    def __hash__(self):
        return hash((type(self), self._key()))

    def __str__(self):
        return "ConvOp{" + ",".join(str((name, getattr(self, name))) for name in self._attributes) + "}"

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.direction_hint = state.get("direction_hint")

    def flops(self, inputs, outputs):
        """The number of multiplications and additions, given lists of the shapes of inputs and outputs."""
        (images, kerns), (out,) = inputs, outputs
        assert images[1] == kerns[1]
        size = out if self.out_mode == "valid" else images
        return kerns[2] * kerns[3] * 2 * size[2] * size[3] * images[1] * kerns[0] * images[0]

    def make_node(self, inputs, kerns):
        inputs, kerns = as_tensor_variable(inputs), as_tensor_variable(kerns)
        if inputs.ndim != 4:
            raise TypeError(
                'ConvOp (make_node) requires input be a 4D tensor; received "%s" (%i dims)' % (inputs, inputs.ndim)
            )
        if kerns.ndim != 4:
            raise TypeError("make_node requires 4D tensor of kernels")
        if inputs.type.dtype != kerns.type.dtype:
            raise NotImplementedError(
                "The image and the kernel must have the same type.inputs(%s), kerns(%s)" % (inputs.dtype, kerns.dtype)
            )
        pattern = [inputs.broadcastable[0], kerns.broadcastable[0]] + [s == 1 for s in self.outshp]
        return Apply(self, [inputs, kerns], [TensorType(inputs.dtype, pattern)()])

    def infer_shape(self, node, input_shapes):
        images, kerns = [list(s) for s in input_shapes]
        for shape, known in (
            (images, (self.bsize,) + self.imshp_logical),
            (kerns, (self.nkern, None) + self.kshp_logical),
        ):
            shape[:] = [s if k is None else k for s, k in zip(shape, known)]
        return [get_conv_output_shape(images, kerns, self.out_mode, (self.dx, self.dy))]

    def _check(self, img, kern):
        declared = [*self.kshp, *self.imshp, self.bsize, self.nkern]
        found = [*kern.shape[2:], *img.shape[1:], img.shape[0], kern.shape[0]]
        for what, wanted, given in zip(_DECLARED, declared, found):
            if wanted is not None and wanted != given:
                raise ValueError(
                    "The hardcoded shape for the %s (%d) isn't the run time shape (%d)." % (what, wanted, given)
                )
        if img.shape[1] != kern.shape[1]:
            raise ValueError("the images have %d channels, the filters %d" % (img.shape[1], kern.shape[1]))

    def _prepare(self, xp, img, kern):
        """Images and filters spread to their logical sizes, filters flipped, and the geometry."""
        img, kern = xp.asarray(img), xp.asarray(kern)
        self._check(img, kern)
        img = _spread(xp, img, self.imshp_logical[1:], True)
        kern = _spread(xp, kern, self.kshp_logical, self.kshp_logical_top_aligned)
        pads = tuple((k - 1, k - 1) if self.out_mode == "full" else (0, 0) for k in kern.shape[2:])
        g = conv_kernels.Geometry(pads, (self.dx, self.dy), (1, 1), 1, False)
        places = conv_kernels.out_sizes(img.shape[2:], kern.shape[2:], g)
        if min(places) <= 0:
            raise ValueError("the filters of shape %s do not fit into the images of shape %s" % (kern.shape, img.shape))
        return img, kern[:, :, ::-1, ::-1], g

    def compute(self, xp, node, img, kern):
        return conv_kernels.correlate(xp, *self._prepare(xp, img, kern))

    def lower_xla(self, ctx, node, img, kern):
        return conv_kernels.correlate_xla(ctx, *self._prepare(ctx.xp, img, kern))

    R_op = product_rule

    def grad(self, inp, grads):
        inputs, kerns = inp
        (gz,) = grads
        if self.imshp != self.imshp_logical or self.kshp != self.kshp_logical:
            raise NotImplementedError("the gradient of a ConvOp whose images or filters are spread with zeros")
        steps = (self.dx, self.dy)
        if self.out_mode == "valid" and steps != (1, 1):
            raise NotImplementedError(
                "ERROR: ConvOp.grad is now disabled for 'valid' convolutions with stride != "
                "(1, 1); call theano.tensor.nnet.conv2d() instead."
            )
        if any(s not in (1, 2) for s in steps):
            raise NotImplementedError(
                "ERROR: We disable ConvOp.grad now when output_mode is not 'valid' and dx or dy "
                "are greater than 2, as there is a bug in it. See `abstract_conv2d <>`_ for a "
                "version that support this."
            )
        if steps != (1, 1) and not self.has_all_shape(self.imshp, self.kshp, self.nkern, self.bsize):
            raise Exception("ConvOp.grad when dx!=1 or dy!=1 we must have all the optional shape information")
        return [
            patternbroadcast(self.grad_images(kerns, gz), inputs.broadcastable),
            patternbroadcast(self.grad_filters(inputs, gz), kerns.broadcastable),
        ]

    def grad_filters(self, inputs, gz):
        """The gradient for the filters, from the images and the gradient `gz` for the output."""
        images, tops = inputs.dimshuffle((1, 0, 2, 3)), gz.dimshuffle((1, 0, 2, 3))
        channels, sizes = self.imshp[0], self.imshp[1:]
        if self.out_mode == "valid":
            op = ConvOp(
                (self.bsize,) + sizes,
                self.outshp,
                self.nkern,
                channels,
                1,
                1,
                output_mode="valid",
                kshp_logical=self.fulloutshp,
                kshp_logical_top_aligned=False,
                version=self.version,
                direction_hint="bprop weights",
                verbose=self.verbose,
            )
            return op(images, tops[:, :, ::-1, ::-1]).dimshuffle((1, 0, 2, 3))[:, :, ::-1, ::-1]
        op = ConvOp(
            (self.bsize,) + self.outshp,
            sizes,
            channels,
            self.nkern,
            1,
            1,
            output_mode="valid",
            imshp_logical=(self.bsize,) + self.fulloutshp,
            version=self.version,
            direction_hint="bprop weights",
            verbose=self.verbose,
        )
        return op(tops, images[:, :, ::-1, ::-1])

    def grad_images(self, kerns, gz):
        """The gradient for the images, from the filters and the gradient `gz` for the output."""
        op = ConvOp(
            (self.nkern,) + self.outshp,
            self.kshp,
            self.imshp[0],
            self.bsize,
            1,
            1,
            output_mode="full" if self.out_mode == "valid" else "valid",
            imshp_logical=(self.nkern,) + self.fulloutshp,
            direction_hint="bprop inputs",
            verbose=self.verbose,
        )
        return op(gz, kerns.dimshuffle((1, 0, 2, 3))[:, :, ::-1, ::-1])


def _spread(xp, x, logical, top_aligned):
    """`x` with zeros between its elements, so that its last two lengths are those of `logical` (None: as they are)."""
    widths = []
    for length, wanted in zip(x.shape[2:], logical):
        wanted = length if wanted is None else wanted
        step = math.ceil(wanted / length)
        before = 0 if top_aligned else (wanted - length * step - 1 + step) % step
        widths.append((before, wanted - before - (length - 1) * step - 1, step - 1))
    if not any(map(any, widths)):
        return x
    return xp.spread(x, [(0, 0, 0)] * 2 + widths)


def gen_conv_code_unroll_batch_kern(d, unroll_bsize=1, unroll_ksize=1):
    """Theano wrote C code from `d` here; there is none, so this raises NotImplementedError."""
    raise NotImplementedError("ConvOp has no C code: it is compiled by XLA")
