"""A fixer of fissix for ``lambda a, (b, c): ...``: its own takes a pair that is the only parameter."""

from __future__ import annotations

from typing import Any

from fissix.fixes.fix_tuple_params import FixTupleParams


class FixLambda(FixTupleParams):
    """``lambda a, (b, c): b`` -> ``lambda a, b_c: b_c[0]``"""

    PATTERN = "lambdef< 'lambda' args=varargslist ':' any >"

    def transform(self, node: Any, results: dict[str, Any]) -> None:
        """Change `node`."""
        for pair in list(results["args"].children):
            if pair.type == self.syms.vfpdef:
                parts = {"args": pair, "inner": pair.children[1], "body": node.children[-1]}
                self.transform_lambda(node, parts)
