"""A fixer of fissix for ``raise E, V, T`` in a program that is to stay in Python 3: plain expressions."""

from __future__ import annotations

from typing import Any

from fissix.fixer_util import Attr, Name
from fissix.fixes.fix_raise import FixRaise
from fissix.pytree import Node


class FixModernRaise(FixRaise):
    """``raise E, V, T`` -> ``raise E(V).with_traceback(T)``; ``raise V.with_traceback(T)`` where V must be an error."""

    PATTERN = "raise_stmt< 'raise' exc=any [',' val=any [',' tb=any]] >"

    def transform(self, node: Any, results: dict[str, Any]) -> Any:
        """What takes the place of `node`."""
        value, kind = str(results.get("val", "")).strip(), str(results["exc"]).strip()
        is_class = kind.rpartition(".")[2][:1].isupper()
        if value == "None" and "tb" not in results:
            return Node(self.syms.raise_stmt, [Name("raise"), results["exc"].clone()], prefix=node.prefix)
        if "tb" in results and not is_class and "(" not in kind and value not in ("", "None"):
            error, traceback = results["val"].clone(), results["tb"].clone()
            error.prefix, traceback.prefix = " ", ""
            call = [*Attr(error, Name("with_traceback")), Name(f"({traceback})")]
            return Node(self.syms.raise_stmt, [Name("raise"), *call], prefix=node.prefix)
        if value in self.caught:
            self.warning(node, f"if {value} is a {kind} already, it is to be raised as it is")
        return super().transform(node, results)

    def start_tree(self, tree: Any, filename: str) -> None:
        """Note the names that errors are caught by."""
        super().start_tree(tree, filename)
        self.caught = {
            str(clause.children[3]).strip()
            for clause in tree.pre_order()
            if clause.type == self.syms.except_clause and len(clause.children) > 3
        }
