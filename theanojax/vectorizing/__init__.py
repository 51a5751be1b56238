"""Graphs for one row made into graphs for many: what `theanojax.vectorize` is."""

from theanojax.vectorizing.batch import Batch as Batch
from theanojax.vectorizing.graphs import vectorize as vectorize, vectorize_graph as vectorize_graph
