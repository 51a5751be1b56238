"""Logistic regression by gradient descent on random data: the model whose graphs the tutorial prints.

python -m theanojax run logistic_regression.py [steps]
"""
import sys
import time

import numpy
import theano
import theano.tensor as T

N, FEATURES = 400, 784

numpy.random.seed(1234)
inputs = numpy.random.randn(N, FEATURES)
labels = numpy.random.randint(0, 2, N)

x, y = T.dmatrix('x'), T.dvector('y')
w = theano.shared(numpy.random.randn(FEATURES), name='w')
b = theano.shared(0., name='b')

probability = 1 / (1 + T.exp(-T.dot(x, w) - b))
prediction = probability > 0.5
cross_entropy = -(y * T.log(probability) + (1 - y) * T.log(1 - probability))
cost = cross_entropy.mean() + 0.01 * (w ** 2).sum()
step_w, step_b = T.grad(cost, [w, b])

predict = theano.function([x], prediction, name='predict')
train = theano.function([x, y], [prediction, cross_entropy], name='train',
                        updates=[(w, w - 0.1 * step_w), (b, b - 0.1 * step_b)])

if __name__ == '__main__':
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    start = time.time()
    for i in xrange(steps):
        guesses, errors = train(inputs, labels)
    seconds = time.time() - start
    wrong = numpy.sum(predict(inputs) != labels)
    print 'mean cross-entropy after %d steps: %.6f' % (steps, errors.mean())
    print 'training examples predicted wrong: %d of %d' % (wrong, N)
    print '%.0f microseconds a step' % (seconds / steps * 1e6)
