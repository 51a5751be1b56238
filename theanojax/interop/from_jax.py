"""JAX functions as Ops: in any graph, in loops and branches, with gradients by JAX's own rules."""

import contextlib
import functools

import numpy as np

import jax
import jax.numpy as jnp

from theanojax.config import config
from theanojax.gradient import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply, Constant, Variable
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.type import TensorType, all_dtypes

# Lengths that stand for those nobody knows, to ask JAX for dtypes and for dimensions whose length is always 1.
ASSUMED = (6, 12)


def from_jax(function=None, types=None, name=None):
    """A JAX function as one that takes and returns Theano's variables; also a decorator.

    Parameters
    ----------
    function : a pure function of arrays, or of pytrees of arrays. Variables and arrays in its arguments are inputs of
        the graph, and reach it as JAX arrays; anything else (numbers, strings, functions) reaches it as it is.
    types : the types of its outputs, in the form in which it returns them (a TensorType, a list, a dict ...); if not
        given, JAX is asked with lengths that are all alike, and then with those that constants have.
    name : what the Op is called where graphs are printed.

    Returns
    -------
    A function whose result is like that of `function`, with variables as leaves. `grad` goes through it by jax.vjp and
    `Rop` by jax.jvp, to any order; shapes are JAX's.

    Raises
    ------
    TypeError : for what is no function; when called, for a function that JAX cannot trace with lengths that are all
        alike and no `types`; when the graph runs, for outputs that are not of these types.
    """
    if function is None:
        return functools.partial(from_jax, types=types, name=name)
    if not callable(function):
        raise TypeError("from_jax takes a function of JAX arrays, not %r" % (function,))
    given, form = (None, None) if types is None else jax.tree.flatten(types)
    title = name or getattr(function, "__name__", type(function).__name__)

    @functools.wraps(function, updated=())
    def apply(*args, **kwargs):
        leaves, tree = jax.tree.flatten((args, kwargs), is_leaf=lambda x: isinstance(x, Variable))
        inputs = [leaf for leaf in leaves if _is_input(leaf)]
        rest = tuple(_HOLE if any(leaf is v for v in inputs) else leaf for leaf in leaves)
        call, inputs = _Call(function, tree, rest), [as_tensor_variable(v) for v in inputs]
        if given is not None:
            with contextlib.suppress(Exception):  # what it returns has the form of `types` then
                _shapes(call, inputs)
        outputs = JaxOp(call, title, given and tuple(given))(*inputs, return_list=True)
        result = form if call.result is None else call.result
        if result.num_leaves != len(outputs):
            raise TypeError("%s returns %d arrays, and has %d types" % (title, result.num_leaves, len(outputs)))
        return jax.tree.unflatten(result, outputs)

    return apply


def _is_input(leaf):
    """Whether it is of the graph: a variable, or an array such as these have. Keys of jax.random are not."""
    return isinstance(leaf, Variable) or (isinstance(leaf, (np.ndarray, jax.Array)) and str(leaf.dtype) in all_dtypes)


class _Hole:
    """Where an input goes."""

    def __repr__(self):
        return "_"

    def __reduce__(self):  # there is one, in copies too
        return "_HOLE"


_HOLE = _Hole()


def _same(a, b):
    """Whether a function cannot tell one from the other: it can 1 from 1.0 and True, and 0.0 from -0.0."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, (float, complex, np.generic)):
        return repr(a) == repr(b)
    try:
        return bool(a == b)
    except Exception:  # those that compare element by element
        return False


class _ByValue:
    """A function that is equal to another with the same parts."""

    parts = ()

    def __eq__(self, other):
        if type(self) is not type(other) or len(self.parts) != len(other.parts):
            return False
        return all(map(_same, self.parts, other.parts))

    def __hash__(self):
        return hash((type(self), self.parts))


class _Call(_ByValue):
    """A function of pytrees as one of a list of arrays to a tuple of arrays."""

    def __init__(self, function, tree, rest):
        self.function, self.tree, self.rest = function, tree, rest
        self.result = None  # the pytree that it returns, once it was asked

    @property
    def parts(self):
        return self.function, self.tree, str(self.tree), *self.rest  # trees may keep numbers, which == takes as equal

    def __hash__(self):
        try:
            return hash((self.function, self.tree))
        except TypeError:  # a part of them has no hash
            return hash(len(self.rest))

    def __call__(self, *values):
        values = iter(values)
        leaves = [next(values) if leaf is _HOLE else leaf for leaf in self.rest]
        args, kwargs = jax.tree.unflatten(self.tree, leaves)
        outs, self.result = jax.tree.flatten(self.function(*args, **kwargs))
        return tuple(outs)


def _floats(dtypes):
    return [i for i, dtype in enumerate(dtypes) if np.dtype(dtype).kind in "fc"]


class _Derivative(_ByValue):
    """Of `function`, whose inputs and outputs have these dtypes: a function of its inputs, and then of others."""

    def __init__(self, function, inputs, outputs):
        self.parts = self.function, self.inputs, self.outputs = function, inputs, outputs

    def _of_floats(self, values):
        """(function of the inputs of floats to the outputs of floats, where these are taken, the other arguments)."""
        n, moving, kept = len(self.inputs), _floats(self.inputs), _floats(self.outputs)

        def of_floats(*floats):
            everything = list(values[:n])
            for i, x in zip(moving, floats, strict=True):
                everything[i] = x
            outs = self.function(*everything)
            return tuple(outs[i] for i in kept)

        return of_floats, [values[i] for i in moving], tuple(values[n:])


class _Vjp(_Derivative):
    """From the inputs and the gradients of the outputs of floats to those of the inputs of floats."""

    def __call__(self, *values):
        of_floats, at, gradients = self._of_floats(values)
        _, back = jax.vjp(of_floats, *at)
        return back(gradients)


class _Jvp(_Derivative):
    """From the inputs and the changes of those of floats to the changes of the outputs of floats."""

    def __call__(self, *values):
        of_floats, at, changes = self._of_floats(values)
        return jax.jvp(of_floats, at, list(changes))[1]


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
        return Apply(self, inputs, [t() for t in types])

    def _types(self, inputs):
        try:
            found = _shapes(self.function, inputs)
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
        return tuple(np.asarray(out) for out in self._checked(node, jax.jit(self.function)(*inputs)))

    def lower_xla(self, ctx, node, *inputs):
        return self._checked(node, self.function(*map(jnp.asarray, inputs)))

    def _checked(self, node, outs):
        """What the function has returned, if it is what the graph was told."""
        if len(outs) != len(node.outputs):
            raise TypeError("%s returned %d arrays, and has %d types" % (self.title, len(outs), len(node.outputs)))
        for out, v in zip(map(jnp.asarray, outs), node.outputs, strict=True):
            fits = str(out.dtype) == v.type.dtype and out.ndim == v.type.ndim
            if not fits or any(b and n != 1 for b, n in zip(v.type.broadcastable, out.shape, strict=True)):
                raise TypeError(
                    "%s returned an array of dtype %s and shape %s, not what was given to from_jax as its `types`, or "
                    "found by asking JAX: %s" % (self.title, out.dtype, out.shape, v.type)
                )
        return outs

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
        outputs = self(*inputs, return_list=True)
        moving, kept = _floats(v.dtype for v in inputs), _floats(v.dtype for v in outputs)
        along = _Jvp(self.function, *(tuple(v.dtype for v in vs) for vs in (inputs, outputs)))
        points = [inputs[i].zeros_like() if eval_points[i] is None else eval_points[i] for i in moving]
        types = tuple(outputs[i].type for i in kept)
        found = iter(JaxOp(along, "jvp of " + self.title, types)(*inputs, *points, return_list=True))
        return [next(found) if i in kept else None for i in range(len(outputs))]


def _gradient(g, output):
    """The gradient of an output, with its dtype: JAX is strict about both."""
    g = output.zeros_like() if isinstance(g.type, DisconnectedType) else g
    return g if g.dtype == output.dtype else g.astype(output.dtype)


def _shapes(function, inputs):
    """What `function` returns for variables of which all lengths are alike, or 1, and then for other such lengths.

    If it cannot take constants of such lengths, these have their own.
    """

    def ask(length, own):
        given = []
        for v in inputs:
            lengths = v.data.shape if own and isinstance(v, Constant) else [1 if b else length for b in v.broadcastable]
            given.append(jax.ShapeDtypeStruct(lengths, np.dtype(v.dtype)))
        # Another function each time: of an equal one jax would remember the answer.
        return jax.eval_shape(lambda *values: function(*values), *given)

    try:
        return [ask(length, False) for length in ASSUMED]
    except Exception:
        if not any(isinstance(v, Constant) for v in inputs):
            raise
        return [ask(length, True) for length in ASSUMED]


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
