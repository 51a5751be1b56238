"""Random draws from an explicit numpy RandomState, number for number as Theano gives them.

Each function takes a symbolic state and returns (new state, draw). The draws happen on the host.
"""

import copy
import sys

import numpy as np

from theanojax.config import config
from theanojax.errors import ShapeError
from theanojax.graph.tracebacks import bounded
from theanojax.graph.type import Type
from theanojax.graph.variable import Apply, Variable
from theanojax.scalar import upcast
from theanojax.tensor.as_tensor import as_tensor_variable, constant, get_vector_length
from theanojax.tensor.cast import cast
from theanojax.tensor.join import stack
from theanojax.tensor.op_methods import InplaceOp, never_folded, without_gradient
from theanojax.tensor.permute import permute_row_elements
from theanojax.tensor.type import TensorType


class RandomStateType(Type):
    """The type of numpy.random.RandomState objects."""

    __props__ = ()

    def __str__(self):
        return "RandomStateType"

    def is_valid_value(self, a):
        return type(a) is np.random.RandomState

    def filter(self, data, strict=False, allow_downcast=None):
        if not self.is_valid_value(data):
            raise TypeError("Expected a numpy.random.RandomState, got %s" % type(data))
        return data

    def values_eq(self, a, b):
        sa, sb = a.get_state(), b.get_state()
        # the cached gaussian (the last item) means something only if there is one
        n = 5 if sa[3] else 4
        return all(np.array_equal(x, y) for x, y in zip(sa[:n], sb[:n]))

    def get_shape_info(self, obj):
        return None

    def get_size(self, shape_info):
        return sum(
            x.nbytes if isinstance(x, np.ndarray) else len(x) if isinstance(x, str) else 8
            for x in np.random.RandomState(0).get_state()
        )

    @staticmethod
    def may_share_memory(a, b):
        return a is b


random_state_type = RandomStateType()


_ANY_SEED = np.random.SeedSequence(0)


def _copied(r):
    """A RandomState of its own with the state of `r`: what ``copy.deepcopy`` makes, in half the time."""
    state = r.get_state(legacy=False) if type(r) is np.random.RandomState else {}
    if state.get("bit_generator") != "MT19937":
        return copy.deepcopy(r)
    twin = np.random.RandomState(np.random.MT19937(_ANY_SEED))
    twin.set_state(state)
    return twin


class DrawFromState(InplaceOp):
    """An Op whose first input is a RandomState, and whose outputs are the state afterwards and what was drawn.

    ``draw(node, state, *inputs)`` draws, and moves the state on: a copy of the one given, unless the Op is in place.
    """

    def draw(self, node, r, *inputs):
        raise NotImplementedError

    def perform(self, node, inputs, outputs):
        r = inputs[0] if self.inplace else _copied(inputs[0])
        outputs[0][0], outputs[1][0] = r, self.draw(node, r, *inputs[1:])

    def in_place(self):
        """The same Op, which moves on the state that it is given."""
        op = copy.copy(self)
        InplaceOp.__init__(op, True)
        return op

    do_constant_folding = never_folded

    grad = without_gradient("No gradient defined through raw random numbers op")

    def R_op(self, inputs, eval_points):
        return [None for _ in eval_points]


class RandomFunction(DrawFromState):
    """Draws from a RandomState.

    Parameters
    ----------
    fn : name of a method of RandomState, or a function ``fn(random_state, *args, size)``.
    outtype : TensorType of the draw.
    ndim_added : how many dimensions the draw has beyond the requested size.
    """

    __props__ = ("fn", "outtype", "inplace", "ndim_added")

    def __init__(self, fn, outtype, inplace=False, ndim_added=0):
        super().__init__(inplace)
        self.fn, self.outtype, self.ndim_added = fn, outtype, ndim_added

    @property
    def exec_fn(self):
        return getattr(np.random.RandomState, self.fn) if isinstance(self.fn, str) else self.fn

    def __str__(self):
        return "RandomFunction{%s}" % self.exec_fn.__name__

    def make_node(self, r, shape, *args):
        """The inputs: a state, the size (an integer vector, empty for "as the arguments have it"), `fn`'s arguments."""
        empty = isinstance(shape, tuple) and shape == ()
        shape = as_tensor_variable(shape, ndim=1)
        if empty:
            shape = shape.astype("int64")
        if shape.type.ndim != 1 or shape.type.dtype not in ("int64", "int32"):
            raise AssertionError("shape must be a vector of int32 or int64")
        if not isinstance(r.type, RandomStateType):
            print("WARNING: RandomState instances should be in RandomStateType", file=sys.stderr)
        return Apply(self, [r, shape] + [as_tensor_variable(a) for a in args], [r.type(), self.outtype()])

    def infer_shape(self, node, i_shapes):
        shape = node.inputs[1]
        by_arguments = len(getattr(shape, "data", (0,))) == 0
        if self.ndim_added or by_arguments:
            raise ShapeError()
        return [None, [shape[i] for i in range(node.outputs[1].ndim)]]

    def draw(self, node, r, shape, *args):
        ndim = self.outtype.ndim
        size = tuple(int(n) for n in shape) if len(shape) else None
        if size is not None and ndim != len(size) + self.ndim_added:
            raise ValueError(
                "Shape mismatch: self.outtype.ndim (%i) != len(shape) (%i) + self.ndim_added (%i)"
                % (ndim, len(size), self.ndim_added)
            )
        draw = np.asarray(self.exec_fn(r, *args, size), dtype=self.outtype.dtype)
        if size is None and draw.ndim == 0 and ndim > 0:
            draw = draw.reshape([1] * ndim)
        if draw.ndim != ndim:
            raise ValueError(
                'Shape mismatch: "out" should have dimension %i, but the value produced by "perform" has '
                "dimension %i" % (ndim, draw.ndim)
            )
        if size is not None and size != draw.shape[: len(size)]:
            raise ValueError(
                'Shape mismatch: "out" should have shape %s, but the value produced by "perform" has '
                "shape %s" % (size, draw.shape)
            )
        return draw


def _sized(ndim, shape, *args):
    """(ndim, size as an int64 vector, broadcast pattern) of a draw, from what the caller said of it.

    `shape` may be None (as `args` broadcast), a symbolic vector (then `ndim` has to tell its length), or a
    list mixing ints and scalars, where -1 stands for the length that `args` have there.
    """
    args_ndim = max([a.ndim for a in args], default=0)
    if shape is None:
        if not args:
            raise TypeError("_infer_ndim_bcast cannot infer shape without either shape or args")
        template = sum(args[1:], args[0])
        size, pattern, ndim = template.shape, template.broadcastable, template.ndim
    elif isinstance(shape, (tuple, list)):
        if ndim is None:
            ndim = len(shape)
        elif ndim != len(shape):
            raise ValueError(
                "ndim should be equal to len(shape), but\n",
                "ndim = %s, len(shape) = %s, shape = %s" % (ndim, len(shape), shape),
            )
        dims = [_dimension(i, s, ndim, args) for i, s in enumerate(shape)]
        pattern = [not hasattr(d, "type") and d == 1 for d in dims]
        if dims:
            size = stack([as_tensor_variable(d) for d in dims])
        else:
            size = constant([], dtype="int64")
    else:
        size = as_tensor_variable(shape)
        if size.ndim != 1:
            raise TypeError("shape must be a vector or list of scalar, got '%s'" % size)
        if ndim is None:
            ndim = get_vector_length(size)
        pattern = [False] * ndim
    if size.ndim != 1:
        raise TypeError("shape must be a vector or list of scalar, got '%s'" % size)
    if np.dtype(size.dtype).kind not in "iu":
        raise TypeError("shape must be an integer vector or list", size.dtype)
    if args_ndim > ndim:
        raise ValueError("ndim should be at least as big as required by args value", (ndim, args_ndim), args)
    return ndim, cast(size, "int64"), tuple(pattern)


_infer_ndim_bcast = _sized


def _dimension(i, s, ndim, args):
    if hasattr(s, "type") or s >= 0:
        return s
    if s != -1:
        raise ValueError("negative shape", s)
    overlapping = [(a, i + a.ndim - ndim) for a in args if i + a.ndim - ndim >= 0]
    if not overlapping:
        raise ValueError("Auto-shape of -1 must overlapwith the shape of one of the broadcastableinputs")
    for a, k in overlapping:
        if not a.broadcastable[k]:
            return a.shape[k]
    return 1


def _draw(fn, random_state, size, ndim, dtype, args, shaped_by, plain_pattern=False):
    ndim, size, pattern = _sized(ndim, size, *shaped_by)
    if plain_pattern:
        pattern = (False,) * ndim
    return RandomFunction(fn, TensorType(dtype=dtype, broadcastable=pattern))(random_state, size, *args)


def uniform(random_state, size=None, low=0.0, high=1.0, ndim=None, dtype=None):
    """Uniform draws from [`low`, `high`): (the new state, the draw).

    Parameters
    ----------
    random_state : variable of type RandomStateType
    size : tuple or list of ints or integer scalars, or an integer vector; -1 stands for the length that `low` and
        `high` have there. None: as `low` and `high` broadcast
    low, high : numbers or tensors that broadcast to `size`
    ndim : int, the number of dimensions; needed when `size` is a vector of unknown length
    dtype : by default what floatX, `low` and `high` are upcast to

    TypeError for another `size`; ValueError for negative lengths, an `ndim` that doesn't fit, or that isn't known.
    There is no gradient: ``grad`` raises NullTypeGradError.
    """
    low, high = as_tensor_variable(low), as_tensor_variable(high)
    dtype = dtype or upcast(config.floatX, low.dtype, high.dtype)
    return _draw("uniform", random_state, size, ndim, dtype, (low, high), (low, high))


def normal(random_state, size=None, avg=0.0, std=1.0, ndim=None, dtype=None):
    """Normal draws with mean `avg` and standard deviation `std`: (the new state, the draw).

    `random_state`, `size`, `ndim`, `dtype` and errors are as for `uniform`, with `avg` and `std` for the bounds.
    """
    avg, std = as_tensor_variable(avg), as_tensor_variable(std)
    dtype = dtype or upcast(config.floatX, avg.dtype, std.dtype)
    return _draw("normal", random_state, size, ndim, dtype, (avg, std), (avg, std))


def binomial(random_state, size=None, n=1, p=0.5, ndim=None, dtype="int64", prob=None):
    """How many of `n` trials with probability `p` succeed: (the new state, the draw), int64 by default.

    `random_state`, `size`, `ndim` and errors are as for `uniform`, with `n` and `p` for the bounds. `prob` is the old
    name of `p`.
    """
    if prob is not None:
        p = prob
        print(
            "DEPRECATION WARNING: the parameter prob to the binomal fct have been renamed to p to have the same "
            "name as np.",
            file=sys.stderr,
        )
    n, p = as_tensor_variable(n), as_tensor_variable(p)
    return _draw("binomial", random_state, size, ndim, dtype, (n, p), (n, p), plain_pattern=True)


def random_integers_helper(random_state, low, high, size):
    """Integers from `low` to `high` inclusive, drawn one by one in C order so that the stream is Theano's.

    `random_state` is a RandomState, the others are arrays; `size` may be None, "as the bounds broadcast".
    """
    out = np.ndarray(tuple(size) if size is not None else np.broadcast_shapes(low.shape, high.shape))
    low, high = _spread(low, out.shape, "low", size), _spread(high, out.shape, "high", size)
    for i in np.ndindex(*out.shape):
        out[i] = random_state.randint(low=low[i], high=high[i] + 1)
    return out


def _spread(x, shape, name, size, extra=0):
    if x.ndim - extra > len(shape) - extra:
        raise ValueError(
            "%s.ndim%s (%i) should not be larger than len(size) (%i)"
            % (name, "-%i" % extra if extra else "", x.ndim - extra, len(shape) - extra),
            x,
            size,
        )
    return np.broadcast_to(x, shape)


def random_integers(random_state, size=None, low=0, high=1, ndim=None, dtype="int64"):
    """Integers between `low` and `high`, both inclusive: (the new state, the draw), int64 by default.

    `random_state`, `size`, `ndim` and errors are as for `uniform`.
    """
    low, high = as_tensor_variable(low), as_tensor_variable(high)
    return _draw(random_integers_helper, random_state, size, ndim, dtype, (low, high), (low, high))


def choice_helper(random_state, a, replace, p, size):
    """``random_state.choice`` of arrays: `a` of at most one dimension, `replace`, a vector `p`, and `size`.

    An empty `p` means equal chances. ValueError for other numbers of dimensions.
    """
    if a.ndim > 1:
        raise ValueError("a.ndim (%i) must be 0 or 1" % a.ndim)
    if p.ndim != 1:
        raise ValueError("p.ndim (%i) must be 1" % p.ndim)
    return random_state.choice(a if a.ndim else a.item(), size, bool(replace), p if p.size else None)


def choice(random_state, size=None, a=2, replace=True, p=None, ndim=None, dtype="int64"):
    """Elements of a population, drawn with equal or given chances: (the new state, the draw), int64 by default.

    Parameters
    ----------
    random_state, ndim : as for `uniform`
    size : as for `uniform`, but it must be given (TypeError)
    a : vector to draw from, cast to `dtype`; or a number, for the integers below it
    replace : whether an element can be drawn more than once; ValueError, when run, if there are too few of them
    p : vector of the chances, or None for equal ones
    """
    a = as_tensor_variable(a)
    replace = constant(replace, dtype="int8") if isinstance(replace, bool) else as_tensor_variable(replace)
    p = as_tensor_variable(p if isinstance(p, Variable) else p or [])  # 0 means equal chances too
    return _draw(choice_helper, random_state, size, ndim, dtype, (a, replace, p), ())


def poisson(random_state, size=None, lam=1.0, ndim=None, dtype="int64"):
    """Counts of a Poisson distribution with expectation `lam`: (the new state, the draw), int64 by default.

    `random_state` and `ndim` are as for `uniform`, and so is `size`, but it must be given (TypeError).
    """
    return _draw("poisson", random_state, size, ndim, dtype, (as_tensor_variable(lam),), ())


def permutation_helper(random_state, n, shape):
    """An array of `shape` + (n,) whose rows are permutations of range(`n`), drawn from `random_state`."""
    n = int(n.item())
    shape = () if shape is None else tuple(shape)
    out = np.empty(shape + (n,), int)
    for i in np.ndindex(*shape):
        out[i] = random_state.permutation(n)
    return out


def permutation(random_state, size=None, n=1, ndim=None, dtype="int64"):
    """Permutations of range(`n`), one for each element of `size`: (the new state, the draw), int64 by default.

    The draw has the shape `size` + (n,); without a `size` it is a single permutation, for which `ndim` can only be 1
    (TypeError). `random_state` and `size` are as for `uniform`.
    """
    if size is None or (isinstance(size, tuple) and size == ()):
        if ndim not in (None, 1):
            raise TypeError("You asked for just one permutation but asked for more then 1 dimensions.")
        size, pattern = (), ()
    else:
        ndim, size, pattern = _sized(ndim, size)
    op = RandomFunction(permutation_helper, TensorType(dtype=dtype, broadcastable=pattern + (False,)), ndim_added=1)
    return op(random_state, size, n)


def multinomial_helper(random_state, n, pvals, size):
    """Counts of `n` draws for each distribution in the last axis of `pvals`, drawn one by one in C order.

    `random_state` is a RandomState, the others are arrays; `size` may be None, "as `n` and `pvals` broadcast".
    AssertionError for negative chances and sums above 1.
    """
    shape = tuple(size) if size is not None else np.broadcast_shapes(n.shape, pvals.shape[:-1])
    full = shape + (pvals.shape[-1],)
    n = _spread(n, shape, "n", size)
    if pvals.ndim > len(full):
        _spread(pvals, full, "pvals", size, extra=1)
    pvals = np.broadcast_to(pvals, full)
    if not pvals.min() >= 0:
        raise AssertionError("pvals must not be negative")
    out = np.ndarray(full)
    for i in np.ndindex(*shape):
        row = pvals[i]
        # numpy refuses probabilities that add up to a little more than 1, as rounding may make them
        if 1.0 < np.sum(row) < 1.0 + 1e-5 or row[-1] < 5e-5:
            row = row * (1.0 - 5e-5)
        total = np.sum(row)
        if not total <= 1.0:
            raise AssertionError(total)
        out[i] = random_state.multinomial(n=n[i], pvals=row.astype("float64"))
    return out


def multinomial(random_state, size=None, n=1, pvals=(0.5, 0.5), ndim=None, dtype="int64"):
    """Counts of `n` draws from each distribution in the last axis of `pvals`: (the new state, the draw).

    The draw, int64 by default, has shape `size` + (L,) for `pvals` of shape (..., L); -1 in `size` borrows a length
    of `pvals`, and without a `size` it is that of `n` and `pvals` broadcast. `random_state`, `ndim` and errors are
    as for `uniform`; AssertionError, when run, for negative chances and sums above 1.
    """
    n, pvals = as_tensor_variable(n), as_tensor_variable(pvals)
    ndim, size, pattern = _sized(ndim, size, n, pvals.T[0].T)
    op = RandomFunction(
        multinomial_helper,
        TensorType(dtype=dtype, broadcastable=pattern + (pvals.type.broadcastable[-1],)),
        ndim_added=1,
    )
    return op(random_state, size, n, pvals)


@bounded
class RandomStreamsBase:
    """The distributions, with the parameters of the functions of this module; a subclass's ``gen`` keeps the states."""

    def binomial(self, size=None, n=1, p=0.5, ndim=None, dtype="int64", prob=None):
        """The draw of the function `binomial`, from a state of its own."""
        return self.gen(binomial, size, n, p, ndim, dtype, prob)

    def uniform(self, size=None, low=0.0, high=1.0, ndim=None, dtype=None):
        """The draw of the function `uniform`, from a state of its own."""
        return self.gen(uniform, size, low, high, ndim, dtype)

    def normal(self, size=None, avg=0.0, std=1.0, ndim=None, dtype=None):
        """The draw of the function `normal`, from a state of its own."""
        return self.gen(normal, size, avg, std, ndim, dtype)

    def random_integers(self, size=None, low=0, high=1, ndim=None, dtype="int64"):
        """The draw of the function `random_integers`, from a state of its own."""
        return self.gen(random_integers, size, low, high, ndim, dtype)

    def choice(self, size=None, a=2, replace=True, p=None, ndim=None, dtype="int64"):
        """The draw of the function `choice`, from a state of its own."""
        return self.gen(choice, size, a, replace, p, ndim, dtype)

    def poisson(self, size=None, lam=None, ndim=None, dtype="int64"):
        """The draw of the function `poisson`, from a state of its own; `lam` must be given (AsTensorError)."""
        return self.gen(poisson, size, lam, ndim, dtype)

    def permutation(self, size=None, n=1, ndim=None, dtype="int64"):
        """The draw of the function `permutation`, from a state of its own."""
        return self.gen(permutation, size, n, ndim, dtype)

    def multinomial(self, size=None, n=1, pvals=(0.5, 0.5), ndim=None, dtype="int64"):
        """The draw of the function `multinomial`, from a state of its own."""
        return self.gen(multinomial, size, n, pvals, ndim, dtype)

    def shuffle_row_elements(self, input):
        """The tensor `input`, a vector or a matrix, each of its rows shuffled on its own (as by `permutation`)."""
        perm = self.permutation(size=input.shape[:-1], n=input.shape[-1], ndim=input.ndim - 1)
        return permute_row_elements(input, perm)
