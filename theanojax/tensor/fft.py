"""Fourier transforms of real arrays. The first dimension is a batch; complex numbers are pairs in a last dimension."""

import numpy as np

from theanojax.graph.gradient_types import DisconnectedType
from theanojax.graph.op import Op
from theanojax.graph.tracebacks import boundaries
from theanojax.graph.variable import Apply
from theanojax.tensor import batch_rules
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.indexing.subtensor import set_subtensor
from theanojax.tensor.math import sqrt
from theanojax.tensor.op_methods import first_connected
from theanojax.tensor.type import TensorType, integer_dtypes


def _checked_lengths(op, s):
    s = as_tensor_variable(s)
    if s.dtype not in integer_dtypes:
        raise TypeError("%s: length of the transformed axis must be of type integer" % type(op).__name__)
    return s


class _FFT(Op):
    """Inputs: the array, and the vector `s` of the lengths of the transformed axes."""

    __props__ = ()
    static_inputs = (1,)

    connection_pattern = first_connected(1)
    vectorize_node = batch_rules.merged(0)

    def _weighted(self, g, s, weight):
        """`g` with the frequencies that stand for two, all but the first and, for even lengths, the last, scaled."""
        twice = (slice(None),) * (g.ndim - 2) + (slice(1, s[-1] // 2 + s[-1] % 2), slice(None))
        return set_subtensor(g[twice], g[twice] * weight)


class RFFTOp(_FFT):
    """The half spectrum of a batch of real arrays, unscaled; see `rfft`."""

    __props__ = ()

    def output_type(self, inp):
        return TensorType(inp.dtype, [False] * (inp.type.ndim + 1))

    def make_node(self, a, s=None):
        a = as_tensor_variable(a)
        if a.ndim < 2:
            raise TypeError("%s: input must have dimension > 2, with first dimension batches" % type(self).__name__)
        s = as_tensor_variable(a.shape[1:]) if s is None else _checked_lengths(self, s)
        return Apply(self, [a, s], [self.output_type(a)()])

    def compute(self, xp, node, a, s):
        lengths = tuple([int(n) for n in s])
        found = xp.row_major(xp.fft.rfftn(a, s=lengths, axes=tuple(range(-len(lengths), 0))))
        return xp.astype(xp.stack([xp.real(found), xp.imag(found)], axis=-1), a.dtype)

    def infer_shape(self, node, shapes):
        s, n = node.inputs[1], node.inputs[0].ndim - 1
        inner = [s[i] for i in range(n)]
        return [[shapes[0][0]] + inner[:-1] + [inner[-1] // 2 + 1, 2]]

    def grad(self, inputs, output_grads):
        s = inputs[1]
        return [irfft_op(self._weighted(output_grads[0], s, 0.5), s), DisconnectedType()()]


class IRFFTOp(_FFT):
    """Real arrays from a batch of half spectra, unscaled; see `irfft`."""

    __props__ = ()

    def output_type(self, inp):
        return TensorType(inp.dtype, [False] * (inp.type.ndim - 1))

    def make_node(self, a, s=None):
        a = as_tensor_variable(a)
        if a.ndim < 3:
            raise TypeError(
                "%s: input must have dimension >= 3,  with first dimension batches and last real/imag "
                "parts" % type(self).__name__
            )
        if s is None:
            s = a.shape[1:-1]
            s = as_tensor_variable(set_subtensor(s[-1], (s[-1] - 1) * 2))
        else:
            s = _checked_lengths(self, s)
        return Apply(self, [a, s], [self.output_type(a)()])

    def compute(self, xp, node, a, s):
        lengths = tuple([int(n) for n in s])
        found = xp.fft.irfftn(a[..., 0] + 1j * a[..., 1], s=lengths, axes=tuple(range(-len(lengths), 0)))
        found = xp.row_major(found)
        return xp.astype(found * int(np.prod(lengths)), a.dtype)

    def infer_shape(self, node, shapes):
        return [[shapes[0][0]] + [node.inputs[1][i] for i in range(node.inputs[0].ndim - 2)]]

    def grad(self, inputs, output_grads):
        s = inputs[1]
        return [self._weighted(rfft_op(output_grads[0], s), s, 2), DisconnectedType()()]


rfft_op = RFFTOp()
irfft_op = IRFFTOp()


def _checked_norm(norm):
    if norm not in (None, "ortho", "no_norm"):
        raise ValueError("Invalid value %s for norm, must be None, 'ortho' or 'no norm'" % norm)
    return norm


def _size(s, like):
    return s.prod().astype(like.dtype)


def rfft(inp, norm=None):
    """The discrete Fourier transform of a batch of real arrays over all axes but the first.

    Along one axis it is the sum over t of ``x[t] * exp(-2j * pi * k * t / n)``, as numpy's.

    Parameters
    ----------
    inp : tensor (m, ..., n); the first dimension is the batch
    norm : None or "no_norm" for no scaling, "ortho" for the unitary transform (divided by the root of the size)

    Returns
    -------
    Floats of shape (m, ..., n // 2 + 1, 2): the non-negative frequencies of the last axis, real and imaginary parts, in
    the dtype of `inp`, for integers float64.

    Raises
    ------
    TypeError : `inp` has fewer than two dimensions. ValueError : there is no such `norm`.
    """
    s = inp.shape[1:]
    scaling = sqrt(_size(s, inp)) if _checked_norm(norm) == "ortho" else 1
    return rfft_op(inp, s) / scaling


def irfft(inp, norm=None, is_odd=False):
    """The inverse Fourier transform of a batch of half spectra, as `rfft` gives them.

    Parameters
    ----------
    inp : floats of shape (m, ..., n // 2 + 1, 2)
    norm : None divides by the size, "ortho" by its root, "no_norm" by nothing
    is_odd : whether the length n of the last axis is odd, which the spectrum does not tell

    Returns
    -------
    Floats of shape (m, ..., n), in the dtype of `inp`.

    Raises
    ------
    TypeError : `inp` has fewer than three dimensions. ValueError : there is no such `norm`, or `is_odd` is no bool.
    """
    if is_odd not in (True, False):
        raise ValueError("Invalid value %s for id_odd, must be True or False" % is_odd)
    s = inp.shape[1:-1]
    last = (s[-1] - 1) * 2
    s = set_subtensor(s[-1], last + 1 if is_odd else last)
    scaling = {None: lambda: _size(s, inp), "ortho": lambda: sqrt(_size(s, inp)), "no_norm": lambda: 1}[
        _checked_norm(norm)
    ]()
    return irfft_op(inp, s) / scaling


boundaries(globals())
