"""The names of optimizers, as in ``Mode(optimizer="fast_run")``, and the queries that they stand for."""

from theanojax.graph.rewriting.db import Query

exclude: list = []


def _query(name, query):
    query.name = name
    return query


OPT_NONE = _query("OPT_NONE", Query(include=[], exclude=exclude))
OPT_MERGE = _query("OPT_MERGE", Query(include=["merge"], exclude=exclude))
OPT_FAST_RUN = _query("OPT_FAST_RUN", Query(include=["fast_run"], exclude=exclude))
OPT_FAST_RUN_STABLE = _query("OPT_FAST_RUN_STABLE", OPT_FAST_RUN.requiring("stable"))
OPT_FAST_COMPILE = _query("OPT_FAST_COMPILE", Query(include=["fast_compile", "fast_compile_gpu"], exclude=exclude))
OPT_STABILIZE = _query("OPT_STABILIZE", Query(include=["fast_run"], exclude=exclude))
OPT_STABILIZE.position_cutoff = 1.5000001
OPT_O2 = _query("OPT_O2", OPT_FAST_COMPILE.including("fusion"))
OPT_O3 = _query("OPT_O3", OPT_FAST_RUN.excluding("inplace"))
OPT_UNSAFE = _query("OPT_UNSAFE", OPT_O3.including("unsafe"))

predefined_optimizers = {
    None: OPT_NONE,
    "None": OPT_NONE,
    "merge": OPT_MERGE,
    "o4": OPT_FAST_RUN,
    "o3": OPT_O3,
    "o2": OPT_O2,
    "o1": OPT_FAST_COMPILE,
    "unsafe": OPT_UNSAFE,
    "fast_compile": OPT_FAST_COMPILE,
    "fast_run": OPT_FAST_RUN,
    "fast_run_stable": OPT_FAST_RUN_STABLE,
    "stabilize": OPT_STABILIZE,
}


def register_optimizer(name, opt):
    """Let modes refer to `opt`, a Query or an optimizer, by `name`. ValueError if the name is taken."""
    if name in predefined_optimizers:
        raise ValueError("Optimizer name already taken: %s" % name)
    predefined_optimizers[name] = opt
