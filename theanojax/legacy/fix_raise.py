"""A fixer of fissix for ``raise E, V`` and ``raise E, V, T``, whose meaning depends on what E and V are."""

from __future__ import annotations

import re
from typing import Any

from fissix.fixer_base import BaseFix
from fissix.fixer_util import Call, Comma, Name
from fissix.pgen2 import token
from fissix.pytree import Node

from theanojax.legacy.python2 import RAISED


class FixRaise(BaseFix):
    """``raise E, V, T`` -> ``raise __python2_raised__(E, V, T)``; of a text alone, ``raise E(V)``."""

    BM_compatible = True
    PATTERN = "raise_stmt< 'raise' exc=any ',' val=any [',' tb=any] >"

    def transform(self, node: Any, results: dict[str, Any]) -> Any:
        """What takes the place of `node`."""
        message, is_class = results["val"].clone(), re.fullmatch(r"(\w+\.)*[A-Z]\w*", str(results["exc"]).strip())
        if "tb" not in results and is_class and self._is_text(message):
            message.prefix = ""
            call = Call(results["exc"].clone(), [message])  # which notebooks show
            return Node(self.syms.raise_stmt, [Name("raise"), call], prefix=node.prefix)
        parts: list[Any] = []
        for name in ("exc", "val", "tb"):
            if name in results:
                part = results[name].clone()
                part.prefix = " " if parts else ""
                parts += [Comma(), part] if parts else [part]
        return Node(self.syms.raise_stmt, [Name("raise"), Call(Name(RAISED), parts, prefix=" ")], prefix=node.prefix)

    def _is_text(self, value: Any) -> bool:
        """Whether `value` is a string, or made of one by ``%``: a tuple would be several arguments."""
        text = value.type == self.syms.term and str(value.children[1]).strip() == "%" and value.children[0]
        return (text or value).type == token.STRING
