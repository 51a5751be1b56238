"""Derivatives of derivatives, and of vectors: `jacobian` and `hessian`, one row a step of a scan."""

from theanojax.gradient import grad
from theanojax.graph.gradient_types import format_as
from theanojax.graph.tracebacks import boundary
from theanojax.graph.variable import Variable
from theanojax.scan import scan
from theanojax.tensor.creation import arange


@boundary
def jacobian(expression, wrt, consider_constant=None, disconnected_inputs="raise"):
    """The Jacobian of a vector, one row a step of a scan.

    Parameters
    ----------
    expression : Variable of at most 1 dimension.
    wrt : Variable, or list or tuple of Variables.
    consider_constant, disconnected_inputs : as for `grad`.

    Returns
    -------
    For each element of `wrt` an array of shape ``(len(expression),) + wrt.shape`` (``wrt.shape`` when `expression`
    is a scalar), in the container that `wrt` has.

    AssertionError for an `expression` of more dimensions; the other errors are those of `grad`.
    """
    if not isinstance(expression, Variable):
        raise AssertionError("tensor.jacobian expects a Variable as `expression`")
    if expression.ndim >= 2:
        raise AssertionError(
            "tensor.jacobian expects a 1 dimensional variable as `expression`. If not use flatten to make it a vector"
        )
    using_list, using_tuple = isinstance(wrt, list), isinstance(wrt, tuple)
    wrt = list(wrt) if isinstance(wrt, (list, tuple)) else [wrt]
    options = dict(consider_constant=consider_constant, disconnected_inputs=disconnected_inputs)
    if expression.ndim == 0:
        return format_as(using_list, using_tuple, grad(expression, wrt, **options))

    def row(i, expression, *wrt):
        return [grad(expression[i], v, **options) for v in wrt]

    rows, updates = scan(row, sequences=arange(expression.shape[0]), non_sequences=[expression] + wrt)
    _no_updates(updates)
    return format_as(using_list, using_tuple, rows)


@boundary
def hessian(cost, wrt, consider_constant=None, disconnected_inputs="raise"):
    """The Hessian of a scalar, one row a step of a scan.

    Parameters
    ----------
    cost : 0-dimensional Variable.
    wrt : 1-dimensional Variable, or list or tuple of them.
    consider_constant, disconnected_inputs : as for `grad`.

    Returns
    -------
    For each element of `wrt` a square matrix, in the container that `wrt` has.

    AssertionError for other numbers of dimensions; the other errors are those of `grad`.
    """
    if not isinstance(cost, Variable):
        raise AssertionError("tensor.hessian expects a Variable as `cost`")
    if cost.ndim != 0:
        raise AssertionError("tensor.hessian expects a 0 dimensional variable as `cost`")
    using_list, using_tuple = isinstance(wrt, list), isinstance(wrt, tuple)
    result = []
    for v in list(wrt) if isinstance(wrt, (list, tuple)) else [wrt]:
        if not isinstance(v, Variable):
            raise AssertionError("tensor.hessian expects a (list of) Variable as `wrt`")
        if v.ndim != 1:
            raise AssertionError("tensor.hessian expects a (list of) 1 dimensional variable as `wrt`")
        g = grad(cost, v, consider_constant=consider_constant, disconnected_inputs=disconnected_inputs)

        def row(i, g, v):  # the gradient may be constant in v, which is no error
            return grad(g[i], v, consider_constant=consider_constant, disconnected_inputs="ignore")

        rows, updates = scan(row, sequences=arange(g.shape[0]), non_sequences=[g, v])
        _no_updates(updates)
        result.append(rows)
    return format_as(using_list, using_tuple, result)


def _no_updates(updates):
    if updates:
        raise AssertionError(
            "Scan has returned a list of updates. This should not happen! Report this to "
            "theano-users (also include the script that generated the error)"
        )
