"""Raise, the Ops of Theano's sandbox, the programs of theano.misc, pathparse."""

import os
import subprocess
import sys

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.misc import burn_gpu, check_blas, check_multi_gpu, elemwise_time_test, latence_gpu_transfert
from theano.misc.doubleop import DoubleOp
from theano.pathparse import PathParser
from theano.raise_op import Raise
from theano.sandbox import fourier
from theano.sandbox.minimal import Minimal, minimal
from theano.sparse.basic import Remove0, remove0
from theano.sparse.sandbox import sp, sp2


# ---------------------------------------------------------------- Ops
def test_raise():
    x = T.dvector("x")
    out = Raise("no such thing", KeyError)(x)
    assert out.type == x.type and str(out.owner.op) == "Raise{<class 'KeyError'>(no such thing)}"
    assert Raise("a") == Raise("a") and Raise("a") != Raise("a", KeyError)
    f = theano.function([x], out)
    with pytest.raises(KeyError, match="no such thing"):
        f([1.0])
    never = theano.function([x], theano.ifelse.ifelse(T.gt(x.sum(), 0), x, Raise("negative", ValueError)(x)))
    assert list(never([1.0])) == [1.0]
    with pytest.raises(ValueError, match="negative"):
        never([-1.0])


def test_raise_of_a_constant_is_not_computed_before_its_time():
    f = theano.function([], Raise("now")(T.constant(1.0)))
    with pytest.raises(NotImplementedError, match="now"):
        f()


def test_doubled():
    x = T.lmatrix("x")
    f = theano.function([x], DoubleOp()(x))
    got = f([[1, 2]])
    assert got.dtype == "int64" and got.tolist() == [[2, 4]] and DoubleOp() == DoubleOp()


def test_minimal(capsys):
    m, v = T.dmatrix(), T.dvector()
    assert theano.function([m, v], minimal(m, v, v))([[1.0, 5.0]], [2.0]) == 0 and isinstance(minimal, Minimal)
    assert capsys.readouterr().out == "perform got 3 arguments\nMax of input[0] is  5.0\n"


def test_fourier():
    m = T.dmatrix("m")
    values = np.arange(12.0).reshape(4, 3) ** 2
    for op, axis, want in (
        (fourier.fft, 0, np.fft.fft(values, 6, 0)),
        (fourier.ifft, 1, np.fft.ifft(values, 6, 1)),
        (fourier.half_fft, 0, np.fft.fft(values, 6, 0)[:3]),
        (fourier.half_ifft, 1, np.fft.ifft(values, 6, 1)[:, :3]),
    ):
        out = op(m, 6, axis)
        assert out.type == T.zmatrix and len(out.owner.outputs) == 2
        np.testing.assert_allclose(theano.function([m], out)(values), want)
    with pytest.raises(ValueError, match="halfFFT on odd-length vectors is undefined"):
        theano.function([m], fourier.half_fft(m, 3, 0))(values)
    with pytest.raises(TypeError, match="Argument to HalfFFT must not be complex"):
        fourier.half_fft(T.zmatrix(), 4, 0)


def test_fourier_has_no_gradient():
    m = T.dmatrix("m")
    todo, *others = fourier.fft.grad([m, T.lscalar(), T.lscalar()], [T.zmatrix(), None])
    assert todo.owner.op == fourier.grad_todo and others == [None, None]
    with pytest.raises(NotImplementedError, match="has no gradient"):
        theano.function([m], todo)(np.ones((2, 2)))


def test_dct_matrix():
    d = fourier.dct_matrix(4, 4)
    np.testing.assert_allclose(d @ d.T, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(fourier.dct_matrix(2, 3, unitary=False)[0], np.sqrt(2 / 3) * np.ones(3))


def test_values_of_special_functions_without_an_instance():
    assert theano.scalar.basic_scipy.Gamma.st_impl(4.0) == 6.0
    assert theano.scalar.basic_scipy.Jv.st_impl(0.0, 0.0) == 1.0


# ---------------------------------------------------------------- theano.sparse.sandbox
def test_names_of_the_sparse_sandbox():
    assert sp2.EliminateZeros is Remove0 and sp2.eliminate_zeros is remove0
    assert sp.register_specialize is theano.tensor.opt.register_specialize


def test_patches_as_a_sparse_matrix():
    # of Theano: the patches of 1 by 2 of an image of 2 by 3, two images deep
    indices, indptr, shape, kind, out = sp.ConvolutionIndices.evaluate((2, 2, 3), (1, 2))
    assert indices.tolist() == [0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15] and indices.dtype == "int32"
    assert indptr.tolist() == [0, 1, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16]
    assert (shape, kind, out.tolist()) == ((16, 12), "csc", [2, 2])
    assert sp.convolution_indices.conv_eval((3, 3), (2, 2), (1, 1), "full")[4].tolist() == [4, 4]
    with pytest.raises(ValueError, match="mode has to be 'valid' or 'full', not 'same'"):
        sp.convolve(T.dmatrix(), (2, 2), 1, T.dmatrix(), (3, 3), mode="same")
    with pytest.raises(ValueError, match="Invalid kernel"):
        sp.ConvolutionIndices.evaluate((2, 2), (3, 3))
    with pytest.raises(ValueError, match="ws must be true"):
        sp.ConvolutionIndices.evaluate((2, 2), (1, 1), ws=False)


def windows_of(images, shape, step, full):
    """For each image the windows, flat, of all its features: (images, rows, columns, features * area)."""
    if full:
        images = np.pad(images, [(0, 0), (0, 0), (shape[0] - 1,) * 2, (shape[1] - 1,) * 2])
    found = np.lib.stride_tricks.sliding_window_view(images, shape, axis=(2, 3))[:, :, :: step[0], :: step[1]]
    return np.moveaxis(found, 1, 3).reshape(len(images), *found.shape[2:4], -1)


@pytest.mark.parametrize("mode", ["valid", "full"])
@pytest.mark.parametrize("features, step", [(1, (1, 1)), (2, (2, 1))])
def test_convolve(mode, features, step):
    rng = np.random.RandomState(1)
    images, kernels = rng.rand(2, features, 4, 5), rng.rand(3, features * 6)
    want = windows_of(images, (2, 3), step[::-1], mode == "full") @ kernels.T
    shape = (4, 5) if features == 1 else (features, 4, 5)
    k, x, b = T.dmatrix(), T.dmatrix(), T.dvector()
    flat, size = sp.convolve(k, (2, 3), 3, x, shape, step, b, mode)
    whole, _ = sp.convolve(k, (2, 3), 3, x, shape, step, mode=mode, flatten=False)
    got, plain = theano.function([k, x, b], [flat, whole])(kernels, images.reshape(2, -1), [1.0, 2.0, 3.0])
    assert size.tolist() == [3, *want.shape[1:3]]
    want = np.moveaxis(want, 3, 1).reshape(2, 3, -1)
    np.testing.assert_allclose(plain, want)
    np.testing.assert_allclose(got, (want + np.array([[1.0], [2.0], [3.0]])).reshape(2, -1))


def test_convolve_has_a_gradient_and_is_in_double_precision():
    k, x = T.fmatrix(), T.fmatrix()
    out, _ = sp.convolve(k, (2, 2), 1, x, (2, 3), mode="full")
    assert out.dtype == "float64"
    gk, gx = theano.function([k, x], theano.grad(out.sum(), [k, x]))(np.ones((1, 4), "f"), np.ones((2, 6), "f"))
    assert gk.tolist() == [[12.0] * 4] and gx.tolist() == [[4.0] * 6] * 2


def test_max_pool():
    x = T.dmatrix()
    images = np.random.RandomState(2).randn(2, 3, 4, 6)
    out, shape = sp.max_pool(x, (3, 4, 6), (2, 2))
    got = theano.function([x], out)(images.reshape(2, -1))
    assert shape.tolist() == [2, 3]
    assert np.array_equal(got, images.reshape(2, 3, 2, 2, 3, 2).max(axis=(3, 5)).reshape(2, -1))


# ---------------------------------------------------------------- programs
def test_check_blas(capsys, monkeypatch):
    seconds, what = check_blas.execute(M=20, N=30, K=40, iters=2)
    assert seconds > 0 and "Versions:" in capsys.readouterr().out and what
    assert check_blas.execute(execute=False, verbose=False, M=5, N=5, K=5, order="F")[0] == -1
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(sys, "argv", ["check_blas", "-M", "8", "-B", "6", "--iter", "1"])
    check_blas.main()
    assert "shapes (8, 6) and (6, 6)" in capsys.readouterr().out


def test_a_program_runs_as_a_module():
    command = [sys.executable, "-m", "theano.misc.check_blas", "-q", "-B", "10", "--iter", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and float(done.stdout) >= 0 and "Warning" not in done.stderr


def test_programs_that_measure(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["elemwise_time_test", "-N", "10", "--script"])
    elemwise_time_test.main()
    assert len(capsys.readouterr().out.split()) == 2
    assert min(elemwise_time_test.ElemwiseOpTime(10, loops=2)) > 0
    latence_gpu_transfert.main(100)
    burn_gpu.burn(4, 2)
    check_multi_gpu.main("cuda0", "cuda1", size=10)
    out = capsys.readouterr().out
    assert "     100 " in out and "Computation stopped" in out and "two calls, in two threads" in out
    assert "cuda0: jax finds no such device" in out


def test_pathparse(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", os.pathsep.join(["/usr/bin", "/bin", ""]))
    monkeypatch.setattr(PathParser, "paths", set())
    paths = PathParser(str(tmp_path / "a"))
    paths.add(" %s " % (tmp_path / "b"))
    want = sorted(["/usr/bin", "/bin", str(tmp_path / "a"), str(tmp_path / "b")])
    assert os.environ["PATH"].split(os.pathsep) == want
