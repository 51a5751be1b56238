"""MonitorMode: call functions of the user before and after each node."""

import numpy as np

from theanojax.compile.linkers import OpWiseCLinker, WrapLinkerMany
from theanojax.compile.mode import Mode
from theanojax.config import config
from theanojax.graph.fgraph_first import by_node
from theanojax.printing import debugprint


class MonitorMode(Mode):
    """A mode that runs on the host, node by node, and shows each node.

    Parameters
    ----------
    pre_func, post_func : callable, optional
        Called as ``f(index, node, fn)``, or ``f(fgraph, index, node, fn)`` if that is how they are defined, before and
        after each node; the values are in the cells ``fn.inputs`` and ``fn.outputs``.
    optimizer : as of `Mode`.
    linker : must not be given.
    """

    def __init__(self, pre_func=None, post_func=None, optimizer="default", linker=None):
        self.pre_func, self.post_func = pre_func, post_func
        if linker is not None:
            raise Exception("MonitorMode can only use its own linker! You should not provide one.", linker)
        super().__init__(
            WrapLinkerMany([OpWiseCLinker()], [self.eval]),
            optimizer=config.optimizer if optimizer == "default" else optimizer,
        )

    def __reduce__(self):
        return type(self), (self.pre_func, self.post_func, self.provided_optimizer)

    def eval(self, i, node, fn):
        """Run one node, with what is to be called around it."""
        before, after = (by_node(call or _nothing, node=1) for call in (self.pre_func, self.post_func))
        before(i, node, fn)
        fn()
        after(i, node, fn)

    def clone(self, link_kwargs=None, optimizer="", **kwargs):
        """A MonitorMode with the same functions, and another `optimizer` if given."""
        return type(self)(
            pre_func=self.pre_func,
            post_func=self.post_func,
            optimizer=self.provided_optimizer if optimizer == "" else optimizer,
        )


def _nothing(i, node, fn):
    """Stands for a function that was not given."""


def detect_nan(i, node, fn):
    """A `post_func` that prints the first node output that holds NaN."""
    results = [cell[0] for cell in fn.outputs]
    if any(np.isnan(value).any() for value in results if not isinstance(value, np.random.RandomState)):
        print("*** NaN detected ***")
        debugprint(node)
        print("Inputs :", [cell[0] for cell in fn.inputs])
        print("Outputs:", results)
