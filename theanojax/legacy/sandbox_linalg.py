"""``theano.sandbox.linalg.ops``: whoever imports from it has its rewrites run from then on, as in Theano.

They aren't safe enough for everybody: log(x ** 2) becomes 2 * log(x).
"""

from theanojax.rewrites import linalg
from theanojax.rewrites.registry import optdb, register_canonicalize, register_specialize, register_stabilize

_GROUPS = {"c": register_canonicalize, "s": register_stabilize, "p": register_specialize}
_ROWS = [
    (linalg.remove_hint_nodes, "c"),
    (linalg.transinv_to_invtrans, "c"),
    (linalg.inv_as_solve, "s"),
    (linalg.tag_solve_triangular, "s c"),
    (linalg.no_transpose_symmetric, "c s p"),
    (linalg.psd_solve_with_chol, "s"),
    (linalg.local_det_chol, "s p"),
    (linalg.local_log_prod_sqr, "c s p"),
    (linalg.local_log_pow, "c s p"),
]

for _rewrite, _groups in _ROWS:
    for _letter in _groups.split():
        _GROUPS[_letter](_rewrite)
optdb.register("HintsOpt", linalg.HintsOptimizer(), -1, "fast_run", "fast_compile")

imported_scipy = True
