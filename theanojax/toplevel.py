"""The functions that are `theano`'s own, not a module's: they serve several kinds of variables."""

import sys

from theanojax import tensor
from theanojax.graph import above


def dot(l, r):
    """The matrix product of the variables `l` and `r`, by ``l.__dot__`` or else ``r.__rdot__`` (of sparse matrices).

    Raises NotImplementedError, with the reasons, when neither can.
    """
    reasons = []
    for this, method, other in ((l, "__dot__", r), (r, "__rdot__", l)):
        if not hasattr(this, method):
            continue
        try:
            result = getattr(this, method)(other)
        except Exception as e:  # the other side may know how
            reasons.append(e)
        else:
            if result is not NotImplemented:
                return result
    raise NotImplementedError("Dot failed for the following reasons:", tuple(reasons))


def get_scalar_constant_value(v):
    """The number that the variable `v` holds once or everywhere, when that is known without running anything.

    Raises NotScalarConstantError otherwise.
    """
    sparse = sys.modules.get("theanojax.sparse")
    node = getattr(v, "owner", None)
    made_of_parts = sparse is not None and node is not None and isinstance(node.op, sparse.CSM)
    return tensor.get_scalar_constant_value(node.inputs[0] if made_of_parts else v)


def sparse_grad(var):
    """The variable `var`, rows taken from a matrix, with a gradient that is stored as a sparse matrix.

    In ``grad(sparse_grad(x[indices]).sum(), x)`` the indices are a vector of integers, and the gradient is csc.
    AssertionError for other results of indexing.
    """
    if not isinstance(var.owner.op, tensor.AdvancedSubtensor1):
        raise AssertionError("sparse_grad needs the result of indexing with a vector of integers, as in x[indices]")
    return type(var.owner.op)(sparse_grad=True)(*var.owner.inputs)


def test(verbose=1, extra_argv=None, coverage=False, capture=True, knownfailure=True):
    """Run the tests of this package, from its repository, by pytest in a process of their own; whether all passed.

    Parameters
    ----------
    verbose : int, how much is printed; 1 is a dot for each test
    extra_argv : list of str, more arguments of pytest: paths from the root of the repository, ``["-k", "subtensor"]``
    coverage : bool, whether to measure coverage, for which pytest-cov is needed
    capture : bool, whether what tests print is kept from the terminal
    knownfailure : without effect

    ImportError where there are no tests (pip installs none) or no pytest.
    """
    from theanojax.legacy.nose_program import run_own_tests

    words = ["--verbosity=%d" % (verbose - 1), *(["--cov=theanojax"] if coverage else []), *([] if capture else ["-s"])]
    return run_own_tests([*words, *(extra_argv or [])]) == 0


# ---------------------------------------------------------------- for lower layers, which load none of these packages
def _make_list(values):
    from theanojax.typed_list import make_list

    return make_list(values)


def _construct_sparse_from_list(x, values, rows):
    from theanojax.sparse import construct_sparse_from_list

    return construct_sparse_from_list(x, values, rows)


def _to_jax(made, check):
    import theanojax

    return theanojax.to_jax(made, check=check)


def _export(made, *args, **options):
    from theanojax.interop.export import export

    return export(made, *args, **options)


above.make_list, above.construct_sparse_from_list = _make_list, _construct_sparse_from_list
above.to_jax, above.export = _to_jax, _export
