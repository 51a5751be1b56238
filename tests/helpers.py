"""The checks that every Op and every program of the tests goes through."""

import re

import numpy as np
import pytest

import theanojax.gradient as gradient
from theanojax.errors import ShapeError
from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.traverse import io_toposort
from theanojax.runtime import make_executor
from theanojax.runtime.host import HostExecutor
from theanojax.runtime.policy.polymorphic import PolymorphicExecutor
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.shape import shape_i


def both(inputs, outputs, values):
    """The outputs by the host executor and by the XLA executor, after checking that they agree.

    Values, dtypes, shapes and exception types must be the same, and XLA must not have fallen back silently.
    """
    single = not isinstance(outputs, (list, tuple))
    want, _ = run_both(inputs, [outputs] if single else list(outputs), values)
    return want[0] if single else want


def run_both(inputs, outs, values, rtol=None):
    """(output values, XLA executor), once both executors have shown the same outputs, or the same error."""
    values = [v.type.filter(x, allow_downcast=True) for v, x in zip(inputs, values)]
    host = HostExecutor((list(inputs), outs))
    xla = make_executor(FunctionGraph(list(inputs), outs), "cvm")
    try:
        want = host(values)
    except Exception as error:
        if not loops_in(host):
            with pytest.raises(Exception):
                PolymorphicExecutor((list(inputs), outs))(values)
        try:
            got = xla(values)
        except Exception as other:
            assert type(other) is type(error), (other, error)
            raise
        raise AssertionError("XLA returned %r where the host raised %r" % (got, error)) from error
    if not loops_in(host):
        generated = PolymorphicExecutor((list(inputs), outs))
        for var, a, b in zip(outs, want, generated(values)):
            agree(var, a, b, rtol)
        if generated.code is not None:
            numbers = () if generated.shape_program is None else generated.shape_program(values)
            assert generated.code(values, numbers) is not None, "the generated code refuses what the host can do"
    for _ in range(2):  # the second call takes the compiled path
        got = xla(values)
        assert not xla.fallbacks, xla.fallbacks
        wrong = []
        for i, (var, a, b) in enumerate(zip(outs, want, got)):
            try:
                agree(var, a, b, rtol)
            except AssertionError as e:
                wrong.append("output %d, %s, host (desired) against XLA (actual): %s" % (i, var, e))
        assert not wrong, "\n".join(wrong)
    return want, xla


def loops_in(executor):
    return any(node.op.loop_steps(node) is not None for node in executor.fgraph.apply_nodes)


def agree(var, a, b, rtol=None):
    """Assert that two values of `var` are the same up to rounding."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.dtype == b.dtype, (var, a.dtype, b.dtype)
    assert a.dtype == var.type.dtype, (var, a.dtype, var.type.dtype)
    assert a.shape == b.shape, (var, a.shape, b.shape)
    if a.dtype.kind in "fc":
        rtol = max(rtol or 0, {"float16": 1e-2, "float32": 2e-5, "complex64": 2e-5}.get(str(a.dtype), 1e-9))
        np.testing.assert_allclose(b, a, rtol=rtol, atol=rtol)
    else:
        np.testing.assert_array_equal(b, a)


# ---------------------------------------------------------------- one Op, all its promises
def check_op(inputs, outputs, values, grad=True, rng=None, rtol=None, tol=1e-4, rop=True, visit=None):
    """One Op, all its promises: both executors, declared dtypes, infer_shape, gradients by differences.

    The gradient of a random projection of all float64 outputs, and the derivative in a random direction where
    there is one, are held against central differences. `outputs` are built from `inputs` by the Op
    under test; `values` should not be square, so that mixed-up dimensions show.

    Parameters
    ----------
    grad : whether there is a gradient; or the positions of the inputs that it is for.
    rtol : relative error allowed between the executors, where their algorithms differ.
    tol : relative and absolute error allowed of the differences.
    rop : whether to check the derivative in a direction.
    visit : called with the XLA executor, which has run.

    Returns the list of the output values.
    """
    outs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    values = [v.type.filter(x, allow_downcast=True) for v, x in zip(inputs, values)]
    checks = derivative_checks(inputs, outs, values, grad, rng or np.random.RandomState(3), rop)
    extra_inputs = [v for c in checks for v in c.extra_inputs]
    extra_values = [v for c in checks for v in c.extra_values]
    everything = outs + [v for c in checks for v in c.outputs]
    all_inputs, all_values = list(inputs) + extra_inputs, values + extra_values
    results, xla = run_both(all_inputs, everything, all_values, rtol)
    if visit is not None:
        visit(xla)
    check_infer_shape(all_inputs, everything, all_values)
    want, rest = results[: len(outs)], results[len(outs) :]
    for c in checks:
        c.verify(rest[: len(c.outputs)], tol)
        rest = rest[len(c.outputs) :]
    return want


def derivative_checks(inputs, outs, values, grad=True, rng=np.random, rop=True):
    """The graphs of the derivatives of `outs` with what they are to be compared with; see `check_op`."""
    moving = [i for i, v in enumerate(inputs) if getattr(v, "dtype", "") == "float64" and hasattr(v.type, "ndim")]
    if grad is not True:
        moving = list(grad or ())
    smooth = [v for v in outs if getattr(v, "dtype", "") == "float64" and hasattr(v.type, "ndim")]
    if not moving or not smooth:
        return []
    checks = [_GradientCheck(inputs, smooth, values, moving, rng)]
    if rop:
        try:
            checks.append(_DirectionCheck(inputs, smooth, values, moving, rng))
        except (NotImplementedError, ValueError) as e:
            assert re.search("R_?op", str(e)) or not str(e), e  # there may be none for some parameters
    return checks


def check_infer_shape(inputs, outs, values):
    """The shapes that ``infer_shape`` of each node promises are those of the values."""
    promised, made = [], []
    for node in io_toposort(inputs, outs):
        if hasattr(node.op, "infer_shape"):
            known = [tuple(shape_i(v, i) for i in range(getattr(v.type, "ndim", 0))) for v in node.inputs]
            try:
                shapes = node.op.infer_shape(node, known)
            except ShapeError:  # how long an output is takes computing it
                continue
            for out, shape in zip(node.outputs, shapes):
                if hasattr(out.type, "ndim") and shape is not None:
                    assert len(shape) == out.type.ndim, (node, shape)
                    promised.extend(as_tensor_variable(d) for d in shape)
                    made.append(out)
    got = HostExecutor((list(inputs), promised + made))(values)
    dims = [int(d) for d in got[: len(promised)]]
    for out, value in zip(made, got[len(promised) :]):
        shape, dims = tuple(dims[: out.type.ndim]), dims[out.type.ndim :]
        assert shape == np.shape(value), (out.owner, shape, np.shape(value))


class _Check:
    """Derivatives of float64 outputs for some inputs: ``outputs`` are run with ``extra_inputs`` on both executors."""

    def __init__(self, inputs, outs, values, moving, rng):
        self.values, self.moving = values, moving
        self.wrt = [inputs[i] for i in moving]
        self.run = HostExecutor((list(inputs), outs))
        self.at = [np.shape(v) for v in self.run(values)]
        self.extra_inputs, self.extra_values = [], []
        self.prepare(outs, rng)

    def difference(self, steps, eps=1e-6):
        """The central differences of the outputs for steps of the moving inputs, which are scaled by `eps`."""
        sides = []
        for sign in (eps, -eps):
            moved = list(self.values)
            for i, step in zip(self.moving, steps):
                if step is not None:
                    moved[i] = moved[i] + sign * step
            sides.append(self.run(moved))
        return [(a - b) / (2 * eps) for a, b in zip(*sides)]


class _GradientCheck(_Check):
    def prepare(self, outs, rng):
        self.weights = [rng.uniform(0.5, 1.5, shape) for shape in self.at]
        cost = sum((out * w).sum() for out, w in zip(outs, self.weights))
        self.outputs = gradient.grad(cost, self.wrt, disconnected_inputs="ignore")

    def verify(self, got, tol):
        for k, g in enumerate(got):
            base = self.values[self.moving[k]]
            numeric = np.zeros(base.shape)
            for pos in np.ndindex(*base.shape):
                step = np.zeros(base.shape)
                step[pos] = max(1.0, abs(float(base[pos])))
                slopes = self.difference([step if j == k else None for j in range(len(got))])
                numeric[pos] = sum((s * w).sum() for s, w in zip(slopes, self.weights)) / step[pos]
            np.testing.assert_allclose(g, numeric, rtol=tol, atol=tol, err_msg="gradient for input %d" % self.moving[k])


class _DirectionCheck(_Check):
    def prepare(self, outs, rng):
        self.extra_inputs = [v.type() for v in self.wrt]
        self.extra_values = [rng.uniform(-1, 1, np.shape(self.values[i])) for i in self.moving]
        self.outputs = gradient.Rop(outs, self.wrt, self.extra_inputs, disconnected_outputs="ignore")

    def verify(self, got, tol):
        for k, (g, numeric) in enumerate(zip(got, self.difference(self.extra_values))):
            np.testing.assert_allclose(g, numeric, rtol=tol, atol=tol, err_msg="R_op of output %d" % k)
