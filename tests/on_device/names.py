"""`theano.gpuarray`: a device by the name None is there."""

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano import gpuarray
from theano.gpuarray import basic_ops, dnn, type as gputype

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore")]
rng = np.random.RandomState(3)
A = rng.rand(4, 5).astype("float32")
IMAGES, FILTERS = rng.rand(2, 3, 9, 8).astype("float32"), rng.rand(4, 3, 3, 2).astype("float32")


def test_there_is_a_gpu():
    assert gpuarray.pygpu_activated and dnn.dnn_available(None) and dnn.dnn_present() and dnn.version() >= 7000
    assert None in gpuarray.list_contexts() and gputype.get_context(None).kind == "cuda"
    assert theano.config.device.startswith("cuda")
    with pytest.raises(gputype.ContextNotDefined, match="context name dev9 not defined"):
        gputype.get_context("dev9")


def test_types():
    kind = gputype.GpuArrayType("float32", (False, True))
    assert kind == gputype.GpuArrayType("float32", (False, True), None) != T.TensorType("float32", (False, True))
    assert repr(kind) == "GpuArrayType<None>(float32, col)" and kind.clone(dtype="float64").dtype == "float64"
    with pytest.raises(gputype.ContextNotDefined):
        gputype.GpuArrayType("float32", (), "dev9")


def test_shared_variables():
    w = gpuarray.gpuarray_shared_constructor(A, "w")
    assert isinstance(w, gputype.GpuArraySharedVariable) and w.type.context_name is None
    x = T.fvector("x")
    cost = T.sqr(T.dot(x, w)).sum()
    step = theano.function([x], cost, updates=[(w, w - np.float32(0.1) * T.grad(cost, w))])
    row = np.ones(4, "float32")
    np.testing.assert_allclose(step(row), (A.sum(0) ** 2).sum(), rtol=1e-5)
    np.testing.assert_allclose(w.get_value(), A - 0.2 * A.sum(0), rtol=1e-4)
    assert theano.function([], w[1:, 0])().shape == (3,)
    assert theano.shared(A, target=None).type == w.type
    with pytest.raises(TypeError, match="No suitable SharedVariable constructor"):
        theano.shared(3.0, target=None)


def test_transfers():
    x = T.fmatrix("x")
    there = x.transfer(None)
    assert there.owner.op == basic_ops.GpuFromHost(None) and there.type.context_name is None
    assert gpuarray.as_gpuarray_variable(there, None) is there and basic_ops.infer_context_name(there) is None
    back = there.transfer("cpu")
    assert isinstance(back.owner.op, basic_ops.HostFromGpu) and back.type == x.type
    assert gpuarray.as_gpuarray_variable(back, None) is there
    f = theano.function([x], [there, back, T.grad((there**2).sum(), x), gpuarray.as_gpuarray_variable(A, None) + x])
    for got, want in zip(f(A), (A, A, 2 * A, 2 * A)):
        assert type(got) is np.ndarray
        np.testing.assert_allclose(got, want)
    with pytest.raises(ValueError, match="Can't transfer to target dev9"):
        x.transfer("dev9")
    theano.gradient.verify_grad(lambda v: v.transfer(None) ** 2, [A.astype("float64")], rng=rng)


def test_ops_that_make_arrays():
    n = T.lscalar("n")
    made = [
        basic_ops.GpuEye("float32", None)(n, 3, 0),
        basic_ops.GpuAlloc(None)(2.0, n),
        basic_ops.GpuAllocEmpty("float32", None)(n, 2).shape,
        basic_ops.gpu_contiguous(T.arange(n)),
    ]
    for got, want in zip(theano.function([n], made)(2), (np.eye(2, 3), [2, 2], [2, 2], [0, 1])):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("mode", ["valid", "full", "half", (1, 2)])
@pytest.mark.parametrize("conv_mode", ["conv", "cross"])
def test_convolutions(mode, conv_mode):
    x, k = T.ftensor4("x"), T.ftensor4("k")
    ours = dnn.dnn_conv(x, k, border_mode=mode, subsample=(2, 1), conv_mode=conv_mode)
    theirs = T.nnet.conv2d(x, k, border_mode=mode, subsample=(2, 1), filter_flip=conv_mode == "conv")
    desc = dnn.GpuDnnConvDesc(mode, (2, 1), conv_mode=conv_mode)(k.shape)
    low = dnn.GpuDnnConv()(x, k, ours, desc)
    weights = dnn.dnn_gradweight(x, ours, k.shape, mode, (2, 1), conv_mode=conv_mode)
    images = dnn.GpuDnnConvGradI()(k, ours, x, desc)
    f = theano.function([x, k], [ours, theirs, low, weights, images, *T.grad((theirs**2).sum() / 2, [k, x])])
    ours, theirs, low, weights, images, for_k, for_x = f(IMAGES, FILTERS)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    np.testing.assert_allclose(low, theirs, rtol=1e-4)
    np.testing.assert_allclose(weights, for_k, rtol=1e-3)
    np.testing.assert_allclose(images, for_x, rtol=1e-3)


def test_volumes():
    x, k = T.tensor5("x", "float32"), T.tensor5("k", "float32")
    f = theano.function([x, k], [dnn.dnn_conv3d(x, k), T.nnet.conv3d(x, k), dnn.dnn_pool(x, (2, 2, 2))])
    ours, theirs, pooled = f(rng.rand(1, 2, 5, 6, 4).astype("float32"), rng.rand(3, 2, 2, 3, 2).astype("float32"))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert pooled.shape == (1, 2, 4, 5, 3)


def test_steps_and_windows_of_another_number_of_axes_are_refused():
    x, k, volumes = T.ftensor4("x"), T.ftensor4("k"), T.tensor5("v", "float32")
    for steps in ({"subsample": (2, 2, 2)}, {"dilation": (2, 2, 2)}):
        with pytest.raises(ValueError, match="must have 2 elements"):
            dnn.dnn_conv(x, k, **steps)
    assert dnn.dnn_conv(volumes, T.tensor5("k", "float32")).ndim == 5  # whose own default is (1, 1)
    with pytest.raises(ValueError, match="of 4 dimensions, which take 2 lengths"):
        dnn.dnn_pool(x, (2, 2, 2), (2, 2, 2))
    with pytest.raises(ValueError, match="of 5 dimensions, which take 3 lengths"):
        dnn.dnn_pool(volumes, (2, 2))


def test_a_shape_may_be_an_array():
    x = T.ftensor4("x")
    for gradient in (dnn.dnn_gradweight(x, x, np.array([3, 3, 1, 1])), dnn.dnn_gradinput(x, x, np.array([3, 3, 1, 1]))):
        assert gradient.ndim == 4


def test_windows_whose_lengths_are_symbolic():
    x = T.ftensor4("x")
    window = tuple((n + 1) // 2 for n in x.shape[2:])
    f = theano.function([x], dnn.dnn_pool(x, window, tuple(n // 2 for n in x.shape[2:])))
    assert f(IMAGES).shape == (2, 3, 2, 2)


@pytest.mark.parametrize("mode", ["max", "sum", "average_inc_pad", "average_exc_pad"])
def test_pools(mode):
    x = T.ftensor4("x")
    pad = (0, 0) if mode == "average_exc_pad" else (1, 1)  # of which there is no gradient, as on Theano's CPU
    ours = dnn.dnn_pool(x, (3, 2), (2, 1), mode, pad)
    theirs = T.signal.pool.pool_2d(x, (3, 2), True, (2, 1), pad, mode)
    f = theano.function([x], [ours, theirs, T.grad(ours.sum(), x), T.grad(theirs.sum(), x)])
    ours, theirs, gradient, its = f(IMAGES)
    np.testing.assert_allclose(ours, theirs)
    np.testing.assert_allclose(gradient, its)


@pytest.mark.parametrize("mode", ["per-activation", "spatial"])
def test_batch_normalization(mode):
    x = T.ftensor4("x")
    shape = (1, 3, 9, 8) if mode == "per-activation" else (1, 3, 1, 1)
    gamma, beta, mean, var = (theano.shared(rng.rand(*shape).astype("float32")) for _ in range(4))
    train = dnn.dnn_batch_normalization_train(x, gamma, beta, mode, 1e-3, 0.2, mean, var)
    test = dnn.dnn_batch_normalization_test(x, gamma, beta, mean, var, mode, 1e-3)
    out, m, inv, new_mean, new_var, tested = theano.function([x], [*train, test])(IMAGES)
    axes = 0 if mode == "per-activation" else (0, 2, 3)
    want = IMAGES.mean(axis=axes, keepdims=True)
    np.testing.assert_allclose(m, want, rtol=1e-4)
    g, b = gamma.get_value(), beta.get_value()
    np.testing.assert_allclose(out, (IMAGES - want) * inv * g + b, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(new_mean, 0.8 * mean.get_value() + 0.2 * want, rtol=1e-4)
    np.testing.assert_allclose(
        tested, (IMAGES - mean.get_value()) * g / np.sqrt(var.get_value() + 1e-3) + b, rtol=1e-3, atol=1e-4
    )
    assert new_var.shape == shape
    with pytest.raises(ValueError, match="gamma and beta must be of the same dimensionality as inputs"):
        dnn.dnn_batch_normalization_train(x, T.fvector(), T.fvector())


@pytest.mark.parametrize("mode, axes", [("channel", (1,)), ("instance", (1, 2, 3))])
def test_softmax(mode, axes):
    x = T.ftensor4("x")
    f = theano.function([x], [dnn.GpuDnnSoftmax("accurate", mode)(x), dnn.dnn_softmax(x, "log", mode)])
    got, log = f(IMAGES)
    want = np.exp(IMAGES) / np.exp(IMAGES).sum(axis=axes, keepdims=True)
    np.testing.assert_allclose(got, want, rtol=1e-4)
    np.testing.assert_allclose(log, np.log(want), rtol=1e-4)
    with pytest.raises(ValueError, match="algo 'quick'"):
        dnn.dnn_softmax(x, "quick")


def sampled(img, theta, height, width):
    """Images where `theta` says, by numpy: each pixel counts by how near it is to a place."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    points = np.stack([x, y, np.ones_like(x)])
    x, y = np.einsum("nij,jhw->inhw", theta, points)
    near = [
        np.maximum(0, 1 - abs((v[..., None] + 1) / 2 * (n - 1) - np.arange(n)))
        for v, n in ((y, img.shape[2]), (x, img.shape[3]))
    ]
    return np.einsum("nchw,nijh,nijw->ncij", img, *near)


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE"])
def test_spatial_transformers(mode):
    x, theta = T.dtensor4("x"), T.dtensor3("theta")
    out = dnn.dnn_spatialtf(x, theta, scale_width=0.7, scale_height=1.5)
    one = dnn.dnn_spatialtf(x, theta, 0.1, 0.1)
    f = theano.function([x, theta], [out, dnn.dnn_spatialtf(x, theta), one], mode=mode)
    images, turned = IMAGES.astype("float64"), rng.randn(2, 2, 3)  # some places are outside
    for found, (height, width) in zip(f(images, turned), ((14, 6), (9, 8), (1, 1))):
        np.testing.assert_allclose(found, sampled(images, turned, height, width), atol=1e-12)
    np.testing.assert_allclose(f(images, np.stack([np.eye(2, 3)] * 2))[1], images)
    away = np.array([[[0, 0, 9.0], [0, 0, -9.0]]] * 2)
    assert not f(np.full_like(images, np.inf), away)[1].any()  # what is outside is not looked at
    for shape in ((2, 1, 3), (2, 2, 1), (1, 2, 3), (4, 2, 3)):
        with pytest.raises(RuntimeError, match="incorrect dimensions for theta, expected"):
            f(images, np.ones(shape))


def test_gradients_of_spatial_transformers():
    images, turned = IMAGES[:, :2, :4, :5].astype("float64"), rng.randn(2, 2, 3) / 2
    theano.gradient.verify_grad(lambda v, t: dnn.dnn_spatialtf(v, t, 0.8, 1.5), [images, turned], rng=rng)
    x, theta, back = T.dtensor4("x"), T.dtensor3("theta"), T.dtensor4("back")
    grid = dnn.GpuDnnTransformerGrid()(theta, (2, 2, 6, 4))
    out = dnn.GpuDnnTransformerSampler()(x, grid)
    for_x, for_grid = dnn.GpuDnnTransformerGradI()(x, grid, back)
    for_theta = dnn.GpuDnnTransformerGradT()(for_grid)
    f = theano.function([x, theta, back], [for_x, for_theta, *T.Lop(out, [x, theta], back)])
    given = f(images, turned, rng.randn(2, 2, 6, 4))
    for a, b in zip(given[:2], given[2:]):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_what_is_no_image_and_no_matrix():
    x, theta = T.ftensor4(), T.ftensor3()
    assert dnn.dnn_spatialtf(x, theta).dtype == "float32"
    with pytest.raises(TypeError, match="img must be a 4D tensor"):
        dnn.dnn_spatialtf(theta, theta)
    with pytest.raises(TypeError, match="img type must be floating-point"):
        dnn.dnn_spatialtf(T.itensor4(), theta)
    with pytest.raises(TypeError, match="grid must be a 4D tensor"):
        dnn.GpuDnnTransformerSampler()(x, theta)
    with pytest.raises(TypeError, match="theta has to be an array of floats with 3 dimensions"):
        dnn.dnn_spatialtf(x, T.fmatrix())


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def in_numpy(mode, parts, x, h, c):
    """A layer of a network from its matrices and biases: its states and cells."""
    gates = len(parts) // 4
    matrices, biases = parts[::2], parts[1::2]
    states = []
    for row in x:
        a = [(row @ m if m.size else row) + b for m, b in zip(matrices[:gates], biases[:gates])]
        b = [h @ m + b for m, b in zip(matrices[gates:], biases[gates:])]
        if mode == "lstm":
            i, f, o = (sigmoid(a[k] + b[k]) for k in (0, 1, 3))
            c = f * c + i * np.tanh(a[2] + b[2])
            h = o * np.tanh(c)
        elif mode == "gru":
            r, i = (sigmoid(a[k] + b[k]) for k in (0, 1))
            h = (1 - i) * np.tanh(a[2] + r * b[2]) + i * h
        else:
            h = np.tanh(a[0] + b[0]) if mode == "rnn_tanh" else np.maximum(a[0] + b[0], 0)
        states.append((h, c))
    return [np.array(s) for s in zip(*states)]


@pytest.mark.parametrize(
    "mode, input_mode, directions",
    [("rnn_relu", "linear", 1), ("rnn_tanh", "skip", 1), ("lstm", "linear", 2), ("gru", "linear", 1)],
)
def test_recurrent_networks(mode, input_mode, directions):
    steps, rows, n, layers = 4, 2, 3, 2
    numbers = n if input_mode == "skip" else 5
    size = [rows, numbers]
    block = dnn.RNNBlock(
        "float64", n, layers, mode, input_mode, "bidirectional" if directions == 2 else "unidirectional"
    )
    w = gpuarray.gpuarray_shared_constructor(np.zeros(block.get_param_size(size)), "w")
    values = rng.randn(block.get_param_size(size)) * 0.5
    seen = 0
    for half in range(layers * directions):
        for part in block.split_params(w, half, size):
            part[...] = values[seen : seen + part.size].reshape(part.shape)
            seen += part.size
    assert seen == len(values) and sorted(w.get_value()) == sorted(values)
    x, h = T.dtensor3("x"), T.dtensor3("h")
    c = T.dtensor3("c") if mode == "lstm" else None
    results = block.apply(w, x, h, c)
    cost = sum((v**2).sum() for v in results)
    given = [rng.randn(steps, rows, numbers)] + [rng.randn(layers * directions, rows, n) for _ in range(2)]
    inputs = [v for v in (x, h, c) if v is not None]
    f = theano.function(inputs, [*results, T.grad(cost, w), cost])
    *got, gradient, at = f(*given[: len(inputs)])
    y, last = given[0], []
    for layer in range(layers):
        halves = []
        for k in range(directions):
            half = layer * directions + k
            parts = [np.array(p) for p in block.split_params(w, half, size)]
            states = in_numpy(mode, parts, y[::-1] if k else y, given[1][half], given[2][half])
            last.append([s[-1] for s in states])
            halves.append(states[0][::-1] if k else states[0])
        y = np.concatenate(halves, axis=2)
    for ours, theirs in zip(got, [y, *map(np.array, zip(*last))]):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)
    assert len(got) == (3 if mode == "lstm" else 2)
    direction, value = rng.randn(len(values)), w.get_value()
    w.set_value(value + 1e-6 * direction)
    np.testing.assert_allclose((f(*given[: len(inputs)])[-1] - at) / 1e-6, gradient @ direction, rtol=1e-3)


def test_modes_that_networks_do_not_have():
    with pytest.raises(ValueError, match="cuDNN has no unidirectional elman with linear input"):
        dnn.RNNBlock("float32", 3, 1, "elman")
    with pytest.raises(TypeError, match="split_params only works on gpuarray shared variables"):
        dnn.RNNBlock("float32", 3, 1, "gru").split_params(T.vector(), 0, [1, 2])
