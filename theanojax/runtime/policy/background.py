"""One thread that compiles while the program goes on.

Only one compilation is under way at a time, so that at most one has to be waited for when the process ends.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future, ThreadPoolExecutor

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_job: Future[None] | None = None
_thread: int | None = None


def start(work: Callable[[], None]) -> bool:
    """Have the thread call `work`, which raises nothing; False if it has not done with the last one."""
    global _pool, _job
    with _lock:
        if _job is not None and not _job.done():
            return False
        if _pool is None:
            from concurrent.futures import ThreadPoolExecutor

            _pool = ThreadPoolExecutor(1, "theanojax-compile")
        _job = _pool.submit(_run, work)
        return True


def _run(work: Callable[[], None]) -> None:
    global _thread
    _thread = threading.get_ident()
    work()


def is_current() -> bool:
    """Whether the caller is the thread."""
    return _thread == threading.get_ident()


def forget() -> None:
    """Begin anew, in a forked process, which has no thread."""
    global _lock, _pool, _job, _thread
    _lock, _pool, _job, _thread = threading.Lock(), None, None, None


def wait() -> None:
    """Return when the thread has nothing to do."""
    job = _job
    if job is not None:
        job.result()
