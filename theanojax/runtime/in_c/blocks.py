"""A program as C: what is elementwise over arrays of one shape runs in one loop, all else has C of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from theanojax.runtime.in_c import through, views, whole
from theanojax.runtime.in_c.elements import ctype, element, is_elementwise
from theanojax.runtime.in_c.flat import NotInC
from theanojax.runtime.in_c.groups import SUMS, Group
from theanojax.runtime.in_c.places import Computed, Memory, Number, Place, contiguous

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from theanojax.runtime.in_c.flat import Block, Eqn, Var
    from theanojax.runtime.in_c.places import Index
    from theanojax.runtime.in_c.text import Text

ONE = ("0",) * 64


class Writer:
    """Writes a Block.

    Attributes
    ----------
    places : where the values are that have been computed.
    targets : memory in which outputs are wanted.
    owned : output -> name of its target where that is the memory of an input, which it may overwrite once nobody reads
        it any more. Before, it has memory of its own, from where whoever has the block written copies it.
    pending : the operations that have not been written.
    """

    def __init__(
        self,
        text: Text,
        block: Block,
        places: Mapping[Var, Place],
        targets: Mapping[Var, Memory] = {},
        owned: Mapping[Var, str] = {},
    ) -> None:
        self.text, self.block, self.places = text, block, dict(places)
        self.targets, self.owned = dict(targets), dict(owned)
        self.pending = list(block.eqns)
        self.mine: set[str] = set()  # names of memory that this block has asked for
        self.late, self.often = late_operations(block), gathered_once(block)

    # ---------------------------------------------------------------- places
    def known(self, v: Var) -> bool:
        return v.literal is not None or v in self.places

    def place(self, v: Var) -> Place:
        return self.text.constant(v) if v.literal is not None and v not in self.places else self.places[v]

    def ready(self, eqn: Eqn) -> bool:
        return all(map(self.known, eqn.ins))

    def read(self, v: Var) -> str:
        """A number."""
        return self.place(v).read(ONE[: len(v.shape)])

    def memory(self, v: Var) -> Memory:
        """New memory for a value, that of an output if it is one."""
        return self.targets[v] if v in self.targets and v not in self.owned else self.room(v)

    def room(self, v: Var) -> Memory:
        """New memory for something like `v`."""
        place = self.text.array(v)
        self.mine.add(place.base)
        return place

    def written(self, v: Var) -> Memory:
        """The value, in memory; written there if it is not."""
        place = self.place(v)
        if isinstance(place, Memory):
            return place
        to = self.room(v)
        self.text.copy(v, place, to)
        if v.literal is None:
            self.places[v] = to
        return to

    def set(self, v: Var, place: Place) -> None:
        self.places[v] = place

    # ---------------------------------------------------------------- in what order
    def write(self) -> None:
        """Write all operations."""
        while self.pending:
            for base in [b for b in self.mine if not self._is_read(b)]:
                self._release(base)
            if not (
                self._simple() or self._alone(False) or self._group(True) or self._alone(True) or self._group(False)
            ):
                raise NotInC("operations that cannot be put in order")

    def _release(self, base: str) -> None:
        self.mine.remove(base)
        self.text.release(base)

    def release(self) -> None:
        """Let all memory of this block be used again."""
        for base in list(self.mine):
            self._release(base)

    def _done(self, eqn: Eqn) -> None:
        self.pending.remove(eqn)

    def _simple(self) -> bool:
        """Write the numbers, and take note of the views, of what is known."""
        found = False
        for eqn in list(self.pending):
            if not self.ready(eqn):
                continue
            if len(eqn.outs) == 1 and eqn.out.size == 1 and self._number(eqn):
                found = True
                continue
            if eqn in self.late:
                self.set(eqn.out, late_place(eqn, [self.place(v) for v in eqn.ins]))
                self._done(eqn)
                found = True
                continue
            made = views.view(eqn, [self.place(v) for v in eqn.ins], self.text)
            if made is not None:
                if eqn in self.often:
                    self.places[eqn.out] = made[0]
                    self.written(eqn.out)
                    self._done(eqn)
                    found = True
                    continue
                for v, place in zip(eqn.outs, made):
                    self.set(v, Number(self.text.number(v, place.read(ONE[: len(v.shape)]))) if v.size == 1 else place)
                self._done(eqn)
                found = True
        return found

    def _number(self, eqn: Eqn) -> bool:
        if not (is_elementwise(eqn.name) or eqn.name in SUMS) or any(v.size != 1 for v in eqn.ins):
            return False
        args = [self.read(v) for v in eqn.ins]
        value = args[0] if eqn.name in SUMS else element(eqn, args)
        self.set(eqn.out, Number(self.text.number(eqn.out, value)))
        self._done(eqn)
        return True

    def _alone(self, overwriting: bool) -> bool:
        """Write one operation that has C of its own; those that may overwrite an operand come last."""
        found = [
            e for e in self.pending
            if not is_elementwise(e.name) and e.name not in SUMS and (e.name in whole.OVERWRITING) is overwriting
            and self.ready(e)
        ]  # fmt: skip
        if not found:
            return False
        eqn = next((e for e in found if overwriting and self.overwrites(e)), found[0])
        self._done(eqn)
        whole.write(self, eqn)
        return True

    def overwrites(self, eqn: Eqn) -> bool:
        """Whether an operation could write to the memory of its first operand by now."""
        at = self.pending.index(eqn)
        del self.pending[at]
        may = eqn.ins[0].literal is None and self.may_overwrite(eqn.ins[0], eqn.out)
        self.pending.insert(at, eqn)
        return may

    def _group(self, patient: bool) -> bool:
        """Write the elementwise operations and sums over one shape that can run by now, in one loop.

        Who is `patient` leaves out what may overwrite memory that others are going to read.
        """
        early = {e.out for e in self.pending if patient and self._is_early(e)}
        first = next((e for e in self.pending if self._fits(e, None, ()) and e.out not in early), None)
        if first is None:
            return False
        shape = _shape_of(first)
        members: list[Eqn] = []
        inside: set[Var] = set()
        for eqn in self.pending:
            if eqn.out not in early and self._fits(eqn, shape, inside):
                members.append(eqn)
                if eqn.name not in SUMS:
                    inside.add(eqn.out)
        for eqn in members:
            self._done(eqn)
        later = {v for e in self.pending for v in e.ins} | set(self.block.outs)
        straight = {e.out: s for e in members if e.out in inside if (s := through.found(self, e.out, members))}
        ways = Group(self, shape, members, inside, later, straight).write()
        for way in ways:
            self._done(way.eqn)
            whole.scatter(self, way.eqn, way.is_left)
            self.text.release(way.single.base)
            assert way.table.bases == self.place(way.eqn.out).bases, "the table itself was written to"
        return True

    def _is_early(self, eqn: Eqn) -> bool:
        """Whether an output that may overwrite memory had better wait for others to read that; not for elementwise
        operations over arrays of its shape, which can run in one loop with it.
        """
        base = self.owned.get(eqn.out)
        return base is not None and any(
            base in self.place(v).bases
            for e in self.pending
            if e is not eqn and not self._fits(e, eqn.out.shape, ())
            for v in e.ins
            if self.known(v)
        )

    def _fits(self, eqn: Eqn, shape: tuple[int, ...] | None, inside: Iterable[Var]) -> bool:
        if not (is_elementwise(eqn.name) or eqn.name in SUMS) or shape is not None and _shape_of(eqn) != shape:
            return False
        return all(self.known(v) or v in inside for v in eqn.ins)

    # ---------------------------------------------------------------- overwriting
    def may_overwrite(self, operand: Var, out: Var) -> bool:
        """Whether the memory of `operand`, which is known, can become that of `out`: nobody reads it any more."""
        place = self.place(operand)
        if not isinstance(place, Memory) or place.offset or place.strides != contiguous(operand.shape):
            return False
        if out in self.targets and self.targets[out].base != place.base:
            return False
        if place.base not in self.mine and self.owned.get(self.becomes(out)) != place.base:
            return False
        return not self._is_read(place.base)

    def in_place_of_operand(self, v: Var, members: Sequence[Eqn], inside: Container[Var]) -> Memory | None:
        """Where an output that may overwrite an input can be written element by element, as that is read."""
        base = self.owned.get(v)
        if base is None or v not in self.targets or self._is_read(base):
            return None
        for i, eqn in enumerate(members):
            for operand in eqn.ins:
                if operand in inside or base not in self.place(operand).bases:
                    continue
                place = self.place(operand)
                same = isinstance(place, Memory) and not place.offset and place.strides == contiguous(v.shape)
                if not same or any(e.out is v for e in members[:i]):
                    return None
        return self.targets[v]

    def _is_read(self, base: str) -> bool:
        """Whether somebody is going to read this memory."""
        if any(base in self.place(v).bases for v in self.block.outs if self.known(v)):
            return True
        return any(base in self.place(v).bases for e in self.pending for v in e.ins if self.known(v))

    def becomes(self, v: Var) -> Var:
        """The output that a value is turned into by operations that overwrite it, or itself."""
        while v not in self.owned:
            users = [e for e in self.pending if v in e.ins]
            if len(users) != 1 or users[0].name not in whole.OVERWRITING or users[0].ins[0] is not v:
                return v
            v = users[0].out
        return v

    def declare(self, v: Var) -> str:
        name = self.text.name("c")
        self.text.add("%s %s;" % (ctype(v.dtype), name))
        return name


def _shape_of(eqn: Eqn) -> tuple[int, ...]:
    return eqn.ins[0].shape if eqn.name in SUMS else eqn.out.shape


CHEAP = frozenset(
    ["add", "add_any", "sub", "mul", "neg", "div", "max", "min", "select_n", "convert_element_type", "square"]
)


def late_operations(block: Block) -> set[Eqn]:
    """The cheap elementwise operations that serve nothing but what is written to a part of an array.

    They have no loop and no memory: their elements are computed where they are written.
    """
    readers: dict[Var, list[Eqn]] = {}
    for eqn in block.eqns:
        for v in eqn.ins:
            readers.setdefault(v, []).append(eqn)
    late: set[Eqn] = set()
    for eqn in reversed(block.eqns):
        users = readers.get(eqn.out, [])
        if eqn.name not in CHEAP or len(users) != 1 or eqn.out in block.outs or eqn.out.size == 1:
            continue
        (user,) = users
        if user in late or user.name in whole.SCATTERED and user.ins[2] is eqn.out:
            late.add(eqn)
    return late


def gathered_once(block: Block) -> set[Eqn]:
    """The gathers of what is read more than once, which are put together in memory first."""
    uses = dict.fromkeys(block.outs, 1)
    often = set()
    for eqn in reversed(block.eqns):
        own = sum(uses.get(v, 0) for v in eqn.outs)
        if eqn.name == "gather" and own > 1 and eqn.out.size > 1:
            often.add(eqn)
        for v in eqn.ins:
            uses[v] = uses.get(v, 0) + (own if eqn.name in views.NAMES and eqn.name != "gather" else 1)
    return often


def late_place(eqn: Eqn, places: Sequence[Place]) -> Place:
    def read(index: Index) -> str:
        args = []
        for v, place in zip(eqn.ins, places):
            own = index if len(v.shape) == len(index) else ONE[: len(v.shape)]
            args.append(place.read([i if n > 1 else "0" for i, n in zip(own, v.shape)]))
        return element(eqn, args)

    return Computed(read, frozenset[str]().union(*[p.bases for p in places]))
