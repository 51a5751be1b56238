"""The logistic function, its approximations, and softplus."""

from theanojax import scalar as scal
from theanojax.scalar.op import UnaryScalarOp
from theanojax.tensor.as_tensor import as_tensor_variable, constant
from theanojax.tensor.elemwise import Elemwise
from theanojax.tensor.math import clip

__all__ = ["hard_sigmoid", "scalar_sigmoid", "sigmoid", "sigmoid_inplace", "softplus", "ultra_fast_sigmoid"]


class _Squashing(UnaryScalarOp):
    """An Op of one number that computes in the (float) dtype of its output."""

    work = "float"

    def _checked(self, inp, grads):
        (x,), (gz,) = inp, grads
        if x.type in scal.complex_types:
            raise NotImplementedError("%s has no gradient for complex numbers" % self)
        return x, gz


class ScalarSigmoid(_Squashing):
    """``1 / (1 + exp(-x))``, which neither overflows nor underflows."""

    @staticmethod
    def body(xp, x):
        return xp.special.expit(x)

    def grad(self, inp, grads):
        x, gz = self._checked(inp, grads)
        y = scalar_sigmoid(x)
        return [gz * y * (1.0 - y)]


class UltraFastScalarSigmoid(_Squashing):
    """An approximation of the logistic function by quotients and lines, off by 0.02 at most. It has no gradient."""

    @staticmethod
    def body(xp, x):
        half = xp.abs(x) * 0.5
        bent = xp.where(
            half < 1.7,
            1.5 * half / (1 + half),
            xp.where(half < 3, 0.935409070603099 + 0.0458812946797165 * (half - 1.7), 0.99505475368673),
        )
        return xp.astype(0.5 * (xp.where(x >= 0, bent, -bent) + 1.0), x.dtype)


class ScalarSoftplus(_Squashing):
    """``log(1 + exp(x))``, which does not overflow."""

    @staticmethod
    def body(xp, x):
        return xp.logaddexp(x, xp.zeros_like(x))

    def grad(self, inp, grads):
        x, gz = self._checked(inp, grads)
        return [gz * scalar_sigmoid(x)]


scalar_sigmoid = ScalarSigmoid(scal.upgrade_to_float, name="scalar_sigmoid")
sigmoid = Elemwise(scalar_sigmoid, name="sigmoid")
sigmoid_inplace = Elemwise(ScalarSigmoid(scal.transfer_type(0)), inplace_pattern={0: 0}, name="sigmoid_inplace")

ultra_fast_scalar_sigmoid = UltraFastScalarSigmoid(scal.upgrade_to_float, name="ultra_fast_scalar_sigmoid")
ultra_fast_sigmoid = Elemwise(ultra_fast_scalar_sigmoid, name="ultra_fast_sigmoid")
ultra_fast_sigmoid_inplace = Elemwise(
    UltraFastScalarSigmoid(scal.transfer_type(0)), inplace_pattern={0: 0}, name="ultra_fast_sigmoid_inplace"
)

scalar_softplus = ScalarSoftplus(scal.upgrade_to_float, name="scalar_softplus")
softplus = Elemwise(scalar_softplus, name="softplus")


def hard_sigmoid(x):
    """``clip(0.2 * x + 0.5, 0, 1)`` of the tensor `x`: a coarse approximation of the logistic function by three lines.

    It is 0 up to -2.5 and 1 from 2.5 on. The dtype is that of `x`, for integers a float that holds them.
    """
    x = as_tensor_variable(x)
    dtype = scal.upgrade_to_float(scal.get_scalar_type(x.dtype))[0].dtype
    return clip(x * constant(0.2, dtype=dtype) + constant(0.5, dtype=dtype), 0, 1)
