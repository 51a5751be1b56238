"""What DebugMode finds: one exception class for each kind of mistake."""

import io

import numpy as np

from theanojax.graph import features
from theanojax.printing.debug import print_tree


class DebugModeError(Exception):
    """Base of all that DebugMode raises. See docs/errors.md#debugmodeerror."""


def _lines(*rows):
    return "".join("  %s: %s\n" % row for row in rows)


def _named(variables):
    return [(str(v), id(v)) for v in variables]


class BadThunkOutput(DebugModeError):
    """Running one node twice, in two ways, gave different values.

    `r` is the output variable, `val1` and `val2` what `thunk1` and `thunk2` (descriptions) computed.

    See docs/errors.md#badthunkoutput.
    """

    r = None
    thunk1 = ""
    val1 = None
    thunk2 = ""
    val2 = None

    def __init__(self, r, thunk1, val1, thunk2, val2, inputs_val=()):
        super().__init__()
        self.r, self.inputs_val = r, inputs_val
        self.thunk1, self.val1, self.thunk2, self.val2 = thunk1, val1, thunk2, val2

    def offending_op(self):
        """The class of the Op at fault."""
        return type(self.r.owner.op)

    def str_diagnostic(self):
        """The node, its inputs, and how far the two values are apart, as several lines of text."""
        node, values = self.r.owner, self.inputs_val
        return (
            "BadThunkOutput\n"
            + _lines(
                ("Apply   ", node),
                ("op      ", self.offending_op()),
                ("Outputs Type", self.r.type),
                ("Outputs Shape", getattr(self.val1, "shape", None)),
                ("Outputs Strides", getattr(self.val1, "strides", None)),
                ("Inputs Type ", [v.type for v in node.inputs]),
                ("Inputs Shape", [getattr(v, "shape", None) for v in values]),
                ("Inputs Strides", [getattr(v, "strides", None) for v in values]),
                ("Inputs values", [v if getattr(v, "size", 11) <= 10 else "not shown" for v in values]),
                ("Bad Variable", self.r),
                ("thunk1  ", self.thunk1),
                ("thunk2  ", self.thunk2),
            )
            + compare_text(self.val1, self.val2)
        )

    __str__ = str_diagnostic


def compare_text(expected, value):
    """Two values and the largest difference between them, as text."""
    out = io.StringIO()
    for word, v in (("expected    ", expected), ("value       ", value)):
        if isinstance(v, np.ndarray) and v.size and v.dtype.kind in "biufc":
            print(
                word,
                ": shape, dtype, strides, min, max, n_inf, n_nan:",
                v.shape,
                v.dtype,
                v.strides,
                v.min(),
                v.max(),
                np.isinf(v).sum(),
                np.isnan(v).sum(),
                file=out,
            )
        else:
            print(word, ":", type(v), v, file=out)
    try:
        difference = np.abs(np.asarray(value) - np.asarray(expected))
        relative = difference / np.maximum(np.abs(value) + np.abs(expected), 1e-8)
        print("  Max Abs Diff: ", difference.max(), file=out)
        print("  Max Rel Diff: ", relative.max(), file=out)
    except (TypeError, ValueError):
        print("  (the two cannot be subtracted)", file=out)
    return out.getvalue()


class BadOptimization(DebugModeError, features.BadOptimization):
    """A variable and the one that a rewrite put in its place took different values.

    See docs/errors.md#badoptimization.
    """


class BadDestroyMap(DebugModeError):
    """An Op changed input number `idx` without saying so in its destroy_map.

    See docs/errors.md#baddestroymap.
    """

    def __init__(self, node, idx, old_val, new_val, perform):
        super().__init__()
        self.node, self.idx, self.old_val, self.new_val, self.perform = node, idx, old_val, new_val, perform

    def __str__(self):
        node = self.node
        return (
            _lines(
                ("node", node),
                ("perform", self.perform),
                ("node.inputs", _named(node.inputs)),
                ("destroy_map", getattr(node.op, "destroy_map", {})),
                ("changed input idx", self.idx),
                ("changed input type", node.inputs[self.idx].type),
                ("repr (old val)", repr(self.old_val)),
                ("repr (new val)", repr(self.new_val)),
            )
            + compare_text(self.old_val, self.new_val)
            + (
                "  Hint: this can also be caused by a deficient values_eq_approx() or __eq__() implementation [which "
                "compared input values]\n"
            )
        )


class BadViewMap(DebugModeError):
    """An output shares memory with an input, or with another output, without saying so in the Op's view_map.

    See docs/errors.md#badviewmap.
    """

    def __init__(self, node, output_idx, out_storage, in_alias_idx=None, out_alias_idx=None):
        super().__init__()
        self.node, self.output_idx, self.out_storage = node, output_idx, out_storage
        self.in_alias_idx, self.out_alias_idx = in_alias_idx, out_alias_idx

    def __str__(self):
        node = self.node
        rows = [
            ("node", node),
            ("node.inputs", _named(node.inputs)),
            ("node.outputs", _named(node.outputs)),
            ("view_map", getattr(node.op, "view_map", {})),
            ("destroy_map", getattr(node.op, "destroy_map", {})),
            ("aliased output", self.output_idx),
            ("aliased output storage", self.out_storage),
        ]
        if self.in_alias_idx:
            rows.append(("aliased to inputs", self.in_alias_idx))
        if self.out_alias_idx:
            rows.append(("aliased to outputs", self.out_alias_idx))
        return _lines(*rows)


class StochasticOrder(DebugModeError):
    """Rewriting the same graph again gave another result. See docs/errors.md#stochasticorder."""


class InvalidValueError(DebugModeError):
    """A value does not fit the type of its variable. With one string as argument, that is the message.

    See docs/errors.md#invalidvalueerror.
    """

    def __init__(self, r, v=None, client_node=None, hint="none", specific_hint="none"):
        super().__init__()
        self.r, self.v, self.client_node, self.hint, self.specific_hint = r, v, client_node, hint, specific_hint
        self.full_err = r if isinstance(r, str) else None

    def __str__(self):
        if self.full_err is not None:
            return self.full_err
        r, v = self.r, self.v
        low = high = finite = "N/A"
        if isinstance(v, np.ndarray) and v.size and v.dtype.kind in "biufc":
            low, high, finite = v.min(), v.max(), np.all(np.isfinite(v))
        context = io.StringIO()
        print_tree(r, prefix="  ", depth=12, file=context)
        rows = (
            ("type(variable)", r.type),
            ("variable      ", r),
            ("type(value)   ", type(v)),
            ("dtype(value)  ", getattr(v, "dtype", "N/A")),
            ("shape(value)  ", getattr(v, "shape", "N/A")),
            ("value         ", str(v)[:100]),
            ("min(value)    ", low),
            ("max(value)    ", high),
            ("isfinite      ", finite),
            ("client_node   ", self.client_node),
            ("hint          ", self.hint),
            ("specific_hint ", self.specific_hint),
            ("context       ", "...\n" + context.getvalue()),
        )
        return "InvalidValueError\n" + "".join("        %s = %s\n" % row for row in rows)
