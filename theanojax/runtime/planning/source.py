"""Functions of generated Python: straight lines of assignments, for what numpy does before or in place of a call."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import count
from typing import Any

_NAME = re.compile(r"\w+")


class Source:
    """Lines that are put together to functions; what a line names and is no argument is in `scope`.

    `refusal` is what they return where what they are made for is not the case.
    """

    def __init__(self, refusal: str = "", **scope: Any) -> None:
        self.refusal, self.scope = refusal, scope
        self.lines: list[str] = []
        self._numbers = count()
        self._bound: dict[int, str] = {}  # the id of a value -> its name
        self._once: dict[str, str] = {}  # expression -> the name of its value

    def part(self) -> Source:
        """Other lines, with the same scope, that never use the same names."""
        other = Source(self.refusal)
        other.scope, other._numbers, other._bound = self.scope, self._numbers, self._bound
        return other

    def bind(self, value: object) -> str:
        """A name for `value`, the same one each time."""
        name = self._bound.get(id(value))
        if name is None:
            name = self._bound[id(value)] = "k%d" % next(self._numbers)
            self.scope[name] = value
        return name

    def let(self, expression: str) -> str:
        """The name of a new variable that is assigned `expression`."""
        name = "t%d" % next(self._numbers)
        self.lines.append("%s = %s" % (name, expression))
        return name

    def once(self, expression: str) -> str:
        """The same as `let`; who asks again for the same expression gets the same array, and nobody writes into it."""
        name = self._once.get(expression)
        if name is None:
            name = self._once[expression] = self.let(expression)
        return name

    def refuse(self, condition: str) -> None:
        """End there if `condition` holds."""
        self.lines.append("if %s: return %s" % (condition, self.refusal))

    def finished(self, end: str, *before: Source) -> list[str]:
        """The lines of `before`, these, and `end`; what was asked for `once` is let go of when nobody needs it."""
        lines = [line for part in (*before, self) for line in part.lines] + [end]
        for name in self._once.values():
            last = max(i for i, line in enumerate(lines) if name in _NAME.findall(line))
            if last < len(lines) - 1:
                lines.insert(last + 1, "del %s" % name)
        return lines

    def function(self, head: str, result: str, *before: Source) -> Callable[..., Any]:
        """The function ``def <head>:`` of the lines of `before` and of these; it returns the expression `result`."""
        return self.compiled(head, self.finished("return %s" % result, *before))

    def compiled(self, head: str, lines: list[str]) -> Callable[..., Any]:
        """The function ``def <head>:`` of `lines`."""
        body = "\n".join("        " + line for line in lines)
        made: Callable[..., Any] = _maker(head, body, (*self.scope,))(*self.scope.values())
        return made


@lru_cache(1000)
def _maker(head: str, body: str, names: tuple[str, ...]) -> Callable[..., Callable[..., Any]]:
    """A function from the values of `names` to a function: of graphs of one form all have the same code."""
    name, scope = head.partition("(")[0], dict[str, Any]()
    code = "def make(%s):\n    def %s:\n%s\n    return %s\n" % (", ".join(names), head, body, name)
    exec(compile(code, "<generated from a graph>", "exec"), scope)
    made: Callable[..., Callable[..., Any]] = scope["make"]
    return made
