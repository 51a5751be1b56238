"""Convolutions become correlations with flipped filters, as Theano's compiled graphs show them."""

from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.rewriting.tools import LocalMetaOptimizerSkipAssertionError
from theanojax.graph.tag import copy_stack_trace
from theanojax.tensor.nnet.abstract_conv import (
    AbstractConv2d,
    AbstractConv2d_gradInputs,
    AbstractConv2d_gradWeights,
    AbstractConv3d,
    AbstractConv3d_gradInputs,
    AbstractConv3d_gradWeights,
)
from theanojax.tensor.nnet.conv import ConvOp
from theanojax.tensor.nnet.conv3d2d import DiagonalSubtensor, IncDiagonalSubtensor
from theanojax.tensor.nnet.conv_ops import ABSTRACT_CONVS
from theanojax.tensor.nnet.corr import CorrMM, CorrMM_gradInputs, CorrMM_gradWeights
from theanojax.tensor.nnet.corr3d import Corr3dMM, Corr3dMM_gradInputs, Corr3dMM_gradWeights
from theanojax.tensor.nnet.ctc import ConnectionistTemporalClassification
from theanojax.tensor.shape import patternbroadcast
from theanojax.tensor.type import TensorType

_ALL = list(ABSTRACT_CONVS.values())


def _flipped(op, filters):
    if not op.filter_flip:
        return filters
    n = op.convdim
    return filters[(slice(None),) * (filters.ndim - n) + (slice(None, None, -1),) * n]


def _applies(node, cls):
    """Whether `node` is a convolution of this kind that the correlation Ops can do: of floats, but not of float16."""
    return (
        isinstance(node.op, cls)
        and all(isinstance(v.type, TensorType) for v in node.inputs[:2])
        and all(str(v.dtype) in ("float32", "float64") for v in node.inputs[:2])
    )


def _correlation(cls, op):
    return cls(**{name: getattr(op, name) for name in cls.__props__})


def _forward(node, cls, corr):
    if not _applies(node, cls):
        return None
    img, kern = node.inputs
    out = _correlation(corr, node.op)(img, _flipped(node.op, kern))
    copy_stack_trace(node.outputs[0], out)
    return [out]


def _weights(node, cls, corr):
    if not _applies(node, cls):
        return None
    out = _correlation(corr, node.op)(*node.inputs)
    copy_stack_trace(node.outputs[0], out)
    out = patternbroadcast(_flipped(node.op, out), node.outputs[0].broadcastable)
    copy_stack_trace(node.outputs[0], out)
    return [out]


def _inputs(node, cls, corr):
    if not _applies(node, cls):
        return None
    kern, topgrad, shape = node.inputs
    out = _correlation(corr, node.op)(_flipped(node.op, kern), topgrad, shape)
    copy_stack_trace(node.outputs[0], out)
    return [out]


@local_optimizer([AbstractConv2d])
def local_abstractconv_gemm(node):
    """conv2d -> CorrMM of flipped filters."""
    return _forward(node, AbstractConv2d, CorrMM)


@local_optimizer([AbstractConv2d_gradWeights])
def local_abstractconv_gradweight_gemm(node):
    """The gradient of conv2d for its filters -> that of CorrMM, flipped."""
    return _weights(node, AbstractConv2d_gradWeights, CorrMM_gradWeights)


@local_optimizer([AbstractConv2d_gradInputs])
def local_abstractconv_gradinputs_gemm(node):
    """The gradient of conv2d for its images -> that of CorrMM of flipped filters."""
    return _inputs(node, AbstractConv2d_gradInputs, CorrMM_gradInputs)


@local_optimizer([AbstractConv3d])
def local_abstractconv3d_gemm(node):
    """conv3d -> Corr3dMM of flipped filters."""
    return _forward(node, AbstractConv3d, Corr3dMM)


@local_optimizer([AbstractConv3d_gradWeights])
def local_abstractconv3d_gradweight_gemm(node):
    """The gradient of conv3d for its filters -> that of Corr3dMM, flipped."""
    return _weights(node, AbstractConv3d_gradWeights, Corr3dMM_gradWeights)


@local_optimizer([AbstractConv3d_gradInputs])
def local_abstractconv3d_gradinputs_gemm(node):
    """The gradient of conv3d for its volumes -> that of Corr3dMM of flipped filters."""
    return _inputs(node, AbstractConv3d_gradInputs, Corr3dMM_gradInputs)


def _old_op(node, cls):
    """The old ConvOp of a convolution, where that can do it and its derivatives."""
    op = node.op
    if (
        not _applies(node, cls)
        or op.border_mode not in ("full", "valid")
        or not op.filter_flip
        or op.num_groups > 1
        or op.unshared
        or op.filter_dilation != (1, 1)
        or node.inputs[0].dtype != node.inputs[1].dtype
    ):
        return None
    if cls is not AbstractConv2d and op.subsample != (1, 1):
        known = None not in op.imshp + op.kshp
        if op.border_mode == "valid" or not known or any(s not in (1, 2) for s in op.subsample):
            return None
    return ConvOp(
        imshp=op.imshp[1:],
        kshp=op.kshp[2:],
        nkern=op.kshp[0],
        bsize=op.imshp[0],
        dx=op.subsample[0],
        dy=op.subsample[1],
        output_mode=op.border_mode,
    )


def _replaced(node, out):
    out = patternbroadcast(out, node.outputs[0].broadcastable)
    copy_stack_trace(node.outputs[0], out)
    return [out]


@local_optimizer([AbstractConv2d])
def local_conv2d_cpu(node):
    """conv2d -> the old ConvOp, where that can do it and CorrMM was excluded."""
    op = _old_op(node, AbstractConv2d)
    return op and _replaced(node, op(*node.inputs))


@local_optimizer([AbstractConv2d_gradWeights])
def local_conv2d_gradweight_cpu(node):
    """The gradient of conv2d for its filters -> that of the old ConvOp, where CorrMM was excluded."""
    op = _old_op(node, AbstractConv2d_gradWeights)
    return op and _replaced(node, op.grad_filters(*node.inputs[:2]))


@local_optimizer([AbstractConv2d_gradInputs])
def local_conv2d_gradinputs_cpu(node):
    """The gradient of conv2d for its images -> that of the old ConvOp, where CorrMM was excluded."""
    op = _old_op(node, AbstractConv2d_gradInputs)
    return op and _replaced(node, op.grad_images(*node.inputs[:2]))


@local_optimizer([ConnectionistTemporalClassification])
def local_ctc_no_grad(node):
    """The CTC cost without the gradient that nobody uses."""
    if isinstance(node.op, ConnectionistTemporalClassification) and len(node.outputs) > 1:
        if not node.outputs[1].clients:
            return {node.outputs[0]: ConnectionistTemporalClassification(compute_grad=False)(*node.inputs)}
    return False


@local_optimizer(_ALL)
def local_abstractconv_check(node):
    """Refuse a convolution that is still there, as Theano did when no code was left to run it; here all have one."""
    if isinstance(node.op, tuple(_ALL)):
        raise LocalMetaOptimizerSkipAssertionError(
            "%s Theano optimization failed: there is no implementation available supporting the requested options. "
            'Did you exclude both "conv_dnn" and "conv_gemm" from the optimizer? If on GPU, is cuDNN available and '
            "does the GPU support it? If on CPU, do you have a BLAS library installed Theano can link against? On the "
            "CPU we do not support float16." % type(node.op).__name__
        )


@local_optimizer([DiagonalSubtensor, IncDiagonalSubtensor], inplace=True)
def local_inplace_DiagonalSubtensor(node):
    """A stripe as a view of what it is cut from, or added to in place."""
    if not isinstance(node.op, (DiagonalSubtensor, IncDiagonalSubtensor)) or node.op.inplace:
        return False
    out = type(node.op)(inplace=True)(*node.inputs)
    copy_stack_trace(node.outputs[0], out)
    return [out]
