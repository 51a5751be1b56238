"""theano.tensor.nnet: Ops for neural networks."""

from theanojax.tensor.nnet.blocksparse import sparse_block_dot as sparse_block_dot
from theanojax.tensor.nnet.bn import batch_normalization as batch_normalization
from theanojax.tensor.nnet.crossentropy import CrossentropyCategorical1Hot as CrossentropyCategorical1Hot
from theanojax.tensor.nnet.crossentropy import CrossentropyCategorical1HotGrad as CrossentropyCategorical1HotGrad
from theanojax.tensor.nnet.crossentropy import CrossentropySoftmax1HotWithBiasDx as CrossentropySoftmax1HotWithBiasDx
from theanojax.tensor.nnet.crossentropy import (
    CrossentropySoftmaxArgmax1HotWithBias as CrossentropySoftmaxArgmax1HotWithBias,
)
