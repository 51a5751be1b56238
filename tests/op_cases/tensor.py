"""Tensors: shapes, creation, reductions, joins, products, elementwise combinations."""

import numpy as np

import theanojax as theano
import theanojax.scalar as S
import theanojax.tensor as T
from tests.op_cases.case import COL, ROW, T3, V3, V4, M, N, case, ints, positive, real
from theanojax.compile.ops import _output_guard, deep_copy_op
from theanojax.gradient import consider_constant, disconnected_grad, grad_clip, grad_scale, undefined_grad, zero_grad
from theanojax.legacy.dnn_spatial import GridFits
from theanojax.rewrites.linalg import Hint
from theanojax.tensor import elemwise, reduce
from theanojax.tensor.argmax import Argmax
from theanojax.tensor.assert_op import Assert
from theanojax.tensor.creation import AllocEmpty, Tri
from theanojax.tensor.diagonal import AllocDiag, ExtractDiag
from theanojax.tensor.flatten import Flatten
from theanojax.tensor.gradient_ops import consider_constant_, view_op
from theanojax.tensor.join import Tile, default
from theanojax.tensor.linalg import blas
from theanojax.tensor.linalg.products import BatchedDot
from theanojax.tensor.nnet.bn import BNComposite
from theanojax.tensor.nonzero import Nonzero
from theanojax.tensor.shape import (
    MakeVector,
    Rebroadcast,
    Shape_i,
    scalar_from_tensor,
    specify_shape,
    tensor_from_scalar,
)

sx, sy = S.float64("x"), S.float64("y")
fused = elemwise.Elemwise(S.Composite([sx, sy], [S.tanh(sx * sy) + sx, sy / (S.sqr(sx) + 1)]))

ELEMWISE = [
    case("add broadcasts", lambda m, r, c: [m * r + c, r - c, T.maximum(m, r)], M, (ROW, real(1, 3)),
         (COL, real(2, 1))),
    case("add adds dimensions", lambda a, v: a * v, T3, V4),
    case("empty", lambda m: T.exp(m) * 2, np.zeros((0, 3))),
    case("scalars", lambda a, b: a * b + T.sin(a), 0.5, 1.5),
    case("composite", lambda a, b: fused(a, b), M, real(2, 3, seed=1), grad=False),
    case("bn composite", elemwise.Elemwise(BNComposite("float64")), M, (ROW, real(1, 3)), (ROW, positive(1, 3)),
         (ROW, real(1, 3, seed=1)), (ROW, real(1, 3, seed=2))),
    case("inplace", T.inplace.add_inplace, M, real(2, 3, seed=1)),
    case("dimshuffle", lambda a: [a.dimshuffle(2, "x", 0, 1), a.dimshuffle(1, 0, 2)], T3),
    case("dimshuffle drops", lambda r: r.dimshuffle(1), (ROW, real(1, 3))),
]

SHAPE = [
    case("shape", lambda m, k: [m.shape, k.shape[0], Shape_i(1)(m)], M, ints(4, 5), grad=False),
    case("make_vector", lambda a, b: [MakeVector("float64")(a, b, a), T.stack([a, b])], 0.5, 1.5),
    case("scalar_from_tensor", lambda a: tensor_from_scalar(S.exp(scalar_from_tensor(a))), 0.5),
    case("reshape", lambda m, n: [m.reshape((n, 2)), m.reshape((-1,)), m.reshape((2, n, 1))], M, np.int64(3)),
    case("reshape by a vector", lambda m, s: T.reshape(m, s, ndim=2), M, ints(3, 2)),
    case("flatten", lambda a: [Flatten(2)(a), a.flatten()], T3),
    case("specify_shape", lambda m: specify_shape(m, (2, 3)) * 2, M),
    case("rebroadcast", lambda m: Rebroadcast((0, True))(m) + real(4, 3), real(1, 3)),
    case("unbroadcast", lambda m: T.unbroadcast(m, 0), (ROW, real(1, 3))),
    case("deep_copy", deep_copy_op, M, grad=False),
    case("output_guard", _output_guard, M),
    case("view", view_op, M),
    case("assert", lambda m: Assert("never")(m, T.gt(m.shape[0], 1)), M),
    case("assert of a grid", lambda m: GridFits("never")(m, T.gt(m.shape[0], 1)), M),
    case("hint", Hint(symmetric=True), M),
    case("cpu_contiguous", lambda m: T.extra_ops.cpu_contiguous(m.T), M),
    case("default", lambda m, d: default(m, d), M, real(2, 3, seed=1), grad=False),
]

CREATION = [
    case("alloc", lambda x, v, n: [T.alloc(x, n, 4), T.alloc(v, n, 3)], 0.5, V3, np.int64(2)),
    case("alloc_empty", lambda n: AllocEmpty("float64")(n, 3).shape, np.int64(2), grad=False),
    case("arange", lambda a, b, c: [T.arange(a, b, c), T.arange(b), T.arange(b, a, -c)], ints(1)[0], ints(8)[0],
         ints(2)[0]),
    case("arange of floats", lambda a, b: T.arange(a, b, 0.25), 0.5, 2.1, grad=False),
    case("eye", lambda n, m, k: [T.eye(n, m, k), T.eye(n, m, -1), T.eye(n)], ints(3)[0], ints(4)[0], ints(1)[0]),
    case("tri", lambda n, m, k: Tri("float64")(n, m, k), ints(3)[0], ints(4)[0], ints(1)[0]),
    case("tril", lambda m: [T.tril(m), T.triu(m, 1)], N),
    case("nonzero", lambda m: Nonzero()(m), np.array([[0, 1.5, 0], [2, 0, 3]]), grad=False),
    case("bartlett", T.bartlett, np.int64(5), grad=False),
    case("extract_diag", lambda m, a: [ExtractDiag()(m), ExtractDiag(1, 0, 2)(a), T.diag(m)], N, T3, grad=[0]),
    case("alloc_diag", lambda v, m: [AllocDiag()(v), AllocDiag(1, 0, 1)(m)], V3, M),
    case("fill_diagonal", lambda m, x: T.fill_diagonal(m, x), N, 0.5),
    case("fill_diagonal_offset", lambda m, x, k: T.extra_ops.fill_diagonal_offset(m, x, k), N, 0.5, np.int64(1)),
]


def _reduction(op):
    return lambda a: [op(a), op(a, axis=1), op(a, axis=(0, 2), keepdims=True)]


REDUCTION = [
    *[case(name, _reduction(getattr(T, name)), positive(2, 3, 4))
      for name in ("sum", "prod", "mean", "var", "max", "min")],
    case("prod with zeros", lambda m: [T.prod(m, axis=0), T.prod(m, axis=1)], np.array([[0.0, 2, 3], [0, 0, 5]])),
    case("prod without zeros", lambda m: T.prod(m, axis=1, no_zeros_in_input=True), M),
    case("product of what is not zero", reduce.ProdWithoutZeros(1), np.array([[0.0, 2, 3], [0, 0, 5]]), grad=False),
    case("mean op", reduce.Mean(1), M, grad=False),
    case("all, any", lambda m: [T.all(m, axis=1), T.any(m, axis=0), T.all(m), T.any(m)],
         np.array([[1, 0, 1], [1, 1, 1]], dtype=bool)),
    case("bitwise reductions", lambda k: [elemwise.CAReduce(S.and_, 1)(k), elemwise.CAReduce(S.xor, 0)(k),
                                          elemwise.CAReduce(S.or_)(k)], ints([7, 3], [5, 4], [1, 2])),
    case("maximum", reduce.CAReduce(S.maximum, 1), M, grad=False),
    case("reduction of numbers", lambda k: [T.sum(k, axis=0), T.prod(k), T.max(k, axis=1), T.mean(k)],
         ints([7, -3], [5, 4], dtype="int8")),
    case("sum along no axis", lambda v: [reduce.Sum(())(v), reduce.Sum((0,))(v)], real(3)),
    case("reduction by a dtype", lambda m: elemwise.CAReduceDtype(S.add, 0, dtype="float64", acc_dtype="float64")(m), M,
         grad=False),
    case("max_and_argmax", lambda m: T.max_and_argmax(m, axis=1), M),
    case("argmax", lambda a: [T.argmax(a, axis=1), T.argmin(a), Argmax((0, 2))(a)], T3, grad=False),
    case("complex sum", lambda z: [z.sum(axis=0), z.mean()], M + 1j),
]

JOIN = [
    case("join", lambda a, b: [T.join(0, a, b), T.concatenate([a.T, b.T], axis=1), T.stack([a, a], axis=1)], M,
         real(4, 3)),
    case("join along a variable", lambda k, a, b: T.join(k, a, b), np.int64(1), M, real(2, 4)),
    case("split", lambda m, s: T.split(m, s, 2, axis=1), M, ints(1, 2)),
    case("tile", lambda m: T.tile(m, (2, 2)), M),
    case("tile op", lambda m, r: Tile(2)(m, r), M, ints(1, 2), grad=False),
    case("repeat", lambda m, n: [T.repeat(m, n, axis=1), T.repeat(m, 2)], M, np.int64(2)),
    case("repeat each by its own number", lambda m, k: [T.repeat(m, k, axis=0), T.repeat(m.T, k, axis=-1), T.repeat(
        m[:, 0], k)], M, ints(2, 1)),
    case("roll", lambda m: T.roll(m, 1, axis=1), M),
]

PRODUCT = [
    case("dot", lambda a, b, v: [T.dot(a, b), T.dot(b, v), T.dot(v, v)], M, N, V4),
    case("dot of a vector", lambda v, m: T.dot(v, m), V3, N),
    case("dot of integers", T.dot, ints([1, 2, 3], [4, 5, 6]), ints([1, 2], [3, 4], [5, 6], dtype="int8")),
    case("batched_dot", BatchedDot(), T3, real(2, 4, 2)),
    case("tensordot", lambda a, b: T.tensordot(a, b, axes=[[2, 1], [0, 1]]), T3, real(4, 3, 2)),
    case("einsum", lambda a, b, v: [T.einsum("ij,jk,k->i", a, b, v), T.einsum("ij,jk", a, b), T.einsum("ij->", a)],
         M, N, V4),
    case("einsum of diagonals", lambda a, m: [T.einsum("iij->ij", a), T.einsum("iij,i->j", a, m[0]),
                                              T.einsum("ii", m)], real(3, 3, 2), real(3, 3)),
    case("einsum with dots", lambda a, m, r: [T.einsum("...j,jk->...k", a, m), T.einsum("...j,...j", a, r)], T3,
         real(4, 2), (ROW, real(1, 4))),
    case("einsum of integers", lambda a, b: T.einsum("ij,jk->ik", a, b), ints([1, 2, 3], [4, 5, 6]),
         ints([1, 2], [3, 4], [5, 6], dtype="int8")),
    case("gemm", blas.gemm_no_inplace, real(2, 4), 0.5, M, N, 1.5),
    case("gemv", blas.gemv_no_inplace, V3, 0.5, N, V4, 1.5),
    case("ger", blas.ger, N, 0.5, V3, V4),
    case("old names", lambda y, k, a, x: [blas.CGemv(inplace=False)(y, k, a, x, k), blas.CGer(False)(a, k, y, x),
                                          blas.ScipyGer(False)(a, k, y, x)], V3, 0.5, N, V4),
    case("dot22", blas._dot22, M, N),
    case("dot22scalar", blas._dot22scalar, M, N, 0.5),
]

GRADIENTS = [
    case("consider_constant", lambda m: [consider_constant(m) * 2, consider_constant_(m)], M, grad=False),
    case("zero_grad", lambda m: zero_grad(m) * 2, M, grad=False),
    case("undefined_grad", lambda m: undefined_grad(m) * 2, M, grad=False),
    case("disconnected_grad", lambda m: disconnected_grad(m) * 2, M, grad=False),
    case("grad_clip", lambda m: theano.grad((grad_clip(m, -0.5, 0.5) ** 2).sum(), m), M, grad=False),
    case("grad_scale", lambda m: theano.grad((grad_scale(m, 3.0) ** 2).sum(), m), M, grad=False),
]

OTHER = [
    case("cumulative", lambda a: [T.cumsum(a, axis=1), T.cumprod(a, axis=2), T.cumsum(a)], T3),
    case("diff", lambda v, a: [T.diff(v), T.diff(a, axis=1), T.diff(a, n=2, axis=2)], V4, T3),
    case("diff of a vector", T.diff, V4),
    case("searchsorted", lambda v, m: [T.searchsorted(v, m), T.searchsorted(v, m, side="right")], ints(1, 2, 2, 5),
         ints([2, 0, 9], [5, 1, 3]), grad=False),
    case("unique", lambda v: T.extra_ops.Unique(True, True, True)(v), np.array([3.0, 1, 3, 2]), grad=False),
    case("bincount", lambda v: T.bincount(v), ints(1, 2, 2, 5), grad=False),
    case("unravel_index", lambda i, d: T.unravel_index(i, d, ndim=2), ints(1, 7, 11), ints(3, 4), grad=False),
    case("ravel_multi_index", lambda i, j, d: T.ravel_multi_index((i, j), d), ints(1, 2), ints(3, 0), ints(3, 4)),
    case("permute_row_elements", lambda m, p: [T.permute_row_elements(m, p), T.permute_row_elements(m, p, 1)], M,
         ints([2, 0, 1], [1, 0, 2])),
    case("choose", lambda k, c: [T.choose(k, c), T.choose(k - 3, c, mode="wrap"), T.choose(
        3 * k, c, mode="clip")], ints([0, 1, 1], [1, 0, 1]), real(2, 2, 3)),
    case("choose from rows", lambda k, c: T.choose(k, T.patternbroadcast(c, (False, True, False))),
         ints([0, 1, 1], [1, 0, 1]), real(2, 1, 3)),
    case("diagonals", lambda a: [T.diagonal(a, 1, 0, 2), T.diagonal(a, -1, 2, 1), T.diagonal(a, 0, -1, 0)], T3),
    case("sort", lambda m: [T.sort(m, axis=0), T.argsort(m, axis=1), T.sort(m, axis=None)], M),
    case("topk in order", lambda m: T.topk_and_argtopk(m, -2, axis=1), M),
    case("topk", lambda m: T.topk_and_argtopk(m, 2, axis=1, sorted=False), M),
]

CASES = [*ELEMWISE, *SHAPE, *CREATION, *REDUCTION, *JOIN, *PRODUCT, *GRADIENTS, *OTHER]
