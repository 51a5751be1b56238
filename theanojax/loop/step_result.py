"""What the step function given to scan may return."""

import warnings
from collections import OrderedDict

from theanojax.graph.tracebacks import user_stacklevel
from theanojax.graph.variable import Variable
from theanojax.tensor.as_tensor import as_tensor_variable


class until:
    """Wraps the condition that stops a loop; the last thing a step function returns.

    `condition` is a scalar. The step in which it becomes true is the last one that is kept.
    """

    def __init__(self, condition):
        self.condition = as_tensor_variable(condition)
        if self.condition.ndim != 0:
            raise AssertionError(
                "The condition of `until` must be a scalar, it has %d dimensions" % self.condition.ndim
            )


def get_updates_and_outputs(ls):
    """Sort what a step function returned into (condition or None, list of outputs, dict of updates).

    `ls` is the outputs, the updates, or a tuple of outputs, updates and `until`, in this order, any of them
    missing. ValueError otherwise.
    """
    if not _made_of_variables(ls):
        raise ValueError(
            "The return value of your scan lambda expression may only be made of lists, tuples, or dictionaries "
            "containing Theano variables (or `theano.scan_module.until` objects for conditions). In particular if "
            "you need to use constant values, you can use `tensor.constant` to turn them into Theano variables."
        )
    if _is_outputs(ls):
        return None, _as_list(ls), OrderedDict()
    if _is_updates(ls):
        return None, [], OrderedDict(ls)
    parts = list(ls) if isinstance(ls, (list, tuple)) else []
    condition, outputs, updates = None, [], OrderedDict()
    kinds = "".join(_kind(p, i == 0) for i, p in enumerate(parts))
    if kinds == "uo":
        raise ValueError(
            "The return value of the lambda function has been restricted. you have to always return "
            "first the outputs (if any), afterwards the updates (if any) and at the end the conclusion"
        )
    if kinds not in ("ou", "oc", "uc", "ouc"):
        raise ValueError("Scan cannot parse the return value of your lambda expression, which is: %s" % (ls,))
    for kind, part in zip(kinds, parts):
        if kind == "o":
            outputs = _as_list(part)
        elif kind == "u":
            updates = OrderedDict(part)
        else:
            condition = part.condition
    return condition, outputs, updates


def _kind(part, first):
    if isinstance(part, until):
        return "c"
    # An empty list is a list of no outputs where it comes first, else of no updates.
    if _is_outputs(part) and (first or not _is_updates(part)):
        return "o"
    return "u" if _is_updates(part) else "?"


def _is_outputs(x):
    return isinstance(x, Variable) or (isinstance(x, (list, tuple)) and all(isinstance(v, Variable) for v in x))


def _is_updates(x):
    if isinstance(x, dict):
        if not isinstance(x, OrderedDict) and len(x) > 1:
            warnings.warn(
                "Expected OrderedDict or OrderedUpdates, got " + str(type(x)) + ". This can make your script "
                "non-deterministic.",
                stacklevel=user_stacklevel(),
            )
        return True
    return isinstance(x, (list, tuple)) and all(isinstance(p, (list, tuple)) and len(p) == 2 for p in x)


def _as_list(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


def _made_of_variables(x):
    if isinstance(x, dict):
        x = list(x.items())
    if isinstance(x, (list, tuple)):
        return all(_made_of_variables(v) for v in x)
    return isinstance(x, (Variable, until))
