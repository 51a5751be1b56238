"""Hints about matrices and rewrites of linear algebra: ``theano.sandbox.linalg.ops``.

`HintsFeature` keeps the hints of a graph while Hint nodes themselves are removed.
"""

import numbers

import theanojax.tensor as T
from theanojax.errors import NotScalarConstantError
from theanojax.graph.op import Op
from theanojax.graph.rewriting.base import Optimizer
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.variable import Apply
from theanojax.rewrites.common import is_integer
from theanojax.tensor.diagonal import ExtractDiag
from theanojax.tensor.elemwise import DimShuffle
from theanojax.tensor.linalg.blas import Dot22
from theanojax.tensor.linalg.nlinalg import MatrixInverse, det, extract_diag, matrix_inverse, trace
from theanojax.tensor.linalg.products import Dot
from theanojax.tensor.linalg.slinalg import Cholesky, Solve, cholesky, solve
from theanojax.tensor.op_methods import shaped_like
from theanojax.tensor.reduce import Prod


class Hint(Op):
    """A variable, with properties that rewrites may rely on: ``Hint(symmetric=True)(x)``."""

    __props__ = ("hints",)
    view_map = {0: [0]}
    infer_shape = shaped_like(0)

    def __init__(self, **kwargs):
        self.hints = tuple(kwargs.items())

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def compute(self, xp, node, x):
        return x

    def grad(self, inputs, gout):
        return list(gout)


def is_hint_node(node):
    return isinstance(node.op, Hint)


def hints(variable):
    """The hints for `variable`, a dictionary: those of its graph, or while it is in none, of its Hint node."""
    if hasattr(variable, "fgraph"):
        feature = getattr(variable.fgraph, "hints_feature", None)
        return feature.hints.get(variable, {}) if feature is not None else {}
    if variable.owner is not None and is_hint_node(variable.owner):
        return dict(variable.owner.op.hints)
    return {}


@local_optimizer([Hint])
def remove_hint_nodes(node):
    """Hint(x) -> x; the graph keeps the hints"""
    if not is_hint_node(node):
        return None
    feature = getattr(node.fgraph, "hints_feature", None)
    if feature is not None:
        for k, v in node.op.hints:
            feature.add_hint(node.inputs[0], k, v)
    return node.inputs


class HintsFeature:
    """Keeps hints while a graph is rewritten: what takes the place of a variable takes over its hints."""

    def add_hint(self, r, k, v):
        self.hints[r][k] = v

    def ensure_init_r(self, r):
        self.hints.setdefault(r, {})

    def on_attach(self, fgraph):
        if hasattr(fgraph, "hints_feature"):
            raise AssertionError("the graph has a HintsFeature already")
        fgraph.hints_feature, self.hints = self, {}
        for r in fgraph.variables:
            self.ensure_init_r(r)

    def on_import(self, fgraph, node, reason):
        for r in node.inputs + node.outputs:
            self.ensure_init_r(r)

    def update_second_from_first(self, r0, r1):
        """Give the hints of `r0` to `r1`, too; NotImplementedError when the two contradict each other."""
        for k, v in self.hints[r0].items():
            if self.hints[r1].setdefault(k, v) is not v:
                raise NotImplementedError("the hints for %s and %s contradict each other" % (r0, r1))

    def on_change_input(self, fgraph, node, i, r, new_r, reason):
        for v in (r, new_r):
            self.ensure_init_r(v)
        self.update_second_from_first(r, new_r)
        self.update_second_from_first(new_r, r)


class HintsOptimizer(Optimizer):
    """Attaches a `HintsFeature` and changes nothing."""

    def add_requirements(self, fgraph):
        fgraph.attach_feature(HintsFeature())

    def apply(self, fgraph):
        return None


def psd(v):
    """`v`, with the hint that it is a symmetric positive semi-definite matrix."""
    return Hint(psd=True, symmetric=True)(v)


def is_psd(v):
    return hints(v).get("psd", False)


def is_symmetric(v):
    return hints(v).get("symmetric", False)


def is_positive(v):
    """Whether no element of `v` can be negative: there is a hint, or it is an even power."""
    if hints(v).get("positive", False):
        return True
    if v.owner and v.owner.op == T.sqr:
        return True
    if v.owner and v.owner.op == T.pow:
        try:
            return bool(T.get_scalar_constant_value(v.owner.inputs[1]) % 2 == 0)
        except NotScalarConstantError:
            return False
    return False


def _is_transpose(node):
    return isinstance(node.op, DimShuffle) and tuple(node.op.new_order) == (1, 0)


@local_optimizer([DimShuffle])
def transinv_to_invtrans(node):
    """matrix_inverse(X).T -> matrix_inverse(X.T)"""
    if not _is_transpose(node):
        return None
    A = node.inputs[0]
    if A.owner and isinstance(A.owner.op, MatrixInverse):
        return [A.owner.op(node.op(A.owner.inputs[0]))]
    return None


@local_optimizer([Dot, Dot22])
def inv_as_solve(node):
    """A product with matrix_inverse(X) -> solve(X, ...)"""
    if not isinstance(node.op, Dot | Dot22):
        return None
    left, right = node.inputs
    if left.owner and left.owner.op == matrix_inverse:
        return [solve(left.owner.inputs[0], right)]
    if right.owner and right.owner.op == matrix_inverse:
        x = right.owner.inputs[0]
        return [solve(x if is_symmetric(x) else x.T, left.T).T]
    return None


@local_optimizer([Solve])
def tag_solve_triangular(node):
    """solve with a Cholesky factor, or its transpose, as the matrix -> a triangular solve"""
    if node.op != solve:
        return None
    A, b = node.inputs
    maker, turned = A.owner, False
    if maker and _is_transpose(maker):
        maker, turned = maker.inputs[0].owner, True
    if maker and isinstance(maker.op, Cholesky):
        return [Solve("lower_triangular" if maker.op.lower != turned else "upper_triangular")(A, b)]
    return None


@local_optimizer([DimShuffle])
def no_transpose_symmetric(node):
    """x.T -> x, of a symmetric matrix"""
    x = node.inputs[0]
    if _is_transpose(node) and is_symmetric(x):
        return [x]
    return None


@local_optimizer([Solve])
def psd_solve_with_chol(node):
    """solve with a positive definite matrix -> two triangular solves"""
    if node.op == solve and is_psd(node.inputs[0]):
        A, b = node.inputs
        factor = cholesky(A)
        return [Solve("upper_triangular")(factor.T, Solve("lower_triangular")(factor, b))]
    return None


@local_optimizer([type(det)])
def local_det_chol(node):
    """det(X) -> the product of the squared diagonal of cholesky(X), where the graph has that already"""
    if node.op != det:
        return None
    for client, _ in node.inputs[0].clients:
        if isinstance(getattr(client, "op", None), Cholesky):
            return [T.prod(extract_diag(client.outputs[0]) ** 2)]
    return None


@local_optimizer([T.log])
def local_log_prod_sqr(node):
    """log of a product of what isn't negative -> the sum of the logarithms"""
    maker = node.inputs[0].owner
    if (
        node.op == T.log
        and maker
        and isinstance(maker.op, Prod)
        and is_positive(maker.inputs[0])
        and not is_integer(node.inputs[0])
    ):
        return [T.log(maker.inputs[0]).sum(axis=maker.op.axis)]
    return None


@local_optimizer([T.log])
def local_log_pow(node):
    """log(x ** y) -> y * log(x)"""
    maker = node.inputs[0].owner
    if node.op == T.log and maker and maker.op == T.pow and not is_integer(node.inputs[0]):
        base, exponent = maker.inputs
        return [exponent * T.log(base)]
    return None


def spectral_radius_bound(X, log2_exponent):
    """An upper bound of the largest eigenvalue of a symmetric matrix.

    The matrix is squared `log2_exponent` times: the more often, the tighter the bound. After V. Pan, Estimating the
    extremal eigenvalues of a symmetric matrix, 1990.

    Raises
    ------
    TypeError : `X` is no matrix, or `log2_exponent` no integer.
    ValueError : `log2_exponent` is not positive.
    """
    if X.type.ndim != 2:
        raise TypeError("spectral_radius_bound requires a matrix argument", X)
    if not isinstance(log2_exponent, numbers.Integral):
        raise TypeError("spectral_radius_bound requires an integer exponent", log2_exponent)
    if log2_exponent <= 0:
        raise ValueError("spectral_radius_bound requires a strictly positive exponent", log2_exponent)
    power = X
    for _ in range(log2_exponent):
        power = T.dot(power, power)
    return T.pow(trace(power), 2 ** (-log2_exponent))


__all__ = [
    "Cholesky",
    "ExtractDiag",
    "Hint",
    "HintsFeature",
    "HintsOptimizer",
    "MatrixInverse",
    "Solve",
    "hints",
    "inv_as_solve",
    "is_hint_node",
    "is_positive",
    "is_psd",
    "is_symmetric",
    "local_det_chol",
    "local_log_pow",
    "local_log_prod_sqr",
    "no_transpose_symmetric",
    "psd",
    "psd_solve_with_chol",
    "remove_hint_nodes",
    "spectral_radius_bound",
    "tag_solve_triangular",
    "transinv_to_invtrans",
]
