"""The helpers of `theano.gof.utils` and `theano.gof.sched` that nothing of ours needs."""

from __future__ import annotations

import functools
import linecache
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from theanojax.graph.params_type import hash_from_code as hash_from_code
from theanojax.graph.tag import Scratchpad as scratchpad  # noqa: F401
from theanojax.printing.text import get_variable_trace_string  # noqa: F401

undef = object()
simple_types = (int, float, str, bool, type(None))


def hashtype(self: Any) -> int:
    """A hash of the class of `self`."""
    return hash((type(self).__module__, type(self).__name__))


def hash_from_file(file_path: str) -> str:
    """The same for the content of a file."""
    with open(file_path, "rb") as file:
        return hash_from_code(file.read())


class object2:
    """What Theano's classes were derived from."""


class D:
    """An object with the attributes given."""

    def __init__(self, **d: Any):
        vars(self).update(d)


def memoize(f: Callable) -> Callable:
    """`f`, computing once for each list of positional arguments."""
    return functools.wraps(f)(functools.cache(f))


def deprecated(filename: str, msg: str = "") -> Callable[[Callable], Callable]:
    """A decorator: the first call of the function warns."""

    def decorate(f: Callable) -> Callable:
        warned = False

        @functools.wraps(f)
        def with_warning(*args: Any, **kwargs: Any) -> Any:
            nonlocal warned
            if not warned:
                warned = True
                warnings.warn(f"deprecated: {filename}.{f.__name__}: {msg}", stacklevel=2)
            return f(*args, **kwargs)

        return with_warning

    return decorate


# ---- sequences


def uniq(seq: Iterable) -> list:
    """The items of `seq`, each object once, in order."""
    return list({id(item): item for item in seq}.values())


def unique(x: Any) -> bool:
    """Whether no item of `x` occurs twice."""
    return len(set(x)) == len(x)


def difference(seq1: Iterable, seq2: Iterable) -> list:
    """The items of `seq1` that are not in `seq2`."""
    other = list(seq2)
    return [item for item in seq1 if item not in other]


def flatten(a: Any) -> list:
    """The leaves of nested lists, tuples and sets."""
    if isinstance(a, tuple | list | set):
        return [leaf for item in a for leaf in flatten(item)]
    return [a]


def hist(coll: Iterable) -> dict:
    """How often each item occurs."""
    counts: dict = {}
    for item in coll:
        counts[item] = counts.get(item, 0) + 1
    return counts


def remove(predicate: Callable[[Any], bool], coll: Iterable) -> list:
    """The items for which `predicate` doesn't hold."""
    return [item for item in coll if not predicate(item)]


def to_return_values(values: list) -> Any:
    """One value for a list of one."""
    return values[0] if len(values) == 1 else values


def from_return_values(values: Any) -> list:
    """A list, for a list or for one value."""
    return list(values) if isinstance(values, list | tuple) else [values]


def give_variables_names(variables: Iterable) -> list:
    """Name the variables that share a name, or have none, so that no two names are equal."""
    variables = list(variables)
    names = [variable.name for variable in variables]
    if not all(names) or not unique(names):
        for i, variable in enumerate(variables):
            variable.name = f"{variable.name or ''}_{i}"
    return variables


# ---- orders


def toposort(prereqs_d: Mapping) -> list:
    """The keys in an order in which each comes after its prerequisites, `prereqs_d[key]`."""
    waiting = {key: set(prereqs) for key, prereqs in prereqs_d.items()}
    users: dict = {}
    for key, prereqs in waiting.items():
        for prereq in prereqs:
            users.setdefault(prereq, []).append(key)
    ready = deque(key for key, prereqs in waiting.items() if not prereqs)
    order = []
    while ready:
        key = ready.popleft()
        order.append(key)
        for user in users.get(key, ()):
            waiting[user].discard(key)
            if not waiting[user]:
                ready.append(user)
    if len(order) != len(waiting):
        raise Exception(
            "Cannot sort topologically: there might be cycles, prereqs_d does not have a key for each element"
        )
    return order


class memodict(dict):
    """A dictionary that computes, and keeps, what it doesn't have."""

    def __init__(self, f: Any):
        super().__init__()
        self.f = f

    def __missing__(self, key: Any) -> Any:
        self[key] = value = self.f(key)
        return value


def reverse_dict(d: Mapping) -> dict:
    """For `{key: [value, ...]}`, the keys that have each value."""
    result: dict = {}
    for key, values in d.items():
        for value in values:
            result[value] = (*result.get(value, ()), key)
    return result


def key_to_cmp(key: Callable[[Any], Any]) -> Callable[[Any, Any], int]:
    """The comparison function that orders by `key`."""

    def key_cmp(a: Any, b: Any) -> int:
        ka, kb = key(a), key(b)
        return (ka > kb) - (ka < kb)

    return key_cmp


def posort(l: Iterable, *cmps: Callable[[Any, Any], int]) -> list:
    """Sort by several partial orders, those named first counting most; 0 means that one doesn't care."""
    l = list(l)
    comes_after: dict = {i: set() for i in range(len(l))}
    comes_before: dict = {i: set() for i in range(len(l))}

    def add(first: int, second: int) -> None:
        """Have `first` come before `second`, unless the opposite is known."""
        if second in comes_before[first] or second == first:
            return
        befores, afters = comes_before[first] | {first}, comes_after[second] | {second}
        for i in befores:
            comes_after[i] |= afters
        for i in afters:
            comes_before[i] |= befores

    for cmp in cmps:
        for i, a in enumerate(l):
            for j, b in enumerate(l):
                order = cmp(a, b)
                if order < 0:
                    add(i, j)
                elif order > 0:
                    add(j, i)
    return [l[i] for i in toposort(comes_before)]


# ---- markers and decorators


class Keyword:
    """A named marker, true or false."""

    def __init__(self, name: str, nonzero: bool = True):
        self.name = name
        self.nonzero = nonzero

    def __bool__(self) -> bool:
        return self.nonzero

    __nonzero__ = __bool__

    def __str__(self) -> str:
        return f"<{self.name}>"

    __repr__ = __str__


ABORT = Keyword("ABORT", False)
RETRY = Keyword("RETRY", False)
FAILURE = Keyword("FAILURE", False)
FALL_THROUGH = Keyword("FALL_THROUGH")
ANY_TYPE = Keyword("ANY_TYPE")


def _is_of(value: Any, kind: Any) -> bool:
    return kind is ANY_TYPE or isinstance(value, kind)


def comm_guard(type1: Any, type2: Any) -> Callable[[Callable], Callable]:
    """A decorator: `f` is called with its first two arguments in the order of these types.

    Arguments of other types, and calls that give FALL_THROUGH, go to the function of that name before.
    """

    def decorate(f: Callable) -> Callable:
        old_f = f.__globals__.get(f.__name__)

        @functools.wraps(f)
        def guarded(arg1: Any, arg2: Any, *rest: Any) -> Any:
            result: Any = FALL_THROUGH
            if _is_of(arg1, type1) and _is_of(arg2, type2):
                result = f(arg1, arg2, *rest)
            elif _is_of(arg1, type2) and _is_of(arg2, type1):
                result = f(arg2, arg1, *rest)
            if result is FALL_THROUGH:
                if old_f is None:
                    raise TypeError(f"{f.__name__}: no implementation for {type(arg1)} and {type(arg2)}")
                return old_f(arg1, arg2, *rest)
            return result

        return guarded

    return decorate


def type_guard(type1: Any) -> Callable[[Callable], Callable]:
    """The same for the first argument alone."""

    def decorate(f: Callable) -> Callable:
        old_f = f.__globals__.get(f.__name__)

        @functools.wraps(f)
        def guarded(arg1: Any, *rest: Any) -> Any:
            result = f(arg1, *rest) if _is_of(arg1, type1) else FALL_THROUGH
            if result is FALL_THROUGH:
                if old_f is None:
                    raise TypeError(f"{f.__name__}: no implementation for {type(arg1)}")
                return old_f(arg1, *rest)
            return result

        return guarded

    return decorate


class MetaObject(type):
    """Gives classes with `__props__` an equality, a hash and a text made of them."""

    def __new__(mcs, name: str, bases: tuple, dct: dict) -> type:
        """The class, with what it doesn't define itself."""
        props = dct.get("__props__")
        if props is not None:
            if not isinstance(props, tuple):
                raise TypeError("__props__ has to be a tuple")
            dct.setdefault("_props", lambda self: tuple(getattr(self, prop) for prop in props))
            if "__eq__" not in dct and "__hash__" not in dct:
                dct["__hash__"] = lambda self: hash((type(self), self._props()))
                dct["__eq__"] = lambda self, other: type(self) is type(other) and self._props() == other._props()
            if "__str__" not in dct:
                dct["__str__"] = lambda self: (
                    f"{type(self).__name__}{{{', '.join(f'{prop}={getattr(self, prop)!r}' for prop in props)}}}"
                    if props
                    else type(self).__name__
                )
        return super().__new__(mcs, name, bases, dct)


def simple_extract_stack(f: Any = None, limit: int | None = None, skips: Iterable[str] = ()) -> list[tuple]:
    """The stack above frame `f` as (file, line, function, text), up to `limit` rows.

    Rows of files whose path contains one of `skips` are left out as long as they are the innermost.
    """
    frame = f if f is not None else sys._getframe(1)
    rows: list[tuple] = []
    skipping = True
    while frame is not None and (limit is None or len(rows) < limit):
        code = frame.f_code
        skipping = skipping and any(skip in code.co_filename for skip in skips)
        if not skipping:
            line = linecache.getline(code.co_filename, frame.f_lineno, frame.f_globals).strip() or None
            rows.append((code.co_filename, frame.f_lineno, code.co_name, line))
        frame = frame.f_back
    return rows[::-1]
