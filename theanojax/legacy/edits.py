"""Changes to a program's text at the places of its syntax tree: all that is not changed stays as it was written."""

from __future__ import annotations

import ast
from collections.abc import Callable


class Edits:
    """The text of a program, its tree, and what is to be changed; changes may not overlap, insertions may nest."""

    def __init__(self, text: str, filename: str):
        self.text, self.filename = text, filename
        self.tree = ast.parse(text, filename)
        self.data = text.encode()
        self.starts = [0]
        for line in self.data.split(b"\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self.changes: list[tuple[int, tuple[int, int], int, str]] = []

    # ---- Places, in bytes

    def start(self, node: ast.AST) -> int:
        """Where `node` begins."""
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.AST) -> int:
        """Where `node` ends."""
        return self.starts[node.end_lineno - 1] + node.end_col_offset

    def source(self, node: ast.AST) -> str:
        """The text of `node`."""
        return self.data[self.start(node) : self.end(node)].decode()

    def find(self, mark: str, start: int, end: int) -> int:
        """Where `mark` is between `start` and `end`, comments left out; -1 if it is not there."""
        at = start
        while at < end:
            if self.data[at : at + 1] == b"#":
                at = self.data.index(b"\n", at)
            elif self.data.startswith(mark.encode(), at):
                return at
            at += 1
        return -1

    def line_start(self, node: ast.AST) -> int:
        """Where the line of `node` begins."""
        return self.starts[node.lineno - 1]

    # ---- Changes

    def replace(self, start: int, end: int, text: str) -> None:
        """Put `text` in the place of what is between `start` and `end`, in which nothing else changes."""
        self.changes.append((start, (2, 0), end, text))

    def replace_node(self, node: ast.AST, text: str) -> None:
        """Put `text` in the place of `node`."""
        self.replace(self.start(node), self.end(node), text)

    def before(self, node: ast.AST, text: str) -> None:
        """Insert `text` before `node`; that of a larger node comes first."""
        self.changes.append((self.start(node), (1, self.start(node) - self.end(node)), self.start(node), text))

    def after(self, node: ast.AST, text: str) -> None:
        """Insert `text` after `node`; that of a larger node comes last."""
        self.changes.append((self.end(node), (0, self.end(node) - self.start(node)), self.end(node), text))

    def wrap(self, node: ast.AST, before: str, after: str = ")") -> None:
        """Put text before and after `node`."""
        self.before(node, before)
        self.after(node, after)

    def add_argument(self, call: ast.Call, text: str) -> None:
        """Add an argument at the end of a call."""
        end = self.end(call) - 1
        last = max((self.end(arg) for arg in (*call.args, *call.keywords)), default=-1)
        comma = ", " if last >= 0 and self.find(",", last, end) < 0 else ""
        at = self._closing(last, end) if comma else end
        self.changes.append((at, (0, end), at, comma + text))

    def _closing(self, last: int, end: int) -> int:
        """Past the parentheses that end the last argument, which its node does not include."""
        while (at := self.find(")", last, end)) >= 0:
            last = at + 1
        return last

    def method_to_function(self, call: ast.Call, function: str) -> None:
        """``owner.method(a)`` -> ``function(owner, a)``"""
        method = call.func
        assert isinstance(method, ast.Attribute)
        stop = self.end(method)
        dot = self.data.rindex(b".", self.end(method.value), stop)
        opening = self.find("(", stop, self.end(call))
        self.before(call, function + "(")
        self.replace(dot, opening + 1, ", " if call.args or call.keywords else "")

    def indentation(self, node: ast.AST) -> str | None:
        """What is before a statement that begins its line; None if something else does."""
        before = self.data[self.line_start(node) : self.start(node)].decode()
        return before if not before.strip() else None

    def result(self) -> str:
        """The text with all changes made; ValueError if two are at one place."""
        parts, at = [], 0
        # What is closed at a place comes before what is opened there, and that before what is replaced there.
        for start, _, end, text in sorted(self.changes):
            if start < at:
                raise ValueError(f"{self.filename}: two changes at one place, for {text!r}")
            parts += [self.data[at:start].decode(), text]
            at = end
        return "".join([*parts, self.data[at:].decode()])


def each(tree: ast.AST, kind: type, visit: Callable) -> None:
    """Call `visit` with each node of a kind."""
    for node in ast.walk(tree):
        if isinstance(node, kind):
            visit(node)
