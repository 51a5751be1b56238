"""Methods as Theano-PyMC had them, with the function graph before the node: they are called by the node alone."""

from __future__ import annotations

import functools
import inspect
from types import FunctionType
from typing import TYPE_CHECKING

from theanojax.graph.variable import Apply

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def by_node(function: Callable[..., Any], of_class: bool = False, node: int = 0) -> Callable[..., Any]:
    """`function`, or one that calls it with the graph of its node if its first parameter is called ``fgraph``.

    `of_class` says that there is a ``self`` before; `node` is the place of the node among the other parameters.
    """
    place = int(of_class)
    if _names(function)[place : place + 1] != ["fgraph"] or hasattr(function, "by_node"):
        return function

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        of = kwargs.get("node") if len(args) <= place + node else args[place + node]
        if isinstance(of, Apply) and "fgraph" not in kwargs:
            args = (*args[:place], getattr(of, "fgraph", None), *args[place:])
        return function(*args, **kwargs)

    called.by_node = True  # type: ignore[attr-defined]
    return called


def take_fgraph(cls: type, *names: str) -> None:
    """Have the methods `names` of `cls`, or of what it is mixed from, called by the node, see `by_node`.

    Those above it, which `super()` gives, take the graph, too, and leave it.
    """
    if cls.__module__.startswith("theanojax."):
        return  # ours take the node alone, and are many
    for name in names:
        theirs = False
        for base in cls.__mro__:
            own = vars(base).get(name)
            if own is None:
                continue
            function = own.__func__ if isinstance(own, (classmethod, staticmethod)) else own
            called = by_node(function, of_class=not isinstance(own, staticmethod))
            if called is function and theirs and not hasattr(function, "by_node"):
                called = _without_graph(function, int(not isinstance(own, staticmethod)))
            theirs = theirs or hasattr(called, "by_node")
            if called is not function:
                setattr(base, name, called if function is own else type(own)(called))


def _without_graph(function: Callable[..., Any], place: int) -> Callable[..., Any]:
    """`function`, whose first parameter is the node, or the graph before it."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        if len(args) > place + 1 and isinstance(args[place + 1], Apply):
            args = (*args[:place], *args[place + 1 :])
        return function(*args, **kwargs)

    called.by_node = True  # type: ignore[attr-defined]
    return called


def _names(function: Callable[..., Any]) -> list[str]:
    """The names of the parameters that have a place, in order."""
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        return list(function.__code__.co_varnames[: function.__code__.co_argcount])
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # no function, or one in C that does not say
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
