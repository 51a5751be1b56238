"""Rewriting a FunctionGraph as a whole: Optimizer, and how several are run one after another."""

from __future__ import annotations

import contextlib
import copy
import logging
import sys
import time
import traceback
from typing import TYPE_CHECKING

from theanojax.config import config
from theanojax.graph.destroy import DestroyHandler
from theanojax.graph.rewriting.profile import RewriteProfile
from theanojax.graph.signals import by_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, TextIO, TypeVar

    from theanojax.graph.fgraph import FunctionGraph
    from theanojax.graph.rewriting.local import LocalOptimizer
    from theanojax.graph.rewriting.profile import RewriteReport

    MakeContext = Callable[[], AbstractContextManager[object]]
    Requirement = Callable[[FunctionGraph], object]
    K = TypeVar("K")


_logger = logging.getLogger("theanojax.graph.rewriting.base")


# Context managers (without arguments) that are entered while any optimizer runs.
_contexts: list[MakeContext] = []


def while_rewriting(make_context: MakeContext) -> MakeContext:
    """Register a function that returns a context manager; it is entered while any optimizer runs."""
    _contexts.append(make_context)
    return make_context


class Optimizer:
    """Something that improves a FunctionGraph.

    A subclass defines ``apply(fgraph)``, and ``add_requirements(fgraph)`` when it needs features. Two optimizers
    are equal only when they are the same object.

    `finishing` marks those that change only how the graph of a compiled function reads, not what it computes or how
    quickly. They run when somebody looks at the graph. `running` marks those that only the graph that runs is
    rewritten by.
    """

    name: str | None = None
    __name__: str
    finishing = False
    running = False

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def apply(self, fgraph: FunctionGraph) -> Any:
        """Change `fgraph`; may return a report."""

    def report(self, profile: RewriteProfile) -> tuple[Any, ...]:
        """What ``apply`` returns, as a tuple, of the RewriteProfile of a run."""
        return ()

    def optimize(self, fgraph: FunctionGraph, *args: Any, **kwargs: Any) -> Any:
        """Attach the required features, then apply."""
        self.add_requirements(fgraph)
        with contextlib.ExitStack() as stack:
            for make_context in _contexts:
                stack.enter_context(make_context())
            return self.apply(fgraph, *args, **kwargs)

    def __call__(self, fgraph: FunctionGraph) -> Any:
        return self.optimize(fgraph)

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach to `fgraph` the features that ``apply`` relies on."""

    def print_summary(self, stream: TextIO = sys.stdout, level: int = 0, depth: int = -1) -> None:
        print("%s%s %s id=%i" % (" " * level, type(self).__name__, getattr(self, "name", None), id(self)), file=stream)

    @staticmethod
    def print_profile(stream: TextIO, prof: Any, level: int = 0) -> None:
        if prof is not None:
            prof.print(stream, level)


class FromFunction:
    """What optimizers made of a function share: `requirements`, functions that are called with the graph before."""

    requirements: Sequence[Requirement]
    __name__: str

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        for require in self.requirements:
            require(fgraph)

    def __str__(self) -> str:
        return getattr(self, "__name__", "<%s instance>" % type(self).__name__)


class FromFunctionOptimizer(FromFunction, Optimizer):
    """An optimizer whose ``apply`` is the function `fn`."""

    def __init__(self, fn: Callable[..., Any], requirements: Sequence[Requirement] = ()) -> None:
        self.apply = self.fn = fn  # type: ignore[method-assign]  # it prints as the function
        self.requirements = requirements

    def print_summary(self, stream: TextIO = sys.stdout, level: int = 0, depth: int = -1) -> None:
        print("%s%s id=%i" % (" " * level, self.apply, id(self)), file=stream)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)


def _optimizer_of(f: Callable[..., Any], *requirements: Requirement) -> FromFunctionOptimizer:
    made = FromFunctionOptimizer(f, requirements)
    made.__name__ = f.__name__
    return made


def optimizer(f: Callable[..., Any]) -> FromFunctionOptimizer:
    """Decorator: make the function ``f(fgraph)`` an Optimizer."""
    return _optimizer_of(f)


def require_destroy_handler(fgraph: FunctionGraph) -> None:
    """Attach the feature that keeps in-place Ops from overwriting what is still needed."""
    fgraph.attach_feature(DestroyHandler())


def inplace_optimizer(f: Callable[..., Any]) -> FromFunctionOptimizer:
    """Decorator: as `optimizer`, for one that puts in-place Ops into the graph."""
    return _optimizer_of(f, require_destroy_handler)


def print_parts(parts: Iterable[Optimizer | LocalOptimizer], stream: TextIO, level: int, depth: int) -> None:
    """The summaries of the rewrites that one at `level` is made of, unless `depth` is used up."""
    for part in parts if depth != 0 else ():
        part.print_summary(stream, level=level + 2, depth=depth - 1)


def log_failure(*lines: str) -> None:
    """Log `lines`, then the traceback of the exception that is being handled, as errors."""
    for line in (*lines, traceback.format_exc()):
        _logger.error(line)


class SeqOptimizer(Optimizer, list[Optimizer]):
    """A list of optimizers, applied in turn.

    `failure_callback(exception, self, optimizer)` is called when one fails; without it the exception goes on.
    AssertionErrors always do.
    """

    __hash__ = Optimizer.__hash__  # type: ignore[assignment]  # unlike a list
    __eq__ = Optimizer.__eq__
    __ne__ = Optimizer.__ne__

    def __init__(
        self, *opts: Any, failure_callback: Callable[[Exception, SeqOptimizer, Optimizer], None] | None = None
    ) -> None:
        given_as_one = len(opts) == 1 and isinstance(opts[0], (list, tuple))
        list.__init__(self, opts[0] if given_as_one else opts)
        self.failure_callback = failure_callback
        self.pre_profile: RewriteReport | None = None

    @staticmethod
    def warn(exc: Exception, self: SeqOptimizer, optimizer: Optimizer) -> None:
        """The usual failure callback: log, then do as ``config.on_opt_error`` says."""
        log_failure("SeqOptimizer apply %s" % optimizer, "Traceback:")
        if config.on_opt_error == "raise":
            raise exc
        if config.on_opt_error == "pdb":
            import pdb

            pdb.post_mortem(sys.exc_info()[2])

    def apply(self, fgraph: FunctionGraph) -> RewriteReport:
        profile = RewriteProfile(self, fgraph)
        try:
            for opt in self:
                start, before = time.perf_counter(), len(fgraph.apply_nodes)
                try:
                    sub = opt.optimize(fgraph)
                except AssertionError:
                    raise
                except Exception as e:
                    if self.failure_callback is None or by_signal(e):
                        raise
                    self.failure_callback(e, self, opt)
                    continue
                profile.add_part(opt, time.perf_counter() - start, (before, len(fgraph.apply_nodes)), sub)
        finally:
            self.pre_profile = profile.close(fgraph)
        return self.pre_profile

    def report(self, profile: RewriteProfile) -> tuple[Any, ...]:
        _opts, seconds, nodes, reports = map(list, zip(*profile.parts)) if profile.parts else ([], [], [], [])
        return (self, seconds, None, profile.callbacks, *profile.nodes, reports, [], nodes, {})

    def without_finishing(self) -> SeqOptimizer:
        """This sequence without the optimizers marked ``finishing``; itself if there are none."""
        return self._without("finishing")

    def without_running(self) -> SeqOptimizer:
        """This sequence without the optimizers marked ``running``; itself if there are none."""
        return self._without("running")

    def _without(self, mark: str) -> SeqOptimizer:
        kept = [opt._without(mark) if isinstance(opt, SeqOptimizer) else opt for opt in self if not getattr(opt, mark)]
        kept = [opt for opt in kept if opt or not isinstance(opt, SeqOptimizer)]
        if len(kept) == len(self) and all(a is b for a, b in zip(kept, self)):
            return self
        twin = copy.copy(self)
        twin[:] = kept
        return twin

    __repr__ = list.__repr__

    def __str__(self) -> str:
        return "SeqOpt(%r)" % self

    def print_summary(self, stream: TextIO = sys.stdout, level: int = 0, depth: int = -1) -> None:
        Optimizer.print_summary(self, stream, level)
        print_parts(self, stream, level, depth)

    @staticmethod
    def merge_profile(prof1: RewriteReport, prof2: RewriteReport) -> RewriteReport:
        return prof1.merged_with(prof2)


def merge_dict(d1: dict[K, Any], d2: dict[K, Any]) -> dict[K, Any]:
    """The union of two dicts, values of common keys added."""
    merged = dict(d1)
    for k, v in d2.items():
        merged[k] = merged[k] + v if k in merged else v
    return merged
