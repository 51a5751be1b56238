"""The host executor: the graph walked node by node with numpy, exactly as Theano's Python VM did.

It is lazy where an Op asks for it (``thunk.lazy``), runs any Op, and blames errors on their node. The XLA
executor replays failed calls here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from theanojax.graph.cells import on_device
from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.locks import compiling
from theanojax.graph.op import Op
from theanojax.graph.variable import Constant
from theanojax.runtime.blame import named_in_warnings, raise_with_op, require_arrays, warns_of_floats
from theanojax.runtime.parallel.processes import gathered

if TYPE_CHECKING:
    from theanojax.graph.variable import Apply, Variable
    from theanojax.runtime.hints import ComputeMap, NumpyArray, Storage, StorageMap, Thunk, Value
    from theanojax.runtime.timing.call import Recorder


def to_host(value: Value) -> Value:
    """A device array as a (read-only, shared) numpy array, all of it; anything else as it is."""
    return np.asarray(gathered(value)) if on_device(value) else value


class HostExecutor:
    """Runs a graph with numpy.

    Parameters
    ----------
    fgraph : FunctionGraph, or a pair (inputs, outputs)
    callback : called as ``callback(index, node, thunk)`` after each node, for checking modes.
    own : whether outputs that share memory with an input, a constant or another output are copied; or what does that,
        a function of the output and the input values.
    overwritten : dict from input positions to the variables whose values the caller's arrays shall hold afterwards.

    Calling it with a list of input values gives the list of output values. Calls that overlap, in threads or because
    an Op calls the function it is part of, have each their own twin of the executor, with cells of its own.
    """

    reentrant = True
    recorder: Recorder | None = None  # timing.call.Recorder, if nodes have to be timed
    originals: dict[Apply, Apply] = {}  # node -> the one that it was copied from, for whoever is told of its time

    def __init__(
        self,
        fgraph: FunctionGraph | tuple[Sequence[Variable], Sequence[Variable]],
        callback: Callable[[int, Apply, Thunk], object] | None = None,
        allow_gc: bool = True,
        own: bool | Callable[[Sequence[Value], Sequence[Value]], list[Value]] = True,
        overwritten: dict[int, Variable] | None = None,
    ) -> None:
        if not isinstance(fgraph, FunctionGraph):
            fgraph = FunctionGraph(*fgraph, clone=True)
        self.fgraph, self.callback, self.allow_gc, self.own = fgraph, callback, allow_gc, own
        self.overwritten = overwritten or {}
        self.storage_map: StorageMap = {}
        self.compute_map: ComputeMap = {}
        self._built = False
        self._idle = [self]  # the twins that no call uses
        self._clean = True  # whether the cells hold nothing of a call

    # ---------------------------------------------------------------- building
    def _twin(self) -> HostExecutor:
        twin = copy(self)
        twin.storage_map, twin.compute_map, twin._built, twin._clean = {}, {}, False, True
        return twin

    def _build(self) -> None:
        storage, computed = self.storage_map, self.compute_map
        fgraph = self.fgraph
        order = self.schedule()
        for v in list(fgraph.inputs) + list(fgraph.outputs) + [u for n in order for u in n.inputs + n.outputs]:
            if v not in storage:
                storage[v] = [v.data if isinstance(v, Constant) else None]
                computed[v] = [isinstance(v, Constant)]
        for v in fgraph.inputs:
            computed[v][0] = True
        self._order = order
        self._thunks = [self._thunk(n) for n in order]
        if warns_of_floats():
            self._thunks = [named_in_warnings(t, n) for t, n in zip(self._thunks, order)]
        if self.recorder is not None:
            self._thunks = [self.recorder.timed(self.originals.get(n, n), t) for n, t in zip(order, self._thunks)]
        self._lazy = any(getattr(t, "lazy", False) for t in self._thunks)
        self._input_cells = [storage[v] for v in fgraph.inputs]
        self._output_cells = [storage[v] for v in fgraph.outputs]
        kept = [*fgraph.inputs, *fgraph.outputs, *self.overwritten.values()]
        self._kept = {id(storage[v]) for v in kept}
        self._temporary = [storage[v] for n in order for v in n.outputs]
        self._flags = [computed[v] for n in order for v in n.outputs]
        self._dead = self._dead_after() if self.allow_gc and not self._lazy else None
        self._position = {n: i for i, n in enumerate(order)}
        self._built = True  # all of it: a signal may have ended an earlier attempt anywhere

    def watch(self, recorder: Recorder | None) -> None:
        """Have `recorder` told how long each node takes; None ends it."""
        self.recorder = recorder
        if self.reentrant:
            self._idle = [self._twin()]  # calls that go on keep theirs
        else:
            self._built = False

    def schedule(self) -> Sequence[Apply]:
        """The nodes in the order in which they run."""
        order: list[Apply] = self.fgraph.toposort()
        return order

    def _thunk(self, node: Apply) -> Thunk:
        storage, computed = self.storage_map, self.compute_map
        op = node.op
        thunk: Any  # a function, which has attributes
        if type(op).make_thunk is Op.make_thunk and not getattr(op, "destroy_map", None):
            thunk = op.make_py_thunk(node, storage, computed, [])
        elif type(op).make_thunk is Op.make_thunk:
            thunk = _protecting_thunk(node, storage, computed)
        else:
            op.prepare_node(node, storage, computed, "py")
            thunk = op.make_thunk(node, storage, computed, [], impl="py")
        if not hasattr(thunk, "inputs"):
            thunk.inputs = [storage[v] for v in node.inputs]
            thunk.outputs = [storage[v] for v in node.outputs]
        whole: Thunk = thunk
        return whole

    def _dead_after(self) -> list[list[Storage]]:
        last: dict[int, tuple[int, Storage]] = {}
        for i, node in enumerate(self._order):
            for v in node.inputs + node.outputs:
                cell = self.storage_map[v]
                if id(cell) not in self._kept and not isinstance(v, Constant):
                    last[id(cell)] = (i, cell)
        dead: list[list[Storage]] = [[] for _ in self._order]
        for i, cell in last.values():
            dead[i].append(cell)
        return dead

    # ---------------------------------------------------------------- running
    def __call__(self, values: Sequence[Value]) -> list[Value]:
        try:
            twin = self._idle.pop()
        except IndexError:
            twin = self._twin()
        try:
            return twin._run(values)
        finally:
            if twin._clean:  # else it was interrupted twice
                self._idle.append(twin)

    def _run(self, values: Sequence[Value]) -> list[Value]:
        if not self._built:
            with compiling.lock:
                self._build()
        self._clean = False
        values = [to_host(v) for v in values]
        for cell, value in zip(self._input_cells, values):
            cell[0] = value
        for flag in self._flags:
            flag[0] = False
        incomplete = any(v is None for v in values)  # numpy would take a missing array for nan
        try:
            if self._lazy:
                self._run_lazily(incomplete)
            else:
                self._run_in_order(incomplete)
            outputs = [c[0] for c in self._output_cells]
            for i, v in self.overwritten.items():
                result = self.storage_map[v][0]
                if result is not None and getattr(getattr(values[i], "flags", None), "writeable", False):
                    np.copyto(values[i], result)
            return self._own(outputs, values) if self.own else outputs
        finally:
            for cell in self._temporary:
                cell[0] = None
            for cell in self._input_cells:
                cell[0] = None
            self._clean = True

    def _run_in_order(self, incomplete: bool) -> None:
        thunk = node = None
        dead, callback = self._dead, self.callback
        try:
            for i, (thunk, node) in enumerate(zip(self._thunks, self._order)):
                if incomplete:
                    require_arrays(node, thunk)
                thunk()
                if callback is not None:
                    callback(i, node, thunk)
                if dead is not None:
                    for cell in dead[i]:
                        cell[0] = None
        except Exception:
            if node is None:
                raise
            raise_with_op(node, thunk, storage_map=self.storage_map)

    def _run_lazily(self, incomplete: bool) -> None:
        computed = self.compute_map
        thunk = node = None
        try:
            for out in self.fgraph.outputs:
                stack = [out.owner] if out.owner is not None and not computed[out][0] else []
                while stack:
                    node = stack[-1]
                    if all(computed[v][0] for v in node.outputs):
                        stack.pop()
                        continue
                    i = self._position[node]
                    thunk = self._thunks[i]
                    lazy = getattr(thunk, "lazy", False)
                    needed = [] if lazy else [v for v in node.inputs if not computed[v][0]]
                    if not needed:
                        if incomplete and not lazy:
                            require_arrays(node, thunk)
                        asked = thunk()
                        if lazy:
                            needed = [node.inputs[k] for k in asked or ()]
                        if self.callback is not None:
                            self.callback(i, node, thunk)
                    if needed:
                        stack.extend(_producer(v) for v in needed)
                        continue
                    for v in node.outputs:
                        computed[v][0] = True
                    stack.pop()
        except Exception:
            if node is None:
                raise
            raise_with_op(node, thunk, storage_map=self.storage_map)

    def _own(self, outputs: Sequence[Value], inputs: Sequence[Value]) -> list[Value]:
        """Copies of the outputs that are views of something the caller or the graph keeps."""
        if callable(self.own):
            return self.own(outputs, inputs)
        foreign = [v for v in inputs if isinstance(v, np.ndarray)]
        foreign += [v.data for v in self.storage_map if isinstance(v, Constant) and isinstance(v.data, np.ndarray)]
        return [
            detached(value, foreign, hasattr(var.type, "broadcastable"))
            for var, value in zip(self.fgraph.outputs, outputs)
        ]


def detached(value: Value, foreign: list[NumpyArray], as_array: bool) -> Value:
    """`value`, or a copy if it shares memory with one of the arrays `foreign`, which it is then added to.

    A number is made an array if `as_array`.
    """
    if as_array and isinstance(value, np.generic):
        value = np.asarray(value)
    if isinstance(value, np.ndarray):
        if any(np.may_share_memory(value, f) for f in foreign) or not value.flags.writeable:
            value = value.copy()
        foreign.append(value)
    return value


def _producer(v: Variable) -> Apply:
    node: Apply | None = v.owner
    assert node is not None, "a graph has no variable that is neither given nor computed"
    return node


def _protecting_thunk(node: Apply, storage_map: StorageMap, compute_map: ComputeMap) -> Thunk:
    """A thunk for an Op that overwrites its inputs: it works on copies, so that nobody else is affected."""
    destroyed = {i for ins in node.op.destroy_map.values() for i in ins}
    cells = [storage_map[v] for v in node.inputs]
    outs = [storage_map[v] for v in node.outputs]

    def thunk() -> None:
        values = [copied(c[0]) if i in destroyed else c[0] for i, c in enumerate(cells)]
        node.perform(values, outs)
        for v in node.outputs:
            compute_map[v][0] = True

    return as_thunk(thunk, cells, outs)


def as_thunk(run: Callable[[], None], inputs: Sequence[Storage], outputs: Sequence[Storage]) -> Thunk:
    """The function `run`, with the attributes of a thunk."""
    function: Any = run
    function.inputs, function.outputs, function.lazy = inputs, outputs, False
    thunk: Thunk = function
    return thunk


def copied(value: Value) -> Value:
    """A copy of a value of any type."""
    return value.copy() if hasattr(value, "copy") else deepcopy(value)


def run_graph(
    inputs: Sequence[Variable], outputs: Variable | list[Variable] | tuple[Variable, ...], values: Sequence[Value]
) -> Value:
    """The values of `outputs` for the given values of `inputs`, by the host executor."""
    values = [v.type.filter(x, allow_downcast=True) for v, x in zip(inputs, values)]
    if isinstance(outputs, (list, tuple)):
        return HostExecutor((list(inputs), list(outputs)))(values)
    return HostExecutor((list(inputs), [outputs]))(values)[0]
