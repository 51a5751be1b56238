"""Shared variables that are single numbers of a scalar graph, not tensors of no dimension.

``theano.shared`` never makes these: ask `shared` here for them.
"""

import numpy as np

from theanojax.graph.shared import SharedVariable
from theanojax.scalar.types import Scalar, _scalar_py_operators


class ScalarSharedVariable(_scalar_py_operators, SharedVariable):
    """A shared number of Scalar type."""


def shared(value, name=None, strict=False, allow_downcast=None):
    """A shared scalar with the given value; TypeError if that is no number."""
    if not isinstance(value, (np.number, float, int, complex)):
        raise TypeError("a scalar shared variable needs a number, got %s" % (type(value),))
    dtype = str(np.asarray(value).dtype)
    return ScalarSharedVariable(
        type=Scalar(dtype=dtype),
        value=np.dtype(dtype).type(value),
        name=name,
        strict=strict,
        allow_downcast=allow_downcast,
    )
