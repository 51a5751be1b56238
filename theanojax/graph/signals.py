"""Exceptions that a handler of a signal has raised: they come at any moment and mean nothing to who catches them.

KeyboardInterrupt is no Exception, so that no ``except Exception`` stops it. What the handler of an alarm raises, to end
what takes too long, usually is one; who handles errors of others asks here first.
"""

import signal
import threading


def by_signal(error):
    """Whether the traceback of `error` leads through a handler of a signal that is installed."""
    if threading.current_thread() is not threading.main_thread():
        return False
    codes = _codes_of_handlers()
    where = error.__traceback__
    while where is not None and codes:
        if where.tb_frame.f_code in codes:
            return True
        where = where.tb_next
    return False


def undisturbed(work):
    """``work()``, which no signal interrupts: it is done by another thread.

    What a handler raises meanwhile is raised afterwards.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    outcome: list = []

    def run():
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
    result, error = outcome
    if late is not None or error is not None:
        raise late or error
    return result


def _codes_of_handlers():
    found = set()
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        if callable(handler):
            while hasattr(handler, "func"):  # of functools.partial
                handler = handler.func
            if not hasattr(handler, "__code__"):
                handler = getattr(handler, "__call__", None)  # noqa: B004, it is asked for its code
            found.add(getattr(handler, "__code__", None))
    return found - {None}
