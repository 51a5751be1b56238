"""Reading, asserting and changing shapes; joining and splitting."""

import numpy as np
import pytest

import theanojax
import theanojax.tensor as T
from tests.helpers import both, check_op
from theanojax.tensor.shape import MakeVector, Shape_i

rng = np.random.RandomState(7)
A, B, V, T3 = rng.randn(2, 3), rng.randn(2, 3), rng.randn(5), rng.randn(2, 3, 4)
x, y = T.dmatrices("x", "y")
v, t3, t4, s = T.dvector("v"), T.dtensor3("t3"), T.dtensor4("t4"), T.dscalar("s")
row, col = T.drow("row"), T.dcol("col")
i, k, iv = T.lscalar("i"), T.iscalar("k"), T.lvector("iv")


def check(inputs, outputs, values, **how):
    """`check_op`, which gives the value itself where there is one output."""
    got = check_op(inputs, outputs, values, **how)
    return got if isinstance(outputs, list) else got[0]


# ---------------------------------------------------------------------- shapes
def test_shape():
    assert check([t3], [t3.shape, t3.shape[1], t3.size, Shape_i(2)(t3)], [T3])[0].tolist() == [2, 3, 4]
    assert str(Shape_i(2)) == "Shape_i{2}" and str(x.shape.owner.op) == "Shape"
    with pytest.raises(TypeError, match="x must be Variable with ndim attribute"):
        Shape_i(0)(np.ones(2))
    with pytest.raises(TypeError, match="x has too few dimensions for Shape_i"):
        Shape_i(2)(x)


def test_shape_has_no_gradient():
    with pytest.raises(theanojax.gradient.DisconnectedInputError):
        T.grad(T.cast(x.shape[0], "float64"), x)


def test_specify_shape():
    out = T.specify_shape(x, (i, 3))
    check([x, i], out * 2, [A, 2])
    with pytest.raises(AssertionError, match=r"^SpecifyShape: dim 0 of input has shape \d, expected 4\.\nApply node "):
        both([x, i], out, [A, 4])
    with pytest.raises(AssertionError, match="the shape has 1 elements, but x has 2 dimensions"):
        T.specify_shape(x, (2,))
    with pytest.raises(AssertionError, match="the shape must be a vector of integers"):
        T.specify_shape(x, v)


def test_make_vector():
    assert check([s], T.stack([s, s * 2, 3]), [1.5]).tolist() == [1.5, 3, 3]
    assert str(T.stack([i, k]).owner) == "MakeVector{dtype='int64'}(i, Elemwise{Cast{int64}}.0)"
    assert both([], MakeVector("int64")(), []).shape == (0,)
    with pytest.raises(AssertionError, match="The upcast of the inputs to MakeVector should match"):
        MakeVector("int64")(s)


def test_between_scalars_and_tensors():
    out = T.tensor_from_scalar(T.scalar_from_tensor(s))
    assert check([s], out, [2.5]) == 2.5
    assert T.tensor_from_scalar(T.scalar_from_tensor(i)).type == T.lscalar
    with pytest.raises(AssertionError, match="needs a tensor of no dimension"):
        T.scalar_from_tensor(x)
    with pytest.raises(AssertionError, match="needs a Scalar variable"):
        T.tensor_from_scalar(s)


# ---------------------------------------------------------------------- broadcast flags
def test_rebroadcast():
    assert T.addbroadcast(x, 0).type == T.drow and str(T.addbroadcast(x, 1).owner) == "Rebroadcast{?,1}(x)"
    assert T.unbroadcast(T.addbroadcast(x, 0), 0) is x and T.patternbroadcast(x, (False, False)) is x
    assert T.unbroadcast(row, 0).type == T.dmatrix
    both_flags = T.addbroadcast(T.addbroadcast(x, 0), 1)
    assert both_flags.owner.inputs[0] is x and str(both_flags.owner.op) == "Rebroadcast{1,1}"
    check([x], T.addbroadcast(x, 0) * 2, [A[:1]])
    check([row], T.unbroadcast(row, 0) * 2, [A[:1]])
    with pytest.raises(ValueError, match=r"Dimension 0 in Rebroadcast's input was supposed to be 1 \(got 2 instead\)"):
        both([x], T.addbroadcast(x, 0), [A])
    with pytest.raises(ValueError, match="Trying to rebroadcast non-existent dimension"):
        T.addbroadcast(x, 3)
    with pytest.raises(TypeError, match=r"Rebroadcast needs integer axes\. Got 0\.5"):
        T.Rebroadcast((0.5, True))
    with pytest.raises(TypeError, match=r"Rebroadcast needs bool for new broadcast pattern\. Got 1"):
        T.Rebroadcast((0, 1))


def test_pad_and_transpose():
    outs = [
        T.shape_padleft(x, 2),
        T.shape_padright(x),
        T.shape_padaxis(x, 1),
        T.shape_padaxis(x, -1),
        x.T,
        x.swapaxes(0, 1),
        T.transpose(x, [1, 0]),
    ]
    got = check([x], outs, [A])
    assert [g.shape for g in got[:4]] == [(1, 1, 2, 3), (2, 3, 1), (2, 1, 3), (2, 3, 1)]
    np.testing.assert_array_equal(got[4], A.T)
    np.testing.assert_array_equal(check([t3], t3.transpose(2, 0, 1), [T3]), T3.transpose(2, 0, 1))
    np.testing.assert_array_equal(check([t3], t3.transpose((1, 2, 0)), [T3]), T3.transpose(1, 2, 0))
    assert x.T.name == "x.T" and T.transpose(x, [0, 1]).name is None
    with pytest.raises(IndexError, match=r"axis 5 is out of bounds \[-3, 3\)"):
        T.shape_padaxis(x, 5)


# ---------------------------------------------------------------------- reshape
@pytest.mark.parametrize(
    "shape, values, want",
    [
        ((3, 2), [], (3, 2)),
        ((3, -1), [], (3, 2)),
        ((-1,), [], (6,)),
        ((i, 2), [(i, 3)], (3, 2)),
        ((i, -1), [(i, 2)], (2, 3)),
        ((1, 6, 1), [], (1, 6, 1)),
        (T.constant([6, 1]), [], (6, 1)),
        ((i, -1), [(i, 1)], (1, 6)),
    ],
)
def test_reshape(shape, values, want):
    out = x.reshape(shape)
    got = check([x] + [a for a, _ in values], out, [A] + [b for _, b in values])
    assert got.shape == want
    np.testing.assert_array_equal(got.ravel(), A.ravel())


def test_reshape_patterns():
    assert x.reshape((1, -1)).broadcastable == (True, False) and str(x.reshape((1, 6)).owner.op) == "Reshape{2}"
    assert x.reshape((i, 1)).broadcastable == (False, True)
    assert x.reshape(iv, ndim=3).ndim == 3 and x.reshape(y.shape).ndim == 2 and s.reshape((1, 1)).type.ndim == 2
    assert check([x, iv], x.reshape(iv, ndim=2), [A, [3, 2]]).shape == (3, 2)
    assert check([s], s.reshape((1, 1)), [2.0]).shape == (1, 1)
    assert both([x, iv], x.reshape(iv, ndim=2), [A, [3, -2]]).shape == (3, 2)  # any negative length stands for -1
    assert check([x], x.reshape(()), [A[:1, :1]]).shape == ()


@pytest.mark.parametrize(
    "shape, error, text",
    [
        (iv, ValueError, r"The length of the provided shape \(iv\) cannot be automatically determined"),
        ((1.5, 2), TypeError, "Shape must be integers"),
        (x, TypeError, "New shape in reshape must be a vector"),
        (i, TypeError, r"must be a vector or a list/tuple of scalar\. Got i after conversion"),
    ],
)
def test_reshape_refuses(shape, error, text):
    with pytest.raises(error, match=text):
        x.reshape(shape)


def test_reshape_run_errors():
    with pytest.raises(ValueError, match=r"cannot reshape array of size 5 into shape \(2,2\)"):
        both([v], v.reshape((2, 2)), [V])
    with pytest.raises(ValueError, match=r"shape argument to Reshape\.perform has incorrect length 3, should be 2"):
        both([v, iv], v.reshape(iv, ndim=2), [V, [1, 1, 5]])
    with pytest.raises(ValueError, match="The output dimensions after reshape must be 0 or greater"):
        T.Reshape(-1)
    with pytest.raises(ValueError, match="Expected ndim to be an integer, is <class 'str'>"):
        x.reshape(iv, ndim="2")


@pytest.mark.parametrize(
    "v_, value, ndim, want",
    [
        (x, A, 1, (6,)),
        (t3, T3, 2, (2, 12)),
        (t3, T3, 3, (2, 3, 4)),
        (s, 2.0, 1, (1,)),
        (row, A[:1], 2, (1, 3)),
        (col, A[:, :1], 1, (2,)),
        (v, V[:0], 1, (0,)),
    ],
)
def test_flatten(v_, value, ndim, want):
    out = v_.flatten(ndim)
    assert check([v_], out, [value]).shape == want and T.is_flat(out, ndim)
    with pytest.warns(DeprecationWarning, match="Flatten class is deprecated"):
        old = T.Flatten(ndim)
    assert check([v_], old(v_), [value]).shape == want and old(v_).broadcastable == out.broadcastable


def test_flatten_refuses():
    for ndim in (0, 3):
        with pytest.raises(ValueError, match=r"ndim %d out of bound \[1, 3\)" % ndim):
            x.flatten(ndim)
    with pytest.warns(UserWarning, match="flatten outdim parameter is deprecated"):
        assert T.flatten(x, outdim=2).ndim == 2
    with pytest.raises(ValueError, match="You should only specify ndim"):
        T.flatten(x, ndim=1, outdim=1)


# ---------------------------------------------------------------------- join and split
@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_join(axis):
    np.testing.assert_array_equal(
        check([x, y], T.concatenate([x, y, x], axis=axis), [A, B]), np.concatenate([A, B, A], axis=axis)
    )


def test_join_with_symbolic_axis_dtypes_and_flags():
    for axis in (0, 1, -1):
        np.testing.assert_array_equal(check([x, y, i], T.join(i, x, y), [A, B, axis]), np.concatenate([A, B], axis))
    im = T.imatrix()
    assert T.concatenate([im, x]).dtype == "float64" and T.concatenate([im, T.fmatrix()]).dtype == "float64"
    check([im, x], T.concatenate([im, x]), [[[1, 2, 3]], A])
    assert T.concatenate([col, x], axis=0).broadcastable == (False, True)
    check([col, x], T.concatenate([col, x], axis=0), [A[:, :1], B[:, :1]])
    assert T.join(0, x) is x and str(T.join(0, x, y).owner.op) == "Join" and str(T.Join(1)) == "Join{view=1}"
    assert T.grad(T.concatenate([im, im]).sum(), im, disconnected_inputs="ignore").dtype == theanojax.config.floatX


@pytest.mark.parametrize(
    "build, error, text",
    [
        (lambda: T.join(2, x, y), ValueError, 'Join argument "axis" is out of range'),
        (lambda: T.join(-3, x, y), IndexError, r"Join axis -3 out of bounds \[0, 2\)"),
        (lambda: T.join(0, x, v), TypeError, r"Join\(\) can only join tensors with the same number of dimensions"),
        (lambda: T.join(0, s, s), TypeError, "Join cannot handle arguments of dimension 0. For joining scalar"),
        (lambda: T.join(0), ValueError, "Cannot join an empty list of tensors"),
        (lambda: T.join(s, x, y), TypeError, "Axis could not be cast to an integer type"),
        (lambda: T.concatenate(x, y), TypeError, "The 'tensors' argument must be either a tuple or a list"),
        (lambda: T.stack([]), Exception, "tensors is empty"),
        (lambda: T.stack(), Exception, "must have at least one parameter"),
        (lambda: T.split(x, v, 2), TypeError, "splits must have type tensor.lvector"),
        (lambda: T.split(x, iv, 2, axis=s), TypeError, "axis must have type lscalar"),
        (lambda: T.default(x, v), TypeError, r"Both default\(\) arguments must have same type"),
    ],
)
def test_join_refuses(build, error, text):
    with pytest.raises(error, match=text):
        build()


def test_join_run_errors():
    text = (
        "all the input array dimensions for the concatenation axis must match exactly, but along dimension 1, the "
        "array at index 0 has size 3 and the array at index 1 has size 2"
    )
    with pytest.raises(ValueError, match=text):
        both([x, y], T.concatenate([x, y]), [A, B[:, :2]])
    with pytest.raises(IndexError, match=r"Join axis -3 out of bounds"):
        both([x, y, i], T.join(i, x, y), [A, B, -3])


def test_stack():
    for axis in (0, 1, 2, -1, -2):
        np.testing.assert_array_equal(check([x, y], T.stack([x, y], axis=axis), [A, B]), np.stack([A, B], axis))
    with pytest.warns(DeprecationWarning, match=r"stack\(\*tensors\) interface is deprecated"):
        assert T.stack(x, y).ndim == 3
    assert T.stack(tensors=[x, y], axis=1).ndim == T.stack([x, y], 1).ndim == 3
    np.testing.assert_array_equal(check([s], T.stacklists([[s, 1], [2, s]]), [5.0]), [[5, 1], [2, 5]])
    np.testing.assert_array_equal(check([x, y], T.horizontal_stack(x, y), [A, B]), np.hstack([A, B]))
    np.testing.assert_array_equal(check([x, y], T.vertical_stack(x, y), [A, B]), np.vstack([A, B]))


def test_split():
    a, b, c = T.split(v, iv, 3)
    got = check([v, iv], [a, b, c], [V, [2, 0, 3]])
    assert [g.tolist() for g in got] == [V[:2].tolist(), [], V[2:].tolist()]
    got = check([x, iv, i], T.split(x, iv, 2, axis=i), [A, [1, 2], 1])
    np.testing.assert_array_equal(got[1], A[:, 1:])
    assert str(a.owner.op) == "Split{3}"
    for sizes, error, text in (
        ([1, 1, 1], ValueError, r"Split: the splits sums to 3, expected 5\."),
        ([1, 4], ValueError, r"Split: splits count \(2\) != expected count \(3\)\."),
        ([-1, 3, 3], ValueError, r"you try to take a negative number \(-1\) of elements"),
    ):
        with pytest.raises(error, match=text):
            both([v, iv], [a, b, c], [V, sizes])
    with pytest.raises(IndexError, match=r"Split: invalid axis 2 for a 1-D array"):
        both([v, iv], T.split(v, iv, 2, axis=2), [V, [2, 3]])


@pytest.mark.parametrize("shift, axis", [(2, None), (-1, None), (0, 1), (4, 1), (-1, 0), (1, -1)])
def test_roll(shift, axis):
    np.testing.assert_array_equal(check([x], T.roll(x, shift, axis), [A]), np.roll(A, shift, axis))
    np.testing.assert_array_equal(check([x, i], T.roll(x, i, axis), [A, shift]), np.roll(A, shift, axis))


def test_tile():
    for reps in (2, (2, 3), (2, 1, 3), (1,)):
        np.testing.assert_array_equal(check([x], T.tile(x, reps), [A]), np.tile(A, reps))
    np.testing.assert_array_equal(check([x, i], T.tile(x, (i, 2)), [A, 3]), np.tile(A, (3, 2)))
    np.testing.assert_array_equal(check([x, iv], T.tile(x, iv, ndim=3), [A, [2, 2]]), np.tile(A, (1, 2, 2)))
    with pytest.raises(AssertionError, match="Theano Assert failed!"):
        both([x, iv], T.tile(x, iv, ndim=2), [A, [2, 2, 2]])
    with pytest.warns(UserWarning, match="Tile op is deprecated"):
        old = T.Tile(2)(x, T.constant([2, 1]))
    np.testing.assert_array_equal(check([x], old, [A], grad=False), np.tile(A, (2, 1)))


@pytest.mark.parametrize(
    "reps, ndim, text",
    [
        (2, 1, "ndim should be equal or larger than x.ndim"),
        (1.5, None, "elements of reps must be integer dtype"),
        (iv, None, "if reps is tensor.vector, you should specify the ndim"),
        (T.lmatrix(), 2, "dimension of reps should not exceed 1"),
        ((1.5,), None, "elements of reps must be scalars of integer dtype"),
        ((1, 2, 3), 2, r"len\(reps\) should be equal or less"),
    ],
)
def test_tile_refuses(reps, ndim, text):
    with pytest.raises(ValueError, match=text):
        T.tile(x, reps, ndim=ndim)


def test_shape_of_variables():
    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.tensor.shape_values import shape_of_variables

    fgraph = FunctionGraph([x, y], [T.concatenate([x[5:], y.T])])
    (a, b), (out,) = fgraph.inputs, fgraph.outputs
    shapes = shape_of_variables(fgraph, {a: (12, 4), b: (4, 6)})
    assert [int(n) for n in shapes[out]] == [13, 4] and [int(n) for n in shapes[a]] == [12, 4]
