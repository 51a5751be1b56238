"""The small helpers of `theano.misc` and `theano.gof.utils`."""

from __future__ import annotations

import os
import subprocess
import textwrap
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, MutableSet
from typing import Any

import numpy as np
import scipy.sparse

from theanojax.arrays import safe_asarray as _asarray  # noqa: F401


def cpuCount() -> int:
    """Processors of this machine; -1 where that is unknown."""
    return os.cpu_count() or -1


def may_share_memory(a: Any, b: Any, raise_other_type: bool = True) -> bool:
    """Whether two arrays, or sparse matrices, might overlap in memory."""
    parts = []
    for value in (a, b):
        if isinstance(value, np.ndarray):
            parts.append([value])
        elif isinstance(value, scipy.sparse.csr_matrix | scipy.sparse.csc_matrix | scipy.sparse.bsr_matrix):
            parts.append([value.data, value.indices, value.indptr])
        elif raise_other_type:
            raise TypeError("may_share_memory support only ndarray and scipy.sparse or GpuArray type")
        else:
            return False
    return any(np.may_share_memory(x, y) for x in parts[0] for y in parts[1])


# ---- text


def strip_leading_white_space(line: list[str]) -> str:
    """Lines without their common indentation, joined."""
    return textwrap.dedent("\n".join(line))


def pretty_format(string: str) -> str:
    """`string` without common indentation, and without the empty lines around it."""
    return textwrap.dedent(string).strip("\n")


def render_string(string: str, sub: Mapping[str, Any]) -> str:
    """`string % sub`; a name that is missing is told with the names there are."""
    try:
        return string % sub
    except KeyError as error:
        raise KeyError(f"{error.args[0]!r} is not among {sorted(sub)}") from None
    except (TypeError, ValueError) as error:
        raise type(error)(f"{error}, in the template:\n{string}") from None


# ---- containers


class OrderedSet(MutableSet):
    """A set that remembers the order in which its items came."""

    def __init__(self, iterable: Iterable | None = None):
        self._items: dict = {}
        if iterable is not None:
            check_deterministic(iterable)
            self.update(iterable)

    def add(self, key: Any) -> None:
        """Put `key` at the end, unless it is in the set."""
        self._items.setdefault(key)

    def discard(self, key: Any) -> None:
        """Take `key` out, if it is in the set."""
        self._items.pop(key, None)

    def update(self, iterable: Iterable) -> None:
        """Add each item."""
        check_deterministic(iterable)
        for item in iterable:
            self.add(item)

    def union(self, s: Iterable) -> OrderedSet:
        """A new set, with the items of `s` after ours."""
        result = type(self)(self)
        result.update(s)
        return result

    def intersection_update(self, s: Iterable) -> None:
        """Keep only the items that `s` has, too."""
        kept = set(s)
        self._items = {item: None for item in self._items if item in kept}

    def difference_update(self, s: Iterable) -> None:
        """Take the items of `s` out."""
        for item in s:
            self.discard(item)

    def copy(self) -> OrderedSet:
        """A new set with the same items."""
        return type(self)(self)

    def pop(self, last: bool = True) -> Any:
        """Take out the last item, or the first."""
        if not self._items:
            raise KeyError("set is empty")
        item = next(reversed(self._items) if last else iter(self._items))
        del self._items[item]
        return item

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, value: object) -> bool:
        return value in self._items

    def __iter__(self) -> Iterator:
        return iter(self._items)

    def __reversed__(self) -> Iterator:
        return reversed(self._items)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self) if self else ''})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, OrderedSet):
            return list(self) == list(other)
        if isinstance(other, set):
            # Which of the two orders should count?
            raise TypeError(
                "Cannot compare an `OrderedSet` to a `set` because this comparison cannot be made symmetric"
            )
        return NotImplemented

    __hash__ = None

    def __setstate__(self, state: dict) -> None:
        """Take the items over, from a pickle of Theano's own out of its ring of links."""
        self._items = state.get("_items", {})
        if "_OrderedSet__root" in state:
            root = state["_OrderedSet__root"]
            link = root.next
            while link is not root:
                self._items[link.key] = None
                link = link.next


class Link:
    """A place in the ring that an `OrderedSet` was in Theano; only pickles have it."""

    def __setstate__(self, state: list) -> None:
        self.next = state[1]
        if len(state) > 2:
            self.key = state[2]


def check_deterministic(iterable: Iterable) -> None:
    """Refuse what has no order of its own, and would make a graph differ from run to run."""
    if isinstance(iterable, set | frozenset):
        raise TypeError(f"a {type(iterable).__name__} has no order; give a list, a tuple or an OrderedSet")


class frozendict(Mapping):
    """A dictionary that can't change, and can be a key itself."""

    dict_cls: type = dict

    def __init__(self, *args: Any, **kwargs: Any):
        self._dict = self.dict_cls(*args, **kwargs)
        self._hash: int | None = None

    def __getitem__(self, key: Any) -> Any:
        return self._dict[key]

    def __contains__(self, key: object) -> bool:
        return key in self._dict

    def copy(self, **changes: Any) -> frozendict:
        """The same with some values changed."""
        return type(self)(self, **changes)

    def __iter__(self) -> Iterator:
        return iter(self._dict)

    def __len__(self) -> int:
        return len(self._dict)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._dict!r}>"

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self._dict.items()))
        return self._hash


class FrozenOrderedDict(frozendict):
    """The same, with its order."""

    dict_cls = OrderedDict


# ---- processes


def subprocess_Popen(command: Any, **params: Any) -> subprocess.Popen:
    """Start `command`, with no input."""
    return subprocess.Popen(command, **{"stdin": subprocess.DEVNULL, **params})


def call_subprocess_Popen(command: Any, **params: Any) -> int:
    """Run `command` silently; its exit status."""
    return subprocess_Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **params).wait()


def output_subprocess_Popen(command: Any, **params: Any) -> tuple[bytes, bytes, int]:
    """Run `command`: its output, its errors and its exit status."""
    process = subprocess_Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **params)
    out, err = process.communicate()
    return out, err, process.returncode
