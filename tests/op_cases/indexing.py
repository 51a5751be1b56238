"""Reading and writing parts of tensors."""

import numpy as np

import theanojax.tensor as T
from tests.op_cases.case import T3, M, case, ints, real
from theanojax.tensor.indexing.slices import SliceLength
from theanojax.tensor.indexing.subtensor import inc_subtensor, set_subtensor

I1, I2, K = ints(1, 0, 1), ints(2, 0, 2), np.int64(1)
MASK = np.array([[True, False, True], [False, True, True]])


def _writes(part):
    """`part` of a tensor raised by and set to a value; index variables follow these two."""
    return lambda x, y, *idx: [inc_subtensor(part(x, *idx), y), set_subtensor(part(x, *idx), y)]


CASES = [
    case("subtensor", lambda a, i: [a[i], a[:, 1:i + 2, ::-1], a[-1, ..., i], a[i:]], T3, K),
    case("inc_subtensor", _writes(lambda a, i: a[i, 1:, ::2]), T3, real(2, 2), K),
    case("inc_subtensor broadcasts", _writes(lambda a, i: a[:, i]), T3, 0.5, K),
    case("advanced_subtensor1", lambda m, i: [m[i], T.take(m, i, axis=1)], M, I1),
    case("advanced_inc_subtensor1", lambda x, y, i: inc_subtensor(x[i], y), M, real(3, 3), I1),
    case("advanced_set_subtensor1", lambda x, y, i: set_subtensor(x[i], y), M, real(2, 3, seed=1), ints(1, 0)),
    case("advanced_subtensor", lambda a, i, j: [a[i, j], a[:, j, i], a[i, :, j], a[i, 1:, 2]], T3, I1, I2),
    case("advanced_subtensor by a matrix", lambda m, i: m[:, i], M, ints([2, 0], [1, 1])),
    case("advanced_inc_subtensor", lambda x, y, i, j: inc_subtensor(x[i, j], y), T3, real(3, 4), I1, I2),
    case("advanced_set_subtensor", lambda x, y, i, j: set_subtensor(x[i, :, j], y), T3, real(3, 3), I1, ints(2, 0, 3)),
    case("boolean_subtensor", lambda m, k: [m[k], m[k.nonzero()]], M, MASK),
    case("boolean_subtensor of rows", lambda m, k: m[:, k], M, MASK[0]),
    case("boolean_inc_subtensor", lambda x, y, k: [inc_subtensor(x[k], y), set_subtensor(x[k], 2 * y)], M, real(4),
         MASK),
    case("boolean_set_subtensor", lambda x, k: set_subtensor(x[k], 0.5), M, MASK),
    case("slice_length", lambda v, a, b: SliceLength((True, True, False))(v.shape[0], a, b), real(5), K, np.int64(4),
         grad=False),
    case("make_slice", lambda m, i, a: T.advanced_subtensor(m, T.type_other.MakeSlice()(a, None, None), i), M, I2, K),
]
