"""theano.tensor.signal: pooling, and convolution of single-channel images."""
