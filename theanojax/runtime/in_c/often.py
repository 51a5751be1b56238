"""When a program that is called often runs in C.

The last digits of C's results are not XLA's. So that a script gives the same numbers whenever it is run, calls are
counted by what they are thought to cost, not timed: what has been called often enough begins to be compiled in the
background, and at a later call, the same one in each run, it takes XLA's place; should it not be ready then, that call
waits for it.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from theanojax.config import config
from theanojax.errors import CompileError, MissingGXX
from theanojax.logs import theanojax_logger
from theanojax.runtime.in_c.flat import NotInC
from theanojax.runtime.in_c.module import run_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping
    from concurrent.futures import Future, ThreadPoolExecutor
    from typing import Any

    from jax.extend.core import ClosedJaxpr

    from theanojax.runtime.in_c.cost import Cost

    Run = Callable[..., list[Any]]  # from numpy arrays to numpy arrays

# microseconds that calls are thought to have cost in XLA
OFTEN = 2e4  # after these C is compiled in the background
TAKES_OVER = 2e5  # after these it runs
CALL = 5.0  # of a call, whatever it computes

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None


class InC:
    """The way of one program into C.

    `program` gives it, and `cost` says what a call of it costs; for the others see `run_of`. ``counted(steps)`` is
    asked before each call; it gives what runs the call, or None if XLA does.

    Attributes
    ----------
    run : what runs it in C, from numpy arrays to numpy arrays; None before it takes over.
    refusal : why that will never be, or None.
    """

    __slots__ = ("cost", "future", "left", "program", "refusal", "replaced", "run", "settled", "volatile")

    def __init__(
        self,
        program: Callable[[], ClosedJaxpr],
        cost: Cost,
        volatile: Container[int] = (),
        replaced: Mapping[int, int] | None = None,
    ) -> None:
        self.program, self.cost, self.volatile, self.replaced = program, cost, volatile, replaced or {}
        self.left, self.settled = float(TAKES_OVER), False
        self.run: Run | None = None
        self.refusal: str | None = None
        self.future: Future[tuple[Run | None, str | None]] | None = None

    def counted(self, steps: int | None) -> Run | None:
        """What runs a call, whose loops have so many steps, on numpy arrays; None if that is not C."""
        if not self.settled:
            self.left -= CALL + self.cost.call + self.cost.step * (steps or 0)
            if self.left <= TAKES_OVER - OFTEN:
                self._advance()
        return self.run

    def _advance(self) -> None:
        future = self.future
        if future is None:
            try:
                program = self.program()
            except NotInC as reason:
                self.refusal, self.settled = str(reason), True
                return
            future = self.future = start(program, self.volatile, self.replaced)
        if self.left <= 0:
            self.run, self.refusal = future.result()
            self.settled = True


def start(
    program: ClosedJaxpr, volatile: Container[int], replaced: Mapping[int, int]
) -> Future[tuple[Run | None, str | None]]:
    """Have `program` compiled in the background."""
    global _pool
    with _lock:
        if _pool is None:
            from concurrent.futures import ThreadPoolExecutor

            _pool = ThreadPoolExecutor(os.cpu_count() or 1, "theanojax-c")
        return _pool.submit(compiled, program, volatile, replaced)


def compiled(
    program: ClosedJaxpr, volatile: Container[int], replaced: Mapping[int, int]
) -> tuple[Run | None, str | None]:
    """(what runs a program in C, None), or (None, why there is no such thing)."""
    try:
        return run_of(program, volatile, replaced), None
    except (NotInC, MissingGXX, ImportError) as reason:
        return None, str(reason)
    except CompileError as error:
        told = str(error).partition("\n====")[0]
        theanojax_logger.warning("A program stays with XLA, as its C does not compile: %s", told)
        return None, "its C does not compile"


def possible() -> bool:
    """Whether programs are to run in C at all."""
    return bool(config.cxx and config.xla_in_c)
