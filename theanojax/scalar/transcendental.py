"""Exponentials, logarithms, trigonometric and hyperbolic functions."""

import math
from functools import partial

import numpy as np

from theanojax import scalar as S
from theanojax.scalar import op as table
from theanojax.scalar.casting import constant
from theanojax.scalar.dtype_rules import upgrade_to_float
from theanojax.scalar.op import BinaryScalarOp, ScalarOp, refuse_complex, zero_gradient
from theanojax.scalar.types import discrete_types

numpy_unary = partial(table.numpy_unary, module=__name__)


def _one(x):
    """A Python 1 that does not widen expressions with `x`."""
    return 1 if x.type in discrete_types else 1.0


def _typed(value, like):
    return constant(np.asarray(value).astype(like.dtype))


def _wide_work(self, types, out):
    # XLA computes exp(x * log(2)), which in float32 keeps few digits of large results.
    dtype = ScalarOp.work_dtype(self, types, out)
    return "float64" if dtype in ("float16", "float32") else dtype


Log, log = numpy_unary("Log", "log", upgrade_to_float, lambda x, gz: gz / x,
                       tensor_doc="The natural logarithm.", tensor_method=True)
Log2, log2 = numpy_unary("Log2", "log2", upgrade_to_float, lambda x, gz: gz / (x * _typed(math.log(2.0), x)),
                         tensor_doc="The logarithm to base 2.", tensor_method=True)
Log10, log10 = numpy_unary("Log10", "log10", upgrade_to_float, lambda x, gz: gz / (x * np.log(10.0)),
                           tensor_doc="The logarithm to base 10.", tensor_method=True)
Log1p, log1p = numpy_unary("Log1p", "log1p", upgrade_to_float, lambda x, gz: gz / (1 + x),
                           tensor_doc="log(1 + a), exact for small `a`.", tensor_method=True)
Exp, exp = numpy_unary("Exp", "exp", upgrade_to_float, lambda x, gz: gz * S.exp(x),
                       tensor_doc="e to the power of `a`.", tensor_method=True)
Exp2, exp2 = numpy_unary("Exp2", "exp2", upgrade_to_float, lambda x, gz: gz * S.exp2(x) * S.log(_typed(2, x)),
                         work_dtype=_wide_work, tensor_doc="2 to the power of `a`.", tensor_method=True)
Expm1, expm1 = numpy_unary("Expm1", "expm1", upgrade_to_float, lambda x, gz: gz * S.exp(x),
                           tensor_doc="exp(a) - 1, exact for small `a`.", tensor_method=True)



def _real_work(self, types, out):
    """The dtype to compute in; complex arguments, which can be given when the graph is built, are an error here."""
    if "complex" in out:
        raise TypeError("%s is not defined for complex numbers" % self)
    return ScalarOp.work_dtype(self, types, out)


Deg2Rad, deg2rad = numpy_unary("Deg2Rad", "deg2rad", upgrade_to_float, lambda x, gz: gz * _typed(np.pi / 180, gz),
                               work_dtype=_real_work, tensor_doc="Degrees as radians.", tensor_method=True)
Rad2Deg, rad2deg = numpy_unary("Rad2Deg", "rad2deg", upgrade_to_float, lambda x, gz: gz * _typed(180.0 / np.pi, gz),
                               work_dtype=_real_work, tensor_doc="Radians as degrees.", tensor_method=True)

Cos, cos = numpy_unary("Cos", "cos", upgrade_to_float, lambda x, gz: -gz * S.sin(x),
                       tensor_doc="The cosine.", tensor_method=True)
Sin, sin = numpy_unary("Sin", "sin", upgrade_to_float, lambda x, gz: gz * S.cos(x),
                       tensor_doc="The sine.", tensor_method=True)
Tan, tan = numpy_unary("Tan", "tan", upgrade_to_float, lambda x, gz: gz / S.sqr(S.cos(x)),
                       tensor_doc="The tangent.", tensor_method=True)
ArcCos, arccos = numpy_unary("ArcCos", "arccos", upgrade_to_float, lambda x, gz: -gz / S.sqrt(_one(x) - S.sqr(x)),
                             tensor_doc="The angle with cosine `a`.", tensor_method=True)
ArcSin, arcsin = numpy_unary("ArcSin", "arcsin", upgrade_to_float, lambda x, gz: gz / S.sqrt(_one(x) - S.sqr(x)),
                             tensor_doc="The angle with sine `a`.", tensor_method=True)
ArcTan, arctan = numpy_unary("ArcTan", "arctan", upgrade_to_float, lambda x, gz: gz / (_one(x) + S.sqr(x)),
                             tensor_doc="The angle with tangent `a`.", tensor_method=True)

Cosh, cosh = numpy_unary("Cosh", "cosh", upgrade_to_float, lambda x, gz: gz * S.sinh(x),
                         tensor_doc="The hyperbolic cosine.", tensor_method=True)
Sinh, sinh = numpy_unary("Sinh", "sinh", upgrade_to_float, lambda x, gz: gz * S.cosh(x),
                         tensor_doc="The hyperbolic sine.", tensor_method=True)
Tanh, tanh = numpy_unary("Tanh", "tanh", upgrade_to_float, lambda x, gz: gz * (1 - S.sqr(S.tanh(x))),
                         tensor_doc="The hyperbolic tangent.", tensor_method=True)
ArcCosh, arccosh = numpy_unary("ArcCosh", "arccosh", upgrade_to_float,
                               lambda x, gz: gz / S.sqrt(S.sqr(x) - _typed(1, x)),
                               tensor_doc="The inverse of cosh.", tensor_method=True)
ArcSinh, arcsinh = numpy_unary("ArcSinh", "arcsinh", upgrade_to_float,
                               lambda x, gz: gz / S.sqrt(S.sqr(x) + _typed(1, x)),
                               tensor_doc="The inverse of sinh.", tensor_method=True)
ArcTanh, arctanh = numpy_unary("ArcTanh", "arctanh", upgrade_to_float, lambda x, gz: gz / (_one(x) - S.sqr(x)),
                               tensor_doc="The inverse of tanh.", tensor_method=True)


def _arctan2_L_op(self, inputs, outputs, output_gradients):
    (y, x), (gz,) = inputs, output_gradients
    refuse_complex(gz)
    if outputs[0].type in discrete_types:
        return [zero_gradient(x), zero_gradient(y)]
    return [gz * x / (S.sqr(x) + S.sqr(y)), gz * S.neg(y) / (S.sqr(x) + S.sqr(y))]


ArcTan2, arctan2 = table.define("ArcTan2", "arctan2", upgrade_to_float, lambda xp, y, x: xp.arctan2(y, x),
                                base=BinaryScalarOp, module=__name__, L_op=_arctan2_L_op,
                                work_dtype=_real_work, nfunc_spec=("arctan2", 2, 1),
                                tensor_doc="The angle of the point with ordinate `a` and abscissa `b`.")


__all__ = [*table.names(globals())]
