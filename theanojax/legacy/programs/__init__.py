"""The programs of `theano.misc`: ``python -m theano.misc.check_blas`` and others, which measure what runs here."""
