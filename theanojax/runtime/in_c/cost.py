"""What a program costs in XLA, about: by this, and by no clock, it is known when C is worth its compilation."""

from __future__ import annotations

from math import isfinite, prod
from typing import TYPE_CHECKING, Any, NamedTuple

from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from theanojax.runtime.in_c.flat import CALLS
from theanojax.runtime.in_c.views import NAMES
from theanojax.runtime.xla import cores

if TYPE_CHECKING:
    from collections.abc import Iterable

OPERATION, ELEMENT = 0.1, 1.5e-4  # microseconds on a usual core
LARGE_PRODUCT = 1 << 21  # products of numbers, in one of matrices that several threads share
LARGEST_PRODUCT = 1 << 25  # in one that pieces take more time for than XLA does
MOST_OF_PRODUCTS = 0.5  # of the time, by such products
LONGEST_LOOP = 1 << 19  # elements of an operation, of which XLA gives more to several threads
MOST_OF_LOOPS = 0.3  # of the time, by such operations, divided by the threads
MULTIPLIED = 2  # products that take as long as an element of something else


class Cost(NamedTuple):
    """Microseconds of a call, and of each step of the loops of which nobody knows how many they have."""

    call: float
    step: float = 0.0


def cost_of(program: Jaxpr | ClosedJaxpr, only: str = "") -> Cost:
    """What a call of a program costs; `only` its largest "products", or the longest "loops" of all else."""
    jaxpr = program.jaxpr if isinstance(program, ClosedJaxpr) else program
    costs = [_of_operation(eqn, only) for eqn in jaxpr.eqns]
    return Cost(sum(c.call for c in costs), sum(c.step for c in costs))


def what_loses(program: ClosedJaxpr) -> str:
    """What XLA does in less time than C, and so much of it that C cannot be quicker; "" if it can."""
    whole, products, loops = cost_of(program), cost_of(program, "products"), cost_of(program, "loops")
    if any(part > MOST_OF_PRODUCTS * all_ for part, all_ in zip(products, whole)):
        return "large products"
    if any(part > MOST_OF_LOOPS / cores.count() * all_ for part, all_ in zip(loops, whole)):
        return "long loops"
    return ""


def _of_operation(eqn: Any, only: str) -> Cost:
    name, params = eqn.primitive.name, eqn.params
    if name == "while":
        step = sum(cost_of(params[k], only).call for k in ("cond_jaxpr", "body_jaxpr"))
        steps = _bound(params["cond_jaxpr"].jaxpr)
        return Cost(0.0, step) if steps is None else Cost(steps * step)
    if name == "scan":
        return Cost(params["length"] * cost_of(params["jaxpr"], only).call)
    if name == "cond":
        return max(cost_of(branch, only) for branch in params["branches"])
    if name in CALLS:
        return cost_of(next(p for p in params.values() if isinstance(p, (Jaxpr, ClosedJaxpr))), only)
    if only and (only == "products") != (name == "dot_general"):
        return Cost(0.0)
    if name in NAMES and name != "gather":
        return Cost(0.0)
    elements = max(_size(eqn.outvars), max((_size([v]) for v in eqn.invars), default=0) if "reduce" in name else 0)
    if name == "dot_general":
        (axes, _), _ = params["dimension_numbers"]
        sums = prod(eqn.invars[0].aval.shape[d] for d in axes)
        row = min(_size([v]) for v in eqn.invars) <= sums
        if only and (row or elements * sums <= LARGEST_PRODUCT):
            return Cost(0.0)
        elements *= sums // MULTIPLIED
    if "scatter" in name:
        elements = _size(eqn.invars[2:])
    if only == "loops" and elements <= LONGEST_LOOP:
        return Cost(0.0)
    return Cost(OPERATION + ELEMENT * elements)


def _size(variables: Iterable[Any]) -> int:
    return max((prod(getattr(v.aval, "shape", ())) for v in variables), default=0)


def _bound(condition: Jaxpr) -> int | None:
    """The number that a counter is compared with, if it is written in the condition."""
    for eqn in condition.eqns:
        if eqn.primitive.name == "lt" and isinstance(eqn.invars[1], Literal):
            bound = float(eqn.invars[1].val)
            return max(0, int(bound)) if isfinite(bound) else None
        if eqn.primitive.name in CALLS:
            inner = next(p for p in eqn.params.values() if isinstance(p, (Jaxpr, ClosedJaxpr)))
            found = _bound(inner.jaxpr if isinstance(inner, ClosedJaxpr) else inner)
            if found is not None:
                return found
    return None
