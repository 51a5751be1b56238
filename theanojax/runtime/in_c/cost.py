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
MOST_LOST = 0.15  # of the time, by products that several cores would share
LARGE_PRODUCT = 1 << 20  # products of numbers, in one of matrices that XLA gives to several threads
MULTIPLIED = 2  # products that take as long as an element of something else


class Cost(NamedTuple):
    """Microseconds of a call, and of each step of the loops of which nobody knows how many they have."""

    call: float
    step: float = 0.0


def cost_of(program: Jaxpr | ClosedJaxpr, shared: bool = False) -> Cost:
    """What a call of a program costs; only what XLA shares among several cores, if `shared`."""
    jaxpr = program.jaxpr if isinstance(program, ClosedJaxpr) else program
    costs = [_of_operation(eqn, shared) for eqn in jaxpr.eqns]
    return Cost(sum(c.call for c in costs), sum(c.step for c in costs))


def gains(program: ClosedJaxpr, cores: int) -> bool:
    """Whether C, on one core, can be quicker than XLA on so many, though there may be large products."""
    whole, products = cost_of(program), cost_of(program, True)
    lost = MOST_LOST / (1 - 1 / cores) if cores > 1 else 1.0
    return products.call <= lost * whole.call and products.step <= lost * whole.step


def _of_operation(eqn: Any, shared: bool) -> Cost:
    name, params = eqn.primitive.name, eqn.params
    if name == "while":
        step = sum(cost_of(params[k], shared).call for k in ("cond_jaxpr", "body_jaxpr"))
        steps = _bound(params["cond_jaxpr"].jaxpr)
        return Cost(0.0, step) if steps is None else Cost(steps * step)
    if name == "scan":
        return Cost(params["length"] * cost_of(params["jaxpr"], shared).call)
    if name == "cond":
        return max(cost_of(branch, shared) for branch in params["branches"])
    if name in CALLS:
        return cost_of(next(p for p in params.values() if isinstance(p, (Jaxpr, ClosedJaxpr))), shared)
    if shared and name != "dot_general":
        return Cost(0.0)
    if name in NAMES and name != "gather":
        return Cost(0.0)
    elements = max(_size(eqn.outvars), max((_size([v]) for v in eqn.invars), default=0) if "reduce" in name else 0)
    if name == "dot_general":
        (axes, _), _ = params["dimension_numbers"]
        sums = prod(eqn.invars[0].aval.shape[d] for d in axes)
        row = min(_size([v]) for v in eqn.invars) <= sums
        if shared and (row or elements * sums <= LARGE_PRODUCT):
            return Cost(0.0)
        elements *= sums // MULTIPLIED
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
