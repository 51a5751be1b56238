"""Functions of generated Python: straight lines of assignments, for what numpy does before or in place of a call."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any


class Source:
    """Lines that are put together to functions; what a line names and is no argument is in `scope`.

    `refusal` is what they return where what they are made for is not the case.
    """

    def __init__(self, refusal: str = "", **scope: Any) -> None:
        self.refusal, self.scope = refusal, scope
        self.lines: list[str] = []
        self._numbers = count()

    def part(self) -> Source:
        """Other lines, with the same scope, that never use the same names."""
        other = Source(self.refusal)
        other.scope, other._numbers = self.scope, self._numbers
        return other

    def bind(self, value: object) -> str:
        """A name for `value`."""
        name = "k%d" % next(self._numbers)
        self.scope[name] = value
        return name

    def let(self, expression: str) -> str:
        """The name of a new variable that is assigned `expression`."""
        name = "t%d" % next(self._numbers)
        self.lines.append("%s = %s" % (name, expression))
        return name

    def refuse(self, condition: str) -> None:
        """End there if `condition` holds."""
        self.lines.append("if %s: return %s" % (condition, self.refusal))

    def function(self, head: str, result: str, *before: Source) -> Callable[..., Any]:
        """The function ``def <head>:`` of the lines of `before` and of these; it returns the expression `result`."""
        lines = [line for part in (*before, self) for line in part.lines] + ["return %s" % result]
        code = "def %s:\n%s\n" % (head, "\n".join("    " + line for line in lines))
        exec(compile(code, "<generated from a graph>", "exec"), self.scope)
        made: Callable[..., Any] = self.scope[head.partition("(")[0]]
        return made
