"""Sums of hundreds of terms, as the gradient of a large graph has them for a shared weight, as loops.

XLA's CPU compiler makes one kernel of such a chain of additions, in time quadratic in the number of terms:
9 s for 800 terms, where a loop over the stacked terms compiles in 0.5 s and runs as quickly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import ClosedJaxpr, Literal, jaxpr_as_fun

if TYPE_CHECKING:
    from jax.extend.core import Jaxpr, JaxprEqn, Var

MOST_FUSED = 100  # terms that are left to one kernel
MOST_STACKED = 400  # terms that one loop takes from memory
ADDITIONS = ("add", "add_any")


def with_loops(function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """``function(*arguments)``, traced with loops for its long sums."""
    traced, results = jax.make_jaxpr(function, return_shape=True)(*arguments)
    values = jaxpr_as_fun(ClosedJaxpr(_rewritten(traced.jaxpr), traced.consts))(*arguments)
    return jax.tree.unflatten(jax.tree.structure(results), values)


def _rewritten(jaxpr: Jaxpr) -> Jaxpr:
    sums = {total: chain for total, chain in _chains(jaxpr).items() if len(chain.terms) > MOST_FUSED}
    if not sums:
        return jaxpr
    gone = {id(eqn) for chain in sums.values() for eqn in chain.eqns}
    eqns = []
    for eqn in jaxpr.eqns:
        chain = sums.get(eqn.outvars[0]) if eqn.outvars else None
        if chain is not None:
            looped = jax.make_jaxpr(jax.jit(_sum))(*[v.aval for v in chain.terms])
            (call,) = looped.jaxpr.eqns
            eqns.append(call.replace(invars=chain.terms, outvars=eqn.outvars))
        elif id(eqn) not in gone:
            eqns.append(eqn)
    return jaxpr.replace(eqns=eqns)


class _Chain:
    def __init__(self, terms: list[Var]) -> None:
        self.terms = terms
        self.eqns: list[JaxprEqn] = []


def _chains(jaxpr: Jaxpr) -> dict[Var, _Chain]:
    """Total -> terms in the order of their addition; partial sums that something else reads are totals."""
    uses = Counter(v for eqn in jaxpr.eqns for v in eqn.invars if not isinstance(v, Literal))
    uses.update(v for v in jaxpr.outvars if not isinstance(v, Literal))
    chains: dict[Var, _Chain] = {}
    for eqn in jaxpr.eqns:
        if (
            eqn.primitive.name not in ADDITIONS
            or isinstance(eqn.invars[0], Literal)
            or isinstance(eqn.invars[1], Literal)
            or len({v.aval.shape for v in [*eqn.invars, *eqn.outvars]}) > 1
        ):
            continue
        sofar, term = eqn.invars
        if sofar not in chains or uses[sofar] > 1:
            sofar, term = term, sofar
        if sofar in chains and uses[sofar] == 1:
            chain = chains.pop(sofar)
            chain.terms.append(term)
        else:
            chain = _Chain(list(eqn.invars))
        chain.eqns.append(eqn)
        chains[eqn.outvars[0]] = chain
    return chains


def _sum(*terms: jax.Array) -> jax.Array:
    total = terms[0]
    for start in range(1, len(terms), MOST_STACKED):
        group = jnp.stack(terms[start : start + MOST_STACKED])
        total = lax.fori_loop(0, len(group), lambda i, sofar, group=group: sofar + group[i], total)
    return total
