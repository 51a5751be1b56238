"""Free-form annotations of graph objects, and the record of where they were built."""

from __future__ import annotations

import linecache
import os
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from theanojax.config import config

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType, FrameType
    from typing import Protocol, TypeVar

    class Tagged(Protocol):
        tag: Any

    T = TypeVar("T", bound=Tagged)
    V = TypeVar("V", bound=Tagged | Sequence[Tagged])
    Row = tuple[str, int, str, str | None]


PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Scratchpad:
    """An object whose attributes are all the user's."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

    def __str__(self) -> str:
        return "scratchpad%s" % vars(self)

    __repr__ = __str__

    def info(self) -> None:
        """Print all attributes."""
        print(self)

    def clear(self) -> None:
        """Remove all attributes."""
        vars(self).clear()

    def __update__(self, other: Scratchpad) -> Scratchpad:
        """Take over the attributes of `other`."""
        vars(self).update(vars(other))
        return self


# As Theano spells it, for those who print the class; pickle looks it up by this name.
scratchpad = Scratchpad
Scratchpad.__name__ = Scratchpad.__qualname__ = "scratchpad"


class Trace(list[Any]):
    """Creation stacks of a variable: a list of stacks, each from the outermost call inwards.

    Stacks hold (code, line) pairs while they are kept and become text only when someone reads them.
    """


class Stack:
    """One call stack, cheap to take, formatted on demand as ``traceback.extract_stack`` would."""

    __slots__ = ("entries",)

    def __init__(self, entries: list[tuple[CodeType, int]]) -> None:
        self.entries = entries

    def _rows(self) -> list[Row]:
        return [
            (c.co_filename, line, c.co_name, linecache.getline(c.co_filename, line).strip() or None)
            for c, line in self.entries
        ]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows())

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, i: int) -> Row:
        return self._rows()[i]

    def __reduce__(self) -> tuple[type[list[Any]], tuple[list[Row]]]:
        return (list, (self._rows(),))

    def __deepcopy__(self, memo: dict[int, Any]) -> Stack:
        return self

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, Stack):
            return self.entries == other.entries
        return list(self) == list(other)


# Code whose caller is no part of the user's program.
runs_programs: set[CodeType] = set()


def current_stack(limit: int) -> Stack:
    """The user's frames above the library, innermost last, at most `limit` of them; none of the notebook's own."""
    entries: list[tuple[CodeType, int]] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    while frame is not None and len(entries) < limit and frame.f_code not in runs_programs:
        code = frame.f_code
        if code.co_name == "run_code" and "IPython" in code.co_filename:
            break  # which runs a cell
        entries.append((code, frame.f_lineno))
        frame = frame.f_back
    return Stack(entries[::-1])


def add_tag_trace(thing: T, user_line: int | None = None) -> T:
    """Remember on ``thing.tag.trace`` where it was built, and return `thing`.

    At most ``config.traceback.limit`` frames are kept; 0 keeps none.
    """
    limit = config.traceback.limit if user_line is None else user_line
    if not limit:
        thing.tag.trace = []
        return thing
    if limit == -1:
        limit = sys.getrecursionlimit()
    thing.tag.trace = Trace([current_stack(limit) if _maker.stack is None else _maker.stack])
    return thing


class _Maker(threading.local):
    stack: Stack | None = None


_maker = _Maker()


class made_by_the_caller:
    """A context in which all variables are made for the line of the user's that is running now: one stack serves all.

    With `ended` true, a context in such a one where each has its own again, since the user's code is called.
    """

    def __init__(self, ended: bool = False) -> None:
        self.ended = ended

    def __enter__(self) -> None:
        self.outer = _maker.stack
        if self.ended:
            _maker.stack = None
        elif self.outer is None and config.traceback.limit:
            limit = config.traceback.limit
            _maker.stack = current_stack(sys.getrecursionlimit() if limit == -1 else limit)

    def __exit__(self, *error: object) -> None:
        _maker.stack = self.outer


def copy_stack_trace(from_var: Tagged | Sequence[Tagged], to_var: V) -> V:
    """Give the variables `to_var` the creation stacks of `from_var`, so that errors blame the user's line."""
    sources: Sequence[Any] = from_var if isinstance(from_var, (list, tuple)) else [from_var]
    targets: Sequence[Any] = to_var if isinstance(to_var, (list, tuple)) else [to_var]
    traces: list[Any] = []
    for v in sources:
        for stack in getattr(v.tag, "trace", ()):
            if stack not in traces:
                traces.append(stack)
    for v in targets:
        old = list(getattr(v.tag, "trace", ()))
        v.tag.trace = Trace(traces + [s for s in old if s not in traces]) if traces else Trace(old)
    return to_var


def get_variable_trace_string(v: Tagged) -> str:
    """Where the variable `v` was built, as text for an error message; empty when that was not recorded."""
    stacks = [list(s) for s in getattr(v.tag, "trace", None) or ()]
    if not stacks:
        return ""
    text = " \nBacktrace when that variable is created:\n\n"
    for i, stack in enumerate(stacks):
        if len(stacks) > 1:
            text += "trace %d\n" % i
        text += format_stack(stack)
    return text


def format_stack(stack: Sequence[Row]) -> str:
    """A creation stack as ``traceback.format_list`` prints one, but for lines of a notebook's cells."""
    rows: list[Row] = [(row[0], row[1], row[2], row[3]) for row in stack]
    return "".join(_in_cell(row) or traceback.format_list([row])[0] for row in rows)


def _in_cell(row: Row) -> str | None:
    """The text for a line that is in a cell, as IPython numbers them; None for all others."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    name_of = getattr(getattr(shell, "compile", None), "format_code_name", None)
    found = name_of(row[0]) if name_of is not None else None
    if found is None:
        return None
    where = "" if row[2] == "<module>" else ", in %s" % row[2]
    source = "    %s\n" % row[3].strip() if row[3] else ""
    return "  %s %s, line %s%s\n%s" % (*found, row[1], where, source)
