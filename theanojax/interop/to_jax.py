"""A graph as a pure function of JAX arrays, for jit, grad, vmap, shard_map and all that stands on them."""

import numpy as np

import jax
import jax.numpy as jnp

from theanojax.compile.function import function
from theanojax.compile.function_object import Function
from theanojax.graph.cells import Cell
from theanojax.graph.copying import substitute
from theanojax.graph.locks import compiling
from theanojax.graph.op import without_test_values
from theanojax.graph.shared import SharedVariable
from theanojax.graph.traverse import inputs as graph_inputs, io_toposort
from theanojax.graph.variable import Constant, Variable
from theanojax.interop.barriers import kept, missed, without_derivatives
from theanojax.runtime.host import HostExecutor
from theanojax.runtime.xla.problems import GuardFailed, NeedsValue, TooLarge, Unsupported, Untraceable
from theanojax.runtime.xla.trace import TraceContext


class NeedsHost(TypeError):
    """A graph that has no form as a JAX function, or not for these arguments; says which node, and why.

    See docs/errors.md#needshost.
    """


def to_jax(outputs, inputs=None, updates=None, givens=None, mode=None, check=True):
    """A graph as a pure function of JAX arrays.

    Parameters
    ----------
    outputs : a function that `theanojax.function` made; or a variable, or a list of variables, which are rewritten
        as it would.
    inputs : list of variables, the arguments; None for all that the outputs are computed from, in the order in which
        the graph has them.
    updates, givens, mode : as of `theanojax.function`.
    check : whether what is only known at run time (an index out of bounds, a slice shorter than it was traced to be)
        is an error then, too: a jax.errors.JaxRuntimeError that says so. False leaves it to JAX, which reads the
        nearest elements and writes nothing; a call of a few microseconds then takes some fifty less.

    Returns
    -------
    A JaxFunction.

    Raises
    ------
    NeedsHost : an input is no array. What only the host can run is said when the function is called, or traced.
    """
    if isinstance(outputs, Function):
        if inputs is not None or updates or givens or mode is not None:
            raise TypeError("a compiled function has its inputs, updates and mode: call to_jax with nothing else")
        maker = outputs.maker
        graphs = [spec.variable for spec in maker.outputs] + [spec.update for spec in maker.inputs]
        return JaxFunction(outputs, check, missed([v for v in graphs if v is not None]))
    if inputs is None:
        graphs = [getattr(leaf, "variable", leaf) for leaf in jax.tree.leaves(outputs)]
        if not all(isinstance(v, Variable) for v in graphs):
            raise TypeError("to_jax takes a compiled function, a variable or a list of variables, not %r" % (outputs,))
        roots = graph_inputs(graphs)
        inputs = [v for v in roots if not isinstance(v, (Constant, SharedVariable))]
    outputs, updates, lost = _kept(inputs, outputs, updates, givens)
    made = function(inputs, outputs, updates=updates, givens=givens, mode=mode, on_unused_input="ignore", profile=False)
    return JaxFunction(made, check, lost)


def _kept(inputs, outputs, updates, givens):
    """The outputs and updates with what JAX's derivatives are to heed, and a list of what these cannot."""
    leaves, tree = jax.tree.flatten(outputs)
    pairs = list(dict(updates or {}).items())
    given = [v for v in dict(givens or {}).values() if isinstance(v, Variable)]
    graphs = [getattr(leaf, "variable", leaf) for leaf in leaves] + [new for _, new in pairs]
    found = missed([v for v in [*graphs, *given] if isinstance(v, Variable)])
    simple = all(isinstance(v, Variable) for v in [*leaves, *graphs]) and isinstance(inputs, (list, tuple))
    simple = simple and all(isinstance(v, Variable) and v.owner is None for v in inputs)
    if not found or not simple or missed(given):
        return outputs, updates, found
    graphs, lost = kept(graphs)
    updates = [(v, new) for (v, _), new in zip(pairs, graphs[len(leaves) :], strict=True)]
    return jax.tree.unflatten(tree, graphs[: len(leaves)]), updates, lost


class JaxFunction:
    """A pure function of arrays, to be given to jax.jit, jax.grad, jax.vmap ...

    Called as ``fn(*args)`` it returns what the function that it was made from returns, as JAX arrays. If that has
    shared variables, it is called as ``fn(values, *args)``, where `values` is like the dict that ``fn.values()``
    gives; and if some of these are updated, it returns a pair (results, new values).

    Whole numbers and numpy's arrays of them are known while it is traced, and may fix lengths; so are arguments that
    jit calls static. Nothing is compiled until jit asks for it. Errors are Theano's where the arguments are arrays;
    where they are traced, those that need values are met at run time (see `check` of `to_jax`).

    Attributes
    ----------
    inputs : list of the variables that are arguments.
    shared : dict from names to shared variables; those without a name are "shared0", "shared1" ...
    """

    def __init__(self, made, check=True, missed=()):
        self._made, self._check, self._missed = made, check, missed
        fgraph, specs = made.maker.executed_fgraph, made.maker.expanded_inputs
        self._graph, self._is_traceable = (list(fgraph.inputs), list(fgraph.outputs)), False
        self.inputs, self.shared, self._containers = [], {}, {}
        self._names = []  # for each input of the graph: of the shared variable, or None
        for v, spec, container in zip(fgraph.inputs, specs, made.input_storage):
            if not hasattr(v.type, "numpy_dtype") or getattr(v.type, "host_only", False):
                raise NeedsHost("%s is of type %s: a function of JAX takes arrays" % (spec.variable, v.type))
            name = self._name(spec.variable) if isinstance(container.storage, Cell) else None
            self._names.append(name)
            if name is not None:
                self.shared[name], self._containers[name] = spec.variable, container
            else:
                self.inputs.append(spec.variable)
        self._updated = [name for name, spec in zip(self._names, specs) if spec.update is not None]
        if None in self._updated:
            raise NeedsHost("an argument that is updated is a state of its own; make it a shared variable")

    def _name(self, variable):
        name = variable.name or "shared%d" % len(self.shared)
        while name in self.shared:
            name += "_"
        return name

    def values(self):
        """A dict of the values that the shared variables have now, as JAX arrays."""
        return {name: jnp.asarray(container.storage.copied()) for name, container in self._containers.items()}

    def set_values(self, values):
        """Give the shared variables the `values`, a dict such as the function returns."""
        for name, value in values.items():
            self._containers[name].value = np.array(value)

    def __repr__(self):
        return "<JAX function %s of %s>" % (self._arguments(), self._made)

    def _arguments(self):
        return "(%s)" % ", ".join(["values"] * bool(self.shared) + [str(v) for v in self.inputs])

    def __call__(self, *args):
        values = {}
        if self.shared:
            if not args or not isinstance(args[0], dict) or args[0].keys() != self.shared.keys():
                raise TypeError("the first argument has to be a dict with a value for each of %s" % list(self.shared))
            values, *args = args
        if len(args) != len(self.inputs):
            first = bool(self.shared)
            raise TypeError(
                "the JAX function %s takes %d arguments, %d were given"
                % (self._arguments(), len(self.inputs) + first, len(args) + first)
            )
        given = iter(args)
        inputs = [
            _array(v, next(given) if name is None else values[name]) for v, name in zip(self._graph[0], self._names)
        ]
        outs = self._run(inputs)
        n = len(outs) - len(self._updated)
        result = self._presented(outs[:n])
        if not self._updated:
            return result
        new = {name: jnp.asarray(value) for name, value in values.items()}
        new.update(zip(self._updated, outs[n:]))
        return result, new

    def _presented(self, outs):
        made = self._made
        if made.output_keys is not None:
            return dict(zip(made.output_keys, outs, strict=True))
        return outs[0] if made.unpack_single else None if made.return_none else outs

    def _traceable(self):
        """The graph, without what only the host can run."""
        while not self._is_traceable:
            node = next((n for n in io_toposort(*self._graph) if n.op.runs_on_host(n)), None)
            if node is None:
                self._is_traceable = True
            elif not self._expand(node):
                raise NeedsHost("%s can only run on the host: %s" % (node, node.op.why_on_host(node)))
        return self._graph

    def _run(self, values):
        while True:
            inputs, outputs = self._traceable()
            context = TraceContext()
            context.env.update(zip(inputs, values))
            try:
                context.run(io_toposort(inputs, outputs), outputs)
                ok = context.ok()
                if not isinstance(ok, jax.core.Tracer) and not ok:
                    raise GuardFailed
            except TooLarge as error:
                raise error.error from None
            except (GuardFailed, Untraceable) as error:
                return self._on_host(values, error)
            except (NeedsValue, Unsupported) as error:
                if not self._expand(error.node):
                    raise NeedsHost(_reason(error)) from None
                continue
            if isinstance(ok, jax.core.Tracer) and self._check:
                jax.lax.cond(ok, lambda ok: None, lambda ok: jax.debug.callback(_refuse, ok), ok)
            context.perform_effects()
            outs = [jnp.asarray(context.value(v)) for v in outputs]
            return list(without_derivatives(self._underivable(), outs)) if self._missed else outs

    def _underivable(self):
        return NeedsHost(
            "JAX's derivatives of %s do not heed %s. Give to_jax what T.grad returns; or variables in place of a "
            "compiled function, if it is grad_clip, grad_scale, zero_grad or disconnected_grad, and neither in an "
            "OpFromGraph nor in a loop in a loop" % (self, ", ".join(self._missed))
        )

    def _on_host(self, values, error):
        """The outputs, or Theano's error, for a call that JAX has found to be in error."""
        if any(isinstance(v, jax.core.Tracer) for v in values):
            if isinstance(error, GuardFailed):
                raise IndexError(_REFUSED) from None
            if error.__cause__ is None:
                raise error
            error.__cause__.add_note("JAX was tracing %s" % error.node)
            raise error.__cause__
        return [jnp.asarray(out) for out in HostExecutor(self._graph)([np.asarray(v) for v in values])]

    def _expand(self, node):
        """Put what the Op of `node` offers in its place; False if it offers nothing."""
        with compiling.lock, without_test_values():
            inputs, outputs = self._graph
            form = node.op.xla_form(node) if node in io_toposort(inputs, outputs) else None
            if form is None:
                return False
            self._graph, self._is_traceable = (inputs, substitute(inputs, outputs, form)), False
            return True


# A number that jit traces takes any dtype of its kind, or a later one.
_KINDS = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
_REFUSED = (
    "an index is out of bounds, a part of an array shorter than it was when JAX traced the graph, or an Assert or "
    "something else that the graph asks for does not hold"
)


def _refuse(ok):
    if not np.all(ok):  # mapped, it may be one of many
        raise IndexError(_REFUSED)


def _array(v, value):
    """`value` as an array for the variable `v`: numpy's if it is known, whole numbers above all, else JAX's."""
    if isinstance(value, (list, tuple)) and any(isinstance(x, jax.Array) for x in jax.tree.leaves(value)):
        value = jnp.asarray(value)
    if isinstance(value, jax.Array) and jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
        value = jax.random.key_data(value)
    if isinstance(value, jax.Array):
        dtype = np.dtype(v.type.dtype)
        is_number = value.weak_type and _KINDS[value.dtype.kind] <= _KINDS[dtype.kind]
        if not is_number and not np.can_cast(value.dtype, dtype):
            raise TypeError("%s is of dtype %s, and was given an array of dtype %s" % (v, dtype, value.dtype))
        if value.ndim != v.type.ndim:
            raise TypeError(
                "Wrong number of dimensions: expected %d, got %d with shape %s."
                % (v.type.ndim, value.ndim, value.shape)
            )
        if any(b and n != 1 for b, n in zip(v.type.broadcastable, value.shape, strict=True)):
            raise TypeError("Non-unit value on shape on a broadcastable dimension.", value.shape, v.type.broadcastable)
        known = dtype.kind in "iub" and not isinstance(value, jax.core.Tracer)
        return np.asarray(value, dtype) if known else jnp.asarray(value, dtype)
    value = v.type.filter(value, allow_downcast=None)
    return value if value.dtype.kind in "iub" else jnp.asarray(value)


def _reason(error):
    if isinstance(error, NeedsValue):
        where = "" if error.node is None else "%s: " % error.node
        return (
            "%sJAX has to know the value of %s when it traces. Give it as a number, or as an argument that is static "
            "for jit (static_argnums)" % (where, error.variable)
        )
    return "%s can only run on the host: %s" % (error.node, error)
