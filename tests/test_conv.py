"""Convolutions and their gradients: values against scipy, shapes, errors, the old interfaces."""

import numpy as np
import pytest
import scipy.signal

import theanojax.tensor as T
from tests.helpers import both, check_op
from theanojax.compile.function import function
from theanojax.compile.mode import Mode, get_mode
from theanojax.config import config
from theanojax.errors import NotScalarConstantError
from theanojax.gradient import grad
from theanojax.tensor.nnet import abstract_conv as ac, conv as old
from theanojax.tensor.nnet.conv3d2d import (
    conv3d as movie_conv,
    diagonal_subtensor,
    get_diagonal_subtensor_view,
    inc_diagonal_subtensor,
)
from theanojax.tensor.nnet.corr import CorrMM, CorrMM_gradInputs, CorrMM_gradWeights
from theanojax.tensor.nnet.corr3d import Corr3dMM, Corr3dMM_gradInputs, Corr3dMM_gradWeights
from theanojax.tensor.nnet.neighbours import Images2Neibs, images2neibs, neibs2images
from theanojax.tensor.signal.conv import conv2d as signal_conv2d


def rand(*shape):
    return np.random.RandomState(7).uniform(-1, 1, size=shape)


def by_scipy(x, w, mode):
    return np.array(
        [[sum(scipy.signal.convolve(c, k, mode) for c, k in zip(image, kernel)) for kernel in w] for image in x]
    )


X4, W4 = T.dtensor4("x"), T.dtensor4("w")
X5, W5 = T.TensorType("float64", [False] * 5)("x"), T.TensorType("float64", [False] * 5)("w")


# ---------------------------------------------------------------------- values
@pytest.mark.parametrize("mode", ["valid", "full"])
def test_against_scipy(mode):
    x, w = rand(2, 3, 6, 5), rand(4, 3, 3, 2)
    got = check_op([X4, W4], ac.conv2d(X4, W4, border_mode=mode), [x, w])
    np.testing.assert_allclose(got[0], by_scipy(x, w, mode))
    sub = both([X4, W4], ac.conv2d(X4, W4, border_mode=mode, subsample=(2, 3)), [x, w])
    np.testing.assert_allclose(sub, got[0][:, :, ::2, ::3])
    x, w = rand(1, 2, 4, 3, 5), rand(2, 2, 2, 1, 3)
    got = check_op([X5, W5], ac.conv3d(X5, W5, border_mode=mode), [x, w])
    np.testing.assert_allclose(got[0], by_scipy(x, w, mode))


@pytest.mark.parametrize("border_mode", ["half", 1, (1, 2), ((1, 0), 2)])
def test_every_parameter(border_mode):
    x, w = rand(2, 4, 6, 5), rand(4, 2, 3, 2)
    out = ac.conv2d(X4, W4, border_mode=border_mode, subsample=(2, 1), filter_dilation=(1, 2), num_groups=2)
    check_op([X4, W4], out, [x, w])
    pads = {"half": ((1, 1), (1, 1)), 1: ((1, 1),) * 2, (1, 2): ((1, 1), (2, 2))}.get(border_mode, ((1, 0), (2, 2)))
    padded = np.pad(x, ((0, 0), (0, 0)) + pads)
    plain = ac.conv2d(X4, W4, filter_dilation=(1, 2), num_groups=2, filter_flip=False)
    np.testing.assert_allclose(
        both([X4, W4], out, [x, w]), both([X4, W4], plain, [padded, w[:, :, ::-1, ::-1]])[:, :, ::2]
    )


def test_unshared():
    w6 = T.TensorType("float64", [False] * 6)("w")
    x = rand(2, 2, 5, 4)
    w = rand(2, 2, 2, 1, 3, 2)
    out = ac.conv2d(X4, w6, subsample=(2, 2), num_groups=2, unshared=True)
    got = check_op([X4, w6], out, [x, w])[0]
    for r, c in np.ndindex(2, 2):
        part = x[:, :, 2 * r : 2 * r + 3, 2 * c : 2 * c + 2]
        np.testing.assert_allclose(got[:, 1, r, c], (part[:, 1] * w[1, r, c, 0, ::-1, ::-1]).sum((1, 2)))


def test_gradient_ops_by_themselves():
    top = T.dtensor4("top")
    x, w, t = rand(1, 2, 6, 5), rand(3, 2, 3, 2), rand(1, 3, 2, 2)
    for flip in (True, False):
        kwargs = dict(subsample=(2, 2), filter_flip=flip)
        gx = ac.conv2d_grad_wrt_inputs(top, W4, (None, None, 6, 5), **kwargs)
        gw = ac.conv2d_grad_wrt_weights(X4, top, (None, None, 3, 2), **kwargs)
        check_op([top, W4], gx, [t, w])
        check_op([X4, top], gw, [x, t])
        cost = (ac.conv2d(X4, W4, **kwargs) * top).sum()
        np.testing.assert_allclose(both([X4, W4, top], grad(cost, X4), [x, w, t]), both([top, W4], gx, [t, w]))
        np.testing.assert_allclose(both([X4, W4, top], grad(cost, W4), [x, w, t]), both([X4, top], gw, [x, t]))


def test_other_dtypes():
    for dtype in ("float32", "int32", "complex128"):
        x, w = T.tensor4("x", dtype=dtype), T.tensor4("w", dtype=dtype)
        values = [(rand(1, 2, 4, 4) * 9).astype(dtype), (rand(2, 2, 2, 2) * 9).astype(dtype)]
        got = both([x, w], ac.conv2d(x, w), values)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, by_scipy(*values, "valid"), rtol=1e-4)


def test_nothing_in_it():
    assert both([X4, W4], ac.conv2d(X4, W4), [rand(0, 2, 4, 4), rand(3, 2, 2, 2)]).shape == (0, 3, 3, 3)
    assert not both([X4, W4], ac.conv2d(X4, W4), [rand(1, 0, 4, 4), rand(3, 0, 2, 2)]).any()


def test_causal_and_separable():
    x3, w3 = T.dtensor3("x"), T.dtensor3("w")
    x, w = rand(1, 1, 6), rand(1, 1, 3)
    got = both([x3, w3], ac.causal_conv1d(x3, w3, (None, None, 3), filter_dilation=2), [x, w])
    spread = np.zeros(5)
    spread[::2] = w[0, 0]
    np.testing.assert_allclose(got[0, 0], np.convolve(x[0, 0], spread)[:6])
    point = T.dtensor4("p")
    x, d, p = rand(1, 2, 4, 4), rand(2, 1, 2, 2), rand(3, 2, 1, 1)
    out = ac.separable_conv2d(X4, W4, point, 2)
    each = np.stack([scipy.signal.convolve(x[0, i], d[i, 0], "valid") for i in range(2)])
    np.testing.assert_allclose(both([X4, W4, point], out, [x, d, p])[0], np.tensordot(p[:, :, 0, 0], each, 1))


def test_upsampling():
    x = rand(2, 1, 3, 4)
    one = both([X4], ac.bilinear_upsampling(X4, ratio=2), [x])
    assert one.shape == (2, 1, 6, 8)
    np.testing.assert_allclose(one, both([X4], ac.bilinear_upsampling(X4, ratio=2, use_1D_kernel=False), [x]))
    np.testing.assert_allclose(one, both([X4], ac.bilinear_upsampling(X4, frac_ratio=(4, 2), use_1D_kernel=False), [x]))
    np.testing.assert_allclose(one[:, :, 0, 1], x[:, :, 0, :2] @ [0.5, 0.5])
    for kwargs, word in [
        (dict(ratio=2, frac_ratio=(2, 1)), "together"),
        (dict(), "No ratio"),
        (dict(frac_ratio=(3, 2)), "1D kernel"),
        (dict(frac_ratio=2, use_1D_kernel=False), "tuple"),
    ]:
        with pytest.raises(ValueError, match=word):
            ac.bilinear_upsampling(X4, **kwargs)


# ---------------------------------------------------------------------- shapes
def test_shapes_without_values():
    assert ac.get_conv_output_shape((3, 2, 12, 9), (4, 2, 5, 6), "valid", (1, 1)) == (3, 4, 8, 4)
    assert ac.get_conv_output_shape((3, 2, 12, None), (4, 2, 5, 6), (1, (2, 3)), (2, 1), (1, 2)) == (3, 4, 5, None)
    assert ac.get_conv_gradweights_shape((3, 2, 12, 9), (3, 4, 8, 4), "valid", (1, 1)) == (4, 2, 5, 6)
    assert ac.get_conv_gradweights_shape((3, 2, 12, 9), (3, 4, 8, 4), "half", (1, 1)) == (4, 2, None, None)
    assert ac.get_conv_gradinputs_shape((4, 2, 5, 6), (3, 4, 16, 14), "full", (1, 2)) == (3, 2, 12, None)
    assert ac.check_conv_gradinputs_shape((3, 2, 12, 9), (4, 2, 5, 6), (3, 4, 8, 4), "valid", (1, 1))
    assert not ac.check_conv_gradinputs_shape((3, 2, 12, 9), (4, 2, 5, 6), (3, 4, 8, 5), "valid", (1, 1))
    assert ac.border_mode_to_pad((1, (2, 3)), 2, (3, 3)) == ((1, 1), (2, 3))
    with pytest.raises(ValueError, match="dim\\[2\\]: 0 <= 0"):
        ac.assert_conv_shape((1, 2, 0, 3))


def test_declared_shapes_are_checked(monkeypatch):
    monkeypatch.setattr(config.conv, "assert_shape", True)
    f = function([X4, W4], ac.conv2d(X4, W4, input_shape=(None, None, 5, None)))
    with pytest.raises(AssertionError, match="shape of image does not match given imshp"):
        f(rand(1, 1, 4, 4), rand(1, 1, 2, 2))


def test_shape_of_the_output_needs_no_convolution():
    f = function([X4, W4], ac.conv2d(X4, W4, border_mode="half").shape)
    assert f(rand(1, 2, 5, 6), rand(3, 2, 3, 2)).tolist() == [1, 3, 5, 7]
    assert not any("Conv" in str(n.op) or "Corr" in str(n.op) for n in f.maker.fgraph.toposort())


# ---------------------------------------------------------------------- errors
def test_parameters_are_checked():
    cases = [
        (dict(border_mode="same"), ValueError, "invalid border_mode same"),
        (dict(border_mode=-1), ValueError, "non-negative"),
        (dict(border_mode=(1,)), ValueError, "length 2"),
        (dict(border_mode=(1, -1)), ValueError, "pairs of integers"),
        (dict(subsample=(1,)), ValueError, "subsample must have 2"),
        (dict(num_groups=0), ValueError, "num_groups"),
        (dict(imshp=(T.lscalar(), 1, 2, 3)), ValueError, "imshp should be None or a tuple of constant"),
    ]
    for kwargs, error, word in cases:
        with pytest.raises(error, match=word):
            ac.AbstractConv2d(**kwargs)
    with pytest.raises(NotImplementedError, match="not implemented for 3D"):
        ac.AbstractConv3d(border_mode=((1, 2), 0, 0))
    with pytest.raises(TypeError, match="img must be 4D tensor"):
        ac.conv2d(T.dmatrix(), W4)
    with pytest.raises(TypeError, match="kern must be 4D tensor"):
        ac.conv2d(X4, T.dmatrix())


def test_shapes_that_do_not_fit():
    x, w = rand(1, 3, 4, 4), rand(2, 3, 3, 3)
    for op, words in [
        (ac.conv2d(X4, W4), ["number of channels", "do not fit"]),
        (CorrMM()(X4, W4), ["same stack size", "impossible output shape"]),
    ]:
        with pytest.raises(ValueError, match=words[0]):
            both([X4, W4], op, [x, w[:, :2]])
        with pytest.raises(ValueError, match=words[1]):
            both([X4, W4], op, [x[:, :, :2], w])
    with pytest.raises(ValueError, match="invalid input_shape for gradInputs"):
        both([X4, W4], ac.conv2d_grad_wrt_inputs(X4, W4, (None, None, 9, 9)), [x, rand(3, 2, 3, 3)])


# ---------------------------------------------------------------------- what it is compiled to
def test_compiled_to_correlations():
    cost = ac.conv2d(X4, W4).sum()
    f = function([X4, W4], [cost] + grad(cost, [X4, W4]))
    found = {type(n.op) for n in f.maker.fgraph.toposort()}
    assert {CorrMM_gradInputs, CorrMM_gradWeights} <= found
    assert not any(issubclass(op, ac.BaseAbstractConv) for op in found)
    values = [rand(2, 2, 6, 5), rand(3, 2, 3, 2)]
    for mode, steps in (("valid", (1, 1)), ("full", (2, 2))):
        out = ac.conv2d(X4, W4, (2, 2, 6, 5), (3, 2, 3, 2), border_mode=mode, subsample=steps)
        outs = [out] + grad((out**2).sum(), [X4, W4])
        f = function([X4, W4], outs, mode=get_mode("FAST_RUN").excluding("conv_gemm"))
        assert sum(isinstance(n.op, old.ConvOp) for n in f.maker.fgraph.toposort()) == 3
        for got, want in zip(f(*values), function([X4, W4], outs)(*values)):
            np.testing.assert_allclose(got, want)


def test_correlations():
    x, w = rand(2, 2, 6, 5), rand(3, 2, 3, 2)
    for kwargs in (dict(), dict(border_mode="full"), dict(border_mode=((1, 0), 2), filter_dilation=(2, 1))):
        check_op([X4, W4], CorrMM(**kwargs)(X4, W4), [x, w])
        top = both([X4, W4], CorrMM(**kwargs)(X4, W4), [x, w])
        assert both([X4, W4], CorrMM_gradWeights(**kwargs)(X4, W4), [x, top]).shape == w.shape
        assert both([X4, W4], CorrMM_gradInputs(**kwargs)(X4, W4), [w, top]).shape == x.shape
    strided = CorrMM(subsample=(2, 1), border_mode="half")(X4, W4)
    check_op([X4, W4], strided, [x, w])
    x, w = rand(1, 2, 4, 3, 3), rand(2, 1, 2, 2, 1)
    check_op([X5, W5], Corr3dMM(num_groups=2, subsample=(1, 1, 2))(X5, W5), [x, w])
    top = both([X5, W5], Corr3dMM(num_groups=2)(X5, W5), [x, w])
    check_op([X5, W5], Corr3dMM_gradWeights(num_groups=2)(X5, W5), [x, top])
    check_op([X5, W5], Corr3dMM_gradInputs(num_groups=2)(X5, W5), [w, top])
    assert str(CorrMM()) == "CorrMM{valid, (1, 1), (1, 1), 1 False}"
    with pytest.raises(ValueError, match="shape must be given"):
        CorrMM_gradInputs(subsample=(2, 2))(X4, W4)


# ---------------------------------------------------------------------- the old interfaces
def test_old_conv2d():
    x, w = rand(2, 3, 6, 5), rand(4, 3, 3, 2)
    with pytest.warns(UserWarning, match="deprecated"):
        for mode in ("valid", "full"):
            out = old.conv2d(X4, W4, image_shape=(2, 3, 6, 5), filter_shape=(4, 3, 3, 2), border_mode=mode)
            np.testing.assert_allclose(check_op([X4, W4], out, [x, w])[0], by_scipy(x, w, mode))
            check_op([X4, W4], old.conv2d(X4, W4, border_mode=mode), [x, w])
        strided = old.conv2d(X4, W4, (2, 3, 6, 5), (4, 3, 3, 2), border_mode="full", subsample=(2, 2))
        check_op([X4, W4], strided, [x, w])
        with pytest.raises(NotScalarConstantError, match="shape information are constant"):
            old.conv2d(X4, W4, image_shape=(T.lscalar(), 3, 6, 5))
        with pytest.raises(NotImplementedError, match="stride"):
            grad(old.conv2d(X4, W4, subsample=(2, 2)).sum(), X4)
        wrong = old.conv2d(X4, W4, image_shape=(2, 3, 6, 5))
    with pytest.raises(ValueError, match=r"hardcoded shape for the batch size \(2\) isn't the run time shape \(1\)"):
        both([X4, W4], wrong, [x[:1], w])
    assert old.ConvOp.getOutputShape((6, 5), (3, 2), (2, 1), "full") == (4, 6)
    with pytest.raises(Exception, match="Bad size for the output shape"):
        old.ConvOp(imshp=(1, 2, 2), kshp=(3, 3))


@pytest.mark.parametrize("linker", ["py", "cvm"])
@pytest.mark.parametrize(
    "images, filters, part",
    [
        ((None, None, 6, 4), None, r"number of columns in the image \(4\) isn't the run time shape \(5\)"),
        ((None, None, 7, None), None, r"number of rows in the image \(7\) isn't the run time shape \(6\)"),
        ((None, 2, None, None), None, r"image stack size \(2\) isn't the run time shape \(3\)"),
        ((4, None, None, None), None, r"batch size \(4\) isn't the run time shape \(2\)"),
        (None, (5, None, None, None), r"number of kernels in the filter \(5\) isn't the run time shape \(4\)"),
        (None, (None, None, 2, None), r"number of rows in the filter \(2\) isn't the run time shape \(3\)"),
        ((2, 3, 6, 5), (4, 3, 3, 1), r"number of columns in the filter \(1\) isn't the run time shape \(2\)"),
        ((2, None, 6, None), (None, None, 3, 2), None),
    ],
)
def test_old_conv2d_checks_what_was_declared(images, filters, part, linker):
    x, w = rand(2, 3, 6, 5), rand(4, 3, 3, 2)
    with pytest.warns(UserWarning, match="deprecated"):
        out = old.conv2d(X4, W4, image_shape=images, filter_shape=filters)
    f = function([X4, W4], out, mode=Mode(linker, "fast_run"))
    if part is None:
        np.testing.assert_allclose(f(x, w), by_scipy(x, w, "valid"))
        return
    with pytest.raises(ValueError, match="^The hardcoded shape for the " + part) as e:
        f(x, w)
    assert "Apply node that caused the error: ConvOp{" in str(e.value)


def test_signal_conv2d():
    x3, w3, x2, w2 = T.dtensor3(), T.dtensor3(), T.dmatrix(), T.dmatrix()
    x, w = rand(2, 5, 4), rand(3, 2, 3)
    got = both([x3, w3], signal_conv2d(x3, w3), [x, w])
    np.testing.assert_allclose(got, by_scipy(x[:, None], w[:, None], "valid"))
    np.testing.assert_allclose(both([x2, w3], signal_conv2d(x2, w3), [x[0], w]), got[0])
    np.testing.assert_allclose(both([x2, w2], signal_conv2d(x2, w2, (5, 4), (2, 3)), [x[0], w[1]]), got[0, 1])


def test_movies():
    s, k = rand(1, 5, 2, 4, 4), rand(3, 2, 2, 3, 2)
    for mode in ("valid", "full"):
        got = both([X5, W5], movie_conv(X5, W5, s.shape, k.shape, border_mode=mode), [s, k])
        want = by_scipy(s.transpose(0, 2, 1, 3, 4), k.transpose(0, 2, 1, 3, 4), mode).transpose(0, 2, 1, 3, 4)
        np.testing.assert_allclose(got, want)
    m, a = T.dmatrix(), T.dmatrix()
    x = rand(6, 4)
    out = check_op([m], diagonal_subtensor(m, 0, 1), [x])[0]
    assert out.tolist() == get_diagonal_subtensor_view(x, 0, 1).tolist()
    check_op([m, a], inc_diagonal_subtensor(m, 0, 1, a), [x, out])


# ---------------------------------------------------------------------- neighbourhoods
def test_neighbourhoods():
    x = rand(2, 1, 4, 6)
    got = check_op([X4], images2neibs(X4, (2, 3)), [x])[0]
    assert got.shape == (8, 6) and got[1].tolist() == x[0, 0, :2, 3:].ravel().tolist()
    m = T.dmatrix()
    assert both([m], neibs2images(m, (2, 3), x.shape), [got]).tolist() == x.tolist()
    check_op([X4], images2neibs(X4, (2, 2), (1, 2)), [x])
    check_op([X4], images2neibs(X4, (3, 3), mode="ignore_borders"), [x])
    for mode, step in (("half", (1, 3)), ("full", (1, 1)), ("wrap_centered", (1, 2))):
        got = check_op([X4], images2neibs(X4, (3, 3), step, mode=mode), [x[:, :, :, :4]], grad=False)[0]
        if mode == "wrap_centered":
            assert got[0].tolist() == np.roll(x[0, 0, :, :4], (1, 1), (0, 1))[:3, :3].ravel().tolist()
    with pytest.raises(TypeError, match="neib_shape\\[1\\]=4, neib_step\\[1\\]=4"):
        both([X4], images2neibs(X4, (2, 4)), [x])
    with pytest.raises(NotImplementedError, match="Only modes valid, half"):
        Images2Neibs("mirror")


# ---------------------------------------------------------------- images smaller than filters
@pytest.mark.parametrize("mode", ["half", "full", (3, 1)])
@pytest.mark.parametrize("groups", [1, 2])
def test_images_smaller_than_filters(mode, groups):
    """XLA's CPU is given other programs for them: the results are those of the host."""
    x, w = rand(2, 4, 2, 3), rand(6, 4 // groups, 3, 5)
    out = ac.conv2d(X4, W4, border_mode=mode, num_groups=groups)
    both([X4, W4], [out, *grad((out**2).sum(), [X4, W4])], [x, w])


def test_gradient_for_large_images_of_float32(monkeypatch):
    from theanojax.tensor.nnet import conv_kernels

    x, w = (rand(*shape).astype("float32") for shape in ((3, 4, 9, 8), (5, 4, 3, 2)))
    x4, w4 = T.ftensor4("x"), T.ftensor4("w")
    for mode in ("valid", "half", (4, 0)):
        f = [grad((ac.conv2d(x4, w4, border_mode=mode) ** 2).sum(), x4)]
        few = function([x4, w4], f)(x, w)
        monkeypatch.setattr(conv_kernels, "MANY", 0)
        np.testing.assert_allclose(function([x4, w4], f)(x, w)[0], few[0], rtol=1e-4, atol=1e-4)
        monkeypatch.undo()
