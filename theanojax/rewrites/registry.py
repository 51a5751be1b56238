"""optdb, the database that modes query, and the databases in it; `pipeline` fills them all.

Programs add rewrites of their own with ``register_canonicalize`` and its relatives or with ``optdb.register``.
"""

from theanojax.graph.rewriting.db import DB, EquilibriumDB, LocalGroupDB, SequenceDB

optdb = SequenceDB()
optdb.name = None

# Rewrites that only remove nodes, tried on each node until none applies.
local_useless = LocalGroupDB(apply_all_opts=True)

# Equal expressions come to look equal; then unstable ones are replaced; then whatever is quicker; then what is quicker
# but breaks the canonical form.
canonicalize = EquilibriumDB(ignore_newtrees=False)
stabilize = EquilibriumDB()
specialize = EquilibriumDB()
uncanonicalize = EquilibriumDB()
specialize_device = EquilibriumDB()

# Loops: `scan_eqopt1` repeats the sequence in it until nothing leaves a loop any more; `scan_eqopt2` merges loops.
scan_seqopt1 = SequenceDB()
scan_eqopt1 = EquilibriumDB()
scan_eqopt2 = EquilibriumDB()

blas_optdb = SequenceDB()
blas_optdb.name = "BlasOpt"
fuse_seqopt = SequenceDB()
fuse_seqopt.name = "elemwise_fusion"

conv_groupopt = LocalGroupDB()
conv_groupopt.__name__ = "conv_opts"
bn_groupopt = LocalGroupDB()
bn_groupopt.__name__ = "batchnorm_opts"


def _register(db, lopt, tags, kwargs, again):
    """Register `lopt` under its name; with a string first, a decorator that adds it as a tag."""
    if isinstance(lopt, str):
        return lambda inner: again(inner, lopt, *tags, **kwargs)
    name = kwargs.pop("name", None) or lopt.__name__
    db.register(name, lopt, "fast_run", *tags, **kwargs)
    return lopt


def register_useless(lopt, *tags, **kwargs):
    """Decorator: run the local rewrite `lopt` first, among those that only remove nodes."""
    return _register(local_useless, lopt, tags, kwargs, register_useless)


def register_canonicalize(lopt, *tags, **kwargs):
    """Decorator: run the rewrite `lopt` with those that bring expressions into a standard form.

    ``@register_canonicalize("tag")`` adds tags; `name` is another name than that of the function.
    """
    return _register(canonicalize, lopt, tags, kwargs, register_canonicalize)


def register_stabilize(lopt, *tags, **kwargs):
    """Decorator: run the rewrite `lopt` with those that replace numerically unstable expressions."""
    return _register(stabilize, lopt, tags, kwargs, register_stabilize)


def register_specialize(lopt, *tags, **kwargs):
    """Decorator: run the rewrite `lopt` with those that replace special cases by quicker expressions."""
    return _register(specialize, lopt, tags, kwargs, register_specialize)


def register_uncanonicalize(lopt, *tags, **kwargs):
    """Decorator: run the rewrite `lopt` with those that may leave the standard form."""
    return _register(uncanonicalize, lopt, tags, kwargs, register_uncanonicalize)


def register_specialize_device(lopt, *tags, **kwargs):
    """Decorator: run the rewrite `lopt` with those that depend on where the function runs."""
    return _register(specialize_device, lopt, tags, kwargs, register_specialize_device)


def version():
    """A value that changes when a rewrite is registered in, or tagged in, any of these databases."""
    dbs, seen = [optdb], set()
    counts = []
    while dbs:
        db = dbs.pop()
        if id(db) in seen:
            continue
        seen.add(id(db))
        counts.append((id(db), len(db._names), sum(map(len, db.__db__.values()))))
        dbs.extend(o for name in db._names for o in db.__db__[name] if isinstance(o, DB))
        if isinstance(getattr(db, "db", None), DB):
            dbs.append(db.db)
    return tuple(sorted(counts))
