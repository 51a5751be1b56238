"""The abstract Ops of batch normalization, replaced by elementary ones."""

import theanojax.tensor as T
from theanojax.config import config
from theanojax.graph.rewriting.local import local_optimizer
from theanojax.graph.tag import copy_stack_trace
from theanojax.graph.traverse import variables
from theanojax.tensor.nnet.bn import AbstractBatchNormInference, AbstractBatchNormTrain, AbstractBatchNormTrainGrad
from theanojax.tensor.type import TensorType


def _fits(node, op_class):
    """Whether `node` is of `op_class`, with axes that its input has, on the tensors of this library."""
    return (
        isinstance(node.op, op_class)
        and min(node.op.axes) >= 0
        and max(node.op.axes) < node.inputs[0].ndim
        and all(isinstance(v.type, TensorType) for v in node.inputs)
    )


def _like(var, epsilon):
    """`epsilon`, which must not make the result a float64."""
    return epsilon.astype("float32") if var.dtype == "float32" and epsilon.dtype == "float64" else epsilon


def _done(node, results):
    results = [T.patternbroadcast(r, old.broadcastable) for r, old in zip(results, node.outputs)]
    results = [T.cast(r, old.dtype) for r, old in zip(results, node.outputs)]
    known = set(node.inputs)
    for v in variables(node.inputs, results):
        if v not in known:
            copy_stack_trace(node.outputs[0], v)
    return results


@local_optimizer([AbstractBatchNormTrain])
def local_abstract_batch_norm_train(node):
    """AbstractBatchNormTrain -> means, products and a square root"""
    if not _fits(node, AbstractBatchNormTrain):
        return False
    x, scale, bias, epsilon, factor = node.inputs[:5]
    axes, running = node.op.axes, node.inputs[5:]
    mean = x.mean(axes, keepdims=True)
    var = x.var(axes, keepdims=True)
    invstd = T.inv(T.sqrt(var + _like(var, epsilon)))
    results = [(x - mean) * (scale * invstd) + bias, mean, invstd]
    if running:
        m = T.cast(T.prod(x.shape) / T.prod(scale.shape), config.floatX)
        results.append(running[0] * (1.0 - factor) + mean * factor)
        results.append(running[1] * (1.0 - factor) + (m / (m - 1)) * var * factor)
    return _done(node, results)


@local_optimizer([AbstractBatchNormTrainGrad])
def local_abstract_batch_norm_train_grad(node):
    """AbstractBatchNormTrainGrad -> means, sums and products"""
    if not _fits(node, AbstractBatchNormTrainGrad):
        return False
    x, dy, scale, x_mean, x_invstd, _ = node.inputs
    along = dict(axis=node.op.axes, keepdims=True)
    centred = x - x_mean
    slope = T.mean(dy * centred, **along)
    c = dy * x_invstd - centred * (slope * x_invstd**3)
    return _done(node, [scale * (c - T.mean(c, **along)), T.sum(dy * x_invstd * centred, **along), T.sum(dy, **along)])


@local_optimizer([AbstractBatchNormInference])
def local_abstract_batch_norm_inference(node):
    """AbstractBatchNormInference -> (x - mean) * (scale / sqrt(variance + epsilon)) + bias"""
    if not _fits(node, AbstractBatchNormInference):
        return False
    x, scale, bias, mean, var, epsilon = node.inputs
    return _done(node, [(x - mean) * (scale / T.sqrt(var + _like(var, epsilon))) + bias])
