"""Lazy conditionals: `ifelse` computes one of two branches, and only that one."""

from copy import deepcopy

import numpy as np

from theanojax.config import config
from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op, with_cells
from theanojax.graph.tracebacks import boundary
from theanojax.graph.variable import Apply, Variable
from theanojax.tensor import batch_rules, gradient_support
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.creation import zeros_like
from theanojax.tensor.type import TensorType


class IfElse(Op):
    """Returns its first `n_outs` branch inputs when the condition is not 0, else the other `n_outs`.

    Inputs are the scalar condition, the "then" values and the "else" values; both branches must agree in
    number and types, but not in shapes. Use `ifelse` to build it.
    """

    vectorize_node = batch_rules.ifelse

    def __init__(self, n_outs, as_view=False, gpu=False, name=None):
        if as_view:
            self.view_map = {i: [i + 1] for i in range(n_outs)}
        self.n_outs, self.as_view, self.gpu, self.name = n_outs, as_view, gpu, name

    def _key(self):
        return type(self), self.n_outs, self.as_view, self.gpu

    def __eq__(self, other):
        return type(self) is type(other) and self._key() == other._key()

    def __hash__(self):
        return hash(self._key())

    def __str__(self):
        words = [self.name] if self.name is not None else []
        words += ["inplace"] * bool(self.as_view) + ["gpu"] * bool(self.gpu)
        return "if{%s}" % ",".join(words)

    # ---------------------------------------------------------------- graph
    def make_node(self, c, *args):
        if len(args) != 2 * self.n_outs:
            raise AssertionError(
                "Wrong number of arguments to make_node: expected %d, got %d" % (2 * self.n_outs, len(args))
            )
        c = as_tensor_variable(c)
        if not self.gpu:
            args = [_as_branch_value(x) for x in args]
        for t, f in zip(args[: self.n_outs], args[self.n_outs :]):
            if t.type != f.type:
                raise TypeError("IfElse requires same types for true and false return values", t, f, t.type, f.type)
        if c.ndim > 0:
            raise TypeError(
                "Condition given to the op has to be a scalar with 0 standing for False, anything else for True"
            )
        return Apply(self, [c, *args], [t.type() for t in args[: self.n_outs]])

    def branches(self, values):
        """The "then" and "else" part of a list that has one entry per input."""
        return list(values[1 : 1 + self.n_outs]), list(values[1 + self.n_outs :])

    def lazy_branches(self, node):
        return node.inputs[0], *self.branches(node.inputs)

    def infer_shape(self, node, shapes):
        ts, fs = self.branches(shapes)
        if any(not isinstance(s, (list, tuple)) for s in ts + fs):
            return [None] * self.n_outs  # values that have no shape
        dims_t, dims_f = [d for s in ts for d in s], [d for s in fs for d in s]
        dims = []
        if dims_t:
            name = "shape" if self.name is None else "shape_" + self.name
            dims = IfElse(len(dims_t), name=name)(node.inputs[0], *dims_t, *dims_f, return_list=True)
        rest = iter(dims)
        return [tuple(next(rest) for _ in range(out.ndim)) for out in node.outputs]

    def grad(self, inputs, grads):
        ts, fs = self.branches(inputs)
        for_true, for_false = (
            IfElse(
                self.n_outs, as_view=self.as_view, gpu=self.gpu, name=None if self.name is None else self.name + suffix
            )
            for suffix in ("_grad_t", "_grad_f")
        )
        c = inputs[0]
        # A branch that is not taken has the gradient 0; so has an output that nothing uses, which has no dtype either.
        unused = [isinstance(g.type, DisconnectedType) for g in grads]
        dtypes = [
            (t.dtype if np.dtype(t.dtype).kind in "fc" else config.floatX) if none else g.dtype
            for t, g, none in zip(ts, grads, unused)
        ]
        zeros_t, zeros_f = ([zeros_like(v, dtype=dtype) for v, dtype in zip(vs, dtypes)] for vs in (ts, fs))
        grads_t, grads_f = (
            [zero if none else g for zero, g, none in zip(zeros, grads, unused)] for zeros in (zeros_t, zeros_f)
        )
        # A small change of the condition is taken not to change the branch.
        return (
            [c.zeros_like().astype(config.floatX)]
            + for_true(c, *grads_t, *zeros_t, return_list=True)
            + for_false(c, *zeros_f, *grads_f, return_list=True)
        )

    def R_op(self, inputs, eval_points):
        points = [zeros_like(x, dtype=x.dtype) if p is None else p for x, p in zip(inputs[1:], eval_points[1:])]
        return self(inputs[0], *points, return_list=True)

    # ---------------------------------------------------------------- running
    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        """A lazy thunk: it returns the positions of the inputs it still needs, nothing once it is done.

        What nobody uses of the branch taken is not computed, as XLA does not either.
        """
        cond = node.inputs[0]
        sides = self.branches(list(enumerate(node.inputs)))
        used = [bool(getattr(v, "clients", True)) for v in node.outputs]

        def thunk():
            if not compute_map[cond][0]:
                return [0]
            chosen = sides[0] if storage_map[cond][0] != 0 else sides[1]
            missing = [i for (i, v), needed in zip(chosen, used) if needed and not compute_map[v][0]]
            if missing:
                return missing
            share = self.as_view and chosen is sides[0]
            for out, (_, v) in zip(node.outputs, chosen):
                value = storage_map[v][0] if compute_map[v][0] else None
                storage_map[out][0] = value if share else _copy(value)
                compute_map[out][0] = True
            return []

        thunk.lazy = True
        return with_cells(thunk, node, storage_map)

    def perform(self, node, inputs, output_storage, params=None):
        ts, fs = self.branches(inputs)
        for cell, value in zip(output_storage, ts if inputs[0] != 0 else fs):
            cell[0] = _copy(value)

    def lower_xla(self, ctx, node, cond, *values):
        """With everything computed: select where shapes agree, else the condition must be known."""
        ts, fs = values[: self.n_outs], values[self.n_outs :]
        if not ctx.known(cond) and any(np.shape(t) != np.shape(f) for t, f in zip(ts, fs)):
            cond = ctx.need(node.inputs[0], cond)
        if ctx.known(cond):
            return tuple(ts if cond != 0 else fs)
        return tuple(ctx.xp.where(cond != 0, t, f) for t, f in zip(ts, fs))

    def runs_on_host(self, node):
        return not all(isinstance(v.type, TensorType) for v in node.outputs)


gradient_support.RULES[IfElse] = gradient_support.Search.of_ifelse


@boundary
def ifelse(condition, then_branch, else_branch, name=None):
    """`then_branch` if `condition` is not 0, else `else_branch`; only the chosen branch is computed.

    Parameters
    ----------
    condition : scalar tensor
    then_branch, else_branch : a variable (or value), or a list or tuple of them. Both need the same number of
        variables of the same types; shapes may differ. TypeError or ValueError otherwise.
    name : shown when the graph is printed.

    Returns
    -------
    One variable, or a list or tuple as `then_branch` was.
    """
    kind = type(then_branch) if type(then_branch) in (list, tuple) else None
    ts = list(then_branch) if kind else [then_branch]
    fs = list(else_branch) if type(else_branch) in (list, tuple) else [else_branch]
    pairs = [_same_type(t, f) for t, f in zip(ts, fs)]
    if len(ts) != len(fs):
        raise ValueError(
            "The number of values on the `then` branch should have the same number of variables as the "
            "`else` branch : (variables on `then` %d, variables on `else` %d)" % (len(ts), len(fs))
        )
    outs = IfElse(len(ts), name=name)(condition, *[t for t, _ in pairs], *[f for _, f in pairs], return_list=True)
    return outs[0] if kind is None else kind(outs)


def _same_type(t, f):
    t, f = (x if isinstance(x, Variable) else as_tensor_variable(x) for x in (t, f))
    if t.type != f.type:
        if isinstance(t.type, TensorType) and not isinstance(f.type, TensorType):
            f = t.type.filter_variable(f)
        elif isinstance(f.type, TensorType) and not isinstance(t.type, TensorType):
            t = f.type.filter_variable(t)
    if t.type != f.type:
        raise TypeError(
            "The two branches should have identical types, but they are %s and %s respectively. This error could be "
            "raised if for example you provided a one element list on the `then` branch but a tensor on the `else` "
            "branch." % (t.type, f.type)
        )
    return t, f


def _as_branch_value(x):
    if hasattr(x, "_as_TensorVariable"):
        return x._as_TensorVariable()
    return x if isinstance(x, Variable) else as_tensor_variable(x)


def _copy(value):
    return value.copy() if isinstance(value, np.ndarray) else deepcopy(value)
