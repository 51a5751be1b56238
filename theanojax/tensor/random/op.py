"""Random variables: Ops that draw from a numpy RandomState, with shapes that follow from their parameters."""

from collections.abc import Sequence

import numpy as np

from theanojax.config import config
from theanojax.graph.op import Op
from theanojax.graph.shared import shared
from theanojax.graph.variable import Apply, Variable
from theanojax.tensor.as_tensor import as_tensor_variable, constant, extract_constant, get_vector_length
from theanojax.tensor.broadcasting import broadcast_shape_iter, broadcast_to, lengths_of
from theanojax.tensor.cast import cast
from theanojax.tensor.math import maximum
from theanojax.tensor.op_methods import without_gradient
from theanojax.tensor.random.raw_random import DrawFromState, RandomStateType
from theanojax.tensor.type import TensorType, all_dtypes
from theanojax.tensor.type_other import NoneConst


def default_shape_from_params(ndim_supp, dist_params, rep_param_idx=0, param_shapes=None):
    """The shape of one draw with `ndim_supp` dimensions: the last lengths of a parameter, the one at `rep_param_idx`.

    `param_shapes` are the shapes of the parameters `dist_params`, if they are known otherwise. ValueError for numbers
    of dimensions that do not fit.
    """
    if ndim_supp <= 0:
        raise ValueError("ndim_supp must be greater than 0")
    if param_shapes is not None:
        return tuple(param_shapes[rep_param_idx])[-ndim_supp:]
    by = dist_params[rep_param_idx]
    if by.ndim < ndim_supp:
        raise ValueError(
            "Reference parameter does not match the expected dimensions; %s has less than %d dim(s)." % (by, ndim_supp)
        )
    return by.shape[-ndim_supp:]


def params_broadcast_shapes(param_shapes, ndims_params, use_theano=True):
    """The shapes of parameters whose leading dimensions are broadcast together, tuples.

    `param_shapes` are their shapes, and `ndims_params` say how many dimensions at the end of each belong to a single
    draw. Lengths are symbolic with `use_theano`, and else ints.
    """
    longer = maximum if use_theano else max
    split = [(tuple(s)[: len(s) - n], tuple(s)[len(s) - n :]) for s, n in zip(map(tuple, param_shapes), ndims_params)]
    ndim = max((len(leading) for leading, _ in split), default=0)
    together = []
    for i in range(-ndim, 0):
        lengths = [leading[i] for leading, _ in split if len(leading) >= -i]
        length = lengths[0]
        for other in lengths[1:]:
            length = longer(length, other)
        together.append(length)
    return [(*together, *own) for _, own in split]


def broadcast_params(params, ndims_params):
    """The parameters `params`, arrays or variables, with their leading dimensions broadcast together.

    `ndims_params` say how many dimensions at the end of each belong to a single draw.
    """
    symbolic = any(isinstance(p, Variable) for p in params)
    shapes = params_broadcast_shapes([p.shape for p in params], ndims_params, use_theano=symbolic)
    return [(broadcast_to if symbolic else np.broadcast_to)(p, shape) for p, shape in zip(params, shapes)]


class RandomVariable(DrawFromState):
    """An Op that draws from a distribution, with a numpy RandomState.

    Its inputs are the state, the size, the number of the dtype in ``all_dtypes``, and the distribution's parameters;
    its outputs the state afterwards, and the draw, which is what a call returns. Subclasses may give the parameters of
    the constructor as attributes, and ``rng_fn(rng, *parameters, size)`` where `name` is no method of RandomState.

    Parameters
    ----------
    name : str, a method of numpy's RandomState, and what the Op prints as.
    ndim_supp : int, the number of dimensions of a single draw: 1 for one of vectors.
    ndims_params : list of int, how many dimensions each parameter has for a single draw; TypeError if it is no list.
    dtype : str, the dtype of draws; "floatX" is read when a draw is made. None: it is given with each draw.
    inplace : bool, whether the state that is given is moved on, and not a copy.
    """

    __props__ = ("name", "ndim_supp", "ndims_params", "dtype", "inplace")
    default_output = 1
    nondeterministic = True

    def __init__(self, name=None, ndim_supp=None, ndims_params=None, dtype=None, inplace=None):
        self.name = name or self.name
        self.ndim_supp = self.ndim_supp if ndim_supp is None else ndim_supp
        self.ndims_params = self.ndims_params if ndims_params is None else ndims_params
        self.dtype = dtype or getattr(self, "dtype", None)
        if not isinstance(self.ndims_params, Sequence):
            raise TypeError("Parameter ndims_params must be sequence type.")
        self.ndims_params = tuple(self.ndims_params)
        super().__init__(getattr(self, "inplace", False) if inplace is None else inplace)

    def __str__(self):
        return "%s_rv" % self.name

    def rng_fn(self, rng, *args, **kwargs):
        """A draw from the RandomState `rng`: arrays of the parameters, then the size, a tuple or None."""
        return getattr(np.random.RandomState, self.name)(rng, *args, **kwargs)

    def _shape_from_params(self, dist_params, **kwargs):
        """The shape of a single draw, whose number of dimensions is not 0; see `default_shape_from_params`."""
        return default_shape_from_params(self.ndim_supp, dist_params, **kwargs)

    def _infer_shape(self, size, dist_params, param_shapes=None):
        """The lengths of a draw of `size`, a vector, with parameters of the shapes `param_shapes`."""
        length = get_vector_length(size)
        if self.ndim_supp == 0 and length > 0:
            return size
        shapes = [lengths_of(p, s) for p, s in zip(dist_params, param_shapes or [None] * len(dist_params))]
        together = broadcast_shape_iter(
            [s[: len(s) - n] for s, n in zip(shapes, self.ndims_params)], arrays_are_shapes=True
        )
        if self.ndim_supp == 0:
            return together or constant([], dtype="int64")
        one_draw = tuple(self._shape_from_params(dist_params, param_shapes=shapes))
        return (*(size[i] for i in range(length)), *together, *one_draw)

    def compute_bcast(self, dist_params, size):
        """The broadcast pattern of a draw of `size`, a vector, with the parameters `dist_params`."""
        with config.change_flags(compute_test_value="off"):
            shape = self._infer_shape(size, dist_params)
            ndim = get_vector_length(shape) if isinstance(shape, Variable) else len(shape)
            return [bool(extract_constant(as_tensor_variable(shape[i])) == 1) for i in range(ndim)]

    def infer_shape(self, node, input_shapes):
        shape = self._infer_shape(node.inputs[1], node.inputs[3:], param_shapes=input_shapes[3:])
        return [None, [as_tensor_variable(shape[i]) for i in range(node.outputs[1].ndim)]]

    def __call__(self, *args, size=None, name=None, rng=None, dtype=None, **kwargs):
        """A draw with the parameters `args`.

        `size` is an int, a list of lengths or a vector of a length that is known; by default one draw for each element
        of the parameters. `rng` is a variable with a RandomState, by default a new one; `dtype` is for Ops without one.
        """
        draw = super().__call__(rng, size, dtype, *args, **kwargs)
        if name is not None:
            draw.name = name
        return draw

    def make_node(self, rng, size, dtype, *dist_params):
        """The Apply of a draw; the parameters are as in a call. TypeError for a size, state or dtype that is none."""
        if not isinstance(size, (int, np.ndarray, Variable, Sequence, type(None))):
            raise TypeError("Parameter size must be None, an integer, or a sequence with integers.")
        if not isinstance(size, Variable):
            lengths = () if size is None else (size,) if isinstance(size, int) else size
            size = lengths if len(lengths) else constant([], dtype="int64")  # a list of none would be of floats
        size = cast(as_tensor_variable(size, ndim=1), "int64")
        parameters = [p if isinstance(p, Variable) else as_tensor_variable(p) for p in dist_params]
        if rng is None:
            rng = shared(np.random.RandomState())
        elif not isinstance(rng.type, RandomStateType):
            raise TypeError("The type of rng should be an instance of RandomStateType")
        pattern = self.compute_bcast(parameters, size)
        dtype = self.dtype or dtype
        if dtype == "floatX":
            dtype = config.floatX
        elif dtype is None or isinstance(dtype, str) and dtype not in all_dtypes:
            raise TypeError("dtype is unspecified")
        elif not isinstance(dtype, str):  # the number of one: this is a node's third input
            dtype = all_dtypes[int(extract_constant(dtype))]
        number = constant(all_dtypes.index(dtype), dtype="int64")
        return Apply(self, [rng, size, number, *parameters], [rng.type(), TensorType(dtype, pattern)()])

    def draw(self, node, r, size, dtype, *args):
        drawn = self.rng_fn(r, *args, tuple(int(n) for n in size) if len(size) else None)
        return np.asarray(drawn, dtype=node.outputs[1].type.dtype)

    grad = without_gradient("No gradient defined for random variables")


class Observed(Op):
    """``observed(rv, value)`` is `value`, in a graph that says that it was seen of the random variable `rv`, or None.

    TypeError if `rv` could not have that value.
    """

    __props__ = ()
    default_output = 0
    view_map = {0: [1]}

    def make_node(self, rv, val):
        val = as_tensor_variable(val)
        if rv is None:
            rv = NoneConst.clone()
        elif not hasattr(rv, "type") or rv.type.convert_variable(val) is None:
            raise TypeError("`rv` and `val` do not have compatible types: rv=%s, val=%s" % (rv, val))
        return Apply(self, [rv, val], [val.type()])

    def perform(self, node, inputs, out):
        out[0][0] = inputs[1]

    def infer_shape(self, node, shapes):
        return [shapes[1]]

    grad = without_gradient("No gradient defined for random variables")


observed = Observed()
