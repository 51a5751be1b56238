# A softmax regression on a data set as the tutorials have it.
import cPickle
import gzip
import os
import sys
import time

import numpy
import theano
import theano.tensor as T


def make(path):
    rng = numpy.random.RandomState(3)
    x = rng.uniform(size=(60, 5)).astype('float32')
    f = gzip.open(path, 'wb')
    cPickle.dump(((x, (x.sum(axis=1) > 2.5).astype('int64')), {'name': 'toy'}), f, -1)
    f.close()


class Softmax(object):
    def __init__(self, input, n_in, n_out):
        self.W = theano.shared(value=numpy.zeros((n_in, n_out), dtype=theano.config.floatX), name='W', borrow=True)
        self.p = T.nnet.softmax(T.dot(input, self.W))
        self.params = [self.W]

    def cost(self, y):
        return -T.mean(T.log(self.p)[T.arange(y.shape[0]), y])


def sgd(learning_rate=0.5, n_epochs=3, batch_size=20):
    make('toy.pkl.gz')
    f = gzip.open('toy.pkl.gz', 'rb')
    (x, y), about = cPickle.load(f)
    f.close()
    n_batches = x.shape[0] / batch_size
    print '... %s: %d batches' % (about['name'], n_batches)
    index, X, Y = T.lscalar(), T.matrix('x'), T.ivector('y')
    shared_x = theano.shared(numpy.asarray(x, dtype=theano.config.floatX), borrow=True)
    shared_y = T.cast(theano.shared(numpy.asarray(y, dtype=theano.config.floatX), borrow=True), 'int32')
    model = Softmax(X, 5, 2)
    cost = model.cost(Y)
    gparams = [T.grad(cost, p) for p in model.params]
    updates = [(p, p - learning_rate * g) for p, g in zip(model.params, gparams)]
    part = slice(index * batch_size, (index + 1) * batch_size)
    train = theano.function([index], cost, updates=updates, givens={X: shared_x[part], Y: shared_y[part]})
    start = time.clock()
    patience = 2 * n_batches
    frequency = min(n_batches, patience / 2)
    for epoch in xrange(n_epochs):
        costs = [train(i) for i in xrange(n_batches)]
        print 'epoch %i, cost %.4f' % (epoch, numpy.mean(costs)), frequency, epoch / 2
    print >>sys.stderr, 'ran for %.1fs' % (time.clock() - start)
    print isinstance(numpy.float(1), float), numpy.asarray([1, 2], dtype=numpy.int) / 2


if __name__ == '__main__':
    sgd()
    os.remove('toy.pkl.gz')
