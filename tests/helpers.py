"""The checks that every Op and every program of the tests goes through."""

import numpy as np

from theanojax.graph.fgraph import FunctionGraph
from theanojax.graph.traverse import io_toposort
from theanojax.runtime import make_executor
from theanojax.runtime.host import HostExecutor


def both(inputs, outputs, values):
    """The outputs by the host executor and by the XLA executor, after checking that they agree.

    Values, dtypes, shapes and exception types must be the same, and XLA must not have fallen back silently.
    """
    single = not isinstance(outputs, (list, tuple))
    outs = [outputs] if single else list(outputs)
    values = [v.type.filter(x, allow_downcast=True) for v, x in zip(inputs, values)]
    host = HostExecutor((list(inputs), outs))
    fgraph = FunctionGraph(list(inputs), outs)
    xla = make_executor(fgraph, "cvm")
    try:
        want = host(values)
    except Exception as error:
        try:
            got = xla(values)
        except Exception as other:
            assert type(other) is type(error), (other, error)
            raise
        raise AssertionError("XLA returned %r where the host raised %r" % (got, error)) from error
    for _ in range(2):  # the second call takes the compiled path
        got = xla(values)
        assert not xla.fallbacks, xla.fallbacks
        for var, a, b in zip(outs, want, got):
            agree(var, a, b)
    return want[0] if single else want


def agree(var, a, b, rtol=None):
    """Assert that two values of `var` are the same up to rounding."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.dtype == b.dtype, (var, a.dtype, b.dtype)
    assert a.dtype == var.type.dtype, (var, a.dtype, var.type.dtype)
    assert a.shape == b.shape, (var, a.shape, b.shape)
    if a.dtype.kind in "fc":
        rtol = rtol or {"float16": 1e-2, "float32": 2e-5, "complex64": 2e-5}.get(str(a.dtype), 1e-9)
        np.testing.assert_allclose(b, a, rtol=rtol, atol=rtol)
    else:
        np.testing.assert_array_equal(b, a)


def check_op(inputs, outputs, values, grad=True, rng=None):
    """One Op, all its promises: both executors, declared dtypes, infer_shape, gradients by differences.

    `outputs` are built from `inputs` by the Op under test; `values` should not be square, so that mixed-up
    dimensions show.
    """
    outs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    want = both(inputs, outs, values)
    check_infer_shape(inputs, outs, values, want)
    if grad:
        import theanojax.gradient as gradient

        for out in outs:
            if out.dtype in ("float64",):
                wrt = [v for v in inputs if getattr(v, "dtype", "") == "float64"]
                if wrt:
                    check_gradient(gradient, inputs, out, wrt, values, rng or np.random.RandomState(3))
    return want


def check_infer_shape(inputs, outs, values, want):
    """The shapes that ``infer_shape`` promises are those of the values."""
    from theanojax.tensor.shape import shape_i

    shapes = {v: tuple(shape_i(v, i) for i in range(v.ndim)) for v in inputs if hasattr(v.type, "ndim")}
    for node in io_toposort(inputs, outs):
        if not hasattr(node.op, "infer_shape"):
            return
        known = []
        for v in node.inputs:
            if v not in shapes:
                shapes[v] = tuple(shape_i(v, i) for i in range(getattr(v.type, "ndim", 0)))
            known.append(shapes[v])
        shapes.update(zip(node.outputs, node.op.infer_shape(node, known)))
    from theanojax.tensor.as_tensor import as_tensor_variable

    for out, value in zip(outs, want):
        dims = [as_tensor_variable(d) for d in shapes[out]]
        args = [v.type.filter(x, allow_downcast=True) for v, x in zip(inputs, values)]
        got = HostExecutor((list(inputs), dims))(args)
        assert tuple(int(d) for d in got) == np.shape(value), (out, got, np.shape(value))


def check_gradient(gradient, inputs, out, wrt, values, rng, eps=1e-6, tol=1e-4):
    """The symbolic gradient of a random projection of `out` against central differences."""
    values = [np.array(v.type.filter(x, allow_downcast=True)) for v, x in zip(inputs, values)]
    shape = np.shape(HostExecutor((list(inputs), [out]))(values)[0])
    weights = rng.uniform(0.5, 1.5, size=shape)
    cost = (out * weights).sum()
    grads = gradient.grad(cost, wrt, disconnected_inputs="ignore")
    got = both(inputs, grads, values)
    run = HostExecutor((list(inputs), [cost]))
    for var, g in zip(wrt, got):
        i = inputs.index(var)
        base = values[i]
        numeric = np.zeros(base.shape)
        for pos in np.ndindex(*base.shape):
            step = eps * max(1.0, abs(float(base[pos])))
            sides = []
            for sign in (1, -1):
                moved = base.copy()
                moved[pos] += sign * step
                sides.append(float(run(values[:i] + [moved] + values[i + 1:])[0]))
            numeric[pos] = (sides[0] - sides[1]) / (2 * step)
        np.testing.assert_allclose(g, numeric, rtol=tol, atol=tol)
