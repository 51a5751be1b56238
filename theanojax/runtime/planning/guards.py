"""Guards that depend on cheap things alone are checked before the call, so that the call may give buffers away.

A stage that can fail has to keep the old values of shared variables for the replay on the host: each update then
copies its array. Where the condition (an index in bounds, a length of at least zero) is a little arithmetic on
inputs, that part of the traced program is cut out and run first: by numpy where its arrays are small, else by XLA.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import jax
from jax.extend.core import ClosedJaxpr, Literal, jaxpr_as_fun
from jax.interpreters import partial_eval

from theanojax.runtime.planning.shape_program import wrapped
from theanojax.runtime.planning.source import Source
from theanojax.runtime.xla import devices

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
_PYTHON = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "eq": "==", "ne": "!="}  # of integers
_ARITHMETIC = {"add": "%s + %s", "sub": "%s - %s", "mul": "%s * %s"}  # of integers that are then wrapped
_FARTHEST = {"ge": "least", "gt": "least", "le": "most", "lt": "most"}  # of numbers; what holds of it holds of all
_SAME = ("copy", "copy_p", "reshape", "squeeze", "broadcast_in_dim")  # of one number
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


def split(traced: ClosedJaxpr, skip: int = 0) -> Split | None:
    """A traced program whose last output is its guard cut in two, or None if the guard needs the work itself.

    Its first `skip` inputs are no arguments that the guard would look at.
    """
    count = len(traced.jaxpr.outvars)
    guard, used = partial_eval.dce_jaxpr(traced.jaxpr, [False] * (count - 1) + [True], False)
    if guard.effects or traced.jaxpr.effects or _steps(guard) > MOST_STEPS:
        return None
    positions = [i - skip for i, u in enumerate(used) if u]
    return Split(traced, ClosedJaxpr(guard, traced.consts), positions)


class Split:
    """The guard of a traced program, apart from the rest of it."""

    def __init__(self, traced: ClosedJaxpr, guard: ClosedJaxpr, positions: list[int]) -> None:
        self.traced, self.guard, self.positions = traced, guard, positions
        self.small = all(getattr(v.aval, "size", 0) <= SMALL for v in _variables(guard.jaxpr))
        self.by_numpy = _NumpyGuard(guard).function(positions) if self.small else None

    def check(self, numpy_may: bool = True) -> Callable[[Sequence[Array]], bool]:
        """A function from the list of arguments of the program to whether its guard holds.

        Numpy cannot look at arrays of which other processes have a part.
        """
        if self.by_numpy is not None and numpy_may:
            return self.by_numpy
        positions, compiled = self.positions, devices.jit(jaxpr_as_fun(self.guard))
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


@dataclass(frozen=True)
class _Claim:
    """That each number of an array is on one side of a limit; or that all `parts` hold."""

    parts: list[_Claim]
    relation: str = ""
    array: str = ""
    limit: str = ""
    dtype: np.dtype | None = None

    def of_all(self, name: Callable[[str], str]) -> str:
        """The expression for that it holds of all numbers; `name` gives a name to the least, or the greatest."""
        if self.parts:
            return " and ".join(dict.fromkeys([part.of_all(name) for part in self.parts]))
        farthest = name("%s(%s, None).item()" % (_FARTHEST[self.relation], self.array))
        return "%s %s %s" % (farthest, _PYTHON[self.relation], self.limit)

    def of_each(self, source: Source) -> str:
        """The name of an array that says of which numbers it holds."""
        if self.parts:
            return source.let(" & ".join([part.of_each(source) for part in self.parts]))
        limit = "asarray(%s, %s)" % (self.limit, source.bind(self.dtype))
        return source.let("asarray(%s %s %s)" % (self.array, _PYTHON[self.relation], limit))


class _NumpyGuard:
    """A guard in generated Python: numpy's functions, but Python's own for single integers, ten times as quick."""

    def __init__(self, closed: ClosedJaxpr) -> None:
        self.closed = closed
        self.source = Source(asarray=np.asarray, least=np.minimum.reduce, most=np.maximum.reduce)
        self.arrays: dict[Var, str] = {}
        self.numbers: dict[Var, str] = {}
        self.claims: dict[Var, _Claim] = {}  # what is only written where somebody asks for it
        self.said: dict[Hashable, str] = {}  # what is there already -> its name

    def function(self, positions: Sequence[int]) -> Callable[[Sequence[Array]], bool] | None:
        """The function from a list whose items at `positions` are the inputs; None if numpy cannot say a step of it."""
        for v, i in zip(self.closed.jaxpr.invars, positions):
            self.arrays[v] = "asarray(a[%d])" % i
            if _is_integer(v):
                self.numbers[v] = "a[%d].item()" % i
        if not self._translate(self.closed.jaxpr, self.closed.consts):
            return None
        (out,) = self.closed.jaxpr.outvars
        return self.source.function("run(a)", self._number(out) or "bool(%s)" % self._array(out))

    def _translate(self, jaxpr: Jaxpr, consts: Sequence[Value]) -> bool:
        """Whether numpy can say all of `jaxpr`, which is now in the source."""
        self.arrays.update((v, self.source.bind(np.asarray(c))) for v, c in zip(jaxpr.constvars, consts))
        for eqn in jaxpr.eqns:
            if eqn.primitive.name in _CALLS:
                inner = eqn.params["jaxpr"]
                for v, given in zip(inner.jaxpr.invars, eqn.invars):
                    self._same(v, given)
                if not self._translate(inner.jaxpr, inner.consts):
                    return False
                for v, found in zip(eqn.outvars, inner.jaxpr.outvars):
                    self._same(v, found)
                continue
            (out,) = eqn.outvars
            self._forget(out)
            plain = self._plain(eqn)
            if plain is not None:
                self.numbers[out] = plain
                continue
            claim = self._claim(eqn)
            if claim is not None:
                self.claims[out] = claim
                continue
            where = self._array if eqn.primitive.name != "dynamic_slice" else self._number_or_array
            given = ", ".join(map(where, eqn.invars))
            key = eqn.primitive.name, str(eqn.params), str(out.aval), given
            if key not in self.said:
                function = _step(eqn)
                if function is None:
                    return False
                self.said[key] = self.source.let("%s(%s)" % (self.source.bind(function), given))
            self.arrays[out] = self.said[key]
        return True

    def _plain(self, eqn: JaxprEqn) -> str | None:
        """Python's expression for one equation of single integers and truth values, or None."""
        name, dtype = eqn.primitive.name, eqn.outvars[0].aval.dtype
        if eqn.outvars[0].aval.shape != ():
            return None
        if name == "reduce_and" and (claim := self._claimed(eqn.invars[0])) is not None:
            if len(eqn.params["axes"]) == eqn.invars[0].aval.ndim:
                return self._once(claim.of_all(self._once))
        given = [self._number(v) for v in eqn.invars]
        words = [w for w in given if w is not None]
        if len(words) < len(given):
            return None
        if name == "convert_element_type":
            old, new = (v.aval.dtype for v in (eqn.invars[0], eqn.outvars[0]))
            if old.kind not in "iu" or new.kind not in "iu":
                return None
            return words[0] if np.can_cast(old, new) else self.source.let(wrapped(words[0], new))
        if name in _SAME:
            return words[0]
        if name in _PYTHON:
            return self.source.let("%s %s %s" % (words[0], _PYTHON[name], words[1]))
        if name == "select_n" and len(words) == 3:
            return self.source.let("%s if %s else %s" % (words[2], words[0], words[1]))
        if name == "clamp":
            return self.source.let("min(max(%s, %s), %s)" % (words[1], words[0], words[2]))
        if dtype != np.bool_:
            found = name in _ARITHMETIC and dtype.kind in "iu"
            return self.source.let(wrapped(_ARITHMETIC[name] % tuple(words), dtype)) if found else None
        if name in ("and", "or"):
            return self.source.let((" %s " % name).join(words))
        return self.source.let("not %s" % words[0]) if name == "not" else None

    def _once(self, expression: str) -> str:
        """The name of the value of an expression, which is written once."""
        if expression not in self.said:
            self.said[expression] = self.source.let(expression)
        return self.said[expression]

    def _claim(self, eqn: JaxprEqn) -> _Claim | None:
        """What an equation says of each number of an array, or None if it says nothing of the kind."""
        name, given = eqn.primitive.name, eqn.invars
        if name == "and":
            parts = [claim for v in given if (claim := self._claimed(v)) is not None]
            return _Claim(parts) if len(parts) == 2 else None
        if name not in _FARTHEST or getattr(given[0].aval, "size", 0) == 0 or given[0].aval.dtype.kind not in "iu":
            return None
        limit = self._number(given[1])
        return None if limit is None else _Claim([], name, self._array(given[0]), limit, given[0].aval.dtype)

    def _same(self, v: Var, other: Var | Literal) -> None:
        self._forget(v)
        claim = self._claimed(other)
        if claim is not None:
            self.claims[v] = claim
            return
        number = self._number(other)
        if number is None:
            self.arrays[v] = self._array(other)
            return
        self.numbers[v] = number
        if not isinstance(other, Literal) and other in self.arrays:
            self.arrays[v] = self.arrays[other]

    def _claimed(self, v: Var | Literal) -> _Claim | None:
        return None if isinstance(v, Literal) else self.claims.get(v)

    def _forget(self, v: Var) -> None:
        """A function that is called again has other values under the same variables."""
        self.arrays.pop(v, None)
        self.numbers.pop(v, None)
        self.claims.pop(v, None)

    def _number_or_array(self, v: Var | Literal) -> str:
        return self._number(v) or self._array(v)

    def _number(self, v: Var | Literal) -> str | None:
        """What stands for `v` where it is a single Python number."""
        if isinstance(v, Literal):
            return repr(np.asarray(v.val, v.aval.dtype).item()) if _is_integer(v) else None
        return self.numbers.get(v)

    def _array(self, v: Var | Literal) -> str:
        if isinstance(v, Literal):
            value = np.asarray(v.val, dtype=v.aval.dtype)
            key = value.tobytes(), str(v.aval)
            if key not in self.said:
                self.said[key] = self.source.bind(value)
            return self.said[key]
        if v in self.claims and v not in self.arrays:
            self.arrays[v] = self.claims[v].of_each(self.source)
        if v not in self.arrays:
            self.arrays[v] = self.source.let("asarray(%s, %s)" % (self.numbers[v], self.source.bind(v.aval.dtype)))
        return self.arrays[v]


def _is_integer(v: Var | Literal) -> bool:
    return v.aval.shape == () and v.aval.dtype.kind in "iu"


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
