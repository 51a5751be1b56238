"""When a program that is called often runs in C.

The last digits of C's results are not XLA's. So that a script gives the same numbers whenever it is run, calls are
counted by what they are thought to cost, not timed: what has been called often enough begins to be compiled in the
background, and at a later call, the same one in each run, it takes XLA's place; should it not be ready then, that call
waits for it.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from typing import TYPE_CHECKING

from theanojax.config import config
from theanojax.errors import MissingGXX
from theanojax.logs import theanojax_logger
from theanojax.runtime.in_c.flat import NotInC
from theanojax.runtime.in_c.module import compiled
from theanojax.runtime.native import compiler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future
    from typing import Any

    from theanojax.runtime.in_c.cost import Cost
    from theanojax.runtime.in_c.module import Program
    from theanojax.runtime.in_c.program import Written

    Run = Callable[..., list[Any]]  # from numpy arrays to numpy arrays

# microseconds that calls are thought to have cost in XLA
OFTEN = 2e4  # after these C is compiled in the background
TAKES_OVER = 2e5  # after these it runs
CALL = 5.0  # of a call, whatever it computes

_slots = threading.Semaphore(os.cpu_count() or 1)  # compilations at one time
_ends = threading.Event()  # set when Python ends
_told = threading.Event()  # set once somebody was told of a compiler that fails


class InC:
    """The way of one program into C.

    `program` gives what writes it; `cost` says what a call of it costs; `replaced` is what it may replace.
    ``counted(steps)`` is asked before each call; it gives what runs the call, or None if XLA does. When C takes over,
    ``taken()`` is called.

    Attributes
    ----------
    run : what runs it in C, from numpy arrays to numpy arrays; None before it takes over.
    made : Program, what that is a part of, or None.
    refusal : why that will never be, or None.
    """

    __slots__ = (
        "__weakref__",
        "cost",
        "future",
        "left",
        "made",
        "program",
        "refusal",
        "replaced",
        "run",
        "settled",
        "taken",
    )

    def __init__(
        self,
        program: Callable[[], Callable[[], Written]],
        cost: Cost,
        replaced: Mapping[int, int] | None = None,
        taken: Callable[[], None] = lambda: None,
    ) -> None:
        self.taken = taken
        self.made: Program | None = None
        self.program: Callable[[], Callable[[], Written]] | None = program
        self.cost, self.replaced = cost, replaced or {}
        self.left, self.settled = float(TAKES_OVER), False
        self.run: Run | None = None
        self.refusal: str | None = None
        self.future: Future[Program | str] | None = None

    def counted(self, steps: int | None, calls: int = 1) -> Run | None:
        """What runs a call, whose loops have so many steps, on numpy arrays; None if that is not C.

        It stands for so many `calls`.
        """
        if not self.settled:
            self.left -= calls * (CALL + self.cost.call + self.cost.step * (steps or 0))
            if self.left <= TAKES_OVER - OFTEN:
                self._advance()
        return self.run

    def _advance(self) -> None:
        if self.future is None:
            if not possible():
                return
            ask, self.program = self.program, None  # what it gives is as large as its constants
            if ask is None:  # another thread does
                return
            try:
                write = ask()
            except NotInC as reason:
                self.refusal, self.settled = str(reason), True
                return
            except BaseException:  # a signal, say
                self.program = ask
                raise
            self.future = start(write)
        if self.left <= 0:
            made = self.future.result()
            if isinstance(made, str):
                self.refusal = made
            else:
                self.replaced = made.replaced
                self.run, self.made = made.run, made
                weakref.finalize(self, made.release).atexit = False
                self.taken()
            self.settled = True


def start(write: Callable[[], Written]) -> Future[Program | str]:
    """Have what `write` gives compiled in the background: a Program, or why there is none."""
    from concurrent.futures import Future

    future: Future[Program | str] = Future()

    def work() -> None:
        with _slots:
            future.set_result("Python ends" if _ends.is_set() else made_of(write))

    # whoever ends Python does not wait for what nobody will run
    threading.Thread(target=work, name="theanojax-c", daemon=True).start()
    return future


def made_of(write: Callable[[], Written]) -> Program | str:
    """A program in C, or why there is none."""
    try:
        return compiled(write())
    except (NotInC, MissingGXX) as reason:
        return str(reason)
    except Exception as error:  # whatever it is, XLA goes on
        text = str(error).partition("\n====")[0]
        if not (_told.is_set() or _ends.is_set()):
            _told.set()
            theanojax_logger.warning(
                "A function that is called often stays with XLA, as compiling it in C fails; so may others, of which "
                "nothing is said. THEANO_FLAGS=xla_in_c=False does not try. %s: %s",
                type(error).__name__,
                text,
            )
        return "compiling it in C fails: %s" % text.partition("\n")[0]


def _end() -> None:
    _ends.set()
    compiler.stop()


atexit.register(_end)


def possible() -> bool:
    """Whether programs are to run in C at all."""
    return bool(config.cxx and config.xla_in_c)
