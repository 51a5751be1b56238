"""Advanced indexing: by arrays of integers and by boolean masks, mixed with slices and None."""

import numpy as np

from theanojax.config import config
from theanojax.errors import ShapeError
from theanojax.graph import above
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply, Constant, Variable
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.indexing import batch_rules
from theanojax.tensor.indexing.gather import (
    Selection,
    covered,
    gather_rows,
    index_bounds,
    is_mask,
    lone_mask,
    masked_write,
    scatter_rows,
)
from theanojax.tensor.indexing.subtensor_basic import disconnected, gradients_of_write
from theanojax.tensor.indexing.windows import slice_needs
from theanojax.tensor.op_methods import InplaceOp, first_connected, linear_in, shaped_like
from theanojax.tensor.type import TensorType, complex_dtypes, discrete_dtypes, integer_dtypes
from theanojax.tensor.type_other import NoneConst, NoneTypeT, SliceType, make_slice


# ---------------------------------------------------------------------- index arguments
def as_index_variable(idx):
    """The advanced index `idx` (None, slice, array, list, variable) as a variable; TypeError for float arrays."""
    if isinstance(idx, slice):
        return make_slice(idx)
    if isinstance(idx, Variable) and isinstance(idx.type, (SliceType, NoneTypeT)):
        return idx
    if idx is None:
        return NoneConst.clone()
    idx = as_tensor_variable(idx)
    if idx.type.dtype not in discrete_dtypes:
        raise TypeError("index must be integers or a boolean mask")
    return idx


def adv_index_broadcastable_pattern(a, idx):
    """The broadcast pattern of ``a[idx]``, found by indexing a small array of that pattern.

    Arrays of integers count as having no broadcastable dimension, and so does what a mask selects: how many elements
    these are is not known, even where it covers a single one.
    """
    lengths, samples = [1 if b else 2 for b in a.broadcastable], []
    for v in idx:
        if isinstance(v, Apply):
            v = v.default_output()
        if NoneConst.equals(v):
            samples.append(None)
        elif isinstance(v.type, SliceType):
            samples.append(slice(None))
        elif v.dtype == "bool":
            if v.ndim == 0:  # selects from a dimension of its own
                lengths.insert(sum(s is not None for s in samples), 2)
            # as the integer arrays that tell where it is True
            samples.extend([np.zeros(2, int)] * max(v.ndim, 1))
        else:
            samples.append(np.zeros((2,) * v.ndim, int))
    return tuple([d == 1 for d in np.empty(lengths)[tuple(samples)].shape])


def check_advanced_indexing_dimensions(input, idx_list):
    """IndexError unless each boolean mask in `idx_list` has the lengths of the dimensions of `input` that it covers."""
    dim = 0
    for index in idx_list:
        if index is None:
            continue
        if getattr(index, "dtype", None) == "bool":
            for i, length in enumerate(index.shape):
                if length != input.shape[dim + i]:
                    raise IndexError(
                        "boolean index did not match indexed array along dimension %d; dimension is %d "
                        "but corresponding boolean dimension is %d" % (dim + i, input.shape[dim + i], length)
                    )
            dim += index.ndim
        else:
            dim += 1


def check_and_reject_bool(args_el):
    """TypeError if the index `args_el` is, or contains, a boolean."""
    if isinstance(args_el, (np.bool_, bool)) or getattr(args_el, "dtype", None) == "bool":
        raise TypeError(
            "AdvancedSubtensor does not support boolean masks for indexing. Use AdvancedBooleanSubtensor instead. "
        )
    if not isinstance(args_el, (Variable, str)) and hasattr(args_el, "__iter__"):
        for el in args_el:
            check_and_reject_bool(el)


def check_row_index(x, ilist):
    """The inputs of an Op that indexes the first dimension by a vector, as variables."""
    ilist = as_tensor_variable(ilist)
    if ilist.type.dtype not in integer_dtypes:
        raise TypeError("index must be integers")
    if ilist.type.ndim != 1:
        raise TypeError("index must be vector")
    if x.type.ndim == 0:
        raise TypeError("cannot index into a scalar")
    return ilist


def machine_index(i):
    """An index array in the dtype that numpy indexes with; IndexError for values that do not fit."""
    if i.dtype == np.intp:
        return i
    converted = i.astype(np.intp)
    if not np.can_cast(i.dtype, np.intp) and np.any(converted < 0):
        raise IndexError("index contains values that are bigger than the maximum array size on this system.", i)
    return converted


def zeros_for_grad(x):
    """What the gradient for the indexed tensor `x` is added into."""
    if x.dtype in complex_dtypes:
        raise NotImplementedError("No support for complex grad yet")
    return x.zeros_like(dtype=config.floatX) if x.dtype in discrete_dtypes else x.zeros_like()


# ---------------------------------------------------------------------- rows by a vector
class AdvancedSubtensor1(Op):
    """``x[ilist]`` for a vector of integers: a copy of rows of `x`.

    With `sparse_grad` its gradient is a sparse matrix (`x` must be a matrix then).

    Raises
    ------
    TypeError : `ilist` is no vector of integers, or `x` a scalar.
    IndexError : at run time, an index out of bounds.
    """

    __props__ = ()
    reads_part = True
    check_input = False
    connection_pattern = first_connected(1)
    R_op = linear_in(0, 1)
    vectorize_node = batch_rules.read

    def __init__(self, sparse_grad=False):
        self.sparse_grad = sparse_grad

    def make_node(self, x, ilist):
        x = as_tensor_variable(x)
        ilist = check_row_index(x, ilist)
        pattern = (ilist.broadcastable[0],) + x.broadcastable[1:]
        return Apply(self, [x, ilist], [TensorType(x.dtype, pattern)()])

    def perform(self, node, inputs, output_storage, params=None):
        x, i = inputs
        output_storage[0][0] = x.take(machine_index(i), axis=0)

    def lower_xla(self, ctx, node, x, i):
        return gather_rows(ctx, x, i)

    def grad(self, inputs, grads):
        x, ilist = inputs
        if not self.sparse_grad:
            return [advanced_inc_subtensor1(zeros_for_grad(x), grads[0], ilist)] + disconnected([ilist])
        if x.type.ndim != 2:
            raise TypeError(
                "AdvancedSubtensor1: you can't take the sparse grad from a tensor with ndim != 2. ndim is "
                + str(x.type.ndim)
            )
        return [above.construct_sparse_from_list(x, grads[0], ilist)] + disconnected([ilist])

    def infer_shape(self, node, shapes):
        x, ilist = shapes
        return [tuple(ilist) + tuple(x[1:])]


class AdvancedIncSubtensor1(InplaceOp):
    """`x` with ``x[ilist] += y`` or ``= y`` for a vector of integers; a new tensor.

    Where an index is repeated all its rows of `y` are added; when setting, the last one stays.
    """

    __props__ = ("inplace", "set_instead_of_inc")
    check_input = False
    vectorize_node = batch_rules.write

    def __init__(self, inplace=False, set_instead_of_inc=False):
        super().__init__(bool(inplace))
        self.set_instead_of_inc = bool(set_instead_of_inc)

    def clone_inplace(self):
        return self.__class__(inplace=True, set_instead_of_inc=self.set_instead_of_inc)

    def __str__(self):
        return "%s{%s,%s}" % (
            type(self).__name__,
            "inplace" if self.inplace else "no_inplace",
            "set" if self.set_instead_of_inc else "inc",
        )

    def make_node(self, x, y, ilist):
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        ilist = check_row_index(x, ilist)
        if y.type.ndim > x.type.ndim:
            raise TypeError(
                "cannot %s x subtensor with ndim=%s by y with ndim=%s to x subtensor with ndim=%s "
                % ("set" if self.set_instead_of_inc else "increment", x.type.ndim, y.type.ndim, "?")
            )
        return Apply(self, [x, y, ilist], [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        x, y, i = np.array(inputs[0]), inputs[1], machine_index(inputs[2])
        if self.set_instead_of_inc:
            x[i] = y
        else:
            np.add.at(x, i, y.astype(x.dtype, copy=False))
        output_storage[0][0] = x

    def lower_xla(self, ctx, node, x, y, i):
        return scatter_rows(ctx, x, y, i, not self.set_instead_of_inc)

    infer_shape = shaped_like(0)

    R_op = linear_in(0, 2)

    connection_pattern = first_connected(2)

    def grad(self, inputs, grads):
        return gradients_of_write(self, inputs, grads[0], advanced_subtensor1, advanced_set_subtensor1)


# ---------------------------------------------------------------------- any index
def unknown_slices(indices):
    return any(isinstance(v.type, SliceType) and index_bounds(v) is None for v in indices)


class BaseAdvancedSubtensor(Op):
    """Reading by advanced indices: the inputs after `x` are arrays, masks, slices and None, one an index."""

    __props__ = ()
    vectorize_node = batch_rules.read

    def make_node(self, x, *index):
        x = as_tensor_variable(x)
        index = tuple([as_index_variable(i) for i in index])
        return Apply(self, (x,) + index, [TensorType(x.type.dtype, adv_index_broadcastable_pattern(x, index))()])

    def perform(self, node, inputs, output_storage, params=None):
        x, index = inputs[0], tuple(inputs[1:])
        check_advanced_indexing_dimensions(x, index)
        part = x[index]
        if not any(isinstance(i, np.ndarray) and i.ndim for i in index):
            part = part.copy()  # without arrays numpy gives a view
        output_storage[0][0] = np.asarray(part)

    def runs_on_host(self, node):
        # How many elements a mask selects is known only when it is.
        masks = [v for v in node.inputs[1:] if is_mask(v)]
        return unknown_slices(node.inputs[1:]) or not all(isinstance(m, Constant) and m.ndim for m in masks)

    def static_needs(self, node):
        return slice_needs(node.inputs[0], covered(node.inputs[1:]))

    def lower_xla(self, ctx, node, x, *index):
        check_advanced_indexing_dimensions(x, index)
        return Selection(ctx, node, x, node.inputs[1:], index).get(x)

    R_op = linear_in(0, 1)

    def infer_shape(self, node, shapes):
        raise ShapeError("case not implemented")

    connection_pattern = first_connected(1)


class AdvancedSubtensor(BaseAdvancedSubtensor):
    """``x[indices]`` with arrays of integers among the indices: a copy."""

    def make_node(self, x, *index):
        check_and_reject_bool(index)
        return super().make_node(x, *index)

    def infer_shape(self, node, shapes):
        # Only pairs of vectors into a matrix; which of two equal lengths is taken decides how the graph looks.
        if len(shapes) == 3 and len(shapes[0]) == 2 and all(s is not None and len(s) == 1 for s in shapes[1:]):
            one = [v.broadcastable[0] for v in node.inputs[1:]]
            first = one[1] if one[0] != one[1] else node.inputs[2].owner is not None
            return [shapes[1] if first else shapes[2]]
        return super().infer_shape(node, shapes)

    def grad(self, inputs, grads):
        x, rest = inputs[0], inputs[1:]
        return [advanced_inc_subtensor(zeros_for_grad(x), grads[0], *rest)] + disconnected(rest)


class AdvancedBooleanSubtensor(BaseAdvancedSubtensor):
    """``x[indices]`` with boolean masks among the indices: a copy, as long as the masks have true elements."""

    def grad(self, inputs, grads):
        x, rest = inputs[0], inputs[1:]
        return [advanced_boolean_inc_subtensor(zeros_for_grad(x), grads[0], *rest)] + disconnected(rest)


class BaseAdvancedIncSubtensor(Op):
    """``x[indices] += y`` or ``= y`` by advanced indices: a new tensor. Repeated places add up."""

    __props__ = ("inplace", "set_instead_of_inc")
    vectorize_node = batch_rules.write

    def __init__(self, inplace=False, set_instead_of_inc=False):
        if not isinstance(inplace, bool):
            raise TypeError("inplace must be a bool, not %s" % (inplace,))
        if inplace:
            raise NotImplementedError("In place computation is not implemented")
        self.inplace, self.set_instead_of_inc = inplace, set_instead_of_inc

    def __str__(self):
        return "%s{inplace=%s,  set_instead_of_inc=%s}" % (type(self).__name__, self.inplace, self.set_instead_of_inc)

    def make_node(self, x, y, *inputs):
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        inputs = tuple([i if isinstance(i, Variable) else as_index_variable(i) for i in inputs])
        return Apply(self, (x, y) + inputs, [TensorType(x.type.dtype, x.type.broadcastable)()])

    def perform(self, node, inputs, output_storage, params=None):
        x, y, index = np.array(inputs[0]), inputs[1], tuple(inputs[2:])
        check_advanced_indexing_dimensions(x, index)
        if self.set_instead_of_inc:
            x[index] = y
        else:
            np.add.at(x, index, y.astype(x.dtype, copy=False))
        output_storage[0][0] = x

    def runs_on_host(self, node):
        indices = node.inputs[2:]
        masks = [v for v in indices if is_mask(v)]
        return (
            unknown_slices(indices)
            or bool(masks)
            and lone_mask(indices) is None
            and not all(isinstance(m, Constant) and m.ndim for m in masks)
        )

    def static_needs(self, node):
        return slice_needs(node.inputs[0], covered(node.inputs[2:]))

    def lower_xla(self, ctx, node, x, y, *index):
        check_advanced_indexing_dimensions(x, index)
        add = not self.set_instead_of_inc
        if lone_mask(node.inputs[2:]) is not None:
            return masked_write(ctx, x, y, node.inputs[2:], index, add)
        return Selection(ctx, node, x, node.inputs[2:], index).put(x, y, add)

    infer_shape = shaped_like(0)

    connection_pattern = first_connected(2)

    R_op = linear_in(0, 2)


class AdvancedIncSubtensor(BaseAdvancedIncSubtensor):
    """``x[indices] += y``, or ``= y``, with arrays of integers among the indices."""

    def make_node(self, x, y, *inputs):
        check_and_reject_bool(inputs)
        return super().make_node(x, y, *inputs)

    def grad(self, inputs, grads):
        return gradients_of_write(self, inputs, grads[0], advanced_subtensor, advanced_set_subtensor)


class AdvancedBooleanIncSubtensor(BaseAdvancedIncSubtensor):
    """``x[indices] += y``, or ``= y``, with boolean masks among the indices."""

    def grad(self, inputs, grads):
        return gradients_of_write(self, inputs, grads[0], advanced_boolean_subtensor, advanced_boolean_set_subtensor)


advanced_subtensor1, advanced_subtensor = AdvancedSubtensor1(), AdvancedSubtensor()
advanced_boolean_subtensor = AdvancedBooleanSubtensor()
# what adds, and what sets
advanced_inc_subtensor1, advanced_set_subtensor1 = (AdvancedIncSubtensor1(False, put) for put in (False, True))
advanced_inc_subtensor, advanced_set_subtensor = (AdvancedIncSubtensor(False, put) for put in (False, True))
advanced_boolean_inc_subtensor, advanced_boolean_set_subtensor = (
    AdvancedBooleanIncSubtensor(False, put) for put in (False, True)
)
