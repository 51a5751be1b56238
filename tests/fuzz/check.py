"""One random graph through both executors, as written and after the rewrites of FAST_RUN."""

import warnings
from collections import Counter

import numpy as np

import theano
from theanojax.graph.fgraph import FunctionGraph
from theanojax.runtime import make_executor
from theanojax.runtime.host import HostExecutor
from theanojax.runtime.in_c import often

from .builder import random_graph
from .noise import MARGIN, spread

TOLERANCE = {"float16": 1e-2, "float32": 2e-5, "complex64": 2e-5}  # relative; the others get 1e-9


class Disagreement(AssertionError):
    pass


def check(seed, notes=None, whole=True):
    """Raise Disagreement unless graph number `seed` gives the same on both executors; (inputs, outputs) if it does.

    `notes` counts, for a report, the graphs that have no outputs, that rounding alone can change, that raise errors.
    Without `whole` two of three graphs go through XLA only as rewritten.
    """
    notes = Counter() if notes is None else notes
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        inputs, outs, values = random_graph(seed)
        if not outs:
            notes["without outputs"] += 1
            return inputs, outs
        values = [v.type.filter(x, allow_downcast=True) for v, x in zip(inputs, values)]
        case = Case(inputs, outs, values, notes)
        if whole or seed % 3 == 0:
            case.check_written(np.random.RandomState(seed % 2**32))
        case.check_rewritten()
        notes["sensitive to rounding"] += bool(case.sensitive)
        return inputs, outs


class Case:
    """A graph and what has been found out about it."""

    def __init__(self, inputs, outs, values, notes):
        self.inputs, self.outs, self.values, self.notes = list(inputs), list(outs), values, notes
        self.host = HostExecutor((self.inputs, self.outs))
        self.sensitive = set()

    def check_written(self, rng):
        """As written; and with values that the graph was not made for, where errors must be the same, too."""
        xla = make_executor(FunctionGraph(list(self.inputs), list(self.outs)), "cvm")
        for _ in range(2):  # the second call takes the compiled path, or that in C where this comes at once
            self.same_outcome("as written", xla, self.values)
        others = [shuffled(x, rng) for x in self.values]
        self.notes["errors"] += isinstance(self.same_outcome("other values", xla, others), Exception)

    def check_rewritten(self):
        plain = outcome(self.host, self.values)
        if isinstance(plain, Exception):
            return  # a loop whose body has another shape later on
        f = theano.function(self.inputs, self.outs, on_unused_input="ignore")
        executor = f.fn.executor
        rewritten = executor.host(copied(self.values))
        for _ in range(2 if often.TAKES_OVER == 0 else 1):
            self.same("rewritten: host and XLA", rewritten, f(*copied(self.values)), executor.fgraph)
        self.no_fallback(executor)
        self.note_c(executor)
        self.same("host: as written and rewritten", plain, rewritten, executor.fgraph, defined=True)

    def same_outcome(self, what, xla, values):
        """The outputs, or the exception, that both executors come to."""
        want, got = outcome(self.host, values), outcome(xla, values)
        self.no_fallback(xla)
        if isinstance(want, Exception) or isinstance(got, Exception):
            if type(want) is not type(got):
                raise Disagreement("%s: host %r, XLA %r" % (what, want, got))
        else:
            self.same("%s: host and XLA" % what, want, got, values=values)
        return want

    def note_c(self, executor):
        """Count the programs that ran in C, and why others did not."""
        program = getattr(executor, "_program", None)
        for stage in [] if program is None else program.all_stages():
            for ready in stage.ready.values():
                way = ready.in_c
                if way is not None and way.settled:
                    self.notes["in C" if way.run else "not in C: %s" % way.refusal] += 1

    def no_fallback(self, executor):
        if executor.fallbacks:
            raise Disagreement("fallback: %r" % executor.fallbacks) from executor.fallbacks[0]

    def same(self, what, want, got, fgraph=None, defined=False, values=None):
        """`defined`: leave out what is infinite or undefined, which rewrites may replace by a number."""
        moved = None
        values = self.values if values is None else values
        for k, (v, a, b) in enumerate(zip(self.outs, want, got)):
            wrong = difference(v, a, b, 0.0, defined)
            if wrong is None:
                continue
            if moved is None:
                moved = spread(self.inputs, self.outs, copied(values))
                if fgraph is not None:
                    also = spread(fgraph.inputs, fgraph.outputs, copied(values))
                    moved = [
                        None if m is None or n is None or m.shape != n.shape else np.maximum(m, n)
                        for m, n in zip(moved, also)
                    ]
            if moved[k] is not None:
                wrong = difference(v, a, b, MARGIN * moved[k], defined)
                if wrong is not None:
                    raise Disagreement("%s: output %d, %s\n%s" % (what, k, v, wrong))
            self.sensitive.add(k)


def difference(v, a, b, allowed, defined):
    """What is wrong with `b` where `a` is right, or None."""
    a, b = np.asarray(a), np.asarray(b)
    if not a.dtype == b.dtype == v.type.dtype:
        return "dtypes %s, %s, declared %s" % (a.dtype, b.dtype, v.type.dtype)
    if a.shape != b.shape:
        return "shapes %s, %s" % (a.shape, b.shape)
    if a.dtype.kind not in "fc":
        return None if np.array_equal(a, b) else "%r\n%r" % (a, b)
    finite = np.isfinite(a)
    if not defined:
        special = a.dtype.kind == "f"  # numpy and XLA differ in how undefined parts of complex numbers spread
        if not np.array_equal(
            np.where(finite, 0, a) if special else finite,
            np.where(np.isfinite(b), 0, b) if special else np.isfinite(b),
            equal_nan=special,
        ):
            return "%r\n%r" % (a, b)
    rtol = TOLERANCE.get(str(a.dtype), 1e-9)
    with np.errstate(all="ignore"):
        far = finite & ~(abs(a - b) <= rtol * (1 + abs(a)) + allowed)
    return "%r\n%r" % (a, b) if np.any(far) else None


def copied(values):
    return [x.copy() if isinstance(x, np.ndarray) else x for x in values]


def shuffled(x, rng):
    """Other numbers of the same kind, of another length at times."""
    if not isinstance(x, np.ndarray) or x.size == 0:
        return x
    new = rng.permutation(x.ravel()).reshape(x.shape) if x.ndim else np.asarray(x)
    if x.dtype.kind in "if" and x.dtype != np.int32:
        new = np.asarray(new + rng.randint(-1, 2)).astype(x.dtype)
    if x.ndim and x.shape[0] > 1 and rng.uniform() < 0.3:
        new = new[:-1]
    return np.array(new)


def outcome(executor, values):
    try:
        return executor(copied(values))
    except Exception as error:
        return error
