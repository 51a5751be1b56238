"""The operations of an executable by which devices tell each other something."""

from __future__ import annotations

import re

_OPERATIONS = "all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute|collective-broadcast"
_LINE = re.compile(r"= (?P<type>\(.*?\)|\S+) (?P<name>%s)(-start)?\(" % _OPERATIONS)
_ARRAY = re.compile(r"(?P<kind>pred|[a-z]+(?P<bits>\d+)\w*)\[(?P<shape>[\d,]*)\]")


def found_in(text: str) -> list[tuple[str, str, int]]:
    """A list of (operation, shapes of its result, bytes of these) from HLO as text."""
    found = []
    for line in text.splitlines():
        match = _LINE.search(line)
        if match is not None:
            arrays = list(_ARRAY.finditer(match["type"]))
            shapes = ", ".join("%s[%s]" % (a["kind"], a["shape"]) for a in arrays)
            found.append((match["name"], shapes, sum(map(_bytes, arrays))))
    return found


def _bytes(array: re.Match[str]) -> int:
    count = 1
    for length in array["shape"].split(","):
        count *= int(length or 1)
    return count * (int(array["bits"]) if array["bits"] else 8) // 8
