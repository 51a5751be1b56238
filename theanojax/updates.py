"""OrderedUpdates: which shared variable receives which new value."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from typing import Any

from theanojax.graph.shared import SharedVariable


class OrderedUpdates(OrderedDict[SharedVariable, Any]):
    """A dict from shared variables to the expressions of their next values.

    ``+`` and ``update`` unite two of them; KeyError when they give one variable two different values. A key
    that is no shared variable raises TypeError.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args:
            _warn_if_unordered(
                args[0],
                "Initializing an `OrderedUpdates` from a non-ordered dictionary with 2+ "
                "elements could make your code non-deterministic. Use an OrderedDict.",
            )
        super().__init__(*args, **kwargs)
        for key in self:
            _check_key(key)

    def __setitem__(self, key: SharedVariable, value: Any) -> None:
        _check_key(key)
        super().__setitem__(key, value)

    def update(self, other: Any = None) -> None:
        """Add the pairs of `other` (a dict or list of pairs)."""
        if other is None:
            return
        _warn_if_unordered(
            other,
            "Updating an `OrderedUpdates` with a non-ordered dictionary with 2+ elements could "
            "make your code non-deterministic",
        )
        for key, value in OrderedDict(other).items():
            if key not in self:
                self[key] = value
            elif not self[key] == value:
                raise KeyError("Collision", key)

    def __add__(self, other: Any) -> OrderedUpdates:
        return _union(self, other)

    def __radd__(self, other: Any) -> OrderedUpdates:
        return _union(other, self)


def _union(first: Any, second: Any) -> OrderedUpdates:
    both = OrderedUpdates()
    both.update(first)
    both.update(second)
    return both


def _check_key(key: object) -> None:
    if not isinstance(key, SharedVariable):
        raise TypeError("OrderedUpdates keys must inherit from SharedVariable", key)


def _warn_if_unordered(pairs: object, message: str) -> None:
    # Programs written for Theano see this warning for any dict that is not an OrderedDict.
    if isinstance(pairs, dict) and len(pairs) > 1 and not isinstance(pairs, OrderedDict):
        warnings.warn(message, stacklevel=3)
