"""Importing what needs jax, when something first needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from theanojax.first_import import unnoticed
from theanojax.graph.signals import undisturbed

T = TypeVar("T")


def whole(load: Callable[[], T]) -> T:
    """``load()``, which imports modules: nobody notices, and no signal ends it midway.

    A jax that is imported by half is of no use for the rest of the process.
    """

    def work() -> T:
        with unnoticed():
            return load()

    return undisturbed(work)
