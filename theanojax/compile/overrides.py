"""What OpFromGraph does with the overrides of its derivatives.

An OpFromGraph computes its derivatives with another OpFromGraph, which can only have outputs of ordinary types. So
each function returns two lists: ordinary variables, and for each of them None or the variable of NullType or
DisconnectedType that has to take its place afterwards.
"""

from collections.abc import Callable
from typing import NamedTuple

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

    return _overridden(_GRADIENTS, override, inputs, default, arguments)


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

    return _overridden(_ROP, override, outputs, default, (inputs, eval_points))


class _Derivative(NamedTuple):
    """What tells gradients from an R-operator: what becomes of a value and of a type, and how errors call them."""

    split: Callable
    fixed: Callable
    what: str
    made_by: str
    kinds: str


_GRADIENTS = _Derivative(_split_gradient, _fixed, "gradients", "Gradient/L_op overriding function", _KIND)
_ROP = _Derivative(_split_rop, _fixed_rop, "Rop", "Rop overriding function", _ROP_KIND)


def _overridden(kind, override, targets, default, arguments):
    """The two lists for `targets`; ``default(some of them)`` has what is not overridden."""

    def one(o, v):
        if isinstance(o, Variable):
            return kind.fixed(o, v)
        if callable(o):
            return kind.split(o(*arguments), v)
        raise TypeError(kind.kinds % (o,))

    if _is_default(override):
        pairs = [kind.split(g, v) for g, v in zip(default(list(targets)), targets)]
    elif isinstance(override, Variable):
        pairs = [kind.fixed(override, v) for v in targets]
    elif isinstance(override, list):
        if len(override) != len(targets):
            raise ValueError("Need to override %d %s, got %d" % (len(targets), kind.what, len(override)), override)
        defaults = iter(default([v for v, o in zip(targets, override) if _is_default(o)]))
        pairs = [kind.split(next(defaults), v) if _is_default(o) else one(o, v) for o, v in zip(override, targets)]
    elif callable(override):
        results = override(*arguments)
        if not isinstance(results, list):
            raise TypeError('%s should return a list, got "%s"' % (kind.made_by, type(results)))
        if len(results) != len(targets):
            made_by = kind.made_by if kind is _GRADIENTS else "%s %s" % (kind.made_by, override)
            raise ValueError("%s should return list of %d outputs, got %d" % (made_by, len(targets), len(results)))
        pairs = [kind.split(g, v) for g, v in zip(results, targets)]
    else:
        raise TypeError(kind.kinds % (override,))
    return [r for r, _ in pairs], [s for _, s in pairs]
