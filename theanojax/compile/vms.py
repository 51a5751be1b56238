"""Theano's virtual machines, which run the thunks that they are given: of ``theano.gof.vm`` and ``theano.gof.link``.

Functions are not run by these; ``VM_Linker.make_vm`` makes one, for whoever builds a linker of his own.
"""

import sys
import time

from theanojax.graph.tag import format_stack
from theanojax.graph.variable import Constant
from theanojax.runtime.blame import raise_with_op


def log_thunk_trace(value, f=sys.stderr):
    """Write to the file `f` where the Op was applied that the exception `value` comes from, if that is known."""
    for stack in getattr(value, "__thunk_trace__", None) or ():
        for line in format_stack(list(stack)).splitlines():
            print("log_thunk_trace: %s" % line.strip(), file=f)


def thunk_hook(type, value, trace):
    """An excepthook that calls `log_thunk_trace` before Python's own."""
    log_thunk_trace(value, sys.stderr)
    sys.__excepthook__(type, value, trace)


def map_storage(fgraph, order, input_storage, output_storage, storage_map=None):
    """(input cells, output cells, {variable: cell}): a cell, a list of one value, for each variable of a graph.

    Those in `input_storage`, `output_storage` and `storage_map` are used where given (not None), and the map is filled.
    ValueError if two are given for one variable, if there are too few, or if an input of a node comes from nowhere.
    """
    storage_map = {} if storage_map is None else storage_map
    inputs = [[None] for _ in fgraph.inputs] if input_storage is None else input_storage
    pairs = [*_paired(fgraph.inputs, inputs), *_paired(fgraph.outputs, output_storage)]
    for v, cell in pairs:
        if storage_map.setdefault(v, cell) is not cell:
            raise ValueError("two cells are given for one variable", v, storage_map[v], cell)
    for node in order:
        for v in node.inputs:
            if v not in storage_map and not isinstance(v, Constant):
                raise ValueError("nothing computes this input", v, node)
            storage_map.setdefault(v, [getattr(v, "data", None)])
        for v in node.outputs:
            storage_map.setdefault(v, [None])
    for v in fgraph.outputs:
        storage_map.setdefault(v, [getattr(v, "data", None)])
    outputs = [storage_map[v] for v in fgraph.outputs] if output_storage is None else output_storage
    return inputs, outputs, storage_map


def _paired(variables, cells):
    if cells is None:
        return []
    if len(cells) != len(variables):
        raise ValueError("%d cells are given for %d variables" % (len(cells), len(variables)))
    return list(zip(variables, cells))


def gc_helper(node_list):
    """(the set of all variables that the nodes compute, {variable: the last node that uses it})."""
    computed = {v for node in node_list for v in node.outputs}
    return computed, {v: node for node in node_list for v in node.inputs}


def add_clear_storage(f, computed, storage_map):
    """Give `f` a ``clear_storage()``, which forgets the values of the variables `computed`."""

    def clear_storage():
        for v in computed:
            storage_map[v][0] = None

    f.clear_storage = clear_storage


def streamline(fgraph, thunks, order, post_thunk_old_storage=None, no_recycling=None, nice_errors=True):
    """A function that runs `thunks`, those of the nodes `order`, one after the other.

    `post_thunk_old_storage` has for each thunk the cells to clear after it; those in `no_recycling` are cleared first.
    An error names its node, unless neither that list nor `nice_errors` is given. ValueError if lengths differ.
    """
    if not post_thunk_old_storage and nice_errors:
        return Loop(order, thunks, no_recycling or []).__call__
    if post_thunk_old_storage:
        return LoopGC(order, thunks, no_recycling or [], post_thunk_old_storage).__call__
    _same_length(thunks, order)

    def run():
        _clear(no_recycling or ())
        for thunk in thunks:
            thunk()

    return run


def _clear(cells):
    for cell in cells:
        cell[0] = None


def _same_length(first, *others):
    if any(len(other) != len(first) for other in others):
        raise ValueError("Length of thunks and order must match", tuple(map(len, (first, *others))))


class VM:
    """A program: calling it runs all that is asked for.

    Parameters
    ----------
    nodes, thunks : the nodes in an order that fits, and what runs each. ValueError if lengths differ.
    pre_call_clear : cells to clear before.

    Attributes
    ----------
    call_counts, call_times : for each thunk how often it was called, and how long it took, if `time_thunks` is true.
    need_update_inputs : True: whoever calls this moves updates from the output cells to those of the inputs.
    """

    need_update_inputs = True
    time_thunks = False

    def __init__(self, nodes, thunks, pre_call_clear):
        _same_length(thunks, nodes)
        self.nodes, self.thunks, self.pre_call_clear = nodes, thunks, pre_call_clear
        self.call_counts, self.call_times = [0] * len(nodes), [0.0] * len(nodes)

    def __call__(self):
        raise NotImplementedError("override me")

    def clear_storage(self):
        """Forget what is kept between calls, where a subclass or `add_clear_storage` can."""
        raise NotImplementedError("override me")

    def run(self, i):
        """Run thunk `i`, whose node is named if it fails."""
        start = time.perf_counter() if self.time_thunks else None
        try:
            found = self.thunks[i]()
        except Exception:
            raise_with_op(self.nodes[i], self.thunks[i], storage_map=getattr(self, "storage_map", None))
        if start is not None:
            self.call_counts[i] += 1
            self.call_times[i] += time.perf_counter() - start
        return found

    def update_profile(self, profile):
        """Add the times to the dicts of `profile`, and start again from zero."""
        for i, (node, thunk) in enumerate(zip(self.nodes, self.thunks)):
            profile.apply_time[node] = profile.apply_time.get(node, 0.0) + self.call_times[i]
            profile.apply_callcount[node] = profile.apply_callcount.get(node, 0) + self.call_counts[i]
            profile.apply_cimpl[node] = hasattr(thunk, "cthunk")
        self.call_counts, self.call_times = [0] * len(self.nodes), [0.0] * len(self.nodes)


class Loop(VM):
    """Runs every thunk in turn, and keeps all values."""

    allow_gc = False

    def __call__(self):
        _clear(self.pre_call_clear)
        for i in range(len(self.thunks)):
            self.run(i)


class LoopGC(VM):
    """Runs every thunk in turn, and clears `post_thunk_clear`, for each thunk a list of cells, after it."""

    allow_gc = True

    def __init__(self, nodes, thunks, pre_call_clear, post_thunk_clear):
        super().__init__(nodes, thunks, pre_call_clear)
        _same_length(thunks, post_thunk_clear)
        self.post_thunk_clear = post_thunk_clear

    def __call__(self):
        _clear(self.pre_call_clear)
        for i, cells in enumerate(self.post_thunk_clear):
            self.run(i)
            _clear(cells)


class Stack(VM):
    """Runs what the outputs need, and no more: a lazy thunk says which of its inputs it wants.

    Parameters
    ----------
    nodes, thunks, pre_call_clear : as of a VM.
    storage_map, compute_map : the cell of each variable, and one with whether it is computed.
    fgraph : the graph; the last `n_updates` of its outputs are updates.
    allow_gc : clear what nobody needs any more; ValueError without `dependencies`, see ``VM_Linker``.
    callback : called as ``callback(node=, thunk=, storage_map=, compute_map=)`` after each thunk.
    callback_input : called as ``callback_input(variable, value)`` for each variable that is given.

    A call takes `output_subset`, the positions of the outputs that are wanted besides updates, None being all.
    """

    def __init__(
        self,
        nodes,
        thunks,
        pre_call_clear,
        storage_map,
        compute_map,
        fgraph,
        allow_gc,
        n_updates,
        dependencies=None,
        callback=None,
        callback_input=None,
    ):
        super().__init__(nodes, thunks, pre_call_clear)
        if allow_gc and dependencies is None:
            raise ValueError("Must set dependencies when using GC")
        self.storage_map, self.compute_map, self.outputs = storage_map, compute_map, fgraph.outputs
        self.allow_gc, self.dependencies, self.n_updates = allow_gc, dependencies, n_updates
        self.callback, self.callback_input = callback, callback_input
        self.node_idx = {node: i for i, node in enumerate(nodes)}
        # In-place Ops run after whatever else uses what they overwrite.
        earlier = fgraph.orderings()
        self.needs = {n: [*n.inputs, *(v for e in earlier.get(n, ()) for v in e.outputs)] for n in nodes}

    def run_thunk_of_node(self, node):
        """(what the thunk of `node` returned, the seconds that it took)."""
        i, start = self.node_idx[node], time.perf_counter()
        found = self.run(i)
        seconds = max(time.perf_counter() - start, 1e-10)
        self.node_executed_order.append(node)
        if self.callback is not None:
            maps = {"storage_map": self.storage_map, "compute_map": self.compute_map}
            self.callback(node=node, thunk=self.thunks[i], **maps)
        return found, seconds

    def __call__(self, output_subset=None):
        computed = self.compute_map
        self.node_executed_order, self.node_cleared_order = [], []
        _clear(self.pre_call_clear)
        for v, cell in self.storage_map.items():
            computed[v][0] = v.owner is None
            if v.owner is None and self.callback_input is not None:
                self.callback_input(v, cell[0])
        wanted = range(len(self.outputs))
        if output_subset is not None:
            wanted = [*output_subset, *wanted[len(wanted) - self.n_updates :]]
        todo = [self.outputs[i].owner for i in wanted if self.outputs[i].owner is not None]
        while todo:
            node = todo[-1]
            missing = [] if all(computed[v][0] for v in node.outputs) else self._step(node)
            if missing:
                todo += missing
            else:
                todo.pop()
        if self.allow_gc:
            for v, cell in self.storage_map.items():
                if v.owner is not None and v not in self.outputs:
                    cell[0] = None

    def _step(self, node):
        """Run the thunk of `node`; the nodes that have to run before, if there are some."""
        computed = self.compute_map
        if getattr(self.thunks[self.node_idx[node]], "lazy", False):
            missing, _ = self.run_thunk_of_node(node)
            if missing:
                return [node.inputs[i].owner for i in missing]
        else:
            missing = [v.owner for v in self.needs[node] if not computed[v][0]]
            if missing:
                return missing
            self.run_thunk_of_node(node)
        for v in node.outputs:
            computed[v][0] = True
        if self.allow_gc:
            self.node_cleared_order.append([i for i, v in enumerate(node.inputs) if self._is_done(v)])
            _clear([self.storage_map[node.inputs[i]] for i in self.node_cleared_order[-1]])
        return []

    def _is_done(self, v):
        users = self.dependencies[v]
        return v.owner is not None and v not in self.outputs and users and all(self.compute_map[u][0] for u in users)
