"""Names for the nodes of a graph inside XLA: each is traced in a named scope, which XLA's instructions keep."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import jax

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from theanojax.graph.variable import Apply
    from theanojax.runtime.hints import Path

LONGEST = 60  # characters of an Op's name in a scope
_LABEL = re.compile(r"(.*)\[(\d+)\]$")


class Scopes:
    """Numbers the nodes of a stage, those of the bodies of its loops after them, and reads their names back."""

    def __init__(self, nodes: Iterable[Apply]) -> None:
        self.nodes = list(nodes)
        self.numbers = {node: i for i, node in enumerate(self.nodes)}
        self.lengths: dict[Path, int] = {}  # path of a loop -> its steps, where they are known when it is traced
        self._under_way: list[Apply] = []

    @contextmanager
    def around(self, node: Apply) -> Iterator[None]:
        """The context in which `node` is traced."""
        number = self.numbers.get(node)
        if number is None:
            number = self.numbers[node] = len(self.nodes)
            self.nodes.append(node)
        self._under_way.append(node)
        try:
            with jax.named_scope("%s[%d]" % (_text(node), number)):
                yield
        finally:
            self._under_way.pop()

    def note_length(self, steps: int) -> None:
        """Take note that the loop that is being traced does so many steps."""
        self.lengths[tuple(dict.fromkeys(self._under_way))] = steps

    def path(self, op_name: str) -> Path:
        """The nodes, from the outermost to the innermost, that an instruction with this `op_name` belongs to."""
        found = []
        for part in op_name.split("/"):
            match = _LABEL.match(part)
            if match and int(match[2]) < len(self.nodes):
                node = self.nodes[int(match[2])]
                if _text(node) == match[1]:  # else it is somebody else's name
                    found.append(node)
        return tuple(dict.fromkeys(found))


def _text(node: Apply) -> str:
    return re.sub(r'[/@\\"\s\[\]]', "_", str(node.op))[:LONGEST]
