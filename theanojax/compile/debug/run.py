"""Running a graph the way DebugMode does: every version of every variable, each node twice, everything compared."""

import io
import itertools
import logging
from copy import deepcopy

import numpy as np

from theanojax.compile.debug.errors import BadDestroyMap, BadOptimization, BadThunkOutput, BadViewMap, InvalidValueError
from theanojax.config import config
from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.op import Op
from theanojax.graph.traverse import io_toposort
from theanojax.graph.variable import Constant
from theanojax.printing.debug import print_tree
from theanojax.runtime import make_executor, native
from theanojax.runtime.blame import add_text, raise_with_op
from theanojax.runtime.host import to_host

logger = logging.getLogger("theano.compile.debugmode")


def check_eq(var, val1, val2):
    """Whether two values of `var` are the same up to rounding, by ``var.tag.values_eq_approx`` or by its type."""
    compare = getattr(var.tag, "values_eq_approx", None) or var.type.values_eq_approx
    return bool(compare(val1, val2))


class VariableTracker:
    """A feature that remembers which variable a rewrite replaced by which, and why.

    ``events`` are the changes as text, to compare two runs of the rewriter; ``replacements`` are tuples (old
    variable, new variable, reason, old graph, new graph); ``nodes`` all Apply nodes that ever were in the graph.
    """

    def __init__(self):
        self.events, self.replacements, self.nodes = [], [], {}

    def on_attach(self, fgraph):
        for node in fgraph.toposort():
            self.on_import(fgraph, node, "init")

    def on_import(self, fgraph, node, reason):
        self.events.append(("import", str(node.op), None, str(reason)))
        self.nodes.setdefault(node)

    def on_prune(self, fgraph, node, reason):
        self.events.append(("prune", str(node.op), None, str(reason)))

    def on_change_input(self, fgraph, node, i, r, new_r, reason=None):
        self.events.append(("change", "output" if node == "output" else str(node.op), i, str(reason)))
        self.replacements.append((r, new_r, reason, _graph_text(r), _graph_text(new_r)))


def _graph_text(v):
    out = io.StringIO()
    print_tree(v, prefix="  ", depth=6, file=out)
    return out.getvalue()


class DebugExecutor:
    """An executor that raises a DebugModeError where something is wrong with a node, a rewrite or an Op.

    Parameters
    ----------
    fgraph : FunctionGraph, rewritten
    tracker : VariableTracker that watched the rewriting
    mode : DebugMode, whose ``check_...`` attributes say what to look for.
    """

    def __init__(self, fgraph, tracker, mode):
        self.fgraph, self.tracker, self.mode = fgraph, tracker, mode
        self._order = None
        self._xla = None

    # ---------------------------------------------------------------- the whole graph
    def __call__(self, values):
        if self._order is None:
            self._build()
        storage = self._storage
        for v, value in zip(self.fgraph.inputs, values):
            value = to_host(value)
            storage[v][0] = value
            self._check_value(v, value, "Graph Input %s" % v)
        for node in self._order:
            self._run_node(node)
        self._check_replacements()
        if self.mode.check_c_code:
            self._check_xla(values)
        return [deepcopy(storage[v][0]) for v in self.fgraph.outputs]

    def _build(self):
        # Of what was replaced, all that the inputs still suffice for.
        inputs = self.fgraph.inputs
        old = [o for node in self.tracker.nodes for o in node.outputs]
        order, known = [], set(inputs)
        for node in io_toposort(inputs, list(self.fgraph.outputs) + old):
            if all(v in known or isinstance(v, Constant) for v in node.inputs):
                known.update(node.outputs)
                order.append(node)
        used = [u for n in order for u in n.inputs + n.outputs]
        self._storage = {
            v: [v.data if isinstance(v, Constant) else None] for v in [*inputs, *self.fgraph.outputs, *used]
        }
        self._computed = {v: [True] for v in self._storage}
        self._thunks = {}
        for node in order:
            node.op.prepare_node(node, self._storage, self._computed, "py")
            self._thunks[node] = node.op.make_thunk(node, self._storage, self._computed, [])
        self._order = order  # last: an interrupt before it leaves this to be done again

    def _check_value(self, v, value, hint):
        if not v.type.is_valid_value(value):
            raise InvalidValueError(v, value, hint=hint, specific_hint=v.type.value_validity_msg(value))
        if (
            self.mode.check_isfinite
            and isinstance(value, np.ndarray)
            and value.dtype.kind in "fc"
            and not np.isfinite(value).all()
        ):
            raise InvalidValueError(v, value, hint=hint, specific_hint="non-finite elements not allowed")

    def _check_replacements(self):
        for old, new, reason, old_graph, new_graph in self.tracker.replacements:
            if old not in self._storage or new not in self._storage:
                continue
            old_value, new_value = self._storage[old][0], self._storage[new][0]
            if old_value is not None and new_value is not None and not check_eq(old, old_value, new_value):
                raise BadOptimization(old, new, old_value, new_value, reason, old_graph, new_graph)

    def _check_xla(self, values):
        if self._xla is None:
            self._xla = make_executor(self.fgraph, "cvm", ())
        results = self._xla(values)
        if all(check_eq(v, self._storage[v][0], to_host(r)) for v, r in zip(self.fgraph.outputs, results)):
            return
        # Rounding adds up over a graph: it is a mistake only if a single node makes it.
        for node in self.fgraph.toposort():
            if not node.op.runs_on_host(node):
                self._check_node_with_xla(node)

    def _check_node_with_xla(self, node):
        free = [v for v in dict.fromkeys(node.inputs) if not isinstance(v, Constant)]
        graph = FunctionGraph(free, node.outputs)
        values = [self._storage[v][0] for v in free]
        results = make_executor(graph, "cvm", ())(deepcopy(values))
        for v, r in zip(node.outputs, results):
            mine, other = self._storage[v][0], to_host(r)
            if not check_eq(v, mine, other):
                raise BadThunkOutput(v, "perform", mine, "XLA", other, [self._storage[u][0] for u in node.inputs])

    # ---------------------------------------------------------------- one node
    def _run_node(self, node):
        thunk = self._thunks[node]
        cells = [self._storage[v] for v in node.inputs]
        outs = [self._storage[v] for v in node.outputs]
        originals = [c[0] for c in cells]
        self._call(node, thunk, cells, originals, outs, [None] * len(outs))
        for v, c in zip(node.outputs, outs):
            self._check_value(v, c[0], "perform output")
        if type(node.op).perform is not Op.perform or node.op.only_c_code():
            _check_views(node, [c[0] for c in outs], self._copies)
            if config.DebugMode.warn_input_not_reused:
                _warn_of_new_memory(node, [c[0] for c in outs], self._copies)
            self._check_preallocated(node, thunk, cells, originals, outs)
        if self.mode.check_c_code and not node.op.only_c_code() and native.can_build(node):
            self._check_c_code(node, originals, [c[0] for c in outs])

    def _check_c_code(self, node, inputs, results):
        """Compare what the C code of an Op that also has Python code gives."""
        cells = [[None] for _ in results]
        native.run(node, [_copy(value) for value in inputs], cells)
        for v, r, c in zip(node.outputs, results, cells):
            if not check_eq(v, r, c[0]):
                raise BadThunkOutput(v, "perform", r, "c_code", c[0], inputs)

    def _call(self, node, thunk, cells, originals, outs, start):
        """Run a node on copies of its inputs, with `start` in the output cells, and see what it changed."""
        copies = {id(value): _copy(value) for value in originals}
        self._copies = [copies[id(value)] for value in originals]
        for c, value in zip(cells, self._copies):
            c[0] = value
        for c, value in zip(outs, start):
            c[0] = value
        try:
            thunk()
        except Exception as e:
            thunk.inputs, thunk.outputs = cells, outs
            self._blame_rewrite(node, e)
            raise_with_op(node, thunk)
        finally:
            for c, value in zip(cells, originals):
                c[0] = value
        destroyed = {i for ins in getattr(node.op, "destroy_map", {}).values() for i in ins}
        for i, (v, before, after) in enumerate(zip(node.inputs, originals, self._copies)):
            if i not in destroyed and not v.type.values_eq(before, after):
                raise BadDestroyMap(node, i, before, after, "perform")

    def _blame_rewrite(self, node, error):
        """Name the rewrite that put `node` into the graph in the text of `error`."""
        for old, new, reason, old_graph, _ in self.tracker.replacements:
            if new is node.outputs[0]:
                add_text(
                    error,
                    "\nAn optimization (probably %s) inserted an apply node that raise an error.\nThe "
                    "information we have about this optimizations is:%s\n%s" % (reason, old, old_graph),
                )
                return

    def _check_preallocated(self, node, thunk, cells, originals, outs):
        """Run the node again with something in its output cells already; it may be used, but not believed."""
        if not all(isinstance(c[0], np.ndarray) for c in outs):
            return
        results = [c[0] for c in outs]
        for kind in _expand_kinds(self.mode.check_preallocated_output):
            for name, start in PREALLOCATE[kind](results):
                self._call(node, thunk, cells, originals, outs, start)
                for v, r, c in zip(node.outputs, results, outs):
                    if not check_eq(v, r, c[0]):
                        raise BadThunkOutput(v, "perform", r, "perform with output " + name, c[0], originals)
        for c, r in zip(outs, results):
            c[0] = r


def _check_views(node, results, inputs):
    """BadViewMap where an output shares memory with an input or output that view_map does not allow."""
    views, destroys = getattr(node.op, "view_map", {}), getattr(node.op, "destroy_map", {})
    for o, (v, result) in enumerate(zip(node.outputs, results)):
        share = getattr(v.type, "may_share_memory", None)
        if share is None:
            continue
        # A variable may be given more than once: both branches of an ifelse, say.
        allowed = {node.inputs[i] for i in (*views.get(o, ()), *destroys.get(o, ()))}
        aliased = [
            i
            for i, (u, x) in enumerate(zip(node.inputs, inputs))
            if hasattr(u.type, "may_share_memory") and share(result, x)
        ]
        if any(node.inputs[i] not in allowed for i in aliased):
            raise BadViewMap(node, o, result, [i for i in aliased if node.inputs[i] not in allowed])
        if not aliased and _is_used(v):
            for k, (w, other) in enumerate(zip(node.outputs, results)):
                if k != o and hasattr(w.type, "may_share_memory") and _is_used(w) and share(result, other):
                    raise BadViewMap(node, o, result, out_alias_idx=[k])


def _warn_of_new_memory(node, results, inputs):
    """Tell the log where an output that is declared to be an input's memory is an array of its own.

    Of the program's Ops: ours declare what Theano's do, and the graph does not run in place.
    """
    if getattr(type(node.op).perform, "__globals__", {}).get("__name__", "").startswith("theanojax."):
        return
    for o, (i, *_) in getattr(node.op, "destroy_map", {}).items():
        if results[o] is not inputs[i]:
            text = "Optimization Warning: input idx %d marked as destroyed was not changed for node '%s'"
            logger.warning(text, i, node)
    for o, (i, *_) in getattr(node.op, "view_map", {}).items():
        share = getattr(node.outputs[o].type, "may_share_memory", None)
        # single numbers are copied, often
        if share and getattr(results[o], "size", 2) > 1 and not share(results[o], inputs[i]):
            text = "Optimization Warning: input idx %d marked as viewed but new memory allocated by node '%s'"
            logger.warning(text, i, node)


def _is_used(v):
    """Whether a node of the graph uses `v`; being an output of the whole function harms nobody."""
    return any(node != "output" for node, _ in getattr(v, "clients", ()))


def _copy(value):
    """A copy of `value`, or itself where it is a pointer of C."""
    return value if type(value).__name__ == "PyCapsule" else deepcopy(value)


def _junk(shape, dtype, order="C"):
    # An Op that uses what it finds should give a wrong result for certain.
    array = np.empty(shape, dtype, order)
    if array.dtype.kind in "biufc":
        array.fill(37)
    return array


def _varied(results):
    """(number of dimensions of the largest of `results`, whether a dimension of that many is longer than 1)."""
    ndim = max(r.ndim for r in results)
    return ndim, [any(r.ndim >= ndim - d and r.shape[d - ndim] != 1 for r in results) for d in range(ndim)]


def _strided(results):
    """Each step of 1, -1, 2 and -2 in the last dimensions; one sign for those before, which the flag leaves out."""
    ndim, long = _varied(results)
    first = max(ndim - config.DebugMode.check_preallocated_output_ndim, 0)
    signs = [(-1, 1) if any(long[:first]) else (1,), *((-1, 1) if b else (1,) for b in long[first:])]
    for before, *rest in itertools.product(*signs):
        for size in (1, 2):
            steps = [before] * first + [sign * size for sign in rest]
            arrays = []
            for r in results:
                own = steps[ndim - r.ndim :]
                big = _junk([n * abs(step) for n, step in zip(r.shape, own)], r.dtype)
                arrays.append(big[tuple(slice(None, None, step) for step in own)])
            yield "strided%s" % (tuple(steps),), arrays


def _of_other_sizes(results):
    """One dimension after the other shorter, or longer, by one."""
    ndim, long = _varied(results)
    for d in (d for d in range(ndim) if long[d]):
        for change in (-1, 1):
            changes = [change * (k == d) for k in range(ndim)]
            shapes = ([max(n + c, 0) for n, c in zip(r.shape, changes[ndim - r.ndim :])] for r in results)
            yield "wrong_size%s" % (tuple(changes),), [_junk(shape, r.dtype) for shape, r in zip(shapes, results)]


# kind -> function of the results that yields names and arrays to start from
PREALLOCATE = {
    "previous": lambda results: [("previous", [r.copy() for r in results])],
    "c_contiguous": lambda results: [("c_contiguous", [_junk(r.shape, r.dtype) for r in results])],
    "f_contiguous": lambda results: [("f_contiguous", [_junk(r.shape, r.dtype, "F") for r in results])],
    "strided": _strided,
    "wrong_size": _of_other_sizes,
}


def _expand_kinds(kinds):
    """The keys of PREALLOCATE that the names in `kinds` stand for."""
    groups = {"ALL": list(PREALLOCATE), "initial": ["previous"], "": []}
    found = [k for kind in kinds for k in groups.get(kind, [kind])]
    unknown = [k for k in found if k not in PREALLOCATE]
    if unknown:
        raise ValueError("Not kinds of preallocated outputs: %s" % unknown)
    return found
