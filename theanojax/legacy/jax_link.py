"""Theano-PyMC's way to JAX, on which every graph runs here; `theanojax.to_jax` gives the function of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theanojax.compile.linkers import OpWiseCLinker
from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.op import Op
from theanojax.graph.traverse import clone
from theanojax.interop.to_jax import to_jax
from theanojax.tensor.type import TensorType


class JAXLinker(OpWiseCLinker):
    """The linker that most modes have, under Theano-PyMC's name. Outputs are numpy arrays."""

    allow_non_jax = True


def jax_funcify(what: Any) -> Any:
    """JAX functions of a FunctionGraph, a list with one for each output, of its inputs; or a JAX function of an Op.

    NotImplementedError for anything else.
    """
    if isinstance(what, FunctionGraph):
        inputs, outputs = clone(what.inputs, what.outputs)
        return [to_jax(out, inputs) for out in outputs]
    if isinstance(what, Op):
        return lambda *args: _applied(what, args)
    raise NotImplementedError(f"No JAX conversion for the given `Op`: {what}")


def _applied(op: Op, args: tuple) -> Any:
    variables = [TensorType(str(a.dtype), [n == 1 for n in a.shape])() for a in args]
    return to_jax(op(*variables), variables)(*args)


def _register(kind: type, make: Callable | None = None) -> Any:
    """Have Ops of the class `kind` computed by ``make(op)``, a function of JAX arrays; a decorator without `make`."""
    if make is None:
        return lambda make: _register(kind, make)

    def lower_xla(self: Any, ctx: Any, node: Any, *inputs: Any) -> Any:
        out = make(self)(*inputs)
        return tuple(out) if isinstance(out, list) else out

    kind.lower_xla = lower_xla
    return make


jax_funcify.register = _register
