"""Basic indexing, by integers and slices: Subtensor reads, IncSubtensor sets or increments."""

import numpy as np

from theanojax import scalar as scal
from theanojax.arrays import is_number
from theanojax.config import config
from theanojax.errors import NotScalarConstantError
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.type import Type
from theanojax.graph.variable import Apply, Variable
from theanojax.tensor.as_tensor import as_tensor_variable, get_scalar_constant_value
from theanojax.tensor.indexing import batch_rules, slices
from theanojax.tensor.indexing.slices import get_canonical_form_slice, get_idx_list, idx_key, idx_text
from theanojax.tensor.indexing.windows import make_windows, read, slice_needs, write
from theanojax.tensor.op_methods import InplaceOp, first_connected, linear_in, shaped_like
from theanojax.tensor.shape import scalar_from_tensor
from theanojax.tensor.type import TensorType, complex_dtypes, discrete_dtypes


def disconnected(inputs):
    """The gradients of index inputs: a result does not vary smoothly with them."""
    return [DisconnectedType()() for _ in inputs]


def index_inputs(op, x, inputs):
    """The integers `inputs` as scalar variables, checked against the index list of `op`."""
    inputs = tuple([Subtensor.my_as_scalar(i) for i in inputs])
    if len(op.idx_list) > x.type.ndim:
        raise IndexError("too many indices for array")
    expected = slices.collapse(op.idx_list, lambda entry: isinstance(entry, Type))
    if len(inputs) != len(expected):
        raise IndexError("Not enough inputs to fill in the Subtensor template.", inputs, op.idx_list)
    for i, type_ in zip(inputs, expected):
        if i.type != type_:
            raise TypeError("Wrong type for Subtensor template. Expected %s, got %s." % (type_, i.type))
    return inputs


def plain_index(idx_list, values):
    """The index tuple of an index list with `values` (numbers) in place of its types."""
    return get_idx_list((None,) + tuple([int(v) for v in values]), idx_list)


def index_text(idx_list, args):
    """The index of an index list with the texts `args` in place of its types, as Python writes it."""
    index = get_idx_list((None,) + tuple(args), idx_list)
    bounds = [
        ":".join("" if b is None else b for b in (e.start, e.stop, e.step)) if isinstance(e, slice) else e
        for e in index
    ]
    return ", ".join(bounds) or "..."


def traced_windows(ctx, op, node, first, x, values):
    """The windows that the index inputs of `node`, from position `first` on, select of `x` inside XLA."""
    indices = get_idx_list((None,) + tuple(node.inputs[first:]), op.idx_list)
    found = get_idx_list((None,) + tuple(values), op.idx_list)
    return make_windows(ctx, x.shape, indices, found, ctx.node_needs(node))


def lettered_index(ctx, op, x, values):
    """The index of numbers into an array of which a length is a letter, for jax to work out; None for all others."""
    known = all(map(is_number, x.shape)) or not all(map(ctx.known, values))
    return None if known else tuple(plain_index(op.idx_list, values))


class Subtensor(Op):
    """``x[i, a:b, ...]``: a view of a tensor, selected by integers and slices of integers.

    `idx_list` describes the index (see `theanojax.tensor.indexing.slices`); the integers are inputs, as Scalar
    variables. Dimensions beyond the list are taken whole.

    Raises
    ------
    IndexError : more indices than dimensions; at run time, an integer index out of bounds.
    ValueError : at run time, a step of 0.
    """

    e_subslice = "nested slicing is not supported"
    e_indextype = slices.BAD_INDEX
    check_input = False
    view_map = {0: [0]}
    __props__ = ("idx_list",)
    cheap_on_host = True
    reads_part = True

    collapse = staticmethod(slices.collapse)
    convert = staticmethod(slices.index_type)
    str_from_slice = staticmethod(slices.str_from_slice)
    vectorize_node = batch_rules.read_part

    def __init__(self, idx_list):
        self.idx_list = tuple([slices.index_type(entry) for entry in idx_list])

    @staticmethod
    def my_as_scalar(a):
        """An integer, scalar variable or 0-d tensor as a Scalar variable."""
        if isinstance(a, Variable) and isinstance(a.type, TensorType):
            return scalar_from_tensor(a)
        return scal.as_scalar(a)

    def get_constant_idx(self, inputs, allow_partial=False, only_process_constants=False, elemwise=True):
        """The index, with constants as numbers.

        Parameters
        ----------
        inputs : the inputs of the Apply, the indexed tensor first (it may be None).
        allow_partial : keep the variable where a value is not constant, rather than raise
            NotScalarConstantError.
        only_process_constants, elemwise : as for ``get_scalar_constant_value``.
        """

        def value(v):
            if v is None:
                return None
            if isinstance(v, slice):
                return slice(value(v.start), value(v.stop), value(v.step))
            try:
                return get_scalar_constant_value(v, only_process_constants=only_process_constants, elemwise=elemwise)
            except NotScalarConstantError:
                if allow_partial:
                    return v
                raise

        return [value(v) for v in get_idx_list(inputs, self.idx_list)]

    def make_node(self, x, *inputs):
        x = as_tensor_variable(x)
        inputs = index_inputs(self, x, inputs)
        index = self.get_constant_idx((None,) + inputs, allow_partial=True)
        index += [slice(None)] * (x.type.ndim - len(index))
        pattern = [b and _keeps_one(entry) for entry, b in zip(index, x.type.broadcastable) if isinstance(entry, slice)]
        return Apply(self, (x,) + inputs, [TensorType(x.type.dtype, pattern)()])

    def compute(self, xp, node, x, *values):
        try:
            return xp.index_get(x, plain_index(self.idx_list, values))
        except IndexError:
            raise IndexError("index out of bounds") from None

    def numpy_code(self, node, args, source, spare):
        return "%s[%s]" % (args[0], index_text(self.idx_list, args[1:]))

    def static_needs(self, node):
        return slice_needs(node.inputs[0], get_idx_list(node.inputs, self.idx_list))

    def lower_xla(self, ctx, node, x, *values):
        if (index := lettered_index(ctx, self, x, values)) is not None:
            return x[index]
        return read(ctx, x, traced_windows(ctx, self, node, 1, x, values))

    def infer_shape(self, node, shapes):
        index = get_idx_list(node.inputs, self.idx_list)
        lengths = [_length(entry, dim) for entry, dim in zip(index, shapes[0]) if isinstance(entry, slice)]
        return [lengths + list(shapes[0][len(index) :])]

    def grad(self, inputs, grads):
        x, rest = inputs[0], inputs[1:]
        if x.dtype in discrete_dtypes:
            first = x.zeros_like().astype(config.floatX)
        else:
            first = IncSubtensor(self.idx_list)(x.zeros_like(), grads[0], *rest)
        return [first] + disconnected(rest)

    connection_pattern = first_connected(1)

    R_op = linear_in(0, 1)

    def __hash__(self):
        return hash((type(self), idx_key(self.idx_list)))

    def __str__(self):
        return "%s{%s}" % (type(self).__name__, idx_text(self.idx_list))


def _keeps_one(entry):
    """Whether a slice with known or unknown bounds certainly keeps the element of a dimension of length 1."""
    start, stop = entry.start, entry.stop
    if isinstance(start, Variable):
        return False
    start = 0 if start is None else start
    if start != 0:
        return False
    return stop is None or (isinstance(stop, (int, np.integer, np.ndarray)) and bool(stop > start))


def _length(entry, dim):
    """The symbolic length of the slice `entry` of a dimension of length `dim`."""
    if (
        slices.is_full_slice(entry)
        or _is_number(entry.start, (0, None))
        and entry.stop is None
        and _is_number(entry.step, (1, None))
    ):
        return dim
    canonical = get_canonical_form_slice(entry, dim)[0]
    if _is_number(canonical.step, (1,)):
        return canonical.stop - canonical.start
    return (canonical.stop - canonical.start - 1) // canonical.step + 1


def _is_number(value, wanted):
    return not isinstance(value, Variable) and value in wanted


class IncSubtensor(InplaceOp):
    """`x` with ``x[i, a:b, ...] += y``, or with ``... = y`` when `set_instead_of_inc`; a new tensor.

    It is what `inc_subtensor` and `set_subtensor` build, and the gradient of Subtensor.

    Raises
    ------
    IndexError : more indices than dimensions; at run time, an integer index out of bounds.
    ValueError : `y` has more dimensions than `x`; at run time, its shape does not fit.
    """

    check_input = False
    __props__ = ("idx_list", "inplace", "set_instead_of_inc")
    vectorize_node = batch_rules.write_part

    def __init__(self, idx_list, inplace=False, set_instead_of_inc=False, destroyhandler_tolerate_aliased=None):
        super().__init__(inplace)
        self.idx_list = [slices.index_type(entry) for entry in idx_list]
        self.set_instead_of_inc = set_instead_of_inc
        self.destroyhandler_tolerate_aliased = list(destroyhandler_tolerate_aliased or [])

    def make_node(self, x, y, *inputs):
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        if y.ndim > x.ndim:
            raise ValueError(
                "Trying to increment a %d-dimensional subtensor with a %d-dimensional value." % (x.ndim, y.ndim)
            )
        return Apply(self, (x, y) + index_inputs(self, x, inputs), [x.type()])

    def perform(self, node, inputs, output_storage, params=None):
        x, y = np.array(inputs[0]), inputs[1]
        index = plain_index(self.idx_list, inputs[2:])
        try:
            part = x[index]
        except IndexError:
            raise IndexError("index out of bounds") from None
        if self.set_instead_of_inc or not part.shape:
            x[index] = y if self.set_instead_of_inc else part + y
        else:
            part += y
        output_storage[0][0] = x

    def numpy_code(self, node, args, source, spare):
        x = args[0] if 0 in spare else source.let("array(%s)" % args[0])
        sign = "=" if self.set_instead_of_inc else "+="
        source.lines.append("%s[%s] %s %s" % (x, index_text(self.idx_list, args[2:]), sign, args[1]))
        return x

    def static_needs(self, node):
        return slice_needs(node.inputs[0], get_idx_list((None,) + tuple(node.inputs[2:]), self.idx_list))

    def lower_xla(self, ctx, node, x, y, *values):
        if (index := lettered_index(ctx, self, x, values)) is not None:
            part = x.at[index]
            return part.set(y) if self.set_instead_of_inc else part.add(y)
        windows = traced_windows(ctx, self, node, 2, x, values)
        return write(ctx, x, windows, y, not self.set_instead_of_inc)

    infer_shape = shaped_like(0)

    def grad(self, inputs, grads):
        from theanojax.tensor.indexing.subtensor import set_subtensor

        read = Subtensor(self.idx_list)
        return gradients_of_write(self, inputs, grads[0], read, lambda g, y, *at: set_subtensor(read(g, *at), y))

    connection_pattern = first_connected(2)

    R_op = linear_in(0, 2)

    def __hash__(self):
        return hash((type(self), idx_key(self.idx_list), self.inplace, self.set_instead_of_inc))

    def __str__(self):
        return "%s{%s%s;%s}" % (
            type(self).__name__,
            "Inplace" if self.inplace else "",
            "Set" if self.set_instead_of_inc else "Inc",
            idx_text(self.idx_list),
        )


def gradients_of_write(op, inputs, g, read, put):
    """The gradients of an Op that adds y to x at an index, or puts y there.

    ``read(g, *index)`` selects of `g` what is at the index, ``put(g, y, *index)`` puts y there.
    """
    x, y, *index = inputs
    if x.dtype in complex_dtypes:
        raise NotImplementedError("No support for complex grad yet")
    if x.dtype in discrete_dtypes:
        gradients = [x.zeros_like(dtype=config.floatX), zero_grad_of(y)]
    else:
        gradients = [
            put(g, y.zeros_like(), *index) if op.set_instead_of_inc else g,
            sum_grad_over_bcasted_dims(y, read(g, *index)),
        ]
    return gradients + disconnected(index)


def zero_grad_of(v):
    """The gradient for a value written into a tensor of integers."""
    return v.zeros_like(dtype=config.floatX) if v.dtype in discrete_dtypes else v.zeros_like()


def sum_grad_over_bcasted_dims(x, gx):
    """`gx` summed over the dimensions that were added to, or stretched in, `x` to give it its shape."""
    if gx.broadcastable == x.broadcastable:
        return gx
    added = gx.ndim - x.ndim
    pattern = (True,) * added + x.broadcastable
    stretched = [i for i in range(gx.ndim) if pattern[i] and not gx.broadcastable[i]]
    gx = gx.sum(axis=stretched, keepdims=True)
    if added:
        gx = gx.dimshuffle(*range(added, gx.ndim))
    return gx
