"""Unification: the values that make two patterns equal.

``unify([5, A, B], [A, C, 9])`` finds A = C = 5 and B = 9. The variables here are those of patterns, not of
symbolic graphs.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any, Literal, TypeVar

    V_ = TypeVar("V_", bound="Variable")


class Variable:
    """A hole in a pattern."""

    def __init__(self, name: str = "?") -> None:
        self.name = name

    def __str__(self) -> str:
        return "%s(%s)" % (type(self).__name__, ", ".join("%s=%s" % item for item in self.__dict__.items()))

    def __repr__(self) -> str:
        return str(self)


class FreeVariable(Variable):
    """May take any value."""


class BoundVariable(Variable):
    """Has the value `value`."""

    def __init__(self, name: str, value: Any) -> None:
        super().__init__(name)
        self.value = value


class OrVariable(Variable):
    """Has one of the values `options`."""

    def __init__(self, name: str, options: Collection[Any]) -> None:
        super().__init__(name)
        self.options = options


class NotVariable(Variable):
    """Has none of the values `not_options`."""

    def __init__(self, name: str, not_options: Collection[Any]) -> None:
        super().__init__(name)
        self.not_options = not_options


class VariableInList:
    """Matched against a list, makes its inner variable one of the list's elements."""

    def __init__(self, variable: Variable) -> None:
        self.variable = variable


_known: dict[Any, Any] = {}


def var_lookup(vartype: type[V_], name: str, *args: Any, **kwargs: Any) -> V_:
    """The variable of that type and name: the same object each time."""
    key = (vartype, name)
    if key not in _known:
        _known[key] = vartype(name, *args)
    known: V_ = _known[key]
    return known


Var = V = partial(var_lookup, FreeVariable)
OrV = partial(var_lookup, OrVariable)
NV = partial(var_lookup, NotVariable)


class Unification:
    """What is known of each variable: the tightest variable that stands for it, and those it is equal to.

    Unless `inplace`, ``merge`` returns a new Unification and leaves this one as it was, for backtracking.
    """

    def __init__(self, inplace: bool = False) -> None:
        self.unif: dict[Any, tuple[Any, set[Any]]] = {}
        self.inplace = inplace

    def merge(self, new_best: Any, *vars: Any) -> Unification:
        """Make `vars` equal to each other and to `new_best`."""
        result = self
        if not self.inplace:
            result = Unification(self.inplace)
            result.unif = dict(self.unif)
        pool = {new_best, *vars}
        for v in list(pool):
            pool.update(result.unif.get(v, (v, ()))[1])
        for v in pool:
            result.unif[v] = (new_best, pool)
        return result

    def __getitem__(self, v: Any) -> Any:
        return self.unif.get(v, (v, None))[0]


class FVar:
    """In a pattern to build: the value of a function of other patterns."""

    def __init__(self, fn: Callable[..., Any], *args: Any) -> None:
        self.fn, self.args = fn, args

    def __call__(self, u: Unification) -> Any:
        return self.fn(*(unify_build(pattern, u) for pattern in self.args))


def _one_or_many(name: str, options: Collection[Any], U: Unification, *vars: Variable) -> Unification | Literal[False]:
    if not options:
        return False
    if len(options) == 1:
        return U.merge(BoundVariable(name, next(iter(options))), *vars)
    return U.merge(OrVariable(name, options), *vars)


def _walk_variables(a: Variable, b: Variable, U: Unification) -> Unification | Literal[False]:
    """Unify two variables, each already the tightest known."""
    if isinstance(b, FreeVariable):
        a, b = b, a
    if isinstance(a, FreeVariable):
        return U.merge(b, a)
    if isinstance(b, BoundVariable):
        a, b = b, a
    if isinstance(a, BoundVariable):
        return unify_walk(b, a.value, U)
    if isinstance(a, OrVariable) and isinstance(b, OrVariable):
        return _one_or_many("?", [x for x in a.options if x in b.options], U, a, b)
    if isinstance(a, NotVariable) and isinstance(b, NotVariable):
        return U.merge(NotVariable("?", list(dict.fromkeys([*a.not_options, *b.not_options]))), a, b)
    if isinstance(b, OrVariable):
        a, b = b, a
    assert isinstance(a, OrVariable) and isinstance(b, NotVariable)
    return _one_or_many("?", [x for x in a.options if x not in b.not_options], U, a, b)


def _walk_value(v: Variable, o: Any, U: Unification) -> Unification | Literal[False]:
    """Unify a variable with a plain value."""
    if isinstance(v, BoundVariable):
        return U if v.value == o else False
    if isinstance(v, OrVariable) and o not in v.options:
        return False
    if isinstance(v, NotVariable) and o in v.not_options:
        return False
    return U.merge(BoundVariable("?", o), v)


def unify_walk(a: Any, b: Any, U: Unification) -> Unification | Literal[False]:
    """The Unification that extends `U` and makes `a` and `b` equal, or False when there is none."""
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Variable) and U[x] is not x:
            return unify_walk(y, U[x], U)
    if isinstance(a, Variable) and isinstance(b, Variable):
        return _walk_variables(a, b, U)
    if isinstance(b, Variable):
        a, b = b, a
    if isinstance(a, Variable):
        return _walk_value(a, b, U)
    for x, y in ((a, b), (b, a)):
        if hasattr(x, "__unify_walk__"):
            walked: Unification | Literal[False] = x.__unify_walk__(y, U)
            return walked
    if isinstance(b, VariableInList):
        a, b = b, a
    if isinstance(a, VariableInList) and isinstance(b, (list, tuple)):
        return unify_walk(a.variable, OrVariable("?", b), U)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        pairs = list(zip(a, b)) if len(a) == len(b) else [(0, 1)]
    elif isinstance(a, dict) and isinstance(b, dict):
        pairs = [(v, b[k]) for k, v in a.items() if k in b]
    else:
        return U if a.__class__ == b.__class__ and a == b else False
    for x, y in pairs:
        U = unify_walk(x, y, U)
        if U is False:
            return False
    return U


def unify_merge(a: Any, b: Any, U: Unification) -> Any:
    """`a` and `b`, already unified in `U`, as one pattern with the known values put in."""
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Variable) and U[x] is not x:
            return unify_merge(y, U[x], U)
    if isinstance(b, (Variable, FVar)) and not isinstance(a, (Variable, FVar)):
        a, b = b, a
    if isinstance(a, BoundVariable):
        return a.value
    if isinstance(b, BoundVariable):
        return b.value
    if isinstance(a, Variable):
        return a
    if isinstance(a, FVar):
        return a(U)
    for x, y in ((a, b), (b, a)):
        if hasattr(x, "__unify_merge__"):
            return x.__unify_merge__(y, U)
    if isinstance(b, VariableInList):
        a, b = b, a
    if isinstance(a, VariableInList) and isinstance(b, (list, tuple)):
        return [unify_merge(x, x, U) for x in b]
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return [unify_merge(x, y, U) for x, y in zip(a, b)]
    if isinstance(a, dict) and isinstance(b, dict):
        merged = a.__class__()
        for k in [*a, *[k for k in b if k not in a]]:
            merged[k] = unify_merge(a.get(k, b.get(k)), b.get(k, a.get(k)), U)
        return merged
    return a


def unify_build(x: Any, U: Unification) -> Any:
    """`x` with what `U` knows put in."""
    return unify_merge(x, x, U)


def unify(a: Any, b: Any) -> tuple[Any, Unification | Literal[False]]:
    """The pair (merged pattern, Unification) that makes `a` and `b` equal, or (None, False)."""
    U = unify_walk(a, b, Unification())
    if not U:
        return None, False
    return unify_merge(a, b, U), U
