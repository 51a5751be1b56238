"""Reductions: sums, products, extrema and logic along axes."""

import functools
from copy import copy

import numpy as np

from theanojax import scalar
from theanojax.arrays import HOST
from theanojax.config import config
from theanojax.graph.gradient_types import grad_not_implemented
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.scalar.dtype_rules import upcast_out
from theanojax.scalar.op import BinaryScalarOp, define
from theanojax.scalar.types import continuous_types, discrete_types, upcast
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.elemwise import elementwise, shuffled
from theanojax.tensor.op_methods import linear_in
from theanojax.tensor.type import TensorType

__all__ = [
    "All",
    "Any",
    "CAReduce",
    "CAReduceDtype",
    "Mean",
    "MulWithoutZeros",
    "Prod",
    "ProdWithoutZeros",
    "Sum",
    "mul_without_zeros",
]

_continuous = {t.dtype for t in continuous_types}
_discrete = {t.dtype for t in discrete_types}

# Integers are summed in 64 bits, small floats in the next larger ones.
_WIDE_INT = {
    "bool": "int64",
    "int8": "int64",
    "int16": "int64",
    "int32": "int64",
    "uint8": "uint64",
    "uint16": "uint64",
    "uint32": "uint64",
}
_WIDE = dict(_WIDE_INT, float16="float32", float32="float64", complex64="complex128")
_WIDE_BEFORE = {
    "int8": "int32",
    "int16": "int32",
    "int32": "int64",
    "uint8": "uint32",
    "uint16": "uint32",
    "uint32": "uint64",
}


# ------------------------------------------------------------------ how each scalar Op reduces an array
def _without_zeros(xp, x, axis, dtype):
    one = xp.ones_like(x)
    product = xp.prod(xp.where(x == 0, one, x), axis=axis, dtype=dtype)
    return xp.where(xp.any(x != 0, axis=axis), product, xp.zeros_like(product))


def _bitwise(name, logical, identity):
    def reduce(xp, x, axis, dtype):
        if str(x.dtype) == "bool" and logical is not None:
            return getattr(xp, logical)(x, axis=axis)
        x = xp.astype(x, dtype)
        for d in sorted(axis, reverse=True):
            if x.shape[d] == 0:
                shape = x.shape[:d] + x.shape[d + 1 :]
                x = xp.full(shape, np.array(identity).astype(dtype))
                continue
            x = getattr(xp, name).reduce(x, axis=d)
        return x

    return reduce


def _extremum(name):
    def reduce(xp, x, axis, dtype):
        for d in axis:
            if x.shape[d] == 0:
                raise ValueError("Input of CAReduce{%simum} has zero-size on axis %d" % (name, d))
        return getattr(xp, name)(x, axis=axis)

    return reduce


def _sum(xp, x, axis, dtype):
    return xp.any(x, axis=axis) if dtype == "bool" else xp.sum(x, axis=axis, dtype=dtype)


def _product(xp, x, axis, dtype):
    return xp.all(x, axis=axis) if dtype == "bool" else xp.prod(x, axis=axis, dtype=dtype)


def _not_zero(xp, x, y):
    return xp.where(x == 0, y, xp.where(y == 0, x, x * y))


MulWithoutZeros, mul_without_zeros = define(
    "MulWithoutZeros",
    "mul_without_zeros",
    upcast_out,
    _not_zero,
    base=BinaryScalarOp,
    module=__name__,
    identity=0.0,
    commutative=True,
    associative=True,
    doc="A product in which a zero counts as a one, unless all are zeros.",
)

_REDUCERS = {
    scalar.Add: _sum,
    scalar.Mul: _product,
    scalar.Maximum: _extremum("max"),
    scalar.Minimum: _extremum("min"),
    scalar.AND: _bitwise("bitwise_and", "all", -1),
    scalar.OR: _bitwise("bitwise_or", "any", 0),
    scalar.XOR: _bitwise("bitwise_xor", None, 0),
    MulWithoutZeros: _without_zeros,
}
_UFUNCS = {
    scalar.Add: np.add,
    scalar.Mul: np.multiply,
    scalar.Maximum: np.maximum,
    scalar.Minimum: np.minimum,
    scalar.AND: np.bitwise_and,
    scalar.OR: np.bitwise_or,
    scalar.XOR: np.bitwise_xor,
}


def _look_up(table, scalar_op):
    return next((found for cls, found in table.items() if isinstance(scalar_op, cls)), None)


class CAReduce(Op):
    """Joins the elements along axes by a commutative and associative scalar Op of two inputs.

    Parameters
    ----------
    scalar_op : ScalarOp. NotImplementedError if it does not go from two numbers (or any number of them) to one.
    axis : int, sequence of ints, or None for all axes. Negative ones count from the end.
    """

    __props__ = ("scalar_op", "axis")
    cheap_on_host = True
    array_role = "reduction"
    vectorize_node = batch_rules.reduction

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if cls.compute is not CAReduce.compute or cls.perform is not CAReduce.perform:
            cls.array_role = vars(cls).get("array_role")  # it does something else than its scalar Op says

    def __init__(self, scalar_op, axis=None):
        if scalar_op.nin not in (-1, 2) or scalar_op.nout != 1:
            raise NotImplementedError("CAReduce only supports binary functions with a single output.")
        self.scalar_op = scalar_op
        if axis is None:
            self.axis = None
        elif isinstance(axis, (int, np.integer)) or (isinstance(axis, np.ndarray) and axis.ndim == 0):
            self.axis = (int(axis),)
        else:
            self.axis = tuple(sorted({int(a) for a in axis}))

    @property
    def ufunc(self):
        """A numpy ufunc of two arguments that does the same."""
        return _look_up(_UFUNCS, self.scalar_op) or np.frompyfunc(self.scalar_op.impl, 2, 1)

    def set_ufunc(self, scalar_op):
        """Kept for subclasses that call it."""

    def __setstate__(self, state):
        self.__dict__.update({k: v for k, v in state.items() if k != "ufunc"})

    def _output_dtype(self, input_dtype):
        return input_dtype

    def make_node(self, input):
        x = as_tensor_variable(input)
        ndim = x.type.ndim
        op, axes = self, self.axis
        if axes is None:
            axes = range(ndim)
        for a in axes:
            if not -ndim <= a < ndim:
                raise ValueError("Not enough dimensions on %s to reduce on axis %s" % (x, a))
        if any(a < 0 for a in axes):
            axes = tuple([a + ndim if a < 0 else a for a in axes])
            op = copy(self)
            op.axis = axes
        pattern = [b for i, b in enumerate(x.type.broadcastable) if i not in axes]
        return Apply(op, [x], [TensorType(self._output_dtype(x.type.dtype), pattern)()])

    def __str__(self):
        axes = "" if self.axis is None else "{%s}" % ", ".join(map(str, self.axis))
        return "Reduce{%s}%s" % (self.scalar_op, axes)

    def runs_on_host(self, node):
        return _look_up(_REDUCERS, self.scalar_op) is None or super().runs_on_host(node)

    def compile_c_code(self, node):
        self.scalar_op.compile_loops([self._working_dtype(node)] * 2)

    def _working_dtype(self, node):
        return getattr(self, "acc_dtype", None) or node.outputs[0].type.dtype

    def compute(self, xp, node, x):
        axes = tuple(range(x.ndim)) if self.axis is None else self.axis
        dtype = self._working_dtype(node)
        reduce = _look_up(_REDUCERS, self.scalar_op)
        if reduce is not None:
            return reduce(xp, x, axes, dtype)
        for d in sorted(axes, reverse=True):
            if x.shape[d] == 0:
                if not hasattr(self.scalar_op, "identity"):
                    raise ValueError(
                        "Input (%s) has zero-size on axis %s, but self.scalar_op (%s) has no attribute "
                        "'identity'" % (x, d, self.scalar_op)
                    )
                x = np.full(x.shape[:d] + x.shape[d + 1 :], self.scalar_op.identity, dtype=dtype)
            elif self.scalar_op.only_c_code():
                slices = np.moveaxis(np.asarray(x, dtype=dtype), d, 0)
                x = functools.reduce(lambda a, b: HOST.astype(self.scalar_op.compute(HOST, None, a, b), dtype), slices)
            else:
                x = np.asarray(self.ufunc.reduce(x, axis=d), dtype=dtype)
        return x

    def perform(self, node, inputs, output_storage, params=None):
        """One axis after the other, the last first, as Theano did it: sums are rounded in that order."""
        axes = range(inputs[0].ndim) if self.axis is None else self.axis
        reduce = _look_up(_REDUCERS, self.scalar_op)
        if reduce is None or len(axes) < 2 or type(self).compute is not CAReduce.compute:
            return super().perform(node, inputs, output_storage)
        out = node.outputs[0].type.dtype
        dtype = getattr(self, "acc_dtype", None) or out
        x = inputs[0]
        for d in sorted(axes, reverse=True):
            x = reduce(HOST, x, (d,), dtype)
        output_storage[0][0] = np.asarray(x, dtype=out)

    def infer_shape(self, node, shapes):
        if self.axis is None:
            return ((),)
        return ([s for i, s in enumerate(shapes[0]) if i not in self.axis],)


# ------------------------------------------------------------------ logic
class _LogicReduce(CAReduce):
    """Shared by All and Any: the input counts as true where it is not zero."""

    def _output_dtype(self, input_dtype):
        return "bool"

    def __str__(self):
        name = self.__class__.__name__
        return name if self.axis is None else "%s{%s}" % (name, ", ".join(map(str, self.axis)))

    def make_node(self, input):
        x = as_tensor_variable(input)
        if x.dtype != "bool":
            from theanojax.tensor.math import neq

            x = neq(x, 0)
        return super().make_node(x)

    def grad(self, inputs, output_gradients):
        return [inputs[0].zeros_like(config.floatX)]

    def R_op(self, inputs, eval_points):
        return [None]  # a truth value does not move


class All(_LogicReduce):
    """Whether all elements along the axes are true (not zero)."""

    __props__ = ("axis",)
    __str__ = _LogicReduce.__str__

    def __init__(self, axis=None):
        super().__init__(scalar.and_, axis)


class Any(_LogicReduce):
    """Whether any element along the axes is true (not zero)."""

    __props__ = ("axis",)
    __str__ = _LogicReduce.__str__

    def __init__(self, axis=None):
        super().__init__(scalar.or_, axis)


# ------------------------------------------------------------------ sums and products
class CAReduceDtype(CAReduce):
    """A reduction that accumulates in one dtype and returns another.

    Parameters
    ----------
    dtype : of the result; None: the input's, with integers widened to 64 bits.
    acc_dtype : of the intermediate results; None: as `dtype`, with small floats widened once.

    Raises
    ------
    TypeError : `acc_dtype` cannot hold the input.
    """

    __props__ = ("scalar_op", "axis", "dtype", "acc_dtype")

    def __init__(self, scalar_op, axis=None, dtype=None, acc_dtype=None):
        super().__init__(scalar_op, axis=axis)
        self.dtype = dtype
        self.acc_dtype = acc_dtype

    def __setstate__(self, state):
        super().__setstate__(state)
        # Pickles from before there was a choice of dtypes.
        self.__dict__.setdefault("dtype", "OLD")
        self.__dict__.setdefault("acc_dtype", None)

    def _output_dtype(self, input_dtype):
        if self.dtype == "OLD":
            return _WIDE_BEFORE.get(input_dtype, input_dtype)
        return _WIDE_INT.get(input_dtype, input_dtype) if self.dtype is None else self.dtype

    def _acc_dtype(self, input_dtype):
        acc = self.acc_dtype
        if acc is None:
            return _WIDE.get(input_dtype, input_dtype)
        if acc in _continuous and input_dtype in _discrete:
            return acc
        needed = upcast(input_dtype, acc)
        if acc != needed:
            raise TypeError(
                "Cannot build %s node with input dtype %s and acc_dtype %s, as precision would be lost. To correct "
                "this error, you can:\n  - not specify acc_dtype, or\n  - use an acc_dtype at least as precise as %s."
                '\n  - specify "dtype" instead of "acc_dtype", so the reduction will be precise, but the result will '
                'be casted into "dtype" at the end.\nIf you are expecting the precision loss, you can use '
                'tensor.cast(..., dtype="%s"), on your input.' % (self, input_dtype, acc, needed, acc)
            )
        return acc

    def make_node(self, input):
        x = as_tensor_variable(input)
        dtype, acc_dtype = self._output_dtype(x.dtype), self._acc_dtype(x.dtype)
        op = self
        if (dtype, acc_dtype) != (self.dtype, self.acc_dtype):
            op = _sum_of(self.axis, dtype, acc_dtype) if type(self) is Sum else copy(self)
            op.dtype, op.acc_dtype = dtype, acc_dtype
        return CAReduce.make_node(op, x)

    def __str__(self):
        name = self.__class__.__name__
        if name == "CAReduceDtype":
            name = "ReduceDtype{%s}" % self.scalar_op
        axes = "" if self.axis is None else "axis=[%s], " % ", ".join(map(str, self.axis))
        return "%s{%sacc_dtype=%s}" % (name, axes, self.acc_dtype)

    def _padded(self, x):
        """The dimensions of the result, with 'x' where one of `x` was reduced; () when none was."""
        axes = range(x.type.ndim) if self.axis is None else self.axis
        kept = iter(range(x.type.ndim))
        return ["x" if d in axes else next(kept) for d in range(x.type.ndim)]


class Sum(CAReduceDtype):
    """The sum of the elements along the axes."""

    __props__ = ("axis", "dtype", "acc_dtype")
    __str__ = CAReduceDtype.__str__

    def __init__(self, axis=None, dtype=None, acc_dtype=None):
        super().__init__(scalar.add, axis=axis, dtype=dtype, acc_dtype=acc_dtype)

    def L_op(self, inputs, outputs, output_gradients):
        (x,) = inputs
        if outputs[0].dtype not in _continuous:
            return [x.zeros_like(dtype=config.floatX)]
        gz = as_tensor_variable(output_gradients[0])
        if self.axis == ():
            return [gz]
        return [elementwise(scalar.second)(x, shuffled(gz, self._padded(x)))]

    R_op = linear_in(0)


_sum_of = functools.lru_cache(maxsize=1000)(Sum)  # sums that are alike share one


class Prod(CAReduceDtype):
    """The product of the elements along the axes.

    Parameters
    ----------
    no_zeros_in_input : promises that no element is 0, which makes the gradient simpler and differentiable.
    """

    __props__ = ("axis", "dtype", "acc_dtype")

    def __init__(self, axis=None, dtype=None, acc_dtype=None, no_zeros_in_input=False):
        super().__init__(scalar.mul, axis=axis, dtype=dtype, acc_dtype=acc_dtype)
        self.no_zeros_in_input = no_zeros_in_input

    def __setstate__(self, state):
        super().__setstate__(state)
        self.__dict__.setdefault("no_zeros_in_input", False)

    def L_op(self, inputs, outputs, output_gradients):
        """Each element gets the product of the others.

        That is the product divided by the element where it has no zero. Where one element is zero, it alone gets
        something, the product of the others; where several are, nobody does.
        """
        from theanojax.tensor import math as T

        (x,) = inputs
        if outputs[0].dtype in _discrete or self.acc_dtype in _discrete:
            return [x.zeros_like(dtype=config.floatX)]
        gz = as_tensor_variable(output_gradients[0])
        if self.axis == ():
            return [gz]
        padded = self._padded(x)
        product = self(x).dimshuffle(padded)
        gz = gz.dimshuffle(padded)
        plain = gz * product / x
        if self.no_zeros_in_input:
            return [plain]
        zeros = T.eq(x, 0.0)
        count = T.sum(zeros, axis=self.axis)
        one_zero = T.eq(count, 1).dimshuffle(padded)
        the_zero = one_zero * zeros
        wanted = one_zero * T.neq(gz, 0.0)  # where the gradient is zero anyway, nothing need be computed
        others = ProdWithoutZeros(axis=self.axis)(wanted * x).dimshuffle(padded)
        no_zero = T.eq(count, 0).dimshuffle(padded)
        return [T.switch(no_zero, plain, T.switch(the_zero, others, 0.0) * gz)]

    def R_op(self, inputs, eval_points):
        (x,), (point,) = inputs, eval_points
        if point is None:
            return [None]
        total = self(x)
        slopes = self.L_op(inputs, [total], [total.ones_like()])[0]
        return [Sum(self.axis)(slopes * point).astype(total.dtype)]


class ProdWithoutZeros(CAReduceDtype):
    """The product of the elements that are not zero; zero where all are."""

    __props__ = ("axis", "dtype", "acc_dtype")

    def __init__(self, axis=None, dtype=None, acc_dtype=None):
        super().__init__(mul_without_zeros, axis=axis, dtype=dtype, acc_dtype=acc_dtype)

    def grad(self, inputs, output_gradients):
        return [
            grad_not_implemented(
                self,
                0,
                inputs[0],
                "2nd derivatives of `product(a)` is not currently supported.If `a` is guaranteed to "
                "contains no zeros, use `product(a, no_zeros_in_input=True)`.",
            )
        ]


class Mean(CAReduce):
    """The mean along one axis or of everything, always in float64. `theanojax.tensor.mean` does not use it."""

    vectorize_node = batch_rules.reduction

    def __init__(self, axis=None):
        super().__init__(scalar.add, axis)
        if self.axis is not None and len(self.axis) != 1:
            raise AssertionError("Mean reduces one axis, or all of them")

    def __str__(self):
        return "Mean" if self.axis is None else "Mean{%s}" % ", ".join(map(str, self.axis))

    def _output_dtype(self, input_dtype):
        return "float64"

    def compute(self, xp, node, x):
        return xp.mean(x, axis=self.axis, dtype="float64")
