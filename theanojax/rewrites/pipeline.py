"""The order in which a graph is rewritten: one list of passes, and one list of local rewrites for each group.

A row of `PASSES` is (position, name, pass, tags). Positions are those under which Theano's own passes were known,
so that a program's ``optdb.register(name, rewrite, 49.3, "fast_run")`` ends up where it expects. A row of `LOCAL` is
(rewrite, groups, tags): it belongs to each group named, in this order within the group.

A mode chooses by tags: FAST_RUN takes what is tagged fast_run, FAST_COMPILE what is tagged fast_compile, and
``including``, ``excluding`` and ``requiring`` add, drop and demand tags and names.
"""

from theanojax.config import config
from theanojax.graph.merge import MergeOptimizer
from theanojax.graph.rewrite import Optimizer
from theanojax.graph.rewrite_db import Query, TopoDB
from theanojax.graph.rewrite_tools import CheckStackTraceOptimization
from theanojax.graph.rewrite_walk import NavigatorOptimizer
from theanojax.rewrites import registry
from theanojax.rewrites.constant_folding import topo_constant_folding
from theanojax.rewrites.registry import optdb
from theanojax.rewrites.shape import ShapeOptimizer, UnShapeOptimizer, local_shape_to_shape_i, local_track_shape_i

GROUPS = {
    "useless": registry.local_useless,
    "canonicalize": registry.canonicalize,
    "stabilize": registry.stabilize,
    "specialize": registry.specialize,
    "uncanonicalize": registry.uncanonicalize,
    "specialize_device": registry.specialize_device,
}


class PrintCurrentFunctionGraph(Optimizer):
    """Prints the graph as it is at this point; for debugging."""

    def __init__(self, header):
        self.header = header

    def apply(self, fgraph):
        from theanojax.printing import debugprint

        print("PrintCurrentFunctionGraph:", self.header)
        debugprint(fgraph.outputs)


_useless = TopoDB(registry.local_useless, failure_callback=NavigatorOptimizer.warn_inplace)
_always = "fast_run fast_compile"

PASSES = [
    (-1, "CheckStackTrace", CheckStackTraceOptimization(), "" if config.check_stack_trace == "off" else _always),
    (0, "merge1", MergeOptimizer(), "fast_run fast_compile merge"),
    (0.1, "ShapeOpt", ShapeOptimizer(), _always),
    (0.6, "useless", _useless, _always),
    (0.65, "merge1.1", MergeOptimizer(), "fast_run fast_compile merge"),
    (1, "canonicalize", registry.canonicalize, "fast_run fast_compile canonicalize_db"),
    (1.2, "merge1.2", MergeOptimizer(), "fast_run fast_compile merge"),
    (1.21, "Print1.21", PrintCurrentFunctionGraph("Post-canonicalize"), ""),
    (1.5, "stabilize", registry.stabilize, "fast_run"),
    (1.51, "Print1.51", PrintCurrentFunctionGraph("Post-stabilize"), ""),
    (2, "specialize", registry.specialize, "fast_run fast_compile_gpu"),
    (3, "uncanonicalize", registry.uncanonicalize, "fast_run"),
    (10, "UnShapeOpt", UnShapeOptimizer(), ""),
    (48.6, "specialize_device", registry.specialize_device, _always),
    (49, "merge2", MergeOptimizer(), "fast_run merge"),
    (100, "merge3", MergeOptimizer(), "fast_run merge"),
]

LOCAL = [
    (local_shape_to_shape_i, "canonicalize specialize", ""),
    (local_track_shape_i, "canonicalize specialize", ""),
]


def _fill():
    for position, name, opt, tags in PASSES:
        optdb.register(name, opt, position, *tags.split())
    registry.canonicalize.register("merge", MergeOptimizer(), "fast_run", "fast_compile", cleanup=True)
    for rewrite, groups, tags in LOCAL:
        name = getattr(rewrite, "name", None) or getattr(rewrite, "__name__", None) or str(rewrite)
        for group in groups.split():
            GROUPS[group].register(name, rewrite, "fast_run", *tags.split())
    for group in ("canonicalize", "uncanonicalize", "stabilize", "specialize"):
        GROUPS[group].register("topo_constant_folding", topo_constant_folding, "fast_run", "fast_compile",
                               final_opt=True)


_fill()

_built: dict = {}


def optimizer_for(query):
    """The optimizer that `query` chooses: a Query, or the name of one ("fast_run", "o1" ... "unsafe", "merge", None).

    KeyError for a name that nothing is known by.
    """
    if not isinstance(query, Query):
        from theanojax.compile.mode import predefined_optimizers

        query = predefined_optimizers[query]
        if not isinstance(query, Query):
            return query
    if query.extra_optimizations or query.subquery:
        return optdb.query(query)
    key = (tuple(query.include), tuple(query.require), tuple(query.exclude), query.position_cutoff,
           config.optdb.position_cutoff, config.optdb.max_use_ratio, registry.version())
    if key not in _built:
        if len(_built) > 30:
            _built.clear()
        _built[key] = optdb.query(query)
    return _built[key]
