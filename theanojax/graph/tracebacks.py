"""Tracebacks without the frames of this package: what users see of an error is their own lines, and its message.

``config.traceback.show_internals`` shows all of them.
"""

from __future__ import annotations

import functools
import os
import sys
from types import FunctionType, TracebackType
from typing import TYPE_CHECKING

from theanojax.config import config
from theanojax.graph.signals import by_signal
from theanojax.graph.tag import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from types import CodeType
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")
    C = TypeVar("C", bound=type)

LIBRARIES = tuple(os.sep + name + os.sep for name in ("jax", "jaxlib"))  # hidden where a hidden frame has called them


def hide_frames(error: BaseException) -> None:
    """Take the frames of this package out of the traceback of `error`, which the caller is about to raise again.

    To be called in a function that users call, in an ``except`` that ends with a plain ``raise``, which adds no frame.
    Nothing changes where this package is itself the caller: it may want to know where an error came from.
    """
    caller = sys._getframe(1).f_back
    if caller is not None and _is_ours(caller.f_code) or config.traceback.show_internals or by_signal(error):
        return
    take_out(error, hides_ours)


def take_out(error: BaseException, hides: Callable[[CodeType, bool], bool]) -> None:
    """Take frames out of the tracebacks of `error` and of all that it comes from or holds.

    ``hides(code, hidden)`` says whether a frame goes; `hidden`, whether the one that called it does.
    """
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        e = todo.pop()
        if e is not None and id(e) not in seen:
            seen.add(id(e))
            todo += [e.__cause__, e.__context__, *getattr(e, "exceptions", ())]
            e.with_traceback(_without(e.__traceback__, hides))  # which exceptions that are frozen allow, too


def hides_ours(code: CodeType, hidden: bool) -> bool:
    """For `take_out`: the frames of this package, and those of jax that it has called."""
    return _is_ours(code) or hidden and any(name in code.co_filename for name in LIBRARIES)


def _is_ours(code: CodeType) -> bool:
    return code.co_filename.startswith(PACKAGE) or code.co_filename == "<generated from a graph>"


def _without(traceback: TracebackType | None, hides: Callable[[CodeType, bool], bool]) -> TracebackType | None:
    kept, hidden = [], False
    while traceback is not None:
        hidden = hides(traceback.tb_frame.f_code, hidden)
        if not hidden:
            kept.append(traceback)
        traceback = traceback.tb_next
    last = None
    for entry in reversed(kept):  # somebody may hold the old ones
        last = TracebackType(last, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return last


def boundary(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of a function that users call: errors that leave it show no frames of this package."""

    @functools.wraps(function)
    def outside(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            hide_frames(error)
            raise

    return outside


def boundaries(package: dict[str, Any], but: Container[str] = ()) -> None:
    """Make boundaries of the public functions of a `package` or module, given its names, and of those who define them.

    Modules that have imported one already go on with the function itself, which is 0.2 us quicker. `but` are names of
    functions that stand in pickles, which must be who they are.
    """
    for name, function in list(package.items()):
        if (
            isinstance(function, FunctionType)
            and name[0] != "_"
            and name not in but
            and not hasattr(function, "__wrapped__")
        ):
            home = function.__globals__
            if home.get(name) == function and home["__name__"].startswith(package["__name__"]):
                package[name] = home[name] = boundary(function)


def bounded(cls: C) -> C:
    """Decorator of a class: its methods are boundaries."""
    for name, function in list(vars(cls).items()):
        if isinstance(function, FunctionType):
            setattr(cls, name, boundary(function))
    return cls


def user_stacklevel() -> int:
    """How many frames up the user's code is, as ``warnings.warn`` counts them from our caller."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    return level
