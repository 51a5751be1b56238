"""Programs: a graph planned as stages, which XLA and the host run in turn.

A Stages program runs XLA stages and host nodes in turn; a Branching program first learns the conditions of lazy
conditionals, then runs the program of the branches taken. Each is built from (inputs, outputs) of one graph.
"""

from functools import partial
from mmap import mmap

import numpy as np

import jax

from theanojax.graph.locks import compiling, nested
from theanojax.graph.op import without_test_values
from theanojax.graph.traverse import ancestors, io_toposort
from theanojax.graph.variable import Constant
from theanojax.loop.scan_op import Scan
from theanojax.runtime.numpy_program import numpy_program
from theanojax.runtime.outcome import COMMITTED, DONE
from theanojax.runtime.polymorphic import PolymorphicExecutor
from theanojax.runtime.shape_program import CheapAnalysis, compile_program, order_above_shapes
from theanojax.runtime.stage import XlaStage
from theanojax.runtime.trace import branch_regions
from theanojax.runtime.transfer import on_cpu, to_numpy
from theanojax.tensor.type_other import SliceType


OWN_MEMORY = (type(None), mmap)  # what arrays that are not views have as `base`


class Plan:
    """What the planner has learned about one graph, kept while its programs are rebuilt."""

    def __init__(self):
        self.forced = set()  # variables whose value tracing asked for
        self.host_nodes = set()  # nodes that turned out to have no XLA form
        self.numbers = {}  # input -> number of the cell that its value comes from
        self.sliced = set()  # inputs worth slicing on the host, where XLA would have to copy them whole
        self.needs = {}  # node -> its static needs, built once so that they can be keys
        self.branches = {}  # graphs with conditionals resolved, the same objects when programs are rebuilt
        self.compilations = 0

    def node_needs(self, node):
        found = self.needs.get(node)
        return self.needs.setdefault(node, list(node.op.static_needs(node))) if found is None else found

    def on_host(self, node):
        if node in self.host_nodes or node.op.runs_on_host(node):
            return True
        return any(getattr(v.type, "host_only", False) for v in [*node.inputs, *node.outputs])


@without_test_values()
def build(inputs, outputs, plan, updates):
    """The program for a graph. `updates` maps output positions to the input positions they replace."""
    from theanojax.ifelse import IfElse

    order = io_toposort(inputs, outputs)
    lazy = [n for n in order if isinstance(n.op, IfElse)]
    if lazy:
        analysis = CheapAnalysis(inputs)
        cheap = [n for n in lazy if analysis.cheap(n.inputs[0])]
        if cheap:
            return Branching(inputs, outputs, cheap, plan, updates, analysis)
        regions = branch_regions(order, outputs, IfElse)
        costly = [n for n in lazy if n.inputs[0] in plan.forced or plan.on_host(n)
                  or any(plan.on_host(m) for part in regions[n] for m in part)]
        if costly:
            return Branching(inputs, outputs, costly[:1], plan, updates, None)
    stages = Stages(inputs, outputs, plan, updates)
    return (None if stages.host_stages else numpy_program(inputs, outputs, stages)) or stages


class Branching:
    """Runs the program in which the lazy conditionals `nodes` are resolved to the branches taken."""

    def __init__(self, inputs, outputs, nodes, plan, updates, analysis):
        self.inputs, self.outputs, self.nodes, self.plan, self.updates = inputs, outputs, nodes, plan, updates
        self.cases = {}
        conditions = [n.inputs[0] for n in nodes]
        self.frontier = []
        if analysis is not None:
            self.conditions = compile_program(inputs, conditions, analysis)
            self.first = None
        else:
            self.frontier = frontier(inputs, conditions, outputs)
            self.first = build(inputs, conditions + self.frontier, plan, {})

    def run(self, values, cells):
        if self.first is None:
            key = tuple(bool(c) for c in self.conditions(values))
        else:
            results, outcome = self.first.run(values, None)
            if not outcome.good:
                return None, outcome
            n = len(self.nodes)
            key = tuple(bool(np.asarray(c).item()) for c in results[:n])
            values = list(values) + list(results[n:])
        case = self.cases.get(key)
        if case is None:
            with compiling.lock:
                case = self.cases.get(key) or self._case(key)
                self.cases[key] = case
        program, used = case
        return program.run([values[i] for i in used], cells)

    def _case(self, key):
        inputs = list(self.inputs) + self.frontier
        same = tuple(self.nodes), key, tuple(inputs), tuple(self.outputs)
        outputs = self.plan.branches.get(same)
        if outputs is None:
            swap = {}
            for node, cond in zip(self.nodes, key):
                n = node.op.n_outs
                taken = node.inputs[1:1 + n] if cond else node.inputs[1 + n:]
                swap.update(zip(node.outputs, taken))
            outputs = self.plan.branches[same] = substitute(inputs, self.outputs, swap)
        reached = set(ancestors(outputs, set(inputs)))
        keep = set(self.updates.values())
        used = [i for i, v in enumerate(inputs) if v in reached or i in keep]
        place = {old: new for new, old in enumerate(used)}
        updates = {o: place[i] for o, i in self.updates.items()}
        return build([inputs[i] for i in used], outputs, self.plan, updates), used


def frontier(inputs, conditions, outputs):
    """What is computed on the way to `conditions` and used beyond them."""
    early = set(io_toposort(inputs, conditions))
    found = []
    for node in io_toposort(inputs, outputs):
        if node not in early:
            found += [v for v in node.inputs if v.owner in early]
    found += [v for v in outputs if v.owner in early]
    return [v for v in dict.fromkeys(found) if v not in set(inputs)]


def substitute(inputs, outputs, swap):
    """`outputs` with the variables of `swap` replaced; nodes that nothing changes in stay the same objects."""
    stop = set(inputs)
    memo = {}

    def look(v):
        while v in swap and v not in stop:
            v = swap[v]
        return v

    # the replaced graph is another graph: order it by its own edges
    stack = [look(v) for v in outputs]
    while stack:
        v = stack[-1]
        if v in memo or v in stop or v.owner is None:
            memo.setdefault(v, v)
            stack.pop()
            continue
        ins = [look(u) for u in v.owner.inputs]
        missing = [u for u in ins if u not in memo]
        if missing:
            stack.extend(missing)
            continue
        new = [memo[u] for u in ins]
        if any(a is not b for a, b in zip(new, v.owner.inputs)):
            node = v.owner.clone_with_new_inputs(new)
            memo.update((o, m) for o, m in zip(v.owner.outputs, node.outputs) if o not in memo)
        else:
            memo.update((o, o) for o in v.owner.outputs)
        stack.pop()
    return [memo[look(v)] for v in outputs]


class Stages:
    """A graph without resolvable conditionals, cut into XLA stages and host stages.

    Stage k of each kind runs before stage k+1; an XLA node belongs to the first stage after the host has
    what it needs (inputs computed there, values that fix its shapes).
    """

    def __init__(self, inputs, outputs, plan, updates):
        self.inputs, self.outputs, self.plan, self.updates = list(inputs), list(outputs), plan, updates
        self.analysis = None
        # Updates that are the old value of another input, which gets a new one too: nobody else holds that array then.
        replaced = {self.inputs[i] for i in updates.values()}
        self.moved = {o for o in updates if self.outputs[o] in replaced and self.outputs.count(self.outputs[o]) == 1}
        order = io_toposort(self.inputs, self.outputs)
        self._assign(order)
        self._cut(order)
        self.simple = None
        computed = all(v in self.level and v not in set(inputs) for v in self.outputs)
        if not self.host_stages and len(self.xla_stages) == 1 and computed and len(set(outputs)) == len(outputs):
            stage = next(iter(self.xla_stages.values()))
            place = {v: i for i, v in enumerate(self.inputs)}
            delivery = [(stage.outputs.index(v), i in updates) for i, v in enumerate(self.outputs)]
            places = [place[v] for v in stage.inputs]
            self.simple = stage, None if places == list(range(len(self.inputs))) else places, delivery
        self._count_steps()

    # ---------------------------------------------------------------- planning
    def _assign(self, order):
        plan = self.plan
        level = {v: (-1, "h") for v in self.inputs}
        self.stage_of, self.static_of, self.fetch = {}, {}, {}
        self.kept_out = set()  # inputs that XLA does not see, not even their shapes
        slices = self._host_slices(order)
        for node in order:
            if is_index_part(node) and node.outputs[0] not in self.outputs:
                continue
            on_host = plan.on_host(node) or is_index_part(node) or node in slices
            at = -1 if on_host else 0
            for v in direct_inputs(node):
                if v in level:
                    n, kind = level[v]
                    at = max(at, n + 1 if kind == "h" and not on_host else n)
            if not on_host:
                for need in plan.node_needs(node):
                    at = max(at, self._place_need(need, level, node))
                for need in plan.node_needs(node):
                    if at > 0 and need not in self.static_of and not isinstance(need, Constant) and \
                            self.analysis.cheap(need):
                        self.static_of[need] = set()  # a shape that an earlier stage has seen is a tracer here
                    if need in self.static_of:
                        self.static_of[need].add(at)
            self.stage_of[node] = (at, "h" if on_host else "x")
            level.update((o, self.stage_of[node]) for o in node.outputs)
        self.level = level

    def _host_slices(self, order):
        """Nodes that only read parts of large numpy arrays, at places the host knows: views there, copies in XLA."""
        if not self.plan.sliced:
            return ()
        from theanojax.tensor.subtensor import AdvancedSubtensor1, Subtensor

        users, shapes = {}, {}
        for node in order:
            for k, v in enumerate(node.inputs):
                if v in self.plan.sliced:
                    where = shapes if hasattr(node.op, "shape_value") else users
                    where.setdefault(v, []).append((node, k))
        if users and self.analysis is None:
            self.analysis = CheapAnalysis(self.inputs)
        found = set()
        for v, uses in users.items():
            if v in self.inputs and all(
                    k == 0 and isinstance(n.op, (Subtensor, AdvancedSubtensor1))
                    and all(isinstance(u, Constant) or u in self.inputs or self.analysis.cheap(u) for u in n.inputs[1:])
                    for n, k in uses):
                self.kept_out.add(v)
                found.update(n for n, _ in uses + shapes.get(v, []))
                # what computes the index is needed on the host, too
                found.update(io_toposort(self.inputs, [u for n, _ in uses for u in n.inputs[1:]]))
        return found

    def _place_need(self, need, level, node):
        """Record how `need` becomes known; returns the first XLA stage that may use it."""
        if isinstance(need, Constant):
            return 0
        if self.analysis is None:
            self.analysis = CheapAnalysis(self.inputs)
        if self.analysis.cheap(need):
            if not shape_only(need, set(self.inputs), self.kept_out):
                self.static_of.setdefault(need, set())
            return 0
        if need not in self.plan.forced and not self._of_each_call(need):
            return 0  # known while tracing, or NeedsValue will tell
        self.static_of.setdefault(need, set())
        at = max([level[v][0] for v in ancestors([need], set(level)) if v in level] or [-1])
        self.fetch.setdefault(at, []).append(need)
        return at + 1

    def _of_each_call(self, need):
        """Whether the value of `need` is made by an Op that must run once in each call, so not in vain before it."""
        return any(n.op.side_effect or self.plan.on_host(n)
                   for n in order_above_shapes(self.analysis.inputs, need, self.analysis.shape_ops))

    def _cut(self, order):
        outputs = set(self.outputs)
        nodes = {}
        for node in order:
            if node in self.stage_of:
                members = nodes.setdefault(self.stage_of[node], [])
                members += [v.owner for v in node.inputs
                            if v.owner is not None and is_index_part(v.owner) and v.owner not in members]
                members.append(node)
        needed = {}  # stage -> variables it takes from elsewhere
        for stage, members in nodes.items():
            own = {o for n in members for o in n.outputs}
            ins = {v: None for n in members for v in n.inputs if v not in own and not isinstance(v, Constant)}
            # XLA takes hold of one argument after the other. A call that only reads may run beside one that gives
            # buffers away: each would wait for the other for ever if their orders were not the same.
            needed[stage] = sorted(ins, key=lambda v: self.plan.numbers.get(v, 0))
        wanted = {v for vs in needed.values() for v in vs} | outputs
        known = set(self.level)
        for needs in self.fetch.values():
            wanted.update(v for n in needs for v in ancestors([n], known) if v in known)
        self.xla_stages, self.host_stages = {}, {}
        for (at, kind), members in nodes.items():
            outs = [o for n in members for o in n.outputs if o in wanted]
            ins = needed[at, kind]
            if kind == "x":
                statics = [n for n, stages in self.static_of.items() if at in stages]
                donate = self._donations(ins, outs, needed, nodes, at)
                places = {outs.index(self.outputs[o]): k for k, o in enumerate(self.updates) if self.outputs[o] in outs}
                self.xla_stages[at] = XlaStage(ins, outs, members, statics, self.plan, donate, places)
            else:
                self.host_stages[at] = [ins, outs]
        for at, needs in self.fetch.items():
            ins, outs = self.host_stages.setdefault(at, [[], []])
            leaves = [v for v in ancestors(needs, known) if v in known and not isinstance(v, Constant)]
            ins += [v for v in leaves if v not in ins and v not in outs]
            outs += [n for n in dict.fromkeys(needs) if n not in outs]
        for at, (ins, outs) in self.host_stages.items():
            direct = [v for v in outs if v in ins]
            computed = [v for v in outs if v not in ins]
            executor = PolymorphicExecutor((ins, computed), own=False) if computed else None
            self.host_stages[at] = ins, computed, executor, direct
        self.levels = sorted(set(self.xla_stages) | set(self.host_stages))
        cheap = [n for n in self.static_of if self.analysis is not None and self.analysis.cheap(n)]
        self.cheap = cheap
        self.shape_program = compile_program(self.inputs, cheap, self.analysis) if cheap else None

    def _donations(self, ins, outs, needed, nodes, at):
        """Input -> output of this stage whose buffer it may take over: a shared value and its update.

        Nothing may come after such a stage, because it could fail when the old values are gone.
        """
        if any(stage > at or stage == at and kind == "h" for stage, kind in nodes) or max(self.fetch, default=-1) >= at:
            return {}
        result = {}
        for out_pos, in_pos in self.updates.items():
            old, new = self.inputs[in_pos], self.outputs[out_pos]
            others = any(old in vs for stage, vs in needed.items() if stage != (at, "x"))
            if (new in outs and old in ins and not others and old not in self.outputs
                    and self.outputs.count(new) == 1 and self.inputs.count(old) == 1):
                result[old] = new
        return result

    def _count_steps(self):
        """Find out how the number of steps of loops in XLA can be known before a call, where no shape tells it."""
        counts, self.steps = {}, 1
        inputs = set(self.inputs)
        for stage in self.xla_stages.values():
            for node in stage.nodes if stage.loops else ():
                if not isinstance(node.op, Scan):
                    continue
                n = node.inputs[0]
                if _has_open_loops(node.op):
                    self.steps = None
                elif not (isinstance(n, Constant) or n in stage.statics or shape_only(n, inputs, self.kept_out)):
                    counts[n] = None
        if self.steps is None or not counts:
            return
        if self.analysis is None:
            self.analysis = CheapAnalysis(self.inputs)
        if all(self.analysis.cheap(n) for n in counts):
            self.steps = compile_program(self.inputs, list(counts), self.analysis)
        else:
            self.steps = None

    # ---------------------------------------------------------------- running
    def run(self, values, cells):
        """The output values and how the run ended. Updates stay on the device, the rest is numpy."""
        steps = sum(self.steps(values)) if callable(self.steps) else self.steps
        if self.simple is None:
            return self._run_stages(values, steps, cells)
        stage, places, delivery = self.simple
        key = () if self.shape_program is None else self.shape_program(values)
        args = values.copy() if places is None else [values[i] for i in places]
        outs, outcome = stage.run(args, key, steps, cells)
        if not outcome.good:
            return None, outcome
        return [outs[i] if is_update else to_numpy(outs[i]) for i, is_update in delivery], outcome

    def _run_stages(self, values, steps, cells):
        env = dict(zip(self.inputs, values))
        statics, outcome = {}, DONE
        if self.shape_program is not None:
            statics.update(zip(self.cheap, self.shape_program(values)))
        for at in self.levels:
            stage = self.xla_stages.get(at)
            if stage is not None:
                key = tuple(statics[n] for n in stage.statics)
                last = cells is not None and stage.donate
                others = self._other_updates(stage, env, cells) if last else ()
                outs, outcome = stage.run([env[v] for v in stage.inputs], key, steps, cells if last else None, others)
                if not outcome.good:
                    return None, outcome
                env.update(zip(stage.outputs, outs))
            host = self.host_stages.get(at)
            if host is not None:
                ins, computed, executor, direct = host
                if executor is not None:
                    # an Op may call functions, which must leave us the arrays that we hold
                    env.update(zip(computed, nested(partial(executor, [env[v] for v in ins]))))
                for need in self.fetch.get(at, ()):
                    statics[need] = hashable_value(env[need])
        return self._deliver(env, values, outcome is COMMITTED), outcome

    def _other_updates(self, stage, env, cells):
        """Pairs (cell, new value) of the updates that are known before the last stage."""
        pairs = []
        for k, o in enumerate(self.updates):
            v = self.outputs[o]
            if v not in stage.outputs:
                value = v.data if isinstance(v, Constant) else env[v]
                own = o in self.moved or not isinstance(value, np.ndarray)
                pairs.append((cells[k], value if own else value.copy()))
        return pairs

    def _deliver(self, env, values, committed):
        results, taken = [], {id(v) for v in values}
        for i, v in enumerate(self.outputs):
            if committed and i in self.updates:
                results.append(None)
                continue
            value = env.get(v)
            if value is None and isinstance(v, Constant):
                value, fresh = v.data, False
            else:
                alone = isinstance(getattr(value, "base", None), OWN_MEMORY)
                fresh = id(value) not in taken and alone
            taken.add(id(value))
            if not isinstance(value, (np.ndarray, jax.Array)):
                results.append(value)
            elif i in self.updates:
                keep = fresh or i in self.moved or isinstance(value, jax.Array)
                results.append(value if keep else value.copy())
            else:
                results.append(to_numpy(value) if fresh else np.array(value))
        return results


def large_arrays(inputs, values):
    """The inputs that hold numpy arrays of more than a megabyte, where the device is the CPU."""
    if not on_cpu:
        return set()
    return {v for v, a in zip(inputs, values) if type(a) is np.ndarray and a.nbytes > 1 << 20}


def shape_only(need, inputs, hidden=()):
    """Whether `need` depends on the shapes of `inputs` alone, `hidden` ones apart: XLA knows them while it traces."""
    if need in inputs:
        return False
    for node in io_toposort(inputs, [need]):
        if any(v in (hidden if hasattr(node.op, "shape_value") else inputs) for v in node.inputs):
            return False
        if any(getattr(v.type, "host_only", False) for v in node.inputs):
            return False
    return True


def _has_open_loops(op):
    """Whether in a step of the Scan `op` there are loops of which nothing tells the length before it."""
    inner = op.inner_fgraph()
    inputs = set(inner.inputs)
    for node in inner.apply_nodes:
        if isinstance(node.op, Scan):
            n = node.inputs[0]
            if not (isinstance(n, Constant) or shape_only(n, inputs)) or _has_open_loops(node.op):
                return True
    return False


def is_index_part(node):
    """Whether a node makes a slice, which is no array: it is made again in every stage that uses it."""
    return isinstance(node.outputs[0].type, SliceType)


def direct_inputs(node):
    """The inputs of a node, those of a slice in place of the slice."""
    for v in node.inputs:
        if v.owner is not None and is_index_part(v.owner):
            yield from v.owner.inputs
        else:
            yield v


def hashable_value(value):
    value = np.asarray(value)
    return value.item() if value.ndim == 0 else tuple(value.tolist())
