"""Loops and branches in C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from theanojax.runtime.in_c import whole
from theanojax.runtime.in_c.blocks import Writer
from theanojax.runtime.in_c.elements import ctype
from theanojax.runtime.in_c.flat import NotInC
from theanojax.runtime.in_c.places import Memory, Number, contiguous

if TYPE_CHECKING:
    from collections.abc import Sequence

    from theanojax.runtime.in_c.flat import Block, Eqn, Var
    from theanojax.runtime.in_c.places import Place


class Carry:
    """What a loop hands from step to step: numbers in variables of C, arrays in memory that it alone writes to."""

    def __init__(self, writer: Writer, given: Sequence[Var], first: Sequence[Var], results: Sequence[Var]) -> None:
        self.text = writer.text
        self.places: list[Place] = []
        read = [base for v in (*given, *first) for base in writer.place(v).bases]
        for v, result in zip(first, results):
            if v.size == 1:
                name = self.text.name("c")
                self.text.add("%s %s = %s;" % (ctype(v.dtype), name, writer.read(v)))
                self.places.append(Number(name))
            elif v.literal is None and self._is_free(writer, v, result, read):
                self.places.append(writer.place(v))
            else:
                to = writer.memory(result)
                self.text.copy(v, writer.place(v), to)
                self.places.append(to)

    @staticmethod
    def _is_free(writer: Writer, v: Var, result: Var, read: list[str]) -> bool:
        """Whether the memory of a first value can be that of the loop: nothing else is read from it."""
        bases = writer.place(v).bases
        return (
            result not in writer.targets and writer.may_overwrite(v, result) and all(read.count(b) == 1 for b in bases)
        )

    def step(self, block: Block, places: dict[Var, Place], ins: Sequence[Var], outs: Sequence[Var]) -> Writer:
        """Write a step, which reads what is at `places`, too; its Writer knows where all else is."""
        places = {**places, **dict(zip(ins, self.places))}
        targets: dict[Var, Memory] = {}
        owned: dict[Var, str] = {}
        for v, place in zip(outs, self.places):
            if isinstance(place, Memory) and v.literal is None and v not in block.ins and outs.count(v) == 1:
                targets[v], owned[v] = place, place.base
        inner = Writer(self.text, block, places, targets, owned)
        inner.write()
        return inner

    def hand_on(self, inner: Writer, ins: Sequence[Var], outs: Sequence[Var]) -> None:
        """Put the new values where the old ones were, once all of them are computed."""
        moves: list[tuple[str, str]] = []
        copies: list[tuple[Var, Memory, Memory]] = []
        for old, new, place in zip(ins, outs, self.places):
            if old is new:
                continue
            if isinstance(place, Number):
                value = inner.read(new)
                if any(isinstance(p, Number) and p.text == value for p in self.places):
                    value = self.text.number(new, value)
                moves.append((place.text, value))
                continue
            assert isinstance(place, Memory)
            found = inner.place(new)
            if isinstance(found, Memory) and found.base == place.base and found.strides == place.strides:
                if not found.offset:
                    continue
            if not (isinstance(found, Memory) and found.base in inner.mine):
                held = inner.room(new)
                self.text.copy(new, found, held)
                found = held
            copies.append((new, found, place))
        for v, source, to in copies:
            self.text.copy(v, source, to)
        for name, value in moves:
            self.text.add("%s = %s;" % (name, value))
        inner.release()


def _known(writer: Writer, inner: Sequence[Var], outer: Sequence[Var]) -> dict[Var, Place]:
    return {v: writer.place(u) for v, u in zip(inner, outer)}


def _while(writer: Writer, eqn: Eqn) -> None:
    condition, body = eqn.blocks
    if condition.outs[0].shape:
        raise NotInC("a loop of several conditions")
    n, m = eqn.params["cond_nconsts"], eqn.params["body_nconsts"]
    first = eqn.ins[n + m :]
    tested, given = _known(writer, condition.ins[:n], eqn.ins[:n]), _known(writer, body.ins[:m], eqn.ins[n : n + m])
    carry = Carry(writer, eqn.ins[: n + m], first, eqn.outs)
    with writer.text.block("for (;;)"):
        test = Writer(writer.text, condition, {**tested, **dict(zip(condition.ins[n:], carry.places))})
        test.write()
        writer.text.add("if (!%s) break;" % test.read(condition.outs[0]))
        test.release()
        carry.hand_on(carry.step(body, given, body.ins[m:], body.outs), body.ins[m:], body.outs)
    for v, place in zip(eqn.outs, carry.places):
        writer.set(v, place)


def _consts_and_carry(params: dict[str, Any]) -> tuple[int, int]:
    """How many inputs of a scan are the same in all steps, and how many pass from step to step."""
    if "num_consts" in params:
        return params["num_consts"], params["num_carry"]
    consts, carry, _ = map(list, params["ft_in"].unpack())  # of jax 0.12
    return len(consts), len(carry)


def _scan(writer: Writer, eqn: Eqn) -> None:
    (body,), params, text = eqn.blocks, eqn.params, writer.text
    (n, m), length = _consts_and_carry(params), params["length"]
    given = _known(writer, body.ins[:n], eqn.ins[:n])
    rows = {v: writer.place(v) if v.size == 1 else writer.written(v) for v in eqn.ins[n + m :]}
    carry = Carry(writer, eqn.ins[:n] + eqn.ins[n + m :], eqn.ins[n : n + m], eqn.outs[:m])
    ys = [writer.memory(v) for v in eqn.outs[m:]]
    i = text.steps(length)
    at = i
    if params["reverse"]:
        at = text.name("s")
        text.add("const int64_t %s = %d - %s;" % (at, length - 1, i))
    for v, u in zip(body.ins[n + m :], eqn.ins[n + m :]):
        place = rows[u]
        if isinstance(place, Memory):
            step = place.strides[0]
            place = place.moved(place.strides[1:], "%s*%d" % (at, step) if step else "")
        given[v] = place
    inner = carry.step(body, given, body.ins[n : n + m], body.outs[:m])
    for v, to in zip(body.outs[m:], ys):
        part = Memory(to.base, contiguous(v.shape), "%s*%d" % (at, v.size))
        text.copy(v, inner.place(v), part)
    carry.hand_on(inner, body.ins[n : n + m], body.outs[:m])
    text.end()
    for v, place in zip(eqn.outs, [*carry.places, *ys]):
        writer.set(v, place)


def _cond(writer: Writer, eqn: Eqn) -> None:
    text, (which, *ins) = writer.text, eqn.ins
    results: list[Place] = [Number(writer.declare(v)) if v.size == 1 else writer.memory(v) for v in eqn.outs]
    last = len(eqn.blocks) - 1
    with text.block("switch (within((int64_t)%s, %d))" % (writer.read(which), last)):
        for i, block in enumerate(eqn.blocks):
            with text.block("case %d:" % i if i < last else "default:"):
                inner = Writer(text, block, _known(writer, block.ins, ins))
                inner.write()
                for v, place in zip(block.outs, results):
                    if isinstance(place, Number):
                        text.add("%s = %s;" % (place.text, inner.read(v)))
                    else:
                        assert isinstance(place, Memory)
                        text.copy(v, inner.place(v), place)
                text.add("break;")
                inner.release()
    for v, place in zip(eqn.outs, results):
        writer.set(v, place)


whole.WAYS.update({"while": _while, "scan": _scan, "cond": _cond})
