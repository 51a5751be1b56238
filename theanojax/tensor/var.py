"""Symbolic tensors: the operators and methods they share, and the classes that have them.

The methods only dispatch to the functions of `theanojax.tensor`, which are looked up when a method is called:
the modules that define them import this one.
"""

import copy
import inspect
import warnings

import numpy as np

import theanojax.scalar as scalar
from theanojax.config import config
from theanojax.errors import AsTensorError
from theanojax.graph.above import tensor
from theanojax.graph.tracebacks import bounded, user_stacklevel
from theanojax.graph.variable import Constant, Variable
from theanojax.tensor.type import TensorType


def equal_slices(s1, s2):
    return s1.start == s2.start and s1.stop == s2.stop and s1.step == s2.step


# What an operator may raise so that Python asks the other operand next.
_GIVE_WAY = (NotImplementedError, AsTensorError)


@bounded
class _tensor_py_operators:
    """Operators and methods of everything that is a symbolic tensor."""

    # numpy's own operators leave the work to ours.
    __array_priority__ = 1000

    # False on the result of a comparison: asking for its truth is a mistake, such as ``a < b < c``.
    _is_nonzero = True

    def __abs__(self):
        return tensor.abs_(self)

    def __neg__(self):
        return tensor.neg(self)

    def __lt__(self, other):
        return _no_truth(tensor.lt(self, other))

    def __le__(self, other):
        return _no_truth(tensor.le(self, other))

    def __gt__(self, other):
        return _no_truth(tensor.gt(self, other))

    def __ge__(self, other):
        return _no_truth(tensor.ge(self, other))

    def __bool__(self):
        if self._is_nonzero:
            return True
        raise TypeError("Variables do not support boolean operations.")

    def __nonzero__(self):
        return self.__bool__()

    def __invert__(self):
        return tensor.invert(self)

    def __and__(self, other):
        return tensor.and_(self, other)

    def __or__(self, other):
        return tensor.or_(self, other)

    def __xor__(self, other):
        return tensor.xor(self, other)

    def __rand__(self, other):
        return tensor.and_(other, self)

    def __ror__(self, other):
        return tensor.or_(other, self)

    def __rxor__(self, other):
        return tensor.xor(other, self)

    def __add__(self, other):
        try:
            return tensor.add(self, other)
        except _GIVE_WAY:
            return NotImplemented

    def __sub__(self, other):
        try:
            return tensor.sub(self, other)
        except _GIVE_WAY:
            return NotImplemented

    def __mul__(self, other):
        try:
            return tensor.mul(self, other)
        except _GIVE_WAY:
            return NotImplemented

    def __div__(self, other):
        try:
            return tensor.div_proxy(self, other)
        except tensor.IntegerDivisionError:
            raise
        except _GIVE_WAY:
            return NotImplemented

    def __pow__(self, other):
        try:
            return tensor.pow(self, other)
        except _GIVE_WAY:
            return NotImplemented

    def __mod__(self, other):
        try:
            return tensor.mod_check(self, other)
        except tensor.ComplexError:
            raise  # a subclass of NotImplementedError that the user has to see
        except _GIVE_WAY:
            return NotImplemented

    def __divmod__(self, other):
        return tensor.divmod(self, other)

    def __truediv__(self, other):
        return tensor.true_div(self, other)

    def __floordiv__(self, other):
        return tensor.floor_div(self, other)

    def __rtruediv__(self, other):
        return tensor.true_div(other, self)

    def __rfloordiv__(self, other):
        return tensor.floor_div(other, self)

    def __radd__(self, other):
        return tensor.add(other, self)

    def __rsub__(self, other):
        return tensor.sub(other, self)

    def __rmul__(self, other):
        return tensor.mul(other, self)

    def __rdiv__(self, other):
        return tensor.div_proxy(other, self)

    def __rmod__(self, other):
        return tensor.mod(other, self)

    def __rdivmod__(self, other):
        return tensor.divmod(other, self)

    def __rpow__(self, other):
        return tensor.pow(other, self)

    def __ceil__(self):
        return tensor.ceil(self)

    def __floor__(self):
        return tensor.floor(self)

    def __trunc__(self):
        return tensor.trunc(self)

    # Matrix product, as in ``a @ b``.
    def __matmul__(self, other):
        return tensor.dot(self, other)

    def __rmatmul__(self, other):
        return tensor.dot(other, self)

    def __dot__(left, right):
        return tensor.dot(left, right)

    def __rdot__(right, left):
        return tensor.dot(left, right)

    dot = __dot__

    # Type and shape.
    ndim = property(lambda self: self.type.ndim, doc="The number of dimensions.")
    broadcastable = property(lambda self: self.type.broadcastable, doc="Which dimensions have length 1 and stretch.")
    dtype = property(lambda self: self.type.dtype, doc="The name of the dtype.")
    shape = property(lambda self: tensor.shape(self), doc="The shape, a symbolic vector of int64.")
    size = property(
        lambda self: self.shape[0] if self.ndim == 1 else tensor.prod(self.shape),
        doc="The number of elements, a symbolic integer.",
    )
    T = property(lambda self: tensor.transpose(self), doc="The dimensions in reverse order.")
    real = property(lambda self: tensor.real(self), doc="The real part.")
    imag = property(lambda self: tensor.imag(self), doc="The imaginary part.")

    def transpose(self, *axes):
        """The dimensions in the order `axes` (integers, or one sequence of them); reversed without arguments."""
        if not axes:
            return tensor.transpose(self)
        if len(axes) == 1 and np.iterable(axes[0]):
            axes = axes[0]
        return tensor.transpose(self, axes)

    def reshape(self, shape, ndim=None):
        """This tensor with another shape of the same size; one length may be -1.

        `shape` is a sequence, a symbolic vector or a single length. `ndim` has to be given when the length of a
        symbolic `shape` can't be found out.
        """
        if ndim is not None and not isinstance(ndim, (int, np.integer)):
            raise ValueError("Expected ndim to be an integer, is " + str(type(ndim)))
        return tensor.reshape(self, shape, ndim=ndim)

    def dimshuffle(self, *pattern):
        """The dimensions in the order `pattern`: integers name dimensions of this tensor, "x" adds one of length 1.

        A dimension that is not named must be broadcastable; it is dropped.
        """
        if len(pattern) == 1 and isinstance(pattern[0], (list, tuple)):
            pattern = pattern[0]
        if all([type(i) in (int, str) for i in pattern]):
            return tensor.elemwise.shuffled(self, pattern)
        return tensor.DimShuffle(list(self.type.broadcastable), pattern)(self)

    def flatten(self, ndim=1):
        return tensor.flatten(self, ndim)

    def ravel(self):
        """This tensor flattened to a vector."""
        return tensor.flatten(self)

    def squeeze(self):
        return tensor.extra_ops.squeeze(self)

    def swapaxes(self, axis1, axis2):
        return tensor.swapaxes(self, axis1, axis2)

    def diagonal(self, offset=0, axis1=0, axis2=1):
        return tensor.diagonal(self, offset, axis1, axis2)

    def trace(self):
        """The sum of the diagonal of this matrix; see ``theano.tensor.nlinalg.trace``."""
        return tensor.linalg.nlinalg.trace(self)

    def transfer(self, target):
        """This value on the device `target`; see ``theano.tensor.transfer``."""
        return tensor.transfer(self, target)

    def astype(self, dtype):
        """This tensor in the dtype `dtype`; see ``theano.tensor.cast``."""
        return tensor.cast(self, dtype)

    def copy(self, name=None):
        """A copy, under another name if given."""
        copied = tensor.tensor_copy(self)
        copied.name = name
        return copied

    # Indexing. There is no __len__: Python wants a number from it.
    def __getitem__(self, args):
        return tensor.indexing.subtensor.getitem(self, args)

    def __iter__(self):
        try:
            for i in range(tensor.get_vector_length(self)):
                yield self[i]
        except TypeError:
            raise TypeError(
                "TensorType does not support iteration. Maybe you are using builtin.sum instead of "
                "theano.tensor.sum? (Maybe .max?)"
            ) from None

    def take(self, indices, axis=None, mode="raise"):
        return tensor.indexing.subtensor.take(self, indices, axis, mode)

    def choose(self, choices, out=None, mode="raise"):
        """``theano.tensor.choose(self, choices)``; `out` and `mode` are ignored, as in Theano."""
        return tensor.choose(self, choices, out=None, mode="raise")

    def compress(self, a, axis=None):
        """``theano.tensor.compress(self, a, axis)``: the slices of `a` where this vector is true."""
        return tensor.extra_ops.compress(self, a, axis=axis)

    def nonzero(self, return_matrix=False):
        return tensor.nonzero(self, return_matrix=return_matrix)

    def nonzero_values(self):
        return tensor.nonzero_values(self)

    def repeat(self, repeats, axis=None):
        return tensor.extra_ops.repeat(self, repeats, axis)

    def sort(self, axis=-1, kind="quicksort", order=None):
        return tensor.sort(self, axis, kind, order)

    def argsort(self, axis=-1, kind="quicksort", order=None):
        return tensor.argsort(self, axis, kind, order)

    def searchsorted(self, v, side="left", sorter=None):
        return tensor.extra_ops.searchsorted(self, v, side, sorter)

    # Elementwise functions; those of one argument follow from the tables of scalar Ops, below.
    def round(self, mode=None):
        return tensor.round(self, mode)

    def clip(self, a_min, a_max):
        return tensor.clip(self, a_min, a_max)

    def fill(self, value):
        return tensor.fill(self, value)

    def zeros_like(model, dtype=None):
        return tensor.zeros_like(model, dtype=dtype)

    def ones_like(model, dtype=None):
        return tensor.ones_like(model, dtype=dtype)

    # Reductions and scans.
    def any(self, axis=None, keepdims=False):
        return tensor.any(self, axis=axis, keepdims=keepdims)

    def all(self, axis=None, keepdims=False):
        return tensor.all(self, axis=axis, keepdims=keepdims)

    def sum(self, axis=None, dtype=None, keepdims=False, acc_dtype=None):
        return tensor.sum(self, axis=axis, dtype=dtype, keepdims=keepdims, acc_dtype=acc_dtype)

    def prod(self, axis=None, dtype=None, keepdims=False, acc_dtype=None):
        return tensor.prod(self, axis=axis, dtype=dtype, keepdims=keepdims, acc_dtype=acc_dtype)

    def norm(self, L, axis=None, keepdims=False):
        """``sum(abs(self) ** L, axis) ** (1 / L)``, L a finite number other than 0; NotImplementedError for the others.

        `axis` is an int, a sequence of ints or None for all; with `keepdims` the axes stay as dimensions of length 1.
        """
        if L == 0:
            raise NotImplementedError("the norm with L=0 is not implemented")
        if np.isinf(L):
            raise NotImplementedError("the norm with infinite L is not implemented")
        y = tensor.pow(tensor.pow(tensor.abs_(self), L).sum(axis=axis), 1.0 / L)
        return tensor.makeKeepDims(self, y, axis) if keepdims else y

    def mean(self, axis=None, dtype=None, keepdims=False, acc_dtype=None):
        return tensor.mean(self, axis=axis, dtype=dtype, keepdims=keepdims, acc_dtype=acc_dtype)

    def var(self, axis=None, ddof=0, keepdims=False, corrected=False):
        return tensor.var(self, axis=axis, ddof=ddof, keepdims=keepdims, corrected=corrected)

    def std(self, axis=None, ddof=0, keepdims=False, corrected=False):
        return tensor.std(self, axis=axis, ddof=ddof, keepdims=keepdims, corrected=corrected)

    def min(self, axis=None, keepdims=False):
        return tensor.min(self, axis, keepdims=keepdims)

    def max(self, axis=None, keepdims=False):
        return tensor.max(self, axis, keepdims=keepdims)

    def argmin(self, axis=None, keepdims=False):
        return tensor.argmin(self, axis, keepdims=keepdims)

    def argmax(self, axis=None, keepdims=False):
        return tensor.argmax(self, axis, keepdims=keepdims)

    def ptp(self, axis=None):
        return tensor.ptp(self, axis)

    def cumsum(self, axis=None):
        return tensor.extra_ops.cumsum(self, axis)

    def cumprod(self, axis=None):
        return tensor.extra_ops.cumprod(self, axis)

    def get_scalar_constant_value(self):
        return tensor.get_scalar_constant_value(self)


def _method(name, doc):
    def method(self):
        return getattr(tensor, name)(self)

    method.__name__, method.__doc__ = name, doc
    method.__qualname__ = "_tensor_py_operators." + name
    return method


for _name, _op in scalar.op.tensor_rows(vars(scalar)):
    if _op.tensor_method:
        setattr(_tensor_py_operators, _name, _method(_name, _op.tensor_doc))
_tensor_py_operators.conjugate = _tensor_py_operators.conj

for _name, _op in vars(_tensor_py_operators).items():
    if inspect.isfunction(_op) and not _name.startswith("_") and _op.__doc__ is None:
        _op.__doc__ = "``theano.tensor.%s`` of this tensor; see there for parameters, dtype and errors." % _name


def _no_truth(comparison):
    comparison._is_nonzero = False
    return comparison


class TensorVariable(_tensor_py_operators, Variable):
    """A symbolic tensor, free or computed by an Op."""

    def __init__(self, type, owner=None, index=None, name=None):
        super().__init__(type, owner=owner, index=index, name=name)
        if config.warn_float64 != "ignore" and type.dtype == "float64":
            _complain_of_float64(config.warn_float64)


Variable.plain_constructors.add(TensorVariable.__init__)  # a copy is not complained of


def _complain_of_float64(action):
    msg = (
        "You are creating a TensorVariable with float64 dtype. You requested an action via the Theano flag "
        "warn_float64={ignore,warn,raise,pdb}."
    )
    if action == "warn":
        warnings.warn(msg, stacklevel=user_stacklevel())
    elif action == "raise":
        raise Exception(msg)
    elif action == "pdb":
        import pdb

        pdb.set_trace()


TensorType.Variable = TensorVariable


def hash_from_ndarray(data):
    """A hash of an array that depends on its elements, shape, strides and dtype, the same in every process."""
    data = np.ascontiguousarray(data) if not data.flags.c_contiguous else data
    parts = (data.data, str(data.shape).encode(), str(data.strides).encode(), str(data.dtype).encode())
    import hashlib

    return "m" + hashlib.sha256(b"".join(hashlib.sha256(p).digest() for p in parts)).hexdigest()


class TensorConstantSignature(tuple):
    """The pair (type, array), comparable and hashable by value; NaN equals NaN."""

    def __eq__(self, other):
        if type(self) is not type(other):
            return False
        (t0, d0), (t1, d1) = self, other
        if t0 != t1 or d0.shape != d1.shape or self.sum != other.sum:
            return False
        if not np.array_equal(d0, d1, equal_nan=self.has_nan):
            return False
        # 0 and -0 are equal, but 1 / x tells them apart.
        return d0.dtype.kind != "f" or np.array_equal(np.signbit(d0) & (d0 == 0), np.signbit(d1) & (d1 == 0))

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        t, d = self
        return hash((type(self), t, d.shape, self.sum))

    def theano_hash(self):
        return hash_from_ndarray(self[1])

    @property
    def has_nan(self):
        return isinstance(self.no_nan, np.ma.MaskedArray)

    @property
    def no_nan(self):
        """The array, with NaN masked out if there are any."""
        if "_no_nan" not in self.__dict__:
            missing = np.isnan(self[1])
            self.__dict__["_no_nan"] = np.ma.masked_array(self[1], missing) if missing.any() else self[1]
        return self.__dict__["_no_nan"]

    @property
    def sum(self):
        """The sum of the finite elements, a cheap summary that tells most arrays apart."""
        if "_sum" not in self.__dict__:
            data = self[1]
            with np.errstate(all="ignore"):
                total = data.item() if data.ndim == 0 else data.sum().item()
                if not np.isfinite(total):
                    total = np.sum(data, where=np.isfinite(data)).item()
                    # Finite elements may still overflow.
                    total = total if np.isfinite(total) else 0
            self.__dict__["_sum"] = total
        return self.__dict__["_sum"]


class TensorConstant(_tensor_py_operators, Constant):
    """A tensor whose value is known; made by ``theano.tensor.constant``."""

    def __init__(self, type, data, name=None):
        super().__init__(type, data, name)
        self.tag.unique_value = None
        if isinstance(data, np.ndarray) and data.ndim > 0 and data.size:
            first = data.flat[0]
            if (data == first).all():
                self.tag.unique_value = first

    def __str__(self):
        number = getattr(self.tag, "unique_value", None)  # a pickle of Theano's may have none
        text = str(self.data) if number is None else "%s of %s" % (self.data.shape, number)
        return "TensorConstant{%s}" % (text if len(text) <= 20 else text[:10] + ".." + text[-10:])

    def signature(self):
        return TensorConstantSignature((self.type, self.data))

    def equals(self, other):
        """True if `other`, a constant, an array or a number, has the same type and value."""
        if isinstance(other, (np.ndarray, int, float)):
            other = tensor.constant(other)
        return isinstance(other, TensorConstant) and self.signature() == other.signature()

    # A copy must not claim to be the cached constant.
    def __copy__(self):
        return type(self)(self.type, self.data, self.name)

    def __deepcopy__(self, memo):
        return type(self)(copy.deepcopy(self.type, memo), copy.deepcopy(self.data, memo), self.name)


TensorType.Constant = TensorConstant


__all__ = ["TensorVariable", "TensorConstantSignature", "TensorConstant", "_tensor_py_operators", "AsTensorError"]
