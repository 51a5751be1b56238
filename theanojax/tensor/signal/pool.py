"""Pooling: the maximum, sum or mean of windows over the last two or three (or any number of) dimensions."""

import warnings

import numpy as np

import theanojax.tensor as T
from theanojax.graph.enum_types import EnumList
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import OpenMPOp
from theanojax.graph.tracebacks import boundaries, user_stacklevel
from theanojax.graph.variable import Apply, Variable
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable, extract_constant
from theanojax.tensor.op_methods import shaped_like
from theanojax.tensor.signal import pool_windows
from theanojax.tensor.type import TensorType, int_dtypes

__all__ = [
    "AveragePoolGrad",
    "DownsampleFactorMaxGradGrad",
    "MaxPoolGrad",
    "MaxPoolRop",
    "Pool",
    "PoolGrad",
    "PoolingMode_t",
    "max_pool_2d_same_size",
    "pool_2d",
    "pool_3d",
]

# Numbers that Theano gives to the modes.
PoolingMode_t = EnumList(
    ("POOLING_MAX", "max"),
    ("POOLING_SUM", "sum"),
    ("POOLING_AVERAGE_COUNT_INCLUDE_PADDING", "average_inc_pad"),
    ("POOLING_AVERAGE_COUNT_EXCLUDE_PADDING", "average_exc_pad"),
)

MODES = ("max", "sum", "average_inc_pad", "average_exc_pad")


def _renamed(ws, stride, pad, ds, st, padding, no_pad, where=""):
    """The window sizes, steps and padding, given under their own or their old names. ValueError if under both."""
    rows = [
        ("ds", "ws", ds, ws, (None,)),
        ("st", "stride", st, stride, (None,)),
        ("padding", "pad", padding, pad, no_pad),
    ]
    found = []
    for old_name, name, old, value, free in rows:
        if old is not None:
            if value not in free:
                quoted = {"ds": ("'ws'", "'ds'"), "st": ("'st", "'stride'"), "padding": ("'padding'", "pad")}[old_name]
                raise ValueError(
                    "You can't provide a tuple value to both %s and %s. Please provide a value only to "
                    "%s." % (*quoted, "pad" if name == "pad" else "'%s'" % name)
                )
            warnings.warn(
                "DEPRECATION: the '%s' parameter%s is not going to exist anymore as it is going to be "
                "replaced by the parameter '%s'." % (old_name, where, name),
                stacklevel=user_stacklevel(),
            )
            value = old
        elif old_name == "ds" and value is None:
            raise ValueError("You must provide a tuple value for the window size.")
        found.append(value)
    return found


def _places(size, window, step, ignore_border, whole):
    """How many windows fit along an axis of `size`, padding included; in numbers or symbols.

    `whole` says that windows that touch need no look at their size.
    """
    if ignore_border:
        if whole and window == step:
            return size // step
        count = (size - window) // step + 1
        return T.maximum(count, 0) if isinstance(count, Variable) else np.maximum(count, 0)
    if isinstance(size, Variable):
        return T.switch(T.ge(step, window), (size - 1) // step + 1, T.maximum(0, (size - 1 - window) // step + 1) + 1)
    if isinstance(window, Variable) or isinstance(step, Variable):
        return _places(as_tensor_variable(size), window, step, ignore_border, whole)
    if step >= window:
        return (size - 1) // step + 1
    return max(0, (size - 1 - window) // step + 1) + 1


def _out_shape(imgshape, ws, ignore_border, stride, pad, ndim, whole):
    if len(imgshape) < ndim:
        raise TypeError("imgshape must have at least {} dimensions".format(ndim))
    stride = ws if stride is None else stride
    pad = (0,) * ndim if pad is None else pad
    sizes = [extract_constant(imgshape[i - ndim]) + pad[i] * 2 for i in range(ndim)]
    return list(imgshape[:-ndim]) + [_places(sizes[i], ws[i], stride[i], ignore_border, whole) for i in range(ndim)]


class _PoolOp(OpenMPOp):
    """What pooling and its derivatives share: the last inputs are window sizes, steps and padding."""

    __props__ = ("ignore_border", "mode", "ndim")

    def __setstate__(self, state):
        self.__dict__.update(state)
        if "ds" in state:  # until Theano 0.9 the parameters were the Op's
            self.ndim, self.mode = len(self.ds), state.get("mode", "max")

    def upgrade_node(self, node):
        """Give a node of such an Op the parameters as inputs."""
        if hasattr(self, "ds"):
            node.inputs.extend(as_tensor_variable(v) for v in (self.ds, self.st, self.padding))

    def _parameters(self, ws, stride, pad, checked=True):
        """The three parameters as vectors of integers; NotImplementedError and TypeError if they cannot be."""
        nd = self.ndim
        stride = ws if stride is None else stride
        if pad is None:
            pad = (0,) * nd
        elif checked and isinstance(pad, (tuple, list)):
            if max(pad) != 0 and not self.ignore_border:
                raise NotImplementedError("padding works only with ignore_border=True")
            if isinstance(ws, (tuple, list)) and any(pad[i] >= ws[i] for i in range(nd)):
                raise NotImplementedError("padding must be smaller than strides")
        out = [as_tensor_variable(v) for v in (ws, stride, pad)]
        for v, name in zip(out, ("Pool downsample", "Stride", "Padding")):
            if v.ndim != 1:
                raise AssertionError("%s parameters must be a vector, got %s" % (name, v.type))
            if v.dtype not in int_dtypes:
                raise TypeError("%s parameters must be ints." % name)
        return out

    def _tensors(self, *values):
        values = [as_tensor_variable(v) for v in values]
        if any(v.ndim != values[0].ndim or v.ndim < self.ndim for v in values):
            raise AssertionError(
                "%s needs tensors of at least %d and equally many dimensions, got %s"
                % (self, self.ndim, [v.type for v in values])
            )
        return values

    def static_needs(self, node):
        return list(node.inputs[-3:])

    def lower_xla(self, ctx, node, *inputs):
        sizes = [ctx.need(v, x) for v, x in zip(node.inputs[-3:], inputs[-3:])]
        return self.compute(ctx.xp, node, *inputs[:-3], *sizes)

    def _numbers(self, ws, stride, pad):
        found = []
        for name, v in (("ws", ws), ("stride", stride), ("pad", pad)):
            if len(v) != self.ndim:
                raise ValueError("%s must be a vector of size %d" % (name, self.ndim))
            found.append(tuple(int(i) for i in v))
        return found

    def _windows(self, x, ws, stride, pad, places=None):
        """The windows over `x`; as many as `places` has elements, or as the parameters say."""
        ws, stride, pad = self._numbers(ws, stride, pad)
        if places is None:
            if not self.ignore_border and any(pad):
                raise ValueError("padding must be zero when ignore border is False")
            places = _out_shape(x.shape, ws, self.ignore_border, stride, pad, self.ndim, whole=False)[-self.ndim :]
        return pool_windows.Windows(x.shape, ws, stride, pad, tuple(int(n) for n in places))

    def _disconnected(self):
        return [DisconnectedType()() for _ in range(3)]

    def connection_pattern(self, node):
        return [[True]] * (len(node.inputs) - 3) + [[False]] * 3


def _check_mode(mode):
    mode = "max" if mode == "max_deterministic" else mode
    if mode not in MODES:
        raise ValueError(
            "Pool mode parameter only support 'max', 'sum', 'average_inc_pad' and 'average_exc_pad'. Got %s" % mode
        )
    return mode


class Pool(_PoolOp):
    """The maximum, sum or mean of each window.

    Parameters
    ----------
    ignore_border : whether windows that reach over the end are left out
    mode : "max", "sum", "average_inc_pad" (zeros around the image count) or "average_exc_pad"
    ndim : over how many of the last dimensions

    Its inputs are the images, and vectors of `ndim` integers: window sizes, steps (the sizes if None) and the number
    of zeros on either side (0 if None).
    """

    vectorize_node = batch_rules.only(0)

    @staticmethod
    def out_shape(
        imgshape, ws=None, ignore_border=False, stride=None, pad=None, ndim=2, ds=None, st=None, padding=None
    ):
        """The output's shape, a list, for images of `imgshape`; in numbers or symbols.

        `ds`, `st` and `padding` are old names of `ws`, `stride` and `pad`. TypeError if `imgshape` is too short.
        """
        ndim = 2 if ndim is None else ndim
        ws, stride, pad = _renamed(ws, stride, pad, ds, st, padding, (None, (0,) * ndim))
        return _out_shape(imgshape, ws, ignore_border, stride, pad, ndim, whole=True)

    def __init__(self, ignore_border=False, mode="max", ndim=2, openmp=None):
        super().__init__(openmp=openmp)
        self.ndim, self.ignore_border, self.mode = ndim, ignore_border, _check_mode(mode)

    def make_node(self, x, ws, stride=None, pad=None):
        x = as_tensor_variable(x)
        sizes = self._parameters(ws, stride, pad)
        if x.type.ndim < self.ndim:
            raise TypeError("%s needs at least %d dimensions, got %s" % (self, self.ndim, x.type))
        pattern = x.broadcastable[: -self.ndim] + (False,) * self.ndim
        return Apply(self, [x] + sizes, [TensorType(x.dtype, pattern)()])

    def compute(self, xp, node, x, ws, stride, pad):
        x = xp.asarray(x)
        windows = self._windows(x, ws, stride, pad)
        if windows.empty:
            return xp.zeros(windows.lead + windows.places, dtype=x.dtype)
        if self.mode == "max":
            return pool_windows.maximum(xp, x, windows)
        if self.mode == "sum":
            return pool_windows.total(xp, x, windows)
        return pool_windows.average(xp, x, windows, self.mode == "average_inc_pad")

    def infer_shape(self, node, in_shapes):
        return [
            self.out_shape(in_shapes[0], node.inputs[1], self.ignore_border, node.inputs[2], node.inputs[3], self.ndim)
        ]

    def L_op(self, inputs, outputs, grads):
        x, ws, stride, pad = inputs
        (gz,) = grads
        if self.mode == "max":
            op = MaxPoolGrad(ndim=self.ndim, ignore_border=self.ignore_border)
            gx = op(x, outputs[0], gz, ws=ws, stride=stride, pad=pad)
        else:
            op = AveragePoolGrad(ndim=self.ndim, ignore_border=self.ignore_border, mode=self.mode)
            gx = op(x, gz, ws=ws, stride=stride, pad=pad)
        return [gx] + self._disconnected()

    def R_op(self, inputs, eval_points):
        x, ws, stride, pad = inputs
        moved = eval_points[0]
        if moved is None:
            return [None]
        if self.mode != "max":
            return [self(moved, ws, stride, pad)]
        op = DownsampleFactorMaxGradGrad(self.ignore_border, self.mode, self.ndim)
        return [op(x, self(*inputs), moved, ws, stride, pad)]


def _linear_in(i):
    """``R_op`` of an Op that is linear in input `i`, and does not move, almost everywhere, with those before it."""

    def R_op(self, inputs, eval_points):
        moved = eval_points[i]
        if moved is None:
            return [None if all(v is None for v in eval_points[:i]) else self(*inputs).zeros_like()]
        return [self(*inputs[:i], moved, *inputs[i + 1 :])]

    return R_op


class PoolGrad(_PoolOp):
    """What the gradients of Pool share."""

    @staticmethod
    def out_shape(
        imgshape, ws=None, ignore_border=False, stride=None, pad=None, ndim=2, ds=None, st=None, padding=None
    ):
        """The shape, a list, of the output of the Pool that this is the gradient of; see ``Pool.out_shape``."""
        ws, stride, pad = _renamed(ws, stride, pad, ds, st, padding, (None,), " in PoolGrad")
        return _out_shape(imgshape, ws, ignore_border, stride, pad, ndim, whole=False)

    def __init__(self, ignore_border, mode="max", ndim=2, openmp=None):
        super().__init__(openmp=openmp)
        self.ndim, self.ignore_border, self.mode = ndim, ignore_border, _check_mode(mode)

    infer_shape = shaped_like(0)


class MaxPoolGrad(PoolGrad):
    """The gradient of the maximum: every pixel that equals the maximum of a window gets its gradient, ties included.

    Inputs: images, their maxima, the gradient for these, and Pool's parameters.
    """

    vectorize_node = batch_rules.only(0, 1, 2)

    def __init__(self, ignore_border, ndim=2, openmp=None):
        super().__init__(ignore_border, mode="max", ndim=ndim, openmp=openmp)

    def make_node(self, x, maxout, gz, ws, stride=None, pad=None):
        x, maxout, gz = self._tensors(x, maxout, gz)
        return Apply(self, [x, maxout, gz] + self._parameters(ws, stride, pad, checked=False), [x.type()])

    def compute(self, xp, node, x, maxout, gz, ws, stride, pad):
        x, maxout, gz = xp.asarray(x), xp.asarray(maxout), xp.asarray(gz)
        windows = self._windows(x, ws, stride, pad, maxout.shape[-self.ndim :])
        if windows.empty:
            return xp.zeros(x.shape, dtype=x.dtype)
        return pool_windows.maximum_back(xp, x, maxout, gz, windows)

    def grad(self, inp, grads):
        x, maxout, _, ws, stride, pad = inp
        (ggx,) = grads
        op = DownsampleFactorMaxGradGrad(ndim=self.ndim, ignore_border=self.ignore_border)
        return [T.zeros_like(x), T.zeros_like(maxout), op(x, maxout, ggx, ws, stride, pad)] + self._disconnected()

    R_op = _linear_in(2)  # which pixels are the largest does not change


class AveragePoolGrad(PoolGrad):
    """The gradient of the mean, and of the sum, which every pixel of a window gets alike.

    Inputs: images, the gradient for the output, and Pool's parameters.
    """

    vectorize_node = batch_rules.only(0, 1)

    def __init__(self, ignore_border, mode="average_inc_pad", ndim=2):
        if mode not in MODES[1:]:
            raise AssertionError("the mode must be one of %s, got %r" % (MODES[1:], mode))
        super().__init__(ignore_border, mode, ndim)

    def make_node(self, x, gz, ws, stride=None, pad=None, dummy=None):
        x, gz = self._tensors(x, gz)
        return Apply(self, [x, gz] + self._parameters(ws, stride, pad, checked=False), [x.type()])

    def compute(self, xp, node, x, gz, ws, stride, pad):
        gz = xp.asarray(gz)
        windows = self._windows(xp.asarray(x), ws, stride, pad)
        if gz.shape != windows.lead + windows.places:
            raise ValueError("gz has the shape %s, the output has %s" % (gz.shape, windows.lead + windows.places))
        if windows.empty:
            return xp.zeros(x.shape, dtype=x.dtype)
        if self.mode != "sum":
            dtype = gz.dtype if gz.dtype.kind in "fc" else np.dtype("float64")
            gz = xp.astype(gz, dtype) / windows.counts(self.mode == "average_inc_pad").astype(dtype)
        return pool_windows.total_back(xp, gz, windows)

    def grad(self, inp, grads):
        x, _, ws, stride, pad = inp
        (ggx,) = grads
        op = Pool(ignore_border=self.ignore_border, ndim=self.ndim, mode=self.mode)
        return [T.zeros_like(x), op(ggx, ws, stride, pad)] + self._disconnected()

    R_op = _linear_in(1)


class DownsampleFactorMaxGradGrad(_PoolOp):
    """The gradient of MaxPoolGrad for its gradient: sums over the pixels that equal the maximum of a window.

    Inputs: images, their maxima, what is summed (of the images' shape), and Pool's parameters.
    """

    vectorize_node = batch_rules.only(0, 1, 2)

    def __init__(self, ignore_border, mode="max", ndim=2, openmp=None):
        super().__init__(openmp=openmp)
        if mode != "max":
            raise AssertionError("the mode must be 'max', got %r" % (mode,))
        self.ndim, self.ignore_border, self.mode = ndim, ignore_border, mode

    def make_node(self, x, maxout, gz, ws, stride=None, pad=None):
        x, maxout, gz = self._tensors(x, maxout, gz)
        return Apply(self, [x, maxout, gz] + self._parameters(ws, stride, pad), [x.type()])

    def compute(self, xp, node, x, maxout, ggx, ws, stride, pad):
        x, maxout, ggx = xp.asarray(x), xp.asarray(maxout), xp.asarray(ggx)
        windows = self._windows(x, ws, stride, pad, maxout.shape[-self.ndim :])
        if windows.empty:
            return xp.zeros(maxout.shape, dtype=x.dtype)
        return pool_windows.total_where_maximum(xp, x, maxout, ggx, windows)

    infer_shape = shaped_like(1)

    def grad(self, inp, grads):
        x, maxout, _, ws, stride, pad = inp
        (gz,) = grads
        op = MaxPoolGrad(ignore_border=self.ignore_border, ndim=self.ndim)
        return [T.zeros_like(x), T.zeros_like(maxout), op(x, maxout, gz, ws, stride, pad)] + self._disconnected()

    R_op = _linear_in(2)


class MaxPoolRop(_PoolOp):
    """The derivative of max pooling in a direction: `eval_point` at the first of the largest pixels of each window.

    Inputs: images, the direction (of their shape), and Pool's parameters.
    """

    vectorize_node = batch_rules.only(0, 1)

    def __init__(self, ignore_border=False, mode="max", ndim=2, openmp=None):
        super().__init__(openmp=openmp)
        if mode != "max":
            raise AssertionError("the mode must be 'max', got %r" % (mode,))
        self.ndim, self.ignore_border, self.mode = ndim, ignore_border, mode

    def make_node(self, x, eval_point, ws, stride=None, pad=None):
        x, eval_point = as_tensor_variable(x), as_tensor_variable(eval_point)
        sizes = self._parameters(ws, stride, pad)
        if x.type.ndim < self.ndim:
            raise TypeError("%s needs at least %d dimensions, got %s" % (self, self.ndim, x.type))
        pattern = x.broadcastable[: -self.ndim] + (False,) * self.ndim
        return Apply(self, [x, eval_point] + sizes, [TensorType(eval_point.dtype, pattern)()])

    def compute(self, xp, node, x, moved, ws, stride, pad):
        x, moved = xp.asarray(x), xp.asarray(moved)
        windows = self._windows(x, ws, stride, pad)
        if windows.empty:
            return xp.zeros(windows.lead + windows.places, dtype=moved.dtype)
        return pool_windows.at_first_maximum(xp, x, moved, windows)

    def infer_shape(self, node, in_shapes):
        return [
            Pool.out_shape(in_shapes[0], node.inputs[2], self.ignore_border, node.inputs[3], node.inputs[4], self.ndim)
        ]


# ---------------------------------------------------------------------- functions
def max_pool_2d_same_size(input, patch_size):
    """`input` with zeros everywhere but at the largest pixel of each patch; patches don't overlap.

    Parameters
    ----------
    input : a tensor of at least 2 dimensions, the last two are rows and columns
    patch_size : two ints or a vector of two integers
    """
    largest = Pool(True)(input, patch_size)
    return MaxPoolGrad(True)(input, largest, largest, patch_size)


_DEFAULT_BORDER = (
    "%s() will have the parameter ignore_border default value changed to True (currently False). To have consistent "
    "behavior with all Theano version, explicitly add the parameter ignore_border=True. On the GPU, using "
    "ignore_border=True is needed to use cuDNN. When using ignore_border=False and not using cuDNN, the only GPU "
    "combination supported is when `ws == stride and pad == %s and mode == 'max'`. Otherwise, the convolution will be "
    "executed on CPU."
)


def _pool(ndim, input, ws, ignore_border, stride, pad, mode, ds, st, padding):
    no_pad = (0,) * ndim
    ws, stride, pad = _renamed(ws, stride, pad, ds, st, padding, (None, no_pad))
    if input.ndim < ndim:
        raise NotImplementedError("pool_%dd requires a dimension >= %d" % (ndim, ndim))
    if ignore_border is None:
        warnings.warn(_DEFAULT_BORDER % ("pool_%dd" % ndim, no_pad), stacklevel=user_stacklevel())
        ignore_border = False
    return Pool(ignore_border, ndim=ndim, mode=mode)(input, ws, stride, pad)


def pool_2d(input, ws=None, ignore_border=None, stride=None, pad=(0, 0), mode="max", ds=None, st=None, padding=None):
    """The last two dimensions of `input` downsampled: one number for each window, in the dtype of `input`.

    Parameters
    ----------
    input : a tensor of at least 2 dimensions
    ws : the window's rows and columns; two ints, or a vector of integers
    ignore_border : whether windows that reach over the end are left out, so that (5, 5) with (2, 2) gives (2, 2)
        instead of (3, 3). False with a warning if not given
    stride : steps from window to window, `ws` if None
    pad : rows and columns of zeros on either side; maxima and sums are taken without them
    mode : "max", "sum", "average_inc_pad" (the zeros count), "average_exc_pad"
    ds, st, padding : old names of `ws`, `stride`, `pad`

    Raises
    ------
    ValueError : there is no window or no such mode, or a parameter has both names.
    TypeError : `ws` is not made of integers. AssertionError : it is a single number.
    NotImplementedError : too few dimensions; padding that is not smaller than the window, or without `ignore_border`.
    """
    return _pool(2, input, ws, ignore_border, stride, pad, mode, ds, st, padding)


def pool_3d(input, ws=None, ignore_border=None, stride=None, pad=(0, 0, 0), mode="max", ds=None, st=None, padding=None):
    """The last three dimensions of `input` downsampled; `pool_2d` with three lengths where that has two."""
    return _pool(3, input, ws, ignore_border, stride, pad, mode, ds, st, padding)


boundaries(globals())
