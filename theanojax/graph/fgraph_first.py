"""Methods as Theano-PyMC had them, with the function graph before the node: they are called by the node alone."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def by_node(function: Callable[..., Any], of_class: bool = False, node: int = 0) -> Callable[..., Any]:
    """`function`, or one that calls it with the graph of its node if its first parameter is called ``fgraph``.

    `of_class` says that there is a ``self`` before; `node` is the place of the node among the other parameters.
    """
    code = getattr(function, "__code__", None)
    if code is None or "fgraph" not in code.co_varnames[int(of_class) : min(code.co_argcount, int(of_class) + 1)]:
        return function
    count = code.co_argcount

    @functools.wraps(function)
    def called(*args: Any) -> Any:
        if len(args) < count:
            own, rest = args[: int(of_class)], args[int(of_class) :]
            args = (*own, getattr(rest[node], "fgraph", None), *rest)
        return function(*args)

    return called


def take_fgraph(cls: type, *names: str) -> None:
    """Have the methods `names` that `cls` defines called by the node, see `by_node`."""
    for name in names:
        if name in vars(cls):
            own = vars(cls)[name]
            called = by_node(own, of_class=True)
            if called is not own:
                setattr(cls, name, called)
