"""``x log x`` and ``x log y``, which are 0 where `x` is 0."""

from theanojax import scalar
from theanojax.tensor.elemwise import Elemwise


def _times_log(xp, x, y):
    zero = x == 0
    # The logarithm is kept away from places where its value would be thrown away.
    return xp.where(zero, xp.astype(0.0, x.dtype), x * xp.log(xp.where(zero, xp.astype(1.0, y.dtype), y)))


class XlogX(scalar.UnaryScalarOp):
    """``x * log(x)``, 0 at 0."""

    @staticmethod
    def body(xp, x):
        return _times_log(xp, x, x)

    @staticmethod
    def st_impl(x):
        """The value for a number."""
        return scalar_xlogx.impl(x)

    def grad(self, inputs, grads):
        (x,), (gz,) = inputs, grads
        return [gz * (1 + scalar.log(x))]


scalar_xlogx = XlogX(scalar.upgrade_to_float, name="scalar_xlogx")
xlogx = Elemwise(scalar_xlogx, name="xlogx")


class XlogY0(scalar.BinaryScalarOp):
    """``x * log(y)``, 0 where `x` is 0."""

    @staticmethod
    def body(xp, x, y):
        return _times_log(xp, x, y)

    @staticmethod
    def st_impl(x, y):
        """The value for two numbers."""
        return scalar_xlogy0.impl(x, y)

    def grad(self, inputs, grads):
        (x, y), (gz,) = inputs, grads
        return [gz * scalar.log(y), gz * x / y]


scalar_xlogy0 = XlogY0(scalar.upgrade_to_float, name="scalar_xlogy0")
xlogy0 = Elemwise(scalar_xlogy0, name="xlogy0")
