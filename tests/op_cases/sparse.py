"""Sparse matrices, made of their stored elements and given back dense: these are what the differences move."""

import numpy as np
import scipy.sparse

import theanojax as theano
import theanojax.sparse as sp
import theanojax.tensor as T
from tests.op_cases.case import case, ints, real
from theanojax.sparse import arithmetic, arrays, csm, index, products, random, structure

# [[., a, b], [., ., .], [c, ., d], [e, ., .]], 4 by 3
DATA, INDICES, INDPTR, SHAPE = real(5), ints(1, 2, 0, 2, 0, dtype="int32"), ints(0, 2, 2, 4, 5, dtype="int32"), (4, 3)
DENSE = real(4, 3)
ROWS = np.repeat(np.arange(4), np.diff(INDPTR))
BY_COLUMN = scipy.sparse.csr_matrix((np.arange(5) + 1.0, INDICES, INDPTR), SHAPE).tocsc()
CSC_INDICES, CSC_INDPTR = BY_COLUMN.indices, BY_COLUMN.indptr
S4, S3 = real(4, seed=2), real(3, seed=2)


def csr(data):
    return csm.CSR(data, INDICES, INDPTR, np.asarray(SHAPE, dtype="int32"))


def csr_of_ones():
    """Each row is a distribution with one outcome."""
    return csm.CSR(np.ones(3), ints(1, 0, 1, dtype="int32"), ints(0, 1, 2, 3, dtype="int32"), ints(3, 2, dtype="int32"))


def csc(data):
    return csm.CSC(data, CSC_INDICES, CSC_INDPTR, np.asarray(SHAPE, dtype="int32"))


def dense(x):
    return sp.dense_from_sparse(x)


def of(build, form=csr):
    """`build` of a sparse matrix, whose stored elements are the input; sparse outputs are made dense."""
    def graph(data, *rest):
        outs = build(form(data), *rest)
        outs = outs if isinstance(outs, (list, tuple)) else [outs]
        return [dense(v) if isinstance(v.type, sp.SparseType) else v for v in outs]

    return graph


def _square(form):
    return lambda data: form(data, ints(0, 1, 2, 0, dtype="int32"), ints(0, 1, 2, 4, dtype="int32"),
                             ints(3, 3, dtype="int32"))


SQUARE = _square(csm.CSC)
COMPARISONS = ("equal", "not_equal", "less_than", "greater_than", "less_equal", "greater_equal")
NAMES = {"equal": "Equal", "not_equal": "NotEqual", "less_than": "LessThan", "greater_than": "GreaterThan",
         "less_equal": "LessEqual", "greater_equal": "GreaterEqual"}

CASES = [
    case("csm", of(lambda a: a), DATA),
    case("csm csc", of(lambda a: a, csc), DATA),
    case("csm_properties", lambda d: [csm.csm_data(csr(d)), csm.csm_indices(csr(d)), csm.csm_shape(csr(d))], DATA),
    case("csm_grad_c", lambda d, g: arrays.csm_grad_c(*csr(d).owner.inputs, *csr(g).owner.inputs), DATA,
         real(5, seed=1), grad=False),
    case("sparse_from_dense", lambda m: [dense(csm.csr_from_dense(m)), dense(csm.csc_from_dense(m))], DENSE),
    case("cast", of(lambda a: csm.cast(a, "float32")), DATA, grad=False),
    case("transpose", of(lambda a: a.T), DATA),
    case("neg", of(lambda a: -a), DATA),
    case("col_scale", of(lambda a, s: structure.ColScaleCSC()(a, s), csc), DATA, S3),
    case("row_scale", of(lambda a, s: structure.RowScaleCSC()(a, s), csc), DATA, S4),
    case("sp_sum", of(lambda a: [sp.sp_sum(a, axis=0, sparse_grad=True), sp.sp_sum(a, axis=1, sparse_grad=True),
                                 sp.sp_sum(a, sparse_grad=True)]), DATA),
    case("diag", of(structure.diag, SQUARE), real(4)),
    case("square_diagonal", lambda v: dense(structure.square_diagonal(v)), S3),
    case("ensure_sorted_indices", of(structure.ensure_sorted_indices), DATA),
    case("remove0", of(structure.remove0), np.array([1.0, 0, 2, 3, 0]), grad=False),
    case("remove0 of what is not 0", of(structure.remove0), DATA),
    case("hstack", of(lambda a: [sp.hstack((a, a), format="csr"), sp.vstack((a, a), format="csr")]), DATA),
    case("construct_sparse_from_list", lambda x, v, i: dense(structure.construct_sparse_from_list(x, v, i)), DENSE,
         real(2, 3), ints(2, 0), grad=False),
    case("add s s", lambda d, e: dense(sp.add(csr(d), csr(e))), DATA, real(5, seed=1)),
    case("add s s data", lambda d, e: dense(arithmetic.add_s_s_data(csr(d), csr(e))), DATA, real(5, seed=1)),
    case("add s d", of(lambda a, m: sp.add(a, m)), DATA, DENSE),
    case("add s d arrays", of(lambda a, m: arrays.AddSD_ccode("csr")(a, m)), DATA, DENSE, grad=False),
    case("structured_add_s_v", of(arithmetic.structured_add_s_v), DATA, S3),
    case("mul s s", lambda d, e: dense(sp.mul(csr(d), csr(e))), DATA, real(5, seed=1)),
    case("mul s d", of(lambda a, m: sp.mul(a, m)), DATA, DENSE),
    case("mul s v", of(arithmetic.mul_s_v), DATA, S3),
    *[case(name, lambda d, e, m, name=name: [dense(getattr(arithmetic, NAMES[name] + "SS")()(csr(d), csr(e))),
                                             getattr(arithmetic, NAMES[name] + "SD")()(csr(d), m)],
           DATA, DATA[::-1].copy(), DENSE, grad=False) for name in COMPARISONS],
    case("true_dot", lambda d, e: dense(products.true_dot(csr(d), csr(e).T)), DATA, real(5, seed=1), grad=False),
    case("structured_dot", of(sp.structured_dot), DATA, real(3, 2)),
    case("structured_dot csc", of(sp.structured_dot, csc), DATA, real(3, 2)),
    case("dot", of(lambda a, m: sp.dot(a, m)), DATA, real(3, 2)),
    case("usmm", lambda d, x, y, z: products.usmm(x, csr(d), y, z), DATA, 0.5, real(3, 2), real(4, 2), grad=False),
    case("sampling_dot", lambda x, y, d: dense(products.sampling_dot(x, y, csr(d))), real(4, 2), real(3, 2), DATA,
         grad=[0, 1]),
    case("get_item_2d", of(lambda a: [a[1:3, 0:2], a[2:4]]), DATA, grad=False),
    case("get_item_scalar", of(lambda a: a[2, 0]), DATA, grad=False),
    case("get_item_list", of(lambda a, i: index.get_item_list(a, i)), DATA, ints(2, 0)),
    case("get_item_2lists", of(lambda a, i, j: index.get_item_2lists(a, i, j)), DATA, ints(2, 0), ints(0, 2)),
    # the same on the arrays that a matrix is made of, which rewriting makes of them
    case("structured_dot arrays", lambda d, m: [
        arrays.sd_csr(d, INDICES, INDPTR, m), arrays.sd_csc(d, CSC_INDICES, CSC_INDPTR, 4, m)], DATA, real(3, 2),
        grad=False),
    case("usmm arrays", lambda d, y, z: arrays.usmm_csc_dense(0.5, d, CSC_INDICES, CSC_INDPTR, 4, y, z), DATA,
         real(3, 2), real(4, 2), grad=False),
    case("products of elements", lambda d, m, v: [
        arrays.mul_s_d_csr(d, INDICES, INDPTR, m), arrays.mul_s_d_csc(d, CSC_INDICES, CSC_INDPTR, m),
        arrays.mul_s_v_csr(d, INDICES, INDPTR, v), arrays.structured_add_s_v_csr(d, INDICES, INDPTR, v)], DATA, DENSE,
        S3, grad=False),
    case("sampling_dot arrays", lambda x, y, d: arrays.sampling_dot_csr(x, y, d, INDICES, INDPTR, 3)[0], real(4, 2),
         real(3, 2), DATA, grad=False),
    case("gradient of a product", lambda d, m: theano.grad((sp.structured_dot(csr(d), m) ** 2).sum(), [d, m]), DATA,
         real(3, 2), grad=False),
    # draws that can come out in one way only
    case("draws", lambda d, n: [
        dense(random.poisson(csr(d))), dense(random.csr_dbinomial(n, T.constant(1.0), [2, 3])),
        dense(random.multinomial(n, csr_of_ones()))], np.zeros(5), np.int64(7), grad=False),
    case("sum of a product", of(lambda a, m: T.tanh(sp.structured_dot(a, m)).sum()), DATA, real(3, 2)),
]
