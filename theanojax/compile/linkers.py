"""Linkers: how a rewritten graph becomes something that runs.

Two things can run a graph, the host executor and the XLA executor of ``runtime``. The linkers, which have Theano's
names and protocol (``accept``, then ``make_thunk``), choose between them:

- PerformLinker and VM_Linker with ``c_thunks=False`` or a callback: the host executor;
- CLinker, OpWiseCLinker and other VM_Linkers: the XLA executor;
- WrapLinker runs the nodes one by one under the control of a function.
"""

from copy import copy, deepcopy

import numpy as np

from theanojax.compile.vms import Loop, LoopGC, Stack
from theanojax.config import config
from theanojax.errors import MethodNotDefined
from theanojax.graph.cells import commit, take
from theanojax.graph.container import Container
from theanojax.graph.locks import Group
from theanojax.graph.variable import Constant
from theanojax.runtime import make_executor
from theanojax.runtime.blame import raise_with_op
from theanojax.runtime.host import HostExecutor
from theanojax.runtime.planning.programs import Remark

undef = object()
ON_HOST = Remark("host: numpy runs every node")


class Program:
    """A graph that is ready to run: the ``fn`` of a compiled function.

    Calling it runs the graph on what the input cells hold, stores updates in the cells of their inputs and results
    in the output cells, and returns the list of all outputs. ``call(values, cells)`` is what functions use: from the
    input values it gives the outputs but for the updates, which are put into `cells` in one step.
    """

    need_update_inputs = False

    def __init__(self, fgraph, executor, input_cells, output_cells, updates, allow_gc=True):
        self.fgraph, self.executor = fgraph, executor
        if hasattr(executor, "call"):
            self.call = executor.call
        # What keeps the values of a call in itself does one call after the other.
        self._group = None if getattr(executor, "reentrant", False) else Group()
        self.input_cells, self.output_cells = input_cells, output_cells
        if hasattr(executor, "take_from"):
            executor.take_from(input_cells)
        self.updates = updates  # pairs (output position, input position)
        self.allow_gc = allow_gc

    def call(self, values, cells):
        outputs = self.executor(values) if self._group is None else self._group.alone(lambda: self.executor(values))
        n = len(outputs) - len(cells)
        commit(cells, outputs[n:])
        return outputs[:n]

    def watch(self, recorder):
        """Have `recorder`, a timing.call.Recorder, told where the time of calls goes; None ends it."""
        watch = getattr(self.executor, "watch", None)
        if watch is not None:
            watch(recorder)

    def __call__(self, n_calls=1, output_subset=None):
        cells, outputs = [self.input_cells[i] for _, i in self.updates], []
        for _ in range(max(n_calls or 1, 1)):
            outputs = list(self.call(take(self.input_cells), cells)) + take(cells)
        for cell, value in zip(self.output_cells, outputs):
            cell[0] = value
        return outputs

    nodes = property(lambda self: self.fgraph.toposort())
    plan = property(
        lambda self: getattr(self.executor, "plan", ON_HOST),
        doc="""
        How the graph runs: its stages, where and why, what fixes shapes, whose buffers are given away;
        ``print(f.fn.plan)`` shows it.""",
    )
    traced = property(
        lambda self: getattr(self.executor, "traced", []),
        doc="""
        What XLA runs of the graph, for the shapes that calls have had: a list of Traced, which have a `jaxpr` and
        ``lower()``, whose result has ``as_text()`` and ``compile()``, whose result has `memory` and `cost`.""",
    )

    @property
    def storage_map(self):
        """The cells by variable: inputs, outputs and constants. Values in between have no place of their own."""
        cells = {v: [v.data] for v in self.fgraph.variables if isinstance(v, Constant)}
        cells.update(zip(self.fgraph.outputs, self.output_cells))
        cells.update(zip(self.fgraph.inputs, self.input_cells))
        return cells


class Linker:
    """Base of all linkers. ``accept(fgraph)`` ties one to a graph, ``make_thunk`` gives what runs it."""

    def clone(self, allow_gc=undef):
        """A linker like this one, with another `allow_gc` if given."""
        twin = copy(self)
        if allow_gc is not undef and hasattr(twin, "allow_gc"):
            twin.allow_gc = allow_gc
        return twin

    def make_thunk(self, input_storage=None, output_storage=None, storage_map=None):
        """(a callable without arguments, the input containers, the output containers)."""
        raise MethodNotDefined.of(self, "make_thunk")

    def make_function(self, unpack_single=True, **kwargs):
        """The graph as a function of input values; a graph with one output gives its value, not a list."""
        run, arguments, results = self.make_thunk(**kwargs)

        def execute(*args):
            if len(args) != len(arguments):
                raise TypeError(
                    "Function call takes exactly %i %s (%i given)"
                    % (len(arguments), "arguments" if len(arguments) > 1 else "argument", len(args))
                )
            for arg, cell in zip(args, arguments):
                cell.data = arg
            run()
            values = [cell.data for cell in results]
            return values[0] if unpack_single and len(values) == 1 else values

        execute.thunk, execute.inputs, execute.outputs = run, arguments, results
        return execute

    def schedule(self, fgraph):
        return fgraph.toposort()


class LocalLinker(Linker):
    """Base of linkers that keep one thunk for each node; ``make_all`` also returns thunks and nodes."""

    def make_thunk(self, input_storage=None, output_storage=None, storage_map=None):
        return self.make_all(input_storage=input_storage, output_storage=output_storage, storage_map=storage_map)[:3]

    def make_all(self, input_storage, output_storage, storage_map=None):
        raise MethodNotDefined.of(self, "make_all")


class NodeRunner(HostExecutor):
    """A host executor on given cells, whose thunks are there to be called one by one."""

    def __init__(self, fgraph, input_storage=None, output_storage=None, storage_map=None, order=None):
        super().__init__(fgraph, allow_gc=False)
        if order is not None:
            self.schedule = lambda: order
        given = dict(storage_map or {})
        given.update(zip(fgraph.outputs, output_storage or ()))
        given.update(zip(fgraph.inputs, input_storage or ()))
        self.storage_map.update(given)
        self.compute_map.update((v, [v.owner is None]) for v in given)
        self._build()
        self.thunks, self.order = self._thunks, self._order

    def run_in_cells(self):
        """Run every node on what the input cells hold."""
        done = 0
        try:
            for thunk in self.thunks:
                thunk()
                done += 1
        except Exception:
            raise_with_op(self.order[done], self.thunks[done], storage_map=self.storage_map)


def overwritten_inputs(fgraph, updated):
    """Position of each input that in-place Ops overwrite -> the variable that its memory holds in the end.

    The positions in `updated` are left out: those get a new value anyway.
    """
    heirs = {}
    for node in fgraph.apply_nodes:
        for o, destroyed in getattr(node.op, "destroy_map", {}).items():
            heirs.update((node.inputs[i], node.outputs[o]) for i in destroyed)
    found = {}
    for i, v in enumerate(fgraph.inputs):
        if v in heirs and i not in updated:
            while v in heirs:
                v = heirs[v]
            found[i] = v
    return found


class ExecutorLinker(LocalLinker):
    """A linker for one of the runtime's executors, `backend`: 'py' is the host's."""

    backend = "cvm"

    def __init__(self, allow_gc=None, schedule=None):
        self.fgraph, self.updated_vars = None, {}
        self.allow_gc = config.allow_gc if allow_gc is None else allow_gc
        if schedule:
            self.schedule = schedule

    def accept(self, fgraph, no_recycling=None, profile=None):
        """This linker, or a copy if it has a graph already, tied to `fgraph`."""
        linker = self if self.fgraph is None or self.fgraph is fgraph else self.clone()
        linker.fgraph, linker.no_recycling, linker.profile = fgraph, no_recycling or [], profile
        return linker

    def accept_var_updates(self, updated_vars):
        """Take note of which inputs (keys) get which outputs (values) as their next values."""
        self.updated_vars = updated_vars

    def make_thunk(self, input_storage=None, output_storage=None, storage_map=None):
        fgraph = self.fgraph
        updates = self._update_pairs()
        ins = [[None] for _ in fgraph.inputs] if input_storage is None else input_storage
        outs = [[None] for _ in fgraph.outputs] if output_storage is None else output_storage
        program = Program(fgraph, self.make_executor(updates), ins, outs, updates, self.allow_gc)
        return (
            program,
            [Container(v, cell) for v, cell in zip(fgraph.inputs, ins)],
            [Container(v, cell, True) for v, cell in zip(fgraph.outputs, outs)],
        )

    def _update_pairs(self):
        # Updates are the last outputs, in the order of their inputs.
        fgraph = self.fgraph
        targets = [i for i, v in enumerate(fgraph.inputs) if v in self.updated_vars]
        first = len(fgraph.outputs) - len(targets)
        return [(first + k, i) for k, i in enumerate(targets)]

    def make_executor(self, updates):
        overwritten = overwritten_inputs(self.fgraph, {i for _, i in updates})
        if overwritten:  # only the host can write into the caller's arrays
            return HostExecutor(self.fgraph, overwritten=overwritten)
        return make_executor(self.fgraph, self.backend, updates)

    def make_all(self, input_storage=None, output_storage=None, storage_map=None):
        """(run all, input containers, output containers, thunks, nodes); thunks always run on the host."""
        fgraph = self.fgraph
        runner = NodeRunner(fgraph, input_storage, output_storage, storage_map, self.schedule(fgraph))
        cells = runner.storage_map

        def run():
            runner.run_in_cells()

        run.allow_gc, run.storage_map, run.nodes, run.thunks = self.allow_gc, cells, runner.order, runner.thunks
        return (
            run,
            [Container(v, cells[v]) for v in fgraph.inputs],
            [Container(v, cells[v], True) for v in fgraph.outputs],
            runner.thunks,
            runner.order,
        )

    def __getstate__(self):
        return dict(self.__dict__, fgraph=None, no_recycling=[], profile=None, updated_vars={})


class PerformLinker(ExecutorLinker):
    """Runs the graph on the host, node by node, with numpy."""

    backend = "py"


class CLinker(ExecutorLinker):
    """Compiles the graph with XLA."""

    backend = "c"

    def __init__(self, schedule=None):
        super().__init__(None, schedule)

    def make_thunk(self, input_storage=None, output_storage=None, storage_map=None, keep_lock=False):
        """As of each linker; `keep_lock` was about the folder of compiled code, and means nothing."""
        return super().make_thunk(input_storage, output_storage, storage_map)


class OpWiseCLinker(ExecutorLinker):
    """Compiles the graph with XLA; Ops without XLA form run on the host in between."""

    backend = "c|py"

    def __init__(self, fallback_on_perform=True, allow_gc=None, nice_errors=True, schedule=None):
        super().__init__(allow_gc, schedule)
        self.fallback_on_perform, self.nice_errors = fallback_on_perform, nice_errors

    def make_all(self, profiler=None, input_storage=None, output_storage=None, storage_map=None):
        """As of each linker; `profiler` means nothing."""
        return super().make_all(input_storage, output_storage, storage_map)


class VM_Linker(ExecutorLinker):
    """The linker of the predefined modes.

    Parameters
    ----------
    callback : called as ``callback(node=, thunk=, storage_map=, compute_map=)`` after each node.
    callback_input : called as ``callback_input(variable, value)`` for each input before the first node.
    c_thunks : False runs the graph on the host, as do callbacks.
    allow_gc, use_cloop, lazy, schedule, allow_partial_eval : accepted; the executors need no advice.
    """

    def __init__(
        self,
        allow_gc=None,
        use_cloop=False,
        callback=None,
        callback_input=None,
        lazy=None,
        schedule=None,
        c_thunks=None,
        allow_partial_eval=None,
    ):
        super().__init__(allow_gc, schedule)
        self.use_cloop, self.lazy, self.allow_partial_eval = use_cloop, lazy, allow_partial_eval
        self.callback, self.callback_input = callback, callback_input
        self.c_thunks = c_thunks

    @property
    def shows_nodes(self):
        """Whether a function of the user sees each node."""
        return self.callback is not None

    @property
    def backend(self):
        if self.c_thunks is False:
            return "py"
        return "cvm" if self.use_cloop else "vm"

    def make_all(self, profiler=None, input_storage=None, output_storage=None, storage_map=None):
        """As of each linker; `profiler` means nothing."""
        return super().make_all(input_storage, output_storage, storage_map)

    def compute_gc_dependencies(self, variables):
        """{variable: those that are computed from it directly}: once these are, nobody needs it any more."""
        users = {v: v.clients if v.owner is not None else [] for v in variables}
        return {v: [o for node, _ in clients if node != "output" for o in node.outputs] for v, clients in users.items()}

    def make_vm(
        self,
        nodes,
        thunks,
        input_storage,
        output_storage,
        storage_map,
        post_thunk_clear,
        computed,
        compute_map,
        updated_vars,
    ):
        """A ``vms.VM`` that runs `thunks`: a Stack where something is lazy, watched or asked for, else a Loop."""
        clear = [storage_map[v] for v in self.no_recycling]
        lazy = config.vm.lazy if self.lazy is None else self.lazy
        if lazy is None:
            lazy = any(getattr(thunk, "lazy", False) for thunk in thunks)
        if not (lazy or self.callback or self.callback_input or self.allow_partial_eval):
            return LoopGC(nodes, thunks, clear, post_thunk_clear) if self.allow_gc else Loop(nodes, thunks, clear)
        return Stack(
            nodes,
            thunks,
            clear,
            storage_map,
            compute_map,
            self.fgraph,
            self.allow_gc,
            len(updated_vars),
            self.compute_gc_dependencies(storage_map),
            self.callback,
            self.callback_input,
        )

    def make_executor(self, updates):
        if self.callback is None and self.callback_input is None:
            return super().make_executor(updates)
        return _WatchedExecutor(self.fgraph, self.callback, self.callback_input)


class _WatchedExecutor(HostExecutor):
    """A host executor that shows Theano's VM callbacks each input and each node."""

    reentrant = False

    def __init__(self, fgraph, callback, callback_input):
        super().__init__(fgraph)
        self.input_callback = callback_input
        if callback is not None:
            self.callback = lambda i, node, thunk: callback(
                node=node, thunk=thunk, storage_map=self.storage_map, compute_map=self.compute_map
            )

    def __call__(self, values):
        if self.input_callback is not None:
            for v, value in zip(self.fgraph.inputs, values):
                self.input_callback(v, value)
        return super().__call__(values)


def default_checker(x, y):
    """Raise unless `x` and `y` are equal."""
    if x[0] is not y[0] and not np.array_equal(x[0], y[0], equal_nan=np.asarray(x[0]).dtype.kind in "fc"):
        raise Exception("Output mismatch.", {"performlinker": x[0], "clinker": y[0]})


class DualLinker(ExecutorLinker):
    """Runs the graph on both executors; ``checker(host cell, XLA cell)`` compares each output."""

    def __init__(self, checker=default_checker, schedule=None):
        super().__init__(None, schedule)
        self.checker = checker

    def make_executor(self, updates):
        host, xla = make_executor(self.fgraph, "py", updates), make_executor(self.fgraph, "c", updates)

        def run_both(values):
            wanted = host(deepcopy(values))
            for mine, theirs in zip(wanted, xla(values)):
                self.checker([mine], [theirs])
            return wanted

        return run_both


class WrapLinker(Linker):
    """Runs the nodes of a graph through a function of the user.

    Parameters
    ----------
    linkers : list of LocalLinkers; each provides a thunk for every node, on cells of its own. The outputs are
        those of the first.
    wrapper : called as ``wrapper(index, node, thunk of the first linker, ...)`` for each node in turn. It has to
        call the thunks itself.
    """

    shows_nodes = True

    def __init__(self, linkers, wrapper):
        self.fgraph, self.linkers, self.wrapper = None, linkers, wrapper

    def __copy__(self):
        twin = self.__class__.__new__(self.__class__)
        twin.__dict__.update(self.__dict__, linkers=[copy(linker) for linker in self.linkers])
        return twin

    def clone(self, allow_gc=undef):
        twin = copy(self)
        twin.linkers = [linker.clone(allow_gc=allow_gc) for linker in self.linkers]
        return twin

    def accept(self, fgraph, no_recycling=None, profile=None):
        linker = self if self.fgraph is None or self.fgraph is fgraph else copy(self)
        linker.fgraph, linker.no_recycling = fgraph, no_recycling or []
        linker.linkers = [sub.accept(fgraph, no_recycling) for sub in linker.linkers]
        return linker

    def pre(self, f, inputs, order, thunk_groups):
        """Called before the first node; for subclasses."""

    def make_thunk(self, **kwargs):
        parts = [self.linkers[0].make_all(**kwargs)] + [linker.make_all() for linker in self.linkers[1:]]
        _, input_lists, output_lists, thunk_lists, orders = zip(*parts)
        order = orders[0]
        for other in orders[1:]:
            if list(other) != list(order):
                raise Exception("All linkers to WrapLinker should execute operations in the same order.")
        inputs, groups = input_lists[0], list(zip(*thunk_lists))
        wrapper, plain = self.wrapper, list(groups)

        def watch(recorder):
            """Have `recorder`, of a profile, told how long the first thunk of each node takes; None ends it."""
            groups[:] = plain
            if recorder is not None:
                groups[:] = [(recorder.timed(node, first), *rest) for node, (first, *rest) in zip(order, plain)]

        def f():
            for others in input_lists[1:]:
                for mine, its in zip(inputs, others):
                    its.storage[0] = deepcopy(mine.storage[0])
            self.pre(f, [cell.data for cell in inputs], order, groups)
            node = thunks = None
            try:
                for i, (thunks, node) in enumerate(zip(groups, order)):
                    wrapper(i, node, *thunks)
            except Exception:
                raise_with_op(node, thunks[0])

        f.thunk_groups, f.watch = groups, watch
        f.allow_gc = True
        return f, inputs, output_lists[0]


def WrapLinkerMany(linkers, wrappers):
    """A WrapLinker that calls each of `wrappers` in turn for every node."""

    def wrapper(*args):
        for f in wrappers:
            f(*args)

    return WrapLinker(linkers, wrapper)
