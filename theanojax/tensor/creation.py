"""Tensors made from lengths and numbers: zeros, ranges, identity matrices, grids."""

import math

import numpy as np

from theanojax.arrays import HOST, as_length, is_number
from theanojax.config import change_flags, config
from theanojax.errors import NotScalarConstantError
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.tracebacks import boundary
from theanojax.graph.variable import Apply, Constant
from theanojax.printing import min_informative_str
from theanojax.scalar.types import upcast
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import (
    as_tensor_variable,
    constant,
    first_input_rule,
    get_scalar_constant_value,
    scalar_rule,
)
from theanojax.tensor.cast import cast
from theanojax.tensor.math import ceil, fill, maximum
from theanojax.tensor.op_methods import first_connected, linear_in, never_folded, without_gradient
from theanojax.tensor.type import (
    TensorType,
    discrete_dtypes,
    int_dtypes,
    integer_dtypes,
    uint_dtypes,
    values_eq_approx_always_true,
)
from theanojax.tensor.var import TensorVariable


# ---------------------------------------------------------------------- one value everywhere
def alloc_validate_shape(shape):
    """The lengths `shape` as symbolic integers, and the broadcast pattern that they imply.

    Raises
    ------
    TypeError : a length is not an integer scalar.
    """
    lengths = [as_tensor_variable(s) for s in shape]
    flags = []
    for i, s in enumerate(lengths):
        if s.type.dtype not in integer_dtypes:
            raise TypeError(
                "Shape arguments to Alloc must be integers, but argument %s is not for apply node: %s"
                % (i, _described(s))
            )
        if s.ndim != 0:
            raise TypeError(
                "Each shape dimension to Alloc must be a scalar, ",
                "but dimension %s have %d dimensions for apply node: %s" % (i, s.ndim, _described(s)),
            )
        try:
            flags.append(bool(get_scalar_constant_value(s) == 1))
        except NotScalarConstantError:
            flags.append(False)
    return lengths, flags


def _described(v):
    if config.exception_verbosity == "high":
        return "\n" + min_informative_str(v)
    return str(v)


def _shape_text(lengths):
    """The text of a shape, of the texts of its lengths."""
    return "(%s)" % "".join("int(%s), " % n for n in lengths)


class Alloc(Op):
    """``alloc(value, *lengths)``: a tensor of the given lengths, filled with `value` (which is broadcast to it).

    `lengths` are ints or integer scalars; constants 1 make broadcastable dimensions. The dtype is that of `value`.

    Raises
    ------
    TypeError : a length is not an integer scalar, or `value` has more dimensions.
    ValueError : when run, a length is negative, or `value` doesn't fit.
    """

    __props__ = ()
    _f16_ok = True
    vectorize_node = batch_rules.alloc

    def validate_shape(self, shape):
        return alloc_validate_shape(shape)

    def make_node(self, value, *shape):
        value = as_tensor_variable(value)
        lengths, flags = alloc_validate_shape(shape)
        if value.ndim > len(lengths):
            raise TypeError(
                "The Alloc value to use has more dimensions than the specified dimensions", value.ndim, len(lengths)
            )
        return Apply(self, [value] + lengths, [TensorType(value.dtype, flags)()])

    @boundary
    def __call__(self, val, *shapes, **kwargs):
        out = super().__call__(val, *shapes, **kwargs)
        # While a graph is rewritten, an alloc that changes nothing would only be in the way.
        if hasattr(val, "fgraph") and not isinstance(out, list) and val.type == out.type:
            return val
        return out

    def static_needs(self, node):
        return node.inputs[1:]

    def lower_xla(self, ctx, node, value, *lengths):
        known = [ctx.need(v, n) for v, n in zip(node.inputs[1:], lengths)]
        return self.compute(ctx.xp, node, value, *known)

    def compute(self, xp, node, value, *lengths):
        return xp.full(tuple([xp.length(n) for n in lengths]), value, dtype=node.outputs[0].dtype)

    def numpy_code(self, node, args, source, spare):
        value, lengths = node.inputs[0], _shape_text(args[1:])
        if isinstance(value, Constant) and not any(value.data.tobytes()):  # -0.0 is not all zeros
            return "zeros(%s, %r)" % (lengths, value.dtype)
        return "full(%s, %s, %r)" % (lengths, args[0], value.dtype)

    def infer_shape(self, node, input_shapes):
        return [node.inputs[1:]]

    connection_pattern = first_connected(1)

    def grad(self, inputs, grads):
        x, (gz,) = inputs[0], grads
        added = gz.ndim - x.ndim
        stretched = [i for i, (mine, out) in enumerate(zip(x.broadcastable, gz.broadcastable[added:])) if mine > out]
        gx = gz.sum(axis=list(range(added)) + [i + added for i in stretched])
        if stretched:
            order = ["x"] * x.ndim
            for place, i in enumerate(i for i in range(x.ndim) if i not in stretched):
                order[i] = place
            gx = gx.dimshuffle(order)
        return [gx] + [DisconnectedType()() for _ in inputs[1:]]

    R_op = linear_in(0, 1)

    def do_constant_folding(self, node):
        """False where the constant would be copied at each call: as a result, or as what an Op works in place on."""
        clients = getattr(node.outputs[0], "clients", [])
        return bool(clients) and not any(
            client == "output" or (i == 0 and type(client.op).__name__ in _INPLACE_CLIENTS) for client, i in clients
        )


_INPLACE_CLIENTS = frozenset(
    ("IncSubtensor", "AdvancedIncSubtensor1", "AdvancedIncSubtensor", "Gemv", "CGemv", "Ger", "CGer", "ScipyGer")
)

alloc = Alloc()
scalar_rule(Alloc)(first_input_rule)


class AllocEmpty(Op):
    """A tensor of the given lengths whose elements may be anything."""

    __props__ = ("dtype",)

    def __init__(self, dtype):
        if not isinstance(dtype, str):
            raise AssertionError(dtype)
        self.dtype = dtype.lower()

    typecode = property(lambda self: np.dtype(self.dtype).num)

    def make_node(self, *shape):
        lengths, flags = alloc_validate_shape(shape)
        out = TensorType(self.dtype, flags)()
        # Debug modes compare values and look for NaN: neither means anything here.
        out.tag.values_eq_approx = values_eq_approx_always_true
        out.type.filter_checks_isfinite = False
        out.tag.nan_guard_mode_check = False
        return Apply(self, lengths, [out])

    def static_needs(self, node):
        return node.inputs

    def lower_xla(self, ctx, node, *lengths):
        return self.compute(ctx.xp, node, *[ctx.need(v, n) for v, n in zip(node.inputs, lengths)])

    def compute(self, xp, node, *lengths):
        # Zeros: what small arrays hold becomes part of executables, which a later process must find again.
        return xp.zeros(tuple([xp.length(n) for n in lengths]), dtype=self.dtype)

    def numpy_code(self, node, args, source, spare):
        return "zeros(%s, %r)" % (_shape_text(args), self.dtype)

    def debug_perform(self, node, inputs, out_, params=None):
        self.perform(node, inputs, out_, params)
        out_[0][0].fill(-123456789)

    def infer_shape(self, node, input_shapes):
        return [node.inputs]

    do_constant_folding = never_folded

    def connection_pattern(self, node):
        return [[False] for _ in node.inputs]

    def grad(self, inputs, grads):
        return [DisconnectedType()() for _ in inputs]

    def R_op(self, inputs, eval_points):
        return [zeros(inputs, self.dtype)]


def _lengths(shape):
    several = isinstance(shape, (list, tuple)) or (isinstance(shape, TensorVariable) and shape.ndim > 0)
    return shape if several else [shape]


def zeros(shape, dtype=None):
    """A tensor of zeros.

    Parameters
    ----------
    shape : int or integer scalar for a vector; a list of these for more dimensions; an integer vector whose length
        the graph tells (such as ``x.shape``). Lengths that are the constant 1 make broadcastable dimensions.
    dtype : ``config.floatX`` if None.

    Raises
    ------
    TypeError : a length is not an integer scalar.
    ValueError : the vector's length is not known; when run, a length is negative.
    """
    return alloc(np.array(0, dtype=config.floatX if dtype is None else dtype), *_lengths(shape))


def ones(shape, dtype=None):
    """A tensor of ones; `shape`, `dtype` and errors as for `zeros`."""
    return alloc(np.array(1, dtype=config.floatX if dtype is None else dtype), *_lengths(shape))


def _like(number, model, dtype, opt):
    value = constant(number, dtype=model.type.dtype if dtype is None else dtype)
    return value if opt and value.type == model.type else fill(model, value)


def ones_like(model, dtype=None, opt=False):
    """Ones in the shape of `model`, a tensor variable, and in its dtype if `dtype` is None.

    With `opt`, the constant itself where that already has the type of the result.
    """
    return _like(1.0, model, dtype, opt)


def zeros_like(model, dtype=None, opt=False):
    """Zeros in the shape of `model`, a tensor variable, and in its dtype if `dtype` is None.

    With `opt`, the constant itself where that already has the type of the result.
    """
    return _like(0.0, model, dtype, opt)


def addressable(node, *lengths):
    """Whether an array of these lengths has a size in bytes. For one that has none numpy's error is ValueError."""
    known = [n for n in lengths if is_number(n)]
    return math.prod(max(int(n), 0) for n in known) * np.dtype(node.outputs[0].dtype).itemsize < 1 << 63


# ---------------------------------------------------------------------- matrices of zeros and ones
class Tri(Op):
    """An N by M matrix of ones on and below diagonal number k, zeros above."""

    __props__ = ("dtype",)
    static_inputs = (0, 1, 2)

    def __init__(self, dtype=None):
        self.dtype = config.floatX if dtype is None else dtype

    def make_node(self, N, M, k):
        return Apply(self, [as_tensor_variable(v) for v in (N, M, k)], [TensorType(self.dtype, (False, False))()])

    def compute(self, xp, node, N, M, k):
        xp.guard(addressable(node, N, M))
        return xp.tri(as_length(N), as_length(M), int(k), dtype=self.dtype)

    def infer_shape(self, node, in_shapes):
        return [[node.inputs[0], node.inputs[1]]]

    grad = without_gradient()


def tri(N, M=None, k=0, dtype=None):
    """An `N` by `M` matrix: element [i, j] is 1 where ``j <= i + k``, else 0.

    Parameters
    ----------
    N, M : int or integer scalar; `M` is `N` if None.
    k : int or integer scalar, the last diagonal of ones; negative ones are below the main diagonal.
    dtype : ``config.floatX`` if None.
    """
    return Tri(config.floatX if dtype is None else dtype)(N, N if M is None else M, k)


def _lower_triangle(m, k):
    return tri(m.shape[0], m.shape[1], k=k, dtype=m.dtype)


def tril(m, k=0):
    """The matrix `m`, a variable, with zeros above diagonal number `k` (an int or integer scalar); its dtype stays."""
    return m * _lower_triangle(m, k)


def triu(m, k=0):
    """The matrix `m`, a variable, with zeros below diagonal number `k` (an int or integer scalar); its dtype stays."""
    return m * (1 - _lower_triangle(m, k - 1))


class Eye(Op):
    """An n by m matrix of ones on diagonal number k, zeros elsewhere."""

    __props__ = ("dtype",)
    static_inputs = (0, 1, 2)

    def __init__(self, dtype=None):
        self.dtype = config.floatX if dtype is None else dtype

    def make_node(self, n, m, k):
        inputs = [as_tensor_variable(v) for v in (n, m, k)]
        if any(v.ndim != 0 for v in inputs):
            raise AssertionError("Eye takes scalars, got %s" % [str(v.type) for v in inputs])
        return Apply(self, inputs, [TensorType(self.dtype, (False, False))()])

    def compute(self, xp, node, n, m, k):
        xp.guard(addressable(node, n, m))
        return xp.eye(as_length(n), as_length(m), int(k), dtype=self.dtype)

    def infer_shape(self, node, in_shapes):
        return [[node.inputs[0], node.inputs[1]]]

    grad = without_gradient()


def eye(n, m=None, k=0, dtype=None):
    """An `n` by `m` matrix: element [i, j] is 1 where ``j == i + k``, else 0.

    Parameters
    ----------
    n, m : int or integer scalar; `m` is `n` if None.
    k : int or integer scalar, number of the diagonal; negative ones are below the main one.
    dtype : ``config.floatX`` if None.

    Raises
    ------
    AssertionError : an argument is not a scalar.
    ValueError : when run, a length is negative.
    """
    return Eye(config.floatX if dtype is None else dtype)(n, n if m is None else m, k)


def identity_like(x):
    """Ones on the main diagonal, else zeros, in the shape and dtype of the matrix variable `x`, which may be oblong."""
    rows, columns = x.shape[0], x.shape[1]
    return eye(rows, columns, dtype=x.dtype)


# ---------------------------------------------------------------------- ranges and grids
class ARange(Op):
    """The numbers from start to stop (which is left out) in steps of step."""

    __props__ = ("dtype",)

    def __init__(self, dtype):
        self.dtype = dtype

    def make_node(self, start, stop, step):
        inputs = [as_tensor_variable(v) for v in (start, stop, step)]
        if any(v.ndim != 0 for v in inputs):
            raise AssertionError("arange takes scalars, got %s" % [str(v.type) for v in inputs])
        return Apply(self, inputs, [TensorType(self.dtype, (False,))()])

    def compute(self, xp, node, start, stop, step):
        return xp.arange(np.asarray(start).item(), np.asarray(stop).item(), np.asarray(step).item(), dtype=self.dtype)

    def static_needs(self, node):
        # Of integers only the number is fixed when XLA compiles, not where they start.
        if self._counts(node):
            return [as_tensor_variable(self.infer_shape(node, None)[0][0])]
        return node.inputs

    def lower_xla(self, ctx, node, *inputs):
        xp = ctx.xp
        if not self._counts(node):
            # by numpy, whose rounding it must have: XLA would fuse the product and the sum
            return self.compute(HOST, node, *[ctx.need(v, value) for v, value in zip(node.inputs, inputs)])
        (length,) = ctx.node_needs(node)
        ctx.guard(inputs[2] != 0)
        n = ctx.letters.get(node.inputs[1])
        if n is None or [ctx.known(v) and int(v) for v in (inputs[0], inputs[2])] != [0, 1]:
            n = ctx.static(length)
        if n is None:
            n = ctx.need(length, next(v for v in inputs if not ctx.known(v)))
        ctx.guard(addressable(node, n))
        start, _, step = (xp.astype(v, self.dtype) for v in inputs)
        return start + step * xp.arange(as_length(n), dtype=self.dtype)

    def _counts(self, node):
        return (
            all(v.dtype in integer_dtypes and v.dtype != "uint64" for v in node.inputs) and self.dtype in integer_dtypes
        )

    @change_flags(warn_float64="ignore")
    def infer_shape(self, node, i_shapes):
        start, stop, step = node.inputs
        whole = start.dtype in integer_dtypes and stop.dtype in integer_dtypes
        if _is_constant(step, 1) and _is_constant(start, 0) and whole:
            return [(cast(stop, "int64"),)]
        stop, start = _widened(stop), _widened(start)
        if _is_constant(step, 1) and whole:
            return [(maximum(cast(stop - start, "int64"), 0),)]
        steps = ceil(cast(stop - start, "float64") / step)
        return [(maximum(cast(steps, "int64"), 0),)]

    def connection_pattern(self, node):
        return [[True], [False], [True]]

    def L_op(self, inputs, outputs, grads):
        (start, _, step), (gz,) = inputs, grads
        if self.dtype in discrete_dtypes:
            return [start.zeros_like(dtype=config.floatX), DisconnectedType()(), step.zeros_like(dtype=config.floatX)]
        steps_taken = arange(outputs[0].shape[0], dtype=self.dtype)
        return [gz.sum(), DisconnectedType()(), (gz * steps_taken).sum()]

    def R_op(self, inputs, eval_points):
        return [None]


def _is_constant(v, value):
    try:
        return bool(np.all(get_scalar_constant_value(v) == value))
    except NotScalarConstantError:
        return False


def _widened(v):
    """An integer as int64, unless that could lose something (uint64)."""
    if v.dtype in integer_dtypes and upcast(v.dtype, "int64") == "int64":
        return cast(v, "int64")
    return v


_arange: dict = {}


def arange(start, stop=None, step=1, dtype=None):
    """The vector ``start, start + step, start + 2 * step ...``, as far as it stays before `stop`.

    Parameters
    ----------
    start, stop, step : numbers or scalar variables. A single argument is `stop`, and `start` is 0.
    dtype : by default what the three are upcast to, integers being widened to 64 bits. Python's numbers count as the
        smallest dtype that holds them, so that ``arange(1.5)`` is float32.

    Raises
    ------
    AssertionError : an argument is not a scalar.
    ZeroDivisionError : when run, `step` is 0.
    """
    if stop is None:
        start, stop = 0, start
    start, stop, step = (as_tensor_variable(v) for v in (start, stop, step))
    if dtype is None:
        dtype = _arange_dtype([start.dtype, stop.dtype, step.dtype])
    if dtype not in _arange:
        _arange[dtype] = ARange(dtype)
    return _arange[dtype](start, stop, step)


def _arange_dtype(dtypes):
    dtype = upcast(*dtypes)
    if dtype in int_dtypes:
        dtype = "int64"
    if dtype in uint_dtypes:
        dtype = "uint64"
    if config.cast_policy not in ("numpy", "numpy+floatX"):
        return dtype
    numpy_dtype = str(np.arange(*[np.array(v, dtype=d) for v, d in zip((0, 1, 1), dtypes)]).dtype)
    if (
        numpy_dtype != dtype
        and config.cast_policy == "numpy+floatX"
        and config.floatX == "float32"
        and numpy_dtype == "float64"
        and "float64" not in dtypes
    ):
        return "float32"
    return numpy_dtype


class _nd_grid:
    """``mgrid[a:b, c:d]``: coordinates of all points of a grid; ``ogrid``: as many broadcastable dimensions instead."""

    def __init__(self, sparse=False):
        self.sparse = sparse

    def __getitem__(self, slices):
        if any(isinstance(s.step, complex) for s in slices):
            raise NotImplementedError("Not implemented for slices whose step is complex")
        ndim = len(slices)
        ranges = [arange(s.start or 0, s.stop, s.step or 1) for s in slices]
        ranges = [r.reshape((1,) * j + (r.shape[0],) + (1,) * (ndim - 1 - j)) for j, r in enumerate(ranges)]
        if self.sparse:
            return ranges
        flat = [ones_like(r) for r in ranges]
        grids = []
        for i in range(ndim):
            grid = 1
            for j in range(ndim):
                grid = grid * (ranges[j] if j == i else flat[j])
            grids.append(grid)
        return grids


mgrid = _nd_grid()
ogrid = _nd_grid(sparse=True)


__all__ = [
    "alloc_validate_shape",
    "Alloc",
    "alloc",
    "AllocEmpty",
    "zeros",
    "ones",
    "ones_like",
    "zeros_like",
    "Tri",
    "tri",
    "tril",
    "triu",
    "Eye",
    "eye",
    "identity_like",
    "ARange",
    "arange",
    "mgrid",
    "ogrid",
    "_arange",
]
