"""JAX functions as Ops: in any graph, in loops and branches, with gradients by JAX's own rules."""

import functools

import numpy as np

import jax
import jax.numpy as jnp

from theanojax.config import config
from theanojax.gradient import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply, Variable
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.type import TensorType

# Lengths that stand for those nobody knows, to ask JAX for dtypes and for dimensions whose length is always 1.
ASSUMED = (6, 12)


def from_jax(function=None, types=None, name=None):
    """A JAX function as one that takes and returns Theano's variables; also a decorator.

    Parameters
    ----------
    function : a pure function of arrays, or of pytrees of arrays. Variables and arrays in its arguments are inputs of
        the graph, and reach it as JAX arrays; anything else (numbers, strings, functions) reaches it as it is.
    types : the types of its outputs, in the order of the leaves of what it returns (a TensorType or a list); if not
        given, JAX is asked with lengths that are all alike, which few functions mind.
    name : what the Op is called where graphs are printed.

    Returns
    -------
    A function whose result is like that of `function`, with variables as leaves. `grad` goes through it by jax.vjp and
    `Rop` by jax.jvp, to any order; shapes are JAX's.

    Raises
    ------
    TypeError : when called, for a function that JAX cannot trace with lengths that are all alike and no `types`.
    """
    if function is None:
        return functools.partial(from_jax, types=types, name=name)
    given = None if types is None else tuple(types) if isinstance(types, (list, tuple)) else (types,)
    title = name or getattr(function, "__name__", type(function).__name__)

    @functools.wraps(function, updated=())
    def apply(*args, **kwargs):
        leaves, tree = jax.tree.flatten((args, kwargs), is_leaf=lambda x: isinstance(x, Variable))
        inputs = [leaf for leaf in leaves if isinstance(leaf, (Variable, np.ndarray, jax.Array))]
        rest = tuple(_HOLE if any(leaf is v for v in inputs) else leaf for leaf in leaves)
        call = _Call(function, tree, rest)
        node = JaxOp(call, title, given).make_node(*inputs)
        return jax.tree.unflatten(call.result, node.outputs)

    return apply


class _Hole:
    """Where an input goes."""

    def __repr__(self):
        return "_"


_HOLE = _Hole()


class _ByValue:
    """A function that is equal to another with the same parts."""

    parts = ()

    def __eq__(self, other):
        return type(self) is type(other) and self.parts == other.parts

    def __hash__(self):
        return hash((type(self), self.parts))


class _Call(_ByValue):
    """A function of pytrees as one of a list of arrays to a tuple of arrays."""

    def __init__(self, function, tree, rest):
        self.function, self.tree, self.rest = function, tree, rest
        self.result = None  # the pytree that it returns, once it was asked

    @property
    def parts(self):
        return self.function, self.tree, self.rest

    def __hash__(self):
        return hash((self.function, self.tree))

    def __call__(self, *values):
        values = iter(values)
        leaves = [next(values) if leaf is _HOLE else leaf for leaf in self.rest]
        args, kwargs = jax.tree.unflatten(self.tree, leaves)
        outs, self.result = jax.tree.flatten(self.function(*args, **kwargs))
        return tuple(outs)


def _floats(dtypes):
    return [i for i, dtype in enumerate(dtypes) if np.dtype(dtype).kind in "fc"]


class _Vjp(_ByValue):
    """Of `function`: from its inputs and the gradients of its outputs of floats to those of its inputs of floats."""

    def __init__(self, function, inputs, outputs):
        self.parts = self.function, self.inputs, self.outputs = function, inputs, outputs  # the last two are dtypes

    def __call__(self, *values):
        n, moving = len(self.inputs), _floats(self.inputs)
        kept = _floats(self.outputs)

        def of_floats(*floats):
            everything = list(values[:n])
            for i, x in zip(moving, floats, strict=True):
                everything[i] = x
            outs = self.function(*everything)
            return [outs[i] for i in kept]

        _, back = jax.vjp(of_floats, *[values[i] for i in moving])
        return back(list(values[n:]))


class _Jvp(_ByValue):
    """Of `function`: from its inputs and the changes of those of floats to the changes of its outputs of floats."""

    def __init__(self, function, inputs, outputs):
        self.parts = self.function, self.inputs, self.outputs = function, inputs, outputs

    def __call__(self, *values):
        n, moving = len(self.inputs), _floats(self.inputs)

        def of_floats(*floats):
            everything = list(values[:n])
            for i, x in zip(moving, floats, strict=True):
                everything[i] = x
            outs = self.function(*everything)
            return tuple(outs[i] for i in _floats(self.outputs))

        return jax.jvp(of_floats, [values[i] for i in moving], list(values[n:]))[1]


class JaxOp(Op):
    """A JAX function of arrays to a tuple of arrays; see `from_jax`."""

    __props__ = ("function", "title", "types")

    def __init__(self, function, title, types=None):
        self.function, self.title, self.types = function, title, types

    def __str__(self):
        return "jax{%s}" % self.title

    def make_node(self, *inputs):
        inputs = [as_tensor_variable(v) for v in inputs]
        types = self._types(inputs) if self.types is None else self.types
        if getattr(self.function, "result", True) is None:  # nobody has asked what it returns
            _shapes(self.function, inputs, ASSUMED[0])
        return Apply(self, inputs, [t() for t in types])

    def _types(self, inputs):
        try:
            found = [_shapes(self.function, inputs, length) for length in ASSUMED]
        except Exception as error:
            raise TypeError(
                "JAX cannot tell what %s returns for %s with dimensions that all have one length; give from_jax the "
                "`types` of its outputs" % (self.title, ", ".join(str(v.type) for v in inputs))
            ) from error
        return [
            TensorType(str(one.dtype), [a == b == 1 for a, b in zip(one.shape, other.shape, strict=True)])
            for one, other in zip(*found, strict=True)
        ]

    def compute(self, xp, node, *inputs):
        return tuple(np.asarray(out) for out in jax.jit(self.function)(*inputs))

    def lower_xla(self, ctx, node, *inputs):
        return self.function(*map(jnp.asarray, inputs))

    def infer_shape(self, node, shapes):
        lengths = [n for shape in shapes for n in shape]
        ndims = tuple(v.type.ndim for v in node.inputs)
        dtypes = tuple(v.type.dtype for v in node.inputs)
        op = Lengths(self.function, self.title, ndims, dtypes, tuple(v.type.ndim for v in node.outputs))
        found = iter(op(*lengths, return_list=True) if sum(op.results) else ())
        return [tuple(next(found) for _ in range(v.type.ndim)) for v in node.outputs]

    def L_op(self, inputs, outputs, output_grads):
        moving, kept = _floats(v.dtype for v in inputs), _floats(v.dtype for v in outputs)
        grads = [None] * len(inputs)
        if moving:
            back = _Vjp(self.function, *(tuple(v.dtype for v in vs) for vs in (inputs, outputs)))
            types = tuple(inputs[i].type for i in moving)
            given = [_gradient(output_grads[i], outputs[i]) for i in kept]
            found = JaxOp(back, "vjp of " + self.title, types)(*inputs, *given, return_list=True)
            for i, g in zip(moving, found, strict=True):
                grads[i] = g
        return [v.zeros_like(dtype=config.floatX) if g is None else g for v, g in zip(inputs, grads, strict=True)]

    def R_op(self, inputs, eval_points):
        moving, kept = _floats(v.dtype for v in inputs), []
        outputs = self(*inputs, return_list=True)
        kept = _floats(v.dtype for v in outputs)
        along = _Jvp(self.function, *(tuple(v.dtype for v in vs) for vs in (inputs, outputs)))
        points = [inputs[i].zeros_like() if eval_points[i] is None else eval_points[i] for i in moving]
        types = tuple(outputs[i].type for i in kept)
        found = iter(JaxOp(along, "jvp of " + self.title, types)(*inputs, *points, return_list=True))
        return [next(found) if i in kept else None for i in range(len(outputs))]


def _gradient(g, output):
    """The gradient of an output, with its dtype: JAX is strict about both."""
    g = output.zeros_like() if isinstance(g.type, DisconnectedType) else g
    return g if g.dtype == output.dtype else g.astype(output.dtype)


def _shapes(function, inputs, length):
    """What `function` returns for variables of which all lengths are `length`, or 1."""
    given = [
        jax.ShapeDtypeStruct([1 if b else length for b in v.type.broadcastable], np.dtype(v.type.dtype)) for v in inputs
    ]
    return jax.eval_shape(lambda *values: function(*values), *given)  # jax would remember the answer of an equal one


class Lengths(Op):
    """The lengths of what a JAX function returns, from those of its arguments; nothing is computed."""

    __props__ = ("function", "title", "ndims", "dtypes", "results")
    cheap_on_host = True

    def __init__(self, function, title, ndims, dtypes, results):
        self.function, self.title = function, title
        self.ndims, self.dtypes, self.results = ndims, dtypes, results  # the first two of the inputs

    def __str__(self):
        return "Lengths{%s}" % self.title

    def make_node(self, *lengths):
        self.static_inputs = tuple(range(len(lengths)))
        lengths = [as_tensor_variable(n).astype("int64") for n in lengths]
        return Apply(self, lengths, [TensorType("int64", ())() for _ in range(sum(self.results))])

    def compute(self, xp, node, *lengths):
        lengths = iter([int(n) for n in lengths])
        given = [
            jax.ShapeDtypeStruct([next(lengths) for _ in range(ndim)], np.dtype(dtype))
            for ndim, dtype in zip(self.ndims, self.dtypes, strict=True)
        ]
        outs = jax.eval_shape(self.function, *given)
        return tuple(np.asarray(n, dtype="int64") for out in outs for n in out.shape)

    def grad(self, inputs, output_grads):
        return [v.zeros_like(dtype=config.floatX) for v in inputs]
