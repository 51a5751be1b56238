"""The engine of ``grad``: who uses what between wrt and cost, and the sum of gradient terms of each variable."""

import warnings
from functools import reduce

import numpy as np

from theanojax.config import config
from theanojax.errors import NotScalarConstantError
from theanojax.graph.connection import connection_pattern
from theanojax.graph.gradient_types import DisconnectedType, disconnected_type
from theanojax.graph.op import get_debug_values, ops_with_inner_function
from theanojax.graph.tag import made_by_the_caller
from theanojax.graph.type import NullType, null_type
from theanojax.graph.variable import Variable
from theanojax.tensor.as_tensor import get_scalar_constant_value


def dtype_kind(variable):
    """numpy's letter for the kind of `variable`'s dtype ('f' for floats ...), or None if its type has no dtype."""
    dtype = getattr(variable.type, "dtype", None)
    return None if dtype is None else np.dtype(dtype).kind


def is_discrete(variable):
    """Whether the dtype of `variable` is an integer or bool one; False if it has none."""
    return dtype_kind(variable) in ("b", "i", "u")


def is_disconnected(variable):
    """Whether `variable` stands for a gradient of something that the cost doesn't depend on."""
    return isinstance(variable.type, DisconnectedType)


def is_null(variable):
    """Whether `variable` stands for a gradient that is undefined or not implemented."""
    return isinstance(variable.type, NullType)


# ---------------------------------------------------------------- the paths from wrt to the outputs
def find_clients(outputs, wrt, consider_constant):
    """The variables on a path from `wrt` to `outputs`, as a dict from each to {Apply: [input positions]}.

    A path follows connection patterns and does not go back from a variable in `consider_constant`. The order of
    the Applies fixes the order in which gradient terms are added; it depends on the graph alone.
    """
    constants = _checked_constants(consider_constant)
    clients = {}
    seen = set()
    for output in outputs:
        stack = [_true_parents(output, constants, clients, seen)]
        while stack:
            parent = next(stack[-1], None)
            if parent is None:
                stack.pop()
            else:
                stack.append(_true_parents(parent, constants, clients, seen))
    useful = set()
    stack = list(wrt)
    while stack:
        v = stack.pop()
        if v in useful or v not in clients:
            continue
        useful.add(v)
        for node, positions in clients[v].items():
            pattern = connection_pattern(node)
            stack.extend(o for i in positions for j, o in enumerate(node.outputs) if pattern[i][j])
    return {v: users for v, users in clients.items() if v in useful}


def _true_parents(var, constants, clients, seen):
    """Yield the variables that `var` is directly a function of, having noted its Apply among their clients."""
    if var in seen:
        return
    seen.add(var)
    node = var.owner
    if node is None or var in constants:
        return
    pattern = connection_pattern(node)
    position = node.outputs.index(var)
    for i, v in enumerate(node.inputs):
        if pattern[i][position]:
            positions = clients.setdefault(v, {}).setdefault(node, [])
            if i not in positions:
                positions.append(i)
            yield v


def _checked_constants(consider_constant):
    if consider_constant is None:
        return set()
    try:
        elements = list(consider_constant)
    except TypeError:
        raise TypeError(
            "consider_constant must be an iterable collection, got " + str(type(consider_constant))
        ) from None
    for v in elements:
        if not isinstance(v, Variable):
            # a nested structure would silently leave its leaves differentiable
            raise TypeError("Elements of consider_constant must be variables, but got " + str(type(v)))
    return set(elements)


# ---------------------------------------------------------------- sums of terms
class Backprop:
    """The gradients of one cost, each found when it is first asked for.

    Parameters
    ----------
    clients : what `find_clients` gives.
    grads : dict from variable to its gradient, for those known beforehand; it is filled in place.
    cost_name : if given, gradients of named variables are named ``(d<cost_name>/d<name>)``.
    """

    def __init__(self, clients, grads, cost_name=None):
        self.clients = clients
        self.grads = grads
        self.cost_name = cost_name
        self.terms = {}  # Apply -> the terms it gives to its inputs' gradients

    def gradient(self, var):
        """The gradient for `var`: a variable, possibly of DisconnectedType or NullType."""
        stack = [] if var in self.grads else [self._solve(var)]
        while stack:  # no recursion: the graph may be thousands of nodes deep
            missing = next(stack[-1], None)
            if missing is None:
                stack.pop()
            else:
                stack.append(self._solve(missing))
        return self.grads[var]

    def _solve(self, var):
        """Store the gradient for `var`, after yielding each variable whose gradient must be known first."""
        for node in self.clients.get(var, ()):
            if node not in self.terms:
                for out in node.outputs:
                    if out not in self.grads:
                        yield out
                self.terms[node] = input_terms(node, [self.grads[out] for out in node.outputs])
        self.grads[var] = self._total(var)

    def _total(self, var):
        if var not in self.clients:
            return disconnected_type()
        terms, nulls = [], []
        for node, positions in self.clients[var].items():
            for i in positions:
                term = self.terms[node][i]
                if is_null(term):
                    nulls.append(term)
                elif not is_disconnected(term):
                    if hasattr(var, "ndim") and term.ndim != var.ndim:
                        raise ValueError(
                            "%s.grad returned a term with %d dimensions, but %d are required."
                            % (node.op, term.ndim, var.ndim)
                        )
                    terms.append(term)
        if nulls:
            total = nulls[0]
        elif terms:
            total = reduce(lambda x, y: x + y, terms)
        else:
            total = disconnected_type()
        if self.cost_name is not None and var.name is not None:
            total.name = "(d%s/d%s)" % (self.cost_name, var.name)
        return total


# ---------------------------------------------------------------- the terms of one Apply
def input_terms(node, output_grads):
    """What the Apply `node` adds to the gradient of each of its inputs, given those of its outputs.

    Calls ``node.op.L_op`` unless all is disconnected or undefined anyway, and checks what it returns: TypeError
    for None, integers or a contradiction to the connection pattern, ValueError for wrong number, shape or a
    gradient that should be zero.
    """
    pattern = connection_pattern(node)
    live = [not is_disconnected(g) for g in output_grads]
    nulls = [is_null(g) for g in output_grads]
    discrete = [is_discrete(o) for o in node.outputs]

    def reached(i, excluded=None):
        return any(p and ok and not (excluded and excluded[o]) for o, (p, ok) in enumerate(zip(pattern[i], live)))

    positions = range(len(node.inputs))
    connected = [reached(i) for i in positions]
    only_null = [not reached(i, nulls) for i in positions]
    inputs = list(node.inputs)
    if not any(connected):
        terms = [disconnected_type() for _ in inputs]
    elif all(not c or any(p and null for p, null in zip(row, nulls)) for c, row in zip(connected, pattern)):
        # an undefined gradient of one output is enough, and not what an Op can compute with
        terms = [null_type() if c else disconnected_type() for c in connected]
    else:
        inputs = _copies_of_destroyed(node)
        terms = _ask_op(node, inputs, _cast_like_outputs(node, output_grads))
    for i, term in enumerate(terms):
        for o, null in enumerate(nulls):
            if null and pattern[i][o] and isinstance(term, Variable) and not is_disconnected(term):
                terms[i] = output_grads[o]
    for i, term in enumerate(terms):
        _check_term(node, i, inputs[i], term, connected[i] and only_null[i], only_discrete=not reached(i, discrete))
    for i, term in enumerate(terms):
        _check_connected(node, i, term, connected[i])
    return terms


def _copies_of_destroyed(node):
    """The inputs of `node`; those that it overwrites as copies, since a gradient that used them would be circular."""
    destroyed = [node.inputs[i[0]] for i in (getattr(node.op, "destroy_map", None) or {}).values()]
    return [v.copy() if v in destroyed and hasattr(v, "copy") else v for v in node.inputs]


def _cast_like_outputs(node, output_grads):
    """The output gradients in the dtype of their outputs; those of integer outputs stay the floats they are."""
    result, debugging = [], config.compute_test_value != "off"
    for out, g in zip(node.outputs, output_grads):
        dtype, g_dtype = getattr(out.type, "dtype", None), getattr(g.type, "dtype", None)
        if g_dtype and not is_discrete(out) and g_dtype != dtype:
            g = g.astype(dtype)
        if is_discrete(g):
            raise AssertionError("The gradient of output %s of %s is an integer." % (out, node.op))
        if debugging and hasattr(out, "shape") and not (is_disconnected(g) or is_null(g)):
            for value, g_value in get_debug_values(out, g):
                if value.shape != g_value.shape:
                    raise ValueError(
                        "Got a gradient of shape %s on an output of shape %s" % (g_value.shape, value.shape)
                    )
        result.append(g)
    return result


def _is_of_the_user(cls):
    """Whether gradients of this class of Ops are made by code outside of this package, or call such code."""
    made_by = [getattr(cls, name, None) for name in ("L_op", "grad")]
    own = all(str(getattr(f, "__module__", "theanojax.")).startswith("theanojax.") for f in made_by)
    return cls in ops_with_inner_function or not own


def _ask_op(node, inputs, output_grads):
    with made_by_the_caller(ended=_is_of_the_user(type(node.op))):
        terms = node.op.L_op(inputs, node.outputs, output_grads)
    if terms is None:
        raise TypeError("%s.grad returned NoneType, expected iterable." % node.op)
    if len(terms) != len(inputs):
        raise ValueError("%s returned the wrong number of gradient terms." % node.op)
    return list(terms)


def _check_term(node, i, ipt, term, only_null, only_discrete):
    op = node.op
    if term is None:
        raise TypeError(
            "%s.grad returned None for a gradient term, this is prohibited. Instead of None,"
            "return zeros_like(input), disconnected_type(), or a NullType variable such as those made "
            "with the grad_undefined or grad_unimplemented helper functions." % op
        )
    if not isinstance(term, Variable):
        raise TypeError("%s.grad returned %s, expected Variable instance." % (op, type(term)))
    if config.compute_test_value != "off" and hasattr(term, "shape"):
        for value, t_value in get_debug_values(ipt, term):
            if value.shape != t_value.shape:
                raise ValueError(
                    "%s.grad returned object of shape %s as gradient term on input %d of shape %s"
                    % (op, t_value.shape, i, value.shape)
                )
    if is_null(term) or is_disconnected(term):
        return
    if dtype_kind(term) != "f":
        raise TypeError(
            "%s.grad illegally  returned an integer-valued variable. (Input index %d, dtype %s)"
            % (op, i, term.type.dtype)
        )
    if only_null:
        raise AssertionError(
            "%s.grad returned %s for input %d, all of whose paths to the cost have no gradient." % (op, term, i)
        )
    if only_discrete and is_zero(term) == "no":
        raise ValueError(
            "%s.grad returned %s of type %s for input %d. Since this input is only connected to "
            "integer-valued outputs, it should evaluate to zeros, but it evaluates to %s."
            % (op, term, type(term), i, get_scalar_constant_value(term))
        )


def _check_connected(node, i, term, connected):
    returned = not is_disconnected(term)
    if returned and not connected:
        raise TypeError(
            "%s.grad returned %s of type %s for input %d. Expected DisconnectedType instance based on  "
            "the output of the op's connection_pattern method." % (node.op, term, term.type, i)
        )
    if connected and not returned:
        text = "%s.grad returned DisconnectedType for input %d." % (node.op, i)
        if hasattr(node.op, "connection_pattern"):
            raise TypeError(text + " Its connection_pattern method does not allow this.")
        warnings.warn(text + " You may want to implement a connection_pattern method for it.", stacklevel=2)


def is_zero(x):
    """'yes', 'no' or 'maybe': whether the variable `x` is known to be zero everywhere."""
    if not hasattr(x, "type"):
        return "yes" if np.all(x == 0.0) else "no"
    if is_null(x):
        return "no"
    if is_disconnected(x):
        return "yes"
    try:
        value = get_scalar_constant_value(x)
    except NotScalarConstantError:
        return "maybe"
    return "yes" if value == 0.0 else "no"


def float_zeros_like(x):
    """Zeros of the shape of `x`, in its dtype when that is a float, else in ``config.floatX``."""
    zeros = x.zeros_like()
    return zeros if dtype_kind(zeros) == "f" else zeros.astype(config.floatX)


def float_ones_like(x):
    """Ones of the shape of `x`, in its dtype when that is a float, else in ``config.floatX``."""
    return x.ones_like(dtype=x.type.dtype if dtype_kind(x) == "f" else config.floatX)
