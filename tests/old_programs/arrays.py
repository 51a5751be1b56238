import numpy as np
from numpy import *
from numpy.random import random_integers
import scipy
from scipy.misc import comb, logsumexp
from scipy import signal, integrate
import scipy.misc
a = np.arange(10)
n = 4.0
print np.float(3) / 2, np.int(3.7) / 2, np.bool(1), np.zeros((2, 3), dtype=np.float).sum() / 4, a[len(a) / 2]
print np.product([2, 3]), np.alltrue([1, 1]), np.asscalar(np.array([3])), np.rank([1]), np.cast['int32'](3.7), product([1, 2])
print np.random.RandomState(1).random_integers(3, 3), random_integers(2, 2), np.linspace(0, 1, 5.0)[1], np.zeros(3.).shape
print scipy.zeros(2), comb(4, 2), '%.3f' % logsumexp([1., 2.]), signal.gaussian(3, 1.)[1], integrate.simps([1., 1.])
print scipy.misc.factorial(3), np.array([1, 2], copy=False) / 2, np.array([1., 2]) / 2, np.in1d([1], [1, 2]), np.Inf > 1
print a == None, (a != None), np.fromstring('ab', dtype='uint8'), np.round_(2.567, 1), np.lib.stride_tricks.as_strided(a, (2,))
x = np.ones((4, 6))
print x.shape[0] / 3, x[: x.shape[1] / 3].shape, x.mean() / 2, x.ptp(), np.sqrt(4) / 3 * 3
print np.dot(x.T, x).shape, float_, np.core.numeric.ones(1), np.floor(5 / 2) / 4, np.asfarray([1]), x.sum() / 5
