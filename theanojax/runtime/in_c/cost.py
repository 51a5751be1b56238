"""What a program costs in XLA, about: by this, and by no clock, it is known when C is worth its compilation."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from theanojax.runtime.in_c.flat import CALLS
from theanojax.runtime.in_c.views import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

OPERATION, ELEMENT = 0.1, 1.5e-4  # microseconds on a usual core
MULTIPLIED = 2  # products that take as long as an element of something else


class Cost(NamedTuple):
    """Microseconds of a call, and of each step of the loops of which nobody knows how many they have."""

    call: float
    step: float = 0.0


def cost_of(program: Jaxpr | ClosedJaxpr) -> Cost:
    """What a call of a program costs."""
    jaxpr = program.jaxpr if isinstance(program, ClosedJaxpr) else program
    costs = [_of_operation(eqn) for eqn in jaxpr.eqns]
    return Cost(sum(c.call for c in costs), sum(c.step for c in costs))


def _of_operation(eqn: Any) -> Cost:
    name, params = eqn.primitive.name, eqn.params
    if name == "while":
        step = sum(cost_of(params[k]).call for k in ("cond_jaxpr", "body_jaxpr"))
        steps = _bound(params["cond_jaxpr"].jaxpr)
        return Cost(0.0, step) if steps is None else Cost(steps * step)
    if name == "scan":
        return Cost(params["length"] * cost_of(params["jaxpr"]).call)
    if name == "cond":
        return max(map(cost_of, params["branches"]))
    if name in CALLS:
        return cost_of(next(p for p in params.values() if isinstance(p, (Jaxpr, ClosedJaxpr))))
    if name in NAMES and name != "gather":
        return Cost(0.0)
    elements = max(_size(eqn.outvars), max((_size([v]) for v in eqn.invars), default=0) if "reduce" in name else 0)
    if name == "dot_general":
        (axes, _), _ = params["dimension_numbers"]
        elements *= prod(eqn.invars[0].aval.shape[d] for d in axes) // MULTIPLIED
    if "scatter" in name:
        elements = _size(eqn.invars[2:])
    return Cost(OPERATION + ELEMENT * elements)


def _size(variables: Iterable[Any]) -> int:
    return max((prod(getattr(v.aval, "shape", ())) for v in variables), default=0)


def _bound(condition: Jaxpr) -> int | None:
    """The number that a counter is compared with, if it is written in the condition."""
    for eqn in condition.eqns:
        if eqn.primitive.name == "lt" and isinstance(eqn.invars[1], Literal):
            return int(eqn.invars[1].val)
        if eqn.primitive.name in CALLS:
            inner = next(p for p in eqn.params.values() if isinstance(p, (Jaxpr, ClosedJaxpr)))
            found = _bound(inner.jaxpr if isinstance(inner, ClosedJaxpr) else inner)
            if found is not None:
                return found
    return None
