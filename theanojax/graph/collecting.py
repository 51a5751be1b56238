"""Garbage collection while graphs are made."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SELDOM = 1000  # for Python's third threshold, which is 10


@contextmanager
def seldom_of_everything() -> Iterator[None]:
    """A context, or decorator, in which Python's garbage collector seldom looks through all that there is.

    It does so each time that the number of objects has grown by a quarter. What is made of a graph stays, so nothing is
    found, and looking takes as long as the making. New objects are looked at as ever.
    """
    young, middle, old = gc.get_threshold()
    try:
        if old and old < SELDOM:
            gc.set_threshold(young, middle, SELDOM)
        yield
    finally:
        young, middle, now = gc.get_threshold()
        if now == SELDOM:  # else the user's code, which Ops call, has set others
            gc.set_threshold(young, middle, old)
