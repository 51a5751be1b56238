"""Symbolic derivatives: grad, Lop, Rop, jacobian, hessian, and what Ops need to state their gradients."""

import time
import warnings

from theanojax import tensor as tensor
from theanojax.errors import DisconnectedInputError, NullTypeGradError
from theanojax.gradient.backprop import (
    Backprop,
    dtype_kind,
    find_clients,
    float_ones_like,
    float_zeros_like,
    is_disconnected,
    is_null,
)
from theanojax.gradient.rop import moves
from theanojax.graph.collecting import seldom_of_everything
from theanojax.graph.connection import io_connection_pattern
from theanojax.graph.gradient_types import (
    DisconnectedType,
    disconnected_type,
    format_as,
    grad_not_implemented,
    grad_undefined,
)
from theanojax.graph.tag import made_by_the_caller
from theanojax.graph.tracebacks import boundary
from theanojax.graph.type import NullType, null_type
from theanojax.graph.variable import Variable
from theanojax.printing.text import get_variable_trace_string
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.gradient_ops import (
    ConsiderConstant,
    DisconnectedGrad,
    GradClip,
    GradScale,
    UndefinedGrad,
    ZeroGrad,
    consider_constant,
    consider_constant_,
    disconnected_grad,
    disconnected_grad_,
    grad_clip,
    grad_scale,
    undefined_grad,
    undefined_grad_,
    zero_grad,
    zero_grad_,
)

__all__ = [
    "ConsiderConstant",
    "DisconnectedGrad",
    "DisconnectedInputError",
    "DisconnectedType",
    "GradClip",
    "GradScale",
    "GradientError",
    "Lop",
    "NullType",
    "NullTypeGradError",
    "Rop",
    "UndefinedGrad",
    "ZeroGrad",
    "consider_constant",
    "consider_constant_",
    "disconnected_grad",
    "disconnected_grad_",
    "disconnected_type",
    "format_as",
    "grad",
    "grad_clip",
    "grad_not_implemented",
    "grad_scale",
    "grad_undefined",
    "hessian",
    "io_connection_pattern",
    "jacobian",
    "mode_not_slow",
    "null_type",
    "numeric_grad",
    "subgraph_grad",
    "undefined_grad",
    "undefined_grad_",
    "verify_grad",
    "zero_grad",
    "zero_grad_",
]

grad_time = 0.0  # seconds spent in `grad` so far; profiles report it
_float_zeros_like = float_zeros_like
_float_ones_like = float_ones_like

_NO_PATH = (
    "%s was asked to compute the gradient with respect to a variable that is not part of the computational "
    "graph of %s, or is used only by a non-differentiable operator: %s"
)


# ---------------------------------------------------------------- gradients
@boundary
def grad(
    cost,
    wrt,
    consider_constant=None,
    disconnected_inputs="raise",
    add_names=True,
    known_grads=None,
    return_disconnected="zero",
    null_gradients="raise",
):
    """The symbolic gradient of a scalar for one or more variables.

    Parameters
    ----------
    cost : 0-dimensional Variable, or None when `known_grads` is given.
    wrt : Variable, or list or tuple of Variables (not a set, which has no order).
    consider_constant : iterable of Variables through which nothing is propagated.
    disconnected_inputs : 'raise' (DisconnectedInputError), 'warn' or 'ignore', where `cost` does not depend on an
        element of `wrt`.
    add_names : name the gradients ``(d<cost name>/d<name>)`` where both have names.
    known_grads : ordered dict from Variable to its gradient, where propagation starts besides `cost`.
    return_disconnected : what is returned for such elements: 'zero' (zeros_like), 'None' or 'Disconnected'
        (a variable of DisconnectedType).
    null_gradients : 'raise' (NullTypeGradError) or 'return', where a gradient is undefined or not implemented.

    Returns
    -------
    A Variable of the shape of `wrt`, or a list or tuple of them as `wrt` was. The dtype is that of the element of
    `wrt` if that is a float, else a float.

    Raises
    ------
    TypeError : `cost` is no scalar, or an element of `wrt` no Variable.
    AssertionError : neither `cost` nor `known_grads`.
    AssertionError or TypeError : complex numbers, which have no gradients.
    NotImplementedError : an Op has no gradient for this case.
    """
    global grad_time
    start = time.time()
    _check_cost(cost, known_grads)
    using_tuple = isinstance(wrt, tuple)
    single = not isinstance(wrt, (list, tuple))
    wrt = [wrt] if single else list(wrt)
    _check_wrt(wrt, single)
    known_grads = {} if known_grads is None else known_grads
    outputs = ([] if cost is None else [cost]) + list(known_grads)
    reported = set()

    def no_path(var):
        if var not in reported:
            reported.add(var)
            _disconnected(var, disconnected_inputs, "grad method", "the cost", DisconnectedInputError)

    with seldom_of_everything(), made_by_the_caller():
        clients = find_clients(outputs, wrt, consider_constant)
        grads = _starting_gradients(cost, known_grads)
        for v in wrt:
            if v not in clients and v is not cost and v not in grads:
                no_path(v)
                grads[v] = disconnected_type()
        for g in grads.values():
            if dtype_kind(g) not in (None, "f"):
                raise AssertionError("The gradient of the cost must be a float, not %s." % g.type)
        engine = Backprop(clients, grads, cost.name if add_names and cost is not None else None)
        found = [engine.gradient(v) for v in wrt]
    result = []
    for v, g in zip(wrt, found):
        if is_null(g) and _option("null_gradients", null_gradients, ("raise", "return")) == "raise":
            raise NullTypeGradError("tensor.grad encountered a NaN. " + g.type.why_null)
        if is_disconnected(g):
            no_path(v)
            how = _option("return_disconnected", return_disconnected, ("zero", "None", "Disconnected"))
            g = {"zero": float_zeros_like, "None": lambda _: None, "Disconnected": lambda _, g=g: g}[how](v)
        result.append(g)
    grad_time += time.time() - start
    return result[0] if single else tuple(result) if using_tuple else result


def _check_cost(cost, known_grads):
    if cost is None:
        if known_grads is None:
            raise AssertionError("cost and known_grads can't both be None.")
        return
    if is_null(cost):
        raise ValueError("Can't differentiate a NaN cost.cost is NaN because " + cost.type.why_null)
    if cost.ndim != 0:
        raise TypeError("cost must be a scalar.")


def _check_wrt(wrt, single):
    if single and isinstance(wrt[0], (set, frozenset)):
        raise TypeError(
            "wrt must not be a set. sets have no defined iteration order, so we can't return gradients "
            "in a  matching order."
        )
    for v in wrt:
        if not isinstance(v, Variable):
            raise TypeError("Expected Variable, got %s of type %s" % (v, type(v)))


def _option(name, value, allowed):
    if value not in allowed:
        raise AssertionError(
            "Invalid value %r for keyword %r, valid values are %s." % (value, name, ", ".join(map(repr, allowed)))
        )
    return value


def _starting_gradients(cost, known_grads):
    """A dict from each output to its gradient: 1 for the cost, unless `known_grads` says otherwise."""
    for g in known_grads.values():
        if not hasattr(g, "type"):
            raise TypeError(
                "output grads must be theano variables.Ambiguous whether %s should be made into tensor "
                "or sparse theano variable" % type(g)
            )
        if not (is_null(g) or is_disconnected(g)) and "float" not in str(g.type.dtype):
            raise TypeError(
                "Gradients must always be NullType, DisconnectedType, or continuous, but grad was given "
                "a known_grad of type " + str(g.type)
            )
    grads = {}
    if cost is not None:
        g = known_grads[cost] if cost in known_grads else float_ones_like(cost)
        # a float has a gradient of its own dtype; an integer's stays a float, and its Op decides what it means
        if dtype_kind(g) is not None and dtype_kind(cost) in ("f", "c"):
            g = g.astype(cost.type.dtype)
        grads[cost] = g
    grads.update(known_grads)
    return grads


def _disconnected(var, policy, method, graph, exception):
    """Do what `policy` asks when no differentiable path leads to `var`."""
    text = _NO_PATH % (method, graph, var)
    if policy == "warn":
        warnings.warn(text, stacklevel=4)
    elif policy == "raise":
        raise exception(get_variable_trace_string(var) + text)
    elif policy != "ignore":
        raise ValueError(
            "Invalid value for keyword 'disconnected_inputs', valid values are 'ignore', 'warn' and 'raise'."
        )


def subgraph_grad(wrt, end, start=None, cost=None, details=False):
    """Gradients for part of a graph: from `cost` and the known gradients `start`, down to the variables `end`.

    With it a gradient can be taken layer by layer, or past a step that has none (a sample, say) and for which the
    caller puts in a formula of his own.

    Parameters
    ----------
    wrt : list of Variables to differentiate for.
    end : list of Variables where propagation stops; their gradients are returned too.
    start : dict from Variable to its known gradient, or None.
    cost : 0-dimensional Variable whose gradient is added, or None. One of the two must be given.
    details : also return the two summands.

    Returns
    -------
    The lists of gradients for `wrt` and for `end`; with `details` also the lists of those from `start` and from
    `cost`, each None when not given. Disconnected variables have zeros.
    """
    if cost is None and start is None:
        raise AssertionError("cost and start can't both be None.")
    for name, value, kind in (("end", end, list), ("wrt", wrt, list), ("start", start, (dict, type(None)))):
        if not isinstance(value, kind):
            raise AssertionError("%s of subgraph_grad has the wrong type, %s." % (name, type(value)))
    params = list(dict.fromkeys(wrt + end))
    options = dict(wrt=params, consider_constant=end, disconnected_inputs="ignore")
    start_grads = None if start is None else grad(None, known_grads=start, **options)
    cost_grads = None if cost is None else grad(cost, **options)
    if start_grads is None or cost_grads is None:
        total = start_grads or cost_grads
    else:
        total = [a + b for a, b in zip(start_grads, cost_grads)]
    by_var = dict(zip(params, total or []))
    result = [by_var[v] for v in wrt], [by_var[v] for v in end]
    return result + (start_grads, cost_grads) if details else result


@boundary
def Lop(f, wrt, eval_points, consider_constant=None, disconnected_inputs="raise"):
    """The vector `eval_points` times the Jacobian of `f` for `wrt`.

    Parameters
    ----------
    f : Variable or list of Variables.
    wrt : Variable, or list or tuple of Variables.
    eval_points : Variable or list of Variables, one for each of `f` (AssertionError otherwise), of its shape.
    consider_constant, disconnected_inputs : as for `grad`.

    Returns
    -------
    For each element of `wrt` the sum over i of ``eval_points[i] . df[i]/dwrt``, in the container that `wrt` has.
    """
    points = list(eval_points) if type(eval_points) in (list, tuple) else [eval_points]
    using_list, using_tuple = isinstance(wrt, list), isinstance(wrt, tuple)
    f = list(f) if isinstance(f, (list, tuple)) else [f]
    if len(f) != len(points):
        raise AssertionError("Lop has %d functions but %d eval_points." % (len(f), len(points)))
    result = grad(
        None,
        list(wrt) if isinstance(wrt, (list, tuple)) else [wrt],
        known_grads=dict(zip(f, points)),
        consider_constant=consider_constant,
        disconnected_inputs=disconnected_inputs,
    )
    return format_as(using_list, using_tuple, result)


# ---------------------------------------------------------------- the R operator
@boundary
def Rop(f, wrt, eval_points, disconnected_outputs="raise", return_disconnected="zero"):
    """The Jacobian of `f` for `wrt` times the vector `eval_points`.

    Parameters
    ----------
    f : Variable, or list or tuple of Variables.
    wrt : Variable, or list or tuple of Variables.
    eval_points : one for each of `wrt` (AssertionError otherwise), of its shape; ValueError when the number of
        dimensions differs.
    disconnected_outputs : 'raise' (DisconnectedInputError), 'warn' or 'ignore', for an output that depends on no
        `wrt` by a differentiable path.
    return_disconnected : its value then: 'zero', 'None' or 'Disconnected'.

    Returns
    -------
    For each element of `f` the sum over j of ``df/dwrt[j] . eval_points[j]``, in the container that `f` has.
    """
    using_list, using_tuple = isinstance(f, list), isinstance(f, tuple)
    f, wrt, eval_points = (list(x) if isinstance(x, (list, tuple)) else [x] for x in (f, wrt, eval_points))
    if len(wrt) != len(eval_points):
        raise AssertionError("Rop has %d wrt but %d eval_points." % (len(wrt), len(eval_points)))
    _check_same_ndim(wrt, eval_points)
    with seldom_of_everything():
        found = moves(f, wrt, eval_points)
    result = []
    for out in f:
        move = found.get(out)
        if move is None:
            _disconnected(out, disconnected_outputs, "Rop method", "variables in wrt", DisconnectedInputError)
            how = str(return_disconnected).lower()
            if how == "zero":
                move = out.zeros_like()
            elif how == "disconnected":
                move = disconnected_type()
            elif how != "none":
                raise ValueError(
                    "Invalid value for keyword 'return_disconnected', valid values are 'zero', 'None' "
                    "and 'Disconnected'."
                )
        result.append(move)
    return format_as(using_list, using_tuple, result)


def _check_same_ndim(wrt, eval_points):
    for i, (v, point) in enumerate(zip(wrt, eval_points)):
        ndims = [
            getattr((x if isinstance(x, Variable) else as_tensor_variable(x)).type, "ndim", None) for x in (v, point)
        ]
        if None not in ndims and ndims[0] != ndims[1]:
            raise ValueError(
                "Element %d of wrt/eval_point have mismatched dimensionality: %d versus %d" % (i, ndims[0], ndims[1])
            )
