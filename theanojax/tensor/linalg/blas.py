"""The Ops named after BLAS functions: ``theano.tensor.blas``.

Programs can build graphs with them, and find them in the graphs of compiled functions. None of them is what runs:
XLA finds products and sums by itself.
"""

import theanojax.tensor as tensor
from theanojax.config import config
from theanojax.errors import InconsistencyError
from theanojax.graph.op import Op
from theanojax.graph.traverse import view_roots
from theanojax.graph.variable import Apply
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.linalg.products import BatchedDot, batched_dot_op
from theanojax.tensor.op_methods import InplaceOp, product_shape, shaped_like
from theanojax.tensor.type import TensorType

have_fblas = True  # whether Theano found scipy's BLAS

_FLOATS = ("float16", "float32", "float64", "complex64", "complex128")


def _accumulated(xp, start, scale, product):
    """``scale * start + product``, where a scale of zero means that `start` may hold anything, NaN even."""
    return xp.where(scale == 0, xp.zeros((), dtype=start.dtype), scale * start) + product


_KINDS = ("scalar ", "vector for ", "matrix for ")


def _check_ndims(function, **arguments):
    """TypeError unless each argument, given as (variable, ndim), has that many dimensions."""
    for name, (v, ndim) in arguments.items():
        if v.ndim != ndim:
            raise TypeError("%s requires %s%s" % (function, _KINDS[ndim], name), v.type)


class Gemv(InplaceOp):
    """``beta * y + alpha * dot(A, x)``, of a matrix A, vectors x and y and scalars alpha and beta."""

    infer_shape = shaped_like(0)

    def make_node(self, y, alpha, A, x, beta):
        inputs = y, alpha, A, x, beta = [as_tensor_variable(v) for v in (y, alpha, A, x, beta)]
        if not y.dtype == A.dtype == x.dtype:
            raise TypeError("Gemv requires matching dtypes", (y.dtype, A.dtype, x.dtype))
        _check_ndims("gemv", A=(A, 2), x=(x, 1), y=(y, 1))
        return Apply(self, inputs, [y.type()])

    def compute(self, xp, node, y, alpha, A, x, beta):
        if (A.shape[0], A.shape[1]) != (y.shape[0], x.shape[0]):
            raise ValueError(
                "Incompatible shapes for gemv (beta * y + alpha * dot(A, x)). y: %s, A: %s, x: %s "
                % (y.shape, A.shape, x.shape)
            )
        alpha, beta = xp.astype(alpha, y.dtype), xp.astype(beta, y.dtype)
        return _accumulated(xp, y, beta, alpha * xp.dot(A, x))

    def grad(self, inputs, g_outputs):
        (y, alpha, A, x, beta), (g,) = inputs, g_outputs
        return [
            beta * g,
            (g * tensor.dot(A, x)).sum(),
            alpha * tensor.outer(g, x),
            alpha * tensor.dot(A.T, g),
            (g * y).sum(),
        ]


gemv = gemv_no_inplace = Gemv(False)
gemv_inplace = Gemv(True)


class Ger(Op):
    """``A + alpha * outer(x, y)``, of a matrix A, vectors x and y and a scalar alpha."""

    __props__ = ("destructive",)

    infer_shape = shaped_like(0)

    def __init__(self, destructive):
        if destructive:
            self.destroy_map = {0: [0]}
        self.destructive = destructive

    def __str__(self):
        return "%s{%s}" % (type(self).__name__, "destructive" if self.destructive else "non-destructive")

    def make_node(self, A, alpha, x, y):
        inputs = A, alpha, x, y = [as_tensor_variable(v) for v in (A, alpha, x, y)]
        if not A.dtype == x.dtype == y.dtype == alpha.dtype:
            raise TypeError("ger requires matching dtypes", (A.dtype, alpha.dtype, x.dtype, y.dtype))
        _check_ndims("ger", alpha=(alpha, 0), A=(A, 2), x=(x, 1), y=(y, 1))
        if x.dtype not in _FLOATS[1:]:
            raise TypeError("only float and complex types supported", x.dtype)
        return Apply(self, inputs, [A.type()])

    def compute(self, xp, node, A, alpha, x, y):
        if A.shape != (x.shape[0], y.shape[0]):
            raise ValueError(
                "Incompatible shapes for ger (A + alpha * outer(x, y)). A: %s, x: %s, y: %s"
                % (A.shape, x.shape, y.shape)
            )
        return A + alpha * (x[:, None] * y)

    def grad(self, inputs, g_outputs):
        (_, alpha, x, y), (g,) = inputs, g_outputs
        return [g, (g * tensor.outer(x, y)).sum(), alpha * tensor.dot(g, y), alpha * tensor.dot(x, g)]


ger, ger_destructive = Ger(False), Ger(True)


class CGemv(Gemv):
    """Gemv as a call into a BLAS library."""


class CGer(Ger):
    """Ger as a call into a BLAS library."""


class ScipyGer(Ger):
    """Ger as a call into scipy's BLAS."""


cgemv_no_inplace, cgemv_inplace = CGemv(inplace=False), CGemv(inplace=True)
cger_no_inplace, cger_inplace = CGer(False), CGer(True)
scipy_ger_no_inplace, scipy_ger_inplace = ScipyGer(False), ScipyGer(True)


def check_force_gemv_init():
    """Whether a gemv with beta zero lets NaN in y through, so that y has to be cleared first; ours never does."""
    return False


class GemmRelated(Op):
    """Products of two matrices."""

    __props__ = ()


def _check_product(x, y):
    if x.shape[1] != y.shape[0]:
        raise ValueError(
            "Shape mismatch: x has %d cols (and %d rows) but y has %d rows (and %d cols)"
            % (x.shape[1], x.shape[0], y.shape[0], y.shape[1]),
            x.shape,
            y.shape,
        )


class Gemm(InplaceOp, GemmRelated):
    """``b * z + a * dot(x, y)``, of matrices x, y and z and scalars a and b."""

    E_rank = "gemm only works for rank 2"
    E_scalar = "gemm requires scalar argument"
    E_z_uniq = "argument z aliased to x or y"
    E_mixed = "gemm requires matching dtypes"
    E_float = "gemm requires floating-point dtypes"

    infer_shape = shaped_like(0)

    def __setstate__(self, state):
        self.__dict__.update(state)
        InplaceOp.__init__(self, self.inplace)  # old pickles have no destroy_map

    def make_node(self, *inputs):
        inputs = [as_tensor_variable(v) for v in inputs]
        if len(inputs) != 5:
            raise TypeError("Wrong number of inputs for %s (expected 5, got %s)" % (self, len(inputs)))
        z, a, x, y, b = inputs
        if self.inplace:
            for other in (x, y):
                if set(view_roots(z)) & set(view_roots(other)):
                    raise InconsistencyError(Gemm.E_z_uniq, (z, other))
        for v, ndim, text in (
            (z, 2, Gemm.E_rank),
            (a, 0, Gemm.E_scalar),
            (x, 2, Gemm.E_rank),
            (y, 2, Gemm.E_rank),
            (b, 0, Gemm.E_scalar),
        ):
            if v.ndim != ndim:
                raise TypeError(text, v)
        if not z.dtype == a.dtype == x.dtype == y.dtype == b.dtype:
            raise TypeError(Gemm.E_mixed, tuple([v.dtype for v in inputs]))
        if z.dtype not in _FLOATS:
            raise TypeError(Gemm.E_float, z.dtype)
        return Apply(self, inputs, [z.type()])

    def compute(self, xp, node, z, a, x, y, b):
        _check_product(x, y)
        if x.shape[0] != z.shape[0]:
            raise ValueError("Shape mismatch: x has %d rows but z has %d rows" % (x.shape[0], z.shape[0]))
        if y.shape[1] != z.shape[1]:
            raise ValueError("Shape mismatch: y has %d cols but z has %d cols" % (y.shape[1], z.shape[1]))
        return _accumulated(xp, z, b, a * xp.dot(x, y))

    def grad(self, inputs, g_outputs):
        (z, a, x, y, b), (g,) = inputs, g_outputs
        return [b * g, (g * tensor.dot(x, y)).sum(), a * tensor.dot(g, y.T), a * tensor.dot(x.T, g), (g * z).sum()]


gemm = gemm_no_inplace = Gemm(False)
gemm_inplace = Gemm(True)


class Dot22(GemmRelated):
    """The product of two matrices of floats of one dtype."""

    __props__ = ()
    infer_shape = product_shape
    vectorize_node = batch_rules.dot

    def make_node(self, x, y):
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        for v in (x, y):
            if v.type.ndim != 2 or v.type.dtype not in _FLOATS:
                raise TypeError(v)
        if y.type.dtype != x.type.dtype:
            raise TypeError("dtype mismatch to Dot22")
        return Apply(self, [x, y], [TensorType(x.dtype, (x.broadcastable[0], y.broadcastable[1]))()])

    def compute(self, xp, node, x, y):
        _check_product(x, y)
        return xp.dot(x, y)

    def grad(self, inputs, g_outputs):
        (x, y), (g,) = inputs, g_outputs
        return [tensor.dot(g, y.T), tensor.dot(x.T, g)]


_dot22 = Dot22()


class Dot22Scalar(GemmRelated):
    """``a * dot(x, y)``, of matrices x and y and a scalar a of one dtype."""

    __props__ = ()
    infer_shape = product_shape

    def make_node(self, x, y, a):
        for v, ndim, text in ((a, 0, Gemm.E_scalar), (x, 2, Gemm.E_rank), (y, 2, Gemm.E_rank)):
            if v.ndim != ndim:
                raise TypeError(text, v)
        if not a.dtype == x.dtype == y.dtype:
            raise TypeError("Dot22Scalar requires matching dtypes", (a.dtype, x.dtype, y.dtype))
        if a.dtype not in _FLOATS:
            raise TypeError("Dot22Scalar requires float or complex args", a.dtype)
        return Apply(self, [x, y, a], [TensorType(x.dtype, (x.broadcastable[0], y.broadcastable[1]))()])

    def compute(self, xp, node, x, y, a):
        _check_product(x, y)
        return a * xp.dot(x, y)

    def grad(self, inputs, g_outputs):
        (x, y, a), (g,) = inputs, g_outputs
        return [a * tensor.dot(g, y.T), a * tensor.dot(x.T, g), (g * tensor.dot(x, y)).sum()]


_dot22scalar = Dot22Scalar()
batched_dot = batched_dot_op


def res_is_a(node, op, maxclients=None):
    """Whether the variable `node` comes from the Op `op` and is used at most `maxclients` times."""
    if maxclients is not None and len(node.clients) > maxclients:
        return False
    return node.owner and node.owner.op == op


check_init_y = check_force_gemv_init


def ldflags(libs=True, flags=False, libs_dir=False, include_dir=False):
    """The parts of ``config.blas.ldflags``: libraries, their folders, other flags. ValueError for what is no flag."""
    found = []
    for token in config.blas.ldflags.split():
        if token[0] == token[-1] and token[0] in "'\"":
            token = token[1:-1]
        if len(token) < 3 or token[0] != "-":
            raise ValueError('invalid token "%s" in ldflags_str: "%s"' % (token, config.blas.ldflags))
        kind, value = token[1], token[2:]
        if include_dir and kind == "I":
            raise ValueError(
                "Include dirs are not used for blas. We disable this as this can hide other headers and "
                "this is not wanted.",
                token,
            )
        if libs_dir and kind == "L" or libs and kind == "l":
            found.append(value)
        elif flags and kind not in "LIl":
            found.append(token)
        elif flags and kind == "L":
            found.append("-Wl,-rpath," + value)
    return found


__all__ = [
    "BatchedDot",
    "CGemv",
    "CGer",
    "Dot22",
    "Dot22Scalar",
    "Gemm",
    "GemmRelated",
    "Gemv",
    "Ger",
    "ScipyGer",
    "_dot22",
    "_dot22scalar",
    "batched_dot",
    "cgemv_inplace",
    "cgemv_no_inplace",
    "cger_inplace",
    "cger_no_inplace",
    "check_force_gemv_init",
    "check_init_y",
    "gemm",
    "gemm_inplace",
    "gemm_no_inplace",
    "gemv",
    "gemv_inplace",
    "gemv_no_inplace",
    "ger",
    "ger_destructive",
    "have_fblas",
    "ldflags",
    "res_is_a",
    "scipy_ger_inplace",
    "scipy_ger_no_inplace",
]
