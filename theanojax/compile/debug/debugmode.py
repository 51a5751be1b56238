"""DebugMode: compile and run with every check there is.

It is slow: rewriting is repeated, each node runs on copies of its inputs, values are compared between the two
executors and between a graph and its rewritten version.
"""

import logging

from theanojax.compile.debug.errors import (
    BadDestroyMap as BadDestroyMap,
    BadOptimization as BadOptimization,
    BadThunkOutput as BadThunkOutput,
    BadViewMap as BadViewMap,
    DebugModeError as DebugModeError,
    InvalidValueError as InvalidValueError,
    StochasticOrder as StochasticOrder,
)
from theanojax.compile.linkers import ExecutorLinker
from theanojax.compile.maker import FunctionMaker, std_fgraph
from theanojax.compile.mode import Mode, made_anew, register_mode
from theanojax.config import config, flags_of_thread
from theanojax.graph.op import Op
from theanojax.printing.debug import (
    char_from_number as char_from_number,
    print_tree as debugprint,  # noqa: F401 - Theano's name for it
)

default_make_thunk = [Op.make_thunk]


class NoDuplicateOptWarningFilter(logging.Filter):
    """A filter for loggers that lets each warning about a rewrite pass once."""

    prev_msgs: set = set()

    def filter(self, record):
        message = record.getMessage()
        if not message.startswith("Optimization Warning: "):
            return True
        new = message not in self.prev_msgs
        self.prev_msgs.add(message)
        return new


class DataDestroyed:
    """What stands for a value that an in-place Op has overwritten."""


data_destroyed = DataDestroyed()


class _Linker(ExecutorLinker):
    """The linker of DebugMode; its graphs know the tracker that watched them change."""

    mode, shows_nodes = None, True

    def make_executor(self, updates):
        from theanojax.compile.debug.run import DebugExecutor

        return DebugExecutor(self.fgraph, self.fgraph.debug_tracker, self.mode)


class _Maker(FunctionMaker):
    """Watches the rewriting, and repeats it to see whether it gives the same result."""

    def _rewrite(self, optimizer, output_specs):
        mode, inputs, outputs = self.mode, self.inputs, self.outputs
        tracker, first = self._watch(self.executed_fgraph), []

        def rewrite_and_note(fgraph):
            report = optimizer(fgraph)
            first.extend(tracker.events)  # copies of outputs, put in later, are no rewrites
            return report

        super()._rewrite(rewrite_and_note, output_specs)
        for _ in range(1, mode.stability_patience):
            graph, _ = std_fgraph(inputs, outputs, accept_inplace=True)
            again = self._watch(graph)
            with flags_of_thread(compute_test_value=config.compute_test_value_opt):
                optimizer(graph)
            if again.events != first:
                at = next(
                    (i for i, (a, b) in enumerate(zip(again.events, first)) if a != b),
                    min(len(first), len(again.events)),
                )
                raise StochasticOrder(
                    "Rewriting the graph again took another course at change %d: %s, before %s"
                    % (at, again.events[at : at + 1], first[at : at + 1])
                )

    @staticmethod
    def _watch(fgraph):
        from theanojax.compile.debug.run import VariableTracker

        tracker = fgraph.debug_tracker = VariableTracker()
        fgraph.attach_feature(tracker)
        return tracker

    def _link(self, linker, output_specs):
        if not hasattr(self.executed_fgraph, "debug_tracker"):
            self._watch(self.executed_fgraph)
        linker.mode = self.mode
        super()._link(linker, output_specs)


class DebugMode(Mode):
    """A mode that finds mistakes in Ops, rewrites and executors.

    Parameters
    ----------
    optimizer : as of `Mode`.
    stability_patience : int
        How many times to rewrite a graph; a different result raises StochasticOrder.
    check_c_code : bool
        Run the graph with XLA too, and Ops that have both ``perform`` and C code by their C code, and raise
        BadThunkOutput if a node gives another value there.
    check_py_code : bool
        Run it on the host; that is always done.
    check_isfinite : bool
        Raise InvalidValueError for NaN and infinities.
    check_preallocated_output : list of str
        Run each ``perform`` again with output memory of these kinds: "previous", "c_contiguous", "f_contiguous",
        "strided", "wrong_size", "ALL".
    require_matching_strides : accepted; strides do not exist in XLA.
    linker : must not be given.

    A parameter that is None takes its value from ``config.DebugMode``. Also raised: BadOptimization for a rewrite
    that changes a value, BadDestroyMap and BadViewMap for Ops that change or share memory without saying so.
    """

    stability_patience = config.DebugMode.patience
    check_c_code = config.DebugMode.check_c
    check_py_code = config.DebugMode.check_py
    check_isfinite = config.DebugMode.check_finite
    require_matching_strides = config.DebugMode.check_strides
    check_preallocated_output = config.DebugMode.check_preallocated_output.split(":")

    def __init__(
        self,
        optimizer="fast_run",
        stability_patience=None,
        check_c_code=None,
        check_py_code=None,
        check_isfinite=None,
        check_preallocated_output=None,
        require_matching_strides=None,
        linker=None,
    ):
        if linker is not None and not isinstance(linker, _Linker):
            raise Exception("DebugMode can only use its own linker! You should not provide one.", linker)
        super().__init__(optimizer=optimizer, linker=_Linker())
        given = dict(
            stability_patience=stability_patience,
            check_c_code=check_c_code,
            check_py_code=check_py_code,
            check_isfinite=check_isfinite,
            require_matching_strides=require_matching_strides,
            check_preallocated_output=check_preallocated_output and list(check_preallocated_output),
        )
        self.__dict__.update({k: v for k, v in given.items() if v is not None})
        # Ops that are written in C are checked anyhow
        if not (self.check_c_code or self.check_py_code or (check_c_code is None and config.cxx)):
            raise ValueError("DebugMode has to check at least one of c and py code")

    def function_maker(self, i, o, m, *args, **kwargs):
        """The FunctionMaker that does the checks of compilation."""
        return _Maker(i, o, self, *args, **kwargs)

    def _checks(self):
        names = (
            "stability_patience",
            "check_c_code",
            "check_py_code",
            "check_isfinite",
            "check_preallocated_output",
            "require_matching_strides",
        )
        return {name: getattr(self, name) for name in names}

    def clone(self, link_kwargs=None, optimizer="", **kwargs):
        """This mode with another `optimizer`."""
        return type(self)(optimizer=self.provided_optimizer if optimizer == "" else optimizer, **self._checks())

    def __reduce__(self):
        return _rebuild, (type(self), self.provided_optimizer, self._checks())

    def __str__(self):
        return "DebugMode(linker=%s, optimizer=%s)" % (self.provided_linker, self.provided_optimizer)


def _rebuild(cls, optimizer, checks):
    return cls(optimizer=optimizer, **checks)


register_mode("DEBUG_MODE", DebugMode(optimizer="fast_run"))
made_anew["DebugMode"] = DebugMode
