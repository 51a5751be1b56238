"""Passes that prepare a graph for others."""

import warnings

from theanojax.compile.aliasing import Supervisor
from theanojax.graph.destroy import DestroyHandler
from theanojax.graph.rewriting.base import Optimizer
from theanojax.rewrites.registry import optdb


class AddDestroyHandler(Optimizer):
    """Attaches a DestroyHandler, without which no in-place Op may enter a graph."""

    finishing = True

    def apply(self, fgraph):
        if not any(isinstance(f, Supervisor) for f in fgraph._features):
            warnings.warn(
                "WARNING: Supervisor is not added. Please build a FunctionGraph via "
                "theano.compile.function_module.std_graph() or add the Supervisor class manually.",
                stacklevel=3,
            )

    def add_requirements(self, fgraph):
        super().add_requirements(fgraph)
        fgraph.attach_feature(DestroyHandler())


class AddFeatureOptimizer(Optimizer):
    """Attaches the feature `feature`."""

    def __init__(self, feature):
        self.feature = feature

    def add_requirements(self, fgraph):
        super().add_requirements(fgraph)
        fgraph.attach_feature(self.feature)

    def apply(self, fgraph):
        """Nothing is changed."""


optdb.register("add_destroy_handler", AddDestroyHandler(), 49.5, "fast_run", "inplace")
