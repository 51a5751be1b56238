import os
os.environ['THEANO_FLAGS'] = 'floatX=float32,device=cpu'
import sys
import theano, theano.tensor as T
from theano.tensor.signal import downsample
from theano.tensor.shared_randomstreams import RandomStreams
def quarter(n):
    return n / 4
x = T.matrix('x')
i = T.iscalar('i')
print theano.config.floatX, x.dtype, quarter(9), theano.function([i], i / 2)(7), theano.function([x], x / 2)([[3]])
print theano.function([x], downsample.max_pool_2d(x.dimshuffle('x', 'x', 0, 1), (2, 2)))([[1, 2], [3, 4]]).shape
print theano.pp(1 / (1 + T.exp(-x))), quarter(T.fscalar('s')).type, T.arange(i) / i
k = T.lscalar('k')
print theano.scan(lambda p: p * 2, outputs_info=T.constant(1.), n_steps=k / 2)[0].ndim, max(3, quarter(i).ndim)
