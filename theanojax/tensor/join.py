"""Joining tensors and splitting them."""

import warnings

import numpy as np

from theanojax.config import config
from theanojax.errors import NotScalarConstantError
from theanojax.graph.gradient_types import DisconnectedType, grad_undefined
from theanojax.graph.op import Op
from theanojax.graph.tracebacks import user_stacklevel
from theanojax.graph.variable import Apply, Variable
from theanojax.scalar.types import upcast
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable, constant, get_scalar_constant_value
from theanojax.tensor.assert_op import assert_
from theanojax.tensor.constructors import int_types, int_vector_types
from theanojax.tensor.creation import alloc
from theanojax.tensor.dims import shape_padaxis
from theanojax.tensor.math import eq, ge, switch
from theanojax.tensor.op_methods import linear_in
from theanojax.tensor.shape import MakeVector, patternbroadcast, shape
from theanojax.tensor.type import TensorType, discrete_dtypes
from theanojax.tensor.var import TensorVariable


class Join(Op):
    """``Join()(axis, *tensors)``: the tensors side by side along `axis`, an integer or a symbolic one.

    All lengths but those along `axis` have to agree; ValueError when the graph runs otherwise. With `view` not
    -1, the result may be tensor number `view` itself when all others are empty.
    """

    __props__ = ("view",)
    cheap_on_host = True
    static_inputs = (0,)
    vectorize_node = batch_rules.join

    def __init__(self, view=-1):
        self.view = view
        if view != -1:
            self.view_map = {0: [1 + view]}

    def __str__(self):
        return type(self).__name__ if self.view == -1 else "%s{view=%r}" % (type(self).__name__, self.view)

    def __setstate__(self, d):
        self.__dict__.update(d)
        self.__dict__.setdefault("view", -1)

    def make_node(self, *axis_and_tensors):
        axis, *tensors = axis_and_tensors
        if not tensors:
            raise ValueError("Cannot join an empty list of tensors")
        tensors = [as_tensor_variable(t) for t in tensors]
        return self._make_node_internal(
            axis, tensors, tensors, lambda flags: TensorType(upcast(*[t.dtype for t in tensors]), flags)()
        )

    def _make_node_internal(self, axis, tensors, as_tensor_variable_args, output_maker):
        tensors = as_tensor_variable_args
        if any(t.type.ndim == 0 for t in tensors):
            raise TypeError("Join cannot handle arguments of dimension 0. For joining scalar values, see @stack")
        ndim = tensors[0].ndim
        if len(tensors) == 1:
            flags = list(tensors[0].type.broadcastable)
        else:
            flags = [False] * ndim
            known = _constant_axis(axis)
            if known is not None:
                axis = self._checked_axis(known, ndim)
                if axis >= ndim:
                    raise ValueError('Join argument "axis" is out of range (given input dimensions)')
                # A length that is 1 in one tensor has to be 1 in all.
                flags = [i != axis and any(i < t.ndim and t.broadcastable[i] for t in tensors) for i in range(ndim)]
        if any(t.ndim != ndim for t in tensors):
            raise TypeError("Join() can only join tensors with the same number of dimensions.")
        axis = as_tensor_variable(axis)
        if axis.type not in int_types:
            raise TypeError("Axis could not be cast to an integer type", axis, axis.type, int_types)
        return Apply(self, [axis] + tensors, [output_maker(flags)])

    @staticmethod
    def _checked_axis(axis, ndim):
        """`axis`, counted from the front."""
        if axis < -ndim:
            raise IndexError("Join axis %d out of bounds [0, %d)" % (axis, ndim))
        return axis + ndim if axis < 0 else axis

    def of_lengths(self, node, lengths):
        _, *vectors = lengths
        return [n for vector in vectors for n in vector]

    def compute(self, xp, node, axis, *tensors):
        axis = self._checked_axis(int(axis), tensors[0].ndim)
        self._check_lengths(axis, tensors)
        dtype = node.outputs[0].dtype
        return xp.concatenate([xp.astype(t, dtype) for t in tensors], axis=axis)

    @staticmethod
    def _check_lengths(axis, tensors):
        first = tensors[0].shape
        for k, t in enumerate(tensors):
            for dim, (a, b) in enumerate(zip(first, t.shape)):
                if a != b and dim != axis:
                    raise ValueError(
                        "all the input array dimensions for the concatenation axis must match exactly, "
                        "but along dimension %d, the array at index 0 has size %d and the array at index "
                        "%d has size %d" % (dim, a, k, b)
                    )

    def infer_shape(self, node, ishapes):
        axis, shapes = node.inputs[0], ishapes[1:]
        ndim = len(shapes[0])
        axis = switch(ge(axis, 0), axis, axis + ndim)
        lengths = []
        for dim in range(ndim):
            total = shapes[0][dim]
            for s in shapes[1:]:
                total = total + s[dim]
            lengths.append(switch(eq(dim, axis), total, shapes[0][dim]))
        return [tuple(lengths)]

    def grad(self, axis_and_tensors, grads):
        (gz,), axis, tensors = grads, axis_and_tensors[0], axis_and_tensors[1:]
        out = [grad_undefined(self, 0, axis)]
        if upcast(*[t.dtype for t in tensors]) in discrete_dtypes:
            return out + [t.zeros_like(dtype=config.floatX) for t in tensors]
        parts = Split(len(tensors))(gz, axis, stack([shape(t)[axis] for t in tensors]), return_list=True)
        return out + [patternbroadcast(g, t.broadcastable) for t, g in zip(tensors, parts)]

    R_op = linear_in(1)


def _constant_axis(axis):
    if isinstance(axis, (int, np.integer)):
        return axis
    try:
        return int(get_scalar_constant_value(axis))
    except NotScalarConstantError:
        return None  # it may differ from call to call


join_ = Join()


def join(axis, *tensors_list):
    """The tensors of `tensors_list` side by side along `axis`.

    Parameters
    ----------
    axis : int or integer scalar; negative ones count from the end.
    tensors_list : tensors of the same number of dimensions, at least one. A single one is returned as it is.

    Returns
    -------
    A tensor of the dtype that all are upcast to. A dimension (but `axis`) that is broadcastable in one is so in it.

    Raises
    ------
    ValueError : there is no tensor, or no such axis; when run, lengths beside `axis` differ.
    IndexError : a negative axis is out of range.
    TypeError : the numbers of dimensions differ, or are 0 (see `stack`).
    """
    if len(tensors_list) == 1:
        return tensors_list[0]
    return join_(axis, *tensors_list)


class Split(Op):
    """``Split(n)(x, axis, lengths)``: `x` cut along `axis` into `n` tensors of the given lengths.

    Raises (when run)
    -----------------
    ValueError : the lengths are not `n`, or negative, or do not add up to that of `x`.
    """

    __props__ = ("len_splits",)
    static_inputs = (1, 2)
    len_splits = None
    vectorize_node = batch_rules.split

    def __init__(self, len_splits):
        self.len_splits = int(len_splits)

    def __str__(self):
        return "%s{%s}" % (type(self).__name__, self.len_splits)

    def make_node(self, x, axis, splits):
        x, axis, splits = as_tensor_variable(x), as_tensor_variable(axis), as_tensor_variable(splits)
        if splits.type not in int_vector_types:
            raise TypeError("splits must have type tensor.lvector", splits.type)
        if axis.type not in int_types:
            raise TypeError("axis must have type lscalar", axis.type)
        return Apply(self, [x, axis, splits], [x.type() for _ in range(self.len_splits)])

    def compute(self, xp, node, x, axis, splits):
        axis, splits = int(axis), [int(s) for s in splits]
        if len(splits) != self.len_splits:
            raise ValueError("Split: splits count (%d) != expected count (%d)." % (len(splits), self.len_splits))
        if not -x.ndim <= axis < x.ndim:
            raise IndexError("Split: invalid axis %d for a %d-D array." % (axis, x.ndim))
        if any(s < 0 for s in splits):
            raise ValueError(
                "Split: you try to take a negative number (%d) of elements." % next(s for s in splits if s < 0)
            )
        if sum(splits) != x.shape[axis]:
            raise ValueError("Split: the splits sums to %d, expected %d." % (sum(splits), x.shape[axis]))
        before = (slice(None),) * (axis % x.ndim)
        ends = np.cumsum(splits)
        return tuple([x[before + (slice(int(end) - n, int(end)),)] for n, end in zip(splits, ends)])

    def infer_shape(self, node, in_shapes):
        axis, splits = node.inputs[1], node.inputs[2]
        place = constant(np.arange(len(in_shapes[0])))[axis]  # counted from the front; IndexError if there is none
        return [
            [switch(eq(place, j), splits[i], length) for j, length in enumerate(in_shapes[0])]
            for i in range(self.len_splits)
        ]

    def grad(self, inputs, g_outputs):
        x, axis, n = inputs
        others = [grad_undefined(self, 1, axis), grad_undefined(self, 2, n)]
        outputs = self(*inputs, return_list=True)
        if all(isinstance(g.type, DisconnectedType) for g in g_outputs):
            return [DisconnectedType()()] + others
        parts = [o.zeros_like() if isinstance(g.type, DisconnectedType) else g for o, g in zip(outputs, g_outputs)]
        return [join(axis, *parts)] + others

    def R_op(self, inputs, eval_points):
        if eval_points[0] is None:
            return [None] * self.len_splits
        return self(eval_points[0], *inputs[1:], return_list=True)


def split(x, splits_size, n_splits, axis=0):
    """The parts of `x` along `axis` that have the given lengths; `join` puts them together again.

    Parameters
    ----------
    x : tensor
    splits_size : vector of integers, the lengths; they add up to that of `x`.
    n_splits : int, the length of that vector.
    axis : int or integer scalar

    Returns
    -------
    A list of `n_splits` tensors of the type of `x`.

    Raises
    ------
    TypeError : `splits_size` is no integer vector, or `axis` no integer scalar.
    ValueError : when run, the lengths are negative, or don't fit `n_splits` or `x`. IndexError : there is no such axis.
    """
    return Split(n_splits)(x, axis, splits_size)


def concatenate(tensor_list, axis=0):
    """The tensors of `tensor_list`, a list or tuple, side by side along `axis`; `join` with its arguments turned round.

    TypeError for anything but a list or tuple; the other errors are those of `join`.
    """
    if isinstance(tensor_list, (tuple, list)):
        return join(axis, *tensor_list)
    raise TypeError(
        "The 'tensors' argument must be either a tuple or a list, make sure you did not forget () or [] "
        "around arguments of concatenate.",
        tensor_list,
    )


def stack(*tensors, **kwargs):
    """``stack(tensors, axis=0)``: tensors of one shape as the slices of a new dimension, which becomes number `axis`.

    Parameters
    ----------
    tensors : list or tuple of tensors or numbers, or a tensor (its rows). The result has the dtype that all are upcast
        to and one dimension more; scalars make a vector.
    axis : int

    The older form ``stack(*tensors)`` is deprecated.

    Raises
    ------
    Exception : there is no tensor.
    IndexError : `axis` is out of range.
    TypeError : the numbers of dimensions differ. ValueError : when run, the shapes differ.
    """
    if not tensors and not kwargs:
        raise Exception("theano.tensor.stack(tensors, axis) must have at least one parameter")
    axis = kwargs.get("axis", 0)
    if "tensors" in kwargs:
        tensors = kwargs["tensors"]
    elif kwargs or isinstance(tensors[0], (list, tuple)):
        if len(tensors) == 2:
            axis = tensors[1]
        tensors = tensors[0]
    else:
        warnings.warn(
            "stack(*tensors) interface is deprecated, use stack(tensors, axis=0) instead.",
            DeprecationWarning,
            stacklevel=user_stacklevel(),
        )
    if len(tensors) == 0:
        raise Exception(
            "tensors is empty. You should at least provide one tensor to theano.tensor.stack(tensors, axis)."
        )
    if all(_is_scalar(t) for t in tensors):
        tensors = [as_tensor_variable(t) for t in tensors]
        return MakeVector(upcast(*[t.dtype for t in tensors]))(*tensors)
    return join(axis, *[shape_padaxis(t, axis) for t in tensors])


def _is_scalar(t):
    return isinstance(t, (np.number, float, int, complex)) or (
        isinstance(t, Variable) and isinstance(t.type, TensorType) and t.ndim == 0
    )


def stacklists(arg):
    """Nested lists of tensors as one tensor: each list in `arg` is stacked, its levels being the first dimensions.

    ``stacklists([[a, b], [c, d]])`` of scalars is a matrix. Lists of one level need equal lengths. A variable is
    returned as it is. TypeError and Exception as for `stack`.
    """
    if isinstance(arg, (tuple, list)):
        return stack([stacklists(a) for a in arg])
    return arg


def _check_matrices(args):
    if len(args) < 2 or any(a.type.ndim != 2 for a in args):
        raise AssertionError("at least two matrices are needed, got %s" % [str(a.type) for a in args])


def horizontal_stack(*args):
    """Two or more matrix variables `args` side by side; AssertionError for fewer, or other numbers of dimensions."""
    _check_matrices(args)
    return concatenate(args, axis=1)


def vertical_stack(*args):
    """Two or more matrix variables `args`, one below the other; AssertionError as for `horizontal_stack`."""
    _check_matrices(args)
    return concatenate(args, axis=0)


def roll(x, shift, axis=None):
    """The elements of `x` moved by `shift` places along `axis`, those that leave coming in on the other side.

    Parameters
    ----------
    x : tensor variable
    shift : int or integer scalar; negative to move towards the front.
    axis : int, or None to roll the flattened tensor, which keeps its shape.

    Raises
    ------
    IndexError : there is no such axis. ZeroDivisionError : when run, that axis has the length 0.
    """
    if axis is None:
        if x.ndim > 1:
            return roll(x.flatten(), shift, axis=0).reshape(x.shape)
        axis = 0
    axis = axis + x.ndim if axis < 0 else axis
    shift = shift % x.shape[axis]
    before, after = (slice(None),) * axis, (slice(None),) * (x.ndim - axis - 1)
    return join(axis, x[before + (slice(-shift, None),) + after], x[before + (slice(0, -shift),) + after])


class Tile(Op):
    """`x` repeated ``reps[i]`` times along dimension i. Deprecated: use ``tile``."""

    __props__ = ("ndim",)
    static_inputs = (1,)
    vectorize_node = batch_rules.tile

    def __init__(self, ndim):
        self.ndim = ndim

    def __str__(self):
        return "%s{ndim=%d}" % (type(self).__name__, self.ndim)

    def make_node(self, x, reps):
        warnings.warn("Tile op is deprecated, use tile function instead.", stacklevel=3)
        x, reps = as_tensor_variable(x), as_tensor_variable(reps)
        return Apply(self, [x, reps], [TensorType(x.type.dtype, [False] * self.ndim)()])

    def compute(self, xp, node, x, reps):
        out = xp.tile(x, tuple([int(r) for r in reps]))
        if out.ndim != self.ndim:
            raise ValueError("Tile.perform produced incorrect number of dimensions")
        return out

    def infer_shape(self, node, in_shapes):
        lengths = as_tensor_variable(list(in_shapes[0])) * node.inputs[1]
        return [[lengths[i] for i in range(self.ndim)]]

    def grad(self, inp, grads):
        raise NotImplementedError("the gradient of the deprecated Tile; use theano.tensor.tile")


def tile(x, reps, ndim=None):
    """The tensor `x` repeated along each dimension as often as `reps` says.

    Parameters
    ----------
    x : tensor variable
    reps : int, integer scalar, list of these, or integer vector. Missing ones count as 1, on the left; so do missing
        dimensions of `x`.
    ndim : int, number of dimensions of the result; needed when `reps` is a symbolic vector.

    Returns
    -------
    A tensor of the dtype of `x`; its number of dimensions is `ndim`, or the larger of ``len(reps)`` and ``x.ndim``.

    Raises
    ------
    ValueError : `reps` is not made of integers, or `ndim` is missing or less than it or ``x.ndim``.
    """
    if ndim is not None and ndim < x.ndim:
        raise ValueError("ndim should be equal or larger than x.ndim")
    if isinstance(reps, (list, tuple)):
        if ndim is not None and len(reps) > ndim:
            raise ValueError("len(reps) should be equal or less than ndim")
        if not all(
            isinstance(r, (int, np.integer)) or (isinstance(r, TensorVariable) and r.dtype in discrete_dtypes)
            for r in reps
        ):
            raise ValueError("elements of reps must be scalars of integer dtype")
        reps = list(reps)
    else:
        reps = _reps_of_variable(reps, ndim)
    if ndim is None:
        ndim = max(len(reps), x.ndim)
    reps = [1] * (ndim - len(reps)) + reps
    lengths = [1] * (ndim - x.ndim) + [x.shape[i] for i in range(x.ndim)]
    copies = alloc(x, *reps, *lengths)
    order = np.arange(ndim * 2).reshape(2, ndim).T.flatten()
    return copies.dimshuffle(*order).reshape([n * r for n, r in zip(lengths, reps)])


def _reps_of_variable(reps, ndim):
    as_tensor = as_tensor_variable(reps)
    if as_tensor.dtype not in discrete_dtypes:
        raise ValueError("elements of reps must be integer dtype")
    if as_tensor.ndim == 0:
        return [reps]
    if as_tensor.ndim > 1:
        raise ValueError("the dimension of reps should not exceed 1")
    if ndim is None:
        raise ValueError("if reps is tensor.vector, you should specify the ndim")
    offset = ndim - as_tensor.shape[0]
    offset = assert_(offset, ge(offset, 0))
    return [switch(i < offset, 1, as_tensor[i - offset]) for i in range(ndim)]


class Default(Op):
    """``default(x, value)``: `x`, or the default when the value of `x` is None. TypeError unless both have one type."""

    __props__ = ()
    view_map = {0: [0]}

    def make_node(self, x, default):
        x, default = (as_tensor_variable(v) for v in (x, default))
        if x.type != default.type:
            raise TypeError("Both default() arguments must have same type", x, default)
        return Apply(self, [x, default], [default.type()])

    def perform(self, node, inputs, output_storage, params=None):
        x, default = inputs
        output_storage[0][0] = default.copy() if x is None else x


default = Default()
setdefault = default


__all__ = [
    "Join",
    "join_",
    "join",
    "Split",
    "split",
    "concatenate",
    "stack",
    "stacklists",
    "horizontal_stack",
    "vertical_stack",
    "roll",
    "Tile",
    "tile",
    "Default",
    "default",
    "setdefault",
]
