"""Lazy conditionals: resolved before a call where the condition can be known, else XLA runs one of two branches."""

import numpy as np

import jax.numpy as jnp
from jax import lax

from theanojax.graph.copying import substitute
from theanojax.graph.locks import compiling
from theanojax.graph.traverse import ancestors, io_toposort
from theanojax.runtime.planning.analysis import Analysis
from theanojax.runtime.planning.plan import Remark
from theanojax.runtime.planning.shape_program import compile_program
from theanojax.runtime.xla.namespace import cast_value, is_known
from theanojax.runtime.xla.problems import NeedsValue, TooLarge, Untraceable


# ---------------------------------------------------------------- programs
def branching(inputs, outputs, learned, updates, build):
    """A program that learns conditions first, if the graph has some that have to be or can be; else None.

    `build` makes the program of the graph for each case.
    """
    order = io_toposort(inputs, outputs)
    lazy = [n for n in order if n.op.lazy_branches(n)]
    if not lazy:
        return None
    conditions = {n: n.op.lazy_branches(n)[0] for n in lazy}
    analysis = Analysis(inputs)
    cheap = [n for n in lazy if analysis.cheap(conditions[n])]
    if cheap:
        return Branching(inputs, outputs, cheap, learned, updates, analysis, build)
    found = regions(order, outputs)
    costly = [
        n
        for n in lazy
        if conditions[n] in learned.forced
        or learned.on_host(n)
        or any(learned.on_host(m) for part in found[n] for m in part)
    ]
    return Branching(inputs, outputs, costly[:1], learned, updates, None, build) if costly else None


class Branching:
    """Runs the program in which the lazy conditionals `nodes` are resolved to the branches taken."""

    def __init__(self, inputs, outputs, nodes, learned, updates, analysis, build):
        self.inputs, self.outputs, self.nodes, self.learned, self.updates = inputs, outputs, nodes, learned, updates
        self.build = build
        self.cases = {}
        conditions = [n.op.lazy_branches(n)[0] for n in nodes]
        self.frontier = []
        if analysis is not None:
            self.conditions = compile_program(inputs, conditions, analysis)
            self.first = None
        else:
            self.frontier = frontier(inputs, conditions, outputs)
            self.first = build(inputs, conditions + self.frontier, learned, {})

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
        outputs = self.learned.branches.get(same)
        if outputs is None:
            swap = {}
            for node, cond in zip(self.nodes, key):
                _, then, otherwise = node.op.lazy_branches(node)
                swap.update(zip(node.outputs, then if cond else otherwise))
            outputs = self.learned.branches[same] = substitute(inputs, self.outputs, swap)
        reached = set(ancestors(outputs, set(inputs)))
        keep = set(self.updates.values())
        used = [i for i, v in enumerate(inputs) if v in reached or i in keep]
        place = {old: new for new, old in enumerate(used)}
        updates = {o: place[i] for o, i in self.updates.items()}
        return self.build([inputs[i] for i in used], outputs, self.learned, updates), used

    def all_stages(self):
        programs = [program for program, _ in list(self.cases.values())] + [self.first] * (self.first is not None)
        return [stage for program in programs for stage in program.all_stages()]

    @property
    def plan(self):
        """The plans of the cases that have been met."""
        conditions = ", ".join(str(n.op.lazy_branches(n)[0]) for n in self.nodes)
        how = "from numbers and shapes" if self.first is None else "by this plan:\n%s\n" % self.first.plan
        cases = [
            "where they are %s:\n%s" % (", ".join(map(str, key)), program.plan)
            for key, (program, _) in list(self.cases.items())
        ]
        return Remark("\n".join(["the conditions %s are computed first, %s" % (conditions, how), *cases]))


def frontier(inputs, conditions, outputs):
    """What is computed on the way to `conditions` and used beyond them."""
    early = set(io_toposort(inputs, conditions))
    found = []
    for node in io_toposort(inputs, outputs):
        if node not in early:
            found += [v for v in node.inputs if v.owner in early]
    found += [v for v in outputs if v.owner in early]
    return [v for v in dict.fromkeys(found) if v not in set(inputs)]


# ---------------------------------------------------------------- tracing
def trace(context, order, found):
    """Trace the nodes of `order` in a TraceContext; those of the regions `found` only inside their branch."""
    inner = {n for m in order if m in found for part in found[m] for n in part}
    for node in order:
        if node not in inner:
            if node in found:
                _branch(context, node, found)
            else:
                context.step(node)


def _branch(context, node, found):
    condition, *sides = node.op.lazy_branches(node)
    value = context.value(condition)
    if not is_known(value) and condition in context.statics:
        value = context.statics[condition]
    if is_known(value):
        k = 0 if np.asarray(value).item() else 1
        trace(context, found[node][k], found)
        context.env.update(zip(node.outputs, [context.value(v) for v in sides[k]]))
        return
    guarded = []

    def body(k):
        def run():
            with context.sub() as inner:
                inner.env = dict(context.env)
                trace(inner, found[node][k], found)
                outs = [cast_value(inner.value(v), out) for v, out in zip(sides[k], node.outputs)]
                guarded.extend(inner.guards)
                if inner.oversized:
                    raise NeedsValue(condition)  # the other branch may be the one taken
                return [jnp.asarray(o) for o in outs], jnp.asarray(inner.ok())

        return run

    try:
        outs, ok = lax.cond(jnp.asarray(value) != 0, body(0), body(1))
    except (Untraceable, TooLarge, TypeError, ValueError) as e:
        # branches of unequal shapes, or one that cannot be traced and may not be taken
        raise NeedsValue(condition) from e
    if guarded:
        context.guards.append(ok)
    context.env.update(zip(node.outputs, outs))


def regions(order, outputs):
    """For each lazy conditional of `order` the nodes that serve nothing but its true branch, and its false branch."""
    if not any(n.op.lazy_branches(n) for n in order):
        return {}
    clients = {}
    for node in order:
        for i, v in enumerate(node.inputs):
            if v.owner is not None:
                clients.setdefault(v.owner, []).append((node, i))
    wanted = {v.owner for v in outputs if v.owner is not None}
    position = {n: i for i, n in enumerate(order)}
    found = {}
    for node in order:
        lazy = node.op.lazy_branches(node)
        if not lazy:
            continue
        n = len(lazy[1])
        sides = []
        for lo, hi in ((1, 1 + n), (1 + n, 1 + 2 * n)):
            own = set()
            for cand in reversed(order[: position[node]]):
                if cand in wanted:
                    continue
                uses = clients.get(cand, ())
                if uses and all((u is node and lo <= i < hi) or u in own for u, i in uses):
                    own.add(cand)
            sides.append([m for m in order if m in own])
        found[node] = tuple(sides)
    return found
