"""Indexing tensors: what ``x[...]``, `inc_subtensor`, `set_subtensor` and `take` build.

The Ops live in `subtensor_basic` (integers and slices) and `subtensor_advanced` (arrays and masks).
"""

import warnings

import numpy as np

from theanojax.config import config
from theanojax.graph.tracebacks import user_stacklevel
from theanojax.graph.variable import Variable
from theanojax.printing.pp import SubtensorPrinter
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.creation import alloc
from theanojax.tensor.elemwise import DimShuffle
from theanojax.tensor.indexing.slices import (
    AdvancedBooleanIndexingError,
    AdvancedIndexingError,
    SliceLength,
    get_canonical_form_slice,
    get_idx_list,
    is_full_slice,
    make_constant,
)
from theanojax.tensor.indexing.subtensor_advanced import (
    AdvancedBooleanIncSubtensor,
    AdvancedBooleanSubtensor,
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    BaseAdvancedIncSubtensor,
    BaseAdvancedSubtensor,
    adv_index_broadcastable_pattern,
    advanced_boolean_inc_subtensor,
    advanced_boolean_set_subtensor,
    advanced_boolean_subtensor,
    advanced_inc_subtensor,
    advanced_inc_subtensor1,
    advanced_set_subtensor,
    advanced_set_subtensor1,
    advanced_subtensor,
    advanced_subtensor1,
    as_index_variable,
    check_advanced_indexing_dimensions,
    check_and_reject_bool,
)
from theanojax.tensor.indexing.subtensor_basic import IncSubtensor, Subtensor, sum_grad_over_bcasted_dims
from theanojax.tensor.math import clip
from theanojax.tensor.shape import Reshape, addbroadcast
from theanojax.tensor.type import TensorType

_sum_grad_over_bcasted_dims = sum_grad_over_bcasted_dims

sparse_module_ref = None  # Theano kept the sparse module here once it was needed

__all__ = [
    "AdvancedBooleanIncSubtensor",
    "AdvancedBooleanIndexingError",
    "AdvancedBooleanSubtensor",
    "AdvancedIncSubtensor",
    "AdvancedIncSubtensor1",
    "AdvancedIndexingError",
    "AdvancedSubtensor",
    "AdvancedSubtensor1",
    "BaseAdvancedIncSubtensor",
    "BaseAdvancedSubtensor",
    "IncSubtensor",
    "SliceLength",
    "Subtensor",
    "adv_index_broadcastable_pattern",
    "advanced_boolean_inc_subtensor",
    "advanced_boolean_set_subtensor",
    "advanced_boolean_subtensor",
    "advanced_inc_subtensor",
    "advanced_inc_subtensor1",
    "advanced_set_subtensor",
    "advanced_set_subtensor1",
    "advanced_subtensor",
    "advanced_subtensor1",
    "as_index_variable",
    "check_advanced_indexing_dimensions",
    "check_and_reject_bool",
    "get_canonical_form_slice",
    "get_idx_list",
    "inc_subtensor",
    "make_constant",
    "set_subtensor",
    "take",
]


# ---------------------------------------------------------------------- x[...]
def getitem(var, args):
    """``var[args]``.

    Integers and slices of integers, symbolic or not, make a Subtensor; one array or list of integers among
    full slices an AdvancedSubtensor1; masks an AdvancedBooleanSubtensor; anything else an AdvancedSubtensor.

    Raises
    ------
    IndexError : too many indices, or two ellipses.
    TypeError : an index is a float, a Python bool or no index at all.
    """
    args = _without_ellipsis(var, _as_tuple(args))
    args = make_constant([_plain(a) for a in args])
    advanced = _advanced_places(args)
    if advanced is None:
        return advanced_boolean_subtensor(var, *args)
    if advanced:
        k = advanced[0]
        if (
            len(advanced) == 1
            and all(is_full_slice(a) for i, a in enumerate(args) if i != k)
            and (
                isinstance(args[k], (np.ndarray, list))
                or isinstance(args[k], Variable)
                and isinstance(args[k].type, TensorType)
            )
        ):
            return take(var, args[k], k)
        return advanced_subtensor(var, *args)
    if any(a is None for a in args):
        return _with_new_axes(var, args)
    return Subtensor(args)(var, *Subtensor.collapse(args, lambda entry: isinstance(entry, Variable)))


def _as_tuple(args):
    if isinstance(args, tuple):
        return args
    if isinstance(args, list) and any(isinstance(a, slice) for a in args):
        return tuple(args)
    return (args,)


def _has_bool(arg):
    if isinstance(arg, (np.bool_, bool)) or getattr(arg, "dtype", None) == "bool":
        return True
    if isinstance(arg, (Variable, str)) or getattr(arg, "ndim", 1) == 0 or not hasattr(arg, "__iter__"):
        return False
    return any(_has_bool(a) for a in arg)


def _without_ellipsis(var, args):
    """`args` with the ellipsis spelled out as full slices."""
    ellipses, count = [], 0
    for i, arg in enumerate(args):
        if arg is Ellipsis:
            ellipses.append(i)
        elif isinstance(arg, (np.ndarray, Variable)) and getattr(arg, "dtype", None) == "bool":
            count += arg.ndim
        elif arg is not None:
            # How numpy reads lists of bools and integers has changed over time; masks have to be arrays.
            if _has_bool(arg):
                raise TypeError(
                    "TensorType does not support Python bools for indexing, such as tensor[[True, False]]. "
                    "To use a boolean mask, convert the mask to a NumPy array first, e.g., "
                    "tensor[numpy.array([True, False])]."
                )
            count += 1
    if var.ndim < count:
        raise IndexError("too many indices for array")
    if len(ellipses) > 1:
        raise IndexError("an index can only have a single Ellipsis (`...`)")
    if ellipses:
        k = ellipses[0]
        args = args[:k] + (slice(None),) * (var.ndim - count) + args[k + 1 :]
    return args


def _plain(arg):
    """An index without surprises of numpy: an empty sequence holds integers, a 0-d array is an integer."""
    if isinstance(arg, (tuple, list)) and not arg or isinstance(arg, np.ndarray) and arg.size == 0:
        return np.array(arg, dtype=np.int64)
    if isinstance(arg, np.ndarray) and arg.ndim == 0 and arg.dtype.kind in "iu":
        return int(arg)
    return arg


def _advanced_places(args):
    """Positions of the indices that basic indexing does not take (two suffice); None if there is a mask."""
    found = []
    for i, arg in enumerate(args):
        if arg is None:
            continue
        try:
            Subtensor.convert(arg)
        except AdvancedIndexingError:
            found.append(i)
            if len(found) > 1:
                return found if not any(_is_mask(a) for a in args) else None
        except AdvancedBooleanIndexingError:
            return None
    return found


def _is_mask(arg):
    return isinstance(arg, (np.ndarray, Variable)) and getattr(arg, "dtype", None) == "bool"


def _with_new_axes(var, args):
    pattern, rest, dim = [], [], 0
    for arg in args:
        if arg is None:
            pattern.append("x")
            rest.append(slice(None))
        else:
            pattern.append(dim)
            rest.append(arg)
            dim += 1
    view = var.dimshuffle(pattern + list(range(dim, var.ndim)))
    return view if all(is_full_slice(a) for a in rest) else getitem(view, tuple(rest))


def take(a, indices, axis=None, mode="raise"):
    """The elements of the tensor `a` at `indices` along `axis`, an int, or of the flattened `a` when it is None.

    Parameters
    ----------
    indices : int or tensor of integers of any number of dimensions, which the result has in the place of `axis`.
    mode : what becomes of indices out of bounds: "raise" an IndexError, "clip" to the nearest (negative ones to 0), or
        "wrap" around.

    Raises
    ------
    TypeError : `indices` are no integers. IndexError : there is no such axis.
    """
    from theanojax.tensor.join import concatenate

    a, indices = as_tensor_variable(a), as_tensor_variable(indices)
    if axis is not None and axis < 0:
        axis += a.ndim
        if axis < 0:
            raise ValueError("axis %d is out of bounds for a tensor of %d dimensions" % (axis - a.ndim, a.ndim))
    if indices.ndim == 1:
        if axis is None:
            a, axis = a.flatten(), 0
        if mode == "clip":
            indices = clip(indices, 0, a.shape[axis] - 1)
        elif mode == "wrap":
            indices = indices % a.shape[axis]
        if axis == 0:
            return advanced_subtensor1(a, indices)
        order = list(range(a.ndim))
        order[0], order[axis] = axis, 0
        return advanced_subtensor1(a.dimshuffle(order), indices).dimshuffle(order)
    if axis is None:
        shape, ndim = indices.shape, indices.ndim
    else:
        parts = [indices.shape, a.shape[axis + 1 :]]
        shape = concatenate(parts if axis == 0 else [a.shape[:axis]] + parts)
        ndim = a.ndim + indices.ndim - 1
    return take(a, indices.flatten(), axis, mode).reshape(shape, ndim)


# ---------------------------------------------------------------------- writing
def set_subtensor(x, y, inplace=False, tolerate_inplace_aliasing=False):
    """The tensor that `x` was selected from, with `y` in the place of `x`.

    For numpy's ``a[1:3] = 5`` write ``b = set_subtensor(a[1:3], 5)``; `a` does not change. Parameters and errors are
    those of `inc_subtensor`.
    """
    return inc_subtensor(x, y, inplace, set_instead_of_inc=True, tolerate_inplace_aliasing=tolerate_inplace_aliasing)


def inc_subtensor(x, y, inplace=False, set_instead_of_inc=False, tolerate_inplace_aliasing=False):
    """The tensor that `x` was selected from, with `y` added to the selected part.

    For numpy's ``a[1:3] += 5`` write ``b = inc_subtensor(a[1:3], 5)``; `a` does not change. Unlike numpy's, it adds as
    often as an index is repeated.

    Parameters
    ----------
    x : the result of indexing (which may have been reshaped or had its dimensions shuffled since)
    y : the amount; broadcasts to the shape of `x`
    inplace : overwrite the tensor; the library does that itself where it is safe
    set_instead_of_inc : put `y` there instead of adding it
    tolerate_inplace_aliasing : allow `x` and `y` to be views of one array while working in place

    Returns
    -------
    A tensor of the type of the one that was indexed, whatever the dtype of `y`.

    Raises
    ------
    TypeError : `x` is no result of indexing, or `y` has more dimensions.
    ValueError : when run, the shape of `y` doesn't fit.
    """
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if y.ndim > x.ndim:
        raise TypeError(
            "Trying to increment a %d-dimensional subtensor with a %d-dimensional value." % (x.ndim, y.ndim)
        )
    offset = x.ndim - y.ndim
    for dim in range(y.ndim):
        if x.broadcastable[dim + offset] and not y.broadcastable[dim]:
            y = addbroadcast(y, dim)  # the length there must be 1, which is checked at run time
    if x.owner is None:
        raise TypeError("x must be the result of a subtensor operation")
    op, source, index = x.owner.op, x.owner.inputs[0], x.owner.inputs[1:]
    options = dict(inplace=inplace, set_instead_of_inc=set_instead_of_inc)
    if isinstance(op, Subtensor):
        tolerate = [[0, 1]] if tolerate_inplace_aliasing else []
        return IncSubtensor(op.idx_list, destroyhandler_tolerate_aliased=tolerate, **options)(source, y, *index)
    if isinstance(op, AdvancedSubtensor1):
        return AdvancedIncSubtensor1(**options)(source, y, *index)
    if isinstance(op, AdvancedSubtensor):
        return AdvancedIncSubtensor(**options)(source, y, *index)
    if isinstance(op, AdvancedBooleanSubtensor):
        return AdvancedBooleanIncSubtensor(**options)(source, y, *index)
    options["tolerate_inplace_aliasing"] = tolerate_inplace_aliasing
    if isinstance(op, DimShuffle):
        return _through_dimshuffle(x, y, source, offset, options)
    if isinstance(op, Reshape):
        return _through_reshape(x, y, source, options)
    raise TypeError("x must be the result of a subtensor operation")


_WAS_WRONG = (
    "Although your current code is fine, please note that earlier versions prior to 0.7 (or this "
    "development version) may have yielded an incorrect result in this `inc_subtensor` or `set_subtensor` "
    "operation. To remove this warning, you can either set the `warn.inc_set_subtensor1` config option to "
    '`False`, or `warn.ignore_bug_before` to at least "0.7".'
)


def _through_dimshuffle(x, y, source, offset, options):
    """``x[:, i]`` is rows of a transposed tensor, transposed back: write there, then transpose the whole back."""
    order = x.owner.op.new_order
    y_order = ["x"] * x.ndim
    for i, v in enumerate(order):
        if v != "x" and v - offset >= 0:
            y_order[v - offset] = i
    if config.warn.inc_set_subtensor1 and y_order != ["x"] * offset + list(range(y.ndim)):
        warnings.warn(_WAS_WRONG, stacklevel=user_stacklevel())
    return inc_subtensor(source, y.dimshuffle(y_order), **options).dimshuffle(order)


def _through_reshape(x, y, source, options):
    """An index array of more dimensions is flattened and the result reshaped: do the same to `y`."""
    if config.warn.inc_set_subtensor1 and source.ndim > 1 and sum(y.broadcastable) > 0:
        warnings.warn(_WAS_WRONG, stacklevel=user_stacklevel())
    if y.ndim > 0:
        y = alloc(y, *[x.shape[i] for i in range(x.ndim)]).reshape(source.shape)
    return inc_subtensor(source, y, **options)


def __getattr__(name):
    if name == "SubtensorPrinter":  # Theano's place for it; printing comes after tensors here
        return SubtensorPrinter
    raise AttributeError("module %r has no attribute %r" % (__name__, name))
