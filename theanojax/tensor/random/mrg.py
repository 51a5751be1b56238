"""MRG31k3p random streams, number for number as Theano gives them, drawn inside XLA.

P. L'Ecuyer and R. Touzin, Fast Combined Multiple Recursive Generators with Multipliers of the form
a = +/- 2^d +/- 2^e, Winter Simulation Conference 2000; streams and substreams as in P. L'Ecuyer, R. Simard,
E. J. Chen and W. D. Kelton, Operations Research 50(6), 2002.

A state is an int32 matrix, one row of six numbers for each stream. Element i of a draw comes from stream
i modulo their number, so the draws of all streams advance side by side.
"""

import warnings
from operator import attrgetter

import numpy as np

import theanojax.tensor as T
from theanojax.config import config
from theanojax.graph.op import Op
from theanojax.graph.shared import shared
from theanojax.graph.tracebacks import bounded, user_stacklevel
from theanojax.graph.variable import Apply, Constant, Variable
from theanojax.scalar import upcast
from theanojax.tensor.as_tensor import as_tensor_variable, constant, extract_constant, get_vector_length
from theanojax.tensor.cast import cast
from theanojax.tensor.gradient_ops import undefined_grad
from theanojax.tensor.join import stack
from theanojax.tensor.op_methods import InplaceOp, never_folded, without_gradient
from theanojax.tensor.random.from_uniform import ChoiceFromUniform, MultinomialFromUniform
from theanojax.tensor.type import TensorType

M1, M2 = np.asarray(np.int32(2**31 - 1)), np.asarray(np.int32(2**31 - 21069))
MASK12, MASK13, MASK2, MULT2 = np.int32(511), np.int32(16777215), np.int32(65535), np.int32(21069)
NORM = 4.656612873077392578125e-10  # 2^-31

# The two recurrences' matrices to the powers 2^72 (from a substream to the next) and 2^134 (stream to stream).
A1p72 = np.array(
    [[1516919229, 758510237, 499121365], [1884998244, 1516919229, 335398200], [601897748, 1884998244, 358115744]],
    dtype="int64",
)
A2p72 = np.array(
    [[1228857673, 1496414766, 954677935], [1133297478, 1407477216, 1496414766], [2002613992, 1639496704, 1407477216]],
    dtype="int64",
)
A1p134 = np.array(
    [[1702500920, 1849582496, 1656874625], [828554832, 1702500920, 1512419905], [1143731069, 828554832, 102237247]],
    dtype="int64",
)
A2p134 = np.array(
    [[796789021, 1464208080, 607337906], [1241679051, 1431130166, 1464208080], [1401213391, 1178684362, 1431130166]],
    dtype="int64",
)

# dtype -> (mask, offset, norm): how an integer of 31 bits becomes a number in (0, 1)
_SCALE = {
    "float16": (0x7FFF, 1, np.float16(3.0458e-05)),
    "float32": (0xFFFFFFFF, 0, np.float32(4.6566126e-10)),
    "float64": (0xFFFFFFFF, 0, np.float64(NORM)),
}

MOST_STREAMS = 60 * 256
UNROLLED = 1  # rounds written out in the graph; more become a loop, which XLA compiles to quicker code as well


def _mod_dot(A, states, m):
    """``A @ state % m`` for the columns of `states`; the products fit int64 because all numbers are below 2^31."""
    return (A[:, :, None] * states[None, :, :] % m).sum(1) % m


def matVecModM(A, s, m):
    """The int32 vector ``A @ s % m``, for an int64 matrix and numbers below 2^31."""
    if A.dtype != "int64":
        raise AssertionError("A must be int64")
    return np.int32(_mod_dot(A, np.asarray(s, dtype="int64")[:, None], int(m))[:, 0])


def multMatVect(v, A, m1, B, m2):
    """The six-number state `v`, its halves multiplied by `A` modulo `m1` and by `B` modulo `m2`."""
    return np.concatenate([matVecModM(A, v[:3], m1), matVecModM(B, v[3:], m2)])


class DotModulo(Op):
    """The two halves of a state moved ahead: ``A @ s % m`` and ``A2 @ s2 % m2``, one after the other.

    Inputs: A, s, m, A2, s2, m2; int64 matrices, vectors below 2^31, scalars. Output: a vector of the type of s.
    """

    __props__ = ()

    def make_node(self, A, s, m, A2, s2, m2):
        inputs = [as_tensor_variable(v) for v in (A, s, m, A2, s2, m2)]
        return Apply(self, inputs, [inputs[1].type()])

    def infer_shape(self, node, shapes):
        return [(shapes[0][0] + shapes[3][0],)]

    def compute(self, xp, node, A, s, m, A2, s2, m2):
        halves = [
            _mod_dot(xp.astype(a, "int64"), xp.astype(v, "int64")[:, None], xp.astype(n, "int64"))[:, 0]
            for a, v, n in ((A, s, m), (A2, s2, m2))
        ]
        return xp.astype(xp.concatenate(halves), node.outputs[0].type.dtype)


def ff_2p134(rstate):
    """The state 2^134 draws after the six numbers `rstate`: the next stream."""
    return multMatVect(rstate, A1p134, M1, A2p134, M2)


def ff_2p72(rstate):
    """The state 2^72 draws after the six numbers `rstate`: the next substream."""
    return multMatVect(rstate, A1p72, M1, A2p72, M2)


def substreams(rstate, n):
    """`n` states 2^72 draws apart, from the six numbers `rstate` on, as an int32 matrix; made by doubling its rows."""
    states = np.asarray(rstate, dtype="int64").reshape(6, 1)
    A, B, m1, m2 = A1p72, A2p72, int(M1), int(M2)
    while states.shape[1] < n:
        ahead = np.concatenate([_mod_dot(A, states[:3], m1), _mod_dot(B, states[3:], m2)])
        states = np.concatenate([states, ahead], axis=1)
        A, B = _mod_dot(A, A, m1), _mod_dot(B, B, m2)
    return np.ascontiguousarray(states[:, :n].T.astype("int32"))


def _advance(xp, state):
    """One draw of every stream: the new state, six rows of uint32, and the raw integers of 31 bits.

    No sum of two terms here exceeds 32 bits.
    """
    x11, x12, x13, x21, x22, x23 = (state[i] for i in range(6))
    m1, m2, mult = int(M1), int(M2), int(MULT2)

    def reduce(y, m):
        return xp.where(y >= m, y - m, y)

    def shifted(x):  # 2^15 x modulo m2
        return reduce(((x & 65535) << 15) + mult * (x >> 16), m2)

    y1 = ((x12 & 511) << 22) + (x12 >> 9) + ((x13 & 16777215) << 7) + (x13 >> 24)
    y1 = reduce(reduce(y1, m1) + x13, m1)
    y2 = reduce(reduce(shifted(x23) + x23, m2) + shifted(x21), m2)
    raw = xp.where(y1 <= y2, y1 + m1 - y2, y1 - y2)
    return xp.stack([y1, x11, x12, y2, x21, x22]), raw


class mrg_uniform_base(InplaceOp):
    """Uniform draws in (0, 1) of type `output_type` from the streams of a state."""

    __props__ = ("output_type", "inplace")

    def __init__(self, output_type, inplace=False):
        super().__init__(inplace)
        self.output_type = output_type

    ndim = property(attrgetter("output_type.ndim"))

    def __str__(self):
        return "%s{%s,%s}" % (type(self).__name__, self.output_type, "inplace" if self.inplace else "no_inplace")

    do_constant_folding = never_folded

    grad = without_gradient("No gradient defined through random sampling op")

    def R_op(self, inputs, eval_points):
        return [None for _ in eval_points]


class mrg_uniform(mrg_uniform_base):
    """Inputs: the state (int32 matrix with six columns) and the size (integer vector). Outputs: new state, draws."""

    static_inputs = (1,)

    def make_node(self, rstate, size):
        pattern = [extract_constant(size[i]) == 1 for i in range(self.output_type.ndim)]
        rstate, size = as_tensor_variable(rstate), as_tensor_variable(size)
        return Apply(self, [rstate, size], [rstate.type(), self.output_type.clone(broadcastable=pattern)()])

    @classmethod
    def new(cls, rstate, ndim, dtype, size):
        size = as_tensor_variable(size)
        if ndim is None:
            ndim = get_vector_length(size)
        return cls(TensorType(dtype, (False,) * ndim))(rstate, size)

    def infer_shape(self, node, shapes):
        return [shapes[0], [node.inputs[1][i] for i in range(self.output_type.ndim)]]

    def _check(self, rstate, size):
        if any(int(s) < 0 for s in size):
            raise ValueError("negative dimensions are not allowed")
        total = int(np.prod([int(s) for s in size], dtype="int64"))
        if total > int(M1):
            raise ValueError("rng_mrg does not support more then (2**31 -1) samples")
        if rstate.ndim != 2:
            raise ValueError("rstate must be matrix")
        if rstate.shape[1] != 6:
            raise ValueError("rstate must have 6 columns")
        return total

    def _finish(self, xp, raw, total, size):
        mask, offset, norm = _SCALE[self.output_type.dtype]
        dtype = "float32" if self.output_type.dtype == "float32" else "float64"
        raw = xp.astype(xp.whole(raw[:total]), "int32")  # 31 bits; processors convert signed integers quicker
        if offset:
            raw = (raw & np.int32(mask)) + np.int32(offset)
        sample = xp.astype(raw, dtype) * np.asarray(norm, dtype=dtype)
        return xp.astype(sample, self.output_type.dtype).reshape(tuple(int(s) for s in size))

    def compute(self, xp, node, rstate, size):
        total = self._check(rstate, size)
        n = rstate.shape[0]
        state, draws = xp.astype(rstate, "uint32").T, []
        for start in range(0, total, n):
            new, raw = _advance(xp, state)
            left = total - start
            # in the last round only the first streams draw
            state = new if left >= n else xp.concatenate([new[:, :left], state[:, left:]], axis=1)
            draws.append(raw)
        raw = xp.concatenate(draws) if draws else xp.zeros((0,), "uint32")
        return xp.astype(state.T, "int32"), self._finish(xp, raw, total, size)

    def lower_xla(self, ctx, node, rstate, size):
        size = ctx.need(node.inputs[1], size)
        xp, total, n = ctx.xp, self._check(rstate, size), rstate.shape[0]
        rounds, left = divmod(total, n)
        if rounds <= UNROLLED:
            return self.compute(xp, node, rstate, size)
        state, raw = ctx.lax.scan(lambda s, _: _advance(xp, s), xp.astype(xp.asarray(rstate), "uint32").T, None, rounds)
        raw = raw.reshape(-1)
        if left:
            new, last = _advance(xp, state)
            state = xp.concatenate([new[:, :left], state[:, left:]], axis=1)
            raw = xp.concatenate([raw, last])
        return xp.astype(state.T, "int32"), self._finish(xp, raw, total, size)


def guess_n_streams(size, warn=False):
    """How many streams to draw `size` numbers from: a sixth of them, at most 15360; that many if `size` is symbolic."""
    if isinstance(size, (tuple, list)) and all(isinstance(i, int) for i in size):
        r = int(np.prod(size, dtype=object)) if size else 1
        return min(r // 6 if r > 6 else r, MOST_STREAMS)
    if warn:
        warnings.warn(
            "MRG_RandomStreams Can't determine #streams from size (%s), guessing 60*256" % str(size),
            stacklevel=user_stacklevel(),
        )
    return MOST_STREAMS


def _without_gradient(x):
    return undefined_grad(x)


@bounded
class MRG_RandomStreams:
    """numpy.random-like draws by MRG31k3p (L'Ecuyer and Touzin 2000), which can be made inside XLA.

    Each draw has a state of its own, an int32 matrix in a shared variable, that the functions which use it advance. A
    seed gives the numbers that Theano gives.

    Parameters
    ----------
    seed : int, or six ints: the first three below 2147483647, the last three below 2147462579, neither all 0.
        ValueError for others, TypeError for another number of them.
    """

    def __init__(self, seed=12345):
        self.state_updates = []
        self.default_instance_seed = seed
        self.set_rstate(seed)

    def updates(self):
        """A list of (state, its new value, size, number of streams) of all draws made so far."""
        return list(self.state_updates)

    def set_rstate(self, seed):
        """Set the state from which the next stream will start; ValueError for a seed out of range."""
        if isinstance(seed, (int, np.integer)):
            if seed == 0:
                raise ValueError("seed should not be 0", seed)
            if seed >= M2:
                raise ValueError("seed should be less than %i" % M2, seed)
            self.rstate = np.asarray([seed] * 6, dtype="int32")
            return
        if len(seed) != 6:
            raise TypeError("seed should be 1 integer or 6 integers")
        for part, which, bound in ((seed[:3], "first", M1), (seed[3:], "last", M2)):
            if all(s == 0 for s in part):
                raise ValueError("The %s 3 values of seed should not be all 0" % which, seed)
            if any(s >= bound for s in part):
                raise ValueError("The %s 3 values of seed should be less than %i" % (which, bound), seed)
        self.rstate = np.asarray(seed, dtype="int32")

    def seed(self, seed=None):
        """Restart every stream; `seed` None means the seed given at construction."""
        self.set_rstate(self.default_instance_seed if seed is None else seed)
        for old, new, size, nstreams in self.state_updates:
            nstreams = self.n_streams(size) if nstreams is None else nstreams
            old.set_value(self.get_substream_rstates(nstreams, new.owner.outputs[1].dtype), borrow=True)

    def inc_rstate(self):
        """Move on to the next stream, 2^134 draws ahead."""
        self.rstate = ff_2p134(self.rstate)

    def get_substream_rstates(self, n_streams, dtype, inc_rstate=True):
        """An int32 matrix of `n_streams` states, 2^72 draws apart."""
        if not 0 < n_streams < 2**72:
            raise AssertionError("n_streams out of range: %s" % n_streams)
        states = substreams(self.rstate, int(n_streams))
        if inc_rstate:
            self.inc_rstate()
        return states

    def n_streams(self, size):
        """How many streams a draw of `size` gets by default; see `guess_n_streams`."""
        return guess_n_streams(size)

    def pretty_return(self, node_rstate, new_rstate, sample, size, nstreams):
        """The draw `sample`, with its state and update as attributes and listed among these streams' `updates`."""
        update = node_rstate, new_rstate
        self.state_updates.append((*update, size, nstreams))
        node_rstate.default_update = new_rstate
        sample.rstate, sample.update = node_rstate, update
        return sample

    def uniform(self, size, low=0.0, high=1.0, ndim=None, dtype=None, nstreams=None, **kwargs):
        """Uniform draws from (`low`, `high`), both ends excluded.

        Parameters
        ----------
        size : tuple of positive ints and integer scalars, or an integer vector variable
        low, high : numbers or tensors that broadcast to `size`; no gradient goes through them
        ndim : int, the number of dimensions; needed when `size` is a vector of unknown length
        dtype : by default what floatX, `low` and `high` are upcast to
        nstreams : int, how many streams take part, by default what `guess_n_streams` says; numbers depend on it

        Raises
        ------
        TypeError : another `size` (lists and ints among them) or unknown keywords. ValueError : a length that isn't
        positive, or an unknown number of dimensions. NotImplementedError : the bounds have lengths where `size` has the
        constant 1, or more dimensions.
        """
        low, high = as_tensor_variable(low), as_tensor_variable(high)
        dtype = dtype or upcast(config.floatX, low.dtype, high.dtype)
        low, high = _without_gradient(cast(low, dtype=dtype)), _without_gradient(cast(high, dtype=dtype))
        if isinstance(size, tuple):
            if not all(isinstance(i, (np.integer, int, Variable)) for i in size):
                raise AssertionError("size must be a tuple of int or a Theano variable")
            if any(not isinstance(i, Variable) and i <= 0 for i in size):
                raise ValueError("The specified size contains a dimension with value <= 0", size)
        elif not (isinstance(size, Variable) and size.ndim == 1):
            raise TypeError(
                "size must be a tuple of int or a Theano Variable with 1 dimension, got %s of type %s"
                % (size, type(size))
            )
        kwargs.pop("target", None)
        if kwargs:
            raise TypeError("uniform() got unexpected keyword arguments %s" % kwargs.keys())
        streams = self.n_streams(size) if nstreams is None else nstreams
        state = shared(self.get_substream_rstates(streams, dtype))
        state.tag.is_rng = True
        u = self.pretty_return(state, *mrg_uniform.new(state, ndim, dtype, size), size=size, nstreams=nstreams)
        r = u * (high - low) + low
        if u.type.broadcastable != r.type.broadcastable:
            raise NotImplementedError(
                "Increase the size to match the broadcasting pattern of `low` and `high` arguments"
            )
        return r

    def binomial(self, size=None, n=1, p=0.5, ndim=None, dtype="int64", nstreams=None, **kwargs):
        """1 with probability `p`, else 0, int64 by default; only `n` = 1 trials are implemented (NotImplementedError).

        `p` is a number or tensor that broadcasts against the draw; `size` and `nstreams` are as for `uniform`.
        """
        if n != 1:
            raise NotImplementedError("MRG_RandomStreams.binomial with n > 1")
        p = _without_gradient(as_tensor_variable(p))
        return cast(self.uniform(size=size, nstreams=nstreams, **kwargs) < p, dtype)

    def multinomial(self, size=None, n=1, pvals=None, ndim=None, dtype="int64", nstreams=None, **kwargs):
        """Counts, for each row of `pvals`, of `n` draws from the distribution in that row: an int64 matrix by default.

        Parameters
        ----------
        pvals : matrix of chances
        n : int or integer scalar
        nstreams : as for `uniform`

        Raises
        ------
        TypeError : no `pvals`. ValueError : a `size` or `ndim`, which are not used.
        NotImplementedError : `pvals` is no matrix.
        """
        if pvals is None:
            raise TypeError("You have to specify pvals")
        pvals = _without_gradient(as_tensor_variable(pvals))
        if size is not None:
            if any(isinstance(i, int) and i <= 0 for i in size):
                raise ValueError("The specified size contains a dimension with value <= 0", size)
            raise ValueError(
                "Provided a size argument to MRG_RandomStreams.multinomial, which does not use the size argument."
            )
        if ndim is not None:
            raise ValueError(
                "Provided an ndim argument to MRG_RandomStreams.multinomial, which does not use the ndim argument."
            )
        if pvals.ndim != 2:
            raise NotImplementedError("MRG_RandomStreams.multinomial only implemented for pvals.ndim = 2")
        draws = self.uniform(size=pvals[:, 0].shape * n, ndim=1, nstreams=nstreams, **kwargs)
        return MultinomialFromUniform(dtype)(pvals, draws, as_tensor_variable(n))

    def choice(self, size=1, a=None, replace=True, p=None, ndim=None, dtype="int64", nstreams=None, **kwargs):
        """`size` different column numbers for each row of `p`: a matrix with as many rows, by default of int64.

        Parameters
        ----------
        size : int or integer scalar
        a : must be None
        replace : must be given as False, the only way supported
        p : matrix of the chances, a distribution a row
        nstreams : as for `uniform`

        Raises
        ------
        NotImplementedError : `replace` is true, or `p` is no matrix. TypeError : an `a`, or no `p`.
        ValueError : an `ndim`; when run, a `size` greater than the number of columns.
        """
        if replace:
            raise NotImplementedError("MRG_RandomStreams.choice only works without replacement for now.")
        if a is not None:
            raise TypeError(
                "For now, a has to be None in MRG_RandomStreams.choice. Sampled values are between 0 and p.shape[1]-1"
            )
        if p is None:
            raise TypeError("For now, p has to be specified in MRG_RandomStreams.choice.")
        p = _without_gradient(as_tensor_variable(p))
        if ndim is not None:
            raise ValueError("ndim argument to MRG_RandomStreams.choice is not used.")
        if p.ndim != 2:
            raise NotImplementedError("MRG_RandomStreams.choice is only implemented for p.ndim = 2")
        draws = self.uniform(size=p[:, 0].shape * size, ndim=1, nstreams=nstreams, **kwargs)
        return ChoiceFromUniform(odtype=dtype)(p, draws, as_tensor_variable(size))

    def multinomial_wo_replacement(self, size=None, n=1, pvals=None, ndim=None, dtype="int64", nstreams=None, **kwargs):
        """The old name of `choice`, with `n` for its `size` and `pvals` for its `p`; deprecated."""
        warnings.warn(
            "MRG_RandomStreams.multinomial_wo_replacement() is deprecated and will be removed in the next "
            "release of Theano. Please use MRG_RandomStreams.choice() instead."
        )
        if size is not None:
            raise AssertionError("size is not used")
        return self.choice(size=n, a=None, replace=False, p=pvals, dtype=dtype, nstreams=nstreams, ndim=ndim, **kwargs)

    def normal(self, size, avg=0.0, std=1.0, ndim=None, dtype=None, nstreams=None, truncate=False, **kwargs):
        """Normal draws with mean `avg` and standard deviation `std`, by the Box-Muller transform.

        Parameters
        ----------
        size : int, integer scalar or vector, or a tuple or list of positive ints and integer scalars (else ValueError)
        avg, std : numbers or tensors that broadcast against the draw; no gradient goes through them
        ndim : int, the number of dimensions; needed when `size` is a vector of unknown length
        dtype : by default what floatX, `avg` and `std` are upcast to
        nstreams : as for `uniform`
        truncate : draw anew what falls beyond two standard deviations
        """
        size = _check_size(size)
        avg, std = _without_gradient(as_tensor_variable(avg)), _without_gradient(as_tensor_variable(std))
        dtype = dtype or upcast(config.floatX, avg.dtype, std.dtype)
        avg, std = cast(avg, dtype=dtype), cast(std, dtype=dtype)
        wanted = size.data.prod(dtype="int64") if isinstance(size, Constant) else T.prod(size, dtype="int64")
        even = wanted + wanted % 2
        u = self.uniform((even,), low=0.0, high=1.0, ndim=1, dtype=dtype, nstreams=nstreams, **kwargs)
        u1, u2 = u[: even // 2], u[even // 2 :]
        radius = T.sqrt(-2.0 * T.log(u1))
        angle = np.array(2.0 * np.pi, dtype=dtype) * u2
        cos, sin = T.cos(angle), T.sin(angle)
        z0, z1 = radius * cos, radius * sin
        if truncate:
            far0, far1 = (z0 < -2.0) | (z0 > 2.0), (z1 < -2.0) | (z1 > 2.0)
            kept0, kept1 = z0[T.nonzero(~far0)], z1[T.nonzero(~far1)]
            far0, far1 = T.nonzero(far0)[0], T.nonzero(far1)[0]
            low = constant(1.0 / np.e**2, dtype=dtype)
            again = self.uniform(
                (far0.size + far1.size,), low=low, high=1.0, ndim=1, dtype=dtype, nstreams=nstreams, **kwargs
            )
            radius = T.sqrt(-2.0 * T.log(again))
            samples = T.join(0, kept0, radius[: far0.size] * cos[far0], kept1, radius[far0.size :] * sin[far1])
        else:
            samples = T.join(0, z0, z1)
        if isinstance(wanted, Variable):
            samples = samples[:wanted]
        elif wanted % 2 == 1:
            samples = samples[:-1]
        samples = T.reshape(samples, newshape=size, ndim=ndim)
        return samples * std + avg

    def truncated_normal(self, size, avg=0.0, std=1.0, ndim=None, dtype=None, nstreams=None, **kwargs):
        """Normal draws cut at two standard deviations and scaled so that the result has deviation `std`.

        `size`, `avg` and the other parameters are those of `normal`.
        """
        # the standard deviation of a standard normal truncated to [-2, 2]
        std = std / constant(0.87962566103423978)
        return self.normal(
            size=size, avg=avg, std=std, truncate=True, ndim=ndim, dtype=dtype, nstreams=nstreams, **kwargs
        )


def _check_size(size):
    """`size` (a scalar, a vector or a tuple mixing ints and scalars) as an integer vector; ValueError if it is none."""
    if isinstance(size, Variable):
        if size.ndim == 1:
            return size
        if size.ndim == 0:
            return stack([size])
        raise ValueError("Theano variable must have 1 dimension to be a valid size.", size)
    if isinstance(size, (np.integer, int)):
        return constant([size], ndim=1)
    if not isinstance(size, (tuple, list)):
        raise ValueError("Size must be a int, tuple, list or Theano variable.", size)
    for i in size:
        if isinstance(i, Variable):
            if i.ndim != 0:
                raise ValueError("Non-scalar Theano variable in size", size, i)
        elif not isinstance(i, (np.integer, int)):
            raise ValueError("Only Theano variables and integers are allowed in a size-tuple.", size, i)
        elif i <= 0:
            raise ValueError("Non-positive dimensions not allowed in size.", size, i)
    return as_tensor_variable(size, ndim=1)
