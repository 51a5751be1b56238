"""A fixer of fissix for numbers: its own leaves ``0777L`` as ``0777``."""

from __future__ import annotations

from typing import Any

from fissix.fixes.fix_numliterals import FixNumliterals


class FixNumbers(FixNumliterals):
    """``0777L`` -> ``0o777``"""

    def transform(self, node: Any, results: Any) -> Any:
        """What takes the place of `node`."""
        number = super().transform(node, results)
        return super().transform(number, results) or number if self.is_octal(number) else number
