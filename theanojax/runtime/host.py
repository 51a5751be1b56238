"""The host executor: the graph walked node by node with numpy, exactly as Theano's Python VM did.

It is lazy where an Op asks for it (``thunk.lazy``), runs any Op, and blames errors on their node. The XLA
executor replays failed calls here.
"""

from copy import copy, deepcopy

import numpy as np

from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.locks import compiling
from theanojax.graph.op import Op
from theanojax.graph.variable import Constant
from theanojax.runtime.blame import raise_with_op, require_arrays


def to_host(value):
    """A device array as a (read-only, shared) numpy array; anything else as it is."""
    # asked of the class, because a jax array computes this property; jax itself need not be loaded
    return np.asarray(value) if hasattr(type(value), "addressable_shards") else value


class HostExecutor:
    """Runs a graph with numpy.

    Parameters
    ----------
    fgraph : FunctionGraph, or a pair (inputs, outputs)
    callback : called as ``callback(index, node, thunk)`` after each node, for checking modes.
    own : whether outputs that share memory with an input, a constant or another output are copied.
    overwritten : dict from input positions to the variables whose values the caller's arrays shall hold afterwards.

    Calling it with a list of input values gives the list of output values. Calls that overlap, in threads or because
    an Op calls the function it is part of, have each their own twin of the executor, with cells of its own.
    """

    reentrant = True

    def __init__(self, fgraph, callback=None, allow_gc=True, own=True, overwritten=None):
        if not isinstance(fgraph, FunctionGraph):
            fgraph = FunctionGraph(*fgraph, clone=True)
        self.fgraph, self.callback, self.allow_gc, self.own = fgraph, callback, allow_gc, own
        self.overwritten = overwritten or {}
        self.storage_map = {}
        self.compute_map = {}
        self._thunks = None
        self._idle = [self]  # the twins that no call uses
        self._clean = True  # whether the cells hold nothing of a call

    # ---------------------------------------------------------------- building
    def _twin(self):
        twin = copy(self)
        twin.storage_map, twin.compute_map, twin._thunks, twin._clean = {}, {}, None, True
        return twin

    def _build(self):
        storage, computed = self.storage_map, self.compute_map
        fgraph = self.fgraph
        order = self.schedule()
        for v in list(fgraph.inputs) + list(fgraph.outputs) + [u for n in order for u in n.inputs + n.outputs]:
            if v not in storage:
                known = isinstance(v, Constant)
                storage[v] = [v.data if known else None]
                computed[v] = [known]
        for v in fgraph.inputs:
            computed[v][0] = True
        self._order = order
        self._thunks = [self._thunk(n) for n in order]
        self._lazy = any(getattr(t, "lazy", False) for t in self._thunks)
        self._input_cells = [storage[v] for v in fgraph.inputs]
        self._output_cells = [storage[v] for v in fgraph.outputs]
        kept = [*fgraph.inputs, *fgraph.outputs, *self.overwritten.values()]
        self._kept = {id(storage[v]) for v in kept}
        self._temporary = [storage[v] for n in order for v in n.outputs]
        self._flags = [computed[v] for n in order for v in n.outputs]
        self._dead = self._dead_after() if self.allow_gc and not self._lazy else None
        self._position = {n: i for i, n in enumerate(order)}

    def schedule(self):
        """The nodes in the order in which they run."""
        return self.fgraph.toposort()

    def _thunk(self, node):
        storage, computed = self.storage_map, self.compute_map
        op = node.op
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
        return thunk

    def _dead_after(self):
        last = {}
        for i, node in enumerate(self._order):
            for v in node.inputs + node.outputs:
                cell = self.storage_map[v]
                if id(cell) not in self._kept and not isinstance(v, Constant):
                    last[id(cell)] = (i, cell)
        dead = [[] for _ in self._order]
        for i, cell in last.values():
            dead[i].append(cell)
        return dead

    # ---------------------------------------------------------------- running
    def __call__(self, values):
        try:
            twin = self._idle.pop()
        except IndexError:
            twin = self._twin()
        try:
            return twin._run(values)
        finally:
            if twin._clean:  # else it was interrupted twice
                self._idle.append(twin)

    def _run(self, values):
        if self._thunks is None:
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

    def _run_in_order(self, incomplete):
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
            raise_with_op(node, thunk, storage_map=self.storage_map)

    def _run_lazily(self, incomplete):
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
                        stack.extend(v.owner for v in needed)
                        continue
                    for v in node.outputs:
                        computed[v][0] = True
                    stack.pop()
        except Exception:
            raise_with_op(node, thunk, storage_map=self.storage_map)

    def _own(self, outputs, inputs):
        """Copies of the outputs that are views of something the caller or the graph keeps."""
        foreign = [v for v in inputs if isinstance(v, np.ndarray)]
        foreign += [v.data for v in self.storage_map if isinstance(v, Constant) and isinstance(v.data, np.ndarray)]
        result = []
        for var, value in zip(self.fgraph.outputs, outputs):
            if isinstance(value, np.generic) and hasattr(var.type, "broadcastable"):
                value = np.asarray(value)
            if isinstance(value, np.ndarray):
                if any(np.may_share_memory(value, f) for f in foreign) or not value.flags.writeable:
                    value = value.copy()
                foreign.append(value)
            result.append(value)
        return result


def _protecting_thunk(node, storage_map, compute_map):
    """A thunk for an Op that overwrites its inputs: it works on copies, so that nobody else is affected."""
    destroyed = {i for ins in node.op.destroy_map.values() for i in ins}
    cells = [storage_map[v] for v in node.inputs]
    outs = [storage_map[v] for v in node.outputs]

    def thunk():
        values = [_copy(c[0]) if i in destroyed else c[0] for i, c in enumerate(cells)]
        node.perform(values, outs)
        for v in node.outputs:
            compute_map[v][0] = True

    thunk.inputs, thunk.outputs, thunk.lazy = cells, outs, False
    return thunk


def _copy(value):
    return value.copy() if hasattr(value, "copy") else deepcopy(value)


def run_graph(inputs, outputs, values):
    """The values of `outputs` for the given values of `inputs`, by the host executor."""
    single = not isinstance(outputs, (list, tuple))
    values = [v.type.filter(x, allow_downcast=True) for v, x in zip(inputs, values)]
    result = HostExecutor((list(inputs), [outputs] if single else list(outputs)))(values)
    return result[0] if single else result
