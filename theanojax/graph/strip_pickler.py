"""Pickles without what only this process needs."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from theanojax.graph.tag import Scratchpad

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO, Any


class StripPickler(pickle.Pickler):
    """Leaves out of a pickle what only this process needs: where variables were made, and test values on demand."""

    def __init__(
        self, file: IO[bytes], protocol: int = 0, extra_tag_to_remove: str | Iterable[str] | None = None
    ) -> None:
        super().__init__(file, protocol)
        extra = [extra_tag_to_remove] if isinstance(extra_tag_to_remove, str) else list(extra_tag_to_remove or ())
        self.tag_to_remove = ["trace", "test_value", *extra]

    def reducer_override(self, obj: Any) -> Any:
        """Strip each tag on its way out."""
        if isinstance(obj, Scratchpad):
            for name in self.tag_to_remove:
                vars(obj).pop(name, None)
        return NotImplemented
