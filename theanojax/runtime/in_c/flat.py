"""A jaxpr as C is written from it: calls inlined, what is computed twice computed once, what nobody reads left out."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from theanojax.runtime.in_c.types import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from theanojax.runtime.hints import Shape


class NotInC(Exception):
    """A program that is not written in C; says why."""


class Var:
    """A value: of a `shape` and `dtype`; `literal` is the number or array that it is, if that is known."""

    __slots__ = ("dtype", "literal", "shape")

    def __init__(self, shape: Shape, dtype: np.dtype[Any], literal: Any = None) -> None:
        self.shape, self.dtype, self.literal = tuple(shape), dtype, literal

    @property
    def size(self) -> int:
        return prod(self.shape)


class Eqn:
    """An operation. `blocks` are the programs that it runs: of loops (condition, body), of branches."""

    __slots__ = ("blocks", "ins", "name", "outs", "params")

    def __init__(
        self, name: str, params: dict[str, Any], ins: list[Var], outs: list[Var], blocks: Sequence[Block] = ()
    ) -> None:
        self.name, self.params, self.ins, self.outs, self.blocks = name, params, ins, outs, list(blocks)

    @property
    def out(self) -> Var:
        return self.outs[0]


class Block:
    """A program: from `ins` by `eqns`, in an order in which they may run, to `outs`."""

    __slots__ = ("eqns", "ins", "outs")

    def __init__(self, ins: list[Var], eqns: list[Eqn], outs: list[Var]) -> None:
        self.ins, self.eqns, self.outs = ins, eqns, outs


CALLS = ("jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "remat2", "checkpoint")
SAME = ("copy", "copy_p", "optimization_barrier", "sharding_constraint", "stop_gradient")
LOOPS = {"while": ("cond_jaxpr", "body_jaxpr"), "scan": ("jaxpr",)}


def _var(aval: Any) -> Var:
    try:
        dtype = np.dtype(aval.dtype)
    except (AttributeError, TypeError):
        raise NotInC("a value of the type %s" % (aval,)) from None
    if dtype.name not in TYPES:
        raise NotInC("a value of the dtype %s" % dtype)
    if not all(isinstance(n, int) for n in aval.shape):
        raise NotInC("a length that is not known")
    return Var(aval.shape, dtype)


def flattened(closed: ClosedJaxpr) -> Block:
    """The program of a jaxpr; NotInC if something in it is not written in C."""
    flat, jaxpr = _Flat(), closed.jaxpr
    ins = [flat.new(v) for v in jaxpr.invars]
    flat.run_closed(closed)
    outs = [flat.read(v) for v in jaxpr.outvars]
    return Block(ins, needed(flat.eqns, outs), outs)


def _platform(platforms: Sequence[Sequence[str] | None]) -> int:
    """Which of the branches for different platforms is that for a CPU."""
    for i, names in enumerate(platforms):
        if names is None or "cpu" in names:
            return i
    raise NotInC("no branch is for a CPU")


def needed(eqns: list[Eqn], outs: Iterable[Var]) -> list[Eqn]:
    """Those of the operations that somebody reads."""
    wanted = set(outs)
    kept = []
    for eqn in reversed(eqns):
        if wanted.intersection(eqn.outs):
            kept.append(eqn)
            wanted.update(eqn.ins)
    return kept[::-1]


class _Flat:
    def __init__(self) -> None:
        self.env: dict[Any, Var] = {}
        self.eqns: list[Eqn] = []
        self.known: dict[Any, list[Var]] = {}

    def new(self, v: Any) -> Var:
        var = self.env[v] = _var(v.aval)
        return var

    def read(self, v: Any) -> Var:
        if not isinstance(v, Literal):
            return self.env[v]
        return self.number(v.val, _var(v.aval))

    def number(self, value: Any, var: Var) -> Var:
        """`var`, or another one, which is this number."""
        key = "literal", var.dtype.name, repr(value)
        if key not in self.known:
            var.literal = np.asarray(value, var.dtype).reshape(())[()]
            self.known[key] = [var]
        return self.known[key][0]

    def run_closed(self, closed: ClosedJaxpr) -> None:
        for v, value in zip(closed.jaxpr.constvars, closed.consts):
            self.new(v).literal = np.asarray(value)
        self.run(closed.jaxpr)

    def run(self, jaxpr: Jaxpr) -> None:
        for eqn in jaxpr.eqns:
            name, ins = eqn.primitive.name, [self.read(v) for v in eqn.invars]
            if eqn.effects:
                raise NotInC("%s, which has effects" % name)
            if name in CALLS:
                outs = self._called(eqn.params, ins)
            elif name in SAME:
                outs = ins
            elif name == "platform_index":
                outs = [self.number(_platform(eqn.params["platforms"]), _var(eqn.outvars[0].aval))]
            else:
                outs = self._kept(name, eqn, ins)
            self.env.update(zip(eqn.outvars, outs))

    def _called(self, params: dict[str, Any], ins: list[Var]) -> list[Var]:
        inner = next((params[k] for k in ("jaxpr", "call_jaxpr", "fun_jaxpr") if k in params), None)
        if isinstance(inner, Jaxpr) and not inner.constvars:
            inner = ClosedJaxpr(inner, ())
        if not isinstance(inner, ClosedJaxpr):
            raise NotInC("a call of what cannot be seen")
        # a function called twice has the same variables: what is theirs now is of no use afterwards
        self.env.update(zip(inner.jaxpr.invars, ins))
        self.run_closed(inner)
        return [self.read(v) for v in inner.jaxpr.outvars]

    def _kept(self, name: str, eqn: Any, ins: list[Var]) -> list[Var]:
        if name in LOOPS:
            blocks = [flattened(eqn.params[k]) for k in LOOPS[name]]
        elif name == "cond":
            blocks = [flattened(b) for b in eqn.params["branches"]]
        else:
            blocks = []
        key = (
            None if blocks else (name, repr(sorted(eqn.params.items(), key=lambda item: item[0])), tuple(map(id, ins)))
        )
        if key is not None and key in self.known:
            return self.known[key]
        outs = [_var(v.aval) for v in eqn.outvars]
        self.eqns.append(Eqn(name, dict(eqn.params), ins, outs, blocks))
        if key is not None:
            self.known[key] = outs
        return outs
