"""`checkpoint`: gradients that compute a part of the graph again instead of keeping it."""

import functools

from theanojax.compile.builders import OpFromGraph
from theanojax.graph.replace import clone
from theanojax.graph.shared import SharedVariable
from theanojax.graph.traverse import inputs as graph_inputs
from theanojax.graph.variable import Constant, Variable


class _Again(OpFromGraph):
    """The gradient of a Checkpoint, with the graph for the values inside it, which XLA is to compute again."""

    def lower_xla(self, ctx, node, *inputs):
        return tuple(ctx.apart(inputs, lambda inner, values: super(_Again, self).lower_xla(inner, node, *values)))


class Checkpoint(OpFromGraph):
    """A part of a graph of which the gradient knows nothing but the inputs; see `checkpoint`."""

    def _lop_inputs(self, inputs, outputs, output_grads):
        return [*inputs, *output_grads]

    def _sub_op(self, inputs, outputs, suffix):
        kind = _Again if suffix == "_lop" else type(self)
        return kind(inputs, outputs, on_unused_input="ignore", name=None if self.name is None else self.name + suffix)


def checkpoint(function, inputs=None):
    """A part of a graph whose values the gradient computes again instead of keeping them, as jax.checkpoint does.

    That costs the time of that part once more, and saves the memory of all that lies between its inputs and outputs.

    Parameters
    ----------
    function : a function of variables that returns a variable or a list of them; or such outputs themselves.
    inputs : with outputs, the variable or list of variables, anywhere in the graph, where the part begins; by default
        all that the outputs are computed from.

    Returns
    -------
    A function like `function`; or variables with the values of the outputs. What a function uses besides its arguments
    is computed again from where the graph begins.

    Raises
    ------
    TypeError : `inputs` of a function; or inputs or outputs that are no variables.
    """
    if not callable(function):
        many = isinstance(function, (list, tuple))
        outputs = list(function) if many else [function]
        if not all(isinstance(v, Variable) for v in outputs):
            raise TypeError("checkpoint takes a function, a variable or a list of variables, not %s" % (function,))
        begin = [inputs] if isinstance(inputs, Variable) else [] if inputs is None else list(inputs)
        if not all(isinstance(v, Variable) for v in begin):
            raise TypeError("the inputs of a checkpoint are variables, where it begins, not %s" % (inputs,))
        found = _applied(outputs, begin, None)
        return found if many else found[0]
    if inputs is not None:
        raise TypeError("the inputs of a function are its arguments")

    @functools.wraps(function)
    def apply(*args, **kwargs):
        values = [*args, *kwargs.values()]
        given = [v for v in values if isinstance(v, Variable)]
        inner = [v.type(v.name) for v in given]
        stand_ins = iter(inner)
        values = [next(stand_ins) if isinstance(v, Variable) else v for v in values]
        outputs = function(*values[: len(args)], **dict(zip(kwargs, values[len(args) :], strict=True)))
        many = isinstance(outputs, (list, tuple))
        if not all(isinstance(v, Variable) for v in (outputs if many else [outputs])):
            raise TypeError("checkpoint takes a function of variables that returns such, not %s" % (outputs,))
        name = getattr(function, "__name__", None)
        found = _applied(list(outputs) if many else [outputs], given, name, inner)
        return found if many else found[0]

    return apply


def _applied(outputs, given, name, inner=None):
    """The Checkpoint of `outputs` on the variables `given`, for which `inner` stands in them; by default they do."""
    if inner is None:
        inner = [v.type(v.name) for v in given]
        outputs = clone(outputs, replace=list(zip(given, inner, strict=True)))
    for v in graph_inputs(outputs):
        if not isinstance(v, (Constant, SharedVariable)) and v not in inner:
            given, inner = [*given, v], [*inner, v]
    return Checkpoint(inner, outputs, name=name)(*given, return_list=True)
