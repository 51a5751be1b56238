"""Index expressions: how they are stored in an Op, their canonical form, and the length of a symbolic slice.

An *index list* describes ``x[...]`` without its values: one entry a dimension, a Scalar type where an integer is
an input of the Op, a slice of such types and None otherwise. The integers themselves are the Op's inputs, in
the order in which they are met.
"""

import sys

import numpy as np

from theanojax import scalar as scal
from theanojax.errors import NotScalarConstantError
from theanojax.graph.op import Op
from theanojax.graph.type import Type
from theanojax.graph.variable import Apply, Constant, Variable
from theanojax.tensor.as_tensor import as_tensor_variable, extract_constant, get_scalar_constant_value
from theanojax.tensor.elemwise import DimShuffle, Elemwise
from theanojax.tensor.math import ge, lt, sgn, switch
from theanojax.tensor.op_methods import scalar_shape
from theanojax.tensor.shape import ScalarFromTensor, TensorFromScalar
from theanojax.tensor.type import TensorType

BAD_INDEX = "Invalid index type or slice for Subtensor"

_INDEX_DTYPES = ("int64", "int32", "int16", "int8")
_NO_INDEX_DTYPES = ("float16", "float32", "float64", "complex64", "complex128")


class AdvancedIndexingError(TypeError):
    """An index is none of the integers and slices of integers that basic indexing takes.

    See docs/errors.md#advancedindexingerror.
    """


class AdvancedBooleanIndexingError(TypeError):
    """An index is a boolean mask. See docs/errors.md#advancedbooleanindexingerror."""


# ---------------------------------------------------------------------- index lists
def make_constant(args):
    """The index tuple `args` with Python and numpy integers, also inside slices, as scalar constants."""

    def convert(a):
        if isinstance(a, slice):
            return slice(convert(a.start), convert(a.stop), convert(a.step))
        if isinstance(a, (int, np.integer)):
            return scal.ScalarConstant(scal.int64, a)
        return a

    return tuple([convert(a) for a in args])


def index_type(entry, slice_ok=True):
    """What an index list stores for the index `entry`: a Scalar type, or a slice of Scalar types and None.

    Raises
    ------
    AdvancedBooleanIndexingError : `entry` is a mask.
    AdvancedIndexingError : `entry` is an array, a list, ... or a scalar of an unsigned dtype.
    TypeError : `entry` is a float or complex scalar.
    """
    if isinstance(entry, (np.ndarray, Variable)) and getattr(entry, "dtype", None) == "bool":
        raise AdvancedBooleanIndexingError(BAD_INDEX, entry)
    type_ = entry.type if isinstance(entry, Variable) else entry
    if isinstance(type_, Type) and (
        isinstance(type_, scal.Scalar) or isinstance(type_, TensorType) and type_.ndim == 0
    ):
        if type_.dtype in _INDEX_DTYPES:
            return type_ if isinstance(type_, scal.Scalar) else scal.get_scalar_type(type_.dtype)
        if type_.dtype in _NO_INDEX_DTYPES and isinstance(entry, Variable):
            raise TypeError("Expected an integer")
    elif slice_ok and isinstance(entry, slice):
        # A stop of sys.maxsize is how Python 2 spelled "to the end".
        stop = None if type(entry.stop) is int and entry.stop == sys.maxsize else entry.stop
        return slice(*[None if b is None else index_type(b, False) for b in (entry.start, stop, entry.step)])
    elif isinstance(entry, (int, np.integer)):
        raise TypeError("Python scalar in idx_list. Make it a constant of a Scalar type first.")
    raise AdvancedIndexingError(BAD_INDEX, entry)


def collapse(idxs, cond):
    """The entries of `idxs`, and of the slices in it, for which `cond` holds, in order."""
    found = []
    for entry in idxs:
        if cond(entry):
            found.append(entry)
        elif isinstance(entry, slice):
            found.extend(collapse((entry.start, entry.stop, entry.step), cond))
    return found


def get_idx_list(inputs, idx_list, get_count=False):
    """The index tuple that the index list `idx_list` stands for, its types replaced by ``inputs[1:]`` in order.

    With `get_count` the number of inputs that this takes is returned instead.
    """
    if len(inputs) == 1 and not get_count:
        return tuple(idx_list)
    values = iter(inputs[1:])
    count = 0

    def fill(entry):
        nonlocal count
        if isinstance(entry, Type):
            count += 1
            return next(values)
        if isinstance(entry, slice):
            return slice(fill(entry.start), fill(entry.stop), fill(entry.step))
        return entry

    index = tuple([fill(entry) for entry in idx_list])
    return count if get_count else index


def idx_key(idx_list):
    """An index list as a hashable tuple (slices hash only since Python 3.12)."""
    return tuple([(e.start, e.stop, e.step) if isinstance(e, slice) else e for e in idx_list])


def idx_text(idx_list):
    """An index list as it is printed in the name of an Op."""
    return ", ".join([str_from_slice(e) if isinstance(e, slice) else str(e) for e in idx_list])


def str_from_slice(entry):
    return ":".join(["" if b is None else str(b) for b in (entry.start, entry.stop, entry.step)])


def is_full_slice(entry):
    """Whether an index selects all of a dimension by being ``:``."""
    return isinstance(entry, slice) and entry.start is None and entry.stop is None and entry.step is None


# ---------------------------------------------------------------------- canonical form
def get_canonical_form_slice(theslice, length):
    """`theslice` of a dimension of (symbolic) `length` with all the conventions of Python resolved.

    Returns
    -------
    (slice, direction) : the slice has ``0 <= start <= stop <= length`` and ``step > 0``; the selected elements
        have to be reversed when `direction` is -1. For an integer index, (the index counted from 0, 1).
    """
    if not isinstance(theslice, slice):
        value = extract_constant(theslice)
        return switch(lt(value, 0), value + length, value), 1
    start, start_known = _value_of(theslice.start)
    stop, stop_known = _value_of(theslice.stop)
    step, step_known = _value_of(theslice.step)
    length, length_known = _value_of(length)
    if step is None:
        step, step_known = 1, True
    if step_known and step == 1:
        bounds = _canonical_unit(start, start_known, stop, stop_known, length, length_known)
        if bounds is not None:
            return slice(bounds[0], bounds[1], 1), 1
    return _canonical_general(start, stop, step, step_known, length)


def _value_of(x):
    """(the constant that `x` is, True), or (`x`, False)."""
    try:
        return get_scalar_constant_value(x), True
    except NotScalarConstantError:
        return extract_constant(x), False


def _clip_to(bound, length):
    """A bound counted from either end as one in ``0 .. length``."""
    from_end = bound + length
    return switch(lt(bound, 0), switch(lt(from_end, 0), 0, from_end), switch(lt(bound, length), bound, length))


def _canonical_unit(start, start_known, stop, stop_known, length, length_known):
    """The bounds of a slice of step 1 that reaches an end of the dimension, as small graphs; else None."""
    from_start = start is None or (start_known and start == 0)
    if start_known and length_known and start is not None and start < 0 and start + length <= 0:
        from_start = True
    to_end = stop is None or stop is length or (stop_known and stop == sys.maxsize)
    if stop_known and length_known and stop is not None and stop >= length:
        to_end = True
    if from_start:
        if to_end:
            return 0, length
        if stop_known and stop >= 0:
            return 0, switch(lt(stop, length), stop, length)
        return 0, _clip_to(stop, length)
    if to_end:
        if start_known and start >= 0:
            return switch(lt(start, length), start, length), length
        return _clip_to(start, length), length
    return None


def _canonical_general(start, stop, step, step_known, length):
    if step_known:
        if step == 0:
            raise ValueError("slice step cannot be zero")
        negative = step < 0
        size, direction = (-step, -1) if negative else (step, 1)

        def pick(if_negative, if_positive):
            return if_negative if negative else if_positive
    else:
        is_negative = lt(step, 0)
        size, direction = abs(step), sgn(step)

        def pick(if_negative, if_positive):
            return switch(is_negative, if_negative, if_positive)

    def bounded(at, before, behind):
        """`at` counted from the front; `before` where that is below the dimension, `behind` beyond it."""
        at = switch(lt(at, 0), at + length, at)
        at = switch(lt(at, 0), before, at)
        return switch(ge(at, length), behind, at)

    start = pick(length - 1, 0) if start is None else bounded(start, pick(-1, 0), pick(length - 1, length))
    if stop is None or (type(stop) is int and stop == sys.maxsize):
        stop = pick(-1, length)
    else:
        stop = bounded(stop, -1, length)

    # A slice that runs down covers, from its lowest element up to `top`, the same places in reverse.
    top = pick(start + 1, stop)
    count = (start - stop - 1) // size + 1
    count = switch(lt(count, 0), 0, count)
    lowest = top - (count - 1) * size - 1
    lowest = switch(lt(lowest, 0), top - 1, lowest)
    first = pick(lowest, start)
    first = switch(lt(first, 0), 0, first)
    top = switch(lt(top, 0), 0, top)
    first = switch(lt(first, top), first, top)
    return slice(first, top, size), direction


# ---------------------------------------------------------------------- lengths of slices
class SliceLength(Op):
    """How many elements ``start:stop:step`` selects of a dimension, the last input.

    `given` tells which of the three bounds are inputs; the others are None.
    """

    __props__ = ("given",)
    cheap_on_host = True

    def __init__(self, given):
        self.given = tuple([bool(g) for g in given])

    def make_node(self, *inputs):
        return Apply(self, list(inputs), [TensorType("int64", ())()])

    infer_shape = scalar_shape

    def bounds(self, values):
        rest = iter(values)
        return [next(rest) if g else None for g in self.given]

    def plain_value(self, *numbers):
        """The length for Python integers; the shape program calls it before each call of a function."""
        start, stop, step = self.bounds(numbers[:-1])
        # A step of 0 is the slicing Op's to complain about.
        return 0 if step == 0 else len(range(*slice(start, stop, step).indices(numbers[-1])))

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = np.asarray(self.plain_value(*[int(v) for v in inputs]), dtype="int64")

    def compute(self, xp, node, *inputs):
        dim = xp.astype(inputs[-1], "int64")
        start, stop, step = [None if b is None else xp.astype(b, "int64") for b in self.bounds(inputs[:-1])]
        if step is None:
            step = np.int64(1)
        down = step < 0
        least, most = xp.where(down, -1, 0), xp.where(down, dim - 1, dim)

        def clip(bound):
            return xp.minimum(xp.maximum(xp.where(bound < 0, bound + dim, bound), least), most)

        start = xp.where(down, dim - 1, 0) if start is None else clip(start)
        stop = xp.where(down, -1, dim) if stop is None else clip(stop)
        span, size = xp.where(down, start - stop, stop - start), xp.maximum(xp.abs(step), 1)
        return xp.astype(xp.maximum((span + size - 1) // size, 0), "int64")


def slice_length(bounds, dim):
    """The symbolic length of a slice with the variables (or None) `bounds` of a dimension `dim`."""
    return SliceLength([b is not None for b in bounds])(*[b for b in bounds if b is not None], as_tensor_variable(dim))


def linear_form(v):
    """An integer expression as {variable: coefficient}, the constant part under the key None.

    Overflow is ignored: who uses the result checks it at run time.
    """
    if isinstance(v, Constant):
        return {None: int(np.asarray(v.data))} if np.size(v.data) == 1 else {v: 1}
    node = v.owner
    if node is None:
        return {v: 1}
    op = node.op
    if isinstance(op, (ScalarFromTensor, TensorFromScalar)):
        return linear_form(node.inputs[0])
    if isinstance(op, DimShuffle) and not op.input_broadcastable:
        return linear_form(node.inputs[0])
    op = op.scalar_op if isinstance(op, Elemwise) else op
    if isinstance(op, (scal.Identity, scal.Cast)) and node.inputs[0].dtype in _INDEX_DTYPES:
        return linear_form(node.inputs[0])
    if isinstance(op, scal.Neg):
        return _scaled(linear_form(node.inputs[0]), -1)
    if isinstance(op, scal.Sub):
        return _added(linear_form(node.inputs[0]), _scaled(linear_form(node.inputs[1]), -1))
    if isinstance(op, scal.Add):
        total = {}
        for u in node.inputs:
            total = _added(total, linear_form(u))
        return total
    if isinstance(op, scal.Mul):
        product = {None: 1}
        for form in map(linear_form, node.inputs):
            if set(form) <= {None}:
                product = _scaled(product, form.get(None, 0))
            elif set(product) <= {None}:
                product = _scaled(form, product.get(None, 0))
            else:
                return {v: 1}
        return product
    return {v: 1}


def _scaled(form, factor):
    return {k: c * factor for k, c in form.items() if c * factor}


def _added(a, b):
    total = dict(a)
    for k, c in b.items():
        total[k] = total.get(k, 0) + c
    return {k: c for k, c in total.items() if c}
