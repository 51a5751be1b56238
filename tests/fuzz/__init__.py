"""Random graphs over all families of Ops, run through both executors: `python -m tests.fuzz`."""

from . import elementwise, indices, linalg, loops, networks, ordering, reductions, shapes, wrapping
from .builder import random_graph

SUBJECTS = elementwise, reductions, shapes, indices, ordering, linalg, networks, loops, wrapping

__all__ = ["SUBJECTS", "random_graph"]
