"""What OpFromGraph does with the overrides of its derivatives.

An OpFromGraph computes its derivatives with another OpFromGraph, which can only have outputs of ordinary types. So
each function returns two lists: ordinary variables, and for each of them None or the variable of NullType or
DisconnectedType that has to take its place afterwards.
"""

from theanojax.gradient import Rop
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.type import NullType
from theanojax.graph.variable import Variable
from theanojax.tensor.as_tensor import constant

_KIND = (
    "L_op/gradient override should be (single or list of)'default' | OpFromGraph | callable | Variable with "
    "NullType or DisconnectedType, got %s"
)
_ROP_KIND = "R_op overrides should be (single or list of)OpFromGraph | 'default' | None | 0 | callable, got %s"
_WITHOUT_VALUE = (NullType, DisconnectedType)
_TYPE = "Overriding Variable instance can only have type of DisconnectedType or NullType, got %s"


def _zeros(v):
    return v.zeros_like() if hasattr(v, "zeros_like") else constant(0.0)


def _is_default(override):
    return isinstance(override, str) and override == "default"


def _split_gradient(grad, v):
    if isinstance(grad.type, _WITHOUT_VALUE):
        return _zeros(v), grad
    return grad, None


def _fixed(override, v):
    if not isinstance(override.type, _WITHOUT_VALUE):
        raise ValueError(_TYPE % override.type)
    return _zeros(v), override.type()


def gradients(override, inputs, outputs, output_grads, arguments):
    """The gradients for `inputs`, by `override` where it has something to say.

    `arguments` are those of overriding callables. Raises TypeError for an override of the wrong kind, ValueError
    for one of the wrong length or variable type.
    """
    from theanojax.gradient import grad

    def default(wrt):
        if not wrt:
            return []
        return grad(
            cost=None,
            wrt=wrt,
            disconnected_inputs="ignore",
            return_disconnected="Disconnected",
            null_gradients="return",
            known_grads=dict(zip(outputs, output_grads)),
        )

    if _is_default(override):
        pairs = [_split_gradient(g, v) for g, v in zip(default(list(inputs)), inputs)]
    elif isinstance(override, Variable):
        pairs = [_fixed(override, v) for v in inputs]
    elif isinstance(override, list):
        if len(override) != len(inputs):
            raise ValueError("Need to override %d gradients, got %d" % (len(inputs), len(override)), override)
        defaults = iter(default([v for v, o in zip(inputs, override) if _is_default(o)]))
        pairs = []
        for o, v in zip(override, inputs):
            if _is_default(o):
                pairs.append(_split_gradient(next(defaults), v))
            elif isinstance(o, Variable):
                pairs.append(_fixed(o, v))
            elif callable(o):
                pairs.append(_split_gradient(o(*arguments), v))
            else:
                raise TypeError(_KIND % (o,))
    elif callable(override):
        results = override(*arguments)
        if not isinstance(results, list):
            raise TypeError('Gradient/L_op overriding function should return a list, got "%s"' % type(results))
        if len(results) != len(inputs):
            raise ValueError(
                "Gradient/L_op overriding function should return list of %d outputs, got %d"
                % (len(inputs), len(results))
            )
        pairs = [_split_gradient(g, v) for g, v in zip(results, inputs)]
    else:
        raise TypeError(_KIND % (override,))
    return [r for r, _ in pairs], [s for _, s in pairs]


def _split_rop(value, v):
    if isinstance(value.type, NullType):
        return v.zeros_like(), value
    if isinstance(value.type, DisconnectedType):
        return v.zeros_like(), None  # the R-operator knows zeros only
    return value, None


def _fixed_rop(override, v):
    if not isinstance(override.type, _WITHOUT_VALUE):
        raise ValueError(_TYPE % override.type)
    return _split_rop(override.type(), v)


def r_operator(override, inputs, outputs, eval_points):
    """The R-operator of `outputs`, by `override` where it has something to say; errors as for `gradients`."""

    def default(wanted):
        return Rop(f=wanted, wrt=inputs, eval_points=eval_points) if wanted else []

    if _is_default(override):
        pairs = [_split_rop(r, v) for r, v in zip(default(list(outputs)), outputs)]
    elif isinstance(override, Variable):
        pairs = [_fixed_rop(override, v) for v in outputs]
    elif isinstance(override, list):
        if len(override) != len(outputs):
            raise ValueError("Need to override %d Rop, got %d" % (len(outputs), len(override)), override)
        defaults = iter(default([v for v, o in zip(outputs, override) if _is_default(o)]))
        pairs = []
        for o, v in zip(override, outputs):
            if _is_default(o):
                pairs.append(_split_rop(next(defaults), v))
            elif isinstance(o, Variable):
                pairs.append(_fixed_rop(o, v))
            elif callable(o):
                pairs.append(_split_rop(o(inputs, eval_points), v))
            else:
                raise TypeError(_ROP_KIND % (o,))
    elif callable(override):
        results = override(inputs, eval_points)
        if not isinstance(results, list):
            raise TypeError('Rop overriding function should return a list, got "%s"' % type(results))
        if len(results) != len(outputs):
            raise ValueError(
                "Rop overriding function %s should return list of %d outputs, got %d"
                % (override, len(outputs), len(results))
            )
        pairs = [_split_rop(r, v) for r, v in zip(results, outputs)]
    else:
        raise TypeError(_ROP_KIND % (override,))
    return [r for r, _ in pairs], [s for _, s in pairs]
