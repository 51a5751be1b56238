"""From Python values to symbolic tensors, and back to numbers where a graph has only one possible value."""

import contextlib
from math import copysign

import numpy as np

from theanojax.errors import AsTensorError, EmptyConstantError, NotScalarConstantError
from theanojax.graph.above import tensor
from theanojax.graph.rewriting.base import while_rewriting
from theanojax.graph.signals import by_signal
from theanojax.graph.variable import Apply, Constant, Variable
from theanojax.printing import debugprint
from theanojax.scalar.casting import convert
from theanojax.scalar.types import Scalar
from theanojax.tensor.type import TensorType, integer_dtypes
from theanojax.tensor.var import TensorConstant


def as_tensor_variable(x, name=None, ndim=None):
    """`x` as a symbolic tensor.

    Parameters
    ----------
    x : variable, Apply (its default output is taken), array, number, or a sequence of these.
    name : the name of the constant, where one is made.
    ndim : number of dimensions wanted. Missing ones are added on the left, leading broadcastable ones dropped.

    Raises
    ------
    AsTensorError : `x` can't be a tensor.
    ValueError : `x` is an Apply of several outputs, or has too many dimensions.
    """
    if hasattr(x, "_as_TensorVariable"):
        return x._as_TensorVariable()
    if isinstance(x, Apply):
        if x.op.default_output is None and len(x.outputs) != 1:
            raise ValueError("It is ambiguous which output of a multi-output Op has to be fetched.", x)
        x = x.default_output()
    if isinstance(x, Variable):
        if isinstance(x.type, Scalar):
            x = tensor.tensor_from_scalar(x)
        if not isinstance(x.type, TensorType):
            raise AsTensorError("Variable type field must be a TensorType.", x, x.type)
        return x if ndim is None or x.type.ndim == ndim else _with_ndim(x, ndim)
    if isinstance(x, (tuple, list)) and any(isinstance(xi, Variable) for xi in x):
        try:
            return tensor.stack(x)
        except (TypeError, ValueError):
            pass  # the attempt below gives the error that names x
    if isinstance(x, bool):
        raise AsTensorError(
            "Cannot cast True or False as a tensor variable. Please use np.array(True) or "
            "np.array(False) if you need these constants. This error might be caused by using the == "
            "operator on Variables. v == w does not do what you think it does, use "
            "theano.tensor.eq(v, w) instead."
        )
    try:
        return constant(x, name=name, ndim=ndim)
    except TypeError as e:
        try:
            text = str(x)
        except Exception:
            text = repr(x)
        raise AsTensorError("Cannot convert %s to TensorType" % text, type(x)) from e


def _with_ndim(x, ndim):
    if x.type.ndim < ndim:
        return tensor.shape_padleft(x, n_ones=ndim - x.type.ndim)
    kept = list(range(x.ndim))
    while kept and x.broadcastable[kept[0]] and len(kept) > ndim:
        kept.pop(0)
    if len(kept) > ndim:
        raise ValueError("TensorType could not be cast to have %i dimensions" % ndim, x.type)
    return x.dimshuffle(kept)


_as_tensor_variable = as_tensor_variable
as_tensor = as_tensor_variable

# Small scalar constants by signature, so that a graph has one node for each.
constant_cache: dict = {}
_CACHE_LIMIT = 10000
_signatures: dict = {}  # signatures by what is known of a number before a constant is made


def constant(x, name=None, ndim=None, dtype=None):
    """A symbolic constant with the value `x`: an array, a number, or a sequence of these.

    Arrays keep their dtype, sequences have numpy's, and a Python number has the smallest that holds it (a fraction
    floatX or less), unless a `dtype` is given. Dimensions of length 1 are broadcastable; with `ndim`, more of them are
    added on the left. Scalars between -10 and 10 are cached: asking twice gives the same constant.

    Raises
    ------
    TypeError : `x` is no array of numbers.
    ValueError : `x` has more than `ndim` dimensions.
    """
    try:
        value = convert(x, dtype=dtype)
    except ValueError as e:
        if dtype is not None:
            raise
        raise _no_array(x) from e  # a ragged list, of which numpy 1 made an array of objects
    broadcastable = [d == 1 for d in value.shape]
    if ndim is not None:
        if len(broadcastable) > ndim:
            raise ValueError("ndarray could not be cast to constant with %i dimensions" % ndim)
        broadcastable = [True] * (ndim - len(broadcastable)) + broadcastable
        value = value.reshape((1,) * (ndim - value.ndim) + value.shape)
    try:
        key = _cache_key(value, broadcastable) if constant.enable and value.size == 1 else None
        known = constant_cache.get(_signatures.get(key))
        if known is not None:
            return known
        made = TensorConstant(TensorType(dtype=value.dtype, broadcastable=broadcastable), value, name=name)
    except Exception as e:
        if by_signal(e):
            raise
        raise _no_array(x) from e
    if key is not None and (made.dtype in integer_dtypes or len(constant_cache) < _CACHE_LIMIT):
        _signatures[key] = signature = made.signature()
        constant_cache[signature] = made
        # FunctionGraph refuses these: what is shared by all graphs may not be changed by one.
        made.cached = True
    return made


def _no_array(x):
    return TypeError("Could not convert %s to TensorType" % (x,), type(x))


def _cache_key(value, broadcastable):
    """What tells a small real number from all others (0 from -0 too), None for values that are not cached."""
    number = value.item()
    if value.dtype.kind not in "iuf" or not -10 <= number <= 10:
        return None
    return value.dtype, tuple(broadcastable), number, copysign(1, number)


constant.enable = True


@while_rewriting
@contextlib.contextmanager
def _uncached_constants():
    """A graph that is being rewritten may not receive constants that other graphs share."""
    before, constant.enable = constant.enable, False
    try:
        yield
    finally:
        constant.enable = before


def _obj_is_wrappable_as_tensor(x):
    try:
        constant(x)
    except TypeError:
        return False
    return True


def check_equal_numpy(x, y):
    """True if `x` and `y` are equal; arrays need the same dtype and shape and close elements."""

    def are(kind):
        return isinstance(x, kind) and isinstance(y, kind)

    if are(np.ndarray):
        return x.dtype == y.dtype and x.shape == y.shape and np.all(abs(x - y) < 1e-10)
    if are(np.random.RandomState):
        return all(np.all(a == b) for a, b in zip(x.get_state(), y.get_state(), strict=True))
    return x == y


def numpy_scalar(data):
    """`data`, which must be an array of a single number; NotScalarConstantError otherwise."""
    if data.ndim > 0 and max(data.shape) == 0:
        raise EmptyConstantError()
    try:
        complex(data.item() if data.size == 1 else data)
        return data
    except Exception as e:
        if by_signal(e):
            raise
        raise NotScalarConstantError(
            "v.data is non-numeric, non-scalar, or has more than one unique value", data
        ) from None


# Op class -> rule(node, elemwise, max_recur), which returns the value of the (only) output, or an input that
# has the same value, or None. The rules of most Ops are in constant_value.py.
_scalar_rules: dict = {}
_rule_of_type: dict = {}


def scalar_rule(*op_classes):
    """Register a function as the way through Ops of these classes for ``get_scalar_constant_value``."""

    def register(rule):
        _scalar_rules.update(dict.fromkeys(op_classes, rule))
        _rule_of_type.clear()
        return rule

    return register


def first_input_rule(node, elemwise, max_recur):
    """The rule of Ops whose output has the value of their first input."""
    return node.inputs[0]


def _find_rule(op_class):
    if op_class not in _rule_of_type:
        known = [c for c in op_class.__mro__ if c in _scalar_rules]
        _rule_of_type[op_class] = _scalar_rules[known[0]] if known else None
    return _rule_of_type[op_class]


def _data_of(constant):
    """The array of a constant, or the number that all its elements are equal to if that was noticed before."""
    data = getattr(constant.tag, "unique_value", None)
    data = constant.data if data is None else data
    if isinstance(data, (np.ndarray, np.generic)):
        return data
    raise NotScalarConstantError("v.data is non-numeric, non-scalar, or has more than one unique value", data)


def get_scalar_constant_value(orig_v, elemwise=True, only_process_constants=False, max_recur=10):
    """The number that all elements of `orig_v` are equal to, when the graph alone tells it.

    Parameters
    ----------
    orig_v : variable, array or number.
    elemwise : also evaluate elementwise Ops of constants.
    only_process_constants : look at `orig_v` alone, not at what computes it.
    max_recur : how many Ops to look through.

    Returns
    -------
    A numpy scalar or an array of one element.

    Raises
    ------
    NotScalarConstantError : the value is not known; EmptyConstantError if there is no element.
    """
    v = orig_v
    while v is not None:
        if isinstance(v, (np.integer, int, float)):
            return np.asarray(v)
        if isinstance(v, (np.ndarray, Constant)):
            return numpy_scalar(v if isinstance(v, np.ndarray) else _data_of(v)).copy()
        node = getattr(v, "owner", None)
        if node is None or only_process_constants or max_recur <= 0:
            break
        max_recur -= 1
        rule = _find_rule(type(node.op))
        found = None if rule is None else rule(node, elemwise, max_recur)
        if found is None:
            break
        if not isinstance(found, Variable):
            return found
        v = found
    raise NotScalarConstantError(v)


def extract_constant(x, elemwise=True, only_process_constants=False):
    """The value that ``get_scalar_constant_value`` finds of `x`, an array, or else `x` itself.

    A Scalar variable is turned into a tensor. `elemwise` and `only_process_constants` are as there.
    """
    try:
        x = get_scalar_constant_value(x, elemwise, only_process_constants)
    except NotScalarConstantError:
        pass
    if isinstance(x, Variable) and isinstance(x.type, Scalar):
        if x.owner and isinstance(x.owner.op, tensor.ScalarFromTensor):
            return x.owner.inputs[0]
        return tensor.tensor_from_scalar(x)
    return x


# Op class -> rule(node), which returns the length of its output vector, or None.
_length_rules: dict = {}


def length_rule(*op_classes):
    """Register a function as the way to the length of what Ops of these classes compute."""

    def register(rule):
        _length_rules.update(dict.fromkeys(op_classes, rule))
        return rule

    return register


def get_vector_length(v):
    """The number of elements, an int, of the vector `v` (a variable or a sequence), when the graph alone tells it.

    Raises
    ------
    TypeError : `v` is no vector.
    ValueError : the length is not known before the graph runs.
    """
    v = as_tensor_variable(v)
    if v.ndim != 1:
        raise TypeError("argument must be symbolic vector, got '%s'" % v)
    if v.type.broadcastable[0]:
        return 1
    if isinstance(v, Constant):
        return len(v.data)
    if v.owner is not None:
        rule = next((_length_rules[c] for c in type(v.owner.op).__mro__ if c in _length_rules), None)
        length = None if rule is None else rule(v.owner)
        if length is not None:
            return length
    raise ValueError("length not known: %s" % debugprint(v, file="str"))


__all__ = [
    "as_tensor_variable",
    "as_tensor",
    "constant_cache",
    "constant",
    "check_equal_numpy",
    "numpy_scalar",
    "get_scalar_constant_value",
    "extract_constant",
    "get_vector_length",
    "NotScalarConstantError",
    "EmptyConstantError",
    "_as_tensor_variable",
    "_obj_is_wrappable_as_tensor",
]
