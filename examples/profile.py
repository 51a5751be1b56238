"""Where does the time go? The profile of the "Advanced Theano" tutorial: its logistic regression in ProfileMode.

python profile.py [steps]

The mode is chosen by flags, as in the tutorial; what all functions of the mode have spent is printed when Python exits.
"""

import os
import sys

os.environ.setdefault("THEANO_FLAGS", "mode=ProfileMode,ProfileMode.profile_memory=True")

import numpy

import theano
import theano.tensor as T

N, FEATURES = 400, 784

random = numpy.random.RandomState(1234)
inputs, labels = random.randn(N, FEATURES), random.randint(0, 2, N).astype("float64")

x, y = T.dmatrix("x"), T.dvector("y")
w = theano.shared(random.randn(FEATURES), name="w")
b = theano.shared(0.0, name="b")
probability = 1 / (1 + T.exp(-T.dot(x, w) - b))
prediction = probability > 0.5
cross_entropy = -y * T.log(probability) - (1 - y) * T.log(1 - probability)
cost = cross_entropy.mean() + 0.01 * (w**2).sum()
step_w, step_b = T.grad(cost, [w, b])

train = theano.function(
    [x, y], [prediction, cross_entropy], updates=[(w, w - 0.1 * step_w), (b, b - 0.1 * step_b)], name="train"
)
predict = theano.function([x], prediction, name="predict")

if __name__ == "__main__":
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 10000):
        train(inputs, labels)
    print("training examples predicted wrong: %d of %d" % ((predict(inputs) != labels).sum(), N))
