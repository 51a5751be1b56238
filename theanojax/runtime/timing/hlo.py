"""Which nodes the instructions of an executable belong to, read from the text of its scheduled HLO."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from theanojax.runtime.hints import Path, Paths
    from theanojax.runtime.timing.scopes import Scopes

    Users = dict[str, list[tuple["Instruction", int]]]

_HEAD = re.compile(r"^(?:ENTRY )?%?([\w.\-]+) \(.*\{$")
_INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%([\w.\-]+) = (?:\([^=]*?\)|\S+) ([\w\-]+)\(")
_OP_NAME = re.compile(r'op_name="([^"]*)"')
_CALLED = re.compile(r"(?:calls|to_apply|body|condition|true_computation|false_computation)=%?([\w.\-]+)")
_LISTS = re.compile(r"(?:branch_computations|called_computations|calls)=\{([^}]*)\}")
_NAME = re.compile(r"%([\w.\-]+)")
_NUMBER = re.compile(r"parameter\((\d+)\)")
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"')

# What XLA makes of several nodes at once, or of none, and computes nothing.
_IDLE = frozenset(("parameter", "constant", "tuple", "get-tuple-element", "bitcast", "broadcast", "iota"))
# Their results are what they were given, under another shape.
_RENAMING = frozenset(("bitcast", "reshape", "copy", "transpose"))
# What prepares data for the instruction that uses it.
_MOVING = _RENAMING | frozenset(
    ("broadcast", "concatenate", "convert", "dynamic-slice", "pad", "reduce-window", "reverse", "slice")
)
# The instructions in their computations run as events of their own.
_CONTROL = frozenset(("while", "conditional"))


class Instruction:
    __slots__ = ("called", "name", "number", "op_name", "opcode", "operands", "trips")

    def __init__(self, name: str, opcode: str, line: str) -> None:
        self.name, self.opcode = name, opcode
        found = _OP_NAME.search(line)
        self.op_name = found[1] if found else ""
        self.called: list[str] = _CALLED.findall(line)
        for names in _LISTS.findall(line):
            self.called += [n.strip().lstrip("%") for n in names.split(",")]
        operands = line.partition(" = ")[2].partition(", metadata=")[0]
        self.operands = [n for n in _NAME.findall(operands) if n not in self.called]
        found = _NUMBER.search(line) if opcode == "parameter" else None
        self.number = int(found[1]) if found else None
        found = _TRIPS.search(line)
        self.trips = int(found[1]) if found else None


def read(text: str) -> dict[str, list[Instruction]]:
    """name of a computation -> its Instructions, in order."""
    computations: dict[str, list[Instruction]] = {}
    current: list[Instruction] = []
    for line in text.splitlines():
        if not line.startswith(" "):
            head = _HEAD.match(line)
            if head:
                current = computations[head[1]] = []
            continue
        found = _INSTRUCTION.match(line)
        if found:
            current.append(Instruction(found[1], found[2], line))
    return computations


class Owners:
    """Whose the instructions of an executable are.

    Attributes
    ----------
    paths : name of an instruction -> set of tuples of nodes, from the outermost to the innermost; those of all that a
        fusion computes. XLA writes some instructions anew and forgets their names. Such a one is the node's whose
        name the new shape of its result has kept, or, if it only moves data or is the first half of a sum, that which
        uses it.
    containers : the instructions that run others.
    machinery : pairs (instruction, path) of what the steps of a loop do for the loop itself, for no node inside.
    trips : path of a loop -> its steps, where XLA knows them, or 0.
    per_step : the number of instructions in the bodies of loops.
    events : the instructions that a call runs, with one step of each loop whose number of steps XLA does not know.
    hidden : paths of the loops that XLA runs as one instruction each.
    """

    def __init__(self, text: str, scopes: Scopes) -> None:
        self.computations = read(text)
        self.scopes = scopes
        self._inside: dict[str, Paths] = {}
        self.paths: dict[str, Paths] = {}
        self.per_step = 0
        self.trips: dict[Path, int] = {}
        for body in self.computations.values():
            self._own(body)
        self.containers: set[str] = set()
        self.machinery: set[tuple[str, Path]] = set()
        for body in reversed(self.computations.values()):  # the outermost is the last
            for instruction in body:
                if instruction.opcode in _CONTROL or instruction.opcode == "call":
                    self.containers.add(instruction.name)
                if instruction.opcode in _CONTROL:
                    self._inherit(instruction)
                if instruction.opcode == "while":
                    for path in self.paths[instruction.name]:
                        self.trips[path] = instruction.trips or self.scopes.lengths.get(path, 0)
                    self.per_step += sum(len(self.computations.get(name, ())) for name in instruction.called)
        self.events = self._events(next(reversed(self.computations), ""))
        self.hidden = {
            path
            for body in self.computations.values()
            for instruction in body
            if instruction.opcode == "call" and any(map(self._loops, instruction.called))
            for path in self.paths[instruction.name]
        }
        del self.computations, self._inside  # profiles are kept for long

    def _loops(self, name: str) -> bool:
        """Whether a computation has a loop in it."""
        return any(
            instruction.opcode == "while" or any(map(self._loops, instruction.called))
            for instruction in self.computations.get(name, ())
        )

    def _events(self, name: str) -> int:
        found = 0
        for instruction in self.computations.get(name, ()):
            found += 1
            if instruction.opcode in _CONTROL:
                found += (instruction.trips or 1) * sum(map(self._events, instruction.called))
        return found

    def _inherit(self, container: Instruction) -> None:
        """What runs in the body of a loop is the loop's, also where it has no name or that of a node outside."""
        owners = self.paths[container.name]
        if len(owners) != 1:
            return
        (outer,) = owners
        for name in container.called:
            for instruction in self.computations.get(name, ()):
                paths = self.paths[instruction.name] or {()}
                self.paths[instruction.name] = frozenset(
                    path if path[: len(outer)] == outer else outer + path for path in paths
                )
                if outer in self.paths[instruction.name]:
                    self.machinery.add((instruction.name, outer))

    def _own(self, body: Sequence[Instruction]) -> None:
        users = self._users(body)
        for instruction in reversed(body):
            found = self._paths(instruction)
            if not found:
                kinds = self._kinds(instruction)
                uses = [use for user, at in users.get(instruction.name, ()) for use in self._uses(user, at)]
                if kinds <= _MOVING or all(renames for _, renames in uses):
                    given = {paths for paths, _ in uses}
                    if len(given) == 1:
                        found = given.pop()
            self.paths[instruction.name] = found

    @staticmethod
    def _users(body: Sequence[Instruction]) -> Users:
        """name of an instruction -> (instruction, position of the operand) of each use."""
        users: Users = {}
        for instruction in body:
            for at, name in enumerate(instruction.operands):
                users.setdefault(name, []).append((instruction, at))
        return users

    def _uses(self, user: Instruction, at: int) -> Iterator[tuple[Paths, bool]]:
        """(paths, whether it is the same value under another shape) of what in `user` reads its operand number `at`."""
        if user.opcode in ("fusion", "call") and user.called and user.called[0] in self.computations:
            body = self.computations[user.called[0]]
            users = self._users(body)
            names = [i.name for i in body if i.opcode == "parameter" and i.number == at]
            for name in names:
                for inner, place in users.get(name, ()):
                    yield from self._uses(inner, place)
            return
        renames = user.opcode in _RENAMING
        yield self.paths.get(user.name) or self._paths(user), renames

    def _kinds(self, instruction: Instruction) -> set[str]:
        """The opcodes of all that an instruction computes."""
        if instruction.opcode not in ("fusion", "call"):
            return {instruction.opcode} - _IDLE
        return {k for name in instruction.called for i in self.computations.get(name, ()) for k in self._kinds(i)}

    def _paths(self, instruction: Instruction) -> Paths:
        found: set[Path] = set()
        if instruction.op_name and instruction.opcode not in ("parameter", "constant"):
            path = self.scopes.path(instruction.op_name)
            if path:
                found.add(path)
        if instruction.opcode not in _CONTROL:
            for name in instruction.called:
                found |= self._of(name)
        return frozenset(found)

    def _of(self, name: str) -> Paths:
        """The paths of all that a fused computation does."""
        known = self._inside.get(name)
        if known is None:
            found: set[Path] = set()
            idle: set[Path] = set()
            for instruction in self.computations.get(name, ()):
                (idle if instruction.opcode in _IDLE else found).update(self._paths(instruction))
            known = self._inside[name] = frozenset(found or idle)
        return known
