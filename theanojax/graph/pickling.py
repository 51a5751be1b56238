"""Pickles and deep copies of graphs of any depth.

pickle and deepcopy go from a variable to its owner, to the owner's inputs and so on, one call inside the other, and a
graph of a hundred nodes in a row is deeper than Python's stack. So what a variable depends on is pickled as a list:
first objects without content, of the right classes, then the content of each, which refers to others by their place.
"""

from __future__ import annotations

import copyreg
import operator
import threading
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, SupportsIndex


class _Lists(threading.local):
    """In `of`, the `Flat` that an object is in, by its id.

    Picklers and deepcopy keep alive what they have seen, and so each finds the list that it has already written; no
    other list lives longer than a call.
    """

    def __init__(self) -> None:
        self.of: WeakValueDictionary[int, Flat] = WeakValueDictionary()


_lists = _Lists()


class Flat:
    """Apply nodes and their outputs, those first that others depend on."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items
        self.place = {id(item): i for i, item in enumerate(items)}

    def __getitem__(self, i: int) -> Any:
        return self.items[i]

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return _empty, ([type(item) for item in self.items],), [item.__getstate__() for item in self.items]

    def __setstate__(self, states: list[Any]) -> None:
        for item, state in zip(self.items, states):
            set_state = getattr(item, "__setstate__", None)
            if set_state is None:
                item.__dict__.update(state)
            else:
                set_state(state)


def _empty(classes: list[type[Flattened]]) -> Flat:
    return Flat([cls.__new__(cls) for cls in classes])


class Flattened:
    """What is pickled as a part of a list, together with all that it depends on; see the module's documentation."""

    def pickled_with(self) -> Sequence[Flattened]:
        """The objects that belong into the same list; none if this one is pickled for itself."""
        return []

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        if not _can_be_part(self):
            return super().__reduce_ex__(protocol)
        flat = _lists.of.get(id(self))
        if flat is None:
            flat = Flat(_new_ones(self))
            _lists.of.update((key, flat) for key in flat.place)
        return operator.getitem, (flat, flat.place[id(self)])


def _can_be_part(item: Flattened) -> bool:
    """Whether `item` depends on others, and is of a class that leaves its pickling to this module."""
    cls = type(item)
    return (
        bool(item.pickled_with())
        and cls.__reduce_ex__ is Flattened.__reduce_ex__
        and cls.__reduce__ is object.__reduce__
        and not hasattr(cls, "__getnewargs__")
        and not hasattr(cls, "__getnewargs_ex__")
        and cls not in copyreg.dispatch_table
    )


def _new_ones(item: Flattened) -> list[Flattened]:
    """`item` and what it depends on, without what is in a list already; inputs come before what uses them."""
    # id -> object, in the order of the list; None as long as what it depends on is not in it
    found: dict[int, Any] = {}
    listed, stack = _lists.of, [item]
    while stack:
        current = stack[-1]
        if found.get(id(current)) is not None or id(current) in listed or not _can_be_part(current):
            stack.pop()
        elif id(current) in found:
            del found[id(current)]
            found[id(current)] = stack.pop()
        else:
            found[id(current)] = None
            stack += current.pickled_with()
    return list(found.values())
