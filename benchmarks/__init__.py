"""theanojax measured against Theano 1.0.5, PyTensor, JAX written by hand and numpy: ``python -m benchmarks``.

``contenders`` finds or makes their environments, ``measure`` runs one process per program and contender,
``report`` writes what came out. ``worker/`` is what runs inside a contender's own interpreter, from Python 3.8 on.
"""
