"""Cross-entropies, and the compound Ops that compute one together with its softmax."""

import numpy as np

import theanojax.tensor as T
from theanojax import scalar as scal
from theanojax.config import config, flags_of_thread
from theanojax.graph import above
from theanojax.graph.gradient_types import DisconnectedType, grad_not_implemented
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.indexing.subtensor import AdvancedIncSubtensor
from theanojax.tensor.nnet.sigm import sigmoid, softplus
from theanojax.tensor.nnet.softmax import check_bias, in_single, shifted, softmax_with_bias
from theanojax.tensor.op_methods import first_connected, shaped_like
from theanojax.tensor.type import TensorType, discrete_dtypes, float_dtypes

__all__ = [
    "CrossentropyCategorical1Hot",
    "CrossentropyCategorical1HotGrad",
    "CrossentropySoftmax1HotWithBiasDx",
    "CrossentropySoftmaxArgmax1HotWithBias",
    "Prepend_scalar_constant_to_each_row",
    "Prepend_scalar_to_each_row",
    "binary_crossentropy",
    "categorical_crossentropy",
    "crossentropy_categorical_1hot",
    "crossentropy_categorical_1hot_grad",
    "crossentropy_softmax_1hot",
    "crossentropy_softmax_1hot_with_bias",
    "crossentropy_softmax_1hot_with_bias_dx",
    "crossentropy_softmax_argmax_1hot_with_bias",
    "crossentropy_softmax_max_and_argmax_1hot",
    "crossentropy_softmax_max_and_argmax_1hot_with_bias",
    "prepend_0_to_each_row",
    "prepend_1_to_each_row",
    "prepend_scalar_to_each_row",
    "sigmoid_binary_crossentropy",
]


def _check_labels(y_idx):
    if y_idx.type.ndim != 1 or y_idx.type.dtype not in discrete_dtypes:
        raise ValueError("y_idx must be 1-d tensor of [u]ints", y_idx.type)


def _is_label(xp, y, columns):
    """The matrix that is True in row i at column y[i]."""
    return xp.arange(columns)[None, :] == y[:, None]


class CrossentropySoftmaxArgmax1HotWithBias(Op):
    """Three things of one classifier: -log(softmax(x + b)[i, y_idx[i]]), softmax(x + b), argmax(x + b).

    Parameters
    ----------
    x : matrix of floats, an example a row
    b : vector of floats, as long as the rows of `x`
    y_idx : vector of integers, the right column for each row

    ValueError at run time when lengths do not fit or a label is no column of `x`.
    """

    nin = 3
    nout = 3
    __props__ = ()
    vectorize_node = batch_rules.crossentropy_with_bias

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def make_node(self, x, b, y_idx):
        x, b, y_idx = as_tensor_variable(x), as_tensor_variable(b), as_tensor_variable(y_idx)
        if x.type.ndim != 2 or x.type.dtype not in float_dtypes:
            raise ValueError("x must be 2-d tensor of floats", x.type)
        if b.type.ndim != 1 or b.type.dtype not in float_dtypes:
            raise ValueError("b must be 1-d tensor of floats", b.type)
        _check_labels(y_idx)
        nll = TensorType(x.type.dtype, y_idx.type.broadcastable)()
        return Apply(self, [x, b, y_idx], [nll, x.type(), y_idx.type()])

    def compute(self, xp, node, x, b, y_idx):
        check_bias(x, b)
        if x.shape[0] != y_idx.shape[0]:
            raise ValueError("number of rows in x (%d) does not match length of y (%d)" % (x.shape[0], y_idx.shape[0]))
        y = xp.astype(y_idx, "int64")
        xp.guard((y >= 0) & (y < x.shape[1]), lambda: ValueError("y_i value out of bounds"))
        rows = in_single(xp, x) + in_single(xp, b)[None, :]
        z = shifted(xp, rows)
        e = xp.exp(z)
        total = xp.sum(e, axis=1, keepdims=True)
        if not x.shape[1]:  # no label can be right, so there are no rows either
            return xp.zeros(y.shape, x.dtype), x, y_idx
        nll = xp.log(total) - xp.take_along_axis(z, y[:, None], axis=1)
        return nll[:, 0], e / total, xp.argmax(rows, axis=1)

    def infer_shape(self, node, shapes):
        x, _, y_idx = shapes
        return [(x[0],), x, y_idx]

    def connection_pattern(self, node):
        return [[True, True, True], [True, True, True], [False, False, True]]

    def grad(self, inputs, grads):
        x, b, y_idx = inputs
        g_nll, g_sm, g_am = (None if isinstance(g.type, DisconnectedType) else g for g in grads)
        parts = []  # gradients for the inputs, as many as there are, by each output
        if g_nll is not None:
            _, probabilities = crossentropy_softmax_1hot_with_bias(x, b, y_idx)
            dx = crossentropy_softmax_1hot_with_bias_dx(g_nll, probabilities, y_idx)
            parts.append((dx, T.sum(dx, axis=[0])))
        if g_sm is not None:
            parts.append(softmax_with_bias.L_op((x, b), [softmax_with_bias(x, b)], (g_sm,)))
        if g_am is not None:
            parts.append([T.zeros_like(v, v.dtype if v.dtype in float_dtypes else config.floatX) for v in inputs])
        terms = [[part[i] for part in parts if i < len(part)] for i in range(3)]
        return [sum(found[1:], found[0]) if found else DisconnectedType()() for found in terms]


class CrossentropySoftmax1HotWithBiasDx(Op):
    """The gradient for `x` of the first output of CrossentropySoftmaxArgmax1HotWithBias.

    Parameters
    ----------
    dy : vector or scalar of floats; a number, or a vector of one, counts for all rows
    sm : matrix, the softmax
    y_idx : vector of integers, the labels
    """

    nin = 3
    nout = 1
    __props__ = ()
    vectorize_node = batch_rules.merged(0, 1, 2)

    def make_node(self, dy, sm, y_idx, **kwargs):
        inputs = dy, sm, y_idx = [as_tensor_variable(v) for v in (dy, sm, y_idx)]
        if dy.type.ndim > 1 or dy.type.dtype not in float_dtypes:
            raise ValueError("dy must be {0,1}-d tensor of floats", dy.type)
        if sm.type.ndim != 2 or sm.type.dtype not in float_dtypes:
            raise ValueError("sm must be 2-d tensor of floats", sm.type)
        _check_labels(y_idx)
        return Apply(self, inputs, [sm.type()])

    def compute(self, xp, node, dy, sm, y_idx):
        rows, columns = sm.shape
        length = dy.shape[0] if dy.ndim else 0
        if length > 1 and length != rows:
            raise ValueError("dnll.shape[0] (%d) != sm.shape[0] (%d)" % (length, rows))
        if length > 1 and length != y_idx.shape[0]:
            raise ValueError("dnll.shape[0] (%d) != y_idx.shape[0] (%d)" % (length, y_idx.shape[0]))
        if rows != y_idx.shape[0]:
            raise ValueError("sm.shape[0] != y_idx.shape[0]")
        y = xp.astype(y_idx, "int64")
        xp.guard((y >= 0) & (y < columns), lambda: ValueError("y_i >= dx dimensions[1] or y_i < 0."))
        dy = xp.reshape(dy, (-1, 1)) if rows else xp.zeros((0, 1), dy.dtype)
        dx = dy * sm
        return xp.where(_is_label(xp, y, columns), dx - dy, dx)

    infer_shape = shaped_like(1)

    def grad(self, inputs, grads):
        (dy, sm, y_idx), (g_dx,) = inputs, grads
        rows = T.arange(y_idx.shape[0])
        g_dy = T.sum(g_dx * AdvancedIncSubtensor()(sm, T.fill(dy, -1), rows, y_idx), axis=1)
        return [g_dy, dy.dimshuffle(0, "x") * g_dx, grad_not_implemented(self, 2, y_idx)]


crossentropy_softmax_argmax_1hot_with_bias = CrossentropySoftmaxArgmax1HotWithBias()
crossentropy_softmax_1hot_with_bias_dx = CrossentropySoftmax1HotWithBiasDx()


def crossentropy_softmax_1hot_with_bias(x, b, y_idx, **kwargs):
    """The cross-entropies ``-log(softmax(x + b)[i, y_idx[i]])``, a vector, and ``softmax(x + b)``: a list of both.

    Parameters
    ----------
    x : matrix of floats, an example a row
    b : vector of floats, as long as the rows of `x`
    y_idx : vector of integers, the right column for each row

    ValueError for other dimensions or dtypes and, when run, if lengths don't fit or a label is no column.
    """
    return crossentropy_softmax_argmax_1hot_with_bias(x, b, y_idx, **kwargs)[0:2]


def crossentropy_softmax_1hot(x, y_idx, **kwargs):
    """`crossentropy_softmax_1hot_with_bias` for the matrix of floats `x` and the labels `y_idx`, without a bias."""
    return crossentropy_softmax_1hot_with_bias(x, T.zeros_like(x[0, :]), y_idx, **kwargs)


def crossentropy_softmax_max_and_argmax_1hot_with_bias(x, b, y_idx, **kwargs):
    """A tuple of the cross-entropies, softmax(x + b), the largest probability of each row and its column, an int64.

    `x`, `b`, `y_idx` and the errors are those of `crossentropy_softmax_1hot_with_bias`.
    """
    xent, sm = crossentropy_softmax_1hot_with_bias(x, b, y_idx, **kwargs)
    largest, column = T.max_and_argmax(sm, axis=-1)
    return xent, sm, largest, column


def crossentropy_softmax_max_and_argmax_1hot(x, y_idx, **kwargs):
    """A tuple of the cross-entropies, softmax(x), the largest probability of each row and its column, an int64.

    `x`, `y_idx` and the errors are those of `crossentropy_softmax_1hot`.
    """
    return crossentropy_softmax_max_and_argmax_1hot_with_bias(x, T.zeros_like(x[0, :]), y_idx, **kwargs)


# ---------------------------------------------------------------- of distributions that are given
def _columns(xp, labels, width):
    """The integers `labels` as columns of a matrix of this width, negative ones counted from its end."""
    y = xp.astype(labels, "int64")
    xp.guard((y >= -width) & (y < width), lambda: _out_of_bounds(y, width))
    return xp.where(y < 0, y + width, y)


def _out_of_bounds(y, width):
    wrong = y[(y < -width) | (y >= width)]
    return IndexError("index %d is out of bounds for axis 1 with size %d" % (wrong[0], width))


class CrossentropyCategorical1HotGrad(Op):
    """The gradient of CrossentropyCategorical1Hot for the coding distribution."""

    __props__ = ()
    vectorize_node = batch_rules.merged(0, 1, 2)

    def make_node(self, g_y, coding_dist, true_one_of_n):
        return Apply(self, [g_y, coding_dist, true_one_of_n], [coding_dist.type()])

    def compute(self, xp, node, g_y, coding, one_of_n):
        y = _columns(xp, one_of_n, coding.shape[1])[:, None]
        slope = -g_y[:, None] / xp.take_along_axis(coding, y, axis=1)
        return xp.where(_is_label(xp, y[:, 0], coding.shape[1]), slope, xp.zeros_like(coding))

    infer_shape = shaped_like(1)

    def grad(self, inputs, output_gradients):
        (g_y, coding, one_of_n), (g,) = inputs, output_gradients
        slopes = self(T.ones_like(g_y), coding, one_of_n)  # -1 / coding at the labels, 0 elsewhere
        return [(g * slopes).sum(axis=1), T.shape_padright(g_y) * g * slopes**2, DisconnectedType()()]

    connection_pattern = first_connected(2)


class CrossentropyCategorical1Hot(Op):
    """-log(coding_dist[i, true_one_of_n[i]]) for each row i, as a vector.

    `coding_dist` is a matrix, `true_one_of_n` a vector of int32 or int64 (TypeError otherwise); IndexError, when run,
    for a column that there isn't. Where the distribution is a softmax, rewriting makes both one Op, which is exact for
    improbable labels.
    """

    __props__ = ()
    vectorize_node = batch_rules.merged(0, 1)

    def make_node(self, coding_dist, true_one_of_n):
        coding_dist, true_one_of_n = as_tensor_variable(coding_dist), as_tensor_variable(true_one_of_n)
        if coding_dist.type.ndim != 2:
            raise TypeError("matrix required for argument: coding_dist")
        if true_one_of_n.type not in (T.lvector, T.ivector):
            raise TypeError(
                "integer vector required for argument: true_one_of_n(got type: %s instead of: %s)"
                % (true_one_of_n.type, T.lvector)
            )
        return Apply(self, [coding_dist, true_one_of_n], [TensorType(coding_dist.dtype, (False,))()])

    def compute(self, xp, node, coding, one_of_n):
        y = _columns(xp, one_of_n, coding.shape[1])[:, None]
        return -xp.log(xp.take_along_axis(coding, y, axis=1)[:, 0])

    def infer_shape(self, node, shapes):
        return [(shapes[0][0],)]

    def grad(self, inputs, grads):
        coding, one_of_n = inputs
        return [crossentropy_categorical_1hot_grad(grads[0], coding, one_of_n), grad_not_implemented(self, 1, one_of_n)]


crossentropy_categorical_1hot_grad = CrossentropyCategorical1HotGrad()
crossentropy_categorical_1hot = CrossentropyCategorical1Hot()


def categorical_crossentropy(coding_dist, true_dist):
    """``-sum(true_dist * log(coding_dist))`` along the last dimension, which the result lacks.

    Parameters
    ----------
    coding_dist : tensor of floats whose slices along the last dimension are distributions
    true_dist : tensor of the same shape; or, for a matrix of distributions, the vector of the right columns, int32 or
        int64

    TypeError when the dimensions of the two do not fit, or columns have another dtype; IndexError, when run, for a
    column that there isn't.
    """
    if true_dist.ndim == coding_dist.ndim:
        return -T.sum(true_dist * T.log(coding_dist), axis=coding_dist.ndim - 1)
    if true_dist.ndim == coding_dist.ndim - 1:
        return crossentropy_categorical_1hot(coding_dist, true_dist)
    raise TypeError("rank mismatch between coding and true distributions")


def binary_crossentropy(output, target):
    """``-(target * log(output) + (1 - target) * log(1 - output))``, element by element.

    `output` is a tensor of numbers between 0 and 1, both excluded; `target`, a tensor that broadcasts against it, may
    be either. For logits see `sigmoid_binary_crossentropy`.
    """
    return -(target * T.log(output) + (1.0 - target) * T.log(1.0 - output))


def sigmoid_binary_crossentropy(output, target):
    """``binary_crossentropy(sigmoid(output), target)``, exact for outputs of any size; floats of their common shape.

    `output` and `target` are tensors that broadcast against each other.
    """

    def gradient(inputs, out_grads):
        (x, y), (g,) = inputs, out_grads
        return [g * (sigmoid(x) - y), g * (-x)]

    output, target = T.as_tensor_variable(output), T.as_tensor_variable(target)
    with flags_of_thread(compute_test_value="off"):
        x, y = output.type(), target.type()  # `output` and `target` may be one variable, which has both gradients
        cost = softplus(-abs(x)) + x * ((x > 0) - y)
        op = above.OpFromGraph([x, y], [cost], grad_overrides=gradient, inline=True, name="sigmoid_binary_crossentropy")
    return op(output, target)


# ---------------------------------------------------------------- a column more
def _matrix(mat):
    mat = as_tensor_variable(mat)
    if mat.type.broadcastable != (False, False):
        raise TypeError("Expected a matrix as input")
    return mat


def _prepended(xp, value, mat):
    column = xp.full((mat.shape[0], 1), value, dtype=mat.dtype)
    return xp.concatenate([column, mat], axis=1)


class Prepend_scalar_constant_to_each_row(Op):
    """The matrix with a first column more, all `val`, a number; in its dtype. TypeError for other dimensions."""

    __props__ = ("_number",)
    vectorize_node = batch_rules.merged(0)

    def __init__(self, val=0):
        self.val = scal.constant(val) if isinstance(val, (int, float)) else val
        self._number = float(np.asarray(getattr(self.val, "data", self.val)))

    def __str__(self):
        return "%s{%s}" % (self.__class__.__name__, self.val)

    def make_node(self, mat):
        mat = _matrix(mat)
        return Apply(self, [mat], [mat.type()])

    def compute(self, xp, node, mat):
        return _prepended(xp, self._number, mat)

    def infer_shape(self, node, shapes):
        return [(shapes[0][0], shapes[0][1] + 1)]

    def grad(self, inputs, grads):
        return [grads[0][:, 1:]]


class Prepend_scalar_to_each_row(Op):
    """``op(val, mat)``: the matrix `mat` with a first column more, all `val`, in its dtype.

    `val` is a scalar variable or a float; TypeError for an int, and for other numbers of dimensions of `mat`.
    """

    __props__ = ()
    vectorize_node = batch_rules.merged(1)

    def make_node(self, val, mat):
        mat = _matrix(mat)
        if isinstance(val, float):
            val = scal.constant(val)
        if as_tensor_variable(val).ndim != 0:
            raise AssertionError("a scalar can be prepended, not a %s" % val.type)
        return Apply(self, [val, mat], [mat.type()])

    def compute(self, xp, node, val, mat):
        return _prepended(xp, val, mat)

    def infer_shape(self, node, shapes):
        return [(shapes[1][0], shapes[1][1] + 1)]

    def grad(self, inputs, grads):
        return [T.sum(grads[0][:, 0]), grads[0][:, 1:]]


prepend_scalar_to_each_row = Prepend_scalar_to_each_row()
prepend_0_to_each_row = Prepend_scalar_constant_to_each_row(0.0)
prepend_1_to_each_row = Prepend_scalar_constant_to_each_row(1.0)
