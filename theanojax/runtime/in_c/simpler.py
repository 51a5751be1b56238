"""What is known before a program runs is not computed, quotients by constants become products, rows that are written
only under a condition are not written otherwise, and large products are added where they are wanted.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from theanojax.runtime.in_c.flat import Block, Eqn, Var, needed
from theanojax.runtime.in_c.whole import is_large_product

REPEATED = frozenset(["broadcast_in_dim", "reshape", "squeeze", "expand_dims"])  # of one number


def simplified(block: Block) -> Block:
    """The same program in fewer operations; the last digit of a product of constants may differ."""
    work = _Simpler(block)
    for eqn in block.eqns:
        work.take(eqn)
    outs = [work.now(v) for v in block.outs]
    return Block(block.ins, needed(work.eqns, outs), outs)


class _Simpler:
    def __init__(self, block: Block) -> None:
        self.uses = Counter([v for eqn in block.eqns for v in eqn.ins] + block.outs)
        self.instead: dict[Var, Var] = {}
        self.made_by: dict[Var, Eqn] = {}
        self.eqns: list[Eqn] = []  # what is left

    def now(self, v: Var) -> Var:
        return self.instead.get(v, v)

    def take(self, eqn: Eqn) -> None:
        """Put down what is left of an operation."""
        eqn = Eqn(eqn.name, eqn.params, [self.now(v) for v in eqn.ins], eqn.outs, list(map(simplified, eqn.blocks)))
        if len(eqn.outs) == 1:
            same = self._same(eqn)
            if same is not None and (same.shape, same.dtype) == (eqn.out.shape, eqn.out.dtype):
                self.instead[eqn.out] = same
                self.uses[same] += self.uses[eqn.out] - 1
                return
            if eqn.name == "div" and eqn.out.dtype.kind == "f":
                eqn = self._quotient(eqn)
            elif eqn.name == "dynamic_update_slice":
                eqn = self._update(eqn)
            elif eqn.name == "cond":
                eqn = self._update_or_not(eqn)
            elif eqn.name in ("add", "add_any", "sub") and eqn.out.dtype.kind == "f":
                eqn = self._sum(eqn)
        self._add(eqn)

    def _add(self, eqn: Eqn) -> None:
        self.eqns.append(eqn)
        self.made_by.update((v, eqn) for v in eqn.outs)

    # ---------------------------------------------------------------- what is known
    def _made(self, v: Var, name: str) -> list[Var] | None:
        """The operands of the operation `name`, if `v` comes from one."""
        eqn = self.made_by.get(v)
        return eqn.ins if eqn is not None and eqn.name == name else None

    def number(self, v: Var) -> Any:
        """The number that all elements of `v` are, if it is known, else None."""
        while (eqn := self.made_by.get(v)) is not None and eqn.name in REPEATED:
            v = eqn.ins[0]
        return None if v.literal is None or v.size != 1 else np.asarray(v.literal).reshape(())[()]

    def _is_number(self, v: Var) -> Var | None:
        """The variable of which `v` says where it is no nan."""
        found = self._made(v, "eq")
        return found[0] if found is not None and found[0] is found[1] and found[0].dtype.kind == "f" else None

    def _same(self, eqn: Eqn) -> Var | None:
        """Another variable with the value of the first output."""
        if eqn.name == "convert_element_type":
            return eqn.ins[0]  # of another dtype most often, which is no use
        if eqn.name == "select_n" and len(eqn.ins) == 3:
            which, no, yes = eqn.ins
            if which.dtype.kind != "b":
                return None
            checked = self._is_number(which)
            known = self.number(which if checked is None else checked)
            if known is not None:
                chosen = bool(known) if checked is None else bool(known == known)
                return yes if chosen else no
        return None

    # ---------------------------------------------------------------- quotients
    def _quotient(self, eqn: Eqn) -> Eqn:
        above, below = self._plain(*eqn.ins)
        divisor = self.number(below)
        scaled = self._made(above, "mul")
        if divisor is not None and scaled is not None:
            for factor, v in (scaled, scaled[::-1]):
                known = self.number(factor)
                if known is not None:
                    with np.errstate(all="ignore"):
                        by = known / divisor
                    if _is_normal(by, eqn.out.dtype) and v.shape == eqn.out.shape:
                        return Eqn("mul", {}, [_literal(by, eqn.out), v], eqn.outs)
        return Eqn("div", eqn.params, [above, below], eqn.outs)

    def _plain(self, above: Var, below: Var) -> tuple[Var, Var]:
        """The operands of a quotient that says which nan it is to be, where it is one: C says numpy's by itself."""
        found = self._made(below, "select_n")
        if found is None or len(found) != 3:
            return above, below
        which, x, y = found
        if self._is_number(which) is not x:
            return above, below
        if above is x and (number := self.number(y)) is not None and number == number:
            return x, y
        other = self._made(above, "select_n")
        if other is not None and len(other) == 3 and other[1] is y and other[2] is x and self._is_number(other[0]) is y:
            return x, y
        return above, below

    # ---------------------------------------------------------------- products
    def _sum(self, eqn: Eqn) -> Eqn:
        """A sum or a difference, one term of which is a large product, or a number times that, and nobody else's."""
        first, second = eqn.ins
        sign = -1.0 if eqn.name == "sub" else 1.0
        for whole, term in ((first, second), (second, first))[: 1 if sign < 0 else 2]:
            scale, product = self._scaled(term)
            made = self.made_by.get(product)
            if made is None or made.name != "dot_general" or self.uses[product] != 1 or self.uses[term] != 1:
                continue
            _, (batch, _) = made.params["dimension_numbers"]
            if is_large_product(made) and not batch and whole.shape == product.shape == eqn.out.shape:
                params = {"dimension_numbers": made.params["dimension_numbers"], "scale": sign * scale}
                return Eqn("add_product", params, [whole, *made.ins], eqn.outs)
        return eqn

    def _scaled(self, v: Var) -> tuple[float, Var]:
        """`v` as a number times something."""
        factors = self._made(v, "mul")
        for factor, other in (factors, factors[::-1]) if factors is not None else ():
            known = self.number(factor)
            if known is not None and _is_normal(known, v.dtype):
                return float(known), other
        return 1.0, v

    # ---------------------------------------------------------------- rows
    def _bare(self, v: Var, resized: bool = False) -> Var:
        """What `v` is another shape of; if it may be `resized`, also a number that all its elements are."""
        while (eqn := self.made_by.get(v)) is not None and eqn.name in REPEATED:
            if eqn.ins[0].size != v.size and not (resized and eqn.ins[0].size == 1):
                break
            v = eqn.ins[0]
        return v

    def _update(self, eqn: Eqn) -> Eqn:
        """A part of an array that is written, where it is no more than what was there unless a condition holds."""
        whole, part, *starts = eqn.ins
        chosen = self._made(self._bare(part), "select_n")
        if chosen is None or len(chosen) != 3:
            return eqn
        which, no, yes = chosen
        condition = self._bare(which, True)
        old = self.made_by.get(self._bare(no))
        if condition.size != 1 or condition.dtype.kind != "b" or old is None or old.name != "dynamic_slice":
            return eqn
        if old.ins != [whole, *starts] or old.out.shape != part.shape:
            return eqn
        if yes.shape != part.shape:
            same = Var(part.shape, part.dtype)
            self._add(Eqn("reshape", {"new_sizes": part.shape, "dimensions": None}, [yes], [same]))
            yes = same
        return Eqn("update_slice_if", {}, [whole, yes, condition, *starts], eqn.outs)

    def _update_or_not(self, eqn: Eqn) -> Eqn:
        """A conditional that writes a part of an array or leaves it as it is."""
        number, *ins = eqn.ins
        which = self._made(number, "convert_element_type")
        if which is None or which[0].dtype.kind != "b":
            return eqn
        no, yes = eqn.blocks
        last = yes.eqns[-1] if yes.eqns else None
        if last is None or last.name != "dynamic_update_slice" or last.outs != yes.outs:
            return eqn
        if no.outs != [whole for whole, same in zip(no.ins, yes.ins) if same is last.ins[0]]:
            return eqn
        if any(e.out.size > 1 and e.name not in REPEATED for e in yes.eqns[:-1]):
            return eqn
        self.instead.update(zip(yes.ins, ins))
        for e in yes.eqns[:-1]:
            self.take(e)
        whole, part, *starts = map(self.now, last.ins)
        return Eqn("update_slice_if", {}, [whole, part, which[0], *starts], eqn.outs)


def _is_normal(value: Any, dtype: np.dtype[Any]) -> bool:
    info = np.finfo(dtype)
    return bool(info.tiny <= abs(value) <= info.max)


def _literal(value: Any, like: Var) -> Var:
    shape = (1,) * len(like.shape)
    return Var(shape, like.dtype, np.full(shape, value, like.dtype))
