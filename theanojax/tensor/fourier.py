"""The discrete Fourier transform along one dimension; `theanojax.tensor.fft` is for several, of real arrays."""

import numpy as np

import theanojax.tensor as tensor
from theanojax.graph.op import Op
from theanojax.graph.variable import Apply
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.type import TensorType, integer_dtypes
from theanojax.tensor.var import TensorConstant


class Fourier(Op):
    """The transform of `a`, real or complex, along `axis`: numpy.fft.fft, as complex128.

    Inputs: a (at least one dimension), n (length of the transformed dimension: `a` is cut or padded with zeros to it;
    None: as it is), axis (None: the last).
    """

    __props__ = ()
    static_inputs = (1, 2)

    def make_node(self, a, n, axis):
        a = as_tensor_variable(a)
        if a.ndim < 1:
            raise TypeError("Fourier: input must be an array, not a scalar")
        axis = as_tensor_variable(a.ndim - 1 if axis is None else axis)
        if axis.dtype not in integer_dtypes:
            raise TypeError("Fourier: index of the transformed axis must be of type integer")
        known = axis.data if isinstance(axis, TensorConstant) and axis.ndim == 0 else 0
        if axis.ndim != 0 or not 0 <= known < a.ndim:
            raise TypeError(
                "Fourier: index of the transformed axis must be a scalar not smaller than 0 and smaller "
                "than dimension of array"
            )
        n = as_tensor_variable(a.shape[axis] if n is None else n)
        if n.dtype not in integer_dtypes:
            raise TypeError("Fourier: length of the transformed axis must be of type integer")
        if n.ndim != 0 or (isinstance(n, TensorConstant) and n.data < 1):
            raise TypeError("Fourier: length of the transformed axis must be a strictly positive scalar")
        return Apply(self, [a, n, axis], [TensorType("complex128", a.type.broadcastable)()])

    def compute(self, xp, node, a, n, axis):
        return xp.astype(xp.row_major(xp.fft.fft(a, n=int(n), axis=int(axis))), "complex128")

    def infer_shape(self, node, shapes):
        _, n, axis = node.inputs
        return [
            [
                tensor.switch(tensor.eq(axis, i), n, length) if node.inputs[0].ndim > 1 else n
                for i, length in enumerate(shapes[0])
            ]
        ]

    def grad(self, inputs, output_gradients):
        """The transform as a function that is differentiable in the complex sense; `axis` must be a constant."""
        (a, n, axis), (g,) = inputs, output_gradients
        if not isinstance(axis, TensorConstant):
            raise NotImplementedError(
                "Fourier: gradient is currently implemented only for axis being a Theano constant"
            )
        axis = int(axis.data)
        length = a.shape[axis]
        turns = tensor.outer(tensor.arange(n), tensor.arange(length)) / tensor.cast(n, "float64")
        back = tensor.tensordot(g, tensor.exp(np.asarray(-2j * np.pi) * turns), (axis, 0))
        # the dimension that came last goes back to its place; what was cut off had no influence
        last = a.ndim - 1
        back = back.dimshuffle([*range(axis), last, *range(axis, last)])
        reached = (tensor.arange(length) < n).dimshuffle([0 if i == axis else "x" for i in range(a.ndim)])
        return [back * reached, *[tensor.zeros_like(v, dtype="float64") for v in (n, inputs[2])]]


fft = Fourier()
