"""Activation functions that need no Op of their own, softsign, hierarchical softmax, and the confusion matrix."""

import theanojax.tensor as T
from theanojax import scalar as scal
from theanojax.scalar.op import UnaryScalarOp
from theanojax.tensor.as_tensor import as_tensor_variable
from theanojax.tensor.elemwise import Elemwise
from theanojax.tensor.extra_ops import Unique
from theanojax.tensor.nnet.blocksparse import sparse_block_dot
from theanojax.tensor.nnet.softmax import softmax

__all__ = ["confusion_matrix", "elu", "h_softmax", "relu", "selu", "softsign"]


def relu(x, alpha=0):
    """`x` where it is positive, ``alpha * x`` elsewhere (Nair and Hinton 2010; with an `alpha`, the leaky one).

    Parameters
    ----------
    x : tensor variable
    alpha : number or tensor that broadcasts against `x`; a shared variable makes the slope learnable

    The result is a float, also of integers. A fraction as `alpha` counts as a number of ``config.floatX``, so that
    float32 stays float32 only if that is floatX.
    """
    if alpha == 0:
        return 0.5 * (x + abs(x))
    alpha = as_tensor_variable(alpha)  # a numpy number would be taken for a float64
    return 0.5 * (1 + alpha) * x + 0.5 * (1 - alpha) * abs(x)


def elu(x, alpha=1):
    """`x` where it is positive, ``alpha * (exp(x) - 1)`` elsewhere (Clevert, Unterthiner and Hochreiter 2015).

    `x` is a tensor variable, `alpha` a number or tensor that broadcasts against it; the dtype is as for `relu`.
    """
    return T.switch(x > 0, x, alpha * T.expm1(x))


def selu(x):
    """The scaled elu of Klambauer, Unterthiner, Mayr and Hochreiter (2017): ``1.0507... * elu(x, 1.6732...)``.

    With these constants, means of 0 and variances of 1 come through the layers of a network. `x` is a tensor variable;
    the dtype is as for `relu` with a fraction as `alpha`.
    """
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)


class ScalarSoftsign(UnaryScalarOp):
    """``x / (1 + abs(x))``"""

    work = "float"

    @staticmethod
    def body(xp, x):
        return x / (1.0 + xp.abs(x))

    def grad(self, inp, grads):
        (x,), (gz,) = inp, grads
        if "float" not in x.type.dtype:
            return NotImplemented
        d = 1.0 + abs(x)
        return [gz / (d * d)]


scalar_softsign = ScalarSoftsign(scal.upgrade_to_float, name="scalar_softsign")
softsign = Elemwise(scalar_softsign, name="softsign")


def h_softmax(x, batch_size, n_outputs, n_classes, n_outputs_per_class, W1, b1, W2, b2, target=None):
    """The probabilities of very many outputs, grouped in classes: that of the class times that in the class.

    Output ``i`` is number ``i % n_outputs_per_class`` of class ``i // n_outputs_per_class`` (two levels of the
    hierarchical softmax of Morin and Bengio 2005).

    Parameters
    ----------
    x : matrix (batch_size, features)
    batch_size, n_outputs, n_classes, n_outputs_per_class : int; the last two multiply to `n_outputs` or more
    W1, b1 : (features, n_classes), (n_classes,): weights and biases of the classes
    W2, b2 : (n_classes, features, n_outputs_per_class), (n_classes, n_outputs_per_class): those of the outputs
    target : integers (batch_size,) or (batch_size, 1), the one output wanted for each row; None for all

    Returns a matrix (batch_size, n_outputs), or with `target` a vector (batch_size,), for which only one class of
    each row is computed.
    """
    class_probs = softmax(T.dot(x, W1) + b1)
    if target is None:
        activations = T.tensordot(x, W2, (1, 1)) + b2
        probs = softmax(activations.reshape((-1, n_outputs_per_class))).reshape((batch_size, n_classes, -1))
        probs = class_probs.dimshuffle(0, 1, "x") * probs
        return probs.reshape((batch_size, -1))[:, :n_outputs]
    target = target.flatten()
    classes, places = target // n_outputs_per_class, target % n_outputs_per_class
    activations = sparse_block_dot(
        W2.dimshuffle("x", 0, 1, 2),
        x.dimshuffle(0, "x", 1),
        T.zeros((batch_size, 1), dtype="int32"),
        b2,
        classes.dimshuffle(0, "x"),
    )
    probs = softmax(activations.dimshuffle(0, 2))
    rows = T.arange(batch_size)
    return class_probs[rows, classes] * probs[rows, places]


def confusion_matrix(actual, pred):
    """How often each observation was predicted as what.

    Parameters
    ----------
    actual, pred : vector variables of one length and any dtype; ValueError for other dimensions

    Returns
    -------
    [counts, order] : int64 matrix, rows for the actual and columns for the predicted ones; the vector of the
        sorted distinct observations, which rows and columns stand for
    """
    if actual.ndim != 1:
        raise ValueError("actual must be 1-d tensor variable")
    if pred.ndim != 1:
        raise ValueError("pred must be 1-d tensor variable")
    order = Unique(False, False, False)(T.concatenate([actual, pred]))
    is_actual, is_pred = [T.eq(v.dimshuffle(0, "x"), order).astype("int64") for v in (actual, pred)]
    return [T.dot(is_actual.T, is_pred), order]
