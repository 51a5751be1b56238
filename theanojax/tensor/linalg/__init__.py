"""Linear algebra: products, as Theano writes them and as BLAS does, decompositions, and what is made of them."""
