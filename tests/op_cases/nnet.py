"""Neural networks: activations, costs, convolution, pooling, batch normalization."""

import numpy as np

import theanojax as theano
import theanojax.tensor as T
from tests.op_cases.case import M, case, ints, positive, real
from theanojax.tensor.nnet import blocksparse, bn, conv, conv3d2d, conv_ops, corr, corr3d, crossentropy, neighbours
from theanojax.tensor.nnet.ctc import ctc
from theanojax.tensor.nnet.softmax import logsoftmax_op, softmax_grad, softmax_op, softmax_with_bias
from theanojax.tensor.signal import pool

B3, Y = real(3), ints(1, 2)
PARAMETER = T.TensorType("float64", (True, False))
PROBABILITIES = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
IMAGES, KERNELS = real(2, 2, 5, 6), real(3, 2, 3, 2)
IMAGES3, KERNELS3 = real(1, 2, 4, 3, 4), real(2, 2, 2, 2, 3)


def _gradient(f, *positions):
    """The gradients of ``sum(f ** 3)``, to be differentiated again."""
    return lambda *v: theano.grad((f(*v) ** 3).sum(), [v[i] for i in positions or range(len(v))])


SOFTMAX = [
    case("softmax", softmax_op, M),
    case("logsoftmax", logsoftmax_op, M),
    case("softmax_with_bias", softmax_with_bias, M, B3),
    case("softmax_grad", softmax_grad, real(2, 3, seed=1), PROBABILITIES),
    case("crossentropy_softmax_argmax", lambda *v: crossentropy.crossentropy_softmax_argmax_1hot_with_bias(*v)[0],
         M, B3, Y),
    case("its probabilities and classes", crossentropy.crossentropy_softmax_argmax_1hot_with_bias, M, B3, Y,
         grad=False),
    case("crossentropy_softmax_dx", crossentropy.crossentropy_softmax_1hot_with_bias_dx, real(2), PROBABILITIES, Y),
    case("crossentropy_categorical_1hot", crossentropy.crossentropy_categorical_1hot, PROBABILITIES, Y),
    case("crossentropy_categorical_1hot_grad", crossentropy.crossentropy_categorical_1hot_grad, real(2),
         PROBABILITIES, Y, grad=False),
    case("prepend", lambda x, m: [crossentropy.prepend_scalar_to_each_row(x, m), crossentropy.prepend_1_to_each_row(m)],
         0.5, M),
    case("ctc", lambda a, y, n: [ctc(a, y, n), theano.grad(ctc(a, y, n).sum(), a)],
         real(4, 2, 3).astype("float32"), ints([1, 2], [2, -1], dtype="int32"), ints(4, 3, dtype="int32")),
]

NORM = [
    case("batch_norm_train", lambda x, g, b: bn.AbstractBatchNormTrain((0,))(x, g, b)[0], real(4, 3),
         (PARAMETER, positive(1, 3)), (PARAMETER, real(1, 3))),
    case("batch_norm_train with averages",
         lambda x, g, b, m, v: bn.AbstractBatchNormTrain((0,))(x, g, b, 1e-4, 0.1, m, v), real(4, 3),
         (PARAMETER, positive(1, 3)), (PARAMETER, real(1, 3)), (PARAMETER, real(1, 3)), (PARAMETER, positive(1, 3)),
         grad=False),
    case("batch_norm_inference", bn.AbstractBatchNormInference((0,)), real(4, 3), (PARAMETER, positive(1, 3)),
         (PARAMETER, real(1, 3)), (PARAMETER, real(1, 3)), (PARAMETER, positive(1, 3))),
    case("batch_norm_train twice", _gradient(lambda x, g, b: bn.AbstractBatchNormTrain((0,))(x, g, b)[0]), real(4, 3),
         (PARAMETER, positive(1, 3)), (PARAMETER, real(1, 3)), grad=False),
]

CONVOLUTION = [
    case("conv2d", lambda x, k: conv_ops.AbstractConv2d(border_mode=(1, 0), subsample=(2, 1))(x, k), IMAGES, KERNELS),
    case("conv2d full, dilated", conv_ops.AbstractConv2d(border_mode="full", filter_dilation=(2, 1), filter_flip=False),
         real(1, 2, 4, 5), real(1, 2, 2, 3)),
    case("conv2d in groups", conv_ops.AbstractConv2d(num_groups=2, border_mode="half"), real(1, 4, 3, 4),
         real(2, 2, 3, 3)),
    case("conv2d unshared", conv_ops.AbstractConv2d(unshared=True), real(2, 2, 4, 3), real(2, 3, 2, 2, 2, 2)),
    case("conv2d twice", _gradient(conv_ops.AbstractConv2d()), real(1, 2, 3, 4), real(2, 2, 2, 2)),
    case("conv3d", conv_ops.AbstractConv3d(), IMAGES3, KERNELS3),
    case("conv3d twice", _gradient(conv_ops.AbstractConv3d()), real(1, 1, 2, 3, 2), real(1, 1, 2, 2, 1)),
    case("corr_mm", corr.CorrMM(border_mode=(1, 0), subsample=(2, 1)), IMAGES, KERNELS),
    case("corr_mm twice", _gradient(corr.CorrMM()), real(1, 2, 3, 4), real(2, 2, 2, 2)),
    case("corr3d_mm", corr3d.Corr3dMM(), IMAGES3, KERNELS3),
    case("corr3d_mm twice", _gradient(corr3d.Corr3dMM()), real(1, 1, 2, 3, 2), real(1, 1, 2, 2, 1)),
    case("conv_op", conv.ConvOp(imshp=(2, 5, 6), kshp=(3, 2), nkern=3, bsize=2), IMAGES, KERNELS),
    case("diagonal_subtensor", lambda x: conv3d2d.diagonal_subtensor(x, 0, 1), real(4, 3, 2)),
    case("inc_diagonal_subtensor", lambda x, v: conv3d2d.inc_diagonal_subtensor(x, 0, 1, v), real(4, 3, 2),
         real(2, 3, 2)),
    case("images2neibs", lambda x: neighbours.images2neibs(x, (2, 3)), real(2, 1, 4, 6)),
    case("images2neibs steps", lambda x: neighbours.images2neibs(x, (2, 3), (1, 2)), real(2, 1, 4, 7), grad=False),
]


def _pools(x, mode):
    return [pool.pool_2d(x, (2, 3), ignore_border=True, mode=mode, stride=(1, 2), pad=(1, 0)),
            pool.pool_2d(x, (2, 2), ignore_border=False, mode=mode)]


POOL = [
    *[case("pool " + mode, lambda x, mode=mode: _pools(x, mode), real(1, 2, 5, 6))
      for mode in ("max", "sum", "average_exc_pad", "average_inc_pad")],
    case("pool 3d", lambda x: pool.pool_3d(x, (2, 1, 2), ignore_border=True), real(1, 3, 4, 5)),
    case("pool max in a direction", lambda x, v: pool.MaxPoolRop(ignore_border=True)(x, v, (2, 2)), real(1, 2, 5, 6),
         real(1, 2, 5, 6, seed=1), grad=False),
    case("pool max twice", _gradient(lambda x: pool.pool_2d(x, (2, 2), ignore_border=True)), real(1, 1, 4, 5)),
    *[case("pool %s twice, of squares" % mode, _gradient(lambda x, mode=mode: pool.pool_2d(
        x, (2, 3), ignore_border=True, mode=mode, stride=(1, 2), pad=(1, 0)) ** 2), real(1, 2, 5, 6))
      for mode in ("max", "average_exc_pad")],
    case("pool average twice", _gradient(lambda x: pool.pool_2d(x, (2, 2), ignore_border=True, mode="sum")),
         real(1, 1, 4, 5)),
]

BLOCKS = [
    case("sparse_block_gemv", blocksparse.sparse_block_gemv, real(2, 3, 2), real(4, 5, 3, 2), real(2, 2, 3),
         ints([0, 3], [1, 2]), ints([0, 4, 1], [2, 2, 3])),
    case("sparse_block_outer", blocksparse.sparse_block_outer, real(4, 5, 3, 2), real(2, 2, 3), real(2, 3, 2),
         ints([0, 3], [1, 2]), ints([0, 4, 1], [2, 2, 3]), grad=False),
]

CASES = [*SOFTMAX, *NORM, *CONVOLUTION, *POOL, *BLOCKS]
