'''Learn whether a sequence goes up, with a small LSTM: as tutorials of 2015 have it, for Python 2 or 3.'''
from __future__ import print_function
import six.moves.cPickle as pickle
from collections import OrderedDict
import sys
import numpy
import theano
from theano import config
import theano.tensor as tensor


def get_minibatches_idx(n, size, shuffle=False):
    idx = numpy.arange(n, dtype="int32")
    if shuffle:
        numpy.random.shuffle(idx)
    batches = [idx[i:i + size] for i in range(0, n, size)]
    return zip(range(len(batches)), batches)


def itemlist(tparams):
    return [vv for kk, vv in tparams.items()]


def init_params(n):
    params = OrderedDict()
    rng = numpy.random.RandomState(1)
    params['W'] = (rng.randn(1, 4 * n) * .5).astype(config.floatX)
    params['U'] = (rng.randn(n, 4 * n) * .5).astype(config.floatX)
    params['b'] = numpy.zeros(4 * n).astype(config.floatX)
    params['V'] = (rng.randn(n, 2) * .5).astype(config.floatX)
    return OrderedDict((k, theano.shared(v, name=k)) for k, v in params.items())


def build(p, n):
    x, y = tensor.matrix('x'), tensor.ivector('y')

    def _slice(_x, k):
        return _x[:, k * n:(k + 1) * n]

    def step(x_t, h, c):
        z = tensor.dot(x_t.dimshuffle(0, 'x'), p['W']) + tensor.dot(h, p['U']) + p['b']
        i, f, o = [tensor.nnet.sigmoid(_slice(z, k)) for k in range(3)]
        c = f * c + i * tensor.tanh(_slice(z, 3))
        return o * tensor.tanh(c), c

    zeros = tensor.alloc(numpy.asarray(0., dtype=config.floatX), x.shape[1], n)
    (h, c), updates = theano.scan(step, sequences=[x], outputs_info=[zeros, zeros])
    pred = tensor.nnet.softmax(tensor.dot(h[-1], p['V']))
    cost = -tensor.log(pred[tensor.arange(y.shape[0]), y] + 1e-8).mean()
    return x, y, pred, cost


def pred_error(f_pred, x, y, iterator):
    valid_err, seen = 0, 0
    for _, index in iterator:
        valid_err += (f_pred(x[:, index]) == y[index]).sum()
        seen += len(index)
    return 1. - float(valid_err) / max(seen, 1) if seen else 1.


def main(max_epochs=30, n=6):
    numpy.random.seed(3)
    x = numpy.random.randn(5, 64).cumsum(0).astype(config.floatX)
    y = (x[-1] > x[0]).astype('int32')
    p = init_params(n)
    X, Y, pred, cost = build(p, n)
    grads = tensor.grad(cost, wrt=itemlist(p))
    train = theano.function([X, Y], cost, updates=[(v, v - .5 * g) for v, g in zip(itemlist(p), grads)])
    f_pred = theano.function([X], pred.argmax(axis=1))
    kf_valid = get_minibatches_idx(64, 16)
    history = []
    for epoch in range(max_epochs):
        for _, index in get_minibatches_idx(64, 16, shuffle=True):
            c = train(x[:, index], y[index])
        history.append(pred_error(f_pred, x, y, kf_valid))
    print('error %.2f, then %.2f' % (history[0], history[-1]))
    return history


if __name__ == '__main__':
    main()
