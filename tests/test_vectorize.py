"""Graphs for many rows give what the graph for one gives for each of them."""

import numpy as np
import pytest

import theano
import theano.tensor as T
from tests.op_cases import CASES
from theanojax.graph.traverse import io_toposort
from theanojax.loop.scan_op import Scan
from theanojax.runtime.host import run_graph
from theanojax.tensor.type import TensorType
from theanojax.vectorizing.rows import Rows

pytestmark = pytest.mark.filterwarnings("ignore")


def is_tensor(v):
    return isinstance(v.type, TensorType)


def another(value, seed):
    """A value like `value`, of another row."""
    value = np.asarray(value)
    if value.dtype.kind == "f" and value.ndim:
        return (value * np.random.RandomState(seed).uniform(0.9, 1.1, value.shape)).astype(value.dtype)
    if value.dtype.kind in "iu" and value.ndim:
        return value[::-1].copy() if seed % 2 else value
    return value


def rows_of(value, n=3):
    return np.stack([another(value, seed) for seed in range(n)])


def batched_type(v):
    return TensorType(v.dtype, (False, *v.broadcastable))


def check(inputs, outs, values, moving, rows):
    """The outputs for many rows are those for each row, on the host; they are returned."""
    outs = [v for v in outs if is_tensor(v)]
    many = [batched_type(inputs[i])() for i in moving]
    found = theano.vectorize(outs, [inputs[i] for i in moving], many)
    for new, v in zip(found, outs):
        assert new.dtype == v.dtype and new.ndim == v.ndim + 1
    given = [rows[i] if i in moving else x for i, x in enumerate(values)]
    new_inputs = [many[moving.index(i)] if i in moving else v for i, v in enumerate(inputs)]
    results = run_graph(new_inputs, found, given)
    for row in range(len(rows[moving[0]])):
        want = run_graph(inputs, outs, [rows[i][row] if i in moving else x for i, x in enumerate(values)])
        for a, b in zip(results, want):
            np.testing.assert_allclose(a[row], b, rtol=1e-9, atol=1e-11)
            assert a.dtype == b.dtype
    return new_inputs, found, given, results


LAZY = {"ifelse by data": "a condition of rows takes elements of both branches, whose shapes differ here"}
PLAIN = [case for case in CASES if case.name not in LAZY]


def places_of(case):
    inputs, outs, values = case.graph()
    places = [i for i, v in enumerate(inputs) if is_tensor(v) and np.asarray(values[i]).dtype.kind in "fcb"]
    return inputs, [v for v in outs if is_tensor(v)], values, places


@pytest.mark.parametrize("case", PLAIN, ids=lambda c: c.name)
def test_values(case):
    inputs, outs, values, places = places_of(case)
    if not places or not outs:
        pytest.skip("no rows")
    rows = {i: rows_of(values[i]) for i in places}
    for moving in [places] + [[i] for i in places if len(places) > 1]:
        check(inputs, outs, values, moving, rows)


@pytest.mark.slow
@pytest.mark.parametrize("case", PLAIN, ids=lambda c: c.name)
def test_values_in_xla(case):
    inputs, outs, values, places = places_of(case)
    if not places or not outs or case.name == "output_guard":  # which only functions themselves may add
        pytest.skip("no rows")
    rows = {i: rows_of(values[i]) for i in places}
    new_inputs, found, given, results = check(inputs, outs, values, places, rows)
    f = theano.function(new_inputs, found, on_unused_input="ignore")
    for a, b in zip(f(*given), results):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("case", PLAIN, ids=lambda c: c.name)
def test_gradients(case):
    """Of rows, taken before or after these are batched."""
    inputs, outs, values, _ = places_of(case)
    wanted = case.options.get("grad", True)
    places = [i for i, v in enumerate(inputs) if is_tensor(v) and v.dtype == "float64"]
    places = places if wanted is True else [i for i in places if wanted and i in wanted]
    floats = [v for v in outs if v.dtype == "float64"]
    if not places or not floats:
        pytest.skip("no gradient")
    cost = sum(T.sum(v * T.cast(T.arange(1, v.size + 1).reshape(v.shape, ndim=v.ndim), v.dtype)) for v in floats)
    moving = [inputs[i] for i in places]
    before = T.grad(cost, moving, disconnected_inputs="ignore")
    rows = {i: rows_of(values[i]) for i in places}
    new_inputs, found, given, results = check(inputs, [cost, *before], values, places, rows)
    many = [new_inputs[i] for i in places]
    after = T.grad(found[0].sum(), many, disconnected_inputs="ignore")
    for a, b in zip(run_graph(new_inputs, after, given), results[1:]):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


# ---------------------------------------------------------------- without a loop
def nodes_of(outs):
    return io_toposort([], outs if isinstance(outs, list) else [outs])


def is_looped(outs):
    return any(isinstance(n.op, Scan) for n in nodes_of(outs))


# Ops that have no rule: XLA maps what it computes over the rows.
MAPPED = set(
    "Det MatrixInverse MatrixPinv Cholesky CholeskyGrad Solve Expm ExpmGrad Eigh SVD QRFull QRIncomplete Eigvalsh "
    "TensorInv TensorSolve AllocDiag DoubleOp Fourier ConvOp Images2Neibs Choose FillDiagonal FillDiagonalOffset "
    "Gemm Gemv Ger CGemv CGer ScipyGer Dot22Scalar DiagonalSubtensor "
    "IncDiagonalSubtensor AbstractBatchNormTrain AbstractBatchNormInference AbstractBatchNormTrainGrad "
    "ConnectionistTemporalClassification AbstractConv2d_gradWeights AbstractConv3d_gradWeights "
    "CorrMM_gradWeights Corr3dMM_gradWeights Hint Prepend_scalar_to_each_row".split()
)
# Ops that only the host runs: a loop.
LOOPED = set("Default Eig FromFunctionOp Minimal PdbBreakpoint lstsq Nonzero Unique".split())
# What differs between rows is the second input, kernels being the first. Parts of sparse matrices are looped over.
SECOND = "AbstractConv2d_gradInputs AbstractConv3d_gradInputs CorrMM_gradInputs Corr3dMM_gradInputs".split()


@pytest.mark.parametrize("case", PLAIN, ids=lambda c: c.name)
def test_only_these_ops_are_mapped_or_looped(case):
    inputs, outs, values, places = places_of(case)
    places = [i for i in places if np.asarray(values[i]).ndim]
    if not places or not outs:
        pytest.skip("no rows")
    for node in io_toposort(inputs, outs):
        tensors = [v for v in node.inputs if is_tensor(v) and v.dtype.startswith("float")]
        sparse = "sparse" in type(node.op).__module__
        if not tensors or sparse or not all(map(is_tensor, node.inputs + node.outputs)):
            continue
        v = tensors[type(node.op).__name__ in SECOND]
        many = {v: batched_type(v)()}
        found = theano.vectorize_graph(list(node.outputs), many)
        nested = sum(isinstance(n.op, Scan) for n in nodes_of(found))
        before = sum(isinstance(n.op, Scan) for n in nodes_of(list(node.outputs)))
        assert nested <= before or type(node.op).__name__ in LOOPED, node
        mapped = any(isinstance(n.op, Rows) for n in nodes_of(found))
        assert not mapped or type(node.op).__name__ in MAPPED, node


@pytest.mark.parametrize("name", ["x", "i", "j", "x i", "x i j", "i j", "x j"])
def test_indices_that_differ_between_rows(name):
    x, i, j, k = T.tensor4("x"), T.lvector("i"), T.lvector("j"), T.lscalar("k")
    inputs = [x, i, j, k]
    values = [np.random.RandomState(0).randn(3, 4, 5, 2), np.array([2, 0, 1]), np.array([0, 3, 1]), np.int64(1)]
    many = [np.stack([values[0], values[0] + 1]), np.array([[2, 0, 1], [0, 1, 2]]), np.array([[0, 3, 1], [1, 1, 0]])]
    parts = [x[i], x[:, i], x[i, j], x[:, j, :, k], x[i, :, j], x[:, :, i, j % 2], x[k, i], x[1:, j, k:, 0]]
    parts += [x[i.dimshuffle(0, "x"), j], x[i, None, j], x[:, i[0]], x[i[1], :, j[0]], x[i[0], 1:, k], x[..., i[1] % 2]]
    outs = [*parts, T.grad(sum((p**2).sum() for p in parts), x)]
    for part in parts:
        outs += [T.inc_subtensor(part, part * 2), T.set_subtensor(part, 1.5), T.inc_subtensor(part, x[0, 0, 0, 0])]
    moving = ["xij".index(c) for c in name.split()]
    values[: len(many)] = [m if n in moving else v for n, (m, v) in enumerate(zip(many, values))]
    _check_many(inputs, outs, values, moving)


def _check_many(inputs, outs, given, moving):
    many = {inputs[i]: batched_type(inputs[i])() for i in moving}
    found = theano.vectorize(outs, many)
    assert not is_looped(found)
    new_inputs = [many.get(v, v) for v in inputs]
    results = run_graph(new_inputs, found, given)
    f = theano.function(new_inputs, found, on_unused_input="ignore")
    for a, b in zip(f(*given), results):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    for row in range(len(given[moving[0]])):
        want = run_graph(inputs, outs, [v[row] if i in moving else v for i, v in enumerate(given)])
        for a, b in zip(results, want):
            np.testing.assert_allclose(a[row], b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("moving", [[0], [1], [0, 1]])
def test_products(moving):
    for m, n in ((2, 2), (2, 1), (1, 2), (1, 1)):
        a, b = T.TensorType("float64", (False,) * m)(), T.TensorType("float64", (False,) * n)()
        rng = np.random.RandomState(1)
        shapes = [(2, 3)[-m:], (3, 4)[:n]]
        values = [rng.randn(*(((5,) if i in moving else ()) + s)) for i, s in enumerate(shapes)]
        cost = (T.dot(a, b) ** 2).sum()
        _check_many([a, b], [T.dot(a, b), *T.grad(cost, [a, b])], values, moving)


def test_per_example_gradients():
    rng = np.random.RandomState(0)
    x, y, w, b = T.dvector("x"), T.lscalar("y"), T.dmatrix("w"), T.dvector("b")
    p = T.nnet.softmax(T.tanh(T.dot(x, w) + b))
    cost = T.nnet.categorical_crossentropy(p, T.stack([y]))[0] - T.log(p[0, y])
    X, Y = rng.randn(6, 4), np.array([0, 2, 1, 1, 0, 2])
    values = [X, Y, rng.randn(4, 3), rng.randn(3)]
    _check_many([x, y, w, b], [cost, *T.grad(cost, [w, b, x])], values, [0, 1])


# ---------------------------------------------------------------- loops, conditions, graphs in graphs
def test_a_loop_stays_one_loop():
    x, h, u, c = T.dmatrix("x"), T.dvector("h"), T.dmatrix("u"), T.dscalar("c")

    def step(x, before, last, u, c):
        new = T.tanh(x + T.dot(last, u) + before * c)
        return new, new.sum()

    (states, sums), _ = theano.scan(
        step, sequences=x, outputs_info=[{"initial": T.stack([h, h * 2]), "taps": [-2, -1]}, None], non_sequences=[u, c]
    )
    cost = (states**2).sum() + sums[-1]
    outs = [states, sums, states[-1], *T.grad(cost, [x, h, u])]
    rng = np.random.RandomState(2)
    whole = [rng.randn(3, 5, 4), rng.randn(3, 4), rng.randn(3, 4, 4) / 2, rng.randn(3)]
    g = theano.function([x, h, u, c], outs)
    for moving in ([0], [1], [2], [3], [0, 1, 2, 3]):
        many = {v: batched_type(v)() for i, v in enumerate((x, h, u, c)) if i in moving}
        found = theano.vectorize(outs, many)
        loops = [n for n in nodes_of(found) if isinstance(n.op, Scan)]
        assert len(loops) <= 3 and not any("rows" in str(n.op) for n in loops)
        new_inputs = [many.get(v, v) for v in (x, h, u, c)]
        f = theano.function(new_inputs, found)
        given = [v if i in moving else v[0] for i, v in enumerate(whole)]
        results = f(*given)
        for row in range(3):
            want = g(*[v[row] if i in moving else v for i, v in enumerate(given)])
            for a, b in zip(results, want):
                np.testing.assert_allclose(a[row], b, rtol=1e-8, atol=1e-10)


def test_loops_whose_ends_differ_are_looped():
    x, n = T.dscalar("x"), T.lscalar("n")
    powers, _ = theano.scan(lambda p: p * 2, outputs_info=x, n_steps=n)
    doubled, _ = theano.scan(lambda p: (p * 2, theano.scan_module.until(p > 10)), outputs_info=x, n_steps=9)
    xs, ns = T.dvector("xs"), T.lvector("ns")
    f = theano.function([xs, ns], theano.vectorize([powers[-1], doubled[-1]], [x, n], [xs, ns]))
    a, b = f([1.0, 3.0], [2, 4])
    assert a.tolist() == [4.0, 48.0] and b.tolist() == [32.0, 24.0]


def test_lengths_that_differ_between_rows():
    n, x, m = T.lscalar("n"), T.dvector("x"), T.bvector("m")
    outs = [T.arange(n).sum(), x[n:].sum(), T.alloc(x[0], n).sum(), x[T.neq(m, 0)].sum(), x[m.nonzero()].sum()]
    ns, ms = T.lvector("ns"), T.bmatrix("ms")
    X, M = np.arange(4.0), np.array([[0, 1, 1, 0], [1, 0, 0, 0]], dtype="int8")
    f = theano.function([ns, x, ms], theano.vectorize(outs, [n, m], [ns, ms]))
    assert [v.tolist() for v in f([2, 3], X + 1, M)] == [[1, 3], [7, 4], [2, 3], [5, 1], [5, 1]]


def test_conditions():
    c, x, y = T.bscalar("c"), T.dvector("x"), T.dvector("y")
    chosen = theano.ifelse.ifelse(c, x * 2, y)
    cs, xs = T.bvector("cs"), T.dmatrix("xs")
    one = theano.vectorize(chosen, x, xs)
    assert any(isinstance(n.op, theano.ifelse.IfElse) for n in nodes_of(one))
    assert theano.function([c, xs, y], one)(0, np.ones((2, 3)), np.arange(3.0)).tolist() == [[0, 1, 2]] * 2
    all_of_them = theano.vectorize([chosen], {c: cs, x: xs})
    f = theano.function([cs, xs, y], all_of_them)
    assert f([1, 0], np.ones((2, 3)), np.arange(3.0))[0].tolist() == [[2, 2, 2], [0, 1, 2]]


def test_graphs_in_graphs():
    a, b = T.dvectors("a", "b")
    w = theano.shared(np.arange(3.0))
    op = theano.OpFromGraph([a, b], [T.tanh(a * b) + w, a + 1])
    x, y, xs = T.dvector("x"), T.dvector("y"), T.dmatrix("xs")
    outs = [*op(x, y), T.grad(op(x, y)[0].sum(), x)]
    found = theano.vectorize(outs, x, xs)
    assert not is_looped(found)
    X, Y = np.random.RandomState(3).randn(4, 3), np.ones(3)
    f, g = theano.function([xs, y], found), theano.function([x, y], outs)
    for row in range(4):
        for u, v in zip(f(X, Y), g(X[row], Y)):
            np.testing.assert_allclose(u[row], v)
    special = theano.OpFromGraph([a], [a**2], grad_overrides=lambda inputs, grads: [grads[0] * 7])
    many = T.grad(theano.vectorize(special(x), x, xs).sum(), xs)
    assert theano.function([xs], many)(X).tolist() == np.full((4, 3), 7.0).tolist()


# ---------------------------------------------------------------- the call
def test_dimensions_are_lined_up():
    x, y = T.dvector("x"), T.dscalar("y")
    out = [(x * y).sum(), x + 1, T.exp(y)]
    xs, ys = T.tensor4("xs"), T.TensorType("float64", (False, True, False))("ys")
    found = theano.vectorize(out, [x, y], [xs, ys])
    assert [v.ndim for v in found] == [3, 4, 3]
    X, Y = np.random.RandomState(4).randn(2, 3, 4, 5), np.random.RandomState(5).randn(2, 1, 4)
    a, b, c = theano.function([xs, ys], found)(X, Y)
    np.testing.assert_allclose(a, (X * Y[..., None]).sum(-1))
    np.testing.assert_allclose(b, X + 1)
    assert c.shape[0] == 2 and c.shape[2] == 4
    np.testing.assert_allclose(np.broadcast_to(c, (2, 3, 4)), np.broadcast_to(np.exp(Y), (2, 3, 4)))


def test_forms_of_the_call():
    x, y, xs = T.dvector("x"), T.dvector("y"), T.dmatrix("xs")
    one = theano.vectorize(x.sum(), x, xs)
    assert one.ndim == 1
    for found in (
        theano.vectorize([x.sum()], {x: xs}),
        theano.vectorize([x.sum()], [x], [xs]),
        theano.vectorize_graph([x.sum()], [(x, xs)]),
        theano.vectorize_graph([x.sum()], replace={x: xs}),
    ):
        assert isinstance(found, list) and theano.gof.graph.equal_computations(found, [one])
    alike = theano.vectorize([y * 2, x], x, xs)  # what the rows do not reach is there for each of them
    assert theano.function([xs, y], alike)(np.ones((2, 3)), [1.0, 2.0])[0].tolist() == [[2.0, 4.0]] * 2
    between = x * 2
    deep = theano.vectorize(between + 1, between, xs)
    assert theano.function([xs], deep)(np.ones((2, 2))).tolist() == [[2, 2], [2, 2]]
    replaced = theano.vectorize(x.sum() + y.sum(), {x: xs, y: y * 0})
    assert theano.function([xs, y], replaced)(np.ones((2, 2)), [5.0]).tolist() == [2, 2]
    for given in [({x: np.ones((2, 3))},), (x, np.ones((2, 3))), ([x], [np.ones((2, 3))])]:
        numbers = theano.vectorize(x * y, *given)
        assert theano.function([y], numbers)([1.0, 2.0, 3.0]).tolist() == [[1, 2, 3]] * 2
    row = T.drow("row")
    assert theano.vectorize(row * 2, {row: T.tensor3()}).broadcastable == (False, True, False)


def test_all_are_replaced_at_once():
    """What is batched for one input may be computed from another."""
    x, y, n = T.dvector("x"), T.dvector("y"), T.lscalar("n")
    xs, threes, ns = T.dmatrix("xs"), T.dtensor3("threes"), T.lvector("ns")
    both, whole = x.sum() + y.sum(), T.cast(y[0], "int64")
    for given, value in ((xs, np.ones((2, 2))), (threes, np.ones((3, 2, 2)))):
        found = theano.vectorize(both, {x: given + y, y: y * 0})
        np.testing.assert_array_equal(theano.function([given, y], found)(value, [5, 5]), np.full(value.shape[:-1], 12))
    looped = theano.vectorize(T.arange(n).sum() + y.sum(), {n: ns + whole, y: y * 2})
    assert theano.function([ns, y], looped)([1, 2], [5.0, 5.0]).tolist() == [35, 41]
    swapped = theano.vectorize(x - 2 * y, {x: y, y: x})
    assert theano.function([x, y], swapped)([1.0], [5.0]).tolist() == [3]


def test_mistakes():
    x, xs = T.dvector("x"), T.dmatrix("xs")
    with pytest.raises(TypeError, match="of dtype float64, and what is batched for it of dtype int64"):
        theano.vectorize(x, x, T.lmatrix())
    with pytest.raises(ValueError, match="has 1 dimensions, and what is batched for it 0"):
        theano.vectorize(x, x, T.dscalar())
    with pytest.raises(ValueError, match="1 inputs, and 2 that are batched"):
        theano.vectorize(x, [x], [xs, xs])
    with pytest.raises(ValueError, match="nothing is batched"):
        theano.vectorize(x, {})
    with pytest.raises(TypeError, match="has to be a tensor variable"):
        theano.vectorize(x, {theano.gof.generic(): xs})
    for inputs in (x, [x]):
        with pytest.raises(TypeError, match="what is batched is missing: give `batched` like `inputs`"):
            theano.vectorize(x, inputs)
    for outputs in (theano.function([x], x), lambda x: x * 2, [lambda x: x]):
        with pytest.raises(TypeError, match="outputs are a variable or a list of variables"):
            theano.vectorize(outputs, x, xs)
    with pytest.raises(TypeError, match="nothing to give as `batched`"):
        theano.vectorize(x, {x: xs}, xs)


class Twice(theano.Op):
    __props__ = ()

    def make_node(self, x):
        return theano.Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0] * 2


class TwiceWithARule(Twice):
    def vectorize_node(self, node, inputs, batch):
        return [self(inputs[0])]


@pytest.mark.parametrize("kind", [Twice, TwiceWithARule])
def test_ops_of_the_user(kind):
    x, xs = T.dvector("x"), T.dmatrix("xs")
    found = theano.vectorize(kind()(x), x, xs)
    assert is_looped(found) == (kind is Twice)
    assert theano.function([xs], found)(np.ones((2, 3))).tolist() == np.full((2, 3), 2.0).tolist()


def test_sparse_rows_are_looped():
    x, xs = T.dmatrix("x"), T.dtensor3("xs")
    out = theano.sparse.structured_dot(theano.sparse.csr_from_dense(x), x)
    X = np.random.RandomState(6).randn(2, 3, 3)
    np.testing.assert_allclose(theano.function([xs], theano.vectorize(out, x, xs))(X), X @ X)


def test_ops_that_are_mapped():
    """Values, derivatives of two orders and Rop of an Op that XLA maps over rows; no loop is in the graph."""
    a, b, more = T.dtensor3("a"), T.dmatrix("b"), T.dtensor3("more")
    row, right = T.dmatrix("row"), T.dvector("right")
    out = T.slinalg.solve(T.dot(row, row.T) + 3 * T.eye(3), right) + T.nlinalg.det(row)
    rng = np.random.RandomState(7)
    A, B, more_value = rng.randn(4, 3, 3), rng.randn(4, 3), rng.randn(4, 3, 3)

    def derivatives(out, x, v):
        first = T.grad((out**2).sum(), x)
        return [out, first, T.grad((first * v).sum(), x), T.Rop(out, x, v)]

    for moving in ({row: a, right: b}, {row: a}):
        given = [A, B if right in moving else B[0], more_value]
        right_input = b if right in moving else right
        graphs = derivatives(theano.vectorize(out, moving), a, more)
        assert not is_looped(graphs) and any(isinstance(n.op, Rows) for n in nodes_of(graphs))
        direction = T.dmatrix("direction")
        one = theano.function([row, right, direction], derivatives(out, row, direction))
        for mode in (None, theano.Mode("py")):
            found = theano.function([a, right_input, more], graphs, mode=mode)(*given)
            for k in range(4):
                want = one(A[k], B[k] if right in moving else B[0], more_value[k])
                for x, y in zip(found, want):
                    np.testing.assert_allclose(x[k], y, rtol=1e-8, atol=1e-9)
    common = T.grad(theano.vectorize(out.sum(), {right: b}).sum(), row)  # of what all rows share
    each = theano.function([row, right], T.grad(out.sum(), row))
    total = sum(each(A[0], B[k]) for k in range(4))
    np.testing.assert_allclose(theano.function([row, b], common)(A[0], B), total, rtol=1e-8)
    twice = theano.vectorize(theano.vectorize(T.nlinalg.det(row), {row: a}), {a: T.dtensor4("fours")})
    assert twice.ndim == 2
    fours = theano.gof.graph.inputs([twice])[0]
    np.testing.assert_allclose(theano.function([fours], twice)(A.reshape(2, 2, 3, 3)), np.linalg.det(A).reshape(2, 2))


@pytest.mark.parametrize("mode", [None, theano.Mode("py")], ids=["xla", "host"])
def test_rows_that_are_not_as_many(mode):
    a, b = T.dtensor3("a"), T.dmatrix("b")
    row, right = T.dmatrix("row"), T.dvector("right")
    f = theano.function([a, b], theano.vectorize(T.slinalg.solve(row, right), {row: a, right: b}), mode=mode)
    with pytest.raises(ValueError, match="has inputs of 2 and 3 rows"):
        f(np.ones((2, 3, 3)), np.ones((3, 3)))


@pytest.mark.parametrize("mode", [None, theano.Mode("py")], ids=["xla", "host"])
def test_no_rows(mode):
    a, row, right = T.dtensor3("a"), T.dmatrix("row"), T.dvector("right")
    outs = [T.nlinalg.matrix_inverse(row), T.sort(row, axis=1), T.slinalg.solve(row, right), T.nlinalg.det(row)]
    f = theano.function([a, right], theano.vectorize(outs, row, a), mode=mode)
    shapes = [v.shape for v in f(np.ones((0, 3, 3)), np.ones(3))]
    assert shapes == [(0, 3, 3), (0, 3, 3), (0, 3), (0,)]


def test_lengths_of_rows_are_known():
    a, row = T.dtensor3("a"), T.dmatrix("row")
    f = theano.function([a], theano.vectorize(T.nlinalg.matrix_inverse(row), row, a).shape)
    assert list(f(np.ones((2, 3, 3)))) == [2, 3, 3]
    assert not any(isinstance(n.op, Rows) for n in f.maker.fgraph.toposort())
