"""Exceptions that a handler of a signal has raised: they come at any moment and mean nothing to who catches them.

KeyboardInterrupt is no Exception, so that no ``except Exception`` stops it. What the handler of an alarm raises, to end
what takes too long, usually is one; who handles errors of others asks here first.
"""

from __future__ import annotations

import inspect
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any, TypeVar

    T = TypeVar("T")


def by_signal(error: BaseException) -> bool:
    """Whether the traceback of `error` leads through a handler of a signal."""
    if threading.current_thread() is not threading.main_thread():
        return False
    codes = _codes_of_handlers()
    where, interrupted = error.__traceback__, None
    while where is not None:
        frame = where.tb_frame
        if frame.f_code in codes or interrupted is not None and _was_given(frame, interrupted):
            return True
        where, interrupted = where.tb_next, frame
    return False


def _was_given(frame: FrameType, interrupted: FrameType) -> bool:
    """Whether `frame` was given the frame that called it, as handlers are: one may have removed itself since."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & inspect.CO_VARARGS)
    for name in code.co_varnames[:count]:
        value = frame.f_locals.get(name)
        if value is interrupted or type(value) is tuple and any(v is interrupted for v in value):
            return True
    return False


def undisturbed(work: Callable[[], T]) -> T:
    """``work()``, which no signal interrupts: it is done by another thread.

    What a handler raises meanwhile is raised afterwards.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.extend((work(), None))
        except BaseException as error:  # raised below
            outcome.extend((None, error))

    thread, late = threading.Thread(target=run), None
    while not outcome:
        try:
            if thread.ident is None:
                thread.start()
            thread.join(60)  # without a timeout some systems do not wake up for signals
        except BaseException as error:
            if thread.ident is None and isinstance(error, RuntimeError):
                raise  # there are too many threads
            late = error
    result: T
    result, error = outcome
    if late is not None or error is not None:
        raise late or error
    return result


def _codes_of_handlers() -> set[CodeType]:
    found: set[Any] = set()
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        if callable(handler):
            while hasattr(handler, "func"):  # of functools.partial
                handler = handler.func
            if not hasattr(handler, "__code__"):
                handler = getattr(handler, "__call__", None)  # noqa: B004, it is asked for its code
            found.add(getattr(handler, "__code__", None))
    return found - {None}
