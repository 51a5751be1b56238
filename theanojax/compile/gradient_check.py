"""Checking gradients against finite differences."""

import numpy as np

import theanojax.tensor as T
from theanojax.compile.debug.debugmode import DebugMode
from theanojax.compile.function import function as compile_function
from theanojax.compile.mode import FAST_RUN, get_mode
from theanojax.gradient import grad
from theanojax.graph.shared import shared

_TOLERANCE = {"float16": 5e-2, "float32": 1e-2, "float64": 1e-4}


class numeric_grad:
    """The gradient of a function at a point by one-sided finite differences; it is in ``gf``.

    Parameters
    ----------
    f : function such that ``f(*pt)`` is a scalar; its arguments are numpy arrays.
    pt : array, or list or tuple of arrays, of floats. ``gf`` is an array, or a list of arrays, likewise.
    eps : step; by default that of the least precise dtype in `type_eps`.
    out_type : dtype of the result if complex, e.g. 'complex64'.
    """

    type_eps = {
        "float64": 1e-7,
        "float32": 3e-4,
        "float16": 1e-1,
        np.dtype("float64"): 1e-7,
        np.dtype("float32"): 3e-4,
        np.dtype("float16"): 1e-1,
    }

    def __init__(self, f, pt, eps=None, out_type=None):
        packed = not isinstance(pt, (list, tuple))
        points = [np.array(p) for p in ([pt] if packed else pt)]
        dtypes = [str(p.dtype) for p in points]
        working = min((self.type_eps[d], d) for d in dtypes)[1]
        if eps is None:
            eps = max(self.type_eps[d] for d in dtypes)
        ends = np.cumsum([0] + [p.size for p in points])
        # all arguments live in one flat array, so that a step is one addition
        x = np.empty(ends[-1], dtype=working)
        is_complex = out_type is not None and out_type.startswith("complex")
        gx = np.empty(ends[-1], dtype=out_type if is_complex else working)
        parts = [slice(a, b) for a, b in zip(ends[:-1], ends[1:])]
        args = [x[part].reshape(p.shape) for part, p in zip(parts, points)]
        self.gf = [gx[part].reshape(p.shape) for part, p in zip(parts, points)]
        for a, p in zip(args, points):
            a[...] = p
        f_x = f(*[a.copy() for a in args])
        start = x.copy()
        for i in range(len(x)):
            x[:] = start  # f may have written into its arguments
            x[i] += eps
            gx[i] = (f(*args) - f_x) / eps
        if packed:
            self.gf = self.gf[0]

    @staticmethod
    def abs_rel_err(a, b):
        """The absolute error ``|a - b|`` and the relative one, which divides it by ``max(|a| + |b|, 1e-8)``."""
        error = abs(a - b)
        # a one-element list, since a float16 would round the bound to 0
        relative = error / np.maximum(abs(a) + abs(b), [1e-8])
        return np.asarray(error), np.asarray(relative)

    def abs_rel_errors(self, g_pt):
        """A list of the errors of each array in the list `g_pt` against ``gf``.

        ValueError when their number or a shape differs.
        """
        if len(g_pt) != len(self.gf):
            raise ValueError("argument has wrong number of elements", len(g_pt))
        pairs = list(zip(g_pt, self.gf))
        for i, (given, numeric) in enumerate(pairs):
            if given.shape != numeric.shape:
                raise ValueError("argument element %i has wrong shape %s" % (i, (given.shape, numeric.shape)))
        return [self.abs_rel_err(*pair) for pair in pairs]

    def max_err(self, g_pt, abs_tol, rel_tol):
        """Where `g_pt` is worst: (index of the array, flat position in it, absolute error, relative error).

        Worst is the largest of ``min(abs_err / abs_tol, rel_err / rel_tol)``. ValueError when an error is not finite.
        """
        worst = []
        for abs_err, rel_err in self.abs_rel_errors(g_pt):
            for name, err in (("abs_err", abs_err), ("rel_err", rel_err)):
                if not np.all(np.isfinite(err)):
                    raise ValueError("%s not finite" % name, repr(err))
            scaled = np.minimum(abs_err / abs_tol, rel_err / rel_tol)
            i = scaled.argmax()
            worst.append((scaled.flat[i], i, abs_err.flat[i], rel_err.flat[i]))
        arg = int(np.argmax([w[0] for w in worst]))
        return (arg,) + worst[arg][1:]


class GradientError(Exception):
    """A gradient differs from finite differences by more than the tolerances.

    See docs/errors.md#gradienterror.
    """

    def __init__(self, arg, err_pos, shape, val1, val2, abs_err, rel_err, abs_tol, rel_tol):
        super().__init__()  # args stays empty: callers append remarks to it
        self.arg, self.err_pos, self.shape = arg, err_pos, shape
        self.val1, self.val2 = val1, val2
        self.abs_err, self.rel_err, self.abs_tol, self.rel_tol = abs_err, rel_err, abs_tol, rel_tol

    def __str__(self):
        return "\n".join(
            [
                "GradientError: numeric gradient and analytic gradient exceed tolerance:",
                "        At position %i of argument %i with shape %s," % (self.err_pos, self.arg, self.shape),
                "            val1 = %f      ,  val2 = %f" % (self.val1, self.val2),
                "            abs. error = %f,  abs. tolerance = %f" % (self.abs_err, self.abs_tol),
                "            rel. error = %f,  rel. tolerance = %f" % (self.rel_err, self.rel_tol),
                "Exception args: " + ", ".join(map(str, self.args)),
            ]
        )


def mode_not_slow(mode):
    """`mode`, or FAST_RUN in its place when it is FAST_COMPILE or a DebugMode (whose rewrites are kept)."""
    if mode == "FAST_COMPILE":
        return FAST_RUN
    mode = get_mode(mode)
    if isinstance(mode, DebugMode):
        return FAST_RUN.clone(optimizer=mode.optimizer)
    return mode


def verify_grad(
    fun,
    pt,
    n_tests=2,
    rng=None,
    eps=None,
    out_type=None,
    abs_tol=None,
    rel_tol=None,
    mode=None,
    cast_to_output_type=False,
    no_debug_ref=True,
):
    """Compare the symbolic gradient of `fun` with finite differences; raise GradientError when they differ.

    What is differentiated is the sum of ``u * fun(*pt)`` with a random `u` in [0.5, 1.5).

    Parameters
    ----------
    fun : function from Variables to one Variable, e.g. an Op.
    pt : list or tuple of float arrays (TypeError otherwise): the point.
    n_tests : how many times, each with another `u`.
    rng : numpy RandomState that `u` is drawn from; TypeError when None.
    eps, out_type : see `numeric_grad`.
    abs_tol, rel_tol : an error counts when it exceeds both; by default that of the least precise dtype.
    mode : mode of the compiled functions.
    cast_to_output_type : let `u` be float32 where the output is; else it is float64.
    no_debug_ref : do not use a DebugMode for the finite differences, which call the function many times.
    """
    points = _checked_points(pt)
    tolerance = max(_TOLERANCE[str(p.dtype)] for p in points)
    abs_tol = tolerance if abs_tol is None else abs_tol
    rel_tol = tolerance if rel_tol is None else rel_tol
    if rng is None:
        raise TypeError(
            "rng should be a valid instance of numpy.random.RandomState. You may want to use "
            "theano.tests.unittest_tools.verify_grad instead of theano.gradient.verify_grad."
        )

    def function(output, name, mode=mode):
        # numeric_grad works in the most precise dtype of all arguments, so some need a downcast
        return compile_function(
            inputs,
            output,
            accept_inplace=True,
            allow_input_downcast=True,
            mode=mode,
            on_unused_input="ignore",
            name=name,
        )

    inputs = [T.TensorType(p.dtype, [n == 1 for n in p.shape])(name="input %i" % i) for i, p in enumerate(points)]
    output = fun(*inputs)
    if isinstance(output, list):
        raise NotImplementedError("cant (yet) autotest gradient of fun with multiple outputs")
    value = function(output, "gradient.py fwd")(*[p.copy() for p in points])
    if isinstance(value, (list, tuple)):
        raise TypeError(
            "It seems like you are trying to use verify_grad on an op or a function which outputs a list: "
            "there should be a single (array-like) output instead"
        )

    def random_projection():
        # no small elements: they would cost precision
        u = np.asarray(rng.rand(*value.shape) + 0.5)
        return u.astype("float32") if cast_to_output_type and output.dtype == "float32" else u

    u = shared(random_projection(), borrow=True)
    u.name = "random_projection"
    cost = T.sum(u * output)
    cost_fn = function(cost, "gradient.py cost", mode_not_slow(mode) if no_debug_ref else mode)
    grad_fn = function(grad(cost, inputs, disconnected_inputs="ignore"), "gradient.py symbolic grad")
    for test in range(n_tests):
        try:
            _compare(cost_fn, grad_fn, points, eps, out_type, abs_tol, rel_tol)
            if test < n_tests - 1:
                u.set_value(random_projection(), borrow=True)
        except Exception as e:
            e.args += (
                "\nThe error happened with the following inputs:",
                points,
                "\nThe value of eps is:",
                eps,
                "\nThe out_type is:",
                out_type,
            )
            raise


def _checked_points(pt):
    if not isinstance(pt, (list, tuple)):
        raise AssertionError("verify_grad needs a list or tuple of arrays, not %s." % type(pt))
    points = [np.array(p) for p in pt]
    for i, p in enumerate(points):
        if str(p.dtype) not in _TOLERANCE:
            raise TypeError(
                'verify_grad can work only with floating point inputs, but input %i has dtype "%s".' % (i, p.dtype)
            )
    return points


def _compare(cost_fn, grad_fn, points, eps, out_type, abs_tol, rel_tol):
    numeric = numeric_grad(cost_fn, [p.copy() for p in points], eps, out_type)
    analytic = grad_fn(*[p.copy() for p in points])
    arg, position, abs_err, rel_err = numeric.max_err(analytic, abs_tol, rel_tol)
    if abs_err > abs_tol and rel_err > rel_tol:
        raise verify_grad.E_grad(
            arg,
            position,
            analytic[arg].shape,
            analytic[arg].flat[position],
            numeric.gf[arg].flat[position],
            abs_err,
            rel_err,
            abs_tol,
            rel_tol,
        )


verify_grad.E_grad = GradientError
