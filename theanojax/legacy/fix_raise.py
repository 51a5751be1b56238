"""A fixer of fissix for ``raise E, V`` and ``raise E, V, T``, whose meaning depends on what E and V are."""

from __future__ import annotations

from typing import Any

from fissix.fixer_base import BaseFix
from fissix.fixer_util import Call, Comma, Name
from fissix.pytree import Node

from theanojax.legacy.python2 import RAISED


class FixRaise(BaseFix):
    """``raise E, V, T`` -> ``raise __python2_raised__(E, V, T)``"""

    BM_compatible = True
    PATTERN = "raise_stmt< 'raise' exc=any ',' val=any [',' tb=any] >"

    def transform(self, node: Any, results: dict[str, Any]) -> Any:
        """What takes the place of `node`."""
        parts: list[Any] = []
        for name in ("exc", "val", "tb"):
            if name in results:
                part = results[name].clone()
                part.prefix = " " if parts else ""
                parts += [Comma(), part] if parts else [part]
        return Node(self.syms.raise_stmt, [Name("raise"), Call(Name(RAISED), parts, prefix=" ")], prefix=node.prefix)
