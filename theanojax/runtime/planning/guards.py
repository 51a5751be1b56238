"""Guards that depend on cheap things alone are checked before the call, so that the call may give buffers away.

A stage that can fail has to keep the old values of shared variables for the replay on the host: each update then
copies its array. Where the condition (an index in bounds, a length of at least zero) is a little arithmetic on
inputs, that part of the traced program is cut out and run first: by numpy where its arrays are small, else by XLA.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import jax
from jax.extend.core import ClosedJaxpr, Literal, jaxpr_as_fun
from jax.interpreters import partial_eval

from theanojax.runtime.planning.source import Source

if TYPE_CHECKING:
    from jax.extend.core import Jaxpr, JaxprEqn, Var

    from theanojax.runtime.hints import Array, NumpyArray, Value

MOST_STEPS = 100
SMALL = 4096  # elements; numpy is quicker than a call into XLA up to about here

_NUMPY: dict[str, Callable[..., Any]] = {
    "ge": np.greater_equal,
    "gt": np.greater,
    "le": np.less_equal,
    "lt": np.less,
    "eq": np.equal,
    "ne": np.not_equal,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "neg": np.negative,
    "abs": np.absolute,
    "copy": np.asarray,
    "copy_p": np.asarray,
}
_CALLS = ("pjit", "jit", "closed_call", "core_call")
_XLA = {
    *_NUMPY,
    "and",
    "or",
    "not",
    "select_n",
    "convert_element_type",
    "broadcast_in_dim",
    "reduce_and",
    "reduce_or",
    "reduce_max",
    "reduce_min",
    "reduce_sum",
    "reshape",
    "squeeze",
    "slice",
    "dynamic_slice",
    "iota",
    "concatenate",
    "clamp",
    "rem",
    "div",
    "sign",
    "expand_dims",
    "transpose",
    "rev",
    "gather",
    "is_finite",
}


def split(traced: ClosedJaxpr) -> Split | None:
    """A traced program whose last output is its guard cut in two, or None if the guard needs the work itself."""
    count = len(traced.jaxpr.outvars)
    guard, used = partial_eval.dce_jaxpr(traced.jaxpr, [False] * (count - 1) + [True], False)
    if guard.effects or traced.jaxpr.effects or _steps(guard) > MOST_STEPS:
        return None
    positions = [i for i, u in enumerate(used) if u]
    return Split(traced, ClosedJaxpr(guard, traced.consts), positions)


class Split:
    """The guard of a traced program, apart from the rest of it."""

    def __init__(self, traced: ClosedJaxpr, guard: ClosedJaxpr, positions: list[int]) -> None:
        self.traced, self.guard, self.positions = traced, guard, positions
        self.small = all(getattr(v.aval, "size", 0) <= SMALL for v in _variables(guard.jaxpr))
        self.by_numpy = _numpy_program(guard) if self.small else None

    def check(self) -> Callable[[Sequence[Array]], bool]:
        """A function from the arguments of the program to whether its guard holds."""
        positions = self.positions
        if self.by_numpy is not None:
            run = self.by_numpy
            return lambda args: bool(run([np.asarray(args[i]) for i in positions]))
        compiled = jax.jit(jaxpr_as_fun(self.guard))
        return lambda args: bool(compiled(*[args[i] for i in positions])[0])

    def rest(self) -> Callable[..., list[jax.Array]]:
        """The program without its guard."""
        outs = len(self.traced.jaxpr.outvars) - 1
        jaxpr, _ = partial_eval.dce_jaxpr(self.traced.jaxpr, [True] * outs + [False], True)
        rest: Callable[..., list[jax.Array]] = jaxpr_as_fun(ClosedJaxpr(jaxpr, self.traced.consts))
        return rest


def _steps(jaxpr: Jaxpr) -> int:
    """The number of equations; more than allowed if one of them is no cheap arithmetic."""
    total = 0
    for eqn in jaxpr.eqns:
        name = eqn.primitive.name
        if name in _CALLS:
            total += _steps(eqn.params["jaxpr"].jaxpr)
        else:
            total += 1 if name in _XLA else MOST_STEPS + 1
    return total


def _variables(jaxpr: Jaxpr) -> Iterator[Var]:
    yield from jaxpr.invars
    for eqn in jaxpr.eqns:
        yield from eqn.outvars


def _numpy_program(closed: ClosedJaxpr) -> Callable[[list[NumpyArray]], NumpyArray] | None:
    """The function from a list of input arrays to the only output, or None if numpy cannot say a step of it."""
    source = Source()
    names: dict[Var, str] = {v: "a[%d]" % i for i, v in enumerate(closed.jaxpr.invars)}

    def name_of(v: Var | Literal) -> str:
        return source.bind(np.asarray(v.val, dtype=v.aval.dtype)) if isinstance(v, Literal) else names[v]

    def translate(jaxpr: Jaxpr, consts: Sequence[Value]) -> bool:
        """Whether numpy can say all of `jaxpr`, which is now in `source`."""
        names.update((v, source.bind(np.asarray(c))) for v, c in zip(jaxpr.constvars, consts))
        for eqn in jaxpr.eqns:
            given = [name_of(v) for v in eqn.invars]
            if eqn.primitive.name in _CALLS:
                inner = eqn.params["jaxpr"]
                names.update(zip(inner.jaxpr.invars, given))
                if not translate(inner.jaxpr, inner.consts):
                    return False
                names.update((o, name_of(v)) for o, v in zip(eqn.outvars, inner.jaxpr.outvars))
                continue
            function = _step(eqn)
            if function is None:
                return False
            names[eqn.outvars[0]] = source.let("%s(%s)" % (source.bind(function), ", ".join(given)))
        return True

    if not translate(closed.jaxpr, closed.consts):
        return None
    return source.function("run(a)", name_of(closed.jaxpr.outvars[0]))


def _step(eqn: JaxprEqn) -> Callable[..., Any] | None:
    """numpy's function for one equation, or None."""
    name, p = eqn.primitive.name, eqn.params
    if name in _NUMPY:
        return _NUMPY[name]
    aval = eqn.outvars[0].aval
    logical = aval.dtype == np.bool_
    if name in ("and", "or", "not"):
        function: Callable[..., Any] = getattr(np, ("logical_" if logical else "bitwise_") + name)
        return function
    if name == "select_n" and len(eqn.invars) == 3 and eqn.invars[0].aval.dtype == np.bool_:
        return lambda which, no, yes: np.where(which, yes, no)
    if name == "convert_element_type":
        kinds = {np.dtype(eqn.invars[0].aval.dtype).kind, np.dtype(aval.dtype).kind}
        return (lambda x: np.asarray(x).astype(aval.dtype)) if kinds <= set("biu") else None
    if name == "broadcast_in_dim" and not p.get("sharding") and len(eqn.invars) == 1:
        inner = [1] * len(p["shape"])
        for d, n in zip(p["broadcast_dimensions"], eqn.invars[0].aval.shape):
            inner[d] = n
        return lambda x: np.broadcast_to(np.reshape(x, inner), p["shape"])
    if name in ("reduce_and", "reduce_or"):
        function = np.all if name == "reduce_and" else np.any
        return lambda x: function(x, axis=tuple(p["axes"]))
    if name in ("reduce_max", "reduce_min"):
        function = np.max if name == "reduce_max" else np.min
        return (lambda x: function(x, axis=tuple(p["axes"]))) if 0 not in eqn.invars[0].aval.shape else None
    if name in ("reshape", "squeeze", "expand_dims"):
        return lambda x: np.reshape(x, aval.shape)
    if name == "clamp":
        return lambda low, x, high: np.minimum(np.maximum(x, low), high)
    if name == "dynamic_slice":
        sizes = p["slice_sizes"]

        def cut_at(x: NumpyArray, *starts: NumpyArray) -> NumpyArray:
            places = [min(max(int(i), 0), n - size) for i, n, size in zip(starts, x.shape, sizes)]
            return x[tuple([slice(i, i + size) for i, size in zip(places, sizes)])]

        return cut_at
    if name == "slice":
        cut = tuple(
            slice(a, b, s)
            for a, b, s in zip(p["start_indices"], p["limit_indices"], p["strides"] or [1] * len(p["start_indices"]))
        )
        return lambda x: np.asarray(x)[cut]
    return None
