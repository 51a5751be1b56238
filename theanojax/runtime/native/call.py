"""Calls of nodes that are written in C."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from theanojax.config import config
from theanojax.errors import CompileError
from theanojax.graph.op import has_c_code
from theanojax.graph.variable import NoParams
from theanojax.runtime.native.compiler import GCC_compiler
from theanojax.runtime.native.loop import loop_node
from theanojax.runtime.native.modules import module_of
from theanojax.runtime.native.source import write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from theanojax.graph.variable import Apply, Variable

    Cell = list[Any]


class Built:
    """A node's compiled code.

    What its struct keeps between calls belongs to one call at a time: calls that overlap, in threads or because the
    code calls the function that it is part of, have one each.
    """

    def __init__(self, node: Apply) -> None:
        node.op.prepare_node(node, {}, {}, "c")
        source = write(node, GCC_compiler)
        try:
            self.module = module_of(source)
        except CompileError as error:
            raise CompileError("%s\nApply node: %s" % (error, node)) from None
        # by position: whoever keeps variables, keeps the node
        self.inputs = [node.inputs.index(v) for v in source.variables if v in node.inputs]
        self.readers = [_reader(node.inputs[i]) for i in self.inputs]
        params = node.run_params()
        self.params = None if params is NoParams else node.params_type.filter(params)
        self.idle: list[Any] = []

    def __call__(self, inputs: Sequence[Any], outputs: Sequence[Cell]) -> None:
        cells: list[Cell] = [[read(inputs[i])] for i, read in zip(self.inputs, self.readers)]
        try:
            struct = self.idle.pop()
        except IndexError:
            struct = self.module.make(self.params)
        try:
            self.module.run(struct, *cells, *outputs)
        finally:
            self.idle.append(struct)


_built: weakref.WeakKeyDictionary[Apply, Built] = weakref.WeakKeyDictionary()
# By identity: scalar Ops with other attributes may call themselves equal.
_loops: dict[int, dict[tuple[str, ...], Built]] = {}


def build(node: Apply) -> Built:
    """The compiled code of `node`.

    NotImplementedError if there is no C code for it, or no compiler; CompileError if that does not take it.
    """
    built = _built.get(node)
    if built is None:
        built = _built[node] = Built(node)
    return built


def can_build(node: Apply) -> bool:
    """Whether there is C code for `node`, and a compiler."""
    if not has_c_code(type(node.op)) or not config.cxx:
        return False
    try:
        build(node)
    except NotImplementedError:
        return False
    return True


def run(node: Apply, inputs: Sequence[Any], outputs: Sequence[Cell]) -> None:
    """Run `node` by its C code on values, into cells. What is in the cells may be overwritten."""
    build(node)(inputs, outputs)


def _reader(v: Variable) -> Callable[[Any], Any]:
    """What turns a value of `v` into the one that C code expects, where executors are less strict."""
    if hasattr(v.type, "numpy_dtype"):
        return partial(_array, v.type.numpy_dtype)
    if getattr(v.type, "gives_numbers", False):
        return partial(_number, np.dtype(v.type.dtype))  # type: ignore[attr-defined]
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _array(dtype: np.dtype[Any], value: Any) -> Any:
    if isinstance(value, np.ndarray):
        kind = value.dtype
        if (kind is dtype or kind.num == dtype.num and kind.isnative) and value.flags.aligned:
            return value
    elif not isinstance(value, np.generic):
        return value
    # a number, or long long in place of long; of another dtype than declared is for C code to say
    return np.array(value, dtype=dtype) if value.dtype.newbyteorder("=") == dtype else np.array(value)


def _number(dtype: np.dtype[Any], value: Any) -> Any:
    return np.asarray(value, dtype)[()] if isinstance(value, (np.ndarray, np.generic)) else value


# ---------------------------------------------------------------- scalar Ops
def build_loop(op: Any, dtypes: tuple[str, ...]) -> Built:
    """The code that applies the scalar Op `op` to arrays of these dtypes. Raises what `build` does."""
    loops = _loops.get(id(op))
    if loops is None:
        loops = _loops[id(op)] = {}
        weakref.finalize(op, _loops.pop, id(op), None).atexit = False
    if dtypes not in loops:
        loops[dtypes] = Built(loop_node(op, dtypes))
    return loops[dtypes]


def elementwise(op: Any, arrays: Sequence[Any], dtypes: Sequence[Any] | None = None) -> Any:
    """The scalar Op `op`, by its C code, for each element of arrays that broadcast, cast to `dtypes` if given.

    An array, or a tuple if there are several outputs.
    """
    arrays = [np.asarray(x, dtype) for x, dtype in zip(arrays, dtypes or [x.dtype for x in map(np.asarray, arrays)])]
    cells: list[Cell] = [[None] for _ in range(op.nout)]
    build_loop(op, tuple(str(x.dtype) for x in arrays))(arrays, cells)
    values = tuple(cell[0] for cell in cells)
    return values if len(values) > 1 else values[0]
