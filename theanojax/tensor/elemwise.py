"""Elemwise applies a scalar Op to each element of tensors; DimShuffle lines up their dimensions."""

import operator
from functools import lru_cache, reduce
from weakref import WeakValueDictionary

import numpy as np

from theanojax.config import config, flags_of_thread
from theanojax.errors import MethodNotDefined, NotScalarConstantError
from theanojax.graph import above
from theanojax.graph.above import tensor
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op, OpenMPOp, has_c_code
from theanojax.graph.type import NullType
from theanojax.graph.variable import Apply
from theanojax.scalar.arithmetic import identity
from theanojax.scalar.comparison import zero_times
from theanojax.scalar.types import continuous_types, discrete_types, get_scalar_type
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable, constant, get_scalar_constant_value
from theanojax.tensor.op_methods import linear_in
from theanojax.tensor.type import TensorType

__all__ = ["DimShuffle", "Elemwise"]

_OF_LENGTHS = {
    "Add": operator.add, "Sub": operator.sub, "Mul": operator.mul, "IntDiv": operator.floordiv,
    "TrueDiv": operator.truediv,
}  # fmt: skip
_OF_LENGTH = {"Neg": operator.neg, "Inv": lambda n: 1 / n, "Cast": lambda n: n}
_continuous = {t.dtype for t in continuous_types}
_discrete = {t.dtype for t in discrete_types}


class DimShuffle(Op):
    """Reorders, drops and adds dimensions; the output is a view of the input.

    Parameters
    ----------
    input_broadcastable : the broadcast pattern of the input.
    new_order : for each output dimension the input dimension that it is, or 'x' for a new one of length 1. An
        input dimension left out must be broadcastable.

    Raises
    ------
    TypeError, ValueError : `new_order` names no dimension, one twice, or drops one that is not broadcastable.
    """

    __props__ = ("input_broadcastable", "new_order", "inplace")
    cheap_on_host = True
    array_role = "view"
    vectorize_node = batch_rules.dimshuffle

    def __init__(self, input_broadcastable, new_order, inplace=True):
        self.input_broadcastable = tuple(input_broadcastable)
        self.new_order = tuple(new_order)
        if inplace is not True:
            raise ValueError("DimShuffle is inplace by default and hence the inplace for DimShuffle must be true")
        self.inplace = inplace
        for i, j in enumerate(self.new_order):
            if j == "x":
                continue
            if not isinstance(j, (int, np.integer)):
                raise TypeError("DimShuffle indices must be python ints. Got: '%s' of type '%s'." % (j, type(j)))
            if j >= len(self.input_broadcastable):
                raise ValueError(
                    "new_order[%d] is %d, but the input only has %d axes." % (i, j, len(self.input_broadcastable))
                )
            if j in self.new_order[i + 1 :]:
                raise ValueError(
                    "The same input dimension may not appear twice in the list of output dimensions", self.new_order
                )
        self.drop = [i for i in range(len(self.input_broadcastable)) if i not in self.new_order]
        if not all(self.input_broadcastable[i] for i in self.drop):
            raise ValueError(
                "You cannot drop a non-broadcastable dimension.", (self.input_broadcastable, self.new_order)
            )
        self.shuffle = [j for j in self.new_order if j != "x"]
        self.augment = [i for i, j in enumerate(self.new_order) if j == "x"]
        self.view_map = {0: [0]}

    def make_node(self, x):
        x = as_tensor_variable(x)
        pattern = tuple(x.type.broadcastable)
        if pattern != self.input_broadcastable:
            if len(pattern) != len(self.input_broadcastable):
                raise TypeError(
                    "The number of dimensions of the input is incorrect for this op. Expected %s, got %s."
                    % (self.input_broadcastable, pattern)
                )
            if any(mine and not theirs for mine, theirs in zip(self.input_broadcastable, pattern)):
                raise TypeError(
                    "The broadcastable pattern of the input is incorrect for this op. Expected %s, got %s."
                    % (self.input_broadcastable, pattern)
                )
        out = [True if j == "x" else pattern[j] for j in self.new_order]
        return Apply(self, [x], [TensorType(x.type.dtype, out)()])

    def __str__(self):
        return "InplaceDimShuffle{%s}" % ",".join(str(j) for j in self.new_order)

    def of_lengths(self, node, lengths):
        (n,) = lengths
        listed = n if isinstance(n, list) else [n]
        return {0: listed[0], 1: listed}.get(len(self.new_order))

    def compute(self, xp, node, x):
        for i in self.drop:
            if x.shape[i] != 1:
                raise ValueError(
                    "You cannot drop a non-broadcastable dimension. Dimension %d has length %d." % (i, x.shape[i])
                )
        order = self.shuffle + self.drop
        if order != list(range(len(order))):
            x = xp.transpose(x, order)
        shape = list(x.shape[: len(self.shuffle)])
        for i in self.augment:
            shape.insert(i, 1)
        return xp.reshape(x, tuple(shape))

    def infer_shape(self, node, shapes):
        out = [shapes[0][i] for i in self.shuffle]
        for i in self.augment:
            out.insert(i, 1)
        return [out]

    R_op = linear_in(0)

    def grad(self, inputs, output_gradients):
        (x,) = inputs
        if x.dtype in _discrete:
            return [x.zeros_like(dtype=config.floatX)]
        gz = as_tensor_variable(output_gradients[0])
        order = ["x"] * x.type.ndim
        for i, j in enumerate(self.new_order):
            if j != "x":
                order[j] = i
        return [shuffled(elementwise(identity)(gz), order)]


@lru_cache(maxsize=1000)
def _dimshuffle(pattern, order):
    return DimShuffle(pattern, order)


def shuffled(v, order):
    """The tensor `v` with its dimensions in the order `order`, as by a DimShuffle. Calls that are alike share one."""
    return _dimshuffle(v.type.broadcastable, tuple(order))(v)


class Elemwise(OpenMPOp):
    """A scalar Op applied to each element of its inputs.

    Inputs with fewer dimensions get new ones on the left. A dimension declared broadcastable stretches to the
    length of the others; lengths that differ otherwise are an error, even a 1 that was not declared.

    Parameters
    ----------
    scalar_op : ScalarOp.
    inplace_pattern : dict from output position to the position of the input that it may overwrite. Nothing is ever
        overwritten here; the pattern is checked and printed.
    name : what the Op is printed as.
    nfunc_spec : (name of a numpy or scipy function, number of inputs, number of outputs) that computes the same;
        used where `scalar_op` only knows single numbers.

    Raises
    ------
    TypeError, ValueError : `inplace_pattern` does not fit the types of the inputs.
    """

    __props__ = ("scalar_op", "inplace_pattern")
    cheap_on_host = True
    array_role = "elementwise"
    vectorize_node = batch_rules.elementwise

    def __init__(self, scalar_op, inplace_pattern=None, name=None, nfunc_spec=None, openmp=None):
        self.name = name
        self.scalar_op = scalar_op
        self.inplace_pattern = dict(inplace_pattern or {})
        self.destroy_map = {o: [i] for o, i in self.inplace_pattern.items()}
        self.nfunc_spec = nfunc_spec or getattr(scalar_op, "nfunc_spec", None)
        super().__init__(openmp=openmp)

    nfunc = property(lambda self: _named_function(self.nfunc_spec), doc="The numpy function that computes the same.")
    ufunc = property(lambda self: None, doc="Kept for programs that look at it.")

    def __setstate__(self, state):
        self.__dict__.update({k: v for k, v in state.items() if k not in ("nfunc", "ufunc")})
        self.inplace_pattern = dict(self.inplace_pattern)

    # ---------------------------------------------------------------- types
    def get_output_info(self, dim_shuffle, *inputs):
        """(dtypes, broadcast patterns) of the outputs, and the inputs brought to one number of dimensions."""
        out_dtypes = self.scalar_op.output_dtypes([v.type.dtype for v in inputs])
        ndim = max([v.type.ndim for v in inputs])
        inputs = [
            v
            if v.type.ndim == ndim
            else dim_shuffle(v.type.broadcastable, ("x",) * (ndim - v.type.ndim) + tuple(range(v.type.ndim)))(v)
            for v in inputs
        ]
        pattern = [all(column) for column in zip(*[v.type.broadcastable for v in inputs])]
        for o, i in self.inplace_pattern.items():
            if any(ib and not ob for ib, ob in zip(inputs[i].type.broadcastable, pattern)):
                raise ValueError("Operation cannot be done inplace on an input with broadcasted dimensions.")
            if inputs[i].type.dtype != out_dtypes[o]:
                raise TypeError(
                    "Cannot do an inplace operation on incompatible data types.",
                    ([v.type.dtype for v in inputs], out_dtypes, self.inplace_pattern),
                )
        return out_dtypes, [pattern] * len(out_dtypes), inputs

    def make_node(self, *inputs):
        inputs = [as_tensor_variable(v) for v in inputs]
        dtypes, patterns, inputs = self.get_output_info(_dimshuffle, *inputs)
        return Apply(self, inputs, [TensorType(d, p)() for d, p in zip(dtypes, patterns)])

    def __str__(self):
        if self.name is not None:
            return self.name
        if self.inplace_pattern:
            return "Elemwise{%s}%s" % (self.scalar_op, sorted(self.inplace_pattern.items()))
        return "Elemwise{%s}" % self.scalar_op

    def infer_shape(self, node, shapes):
        return [
            tuple([self._length(node, shapes, d, b) for d, b in enumerate(out.type.broadcastable)])
            for out in node.outputs
        ]

    def _length(self, node, shapes, dim, broadcastable):
        if broadcastable:
            return 1
        return next(s[dim] for v, s in zip(node.inputs, shapes) if not v.type.broadcastable[dim])

    def connection_pattern(self, node):
        if hasattr(self.scalar_op, "connection_pattern"):
            return self.scalar_op.connection_pattern(node)
        return [[True for _ in node.outputs] for _ in node.inputs]

    # ---------------------------------------------------------------- values
    def of_lengths(self, node, lengths):
        name = type(self.scalar_op).__name__
        if name in _OF_LENGTH:
            (n,) = lengths
            return [*map(_OF_LENGTH[name], n)] if isinstance(n, list) else _OF_LENGTH[name](n)
        known = _OF_LENGTHS.get(name)
        if known is None or not any(isinstance(n, list) for n in lengths):
            return None if known is None else reduce(known, lengths)
        longest = max(map(len, lengths))
        rows = [n * longest if v.broadcastable[0] else n for v, n in zip(node.inputs, lengths, strict=True)]
        return [reduce(known, column) for column in zip(*rows, strict=True)]

    def runs_on_host(self, node):
        return self.scalar_op.runs_on_host(node) or super().runs_on_host(node)

    def inside(self, node):
        return self.scalar_op.inside(node)

    def compile_c_code(self, node):
        self.scalar_op.compile_loops(v.type.dtype for v in node.inputs)

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        # Nothing is overwritten, whatever the pattern says: no copies are needed to protect the inputs.
        return self.make_py_thunk(node, storage_map, compute_map, no_recycling)

    def compute(self, xp, node, *inputs):
        shape = inputs[0].shape
        if any(x.shape != shape for x in inputs[1:]):
            shape = common_shape(node, inputs)
        if self.scalar_op.takes_arrays():
            # The tensors' node serves as that of the scalars: it has the same dtypes.
            values = self.scalar_op.compute(xp, node, *inputs)
        else:
            try:
                values = self._number_by_number(node, inputs, shape)
            except (NotImplementedError, MethodNotDefined):
                if not has_c_code(type(self.scalar_op)) or not config.cxx:
                    raise
                values = above.native.elementwise(self.scalar_op, inputs)
        if len(node.outputs) == 1 and not isinstance(values, tuple):
            return values if values.shape == shape else xp.array(xp.broadcast_to(values, shape))
        return tuple([v if v.shape == shape else xp.array(xp.broadcast_to(v, shape)) for v in values])

    def _number_by_number(self, node, inputs, shape):
        """The value by the scalar Op's ``impl``, which knows nothing of arrays."""
        function = _named_function(self.nfunc_spec)
        if function is not None and self.nfunc_spec[1:] == (len(inputs), len(node.outputs)):
            values = function(*inputs)
        elif len(inputs) < 32:
            values = np.frompyfunc(self.scalar_op.impl, len(inputs), len(node.outputs))(*inputs)
        else:  # more than numpy's ufuncs can take
            rows = zip(*[np.broadcast_to(x, shape).ravel() for x in inputs])
            values = [self.scalar_op.impl(*row) for row in rows]
            values = zip(*values) if len(node.outputs) > 1 else [values]
            values = tuple([np.array(v, dtype=object).reshape(shape) for v in values])
            values = values if len(values) > 1 else values[0]
        if len(node.outputs) == 1:
            values = (values,)
        return tuple([np.asarray(v, dtype=out.type.dtype) for v, out in zip(values, node.outputs)])

    def python_constant_folding(self, node):
        return node.outputs[0].ndim == 0

    # ---------------------------------------------------------------- gradients
    def L_op(self, inputs, outputs, output_gradients):
        if len(outputs) == 1 and output_gradients[0].owner is not None:
            result = self._where_chosen(inputs, outputs, output_gradients[0])
        else:
            result = self._bgrad(inputs, outputs, output_gradients)
        if any(v.type.dtype not in _continuous for v in outputs):
            return [
                g if isinstance(g.type, (NullType, DisconnectedType)) else _float_zeros(v)
                for g, v in zip(result, inputs)
            ]
        # What was stretched on the way forward is summed on the way back.
        for i, v in enumerate(inputs):
            if isinstance(result[i].type, (NullType, DisconnectedType)):
                continue
            stretched = [d for d, b in enumerate(v.type.broadcastable) if b and not outputs[0].broadcastable[d]]
            if stretched:
                result[i] = tensor.sum(result[i], axis=stretched, keepdims=True)
        return result

    def _where_chosen(self, inputs, outputs, g):
        """`_bgrad`, which a zero gradient of what was not chosen times an infinite slope does not make nan."""
        gradient_support = tensor.gradient_support
        if not gradient_support.needs_support(self.scalar_op, inputs, strict=True):
            return self._stable(inputs, outputs, g)
        switches = []
        # The slope is taken of the other branch alone. Of hundreds of nested switches only the last few are looked at.
        while len(switches) < 8 and (zero := gradient_support.zero_branch(g)) is not None:
            switches.append(zero)
            g = g.owner.inputs[3 - zero[0]]
        found = gradient_support.support(g)
        terms = self._stable(inputs, outputs, g)
        if found is not None and gradient_support.needs_support(self.scalar_op, inputs, found.strict):
            switches.append((2, found.make()))
        for position, condition in reversed(switches):
            terms = [_switched(v, g, condition, position) for v in terms]
        return terms

    def _stable(self, inputs, outputs, g):
        """`_bgrad`, finite for logarithms of large exponentials and for roots that are at their minimum."""
        gradient_support = tensor.gradient_support
        if gradient_support.is_log_of_exponentials(self.scalar_op, inputs):
            return [g / tensor.exp(outputs[0])]
        terms = self._bgrad(inputs, outputs, [g])
        if gradient_support.is_root_at_minimum(self.scalar_op, inputs, g):
            terms[0] = elementwise(zero_times)(terms[0], g)
        return terms

    def R_op(self, inputs, eval_points):
        outputs = self(*inputs, return_list=True)
        result = []
        for i, out in enumerate(outputs):
            gradients = [v.zeros_like() for v in outputs]
            gradients[i] = out.ones_like()
            total = None
            for g, point in zip(self._bgrad(inputs, outputs, gradients), eval_points):
                if point is None or isinstance(g.type, DisconnectedType):
                    continue
                # A slope that is not defined counts for nothing where nothing moves.
                move = out.zeros_like() if _is_zero(point) else g * point
                total = move if total is None else total + move
            result.append(total)
        return result

    def _bgrad(self, inputs, outputs, output_gradients):
        """The gradient of the scalar Op as a graph on tensors, in the shape of the outputs."""
        with flags_of_thread(compute_test_value="off"):
            scalar_inputs = [_scalar_like(v) for v in inputs]
            scalar_gradients = [_scalar_like(v) for v in output_gradients]
            scalar_outputs = self.scalar_op.make_node(*[get_scalar_type(v.type.dtype)() for v in inputs]).outputs
            found = self.scalar_op.L_op(scalar_inputs, scalar_outputs, scalar_gradients)
        if not isinstance(found, (list, tuple)):
            raise TypeError("%s.grad returned %s instead of list or tuple" % (self.scalar_op, type(found)))
        if any(g is None for g in found):
            raise AssertionError("%s.grad returned None for an input" % self.scalar_op)
        tensors = dict(
            zip(
                scalar_gradients + scalar_outputs + scalar_inputs, list(output_gradients) + list(outputs) + list(inputs)
            )
        )
        ndim = inputs[0].type.ndim

        def on_tensors(v):
            if isinstance(v.type, (NullType, DisconnectedType)):
                return v
            if v in tensors:
                return tensors[v]
            if v.owner is None:
                return shuffled(constant(np.asarray(v.data), dtype=v.type.dtype), ["x"] * ndim)
            return elementwise(v.owner.op)(*[on_tensors(u) for u in v.owner.inputs])

        return [on_tensors(g) for g in found]


# By the id of the scalar Op, which is not given to another while the Elemwise is there.
_elementwise: WeakValueDictionary = WeakValueDictionary()


def elementwise(scalar_op):
    """An Elemwise of `scalar_op`, nothing overwritten: the same for all who ask while one is in use."""
    found = _elementwise.get(id(scalar_op))
    if found is None:
        found = _elementwise[id(scalar_op)] = Elemwise(scalar_op)
    return found


def _switched(term, g, condition, position):
    """The gradient term `term`, of the shape of `g`, in a switch that has 0 as its branch number `position`."""
    if isinstance(term.type, (NullType, DisconnectedType)):
        return term
    switch = tensor.switch
    chosen = switch(condition, 0, term) if position == 1 else switch(condition, term, 0)
    return chosen if chosen.type.broadcastable == g.type.broadcastable else term


def _is_zero(v):
    try:
        return get_scalar_constant_value(v) == 0
    except NotScalarConstantError:
        return False


def common_shape(node, inputs):
    """The shape that arrays for the inputs of `node` stretch to; ValueError when they do not fit.

    Only dimensions declared broadcastable stretch.
    """
    shape = [1] * inputs[0].ndim
    chosen = [None] * len(shape)
    unique = list(dict.fromkeys(node.inputs))
    for v, x in zip(node.inputs, inputs):
        for d, (length, b) in enumerate(zip(x.shape, v.type.broadcastable)):
            if b:
                continue
            if chosen[d] is None:
                chosen[d], shape[d] = v, length
            elif length != shape[d]:
                raise ValueError(
                    "Input dimension mis-match. (input[%d].shape[%d] = %d, input[%d].shape[%d] = %d)"
                    % (unique.index(chosen[d]), d, shape[d], unique.index(v), d, length)
                )
    return tuple(shape)


def _named_function(spec):
    """The numpy function, or the scipy one with a dotted name, that an ``nfunc_spec`` names; None without one."""
    if not spec:
        return None
    if hasattr(np, spec[0]):
        return getattr(np, spec[0])
    import importlib

    module, _, name = spec[0].rpartition(".")
    try:
        return getattr(importlib.import_module(module), name, None) if module else None
    except ImportError:  # "scipy.stats.chi2.sf": a method of an object in a module
        owner = _named_function((module,))
        return getattr(owner, name, None)


def _scalar_like(v):
    if isinstance(v.type, (NullType, DisconnectedType)):
        return v
    return get_scalar_type(v.type.dtype)()


def _float_zeros(v):
    zeros = v.zeros_like()
    return zeros if zeros.type.dtype in _continuous else zeros.astype(config.floatX)
