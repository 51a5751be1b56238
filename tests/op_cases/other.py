"""Control flow, lists, random numbers, Ops made of functions and graphs, files."""

import os
import tempfile

import numpy as np

import theanojax as theano
import theanojax.scalar as S
import theanojax.tensor as T
from tests.op_cases.case import V3, M, case, ints, real
from theanojax.compile.builders import OpFromGraph
from theanojax.ifelse import ifelse
from theanojax.legacy import example_ops, sandbox_fourier
from theanojax.legacy.testing import PdbBreakpoint
from theanojax.tensor import io
from theanojax.tensor.elemwise import Elemwise
from theanojax.tensor.random import basic, from_uniform, mrg, op as random_op, raw_random
from theanojax.typed_list import TypedListType, ops as lists

LIST = TypedListType(T.dvector)
ITEMS = [V3, real(4), real(2)]
RANDOM = (raw_random.random_state_type, np.random.RandomState(7))
STREAMS = mrg.substreams(np.array([12345] * 6), 2).astype("int32")
FOLDER = tempfile.TemporaryDirectory()  # gone when the process ends
FILE = os.path.join(FOLDER.name, "rows.npy")


def _scan(x, n, keep=slice(None)):
    rows, _ = theano.scan(lambda p, v: T.tanh(p * v) + v, outputs_info=T.ones_like(x), non_sequences=x, n_steps=n)
    return rows[keep]


def _until(x):
    rows, _ = theano.scan(lambda p: (p * 2, theano.scan_module.until(p.sum() > 4)), outputs_info=x, n_steps=20)
    return rows


@theano.compile.as_op([T.dmatrix], [T.dmatrix], infer_shape=lambda node, shapes: shapes)
def _doubled(m):
    return m * 2


def _of_a_graph(x, y):
    a, b = T.dmatrices("a", "b")
    return OpFromGraph([a, b], [T.tanh(a * b), a + b])(x, y)


def _from_file(m):
    np.save(FILE, M)
    return io.load(FILE, "float64", (False, False)) * m


CONTROL = [
    case("scan", lambda x, n: [_scan(x, n), _scan(x, n, -1)], V3, np.int64(3)),
    case("scan until", _until, V3 + 1.5),
    case("ifelse", lambda c, x, m: [ifelse(c, x * 2, x ** 2), ifelse(T.eq(c, 1), m, m.T)], ints(0)[()][0], V3, M),
    case("ifelse by data", lambda x, y: ifelse(T.gt(x.sum(), 100), x, y ** 2), V3, real(4)),
    case("op_from_graph", _of_a_graph, M, real(2, 3, seed=1)),
    case("checkpoint", lambda m: theano.checkpoint(lambda x: T.tanh(x * 2) * x)(m), M),
    case("the gradient of a checkpoint", lambda m: theano.grad(
        theano.checkpoint(lambda x: T.tanh(x * 2) * x)(m).sum(), m), M),
    case("as_op", lambda m: _doubled(m) + m, M, grad=False),
    case("double", example_ops.DoubleOp(), M),
    case("minimal", lambda m, x: example_ops.minimal(m, x) + x.sum(), M, V3, grad=False),
    case("fourier fft", lambda m: [sandbox_fourier.fft(m, 4, 1), sandbox_fourier.half_ifft(m, 2, 0)], M, grad=False),
    case("pdb_breakpoint", lambda m, x: PdbBreakpoint("never")(T.gt(x, 1), m, x), M, 0.5),
]

LISTS = [
    case("make_list", lambda v, w: lists.make_list([v, w, v])[1], V3, real(4), grad=False),
    case("list", lambda x, v, i: [lists.getitem(x, i), lists.append(x, v)[-1], lists.insert(x, i, v)[i],
                                  lists.extend(x, x)[4], lists.reverse(x)[0], lists.remove(x, x[0])[0],
                                  lists.index_(x, x[1]), lists.count(x, x[1]), lists.length(x)],
         (LIST, ITEMS), V3, np.int64(1), grad=False),
]

_TWO = (np.array([0.5, 0.9]), np.array([0.2, 0.4]))
_CHANCES = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
RANDOM_VARIABLES = {
    **dict.fromkeys("uniform beta normal halfnormal gamma cauchy halfcauchy invgamma".split(), _TWO),
    **dict.fromkeys("exponential poisson bernoulli".split(), _TWO[:1]),
    **dict.fromkeys("binomial nbinom".split(), (np.array([3, 5]), _TWO[0])),
    "multivariate_normal": (np.array([1.0, 2.0]), np.eye(2)), "dirichlet": (_CHANCES,), "categorical": (_CHANCES,),
    "truncexpon": (*_TWO, _TWO[0]), "betabinom": (np.array([3, 5]), *_TWO), "randint": (np.array([2, 3]), np.int64(9)),
    "multinomial": (np.int64(5), _CHANCES[0]), "permutation": (_CHANCES,), "choice": (_TWO[0],),
}  # fmt: skip

RANDOM_OPS = [
    case("random_function", lambda r, n: raw_random.uniform(r, (n, 3))[1], RANDOM, np.int64(2), grad=False),
    *[case("random_variable_%s" % name, lambda r, *args, draw=getattr(basic, name): draw(*args, rng=r), RANDOM, *args,
           grad=False) for name, args in RANDOM_VARIABLES.items()],
    case("observed", lambda x: random_op.observed(None, x), V3, grad=False),
    case("mrg_uniform", lambda r: mrg.mrg_uniform.new(r, 2, "float64", (2, 3)), STREAMS, grad=False),
    case("dot_modulo", lambda a, s, m: mrg.DotModulo()(a, s, m, a, s, m), ints([3, 2, 7], [4, 5, 9], [1, 8, 6]),
         ints(2147462578, 11, 5), ints(2147462579)[0]),
    case("multinomial", lambda p, u: [from_uniform.MultinomialFromUniform("auto")(p, u),
                                      from_uniform.MultinomialFromUniform("int64")(p, T.concatenate([u, u]), 2)],
         np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]), np.array([0.1, 0.7]), grad=False),
    case("choice", lambda p, u, v: [from_uniform.ChoiceFromUniform("int64", replace=True)(p, v, 2),
                                    from_uniform.MultinomialWOReplacementFromUniform("auto")(p, u, 2)],
         np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]), np.array([0.1, 0.7, 0.4, 0.9]), np.array([0.1, 0.7, 0.4, 0.9]),
         grad=False),
]

OUTSIDE = [
    case("print", lambda m: theano.printing.Print("m", global_fn=lambda op, value: None)(m) * 2, M),
    case("load_from_disk", _from_file, M, grad=False),
    case("softsign", lambda m: T.nnet.softsign(m), M),
    case("cast", lambda m: Elemwise(S.convert_to_float64)(m), M.astype("float32")),
]

CASES = [*CONTROL, *LISTS, *RANDOM_OPS, *OUTSIDE]
