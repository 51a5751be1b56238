"""theano.tensor.nnet: Ops for neural networks."""

from theanojax.tensor.nnet.sigm import hard_sigmoid as hard_sigmoid
from theanojax.tensor.nnet.sigm import sigmoid as sigmoid
from theanojax.tensor.nnet.sigm import sigmoid_inplace as sigmoid_inplace
from theanojax.tensor.nnet.sigm import softplus as softplus
from theanojax.tensor.nnet.sigm import ultra_fast_sigmoid as ultra_fast_sigmoid
