"""Indexing against numpy, on both executors: values, shapes, gradients, printed graphs and errors."""

import numpy as np
import pytest

import theanojax
import theanojax.tensor as T
from tests.helpers import both, check_op
from theanojax.gradient import grad
from theanojax.graph.fgraph import FunctionGraph
from theanojax.printing import debugprint
from theanojax.runtime import make_executor
from theanojax.tensor.indexing.slices import linear_form
from theanojax.tensor.indexing.subtensor import SliceLength, Subtensor

X = np.arange(60.0).reshape(4, 3, 5)


def xla(inputs, outputs):
    return make_executor(FunctionGraph(inputs, outputs if isinstance(outputs, list) else [outputs]), "cvm")


class Index:
    """A random index of an array of shape `shape`, symbolic (`args`) and plain (`plain`) alike."""

    def __init__(self, rng, shape, advanced=False):
        self.rng, self.inputs, self.values = rng, [], []
        self.args, self.plain = [], []
        length = int(rng.randint(1, 4))
        for d in shape[: rng.randint(1, len(shape) + 1)]:
            kind = rng.choice(["int", "slice", "array"] if advanced else ["int", "slice"])
            if kind == "int":
                self._add(*self.integer(rng.randint(-d, d)))
            elif kind == "slice":
                bounds = [self.bound(d) for _ in range(2)] + [self.step()]
                self._add(slice(*[b[0] for b in bounds]), slice(*[b[1] for b in bounds]))
            else:
                self._add(*self.array(d, rng.choice([1, length])))
            if rng.rand() < 0.15:
                self._add(None, None)
        if rng.rand() < 0.2:
            self._add(Ellipsis, Ellipsis)

    def _add(self, arg, plain):
        self.args.append(arg)
        self.plain.append(plain)

    def integer(self, value):
        if self.rng.rand() < 0.5:
            return int(value), int(value)
        v = T.TensorType(self.rng.choice(["int64", "int32", "int8"]), ())()
        self.inputs.append(v)
        self.values.append(np.asarray(value, dtype=v.dtype))
        return v, int(value)

    def bound(self, d):
        return (None, None) if self.rng.rand() < 0.3 else self.integer(self.rng.randint(-d - 2, d + 3))

    def step(self):
        if self.rng.rand() < 0.5:
            return None, None
        return self.integer(self.rng.choice([-3, -2, -1, 1, 2, 3]))

    def array(self, d, length):
        value = self.rng.randint(-d, d, size=(length,) if self.rng.rand() < 0.7 else (2, length))
        if self.rng.rand() < 0.3:
            return value, value
        v = T.TensorType(self.rng.choice(["int64", "int32"]), (False,) * value.ndim)()
        self.inputs.append(v)
        self.values.append(value.astype(v.dtype))
        return v, value


@pytest.mark.parametrize("seed", range(40))
def test_random_basic_index(seed):
    index = Index(np.random.RandomState(seed), X.shape)
    x = T.dtensor3("x")
    out = x[tuple(index.args)]
    np.testing.assert_array_equal(both([x] + index.inputs, out, [X] + index.values), X[tuple(index.plain)])


@pytest.mark.parametrize("seed", range(40))
def test_random_advanced_index(seed):
    index = Index(np.random.RandomState(1000 + seed), X.shape, advanced=True)
    x = T.dtensor3("x")
    want = X[tuple(index.plain)]
    np.testing.assert_array_equal(both([x] + index.inputs, x[tuple(index.args)], [X] + index.values), want)


@pytest.mark.parametrize("seed", range(40))
def test_random_writes(seed):
    rng = np.random.RandomState(2000 + seed)
    index = Index(rng, X.shape, advanced=seed % 2 == 1)
    index.args, index.plain = zip(*[p for p in zip(index.args, index.plain) if p[0] is not None])
    x = T.dtensor3("x")
    part, plain = x[index.args], X[index.plain]
    y = T.TensorType("float64", part.broadcastable)("y")
    Y = rng.rand(*plain.shape)
    got = both(
        [x, y] + index.inputs,
        [T.inc_subtensor(part, y), T.set_subtensor(part, y), T.set_subtensor(part, 7.0)],
        [X, Y] + index.values,
    )
    added, written, seven = X.copy(), X.copy(), X.copy()
    np.add.at(added, index.plain, Y)
    written[index.plain] = Y
    seven[index.plain] = 7
    np.testing.assert_allclose(got[0], added)
    np.testing.assert_array_equal(got[1], written)
    np.testing.assert_array_equal(got[2], seven)


@pytest.mark.parametrize("seed", range(12))
def test_random_infer_shape_and_gradient(seed):
    index = Index(np.random.RandomState(3000 + seed), X.shape)
    x = T.dtensor3("x")
    check_op([x] + index.inputs, x[tuple(index.args)], [X] + index.values)


# ---------------------------------------------------------------- dispatch and printing
def printed(v):
    return debugprint(v, file="str")


def test_which_op():
    x, i, iv = T.dtensor3("x"), T.iscalar("i"), T.lvector("iv")
    assert printed(x[0, i:, ::-1]).splitlines()[0].startswith("Subtensor{int64, int32::, ::int64} [id A]")
    assert str(x[iv].owner.op) == "AdvancedSubtensor1"
    assert [str(n.op) for n in (x[:, iv].owner, x[:, iv].owner.inputs[0].owner)] == [
        "InplaceDimShuffle{1,0,2}",
        "AdvancedSubtensor1",
    ]
    assert str(x[iv, iv].owner.op) == "AdvancedSubtensor"
    assert str(x[x > 0].owner.op) == "AdvancedBooleanSubtensor"
    assert str(x[None, iv].owner.op) == "AdvancedSubtensor"
    assert str(T.set_subtensor(x[1:], 0.0).owner.op) == "IncSubtensor{Set;int64::}"
    assert str(T.inc_subtensor(x[iv], 0.0).owner.op) == "AdvancedIncSubtensor1{no_inplace,inc}"
    assert str(T.set_subtensor(x[iv, iv], 0.0).owner.op) == (
        "AdvancedIncSubtensor{inplace=False,  set_instead_of_inc=True}"
    )


def test_ops_are_equal_by_index_list():
    x, i, j = T.dvector(), T.lscalar(), T.lscalar()
    assert x[i:].owner.op == x[j:].owner.op and hash(x[i:].owner.op) == hash(x[j:].owner.op)
    assert x[i:].owner.op != x[:i].owner.op
    assert T.set_subtensor(x[i], 1.0).owner.op != T.inc_subtensor(x[i], 1.0).owner.op


def test_broadcast_pattern():
    row = T.drow("r")
    assert row[:, 1:].broadcastable == (True, False)
    assert row[0:5].broadcastable == (True, False)
    assert row[1:].broadcastable == (False, False)
    assert row[None, ..., None].broadcastable == (True, True, False, True)


def test_get_constant_idx():
    x, i = T.dtensor3(), T.lscalar()
    node = x[i, 1:3].owner
    partial = node.op.get_constant_idx(node.inputs, allow_partial=True)
    assert partial[0] is node.inputs[1] and partial[1] == slice(1, 3, None)
    from theanojax.errors import NotScalarConstantError

    with pytest.raises(NotScalarConstantError):
        node.op.get_constant_idx(node.inputs)


def test_iteration_and_zero_dimensions():
    x = T.dtensor3("x")
    assert [str(v) for v in T.as_tensor_variable([1, 2])] == ["Subtensor{int64}.0"] * 2
    got = both([x], [x[()], x[..., :0], x[[]], x[np.array(2)]], [X])
    assert [g.shape for g in got] == [(4, 3, 5), (4, 3, 0), (0, 3, 5), (3, 5)]


# ---------------------------------------------------------------- masks
def test_masks():
    x, m, v = T.dmatrix("x"), T.TensorType("bool", (False,))("m"), T.dvector("v")
    M = np.array([True, False, True, False])
    A = X[:, :, 0]
    got = both([x, m], [x[m], x[m, 1:], x[x > 20], x[m].sum()], [A, M])
    for g, w in zip(got, [A[M], A[M, 1:], A[A > 20], A[M].sum()]):
        np.testing.assert_array_equal(g, w)
    got = both(
        [x, m, v],
        [
            T.set_subtensor(x[m], 0.0),
            T.inc_subtensor(x[x > 20], 1.0),
            T.set_subtensor(x[m], v),
            T.inc_subtensor(x[m], x[m]),
            T.set_subtensor(x[:, np.array([True, False, True])], 3.0),
        ],
        [A, M, np.arange(3.0)],
    )
    want = [A.copy() for _ in range(5)]
    want[0][M] = 0
    want[1][A > 20] += 1
    want[2][M] = np.arange(3.0)
    want[3][M] += A[M]
    want[4][:, [0, 2]] = 3
    for g, w in zip(got, want):
        np.testing.assert_array_equal(g, w)


def test_mask_gradient():
    x = T.dmatrix("x")
    A = np.array([[1.0, -2.0, 3.0], [-4.0, 5.0, -6.0]])
    g = both([x], grad((x[x > 0] ** 2).sum(), x), [A])
    np.testing.assert_array_equal(g, np.where(A > 0, 2 * A, 0))


def test_writing_through_a_mask_stays_inside_xla():
    x = T.dvector("x")
    f = xla([x], T.set_subtensor(x[x < 0], 0.0))
    np.testing.assert_array_equal(f([np.array([-1.0, 2.0])])[0], [0.0, 2.0])
    assert not f._program.host_stages


# ---------------------------------------------------------------- repeated indices
def test_repeated_indices_add_up():
    x, iv = T.dmatrix("x"), T.ivector("iv")
    y = T.dmatrix("y")
    i, Y = np.array([2, 0, 2, 2], "int32"), np.arange(12.0).reshape(4, 3)
    got = both(
        [x, iv, y],
        [T.inc_subtensor(x[iv], y), T.inc_subtensor(x[iv], 1.0), T.inc_subtensor(x[:, iv[:2]], 1.0)],
        [np.zeros((4, 3)), i, Y],
    )
    want = np.zeros((4, 3))
    np.add.at(want, i, Y)
    np.testing.assert_array_equal(got[0], want)
    np.testing.assert_array_equal(got[1][:, 0], [1, 0, 3, 0])


def test_last_of_repeated_writes_stays():
    rng = np.random.RandomState(0)
    x, iv, jv, y, z = T.dvector("x"), T.lvector("iv"), T.lvector("jv"), T.dvector("y"), T.dmatrix("z")
    i, j, Y = rng.randint(0, 5, 300), rng.randint(0, 2, 300), rng.rand(300)
    want, wide = np.zeros(5), np.zeros((5, 2))
    want[i] = Y
    wide[i, j] = Y
    got = both(
        [x, iv, jv, y, z],
        [T.set_subtensor(x[iv], y), T.set_subtensor(z[iv, jv], y)],
        [np.zeros(5), i, j, Y, np.zeros((5, 2))],
    )
    np.testing.assert_array_equal(got[0], want)
    np.testing.assert_array_equal(got[1], wide)


def test_embedding_gradient():
    w, iv = T.fmatrix("w"), T.lvector("iv")
    g = grad((w[iv] ** 2).sum(), w)
    assert str(g.owner.op) == "AdvancedIncSubtensor1{no_inplace,inc}"
    W = np.random.RandomState(1).rand(6, 2).astype("float32")
    got = both([w, iv], g, [W, [1, 1, 4]])
    np.testing.assert_allclose(got, 2 * W * np.array([0, 2, 0, 0, 1, 0])[:, None], rtol=1e-6)


# ---------------------------------------------------------------- dtypes
def test_writes_cast_as_numpy_does():
    n, f, y, iv = T.lvector("n"), T.fvector("f"), T.dvector("y"), T.lvector("iv")
    got = both(
        [n, f, y, iv],
        [
            T.set_subtensor(n[:2], y),
            T.set_subtensor(n[iv], y),
            T.inc_subtensor(n[iv], y),
            T.inc_subtensor(f[:2], y),
            T.set_subtensor(n[y > 1], 2.7),
        ],
        [[1, 2], [1, 2], [0.5, 1.5], [0, 1]],
    )
    for g, w in zip(got, [[0, 1], [0, 1], [1, 3], [1.5, 3.5], [1, 2]]):
        np.testing.assert_array_equal(g, w)
    with pytest.raises(TypeError, match="Cannot cast ufunc 'add' output"):
        both([n, y], T.inc_subtensor(n[:2], y), [[1, 2], [0.5, 1.5]])


# ---------------------------------------------------------------- dynamic slices
def test_minibatch_index_is_dynamic():
    x, i = T.dmatrix("x"), T.lscalar("i")
    f = xla([x, i], x[i * 4 : (i + 1) * 4].sum(axis=1))
    A = np.arange(36.0).reshape(18, 2)
    for k in range(5):
        np.testing.assert_array_equal(f([A, np.array(k)])[0], A[k * 4 : (k + 1) * 4].sum(axis=1))
    assert f.compilations == 2  # full batches, and the short last one


def test_scalar_index_is_dynamic():
    x, i = T.dmatrix("x"), T.lscalar("i")
    f = xla([x, i], T.set_subtensor(x[i], 0.0) + x[-i - 1])
    A = np.arange(6.0).reshape(3, 2)
    for k in range(3):
        want = A.copy()
        want[k] = 0
        np.testing.assert_array_equal(f([A, np.array(k)])[0], want + A[-k - 1])
    assert f.compilations == 1


def test_slice_bounds_from_data():
    x, y = T.dvector("x"), T.dvector("y")
    n = T.cast(y.sum(), "int64")
    A = np.arange(7.0)
    np.testing.assert_array_equal(both([x, y], x[n : n + 2] * 2, [A, [1.0, 2.0]]), A[3:5] * 2)
    np.testing.assert_array_equal(both([x, y], x[:n] * 2, [A, [1.0, 2.0]]), A[:3] * 2)


def test_slice_inside_a_loop():
    from theanojax.scan import scan

    x, n = T.dvector("x"), T.lscalar("n")
    out, _ = scan(lambda i, x: x[i * 2 : i * 2 + 3].sum(), sequences=T.arange(n), non_sequences=x)
    f = xla([x, n], out)
    A = np.arange(10.0)
    np.testing.assert_array_equal(f([A, np.array(3)])[0], [A[0:3].sum(), A[2:5].sum(), A[4:7].sum()])
    np.testing.assert_array_equal(f([A, np.array(5)])[0], [A[2 * i : 2 * i + 3].sum() for i in range(5)])
    out, _ = scan(lambda i, x: x[:i].sum(), sequences=T.arange(n), non_sequences=x)
    np.testing.assert_array_equal(xla([x, n], out)([A, np.array(4)])[0], [0, 0, 1, 3])


def test_linear_form():
    i, j = T.lscalar("i"), T.lscalar("j")
    form = linear_form(3 * (i + 1) - j + 2 * i)
    assert form == {i: 5, j: -1, None: 3}
    assert list(linear_form(i * j).values()) == [1]


def test_slice_length_matches_python():
    rng = np.random.RandomState(0)
    names = [T.lscalar() for _ in range(4)]
    op = SliceLength((True, True, True))
    f = xla(names, op(*names))
    for _ in range(60):
        start, stop, step, dim = rng.randint(-8, 9), rng.randint(-8, 9), rng.choice([-3, -1, 1, 2]), rng.randint(0, 7)
        want = len(range(*slice(start, stop, step).indices(dim)))
        assert f([np.array(v) for v in (start, stop, step, dim)])[0] == want
        assert int(op.compute(np_host(), None, *map(np.array, (start, stop, step, dim)))) == want


def np_host():
    from theanojax.arrays import HOST

    return HOST


# ---------------------------------------------------------------- take
@pytest.mark.parametrize("mode, indices", [("raise", [0, -1]), ("clip", [-3, 99]), ("wrap", [-3, 99])])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_take(mode, indices, axis):
    x, iv, im = T.dtensor3("x"), T.lvector("iv"), T.lmatrix("im")
    both_ = both([x, iv, im], [x.take(iv, axis, mode), x.take(im, axis, mode)], [X, indices, [indices]])
    np.testing.assert_array_equal(both_[0], X.take(indices, axis, mode=mode))
    np.testing.assert_array_equal(both_[1], X.take([indices], axis, mode=mode))


# ---------------------------------------------------------------- gradients
def test_gradients_of_writes():
    x, y, i, iv = T.dmatrix("x"), T.dvector("y"), T.lscalar("i"), T.lvector("iv")
    A, B = np.random.RandomState(0).rand(4, 3), np.random.RandomState(1).rand(3)
    for part in (x[i], x[:2], x[iv], x[::-2]):
        for write in (T.set_subtensor, T.inc_subtensor):
            check_op([x, y, i, iv], write(part, y) ** 2, [A, B, 1, [2, 0]])


def test_r_op():
    from theanojax.gradient import Rop

    x, v, iv = T.dmatrix("x"), T.dmatrix("v"), T.lvector("iv")
    A, V = X[:, :, 0], X[:, :, 1]
    for out, want in (
        (x[1:], V[1:]),
        (x[iv], V[[0, 2]]),
        (x[iv, iv], V[[0, 2], [0, 2]]),
        (T.inc_subtensor(x[iv], x[iv]), None),
    ):
        r = both([x, v, iv], Rop(out, x, v), [A, V, [0, 2]])
        if want is not None:
            np.testing.assert_array_equal(r, want)


def test_integer_tensors_have_zero_gradient():
    n = T.lvector("n")
    assert grad(T.cast(n[0], "float64") * 1.0, n).dtype == "float64"


# ---------------------------------------------------------------- errors
def test_build_errors():
    x, v, iv = T.dtensor3("x"), T.dvector("v"), T.lvector("iv")
    for bad, error, text in [
        (lambda: x[0, 0, 0, 0], IndexError, "too many indices for array"),
        (lambda: x[..., ...], IndexError, "an index can only have a single Ellipsis"),
        (lambda: x[1.5], TypeError, "index must be integers or a boolean mask"),
        (lambda: x["a"], TypeError, "Cannot convert"),
        (lambda: x[v], TypeError, "index must be integers"),
        (lambda: x[T.dscalar()], TypeError, "Expected an integer"),
        (lambda: x[True], TypeError, "does not support Python bools"),
        (lambda: x[[True, False]], TypeError, "does not support Python bools"),
        (lambda: Subtensor([0]), TypeError, "Python scalar in idx_list"),
        (lambda: x[0].owner.op(x), IndexError, "Not enough inputs to fill in the Subtensor template"),
        (lambda: x[0].owner.op(x, T.iscalar()), TypeError, "Wrong type for Subtensor template"),
        (lambda: T.set_subtensor(v[0], v), TypeError, "Trying to increment a 0-dimensional subtensor with a 1-dim"),
        (lambda: T.set_subtensor(v, 0.0), TypeError, "x must be the result of a subtensor operation"),
        (lambda: T.advanced_subtensor(x, x > 0), TypeError, "does not support boolean masks"),
        (lambda: T.advanced_subtensor1(x, v), TypeError, "index must be integers"),
        (lambda: T.advanced_subtensor1(x, x[:, :, 0] > 0), TypeError, "index must be integers"),
        (lambda: T.advanced_subtensor1(v[0], iv), TypeError, "cannot index into a scalar"),
    ]:
        with pytest.raises(error, match=text):
            bad()


@pytest.mark.parametrize(
    "build, values, error, text",
    [
        (lambda x, i, iv: x[i], ([1.0, 2.0], 5, [0]), IndexError, "index out of bounds"),
        (lambda x, i, iv: x[i], ([1.0, 2.0], -3, [0]), IndexError, "index out of bounds"),
        (lambda x, i, iv: T.set_subtensor(x[i], 0.0), ([1.0, 2.0], 2, [0]), IndexError, "index out of bounds"),
        (
            lambda x, i, iv: x[iv],
            ([1.0, 2.0], 0, [0, 5]),
            IndexError,
            "index 5 is out of bounds for axis 0 with size 2",
        ),
        (
            lambda x, i, iv: T.inc_subtensor(x[iv], 1.0),
            ([1.0, 2.0], 0, [0, -3]),
            IndexError,
            "index -3 is out of bounds for axis 0 with size 2",
        ),
        (
            lambda x, i, iv: x[None, :][iv, iv],
            ([1.0, 2.0], 0, [0, 1]),
            IndexError,
            "index 1 is out of bounds for axis 0 with size 1",
        ),
        (lambda x, i, iv: x[::i], ([1.0, 2.0], 0, [0]), ValueError, "slice step cannot be zero"),
        (
            lambda x, i, iv: T.set_subtensor(x[:2], x[: 1 + i]),
            ([1.0, 2.0, 3.0], 2, [0]),
            ValueError,
            "could not broadcast input array from shape",
        ),
        (lambda x, i, iv: T.inc_subtensor(x[:2], x[: 1 + i]), ([1.0, 2.0, 3.0], 2, [0]), ValueError, "operands? "),
        (lambda x, i, iv: T.set_subtensor(x[iv], x), ([1.0, 2.0, 3.0], 2, [0, 1]), ValueError, "shape mismatch"),
        (
            lambda x, i, iv: x[:2][x > 1],
            ([1.0, 2.0, 3.0], 2, [0]),
            IndexError,
            "boolean index did not match indexed array along dimension 0; dimension is 2 but corresponding boolean "
            "dimension is 3",
        ),
    ],
)
def test_run_errors(build, values, error, text):
    x, i, iv = T.dvector("x"), T.lscalar("i"), T.lvector("iv")
    with pytest.raises(error, match=text):
        both([x, i, iv], build(x, i, iv), values)


def test_a_failed_guard_leaves_the_function_usable():
    x, i = T.dvector("x"), T.lscalar("i")
    f = theanojax.function([x, i], x[i] * 2)
    assert f([1.0, 2.0], 1) == 4
    with pytest.raises(IndexError, match="index out of bounds"):
        f([1.0, 2.0], 2)
    assert f([1.0, 2.0], -1) == 4


@pytest.mark.parametrize("write", [T.inc_subtensor, T.set_subtensor])
def test_what_is_written_to_no_elements_must_fit_too(write):
    x, y, i = T.dmatrix("x"), T.dmatrix("y"), T.lvector("i")
    values = np.ones((2, 3))
    for part in (x[:, i], x[i], x[i, i[:, None]]):
        got = both([x, y, i], write(part, y), [values, np.ones((1, 1)), []])
        np.testing.assert_array_equal(got, values)
        with pytest.raises(ValueError, match="broadcast"):
            both([x, y, i], write(part, y), [values, np.ones((5, 0)), []])


def test_length_of_a_pair_of_index_vectors_one_of_which_stretches():
    x, i = T.dmatrix("x"), T.lvector("i")
    values = np.arange(6.0).reshape(2, 3)
    for part in (x[i, [1]], x[[1], i], x[i, i]):
        shape, zeros = both([x, i], [part.shape, T.zeros_like(part)], [values, [0, 1, 0, 1]])
        assert shape.tolist() == [4] and zeros.shape == (4,)
        f = theanojax.function([x, i], [part.shape, T.specify_shape(part, part.shape)])
        assert f(values, [0, 1, 0, 1])[0].tolist() == [4]
