"""Ops on shapes: reading them, asserting them, changing them without moving an element."""

import numpy as np

from theanojax.config import config
from theanojax.errors import NotScalarConstantError
from theanojax.graph.contract import same
from theanojax.graph.gradient_types import DisconnectedType, grad_not_implemented
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply, Variable
from theanojax.scalar.types import Scalar, get_scalar_type, upcast
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import (
    as_tensor_variable,
    constant,
    first_input_rule,
    get_scalar_constant_value,
    get_vector_length,
    length_rule,
    scalar_rule,
)
from theanojax.tensor.cast import cast
from theanojax.tensor.math import eq, maximum, mul, switch
from theanojax.tensor.op_methods import first_connected, linear_in, scalar_shape
from theanojax.tensor.type import TensorType, discrete_dtypes, float_dtypes, int_dtypes, integer_dtypes
from theanojax.tensor.var import TensorConstant


# ---------------------------------------------------------------------- between tensors and scalars
class TensorFromScalar(Op):
    """A Scalar variable as a tensor of no dimension."""

    __props__ = ()
    cheap_on_host = True
    plain_value = staticmethod(same)
    vectorize_node = batch_rules.same

    def make_node(self, s):
        if not isinstance(s.type, Scalar):
            raise AssertionError("TensorFromScalar needs a Scalar variable, got %s" % s.type)
        return Apply(self, [s], [TensorType(s.type.dtype, ())()])

    def compute(self, xp, node, s):
        return xp.asarray(s)

    infer_shape = scalar_shape

    def grad(self, inp, grads):
        (s,), (dt,) = inp, grads
        if s.type.dtype in float_dtypes:
            return [scalar_from_tensor(dt)]
        if s.type.dtype in discrete_dtypes:
            return [s.zeros_like().astype(config.floatX)]
        raise NotImplementedError("grad not implemented for complex dtypes")


class ScalarFromTensor(Op):
    """A tensor of no dimension as a Scalar variable."""

    __props__ = ()
    cheap_on_host = True
    plain_value = staticmethod(same)
    vectorize_node = batch_rules.same

    def make_node(self, t):
        if not isinstance(t.type, TensorType) or t.type.broadcastable != ():
            raise AssertionError("ScalarFromTensor needs a tensor of no dimension, got %s" % t.type)
        return Apply(self, [t], [get_scalar_type(dtype=t.type.dtype).make_variable()])

    def compute(self, xp, node, t):
        return t

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = inputs[0].flatten()[0]

    infer_shape = scalar_shape

    def grad(self, inp, grads):
        return [tensor_from_scalar(grads[0])]

    R_op = linear_in(0)


tensor_from_scalar = TensorFromScalar()
scalar_from_tensor = ScalarFromTensor()
scalar_rule(TensorFromScalar, ScalarFromTensor)(first_input_rule)


class MakeVector(Op):
    """A vector of scalars, all of one dtype. A simple ``stack`` that is easy to see through."""

    __props__ = ("dtype",)
    cheap_on_host = True
    vectorize_node = batch_rules.make_vector

    def __init__(self, dtype="int64"):
        self.dtype = dtype

    def make_node(self, *inputs):
        inputs = [as_tensor_variable(i) for i in inputs]
        if any(i.dtype != self.dtype for i in inputs):
            if upcast(self.dtype, *[i.dtype for i in inputs]) != self.dtype:
                raise AssertionError("The upcast of the inputs to MakeVector should match the dtype given in __init__.")
            inputs = [cast(i, dtype=self.dtype) for i in inputs]
        if any(i.ndim != 0 for i in inputs):
            raise AssertionError("MakeVector takes tensors of no dimension, got %s" % [i.type for i in inputs])
        return Apply(self, inputs, [TensorType(self.dtype, (False,))()])

    def of_lengths(self, node, lengths):
        return list(lengths)

    def compute(self, xp, node, *inputs):
        if not inputs:
            return xp.zeros((0,), dtype=self.dtype)
        return xp.stack([xp.asarray(i) for i in inputs])

    def perform(self, node, inputs, output_storage, params=None):
        output_storage[0][0] = np.array(inputs, dtype=self.dtype)  # np.stack takes ten times as long

    def infer_shape(self, node, ishapes):
        return [(len(ishapes),)]

    def grad(self, inputs, output_gradients):
        if self.dtype in discrete_dtypes:
            return [i.zeros_like().astype(config.floatX) for i in inputs]
        return [output_gradients[0][i] for i in range(len(inputs))]

    R_op = linear_in(0)


make_vector = MakeVector()
length_rule(MakeVector)(lambda node: len(node.inputs))


# ---------------------------------------------------------------------- reading shapes
class Shape(Op):
    """The shape of a value, as a vector of int64."""

    __props__ = ()
    _f16_ok = True
    vectorize_node = batch_rules.shape

    def make_node(self, x):
        if not isinstance(x, Variable):
            x = as_tensor_variable(x)
        return Apply(self, [x], [TensorType("int64", (False,))()])

    def lengths_read(self, ndim):
        return tuple(range(ndim))

    def compute(self, xp, node, x):
        return np.array(x.shape, dtype="int64")

    def infer_shape(self, node, in_shapes):
        return [[len(in_shapes[0])]]

    # The elements of a tensor have no part in its shape.
    def connection_pattern(self, node):
        return [[False]]

    def grad(self, inp, grads):
        return [DisconnectedType()()]

    def R_op(self, inputs, eval_points):
        return [None]


shape = Shape()
_shape = shape
length_rule(Shape)(lambda node: node.inputs[0].type.ndim)


class Shape_i(Op):
    """The length of a value along dimension `i`."""

    __props__ = ("i",)
    _f16_ok = True
    vectorize_node = batch_rules.length

    def __init__(self, i):
        if isinstance(i, np.ndarray) and str(i.dtype) not in integer_dtypes:
            raise AssertionError("Shape_i needs an integer, got %s" % i.dtype)
        self.i = int(i)

    def __str__(self):
        return "%s{%i}" % (type(self).__name__, self.i)

    def make_node(self, x):
        if not isinstance(x, Variable):
            raise TypeError("x must be Variable with ndim attribute", x)
        if x.ndim <= self.i:
            raise TypeError("x has too few dimensions for Shape_i", (x, self.i))
        return Apply(self, [x], [TensorType("int64", ())()])

    def lengths_read(self, ndim):
        return self.i

    def compute(self, xp, node, x):
        return np.array(x.shape[self.i], dtype="int64")

    infer_shape = scalar_shape

    def connection_pattern(self, node):
        return [[False]]

    def grad(self, inp, grads):
        return [
            grad_not_implemented(
                op=self, x_pos=0, x=inp[0], comment="No gradient for the shape of a matrix is implemented."
            )
        ]


def shape_i(var, i, fgraph=None):
    """``var.shape[i]``, as the shape feature of the graph being rewritten knows it if there is one."""
    if fgraph is None:
        fgraph = getattr(var, "fgraph", None)
    feature = getattr(fgraph, "shape_feature", None) if fgraph else None
    if feature is None:
        return var.shape[i]

    def add(node):
        if node.outputs[0] not in feature.shape_of:
            for v in node.inputs:
                if v.owner:
                    add(v.owner)
            feature.on_import(fgraph, node, "gof.ops.shape_i")

    if var not in feature.shape_of:
        add(var.owner)
    return feature.shape_of[var][i]


def shape_i_op(i):
    """The Op ``Shape_i(i)``, always the same object for the same `i`."""
    if i not in shape_i_op.cache:
        shape_i_op.cache[i] = Shape_i(i)
    return shape_i_op.cache[i]


shape_i_op.cache = {}


# ---------------------------------------------------------------------- asserting shapes
class SpecifyShape(Op):
    """`x`, of which the shape is now known; AssertionError when a value has another one."""

    view_map = {0: [0]}
    __props__ = ()
    cheap_on_host = True
    _f16_ok = True
    vectorize_node = batch_rules.specify_shape

    def make_node(self, x, shape):
        if not isinstance(x, Variable):
            x = as_tensor_variable(x)
        shape = as_tensor_variable(shape)
        if shape.ndim != 1 or shape.dtype not in integer_dtypes:
            raise AssertionError("the shape must be a vector of integers, got %s" % shape.type)
        if isinstance(shape, TensorConstant) and shape.data.size != x.ndim:
            raise AssertionError("the shape has %d elements, but x has %d dimensions" % (shape.data.size, x.ndim))
        return Apply(self, [x, shape], [x.type()])

    def compute(self, xp, node, x, shape):
        if x.ndim != shape.shape[0]:
            raise AssertionError(
                "SpecifyShape: vector of shape has %d elements, but the input has %d dimensions."
                % (shape.shape[0], x.ndim)
            )
        xp.guard(xp.all(shape == np.array(x.shape)), lambda: _other_shape(x.shape, shape))
        return x

    def infer_shape(self, node, shapes):
        lengths = []
        for dim in range(node.inputs[0].ndim):
            length = node.inputs[1][dim]
            try:
                length = as_tensor_variable(get_scalar_constant_value(length))
            except NotScalarConstantError:
                pass  # stays symbolic
            lengths.append(length)
        return [lengths]

    connection_pattern = first_connected(1)

    def grad(self, inp, grads):
        return [grads[0], DisconnectedType()()]

    R_op = linear_in(0, 1)


def _other_shape(given, wanted):
    dim = next(d for d, length in enumerate(given) if length != wanted[d])
    return AssertionError("SpecifyShape: dim %d of input has shape %d, expected %d." % (dim, given[dim], wanted[dim]))


specify_shape = SpecifyShape()


class Rebroadcast(Op):
    """`x` with other broadcast flags: ``Rebroadcast((0, True), (1, False))(x)``.

    A dimension that is declared broadcastable must have length 1; ValueError when the graph runs otherwise.
    """

    view_map = {0: [0]}
    __props__ = ("axis",)
    cheap_on_host = True
    _f16_ok = True
    vectorize_node = batch_rules.rebroadcast

    def __init__(self, *axis):
        self.axis = dict(sorted(axis))
        for dim, flag in self.axis.items():
            if not isinstance(dim, (np.integer, int)):
                raise TypeError("Rebroadcast needs integer axes. Got {}".format(dim))
            if not isinstance(flag, (np.bool_, bool)):
                raise TypeError("Rebroadcast needs bool for new broadcast pattern. Got {}".format(flag))

    def __str__(self):
        flags = ["?"] * (1 + max(self.axis, default=-1))
        for dim, flag in self.axis.items():
            flags[dim] = str(int(flag))
        return "%s{%s}" % (type(self).__name__, ",".join(flags))

    def make_node(self, x):
        if self.axis and x.ndim <= max(self.axis):
            raise ValueError("Trying to rebroadcast non-existent dimension")
        flags = [self.axis.get(i, b) for i, b in enumerate(x.type.broadcastable)]
        return Apply(self, [x], [x.type.clone(broadcastable=flags)()])

    def compute(self, xp, node, x):
        for dim, flag in self.axis.items():
            if flag and x.shape[dim] != 1:
                raise ValueError(
                    "Dimension %s in Rebroadcast's input was supposed to be 1 (got %s instead)" % (dim, x.shape[dim])
                )
        return x

    def numpy_code(self, node, args, source, spare):
        for dim, flag in self.axis.items():
            if flag:
                source.refuse("%s.shape[%d] != 1" % (args[0], dim))
        return args[0]

    def infer_shape(self, node, ishapes):
        return [tuple([constant(1) if self.axis.get(i, False) else length for i, length in enumerate(ishapes[0])])]

    def grad(self, inp, grads):
        return (Rebroadcast(*[(i, inp[0].type.broadcastable[i]) for i in self.axis])(grads[0]),)

    R_op = linear_in(0)


scalar_rule(Rebroadcast)(first_input_rule)


def simplify_rebroadcast(x):
    """`x`, with the Rebroadcasts that compute it merged into one, or none if no flag changes."""
    flags, source = {}, x
    while source.owner is not None and isinstance(source.owner.op, Rebroadcast):
        flags = {**source.owner.op.axis, **flags}
        source = source.owner.inputs[0]
    changed = [(i, flag) for i, flag in flags.items() if source.broadcastable[i] != flag]
    if not changed:
        return source
    node = x.owner
    if node.inputs[0] is source and node.op.axis == dict(changed):
        return x
    return Rebroadcast(*changed)(source)


def addbroadcast(x, *axes):
    """The tensor `x`, made broadcastable in the dimensions `axes`.

    `axes` are ints, none of them negative. ValueError if there is no such dimension and, when run, if a length there is
    not 1.
    """
    return simplify_rebroadcast(Rebroadcast(*[(axis, True) for axis in axes])(x))


def unbroadcast(x, *axes):
    """The tensor `x`, made not broadcastable in the dimensions `axes`, ints; ValueError if there is no such one."""
    return simplify_rebroadcast(Rebroadcast(*[(axis, False) for axis in axes])(x))


def patternbroadcast(x, broadcastable):
    """The tensor `x` with the broadcast pattern `broadcastable`, a sequence of bools, one a dimension.

    ValueError at run time if a length that should be 1 isn't.
    """
    return simplify_rebroadcast(Rebroadcast(*[(i, bool(flag)) for i, flag in enumerate(broadcastable)])(x))


# ---------------------------------------------------------------------- changing shapes
class Reshape(Op):
    """`x` with the shape `shp`, of `ndim` lengths, one of which may be -1."""

    view_map = {0: [0]}
    __props__ = ("ndim",)
    cheap_on_host = True
    static_inputs = (1,)
    _f16_ok = True
    vectorize_node = batch_rules.reshape

    def __init__(self, ndim, name=None):
        self.ndim = int(ndim)
        if self.ndim < 0:
            raise ValueError("The output dimensions after reshape must be 0 or greater")
        if name is not None:
            raise AssertionError("name attribute for Reshape has been deprecated")

    def __str__(self):
        return "%s{%s}" % (type(self).__name__, self.ndim)

    def make_node(self, x, shp):
        x, given = as_tensor_variable(x), shp
        shp = as_tensor_variable(shp, ndim=1)
        if not (shp.dtype in int_dtypes or (isinstance(shp, TensorConstant) and shp.data.size == 0)):
            raise TypeError("Shape must be integers", shp, shp.dtype)
        if isinstance(shp, TensorConstant):
            flags = [s == 1 for s in shp.data]
        else:
            lengths = [given] if getattr(given, "ndim", None) == 0 else given
            flags = [_is_one(lengths[i]) for i in range(self.ndim)]
        return Apply(self, [x, shp], [TensorType(x.type.dtype, flags)()])

    def compute(self, xp, node, x, shp):
        if len(shp) != self.ndim:
            raise ValueError(
                "shape argument to Reshape.perform has incorrect length %i, should be %i" % (len(shp), self.ndim), shp
            )
        return xp.reshape(x, tuple([max(xp.length(s), -1) for s in shp]))  # numpy takes any negative length for -1

    def numpy_code(self, node, args, source, spare):
        source.refuse("len(%s) != %d" % (args[1], self.ndim))
        return "%s.reshape([max(int(n), -1) for n in %s])" % (args[0], args[1])

    def infer_shape(self, node, ishapes):
        if len(ishapes[0]) == 0:
            return [(1,) * self.ndim]
        wanted = node.inputs[1]
        size = mul(*ishapes[0])
        if isinstance(wanted, TensorConstant):
            return [_constant_shape(list(wanted.data), size)]
        wanted = [wanted[i] for i in range(self.ndim)]
        if not wanted:
            return [()]
        # A -1 among the lengths makes their product negative. Lengths 0 and -1 together have no answer; this only
        # avoids the division by zero.
        rest = size // maximum(-mul(*wanted), 1)
        return [tuple([switch(eq(length, -1), rest, length) for length in wanted])]

    connection_pattern = first_connected(1)

    def grad(self, inp, grads):
        x, shp = inp
        return [reshape(grads[0], shape(x), ndim=x.ndim), DisconnectedType()()]

    R_op = linear_in(0, 1)


def _is_one(length):
    try:
        return bool(get_scalar_constant_value(as_tensor_variable(length)) == 1)
    except NotScalarConstantError:
        return False


def _constant_shape(wanted, size):
    """The lengths `wanted`, a -1 among them replaced by what `size`, the number of elements, leaves for it."""
    known = [length for length in wanted if length != -1]
    if len(wanted) - len(known) > 1:
        raise ValueError("shape argument to Reshape.perform must have at most one entry equal to -1")
    if len(wanted) == len(known):
        return wanted
    if not known:
        return [size]
    product = mul(*known)
    missing = size // (1 if product == 0 else product)
    return [missing if length == -1 else length for length in wanted]


def reshape(x, newshape, ndim=None):
    """The tensor `x`, in C order, in the shape `newshape`.

    Parameters
    ----------
    newshape : sequence of ints or integer scalars, or an integer vector; one may be -1, "what remains". Constants 1
        make broadcastable dimensions.
    ndim : int, the length of `newshape`; needed only where it can't be found out.

    Raises
    ------
    TypeError : `newshape` is no vector of integers.
    ValueError : its length is not known; or, when run, the number of elements differs.
    """
    if ndim is None:
        newshape = as_tensor_variable(newshape)
        if not newshape.ndim == 1:
            raise TypeError(
                "New shape in reshape must be a vector or a list/tuple of scalar. Got %s after conversion "
                "to a vector." % newshape
            )
        try:
            ndim = get_vector_length(newshape)
        except ValueError:
            raise ValueError(
                "The length of the provided shape (%s) cannot be automatically determined, so Theano is "
                "not able to know what the number of dimensions of the reshaped variable will be. You "
                "can provide the 'ndim' keyword argument to 'reshape' to avoid this problem." % newshape
            ) from None
    return Reshape(ndim)(x, newshape)


__all__ = [
    "TensorFromScalar",
    "ScalarFromTensor",
    "tensor_from_scalar",
    "scalar_from_tensor",
    "Shape",
    "shape",
    "SpecifyShape",
    "specify_shape",
    "Rebroadcast",
    "addbroadcast",
    "unbroadcast",
    "patternbroadcast",
    "Reshape",
    "reshape",
    "_shape",
]
