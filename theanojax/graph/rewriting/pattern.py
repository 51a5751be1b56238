"""PatternSub: a local optimizer given by the pattern to look for and the one to put in its place."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from theanojax.graph.rewriting.local import LocalOptimizer
from theanojax.graph.rewriting.unify import Unification, Var
from theanojax.graph.tag import copy_stack_trace
from theanojax.graph.variable import Constant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Literal, TextIO

    from theanojax.graph.op import PureOp
    from theanojax.graph.rewriting.local import Replacement, Tracked
    from theanojax.graph.variable import Apply, User, Variable

    # An Op with patterns for its inputs, a name, a number, a Constant, or a dict with a pattern and its conditions.
    Pattern = Any


class PatternSub(LocalOptimizer):
    """Replaces expressions that look like `in_pattern` by `out_pattern`.

    A pattern is a tuple ``(op, pattern, ...)``; a string, which stands for any expression (the same string, the
    same expression); a number or a Constant, which stand for a constant of that value; or
    ``dict(pattern=..., constraint=f)``, where ``f(variable)`` must be true. The outermost must be a tuple (or a dict
    with one).

    Parameters
    ----------
    allow_multiple_clients : bool
        Whether the parts found may be used elsewhere too.
    skip_identities_fn : function from a variable to an equivalent one, or None; tried where a part does not match.
    tracks, get_nodes
        A rarer Op to look for, and a function from its node to the nodes to try the pattern on.
    values_eq_approx : stored as the result's ``tag.values_eq_approx``, for debug modes.
    """

    def __init__(
        self,
        in_pattern: Pattern,
        out_pattern: Pattern,
        allow_multiple_clients: bool = False,
        skip_identities_fn: Callable[[Variable], Variable | None] | None = None,
        name: str | None = None,
        pdb: bool = False,
        tracks: Tracked = (),
        get_nodes: Callable[[Apply], Iterable[User]] | None = None,
        values_eq_approx: Callable[..., bool] | None = None,
    ) -> None:
        self.in_pattern, self.out_pattern = in_pattern, out_pattern
        self.values_eq_approx = values_eq_approx
        outermost = in_pattern["pattern"] if isinstance(in_pattern, dict) else in_pattern
        if not isinstance(outermost, (list, tuple)):
            raise TypeError("The pattern to search for must start with a specific Op instance.")
        self.op: PureOp = outermost[0]
        self.allow_multiple_clients, self.skip_identities_fn = allow_multiple_clients, skip_identities_fn
        self.pdb = pdb
        if name:
            self.__name__ = name
        self._tracks, self.get_nodes = tracks, get_nodes
        if tracks != () and not get_nodes:
            raise ValueError("`tracks` needs `get_nodes` too")

    def op_key(self) -> PureOp:
        return self.op

    def tracks(self) -> Tracked:
        return self._tracks if self._tracks != () else [self.op]

    def transform(self, node: Apply, get_nodes: bool = True) -> Replacement:
        for other in self.get_nodes(node) if get_nodes and self.get_nodes else ():
            if other != "output":
                new = self.transform(other, False)
                if new:
                    return dict(zip(other.outputs, new))
        if node.op != self.op:
            return False
        found = self._match(self.in_pattern, node.out, Unification(), True)
        if not found:
            return False
        new = self._build(self.out_pattern, found)
        if self.values_eq_approx:
            new.tag.values_eq_approx = self.values_eq_approx
        if new.owner is not None and new is not node.out:
            copy_stack_trace(node.out, new)
        return [new]

    def _match(
        self, pattern: Pattern, expr: Variable, u: Unification, many_clients: bool
    ) -> Unification | Literal[False]:
        """The unification of `pattern` with the variable `expr` that extends `u`, or False."""
        if isinstance(pattern, (list, tuple)):
            node = expr.owner
            if node is None:
                return False
            if (
                node.op == pattern[0]
                and len(pattern) - 1 == len(node.inputs)
                and (many_clients or len(getattr(expr, "clients", ())) <= 1)
            ):
                for p, v in zip(pattern[1:], node.inputs):
                    u = self._match(p, v, u, self.allow_multiple_clients)
                    if not u:
                        return False
                return u
        elif isinstance(pattern, dict):
            if "pattern" not in pattern:
                raise KeyError("Malformed pattern: %s (expected key 'pattern')" % pattern)
            if pattern.get("constraint", lambda expr: True)(expr):
                return self._match(pattern["pattern"], expr, u, pattern.get("allow_multiple_clients", many_clients))
        elif isinstance(pattern, str):
            v = Var(pattern)
            if u[v] is v or u[v] is expr:
                return u.merge(expr, v)
        elif isinstance(pattern, (int, float)) and isinstance(expr, Constant):
            if np.all(np.asarray(pattern) == expr.data):
                return u
        elif isinstance(pattern, Constant) and isinstance(expr, Constant) and pattern.equals(expr):
            return u
        return self._match_equivalent(pattern, expr, u, many_clients)

    def _match_equivalent(
        self, pattern: Pattern, expr: Variable, u: Unification, many_clients: bool
    ) -> Unification | Literal[False]:
        other = self.skip_identities_fn(expr) if self.skip_identities_fn else None
        return self._match(pattern, other, u, many_clients) if other is not None else False

    def _build(self, pattern: Pattern, u: Unification) -> Any:
        if isinstance(pattern, (list, tuple)):
            return pattern[0](*[self._build(p, u) for p in pattern[1:]])
        if isinstance(pattern, str):
            return u[Var(pattern)]
        if isinstance(pattern, (int, float)):
            return pattern
        return pattern.clone()

    def __str__(self) -> str:
        if getattr(self, "__name__", None):
            return self.__name__
        return "%s -> %s" % (_pattern_text(self.in_pattern), _pattern_text(self.out_pattern))

    __repr__ = __str__

    def print_summary(self, stream: TextIO = sys.stdout, level: int = 0, depth: int = -1) -> None:
        name = getattr(self, "__name__", getattr(self, "name", None))
        print(
            "%s%s %s(%s, %s) id=%i"
            % (" " * level, type(self).__name__, name, self.in_pattern, self.out_pattern, id(self)),
            file=stream,
        )


def _pattern_text(pattern: Pattern) -> str:
    if isinstance(pattern, (list, tuple)):
        return "%s(%s)" % (pattern[0], ", ".join(_pattern_text(p) for p in pattern[1:]))
    if isinstance(pattern, dict):
        return "%s subject to %s" % (_pattern_text(pattern["pattern"]), pattern.get("constraint", "no conditions"))
    return str(pattern)
