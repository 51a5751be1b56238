"""`theano.gof.compilelock`: a lock on the directory of compiled code.

Nothing here compiles into that directory. Programs take the lock all the same, to keep processes of
their own out of each other's way, so it locks.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from theanojax.config import config

hostname = socket.gethostname()
notset = object()

_enabled = True
_held: dict[str, int] = {}


def set_lock_status(use_lock: bool) -> None:
    """Whether `get_lock` locks from now on."""
    global _enabled
    _enabled = use_lock


def _owner_is_alive(path: str) -> bool:
    """Whether the process that made the lock `path` still runs, as far as can be told."""
    try:
        with open(path) as file:
            pid, _, host = file.read().partition("@")
    except FileNotFoundError:
        return False
    if host != hostname or not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _seconds_old(path: str) -> float:
    try:
        return time.time() - os.path.getmtime(path)
    except FileNotFoundError:
        return 0.0


def lock(
    tmp_dir: str,
    timeout: Any = notset,
    min_wait: float | None = None,
    max_wait: float | None = None,
    verbosity: int = 1,
) -> None:
    """Take the lock `tmp_dir`, waiting for whoever has it; a lock left behind by a dead process is taken over."""
    timeout = config.compile.timeout if timeout is notset else timeout
    wait = min_wait if min_wait is not None else config.compile.wait
    os.makedirs(os.path.dirname(tmp_dir), exist_ok=True)
    while True:
        try:
            handle = os.open(tmp_dir, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            stale = timeout is not None and _seconds_old(tmp_dir) > timeout
            if stale or not _owner_is_alive(tmp_dir):
                Unlocker(tmp_dir).unlock(force=True)
            else:
                time.sleep(wait)
        else:
            with os.fdopen(handle, "w") as file:
                file.write(f"{os.getpid()}@{hostname}")
            return


def refresh_lock(lock_file: str) -> None:
    """Say that the lock is still in use."""
    os.utime(lock_file)


class Unlocker:
    """Gives a lock back."""

    def __init__(self, tmp_dir: str):
        self.tmp_dir = tmp_dir

    def unlock(self, force: bool = False) -> None:
        """Remove the lock, unless it is gone already."""
        try:
            os.remove(self.tmp_dir)
        except FileNotFoundError:
            return


def _path(lock_dir: str | None) -> str:
    return os.path.join(lock_dir or config.compiledir, "lock_file")


def get_lock(lock_dir: str | None = None, **kw: Any) -> None:
    """Take the lock of a directory, the one of compiled code unless told; it may be taken again."""
    if not _enabled:
        return
    path = _path(lock_dir)
    if not _held.get(path):
        lock(path, **kw)
    _held[path] = _held.get(path, 0) + 1


def release_lock(lock_dir: str | None = None) -> None:
    """Give back what one `get_lock` took."""
    path = _path(lock_dir)
    if not _held.get(path):
        return
    _held[path] -= 1
    if not _held[path]:
        Unlocker(path).unlock()


def force_unlock() -> None:
    """Remove the lock, whoever has it."""
    _held.clear()
    Unlocker(_path(None)).unlock(force=True)


@contextmanager
def lock_ctx(lock_dir: str | None = None, keep_lock: bool = False, **kw: Any) -> Iterator[None]:
    """The lock for the length of a `with` block, or with `keep_lock` longer."""
    get_lock(lock_dir=lock_dir, **kw)
    try:
        yield
    finally:
        if not keep_lock:
            release_lock(lock_dir)
